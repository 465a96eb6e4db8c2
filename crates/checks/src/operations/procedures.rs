//! Runbooks as they lie in documents: one a file, or several in one.

use std::collections::BTreeSet;

use gonogo_domain::{
    Place,
    evidence::{Document, DocumentKind, Section},
};
use jiff::civil::Date;

use super::links::slug;
use crate::shared::trees::is_shown_off;

/// A part that a runbook needs, with the words that head it.
pub(super) struct Part {
    pub(super) en: &'static str,
    pub(super) zh: &'static str,
    words: &'static [&'static str],
}

/// Source: field-notes B4.5a. The words are those of common templates, Prometheus' own runbooks among them
/// (meaning, impact, diagnosis, mitigation).
pub(super) const PARTS: [Part; 5] = [
    Part {
        en: "symptoms",
        zh: "症状",
        words: &[
            "symptom",
            "detection",
            "signs",
            "what it looks like",
            "meaning",
            "when to use",
            "trigger",
            "alert",
            "impact",
            "problem",
            "overview",
            "症状",
            "现象",
            "表现",
            "告警",
            "触发",
            "影响",
        ],
    },
    Part {
        en: "diagnosis",
        zh: "诊断",
        words: &[
            "diagnos",
            "triage",
            "investigat",
            "debug",
            "possible cause",
            "causes",
            "root cause",
            "troubleshoot",
            "analysis",
            "what to check",
            "first steps",
            "诊断",
            "排查",
            "定位",
            "原因",
            "分析",
        ],
    },
    Part {
        en: "mitigation",
        zh: "缓解",
        words: &[
            "mitigat",
            "remediat",
            "resolution",
            "resolve",
            "procedure",
            "fix",
            "solution",
            "recovery",
            "recover",
            "action",
            "response",
            "workaround",
            "what to do",
            "steps",
            "rollback",
            "缓解",
            "处理",
            "解决",
            "处置",
            "修复",
            "止损",
            "恢复步骤",
            "步骤",
            "操作",
        ],
    },
    Part {
        en: "verification",
        zh: "验证",
        words: &[
            "verif",
            "validat",
            "confirm",
            "how to know",
            "is it fixed",
            "all clear",
            "post-check",
            "success criteria",
            "验证",
            "确认",
            "检查恢复",
        ],
    },
    Part {
        en: "escalation",
        zh: "升级",
        words: &[
            "escalat",
            "contact",
            "who to call",
            "whom to call",
            "get help",
            "support",
            "升级",
            "联系",
            "上报",
            "求助",
        ],
    },
];

/// One runbook.
pub(super) struct Procedure<'a> {
    pub(super) place: Place,
    pub(super) title: String,
    /// Names of [`PARTS`] that have something in them.
    pub(super) parts: BTreeSet<&'static str>,
    pub(super) placeholder: Option<&'a Place>,
    /// When somebody last looked at it, as it says itself.
    pub(super) verified: Option<(Date, &'a Place)>,
    /// Its file holds others too.
    pub(super) one_of_several: bool,
    sections: Vec<&'a Section>,
}

impl Procedure<'_> {
    pub(super) fn is_at(&self, path: &str, anchor: Option<&str>) -> bool {
        self.place.path() == path
            && anchor.is_none_or(|anchor| {
                !self.one_of_several || self.sections.iter().any(|section| slug(&section.heading) == anchor)
            })
    }

    /// Its title or text has the name of an alert as a word.
    pub(super) fn names_one_of(&self, alerts: &BTreeSet<String>) -> bool {
        let mut texts: Vec<&str> = vec![&self.title];
        for section in &self.sections {
            texts.push(&section.heading);
            texts.push(&section.text);
        }
        texts.iter().any(|text| {
            text.split(|letter: char| !letter.is_alphanumeric() && letter != '_' && letter != '-')
                .any(|word| word.len() > 3 && alerts.contains(&word.to_lowercase()))
        })
    }

    /// What it says, without its title: two of the same are one.
    pub(super) fn fingerprint(&self) -> String {
        let mut text = String::new();
        for section in self.sections.iter().skip(1) {
            text.push_str(&section.heading.to_lowercase());
            text.extend(section.text.split_whitespace().map(str::to_lowercase));
            section.code.iter().for_each(|block| text.push_str(block.text.trim()));
        }
        if text.is_empty() {
            text.extend(self.sections.iter().map(|section| section.text.as_str()));
        }
        text
    }
}

/// The runbooks of all documents, in their order. A template is none.
pub(super) fn procedures(documents: &[Document]) -> Vec<Procedure<'_>> {
    let runbook = |document: &&Document| {
        document.kind == DocumentKind::Runbook
            && !is_shown_off(&document.place)
            && !document.place.path().to_lowercase().contains("template")
            && !document.title.to_lowercase().contains("template")
    };
    documents.iter().filter(runbook).flat_map(of_document).collect()
}

/// Runbooks of one file that are read: nobody wrote more.
const MOST: usize = 200;

fn of_document(document: &Document) -> Vec<Procedure<'_>> {
    let heads = heads(&document.sections);
    if heads.len() < 2 {
        let all: Vec<&Section> = document.sections.iter().collect();
        return vec![procedure(document, document.place.clone(), &document.title, all, None)];
    }
    heads
        .into_iter()
        .take(MOST)
        .filter_map(|index| {
            let head = document.sections.get(index)?;
            let below = document.sections.iter().skip(index + 1).take_while(|section| section.level > head.level);
            let sections: Vec<&Section> = std::iter::once(head).chain(below).collect();
            let next = document.sections.get(index + sections.len()).and_then(|next| next.place.line());
            Some(procedure(document, head.place.clone(), &head.heading, sections, Some(next.unwrap_or(u32::MAX))))
        })
        .collect()
}

/// The sections that head a runbook of their own: two or more parts are right below each, or labelled in its text.
fn heads(sections: &[Section]) -> Vec<usize> {
    let mut heads = Vec::new();
    for (index, head) in sections.iter().enumerate().filter(|(_, section)| !section.heading.is_empty()) {
        let below: Vec<&Section> =
            sections.iter().skip(index + 1).take_while(|section| section.level > head.level).collect();
        let nearest = below.iter().map(|section| section.level).min();
        let parts: BTreeSet<&str> = below
            .iter()
            .filter(|section| Some(section.level) == nearest)
            .filter_map(|section| part(&section.heading))
            .collect();
        if parts.len() >= 2 || labels(head).len() >= 2 {
            heads.push(index);
        }
    }
    heads
}

/// One runbook; `end` is the line of the next section where the document holds several.
fn procedure<'a>(
    document: &'a Document,
    place: Place,
    title: &str,
    sections: Vec<&'a Section>,
    end: Option<u32>,
) -> Procedure<'a> {
    let one_of_several = end.is_some();
    let first = sections.first().and_then(|section| section.place.line()).unwrap_or(0);
    let inside = |place: &&Place| end.is_none_or(|end| place.line().is_some_and(|line| line >= first && line < end));
    let mut parts = BTreeSet::new();
    for (index, section) in sections.iter().enumerate() {
        parts.extend(labels(section));
        let below = sections.iter().skip(index + 1).take_while(|other| other.level > section.level);
        let filled = std::iter::once(section).chain(below).any(|section| says_something(section));
        // The title of a runbook names the failure, not one of its parts.
        let titled = one_of_several && index == 0 || section.heading == title;
        if filled && !titled {
            parts.extend(part(&section.heading));
        }
    }
    Procedure {
        place,
        title: title.to_owned(),
        parts,
        placeholder: document.placeholders.iter().find(inside),
        verified: document.dated.as_ref().map(|(date, place)| (*date, place)),
        one_of_several,
        sections,
    }
}

/// A few words, a command, a link or a list: an empty heading promises and does not tell.
fn says_something(section: &Section) -> bool {
    let letters = section.text.chars().filter(|letter| letter.is_alphanumeric()).count();
    letters >= 6 || !section.code.is_empty() || !section.links.is_empty() || !section.tables.is_empty()
}

/// The part that a heading names. The narrow parts are asked first: "verify the fix" verifies.
fn part(heading: &str) -> Option<&'static str> {
    let lower = heading.to_lowercase();
    let order = [4, 3, 1, 2, 0];
    order
        .iter()
        .filter_map(|index| PARTS.get(*index))
        .find(|part| part.words.iter().any(|word| starts_word(&lower, word)))
        .map(|part| part.en)
}

fn starts_word(text: &str, word: &str) -> bool {
    text.match_indices(word).any(|(at, _)| {
        !word.is_ascii()
            || !text.get(..at).and_then(|before| before.chars().next_back()).is_some_and(char::is_alphanumeric)
    })
}

/// Parts that are written as labels: `Symptoms: the queue grows`.
fn labels(section: &Section) -> BTreeSet<&'static str> {
    let items = section.items.iter().map(|item| item.text.as_str());
    let rows =
        section.tables.iter().flat_map(|table| std::iter::once(&table.header).chain(&table.rows)).filter_map(|row| {
            let [name, value, ..] = row.as_slice() else { return None };
            part(name).filter(|_| !value.trim().is_empty() && row.len() == 2)
        });
    let lines = section.text.lines().chain(items).flat_map(|line| {
        // Lines of a paragraph run together: each label is the words before its colon.
        let mut pieces = line.split([':', '：']).peekable();
        let mut found = Vec::new();
        while let Some(piece) = pieces.next() {
            let words: Vec<&str> = piece.split_whitespace().collect();
            let label = words.get(words.len().saturating_sub(2)..).unwrap_or_default().join(" ");
            let said =
                pieces.peek().is_some_and(|after| after.chars().filter(|letter| letter.is_alphanumeric()).count() >= 4);
            let sentence =
                words.len() > 2 && words.iter().rev().nth(2).is_some_and(|word| !word.ends_with(['.', ';', '。']));
            if said && !(sentence && found.is_empty()) {
                found.extend(part(&label));
            }
        }
        found
    });
    rows.chain(lines).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_heading_names_its_part() {
        let check = |heading: &str, expect: Option<&str>| assert_eq!(part(heading), expect, "for {heading:?}");
        check("Symptoms", Some("symptoms"));
        check("How to diagnose", Some("diagnosis"));
        check("Verify the fix", Some("verification"));
        check("升级联系人", Some("escalation"));
        check("Escalation contacts", Some("escalation"));
        check("Mitigation steps", Some("mitigation"));
        check("Prefixes", None);
        check("History", None);
    }
}
