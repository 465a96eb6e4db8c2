//! What queries of metrics and logs say.

use std::{borrow::Cow, sync::LazyLock};

use gonogo_domain::evidence::Query;
use gonogo_formats::promql;
use regex::Regex;

/// What a query says, or why it cannot be read. A query of Loki has no metrics: its selectors name logs.
pub(crate) fn read(text: &str) -> Result<Query, String> {
    if is_logql(text) {
        return Ok(read_logql(text));
    }
    promql::parse_templated(text).map(lower)
}

/// A query that is known to be one of Loki.
pub(crate) fn read_logql(text: &str) -> Query {
    match promql::parse_templated(&without_pipelines(text)) {
        Ok(expression) => {
            let mut query = lower(expression);
            query.metrics.clear();
            query
        }
        // Functions that only Loki has.
        Err(_) => Query { functions: function_names(text), ..Query::default() },
    }
}

fn lower(expression: promql::Expression) -> Query {
    let mut query = Query { functions: expression.functions.into_iter().collect(), ..Query::default() };
    for selector in expression.metrics {
        let metric = selector.name.unwrap_or_default();
        let matchers = selector.matchers.into_iter();
        query.matchers.extend(
            matchers.map(|matcher| (metric.clone(), matcher.label, matcher.operator.to_owned(), matcher.value)),
        );
        if !metric.is_empty() && !query.metrics.contains(&metric) {
            query.metrics.push(metric);
        }
    }
    query.thresholds = expression.comparisons.into_iter().map(|comparison| comparison.value).collect();
    query.windows = expression.windows.into_iter().map(seconds).collect();
    query
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "ranges are positive and the parser bounds them"
)]
fn seconds(window: f64) -> u64 {
    window.round() as u64
}

/// A stage of a pipeline behind a stream selector: a filter of lines, a parser or a formatter. Promql has none.
fn is_logql(text: &str) -> bool {
    static STAGE: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(
            r#"(?x-u)
              \} \s* (?: \|= | \|~ | \|> | !> | (?: != | !~ ) \s* ["`]
                | \| \s* (?: json | logfmt | pattern | regexp | unpack | unwrap | line_format | label_format | decolorize | drop | keep | detected_level | \w+ \s* (?: =~? | !=|!~| [<>] ) ) )
            | \b (?: bytes_rate | bytes_over_time | rate_counter ) \s* \("#,
        )
        .expect("is a valid pattern")
    });
    STAGE.is_match(text)
}

/// Everything from the end of a selector to its range, or to the end of the call, is the pipeline.
fn without_pipelines(text: &str) -> Cow<'_, str> {
    if !text.contains('|') && !text.contains("!=") && !text.contains("!~") {
        return Cow::Borrowed(text);
    }
    let mut kept = String::with_capacity(text.len());
    let (mut quote, mut escaped, mut skipping, mut depth) = (None, false, false, 0_u32);
    let mut rest = text.chars().peekable();
    while let Some(character) = rest.next() {
        if let Some(open) = quote {
            if escaped {
                escaped = false;
            } else if character == '\\' && open != '`' {
                escaped = true;
            } else if character == open {
                quote = None;
            }
        } else if matches!(character, '"' | '\'' | '`') {
            quote = Some(character);
        } else if skipping {
            match character {
                '(' => depth += 1,
                ')' if depth > 0 => {
                    depth -= 1;
                    continue;
                }
                '[' | ')' if depth == 0 => skipping = false,
                _ => (),
            }
        }
        if !skipping {
            kept.push(character);
        }
        if character == '}' && quote.is_none() {
            while rest.peek().is_some_and(|next| next.is_whitespace()) {
                rest.next();
            }
            skipping = matches!(rest.peek(), Some('|' | '!'));
        }
    }
    Cow::Owned(kept)
}

fn function_names(text: &str) -> Vec<String> {
    static CALL: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"\b([a-z_]+)\s*\(").expect("is a valid pattern"));
    let mut names: Vec<String> =
        CALL.captures_iter(text).filter_map(|call| Some(call.get(1)?.as_str().to_owned())).collect();
    names.sort();
    names.dedup();
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Metrics, functions and thresholds; an error is the text.
    fn check(text: &str, expect: &str) {
        let shown = match read(text) {
            Ok(query) => {
                format!("{} | {} | {:?}", query.metrics.join(" "), query.functions.join(" "), query.thresholds)
            }
            Err(_) => "error".to_owned(),
        };
        assert_eq!(shown, expect, "for {text}");
    }

    #[test]
    fn metrics_are_read() {
        check("sum(rate(a_total{code=~\"5..\"}[5m])) / sum(rate(a_total[5m])) > 0.1", "a_total | rate sum | [0.1]");
        check("rate({job=\"x\"}[1m])", " | rate | []");
        check("sum(rate(a_total[5m])", "error");
    }

    #[test]
    fn queries_of_logs_are_no_broken_queries_of_metrics() {
        check(r#"sum(rate({app="foo"} |= "error }" [5m])) by (job) > 0.05"#, " | rate sum | [0.05]");
        check(r#"{app="foo"} |~ "a" | json | status >= 500"#, " |  | []");
        check(
            r#"sum(count_over_time({a="b"} | logfmt | (x="1" or y="2") [5m])) > 3"#,
            " | count_over_time sum | [3.0]",
        );
        check(r#"sum(bytes_over_time({a="b"}[5m]))"#, " | bytes_over_time sum | []");
    }
}
