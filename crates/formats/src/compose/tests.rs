//! Projects as Compose itself would see them.

use std::{collections::BTreeMap, sync::Arc};

use gonogo_domain::Node;

use super::{Interpolated, Project, interpolate, load};
use crate::yaml;

fn project(files: &[(&str, &str)], loaded: &[&str]) -> Project {
    let parse = |path: &str, text: &str| {
        let mut stream = yaml::parse(&path.into(), text);
        assert_eq!(stream.errors, []);
        Arc::new(stream.documents.remove(0).node)
    };
    let files: BTreeMap<String, Arc<Node>> =
        files.iter().map(|(path, text)| ((*path).to_owned(), parse(path, text))).collect();
    let chosen: Vec<(Arc<str>, Arc<Node>)> =
        loaded.iter().map(|path| (Arc::from(*path), Arc::clone(files.get(*path).expect("a file")))).collect();
    load(&chosen, &|path| files.get(path).cloned())
}

/// Loads the files in their order, but those named `other…`, which are only there to be found; expects each service as
/// YAML under its name, and the problems.
fn check(files: &[(&str, &str)], expected: &str, problems: &[&str]) {
    let loaded: Vec<&str> = files.iter().map(|(path, _)| *path).filter(|path| !path.contains("other")).collect();
    let project = project(files, &loaded);
    let found: Vec<_> = project.problems.iter().map(ToString::to_string).collect();
    assert_eq!(found, problems);
    let services: Vec<_> = project
        .services
        .iter()
        .map(|service| format!("# {}\n{}", service.name, yaml::to_string(&service.node)))
        .collect();
    assert_eq!(services.join(""), expected);
}

#[test]
fn overrides_merge_mappings_and_join_lists_by_what_they_mean() {
    check(
        &[
            (
                "compose.yaml",
                "services:
  web:
    image: web:1
    command: [serve]
    environment:
      - A=1
      - B
    ports: ['8080:80', '127.0.0.1:9000:9000']
    volumes: ['data:/data', './conf:/conf:ro']
    depends_on: [db]
    healthcheck: {test: [CMD, 'true'], interval: 5s}
    dns: [1.1.1.1]
  x-note: {image: none}
  db: {image: postgres}
",
            ),
            (
                "compose.override.yaml",
                "services:
  web:
    command: serve --debug
    environment: {A: '2', C: '3'}
    ports: ['8080:80', '81:81/udp']
    volumes: ['other:/data']
    depends_on: {cache: {condition: service_healthy}}
    healthcheck: {test: none}
    dns: [1.1.1.1, 8.8.8.8]
  cache: {image: redis}
",
            ),
        ],
        "# web
image: web:1
command: serve --debug
environment:
  A: \"2\"
  B: null
  C: \"3\"
ports:
- \"8080:80\"
- \"127.0.0.1:9000:9000\"
- 81:81/udp
volumes:
- other:/data
- ./conf:/conf:ro
depends_on:
  db: null
  cache:
    condition: service_healthy
healthcheck:
  test: none
  interval: 5s
dns:
- 1.1.1.1
- 8.8.8.8
# db
image: postgres
# cache
image: redis
",
        &[],
    );
}

#[test]
fn services_extend_others_of_their_own_and_of_other_files() {
    check(
        &[
            (
                "app/compose.yaml",
                "include: [../other/inc.yaml]
services:
  a: {extends: b, labels: [x=1]}
  b: {extends: {service: base, file: ../other.yaml}, image: b}
",
            ),
            ("other.yaml", "services:\n  base: {restart: always, image: base, labels: {y: '2'}}\n"),
            ("other/inc.yaml", "services:\n  inc: {image: inc}\n"),
        ],
        "# inc
image: inc
# a
restart: always
image: b
labels:
  \"y\": \"2\"
  x: \"1\"
# b
restart: always
image: b
labels:
  \"y\": \"2\"
",
        &[],
    );
}

#[test]
fn circles_and_missing_parts_are_problems_at_their_lines() {
    check(
        &[(
            "compose.yaml",
            "include:
- gone.yaml
services:
  a: {extends: b}
  b: {extends: a}
  c: {extends: {service: x, file: ../../x.yaml}, image: c}
  d: {extends: none}
  e: text
",
        )],
        "# a
{}
# b
{}
# c
image: c
# d
{}
",
        &[
            "compose.yaml:2: gone.yaml is not in the repository",
            "compose.yaml:4: service a extends itself",
            "compose.yaml:5: service b extends itself",
            "compose.yaml:6: ../../x.yaml is not in the repository",
            "compose.yaml:7: compose.yaml has no service none to extend",
            "compose.yaml:8: service e is no mapping",
        ],
    );
}

#[test]
fn places_and_profiles_and_old_files_are_kept() {
    let project = project(
        &[
            ("old.yml", "web:\n  image: web\n  profiles: [debug, x]\n"),
            ("new.yml", "services:\n  web:\n    image: two\nvolumes: {v: {}}\nx-y: 1\n"),
        ],
        &["old.yml", "new.yml"],
    );
    let web = project.services.first().expect("a service");
    assert_eq!((web.place.to_string().as_str(), web.profiles.join(" ").as_str()), ("old.yml:1", "debug x"));
    assert_eq!(web.node.get("image").map(|node| node.place.to_string()).as_deref(), Some("new.yml:3"));
    assert_eq!(project.top.iter().map(|entry| entry.key.as_str()).collect::<Vec<_>>(), ["volumes"]);
}

#[test]
fn variables_take_values_defaults_or_nothing() {
    let environment = |name: &str| match name {
        "SET" => Some("s".to_owned()),
        "EMPTY" => Some(String::new()),
        _ => None,
    };
    let pair = |left: &str, right: &str| (left.to_owned(), right.to_owned());
    for (text, expected, defaults, unset, required) in [
        ("$SET-${SET}$$SET", "s-s$SET", vec![], vec![], vec![]),
        ("${NO:-d}${EMPTY:-e}${EMPTY-f}", "de", vec![pair("NO", "d"), pair("EMPTY", "e")], vec![], vec![]),
        ("${A:-${B:-c}}/x", "c/x", vec![pair("B", "c"), pair("A", "c")], vec![], vec![]),
        ("${NO}$NO.", ".", vec![], vec!["NO".to_owned(), "NO".to_owned()], vec![]),
        ("${NO:?must be set}", "", vec![], vec![], vec![pair("NO", "must be set")]),
        ("${SET:+yes}${NO+no}", "yes", vec![], vec![], vec![]),
        ("a $ ${ ${} ${1} $1 é$", "a $ ${ ${} ${1} $1 é$", vec![], vec![], vec![]),
    ] {
        let expected = Interpolated { text: expected.to_owned(), defaults, unset, required };
        assert_eq!(interpolate(text, &environment), expected, "{text}");
    }
}
