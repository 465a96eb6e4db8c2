//! `docs/source-coverage.md`: every line of the source documents with the checks that answer it.

use std::fmt::{self, Write as _};

use gonogo_domain::Check;

use super::{NOTE, cell};
use crate::sources::{self, SourceLine};

pub(super) fn page() -> String {
    let mut text = String::new();
    // Writing to a String cannot fail.
    let _ = write(&mut text);
    text
}

fn write(text: &mut String) -> fmt::Result {
    let catalogue = gonogo_checks::catalogue();
    let lines = sources::all();
    let answers = |line: &SourceLine| -> Vec<&Check> {
        catalogue.iter().copied().filter(|check| check.source.contains(&line.number)).collect()
    };
    let (mut by_check, mut by_other, mut open) = (0, 0, 0);
    let mut rows = String::new();
    for line in &lines {
        let checks = answers(line);
        let answer = match (checks.as_slice(), line.elsewhere) {
            ([], "") => {
                open += 1;
                "**nothing yet**".to_owned()
            }
            ([], elsewhere) => {
                by_other += 1;
                cell(elsewhere)
            }
            (checks, _) => {
                by_check += 1;
                checks.iter().map(|check| format!("`{}`", check.id)).collect::<Vec<_>>().join(", ")
            }
        };
        writeln!(rows, "| {} | {} | {answer} |", line.number, cell(line.about))?;
    }
    writeln!(
        text,
        "# What the sources ask, and what answers it\n\n{NOTE}\n\n\
         The checklist was made from two documents: a production-readiness review (B) and a production checklist for an \
         integration with Clay (C, with the facts behind it in D); G are rules for a checker. Of their {} lines, {by_check} \
         are answered by checks, {by_other} by something else that is named, and {open} by nothing yet.\n\n\
         | Line | About | Answered by |\n|---|---|---|\n{rows}",
        lines.len()
    )?;
    writeln!(text, "## Checks by the lines that they answer\n\n| Check | Lines |\n|---|---|")?;
    for check in &catalogue {
        writeln!(text, "| `{}` | {} |", check.id, check.source.join(", "))?;
    }
    Ok(())
}
