//! A start before the dependencies are there.

use serde::{Deserialize, Serialize};

use super::{Answer, Exit, answer::time};
use crate::Message;

/// Starts of the service while one dependency was gone, one after the other.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StartOrder {
    pub starts: Vec<Start>,
}

/// One start. Times count from the start of the process.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Start {
    pub dependency: String,
    /// It took connections and said nothing, instead of refusing them.
    pub silent: bool,
    /// The service can do nothing without it.
    pub hard: bool,
    /// How the process ended before the dependency came, and when; none: it ran on.
    pub exit: Option<(Exit, u64)>,
    /// What it said last when it ended so; empty: nothing.
    pub words: String,
    /// When its readiness path said ready before the dependency came.
    pub ready_ms: Option<u64>,
    /// When the dependency came.
    pub came_ms: u64,
    /// How long after that it was ready, where one that had ended was started anew; none: it never was.
    pub well_ms: Option<u64>,
    /// How long that was waited for.
    pub watched_ms: u64,
    /// Requests that were sent when it was ready at last, and how many of them were answered well.
    pub asked: u64,
    pub good: u64,
}

impl StartOrder {
    pub(super) fn answers(&self) -> Vec<Answer> {
        if self.starts.is_empty() {
            let why = Message::new("no start was tried", "未尝试启动");
            return vec![Answer::inconclusive("health.startup", why)];
        }
        let (of, ended) = (self.starts.len(), self.starts.iter().filter(|one| one.exit.is_some()).count());
        let longest = time(self.starts.iter().filter_map(|one| one.well_ms).max().unwrap_or_default());
        let startup = Message::new(
            format!(
                "started {of} times before a dependency; it ended {ended} times, and was ready within {longest} when it came"
            ),
            format!("在依赖之前启动 {of} 次；其中退出 {ended} 次，依赖到来后 {longest} 内就绪"),
        );
        let ready = self.starts.iter().filter(|one| one.ready_ms.is_some()).count();
        let readiness = Message::new(
            format!("it said ready {ready} of {of} times before a dependency was there"),
            format!("依赖到来之前 {of} 次启动中有 {ready} 次报告就绪"),
        );
        vec![
            Answer::in_part("health.startup", startup, self.starts.iter().flat_map(Start::misses).collect()),
            Answer::in_part("health.readiness", readiness, self.starts.iter().filter_map(Start::too_early).collect()),
        ]
    }
}

impl Start {
    /// The dependency, and what was wrong with it.
    fn gone(&self) -> (String, String) {
        let name = &self.dependency;
        if self.silent {
            return (format!("{name} is silent"), format!("{name} 无响应"));
        }
        (format!("{name} refuses connections"), format!("{name} 拒绝连接"))
    }

    fn misses(&self) -> Vec<Message> {
        let (en, zh) = self.gone();
        let mut misses = Vec::new();
        match self.exit {
            Some((Exit::Code(0), at)) => misses.push(Message::new(
                format!("started while {en}, it ends after {} with code 0, as if its work were done", time(at)),
                format!("{zh}时启动，{} 后以退出码 0 结束，如同正常完成", time(at)),
            )),
            Some((Exit::Signal(signal), at)) => misses.push(Message::new(
                format!("started while {en}, it dies of signal {signal} after {}", time(at)),
                format!("{zh}时启动，{} 后因信号 {signal} 终止", time(at)),
            )),
            Some((_, at)) if self.words.is_empty() => misses.push(Message::new(
                format!("started while {en}, it ends after {} and does not say why", time(at)),
                format!("{zh}时启动，{} 后退出且没有说明原因", time(at)),
            )),
            _ => (),
        }
        let (name, watched) = (&self.dependency, time(self.watched_ms));
        match self.well_ms {
            None => misses.push(Message::new(
                format!("started while {en}, it is not ready {watched} after {name} came"),
                format!("{zh}时启动，{name} 恢复 {watched} 后仍未就绪"),
            )),
            Some(_) if self.good < self.asked => misses.push(Message::new(
                format!(
                    "started while {en}, it fails {} of {} requests {watched} after {name} came",
                    self.asked - self.good,
                    self.asked
                ),
                format!(
                    "{zh}时启动，{name} 恢复 {watched} 后 {} 个请求中仍有 {} 个失败",
                    self.asked,
                    self.asked - self.good
                ),
            )),
            Some(_) => (),
        }
        misses
    }

    /// Ready without what it cannot do without.
    fn too_early(&self) -> Option<Message> {
        let at = time(self.ready_ms.filter(|_| self.hard)?);
        let ((en, zh), name) = (self.gone(), &self.dependency);
        Some(Message::new(
            format!("it says ready {at} after its start while {en}, and can do nothing without {name} (`hard = true`)"),
            format!("{zh}时，启动 {at} 后即报告就绪，而没有 {name} 无法工作（`hard = true`）"),
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exercise::Held;

    #[track_caller]
    fn check(change: impl FnOnce(&mut Start), expect: [Held; 2]) {
        let mut start = Start {
            dependency: "db".to_owned(),
            silent: false,
            hard: true,
            exit: None,
            words: String::new(),
            ready_ms: None,
            came_ms: 3_000,
            well_ms: Some(400),
            watched_ms: 400,
            asked: 4,
            good: 4,
        };
        change(&mut start);
        let answers = StartOrder { starts: vec![start] }.answers();
        assert_eq!(answers.iter().map(|one| one.held).collect::<Vec<_>>(), expect);
    }

    #[test]
    fn who_ends_says_so_and_who_stays_gets_well() {
        use Held::{InPart, No};
        check(|_| (), [InPart, InPart]);
        check(|one| one.exit = Some((Exit::Code(0), 100)), [No, InPart]);
        check(|one| one.exit = Some((Exit::Code(1), 100)), [No, InPart]);
        check(
            |one| {
                one.exit = Some((Exit::Code(1), 100));
                one.words = "no database".to_owned();
            },
            [InPart, InPart],
        );
        check(|one| one.well_ms = None, [No, InPart]);
        check(|one| one.good = 3, [No, InPart]);
        check(|one| one.ready_ms = Some(50), [InPart, No]);
        check(
            |one| {
                one.ready_ms = Some(50);
                one.hard = false;
            },
            [InPart, InPart],
        );
    }
}
