//! `docs/checks.md`: the catalogue.

use std::fmt::{self, Write as _};

use gonogo_domain::{Area, Check, Classes, Gate, Strength};

use super::{NOTE, cell};

pub(super) fn page() -> String {
    let mut text = String::new();
    // Writing to a String cannot fail.
    let _ = write(&mut text);
    text
}

fn write(text: &mut String) -> fmt::Result {
    let catalogue = gonogo_checks::catalogue();
    writeln!(
        text,
        "# Checks\n\n{NOTE}\n\n\
         {} checks. The title of a check is true when it passes. The link leads to its page: why, what passes, what fails, \
         with examples that run as tests; `gonogo explain ID` shows the same.\n\n\
         - **Level**: the lowest maturity level that asks for it; `–`: none asks, it still counts for the decision.\n\
         - **Gate**: `never` and `blocker` mean NO-GO while it does not hold; only an approver whom the configuration names \
         for it can override a `never`. `required` can be waived. `advised` is only reported.\n\
         - **Min**: the weakest evidence that can make it pass: D declared, C configured, F in force, O observed, X exercised. \
         Weaker evidence makes it partial.\n\
         - **Asks**: the classes of unit that it applies to.\n\
         - **Fresh**: days after which a dated reading is stale.",
        catalogue.len()
    )?;
    for (area, checks) in Area::ALL.iter().zip(gonogo_checks::AREAS) {
        writeln!(
            text,
            "\n## {}\n\n| Check | Title | Level | Gate | Min | Asks | Fresh | Answers | Next step |\n|---|---|---|---|---|---|---|---|---|",
            area.title().en
        )?;
        for check in checks {
            row(text, check)?;
        }
    }
    Ok(())
}

fn row(text: &mut String, check: &Check) -> fmt::Result {
    let file = check.id.replacen('.', "/", 1).replace('-', "_");
    let level = check.level.map_or_else(|| "–".to_owned(), |level| format!("{level:?}"));
    let gate = match check.gate {
        Gate::Advised => "advised",
        Gate::Required => "required",
        Gate::Blocker => "blocker",
        Gate::Never => "never",
    };
    let fresh = check.fresh_days.map_or_else(|| "–".to_owned(), |days| days.to_string());
    write!(
        text,
        "| [{id}](../crates/checks/src/{file}.md) | {en} · {zh} | {level} | {gate} | {min} | {asks} | {fresh} | {source} | {next}",
        id = check.id,
        en = cell(check.title.en),
        zh = cell(check.title.zh),
        min = minimum(check),
        asks = asks(check),
        source = check.source.join(", "),
        next = cell(check.remediation.en),
    )?;
    for (index, link) in check.references.iter().enumerate() {
        write!(text, " [\\[{}\\]]({link})", index + 1)?;
    }
    writeln!(text, " |")
}

/// The letter, and the fields of the dated record that counts as an exercise.
fn minimum(check: &Check) -> String {
    match check.record {
        [] => check.min.letter().to_string(),
        fields if check.min == Strength::Exercised => format!("X, or a record of {}", fields.join(", ")),
        fields => format!("{}; a record has {}", check.min.letter(), fields.join(", ")),
    }
}

fn asks(check: &Check) -> String {
    if check.classes == Classes::ALL {
        return "all".to_owned();
    }
    let names: Vec<String> =
        check.classes.iter().map(|class| serde_json::json!(class).as_str().unwrap_or_default().to_owned()).collect();
    names.join(", ")
}
