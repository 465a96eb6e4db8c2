//! Values: operators, calls, elements, literals, conversions.

use super::{Parser, Read};
use crate::{
    Spot,
    languages::go::{
        tokens::Token,
        tree::{Field, Kind, Mark},
    },
};

/// Whether a value may be the name of a type: `pkg.Type[int]` at the longest.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Named {
    Not,
    Plainly,
    WithTypes,
}

impl Parser<'_> {
    pub(super) fn expression(&mut self) -> Read {
        self.binary(1)
    }

    /// Operators that bind at least so closely.
    fn binary(&mut self, least: u8) -> Read {
        let mark = self.tree.mark();
        self.unary()?;
        loop {
            let binds = match self.word.token {
                Token::OrOr => 1,
                Token::AndAnd => 2,
                Token::Compare => 3,
                Token::Plus | Token::Minus | Token::Or | Token::Caret => 4,
                Token::Star | Token::Multiply | Token::And => 5,
                _ => return Some(()),
            };
            if binds < least {
                return Some(());
            }
            self.tree.field(Field::Left);
            self.leaf(Kind::Token)?;
            self.tree.field(Field::Operator);
            self.binary(binds + 1)?;
            self.tree.field(Field::Right);
            self.close_parts(Kind::Binary, mark)?;
        }
    }

    fn unary(&mut self) -> Read {
        self.deeper(|parser| {
            let (mark, begin) = (parser.tree.mark(), parser.spot());
            match parser.word.token {
                Token::Arrow if parser.after()? == Token::Chan => None,
                Token::Plus | Token::Minus | Token::Not | Token::Caret | Token::Star | Token::And | Token::Arrow => {
                    parser.leaf(Kind::Token)?;
                    parser.tree.field(Field::Operator);
                    parser.unary()?;
                    // `*[]byte(x)` is a conversion to a pointer for the grammar.
                    if parser.tree.last_kind() == Some(Kind::TypeConversion) {
                        return None;
                    }
                    parser.tree.field(Field::Operand);
                    parser.close(Kind::Unary, mark, begin);
                    Some(())
                }
                _ => parser.primary(),
            }
        })
    }

    fn primary(&mut self) -> Read {
        let mark = self.tree.mark();
        // `make` and `new` take types.
        let maker = self.is(Token::Identifier) && matches!(self.text(), b"make" | b"new");
        self.operand()?;
        let mut named = if self.tree.last_kind() == Some(Kind::Identifier) { Named::Plainly } else { Named::Not };
        let mut first = true;
        loop {
            match self.word.token {
                Token::Dot => {
                    self.tree.field(Field::Operand);
                    self.take()?;
                    if self.is(Token::LeftParen) {
                        self.take()?;
                        if self.took(Token::Type)? {
                            self.of_type = true;
                            return self.expect(Token::RightParen);
                        }
                        self.kind()?;
                        self.tree.field(Field::Type);
                        self.expect(Token::RightParen)?;
                        self.close_parts(Kind::TypeAssertion, mark)?;
                        named = Named::Not;
                    } else {
                        self.name(Kind::FieldIdentifier)?;
                        self.tree.field(Field::Selected);
                        self.close_parts(Kind::Selector, mark)?;
                        if !first {
                            named = Named::Not;
                        }
                    }
                }
                Token::LeftBracket => named = self.bracketed(mark, named)?,
                Token::LeftParen => {
                    self.tree.field(Field::Function);
                    self.arguments(maker && first)?;
                    self.close_parts(Kind::Call, mark)?;
                    named = Named::Not;
                }
                Token::LeftBrace if named != Named::Not && !self.header => {
                    self.tree.turn_to_type();
                    self.literal(mark)?;
                    named = Named::Not;
                }
                _ => return Some(()),
            }
            first = false;
        }
    }

    fn operand(&mut self) -> Read {
        let (mark, begin) = (self.tree.mark(), self.spot());
        match self.word.token {
            Token::Identifier => {
                let kind = match self.text() {
                    b"nil" => Kind::Nil,
                    b"true" => Kind::True,
                    b"false" => Kind::False,
                    b"iota" => Kind::Other,
                    _ => Kind::Identifier,
                };
                self.leaf(kind)
            }
            Token::Int => self.leaf(Kind::Int),
            Token::Float => self.leaf(Kind::Float),
            Token::Rune => self.leaf(Kind::Other),
            Token::Text => self.leaf(Kind::Text),
            Token::RawText => self.leaf(Kind::RawText),
            Token::Func => {
                self.take()?;
                self.signature()?;
                if !self.is(Token::LeftBrace) {
                    return None;
                }
                self.within(false, Self::block)?;
                self.tree.field(Field::Body);
                self.close(Kind::FunctionLiteral, mark, begin);
                Some(())
            }
            Token::LeftParen => self.parenthesized(),
            Token::LeftBracket | Token::Map | Token::Chan | Token::Struct | Token::Interface => {
                self.kind()?;
                match self.word.token {
                    Token::LeftBrace => self.literal(mark),
                    Token::LeftParen => self.conversion(mark),
                    _ => None,
                }
            }
            _ => None,
        }
    }

    /// `[]byte(x)`, where the type was read.
    fn conversion(&mut self, mark: Mark) -> Read {
        self.tree.field(Field::Type);
        self.expect(Token::LeftParen)?;
        self.within(false, Self::expression)?;
        self.tree.field(Field::Operand);
        self.took(Token::Comma)?;
        self.expect(Token::RightParen)?;
        self.close_parts(Kind::TypeConversion, mark)
    }

    fn parenthesized(&mut self) -> Read {
        let (mark, begin) = (self.tree.mark(), self.spot());
        let here = self.here();
        let value = self.within(false, |parser| {
            parser.take()?;
            parser.expression()?;
            parser.expect(Token::RightParen)
        });
        if value.is_some() {
            self.close(Kind::Parenthesized, mark, begin);
            // `(*List[int])(x)` is a conversion for the grammar, and `(*List)(x)` a call.
            return if self.is(Token::LeftParen) && self.tree.last_holds_element() { None } else { Some(()) };
        }
        // `([]byte)(x)`
        self.back(&here);
        self.kind()?;
        self.conversion(mark)
    }

    /// `{…}` behind a type.
    fn literal(&mut self, mark: Mark) -> Read {
        self.tree.field(Field::Type);
        self.within(false, Self::literal_value)?;
        self.tree.field(Field::Body);
        self.close_parts(Kind::CompositeLiteral, mark)
    }

    fn literal_value(&mut self) -> Read {
        self.deeper(|parser| {
            let (mark, begin) = (parser.tree.mark(), parser.spot());
            parser.expect(Token::LeftBrace)?;
            while !parser.is(Token::RightBrace) {
                let own = parser.tree.mark();
                parser.literal_element()?;
                if parser.took(Token::Colon)? {
                    parser.literal_element()?;
                    parser.close_parts(Kind::KeyedElement, own)?;
                }
                if !parser.took(Token::Comma)? {
                    break;
                }
            }
            parser.expect(Token::RightBrace)?;
            parser.close(Kind::LiteralValue, mark, begin);
            Some(())
        })
    }

    fn literal_element(&mut self) -> Read {
        let mark = self.tree.mark();
        if self.is(Token::LeftBrace) {
            self.literal_value()?;
        } else {
            self.expression()?;
        }
        self.close_parts(Kind::LiteralElement, mark)
    }

    /// What stands in brackets behind a value: an index, a part of it, or the types of something generic. How what comes
    /// out of it is named.
    fn bracketed(&mut self, mark: Mark, named: Named) -> Option<Named> {
        self.tree.field(Field::Operand);
        let here = self.here();
        match self.element() {
            Some(false) => {
                self.close_parts(Kind::Other, mark)?;
                return Some(Named::Not);
            }
            Some(true) if !self.is(Token::LeftParen) && named != Named::WithTypes => {
                self.close_parts(Kind::Index, mark)?;
                return Some(if named == Named::Plainly { Named::WithTypes } else { Named::Not });
            }
            Some(true) => {
                let called = self.is(Token::LeftParen);
                self.back(&here);
                if called && named == Named::Plainly && self.generic_conversion(mark).is_some() {
                    return Some(Named::Not);
                }
                self.back(&here);
                // The grammar prefers types to an index where they are no plain names.
                self.of_package = false;
                let types = self.type_arguments().is_some() && self.of_package;
                self.back(&here);
                if types && !called {
                    return None;
                }
                if !types {
                    self.element()?;
                    self.close_parts(Kind::Index, mark)?;
                    return Some(Named::Not);
                }
            }
            None => self.back(&here),
        }
        let plainly = named == Named::Plainly;
        if plainly && self.generic_conversion(mark).is_some() {
            return Some(Named::Not);
        }
        self.back(&here);
        self.type_arguments()?;
        match self.word.token {
            Token::LeftParen => {
                self.tree.field_before(Field::Function);
                self.arguments(false)?;
                self.close_parts(Kind::Call, mark)?;
                Some(Named::Not)
            }
            Token::LeftBrace if plainly && !self.header => {
                self.tree.turn_to_type_before();
                self.close_parts(Kind::GenericType, mark)?;
                Some(Named::WithTypes)
            }
            _ if plainly => {
                self.tree.turn_to_type_before();
                self.close_parts(Kind::Other, mark)?;
                Some(Named::Not)
            }
            _ => None,
        }
    }

    /// `f[T](x)`: what has types and one argument is taken for a conversion to a generic type.
    fn generic_conversion(&mut self, mark: Mark) -> Read {
        self.type_arguments()?;
        self.expect(Token::LeftParen)?;
        self.within(false, Self::expression)?;
        self.tree.field(Field::Operand);
        self.took(Token::Comma)?;
        let (kind, end) = (self.tree.begin(mark)?, self.end);
        self.expect(Token::RightParen)?;
        self.tree.turn_to_generic(mark, Spot { end, ..kind });
        self.close_parts(Kind::TypeConversion, mark)
    }

    /// `[index]` or `[from:to]`: whether it is an index.
    fn element(&mut self) -> Option<bool> {
        let mut index = true;
        self.within(false, |parser| {
            parser.take()?;
            if !parser.is(Token::Colon) {
                parser.expression()?;
                parser.tree.field(Field::Index);
            }
            while parser.took(Token::Colon)? {
                index = false;
                if !matches!(parser.word.token, Token::Colon | Token::RightBracket) {
                    parser.expression()?;
                }
            }
            parser.expect(Token::RightBracket)
        })?;
        Some(index)
    }

    fn arguments(&mut self, of_maker: bool) -> Read {
        let (mark, begin) = (self.tree.mark(), self.spot());
        self.within(false, |parser| {
            parser.take()?;
            let mut kind = of_maker;
            while !parser.is(Token::RightParen) {
                let own = parser.tree.mark();
                let here = parser.here();
                if std::mem::take(&mut kind)
                    && parser.kind().is_some()
                    && matches!(parser.word.token, Token::Comma | Token::RightParen)
                {
                    // `new(T)`
                } else {
                    parser.back(&here);
                    parser.expression()?;
                    if parser.took(Token::Ellipsis)? {
                        parser.close_parts(Kind::Other, own)?;
                    }
                }
                if !parser.took(Token::Comma)? {
                    break;
                }
            }
            parser.expect(Token::RightParen)
        })?;
        self.close(Kind::Other, mark, begin);
        self.tree.field(Field::Arguments);
        Some(())
    }
}
