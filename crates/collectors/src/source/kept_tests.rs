//! A review after a change says what a review without anything kept says, and looks into few files.

use std::path::Path;

use gonogo_domain::evidence::Package;

use super::{Sources, Wanted, gather, link};
use crate::{Cache, Tree};

type Files<'f> = &'f [(&'f str, &'f str)];

/// The facts of the program, and the files whose modules were looked into.
fn linked(files: Files<'_>, packages: &[Package], cache: &Cache) -> (String, Vec<String>) {
    let tree = Tree::from_memory(files.iter().map(|(path, text)| ((*path).to_owned(), text.as_bytes().to_vec())));
    let sources: Sources = gather(&tree, cache);
    let wanted = Wanted { name: "shop", path: ".", packages, starts: Vec::new(), handed_out: false, owns: &|_| true };
    let code = link(&sources, &[wanted], cache).remove(0);
    assert!(!code.functions.is_empty());
    let read = sources.units.iter().filter(|unit| unit.module.is_read()).map(|unit| unit.path.to_string());
    (format!("{code:#?}"), read.collect())
}

/// Reviews each state after the other. What is looked into each time is `read`, with spaces between.
#[track_caller]
fn check(states: &[(Files<'_>, &str)]) {
    let folder = tempfile::tempdir().unwrap();
    for (round, (files, expect)) in states.iter().enumerate() {
        let cache = Cache::open(folder.path(), Path::new("/no/such/repository"), "1");
        let (kept, read) = linked(files, &[], &cache);
        cache.save();
        let (fresh, _) = linked(files, &[], &Cache::none());
        assert_eq!(kept, fresh, "round {round}");
        assert_eq!(read.join(" "), *expect, "round {round}");
    }
}

const STORE: (&str, &str) = (
    "store/store.py",
    "import requests\nTIMEOUT = 5\ndef fetch(path):\n    return requests.get('https://store/' + path, timeout=TIMEOUT)\n",
);
const PAY: (&str, &str) = (
    "pay.py",
    "from store.store import fetch\ndef pay(order):\n    try:\n        return fetch('/pay')\n    except Exception:\n        return None\n",
);
const OTHER: (&str, &str) = ("other.py", "import logging\ndef tell():\n    logging.info('told')\n");

#[test]
fn nothing_is_looked_into_where_nothing_changed() {
    let all = [STORE, PAY, OTHER];
    check(&[(&all, "other.py pay.py store/store.py"), (&all, ""), (&all, "")]);
}

#[test]
fn a_change_is_seen_by_those_that_ask_about_the_file() {
    let slower = ("store/store.py", "import requests\ndef fetch(path):\n    return requests.get(path)\n");
    check(&[
        (&[STORE, PAY, OTHER], "other.py pay.py store/store.py"),
        (&[slower, PAY, OTHER], "pay.py store/store.py"),
        (&[STORE, PAY, OTHER], "pay.py store/store.py"),
    ]);
}

#[test]
fn a_line_more_moves_what_stands_below_it() {
    let moved = ("other.py", "\n\nimport logging\ndef more():\n    pass\ndef tell():\n    logging.info('told')\n");
    check(&[
        (&[STORE, PAY, OTHER], "other.py pay.py store/store.py"),
        // Functions and uses of the files behind it have other numbers than before.
        (&[STORE, PAY, moved], "other.py"),
    ]);
}

#[test]
fn a_file_that_comes_or_goes_is_seen_by_all() {
    check(&[
        (&[PAY, OTHER], "other.py pay.py"),
        (&[STORE, PAY, OTHER], "other.py pay.py store/store.py"),
        (&[PAY, OTHER], "other.py pay.py"),
    ]);
}

const GO: Files<'_> = &[
    ("a/a.go", "package a\nimport \"net/http\"\nfunc Close() { made.CloseIdleConnections() }\n"),
    ("a/made.go", "package a\nimport (\"net/http\"; \"time\")\nvar made = &http.Client{Timeout: time.Second}\n"),
    ("b/b.go", "package b\nfunc Other() int { return 1 }\n"),
    ("main.go", "package main\nimport \"net/http\"\nfunc main() { http.Get(\"http://x\"); run() }\nfunc run() {}\n"),
];

#[test]
fn what_a_package_declares_is_asked_by_its_files_alone() {
    let declares =
        ("a/made.go", "package a\nimport \"net/http\"\nvar made = http.DefaultClient\nfunc New() int { return 2 }\n");
    let [a, _, b, main] = GO else { panic!() };
    check(&[(GO, "a/a.go a/made.go b/b.go main.go"), (&[*a, declares, *b, *main], "a/a.go a/made.go")]);
}

#[test]
fn a_body_that_changes_is_looked_into_alone() {
    let [a, made, _, main] = GO else { panic!() };
    let other = ("b/b.go", "package b\nfunc Other() int {\n\tif true {\n\t\treturn 3\n\t}\n\treturn 2\n}\n");
    check(&[(GO, "a/a.go a/made.go b/b.go main.go"), (&[*a, *made, other, *main], "b/b.go")]);
}

#[test]
fn where_a_secret_comes_from_is_followed_through_what_changed() {
    let check_it = ("check.py", "from keys import secret\ndef valid(signature):\n    return signature == secret()\n");
    let keys = |text: &'static str| ("keys.py", text);
    let of_environment = "import os\ndef secret():\n    return os.environ['WEBHOOK_SECRET']\n";
    let of_hash = "import hmac\ndef secret():\n    return hmac.new(b'k', b'v', 'sha256').hexdigest()\n";
    check(&[
        (&[check_it, keys(of_environment)], "check.py keys.py"),
        (&[check_it, keys(of_hash)], "check.py keys.py"),
        (&[check_it, keys("def secret():\n    return 1\n")], "check.py keys.py"),
    ]);
}

#[test]
fn another_lockfile_is_another_program() {
    let folder = tempfile::tempdir().unwrap();
    let files: Files<'_> = &[STORE, PAY];
    let package = |version: &str| {
        let manifest = r#"{"name": "shop", "dependencies": {"axios": "*"}}"#;
        let lock = format!(
            r#"{{"name": "shop", "lockfileVersion": 3, "packages": {{"node_modules/axios": {{"version": "{version}"}}}}}}"#
        );
        let tree = Tree::from_memory([
            ("package.json".to_owned(), manifest.as_bytes().to_vec()),
            ("package-lock.json".to_owned(), lock.into_bytes()),
        ]);
        crate::packages::gather(&crate::Corpus::read(&tree)).items
    };
    for (packages, expect) in [
        (package("1.0.0"), "pay.py store/store.py"),
        (package("1.0.0"), ""),
        (package("2.0.0"), "pay.py store/store.py"),
    ] {
        let cache = Cache::open(folder.path(), Path::new("/no/such/repository"), "1");
        let (_, read) = linked(files, &packages, &cache);
        cache.save();
        assert_eq!(read.join(" "), expect);
    }
}
