//! `docs/accuracy.md`: precision and recall per check, the services, what we get wrong.

use std::{
    collections::BTreeMap,
    fmt::{self, Write as _},
};

use super::{Compared, Corpus, fault, word};

/// From the root of the workspace.
pub const PATH: &str = "docs/accuracy.md";

/// How labels and verdicts stand to each other.
#[derive(Clone, Copy, Debug, Default)]
struct Count {
    labels: usize,
    /// The same word.
    same: usize,
    /// A fault, and we say so.
    found: usize,
    /// No fault, and we say that there is one.
    alarms: usize,
    /// A fault, and we say that there is none.
    missed: usize,
    /// No fault, and we say so.
    clean: usize,
    /// It can be known, and we say that we don't know.
    undecided: usize,
    /// The repository does not say.
    open: usize,
}

impl Count {
    fn add(&mut self, one: &Compared) {
        self.labels += 1;
        self.same += usize::from(one.agrees());
        match (fault(one.label.is), fault(one.ours)) {
            (None, _) => self.open += 1,
            (Some(_), None) => self.undecided += 1,
            (Some(true), Some(true)) => self.found += 1,
            (Some(true), Some(false)) => self.missed += 1,
            (Some(false), Some(true)) => self.alarms += 1,
            (Some(false), Some(false)) => self.clean += 1,
        }
    }

    fn cells(&self) -> String {
        format!(
            "{} | {} | {} | {} | {} | {} | {} | {} | {} | {}",
            self.labels,
            self.same,
            self.found,
            self.alarms,
            self.missed,
            self.clean,
            self.undecided,
            self.open,
            share(self.found, self.found + self.alarms),
            share(self.found, self.found + self.missed),
        )
    }
}

/// A share in percent, rounded; `–` of nothing.
fn share(part: usize, whole: usize) -> String {
    match whole {
        0 => "–".to_owned(),
        _ => format!("{} %", (part * 200 + whole) / (whole * 2)),
    }
}

fn by(compared: &[Compared], key: impl Fn(&Compared) -> &str) -> BTreeMap<&str, Count> {
    let mut counts: BTreeMap<&str, Count> = BTreeMap::new();
    for one in compared {
        counts.entry(key(one)).or_default().add(one);
    }
    counts
}

fn total(compared: &[Compared]) -> Count {
    let mut count = Count::default();
    for one in compared {
        count.add(one);
    }
    count
}

/// The tables alone.
pub(super) fn summary(compared: &[Compared]) -> String {
    let mut text = String::new();
    // Writing to a String cannot fail.
    let _ = tables(&mut text, compared);
    text
}

const COLUMNS: &str = "Labels | Same | Faults found | False alarms | Missed | Clean | Undecided | Open | Precision | Recall |\n\
                       |---|---|---|---|---|---|---|---|---|---|---|";

fn tables(text: &mut String, compared: &[Compared]) -> fmt::Result {
    writeln!(text, "| Check | {COLUMNS}")?;
    for (check, count) in by(compared, |one| &one.check) {
        writeln!(text, "| `{check}` | {} |", count.cells())?;
    }
    writeln!(text, "| **all** | {} |", total(compared).cells())?;
    writeln!(text, "\n| Service | {COLUMNS}")?;
    for (service, count) in by(compared, |one| &one.service) {
        writeln!(text, "| {service} | {} |", count.cells())?;
    }
    Ok(())
}

/// The whole page.
pub fn page(corpus: &Corpus, compared: &[Compared]) -> String {
    let mut text = String::new();
    // Writing to a String cannot fail.
    let _ = write(&mut text, corpus, compared);
    text
}

fn write(text: &mut String, corpus: &Corpus, compared: &[Compared]) -> fmt::Result {
    writeln!(text, "{HEAD}")?;
    tables(text, compared)?;
    writeln!(text, "\n## Services\n\n| Service | Framework | Language | Files |\n|---|---|---|---|")?;
    for service in &corpus.services {
        let labels = &service.labels;
        writeln!(
            text,
            "| [{name}](../corpus/{name}/expected.toml) | {} | {} | {} |",
            labels.framework,
            labels.language,
            service.files.len(),
            name = service.name,
        )?;
    }
    writeln!(
        text,
        "\n## Where we differ from the label\n\n| Service | Check | Label | Ours | Why it is left so |\n|---|---|---|---|---|"
    )?;
    let mut none = true;
    for one in compared.iter().filter(|one| !one.agrees()) {
        none = false;
        let reason = corpus.reason(one).map_or("**no reason yet**", |known| known.because.as_str());
        writeln!(
            text,
            "| {} | `{}` | {}: {} | {} | {} |",
            one.service,
            one.check,
            word(one.label.is),
            crate::docs::cell(&one.label.because),
            word(one.ours),
            crate::docs::cell(reason)
        )?;
    }
    if none {
        writeln!(text, "| – | – | – | – | – |")?;
    }
    writeln!(
        text,
        "\n## Mutations\n\nWhat a check rests on is taken out of a service, and the check must change; something that only \
         looks like it is added, and it must not.\n\n| Service | Check | What is changed | Before | After |\n|---|---|---|---|---|"
    )?;
    for mutation in &corpus.mutations {
        let after = match (mutation.looks_alike(), mutation.before == mutation.after) {
            (true, _) => "the same",
            (false, true) => "one finding more",
            (false, false) => word(mutation.after),
        };
        writeln!(
            text,
            "| {} | `{}` | {} | {} | {after} |",
            mutation.service,
            mutation.check,
            crate::docs::cell(&mutation.what),
            word(mutation.before)
        )?;
    }
    Ok(())
}

const HEAD: &str = "\
# How right we are

<!-- Written by `cargo xtask docs`. Change the code or the corpus, not this page. -->

`corpus/` holds small services, one for each framework, written as the framework's documentation teaches. Each does some
things right and others wrong, and holds what only looks right: comments, texts, tests, code that nothing calls. A person
read each program and labelled what every check should say of it; `cargo xtask accuracy` compares.

A fault that is there (label *fail* or *partial*) and that we report is *found*; one that we report and that is not there
is a *false alarm*; one that is there and that we pass is *missed*. *Precision* is found / (found + false alarms),
*recall* found / (found + missed). *Undecided* are those of which we say that we do not know although the program says it;
they are in neither figure. *Open* are those where the label itself says that the repository does not decide. *Same* counts
the labels to which we say exactly the same word. The services are ours and small, and we looked at what was wrong while
we wrote them: on code that nobody has looked at the figures are lower.
";
