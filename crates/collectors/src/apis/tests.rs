//! Descriptions of small interfaces, and what is read of them.

use std::fmt::Write as _;

use crate::{Corpus, Tree};

/// One line a description and one an operation.
fn check(files: &[(&str, &str)], expect: &str) {
    let tree = Tree::from_memory(files.iter().map(|(path, text)| ((*path).to_owned(), text.as_bytes().to_vec())));
    let gathered = super::gather(&Corpus::read(&tree));
    let mut out = String::new();
    for api in &gathered.items {
        let version = api.version.as_deref().unwrap_or("?");
        let _ = write!(out, "{:?} {} {version} at {}", api.kind, api.title, api.place);
        let _ = writeln!(out, " schemes={} servers={}", api.security_schemes.join(","), api.servers.join(","));
        for one in &api.operations {
            let _ = write!(out, "  {} {} {}", one.place, one.method, one.path);
            let _ = write!(out, " security={} responses={}", one.security.join(","), one.responses.join(","));
            out.push_str(if one.described { " described\n" } else { "\n" });
        }
    }
    for gap in &gathered.gaps {
        let _ = writeln!(out, "gap {}: {}", gap.place, gap.reason);
    }
    assert_eq!(out.trim_end(), expect.trim(), "got:\n{out}");
}

#[test]
fn general_security_holds_unless_an_operation_says_otherwise() {
    check(
        &[
            (
                "openapi.yaml",
                "openapi: 3.0.0\ninfo: {title: Shop, version: '1.2'}\nservers: [{url: 'https://a'}]\nsecurity: [{key: []}]\npaths:\n  /a:\n    parameters: []\n    get:\n      summary: Lists\n      responses: {'200': {}, default: {}}\n    post:\n      security: []\n  /b:\n    $ref: 'parts/b.yaml#/item'\ncomponents: {securitySchemes: {key: {type: apiKey}}}\n",
            ),
            ("parts/b.yaml", "item:\n  delete:\n    security: [{key: []}, {}]\n"),
        ],
        "
OpenApi Shop 1.2 at openapi.yaml schemes=key servers=https://a
  openapi.yaml:8 GET /a security=key responses=200,default described
  openapi.yaml:11 POST /a security= responses=
  parts/b.yaml:2 DELETE /b security= responses=",
    );
}

#[test]
fn a_description_in_two_forms_counts_once() {
    let json = r#"{"swagger": "2.0", "info": {"title": "A", "version": "1"}, "host": "h", "basePath": "/v1", "paths": {"/x": {"get": {}}, "/y": {"get": {}}}}"#;
    let sorted_otherwise =
        "swagger: '2.0'\ninfo: {title: A, version: '1'}\nhost: h\npaths:\n  /y: {get: {}}\n  /x: {get: {}}\n";
    check(
        &[("docs/swagger.json", json), ("docs/swagger.yaml", sorted_otherwise), ("tests/swagger.json", json)],
        "
OpenApi A 1 at docs/swagger.json schemes= servers=h/v1
  docs/swagger.json:1 GET /x security= responses=
  docs/swagger.json:1 GET /y security= responses=",
    );
}

#[test]
fn what_only_looks_like_a_description_is_none() {
    check(
        &[
            ("crd.yaml", "apiVersion: v1\nkind: X\nopenapi: '3'\ninfo: {}\npaths: {}\n"),
            ("values.yaml", "swagger: true\npaths: {}\n"),
            ("a.yaml", "openapi: 3.0.0\npaths: [\n"),
        ],
        "gap a.yaml:2: unclosed bracket '['",
    );
}

#[test]
fn channels_of_both_versions_are_operations() {
    check(
        &[
            (
                "a.yaml",
                "asyncapi: 2.6.0\ninfo: {title: A, version: '1'}\nservers: {p: {url: 'kafka:9092'}}\nchannels:\n  orders:\n    subscribe:\n      summary: Orders\n",
            ),
            (
                "b.yaml",
                "asyncapi: 3.0.0\ninfo: {title: B, version: '1'}\nchannels: {c: {address: 'x.y'}}\noperations:\n  send:\n    action: send\n    channel: {$ref: '#/channels/c'}\n",
            ),
        ],
        "
AsyncApi A 1 at a.yaml schemes= servers=kafka:9092
  a.yaml:6 SUBSCRIBE orders security= responses= described
AsyncApi B 1 at b.yaml schemes= servers=
  b.yaml:5 SEND x.y security= responses=",
    );
}

#[test]
fn services_of_protocol_buffers_are_found() {
    check(
        &[
            (
                "p/a.proto",
                "syntax = \"proto3\"; // service X {}\npackage shop.v1;\nmessage M { string rpc = 1; string service = 2; }\nservice Cart {\n  // Adds.\n  rpc Add(A) returns (B) {\n    option (google.api.http) = { post: \"/v1/a\" body: \"*\" };\n  }\n  rpc Get (stream A) returns (B);\n}\nservice Empty {}\n",
            ),
            ("p/health.proto", "package grpc.health.v1;\nservice Health { rpc Check(A) returns (B); }"),
            ("p/messages.proto", "package a; message M { string service = 1; }"),
            ("p/bare.proto", "service S{rpc R(A)returns(B){}}"),
        ],
        "
Grpc shop.v1 v1 at p/a.proto schemes= servers=
  p/a.proto:6 RPC shop.v1.Cart/Add security= responses= described
  p/a.proto:9 RPC shop.v1.Cart/Get security= responses=
Grpc S ? at p/bare.proto schemes= servers=
  p/bare.proto:1 RPC S/R security= responses=",
    );
}

#[test]
fn the_files_of_a_folder_are_one_schema() {
    check(
        &[
            (
                "graph/a.graphqls",
                "schema { query: Root mutation: Mutation }\ntype Root {\n  \"\"\"\n  One.\n  \"\"\"\n  a(x: Int = 1, y: [T!]): A @auth(role: ADMIN)\n  b: [B!]!\n}\ntype A { type: String  Query: Int }\n",
            ),
            (
                "graph/b.graphqls",
                "extend type Mutation {\n  # Does.\n  c(input: I!): Boolean! @deprecated(reason: \"}\")\n}\ntype Query { no: Int }\n",
            ),
            ("client/q.graphql", "query Q { a { type } }\n"),
        ],
        "
GraphQl graph ? at graph/a.graphqls schemes= servers=
  graph/a.graphqls:6 QUERY a security=auth responses= described
  graph/a.graphqls:7 QUERY b security= responses=
  graph/b.graphqls:3 MUTATION c security= responses= described",
    );
}

#[test]
fn hostile_files_end() {
    check(
        &[
            ("a.proto", &"service{rpc".repeat(50_000)),
            ("a.graphql", &format!("type Query{}", "{(".repeat(50_000))),
            ("b.graphql", "type Query { \"\"\"é"),
            ("c.proto", "service S { /* é"),
        ],
        "",
    );
}
