//! Who reads what a request brings along.

use std::collections::BTreeSet;

use gonogo_source::{Call, Expr, Language, Module, ScopeId, ScopeKind};

use super::{facts::method, values::Context};

/// How frameworks of Go read a body.
const READING: &[&str] = &[
    "Bind",
    "BindJSON",
    "BodyParser",
    "BodyRaw",
    "DecodeJSON",
    "FormFile",
    "FormValue",
    "GetRawData",
    "MultipartForm",
    "MultipartReader",
    "ParseForm",
    "ParseMultipartForm",
    "PostForm",
    "PostFormValue",
    "ShouldBind",
    "ShouldBindBodyWith",
    "ShouldBindJSON",
];

/// What a request of Flask or Django holds besides its body.
const BESIDE_BODY: &[&str] = &[
    "args",
    "cookies",
    "COOKIES",
    "endpoint",
    "GET",
    "headers",
    "host",
    "META",
    "method",
    "path",
    "remote_addr",
    "session",
    "url",
    "user",
    "user_agent",
];

/// The functions of a module of Python that may read what a request brings along: they name the request, are given
/// something of a type that a framework makes of a body, or call what reads one unasked.
pub(super) fn readers(module: &Module) -> BTreeSet<ScopeId> {
    let mut found = BTreeSet::new();
    if module.language != Language::Python {
        return found;
    }
    let mut note = |scope: ScopeId| {
        let functions = module.around(scope).filter(|(_, scope)| scope.kind == ScopeKind::Function);
        found.extend(functions.map(|(at, _)| at));
    };
    let mut look = |value: &Expr, scope: ScopeId| {
        let mut reads = false;
        value.walk(&mut |inner| {
            reads |= match inner {
                Expr::Name(path) => is_body(path),
                Expr::Member(_, name) => READING_UNASKED.contains(&name.as_str()),
                _ => false,
            };
        });
        if reads {
            note(scope);
        }
    };
    for call in &module.calls {
        look(&call.callee, call.scope);
        call.arguments.iter().for_each(|one| look(&one.value, call.scope));
    }
    for binding in &module.bindings {
        binding.value.iter().for_each(|value| look(value, binding.scope));
    }
    module.reads.iter().for_each(|read| look(&read.value, read.scope));
    module.returns.iter().for_each(|one| look(&one.value, one.scope));
    for (at, scope) in module.scopes.iter().enumerate() {
        scope.condition.iter().for_each(|value| look(value, at));
        let given = scope.parameters.iter().any(|one| {
            let kind = one.kind.as_deref().unwrap_or_default();
            matches!(one.name.as_str(), "body" | "data" | "payload" | "form") || kind.starts_with(char::is_uppercase)
        });
        if scope.kind == ScopeKind::Function && given {
            look(&Expr::Name("request".to_owned()), at);
        }
    }
    found
}

/// What reads a body without being given the request.
const READING_UNASKED: &[&str] = &["parse_args", "validate_on_submit", "get_argument", "get_body_argument", "get_json"];

/// `request.form`, `self.request.body`, `request` as a whole, `OrderForm`.
fn is_body(path: &str) -> bool {
    let parts: Vec<&str> = path.split('.').collect();
    let of_request = parts.iter().position(|part| matches!(*part, "request" | "req"));
    let body = of_request.is_some_and(|at| parts.get(at + 1).is_none_or(|part| !BESIDE_BODY.contains(part)));
    let last = parts.last().copied().unwrap_or_default();
    body || last.ends_with("Form") || READING_UNASKED.contains(&last)
}

/// A call of Go reads a body, is given one, or is given the whole request and leads out of sight.
pub(super) fn takes(context: Context<'_>, call: &Call, followed: bool) -> bool {
    if context.module.language != Language::Go {
        return false;
    }
    let body = |path: &str| path.ends_with(".Body") || path.contains(".Body.") && !path.ends_with(".Body.Close");
    let reads =
        method(&call.callee).is_some_and(|name| READING.contains(&name)) || call.callee.name().is_some_and(body);
    reads
        || call.arguments.iter().any(|argument| match &argument.value {
            Expr::Name(path) => body(path) || !followed && is_request(context, path, call),
            _ => false,
        })
}

/// A parameter of one of the functions around: `r *http.Request`, `c *gin.Context`.
fn is_request(context: Context<'_>, name: &str, call: &Call) -> bool {
    context.module.around(call.scope).flat_map(|(_, scope)| &scope.parameters).any(|parameter| {
        let kind = parameter.kind.as_deref().unwrap_or_default();
        parameter.name == name
            && (kind.ends_with(".Request")
                || kind.ends_with(".Ctx")
                || kind.ends_with(".Context") && kind != "context.Context")
    })
}
