//! Which labels a selector matches.

use std::collections::BTreeMap;

use serde_json::Value;

pub(super) type Labels = BTreeMap<String, String>;

/// The labels of an object at this place (`/spec/selector`, `/metadata/labels`).
pub(super) fn labels(value: &Value, pointer: &str) -> Labels {
    let entries = value.pointer(pointer).and_then(Value::as_object).into_iter().flatten();
    entries.filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned()))).collect()
}

/// Whether labels have all of these. None at all match nothing: a Service without a selector serves no pod.
pub(super) fn has_all(labels: &Labels, wanted: &Labels) -> bool {
    !wanted.is_empty() && wanted.iter().all(|(key, value)| labels.get(key) == Some(value))
}

/// Whether a `LabelSelector` (`matchLabels` and `matchExpressions`) matches. An empty one matches everything.
pub(super) fn matches(selector: &Value, of: &Labels) -> bool {
    let wanted = labels(selector, "/matchLabels");
    let expressions = selector.get("matchExpressions").and_then(Value::as_array).into_iter().flatten();
    wanted.iter().all(|(key, value)| of.get(key) == Some(value))
        && expressions.into_iter().all(|expression| {
            let key = expression.get("key").and_then(Value::as_str).unwrap_or_default();
            let mut values = expression.get("values").and_then(Value::as_array).into_iter().flatten();
            let found = of.get(key);
            match expression.get("operator").and_then(Value::as_str) {
                Some("In") => found.is_some_and(|found| values.any(|value| value == found)),
                Some("NotIn") => found.is_none_or(|found| !values.any(|value| value == found)),
                Some("Exists") => found.is_some(),
                Some("DoesNotExist") => found.is_none(),
                _ => false,
            }
        })
}

/// The labels that a selector asks for by name and value.
pub(super) fn wanted(selector: &Value) -> Labels {
    labels(selector, "/matchLabels")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn check(selector: &Value, expect: bool) {
        let of = [("app", "web"), ("track", "canary")].map(|(key, value)| (key.to_owned(), value.to_owned()));
        assert_eq!(matches(selector, &Labels::from(of)), expect, "{selector}");
    }

    #[test]
    fn every_operator_is_understood() {
        check(&json!({}), true);
        check(&json!({ "matchLabels": { "app": "web" } }), true);
        check(&json!({ "matchLabels": { "app": "web", "track": "stable" } }), false);
        let expression = |operator: &str, key: &str, values: &[&str]| json!({ "matchExpressions": [{ "key": key, "operator": operator, "values": values }] });
        check(&expression("In", "track", &["stable", "canary"]), true);
        check(&expression("In", "track", &["stable"]), false);
        check(&expression("NotIn", "track", &["canary"]), false);
        check(&expression("NotIn", "tier", &["canary"]), true);
        check(&expression("Exists", "track", &[]), true);
        check(&expression("DoesNotExist", "track", &[]), false);
        check(&expression("Near", "track", &[]), false);
    }

    #[test]
    fn a_service_without_a_selector_serves_no_pod() {
        assert!(!has_all(&Labels::from([("app".to_owned(), "web".to_owned())]), &Labels::new()));
    }
}
