//! What the health endpoint says while a dependency is gone.

use serde::{Deserialize, Serialize};

use super::{Answer, answer::time};
use crate::Message;

/// The health endpoint, asked before, while and after each dependency refused connections.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Health {
    pub path: String,
    /// What it answers while all is well; none where nobody answered.
    pub status: Option<u16>,
    pub wait_ms: u64,
    /// The body is a JSON document.
    pub is_json: bool,
    /// A path that nobody serves is answered in the same way: everything is.
    pub same_as_any_path: bool,
    pub faults: Vec<HealthFault>,
}

/// What it said while one dependency was gone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HealthFault {
    pub dependency: String,
    /// An entry of that name stands in the answer while all is well.
    pub listed: bool,
    /// The answer changed so long after the dependency was gone; none: it never did.
    pub changed_ms: Option<u64>,
    /// What changed names the dependency.
    pub named: bool,
    /// The status while it was gone; none where nobody answered in time.
    pub status: Option<u16>,
    /// The longest wait for an answer while it was gone.
    pub wait_ms: u64,
    /// How long it was watched.
    pub watched_ms: u64,
    /// It said so when the dependency was back.
    pub recovered: bool,
}

impl Health {
    pub(super) fn answers(&self) -> Vec<Answer> {
        let path = &self.path;
        let mut misses = Vec::new();
        if self.same_as_any_path {
            misses.push(Message::new(
                format!("{path} is answered like any path: nothing is behind it"),
                format!("{path} 与任意路径的响应相同：没有真正的健康端点"),
            ));
        }
        if !self.is_json {
            misses.push(Message::new(
                format!("the answer of {path} is no JSON document"),
                format!("{path} 的响应不是 JSON 文档"),
            ));
        }
        for fault in &self.faults {
            misses.extend(fault.miss(path));
        }
        let told = self.faults.iter().filter(|fault| fault.tells()).count();
        let of = self.faults.len();
        let summary = Message::new(
            format!("{path} told of {told} of {of} dependencies that they are gone"),
            format!("{path} 在 {of} 个依赖中断时报告了其中 {told} 个"),
        );
        vec![if self.faults.is_empty() && misses.is_empty() {
            let why = Message::new("no dependency could be taken away", "没有可中断的依赖");
            Answer::inconclusive("health.endpoint", why)
        } else {
            Answer::of("health.endpoint", summary, misses)
        }]
    }
}

impl HealthFault {
    fn tells(&self) -> bool {
        self.changed_ms.is_some() && self.named
    }

    fn miss(&self, path: &str) -> Option<Message> {
        let (name, watched) = (&self.dependency, time(self.watched_ms));
        Some(match (self.changed_ms, self.status) {
            (_, None) => Message::new(
                format!("{path} does not answer while {name} is gone"),
                format!("{name} 中断时 {path} 无响应"),
            ),
            (None, _) => Message::new(
                format!("{path} says the same {watched} after {name} is gone"),
                format!("{name} 中断 {watched} 后 {path} 的响应没有变化"),
            ),
            (Some(_), _) if !self.named => Message::new(
                format!("{path} changes when {name} is gone, and does not name it"),
                format!("{name} 中断时 {path} 有变化，但未指明该依赖"),
            ),
            _ if !self.recovered => Message::new(
                format!("{path} still complains of {name} after it is back"),
                format!("{name} 恢复后 {path} 仍报告异常"),
            ),
            _ => return None,
        })
    }
}
