//! Some alerts speak before it is too late.

use gonogo_domain::{
    Area, Check, Classes, Evidence, Finding, Gate, Level, Message, Missing, Place, Policy, Reading, Readings, Standard,
    Strength, Text, evidence::AlertRule,
};

use crate::shared::{monitoring, trees::texts};

pub(crate) static CHECK: Check = Check {
    id: "operations.predictive-alerts",
    title: Text { en: "Some alerts predict", zh: "部分告警具有预测性" },
    source: &["B5"],
    standard: Standard::ProductionReadiness,
    area: Area::Operations,
    level: Some(Level::L4),
    gate: Gate::Advised,
    min: Strength::Configured,
    classes: Classes::LONG_RUNNING,
    fresh_days: None,
    record: &[],
    remediation: Text {
        en: "Alert on where a trend leads: predict_linear on disks and queues, multi-window burn rates on error budgets.",
        zh: "对趋势告警：对磁盘和队列使用 predict_linear，对错误预算使用多窗口消耗速率。",
    },
    references: &[
        "https://prometheus.io/docs/prometheus/latest/querying/functions/#predict_linear",
        "https://sre.google/workbook/alerting-on-slos/",
    ],
    page: include_str!("predictive_alerts.md"),
    judge,
};

/// Functions that look ahead.
const FORECASTS: &[&str] = &["predict_linear", "deriv", "holt_winters", "double_exponential_smoothing"];

fn judge(evidence: &Evidence<'_>, _policy: &Policy) -> Readings {
    Readings::configured(configured(evidence))
}

fn configured(evidence: &Evidence<'_>) -> Result<Reading, Missing> {
    let rules = monitoring::alerts(evidence)?;
    let mut places: Vec<Place> =
        rules.iter().filter(|rule| forecasts(rule) || burns(rule)).map(|rule| rule.expr.place.clone()).collect();
    // The tools of SLOs make burn-rate alerts of what alerts their files ask for.
    places.extend(evidence.objectives()?.iter().filter_map(|objective| objective.alerting.clone()));
    let monitors = evidence.infrastructure()?.iter().filter(|resource| {
        resource.kind == "datadog_monitor"
            && texts(&resource.body).iter().any(|text| text.contains("forecast(") || text.contains("burn_rate("))
    });
    places.extend(monitors.map(|resource| resource.place.clone()));
    places.sort();
    places.dedup();
    if !places.is_empty() {
        let count = places.len();
        return Ok(Reading::shown(places, format!("{count} alerts look ahead"), format!("{count} 条告警具有预测性")));
    }
    Ok(match rules.first() {
        Some(first) => Reading::absent(Finding::new(
            first.compiled_from.as_ref().unwrap_or(&first.place),
            format!("none of {} alert rules looks ahead: no forecast, no burn rate", rules.len()),
            format!("{} 条告警规则均无预测：没有趋势预测，也没有预算消耗速率", rules.len()),
        )),
        None => Reading::elsewhere(
            Message::new(
                "no alert rule of this service is in this repository (examples do not count)",
                "此仓库中没有该服务的告警规则（示例不算）",
            ),
            Message::new("the alert rules of the service", "该服务的告警规则"),
        ),
    })
}

fn forecasts(rule: &AlertRule) -> bool {
    rule.query.as_ref().is_ok_and(|query| query.functions.iter().any(|name| FORECASTS.contains(&name.as_str())))
}

/// A burn rate: the error ratio over two windows, or a recorded one, held against a multiple of the budget.
fn burns(rule: &AlertRule) -> bool {
    let Ok(query) = &rule.query else { return false };
    let named = query.metrics.iter().any(|metric| {
        let lower = metric.to_lowercase();
        lower.contains("burnrate") || lower.contains("burn_rate") || lower.starts_with("slo:sli_error:")
    });
    // 14.4, 6, 3 and 1 times the budget. Source: The Site Reliability Workbook, table 5-8.
    let factor = ["14.4", "13.44"].iter().any(|factor| rule.expr.value.contains(factor));
    let windows = query.windows.iter().collect::<std::collections::BTreeSet<_>>().len();
    named || (factor && windows >= 2)
}
