//! The outline of a document in any markup.

use std::sync::Arc;

use gonogo_domain::{
    Node, Place,
    evidence::{CodeBlock, Link, ListItem, Section, Table},
};
use gonogo_formats::markdown;

use super::{asciidoc, markup::Markup, prose::prose, restructured};

/// Sections and front matter.
pub(super) struct Outline {
    pub(super) sections: Vec<Section>,
    pub(super) front_matter: Vec<(String, String, Place)>,
}

impl Outline {
    /// The first heading of the highest level; else what the front matter says, else the file's name.
    pub(super) fn title(&self, name: &str) -> String {
        let headings = || self.sections.iter().filter(|section| !section.heading.is_empty());
        let top = headings().find(|section| section.level == 1).map(|section| section.heading.clone());
        let stated = || {
            let found = self.front_matter.iter().find(|(key, ..)| key.eq_ignore_ascii_case("title"));
            found.map(|(_, title, _)| title.clone())
        };
        let any = || headings().next().map(|section| section.heading.clone());
        top.or_else(stated).or_else(any).unwrap_or_else(|| name.to_owned())
    }
}

pub(super) fn read(path: &Arc<str>, text: &str, markup: Markup) -> Outline {
    match markup {
        Markup::Markdown => markdown(path, text),
        Markup::Mdx => markdown(path, &without_imports(text)),
        Markup::Restructured => restructured::read(path, text),
        Markup::AsciiDoc => asciidoc::read(path, text),
    }
}

/// The headings of a Markdown document without what stands below them: enough to tell that nobody asks for the rest.
pub(super) fn skim(path: &Arc<str>, text: &str) -> Outline {
    let mut outline = Outline { sections: Vec::new(), front_matter: Vec::new() };
    let mut in_matter = false;
    for (number, line) in prose(text, Markup::Markdown) {
        let place = || Place::new(Arc::clone(path), number, 1);
        if line.trim_end() == "---" && (number == 1 || in_matter) {
            in_matter = number == 1;
        } else if in_matter {
            if let Some(title) = line.strip_prefix("title:") {
                let title = title.trim().trim_matches(['"', '\'']);
                outline.front_matter.push(("title".to_owned(), title.to_owned(), place()));
            }
        } else if line.starts_with('#') {
            let heading = line.trim_start_matches('#');
            let level = u8::try_from(line.len() - heading.len()).unwrap_or(u8::MAX);
            if level <= 6 && heading.starts_with([' ', '\t']) {
                let heading = heading.trim().trim_end_matches('#').trim_end().replace(['`', '*'], "");
                outline.sections.push(section(&heading, level, place()));
            }
        }
    }
    outline
}

/// An empty section, for readers to fill.
pub(super) fn section(heading: &str, level: u8, place: Place) -> Section {
    Section {
        heading: heading.to_owned(),
        level,
        place,
        text: String::new(),
        links: Vec::new(),
        code: Vec::new(),
        items: Vec::new(),
        tables: Vec::new(),
        images: Vec::new(),
    }
}

fn markdown(path: &Arc<str>, text: &str) -> Outline {
    let document = markdown::parse(path, text);
    let front_matter = document.front_matter.as_ref().map(scalars).unwrap_or_default();
    let mut sections: Vec<Section> = document.sections.into_iter().map(lower).collect();
    if sections.first().is_some_and(is_empty) {
        sections.remove(0);
    }
    Outline { sections, front_matter }
}

fn is_empty(section: &Section) -> bool {
    section.heading.is_empty()
        && section.text.is_empty()
        && section.links.is_empty()
        && section.code.is_empty()
        && section.images.is_empty()
}

fn scalars(matter: &Node) -> Vec<(String, String, Place)> {
    let scalar = |entry: &gonogo_domain::Entry| {
        Some((entry.key.clone(), entry.node.str()?.trim().to_owned(), entry.node.place.clone()))
    };
    matter.entries().iter().filter_map(scalar).collect()
}

fn lower(section: markdown::Section) -> Section {
    let link = |link: markdown::Link| Link { text: link.text, target: link.target, place: link.place };
    let code = |code: markdown::CodeBlock| CodeBlock { language: code.language, text: code.text, place: code.place };
    let item = |item: markdown::ListItem| ListItem { text: item.text, checked: item.checked, place: item.place };
    let table = |table: markdown::Table| Table { header: table.header, rows: table.rows, place: table.place };
    Section {
        heading: section.heading,
        level: section.level,
        place: section.place,
        text: section.text,
        links: section.links.into_iter().map(link).collect(),
        code: section.code.into_iter().map(code).collect(),
        items: section.list_items.into_iter().map(item).collect(),
        tables: section.tables.into_iter().map(table).collect(),
        images: section.images.into_iter().map(link).collect(),
    }
}

/// Blanks the lines of MDX that are code, so that the others keep their numbers.
fn without_imports(text: &str) -> String {
    let mut fenced = false;
    let mut out = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
        }
        if !fenced && (line.starts_with("import ") || line.starts_with("export ")) {
            out.push('\n');
        } else {
            out.push_str(line);
        }
    }
    out
}
