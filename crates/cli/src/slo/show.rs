//! Budgets for people and for programs.

use std::io::{self, Write};

use console::Style;
use gonogo_domain::{
    rules::Span,
    slo::{Budgeting, Decimal, Forecast, Period, Standing, Unknown},
};
use gonogo_report::clean::clean;
use serde_json::{Value, json};

use super::{source::Found, status::Row};

const FORMAT: u32 = 1;

/// A share in percent, with one place.
pub(super) fn percent(share: f64) -> String {
    // Nearly nothing is not shown as all of it, nor as nothing.
    Decimal::of(share * 100.0, 1).map_or_else(|| "?".to_owned(), |number| format!("{number} %"))
}

fn times(burn: f64) -> String {
    Decimal::of(burn, 2).map_or_else(|| "?".to_owned(), |number| format!("{number}×"))
}

/// How long, as people say it: two units.
fn lasting(seconds: u64) -> String {
    let (days, hours, minutes) = (seconds / 86_400, seconds % 86_400 / 3600, seconds % 3600 / 60);
    match (days, hours, minutes) {
        (0, 0, _) => format!("{minutes} min"),
        (0, _, _) => format!("{hours} h {minutes} min"),
        _ => format!("{days} d {hours} h"),
    }
}

pub(super) fn unknown(row: &Row) -> Option<String> {
    if let Some(trouble) = &row.trouble {
        return Some(trouble.clone());
    }
    Some(match row.budget.unknown? {
        Unknown::Nothing => "no series answers its queries".to_owned(),
        Unknown::Silent { seconds } => format!("nothing has measured it for {}", lasting(seconds)),
        Unknown::Gaps { percent } => format!("{percent} % of the time since it was first measured is missing"),
        Unknown::NoEvents => "it is measured, and not one event happened".to_owned(),
    })
}

fn forecast(row: &Row) -> String {
    match row.budget.forecast {
        Forecast::Spent => "the budget is spent".to_owned(),
        Forecast::Within(seconds) => format!("at the rate of the last day it is spent in {}", lasting(seconds)),
        Forecast::Lasts => match row.objective.period {
            Period::Rolling(_) => "at the rate of the last day it lasts".to_owned(),
            Period::Calendar(_) => "at the rate of the last day it lasts to the end of the period".to_owned(),
        },
        Forecast::Unknown => "nothing can be foretold".to_owned(),
    }
}

/// The course of a budget in one line.
fn spark(course: &[Option<f64>]) -> String {
    const LEVELS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let letter = |share: &Option<f64>| match share {
        None => '·',
        Some(share) => {
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "from 0 to 7")]
            let level = (share.clamp(0.0, 1.0) * 7.0).round() as usize;
            LEVELS.get(level).copied().unwrap_or('▁')
        }
    };
    course.iter().map(letter).collect()
}

fn budgeting(budgeting: Budgeting) -> String {
    match budgeting {
        Budgeting::Occurrences => String::new(),
        Budgeting::Timeslices { slice, target } => format!(", slices of {slice} that are {} % good", target.percent()),
        Budgeting::RatioTimeslices { slice } => format!(", by slices of {slice}"),
    }
}

fn period(period: &Period) -> String {
    match period {
        Period::Rolling(length) => format!("{length}"),
        Period::Calendar(calendar) => format!("the calendar's {} ({})", period.length(), calendar.zone.name()),
    }
}

/// A paragraph for each budget.
pub(super) fn table(rows: &[Row], color: bool, of_run: bool, out: &mut dyn Write) -> io::Result<()> {
    for row in rows {
        let objective = &row.objective;
        let style = match row.standing {
            Standing::Open => Style::new().green(),
            Standing::Warning | Standing::Unknown => Style::new().yellow(),
            Standing::Frozen => Style::new().red().bold(),
        };
        let mark = style.force_styling(color).apply_to(format!("{:<8}", row.standing.id()));
        writeln!(
            out,
            "{mark}  {} {}  {} % of {}{}",
            clean(&objective.service),
            clean(&objective.name),
            objective.target.percent(),
            period(&objective.period),
            budgeting(objective.budgeting)
        )?;
        if let Some(reason) = unknown(row) {
            writeln!(out, "          {}", clean(&reason))?;
        }
        if let Some(remaining) = row.budget.remaining {
            let ratio = row.budget.error_ratio.unwrap_or_default();
            let of = if of_run { " if it went on as in this run" } else { "" };
            let left = if remaining < 0.0 {
                format!("the budget is overdrawn by {}{of}", percent(-remaining))
            } else {
                format!("{} of the budget is left{of}", percent(remaining))
            };
            writeln!(
                out,
                "          {left}, {} failed  {}",
                Decimal::of(ratio * 100.0, 4).map_or_else(|| "?".to_owned(), |number| format!("{number} %")),
                spark(&row.budget.course)
            )?;
            if row.standing == Standing::Frozen && remaining > 0.0 {
                writeln!(out, "          it was spent, and thaws above 5 %")?;
            }
            let burns: Vec<String> = row
                .budget
                .burns
                .iter()
                .map(|(window, burn)| format!("{window} {}", burn.map_or_else(|| "–".to_owned(), times)))
                .collect();
            if !of_run {
                writeln!(out, "          burns {}", burns.join("  "))?;
                writeln!(out, "          {}", forecast(row))?;
            }
            let length = objective.period.length().as_seconds() / 86_400;
            if !of_run
                && row.budget.known_days < days(objective.period.length()) * 0.9
                && matches!(objective.period, Period::Rolling(_))
            {
                let known = Decimal::of(row.budget.known_days, 1).unwrap_or_default();
                writeln!(out, "          of {length} days, {known} are known")?;
            }
        }
        for incident in &row.budget.incidents {
            writeln!(
                out,
                "          {} of the budget went between {} and {}: it deserves a postmortem",
                percent(incident.share),
                moment(incident.from),
                moment(incident.until)
            )?;
        }
        if row.series > 1 {
            let labels: Vec<String> = row.labels.iter().map(|(name, value)| format!("{name}={value}")).collect();
            writeln!(out, "          the worst of {} series: {}", row.series, clean(&labels.join(", ")))?;
        }
        for warning in &row.warnings {
            writeln!(out, "          Prometheus warns: {}", clean(warning))?;
        }
    }
    Ok(())
}

#[expect(clippy::cast_precision_loss, reason = "seconds of a year")]
fn days(length: Span) -> f64 {
    length.as_seconds() as f64 / 86_400.0
}

#[expect(clippy::cast_possible_truncation, reason = "seconds since 1970")]
fn moment(seconds: f64) -> String {
    jiff::Timestamp::from_second(seconds as i64).map_or_else(|_| "?".to_owned(), |moment| moment.to_string())
}

/// The same for programs. Numbers that were measured are rounded to six places.
pub(super) fn as_json(rows: &[Row], found: &Found) -> Value {
    let number = |number: f64| Decimal::of(number, 6).map_or(Value::Null, |number| json!(number.to_f64()));
    let budgets: Vec<Value> = rows
        .iter()
        .map(|row| {
            let budget = &row.budget;
            let (forecast, seconds) = match budget.forecast {
                Forecast::Spent => ("spent", None),
                Forecast::Within(seconds) => ("within", Some(seconds)),
                Forecast::Lasts => ("lasts", None),
                Forecast::Unknown => ("unknown", None),
            };
            json!({
                "objective": row.objective.id(),
                "service": row.objective.service,
                "name": row.objective.name,
                "target": row.objective.target.to_f64(),
                "period": row.objective.period.length().to_string(),
                "standing": row.standing,
                "remaining": budget.remaining.map_or(Value::Null, number),
                "error_ratio": budget.error_ratio.map_or(Value::Null, number),
                "burn": budget.burns.iter().map(|(window, burn)| json!({
                    "window": window.to_string(),
                    "rate": burn.map_or(Value::Null, number),
                })).collect::<Vec<_>>(),
                "forecast": forecast,
                "exhausted_in_seconds": seconds,
                "known_days": number(budget.known_days),
                "unknown": unknown(row),
                "incidents": budget.incidents.iter().map(|incident| json!({
                    "from": moment(incident.from),
                    "until": moment(incident.until),
                    "share": number(incident.share),
                })).collect::<Vec<_>>(),
                "course": budget.course.iter().map(|share| share.map_or(Value::Null, number)).collect::<Vec<_>>(),
                "series": row.series,
                "labels": row.labels,
                "warnings": row.warnings,
            })
        })
        .collect();
    let broken: Vec<Value> = found
        .broken
        .iter()
        .map(|(name, place, reason)| json!({"name": name, "place": place.to_string(), "reason": reason}))
        .collect();
    json!({"format": FORMAT, "budgets": budgets, "without_rules": broken})
}
