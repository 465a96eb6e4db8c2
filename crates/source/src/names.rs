//! What a name stands for: followed through imports, variables, fields, parameters and their types.

use std::{cell::Cell, collections::HashMap};

use crate::{Binding, Call, CallRole, Expr, Import, Language, Module, ScopeId, ScopeKind};

/// How far a name is followed from one to the next.
const STEPS: usize = 12;

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

/// What lies beyond a module: other files of the program, and what libraries give.
pub trait Beyond {
    /// The type that calling this gives: `axios.create` gives an `axios.AxiosInstance`.
    fn gives(&self, symbol: &str) -> Option<&str>;
    /// What an import of another file of the program stands for, by its symbol there.
    fn imported(&self, import: &Import) -> Option<String>;
    /// A name at the top of another file of the same package.
    fn beside(&self, name: &str) -> Option<String>;
    /// The type of a field of a class of this package that is declared elsewhere.
    fn field(&self, class: &str, field: &str) -> Option<String>;
}

/// Nothing is known but the module itself.
#[derive(Clone, Copy, Debug)]
pub struct Nothing;

impl Beyond for Nothing {
    fn gives(&self, _symbol: &str) -> Option<&str> {
        None
    }

    fn imported(&self, _import: &Import) -> Option<String> {
        None
    }

    fn beside(&self, _name: &str) -> Option<String> {
        None
    }

    fn field(&self, _class: &str, _field: &str) -> Option<String> {
        None
    }
}

/// The names of a module, ready to be asked.
///
/// A symbol is written with dots whatever the language: the module or namespace, then the member: `net/http.Client.Do`,
/// `requests.get`, `org.springframework.web.client.RestTemplate.getForObject`, `reqwest.Client.new`. What a call gives
/// and no table knows is the call's symbol with `()`: `axios.create().get`. What the module itself defines begins with a
/// dot: `.Server.handle`.
pub struct Names<'m> {
    module: &'m Module,
    imports: HashMap<&'m str, &'m Import>,
    bindings: HashMap<&'m str, Vec<usize>>,
    /// A class may be told in several pieces: a `struct` and its `impl`s, a `partial class`.
    classes: HashMap<&'m str, Vec<ScopeId>>,
    /// Functions by name, methods by `Class.method`.
    functions: HashMap<String, ScopeId>,
    /// The first value that each function gives back, of those that are no null.
    gives_back: HashMap<ScopeId, &'m Expr>,
    /// Struct literals of the module by the name of their type.
    objects: HashMap<&'m str, Vec<(&'m Expr, ScopeId)>>,
    /// Named functions by what is around them, a class or the file.
    by_home: HashMap<(ScopeId, &'m str), ScopeId>,
    /// What the functions of a name give back.
    returns: HashMap<ScopeId, Vec<&'m Expr>>,
    /// The function, class or file that each scope belongs to, itself included.
    homes: Vec<ScopeId>,
    /// Modules and namespaces of which every name is taken.
    wildcards: Vec<&'m str>,
    beyond: &'m dyn Beyond,
    /// How many names may still be followed for the question at hand.
    left: Cell<usize>,
}

/// What every file of a language may name without asking for it.
fn taken_unasked(language: Language) -> &'static [&'static str] {
    match language {
        Language::Java => &["java.lang"],
        Language::Kotlin => &["kotlin", "kotlin.collections", "kotlin.io", "kotlin.text", "java.lang"],
        // What projects of today's SDKs take implicitly.
        Language::CSharp => &[
            "System",
            "System.Collections.Generic",
            "System.IO",
            "System.Linq",
            "System.Net.Http",
            "System.Net.Http.Json",
            "System.Threading",
            "System.Threading.Tasks",
            "Microsoft.AspNetCore.Builder",
            "Microsoft.AspNetCore.Hosting",
            "Microsoft.AspNetCore.Http",
            "Microsoft.AspNetCore.Routing",
            "Microsoft.Extensions.Configuration",
            "Microsoft.Extensions.DependencyInjection",
            "Microsoft.Extensions.Hosting",
            "Microsoft.Extensions.Logging",
        ],
        _ => &[],
    }
}

impl<'m> Names<'m> {
    pub fn new(module: &'m Module, beyond: &'m dyn Beyond) -> Self {
        let mut bindings: HashMap<&str, Vec<usize>> = HashMap::new();
        for (at, binding) in module.bindings.iter().enumerate() {
            bindings.entry(binding.name.as_str()).or_default().push(at);
        }
        let homes = homes(module);
        let mut classes: HashMap<&str, Vec<ScopeId>> = HashMap::new();
        let mut by_home = HashMap::new();
        for (at, scope) in module.scopes.iter().enumerate().filter(|(_, scope)| !scope.name.is_empty()) {
            if scope.kind == ScopeKind::Class {
                classes.entry(scope.name.as_str()).or_default().push(at);
            } else if scope.kind == ScopeKind::Function {
                let home = scope.parent.and_then(|parent| homes.get(parent)).copied().unwrap_or_default();
                by_home.entry((home, scope.name.as_str())).or_insert(at);
            }
        }
        let mut gives_back = HashMap::new();
        for returned in &module.returns {
            let first = match &returned.value {
                Expr::List(items) => items.first().unwrap_or(&Expr::Null),
                value => value,
            };
            if let (Some(function), false) = (module.function(returned.scope), matches!(first, Expr::Null)) {
                gives_back.entry(function).or_insert(first);
            }
        }
        let mut returns: HashMap<ScopeId, Vec<&Expr>> = HashMap::new();
        for value in &module.returns {
            let home = homes.get(value.scope).copied().unwrap_or_default();
            returns.entry(home).or_default().push(&value.value);
        }
        Self {
            module,
            functions: functions(module),
            gives_back,
            objects: objects(module),
            imports: module.imports.iter().map(|import| (import.local.as_str(), import)).collect(),
            bindings,
            classes,
            by_home,
            returns,
            homes,
            wildcards: module
                .imports
                .iter()
                .filter(|import| import.name.as_deref() == Some("*"))
                .map(|import| import.module.as_str())
                .chain(taken_unasked(module.language).iter().copied())
                .collect(),
            beyond,
            left: Cell::new(PATIENCE),
        }
    }

    /// The symbols that an expression may stand for, the surest first; none where the trail ends.
    pub fn symbols(&self, value: &Expr, scope: ScopeId) -> Vec<String> {
        self.left.set(PATIENCE);
        let Some(symbol) = self.follow(value, scope, STEPS) else { return Vec::new() };
        let bare = !symbol.starts_with('.') && !self.is_imported(&symbol);
        let mut symbols = vec![symbol];
        // A plain name may come from any namespace that is taken whole.
        if bare && let Some(name) = symbols.first().cloned() {
            symbols.extend(self.wildcards.iter().map(|module| format!("{module}.{name}")));
        }
        symbols
    }

    fn is_imported(&self, symbol: &str) -> bool {
        self.module.imports.iter().any(|import| {
            import.name.as_deref() != Some("*")
                && symbol
                    .strip_prefix(import.module.as_str())
                    .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        })
    }

    fn follow(&self, value: &Expr, scope: ScopeId, steps: usize) -> Option<String> {
        let steps = steps.checked_sub(1)?;
        self.left.set(self.left.get().checked_sub(1)?);
        match value {
            Expr::Name(path) => self.path(path, scope, steps),
            // A chain of calls is as long as it is written; each link is a call that was noted before.
            Expr::Member(of, name) => self.follow(of, scope, steps + 1).map(|symbol| format!("{symbol}.{name}")),
            Expr::Call(at) => {
                let call = self.module.calls.get(*at)?;
                self.given(call, steps + usize::from(matches!(call.callee, Expr::Member(..))))
            }
            Expr::Object { kind: Some(kind), .. } => self.kind(kind, scope, steps),
            Expr::Operation(operator, items) if matches!(operator.as_str(), "||" | "??" | "or" | "?:" | "?" | "@") => {
                items.iter().rev().find_map(|item| self.follow(item, scope, steps))
            }
            Expr::Function(at) => {
                let scope = self.module.scopes.get(*at)?;
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
        if self.module.language == Language::Rust {
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
        if self.module.language == Language::Kotlin
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
        if let Some(function) = symbol.strip_prefix('.').and_then(|name| self.functions.get(name))
            && let Some(value) = self.gives_back.get(function)
            && let Some(symbol) = self.follow(value, *function, steps)
            && (!symbol.starts_with('.') || self.classes.contains_key(symbol.get(1..).unwrap_or_default()))
        {
            return Some(symbol);
        }
        // Ruby writes a member like a call.
        if self.module.language == Language::Ruby && call.arguments.is_empty() {
            return Some(symbol);
        }
        Some(format!("{symbol}()"))
    }

    /// What a table says that calling this gives, by any of the names that it may have.
    fn gives(&self, symbol: &str) -> Option<&str> {
        self.beyond.gives(symbol).or_else(|| {
            let bare = !symbol.starts_with('.') && !self.is_imported(symbol);
            bare.then(|| self.wildcards.iter().find_map(|module| self.beyond.gives(&format!("{module}.{symbol}"))))?
        })
    }

    /// What a function of this module says that it returns.
    fn declared(&self, symbol: &str, steps: usize) -> Option<String> {
        if !self.is_declared() {
            return None;
        }
        let at = *self.functions.get(symbol.strip_prefix('.')?)?;
        self.kind(self.module.scopes.get(at)?.types.first()?, at, steps)
    }

    /// Whether the language wants fields and what functions return to be declared with their types.
    fn is_declared(&self) -> bool {
        matches!(self.module.language, Language::Java | Language::Kotlin | Language::CSharp | Language::Rust)
    }

    /// What a function of the module itself gives, where that is more than a name: `def session(): return Session()`.
    fn own(&self, symbol: &str, steps: usize) -> Option<String> {
        let (class, name) = symbol.strip_prefix('.')?.rsplit_once('.').unwrap_or(("", symbol.get(1..)?));
        let pieces = if class.is_empty() { &[0][..] } else { self.classes.get(class)?.as_slice() };
        pieces.iter().find_map(|home| self.returned(*home, name, steps))
    }

    fn returned(&self, home: ScopeId, name: &str, steps: usize) -> Option<String> {
        let steps = steps.checked_sub(1)?;
        let function = self.by_home.get(&(home, name))?;
        let values = self.returns.get(function)?.iter().take(RETURNS);
        values
            .filter(|value| matches!(value, Expr::Call(_) | Expr::Name(_) | Expr::Object { kind: Some(_), .. }))
            .filter_map(|value| self.follow(value, *function, steps).filter(|symbol| value.name() != Some(symbol)))
            .find(|symbol| !symbol.starts_with('.') || self.classes.contains_key(symbol.get(1..).unwrap_or_default()))
    }

    /// The symbol of a type as it is written.
    fn kind(&self, kind: &str, scope: ScopeId, steps: usize) -> Option<String> {
        steps.checked_sub(1)?;
        let (head, rest) = split(kind);
        if head == "Self" && self.module.language == Language::Rust {
            let class = self.module.class(scope).and_then(|class| self.module.scopes.get(class))?;
            return Some(joined(&format!(".{}", class.name), rest));
        }
        let symbol = match self.imports.get(head) {
            Some(import) => joined(&self.import(import), rest),
            None if self.classes.contains_key(head) => format!(".{kind}"),
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
            Some(name) => format!("{}.{name}", import.module),
            None => import.module.clone(),
        }
    }

    fn path(&self, path: &str, scope: ScopeId, steps: usize) -> Option<String> {
        let steps = steps.checked_sub(1)?;
        let (head, rest) = split(path);
        if matches!(head, "this" | "self" | "cls") && !rest.is_empty() {
            return Some(self.field(path, rest, scope, steps));
        }
        if let Some(class) = self.module.class(scope).and_then(|class| self.module.scopes.get(class)) {
            // Without a rest, as the whole of what is returned or handed on.
            if head == "this" {
                return Some(format!(".{}", class.name));
            }
            // The class that this one extends stands before those that it implements.
            let above = match self.module.language {
                // There it is a module.
                Language::Rust => None,
                Language::CSharp => (head == "base").then(|| class.types.first()),
                Language::Java | Language::Kotlin => (head == "super").then(|| class.types.first()),
                _ => (head == "super" && !rest.is_empty()).then(|| class.types.first()),
            };
            if let Some(kind) = above.flatten() {
                return self.kind(kind, scope, steps).map(|symbol| self.member(&symbol, rest, steps));
            }
            if head == "Self" && self.module.language == Language::Rust {
                return Some(self.member(&format!(".{}", class.name), rest, steps));
            }
        }
        if let Some(symbol) = self.variable(head, scope, steps) {
            return Some(self.member(&symbol, rest, steps));
        }
        if let Some(symbol) = self.unqualified(head, rest, scope, steps) {
            return Some(symbol);
        }
        if let Some(import) = self.imports.get(head) {
            return Some(joined(&self.import(import), rest));
        }
        if self.classes.contains_key(head) {
            return Some(self.member(&format!(".{head}"), rest, steps));
        }
        // What is bound here and leads nowhere is no global of the same name.
        if self.is_bound(head, scope) {
            return Some(format!(".{path}"));
        }
        // A method without arguments, used like a variable.
        if self.module.language == Language::Ruby
            && !rest.is_empty()
            && let Some(symbol) = self.returned(self.module.class(scope).unwrap_or_default(), head, steps)
        {
            return Some(self.member(&symbol, rest, steps));
        }
        Some(self.beyond.beside(head).map_or_else(|| path.to_owned(), |symbol| self.member(&symbol, rest, steps)))
    }

    /// A member of a class around, in languages that need no `this` for it.
    fn unqualified(&self, head: &str, rest: &str, scope: ScopeId, steps: usize) -> Option<String> {
        if !matches!(self.module.language, Language::Java | Language::Kotlin | Language::CSharp) {
            return None;
        }
        let around = self.module.around(scope).map(|(_, scope)| scope);
        for class in around.filter(|scope| scope.kind == ScopeKind::Class && !scope.name.is_empty()) {
            if let Some(kind) = self.field_of(&class.name, head, steps) {
                return Some(self.member(&kind, rest, steps));
            }
            let method = || format!("{}.{head}", class.name);
            if rest.is_empty() && head != class.name && self.functions.contains_key(&method()) {
                return Some(format!(".{}", method()));
            }
        }
        None
    }

    fn is_bound(&self, name: &str, scope: ScopeId) -> bool {
        let candidates = self.bindings.get(name).map(Vec::as_slice).unwrap_or_default();
        let mut bound = candidates.iter().filter_map(|at| self.module.bindings.get(*at));
        bound.any(|one| self.module.within(scope, self.seen_in(one.scope)))
    }

    /// The scope in all of which a name is seen that is bound in this one: where blocks are no scopes of their own, the
    /// function around.
    fn seen_in(&self, scope: ScopeId) -> ScopeId {
        match self.module.language {
            Language::Python | Language::Php | Language::Ruby => self.homes.get(scope).copied().unwrap_or(scope),
            _ => scope,
        }
    }

    /// A member of a symbol: a field of a class that is known leads on to the field's type.
    fn member(&self, symbol: &str, rest: &str, steps: usize) -> String {
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
    fn field_of(&self, class: &str, field: &str, steps: usize) -> Option<String> {
        let steps = steps.checked_sub(1)?;
        let Some(pieces) = self.classes.get(class) else { return self.beyond.field(class, field) };
        let name = format!("this.{field}");
        let found = self.bindings.get(name.as_str()).into_iter().flatten().find_map(|binding| {
            let binding = self.module.bindings.get(*binding)?;
            pieces.iter().any(|piece| self.module.within(binding.scope, *piece)).then_some(binding)
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
        let class = self.module.class(scope);
        // Where fields are declared, a bare name is a variable.
        let bare = (!self.is_declared()).then(|| name.to_owned());
        for name in [format!("{head}.{name}"), format!("this.{name}")].iter().chain(&bare) {
            let candidates = self.bindings.get(name.as_str()).into_iter().flatten();
            let fields = candidates
                .filter_map(|at| self.module.bindings.get(*at))
                .filter(|binding| class.is_none_or(|class| self.module.within(binding.scope, class)));
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
        let class = class.and_then(|class| self.module.scopes.get(class)).map(|class| class.name.as_str());
        let class = class.unwrap_or_default();
        // In another piece of the class, or another file.
        match self.field_of(class, name, steps) {
            Some(kind) => self.member(&kind, deeper, steps),
            None => format!(".{class}.{rest}"),
        }
    }

    /// What made the object that an expression stands for: the call or the literal, as far as this module shows.
    pub fn maker(&self, value: &'m Expr, scope: ScopeId) -> Option<Maker<'m>> {
        self.left.set(PATIENCE);
        self.made(value, scope, STEPS)
    }

    fn made(&self, value: &'m Expr, scope: ScopeId, steps: usize) -> Option<Maker<'m>> {
        let steps = steps.checked_sub(1)?;
        match value {
            Expr::Call(at) => {
                let call = self.module.calls.get(*at)?;
                // A function of the module leads on to what it gives back.
                if call.role == CallRole::Plain
                    && let Some(symbol) = self.follow(&call.callee, call.scope, steps)
                    && let Some(function) = symbol.strip_prefix('.').and_then(|name| self.functions.get(name))
                    && let Some(value) = self.gives_back.get(function)
                    && let Some(maker) = self.made(value, *function, steps)
                {
                    return Some(maker);
                }
                Some(Maker::Call(*at))
            }
            Expr::Object { kind: Some(_), .. } => Some(Maker::Object(value, scope)),
            Expr::Operation(_, items) => items.iter().rev().find_map(|item| self.made(item, scope, steps)),
            Expr::Name(path) => self.maker_of_path(path, scope, steps),
            _ => None,
        }
    }

    /// What made the object that a name with its members stands for.
    pub fn maker_of(&self, path: &str, scope: ScopeId) -> Option<Maker<'m>> {
        self.left.set(PATIENCE);
        self.maker_of_path(path, scope, STEPS)
    }

    fn maker_of_path(&self, path: &str, scope: ScopeId, steps: usize) -> Option<Maker<'m>> {
        let steps = steps.checked_sub(1)?;
        // The longest bound prefix: `this.http`, `s.client`, `client`.
        if let Some(binding) = self.bound(path, scope) {
            return match &binding.value {
                Some(Expr::Name(same)) if same == path => None,
                Some(value) if binding.nth == 0 => self.made(value, binding.scope, steps),
                _ => self.field_maker(path, scope, steps),
            };
        }
        if let Some(import) = self.imports.get(path) {
            return Some(Maker::Import(import));
        }
        self.field_maker(path, scope, steps)
    }

    /// The binding of a whole path that is seen from here.
    fn bound(&self, path: &str, scope: ScopeId) -> Option<&'m Binding> {
        let candidates = self.bindings.get(path).map(Vec::as_slice).unwrap_or_default();
        let all = || candidates.iter().filter_map(|at| self.module.bindings.get(*at));
        let class = self.module.class(scope);
        self.module
            .around(scope)
            .find_map(|(at, _)| {
                let here = |one: &&Binding| one.scope == at || self.seen_in(one.scope) == at;
                all().find(|one| here(one) && one.value.is_some())
            })
            .or_else(|| {
                let class = class?;
                all().find(|one| self.module.within(one.scope, class) && one.value.is_some())
            })
            .or_else(|| {
                let here = |at: ScopeId| all().find(|one| one.scope == at || self.seen_in(one.scope) == at);
                self.module.around(scope).find_map(|(at, _)| here(at))
            })
    }

    /// `s.client`, where `s` is a `Server`: what a literal `Server{client: …}` of the module puts there.
    fn field_maker(&self, path: &str, scope: ScopeId, steps: usize) -> Option<Maker<'m>> {
        let (head, field) = path.rsplit_once('.')?;
        let class = match head {
            "this" | "self" => {
                self.module.class(scope).and_then(|at| self.module.scopes.get(at)).map(|one| one.name.clone())
            }
            _ => self.path(head, scope, steps).and_then(|symbol| symbol.strip_prefix('.').map(str::to_owned)),
        }?;
        let literals = self.objects.get(class.as_str()).into_iter().flatten();
        literals
            .filter_map(|(literal, scope)| Some((literal.field(field)?, *scope)))
            .find_map(|(value, scope)| self.made(value, scope, steps))
    }

    /// The function of this module that a symbol or an expression names.
    pub fn function(&self, value: &Expr, scope: ScopeId) -> Option<ScopeId> {
        self.left.set(PATIENCE);
        if let Expr::Function(at) = value {
            return Some(*at);
        }
        let symbol = self.follow(value, scope, STEPS)?;
        self.functions.get(symbol.strip_prefix('.')?).copied()
    }

    /// The symbols of what the functions of this module give back, by the names of the functions.
    pub fn gifts(&self) -> impl Iterator<Item = (&str, String)> + '_ {
        self.functions.iter().filter_map(|(name, at)| {
            let value = self.gives_back.get(at)?;
            Some((name.as_str(), self.follow(value, *at, STEPS)?))
        })
    }

    /// The functions of this module by name, methods by `Class.method`.
    pub fn functions(&self) -> &HashMap<String, ScopeId> {
        &self.functions
    }

    /// The types of the fields of the classes of this module, by `Class.field`.
    pub fn fields(&self) -> impl Iterator<Item = (String, String)> + '_ {
        let pieces = self.classes.iter().flat_map(|(class, pieces)| pieces.iter().map(move |piece| (*class, *piece)));
        pieces.flat_map(move |(class, at)| {
            let bound = self.module.bindings.iter().filter(move |one| self.module.within(one.scope, at));
            bound.filter_map(move |one| {
                self.left.set(PATIENCE);
                let field = one.name.strip_prefix("this.")?;
                Some((format!("{class}.{field}"), self.field_of(class, field, STEPS)?))
            })
        })
    }

    /// The symbol of a name at the top of the file.
    pub fn top(&self, name: &str) -> Option<String> {
        self.left.set(PATIENCE);
        self.variable(name, 0, STEPS).or_else(|| {
            (self.functions.contains_key(name) || self.classes.contains_key(name)).then(|| format!(".{name}"))
        })
    }

    /// The value that is bound to a name at the top of the file.
    pub fn top_value(&self, name: &str) -> Option<&'m Expr> {
        let bound = self.bindings.get(name).into_iter().flatten().filter_map(|at| self.module.bindings.get(*at));
        bound.filter(|one| one.scope == 0 && one.nth == 0).find_map(|one| one.value.as_ref())
    }

    /// The value of a variable or constant that is seen from here.
    pub fn value(&self, name: &str, scope: ScopeId) -> Option<(&'m Expr, ScopeId)> {
        let binding = self.bound(name, scope).filter(|one| one.nth == 0)?;
        Some((binding.value.as_ref()?, binding.scope))
    }

    /// What is assigned to a member of an object after it was made: `client.Timeout = …`.
    pub fn assigned(&self, object: &Expr, member: &str, scope: ScopeId) -> Option<(&'m Expr, ScopeId)> {
        self.value(&format!("{}.{member}", object.name()?), scope)
    }

    /// The variable, constant or parameter of this name that is seen from here.
    fn variable(&self, name: &str, scope: ScopeId, steps: usize) -> Option<String> {
        let candidates = self.bindings.get(name).map(Vec::as_slice).unwrap_or_default();
        for (at, around) in self.module.around(scope) {
            let bound = candidates
                .iter()
                .filter_map(|one| self.module.bindings.get(*one))
                .filter(|one| one.scope == at || self.seen_in(one.scope) == at);
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

/// What made an object.
#[derive(Clone, Copy, Debug)]
pub enum Maker<'m> {
    /// An index into [`Module::calls`].
    Call(usize),
    /// A literal, and the scope it stands in.
    Object(&'m Expr, ScopeId),
    /// Another module made it.
    Import(&'m Import),
}

fn functions(module: &Module) -> HashMap<String, ScopeId> {
    let mut functions = HashMap::new();
    for (at, scope) in module.scopes.iter().enumerate() {
        if scope.kind != ScopeKind::Function || scope.name.is_empty() {
            continue;
        }
        let class = module.class(at).and_then(|class| module.scopes.get(class)).map(|class| class.name.as_str());
        // A method of Go names the type that it is for.
        let class =
            class.or_else(|| scope.types.first().filter(|_| module.language == Language::Go).map(String::as_str));
        let name = class.map_or_else(|| scope.name.clone(), |class| format!("{class}.{}", scope.name));
        functions.entry(name).or_insert(at);
    }
    // `const handle = () => …`
    for binding in module.bindings.iter().filter(|one| one.nth == 0) {
        if let Some(Expr::Function(at)) = binding.value {
            functions.entry(binding.name.clone()).or_insert(at);
        }
    }
    functions
}

fn objects(module: &Module) -> HashMap<&str, Vec<(&Expr, ScopeId)>> {
    let mut objects: HashMap<&str, Vec<(&Expr, ScopeId)>> = HashMap::new();
    let values = module
        .bindings
        .iter()
        .filter_map(|one| Some((one.value.as_ref()?, one.scope)))
        .chain(module.returns.iter().map(|one| (&one.value, one.scope)))
        .chain(module.calls.iter().flat_map(|call| call.arguments.iter().map(|one| (&one.value, call.scope))));
    for (value, scope) in values {
        value.walk(&mut |inner| {
            if let Expr::Object { kind: Some(kind), .. } = inner {
                objects.entry(kind.as_str()).or_default().push((inner, scope));
            }
        });
    }
    objects
}

/// A parent comes before what is in it.
fn homes(module: &Module) -> Vec<ScopeId> {
    let mut homes: Vec<ScopeId> = Vec::with_capacity(module.scopes.len());
    for (at, scope) in module.scopes.iter().enumerate() {
        let own = matches!(scope.kind, ScopeKind::File | ScopeKind::Class | ScopeKind::Function);
        let outer = scope.parent.and_then(|parent| homes.get(parent)).copied().unwrap_or_default();
        homes.push(if own { at } else { outer });
    }
    homes
}

fn split(path: &str) -> (&str, &str) {
    path.split_once('.').unwrap_or((path, ""))
}

fn joined(symbol: &str, rest: &str) -> String {
    if rest.is_empty() { symbol.to_owned() } else { format!("{symbol}.{rest}") }
}
