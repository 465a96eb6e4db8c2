//! The record of an exercise: what `gonogo exercise` writes and a review reads.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    Adaptive, Answer, Authentication, Baseline, Bodies, Boot, Breaker, Bulkhead, Contention, Contract, Correlation,
    Degradation, Durability, Errors, Headers, Health, Held, Kind, Levels, Liveness, Logs, Memory, Metrics, Migrations,
    Overload, RateLimit, Reload, Retries, Shutdown, StartOrder, Statuses, Timeline, Timeouts, Tls, Tracing, Webhook,
};
use crate::Message;

/// The version of the record's format.
pub const FORMAT: u32 = 1;

/// The last experiment of each kind that was made with one service.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Exercise {
    pub format: u32,
    pub service: String,
    /// In the order of their kinds.
    pub experiments: Vec<Experiment>,
}

/// One experiment with its trials.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Experiment {
    pub kind: Kind,
    /// When it began.
    pub at: Timestamp,
    /// The version of gonogo that made it.
    pub gonogo: String,
    /// The commit that was exercised, with `+` where changes were on top of it.
    pub revision: Option<String>,
    pub trials: Vec<Trial>,
    pub ended: Ended,
    pub took_ms: u64,
}

/// How an experiment ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ended {
    Completed,
    /// The question does not arise here.
    NotApplicable(Message),
    /// It could not be made, or was broken off: what was missing, or what went wrong.
    NotMade(Message),
}

/// One run of an experiment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Trial {
    pub observation: Observation,
    pub timeline: Timeline,
    /// None: it is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contention: Option<Contention>,
}

/// What was measured.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Observation {
    Boot(Boot),
    Health(Health),
    Liveness(Liveness),
    Timeouts(Timeouts),
    Migrations(Migrations),
    Statuses(Statuses),
    StartOrder(StartOrder),
    Tls(Tls),
    Retries(Retries),
    Breaker(Vec<Breaker>),
    Baseline(Baseline),
    Reload(Reload),
    Degradation(Degradation),
    Bulkhead(Bulkhead),
    Adaptive(Vec<Adaptive>),
    Overload(Overload),
    RateLimit(RateLimit),
    Shutdown(Shutdown),
    Durability(Durability),
    Logs(Logs),
    Levels(Levels),
    Correlation(Correlation),
    Tracing(Tracing),
    Metrics(Metrics),
    Errors(Errors),
    Headers(Headers),
    Authentication(Authentication),
    Contract(Contract),
    Webhook(Webhook),
    Bodies(Bodies),
    Memory(Memory),
}

impl Observation {
    /// What it says about each check that it speaks of.
    pub fn answers(&self) -> Vec<Answer> {
        match self {
            Self::Boot(boot) => boot.answers(),
            Self::Health(health) => health.answers(),
            Self::Liveness(liveness) => liveness.answers(),
            Self::Timeouts(timeouts) => timeouts.answers(),
            Self::Tls(tls) => tls.answers(),
            Self::StartOrder(one) => one.answers(),
            Self::Statuses(one) => one.answers(),
            Self::Migrations(one) => one.answers(),
            Self::Retries(retries) => retries.answers(),
            Self::Breaker(breakers) => join(breakers.iter().flat_map(Breaker::answers)),
            Self::Baseline(baseline) => baseline.answers(),
            Self::Reload(reload) => reload.answers(),
            Self::Degradation(degradation) => degradation.answers(),
            Self::Bulkhead(bulkhead) => bulkhead.answers(),
            Self::Adaptive(limits) => join(limits.iter().flat_map(Adaptive::answers)),
            Self::Overload(overload) => overload.answers(),
            Self::RateLimit(limit) => limit.answers(),
            Self::Shutdown(shutdown) => shutdown.answers(),
            Self::Durability(durability) => durability.answers(),
            Self::Logs(logs) => logs.answers(),
            Self::Levels(levels) => levels.answers(),
            Self::Correlation(correlation) => correlation.answers(),
            Self::Tracing(tracing) => tracing.answers(),
            Self::Metrics(metrics) => metrics.answers(),
            Self::Errors(errors) => errors.answers(),
            Self::Headers(headers) => headers.answers(),
            Self::Authentication(authentication) => authentication.answers(),
            Self::Contract(contract) => contract.answers(),
            Self::Webhook(webhook) => webhook.answers(),
            Self::Bodies(bodies) => bodies.answers(),
            Self::Memory(memory) => memory.answers(),
        }
    }
}

impl Trial {
    /// What was seen. Of the machine's other programs nothing is known.
    pub fn new(observation: Observation, timeline: Timeline) -> Self {
        Self { observation, timeline, contention: None }
    }

    /// What it says about each check, as a trial of this experiment.
    pub fn answers(&self, kind: Kind) -> Vec<Answer> {
        let answers = self.observation.answers().into_iter();
        match self.contention.filter(|_| kind.is_timed()) {
            Some(contention) => answers.map(|answer| contention.weigh(answer)).collect(),
            None => answers.collect(),
        }
    }
}

impl Experiment {
    /// What its trials say together about each check.
    pub fn answers(&self) -> Vec<Answer> {
        settled(self.kind, &self.trials.iter().map(|trial| trial.answers(self.kind)).collect::<Vec<_>>())
    }
}

impl Exercise {
    /// What the experiments say together about a check, and which of them do; none where none speaks of it.
    pub fn answer(&self, check: &str) -> Option<(Answer, Vec<&Experiment>)> {
        let mut speaking = Vec::new();
        let mut answers = Vec::new();
        for experiment in &self.experiments {
            let found: Vec<Answer> = experiment.answers().into_iter().filter(|one| one.check == check).collect();
            if !found.is_empty() {
                speaking.push(experiment);
                answers.extend(found);
            }
        }
        Some((join(answers).pop()?, speaking))
    }

    /// The experiments in which a failure was injected, with how it went on record.
    pub fn failures(&self) -> impl Iterator<Item = &Experiment> {
        let injected = |one: &&Experiment| one.ended == Ended::Completed && one.kind.injects_failure();
        self.experiments.iter().filter(injected)
    }

    /// The same record with these experiments in place of earlier ones of their kinds.
    #[must_use]
    pub fn with(mut self, newer: Vec<Experiment>) -> Self {
        self.experiments.retain(|old| newer.iter().all(|new| new.kind != old.kind));
        self.experiments.extend(newer);
        self.experiments.sort_by_key(|one| one.kind);
        self
    }
}

/// No alarm without a second trial that says the same.
const ALARM: usize = 2;

/// What trials say together: that it held, where it did so more often by as much as the experiment asks for; that it did
/// not, where two more trials say so; else that they disagree.
pub fn settled(kind: Kind, trials: &[Vec<Answer>]) -> Vec<Answer> {
    let mut by_check: BTreeMap<&'static str, Vec<&Answer>> = BTreeMap::new();
    for answer in trials.iter().flatten() {
        by_check.entry(answer.check).or_default().push(answer);
    }
    let settled = by_check.into_iter().filter_map(|(check, answers)| {
        let count = |held: Held| answers.iter().filter(|one| one.held == held).count();
        let (yes, no, of) = (count(Held::Yes) + count(Held::InPart), count(Held::No), answers.len());
        let last = |held: Held| answers.iter().rev().find(|one| one.held == held).map(|one| (*one).clone());
        if yes >= no + kind.lead() {
            return last(Held::Yes).or_else(|| last(Held::InPart));
        }
        if no >= yes + ALARM {
            return last(Held::No);
        }
        if yes + no == 0 {
            return last(Held::Inconclusive);
        }
        if let (0, Some(alarm)) = (yes, last(Held::No)) {
            return Some(unconfirmed(alarm));
        }
        let why = Message::new(
            format!("it held in {yes} of {of} trials, too few to say"),
            format!("{of} 次试验中有 {yes} 次成立，不足以下结论"),
        );
        Some(Answer::inconclusive(check, why))
    });
    settled.collect()
}

fn unconfirmed(mut alarm: Answer) -> Answer {
    alarm.held = Held::Inconclusive;
    alarm.summary = Message::new(
        format!("no second trial confirmed it: {}", alarm.summary.en),
        format!("未经第二次试验确认：{}", alarm.summary.zh),
    );
    alarm
}

/// Several answers to one check as one: what any of them missed is missed; otherwise one that could not be told leaves it
/// open.
fn join(answers: impl IntoIterator<Item = Answer>) -> Vec<Answer> {
    let mut joined: BTreeMap<&'static str, Vec<Answer>> = BTreeMap::new();
    for answer in answers {
        joined.entry(answer.check).or_default().push(answer);
    }
    let joined = joined.into_iter().map(|(check, mut answers)| {
        if answers.len() == 1
            && let Some(only) = answers.pop()
        {
            return only;
        }
        // What is said of one dependency must not be hidden by what cannot be said of another.
        let told: Vec<&Answer> = answers.iter().filter(|one| one.held != Held::Inconclusive).collect();
        let held = told.iter().map(|one| one.held).max().unwrap_or(Held::Inconclusive);
        let counted: Vec<&Answer> = if told.is_empty() { answers.iter().collect() } else { told };
        let sentence = |word: fn(&Message) -> &String, between: &str| {
            counted.iter().map(|one| word(&one.summary).as_str()).collect::<Vec<_>>().join(between)
        };
        Answer {
            check,
            held,
            summary: Message::new(sentence(|text| &text.en, "; "), sentence(|text| &text.zh, "；")),
            misses: counted.iter().flat_map(|one| one.misses.iter().cloned()).collect(),
        }
    });
    joined.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(held: Held) -> Answer {
        Answer { check: "health.liveness", held, summary: Message::new("", ""), misses: Vec::new() }
    }

    #[track_caller]
    fn check(kind: Kind, trials: &[Held], expect: Held) {
        let trials: Vec<_> = trials.iter().map(|held| vec![answer(*held)]).collect();
        assert_eq!(settled(kind, &trials).first().map(|one| one.held), Some(expect));
    }

    #[test]
    fn one_trial_more_than_the_others_is_believed_only_where_a_trial_repeats_itself() {
        use Held::{Inconclusive, No, Yes};
        check(Kind::Retries, &[Yes], Yes);
        check(Kind::Retries, &[No], Inconclusive);
        check(Kind::Retries, &[No, No], No);
        check(Kind::Boot, &[Yes], Inconclusive);
        check(Kind::Boot, &[Yes, Yes], Yes);
        check(Kind::Boot, &[Yes, No, Yes], Inconclusive);
        check(Kind::Boot, &[Yes, No, No, No], No);
        check(Kind::Boot, &[Inconclusive, Inconclusive], Inconclusive);
    }

    #[test]
    fn a_part_of_a_title_that_held_is_no_proof_of_the_rest() {
        let joined = |held: &[Held]| join(held.iter().map(|held| answer(*held))).pop().map(|one| one.held);
        assert_eq!(joined(&[Held::InPart]), Some(Held::InPart));
        assert_eq!(joined(&[Held::InPart, Held::Yes]), Some(Held::Yes));
        assert_eq!(joined(&[Held::InPart, Held::No]), Some(Held::No));
        assert_eq!(joined(&[Held::InPart, Held::Inconclusive]), Some(Held::InPart));
    }

    #[test]
    fn every_answer_is_about_a_check_that_the_kind_names() {
        let shutdown = Shutdown {
            in_flight: 1,
            finished: 0,
            taken_after: 1,
            answered_after: 0,
            readiness: Some("/ready".to_owned()),
            not_ready_ms: None,
            closed_ms: Some(5),
            exit: super::super::Exit::Signal(15),
            gone_ms: 5,
            grace_ms: 30_000,
        };
        let answers = Observation::Shutdown(shutdown).answers();
        assert!(answers.iter().all(|one| Kind::Shutdown.checks().contains(&one.check) && one.held == Held::No));
        assert_eq!(answers.len(), 2);
    }

    #[test]
    fn what_one_dependency_misses_is_not_hidden_by_another() {
        let of = |while_failing| Breaker {
            dependency: format!("d{while_failing}"),
            usual: 100,
            until_open: None,
            open_ms: None,
            while_failing,
            failing_ms: 20_000,
            recovered_ms: Some(1),
            watched_ms: 1,
            failing: super::super::Failing::Unavailable,
            first_ms: Vec::new(),
        };
        let answers = Observation::Breaker(vec![of(0), of(90)]).answers();
        assert_eq!(answers.len(), 1);
        assert_eq!((answers[0].held, answers[0].misses.len()), (Held::No, 1));
    }
}
