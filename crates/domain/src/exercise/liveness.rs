//! What the liveness endpoint says while a dependency is gone, and while the process hangs.

use serde::{Deserialize, Serialize};

use super::{Answer, answer::time};
use crate::Message;

/// A probe of Kubernetes waits a second unless it is told otherwise.
const PROBE_MS: u64 = 1_000;

/// The liveness endpoint under faults of others and of its own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Liveness {
    pub path: String,
    pub faults: Vec<LivenessFault>,
    /// It failed while the process was stopped (SIGSTOP), as it does where it hangs; none where that was not tried.
    pub fails_when_stopped: Option<bool>,
    /// It answered well again when the process went on.
    pub recovered: bool,
}

/// The answers while one dependency was gone, or silent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LivenessFault {
    pub dependency: String,
    /// The dependency took connections and said nothing, instead of refusing them.
    pub silent: bool,
    pub asked: u64,
    pub good: u64,
    /// The longest wait for an answer.
    pub wait_ms: u64,
}

impl Liveness {
    pub(super) fn answers(&self) -> Vec<Answer> {
        let path = &self.path;
        let mut misses = Vec::new();
        for fault in &self.faults {
            let (name, asked) = (&fault.dependency, fault.asked);
            let (en, zh) = if fault.silent { ("is silent", "无响应") } else { ("is gone", "中断") };
            let bad = asked.saturating_sub(fault.good);
            if bad > 0 {
                misses.push(Message::new(
                    format!("{path} fails {bad} of {asked} times while {name} {en}: the process would be restarted"),
                    format!("{name} {zh}时 {path} 在 {asked} 次中失败 {bad} 次：进程会被重启"),
                ));
            } else if fault.wait_ms > PROBE_MS {
                let wait = time(fault.wait_ms);
                misses.push(Message::new(
                    format!("{path} takes {wait} while {name} {en}, and a probe waits 1 s"),
                    format!("{name} {zh}时 {path} 耗时 {wait}，而探针只等待 1 秒"),
                ));
            }
        }
        if self.fails_when_stopped == Some(false) {
            misses.push(Message::new(
                format!("{path} still answers while the process is stopped: another process speaks for it"),
                format!("进程被暂停时 {path} 仍有响应：由其他进程代答"),
            ));
        }
        if !self.recovered {
            misses.push(Message::new(
                format!("{path} stays bad after all is well again"),
                format!("故障恢复后 {path} 仍然异常"),
            ));
        }
        let held = self.faults.iter().filter(|one| one.good == one.asked && one.wait_ms <= PROBE_MS).count();
        let of = self.faults.len();
        let stopped = match (of, self.fails_when_stopped) {
            (0, Some(true)) => Some(Message::new(
                format!("{path} failed while the process was stopped; there was no dependency to take away"),
                format!("进程被暂停时 {path} 失败；没有可中断的依赖"),
            )),
            _ => None,
        };
        let summary = stopped.unwrap_or_else(|| {
            Message::new(
                format!("{path} stayed well under {held} of {of} faults of dependencies"),
                format!("在 {of} 个依赖故障中，{path} 有 {held} 次保持正常"),
            )
        });
        vec![Answer::of("health.liveness", summary, misses)]
    }
}
