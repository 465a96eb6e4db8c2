//! The recording rules of what is measured: events, ratios over each window, and the ratio of the whole period.

use jiff::Timestamp;

use super::{BASE, Writer};
use crate::{
    rules::{Record, Rule, Span},
    slo::{Budgeting, Calendar, Counted, Outcome, Period, Sli, Unit},
};

/// Turns of a calendar that are written down. A month lasts five years, a day two months.
const TURNS: usize = 60;

pub(super) fn rules(rules: &Writer<'_>) -> Vec<Rule> {
    let mut records = Records { rules, made: Vec::new() };
    match &rules.objective.sli {
        _ if rules.objective.slice().is_some() => records.slices(),
        Sli::Events { counted, total, unit, .. } => {
            for window in rules.windows() {
                let asked = |query: &crate::slo::Query| per_second(&query.over(window), *unit, window);
                records.events(counted, &asked(total), &asked, window);
            }
        }
        Sli::Ratio { query, of, .. } => {
            for window in rules.windows() {
                records.add("slo:sli_error:ratio_rate", window, ratio(&query.over(window), *of));
            }
        }
        // A value is always looked at in slices.
        Sli::Threshold { .. } => (),
    }
    records.period();
    records.made
}

/// Events a second, whatever the query gives.
fn per_second(query: &str, unit: Unit, window: Span) -> String {
    match unit {
        Unit::PerSecond | Unit::Unknown => query.to_owned(),
        Unit::Count => format!("({query}) / {}", window.as_seconds()),
    }
}

/// The ratio of failures. `>= 0` leaves out NaN: what a quiet time divides into is nothing, and not a number that
/// poisons every sum that it gets into.
fn ratio(query: &str, of: Outcome) -> String {
    match of {
        Outcome::Failure => format!("({query})\n>= 0"),
        Outcome::Success => format!("clamp_min(1 - ({query}), 0)\n>= 0"),
    }
}

/// 1, with the turn of the calendar that lasts as a label.
const TURN: &str = "slo:time_period_turn:info";

struct Records<'a> {
    rules: &'a Writer<'a>,
    made: Vec<Rule>,
}

impl Records<'_> {
    fn add(&mut self, stem: &str, window: Span, expr: String) {
        let labels = self.rules.labels_of_window(window);
        self.made.push(Record { name: format!("{stem}{window}"), expr, labels }.into());
    }

    /// All, bad, and their ratio. No bad series is no bad event; no total is nothing at all; no event is no ratio.
    fn events(&mut self, counted: &Counted, total: &str, asked: &dyn Fn(&crate::slo::Query) -> String, window: Span) {
        let series = |stem: &str| self.rules.series(&format!("{stem}{window}"));
        let (all, bad, good) = (series("slo:sli_total:rate"), series("slo:sli_bad:rate"), series("slo:sli_good:rate"));
        self.add("slo:sli_total:rate", window, total.to_owned());
        match counted {
            Counted::Bad(query) => self.add("slo:sli_bad:rate", window, asked(query)),
            Counted::Good(query) => {
                self.add("slo:sli_good:rate", window, asked(query));
                // Scrapes of two series are never of the same instant: there are no fewer than no bad events.
                self.add("slo:sli_bad:rate", window, format!("clamp_min({all} - {good}, 0)\nor\n{all}"));
            }
        }
        let none = if matches!(counted, Counted::Bad(_)) { format!("\nor\n({all} > 0) * 0") } else { String::new() };
        self.add("slo:sli_error:ratio_rate", window, format!("{bad}\n/\n({all} > 0){none}"));
    }

    /// Slices of time: each is bad, good, or something between, and a window is their mean.
    fn slices(&mut self) {
        let objective = self.rules.objective;
        let Some(slice) = objective.slice() else { return };
        let bad = match &objective.sli {
            Sli::Events { counted, total, unit, .. } => {
                let asked = |query: &crate::slo::Query| per_second(&query.over(slice), *unit, slice);
                self.events(counted, &asked(total), &asked, slice);
                // A slice in which nothing was asked for let nobody down.
                format!(
                    "{}\nor\n{} * 0",
                    self.is_bad(&self.rules.ratio(slice)),
                    self.rules.series(&format!("slo:sli_total:rate{slice}"))
                )
            }
            Sli::Ratio { query, of, .. } => {
                self.add("slo:sli_error:ratio_rate", slice, ratio(&query.over(slice), *of));
                self.is_bad(&self.rules.ratio(slice))
            }
            Sli::Threshold { value, good, bound, .. } => {
                format!("({}) {} bool {bound}", value.over(slice), good.bad())
            }
        };
        self.add("slo:sli_slice_bad:ratio", slice, bad);
        let seen = self.rules.series(&format!("slo:sli_slice_bad:ratio{slice}"));
        for window in self.rules.windows() {
            if window != slice || matches!(objective.sli, Sli::Threshold { .. }) {
                self.add("slo:sli_error:ratio_rate", window, format!("avg_over_time({seen}[{window}])"));
            }
        }
    }

    fn is_bad(&self, ratio: &str) -> String {
        match self.rules.objective.budgeting {
            Budgeting::Timeslices { target, .. } => {
                format!("{ratio} > bool {}", crate::slo::Decimal::ONE.minus(target))
            }
            Budgeting::RatioTimeslices { .. } | Budgeting::Occurrences => ratio.to_owned(),
        }
    }

    /// The error ratio of the whole period: every event counts the same, whenever it came.
    fn period(&mut self) {
        let rules = self.rules;
        let length = rules.objective.period.length();
        if let Period::Calendar(calendar) = &rules.objective.period {
            self.turns(calendar);
        }
        let (expr, measured) = if let Some(slice) = rules.objective.slice() {
            let seen = rules.series(&format!("slo:sli_slice_bad:ratio{slice}"));
            (self.over("avg", "slo:sli_slice_bad_turn:ratio", slice, &seen), Some(seen))
        } else if matches!(rules.objective.sli, Sli::Events { .. }) {
            let series = |stem: &str| rules.series(&format!("{stem}{BASE}"));
            let (bad, all) = (series("slo:sli_bad:rate"), series("slo:sli_total:rate"));
            let bad = self.over("sum", "slo:sli_bad_turn:rate", BASE, &bad);
            let sum = self.over("sum", "slo:sli_total_turn:rate", BASE, &all);
            (format!("{bad}\n/\n({sum} > 0)\nor\n({sum} > 0) * 0"), Some(all))
        } else {
            // How many events a ratio stands for is not known, so that every moment counts the same.
            (self.over("avg", "slo:sli_error_turn:ratio_rate", BASE, &rules.ratio(BASE)), None)
        };
        let expr = match rules.objective.period {
            Period::Rolling(_) => format!("(\n{expr}\n)"),
            // Of all turns in the range, the one that lasts.
            Period::Calendar(_) => format!(
                "max without (sloth_turn) (\n(\n{expr}\n)\n* on (sloth_id, sloth_service, sloth_slo, sloth_turn) group_left ()\n{}\n)",
                rules.series(TURN)
            ),
        };
        let expr = match measured {
            Some(series) => format!("{expr}\nand\n{series}"),
            None => expr,
        };
        if !rules.windows().contains(&length) {
            self.add("slo:sli_error:ratio_rate", length, expr);
        }
    }

    /// A series over the period. For a calendar it is recorded with the turn that it belongs to, so that a range that is
    /// longer than a turn can tell them apart.
    fn over(&mut self, function: &str, stem: &str, window: Span, series: &str) -> String {
        let calendar = match &self.rules.objective.period {
            Period::Rolling(length) => return format!("{function}_over_time({series}[{length}])"),
            Period::Calendar(calendar) => calendar,
        };
        // Longer than the longest month, quarter or year of the calendar.
        let days = Period::Calendar(calendar.clone()).length().as_seconds() / 86_400;
        let longest = Span::days(days * 103 / 100 + 1);
        let on = "on (sloth_id, sloth_service, sloth_slo)";
        self.add(stem, window, format!("{series}\n* {on} group_left (sloth_turn)\n{}", self.rules.series(TURN)));
        format!("{function}_over_time({}[{longest}])", self.rules.series(&format!("{stem}{window}")))
    }

    /// When the period began: the last turn that is past. After the last one that is written down there is none, so that
    /// rules that nobody made anew say nothing instead of something wrong.
    fn turns(&mut self, calendar: &Calendar) {
        let mut turns: Vec<Timestamp> = calendar.start(self.rules.making.now).into_iter().collect();
        while let Some(next) = turns.last().and_then(|last| calendar.turn_after(*last)).filter(|_| turns.len() < TURNS)
        {
            turns.push(next);
        }
        let last = turns.pop();
        let past: Vec<String> =
            turns.iter().rev().map(|turn| format!("(vector({}) <= time())", turn.as_second())).collect();
        let Some(last) = last else { return };
        let expr =
            format!("(\n  {}\n)\nunless\n(vector({last}) <= time())", past.join("\n  or\n  "), last = last.as_second());
        let labels = self.rules.labels();
        let begin = "slo:time_period_start:timestamp_seconds";
        let turn = format!(
            "count_values by (sloth_id, sloth_service, sloth_slo) (\"sloth_turn\", {})",
            self.rules.series(begin)
        );
        self.made.push(Record { name: begin.to_owned(), expr, labels: labels.clone() }.into());
        self.made.push(Record { name: TURN.to_owned(), expr: turn, labels }.into());
    }
}
