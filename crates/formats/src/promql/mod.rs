//! `PromQL` expressions: do they parse, which metrics and labels do they name.

mod counters;
mod guard;
mod patterns;
mod processes;
mod template;

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};

use promql_parser::label::{MatchOp, Matcher as ParsedMatcher};
use promql_parser::parser::{Expr, LabelModifier, VectorSelector};

pub use counters::rated;
pub use processes::by_process;
pub use template::VARIABLE;

/// What an expression asks for.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Expression {
    /// In the order of the text.
    pub metrics: Vec<Selector>,
    /// Functions and aggregations, in lower case: `rate`, `sum`.
    pub functions: BTreeSet<String>,
    /// The labels of `by (…)` and `without (…)`.
    pub grouping: BTreeSet<String>,
    /// Comparisons of the result with numbers: what an alert fires on. `and`, `or` and `unless` are looked through.
    pub comparisons: Vec<Comparison>,
    /// Ranges in seconds, `[5m]` as 300, ascending; without those that a variable stands for.
    pub windows: Vec<f64>,
}

/// A series selector.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selector {
    /// The metric; [`VARIABLE`] if a variable stands for it, none for `{job="x"}`.
    pub name: Option<String>,
    pub matchers: Vec<Matcher>,
}

/// A condition on a label.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Matcher {
    pub label: String,
    /// `=`, `!=`, `=~` or `!~`.
    pub operator: &'static str,
    pub value: String,
}

/// `expression > 0.5`, turned around if the number stands on the left.
#[derive(Clone, Debug, PartialEq)]
pub struct Comparison {
    /// `==`, `!=`, `>`, `<`, `>=` or `<=`.
    pub operator: String,
    pub value: f64,
}

/// Reads an expression. The error says what is wrong, without a place in the text.
pub fn parse(text: &str) -> Result<Expression, String> {
    let parsed = parse_tree(text)?;
    let mut expression = Expression::default();
    visit(&parsed, &mut expression);
    compare(&parsed, &mut expression.comparisons);
    expression.windows.sort_by(f64::total_cmp);
    expression.windows.dedup();
    Ok(expression)
}

/// Reads an expression with variables of Grafana (`$__rate_interval`, `${name}`, `[[name]]`) or templates
/// (`{{.window}}`) in it. Each gets a neutral value of the kind that its position asks for: see [`VARIABLE`]. Numbers
/// and ranges that a variable stands for are left out of the result.
pub fn parse_templated(text: &str) -> Result<Expression, String> {
    guard::check_length(text)?;
    if !template::has_variables(text) {
        return parse(text);
    }
    let mut first_error = None;
    for guess in template::GUESSES {
        match parse(&template::fill(text, guess)) {
            Ok(mut expression) => {
                expression.comparisons.retain(|comparison| !comparison.value.is_nan());
                expression.windows.retain(|seconds| (seconds - template::WINDOW_SECONDS).abs() > 1e-6);
                return Ok(expression);
            }
            Err(error) => first_error = first_error.or(Some(error)),
        }
    }
    Err(first_error.unwrap_or_else(|| "invalid promql query".to_owned()))
}

fn parse_tree(text: &str) -> Result<Expr, String> {
    guard::check(text)?;
    // The guard keeps out what is known to make the parser panic; what is not known must not end a review.
    let parse = |text: &str| {
        catch_unwind(AssertUnwindSafe(|| promql_parser::parser::parse(text)))
            .unwrap_or_else(|_| Err("the parser gave up on the expression".to_owned()))
    };
    // An error is one of the text that was written.
    parse(&patterns::hide(text)).or_else(|_| parse(text))
}

// The guard bounds depth, so recursion ends.
fn visit(expr: &Expr, found: &mut Expression) {
    match expr {
        Expr::Aggregate(aggregate) => {
            found.functions.insert(aggregate.op.to_string().to_ascii_lowercase());
            if let Some(LabelModifier::Include(labels) | LabelModifier::Exclude(labels)) = &aggregate.modifier {
                found.grouping.extend(labels.labels.iter().cloned());
            }
            if let Some(parameter) = &aggregate.param {
                visit(parameter, found);
            }
            visit(&aggregate.expr, found);
        }
        Expr::Unary(unary) => visit(&unary.expr, found),
        Expr::Binary(binary) => {
            visit(&binary.lhs, found);
            visit(&binary.rhs, found);
        }
        Expr::Paren(paren) => visit(&paren.expr, found),
        Expr::Subquery(subquery) => {
            found.windows.push(subquery.range.as_secs_f64());
            visit(&subquery.expr, found);
        }
        Expr::VectorSelector(selector) => found.metrics.push(selected(selector)),
        Expr::MatrixSelector(matrix) => {
            found.windows.push(matrix.range.as_secs_f64());
            found.metrics.push(selected(&matrix.vs));
        }
        Expr::Call(call) => {
            found.functions.insert(call.func.name.to_owned());
            for argument in &call.args.args {
                visit(argument, found);
            }
        }
        Expr::NumberLiteral(_) | Expr::StringLiteral(_) | Expr::Extension(_) => (),
    }
}

fn selected(selector: &VectorSelector) -> Selector {
    let alternatives = selector.matchers.or_matchers.iter().flatten();
    let matchers = selector.matchers.matchers.iter().chain(alternatives).map(matcher).collect();
    Selector { name: selector.name.clone(), matchers }
}

fn matcher(parsed: &ParsedMatcher) -> Matcher {
    // A pattern that was shown to the parser as a value.
    let hidden = parsed.value.strip_prefix(patterns::MARK);
    let operator = match parsed.op {
        MatchOp::Equal if hidden.is_some() => "=~",
        MatchOp::NotEqual if hidden.is_some() => "!~",
        MatchOp::Equal => "=",
        MatchOp::NotEqual => "!=",
        MatchOp::Re(_) => "=~",
        MatchOp::NotRe(_) => "!~",
    };
    Matcher { label: parsed.name.clone(), operator, value: hidden.unwrap_or(&parsed.value).to_owned() }
}

fn compare(expr: &Expr, found: &mut Vec<Comparison>) {
    match expr {
        Expr::Paren(paren) => compare(&paren.expr, found),
        Expr::Binary(binary) => {
            let operator = binary.op.to_string();
            let mirrored = match operator.as_str() {
                "and" | "or" | "unless" => {
                    compare(&binary.lhs, found);
                    compare(&binary.rhs, found);
                    return;
                }
                "==" | "!=" => operator.as_str(),
                ">" => "<",
                "<" => ">",
                ">=" => "<=",
                "<=" => ">=",
                _ => return,
            };
            if let Some(value) = constant(&binary.rhs) {
                found.push(Comparison { operator, value });
            } else if let Some(value) = constant(&binary.lhs) {
                found.push(Comparison { operator: mirrored.to_owned(), value });
            }
        }
        _ => (),
    }
}

/// The value of an expression of numbers alone: burn rates are written `14.4 * 0.001`.
fn constant(expr: &Expr) -> Option<f64> {
    match expr {
        Expr::NumberLiteral(number) => Some(number.val),
        Expr::Paren(paren) => constant(&paren.expr),
        Expr::Unary(unary) => constant(&unary.expr).map(|value| -value),
        Expr::Binary(binary) => {
            let (left, right) = (constant(&binary.lhs)?, constant(&binary.rhs)?);
            match binary.op.to_string().as_str() {
                "+" => Some(left + right),
                "-" => Some(left - right),
                "*" => Some(left * right),
                "/" => Some(left / right),
                "%" => Some(left % right),
                "^" => Some(left.powf(right)),
                _ => None,
            }
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests;
