//! One release after the other, each bad in its own way by its environment or by what it calls; and what became of it.

use std::{collections::BTreeSet, fmt, time::Duration};

use anyhow::{Context as _, bail, ensure};
use gonogo_exercise::load::Outcome;
use serde_json::Value;

use super::{
    Built, VERSIONS,
    journal::{Journal, Line},
    stage::{RELEASE, Rolled, Setting, Stage, millisecond},
};

/// Seconds where a release of production has minutes.
const TIMES: &str = "every = \"500ms\"\nwarm_up = \"1s\"\nshare_tolerance = 5\n[[step]]\nshare = 10\nwatch = \"4s\"\nat_most = \"40s\"\n\
     [[step]]\nshare = 50\nwatch = \"3s\"\nat_most = \"40s\"\n[after]\nwatch = \"3s\"\n[deadlines]\nready = \"5s\"\nhold = \"1s\"\nrollback = \"20s\"\n";

/// Requests a second of all users.
const RATE: f64 = 100.0;

/// How much the share may be off the one that was asked for, by HAProxy's own book.
const OFF: f64 = 0.03;

/// A release.
pub(super) struct Case {
    /// What is wrong with it, for the page.
    pub wrong: &'static str,
    environment: &'static [(&'static str, &'static str)],
    clay_later: Duration,
    seen: Seen,
}

/// A good release was taken back, or a bad one reached everybody: nothing that happens beside it excuses that.
#[derive(Debug)]
pub(super) struct WronglyDecided(String);

impl fmt::Display for WronglyDecided {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for WronglyDecided {}

/// How it has to be found out.
enum Seen {
    /// Nothing is wrong: it reaches everybody.
    Never,
    /// By this gate, whose users get this status.
    Status(&'static str, u16),
    /// By this gate, because Clay answers late.
    Late(&'static str),
    /// No user ever meets it.
    Start,
}

const NO: Duration = Duration::ZERO;

pub(super) const CASES: [Case; 6] = [
    Case { wrong: "nothing", environment: &[], clay_later: NO, seen: Seen::Never },
    Case {
        wrong: "its outbox takes one lead (`OUTBOX_MAX=1`): 503",
        environment: &[("OUTBOX_MAX", "1"), ("CLAY_REQUESTS_PER_SECOND", "1")],
        clay_later: NO,
        seen: Seen::Status("errors", 503),
    },
    Case {
        wrong: "Clay answers it 400 ms later",
        environment: &[],
        clay_later: Duration::from_millis(400),
        seen: Seen::Late("clay-latency"),
    },
    Case {
        wrong: "its rate limit is that of one user (`REQUESTS_PER_MINUTE=60`): 429",
        environment: &[("REQUESTS_PER_MINUTE", "60")],
        clay_later: NO,
        seen: Seen::Status("throttled", 429),
    },
    Case {
        wrong: "it knows another `INTAKE_TOKEN`: 401",
        environment: &[("INTAKE_TOKEN", "a-token-of-nobody")],
        clay_later: NO,
        seen: Seen::Status("refused", 401),
    },
    Case {
        wrong: "its database cannot be written (`DATABASE_URL`): it does not start",
        environment: &[("DATABASE_URL", "sqlite:/proc/nowhere/leads.db")],
        clay_later: NO,
        seen: Seen::Start,
    },
];

/// What became of a release. Times are in milliseconds.
pub(super) struct Played {
    pub wrong: &'static str,
    pub end: &'static str,
    /// From the first bad answer to the decision.
    pub detect: Option<i64>,
    /// From the decision until stable was seen to be verified.
    pub restore: Option<i64>,
    /// From the decision to the last bad answer that a user got.
    pub last_bad: Option<i64>,
    /// Bad answers, of all that were given.
    pub bad: usize,
    pub all: usize,
    /// Each step: what was asked for, and what the new replicas got by HAProxy's book.
    pub shares: Vec<(f64, f64)>,
    /// Why it was taken back.
    pub why: String,
}

impl Case {
    fn gate(&self) -> Option<&'static str> {
        match self.seen {
            Seen::Status(gate, _) | Seen::Late(gate) => Some(gate),
            Seen::Never | Seen::Start => None,
        }
    }

    /// Plays it to its end. Errors: it did not go as it has to.
    pub(super) fn play(&self, built: &Built) -> anyhow::Result<Played> {
        self.played(built).with_context(|| format!("the release whose fault is: {}", self.wrong))
    }

    fn played(&self, built: &Built) -> anyhow::Result<Played> {
        let played_on = Stage::set(&Setting {
            built,
            environment: self.environment,
            clay_later: self.clay_later,
            between: &[],
            replicas: 2,
            rate: RATE,
            times: TIMES,
            worse_by: 10,
        })?;
        let rolled = played_on.roll_out(VERSIONS[1])?;
        let first_late = played_on.first_late();
        // What comes after the end is stable's alone, or the release's.
        std::thread::sleep(Duration::from_millis(500));
        let (outcome, journal) = played_on.end()?;
        all_are_counted(&outcome, &journal)?;
        let shares = shares(&rolled, &journal)?;
        let state = &rolled.state;
        let of_phase = state["phase"].as_str().unwrap_or_default().to_owned();
        let why = state["rollback"]["why"].as_str().unwrap_or_default().to_owned();
        let is_bad = |line: &&Line| match self.seen {
            Seen::Status(_, status) => line.status == status,
            Seen::Never | Seen::Late(_) | Seen::Start => !(200..300).contains(&line.status) && line.status != 0,
        };
        let (mut bad, of_stable): (Vec<&Line>, Vec<&Line>) =
            journal.lines.iter().filter(is_bad).partition(|line| RELEASE.contains(&line.server.as_str()));
        match self.seen {
            // Only the release's environment makes anybody give it.
            Seen::Status(_, 401 | 429) => {
                ensure!(of_stable.is_empty(), "{} bad answers came from stable", of_stable.len());
            }
            // What stable sheds for a moment in which the machine stands still (503) is not what is wrong with the release.
            Seen::Status(..) | Seen::Late(_) => {}
            Seen::Never | Seen::Start => bad.extend(of_stable),
        }
        let wrongly = if matches!(self.seen, Seen::Never) { "rolled-back" } else { "promoted" };
        if of_phase == wrongly {
            bail!(WronglyDecided(format!("it is {of_phase}: {why}")));
        }
        let mut played = Played {
            wrong: self.wrong,
            end: "promoted",
            detect: None,
            restore: None,
            last_bad: None,
            bad: bad.len(),
            all: journal.lines.len(),
            shares,
            why,
        };
        if matches!(self.seen, Seen::Never) {
            ensure!(of_phase == "promoted", "a good release is {of_phase}: {}", played.why);
            ensure!(played.shares.len() == 2, "{} shares were measured", played.shares.len());
            // A machine that has too much to do sheds some of it, whichever release it is.
            ensure!(played.bad * 100 <= played.all, "users got {:?}", journal.statuses());
            return Ok(played);
        }
        played.end = "rolled back";
        ensure!(of_phase == "rolled-back", "it is {of_phase}");
        let verified = &state["rollback"]["verified"];
        ensure!(!verified.is_null(), "the way back was not verified: {}", state["rollback"]["said"]);
        let (decided, verified) = (millisecond(&state["rollback"]["decided"])?, millisecond(verified)?);
        played.restore = Some(verified - decided);
        if let Some(gate) = self.gate() {
            ensure!(played.why.starts_with(&format!("{gate}: ")), "taken back by another gate: {}", played.why);
            let first = match self.seen {
                Seen::Late(_) => first_late,
                _ => bad.iter().map(|line| line.at).min(),
            };
            played.detect = Some(decided - first.context("no bad answer was given")?);
            let after = bad.iter().map(|line| line.at - decided).max();
            played.last_bad = after.filter(|_| !matches!(self.seen, Seen::Late(_)));
        }
        // Nobody gets anything from it any more.
        let (late, _) = journal.of(&RELEASE, verified, i64::MAX);
        ensure!(late == 0, "{late} answers came from the release after its rollback was verified");
        Ok(played)
    }
}

/// What the users saw and what HAProxy wrote down is the same, answer by answer: nothing was left out during a rollback.
/// Only what a user did not wait for any more may have been answered all the same.
pub(super) fn all_are_counted(outcome: &Outcome, journal: &Journal) -> anyhow::Result<()> {
    let written = journal.statuses();
    let seen = |status: u16| outcome.ended.get(&status.to_string()).copied().unwrap_or(0);
    let gave_up: u64 = ["unfinished", "timed-out"].iter().filter_map(|how| outcome.ended.get(*how)).sum();
    for (how, count) in &outcome.ended {
        let known = how.parse::<u16>().is_ok() || how == "unfinished" || how == "timed-out";
        ensure!(known, "users saw {count} × {how}");
    }
    let statuses: BTreeSet<u16> =
        written.keys().copied().chain(outcome.ended.keys().filter_map(|how| how.parse().ok())).collect();
    for status in statuses.into_iter().filter(|status| *status != 0) {
        let (seen, written) = (seen(status), written.get(&status).copied().unwrap_or(0));
        ensure!(
            (seen..=seen + gave_up).contains(&written),
            "users saw {seen} × {status}, HAProxy wrote {written} down ({gave_up} were not waited for)"
        );
    }
    Ok(())
}

/// The share of each step that was reached: what gonogo counted is what HAProxy wrote down, and what was asked for.
pub(super) fn shares(rolled: &Rolled, journal: &Journal) -> anyhow::Result<Vec<(f64, f64)>> {
    let mut shares = Vec::new();
    for (step, measured) in rolled.state["shares"].as_array().into_iter().flatten().enumerate() {
        let asked = measured["asked"].as_f64().context("a share that was asked for")?;
        let at = |begins: &str| rolled.told.iter().find(|(_, said)| said.starts_with(begins)).map(|(at, _)| *at);
        // The weights are set within the look at which that is told, and the step ends at another look.
        let Some(from) = at(&format!("weights for {asked} %")).map(|at| at + 400) else { continue };
        let later = rolled.told.iter().filter(|(at, _)| *at > from);
        let to = later.map(|(at, _)| *at).min().context("a step ends")?;
        let (own, all) = journal.of(&RELEASE, from, to);
        let (canary, stable) = (count(&measured["canary"]), count(&measured["stable"]));
        ensure!(
            canary + stable <= all as u64,
            "step {}: gonogo counted {} answers where HAProxy wrote {all} down",
            step + 1,
            canary + stable
        );
        #[expect(clippy::cast_precision_loss, reason = "answers of some seconds")]
        let share = |own: u64, all: u64| if all == 0 { 0.0 } else { own as f64 / all as f64 };
        let written = share(own as u64, all as u64);
        let counted = share(canary, canary + stable);
        // Of a step that ended at its first looks there is too little to tell a share.
        if all >= 100 {
            let off = |share: f64| (share - asked / 100.0).abs();
            ensure!(off(written) <= OFF, "step {}: {asked} % asked for, {:.1} % given", step + 1, written * 100.0);
            ensure!(
                canary + stable < 100 || off(counted) <= OFF,
                "step {}: {asked} % asked for, {:.1} % counted",
                step + 1,
                counted * 100.0
            );
            shares.push((asked, written * 100.0));
        }
    }
    Ok(shares)
}

fn count(value: &Value) -> u64 {
    value.as_u64().unwrap_or_default()
}
