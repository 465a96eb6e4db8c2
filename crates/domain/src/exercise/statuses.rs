//! What a service makes of each kind of answer of a dependency.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Answer, Call, answer::time};
use crate::Message;

/// A timer may be early by so many milliseconds.
const NOISE: u64 = 50;

/// Answers of dependencies, one kind after the other.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Statuses {
    pub cases: Vec<StatusCase>,
}

/// One kind of request, sent while a dependency answered all calls in one way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatusCase {
    pub dependency: String,
    /// The request, by its name.
    pub request: String,
    pub given: Given,
    /// The calls carry the credentials of the user, whom a refusal may well be passed on to.
    pub of_user: bool,
    /// What users were answered; none where no full answer came.
    pub answers: Vec<Option<u16>>,
    /// What came for each request that was sent: times count from the first call.
    pub calls: Vec<Vec<Call>>,
}

/// What the dependency answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Given {
    /// A status that no second try changes: 401, 402, 403, 404, 422.
    Refused(u16),
    /// 202: it is not done yet.
    Pending,
    /// 200, and a part of it has failed.
    Partial,
    /// 500: whether it was carried out, nobody knows.
    Failed,
    /// 429 with `Retry-After` of so many seconds.
    Limited(u32),
}

impl Given {
    /// For people.
    pub fn words(self) -> String {
        match self {
            Self::Refused(status) => status.to_string(),
            Self::Pending => "202".to_owned(),
            Self::Partial => "200 in part".to_owned(),
            Self::Failed => "500".to_owned(),
            Self::Limited(seconds) => format!("429, Retry-After: {seconds}"),
        }
    }
}

impl Statuses {
    pub(super) fn answers(&self) -> Vec<Answer> {
        let reached = || self.cases.iter().filter(|case| case.calls.iter().any(|calls| !calls.is_empty()));
        let mut answers = Vec::new();
        let classes: Vec<&StatusCase> = reached().filter(|case| !matches!(case.given, Given::Limited(_))).collect();
        answers.push(told("errors.classification", &classes, |case| self.branch(case)));
        let repeated: Vec<&StatusCase> =
            reached().filter(|case| matches!(case.given, Given::Limited(_) | Given::Failed)).collect();
        answers.push(told("resilience.retry", &repeated, |case| {
            case.too_early().into_iter().chain(case.twice()).collect()
        }));
        let is_clay = |case: &&StatusCase| case.dependency.to_lowercase().contains("clay");
        if self.cases.iter().any(|case| is_clay(&case)) {
            let classes: Vec<&StatusCase> = classes.into_iter().filter(is_clay).collect();
            let mut types =
                told("clay.error-types", &classes, |case| self.branch(case).into_iter().chain(case.twice()).collect());
            // With all of them in it, the series is what the title says.
            let all = classes.iter().any(|case| case.given == Given::Partial);
            if all && types.held == super::Held::InPart {
                types.held = super::Held::Yes;
            }
            answers.push(types);
            let limited: Vec<&StatusCase> =
                repeated.into_iter().filter(is_clay).filter(|case| matches!(case.given, Given::Limited(_))).collect();
            answers.push(told("clay.rate-limit", &limited, |case| case.too_early().into_iter().collect()));
        }
        answers
    }

    /// What shows that this kind of answer has no branch of its own.
    fn branch(&self, case: &StatusCase) -> Vec<Message> {
        let mut misses: Vec<Message> = case.again().into_iter().collect();
        let (given, dependency, request) = (case.given.words(), &case.dependency, &case.request);
        if case.answers.iter().any(Option::is_none) {
            misses.push(Message::new(
                format!("{request} has no answer when {dependency} answers {given}"),
                format!("{dependency} 返回 {given} 时，{request} 没有响应"),
            ));
            return misses;
        }
        let all = |status: u16| !case.answers.is_empty() && case.answers.iter().all(|one| *one == Some(status));
        // Where the failure of every day is a 500 as well, that is how this service says it.
        let usual = self.cases.iter().any(|other| {
            other.given == Given::Failed
                && (&other.dependency, &other.request) == (dependency, request)
                && other.answers.contains(&Some(500))
        });
        if case.given != Given::Failed && all(500) && !usual {
            misses.push(Message::new(
                format!("{request} is answered 500 when {dependency} answers {given}: there is no branch for it"),
                format!("{dependency} 返回 {given} 时，{request} 返回 500：没有对应分支"),
            ));
        }
        if let Given::Refused(status @ (401..=403)) = case.given
            && all(status)
            && !case.of_user
        {
            misses.push(Message::new(
                format!("{request} is answered {status} when {dependency} refuses the service's own credentials: the user is blamed"),
                format!("{dependency} 拒绝服务自身的凭据时，{request} 返回 {status}：错误被归咎于用户"),
            ));
        }
        misses
    }
}

/// What the cases say of a check.
fn told(check: &'static str, cases: &[&StatusCase], misses: impl Fn(&StatusCase) -> Vec<Message>) -> Answer {
    if cases.is_empty() {
        let why =
            Message::new("no call reached a dependency that answered otherwise", "没有调用到达返回异常结果的依赖");
        return Answer::inconclusive(check, why);
    }
    let given: Vec<String> = {
        let all: std::collections::BTreeSet<Given> = cases.iter().map(|case| case.given).collect();
        all.into_iter().map(Given::words).collect()
    };
    let summary =
        Message::new(format!("dependencies answered {}", given.join(", ")), format!("依赖返回了 {}", given.join("、")));
    Answer::in_part(check, summary, cases.iter().flat_map(|case| misses(case)).collect())
}

impl StatusCase {
    /// The call of one request that came most often, with its times.
    fn most(&self, counts: impl Fn(&Call) -> bool) -> Option<(&Call, Vec<u64>)> {
        let mut most: Option<(&Call, Vec<u64>)> = None;
        for calls in &self.calls {
            let mut same: BTreeMap<(&str, &str), (&Call, Vec<u64>)> = BTreeMap::new();
            for call in calls.iter().filter(|call| counts(call)) {
                same.entry((&call.method, &call.path)).or_insert_with(|| (call, Vec::new())).1.push(call.at_ms);
            }
            for (call, times) in same.into_values() {
                if most.as_ref().is_none_or(|(_, longest)| longest.len() < times.len()) {
                    most = Some((call, times));
                }
            }
        }
        most.filter(|(_, times)| times.len() > 1)
    }

    /// A refusal that was tried again.
    fn again(&self) -> Option<Message> {
        let Given::Refused(status) = self.given else { return None };
        let (Call { method, path, .. }, times) = self.most(|_| true)?;
        let (count, name) = (times.len(), &self.dependency);
        Some(Message::new(
            format!(
                "{method} {path} was sent to {name} {count} times, which answered {status}: no second try changes that"
            ),
            format!("{name} 返回 {status}，{method} {path} 仍被发送了 {count} 次：重试不会改变结果"),
        ))
    }

    /// What may have been carried out, and was sent again.
    fn twice(&self) -> Option<Message> {
        if self.given != Given::Failed {
            return None;
        }
        let (Call { method, path, .. }, times) = self.most(|call| !call.may_be_repeated())?;
        let (count, name) = (times.len(), &self.dependency);
        Some(Message::new(
            format!(
                "{method} {path} was sent to {name} {count} times after a 500, and may have been carried out each time"
            ),
            format!("{name} 返回 500 后，{method} {path} 被发送了 {count} 次，每次都可能已被执行"),
        ))
    }

    /// A call that did not wait as long as it was asked to.
    fn too_early(&self) -> Option<Message> {
        let Given::Limited(seconds) = self.given else { return None };
        let (call, times) = self.most(|_| true)?;
        let gap = times.windows(2).filter_map(|pair| Some(pair.get(1)?.saturating_sub(*pair.first()?))).min()?;
        if gap + NOISE >= u64::from(seconds) * 1000 {
            return None;
        }
        let (name, gap) = (&self.dependency, time(gap));
        let Call { method, path, .. } = call;
        Some(Message::new(
            format!(
                "{method} {path} was sent to {name} again after {gap}, which had asked for {seconds} s (429, Retry-After)"
            ),
            format!("{name} 要求等待 {seconds} 秒（429，Retry-After），{method} {path} 在 {gap} 后再次发送"),
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exercise::Held;

    fn case(given: Given, status: u16, times: &[u64]) -> StatusCase {
        let call =
            |at_ms: &u64| Call { at_ms: *at_ms, method: "POST".to_owned(), path: "/run".to_owned(), keyed: false };
        StatusCase {
            dependency: "clay".to_owned(),
            request: "POST /leads".to_owned(),
            given,
            of_user: false,
            answers: vec![Some(status)],
            calls: vec![times.iter().map(call).collect()],
        }
    }

    #[track_caller]
    fn check(case: StatusCase, check: &str, expect: Held) {
        let answers = Statuses { cases: vec![case] }.answers();
        assert_eq!(answers.iter().find(|one| one.check == check).map(|one| one.held), Some(expect));
    }

    #[test]
    fn what_no_second_try_changes_is_not_tried_again() {
        use Held::{InPart, Inconclusive, No, Yes};
        check(case(Given::Refused(402), 503, &[0]), "clay.error-types", InPart);
        check(case(Given::Refused(402), 503, &[0, 900]), "clay.error-types", No);
        check(case(Given::Refused(402), 503, &[0, 900]), "errors.classification", No);
        check(case(Given::Refused(402), 402, &[0]), "errors.classification", No);
        check(StatusCase { of_user: true, ..case(Given::Refused(403), 403, &[0]) }, "errors.classification", InPart);
        check(case(Given::Refused(404), 404, &[0]), "errors.classification", InPart);
        check(case(Given::Refused(404), 503, &[]), "errors.classification", Inconclusive);
        check(case(Given::Partial, 200, &[0]), "clay.error-types", Yes);
        check(case(Given::Pending, 500, &[0]), "clay.error-types", No);
        check(case(Given::Failed, 500, &[0]), "clay.error-types", InPart);
        check(case(Given::Failed, 503, &[0, 100]), "resilience.retry", No);
        check(case(Given::Limited(2), 503, &[0, 2_010]), "clay.rate-limit", InPart);
        check(case(Given::Limited(2), 503, &[0, 300]), "clay.rate-limit", No);
    }

    #[test]
    fn of_other_dependencies_nothing_is_said_about_clay() {
        let mut other = case(Given::Refused(402), 503, &[0]);
        other.dependency = "ledger".to_owned();
        assert!(Statuses { cases: vec![other] }.answers().iter().all(|one| !one.check.starts_with("clay.")));
    }
}
