//! How a program treats its secrets: what it does where one is not set, and how it compares them.

use gonogo_domain::{
    Vendor, answers,
    evidence::{Decisions, Meaning, Origin, Role, SecretBranch, SecretComparison},
    secret::is_secret_name,
};
use gonogo_source::{CallRole, Expr, Module, ScopeId, ScopeKind};

use super::{
    facts::{Linker, method},
    origins::last_name,
    program::FileId,
    values::{self, Context},
    variables::written,
};

/// Comparisons that end at the first letter that differs.
const EQUALS: &[&str] = &["==", "!=", "===", "!==", "eq", "ne"];
const EQUAL_CALLS: &[&str] = &["equals", "Equals", "Equal", "strcmp", "eql?"];

impl Linker<'_> {
    pub(super) fn keeping(&self, file: FileId, vendors: &[&Vendor]) -> Decisions {
        let mut found = Decisions::default();
        let Some(context) = self.context(file) else { return found };
        let role = self.program.files.get(file).map_or(Role::Product, |unit| unit.role);
        if !role.counts() {
            return found;
        }
        for (at, scope) in context.module.scopes.iter().enumerate() {
            let Some(condition) = scope.condition.as_ref().filter(|_| scope.kind == ScopeKind::Branch) else {
                continue;
            };
            let mut asked = Vec::new();
            presence(context, condition, true, at, &mut asked);
            for (name, set) in asked {
                let (calls, uses) = self.inside(file, at);
                let Some(function) = self.function_at(file, at) else { continue };
                let refuses = self.refuses(file, context, at);
                let place = self.place(file, scope.spot.line);
                let one = SecretBranch { name, set, refuses, calls, uses, place, role, function };
                found.secrets.push(one);
            }
        }
        found.comparisons = self.comparisons(file, context, role, vendors);
        found
    }

    /// What happens in a branch.
    fn inside(&self, file: FileId, branch: ScopeId) -> (Vec<usize>, Vec<usize>) {
        let (mut calls, mut uses) = (Vec::new(), Vec::new());
        let Some(context) = self.context(file) else { return (calls, uses) };
        let module = context.module;
        for (at, call) in module.calls.iter().enumerate().filter(|(_, call)| module.within(call.scope, branch)) {
            uses.extend(self.uses.get(&(file, at)));
            let symbols = context.names.symbols(&call.callee, call.scope);
            calls.extend(symbols.first().and_then(|symbol| self.function_named(file, symbol)));
        }
        (calls, uses)
    }

    /// A branch turns away whoever asks: it throws, ends the process, answers an error, gives `false` back.
    fn refuses(&self, file: FileId, context: Context<'_>, branch: ScopeId) -> bool {
        let module = context.module;
        let bad = |value: &Expr| {
            let mut bad = false;
            value.walk(&mut |inner| {
                let status = match inner {
                    Expr::Number(text) => text.parse().ok(),
                    Expr::Name(path) => answers().status(path),
                    _ => None,
                };
                bad |= status.is_some_and(|status: u16| (400..=599).contains(&status));
            });
            bad
        };
        let calls = || module.calls.iter().enumerate().filter(|(_, call)| module.within(call.scope, branch));
        let by_call = calls().any(|(at, call)| {
            let ends = self.uses.get(&(file, at)).and_then(|id| self.code.uses.get(*id));
            let name = method(&call.callee).unwrap_or_default().to_ascii_lowercase();
            call.role == CallRole::Throw
                || ends.is_some_and(|one| one.meaning == Meaning::Exit)
                || ["panic", "fatal", "exit", "abort", "unauthorized", "forbidden"]
                    .iter()
                    .any(|word| name.contains(word))
                || call.arguments.iter().any(|one| bad(&one.value))
        });
        let error = |value: &Expr| match value {
            // What Go gives back last is its error.
            Expr::List(items) => items.last().is_some_and(|last| *last != Expr::Null && is_error(module, last)),
            value => is_error(module, value),
        };
        let mut returns = module.returns.iter().filter(|one| module.within(one.scope, branch));
        by_call || returns.any(|one| one.value == Expr::Bool(false) || bad(&one.value) || error(&one.value))
    }

    fn comparisons(
        &self,
        file: FileId,
        context: Context<'_>,
        role: Role,
        vendors: &[&Vendor],
    ) -> Vec<SecretComparison> {
        let mut found = Vec::new();
        let module = context.module;
        let mut pairs: Vec<(&Expr, &Expr, ScopeId, u32)> = Vec::new();
        let conditions = module.scopes.iter().enumerate();
        let conditions = conditions.filter_map(|(at, scope)| Some((scope.condition.as_ref()?, at, scope.spot.line)));
        for (value, scope, line) in written(module).chain(conditions) {
            value.walk(&mut |inner| {
                if let Expr::Operation(operator, items) = inner
                    && let [first, second] = items.as_slice()
                    && EQUALS.contains(&operator.as_str())
                {
                    pairs.push((first, second, scope, line));
                }
            });
        }
        for (at, call) in module.calls.iter().enumerate() {
            if !self.uses.contains_key(&(file, at))
                && method(&call.callee).is_some_and(|name| EQUAL_CALLS.contains(&name))
                && let Some(last) = call.arguments.last()
                && let Some(first) = match &call.callee {
                    Expr::Member(of, _) => Some(&**of),
                    _ => call.arguments.first().map(|one| &one.value).filter(|one| **one != last.value),
                }
            {
                pairs.push((first, &last.value, call.scope, call.spot.line));
            }
        }
        for (first, second, scope, line) in pairs {
            let sides = [first, second];
            if sides.into_iter().any(plain)
                || vendors.is_empty() && !sides.into_iter().any(|side| named_so(context, side))
            {
                continue;
            }
            let mut from = self.origins(file, first, scope);
            from.extend(self.origins(file, second, scope));
            let secret = from.iter().any(|one| match one {
                Origin::Use(id) => self.code.uses.get(*id).is_some_and(|one| one.meaning == Meaning::KeyedHash),
                Origin::Environment(name) | Origin::Name(name) | Origin::Parameter(name) => {
                    is_secret(name.rsplit('.').next().unwrap_or(name))
                }
                Origin::Text(_) => false,
            });
            // What a file compares that is called after the vendor is the vendor's: `clay/client.rs`.
            let mut words = context.path.split(|letter: char| !letter.is_ascii_alphanumeric());
            let in_its_file = words.any(|word| vendors.iter().any(|vendor| vendor.name.eq_ignore_ascii_case(word)));
            let of_vendor = in_its_file
                || from.iter().any(|one| match one {
                    Origin::Environment(name) | Origin::Name(name) | Origin::Parameter(name) => {
                        let last = name.rsplit('.').next().unwrap_or(name).to_ascii_uppercase();
                        vendors.iter().any(|vendor| vendor.names(&last))
                    }
                    Origin::Use(_) | Origin::Text(_) => false,
                });
            let Some(function) = self.function_at(file, scope).filter(|_| secret || of_vendor) else { continue };
            let one = SecretComparison { from, secret, place: self.place(file, line), role, function };
            if !found.contains(&one) {
                found.push(one);
            }
        }
        found
    }
}

/// The secrets whose presence a condition asks for, and whether it holds where they are set.
fn presence(context: Context<'_>, value: &Expr, set: bool, scope: ScopeId, found: &mut Vec<(String, bool)>) {
    match value {
        Expr::Operation(operator, items) => match (operator.as_str(), items.as_slice()) {
            ("!" | "not", [inner]) => presence(context, inner, !set, scope, found),
            ("&&" | "and" | "||" | "or", items) => {
                for item in items {
                    presence(context, item, set, scope, found);
                }
            }
            ("==" | "===" | "is" | "eq", [first, second]) => {
                let subject = if nothing(first) { second } else { first };
                if nothing(first) || nothing(second) {
                    presence(context, subject, !set, scope, found);
                }
            }
            ("!=" | "!==" | "is not" | "ne", [first, second]) => {
                let subject = if nothing(first) { second } else { first };
                if nothing(first) || nothing(second) {
                    presence(context, subject, set, scope, found);
                }
            }
            _ => (),
        },
        Expr::Call(at) => {
            let empty = context.module.calls.get(*at).and_then(|call| method(&call.callee)).is_some_and(|name| {
                matches!(
                    name,
                    "isEmpty" | "is_empty" | "empty?" | "blank?" | "IsNullOrEmpty" | "isBlank" | "nil?" | "empty"
                )
            });
            if let Some(name) = secret_named(context, value, scope) {
                found.push((name, set != empty));
            }
        }
        value => found.extend(secret_named(context, value, scope).map(|name| (name, set))),
    }
}

fn secret_named(context: Context<'_>, value: &Expr, scope: ScopeId) -> Option<String> {
    if let Some((name, _)) = values::environment(context, value, scope) {
        return Some(name).filter(|name| is_secret(name));
    }
    let name = last_name(context, value).filter(|name| is_secret(name))?;
    // `process.env.X` behind a variable of its own name is the variable of the environment.
    Some(name)
}

/// By its name: `CLAY_WEBHOOK_SECRET`, `signingKey`, `webhook_auth`.
fn is_secret(name: &str) -> bool {
    let lower = name.trim_end_matches("()").to_ascii_lowercase();
    is_secret_name(name) || lower.contains("signing") || lower.ends_with("_auth")
}

fn nothing(value: &Expr) -> bool {
    match value {
        Expr::Null => true,
        Expr::Text(text) => text.is_empty(),
        Expr::Number(text) => text == "0",
        Expr::Name(name) => matches!(name.as_str(), "undefined" | "None" | "nil" | "null"),
        _ => false,
    }
}

/// A literal is no secret, and nothing that a secret is compared with.
fn plain(value: &Expr) -> bool {
    matches!(value, Expr::Null | Expr::Bool(_) | Expr::Number(_) | Expr::Text(_)) || nothing(value)
}

/// One side at least is named like a secret, a signature, or what is expected of one.
fn named_so(context: Context<'_>, value: &Expr) -> bool {
    let name = last_name(context, value).unwrap_or_default().to_ascii_lowercase();
    ["secret", "token", "sig", "mac", "hash", "digest", "expected", "auth", "key"]
        .iter()
        .any(|word| name.contains(word))
        || matches!(value, Expr::Call(_))
}

/// `ErrUnauthorized`, `errors.New(…)`, `fmt.Errorf(…)`.
fn is_error(module: &Module, value: &Expr) -> bool {
    let named = |name: &str| name.rsplit('.').next().is_some_and(|last| last.to_ascii_lowercase().starts_with("err"));
    match value {
        Expr::Name(name) => named(name),
        Expr::Call(at) => module.calls.get(*at).is_some_and(|call| match &call.callee {
            Expr::Name(path) => named(path) || path.starts_with("errors.") || path == "Err",
            _ => false,
        }),
        _ => false,
    }
}
