//! What the liveness endpoint says while a dependency is gone, and while the process hangs.

use serde::{Deserialize, Serialize};

use super::{Answer, answer::time};
use crate::Message;

/// A probe of Kubernetes waits a second unless it is told otherwise.
pub const PROBE_MS: u64 = 1_000;

/// So many late answers in a row are a restart, unless the probe is told otherwise.
pub const PROBE_FAILURES: u64 = 3;

/// The liveness endpoint under faults of others and of its own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Liveness {
    pub path: String,
    /// The longest wait under the same load before anything was broken; none where that was not measured.
    #[serde(default)]
    pub before_ms: Option<u64>,
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
    /// Those that no answer came to while it was waited for.
    #[serde(default)]
    pub late: u64,
    /// The longest wait for an answer.
    pub wait_ms: u64,
    /// So many answers in a row took longer than a probe waits; none where only the longest wait is known.
    #[serde(default)]
    pub slow_in_a_row: Option<u64>,
}

impl LivenessFault {
    /// Those that were answered, and not well: no load of the machine does that.
    fn bad(&self) -> u64 {
        self.asked.saturating_sub(self.good + self.late)
    }

    /// A probe would give up. One late answer kills nobody, and comes about wherever a machine is busy.
    fn is_slow(&self) -> bool {
        self.slow_in_a_row.map_or(self.wait_ms > PROBE_MS, |slow| slow >= PROBE_FAILURES)
    }
}

impl Liveness {
    pub(super) fn answers(&self) -> Vec<Answer> {
        let path = &self.path;
        let mut misses = Vec::new();
        let slow_before = self.before_ms.filter(|wait| *wait > PROBE_MS);
        for fault in &self.faults {
            let (name, asked, bad) = (&fault.dependency, fault.asked, fault.bad());
            let (en, zh) = if fault.silent { ("is silent", "无响应") } else { ("is gone", "中断") };
            if bad > 0 {
                misses.push(Message::new(
                    format!("{path} fails {bad} of {asked} times while {name} {en}: the process would be restarted"),
                    format!("{name} {zh}时 {path} 在 {asked} 次中失败 {bad} 次：进程会被重启"),
                ));
            } else if fault.is_slow() && slow_before.is_none() {
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
        let is_told = !misses.is_empty() || !self.faults.iter().any(LivenessFault::is_slow);
        if let Some(wait) = slow_before.filter(|_| !is_told) {
            let wait = time(wait);
            let why = Message::new(
                format!("{path} takes {wait} while nothing is broken: what a fault adds cannot be told"),
                format!("无故障时 {path} 已耗时 {wait}：无法判断故障的影响"),
            );
            return vec![Answer::inconclusive("health.liveness", why)];
        }
        let held = self.faults.iter().filter(|one| one.bad() == 0 && !one.is_slow()).count();
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exercise::Held;

    #[track_caller]
    fn check(before_ms: u64, fault: [u64; 5], expect: Held) {
        let [asked, good, late, wait_ms, slow_in_a_row] = fault;
        let fault = LivenessFault {
            dependency: "npm".to_owned(),
            silent: true,
            asked,
            good,
            late,
            wait_ms,
            slow_in_a_row: Some(slow_in_a_row),
        };
        let liveness = Liveness {
            path: "/livez".to_owned(),
            before_ms: Some(before_ms),
            faults: vec![fault],
            fails_when_stopped: Some(true),
            recovered: true,
        };
        assert_eq!(liveness.answers().first().map(|answer| answer.held), Some(expect));
    }

    #[test]
    fn one_late_answer_on_a_busy_machine_is_no_alarm() {
        check(3, [25, 25, 0, 8, 0], Held::Yes);
        check(300, [5, 5, 0, 1_657, 1], Held::Yes);
        check(300, [9, 8, 1, 3_000, 2], Held::Yes);
    }

    #[test]
    fn whoever_fails_or_is_late_time_after_time_would_be_restarted() {
        check(3, [25, 24, 0, 8, 0], Held::No);
        check(3, [3, 3, 0, 2_010, 3], Held::No);
        check(3, [17, 14, 3, 3_000, 3], Held::No);
    }

    #[test]
    fn late_answers_while_nothing_is_broken_leave_it_open() {
        check(1_400, [5, 5, 0, 2_010, 3], Held::Inconclusive);
        check(1_400, [5, 2, 0, 2_010, 3], Held::No);
        check(1_400, [25, 25, 0, 8, 0], Held::Yes);
    }
}
