//! Whether what runs is what we think runs.

use super::Item;
use crate::Message;

/// Compares what an environment reports with what was deployed there; `seen` is why it said nothing otherwise.
///
/// A digest, a tag with or without `v`, and the beginning of a commit (seven letters or more) name the same release.
pub fn version(id: &'static str, place: &str, deployed: Option<&str>, seen: &Result<String, String>) -> Item {
    let reported = match seen {
        Ok(reported) => reported,
        Err(reason) => {
            return Item::unknown(
                id,
                Message::new(
                    format!("{place} did not say which version it runs: {reason}"),
                    format!("{place} 未报告其运行版本：{reason}"),
                ),
                Message::new(
                    "an address in [service.NAME.preflight] that answers with the version",
                    "在 [service.NAME.preflight] 中填写会返回版本的地址",
                ),
            );
        }
    };
    let Some(deployed) = deployed else {
        return Item::unknown(
            id,
            Message::new(
                format!("{place} runs {reported}, and what should run there is not known"),
                format!("{place} 正在运行 {reported}，但应运行的版本未知"),
            ),
            Message::new("say it with an option (--deployed, --release)", "用选项说明（--deployed、--release）"),
        );
    };
    if same(reported, deployed) {
        return Item::ready(
            id,
            Message::new(format!("{place} runs {reported}"), format!("{place} 正在运行 {reported}")),
        );
    }
    Item::not_ready(
        id,
        Message::new(
            format!("{place} runs {reported}, and {deployed} should"),
            format!("{place} 正在运行 {reported}，应为 {deployed}"),
        ),
        Message::new(
            "find out who deployed it, or let that deployment end, before another one begins",
            "先查明由谁部署，或等该部署结束，再开始下一次发布",
        ),
    )
}

fn same(one: &str, other: &str) -> bool {
    let bare = |text: &str| text.trim().trim_start_matches("sha256:").trim_start_matches('v').to_lowercase();
    let (one, other) = (bare(one), bare(other));
    let is_commit = |text: &str| text.len() >= 7 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    one == other || is_commit(&one) && is_commit(&other) && (one.starts_with(&other) || other.starts_with(&one))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::preflight::Verdict;

    #[track_caller]
    fn check(reported: &str, deployed: Option<&str>, expect: Verdict) {
        let item = version("version", "production", deployed, &Ok(reported.to_owned()));
        assert_eq!(item.verdict, expect, "{reported} {deployed:?}");
    }

    #[test]
    fn the_same_release_has_several_names() {
        check("1.4.2", Some("v1.4.2"), Verdict::Ready);
        check("3f2a91b", Some("3f2a91b0c4d5e6f708192a3b4c5d6e7f80910111"), Verdict::Ready);
        check("sha256:4f4f4f4f", Some("4f4f4f4f"), Verdict::Ready);
        check("1.4.2", Some("1.4"), Verdict::NotReady);
        check("3f2a", Some("3f2a91b0c4d5"), Verdict::NotReady);
        check("1.4.2", None, Verdict::Unknown);
    }
}
