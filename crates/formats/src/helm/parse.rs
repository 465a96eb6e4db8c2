//! The grammar of Go's text/template, from bytes to a tree.
//!
//! Every node keeps its byte offset, and text keeps its range, so that whatever is printed leads back to its line.

use std::ops::Range;
use std::sync::Arc;

use super::functions::{self, Function};

/// Blocks, parentheses and definitions inside each other.
const MAX_DEPTH: usize = 120;
/// Bytes of one template.
const MAX_BYTES: usize = 4 * 1024 * 1024;

/// A parsed file.
#[derive(Debug)]
pub(super) struct Parsed {
    pub(super) text: Arc<str>,
    pub(super) main: Vec<Node>,
    pub(super) defines: Vec<(Arc<str>, Vec<Node>)>,
}

#[derive(Debug)]
pub(super) enum Node {
    Text(Range<usize>),
    Action(Pipe),
    If(Branch),
    With(Branch),
    Range(Branch),
    Template { name: Arc<str>, argument: Option<Pipe>, at: usize },
    Break,
    Continue,
}

#[derive(Debug)]
pub(super) struct Branch {
    pub(super) pipe: Pipe,
    pub(super) body: Vec<Node>,
    pub(super) otherwise: Vec<Node>,
}

/// `$a, $b := command | command`
#[derive(Debug)]
pub(super) struct Pipe {
    pub(super) at: usize,
    pub(super) variables: Vec<Arc<str>>,
    /// `:=` rather than `=`.
    pub(super) declares: bool,
    pub(super) commands: Vec<Vec<Operand>>,
}

#[derive(Debug)]
pub(super) enum Operand {
    Dot,
    Nil,
    Bool(bool),
    Int(i64),
    Float(f64),
    Str(Arc<str>),
    /// `.a.b`
    Field(Vec<Arc<str>>),
    /// `$x.a.b`, without the `$`.
    Variable(Arc<str>, Vec<Arc<str>>),
    Function(&'static Function),
    Pipe(Box<Pipe>),
    /// `(…).a.b`
    Chain(Box<Self>, Vec<Arc<str>>),
}

/// Why a template is not one.
#[derive(Debug)]
pub(super) struct Error {
    pub(super) at: usize,
    pub(super) reason: String,
}

#[derive(Clone, Debug, PartialEq)]
enum Token {
    Word(String),
    Field(Arc<str>),
    Variable(Arc<str>),
    Dot,
    Str(Arc<str>),
    Int(i64),
    Float(f64),
    Open,
    Close,
    Pipe,
    Comma,
    Declare,
    Assign,
}

#[derive(Debug)]
struct Lexeme {
    token: Token,
    at: usize,
    /// Whether white space stands before it.
    spaced: bool,
}

/// How a list of nodes ended.
enum End {
    Input,
    /// `{{end}}`
    Block,
    /// `{{else …}}` with what follows the word.
    Else(Vec<Lexeme>, usize),
}

pub(super) fn parse(text: &Arc<str>) -> Result<Parsed, Error> {
    if text.len() > MAX_BYTES {
        return Err(Error { at: 0, reason: format!("template is larger than {MAX_BYTES} bytes") });
    }
    let mut parser =
        Parser { text, at: 0, depth: 0, loops: 0, trim_next: false, variables: vec!["".into()], defines: Vec::new() };
    let mut main = Vec::new();
    match parser.list(&mut main)? {
        End::Input => Ok(Parsed { text: Arc::clone(text), main, defines: parser.defines }),
        End::Block => Err(parser.error("unexpected {{end}}")),
        End::Else(_, at) => Err(Error { at, reason: "unexpected {{else}}".to_owned() }),
    }
}

/// Whether nodes print nothing but white space: such a definition does not replace another one.
pub(super) fn is_empty(nodes: &[Node], text: &str) -> bool {
    nodes.iter().all(|node| match node {
        Node::Text(range) => text.get(range.clone()).is_some_and(|text| text.trim().is_empty()),
        _ => false,
    })
}

struct Parser<'text> {
    text: &'text str,
    at: usize,
    depth: usize,
    loops: usize,
    trim_next: bool,
    variables: Vec<Arc<str>>,
    defines: Vec<(Arc<str>, Vec<Node>)>,
}

const SPACE: [char; 4] = [' ', '\t', '\r', '\n'];

impl Parser<'_> {
    fn error(&self, reason: impl Into<String>) -> Error {
        Error { at: self.at.min(self.text.len()), reason: reason.into() }
    }

    fn rest(&self) -> &str {
        self.text.get(self.at..).unwrap_or_default()
    }

    /// Reads nodes until the list ends.
    fn list(&mut self, nodes: &mut Vec<Node>) -> Result<End, Error> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(self.error(format!("blocks nest deeper than {MAX_DEPTH}")));
        }
        let end = self.list_items(nodes);
        self.depth -= 1;
        end
    }

    fn list_items(&mut self, nodes: &mut Vec<Node>) -> Result<End, Error> {
        loop {
            let open = self.rest().find("{{").map(|found| self.at + found);
            self.push_text(nodes, open);
            let Some(open) = open else { return Ok(End::Input) };
            self.at = open + 2;
            if self.rest().starts_with('-') && self.rest().chars().nth(1).is_some_and(|next| SPACE.contains(&next)) {
                self.at += 1;
            }
            let blank = self.rest().len() - self.rest().trim_start_matches(SPACE).len();
            if self.rest().get(blank..).is_some_and(|rest| rest.starts_with("/*")) {
                self.at += blank;
                self.comment()?;
                continue;
            }
            let action = self.lex()?;
            if let Some(end) = self.action(nodes, action, open)? {
                return Ok(end);
            }
        }
    }

    /// Adds the text before the next action, trimmed as the actions around it say.
    fn push_text(&mut self, nodes: &mut Vec<Node>, open: Option<usize>) {
        let mut start = self.at;
        let mut end = open.unwrap_or(self.text.len());
        let text = self.text.get(start..end).unwrap_or_default();
        if std::mem::take(&mut self.trim_next) {
            start += text.len() - text.trim_start_matches(SPACE).len();
        }
        let trims = open
            .and_then(|open| self.text.get(open + 2..))
            .is_some_and(|rest| rest.starts_with('-') && rest.chars().nth(1).is_some_and(|next| SPACE.contains(&next)));
        if trims {
            let text = self.text.get(start..end).unwrap_or_default();
            end = start + text.trim_end_matches(SPACE).len();
        }
        if start < end {
            nodes.push(Node::Text(start..end));
        }
        self.at = open.unwrap_or(self.text.len());
    }

    fn comment(&mut self) -> Result<(), Error> {
        let Some(length) = self.rest().find("*/") else { return Err(self.error("unclosed comment")) };
        self.at += length + 2;
        let rest = self.rest();
        let trimmed = rest.trim_start_matches(SPACE);
        if trimmed.len() < rest.len() && trimmed.starts_with("-}}") {
            self.at = self.text.len() - trimmed.len() + 3;
            self.trim_next = true;
            Ok(())
        } else if rest.starts_with("}}") {
            self.at += 2;
            Ok(())
        } else {
            Err(self.error("comment ends before closing delimiter"))
        }
    }

    /// Reads the lexemes of one action and its closing delimiter.
    fn lex(&mut self) -> Result<Vec<Lexeme>, Error> {
        let mut lexemes = Vec::new();
        loop {
            let rest = self.rest();
            let trimmed = rest.trim_start_matches(SPACE);
            let spaced = trimmed.len() < rest.len();
            if rest.starts_with("}}") || (spaced && trimmed.starts_with("}}")) {
                self.at = self.text.len() - trimmed.len() + 2;
                return Ok(lexemes);
            }
            if spaced && trimmed.starts_with("-}}") {
                self.at = self.text.len() - trimmed.len() + 3;
                self.trim_next = true;
                return Ok(lexemes);
            }
            self.at = self.text.len() - trimmed.len();
            let at = self.at;
            let token = self.token()?;
            lexemes.push(Lexeme { token, at, spaced });
        }
    }

    fn token(&mut self) -> Result<Token, Error> {
        let rest = self.rest();
        let Some(first) = rest.chars().next() else { return Err(self.error("unclosed action")) };
        let second = rest.chars().nth(1);
        let (token, length) = match first {
            '(' => (Token::Open, 1),
            ')' => (Token::Close, 1),
            '|' => (Token::Pipe, 1),
            ',' => (Token::Comma, 1),
            '=' => (Token::Assign, 1),
            ':' if second == Some('=') => (Token::Declare, 2),
            '"' => return self.quoted(),
            '`' => {
                let body = rest.get(1..).unwrap_or_default();
                let Some(length) = body.find('`') else { return Err(self.error("unterminated raw quoted string")) };
                // Go drops carriage returns from raw strings only in source code, not in templates' lexer.
                (Token::Str(body.get(..length).unwrap_or_default().into()), length + 2)
            }
            '\'' => return self.character(),
            '$' => {
                let name = word(rest.get(1..).unwrap_or_default());
                (Token::Variable(name.into()), 1 + name.len())
            }
            '.' if !second.is_some_and(|next| next.is_ascii_digit()) => {
                let name = word(rest.get(1..).unwrap_or_default());
                if name.is_empty() { (Token::Dot, 1) } else { (Token::Field(name.into()), 1 + name.len()) }
            }
            '0'..='9' | '.' => return self.number(),
            '+' | '-' if second.is_some_and(|next| next.is_ascii_digit() || next == '.') => return self.number(),
            _ if first == '_' || first.is_alphabetic() => {
                let name = word(rest);
                (Token::Word(name.to_owned()), name.len())
            }
            _ => return Err(self.error(format!("unexpected {first:?} in action"))),
        };
        self.at += length;
        Ok(token)
    }

    fn quoted(&mut self) -> Result<Token, Error> {
        let rest = self.rest();
        let mut result = String::new();
        let mut chars = rest.char_indices();
        chars.next();
        let mut bytes: Vec<u8> = Vec::new();
        while let Some((index, next)) = chars.next() {
            match next {
                '"' => {
                    flush(&mut bytes, &mut result);
                    self.at += index + 1;
                    return Ok(Token::Str(result.into()));
                }
                '\n' => break,
                '\\' => match unescape(&mut chars) {
                    Some(Escaped::Char(value)) => {
                        flush(&mut bytes, &mut result);
                        result.push(value);
                    }
                    Some(Escaped::Byte(value)) => bytes.push(value),
                    None => return Err(self.error("invalid syntax in quoted string")),
                },
                _ => {
                    flush(&mut bytes, &mut result);
                    result.push(next);
                }
            }
        }
        Err(self.error("unterminated quoted string"))
    }

    fn character(&mut self) -> Result<Token, Error> {
        let rest = self.rest();
        let mut chars = rest.char_indices();
        chars.next();
        let value = match chars.next() {
            Some((_, '\\')) => unescape(&mut chars).map(|escaped| match escaped {
                Escaped::Char(value) => i64::from(u32::from(value)),
                Escaped::Byte(value) => i64::from(value),
            }),
            Some((_, value)) => Some(i64::from(u32::from(value))),
            None => None,
        };
        match (value, chars.next()) {
            (Some(value), Some((index, '\''))) => {
                self.at += index + 1;
                Ok(Token::Int(value))
            }
            _ => Err(self.error("malformed character constant")),
        }
    }

    fn number(&mut self) -> Result<Token, Error> {
        let rest = self.rest();
        let mut length = 0;
        let mut previous = ' ';
        let hexadecimal = rest.trim_start_matches(['+', '-']).to_ascii_lowercase().starts_with("0x");
        for next in rest.chars() {
            let sign = matches!(next, '+' | '-')
                && (length == 0 || (!hexadecimal && matches!(previous, 'e' | 'E')) || matches!(previous, 'p' | 'P'));
            if !(sign || next.is_ascii_alphanumeric() || next == '_' || next == '.') {
                break;
            }
            previous = next;
            length += next.len_utf8();
        }
        let text = rest.get(..length).unwrap_or_default();
        let token = number_token(text).ok_or_else(|| self.error(format!("bad number syntax: {text:?}")))?;
        self.at += length;
        Ok(token)
    }

    /// Turns one action into a node; gives the end of the list if it is one.
    fn action(&mut self, nodes: &mut Vec<Node>, lexemes: Vec<Lexeme>, open: usize) -> Result<Option<End>, Error> {
        let keyword = match lexemes.first().map(|lexeme| &lexeme.token) {
            Some(Token::Word(word)) => word.clone(),
            Some(_) => String::new(),
            None => return Err(Error { at: open, reason: "missing value for command".to_owned() }),
        };
        let mut lexemes = Lexemes { items: lexemes, next: 0, end: open };
        if matches!(
            keyword.as_str(),
            "if" | "with" | "range" | "template" | "define" | "block" | "end" | "else" | "break" | "continue"
        ) {
            lexemes.next = 1;
        }
        match keyword.as_str() {
            "if" => {
                let branch = self.branch(&mut lexemes, open, Kind::If)?;
                nodes.push(Node::If(branch));
            }
            "with" => {
                let branch = self.branch(&mut lexemes, open, Kind::With)?;
                nodes.push(Node::With(branch));
            }
            "range" => {
                let branch = self.branch(&mut lexemes, open, Kind::Range)?;
                nodes.push(Node::Range(branch));
            }
            "template" => {
                let name = lexemes.string("template clause")?;
                let argument =
                    if lexemes.peek().is_some() { Some(self.pipe(&mut lexemes, open, false)?) } else { None };
                nodes.push(Node::Template { name, argument, at: open });
            }
            "define" if self.depth > 1 => {
                return Err(Error { at: open, reason: "unexpected {{define}} inside a block".to_owned() });
            }
            "define" => {
                let name = lexemes.string("define clause")?;
                lexemes.finish("define clause")?;
                let body = self.definition(open)?;
                self.defines.push((name, body));
            }
            "block" => {
                let name = lexemes.string("block clause")?;
                let argument = self.pipe(&mut lexemes, open, false)?;
                let body = self.definition(open)?;
                self.defines.push((Arc::clone(&name), body));
                nodes.push(Node::Template { name, argument: Some(argument), at: open });
            }
            "end" => {
                lexemes.finish("end")?;
                return Ok(Some(End::Block));
            }
            "else" => {
                let rest = lexemes.items.split_off(lexemes.next.min(lexemes.items.len()));
                return Ok(Some(End::Else(rest, open)));
            }
            "break" | "continue" if self.loops == 0 => {
                return Err(Error { at: open, reason: format!("{{{{{keyword}}}}} outside {{{{range}}}}") });
            }
            "break" => nodes.push(Node::Break),
            "continue" => nodes.push(Node::Continue),
            _ => {
                let pipe = self.pipe(&mut lexemes, open, false)?;
                nodes.push(Node::Action(pipe));
            }
        }
        Ok(None)
    }

    /// The body of a definition: its own variables, its own loops.
    fn definition(&mut self, open: usize) -> Result<Vec<Node>, Error> {
        let variables = std::mem::replace(&mut self.variables, vec!["".into()]);
        let loops = std::mem::take(&mut self.loops);
        let mut body = Vec::new();
        let end = self.list(&mut body)?;
        self.variables = variables;
        self.loops = loops;
        match end {
            End::Block => Ok(body),
            End::Input => Err(Error { at: open, reason: "unclosed definition: no {{end}}".to_owned() }),
            End::Else(_, at) => Err(Error { at, reason: "unexpected {{else}} in define clause".to_owned() }),
        }
    }

    fn branch(&mut self, lexemes: &mut Lexemes, open: usize, kind: Kind) -> Result<Branch, Error> {
        let visible = self.variables.len();
        let pipe = self.pipe(lexemes, open, kind == Kind::Range)?;
        if kind == Kind::Range {
            self.loops += 1;
        }
        let declared = self.variables.len();
        let mut body = Vec::new();
        let mut otherwise = Vec::new();
        let end = self.list(&mut body)?;
        self.variables.truncate(declared);
        if kind == Kind::Range {
            self.loops -= 1;
        }
        match end {
            End::Block => (),
            End::Input => return Err(Error { at: open, reason: "unclosed block: no {{end}}".to_owned() }),
            End::Else(rest, at) => {
                let mut rest = Lexemes { items: rest, next: 0, end: at };
                let word = match rest.peek() {
                    Some(Token::Word(word)) => Some(word.clone()),
                    Some(_) => return Err(rest.unexpected("{{else}}")),
                    None => None,
                };
                match (word.as_deref(), kind) {
                    (None, _) => match self.list(&mut otherwise)? {
                        End::Block => (),
                        End::Input => return Err(Error { at, reason: "unclosed block: no {{end}}".to_owned() }),
                        End::Else(_, at) => {
                            return Err(Error { at, reason: "expected end; found {{else}}".to_owned() });
                        }
                    },
                    (Some("if"), Kind::If) | (Some("with"), Kind::With) => {
                        rest.next = 1;
                        self.depth += 1;
                        if self.depth > MAX_DEPTH {
                            return Err(self.error(format!("blocks nest deeper than {MAX_DEPTH}")));
                        }
                        let inner = self.branch(&mut rest, at, kind)?;
                        self.depth -= 1;
                        otherwise.push(if kind == Kind::If { Node::If(inner) } else { Node::With(inner) });
                    }
                    _ => return Err(rest.unexpected("{{else}}")),
                }
            }
        }
        self.variables.truncate(visible);
        Ok(Branch { pipe, body, otherwise })
    }

    fn pipe(&mut self, lexemes: &mut Lexemes, open: usize, ranges: bool) -> Result<Pipe, Error> {
        let pipe = self.pipe_until(lexemes, open, ranges, false)?;
        lexemes.finish("command")?;
        Ok(pipe)
    }

    /// Reads a pipeline up to the end of the action or the closing parenthesis, which is not consumed.
    fn pipe_until(&mut self, lexemes: &mut Lexemes, open: usize, ranges: bool, nested: bool) -> Result<Pipe, Error> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(self.error(format!("parentheses nest deeper than {MAX_DEPTH}")));
        }
        let mut pipe = Pipe {
            at: lexemes.peek_at().unwrap_or(open),
            variables: Vec::new(),
            declares: false,
            commands: Vec::new(),
        };
        let mut declared = Vec::new();
        if !nested {
            declared = Self::declaration(lexemes, &mut pipe, ranges);
        }
        loop {
            let command = self.command(lexemes, open)?;
            if command.is_empty() {
                return Err(Error {
                    at: lexemes.peek_at().unwrap_or(open),
                    reason: "missing value for command".to_owned(),
                });
            }
            if !pipe.commands.is_empty() && !may_take_argument(&command) {
                return Err(Error { at: pipe.at, reason: "non executable command in pipeline".to_owned() });
            }
            pipe.commands.push(command);
            match lexemes.peek() {
                Some(Token::Pipe) => lexemes.next += 1,
                None => break,
                Some(Token::Close) if nested => break,
                Some(_) => return Err(lexemes.unexpected("command")),
            }
        }
        if !pipe.declares
            && let Some(missing) = pipe.variables.iter().find(|name| !self.variables.contains(name))
        {
            return Err(Error { at: pipe.at, reason: format!("undefined variable \"${missing}\"") });
        }
        self.variables.append(&mut declared);
        self.depth -= 1;
        Ok(pipe)
    }

    /// `$x :=`, `$x =`, and for `range` also `$i, $x :=`.
    fn declaration(lexemes: &mut Lexemes, pipe: &mut Pipe, ranges: bool) -> Vec<Arc<str>> {
        let token = |index: usize| lexemes.items.get(lexemes.next + index).map(|lexeme| &lexeme.token);
        let (names, length) = match (token(0), token(1), token(2), token(3)) {
            (Some(Token::Variable(name)), Some(Token::Declare | Token::Assign), ..) => (vec![Arc::clone(name)], 1),
            (
                Some(Token::Variable(first)),
                Some(Token::Comma),
                Some(Token::Variable(second)),
                Some(Token::Declare | Token::Assign),
            ) if ranges => (vec![Arc::clone(first), Arc::clone(second)], 3),
            _ => return Vec::new(),
        };
        pipe.declares = token(length) == Some(&Token::Declare);
        lexemes.next += length + 1;
        pipe.variables.clone_from(&names);
        if pipe.declares { names } else { Vec::new() }
    }

    fn command(&mut self, lexemes: &mut Lexemes, open: usize) -> Result<Vec<Operand>, Error> {
        let mut operands = Vec::new();
        while let Some(token) = lexemes.peek() {
            if matches!(token, Token::Pipe | Token::Close) {
                break;
            }
            if !operands.is_empty() && !lexemes.peek_spaced() {
                return Err(lexemes.unexpected("operand"));
            }
            operands.push(self.operand(lexemes, open)?);
        }
        Ok(operands)
    }

    fn operand(&mut self, lexemes: &mut Lexemes, open: usize) -> Result<Operand, Error> {
        let at = lexemes.peek_at().unwrap_or(open);
        let Some(token) = lexemes.take() else { return Err(Error { at, reason: "missing operand".to_owned() }) };
        let mut operand = match token {
            Token::Dot => Operand::Dot,
            Token::Int(value) => Operand::Int(value),
            Token::Float(value) => Operand::Float(value),
            Token::Str(value) => Operand::Str(value),
            Token::Field(name) => Operand::Field(vec![name]),
            Token::Variable(name) => {
                if !self.variables.contains(&name) {
                    return Err(Error { at, reason: format!("undefined variable \"${name}\"") });
                }
                Operand::Variable(name, Vec::new())
            }
            Token::Word(word) => match word.as_str() {
                "true" => Operand::Bool(true),
                "false" => Operand::Bool(false),
                "nil" => Operand::Nil,
                _ => Operand::Function(
                    functions::find(&word)
                        .ok_or_else(|| Error { at, reason: format!("function \"{word}\" not defined") })?,
                ),
            },
            Token::Open => {
                let pipe = self.pipe_until(lexemes, open, false, true)?;
                if lexemes.take() != Some(Token::Close) {
                    return Err(Error { at, reason: "unclosed left paren".to_owned() });
                }
                Operand::Pipe(Box::new(pipe))
            }
            _ => return Err(Error { at, reason: "unexpected token in operand".to_owned() }),
        };
        let mut fields = Vec::new();
        while !lexemes.peek_spaced()
            && let Some(Token::Field(name)) = lexemes.peek()
        {
            fields.push(Arc::clone(name));
            lexemes.next += 1;
        }
        if !fields.is_empty() {
            operand = match operand {
                Operand::Field(mut names) | Operand::Variable(_, mut names)
                    if names.len() + fields.len() > MAX_DEPTH =>
                {
                    names.clear();
                    return Err(Error { at, reason: "too many fields".to_owned() });
                }
                Operand::Field(mut names) => {
                    names.append(&mut fields);
                    Operand::Field(names)
                }
                Operand::Variable(name, _) => Operand::Variable(name, fields),
                Operand::Pipe(_) | Operand::Function(_) => Operand::Chain(Box::new(operand), fields),
                _ => return Err(Error { at, reason: "unexpected . after term".to_owned() }),
            };
        }
        Ok(operand)
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    If,
    With,
    Range,
}

struct Lexemes {
    items: Vec<Lexeme>,
    next: usize,
    end: usize,
}

impl Lexemes {
    fn peek(&self) -> Option<&Token> {
        self.items.get(self.next).map(|lexeme| &lexeme.token)
    }

    fn peek_at(&self) -> Option<usize> {
        self.items.get(self.next).map(|lexeme| lexeme.at)
    }

    fn peek_spaced(&self) -> bool {
        self.items.get(self.next).is_some_and(|lexeme| lexeme.spaced)
    }

    fn take(&mut self) -> Option<Token> {
        let token = self.peek().cloned();
        self.next += 1;
        token
    }

    fn unexpected(&self, context: &str) -> Error {
        let found = self.peek().map_or_else(|| "end of action".to_owned(), |token| format!("{token:?}"));
        Error { at: self.peek_at().unwrap_or(self.end), reason: format!("unexpected {found} in {context}") }
    }

    fn string(&mut self, context: &str) -> Result<Arc<str>, Error> {
        if let Some(Token::Str(text)) = self.peek().cloned() {
            self.next += 1;
            return Ok(text);
        }
        Err(self.unexpected(context))
    }

    fn finish(&self, context: &str) -> Result<(), Error> {
        if self.next < self.items.len() { Err(self.unexpected(context)) } else { Ok(()) }
    }
}

/// Constants cannot be called with the result of the command before them.
fn may_take_argument(command: &[Operand]) -> bool {
    !matches!(
        command.first(),
        Some(Operand::Bool(_) | Operand::Dot | Operand::Nil | Operand::Int(_) | Operand::Float(_) | Operand::Str(_))
            | None
    )
}

fn word(text: &str) -> &str {
    let end = text.find(|next: char| next != '_' && !next.is_alphanumeric()).unwrap_or(text.len());
    text.get(..end).unwrap_or_default()
}

fn number_token(text: &str) -> Option<Token> {
    let clean = text.replace('_', "");
    let (negative, digits) = match clean.strip_prefix(['+', '-']) {
        Some(rest) => (clean.starts_with('-'), rest),
        None => (false, clean.as_str()),
    };
    let lower = digits.to_ascii_lowercase();
    let radix = if lower.starts_with("0x") {
        Some((16, 2))
    } else if lower.starts_with("0b") {
        Some((2, 2))
    } else if lower.starts_with("0o") {
        Some((8, 2))
    } else if lower.len() > 1 && lower.bytes().all(|byte| byte.is_ascii_digit()) && lower.starts_with('0') {
        Some((8, 1))
    } else {
        None
    };
    if let Some((radix, skip)) = radix {
        let magnitude = i64::from_str_radix(lower.get(skip..)?, radix).ok()?;
        return Some(Token::Int(if negative { -magnitude } else { magnitude }));
    }
    if lower.contains(['.', 'e']) {
        let valid = lower.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'e' | b'+' | b'-'));
        return clean.parse().ok().filter(|_| valid).map(Token::Float);
    }
    if !lower.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    clean.strip_prefix('+').unwrap_or(&clean).parse().ok().map(Token::Int)
}

enum Escaped {
    Char(char),
    Byte(u8),
}

fn unescape(chars: &mut std::str::CharIndices<'_>) -> Option<Escaped> {
    let (_, kind) = chars.next()?;
    let mut digits = |count: usize, radix: u32, first: u32| {
        let mut value = first;
        for _ in 0..count {
            value = value * radix + chars.next()?.1.to_digit(radix)?;
        }
        Some(value)
    };
    Some(match kind {
        'n' => Escaped::Char('\n'),
        't' => Escaped::Char('\t'),
        'r' => Escaped::Char('\r'),
        'a' => Escaped::Char('\u{7}'),
        'b' => Escaped::Char('\u{8}'),
        'f' => Escaped::Char('\u{c}'),
        'v' => Escaped::Char('\u{b}'),
        '\\' => Escaped::Char('\\'),
        '"' => Escaped::Char('"'),
        '\'' => Escaped::Char('\''),
        'x' => Escaped::Byte(u8::try_from(digits(2, 16, 0)?).ok()?),
        'u' => Escaped::Char(char::from_u32(digits(4, 16, 0)?)?),
        'U' => Escaped::Char(char::from_u32(digits(8, 16, 0)?)?),
        '0'..='7' => Escaped::Byte(u8::try_from(digits(2, 8, kind.to_digit(8)?)?).ok()?),
        _ => return None,
    })
}

/// Bytes that `\x` wrote become text as soon as they are complete; what is no UTF-8 becomes U+FFFD.
fn flush(bytes: &mut Vec<u8>, result: &mut String) {
    if !bytes.is_empty() {
        result.push_str(&String::from_utf8_lossy(bytes));
        bytes.clear();
    }
}
