//! Series that the queries of an objective count: made up from their selectors.

use regex_syntax::hir::{Class, Hir, HirKind};

use crate::{
    rules::quoted,
    slo::{Counted, Objective, Role, Selector, Sli},
};

/// A counter that grows by so much for each good and each bad event.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Counter {
    pub series: String,
    pub good: bool,
    pub bad: bool,
}

/// The counters that the queries read. None: they say more than can be made up.
pub(super) fn counters(objective: &Objective) -> Option<Vec<Counter>> {
    let Sli::Events { counted, uses, .. } = &objective.sli else { return None };
    let [one, other] = uses.as_slice() else { return None };
    let (part, total) = if other.role == Role::Total { (one, other) } else { (other, one) };
    let bad = match (counted, part.role) {
        (Counted::Bad(_), Role::Bad) => true,
        (Counted::Good(_), Role::Good) => false,
        _ => return None,
    };
    if total.role != Role::Total {
        return None;
    }
    if part.metric != total.metric {
        let counter = |selector: &Selector, good, bad| {
            Some(Counter { series: series(&selector.metric, &labels(&[selector], &[])?), good, bad })
        };
        return Some(vec![counter(part, !bad, bad)?, counter(total, true, true)?]);
    }
    let inside = labels(&[part, total], &[])?;
    let outside = labels(&[total], &[part])?;
    Some(vec![
        Counter { series: series(&part.metric, &inside), good: !bad, bad },
        Counter { series: series(&part.metric, &outside), good: bad, bad: !bad },
    ])
}

type Labels = Vec<(String, String)>;

fn series(metric: &str, labels: &Labels) -> String {
    let labels: Vec<String> = labels
        .iter()
        .filter(|(_, value)| !value.is_empty())
        .map(|(name, value)| format!("{name}={}", quoted(value)))
        .collect();
    format!("{metric}{{{}}}", labels.join(", "))
}

/// Labels that all of the first selectors match, and none of the second.
fn labels(matching: &[&Selector], not_matching: &[&Selector]) -> Option<Labels> {
    let mut names: Vec<&str> = matching
        .iter()
        .chain(not_matching)
        .flat_map(|selector| selector.matchers.iter().map(|matcher| matcher.0.as_str()))
        .collect();
    names.sort_unstable();
    names.dedup();
    let conditions = |selectors: &[&Selector], name: &str| -> Vec<Condition> {
        let of = selectors.iter().flat_map(|selector| &selector.matchers).filter(|matcher| matcher.0 == name);
        of.map(|(_, operator, value)| Condition { operator, value: value.clone() }).collect()
    };
    let mut found = Labels::new();
    let mut outside = not_matching.is_empty();
    for name in names {
        let wanted = conditions(matching, name);
        let unwanted = conditions(not_matching, name);
        // One label that is another one is enough to be outside.
        let escape = (!outside).then(|| {
            candidates(&wanted, &unwanted).into_iter().find(|value| {
                wanted.iter().all(|one| one.holds(value) == Some(true))
                    && unwanted.iter().any(|one| one.holds(value) == Some(false))
            })
        });
        let value = match escape.flatten() {
            Some(value) => {
                outside = true;
                value
            }
            None => candidates(&wanted, &[])
                .into_iter()
                .find(|value| wanted.iter().all(|one| one.holds(value) == Some(true)))?,
        };
        found.push((name.to_owned(), value));
    }
    outside.then_some(found)
}

struct Condition {
    operator: &'static str,
    value: String,
}

impl Condition {
    /// Whether a value is as the condition wants it; none: its pattern cannot be read.
    fn holds(&self, value: &str) -> Option<bool> {
        let matches = |pattern: &str| {
            let whole = regex::RegexBuilder::new(&format!("^(?s:{pattern})$")).size_limit(1 << 20).build().ok()?;
            Some(whole.is_match(value))
        };
        match self.operator {
            "=" => Some(value == self.value),
            "!=" => Some(value != self.value),
            "=~" => matches(&self.value),
            _ => matches(&self.value).map(|matched| !matched),
        }
    }
}

/// Values worth trying: what the conditions name, and a few that most services have.
fn candidates(wanted: &[Condition], unwanted: &[Condition]) -> Vec<String> {
    let mut values = Vec::new();
    for condition in wanted.iter().chain(unwanted) {
        match condition.operator {
            "=" | "!=" => values.push(condition.value.clone()),
            _ => values.extend(regex_syntax::parse(&condition.value).ok().and_then(|hir| example(&hir, 0))),
        }
    }
    values.extend(["200", "other", "1", "POST", "OK"].map(str::to_owned));
    values.push(String::new());
    values
}

/// A text that a pattern matches: its first way, as short as it can be.
fn example(hir: &Hir, depth: usize) -> Option<String> {
    if depth > 50 {
        return None;
    }
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => Some(String::new()),
        HirKind::Literal(literal) => Some(std::str::from_utf8(&literal.0).ok()?.to_owned()),
        HirKind::Class(Class::Unicode(class)) => {
            // `.` is any letter: one that reads well.
            let digit = class.ranges().iter().any(|range| range.start() <= '0' && '0' <= range.end());
            let first = if digit { '0' } else { class.ranges().first()?.start() };
            Some(first.to_string())
        }
        HirKind::Class(Class::Bytes(class)) => Some(char::from(class.ranges().first()?.start()).to_string()),
        HirKind::Repetition(repetition) => {
            let once = example(&repetition.sub, depth + 1)?;
            let times = usize::try_from(repetition.min).ok().filter(|times| *times <= 100)?;
            // `.+` and `.*` both stand for a name.
            Some(once.repeat(times.max(usize::from(repetition.max != Some(0)))))
        }
        HirKind::Capture(capture) => example(&capture.sub, depth + 1),
        HirKind::Concat(parts) => parts.iter().map(|part| example(part, depth + 1)).collect(),
        HirKind::Alternation(ways) => example(ways.first()?, depth + 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn selector(metric: &str, role: Role, matchers: &[(&str, &'static str, &str)]) -> Selector {
        let matchers = matchers
            .iter()
            .map(|(name, operator, value)| ((*name).to_owned(), *operator, (*value).to_owned()))
            .collect();
        Selector { metric: metric.to_owned(), matchers, role }
    }

    #[track_caller]
    fn check(matching: &[&Selector], not_matching: &[&Selector], expect: Option<&str>) {
        let found = labels(matching, not_matching).map(|labels| series("m", &labels));
        assert_eq!(found.as_deref(), expect);
    }

    #[test]
    fn labels_are_found_that_match_and_that_do_not() {
        let total = selector("m", Role::Total, &[("job", "=", "shop"), ("verb", "!=", "WATCH")]);
        let bad =
            selector("m", Role::Bad, &[("job", "=", "shop"), ("verb", "!=", "WATCH"), ("code", "=~", "(5..|429)")]);
        check(&[&bad, &total], &[], Some(r#"m{code="500", job="shop", verb="200"}"#));
        check(&[&total], &[&bad], Some(r#"m{code="200", job="shop", verb="200"}"#));
        let good = selector("m", Role::Good, &[("code", "!~", "5..")]);
        check(&[&good], &[], Some(r#"m{code="200"}"#));
        check(&[&selector("m", Role::Total, &[])], &[&good], Some(r#"m{code="500"}"#));
        check(&[&selector("m", Role::Total, &[])], &[&selector("m", Role::Bad, &[])], None);
        check(&[&selector("m", Role::Total, &[("a", "=", "1"), ("a", "=", "2")])], &[], None);
    }

    #[test]
    fn a_pattern_has_an_example() {
        for (pattern, expect) in
            [("5..", "500"), ("a|b", "a"), ("/api/.+", "/api/0"), ("[a-c]x{2}", "axx"), ("^x$", "x"), ("", "")]
        {
            assert_eq!(example(&regex_syntax::parse(pattern).unwrap(), 0).as_deref(), Some(expect), "{pattern}");
        }
    }
}
