//! Whether a vendor can be reached with our key, without spending.

use super::{Item, VendorPlan};
use crate::Message;

const ID: &str = "vendor";

/// The answer to the one request that was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    pub status: u16,
    pub took_ms: u64,
    /// What stands in the field that the plan names.
    pub field: Option<String>,
}

/// Why there was no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unseen {
    /// The variable of the key is empty here, so that nobody was asked.
    NoKey,
    Unreachable(String),
}

/// Judges the answer to the request.
pub fn vendor(plan: &VendorPlan, seen: &Result<Seen, Unseen>) -> Item {
    let name = &plan.name;
    let key = plan.header.as_ref().map_or("the key", |(_, variable)| variable.as_str());
    let refuse =
        |en: String, zh: String, settle: Message| Item::not_ready(ID, Message::new(en, zh), settle).about(name);
    let seen = match seen {
        Ok(seen) => seen,
        Err(Unseen::NoKey) => {
            let told = Message::new(
                format!("{name} was not asked: {key} is empty here"),
                format!("未询问 {name}：此处 {key} 为空"),
            );
            let settle = Message::new(
                format!("run this where {key} holds the key of production"),
                format!("请在 {key} 为生产密钥的环境中运行"),
            );
            return Item::unknown(ID, told, settle).about(name);
        }
        Err(Unseen::Unreachable(reason)) => {
            return refuse(
                format!("{name} cannot be reached from here: {reason}"),
                format!("无法从此处访问 {name}：{reason}"),
                Message::new(
                    "find out whether it is the vendor, the network, or this machine",
                    "确认问题在供应商、网络还是本机",
                ),
            );
        }
    };
    match (seen.status, &plan.expect) {
        (200..300, Some((field, wanted))) if seen.field.as_ref() != Some(wanted) => {
            let is = seen.field.as_deref().unwrap_or("nothing");
            refuse(
                format!("{name} answers, and {field} is {is} instead of {wanted}"),
                format!("{name} 有响应，但 {field} 为 {is}，应为 {wanted}"),
                Message::new(
                    format!("{key} belongs to somebody else: use the key of production"),
                    format!("{key} 属于其他工作区：请使用生产环境的密钥"),
                ),
            )
        }
        (200..300, _) => {
            let took = seen.took_ms;
            let told = Message::new(
                format!("{name} answered {} in {took} ms", seen.status),
                format!("{name} 在 {took} ms 内返回 {}", seen.status),
            );
            Item::ready(ID, told).about(name)
        }
        (status @ (401 | 403), _) => refuse(
            format!("{name} refuses {key} with {status}"),
            format!("{name} 拒绝 {key}（{status}）"),
            Message::new(format!("put a valid key into {key}"), format!("请在 {key} 中填入有效密钥")),
        ),
        (429, _) => {
            let told =
                Message::new(format!("{name} limits the rate: it says nothing else"), format!("{name} 限流，无法判断"));
            let settle = Message::new("ask again in a minute", "一分钟后重试");
            Item::unknown(ID, told, settle).about(name)
        }
        (status @ 500.., _) => refuse(
            format!("{name} answers {status}"),
            format!("{name} 返回 {status}"),
            Message::new("wait until the vendor is well", "等待供应商恢复"),
        ),
        (status, _) => {
            let told = Message::new(
                format!("{name} answers {status}, which says neither yes nor no"),
                format!("{name} 返回 {status}，无法判断"),
            );
            let settle = Message::new(
                format!("name a request in `url` that is answered with 200 ({})", plan.url),
                format!("请在 `url` 中填写会返回 200 的请求（{}）", plan.url),
            );
            Item::unknown(ID, told, settle).about(name)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::preflight::Verdict;

    fn plan() -> VendorPlan {
        VendorPlan {
            name: "clay".to_owned(),
            url: "https://api.example/me".to_owned(),
            header: Some(("clay-api-key".to_owned(), "CLAY_API_KEY".to_owned())),
            expect: Some(("/workspace/id".to_owned(), "7".to_owned())),
        }
    }

    #[track_caller]
    fn check(status: u16, workspace: Option<&str>, expect: Verdict) {
        let seen = Seen { status, took_ms: 80, field: workspace.map(str::to_owned) };
        assert_eq!(vendor(&plan(), &Ok(seen)).verdict, expect, "{status} {workspace:?}");
    }

    #[track_caller]
    fn check_unseen(unseen: Unseen, expect: Verdict) {
        assert_eq!(vendor(&plan(), &Err(unseen)).verdict, expect);
    }

    #[test]
    fn only_an_answer_that_was_understood_is_a_yes() {
        check(200, Some("7"), Verdict::Ready);
        check(200, Some("8"), Verdict::NotReady);
        check(200, None, Verdict::NotReady);
        check(401, None, Verdict::NotReady);
        check(503, None, Verdict::NotReady);
        check(429, None, Verdict::Unknown);
        check(404, None, Verdict::Unknown);
        check(302, None, Verdict::Unknown);
        check_unseen(Unseen::NoKey, Verdict::Unknown);
        check_unseen(Unseen::Unreachable("connection refused".to_owned()), Verdict::NotReady);
    }
}
