//! Joins the continued lines of a Dockerfile and takes heredocs out.

use std::sync::Arc;

use gonogo_domain::Place;

use super::instruction::Heredoc;
use super::words;
use crate::ParseError;
use crate::lines::small;

/// Heredocs whose end is looked for in vain before no more are looked for: each costs a pass over the rest.
const MAX_UNENDED: usize = 16;

/// An instruction as one line.
pub(super) struct Line {
    pub(super) text: String,
    /// Where pieces of `text` come from: offset in `text`, line and column in the file.
    pub(super) origin: Vec<(usize, u32, u32)>,
    pub(super) last: u32,
    pub(super) heredocs: Vec<Heredoc>,
}

/// The instructions of a file and its escape character.
pub(super) fn lines(path: &Arc<str>, text: &str, errors: &mut Vec<ParseError>) -> (Vec<Line>, char) {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let escape = escape_directive(text);
    let physical: Vec<&str> = text.lines().collect();
    let mut result = Vec::new();
    let mut next = 0;
    let mut unended = 0;
    while let Some(first) = physical.get(next) {
        let content = first.trim_start();
        if content.is_empty() || content.starts_with('#') {
            next += 1;
            continue;
        }
        let mut line = Line { text: String::new(), origin: Vec::new(), last: 0, heredocs: Vec::new() };
        let mut piece = content;
        loop {
            let raw = physical.get(next).copied().unwrap_or_default();
            let column = raw.len().saturating_sub(piece.len());
            line.origin.push((line.text.len(), small(next + 1), small(column + 1)));
            next += 1;
            let Some(kept) = continued(piece, escape) else {
                line.text.push_str(piece);
                break;
            };
            line.text.push_str(kept);
            // Comments and empty lines do not end a continued instruction.
            while physical.get(next).is_some_and(|line| {
                let line = line.trim();
                line.is_empty() || line.starts_with('#')
            }) {
                next += 1;
            }
            match physical.get(next) {
                Some(following) => piece = following,
                None => break,
            }
        }
        let keyword = line.text.split_whitespace().next().unwrap_or_default();
        if ["RUN", "COPY", "ADD"].iter().any(|with| keyword.eq_ignore_ascii_case(with)) && line.text.contains("<<") {
            for (name, dedent, expand) in words::heredocs(&line.text) {
                let body = physical.get(next..).unwrap_or_default();
                let length = if unended < MAX_UNENDED {
                    body.iter().position(|text| name == if dedent { text.trim_start_matches('\t') } else { text })
                } else {
                    None
                };
                let place = Place::new(Arc::clone(path), small(next + 1), 1);
                let Some(length) = length else {
                    unended += 1;
                    errors.push(ParseError { place, reason: format!("heredoc {name} has no end") });
                    break;
                };
                let mut content = String::new();
                for text in body.iter().take(length) {
                    content.push_str(if dedent { text.trim_start_matches('\t') } else { text });
                    content.push('\n');
                }
                line.heredocs.push(Heredoc { name, text: content, expand, place });
                next += length + 1;
            }
        }
        line.last = small(next);
        result.push(line);
    }
    (result, escape)
}

/// The escape character: directives are the comments at the very top, until one that is none.
fn escape_directive(text: &str) -> char {
    for line in text.lines() {
        let Some((name, value)) = line.trim().strip_prefix('#').and_then(|comment| comment.split_once('=')) else {
            break;
        };
        match name.trim().to_ascii_lowercase().as_str() {
            "escape" => return if value.trim() == "`" { '`' } else { '\\' },
            "syntax" | "check" => (),
            _ => break,
        }
    }
    '\\'
}

/// The line without its escape character, if it goes on in the next: an odd one at the end, blanks after it ignored.
fn continued(line: &str, escape: char) -> Option<&str> {
    let trimmed = line.trim_end_matches([' ', '\t', '\r']);
    let kept = trimmed.strip_suffix(escape)?;
    (!kept.ends_with(escape)).then_some(kept)
}
