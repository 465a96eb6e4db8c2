//! What gonogo.toml is read as, and which errors it shows.

use super::*;

fn errors(text: &str) -> Vec<String> {
    match Configuration::parse(&Arc::from(FILE), text, &["health.readiness", "data.backup"]) {
        Ok(_) => Vec::new(),
        Err(errors) => errors.iter().map(ToString::to_string).collect(),
    }
}

#[test]
fn every_error_is_shown_at_its_place() {
    let shown = errors(
        "[policy]\nwaiver_day = 3\n\n[service.shop]\ntier = 7\nstate = \"yes\"\nrecovery_point = \"soon\"\n\n[[waiver]]\ncheck = \"health.readines\"\nreason = \"\"\n",
    );
    insta::assert_snapshot!(shown.join("\n"), @r#"
    gonogo.toml:2: unknown key `waiver_day`; did you mean `waiver_days`?
    gonogo.toml:5: `tier` is none of 1, 2, 3
    gonogo.toml:6: `state` is not true or false
    gonogo.toml:7: `recovery_point` is not a time like "30s", "15m", "1h" or "7d"
    gonogo.toml:9: `approver` is missing
    gonogo.toml:9: `expires` is missing
    gonogo.toml:9: `granted` is missing
    gonogo.toml:9: `risk` is missing
    gonogo.toml:9: `ticket` is missing
    gonogo.toml:10: there is no check `health.readines`; did you mean `health.readiness`?
    gonogo.toml:11: `reason` is not a text that says something
    "#);
}

#[test]
fn a_complete_configuration_is_read() {
    let text = r#"
[policy]
override_approvers = ["cto"]
levels = { 3 = "L2" }

[service.shop]
path = "src/shop/"
class = "worker"
tier = 1
state = false
recovery_point = "15m"

[[service.shop.dependency]]
name = "db"
kind = "postgresql"
hard = true

[[service.shop.slo]]
name = "answers"
indicator = "availability"
target = 0.999
window = "28d"

[[waiver]]
check = "data.backup"
reason = "r"
risk = "low"
ticket = "T-1"
approver = "ann"
granted = 2026-01-01
expires = 2026-01-20
"#;
    let configuration = Configuration::parse(&Arc::from(FILE), text, &["data.backup"]).unwrap();
    let shop = configuration.service("shop").unwrap();
    assert_eq!(shop.path.as_deref(), Some("src/shop"));
    assert_eq!(shop.class, Some(Class::Worker));
    assert_eq!(shop.tier, Some(Tier::One));
    assert_eq!(shop.statements.recovery_point.as_ref().map(|stated| stated.value.as_secs()), Some(900));
    assert_eq!(shop.objectives[0].window_seconds.as_ref().map(|window| window.value), Some(28 * 86_400));
    assert_eq!(configuration.policy.level(Tier::Three), Level::L2);
    assert_eq!(configuration.waivers[0].expires.to_string(), "2026-01-20");
}

#[test]
fn broken_toml_is_one_error_with_its_line() {
    assert_eq!(errors("[service.shop]\ntier = \n").len(), 1);
}

fn run_of(text: &str) -> gonogo_domain::Run {
    let text =
        format!("[service.shop]\n[service.shop.run]\ncommand = [\"shop\"]\nenvironment = {{ KEY = \"k\" }}\n{text}");
    let configuration = Configuration::parse(&Arc::from(FILE), &text, &[]).unwrap();
    configuration.services[0].run.clone().unwrap()
}

#[test]
fn what_experiments_need_to_ask_is_read() {
    use gonogo_domain::{Digest, Encoding, LogLevelWay};
    let run = run_of(
        r#"
openapi = "api/openapi.yaml"
[service.shop.run.log_level]
path = "/admin/level"
body = '{"level": "{level}"}'
[service.shop.run.authentication]
public = ["/health", "GET /items/*"]
headers = ["X-Token"]
[service.shop.run.webhook]
path = "/hook"
secret = "KEY"
header = "stripe-signature"
prefix = "t={timestamp},v1="
signed = "{timestamp}.{body}"
encoding = "base64"
"#,
    );
    assert_eq!(run.openapi.as_deref(), Some("api/openapi.yaml"));
    let level = run.log_level.unwrap();
    assert_eq!((level.more.as_str(), level.usual.as_str()), ("debug", "info"));
    assert!(matches!(level.way, LogLevelWay::Request { method, .. } if method == "PUT"));
    assert_eq!(run.authentication.unwrap().headers, ["x-token"]);
    let webhook = run.webhook.unwrap();
    assert_eq!((webhook.digest, webhook.encoding, webhook.has_time()), (Digest::Sha256, Encoding::Base64, true));
    let by_signal = run_of("[service.shop.run.log_level]\nsignal = \"SIGUSR1\"\nsignal_back = \"SIGUSR2\"\n");
    assert!(matches!(by_signal.log_level.unwrap().way, LogLevelWay::Signal { usual: Some(_), .. }));
}

#[track_caller]
fn check_run(text: &str, expect: &str) {
    let run = "[service.shop]\n[service.shop.run]\ncommand = [\"shop\"]\nenvironment = { KEY = \"k\" }\n";
    assert_eq!(errors(&format!("{run}[service.shop.run.{text}")).join("\n"), expect);
}

#[test]
fn what_experiments_cannot_ask_with_is_said_at_its_place() {
    check_run(
        "log_level]\nsignal = \"SIGKILL\"\n",
        "gonogo.toml:6: a signal is one of SIGHUP, SIGUSR1, SIGUSR2, SIGTTIN, SIGTTOU",
    );
    check_run(
        "log_level]\nsignal = \"SIGHUP\"\npath = \"/level\"\n",
        "gonogo.toml:7: the level is changed by one of three: `path` of a request, `signal`, or `file`",
    );
    check_run(
        "log_level]\nfile = \"/etc/level\"\n",
        "gonogo.toml:6: `file` is a file in {scratch}: nothing else is written to",
    );
    check_run(
        "log_level]\nfile = \"{scratch}/../level\"\n",
        "gonogo.toml:6: `file` is a file in {scratch}: nothing else is written to",
    );
    check_run(
        "log_level]\nmethod = \"PUT\"\n",
        "gonogo.toml:5: the level is changed by one of three: `path` of a request, `signal`, or `file`",
    );
    check_run(
        "authentication]\npublic = [\"GET health\"]\n",
        "gonogo.toml:6: `GET health` is no route: /PATH, or METHOD /PATH; at the end, * stands for anything",
    );
    check_run(
        "webhook]\npath = \"/h\"\nsecret = \"KEZ\"\nheader = \"x-s\"\n",
        "gonogo.toml:5: `environment` has no variable KEZ, which is to hold the secret of the webhook",
    );
    check_run(
        "webhook]\npath = \"h\"\nheader = \"x-s\"\nsigned = \"{id}{body}\"\n",
        "gonogo.toml:5: `secret` is missing\ngonogo.toml:6: a path begins with /\ngonogo.toml:8: {id} is signed, and no `id_header` carries it",
    );
    check_run(
        "webhook]\npath = \"/h\"\nsecret = \"KEY\"\nheader = \"x-s\"\nsigned = \"{timestamp}\"\n",
        "gonogo.toml:9: what is signed holds {body}: a signature that does not cover the body protects nothing",
    );
}

const RUN: &str = r#"
[service.shop]
[service.shop.run]
command = ["node", "main.js"]
[service.shop.run.limits]
p95 = "200ms"
p99 = "300ms"
errors = 0.5
burst = 400
client = "X-Api-Key"
clients = ["one", "two"]
[service.shop.run.reload]
file = "{scratch}/shop.json"
text = "old"
changed = "new"
signal = "SIGHUP"
path = "/banner"
[[service.shop.run.request]]
method = "post"
path = "/orders"
body = '{"id": "{id}"}'
lookup = "/orders/{key}"
key = "/id"
"#;

#[test]
fn what_load_and_reload_need_is_read() {
    let configuration = Configuration::parse(&Arc::from(FILE), RUN, &[]).unwrap();
    let run = configuration.service("shop").unwrap().run.as_ref().unwrap();
    let limits = &run.limits;
    assert_eq!(
        (limits.p99.map(|time| time.as_millis()), limits.errors, limits.burst),
        (Some(300), Some(0.5), Some(400))
    );
    assert_eq!((limits.client.as_deref(), limits.clients.len()), (Some("x-api-key"), 2));
    let reload = run.reload.as_ref().unwrap();
    assert_eq!((reload.file.as_deref(), reload.within.as_secs()), (Some("{scratch}/shop.json"), 15));
    assert_eq!(
        (run.requests[0].lookup.as_deref(), run.requests[0].key.as_deref()),
        (Some("/orders/{key}"), Some("/id"))
    );
}

#[test]
fn what_load_and_reload_cannot_use_is_an_error_at_its_place() {
    let wrong = RUN
        .replace("errors = 0.5", "errors = 500")
        .replace("burst = 400", "burst = 1")
        .replace("\"two\"]", "]")
        .replace("{scratch}/shop.json", "/etc/shop.json")
        .replace("key = \"/id\"", "");
    let found = errors(&wrong);
    let places: Vec<&str> = found.iter().map(|error| error.split(' ').next().unwrap_or_default()).collect();
    assert_eq!(places.len(), 5, "{found:?}");
    for part in
        ["no percentage", "between 10 and 20000", "two values of it", "lies within {scratch}", "names what was created"]
    {
        assert!(found.iter().any(|error| error.contains(part)), "{part}: {found:?}");
    }
}
