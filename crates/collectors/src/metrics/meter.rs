//! What an objective counted: asked from Prometheus over its period, or seen between two scrapes.

use std::collections::BTreeMap;

use gonogo_domain::{
    rules::{Span, quoted},
    slo::{
        Budgeting, Comparison, Counted, Decimal, Objective, Outcome, Point, Points, Query, Role, Selector, Sli, Unit,
    },
};
use gonogo_formats::exposition::{Exposition, Sample as Scraped};
use jiff::Timestamp;
use regex::Regex;

use super::{MetricsTrouble, Prometheus, Series};

/// What was counted, for each set of labels that the queries give.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Metered {
    pub series: Vec<(BTreeMap<String, String>, Points)>,
    pub warnings: Vec<String>,
}

/// The window of the rates that are added up, where no slice is asked for.
const BASE: Span = Span::minutes(5);

/// Points of a period, at most: thirty days of minutes.
const MOST_POINTS: u64 = 43_200;

/// What the objective counted in its period. Series that the rules of gonogo have recorded are preferred: they cost little.
pub async fn meter(prometheus: &Prometheus, objective: &Objective, now: Timestamp) -> Result<Metered, MetricsTrouble> {
    let Some(start) = objective.period.start(now) else { return Ok(Metered::default()) };
    let (start, end) = (seconds(start), seconds(now));
    let slice = objective.slice().unwrap_or(BASE);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "seconds of a year")]
    let coarse = Span::seconds(((end - start).max(0.0) as u64 / MOST_POINTS).div_ceil(60) * 60);
    let step = slice.max(coarse);
    let asking = Asking { prometheus, objective, start, end, step, slice };
    let recorded = asking.recorded().await?;
    // Rules that are young know less than what they were made of.
    let whole = |metered: &Metered| {
        let first = metered.series.iter().filter_map(|(_, points)| points.points.first()).map(|point| point.at);
        first.fold(f64::INFINITY, f64::min) <= start + (end - start) * 0.05
    };
    if whole(&recorded) {
        return Ok(recorded);
    }
    let raw = asking.raw().await?;
    let count = |metered: &Metered| metered.series.iter().map(|(_, points)| points.points.len()).sum::<usize>();
    Ok(if count(&raw) >= count(&recorded) { raw } else { recorded })
}

/// How many events an objective saw on the last day. None: it counts none.
pub async fn events_per_day(
    prometheus: &Prometheus,
    objective: &Objective,
    now: Timestamp,
) -> Result<Option<f64>, MetricsTrouble> {
    let Sli::Events { total, unit, .. } = &objective.sli else { return Ok(None) };
    let day = Span::days(1);
    let samples = prometheus.instant(&total.over(day), Some(seconds(now))).await?.value;
    let sum: f64 = samples.iter().map(|sample| sample.value).filter(|value| value.is_finite()).sum();
    #[expect(clippy::cast_precision_loss, reason = "the seconds of a day")]
    Ok((!samples.is_empty()).then(|| if *unit == Unit::Count { sum } else { sum * day.as_seconds() as f64 }))
}

/// The bounds of the buckets that a selector chooses among, as they are written.
pub async fn bounds(
    prometheus: &Prometheus,
    selector: &Selector,
    now: Timestamp,
) -> Result<Vec<String>, MetricsTrouble> {
    let matchers: Vec<String> = selector
        .matchers
        .iter()
        .filter(|matcher| matcher.0 != "le")
        .map(|(label, operator, value)| format!("{label}{operator}{}", quoted(value)))
        .collect();
    let chosen = format!("{}{{{}}}", selector.metric, matchers.join(","));
    let end = seconds(now);
    Ok(prometheus.label_values("le", &chosen, end - 86_400.0, end).await?.value)
}

/// The same, from a scrape.
pub fn scraped_bounds(scrape: &Exposition, selector: &Selector) -> Vec<String> {
    let others = Selector {
        matchers: selector.matchers.iter().filter(|matcher| matcher.0 != "le").cloned().collect(),
        ..selector.clone()
    };
    let Some(chosen) = Chosen::new(&others) else { return Vec::new() };
    let mut found: Vec<String> = scrape
        .samples
        .iter()
        .filter(|sample| chosen.takes(sample))
        .filter_map(|sample| sample.labels.get("le").cloned())
        .collect();
    found.sort();
    found.dedup();
    found
}

struct Asking<'a> {
    prometheus: &'a Prometheus,
    objective: &'a Objective,
    start: f64,
    end: f64,
    step: Span,
    slice: Span,
}

impl Asking<'_> {
    async fn range(&self, query: &str, warnings: &mut Vec<String>) -> Result<Vec<Series>, MetricsTrouble> {
        let step = span_seconds(self.step);
        let answer = self.prometheus.range(query, (self.start + step).min(self.end), self.end, step).await?;
        warnings.extend(answer.warnings);
        Ok(answer.value)
    }

    async fn recorded(&self) -> Result<Metered, MetricsTrouble> {
        let objective = self.objective;
        let series = |stem: &str, window: Span| {
            format!(
                "{stem}{window}{{sloth_id={}, sloth_service={}, sloth_slo={}}}",
                quoted(&objective.id()),
                quoted(&objective.service),
                quoted(&objective.name)
            )
        };
        let mut warnings = Vec::new();
        let series = match (&objective.sli, objective.slice()) {
            (_, Some(slice)) => {
                let bad = self.range(&series("slo:sli_slice_bad:ratio", slice), &mut warnings).await?;
                self.each(bad, |value| Some((value, 1.0)))
            }
            (Sli::Events { .. }, None) => {
                let all = self.range(&series("slo:sli_total:rate", BASE), &mut warnings).await?;
                if all.is_empty() {
                    return Ok(Metered { series: Vec::new(), warnings });
                }
                let bad = self.range(&series("slo:sli_bad:rate", BASE), &mut warnings).await?;
                self.paired(all, bad, false)
            }
            _ => {
                let ratios = self.range(&series("slo:sli_error:ratio_rate", BASE), &mut warnings).await?;
                self.each(ratios, |value| Some((value, 1.0)))
            }
        };
        Ok(Metered { series, warnings })
    }

    async fn raw(&self) -> Result<Metered, MetricsTrouble> {
        let mut warnings = Vec::new();
        let window = if self.objective.slice().is_some() { self.slice } else { self.step };
        let series = match &self.objective.sli {
            Sli::Events { counted, total, .. } => {
                let all = self.range(&total.over(window), &mut warnings).await?;
                let (query, good): (&Query, bool) = match counted {
                    Counted::Bad(query) => (query, false),
                    Counted::Good(query) => (query, true),
                };
                let part =
                    if all.is_empty() { Vec::new() } else { self.range(&query.over(window), &mut warnings).await? };
                self.paired(all, part, good)
            }
            Sli::Ratio { query, of, .. } => {
                let ratios = self.range(&query.over(window), &mut warnings).await?;
                self.each(ratios, |value| {
                    let bad = if *of == Outcome::Success { 1.0 - value } else { value };
                    Some((self.sliced(bad.max(0.0)), 1.0)).filter(|_| !value.is_nan())
                })
            }
            Sli::Threshold { value, good, bound, .. } => {
                let values = self.range(&value.over(window), &mut warnings).await?;
                self.each(values, |value| Some((f64::from(u8::from(is_bad(value, *good, *bound))), 1.0)))
            }
        };
        Ok(Metered { series, warnings })
    }

    /// A slice is all bad or all good, where slices are counted so.
    fn sliced(&self, ratio: f64) -> f64 {
        match self.objective.budgeting {
            Budgeting::Timeslices { target, .. } => f64::from(u8::from(ratio > Decimal::ONE.minus(target).to_f64())),
            Budgeting::Occurrences | Budgeting::RatioTimeslices { .. } => ratio,
        }
    }

    fn each(
        &self,
        series: Vec<Series>,
        counts: impl Fn(f64) -> Option<(f64, f64)>,
    ) -> Vec<(BTreeMap<String, String>, Points)> {
        let step = span_seconds(self.step);
        let points = |series: &Series| {
            let points = series.points.iter().filter_map(|(at, value)| {
                let (bad, total) = counts(*value)?;
                Some(Point { at: *at, bad, total })
            });
            Points { step, points: points.collect() }
        };
        series.into_iter().map(|one| (nameless(&one.labels), points(&one))).collect()
    }

    /// All events with the bad ones of the same labels. No series of bad ones is none that was bad, none of good ones none
    /// that was good.
    fn paired(&self, all: Vec<Series>, part: Vec<Series>, good: bool) -> Vec<(BTreeMap<String, String>, Points)> {
        let parts: BTreeMap<BTreeMap<String, String>, Vec<(f64, f64)>> =
            part.into_iter().map(|series| (nameless(&series.labels), series.points)).collect();
        let sliced = self.objective.slice().is_some();
        let step = span_seconds(self.step);
        all.into_iter()
            .map(|series| {
                let labels = nameless(&series.labels);
                let mut parts = parts.get(&labels).map(Vec::as_slice).unwrap_or_default().iter().peekable();
                let points = series.points.iter().map(|&(at, total)| {
                    while parts.next_if(|(other, _)| *other < at - 0.5).is_some() {}
                    let counted =
                        parts.next_if(|(other, _)| (*other - at).abs() <= 0.5).map_or(0.0, |(_, value)| *value);
                    let bad = if good { (total - counted).max(0.0) } else { counted };
                    if !sliced {
                        return Point { at, bad, total };
                    }
                    // A slice in which nothing was asked for let nobody down.
                    let ratio = if total > 0.0 { bad / total } else { 0.0 };
                    Point { at, bad: self.sliced(ratio), total: 1.0 }
                });
                let points = points.collect();
                (labels, Points { step, points })
            })
            .collect()
    }
}

fn nameless(labels: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    labels.iter().filter(|(name, _)| *name != "__name__").map(|(name, value)| (name.clone(), value.clone())).collect()
}

fn is_bad(value: f64, good: Comparison, bound: Decimal) -> bool {
    let bound = bound.to_f64();
    match good {
        Comparison::Below => value >= bound,
        Comparison::AtMost => value > bound,
        Comparison::Above => value <= bound,
        Comparison::AtLeast => value < bound,
    }
}

#[expect(clippy::cast_precision_loss, reason = "seconds since 1970")]
fn seconds(moment: Timestamp) -> f64 {
    moment.as_millisecond() as f64 / 1e3
}

#[expect(clippy::cast_precision_loss, reason = "seconds of a year")]
fn span_seconds(span: Span) -> f64 {
    span.as_milliseconds() as f64 / 1e3
}

/// The series that a selector chooses.
struct Chosen {
    metric: String,
    conditions: Vec<(String, Condition)>,
}

enum Condition {
    Is(String),
    IsNot(String),
    Like(Regex),
    Unlike(Regex),
}

impl Chosen {
    /// None: a pattern of it cannot be read.
    fn new(selector: &Selector) -> Option<Self> {
        let pattern = |text: &str| regex::RegexBuilder::new(&format!("^(?s:{text})$")).size_limit(1 << 20).build().ok();
        let conditions = selector.matchers.iter().map(|(label, operator, value)| {
            let condition = match *operator {
                "=" => Condition::Is(value.clone()),
                "!=" => Condition::IsNot(value.clone()),
                "=~" => Condition::Like(pattern(value)?),
                _ => Condition::Unlike(pattern(value)?),
            };
            Some((label.clone(), condition))
        });
        Some(Self { metric: selector.metric.clone(), conditions: conditions.collect::<Option<_>>()? })
    }

    fn takes(&self, sample: &Scraped) -> bool {
        sample.name == self.metric
            && self.conditions.iter().all(|(label, condition)| {
                // `job` and `instance` are given by who scrapes, so that no scrape of ours has them.
                if matches!(label.as_str(), "job" | "instance") && !sample.labels.contains_key(label) {
                    return true;
                }
                let value = sample.labels.get(label).map(String::as_str).unwrap_or_default();
                match condition {
                    Condition::Is(wanted) => value == wanted,
                    Condition::IsNot(unwanted) => value != unwanted,
                    Condition::Like(pattern) => pattern.is_match(value),
                    Condition::Unlike(pattern) => !pattern.is_match(value),
                }
            })
    }
}

/// Counts the events of an objective between scrapes.
pub struct Tally {
    part: Chosen,
    good: bool,
    total: Chosen,
}

impl Tally {
    /// None: its queries say more than scrapes can answer.
    pub fn of(objective: &Objective) -> Option<Self> {
        let Sli::Events { uses, .. } = &objective.sli else { return None };
        if objective.slice().is_some() {
            return None;
        }
        let of = |roles: &[Role]| uses.iter().find(|selector| roles.contains(&selector.role));
        let (part, total) = (of(&[Role::Bad, Role::Good])?, of(&[Role::Total])?);
        Some(Self { part: Chosen::new(part)?, good: part.role == Role::Good, total: Chosen::new(total)? })
    }

    /// What happened between two scrapes. None: the total is not there.
    pub fn between(&self, before: &Exposition, after: &Exposition, at: f64) -> Option<Point> {
        let sum = |chosen: &Chosen| {
            let grown = after.growth(before).into_iter().filter(|(sample, _)| chosen.takes(sample));
            grown.fold(None, |sum: Option<f64>, (_, growth)| Some(sum.unwrap_or_default() + growth))
        };
        let total = sum(&self.total)?;
        let part = sum(&self.part).unwrap_or_default();
        let bad = if self.good { (total - part).max(0.0) } else { part };
        Some(Point { at, bad, total })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Configuration, Tree, objectives};

    fn tally(queries: &str) -> Option<Tally> {
        let text = format!(
            "version: prometheus/v1\nservice: s\nslos:\n- {{name: a, objective: 99, sli: {{events: {queries}}}}}\n"
        );
        let tree = Tree::from_memory([("slo.yml".to_owned(), text.into_bytes())]);
        let found = objectives::declared(&tree, &Configuration::default()).items;
        Tally::of(found[0].whole.as_ref().unwrap())
    }

    const REQUESTS: &str = r#"{error_query: 'sum(rate(r{job="s",code=~"5.."}[{{.window}}]))', total_query: 'sum(rate(r{job="s"}[{{.window}}]))'}"#;

    #[track_caller]
    fn check(before: &str, after: &str, expect: Option<(f64, f64)>) {
        let read = |text: &str| Exposition::read(text).unwrap();
        let point = tally(REQUESTS).unwrap().between(&read(before), &read(after), 1.0);
        assert_eq!(point.map(|point| (point.bad, point.total)), expect);
    }

    #[test]
    fn events_between_two_scrapes() {
        check("r{code=\"200\"} 5\n", "r{code=\"200\"} 9\nr{code=\"503\"} 2\n", Some((2.0, 6.0)));
        check("r{code=\"200\"} 5\n", "r{code=\"200\"} 9\n", Some((0.0, 4.0)));
        // It began anew.
        check("r{code=\"500\"} 5\n", "r{code=\"500\"} 1\n", Some((1.0, 1.0)));
        check("r{code=\"200\"} 5\n", "other 1\n", None);
    }

    #[test]
    fn what_scrapes_cannot_answer_is_not_guessed() {
        assert!(
            tally("{error_query: 'sum(rate(r[{{.window}}])) * 2', total_query: 'sum(rate(r[{{.window}}]))'}").is_none()
        );
        assert!(
            tally(
                "{error_query: 'sum by (a) (rate(r[{{.window}}]))', total_query: 'sum by (a) (rate(r[{{.window}}]))'}"
            )
            .is_none()
        );
    }

    #[test]
    fn bounds_of_the_buckets_that_are_chosen() {
        let scrape = Exposition::read("h_bucket{p=\"a\",le=\"1\"} 1\nh_bucket{p=\"a\",le=\"+Inf\"} 1\nh_bucket{p=\"b\",le=\"2\"} 1\nh_bucket{p=\"b\",le=\"+Inf\"} 1\n").unwrap();
        let selector = Selector {
            metric: "h_bucket".to_owned(),
            matchers: vec![("p".to_owned(), "=", "a".to_owned()), ("le".to_owned(), "=", "3".to_owned())],
            role: Role::Good,
        };
        assert_eq!(scraped_bounds(&scrape, &selector), ["+Inf", "1"]);
    }
}
