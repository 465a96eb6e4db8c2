//! Looks at the headers of answers, and asks for what developers leave open.

use std::time::Instant;

use gonogo_domain::exercise::{Cors, Headers, Observation, Trial};

use super::{
    Unmade,
    internals::inside,
    listen::{ask, timeline},
};
use crate::{
    bench::{Ask, Bench, Survey},
    load::Reply,
};

/// A host of nobody (RFC 6761).
const STRANGER: &str = "https://stranger.invalid";

/// Pages that belong to developers, and what such a page holds.
const PAGES: &[(&str, &[&str])] = &[
    ("/debug/pprof/", &["profiles", "goroutine"]),
    ("/debug/vars", &["cmdline", "memstats"]),
    ("/actuator/env", &["propertySources"]),
    ("/actuator/heapdump", &["JAVA PROFILE"]),
    ("/.env", &["="]),
    ("/.git/config", &["[core]", "repositoryformatversion"]),
    ("/console", &["Werkzeug", "debugger"]),
    ("/server-status", &["Apache Server Status"]),
    ("/phpinfo.php", &["PHP Version", "phpinfo"]),
    ("/__debug__/", &["djdt", "toolbar"]),
    ("/rails/info/properties", &["Rails version"]),
];

/// What stands in a header that is to tell nothing.
const NOTHING: &[&str] =
    &["", "-", "*", "n/a", "none", "null", "nothing", "hidden", "private", "secret", "redacted", "removed", "unknown"];

pub(super) fn trial(bench: &Bench, survey: &Survey) -> Result<Trial, Unmade> {
    let begin = Instant::now();
    let mut found =
        Headers { answers: 0, sniffable: Vec::new(), versions: Vec::new(), pages: Vec::new(), cors: Vec::new() };
    let mut requests: Vec<Ask> = survey.good().into_iter().take(8).map(|kind| bench.request(kind)).collect();
    let usual = requests.first().cloned().unwrap_or_else(|| Ask::get("/"));
    requests.push(Ask::get("/gonogo-asks-for-what-is-not-there"));
    if let Some(with_body) = requests.iter().find(|one| !one.body.is_empty()) {
        requests.push(Ask { body: "{".into(), ..with_body.clone() });
    }
    let mut nowhere = None;
    for request in &requests {
        let Some(reply) = ask(bench, request)?.reply else { continue };
        look(&mut found, request, &reply);
        if reply.status == 404 {
            nowhere = Some(reply);
        }
    }
    for (path, marks) in PAGES {
        let Some(reply) = ask(bench, &Ask::get(path))?.reply else { continue };
        let like_any = nowhere.as_ref().is_some_and(|other| other.body == reply.body);
        if let Some(mark) = page(path, marks, &reply).filter(|_| !like_any) {
            found.pages.push(format!("GET {path} ({mark})"));
        }
    }
    for origin in [STRANGER, "null"] {
        let preflight = Ask { method: "OPTIONS".to_owned(), body: bytes::Bytes::new(), ..usual.clone() }
            .with("access-control-request-method", &usual.method);
        let preflight = Some(preflight).filter(|_| !bench.is_foreign());
        for request in [usual.clone()].into_iter().chain(preflight) {
            let request = request.with("origin", origin);
            let Some(reply) = ask(bench, &request)?.reply else { continue };
            if let Some(allowed) = shared(&reply, origin) {
                let request = format!("{} {}", request.method, request.path);
                found.cors.push(Cors { request, origin: origin.to_owned(), allowed });
            }
        }
    }
    Ok(Trial::new(Observation::Headers(found), timeline(bench, begin)))
}

fn look(found: &mut Headers, request: &Ask, reply: &Reply) {
    let name = format!("{} {}", request.method, request.path);
    if !reply.body.is_empty() {
        found.answers += 1;
        let nosniff = |value: &str| value.trim().eq_ignore_ascii_case("nosniff");
        if !reply.header("x-content-type-options").is_some_and(nosniff) {
            found.sniffable.push(name.clone());
        }
    }
    for header in ["server", "x-powered-by", "x-aspnet-version", "x-aspnetmvc-version", "x-runtime"] {
        let Some(value) = reply.header(header) else { continue };
        let told = format!("{header}: {}", super::listen::beginning(value, 60));
        if tells(header, value) && !found.versions.contains(&told) {
            found.versions.push(told);
        }
    }
    if let Some(inside) = inside(&reply.text()) {
        found.pages.push(format!("{name} → {} ({inside})", reply.status));
    }
}

/// Whether a header tells more than a name.
fn tells(header: &str, value: &str) -> bool {
    if NOTHING.contains(&value.trim().to_ascii_lowercase().as_str()) {
        return false;
    }
    match header {
        "server" => {
            let versioned = |word: &str| {
                word.split_once('/')
                    .is_some_and(|(_, version)| version.starts_with(|letter: char| letter.is_ascii_digit()))
            };
            value.split([' ', '(', ')']).any(versioned)
        }
        // Seconds that an answer took are no version.
        "x-runtime" => value.parse::<f64>().is_err(),
        _ => true,
    }
}

/// What gives a page for developers away.
fn page(path: &str, marks: &[&str], reply: &Reply) -> Option<String> {
    if reply.status != 200 {
        return None;
    }
    let text = reply.text();
    if path == "/.env" {
        let is_variable = |line: &str| {
            line.split_once('=').is_some_and(|(name, _)| {
                !name.is_empty()
                    && name.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_')
            })
        };
        return text.lines().any(is_variable).then(|| "variables".to_owned());
    }
    marks.iter().all(|mark| text.contains(mark)).then(|| marks.join(", "))
}

/// The origin that the answer shares itself with together with credentials, where that is this one or any.
fn shared(reply: &Reply, origin: &str) -> Option<String> {
    let allowed = reply.header("access-control-allow-origin")?.trim();
    let credentials = reply.header("access-control-allow-credentials")?.trim();
    (credentials.eq_ignore_ascii_case("true") && (allowed == origin || allowed == "*")).then(|| allowed.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reply(status: u16, headers: &[(&'static str, &'static str)], body: &str) -> Reply {
        let headers = headers.iter().map(|(name, value)| {
            (hyper::header::HeaderName::from_static(name), hyper::header::HeaderValue::from_static(value))
        });
        Reply { status, headers: headers.collect(), body: body.as_bytes().to_vec() }
    }

    #[track_caller]
    fn check(headers: &[(&'static str, &'static str)], body: &str, expect: (usize, usize, usize)) {
        let mut found =
            Headers { answers: 0, sniffable: Vec::new(), versions: Vec::new(), pages: Vec::new(), cors: Vec::new() };
        look(&mut found, &Ask::get("/"), &reply(200, headers, body));
        assert_eq!((found.sniffable.len(), found.versions.len(), found.pages.len()), expect);
    }

    #[test]
    fn versions_are_told_from_names() {
        const SAFE: (&str, &str) = ("x-content-type-options", "nosniff");
        check(&[SAFE, ("server", "uvicorn")], "{}", (0, 0, 0));
        check(&[SAFE, ("server", "Werkzeug/3.0.1 Python/3.11.7")], "{}", (0, 1, 0));
        check(&[SAFE, ("server", "Apache/2.4.58 (Unix)")], "{}", (0, 1, 0));
        check(&[SAFE, ("x-powered-by", "Express")], "{}", (0, 1, 0));
        check(&[SAFE, ("x-powered-by", "hidden")], "{}", (0, 0, 0));
        check(&[SAFE, ("x-runtime", "0.012")], "{}", (0, 0, 0));
        check(&[], "{}", (1, 0, 0));
        check(&[], "", (0, 0, 0));
        check(&[SAFE], "Traceback (most recent call last)", (0, 0, 1));
    }

    #[track_caller]
    fn check_page(path: &str, body: &str, expect: bool) {
        let (_, marks) = PAGES.iter().find(|(known, _)| *known == path).unwrap();
        assert_eq!(page(path, marks, &reply(200, &[], body)).is_some(), expect, "{body}");
    }

    #[test]
    fn a_page_for_developers_is_known_by_what_it_holds() {
        check_page("/.env", "# ours\nDB_URL=x", true);
        check_page("/.env", "<html lang=\"en\">", false);
        check_page("/debug/pprof/", "<title>/debug/pprof/</title> profiles: goroutine heap", true);
        check_page("/debug/pprof/", "<title>Shop</title>", false);
    }

    #[track_caller]
    fn check_shared(allowed: &'static str, credentials: Option<&'static str>, expect: bool) {
        let mut headers = vec![("access-control-allow-origin", allowed)];
        headers.extend(credentials.map(|value| ("access-control-allow-credentials", value)));
        assert_eq!(shared(&reply(200, &headers, "{}"), STRANGER).is_some(), expect);
    }

    #[test]
    fn an_origin_is_shared_with_only_together_with_credentials() {
        check_shared(STRANGER, Some("true"), true);
        check_shared("*", Some("true"), true);
        check_shared("*", None, false);
        check_shared(STRANGER, None, false);
        check_shared("https://shop.example", Some("true"), false);
    }
}
