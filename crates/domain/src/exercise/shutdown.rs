//! A SIGTERM in the middle of work.

use serde::{Deserialize, Serialize};

use super::{Answer, answer::time};
use crate::Message;

/// The exit status of a process that ends by itself on SIGTERM, as shells count it: 128 + 15. The JVM ends so after its
/// shutdown hooks have run.
const TERMINATED: i32 = 128 + SIGTERM;
const SIGTERM: i32 = 15;

/// A service under load that is asked to end. Times count from the signal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shutdown {
    /// Requests under way at the signal, and how many of them were answered in full.
    pub in_flight: u64,
    pub finished: u64,
    /// Requests that were sent after the signal and taken, and how many of them were answered in full. Those that found
    /// nobody listening are not among them.
    pub taken_after: u64,
    pub answered_after: u64,
    /// The readiness path; none is configured.
    pub readiness: Option<String>,
    /// When readiness said no first; none: it never did.
    pub not_ready_ms: Option<u64>,
    /// When nobody listened any more.
    pub closed_ms: Option<u64>,
    pub exit: Exit,
    /// When the process was gone, or when it was killed.
    pub gone_ms: u64,
    /// How long it may take.
    pub grace_ms: u64,
}

/// How a process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Exit {
    Code(i32),
    Signal(i32),
    /// It ran on and was killed.
    Never,
}

impl Shutdown {
    pub(super) fn answers(&self) -> Vec<Answer> {
        let mut answers = vec![self.drains()];
        answers.extend(self.leaves());
        answers
    }

    fn drains(&self) -> Answer {
        const CHECK: &str = "health.graceful-shutdown";
        let mut misses = Vec::new();
        let lost = self.in_flight.saturating_sub(self.finished);
        if lost > 0 {
            misses.push(Message::new(
                format!("{lost} of {} requests that were under way at SIGTERM got no full answer", self.in_flight),
                format!("收到 SIGTERM 时正在处理的 {} 个请求中有 {lost} 个未得到完整响应", self.in_flight),
            ));
        }
        let lost = self.taken_after.saturating_sub(self.answered_after);
        if lost > 0 {
            misses.push(Message::new(
                format!("{lost} of {} requests that it took after SIGTERM got no full answer", self.taken_after),
                format!("收到 SIGTERM 后接收的 {} 个请求中有 {lost} 个未得到完整响应", self.taken_after),
            ));
        }
        let (gone, grace) = (time(self.gone_ms), time(self.grace_ms));
        match self.exit {
            Exit::Code(0 | TERMINATED) => (),
            // Whoever answered all that was under way has handled the signal, and ended by raising it again (uvicorn).
            Exit::Signal(SIGTERM) if self.in_flight > 1 && self.finished == self.in_flight => (),
            Exit::Code(code) => {
                misses.push(Message::new(format!("it ended with exit code {code}"), format!("退出码为 {code}")));
            }
            Exit::Signal(signal) => misses.push(Message::new(
                format!("signal {signal} ended it {gone} after SIGTERM: nothing in it handles the signal"),
                format!("SIGTERM 之后 {gone} 被信号 {signal} 终止：进程未处理该信号"),
            )),
            Exit::Never => misses.push(Message::new(
                format!("it still ran {grace} after SIGTERM and would be killed"),
                format!("SIGTERM 之后 {grace} 仍在运行，会被强制终止"),
            )),
        }
        let summary = Message::new(
            format!(
                "{} of {} requests under way at SIGTERM were answered; it was gone after {gone} of {grace}",
                self.finished, self.in_flight
            ),
            format!(
                "收到 SIGTERM 时正在处理的 {} 个请求中 {} 个得到响应；{gone} 后退出（允许 {grace}）",
                self.in_flight, self.finished
            ),
        );
        if self.in_flight == 0 && misses.is_empty() {
            return Answer::inconclusive(
                CHECK,
                Message::new("no request was under way at SIGTERM", "收到 SIGTERM 时没有正在处理的请求"),
            );
        }
        Answer::of(CHECK, summary, misses)
    }

    /// Whether it says that it is not ready before it stops listening, so that a balancer hears of it in time.
    fn leaves(&self) -> Option<Answer> {
        const CHECK: &str = "health.readiness";
        let path = self.readiness.as_ref()?;
        let miss = |en: String, zh: String| {
            let summary = Message::new(
                format!("{path} was asked all the while after SIGTERM"),
                format!("收到 SIGTERM 后持续请求 {path}"),
            );
            Answer::of(CHECK, summary, vec![Message::new(en, zh)])
        };
        Some(match (self.not_ready_ms, self.closed_ms) {
            (Some(not_ready), closed) if closed.is_none_or(|closed| not_ready < closed) => {
                let (en, zh) = closed.map_or_else(
                    || (String::new(), String::new()),
                    |closed| {
                        (format!(", and listened until {}", time(closed)), format!("，监听持续到 {}", time(closed)))
                    },
                );
                let said = time(not_ready);
                let summary = Message::new(
                    format!("{path} said not ready {said} after SIGTERM{en}"),
                    format!("收到 SIGTERM 后 {said} {path} 报告未就绪{zh}"),
                );
                Answer::of(CHECK, summary, Vec::new())
            }
            (_, Some(closed)) => {
                let closed = time(closed);
                miss(
                    format!("nobody listens {closed} after SIGTERM, and {path} never said not ready before"),
                    format!("收到 SIGTERM 后 {closed} 停止监听，此前 {path} 从未报告未就绪"),
                )
            }
            (_, None) => {
                miss(format!("{path} goes on saying ready after SIGTERM"), format!("收到 SIGTERM 后 {path} 仍报告就绪"))
            }
        })
    }
}
