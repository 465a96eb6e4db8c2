//! `[service.NAME.run]`: how to start a service, and what stands around it.

use std::time::Duration;

use gonogo_domain::{
    Behind, Digest, Encoding, LogLevel, LogLevelWay, Probes, Run, RunAuthentication, RunDependency, RunLimits,
    RunMigrations, RunReload, RunRequest, RunWebhook, Written,
};

use super::table::Table;

/// What a start and an end may take where nothing is stated: what Kubernetes grants an end.
const PATIENCE: Duration = Duration::from_secs(30);

/// Requests a second where nothing is stated.
const RATE: f64 = 20.0;

/// How old a signed delivery may be where nothing is stated: what Stripe, Slack and Standard Webhooks say.
const TOLERANCE: Duration = Duration::from_mins(5);

/// Signals that a service may give a meaning of its own.
const SIGNALS: [&str; 5] = ["SIGHUP", "SIGUSR1", "SIGUSR2", "SIGTTIN", "SIGTTOU"];

/// A change of configuration may take so long where nothing is stated: watchers that ask do so every few seconds.
const RELOAD: Duration = Duration::from_secs(15);

const METHODS: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

pub(super) fn run(table: &Table<'_>) -> Option<Run> {
    let run = Run {
        place: table.place().clone(),
        command: table.texts("command"),
        image: table.text("image"),
        build: table.texts("build"),
        directory: table.text("directory").unwrap_or_else(|| ".".to_owned()),
        environment: table.text_map("environment"),
        attach: table.text("attach"),
        allow: table.texts("allow"),
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
        openapi: table.text("openapi"),
        log_level: table.table("log_level").and_then(|table| log_level(&table)),
        authentication: table.table("authentication").map(|table| authentication(&table)),
        webhook: table.table("webhook").and_then(|table| webhook(&table)),
        limits: table.table("limits").map(|table| limits(&table)).unwrap_or_default(),
        migrations: table.table("migrations").and_then(|table| migrations(&table)),
        reload: table.table("reload").and_then(|table| reload(&table)),
    };
    table.finish();
    if (run.command.is_empty() && run.image.is_none()) == run.attach.is_none() {
        table.error(
            "command",
            "either `command` starts the service, or `image`, or `attach` says where it runs already",
        );
        return None;
    }
    let secret = run.webhook.as_ref().map(|webhook| &webhook.secret);
    if let Some(name) = secret.filter(|name| run.attach.is_none() && !run.environment.contains_key(*name)) {
        table.error(
            "webhook",
            &format!("`environment` has no variable {name}, which is to hold the secret of the webhook"),
        );
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

/// Nothing is written but below the folder that a run makes for itself.
fn is_in_scratch(file: &str) -> bool {
    file.strip_prefix("{scratch}/").is_some_and(|rest| !rest.is_empty() && !rest.contains(".."))
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
    if file.as_ref().is_some_and(|file| !is_in_scratch(file)) {
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

fn migrations(table: &Table<'_>) -> Option<RunMigrations> {
    let (up, down, schema) = (table.texts("up"), table.texts("down"), table.texts("schema"));
    let environment = table.text_map("environment");
    table.finish();
    if up.is_empty() || down.is_empty() {
        table.error("up", "migrations need two commands: `up`, all the way there, and `down`, all the way back");
        return None;
    }
    Some(RunMigrations { place: table.place().clone(), up, down, schema, environment })
}

fn request(table: &Table<'_>) -> Option<RunRequest> {
    let (headers, body) = (table.text_map("headers"), table.text("body"));
    let weight = table.number("weight").unwrap_or(1);
    let (method, path) = (method(table, "GET"), path(table));
    let (lookup, key) = (table.text("lookup"), table.text("key"));
    table.finish();
    if lookup.as_ref().is_some_and(|lookup| !lookup.starts_with('/') && lookup != "{key}") {
        table.error("lookup", "a path begins with /, or is the {key} itself");
        return None;
    }
    if lookup.as_ref().is_some_and(|lookup| lookup.contains("{key}")) && key.is_none() {
        table.error("lookup", "`key` says where the answer names what was created: \"/id\" in its JSON, or a header");
        return None;
    }
    let place = table.place().clone();
    Some(RunRequest { place, method: method?, path: path?, headers, body, weight, lookup, key })
}

/// The method, in upper case; the usual one where none is stated.
fn method(table: &Table<'_>, usual: &str) -> Option<String> {
    let method = table.text("method").map_or_else(|| usual.to_owned(), |method| method.to_uppercase());
    if !METHODS.contains(&method.as_str()) {
        table.error("method", &format!("`method` is none of {}", METHODS.join(", ")));
        return None;
    }
    Some(method)
}

fn path(table: &Table<'_>) -> Option<String> {
    let path = table.required_text("path")?;
    if !path.starts_with('/') {
        table.error("path", "a path begins with /");
        return None;
    }
    Some(path)
}

fn log_level(table: &Table<'_>) -> Option<LogLevel> {
    let (signal, back) = (table.text("signal"), table.text("signal_back"));
    let (file, content) = (table.text("file"), table.text("content"));
    let stated = table.place_of("path").is_some();
    let request = stated.then(|| (method(table, "PUT"), path(table), table.text_map("headers"), table.text("body")));
    if !stated {
        // Known keys all the same.
        let _ = (table.place_of("method"), table.place_of("headers"), table.place_of("body"));
    }
    let (more, usual) = (table.text("more"), table.text("usual"));
    table.finish();
    let mut ways = Vec::new();
    if let Some((method, path, headers, body)) = request {
        ways.push(LogLevelWay::Request { method: method?, path: path?, headers, body });
    }
    for name in signal.iter().chain(&back) {
        if !SIGNALS.contains(&name.as_str()) {
            table.error("signal", &format!("a signal is one of {}", SIGNALS.join(", ")));
            return None;
        }
    }
    ways.extend(signal.map(|more| LogLevelWay::Signal { more, usual: back }));
    if file.as_ref().is_some_and(|file| !is_in_scratch(file)) {
        table.error("file", "`file` is a file in {scratch}: nothing else is written to");
        return None;
    }
    let content = content.unwrap_or_else(|| "{level}".to_owned());
    ways.extend(file.map(|path| LogLevelWay::File { path, content }));
    if ways.len() != 1 {
        table.error("path", "the level is changed by one of three: `path` of a request, `signal`, or `file`");
        return None;
    }
    Some(LogLevel {
        place: table.place().clone(),
        way: ways.pop()?,
        more: more.unwrap_or_else(|| "debug".to_owned()),
        usual: usual.unwrap_or_else(|| "info".to_owned()),
    })
}

fn authentication(table: &Table<'_>) -> RunAuthentication {
    let public = table.texts("public");
    let headers = table.texts("headers").iter().map(|name| name.to_ascii_lowercase()).collect();
    table.finish();
    for route in &public {
        if !route.rsplit(' ').next().is_some_and(|path| path.starts_with('/')) {
            table.error(
                "public",
                &format!("`{route}` is no route: /PATH, or METHOD /PATH; at the end, * stands for anything"),
            );
        }
    }
    RunAuthentication { place: table.place().clone(), public, headers }
}

fn webhook(table: &Table<'_>) -> Option<RunWebhook> {
    let (method, path) = (method(table, "POST"), path(table));
    let (secret, header) = (table.required_text("secret"), table.required_text("header"));
    let digest = table.choice("digest", &[("sha256", Digest::Sha256), ("sha512", Digest::Sha512)]);
    let encoding = table.choice("encoding", &[("hex", Encoding::Hex), ("base64", Encoding::Base64)]);
    let webhook = RunWebhook {
        place: table.place().clone(),
        method: method.unwrap_or_default(),
        path: path.clone().unwrap_or_default(),
        secret: secret.clone().unwrap_or_default(),
        header: header.clone().unwrap_or_default(),
        prefix: table.text("prefix").unwrap_or_default(),
        digest: digest.unwrap_or(Digest::Sha256),
        encoding: encoding.unwrap_or(Encoding::Hex),
        signed: table.text("signed").unwrap_or_else(|| "{body}".to_owned()),
        timestamp: table.text("timestamp_header"),
        id: table.text("id_header"),
        tolerance: time(table, "tolerance").unwrap_or(TOLERANCE),
        headers: table.text_map("headers"),
        body: table.text("body").unwrap_or_else(|| r#"{"id": "{id}"}"#.to_owned()),
    };
    table.finish();
    if !webhook.signed.contains("{body}") {
        table.error("signed", "what is signed holds {body}: a signature that does not cover the body protects nothing");
        return None;
    }
    if webhook.signed.contains("{timestamp}") && !webhook.has_time() {
        table.error("signed", "{timestamp} is signed, and neither `timestamp_header` nor `prefix` carries it");
        return None;
    }
    if webhook.signed.contains("{id}") && webhook.id.is_none() {
        table.error("signed", "{id} is signed, and no `id_header` carries it");
        return None;
    }
    let complete = !webhook.method.is_empty() && path.is_some() && secret.is_some() && header.is_some();
    complete.then_some(webhook)
}

fn dependency(name: String, table: &Table<'_>) -> Option<RunDependency> {
    let http = table.bool("http").is_some_and(|(http, _)| http);
    let tls = table.bool("tls").is_some_and(|(tls, _)| tls);
    let hard = table.bool("hard").is_some_and(|(hard, _)| hard);
    let (address, command) = (table.text("address"), table.texts("command"));
    let environment = table.text_map("environment");
    let answers: Vec<Written> = table.tables("answer").iter().filter_map(written).collect();
    let partial: Vec<Written> = table.tables("partial").iter().filter_map(written).collect();
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
    if tls && !http {
        table.error("tls", "TLS is ended before a dependency that speaks HTTP: `http = true`");
        return None;
    }
    Some(RunDependency { place: table.place().clone(), name, http, tls, behind, partial, hard, bound })
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
