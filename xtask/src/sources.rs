//! The lines of the two source documents that the checklist was made from, by their numbers.

/// One line of a source document.
#[derive(Clone, Copy, Debug)]
pub struct SourceLine {
    /// `B4.1b`: document B (the production-readiness review) or C and D (the Clay checklist and its facts), G (rules for
    /// a checker), section, item.
    pub number: &'static str,
    /// What it is about, in our words.
    pub about: &'static str,
    /// What answers it where no check names it; empty: a check must.
    pub elsewhere: &'static str,
}

/// Every line, in the order of the documents.
pub fn all() -> Vec<SourceLine> {
    include_str!("../sources.tsv")
        .lines()
        .skip(1)
        .filter_map(|line| {
            let mut fields = line.split('\t');
            Some(SourceLine {
                number: fields.next()?,
                about: fields.next()?,
                elsewhere: fields.next().unwrap_or_default(),
            })
        })
        .collect()
}
