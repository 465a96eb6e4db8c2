//! Statements and the blocks that hold them.

use super::{Parser, Read};
use crate::{
    Spot,
    languages::go::{
        tokens::Token,
        tree::{Field, Kind, Mark},
    },
};

impl Parser<'_> {
    pub(super) fn block(&mut self) -> Read {
        self.deeper(|parser| {
            let (mark, begin) = (parser.tree.mark(), parser.spot());
            parser.expect(Token::LeftBrace)?;
            parser.statements()?;
            parser.expect(Token::RightBrace)?;
            parser.close(Kind::Block, mark, begin);
            Some(())
        })
    }

    /// Statements up to the end of a block or a case, as one node if there is any.
    fn statements(&mut self) -> Read {
        let mark = self.tree.mark();
        while !matches!(self.word.token, Token::RightBrace | Token::Case | Token::Default) {
            self.statement()?;
            if self.ends_statement() {
                self.take()?;
            } else if !self.is(Token::RightBrace) {
                return None;
            }
        }
        if self.tree.since(mark) > 0 {
            self.close_parts(Kind::StatementList, mark)?;
        }
        Some(())
    }

    fn statement(&mut self) -> Read {
        let (mark, begin) = (self.tree.mark(), self.spot());
        match self.word.token {
            Token::Const | Token::Type | Token::Var => self.declaration(),
            Token::LeftBrace => self.block(),
            Token::If => self.deeper(Self::branch),
            Token::For => self.deeper(Self::repeat),
            Token::Switch => self.deeper(Self::switch),
            Token::Select => self.deeper(Self::select),
            Token::Return => {
                self.take()?;
                if !self.ends_statement() && !self.is(Token::RightBrace) {
                    self.expressions()?;
                }
                self.close(Kind::Return, mark, begin);
                Some(())
            }
            Token::Go | Token::Defer => {
                let kind = if self.is(Token::Go) { Kind::Spawn } else { Kind::Defer };
                self.take()?;
                self.expression()?;
                self.close(kind, mark, begin);
                Some(())
            }
            Token::Break | Token::Continue | Token::Goto | Token::Fallthrough => {
                self.take()?;
                if self.is(Token::Identifier) {
                    self.take()?;
                }
                self.close(Kind::Other, mark, begin);
                Some(())
            }
            Token::Identifier if self.after()? == Token::Colon => {
                self.leaf(Kind::Other)?;
                self.take()?;
                if !self.is(Token::RightBrace) {
                    self.deeper(Self::statement)?;
                }
                self.close(Kind::Other, mark, begin);
                Some(())
            }
            _ => self.simple(),
        }
    }

    /// An expression, an assignment, a declaration, a send, a count.
    fn simple(&mut self) -> Read {
        let mark = self.tree.mark();
        self.expressions()?;
        self.simple_after(mark)
    }

    /// The same where its first expressions were read.
    fn simple_after(&mut self, mark: Mark) -> Read {
        match self.word.token {
            Token::Define | Token::Assign => {
                let kind = if self.is(Token::Define) { Kind::ShortVariable } else { Kind::Assignment };
                self.tree.field(Field::Left);
                self.take()?;
                self.expressions()?;
                self.tree.field(Field::Right);
                self.close_parts(kind, mark)
            }
            Token::Increment | Token::Decrement => {
                self.single(mark)?;
                self.take()?;
                self.close_parts(Kind::Other, mark)
            }
            Token::Arrow => {
                self.single(mark)?;
                self.take()?;
                self.expression()?;
                self.close_parts(Kind::Other, mark)
            }
            _ => {
                self.single(mark)?;
                self.close_parts(Kind::ExpressionStatement, mark)
            }
        }
    }

    /// What was read since a mark must be an expression, and stands for itself.
    fn only_value(&mut self, mark: Mark) -> Read {
        if self.tree.last_kind() == Some(Kind::ExpressionStatement) { self.single(mark) } else { None }
    }

    /// Takes the node around the only expression since a mark away.
    fn single(&mut self, mark: Mark) -> Read {
        self.tree.unwrap();
        (self.tree.since(mark) == 1).then_some(())
    }

    /// Expressions with commas between them, as one list.
    pub(super) fn expressions(&mut self) -> Read {
        let mark = self.tree.mark();
        self.expression()?;
        while self.took(Token::Comma)? {
            self.expression()?;
        }
        self.close_parts(Kind::ExpressionList, mark)
    }

    fn branch(&mut self) -> Read {
        let (mark, begin) = (self.tree.mark(), self.spot());
        self.take()?;
        self.within(true, |parser| {
            let own = parser.tree.mark();
            parser.simple()?;
            if parser.is(Token::Semicolon) {
                parser.tree.field(Field::Initializer);
                parser.take()?;
                parser.expression()?;
            } else {
                parser.only_value(own)?;
            }
            parser.tree.field(Field::Condition);
            Some(())
        })?;
        self.within(false, Self::block)?;
        self.tree.field(Field::Consequence);
        if self.took(Token::Else)? {
            match self.word.token {
                Token::If => self.deeper(Self::branch)?,
                _ => self.within(false, Self::block)?,
            }
            self.tree.field(Field::Alternative);
        }
        self.close(Kind::If, mark, begin);
        Some(())
    }

    fn repeat(&mut self) -> Read {
        let (mark, begin) = (self.tree.mark(), self.spot());
        self.take()?;
        self.within(true, Self::repeated)?;
        self.within(false, Self::block)?;
        self.tree.field(Field::Body);
        self.close(Kind::For, mark, begin);
        Some(())
    }

    /// What stands between `for` and its body.
    fn repeated(&mut self) -> Read {
        let (mark, begin) = (self.tree.mark(), self.spot());
        match self.word.token {
            Token::LeftBrace => return Some(()),
            Token::Range => return self.range(mark, begin),
            Token::Semicolon => (),
            _ => {
                self.expressions()?;
                if (self.is(Token::Define) || self.assigns(b"=")) && self.after()? == Token::Range {
                    self.tree.field(Field::Left);
                    self.take()?;
                    return self.range(mark, begin);
                }
                self.simple_after(mark)?;
                if self.is(Token::LeftBrace) {
                    return self.only_value(mark);
                }
                self.tree.field(Field::Initializer);
            }
        }
        self.expect(Token::Semicolon)?;
        if !self.is(Token::Semicolon) {
            self.expression()?;
            self.tree.field(Field::Condition);
        }
        self.expect(Token::Semicolon)?;
        if !self.is(Token::LeftBrace) {
            self.simple()?;
        }
        self.close(Kind::ForClause, mark, begin);
        Some(())
    }

    fn range(&mut self, clause: Mark, start: Spot) -> Read {
        self.expect(Token::Range)?;
        self.expression()?;
        self.tree.field(Field::Right);
        self.close(Kind::RangeClause, clause, start);
        Some(())
    }

    fn switch(&mut self) -> Read {
        let (mark, begin) = (self.tree.mark(), self.spot());
        self.take()?;
        let outer = std::mem::replace(&mut self.of_type, false);
        self.within(true, |parser| {
            if parser.is(Token::LeftBrace) {
                return Some(());
            }
            if !parser.is(Token::Semicolon) {
                parser.switched()?;
            }
            if parser.is(Token::Semicolon) && !parser.of_type {
                parser.take()?;
                if !parser.is(Token::LeftBrace) {
                    parser.switched()?;
                }
            }
            Some(())
        })?;
        let of_type = std::mem::replace(&mut self.of_type, outer);
        let what = if of_type { Self::types } else { Self::values };
        self.cases(what)?;
        self.close(Kind::Other, mark, begin);
        Some(())
    }

    /// What a switch asks about, or the statement before that.
    fn switched(&mut self) -> Read {
        let mark = self.tree.mark();
        self.simple()?;
        if self.of_type && self.tree.last_kind() == Some(Kind::ShortVariable) {
            // `x := value.(type)`: names and value are parts of the switch itself.
            self.tree.unwrap();
            self.tree.unwrap();
            return (self.tree.since(mark) == 2).then_some(());
        }
        if self.of_type || self.is(Token::LeftBrace) { self.only_value(mark) } else { Some(()) }
    }

    fn select(&mut self) -> Read {
        let (mark, begin) = (self.tree.mark(), self.spot());
        self.take()?;
        self.cases(Self::communication)?;
        self.close(Kind::Other, mark, begin);
        Some(())
    }

    fn cases(&mut self, what: fn(&mut Self) -> Read) -> Read {
        self.within(false, |parser| {
            parser.expect(Token::LeftBrace)?;
            while !parser.is(Token::RightBrace) {
                let (mark, begin) = (parser.tree.mark(), parser.spot());
                if parser.took(Token::Case)? {
                    what(parser)?;
                } else {
                    parser.expect(Token::Default)?;
                }
                parser.expect(Token::Colon)?;
                parser.statements()?;
                parser.close(Kind::Case, mark, begin);
            }
            parser.take()
        })
    }

    fn types(&mut self) -> Read {
        loop {
            self.kind()?;
            self.tree.field(Field::Type);
            if !self.took(Token::Comma)? {
                return Some(());
            }
        }
    }

    fn values(&mut self) -> Read {
        self.expressions()?;
        self.tree.field(Field::Value);
        Some(())
    }

    /// What is sent or received.
    fn communication(&mut self) -> Read {
        let mark = self.tree.mark();
        self.expressions()?;
        if self.is(Token::Define) || self.assigns(b"=") {
            self.take()?;
            self.expression()?;
        } else {
            self.single(mark)?;
            if self.took(Token::Arrow)? {
                self.expression()?;
            }
        }
        self.close_parts(Kind::Other, mark)?;
        self.tree.field(Field::Communication);
        Some(())
    }
}
