//! What there is only so much of: workers, and calls that are under way.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use axum::http::StatusCode;
use reqwest::Client;
use tokio::{
    sync::Semaphore,
    time::{Instant, sleep, timeout},
};

use crate::faults::Faults;

/// Eight jobs at a time of 20 ms each: four hundred a second.
const WORKERS: usize = 8;
const JOB: Duration = Duration::from_millis(20);

/// Jobs that may wait for a worker.
const QUEUE: usize = 16;

/// A call that takes longer says that there are too many.
const FAST: Duration = Duration::from_millis(200);
const MOST: f64 = 64.0;

/// How long a call may take.
const CALL: Duration = Duration::from_secs(2);

/// What both kinds of requests share where nobody thought of it.
const SHARED: usize = 4;

pub(crate) struct Work {
    workers: Semaphore,
    waiting: AtomicUsize,
    under_way: AtomicUsize,
    limit: Mutex<Limit>,
    shared: Arc<Semaphore>,
    client: Client,
    address: String,
    faults: Faults,
}

struct Limit {
    now: f64,
    lowered: Option<Instant>,
}

/// Takes one from a count when it goes.
struct Counted<'a>(&'a AtomicUsize);

impl<'a> Counted<'a> {
    /// One more, unless there are so many.
    fn below(count: &'a AtomicUsize, most: usize) -> Option<Self> {
        let more = |now| (now < most).then_some(now + 1);
        count.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more).ok().map(|_| Self(count))
    }
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Work {
    pub(crate) fn new(address: &str, faults: &Faults) -> anyhow::Result<Self> {
        Ok(Self {
            workers: Semaphore::new(WORKERS),
            waiting: AtomicUsize::new(0),
            under_way: AtomicUsize::new(0),
            limit: Mutex::new(Limit { now: MOST, lowered: None }),
            shared: Arc::new(Semaphore::new(SHARED)),
            client: Client::builder().timeout(CALL).build()?,
            address: address.trim_end_matches('/').to_owned(),
            faults: faults.clone(),
        })
    }

    /// A job by one of the workers; too many are sent away at once.
    pub(crate) async fn job(&self) -> StatusCode {
        let most =
            if self.faults.has("queue-without-end") || self.faults.has("refuses-late") { usize::MAX } else { QUEUE };
        let full = if self.faults.has("sheds-as-500") {
            StatusCode::INTERNAL_SERVER_ERROR
        } else {
            StatusCode::SERVICE_UNAVAILABLE
        };
        let Some(waits) = Counted::below(&self.waiting, most) else { return full };
        let patience = if self.faults.has("refuses-late") { Duration::from_secs(4) } else { Duration::from_mins(1) };
        let Ok(Ok(_worker)) = timeout(patience, self.workers.acquire()).await else { return full };
        drop(waits);
        sleep(JOB).await;
        StatusCode::OK
    }

    /// A call of the backend under a limit that follows how fast it answers.
    pub(crate) async fn call(&self) -> StatusCode {
        let _shared = self.shared().await;
        let Some(_one) = Counted::below(&self.under_way, self.most()) else { return StatusCode::SERVICE_UNAVAILABLE };
        let begin = Instant::now();
        let answer = self.client.get(format!("{}/items", self.address)).send().await;
        self.learn(begin.elapsed());
        if answer.is_ok_and(|answer| answer.status().is_success()) {
            StatusCode::OK
        } else {
            StatusCode::SERVICE_UNAVAILABLE
        }
    }

    /// What needs nobody.
    pub(crate) async fn alone(&self) {
        let _shared = self.shared().await;
    }

    async fn shared(&self) -> Option<tokio::sync::SemaphorePermit<'_>> {
        if self.faults.has("one-pool") { self.shared.acquire().await.ok() } else { None }
    }

    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 1 and 64")]
    fn most(&self) -> usize {
        self.limit.lock().unwrap_or_else(PoisonError::into_inner).now as usize
    }

    fn learn(&self, took: Duration) {
        if self.faults.has("limit-fixed") {
            return;
        }
        let mut limit = self.limit.lock().unwrap_or_else(PoisonError::into_inner);
        if took <= FAST {
            limit.now = (limit.now + 1.0 / limit.now).min(MOST);
        } else if limit.lowered.is_none_or(|at| at.elapsed() > took) {
            limit.now = (limit.now * 0.7).max(1.0);
            limit.lowered = Some(Instant::now());
        }
    }
}
