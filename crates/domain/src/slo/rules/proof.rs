//! Tests for `promtool test rules`: each alert of an objective fires, and each stays quiet.
//!
//! What is expected is worked out here from the recipe, and what the rules give is worked out by Prometheus: where the two
//! differ, the rules do not mean what they should.

use super::{BASE, Making, Writer, alerts::SILENCE, synthesis};
use crate::{
    rules::{Alert, AlertAt, ExpectedAlert, ExpectedSample, InputSeries, Labels, Rule, Span, Trial, ValueAt, quoted},
    slo::{Budgeting, Decimal, Objective, Period, Severity},
};

/// Events a minute.
const TRAFFIC: u32 = 600;

const MINUTE: u64 = 60;

/// So many minutes with this share of bad events.
struct Stretch {
    minutes: u64,
    bad: Decimal,
}

/// How the alerts of an objective are told apart from those of others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AlertNames {
    /// No other objective of the same file has an alert of the same name.
    Own,
    /// Another has: promtool would show the alerts of both, so that the expressions are asked instead.
    Shared,
}

/// The tests of an objective.
pub fn trials(objective: &Objective, making: &Making, names: AlertNames) -> Vec<Trial> {
    let rules = Writer::new(objective, making);
    let prover = Prover { alerts: super::alerts::rules(&rules), rules, names };
    match synthesis::counters(objective) {
        Some(counters) => prover.of_events(&counters),
        None => prover.of_records(),
    }
}

struct Prover<'a> {
    rules: Writer<'a>,
    alerts: Vec<Rule>,
    names: AlertNames,
}

/// What is seen at some moments.
#[derive(Default)]
struct Seen {
    alerts: Vec<AlertAt>,
    values: Vec<ValueAt>,
}

impl Seen {
    fn of(all: impl IntoIterator<Item = Self>) -> Self {
        all.into_iter().fold(Self::default(), |mut seen, more| {
            seen.alerts.extend(more.alerts);
            seen.values.extend(more.values);
            seen
        })
    }
}

impl Prover<'_> {
    fn of_events(&self, counters: &[synthesis::Counter]) -> Vec<Trial> {
        let objective = self.rules.objective;
        let name = objective.id();
        let budget = objective.budget();
        let half = budget.times(Decimal::HALF);
        let stretch = |minutes, bad| Stretch { minutes, bad };
        let none = Decimal::ZERO;
        let mut trials = vec![
            self.told(
                &format!("{name}: nothing fails for two hours, then everything for one, then nothing again"),
                counters,
                &[stretch(120, none), stretch(60, Decimal::ONE), stretch(90, none)],
                &[119, 178, 268],
            ),
            self.told(
                &format!("{name}: half of what the budget allows fails"),
                counters,
                &[stretch(200, half)],
                &[30, 198],
            ),
            self.gone(counters),
        ];
        if let Some(slow) = self.slow_burn() {
            let title = format!("{name}: it burns too fast for the budget, and too slowly to wake anybody");
            trials.push(self.told(&title, counters, &[stretch(200, slow)], &[198]));
        }
        if objective.slice().is_none() && self.rules.making.least_bad_events > 1 && self.rules.is_counted() {
            trials.push(self.single(counters));
        }
        trials
    }

    /// An error ratio between what a ticket is for and what somebody is woken for.
    fn slow_burn(&self) -> Option<Decimal> {
        let budget = self.rules.objective.budget();
        if matches!(self.rules.objective.budgeting, Budgeting::Timeslices { .. }) {
            return None;
        }
        let lowest = |severity| {
            let of = self.rules.pairs.iter().filter(|pair| pair.severity == severity);
            of.map(|pair| pair.threshold(budget)).min()
        };
        let (ticket, page) = (lowest(Severity::Ticket)?, lowest(Severity::Page)?);
        (page > ticket.times(Decimal::new(13, 1))).then(|| ticket.plus(page).times(Decimal::HALF))
    }

    /// The alerts at these minutes of a story.
    fn told(&self, name: &str, counters: &[synthesis::Counter], story: &[Stretch], at: &[u64]) -> Trial {
        let step = self.step();
        let series = counters.iter().map(|counter| {
            let (mut values, mut level) = (Vec::new(), Decimal::ZERO);
            for (index, stretch) in story.iter().enumerate() {
                let events = Decimal::whole(TRAFFIC)
                    .times(Decimal::new(i128::from(step.as_seconds()), 0))
                    .over(Decimal::whole(60));
                let bad = if counter.bad { events.times(stretch.bad) } else { Decimal::ZERO };
                let good = if counter.good { events.minus(events.times(stretch.bad)) } else { Decimal::ZERO };
                let more = bad.plus(good);
                let samples = stretch.minutes * MINUTE / step.as_seconds().max(1);
                // The first stretch begins with nothing at the first sample; each later one goes on from the last.
                let (first, steps) =
                    if index == 0 { (Decimal::ZERO, samples) } else { (level.plus(more), samples.saturating_sub(1)) };
                values.push(format!("{first}+{more}x{steps}"));
                level = first.plus(more.times(Decimal::new(i128::from(steps), 0)));
            }
            InputSeries { series: counter.series.clone(), values: values.join(" ") }
        });
        let series = series.collect();
        let Seen { alerts, values } = Seen::of(at.iter().map(|minute| self.expected(story, *minute)));
        Trial { name: name.to_owned(), interval: step, series, alerts, values }
    }

    /// How often the made-up series are scraped: a slice needs two samples.
    fn step(&self) -> Span {
        let slice = self.rules.objective.slice().map_or(60, |slice| (slice.as_seconds() / 4).clamp(1, 60));
        Span::seconds(if MINUTE.is_multiple_of(slice) { slice } else { 15.min(slice) })
    }

    fn expected(&self, story: &[Stretch], minute: u64) -> Seen {
        let firing = |severity| {
            let mut pairs = self.rules.pairs.iter().filter(|pair| pair.severity == severity);
            pairs.any(|pair| {
                let threshold = pair.threshold(self.rules.objective.budget());
                let ratio = |window: Span| self.ratio(story, minute, window);
                ratio(pair.long) > threshold && ratio(pair.short) > threshold
            })
        };
        self.at(minute, &|severity| firing(severity), false)
    }

    /// The error ratio over a window at a minute: of what there was of it.
    fn ratio(&self, story: &[Stretch], minute: u64, window: Span) -> Decimal {
        let length = window.as_seconds() / MINUTE;
        let begin = minute.saturating_sub(length);
        let (mut from, mut sum) = (0, Decimal::ZERO);
        for stretch in story {
            let until = from + stretch.minutes;
            let inside = until.min(minute).saturating_sub(from.max(begin));
            sum = sum.plus(self.counted(stretch.bad).times(Decimal::new(i128::from(inside), 0)));
            from = until;
        }
        sum.over(Decimal::new(i128::from(minute - begin), 0))
    }

    /// A slice is all bad or all good.
    fn counted(&self, bad: Decimal) -> Decimal {
        match self.rules.objective.budgeting {
            Budgeting::Timeslices { target, .. } if bad > Decimal::ONE.minus(target) => Decimal::ONE,
            Budgeting::Timeslices { .. } => Decimal::ZERO,
            Budgeting::Occurrences | Budgeting::RatioTimeslices { .. } => bad,
        }
    }

    /// All alerts of the objective at a minute.
    fn at(&self, minute: u64, burns: &dyn Fn(Severity) -> bool, silent: bool) -> Seen {
        if self.names == AlertNames::Shared {
            return self.asked(minute, burns, silent);
        }
        let mut names: Vec<&str> = Vec::new();
        for rule in &self.alerts {
            if let Rule::Alert(alert) = rule
                && !names.contains(&alert.name.as_str())
            {
                names.push(&alert.name);
            }
        }
        let mut expected = Vec::new();
        for name in names {
            let mut firing = Vec::new();
            let mut known = true;
            for rule in &self.alerts {
                let Rule::Alert(alert) = rule else { continue };
                if alert.name != name {
                    continue;
                }
                let fires = match alert.hold {
                    Some(_) => silent,
                    None => Severity::ALL
                        .into_iter()
                        .any(|one| alert.labels.get("sloth_severity").is_some_and(|id| id == one.id()) && burns(one)),
                };
                let mut labels = self.rules.labels();
                if alert.hold.is_some() {
                    labels.clear();
                }
                labels.extend(alert.labels.clone());
                match filled(&alert.annotations, &labels) {
                    Some(annotations) if fires => firing.push(ExpectedAlert { labels, annotations }),
                    Some(_) => (),
                    // What Prometheus makes of a template of its own cannot be said beforehand.
                    None => known &= !fires,
                }
            }
            if known {
                expected.push(AlertAt { at: Span::minutes(minute), name: name.to_owned(), firing });
            }
        }
        Seen { alerts: expected, values: Vec::new() }
    }

    /// The same, by what the expressions of the alerts give.
    fn asked(&self, minute: u64, burns: &dyn Fn(Severity) -> bool, silent: bool) -> Seen {
        let values = self.alerts.iter().map(|rule| {
            let severity = |one: &Severity| rule.labels().get("sloth_severity").is_some_and(|id| id == one.id());
            let fires = match rule {
                Rule::Alert(Alert { hold: Some(_), .. }) => silent,
                _ => Severity::ALL.into_iter().filter(severity).any(burns),
            };
            counted(minute, rule.expr(), fires)
        });
        Seen { alerts: Vec::new(), values: values.collect() }
    }

    /// The series end: the budget is unknown then, and somebody learns of it.
    fn gone(&self, counters: &[synthesis::Counter]) -> Trial {
        let step = self.step();
        let samples = 3600 / step.as_seconds().max(1);
        let series = counters.iter().map(|counter| {
            let more = Decimal::whole(if counter.good { TRAFFIC } else { 0 });
            let more = more.times(Decimal::new(i128::from(step.as_seconds()), 0)).over(Decimal::whole(60));
            InputSeries { series: counter.series.clone(), values: format!("0+{more}x{samples}") }
        });
        let after = 60 + 2 * BASE.as_seconds() / MINUTE + SILENCE.as_seconds() / MINUTE + 5;
        let nothing = |_: Severity| false;
        let remaining = self.rules.series("slo:period_error_budget_remaining:ratio");
        let Seen { alerts, mut values } = Seen::of([self.at(60, &nothing, false), self.at(after, &nothing, true)]);
        values.push(ValueAt { at: Span::minutes(after), expr: remaining.clone(), samples: Vec::new() });
        if matches!(self.rules.objective.period, Period::Rolling(_)) {
            let full = ExpectedSample {
                labels: self.labelled("slo:period_error_budget_remaining:ratio"),
                value: "1".to_owned(),
            };
            values.insert(0, ValueAt { at: Span::minutes(59), expr: remaining, samples: vec![full] });
        }
        Trial {
            name: format!("{}: nothing fails, and then nothing is measured any more", self.rules.objective.id()),
            interval: step,
            series: series.collect(),
            alerts,
            values,
        }
    }

    /// A recorded series with all of its labels.
    fn labelled(&self, name: &str) -> String {
        let labels = self.rules.labels_of_window(self.rules.objective.period.length());
        format!("{name}{{{}}}", written(&labels))
    }

    /// One bad event where there is one in ten minutes: a share that burns, and nothing to get up for.
    fn single(&self, counters: &[synthesis::Counter]) -> Trial {
        let series = counters.iter().map(|counter| {
            let values = match (counter.good, counter.bad) {
                (true, true) => "0+0.1x299 30.9+0.1x100",
                (true, false) => "0+0.1x400",
                (false, true) => "0x299 1x100",
                (false, false) => "0x400",
            };
            InputSeries { series: counter.series.clone(), values: values.to_owned() }
        });
        let Seen { alerts, values } = Seen::of([300, 301, 310, 360].map(|minute| self.at(minute, &|_| false, false)));
        Trial {
            name: format!("{}: one event fails where there are six an hour", self.rules.objective.id()),
            interval: Span::minutes(1),
            series: series.collect(),
            alerts,
            values,
        }
    }

    /// Queries that say more than can be made up are not asked. The conditions of the alerts are tried on series of other
    /// names, `try:…` instead of `slo:…`, since the rules would write over what they record themselves.
    fn of_records(&self) -> Vec<Trial> {
        let id = self.rules.objective.id();
        let is_long = |window: Span| self.rules.pairs.iter().any(|pair| pair.long == window);
        let trial = |name: String, ratio: &dyn Fn(Span) -> &'static str, fires: bool| {
            let mut series = Vec::new();
            let mut add = |stem: &str, window: Span, value: &str| {
                let labels = written(&self.rules.labels_of_window(window));
                let values = format!("{value}+0x45");
                series.push(InputSeries { series: format!("{stem}{window}{{{labels}}}"), values });
            };
            for window in self.rules.windows() {
                add("try:sli_error:ratio_rate", window, ratio(window));
                add("try:sli_bad:rate", window, ratio(window));
            }
            if let Some(slice) = self.rules.objective.slice() {
                add("try:sli_slice_bad:ratio", slice, ratio(Span::default()));
            }
            let burning = self.alerts.iter().filter(|rule| matches!(rule, Rule::Alert(Alert { hold: None, .. })));
            let values = burning.map(|rule| counted(40, &rule.expr().replace("slo:sli_", "try:sli_"), fires)).collect();
            Trial { name, interval: Span::minutes(1), series, alerts: Vec::new(), values }
        };
        vec![
            trial(format!("{id}: everything fails in every window"), &|_| "1", true),
            trial(format!("{id}: nothing fails in any window"), &|_| "0", false),
            trial(
                format!("{id}: what failed is over, as the short windows say"),
                &|window| if is_long(window) && !self.is_short(window) { "1" } else { "0" },
                false,
            ),
        ]
    }

    fn is_short(&self, window: Span) -> bool {
        self.rules.pairs.iter().any(|pair| pair.short == window)
    }
}

/// Whether an expression gives anything at a minute.
fn counted(minute: u64, expr: &str, gives: bool) -> ValueAt {
    let one = ExpectedSample { labels: "{}".to_owned(), value: "1".to_owned() };
    let samples = if gives { vec![one] } else { Vec::new() };
    ValueAt { at: Span::minutes(minute), expr: format!("count(\n{expr}\n)"), samples }
}

fn written(labels: &Labels) -> String {
    let labels: Vec<String> = labels.iter().map(|(name, value)| format!("{name}={}", quoted(value))).collect();
    labels.join(", ")
}

/// Annotations with the labels that they quote; none: they quote something else.
fn filled(annotations: &Labels, labels: &Labels) -> Option<Labels> {
    let fill = |text: &str| {
        let mut whole = String::new();
        let mut rest = text;
        while let Some((before, behind)) = rest.split_once("{{") {
            let (inside, after) = behind.split_once("}}")?;
            let name = inside.trim().trim_start_matches('-').trim_start().strip_prefix("$labels.")?;
            whole.push_str(before);
            whole.push_str(labels.get(name.trim())?);
            rest = after;
        }
        whole.push_str(rest);
        Some(whole)
    };
    annotations.iter().map(|(name, text)| Some((name.clone(), fill(text)?))).collect()
}
