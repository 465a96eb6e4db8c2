//! What a service prints, and what it must not print.

use serde::{Deserialize, Serialize};

use super::Answer;
use crate::Message;

/// So many of a hundred lines are to be complete.
const PERCENT: u64 = 99;

/// The lines of a service from its start on, with requests in between that carry what no log may hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Logs {
    /// Lines that are not empty, and those of them that are JSON objects with time, level and message.
    pub lines: u64,
    pub complete: u64,
    /// The first few of the others.
    pub odd: Vec<OddLine>,
    pub canaries: Vec<Canary>,
}

/// A line that lacks something.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OddLine {
    /// Its beginning.
    pub text: String,
    /// `time`, `level`, `message`; empty where it is no JSON object at all.
    pub lacks: Vec<String>,
}

/// Something made up that was sent to the service and belongs into no log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Canary {
    /// What it stands for and where it was sent: an e-mail address in the query.
    pub what: Message,
    /// A secret; otherwise personal data.
    pub secret: bool,
    /// The first line that holds it, around the place; none does.
    pub line: Option<String>,
}

impl Logs {
    pub(super) fn answers(&self) -> Vec<Answer> {
        let structured = self.structured();
        let leaks = |secrets_only: bool| -> Vec<Message> {
            let leaked = self.canaries.iter().filter(|one| one.secret || !secrets_only);
            leaked.filter_map(Canary::miss).collect()
        };
        let of = self.canaries.len();
        let held_back = self.canaries.iter().filter(|one| one.line.is_none()).count();
        let summary = Message::new(
            format!(
                "{} of {} lines are complete JSON; {held_back} of {of} made-up secrets and personal data stayed out of them",
                self.complete, self.lines
            ),
            format!(
                "{} 行中有 {} 行是完整的 JSON；{of} 项伪造的密钥与个人数据中 {held_back} 项未进入日志",
                self.lines, self.complete
            ),
        );
        let clay = if self.lines == 0 {
            Answer::inconclusive("clay.logging", nothing())
        } else {
            let misses = structured.misses.iter().cloned().chain(leaks(false)).collect();
            Answer::of("clay.logging", summary.clone(), misses)
        };
        let mut answers = vec![structured, clay];
        // That no secret is in the logs is one of many patterns: its absence alone shows nothing of the others.
        let secrets = leaks(true);
        if !secrets.is_empty() {
            answers.push(Answer::in_part("security.owasp", summary, secrets));
        }
        answers
    }

    fn structured(&self) -> Answer {
        const CHECK: &str = "observability.structured-logs";
        let Self { lines, complete, .. } = self;
        if *lines == 0 {
            return Answer::inconclusive(CHECK, nothing());
        }
        let summary = Message::new(
            format!("{complete} of {lines} lines are JSON objects with time, level and message"),
            format!("{lines} 行中有 {complete} 行是带时间、级别和消息的 JSON 对象"),
        );
        let enough = complete * 100 >= lines * PERCENT;
        let misses = if enough { Vec::new() } else { self.odd.iter().map(OddLine::miss).collect() };
        Answer::of(CHECK, summary, misses)
    }
}

fn nothing() -> Message {
    Message::new("it printed nothing: its logs go elsewhere", "没有任何输出：日志写到了别处")
}

impl OddLine {
    fn miss(&self) -> Message {
        let text = &self.text;
        if self.lacks.is_empty() {
            return Message::new(format!("no JSON object: {text}"), format!("不是 JSON 对象：{text}"));
        }
        let zh: Vec<&str> = self
            .lacks
            .iter()
            .map(|key| match key.as_str() {
                "time" => "时间",
                "level" => "级别",
                _ => "消息",
            })
            .collect();
        Message::new(format!("without {}: {text}", self.lacks.join(", ")), format!("缺少{}：{text}", zh.join("、")))
    }
}

impl Canary {
    fn miss(&self) -> Option<Message> {
        let line = self.line.as_ref()?;
        Some(Message::new(
            format!("{} was printed: {line}", self.what.en),
            format!("{}被写入日志：{line}", self.what.zh),
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exercise::Held;

    #[track_caller]
    fn check(lines: u64, complete: u64, leaked: &[bool], expect: &[(&str, Held)]) {
        let odd = vec![OddLine { text: "Listening".to_owned(), lacks: Vec::new() }; usize::from(complete < lines)];
        let canaries = leaked.iter().map(|leaked| Canary {
            what: Message::new("a key", "密钥"),
            secret: true,
            line: leaked.then(|| "authorization: …".to_owned()),
        });
        let logs = Logs { lines, complete, odd, canaries: canaries.collect() };
        let found: Vec<_> = logs.answers().iter().map(|one| (one.check, one.held)).collect();
        assert_eq!(found, expect);
    }

    #[test]
    fn one_banner_among_hundred_lines_is_nothing_and_among_fifty_it_is() {
        let both = |held| [("observability.structured-logs", held), ("clay.logging", held)];
        check(100, 99, &[false], &both(Held::Yes));
        check(50, 49, &[false], &both(Held::No));
        check(0, 0, &[false], &both(Held::Inconclusive));
    }

    #[test]
    fn a_printed_secret_breaks_what_speaks_of_secrets_only() {
        check(
            100,
            100,
            &[false, true],
            &[("observability.structured-logs", Held::Yes), ("clay.logging", Held::No), ("security.owasp", Held::No)],
        );
    }

    #[test]
    fn an_address_of_a_person_is_no_secret() {
        let canary = Canary { what: Message::new("an e-mail", "邮箱"), secret: false, line: Some("a@b".to_owned()) };
        let logs = Logs { lines: 10, complete: 10, odd: Vec::new(), canaries: vec![canary] };
        assert_eq!(logs.answers().iter().map(|one| one.held).collect::<Vec<_>>(), [Held::Yes, Held::No]);
    }
}
