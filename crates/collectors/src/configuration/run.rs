//! `[service.NAME.run]`: how to start a service, and what stands around it.

use std::time::Duration;

use gonogo_domain::{Behind, Probes, Run, RunDependency, RunLimits, RunReload, RunRequest, Written};

use super::table::Table;

/// What a start and an end may take where nothing is stated: what Kubernetes grants an end.
const PATIENCE: Duration = Duration::from_secs(30);

/// Requests a second where nothing is stated.
const RATE: f64 = 20.0;

/// A change of configuration may take so long where nothing is stated: watchers that ask do so every few seconds.
const RELOAD: Duration = Duration::from_secs(15);

const SIGNALS: [&str; 3] = ["HUP", "USR1", "USR2"];

const METHODS: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

pub(super) fn run(table: &Table<'_>) -> Option<Run> {
    let run = Run {
        place: table.place().clone(),
        command: table.texts("command"),
        build: table.texts("build"),
        directory: table.text("directory").unwrap_or_else(|| ".".to_owned()),
        environment: table.text_map("environment"),
        attach: table.text("attach"),
        port: table.number("port"),
        startup: time(table, "startup").unwrap_or(PATIENCE),
        grace: time(table, "grace").unwrap_or(PATIENCE),
        probes: table.table("probes").map(|table| probes(&table)).unwrap_or_default(),
        rate: table.float("rate").unwrap_or(RATE),
        requests: table.tables("request").iter().filter_map(request).collect(),
        dependencies: table
            .named_tables("dependency")
            .into_iter()
            .filter_map(|(name, table)| dependency(name, &table))
            .collect(),
        limits: table.table("limits").map(|table| limits(&table)).unwrap_or_default(),
        reload: table.table("reload").and_then(|table| reload(&table)),
    };
    table.finish();
    if run.command.is_empty() == run.attach.is_none() {
        table.error("command", "either `command` starts the service, or `attach` says where it runs already");
        return None;
    }
    if !(0.1..=1000.0).contains(&run.rate) {
        table.error("rate", "`rate` is not between 0.1 and 1000 requests a second");
        return None;
    }
    Some(run)
}

fn probes(table: &Table<'_>) -> Probes {
    let path = |key| {
        let path = table.text(key)?;
        if !path.starts_with('/') {
            table.error(key, "a path begins with /");
        }
        Some(path)
    };
    let probes = Probes {
        readiness: path("readiness"),
        liveness: path("liveness"),
        health: path("health"),
        metrics: path("metrics"),
    };
    table.finish();
    probes
}

fn limits(table: &Table<'_>) -> RunLimits {
    let positive = |key| {
        let number = table.float(key)?;
        if !(number.is_finite() && number > 0.0) {
            table.error(key, &format!("`{key}` is not above zero"));
        }
        Some(number)
    };
    let limits = RunLimits {
        p95: time(table, "p95"),
        p99: time(table, "p99"),
        errors: table.float("errors"),
        burst: table.number("burst"),
        client: table.text("client").map(|name| name.to_lowercase()),
        clients: table.texts("clients"),
        most: positive("most"),
    };
    table.finish();
    if limits.errors.is_some_and(|percent| !(0.0..=100.0).contains(&percent)) {
        table.error("errors", "`errors` is no percentage: from 0 to 100");
    }
    if limits.burst.is_some_and(|burst| !(10..=20_000).contains(&burst)) {
        table.error("burst", "`burst` is not between 10 and 20000 requests");
    }
    if limits.client.is_some() != (limits.clients.len() >= 2) {
        table.error("client", "`client` names the header by which clients are known, and `clients` two values of it");
    }
    limits
}

fn reload(table: &Table<'_>) -> Option<RunReload> {
    let (file, signal) = (table.text("file"), table.text("signal"));
    let (text, changed) = (table.text("text").unwrap_or_default(), table.text("changed").unwrap_or_default());
    let (path, expect) = (table.required_text("path"), table.text("expect"));
    let within = time(table, "within").unwrap_or(RELOAD);
    table.finish();
    if signal.as_ref().is_some_and(|name| !SIGNALS.contains(&name.as_str())) {
        table.error("signal", &format!("`signal` is none of {}", SIGNALS.join(", ")));
        return None;
    }
    if file.as_ref().is_some_and(|file| !file.starts_with("{scratch}/") || file.contains("..")) {
        table.error("file", "a file that is rewritten lies within {scratch}: `file = \"{scratch}/config.json\"`");
        return None;
    }
    if file.is_none() || text == changed {
        table.error("changed", "a reload needs a `file`, its `text`, and what it is `changed` to");
        return None;
    }
    let path = path?;
    if !path.starts_with('/') {
        table.error("path", "a path begins with /");
        return None;
    }
    Some(RunReload { place: table.place().clone(), file, text, changed, signal, path, expect, within })
}

fn request(table: &Table<'_>) -> Option<RunRequest> {
    let method = table.text("method").map_or_else(|| "GET".to_owned(), |method| method.to_uppercase());
    let (path, headers, body) = (table.required_text("path"), table.text_map("headers"), table.text("body"));
    let weight = table.number("weight").unwrap_or(1);
    let (lookup, key) = (table.text("lookup"), table.text("key"));
    table.finish();
    if !METHODS.contains(&method.as_str()) {
        table.error("method", &format!("`method` is none of {}", METHODS.join(", ")));
        return None;
    }
    let path = path?;
    if !path.starts_with('/') {
        table.error("path", "a path begins with /");
        return None;
    }
    if lookup.as_ref().is_some_and(|lookup| !lookup.starts_with('/') && lookup != "{key}") {
        table.error("lookup", "a path begins with /, or is the {key} itself");
        return None;
    }
    if lookup.as_ref().is_some_and(|lookup| lookup.contains("{key}")) && key.is_none() {
        table.error("lookup", "`key` says where the answer names what was created: \"/id\" in its JSON, or a header");
        return None;
    }
    Some(RunRequest { place: table.place().clone(), method, path, headers, body, weight, lookup, key })
}

fn dependency(name: String, table: &Table<'_>) -> Option<RunDependency> {
    let http = table.bool("http").is_some_and(|(http, _)| http);
    let (address, command) = (table.text("address"), table.texts("command"));
    let environment = table.text_map("environment");
    let answers: Vec<Written> = table.tables("answer").iter().filter_map(written).collect();
    let (latency, bound) = (time(table, "latency").unwrap_or_default(), time(table, "bound"));
    table.finish();
    let mut ways = Vec::new();
    ways.extend(address.map(Behind::Address));
    ways.extend((!command.is_empty()).then_some(Behind::Command { command, environment }));
    ways.extend((!answers.is_empty()).then_some(Behind::Answers { answers, latency }));
    if ways.len() != 1 {
        table.error(
            "address",
            "a dependency is one of three: `address` of one that runs, `command` that starts one, or [[…answer]]s",
        );
        return None;
    }
    let behind = ways.pop()?;
    if matches!(behind, Behind::Answers { .. }) && !http {
        table.error("http", "written answers are HTTP: `http = true`");
        return None;
    }
    Some(RunDependency { place: table.place().clone(), name, http, behind, bound })
}

fn written(table: &Table<'_>) -> Option<Written> {
    let method = table.text("method").map(|method| method.to_uppercase());
    let (path, status) = (table.required_text("path"), table.number("status").unwrap_or(200));
    let (headers, body) = (table.text_map("headers"), table.text("body").unwrap_or_default());
    table.finish();
    if !(200..600).contains(&status) {
        table.error("status", "`status` is not between 200 and 599");
        return None;
    }
    Some(Written { method, path: path?, status, headers, body })
}

fn time(table: &Table<'_>, key: &'static str) -> Option<Duration> {
    table.duration(key).and_then(|stated| Duration::try_from(stated.value).ok())
}
