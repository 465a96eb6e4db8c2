//! One file of source code in the words that all languages share.
//!
//! Everything hangs on a tree of scopes: a call knows the function, the loop, the `try` and the lambda that it stands
//! in. Expressions are trees; what no reader of gonogo asks about is [`Expr::Other`].

use serde::{Deserialize, Serialize};

use crate::Language;

/// Where something stands in its file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
pub struct Spot {
    /// Counted from 1.
    pub line: u32,
    /// Bytes from the start of the file, the end not included.
    pub start: u32,
    pub end: u32,
}

impl Spot {
    pub fn contains(self, other: Self) -> bool {
        self.start <= other.start && other.end <= self.end
    }
}

/// An index into [`Module::scopes`].
pub type ScopeId = usize;

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Module {
    pub language: Language,
    /// The package or namespace that the file says it belongs to; empty where it says none.
    pub package: String,
    pub imports: Vec<Import>,
    /// The first one is the file itself.
    pub scopes: Vec<Scope>,
    /// In the order in which they end: a call of a chain stands after the one that it is called on.
    pub calls: Vec<Call>,
    pub bindings: Vec<Binding>,
    /// Names with a dot and elements by key that are read and not called: `process.env.PORT`, `ENV["PORT"]`.
    pub reads: Vec<Read>,
    pub returns: Vec<Return>,
    /// Every text literal.
    pub literals: Vec<Literal>,
    /// What did not parse.
    pub broken: Vec<Spot>,
}

/// `import x from "module"`, `use module::name as x`: a name in this file for something of another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Import {
    /// The module as the language's own tables name it: `net/http`, `@nestjs/common`, `urllib.request`.
    pub module: String,
    /// What is taken from it; none is the module itself (or its default), `*` is everything.
    pub name: Option<String>,
    /// What it is called in this file; empty where it is imported for its effect.
    pub local: String,
    pub spot: Spot,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Scope {
    pub kind: ScopeKind,
    pub parent: Option<ScopeId>,
    /// The name of a function, a method or a class; the variable of a `catch`.
    pub name: String,
    pub parameters: Vec<Parameter>,
    /// What a class extends and implements, what a `catch` catches, the receiver of a Go method, what a function
    /// returns. As written.
    pub types: Vec<String>,
    /// Of a branch, a loop or a `case`.
    pub condition: Option<Expr>,
    /// Nothing in it but comments, `pass`, or a bare `return`.
    pub empty: bool,
    /// `async`, `suspend`.
    pub asynchronous: bool,
    /// The last of what a function of Go gives back is an error.
    pub fails: bool,
    pub spot: Spot,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum ScopeKind {
    File,
    Class,
    /// A function, a method, a lambda, a block of Ruby.
    Function,
    Loop,
    Try,
    Catch,
    Finally,
    /// One arm of an `if`, a `switch`, a `match`, a `select`.
    Branch,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Parameter {
    pub name: String,
    /// As written.
    pub kind: Option<String>,
    pub default: Option<Expr>,
}

/// A call, the making of an object, an annotation.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Call {
    pub callee: Expr,
    pub arguments: Vec<Argument>,
    pub role: CallRole,
    /// For an annotation, the function or class that it stands on.
    pub scope: ScopeId,
    /// `await call()`, `call().await`, `call()?`: somebody waits for it or looks at its error.
    pub awaited: bool,
    /// It is a statement of its own: what it gives is thrown away.
    pub dropped: bool,
    pub spot: Spot,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum CallRole {
    Plain,
    /// `new X()`, `X {}`.
    Make,
    /// A decorator, an attribute, an annotation.
    Annotation,
    /// `go f()`.
    Spawn,
    /// `defer f()`.
    Defer,
    /// `throw X()`, `raise X()`, `panic(x)`.
    Throw,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Argument {
    /// `timeout=5`, `timeout: 5` of Ruby, C# and Swift-like calls.
    pub name: Option<String>,
    pub value: Expr,
}

/// A name that gets a value or a type: a variable, a constant, a field.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Binding {
    /// `client`, `this.client`, `self.client`; names that are bound together (`resp, err :=`) are bindings of their own.
    pub name: String,
    /// As written, without references and pointers.
    pub kind: Option<String>,
    pub value: Option<Expr>,
    /// Which of the values that a call gives: 1 for `err` in `resp, err := f()`.
    pub nth: usize,
    pub scope: ScopeId,
    pub spot: Spot,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Read {
    pub value: Expr,
    /// `process.env.PORT || 3000`: what stands in when there is none.
    pub default: Option<Expr>,
    pub scope: ScopeId,
    pub spot: Spot,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Return {
    pub value: Expr,
    pub scope: ScopeId,
    pub spot: Spot,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Literal {
    /// Without its quotes, its escapes as they are; each hole of a template is `{}`.
    pub text: String,
    pub scope: ScopeId,
    pub spot: Spot,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Expr {
    /// As in [`Literal::text`].
    Text(String),
    /// As written, without separators and suffixes: `30`, `0.5`, `1e3`.
    Number(String),
    Bool(bool),
    Null,
    /// A name with its members: `client`, `http.Client`, `this.pool.query`. The separator is always a dot.
    Name(String),
    /// A member of what is no name: `f().timeout`.
    Member(Box<Self>, String),
    Index(Box<Self>, Box<Self>),
    /// An index into [`Module::calls`].
    Call(usize),
    /// An object, a dictionary, a struct literal with its type, a map. Fields in their order; a spread has the name `...`.
    Object {
        kind: Option<String>,
        fields: Vec<(String, Self)>,
    },
    List(Vec<Self>),
    /// A function, a lambda or a class as a value: an index into [`Module::scopes`].
    Function(ScopeId),
    /// `a * b`, `a || b`, `!a`, `a ? b : c` (operator `?`).
    Operation(String, Vec<Self>),
    Other,
}

impl Expr {
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    pub fn name(&self) -> Option<&str> {
        match self {
            Self::Name(name) => Some(name),
            _ => None,
        }
    }

    /// The field of an object.
    pub fn field(&self, name: &str) -> Option<&Self> {
        match self {
            Self::Object { fields, .. } => fields.iter().find(|(field, _)| field == name).map(|(_, value)| value),
            _ => None,
        }
    }

    /// It, and everything in it, outermost first; calls and functions are not entered.
    pub fn walk<'a>(&'a self, visit: &mut dyn FnMut(&'a Self)) {
        visit(self);
        match self {
            Self::Member(inner, _) => inner.walk(visit),
            Self::Index(inner, key) => {
                inner.walk(visit);
                key.walk(visit);
            }
            Self::Object { fields, .. } => fields.iter().for_each(|(_, value)| value.walk(visit)),
            Self::List(items) | Self::Operation(_, items) => items.iter().for_each(|item| item.walk(visit)),
            Self::Text(_)
            | Self::Number(_)
            | Self::Bool(_)
            | Self::Null
            | Self::Name(_)
            | Self::Call(_)
            | Self::Function(_)
            | Self::Other => (),
        }
    }
}

impl Module {
    /// The scope and those around it, innermost first.
    pub fn around(&self, scope: ScopeId) -> impl Iterator<Item = (ScopeId, &Scope)> {
        let mut next = Some(scope);
        std::iter::from_fn(move || {
            let at = next?;
            let scope = self.scopes.get(at)?;
            next = scope.parent;
            Some((at, scope))
        })
    }

    /// The innermost function around, none at the top of the file.
    pub fn function(&self, scope: ScopeId) -> Option<ScopeId> {
        self.around(scope).find(|(_, scope)| scope.kind == ScopeKind::Function).map(|(at, _)| at)
    }

    /// The class around.
    pub fn class(&self, scope: ScopeId) -> Option<ScopeId> {
        self.around(scope).find(|(_, scope)| scope.kind == ScopeKind::Class).map(|(at, _)| at)
    }

    /// `inner` is `outer`, or stands somewhere in it.
    pub fn within(&self, inner: ScopeId, outer: ScopeId) -> bool {
        self.around(inner).any(|(at, _)| at == outer)
    }
}
