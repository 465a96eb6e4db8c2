//! What stands in the source besides calls: reads of the environment, handlers of errors, texts.

use std::collections::{BTreeMap, BTreeSet};

use gonogo_domain::{
    evidence::{Catch, EnvironmentRead, Handling, Meaning, SettingValue, SourceText, SourceTextKind},
    known_symbols,
};
use gonogo_source::{Call, CallRole, Expr, Language, Module, Return, ScopeId, ScopeKind};

use super::{
    facts::{Linker, method},
    handling::{handles_errors, stands_in},
    keeping_on,
    program::FileId,
    values, variables,
};

impl Linker<'_> {
    pub(super) fn reads(&self, file: FileId) -> Vec<(FileId, ScopeId, EnvironmentRead)> {
        let Some(context) = self.context(file) else { return Vec::new() };
        let values =
            context.module.reads.iter().map(|read| (&read.value, read.default.as_ref(), read.scope, read.spot.line));
        let mut found = Vec::new();
        for (value, default, scope, line) in values {
            let Some((name, _)) = values::environment(context, value, scope) else { continue };
            let default = default.map(|default| values::setting(context, default, scope, None, line).value);
            let default = default.or_else(|| self.stand_in(file, value, scope));
            found.extend(self.environment_read(file, name, default, scope, line));
        }
        let members = known_symbols(context.module.language.word()).has_environment();
        for (at, call) in context.module.calls.iter().enumerate() {
            let called = Expr::Call(at);
            // `process.env.HOSTS.split(",")` reads as well.
            let path = call.callee.name().filter(|_| members).and_then(|path| path.rsplit_once('.'));
            let prefix = path.map(|(of, _)| Expr::Name(of.to_owned()));
            let read = if self
                .uses
                .get(&(file, at))
                .and_then(|id| self.code.uses.get(*id))
                .is_some_and(|one| one.meaning == Meaning::EnvironmentRead)
            {
                values::environment(context, &called, call.scope)
            } else {
                prefix.and_then(|prefix| {
                    values::environment(context, &prefix, call.scope).filter(|_| {
                        // A variable that holds what was read is no second read.
                        prefix
                            .name()
                            .is_some_and(|path| path.contains('.') && context.names.value(path, call.scope).is_none())
                    })
                })
            };
            if let Some((name, default)) = read {
                let default = default.or_else(|| self.stand_in(file, &called, call.scope));
                found.extend(self.environment_read(file, name, default, call.scope, call.spot.line));
            }
        }
        found
    }

    /// A read with its scope: what it stands behind is another question.
    pub(super) fn environment_read(
        &self,
        file: FileId,
        name: String,
        default: Option<SettingValue>,
        scope: ScopeId,
        line: u32,
    ) -> Option<(FileId, ScopeId, EnvironmentRead)> {
        let (name, default) = variables::placeholder(name, default);
        // `@Value("classpath:shop.json")` names a file.
        if name.contains('/') {
            return None;
        }
        let function = self.function_at(file, scope)?;
        let place = self.place(file, line);
        let role = self.role(function);
        Some((file, scope, EnvironmentRead { behind: None, name, default, place, role, function }))
    }

    pub(super) fn catches(&self, file: FileId) -> Vec<Catch> {
        let Some(context) = self.context(file) else { return Vec::new() };
        let module = context.module;
        let mut found = Vec::new();
        let held = held(module);
        let mut bound: BTreeMap<ScopeId, BTreeSet<&str>> = BTreeMap::new();
        // By what the attempt stands in.
        let mut tried: BTreeMap<ScopeId, BTreeSet<&str>> = BTreeMap::new();
        for one in module.bindings.iter().filter(|_| !held.is_empty()) {
            if held.contains_key(&one.scope) {
                bound.entry(one.scope).or_default().insert(&one.name);
            }
            let around = module.scopes.get(one.scope).filter(|scope| scope.kind == ScopeKind::Try);
            if let Some(parent) = around.and_then(|scope| scope.parent) {
                tried.entry(parent).or_default().insert(&one.name);
            }
        }
        for (at, held) in held {
            let (Some(scope), Some(function)) = (module.scopes.get(at), self.function_at(file, at)) else { continue };
            let used = |call: usize| self.uses.get(&(file, call)).and_then(|id| self.code.uses.get(*id));
            let meanings = || held.calls.iter().filter_map(|call| used(*call)).map(|one| one.meaning);
            let logs = meanings().any(|one| matches!(one, Meaning::LogCall | Meaning::PrintCall));
            let ends = meanings().any(|one| one == Meaning::Exit);
            let mut calls = held.calls.iter().filter_map(|call| module.calls.get(*call));
            let throws = ends || calls.any(|call| call.role == CallRole::Throw);
            let kept = |call: usize| {
                used(call)
                    .is_some_and(|one| matches!(one.meaning, Meaning::CacheCall | Meaning::Cache | Meaning::Fallback))
            };
            // `except Exception: reviews = None`, where the attempt was to set it too.
            let sets = || {
                bound.get(&at).is_some_and(|names| {
                    scope.parent.and_then(|parent| tried.get(&parent)).is_some_and(|tried| !names.is_disjoint(tried))
                })
            };
            // What an arm of a `match` is worth stands in for the error, unless it is an error itself.
            let rust = module.language == Language::Rust;
            let gives = |name: &str| {
                let mut calls = held.calls.iter().filter_map(|call| module.calls.get(*call));
                rust && calls.any(|call| call.callee.name() == Some(name))
            };
            let throws = throws || gives("Err");
            let is_value = rust && !scope.empty && held.calls.is_empty() && held.returns.is_empty();
            let recovers = !throws
                && (held.returns.iter().any(|one| stands_in(module.language, &one.value, &kept))
                    || sets()
                    || held.returns.is_empty() && keeping_on::keeps_value(module, at)
                    || is_value
                    || gives("Ok"));
            let acts = !held.calls.is_empty() || !held.returns.is_empty() || is_value;
            found.push(Catch {
                place: self.place(file, scope.spot.line),
                role: self.role(function),
                function,
                types: scope.types.clone(),
                empty: scope.empty,
                does: [
                    (throws, Handling::Throws),
                    (acts, Handling::Acts),
                    (logs, Handling::Logs),
                    (recovers, Handling::Recovers),
                ]
                .into_iter()
                .filter_map(|(does, what)| does.then_some(what))
                .collect(),
            });
        }
        // `promise.catch(() => {})`
        for call in &module.calls {
            let is_catch = match &call.callee {
                Expr::Member(_, name) => name == "catch",
                Expr::Name(path) => path.rsplit_once('.').is_some_and(|(_, name)| name == "catch"),
                _ => false,
            };
            let Some(Expr::Function(handler)) = call.arguments.first().map(|one| &one.value).filter(|_| is_catch)
            else {
                continue;
            };
            let (Some(scope), Some(function)) = (module.scopes.get(*handler), self.function_at(file, call.scope))
            else {
                continue;
            };
            found.push(Catch {
                place: self.place(file, call.spot.line),
                role: self.role(function),
                function,
                types: Vec::new(),
                empty: scope.empty,
                does: if scope.empty { Vec::new() } else { vec![Handling::Acts] },
            });
        }
        found
    }

    pub(super) fn texts(&self, file: FileId) -> Vec<SourceText> {
        let Some(context) = self.context(file) else { return Vec::new() };
        let mut found = Vec::new();
        for literal in &context.module.literals {
            let Some(kind) = text_kind(&literal.text) else { continue };
            let Some(function) = self.function_at(file, literal.scope) else { continue };
            let given_to = || {
                let holds = |one: &&Call| {
                    one.arguments.iter().any(|argument| argument.value.text() == Some(literal.text.as_str()))
                        && one.spot.contains(literal.spot)
                };
                let call = context.module.calls.iter().filter(holds).min_by_key(|one| one.spot.end - one.spot.start);
                let element = || {
                    let mut bound = context.module.bindings.iter().filter(|one| one.spot.contains(literal.spot));
                    bound.any(|one| one.name.rsplit('.').next() == Some(literal.text.as_str()))
                };
                match call {
                    Some(call) => method(&call.callee).map(str::to_owned),
                    // `response.headers["X-Request-ID"] = id`
                    None => element().then(|| "set".to_owned()),
                }
            };
            let text = SourceText {
                kind,
                text: literal.text.clone(),
                place: self.place(file, literal.spot.line),
                role: self.role(function),
                function,
                given_to: matches!(kind, SourceTextKind::RequestId | SourceTextKind::FeatureOption)
                    .then(given_to)
                    .flatten(),
            };
            found.push(text);
        }
        // `{ headers: { "x-request-id": id } }`
        for call in &context.module.calls {
            let Some(function) = self.function_at(file, call.scope) else { continue };
            let mut keys = Vec::new();
            for argument in &call.arguments {
                argument.value.walk(&mut |value| {
                    if let Expr::Object { fields, .. } = value {
                        keys.extend(fields.iter().map(|(key, _)| key).filter(|key| is_header(key)));
                    }
                });
            }
            for key in keys {
                found.push(SourceText {
                    kind: SourceTextKind::RequestId,
                    text: key.clone(),
                    place: self.place(file, call.spot.line),
                    role: self.role(function),
                    function,
                    given_to: Some(format!("{{}}{}", method(&call.callee).unwrap_or_default())),
                });
            }
        }
        found
    }
}

/// What stands in a handler of errors, however deep.
#[derive(Default)]
struct Held<'m> {
    calls: Vec<usize>,
    returns: Vec<&'m Return>,
}

/// The handlers of a module with what they hold.
fn held(module: &Module) -> BTreeMap<ScopeId, Held<'_>> {
    let handlers = module.scopes.iter().enumerate().filter(|(_, scope)| handles_errors(module.language, scope));
    let mut held: BTreeMap<ScopeId, Held<'_>> = handlers.map(|(at, _)| (at, Held::default())).collect();
    if held.is_empty() {
        return held;
    }
    for (at, call) in module.calls.iter().enumerate() {
        for (scope, _) in module.around(call.scope) {
            if let Some(handler) = held.get_mut(&scope) {
                handler.calls.push(at);
            }
        }
    }
    for returned in &module.returns {
        for (scope, _) in module.around(returned.scope) {
            if let Some(handler) = held.get_mut(&scope) {
                handler.returns.push(returned);
            }
        }
    }
    held
}

/// The name of a header or a field that carries the id of a request: `x-request-id`, `traceparent`, `requestId`.
fn is_header(text: &str) -> bool {
    if !(5..=40).contains(&text.len()) {
        return false;
    }
    if !text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')) {
        return false;
    }
    let lower = text.to_ascii_lowercase();
    let carries = ["request", "correlation", "trace"].iter().any(|word| lower.contains(word));
    lower == "traceparent" || carries && lower.ends_with("id")
}

/// The headers that checks ask for.
const HEADERS: &[&str] = &[
    "Idempotency-Key",
    "X-Idempotency-Key",
    "Retry-After",
    "RateLimit-Limit",
    "RateLimit-Remaining",
    "X-RateLimit-Limit",
    "X-RateLimit-Remaining",
    "X-Forwarded-For",
    "Warning",
];

/// Options of a command line by which features are switched, as Prometheus and Kubernetes call them.
const FEATURE_OPTIONS: &[&str] = &[
    "enable-feature",
    "enable-features",
    "feature-gates",
    "feature-gate",
    "feature-flags",
    "enable-experimental-features",
];

/// How a statement of SQL begins.
const STATEMENTS: &[&str] = &["SELECT", "INSERT", "UPDATE", "DELETE", "CREATE", "ALTER", "DROP", "WITH", "TRUNCATE"];

/// `/health`, `/v1/healthz`, `/api/_health`.
fn is_health_path(text: &str) -> bool {
    let last = text.strip_prefix('/').and_then(|path| path.trim_end_matches('/').rsplit('/').next());
    last.is_some_and(|last| {
        matches!(
            last.trim_start_matches(['_', '-']),
            "health" | "healthz" | "healthcheck" | "health-check" | "livez" | "readyz" | "heartbeat"
        )
    })
}

fn text_kind(text: &str) -> Option<SourceTextKind> {
    if is_header(text) {
        return Some(SourceTextKind::RequestId);
    }
    let start = text.trim_start();
    if start.split_once("://").is_some_and(|(scheme, rest)| {
        !rest.is_empty()
            && (2..=20).contains(&scheme.len())
            && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b':'))
    }) {
        return Some(SourceTextKind::Address);
    }
    if is_health_path(text) {
        return Some(SourceTextKind::HealthPath);
    }
    if FEATURE_OPTIONS.contains(&text.trim_start_matches('-')) {
        return Some(SourceTextKind::FeatureOption);
    }
    if HEADERS.iter().any(|header| header.eq_ignore_ascii_case(text)) {
        return Some(SourceTextKind::Protocol);
    }
    let word = start.split(|letter: char| !letter.is_ascii_alphabetic()).next()?;
    let more = start.len() > word.len() + 6;
    let begins = || STATEMENTS.iter().any(|statement| statement.eq_ignore_ascii_case(word));
    let sql = more && begins() && {
        let upper = start.to_ascii_uppercase();
        ["FROM", "INTO", "SET", "TABLE", "INDEX", "SELECT"].iter().any(|other| upper.contains(other))
    };
    sql.then_some(SourceTextKind::Sql)
}
