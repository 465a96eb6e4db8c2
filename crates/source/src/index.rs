//! The lookup tables of a module: who binds a name, where a function is, what it gives back.

use hashbrown::{HashMap, HashSet};

use crate::{Binding, Expr, Import, Language, Module, ScopeId, ScopeKind};

/// What questions about the names of a module are answered from. It depends on nothing but the module: one index serves
/// every program that the file belongs to.
#[derive(Debug)]
pub struct Index<'m> {
    pub(crate) module: &'m Module,
    pub(crate) imports: HashMap<&'m str, &'m Import>,
    pub(crate) bindings: HashMap<&'m str, Vec<usize>>,
    /// Names of parameters and of what handlers catch: most names are neither these nor bound.
    pub(crate) received: HashSet<&'m str>,
    /// A class may be told in several pieces: a `struct` and its `impl`s, a `partial class`.
    pub(crate) classes: HashMap<&'m str, Vec<ScopeId>>,
    /// Functions by name, methods by `Class.method`.
    pub(crate) functions: HashMap<String, ScopeId>,
    /// The first value that each function gives back, of those that are no null.
    pub(crate) gives_back: HashMap<ScopeId, &'m Expr>,
    /// Struct literals of the module by the name of their type.
    pub(crate) objects: HashMap<&'m str, Vec<(&'m Expr, ScopeId)>>,
    /// Named functions by what is around them, a class or the file.
    pub(crate) by_home: HashMap<(ScopeId, &'m str), ScopeId>,
    /// What the functions of a name give back.
    pub(crate) returns: HashMap<ScopeId, Vec<&'m Expr>>,
    /// The function, class or file that each scope belongs to, itself included.
    pub(crate) homes: Vec<ScopeId>,
    /// Modules and namespaces of which every name is taken.
    pub(crate) wildcards: Vec<&'m str>,
}

impl<'m> Index<'m> {
    pub fn new(module: &'m Module) -> Self {
        let mut bindings: HashMap<&str, Vec<usize>> = HashMap::new();
        for (at, binding) in module.bindings.iter().enumerate() {
            bindings.entry(binding.name.as_str()).or_default().push(at);
        }
        let parameters = module.scopes.iter().flat_map(|scope| &scope.parameters).map(|one| one.name.as_str());
        let caught = module.scopes.iter().filter(|scope| scope.kind == ScopeKind::Catch);
        let received = parameters.chain(caught.map(|scope| scope.name.as_str())).collect();
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
            received,
            classes,
            by_home,
            returns,
            homes,
            wildcards: module
                .imports
                .iter()
                .filter(|import| import.name.as_deref() == Some("*"))
                // There the whole goes by a name, or is handed on.
                .filter(|_| !matches!(module.language, Language::JavaScript | Language::TypeScript))
                .map(|import| import.module.as_str())
                .chain(taken_unasked(module.language).iter().copied())
                .collect(),
        }
    }

    /// A plain name that may come from a namespace that is taken whole.
    pub(crate) fn may_be_taken(&self, symbol: &str) -> bool {
        !self.wildcards.is_empty() && !symbol.starts_with('.') && !self.is_imported(symbol)
    }

    fn is_imported(&self, symbol: &str) -> bool {
        self.module.imports.iter().any(|import| {
            import.name.as_deref() != Some("*")
                && symbol
                    .strip_prefix(import.module.as_str())
                    .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        })
    }

    /// Whether the language wants fields and what functions return to be declared with their types.
    pub(crate) fn is_declared(&self) -> bool {
        matches!(self.module.language, Language::Java | Language::Kotlin | Language::CSharp | Language::Rust)
    }

    pub(crate) fn is_bound(&self, name: &str, scope: ScopeId) -> bool {
        let candidates = self.bindings.get(name).map(Vec::as_slice).unwrap_or_default();
        let mut bound = candidates.iter().filter_map(|at| self.module.bindings.get(*at));
        bound.any(|one| self.module.within(scope, self.seen_in(one.scope)))
    }

    /// The scope in all of which a name is seen that is bound in this one: where blocks are no scopes of their own, the
    /// function around.
    pub(crate) fn seen_in(&self, scope: ScopeId) -> ScopeId {
        match self.module.language {
            Language::Python | Language::Php | Language::Ruby => self.homes.get(scope).copied().unwrap_or(scope),
            _ => scope,
        }
    }

    /// The binding of a whole path that is seen from here.
    pub(crate) fn bound(&self, path: &str, scope: ScopeId) -> Option<&'m Binding> {
        let candidates = self.bindings.get(path)?;
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
