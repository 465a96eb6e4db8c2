//! The four rows of the alert table, by what their expressions say.

use gonogo_domain::{
    Area, Check, Classes, Evidence, Finding, Gate, Message, Missing, Place, Policy, Reading, Readings, Standard,
    Strength, Tally, Text,
    evidence::{AlertRule, Query},
};

use crate::shared::clay;

pub(crate) static CHECK: Check = Check {
    id: "clay.alerts",
    title: Text {
        en: "The four alert rows (5xx > 10/min P1; p99 > 5000 ms P2; 429 > 5/min P2; 401/403 > 0 P1), with guards",
        zh: "四条告警（5xx > 10/分钟 P1；p99 > 5000 ms P2；429 > 5/分钟 P2；401/403 > 0 P1），并带防误报条件",
    },
    source: &["C5"],
    standard: Standard::Clay,
    area: Area::Clay,
    level: None,
    gate: Gate::Required,
    min: Strength::Configured,
    classes: Classes::RUNNING_CODE,
    fresh_days: None,
    record: &[],
    remediation: Text {
        en: "Write one rule for each row on the status and duration of calls to Clay, add a ratio or a least number of calls to the first two and a for to the third, and label each with its severity.",
        zh: "针对 Clay 调用的状态码和耗时为每一行编写规则，前两条附加比例或最小样本数，第三条加 for，并标注严重级别。",
    },
    references: &["https://prometheus.io/docs/prometheus/latest/configuration/alerting_rules/"],
    page: include_str!("alerts.md"),
    judge,
};

fn judge(evidence: &Evidence<'_>, _policy: &Policy) -> Readings {
    clay::asked(evidence, CHECK.min, || Readings::configured(configured(evidence)))
}

/// A row of the table. A stricter rule than asked is fine.
struct Row {
    en: &'static str,
    zh: &'static str,
    /// Statuses that its rule has to count, and one that it must not; none: it is about latency.
    statuses: &'static [&'static str],
    never: &'static str,
    /// Events a minute, or seconds.
    limit: f64,
    page: bool,
    guard: Guard,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Guard {
    None,
    /// A second condition: a ratio, or a least number of calls.
    Condition,
    /// A second condition, or `for` of a minute and more.
    Sustained,
}

const ROWS: [Row; 4] = [
    Row {
        en: "5xx > 10/min (P1)",
        zh: "5xx > 10/分钟（P1）",
        statuses: &["500", "503"],
        never: "429",
        limit: 10.0,
        page: true,
        guard: Guard::Condition,
    },
    Row {
        en: "p99 > 5000 ms (P2)",
        zh: "p99 > 5000 ms（P2）",
        statuses: &[],
        never: "",
        limit: 5.0,
        page: false,
        guard: Guard::Condition,
    },
    Row {
        en: "429 > 5/min (P2)",
        zh: "429 > 5/分钟（P2）",
        statuses: &["429"],
        never: "500",
        limit: 5.0,
        page: false,
        guard: Guard::Sustained,
    },
    // `>= 1` says the same as `> 0` of what is counted in ones.
    Row {
        en: "401/403 > 0 (P1)",
        zh: "401/403 > 0（P1）",
        statuses: &["401", "403"],
        never: "500",
        limit: 1.0,
        page: true,
        guard: Guard::None,
    },
];

fn configured(evidence: &Evidence<'_>) -> Result<Reading, Missing> {
    let rules = clay::clay_rules(evidence)?;
    let Some(first) = rules.first() else {
        return Ok(Reading::elsewhere(
            Message::new("no alert rule here asks about Clay", "此处没有针对 Clay 的告警规则"),
            Message::new("the alert rules that watch Clay", "针对 Clay 的告警规则"),
        ));
    };
    let mut tally = Tally::new();
    for row in &ROWS {
        let candidates: Vec<(&AlertRule, Vec<(String, String)>)> =
            rules.iter().filter_map(|rule| Some((*rule, problems(row, rule)?))).collect();
        if let Some((rule, _)) = candidates.iter().find(|(_, problems)| problems.is_empty()) {
            tally.met(row.en, &rule.place);
        } else if let Some((rule, problems)) = candidates.iter().min_by_key(|(_, problems)| problems.len()) {
            for (en, zh) in problems {
                let finding = Finding::new(
                    &rule.place,
                    format!("{}: {} {en}", row.en, rule.name),
                    format!("{}：{} {zh}", row.zh, rule.name),
                );
                tally.miss(row.en, finding.in_environment(rule.environment.as_deref()));
            }
        } else {
            let place = Place::whole(first.place.path());
            tally.miss(
                row.en,
                Finding::new(&place, format!("no rule for {}", row.en), format!("缺少 {} 的规则", row.zh)),
            );
        }
    }
    Ok(tally.reading("rows of the alert table have a rule that does what they say", "个告警表条目有语义相符的规则"))
}

/// From where on a rule fires.
enum Measured {
    /// Events a minute, or seconds.
    Above(f64),
    /// No threshold that can be read.
    Nowhere,
}

/// What is wrong with a rule for a row; none: it is not about it.
fn problems(row: &Row, rule: &AlertRule) -> Option<Vec<(String, String)>> {
    let query = rule.query.as_ref().ok()?;
    let mut found: Vec<(String, String)> = Vec::new();
    let measured = if row.statuses.is_empty() { latency(query)? } else { frequency(row, query, &rule.expr.value)? };
    if row.statuses.is_empty() && !rule.expr.value.contains("0.99") {
        found.push(("is not about the 99th percentile".to_owned(), "不是第 99 百分位".to_owned()));
    }
    match measured {
        Measured::Nowhere => found.push(("has no threshold".to_owned(), "没有阈值".to_owned())),
        Measured::Above(measured) if measured > row.limit + 1e-9 => {
            let unit = if row.statuses.is_empty() { " s" } else { " a minute" };
            let unit_zh = if row.statuses.is_empty() { " 秒" } else { " 次/分钟" };
            let measured = (measured * 100.0).round() / 100.0;
            found.push((format!("fires only above {measured}{unit}"), format!("超过 {measured}{unit_zh} 才触发")));
        }
        Measured::Above(_) => (),
    }
    let condition =
        query.thresholds.len() > 1 || [" and ", " unless "].iter().any(|word| spaced(&rule.expr.value).contains(word));
    let sustained = rule.for_seconds.as_ref().is_some_and(|wait| wait.value >= 60);
    let guarded = match row.guard {
        Guard::None => true,
        Guard::Condition => condition,
        Guard::Sustained => condition || sustained,
    };
    if !guarded {
        found.push(match row.guard {
            Guard::Sustained => {
                ("has no for: a bulk job sets it off".to_owned(), "没有 for：批量任务即可触发".to_owned())
            }
            _ => (
                "has no guard: a ratio or a least number of calls".to_owned(),
                "没有防误报条件：比例或最小样本数".to_owned(),
            ),
        });
    }
    let severity = ["severity", "priority", "level"]
        .iter()
        .find_map(|label| rule.labels.get(*label))
        .map(|label| label.value.to_ascii_lowercase());
    match severity.as_deref() {
        None => found.push(("has no severity".to_owned(), "没有严重级别".to_owned())),
        Some(severity) if !severe(severity, row.page) => {
            found.push((format!("has the severity {severity}"), format!("严重级别为 {severity}")));
        }
        Some(_) => (),
    }
    Some(found)
}

fn severe(severity: &str, page: bool) -> bool {
    let word: String = severity.chars().filter(char::is_ascii_alphanumeric).collect();
    let urgent =
        matches!(word.as_str(), "critical" | "page" | "p1" | "sev1" | "s1" | "1" | "emergency" | "urgent" | "disaster");
    urgent
        || (!page
            && matches!(word.as_str(), "warning" | "high" | "error" | "major" | "p2" | "sev2" | "s2" | "2" | "ticket"))
}

fn spaced(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").to_ascii_lowercase()
}

/// Seconds above which a rule on latency fires.
fn latency(query: &Query) -> Option<Measured> {
    if !query.functions.iter().any(|function| function == "histogram_quantile") {
        return None;
    }
    let milliseconds = query.metrics.iter().any(|metric| metric.contains("_ms") || metric.contains("milliseconds"));
    // The least of several conditions is the count of samples or the share, the greatest may be; seconds lie between.
    let seconds = query.thresholds.iter().map(|value| if milliseconds { value / 1000.0 } else { *value });
    let seconds = seconds.reduce(|one, other| if (one - 5.0).abs() <= (other - 5.0).abs() { one } else { other });
    Some(seconds.map_or(Measured::Nowhere, Measured::Above))
}

/// Events a minute above which a rule on statuses fires.
fn frequency(row: &Row, query: &Query, expr: &str) -> Option<Measured> {
    let counts = |status: &str| {
        query.matchers.iter().any(|(_, label, operator, value)| {
            let label = label.to_ascii_lowercase();
            (label.contains("status") || label.contains("code") || label == "error_type")
                && matches(operator, value, status)
        })
    };
    if !row.statuses.iter().all(|status| counts(status)) || counts(row.never) {
        return None;
    }
    let window = query.windows.first().copied().filter(|seconds| *seconds > 0);
    let function = |name: &str| query.functions.iter().any(|own| own == name);
    let by_the_minute = spaced(expr).replace(' ', "").contains("*60");
    let threshold = query.thresholds.iter().copied().reduce(f64::max);
    let share = query.thresholds.iter().copied().reduce(f64::min);
    // With a ratio beside it the count is the greater number of the two; alone it is the only one.
    let count = if row.limit <= 1.0 { share } else { threshold };
    let (Some(count), Some(window)) = (count, window) else { return Some(Measured::Nowhere) };
    #[expect(clippy::cast_precision_loss, reason = "windows are hours at most")]
    let minutes = window as f64 / 60.0;
    Some(if function("increase") || function("delta") {
        Measured::Above(count / minutes)
    } else if function("rate") || function("irate") {
        Measured::Above(if by_the_minute { count } else { count * 60.0 })
    } else {
        Measured::Nowhere
    })
}

/// Whether a matcher lets this status through.
fn matches(operator: &str, value: &str, status: &str) -> bool {
    let value = value.trim_start_matches(['^', '(']).trim_end_matches(['$', ')']);
    match operator {
        "=" => value == status || value.eq_ignore_ascii_case("5xx") && status.starts_with('5'),
        "=~" => value.split('|').any(|one| like(one.trim_matches(['(', ')', '^', '$']), status)),
        _ => false,
    }
}

/// The few patterns that are written for statuses: `5..`, `5.*`, `5\d{2}`, `50[0-9]`, `5xx`.
fn like(pattern: &str, status: &str) -> bool {
    let mut rest = pattern;
    for digit in status.chars() {
        let Some(letter) = rest.chars().next() else { return false };
        if let Some(tail) = rest.strip_prefix(".*").or_else(|| rest.strip_prefix(".+")) {
            return tail.is_empty();
        }
        let (fits, tail) = if let Some(tail) = rest.strip_prefix("\\d").or_else(|| rest.strip_prefix("[0-9]")) {
            // A repetition stands for all that is left.
            if tail.starts_with(['{', '+', '*']) {
                return true;
            }
            (true, tail)
        } else if let Some((class, tail)) = rest.strip_prefix('[').and_then(|inner| inner.split_once(']')) {
            (class.contains(digit), tail)
        } else {
            (letter == digit || letter == '.' || letter == 'x', rest.get(letter.len_utf8()..).unwrap_or_default())
        };
        if !fits {
            return false;
        }
        rest = tail;
    }
    rest.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(pattern: &str, status: &str, expect: bool) {
        assert_eq!(matches("=~", pattern, status), expect, "{pattern} {status}");
    }

    #[test]
    fn patterns_of_statuses_are_read() {
        for pattern in ["5..", "5.*", "5.+", "5[0-9][0-9]", "5\\d{2}", "5\\d\\d", "(500|503)", "^5..$", "5xx"] {
            check(pattern, "503", true);
            check(pattern, "429", false);
        }
        check("401|403", "403", true);
        check("40[13]", "401", true);
        check("40[13]", "404", false);
        check("é", "500", false);
        check("", "500", false);
    }
}
