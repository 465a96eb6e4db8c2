//! Conditions of alerts that can never hold, or always do.

use gonogo_domain::evidence::Query;

/// What is wrong with the condition of an alert.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flaw {
    /// No comparison and no test for absence: it fires for every series that there is.
    NoThreshold,
    Never,
    Always,
}

/// A comparison at the end of an expression: what stands before it, the operator, the number.
struct Comparison<'a> {
    left: &'a str,
    operator: &'static str,
    value: f64,
}

/// Looks only at what is certain: one comparison with a number, of values whose range is known.
pub(super) fn flaw(text: &str, query: &Query) -> Option<Flaw> {
    let bare = without_strings(text);
    let words = |word: &str| {
        bare.split(|letter: char| !letter.is_alphanumeric() && letter != '_' && letter != ':').any(|one| one == word)
    };
    let tests_absence = query.functions.iter().any(|name| name.starts_with("absent"));
    let compares = bare.contains(['>', '<']) || bare.contains("==") || bare.contains("!=");
    let joins = ["and", "or", "unless"].iter().any(|word| words(word));
    if !compares && !tests_absence {
        // Grafana compares in a step behind the query.
        if !query.thresholds.is_empty() {
            return None;
        }
        // `vector(1)` fires on purpose: it watches the watcher. A recorded condition is one already.
        let recorded = query.metrics.iter().any(|metric| metric.contains(':') || metric == "ALERTS");
        return (!joins && !words("vector") && !recorded && !query.metrics.is_empty()).then_some(Flaw::NoThreshold);
    }
    if joins || words("bool") {
        return None;
    }
    let Comparison { left, operator, value } = last(&bare)?;
    let above = matches!(operator, ">" | ">=" | "==");
    if is_flag(left, query) {
        match operator {
            ">" if value >= 1.0 => return Some(Flaw::Never),
            ">=" | "==" if value > 1.0 => return Some(Flaw::Never),
            "<" if value > 1.0 => return Some(Flaw::Always),
            "<=" if value >= 1.0 => return Some(Flaw::Always),
            _ => (),
        }
    }
    if is_never_negative(left, query) {
        match operator {
            "<" if value <= 0.0 => return Some(Flaw::Never),
            "<=" | "==" if value < 0.0 => return Some(Flaw::Never),
            ">=" if value <= 0.0 => return Some(Flaw::Always),
            ">" if value < 0.0 => return Some(Flaw::Always),
            _ => (),
        }
    }
    let most = share(left, query)?;
    let beyond = if operator == ">" { value >= most } else { value > most };
    (above && beyond).then_some(Flaw::Never)
}

/// Strings and comments as blanks, so that what stands in them is no operator; selectors lose their conditions.
fn without_strings(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let (mut quote, mut escaped, mut comment, mut selector) = (None, false, false, false);
    for letter in text.chars() {
        let keep = match (quote, letter) {
            _ if comment => {
                comment = letter != '\n';
                false
            }
            (Some(open), _) => {
                if escaped {
                    escaped = false;
                } else if letter == '\\' {
                    escaped = true;
                } else if letter == open {
                    quote = None;
                }
                false
            }
            (None, '"' | '\'' | '`') => {
                quote = Some(letter);
                false
            }
            (None, '#') => {
                comment = true;
                false
            }
            (None, '{') => {
                selector = true;
                true
            }
            (None, '}') => {
                selector = false;
                true
            }
            (None, _) => !selector,
        };
        out.push(if keep { letter } else { ' ' });
    }
    out
}

fn last(bare: &str) -> Option<Comparison<'_>> {
    let bytes = bare.as_bytes();
    let (mut found, mut depth, mut at) = (None, 0_i32, 0);
    while let Some(byte) = bytes.get(at) {
        let next = bytes.get(at + 1).copied();
        let operator = match (byte, next) {
            (b'(' | b'[' | b'{', _) => {
                depth += 1;
                None
            }
            (b')' | b']' | b'}', _) => {
                depth -= 1;
                None
            }
            (b'>', Some(b'=')) => Some(">="),
            (b'<', Some(b'=')) => Some("<="),
            (b'=', Some(b'=')) => Some("=="),
            (b'!', Some(b'=')) => Some("!="),
            (b'>', _) => Some(">"),
            (b'<', _) => Some("<"),
            _ => None,
        };
        if let Some(operator) = operator.filter(|_| depth == 0) {
            // Two comparisons bound a range, which is another question.
            if found.is_some() {
                return None;
            }
            found = Some((at, operator));
        }
        at += operator.map_or(1, str::len);
    }
    let (at, operator) = found?;
    let value = bare.get(at + operator.len()..)?.trim().parse().ok()?;
    Some(Comparison { left: bare.get(..at)?, operator, value })
}

/// A value that is 0 or 1, by itself.
fn is_flag(left: &str, query: &Query) -> bool {
    let plain = left.trim();
    query.functions.is_empty()
        && plain.strip_suffix('}').map_or(plain, |inner| inner.split('{').next().unwrap_or(plain)).trim()
            == query.metrics.first().map_or("", String::as_str)
        && matches!(query.metrics.as_slice(), [only] if only == "up" || only == "probe_success" || only.ends_with("_up"))
}

/// Counts, rates of counters, times and sizes never fall below zero; a difference of two may.
fn is_never_negative(left: &str, query: &Query) -> bool {
    let subtracts =
        left.contains(" - ") || left.contains("-(") || left.contains(")-") || left.trim_start().starts_with('-');
    let signed = [
        "delta",
        "idelta",
        "deriv",
        "predict_linear",
        "holt_winters",
        "double_exponential_smoothing",
        "time",
        "offset",
    ];
    let unsigned = ["_total", "_count", "_bucket", "_sum", "_bytes"];
    !subtracts
        && !query.metrics.is_empty()
        && !query.functions.iter().any(|name| signed.contains(&name.as_str()))
        && query.metrics.iter().all(|metric| {
            let counted =
                query.functions.iter().any(|name| matches!(name.as_str(), "rate" | "irate" | "increase" | "count"));
            counted || metric == "up" || unsigned.iter().any(|ending| metric.ends_with(ending))
        })
}

/// The most that a share of a whole can be: 1, or 100 in percent. A share is one metric over itself, with more
/// conditions above the line than below.
fn share(left: &str, query: &Query) -> Option<f64> {
    let [only] = query.metrics.as_slice() else { return None };
    let (above, below) = left.split_once('/')?;
    let once = |part: &str| part.matches(only.as_str()).count() == 1 && !part.contains('-') && !part.contains('+');
    if below.contains('/') || !once(above) || !once(below) || left.contains(" offset ") {
        return None;
    }
    let window = |part: &str| {
        part.split_once('[').and_then(|(_, rest)| rest.split_once(']')).map(|(window, _)| window.to_owned())
    };
    if window(above) != window(below) {
        return None;
    }
    let factors = left.matches('*').count();
    match factors {
        0 => Some(1.0),
        1 if left.contains("100") => Some(100.0),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(metrics: &[&str], functions: &[&str]) -> Query {
        let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        Query { metrics: owned(metrics), functions: owned(functions), ..Query::default() }
    }

    #[test]
    fn conditions_that_never_or_always_hold_are_found() {
        let check = |text: &str, metrics: &[&str], functions: &[&str], expect: Option<Flaw>| {
            assert_eq!(flaw(text, &query(metrics, functions)), expect, "for {text}");
        };
        let share = r#"sum(rate(http_total{code=~"5.."}[5m])) / sum(rate(http_total[5m]))"#;
        check(&format!("{share} > 1"), &["http_total"], &["sum", "rate"], Some(Flaw::Never));
        check(&format!("{share} > 5"), &["http_total"], &["sum", "rate"], Some(Flaw::Never));
        check(&format!("100 * {share} > 5"), &["http_total"], &["sum", "rate"], None);
        check(&format!("{share} * 100 > 101"), &["http_total"], &["sum", "rate"], Some(Flaw::Never));
        check(&format!("{share} > 0.05"), &["http_total"], &["sum", "rate"], None);
        check("up == 0", &["up"], &[], None);
        check("up{job=\"a>b\"} > 1", &["up"], &[], Some(Flaw::Never));
        check("up <= 1", &["up"], &[], Some(Flaw::Always));
        check("rate(errors_total[5m]) >= 0", &["errors_total"], &["rate"], Some(Flaw::Always));
        check("rate(errors_total[5m]) < 0", &["errors_total"], &["rate"], Some(Flaw::Never));
        check("queue_depth", &["queue_depth"], &[], Some(Flaw::NoThreshold));
        let compared_behind = Query { thresholds: vec![5.0], ..query(&["queue_depth"], &[]) };
        assert_eq!(flaw("queue_depth", &compared_behind), None);
    }

    #[test]
    fn what_may_hold_is_left_alone() {
        let check = |text: &str, metrics: &[&str], functions: &[&str]| {
            assert_eq!(flaw(text, &query(metrics, functions)), None, "for {text}");
        };
        check("vector(1)", &[], &["vector"]);
        check("absent(up{job=\"shop\"})", &["up"], &["absent"]);
        check("memory_used / memory_limit > 1", &["memory_used", "memory_limit"], &[]);
        check("temperature < 0", &["temperature"], &[]);
        check("predict_linear(disk_free_bytes[6h], 4*3600) < 0", &["disk_free_bytes"], &["predict_linear"]);
        check("a_total - b_total < 0", &["a_total", "b_total"], &[]);
        check("up == 0 and on (job) foo > 1", &["up", "foo"], &[]);
        check("rate(x_total[5m]) / rate(x_total[1h]) > 2", &["x_total"], &["rate"]);
        check("shop:error_budget:spent", &["shop:error_budget:spent"], &[]);
    }
}
