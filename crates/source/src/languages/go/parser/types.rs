//! Types, parameters, and what stands in structures and interfaces.

use super::{Parser, Read};
use crate::languages::go::{
    tokens::Token,
    tree::{Field, Kind},
};

impl Parser<'_> {
    /// Nothing is asked about them: they leave no node.
    pub(super) fn type_parameters(&mut self) -> Read {
        let mark = self.tree.mark();
        self.expect(Token::LeftBracket)?;
        loop {
            self.name(Kind::Identifier)?;
            while self.took(Token::Comma)? {
                self.name(Kind::Identifier)?;
            }
            self.type_element()?;
            if !self.took(Token::Comma)? || self.is(Token::RightBracket) {
                break;
            }
        }
        self.expect(Token::RightBracket)?;
        self.tree.forget(mark);
        Some(())
    }

    /// `~int | ~string`
    fn type_element(&mut self) -> Read {
        let mark = self.tree.mark();
        self.kind()?;
        while self.took(Token::Or)? {
            self.kind()?;
        }
        self.close_parts(Kind::Other, mark)
    }

    /// Parameters and what is given back.
    pub(super) fn signature(&mut self) -> Read {
        self.parameters()?;
        self.tree.field(Field::Parameters);
        if self.is(Token::LeftParen) {
            self.parameters()?;
            self.tree.field(Field::Result);
        } else if self.begins_type() {
            self.kind()?;
            self.tree.field(Field::Result);
        }
        Some(())
    }

    pub(super) fn begins_type(&self) -> bool {
        matches!(
            self.word.token,
            Token::Identifier
                | Token::Star
                | Token::LeftBracket
                | Token::Map
                | Token::Chan
                | Token::Func
                | Token::Struct
                | Token::Interface
                | Token::Arrow
                | Token::LeftParen
                | Token::Tilde
        )
    }

    /// Parameters are all named, or none of them is.
    pub(super) fn parameters(&mut self) -> Read {
        let here = self.here();
        if self.parameter_list(true).is_some() {
            return Some(());
        }
        self.back(&here);
        self.parameter_list(false)
    }

    fn parameter_list(&mut self, named: bool) -> Read {
        let (mark, begin) = (self.tree.mark(), self.spot());
        self.expect(Token::LeftParen)?;
        while !self.is(Token::RightParen) {
            let (own, start) = (self.tree.mark(), self.spot());
            if named {
                self.named_by(Kind::Identifier)?;
            }
            self.took(Token::Ellipsis)?;
            self.kind()?;
            self.tree.field(Field::Type);
            self.close(Kind::Other, own, start);
            if !self.took(Token::Comma)? {
                break;
            }
        }
        self.expect(Token::RightParen)?;
        self.close(Kind::ParameterList, mark, begin);
        Some(())
    }

    /// A type.
    pub(super) fn kind(&mut self) -> Read {
        self.deeper(|parser| {
            let (mark, begin) = (parser.tree.mark(), parser.spot());
            match parser.word.token {
                Token::Identifier => return parser.named_type(),
                Token::Star => {
                    parser.take()?;
                    parser.kind()?;
                    parser.close(Kind::PointerType, mark, begin);
                }
                Token::Tilde => {
                    parser.take()?;
                    parser.kind()?;
                    parser.close(Kind::Other, mark, begin);
                }
                Token::LeftParen => {
                    parser.take()?;
                    parser.kind()?;
                    parser.expect(Token::RightParen)?;
                    parser.close(Kind::ParenthesizedType, mark, begin);
                }
                Token::LeftBracket => {
                    parser.take()?;
                    let mut kind = Kind::SliceType;
                    if parser.is(Token::Ellipsis) {
                        parser.take()?;
                        kind = Kind::Other;
                    } else if !parser.is(Token::RightBracket) {
                        parser.within(false, Self::expression)?;
                        kind = Kind::ArrayType;
                    }
                    parser.expect(Token::RightBracket)?;
                    parser.kind()?;
                    parser.tree.field(Field::Element);
                    parser.close(kind, mark, begin);
                }
                Token::Map => {
                    parser.take()?;
                    parser.expect(Token::LeftBracket)?;
                    parser.kind()?;
                    parser.expect(Token::RightBracket)?;
                    parser.kind()?;
                    parser.close(Kind::MapType, mark, begin);
                }
                Token::Chan => {
                    parser.take()?;
                    parser.took(Token::Arrow)?;
                    parser.kind()?;
                    parser.close(Kind::ChannelType, mark, begin);
                }
                Token::Arrow => {
                    parser.take()?;
                    parser.expect(Token::Chan)?;
                    parser.kind()?;
                    parser.close(Kind::ChannelType, mark, begin);
                }
                Token::Func => {
                    parser.take()?;
                    parser.signature()?;
                    parser.close(Kind::FunctionType, mark, begin);
                }
                Token::Struct => parser.structure()?,
                Token::Interface => parser.interface()?,
                _ => return None,
            }
            Some(())
        })
    }

    /// `int`, `http.Client`, `List[int]`
    fn named_type(&mut self) -> Read {
        let mark = self.tree.mark();
        self.type_name()?;
        if self.is(Token::LeftBracket) {
            self.tree.field(Field::Type);
            self.type_arguments()?;
            self.close_parts(Kind::GenericType, mark)?;
            self.of_package = true;
        }
        Some(())
    }

    fn type_name(&mut self) -> Read {
        self.name(Kind::TypeIdentifier)?;
        if self.took(Token::Dot)? {
            self.expect(Token::Identifier)?;
            self.tree.turn(Kind::QualifiedType);
            self.tree.set_end(self.end);
            self.of_package = true;
        }
        Some(())
    }

    /// Nothing is asked about them: they are a node without parts.
    pub(super) fn type_arguments(&mut self) -> Read {
        let (mark, begin) = (self.tree.mark(), self.spot());
        self.expect(Token::LeftBracket)?;
        loop {
            self.type_element()?;
            if !self.took(Token::Comma)? || self.is(Token::RightBracket) {
                break;
            }
        }
        self.expect(Token::RightBracket)?;
        self.tree.forget(mark);
        self.close(Kind::Other, mark, begin);
        Some(())
    }

    fn structure(&mut self) -> Read {
        let (mark, begin) = (self.tree.mark(), self.spot());
        self.take()?;
        let (list, open) = (self.tree.mark(), self.spot());
        self.expect(Token::LeftBrace)?;
        while !self.is(Token::RightBrace) {
            self.structure_field()?;
            self.separator(Token::RightBrace)?;
        }
        self.take()?;
        self.close(Kind::Other, list, open);
        self.close(Kind::StructType, mark, begin);
        Some(())
    }

    fn structure_field(&mut self) -> Read {
        let (mark, begin) = (self.tree.mark(), self.spot());
        let here = self.here();
        if self.field_names().is_none() {
            // An embedded type.
            self.back(&here);
            self.took(Token::Star)?;
            self.named_type()?;
            self.tree.field(Field::Type);
        }
        match self.word.token {
            Token::Text => self.leaf(Kind::Text)?,
            Token::RawText => self.leaf(Kind::RawText)?,
            _ => {
                self.close(Kind::Other, mark, begin);
                return Some(());
            }
        }
        self.tree.field(Field::Tag);
        self.close(Kind::Other, mark, begin);
        Some(())
    }

    fn field_names(&mut self) -> Read {
        self.named_by(Kind::FieldIdentifier)?;
        self.kind()?;
        self.tree.field(Field::Type);
        let ended =
            matches!(self.word.token, Token::Text | Token::RawText | Token::RightBrace) || self.ends_statement();
        ended.then_some(())
    }

    /// `a, b, c`
    fn named_by(&mut self, kind: Kind) -> Read {
        loop {
            self.name(kind)?;
            self.tree.field(Field::Name);
            if !self.took(Token::Comma)? {
                return Some(());
            }
        }
    }

    fn interface(&mut self) -> Read {
        let (mark, begin) = (self.tree.mark(), self.spot());
        self.take()?;
        self.expect(Token::LeftBrace)?;
        while !self.is(Token::RightBrace) {
            let own = self.tree.mark();
            if self.is(Token::Identifier) && self.after()? == Token::LeftParen {
                self.name(Kind::FieldIdentifier)?;
                self.signature()?;
                self.close_parts(Kind::Other, own)?;
            } else {
                self.type_element()?;
            }
            self.separator(Token::RightBrace)?;
        }
        self.take()?;
        self.close(Kind::InterfaceType, mark, begin);
        Some(())
    }
}
