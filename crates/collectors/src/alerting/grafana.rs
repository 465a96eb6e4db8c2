//! Alert rules that Grafana itself evaluates, as its provisioning files hold them.

use gonogo_domain::{
    Node,
    evidence::{AlertRule, Located, Query, RuleKind},
};

use super::rules::{Found, Setting, duration, texts};
use crate::queries;

/// A group with the rules in it: the `spec` of a `GrafanaAlertRuleGroup`.
pub(super) fn group(spec: &Node, name: &str, setting: Setting<'_>, found: &mut Found) {
    let name = spec.str_at("name").unwrap_or(name);
    for node in spec.list("rules") {
        rule(node, name, setting, found);
    }
}

/// A rule is a list of queries, each of which may work on the results of others; thresholds are queries too.
pub(super) fn rule(node: &Node, group: &str, setting: Setting<'_>, found: &mut Found) {
    let Some(name) = node.str_at("title") else { return };
    let steps = node.list("data");
    let mut expr = None;
    let mut query: Option<Result<Query, String>> = None;
    let mut thresholds = Vec::new();
    for step in steps {
        let Some(model) = step.get("model") else { continue };
        let computed = matches!(step.str_at("datasourceUid"), Some("__expr__" | "-100"))
            || model.str_at("datasource.type") == Some("__expr__");
        if computed {
            thresholds.extend(
                model.list("conditions").iter().flat_map(|one| one.list("evaluator.params")).filter_map(Node::float),
            );
            // `$A > 0.05`
            let reckoned = model.str_at("expression").filter(|_| model.str_at("type") == Some("math"));
            let compared = reckoned.and_then(|text| text.rsplit_once(['>', '<', '=']));
            thresholds.extend(compared.and_then(|(_, value)| value.trim().parse::<f64>().ok()));
            continue;
        }
        let Some(text) = model.get("expr").filter(|text| text.str().is_some()) else { continue };
        let read = queries::read(text.str().unwrap_or_default());
        match (&mut query, read) {
            (Some(Ok(whole)), Ok(more)) => merge(whole, more),
            (Some(Ok(_)) | None, read) => query = Some(read),
            (Some(Err(_)), _) => (),
        }
        expr.get_or_insert_with(|| Located::new(text.str().unwrap_or_default().trim().to_owned(), &text.place));
    }
    // A rule on CloudWatch or SQL has no expression of ours, and is a rule none the less.
    let expr = expr.unwrap_or_else(|| Located::new(String::new(), &node.place));
    let mut query = query.unwrap_or_else(|| Ok(Query::default()));
    if let Ok(query) = &mut query {
        query.thresholds.extend(thresholds);
    }
    found.rules.push(AlertRule {
        kind: RuleKind::Alerting,
        name: name.to_owned(),
        group: group.to_owned(),
        place: node.place.clone(),
        expr,
        query,
        for_seconds: node.get("for").and_then(|node| duration(node, &mut found.gaps)),
        labels: texts(node.get("labels")),
        annotations: texts(node.get("annotations")),
        environment: setting.environment.map(str::to_owned),
        production: setting.production,
        compiled_from: None,
    });
}

fn merge(whole: &mut Query, more: Query) {
    for metric in more.metrics {
        if !whole.metrics.contains(&metric) {
            whole.metrics.push(metric);
        }
    }
    for function in more.functions {
        if !whole.functions.contains(&function) {
            whole.functions.push(function);
        }
    }
    whole.matchers.extend(more.matchers);
    whole.thresholds.extend(more.thresholds);
    whole.windows.extend(more.windows);
}
