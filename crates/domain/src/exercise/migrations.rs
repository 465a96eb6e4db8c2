//! The way there, back, and there again.

use serde::{Deserialize, Serialize};

use super::{Answer, Exit, answer::time};
use crate::Message;

/// Migrations of a database that nobody needs: up, down, up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Migrations {
    /// Those that were made; after one that failed there is none.
    pub steps: Vec<MigrationStep>,
    /// The schema after the way back was another one than before it; none: nobody can tell.
    pub undone: Option<bool>,
    /// The schema after the second time was the one after the first.
    pub same: Option<bool>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MigrationStep {
    pub way: MigrationWay,
    pub exit: Exit,
    pub took_ms: u64,
    /// What it said last, where it failed.
    pub words: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MigrationWay {
    Up,
    Down,
    UpAgain,
}

impl MigrationWay {
    pub fn words(self) -> Message {
        match self {
            Self::Up => Message::new("the way up", "迁移"),
            Self::Down => Message::new("the way back", "回退"),
            Self::UpAgain => Message::new("the way up after the way back", "回退后的再次迁移"),
        }
    }
}

impl Migrations {
    pub(super) fn answers(&self) -> Vec<Answer> {
        const CHECK: &str = "data.migrations";
        let mut misses = Vec::new();
        for MigrationStep { way, exit, words, took_ms } in &self.steps {
            let Message { en, zh } = way.words();
            let took = time(*took_ms);
            match exit {
                Exit::Code(0) => (),
                Exit::Never => misses.push(Message::new(
                    format!("{en} did not end within {took}: {words}"),
                    format!("{zh}在 {took} 内未结束：{words}"),
                )),
                Exit::Code(_) | Exit::Signal(_) => {
                    misses.push(Message::new(format!("{en} failed: {words}"), format!("{zh}失败：{words}")));
                }
            }
        }
        if self.undone == Some(false) {
            misses.push(Message::new(
                "the way back leaves the schema as it was: nothing is taken back",
                "回退后的结构与之前相同：没有撤销任何变更",
            ));
        }
        if self.same == Some(false) {
            misses.push(Message::new(
                "up, back and up again leads to another schema than up alone",
                "迁移、回退、再迁移后的结构与首次迁移不同",
            ));
        }
        if misses.is_empty() && self.steps.len() < 3 {
            return vec![Answer::inconclusive(CHECK, Message::new("not all ways were tried", "未完成全部步骤"))];
        }
        let compared = self.undone.is_some();
        let summary = Message::new(
            format!(
                "up, back and up again on a database of its own{}",
                if compared { ", the schema compared each time" } else { "; the schema was not looked at (`schema`)" }
            ),
            format!(
                "在独立数据库上迁移、回退、再迁移{}",
                if compared { "，并逐次比较结构" } else { "；未检查结构（`schema`）" }
            ),
        );
        // Whether the running version bears the new schema is for others to say.
        vec![Answer::in_part(CHECK, summary, misses)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exercise::Held;

    #[track_caller]
    fn check(exits: &[i32], undone: Option<bool>, same: Option<bool>, expect: Held) {
        let ways = [MigrationWay::Up, MigrationWay::Down, MigrationWay::UpAgain];
        let step = |(way, code): (MigrationWay, &i32)| MigrationStep {
            way,
            exit: Exit::Code(*code),
            took_ms: 10,
            words: String::new(),
        };
        let migrations = Migrations { steps: ways.into_iter().zip(exits).map(step).collect(), undone, same };
        assert_eq!(migrations.answers().first().map(|one| one.held), Some(expect));
    }

    #[test]
    fn a_way_back_takes_back_and_lets_go_up_again() {
        check(&[0, 0, 0], Some(true), Some(true), Held::InPart);
        check(&[0, 0, 0], None, None, Held::InPart);
        check(&[0, 1], None, None, Held::No);
        check(&[0, 0, 1], Some(true), None, Held::No);
        check(&[0, 0, 0], Some(false), Some(true), Held::No);
        check(&[0, 0, 0], Some(true), Some(false), Held::No);
        check(&[0], None, None, Held::Inconclusive);
    }
}
