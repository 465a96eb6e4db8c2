//! Every format is what it claims to be, and text from a repository is only ever text in it.

use std::collections::BTreeMap;

use pulldown_cmark::{Event, Options, Parser, Tag};
use quick_xml::events::Event as Xml;
use serde_json::{Value, json};

use crate::support::{PROBED, Repository, Run, unready};

const FORMATS: [&str; 6] = ["terminal", "json", "sarif", "junit", "markdown", "html"];

/// A repository with two services, something of every outcome, waivers and files that cannot be read.
fn varied() -> Repository {
    let till = unready().replace("shop", "till");
    Repository::of(&[
        ("shop/deploy.yaml", PROBED),
        ("shop/Dockerfile", "FROM alpine:3.20\nCOPY shop /shop\nEXPOSE 8080\nCMD [\"/shop\"]\n"),
        ("till/deploy.yaml", &till),
        ("till/broken.yaml", "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: broken\n"),
        ("README.md", "# Shop\n\nSells.\n"),
        (
            "gonogo.toml",
            "[[waiver]]\ncheck = \"health.readiness\"\nservice = \"till\"\nreason = \"r\"\nrisk = \"k\"\nticket = \"T-1\"\n\
             approver = \"ann\"\ngranted = 2026-11-01\nexpires = 2026-11-30\n\n\
             [[waiver]]\ncheck = \"health.startup\"\nreason = \"r\"\nrisk = \"k\"\nticket = \"T-2\"\n\
             approver = \"ann\"\ngranted = 2026-01-01\nexpires = 2026-01-30\n",
        ),
    ])
}

/// What would act if a format passed it on: on a terminal, in a page, in Markdown, on a reader's eyes.
const ATTACK: &str = "x\u{1b}[2J\u{1b}]0;owned\u{7}<script>alert(1)</script><img src=x onerror=alert(2)>\
    `${7*7}`](http://evil.example)![i](http://evil.example/i.png)|**b**&amp;\u{202e}txt\u{200b}'\"--><!--]]>";

/// The attack as the name of a service, of a container, of an image, of a folder and of a file.
fn hostile() -> Repository {
    let quoted = serde_json::to_string(&format!("{ATTACK}\n# owned\n- owned\r\n::error::owned")).expect("a string");
    let deployment = unready()
        .replace(
            "metadata: {name: shop, namespace: production}",
            &format!("metadata: {{name: {quoted}, namespace: production}}"),
        )
        .replace("- name: shop", &format!("- name: {quoted}"))
        .replace("image: registry.example/shop:1.4.2", &format!("image: {quoted}"));
    let repository = Repository::of(&[("deploy.yaml", &deployment)]);
    // A slash would make folders of it, and a file name has at most 255 bytes.
    let name: String = ATTACK.replace('/', "-").chars().take(120).collect();
    repository.write(&format!("{name}/deploy\n# owned.yaml"), unready().replace("shop", "till"));
    repository.write(&format!("{name}/broken.yaml"), "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: [\n");
    repository
}

#[track_caller]
fn rendered(repository: &Repository, format: &str, lang: &str) -> String {
    let Run { code, out, err } = repository.review(&["--format", format, "--lang", lang]);
    assert!(matches!(code, 0 | 1 | 3), "{format}: {out}{err}");
    assert!(!out.is_empty());
    out
}

/// The hostile repository in this format, in both languages.
fn under_attack(format: &str) -> [String; 2] {
    let repository = hostile();
    ["en", "zh-CN"].map(|lang| rendered(&repository, format, lang))
}

/// Control characters other than a newline, and marks that hide or reorder letters.
fn acting(text: &str) -> Vec<char> {
    text.chars()
        .filter(|letter| {
            (letter.is_control() && *letter != '\n')
                || matches!(letter, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
        })
        .collect()
}

#[test]
fn the_terminal_gets_no_commands_from_a_repository() {
    for text in under_attack("terminal") {
        assert_eq!(acting(&text), Vec::<char>::new(), "{text:?}");
        assert!(!text.lines().any(|line| line.starts_with("# owned") || line.starts_with("::error::")), "{text}");
    }
}

#[test]
fn colour_is_only_what_was_asked_for() {
    let run = hostile().review(&["--format", "terminal"]);
    assert!(!run.out.contains('\u{1b}'));
    let folder = hostile();
    let colored = crate::support::call(&["review", &folder.path().to_string_lossy(), "--color", "always"]).out;
    let codes: Vec<&str> =
        colored.split('\u{1b}').skip(1).filter_map(|rest| rest.split_once('m')).map(|(code, _)| code).collect();
    assert!(!codes.is_empty());
    for code in codes {
        let plain = code
            .strip_prefix('[')
            .is_some_and(|code| code.chars().all(|letter| letter.is_ascii_digit() || letter == ';'));
        assert!(plain, "an escape that is no colour: {code:?}");
    }
}

#[test]
fn json_follows_its_published_schema() {
    let schema = schema("docs/report.schema.json");
    let mut strict = schema.clone();
    close(&mut strict);
    let with_history = varied();
    with_history.commit("2026-11-20");
    with_history.write("shop/deploy.yaml", unready());
    for report in [varied().report(&[]), hostile().report(&[]), with_history.report(&["--since", "HEAD"])] {
        conforms(&schema, &report);
        // Nothing is written that the schema does not promise.
        conforms(&strict, &report);
    }
}

fn schema(path: &str) -> Value {
    let path = format!("{}/../../{path}", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    serde_json::from_str(&text).expect("a schema is JSON")
}

/// Forbids in every object what it does not list.
fn close(schema: &mut Value) {
    match schema {
        Value::Object(map) => {
            if map.contains_key("properties") && !map.contains_key("additionalProperties") {
                map.insert("additionalProperties".to_owned(), json!(false));
            }
            map.values_mut().for_each(close);
        }
        Value::Array(list) => list.iter_mut().for_each(close),
        _ => {}
    }
}

#[track_caller]
fn conforms(schema: &Value, document: &Value) {
    let validator = jsonschema::options().should_validate_formats(true).build(schema).expect("the schema is one");
    let errors: Vec<String> =
        validator.iter_errors(document).take(5).map(|error| format!("{}: {error}", error.instance_path())).collect();
    assert!(errors.is_empty(), "{}", errors.join("\n"));
}

#[test]
fn json_counts_what_it_lists() {
    let report = varied().report(&[]);
    for service in report["services"].as_array().expect("services") {
        let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
        for check in service["checks"].as_array().expect("checks") {
            *counts.entry(check["outcome"].as_str().expect("an outcome")).or_default() += 1;
        }
        assert_eq!(service["counts"], json!(counts));
        assert_eq!(counts.values().sum::<u64>(), gonogo_checks::catalogue().len() as u64);
        assert!(counts.len() >= 3, "the repository is not varied: {counts:?}");
    }
    let unread = report["unread"].to_string();
    assert!(unread.contains("till/broken.yaml"), "{unread}");
}

#[test]
fn sarif_follows_its_schema() {
    let mut schema = schema("crates/cli/tests/data/sarif-2.1.0.schema.json");
    // The bracket that this pattern closes was never opened; we write no language.
    for owner in ["run", "toolComponent"] {
        schema["definitions"][owner]["properties"]["language"]["pattern"] = "^[a-zA-Z]{2}(-[a-zA-Z]{2})?$".into();
    }
    for repository in [varied(), hostile()] {
        for lang in ["en", "zh-CN"] {
            let log: Value = serde_json::from_str(&rendered(&repository, "sarif", lang)).expect("SARIF is JSON");
            conforms(&schema, &log);
        }
    }
}

#[test]
fn sarif_carries_every_rule_and_points_at_lines() {
    let log: Value = serde_json::from_str(&rendered(&varied(), "sarif", "en")).expect("SARIF is JSON");
    let run = &log["runs"][0];
    let rules: Vec<&str> = run["tool"]["driver"]["rules"]
        .as_array()
        .expect("rules")
        .iter()
        .filter_map(|rule| rule["id"].as_str())
        .collect();
    let catalogue: Vec<&str> = gonogo_checks::catalogue().iter().map(|check| check.id).collect();
    assert_eq!(rules, catalogue);
    let mut fails = 0;
    for result in run["results"].as_array().expect("results") {
        let index = usize::try_from(result["ruleIndex"].as_u64().expect("an index")).expect("it fits");
        assert_eq!(result["ruleId"], catalogue[index]);
        // What is no failure has no level; what is one has a place.
        assert_eq!(result["kind"] == "fail", result["level"] != "none", "{result}");
        if result["kind"] == "fail" {
            fails += 1;
            let place = &result["locations"][0]["physicalLocation"];
            assert!(place["artifactLocation"]["uri"].is_string(), "{result}");
            if let Some(line) = place["region"]["startLine"].as_u64() {
                assert!(line >= 1);
            }
        }
    }
    assert!(fails > 0);
    let notes = run["invocations"][0]["toolExecutionNotifications"].to_string();
    assert!(notes.contains("till/broken.yaml"), "{notes}");
}

#[test]
fn sarif_escapes_what_names_hold() {
    for text in under_attack("sarif") {
        let log: Value = serde_json::from_str(&text).expect("SARIF is JSON");
        for result in log["runs"][0]["results"].as_array().expect("results") {
            let message = result["message"]["text"].as_str().expect("a message");
            assert_eq!(acting(&message.replace('\n', "\u{1}")), Vec::<char>::new(), "{message:?}");
            for location in result["locations"].as_array().expect("locations") {
                let uri = location["physicalLocation"]["artifactLocation"]["uri"].as_str().expect("a URI");
                assert!(uri.chars().all(|letter| letter.is_ascii_alphanumeric() || "/-_.~%".contains(letter)), "{uri}");
            }
        }
    }
}

/// The elements of an XML document with their attributes, in order. Fails when it is not well-formed.
fn elements(xml: &str) -> Vec<(String, BTreeMap<String, String>)> {
    let mut reader = quick_xml::Reader::from_str(xml);
    reader.config_mut().enable_all_checks(true);
    let (mut found, mut open) = (Vec::new(), Vec::new());
    loop {
        let event =
            reader.read_event().unwrap_or_else(|error| panic!("{error} at {}:\n{xml}", reader.error_position()));
        let element = match &event {
            Xml::Start(element) | Xml::Empty(element) => element,
            Xml::End(end) => {
                assert_eq!(open.pop().as_deref(), Some(end.name().as_ref()));
                continue;
            }
            Xml::Eof => break,
            _ => continue,
        };
        let name = String::from_utf8(element.name().as_ref().to_vec()).expect("a name is text");
        let attributes = element
            .attributes()
            .map(|attribute| {
                let attribute = attribute.expect("an attribute is well-formed");
                let value = String::from_utf8(attribute.value.to_vec()).expect("a value is text");
                (String::from_utf8(attribute.key.as_ref().to_vec()).expect("a key is text"), value)
            })
            .collect();
        if matches!(event, Xml::Start(_)) {
            open.push(name.clone().into_bytes());
        }
        found.push((name, attributes));
    }
    assert!(open.is_empty(), "left open: {open:?}");
    found
}

#[test]
fn junit_is_well_formed_and_counts_what_it_lists() {
    let repository = varied();
    let report = repository.report(&[]);
    for lang in ["en", "zh-CN"] {
        let elements = elements(&rendered(&repository, "junit", lang));
        let count = |name: &str| elements.iter().filter(|(element, _)| element == name).count();
        let stated = |element: &str, key: &str| -> usize {
            let of = |(_, attributes): &(_, BTreeMap<String, String>)| {
                attributes.get(key).map_or(0, |text| text.parse().expect("a count"))
            };
            elements.iter().filter(|(name, _)| name == element).map(of).sum()
        };
        let services = report["services"].as_array().expect("services");
        assert_eq!(count("testsuite"), services.len());
        assert_eq!(count("testcase"), services.len() * gonogo_checks::catalogue().len());
        assert_eq!(stated("testsuites", "tests"), count("testcase"));
        for (what, key) in [("failure", "failures"), ("error", "errors")] {
            assert_eq!(stated("testsuites", key), count(what), "{what}");
            assert_eq!(stated("testsuite", key), count(what), "{what}");
        }
        let reasons = |kinds: &[&str]| -> usize {
            services
                .iter()
                .flat_map(|service| service["reasons"].as_array().expect("reasons"))
                .filter(|reason| kinds.iter().any(|kind| reason["kind"] == *kind))
                .count()
        };
        assert_eq!(count("failure"), reasons(&["blocks", "blocks-level"]));
        assert_eq!(count("error"), reasons(&["not-assessed"]));
        let passes: u64 = services.iter().filter_map(|service| service["counts"]["pass"].as_u64()).sum();
        let others = count("failure") + count("error") + count("skipped");
        assert_eq!(count("testcase") - others, usize::try_from(passes).expect("it fits"));
    }
}

#[test]
fn junit_stays_well_formed_whatever_names_hold() {
    for text in under_attack("junit") {
        let elements = elements(&text);
        assert!(
            elements
                .iter()
                .all(|(name, _)| name.starts_with("test") || ["failure", "error", "skipped"].contains(&name.as_str()))
        );
        assert_eq!(acting(&text), Vec::<char>::new());
    }
}

#[test]
fn markdown_is_text_and_nothing_else() {
    let dialect = Options::ENABLE_TABLES
        | Options::ENABLE_STRIKETHROUGH
        | Options::ENABLE_TASKLISTS
        | Options::ENABLE_FOOTNOTES
        | Options::ENABLE_GFM;
    for text in under_attack("markdown") {
        // An address is kept from becoming a link by a space of no width.
        let text = text.replace(":\u{200b}//", "://");
        assert_eq!(acting(&text), Vec::<char>::new(), "{text}");
        for event in Parser::new_ext(&text, dialect) {
            match &event {
                // The report folds its long lists with these two, and with nothing else.
                Event::Html(html) | Event::InlineHtml(html) => {
                    for tag in tags(html) {
                        let ours = ["details", "/details", "summary", "/summary"].contains(&tag.as_str());
                        assert!(ours, "<{tag}> in\n{text}");
                    }
                }
                Event::Start(Tag::Image { .. } | Tag::Link { .. }) => panic!("{event:?} in\n{text}"),
                _ => {}
            }
        }
        assert!(!text.lines().any(|line| line.starts_with("# owned") || line.starts_with("- owned")), "{text}");
    }
}

#[test]
fn html_stands_alone() {
    let repository = varied();
    for lang in ["en", "zh-CN"] {
        let page = rendered(&repository, "html", lang);
        assert!(page.starts_with("<!doctype html>") && page.contains(&format!("<html lang=\"{lang}\">")), "{lang}");
        let tags = tags(&page);
        assert!(tags.len() > 100);
        for tag in &tags {
            harmless(tag);
        }
        for name in ["shop", "till", "health.readiness"] {
            assert!(page.contains(name), "{name}");
        }
        // Every anchor leads somewhere.
        for target in page.split("href=\"#").skip(1).filter_map(|rest| rest.split('"').next()) {
            assert!(page.contains(&format!("id=\"{target}\"")), "#{target} leads nowhere");
        }
    }
}

#[test]
fn html_escapes_what_names_hold() {
    for page in under_attack("html") {
        assert_eq!(acting(&page), Vec::<char>::new());
        for tag in tags(&page) {
            harmless(&tag);
        }
        assert!(!page.contains("<!--"), "a comment was opened");
    }
}

/// The tags of a page, from `<` to `>`.
fn tags(page: &str) -> Vec<String> {
    // Nothing but our own style sheet may hold a `<` that opens no tag, and it holds none.
    page.split('<').skip(1).filter_map(|rest| rest.split('>').next()).map(str::to_owned).collect()
}

#[track_caller]
fn harmless(tag: &str) {
    let name = tag.trim_start_matches('/').split([' ', '\n', '/']).next().unwrap_or_default();
    let known = [
        "!doctype", "html", "head", "meta", "title", "style", "body", "main", "header", "footer", "section", "h1",
        "h2", "h3", "h4", "h5", "p", "div", "span", "table", "thead", "tbody", "tr", "th", "td", "ul", "ol", "li", "a",
        "details", "summary", "code", "pre", "strong", "em", "b", "i", "br", "hr", "dl", "dt", "dd", "nav", "small",
    ];
    assert!(known.contains(&name), "<{tag}>");
    let lower = tag.to_lowercase();
    assert!(!lower.contains(" src=") && !lower.contains("javascript:"), "<{tag}>");
    assert!(!lower.split_whitespace().any(|word| word.starts_with("on")), "<{tag}>");
    if let Some(target) = lower.split("href=\"").nth(1) {
        assert!(target.starts_with('#') || (name == "a" && target.starts_with("https://")), "<{tag}>");
    }
}

#[test]
fn every_format_is_the_same_twice_and_with_one_thread() {
    for repository in [varied(), hostile()] {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let render = |name: &str, environment: &[(&str, &str)]| -> Vec<Vec<u8>> {
            let files: Vec<_> = FORMATS.iter().map(|format| folder.path().join(format!("{name}.{format}"))).collect();
            let arguments: Vec<String> = FORMATS
                .iter()
                .zip(&files)
                .flat_map(|(format, file)| ["--format".to_owned(), format!("{format}={}", file.display())])
                .collect();
            let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
            let run = repository.review_with(&arguments, environment);
            assert!(matches!(run.code, 1 | 3), "{}", run.err);
            assert_eq!(run.out, "", "everything went to files");
            files.iter().map(|file| std::fs::read(file).expect("the report was written")).collect()
        };
        let first = render("first", &[]);
        assert!(first.iter().all(|report| !report.is_empty()));
        assert!(first == render("second", &[]), "a second run wrote something else");
        assert!(first == render("third", &[("RAYON_NUM_THREADS", "1")]), "one thread wrote something else");
    }
}
