//! Words and marks of protocol buffers and GraphQL, with their lines.

/// A word or a mark.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Token<'a> {
    pub(super) text: &'a str,
    /// From 1.
    pub(super) line: u32,
    pub(super) column: u32,
    /// A comment or a description stands right before it, or in the line above.
    pub(super) described: bool,
}

/// How comments and descriptions are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Language {
    /// `//` and `/* */`; texts in quotes are values.
    Proto,
    /// `#`; texts in quotes are descriptions.
    GraphQl,
}

/// The tokens of a text; texts in quotes and comments are left out.
pub(super) fn tokens(text: &str, language: Language) -> Vec<Token<'_>> {
    let mut reader = Reader { text, at: 0, line: 1, line_start: 0, comment_end: None };
    let mut found = Vec::new();
    while let Some(byte) = text.as_bytes().get(reader.at).copied() {
        let rest = text.get(reader.at..).unwrap_or_default();
        match byte {
            b'\n' => reader.skip(1),
            byte if byte.is_ascii_whitespace() => reader.skip(1),
            b'/' if language == Language::Proto && rest.starts_with("//") => reader.comment(line_length(rest)),
            b'/' if language == Language::Proto && rest.starts_with("/*") => {
                reader.comment(rest.find("*/").map_or(rest.len(), |end| end + 2));
            }
            b'#' if language == Language::GraphQl => reader.comment(line_length(rest)),
            b'"' | b'\'' => {
                let length = text_length(rest);
                if language == Language::GraphQl { reader.comment(length) } else { reader.skip(length) }
            }
            byte if is_word(byte) => {
                let length = rest.bytes().take_while(|byte| is_word(*byte)).count();
                found.push(reader.token(length));
            }
            _ => {
                let length = rest.chars().next().map_or(1, char::len_utf8);
                found.push(reader.token(length));
            }
        }
    }
    found
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
    line: u32,
    line_start: usize,
    /// The line in which the last comment ended, until a token came.
    comment_end: Option<u32>,
}

impl<'a> Reader<'a> {
    fn skip(&mut self, length: usize) {
        let end = (self.at + length).min(self.text.len());
        for (offset, byte) in self.text.as_bytes().get(self.at..end).unwrap_or_default().iter().enumerate() {
            if *byte == b'\n' {
                self.line = self.line.saturating_add(1);
                self.line_start = self.at + offset + 1;
            }
        }
        self.at = end;
    }

    fn comment(&mut self, length: usize) {
        self.skip(length);
        self.comment_end = Some(self.line);
    }

    fn token(&mut self, length: usize) -> Token<'a> {
        let token = Token {
            text: self.text.get(self.at..self.at + length).unwrap_or_default(),
            line: self.line,
            column: u32::try_from(self.at - self.line_start).map_or(u32::MAX, |column| column.saturating_add(1)),
            described: self.comment_end.take().is_some_and(|end| self.line - end <= 1),
        };
        self.at += length;
        token
    }
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.')
}

fn line_length(rest: &str) -> usize {
    rest.find('\n').unwrap_or(rest.len())
}

/// The length of a text with its quotes; a block of GraphQL has three of them.
fn text_length(rest: &str) -> usize {
    if let Some(block) = rest.strip_prefix("\"\"\"") {
        return block.find("\"\"\"").map_or(rest.len(), |end| end + 6);
    }
    let quote = rest.as_bytes().first().copied();
    let mut escaped = false;
    for (at, byte) in rest.bytes().enumerate().skip(1) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'\n' => return at,
            byte if Some(byte) == quote => return at + 1,
            _ => (),
        }
    }
    rest.len()
}
