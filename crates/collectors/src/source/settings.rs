//! Where the settings of a call stand: in its arguments, in its chain, at the object it is called on.

use std::collections::BTreeMap;

use gonogo_domain::{KnownUse, evidence::Setting};
use gonogo_source::{Call, Expr, Maker, ScopeId};

use super::values::{self, Context};

/// A maker in its file.
#[derive(Clone, Copy)]
pub(super) struct MadeIn<'n> {
    pub context: Context<'n>,
    pub maker: Maker<'n>,
}

/// The settings that a row asks for.
pub(super) fn settings(
    context: Context<'_>,
    at: usize,
    made: Option<MadeIn<'_>>,
    row: &KnownUse,
) -> BTreeMap<String, Setting> {
    let mut found = BTreeMap::new();
    let Some(call) = context.module.calls.get(at) else { return found };
    for (name, slots) in &row.settings {
        let unit = slots.unit.as_deref();
        let value = slots.at.iter().find_map(|slot| match slot.strip_prefix('^') {
            None => here(context, at, call, slot, unit),
            Some(slot) => there(context, call, made?, slot, unit),
        });
        if let Some(value) = value {
            found.insert(name.clone(), value);
        }
    }
    found
}

/// A slot of the call itself.
fn here(context: Context<'_>, at: usize, call: &Call, slot: &str, unit: Option<&str>) -> Option<Setting> {
    if let Some(first) = slot.strip_suffix('*') {
        let rest = call.arguments.iter().filter(|argument| argument.name.is_none()).skip(first.parse().ok()?);
        let rest = Expr::List(rest.map(|argument| argument.value.clone()).collect());
        return Some(values::setting(context, &rest, call.scope, unit, call.spot.line));
    }
    let (value, scope) = slot_of_call(context, at, call, slot)?;
    if matches!(value, Expr::Null) {
        return None;
    }
    Some(values::setting(context, value, scope, unit, call.spot.line))
}

/// A slot of what made the object that the call is made on, or of what was assigned to the object since.
fn there(context: Context<'_>, call: &Call, made: MadeIn<'_>, slot: &str, unit: Option<&str>) -> Option<Setting> {
    if let Some(member) = slot.strip_prefix('.')
        && let Expr::Name(path) = &call.callee
        && let Some((object, _)) = path.rsplit_once('.')
        && let Some((value, scope)) = context.names.assigned(&Expr::Name(object.to_owned()), member, call.scope)
    {
        return Some(values::setting(context, value, scope, unit, call.spot.line));
    }
    match made.maker {
        Maker::Call(at) => {
            let call = made.context.module.calls.get(at)?;
            here(made.context, at, call, slot, unit)
        }
        Maker::Object(object, scope) => {
            let value = object.field(slot.strip_prefix('.')?)?;
            Some(values::setting(made.context, value, scope, unit, line_of(made.context, scope)))
        }
        Maker::Import(_) => None,
    }
}

fn line_of(context: Context<'_>, scope: ScopeId) -> u32 {
    context.module.scopes.get(scope).map_or(1, |scope| scope.spot.line)
}

fn slot_of_call<'n>(context: Context<'n>, at: usize, call: &'n Call, slot: &str) -> Option<(&'n Expr, ScopeId)> {
    if let Some(name) = slot.strip_suffix('=') {
        let argument = call.arguments.iter().find(|argument| argument.name.as_deref() == Some(name))?;
        return Some((&argument.value, call.scope));
    }
    if let Some(method) = slot.strip_prefix('~') {
        return chained(context, at, call, method);
    }
    let (position, field) = slot.split_once('.').map_or((slot, None), |(position, field)| (position, Some(field)));
    let position: usize = position.parse().ok()?;
    let argument = call.arguments.iter().filter(|argument| argument.name.is_none()).nth(position)?;
    match field {
        None => Some((&argument.value, call.scope)),
        Some(field) => field_of(context, &argument.value, call.scope, field),
    }
}

/// A field of an object that is written here or bound to a name.
fn field_of<'n>(context: Context<'n>, value: &'n Expr, scope: ScopeId, field: &str) -> Option<(&'n Expr, ScopeId)> {
    if let Some((outer, inner)) = field.split_once('.') {
        let (value, scope) = field_of(context, value, scope, outer)?;
        return field_of(context, value, scope, inner);
    }
    match value {
        Expr::Object { fields, .. } => {
            if let Some(value) = value.field(field) {
                return Some((value, scope));
            }
            // What is spread into it may hold the field.
            fields
                .iter()
                .filter(|(name, _)| name == "...")
                .find_map(|(_, inner)| field_of(context, inner, scope, field))
        }
        Expr::Name(path) => {
            let (value, scope) = context.names.value(path, scope)?;
            if matches!(value, Expr::Name(_)) { None } else { field_of(context, value, scope, field) }
        }
        _ => None,
    }
}

/// The first argument of a method in the same chain, before the call or after it.
fn chained<'n>(context: Context<'n>, at: usize, call: &'n Call, method: &str) -> Option<(&'n Expr, ScopeId)> {
    let first = |call: &'n Call| call.arguments.first().map(|argument| (&argument.value, call.scope));
    // Backwards, through what each call is made on.
    let mut inner = call;
    for _ in 0..40 {
        let Expr::Member(of, name) = &inner.callee else { break };
        if name == method {
            return first(inner);
        }
        let Expr::Call(before) = **of else { break };
        inner = context.module.calls.get(before)?;
        if let Expr::Member(_, name) = &inner.callee
            && name == method
        {
            return first(inner);
        }
        if let Expr::Name(path) = &inner.callee
            && path.rsplit('.').next() == Some(method)
        {
            return first(inner);
        }
    }
    // Forwards: a call that is made on this one stands later in the list.
    let mut last = at;
    let calls = context.module.calls.iter().enumerate().skip(at + 1).take(40);
    for (next, outer) in calls {
        if let Expr::Member(of, name) = &outer.callee
            && **of == Expr::Call(last)
        {
            if name == method {
                return first(outer);
            }
            last = next;
        }
    }
    None
}
