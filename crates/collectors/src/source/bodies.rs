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

/// The functions of a module of Python or JavaScript that may read what a request brings along: they name it or its body,
/// are given something that a framework makes of one, or call what reads one unasked.
pub(super) fn readers(module: &Module) -> BTreeSet<ScopeId> {
    let mut found = BTreeSet::new();
    let script = is_script(module.language);
    if module.language != Language::Python && !script {
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
                Expr::Name(path) if script => is_body_of_script(path),
                Expr::Member(_, name) if script => is_body_of_script(name),
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
        // `res.json(order)` answers; `req.json()` reads.
        let answers = script && !call.arguments.is_empty() && matches!(method(&call.callee), Some("json" | "text"));
        if !answers {
            look(&call.callee, call.scope);
        }
        call.arguments.iter().for_each(|one| look(&one.value, call.scope));
    }
    for binding in &module.bindings {
        binding.value.iter().for_each(|value| look(value, binding.scope));
    }
    module.reads.iter().for_each(|read| look(&read.value, read.scope));
    module.returns.iter().for_each(|one| look(&one.value, one.scope));
    for (at, scope) in module.scopes.iter().enumerate().filter(|_| script) {
        // `({ body }) => …`; to a method of a class whatever it asks for may be given.
        let taken = scope.parameters.iter().any(|one| {
            let from = one.default.as_ref().and_then(Expr::name).unwrap_or(&one.name);
            is_body_of_script(from.trim_start_matches("{}."))
        });
        let method = module.class(at).is_some() && !scope.parameters.is_empty();
        if scope.kind == ScopeKind::Function && (taken || method) {
            look(&Expr::Name("body".to_owned()), at);
        }
        scope.condition.iter().for_each(|value| look(value, at));
    }
    for (at, scope) in module.scopes.iter().enumerate().filter(|_| !script) {
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

fn is_script(language: Language) -> bool {
    matches!(language, Language::JavaScript | Language::TypeScript)
}

/// `req.body`, `ctx.request.body.name`, `event.data`, `request.json`, `upload.file`
fn is_body_of_script(path: &str) -> bool {
    path.split('.').any(|part| READING_IN_SCRIPTS.contains(&part))
}

/// What holds the body of a request, or reads it, in frameworks of JavaScript.
const READING_IN_SCRIPTS: &[&str] = &[
    "arrayBuffer",
    "blob",
    "body",
    "file",
    "files",
    "formData",
    "input",
    "json",
    "on",
    "parseBody",
    "payload",
    "pipe",
    "rawBody",
    "readBody",
    "text",
    "valid",
];

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

/// A call of Go reads a body, is given one, or is given the whole request and leads out of sight; one of JavaScript the
/// latter.
pub(super) fn takes(context: Context<'_>, call: &Call, followed: bool) -> bool {
    if is_script(context.module.language) {
        let handed = call.arguments.iter().filter_map(|one| one.value.name());
        return !followed && handed.into_iter().any(|name| is_request_of_script(context, name, call));
    }
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

/// The first parameter of a function around: `req`, `ctx`, `{ request }`.
fn is_request_of_script(context: Context<'_>, name: &str, call: &Call) -> bool {
    let named = |one: &str| matches!(one, "req" | "request" | "ctx" | "context" | "event" | "c" | "arguments");
    name == "arguments"
        || context.module.around(call.scope).any(|(_, scope)| {
            scope.parameters.iter().enumerate().any(|(at, one)| one.name == name && (at == 0 || named(&one.name)))
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
