//! The matrix of severities, with a deadline in every cell that needs one.

use gonogo_domain::{
    Area, Check, Classes, Evidence, Finding, Gate, Message, Missing, Place, Policy, Reading, Readings, Standard,
    Strength, Tally, Text,
    evidence::{Document, DocumentKind, Table},
};

use crate::shared::{
    figures,
    records::{names_it, row_place, says_something},
    trees::is_shown_off,
};

pub(crate) static CHECK: Check = Check {
    id: "incident.severities",
    title: Text {
        en: "SEV-1..4 with response, escalation and notification deadlines",
        zh: "SEV-1 至 SEV-4 均规定了响应、升级和通知时限",
    },
    source: &["B7.2"],
    standard: Standard::ProductionReadiness,
    area: Area::Incident,
    level: None,
    gate: Gate::Required,
    min: Strength::Configured,
    classes: Classes::LONG_RUNNING,
    fresh_days: None,
    record: &[],
    remediation: Text {
        en: "Write the four severities with respond, escalate and notify deadlines as [[severity]] in gonogo.toml, or as a table in the incident document.",
        zh: "在 gonogo.toml 的 [[severity]] 或事故响应文档的表格中写明四个级别的响应、升级和通知时限。",
    },
    references: &["https://response.pagerduty.com/before/severity_levels/"],
    page: include_str!("severities.md"),
    judge,
};

/// One row of the matrix. A deadline is a text that is known to hold one, with its seconds where it is a figure.
struct Row {
    rank: usize,
    name: String,
    place: Place,
    respond: Option<Deadline>,
    escalate: Option<Deadline>,
    notify: Option<Deadline>,
}

struct Deadline {
    seconds: Option<u64>,
}

fn judge(evidence: &Evidence<'_>, _policy: &Policy) -> Readings {
    Readings::configured(configured(evidence))
}

fn configured(evidence: &Evidence<'_>) -> Result<Reading, Missing> {
    let stated = &evidence.statements().severities;
    if let Some(first) = stated.first() {
        let minutes = |minutes: Option<u32>| minutes.map(|minutes| Deadline { seconds: Some(u64::from(minutes) * 60) });
        let named: Vec<(usize, Row)> = stated
            .iter()
            .filter_map(|one| {
                let rank = rank(&one.name)?;
                let notify = one.notify.as_deref().filter(|text| says_something(text));
                let row = Row {
                    rank,
                    name: one.name.clone(),
                    place: one.place.clone(),
                    respond: minutes(one.respond_minutes),
                    escalate: minutes(one.escalate_minutes),
                    notify: notify.map(|text| Deadline { seconds: figures::duration(text) }),
                };
                Some((rank, row))
            })
            .collect();
        return Ok(matrix(&first.place, &from_one(named.into_iter().map(|(_, row)| row).collect())));
    }
    let documents = evidence.documents()?;
    let found = documents
        .iter()
        .filter(|document| may_hold(document))
        .flat_map(|document| {
            document.sections.iter().flat_map(|section| &section.tables).map(move |table| (document, table))
        })
        .filter_map(|(document, table)| Some((table, rows(document, table)?)))
        .max_by_key(|(_, rows)| rows.iter().map(given).sum::<usize>());
    Ok(match found {
        Some((table, rows)) => matrix(&table.place, &from_one(rows)),
        None => Reading::elsewhere(
            Message::new(
                "no matrix of severities is stated in gonogo.toml or in a document",
                "gonogo.toml 和文档中均没有事故级别表",
            ),
            Message::new("four [[severity]] tables in gonogo.toml", "gonogo.toml 中的四个 [[severity]]"),
        ),
    })
}

fn may_hold(document: &Document) -> bool {
    !is_shown_off(&document.place)
        && !matches!(document.kind, DocumentKind::Postmortem | DocumentKind::Changelog | DocumentKind::Decision)
}

fn given(row: &Row) -> usize {
    1 + usize::from(row.respond.is_some()) + usize::from(row.escalate.is_some()) + usize::from(row.notify.is_some())
}

/// P0 to P3 is the same ladder, counted from zero.
fn from_one(mut rows: Vec<Row>) -> Vec<Row> {
    if rows.iter().any(|row| row.rank == 0) {
        for row in &mut rows {
            row.rank += 1;
        }
    }
    rows
}

/// The number of a severity: `SEV-1`, `P1`, `S1`, `Severity 1 (critical)`, `一级`.
fn rank(name: &str) -> Option<usize> {
    let lower = name.trim().to_lowercase();
    let chinese = ["一级", "二级", "三级", "四级"].iter().position(|word| lower.contains(word));
    if let Some(index) = chinese {
        return Some(index + 1);
    }
    let at = lower.find(|letter: char| letter.is_ascii_digit())?;
    let (before, after) = lower.split_at_checked(at)?;
    let label = before.trim_end_matches(|letter: char| !letter.is_alphabetic());
    let label = label.rsplit(|letter: char| !letter.is_alphabetic()).next().unwrap_or(label);
    let known = ["sev", "p", "s", "severity", "priority", "level", "l", "事故级别", "级别", "优先级"];
    let mut digits = after.chars();
    let digit = digits.next()?.to_digit(10)?;
    let alone = !digits.next().is_some_and(|next| next.is_ascii_digit() || next == '.');
    (alone && digit <= 5 && known.contains(&label)).then(|| usize::try_from(digit).ok()).flatten()
}

/// The rows of a table that is a matrix of severities.
fn rows(document: &Document, table: &Table) -> Option<Vec<Row>> {
    let column = |names: &[&str]| table.header.iter().position(|name| names_it(name, names));
    let starts = |stems: &[&str]| {
        table.header.iter().position(|name| {
            let lower = name.to_lowercase();
            stems.iter().any(|stem| lower.contains(stem))
        })
    };
    let severity = column(&["severity", "sev", "level", "priority", "级别", "等级"]).unwrap_or(0);
    let respond = starts(&["respon", "acknowledg", "ack ", "响应"]);
    let escalate = starts(&["escalat", "升级"]);
    let notify = starts(&["notif", "communicat", "inform", "update", "通知", "沟通"]);
    if respond.is_none() && escalate.is_none() && document.kind != DocumentKind::Playbook {
        return None;
    }
    let deadline = |row: &[String], column: Option<usize>| {
        let column = column?;
        let cell = row.get(column)?;
        let header = table.header.get(column)?;
        // The unit may stand in the header: `Response (min)`.
        let figure = figures::duration(cell).or_else(|| {
            let unit = header.split_once('(')?.1.trim_end_matches(')');
            figures::duration(&format!("{} {unit}", cell.trim()))
        });
        says_something(cell).then_some(Deadline { seconds: figure })
    };
    let rows: Vec<Row> = table
        .rows
        .iter()
        .zip(2_u32..)
        .filter_map(|(row, number)| {
            let name = row.get(severity)?;
            Some(Row {
                rank: rank(name)?,
                name: name.trim().to_owned(),
                place: row_place(table, number),
                respond: deadline(row, respond),
                escalate: deadline(row, escalate),
                notify: deadline(row, notify),
            })
        })
        .collect();
    (rows.len() >= 2).then_some(rows)
}

fn matrix(place: &Place, rows: &[Row]) -> Reading {
    let mut tally = Tally::new();
    for rank in 1..=4_usize {
        let key = format!("SEV-{rank}");
        let Some(row) = rows.iter().find(|row| row.rank == rank) else {
            tally.miss(
                key.clone(),
                Finding::new(place, format!("the matrix has no {key}"), format!("级别表中没有 {key}")),
            );
            continue;
        };
        let missing = missing(row);
        if missing.is_empty() {
            tally.met(key.clone(), &row.place);
        }
        for (en, zh) in missing {
            tally.miss(
                key.clone(),
                Finding::new(&row.place, format!("{} has no {en}", row.name), format!("{} 没有{zh}", row.name)),
            );
        }
        let before = rows.iter().find(|other| other.rank + 1 == rank);
        if let (Some(own), Some(before)) = (respond(row), before)
            && let Some(other) = respond(before).filter(|other| *other > own)
        {
            tally.miss(
                key,
                Finding::new(
                    &row.place,
                    format!(
                        "{} is answered within {}, sooner than {} ({})",
                        row.name,
                        figures::said(own),
                        before.name,
                        figures::said(other)
                    ),
                    format!(
                        "{} 的响应时限为 {}，比 {}（{}）更短",
                        row.name,
                        figures::said_zh(own),
                        before.name,
                        figures::said_zh(other)
                    ),
                ),
            );
        }
    }
    tally.reading("severities have their deadlines", "个事故级别规定了时限")
}

fn respond(row: &Row) -> Option<u64> {
    row.respond.as_ref().and_then(|deadline| deadline.seconds)
}

/// SEV-1 and SEV-2 need figures, SEV-3 may say "next business day", SEV-4 may wait for the next sprint.
fn missing(row: &Row) -> Vec<(&'static str, &'static str)> {
    let figure = |deadline: &Option<Deadline>| deadline.as_ref().is_some_and(|one| one.seconds.is_some());
    let said = |deadline: &Option<Deadline>| deadline.is_some();
    let (respond, escalate, notify) = match row.rank {
        1 | 2 => (figure(&row.respond), figure(&row.escalate), said(&row.notify)),
        3 => (said(&row.respond), said(&row.escalate), said(&row.notify)),
        _ => (said(&row.respond) || said(&row.notify), true, true),
    };
    let mut missing = Vec::new();
    if !respond {
        missing.push(("deadline for the response", "响应时限"));
    }
    if !escalate {
        missing.push(("deadline for the escalation", "升级时限"));
    }
    if !notify {
        missing.push(("notification", "通知要求"));
    }
    missing
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_of_a_severity_is_read() {
        let check = |name: &str, expect: Option<usize>| assert_eq!(rank(name), expect, "for {name:?}");
        check("SEV-1", Some(1));
        check("SEV2", Some(2));
        check("P0 - outage", Some(0));
        check("Severity 3 (minor)", Some(3));
        check("一级", Some(1));
        check("S4", Some(4));
        check("1.2.3", None);
        check("Step 1", None);
        check("HTTP 5", None);
    }
}
