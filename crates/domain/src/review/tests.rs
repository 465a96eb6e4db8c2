//! How a review judges, applies records and decides.

use std::{collections::BTreeMap, sync::Arc};

use jiff::civil::date;

use super::*;
use crate::{
    Area, Cause, Class, Classes, Conclusion, Gap, Gathered, Level, Outcomes, Place, ReasonKind, Stages, Standard,
    State, Strength, Text, Tier, changes,
    evidence::{Document, DocumentKind},
    outcomes,
};

const TODAY: Date = date(2026, 11, 22);

macro_rules! example {
    ($name:ident, $id:literal, $gate:ident, $level:expr, $judge:expr) => {
        static $name: Check = Check {
            id: $id,
            title: Text { en: "It holds", zh: "成立" },
            source: &[],
            standard: Standard::ProductionReadiness,
            area: Area::Health,
            level: $level,
            gate: Gate::$gate,
            min: Strength::Configured,
            classes: Classes::SERVERS,
            fresh_days: None,
            record: &["environment"],
            remediation: Text { en: "Make it hold.", zh: "使其成立。" },
            references: &[],
            page: "",
            judge: $judge,
        };
    };
}

example!(NEVER, "a.never", Never, Some(Level::L1), |_, _| holds(false));
example!(BLOCKER, "a.blocker", Blocker, None, |evidence, _| match evidence.gates() {
    Ok(_) => holds(true),
    Err(missing) => Readings::configured(Err(missing)),
});
example!(LEVEL, "a.level", Required, Some(Level::L2), |_, _| holds(false));
example!(ABOVE, "a.above", Required, Some(Level::L3), |_, _| holds(false));
example!(ADVISED, "a.advised", Advised, Some(Level::L1), |_, _| holds(false));
example!(GOOD, "a.good", Never, Some(Level::L1), |_, _| holds(true));
example!(PANICS, "a.panics", Required, None, |_, _| panic!("a defect"));
example!(LOOKS, "a.looks", Required, None, |evidence, _| {
    let nothing = || Message::new("no document is here", "此处没有文档");
    Readings::configured(evidence.documents().map(|_| Reading::elsewhere(nothing(), nothing())))
});
example!(STARTS, "health.startup", Required, None, |_, _| holds(true));
example!(LOOKED_FOR, "health.startup", Required, None, |_, _| {
    let nothing = Reading::elsewhere(Message::new("no record", "无记录"), Message::new("a record", "记录"));
    holds(true).and(Strength::Exercised, Ok(nothing))
});
example!(DOCUMENTS, "a.documents", Required, None, |evidence, _| {
    Readings::configured(evidence.documents().map(|documents| match documents {
        [] => Reading::absent(finding()),
        _ => Reading::not_applicable("there are some", "有"),
    }))
});

fn finding() -> Finding {
    Finding::new(&Place::new("deploy/a.yaml", 3, 1), "it does not", "不成立")
}

fn holds(holds: bool) -> Readings {
    Readings::configured(Ok(if holds {
        Reading::shown([Place::whole("a")], "it does", "成立")
    } else {
        Reading::refuted(vec![finding()], "it does not", "不成立")
    }))
}

fn facts(class: Class) -> Facts {
    let words = Message::new("it serves", "它提供服务");
    Facts {
        today: TODAY,
        service: Service {
            name: "shop".to_owned(),
            class,
            class_reason: words.clone(),
            path: ".".to_owned(),
            sources: Vec::new(),
            owner: None,
            tier: Tier::Two,
            dependencies: Vec::new(),
            state: State::NotFound { reason: words },
            urls: BTreeMap::new(),
        },
        of_others: std::collections::BTreeSet::new(),
        files: Arc::default(),
        workloads: Arc::default(),
        objects: Arc::default(),
        images: Arc::default(),
        pipelines: Arc::default(),
        infrastructure: Arc::default(),
        alert_rules: Arc::default(),
        alert_routing: Arc::default(),
        dashboards: Arc::default(),
        objectives: Arc::default(),
        documents: Arc::default(),
        packages: Arc::default(),
        apis: Arc::default(),
        migrations: Arc::default(),
        ownership: Arc::default(),
        results: Arc::default(),
        exercises: Arc::default(),
        rehearsals: Arc::default(),
        gates: Arc::default(),
        settings: Arc::default(),
        secrets: Arc::default(),
        history: Ok(Arc::default()),
        source: Arc::default(),
        source_gaps: Vec::new(),
        statements: Arc::default(),
    }
}

fn reviewed(catalogue: &[&'static Check], waivers: &[Waiver]) -> Review {
    let policy = Policy { override_approvers: vec!["cto".to_owned()], ..Policy::default() };
    review(catalogue, &facts(Class::Server), &policy, None, Records { waivers, attestations: &[] })
}

fn waiver(check: &str, approver: &str, expires: Date) -> Waiver {
    Waiver {
        check: check.to_owned(),
        service: Some("shop".to_owned()),
        path: None,
        reason: "r".to_owned(),
        risk: "low".to_owned(),
        ticket: "T-1".to_owned(),
        approver: approver.to_owned(),
        granted: date(2026, 11, 1),
        expires,
        place: Place::new("gonogo.toml", 4, 1),
    }
}

fn check(catalogue: &[&'static Check], waivers: &[Waiver], decision: Decision, reasons: &[ReasonKind]) -> Review {
    let review = reviewed(catalogue, waivers);
    let kinds: Vec<ReasonKind> = review.reasons.iter().map(|reason| reason.kind).collect();
    assert_eq!((review.decision, kinds.as_slice()), (decision, reasons));
    review
}

#[test]
fn gates_decide() {
    use Decision::{Go, GoWithConditions, Incomplete, NoGo};
    check(&[&GOOD, &ADVISED], &[], Go, &[]);
    check(&[&GOOD, &ABOVE], &[], GoWithConditions, &[ReasonKind::Condition]);
    check(&[&LEVEL], &[], NoGo, &[ReasonKind::BlocksLevel]);
    check(&[&BLOCKER, &ABOVE], &[], Incomplete, &[ReasonKind::NotAssessed, ReasonKind::Condition]);
    check(&[&NEVER, &BLOCKER], &[], NoGo, &[ReasonKind::Blocks, ReasonKind::NotAssessed]);
}

#[test]
fn a_waiver_turns_a_required_failure_into_a_condition() {
    let last_day = waiver("a.level", "ann", TODAY);
    let review = check(&[&LEVEL], &[last_day], Decision::GoWithConditions, &[ReasonKind::Waived]);
    assert!(review.record_problems.is_empty());
}

#[test]
fn a_waiver_that_may_not_be_applied_is_reported_and_not_applied() {
    for (waiver, says) in [
        (waiver("a.level", "ann", date(2026, 11, 21)), "expired"),
        (waiver("a.level", "ann", date(2027, 11, 22)), "the policy allows 30"),
        (waiver("a.never", "ann", TODAY), "override_approvers"),
        (waiver("a.good", "ann", TODAY), "not needed"),
    ] {
        let review = reviewed(&[&LEVEL, &NEVER, &GOOD], &[waiver]);
        assert_eq!(review.decision, Decision::NoGo);
        let problems: Vec<&str> = review.record_problems.iter().map(|one| one.message.en.as_str()).collect();
        assert!(problems.iter().any(|problem| problem.contains(says)), "{says}: {problems:?}");
    }
}

#[test]
fn a_never_rule_is_overridden_only_by_a_named_approver_and_that_stands_first() {
    let by_cto = waiver("a.never", "cto", TODAY);
    check(&[&NEVER, &ABOVE], &[by_cto], Decision::GoWithConditions, &[ReasonKind::Overridden, ReasonKind::Condition]);
}

#[test]
fn a_waiver_for_a_folder_covers_only_findings_in_it() {
    let elsewhere = Waiver { path: Some("other".to_owned()), ..waiver("a.level", "ann", TODAY) };
    let there = Waiver { path: Some("deploy/".to_owned()), ..waiver("a.level", "ann", TODAY) };
    assert_eq!(reviewed(&[&LEVEL], &[elsewhere]).decision, Decision::NoGo);
    assert_eq!(reviewed(&[&LEVEL], &[there]).decision, Decision::GoWithConditions);
}

#[test]
fn levels_are_a_ladder_with_the_shortest_path_to_the_next() {
    let review = reviewed(&[&GOOD, &LEVEL, &ABOVE], &[]);
    assert_eq!(review.levels.reached, Some(Level::L1));
    assert_eq!(review.levels.next(), Some((Level::L2, ["a.level"].as_slice())));
    let all = reviewed(&[&GOOD], &[]);
    assert_eq!((all.levels.reached, all.levels.next()), (Some(Level::L1), None), "L2 to L4 ask nothing");
    assert_eq!(reviewed(&[&NEVER, &LEVEL], &[]).levels.reached, None);
}

#[test]
fn a_class_that_is_not_asked_is_not_applicable_with_the_reason() {
    let review = review(&[&NEVER], &facts(Class::Library), &Policy::default(), None, Records::default());
    let one = &review.judged[0];
    assert_eq!(one.outcome(), Outcome::NotApplicable);
    assert!(one.reading().unwrap().1.summary.en.contains("a library is not asked: it serves"));
}

#[test]
fn a_check_that_panics_is_unknown_and_hides_nothing() {
    let review = reviewed(&[&PANICS, &GOOD], &[]);
    assert_eq!(review.of("a.panics").unwrap().outcome(), Outcome::Unknown);
    assert_eq!(review.of("a.good").unwrap().outcome(), Outcome::Pass);
}

#[test]
fn a_conclusion_that_rests_on_a_source_with_gaps_is_unknown() {
    let gap = Gap { source: Source::Documents, place: Place::whole("docs/a.md"), reason: "broken".to_owned() };
    let document = || Document {
        place: Place::whole("b.md"),
        kind: DocumentKind::Other,
        title: String::new(),
        sections: Vec::new(),
        front_matter: Vec::new(),
        dated: None,
        placeholders: Vec::new(),
    };
    let with = |items: Vec<Document>, gaps: Vec<Gap>| {
        let facts = Facts { documents: Arc::new(Gathered::new(items, 1, gaps)), ..facts(Class::Server) };
        let review = review(&[&DOCUMENTS], &facts, &Policy::default(), None, Records::default());
        review.judged[0].outcome()
    };
    assert_eq!(with(vec![], vec![]), Outcome::Fail);
    assert_eq!(with(vec![document()], vec![]), Outcome::NotApplicable);
    assert_eq!(with(vec![], vec![gap.clone()]), Outcome::Unknown);
    assert_eq!(with(vec![document()], vec![gap]), Outcome::Unknown);
}

#[test]
fn what_was_not_found_may_be_in_what_was_not_read() {
    let gap = Gap { source: Source::Documents, place: Place::whole("docs/a.md"), reason: "broken".to_owned() };
    let document = Document {
        place: Place::whole("b.md"),
        kind: DocumentKind::Other,
        title: String::new(),
        sections: Vec::new(),
        front_matter: Vec::new(),
        dated: None,
        placeholders: Vec::new(),
    };
    let said = |gaps: Vec<Gap>| {
        let documents = Arc::new(Gathered::new(vec![document.clone()], 1, gaps));
        let facts = Facts { documents, ..facts(Class::Server) };
        let review = review(&[&LOOKS], &facts, &Policy::default(), None, Records::default());
        let one = &review.judged[0];
        (one.outcome(), one.readings.iter().map(|(_, reading)| reading.summary.en.clone()).collect::<String>())
    };
    assert_eq!(said(vec![]), (Outcome::Unknown, "no document is here".to_owned()));
    let with_gap = "docs/a.md could not be read (broken); without it: no document is here".to_owned();
    assert_eq!(said(vec![gap]), (Outcome::Unknown, with_gap));
}

#[test]
fn an_attestation_is_declared_and_a_whole_record_is_exercised() {
    let attestation = |record: &[(&str, &str)], expires| Attestation {
        check: "a.blocker".to_owned(),
        service: None,
        holds: true,
        statement: "done".to_owned(),
        by: "ann".to_owned(),
        on: date(2026, 11, 1),
        expires,
        link: None,
        record: record.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect(),
        place: Place::new("gonogo.toml", 9, 1),
    };
    let outcome = |attestation: Attestation| {
        let records = Records { waivers: &[], attestations: &[attestation] };
        let review = review(&[&BLOCKER], &facts(Class::Server), &Policy::default(), None, records);
        (review.judged[0].outcome(), review.record_problems.len())
    };
    let later = date(2027, 1, 1);
    assert_eq!(outcome(attestation(&[], later)), (Outcome::Unknown, 0));
    assert_eq!(outcome(attestation(&[("environment", "staging")], later)), (Outcome::Pass, 0));
    assert_eq!(outcome(attestation(&[("environment", "staging")], date(2026, 11, 21))), (Outcome::Unknown, 1));
}

#[test]
fn what_failed_before_no_longer_gates() {
    let review = reviewed(&[&NEVER, &LEVEL], &[]).with_baseline(|one| one.check.id == "a.never");
    let kinds: Vec<_> = review.reasons.iter().map(|reason| (reason.kind, reason.check)).collect();
    assert_eq!(kinds, [(ReasonKind::BlocksLevel, "a.level"), (ReasonKind::Condition, "a.never")]);
}

#[test]
fn each_change_has_the_cause_that_brought_it_here() {
    use Outcome::{Fail, Partial, Pass, Stale};

    let state = |outcome: Outcome| -> Outcomes {
        BTreeMap::from([(("shop".to_owned(), "a.level".to_owned()), (outcome, false))])
    };
    let cause = |outcomes: [Outcome; 5]| {
        let [reported, replayed, aged, recorded, now] = outcomes.map(state);
        changes(&Stages { reported, replayed, aged, recorded, now }).first().map(|change| change.cause)
    };
    assert_eq!(cause([Pass, Fail, Fail, Fail, Fail]), Some(Cause::Rules));
    assert_eq!(cause([Pass, Pass, Stale, Stale, Stale]), Some(Cause::Age));
    assert_eq!(cause([Pass, Pass, Pass, Partial, Partial]), Some(Cause::Record));
    assert_eq!(cause([Pass, Pass, Pass, Pass, Fail]), Some(Cause::Service));
    assert_eq!(cause([Pass, Pass, Stale, Stale, Fail]), Some(Cause::Service));
    assert_eq!(cause([Pass, Fail, Pass, Pass, Pass]), None);
    let now = reviewed(&[&LEVEL], &[]);
    assert_eq!(outcomes([&now]).values().next(), Some(&(Fail, false)));
}

#[test]
fn one_fact_in_several_environments_is_one_finding() {
    let mut tally = crate::Tally::new();
    for environment in ["eu", "us"] {
        tally.miss("Deployment/shop", finding().in_environment(Some(environment)));
    }
    tally.met("Deployment/cart", &Place::whole("b"));
    let reading = tally.reading("workloads hold", "个工作负载成立");
    assert_eq!(reading.conclusion, Conclusion::NotMet);
    assert_eq!(reading.summary.en, "1 of 2 workloads hold");
    assert_eq!(reading.findings.len(), 1);
    assert_eq!(reading.findings[0].environments, ["eu", "us"]);
}

#[test]
fn counterexamples_keep_their_order_and_join_their_environments() {
    let place = |path: &str| Finding::new(&Place::whole(path), "it is off", "已关闭");
    let found = vec![
        place("b").in_environment(Some("us")).also(&Place::whole("c"), "the switch", "开关"),
        place("a"),
        place("b").in_environment(Some("eu")).also(&Place::whole("c"), "the switch", "开关"),
    ];
    let check = |reading: Reading| {
        let shown: Vec<_> =
            reading.findings.iter().map(|one| (one.place.path(), one.environments.len(), one.related.len())).collect();
        assert_eq!(shown, [("b", 2, 1), ("a", 0, 0)]);
        assert_eq!(reading.findings[0].environments, ["eu", "us"]);
    };
    check(Reading::refuted(found.clone(), "two are off", "两处关闭"));
    check(Reading::partly([], found, "two are off", "两处关闭"));
}

/// What the review of a check that is configured says after an exercise of this day in which the service was ready, or not.
#[track_caller]
fn check_exercised(day: Date, ready: bool, outcome: Outcome, strength: Strength, contradicted: bool) {
    use crate::exercise::{Boot, Ended, Exercise, Experiment, FORMAT, Kind, Observation, Timeline, Trial};
    let boot = Boot {
        path: None,
        changes: Vec::new(),
        ready_ms: ready.then_some(900),
        ended_ms: None,
        budget_ms: 30_000,
        sent: 0,
        good: 0,
    };
    let trial = Trial::new(Observation::Boot(boot), Timeline::default());
    let experiment = Experiment {
        kind: Kind::Boot,
        at: day.at(9, 0, 0, 0).to_zoned(jiff::tz::TimeZone::UTC).unwrap().timestamp(),
        gonogo: "0.1.0".to_owned(),
        revision: None,
        trials: vec![trial.clone(), trial],
        ended: Ended::Completed,
        took_ms: 1,
    };
    let exercise = Exercise { format: FORMAT, service: "shop".to_owned(), experiments: vec![experiment] };
    let place = Place::whole(".gonogo/exercise/shop.json");
    let exercises = Arc::new(Gathered::new(vec![crate::evidence::ExerciseRecord { place, exercise }], 1, Vec::new()));
    let facts = Facts { exercises, ..facts(Class::Server) };
    // It says the same where the judge looked for something exercised and found nothing.
    for check in [&STARTS, &LOOKED_FOR] {
        let review = review(&[check], &facts, &Policy::default(), None, Records::default());
        let one = review.of("health.startup").unwrap();
        assert_eq!((one.outcome(), one.settled.strength), (outcome, Some(strength)));
        assert_eq!(!one.settled.contradicted.is_empty(), contradicted);
    }
}

#[test]
fn what_was_exercised_decides_over_what_is_configured_for_ninety_days() {
    check_exercised(date(2026, 11, 20), true, Outcome::Pass, Strength::Exercised, false);
    check_exercised(date(2026, 11, 20), false, Outcome::Fail, Strength::Exercised, true);
    check_exercised(date(2026, 8, 1), false, Outcome::Pass, Strength::Configured, false);
}

example!(PATTERNS, "security.owasp", Required, None, |_, _| holds(false));

#[test]
fn good_headers_do_not_hide_what_is_wrong_in_the_code() {
    use crate::exercise::{Ended, Exercise, Experiment, FORMAT, Headers, Kind, Observation, Timeline, Trial};
    let headers =
        Headers { answers: 4, sniffable: Vec::new(), versions: Vec::new(), pages: Vec::new(), cors: Vec::new() };
    let experiment = Experiment {
        kind: Kind::Headers,
        at: date(2026, 11, 20).at(9, 0, 0, 0).to_zoned(jiff::tz::TimeZone::UTC).unwrap().timestamp(),
        gonogo: "0.1.0".to_owned(),
        revision: None,
        trials: vec![Trial::new(Observation::Headers(headers), Timeline::default())],
        ended: Ended::Completed,
        took_ms: 1,
    };
    let exercise = Exercise { format: FORMAT, service: "shop".to_owned(), experiments: vec![experiment] };
    let place = Place::whole(".gonogo/exercise/shop.json");
    let exercises = Arc::new(Gathered::new(vec![crate::evidence::ExerciseRecord { place, exercise }], 1, Vec::new()));
    let facts = Facts { exercises, ..facts(Class::Server) };
    let review = review(&[&PATTERNS], &facts, &Policy::default(), None, Records::default());
    let one = review.of("security.owasp").unwrap();
    assert_eq!((one.outcome(), one.settled.strength), (Outcome::Fail, Some(Strength::Configured)));
}

#[test]
fn what_checks_ask_in_common_is_worked_out_once_and_was_looked_for_by_each() {
    #[derive(Clone, Debug, PartialEq)]
    struct Documents(usize);
    let facts = facts(Class::Server);
    let common = Arc::default();
    let (first, second) = (Evidence::sharing(&facts, &common), Evidence::sharing(&facts, &common));
    let found = first.once(|evidence| Documents(evidence.documents().map_or(0, <[Document]>::len)));
    assert_eq!(second.once(|_| Documents(found.0 + 1)), found);
    assert_eq!(first.searched(), [Source::Documents]);
    assert_eq!(second.searched(), [Source::Documents]);
    // Who shares nothing works it out anew, and has looked at nothing of it.
    let alone = Evidence::new(&facts);
    assert_eq!(alone.once(|_| Documents(found.0 + 1)), Documents(found.0 + 1));
    assert!(alone.searched().is_empty());
}
