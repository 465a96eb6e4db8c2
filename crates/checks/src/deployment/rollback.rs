//! A way back exists, and takes less than five minutes.

use gonogo_domain::{
    Area, Check, Classes, Evidence, Finding, Gate, Message, Missing, Node, Place, Policy, Reading, Readings, Standard,
    Strength, Text,
    evidence::{Container, Document, DocumentKind, Probe, Purpose, RehearsalRecord, Section, Workload, WorkloadKind},
};

use crate::shared::{
    delivery::platform_file,
    images::moving,
    procedures::{command_for, commands, sections_under},
    production_workloads,
    runs::{Run, runs},
    scaling::most_replicas,
    trees::is_shown_off,
};

pub(crate) static CHECK: Check = Check {
    id: "deployment.rollback",
    title: Text {
        en: "A rollback plan exists and takes under five minutes", zh: "有回滚方案，且可在五分钟内完成"
    },
    source: &["B3.5b", "B6.3"],
    standard: Standard::ProductionReadiness,
    area: Area::Deployment,
    level: None,
    gate: Gate::Never,
    min: Strength::Configured,
    classes: Classes::DEPLOYED,
    // G8: drills count for 90 days.
    fresh_days: Some(90),
    record: &["environment", "duration"],
    remediation: Text {
        en: "Write down the command that brings the previous version back, keep that version under a name of its own, and rehearse it with a clock.",
        zh: "写下恢复上一版本的命令，为该版本保留独立的名称，并计时演练。",
    },
    references: &["https://kubernetes.io/docs/concepts/workloads/controllers/deployment/#rolling-back-a-deployment"],
    page: include_str!("rollback.md"),
    judge,
};

const WORDS: &[&str] = &["rollback", "roll back", "roll-back", "rolling back", "revert", "回滚", "回退"];

fn judge(evidence: &Evidence<'_>, policy: &Policy) -> Readings {
    Readings::configured(configured(evidence, policy)).and(Strength::Exercised, exercised(evidence, policy))
}

fn configured(evidence: &Evidence<'_>, policy: &Policy) -> Result<Reading, Missing> {
    let workloads = production_workloads(evidence)?;
    let mut findings = Vec::new();
    let mut witnesses = Vec::new();
    match procedure(evidence)? {
        Procedure::At(place) => witnesses.push(place),
        Procedure::Empty(finding) => findings.push(finding),
        Procedure::None => {
            let runs = workloads.iter().find(|workload| workload.kind.long_running()).map(|workload| &workload.place);
            let place = runs.or(evidence.service().sources.first().map(|source| &source.place));
            let place = place.cloned().unwrap_or_else(|| Place::whole("."));
            findings.push(Finding::new(
                &place,
                "no document, pipeline or script says how the previous version comes back",
                "没有文档、流水线或脚本说明如何恢复上一版本",
            ));
        }
    }
    let limit = policy.rollback_seconds;
    let mut unbounded: Option<Place> = None;
    let mut slow: Option<(u32, Place)> = None;
    for workload in workloads.iter().filter(|one| one.kind.long_running()) {
        let environment = workload.environment.as_deref();
        findings.extend(nothing_kept(workload).into_iter().map(|finding| finding.in_environment(environment)));
        match bound(evidence, workload)? {
            Bound::Between { least, place, .. } if least >= limit => findings.push(
                Finding::new(
                    &place,
                    format!("going back takes at least {least} s, less than {limit} s is asked for"),
                    format!("回滚至少需要 {least} 秒，要求少于 {limit} 秒"),
                )
                .in_environment(environment),
            ),
            Bound::Between { most, place, .. } if most >= limit => {
                slow.get_or_insert((most, place));
            }
            Bound::Between { place, .. } => witnesses.push(place),
            Bound::Unknown => {
                unbounded.get_or_insert_with(|| workload.place.clone());
            }
            Bound::Switch => (),
        }
    }
    if !findings.is_empty() {
        return Ok(Reading::refuted(findings, "the way back is missing or too slow", "回滚途径缺失或过慢"));
    }
    let settle = Message::new("a dated record of a rehearsal with its duration", "带日期和耗时的回滚演练记录");
    if let Some((most, place)) = slow {
        return Ok(Reading::elsewhere(
            Message::new(
                format!(
                    "the way back is written down; the probe at {place} allows starts so long that it may take up to {most} s, and nothing says how long it does take"
                ),
                format!("已有回滚文档；{place} 的探针允许的启动时间使回滚最长可达 {most} 秒，实际耗时没有记录"),
            ),
            settle,
        ));
    }
    if let Some(place) = unbounded {
        return Ok(Reading::elsewhere(
            Message::new(
                format!("the way back is written down; nothing bounds how long {place} takes to start"),
                format!("已有回滚文档；但 {place} 的启动时间没有上限"),
            ),
            settle,
        ));
    }
    if workloads.is_empty() && platform_file(evidence)?.is_none() {
        return Ok(Reading::elsewhere(
            Message::new(
                "the way back is written down; what runs it is not declared here, so nothing bounds its time",
                "已有回滚文档；此处未声明其运行方式，无法推算耗时",
            ),
            settle,
        ));
    }
    Ok(Reading::shown(
        witnesses,
        format!("the way back is written down and takes less than {limit} s by what is declared"),
        format!("已有回滚文档，按声明推算耗时少于 {limit} 秒"),
    ))
}

enum Procedure {
    At(Place),
    /// A section that speaks of it and names no command.
    Empty(Finding),
    None,
}

fn procedure(evidence: &Evidence<'_>) -> Result<Procedure, Missing> {
    let mut empty: Option<Finding> = None;
    for document in evidence.documents()?.iter().filter(|document| !is_shown_off(&document.place)) {
        if matches!(document.kind, DocumentKind::Changelog | DocumentKind::Postmortem | DocumentKind::Decision) {
            continue;
        }
        let about = WORDS.iter().any(|word| document.title.to_lowercase().contains(word));
        let sections: Vec<&Section> =
            if about { document.sections.iter().collect() } else { sections_under(document, WORDS) };
        if let Some(place) = sections.iter().find_map(|section| goes_back(section)) {
            return Ok(Procedure::At(place));
        }
        if let Some(section) = sections.first().filter(|_| operates(document)) {
            empty.get_or_insert_with(|| {
                Finding::new(
                    &section.place,
                    "speaks of rolling back and names no command that does it",
                    "提到回滚但没有给出命令",
                )
            });
        }
    }
    let automatic = runs(evidence, &[Purpose::Rollback])?;
    if let Some(run) = automatic.iter().find(|run| !only_failed_upgrades(run)) {
        return Ok(Procedure::At(run.step.place.clone()));
    }
    // A script that somebody can start is a procedure too.
    let script = evidence.pipelines()?.iter().flat_map(gonogo_domain::evidence::Pipeline::steps).find(|(job, step)| {
        step.purposes.contains(&Purpose::Rollback) && WORDS.iter().any(|word| job.id.contains(word))
    });
    if let Some((_, step)) = script {
        return Ok(Procedure::At(step.place.clone()));
    }
    Ok(empty.map_or(Procedure::None, Procedure::Empty))
}

/// A command that goes back, deploys what was before, or reverts what a controller then deploys.
fn goes_back(section: &Section) -> Option<Place> {
    command_for(section, &[Purpose::Rollback, Purpose::Deploy]).or_else(|| {
        commands(section)
            .into_iter()
            .find(|(line, _)| {
                ["git revert", "gh workflow run", "rollout undo", "helm rollback", "flux resume", "argocd app"]
                    .iter()
                    .any(|command| line.contains(command))
            })
            .map(|(_, place)| place)
    })
}

/// `--atomic` undoes an upgrade that failed to start, not one that turns out to be bad.
fn only_failed_upgrades(run: &Run<'_>) -> bool {
    let text = run.text();
    let atomic = ["--atomic", "--cleanup-on-fail", "--rollback-on-failure"].iter().any(|flag| text.contains(flag));
    atomic && !["helm rollback", "rollout undo", "rollback "].iter().any(|command| text.contains(command))
}

/// A document by which the service is run: others may mention a rollback of anything.
fn operates(document: &Document) -> bool {
    matches!(
        document.kind,
        DocumentKind::Deployment | DocumentKind::Runbook | DocumentKind::Recovery | DocumentKind::Playbook
    )
}

/// The previous version is not there any more when it is wanted.
fn nothing_kept(workload: &Workload) -> Vec<Finding> {
    let mut findings = Vec::new();
    if let Some(limit) = workload.body.at("spec.revisionHistoryLimit").filter(|limit| limit.int() == Some(0)) {
        findings.push(Finding::new(
            &limit.place,
            "revisionHistoryLimit: 0 keeps no revision to go back to",
            "revisionHistoryLimit: 0 不保留可回退的版本",
        ));
    }
    for container in workload.main_containers() {
        let Some(image) = container.image.as_ref().filter(|image| !image.value.templated) else { continue };
        let built_here = workload.body.get("build").is_some();
        if image.value.digest.is_none() && image.value.tag.as_deref().is_some_and(moving) && !built_here {
            findings.push(Finding::new(
                &image.place,
                format!("the previous {} has no name of its own to go back to", image.value.text),
                format!("上一个 {} 没有独立名称，无法回退", image.value.text),
            ));
        }
    }
    findings
}

enum Bound {
    /// Seconds that it takes when every start is as fast, and when every start is as slow, as the probes allow; and
    /// where the figures stand.
    Between {
        least: u32,
        most: u32,
        place: Place,
    },
    /// The previous version still runs or is kept beside the new one.
    Switch,
    Unknown,
}

/// How long a container may take to be ready, by its probes.
struct Start {
    /// Nobody asks before.
    least: u32,
    /// A startup probe gives up here; without one, readiness is taken to say yes when it is asked first.
    most: u32,
    place: Place,
}

fn start(container: &Container) -> Option<Start> {
    let first = |probe: &Probe| probe.initial_delay;
    let ready = container.readiness.as_ref();
    if let Some(probe) = &container.startup {
        let least = first(probe).max(ready.map_or(0, first));
        return Some(Start { least, most: probe.budget().max(least), place: probe.place.clone() });
    }
    let probe = ready?;
    let most = first(probe).saturating_add(probe.period).saturating_add(probe.start_period.unwrap_or(0));
    Some(Start { least: first(probe), most, place: probe.place.clone() })
}

/// Waves of pods, each as long as a pod takes to become ready.
fn bound(evidence: &Evidence<'_>, workload: &Workload) -> Result<Bound, Missing> {
    if matches!(workload.kind, WorkloadKind::KnativeService | WorkloadKind::Platform(_) | WorkloadKind::Rollout) {
        return Ok(Bound::Switch);
    }
    let starts: Vec<Start> = workload.main_containers().filter_map(start).collect();
    let least = starts.iter().map(|start| start.least).max().unwrap_or(0);
    let Some(slowest) = starts.into_iter().max_by_key(|start| start.most) else { return Ok(Bound::Unknown) };
    let settled = number(workload.body.at("spec.minReadySeconds"));
    let replicas = most_replicas(evidence, workload)?.max(1);
    let strategy = workload.body.at("spec.strategy");
    let stopping = workload.grace_seconds.as_ref().map_or(30, |grace| grace.value);
    let (waves, once) = match workload.kind {
        WorkloadKind::Deployment if strategy.and_then(|one| one.str_at("type")) == Some("Recreate") => (1, stopping),
        WorkloadKind::Deployment => {
            let update = strategy.and_then(|one| one.get("rollingUpdate"));
            let surge = share(update.and_then(|one| one.get("maxSurge")), replicas, true);
            let gone = share(update.and_then(|one| one.get("maxUnavailable")), replicas, false);
            (replicas.div_ceil(surge.saturating_add(gone).max(1)), 0)
        }
        // One after the other, from the last to the first.
        WorkloadKind::StatefulSet => (replicas, 0),
        WorkloadKind::ComposeService => (1, 0),
        _ => return Ok(Bound::Unknown),
    };
    let all = |each: u32| waves.saturating_mul(each.saturating_add(settled));
    Ok(Bound::Between { least: all(least), most: all(slowest.most).saturating_add(once), place: slowest.place })
}

/// A number or a percentage of the replicas; 25 % where nothing is written. Surge is rounded up, absence down.
fn share(node: Option<&Node>, replicas: u32, up: bool) -> u32 {
    let text = node.and_then(Node::str).unwrap_or("25%");
    match text.trim().strip_suffix('%') {
        Some(percent) => {
            let part = replicas.saturating_mul(percent.trim().parse().unwrap_or(25));
            if up { part.div_ceil(100) } else { part / 100 }
        }
        None => text.trim().parse().unwrap_or(0),
    }
}

fn number(node: Option<&Node>) -> u32 {
    node.and_then(Node::int).and_then(|number| u32::try_from(number).ok()).unwrap_or(0)
}

/// A rollback that gonogo carried out, from the decision until it was verified.
fn timed(record: &RehearsalRecord, allowed: u32) -> (jiff::civil::Date, Reading) {
    let rehearsal = &record.rehearsal;
    let on = rehearsal.decided.to_zoned(jiff::tz::TimeZone::UTC).date();
    let (place, environment) = (&record.place, &rehearsal.environment);
    let took = rehearsal.took().map(|took| took.as_secs());
    let reading = match took {
        Some(seconds) if seconds < i64::from(allowed) => Reading::shown(
            [place.clone()],
            format!("a rollback of {on} in {environment} took {seconds} s until it was verified"),
            format!("{on} 在 {environment} 的回滚在 {seconds} 秒后得到验证"),
        ),
        Some(seconds) => Reading::refuted(
            vec![Finding::new(
                place,
                format!("a rollback took {seconds} s, less than {allowed} s is asked for"),
                format!("回滚耗时 {seconds} 秒，上限为 {allowed} 秒"),
            )],
            format!("a rollback of {on} in {environment} took too long"),
            format!("{on} 在 {environment} 的回滚超时"),
        ),
        None => Reading::refuted(
            vec![Finding::new(
                place,
                format!("a rollback was not verified: {}", rehearsal.said),
                format!("回滚未得到验证：{}", rehearsal.said),
            )],
            format!("a rollback of {on} in {environment} was not verified"),
            format!("{on} 在 {environment} 的回滚未得到验证"),
        ),
    };
    (on, reading)
}

/// Dated rehearsals that say how long it took.
fn exercised(evidence: &Evidence<'_>, policy: &Policy) -> Result<Reading, Missing> {
    let mut newest: Option<(jiff::civil::Date, Reading)> = None;
    for document in
        evidence.documents()?.iter().filter(|one| one.kind == DocumentKind::Drill && !is_shown_off(&one.place))
    {
        let named = format!("{} {}", document.title, document.place.path()).to_lowercase();
        let (true, Some((on, place))) = (WORDS.iter().any(|word| named.contains(word)), &document.dated) else {
            continue;
        };
        let Some(seconds) = duration(document) else { continue };
        let allowed = policy.rollback_seconds;
        let reading = if seconds < allowed {
            Reading::shown(
                [place.clone()],
                format!("a rehearsal of {on} took {seconds} s"),
                format!("{on} 的演练耗时 {seconds} 秒"),
            )
        } else {
            Reading::refuted(
                vec![Finding::new(
                    place,
                    format!("a rehearsal took {seconds} s, less than {allowed} s is asked for"),
                    format!("演练耗时 {seconds} 秒，上限为 {allowed} 秒"),
                )],
                format!("a rehearsal of {on} took too long"),
                format!("{on} 的演练超时"),
            )
        };
        if newest.as_ref().is_none_or(|(known, _)| on > known) {
            newest = Some((*on, reading.dated(Some(*on))));
        }
    }
    // Before the promotion only traffic is taken from a canary: that is no way back of the service.
    for record in evidence.rehearsals()?.iter().filter(|one| one.rehearsal.after_promotion) {
        let (on, reading) = timed(record, policy.rollback_seconds);
        // A day more, because it is not the same day everywhere.
        if evidence.today().tomorrow().is_ok_and(|tomorrow| on > tomorrow) {
            return Ok(Reading::refuted(
                vec![Finding::new(
                    &record.place,
                    format!("a rollback is dated {on}, which is yet to come"),
                    format!("回滚记录的日期 {on} 尚未到来"),
                )],
                format!("a rollback of {on} is yet to come"),
                format!("{on} 的回滚尚未发生"),
            ));
        }
        if newest.as_ref().is_none_or(|(known, _)| on >= *known) {
            newest = Some((on, reading.dated(Some(on))));
        }
    }
    Ok(newest.map_or_else(
        || {
            Reading::elsewhere(
                Message::new("no dated record of a rehearsed rollback", "没有带日期的回滚演练记录"),
                Message::new("a dated record of a rehearsal with its duration", "带日期和耗时的回滚演练记录"),
            )
        },
        |(_, reading)| reading,
    ))
}

/// What a record says that it took: `Duration: 3 min 20 s`, a table's row, `completed in 140 seconds`.
fn duration(document: &Document) -> Option<u32> {
    const LABELS: &[&str] = &["duration", "took", "elapsed", "completed in", "time to", "total time", "耗时", "用时"];
    let labelled = |line: &str| {
        let lower = line.to_lowercase();
        let at = LABELS.iter().filter_map(|label| Some(lower.find(label)? + label.len())).min()?;
        seconds(lower.get(at..)?)
    };
    document.sections.iter().find_map(|section| {
        let items = section.items.iter().map(|item| item.text.as_str());
        let lines = section.text.lines().chain(items).find_map(labelled);
        let rows = section.tables.iter().flat_map(|table| {
            let down = table.rows.iter().map(|row| row.join(" "));
            let across = table.header.iter().enumerate().flat_map(|(column, head)| {
                table.rows.iter().filter_map(move |row| Some(format!("{head} {}", row.get(column)?)))
            });
            down.chain(across).collect::<Vec<_>>()
        });
        let headed = LABELS.iter().any(|label| section.heading.to_lowercase().contains(label));
        lines
            .or_else(|| rows.collect::<Vec<_>>().iter().find_map(|row| labelled(row)))
            .or_else(|| if headed { seconds(&section.text.to_lowercase()) } else { None })
    })
}

/// The first length of time of a text, in seconds: `3 min 20 s`, `140 seconds`, `00:03:20`, `4 分钟`.
fn seconds(text: &str) -> Option<u32> {
    let text = text.get(..text.floor_char_boundary(80))?;
    let clock = text
        .split(|letter: char| !letter.is_ascii_digit() && letter != ':')
        .find(|word| word.contains(':') && word.len() > 3);
    if let Some(clock) = clock {
        let parts: Option<Vec<u32>> = clock.trim_matches(':').split(':').map(|part| part.parse().ok()).collect();
        return Some(parts?.into_iter().fold(0_u32, |sum, part| sum.saturating_mul(60).saturating_add(part)));
    }
    let mut total: Option<u32> = None;
    let mut rest = text;
    while let Some(start) = rest.find(|letter: char| letter.is_ascii_digit()) {
        let tail = rest.get(start..)?;
        let end = tail.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(tail.len());
        let count: u32 = tail.get(..end)?.parse().ok()?;
        let unit = tail.get(end..)?.trim_start();
        let factor = if unit.starts_with("min") || unit.starts_with("m ") || unit == "m" || unit.starts_with('分') {
            Some(60)
        } else if unit.starts_with('s') || unit.starts_with('秒') {
            Some(1)
        } else if unit.starts_with('h') || unit.starts_with("小时") {
            Some(3600)
        } else {
            None
        };
        match factor {
            Some(factor) => total = Some(total.unwrap_or(0).saturating_add(count.saturating_mul(factor))),
            None if total.is_some() => break,
            None => (),
        }
        rest = tail.get(end..)?;
    }
    total
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expect: Option<u32>) {
        assert_eq!(seconds(text), expect, "{text}");
    }

    #[test]
    fn lengths_of_time_are_read_in_their_common_forms() {
        check(": 3 min 20 s", Some(200));
        check(" 140 seconds", Some(140));
        check(": 00:03:20", Some(200));
        check("：4 分钟", Some(240));
        check(" about 2m", Some(120));
        check(" long", None);
        check(": 3 replicas", None);
    }
}
