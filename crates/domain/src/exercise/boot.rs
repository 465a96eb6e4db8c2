//! From the start of the process to its readiness.

use serde::{Deserialize, Serialize};

use super::{Answer, answer::time};
use crate::Message;

/// A start of the service, its readiness asked all the while. Times count from the start of the process.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Boot {
    /// The path that says whether it is ready; none is configured.
    pub path: Option<String>,
    /// How its answer changed; the first stands at 0.
    pub changes: Vec<Change>,
    /// When it was ready first.
    pub ready_ms: Option<u64>,
    /// When it was seen to have ended by itself instead.
    #[serde(default)]
    pub ended_ms: Option<u64>,
    /// How long it may take.
    pub budget_ms: u64,
    /// Requests that were sent right after it said that it is ready, and how many of them were answered well.
    pub sent: u64,
    pub good: u64,
}

/// What the readiness path answered from then on: a status; none where nobody answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    pub at_ms: u64,
    pub status: Option<u16>,
}

impl Boot {
    pub(super) fn answers(&self) -> Vec<Answer> {
        let budget = time(self.budget_ms);
        let startup = match self.ready_ms {
            Some(ready) => Answer::of(
                "health.startup",
                Message::new(
                    format!("ready {} after its start, of {budget} that it has", time(ready)),
                    format!("启动后 {} 就绪（允许 {budget}）", time(ready)),
                ),
                Vec::new(),
            ),
            None => Answer::of(
                "health.startup",
                Message::new(format!("{budget} were given to it"), format!("允许的启动时间为 {budget}")),
                vec![match self.ended_ms.map(time) {
                    None => Message::new(format!("it was not ready within {budget}"), format!("在 {budget} 内未就绪")),
                    Some(after) => Message::new(
                        format!("it ended by itself after {after}, before it was ready"),
                        format!("启动 {after} 后在就绪之前自行退出"),
                    ),
                }],
            ),
        };
        let mut answers = vec![startup];
        if let (Some(path), Some(ready)) = (&self.path, self.ready_ms) {
            let summary = Message::new(
                format!(
                    "{path} said ready after {}; {} of {} requests right after it were answered well",
                    time(ready),
                    self.good,
                    self.sent
                ),
                format!("{path} 在 {} 后报告就绪；随后 {} 个请求中 {} 个成功", time(ready), self.sent, self.good),
            );
            answers.push(if self.sent == 0 {
                let why = Message::new("no request was sent after it was ready", "就绪后未发送请求");
                Answer::inconclusive("health.readiness", why)
            } else {
                let lost = self.sent - self.good.min(self.sent);
                let misses = (lost > 0).then(|| {
                    Message::new(
                        format!("{path} said ready, and {lost} of {} requests right after it failed", self.sent),
                        format!("{path} 报告就绪后，{} 个请求中有 {lost} 个失败", self.sent),
                    )
                });
                Answer::of("health.readiness", summary, misses.into_iter().collect())
            });
        }
        answers
    }
}
