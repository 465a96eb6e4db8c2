//! The level of logs, changed while the service runs.

use serde::{Deserialize, Serialize};

use super::Answer;
use crate::Message;

/// The same requests before and after the level was changed, and after it was changed back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Levels {
    /// What changes it: a request, a signal, a file.
    pub how: String,
    /// Where a request changes it: what it was answered; none where it was not answered.
    pub status: Option<u16>,
    pub before: Told,
    pub after: Told,
    /// Where it can be changed back.
    pub back: Option<Told>,
    /// It ended when the level was changed.
    pub ended: bool,
}

/// Lines of the same requests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    pub lines: u64,
    /// Those of the levels debug and trace.
    pub detailed: u64,
}

impl Levels {
    pub(super) fn answers(&self) -> Vec<Answer> {
        const CHECK: &str = "observability.log-levels";
        let Self { how, before, after, .. } = self;
        let mut misses = Vec::new();
        if self.ended {
            misses.push(Message::new(format!("{how} ended the process"), format!("{how} 使进程退出")));
        } else if after.detailed <= before.detailed {
            let (en, zh) = match self.status {
                Some(status) if status >= 400 => (format!(" (answered {status})"), format!("（响应 {status}）")),
                _ => (String::new(), String::new()),
            };
            misses.push(Message::new(
                format!(
                    "{how}{en} brought no lines of the level debug: {} before, {} after",
                    before.detailed, after.detailed
                ),
                format!("{how}{zh} 之后没有更多 debug 日志：之前 {} 行，之后 {} 行", before.detailed, after.detailed),
            ));
        } else if let Some(back) = self.back.filter(|back| back.detailed >= after.detailed) {
            misses.push(Message::new(
                format!("changed back, it still prints {} lines of the level debug", back.detailed),
                format!("改回之后仍输出 {} 行 debug 日志", back.detailed),
            ));
        }
        let summary = Message::new(
            format!(
                "{how} took lines of the level debug from {} to {} for the same requests",
                before.detailed, after.detailed
            ),
            format!("{how} 使相同请求的 debug 日志由 {} 行变为 {} 行", before.detailed, after.detailed),
        );
        vec![Answer::of(CHECK, summary, misses)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exercise::Held;

    #[track_caller]
    fn check(detailed: [u64; 3], ended: bool, expect: Held) {
        let [before, after, back] = detailed.map(|detailed| Told { lines: detailed + 5, detailed });
        let levels = Levels { how: "PUT /level".to_owned(), status: Some(200), before, after, back: Some(back), ended };
        assert_eq!(levels.answers().first().map(|one| one.held), Some(expect));
    }

    #[test]
    fn more_is_said_after_the_change_and_less_after_it_is_undone() {
        check([0, 12, 0], false, Held::Yes);
        check([0, 0, 0], false, Held::No);
        check([12, 12, 12], false, Held::No);
        check([0, 12, 12], false, Held::No);
        check([0, 12, 0], true, Held::No);
    }
}
