//! Routers of Rust that are built link by link: `Router::new().route("/pay", post(pay)).layer(login)`.
//!
//! A layer stands before the routes that the router has when it is added, and before no later one. So the chain is followed
//! forward from each route: through variables, through `merge` and `nest`, through functions that give a router back.

use gonogo_domain::evidence::{Guard, Meaning, Use};
use gonogo_source::{Call, Expr};
use hashbrown::HashSet;

use super::{
    facts::{Linker, method},
    program::FileId,
    routes::joined,
};

/// A chain has no more links than this, over all that it is merged into.
const LINKS: usize = 400;

/// What is built this way.
pub(super) fn is_chained(one: &Use) -> bool {
    one.symbol.starts_with("axum.Router.")
}

impl Linker<'_> {
    /// The prefix that a route gets and what stands before it, the outermost first.
    pub(super) fn along_chain(&self, (file, at): (FileId, usize)) -> (String, Vec<Guard>) {
        let (mut prefix, mut guards) = (String::new(), Vec::new());
        let mut seen = HashSet::new();
        let mut open = vec![(file, at)];
        while let Some((file, at)) = open.pop() {
            if seen.len() >= LINKS || !seen.insert((file, at)) {
                continue;
            }
            for next in self.next_links(file, at) {
                let used = self.uses.get(&next).copied();
                let one = used.and_then(|id| Some((id, self.code.uses.get(id)?)));
                if let Some((_, one)) = one.filter(|_| !seen.contains(&next)) {
                    match one.meaning {
                        Meaning::Middleware => {
                            let call = self.program.files.get(next.0).and_then(|unit| unit.module.calls.get(next.1));
                            let layers = call.into_iter().flat_map(|call| {
                                call.arguments.iter().flat_map(|layer| self.guard(next.0, &layer.value, call.scope))
                            });
                            guards.splice(0..0, layers);
                        }
                        Meaning::RouteGroup if self.is_given(next, (file, at)) => {
                            let path = one.settings.get("path").and_then(|setting| setting.value.text());
                            prefix = joined(path.unwrap_or_default(), &prefix);
                        }
                        _ => (),
                    }
                }
                open.push(next);
            }
        }
        (prefix, guards)
    }

    /// The calls that a router goes on in, after the call that gave it.
    fn next_links(&self, file: FileId, at: usize) -> Vec<(FileId, usize)> {
        let Some(module) = self.program.files.get(file).map(|unit| &unit.module) else { return Vec::new() };
        let Some(own) = module.calls.get(at) else { return Vec::new() };
        let names: Vec<&str> = module
            .bindings
            .iter()
            .filter(|one| one.value == Some(Expr::Call(at)))
            .map(|one| one.name.as_str())
            .collect();
        let home = module.function(own.scope);
        let holds = |value: &Expr, call: &Call| match value {
            Expr::Call(inner) => *inner == at,
            Expr::Name(name) => names.contains(&name.as_str()) && module.function(call.scope) == home,
            _ => false,
        };
        let goes_on = |call: &Call| {
            let on = match &call.callee {
                Expr::Member(of, _) => holds(of, call),
                Expr::Name(path) => path
                    .rsplit_once('.')
                    .is_some_and(|(object, _)| names.contains(&object) && module.function(call.scope) == home),
                _ => false,
            };
            on || matches!(method(&call.callee), Some("merge" | "nest"))
                && call.arguments.iter().any(|argument| holds(&argument.value, call))
        };
        let mut next: Vec<(FileId, usize)> =
            module.calls.iter().enumerate().filter(|(_, call)| goes_on(call)).map(|(next, _)| (file, next)).collect();
        // What a function gives back goes on where it is called.
        let given_back = module.returns.iter().any(|one| module.function(one.scope) == home && holds(&one.value, own));
        if given_back && let Some(function) = self.function_at(file, own.scope) {
            next.extend(self.sites.get(&function).into_iter().flatten().copied());
        }
        next
    }

    /// The router is an argument of the call, and not what it is called on.
    fn is_given(&self, (file, at): (FileId, usize), (from, router): (FileId, usize)) -> bool {
        let call = self.program.files.get(file).and_then(|unit| unit.module.calls.get(at));
        let on = call.is_some_and(|call| match &call.callee {
            Expr::Member(of, _) => **of == Expr::Call(router) && file == from,
            _ => false,
        });
        !on && call.is_some_and(|call| {
            call.arguments.iter().any(|argument| matches!(argument.value, Expr::Call(_) | Expr::Name(_)))
        })
    }
}
