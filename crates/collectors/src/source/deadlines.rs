//! The deadline that a call carries in one of its arguments: a context, a signal, a request that was made with one.
//!
//! `client.Do(req)` runs as long as the context of `req` allows; that context was handed down from who knows where.
//! The trail is followed backwards: to what was bound last, through what was made with it, through the parameters of
//! functions to all of their callers. The worst of all ways decides.

use std::collections::BTreeSet;

use gonogo_domain::{
    Place,
    evidence::{FunctionId, Meaning, Setting, SettingValue, UseId},
};
use gonogo_source::{Call, CallRole, Expr, ScopeId, ScopeKind};
use hashbrown::HashSet;
use rayon::prelude::*;

use super::{
    facts::Linker,
    program::FileId,
    touched::{touch_all, touching},
    values::Context,
};

/// Where a trail leads.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Trail {
    /// A deadline of this many milliseconds; none where its length was not followed.
    Deadline(Option<f64>, Place),
    /// The context of the request that is being answered.
    Request,
    /// Nothing ends it.
    Endless,
    /// It was not followed further than this.
    Lost(Place),
    /// It leads back to where it came from: no way of its own.
    Round,
}

/// How many steps one trail may take, over all callers.
const STEPS: usize = 400;

/// Calls through an interface may reach this many methods of a name.
const CANDIDATES: usize = 24;

/// One walk: what it may still spend, and the parameters that it stands in.
struct Walk<'s> {
    steps: usize,
    /// What bounds every request.
    requests: Option<&'s Setting>,
    /// The files of other programs: what they call says nothing of this one.
    left_out: &'s BTreeSet<FileId>,
    inside: HashSet<(FunctionId, usize)>,
}

impl Linker<'_> {
    /// What `@deadline` slots of the tables ask for, in the program without some of the files. All calls must be known.
    pub(super) fn deadlines(&self, left_out: &BTreeSet<FileId>) -> Vec<(UseId, Setting)> {
        let requests = self.request_deadline(left_out);
        let asked = self.asked.par_iter().filter(|(id, file, ..)| {
            let known = self.code.uses.get(*id).and_then(|one| one.settings.get("timeout"));
            !left_out.contains(file) && known.is_none_or(|setting| setting.value == SettingValue::NotFollowed)
        });
        let found = |(id, file, at, slots): &(UseId, FileId, usize, Vec<String>)| {
            let call = self.program.files.get(*file)?.module.calls.get(*at)?;
            let mut settings = slots.iter().filter_map(|slot| {
                let value = self.argument(*file, call, slot)?;
                let mut walk = Walk { steps: STEPS, requests: requests.as_ref(), left_out, inside: HashSet::new() };
                let set = |value: SettingValue, place: Place| Some(Setting { value, place });
                match self.trail(*file, value, call.scope, call.spot.start, &mut walk) {
                    Trail::Deadline(length, place) => {
                        // There is one, whatever its length.
                        set(length.map_or(SettingValue::Flag(true), SettingValue::Duration), place)
                    }
                    Trail::Lost(place) => set(SettingValue::NotFollowed, place),
                    Trail::Round => set(SettingValue::NotFollowed, self.place(*file, call.spot.line)),
                    Trail::Request | Trail::Endless => None,
                }
            });
            Some((*id, settings.next()?))
        };
        let all: Vec<_> = asked.map(|one| touching(|| found(one))).collect();
        all.into_iter()
            .filter_map(|(found, asked)| {
                touch_all(&asked);
                found
            })
            .collect()
    }

    /// The deadline that every request gets, where there is one: a middleware around all handlers, of a library or one
    /// that hands the request on with a context of its own.
    fn request_deadline(&self, left_out: &BTreeSet<FileId>) -> Option<Setting> {
        let here = |function: FunctionId| self.scope_of(function).is_some_and(|(file, _)| !left_out.contains(&file));
        let mut all = self
            .used()
            .map(|(_, one)| one)
            .filter(|one| one.role.counts() && one.meaning == Meaning::Deadline && here(one.function));
        let one = all.find(|one| {
            one.defaults.get("covers").map(String::as_str) == Some("requests") || self.hands_on(one.function)
        })?;
        Some(
            one.settings
                .get("timeout")
                .filter(|setting| setting.value.milliseconds().is_some())
                .cloned()
                .unwrap_or_else(|| Setting { value: SettingValue::Flag(true), place: one.place.clone() }),
        )
    }

    /// `next.ServeHTTP(w, r.WithContext(ctx))`
    fn hands_on(&self, function: FunctionId) -> bool {
        let Some((file, scope)) = self.scope_of(function) else { return false };
        let Some(unit) = self.program.files.get(file) else { return false };
        unit.module.calls.iter().any(|call| {
            call.callee.name().is_some_and(|path| path.ends_with(".ServeHTTP"))
                && call.arguments.len() == 2
                && unit.module.function(call.scope) == Some(scope)
        })
    }

    fn request(walk: &Walk<'_>) -> Trail {
        walk.requests
            .map_or(Trail::Request, |setting| Trail::Deadline(setting.value.milliseconds(), setting.place.clone()))
    }

    /// `0`, `1.signal`, `~WithContext`: what stands in a slot.
    fn argument<'c>(&'c self, file: FileId, call: &'c Call, slot: &str) -> Option<&'c Expr> {
        if let Some(method) = slot.strip_prefix('~') {
            let module = &self.program.files.get(file)?.module;
            let mut inner = call;
            for _ in 0..40 {
                match &inner.callee {
                    Expr::Member(_, name) if name == method && !std::ptr::eq(inner, call) => {
                        return inner.arguments.first().map(|one| &one.value);
                    }
                    Expr::Name(path) if path.rsplit('.').next() == Some(method) && !std::ptr::eq(inner, call) => {
                        return inner.arguments.first().map(|one| &one.value);
                    }
                    _ => (),
                }
                let Expr::Member(of, _) = &inner.callee else { return None };
                let Expr::Call(before) = **of else { return None };
                inner = module.calls.get(before)?;
            }
            return None;
        }
        let (position, field) = slot.split_once('.').map_or((slot, None), |(position, field)| (position, Some(field)));
        let mut plain = call.arguments.iter().filter(|one| one.name.is_none());
        let value = &plain.nth(position.parse().ok()?)?.value;
        match field {
            Some(field) => value.field(field),
            None => Some(value),
        }
    }

    fn trail(&self, file: FileId, value: &Expr, scope: ScopeId, before: u32, walk: &mut Walk<'_>) -> Trail {
        let lost = |line: u32| Trail::Lost(self.place(file, line));
        let Some(unit) = self.program.files.get(file) else { return Trail::Endless };
        let line = || unit.module.scopes.get(scope).map_or(1, |scope| scope.spot.line);
        let Some(steps) = walk.steps.checked_sub(1) else { return lost(line()) };
        walk.steps = steps;
        match value {
            Expr::Null => Trail::Endless,
            Expr::Name(path) => self.name_trail(file, path, scope, before, walk),
            Expr::Call(at) => {
                let Some(call) = unit.module.calls.get(*at) else { return Trail::Endless };
                self.call_trail(file, *at, call, walk)
            }
            Expr::Member(of, _) => self.trail(file, of, scope, before, walk),
            Expr::List(items) | Expr::Operation(_, items) => {
                // `AbortSignal.any([a, b])`: the first that ends it.
                let all: Vec<Trail> = items.iter().map(|item| self.trail(file, item, scope, before, walk)).collect();
                let deadline = all.iter().find(|one| matches!(one, Trail::Deadline(..)));
                deadline.or_else(|| all.last()).cloned().unwrap_or(Trail::Endless)
            }
            _ => lost(line()),
        }
    }

    fn name_trail(&self, file: FileId, path: &str, scope: ScopeId, before: u32, walk: &mut Walk<'_>) -> Trail {
        let Some(Context { module, names, .. }) = self.context(file) else { return Trail::Endless };
        let mut function = None;
        for (at, around) in module.around(scope) {
            let bound = names
                .bindings(path)
                .filter(|one| one.scope == at && one.spot.start < before)
                .max_by_key(|one| one.spot.start);
            if let Some(binding) = bound
                && let Some(value) = &binding.value
            {
                return self.trail(file, value, binding.scope, binding.spot.start, walk);
            }
            if around.kind == ScopeKind::Function {
                function.get_or_insert(at);
                if let Some(nth) = around.parameters.iter().position(|parameter| parameter.name == path) {
                    return self.parameter_trail(file, at, nth, walk);
                }
            }
        }
        // `controller.signal` of a controller that a timer aborts.
        if let Some(controller) = path.strip_suffix(".signal")
            && let Some(trail) = self.timer_trail(file, controller, function.unwrap_or(0))
        {
            return trail;
        }
        Trail::Lost(self.place(file, module.scopes.get(function.unwrap_or(0)).map_or(1, |one| one.spot.line)))
    }

    /// `setTimeout(() => controller.abort(), 5000)`.
    fn timer_trail(&self, file: FileId, controller: &str, function: ScopeId) -> Option<Trail> {
        let module = &self.program.files.get(file)?.module;
        let abort = format!("{controller}.abort");
        let timer = module.calls.iter().find(|call| {
            call.callee.name() == Some("setTimeout")
                && module.within(call.scope, function)
                && call.arguments.first().is_some_and(|first| match &first.value {
                    Expr::Function(inner) => module
                        .calls
                        .iter()
                        .any(|one| one.callee.name() == Some(abort.as_str()) && module.within(one.scope, *inner)),
                    Expr::Name(name) => *name == abort,
                    _ => false,
                })
        })?;
        let context = self.context(file)?;
        let length = timer.arguments.get(1).and_then(|length| {
            super::values::setting(context, &length.value, timer.scope, Some("ms"), timer.spot.line)
                .value
                .milliseconds()
        });
        Some(Trail::Deadline(length, self.place(file, timer.spot.line)))
    }

    fn call_trail(&self, file: FileId, at: usize, call: &Call, walk: &mut Walk<'_>) -> Trail {
        let Some(context) = self.context(file) else { return Trail::Endless };
        let place = self.place(file, call.spot.line);
        if let Some(one) = self.uses.get(&(file, at)).and_then(|id| self.code.uses.get(*id))
            && one.meaning == Meaning::Deadline
        {
            let length = one.settings.get("timeout").and_then(|setting| setting.value.milliseconds());
            return Trail::Deadline(length, place);
        }
        let symbols = context.names.symbols(&call.callee, call.scope);
        let symbol = symbols.first().map(String::as_str).unwrap_or_default();
        let last = symbol.rsplit('.').next().unwrap_or_default();
        if matches!(last, "Background" | "TODO") || last == "NewRequest" {
            return Trail::Endless;
        }
        // `r.Context()`, `c.UserContext()`: somebody outside asked.
        if call.arguments.is_empty() && last.to_ascii_lowercase().ends_with("context") {
            return Self::request(walk);
        }
        // A function of the program: what it gives back.
        if let Some(function) = self.function_named(file, symbol)
            && let Some((inner, scope)) = self.scope_of(function)
            && let Some(module) = self.program.files.get(inner).map(|unit| &unit.module)
            && let Some(returned) = module.returns.iter().find(|one| module.function(one.scope) == Some(scope))
        {
            let value = match &returned.value {
                Expr::List(items) => items.first().unwrap_or(&Expr::Null),
                value => value,
            };
            return self.trail(inner, value, returned.scope, returned.spot.start, walk);
        }
        // What is made with a context has its deadline.
        match call.arguments.first() {
            Some(first) if !matches!(first.value, Expr::Text(_) | Expr::Number(_)) => {
                self.trail(file, &first.value, call.scope, call.spot.start, walk)
            }
            _ => Trail::Lost(place),
        }
    }

    fn parameter_trail(&self, file: FileId, scope: ScopeId, nth: usize, walk: &mut Walk<'_>) -> Trail {
        let Some(function) = self.functions.get(&(file, scope)).copied() else { return Trail::Endless };
        let Some(unit) = self.program.files.get(file) else { return Trail::Endless };
        // A function that calls itself brings nothing new.
        if !walk.inside.insert((function, nth)) {
            return Trail::Round;
        }
        let Some(declared) = unit.module.scopes.get(scope) else { return Trail::Endless };
        let here = self.place(file, declared.spot.line);
        let here_too = |site: &&(FileId, usize)| !walk.left_out.contains(&site.0);
        let sites = self.sites.get(&function).into_iter().flatten();
        let mut sites: Vec<(FileId, usize)> = sites.filter(here_too).copied().collect();
        if sites.is_empty() && !declared.name.is_empty() {
            // Through an interface: calls of a method of this name whose object was not followed to a class.
            let open = self.open_calls.get(declared.name.as_str()).into_iter().flatten();
            let fits = |(file, at): &&(FileId, usize)| {
                let call = self.program.files.get(*file).and_then(|unit| unit.module.calls.get(*at));
                call.is_some_and(|call| call.arguments.len() == declared.parameters.len())
            };
            sites = open.filter(here_too).filter(fits).take(CANDIDATES).copied().collect();
        }
        let trail = if sites.is_empty() {
            match unit
                .module
                .calls
                .iter()
                .enumerate()
                .find(|(_, call)| call.arguments.iter().any(|one| one.value == Expr::Function(scope)))
            {
                // A lambda that is handed to something that got a context runs under that context.
                Some((at, call)) if !self.callees.contains_key(&(file, at)) => self.call_trail(file, at, call, walk),
                // `inTransaction(ctx, func(ctx context.Context) error { … })` of the program's own gives on what it got.
                Some((_, call)) => match call.arguments.iter().find(|one| one.value != Expr::Function(scope)) {
                    Some(given) => self.trail(file, &given.value, call.scope, call.spot.start, walk),
                    None => Trail::Lost(here),
                },
                // Nobody in the program calls it: who asks from outside decides, and may wait for ever.
                None if self.is_handed_on(function) || !declared.types.is_empty() => Self::request(walk),
                None => Trail::Lost(here),
            }
        } else {
            let mut worst = None;
            for (file, at) in sites {
                let Some(call) = self.program.files.get(file).and_then(|unit| unit.module.calls.get(at)) else {
                    continue;
                };
                // Tests give what they like.
                if self.program.files.get(file).is_none_or(|unit| !unit.role.counts()) {
                    continue;
                }
                let trail = match call.arguments.get(nth) {
                    Some(argument) => self.trail(file, &argument.value, call.scope, call.spot.start, walk),
                    None => Trail::Lost(self.place(file, call.spot.line)),
                };
                worst = Some(match worst {
                    None => trail,
                    Some(known) => worse(known, trail),
                });
            }
            worst.unwrap_or(Trail::Lost(here))
        };
        walk.inside.remove(&(function, nth));
        trail
    }

    /// Somebody in the program is given the function as a value.
    fn is_handed_on(&self, function: FunctionId) -> bool {
        self.handed.get(&function).is_some_and(|files| files.iter().any(|file| self.has(*file)))
    }

    /// The file and the scope of a function.
    fn scope_of(&self, function: FunctionId) -> Option<(FileId, ScopeId)> {
        self.scopes.get(function).copied()
    }

    /// Remembers who calls what, for the trails.
    pub(super) fn site(&mut self, callee: Option<FunctionId>, open: Option<String>, call: (FileId, usize)) {
        let tables = self.tables_mut();
        match (callee, open) {
            (Some(callee), _) => tables.sites.entry(callee).or_default().push(call),
            (None, Some(method)) => tables.open_calls.entry(method).or_default().push(call),
            (None, None) => (),
        }
    }
}

/// The name of the method that is called, where a class may have it.
pub(super) fn open(call: &Call) -> Option<&str> {
    match &call.callee {
        _ if call.role == CallRole::Annotation => None,
        Expr::Name(path) => path.rsplit_once('.').map(|(_, method)| method),
        Expr::Member(_, method) => Some(method),
        _ => None,
    }
}

/// Of two ways to the same parameter: what has no end is worse than what was lost, and that than any deadline.
fn worse(one: Trail, other: Trail) -> Trail {
    let rank = |trail: &Trail| -> i8 {
        match trail {
            Trail::Endless => 3,
            Trail::Request => 2,
            Trail::Lost(_) => 1,
            Trail::Deadline(..) => 0,
            Trail::Round => -1,
        }
    };
    match (&one, &other) {
        (Trail::Deadline(first, _), Trail::Deadline(second, _)) => {
            if first.unwrap_or(f64::MAX) >= second.unwrap_or(f64::MAX) { one } else { other }
        }
        _ if rank(&one) >= rank(&other) => one,
        _ => other,
    }
}

/// The slots of a row that ask for a deadline, without their mark.
pub(super) fn asked(row: &gonogo_domain::KnownUse) -> Vec<String> {
    let slots = row.settings.get("timeout").map(|slots| slots.at.as_slice()).unwrap_or_default();
    slots.iter().filter_map(|slot| slot.strip_suffix("@deadline")).map(str::to_owned).collect()
}
