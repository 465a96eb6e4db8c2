//! Cuts a script into statements.

use std::ops::Range;

use super::Direction;
use super::lexer::{Lexer, Token, TokenKind};

/// Where a statement stands.
pub(super) struct Piece {
    pub(super) range: Range<usize>,
    pub(super) direction: Option<Direction>,
    pub(super) no_transaction: bool,
}

/// A mark of a migration tool in a comment.
enum Mark {
    Section(Direction, /* outside a transaction */ bool),
    NoTransaction,
    BlockBegin,
    BlockEnd,
}

struct Splitter<'a> {
    lexer: Lexer<'a>,
    pieces: Vec<Piece>,
    /// The statement that is open.
    start: Option<usize>,
    delimiter: &'a str,
    direction: Option<Direction>,
    /// For the whole script, and for the section.
    no_transaction: (bool, bool),
    /// Between the marks for a statement with semicolons in it.
    in_block: bool,
    body: Body,
}

/// Where the open statement is with respect to a `BEGIN … END` body.
#[derive(Default)]
struct Body {
    words: usize,
    /// It starts with CREATE.
    creates: bool,
    /// What it creates may have a body.
    possible: bool,
    depth: usize,
    after_end: bool,
}

pub(super) fn pieces(text: &str) -> Vec<Piece> {
    let mut splitter = Splitter {
        lexer: Lexer::new(text),
        pieces: Vec::new(),
        start: None,
        delimiter: ";",
        direction: None,
        no_transaction: (false, false),
        in_block: false,
        body: Body::default(),
    };
    while splitter.step() {}
    splitter.finish(text.len());
    splitter.pieces
}

impl Splitter<'_> {
    fn step(&mut self) -> bool {
        self.lexer.skip_blanks();
        if self.delimiter != ";" && self.lexer.rest().starts_with(self.delimiter) {
            self.finish(self.lexer.at);
            self.lexer.at += self.delimiter.len();
            return true;
        }
        let Some(token) = self.lexer.next() else { return false };
        match token.kind {
            TokenKind::LineComment => self.comment(token),
            TokenKind::BlockComment => (),
            TokenKind::Symbol(b';') if self.delimiter == ";" && !self.in_block && self.body.depth == 0 => {
                self.finish(token.start);
            }
            // A command of psql: `\connect name`.
            TokenKind::Symbol(b'\\') if self.start.is_none() => self.lexer.skip_line(),
            TokenKind::Word => self.word(token),
            _ => {
                self.body.after_end = false;
                self.start.get_or_insert(token.start);
            }
        }
        true
    }

    fn word(&mut self, token: Token) {
        let word = self.lexer.text.get(token.start..token.end).unwrap_or_default();
        let is = |expected: &str| word.eq_ignore_ascii_case(expected);
        if self.start.is_none() && is("delimiter") && self.lexer.starts_line(token.start) {
            let line = self.lexer.rest().lines().next().unwrap_or_default();
            if let Some(delimiter) = line.split_whitespace().next() {
                self.delimiter = delimiter;
            }
            self.lexer.skip_line();
            return;
        }
        let ends_line = || self.lexer.rest().lines().next().is_none_or(|rest| rest.trim().is_empty());
        if is("go") && self.lexer.starts_line(token.start) && ends_line() {
            self.finish(token.start);
            return;
        }
        self.start.get_or_insert(token.start);
        let body = &mut self.body;
        body.words += 1;
        if body.words == 1 {
            body.creates = is("create");
        }
        body.possible |= body.creates
            && (2..=8).contains(&body.words)
            && (is("trigger") || is("procedure") || is("function") || is("event"));
        if body.possible {
            let after_end = std::mem::replace(&mut body.after_end, false);
            if is("end") && body.depth > 0 {
                body.depth -= 1;
                body.after_end = true;
            } else if after_end && (is("if") || is("loop") || is("while") || is("repeat")) {
                // `END IF` and the like close what was not counted.
                body.depth += 1;
            } else if is("begin") || (is("case") && body.depth > 0 && !after_end) {
                body.depth += 1;
            }
        }
    }

    fn comment(&mut self, token: Token) {
        let Some(mark) = self.lexer.text.get(token.start..token.end).and_then(mark) else { return };
        match mark {
            Mark::Section(direction, outside) => {
                self.finish(token.start);
                self.in_block = false;
                self.direction = Some(direction);
                self.no_transaction.1 = outside;
            }
            Mark::NoTransaction => self.no_transaction.0 = true,
            Mark::BlockBegin => {
                self.finish(token.start);
                self.in_block = true;
            }
            Mark::BlockEnd => {
                self.finish(token.start);
                self.in_block = false;
            }
        }
    }

    fn finish(&mut self, end: usize) {
        self.body = Body::default();
        let Some(start) = self.start.take().filter(|start| *start < end) else { return };
        let no_transaction = self.no_transaction.0 || self.no_transaction.1;
        self.pieces.push(Piece { range: start..end, direction: self.direction, no_transaction });
        if reads_data(self.lexer.text.get(start..end).unwrap_or_default()) {
            // The lines after `COPY … FROM stdin;` are data, up to `\.`.
            let rest = self.lexer.rest();
            self.lexer.at += rest.find("\n\\.").map_or(rest.len(), |end| end + 3);
        }
    }
}

fn reads_data(statement: &str) -> bool {
    let mut words = statement.split_whitespace();
    words.next().is_some_and(|word| word.eq_ignore_ascii_case("copy"))
        && words.zip(statement.split_whitespace().skip(2)).any(|(from, stdin)| {
            from.eq_ignore_ascii_case("from") && stdin.trim_end_matches(';').eq_ignore_ascii_case("stdin")
        })
}

fn mark(comment: &str) -> Option<Mark> {
    let comment = comment.trim_start_matches(['-', '#']).trim();
    let rest = ["+goose ", "+migrate ", "migrate:"].iter().find_map(|tool| comment.strip_prefix(tool))?;
    let rest = rest.trim().to_ascii_lowercase();
    let outside = rest.contains("notransaction") || rest.contains("transaction:false");
    match rest.split_whitespace().next()? {
        "up" => Some(Mark::Section(Direction::Up, outside)),
        "down" => Some(Mark::Section(Direction::Down, outside)),
        "statementbegin" => Some(Mark::BlockBegin),
        "statementend" => Some(Mark::BlockEnd),
        "no" if rest.ends_with("transaction") => Some(Mark::NoTransaction),
        _ => None,
    }
}
