//! The calls that leave the process, and the time that bounds each.

use gonogo_domain::{
    Evidence, Missing, Place,
    evidence::{Fate, Meaning, SettingValue, SourceCode, Use, UseId},
};

/// What bounds the time of a call.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Bound {
    /// Milliseconds, and where that is written.
    At(f64, Place),
    /// The library's own default holds: milliseconds.
    Default(f64),
    /// Nothing bounds it, and the library waits for ever.
    Never,
    /// It is switched off at this place.
    Off(Place),
    /// A deadline is made here and thrown away.
    Discarded(Place),
    /// Something bounds it, and what it is was not followed.
    NotFollowed(Place),
}

/// The calls of the product that leave the process.
pub(crate) fn calls<'a>(evidence: &Evidence<'a>) -> Result<Vec<(UseId, &'a Use)>, Missing> {
    let source = evidence.source()?;
    let calls = source.uses.iter().enumerate();
    Ok(calls.filter(|(_, one)| one.role.counts() && one.meaning.is_outbound()).collect())
}

/// What bounds the time of one call: the call itself, its client, a deadline around it, the library.
pub(crate) fn bound(source: &SourceCode, id: UseId, call: &Use) -> Bound {
    if let Some(setting) = call.settings.get("timeout") {
        return match &setting.value {
            value if value.milliseconds().is_some_and(|length| length > 0.0) => {
                Bound::At(value.milliseconds().unwrap_or_default(), setting.place.clone())
            }
            SettingValue::Number(number) if *number > 0.0 => Bound::At(*number, setting.place.clone()),
            SettingValue::Duration(_) | SettingValue::Number(_) | SettingValue::Flag(false) => {
                Bound::Off(setting.place.clone())
            }
            _ => Bound::NotFollowed(setting.place.clone()),
        };
    }
    let beside = |one: &&Use| one.meaning == Meaning::Deadline && one.role.counts() && one.function == call.function;
    let deadlines: Vec<&Use> = source.uses.iter().filter(beside).collect();
    let around = source.wrapping(id, &[Meaning::Deadline]);
    let around = around.into_iter().filter_map(|at| source.uses.get(at));
    let mut discarded = None;
    for deadline in around.chain(deadlines.iter().copied().filter(|one| one.place <= call.place)) {
        if deadline.fate == Fate::Dropped {
            discarded = Some(deadline.place.clone());
            continue;
        }
        return match deadline.settings.get("timeout").and_then(|setting| setting.value.milliseconds()) {
            Some(length) => Bound::At(length, deadline.place.clone()),
            None => Bound::NotFollowed(deadline.place.clone()),
        };
    }
    if let Some(place) = discarded {
        return Bound::Discarded(place);
    }
    match call.defaults.get("timeout").map(String::as_str) {
        Some("none") => Bound::Never,
        Some(text) => {
            seconds(text).map_or_else(|| Bound::NotFollowed(call.place.clone()), |it| Bound::Default(it * 1000.0))
        }
        None => Bound::NotFollowed(call.place.clone()),
    }
}

/// `30s` of the tables.
fn seconds(text: &str) -> Option<f64> {
    text.strip_suffix('s')?.parse().ok()
}
