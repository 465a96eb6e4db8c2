//! Which markup a document is written in, by its file's name.

/// The languages that documents are read in. Plain text is read as Markdown, which it mostly is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Markup {
    Markdown,
    /// Markdown with imports and components.
    Mdx,
    Restructured,
    AsciiDoc,
}

/// Documents that projects keep without an extension, or as `.txt`.
const PLAIN: &[&str] = &[
    "readme",
    "runbook",
    "playbook",
    "security",
    "contributing",
    "changelog",
    "changes",
    "architecture",
    "deploy",
    "deployment",
    "install",
];

impl Markup {
    pub(super) fn of(name: &str) -> Option<Self> {
        let lower = name.to_ascii_lowercase();
        match lower.rsplit_once('.') {
            Some((_, "md" | "markdown")) => Some(Self::Markdown),
            Some((_, "mdx")) => Some(Self::Mdx),
            Some((_, "rst")) => Some(Self::Restructured),
            Some((_, "adoc" | "asciidoc")) => Some(Self::AsciiDoc),
            Some((stem, "txt")) if PLAIN.contains(&stem) => Some(Self::Markdown),
            None if PLAIN.contains(&lower.as_str()) => Some(Self::Markdown),
            _ => None,
        }
    }
}
