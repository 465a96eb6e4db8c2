//! Stories for promtool: series over time, when an alert must fire and when it must be quiet.

use super::{Pace, Signals};
use crate::rules::{Alert, AlertAt, ExpectedAlert, InputSeries, Span, Trial, quoted};

/// A stretch of a series. Times are those of production.
#[derive(Clone, Copy)]
pub(super) enum Line {
    Nothing(Span),
    Stays(u64, Span),
    /// So many a minute, from where the series is.
    Grows(u64, Span),
    /// The same, and no longer where windows are longer.
    Burst(u64, Span),
    /// From where the series is.
    Flat(Span),
}

impl Line {
    pub(super) fn nothing(length: Span) -> Self {
        Self::Nothing(length)
    }

    pub(super) fn stays(level: u64, length: Span) -> Self {
        Self::Stays(level, length)
    }

    pub(super) fn grows(a_minute: u64, length: Span) -> Self {
        Self::Grows(a_minute, length)
    }

    pub(super) fn burst(a_minute: u64, length: Span) -> Self {
        Self::Burst(a_minute, length)
    }

    pub(super) fn flat(length: Span) -> Self {
        Self::Flat(length)
    }
}

pub(super) struct Story<'a> {
    signals: &'a Signals,
    stretch: u64,
    trial: Trial,
    /// What a series of the service has, one of the values that the selector takes; none: that cannot be told.
    labels: Option<Vec<(String, String)>>,
    up: bool,
    end: Span,
}

impl<'a> Story<'a> {
    pub(super) fn new(name: &str, signals: &'a Signals) -> Self {
        let trial = Trial { name: name.to_owned(), interval: signals.pace.interval, ..Trial::default() };
        let labels = signals.selector.as_deref().and_then(labels);
        Self { signals, stretch: stretch(signals.pace), trial, labels, up: false, end: Span::seconds(0) }
    }

    /// Its window holds four scrapes at any pace, so that the story need not be longer.
    pub(super) fn not_stretched(mut self) -> Self {
        self.stretch = 1;
        self
    }

    /// It is about a few events, and a bound on a few is less than one in a rehearsal.
    pub(super) fn at_full_pace(mut self) -> Self {
        if self.signals.pace.faster > 1 {
            self.labels = None;
        }
        self
    }

    /// It is scraped all the time.
    pub(super) fn up(mut self) -> Self {
        self.up = true;
        self
    }

    pub(super) fn with(mut self, metric: &str, more: &[(&str, &str)], lines: &[Line]) -> Self {
        let own = self.labels.iter().flatten().map(|(name, value)| (name.as_str(), value.as_str()));
        let labels: Vec<String> =
            own.chain(more.iter().copied()).map(|(name, value)| format!("{name}={}", quoted(value))).collect();
        let series = format!("{metric}{{{}}}", labels.join(","));
        let values = self.values(lines);
        self.trial.series.push(InputSeries { series, values });
        self
    }

    pub(super) fn fires(self, alert: &Alert, at: Span) -> Self {
        let (labels, annotations) = (alert.labels.clone(), alert.annotations.clone());
        self.at(alert, at, vec![ExpectedAlert { labels, annotations }])
    }

    pub(super) fn quiet(self, alert: &Alert, at: Span) -> Self {
        self.at(alert, at, Vec::new())
    }

    fn at(mut self, alert: &Alert, at: Span, firing: Vec<ExpectedAlert>) -> Self {
        let at = Span::milliseconds(self.steps(at) * self.signals.pace.interval.as_milliseconds());
        self.end = self.end.max(at);
        self.trial.alerts.push(AlertAt { at, name: alert.name.clone(), firing });
        self
    }

    /// The trials; none where no series can be written that the selector takes.
    pub(super) fn told<const N: usize>(stories: [Self; N]) -> Vec<Trial> {
        stories.into_iter().filter_map(Story::trial).collect()
    }

    fn trial(self) -> Option<Trial> {
        self.labels.as_ref()?;
        let length = self.end;
        let story = if self.up {
            let steps = length.as_milliseconds() / self.signals.pace.interval.as_milliseconds().max(1) + 4;
            let mut story = self.with("up", &[("instance", "a")], &[]);
            if let Some(up) = story.trial.series.last_mut() {
                up.values = format!("1+0x{steps}");
            }
            story
        } else {
            self
        };
        Some(story.trial)
    }

    /// Scrapes in a time of production.
    fn steps(&self, length: Span) -> u64 {
        let interval = self.signals.pace.interval.as_milliseconds().max(1);
        let scaled = self.signals.pace.scaled(length).as_milliseconds().saturating_mul(self.stretch);
        scaled / interval
    }

    fn values(&self, lines: &[Line]) -> String {
        let mut values = Vec::new();
        // In thousandths, so that slow growth is not lost between two scrapes.
        let mut level = 0_u64;
        for line in lines {
            let steps = match *line {
                Line::Nothing(length) | Line::Stays(_, length) | Line::Grows(_, length) | Line::Flat(length) => {
                    self.steps(length)
                }
                Line::Burst(_, length) => self.steps(length) / self.stretch,
            };
            let steps = steps.max(1);
            match *line {
                Line::Nothing(_) => values.push(format!("_x{steps}")),
                Line::Stays(to, _) => {
                    level = to * 1000;
                    values.push(format!("{to}+0x{}", steps - 1));
                }
                Line::Flat(_) => values.push(format!("{}+0x{}", super::counts::decimal(level), steps - 1)),
                Line::Grows(a_minute, _) | Line::Burst(a_minute, _) => {
                    let step = a_minute * self.signals.pace.interval.as_milliseconds() / 60;
                    level += step;
                    let (from, by) = (super::counts::decimal(level), super::counts::decimal(step));
                    values.push(format!("{from}+{by}x{}", steps - 1));
                    level += step * (steps - 1);
                }
            }
        }
        values.join(" ")
    }
}

/// Windows that hold four scrapes are longer than they were meant where scrapes are rare; the stories are as much longer.
fn stretch(pace: Pace) -> u64 {
    let minute = Span::minutes(1);
    pace.window(minute).as_milliseconds().div_ceil(pace.scaled(minute).as_milliseconds().max(1)).max(1)
}

/// Labels that a selector takes: `job="a"`, and the first of `job=~"a|b"`. None: they cannot be told.
fn labels(selector: &str) -> Option<Vec<(String, String)>> {
    let mut labels = Vec::new();
    let mut rest = selector.trim();
    while !rest.is_empty() {
        let at = rest.find(['=', '!'])?;
        let (name, behind) = rest.split_at(at);
        let (pattern, behind) = match behind.strip_prefix("=~") {
            Some(behind) => (true, behind),
            None => (false, behind.strip_prefix('=')?),
        };
        let (value, behind) = behind.trim_start().strip_prefix('"')?.split_once('"')?;
        if value.contains('\\') {
            return None;
        }
        let value = if pattern { value.split('|').next().unwrap_or_default() } else { value };
        if pattern && !value.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_/".contains(&byte)) {
            return None;
        }
        labels.push((name.trim().to_owned(), value.to_owned()));
        let behind = behind.trim_start();
        rest = behind.strip_prefix(',').unwrap_or(behind).trim_start();
        if rest == behind && !rest.is_empty() {
            return None;
        }
    }
    Some(labels)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(selector: &str, expect: Option<&[(&str, &str)]>) {
        let expect = expect
            .map(|all| all.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect::<Vec<_>>());
        assert_eq!(labels(selector), expect, "{selector}");
    }

    #[test]
    fn labels_that_a_selector_takes() {
        check(r#"job="shop""#, Some(&[("job", "shop")]));
        check(r#"job=~"a|b", env="x""#, Some(&[("job", "a"), ("env", "x")]));
        check(r#"job!="a""#, None);
        check(r#"job=~"a.*""#, None);
        check(r#"job="a" x"#, None);
        check("job", None);
    }
}
