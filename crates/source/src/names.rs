//! What a name stands for, within its module and beyond it.

use std::sync::Arc;

use hashbrown::HashMap;

use crate::{
    Binding, Expr, Import, Module, Scope, ScopeId, ScopeKind,
    index::Index,
    makers::Maker,
    trail::{STEPS, Trail},
};

/// What lies beyond a module: other files of the program, and what libraries give. Nothing, where it is not said.
pub trait Beyond: Sync {
    /// The type that calling this gives: `axios.create` gives an `axios.AxiosInstance`.
    fn gives(&self, _symbol: &str) -> Option<&str> {
        None
    }

    /// What an import of another file of the program stands for, by its symbol there.
    fn imported(&self, _import: &Import) -> Option<String> {
        None
    }

    /// A name at the top of another file of the same package.
    fn beside(&self, _name: &str) -> Option<String> {
        None
    }

    /// The type of a field of a class of this package that is declared elsewhere.
    fn field(&self, _class: &str, _field: &str) -> Option<String> {
        None
    }
}

/// Nothing is known but the module itself.
#[derive(Clone, Copy, Debug)]
pub struct Nothing;

impl Beyond for Nothing {}

/// The names of a module, ready to be asked.
///
/// A symbol is written with dots whatever the language: the module or namespace, then the member: `net/http.Client.Do`,
/// `requests.get`, `org.springframework.web.client.RestTemplate.getForObject`, `reqwest.Client.new`. What a call gives
/// and no table knows is the call's symbol with `()`: `axios.create().get`. What the module itself defines begins with a
/// dot: `.Server.handle`.
#[derive(Clone)]
pub struct Names<'m> {
    index: Arc<Index<'m>>,
    beyond: &'m dyn Beyond,
}

impl<'m> Names<'m> {
    pub fn new(module: &'m Module, beyond: &'m dyn Beyond) -> Self {
        Self::over(Arc::new(Index::new(module)), beyond)
    }

    /// With tables that were made before: the same file in another program.
    pub fn over(index: Arc<Index<'m>>, beyond: &'m dyn Beyond) -> Self {
        Self { index, beyond }
    }

    fn trail(&self) -> Trail<'_, 'm> {
        Trail::new(&self.index, self.beyond)
    }

    /// The symbols that an expression may stand for, the surest first; none where the trail ends.
    pub fn symbols(&self, value: &Expr, scope: ScopeId) -> Vec<String> {
        let Some(symbol) = self.trail().follow(value, scope, STEPS) else { return Vec::new() };
        let bare = self.index.may_be_taken(&symbol);
        let mut symbols = vec![symbol];
        // A plain name may come from any namespace that is taken whole.
        if bare && let Some(name) = symbols.first().cloned() {
            symbols.extend(self.index.wildcards.iter().map(|module| format!("{module}.{name}")));
        }
        symbols
    }

    /// What made the object that an expression stands for: the call or the literal, as far as this module shows.
    pub fn maker(&self, value: &'m Expr, scope: ScopeId) -> Option<Maker<'m>> {
        self.trail().made(value, scope, STEPS)
    }

    /// What made the object that a name with its members stands for.
    pub fn maker_of(&self, path: &'m str, scope: ScopeId) -> Option<Maker<'m>> {
        self.trail().maker_of_path(path, scope, STEPS)
    }

    /// The function of this module that a symbol or an expression names.
    pub fn function(&self, value: &Expr, scope: ScopeId) -> Option<ScopeId> {
        if let Expr::Function(at) = value {
            return Some(*at);
        }
        let symbol = self.trail().follow(value, scope, STEPS)?;
        self.index.functions.get(symbol.strip_prefix('.')?).copied()
    }

    /// The symbols of what the functions of this module give back, by the names of the functions.
    pub fn gifts(&self) -> impl Iterator<Item = (&str, String)> + '_ {
        self.index.functions.iter().filter_map(|(name, at)| {
            let value = self.index.gives_back.get(at)?;
            Some((name.as_str(), self.trail().follow(value, *at, STEPS)?))
        })
    }

    /// The functions of this module by name, methods by `Class.method`.
    pub fn functions(&self) -> &HashMap<String, ScopeId> {
        &self.index.functions
    }

    /// The types of the fields of the classes of this module, by `Class.field`.
    pub fn fields(&self) -> impl Iterator<Item = (String, String)> + '_ {
        let module = self.index.module;
        let fields = module.bindings.iter().filter_map(|one| Some((one.name.strip_prefix("this.")?, one.scope)));
        fields.flat_map(move |(field, scope)| {
            let classes = module.around(scope).map(|(_, scope)| scope).filter(|scope| scope.kind == ScopeKind::Class);
            classes.filter(|class| !class.name.is_empty()).filter_map(move |class| {
                let kind = self.trail().field_of(&class.name, field, STEPS)?;
                Some((format!("{}.{field}", class.name), kind))
            })
        })
    }

    /// The symbol of a name at the top of the file.
    pub fn top(&self, name: &str) -> Option<String> {
        self.trail().variable(name, 0, STEPS).or_else(|| {
            (self.index.functions.contains_key(name) || self.index.classes.contains_key(name))
                .then(|| format!(".{name}"))
        })
    }

    /// The first piece of a class of this module.
    pub fn class(&self, name: &str) -> Option<&'m Scope> {
        self.index.module.scopes.get(*self.index.classes.get(name)?.first()?)
    }

    /// Everything that is bound to a name, wherever in the file.
    pub fn bindings(&self, name: &str) -> impl Iterator<Item = &'m Binding> + '_ {
        self.index.bindings.get(name).into_iter().flatten().filter_map(|at| self.index.module.bindings.get(*at))
    }

    /// The value that is bound to a name at the top of the file.
    pub fn top_value(&self, name: &str) -> Option<&'m Expr> {
        self.bindings(name).filter(|one| one.scope == 0 && one.nth == 0).find_map(|one| one.value.as_ref())
    }

    /// The value of a variable or constant that is seen from here.
    pub fn value(&self, name: &str, scope: ScopeId) -> Option<(&'m Expr, ScopeId)> {
        let binding = self.index.bound(name, scope).filter(|one| one.nth == 0)?;
        Some((binding.value.as_ref()?, binding.scope))
    }

    /// What is assigned to a member of an object after it was made: `client.Timeout = …`.
    pub fn assigned(&self, object: &Expr, member: &str, scope: ScopeId) -> Option<(&'m Expr, ScopeId)> {
        self.value(&format!("{}.{member}", object.name()?), scope)
    }
}
