//! What stands in the source besides calls: reads of the environment, handlers of errors, texts.

use gonogo_domain::evidence::{
    Catch, EnvironmentRead, Handling, Meaning, Role, SettingValue, SourceText, SourceTextKind,
};
use gonogo_source::{Call, CallRole, Expr, ScopeId};

use super::{
    facts::{Linker, method},
    handling::{handles_errors, stands_in},
    program::FileId,
    values, variables,
};

impl Linker<'_> {
    pub(super) fn reads(&mut self, file: FileId) {
        let Some(context) = self.context(file) else { return };
        let values =
            context.module.reads.iter().map(|read| (&read.value, read.default.as_ref(), read.scope, read.spot.line));
        let mut found: Vec<EnvironmentRead> = Vec::new();
        for (value, default, scope, line) in values {
            let Some((name, _)) = values::environment(context, value, scope) else { continue };
            let default = default.map(|default| values::setting(context, default, scope, None, line).value);
            let default = default.or_else(|| self.stand_in(file, value, scope));
            found.extend(self.environment_read(file, name, default, scope, line));
        }
        for (at, call) in context.module.calls.iter().enumerate() {
            let called = Expr::Call(at);
            // `process.env.HOSTS.split(",")` reads as well.
            let prefix =
                call.callee.name().and_then(|path| path.rsplit_once('.')).map(|(of, _)| Expr::Name(of.to_owned()));
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
        found.dedup();
        self.code.environment.extend(found);
    }

    pub(super) fn environment_read(
        &self,
        file: FileId,
        name: String,
        default: Option<SettingValue>,
        scope: ScopeId,
        line: u32,
    ) -> Option<EnvironmentRead> {
        let (name, default) = variables::placeholder(name, default);
        Some(EnvironmentRead {
            name,
            default,
            place: self.place(file, line),
            role: self.program.files.get(file)?.role,
            function: self.function_at(file, scope)?,
        })
    }

    pub(super) fn catches(&mut self, file: FileId) {
        let Some(context) = self.context(file) else { return };
        let module = context.module;
        let mut found = Vec::new();
        for (at, scope) in module.scopes.iter().enumerate() {
            let handles = handles_errors(module.language, scope);
            let Some(function) = self.function_at(file, at).filter(|_| handles) else { continue };
            let calls = || module.calls.iter().enumerate().filter(|(_, call)| module.within(call.scope, at));
            let meanings =
                calls().filter_map(|(call, _)| self.uses.get(&(file, call))).filter_map(|id| self.code.uses.get(*id));
            let logs = meanings.clone().any(|one| matches!(one.meaning, Meaning::LogCall | Meaning::PrintCall));
            let ends = meanings.clone().any(|one| one.meaning == Meaning::Exit);
            let throws = ends || calls().any(|(_, call)| call.role == CallRole::Throw);
            let recovers = !throws
                && module.returns.iter().any(|one| {
                    module.within(one.scope, at)
                        && stands_in(module.language, &one.value, &|call| {
                            self.uses.get(&(file, call)).and_then(|id| self.code.uses.get(*id)).is_some_and(|one| {
                                matches!(one.meaning, Meaning::CacheCall | Meaning::Cache | Meaning::Fallback)
                            })
                        })
                });
            let acts = calls().next().is_some() || module.returns.iter().any(|one| module.within(one.scope, at));
            found.push(Catch {
                place: self.place(file, scope.spot.line),
                role: self.program.files.get(file).map_or(Role::Product, |unit| unit.role),
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
                role: self.program.files.get(file).map_or(Role::Product, |unit| unit.role),
                function,
                types: Vec::new(),
                empty: scope.empty,
                does: if scope.empty { Vec::new() } else { vec![Handling::Acts] },
            });
        }
        self.code.catches.extend(found);
    }

    pub(super) fn texts(&mut self, file: FileId) {
        let Some(context) = self.context(file) else { return };
        for literal in &context.module.literals {
            let Some(kind) = text_kind(&literal.text) else { continue };
            let Some(function) = self.function_at(file, literal.scope) else { continue };
            let given_to = || {
                let holds = |one: &&Call| {
                    one.arguments.iter().any(|argument| argument.value.text() == Some(literal.text.as_str()))
                        && one.spot.contains(literal.spot)
                };
                let call = context.module.calls.iter().filter(holds).min_by_key(|one| one.spot.end - one.spot.start)?;
                method(&call.callee).map(str::to_owned)
            };
            let text = SourceText {
                kind,
                text: literal.text.clone(),
                place: self.place(file, literal.spot.line),
                role: self.program.files.get(file).map_or(Role::Product, |unit| unit.role),
                function,
                given_to: (kind == SourceTextKind::RequestId).then(given_to).flatten(),
            };
            self.code.texts.push(text);
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
                self.code.texts.push(SourceText {
                    kind: SourceTextKind::RequestId,
                    text: key.clone(),
                    place: self.place(file, call.spot.line),
                    role: self.program.files.get(file).map_or(Role::Product, |unit| unit.role),
                    function,
                    given_to: Some(format!("{{}}{}", method(&call.callee).unwrap_or_default())),
                });
            }
        }
    }
}

/// The name of a header or a field that carries the id of a request: `x-request-id`, `traceparent`, `requestId`.
fn is_header(text: &str) -> bool {
    if !(5..=40).contains(&text.len()) {
        return false;
    }
    let lower = text.to_ascii_lowercase().replace('_', "-");
    let plain = lower.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    let carries = ["request", "correlation", "trace"].iter().any(|word| lower.contains(word));
    plain && (lower == "traceparent" || carries && lower.ends_with("id"))
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
    if HEADERS.iter().any(|header| header.eq_ignore_ascii_case(text)) {
        return Some(SourceTextKind::Protocol);
    }
    let word = start.split(|letter: char| !letter.is_ascii_alphabetic()).next()?.to_ascii_uppercase();
    let more = start.len() > word.len() + 6;
    let sql =
        more && matches!(
            word.as_str(),
            "SELECT" | "INSERT" | "UPDATE" | "DELETE" | "CREATE" | "ALTER" | "DROP" | "WITH" | "TRUNCATE"
        ) && ["FROM", "INTO", "SET", "TABLE", "INDEX", "SELECT"]
            .iter()
            .any(|other| start.to_ascii_uppercase().contains(other));
    sql.then_some(SourceTextKind::Sql)
}
