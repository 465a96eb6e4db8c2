//! Targets and windows as they are written.

use gonogo_domain::{Node, evidence::Located, slo::Decimal};

const DAY: u64 = 24 * 3600;

/// A ratio that is written as one.
pub(super) fn ratio(node: &Node) -> Option<Located<f64>> {
    Some(Located::new(node.float()?, &node.place))
}

/// A ratio that is written in percent, with or without the sign.
pub(super) fn percent(node: &Node) -> Option<Located<f64>> {
    Some(Located::new(hundredth(node.str()?.trim().trim_end_matches('%').trim_end())?, &node.place))
}

/// The same, exactly.
pub(super) fn exact_ratio(node: &Node) -> Option<Decimal> {
    node.str()?.trim().parse().ok()
}

/// The same, exactly.
pub(super) fn exact_percent(node: &Node) -> Option<Decimal> {
    Some(node.str()?.trim().trim_end_matches('%').trim_end().parse::<Decimal>().ok()?.hundredth())
}

/// The hundredth of a decimal number, exactly the one that a person would write: 99.9 / 100 is 0.9990000000000001.
fn hundredth(text: &str) -> Option<f64> {
    let number: f64 = text.parse().ok().filter(|number: &f64| number.is_finite())?;
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    if !whole.chars().chain(fraction.chars()).all(|character| character.is_ascii_digit()) {
        return Some(number / 100.0);
    }
    let padded = format!("{whole:0>3}");
    let (before, last) = padded.split_at_checked(padded.len() - 2)?;
    format!("{before}.{last}{fraction}").parse().ok()
}

/// Seconds of `28d`, `4w`, `1M`, `1Q`, `1Y`: what OpenSLO, Pyrra and Grafana write. A month is thirty days, as everywhere
/// where windows are compared.
pub(super) fn window(node: &Node) -> Option<Located<u64>> {
    let text = node.str()?.trim();
    let seconds = if let Some(seconds) = crate::alerting::seconds(text) {
        seconds
    } else {
        let (number, unit) = text.split_at_checked(text.find(|character: char| !character.is_ascii_digit())?)?;
        counted(number.parse().ok()?, unit)?
    };
    Some(Located::new(seconds, &node.place))
}

/// Seconds of a count of units, in any of the ways in which vendors spell them.
pub(super) fn counted(count: u64, unit: &str) -> Option<u64> {
    let days = match unit {
        "M" => 30,
        unit => match unit.to_ascii_lowercase().trim_end_matches('s') {
            "second" => return Some(count),
            "minute" => return count.checked_mul(60),
            "h" | "hour" => return count.checked_mul(3600),
            "d" | "day" => 1,
            "w" | "week" => 7,
            "month" => 30,
            "q" | "quarter" => 90,
            "y" | "year" => 365,
            _ => return None,
        },
    };
    count.checked_mul(days * DAY)
}
