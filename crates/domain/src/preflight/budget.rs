//! Whether the error budgets allow a release.

use super::Item;
use crate::{Message, slo::Verdict};

const ID: &str = "budget";

/// `said` is the verdict of the budgets with their own sentence, or why they were not asked.
pub fn budget(said: &Result<(Verdict, String), String>) -> Item {
    let (verdict, sentence) = match said {
        Ok((verdict, sentence)) => (*verdict, Message::new(sentence.clone(), sentence.clone())),
        Err(reason) => {
            return Item::unknown(
                ID,
                Message::new(format!("no budget was asked: {reason}"), format!("未询问错误预算：{reason}")),
                Message::new(
                    "objectives in the repository, and a Prometheus that answers (--prometheus)",
                    "仓库中的 SLO，以及可访问的 Prometheus（--prometheus）",
                ),
            );
        }
    };
    match verdict {
        Verdict::Pass | Verdict::Exempt => Item::ready(ID, sentence),
        Verdict::Frozen => Item::not_ready(
            ID,
            sentence,
            Message::new("release what repairs the service, and nothing else", "仅发布修复服务的变更"),
        ),
        Verdict::Unknown => {
            Item::unknown(ID, sentence, Message::new("`gonogo slo status` says which", "`gonogo slo status` 会列出"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::preflight;

    #[test]
    fn a_budget_that_is_not_known_is_not_open() {
        let check = |verdict, expect| assert_eq!(budget(&Ok((verdict, "so".to_owned()))).verdict, expect);
        check(Verdict::Pass, preflight::Verdict::Ready);
        check(Verdict::Exempt, preflight::Verdict::Ready);
        check(Verdict::Frozen, preflight::Verdict::NotReady);
        check(Verdict::Unknown, preflight::Verdict::Unknown);
        assert_eq!(budget(&Err("refused".to_owned())).verdict, preflight::Verdict::Unknown);
    }
}
