//! Any script as a driver: each verb is a command; `observe` prints what is so as JSON.
//!
//! ```json
//! { "stable": { "revision": "1.4.2", "wanted": 4, "ready": 4 },
//!   "canary": { "revision": "1.5.0", "wanted": 1, "ready": 1, "restarts": 0 },
//!   "share": 10, "past": ["1.4.1"] }
//! ```
//!
//! The verbs get what they need in `GONOGO_REVISION`, `GONOGO_SHARE` (a number of percent) and `GONOGO_NAME`. What they print
//! is a sentence for the record; nothing printed means that it was so already. Exit status 77 is a refusal, 69 says that the
//! verb is not supported, every other failure is tried again.

mod run;

use gonogo_domain::rollout::{
    Done, Owner, Percent, Release, Revision, Share, Side, Sight, Trouble, TroubleKind, Unit, replicas,
};
use serde::Deserialize;

pub use run::{Line, run};

use crate::Driver;

/// The commands.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    pub observe: Line,
    pub prepare: Line,
    pub set_share: Line,
    pub promote: Line,
    pub retire: Line,
    pub abort: Line,
    pub undo: Line,
    #[serde(default)]
    pub unit: Counted,
}

/// What the scripts count out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Counted {
    /// Any share can be set.
    #[default]
    Weights,
    /// By the number of replicas of each: the share is what replicas allow.
    Replicas,
}

/// A service that scripts drive.
#[derive(Debug)]
pub struct Script {
    config: Config,
    /// The name of the rollout, for the scripts.
    name: String,
}

/// What `observe` prints.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Printed {
    stable: PrintedSide,
    #[serde(default)]
    canary: Option<PrintedSide>,
    #[serde(default)]
    share: Option<Percent>,
    #[serde(default)]
    past: Vec<Revision>,
    #[serde(default)]
    holder: Option<String>,
    #[serde(default)]
    owner: Option<Owner>,
    #[serde(default)]
    notices: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct PrintedSide {
    revision: Revision,
    wanted: u32,
    ready: u32,
    #[serde(default)]
    old: u32,
    #[serde(default)]
    restarts: u32,
    #[serde(default)]
    out_of_memory: u32,
}

impl From<PrintedSide> for Side {
    fn from(printed: PrintedSide) -> Self {
        let PrintedSide { revision, wanted, ready, old, restarts, out_of_memory } = printed;
        Self { revision, wanted, ready, old, restarts, out_of_memory }
    }
}

impl Script {
    pub fn new(config: Config, name: &str) -> Self {
        Self { config, name: name.to_owned() }
    }

    async fn verb(&self, line: &Line, environment: &[(&str, &str)]) -> Result<Done, Trouble> {
        let mut all = vec![("GONOGO_NAME", self.name.as_str())];
        all.extend_from_slice(environment);
        let printed = run(line, &all, &[]).await?;
        let text = String::from_utf8_lossy(&printed);
        let said = text.lines().map(str::trim).find(|line| !line.is_empty());
        Ok(said.map_or(Done::AlreadySo, |said| Done::Changed(said.chars().take(300).collect())))
    }
}

impl Driver for Script {
    async fn observe(&mut self) -> Result<Sight, Trouble> {
        let line = &self.config.observe;
        let printed = run(line, &[("GONOGO_NAME", self.name.as_str())], &[]).await?;
        let printed: Printed = serde_json::from_slice(&printed).map_err(|error| {
            Trouble::new(
                TroubleKind::Unreachable,
                line.words.join(" "),
                format!("what it prints is no sight: {error}"),
                "print the JSON that docs/rollout.md shows, and nothing else",
            )
        })?;
        let Printed { stable, canary, share, past, holder, owner, notices } = printed;
        let share = share.or_else(|| canary.is_none().then_some(Percent::ZERO));
        let canary = canary.map(Side::from);
        Ok(Sight { stable: stable.into(), canary, share, past, holder, owner, memo: None, notices })
    }

    fn reachable(&self, percent: Percent, sight: &Sight) -> Share {
        match self.config.unit {
            Counted::Weights => Share::Parts {
                canary: u32::from(percent.hundredths()),
                stable: u32::from(Percent::WHOLE.hundredths() - percent.hundredths()),
                unit: Unit::Weights,
            },
            // What both sides have together now is what there is to divide.
            Counted::Replicas => {
                let all = sight.stable.wanted + sight.canary.as_ref().map_or(0, |canary| canary.wanted);
                replicas::nearest(all.max(1), percent, 1).share()
            }
        }
    }

    async fn prepare(&mut self, release: &Release) -> Result<Done, Trouble> {
        self.verb(&self.config.prepare, &[("GONOGO_REVISION", release.revision.0.as_str())]).await
    }

    async fn set_share(&mut self, percent: Percent) -> Result<Done, Trouble> {
        let share = f64::from(percent).to_string();
        self.verb(&self.config.set_share, &[("GONOGO_SHARE", share.as_str())]).await
    }

    async fn promote(&mut self) -> Result<Done, Trouble> {
        self.verb(&self.config.promote, &[]).await
    }

    async fn retire(&mut self) -> Result<Done, Trouble> {
        self.verb(&self.config.retire, &[]).await
    }

    async fn abort(&mut self) -> Result<Done, Trouble> {
        self.verb(&self.config.abort, &[]).await
    }

    async fn undo(&mut self, to: &Revision) -> Result<Done, Trouble> {
        self.verb(&self.config.undo, &[("GONOGO_REVISION", to.0.as_str())]).await
    }
}
