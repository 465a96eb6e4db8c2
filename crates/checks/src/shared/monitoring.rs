//! The alert rules and dashboards that are the service's own, not shown as an example.

use gonogo_domain::{
    Evidence, Finding, Missing, Place,
    evidence::{AlertRule, Dashboard, RuleKind},
};

use super::trees::is_shown_off;

/// The alerts of production. What lies among examples counts where it is made of the service's own Jsonnet: people load
/// the compiled file.
pub(crate) fn alerts<'a>(evidence: &Evidence<'a>) -> Result<Vec<&'a AlertRule>, Missing> {
    let own = |rule: &&AlertRule| {
        rule.kind == RuleKind::Alerting
            && rule.production
            && (rule.compiled_from.is_some() || !is_shown_off(&rule.place))
    };
    Ok(evidence.alert_rules()?.iter().filter(own).collect())
}

/// The dashboards that are the service's own. A manual shows what one could look like, unless its folder keeps them.
pub(crate) fn dashboards<'a>(evidence: &Evidence<'a>) -> Result<Vec<&'a Dashboard>, Missing> {
    let own = |one: &&Dashboard| one.compiled_from.is_some() || !is_shown(&one.place);
    Ok(evidence.dashboards()?.iter().filter(own).collect())
}

/// What is wrong in a compiled file is edited where it was compiled from.
pub(crate) fn at_source(mut finding: Finding, compiled: &Place, source: Option<&Place>) -> Finding {
    if let Some(source) = source.filter(|_| finding.place.path() == compiled.path()) {
        finding.place = source.clone();
    }
    finding
}

/// It shows readers of a manual, or of an example, what a dashboard could look like.
fn is_shown(place: &Place) -> bool {
    let mut folders: Vec<&str> = place.path().split('/').collect();
    folders.pop();
    let manual = folders.first().is_some_and(|first| matches!(*first, "docs" | "doc" | "documentation" | "website"));
    let kept = ["dashboard", "grafana", "monitoring", "observability"];
    is_shown_off(place) || (manual && !folders.iter().any(|folder| kept.iter().any(|word| folder.contains(word))))
}
