//! Leads every node of a rendered document back to what wrote its bytes.

use std::ops::Range;
use std::sync::Arc;

use gonogo_domain::{Node, Place, Value};

use super::text::{Text, Trace};

/// The byte that a place of a parsed text means. `starts` are the offsets of the lines.
pub(super) fn offset(text: &str, starts: &[usize], place: &Place) -> usize {
    let Place::File { line, column, .. } = place else { return 0 };
    let index = usize::try_from(line.saturating_sub(1)).unwrap_or(usize::MAX);
    let Some(start) = starts.get(index) else { return text.len() };
    let line = text.get(*start..).unwrap_or_default();
    let column = usize::try_from(column.saturating_sub(1)).unwrap_or(0);
    let line = line.split('\n').next().unwrap_or_default();
    start + line.char_indices().nth(column).map_or(line.len(), |(at, _)| at)
}

pub(super) fn line_starts(text: &str) -> Vec<usize> {
    std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect()
}

/// What is needed to move nodes from the rendered text to the files behind it.
pub(super) struct Origins<'a> {
    pub(super) text: &'a Text,
    pub(super) starts: &'a [usize],
    pub(super) trace: &'a Trace,
    /// Where nothing better is known: the template.
    pub(super) fallback: &'a Arc<str>,
}

impl Origins<'_> {
    pub(super) fn place(&self, place: &Place) -> Place {
        let at = offset(self.text.as_str(), self.starts, place);
        self.resolve(at..at + 1)
    }

    fn resolve(&self, range: Range<usize>) -> Place {
        // A place behind the last byte belongs to the byte before it.
        let last = self.text.len().saturating_sub(1);
        let range = range.start.min(last)..range.end;
        self.trace.resolve(self.text, range).cloned().unwrap_or_else(|| Place::whole(Arc::clone(self.fallback)))
    }

    pub(super) fn move_node(&self, node: &mut Node) {
        let at = offset(self.text.as_str(), self.starts, &node.place);
        let range = match &node.value {
            Value::Scalar(scalar) => self.scalar(at, &scalar.text, scalar.plain),
            _ => at..at + 1,
        };
        node.place = self.resolve(range);
        match &mut node.value {
            Value::Sequence(items) => items.iter_mut().for_each(|item| self.move_node(item)),
            Value::Mapping(entries) => {
                for entry in entries {
                    let at = offset(self.text.as_str(), self.starts, &entry.key_place);
                    let range = self.scalar(at, &entry.key, true);
                    entry.key_place = self.resolve(range);
                    if matches!(entry.node.value, Value::Null) && !self.is_written(&entry.node.place) {
                        // Nothing was written, so the key is all there is to edit.
                        entry.node.place = entry.key_place.clone();
                    } else {
                        self.move_node(&mut entry.node);
                    }
                }
            }
            Value::Null | Value::Scalar(_) => (),
        }
    }

    /// Whether a null is a word of the text.
    fn is_written(&self, place: &Place) -> bool {
        let at = offset(self.text.as_str(), self.starts, place);
        let rest = self.text.as_str().get(at..).unwrap_or_default();
        ["null", "Null", "NULL", "~"].iter().any(|word| rest.starts_with(word))
    }

    /// The bytes of a scalar that starts at `at`, without its quotes. A block scalar starts with its first line.
    fn scalar(&self, at: usize, value: &str, plain: bool) -> Range<usize> {
        let rest = self.text.as_str().get(at..).unwrap_or_default();
        let inner = match rest.chars().next() {
            Some('"') => quoted(rest, |body, index| body.as_bytes().get(index) == Some(&b'\\')),
            Some('\'') => quoted(rest, |_, _| false),
            _ if rest.starts_with(value) => 0..value.len(),
            _ if plain => 0..rest.find('\n').unwrap_or(rest.len()),
            _ => {
                let before = self.text.as_str().get(..at).unwrap_or_default();
                0..block(rest, before.len() - before.rfind('\n').map_or(0, |end| end + 1))
            }
        };
        if inner.is_empty() { at..at + 1 } else { at + inner.start..at + inner.end }
    }
}

fn quoted(rest: &str, escapes: impl Fn(&str, usize) -> bool) -> Range<usize> {
    let quote = rest.as_bytes().first().copied().unwrap_or_default();
    let mut index = 1;
    while let Some(byte) = rest.as_bytes().get(index) {
        if escapes(rest, index) {
            index += 2;
            continue;
        }
        if *byte == quote {
            break;
        }
        index += 1;
    }
    1..index.min(rest.len())
}

/// The length of a block scalar's lines: those that are indented by `depth`, or blank.
fn block(rest: &str, depth: usize) -> usize {
    let mut lines = rest.split_inclusive('\n');
    let mut end = lines.next().map_or(0, str::len);
    for line in lines {
        let content = line.trim_start_matches(' ');
        if !content.trim().is_empty() && line.len() - content.len() < depth {
            break;
        }
        end += line.len();
    }
    end
}
