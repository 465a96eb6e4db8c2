//! The texts of a program that checks ask for: addresses, statements of SQL, names of headers and of ids.

use gonogo_domain::evidence::{Role, SourceText, SourceTextKind};
use gonogo_source::{Call, Expr};

use super::{
    facts::{Linker, method},
    program::FileId,
};

impl Linker<'_> {
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
                    given_to: Some("{}".to_owned()),
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
            && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'+')
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
