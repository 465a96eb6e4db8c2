//! Bodies without end, and clients that take for ever.

use serde::{Deserialize, Serialize};

use super::{Answer, answer::time};
use crate::Message;

/// What a service does with a body that is too large, and with clients that are too slow.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bodies {
    /// The request that has a body; none is configured.
    pub request: Option<String>,
    pub large: Vec<BigBody>,
    pub slow: Option<Slow>,
}

/// One body that is too large.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BigBody {
    /// It was sent in chunks, so that nobody could know its size; otherwise its length was stated first.
    pub chunked: bool,
    /// The size of it, and how much of it was sent before an answer came or nobody read on.
    pub bytes: u64,
    pub sent: u64,
    pub status: Option<u16>,
    /// By how much the memory of the process grew meanwhile, for each of those that came at once; none where that is not
    /// known.
    pub grown: Option<u64>,
}

/// Clients that send a byte now and then, and users beside them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Slow {
    pub clients: u64,
    pub watched_ms: u64,
    /// Requests of users in the last part of that time, and how many of them were answered well.
    pub users: u64,
    pub answered: u64,
    /// Slow clients that were sent away until the end.
    pub sent_away: u64,
}

impl Bodies {
    pub(super) fn answers(&self) -> Vec<Answer> {
        const CHECK: &str = "security.input-validation";
        let mut misses: Vec<Message> = Vec::new();
        if let Some(request) = &self.request {
            misses.extend(self.large.iter().filter_map(|one| one.miss(request)));
        }
        misses.extend(self.slow.iter().filter_map(Slow::miss));
        if misses.is_empty() && self.large.is_empty() {
            let why = Message::new(
                "no [[service.NAME.run.request]] with a body that is answered well: its size cannot be tried",
                "没有带正文且成功的 [[service.NAME.run.request]]：无法试验其大小",
            );
            return vec![Answer::inconclusive(CHECK, why)];
        }
        let statuses: Vec<String> = self
            .large
            .iter()
            .map(|one| one.status.map_or_else(|| "-".to_owned(), |status| status.to_string()))
            .collect();
        let size = self.large.first().map_or(0, |one| one.bytes) >> 20;
        let statuses = statuses.join(", ");
        let (slow_en, slow_zh) = self.slow.as_ref().map_or_else(
            || (String::new(), String::new()),
            |slow| {
                (
                    format!(
                        "; beside {} slow clients {} of {} users were answered",
                        slow.clients, slow.answered, slow.users
                    ),
                    format!(
                        "；{} 个慢速客户端存在时 {} 个用户请求中 {} 个得到响应",
                        slow.clients, slow.users, slow.answered
                    ),
                )
            },
        );
        let (large_en, large_zh) = if self.large.is_empty() {
            ("no request has a body".to_owned(), "没有带正文的请求".to_owned())
        } else {
            (format!("bodies of {size} MiB were answered {statuses}"), format!("{size} MiB 的正文得到 {statuses}"))
        };
        let summary = Message::new(format!("{large_en}{slow_en}"), format!("{large_zh}{slow_zh}"));
        vec![Answer::in_part(CHECK, summary, misses)]
    }
}

impl BigBody {
    /// All of it was held in memory.
    fn held(&self) -> bool {
        self.grown.is_some_and(|grown| grown > self.bytes / 4 * 3)
    }

    fn miss(&self, request: &str) -> Option<Message> {
        let size = self.bytes >> 20;
        let (en, zh) =
            if self.chunked { ("in chunks", "分块发送的 ") } else { ("of a stated length", "声明长度的 ") };
        let told = |what_en: String, what_zh: String| {
            Some(Message::new(
                format!("a body of {size} MiB {en} ({request}) {what_en}"),
                format!("{zh}{size} MiB 正文（{request}）{what_zh}"),
            ))
        };
        match self.status {
            Some(status) if status < 400 => told(format!("is taken: {status}"), format!("被接受：{status}")),
            Some(status) if status >= 500 && status != 503 => {
                told(format!("is answered {status}"), format!("得到 {status}"))
            }
            None => told("is not answered".to_owned(), "没有得到响应".to_owned()),
            Some(status) if self.held() => {
                let grown = self.grown.unwrap_or_default() >> 20;
                told(
                    format!("is refused ({status}) after it was held in memory: {grown} MiB more for each"),
                    format!("被拒绝（{status}）之前已占用内存：每个增加 {grown} MiB"),
                )
            }
            // Refused for what it says, after all of it was read: nothing bounds it.
            Some(status) if status != 413 && self.sent == self.bytes && self.grown.is_none() => told(
                format!("is read to its end before it is refused ({status})"),
                format!("在被完整读取之后才被拒绝（{status}）"),
            ),
            Some(_) => None,
        }
    }
}

impl Slow {
    fn miss(&self) -> Option<Message> {
        (self.users > 0 && self.answered * 10 < self.users * 9).then(|| {
            let Self { clients, users, answered, .. } = self;
            let watched = time(self.watched_ms);
            Message::new(
                format!("{clients} clients that send a byte now and then hold it: after {watched}, {answered} of {users} users were answered"),
                format!("{clients} 个缓慢发送的客户端占住了服务：{watched} 后 {users} 个用户请求中只有 {answered} 个得到响应"),
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exercise::Held;

    const SIZE: u64 = 32 << 20;

    #[track_caller]
    fn check(status: Option<u16>, sent: u64, grown: Option<u64>, expect: Held) {
        let large = vec![BigBody { chunked: true, bytes: SIZE, sent, status, grown }];
        let bodies = Bodies { request: Some("POST /a".to_owned()), large, slow: None };
        assert_eq!(bodies.answers().first().map(|one| one.held), Some(expect));
    }

    #[test]
    fn a_body_that_is_refused_before_it_is_held_is_bounded() {
        check(Some(413), 70_000, Some(1 << 20), Held::InPart);
        check(Some(413), SIZE, Some(2 << 20), Held::InPart);
        check(Some(400), 70_000, Some(0), Held::InPart);
    }

    #[test]
    fn one_that_is_taken_held_or_never_answered_is_not() {
        check(Some(200), SIZE, Some(0), Held::No);
        check(Some(413), SIZE, Some(40 << 20), Held::No);
        check(Some(422), SIZE, None, Held::No);
        check(Some(500), SIZE, Some(0), Held::No);
        check(None, 4096, Some(0), Held::No);
    }

    #[track_caller]
    fn check_slow(answered: u64, expect: Held) {
        let slow = Slow { clients: 100, watched_ms: 12_000, users: 40, answered, sent_away: 0 };
        let bodies = Bodies { request: None, large: Vec::new(), slow: Some(slow) };
        assert_eq!(bodies.answers().first().map(|one| one.held), Some(expect));
    }

    #[test]
    fn slow_clients_that_keep_users_out_are_a_miss_and_their_absence_alone_shows_no_bound() {
        check_slow(0, Held::No);
        check_slow(40, Held::Inconclusive);
    }
}
