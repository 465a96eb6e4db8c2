//! Services in layers: what the layers of a stack stand around, and who calls a stack.
//!
//! `ServiceBuilder::new().layer(BreakerLayer::new(…)).service_fn(send)` runs `send` behind the breaker; whoever calls the
//! stack later holds a value of a type that tells nothing of `send`.

use std::collections::BTreeSet;

use gonogo_domain::evidence::{FunctionId, Meaning, Setting, UseId};
use gonogo_source::{Call, Expr};

use super::{
    facts::{Linker, method},
    program::FileId,
};

/// Layers are made of calls that nest no deeper than this.
const DEPTH: usize = 4;

/// What calls a service of tower.
const CALLS: &[&str] = &["oneshot", "ready_oneshot", "call"];

impl Linker<'_> {
    pub(super) fn stacks(&mut self) {
        let mut inner = BTreeSet::new();
        let mut built = Vec::new();
        let mut around: Vec<(UseId, Vec<FunctionId>)> = Vec::new();
        for (id, one) in self.code.uses.iter().enumerate().filter(|(_, one)| one.meaning == Meaning::Stack) {
            let Some((file, at)) = self.calls_of.get(&id).copied() else { continue };
            if one.role.counts() {
                inner.extend(one.wraps.iter().copied());
                built.push((one.function, one.wraps.clone()));
            }
            for link in self.links(file, at) {
                for argument in &link.arguments {
                    let layers = self.made_in(file, &argument.value, DEPTH);
                    around.extend(layers.into_iter().map(|layer| (layer, one.wraps.clone())));
                }
            }
        }
        for (layer, wraps) in around {
            if let Some(layer) = self.code.uses.get_mut(layer) {
                layer.wraps.extend(wraps);
            }
        }
        let inner: Vec<FunctionId> = inner.into_iter().collect();
        if inner.is_empty() || !self.callers_of_stacks(&inner) {
            return;
        }
        // Who builds a stack does not run what is in it.
        for (builder, wraps) in built {
            if let Some(function) = self.code.functions.get_mut(builder) {
                function.calls.retain(|callee| !wraps.contains(callee));
            }
        }
    }

    /// The calls of a chain before this one.
    fn links(&self, file: FileId, at: usize) -> Vec<&Call> {
        let mut links = Vec::new();
        let Some(unit) = self.program.files.get(file) else { return links };
        let mut next = unit.module.calls.get(at);
        while let Some(Expr::Member(of, _)) = next.map(|call| &call.callee)
            && let Expr::Call(before) = **of
            && before < unit.module.calls.len()
            && links.len() < 40
        {
            next = unit.module.calls.get(before);
            links.extend(next);
        }
        links
    }

    /// The uses that an expression makes.
    fn made_in(&self, file: FileId, value: &Expr, depth: usize) -> Vec<UseId> {
        let (Expr::Call(at), Some(depth)) = (value, depth.checked_sub(1)) else { return Vec::new() };
        let mut found: Vec<UseId> = self.uses.get(&(file, *at)).copied().into_iter().collect();
        let call = self.program.files.get(file).and_then(|unit| unit.module.calls.get(*at));
        for argument in call.iter().flat_map(|call| &call.arguments) {
            found.extend(self.made_in(file, &argument.value, depth));
        }
        found
    }

    /// A call of a service runs one of the stacks of the program. False: nothing calls one.
    fn callers_of_stacks(&mut self, inner: &[FunctionId]) -> bool {
        let mut callers = BTreeSet::new();
        for (file, unit) in self.program.files.iter().enumerate().filter(|(_, unit)| unit.role.counts()) {
            let speaks = unit
                .module
                .imports
                .iter()
                .any(|one| one.module == "tower" && matches!(one.name.as_deref(), Some("ServiceExt" | "Service")));
            let calls = unit.module.calls.iter().enumerate().filter(|(at, call)| {
                method(&call.callee).is_some_and(|name| CALLS.contains(&name))
                    && !self.callees.contains_key(&(file, *at))
                    && !self.uses.contains_key(&(file, *at))
            });
            for (_, call) in calls.filter(|_| speaks) {
                callers.extend(self.function_at(file, call.scope));
            }
        }
        for caller in &callers {
            for function in inner {
                self.edge(*caller, *function);
            }
            if let Some(function) = self.code.functions.get_mut(*caller).filter(|_| inner.len() > 1) {
                function.perhaps.extend(inner.iter().copied());
            }
        }
        !callers.is_empty()
    }

    /// `async fn bounded<T>(work: impl Future<Output = T>) { timeout(LIMIT, work).await }`: what is handed to such a function
    /// has its deadline.
    pub(super) fn bounding_helpers(&mut self) {
        let mut bounded: Vec<(UseId, Setting)> = Vec::new();
        for (id, one) in self.code.uses.iter().enumerate() {
            if one.meaning != Meaning::Deadline || !one.role.counts() {
                continue;
            }
            let Some((file, at)) = self.calls_of.get(&id).copied() else { continue };
            let Some(call) = self.program.files.get(file).and_then(|unit| unit.module.calls.get(at)) else { continue };
            let Some(setting) = one.settings.get("timeout") else { continue };
            for argument in &call.arguments {
                let Some((function, nth)) = self.parameter(file, &argument.value, call) else { continue };
                for (file, at) in self.sites.get(&function).into_iter().flatten() {
                    let site = self.program.files.get(*file).and_then(|unit| unit.module.calls.get(*at));
                    let given = site.and_then(|site| site.arguments.get(nth));
                    let made = given.map(|given| self.made_in(*file, &given.value, 1)).unwrap_or_default();
                    bounded.extend(made.into_iter().map(|id| (id, setting.clone())));
                }
            }
        }
        for (id, setting) in bounded {
            if let Some(one) = self.code.uses.get_mut(id).filter(|one| one.meaning.is_outbound()) {
                one.settings.entry("timeout".to_owned()).or_insert(setting);
            }
        }
    }

    /// The parameter of the function around that a value is.
    fn parameter(&self, file: FileId, value: &Expr, call: &Call) -> Option<(FunctionId, usize)> {
        let Expr::Name(name) = value else { return None };
        let module = &self.program.files.get(file)?.module;
        let scope = module.function(call.scope)?;
        let nth = module.scopes.get(scope)?.parameters.iter().position(|one| one.name == *name)?;
        Some((self.functions.get(&(file, scope)).copied()?, nth))
    }
}
