//! Routes that are asked without credentials, and with wrong ones.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::Answer;
use crate::Message;

/// Routes that are not public, and what whoever may not enter was answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Authentication {
    pub tries: Vec<Guarded>,
    /// Routes that are public because the configuration or the OpenAPI document says so.
    pub public: u64,
    /// A route that is not public was answered well with the credentials of the configuration.
    pub known_good: bool,
}

/// One try to enter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Guarded {
    /// Method and path.
    pub route: String,
    pub credentials: Credentials,
    /// None where no full answer came.
    pub status: Option<u16>,
    /// It was sent on to a page to log in.
    pub login: bool,
    /// The request is one that is answered well with credentials, so that nothing else can be wrong with it.
    pub proven: bool,
}

/// What was shown at the door.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Credentials {
    None,
    Empty,
    Garbage,
    /// Three parts with points between them that are no token.
    BrokenToken,
    /// A token that says of itself that nobody signed it.
    UnsignedToken,
}

impl Credentials {
    pub fn text(self) -> Message {
        let (en, zh) = match self {
            Self::None => ("without credentials", "没有凭据"),
            Self::Empty => ("with empty credentials", "凭据为空"),
            Self::Garbage => ("with made-up credentials", "伪造的凭据"),
            Self::BrokenToken => ("with a broken token", "损坏的令牌"),
            Self::UnsignedToken => ("with an unsigned token (alg none)", "未签名的令牌（alg none）"),
        };
        Message::new(en, zh)
    }
}

enum Verdict {
    Refused,
    Entered,
    Failed,
    /// The answer says nothing of credentials.
    Unknown,
}

impl Guarded {
    fn verdict(&self) -> Verdict {
        match self.status {
            Some(401 | 403 | 407) => Verdict::Refused,
            Some(300..=399) if self.login => Verdict::Refused,
            Some(200..=399) => Verdict::Entered,
            // Nothing may be there, or it is hidden from whoever may not see it.
            Some(404 | 429) => Verdict::Unknown,
            Some(400 | 405..=499) if !self.proven => Verdict::Unknown,
            // The prescribed status is 401; a request without them is at least not carried out.
            Some(400..=499) => Verdict::Refused,
            Some(_) | None if self.proven || self.credentials != Credentials::None => Verdict::Failed,
            Some(_) | None => Verdict::Unknown,
        }
    }

    fn miss(&self) -> Option<Message> {
        let (how, route) = (self.credentials.text(), &self.route);
        let status = self.status.map_or_else(|| "-".to_owned(), |status| status.to_string());
        match self.verdict() {
            Verdict::Entered => Some(Message::new(
                format!("{route} is answered {status} {}", how.en),
                format!("{route} 在{}时得到 {status}", how.zh),
            )),
            Verdict::Failed => Some(Message::new(
                format!("{route} fails ({status}) {}, where 401 is due", how.en),
                format!("{route} 在{}时出错（{status}），应为 401", how.zh),
            )),
            Verdict::Refused | Verdict::Unknown => None,
        }
    }
}

impl Authentication {
    pub(super) fn answers(&self) -> Vec<Answer> {
        const CHECK: &str = "security.authn";
        let misses: Vec<Message> = self.tries.iter().filter_map(Guarded::miss).collect();
        let told: BTreeSet<&str> = self
            .tries
            .iter()
            .filter(|one| !matches!(one.verdict(), Verdict::Unknown))
            .map(|one| one.route.as_str())
            .collect();
        let all: BTreeSet<&str> = self.tries.iter().map(|one| one.route.as_str()).collect();
        let refused = self.tries.iter().filter(|one| matches!(one.verdict(), Verdict::Refused)).count();
        let summary = Message::new(
            format!(
                "{refused} of {} tries to enter {} of {} routes were refused; {} routes are public",
                self.tries.len(),
                told.len(),
                all.len(),
                self.public
            ),
            format!(
                "对 {} 条路由中 {} 条的 {} 次尝试有 {refused} 次被拒绝；{} 条路由公开",
                all.len(),
                told.len(),
                self.tries.len(),
                self.public
            ),
        );
        if misses.is_empty() && told.is_empty() {
            let why = Message::new("no route that is not public could be tried", "没有可尝试的非公开路由");
            return vec![Answer::inconclusive(CHECK, why)];
        }
        if misses.is_empty() && !self.known_good {
            let why = Message::new(
                "no route that is not public is answered well with credentials: everything may be refused for another reason",
                "没有带凭据且成功的非公开请求：被拒绝可能另有原因",
            );
            return vec![Answer::inconclusive(CHECK, why)];
        }
        vec![Answer::of(CHECK, summary, misses)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exercise::Held;

    fn of(status: u16, credentials: Credentials, proven: bool) -> Guarded {
        Guarded { route: "GET /a".to_owned(), credentials, status: Some(status), login: false, proven }
    }

    #[track_caller]
    fn check(tries: Vec<Guarded>, known_good: bool, expect: Held) {
        let answers = Authentication { tries, public: 1, known_good }.answers();
        assert_eq!(answers.first().map(|one| one.held), Some(expect));
    }

    #[test]
    fn whoever_has_no_right_credentials_is_refused() {
        use Credentials::{Garbage, None};
        check(vec![of(401, None, true), of(403, Garbage, true)], true, Held::Yes);
        check(vec![of(401, None, true)], false, Held::Inconclusive);
        check(vec![of(302, None, true)], true, Held::No);
        check(vec![Guarded { login: true, ..of(302, None, true) }], true, Held::Yes);
    }

    #[test]
    fn an_entry_and_a_crash_are_misses_even_where_all_others_are_refused() {
        use Credentials::{BrokenToken, None, UnsignedToken};
        check(vec![of(401, None, true), of(200, UnsignedToken, true)], true, Held::No);
        check(vec![of(401, None, true), of(500, BrokenToken, true)], true, Held::No);
        check(vec![of(401, None, true), of(204, None, false)], true, Held::No);
    }

    #[test]
    fn a_request_that_may_be_wrong_otherwise_says_nothing() {
        use Credentials::None;
        check(vec![of(404, None, false), of(422, None, false)], true, Held::Inconclusive);
        check(vec![of(401, None, true), of(404, None, false)], true, Held::Yes);
    }
}
