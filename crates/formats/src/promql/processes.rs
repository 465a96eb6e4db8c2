//! Sums of counters, asked for by the process that counts: `sum(requests_total)` becomes `sum by (instance, pod)(requests_total)`.

use std::panic::{AssertUnwindSafe, catch_unwind};

use promql_parser::parser::{Expr, LabelModifier};

use super::guard;

/// What Prometheus calls a process that it scrapes, and what Kubernetes does.
const PROCESS: [&str; 2] = ["instance", "pod"];

/// The sum of one counter with the labels of its process kept. None: it is anything but such a sum, or keeps labels by naming
/// those that go.
pub fn by_process(text: &str) -> Option<String> {
    guard::check(text).ok()?;
    let mut parsed = catch_unwind(AssertUnwindSafe(|| promql_parser::parser::parse(text))).ok()?.ok()?;
    while let Expr::Paren(paren) = parsed {
        parsed = *paren.expr;
    }
    let Expr::Aggregate(sum) = parsed else { return None };
    let Expr::VectorSelector(counter) = sum.expr.as_ref() else { return None };
    if !sum.op.to_string().eq_ignore_ascii_case("sum") || counter.offset.is_some() || counter.at.is_some() {
        return None;
    }
    let mut kept = match &sum.modifier {
        None => Vec::new(),
        Some(LabelModifier::Include(labels)) => labels.labels.clone(),
        Some(LabelModifier::Exclude(_)) => return None,
    };
    kept.extend(PROCESS.iter().map(|label| (*label).to_owned()));
    Some(format!("sum by ({})({counter})", kept.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expect: Option<&str>) {
        assert_eq!(by_process(text).as_deref(), expect, "{text}");
    }

    #[test]
    fn a_sum_of_one_counter_is_kept_apart_by_its_processes() {
        check("sum(a)", Some("sum by (instance, pod)(a)"));
        check("(sum(a{b=\"c\",d=~\"5..\"}))", Some("sum by (instance, pod)(a{b=\"c\",d=~\"5..\"})"));
        check("sum by (le) (a_bucket{b=\"c\"})", Some("sum by (le, instance, pod)(a_bucket{b=\"c\"})"));
    }

    #[test]
    fn anything_else_is_left_alone() {
        for text in [
            "a",
            "sum without (x) (a)",
            "sum(a) + sum(b)",
            "sum(increase(a[5m]))",
            "max(a)",
            "sum(a offset 5m)",
            "sum(",
        ] {
            check(text, None);
        }
    }
}
