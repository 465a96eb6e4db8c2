//! The facts that small programs give.

use gonogo_domain::{KnownUse, SOURCE_TABLES, evidence::SourceCode, known_symbols};

use super::{gather, link};
use crate::Tree;

fn source(files: &[(&str, &str)]) -> SourceCode {
    let files = files.iter().map(|(path, text)| ((*path).to_owned(), text.as_bytes().to_vec()));
    let tree = Tree::from_memory(files);
    link(&gather(&tree), &[], "shop", &|_| true)
}

/// What is used, as `path:line meaning symbol {settings}`.
#[track_caller]
fn check_uses(files: &[(&str, &str)], expect: &[&str]) {
    let code = source(files);
    let found: Vec<String> = code
        .uses
        .iter()
        .map(|one| {
            let settings: Vec<String> =
                one.settings.iter().map(|(name, one)| format!("{name}={:?}", one.value)).collect();
            format!("{} {:?} {} {}", one.place, one.meaning, one.symbol, settings.join(" ")).trim_end().to_owned()
        })
        .collect();
    assert_eq!(found, expect);
}

#[test]
fn the_timeout_of_a_client_of_another_file_holds() {
    check_uses(
        &[
            (
                "src/client.js",
                "import axios from 'axios';\nconst WAIT = 2 * 1000;\nexport const api = axios.create({ timeout: WAIT });\n",
            ),
            (
                "src/app.js",
                "import { api } from './client.js';\nexport async function pay() {\n  await api.get('https://x.example/a');\n}\n",
            ),
        ],
        &[
            "src/app.js:3 HttpCall axios.AxiosInstance.get address=Text(\"https://x.example/a\") timeout=Duration(2000.0)",
            "src/client.js:3 Client axios.create timeout=Duration(2000.0)",
        ],
    );
}

#[test]
fn a_field_of_a_struct_is_followed_to_the_literal_that_fills_it() {
    check_uses(
        &[(
            "main.go",
            "package main\nimport (\"net/http\"; \"time\")\nfunc build() *Server {\n\treturn &Server{client: &http.Client{Timeout: 3 * time.Second}}\n}\nfunc (s *Server) Pay() { s.client.Get(\"http://x\") }\ntype Server struct { client *http.Client }\n",
        )],
        &["main.go:6 HttpCall net/http.Client.Get address=Text(\"http://x\") timeout=Duration(3000.0)"],
    );
}

#[test]
fn routes_have_the_prefix_and_the_guards_of_their_router() {
    let code = source(&[
        (
            "app.js",
            "import express from 'express';\nimport { orders } from './orders.js';\nimport { auth } from './auth.js';\nconst app = express();\napp.use(auth);\napp.use('/orders', orders);\napp.listen(8080);\n",
        ),
        ("auth.js", "export function auth(req, res, next) { next(); }\n"),
        (
            "orders.js",
            "import { Router } from 'express';\nexport const orders = Router();\norders.get('/:id', check, (req, res) => res.send('x'));\nfunction check(req, res, next) { next(); }\n",
        ),
    ]);
    let routes: Vec<String> = code
        .routes
        .iter()
        .map(|route| {
            let guards: Vec<&str> = route.guards.iter().map(|guard| guard.name.as_str()).collect();
            format!("{} {} {guards:?}", route.method.as_deref().unwrap_or("*"), route.path)
        })
        .collect();
    assert_eq!(routes, ["GET /orders/:id [\"@1.auth\", \".check\"]"]);
}

/// The file that a row's code stands in.
fn file_of(language: &str) -> &'static str {
    match language {
        "go" => "main.go",
        "python" => "app.py",
        "javascript" => "app.ts",
        "java" => "App.java",
        "kotlin" => "App.kt",
        "csharp" => "App.cs",
        "ruby" => "app.rb",
        "rust" => "main.rs",
        _ => "app.php",
    }
}

fn finds(language: &str, row: &KnownUse, code: &str) -> bool {
    let found = source(&[(file_of(language), code)]);
    found.uses.iter().any(|one| {
        let family = one.symbol.rsplit_once('.').map(|(family, _)| format!("{family}.*"));
        one.meaning == row.means
            && (row.symbols.contains(&one.symbol) || family.is_some_and(|it| row.symbols.contains(&it)))
    }) || row.means == gonogo_domain::evidence::Meaning::EnvironmentRead && !found.environment.is_empty()
}

#[test]
fn every_row_of_the_tables_finds_its_example_and_not_its_look_alike() {
    let mut wrong = Vec::new();
    for language in SOURCE_TABLES.iter().map(|(language, _)| *language).collect::<std::collections::BTreeSet<_>>() {
        let libraries = &known_symbols(language).libraries;
        assert!(!libraries.is_empty(), "the table of {language} does not parse");
        for row in libraries.iter().flat_map(|library| &library.uses) {
            if !finds(language, row, &row.example) {
                wrong.push(format!("{language} {:?} {:?}: the example is not found", row.means, row.symbols));
            }
            if finds(language, row, &row.look_alike) {
                wrong.push(format!("{language} {:?} {:?}: the look-alike is found", row.means, row.symbols));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_table_parses() {
    for language in SOURCE_TABLES.iter().map(|(language, _)| *language).collect::<std::collections::BTreeSet<_>>() {
        let texts = SOURCE_TABLES.iter().filter(|(one, _)| *one == language);
        let written: usize = texts.map(|(_, text)| text.matches("[[library.use]]").count()).sum();
        let read: usize = known_symbols(language).libraries.iter().map(|library| library.uses.len()).sum();
        assert_eq!(read, written, "{language}: rows that are written, and rows that are read");
    }
}
