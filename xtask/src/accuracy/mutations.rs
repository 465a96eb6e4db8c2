//! Mutations: what a check rests on is taken out of a service, or something is added that only looks like it.

use gonogo_domain::Outcome;
use serde::Deserialize;

use super::{
    Corpus,
    corpus::{check, judge},
    word,
};

/// One change of one file of a service, and what it does to one check.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mutation {
    pub service: String,
    /// What is changed, in words.
    pub what: String,
    pub check: String,
    /// A file of the service; one that does not exist yet is added.
    pub file: String,
    /// What is replaced; it stands in the file once. Empty: the text is added at the end.
    #[serde(default)]
    pub from: String,
    #[serde(default)]
    pub to: String,
    pub before: Outcome,
    /// The same as before: it only looks as if something had changed.
    pub after: Outcome,
    /// Words of a finding that the change brings about.
    #[serde(default)]
    pub finds: Option<String>,
}

impl Mutation {
    /// It must change nothing.
    pub fn looks_alike(&self) -> bool {
        self.before == self.after && self.finds.is_none()
    }
}

/// The mutations that do something else than the table says.
pub fn problems(corpus: &Corpus) -> anyhow::Result<Vec<String>> {
    let mut problems = Vec::new();
    for mutation in &corpus.mutations {
        let title = format!("{} {}: {}", mutation.service, mutation.check, mutation.what);
        let service = corpus.service(&mutation.service)?;
        let checks = [check(&mutation.check)?];
        let mut files = service.files.clone();
        let text = files.entry(mutation.file.clone()).or_default();
        if mutation.from.is_empty() {
            text.push_str(&mutation.to);
        } else if text.matches(mutation.from.as_str()).count() != 1 {
            let count = text.matches(mutation.from.as_str()).count();
            problems.push(format!("{title}: the text stands {count} times in {}", mutation.file));
            continue;
        } else {
            *text = text.replacen(&mutation.from, &mutation.to, 1);
        }
        let before = judge(&service.name, &service.files, &checks)?;
        let after = judge(&service.name, &files, &checks)?;
        let ([before], [after]) = (before.as_slice(), after.as_slice()) else { continue };
        if before.outcome != mutation.before {
            problems.push(format!("{title}: {} before the change", word(before.outcome)));
        }
        let said = after.said.join("\n      ");
        if after.outcome != mutation.after {
            problems.push(format!("{title}: {} after the change\n      {said}", word(after.outcome)));
        }
        if let Some(words) = &mutation.finds {
            let fresh = |text: &&String| text.contains(words.as_str()) && !before.findings.contains(text);
            if !after.findings.iter().any(|text| fresh(&text)) {
                problems.push(format!("{title}: no new finding says «{words}»\n      {said}"));
            }
        } else if mutation.looks_alike() && before.findings != after.findings {
            problems.push(format!("{title}: the findings are others\n      {said}"));
        }
    }
    Ok(problems)
}
