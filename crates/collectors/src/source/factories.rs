//! Functions that make functions: `app.use(catchAll(logger))` puts there what `catchAll` gives back.

use gonogo_domain::evidence::{FunctionId, Meaning, UseId};
use gonogo_source::Expr;

use super::facts::Linker;

impl Linker<'_> {
    /// Adds what a function of the program gives back to the middleware that is made by it. Routes are followed before:
    /// to them the function that makes is the guard, since it has the name and does what is done once.
    pub(super) fn factories(&mut self) {
        let uses = self.used().filter(|(_, one)| one.meaning == Meaning::Middleware && one.wraps.is_empty());
        let made: Vec<(UseId, Vec<FunctionId>)> = uses.map(|(id, _)| (id, self.made_functions(id))).collect();
        for (id, functions) in made {
            if let Some(one) = self.code.uses.get_mut(id) {
                one.wraps.extend(functions);
            }
        }
    }

    fn made_functions(&self, id: UseId) -> Vec<FunctionId> {
        let Some((file, at)) = self.calls_of.get(&id).copied() else { return Vec::new() };
        let call = self.program.files.get(file).and_then(|unit| unit.module.calls.get(at));
        let makers = call.into_iter().flat_map(|call| &call.arguments).filter_map(|argument| match argument.value {
            Expr::Call(inner) => self.callees.get(&(file, inner)).copied(),
            _ => None,
        });
        makers.flat_map(|maker| self.given_back(maker)).collect()
    }

    /// The functions written out where a function returns.
    fn given_back(&self, maker: FunctionId) -> Vec<FunctionId> {
        let Some((file, scope)) = self.scopes.get(maker).copied() else { return Vec::new() };
        let Some(unit) = self.program.files.get(file) else { return Vec::new() };
        let returned = unit.module.returns.iter().filter(|one| unit.module.function(one.scope) == Some(scope));
        let functions = returned.filter_map(|one| match one.value {
            Expr::Function(inner) => self.functions.get(&(file, inner)).copied(),
            _ => None,
        });
        functions.collect()
    }
}
