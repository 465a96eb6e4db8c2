//! What a name stands for: followed through imports, variables, fields, parameters and their types.

use std::collections::HashMap;

use crate::{Call, CallRole, Expr, Import, Language, Module, ScopeId, ScopeKind};

/// How far a name is followed from one to the next.
const STEPS: usize = 12;

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
    classes: HashMap<&'m str, ScopeId>,
    /// Modules and namespaces of which every name is taken.
    wildcards: Vec<&'m str>,
    beyond: &'m dyn Beyond,
}

impl<'m> Names<'m> {
    pub fn new(module: &'m Module, beyond: &'m dyn Beyond) -> Self {
        let mut bindings: HashMap<&str, Vec<usize>> = HashMap::new();
        for (at, binding) in module.bindings.iter().enumerate() {
            bindings.entry(binding.name.as_str()).or_default().push(at);
        }
        let mut classes = HashMap::new();
        for (at, scope) in module.scopes.iter().enumerate() {
            if scope.kind == ScopeKind::Class && !scope.name.is_empty() {
                classes.entry(scope.name.as_str()).or_insert(at);
            }
        }
        Self {
            module,
            imports: module.imports.iter().map(|import| (import.local.as_str(), import)).collect(),
            bindings,
            classes,
            wildcards: module
                .imports
                .iter()
                .filter(|import| import.name.as_deref() == Some("*"))
                .map(|import| import.module.as_str())
                .collect(),
            beyond,
        }
    }

    /// The symbols that an expression may stand for, the surest first; none where the trail ends.
    pub fn symbols(&self, value: &Expr, scope: ScopeId) -> Vec<String> {
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
        match value {
            Expr::Name(path) => self.path(path, scope, steps),
            Expr::Member(of, name) => self.follow(of, scope, steps).map(|symbol| format!("{symbol}.{name}")),
            Expr::Call(at) => self.given(self.module.calls.get(*at)?, steps),
            Expr::Object { kind: Some(kind), .. } => self.kind(kind, scope, steps),
            Expr::Operation(operator, items) if matches!(operator.as_str(), "||" | "??" | "or" | "?:" | "?") => {
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
        if let Some(kind) = self.beyond.gives(&symbol) {
            return Some(kind.to_owned());
        }
        // `Client::new()` is a Client.
        if self.module.language == Language::Rust
            && let Some(kind) = symbol.strip_suffix(".new").or_else(|| symbol.strip_suffix(".default"))
        {
            return Some(kind.to_owned());
        }
        Some(format!("{symbol}()"))
    }

    /// The symbol of a type as it is written.
    fn kind(&self, kind: &str, scope: ScopeId, steps: usize) -> Option<String> {
        let steps = steps.checked_sub(1)?;
        let (head, rest) = split(kind);
        let symbol = match self.imports.get(head) {
            Some(import) => joined(&self.import(import), rest),
            None if self.classes.contains_key(head) => format!(".{kind}"),
            None => {
                let _ = (scope, steps);
                self.beyond.beside(head).map_or_else(|| kind.to_owned(), |symbol| joined(&symbol, rest))
            }
        };
        Some(self.beyond.gives(&symbol).map_or(symbol.clone(), str::to_owned))
    }

    fn import(&self, import: &Import) -> String {
        if let Some(symbol) = self.beyond.imported(import) {
            return symbol;
        }
        match &import.name {
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
        if let Some(symbol) = self.variable(head, scope, steps) {
            return Some(self.member(&symbol, rest, steps));
        }
        if let Some(import) = self.imports.get(head) {
            return Some(joined(&self.import(import), rest));
        }
        if self.classes.contains_key(head) {
            return Some(format!(".{path}"));
        }
        Some(self.beyond.beside(head).map_or_else(|| path.to_owned(), |symbol| self.member(&symbol, rest, steps)))
    }

    /// A member of a symbol: a field of a class that is known leads on to the field's type.
    fn member(&self, symbol: &str, rest: &str, steps: usize) -> String {
        if rest.is_empty() {
            return symbol.to_owned();
        }
        let (field, deeper) = split(rest);
        if let Some(class) = symbol.strip_prefix('.')
            && let Some(kind) = self.field_of(class, field, steps)
        {
            return self.member(&kind, deeper, steps);
        }
        format!("{symbol}.{rest}")
    }

    /// The type of a field of a class of this package.
    fn field_of(&self, class: &str, field: &str, steps: usize) -> Option<String> {
        let steps = steps.checked_sub(1)?;
        let Some(at) = self.classes.get(class) else { return self.beyond.field(class, field) };
        let name = format!("this.{field}");
        let found = self.bindings.get(name.as_str()).into_iter().flatten().find_map(|binding| {
            let binding = self.module.bindings.get(*binding)?;
            self.module.within(binding.scope, *at).then_some(binding)
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
        let named = [format!("{head}.{name}"), format!("this.{name}"), name.to_owned()];
        for name in &named {
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
        let class = class.and_then(|class| self.module.scopes.get(class)).map(|class| class.name.as_str());
        format!(".{}.{rest}", class.unwrap_or_default())
    }

    /// The variable, constant or parameter of this name that is seen from here.
    fn variable(&self, name: &str, scope: ScopeId, steps: usize) -> Option<String> {
        let candidates = self.bindings.get(name).map(Vec::as_slice).unwrap_or_default();
        for (at, around) in self.module.around(scope) {
            let bound =
                candidates.iter().filter_map(|one| self.module.bindings.get(*one)).filter(|one| one.scope == at);
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
