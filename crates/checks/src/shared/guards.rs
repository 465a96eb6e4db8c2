//! Who asks a caller who they are: what stands before a route, and what its handler does itself.

use gonogo_domain::{
    Place,
    evidence::{Guard, Meaning, ServedRoute, SourceCode},
};

/// How a route treats a caller whom nobody knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Asks {
    /// Somebody is asked, at this place.
    Yes(Place),
    /// Something stands before it that is called a guard, and turns nobody away.
    Hollow(String),
    No,
}

pub(crate) fn asks(source: &SourceCode, route: &ServedRoute) -> Asks {
    let mut hollow = None;
    for guard in route.guards.iter().filter(|guard| !asks_something_else(&guard.name)) {
        let known = guard.used.and_then(|id| source.uses.get(id)).is_some_and(|one| authenticates(one.meaning));
        if known {
            return Asks::Yes(route.place.clone());
        }
        match guard.function {
            Some(function) if turns_away(source, function) => return Asks::Yes(route.place.clone()),
            Some(function) if called_so(&guard.name) => {
                // It may ask somebody who is out of sight.
                let opaque = source.reached(function).into_iter().filter_map(|at| source.functions.get(at));
                if opaque.into_iter().any(|one| !one.unfollowed.is_empty() || !one.uses.is_empty()) {
                    return Asks::Yes(route.place.clone());
                }
                hollow = Some(last(guard).to_owned());
            }
            None if called_so(&guard.name) => return Asks::Yes(route.place.clone()),
            _ => (),
        }
    }
    if let Some(handler) = route.handler
        && turns_away(source, handler)
    {
        let place = source.functions.get(handler).map_or_else(|| route.place.clone(), |one| one.place.clone());
        return Asks::Yes(place);
    }
    hollow.map_or(Asks::No, Asks::Hollow)
}

/// It turns away for another reason than who calls: a form of another site, too many requests, an address to confirm.
fn asks_something_else(name: &str) -> bool {
    let plain = name.to_ascii_lowercase().replace(['_', '-'], "");
    let other =
        ["csrf", "xsrf", "cors", "throttle", "ratelimit", "confirmed", "maintenance", "startsession", "fromsession"];
    // `RedirectIfAuthenticated` lets in whoever is not known.
    plain.contains("ifauthenticated")
        || other.iter().any(|word| plain.contains(word)) && !plain.contains("auth") && !plain.contains("login")
}

fn authenticates(meaning: Meaning) -> bool {
    matches!(meaning, Meaning::Authentication | Meaning::Authorization | Meaning::SignatureCheck)
}

/// It, or what it calls, checks who calls, or answers that the caller may not.
fn turns_away(source: &SourceCode, function: usize) -> bool {
    let reached = source.reached(function);
    reached.iter().filter_map(|at| source.functions.get(*at)).any(|one| {
        one.refuses || one.uses.iter().filter_map(|id| source.uses.get(*id)).any(|one| authenticates(one.meaning))
    })
}

fn last(guard: &Guard) -> &str {
    guard.name.rsplit('.').next().unwrap_or(&guard.name)
}

/// What guards are called, in any language.
fn called_so(name: &str) -> bool {
    let lower = name.rsplit('.').next().unwrap_or(name).to_ascii_lowercase().replace(['_', '-'], "");
    // `get_session`, `generate_db_session`: a session with a database asks nobody.
    let of_database = lower.contains("session")
        && ["getsession", "generate", "create", "make", "open", "new", "db", "sql", "async", "database", "transaction"]
            .iter()
            .any(|word| lower.contains(word));
    let lower = if of_database { lower.replace("session", "") } else { lower };
    let author = lower.replace("authori", "").replace("authenti", "").contains("author");
    !author
        && [
            "auth",
            "jwt",
            "login",
            "permission",
            "apikey",
            "bearer",
            "oidc",
            "protect",
            "secured",
            "session",
            "principal",
            "rolesallowed",
            "requireuser",
            "currentuser",
            "signedin",
            "anonymous",
            "guard",
        ]
        .iter()
        .any(|word| lower.contains(word))
}
