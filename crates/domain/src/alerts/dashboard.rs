//! A dashboard: the four signals, the dependencies, the error budget and the deploys of one service.

use super::{Count, Exposure, Kind, Lack, Signals, Timing, counts::series, signals::statuses};
use crate::Message;

/// What Grafana puts in for a window that fits the width of a panel.
const WINDOW: &str = "$__rate_interval";

#[derive(Clone, Debug, PartialEq)]
pub struct Dashboard {
    pub uid: String,
    pub title: String,
    pub tags: Vec<String>,
    pub rows: Vec<Row>,
    pub marks: Vec<Mark>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    pub title: String,
    pub panels: Vec<Panel>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Panel {
    pub title: String,
    pub description: String,
    /// As Grafana names units: `s`, `ms`, `reqps`, `percentunit`, `short`.
    pub unit: &'static str,
    pub queries: Vec<Query>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Query {
    pub legend: String,
    pub expr: String,
}

/// What is marked on all panels.
#[derive(Clone, Debug, PartialEq)]
pub enum Mark {
    /// Each moment in which the query gives something.
    Query { name: String, expr: String, text: String },
    /// Annotations that were posted to Grafana with all these tags.
    Tags { name: String, tags: Vec<String> },
}

/// Makes it, and says what could not be shown.
pub fn dashboard(
    service: &str,
    signals: &Signals,
    exposure: &Exposure,
    dependencies: &[String],
    objectives: usize,
) -> (Dashboard, Vec<Lack>) {
    let mut lacks = signals.lacks.clone();
    let mut rows = Vec::new();
    if signals.selector.is_some() {
        rows.push(Row { title: "Golden signals".to_owned(), panels: golden(signals) });
        let panels = dependency_panels(signals, exposure, dependencies, &mut lacks);
        rows.push(Row { title: "Dependencies".to_owned(), panels });
    }
    if objectives > 0 {
        rows.push(Row { title: "Error budget".to_owned(), panels: budget(service) });
    } else {
        lacks.push(Lack {
            of: "budget and burn",
            what: Message::new("no objective of this service is known", "未发现此服务的 SLO"),
            settle: Message::new(
                "an SLO file, and its rules from `gonogo slo rules`",
                "SLO 文件，以及 `gonogo slo rules` 生成的规则",
            ),
        });
    }
    rows.retain(|row| !row.panels.is_empty());
    let dashboard = Dashboard {
        uid: uid(service),
        title: format!("{service}: signals, dependencies, budget"),
        tags: vec![service.to_owned(), "golden-signals".to_owned()],
        rows,
        marks: marks(service, signals, exposure),
    };
    (dashboard, lacks)
}

/// Forty letters at most, as Grafana has it.
fn uid(service: &str) -> String {
    let plain = |letter: char| if letter.is_ascii_alphanumeric() { letter.to_ascii_lowercase() } else { '-' };
    service.chars().map(plain).take(32).chain("-gonogo".chars()).collect()
}

fn query(legend: impl Into<String>, expr: impl Into<String>) -> Query {
    Query { legend: legend.into(), expr: expr.into() }
}

fn golden(signals: &Signals) -> Vec<Panel> {
    let mut panels = Vec::new();
    if let Some(timing) = &signals.duration {
        panels.extend(latency("Latency", signals, timing, &["5.."]));
    }
    if let Some(count) = &signals.requests {
        panels.push(Panel {
            title: "Traffic: requests by status".to_owned(),
            description: format!("Answers a second, by {}.", count.label),
            unit: "reqps",
            queries: vec![query(format!("{{{{{}}}}}", count.label), rate_by(signals, count))],
        });
        panels.extend([errors("Errors: share of requests", signals, count), failures("Errors", signals, count)]);
    }
    if !signals.saturation.is_empty() {
        let shares: Vec<Query> = signals
            .saturation
            .iter()
            .filter_map(|one| {
                let limit = series(signals, one.limit.as_deref()?, "");
                let used = series(signals, &one.used, "");
                Some(query(one.used.clone(), format!("max({used} / ({limit} > 0))")))
            })
            .collect();
        if !shares.is_empty() {
            panels.push(Panel {
                title: "Saturation: share of the limit".to_owned(),
                description: "Of the replica that is worst off.".to_owned(),
                unit: "percentunit",
                queries: shares,
            });
        }
        let levels = signals.saturation.iter().filter(|one| one.limit.is_none());
        let levels: Vec<Query> =
            levels.map(|one| query(one.used.clone(), format!("max({})", series(signals, &one.used, "")))).collect();
        if !levels.is_empty() {
            panels.push(Panel {
                title: "Saturation: levels without a known limit".to_owned(),
                description: "The highest of all replicas.".to_owned(),
                unit: "short",
                queries: levels,
            });
        }
    }
    panels
}

fn rate_by(signals: &Signals, count: &Count) -> String {
    format!("sum by ({}) (rate({}[{WINDOW}]))", count.label, series(signals, &count.metric, ""))
}

/// The percentiles of good and of failed answers apart: failures are often quick, and hide in one line.
fn latency(title: &str, signals: &Signals, timing: &Timing, failed: &[&str]) -> Vec<Panel> {
    let unit = if timing.per_second > 1.0 { "ms" } else { "s" };
    let buckets = format!("{}_bucket", timing.metric);
    let panel = |what: &str, matchers: &str, description: String| Panel {
        title: format!("{title}: P50, P95, P99{what}"),
        description,
        unit,
        queries: [("P50", "0.5"), ("P95", "0.95"), ("P99", "0.99")]
            .into_iter()
            .map(|(legend, quantile)| {
                let buckets = series(signals, &buckets, matchers);
                query(legend, format!("histogram_quantile({quantile}, sum by (le) (rate({buckets}[{WINDOW}])))"))
            })
            .collect(),
    };
    let Some(status) = &timing.status else {
        let told =
            format!("{} has no label of the status: good and failed answers cannot be told apart.", timing.metric);
        return vec![panel("", "", told)];
    };
    let pattern = failed.join("|");
    vec![
        panel(" of good answers", &format!("{status}!~\"{pattern}\""), String::new()),
        panel(" of failed answers", &format!("{status}=~\"{pattern}\""), String::new()),
    ]
}

/// 5xx, 429 and calls without an answer, apart; nothing is zero where there are requests.
fn kinds(count: &Count) -> Vec<(&'static str, String)> {
    let mut kinds = vec![("5xx", statuses(count, "5..", false)), ("429", statuses(count, "429", false))];
    if let Some((first, rest)) = count.failures.split_first() {
        let pattern = rest.iter().fold(first.clone(), |pattern, word| format!("{pattern}|{word}"));
        kinds.push(("timeouts and lost connections", statuses(count, &pattern, false)));
    }
    kinds
}

fn errors(title: &str, signals: &Signals, count: &Count) -> Panel {
    let all = format!("sum(rate({}[{WINDOW}]))", series(signals, &count.metric, ""));
    let share = |matchers: &str| {
        let some = series(signals, &count.metric, matchers);
        format!("(sum(rate({some}[{WINDOW}])) or 0 * {all}) / {all}")
    };
    Panel {
        title: title.to_owned(),
        description: without_status(count),
        unit: "percentunit",
        queries: kinds(count).into_iter().map(|(legend, matchers)| query(legend, share(&matchers))).collect(),
    }
}

fn failures(title: &str, signals: &Signals, count: &Count) -> Panel {
    let all = format!("sum(rate({}[{WINDOW}]))", series(signals, &count.metric, ""));
    let rate =
        |matchers: &str| format!("sum(rate({}[{WINDOW}])) or 0 * {all}", series(signals, &count.metric, matchers));
    Panel {
        title: format!("{title}: failed requests a second"),
        description: without_status(count),
        unit: "reqps",
        queries: kinds(count).into_iter().map(|(legend, matchers)| query(legend, rate(&matchers))).collect(),
    }
}

fn without_status(count: &Count) -> String {
    if count.failures.is_empty() {
        return format!(
            "{} has no value for a call that ended without an answer: timeouts are not in it.",
            count.metric
        );
    }
    String::new()
}

fn dependency_panels(
    signals: &Signals,
    exposure: &Exposure,
    dependencies: &[String],
    lacks: &mut Vec<Lack>,
) -> Vec<Panel> {
    let mut panels = Vec::new();
    if let Some(clay) = &signals.clay {
        if let Some(count) = &clay.requests {
            panels.push(Panel {
                title: "Clay: calls by status".to_owned(),
                description: String::new(),
                unit: "reqps",
                queries: vec![query(format!("{{{{{}}}}}", count.label), rate_by(signals, count))],
            });
            panels.push(errors("Clay: share of failed calls", signals, count));
        }
        if let Some(timing) = &clay.duration {
            panels.extend(latency("Clay", signals, timing, &["5..", "timeout", "error"]));
        }
    }
    for name in dependencies.iter().filter(|name| !name.eq_ignore_ascii_case("clay") || signals.clay.is_none()) {
        let word = name.to_ascii_lowercase().replace(['-', '.'], "_");
        let own: Vec<Query> = exposure
            .metrics
            .iter()
            .filter(|(metric, _)| {
                *metric == &word || metric.starts_with(&format!("{word}_")) || metric.contains(&format!("_{word}_"))
            })
            .filter_map(|(metric, known)| {
                Some(match known.kind? {
                    Kind::Counter => {
                        query(metric.clone(), format!("sum(rate({}[{WINDOW}]))", series(signals, metric, "")))
                    }
                    Kind::Gauge => query(metric.clone(), format!("max({})", series(signals, metric, ""))),
                    Kind::Histogram => query(
                        format!("{metric}, P99"),
                        format!(
                            "histogram_quantile(0.99, sum by (le) (rate({}[{WINDOW}])))",
                            series(signals, &format!("{metric}_bucket"), "")
                        ),
                    ),
                    Kind::Summary => return None,
                })
            })
            .take(8)
            .collect();
        if own.is_empty() {
            lacks.push(Lack {
                of: "a panel for a dependency",
                what: Message::new(
                    format!("no metric names the dependency {name}"),
                    format!("没有指标提到依赖 {name}"),
                ),
                settle: Message::new(
                    format!("a counter and a histogram of the calls to {name}"),
                    format!("为对 {name} 的调用增加计数器与直方图"),
                ),
            });
            continue;
        }
        panels.push(Panel {
            title: format!("Dependency: {name}"),
            description: String::new(),
            unit: "short",
            queries: own,
        });
    }
    panels
}

/// From what `gonogo slo rules` records, by the names that Sloth gave them.
fn budget(service: &str) -> Vec<Panel> {
    let own = crate::rules::quoted(service);
    let of = |metric: &str| query("{{sloth_slo}}", format!("{metric}{{sloth_service={own}}}"));
    vec![
        Panel {
            title: "Error budget that is left".to_owned(),
            description: "Of the objective's window; below nothing it is spent.".to_owned(),
            unit: "percentunit",
            queries: vec![of("slo:period_error_budget_remaining:ratio")],
        },
        Panel {
            title: "Burn rate".to_owned(),
            description: "1 spends the budget exactly in its window.".to_owned(),
            unit: "short",
            queries: vec![of("slo:current_burn_rate:ratio")],
        },
    ]
}

fn marks(service: &str, signals: &Signals, exposure: &Exposure) -> Vec<Mark> {
    let mut marks = vec![Mark::Tags {
        name: "Deploys that were posted".to_owned(),
        tags: vec!["deploy".to_owned(), service.to_owned()],
    }];
    if signals.selector.is_none() {
        return marks;
    }
    let built = exposure.metrics.iter().find(|(name, metric)| {
        name.ends_with("build_info")
            && metric.labels.keys().any(|label| label.contains("version") || label.contains("revision"))
    });
    if let Some((name, metric)) = built
        && let Some(label) = metric.labels.keys().find(|label| label.contains("version") || label.contains("revision"))
    {
        let known = series(signals, name, "");
        marks.push(Mark::Query {
            name: "New version".to_owned(),
            expr: format!("count by ({label}) ({known}) unless count by ({label}) ({known} offset 5m)"),
            text: format!("{{{{{label}}}}}"),
        });
    } else if exposure.metrics.contains_key("process_start_time_seconds") {
        let started = series(signals, "process_start_time_seconds", "");
        marks.push(Mark::Query {
            name: "A replica started".to_owned(),
            expr: format!("count(time() - {started} < 60) > 0"),
            text: "started".to_owned(),
        });
    }
    marks
}
