//! How the stand-in behaves: set by `STAND_IN_BEHAVIOUR` at the start, or by `PUT /admin/behaviour` at any time.

use serde::{Deserialize, Serialize};

/// As real as the default is kind: it answers well, at once.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Behaviour {
    pub key: String,
    pub workspace: String,
    /// Before every answer.
    pub latency_ms: u64,
    /// Never answers at all.
    pub hangs: bool,
    /// The next answers of runs, before it becomes kind again.
    pub runs: Vec<Scripted>,
    /// Answers instead of those of `GET /me` and of the results.
    pub reads: Vec<Scripted>,
    /// How long a run is in progress.
    pub run_ms: u64,
    pub items: Items,
    pub callback: Callback,
    /// Items that can be run still; none: without end. A run beyond it ends with items that failed, as Clay's do.
    pub credits: Option<u64>,
    /// Calls a second of one workspace, with as many at once; none: without a limit.
    pub requests_per_second: Option<u32>,
    /// Submissions that a table webhook takes in its life.
    pub submissions: u64,
}

impl Default for Behaviour {
    fn default() -> Self {
        Self {
            key: String::new(),
            workspace: "workspace".to_owned(),
            latency_ms: 0,
            hangs: false,
            runs: Vec::new(),
            reads: Vec::new(),
            run_ms: 0,
            items: Items::Success,
            callback: Callback::Once,
            credits: None,
            requests_per_second: None,
            submissions: 50_000,
        }
    }
}

/// An answer that is given instead of the right one.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Scripted {
    pub status: u16,
    pub retry_after: Option<u64>,
    /// Seconds until the quota is whole again: 402 names the moment.
    pub resets_in: Option<i64>,
    /// The run is taken all the same: the answer is what got lost.
    #[serde(default)]
    pub taken: bool,
}

/// What becomes of the items of a run.
#[derive(Debug, Clone, Copy, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Items {
    Success,
    /// Nothing is known: complete, and empty.
    Empty,
    Failed,
    /// The run ends in a status that nobody has documented.
    Unknown,
}

/// Delivery is not guaranteed.
#[derive(Debug, Clone, Copy, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Callback {
    Once,
    Twice,
    Lost,
}
