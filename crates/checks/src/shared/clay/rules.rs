//! Alert rules that watch Clay.

use gonogo_domain::{
    Evidence, Missing,
    evidence::{AlertRouting, AlertRule, Receiver},
};

use crate::shared::monitoring;

/// The production rules whose expression asks about Clay: by its metrics' names or by a label that names it.
pub(crate) fn clay_rules<'a>(evidence: &Evidence<'a>) -> Result<Vec<&'a AlertRule>, Missing> {
    Ok(monitoring::alerts(evidence)?.into_iter().filter(|rule| speaks_of_clay(rule)).collect())
}

/// The name of a rule proves nothing; what it asks for does.
fn speaks_of_clay(rule: &AlertRule) -> bool {
    match &rule.query {
        Ok(query) => {
            query.metrics.iter().any(|metric| has_word(metric))
                || query.matchers.iter().any(|(.., value)| has_word(value))
        }
        Err(_) => false,
    }
}

fn has_word(text: &str) -> bool {
    text.split(|letter: char| !letter.is_ascii_alphanumeric()).any(|word| word.eq_ignore_ascii_case("clay"))
}

/// The receiver of a rule's alerts: of the route with the most matchers that all fit, else of the top route.
pub(crate) fn receiver<'a>(rule: &AlertRule, routing: &'a AlertRouting) -> Option<&'a Receiver> {
    let fits = |matcher: &String| fits(rule, matcher);
    let route = routing
        .routes
        .iter()
        .filter(|route| route.root || (!route.matchers.is_empty() && route.matchers.iter().all(fits)))
        .max_by_key(|route| (!route.root, route.matchers.len()))?;
    routing.receivers.iter().find(|receiver| Some(&receiver.name) == route.receiver.as_ref())
}

/// `severity="critical"`, `team=~"a|b"`. A label that the rule does not set comes from the series, and may be anything.
fn fits(rule: &AlertRule, matcher: &str) -> bool {
    let Some(at) = matcher.find(['=', '!']) else { return false };
    let (label, rest) = matcher.split_at(at);
    let end = rest.find(|letter: char| !matches!(letter, '=' | '!' | '~')).unwrap_or(rest.len());
    let (operator, value) = rest.split_at(end);
    let value = value.trim().trim_matches('"');
    let own = match label.trim() {
        "alertname" => Some(rule.name.as_str()),
        label => rule.labels.get(label).map(|label| label.value.as_str()),
    };
    let Some(own) = own else { return false };
    let listed =
        value.split('|').any(|one| one.trim_matches(['(', ')', '^', '$']) == own || one == ".*" || one == ".+");
    match operator {
        "=" => own == value,
        "!=" => own != value,
        "=~" => listed,
        "!~" => !listed,
        _ => false,
    }
}
