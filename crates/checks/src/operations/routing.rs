//! Where alerts of a severity end.

use gonogo_domain::{
    Place,
    evidence::{AlertRouting, Route},
};

/// The receiver that takes alerts of this severity and tells nobody; none: somebody is told.
pub(super) fn dead_end<'a>(routing: &'a AlertRouting, severity: &str) -> Option<(&'a str, &'a Place)> {
    let takes = |route: &&Route| {
        route.matchers.iter().all(|matcher| of_severity(matcher).is_none_or(|one| one.matches(severity)))
    };
    let tells = |route: &Route| {
        let name = route.receiver.as_deref()?;
        routing.receivers.iter().find(|receiver| receiver.name == name).map(|receiver| !receiver.channels.is_empty())
    };
    let own: Vec<&Route> = routing
        .routes
        .iter()
        .filter(|route| !route.root && route.matchers.iter().any(|matcher| of_severity(matcher).is_some()))
        .filter(takes)
        .collect();
    // A route with other conditions may take it, whatever this one does.
    if own.iter().any(|route| tells(route) != Some(false)) {
        return None;
    }
    let last = own.first().copied().or_else(|| routing.routes.iter().find(|route| route.root))?;
    if tells(last) != Some(false) {
        return None;
    }
    let others = routing.routes.iter().filter(|route| !route.root).filter(takes);
    if own.is_empty() && others.clone().any(|route| tells(route) == Some(true)) {
        return None;
    }
    let name = last.receiver.as_deref()?;
    let receiver = routing.receivers.iter().find(|receiver| receiver.name == name)?;
    Some((name, &receiver.place))
}

struct Matcher<'a> {
    operator: &'static str,
    value: &'a str,
}

impl Matcher<'_> {
    /// An alternative of names is understood; of any other pattern it is not known what it takes, so it may.
    fn matches(&self, severity: &str) -> bool {
        let names: Vec<&str> =
            self.value.trim_matches(|letter| matches!(letter, '^' | '$' | '(' | ')')).split('|').collect();
        let plain =
            names.iter().all(|name| name.chars().all(|letter| letter.is_alphanumeric() || matches!(letter, '-' | '_')));
        match self.operator {
            "=" => self.value == severity,
            "!=" => self.value != severity,
            "=~" => !plain || names.contains(&severity),
            _ => !plain || !names.contains(&severity),
        }
    }
}

/// A matcher of the severity: `severity="critical"`.
fn of_severity(matcher: &str) -> Option<Matcher<'_>> {
    let at = matcher.find(['=', '!'])?;
    let (label, rest) = matcher.split_at_checked(at)?;
    if !super::alerts::SEVERITY_LABELS.contains(&label) {
        return None;
    }
    let operator = ["=~", "!~", "!=", "="].into_iter().find(|operator| rest.starts_with(operator))?;
    Some(Matcher { operator, value: rest.strip_prefix(operator)?.trim_matches('"') })
}
