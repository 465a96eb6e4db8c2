//! The outbox: one row a lead. A lead is accepted once its row is on the disk, and moves on by one statement a step, so
//! that replicas can share the file and a kill loses nothing.

use std::{future::Future, path::Path, time::Duration};

use jiff::Timestamp;
use sqlx::{
    FromRow, SqlitePool,
    migrate::Migrator,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};
use tokio::time::timeout;

pub static MIGRATIONS: Migrator = sqlx::migrate!("./migrations");

/// No statement may take longer.
const STATEMENT: Duration = Duration::from_secs(3);

/// What reads the whole file may take this long.
const WHOLE_FILE: Duration = Duration::from_mins(10);

/// How far a lead is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, sqlx::Type)]
#[serde(rename_all = "lowercase")]
#[sqlx(rename_all = "lowercase")]
pub enum State {
    /// To be sent.
    Pending,
    /// A replica has it in hand.
    Sending,
    /// Clay has it; `run_id` says as what.
    Running,
    /// Enriched, until its retention ends.
    Done,
    /// Needs a person; `reason` says why.
    Dead,
}

impl State {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Sending => "sending",
            Self::Running => "running",
            Self::Done => "done",
            Self::Dead => "dead",
        }
    }
}

#[derive(Debug, Clone, FromRow)]
pub struct Lead {
    pub id: String,
    pub fingerprint: String,
    pub inputs: String,
    pub state: State,
    pub attempts: i64,
    pub run_id: Option<String>,
    pub result: Option<String>,
    pub reason: Option<String>,
    pub request_id: String,
    pub traceparent: Option<String>,
}

/// A lead that comes in.
#[derive(Debug)]
pub struct NewLead {
    pub id: String,
    pub idempotency_key: String,
    pub fingerprint: String,
    pub inputs: String,
    pub request_id: String,
    pub traceparent: Option<String>,
}

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the database failed: {0}")]
    Database(#[from] sqlx::Error),
    #[error("the database has not answered in time")]
    Slow,
    #[error("the schema cannot be changed: {0}")]
    Migration(#[from] sqlx::migrate::MigrateError),
}

/// There is one writer at a time: waiting for it in a pool of one is fair, and readers never wait for it.
#[derive(Debug, Clone)]
pub struct Store {
    writer: SqlitePool,
    reader: SqlitePool,
}

impl Store {
    /// Opens the file, and makes it where there is none. `shared`: by several machines, which rules out a write-ahead log.
    pub async fn open(path: &Path, shared: bool) -> Result<Self, Error> {
        let journal = if shared { SqliteJournalMode::Truncate } else { SqliteJournalMode::Wal };
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(journal)
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(Duration::from_secs(2));
        let writer = SqlitePoolOptions::new().max_connections(1).acquire_timeout(Duration::from_secs(2));
        let reader = SqlitePoolOptions::new().max_connections(4).acquire_timeout(Duration::from_secs(2));
        Ok(Self { writer: writer.connect_with(options.clone()).await?, reader: reader.connect_with(options).await? })
    }

    pub async fn migrate(&self) -> Result<(), Error> {
        Ok(MIGRATIONS.run(&self.writer).await?)
    }

    /// Takes every migration after this version back.
    pub async fn migrate_down(&self, to: i64) -> Result<(), Error> {
        Ok(MIGRATIONS.undo(&self.writer, to).await?)
    }

    pub async fn close(&self) {
        self.reader.close().await;
        self.writer.close().await;
    }

    pub async fn ping(&self) -> Result<(), Error> {
        bounded(sqlx::query("SELECT 1 FROM leads LIMIT 1").fetch_optional(&self.reader)).await?;
        Ok(())
    }

    /// Keeps a lead, unless its key is known: then the lead that has it is given back.
    pub async fn accept(&self, lead: &NewLead) -> Result<Lead, Error> {
        let insert = sqlx::query(
            "INSERT INTO leads (id, idempotency_key, fingerprint, inputs, request_id, traceparent, state, due_at, changed_at)
             VALUES ($1, $2, $3, $4, $5, $6, 'pending', $7, $7) ON CONFLICT (idempotency_key) DO NOTHING",
        )
        .bind(&lead.id)
        .bind(&lead.idempotency_key)
        .bind(&lead.fingerprint)
        .bind(&lead.inputs)
        .bind(&lead.request_id)
        .bind(&lead.traceparent)
        .bind(now());
        bounded(insert.execute(&self.writer)).await?;
        let select = sqlx::query_as("SELECT * FROM leads WHERE idempotency_key = $1").bind(&lead.idempotency_key);
        bounded(select.fetch_one(&self.reader)).await
    }

    pub async fn find(&self, id: &str) -> Result<Option<Lead>, Error> {
        bounded(sqlx::query_as("SELECT * FROM leads WHERE id = $1").bind(id).fetch_optional(&self.reader)).await
    }

    /// A lead that is due, claimed for this replica.
    pub async fn claim(&self) -> Result<Option<Lead>, Error> {
        let claim = sqlx::query_as(
            "UPDATE leads SET state = 'sending', changed_at = $1 WHERE id =
             (SELECT id FROM leads WHERE state = 'pending' AND due_at <= $1 ORDER BY due_at LIMIT 1) RETURNING *",
        )
        .bind(now());
        bounded(claim.fetch_optional(&self.writer)).await
    }

    /// Certainly not accepted by Clay: it may be sent again after `wait`.
    pub async fn release(&self, id: &str, wait: Duration, counts: bool) -> Result<(), Error> {
        let release = sqlx::query(
            "UPDATE leads SET state = 'pending', due_at = $2, changed_at = $3, attempts = attempts + $4
             WHERE id = $1 AND state = 'sending'",
        )
        .bind(id)
        .bind(after(wait))
        .bind(now())
        .bind(i64::from(counts));
        bounded(release.execute(&self.writer)).await?;
        Ok(())
    }

    /// Clay has taken it. Its results are asked for after `wait`, or at once if Clay has reported the run already.
    pub async fn started(&self, id: &str, run_id: &str, wait: Duration) -> Result<(), Error> {
        let started = sqlx::query(
            "UPDATE leads SET state = 'running', run_id = $2, changed_at = $3, due_at =
             CASE WHEN EXISTS (SELECT 1 FROM deliveries WHERE run_id = $2) THEN $3 ELSE $4 END
             WHERE id = $1 AND state = 'sending'",
        )
        .bind(id)
        .bind(run_id)
        .bind(now())
        .bind(after(wait));
        bounded(started.execute(&self.writer)).await?;
        Ok(())
    }

    /// Clay reports a run as finished. False: it has done so before.
    pub async fn delivered(&self, run_id: &str) -> Result<bool, Error> {
        let insert = sqlx::query("INSERT INTO deliveries (run_id, received_at) VALUES ($1, $2) ON CONFLICT DO NOTHING")
            .bind(run_id)
            .bind(now());
        let new = bounded(insert.execute(&self.writer)).await?.rows_affected() > 0;
        let due = sqlx::query("UPDATE leads SET due_at = $2 WHERE run_id = $1 AND state = 'running'")
            .bind(run_id)
            .bind(now());
        bounded(due.execute(&self.writer)).await?;
        Ok(new)
    }

    pub async fn is_delivered(&self, run_id: &str) -> Result<bool, Error> {
        let delivery = sqlx::query("SELECT 1 FROM deliveries WHERE run_id = $1").bind(run_id);
        Ok(bounded(delivery.fetch_optional(&self.reader)).await?.is_some())
    }

    /// A run whose results are to be asked for, put off until `again` so that no other replica asks as well.
    pub async fn due_run(&self, again: Duration) -> Result<Option<Lead>, Error> {
        let due = sqlx::query_as(
            "UPDATE leads SET due_at = $2, attempts = attempts + 1 WHERE id =
             (SELECT id FROM leads WHERE state = 'running' AND due_at <= $1 ORDER BY due_at LIMIT 1) RETURNING *",
        )
        .bind(now())
        .bind(after(again));
        bounded(due.fetch_optional(&self.writer)).await
    }

    /// False: somebody else has finished it.
    pub async fn finished(&self, id: &str, result: &str) -> Result<bool, Error> {
        let finished = sqlx::query(
            "UPDATE leads SET state = 'done', result = $2, changed_at = $3 WHERE id = $1 AND state = 'running'",
        )
        .bind(id)
        .bind(result)
        .bind(now());
        Ok(bounded(finished.execute(&self.writer)).await?.rows_affected() > 0)
    }

    /// It becomes a dead letter: a person has to look at it.
    pub async fn bury(&self, id: &str, reason: &str) -> Result<(), Error> {
        let bury = sqlx::query(
            "UPDATE leads SET state = 'dead', reason = $2, changed_at = $3 WHERE id = $1 AND state IN ('sending', 'running')",
        )
        .bind(id)
        .bind(reason)
        .bind(now());
        bounded(bury.execute(&self.writer)).await?;
        Ok(())
    }

    /// A person has looked at a dead letter, or at all of them: they are sent once more. How many that were.
    pub async fn replay(&self, id: Option<&str>) -> Result<u64, Error> {
        let replay = sqlx::query(
            "UPDATE leads SET state = 'pending', reason = NULL, run_id = NULL, attempts = 0, due_at = $2, changed_at = $2
             WHERE state = 'dead' AND ($1 IS NULL OR id = $1)",
        )
        .bind(id)
        .bind(now());
        Ok(bounded(replay.execute(&self.writer)).await?.rows_affected())
    }

    /// Leads that a replica had in hand when it died. Whether Clay has them nobody knows: sending again may charge twice.
    pub async fn recover(&self, lease: Duration) -> Result<u64, Error> {
        let recover = sqlx::query(
            "UPDATE leads SET state = 'dead', reason = 'the replica that sent it died; Clay may have it', changed_at = $1
             WHERE state = 'sending' AND changed_at <= $2",
        )
        .bind(now())
        .bind(before(lease));
        Ok(bounded(recover.execute(&self.writer)).await?.rows_affected())
    }

    /// After a restore: what was on its way then may be at Clay now. Runs can be asked about, the rest is for a person.
    pub async fn distrust(&self) -> Result<u64, Error> {
        let distrust = sqlx::query(
            "UPDATE leads SET state = 'dead', reason = 'restored from a backup; Clay may have it', changed_at = $1
             WHERE state IN ('pending', 'sending')",
        )
        .bind(now());
        Ok(bounded(distrust.execute(&self.writer)).await?.rows_affected())
    }

    /// Retention: what ended this long ago is deleted.
    pub async fn purge(&self, age: Duration) -> Result<u64, Error> {
        let leads =
            sqlx::query("DELETE FROM leads WHERE state IN ('done', 'dead') AND changed_at < $1").bind(before(age));
        let deleted = bounded(leads.execute(&self.writer)).await?.rows_affected();
        let deliveries = sqlx::query("DELETE FROM deliveries WHERE received_at < $1").bind(before(age));
        bounded(deliveries.execute(&self.writer)).await?;
        Ok(deleted)
    }

    /// The next turn of a workspace, if it comes within `patience`: how long until then.
    pub async fn take_turn(
        &self,
        workspace: &str,
        every: Duration,
        patience: Duration,
    ) -> Result<Option<Duration>, Error> {
        let turn = sqlx::query_scalar(
            "INSERT INTO pace (workspace, next_at) VALUES ($1, $2 + $3) ON CONFLICT (workspace) DO UPDATE
             SET next_at = MAX(next_at, $2) + $3 WHERE next_at <= $4 RETURNING next_at - $3",
        )
        .bind(workspace)
        .bind(now())
        .bind(i64::try_from(every.as_millis()).unwrap_or(i64::MAX))
        .bind(after(patience));
        let at: Option<i64> = bounded(turn.fetch_optional(&self.writer)).await?;
        Ok(at.map(until))
    }

    /// No turn of the workspace comes before this is over.
    pub async fn no_turn_for(&self, workspace: &str, wait: Duration) -> Result<(), Error> {
        let block = sqlx::query(
            "INSERT INTO pace (workspace, next_at) VALUES ($1, $2) ON CONFLICT (workspace) DO UPDATE
             SET next_at = MAX(next_at, $2)",
        )
        .bind(workspace)
        .bind(after(wait));
        bounded(block.execute(&self.writer)).await?;
        Ok(())
    }

    /// How long it is until the next turn of the workspace.
    pub async fn next_turn(&self, workspace: &str) -> Result<Duration, Error> {
        let next = sqlx::query_scalar("SELECT next_at FROM pace WHERE workspace = $1").bind(workspace);
        let at: Option<i64> = bounded(next.fetch_optional(&self.reader)).await?;
        Ok(at.map(until).unwrap_or_default())
    }

    pub async fn counts(&self) -> Result<Vec<(State, i64)>, Error> {
        bounded(sqlx::query_as("SELECT state, COUNT(*) FROM leads GROUP BY state").fetch_all(&self.reader)).await
    }

    pub async fn pending(&self) -> Result<i64, Error> {
        let count = sqlx::query_scalar("SELECT COUNT(*) FROM leads WHERE state = 'pending'");
        bounded(count.fetch_one(&self.reader)).await
    }

    /// A consistent copy of the whole file, while others write.
    pub async fn copy_to(&self, path: &Path) -> Result<(), Error> {
        let copy = sqlx::query("VACUUM INTO $1").bind(path.to_string_lossy());
        timeout(WHOLE_FILE, copy.execute(&self.reader)).await.map_err(|_| Error::Slow)??;
        Ok(())
    }

    pub async fn is_intact(&self) -> Result<bool, Error> {
        let check = sqlx::query_scalar("PRAGMA integrity_check");
        let verdict: String = timeout(WHOLE_FILE, check.fetch_one(&self.reader)).await.map_err(|_| Error::Slow)??;
        Ok(verdict == "ok")
    }
}

async fn bounded<T>(statement: impl Future<Output = Result<T, sqlx::Error>>) -> Result<T, Error> {
    timeout(STATEMENT, statement).await.map_err(|_| Error::Slow)?.map_err(Error::from)
}

fn now() -> i64 {
    Timestamp::now().as_millisecond()
}

fn after(wait: Duration) -> i64 {
    now().saturating_add(i64::try_from(wait.as_millis()).unwrap_or(i64::MAX))
}

fn until(at: i64) -> Duration {
    Duration::from_millis(u64::try_from(at.saturating_sub(now())).unwrap_or(0))
}

fn before(age: Duration) -> i64 {
    now().saturating_sub(i64::try_from(age.as_millis()).unwrap_or(i64::MAX))
}
