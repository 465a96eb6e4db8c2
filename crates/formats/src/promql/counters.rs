//! Counters that are named without a window: `sum(requests_total)` becomes `sum(rate(requests_total[▢]))`.

use std::fmt::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind};

use promql_parser::parser::{Expr, LabelModifier};

use super::guard;

/// The expression with `rate(…[window])` around each counter of its sums. None: it is anything but sums of counters, or it
/// has a window already.
pub fn rated(text: &str, window: &str) -> Option<String> {
    guard::check(text).ok()?;
    let parsed = catch_unwind(AssertUnwindSafe(|| promql_parser::parser::parse(text))).ok()?.ok()?;
    let mut written = String::new();
    write(&parsed, window, false, &mut written)?;
    Some(written)
}

// The guard bounds depth, so recursion ends.
fn write(expr: &Expr, window: &str, summed: bool, written: &mut String) -> Option<()> {
    match expr {
        Expr::Paren(paren) => {
            written.push('(');
            write(&paren.expr, window, summed, written)?;
            written.push(')');
        }
        Expr::Aggregate(aggregate) if aggregate.op.to_string().eq_ignore_ascii_case("sum") && !summed => {
            written.push_str("sum");
            match &aggregate.modifier {
                Some(LabelModifier::Include(labels)) => write!(written, " by ({})", labels.labels.join(", ")).ok()?,
                Some(LabelModifier::Exclude(labels)) => {
                    write!(written, " without ({})", labels.labels.join(", ")).ok()?;
                }
                None => (),
            }
            written.push('(');
            write(&aggregate.expr, window, true, written)?;
            written.push(')');
        }
        Expr::VectorSelector(selector) if selector.offset.is_none() && selector.at.is_none() => {
            // A bare counter is one series for each instance: only their sum is the service's.
            let (before, behind) = if summed { ("rate(", ")") } else { ("sum(rate(", "))") };
            write!(written, "{before}{selector}[{window}]{behind}").ok()?;
        }
        _ => return None,
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expect: Option<&str>) {
        assert_eq!(rated(text, "W").as_deref(), expect, "{text}");
    }

    #[test]
    fn counters_get_their_rate() {
        check("a", Some("sum(rate(a[W]))"));
        check("a{b=\"c\",d=~\"2..|3..\"}", Some("sum(rate(a{b=\"c\",d=~\"2..|3..\"}[W]))"));
        check("sum(a)", Some("sum(rate(a[W]))"));
        check("sum by (x, y) (a)", Some("sum by (x, y)(rate(a[W]))"));
        check("(sum(a))", Some("(sum(rate(a[W])))"));
    }

    #[test]
    fn anything_else_is_left_alone() {
        for text in [
            "sum(rate(a[5m]))",
            "max(a)",
            "a offset 5m",
            "a / b",
            "sum(sum(a))",
            "histogram_quantile(0.9, a)",
            "",
            "a{",
        ] {
            check(text, None);
        }
    }
}
