//! reStructuredText, as far as an outline needs: headings, fields, lists, links, images, code and grid tables.

use std::sync::{Arc, LazyLock};

use gonogo_domain::{
    Place,
    evidence::{CodeBlock, Link, ListItem, Section, Table},
};
use regex::Regex;

use super::sections::{Outline, section};

static LINK: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"`([^`<]*?)\s*<([^`>\s]+)>`_{1,2}|:(?:doc|ref):`(?:([^`<]*)<)?([^`>]+)>?`|(https?://[^\s<>`\])]+)")
        .expect("is valid")
});
static ITEM: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"^\s*(?:[-*+•]|\d+[.)]|#\.)\s+(?:\[([ xX])\]\s+)?(.+)$").expect("is valid"));
static FIELD: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"^:([A-Za-z][\w -]*):\s+(\S.*)$").expect("is valid"));
static DIRECTIVE: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"^\s*\.\.\s+([A-Za-z][\w-]*)::\s*(.*)$").expect("is valid"));

pub(super) fn read(path: &Arc<str>, text: &str) -> Outline {
    let lines: Vec<&str> = text.lines().collect();
    let line = |index: usize| lines.get(index).copied();
    let place = |index: usize| Place::new(Arc::clone(path), u32::try_from(index + 1).unwrap_or(u32::MAX), 1);
    let mut outline = Outline { sections: Vec::new(), front_matter: Vec::new() };
    let mut current = section("", 0, place(0));
    // A level is what its adornment is: the first kind seen is the highest.
    let mut styles: Vec<(char, bool)> = Vec::new();
    let mut at = 0;
    while let Some(text) = line(at) {
        if let Some((heading, style, used)) = heading(text, line(at + 1), line(at + 2)) {
            let known = styles.iter().position(|known| *known == style).unwrap_or_else(|| {
                styles.push(style);
                styles.len() - 1
            });
            if current.level > 0 || !is_empty(&current) {
                outline.sections.push(current);
            }
            current = section(heading, u8::try_from(known + 1).unwrap_or(6).min(6), place(at));
            at += used;
            continue;
        }
        if let Some(captures) = DIRECTIVE.captures(text) {
            let part = |index: usize| captures.get(index).map_or("", |part| part.as_str().trim());
            let end = block_end(&lines, at);
            match part(1) {
                "image" | "figure" => {
                    let target = part(2).to_owned();
                    current.images.push(Link { text: String::new(), target, place: place(at) });
                }
                name @ ("code-block" | "code" | "sourcecode" | "mermaid" | "uml" | "graphviz" | "literalinclude") => {
                    let language = if name.contains("code") { part(2) } else { name };
                    let body = block(&lines, at + 1, end);
                    let language = language.to_ascii_lowercase();
                    current.code.push(CodeBlock { language, text: body, place: place(at) });
                }
                // Notes and warnings are prose.
                "note" | "warning" | "important" | "tip" | "danger" | "caution" | "admonition" | "attention" => {
                    for index in at + 1..end {
                        prose(&mut current, line(index).unwrap_or_default(), &place(index));
                    }
                }
                _ => (),
            }
            at = end;
            continue;
        }
        if text.trim_start().starts_with(".. ") {
            at = block_end(&lines, at);
            continue;
        }
        if text.starts_with('+') && text.trim_end().len() > 2 && text.chars().all(|mark| "+-= ".contains(mark)) {
            let end = (at..lines.len()).find(|index| !line(*index).is_some_and(|line| line.starts_with(['+', '|'])));
            let end = end.unwrap_or(lines.len());
            current.tables.push(grid(lines.get(at..end).unwrap_or_default(), place(at)));
            at = end;
            continue;
        }
        if let Some(captures) = FIELD.captures(text)
            && let (Some(key), Some(value)) = (captures.get(1), captures.get(2))
            && outline.sections.is_empty()
        {
            outline.front_matter.push((key.as_str().to_owned(), value.as_str().trim().to_owned(), place(at)));
        }
        prose(&mut current, text, &place(at));
        at += 1;
        if text.trim_end().ends_with("::") {
            let end = block_end(&lines, at - 1);
            let body = block(&lines, at, end);
            if !body.is_empty() {
                current.code.push(CodeBlock { language: String::new(), text: body, place: place(at) });
            }
            at = end;
        }
    }
    if current.level > 0 || !is_empty(&current) {
        outline.sections.push(current);
    }
    outline
}

fn is_empty(section: &Section) -> bool {
    section.text.is_empty() && section.code.is_empty() && section.images.is_empty() && section.tables.is_empty()
}

/// A heading with its adornment and the lines that it takes.
fn heading<'a>(
    first: &'a str,
    second: Option<&'a str>,
    third: Option<&'a str>,
) -> Option<(&'a str, (char, bool), usize)> {
    let second = second?;
    if let Some(mark) = adornment(first)
        && let Some(under) = third
        && adornment(under) == Some(mark)
        && !second.trim().is_empty()
    {
        return Some((second.trim(), (mark, true), 3));
    }
    let mark = adornment(second)?;
    let long = second.trim_end().chars().count() >= first.trim_end().chars().count().min(4);
    (long && !first.trim().is_empty() && !first.starts_with([' ', '\t']) && adornment(first).is_none()).then_some((
        first.trim(),
        (mark, false),
        2,
    ))
}

/// The mark of a line that is nothing but one punctuation mark, at least three times.
fn adornment(line: &str) -> Option<char> {
    let line = line.trim_end();
    let mark = line.chars().next().filter(|mark| "=-~^\"'#*+.:_`".contains(*mark))?;
    (line.len() >= 3 && line.chars().all(|other| other == mark)).then_some(mark)
}

/// Where the indented block below a line ends.
fn block_end(lines: &[&str], at: usize) -> usize {
    let indent = |line: &str| line.len() - line.trim_start().len();
    let outer = lines.get(at).map_or(0, |line| indent(line));
    let inside = |line: &&str| line.trim().is_empty() || indent(line) > outer;
    at + 1 + lines.iter().skip(at + 1).take_while(|line| inside(line)).count()
}

/// A block without its options and the blank lines around it.
fn block(lines: &[&str], from: usize, to: usize) -> String {
    let body = lines.get(from..to).unwrap_or_default();
    let body: Vec<&str> = body
        .iter()
        .map(|line| line.trim_end())
        .skip_while(|line| line.trim().is_empty() || line.trim().starts_with(':'))
        .collect();
    let indent = body.iter().filter(|line| !line.is_empty()).map(|line| line.len() - line.trim_start().len()).min();
    let cut: Vec<&str> = body.iter().map(|line| line.get(indent.unwrap_or(0)..).unwrap_or_default()).collect();
    cut.join("\n").trim_end().to_owned()
}

fn prose(section: &mut Section, line: &str, place: &Place) {
    for captures in LINK.captures_iter(line) {
        let part = |index: usize| captures.get(index).map(|part| part.as_str().trim().to_owned());
        let target = part(2).or_else(|| part(4)).or_else(|| part(5)).unwrap_or_default();
        let text = part(1).or_else(|| part(3)).unwrap_or_else(|| target.clone());
        section.links.push(Link { text, target, place: place.clone() });
    }
    let plain = LINK.replace_all(line, "$1$3$5");
    let plain = plain.replace("**", "").replace("``", "");
    let mut text = plain.trim();
    if let Some(captures) = ITEM.captures(&plain)
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

fn grid(lines: &[&str], place: Place) -> Table {
    let mut rows: Vec<Vec<String>> = Vec::new();
    let mut fresh = true;
    for line in lines {
        if line.starts_with('+') {
            fresh = true;
            continue;
        }
        let cells = line.trim_matches('|').split('|').map(|cell| cell.trim().to_owned());
        match rows.last_mut() {
            // A cell goes on in the next line of its row.
            Some(row) if !fresh => {
                for (cell, more) in row.iter_mut().zip(cells).filter(|(_, more)| !more.is_empty()) {
                    cell.push(' ');
                    cell.push_str(&more);
                }
            }
            _ => rows.push(cells.collect()),
        }
        fresh = false;
    }
    let mut rows = rows.into_iter();
    Table { header: rows.next().unwrap_or_default(), rows: rows.collect(), place }
}
