//! A parser of Go for files that have no mistake: the tree is the one that the grammar of tree-sitter gives, in a tenth of
//! the time. Whatever is unusual is refused and left to the grammar.

use super::{
    tokens::{Token, Word, Words},
    tree::{Field, Kind, Mark, Tree},
};
use crate::Spot;

mod expressions;
mod statements;
mod types;

/// What nests deeper is left to the grammar.
const DEPTH_LIMIT: usize = 200;

/// The tree of a file; none where it is not plain Go.
pub(super) fn parse(bytes: &[u8]) -> Option<Tree> {
    std::str::from_utf8(bytes).ok()?;
    let mut words = Words::of(bytes);
    let first = words.next()?;
    let mut parser = Parser {
        bytes,
        words,
        word: first,
        end: 0,
        tree: Tree::for_bytes(bytes.len()),
        depth: 0,
        header: false,
        of_type: false,
        of_package: false,
        patience: 1_000 + bytes.len() * 2,
    };
    parser.file()?;
    Some(parser.tree)
}

struct Parser<'t> {
    bytes: &'t [u8],
    /// What comes after `word`.
    words: Words<'t>,
    word: Word,
    /// The end of the last word that was taken.
    end: u32,
    tree: Tree,
    depth: usize,
    /// In the head of an `if`, a `for` or a `switch`, where `{` begins the body.
    header: bool,
    /// A `.(type)` was seen.
    of_type: bool,
    /// A type of a package, or one that is made with types, was seen.
    of_package: bool,
    /// How many more words are taken: what is read twice and again by going back is left to the grammar.
    patience: usize,
}

/// A place to go back to.
struct Here<'t> {
    words: Words<'t>,
    word: Word,
    end: u32,
    mark: Mark,
    depth: usize,
    header: bool,
    of_type: bool,
}

/// A part was read.
type Read = Option<()>;

impl<'t> Parser<'t> {
    fn here(&self) -> Here<'t> {
        Here {
            words: self.words,
            word: self.word,
            end: self.end,
            mark: self.tree.mark(),
            depth: self.depth,
            header: self.header,
            of_type: self.of_type,
        }
    }

    fn back(&mut self, here: &Here<'t>) {
        self.words = here.words;
        self.word = here.word;
        self.end = here.end;
        self.depth = here.depth;
        self.header = here.header;
        self.of_type = here.of_type;
        self.tree.forget(here.mark);
    }

    fn is(&self, token: Token) -> bool {
        self.word.token == token
    }

    fn text(&self) -> &'t [u8] {
        self.bytes.get(self.word.start as usize..self.word.end as usize).unwrap_or_default()
    }

    fn take(&mut self) -> Read {
        self.patience = self.patience.checked_sub(1)?;
        self.end = self.word.end;
        self.word = self.words.next()?;
        Some(())
    }

    fn expect(&mut self, token: Token) -> Read {
        if self.is(token) { self.take() } else { None }
    }

    /// Takes a word if it is this one.
    fn took(&mut self, token: Token) -> Option<bool> {
        if self.is(token) {
            self.take()?;
            return Some(true);
        }
        Some(false)
    }

    /// The next word but one.
    fn after(&self) -> Option<Token> {
        let mut words = self.words;
        Some(words.next()?.token)
    }

    fn spot(&self) -> Spot {
        Spot { line: self.word.line, start: self.word.start, end: self.word.end }
    }

    /// Takes a word as a node.
    fn leaf(&mut self, kind: Kind) -> Read {
        let spot = self.spot();
        self.tree.leaf(kind, spot);
        self.take()
    }

    fn name(&mut self, kind: Kind) -> Read {
        if self.is(Token::Identifier) { self.leaf(kind) } else { None }
    }

    /// Closes a node that began with a word.
    fn close(&mut self, kind: Kind, mark: Mark, begin: Spot) {
        self.tree.close(kind, mark, Spot { end: self.end, ..begin });
    }

    /// Closes a node that began with its first part.
    fn close_parts(&mut self, kind: Kind, mark: Mark) -> Read {
        let begin = self.tree.begin(mark)?;
        self.close(kind, mark, begin);
        Some(())
    }

    fn deeper(&mut self, step: impl FnOnce(&mut Self) -> Read) -> Read {
        if self.depth >= DEPTH_LIMIT {
            return None;
        }
        self.depth += 1;
        step(self)?;
        self.depth -= 1;
        Some(())
    }

    /// Where blocks cannot begin, or can.
    fn within(&mut self, header: bool, step: impl FnOnce(&mut Self) -> Read) -> Read {
        let outer = std::mem::replace(&mut self.header, header);
        step(self)?;
        self.header = outer;
        Some(())
    }

    fn ends_statement(&self) -> bool {
        matches!(self.word.token, Token::Newline | Token::Semicolon)
    }

    /// The end of a statement or of a part of a list in brackets.
    fn separator(&mut self, closing: Token) -> Read {
        if self.is(closing) {
            Some(())
        } else if self.ends_statement() {
            self.take()
        } else {
            None
        }
    }

    fn file(&mut self) -> Read {
        let begin = self.spot();
        let mark = self.tree.mark();
        let package = self.tree.mark();
        let keyword = self.spot();
        self.expect(Token::Package)?;
        self.name(Kind::PackageIdentifier)?;
        self.close(Kind::PackageClause, package, keyword);
        self.separator(Token::End)?;
        while !self.is(Token::End) {
            match self.word.token {
                Token::Import => self.import()?,
                Token::Func => self.function_or_method()?,
                Token::Const | Token::Type | Token::Var => self.declaration()?,
                _ => return None,
            }
            self.separator(Token::End)?;
        }
        self.close(Kind::Other, mark, begin);
        Some(())
    }

    fn import(&mut self) -> Read {
        let (mark, begin) = (self.tree.mark(), self.spot());
        self.take()?;
        if self.is(Token::LeftParen) {
            let (list, open) = (self.tree.mark(), self.spot());
            self.take()?;
            while !self.is(Token::RightParen) {
                self.import_spec()?;
                self.separator(Token::RightParen)?;
            }
            self.take()?;
            self.close(Kind::Other, list, open);
        } else {
            self.import_spec()?;
        }
        self.close(Kind::Other, mark, begin);
        Some(())
    }

    fn import_spec(&mut self) -> Read {
        let mark = self.tree.mark();
        if matches!(self.word.token, Token::Identifier | Token::Dot) {
            self.leaf(Kind::PackageIdentifier)?;
            self.tree.field(Field::Name);
        }
        match self.word.token {
            Token::Text => self.leaf(Kind::Text)?,
            Token::RawText => self.leaf(Kind::RawText)?,
            _ => return None,
        }
        self.tree.field(Field::Path);
        self.close_parts(Kind::Import, mark)
    }

    fn function_or_method(&mut self) -> Read {
        let (mark, begin) = (self.tree.mark(), self.spot());
        self.take()?;
        let mut kind = Kind::DeclaredFunction;
        if self.is(Token::LeftParen) {
            kind = Kind::DeclaredMethod;
            self.parameters()?;
            self.tree.field(Field::Receiver);
        }
        self.name(if kind == Kind::DeclaredMethod { Kind::FieldIdentifier } else { Kind::Identifier })?;
        self.tree.field(Field::Name);
        if self.is(Token::LeftBracket) && kind == Kind::DeclaredFunction {
            self.type_parameters()?;
        }
        self.signature()?;
        if self.is(Token::LeftBrace) {
            self.within(false, Self::block)?;
            self.tree.field(Field::Body);
        }
        self.close(kind, mark, begin);
        Some(())
    }

    fn declaration(&mut self) -> Read {
        let (mark, begin) = (self.tree.mark(), self.spot());
        let one = match self.word.token {
            Token::Const => Self::constant,
            Token::Var => Self::variable,
            _ => Self::type_spec,
        };
        let listed = self.is(Token::Var);
        self.take()?;
        if self.is(Token::LeftParen) {
            let (list, open) = (self.tree.mark(), self.spot());
            self.take()?;
            while !self.is(Token::RightParen) {
                one(self)?;
                self.separator(Token::RightParen)?;
            }
            self.take()?;
            if listed {
                self.close(Kind::Other, list, open);
            }
        } else {
            one(self)?;
        }
        self.close(Kind::Other, mark, begin);
        Some(())
    }

    fn names(&mut self) -> Read {
        loop {
            self.name(Kind::Identifier)?;
            self.tree.field(Field::Name);
            if !self.took(Token::Comma)? {
                return Some(());
            }
        }
    }

    fn constant(&mut self) -> Read {
        self.bound(Kind::ConstSpec)
    }

    fn variable(&mut self) -> Read {
        self.bound(Kind::VariableSpec)
    }

    fn bound(&mut self, kind: Kind) -> Read {
        let mark = self.tree.mark();
        self.names()?;
        if self.begins_type() {
            self.kind()?;
            self.tree.field(Field::Type);
        }
        if self.assigns(b"=") {
            self.take()?;
            self.expressions()?;
            self.tree.field(Field::Value);
        }
        self.close_parts(kind, mark)
    }

    fn assigns(&self, operator: &[u8]) -> bool {
        self.is(Token::Assign) && self.text() == operator
    }

    fn type_spec(&mut self) -> Read {
        let mark = self.tree.mark();
        self.name(Kind::TypeIdentifier)?;
        self.tree.field(Field::Name);
        if self.is(Token::LeftBracket) {
            let here = self.here();
            if self.type_parameters().is_none() {
                self.back(&here);
            }
        }
        if self.assigns(b"=") {
            self.take()?;
        }
        self.kind()?;
        self.tree.field(Field::Type);
        self.close_parts(Kind::TypeSpec, mark)
    }
}
