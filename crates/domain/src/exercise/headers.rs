//! What answers say beside what was asked.

use serde::{Deserialize, Serialize};

use super::Answer;
use crate::Message;

/// Headers and pages of a service. Over plain HTTP, `Strict-Transport-Security` means nothing and is not judged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Headers {
    /// Answers with a body that were looked at.
    pub answers: u64,
    /// Requests of those without `X-Content-Type-Options: nosniff`.
    pub sniffable: Vec<String>,
    /// Headers that tell what it is made of: `server: Werkzeug/3.0`.
    pub versions: Vec<String>,
    /// Requests whose answer is a page for developers, and what gave it away.
    pub pages: Vec<String>,
    pub cors: Vec<Cors>,
}

/// An origin that it lets read answers together with the credentials of a user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cors {
    pub request: String,
    /// The foreign origin that was sent.
    pub origin: String,
    /// `Access-Control-Allow-Origin` of the answer.
    pub allowed: String,
}

impl Headers {
    pub(super) fn answers(&self) -> Vec<Answer> {
        const CHECK: &str = "security.owasp";
        if self.answers == 0 {
            let why = Message::new("no answer with a body was seen", "没有带正文的响应");
            return vec![Answer::inconclusive(CHECK, why)];
        }
        let mut misses = Vec::new();
        if let Some(first) = self.sniffable.first() {
            let (count, of) = (self.sniffable.len(), self.answers);
            misses.push(Message::new(
                format!("{count} of {of} answers lack X-Content-Type-Options: nosniff, first {first}"),
                format!("{of} 个响应中有 {count} 个缺少 X-Content-Type-Options: nosniff，例如 {first}"),
            ));
        }
        misses.extend(
            self.versions.iter().map(|header| {
                Message::new(format!("{header} tells what it is made of"), format!("{header} 泄露了实现"))
            }),
        );
        misses.extend(
            self.pages.iter().map(|page| {
                Message::new(format!("a page for developers: {page}"), format!("面向开发者的页面：{page}"))
            }),
        );
        misses.extend(self.cors.iter().map(|Cors { request, origin, allowed }| {
            Message::new(
                format!("{request} lets {origin} read it with the credentials of a user (allowed: {allowed})"),
                format!("{request} 允许 {origin} 携带用户凭据读取（允许来源：{allowed}）"),
            )
        }));
        let summary = Message::new(
            format!("{} answers were looked at; HSTS is not judged without TLS", self.answers),
            format!("检查了 {} 个响应；未使用 TLS，不评估 HSTS", self.answers),
        );
        vec![Answer::in_part(CHECK, summary, misses)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exercise::Held;

    #[track_caller]
    fn check(change: impl FnOnce(&mut Headers), expect: Held) {
        let mut headers =
            Headers { answers: 4, sniffable: Vec::new(), versions: Vec::new(), pages: Vec::new(), cors: Vec::new() };
        change(&mut headers);
        assert_eq!(headers.answers().first().map(|one| one.held), Some(expect));
    }

    #[test]
    fn each_flaw_is_enough() {
        check(|_| (), Held::InPart);
        check(|one| one.answers = 0, Held::Inconclusive);
        check(|one| one.sniffable.push("GET /".to_owned()), Held::No);
        check(|one| one.versions.push("server: nginx/1.25".to_owned()), Held::No);
        check(|one| one.pages.push("GET /debug/pprof/".to_owned()), Held::No);
        let cors =
            Cors { request: "GET /".to_owned(), origin: "https://evil.test".to_owned(), allowed: "*".to_owned() };
        check(|one| one.cors.push(cors), Held::No);
    }
}
