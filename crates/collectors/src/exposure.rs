//! Which metrics a service is seen to expose: by its own words, in its source, and in what asks for them.

use std::collections::BTreeMap;

use gonogo_domain::{
    Facts, Node,
    alerts::{Exposure, Kind, Origin},
    evidence::{Meaning, Object, Role, Setting, SettingValue, Use},
    rules::Span,
};
use gonogo_formats::exposition::Exposition;

use crate::queries;

/// Everything that the repository says about the metrics of a service.
pub fn of_repository(facts: &Facts) -> Exposure {
    let mut exposure = Exposure::default();
    for used in facts.source.uses.iter().filter(|one| one.role == Role::Product && one.meaning == Meaning::Metric) {
        registered(used, &mut exposure);
    }
    let shown = |path: &str| {
        let entry = facts.files.items.iter().find(|entry| &*entry.path == path);
        entry.is_some_and(|entry| matches!(entry.role, Role::Example | Role::Fixture | Role::Test | Role::Vendored))
    };
    for rule in facts.alert_rules.items.iter().filter(|rule| rule.production && !shown(rule.place.path())) {
        if let Ok(query) = &rule.query {
            exposure.see_query(query, &rule.place);
        }
    }
    for dashboard in facts.dashboards.items.iter().filter(|one| !shown(one.place.path())) {
        for panel in &dashboard.panels {
            for query in panel.queries.iter().filter_map(|(_, query)| query.as_ref().ok()) {
                exposure.see_query(query, &panel.place);
            }
        }
    }
    for objective in facts.objectives.items.iter().filter(|one| !shown(one.place.path())) {
        for query in objective.queries.iter().filter_map(|text| queries::read(text).ok()) {
            exposure.see_query(&query, &objective.place);
        }
    }
    for monitor in facts.objects.items.iter().filter(|object| object.production) {
        monitored(monitor, facts, &mut exposure);
    }
    exposure
}

/// What the service itself said.
pub fn of_scrape(scrape: &Exposition, from: &str, exposure: &mut Exposure) {
    exposure.scraped = true;
    for sample in &scrape.samples {
        let (family, kind) = scrape.family(&sample.name);
        let kind = match kind {
            "counter" => Some(Kind::Counter),
            "gauge" => Some(Kind::Gauge),
            "histogram" => Some(Kind::Histogram),
            "summary" => Some(Kind::Summary),
            _ => None,
        };
        // OpenMetrics names the family of a counter without the ending that its series has.
        let name = if kind == Some(Kind::Counter) { sample.name.as_str() } else { family };
        if kind == Some(Kind::Counter) && name.ends_with("_created") {
            continue;
        }
        let metric = exposure.see(name, kind, Origin::Scrape(from.to_owned()));
        for (label, value) in &sample.labels {
            match label.as_str() {
                "le" if kind == Some(Kind::Histogram) => {
                    if value.parse().is_ok_and(f64::is_finite) {
                        metric.bounds.insert(value.clone());
                    }
                }
                "quantile" if kind == Some(Kind::Summary) => (),
                _ => {
                    let values = metric.labels.entry(label.clone()).or_default();
                    // The values of one label say what it is; the thousandth says nothing more.
                    if values.len() < 200 {
                        values.insert(value.clone());
                    }
                }
            }
        }
    }
}

/// A metric that the source registers, where the table says how its library names what is exposed.
fn registered(used: &Use, exposure: &mut Exposure) {
    let Some(naming) = used.defaults.get("naming") else { return };
    let part = |name: &str| match used.settings.get(name) {
        None => Some(String::new()),
        Some(Setting { value: SettingValue::Text(text), .. }) => Some(text.clone()),
        Some(_) => None,
    };
    // A part that is not known makes the whole unknown.
    let (Some(space), Some(system), Some(name)) = (part("namespace"), part("subsystem"), part("name")) else { return };
    if name.is_empty() {
        return;
    }
    let kind = match used.defaults.get("kind").map(String::as_str) {
        Some("counter") => Some(Kind::Counter),
        Some("gauge") => Some(Kind::Gauge),
        // The same row stands for summaries where the library has them.
        Some("histogram") if !used.symbol.contains("Summary") => Some(Kind::Histogram),
        Some("histogram") => Some(Kind::Summary),
        _ => None,
    };
    let mut whole = [space, system, name].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("_");
    if naming == "total" && kind == Some(Kind::Counter) && !whole.ends_with("_total") {
        whole.push_str("_total");
    }
    if !whole.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b':')) {
        return;
    }
    let metric = exposure.see(&whole, kind, Origin::Source(used.place.clone()));
    for label in used.settings.get("labels").map(|labels| labels.value.texts()).unwrap_or_default() {
        metric.labels.entry(label.to_owned()).or_default();
    }
}

/// Under which job, and how often, a monitor of the Prometheus operator scrapes the service.
fn monitored(monitor: &Object, facts: &Facts, exposure: &mut Exposure) {
    let endpoints = match monitor.kind.as_str() {
        "PodMonitor" => "spec.podMetricsEndpoints",
        "ServiceMonitor" => "spec.endpoints",
        _ => return,
    };
    let selects = |labels: &BTreeMap<String, String>| {
        let wanted = monitor.body.at("spec.selector.matchLabels").map(Node::entries).unwrap_or_default();
        !wanted.is_empty() && wanted.iter().all(|entry| labels.get(&entry.key).map(String::as_str) == entry.node.str())
    };
    let label = monitor.body.str_at("spec.jobLabel");
    let job = if monitor.kind == "PodMonitor" {
        let Some(pod) = facts.workloads.items.iter().find(|one| selects(&one.pod_labels)) else { return };
        label.and_then(|label| pod.pod_labels.get(label).cloned())
    } else {
        let services = facts.objects.items.iter().filter(|object| object.kind == "Service");
        let Some(service) = services.into_iter().find(|one| selects(&one.labels)) else { return };
        label.and_then(|label| service.labels.get(label).cloned()).or_else(|| Some(service.name.clone()))
    };
    let origin = Origin::Query(monitor.place.clone());
    if let Some(job) = job.filter(|job| !job.is_empty() && !job.contains(['$', '{'])) {
        exposure.jobs.entry(job).or_insert_with(|| origin.clone());
    }
    let intervals = monitor.body.list(endpoints).iter().filter_map(|one| one.str_at("interval")?.parse::<Span>().ok());
    if let Some(interval) = intervals.filter(|span| !span.is_zero()).max() {
        exposure.interval.get_or_insert((interval, origin));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Configuration, Tree, collect};

    fn facts(files: &[(&str, &str)]) -> Facts {
        let tree = Tree::from_memory(files.iter().map(|(path, text)| ((*path).to_owned(), text.as_bytes().to_vec())));
        let collected = collect(&tree, &Configuration::default(), jiff::civil::date(2026, 11, 22));
        collected.services.into_iter().next().expect("there is a service")
    }

    /// `name kind labels…`, and the jobs.
    #[track_caller]
    fn check(files: &[(&str, &str)], expect: &[&str], jobs: &[&str]) {
        let exposure = of_repository(&facts(files));
        let found: Vec<String> = exposure
            .metrics
            .iter()
            .map(|(name, metric)| {
                let labels: Vec<&str> = metric.labels.keys().map(String::as_str).collect();
                format!("{name} {:?} {}", metric.kind, labels.join(","))
            })
            .collect();
        assert_eq!(found, expect);
        assert_eq!(exposure.jobs.keys().collect::<Vec<_>>(), jobs);
    }

    #[test]
    fn a_name_is_put_together_as_its_library_does() {
        let go = r#"package main
import ("net/http"; "github.com/prometheus/client_golang/prometheus")
var a = prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: "shop", Subsystem: "http", Name: "requests_total"}, []string{"code"})
var b = prometheus.NewCounter(prometheus.CounterOpts{Namespace: space(), Name: "lost_total"})
func main() { http.ListenAndServe(":8080", nil) }
"#;
        let module = "module example.com/shop\ngo 1.22\nrequire github.com/prometheus/client_golang v1.19.0\n";
        check(&[("go.mod", module), ("main.go", go)], &["shop_http_requests_total Some(Counter) code"], &[]);
    }

    #[test]
    fn a_scrape_tells_types_labels_and_bounds() {
        let text = "# TYPE http_requests counter\nhttp_requests_total{status=\"200\"} 1\n# TYPE d histogram\n\
                    d_bucket{le=\"0.5\"} 1\nd_bucket{le=\"+Inf\"} 1\nd_sum 1\nd_count 1\n# TYPE g gauge\ng 3\n";
        let mut exposure = Exposure::default();
        of_scrape(&Exposition::read(text).unwrap(), "http://x", &mut exposure);
        assert_eq!(exposure.metrics.keys().collect::<Vec<_>>(), ["d", "g", "http_requests_total"]);
        assert_eq!(exposure.metrics["d"].bounds.iter().collect::<Vec<_>>(), ["0.5"]);
        assert_eq!(exposure.metrics["http_requests_total"].kind, Some(Kind::Counter));
    }
}
