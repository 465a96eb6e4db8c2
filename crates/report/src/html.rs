//! The report as one self-contained page: no script, no request, readable on a phone and on paper.

use std::io;

use askama::Template;
use gonogo_domain::{
    Area, Decision, Finding, Judged, Lang, Message, Outcome, ReasonKind, Review, Text,
    exercise::{Ended, Experiment, Held},
};

use crate::{
    Report,
    clean::clean,
    picture::{Picture, picture},
    summary::{self, badness},
    words,
};

/// Findings that are shown for a check; the page says how many more there are.
const FINDINGS: usize = 50;

#[derive(Template)]
#[template(path = "report.html")]
struct Page<'a> {
    lang: &'static str,
    words: PageWords,
    report: &'a Report,
    revision: String,
    occasion: &'static str,
    decision: Badge,
    services: Vec<ServiceView>,
    causes: Vec<CauseGroup>,
    changes: Vec<[String; 3]>,
    left_out: Vec<[String; 3]>,
    unread: Vec<[String; 2]>,
    problems: Vec<[String; 2]>,
}

struct PageWords {
    service: &'static str,
    decision: &'static str,
    level: &'static str,
    blocks: &'static str,
    unknown: &'static str,
    files: &'static str,
    settled_by: &'static str,
    next: &'static str,
    changed: &'static str,
    unread: &'static str,
    left_out: &'static str,
    records: &'static str,
    searched: &'static str,
    experiments: &'static str,
    title: &'static str,
}

struct Badge {
    text: String,
    class: &'static str,
}

struct ServiceView {
    anchor: String,
    name: String,
    class: String,
    reason: String,
    owner: String,
    decision: Badge,
    level: String,
    needed: String,
    to_next: String,
    blocks: usize,
    unknown: usize,
    counts: Vec<(Badge, usize)>,
    experiments: Vec<ExperimentView>,
    areas: Vec<AreaView>,
}

struct ExperimentView {
    id: &'static str,
    hypothesis: &'static str,
    /// The day, and how often it was tried.
    when: String,
    answers: Vec<AnswerView>,
    /// Why there is no answer.
    unmade: String,
    picture: Option<Picture>,
}

struct AnswerView {
    check: &'static str,
    badge: Badge,
    summary: String,
    misses: Vec<String>,
}

struct AreaView {
    title: String,
    checks: Vec<CheckView>,
}

struct CheckView {
    id: &'static str,
    title: String,
    badge: Badge,
    mark: &'static str,
    gate: String,
    strength: String,
    summary: String,
    remediation: String,
    readings: Vec<ReadingView>,
    searched: String,
    waiver: String,
}

struct ReadingView {
    strength: String,
    summary: String,
    settle: String,
    findings: Vec<FindingView>,
    more: usize,
    witnesses: String,
}

struct FindingView {
    place: String,
    message: String,
    environments: String,
    related: Vec<[String; 2]>,
}

struct CauseGroup {
    title: String,
    class: &'static str,
    causes: Vec<CauseView>,
}

struct CauseView {
    id: &'static str,
    title: String,
    gate: String,
    services: String,
    summaries: Vec<String>,
    findings: Vec<FindingView>,
    more: usize,
    settle: String,
    remediation: String,
}

/// Writes the page.
pub fn write(report: &Report, lang: Lang, out: &mut dyn io::Write) -> io::Result<()> {
    let page = page(report, lang);
    let text = page.render().map_err(io::Error::other)?;
    out.write_all(text.as_bytes())
}

fn page(report: &Report, lang: Lang) -> Page<'_> {
    let get = |text: Text| text.get(lang);
    Page {
        lang: match lang {
            Lang::En => "en",
            Lang::Zh => "zh-CN",
        },
        words: PageWords {
            service: get(words::SERVICE),
            decision: get(words::DECISION),
            level: get(words::LEVEL),
            blocks: get(words::BLOCKS),
            unknown: get(words::UNKNOWN),
            files: get(words::FILES),
            settled_by: get(words::SETTLED_BY),
            next: get(words::TO_REACH),
            changed: get(words::CHANGED),
            unread: get(words::UNREAD),
            left_out: get(words::LEFT_OUT),
            records: get(words::RECORDS),
            searched: get(words::SEARCHED),
            experiments: get(words::EXPERIMENTS),
            title: match lang {
                Lang::En => "Production readiness review",
                Lang::Zh => "生产就绪评审",
            },
        },
        revision: report.revision.as_deref().map(clean).unwrap_or_default(),
        occasion: report
            .services
            .first()
            .and_then(|review| review.occasion)
            .map(gonogo_domain::Occasion::id)
            .unwrap_or_default(),
        decision: decision(report.decision(), lang),
        services: report.services.iter().enumerate().map(|(index, review)| service(index, review, lang)).collect(),
        causes: causes(report, lang),
        changes: changes(report, lang),
        left_out: report
            .left_out
            .iter()
            .map(|(name, reason, place)| [clean(name), say(reason, lang), clean(&place.to_string())])
            .collect(),
        unread: report.unread.iter().map(|gap| [clean(&gap.place.to_string()), clean(&gap.reason)]).collect(),
        problems: report
            .record_problems
            .iter()
            .chain(report.services.iter().flat_map(|review| &review.record_problems))
            .map(|problem| [clean(&problem.place.to_string()), say(&problem.message, lang)])
            .collect(),
        report,
    }
}

fn say(message: &Message, lang: Lang) -> String {
    clean(message.get(lang))
}

fn decision(decision: Decision, lang: Lang) -> Badge {
    let class = match decision {
        Decision::Go => "good",
        Decision::GoWithConditions | Decision::Incomplete => "warn",
        Decision::NoGo => "bad",
    };
    Badge { text: decision.title().get(lang).to_owned(), class }
}

fn outcome(outcome: Outcome, lang: Lang) -> Badge {
    let class = match outcome {
        Outcome::Pass => "good",
        Outcome::Fail => "bad",
        Outcome::Partial | Outcome::Stale | Outcome::Unknown => "warn",
        Outcome::NotApplicable => "dim",
    };
    Badge { text: words::outcome(outcome).get(lang).to_owned(), class }
}

fn service(index: usize, review: &Review, lang: Lang) -> ServiceView {
    let count = |kinds: &[ReasonKind]| review.reasons.iter().filter(|reason| kinds.contains(&reason.kind)).count();
    let (noun_en, noun_zh) = review.service.class.noun();
    let mut outcomes: Vec<Outcome> = review.judged.iter().map(Judged::outcome).collect();
    outcomes.sort_by_key(|one| badness(*one));
    outcomes.dedup();
    ServiceView {
        anchor: format!("s{index}"),
        name: clean(&review.service.name),
        class: match lang {
            Lang::En => noun_en,
            Lang::Zh => noun_zh,
        }
        .to_owned(),
        reason: say(&review.service.class_reason, lang),
        owner: review.service.owner.as_deref().map(clean).unwrap_or_default(),
        decision: decision(review.decision, lang),
        level: words::level(review.levels.reached, lang).to_owned(),
        needed: review.needed.title().get(lang).to_owned(),
        to_next: review
            .levels
            .next()
            .map(|(level, checks)| format!("{}: {}", level.title().get(lang), checks.join(", ")))
            .unwrap_or_default(),
        blocks: count(&[ReasonKind::Blocks, ReasonKind::BlocksLevel]),
        unknown: count(&[ReasonKind::NotAssessed]),
        counts: outcomes.into_iter().map(|one| (outcome(one, lang), review.count(one))).collect(),
        experiments: review
            .exercises
            .iter()
            .flat_map(|one| &one.exercise.experiments)
            .map(|one| experiment(one, lang))
            .collect(),
        areas: Area::ALL
            .into_iter()
            .map(|area| AreaView {
                title: area.title().get(lang).to_owned(),
                checks: review.judged.iter().filter(|one| one.check.area == area).map(|one| check(one, lang)).collect(),
            })
            .filter(|area| !area.checks.is_empty())
            .collect(),
    }
}

fn experiment(one: &Experiment, lang: Lang) -> ExperimentView {
    let held = |held: Held| match held {
        Held::Yes | Held::InPart => Badge { text: words::HELD.get(lang).to_owned(), class: "good" },
        Held::No => Badge { text: words::BROKEN.get(lang).to_owned(), class: "bad" },
        Held::Inconclusive => Badge { text: words::OPEN.get(lang).to_owned(), class: "warn" },
    };
    let answers = one.answers().into_iter().map(|answer| AnswerView {
        check: answer.check,
        badge: held(answer.held),
        summary: say(&answer.summary, lang),
        misses: answer.misses.iter().map(|miss| say(miss, lang)).collect(),
    });
    ExperimentView {
        id: one.kind.id(),
        hypothesis: one.kind.hypothesis().get(lang),
        when: format!("{} · {} × · gonogo {}", one.at.strftime("%F"), one.trials.len(), clean(&one.gonogo)),
        answers: answers.collect(),
        unmade: match &one.ended {
            Ended::Completed => String::new(),
            Ended::NotApplicable(why) | Ended::NotMade(why) => say(why, lang),
        },
        picture: one.trials.last().and_then(|trial| picture(&trial.timeline, lang)),
    }
}

fn check(one: &Judged, lang: Lang) -> CheckView {
    CheckView {
        id: one.check.id,
        title: one.check.title.get(lang).to_owned(),
        badge: outcome(one.outcome(), lang),
        mark: words::mark(one.outcome()),
        gate: words::gate(one.gate).get(lang).to_owned(),
        strength: one.settled.strength.map(|strength| strength.title().get(lang).to_owned()).unwrap_or_default(),
        summary: one.reading().map(|(_, reading)| say(&reading.summary, lang)).unwrap_or_default(),
        remediation: match one.outcome() {
            Outcome::Pass | Outcome::NotApplicable => String::new(),
            Outcome::Fail | Outcome::Partial | Outcome::Stale | Outcome::Unknown => {
                one.check.remediation.get(lang).to_owned()
            }
        },
        readings: one
            .readings
            .iter()
            .map(|(strength, reading)| {
                let (findings, more) = shown(&reading.findings, lang);
                let places: Vec<String> =
                    reading.witnesses.iter().take(20).map(|place| clean(&place.to_string())).collect();
                ReadingView {
                    strength: strength.title().get(lang).to_owned(),
                    summary: say(&reading.summary, lang),
                    settle: reading.settle.as_ref().map(|settle| say(settle, lang)).unwrap_or_default(),
                    findings,
                    more,
                    witnesses: places.join(", "),
                }
            })
            .collect(),
        searched: one
            .searched
            .iter()
            .map(|searched| format!("{} ({})", searched.source.title().get(lang), searched.files))
            .collect::<Vec<_>>()
            .join(", "),
        waiver: one
            .waiver
            .as_ref()
            .map(|waiver| {
                clean(&format!("{} · {} · {} · {}", waiver.reason, waiver.ticket, waiver.approver, waiver.expires))
            })
            .unwrap_or_default(),
    }
}

fn shown(findings: &[Finding], lang: Lang) -> (Vec<FindingView>, usize) {
    let views = findings
        .iter()
        .take(FINDINGS)
        .map(|finding| FindingView {
            place: clean(&finding.place.to_string()),
            message: say(&finding.message, lang),
            environments: clean(&finding.environments.join(", ")),
            related: finding
                .related
                .iter()
                .map(|(place, message)| [clean(&place.to_string()), say(message, lang)])
                .collect(),
        })
        .collect();
    (views, findings.len().saturating_sub(FINDINGS))
}

fn causes(report: &Report, lang: Lang) -> Vec<CauseGroup> {
    let mut groups: Vec<(ReasonKind, CauseGroup)> = Vec::new();
    for cause in summary::causes(report) {
        let (findings, more) = shown(&cause.findings, lang);
        let view = CauseView {
            id: cause.check.id,
            title: cause.check.title.get(lang).to_owned(),
            gate: words::gate(cause.gate).get(lang).to_owned(),
            services: if report.services.len() > 1 {
                let names: Vec<String> = cause.services.iter().map(|name| clean(name)).collect();
                format!("{}/{}: {}", names.len(), report.services.len(), names.join(", "))
            } else {
                String::new()
            },
            summaries: cause.summaries.iter().take(3).map(|summary| say(summary, lang)).collect(),
            findings,
            more,
            settle: cause.settle.first().map(|settle| say(settle, lang)).unwrap_or_default(),
            remediation: cause.check.remediation.get(lang).to_owned(),
        };
        match groups.last_mut() {
            Some((kind, group)) if *kind == cause.kind => group.causes.push(view),
            _ => groups.push((
                cause.kind,
                CauseGroup {
                    title: words::reason(cause.kind).get(lang).to_owned(),
                    class: match cause.kind {
                        ReasonKind::Blocks | ReasonKind::BlocksLevel | ReasonKind::Overridden => "bad",
                        ReasonKind::NotAssessed => "warn",
                        ReasonKind::Waived | ReasonKind::Condition | ReasonKind::ConditionNotAssessed => "dim",
                    },
                    causes: vec![view],
                },
            )),
        }
    }
    groups.into_iter().map(|(_, group)| group).collect()
}

fn changes(report: &Report, lang: Lang) -> Vec<[String; 3]> {
    report
        .since
        .iter()
        .flat_map(|since| &since.changes)
        .map(|change| {
            [
                clean(&format!("{} {}", change.service, change.check)),
                format!("{} → {}", words::side(change.before, lang), words::side(change.now, lang)),
                words::cause(change.cause).get(lang).to_owned(),
            ]
        })
        .collect()
}
