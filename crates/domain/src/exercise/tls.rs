//! Whom a service trusts when it reaches a dependency over TLS.

use serde::{Deserialize, Serialize};

use super::{Answer, answer::time};
use crate::Message;

/// Beginnings of connections that were wrong, one after the other.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tls {
    pub greeted: Vec<Greeted>,
}

/// Requests of users while a dependency began its connections in one wrong way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Greeted {
    pub dependency: String,
    pub wrongly: Wrongly,
    /// Connections that the service opened meanwhile.
    pub connections: u64,
    /// What it sent all the same, method and path, each once.
    pub calls: Vec<String>,
    /// How long an answer to a user may take.
    pub bound_ms: u64,
    pub asked: u64,
    /// Those that were answered within the bound, with any status.
    pub in_time: u64,
    /// The longest wait; no longer than the time that was waited for it.
    pub wait_ms: u64,
}

/// What was wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Wrongly {
    Expired,
    WrongName,
    Untrusted,
    /// The handshake never ends.
    Silent,
    /// The connection is closed in the middle of the handshake.
    Closed,
}

impl Wrongly {
    /// Whether there was a certificate to be refused.
    fn presented(self) -> bool {
        matches!(self, Self::Expired | Self::WrongName | Self::Untrusted)
    }

    /// What the dependency does, for people.
    pub fn words(self) -> Message {
        let (en, zh) = match self {
            Self::Expired => ("presents a certificate that expired years ago", "出示多年前已过期的证书"),
            Self::WrongName => ("presents a certificate of another name", "出示其他名称的证书"),
            Self::Untrusted => ("presents a certificate of an unknown issuer", "出示未知机构签发的证书"),
            Self::Silent => ("never ends the handshake", "握手始终不结束"),
            Self::Closed => ("closes in the middle of the handshake", "握手中途关闭连接"),
        };
        Message::new(en, zh)
    }
}

impl Tls {
    pub(super) fn answers(&self) -> Vec<Answer> {
        vec![self.refused(), self.in_time()]
    }

    /// Whether anything was sent to somebody else.
    fn refused(&self) -> Answer {
        const CHECK: &str = "security.owasp";
        let presented = || self.greeted.iter().filter(|one| one.wrongly.presented());
        let misses: Vec<Message> = presented().filter(|one| !one.calls.is_empty()).map(Greeted::accepted).collect();
        if let (true, Some(one)) = (misses.is_empty(), presented().find(|one| one.connections == 0)) {
            return Answer::inconclusive(CHECK, one.unreached());
        }
        let (of, held) = (presented().count(), presented().filter(|one| one.calls.is_empty()).count());
        if of == 0 {
            return Answer::inconclusive(CHECK, Message::new("no certificate was presented", "未出示任何证书"));
        }
        let summary = Message::new(
            format!("{held} of {of} wrong certificates of dependencies were refused before anything was sent"),
            format!("{of} 个错误的依赖证书中有 {held} 个在发送数据之前被拒绝"),
        );
        Answer::in_part(CHECK, summary, misses)
    }

    /// Whether users wait for a handshake.
    fn in_time(&self) -> Answer {
        const CHECK: &str = "resilience.timeouts";
        let broken = || self.greeted.iter().filter(|one| !one.wrongly.presented());
        let misses: Vec<Message> = broken().filter(|one| one.in_time < one.asked).map(Greeted::late).collect();
        if let (true, Some(one)) = (misses.is_empty(), broken().find(|one| one.connections == 0)) {
            return Answer::inconclusive(CHECK, one.unreached());
        }
        let longest = time(broken().map(|one| one.wait_ms).max().unwrap_or_default());
        let summary = Message::new(
            format!("the longest wait for a dependency whose handshake does not end was {longest}"),
            format!("依赖握手不结束时最长等待 {longest}"),
        );
        Answer::in_part(CHECK, summary, misses)
    }
}

impl Greeted {
    fn accepted(&self) -> Message {
        let (Message { en, zh }, dependency) = (self.wrongly.words(), &self.dependency);
        let calls = self.calls.join(", ");
        Message::new(
            format!("{dependency} {en}, and is sent {calls} all the same"),
            format!("{dependency} {zh}，服务仍然发送了 {calls}"),
        )
    }

    fn late(&self) -> Message {
        let (Message { en, zh }, dependency) = (self.wrongly.words(), &self.dependency);
        let (bound, late, of) = (time(self.bound_ms), self.asked.saturating_sub(self.in_time), self.asked);
        Message::new(
            format!("{dependency} {en}, and {late} of {of} requests have no answer after {bound}"),
            format!("{dependency} {zh}，{of} 个请求中有 {late} 个在 {bound} 后仍无响应"),
        )
    }

    fn unreached(&self) -> Message {
        let (Message { en, zh }, dependency) = (self.wrongly.words(), &self.dependency);
        Message::new(
            format!("nothing connected to {dependency} while it {en}: a breaker or a cache stood before it"),
            format!("{dependency} {zh}期间没有任何连接：被熔断器或缓存拦截"),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exercise::Held;

    fn greeted(wrongly: Wrongly) -> Greeted {
        Greeted {
            dependency: "clay".to_owned(),
            wrongly,
            connections: 2,
            calls: Vec::new(),
            bound_ms: 3_000,
            asked: 2,
            in_time: 2,
            wait_ms: 700,
        }
    }

    #[track_caller]
    fn check(change: impl Fn(&mut Greeted), expect: [Held; 2]) {
        let all = [Wrongly::Expired, Wrongly::WrongName, Wrongly::Untrusted, Wrongly::Silent, Wrongly::Closed];
        let mut tls = Tls { greeted: all.map(greeted).to_vec() };
        tls.greeted.iter_mut().for_each(change);
        assert_eq!(tls.answers().iter().map(|one| one.held).collect::<Vec<_>>(), expect);
    }

    #[test]
    fn whatever_is_sent_to_a_stranger_is_too_much() {
        use Held::{InPart, Inconclusive, No};
        check(|_| (), [InPart, InPart]);
        check(|one| one.calls.extend((one.wrongly == Wrongly::WrongName).then(|| "GET /me".to_owned())), [No, InPart]);
        check(|one| one.in_time = if one.wrongly == Wrongly::Silent { 0 } else { 2 }, [InPart, No]);
        check(|one| one.connections = 0, [Inconclusive, Inconclusive]);
        check(|one| one.connections = u64::from(one.wrongly != Wrongly::Expired), [Inconclusive, InPart]);
    }
}
