//! The words of a file of Go.

/// A kind of word. What ends a statement unseen is [`Token::Newline`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Token {
    End,
    Newline,
    Semicolon,
    Identifier,
    Int,
    Float,
    /// An imaginary number or a rune: nothing is asked about their values.
    Rune,
    Text,
    RawText,
    Break,
    Case,
    Chan,
    Const,
    Continue,
    Default,
    Defer,
    Else,
    Fallthrough,
    For,
    Func,
    Go,
    Goto,
    If,
    Import,
    Interface,
    Map,
    Package,
    Range,
    Return,
    Select,
    Struct,
    Switch,
    Type,
    Var,
    LeftParen,
    RightParen,
    LeftBracket,
    RightBracket,
    LeftBrace,
    RightBrace,
    Comma,
    Dot,
    Ellipsis,
    Colon,
    /// `:=`
    Define,
    /// `=`, `+=`, `&^=` …
    Assign,
    Increment,
    Decrement,
    Tilde,
    Not,
    Arrow,
    Star,
    And,
    Or,
    Plus,
    Minus,
    Caret,
    /// Operators that only stand between two values, by how closely they bind.
    Multiply,
    Compare,
    AndAnd,
    OrOr,
}

/// A word with its place.
#[derive(Clone, Copy, Debug)]
pub(super) struct Word {
    pub(super) token: Token,
    pub(super) start: u32,
    pub(super) end: u32,
    /// Counted from 1.
    pub(super) line: u32,
}

/// Something that is better left to the grammar.
struct Unusual;

/// Reads word after word; a copy of it goes on from the same place.
#[derive(Clone, Copy)]
pub(super) struct Words<'t> {
    text: &'t [u8],
    at: usize,
    line: u32,
    /// The last word may be the end of a statement.
    ends: bool,
}

impl<'t> Words<'t> {
    pub(super) fn of(text: &'t [u8]) -> Self {
        Self { text, at: 0, line: 1, ends: false }
    }

    /// The next word. None: it is none of Go, or one that is better left to the grammar.
    pub(super) fn next(&mut self) -> Option<Word> {
        if let Some(newline) = self.skip_blanks().ok()? {
            self.ends = false;
            return Some(newline);
        }
        let (start, line) = (self.at, self.line);
        let token = self.token()?;
        self.ends = matches!(
            token,
            Token::Identifier
                | Token::Int
                | Token::Float
                | Token::Rune
                | Token::Text
                | Token::RawText
                | Token::Break
                | Token::Continue
                | Token::Fallthrough
                | Token::Return
                | Token::Increment
                | Token::Decrement
                | Token::RightParen
                | Token::RightBracket
                | Token::RightBrace
        );
        Some(Word { token, start: number(start), end: number(self.at), line })
    }

    fn peek(&self, ahead: usize) -> u8 {
        self.text.get(self.at + ahead).copied().unwrap_or(0)
    }

    /// Skips blanks and comments up to the next word, or up to the end of the line where that ends a statement.
    fn skip_blanks(&mut self) -> Result<Option<Word>, Unusual> {
        loop {
            match self.peek(0) {
                b' ' | b'\t' | b'\r' => self.at += 1,
                b'\n' => {
                    let (start, line) = (self.at, self.line);
                    // The grammar takes the empty lines behind it for a part of it.
                    while self.peek(0) == b'\n' {
                        self.at += 1;
                        self.line = self.line.saturating_add(1);
                    }
                    if self.ends {
                        return Ok(Some(Word {
                            token: Token::Newline,
                            start: number(start),
                            end: number(self.at),
                            line,
                        }));
                    }
                }
                b'/' if self.peek(1) == b'/' => {
                    let rest = self.text.get(self.at..).unwrap_or_default();
                    self.at += rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len());
                }
                b'/' if self.peek(1) == b'*' => {
                    let rest = self.text.get(self.at + 2..).unwrap_or_default();
                    let length = rest.windows(2).position(|two| two == b"*/").ok_or(Unusual)?;
                    let newlines = rest.iter().take(length).filter(|byte| **byte == b'\n').count();
                    // A comment over several lines ends a statement, and no grammar but Go's own says so.
                    if newlines > 0 && self.ends {
                        return Err(Unusual);
                    }
                    self.line = self.line.saturating_add(number(newlines));
                    self.at += length + 4;
                }
                _ => return Ok(None),
            }
        }
    }

    fn token(&mut self) -> Option<Token> {
        let first = self.peek(0);
        match first {
            0 if self.at >= self.text.len() => Some(Token::End),
            b'a'..=b'z' | b'A'..=b'Z' | b'_' => {
                let start = self.at;
                let rest = self.text.get(start..)?;
                let length = rest.iter().position(|byte| !(byte.is_ascii_alphanumeric() || *byte == b'_'));
                self.at += length.unwrap_or(rest.len());
                // Letters of other alphabets.
                if self.peek(0) >= 0x80 {
                    return None;
                }
                Some(keyword(self.text.get(start..self.at)?))
            }
            b'0'..=b'9' => Some(self.number()),
            b'.' if self.peek(1).is_ascii_digit() => Some(self.number()),
            b'"' => self.text(),
            b'`' => self.raw_text(),
            b'\'' => self.rune(),
            _ => {
                let (token, length) = self.operator()?;
                self.at += length;
                Some(token)
            }
        }
    }

    fn number(&mut self) -> Token {
        let hexadecimal = self.peek(0) == b'0' && matches!(self.peek(1), b'x' | b'X');
        let mut float = false;
        loop {
            match self.peek(0) {
                b'.' => float = true,
                b'e' | b'E' if !hexadecimal => {
                    float = true;
                    self.at += usize::from(matches!(self.peek(1), b'+' | b'-'));
                }
                b'p' | b'P' if hexadecimal => {
                    float = true;
                    self.at += usize::from(matches!(self.peek(1), b'+' | b'-'));
                }
                b'i' => {
                    self.at += 1;
                    return Token::Rune;
                }
                b'0'..=b'9' | b'a'..=b'f' | b'A'..=b'F' | b'x' | b'X' | b'o' | b'O' | b'_' => (),
                _ => return if float { Token::Float } else { Token::Int },
            }
            self.at += 1;
        }
    }

    fn text(&mut self) -> Option<Token> {
        self.at += 1;
        loop {
            match self.peek(0) {
                b'"' => {
                    self.at += 1;
                    return Some(Token::Text);
                }
                b'\\'
                    if matches!(
                        self.peek(1),
                        b'a' | b'b' | b'f' | b'n' | b'r' | b't' | b'v' | b'\\' | b'"' | b'0'
                            ..=b'7' | b'x' | b'u' | b'U'
                    ) =>
                {
                    self.at += 2;
                }
                0 | b'\n' | b'\\' => return None,
                _ => self.at += 1,
            }
        }
    }

    fn raw_text(&mut self) -> Option<Token> {
        let rest = self.text.get(self.at + 1..)?;
        let length = rest.iter().position(|byte| *byte == b'`')?;
        let newlines = rest.iter().take(length).filter(|byte| **byte == b'\n').count();
        self.line = self.line.saturating_add(number(newlines));
        self.at += length + 2;
        Some(Token::RawText)
    }

    fn rune(&mut self) -> Option<Token> {
        let rest = self.text.get(self.at + 1..)?;
        // The longest is `'\U0010ffff'`.
        let from = if rest.first() == Some(&b'\\') { 2 } else { 1 };
        let length = rest.iter().take(12).skip(from).position(|byte| *byte == b'\'')? + from;
        if rest.get(..length)?.contains(&b'\n') {
            return None;
        }
        self.at += length + 2;
        Some(Token::Rune)
    }

    fn operator(&self) -> Option<(Token, usize)> {
        let (first, second, third) = (self.peek(0), self.peek(1), self.peek(2));
        Some(match (first, second, third) {
            (b'.', b'.', b'.') => (Token::Ellipsis, 3),
            (b'&', b'^', b'=') | (b'<', b'<', b'=') | (b'>', b'>', b'=') => (Token::Assign, 3),
            (b'+' | b'-' | b'*' | b'/' | b'%' | b'&' | b'|' | b'^', b'=', _) => (Token::Assign, 2),
            (b'&', b'^', _) | (b'<', b'<', _) | (b'>', b'>', _) => (Token::Multiply, 2),
            (b'=' | b'!' | b'<' | b'>', b'=', _) => (Token::Compare, 2),
            (b'&', b'&', _) => (Token::AndAnd, 2),
            (b'|', b'|', _) => (Token::OrOr, 2),
            (b'<', b'-', _) => (Token::Arrow, 2),
            (b'+', b'+', _) => (Token::Increment, 2),
            (b'-', b'-', _) => (Token::Decrement, 2),
            (b':', b'=', _) => (Token::Define, 2),
            (b'(', ..) => (Token::LeftParen, 1),
            (b')', ..) => (Token::RightParen, 1),
            (b'[', ..) => (Token::LeftBracket, 1),
            (b']', ..) => (Token::RightBracket, 1),
            (b'{', ..) => (Token::LeftBrace, 1),
            (b'}', ..) => (Token::RightBrace, 1),
            (b',', ..) => (Token::Comma, 1),
            (b';', ..) => (Token::Semicolon, 1),
            (b'.', ..) => (Token::Dot, 1),
            (b':', ..) => (Token::Colon, 1),
            (b'=', ..) => (Token::Assign, 1),
            (b'~', ..) => (Token::Tilde, 1),
            (b'!', ..) => (Token::Not, 1),
            (b'*', ..) => (Token::Star, 1),
            (b'&', ..) => (Token::And, 1),
            (b'|', ..) => (Token::Or, 1),
            (b'+', ..) => (Token::Plus, 1),
            (b'-', ..) => (Token::Minus, 1),
            (b'^', ..) => (Token::Caret, 1),
            (b'/' | b'%', ..) => (Token::Multiply, 1),
            (b'<' | b'>', ..) => (Token::Compare, 1),
            _ => return None,
        })
    }
}

fn keyword(word: &[u8]) -> Token {
    match word {
        b"break" => Token::Break,
        b"case" => Token::Case,
        b"chan" => Token::Chan,
        b"const" => Token::Const,
        b"continue" => Token::Continue,
        b"default" => Token::Default,
        b"defer" => Token::Defer,
        b"else" => Token::Else,
        b"fallthrough" => Token::Fallthrough,
        b"for" => Token::For,
        b"func" => Token::Func,
        b"go" => Token::Go,
        b"goto" => Token::Goto,
        b"if" => Token::If,
        b"import" => Token::Import,
        b"interface" => Token::Interface,
        b"map" => Token::Map,
        b"package" => Token::Package,
        b"range" => Token::Range,
        b"return" => Token::Return,
        b"select" => Token::Select,
        b"struct" => Token::Struct,
        b"switch" => Token::Switch,
        b"type" => Token::Type,
        b"var" => Token::Var,
        _ => Token::Identifier,
    }
}

fn number(value: usize) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}
