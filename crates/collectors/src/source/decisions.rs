//! What the branches of a program look at: the status of an answer, a word for an outcome.

use gonogo_domain::{
    answers,
    evidence::{AgeBranch, Decisions, Role, StatusBranch, WordBranch},
};
use gonogo_source::{Expr, ScopeId, ScopeKind};
use hashbrown::HashSet;

use super::{
    facts::{Linker, method},
    program::FileId,
    values::{self, Context},
    variables::written,
};

/// Statuses with both ends, the name of the list that they stand in; or a word.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Seen {
    Statuses(u16, u16, Option<String>),
    Word(String),
    Age,
}

/// The operators that compare for being the same.
const SAME: &[&str] = &["==", "===", "is", "eq"];
const OTHER: &[&str] = &["!=", "!==", "<>", "is not", "ne"];
/// Calls that tell the time, or the time since.
const CLOCKS: &[&str] = &[
    "now",
    "Now",
    "time",
    "monotonic",
    "perf_counter",
    "utcnow",
    "Since",
    "currentTimeMillis",
    "nanoTime",
    "elapsed",
    "microtime",
    "hrtime",
];
/// Calls that ask whether a list holds something.
const HOLDS: &[&str] = &["includes", "include?", "contains", "Contains", "has", "indexOf", "in_array"];

impl Linker<'_> {
    pub(super) fn decisions(&self, file: FileId) -> Decisions {
        let mut decisions = Decisions::default();
        let Some(context) = self.context(file) else { return decisions };
        let role = self.program.files.get(file).map_or(Role::Product, |unit| unit.role);
        let mut look = Look { context, found: Vec::new() };
        if role == Role::Test {
            look.mentions();
        } else if role.counts() {
            look.branches();
        }
        // The same is written often on one line, above all in tables of tests.
        let mut told = HashSet::new();
        for (seen, scope, line) in look.found {
            let Some(function) = self.function_at(file, scope) else { continue };
            if !told.insert((seen.clone(), line, function)) {
                continue;
            }
            let place = self.place(file, line);
            match seen {
                Seen::Statuses(low, high, named) => {
                    let one = StatusBranch { low, high, named, place, role, function };
                    let all = if role == Role::Test { &mut decisions.in_tests } else { &mut decisions.statuses };
                    all.push(one);
                }
                Seen::Age => decisions.ages.push(AgeBranch { place, role, function }),
                Seen::Word(word) => {
                    decisions.words.push(WordBranch { word, place, role, function });
                }
            }
        }
        decisions
    }
}

struct Look<'c> {
    context: Context<'c>,
    found: Vec<(Seen, ScopeId, u32)>,
}

impl<'c> Look<'c> {
    fn branches(&mut self) {
        let module = self.context.module;
        for (at, scope) in module.scopes.iter().enumerate() {
            let asks = matches!(scope.kind, ScopeKind::Branch | ScopeKind::Loop);
            if let Some(condition) = scope.condition.as_ref().filter(|_| asks) {
                self.arm(condition, at, scope.spot.line);
                self.expression(condition, at, scope.spot.line, Truth::Asked);
            }
        }
        for (value, scope, line) in written(module) {
            self.expression(value, scope, line, Truth::NotAsked);
        }
        for binding in &module.bindings {
            if let Some(value) = &binding.value {
                let name = binding.name.rsplit('.').next().unwrap_or_default();
                self.list(value, Some(name), binding.scope, binding.spot.line);
            }
        }
        for call in &module.calls {
            if let Some((low, high)) = method(&call.callee).and_then(|name| answers().member(name))
                && on_something(&call.callee)
            {
                self.found.push((Seen::Statuses(low, high, None), call.scope, call.spot.line));
            }
            self.holds(&call.callee, call.arguments.first().map(|one| &one.value), call.scope, call.spot.line);
            for argument in &call.arguments {
                self.list(&argument.value, argument.name.as_deref(), call.scope, call.spot.line);
            }
        }
    }

    /// Every status that a test writes down.
    fn mentions(&mut self) {
        let module = self.context.module;
        let conditions = module.scopes.iter().enumerate();
        let conditions = conditions.filter_map(|(at, scope)| Some((scope.condition.as_ref()?, at, scope.spot.line)));
        for (value, scope, line) in written(module).chain(conditions) {
            value.walk(&mut |inner| {
                let name = matches!(inner, Expr::Name(_) | Expr::Number(_));
                if let Some(status) = self.status(inner, scope).filter(|_| name) {
                    self.found.push((Seen::Statuses(status, status, None), scope, line));
                }
            });
        }
    }

    /// The value of a `case`, one or several.
    fn arm(&mut self, value: &'c Expr, scope: ScopeId, line: u32) {
        match value {
            Expr::Number(_) | Expr::Name(_) => {
                if let Some(status) = self.status(value, scope) {
                    self.found.push((Seen::Statuses(status, status, None), scope, line));
                }
            }
            Expr::Text(text) => self.word(text, scope, line),
            Expr::List(items) => {
                for item in items {
                    self.arm(item, scope, line);
                }
            }
            Expr::Operation(operator, items) if operator == "|" || operator == "||" || operator == "," => {
                for item in items {
                    self.arm(item, scope, line);
                }
            }
            Expr::Operation(operator, items) => self.range(operator, items, scope, line),
            _ => (),
        }
    }

    /// `500..=599`, `>= 500` of a `case`.
    fn range(&mut self, operator: &str, items: &'c [Expr], scope: ScopeId, line: u32) {
        let ends: Vec<Option<u16>> = items.iter().map(|item| self.status(item, scope)).collect();
        let found = match (operator, ends.as_slice()) {
            (operator, [Some(low), high]) if operator.starts_with("..") => {
                Some((*low, high.map_or(599, |high| if operator == "..<" { high.saturating_sub(1) } else { high })))
            }
            (operator, [Some(bound)]) => interval(operator, *bound),
            _ => None,
        };
        if let Some((low, high)) = found {
            self.found.push((Seen::Statuses(low, high, None), scope, line));
        }
    }

    fn expression(&mut self, value: &'c Expr, scope: ScopeId, line: u32, truth: Truth) {
        match value {
            Expr::Operation(operator, items) => self.operation(operator, items, scope, line, truth),
            Expr::Name(path) => {
                if let Some((_, last)) = path.rsplit_once('.') {
                    self.member(last, scope, line, truth);
                }
            }
            Expr::Member(_, last) => self.member(last, scope, line, truth),
            Expr::Index(_, key) if truth == Truth::Asked => {
                if let Expr::Text(key) = &**key {
                    self.word(key, scope, line);
                }
            }
            // `item.get("error")`
            Expr::Call(at) if truth == Truth::Asked => {
                if let Some(call) = self.context.module.calls.get(*at)
                    && matches!(method(&call.callee), Some("get" | "fetch" | "dig" | "key?" | "has"))
                    && let Some(Expr::Text(key)) = call.arguments.first().map(|one| &one.value)
                {
                    self.word(key, scope, line);
                }
            }
            Expr::List(items) => {
                for item in items {
                    self.expression(item, scope, line, Truth::NotAsked);
                }
            }
            Expr::Object { fields, .. } => {
                for (_, item) in fields {
                    self.expression(item, scope, line, Truth::NotAsked);
                }
            }
            _ => (),
        }
    }

    fn operation(&mut self, operator: &str, items: &'c [Expr], scope: ScopeId, line: u32, truth: Truth) {
        match (operator, items) {
            ("&&" | "and", [first, second]) => {
                if let Some((low, high)) = self.between(first, second, scope) {
                    self.found.push((Seen::Statuses(low, high, None), scope, line));
                    return;
                }
                for item in items {
                    self.expression(item, scope, line, truth);
                }
            }
            ("||" | "or" | "!" | "not" | "&&" | "and", _) => {
                for item in items {
                    self.expression(item, scope, line, truth);
                }
            }
            ("?", [condition, rest @ ..]) => {
                self.expression(condition, scope, line, Truth::Asked);
                for item in rest {
                    self.expression(item, scope, line, Truth::NotAsked);
                }
            }
            ("in" | "not in", [subject, Expr::List(all)]) => self.one_of(subject, all, scope, line),
            // `400 <= status < 500`
            ("<=" | "<", [low, subject, high]) if is_status(self.context, subject) => {
                if let (Some(low), Some(high)) = (self.status(low, scope), self.number(high, scope)) {
                    let high = if high.is_multiple_of(100) { high - 1 } else { high };
                    self.found.push((Seen::Statuses(low, high.min(599), None), scope, line));
                }
            }
            (_, [first, second]) => {
                if matches!(operator, "<" | ">" | "<=" | ">=")
                    && (self.clock(first, scope) || self.clock(second, scope))
                {
                    self.found.push((Seen::Age, scope, line));
                }
                if let Some((low, high)) = self.comparison(operator, first, second, scope) {
                    self.found.push((Seen::Statuses(low, high, None), scope, line));
                }
                if SAME.contains(&operator) || OTHER.contains(&operator) {
                    for side in [first, second] {
                        if let Expr::Text(text) = side {
                            self.word(text, scope, line);
                        }
                    }
                }
                for item in items {
                    self.expression(item, scope, line, Truth::NotAsked);
                }
            }
            _ => {
                for item in items {
                    self.expression(item, scope, line, Truth::NotAsked);
                }
            }
        }
    }

    /// What the clock says, or a name for it: `Date.now() - began`, `time.Since(at)`, `now`.
    fn clock(&self, value: &Expr, scope: ScopeId) -> bool {
        let mut found = false;
        let called = |at: usize| {
            let call = self.context.module.calls.get(at);
            call.and_then(|call| method(&call.callee)).is_some_and(|name| CLOCKS.contains(&name))
        };
        value.walk(&mut |inner| {
            found |= match inner {
                Expr::Call(at) => called(*at),
                Expr::Name(name) => {
                    matches!(self.context.names.value(name, scope), Some((Expr::Call(at), _)) if called(*at))
                }
                _ => false,
            };
        });
        found
    }

    fn member(&mut self, last: &str, scope: ScopeId, line: u32, truth: Truth) {
        if let Some((low, high)) = answers().member(last) {
            self.found.push((Seen::Statuses(low, high, None), scope, line));
        }
        if truth == Truth::Asked {
            self.word(last, scope, line);
        }
    }

    fn word(&mut self, text: &str, scope: ScopeId, line: u32) {
        if let Some(word) = answers().outcome(text) {
            self.found.push((Seen::Word(word.to_owned()), scope, line));
        }
    }

    /// `status in (401, 403)`, `item.status in ("failed", "error")`.
    fn one_of(&mut self, subject: &Expr, all: &'c [Expr], scope: ScopeId, line: u32) {
        let statuses = is_status(self.context, subject);
        for item in all {
            match item {
                Expr::Text(text) => self.word(text, scope, line),
                item if statuses => {
                    if let Some(status) = self.status(item, scope) {
                        self.found.push((Seen::Statuses(status, status, None), scope, line));
                    }
                }
                _ => (),
            }
        }
    }

    /// `[401, 403].includes(response.status)`
    fn holds(&mut self, callee: &'c Expr, subject: Option<&Expr>, scope: ScopeId, line: u32) {
        if let (Expr::Member(of, name), Some(subject)) = (callee, subject)
            && HOLDS.contains(&name.as_str())
            && let Expr::List(all) = &**of
        {
            self.one_of(subject, all, scope, line);
        }
    }

    /// A list or a map of statuses that goes by a name.
    fn list(&mut self, value: &'c Expr, named: Option<&str>, scope: ScopeId, line: u32) {
        match value {
            Expr::List(items) => {
                let statuses: Vec<Option<u16>> = items.iter().map(|item| self.status(item, scope)).collect();
                self.all_of(&statuses, named, scope, line);
            }
            Expr::Object { fields, .. } => {
                let keys: Vec<Option<u16>> = fields.iter().map(|(key, _)| status_named(key)).collect();
                if keys.iter().any(Option::is_none) {
                    for (key, inner) in fields {
                        self.list(inner, Some(key), scope, line);
                    }
                } else {
                    self.all_of(&keys, named, scope, line);
                }
            }
            // `new Set([429, 500])`, `frozenset({429, 500})`
            Expr::Call(at) => {
                let made = self.context.module.calls.get(*at);
                if let Some(call) = made
                    && let Some(first) = call.arguments.first()
                    && method(&call.callee)
                        .is_some_and(|name| matches!(name, "Set" | "set" | "frozenset" | "Map" | "of" | "freeze"))
                    && !matches!(first.value, Expr::Call(_))
                {
                    self.list(&first.value, named, scope, line);
                }
            }
            _ => (),
        }
    }

    fn all_of(&mut self, statuses: &[Option<u16>], named: Option<&str>, scope: ScopeId, line: u32) {
        if statuses.iter().any(Option::is_none) {
            return;
        }
        for status in statuses.iter().flatten() {
            self.found.push((Seen::Statuses(*status, *status, named.map(str::to_owned)), scope, line));
        }
    }

    /// `status >= 400 && status < 500`
    fn between(&self, first: &Expr, second: &Expr, scope: ScopeId) -> Option<(u16, u16)> {
        let bound = |value: &Expr| -> Option<(bool, u16)> {
            let Expr::Operation(operator, items) = value else { return None };
            let [subject, number] = items.as_slice() else { return None };
            let number = self.number(number, scope).filter(|_| is_status(self.context, subject))?;
            match operator.as_str() {
                ">=" => Some((true, number)),
                ">" => Some((true, number + 1)),
                "<" => Some((false, number.saturating_sub(1))),
                "<=" => Some((false, number)),
                _ => None,
            }
        };
        match (bound(first)?, bound(second)?) {
            ((true, low), (false, high)) | ((false, high), (true, low)) if low <= high => Some((low, high)),
            _ => None,
        }
    }

    fn comparison(&self, operator: &str, first: &Expr, second: &Expr, scope: ScopeId) -> Option<(u16, u16)> {
        let hundreds = |value: &Expr| match value {
            Expr::Operation(operator, items) => {
                matches!(operator.as_str(), "/" | "//") && items.first().is_some_and(|one| is_status(self.context, one))
            }
            Expr::Call(at) => self.context.module.calls.get(*at).is_some_and(|call| {
                matches!(call.arguments.first().map(|one| &one.value), Some(Expr::Operation(operator, items))
                    if operator == "/" && items.first().is_some_and(|one| is_status(self.context, one)))
            }),
            _ => false,
        };
        if hundreds(first)
            && let Expr::Number(text) = second
        {
            let class: u16 = text.parse().ok().filter(|class| (1..=5).contains(class))?;
            return match operator {
                operator if SAME.contains(&operator) => Some((class * 100, class * 100 + 99)),
                operator if OTHER.contains(&operator) => Some((400, 599)),
                ">=" | ">" => Some((class * 100, 599)),
                _ => None,
            };
        }
        if is_status(self.context, first)
            && let Some(status) = self.status(second, scope)
        {
            return interval(operator, status);
        }
        if is_status(self.context, second)
            && let Some(status) = self.status(first, scope)
        {
            let turned = match operator {
                "<" => ">",
                "<=" => ">=",
                ">" => "<",
                ">=" => "<=",
                same => same,
            };
            return interval(turned, status);
        }
        None
    }

    fn status(&self, value: &Expr, scope: ScopeId) -> Option<u16> {
        self.number(value, scope).filter(|number| (100..=599).contains(number))
    }

    fn number(&self, value: &Expr, scope: ScopeId) -> Option<u16> {
        match value {
            Expr::Number(text) | Expr::Text(text) => text.parse().ok(),
            Expr::Name(path) => status_named(path).or_else(|| {
                // Most names are no constants.
                self.context.names.value(path, scope)?;
                let number = values::setting(self.context, value, scope, None, 1).value.number()?;
                format!("{number}").parse().ok()
            }),
            _ => None,
        }
    }
}

/// Whether a value stands where it is asked for its truth.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Truth {
    Asked,
    NotAsked,
}

fn status_named(name: &str) -> Option<u16> {
    name.parse().ok().filter(|number| (100..=599).contains(number)).or_else(|| answers().status(name))
}

/// The statuses that a comparison tells from the rest; for those that it lets through, the others.
fn interval(operator: &str, bound: u16) -> Option<(u16, u16)> {
    match operator {
        _ if SAME.contains(&operator) => Some((bound, bound)),
        _ if OTHER.contains(&operator) => Some(if bound < 300 && bound != 202 { (400, 599) } else { (bound, bound) }),
        ">=" | "<" => Some((if bound < 400 && operator == "<" { 400 } else { bound }, 599)),
        ">" | "<=" => Some((if bound < 399 && operator == "<=" { 400 } else { bound + 1 }, 599)),
        _ => None,
    }
}

/// By its name: `response.status_code`, `resp.StatusCode`, `error.code`, `res.status()`.
fn is_status(context: Context<'_>, value: &Expr) -> bool {
    let called = |name: &str| {
        let lower = name.to_ascii_lowercase();
        lower.contains("status") || lower.contains("code")
    };
    match value {
        Expr::Name(path) => called(path.rsplit('.').next().unwrap_or(path)),
        Expr::Member(_, name) => called(name),
        Expr::Index(_, key) => matches!(&**key, Expr::Text(key) if called(key)),
        Expr::Call(at) => context.module.calls.get(*at).is_some_and(|call| {
            let converted = || match call.arguments.first().map(|one| &one.value) {
                Some(Expr::Name(path)) => called(path.rsplit('.').next().unwrap_or(path)),
                _ => false,
            };
            method(&call.callee).is_some_and(called) || converted()
        }),
        _ => false,
    }
}

/// A method is called on a value: `response.raise_for_status()`.
fn on_something(callee: &Expr) -> bool {
    match callee {
        Expr::Name(path) => path.contains('.'),
        Expr::Member(..) => true,
        _ => false,
    }
}
