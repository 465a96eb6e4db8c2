//! The alerts of an objective: somebody is woken, somebody gets a ticket, somebody learns that nothing is measured.

use super::{BASE, Writer};
use crate::{
    rules::{Alert, Labels, Rule, Span},
    slo::{Decimal, Pair, Severity, Sli},
};

/// How long nothing is measured before somebody is told. A deployment takes less.
pub(super) const SILENCE: Span = Span::minutes(10);

pub(super) fn rules(rules: &Writer<'_>) -> Vec<Rule> {
    let mut alerts = Vec::new();
    for severity in Severity::ALL {
        if rules.objective.alerting.channel(severity).enabled {
            alerts.extend(burning(rules, severity).map(Rule::Alert));
        }
    }
    alerts.extend(silent(rules).map(Rule::Alert));
    alerts
}

fn burning(rules: &Writer<'_>, severity: Severity) -> Option<Alert> {
    let pairs: Vec<String> =
        rules.pairs.iter().filter(|pair| pair.severity == severity).map(|pair| condition(rules, pair)).collect();
    if pairs.is_empty() {
        return None;
    }
    let (service, name) = (&rules.objective.service, &rules.objective.name);
    let title = format!("({}) {service} {name}: the error budget burns too fast", severity.id());
    let summary = format!("{service} {name}: the error budget of {} burns too fast.", rules.objective.period.length());
    Some(alert(rules, severity, rules.objective.alert_name(), pairs.join("\nor\n"), &title, &summary))
}

/// The long window says that it burns, with enough bad events to be worth anybody's time; the short one must not say that
/// it is over. A short window in which nothing happened says nothing, and ends nothing.
fn condition(rules: &Writer<'_>, pair: &Pair) -> String {
    let budget = rules.objective.budget();
    let threshold = if pair.is_lowered(budget) {
        pair.threshold(budget).to_string()
    } else {
        format!("({} * {budget})", pair.factor)
    };
    let ratio = |window: Span, operator: &str| {
        format!("max({} {operator} {threshold}) without (sloth_window)", rules.ratio(window))
    };
    let mut lines = vec![format!("    {}", ratio(pair.long, ">"))];
    if let Some(events) = bad_events(rules, pair.long) {
        // What `rate` counts is extrapolated: half an event less is still that many.
        let least = Decimal::whole(rules.making.least_bad_events).minus(Decimal::HALF);
        if least > Decimal::ZERO {
            lines.push("    and".to_owned());
            lines.push(format!("    max({events} > {least}) without (sloth_window)"));
        }
    }
    lines.push("    unless".to_owned());
    lines.push(format!("    {}", ratio(pair.short, "<=")));
    format!("(\n{}\n)", lines.join("\n"))
}

/// The bad events, or bad slices, of a window.
fn bad_events(rules: &Writer<'_>, window: Span) -> Option<String> {
    if !rules.is_counted() {
        return None;
    }
    let Some(slice) = rules.objective.slice() else {
        return Some(format!("{} * {}", rules.series(&format!("slo:sli_bad:rate{window}")), window.as_seconds()));
    };
    let seen = rules.series(&format!("slo:sli_slice_bad:ratio{slice}"));
    let evaluations = rules.interval().map_or(slice, |interval| interval).as_seconds();
    let slices = Decimal::new(i128::from(evaluations), 0).over(Decimal::new(i128::from(slice.as_seconds().max(1)), 0));
    let scaled = if slices == Decimal::ONE { String::new() } else { format!(" * {slices}") };
    Some(format!("sum_over_time({seen}[{window}]){scaled}"))
}

/// Nothing is measured: the budget is not intact then, it is unknown.
fn silent(rules: &Writer<'_>) -> Option<Alert> {
    let alerting = &rules.objective.alerting;
    let wanted = alerting.no_data.filter(|severity| alerting.channel(*severity).enabled)?;
    let expr = match &rules.objective.sli {
        Sli::Events { .. } => {
            let window = rules.objective.slice().unwrap_or(BASE);
            format!("absent({})", rules.series(&format!("slo:sli_total:rate{window}")))
        }
        // Its ratio is left out where nothing happened, which is not the same as that it is gone.
        Sli::Ratio { query, .. } => format!("absent({})", query.over(BASE)),
        Sli::Threshold { value, .. } => format!("absent({})", value.over(BASE)),
    };
    let (service, name) = (&rules.objective.service, &rules.objective.name);
    let title = format!("({}) {service} {name}: nothing measures it", wanted.id());
    let summary = format!("{service} {name}: its series are gone, so that its error budget is unknown.");
    let mut alert = alert(rules, wanted, format!("{}NoData", rules.objective.alert_name()), expr, &title, &summary);
    alert.hold = Some(SILENCE);
    Some(alert)
}

fn alert(rules: &Writer<'_>, severity: Severity, name: String, expr: String, title: &str, summary: &str) -> Alert {
    let alerting = &rules.objective.alerting;
    let channel = alerting.channel(severity);
    let own = |labels: &Labels| -> Vec<(String, String)> {
        labels.iter().map(|(name, value)| (super::label_name(name), value.clone())).collect()
    };
    let mut labels: Labels = own(&alerting.labels).into_iter().chain(own(&channel.labels)).collect();
    labels.extend(rules.identity());
    labels.insert("sloth_severity".to_owned(), severity.id().to_owned());
    let mut annotations = Labels::new();
    annotations.insert("summary".to_owned(), summary.to_owned());
    annotations.insert("title".to_owned(), title.to_owned());
    annotations.extend(own(&alerting.annotations).into_iter().chain(own(&channel.annotations)));
    Alert { name, expr, hold: None, labels, annotations }
}
