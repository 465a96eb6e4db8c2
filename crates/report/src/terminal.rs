//! The report for a terminal: a tired person reads the top of it in ten seconds.

use std::{fmt::Write as _, io};

use gonogo_domain::{Area, Decision, Finding, Judged, Lang, Message, Outcome, ReasonKind, Review};

use crate::{
    Report,
    clean::{clean, clean_to},
    summary::{Cause, Row, badness, causes, rows},
    words,
};

/// How the report is written.
#[derive(Clone, Copy, Debug)]
pub struct Style {
    pub lang: Lang,
    pub color: bool,
    /// Every reading of every check of every service.
    pub verbose: bool,
    /// Columns.
    pub width: usize,
}

/// Findings that are shown for a check before `--verbose` is needed.
const FINDINGS: usize = 3;

/// Next steps that are shown.
const STEPS: usize = 7;

/// Writes the report.
pub fn write(report: &Report, style: &Style, out: &mut dyn io::Write) -> io::Result<()> {
    let mut page = Page { style, text: String::new() };
    page.head(report);
    page.changes(report);
    let causes = causes(report);
    page.causes(&causes, report.services.len());
    page.steps(&causes);
    page.areas(report);
    if style.verbose {
        page.readings(report);
    }
    page.tail(report);
    out.write_all(page.text.as_bytes())
}

struct Page<'s> {
    style: &'s Style,
    text: String,
}

/// Colours by meaning.
#[derive(Clone, Copy)]
enum Ink {
    Good,
    Bad,
    Warn,
    Dim,
    Strong,
}

impl Page<'_> {
    fn line(&mut self, line: &str) {
        self.text.push_str(line.trim_end());
        self.text.push('\n');
    }

    fn ink(&self, ink: Ink, text: &str) -> String {
        if !self.style.color {
            return text.to_owned();
        }
        let code = match ink {
            Ink::Good => "32",
            Ink::Bad => "31;1",
            Ink::Warn => "33",
            Ink::Dim => "2",
            Ink::Strong => "1",
        };
        format!("\u{1b}[{code}m{text}\u{1b}[0m")
    }

    /// Text that is wrapped at the width, with this indent.
    fn wrapped(&mut self, first: &str, rest: &str, text: &str, ink: Option<Ink>) {
        let mut line = first.to_owned();
        let mut used = columns(first);
        let mut empty = true;
        for (word, glued) in pieces(text) {
            let wide = columns(&word);
            if !empty && used + 1 + wide > self.style.width {
                self.flush(&line, ink);
                rest.clone_into(&mut line);
                used = columns(rest);
                empty = true;
            }
            if !empty && !glued {
                line.push(' ');
                used += 1;
            }
            line.push_str(&word);
            used += wide;
            empty = false;
        }
        self.flush(&line, ink);
    }

    fn flush(&mut self, line: &str, ink: Option<Ink>) {
        let line = match ink {
            Some(ink) => self.ink(ink, line.trim_end()),
            None => line.to_owned(),
        };
        self.line(&line);
    }

    fn heading(&mut self, text: &str) {
        self.line("");
        let text = self.ink(Ink::Strong, text);
        self.line(&text);
    }

    fn head(&mut self, report: &Report) {
        let lang = self.style.lang;
        let revision = report.revision.as_deref().map(|revision| format!(" @ {revision}")).unwrap_or_default();
        let occasion = report.services.first().and_then(|review| review.occasion);
        let occasion = occasion.map(|occasion| format!(" · {}", occasion.id())).unwrap_or_default();
        let head = format!(
            "gonogo {} · {}{} · {}{occasion} · {} {}",
            report.version,
            clean_to(&report.repository, 40),
            clean(&revision),
            report.on,
            report.files,
            words::FILES.get(lang)
        );
        let head = self.ink(Ink::Dim, &head);
        self.line(&head);
        self.line("");
        let decision = report.decision();
        let word = format!(" {} ", decision.title().get(lang));
        let word = if self.style.color {
            let code = match decision {
                Decision::Go => "30;42;1",
                Decision::GoWithConditions | Decision::Incomplete => "30;43;1",
                Decision::NoGo => "37;41;1",
            };
            format!("\u{1b}[{code}m{word}\u{1b}[0m")
        } else {
            format!("[{}]", word.trim())
        };
        match report.services.as_slice() {
            [review] => {
                let line = format!("{word}  {}  {}", clean(&review.service.name), self.level(review));
                self.line(&line);
                self.level_path(review);
            }
            services => {
                let count = match lang {
                    Lang::En => format!("{word}  {} services", services.len()),
                    Lang::Zh => format!("{word}  {} 个服务", services.len()),
                };
                self.line(&count);
                self.table(services);
            }
        }
    }

    fn level(&self, review: &Review) -> String {
        let lang = self.style.lang;
        let (noun_en, noun_zh) = review.service.class.noun();
        let noun = match lang {
            Lang::En => noun_en,
            Lang::Zh => noun_zh,
        };
        format!(
            "{noun} · {} · {} {} ({} {})",
            words::level(review.levels.reached, lang),
            words::NEEDS.get(lang),
            review.needed.title().get(lang),
            words::TIER.get(lang),
            review.service.tier.number()
        )
    }

    fn level_path(&mut self, review: &Review) {
        let lang = self.style.lang;
        if let Some((level, checks)) = review.levels.next() {
            let text = format!("{} {}: {}", words::TO_REACH.get(lang), level.title().get(lang), checks.join(", "));
            self.wrapped("  ", "      ", &text, Some(Ink::Dim));
        }
    }

    fn table(&mut self, services: &[Review]) {
        let lang = self.style.lang;
        let widest = services.iter().map(|review| columns(&clean_to(&review.service.name, 40))).max().unwrap_or(0);
        let wide = widest.max(columns(words::SERVICE.get(lang)));
        let head = format!(
            "  {}  {}  {}  {:>7}  {:>7}",
            padded(words::SERVICE.get(lang), wide),
            padded(words::DECISION.get(lang), 18),
            padded(words::LEVEL.get(lang), 12),
            words::BLOCKS.get(lang),
            words::UNKNOWN.get(lang),
        );
        let head = self.ink(Ink::Dim, &head);
        self.line(&head);
        let mut services: Vec<&Review> = services.iter().collect();
        services.sort_by_key(|review| std::cmp::Reverse(review.decision));
        for review in services {
            let count =
                |kinds: &[ReasonKind]| review.reasons.iter().filter(|reason| kinds.contains(&reason.kind)).count();
            let ink = match review.decision {
                Decision::Go => Ink::Good,
                Decision::NoGo => Ink::Bad,
                Decision::GoWithConditions | Decision::Incomplete => Ink::Warn,
            };
            let decision = self.ink(ink, &padded(review.decision.title().get(lang), 18));
            let line = format!(
                "  {}  {decision}  {}  {:>7}  {:>7}",
                padded(&clean_to(&review.service.name, 40), wide),
                padded(words::level(review.levels.reached, lang), 12),
                count(&[ReasonKind::Blocks, ReasonKind::BlocksLevel]),
                count(&[ReasonKind::NotAssessed]),
            );
            self.line(&line);
        }
    }

    fn changes(&mut self, report: &Report) {
        let Some(since) = &report.since else { return };
        let lang = self.style.lang;
        self.heading(&format!("{} {}", words::CHANGED.get(lang), clean(&since.name)));
        if since.changes.is_empty() {
            self.line(&format!("  {}", words::NOTHING_CHANGED.get(lang)));
        }
        for change in &since.changes {
            let text = format!(
                "{} {}: {} → {} ({})",
                clean(&change.service),
                change.check,
                words::side(change.before, lang),
                words::side(change.now, lang),
                words::cause(change.cause).get(lang)
            );
            self.wrapped("  ", "      ", &text, None);
        }
    }

    fn causes(&mut self, causes: &[Cause<'_>], services: usize) {
        let lang = self.style.lang;
        let mut kind = None;
        for cause in causes {
            let brief =
                matches!(cause.kind, ReasonKind::Condition | ReasonKind::ConditionNotAssessed | ReasonKind::Waived);
            if kind != Some(cause.kind) {
                kind = Some(cause.kind);
                let of_kind = causes.iter().filter(|other| other.kind == cause.kind).count();
                self.heading(&format!("{} ({of_kind})", words::reason(cause.kind).get(lang)));
                if brief && !self.style.verbose {
                    let ids: Vec<&str> =
                        causes.iter().filter(|other| other.kind == cause.kind).map(|other| other.check.id).collect();
                    self.wrapped("  ", "  ", &ids.join(", "), None);
                }
            }
            if brief && !self.style.verbose {
                continue;
            }
            if cause.kind == ReasonKind::NotAssessed && !self.style.verbose {
                self.not_assessed(cause, causes);
            } else {
                self.cause(cause, services);
            }
        }
    }

    /// What waits for the same evidence is one entry: the reason, then the checks.
    fn not_assessed(&mut self, cause: &Cause<'_>, causes: &[Cause<'_>]) {
        let lang = self.style.lang;
        let same = |other: &&Cause<'_>| {
            other.kind == cause.kind
                && other.summaries.first() == cause.summaries.first()
                && other.settle == cause.settle
        };
        let together: Vec<&Cause<'_>> = causes.iter().filter(same).collect();
        if together.first().is_some_and(|first| first.check.id != cause.check.id) {
            return;
        }
        let mark = self.ink(Ink::Warn, "?");
        let ids: Vec<&str> = together.iter().map(|one| one.check.id).collect();
        self.wrapped(&format!("  {mark} "), "    ", &ids.join(", "), None);
        for summary in cause.summaries.iter().take(1) {
            self.wrapped("      ", "      ", &clean(summary.get(lang)), None);
        }
        for settle in cause.settle.iter().take(2) {
            let text = format!("{}: {}", words::SETTLED_BY.get(lang), clean(settle.get(lang)));
            self.wrapped("      ", "        ", &text, Some(Ink::Dim));
        }
    }

    fn cause(&mut self, cause: &Cause<'_>, services: usize) {
        let lang = self.style.lang;
        let (mark, ink) = match cause.kind {
            ReasonKind::NotAssessed | ReasonKind::ConditionNotAssessed => ("?", Ink::Warn),
            ReasonKind::Blocks | ReasonKind::BlocksLevel => ("✗", Ink::Bad),
            ReasonKind::Overridden | ReasonKind::Waived | ReasonKind::Condition => ("!", Ink::Warn),
        };
        let mark = self.ink(ink, mark);
        let id = self.ink(Ink::Strong, cause.check.id);
        let mut line = format!("  {mark} {id}  {}", words::gate(cause.gate).get(lang));
        if services > 1 {
            let names = cause.services.join(", ");
            let _ = match lang {
                Lang::En => write!(line, "  {} of {services}: {}", cause.services.len(), clean_to(&names, 60)),
                Lang::Zh => write!(line, "  {services} 个中 {} 个：{}", cause.services.len(), clean_to(&names, 60)),
            };
        }
        self.line(&line);
        for summary in cause.summaries.iter().take(2) {
            self.wrapped("      ", "      ", &clean(summary.get(lang)), None);
        }
        let shown = if self.style.verbose { usize::MAX } else { FINDINGS };
        for finding in cause.findings.iter().filter(|finding| !only_summary(finding, cause)).take(shown) {
            self.finding(finding);
        }
        if cause.findings.len() > shown {
            let more = format!("        … {} {}", cause.findings.len() - shown, words::MORE.get(lang));
            let more = self.ink(Ink::Dim, &more);
            self.line(&more);
        }
        for settle in cause.settle.iter().take(2) {
            let text = format!("{}: {}", words::SETTLED_BY.get(lang), clean(settle.get(lang)));
            self.wrapped("      ", "        ", &text, Some(Ink::Dim));
        }
    }

    fn finding(&mut self, finding: &Finding) {
        let lang = self.style.lang;
        let mut text = format!("{} {}", clean(&finding.place.to_string()), clean(finding.message.get(lang)));
        if !finding.environments.is_empty() {
            let _ = write!(text, " [{}]", clean(&finding.environments.join(", ")));
        }
        self.wrapped("        ", "          ", &text, None);
        if self.style.verbose {
            for (place, message) in &finding.related {
                let text = format!("{} {}", clean(&place.to_string()), clean(message.get(lang)));
                self.wrapped("            ", "              ", &text, Some(Ink::Dim));
            }
        }
    }

    /// What to do next: what blocks, then what is unknown, each with its remediation and the first place to go to.
    fn steps(&mut self, causes: &[Cause<'_>]) {
        let lang = self.style.lang;
        let steps: Vec<&Cause<'_>> = causes
            .iter()
            .filter(|cause| {
                matches!(
                    cause.kind,
                    ReasonKind::Blocks | ReasonKind::BlocksLevel | ReasonKind::NotAssessed | ReasonKind::Condition
                ) && !cause.out_of_reach
            })
            .collect();
        if steps.is_empty() {
            return;
        }
        self.heading(words::NEXT_STEPS.get(lang));
        for (index, cause) in steps.iter().take(STEPS).enumerate() {
            let step = match (cause.kind, cause.settle.first()) {
                (ReasonKind::NotAssessed, Some(settle)) => {
                    format!("{}: {} {}", cause.check.id, words::SETTLED_BY.get(lang), settle.get(lang))
                }
                _ => cause.check.remediation.get(lang).to_owned(),
            };
            let place = cause.findings.first().map(|finding| format!(" ({})", finding.place)).unwrap_or_default();
            self.wrapped(&format!("  {}. ", index + 1), "     ", &clean(&format!("{step}{place}")), None);
        }
        if steps.len() > STEPS {
            let more = format!("     … {} {}", steps.len() - STEPS, words::MORE.get(lang));
            let more = self.ink(Ink::Dim, &more);
            self.line(&more);
        }
    }

    fn areas(&mut self, report: &Report) {
        let lang = self.style.lang;
        self.heading(words::PER_AREA.get(lang));
        let rows = rows(report);
        for area in Area::ALL {
            let of_area: Vec<&Row<'_>> = rows.iter().filter(|row| row.check.area == area).collect();
            let asked =
                of_area.iter().any(|row| row.outcomes().iter().any(|(outcome, _)| *outcome != Outcome::NotApplicable));
            if !asked {
                continue;
            }
            self.line("");
            self.line(&format!("  {}", area.title().get(lang)));
            for row in of_area {
                self.row(row, report.services.len());
            }
        }
    }

    fn row(&mut self, row: &Row<'_>, services: usize) {
        let lang = self.style.lang;
        let outcomes = row.outcomes();
        let Some((worst, _)) = outcomes.first().copied() else { return };
        let mark = self.ink(ink(worst), words::mark(worst));
        let id = padded(row.check.id, 32);
        let said = if services > 1 {
            let counts: Vec<String> = outcomes
                .iter()
                .map(|(outcome, count)| format!("{count} {}", words::outcome(*outcome).get(lang)))
                .collect();
            counts.join(", ")
        } else {
            row.judged.first().and_then(|(_, one)| telling(one)).map(|text| clean(text.get(lang))).unwrap_or_default()
        };
        let strength = row
            .judged
            .first()
            .filter(|(_, one)| one.outcome() != Outcome::Unknown)
            .and_then(|(_, one)| one.settled.strength)
            .map_or(' ', gonogo_domain::Strength::letter);
        let room = self.style.width.saturating_sub(42).max(20);
        let said = cut(&said, room);
        let said = if worst == Outcome::NotApplicable { self.ink(Ink::Dim, &said) } else { said };
        self.line(&format!("  {mark} {id} {strength} {said}"));
    }

    fn readings(&mut self, report: &Report) {
        for review in &report.services {
            self.heading(&format!("{}  {}", clean(&review.service.name), clean(&review.service.path)));
            let reason = clean(review.service.class_reason.get(self.style.lang));
            self.wrapped("  ", "  ", &reason, Some(Ink::Dim));
            let mut judged: Vec<&Judged> = review.judged.iter().collect();
            judged.sort_by_key(|one| badness(one.outcome()));
            for one in judged {
                self.judged(one);
            }
        }
    }

    fn judged(&mut self, one: &Judged) {
        let lang = self.style.lang;
        let mark = self.ink(ink(one.outcome()), words::mark(one.outcome()));
        let id = self.ink(Ink::Strong, one.check.id);
        self.line(&format!("  {mark} {id}  {}", one.check.title.get(lang)));
        for (strength, reading) in one.readings.iter() {
            let text = format!("{} {}", strength.letter(), clean(reading.summary.get(lang)));
            self.wrapped("      ", "        ", &text, None);
            for finding in &reading.findings {
                self.finding(finding);
            }
            let places: Vec<String> = reading.witnesses.iter().map(|place| clean(&place.to_string())).collect();
            if !places.is_empty() {
                self.wrapped("        ", "          ", &places.join(", "), Some(Ink::Dim));
            }
            if let Some(settle) = &reading.settle {
                let text = format!("{}: {}", words::SETTLED_BY.get(lang), clean(settle.get(lang)));
                self.wrapped("        ", "          ", &text, Some(Ink::Dim));
            }
        }
        if !one.settled.contradicted.is_empty() {
            let text = words::CONTRADICTS.get(lang);
            self.wrapped("      ", "        ", text, Some(Ink::Warn));
        }
        let searched: Vec<String> = one
            .searched
            .iter()
            .map(|searched| format!("{} ({})", searched.source.title().get(lang), searched.files))
            .collect();
        if !searched.is_empty() {
            let text = format!("{}: {}", words::SEARCHED.get(lang), searched.join(", "));
            self.wrapped("      ", "        ", &text, Some(Ink::Dim));
        }
    }

    fn tail(&mut self, report: &Report) {
        let lang = self.style.lang;
        let problems: Vec<_> = report
            .record_problems
            .iter()
            .chain(report.services.iter().flat_map(|review| &review.record_problems))
            .collect();
        if !problems.is_empty() {
            self.heading(words::RECORDS.get(lang));
            let mut lines: Vec<String> =
                problems.iter().map(|one| format!("{} {}", one.place, one.message.get(lang))).collect();
            lines.sort();
            lines.dedup();
            for line in lines {
                self.wrapped("  ", "    ", &clean(&line), None);
            }
        }
        if !report.left_out.is_empty() {
            self.heading(words::LEFT_OUT.get(lang));
            for (name, reason, place) in report.left_out.iter().take(if self.style.verbose { usize::MAX } else { 8 }) {
                self.wrapped("  ", "    ", &clean(&format!("{name}: {} ({place})", reason.get(lang))), Some(Ink::Dim));
            }
        }
        if !report.unread.is_empty() {
            self.heading(&format!("{} ({})", words::UNREAD.get(lang), report.unread.len()));
            for gap in report.unread.iter().take(if self.style.verbose { usize::MAX } else { 5 }) {
                self.wrapped("  ", "    ", &clean(&format!("{}: {}", gap.place, gap.reason)), None);
            }
        }
    }
}

/// The sentence that tells most in one line: where nothing decided, what the weaker evidence says.
fn telling(one: &Judged) -> Option<&Message> {
    let deciding = one.reading().map(|(_, reading)| &reading.summary);
    if one.outcome() != Outcome::Unknown {
        return deciding;
    }
    let weaker = one.settled.strength.and_then(|strength| one.readings.get(strength));
    weaker.map(|reading| &reading.summary).or(deciding)
}

fn only_summary(finding: &Finding, cause: &Cause<'_>) -> bool {
    finding.place.line().is_none() && cause.summaries.iter().any(|summary| summary.en == finding.message.en)
}

fn ink(outcome: Outcome) -> Ink {
    match outcome {
        Outcome::Pass => Ink::Good,
        Outcome::Fail => Ink::Bad,
        Outcome::Partial | Outcome::Stale | Outcome::Unknown => Ink::Warn,
        Outcome::NotApplicable => Ink::Dim,
    }
}

/// Columns that a text takes: Chinese characters and their punctuation take two.
fn columns(text: &str) -> usize {
    text.chars().map(|letter| if wide(letter) { 2 } else { 1 }).sum()
}

fn wide(letter: char) -> bool {
    matches!(u32::from(letter), 0x1100..=0x115f | 0x2e80..=0xa4cf | 0xac00..=0xd7a3 | 0xf900..=0xfaff | 0xfe30..=0xfe6f | 0xff00..=0xff60 | 0xffe0..=0xffe6 | 0x1f300..=0x1faff | 0x20000..=0x3fffd)
}

fn padded(text: &str, width: usize) -> String {
    format!("{text}{}", " ".repeat(width.saturating_sub(columns(text))))
}

fn cut(text: &str, width: usize) -> String {
    if columns(text) <= width {
        return text.to_owned();
    }
    let mut used = 0;
    let mut short: String = text
        .chars()
        .take_while(|letter| {
            used += if wide(*letter) { 2 } else { 1 };
            used < width
        })
        .collect();
    short.push('…');
    short
}

/// The pieces that a line may be broken between, words and single Chinese characters, each with whether it follows the
/// piece before it without a space.
fn pieces(text: &str) -> Vec<(String, bool)> {
    let mut pieces: Vec<(String, bool)> = Vec::new();
    for word in text.split_whitespace() {
        let (mut piece, mut glued) = (String::new(), false);
        for letter in word.chars() {
            if wide(letter) && !piece.is_empty() && !closes(letter) && !piece.ends_with(opens) {
                pieces.push((std::mem::take(&mut piece), glued));
                glued = true;
            }
            piece.push(letter);
        }
        pieces.push((piece, glued));
    }
    pieces
}

/// Punctuation that may not end a line.
fn opens(letter: char) -> bool {
    matches!(letter, '(' | '[' | '（' | '“')
}

/// Punctuation that may not begin a line.
fn closes(letter: char) -> bool {
    matches!(letter, '，' | '。' | '；' | '：' | '）' | '”' | '、' | '！' | '？')
}
