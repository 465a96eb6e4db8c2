//! Which of the four golden signals a panel shows.

use gonogo_domain::evidence::{Panel, Query};

/// The four golden signals. Source: Google's *Monitoring Distributed Systems*.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Signal {
    Latency,
    Traffic,
    Errors,
    Saturation,
}

impl Signal {
    pub(super) const ALL: [Self; 4] = [Self::Latency, Self::Traffic, Self::Errors, Self::Saturation];

    pub(super) fn name(self) -> (&'static str, &'static str) {
        match self {
            Self::Latency => ("latency", "延迟"),
            Self::Traffic => ("traffic", "流量"),
            Self::Errors => ("errors", "错误"),
            Self::Saturation => ("saturation", "饱和度"),
        }
    }
}

/// The signals of a panel that asks something: a text, or a query that does not parse, shows nothing.
pub(super) fn of_panel(panel: &Panel) -> Vec<Signal> {
    let mut signals = Vec::new();
    let mut asks = false;
    for (text, query) in &panel.queries {
        match query {
            Ok(query) => signals.extend(of_query(text, query)),
            // Another language: its words say what it asks for.
            Err(reason) if reason.contains("not read") => signals.extend(of_words(text)),
            Err(_) => continue,
        }
        asks = true;
    }
    if asks {
        signals.extend(of_words(&panel.title));
    }
    signals.sort();
    signals.dedup();
    signals
}

fn of_query(text: &str, query: &Query) -> Vec<Signal> {
    let mut signals = Vec::new();
    let metrics: Vec<String> = query.metrics.iter().map(|metric| metric.to_lowercase()).collect();
    let any = |words: &[&str]| metrics.iter().any(|metric| words.iter().any(|word| metric.contains(word)));
    let has = |names: &[&str]| query.functions.iter().any(|name| names.contains(&name.as_str()));
    let rated = has(&["rate", "irate", "increase", "count_over_time"]);
    let timed =
        any(&["duration", "latency", "response_time", "request_time", "elapsed", "_seconds_bucket", "_milliseconds"]);
    if has(&["histogram_quantile", "histogram_avg"])
        || (timed && (rated || any(&["quantile", "p99", "p95"]) || text.contains("quantile")))
    {
        signals.push(Signal::Latency);
    }
    let failing = query.matchers.iter().any(|(_, label, operator, value)| {
        let status = matches!(
            label.as_str(),
            "code"
                | "status"
                | "status_code"
                | "http_status"
                | "http_status_code"
                | "http_response_status_code"
                | "response_code"
                | "grpc_code"
        );
        let bad = value.starts_with(['4', '5'])
            || value.starts_with("(5")
            || value.starts_with("[45]")
            || value.to_lowercase().contains("error");
        (status
            && ((bad && operator.starts_with('='))
                || (operator.starts_with('!') && (value == "OK" || value.starts_with('2') || value == "0"))))
            || (value.to_lowercase().contains("error") && operator.starts_with('='))
    });
    if failing || any(&["error", "fail", "exception", "5xx", "panic", "dropped", "rejected"]) {
        signals.push(Signal::Errors);
    }
    let counted = any(&[
        "request",
        "http",
        "grpc",
        "rpc",
        "call",
        "message",
        "event",
        "job",
        "task",
        "queries",
        "operations",
        "_total",
        "_count",
    ]);
    let idle = any(&["cpu", "gc_", "node_", "container_", "process_", "go_", "jvm_"]);
    if rated && counted && !idle && !has(&["histogram_quantile"]) && !failing {
        signals.push(Signal::Traffic);
    }
    let used = [
        "cpu",
        "memory",
        "heap",
        "disk",
        "filesystem",
        "queue",
        "pool",
        "connections",
        "threads",
        "goroutine",
        "in_flight",
        "inflight",
        "saturation",
        "utilization",
        "utilisation",
        "usage",
        "backlog",
        "lag",
        "throttl",
        "open_fds",
        "file_descriptor",
        "capacity",
        "pending",
        "active_requests",
        "concurren",
        "resident_memory",
        "volume_stats",
    ];
    if any(&used) {
        signals.push(Signal::Saturation);
    }
    signals
}

/// What words say: titles of panels, and queries of languages that are not read.
pub(super) fn of_words(text: &str) -> Vec<Signal> {
    const WORDS: [(Signal, &[&str]); 4] = [
        (
            Signal::Latency,
            &[
                "latency",
                "latencies",
                "duration",
                "response time",
                "responsetime",
                "p50",
                "p90",
                "p95",
                "p99",
                "percentile",
                "apdex",
                "延迟",
                "耗时",
                "响应时间",
            ],
        ),
        (
            Signal::Traffic,
            &[
                "traffic",
                "requests",
                "request rate",
                "request count",
                "requestcount",
                "rps",
                "qps",
                "throughput",
                "hits",
                "invocations",
                "ops",
                "流量",
                "请求数",
                "吞吐",
                "请求量",
            ],
        ),
        (
            Signal::Errors,
            &[
                "error",
                "errors",
                "5xx",
                "4xx",
                "failure",
                "failures",
                "failed",
                "success rate",
                "exceptions",
                "错误",
                "失败",
                "成功率",
            ],
        ),
        (
            Signal::Saturation,
            &[
                "saturation",
                "cpu",
                "cpuutilization",
                "memory",
                "heap",
                "disk",
                "queue",
                "pool",
                "connections",
                "utilization",
                "utilisation",
                "threads",
                "goroutines",
                "in flight",
                "inflight",
                "lag",
                "backlog",
                "throttling",
                "file descriptors",
                "饱和",
                "内存",
                "队列",
                "连接数",
                "线程",
                "使用率",
            ],
        ),
    ];
    let mut spaced = String::with_capacity(text.len() + 2);
    let mut before_lower = false;
    for letter in text.chars() {
        // `CPUUtilization`, `http.server.errors`: parts of names are words.
        if letter.is_uppercase() && before_lower {
            spaced.push(' ');
        }
        before_lower = letter.is_lowercase();
        spaced.push(if letter.is_alphanumeric() { letter } else { ' ' });
    }
    let spaced = format!(
        " {} {} ",
        spaced.to_lowercase(),
        text.to_lowercase().replace(|letter: char| !letter.is_alphanumeric(), " ")
    );
    WORDS
        .iter()
        .filter(|(_, words)| {
            words
                .iter()
                .any(|word| if word.is_ascii() { spaced.contains(&format!(" {word} ")) } else { spaced.contains(word) })
        })
        .map(|(signal, _)| *signal)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(
        title: &str,
        metrics: &[&str],
        functions: &[&str],
        matcher: Option<(&str, &str, &str)>,
        expect: &[Signal],
    ) {
        let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        let mut query = Query { metrics: owned(metrics), functions: owned(functions), ..Query::default() };
        if let Some((label, operator, value)) = matcher {
            query.matchers.push((String::new(), label.to_owned(), operator.to_owned(), value.to_owned()));
        }
        let panel = Panel {
            title: title.to_owned(),
            place: gonogo_domain::Place::whole("a.json"),
            queries: vec![(String::new(), Ok(query))],
            datasource: None,
        };
        assert_eq!(of_panel(&panel), expect, "for {title} {metrics:?}");
    }

    #[test]
    fn queries_say_which_signal_they_show() {
        use Signal::{Errors, Latency, Saturation, Traffic};
        check("A", &["http_request_duration_seconds_bucket"], &["histogram_quantile", "rate"], None, &[Latency]);
        check("B", &["http_requests_total"], &["sum", "rate"], None, &[Traffic]);
        check("C", &["http_requests_total"], &["sum", "rate"], Some(("code", "=~", "5..")), &[Errors]);
        check("D", &["container_cpu_usage_seconds_total"], &["rate"], None, &[Saturation]);
        check("E", &["go_goroutines"], &[], None, &[Saturation]);
        check("F", &["build_info"], &[], None, &[]);
    }

    #[test]
    fn words_say_it_where_queries_are_not_read() {
        assert_eq!(of_words("CPUUtilization"), [Signal::Saturation]);
        assert_eq!(of_words("avg:http.server.errors{service:shop}"), [Signal::Errors]);
        assert_eq!(of_words("HTTPCode_Target_5XX_Count"), [Signal::Errors]);
        assert_eq!(of_words("请求延迟"), [Signal::Latency]);
        assert_eq!(of_words("Shops of the world"), []);
    }
}
