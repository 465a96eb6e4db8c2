//! Where health is asked, which route answers, and what its handler reaches.

use std::collections::BTreeSet;

use gonogo_domain::{
    Evidence, Missing, Place,
    evidence::{
        FunctionId, Healthcheck, InstructionKind, Meaning, Operation, Probe, ProbeAction, ServedRoute, SourceCode,
        Unfollowed, Use,
    },
};

use super::program;

/// The paths that probes, `HEALTHCHECK`s and API descriptions ask, with the places that say so.
pub(crate) fn asked(evidence: &Evidence<'_>) -> Result<Vec<(Place, String)>, Missing> {
    let mut asked: Vec<(Place, String)> = Vec::new();
    // Where it is, a compose file for developers knows as well.
    for workload in evidence.workloads()? {
        for container in workload.main_containers() {
            for probe in [&container.readiness, &container.liveness, &container.startup].into_iter().flatten() {
                asked.extend(path(probe).map(|path| (probe.place.clone(), path)));
            }
        }
    }
    for image in evidence.images()? {
        let probe = image.effective(|instruction| match &instruction.kind {
            InstructionKind::Healthcheck(Healthcheck::Probe(probe)) => Some(probe.clone()),
            _ => None,
        });
        if let Some(probe) = probe {
            asked.push((probe.place.clone(), path(&probe).unwrap_or_else(|| "HEALTHCHECK".to_owned())));
        }
    }
    for api in evidence.apis()? {
        let health = |one: &&Operation| match one.method.as_str() {
            "GET" => looks_like_health(&one.path),
            _ => one.path.starts_with("grpc.health."),
        };
        for operation in api.operations.iter().filter(health) {
            asked.push((operation.place.clone(), operation.path.clone()));
        }
    }
    Ok(asked)
}

fn path(probe: &Probe) -> Option<String> {
    match &probe.action {
        ProbeAction::Http { path, .. } => Some(path.clone()),
        ProbeAction::Grpc { .. } => Some(GRPC.to_owned()),
        ProbeAction::Exec { command } => asked_by(command),
        ProbeAction::Tcp { .. } => None,
    }
}

/// What a command asks: the path of its address, or the protocol that its tool speaks.
fn asked_by(command: &[String]) -> Option<String> {
    let words =
        || command.iter().flat_map(|part| part.split_whitespace()).map(|word| word.trim_matches(['"', '\'', ';']));
    if words().any(|word| word.ends_with("grpc_health_probe")) {
        return Some(GRPC.to_owned());
    }
    let path = |address: &str| address.find('/').and_then(|at| address.get(at..)).unwrap_or("/").to_owned();
    words().find_map(|word| {
        let address = word.split_once("://").filter(|(scheme, _)| scheme.starts_with("http")).map(|(_, rest)| rest);
        let local = || Some(word).filter(|word| word.starts_with("localhost:") || word.starts_with("127.0.0.1:"));
        address.map(path).or_else(|| local().filter(|word| word.contains('/')).map(path))
    })
}

/// A part of the path is a word of health; `status` and the like alone, because anything has one.
pub(crate) fn looks_like_health(path: &str) -> bool {
    const WORDS: &[&str] = &[
        "health",
        "healthz",
        "healthy",
        "_healthz",
        "healthcheck",
        "health-check",
        "health_check",
        "_health",
        "livez",
        "live",
        "liveness",
        "alive",
        "readyz",
        "ready",
        "readiness",
    ];
    let lower = path.to_ascii_lowercase();
    let parts: Vec<&str> = lower.split('/').filter(|part| !part.is_empty()).collect();
    parts.iter().any(|part| WORDS.contains(part))
        || matches!(parts.as_slice(), ["status" | "_status" | "ping" | "up"] | ["api", "status"])
        || matches!(parts.as_slice(), ["api", version, "status"] if is_version(version))
}

/// `v1`, `v2beta1`
fn is_version(part: &str) -> bool {
    part.strip_prefix('v').is_some_and(|rest| rest.starts_with(|first: char| first.is_ascii_digit()))
}

/// The routes that a library of health checks serves by itself: one for all checks (`MapHealthChecks`), or one for those of
/// a kind, whose class has the method that asks (`@Readiness`).
fn by_library(source: &SourceCode) -> Vec<ServedRoute> {
    let mut routes: Vec<ServedRoute> = Vec::new();
    let served = |one: &Use, path: &str, handler: Option<FunctionId>| ServedRoute {
        method: Some("GET".to_owned()),
        path: path.to_owned(),
        handler,
        guards: Vec::new(),
        place: one.place.clone(),
        role: one.role,
    };
    for one in program::used(source, Meaning::HealthCheck) {
        if matches!(program::default(one, "reports"), "each check" | "that it runs")
            && let Some(path) = one.settings.get("path").and_then(|setting| setting.value.text())
        {
            routes.push(served(one, path, None));
        }
        let path = program::default(one, "serves");
        if path.starts_with('/') && !path.contains(' ') {
            routes.extend(one.wraps.iter().map(|handler| served(one, path, Some(*handler))));
        }
    }
    // The kind of which the program has no check answers yes.
    for one in program::used(source, Meaning::HealthCheck) {
        let path = program::default(one, "beside");
        if !path.is_empty() && !routes.iter().any(|route| route.path == path) {
            routes.push(served(one, path, None));
        }
    }
    routes
}

/// What a route that a library serves by itself asks; none where the program serves it.
fn library_asks<'a>(source: &'a SourceCode, route: &ServedRoute) -> Option<Vec<&'a Use>> {
    let at = program::used(source, Meaning::HealthCheck).find(|one| one.place == route.place)?;
    if route.handler.is_some() {
        return None;
    }
    let all = program::default(at, "reports") == "each check";
    let asks = program::used(source, Meaning::HealthCheck).filter(|one| !program::default(one, "asks").is_empty());
    Some(asks.filter(|_| all).collect())
}

/// What the answer of a route rests on.
pub(crate) fn asks_of<'a>(source: &'a SourceCode, route: &ServedRoute) -> Vec<&'a Use> {
    match route.handler {
        Some(handler) => asks(source, handler),
        None => library_asks(source, route).unwrap_or_default(),
    }
}

/// Where the trail of a route ends, and at what.
pub(crate) fn end_of(source: &SourceCode, route: &ServedRoute) -> Option<(Place, String)> {
    match route.handler {
        Some(handler) => {
            let end = trail_end(source, handler)?;
            Some((end.place.clone(), end.symbol.trim_start_matches('.').to_owned()))
        }
        None => library_asks(source, route).is_none().then(|| (route.place.clone(), route.path.clone())),
    }
}

/// The routes that answer at a path; one whose prefix was not followed answers too.
pub(crate) fn routes_at(source: &SourceCode, path: &str) -> Vec<ServedRoute> {
    let wanted = plain(path);
    let own = source.routes.iter().filter(|route| route.role.counts()).cloned();
    let all: Vec<ServedRoute> = own.chain(by_library(source)).collect();
    let routes = || all.iter().cloned();
    let exact: Vec<ServedRoute> = routes().filter(|route| plain(&route.path) == wanted).collect();
    if !exact.is_empty() || wanted.is_empty() {
        return exact;
    }
    routes()
        .filter(|route| {
            let own = plain(&route.path);
            !own.is_empty() && wanted.strip_suffix(own).is_some_and(|before| before.ends_with('/'))
        })
        .collect()
}

/// Two ways to write one path.
pub(crate) fn same(one: &str, other: &str) -> bool {
    plain(one) == plain(other) && !plain(one).is_empty()
}

fn plain(path: &str) -> &str {
    path.split(['?', '#']).next().unwrap_or_default().trim_matches('/')
}

/// Every route of the program that answers for health: those that are asked, and those that are named like it.
pub(crate) fn routes(source: &SourceCode, asked: &[(Place, String)]) -> Vec<ServedRoute> {
    let mut routes: Vec<ServedRoute> = asked.iter().flat_map(|(_, path)| routes_at(source, path)).collect();
    let library = by_library(source);
    let named = source.routes.iter().chain(&library).filter(|route| {
        let asks = route.method.as_deref().is_none_or(|method| matches!(method, "GET" | "HEAD"));
        route.role.counts() && asks && looks_like_health(&route.path)
    });
    routes.extend(named.cloned());
    let mut seen = BTreeSet::new();
    routes.retain(|route| seen.insert((route.place.clone(), route.path.clone(), route.handler)));
    routes
}

/// The service of gRPC that probes ask.
pub(crate) const GRPC: &str = "grpc.health.v1.Health";

/// Health is asked, or could only be asked, over gRPC.
pub(crate) fn speaks_grpc(source: &SourceCode, asked: &[(Place, String)]) -> bool {
    let mut servers = program::used(source, Meaning::Listen).peekable();
    let only = servers.peek().is_some() && servers.all(|one| program::default(one, "kind") == "grpc");
    only || asked.iter().any(|(_, path)| path == GRPC)
}

/// The methods of the program that answer gRPC's question for health, as routes.
pub(crate) fn grpc_routes(source: &SourceCode) -> Vec<ServedRoute> {
    let functions = source.functions.iter().enumerate().filter(|(_, one)| one.role.counts() && one.parameters >= 2);
    let checks =
        functions.filter(|(_, one)| one.name.rsplit('.').next().is_some_and(|name| matches!(name, "Check" | "check")));
    checks
        .map(|(at, one)| ServedRoute {
            method: Some("gRPC".to_owned()),
            path: format!("{GRPC}/Check"),
            handler: Some(at),
            guards: Vec::new(),
            place: one.place.clone(),
            role: one.role,
        })
        .collect()
}

/// `GET /healthz`.
pub(crate) fn title(route: &ServedRoute) -> String {
    format!("{} /{}", route.method.as_deref().unwrap_or("GET"), plain(&route.path))
}

/// What a handler asks of others: calls that leave the process, and what libraries of health checks ask.
fn asks(source: &SourceCode, handler: FunctionId) -> Vec<&Use> {
    let uses = source.uses_of(handler).map(|(_, one)| one);
    uses.filter(|one| {
        one.meaning.is_outbound() || one.meaning == Meaning::HealthCheck && !program::default(one, "asks").is_empty()
    })
    .collect()
}

/// Where the trail of a handler ends: a call that may ask something, and was not followed.
fn trail_end(source: &SourceCode, handler: FunctionId) -> Option<&Unfollowed> {
    source.reached(handler).into_iter().find_map(|at| {
        let function = source.functions.get(at)?;
        // What a handler is called with is its request and its answer.
        function.unfollowed.iter().find(|one| !(one.on_parameter && at == handler))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_status_of_a_version_of_an_api_is_its_health_and_that_of_a_thing_is_not() {
        let check = |path: &str, expect: bool| assert_eq!(looks_like_health(path), expect, "{path}");
        check("api/v3/status/", true);
        check("/api/status", true);
        check("/api/orders/status", false);
        check("/orders/v1/status", false);
    }

    #[test]
    fn paths_of_health_are_told_from_others() {
        let check = |path: &str, expect: bool| assert_eq!(looks_like_health(path), expect, "{path}");
        check("/healthz", true);
        check("/actuator/health/readiness", true);
        check("/status", true);
        check("/status/{code}", false);
        check("/orders/{id}/status", false);
        check("/healthy-recipes", false);
    }

    #[test]
    fn commands_tell_what_they_ask() {
        let check = |command: &[&str], expect: Option<&str>| {
            let command: Vec<String> = command.iter().map(|word| (*word).to_owned()).collect();
            assert_eq!(asked_by(&command).as_deref(), expect, "{command:?}");
        };
        check(&["curl", "-H", "X-Synthetic: 1", "-f", "http://localhost:8080/health"], Some("/health"));
        check(&["podcli", "check", "http", "localhost:9898/readyz"], Some("/readyz"));
        check(&["sh", "-c", "curl -f http://localhost:80 || exit 1"], Some("/"));
        check(&["/bin/grpc_health_probe", "-addr=:8080"], Some("grpc.health.v1.Health"));
        check(&["pg_isready", "-U", "shop"], None);
    }
}
