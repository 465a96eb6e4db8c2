//! One question about a name, followed through imports, variables, fields, parameters and their types.

use std::cell::Cell;

use crate::{Call, CallRole, Expr, Import, Language, ScopeId, ScopeKind, index::Index, names::Beyond};

/// How far a name is followed from one to the next.
pub(crate) const STEPS: usize = 12;

/// How many names are followed in all for one question: bindings may lead to each other in circles.
const PATIENCE: usize = 500;

/// What gives the thing itself in Rust: `Client::new()` is a Client, and so is `client.clone()`.
const UNCHANGED: &[&str] = &[
    ".new",
    ".default",
    ".clone",
    ".unwrap",
    ".expect",
    ".unwrap_or_default",
    ".as_ref",
    ".as_mut",
    ".as_deref",
    ".map_err",
    ".context",
    ".with_context",
];

/// How many `return`s of a function are looked at for what it gives.
const RETURNS: usize = 4;

/// A question on its way: it ends when it has led nowhere for too long.
pub(crate) struct Trail<'n, 'm> {
    pub(crate) index: &'n Index<'m>,
    beyond: &'n dyn Beyond,
    /// How many names may still be followed.
    left: Cell<usize>,
}

impl<'n, 'm> Trail<'n, 'm> {
    pub(crate) fn new(index: &'n Index<'m>, beyond: &'n dyn Beyond) -> Self {
        Self { index, beyond, left: Cell::new(PATIENCE) }
    }

    pub(crate) fn follow(&self, value: &Expr, scope: ScopeId, steps: usize) -> Option<String> {
        let steps = steps.checked_sub(1)?;
        self.left.set(self.left.get().checked_sub(1)?);
        match value {
            Expr::Name(path) => self.path(path, scope, steps),
            // A chain of calls is as long as it is written; each link is a call that was noted before.
            Expr::Member(of, name) => self.follow(of, scope, steps + 1).map(|symbol| format!("{symbol}.{name}")),
            Expr::Call(at) => {
                let call = self.index.module.calls.get(*at)?;
                self.given(call, steps + usize::from(matches!(call.callee, Expr::Member(..))))
            }
            Expr::Object { kind: Some(kind), .. } => self.kind(kind, scope, steps),
            Expr::Operation(operator, items) if matches!(operator.as_str(), "||" | "??" | "or" | "?:" | "?" | "@") => {
                items.iter().rev().find_map(|item| self.follow(item, scope, steps))
            }
            Expr::Function(at) => {
                let scope = self.index.module.scopes.get(*at)?;
                (!scope.name.is_empty()).then(|| format!(".{}", scope.name))
            }
            _ => None,
        }
    }

    /// What a call gives.
    fn given(&self, call: &Call, steps: usize) -> Option<String> {
        let symbol = self.follow(&call.callee, call.scope, steps)?;
        if call.role == CallRole::Make {
            return Some(symbol);
        }
        if let Some(kind) = self.gives(&symbol) {
            return Some(kind.to_owned());
        }
        if self.index.module.language == Language::Rust {
            // `Arc::new(client)` and `Ok(client)` are the client.
            let last = symbol.strip_suffix(".new").unwrap_or(&symbol).rsplit('.').next().unwrap_or_default();
            if matches!(last, "Arc" | "Rc" | "Box" | "Some" | "Ok")
                && let [held] = call.arguments.as_slice()
            {
                return self.follow(&held.value, call.scope, steps);
            }
            if let Some(kind) = UNCHANGED.iter().find_map(|end| symbol.strip_suffix(end)) {
                return Some(kind.to_owned());
            }
        }
        // `client.apply { … }` is the client.
        if self.index.module.language == Language::Kotlin
            && let Some(kind) = symbol.strip_suffix(".apply").or_else(|| symbol.strip_suffix(".also"))
        {
            return Some(kind.to_owned());
        }
        if let Some(kind) = self.declared(&symbol, steps) {
            return Some(kind);
        }
        if let Some(kind) = self.own(&symbol, steps) {
            return Some(kind);
        }
        if let Some(function) = symbol.strip_prefix('.').and_then(|name| self.index.functions.get(name))
            && let Some(value) = self.index.gives_back.get(function)
            && let Some(symbol) = self.follow(value, *function, steps)
            && (!symbol.starts_with('.') || self.index.classes.contains_key(symbol.get(1..).unwrap_or_default()))
        {
            return Some(symbol);
        }
        // Ruby writes a member like a call.
        if self.index.module.language == Language::Ruby && call.arguments.is_empty() {
            return Some(symbol);
        }
        Some(format!("{symbol}()"))
    }

    /// What a table says that calling this gives, by any of the names that it may have.
    fn gives(&self, symbol: &str) -> Option<&str> {
        self.beyond.gives(symbol).or_else(|| self.gives_reopened(symbol)).or_else(|| {
            let bare = self.index.may_be_taken(symbol);
            bare.then(|| {
                self.index.wildcards.iter().find_map(|module| self.beyond.gives(&format!("{module}.{symbol}")))
            })?
        })
    }

    /// A class or module that this program opens again is still what its library made of it, but for what is added here.
    fn gives_reopened(&self, symbol: &str) -> Option<&str> {
        let plain = symbol.strip_prefix('.').filter(|_| self.index.module.language == Language::Ruby)?;
        if self.index.functions.contains_key(plain) {
            return None;
        }
        self.beyond.gives(plain)
    }

    /// What a function of this module says that it returns.
    fn declared(&self, symbol: &str, steps: usize) -> Option<String> {
        if !self.index.is_declared() {
            return None;
        }
        let at = *self.index.functions.get(symbol.strip_prefix('.')?)?;
        self.kind(self.index.module.scopes.get(at)?.types.first()?, at, steps)
    }

    /// What a function of the module itself gives, where that is more than a name: `def session(): return Session()`.
    fn own(&self, symbol: &str, steps: usize) -> Option<String> {
        let (class, name) = symbol.strip_prefix('.')?.rsplit_once('.').unwrap_or(("", symbol.get(1..)?));
        let pieces = if class.is_empty() { &[0][..] } else { self.index.classes.get(class)?.as_slice() };
        pieces.iter().find_map(|home| self.returned(*home, name, steps))
    }

    fn returned(&self, home: ScopeId, name: &str, steps: usize) -> Option<String> {
        let steps = steps.checked_sub(1)?;
        let function = self.index.by_home.get(&(home, name))?;
        let values = self.index.returns.get(function)?.iter().take(RETURNS);
        values
            .filter(|value| matches!(value, Expr::Call(_) | Expr::Name(_) | Expr::Object { kind: Some(_), .. }))
            .filter_map(|value| self.follow(value, *function, steps).filter(|symbol| value.name() != Some(symbol)))
            .find(|symbol| {
                !symbol.starts_with('.') || self.index.classes.contains_key(symbol.get(1..).unwrap_or_default())
            })
    }

    /// The symbol of a type as it is written.
    fn kind(&self, kind: &str, scope: ScopeId, steps: usize) -> Option<String> {
        steps.checked_sub(1)?;
        let (head, rest) = split(kind);
        if head == "Self" && self.index.module.language == Language::Rust {
            let class = self.index.module.class(scope).and_then(|class| self.index.module.scopes.get(class))?;
            return Some(joined(&format!(".{}", class.name), rest));
        }
        let symbol = match self.index.imports.get(head) {
            Some(import) => joined(&self.import(import), rest),
            None if self.index.classes.contains_key(head) => format!(".{kind}"),
            None => self.beyond.beside(head).map_or_else(|| kind.to_owned(), |symbol| joined(&symbol, rest)),
        };
        Some(self.gives(&symbol).map_or(symbol.clone(), str::to_owned))
    }

    fn import(&self, import: &Import) -> String {
        if let Some(symbol) = self.beyond.imported(import) {
            return symbol;
        }
        match &import.name {
            // `from . import name` of Python.
            Some(name) if import.module.ends_with('.') => format!("{}{name}", import.module),
            Some(name) if name == "*" => import.module.clone(),
            Some(name) => format!("{}.{name}", import.module),
            None => import.module.clone(),
        }
    }

    pub(crate) fn path(&self, path: &str, scope: ScopeId, steps: usize) -> Option<String> {
        let steps = steps.checked_sub(1)?;
        let (head, rest) = split(path);
        if matches!(head, "this" | "self" | "cls") && !rest.is_empty() {
            return Some(self.field(path, rest, scope, steps));
        }
        if let Some(class) = self.index.module.class(scope).and_then(|class| self.index.module.scopes.get(class)) {
            // Without a rest, as the whole of what is returned or handed on.
            if head == "this" {
                return Some(format!(".{}", class.name));
            }
            // The class that this one extends stands before those that it implements.
            let above = match self.index.module.language {
                // There it is a module.
                Language::Rust => None,
                Language::CSharp => (head == "base").then(|| class.types.first()),
                Language::Java | Language::Kotlin => (head == "super").then(|| class.types.first()),
                _ => (head == "super" && !rest.is_empty()).then(|| class.types.first()),
            };
            if let Some(kind) = above.flatten() {
                return self.kind(kind, scope, steps).map(|symbol| self.member(&symbol, rest, steps));
            }
            if head == "Self" && self.index.module.language == Language::Rust {
                return Some(self.member(&format!(".{}", class.name), rest, steps));
            }
        }
        if let Some(symbol) = self.variable(head, scope, steps) {
            return Some(self.member(&symbol, rest, steps));
        }
        if let Some(symbol) = self.unqualified(head, rest, scope, steps) {
            return Some(symbol);
        }
        if let Some(import) = self.index.imports.get(head) {
            return Some(joined(&self.import(import), rest));
        }
        if self.index.classes.contains_key(head) {
            return Some(self.member(&format!(".{head}"), rest, steps));
        }
        // What is bound here and leads nowhere is no global of the same name.
        if self.index.is_bound(head, scope) {
            return Some(format!(".{path}"));
        }
        // A method without arguments, used like a variable.
        if self.index.module.language == Language::Ruby
            && !rest.is_empty()
            && let Some(symbol) = self.returned(self.index.module.class(scope).unwrap_or_default(), head, steps)
        {
            return Some(self.member(&symbol, rest, steps));
        }
        Some(self.beyond.beside(head).map_or_else(|| path.to_owned(), |symbol| self.member(&symbol, rest, steps)))
    }

    /// A member of a class around, in languages that need no `this` for it.
    fn unqualified(&self, head: &str, rest: &str, scope: ScopeId, steps: usize) -> Option<String> {
        if self.index.module.language == Language::Ruby && rest.is_empty() {
            let class = self.index.module.class(scope).and_then(|class| self.index.module.scopes.get(class))?;
            let method = format!("{}.{head}", class.name);
            return self.index.functions.contains_key(&method).then(|| format!(".{method}"));
        }
        if !matches!(self.index.module.language, Language::Java | Language::Kotlin | Language::CSharp) {
            return None;
        }
        let around = self.index.module.around(scope).map(|(_, scope)| scope);
        for class in around.filter(|scope| scope.kind == ScopeKind::Class && !scope.name.is_empty()) {
            if let Some(kind) = self.field_of(&class.name, head, steps) {
                return Some(self.member(&kind, rest, steps));
            }
            let method = || format!("{}.{head}", class.name);
            if rest.is_empty() && head != class.name && self.index.functions.contains_key(&method()) {
                return Some(format!(".{}", method()));
            }
        }
        None
    }

    /// A member of a symbol: a field of a class that is known leads on to the field's type.
    pub(crate) fn member(&self, symbol: &str, rest: &str, steps: usize) -> String {
        if rest.is_empty() {
            return symbol.to_owned();
        }
        let (field, deeper) = split(rest);
        let class = if symbol.starts_with('@') { Some(symbol) } else { symbol.strip_prefix('.') };
        if let Some(class) = class
            && let Some(kind) = self.field_of(class, field, steps)
        {
            return self.member(&kind, deeper, steps);
        }
        format!("{symbol}.{rest}")
    }

    /// The type of a field of a class of this package.
    pub(crate) fn field_of(&self, class: &str, field: &str, steps: usize) -> Option<String> {
        let steps = steps.checked_sub(1)?;
        let Some(pieces) = self.index.classes.get(class) else { return self.beyond.field(class, field) };
        let name = format!("this.{field}");
        let found = self.index.bindings.get(name.as_str()).into_iter().flatten().find_map(|binding| {
            let binding = self.index.module.bindings.get(*binding)?;
            pieces.iter().any(|piece| self.index.module.within(binding.scope, *piece)).then_some(binding)
        })?;
        match (&found.kind, &found.value) {
            (Some(kind), _) => self.kind(kind, found.scope, steps),
            (None, Some(value)) => self.follow(value, found.scope, steps),
            (None, None) => None,
        }
    }

    /// `this.client.get`: through the field of the class around.
    fn field(&self, path: &str, rest: &str, scope: ScopeId, steps: usize) -> String {
        let (name, deeper) = split(rest);
        let head = path.split('.').next().unwrap_or_default();
        let class = self.index.module.class(scope);
        // Where fields are declared, a bare name is a variable.
        let bare = (!self.index.is_declared()).then(|| name.to_owned());
        for name in [format!("{head}.{name}"), format!("this.{name}")].iter().chain(&bare) {
            let candidates = self.index.bindings.get(name.as_str()).into_iter().flatten();
            let fields = candidates
                .filter_map(|at| self.index.module.bindings.get(*at))
                .filter(|binding| class.is_none_or(|class| self.index.module.within(binding.scope, class)));
            for binding in fields {
                let symbol = match (&binding.kind, &binding.value) {
                    (Some(kind), _) => self.kind(kind, binding.scope, steps),
                    (None, Some(value)) => self.follow(value, binding.scope, steps),
                    (None, None) => None,
                };
                if let Some(symbol) = symbol {
                    return self.member(&symbol, deeper, steps);
                }
            }
        }
        // A property that is computed.
        if !deeper.is_empty()
            && let Some(symbol) = class.and_then(|class| self.returned(class, name, steps))
        {
            return self.member(&symbol, deeper, steps);
        }
        let class = class.and_then(|class| self.index.module.scopes.get(class)).map(|class| class.name.as_str());
        let class = class.unwrap_or_default();
        // In another piece of the class, or another file.
        match self.field_of(class, name, steps) {
            Some(kind) => self.member(&kind, deeper, steps),
            None => format!(".{class}.{rest}"),
        }
    }

    /// The variable, constant or parameter of this name that is seen from here.
    pub(crate) fn variable(&self, name: &str, scope: ScopeId, steps: usize) -> Option<String> {
        let candidates = self.index.bindings.get(name).map(Vec::as_slice).unwrap_or_default();
        if candidates.is_empty() && !self.index.received.contains(name) {
            return None;
        }
        for (at, around) in self.index.module.around(scope) {
            let bound = candidates
                .iter()
                .filter_map(|one| self.index.module.bindings.get(*one))
                .filter(|one| one.scope == at || self.index.seen_in(one.scope) == at);
            for binding in bound {
                let symbol = match (&binding.kind, &binding.value) {
                    (Some(kind), _) => self.kind(kind, binding.scope, steps),
                    (None, Some(Expr::Name(path))) if split(path).0 == name => None,
                    (None, Some(value)) if binding.nth == 0 => self.follow(value, binding.scope, steps),
                    _ => None,
                };
                if symbol.is_some() {
                    return symbol;
                }
            }
            if around.kind == ScopeKind::Catch
                && around.name == name
                && let [kind] = around.types.as_slice()
            {
                return self.kind(kind, at, steps);
            }
            if let Some(parameter) = around.parameters.iter().find(|parameter| parameter.name == name) {
                return match (&parameter.kind, &parameter.default) {
                    (Some(kind), _) => self.kind(kind, at, steps),
                    (None, Some(default)) => self.follow(default, at, steps),
                    (None, None) => Some(format!(".{}({name})", around.name)),
                };
            }
        }
        None
    }
}

fn split(path: &str) -> (&str, &str) {
    path.split_once('.').unwrap_or((path, ""))
}

fn joined(symbol: &str, rest: &str) -> String {
    if rest.is_empty() { symbol.to_owned() } else { format!("{symbol}.{rest}") }
}
