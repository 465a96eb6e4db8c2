//! `gonogo rollout` for real: HAProxy, servers, load, and kills.

mod evidence;
mod gates;
mod prometheus;
mod service;

use std::{
    fs,
    path::PathBuf,
    process::{Child, Command, ExitStatus, Output, Stdio},
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;

use crate::{slo::server::past, support::gonogo};
use service::{Fault, Stage};

/// Waits until it is so, for twenty seconds.
#[track_caller]
fn until(what: &str, so: impl Fn() -> bool) {
    let end = Instant::now() + Duration::from_secs(20);
    while !so() {
        assert!(Instant::now() < end, "{what}: not within twenty seconds");
        thread::sleep(Duration::from_millis(10));
    }
}

/// Seconds where a real one has minutes.
fn file(stage: &Stage) -> String {
    format!(
        r#"
name = "shop"
environment = "staging"
every = "250ms"
warm_up = "300ms"
share_tolerance = 8
[release]
revision = "2.0"
cause = "a test"
[[step]]
share = 10
watch = "2s"
at_most = "20s"
[[step]]
share = 50
watch = "1s"
at_most = "20s"
[after]
watch = "1500ms"
[deadlines]
ready = "15s"
rollback = "15s"
[driver.haproxy]
socket = "{}"
backend = "app"
[driver.haproxy.groups]
blue = ["blue1", "blue2"]
green = ["green1"]
[driver.haproxy.version]
path = "/version"
[metrics]
path = "/metrics"
[[gate]]
name = "errors"
kind = "errors"
haproxy = "server-errors"
worse_by = 10
[[gate]]
name = "throttled"
kind = "errors"
total = "requests_total"
bad_labels = {{ status = "429" }}
worse_by = 10
[[gate]]
name = "refused"
kind = "errors"
total = "requests_total"
bad_labels = {{ status = "401|403" }}
worse_by = 10
[[gate]]
name = "latency"
kind = "latency"
histogram = "request_seconds"
worse_by = 25
"#,
        stage.socket().display()
    )
}

struct Played {
    stage: Stage,
    path: PathBuf,
}

impl Played {
    fn new(fault: Fault) -> Self {
        Self::with(fault, file)
    }

    /// With this rollout file.
    fn with(fault: Fault, file: impl Fn(&Stage) -> String) -> Self {
        let stage = Stage::new(fault);
        assert_eq!(stage.addresses().len(), 3);
        let path = stage.folder.path().join("rollout.toml");
        fs::write(&path, file(&stage)).expect("it can be written");
        Self { stage, path }
    }

    /// The gate of this name as it stands.
    fn gate(&self, name: &str) -> Value {
        let state = self.state().unwrap_or_default();
        let gates = state["plan"]["gates"].as_array().map(Vec::as_slice).unwrap_or_default();
        let place = gates.iter().position(|gate| gate["name"] == name);
        place.map_or(Value::Null, |place| state["gates"][place].clone())
    }

    fn command(&self, verb: &str, more: &[&str]) -> Command {
        let mut command = gonogo();
        command.args(["rollout", verb]).arg(&self.path).args(more).env("GONOGO_USER", "ann");
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    fn run(&self, verb: &str, more: &[&str]) -> Output {
        self.command(verb, more).output().expect("gonogo runs")
    }

    fn start(&self) -> Child {
        let mut command = self.command("start", &[]);
        command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("gonogo starts")
    }

    fn state(&self) -> Option<Value> {
        let text = fs::read(self.stage.folder.path().join(".gonogo/rollout/shop/state.json")).ok()?;
        Some(serde_json::from_slice::<Value>(&text).expect("a state is always whole")["state"].clone())
    }

    fn phase(&self) -> String {
        self.state().map_or_else(String::new, |state| match &state["phase"] {
            Value::String(phase) => phase.clone(),
            other => other.to_string(),
        })
    }

    /// What HAProxy has: the admin state and the weight of each server.
    fn world(&self) -> Vec<(String, String, String)> {
        use std::io::{Read as _, Write as _};
        let mut stream = std::os::unix::net::UnixStream::connect(self.stage.socket()).expect("the socket is there");
        stream.write_all(b"show servers state app\n").expect("it can be asked");
        let mut text = String::new();
        stream.read_to_string(&mut text).expect("it answers");
        let field = |line: &str, number| line.split(' ').nth(number).unwrap_or_default().to_owned();
        // What it was by configuration stays in the state as a bit (4) of its own.
        let admin = |line: &str| if field(line, 6).parse::<u32>().unwrap_or(0) & 0x2b == 0 { "ready" } else { "out" };
        let servers = text.lines().filter(|line| line.contains(" app "));
        servers.map(|line| (field(line, 3), admin(line).to_owned(), field(line, 7))).collect()
    }

    /// Only one of the two groups has traffic, and it is the one that the end says.
    #[track_caller]
    fn assert_ended(&self, phase: &str) {
        let world = self.world();
        for (name, admin, weight) in &world {
            let serves = name.starts_with(if phase == "promoted" { "green" } else { "blue" });
            assert_eq!(admin == "ready" && weight != "0", serves, "{phase}: {world:?}");
        }
        assert_eq!(self.phase(), phase);
    }
}

fn text(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

#[track_caller]
fn assert_code(output: &Output, code: i32) {
    assert_eq!(output.status.code(), Some(code), "{}", text(output));
}

#[test]
fn a_spent_budget_stops_a_release_before_it_touches_anything() {
    // An hour of one request a second with 10 % errors, then nine of a hundred without: 88.9 % of three nines are left.
    let prometheus = past(&[(60, 54, 6), (540, 6000, 0)]);
    let played = Played::new(Fault::default());
    let folder = played.stage.folder.path();
    let budget = format!("[budget]\nobjectives = \"slo\"\nprometheus = \"{}\"\n", prometheus.url());
    fs::write(&played.path, file(&played.stage) + &budget).expect("it can be written");
    fs::create_dir(folder.join("slo")).expect("a folder can be made");
    let objective = |target: &str| {
        fs::write(folder.join("slo/slo.yml"), crate::slo::objective(target)).expect("it can be written");
    };
    let before = played.world();
    objective("99.99");
    let stopped = played.run("start", &[]);
    assert_code(&stopped, 1);
    assert!(text(&stopped).contains("not started: FROZEN"), "{}", text(&stopped));
    assert_eq!((played.world(), played.state()), (before, None));
    let kept = fs::read_to_string(folder.join("slo/.gonogo/slo/decisions.jsonl")).expect("the decision is kept");
    assert!(kept.contains("\"verdict\":\"frozen\""), "{kept}");
    // What was frozen thaws above 5 %, and here 88.9 % are left.
    objective("99.9");
    let started = played.run("start", &[]);
    assert_code(&started, 0);
    assert!(text(&started).contains("PROMOTED: stable runs 2.0"), "{}", text(&started));
    let told = played.run("history", &["--json"]);
    assert!(text(&told).contains("budgets: PASS"), "{}", text(&told));
}

#[test]
fn a_good_release_reaches_everybody_and_can_be_undone() {
    let mut played = Played::new(Fault::default());
    let plan = played.run("plan", &["--measure", "1s"]);
    assert_code(&plan, 0);
    for part in ["1.0 → 2.0", "step 1: 10 %", "gives 10", "req/s this step sees errors above", "kept: 2.0"] {
        assert!(text(&plan).contains(part), "{part} is not in\n{}", text(&plan));
    }
    let output = played.run("start", &[]);
    assert_code(&output, 0);
    assert!(text(&output).contains("PROMOTED: stable runs 2.0"), "{}", text(&output));
    played.assert_ended("promoted");
    let state = played.state().expect("there is a state");
    for (share, asked) in state["shares"].as_array().expect("shares were measured").iter().zip([10.0, 50.0]) {
        let (canary, stable) = (share["canary"].as_f64().expect("a count"), share["stable"].as_f64().expect("a count"));
        let measured = canary / (canary + stable) * 100.0;
        assert!((measured - asked).abs() < 4.0, "{measured} % at {asked} %");
    }
    let again = played.run("start", &[]);
    assert_code(&again, 2);
    assert!(text(&again).contains("stable runs 2.0 already"), "{}", text(&again));
    let undone = played.run("undo", &["--why", "a feeling"]);
    assert_code(&undone, 1);
    assert!(text(&undone).contains("ROLLED BACK to 1.0: a feeling"), "{}", text(&undone));
    played.assert_ended("rolled-back");
    let outcome = played.stage.end();
    // What was under way when the load ended has no answer, and is no error of anybody.
    let answers: Vec<&String> = outcome.ended.keys().collect();
    assert_eq!(answers, ["200"], "users saw {:?} of {}", outcome.ended, outcome.due);
    // The way back was timed, and a review reads it.
    let folder = played.stage.folder.path().join(".gonogo/rehearsal");
    let records: Vec<_> = fs::read_dir(folder).expect("there is a record").flatten().collect();
    let [record] = records.as_slice() else { panic!("{records:?}") };
    let record: Value = serde_json::from_slice(&fs::read(record.path()).expect("it is there")).expect("it is JSON");
    assert_eq!((&record["after_promotion"], &record["to"]), (&Value::Bool(true), &Value::from("1.0")));
    let history = text(&played.run("history", &[]));
    for part in ["started: 1.0 to 2.0", "weights for 10 %", "promoted", "rolled back by ann: a feeling", "verified"] {
        assert!(history.contains(part), "{part} is not in\n{history}");
    }
}

/// A bad release is taken back, because of this gate.
#[track_caller]
fn check_bad(fault: Fault, gate: &str) {
    let played = Played::new(fault);
    let began = Instant::now();
    let output = played.run("start", &[]);
    assert_code(&output, 1);
    let text = text(&output);
    assert!(text.contains(&format!("ROLLED BACK to 1.0: {gate}: ")), "{text}");
    assert!(text.contains(" after the decision: 1.0, 2 of 2 ready, errors as before"), "{text}");
    played.assert_ended("rolled-back");
    assert!(began.elapsed() < Duration::from_secs(45), "{:?}", began.elapsed());
}

#[test]
fn a_release_with_server_errors_is_taken_back() {
    check_bad(Fault { every: 4, status: 500, ..Fault::default() }, "errors");
}

#[test]
fn a_release_that_is_throttled_is_taken_back() {
    check_bad(Fault { every: 4, status: 429, ..Fault::default() }, "throttled");
}

#[test]
fn a_release_that_refuses_its_users_is_taken_back() {
    check_bad(Fault { every: 4, status: 401, ..Fault::default() }, "refused");
}

#[test]
fn a_slow_release_is_taken_back() {
    check_bad(Fault { slow_every: 2, slower: Duration::from_millis(150), ..Fault::default() }, "latency");
}

fn kill(mut child: Child) -> ExitStatus {
    child.kill().expect("it can be killed");
    child.wait().expect("it ends")
}

/// Kills with -9 whenever one of these phases is seen for the first time, and then starts again.
#[track_caller]
fn check_killed(fault: Fault, phases: &[&str], end: &str) {
    let played = Played::new(fault);
    let mut child = played.start();
    for phase in phases {
        let seen = Instant::now() + Duration::from_secs(30);
        while played.phase() != *phase {
            assert!(Instant::now() < seen, "{phase} never came, it is {}", played.phase());
            thread::sleep(Duration::from_millis(2));
        }
        kill(child);
        child = played.start();
    }
    let code = child.wait().expect("it ends").code();
    assert_eq!(code, Some(i32::from(end == "rolled-back")), "{:?}", played.state());
    played.assert_ended(end);
    assert!(text(&played.run("history", &[])).contains("goes on where ann on "));
}

#[test]
fn killed_at_every_step_of_a_good_release_it_goes_on() {
    let phases = ["preparing", "{\"step\":0}", "{\"step\":1}", "watching"];
    check_killed(Fault::default(), &phases, "promoted");
}

#[test]
fn killed_while_it_goes_back_it_goes_on_going_back() {
    let fault = Fault { every: 2, status: 500, ..Fault::default() };
    check_killed(fault, &["{\"step\":0}", "verifying"], "rolled-back");
}

#[test]
fn killed_at_random_it_ends_in_one_of_two_ways() {
    let played = Played::new(Fault::default());
    let seed = std::process::id();
    let mut random = u64::from(seed);
    let began = Instant::now();
    for kills in 0.. {
        let mut child = played.start();
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let until = Instant::now() + Duration::from_millis(50 + (random >> 33) % 1500);
        while Instant::now() < until && child.try_wait().expect("it can be asked").is_none() {
            thread::sleep(Duration::from_millis(5));
        }
        if child.try_wait().expect("it can be asked").is_some() {
            break;
        }
        kill(child);
        if began.elapsed() > Duration::from_secs(12) {
            assert!(kills > 5, "seed {seed}: {kills} kills");
            assert!(played.start().wait().expect("it ends").code() == Some(0), "seed {seed}");
            break;
        }
    }
    assert_eq!(played.phase(), "promoted", "seed {seed}");
    played.assert_ended("promoted");
}

#[test]
fn the_second_gonogo_is_refused_by_the_name_of_the_first_and_persons_are_heard() {
    let played = Played::new(Fault::default());
    let first = played.start();
    until("it watches", || played.phase() == "{\"step\":0}");
    let second = played.run("start", &[]);
    assert_code(&second, 2);
    let said = text(&second);
    assert!(said.contains("driven by ann on ") && said.contains(&format!("(process {},", first.id())), "{said}");
    let paused = played.run("pause", &["--why", "lunch"]);
    assert_code(&paused, 0);
    assert!(text(&paused).contains("waits for a person: lunch, by ann"), "{}", text(&paused));
    let status = text(&played.run("status", &[]));
    for part in ["1.0 → 2.0", "waits for a person", "▶ 10 %", "errors", "driven by ann on"] {
        assert!(status.contains(part), "{part} is not in\n{status}");
    }
    let json: Value = serde_json::from_slice(&played.run("status", &["--json"]).stdout).expect("it is JSON");
    assert_eq!(json["state"]["hold"]["by"], "ann");
    let aborted = played.run("abort", &["--why", "no appetite"]);
    assert_code(&aborted, 0);
    let output = first.wait_with_output().expect("it ends");
    assert_eq!(output.status.code(), Some(1));
    played.assert_ended("rolled-back");
}

#[test]
fn a_rehearsal_goes_there_and_back_and_is_no_matter_of_production() {
    let played = Played::new(Fault::default());
    let output = played.run("rehearse", &[]);
    assert_code(&output, 0);
    assert!(text(&output).contains("ROLLED BACK to 1.0: a rehearsal"), "{}", text(&output));
    played.assert_ended("rolled-back");
    let text_of_file = fs::read_to_string(&played.path).expect("it is there");
    fs::write(&played.path, text_of_file.replace("\"staging\"", "\"production\"")).expect("it can be written");
    let refused = played.run("rehearse", &[]);
    assert_code(&refused, 2);
    assert!(text(&refused).contains("--in-production"), "{}", text(&refused));
}

#[test]
fn everything_that_is_wrong_with_a_file_is_said_at_once() {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let path = folder.path().join("rollout.toml");
    fs::write(
        &path,
        "name = \"a/b\"\nevry = \"1s\"\n[[step]]\nshare = 50\n[[step]]\nshare = 10\n[driver.haproxy]\nsocket = \"/s\"\n\
         [[gate]]\nname = \"a\"\nkind = \"value\"\nquery = \"up\"\n[[gate]]\nname = \"b\"\nkind = \"value\"\n\
         query = \"up\"\nsuccess = \"=> 1\"\n",
    )
    .expect("it can be written");
    let output = gonogo().args(["rollout", "plan"]).arg(&path).output().expect("gonogo runs");
    assert_code(&output, 2);
    let text = text(&output);
    for part in [
        "rollout.toml:1:",
        "it names a folder",
        "unknown key `evry`; did you mean `every`?",
        "shares rise from step to step",
        "`backend` is missing",
        "`groups` is missing",
        "`version` is missing",
        "which revision?",
        "neither `success` nor `failure` says what is good",
        "`=> 1` is no condition",
        "there is no [prometheus] url",
    ] {
        assert!(text.contains(part), "{part} is not in\n{text}");
    }
}
