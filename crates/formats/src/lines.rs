//! From byte offsets of a text to places in its file.

use std::sync::Arc;

use gonogo_domain::Place;

/// Where the lines of a text begin.
pub(crate) struct Lines<'a> {
    path: &'a Arc<str>,
    text: &'a str,
    /// Byte offsets of the first character of each line; the first is 0.
    starts: Vec<usize>,
}

impl<'a> Lines<'a> {
    pub(crate) fn new(path: &'a Arc<str>, text: &'a str) -> Self {
        let feeds = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
        let starts = std::iter::once(0).chain(feeds.map(|(offset, _)| offset + 1)).collect();
        Self { path, text, starts }
    }

    /// The place of a byte offset. Columns count characters, except far right in very long lines.
    pub(crate) fn place(&self, offset: usize) -> Place {
        let line = self.starts.partition_point(|start| *start <= offset);
        let start = line.checked_sub(1).and_then(|index| self.starts.get(index)).copied().unwrap_or(0);
        let before = self.text.get(start..offset).unwrap_or_default();
        let column = if before.len() < 4096 { before.chars().count() } else { before.len() };
        Place::File { path: Arc::clone(self.path), line: small(line), column: small(column).saturating_add(1) }
    }
}

/// A line or column as places hold them.
pub(crate) fn small(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}
