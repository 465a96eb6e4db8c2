//! Variables of the environment as a program handles them: what stands in for one, functions that read one by its name,
//! and what the name of the environment decides.

use std::collections::BTreeSet;

use gonogo_domain::{
    evidence::{Choice, EnvironmentRead, FunctionId, Meaning, SettingValue},
    known_symbols,
};
use gonogo_source::{Call, CallRole, Expr, Module, ScopeId, ScopeKind};
use hashbrown::HashMap;
use rayon::prelude::*;

use super::{
    facts::{Linker, method},
    program::FileId,
    touched::{Touched, touching},
    values::{self, Context},
};

/// Functions that read a variable may be wrapped by others this often.
const ROUNDS: usize = 3;

impl Linker<'_> {
    /// What holds where the variable is not set: a value, or a branch that goes on without it.
    pub(super) fn stand_in(&self, file: FileId, read: &Expr, scope: ScopeId) -> Option<SettingValue> {
        let context = self.context(file)?;
        let module = context.module;
        let follow = |value: &Expr| values::setting(context, value, scope, None, 1).value;
        let mut found = None;
        // `env::var("PORT").unwrap_or_else(…)`
        for (at, call) in module.calls.iter().enumerate() {
            // `parseEnvNumber(process.env.LIMIT, 6000)`, a function of the program: what stands beside the value is for
            // where there is none.
            if let [value, beside, ..] = call.arguments.as_slice()
                && value.value == *read
                && self.callees.contains_key(&(file, at))
            {
                return Some(follow(&beside.value));
            }
            let Expr::Member(of, name) = &call.callee else { continue };
            let stands_in = name.starts_with("unwrap_or")
                || matches!(name.as_str(), "orElse" | "or_else" | "ok" | "is_ok" | "is_err");
            if **of == *read && stands_in {
                let given = call.arguments.first().map(|argument| follow(&argument.value));
                return Some(given.unwrap_or(SettingValue::NotFollowed));
            }
        }
        expressions(module, &mut |value| {
            let Expr::Operation(operator, items) = value else { return };
            let holds = |item: &Expr| {
                let mut seen = item == read;
                item.walk(&mut |inner| seen |= inner == read);
                seen
            };
            match (operator.as_str(), items.as_slice()) {
                ("||" | "??" | "or" | "?:", [first, second]) if first == read => found = Some(follow(second)),
                ("==" | "!=" | "===" | "!==" | "in" | "not in", items) if items.iter().any(holds) => {
                    found.get_or_insert(SettingValue::NotFollowed);
                }
                ("?", [condition, ..]) if holds(condition) => {
                    found.get_or_insert(SettingValue::NotFollowed);
                }
                _ => (),
            }
        });
        found.or_else(|| self.looked_at(context, file, read, scope).then_some(SettingValue::NotFollowed))
    }

    /// A branch of the same function looks at it, and does not end the program.
    fn looked_at(&self, context: Context<'_>, file: FileId, read: &Expr, scope: ScopeId) -> bool {
        let module = context.module;
        let home = module.function(scope);
        let names: Vec<&str> = module
            .bindings
            .iter()
            .filter(|one| one.value.as_ref() == Some(read) && module.function(one.scope) == home)
            .map(|one| one.name.as_str())
            .collect();
        let branches = module.scopes.iter().enumerate().filter(|(at, branch)| {
            let mut mentions = false;
            if let Some(condition) = branch.condition.as_ref().filter(|_| branch.kind == ScopeKind::Branch) {
                condition.walk(&mut |inner| {
                    mentions |= inner == read || inner.name().is_some_and(|name| names.contains(&name));
                });
            }
            mentions && module.function(*at) == home
        });
        let branches: Vec<usize> = branches.map(|(at, _)| at).collect();
        let ends = |branch: usize| {
            module.calls.iter().enumerate().filter(|(_, call)| module.within(call.scope, branch)).any(|(at, call)| {
                let exits = self.uses.get(&(file, at)).and_then(|id| self.code.uses.get(*id));
                let name = method(&call.callee).unwrap_or_default().to_ascii_lowercase();
                call.role == CallRole::Throw
                    || exits.is_some_and(|one| one.meaning == Meaning::Exit)
                    || ["panic", "fatal", "exit", "abort"].iter().any(|word| name.contains(word))
            })
        };
        !branches.is_empty() && !branches.into_iter().any(ends)
    }

    /// The variable that has to be set before the program comes to this place: of the branches around it, or around
    /// every call of its function.
    fn switch(&self, file: FileId, scope: ScopeId, own: &str, rounds: usize) -> Option<String> {
        let context = self.context(file)?;
        let module = context.module;
        let mut within = module.around(scope).take_while(|(_, one)| one.kind != ScopeKind::Function);
        let around = within.find_map(|(at, one)| {
            let condition = one.condition.as_ref().filter(|_| one.kind == ScopeKind::Branch)?;
            switched_on(context, condition, at).filter(|name| name != own)
        });
        if around.is_some() {
            return around;
        }
        let rounds = rounds.checked_sub(1)?;
        let function = self.functions.get(&(file, module.function(scope)?))?;
        let sites = self.sites.get(function)?;
        let mut found = None;
        for (file, at) in sites.iter().filter(|(file, _)| self.has(*file)) {
            let unit = self.program.files.get(*file)?;
            if !unit.role.counts() {
                continue;
            }
            let call = unit.module.calls.get(*at)?;
            found = Some(self.switch(*file, call.scope, own, rounds)?);
        }
        found
    }

    /// `func env(key, fallback string) string`: each call of it with a name reads that variable.
    pub(super) fn helpers(&mut self, touched: &mut [Touched]) {
        let mut helpers = HashMap::new();
        let by_call = self
            .calls_of
            .iter()
            .filter(|(id, _)| self.code.uses.get(**id).is_some_and(|one| one.meaning == Meaning::EnvironmentRead));
        let mut reading: BTreeSet<FileId> = by_call.map(|(_, (file, _))| *file).collect();
        let units = self.program.files.iter().enumerate();
        reading.extend(units.filter(|(_, unit)| unit.outline.reads_by_key).map(|(file, _)| file));
        let find = |file: FileId| {
            let context = self.context(file)?;
            let module = context.module;
            let calls = module.calls.iter().enumerate().filter(|(at, _)| {
                let used = self.uses.get(&(file, *at)).and_then(|id| self.code.uses.get(*id));
                used.is_some_and(|one| one.meaning == Meaning::EnvironmentRead)
            });
            let by_call = calls.filter_map(|(_, call)| Some((&call.arguments.first()?.value, call.scope)));
            // `process.env[name]`
            let by_key = module.reads.iter().filter_map(|read| match &read.value {
                Expr::Index(of, key) if is_table(context, of, read.scope) => Some((&**key, read.scope)),
                _ => None,
            });
            let keys = by_call.chain(by_key);
            Some(keys.filter_map(|(key, scope)| self.own_parameter(file, module, key, scope)).collect::<Vec<_>>())
        };
        let found: Vec<_> = reading.into_par_iter().map(|file| (file, touching(|| find(file)))).collect();
        for (file, (found, here)) in found {
            if let Some(all) = touched.get_mut(file) {
                all.add(&here);
            }
            for (function, position) in found.into_iter().flatten() {
                helpers.entry(function).or_insert(position);
            }
        }
        for _ in 0..ROUNDS {
            if helpers.is_empty() {
                break;
            }
            let mut found = Vec::new();
            let mut further = HashMap::new();
            let calls = self.callees.iter().filter(|(_, callee)| helpers.contains_key(*callee));
            let calling: BTreeSet<FileId> = calls.map(|((file, _), _)| *file).collect();
            for file in calling {
                let (Some(context), Some(all)) = (self.context(file), touched.get_mut(file)) else { continue };
                for (at, call) in context.module.calls.iter().enumerate() {
                    let callee = self.callees.get(&(file, at));
                    let Some(position) = callee.and_then(|function| helpers.get(function).copied()) else { continue };
                    let Some(key) = call.arguments.get(position).map(|one| &one.value) else { continue };
                    if let Some((function, position)) = self.own_parameter(file, context.module, key, call.scope) {
                        further.insert(function, position);
                        continue;
                    }
                    let read = || self.helped(context, (file, call), key, position);
                    let (read, here) = touching(read);
                    all.add(&here);
                    found.extend(read);
                }
            }
            self.tables_mut().reads.extend(found);
            helpers = further;
        }
    }

    /// What a call of a helper reads.
    fn helped(
        &self,
        context: Context<'_>,
        (file, call): (FileId, &Call),
        key: &Expr,
        position: usize,
    ) -> Option<(FileId, ScopeId, EnvironmentRead)> {
        let value = |one: &Expr| values::setting(context, one, call.scope, None, call.spot.line).value;
        let SettingValue::Text(name) = value(key) else { return None };
        // What stands beside the name stands in for it, wherever it comes from.
        let beside = || call.arguments.iter().skip(position + 1).map(|one| value(&one.value));
        let default = beside().find(|value| *value != SettingValue::NotFollowed).or_else(|| beside().next());
        self.environment_read(file, name, default, call.scope, call.spot.line)
    }

    /// What the program reads of its environment, and behind what.
    pub(super) fn environment(&mut self) {
        let defined = self.defined_when_built();
        let here = self.reads.iter().filter(|(file, ..)| self.has(*file));
        let here = here.filter(|(_, _, read)| !defined.contains(read.name.as_str()));
        let mut reads: Vec<EnvironmentRead> = here
            .map(|(file, scope, read)| EnvironmentRead {
                behind: self.switch(*file, *scope, &read.name, ROUNDS),
                ..read.clone()
            })
            .collect();
        reads.sort_by(|one, other| one.place.cmp(&other.place).then_with(|| one.name.cmp(&other.name)));
        reads.dedup();
        self.code.environment = reads;
    }

    /// The function that takes this as its parameter, and which of its parameters it is.
    fn own_parameter(&self, file: FileId, module: &Module, key: &Expr, scope: ScopeId) -> Option<(FunctionId, usize)> {
        let name = key.name()?;
        let at = module.function(scope)?;
        let position = module.scopes.get(at)?.parameters.iter().position(|one| one.name == name)?;
        Some((*self.functions.get(&(file, at))?, position))
    }

    /// Addresses in the branches that the name of the environment decides about.
    pub(super) fn choices(&self, file: FileId) -> Vec<Choice> {
        let Some(context) = self.context(file) else { return Vec::new() };
        let module = context.module;
        let Some(role) = self.program.files.get(file).map(|unit| unit.role).filter(|role| role.counts()) else {
            return Vec::new();
        };
        let mut found = Vec::new();
        for literal in module.literals.iter().filter(|one| is_address(&one.text)) {
            let within = module.around(literal.scope).take_while(|(_, scope)| scope.kind != ScopeKind::Function);
            let variable = within
                .filter(|(_, scope)| scope.kind == ScopeKind::Branch)
                .find_map(|(at, scope)| environment_switch(context, scope.condition.as_ref()?, at));
            found.extend(variable.map(|variable| (variable, literal.text.clone(), literal.spot.line)));
        }
        // `env === "production" ? "https://…" : "https://…"`
        for (value, scope, line) in written(module) {
            value.walk(&mut |inner| {
                if let Expr::Operation(operator, items) = inner
                    && operator == "?"
                    && let Some(condition) = items.first()
                    && let Some(variable) = environment_switch(context, condition, scope)
                {
                    let texts = items.iter().skip(1).filter_map(Expr::text).filter(|text| is_address(text));
                    found.extend(texts.map(|text| (variable.clone(), text.to_owned(), line)));
                }
            });
        }
        found.sort_by(|one, other| (one.2, &one.1).cmp(&(other.2, &other.1)));
        found.dedup();
        let choices = found.into_iter().map(|(variable, text, line)| {
            let place = self.place(file, line);
            Choice { variable, text, place, role }
        });
        choices.collect()
    }
}

/// `${SHOP_URL:default}` of Spring names the variable and what stands in for it.
pub(super) fn placeholder(name: String, default: Option<SettingValue>) -> (String, Option<SettingValue>) {
    // `http://${ORDERS_HOST}/v1` reads it as well.
    let inner = name.split_once("${").and_then(|(_, rest)| rest.split_once('}')).map(|(inner, _)| inner);
    let Some(inner) = inner else { return (name, default) };
    match inner.split_once(':') {
        Some((name, text)) => (name.to_owned(), Some(SettingValue::Text(text.to_owned()))),
        None => (inner.to_owned(), default),
    }
}

/// Words of a module's texts that may be names of variables.
pub(super) fn words(module: &Module) -> BTreeSet<String> {
    let parts = |text: &'_ str| {
        text.split(|letter: char| !(letter.is_ascii_alphanumeric() || letter == '_'))
            .filter(|part| is_variable(part))
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    module.literals.iter().flat_map(|literal| parts(&literal.text)).collect()
}

/// `SHOP_URL`.
fn is_variable(word: &str) -> bool {
    (3..=80).contains(&word.len())
        && word.starts_with(|letter: char| letter.is_ascii_uppercase())
        && word.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_')
}

fn is_address(text: &str) -> bool {
    text.split_once("://").is_some_and(|(scheme, rest)| {
        !rest.is_empty() && (2..=20).contains(&scheme.len()) && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric())
    })
}

/// The variable that a condition asks for the name of the environment.
fn environment_switch(context: Context<'_>, condition: &Expr, scope: ScopeId) -> Option<String> {
    let mut found = None;
    condition.walk(&mut |inner| {
        if found.is_none() && matches!(inner, Expr::Name(_) | Expr::Call(_)) {
            found =
                values::environment(context, inner, scope).map(|(name, _)| name).filter(|name| names_environment(name));
        }
    });
    found
}

/// The variable that a condition wants to be set: `os.Getenv("TRACING") == "1"`, `if (process.env.TRACING)`.
fn switched_on(context: Context<'_>, condition: &Expr, scope: ScopeId) -> Option<String> {
    let named = |value: &Expr| values::environment(context, value, scope).map(|(name, _)| name);
    match condition {
        Expr::Operation(operator, items) => match (operator.as_str(), items.as_slice()) {
            ("==" | "===", [one, other]) => {
                let set = |value: &Expr| match value {
                    Expr::Text(text) => {
                        !matches!(text.to_ascii_lowercase().as_str(), "" | "0" | "false" | "off" | "no")
                    }
                    Expr::Bool(flag) => *flag,
                    Expr::Number(number) => number != "0",
                    _ => false,
                };
                named(one).filter(|_| set(other)).or_else(|| named(other).filter(|_| set(one)))
            }
            ("!=" | "!==", [one, other]) => {
                let empty = |value: &Expr| matches!(value, Expr::Null) || value.text() == Some("");
                named(one).filter(|_| empty(other)).or_else(|| named(other).filter(|_| empty(one)))
            }
            ("&&" | "and", items) => items.iter().find_map(|item| switched_on(context, item, scope)),
            _ => None,
        },
        Expr::Name(_) | Expr::Call(_) => named(condition),
        _ => None,
    }
}

fn names_environment(name: &str) -> bool {
    let last = name.rsplit_once('_').map_or(name, |(_, last)| last);
    matches!(last, "ENV" | "ENVIRONMENT" | "STAGE" | "PROFILE")
}

/// The table of the environment: `process.env`, `os.environ`.
fn is_table(context: Context<'_>, table: &Expr, scope: ScopeId) -> bool {
    let known = known_symbols(context.module.language.word());
    context.names.symbols(table, scope).iter().any(|symbol| {
        let rows = known.rows(&format!("{symbol}.KEY"));
        rows.iter().any(|(_, row)| row.means == Meaning::EnvironmentRead)
    })
}

/// The values that stand in the module, each with its scope and its line.
pub(super) fn written(module: &Module) -> impl Iterator<Item = (&Expr, ScopeId, u32)> {
    let bound = module.bindings.iter().filter_map(|one| Some((one.value.as_ref()?, one.scope, one.spot.line)));
    let given = module
        .calls
        .iter()
        .flat_map(|call| call.arguments.iter().map(move |argument| (&argument.value, call.scope, call.spot.line)));
    let returned = module.returns.iter().map(|one| (&one.value, one.scope, one.spot.line));
    bound.chain(given).chain(returned)
}

fn expressions(module: &Module, visit: &mut dyn FnMut(&Expr)) {
    for (value, _, _) in written(module) {
        value.walk(&mut |inner| visit(inner));
    }
    for condition in module.scopes.iter().filter_map(|scope| scope.condition.as_ref()) {
        condition.walk(&mut |inner| visit(inner));
    }
}
