//! The words of the reports, in both languages.

use gonogo_domain::{Cause, Gate, Lang, Level, Outcome, ReasonKind, Text};

pub(crate) const DECISION: Text = Text { en: "decision", zh: "结论" };
pub(crate) const SERVICE: Text = Text { en: "service", zh: "服务" };
pub(crate) const LEVEL: Text = Text { en: "level", zh: "级别" };
pub(crate) const NO_LEVEL: Text = Text { en: "below L1", zh: "未达 L1" };
pub(crate) const TIER: Text = Text { en: "tier", zh: "等级" };
pub(crate) const NEEDS: Text = Text { en: "needs", zh: "要求" };
pub(crate) const BLOCKS: Text = Text { en: "blocks", zh: "阻断" };
pub(crate) const UNKNOWN: Text = Text { en: "unknown", zh: "未知" };
pub(crate) const NEXT_STEPS: Text = Text { en: "Next steps, in order", zh: "下一步（按顺序）" };
pub(crate) const SETTLED_BY: Text = Text { en: "settled by", zh: "可由以下证据确定" };
pub(crate) const PER_AREA: Text = Text { en: "By area", zh: "按领域" };
pub(crate) const UNREAD: Text = Text { en: "Could not be read", zh: "无法读取" };
pub(crate) const LEFT_OUT: Text = Text { en: "Not reviewed", zh: "未评审" };
pub(crate) const RECORDS: Text = Text { en: "Waivers and attestations", zh: "豁免与声明" };
pub(crate) const CHANGED: Text = Text { en: "Changed since", zh: "自此以来的变化：" };
pub(crate) const NOTHING_CHANGED: Text = Text { en: "no outcome changed", zh: "结论无变化" };
pub(crate) const TO_REACH: Text = Text { en: "to reach", zh: "达到" };
pub(crate) const SEARCHED: Text = Text { en: "searched", zh: "已检索" };
pub(crate) const EXPERIMENTS: Text = Text { en: "Experiments", zh: "实验" };
pub(crate) const HELD: Text = Text { en: "held", zh: "成立" };
pub(crate) const BROKEN: Text = Text { en: "broken", zh: "不成立" };
pub(crate) const OPEN: Text = Text { en: "open", zh: "未定" };
pub(crate) const FILES: Text = Text { en: "files", zh: "个文件" };
pub(crate) const MORE: Text = Text { en: "more", zh: "更多" };
pub(crate) const CONTRADICTS: Text = Text { en: "contradicts the weaker evidence", zh: "与较弱证据相矛盾" };

pub(crate) fn outcome(outcome: Outcome) -> Text {
    match outcome {
        Outcome::Pass => Text { en: "pass", zh: "通过" },
        Outcome::Fail => Text { en: "fail", zh: "失败" },
        Outcome::Partial => Text { en: "partial", zh: "部分" },
        Outcome::Stale => Text { en: "stale", zh: "过期" },
        Outcome::NotApplicable => Text { en: "not applicable", zh: "不适用" },
        Outcome::Unknown => Text { en: "unknown", zh: "未知" },
    }
}

/// One letter's width, readable without colour.
pub(crate) fn mark(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Pass => "✓",
        Outcome::Fail => "✗",
        Outcome::Partial => "◐",
        Outcome::Stale => "⌛",
        Outcome::NotApplicable => "–",
        Outcome::Unknown => "?",
    }
}

pub(crate) fn gate(gate: Gate) -> Text {
    match gate {
        Gate::Never => Text { en: "never-rule", zh: "绝对规则" },
        Gate::Blocker => Text { en: "blocker", zh: "阻断项" },
        Gate::Required => Text { en: "required", zh: "必需" },
        Gate::Advised => Text { en: "advised", zh: "建议" },
    }
}

pub(crate) fn level(level: Option<Level>, lang: Lang) -> &'static str {
    level.map_or(NO_LEVEL.get(lang), |level| level.title().get(lang))
}

/// The heading over the checks that do this to the decision.
pub(crate) fn reason(kind: ReasonKind) -> Text {
    match kind {
        ReasonKind::Overridden => {
            Text { en: "OVERRIDDEN by a named approver", zh: "已由指定批准人越权放行" }
        }
        ReasonKind::Blocks => Text { en: "Blocks", zh: "阻断" },
        ReasonKind::BlocksLevel => Text {
            en: "Blocks: needed for the level of its tier",
            zh: "阻断：达到所在等级要求的级别所必需",
        },
        ReasonKind::NotAssessed => Text { en: "Not assessed, and would decide", zh: "未评估，且会影响结论" },
        ReasonKind::Waived => Text { en: "Waived", zh: "已豁免" },
        ReasonKind::Condition => Text {
            en: "Conditions: fix or waive before the next review",
            zh: "条件：下次评审前修复或豁免",
        },
        ReasonKind::ConditionNotAssessed => {
            Text { en: "Conditions: settle before the next review", zh: "条件：下次评审前补充证据" }
        }
    }
}

pub(crate) fn cause(cause: Cause) -> Text {
    match cause {
        Cause::Rules => Text { en: "the rules changed", zh: "规则变化" },
        Cause::Age => Text { en: "the evidence aged", zh: "证据过期" },
        Cause::Record => Text { en: "a waiver or attestation", zh: "豁免或声明变化" },
        Cause::Service => Text { en: "the service changed", zh: "服务变化" },
    }
}

/// An outcome before or after a change; a dash: it did not exist.
pub(crate) fn side(side: Option<(Outcome, bool)>, lang: Lang) -> String {
    match (side, lang) {
        (None, _) => "–".to_owned(),
        (Some((outcome, false)), _) => self::outcome(outcome).get(lang).to_owned(),
        (Some((outcome, true)), Lang::En) => format!("{} (waived)", self::outcome(outcome).get(lang)),
        (Some((outcome, true)), Lang::Zh) => format!("{}（已豁免）", self::outcome(outcome).get(lang)),
    }
}
