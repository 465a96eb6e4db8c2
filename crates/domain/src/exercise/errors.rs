//! Requests that are wrong in every way, and what they are answered.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::Answer;
use crate::Message;

/// The answers to wrong requests.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Errors {
    pub cases: Vec<ErrorCase>,
    /// Its good answers are pages for people and never JSON, so that errors may be pages too.
    #[serde(default)]
    pub pages: bool,
}

/// One wrong request and its answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorCase {
    pub wrong: Wrong,
    /// Method and path.
    pub request: String,
    /// None where no full answer came.
    pub status: Option<u16>,
    pub content_type: Option<String>,
    /// Members of the JSON document that is the body, to a depth of two (`error.code`), with their types; none where it is
    /// no JSON object.
    pub shape: Option<BTreeMap<String, String>>,
    /// A piece of what should have stayed inside.
    pub inside: Option<String>,
    /// A good request right after it was answered well.
    pub goes_on: bool,
}

/// What is wrong with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Wrong {
    Route,
    Method,
    MalformedJson,
    ContentType,
    EmptyBody,
    /// A list where an object is expected.
    Type,
    DeepJson,
    LargeBody,
    /// Bytes that are no UTF-8.
    Text,
    /// A part of the path that is percent-encoded wrongly.
    Escape,
}

impl Wrong {
    pub fn text(self) -> Message {
        let (en, zh) = match self {
            Self::Route => ("an unknown route", "未知路由"),
            Self::Method => ("a method that is not served", "不支持的方法"),
            Self::MalformedJson => ("malformed JSON", "格式错误的 JSON"),
            Self::ContentType => ("another content type", "错误的内容类型"),
            Self::EmptyBody => ("an empty body", "空正文"),
            Self::Type => ("a list for an object", "以列表代替对象"),
            Self::DeepJson => ("JSON of 100,000 levels", "嵌套 10 万层的 JSON"),
            Self::LargeBody => ("a body that is too large", "过大的正文"),
            Self::Text => ("bytes that are no text", "非文本字节"),
            Self::Escape => ("a broken percent-encoding", "错误的百分号编码"),
        };
        Message::new(en, zh)
    }
}

impl ErrorCase {
    /// It was refused, so that its answer is an error.
    fn refused(&self) -> bool {
        self.status.is_some_and(|status| (400..500).contains(&status))
    }

    fn is_json(&self) -> bool {
        let json = |kind: &String| kind.split(';').next().is_some_and(|kind| kind.trim_end().ends_with("json"));
        self.shape.is_some() && self.content_type.as_ref().is_some_and(json)
    }

    fn boundary(&self, pages: bool) -> Option<Message> {
        let (what, request) = (self.wrong.text(), &self.request);
        let told = |en: String, zh: String| {
            Some(Message::new(format!("{} ({request}) {en}", what.en), format!("{}（{request}）{zh}", what.zh)))
        };
        match self.status {
            None => told("got no answer".to_owned(), "没有得到响应".to_owned()),
            Some(status) if status >= 500 => told(
                format!("is answered {status}: an error of the service"),
                format!("得到 {status}：被当作服务端错误"),
            ),
            _ if !self.goes_on => {
                told("leaves good requests without an answer".to_owned(), "之后正常请求失败".to_owned())
            }
            Some(status) if self.refused() && !self.is_json() && !pages => {
                let kind = self.content_type.as_deref().unwrap_or("-");
                told(
                    format!("is answered {status} with no JSON object ({kind})"),
                    format!("得到 {status}，但不是 JSON 对象（{kind}）"),
                )
            }
            _ => self.leak(),
        }
    }

    fn leak(&self) -> Option<Message> {
        let (what, inside) = (self.wrong.text(), self.inside.as_ref()?);
        Some(Message::new(
            format!("{} ({}) is told of the inside: {inside}", what.en, self.request),
            format!("{}（{}）的响应泄露内部信息：{inside}", what.zh, self.request),
        ))
    }
}

impl Errors {
    pub(super) fn answers(&self) -> Vec<Answer> {
        let judged: Vec<&ErrorCase> =
            self.cases.iter().filter(|one| one.status.is_none_or(|status| status >= 400)).collect();
        let nothing = || Message::new("nothing that was wrong was refused", "没有错误请求被拒绝");
        if judged.is_empty() && self.cases.iter().all(|one| one.goes_on) {
            return vec![
                Answer::inconclusive("errors.boundary", nothing()),
                Answer::inconclusive("errors.messages", nothing()),
            ];
        }
        let misses: Vec<Message> = self.cases.iter().filter_map(|case| case.boundary(self.pages)).collect();
        let statuses: BTreeSet<u16> = judged.iter().filter_map(|one| one.status).collect();
        let statuses = statuses.iter().map(u16::to_string).collect::<Vec<_>>().join(", ");
        let summary = Message::new(
            format!("{} of {} wrong requests were refused ({statuses})", judged.len(), self.cases.len()),
            format!("{} 个错误请求中 {} 个被拒绝（{statuses}）", self.cases.len(), judged.len()),
        );
        vec![Answer::of("errors.boundary", summary, misses), self.messages()]
    }

    /// Whether errors have one envelope: a text at the same place of every one of them, and no member that is sometimes of
    /// another type.
    fn messages(&self) -> Answer {
        const CHECK: &str = "errors.messages";
        let refused: Vec<&ErrorCase> = self.cases.iter().filter(|one| one.refused()).collect();
        let shapes: Vec<&BTreeMap<String, String>> = refused.iter().filter_map(|one| one.shape.as_ref()).collect();
        let mut misses: Vec<Message> = self.cases.iter().filter_map(ErrorCase::leak).collect();
        let statuses: BTreeSet<u16> = refused.iter().filter_map(|one| one.status).collect();
        if self.pages && misses.is_empty() {
            let why = Message::new(
                "its answers are pages for people: an envelope is for programs",
                "其响应是面向人的页面：错误结构是给程序用的",
            );
            return Answer::inconclusive(CHECK, why);
        }
        if let Some(bare) = refused.iter().find(|one| one.shape.is_none()) {
            let what = bare.wrong.text();
            let (unlike, unlike_zh) =
                if shapes.is_empty() { ("", "") } else { (", unlike others", "，与其他错误不同") };
            misses.push(Message::new(
                format!("{} ({}) has no envelope{unlike}", what.en, bare.request),
                format!("{}（{}）的响应没有错误结构{unlike_zh}", what.zh, bare.request),
            ));
        }
        misses.extend(differences(&refused));
        let common = common_texts(&shapes);
        if misses.is_empty() && common.is_empty() && !shapes.is_empty() {
            misses.push(Message::new(
                "no member holds the message in all of them",
                "没有一个成员在所有错误响应中都承载消息",
            ));
        }
        let list = statuses.iter().map(u16::to_string).collect::<Vec<_>>().join(", ");
        let members = common.into_iter().collect::<Vec<_>>().join(", ");
        let (shared, shared_zh) = if members.is_empty() {
            ("share no text".to_owned(), "没有共同的文本成员".to_owned())
        } else {
            (format!("share the texts {members}"), format!("共有文本成员 {members}"))
        };
        let summary = Message::new(
            format!("{} errors ({list}) {shared}", refused.len()),
            format!("{} 个错误响应（{list}）{shared_zh}", refused.len()),
        );
        if misses.is_empty() && (refused.len() < 2 || shapes.len() < 2) {
            let why = Message::new("fewer than two errors to compare", "可比较的错误响应不足两个");
            return Answer::inconclusive(CHECK, why);
        }
        Answer::of(CHECK, summary, misses)
    }
}

/// Members that are texts in every one of these.
fn common_texts(shapes: &[&BTreeMap<String, String>]) -> BTreeSet<String> {
    let texts = |shape: &BTreeMap<String, String>| -> BTreeSet<String> {
        shape.iter().filter(|(_, kind)| *kind == "string").map(|(path, _)| path.clone()).collect()
    };
    let mut all = shapes.iter().map(|shape| texts(shape));
    let first = all.next().unwrap_or_default();
    all.fold(first, |common, next| common.intersection(&next).cloned().collect())
}

/// Members that are of one type in one answer and of another in the next, and answers whose members are all others.
fn differences(refused: &[&ErrorCase]) -> Vec<Message> {
    let mut misses = Vec::new();
    let mut seen: BTreeMap<&str, (&str, &ErrorCase)> = BTreeMap::new();
    let mut told: BTreeSet<&str> = BTreeSet::new();
    for case in refused {
        for (path, kind) in case.shape.iter().flatten() {
            let (first, other) = *seen.entry(path).or_insert((kind, case));
            if first != kind && kind != "null" && first != "null" && told.insert(path) {
                let (one, two) = (other.wrong.text(), case.wrong.text());
                misses.push(Message::new(
                    format!("`{path}` is a {first} for {}, and a {kind} for {}", one.en, two.en),
                    format!("`{path}` 在{}时为 {first}，在{}时为 {kind}", one.zh, two.zh),
                ));
            }
        }
    }
    let top = |case: &ErrorCase| -> BTreeSet<String> {
        case.shape.iter().flatten().map(|(path, _)| path.clone()).filter(|path| !path.contains('.')).collect()
    };
    let Some(first) = refused.iter().find(|one| one.shape.is_some()) else { return misses };
    let usual = top(first);
    let stranger = refused.iter().find(|one| one.shape.is_some() && top(one).is_disjoint(&usual));
    if let Some(stranger) = stranger {
        let (one, two) = (first.wrong.text(), stranger.wrong.text());
        let list = |members: &BTreeSet<String>| members.iter().cloned().collect::<Vec<_>>().join(", ");
        let (here, there) = (list(&usual), list(&top(stranger)));
        misses.push(Message::new(
            format!("{} is answered with {here}, and {} with {there}", one.en, two.en),
            format!("{}的响应为 {here}，{}的响应为 {there}", one.zh, two.zh),
        ));
    }
    misses
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exercise::Held;

    fn case(wrong: Wrong, status: u16, shape: &[(&str, &str)]) -> ErrorCase {
        let shape = shape.iter().map(|(path, kind)| ((*path).to_owned(), (*kind).to_owned()));
        ErrorCase {
            wrong,
            request: "POST /a".to_owned(),
            status: Some(status),
            content_type: Some("application/problem+json; charset=utf-8".to_owned()),
            shape: Some(shape.collect()),
            inside: None,
            goes_on: true,
        }
    }

    #[track_caller]
    fn check_pages(cases: Vec<ErrorCase>, boundary: Held, messages: Held) {
        let answers = Errors { cases, pages: true }.answers();
        assert_eq!(answers.iter().map(|one| one.held).collect::<Vec<_>>(), [boundary, messages], "{answers:?}");
    }

    #[test]
    fn errors_of_a_site_may_be_pages_that_tell_nothing_of_the_inside() {
        let page = |wrong, status| ErrorCase {
            shape: None,
            content_type: Some("text/html".to_owned()),
            ..case(wrong, status, &[])
        };
        check_pages(vec![page(Wrong::Route, 404), page(Wrong::Method, 403)], Held::Yes, Held::Inconclusive);
        check_pages(vec![page(Wrong::Route, 404), page(Wrong::Escape, 500)], Held::No, Held::Inconclusive);
        let told = ErrorCase { inside: Some("Traceback".to_owned()), ..page(Wrong::Route, 404) };
        check_pages(vec![told, page(Wrong::Method, 403)], Held::No, Held::No);
    }

    #[track_caller]
    fn check(cases: Vec<ErrorCase>, boundary: Held, messages: Held) {
        let answers = Errors { cases, pages: false }.answers();
        assert_eq!(answers.iter().map(|one| one.held).collect::<Vec<_>>(), [boundary, messages], "{answers:?}");
    }

    const ENVELOPE: &[(&str, &str)] = &[("error", "object"), ("error.code", "string"), ("error.message", "string")];

    #[test]
    fn one_envelope_with_members_that_only_some_have_is_one() {
        let mut details = ENVELOPE.to_vec();
        details.push(("error.details", "array"));
        check(vec![case(Wrong::Route, 404, ENVELOPE), case(Wrong::MalformedJson, 422, &details)], Held::Yes, Held::Yes);
    }

    #[test]
    fn a_member_that_changes_its_type_is_not_one_envelope() {
        let detail = |kind| vec![("detail", kind)];
        check(
            vec![case(Wrong::Route, 404, &detail("string")), case(Wrong::Type, 422, &detail("array"))],
            Held::Yes,
            Held::No,
        );
        let other = &[("message", "string")];
        check(vec![case(Wrong::Route, 404, ENVELOPE), case(Wrong::Type, 400, other)], Held::Yes, Held::No);
    }

    #[test]
    fn a_page_a_crash_and_silence_are_no_answers() {
        let page =
            ErrorCase { shape: None, content_type: Some("text/html".to_owned()), ..case(Wrong::Route, 404, &[]) };
        check(vec![page, case(Wrong::Type, 400, ENVELOPE)], Held::No, Held::No);
        check(vec![case(Wrong::Route, 404, ENVELOPE), case(Wrong::Type, 500, ENVELOPE)], Held::No, Held::Inconclusive);
        let silent = ErrorCase { status: None, shape: None, ..case(Wrong::DeepJson, 400, &[]) };
        check(vec![silent, case(Wrong::Route, 404, ENVELOPE), case(Wrong::Type, 400, ENVELOPE)], Held::No, Held::Yes);
        let last = ErrorCase { goes_on: false, ..case(Wrong::DeepJson, 400, ENVELOPE) };
        check(vec![last, case(Wrong::Route, 404, ENVELOPE)], Held::No, Held::Yes);
    }

    #[track_caller]
    fn check_summary(cases: Vec<ErrorCase>, expect: &str) {
        let answers = Errors { cases, pages: false }.answers();
        assert_eq!(answers.last().map(|one| one.summary.en.as_str()), Some(expect));
    }

    #[test]
    fn what_errors_share_is_named_or_said_to_be_nothing() {
        let page = |wrong| ErrorCase { shape: None, ..case(wrong, 404, &[]) };
        check_summary(vec![page(Wrong::Route), page(Wrong::Method)], "2 errors (404) share no text");
        check_summary(
            vec![case(Wrong::Route, 404, ENVELOPE), case(Wrong::Type, 400, ENVELOPE)],
            "2 errors (400, 404) share the texts error.code, error.message",
        );
    }

    #[test]
    fn a_stack_trace_breaks_both() {
        let told = ErrorCase { inside: Some("at app.js:3".to_owned()), ..case(Wrong::Type, 400, ENVELOPE) };
        check(vec![told, case(Wrong::Route, 404, ENVELOPE)], Held::No, Held::No);
    }

    #[test]
    fn a_service_that_takes_everything_says_nothing() {
        check(vec![case(Wrong::Route, 200, &[])], Held::Inconclusive, Held::Inconclusive);
    }
}
