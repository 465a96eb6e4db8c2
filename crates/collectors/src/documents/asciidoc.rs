//! AsciiDoc, as far as an outline needs: headings, attributes, lists, links, images, code and tables.

use std::sync::{Arc, LazyLock};

use gonogo_domain::{
    Place,
    evidence::{CodeBlock, Link, ListItem, Section, Table},
};
use regex::Regex;

use super::sections::{Outline, section};

static LINK: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(
        r"(?:link:|xref:)([^\s\[\]]+)\[([^\]]*)\]|(https?://[^\s\[\]<>]+)(?:\[([^\]]*)\])?|<<([^,>]+)(?:,([^>]*))?>>",
    )
    .expect("is valid")
});
static IMAGE: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"image::?([^\s\[\]]+)\[([^\]]*)\]").expect("is valid"));
static ITEM: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"^\s*(?:\*{1,5}|-|\.{1,5}|\d+\.)\s+(?:\[([ x*])\]\s+)?(.+)$").expect("is valid"));
static HEADING: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"^(={1,6}|#{1,6})\s+(\S.*)$").expect("is valid"));
static ATTRIBUTE: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"^:([A-Za-z][\w-]*):\s*(.*)$").expect("is valid"));

pub(super) fn read(path: &Arc<str>, text: &str) -> Outline {
    let mut outline = Outline { sections: Vec::new(), front_matter: Vec::new() };
    let mut current = section("", 0, Place::new(Arc::clone(path), 1, 1));
    // The language of the next block, from `[source,bash]` or `[mermaid]`.
    let mut language = String::new();
    let mut lines = text.lines().zip(1..).peekable();
    while let Some((line, number)) = lines.next() {
        let place = || Place::new(Arc::clone(path), number, 1);
        let trimmed = line.trim_end();
        if let Some(captures) = HEADING.captures(trimmed) {
            let level = captures.get(1).map_or(1, |marks| marks.len());
            let heading = captures.get(2).map_or("", |heading| heading.as_str());
            push(&mut outline.sections, current);
            current = section(heading, u8::try_from(level).unwrap_or(6), place());
            continue;
        }
        if let Some(captures) = ATTRIBUTE.captures(trimmed)
            && outline.sections.is_empty()
            && let (Some(key), Some(value)) = (captures.get(1), captures.get(2))
        {
            outline.front_matter.push((key.as_str().to_owned(), value.as_str().trim().to_owned(), place()));
            continue;
        }
        if let Some(style) = trimmed.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            let mut parts = style.split(',').map(str::trim);
            let first = parts.next().unwrap_or_default();
            let named = if first == "source" { parts.next().unwrap_or_default() } else { first };
            language = named.to_ascii_lowercase();
            continue;
        }
        let delimiter = ["----", "....", "////", "|==="].into_iter().find(|delimiter| trimmed.starts_with(delimiter));
        if let Some(delimiter) = delimiter.filter(|delimiter| trimmed.chars().skip(1).all(|c| delimiter.ends_with(c))) {
            let mut body = Vec::new();
            for (inner, at) in lines.by_ref() {
                if inner.trim_end() == trimmed {
                    break;
                }
                body.push((inner, at));
            }
            match delimiter {
                "////" => (),
                "|===" => current.tables.push(table(&body, place())),
                _ => {
                    let text: Vec<&str> = body.iter().map(|(line, _)| *line).collect();
                    let language = std::mem::take(&mut language);
                    current.code.push(CodeBlock { language, text: text.join("\n"), place: place() });
                }
            }
            continue;
        }
        if trimmed.starts_with("//") {
            continue;
        }
        language.clear();
        prose(&mut current, trimmed, &place());
    }
    push(&mut outline.sections, current);
    outline
}

fn push(sections: &mut Vec<Section>, section: Section) {
    let empty = section.level == 0
        && section.text.is_empty()
        && section.code.is_empty()
        && section.tables.is_empty()
        && section.images.is_empty();
    if !empty {
        sections.push(section);
    }
}

fn prose(section: &mut Section, line: &str, place: &Place) {
    for captures in IMAGE.captures_iter(line) {
        let part = |index: usize| captures.get(index).map_or_else(String::new, |part| part.as_str().to_owned());
        section.images.push(Link { text: part(2), target: part(1), place: place.clone() });
    }
    let line = IMAGE.replace_all(line, "");
    for captures in LINK.captures_iter(&line) {
        let part = |one: usize, other: usize| {
            captures.get(one).or_else(|| captures.get(other)).map(|part| part.as_str().to_owned())
        };
        let target = part(1, 3).or_else(|| part(5, 5).map(|id| format!("#{id}"))).unwrap_or_default();
        let text = part(2, 4).or_else(|| part(6, 6)).unwrap_or_else(|| target.clone());
        section.links.push(Link { text, target, place: place.clone() });
    }
    let line = LINK.replace_all(&line, "$2$4$6");
    let mut text = line.trim();
    if let Some(captures) = ITEM.captures(&line)
        && let Some(item) = captures.get(2)
    {
        text = item.as_str();
        let checked = captures.get(1).map(|mark| mark.as_str() != " ");
        section.items.push(ListItem { text: text.to_owned(), checked, place: place.clone() });
    }
    if !text.is_empty() {
        section.text.push_str(text);
        section.text.push('\n');
    }
}

/// Cells begin with `|`. A row is a line; where each cell has its own line, the first line says how many make a row.
fn table(body: &[(&str, u32)], place: Place) -> Table {
    let cells = |line: &str| -> Vec<String> { line.split('|').skip(1).map(|cell| cell.trim().to_owned()).collect() };
    let mut rows = body.iter().map(|(line, _)| *line).filter(|line| line.starts_with('|')).map(cells);
    let header = rows.next().unwrap_or_default();
    let width = header.len().max(1);
    let mut grouped: Vec<Vec<String>> = Vec::new();
    for row in rows {
        match grouped.last_mut() {
            Some(last) if last.len() < width && row.len() < width => last.extend(row),
            _ => grouped.push(row),
        }
    }
    Table { header, rows: grouped, place }
}
