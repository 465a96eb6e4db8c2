//! Tests for `promtool test rules`: each alert of an objective fires, and each stays quiet.
//!
//! What is expected is worked out here from the recipe, and what the rules give is worked out by Prometheus: where the two
//! differ, the rules do not mean what they should.

use super::{BASE, Making, Writer, alerts::SILENCE, synthesis};
use crate::{
    rules::{AlertAt, ExpectedAlert, ExpectedSample, InputSeries, Labels, Rule, Span, Trial, ValueAt},
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

/// The tests of an objective.
pub fn trials(objective: &Objective, making: &Making) -> Vec<Trial> {
    let rules = Writer::new(objective, making);
    let prover = Prover { alerts: super::alerts::rules(&rules), rules };
    match synthesis::counters(objective) {
        Some(counters) => prover.from_events(&counters),
        None => prover.from_records(),
    }
}

struct Prover<'a> {
    rules: Writer<'a>,
    alerts: Vec<Rule>,
}

impl Prover<'_> {
    fn from_events(&self, counters: &[synthesis::Counter]) -> Vec<Trial> {
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
                &[stretch(480, half)],
                &[30, 478],
            ),
            self.gone(counters),
        ];
        if let Some(slow) = self.slow_burn() {
            let title = format!("{name}: it burns too fast for the budget, and too slowly to wake anybody");
            trials.push(self.told(&title, counters, &[stretch(480, slow)], &[478]));
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
        let alerts = at.iter().flat_map(|minute| self.expected(story, *minute)).collect();
        Trial { name: name.to_owned(), interval: step, series: series.collect(), alerts, values: Vec::new() }
    }

    /// How often the made-up series are scraped: a slice needs two samples.
    fn step(&self) -> Span {
        let slice = self.rules.objective.slice().map_or(60, |slice| (slice.as_seconds() / 4).clamp(1, 60));
        Span::seconds(if MINUTE.is_multiple_of(slice) { slice } else { 15.min(slice) })
    }

    fn expected(&self, story: &[Stretch], minute: u64) -> Vec<AlertAt> {
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
    fn at(&self, minute: u64, burns: &dyn Fn(Severity) -> bool, silent: bool) -> Vec<AlertAt> {
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
                    labels = self.rules.identity().into_iter().collect();
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
        expected
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
        let mut values = vec![ValueAt { at: Span::minutes(after), expr: remaining.clone(), samples: Vec::new() }];
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
            alerts: [self.at(60, &nothing, false), self.at(after, &nothing, true)].concat(),
            values,
        }
    }

    /// A recorded series with all of its labels.
    fn labelled(&self, name: &str) -> String {
        let labels: Vec<String> =
            self.rules.labels().iter().map(|(name, value)| format!("{name}={}", crate::rules::quoted(value))).collect();
        format!("{name}{{{}}}", labels.join(", "))
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
        Trial {
            name: format!("{}: one event fails where there are six an hour", self.rules.objective.id()),
            interval: Span::minutes(1),
            series: series.collect(),
            alerts: [300, 301, 310, 360].iter().flat_map(|minute| self.at(*minute, &|_| false, false)).collect(),
            values: Vec::new(),
        }
    }

    /// Queries that say more than can be made up are not asked; the alerts are tried on what would be recorded.
    fn from_records(&self) -> Vec<Trial> {
        let objective = self.rules.objective;
        let id = objective.id();
        let budget = objective.budget();
        let longs: Vec<Span> = self.rules.pairs.iter().map(|pair| pair.long).collect();
        let trial = |name: &str, ratio: &dyn Fn(Span) -> &'static str, fires: bool| {
            let mut series = Vec::new();
            let mut add = |stem: &str, window: Span, value: &str| {
                let labels: Vec<String> = self
                    .rules
                    .labels_of_window(window)
                    .iter()
                    .map(|(name, value)| format!("{name}={}", crate::rules::quoted(value)))
                    .collect();
                let values = format!("{value}+0x45");
                series.push(InputSeries { series: format!("{stem}{window}{{{}}}", labels.join(", ")), values });
            };
            for window in self.rules.windows() {
                add("slo:sli_error:ratio_rate", window, ratio(window));
                if objective.slice().is_none() {
                    add("slo:sli_bad:rate", window, ratio(window));
                    add("slo:sli_total:rate", window, "1");
                }
            }
            if let Some(slice) = objective.slice() {
                add("slo:sli_slice_bad:ratio", slice, "1");
                add("slo:sli_total:rate", slice, "1");
            }
            let mut alerts = self.at(40, &|_| fires, false);
            alerts.retain(|alert| !alert.name.ends_with("NoData"));
            Trial { name: name.to_owned(), interval: Span::minutes(1), series, alerts, values: Vec::new() }
        };
        // A value that is over every threshold, which no threshold is above.
        debug_assert!(self.rules.pairs.iter().all(|pair| pair.threshold(budget) < Decimal::ONE));
        vec![
            trial(&format!("{id}: everything fails in every window"), &|_| "1", true),
            trial(&format!("{id}: nothing fails in any window"), &|_| "0", false),
            trial(
                &format!("{id}: what failed is over, as the short windows say"),
                &|window| if longs.contains(&window) && !self.is_short(window) { "1" } else { "0" },
                false,
            ),
        ]
    }

    fn is_short(&self, window: Span) -> bool {
        self.rules.pairs.iter().any(|pair| pair.short == window)
    }
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
