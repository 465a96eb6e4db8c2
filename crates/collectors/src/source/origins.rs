//! Where values come from: what is given to a hash, a log, an answer.

use std::collections::{BTreeMap, BTreeSet};

use gonogo_domain::{
    evidence::{Meaning, Origin, Use, UseId},
    known_symbols,
};
use gonogo_source::{Expr, ScopeId, ScopeKind};
use rayon::prelude::*;

use super::{
    facts::{Linker, method},
    program::FileId,
    settings,
    touched::{Touched, touching},
    values,
    values::Context,
};

/// How far a value is followed back.
const STEPS: usize = 7;
/// How many places it may come from.
const MOST: usize = 24;
/// A longer text is no name of anything.
const LONGEST: usize = 120;

/// What is asked of every program where it comes from.
const ALWAYS: &[Meaning] = &[Meaning::KeyedHash, Meaning::ConstantTimeCompare, Meaning::ErrorAnswer];
/// What is asked only of those that talk to a vendor whose data is to be kept.
const OF_VENDORS: &[Meaning] =
    &[Meaning::LogCall, Meaning::PrintCall, Meaning::HttpCall, Meaning::Client, Meaning::Retry, Meaning::Spawn];

impl Linker<'_> {
    /// Follows what flows into the uses that checks ask it of.
    pub(super) fn flows(&mut self, with_vendor: bool, touched: &mut [Touched]) {
        let asked = |id: &UseId| {
            let one = self.code.uses.get(*id).filter(|one| one.role.counts())?;
            let wanted = ALWAYS.contains(&one.meaning) || with_vendor && OF_VENDORS.contains(&one.meaning);
            wanted.then_some(one)
        };
        let asked: Vec<_> = self.uses.iter().filter_map(|(place, id)| Some((*place, *id, asked(id)?))).collect();
        let follow = |((file, at), id, one)| (file, id, touching(|| self.flows_of(file, at, one)));
        let found: Vec<_> = asked.into_par_iter().map(follow).collect();
        for (file, id, (into, here)) in found {
            if let Some(all) = touched.get_mut(file) {
                all.add(&here);
            }
            self.code.flows.extend(into.map(|into| (id, into)));
        }
    }

    /// What flows into the call of a use, by its arguments.
    fn flows_of(&self, file: FileId, at: usize, one: &Use) -> Option<BTreeMap<String, Vec<Origin>>> {
        let context = self.context(file)?;
        let call = context.module.calls.get(at)?;
        let mut into = BTreeMap::new();
        let rows = known_symbols(context.module.language.word()).rows(&one.symbol);
        let row = rows.iter().map(|(_, row)| row).find(|row| row.means == one.meaning);
        if one.meaning == Meaning::KeyedHash {
            for (name, slots) in row.iter().flat_map(|row| &row.settings) {
                let value = slots.at.iter().find_map(|slot| settings::slot_of_call(context, at, call, slot));
                if let Some((value, scope)) = value {
                    into.insert(name.clone(), self.origins(file, value, scope));
                }
            }
        } else {
            for (position, argument) in call.arguments.iter().enumerate() {
                let name = argument.name.clone().unwrap_or_else(|| position.to_string());
                match &argument.value {
                    Expr::Object { fields, .. } => {
                        for (field, value) in fields {
                            into.insert(format!("{name}.{field}"), self.origins(file, value, call.scope));
                        }
                    }
                    value => {
                        into.insert(name, self.origins(file, value, call.scope));
                    }
                }
            }
        }
        // What stands in the holes of a text is read there: `f"answered {response.text}"`.
        let template = |one: &gonogo_source::Argument| one.value.text().is_some_and(|text| text.contains("{}"));
        if call.arguments.iter().any(template) {
            let mut found = BTreeSet::new();
            for read in context.module.reads.iter().filter(|read| call.spot.contains(read.spot)) {
                self.follow(file, &read.value, read.scope, STEPS, &mut found);
            }
            into.insert("{}".to_owned(), found.into_iter().collect());
        }
        Some(into)
    }

    pub(super) fn origins(&self, file: FileId, value: &Expr, scope: ScopeId) -> Vec<Origin> {
        let mut found = BTreeSet::new();
        self.follow(file, value, scope, STEPS, &mut found);
        found.into_iter().collect()
    }

    fn follow(&self, file: FileId, value: &Expr, scope: ScopeId, steps: usize, found: &mut BTreeSet<Origin>) {
        let (Some(steps), Some(context)) = (steps.checked_sub(1), self.context(file)) else { return };
        if found.len() >= MOST {
            return;
        }
        match value {
            Expr::Text(text) if text.len() <= LONGEST => {
                found.insert(Origin::Text(text.clone()));
            }
            Expr::Name(path) => self.follow_name(context, file, path, scope, steps, found),
            Expr::Member(of, name) => {
                found.insert(Origin::Name(name.clone()));
                self.follow(file, of, scope, steps, found);
            }
            Expr::Index(of, key) => {
                self.follow(file, of, scope, steps, found);
                self.follow(file, key, scope, steps, found);
            }
            Expr::Operation(_, items) | Expr::List(items) => {
                for item in items {
                    self.follow(file, item, scope, steps, found);
                }
            }
            Expr::Object { fields, .. } => {
                for (_, item) in fields {
                    self.follow(file, item, scope, steps, found);
                }
            }
            Expr::Call(at) => self.follow_call(context, file, *at, scope, steps, found),
            _ => (),
        }
    }

    fn follow_name(
        &self,
        context: Context<'_>,
        file: FileId,
        path: &str,
        scope: ScopeId,
        steps: usize,
        found: &mut BTreeSet<Origin>,
    ) {
        let name = Expr::Name(path.to_owned());
        if let Some((variable, _)) = values::environment(context, &name, scope) {
            found.insert(Origin::Environment(variable));
            return;
        }
        if let Some((bound, scope)) = context.names.value(path, scope) {
            found.insert(Origin::Name(path.to_owned()));
            self.follow(file, bound, scope, steps, found);
            return;
        }
        let head = path.split('.').next().unwrap_or(path);
        if is_parameter(context, head, scope) {
            found.insert(Origin::Parameter(path.to_owned()));
            return;
        }
        found.insert(Origin::Name(path.to_owned()));
        if head != path
            && let Some((bound, scope)) = context.names.value(head, scope)
        {
            self.follow(file, bound, scope, steps, found);
        }
    }

    fn follow_call(
        &self,
        context: Context<'_>,
        file: FileId,
        at: usize,
        scope: ScopeId,
        steps: usize,
        found: &mut BTreeSet<Origin>,
    ) {
        let Some(call) = context.module.calls.get(at) else { return };
        if let Some((variable, _)) = values::environment(context, &Expr::Call(at), call.scope) {
            found.insert(Origin::Environment(variable));
            return;
        }
        let used = self.uses.get(&(file, at)).copied();
        found.extend(used.map(Origin::Use));
        let meaning = used.and_then(|id| self.code.uses.get(id)).map(|one| one.meaning);
        if meaning.is_some_and(|one| one.is_outbound() || one == Meaning::KeyedHash) {
            return;
        }
        match &call.callee {
            Expr::Name(path) => {
                let head = path.split('.').next().unwrap_or(path);
                if is_parameter(context, head, scope) {
                    found.insert(Origin::Parameter(format!("{path}()")));
                } else if let Some((of, last)) = path.rsplit_once('.') {
                    found.insert(Origin::Name(format!("{last}()")));
                    // A library is no place that a value comes from.
                    let library = context.module.imports.iter().any(|import| import.local == head);
                    if used.is_none() && !library {
                        self.follow(file, &Expr::Name(of.to_owned()), call.scope, steps, found);
                    }
                }
            }
            Expr::Member(of, last) => {
                found.insert(Origin::Name(format!("{last}()")));
                self.follow(file, of, call.scope, steps, found);
            }
            _ => (),
        }
        // What a function of the program gives back.
        if used.is_none() {
            let symbols = context.names.symbols(&call.callee, call.scope);
            let callee = symbols.first().and_then(|symbol| self.function_named(file, symbol));
            if let Some((home, inner)) = callee.and_then(|callee| self.scopes.get(callee).copied())
                && let Some(there) = self.context(home)
            {
                for back in there.module.returns.iter().filter(|one| there.module.function(one.scope) == Some(inner)) {
                    self.follow(home, &back.value, back.scope, steps, found);
                }
            }
        }
        for argument in &call.arguments {
            self.follow(file, &argument.value, call.scope, steps, found);
        }
    }
}

fn is_parameter(context: Context<'_>, head: &str, scope: ScopeId) -> bool {
    let functions = context.module.around(scope).filter(|(_, scope)| scope.kind == ScopeKind::Function);
    functions.into_iter().any(|(_, scope)| scope.parameters.iter().any(|one| one.name == head))
}

/// The last name of what an expression reads: `secret` of `settings.secret`.
pub(super) fn last_name(context: Context<'_>, value: &Expr) -> Option<String> {
    match value {
        Expr::Name(path) => path.rsplit('.').next().map(str::to_owned),
        Expr::Member(_, name) => Some(name.clone()),
        Expr::Index(_, key) => key.text().map(str::to_owned),
        Expr::Call(at) => {
            let call = context.module.calls.get(*at)?;
            match (&call.callee, method(&call.callee)) {
                // `settings.secret.get_secret_value()`, `secret.trim()`
                (Expr::Name(path), _) if path.contains('.') => path.rsplit('.').nth(1).map(str::to_owned),
                // `len(secret)`
                _ => call
                    .arguments
                    .first()
                    .and_then(|one| one.value.name())
                    .map(|path| path.rsplit('.').next().unwrap_or(path).to_owned()),
            }
        }
        _ => None,
    }
}
