//! `gonogo preflight`: every question against servers of this machine.

use std::{
    io::{Read as _, Write as _},
    net::TcpListener,
    thread,
};

use serde_json::Value;

use crate::support::{Repository, gonogo, run};

/// A server that answers these paths, each with a status and a body, and 404 otherwise; it ends with the test's process.
/// Whoever asks for `/me` without the key is refused.
fn server(answers: Vec<(&'static str, u16, String)>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let address = listener.local_addr().expect("it has an address").to_string();
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let (mut head, mut buffer) = (String::new(), [0; 4096]);
            while !head.contains("\r\n\r\n") {
                match stream.read(&mut buffer) {
                    Ok(0) | Err(_) => break,
                    Ok(read) => head.push_str(&String::from_utf8_lossy(&buffer[..read])),
                }
            }
            let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
            let found = answers.iter().find(|(known, _, _)| *known == path);
            let keyless = path == "/me" && !head.to_lowercase().contains("clay-api-key: k-1");
            let (status, body) = match found {
                _ if keyless => (401, String::new()),
                Some((_, status, body)) => (*status, body.clone()),
                None => (404, String::new()),
            };
            let length = body.len();
            let _ =
                write!(stream, "HTTP/1.1 {status} X\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}");
        }
    });
    format!("http://{address}")
}

fn repository(server: &str) -> Repository {
    let configuration = format!(
        "[service.shop]\npath = \".\"\nclass = \"server\"\n[service.shop.preflight]\nkeys = [\"CLAY_API_KEY\"]\n\
         [service.shop.preflight.version]\nurl = \"{server}/version\"\nfield = \"/version\"\n\
         [service.shop.preflight.staging]\nurl = \"{server}/staging\"\n\
         [[service.shop.preflight.status_page]]\nname = \"clay\"\nurl = \"{server}\"\ncomponent = \"API\"\n\
         [[service.shop.preflight.vendor]]\nname = \"clay\"\nurl = \"{server}/me\"\nheader = \"clay-api-key\"\n\
         key = \"CLAY_API_KEY\"\nfield = \"/workspace/id\"\nis = \"7\"\n"
    );
    Repository::of(&[("gonogo.toml", &configuration)])
}

fn well() -> Vec<(&'static str, u16, String)> {
    let page = r#"{"status": {"indicator": "minor", "description": "Partly slow"},
        "components": [{"name": "API", "status": "operational"}, {"name": "Web", "status": "major_outage"}]}"#;
    vec![
        ("/version", 200, r#"{"version": "1.4.1"}"#.to_owned()),
        ("/staging", 200, "v1.4.2\n".to_owned()),
        ("/api/v2/summary.json", 200, page.to_owned()),
        ("/me", 200, r#"{"workspace": {"id": 7}}"#.to_owned()),
    ]
}

const ASKED: &str = "staging,version,status-page,vendor,keys";

/// The verdicts of the questions that the servers answer, and the exit code.
#[track_caller]
fn check(change: impl Fn(&mut Vec<(&'static str, u16, String)>), key: &str, expect: &str, code: i32) {
    let mut answers = well();
    change(&mut answers);
    let repository = repository(&server(answers));
    let mut command = gonogo();
    command.arg("preflight").arg(repository.path()).args(["--deployed", "1.4.1", "--release", "1.4.2", "--json"]);
    command.args(["--only", ASKED]).env("CLAY_API_KEY", key);
    let ran = run(&mut command);
    let report: Value = serde_json::from_str(&ran.out).expect("JSON");
    let items = report["items"].as_array().expect("items");
    let text = |item: &Value, name: &str| item[name].as_str().unwrap_or_default().to_owned();
    let verdicts: Vec<String> =
        items.iter().map(|item| format!("{} {}", text(item, "id"), text(item, "verdict"))).collect();
    assert_eq!(verdicts.join(", "), expect, "{}", ran.out);
    assert_eq!(ran.code, code);
    assert!(!ran.out.contains("k-1"), "a key is shown: {}", ran.out);
}

#[test]
fn a_release_may_begin_where_everything_is_as_it_should_be() {
    let all = "staging ready, version ready, status-page ready, vendor ready, keys ready";
    check(|_| (), "k-1", all, 0);
}

#[test]
fn each_thing_that_is_wrong_stops_it() {
    let change = |path: &'static str, status: u16, body: &'static str| {
        move |answers: &mut Vec<(&'static str, u16, String)>| {
            answers.retain(|(known, _, _)| *known != path);
            answers.push((path, status, body.to_owned()));
        }
    };
    let with = |id: &str, verdict: &str| {
        let ids = ASKED.split(',').map(|one| format!("{one} {}", if one == id { verdict } else { "ready" }));
        ids.collect::<Vec<_>>().join(", ")
    };
    check(change("/staging", 200, "1.4.1"), "k-1", &with("staging", "not-ready"), 1);
    check(change("/version", 200, r#"{"version": "1.4.0"}"#), "k-1", &with("version", "not-ready"), 1);
    check(change("/version", 200, r#"{"build": 3}"#), "k-1", &with("version", "unknown"), 3);
    check(change("/me", 200, r#"{"workspace": {"id": 8}}"#), "k-1", &with("vendor", "not-ready"), 1);
    check(change("/me", 429, ""), "k-1", &with("vendor", "unknown"), 3);
    let page = "<html>All Systems Operational</html>";
    check(change("/api/v2/summary.json", 200, page), "k-1", &with("status-page", "unknown"), 3);
    check(change("/version", 302, ""), "k-1", &with("version", "unknown"), 3);
}

#[test]
fn an_empty_key_is_missing_and_a_wrong_one_is_refused() {
    let ready = "staging ready, version ready, status-page ready";
    check(|_| (), "", &format!("{ready}, vendor unknown, keys not-ready"), 1);
    check(|_| (), "wrong", &format!("{ready}, vendor not-ready, keys ready"), 1);
}

#[test]
fn what_is_not_configured_is_unknown_and_no_go() {
    let repository = Repository::of(&[("gonogo.toml", "[service.shop]\npath = \".\"\nclass = \"server\"\n")]);
    let mut command = gonogo();
    command.arg("preflight").arg(repository.path()).args(["--only", "version,rules,keys"]);
    let ran = run(&mut command);
    assert_eq!(ran.code, 3, "{}{}", ran.out, ran.err);
    for part in ["[INCOMPLETE]", "? version", "? rules", "? keys", "[service.NAME.preflight]"] {
        assert!(ran.out.contains(part), "{part}: {}", ran.out);
    }
}

#[test]
fn what_is_wrong_in_the_section_is_said_at_its_place() {
    let section = "[service.shop]\npath = \".\"\n[[service.shop.preflight.vendor]]\nname = \"clay\"\nurl = \"http://x\"\nfield = \"id\"\n";
    let repository = Repository::of(&[("gonogo.toml", section)]);
    let mut command = gonogo();
    command.arg("preflight").arg(repository.path());
    run(&mut command).fails_with(2, &["gonogo.toml:6", "a JSON pointer begins with a slash"]);
    let mut command = gonogo();
    command.arg("preflight").arg(repository.path()).args(["--only", "vendors"]);
    run(&mut command).fails_with(2, &["there is no question `vendors`"]);
}
