//! The report as Markdown: the summary of a pull request or of a pipeline run.

use std::{fmt::Write as _, io};

use gonogo_domain::{Finding, Lang, ReasonKind};

use crate::{
    Report,
    clean::clean_to,
    summary::{Cause, causes, rows},
    words,
};

/// Findings that are listed for a check; the JSON has them all.
const FINDINGS: usize = 10;

/// Writes the report.
pub fn write(report: &Report, lang: Lang, out: &mut dyn io::Write) -> io::Result<()> {
    let mut text = String::new();
    // Writing to a String cannot fail.
    let _ = head(&mut text, report, lang);
    for kind in KINDS {
        let of_kind: Vec<Cause<'_>> = causes(report).into_iter().filter(|cause| cause.kind == kind).collect();
        let _ = section(&mut text, kind, &of_kind, report.services.len(), lang);
    }
    let _ = changes(&mut text, report, lang);
    let _ = table(&mut text, report, lang);
    let _ = unread(&mut text, report, lang);
    out.write_all(text.as_bytes())
}

const KINDS: [ReasonKind; 7] = [
    ReasonKind::Overridden,
    ReasonKind::Blocks,
    ReasonKind::BlocksLevel,
    ReasonKind::NotAssessed,
    ReasonKind::Waived,
    ReasonKind::Condition,
    ReasonKind::ConditionNotAssessed,
];

fn head(text: &mut String, report: &Report, lang: Lang) -> std::fmt::Result {
    let revision = report.revision.as_deref().map(|revision| format!(" @ {revision}")).unwrap_or_default();
    writeln!(text, "# {}: {}{}\n", report.decision().title().get(lang), plain(&report.repository), plain(&revision))?;
    writeln!(
        text,
        "| {} | {} | {} | {} | {} |\n|---|---|---|---:|---:|",
        words::SERVICE.get(lang),
        words::DECISION.get(lang),
        words::LEVEL.get(lang),
        words::BLOCKS.get(lang),
        words::UNKNOWN.get(lang)
    )?;
    for review in &report.services {
        let count = |kinds: &[ReasonKind]| review.reasons.iter().filter(|reason| kinds.contains(&reason.kind)).count();
        writeln!(
            text,
            "| {} | **{}** | {} ({} {}) | {} | {} |",
            plain(&review.service.name),
            review.decision.title().get(lang),
            words::level(review.levels.reached, lang),
            words::NEEDS.get(lang),
            review.needed.title().get(lang),
            count(&[ReasonKind::Blocks, ReasonKind::BlocksLevel]),
            count(&[ReasonKind::NotAssessed]),
        )?;
    }
    Ok(())
}

fn section(text: &mut String, kind: ReasonKind, causes: &[Cause<'_>], services: usize, lang: Lang) -> std::fmt::Result {
    if causes.is_empty() {
        return Ok(());
    }
    writeln!(text, "\n## {} ({})\n", words::reason(kind).get(lang), causes.len())?;
    for cause in causes {
        let of = if services > 1 { format!(" · {}/{services}", cause.services.len()) } else { String::new() };
        let gate = words::gate(cause.gate).get(lang);
        writeln!(text, "- **{}** ({gate}{of}): {}", cause.check.id, cause.check.title.get(lang))?;
        for summary in cause.summaries.iter().take(2) {
            writeln!(text, "  - {}", plain(summary.get(lang)))?;
        }
        for finding in cause.findings.iter().take(FINDINGS) {
            writeln!(text, "  - {}", line(finding, lang))?;
        }
        if cause.findings.len() > FINDINGS {
            writeln!(text, "  - … {} {}", cause.findings.len() - FINDINGS, words::MORE.get(lang))?;
        }
        match cause.settle.first() {
            Some(settle) => writeln!(text, "  - {}: {}", words::SETTLED_BY.get(lang), plain(settle.get(lang)))?,
            None => writeln!(text, "  - → {}", cause.check.remediation.get(lang))?,
        }
    }
    Ok(())
}

fn line(finding: &Finding, lang: Lang) -> String {
    let environments = if finding.environments.is_empty() {
        String::new()
    } else {
        format!(" ({})", plain(&finding.environments.join(", ")))
    };
    format!("{} {}{environments}", code(&finding.place.to_string()), plain(finding.message.get(lang)))
}

fn changes(text: &mut String, report: &Report, lang: Lang) -> std::fmt::Result {
    let Some(since) = &report.since else { return Ok(()) };
    writeln!(text, "\n## {} {}\n", words::CHANGED.get(lang), plain(&since.name))?;
    if since.changes.is_empty() {
        writeln!(text, "{}", words::NOTHING_CHANGED.get(lang))?;
    }
    for change in &since.changes {
        writeln!(
            text,
            "- {} **{}**: {} → {} ({})",
            plain(&change.service),
            plain(&change.check),
            words::side(change.before, lang),
            words::side(change.now, lang),
            words::cause(change.cause).get(lang)
        )?;
    }
    Ok(())
}

fn table(text: &mut String, report: &Report, lang: Lang) -> std::fmt::Result {
    writeln!(text, "\n<details><summary>{}</summary>\n\n| | | |\n|---|---|---|", words::PER_AREA.get(lang))?;
    for row in rows(report) {
        let outcomes: Vec<String> = row
            .outcomes()
            .into_iter()
            .map(|(outcome, count)| match report.services.len() {
                1 => words::outcome(outcome).get(lang).to_owned(),
                _ => format!("{count} {}", words::outcome(outcome).get(lang)),
            })
            .collect();
        let mark = row.outcomes().first().map_or("", |(outcome, _)| words::mark(*outcome));
        writeln!(text, "| {mark} | {} | {} |", row.check.id, outcomes.join(", "))?;
    }
    writeln!(text, "\n</details>")
}

fn unread(text: &mut String, report: &Report, lang: Lang) -> std::fmt::Result {
    if report.unread.is_empty() {
        return Ok(());
    }
    writeln!(text, "\n## {} ({})\n", words::UNREAD.get(lang), report.unread.len())?;
    for gap in report.unread.iter().take(FINDINGS) {
        writeln!(text, "- {}: {}", code(&gap.place.to_string()), plain(&gap.reason))?;
    }
    Ok(())
}

/// Text that no reader of Markdown takes for markup, a link, a mention or HTML.
fn plain(text: &str) -> String {
    let mut shown = String::new();
    for letter in clean_to(text, 500).chars() {
        if matches!(letter, '\\' | '`' | '*' | '_' | '[' | ']' | '(' | ')' | '#' | '|' | '~' | '!') {
            shown.push('\\');
        }
        match letter {
            '<' => shown.push_str("&lt;"),
            '>' => shown.push_str("&gt;"),
            '&' => shown.push_str("&amp;"),
            // A zero-width space inside keeps a forge from notifying a stranger.
            '@' => shown.push_str("@\u{200b}"),
            _ => shown.push(letter),
        }
    }
    shown.replace("://", ":\u{200b}//")
}

/// Code that its own text cannot end.
fn code(text: &str) -> String {
    format!("`{}`", clean_to(text, 300).replace('`', "'").replace('|', "\\|"))
}
