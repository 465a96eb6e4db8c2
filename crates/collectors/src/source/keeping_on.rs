//! Programs that go on after an error, with what they had before.

use gonogo_source::{Expr, Module, ScopeId, ScopeKind};

/// `zone = "unknown"`, then an attempt to set it whose handler lets the error be: what was there before stands in, where
/// somebody reads it afterwards.
pub(super) fn keeps_value(module: &Module, handler: ScopeId) -> bool {
    let Some(scope) = module.scopes.get(handler).filter(|scope| scope.kind == ScopeKind::Catch) else { return false };
    let Some(around) = scope.parent else { return false };
    let home = module.function(handler);
    let attempts: Vec<ScopeId> = (0..module.scopes.len())
        .filter(|at| {
            module.scopes.get(*at).is_some_and(|one| {
                one.kind == ScopeKind::Try
                    && (one.parent == Some(around) || *at == around)
                    && one.spot.start < scope.spot.start
            })
        })
        .collect();
    // Of several attempts in a row, the last one before the handler is its own.
    let own = attempts.into_iter().max_by_key(|at| module.scopes.get(*at).map(|one| one.spot.start));
    let Some((at, attempt)) = own.and_then(|at| Some((at, module.scopes.get(at)?))) else { return false };
    let tried = module.bindings.iter().filter(|one| module.within(one.scope, at) && one.spot.start < scope.spot.start);
    let mut names = tried.map(|one| one.name.as_str());
    names.any(|name| {
        let mut before = module.bindings.iter().filter(|one| {
            one.name == name
                && one.value.is_some()
                && one.spot.start < attempt.spot.start
                && module.function(one.scope) == home
                && !module.within(one.scope, at)
        });
        before.next().is_some() && is_read(module, name, handler)
    })
}

/// The name is read after the handler, or by a function that stands in the same one; closing it at the end is no reading.
fn is_read(module: &Module, name: &str, handler: ScopeId) -> bool {
    let home = module.function(handler);
    let end = module.scopes.get(handler).map_or(0, |scope| scope.spot.end);
    let seen = |scope: ScopeId, start: u32| {
        let finally = module.around(scope).any(|(_, one)| one.kind == ScopeKind::Finally);
        let inner = module.function(scope);
        let same = inner == home;
        let within = home.is_none_or(|home| module.within(scope, home));
        !finally && (same && start >= end || !same && within)
    };
    let named = |value: &Expr| {
        let mut found = false;
        value.walk(&mut |inner| {
            found |= inner.name().is_some_and(|path| path.split('.').next() == Some(name));
        });
        found
    };
    module.returns.iter().any(|one| seen(one.scope, one.spot.start) && named(&one.value))
        || module.calls.iter().any(|one| {
            seen(one.scope, one.spot.start)
                && (named(&one.callee) || one.arguments.iter().any(|argument| named(&argument.value)))
        })
        || module
            .bindings
            .iter()
            .any(|one| seen(one.scope, one.spot.start) && one.name != name && one.value.as_ref().is_some_and(named))
        || module
            .scopes
            .iter()
            .enumerate()
            .any(|(at, one)| seen(at, one.spot.start) && one.condition.as_ref().is_some_and(named))
}
