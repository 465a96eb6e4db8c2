//! What `FastAPI` does around a handler by the types of its parameters, and by what its class of views depends on.

use std::collections::BTreeSet;

use gonogo_domain::evidence::{FunctionId, Guard, Use};
use gonogo_source::{Expr, Language, ScopeId, ScopeKind};

use super::{facts::Linker, program::FileId};

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
