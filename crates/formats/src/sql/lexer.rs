//! The words of SQL, in the dialects that migrations are written in.

/// A piece of a script between blanks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Token {
    pub(super) kind: TokenKind,
    pub(super) start: usize,
    pub(super) end: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TokenKind {
    /// A keyword, a name or a number.
    Word,
    /// A name in double quotes, backticks or brackets.
    QuotedName,
    /// A string, dollar-quoted ones included.
    Text,
    LineComment,
    BlockComment,
    Symbol(u8),
}

pub(super) struct Lexer<'a> {
    pub(super) text: &'a str,
    pub(super) at: usize,
}

impl<'a> Lexer<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { text, at: 0 }
    }

    pub(super) fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn byte(&self, ahead: usize) -> Option<u8> {
        self.text.as_bytes().get(self.at + ahead).copied()
    }

    pub(super) fn skip_blanks(&mut self) {
        let rest = self.rest();
        self.at +=
            rest.len() - rest.trim_start_matches(|c: char| c.is_whitespace() || c == '\u{feff}' || c == '\0').len();
    }

    /// Moves behind the end of the current line.
    pub(super) fn skip_line(&mut self) {
        self.at += self.rest().find('\n').map_or(self.rest().len(), |feed| feed + 1);
    }

    /// Whether only blanks stand before `offset` in its line.
    pub(super) fn starts_line(&self, offset: usize) -> bool {
        let before = self.text.get(..offset).unwrap_or_default().bytes().rev();
        before.take_while(|byte| *byte != b'\n').all(|byte| matches!(byte, b' ' | b'\t' | b'\r'))
    }

    pub(super) fn next(&mut self) -> Option<Token> {
        self.skip_blanks();
        let start = self.at;
        let first = self.byte(0)?;
        let kind = match (first, self.byte(1)) {
            (b'-', Some(b'-')) => self.line_comment(),
            (b'#', _) if self.starts_line(start) => self.line_comment(),
            (b'/', Some(b'*')) => {
                self.at += self.rest().find("*/").map_or(self.rest().len(), |end| end + 2);
                TokenKind::BlockComment
            }
            (b'\'', _) => self.text_literal(false),
            (b'e' | b'E', Some(b'\'')) => {
                self.at += 1;
                self.text_literal(true)
            }
            (b'"' | b'`', _) => {
                self.at += 1;
                self.at += self.rest().bytes().position(|byte| byte == first).map_or(self.rest().len(), |end| end + 1);
                TokenKind::QuotedName
            }
            (b'$', _) => self.dollar(),
            _ if is_name_byte(first) => {
                self.at += self.rest().bytes().take_while(|byte| is_name_byte(*byte)).count();
                TokenKind::Word
            }
            _ => {
                self.at += 1;
                TokenKind::Symbol(first)
            }
        };
        Some(Token { kind, start, end: self.at })
    }

    fn line_comment(&mut self) -> TokenKind {
        self.at += self.rest().find('\n').unwrap_or(self.rest().len());
        TokenKind::LineComment
    }

    /// A string in single quotes, where `''` is a quote. A backslash escapes in `MySQL` and in `E''`, but not in
    /// standard SQL: without `E`, it does unless the quote after it looks like the end of the string.
    fn text_literal(&mut self, escapes: bool) -> TokenKind {
        self.at += 1;
        while let Some(stop) = self.rest().bytes().position(|byte| matches!(byte, b'\'' | b'\\')) {
            self.at += stop;
            match (self.byte(0), self.byte(1), self.byte(2)) {
                (Some(b'\''), Some(b'\''), _) => self.at += 2,
                (Some(b'\''), ..) => {
                    self.at += 1;
                    return TokenKind::Text;
                }
                (_, Some(b'\''), None | Some(b',' | b')' | b';' | b' ' | b'\n' | b'\r')) if !escapes => self.at += 1,
                // Multi-byte characters after a backslash must not be cut.
                (_, Some(next), _) if next.is_ascii() => self.at += 2,
                _ => self.at += 1,
            }
        }
        self.at = self.text.len();
        TokenKind::Text
    }

    /// `$$ … $$` or `$tag$ … $tag$`; else the `$` of a parameter.
    fn dollar(&mut self) -> TokenKind {
        let rest = self.rest();
        let inside_name = self.at > 0 && self.text.as_bytes().get(self.at - 1).is_some_and(|byte| is_name_byte(*byte));
        let after = rest.get(1..).unwrap_or_default();
        let length = after.bytes().take_while(|byte| is_name_byte(*byte)).count();
        let numbered = after.bytes().next().is_some_and(|byte| byte.is_ascii_digit());
        let tag = rest.get(..length + 2).filter(|tag| tag.ends_with('$') && !numbered && !inside_name);
        let Some(tag) = tag else {
            self.at += 1;
            return TokenKind::Symbol(b'$');
        };
        let body = rest.get(tag.len()..).unwrap_or_default();
        self.at += tag.len() + body.find(tag).map_or(body.len(), |end| end + tag.len());
        TokenKind::Text
    }
}

fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80
}
