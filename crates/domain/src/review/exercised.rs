//! What experiments say joins the readings of the checks that they speak of.

use jiff::{civil::Date, tz::TimeZone};

use crate::{
    Check, Conclusion, Evidence, Finding, Message, Missing, Reading, Readings, Source, Strength,
    evidence::ExerciseRecord,
    exercise::{Answer, Held, Kind},
};

/// A service changes; what it did longer ago says nothing of it.
const FRESH_DAYS: i32 = 90;

/// Adds what the newest exercise that speaks of this check showed.
///
/// Where the judge read something exercised itself (a dated record, a result of another tool), the newer one stays.
pub(super) fn add(check: &Check, evidence: &Evidence<'_>, readings: Readings) -> Readings {
    if !Kind::ALL.iter().any(|kind| kind.checks().contains(&check.id)) {
        return readings;
    }
    let records = match evidence.exercises() {
        Ok(records) => records,
        Err(missing) => return readings.and(Strength::Exercised, Err(missing)),
    };
    let spoken = records.iter().filter_map(|record| {
        let (answer, experiments) = record.exercise.answer(check.id)?;
        let on = experiments.iter().map(|one| one.at.to_zoned(TimeZone::UTC).date()).min()?;
        let kinds = experiments.iter().map(|one| one.kind.id()).collect::<Vec<_>>().join(", ");
        Some(Spoken { record, answer, kinds, on })
    });
    let Some(newest) = spoken.max_by_key(|one| one.on) else { return readings };
    let on = newest.on;
    // That nothing of the kind was found here is no answer.
    let says = |one: &&Reading| !matches!(one.conclusion, Conclusion::NotFound | Conclusion::Unknown);
    let known = readings.get(Strength::Exercised).filter(says);
    if known.is_some_and(|reading| reading.on.is_none_or(|other| other >= on)) {
        return readings;
    }
    readings.and(Strength::Exercised, newest.reading(evidence.today()))
}

/// What a record says about the check.
struct Spoken<'a> {
    record: &'a ExerciseRecord,
    answer: Answer,
    kinds: String,
    /// The day of the oldest experiment that it rests on.
    on: Date,
}

impl Spoken<'_> {
    fn reading(self, today: Date) -> Result<Reading, Missing> {
        let Self { record, answer, kinds, on } = self;
        let service = &record.exercise.service;
        let unknown = |reason: Message| Missing {
            source: Source::Experiments,
            reason,
            settle: Message::new(
                format!("`gonogo exercise` of {service} anew"),
                format!("重新运行 `gonogo exercise`（{service}）"),
            ),
        };
        let age = today.since(on).map_or(0, |span| span.get_days());
        if age > FRESH_DAYS {
            return Err(unknown(Message::new(
                format!("it was exercised {age} days ago, and {FRESH_DAYS} count"),
                format!("{age} 天前做过实验，有效期为 {FRESH_DAYS} 天"),
            )));
        }
        let summary = Message::new(
            format!("{} (experiment {kinds}, {on})", answer.summary.en),
            format!("{}（实验 {kinds}，{on}）", answer.summary.zh),
        );
        let reading = match answer.held {
            Held::Yes => Reading::shown([record.place.clone()], summary.en, summary.zh),
            Held::No => {
                let finding = |miss: &Message| Finding::new(&record.place, miss.en.clone(), miss.zh.clone());
                Reading::refuted(answer.misses.iter().map(finding).collect(), summary.en, summary.zh)
            }
            Held::InPart | Held::Inconclusive => return Err(unknown(summary)),
        };
        Ok(reading.dated(Some(on)))
    }
}
