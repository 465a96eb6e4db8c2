//! Where the settings of a call stand: in its arguments, in its chain, at the object it is called on.

use std::collections::BTreeMap;

use gonogo_domain::{
    KnownUse, Place,
    evidence::{Setting, SettingValue},
};
use gonogo_source::{Call, Expr, Language, Maker, ScopeId};

use super::values::{self, Context};

/// A maker in its file.
#[derive(Clone, Copy)]
pub(super) struct MadeIn<'n> {
    pub context: Context<'n>,
    pub maker: Maker<'n>,
}

/// What a call is made on.
pub(super) enum Receiver<'n> {
    /// What made it was found.
    Made(MadeIn<'n>),
    /// The library itself: what holds for it is in the tables.
    Library,
    /// What made it was not found: nothing can be said of its settings.
    Unknown,
}

/// The settings that a row asks for.
pub(super) fn settings(
    context: Context<'_>,
    at: usize,
    receiver: &Receiver<'_>,
    row: &KnownUse,
) -> BTreeMap<String, Setting> {
    let mut found = BTreeMap::new();
    let Some(call) = context.module.calls.get(at) else { return found };
    for (name, slots) in &row.settings {
        let unit = slots.unit.as_deref();
        // What a context carries is followed when all calls are known.
        let mut slots = slots.at.iter().filter(|slot| !slot.ends_with("@deadline"));
        let above = slots.clone().any(|slot| slot.starts_with('^'));
        let value = slots.find_map(|slot| match slot.strip_prefix('^') {
            None => here(context, at, call, slot, unit),
            Some(slot) => match receiver {
                Receiver::Made(made) => there(context, call, *made, slot, unit),
                Receiver::Library | Receiver::Unknown => None,
            },
        });
        let value = value.or_else(|| {
            (above && matches!(receiver, Receiver::Unknown)).then(|| Setting {
                value: SettingValue::NotFollowed,
                place: Place::new(std::sync::Arc::clone(context.path), call.spot.line, 1),
            })
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
    if let Some(slot) = slot.strip_suffix("@text") {
        let (value, scope) = slot_of_call(context, at, call, slot)?;
        return Some(values::put_together(context, value, scope, call.spot.line));
    }
    if let Some(slot) = slot.strip_suffix("@name") {
        let (value, _) = slot_of_call(context, at, call, slot)?;
        let Expr::Name(name) = value else { return None };
        let place = Place::new(std::sync::Arc::clone(context.path), call.spot.line, 1);
        return Some(Setting { value: SettingValue::Text(name.clone()), place });
    }
    if let Some(slot) = slot.strip_suffix("@none") {
        let nothing = matches!(slot_of_call(context, at, call, slot)?.0, Expr::Null);
        let place = Place::new(std::sync::Arc::clone(context.path), call.spot.line, 1);
        return nothing.then_some(Setting { value: SettingValue::Flag(true), place });
    }
    let (value, scope) = slot_of_call(context, at, call, slot)?;
    if matches!(value, Expr::Null) {
        // `timeout=None` of Python waits for ever, whatever the library does where nothing is said.
        let off = unit.is_some() && context.module.language == Language::Python;
        let place = Place::new(std::sync::Arc::clone(context.path), call.spot.line, 1);
        return off.then_some(Setting { value: SettingValue::Flag(false), place });
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
            Some(values::setting(made.context, value, scope, unit, line_of(made.context, object, scope)))
        }
        Maker::Import(_) | Maker::Member(..) => None,
    }
}

/// Where an object is written out: the statement that holds it.
fn line_of(context: Context<'_>, object: &Expr, scope: ScopeId) -> u32 {
    let holds = |value: &Expr| {
        let mut found = false;
        value.walk(&mut |inner| found |= std::ptr::eq(inner, object));
        found
    };
    let module = context.module;
    let mut bound = module.bindings.iter().filter(|one| one.value.as_ref().is_some_and(holds)).map(|one| one.spot.line);
    let mut returned = module.returns.iter().filter(|one| holds(&one.value)).map(|one| one.spot.line);
    bound
        .next()
        .or_else(|| returned.next())
        .or_else(|| {
            let given = |call: &&Call| call.arguments.iter().any(|argument| holds(&argument.value));
            module.calls.iter().find(given).map(|call| call.spot.line)
        })
        .unwrap_or_else(|| module.scopes.get(scope).map_or(1, |scope| scope.spot.line))
}

pub(super) fn slot_of_call<'n>(
    context: Context<'n>,
    at: usize,
    call: &'n Call,
    slot: &str,
) -> Option<(&'n Expr, ScopeId)> {
    if let Some(name) = slot.strip_prefix('+') {
        return given_call(context, call, name);
    }
    if let Some(method) = slot.strip_prefix('~') {
        return chained(context, at, call, method);
    }
    let (position, fields) = slot.split_once('.').map_or((slot, None), |(position, fields)| (position, Some(fields)));
    let argument = if let Some(name) = position.strip_suffix('=') {
        call.arguments.iter().find(|argument| argument.name.as_deref() == Some(name))?
    } else {
        let position: usize = position.parse().ok()?;
        call.arguments.iter().filter(|argument| argument.name.is_none()).nth(position)?
    };
    let mut found = (&argument.value, call.scope);
    for field in fields.into_iter().flat_map(|fields| fields.split('.')) {
        // What was assigned to the object since holds.
        let assigned = match found.0 {
            Expr::Name(_) => context.names.assigned(found.0, field, found.1),
            _ => None,
        };
        found = assigned.or_else(|| field_of(context, found.0, found.1, field))?;
    }
    Some(found)
}

/// How deep the arguments of arguments are looked through.
const NESTING: usize = 12;

/// `WithMaxRetries.1`: an argument of a call of that name that stands somewhere in the arguments, the first one where no
/// number is given; the call itself where it takes none.
fn given_call<'n>(context: Context<'n>, call: &'n Call, name: &str) -> Option<(&'n Expr, ScopeId)> {
    let (name, position) = match name.rsplit_once('.') {
        Some((name, position)) => (name, position.parse().ok()?),
        None => (name, 0),
    };
    call.arguments.iter().find_map(|argument| call_in(context, &argument.value, call.scope, (name, position), NESTING))
}

fn call_in<'n>(
    context: Context<'n>,
    value: &'n Expr,
    scope: ScopeId,
    (name, position): (&str, usize),
    depth: usize,
) -> Option<(&'n Expr, ScopeId)> {
    let depth = depth.checked_sub(1)?;
    let mut found = None;
    value.walk(&mut |inner| {
        if found.is_some() {
            return;
        }
        found = match inner {
            Expr::Call(at) => context.module.calls.get(*at).and_then(|call| {
                let last = match &call.callee {
                    Expr::Name(path) => path.rsplit('.').next().unwrap_or_default(),
                    Expr::Member(_, last) => last.as_str(),
                    _ => "",
                };
                if last == name {
                    return Some((call.arguments.get(position).map_or(inner, |one| &one.value), call.scope));
                }
                // `HttpRequest.newBuilder().timeout(…).build()`
                if let Expr::Member(of, _) = &call.callee
                    && let Some(found) = call_in(context, of, call.scope, (name, position), depth)
                {
                    return Some(found);
                }
                call.arguments
                    .iter()
                    .find_map(|argument| call_in(context, &argument.value, call.scope, (name, position), depth))
            }),
            Expr::Name(path) => context
                .names
                .value(path, scope)
                .filter(|(value, _)| matches!(value, Expr::Call(_)))
                .and_then(|(value, scope)| call_in(context, value, scope, (name, position), depth)),
            _ => None,
        };
    });
    found
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
