//! Deliveries of a webhook with signatures that are right, forged, old and missing.

use serde::{Deserialize, Serialize};

use super::Answer;
use crate::Message;

/// The receiver of a webhook and what it did with each delivery.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Webhook {
    pub path: String,
    /// What the delivery that is signed right was answered.
    pub right: Option<u16>,
    pub forged: Vec<Forged>,
    /// The right one once more.
    pub replay: Option<Replay>,
}

/// A delivery that must be refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Forged {
    pub forgery: Forgery,
    pub status: Option<u16>,
}

/// What is wrong with a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Forgery {
    Missing,
    Empty,
    /// Signed with another secret.
    Wrong,
    /// Half of the right one.
    Truncated,
    /// The right one with more behind it.
    Longer,
    /// Without what stands before the digest.
    NoPrefix,
    /// The right one of another body.
    OtherBody,
    /// The same document, written with other spaces.
    Rewritten,
    /// Signed with an empty secret.
    EmptySecret,
    /// Right, and signed too long ago.
    Old,
    /// Right, and signed in a time to come.
    Future,
    /// Right, and its time is no number.
    NoTime,
    /// The service has no secret, and the delivery is signed with an empty one.
    Unset,
}

/// A delivery that came twice.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Replay {
    pub status: Option<u16>,
    /// Calls to dependencies that the first and the second brought about.
    pub first_calls: u64,
    pub second_calls: u64,
}

impl Forgery {
    /// Whoever knows nothing of the secret can make it.
    fn is_anybodys(self) -> bool {
        matches!(
            self,
            Self::Missing | Self::Empty | Self::Wrong | Self::Truncated | Self::OtherBody | Self::EmptySecret
        )
    }

    pub fn text(self) -> Message {
        let (en, zh) = match self {
            Self::Missing => ("no signature", "没有签名"),
            Self::Empty => ("an empty signature", "空签名"),
            Self::Wrong => ("a signature with another secret", "用其他密钥生成的签名"),
            Self::Truncated => ("half of the right signature", "截断的签名"),
            Self::Longer => ("the right signature with more behind it", "追加了内容的签名"),
            Self::NoPrefix => ("the digest without its prefix", "缺少前缀的签名"),
            Self::OtherBody => ("the signature of another body", "其他正文的签名"),
            Self::Rewritten => ("the body written with other spaces", "重新序列化的正文"),
            Self::EmptySecret => ("a signature with an empty secret", "用空密钥生成的签名"),
            Self::Old => ("an old delivery", "过期的投递"),
            Self::Future => ("a delivery of a time to come", "来自未来时间的投递"),
            Self::NoTime => ("a time that is no number", "时间戳不是数字"),
            Self::Unset => {
                ("no secret configured, and a signature with an empty one", "未配置密钥时用空密钥生成的签名")
            }
        };
        Message::new(en, zh)
    }
}

impl Forged {
    fn miss(self, path: &str) -> Option<Message> {
        let what = self.forgery.text();
        match self.status {
            Some(status) if status < 400 => Some(Message::new(
                format!("{path} takes {}: {status}", what.en),
                format!("{path} 接受了{}：{status}", what.zh),
            )),
            // Without a secret it may say that it cannot serve, or not run at all.
            _ if self.forgery == Forgery::Unset => None,
            Some(400..=499) => None,
            status => {
                let status = status.map_or_else(|| "-".to_owned(), |status| status.to_string());
                Some(Message::new(
                    format!("{path} fails ({status}) on {}, where 401 is due", what.en),
                    format!("{path} 在{}时出错（{status}），应为 401", what.zh),
                ))
            }
        }
    }
}

impl Webhook {
    pub(super) fn answers(&self) -> Vec<Answer> {
        const CHECK: &str = "clay.webhook-secrets";
        let path = &self.path;
        let forged: Vec<Message> = self.forged.iter().filter_map(|one| one.miss(path)).collect();
        let right = self.right.is_some_and(|status| status < 300);
        let refused = self.forged.iter().filter(|one| one.status.is_none_or(|status| status >= 400)).count();
        let status = self.right.map_or_else(|| "-".to_owned(), |status| status.to_string());
        if forged.is_empty() && !right {
            let why = Message::new(
                format!(
                    "{path} answers the right delivery {status}: whether it refuses others for their signature cannot be told (scheme, secret and body of [service.NAME.run.webhook])"
                ),
                format!(
                    "{path} 对正确的投递返回 {status}：无法判断其他投递是否因签名被拒绝（检查 [service.NAME.run.webhook] 的方案、密钥与正文）"
                ),
            );
            return vec![Answer::inconclusive(CHECK, why)];
        }
        let mut misses = forged;
        if let Some(replay) = &self.replay {
            misses.extend(replay.miss(path));
        }
        let summary = Message::new(
            format!(
                "{path} answers the right delivery {status} and refuses {refused} of {} forged ones",
                self.forged.len()
            ),
            format!("{path} 对正确的投递返回 {status}，{} 个伪造投递中拒绝 {refused} 个", self.forged.len()),
        );
        let mut answers = vec![Answer::of(CHECK, summary.clone(), misses)];
        // A door that anybody opens; one that is shut says nothing of the others.
        let anybody = |one: &&Forged| one.forgery.is_anybodys() && one.status.is_some_and(|status| status < 400);
        let entered: Vec<Message> = self.forged.iter().filter(anybody).filter_map(|one| one.miss(path)).collect();
        if !entered.is_empty() {
            answers.push(Answer::of("security.authn", summary, entered));
        }
        answers
    }
}

impl Replay {
    fn miss(&self, path: &str) -> Option<Message> {
        let Self { status, first_calls, second_calls } = self;
        if status.is_none_or(|status| status >= 500) {
            return Some(Message::new(
                format!("{path} fails on a delivery that comes twice"),
                format!("{path} 在重复投递时出错"),
            ));
        }
        (*first_calls > 0 && second_calls >= first_calls).then(|| {
            Message::new(
                format!("{path} carries a delivery out twice: {first_calls} calls to dependencies for the first, {second_calls} for the second"),
                format!("{path} 重复执行了同一投递：第一次引起 {first_calls} 次依赖调用，第二次 {second_calls} 次"),
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exercise::Held;

    #[track_caller]
    fn check(right: u16, forged: &[(Forgery, u16)], replay: (u16, u64, u64), expect: &[Held]) {
        let forged = forged.iter().map(|(forgery, status)| Forged { forgery: *forgery, status: Some(*status) });
        let (status, first_calls, second_calls) = replay;
        let webhook = Webhook {
            path: "/hook".to_owned(),
            right: Some(right),
            forged: forged.collect(),
            replay: Some(Replay { status: Some(status), first_calls, second_calls }),
        };
        assert_eq!(webhook.answers().iter().map(|one| one.held).collect::<Vec<_>>(), expect);
    }

    const ONCE: (u16, u64, u64) = (200, 1, 0);

    #[test]
    fn a_series_that_is_refused_holds_only_where_the_right_one_is_taken() {
        check(200, &[(Forgery::Missing, 401), (Forgery::Unset, 503)], ONCE, &[Held::Yes]);
        check(401, &[(Forgery::Missing, 401)], ONCE, &[Held::Inconclusive]);
    }

    #[test]
    fn a_forged_one_that_is_taken_opens_the_door_and_a_crash_does_not() {
        check(200, &[(Forgery::Missing, 200)], ONCE, &[Held::No, Held::No]);
        check(200, &[(Forgery::Truncated, 500)], ONCE, &[Held::No]);
        check(200, &[(Forgery::Unset, 202), (Forgery::Old, 200)], ONCE, &[Held::No]);
    }

    #[test]
    fn a_delivery_that_comes_twice_has_one_effect() {
        check(200, &[(Forgery::Missing, 401)], (200, 2, 2), &[Held::No]);
        check(200, &[(Forgery::Missing, 401)], (409, 2, 1), &[Held::Yes]);
        check(200, &[(Forgery::Missing, 401)], (500, 0, 0), &[Held::No]);
    }
}
