//! What a probe is told: pure, from what was reported and the time.

use std::{fmt::Write as _, time::Duration};

use tokio::time::Instant;

/// The state of one thing, or of all together. In the words of the health+json draft.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Status {
    /// Fine.
    Pass,
    /// Serving, but less than everything.
    Warn,
    /// Not fine.
    Fail,
}

impl Status {
    const fn word(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Warn => "warn",
            Self::Fail => "fail",
        }
    }
}

/// What it means for readiness that a dependency is down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Impact {
    /// It is this replica's own: its disk, its sidecar, its warm cache. The replica is taken out; the others serve.
    Own,
    /// All replicas share it: a database, a third party. Taking out one takes out all, and nobody answers any more, not
    /// even with the fallback. So the replica stays, and says that it is degraded.
    Shared,
}

#[derive(Debug)]
pub(super) struct Dependency {
    pub(super) name: &'static str,
    pub(super) impact: Impact,
    /// A report that is older than this says nothing.
    pub(super) fresh_for: Duration,
    pub(super) last: Option<(Instant, bool)>,
}

impl Dependency {
    fn status(&self, now: Instant) -> Status {
        let up = self.last.is_some_and(|(at, up)| up && now.saturating_duration_since(at) <= self.fresh_for);
        match (up, self.impact) {
            (true, _) => Status::Pass,
            (false, Impact::Own) => Status::Fail,
            (false, Impact::Shared) => Status::Warn,
        }
    }
}

#[derive(Debug)]
pub(super) struct Heart {
    pub(super) name: &'static str,
    pub(super) silent_for: Duration,
    pub(super) last: Instant,
}

/// Everything that was reported.
#[derive(Debug, Default)]
pub(super) struct Facts {
    pub(super) started: bool,
    pub(super) stopping: bool,
    pub(super) dependencies: Vec<Dependency>,
    pub(super) hearts: Vec<Heart>,
}

/// What a probe is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// The worst of all.
    pub status: Status,
    /// Each by its name.
    pub checks: Vec<(&'static str, Status)>,
}

impl Report {
    fn new(checks: Vec<(&'static str, Status)>) -> Self {
        let status = checks.iter().map(|(_, status)| *status).max().unwrap_or(Status::Pass);
        Self { status, checks }
    }

    /// The report as `application/health+json`: each name once, with the states of all that bear it. It names no host, no
    /// version, no error: probes are public.
    pub fn json(&self) -> String {
        let mut json = format!("{{\"status\":\"{}\",\"checks\":{{", self.status.word());
        for (index, (name, _)) in self.checks.iter().enumerate() {
            if self.checks.iter().take(index).any(|(earlier, _)| earlier == name) {
                continue;
            }
            if index > 0 {
                json.push(',');
            }
            json.push('"');
            for letter in name.chars() {
                match letter {
                    '"' | '\\' => json.extend(['\\', letter]),
                    // Writing to a string cannot fail.
                    letter if letter.is_control() => drop(write!(json, "\\u{:04x}", u32::from(letter))),
                    letter => json.push(letter),
                }
            }
            json.push_str("\":[");
            let of_name = self.checks.iter().skip(index).filter(|(other, _)| other == name);
            for (place, (_, status)) in of_name.enumerate() {
                json.push_str(if place > 0 { "},{\"status\":\"" } else { "{\"status\":\"" });
                json.push_str(status.word());
                json.push('"');
            }
            json.push_str("}]");
        }
        json.push_str("}}");
        json
    }
}

impl Facts {
    pub(super) fn startup(&self) -> Report {
        Report::new(vec![("startup", if self.started { Status::Pass } else { Status::Fail })])
    }

    /// Only what a restart mends: a part of this process that has stopped working. Never a dependency.
    pub(super) fn liveness(&self, now: Instant) -> Report {
        let check = |heart: &Heart| {
            let silent = now.saturating_duration_since(heart.last);
            (heart.name, if silent > heart.silent_for { Status::Fail } else { Status::Pass })
        };
        Report::new(self.hearts.iter().map(check).collect())
    }

    pub(super) fn readiness(&self, now: Instant) -> Report {
        let mut checks = self.startup().checks;
        checks.push(("shutdown", if self.stopping { Status::Fail } else { Status::Pass }));
        checks.extend(self.dependencies.iter().map(|dependency| (dependency.name, dependency.status(now))));
        Report::new(checks)
    }
}
