//! Documents by their sections, and what kind each is.

mod asciidoc;
mod dates;
mod kinds;
mod markup;
mod placeholders;
mod product;
mod prose;
mod restructured;
mod sections;

use std::sync::Arc;

use gonogo_domain::{
    Gap, Gathered, Place, Source,
    evidence::{Document, DocumentKind, FileEntry, Role},
};
use rayon::prelude::*;

use crate::Corpus;
use kinds::Evidence;
use markup::Markup;
use product::{Audience, ProductTrees};
use sections::Outline;

/// Bytes. A longer document is a log or a generated reference: it is listed as a gap if its path promises more.
const SIZE_LIMIT: u64 = 1 << 20;

pub(crate) fn gather(corpus: &Corpus<'_>) -> Gathered<Document> {
    let entries: Vec<(&FileEntry, Markup)> = corpus
        .files_where(|entry| Markup::of(entry.name()).is_some() && !tells_agents(&entry.path))
        .filter_map(|entry| Some((entry, Markup::of(entry.name())?)))
        .collect();
    let product = ProductTrees::find(
        entries.iter().map(|(entry, _)| &*entry.path),
        corpus.files_where(|entry| product::makes_site(&entry.path)).map(|entry| &*entry.path),
    );
    let read: Vec<Option<Result<Document, Gap>>> =
        entries.par_iter().map(|(entry, markup)| read(corpus, &product, entry, *markup)).collect();

    let (mut items, mut gaps, mut files) = (Vec::new(), Vec::new(), 0);
    for result in read.into_iter().flatten() {
        files += 1;
        match result {
            Ok(document) => items.push(document),
            Err(gap) => gaps.push(gap),
        }
    }
    Gathered::new(items, files, gaps)
}

/// It tells an agent how to work on the program, and nobody how it runs.
fn tells_agents(path: &str) -> bool {
    const FOLDERS: &[&str] =
        &[".agents", ".claude", ".codex", ".cursor", ".gemini", ".junie", ".kiro", ".roo", ".windsurf"];
    path.split('/').any(|part| FOLDERS.contains(&part))
}

fn read(
    corpus: &Corpus<'_>,
    product: &ProductTrees,
    entry: &FileEntry,
    markup: Markup,
) -> Option<Result<Document, Gap>> {
    let audience = product.audience(&entry.path);
    if entry.size > SIZE_LIMIT {
        // A changelog of megabytes hides nothing that a check asks for.
        let promised = kinds::kind(&Evidence { path: &entry.path, title: "", headings: &[], audience });
        let reason = format!("it is larger than {} MiB and was not read", SIZE_LIMIT >> 20);
        return (!matches!(promised, DocumentKind::Other | DocumentKind::Changelog))
            .then(|| Err(Gap { source: Source::Documents, place: Place::whole(Arc::clone(&entry.path)), reason }));
    }
    let text = match text(corpus, &entry.path) {
        Ok(text) => text,
        Err(reason) => {
            let place = Place::whole(Arc::clone(&entry.path));
            return Some(Err(Gap { source: Source::Documents, place, reason }));
        }
    };
    let judge = |outline: &Outline| {
        let headings: Vec<String> = outline.sections.iter().map(|section| section.heading.to_lowercase()).collect();
        let title = outline.title(entry.name());
        let kind = kinds::kind(&Evidence { path: &entry.path, title: &title, headings: &headings, audience });
        (title, kind)
    };
    // Manuals and changelogs are most of the text of many repositories, and no check asks what they say.
    let skimmed = (matches!(markup, Markup::Markdown | Markup::Mdx)).then(|| sections::skim(&entry.path, &text));
    let unasked = skimmed.filter(|outline| match judge(outline).1 {
        DocumentKind::Changelog => true,
        DocumentKind::Other => audience != Audience::Team,
        _ => false,
    });
    let outline = unasked.unwrap_or_else(|| sections::read(&entry.path, &text, markup));
    let (title, kind) = judge(&outline);
    // Test code explains itself; of what lies beside it only the records of runs say how the service does.
    if entry.role == Role::Test && kind != DocumentKind::Drill {
        return None;
    }
    let (dated, placeholders) = match kind {
        DocumentKind::Changelog | DocumentKind::Other => (None, Vec::new()),
        _ => (
            dates::newest(&entry.path, &text, markup, kind, &outline.sections),
            placeholders::find(&entry.path, &text, markup, kind),
        ),
    };
    Some(Ok(Document {
        place: Place::whole(Arc::clone(&entry.path)),
        kind,
        title,
        sections: outline.sections,
        front_matter: outline.front_matter,
        dated,
        placeholders,
    }))
}

/// Prose in an old encoding still says what it says, so that only a file that is no text at all is an error.
fn text(corpus: &Corpus<'_>, path: &str) -> Result<Arc<str>, String> {
    corpus.tree.text(path).or_else(|reason| {
        let bytes = corpus.tree.bytes(path)?;
        if bytes.contains(&0) { Err(reason) } else { Ok(Arc::from(String::from_utf8_lossy(&bytes))) }
    })
}

#[cfg(test)]
mod tests;
