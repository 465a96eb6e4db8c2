//! Whether a changed configuration takes effect in the running process.

use serde::{Deserialize, Serialize};

use super::{Answer, answer::time};
use crate::Message;

/// The configuration was changed under traffic and changed back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reload {
    /// The request whose answer shows the change.
    pub request: String,
    /// What was done: a file, a signal.
    pub how: String,
    /// When the answer was another one; none: it never was.
    pub changed_ms: Option<u64>,
    /// When it was the first one again, after the change was taken back.
    pub back_ms: Option<u64>,
    /// How long each was waited for.
    pub within_ms: u64,
    /// The process that was started is still there.
    pub same_process: bool,
    pub sent: u64,
    /// Requests of users that were not answered well meanwhile.
    pub lost: u64,
}

impl Reload {
    pub(super) fn answers(&self) -> Vec<Answer> {
        const CHECK: &str = "config.reload";
        let Self { request, how, sent, lost, .. } = self;
        let within = time(self.within_ms);
        let mut misses = Vec::new();
        if !self.same_process {
            misses.push(Message::new(
                format!("the process ended after the change ({how})"),
                format!("配置变更（{how}）后进程退出"),
            ));
        } else if self.changed_ms.is_none() {
            misses.push(Message::new(
                format!("{request} answers as before {within} after the change ({how})"),
                format!("配置变更（{how}）{within} 后 {request} 的响应仍未变化"),
            ));
        } else if self.back_ms.is_none() {
            misses.push(Message::new(
                format!("the change took effect and was not taken back within {within}"),
                format!("变更已生效，但撤回后 {within} 内未恢复"),
            ));
        }
        if *lost > 0 && self.same_process {
            misses.push(Message::new(
                format!("{lost} of {sent} requests failed meanwhile"),
                format!("期间 {sent} 个请求中有 {lost} 个失败"),
            ));
        }
        let took = self.changed_ms.map_or_else(|| "–".to_owned(), time);
        let summary = Message::new(
            format!(
                "{request} answered anew {took} after the change ({how}); {lost} of {sent} requests failed meanwhile"
            ),
            format!("变更（{how}）后 {took} {request} 的响应更新；期间 {sent} 个请求中失败 {lost} 个"),
        );
        vec![Answer::of(CHECK, summary, misses)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exercise::Held;

    #[track_caller]
    fn check(changed: Option<u64>, back: Option<u64>, same_process: bool, lost: u64, misses: usize) {
        let reload = Reload {
            request: "GET /banner".to_owned(),
            how: "config.json rewritten".to_owned(),
            changed_ms: changed,
            back_ms: back,
            within_ms: 15_000,
            same_process,
            sent: 300,
            lost,
        };
        let answers = reload.answers();
        let held = if misses == 0 { Held::Yes } else { Held::No };
        assert_eq!((answers[0].held, answers[0].misses.len()), (held, misses), "{answers:?}");
    }

    #[test]
    fn a_change_without_a_restart_and_without_a_lost_request_holds() {
        check(Some(200), Some(300), true, 0, 0);
    }

    #[test]
    fn no_effect_an_end_and_lost_requests_do_not() {
        check(None, None, true, 0, 1);
        check(Some(200), None, true, 0, 1);
        check(None, None, false, 40, 1);
        check(Some(200), Some(300), true, 2, 1);
    }
}
