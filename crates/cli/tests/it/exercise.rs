//! `gonogo exercise`: what it refuses, and that nothing which it started is left.

use std::{
    fs,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;

use crate::support::{Repository, call, check, gonogo, run};

/// Waits until something holds.
#[track_caller]
fn soon(what: &str, holds: impl Fn() -> bool) {
    let until = Instant::now() + Duration::from_mins(1);
    while !holds() {
        assert!(Instant::now() < until, "{what}");
        thread::sleep(Duration::from_millis(10));
    }
}

/// How many processes run with this among their arguments.
fn running(argument: &str) -> usize {
    let entries = fs::read_dir("/proc").expect("/proc can be read").flatten();
    let lines = entries.filter_map(|entry| fs::read(entry.path().join("cmdline")).ok());
    lines.filter(|line| line.split(|byte| *byte == 0).any(|word| word == argument.as_bytes())).count()
}

/// A service that never listens, and starts two more processes, one of which leaves its process group. `seconds` is how
/// long they sleep, and how they are found: no other test sleeps so long.
fn sleeper(seconds: &str) -> Repository {
    let script = format!("setsid sleep {seconds} & sleep {seconds} & exec sleep {seconds}");
    let text = format!(
        "[service.sleeper]\npath = \".\"\nclass = \"server\"\n[service.sleeper.run]\nstartup = \"10m\"\n\
         command = [\"sh\", \"-c\", \"{script}\"]\n"
    );
    Repository::of(&[("gonogo.toml", &text)])
}

fn start(repository: &Repository) -> Child {
    let mut command = gonogo();
    command.arg("exercise").arg(repository.path()).arg("--no-save");
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("gonogo starts")
}

fn signal(child: &Child, name: &str) {
    let sent = Command::new("kill").args([name, &child.id().to_string()]).status().expect("kill runs");
    assert!(sent.success());
}

#[test]
fn a_killed_gonogo_leaves_nothing_behind() {
    let repository = sleeper("86011");
    let mut gonogo = start(&repository);
    soon("the service starts", || running("86011") == 3);
    signal(&gonogo, "-KILL");
    gonogo.wait().expect("it ends");
    soon("its processes end", || running("86011") == 0);
}

#[test]
fn who_is_asked_to_stop_stops_everything() {
    let repository = sleeper("86012");
    let mut gonogo = start(&repository);
    soon("the service starts", || running("86012") == 3);
    signal(&gonogo, "-INT");
    let ended = gonogo.wait().expect("it ends");
    assert_eq!(ended.code(), Some(2));
    assert_eq!(running("86012"), 0);
}

#[track_caller]
fn check_refused(configuration: &str, arguments: &[&str], says: &str) {
    let repository = Repository::of(&[("gonogo.toml", configuration)]);
    let mut command = gonogo();
    command.arg("exercise").arg(repository.path()).args(arguments);
    run(&mut command).fails_with(2, &[says]);
    assert!(!repository.at(".gonogo").exists(), "nothing is written where nothing was done");
}

const SHOP: &str = "[service.shop]\npath = \".\"\nclass = \"server\"\n[service.shop.run]\n";

#[test]
fn what_cannot_work_is_said_before_anything_starts() {
    check_refused("[service.shop]\npath = \".\"\n", &[], "[service.NAME.run]");
    check_refused(&format!("{SHOP}command = [\"true\"]\n"), &["--only", "bot"], "there is no experiment `bot`");
    check_refused(&format!("{SHOP}command = [\"no-such-program-here\"]\n"), &[], "could not be started");
    check_refused(&format!("{SHOP}attach = \"192.0.2.1:80\"\n"), &[], "the loopback only");
    check_refused(SHOP, &[], "either `command` starts the service");
    let unreached = format!(
        "{SHOP}command = [\"true\"]\n[service.shop.run.dependency.clay]\nhttp = true\naddress = \"127.0.0.1:1\"\n"
    );
    check_refused(&unreached, &[], "nothing tells the service where clay is");
    let told = "command = [\"true\"]\nenvironment = { CLAY = \"{clay.address}\" }\n";
    let far = unreached.replace("127.0.0.1:1", "192.0.2.1:80").replace("command = [\"true\"]\n", told);
    check_refused(&far, &[], "is not this machine");
}

#[test]
fn a_service_that_does_not_come_up_is_a_result() {
    let configuration = format!("{SHOP}command = [\"sh\", \"-c\", \"echo no database; exit 7\"]\n");
    let repository = Repository::of(&[("gonogo.toml", &configuration)]);
    let mut command = gonogo();
    command.arg("exercise").arg(repository.path()).args(["--only", "boot,shutdown"]);
    let exercised = run(&mut command);
    assert_eq!(exercised.code, 1, "{}{}", exercised.out, exercised.err);
    assert!(exercised.out.contains("BROKEN  health.startup"), "{}", exercised.out);
    assert!(exercised.out.contains("it ended by itself after "), "{}", exercised.out);
    assert!(exercised.out.contains("no database"), "its last words are shown: {}", exercised.out);
    let report = repository.report(&[]);
    let startup = check(&report, "health.startup");
    assert_eq!((startup["outcome"].as_str(), startup["strength"].as_str()), (Some("fail"), Some("exercised")));
}

#[test]
fn a_service_that_never_comes_up_is_not_started_for_every_experiment() {
    let configuration = format!("{SHOP}command = [\"sh\", \"-c\", \"echo started >> starts; exit 7\"]\n");
    let repository = Repository::of(&[("gonogo.toml", &configuration)]);
    let mut command = gonogo();
    command.arg("exercise").arg(repository.path()).args(["--no-save", "--skip", "boot"]);
    let exercised = run(&mut command);
    assert!(exercised.out.contains("the service does not come up"), "{}", exercised.out);
    let starts = fs::read_to_string(repository.at("starts")).expect("it was started").lines().count();
    // Once to look which request needs what, and twice for experiments.
    assert_eq!(starts, 3);
}

#[test]
fn a_record_that_cannot_be_read_is_not_overwritten() {
    const RECORD: &str = ".gonogo/exercise/shop.json";
    for (text, why) in [
        ("{\"format\": 99}", "missing field"),
        ("{\"format\":99,\"service\":\"shop\",\"experiments\":[]}", "format is 99"),
    ] {
        let configuration = format!("{SHOP}command = [\"true\"]\n");
        let repository = Repository::of(&[("gonogo.toml", configuration.as_str()), (RECORD, text)]);
        let mut command = gonogo();
        command.arg("exercise").arg(repository.path());
        run(&mut command).fails_with(2, &["--output", why]);
        assert_eq!(fs::read_to_string(repository.at(RECORD)).expect("it is there"), text);
    }
}

#[test]
fn the_name_of_a_dependency_is_no_path() {
    let configuration = format!(
        "{SHOP}command = [\"sh\", \"-c\", \"exit 7\"]\nenvironment = {{ CLAY = \"{{../../out.address}}\" }}\n\
         [service.shop.run.dependency.\"../../out\"]\ncommand = [\"sh\", \"-c\", \"pwd > {{scratch}}/where; exit 3\"]\n"
    );
    let repository = Repository::of(&[("gonogo.toml", &configuration)]);
    let folder = repository.at("tmp/a/b");
    fs::create_dir_all(&folder).expect("a folder can be made");
    let mut command = gonogo();
    command.arg("exercise").arg(repository.path()).arg("--no-save").env("TMPDIR", &folder);
    run(&mut command).fails_with(2, &["could not be started"]);
    assert!(!repository.at("tmp/a/out").exists() && !folder.join("out").exists());
}

#[test]
fn every_experiment_speaks_of_checks_that_exist() {
    let repository = Repository::of(&[("gonogo.toml", &format!("{SHOP}command = [\"true\"]\n"))]);
    let mut command = gonogo();
    command.arg("exercise").arg(repository.path()).args(["--list", "--json"]);
    let read = |text: &str| serde_json::from_str::<Value>(text).expect("JSON");
    let listed = read(&run(&mut command).out);
    let known = read(&call(&["checks", "--json"]).out);
    let known: Vec<&str> = known.as_array().expect("checks").iter().filter_map(|check| check["id"].as_str()).collect();
    let experiments = listed["experiments"].as_array().expect("experiments");
    assert!(experiments.len() >= 7);
    for check in experiments.iter().flat_map(|one| one["checks"].as_array().expect("checks")) {
        assert!(known.contains(&check.as_str().expect("an id")), "{check} is no check");
    }
}

/// An address of this machine that other machines see; none where it has none. Nothing is sent.
fn seen_from_outside() -> Option<std::net::IpAddr> {
    let socket = std::net::UdpSocket::bind("0.0.0.0:0").ok()?;
    socket.connect("198.51.100.1:9").ok()?;
    Some(socket.local_addr().ok()?.ip()).filter(|address| !address.is_loopback() && !address.is_unspecified())
}

#[test]
fn another_machine_is_asked_by_get_and_never_broken() {
    use std::{
        io::{Read as _, Write as _},
        net::TcpListener,
        sync::{Arc, Mutex},
    };
    // Without such an address nothing is foreign here; that whoever is not named is refused is tested above.
    let Some(address) = seen_from_outside() else { return };
    let listener = TcpListener::bind((address, 0)).expect("it can be listened on");
    let host = listener.local_addr().expect("it has an address").to_string();
    let heard: Arc<Mutex<Vec<(Instant, String)>>> = Arc::default();
    let kept = Arc::clone(&heard);
    thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { continue };
            let mut bytes = [0; 4096];
            let read = stream.read(&mut bytes).unwrap_or_default();
            let line = String::from_utf8_lossy(&bytes[..read]).lines().next().unwrap_or_default().to_owned();
            kept.lock().expect("nobody broke down").push((Instant::now(), line));
            let _ = stream.write_all(
                b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nx-content-type-options: nosniff\r\n\
                  connection: close\r\ncontent-length: 2\r\n\r\n{}",
            );
        }
    });
    let configuration = format!(
        "{SHOP}attach = \"{host}\"\nallow = [\"{host}\"]\n[service.shop.run.probes]\nhealth = \"/health\"\n\
         [[service.shop.run.request]]\npath = \"/items\"\n\
         [[service.shop.run.request]]\nmethod = \"POST\"\npath = \"/orders\"\n"
    );
    let repository = Repository::of(&[("gonogo.toml", &configuration)]);
    let mut command = gonogo();
    command.arg("exercise").arg(repository.path()).args(["--no-save", "--only", "headers,bodies,overload,shutdown"]);
    let exercised = run(&mut command);
    assert_eq!(exercised.out.matches("the service runs on another machine").count(), 3, "{}", exercised.out);
    assert!(exercised.out.contains("security.owasp"), "{}", exercised.out);
    let heard = heard.lock().expect("nobody broke down");
    assert!(!heard.is_empty() && heard.iter().all(|(_, line)| line.starts_with("GET ")), "{heard:?}");
    let hasty = heard.windows(2).filter(|pair| pair[1].0 - pair[0].0 < Duration::from_millis(400)).count();
    assert_eq!(hasty, 0, "{heard:?}");
}

/// What stands for Podman: it writes down what it is asked, runs the command of the image here, and ends it when told to.
const PODMAN: &str = r#"#!/bin/sh
echo "$*" >> "$HOME/asked"
case "$1" in
run)
    for word in "$@"; do
        case "$word" in --name=*) name=${word#--name=};; esac
        shift
        [ "$word" = shop:1 ] && break
    done
    echo $$ > "$HOME/$name"
    env > "$HOME/environment"
    exec "$@"
    ;;
rm) kill -9 "$(cat "$HOME/$3")" 2> /dev/null ;;
esac
"#;

#[test]
fn a_service_of_an_image_is_started_and_removed_by_the_engine_that_answers() {
    use std::os::unix::fs::PermissionsExt as _;
    let configuration = format!(
        "{SHOP}image = \"shop:1\"\ncommand = [\"sh\", \"-c\", \"echo no database; sleep 86013\"]\nstartup = \"1s\"\n\
         environment = {{ KEY = \"of-nobody\" }}\n"
    );
    // The client of Docker is there, and its daemon is not.
    let files = [
        ("gonogo.toml", configuration.as_str()),
        ("bin/docker", "#!/bin/sh\necho docker >> \"$HOME/asked\"\nexit 1\n"),
        ("bin/podman", PODMAN),
    ];
    let repository = Repository::of(&files);
    for engine in ["bin/docker", "bin/podman"] {
        fs::set_permissions(repository.at(engine), fs::Permissions::from_mode(0o755)).expect("it is ours");
    }
    let mut command = gonogo();
    let path = format!("{}:{}", repository.at("bin").display(), std::env::var("PATH").unwrap_or_default());
    command.arg("exercise").arg(repository.path()).args(["--no-save", "--only", "boot"]);
    command.env("PATH", path).env("HOME", repository.path());
    let exercised = run(&mut command);
    assert!(exercised.out.contains("BROKEN  health.startup"), "{}{}", exercised.out, exercised.err);
    let asked = fs::read_to_string(repository.at("asked")).expect("an engine was asked");
    assert!(asked.starts_with("docker\n"), "{asked}");
    let runs: Vec<&str> = asked.lines().filter(|line| line.starts_with("run ")).collect();
    assert!(!runs.is_empty() && runs.iter().all(|run| run.contains("--network=host --volume=")), "{asked}");
    assert!(runs.iter().all(|run| run.contains("--env=KEY ") && !run.contains("of-nobody")), "{asked}");
    let environment = fs::read_to_string(repository.at("environment")).expect("it was started");
    assert!(environment.contains("KEY=of-nobody") && environment.contains("GONOGO_EXERCISE="), "{environment}");
    for run in runs {
        let name = run.split(' ').find_map(|word| word.strip_prefix("--name=")).expect("it has a name");
        assert!(asked.lines().any(|line| line == format!("rm --force {name}")), "{name} is removed: {asked}");
    }
    assert_eq!(running("86013"), 0);
}

#[test]
fn an_image_needs_an_engine() {
    let configuration = format!("{SHOP}image = \"shop:1\"\n");
    let repository = Repository::of(&[("gonogo.toml", configuration.as_str())]);
    let mut command = gonogo();
    command.arg("exercise").arg(repository.path()).arg("--no-save").env("PATH", "/nowhere");
    run(&mut command).fails_with(2, &["neither docker nor podman"]);
}

/// A service that takes each order once, and refuses what is wrong in JSON, one connection a request.
fn takes_once() -> std::net::SocketAddr {
    use std::{
        collections::BTreeSet,
        io::{BufRead as _, BufReader, Read as _, Write as _},
        net::TcpListener,
    };
    let listener = TcpListener::bind("127.0.0.1:0").expect("it can be listened on");
    let address = listener.local_addr().expect("it has an address");
    thread::spawn(move || {
        let mut taken = BTreeSet::new();
        for mut stream in listener.incoming().flatten() {
            let mut reader = BufReader::new(stream.try_clone().expect("it can be read"));
            let (mut line, mut length) = (String::new(), 0);
            let _ = reader.read_line(&mut line);
            for header in reader.by_ref().lines().map_while(Result::ok).take_while(|line| !line.is_empty()) {
                let value =
                    header.to_ascii_lowercase().strip_prefix("content-length:").map(|rest| rest.trim().to_owned());
                length = value.and_then(|value| value.parse().ok()).unwrap_or(length);
            }
            let mut body = Vec::new();
            let _ = reader.take(length).read_to_end(&mut body);
            let order =
                serde_json::from_slice::<Value>(&body).ok().and_then(|body| Some(body.get("order")?.to_string()));
            let status = if !line.starts_with("POST /orders ") {
                "404 Not Found"
            } else if let Some(order) = order {
                if taken.insert(order) { "201 Created" } else { "409 Conflict" }
            } else {
                "400 Bad Request"
            };
            let _ = write!(
                stream,
                "HTTP/1.1 {status}\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: 15\r\n\r\n\
                 {{\"error\": \"no\"}}"
            );
        }
    });
    address
}

#[test]
fn what_may_come_once_only_is_asked_anew_behind_each_wrong_request() {
    let configuration = format!(
        "{SHOP}attach = \"{}\"\n[[service.shop.run.request]]\nmethod = \"POST\"\npath = \"/orders\"\n\
         headers = {{ content-type = \"application/json\" }}\nbody = '{{\"order\": \"{{id}}\"}}'\n",
        takes_once()
    );
    let repository = Repository::of(&[("gonogo.toml", &configuration)]);
    let mut command = gonogo();
    command.arg("exercise").arg(repository.path()).args(["--no-save", "--only", "errors"]);
    let exercised = run(&mut command);
    assert!(exercised.out.contains("held  errors.boundary"), "{}{}", exercised.out, exercised.err);
}
