//! SLOs that Terraform makes at a vendor.

use gonogo_domain::{
    Node,
    evidence::{Indicator, InfrastructureTool, Located, Objective, ObjectiveFormat, Resource},
};

use super::{budget_policy, figures, indicator::indicator};

/// How a vendor's resource says what every objective says.
struct Vendor {
    kind: &'static str,
    /// The block that holds target and, often, window; empty: the resource itself.
    block: &'static str,
    target: &'static str,
    in_percent: bool,
    /// Where a duration stands, as text, or counted in days if the name says so; from the block or from the resource.
    windows: &'static [&'static str],
    alerting: &'static [&'static str],
}

const VENDORS: &[Vendor] = &[
    Vendor {
        kind: "google_monitoring_slo",
        block: "",
        target: "goal",
        in_percent: false,
        windows: &["rolling_period_days", "calendar_period"],
        alerting: &[],
    },
    Vendor {
        kind: "datadog_service_level_objective",
        block: "thresholds",
        target: "target",
        in_percent: true,
        windows: &["timeframe"],
        alerting: &[],
    },
    Vendor {
        kind: "nobl9_slo",
        block: "objective",
        target: "target",
        in_percent: false,
        windows: &["time_window"],
        alerting: &["alert_policies"],
    },
    Vendor {
        kind: "newrelic_service_level",
        block: "objective",
        target: "target",
        in_percent: true,
        windows: &["time_window"],
        alerting: &[],
    },
    Vendor {
        kind: "grafana_slo",
        block: "objectives",
        target: "value",
        in_percent: false,
        windows: &["window"],
        alerting: &["alerting"],
    },
    Vendor {
        kind: "aws_applicationsignals_service_level_objective",
        block: "goal",
        target: "attainment_goal",
        in_percent: true,
        windows: &["interval"],
        alerting: &[],
    },
    Vendor {
        kind: "dynatrace_slo_v2",
        block: "",
        target: "target_success",
        in_percent: true,
        windows: &["evaluation_window"],
        alerting: &[],
    },
];

/// The objectives among the resources. An alert that names an objective's resource is its alerting.
pub(crate) fn from_infrastructure(resources: &[Resource]) -> Vec<Objective> {
    let ours = resources.iter().filter(|resource| resource.tool == InfrastructureTool::Terraform);
    ours.filter_map(|resource| {
        let vendor = VENDORS.iter().find(|vendor| vendor.kind == resource.kind)?;
        Some(objective(vendor, resource, resources))
    })
    .collect()
}

fn objective(vendor: &Vendor, resource: &Resource, resources: &[Resource]) -> Objective {
    let body = &resource.body;
    let block = if vendor.block.is_empty() { Some(body) } else { body.get(vendor.block).map(first) };
    let queries = queries(body);
    let title = ["display_name", "name"].iter().find_map(|key| body.str_at(key)).unwrap_or(&resource.name);
    let target = block.and_then(|block| block.get(vendor.target));
    let window = vendor.windows.iter().find_map(|key| block.and_then(|block| block.get(key)).or_else(|| body.get(key)));
    let own = vendor.alerting.iter().find_map(|key| body.get(key)).map(|node| node.place.clone());
    Objective {
        name: title.to_owned(),
        service: body.str_at("service").map(str::to_owned),
        place: resource.place.clone(),
        format: ObjectiveFormat::Infrastructure,
        indicator: basic(body).unwrap_or_else(|| indicator(&[title, &resource.name], &queries)),
        target: target.and_then(if vendor.in_percent { figures::percent } else { figures::ratio }),
        window_seconds: window.and_then(seconds),
        queries,
        alerting: own.or_else(|| alert(resource, resources)),
        budget_policy: budget_policy(body),
        whole: Err("its vendor evaluates it".to_owned()),
    }
}

/// A block is a mapping; the same block several times is a list of them.
fn first(node: &Node) -> &Node {
    node.items().first().unwrap_or(node)
}

/// Google's ready-made indicators.
fn basic(body: &Node) -> Option<Indicator> {
    let basic = first(body.get("basic_sli")?);
    if basic.get("latency").is_some() {
        return Some(Indicator::Latency);
    }
    basic.get("availability").map(|_| Indicator::Availability)
}

fn queries(body: &Node) -> Vec<String> {
    const KEYS: &[&str] = &[
        "query",
        "numerator",
        "denominator",
        "promql",
        "success_metric",
        "total_metric",
        "good_service_filter",
        "bad_service_filter",
        "total_service_filter",
        "distribution_filter",
        "where",
        "metric_expression",
    ];
    let mut queries = Vec::new();
    body.walk(&mut |node| {
        for entry in node.entries().iter().filter(|entry| KEYS.contains(&entry.key.as_str())) {
            queries.extend(entry.node.str().map(|text| text.trim().to_owned()));
        }
    });
    queries
}

/// `28`, `"30d"`, `"MONTH"`, `"-4w"`, or a block that counts units.
fn seconds(node: &Node) -> Option<Located<u64>> {
    if let Some(text) = node.str() {
        let plain = text.trim_start_matches('-');
        let seconds = match plain.parse::<u64>() {
            Ok(days) => figures::counted(days, "day"),
            Err(_) => figures::counted(1, plain),
        };
        return match seconds {
            Some(seconds) => Some(Located::new(seconds, &node.place)),
            None => figures::window(&Node::text(node.place.clone(), plain)),
        };
    }
    let mut found = None;
    node.walk(&mut |node| {
        let count = node.int_at("count").or_else(|| node.int_at("duration"));
        let unit = node.str_at("unit").or_else(|| node.str_at("duration_unit"));
        if found.is_none()
            && let (Some(count), Some(unit)) = (count, unit)
        {
            let seconds = u64::try_from(count).ok().and_then(|count| figures::counted(count, unit));
            found = seconds.map(|seconds| Located::new(seconds, &node.place));
        }
    });
    found
}

/// A monitor or an alert policy whose text names the resource.
fn alert(slo: &Resource, resources: &[Resource]) -> Option<gonogo_domain::Place> {
    let name = format!("{}.{}", slo.kind, slo.name);
    let alerts = ["datadog_monitor", "google_monitoring_alert_policy", "newrelic_nrql_alert_condition"];
    let found = resources.iter().filter(|other| alerts.contains(&other.kind.as_str())).find(|other| {
        let mut named = false;
        other.body.walk(&mut |node| {
            named |= node.str().is_some_and(|text| {
                text.match_indices(&name).any(|(at, _)| {
                    let after = text.get(at + name.len()..).and_then(|rest| rest.chars().next());
                    !after.is_some_and(|after| after.is_alphanumeric() || matches!(after, '_' | '-'))
                })
            });
        });
        named
    });
    found.map(|other| other.place.clone())
}
