//! Reading `PromQL`, harmless and hostile.

use super::*;

/// The expression, shown in one line.
fn show(read: Result<Expression, String>) -> String {
    let expression = match read {
        Ok(expression) => expression,
        Err(error) => return format!("error: {error}"),
    };
    let selectors = expression.metrics.iter().map(|selector| {
        let matchers: Vec<String> =
            selector.matchers.iter().map(|m| format!("{}{}{}", m.label, m.operator, m.value)).collect();
        format!("{}{{{}}}", selector.name.as_deref().unwrap_or_default(), matchers.join(","))
    });
    let comparisons = expression.comparisons.iter().map(|c| format!("{} {}", c.operator, c.value));
    format!(
        "{} | {} | {} | {} | {:?}",
        selectors.collect::<Vec<_>>().join(" "),
        Vec::from_iter(expression.functions).join(","),
        Vec::from_iter(expression.grouping).join(","),
        comparisons.collect::<Vec<_>>().join(", "),
        expression.windows,
    )
}

fn check(input: &str, expect: &str) {
    assert_eq!(show(parse(input)), expect, "for {input:?}");
}

fn check_templated(input: &str, expect: &str) {
    assert_eq!(show(parse_templated(input)), expect, "for {input:?}");
}

#[test]
fn metrics_labels_functions_and_windows_are_found() {
    check(
        "sum by (job, le) (rate(http_requests_total{code=~\"5..\", job!=\"x\"}[5m])) / sum(rate(b[1h:1m]))",
        "http_requests_total{code=~5..,job!=x} b{} | rate,sum | job,le |  | [300.0, 3600.0]",
    );
    check("histogram_quantile(0.99, a) without", "error: invalid promql query");
    check("topk(3, {job=\"a\"})", "{job=a} | topk |  |  | []");
}

#[test]
fn thresholds_are_found_on_either_side() {
    check("(a > (14.4 * 0.5) and 1 < b) or c == bool -2 unless d", "a{} b{} c{} d{} |  |  | > 7.2, > 1, == -2 | []");
    check("sum(a > 1) + 2", "a{} | sum |  |  | []");
}

#[test]
fn variables_become_neutral_values() {
    check_templated(
        "rate(a{b=\"$c\", d=~\"${e:regex}\"}[$__rate_interval])",
        "a{b=__variable__,d=~__variable__} | rate |  |  | []",
    );
    check_templated("rate(a[${m}m])", "a{} | rate |  |  | [420.0]");
    check_templated("increase(a[[[range]]]) > $t", "a{} | increase |  |  | []");
    check_templated(
        "sum by ($l) (m_$s{$f}) * ${x}",
        "m___variable__{__variable__=__variable__} | sum | __variable__ |  | []",
    );
    check_templated("slo{{.window}}(a)", "error: unknown function with name 'slo__variable__'");
    check_templated(
        "rate(a[{{.window}}]) offset 5m",
        "error: offset modifier must be preceded by an vector selector or matrix selector or a subquery",
    );
    check_templated("sum(rate(a{x=\"{{ $y }}\"}[{{ .window }}])) / $total", "a{x=__variable__} | rate,sum |  |  | []");
    check_templated("a > 5", "a{} |  |  | > 5 | []");
    check_templated("quantile($q, a)", "a{} | quantile |  |  | []");
}

#[test]
fn hostile_expressions_are_refused() {
    for input in [
        "(".repeat(10_000),
        "-".repeat(10_000),
        vec!["a"; 10_000].join("+"),
        vec!["a"; 10_000].join(" or "),
        "a".repeat(100_000),
        "a[1e300]".to_owned(),
        "a[inf]".to_owned(),
        "a[5m:1e300]".to_owned(),
        "a offset 1e300".to_owned(),
        "a offset -99999999999999999999".to_owned(),
        "a[9999999999999999y]".to_owned(),
        "a{b=~\"(((((a{1000}){1000}){1000}){1000}){1000})\"}".to_owned(),
        "\"\\".to_owned(),
        "\0".to_owned(),
        "é".to_owned(),
        "0x".to_owned(),
        "a{{{".to_owned(),
    ] {
        assert!(parse(&input).is_err(), "{:?}", input.get(..20.min(input.len())));
        assert!(parse_templated(&format!("{input} $x")).is_err());
    }
    for input in ["a @ 1e300", "a @ -1e18", "999999999999999999999", "0777777777777777777777777", "-0x8000000000000000"]
    {
        let _ = parse(input);
    }
    let _ = parse_templated(&"$a ".repeat(10_000));
    assert!(parse(&format!("sum({})", vec!["a"; 900].join(" + "))).is_ok());
}
