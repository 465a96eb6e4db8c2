//! What frameworks of Python do around a handler: `FastAPI` by the types of its parameters and by what its class of views
//! depends on, Django by what decorates the view and by what its class extends.

use std::collections::BTreeSet;

use gonogo_domain::{
    evidence::{FunctionId, Guard, Meaning, ServedRoute, Use},
    known_symbols,
};
use gonogo_source::{Call, CallRole, Expr, Language, ScopeId, ScopeKind};

use super::{
    facts::{Linker, method},
    program::FileId,
};

/// The methods of a class of views that answer requests.
const ANSWERING: &[&str] = &["get", "post", "put", "patch", "delete"];

/// Classes that extend each other; more are no classes of views.
const CLASSES: usize = 8;

impl Linker<'_> {
    /// What a class of views of `FastAPI` depends on runs before each of its methods: `user: User = Depends(current_user)` in
    /// its body, or in that of a class that it extends.
    pub(super) fn depends_on(&self, handler: Option<FunctionId>) -> Vec<Guard> {
        let Some((file, scope)) = handler.and_then(|handler| self.scopes.get(handler)).copied() else {
            return Vec::new();
        };
        let Some(unit) = self.program.files.get(file).filter(|unit| unit.language == Language::Python) else {
            return Vec::new();
        };
        let mut open: Vec<(FileId, ScopeId)> =
            unit.module.class(scope).map(|class| (file, class)).into_iter().collect();
        let mut seen: BTreeSet<(FileId, ScopeId)> = BTreeSet::new();
        let mut guards = Vec::new();
        while let Some((file, class)) = open.pop() {
            if seen.len() >= CLASSES || !seen.insert((file, class)) {
                continue;
            }
            let Some(unit) = self.program.files.get(file) else { continue };
            let module = &unit.module;
            for binding in module.bindings.iter().filter(|one| one.scope == class) {
                let Some(value @ Expr::Call(at)) = &binding.value else { continue };
                let callee = module.calls.get(*at).and_then(|call| call.callee.name());
                if callee.is_some_and(|name| matches!(name.rsplit('.').next(), Some("Depends" | "Security"))) {
                    guards.extend(self.guard(file, value, class));
                }
            }
            let types = module.scopes.get(class).map(|scope| scope.types.as_slice()).unwrap_or_default();
            open.extend(types.iter().filter_map(|base| self.class_of(file, base)));
        }
        guards
    }

    /// `FastAPI` calls a handler only with what fits the types of its parameters: a model is the schema of the body, and where no
    /// parameter is one, there is no body. Whoever takes the request itself, or a file, reads what is sent without a schema.
    pub(super) fn typed_body(&self, route: &Use, handler: Option<FunctionId>) -> Option<Guard> {
        let guard = |name: &str| Some(Guard { name: name.to_owned(), function: None, used: None });
        let (file, scope) = handler
            .filter(|_| route.symbol.starts_with("fastapi."))
            .and_then(|handler| self.scopes.get(handler))
            .copied()?;
        let module = &self.program.files.get(file)?.module;
        let mut model = false;
        for parameter in &module.scopes.get(scope)?.parameters {
            let kind = parameter.kind.as_deref().unwrap_or_default();
            let given = match &parameter.default {
                Some(Expr::Call(at)) => module.calls.get(*at).and_then(|call| call.callee.name()),
                _ => None,
            };
            let given = given.and_then(|name| name.rsplit('.').next()).unwrap_or_default();
            let says = |word: &str| given == word || kind.contains(&format!("{word}("));
            if ["Depends", "Security", "Query", "Path", "Header", "Cookie"].into_iter().any(says) {
                continue;
            }
            let mut words = kind.split(|letter: char| !letter.is_alphanumeric() && letter != '_');
            if words.any(|word| matches!(word, "Request" | "UploadFile" | "bytes" | "dict" | "Any")) || says("File") {
                return None;
            }
            model |= says("Body") || says("Form") || !kind.is_empty() && !simple(kind);
        }
        guard(if model { "fastapi.schema" } else { "fastapi.no_body" })
    }

    /// What stands around a view that is handed to a route by its name: its decorators, what it is wrapped in there, and a
    /// site of the framework that asks by itself (`path("admin/", admin.site.urls)`).
    pub(super) fn around_view(
        &self,
        file: FileId,
        call: &Call,
        handler: Option<FunctionId>,
        mut guards: Vec<Guard>,
    ) -> Vec<Guard> {
        let Some(context) = self.context(file).filter(|context| context.module.language == Language::Python) else {
            return guards;
        };
        if let Some((file, scope)) = handler.and_then(|handler| self.scopes.get(handler)).copied() {
            guards.extend(self.annotations(file, scope, None));
        }
        let Some(view) = call.arguments.get(1).map(|one| &one.value) else { return guards };
        if matches!(view, Expr::Call(_)) {
            guards.extend(self.guard(file, view, call.scope));
        }
        let table = known_symbols(context.module.language.word());
        let symbols = context.names.symbols(view, call.scope);
        let asks = |symbol: &String| table.rows(symbol).iter().any(|(_, row)| row.means == Meaning::Authentication);
        if let Some(symbol) = symbols.into_iter().find(asks) {
            guards.push(Guard { name: format!("{symbol}.authentication"), function: None, used: None });
        }
        // The view itself stands between the path and its name.
        guards.retain(|guard| guard.function.is_none() || guard.function != handler);
        guards
    }

    /// The routes of `path("orders/", Orders.as_view())`: one for each method that the class answers, behind what it extends
    /// and what it says of permissions.
    pub(super) fn views_of_class(&self, file: FileId, call: &Call, route: &ServedRoute) -> Vec<ServedRoute> {
        let made = |value: &Expr| {
            let Expr::Call(at) = value else { return None };
            let made = self.program.files.get(file)?.module.calls.get(*at)?;
            let path = made.callee.name()?.strip_suffix(".as_view")?;
            self.class_of(file, path)
        };
        let Some((file, class)) = call.arguments.get(1).and_then(|one| {
            // `login_required(Orders.as_view())`
            made(&one.value).or_else(|| match &one.value {
                Expr::Call(at) => {
                    let outer = self.program.files.get(file)?.module.calls.get(*at)?;
                    outer.arguments.iter().find_map(|one| made(&one.value))
                }
                _ => None,
            })
        }) else {
            return Vec::new();
        };
        let mut guards = route.guards.clone();
        let mut methods: Vec<(&str, FunctionId)> = Vec::new();
        let mut open = vec![(file, class)];
        let mut seen: BTreeSet<(FileId, ScopeId)> = BTreeSet::new();
        while let Some((file, class)) = open.pop() {
            if seen.len() >= CLASSES || !seen.insert((file, class)) {
                continue;
            }
            let Some(context) = self.context(file) else { continue };
            let module = context.module;
            guards.extend(self.annotations(file, class, None));
            let permissions = module.bindings.iter().filter(|one| {
                one.scope == class && method(&Expr::Name(one.name.clone())) == Some("permission_classes")
            });
            for one in permissions {
                guards.extend(one.value.iter().flat_map(|value| self.guard(file, value, class)));
            }
            for (at, scope) in module.scopes.iter().enumerate() {
                let answers = ANSWERING.iter().find(|name| **name == scope.name);
                if let Some(name) = answers.filter(|_| scope.kind == ScopeKind::Function && scope.parent == Some(class))
                    && let Some(function) = self.functions.get(&(file, at))
                    && methods.iter().all(|(known, _)| known != name)
                {
                    methods.push((name, *function));
                }
            }
            let types = module.scopes.get(class).map(|scope| scope.types.as_slice()).unwrap_or_default();
            for base in types {
                match self.class_of(file, base) {
                    Some(base) => open.push(base),
                    None => guards.push(Guard { name: base.clone(), function: None, used: None }),
                }
            }
        }
        let routes = methods.into_iter().map(|(name, handler)| ServedRoute {
            method: Some(name.to_ascii_uppercase()),
            handler: Some(handler),
            guards: {
                let (file, scope) = self.scopes.get(handler).copied().unwrap_or_default();
                guards.iter().cloned().chain(self.annotations(file, scope, None)).collect()
            },
            ..route.clone()
        });
        routes.collect()
    }

    /// What a function and its class are annotated with, but for one call.
    pub(super) fn annotations(&self, file: FileId, scope: ScopeId, except: Option<usize>) -> Vec<Guard> {
        let Some(context) = self.context(file) else { return Vec::new() };
        let class = context.module.class(scope);
        let all = context.module.calls.iter().enumerate().filter(|(at, one)| {
            Some(*at) != except && one.role == CallRole::Annotation && (one.scope == scope || Some(one.scope) == class)
        });
        all.flat_map(|(at, one)| {
            let name = context.names.symbols(&one.callee, one.scope).into_iter().next().unwrap_or_default();
            let function = self.function_named(file, &name);
            let own = Guard { name, function, used: self.uses.get(&(file, at)).copied() };
            let given = one.arguments.iter().flat_map(|argument| self.guard(file, &argument.value, one.scope));
            std::iter::once(own).chain(given.collect::<Vec<_>>()).collect::<Vec<_>>()
        })
        .collect()
    }

    /// Where a class is that a file names: in the file itself, else the one of that name in the program.
    fn class_of(&self, file: FileId, written: &str) -> Option<(FileId, ScopeId)> {
        let name = written.split(['[', '<']).next()?.rsplit('.').next()?.trim();
        let files = std::iter::once(file).chain((0..self.program.files.len()).filter(|other| *other != file));
        files.filter(|file| self.has(*file)).find_map(|file| {
            let unit = self.program.files.get(file)?;
            if unit.language != Language::Python || !unit.outline.classes.iter().any(|class| class == name) {
                return None;
            }
            let mut scopes = unit.module.scopes.iter();
            Some((file, scopes.position(|scope| scope.kind == ScopeKind::Class && scope.name == name)?))
        })
    }
}

/// A type that `FastAPI` takes from the path or the query, or makes itself: `int`, `UUID4 | None`, `BackgroundTasks`.
fn simple(kind: &str) -> bool {
    kind.split(|letter: char| !letter.is_alphanumeric() && letter != '_').filter(|word| !word.is_empty()).all(|word| {
        matches!(
            word,
            "int"
                | "str"
                | "float"
                | "bool"
                | "None"
                | "Optional"
                | "Union"
                | "list"
                | "List"
                | "datetime"
                | "date"
                | "time"
                | "timedelta"
                | "Decimal"
                | "Literal"
                | "Annotated"
                | "Response"
                | "BackgroundTasks"
                | "WebSocket"
                | "SecurityScopes"
                | "EmailStr"
                | "HttpUrl"
        ) || word.starts_with("UUID")
    })
}
