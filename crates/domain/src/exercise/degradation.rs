//! What users get of a service whose dependency is gone.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Answer;
use crate::Message;

/// Dependencies that were gone, one after the other.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Degradation {
    pub reduced: Vec<Reduced>,
}

/// Requests of one kind while a dependency that they need was gone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reduced {
    pub dependency: String,
    pub down: Down,
    /// The request, by its name.
    pub request: String,
    /// How often each form of answer came.
    pub forms: BTreeMap<Form, u64>,
    /// What marks the reduced form, as it stood in an answer.
    pub mark: Option<String>,
    /// The status that came most often, of those that are no good answer.
    pub status: Option<u16>,
    /// The dependency was called at all; none where that cannot be seen.
    pub called: Option<bool>,
    /// Writes that were accepted, and how many of them reached the dependency when it was back.
    pub accepted: u64,
    pub delivered: Option<u64>,
}

/// In what way it was gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Down {
    /// Nobody listens.
    Refused,
    /// It answers 503.
    Unavailable,
}

/// What an answer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Form {
    /// Below 400, and it says that it is not the whole.
    Marked,
    /// 202: it is done later.
    Queued,
    /// Below 400, and nothing tells it from an answer of good days.
    Unmarked,
    /// 503 with `Retry-After`.
    RefusedCleanly,
    /// From 400 to 499: as if the user had done wrong.
    Blamed,
    /// Any other error.
    Failed,
    /// No full answer in time.
    None,
}

impl Degradation {
    pub(super) fn answers(&self) -> Vec<Answer> {
        const CHECK: &str = "resilience.degradation";
        let told: Vec<&Reduced> = self.reduced.iter().filter(|one| one.tells()).collect();
        if told.is_empty() {
            let why = Message::new(
                "what was asked was answered without the dependency: nothing had to be reduced",
                "请求未用到该依赖即得到响应：无需降级",
            );
            return vec![Answer::inconclusive(CHECK, why)];
        }
        let count = |form: Form| told.iter().map(|one| one.count(form)).sum::<u64>();
        let reduced = count(Form::Marked) + count(Form::Queued);
        let late: u64 = told.iter().filter(|one| one.is_delivered()).map(|one| one.count(Form::Unmarked)).sum();
        let clean = count(Form::RefusedCleanly);
        let of: u64 = told.iter().flat_map(|one| one.forms.values()).sum();
        let mut misses: Vec<Message> = told.iter().flat_map(|one| one.misses()).collect();
        if misses.is_empty() && reduced + late == 0 {
            misses.push(Message::new(
                format!("all {of} answers are refusals (503 with Retry-After): there is no reduced form"),
                format!("{of} 次响应全部是拒绝（503 并带 Retry-After）：没有降级形式"),
            ));
        }
        let marks: Vec<&str> = told.iter().filter_map(|one| one.mark.as_deref()).collect();
        let mark = marks.first().map_or_else(String::new, |mark| format!(" ({mark})"));
        let done = reduced + late;
        let summary = Message::new(
            format!(
                "{done} of {of} answers without a dependency were reduced and marked, or done later{mark}; {clean} were 503 with Retry-After"
            ),
            format!(
                "缺少依赖时 {of} 次响应中有 {done} 次为带标记的降级或延后完成{mark}；{clean} 次为带 Retry-After 的 503"
            ),
        );
        vec![Answer::of(CHECK, summary, misses)]
    }
}

impl Reduced {
    fn count(&self, form: Form) -> u64 {
        self.forms.get(&form).copied().unwrap_or_default()
    }

    /// Whole answers without a single call come from what is still fresh: they say nothing.
    fn tells(&self) -> bool {
        let whole = self.forms.iter().all(|(form, count)| *form == Form::Unmarked || *count == 0);
        !(whole && self.called == Some(false) && self.accepted == 0)
    }

    fn is_delivered(&self) -> bool {
        self.accepted > 0 && self.delivered.is_some_and(|delivered| delivered >= self.accepted)
    }

    fn misses(&self) -> Vec<Message> {
        let Self { dependency, request, .. } = self;
        let (en, zh) = match self.down {
            Down::Refused => (format!("{dependency} refuses connections"), format!("{dependency} 拒绝连接")),
            Down::Unavailable => (format!("{dependency} answers 503"), format!("{dependency} 返回 503")),
        };
        let of: u64 = self.forms.values().sum();
        let status = self.status.map_or_else(|| "an error".to_owned(), |status| status.to_string());
        let mut misses = Vec::new();
        let mut miss = |count: u64, what_en: String, what_zh: String| {
            if count > 0 {
                misses.push(Message::new(
                    format!("{request}: {count} of {of} {what_en} while {en}"),
                    format!("{zh}时，{request} 的 {of} 次请求中有 {count} 次{what_zh}"),
                ));
            }
        };
        miss(self.count(Form::None), "had no answer".to_owned(), "没有响应".to_owned());
        miss(
            self.count(Form::Failed),
            format!("failed ({status}, and not a 503 with Retry-After)"),
            format!("失败（{status}，不是带 Retry-After 的 503）"),
        );
        miss(self.count(Form::Blamed), format!("blame the user ({status})"), format!("将错误归咎于用户（{status}）"));
        if !self.is_delivered() {
            let unmarked = self.count(Form::Unmarked);
            miss(
                unmarked,
                "look like a good day's, and nothing marks them".to_owned(),
                "与正常响应无异，没有降级标记".to_owned(),
            );
            let queued = self.count(Form::Queued);
            if let Some(delivered) = self.delivered.filter(|delivered| queued > 0 && *delivered < self.accepted) {
                let lost = self.accepted - delivered;
                misses.push(Message::new(
                    format!(
                        "{request}: {lost} of {} that were accepted (202) while {en} never reached it",
                        self.accepted
                    ),
                    format!("{zh}时，{request} 接受（202）的 {} 个请求中有 {lost} 个始终未送达", self.accepted),
                ));
            }
        }
        misses
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exercise::Held;

    #[track_caller]
    fn check(forms: &[(Form, u64)], change: impl Fn(&mut Reduced), held: Held) {
        let mut reduced = Reduced {
            dependency: "clay".to_owned(),
            down: Down::Unavailable,
            request: "GET /data".to_owned(),
            forms: forms.iter().copied().collect(),
            mark: None,
            status: Some(500),
            called: Some(true),
            accepted: 0,
            delivered: None,
        };
        change(&mut reduced);
        let answers = Degradation { reduced: vec![reduced] }.answers();
        assert_eq!(answers[0].held, held, "{answers:?}");
        assert_eq!(answers[0].misses.is_empty(), held != Held::No);
    }

    #[test]
    fn a_reduced_form_that_says_so_holds() {
        check(&[(Form::Marked, 5)], |_| (), Held::Yes);
        check(&[(Form::Marked, 4), (Form::RefusedCleanly, 1)], |_| (), Held::Yes);
        check(&[(Form::Queued, 5)], |one| (one.accepted, one.delivered) = (5, Some(5)), Held::Yes);
        check(&[(Form::Unmarked, 5)], |one| (one.accepted, one.delivered) = (5, Some(6)), Held::Yes);
    }

    #[test]
    fn errors_silence_and_what_looks_whole_do_not() {
        check(&[(Form::Failed, 5)], |_| (), Held::No);
        check(&[(Form::Marked, 4), (Form::None, 1)], |_| (), Held::No);
        check(&[(Form::Blamed, 5)], |_| (), Held::No);
        check(&[(Form::Unmarked, 5)], |_| (), Held::No);
        check(&[(Form::Unmarked, 5)], |one| one.called = None, Held::No);
        check(&[(Form::RefusedCleanly, 5)], |_| (), Held::No);
        check(&[(Form::Queued, 5)], |one| (one.accepted, one.delivered) = (5, Some(2)), Held::No);
        check(&[(Form::Unmarked, 5)], |one| (one.accepted, one.delivered) = (5, Some(0)), Held::No);
    }

    #[test]
    fn an_answer_that_is_still_fresh_says_nothing() {
        check(&[(Form::Unmarked, 5)], |one| one.called = Some(false), Held::Inconclusive);
    }
}
