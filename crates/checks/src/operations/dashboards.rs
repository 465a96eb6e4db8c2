//! Dashboards with a panel for each golden signal.

use std::collections::BTreeMap;

use gonogo_domain::{
    Area, Check, Classes, Conclusion, Evidence, Finding, Gate, Message, Missing, Place, Policy, Reading, Readings,
    Standard, Strength, Tally, Text,
};

use super::signals::{Signal, of_panel, of_words};
use crate::shared::{
    monitoring,
    trees::{is_shown_off, texts},
};

pub(crate) static CHECK: Check = Check {
    id: "operations.dashboards",
    title: Text {
        en: "Dashboards show latency, traffic, errors, saturation",
        zh: "仪表盘展示延迟、流量、错误和饱和度",
    },
    source: &["B4.5e"],
    standard: Standard::ProductionReadiness,
    area: Area::Operations,
    level: None,
    gate: Gate::Required,
    min: Strength::Configured,
    classes: Classes::LONG_RUNNING,
    fresh_days: None,
    record: &[],
    remediation: Text {
        en: "Keep a dashboard in the repository with a panel for each of latency, traffic, errors and saturation.",
        zh: "在仓库中维护一个仪表盘，为延迟、流量、错误和饱和度各设一个面板。",
    },
    references: &["https://sre.google/sre-book/monitoring-distributed-systems/"],
    page: include_str!("dashboards.md"),
    judge,
};

/// Dashboards of infrastructure code: their panels are text in one attribute.
const AS_CODE: &[&str] = &[
    "grafana_dashboard",
    "datadog_dashboard",
    "datadog_dashboard_json",
    "aws_cloudwatch_dashboard",
    "AWS::CloudWatch::Dashboard",
    "google_monitoring_dashboard",
    "azurerm_portal_dashboard",
    "newrelic_one_dashboard",
];

fn judge(evidence: &Evidence<'_>, _policy: &Policy) -> Readings {
    Readings::configured(configured(evidence))
}

fn configured(evidence: &Evidence<'_>) -> Result<Reading, Missing> {
    let dashboards = monitoring::dashboards(evidence)?;
    let as_code: Vec<_> = evidence
        .infrastructure()?
        .iter()
        .filter(|resource| AS_CODE.contains(&resource.kind.as_str()) && !is_shown_off(&resource.place))
        .collect();
    let Some(first) = dashboards
        .first()
        .map(|one| one.compiled_from.as_ref().unwrap_or(&one.place))
        .or(as_code.first().map(|one| &one.place))
    else {
        return Ok(Reading::elsewhere(
            Message::new(
                "no dashboard is in this repository (examples do not count)",
                "此仓库中没有仪表盘（示例不算）",
            ),
            Message::new("the dashboards of the service as JSON or code", "以 JSON 或代码形式提供该服务的仪表盘"),
        ));
    };
    let mut shown: BTreeMap<Signal, Place> = BTreeMap::new();
    let mut broken = Vec::new();
    for panel in dashboards.iter().flat_map(|dashboard| &dashboard.panels) {
        for signal in of_panel(panel) {
            shown.entry(signal).or_insert_with(|| panel.place.clone());
        }
        let failed =
            panel.queries.iter().find_map(|(_, query)| query.as_ref().err().filter(|why| !why.contains("not read")));
        if let Some(reason) = failed {
            broken.push(Finding::new(
                &panel.place,
                format!("the panel \"{}\" shows nothing: its query does not parse ({reason})", panel.title),
                format!("面板“{}”没有内容：其查询无法解析（{reason}）", panel.title),
            ));
        }
    }
    for resource in &as_code {
        for signal in texts(&resource.body).into_iter().flat_map(of_words) {
            shown.entry(signal).or_insert_with(|| resource.place.clone());
        }
    }
    let mut tally = Tally::new();
    for signal in Signal::ALL {
        let (en, zh) = signal.name();
        match shown.get(&signal) {
            Some(place) => tally.met(en, place),
            None => tally.miss(en, Finding::new(first, format!("no panel shows {en}"), format!("没有面板展示{zh}"))),
        }
    }
    // A broken panel matters where something is missing: it may be what was meant to show it.
    if let Some(missing) = Signal::ALL.into_iter().find(|signal| !shown.contains_key(signal)) {
        for finding in broken {
            tally.miss(missing.name().0, finding);
        }
    }
    let mut reading = tally.reading(
        "golden signals have a panel; whether their metrics exist was not asked",
        "个黄金信号有面板；未核实其指标是否存在",
    );
    // A signal that no panel shows may be on a dashboard that could not be read; what is shown stays shown.
    reading.needs_whole_source = reading.conclusion != Conclusion::Met;
    Ok(reading)
}
