//! The id of a request: accepted, echoed, logged and passed on.

use serde::{Deserialize, Serialize};

use super::Answer;
use crate::Message;

/// Requests that carry an id.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Correlation {
    /// Sent one after the other.
    pub requests: Vec<Correlated>,
    /// Sent at once.
    pub together: Option<Together>,
    /// With ids that nobody should take over.
    pub absurd: Vec<Absurd>,
}

/// One request and where its id was seen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Correlated {
    pub request: String,
    /// The header of the answer that holds it, or `body`.
    pub echoed: Option<String>,
    /// Lines that hold it; none where nothing can be read of its logs.
    pub lines: Option<u64>,
    /// The dependencies that speak HTTP and that it needs.
    pub passed: Vec<Passed>,
}

/// Calls that a request caused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Passed {
    pub dependency: String,
    pub calls: u64,
    pub with_id: u64,
}

/// Requests of one kind that were under way at the same time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Together {
    pub request: String,
    pub sent: u64,
    /// Answers with the id of another request.
    pub mixed_answers: u64,
    /// Requests whose id a dependency saw not at all while it saw another's more than once too often.
    pub mixed_calls: u64,
    /// Requests that have fewer lines than one that is alone, while others have more.
    pub mixed_lines: u64,
}

/// A request with an id that no caller of good will sends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Absurd {
    pub id: AbsurdId,
    pub status: Option<u16>,
    /// All of it stands in a header of the answer, or in a line.
    pub echoed: bool,
    pub logged: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AbsurdId {
    /// 4096 letters.
    Long,
    /// With a line end that is written as an escape.
    Escaped,
}

impl Correlation {
    pub(super) fn answers(&self) -> Vec<Answer> {
        const CHECK: &str = "observability.correlation";
        if self.requests.is_empty() {
            let why = Message::new("no request was answered", "没有请求得到响应");
            return vec![Answer::inconclusive(CHECK, why)];
        }
        let mut misses: Vec<Message> = self.requests.iter().flat_map(Correlated::misses).collect();
        misses.extend(self.together.iter().flat_map(Together::misses));
        misses.extend(self.absurd.iter().flat_map(Absurd::misses));
        let of = self.requests.len();
        let count = |which: &dyn Fn(&Correlated) -> bool| self.requests.iter().filter(|one| which(one)).count();
        let echoed = count(&|one| one.echoed.is_some());
        let (logs_en, logs_zh) = if count(&|one| one.lines.is_some()) == 0 {
            (String::new(), String::new())
        } else {
            let logged = count(&|one| one.lines.is_some_and(|lines| lines > 0));
            (format!(", logged for {logged}"), format!("、{logged} 种写入日志"))
        };
        let (calls, with_id) = self
            .requests
            .iter()
            .flat_map(|one| &one.passed)
            .fold((0, 0), |(calls, with_id), one| (calls + one.calls, with_id + one.with_id));
        let (calls_en, calls_zh) = if calls == 0 {
            (", no call over HTTP to pass it on with".to_owned(), "，没有可传递的 HTTP 调用".to_owned())
        } else {
            (
                format!(", passed on with {with_id} of {calls} calls"),
                format!("，{calls} 次下游调用中 {with_id} 次带有该 ID"),
            )
        };
        let summary = Message::new(
            format!("the id was echoed for {echoed} of {of} kinds of requests{logs_en}{calls_en}"),
            format!("{of} 种请求中 {echoed} 种回显了 ID{logs_zh}{calls_zh}"),
        );
        vec![Answer::of(CHECK, summary, misses)]
    }
}

impl Correlated {
    fn misses(&self) -> Vec<Message> {
        let request = &self.request;
        let mut misses = Vec::new();
        if self.echoed.is_none() {
            misses.push(Message::new(
                format!("the answer to {request} does not give the id back"),
                format!("{request} 的响应没有回显 ID"),
            ));
        }
        if self.lines == Some(0) {
            misses.push(Message::new(
                format!("no line of {request} holds its id"),
                format!("{request} 的日志中没有该 ID"),
            ));
        }
        for Passed { dependency, calls, with_id } in self.passed.iter().filter(|one| one.with_id < one.calls) {
            misses.push(Message::new(
                format!("{} of {calls} calls of {request} to {dependency} carry no id", calls - with_id),
                format!("{request} 对 {dependency} 的 {calls} 次调用中有 {} 次没有带 ID", calls - with_id),
            ));
        }
        misses
    }
}

impl Together {
    fn misses(&self) -> Vec<Message> {
        let Self { request, sent, .. } = self;
        let rows = [
            (self.mixed_answers, "were answered with the id of another", "的响应带有其他请求的 ID"),
            (self.mixed_calls, "called a dependency under the id of another", "以其他请求的 ID 调用了依赖"),
            (self.mixed_lines, "were logged under the id of another", "的日志带有其他请求的 ID"),
        ];
        let told = rows.into_iter().filter(|(count, ..)| *count > 0).map(|(count, en, zh)| {
            Message::new(
                format!("{count} of {sent} requests {request} at the same time {en}"),
                format!("同时发出的 {sent} 个 {request} 请求中有 {count} 个{zh}"),
            )
        });
        told.collect()
    }
}

impl Absurd {
    fn misses(&self) -> Vec<Message> {
        let (en, zh) = match self.id {
            AbsurdId::Long => ("an id of 4096 letters", "4096 个字符的 ID"),
            AbsurdId::Escaped => ("an id with an escaped line end", "含转义换行的 ID"),
        };
        let mut misses = Vec::new();
        if self.echoed {
            misses.push(Message::new(format!("{en} is given back as it came"), format!("{zh} 被原样回显")));
        }
        if self.logged {
            misses.push(Message::new(format!("{en} is printed as it came"), format!("{zh} 被原样写入日志")));
        }
        if self.status.is_none_or(|status| status >= 500) {
            misses.push(Message::new(format!("{en} is not answered well"), format!("{zh} 使请求失败")));
        }
        misses
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exercise::Held;

    fn good() -> Correlation {
        Correlation {
            requests: vec![Correlated {
                request: "GET /a".to_owned(),
                echoed: Some("x-request-id".to_owned()),
                lines: Some(2),
                passed: vec![Passed { dependency: "crm".to_owned(), calls: 2, with_id: 2 }],
            }],
            together: Some(Together {
                request: "GET /a".to_owned(),
                sent: 6,
                mixed_answers: 0,
                mixed_calls: 0,
                mixed_lines: 0,
            }),
            absurd: vec![Absurd { id: AbsurdId::Long, status: Some(400), echoed: false, logged: false }],
        }
    }

    #[track_caller]
    fn check(change: impl FnOnce(&mut Correlation), expect: Held) {
        let mut correlation = good();
        change(&mut correlation);
        assert_eq!(correlation.answers().first().map(|one| one.held), Some(expect));
    }

    #[test]
    fn an_id_that_is_seen_everywhere_holds() {
        check(|_| (), Held::Yes);
        check(|one| one.requests[0].lines = None, Held::Yes);
        check(|one| one.requests[0].passed.clear(), Held::Yes);
        check(|one| one.requests.clear(), Held::Inconclusive);
    }

    #[test]
    fn an_id_that_is_lost_or_mixed_up_anywhere_does_not() {
        check(|one| one.requests[0].echoed = None, Held::No);
        check(|one| one.requests[0].lines = Some(0), Held::No);
        check(|one| one.requests[0].passed[0].with_id = 1, Held::No);
        check(|one| one.together.as_mut().unwrap().mixed_answers = 5, Held::No);
        check(|one| one.absurd[0].echoed = true, Held::No);
        check(|one| one.absurd[0].status = None, Held::No);
    }
}
