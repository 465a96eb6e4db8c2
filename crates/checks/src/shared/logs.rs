//! What a call of a logger writes: a record, or a line of text.

use std::collections::{BTreeMap, BTreeSet};

use gonogo_domain::{
    Place,
    evidence::{Function, FunctionId, Meaning, SettingValue, SourceCode, Use},
};

use super::program::default;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    /// A record, because of what stands at this place.
    Structured(Place),
    Text,
    /// The trail ends.
    Unknown,
}

/// A logger that was made; one that is off unless asked for counts when it is asked for.
pub(crate) fn in_force(logger: &Use) -> bool {
    default(logger, "enabled") != "no"
        || logger.settings.get("enabled").is_some_and(|setting| setting.value != SettingValue::Flag(false))
}

/// What a logger writes by itself: as it is set, else as its library does.
pub(crate) fn own(logger: &Use) -> Format {
    let set = logger.settings.get("format").map(|setting| &setting.value);
    let json = logger.settings.get("json").map(|setting| &setting.value);
    if json == Some(&SettingValue::Flag(true)) {
        return Format::Structured(logger.place.clone());
    }
    let transport = logger.settings.get("transport").and_then(|setting| setting.value.text());
    if transport.is_some_and(is_pretty) {
        return Format::Text;
    }
    let written: Vec<String> =
        set.map(|value| value.texts().iter().map(|text| text.to_ascii_lowercase()).collect()).unwrap_or_default();
    if written
        .iter()
        .any(|text| text.contains("json") || text.contains("logfmt") || text.contains("ecs") || text.contains("gelf"))
    {
        return Format::Structured(logger.place.clone());
    }
    if written.iter().any(|text| is_pretty(text) || text.contains("text")) {
        return Format::Text;
    }
    match (default(logger, "format"), set) {
        // A format of one's own, or one that is chosen elsewhere.
        ("json" | "logfmt", Some(SettingValue::NotFollowed)) | ("", _) | ("text", Some(_)) => Format::Unknown,
        ("json" | "logfmt", _) => Format::Structured(logger.place.clone()),
        _ => Format::Text,
    }
}

fn is_pretty(text: &str) -> bool {
    ["pretty", "simple", "printf", "colorize", "cli", "console", "dev", "combined", "common", "short", "tiny"]
        .iter()
        .any(|word| text.split(|letter: char| !letter.is_ascii_alphanumeric()).any(|part| part == *word))
}

/// What a call writes: as the loggers of its library are set up; where one is for a terminal and one for production, the
/// latter counts.
pub(crate) fn format(call: &Use, loggers: &[&Use]) -> Format {
    let own_family = default(call, "family");
    // `slog.SetDefault` takes over what the package `log` writes.
    let taken_over = loggers.iter().find(|logger| default(logger, "takes over") == own_family);
    let family = taken_over.map_or(own_family, |logger| default(logger, "family"));
    let kin = loggers.iter().filter(|logger| default(logger, "family") == family);
    let mut found: Option<Format> = None;
    for logger in kin {
        match own(logger) {
            Format::Structured(place) => return Format::Structured(place),
            Format::Text => {
                found.get_or_insert(Format::Text);
            }
            Format::Unknown if logger.settings.contains_key("format") => found = Some(Format::Unknown),
            // A level, an output: nothing of the format.
            Format::Unknown => (),
        }
    }
    found.unwrap_or_else(|| match default(call, "format") {
        "json" | "logfmt" => Format::Structured(call.place.clone()),
        "text" => Format::Text,
        _ => Format::Unknown,
    })
}

/// A logger of the same library that writes records stands beside one for a terminal.
pub(crate) fn replaces(other: &Use, logger: &Use) -> bool {
    default(other, "family") == default(logger, "family") && matches!(own(other), Format::Structured(_))
}

/// The functions that run while the program serves: what listens, what answers, and all that these reach.
pub(crate) fn served(source: &SourceCode) -> BTreeSet<FunctionId> {
    let listens = source.uses.iter().filter(|one| one.meaning == Meaning::Listen).map(|one| one.function);
    let handed = source.uses.iter().filter(|one| {
        matches!(one.meaning, Meaning::Middleware | Meaning::Route | Meaning::QueueConsume | Meaning::Signal)
    });
    let handlers = handed.flat_map(|one| one.wraps.iter().copied());
    let mut served = BTreeSet::new();
    for function in listens.chain(handlers) {
        if !served.contains(&function) {
            served.extend(source.reached(function));
        }
    }
    served
}

/// The functions that a signal alone runs: the logger may be gone by then.
pub(crate) fn last_words(source: &SourceCode) -> BTreeSet<FunctionId> {
    let handlers = source.uses.iter().filter(|one| one.meaning == Meaning::Signal).flat_map(|one| &one.wraps);
    handlers.copied().collect()
}

/// It prints what a command was asked for: on its way to where it ends the process, and, in a language whose programs are
/// commands as often as servers, where nothing serves. What goes on to serve prints beside its logs.
pub(crate) fn of_a_command(source: &SourceCode, call: &Use, served: &BTreeSet<FunctionId>) -> bool {
    let then = default(call, "then");
    if then == "exit" {
        return true;
    }
    let goes_on = || source.uses_of(call.function).any(|(_, one)| one.meaning == Meaning::Listen);
    let go = source.files.iter().any(|file| file.language == "go" && *file.path == *call.place.path());
    match then {
        "later exit" if !goes_on() => true,
        _ if !go || served.is_empty() || served.contains(&call.function) => false,
        "return" => true,
        _ => !goes_on(),
    }
}

/// A logger that the program wrote for itself: functions of one file that go by the names of levels, and are called.
pub(crate) fn own_logger(source: &SourceCode) -> Option<&Function> {
    let level = |function: &Function| {
        let name = function.name.rsplit('.').next().unwrap_or_default().to_ascii_lowercase();
        ["trace", "debug", "info", "warn", "warning", "error", "fatal"].into_iter().find(|level| *level == name)
    };
    let called: BTreeSet<FunctionId> = source.functions.iter().flat_map(|one| one.calls.iter().copied()).collect();
    let mut levels: BTreeMap<&str, (BTreeSet<&str>, &Function)> = BTreeMap::new();
    for (at, function) in source.functions.iter().enumerate() {
        let counts = function.role.counts() && !function.browser && called.contains(&at);
        let Some(level) = level(function).filter(|_| counts) else { continue };
        levels.entry(function.place.path()).or_insert_with(|| (BTreeSet::new(), function)).0.insert(level);
    }
    levels.into_values().find(|(levels, _)| levels.len() >= LEVELS).map(|(_, function)| function)
}

/// An error alone, or an error and a warning, are methods of many things.
const LEVELS: usize = 3;
