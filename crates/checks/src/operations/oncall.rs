//! Two people at every moment of the next weeks, and four steps behind them.

use std::collections::BTreeMap;

use gonogo_domain::{
    Area, Check, Classes, Evidence, Finding, Gate, Level, Message, Missing, Place, Policy, Reading, Readings, Standard,
    Strength, Text, evidence::Shift,
};
use jiff::{Timestamp, ToSpan as _, tz::TimeZone};

use crate::shared::escalation::{ROLES, escalation};

pub(crate) static CHECK: Check = Check {
    id: "operations.oncall",
    title: Text {
        en: "At every moment of the next four weeks two distinct people are on call, with a documented four-step escalation",
        zh: "未来四周内任何时刻都有两名不同的值班人员，并有成文的四级升级路径",
    },
    source: &["B4.5d", "B7.1"],
    standard: Standard::ProductionReadiness,
    area: Area::Operations,
    level: Some(Level::L3),
    gate: Gate::Required,
    min: Strength::Configured,
    classes: Classes::LONG_RUNNING,
    fresh_days: None,
    record: &[],
    remediation: Text {
        en: "Export the schedule of the next four weeks as [[oncall]] shifts with a primary and a secondary, and list four [[escalation]] steps in gonogo.toml.",
        zh: "将未来四周的主副值班导出为 [[oncall]]，并在 gonogo.toml 中列出四级 [[escalation]]。",
    },
    references: &["https://sre.google/sre-book/being-on-call/"],
    page: include_str!("oncall.md"),
    judge,
};

/// Findings that are enough: a schedule with more holes than this has one cause.
const ENOUGH: usize = 20;

fn judge(evidence: &Evidence<'_>, policy: &Policy) -> Readings {
    Readings::configured(configured(evidence, policy))
}

fn configured(evidence: &Evidence<'_>, policy: &Policy) -> Result<Reading, Missing> {
    let shifts = &evidence.statements().oncall;
    if shifts.is_empty() {
        return as_code(evidence, policy);
    }
    let days = policy.oncall_days;
    let Ok(start) = evidence.today().to_zoned(TimeZone::UTC).map(|start| start.timestamp()) else {
        return Ok(nothing(policy));
    };
    let Ok(end) = start.checked_add((i64::from(days) * 24).hours()) else { return Ok(nothing(policy)) };
    let mut findings = holes(shifts, start, end);
    findings.extend(too_few_steps(evidence, shifts)?);
    findings.sort();
    if findings.is_empty() {
        return Ok(Reading::shown(
            shifts.iter().take(3).map(|shift| shift.place.clone()),
            format!("two people are on call at every moment of the next {days} days, with four steps behind them"),
            format!("未来 {days} 天内任何时刻均有两人值班，并有四级升级路径"),
        ));
    }
    Ok(Reading::refuted(
        findings,
        format!("the next {days} days are not covered by two people and four steps"),
        format!("未来 {days} 天未满足两人值班与四级升级"),
    ))
}

/// The stretches in which fewer than two people are on call.
fn holes(shifts: &[Shift], start: Timestamp, end: Timestamp) -> Vec<Finding> {
    // At each moment in which something changes: who comes and who goes, by name.
    let mut changes: BTreeMap<Timestamp, Vec<(String, i32)>> = BTreeMap::from([(start, Vec::new())]);
    for shift in shifts.iter().filter(|shift| shift.until > start && shift.from < end) {
        let person = shift.person.trim().to_lowercase();
        changes.entry(shift.from.max(start)).or_default().push((person.clone(), 1));
        changes.entry(shift.until.min(end)).or_default().push((person, -1));
    }
    let mut by_end: Vec<&Shift> = shifts.iter().collect();
    by_end.sort_by_key(|shift| (shift.until, shift.place.clone()));

    let mut present: BTreeMap<String, i32> = BTreeMap::new();
    // Stretches of fewer than two, with who is there.
    let mut open: Option<(Timestamp, Option<String>)> = None;
    let mut findings = Vec::new();
    let mut close = |open: &mut Option<(Timestamp, Option<String>)>, until: Timestamp| {
        if let Some((from, alone)) = open.take()
            && from < until
        {
            findings.push(hole(&by_end, from, until, alone.as_deref()));
        }
    };
    for (moment, changed) in changes.range(..end) {
        for (person, by) in changed {
            *present.entry(person.clone()).or_default() += by;
        }
        present.retain(|_, shifts| *shifts > 0);
        let state = (present.len() < 2).then(|| present.keys().next().cloned());
        if open.as_ref().map(|(_, alone)| alone) != state.as_ref() {
            close(&mut open, *moment);
            open = state.map(|alone| (*moment, alone));
        }
    }
    close(&mut open, end);
    findings.truncate(ENOUGH);
    findings
}

fn hole(by_end: &[&Shift], from: Timestamp, until: Timestamp, alone: Option<&str>) -> Finding {
    // The line to edit: the shift after which the hole opens, else the first one.
    let before = by_end.partition_point(|shift| shift.until <= from);
    let near = before.checked_sub(1).and_then(|index| by_end.get(index)).or(by_end.first());
    let place = near.map_or_else(|| Place::whole("gonogo.toml"), |shift| shift.place.clone());
    match alone {
        Some(person) => Finding::new(
            &place,
            format!("only {person} is on call from {from} to {until}"),
            format!("{from} 至 {until} 只有 {person} 值班"),
        ),
        None => Finding::new(
            &place,
            format!("nobody is on call from {from} to {until}"),
            format!("{from} 至 {until} 无人值班"),
        ),
    }
}

fn too_few_steps(evidence: &Evidence<'_>, shifts: &[Shift]) -> Result<Option<Finding>, Missing> {
    let whole = Place::whole("gonogo.toml");
    let fallback = shifts.first().map_or(&whole, |shift| &shift.place);
    Ok(match escalation(evidence)? {
        Some(found) if found.steps.len() >= ROLES.len() => None,
        Some(found) => Some(Finding::new(
            &found.place,
            format!("the escalation has {} of four steps", found.steps.len()),
            format!("升级路径只有四级中的 {} 级", found.steps.len()),
        )),
        None => Some(Finding::new(fallback, "no escalation is written down", "没有成文的升级路径")),
    })
}

/// Schedules in infrastructure code say that there is a rotation, not who is on call when.
fn as_code(evidence: &Evidence<'_>, policy: &Policy) -> Result<Reading, Missing> {
    const SCHEDULES: &[&str] = &[
        "pagerduty_schedule",
        "pagerduty_schedulev2",
        "opsgenie_schedule",
        "opsgenie_schedule_rotation",
        "grafana_oncall_schedule",
        "grafana_oncall_on_call_shift",
        "squadcast_schedule_v2",
        "betteruptime_on_call_calendar",
    ];
    let schedules: Vec<&Place> = evidence
        .infrastructure()?
        .iter()
        .filter(|resource| SCHEDULES.contains(&resource.kind.as_str()))
        .map(|resource| &resource.place)
        .collect();
    let Some(first) = schedules.first() else { return Ok(nothing(policy)) };
    let days = policy.oncall_days;
    let finding = Finding::new(
        first,
        format!(
            "a rotation is declared, but not who is on call over the next {days} days: export the shifts as [[oncall]]"
        ),
        format!("已声明轮值，但未说明未来 {days} 天由谁值班：请导出为 [[oncall]]"),
    );
    Ok(Reading::partly(
        schedules.iter().map(|place| (*place).clone()),
        vec![finding],
        "a rotation is declared as code; the people of the next weeks are not in it",
        "轮值以代码声明，但其中没有未来数周的人员",
    ))
}

fn nothing(policy: &Policy) -> Reading {
    let days = policy.oncall_days;
    Reading::elsewhere(
        Message::new(
            "no schedule of on-call is stated in gonogo.toml or declared as code",
            "gonogo.toml 和代码中均没有值班表",
        ),
        Message::new(
            format!("[[oncall]] shifts for the next {days} days in gonogo.toml"),
            format!("gonogo.toml 中未来 {days} 天的 [[oncall]]"),
        ),
    )
}
