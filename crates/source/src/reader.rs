//! What the readers of all languages share: the module in the making, the scope that is open, and the bounds.

use std::collections::HashMap;

use tree_sitter::Node;

use crate::{
    Argument, Binding, Call, CallRole, Expr, Import, Language, Literal, Module, Parameter, Read, Return, Scope,
    ScopeId, ScopeKind, Spot,
};

/// How deep expressions and statements may nest; what lies deeper is noted as broken and not followed.
const DEPTH_LIMIT: usize = 250;

/// Larger expressions are not kept a second time: nested ones would grow with the square of the file.
const COPY_LIMIT: usize = 4_000;

/// Longer names are nobody's, and are not kept where they would stand many times.
pub(crate) const NAME_LIMIT: usize = 400;

/// Longer literals are data, not what a program says.
const LITERAL_LIMIT: usize = 20_000;

/// A module in the making.
pub(crate) struct Reader<'t> {
    bytes: &'t [u8],
    pub(crate) module: Module,
    scope: ScopeId,
    depth: usize,
    /// The bodies of the heredocs of Ruby, by the place where each begins.
    pub(crate) heredocs: HashMap<usize, Node<'t>>,
}

impl<'t> Reader<'t> {
    pub(crate) fn new(language: Language, bytes: &'t [u8]) -> Self {
        let mut reader = Self {
            bytes,
            module: Module {
                language,
                package: String::new(),
                imports: Vec::new(),
                scopes: Vec::new(),
                calls: Vec::new(),
                bindings: Vec::new(),
                reads: Vec::new(),
                returns: Vec::new(),
                literals: Vec::new(),
                broken: Vec::new(),
            },
            scope: 0,
            depth: 0,
            heredocs: HashMap::new(),
        };
        reader.module.scopes.push(Scope {
            kind: ScopeKind::File,
            parent: None,
            name: String::new(),
            parameters: Vec::new(),
            types: Vec::new(),
            condition: None,
            empty: false,
            asynchronous: false,
            fails: false,
            spot: Spot { line: 1, start: 0, end: u32::try_from(bytes.len()).unwrap_or(u32::MAX) },
        });
        reader
    }

    /// Runs one step of a walk, unless it lies too deep.
    pub(crate) fn deeper(&mut self, node: impl Into<Spot>, step: impl FnOnce(&mut Self) -> Expr) -> Expr {
        if self.depth >= DEPTH_LIMIT {
            self.module.broken.push(node.into());
            return Expr::Other;
        }
        self.depth += 1;
        let value = step(self);
        self.depth -= 1;
        value
    }

    pub(crate) fn broken(&mut self, node: impl Into<Spot>) {
        self.module.broken.push(node.into());
    }

    /// The text of a node; what is no UTF-8 is replaced.
    pub(crate) fn text(&self, node: Node<'_>) -> String {
        self.between(node.start_byte(), node.end_byte())
    }

    /// The text between two places, empty where they do not follow each other.
    pub(crate) fn between(&self, start: usize, end: usize) -> String {
        String::from_utf8_lossy(self.bytes.get(start..end).unwrap_or_default()).into_owned()
    }

    /// The text of a field of a node, empty where there is none.
    pub(crate) fn field_text(&self, node: Node<'_>, field: &str) -> String {
        node.child_by_field_name(field).map(|child| self.text(child)).unwrap_or_default()
    }

    pub(crate) fn scope(&self) -> ScopeId {
        self.scope
    }

    /// Opens a scope for the length of `body`.
    pub(crate) fn inside(
        &mut self,
        kind: ScopeKind,
        name: String,
        node: impl Into<Spot>,
        body: impl FnOnce(&mut Self),
    ) -> ScopeId {
        let id = self.module.scopes.len();
        self.module.scopes.push(Scope {
            kind,
            parent: Some(self.scope),
            name,
            parameters: Vec::new(),
            types: Vec::new(),
            condition: None,
            empty: false,
            asynchronous: false,
            fails: false,
            spot: node.into(),
        });
        let outer = std::mem::replace(&mut self.scope, id);
        body(self);
        self.scope = outer;
        id
    }

    /// The scope that is open, to be completed.
    pub(crate) fn this(&mut self) -> &mut Scope {
        let scope = self.scope;
        // The file's scope is always there and `scope` never points past the end.
        &mut self.module.scopes[scope]
    }

    pub(crate) fn parameter(&mut self, name: String, kind: Option<String>, default: Option<Expr>) {
        self.this().parameters.push(Parameter { name, kind, default });
    }

    pub(crate) fn import(&mut self, module: String, name: Option<String>, local: String, node: impl Into<Spot>) {
        self.module.imports.push(Import { module, name, local, spot: node.into() });
    }

    /// Notes a call in the scope that is open.
    pub(crate) fn call(
        &mut self,
        callee: Expr,
        arguments: Vec<Argument>,
        role: CallRole,
        node: impl Into<Spot>,
    ) -> Expr {
        self.call_in(self.scope, callee, arguments, role, node)
    }

    pub(crate) fn call_in(
        &mut self,
        scope: ScopeId,
        callee: Expr,
        arguments: Vec<Argument>,
        role: CallRole,
        node: impl Into<Spot>,
    ) -> Expr {
        let call = Call { callee, arguments, role, scope, awaited: false, dropped: false, spot: node.into() };
        self.module.calls.push(call);
        Expr::Call(self.module.calls.len() - 1)
    }

    /// Makes a call of several nodes end with the last of them.
    pub(crate) fn ends_at(&mut self, value: &Expr, last: Node<'_>) {
        if let Expr::Call(at) = value
            && let Some(call) = self.module.calls.get_mut(*at)
        {
            call.spot.end = spot(last).end;
        }
    }

    /// Somebody waits for what this call gives, or looks at its error.
    pub(crate) fn awaited(&mut self, value: &Expr) {
        if let Expr::Call(at) = value
            && let Some(call) = self.module.calls.get_mut(*at)
        {
            call.awaited = true;
        }
    }

    /// What this call gives is thrown away.
    pub(crate) fn dropped(&mut self, value: &Expr) {
        if let Expr::Call(at) = value
            && let Some(call) = self.module.calls.get_mut(*at)
        {
            call.dropped = true;
        }
    }

    /// Turns a call that was just read into another kind: `go f()`, `defer f()`.
    pub(crate) fn in_role(&mut self, value: &Expr, role: CallRole) {
        if let Expr::Call(at) = value
            && let Some(call) = self.module.calls.get_mut(*at)
        {
            call.role = role;
        }
    }

    pub(crate) fn bind(&mut self, name: String, kind: Option<String>, value: Option<Expr>, node: impl Into<Spot>) {
        self.bind_nth(name, kind, value, 0, node);
    }

    pub(crate) fn bind_nth(
        &mut self,
        name: String,
        kind: Option<String>,
        value: Option<Expr>,
        nth: usize,
        node: impl Into<Spot>,
    ) {
        let kind = kind.filter(|kind| kind.len() <= NAME_LIMIT);
        self.module.bindings.push(Binding { name, kind, value, nth, scope: self.scope, spot: node.into() });
    }

    /// Notes a value that is read and not called.
    pub(crate) fn read(&mut self, value: &Expr, node: impl Into<Spot>) {
        self.module.reads.push(Read { value: copy(value), default: None, scope: self.scope, spot: node.into() });
    }

    /// `left || right`: what stands in when the read on the left gives nothing.
    pub(crate) fn default_of(&mut self, left: &Expr, right: &Expr) {
        if let Some(read) = self.module.reads.iter_mut().rev().take(8).find(|read| read.value == *left) {
            read.default = Some(copy(right));
        }
    }

    pub(crate) fn returned(&mut self, value: Expr, node: impl Into<Spot>) {
        self.module.returns.push(Return { value, scope: self.scope, spot: node.into() });
    }

    /// Notes a literal and gives it as a value.
    pub(crate) fn literal(&mut self, mut text: String, node: impl Into<Spot>) -> Expr {
        if text.len() > LITERAL_LIMIT {
            let end = (0..=LITERAL_LIMIT).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
            text.truncate(end);
        }
        self.module.literals.push(Literal { text: text.clone(), scope: self.scope, spot: node.into() });
        Expr::Text(text)
    }
}

pub(crate) fn spot(node: Node<'_>) -> Spot {
    node.into()
}

impl From<Node<'_>> for Spot {
    fn from(node: Node<'_>) -> Self {
        let number = |value: usize| u32::try_from(value).unwrap_or(u32::MAX);
        Self {
            line: number(node.start_position().row).saturating_add(1),
            start: number(node.start_byte()),
            end: number(node.end_byte()),
        }
    }
}

/// The named children of a node, comments left out.
pub(crate) fn parts(node: Node<'_>) -> Vec<Node<'_>> {
    let mut cursor = node.walk();
    node.named_children(&mut cursor).filter(|child| !child.is_extra() || child.is_error()).collect()
}

/// The named children of a field that may hold several.
pub(crate) fn fields<'n>(node: Node<'n>, field: &str) -> Vec<Node<'n>> {
    let mut cursor = node.walk();
    node.children_by_field_name(field, &mut cursor).filter(Node::is_named).collect()
}

/// The first named child of one of these kinds.
pub(crate) fn part<'n>(node: Node<'n>, kinds: &[&str]) -> Option<Node<'n>> {
    parts(node).into_iter().find(|child| kinds.contains(&child.kind()))
}

/// A name and one of its members; what is no name keeps its tree.
pub(crate) fn member(of: Expr, name: &str) -> Expr {
    match of {
        Expr::Name(path) => Expr::Name(format!("{path}.{name}")),
        other => Expr::Member(Box::new(other), name.to_owned()),
    }
}

/// `process.env["PORT"]` is `process.env.PORT`; elements that have no plain word for a key keep their tree.
pub(crate) fn element(of: Expr, key: Expr) -> Expr {
    match key {
        Expr::Text(key) if is_word(&key) => member(of, &key),
        key => Expr::Index(Box::new(of), Box::new(key)),
    }
}

pub(crate) fn is_word(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|letter| letter.is_alphanumeric() || matches!(letter, '_' | '$'))
}

/// The last part of a name begins with a capital letter, as the names of classes do.
pub(crate) fn is_class_name(path: &str) -> bool {
    path.rsplit('.').next().unwrap_or(path).chars().next().is_some_and(char::is_uppercase)
}

/// A copy of an expression, unless it is too large to stand in two places.
pub(crate) fn copy(value: &Expr) -> Expr {
    let mut weight = 0;
    value.walk(&mut |one| {
        weight += match one {
            Expr::Text(text) | Expr::Name(text) | Expr::Member(_, text) => 1 + text.len() / 32,
            _ => 1,
        };
    });
    if weight > COPY_LIMIT { Expr::Other } else { value.clone() }
}

/// A text over several lines without the indentation that all of them share.
pub(crate) fn dedented(text: &str) -> String {
    let indent = |line: &str| line.len() - line.trim_start_matches([' ', '\t']).len();
    let shared = text.lines().filter(|line| !line.trim().is_empty()).map(indent).min().unwrap_or_default();
    let lines: Vec<&str> = text.lines().map(|line| line.get(shared..).unwrap_or_default()).collect();
    lines.join("\n")
}

/// A number without separators and the suffix of its type.
pub(crate) fn number(text: &str) -> Expr {
    let plain: String = text.chars().filter(|letter| *letter != '_').collect();
    if plain.starts_with("0x") || plain.starts_with("0X") || plain.starts_with("0b") || plain.starts_with("0o") {
        return Expr::Number(plain);
    }
    let end = plain
        .find(|letter: char| !(letter.is_ascii_digit() || matches!(letter, '.' | 'e' | 'E' | '-' | '+')))
        .unwrap_or(plain.len());
    Expr::Number(plain.get(..end).unwrap_or_default().trim_end_matches('.').to_owned())
}
