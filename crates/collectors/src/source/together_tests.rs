//! Services that share most of their files are linked together, and each is what it would be by itself.

use super::{Wanted, gather, link};
use crate::{Cache, Tree};

/// Files that all services have, so that they are linked together.
fn shared() -> Vec<(String, String)> {
    (0..12).map(|at| (format!("pkg/n{at}/n.go"), format!("package n{at}\nfunc Do() int {{ return {at} }}\n"))).collect()
}

/// Whether `a` and `b`, each with its own folder of `cmd/` and everything else, are the same together as alone.
#[track_caller]
fn check(files: &[(&str, &str)]) {
    let files = files.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).chain(shared());
    let tree = Tree::from_memory(files.map(|(path, text)| (path, text.into_bytes())));
    let sources = gather(&tree, &Cache::none());
    let own =
        |name: &'static str| move |path: &str| !path.starts_with("cmd/") || path.starts_with(&format!("cmd/{name}/"));
    let (a, b) = (own("a"), own("b"));
    let wanted = |name: &'static str| Wanted {
        name,
        path: ".",
        packages: &[],
        starts: Vec::new(),
        handed_out: false,
        owns: if name == "a" { &a } else { &b },
    };
    let together = link(&sources, &[wanted("a"), wanted("b")], &Cache::none());
    for (at, name) in ["a", "b"].into_iter().enumerate() {
        let alone = link(&sources, &[wanted(name)], &Cache::none());
        assert_eq!(format!("{:#?}", together[at]), format!("{:#?}", alone[0]), "{name}");
        assert!(!alone[0].functions.is_empty());
    }
}

#[test]
fn each_service_has_its_own_calls_and_those_that_it_shares() {
    check(&[
        ("cmd/a/main.go", "package main\nimport \"net/http\"\nfunc main() { http.Get(\"http://a\") }\n"),
        ("cmd/b/main.go", "package main\nimport \"net/http\"\nfunc main() { http.Get(\"http://b\") }\n"),
        ("pkg/http.go", "package pkg\nimport \"net/http\"\nfunc Fetch() { http.Get(\"http://x\") }\n"),
    ]);
}

#[test]
fn an_interface_is_implemented_by_the_types_of_the_service_alone() {
    let shared = "package pkg\ntype Store interface { Save() error }\ntype One struct{}\nfunc (o One) Save() error { return nil }\nfunc Run(s Store) error { return s.Save() }\n";
    check(&[
        ("cmd/a/main.go", "package main\ntype Two struct{}\nfunc (t Two) Save() error { panic(1) }\n"),
        ("cmd/b/main.go", "package main\nfunc main() {}\n"),
        ("pkg/store.go", shared),
    ]);
    // With too many of them, a call leads nowhere; in the other service it still does.
    let method = |at: usize| format!("type T{at} struct{{}}\nfunc (t T{at}) Save() error {{ return nil }}\n");
    let many = (0..9).map(method).collect::<String>();
    check(&[
        ("cmd/a/main.go", &format!("package main\n{many}")),
        ("cmd/b/main.go", "package main\nfunc main() {}\n"),
        ("pkg/store.go", shared),
    ]);
}

#[test]
fn a_variable_is_read_behind_what_the_callers_of_the_service_ask() {
    check(&[
        (
            "cmd/a/main.js",
            "import { trace } from '../../pkg/trace.js';\nif (process.env.TRACING === '1') {\n  trace();\n}\n",
        ),
        ("cmd/b/main.js", "import { trace } from '../../pkg/trace.js';\ntrace();\n"),
        ("pkg/trace.js", "export function trace() { return process.env.COLLECTOR_URL; }\n"),
    ]);
}

#[test]
fn a_deadline_comes_from_the_callers_of_the_service() {
    let wait = "package pkg\nimport (\"context\"; \"net/http\")\nfunc Ask(ctx context.Context) {\n\treq, _ := http.NewRequestWithContext(ctx, \"GET\", \"http://x\", nil)\n\thttp.DefaultClient.Do(req)\n}\nfunc Serve(w http.ResponseWriter, r *http.Request) { Ask(r.Context()) }\n";
    check(&[
        (
            "cmd/a/main.go",
            "package main\nimport (\"context\"; \"time\")\nfunc main() { ctx, c := context.WithTimeout(context.Background(), time.Second); defer c(); Ask(ctx) }\nfunc Ask(ctx context.Context) {}\n",
        ),
        (
            "cmd/b/main.go",
            "package main\nimport \"net/http\"\nfunc main() { http.HandleFunc(\"/\", Serve) }\nfunc Serve(w http.ResponseWriter, r *http.Request) {}\n",
        ),
        ("pkg/ask.go", wait),
    ]);
}

#[test]
fn what_one_imports_from_the_folder_of_the_other_is_not_there() {
    check(&[
        ("cmd/a/client.js", "import axios from 'axios';\nexport const api = axios.create({ timeout: 5 });\n"),
        ("cmd/b/main.js", "console.log('b');\n"),
        ("pkg/pay.js", "import { api } from '../cmd/a/client.js';\nexport const pay = () => api.get('/pay');\n"),
    ]);
}

#[test]
fn names_of_one_package_that_lies_in_both_are_each_their_own() {
    check(&[
        ("cmd/a/Client.java", "package shop;\nclass Client { RestTemplate rest; }\n"),
        ("cmd/b/Client.java", "package shop;\nclass Client { HttpClient rest; }\n"),
        (
            "pkg/Pay.java",
            "package shop;\nclass Pay { Client client; void pay() { client.rest.getForObject(\"/\"); } }\n",
        ),
    ]);
}

#[test]
fn a_test_asserts_by_what_the_service_has() {
    let test = "package pkg\nimport \"testing\"\ntype Checker interface { Look() }\nfunc TestIt(t *testing.T) { var c Checker; c.Look() }\n";
    check(&[
        ("cmd/a/main.go", "package main\ntype Two struct{}\nfunc (t Two) Look() { panic(1) }\n"),
        ("cmd/b/main.go", "package main\ntype Three struct{}\nfunc (t Three) Look() {}\n"),
        ("pkg/it_test.go", test),
    ]);
}

#[test]
fn routes_and_middleware_of_one_are_not_those_of_the_other() {
    check(&[
        (
            "cmd/a/main.js",
            "import { app } from '../../pkg/app.js';\nimport { auth } from './auth.js';\napp.use(auth);\napp.get('/a', (req, res) => res.send('a'));\n",
        ),
        ("cmd/a/auth.js", "export function auth(req, res, next) { next(); }\n"),
        ("cmd/b/main.js", "import { app } from '../../pkg/app.js';\napp.get('/b', (req, res) => res.send('b'));\n"),
        (
            "pkg/app.js",
            "import express from 'express';\nexport const app = express();\napp.get('/all', (req, res) => res.send('all'));\n",
        ),
    ]);
}

#[test]
fn one_that_talks_to_a_vendor_makes_no_other_talk_to_it() {
    check(&[
        ("cmd/a/main.js", "const key = process.env.CLAY_API_KEY;\nfetch('https://api.clay.com/public/v0/x');\n"),
        ("cmd/b/main.js", "console.log('b');\n"),
        ("pkg/log.js", "export const log = (x) => console.log(`got ${x}`);\n"),
    ]);
}

#[test]
fn a_name_that_looks_like_a_place_of_the_program_does_no_harm() {
    check(&[
        ("cmd/a/main.js", "import { x } from '@99999';\nx.go();\nx();\n"),
        ("cmd/b/main.js", "import { x } from '@1';\nx.go();\nx();\n"),
    ]);
}
