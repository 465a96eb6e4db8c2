//! docs/experiments.md: what is done, and which checks it speaks of.

use std::fmt::Write as _;

use gonogo_domain::exercise::Kind;

pub(super) fn page() -> String {
    let mut page = format!(
        "{}\n\n# Experiments\n\n`gonogo exercise` makes them in this order; [exercise.md](exercise.md) says how.\n\n",
        super::NOTE
    );
    page.push_str("| id | holds if all is well | checks |\n|---|---|---|\n");
    for kind in Kind::ALL {
        let checks: Vec<String> = kind.checks().iter().map(|check| format!("[`{check}`](checks.md)")).collect();
        // Writing to a String cannot fail.
        let _ = writeln!(page, "| `{}` | {} | {} |", kind.id(), kind.hypothesis().en, checks.join(", "));
    }
    page
}
