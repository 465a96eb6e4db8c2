//! Errors of Go that are thrown away where a call gives them.

use gonogo_domain::evidence::{LostError, Meaning, Role};
use gonogo_source::{Binding, CallRole, Expr, Language};
use hashbrown::HashMap;

use super::{facts::Linker, handling::handles_errors, program::FileId};

impl Linker<'_> {
    pub(super) fn lost_errors(&self, file: FileId) -> Vec<LostError> {
        let Some(context) = self.context(file).filter(|context| context.module.language == Language::Go) else {
            return Vec::new();
        };
        // What tests throw away says nothing of the program.
        let role = self.program.files.get(file).map_or(Role::Product, |unit| unit.role);
        if !role.counts() {
            return Vec::new();
        }
        let module = context.module;
        // The last name that what a call gives is bound to.
        let mut bound: HashMap<usize, &Binding> = HashMap::new();
        for one in &module.bindings {
            if let Some(Expr::Call(at)) = one.value {
                let last = bound.entry(at).or_insert(one);
                if one.nth >= last.nth {
                    *last = one;
                }
            }
        }
        let mut found = Vec::new();
        for (at, call) in module.calls.iter().enumerate() {
            if call.role != CallRole::Plain || call.awaited {
                continue;
            }
            let by_name = bound.get(&at).is_some_and(|last| last.name == "_");
            let Some(function) = self.function_at(file, call.scope).filter(|_| by_name || call.dropped) else {
                continue;
            };
            let used = self.uses.get(&(file, at)).copied().filter(|id| {
                let used = self.code.uses.get(*id);
                used.is_some_and(|one| one.meaning.is_outbound() || one.meaning == Meaning::Listen)
            });
            let callee = self.callees.get(&(file, at)).copied().filter(|callee| self.gives_error(*callee));
            if used.is_none() && callee.is_none() {
                continue;
            }
            found.push(LostError {
                call: call.callee.name().unwrap_or_default().to_owned(),
                place: self.place(file, call.spot.line),
                role,
                function,
                by_name,
                in_catch: module.around(call.scope).any(|(_, scope)| handles_errors(module.language, scope)),
                callee,
                used,
            });
        }
        found
    }

    fn gives_error(&self, function: usize) -> bool {
        let Some((file, scope)) = self.scopes.get(function) else { return false };
        let unit = self.program.files.get(*file);
        unit.and_then(|unit| unit.module.scopes.get(*scope)).is_some_and(|scope| scope.fails)
    }
}
