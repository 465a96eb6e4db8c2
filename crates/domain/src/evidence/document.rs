//! Documents by their sections: runbooks, postmortems, decisions, policies.

use jiff::civil::Date;

use crate::Place;

/// A Markdown, reStructuredText or AsciiDoc document.
#[derive(Clone, Debug)]
pub struct Document {
    pub place: Place,
    pub kind: DocumentKind,
    /// The first heading, else the file's name.
    pub title: String,
    /// In the order of the file; text before the first heading is a section with an empty heading. Changelogs, and
    /// `Other` in manuals for users, have their headings only.
    pub sections: Vec<Section>,
    /// Keys of the front matter with scalar values.
    pub front_matter: Vec<(String, String, Place)>,
    /// The newest date that the document gives for itself (`Date:`, `Last verified:`, `last_reviewed:`), not file times.
    pub dated: Option<(Date, Place)>,
    /// Unfilled template parts: `[describe …]`, `TODO`, `HH:MM`, `@name`, `<your …>`.
    pub placeholders: Vec<Place>,
}

impl Document {
    /// Sections whose heading contains one of these words, in lower case.
    pub fn sections_about<'a>(&'a self, words: &'a [&'a str]) -> impl Iterator<Item = &'a Section> {
        self.sections.iter().filter(move |section| {
            let heading = section.heading.to_lowercase();
            words.iter().any(|word| heading.contains(word))
        })
    }

    /// The whole text, headings included, in lower case.
    pub fn lower_text(&self) -> String {
        let mut text = String::new();
        for section in &self.sections {
            text.push_str(&section.heading.to_lowercase());
            text.push('\n');
            text.push_str(&section.text.to_lowercase());
            text.push('\n');
        }
        text
    }

    /// Words of prose, code left out.
    pub fn words(&self) -> usize {
        self.sections.iter().map(|section| section.text.split_whitespace().count()).sum()
    }
}

/// What a document is, by its path, title and sections.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DocumentKind {
    Readme,
    Runbook,
    /// Who is on call, when, how to escalate and communicate.
    Playbook,
    Postmortem,
    /// An architecture decision record.
    Decision,
    Architecture,
    /// Backup, restore, recovery objectives.
    Recovery,
    Retention,
    /// A dated record of a drill: game day, restore, rollback rehearsal, load test.
    Drill,
    /// Service level agreement.
    Sla,
    Security,
    Deployment,
    /// A shift's handoff or its template.
    Handoff,
    Contributing,
    Changelog,
    Other,
}

#[derive(Clone, Debug)]
pub struct Section {
    pub heading: String,
    /// 1–6; 0 before the first heading.
    pub level: u8,
    pub place: Place,
    /// The section's own prose, without its subsections, markup removed.
    pub text: String,
    pub links: Vec<Link>,
    pub code: Vec<CodeBlock>,
    /// List items in order; `checked` for task lists.
    pub items: Vec<ListItem>,
    pub tables: Vec<Table>,
    pub images: Vec<Link>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    pub text: String,
    pub target: String,
    pub place: Place,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CodeBlock {
    pub language: String,
    pub text: String,
    pub place: Place,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListItem {
    pub text: String,
    pub checked: Option<bool>,
    pub place: Place,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    pub header: Vec<String>,
    pub rows: Vec<Vec<String>>,
    pub place: Place,
}
