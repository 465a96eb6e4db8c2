//! What cannot work: found before anybody is paged for it, or fails to be.

use std::collections::BTreeMap;

use super::{Budgeting, Decimal, Objective, Period, Selector, Severity, Sli, can_fire, pairs, rules::Making};
use crate::Message;

/// How bad a defect is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Weight {
    /// It works, and somebody should know.
    Advice,
    /// It cannot work.
    Error,
}

/// Something that cannot work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Defect {
    /// `cannot-fire`, `single-error`, `unreachable`, `noisy`, `bucket`, `dependency`, `unweighted`, `uncounted`, `condition`.
    pub kind: &'static str,
    pub weight: Weight,
    pub message: Message,
}

/// What is known beside the objectives themselves.
#[derive(Clone, Debug, Default)]
pub struct Known {
    /// Events of an objective on a day, by its id.
    pub events_per_day: BTreeMap<String, f64>,
    /// The bounds of the buckets of a metric, as they are written: `http_request_duration_seconds_bucket`.
    pub bounds: BTreeMap<String, Vec<String>>,
    /// The names of services that a service waits for.
    pub dependencies: BTreeMap<String, Vec<String>>,
    /// An alert waits for so many bad events.
    pub least_bad_events: u32,
}

/// What cannot work about an objective.
pub fn lint(objective: &Objective, all: &[&Objective], known: &Known) -> Vec<Defect> {
    let mut found = Vec::new();
    cannot_fire(objective, &mut found);
    volume(objective, known, &mut found);
    buckets(objective, known, &mut found);
    dependencies(objective, all, known, &mut found);
    measured(objective, &mut found);
    found
}

fn defect(kind: &'static str, weight: Weight, en: String, zh: String) -> Defect {
    Defect { kind, weight, message: Message::new(en, zh) }
}

/// The alerts that the recipe cannot make fire for this objective; `gonogo slo rules` lowers them.
fn cannot_fire(objective: &Objective, found: &mut Vec<Defect>) {
    let budget = objective.budget();
    let never: Vec<String> = pairs(objective.period.length())
        .iter()
        .filter(|pair| objective.alerting.channel(pair.severity).enabled && !can_fire(pair.factor, budget))
        .map(|pair| format!("{} × over {}", pair.factor, pair.long))
        .collect();
    if never.is_empty() {
        return;
    }
    let (target, never) = (objective.target.percent(), never.join(", "));
    found.push(defect(
        "cannot-fire",
        Weight::Advice,
        format!(
            "at {target} % the usual alerts can never fire ({never}): no error ratio is above 1. The rules of gonogo fire at one \
             half instead; those of other generators stay silent through a total outage"
        ),
        format!(
            "目标为 {target}% 时，常用的告警永远不会触发（{never}）：错误率不可能高于 1。gonogo 的规则改为在一半失败时触发；其他生成器的规则在完全中断时保持沉默"
        ),
    ));
}

/// What the volume says: whether one bad event breaks the promise, and whether one pages.
fn volume(objective: &Objective, known: &Known, found: &mut Vec<Defect>) {
    let Some(&events) = known.events_per_day.get(&objective.id()) else { return };
    if objective.slice().is_some() {
        return;
    }
    #[expect(clippy::cast_precision_loss, reason = "seconds of a year")]
    let days = objective.period.length().as_seconds() as f64 / 86_400.0;
    let budget = objective.budget().to_f64();
    let allowed = events * days * budget;
    let shown = |number: f64| Decimal::of(number, 1).map_or_else(String::new, |number| number.to_string());
    let length = objective.period.length();
    let (allowed_text, all, target) = (shown(allowed), shown(events * days), objective.target.percent());
    if allowed < 1.0 {
        found.push(defect(
            "unreachable",
            Weight::Error,
            format!(
                "{target} % of {all} events in {length} allow {allowed_text} bad ones: a single one breaks it. Lower the objective, \
                 lengthen the window, or count slices of time"
            ),
            format!("{length} 内 {all} 个事件的 {target}% 只允许 {allowed_text} 个失败：一次失败即违约。请降低目标、加长窗口或按时间片计算"),
        ));
        return;
    }
    if allowed < 10.0 {
        found.push(defect(
            "noisy",
            Weight::Advice,
            format!(
                "{target} % of {all} events in {length} allow {allowed_text} bad ones: its alerts are noise. Send probes, or count \
                 slices of time"
            ),
            format!("{length} 内 {all} 个事件的 {target}% 只允许 {allowed_text} 个失败：其告警只是噪声。请增加探测请求或按时间片计算"),
        ));
    }
    // What one bad event is in the long window of the quickest page.
    let pages = pairs(length).into_iter().filter(|pair| pair.severity == Severity::Page);
    #[expect(clippy::cast_precision_loss, reason = "seconds of a year")]
    let single = pages.into_iter().find(|pair| {
        let inside = events * pair.long.as_seconds() as f64 / 86_400.0;
        1.0 / inside.max(1.0) > pair.threshold(objective.budget()).to_f64()
    });
    if let Some(pair) = single
        && objective.alerting.page.enabled
    {
        let counted = matches!(objective.sli, Sli::Events { .. }) && known.least_bad_events > 1;
        let (en, zh) = if counted {
            (
                format!(
                    "the rules of gonogo wait for {} bad ones; those of other generators wake somebody",
                    known.least_bad_events
                ),
                format!("gonogo 的规则会等待 {} 个失败；其他生成器的规则会叫醒值班人员", known.least_bad_events),
            )
        } else {
            (
                "nothing counts its events, so that nothing can hold the page back".to_owned(),
                "其事件未被计数，无法抑制该告警".to_owned(),
            )
        };
        found.push(defect(
            "single-error",
            if counted { Weight::Advice } else { Weight::Error },
            format!("at this volume one bad event is above the threshold of the page over {}: {en}", pair.long),
            format!("按此流量，一个失败事件就超过 {} 窗口的呼叫阈值：{zh}", pair.long),
        ));
    }
}

/// A latency that is no bound of a bucket counts nothing.
fn buckets(objective: &Objective, known: &Known, found: &mut Vec<Defect>) {
    for selector in objective.uses() {
        let (Some(bound), Some(bounds)) = (selector.bound(), known.bounds.get(&selector.metric)) else { continue };
        if bounds.is_empty() || bounds.iter().any(|one| same_bound(one, bound)) {
            continue;
        }
        let metric = &selector.metric;
        let mut numbers: Vec<&String> = bounds.iter().collect();
        numbers.sort_by(|one, other| {
            let number = |text: &str| text.parse::<f64>().unwrap_or(f64::INFINITY);
            number(one).total_cmp(&number(other))
        });
        let listed = numbers.iter().map(|one| one.as_str()).collect::<Vec<_>>().join(", ");
        found.push(defect(
            "bucket",
            Weight::Error,
            format!("le=\"{bound}\" is no bound of the buckets of {metric} ({listed}): nothing is counted up to it"),
            format!("le=\"{bound}\" 不是 {metric} 的桶边界（{listed}）：没有任何计数"),
        ));
    }
}

/// Prometheus compares texts, but `0.5` and `0.50` are told to the reader as one only if the text is the same; `1` and
/// `1.0` differ between its versions.
fn same_bound(one: &str, other: &str) -> bool {
    if one == other {
        return true;
    }
    // Prometheus 3 writes whole numbers as `1.0`, and takes both.
    matches!((one.parse::<f64>(), other.parse::<f64>()), (Ok(one), Ok(other)) if one.total_cmp(&other).is_eq() && one.fract() == 0.0)
}

/// A service is no better than what it waits for.
fn dependencies(objective: &Objective, all: &[&Objective], known: &Known, found: &mut Vec<Defect>) {
    let Some(names) = known.dependencies.get(&objective.service) else { return };
    for other in all {
        let same = other.indicator == objective.indicator && names.contains(&other.service);
        if same && other.service != objective.service && other.target < objective.target {
            let (target, promised, name) = (objective.target.percent(), other.target.percent(), &other.service);
            found.push(defect(
                "dependency",
                Weight::Error,
                format!(
                    "it promises {target} %, and {name}, which it waits for, promises {promised} % ({})",
                    other.place
                ),
                format!("它承诺 {target}%，而其依赖的 {name} 仅承诺 {promised}%（{}）", other.place),
            ));
        }
    }
}

/// How it is measured says how much its budget can be trusted.
fn measured(objective: &Objective, found: &mut Vec<Defect>) {
    match &objective.sli {
        Sli::Ratio { .. } if objective.budgeting == Budgeting::Occurrences => found.push(defect(
            "unweighted",
            Weight::Advice,
            "its ratio does not say of how many events: each moment of the period counts the same, a night as much as a noon. Count \
             bad and all events instead"
                .to_owned(),
            "其比率未说明事件数量：夜间与正午同等计权。请改为统计失败事件与全部事件".to_owned(),
        )),
        Sli::Events { unit: super::Unit::Unknown, .. } => found.push(defect(
            "uncounted",
            Weight::Advice,
            "its queries give neither events a second nor events (rate, increase): an alert cannot wait for a second bad event"
                .to_owned(),
            "其查询既不给出每秒事件数也不给出事件数（rate、increase）：告警无法等待第二个失败事件".to_owned(),
        )),
        _ => (),
    }
    if let Budgeting::Timeslices { slice, .. } | Budgeting::RatioTimeslices { slice } = objective.budgeting {
        let period = objective.period.length();
        #[expect(clippy::cast_precision_loss, reason = "seconds of a year")]
        let slices = period.as_seconds() as f64 / slice.as_seconds().max(1) as f64;
        let allowed = slices * objective.budget().to_f64();
        if allowed < 1.0 {
            let (target, shown) = (objective.target.percent(), Decimal::of(allowed, 2).unwrap_or_default());
            found.push(defect(
                "unreachable",
                Weight::Error,
                format!(
                    "{target} % of the slices of {slice} in {period} allow {shown} bad ones: a single one breaks it"
                ),
                format!("{period} 内 {slice} 时间片的 {target}% 只允许 {shown} 个失败：一个即违约"),
            ));
        }
    }
    if let Period::Calendar(calendar) = &objective.period
        && objective.period.length() < crate::rules::Span::days(7)
    {
        found.push(defect(
            "condition",
            Weight::Advice,
            format!(
                "a calendar of {} turns so often that its budget is forgotten before anybody acts on it",
                calendar.zone.name()
            ),
            "日历周期太短：在有人采取行动之前预算就已重置".to_owned(),
        ));
    }
}

/// The factors and budgets that an expression compares burn rates with: `> (14.4 * 0.001)`, `> (14 * (1-0.99))`.
pub fn burn_thresholds(expr: &str) -> Vec<(Decimal, Decimal)> {
    expr.split('>').skip(1).filter_map(threshold).collect()
}

fn threshold(text: &str) -> Option<(Decimal, Decimal)> {
    let inside = text.trim_start_matches(['=', ' ', '\n', '\t', '(']);
    let (factor, rest) = inside.split_once('*')?;
    let factor: Decimal = factor.trim().trim_end_matches(')').trim_end().parse().ok()?;
    let rest = rest.trim_start_matches([' ', '(']);
    let end = rest.find(|letter: char| !(letter.is_ascii_digit() || letter == '.')).unwrap_or(rest.len());
    let first: Decimal = rest.get(..end)?.parse().ok()?;
    let behind = rest.get(end..)?.trim_start();
    let Some(behind) = behind.strip_prefix('-') else { return Some((factor, first)) };
    let behind = behind.trim_start();
    let end = behind.find(|letter: char| !(letter.is_ascii_digit() || letter == '.')).unwrap_or(behind.len());
    Some((factor, first.minus(behind.get(..end)?.parse().ok()?)))
}

impl Known {
    /// What is known where nobody was asked.
    pub fn nothing() -> Self {
        Self { least_bad_events: Making::LEAST_BAD_EVENTS, ..Self::default() }
    }

    /// Whether a selector counts up to a bound of a bucket.
    pub fn wants_bounds(selector: &Selector) -> bool {
        selector.bound().is_some()
    }
}

#[cfg(test)]
mod tests;
