//! A syntax tree of Go in one vector, with the names of tree-sitter's: made by our own parser, or copied from its.

use tree_sitter::TreeCursor;

use crate::Spot;

/// What a node is. What no rule of ours asks about is [`Kind::Other`], whose parts are read for what they hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// An operator: no part, only a field.
    Token,
    Other,
    ArrayType,
    Assignment,
    Binary,
    Block,
    Call,
    ChannelType,
    CompositeLiteral,
    ConstSpec,
    DeclaredFunction,
    DeclaredMethod,
    ExpressionList,
    ExpressionStatement,
    False,
    FieldIdentifier,
    Float,
    For,
    ForClause,
    FunctionLiteral,
    FunctionType,
    GenericType,
    Identifier,
    If,
    Import,
    Index,
    Int,
    InterfaceType,
    Case,
    KeyedElement,
    LiteralElement,
    LiteralValue,
    MapType,
    Nil,
    PackageClause,
    PackageIdentifier,
    ParameterList,
    Parenthesized,
    ParenthesizedType,
    PointerType,
    QualifiedType,
    RangeClause,
    Return,
    Selector,
    ShortVariable,
    SliceType,
    Spawn,
    Defer,
    StatementList,
    StructType,
    Text,
    RawText,
    True,
    TypeAssertion,
    TypeConversion,
    TypeIdentifier,
    TypeSpec,
    Unary,
    VariableSpec,
}

impl Kind {
    fn of(name: &str) -> Self {
        match name {
            "array_type" => Self::ArrayType,
            "assignment_statement" => Self::Assignment,
            "binary_expression" => Self::Binary,
            "block" => Self::Block,
            "call_expression" => Self::Call,
            "channel_type" => Self::ChannelType,
            "composite_literal" => Self::CompositeLiteral,
            "const_spec" => Self::ConstSpec,
            "function_declaration" => Self::DeclaredFunction,
            "method_declaration" => Self::DeclaredMethod,
            "expression_list" => Self::ExpressionList,
            "expression_statement" => Self::ExpressionStatement,
            "false" => Self::False,
            "field_identifier" => Self::FieldIdentifier,
            "float_literal" => Self::Float,
            "for_statement" => Self::For,
            "for_clause" => Self::ForClause,
            "func_literal" => Self::FunctionLiteral,
            "function_type" => Self::FunctionType,
            "generic_type" => Self::GenericType,
            "identifier" => Self::Identifier,
            "if_statement" => Self::If,
            "import_spec" => Self::Import,
            "index_expression" => Self::Index,
            "int_literal" => Self::Int,
            "interface_type" => Self::InterfaceType,
            "expression_case" | "default_case" | "type_case" | "communication_case" => Self::Case,
            "keyed_element" => Self::KeyedElement,
            "literal_element" => Self::LiteralElement,
            "literal_value" => Self::LiteralValue,
            "map_type" => Self::MapType,
            "nil" => Self::Nil,
            "package_clause" => Self::PackageClause,
            "package_identifier" => Self::PackageIdentifier,
            "parameter_list" => Self::ParameterList,
            "parenthesized_expression" => Self::Parenthesized,
            "parenthesized_type" => Self::ParenthesizedType,
            "pointer_type" => Self::PointerType,
            "qualified_type" => Self::QualifiedType,
            "range_clause" => Self::RangeClause,
            "return_statement" => Self::Return,
            "selector_expression" => Self::Selector,
            "short_var_declaration" => Self::ShortVariable,
            "slice_type" => Self::SliceType,
            "go_statement" => Self::Spawn,
            "defer_statement" => Self::Defer,
            "statement_list" => Self::StatementList,
            "struct_type" => Self::StructType,
            "interpreted_string_literal" => Self::Text,
            "raw_string_literal" => Self::RawText,
            "true" => Self::True,
            "type_assertion_expression" => Self::TypeAssertion,
            "type_conversion_expression" => Self::TypeConversion,
            "type_identifier" => Self::TypeIdentifier,
            "type_spec" | "type_alias" => Self::TypeSpec,
            "unary_expression" => Self::Unary,
            "var_spec" => Self::VariableSpec,
            _ => Self::Other,
        }
    }
}

/// What a node is to the one that it is a part of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Field {
    None,
    Alternative,
    Arguments,
    Body,
    Communication,
    Condition,
    Consequence,
    Element,
    Function,
    Index,
    Initializer,
    Left,
    Name,
    Operand,
    Operator,
    Parameters,
    Path,
    Receiver,
    Result,
    Right,
    Selected,
    Tag,
    Type,
    Value,
}

impl Field {
    fn of(name: Option<&str>) -> Self {
        match name {
            Some("alternative") => Self::Alternative,
            Some("arguments") => Self::Arguments,
            Some("body") => Self::Body,
            Some("communication") => Self::Communication,
            Some("condition") => Self::Condition,
            Some("consequence") => Self::Consequence,
            Some("element") => Self::Element,
            Some("function") => Self::Function,
            Some("index") => Self::Index,
            Some("initializer") => Self::Initializer,
            Some("left") => Self::Left,
            Some("name") => Self::Name,
            Some("operand") => Self::Operand,
            Some("operator") => Self::Operator,
            Some("parameters") => Self::Parameters,
            Some("path") => Self::Path,
            Some("receiver") => Self::Receiver,
            Some("result") => Self::Result,
            Some("right") => Self::Right,
            Some("field") => Self::Selected,
            Some("tag") => Self::Tag,
            Some("type") => Self::Type,
            Some("value") => Self::Value,
            _ => Self::None,
        }
    }
}

/// The place of a node that is not there.
const NONE: u32 = u32::MAX;

#[derive(Clone, Copy)]
struct Entry {
    kind: Kind,
    field: Field,
    /// It did not parse, or something is missing.
    broken: bool,
    spot: Spot,
    first: u32,
    next: u32,
}

/// A tree in the making, and when it is made.
pub(super) struct Tree {
    entries: Vec<Entry>,
    /// Nodes that are no part of another one yet.
    open: Vec<u32>,
}

/// The nodes from here on belong to the node that is closed with this.
#[derive(Clone, Copy)]
pub(super) struct Mark(usize);

impl Tree {
    pub(super) fn for_bytes(bytes: usize) -> Self {
        Self { entries: Vec::with_capacity(bytes / 6), open: Vec::new() }
    }

    /// A node without parts.
    pub(super) fn leaf(&mut self, kind: Kind, spot: Spot) {
        let id = u32::try_from(self.entries.len()).unwrap_or(NONE);
        self.entries.push(Entry { kind, field: Field::None, broken: false, spot, first: NONE, next: NONE });
        self.open.push(id);
    }

    pub(super) fn mark(&self) -> Mark {
        Mark(self.open.len())
    }

    /// Makes the nodes since a mark the parts of a new one.
    pub(super) fn close(&mut self, kind: Kind, mark: Mark, spot: Spot) {
        let mut first = NONE;
        for part in self.open.drain(mark.0.min(self.open.len())..).rev() {
            if let Some(entry) = self.entries.get_mut(part as usize) {
                entry.next = first;
                first = part;
            }
        }
        self.leaf(kind, spot);
        if let Some(last) = self.entries.last_mut() {
            last.first = first;
        }
    }

    /// The place where the first node since a mark begins.
    pub(super) fn begin(&self, mark: Mark) -> Option<Spot> {
        Some(self.entries.get(*self.open.get(mark.0)? as usize)?.spot)
    }

    /// How many nodes there are since a mark.
    pub(super) fn since(&self, mark: Mark) -> usize {
        self.open.len().saturating_sub(mark.0)
    }

    fn last_mut(&mut self) -> Option<&mut Entry> {
        self.entries.get_mut(*self.open.last()? as usize)
    }

    pub(super) fn last_kind(&self) -> Option<Kind> {
        Some(self.entries.get(*self.open.last()? as usize)?.kind)
    }

    /// Says what the last node is to the one that it will be a part of.
    pub(super) fn field(&mut self, field: Field) {
        if let Some(last) = self.last_mut() {
            last.field = field;
        }
    }

    /// The last node turns out to be of another kind.
    pub(super) fn turn(&mut self, kind: Kind) {
        if let Some(last) = self.last_mut() {
            last.kind = kind;
        }
    }

    /// The last node, a name or an element of one, turns out to be a type.
    pub(super) fn turn_to_type(&mut self) {
        if let Some(last) = self.open.last().copied() {
            self.turn_one_to_type(last);
        }
    }

    /// The same of the node before the last one, which is the types that it is made with.
    pub(super) fn turn_to_type_before(&mut self) {
        if let Some(before) = self.before_last() {
            self.turn_one_to_type(before);
            self.field_before(Field::Type);
        }
    }

    /// The last node is an element in parentheses, or a pointer to one.
    pub(super) fn last_holds_element(&self) -> bool {
        let mut node = self.root();
        while let Some(one) = node {
            match one.kind() {
                Kind::Index => return true,
                Kind::Parenthesized | Kind::Unary => node = one.parts().last(),
                _ => return false,
            }
        }
        false
    }

    /// Says what the node before the last one is.
    pub(super) fn field_before(&mut self, field: Field) {
        if let Some(entry) = self.before_last().and_then(|id| self.entries.get_mut(id as usize)) {
            entry.field = field;
        }
    }

    fn before_last(&self) -> Option<u32> {
        self.open.get(self.open.len().checked_sub(2)?).copied()
    }

    fn turn_one_to_type(&mut self, mut id: u32) {
        while let Some(entry) = self.entries.get_mut(id as usize) {
            entry.kind = match entry.kind {
                Kind::Identifier => Kind::TypeIdentifier,
                Kind::Selector => Kind::QualifiedType,
                Kind::Index => Kind::GenericType,
                _ => return,
            };
            if entry.kind != Kind::GenericType {
                return;
            }
            id = entry.first;
            if let Some(first) = self.entries.get_mut(id as usize) {
                first.field = Field::Type;
            }
        }
    }

    /// Of a name, its types and a value since a mark, the first two turn out to be a generic type.
    pub(super) fn turn_to_generic(&mut self, mark: Mark, spot: Spot) {
        let Some(value) = self.open.pop() else { return };
        self.turn_to_type_before();
        self.close(Kind::GenericType, mark, spot);
        self.field(Field::Type);
        self.open.push(value);
    }

    pub(super) fn set_end(&mut self, end: u32) {
        if let Some(last) = self.last_mut() {
            last.spot.end = end;
        }
    }

    /// Takes back the nodes since a mark.
    pub(super) fn forget(&mut self, mark: Mark) {
        self.open.truncate(mark.0);
    }

    /// Takes the last node apart: what it is made of stands in its place.
    pub(super) fn unwrap(&mut self) {
        let Some(mut part) = self.open.pop().and_then(|id| self.entries.get(id as usize)).map(|entry| entry.first)
        else {
            return;
        };
        while let Some(entry) = self.entries.get(part as usize) {
            self.open.push(part);
            part = entry.next;
        }
    }

    pub(super) fn root(&self) -> Option<Node<'_>> {
        self.node(*self.open.last()?)
    }

    fn node(&self, id: u32) -> Option<Node<'_>> {
        Some(Node { tree: self, entry: self.entries.get(id as usize)? })
    }

    /// The same tree as tree-sitter has made it, comments left out.
    pub(super) fn copied(tree: &tree_sitter::Tree) -> Self {
        let mut copy = Self::for_bytes(tree.root_node().end_byte());
        copy.copy(&mut tree.walk());
        copy
    }

    /// Without recursion: broken code nests as deep as it likes.
    fn copy(&mut self, cursor: &mut TreeCursor<'_>) {
        let mut marks = Vec::new();
        loop {
            let node = cursor.node();
            let operator = cursor.field_name() == Some("operator") && !node.is_named();
            let kept = operator || node.is_named() && (!node.is_extra() || node.is_error());
            let text = matches!(node.kind(), "interpreted_string_literal" | "raw_string_literal");
            if kept && !text && cursor.goto_first_child() {
                marks.push(self.mark());
                continue;
            }
            if kept {
                self.copy_one(cursor, None);
            }
            while !cursor.goto_next_sibling() {
                if !cursor.goto_parent() {
                    return;
                }
                let mark = marks.pop();
                self.copy_one(cursor, mark);
            }
        }
    }

    fn copy_one(&mut self, cursor: &TreeCursor<'_>, mark: Option<Mark>) {
        let node = cursor.node();
        let kind = if node.is_named() { Kind::of(node.kind()) } else { Kind::Token };
        let mark = mark.unwrap_or_else(|| self.mark());
        self.close(kind, mark, crate::reader::spot(node));
        if let Some(last) = self.last_mut() {
            last.field = Field::of(cursor.field_name());
            last.broken = node.is_error() || node.is_missing();
        }
    }
}

/// A node of a tree.
#[derive(Clone, Copy)]
pub(super) struct Node<'t> {
    tree: &'t Tree,
    entry: &'t Entry,
}

impl PartialEq for Node<'_> {
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(self.entry, other.entry)
    }
}

impl From<Node<'_>> for Spot {
    fn from(node: Node<'_>) -> Self {
        node.entry.spot
    }
}

impl Node<'_> {
    pub(super) fn kind(self) -> Kind {
        self.entry.kind
    }

    pub(super) fn is_broken(self) -> bool {
        self.entry.broken
    }

    pub(super) fn range(self) -> (usize, usize) {
        (self.entry.spot.start as usize, self.entry.spot.end as usize)
    }

    fn children(self) -> impl Iterator<Item = Self> {
        let mut next = self.entry.first;
        std::iter::from_fn(move || {
            let node = self.tree.node(next)?;
            next = node.entry.next;
            Some(node)
        })
    }

    /// What it is made of, comments and operators left out.
    pub(super) fn parts(self) -> impl Iterator<Item = Self> {
        self.children().filter(|child| child.kind() != Kind::Token)
    }

    /// The first part that is this to it.
    pub(super) fn field(self, field: Field) -> Option<Self> {
        self.children().find(|child| child.entry.field == field)
    }

    pub(super) fn fields(self, field: Field) -> impl Iterator<Item = Self> {
        self.parts().filter(move |child| child.entry.field == field)
    }
}
