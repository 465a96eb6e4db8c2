//! What the queries of an objective measure: their windows, their units, and the series that they count.

use std::collections::BTreeSet;

use gonogo_domain::{
    rules::Span,
    slo::{Counted, Outcome, Query, Role, Selector, Sli, Unit},
};
use gonogo_formats::promql;

/// A query with all that is known of it.
struct Measured {
    query: Query,
    unit: Unit,
    selectors: Vec<Selector>,
    grouping: BTreeSet<String>,
    /// Nothing but the sum of how one counter grows.
    plain: bool,
}

/// Which of two queries is given beside the total.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Bad,
    Good,
}

/// Events that are counted by two queries.
pub(super) fn events(part: Part, counted: &str, total: &str) -> Result<Sli, String> {
    let role = if part == Part::Bad { Role::Bad } else { Role::Good };
    let (counted, total) = (measured(counted, role)?, measured(total, Role::Total)?);
    if counted.unit != total.unit && counted.unit != Unit::Unknown && total.unit != Unit::Unknown {
        return Err("one of its queries gives events a second and the other events: use `rate` in both".to_owned());
    }
    if counted.grouping != total.grouping {
        let labels = |grouping: &BTreeSet<String>| match grouping.iter().cloned().collect::<Vec<_>>().join(", ") {
            labels if labels.is_empty() => "no label".to_owned(),
            labels => labels,
        };
        return Err(format!(
            "its queries are grouped by different labels ({} and {}), so that Prometheus cannot divide one by the other",
            labels(&counted.grouping),
            labels(&total.grouping)
        ));
    }
    let plain = counted.plain && total.plain && counted.grouping.is_empty();
    let mut uses: Vec<Selector> = counted.selectors.into_iter().chain(total.selectors).collect();
    if !plain {
        for selector in &mut uses {
            selector.role = Role::Other;
        }
    }
    let unit = if total.unit == Unit::Unknown { counted.unit } else { total.unit };
    let counted = match part {
        Part::Bad => Counted::Bad(counted.query),
        Part::Good => Counted::Good(counted.query),
    };
    Ok(Sli::Events { counted, total: total.query, unit, uses })
}

/// A ratio that somebody has divided already.
pub(super) fn ratio(text: &str, of: Outcome) -> Result<Sli, String> {
    let query = Query::read(text).or_else(|_| Query::fixed(text)).map_err(|error| error.to_string())?;
    let uses = expression(&query)?.selectors(Role::Other);
    Ok(Sli::Ratio { query, of, uses })
}

/// A value of this moment.
pub(super) fn value(text: &str) -> Result<(Query, Vec<Selector>), String> {
    let query = Query::fixed(text).map_err(|error| error.to_string())?;
    let uses = expression(&query)?.selectors(Role::Other);
    Ok((query, uses))
}

fn measured(text: &str, role: Role) -> Result<Measured, String> {
    let query = match Query::read(text) {
        Ok(query) => query,
        Err(error) => {
            let rated = promql::rated(text.trim(), "{{.window}}").ok_or_else(|| error.to_string())?;
            Query::read(&rated).map_err(|error| error.to_string())?
        }
    };
    let Read(expression) = expression(&query)?;
    let any = |names: &[&str]| names.iter().any(|name| expression.functions.contains(*name));
    let unit = if any(&["rate", "irate"]) {
        Unit::PerSecond
    } else if any(&["increase", "count_over_time", "sum_over_time", "changes"]) {
        Unit::Count
    } else {
        Unit::Unknown
    };
    let plain = expression.metrics.len() == 1
        && expression.functions.iter().all(|name| matches!(name.as_str(), "sum" | "rate" | "increase"))
        && expression.functions.len() == 2
        && expression.comparisons.is_empty()
        && !without_texts(text).contains(['*', '/', '+', '-', '@'])
        && !without_texts(text).contains("offset");
    let selectors = Read(expression.clone()).selectors(role);
    Ok(Measured { query, unit, selectors, grouping: expression.grouping, plain })
}

/// The text without what stands in quotes.
fn without_texts(text: &str) -> String {
    text.split('"').step_by(2).collect()
}

struct Read(promql::Expression);

impl Read {
    fn selectors(&self, role: Role) -> Vec<Selector> {
        let named = self.0.metrics.iter().filter_map(|selector| Some((selector.name.clone()?, selector)));
        named
            .map(|(metric, selector)| Selector {
                metric,
                matchers: selector
                    .matchers
                    .iter()
                    .map(|matcher| (matcher.label.clone(), matcher.operator, matcher.value.clone()))
                    .collect(),
                role,
            })
            .collect()
    }
}

fn expression(query: &Query) -> Result<Read, String> {
    promql::parse(&query.over(Span::minutes(5))).map(Read).map_err(|error| {
        let first = error.lines().next().unwrap_or_default().to_owned();
        format!("a query of it is no PromQL: {first}")
    })
}
