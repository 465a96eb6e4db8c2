//! Asks every route that is not public without credentials, and with wrong ones.

use std::{collections::BTreeSet, time::Instant};

use gonogo_domain::{
    Message, Run, RunAuthentication,
    exercise::{Authentication, Credentials, Guarded, Observation, Trial},
};

use super::{
    Unmade, description,
    listen::{ask, timeline},
    sign::base64,
};
use crate::bench::{Ask, Bench, BenchError, Survey};

/// Headers that carry credentials wherever there are such.
const CREDENTIALS: &[&str] = &["authorization", "x-api-key", "api-key", "apikey", "x-auth-token", "cookie"];

/// So many routes of the document are asked.
const ROUTES: usize = 100;

pub(super) fn trial(bench: &Bench, survey: &Survey) -> Result<Trial, Unmade> {
    let Some(plan) = bench.run().authentication.clone() else {
        return Err(Unmade::Missing(Message::new(
            "nothing says which routes are public: [service.NAME.run.authentication] public = [\"/health\", \"GET /items/*\"]",
            "未说明哪些路由是公开的：[service.NAME.run.authentication] public = [\"/health\", \"GET /items/*\"]",
        )));
    };
    let begin = Instant::now();
    let mut found = Authentication { tries: Vec::new(), public: 0, known_good: false };
    let mut asked: BTreeSet<(String, String)> = BTreeSet::new();
    let document = description::of(bench)?;
    let document = document.as_ref().map(|one| &one.document);
    let operations = document.map(description::operations).unwrap_or_default();
    let base = document.map(description::base).unwrap_or_default();
    let place = |method: &str, path: &str| {
        let path = description::find(&operations, base, method, path).map_or(path, |one| one.path);
        (method.to_owned(), path.split('?').next().unwrap_or_default().to_owned())
    };
    for kind in survey.good() {
        let request = bench.request(kind);
        let by_document = description::find(&operations, base, &request.method, &request.path);
        if !asked.insert(place(&request.method, &request.path)) {
            continue;
        }
        if is_public(&plan, bench.run(), &request) || by_document.is_some_and(|one| one.is_public()) {
            found.public += 1;
            continue;
        }
        let own: Vec<&(String, String)> = request.headers.iter().filter(|(name, _)| carries(&plan, name)).collect();
        found.known_good |= !own.is_empty();
        let mut tries = vec![(Credentials::None, without(&plan, &request))];
        for (name, value) in own {
            tries.extend(
                forged(value).into_iter().map(|(how, value)| (how, without(&plan, &request).with(name, &value))),
            );
        }
        try_all(bench, &mut found, true, tries)?;
    }
    for operation in operations.iter().take(ROUTES) {
        let method = operation.method.to_ascii_uppercase();
        let request = Ask { method: method.clone(), ..Ask::get(&format!("{base}{}", operation.filled())) };
        let request = match method.as_str() {
            "POST" | "PUT" | "PATCH" => Ask { body: "{}".into(), ..request.with("content-type", "application/json") },
            _ => request,
        };
        if !asked.insert((method, operation.path.to_owned())) {
            continue;
        }
        if operation.is_public() || is_public(&plan, bench.run(), &request) {
            found.public += 1;
            continue;
        }
        let garbage = request.clone().with("authorization", "Bearer gonogo-made-up");
        try_all(bench, &mut found, false, vec![(Credentials::None, request), (Credentials::Garbage, garbage)])?;
    }
    Ok(Trial::new(Observation::Authentication(found), timeline(bench, begin)))
}

fn try_all(
    bench: &Bench,
    found: &mut Authentication,
    proven: bool,
    tries: Vec<(Credentials, Ask)>,
) -> Result<(), BenchError> {
    for (credentials, request) in tries {
        let exchange = ask(bench, &request)?;
        let location = exchange.reply.as_ref().and_then(|reply| reply.header("location"));
        found.tries.push(Guarded {
            route: format!("{} {}", request.method, request.path),
            credentials,
            status: exchange.status(),
            login: location.is_some_and(is_login),
            proven,
        });
    }
    Ok(())
}

fn carries(plan: &RunAuthentication, name: &str) -> bool {
    let is = |other: &str| name.eq_ignore_ascii_case(other);
    CREDENTIALS.iter().any(|other| is(other)) || plan.headers.iter().any(|other| is(other))
}

fn without(plan: &RunAuthentication, request: &Ask) -> Ask {
    let mut request = request.clone();
    request.headers.retain(|(name, _)| !carries(plan, name));
    request
}

/// Values that must not open the door which this one opens.
fn forged(value: &str) -> Vec<(Credentials, String)> {
    let bearer = value.get(..7).is_some_and(|scheme| scheme.eq_ignore_ascii_case("bearer "));
    if bearer {
        let part = |text: &str| base64(text.as_bytes()).trim_end_matches('=').replace('+', "-").replace('/', "_");
        let claims = r#"{"sub":"admin","name":"admin","role":"admin","scope":"admin","exp":4102444800}"#;
        let unsigned = format!("Bearer {}.{}.", part(r#"{"alg":"none","typ":"JWT"}"#), part(claims));
        return vec![
            (Credentials::Empty, "Bearer ".to_owned()),
            (Credentials::Garbage, "Bearer gonogo-made-up".to_owned()),
            (Credentials::BrokenToken, "Bearer a.b.c".to_owned()),
            (Credentials::UnsignedToken, unsigned),
        ];
    }
    let basic = value.get(..6).is_some_and(|scheme| scheme.eq_ignore_ascii_case("basic "));
    if basic {
        let made_up = format!("Basic {}", base64(b"gonogo:made-up"));
        return vec![
            (Credentials::Empty, "Basic ".to_owned()),
            (Credentials::Garbage, made_up),
            (Credentials::BrokenToken, "Basic %%%".to_owned()),
        ];
    }
    vec![(Credentials::Empty, String::new()), (Credentials::Garbage, "gonogo-made-up".to_owned())]
}

/// It is listed, or it is one of the paths by which orchestrators ask.
fn is_public(plan: &RunAuthentication, run: &Run, request: &Ask) -> bool {
    let path = request.path.split('?').next().unwrap_or_default();
    let probes = [&run.probes.readiness, &run.probes.liveness, &run.probes.health, &run.probes.metrics];
    let own = run.openapi.as_deref() == Some(path);
    own || probes.into_iter().flatten().any(|probe| probe == path)
        || plan.public.iter().any(|route| covers(route, &request.method, path))
}

/// `/health`, `GET /items/*`.
fn covers(route: &str, method: &str, path: &str) -> bool {
    let (of, pattern) = route.split_once(' ').map_or((None, route), |(of, pattern)| (Some(of), pattern.trim()));
    if of.is_some_and(|of| !of.eq_ignore_ascii_case(method)) {
        return false;
    }
    pattern.strip_suffix('*').map_or(pattern == path, |begin| path.starts_with(begin))
}

fn is_login(location: &str) -> bool {
    let location = location.to_ascii_lowercase();
    ["login", "signin", "sign-in", "sign_in", "auth", "sso"].iter().any(|word| location.contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(route: &str, method: &str, path: &str, expect: bool) {
        assert_eq!(covers(route, method, path), expect, "{route}");
    }

    #[test]
    fn a_public_route_covers_what_it_says_and_no_more() {
        check("/health", "GET", "/health", true);
        check("/health", "GET", "/healthy", false);
        check("/items/*", "DELETE", "/items/7", true);
        check("GET /items/*", "DELETE", "/items/7", false);
        check("get /items/*", "GET", "/items/7", true);
    }

    #[test]
    fn forged_credentials_keep_the_scheme() {
        assert_eq!(forged("Bearer right").len(), 4);
        assert!(
            forged("bearer right").iter().all(|(_, value)| value.starts_with("Bearer ") && !value.contains("right"))
        );
        assert!(forged("Basic cmlnaHQ=").iter().all(|(_, value)| value.starts_with("Basic ")));
        assert_eq!(forged("right").last().map(|one| one.1.as_str()), Some("gonogo-made-up"));
    }
}
