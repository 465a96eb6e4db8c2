//! The lines of a document that are prose: neither code blocks nor comments.

use super::markup::Markup;

/// What the next lines belong to.
enum Inside {
    Prose,
    /// Until a line of this character, at least as long.
    Fence(char, usize),
    Comment,
    /// A literal block of reStructuredText: until a line that is not indented deeper than this.
    Literal(usize),
}

/// Lines of prose with their numbers, from 1.
pub(super) fn prose(text: &str, markup: Markup) -> impl Iterator<Item = (u32, &str)> {
    let mut inside = Inside::Prose;
    text.lines().zip(1..).filter_map(move |(line, number)| {
        let indent = line.len() - line.trim_start().len();
        let fence = fence(line, markup);
        match inside {
            Inside::Fence(mark, length) => {
                if fence.is_some_and(|(other, run, bare)| other == mark && run >= length && bare) {
                    inside = Inside::Prose;
                }
                return None;
            }
            Inside::Comment => {
                if line.contains("-->") {
                    inside = Inside::Prose;
                }
                return None;
            }
            Inside::Literal(outer) if line.trim().is_empty() || indent > outer => return None,
            Inside::Literal(_) | Inside::Prose => inside = Inside::Prose,
        }
        if let Some((mark, run, _)) = fence {
            inside = Inside::Fence(mark, run);
            return None;
        }
        match markup {
            Markup::Markdown | Markup::Mdx => {
                if let Some(start) = line.rfind("<!--")
                    && !line.get(start..).is_some_and(|rest| rest.contains("-->"))
                {
                    inside = Inside::Comment;
                    return line.get(..start).map(|before| (number, before));
                }
            }
            Markup::Restructured => {
                let trimmed = line.trim();
                if trimmed.starts_with(".. ") || trimmed.ends_with("::") {
                    inside = Inside::Literal(indent);
                    return (!trimmed.starts_with("..")).then_some((number, line));
                }
            }
            Markup::AsciiDoc if line.starts_with("//") => return None,
            Markup::AsciiDoc => (),
        }
        Some((number, line))
    })
}

/// The mark of a line that opens or closes a code block, how often it stands there, and whether nothing follows.
fn fence(line: &str, markup: Markup) -> Option<(char, usize, bool)> {
    let (line, marks, least): (_, &[char], _) = match markup {
        Markup::Markdown | Markup::Mdx => (line.trim_start().trim_start_matches("> "), &['`', '~'], 3),
        Markup::AsciiDoc => (line, &['-', '.', '/'], 4),
        Markup::Restructured => return None,
    };
    let line = line.trim_end();
    let mark = line.chars().next().filter(|mark| marks.contains(mark))?;
    let run = line.chars().take_while(|character| *character == mark).count();
    let bare = line.len() == run;
    (run >= least && (bare || markup != Markup::AsciiDoc)).then_some((mark, run, bare))
}
