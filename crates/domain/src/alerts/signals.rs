//! Which of the metrics that a service exposes tells what, and what is missing to know it.

use super::{Exposure, Kind, Metric, Origin};
use crate::{
    Message,
    rules::{Span, quoted},
};

/// Labels that people keep the status of an answer in, the commonest first.
const STATUS_LABELS: &[&str] = &[
    "status",
    "code",
    "status_code",
    "http_status",
    "http_status_code",
    "http_response_status_code",
    "response_code",
    "response_status",
];

/// Values beside statuses that say that no good answer came.
const FAILURES: &[&str] = &["timeout", "error", "failed", "failure", "connection_error", "network_error", "exception"];

/// Metrics of what a service asks of others, or of its own machinery, are not about its users.
const NOT_OF_USERS: &[&str] = &[
    "client",
    "outbound",
    "upstream",
    "clay",
    "promhttp",
    "prometheus",
    "scrape",
    "in_flight",
    "inflight",
    "size",
    "bytes",
    "apiserver",
    "nginx_ingress",
    "envoy",
    "istio",
    "haproxy",
    "traefik",
];

/// What was asked for on the command line.
#[derive(Clone, Debug, Default)]
pub struct Wish {
    /// Matchers that tell this service's series from all others: `job="shop"`.
    pub selector: Option<String>,
    pub requests: Option<String>,
    pub status: Option<String>,
    pub duration: Option<String>,
    pub clay_requests: Option<String>,
    pub clay_status: Option<String>,
    pub clay_duration: Option<String>,
    /// What is used, and the most that there is.
    pub saturation: Vec<(String, String)>,
    /// Seconds that one request of a hundred may take.
    pub slow: Option<f64>,
    pub interval: Option<Span>,
    /// How many times faster than in production everything goes; 0 is 1.
    pub faster: u32,
}

/// Something that is not known, and what would make it known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lack {
    /// Which rules or panels are not written.
    pub of: &'static str,
    pub what: Message,
    pub settle: Message,
}

/// How fast rules look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// The time between two scrapes.
    pub interval: Span,
    /// 1 in production; more in a rehearsal.
    pub faster: u32,
}

impl Pace {
    pub fn scaled(self, span: Span) -> Span {
        Span::milliseconds(span.as_milliseconds() / u64::from(self.faster.max(1)))
    }

    /// A window that holds at least four scrapes: with one, a rate has nothing to compare.
    pub fn window(self, span: Span) -> Span {
        self.scaled(span).max(Span::milliseconds(4 * self.interval.as_milliseconds()))
    }

    /// How often rules are evaluated.
    pub fn evaluation(self) -> Span {
        self.interval
    }
}

/// A counter of answers by their status.
#[derive(Clone, Debug)]
pub struct Count {
    /// The series: `http_requests_total`, `http_server_requests_seconds_count`.
    pub metric: String,
    pub label: String,
    /// Values beside statuses that mean that no good answer came.
    pub failures: Vec<String>,
    /// The metric says so; else the values were not seen and are taken for statuses of HTTP.
    pub values_seen: bool,
    pub origin: Origin,
}

/// A histogram of durations.
#[derive(Clone, Debug)]
pub struct Timing {
    /// The family: `http_request_duration_seconds`.
    pub metric: String,
    /// How many of its units are a second.
    pub per_second: f64,
    /// The label of the status, where it has one.
    pub status: Option<String>,
    /// Bounds in its unit, ascending; empty: not seen.
    pub bounds: Vec<f64>,
    pub origin: Origin,
}

/// Something that can be used up.
#[derive(Clone, Debug)]
pub struct Saturation {
    pub used: String,
    /// The metric with the most that there is; none: a level without a limit, to look at and not to alert on.
    pub limit: Option<String>,
    pub origin: Origin,
}

/// What tells of the calls to Clay.
#[derive(Clone, Debug)]
pub struct ClaySignals {
    pub requests: Option<Count>,
    pub duration: Option<Timing>,
}

/// What is known of a service's signals.
#[derive(Clone, Debug)]
pub struct Signals {
    /// Matchers that every series of the service has: `job="shop"`. None: not known, and no rule can be written.
    pub selector: Option<String>,
    pub pace: Pace,
    /// Where the interval between scrapes was seen; none: Prometheus' own default is taken.
    pub interval: Option<Origin>,
    pub requests: Option<Count>,
    pub duration: Option<Timing>,
    /// Seconds above which the 99th percentile is an alert.
    pub slow: f64,
    pub saturation: Vec<Saturation>,
    /// None: it does not talk to Clay.
    pub clay: Option<ClaySignals>,
    pub lacks: Vec<Lack>,
}

/// Pairs of what is used and the most that there is, as the client libraries and pools name them. Source: the pages of
/// Prometheus' client libraries (process, Go, JVM) and of `HikariCP`.
const PAIRS: &[(&str, &str)] = &[
    ("process_open_fds", "process_max_fds"),
    ("go_sql_in_use_connections", "go_sql_max_open_connections"),
    ("go_sql_stats_connections_in_use", "go_sql_stats_connections_max_open"),
    ("hikaricp_connections_active", "hikaricp_connections_max"),
    ("jdbc_connections_active", "jdbc_connections_max"),
    ("executor_active_threads", "executor_pool_max_threads"),
    ("tomcat_threads_busy_threads", "tomcat_threads_config_max_threads"),
];

/// Seconds, where nothing says what users may expect. Source: field-notes B3.1f (p99 > 5 s is P2).
const SLOW: f64 = 5.0;

impl Signals {
    /// Works out which metric tells what.
    pub fn of(exposure: &Exposure, wish: &Wish, service: &str, talks_to_clay: bool) -> Self {
        let mut lacks = Vec::new();
        let selector = selector(exposure, wish, service).map_err(|lack| lacks.push(lack)).ok();
        let pace = Pace {
            interval: wish
                .interval
                .or(exposure.interval.as_ref().map(|(interval, _)| *interval))
                .unwrap_or(Span::minutes(1)),
            faster: wish.faster.max(1),
        };
        let interval = match &wish.interval {
            Some(_) => Some(Origin::Named),
            None => exposure.interval.as_ref().map(|(_, origin)| origin.clone()),
        };
        let users = |name: &str| {
            let asked = ["http", "grpc", "rpc", "request", "server"].iter().any(|word| name.contains(word));
            asked && !NOT_OF_USERS.iter().any(|word| name.contains(word))
        };
        let clay = |name: &str| name.split('_').any(|word| word == "clay");
        let wanted = Wanted {
            of: "errors, traffic",
            option: "--requests",
            metric: wish.requests.as_deref(),
            label: wish.status.as_deref(),
        };
        let requests = count(exposure, &wanted, &users).map_err(|lack| lacks.push(lack)).ok();
        let wanted = Wanted {
            of: "latency",
            option: "--duration",
            metric: wish.duration.as_deref(),
            label: wish.status.as_deref(),
        };
        let duration = timing(exposure, &wanted, &users).map_err(|lack| lacks.push(lack)).ok();
        let slow = wish.slow.unwrap_or(SLOW);
        let duration = duration.and_then(|timing| reachable(timing, slow, "latency", &mut lacks));
        let clay = talks_to_clay.then(|| {
            let wanted = Wanted {
                of: "Clay: 5xx, 429, 401/403",
                option: "--clay-requests",
                metric: wish.clay_requests.as_deref(),
                label: wish.clay_status.as_deref(),
            };
            let requests = count(exposure, &wanted, &clay).map_err(|lack| lacks.push(lack)).ok();
            let wanted = Wanted {
                of: "Clay: p99",
                option: "--clay-duration",
                metric: wish.clay_duration.as_deref(),
                label: wish.clay_status.as_deref(),
            };
            let duration = timing(exposure, &wanted, &clay).map_err(|lack| lacks.push(lack)).ok();
            let duration = duration.and_then(|timing| reachable(timing, 5.0, "Clay: p99", &mut lacks));
            ClaySignals { requests, duration }
        });
        let saturation = saturation(exposure, wish);
        if !saturation.iter().any(|one| one.limit.is_some()) {
            lacks.push(Lack {
                of: "saturation",
                what: Message::new(
                    "no metric is known that is used up, with the metric of its limit",
                    "未发现会被耗尽的指标及其上限指标",
                ),
                settle: Message::new("--saturation USED=LIMIT", "--saturation 已用指标=上限指标"),
            });
        }
        Self { selector, pace, interval, requests, duration, slow, saturation, clay, lacks }
    }
}

/// What is looked for.
struct Wanted<'a> {
    of: &'static str,
    option: &'static str,
    metric: Option<&'a str>,
    label: Option<&'a str>,
}

fn selector(exposure: &Exposure, wish: &Wish, service: &str) -> Result<String, Lack> {
    if let Some(selector) = &wish.selector {
        return Ok(selector.clone());
    }
    let jobs: Vec<&String> = exposure.jobs.keys().collect();
    let job = match jobs.as_slice() {
        [only] => Some(*only),
        several => several.iter().copied().find(|job| *job == service),
    };
    let Some(job) = job else {
        let (en, zh) = match jobs.as_slice() {
            [] => (String::new(), String::new()),
            several => {
                let several: Vec<&str> = several.iter().map(|job| job.as_str()).collect();
                (format!("; {} were seen", several.join(", ")), format!("；发现了 {}", several.join("、")))
            }
        };
        return Err(Lack {
            of: "every rule",
            what: Message::new(
                format!("the job under which Prometheus scrapes this service is not known{en}"),
                format!("未知 Prometheus 以哪个 job 抓取此服务{zh}"),
            ),
            settle: Message::new("--selector 'job=\"NAME\"'", "--selector 'job=\"名称\"'"),
        });
    };
    Ok(format!("job={}", quoted(job)))
}

fn status_label(metric: &Metric) -> Option<&str> {
    STATUS_LABELS.iter().copied().find(|label| metric.labels.contains_key(*label))
}

/// The one metric that fits, or why there is not one.
fn choose<'a>(
    exposure: &'a Exposure,
    wanted: &Wanted<'_>,
    fits: &dyn Fn(&str, &Metric) -> bool,
    words: (&str, &str),
) -> Result<(&'a str, &'a Metric), Lack> {
    let found: Vec<(&str, &Metric)> = exposure
        .metrics
        .iter()
        .map(|(name, metric)| (name.as_str(), metric))
        .filter(|(name, metric)| fits(name, metric))
        .collect();
    // What the service itself says goes before what somebody asks for.
    let strongest = found.iter().map(|(_, metric)| rank(&metric.origin)).min();
    let best: Vec<_> = found.into_iter().filter(|(_, metric)| Some(rank(&metric.origin)) == strongest).collect();
    let protocol: Vec<_> =
        best.iter().copied().filter(|(name, _)| name.contains("http") || name.contains("grpc")).collect();
    let (en, zh) = words;
    let option = wanted.option;
    match if protocol.len() == 1 { protocol.as_slice() } else { best.as_slice() } {
        [only] => Ok(*only),
        [] => Err(Lack {
            of: wanted.of,
            what: Message::new(format!("{en} is not known"), format!("未知{zh}")),
            settle: Message::new(
                format!("--metrics URL of the running service, or {option} METRIC"),
                format!("--metrics 运行中服务的 URL，或 {option} 指标名"),
            ),
        }),
        several => {
            let names: Vec<&str> = several.iter().map(|(name, _)| *name).collect();
            Err(Lack {
                of: wanted.of,
                what: Message::new(
                    format!("{en} may be any of {}", names.join(", ")),
                    format!("{zh}可能是 {} 之一", names.join("、")),
                ),
                settle: Message::new(format!("{option} METRIC"), format!("{option} 指标名")),
            })
        }
    }
}

fn rank(origin: &Origin) -> u8 {
    match origin {
        Origin::Named => 0,
        Origin::Scrape(_) => 1,
        Origin::Source(_) => 2,
        Origin::Query(_) => 3,
    }
}

fn count(exposure: &Exposure, wanted: &Wanted<'_>, about: &dyn Fn(&str) -> bool) -> Result<Count, Lack> {
    let of_requests = |name: &str| ["request", "handled", "call", "response"].iter().any(|word| name.contains(word));
    let (name, metric) = if let Some(named) = wanted.metric {
        named_metric(exposure, named)
    } else {
        let plain = |name: &str, metric: &Metric| {
            about(name)
                && of_requests(name)
                && status_label(metric).is_some()
                && (metric.kind == Some(Kind::Counter) || metric.kind.is_none() && name.ends_with("_total"))
        };
        let timed = |name: &str, metric: &Metric| {
            about(name) && of_requests(name) && status_label(metric).is_some() && metric.kind == Some(Kind::Histogram)
        };
        let words = ("the counter of requests by status", "按状态统计请求的计数器");
        let found = choose(exposure, wanted, &plain, words);
        // A histogram counts as well, where it has the status.
        let found = found.or_else(|lack| choose(exposure, wanted, &timed, words).map_err(|_| lack))?;
        (found.0.to_owned(), Some(found.1))
    };
    let label = match (wanted.label, metric.and_then(status_label)) {
        (Some(label), _) | (None, Some(label)) => label.to_owned(),
        (None, None) => {
            return Err(Lack {
                of: wanted.of,
                what: Message::new(
                    format!("the label of {name} that holds the status is not known"),
                    format!("未知 {name} 中表示状态的标签"),
                ),
                settle: Message::new("the label after the metric: METRIC:LABEL", "在指标后写出标签：指标:标签"),
            });
        }
    };
    let values = metric.and_then(|metric| metric.labels.get(&label)).cloned().unwrap_or_default();
    let statuses = values.iter().filter(|value| is_status(value)).count();
    let failures: Vec<String> =
        FAILURES.iter().filter(|word| values.contains(**word)).map(|word| (*word).to_owned()).collect();
    if !values.is_empty() && statuses == 0 && failures.len() < values.len() {
        let shown: Vec<&str> = values.iter().take(4).map(String::as_str).collect();
        return Err(Lack {
            of: wanted.of,
            what: Message::new(
                format!("{name} keeps no status of HTTP in {label}, but {}", shown.join(", ")),
                format!("{name} 的 {label} 不是 HTTP 状态，而是 {}", shown.join("、")),
            ),
            settle: Message::new(format!("{} METRIC:LABEL", wanted.option), format!("{} 指标:标签", wanted.option)),
        });
    }
    let series = match metric.and_then(|metric| metric.kind) {
        Some(Kind::Histogram | Kind::Summary) => format!("{name}_count"),
        _ => name,
    };
    let origin = metric.map_or(Origin::Named, |metric| metric.origin.clone());
    Ok(Count { metric: series, label, failures, values_seen: statuses > 0, origin })
}

/// `503`, `5xx`, `5..`, `5`.
fn is_status(value: &str) -> bool {
    let mut letters = value.chars();
    letters.next().is_some_and(|first| ('1'..='5').contains(&first))
        && value.len() <= 3
        && letters.all(|letter| letter.is_ascii_digit() || matches!(letter, '.' | 'x' | 'X'))
}

/// A metric that was named by its series or by its family.
fn named_metric<'a>(exposure: &'a Exposure, named: &str) -> (String, Option<&'a Metric>) {
    let family = ["_bucket", "_count", "_sum"].iter().find_map(|part| named.strip_suffix(part));
    let known = |name: &str| exposure.metrics.get(name);
    match family.filter(|family| known(named).is_none() && known(family).is_some()) {
        Some(family) => (family.to_owned(), known(family)),
        None => (named.to_owned(), known(named)),
    }
}

fn timing(exposure: &Exposure, wanted: &Wanted<'_>, about: &dyn Fn(&str) -> bool) -> Result<Timing, Lack> {
    let (name, metric) = if let Some(named) = wanted.metric {
        let (name, metric) = named_metric(exposure, named);
        (name.strip_suffix("_bucket").unwrap_or(&name).to_owned(), metric)
    } else {
        let fits = |name: &str, metric: &Metric| {
            let time = ["duration", "latency", "seconds", "milliseconds", "_ms", "time"];
            about(name) && metric.kind == Some(Kind::Histogram) && time.iter().any(|word| name.contains(word))
        };
        let found = choose(exposure, wanted, &fits, ("the histogram of durations", "耗时直方图"))?;
        (found.0.to_owned(), Some(found.1))
    };
    let word = |unit: &str| name.split('_').any(|word| word == unit);
    let per_second = if word("seconds") {
        1.0
    } else if word("milliseconds") || word("ms") || word("millis") {
        1000.0
    } else {
        return Err(Lack {
            of: wanted.of,
            what: Message::new(
                format!("the unit of {name} is not known: its name says neither seconds nor milliseconds"),
                format!("未知 {name} 的单位：名称中没有 seconds 或 milliseconds"),
            ),
            settle: Message::new(
                format!("a histogram in seconds ({} METRIC)", wanted.option),
                format!("以秒为单位的直方图（{} 指标名）", wanted.option),
            ),
        });
    };
    let mut bounds: Vec<f64> = metric
        .into_iter()
        .flat_map(|metric| &metric.bounds)
        .filter_map(|bound| bound.parse().ok())
        .filter(|bound: &f64| bound.is_finite())
        .collect();
    bounds.sort_by(f64::total_cmp);
    let status = metric.and_then(status_label).map(str::to_owned);
    let origin = metric.map_or(Origin::Named, |metric| metric.origin.clone());
    Ok(Timing { metric: name, per_second, status, bounds, origin })
}

/// A quantile never rises above the greatest bound: a threshold there can never be passed.
fn reachable(timing: Timing, slow: f64, of: &'static str, lacks: &mut Vec<Lack>) -> Option<Timing> {
    let threshold = slow * timing.per_second;
    match timing.bounds.last() {
        Some(most) if *most <= threshold => {
            lacks.push(Lack {
                of,
                what: Message::new(
                    format!(
                        "{} has no bucket above {threshold}: its greatest bound is {most}, and the quantile never passes it",
                        timing.metric
                    ),
                    format!("{} 没有高于 {threshold} 的桶：最大上界为 {most}，分位数永远不会超过它", timing.metric),
                ),
                settle: Message::new(
                    format!("buckets with a bound at {threshold} and one above it"),
                    format!("增加上界 {threshold} 及更高上界的桶"),
                ),
            });
            None
        }
        _ => Some(timing),
    }
}

fn saturation(exposure: &Exposure, wish: &Wish) -> Vec<Saturation> {
    let mut found: Vec<Saturation> = wish
        .saturation
        .iter()
        .map(|(used, limit)| Saturation { used: used.clone(), limit: Some(limit.clone()), origin: Origin::Named })
        .collect();
    for (used, limit) in PAIRS {
        if let Some(metric) = exposure.metrics.get(*used)
            && exposure.metrics.contains_key(*limit)
        {
            let (used, limit) = ((*used).to_owned(), Some((*limit).to_owned()));
            found.push(Saturation { used, limit, origin: metric.origin.clone() });
        }
    }
    // Levels without a limit: people look at them.
    for (name, metric) in &exposure.metrics {
        let level =
            ["in_flight", "inflight", "queue", "outbox", "backlog", "pool", "resident_memory", "lag", "pending"];
        let gauge = metric.kind == Some(Kind::Gauge) || metric.kind.is_none() && !name.ends_with("_total");
        let known = found.iter().any(|one| one.used == *name || one.limit.as_deref() == Some(name));
        if gauge
            && !known
            && level.iter().any(|word| name.contains(word))
            && !name.contains("limit")
            && !name.contains("max")
        {
            found.push(Saturation { used: name.clone(), limit: None, origin: metric.origin.clone() });
        }
    }
    found
}

/// The matcher of the answers that failed: `status=~"5..|timeout"`.
pub fn statuses(count: &Count, pattern: &str, with_failures: bool) -> String {
    let mut pattern = pattern.to_owned();
    if with_failures {
        for word in &count.failures {
            pattern.push('|');
            pattern.push_str(word);
        }
    }
    let operator = if pattern.contains(['.', '|']) { "=~" } else { "=" };
    format!("{}{operator}{}", count.label, quoted(&pattern))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Place;

    /// `name kind label=value,value label=value bounds…`.
    fn exposed(lines: &[&str]) -> Exposure {
        let mut exposure = Exposure::default();
        for line in lines {
            let mut words = line.split_whitespace();
            let name = words.next().unwrap();
            let kind = match words.next().unwrap() {
                "counter" => Some(Kind::Counter),
                "gauge" => Some(Kind::Gauge),
                "histogram" => Some(Kind::Histogram),
                _ => None,
            };
            let metric = exposure.see(name, kind, Origin::Query(Place::whole("a")));
            for word in words {
                match word.split_once('=') {
                    Some((label, values)) => {
                        let values = values.split(',').filter(|value| !value.is_empty()).map(str::to_owned);
                        metric.labels.entry(label.to_owned()).or_default().extend(values);
                    }
                    None => drop(metric.bounds.insert(word.to_owned())),
                }
            }
        }
        exposure.jobs.insert("shop".to_owned(), Origin::Named);
        exposure
    }

    /// The counter of requests and its failures, the histogram, and what is missing.
    #[track_caller]
    fn check(lines: &[&str], wish: &Wish, requests: Option<&str>, duration: Option<&str>, lacks: &[&str]) {
        let signals = Signals::of(&exposed(lines), wish, "shop", false);
        let shown =
            signals.requests.as_ref().map(|count| format!("{}{{{}}}", count.metric, statuses(count, "5..", true)));
        assert_eq!(shown.as_deref(), requests);
        assert_eq!(signals.duration.as_ref().map(|timing| timing.metric.as_str()), duration);
        let said: Vec<&str> = signals.lacks.iter().map(|lack| lack.what.en.as_str()).collect();
        assert_eq!(said.len(), lacks.len(), "{said:?}");
        for (said, words) in said.iter().zip(lacks) {
            assert!(said.contains(words), "{said}");
        }
    }

    const FULL: [&str; 4] = [
        "http_requests_total counter route=/a status=200,500,timeout",
        "http_request_duration_seconds histogram 0.1 1 5 10",
        "process_open_fds gauge",
        "process_max_fds gauge",
    ];

    #[test]
    fn what_fits_alone_is_taken() {
        let wish = Wish::default();
        let all = Some(r#"http_requests_total{status=~"5..|timeout"}"#);
        check(&FULL, &wish, all, Some("http_request_duration_seconds"), &[]);
        let clients = ["http_client_requests_total counter status=200", "clay_requests_total counter status=200"];
        check(&[FULL.as_slice(), &clients].concat(), &wish, all, Some("http_request_duration_seconds"), &[]);
        check(
            &["http_server_requests_seconds histogram status=200 outcome=SUCCESS", FULL[2], FULL[3]],
            &wish,
            Some(r#"http_server_requests_seconds_count{status=~"5.."}"#),
            Some("http_server_requests_seconds"),
            &[],
        );
    }

    #[test]
    fn what_is_not_known_is_said() {
        let wish = Wish::default();
        check(&[], &wish, None, None, &["counter of requests", "histogram of durations", "used up"]);
        let two = ["http_a_requests_total counter status=200", "http_b_requests_total counter status=200"];
        check(&two, &wish, None, None, &["any of http_a_requests_total, http_b", "histogram", "used up"]);
        let grpc = ["grpc_server_handled_total counter code=OK,Internal", "http_request_time histogram"];
        check(&grpc, &wish, None, None, &["no status of HTTP", "unit", "used up"]);
        let low = [FULL[0], "http_request_duration_seconds histogram 0.1 1 5", FULL[2], FULL[3]];
        check(&low, &wish, Some(r#"http_requests_total{status=~"5..|timeout"}"#), None, &["greatest bound is 5"]);
    }

    #[test]
    fn what_is_named_is_taken() {
        let wish = Wish {
            requests: Some("mine_total".to_owned()),
            status: Some("result".to_owned()),
            duration: Some("mine_ms_bucket".to_owned()),
            saturation: vec![("a".to_owned(), "b".to_owned())],
            ..Wish::default()
        };
        check(&[], &wish, Some(r#"mine_total{result=~"5.."}"#), Some("mine_ms"), &[]);
    }

    #[test]
    fn a_job_is_not_guessed_among_several() {
        let mut exposure = exposed(&[]);
        let job = |exposure: &Exposure, service| Signals::of(exposure, &Wish::default(), service, false).selector;
        assert_eq!(job(&exposure, "cart").as_deref(), Some("job=\"shop\""));
        exposure.jobs.insert("cart-db".to_owned(), Origin::Named);
        assert_eq!(job(&exposure, "cart"), None);
        assert_eq!(job(&exposure, "shop").as_deref(), Some("job=\"shop\""));
    }

    #[test]
    fn a_window_holds_four_scrapes() {
        let pace = |interval, faster| Pace { interval: Span::seconds(interval), faster };
        assert_eq!(pace(15, 1).window(Span::minutes(1)), Span::minutes(1));
        assert_eq!(pace(60, 1).window(Span::minutes(1)), Span::minutes(4));
        assert_eq!(pace(1, 12).window(Span::minutes(5)), Span::seconds(25));
    }
}
