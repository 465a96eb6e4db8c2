//! What the calls of small Rust programs stand for, and in which scopes they stand.

mod lines;

use gonogo_source::{Expr, Language, Names, Nothing, read};
use lines::{check_calls, check_scopes};

#[test]
fn rust_follows_fields_from_a_struct_to_its_impl() {
    check_calls(
        Language::Rust,
        r#"use std::{env, sync::Arc};
use reqwest::Client;
struct Shop { client: Arc<Client>, pool: Option<sqlx::PgPool> }
impl Shop {
    fn new() -> Self { Self { client: Arc::new(Client::new()), pool: None } }
    async fn buy(&self, id: u32) -> Result<Order, Error> {
        self.client.get("http://x").send().await?.json::<Order>().await
    }
    async fn pay(&self) -> anyhow::Result<()> {
        let order = self.buy(3).await?;
        order.ship();
        if let Some(pool) = &self.pool { pool.close().await; }
        let client = Arc::new(Client::builder().build().unwrap());
        client.clone().post("http://y");
        let shared = Arc::new(Client::new());
        shared.clone().put("http://z");
        let _ = self.client.head("/");
        let port = env::var("PORT").unwrap_or_else(|_| "80".into());
        tokio::spawn(async move { work().await; });
        Ok(())
    }
}
"#,
        &[
            "5 reqwest.Client.new",
            "5 std.sync.Arc.new",
            "7 reqwest.Client.get",
            "7 reqwest.Client.get().send awaited",
            "7 reqwest.Client.get().send().json awaited",
            "10 .Shop.buy awaited",
            "11 Order.ship dropped",
            "12 sqlx.PgPool.close awaited dropped",
            "13 reqwest.Client.builder",
            "13 reqwest.Client.builder().build awaited",
            "13 reqwest.Client.builder().build().unwrap",
            "13 std.sync.Arc.new",
            "14 reqwest.Client.builder().build().clone",
            "14 reqwest.Client.builder().build().post dropped",
            "15 reqwest.Client.new",
            "15 std.sync.Arc.new",
            "16 reqwest.Client.clone",
            "16 reqwest.Client.put dropped",
            "17 reqwest.Client.head dropped",
            "18 std.env.var awaited",
            "18 ? awaited",
            "18 std.env.var().unwrap_or_else",
            "19 work awaited dropped",
            "19 tokio.spawn dropped",
            "20 Ok awaited",
        ],
    );
}

#[test]
fn rust_attributes_stand_on_what_follows_them() {
    let code = r#"#![allow(unused)]
#[derive(Debug)]
#[serde(rename_all = "camelCase")]
struct Shop { #[serde(default)] name: String }
#[tokio::main(flavor = "multi_thread")]
async fn main() {}
#[get("/x/{id}")]
async fn one(id: web::Path<u32>) {}
#[cfg(test)]
mod tests {
    use super::*;
    #[test]
    fn works() {}
}
"#;
    let module = read(Language::Rust, code.as_bytes());
    let found: Vec<_> = module
        .calls
        .iter()
        .map(|call| (call.callee.name().unwrap_or_default(), module.scopes[call.scope].name.as_str()))
        .collect();
    assert_eq!(
        found,
        [
            ("allow", ""),
            ("derive", "Shop"),
            ("serde", "Shop"),
            ("serde", "Shop"),
            ("tokio.main", "main"),
            ("get", "one"),
            ("cfg", "tests"),
            ("test", "works"),
        ]
    );
    assert_eq!(module.calls[2].arguments[0].name.as_deref(), Some("rename_all"));
    assert_eq!(module.calls[5].arguments[0].value.text(), Some("/x/{id}"));
    assert_eq!(module.calls[6].arguments[0].value.name(), Some("test"));
}

#[test]
fn rust_macros_are_calls_with_what_is_plain_in_them() {
    let code = r#"use tracing::info;
fn f(order: Order, clients: Clients) {
    info!(user = %order.id, "paid {}", order.total().await?);
    sqlx::query!("select $1", order.id).execute(&pool);
    let all = vec![Client::new(), clients.get::<u32>(3)];
    tokio::select! { _ = stop.recv() => { shut(1); } done = work() => done.check(), }
    panic!("no");
}
"#;
    check_calls(
        Language::Rust,
        code,
        &[
            "3 Order.total awaited",
            "3 tracing.info dropped",
            "4 sqlx.query",
            "4 sqlx.query().execute dropped",
            "5 Client.new",
            "5 Clients.get",
            "5 vec",
            "6 stop.recv",
            "6 shut",
            "6 work",
            "6 done.check",
            "6 tokio.select",
            "7 panic Throw",
        ],
    );
    let module = read(Language::Rust, code.as_bytes());
    let info = module.calls.iter().find(|call| call.callee.name() == Some("info")).unwrap();
    assert_eq!(info.arguments[0].name.as_deref(), Some("user"));
    assert_eq!(info.arguments[0].value.name(), Some("order.id"));
    assert_eq!(info.arguments[1].value.text(), Some("paid {}"));
}

#[test]
fn rust_imports_are_read_from_trees() {
    let module = read(
        Language::Rust,
        b"use std::{io::{self, Read as _}, sync::*};\npub use crate::a::B as C;\nuse json;\nextern crate x as y;\n",
    );
    let found: Vec<_> = module
        .imports
        .iter()
        .map(|import| (import.module.as_str(), import.name.as_deref(), import.local.as_str()))
        .collect();
    assert_eq!(
        found,
        [
            ("std.io", None, "io"),
            ("std.io", Some("Read"), ""),
            ("std.sync", Some("*"), ""),
            ("crate.a", Some("B"), "C"),
            ("json", None, "json"),
            ("x", None, "y"),
        ]
    );
    let names = Names::new(&module, &Nothing);
    assert_eq!(names.symbols(&Expr::Name("io.stdin".to_owned()), 0), ["std.io.stdin"]);
}

#[test]
fn rust_scopes_are_complete() {
    check_scopes(
        Language::Rust,
        r"struct Shop<T>(u32);
impl<T> Run for Shop<T> {
    async fn run(&self, State(pool): State<PgPool>, (a, b): (u32, u32)) -> Result<Order, Error> {
        if a > 3 { } else if let Some(c) = &self.c { go(c) } else { stop() }
        let Ok(x) = load() else { return Err(e) };
        for one in all.iter() { go(one); }
        while a < 3 { }
        loop { break; }
        match load() { Ok(v) if v > 3 => v, Err(e) => {}, 1 | 2 => go(), _ => stop() }
        let f = |y: u32| y + 1;
        async { go() }
    }
}
trait Run: Send { fn run(&self); }
",
        &[
            "1 Class Shop",
            "2 Class Shop: Run",
            "  3 Function run(pool PgPool, a, b): Order, Result async",
            r#"    4 Branch if Operation(">", [Name("a"), Number("3")]) empty"#,
            r#"    4 Branch if Operation("!", [Operation(">", [Name("a"), Number("3")])])"#,
            r#"      4 Branch if Operation("let", [Name("Some"), Name("this.c")])"#,
            r#"      4 Branch if Operation("!", [Operation("let", [Name("Some"), Name("this.c")])])"#,
            r#"    5 Catch if Operation("!", [Operation("let", [Name("Ok"), Call(2)])])"#,
            r#"    6 Loop if Operation("range", [Call(4)])"#,
            r#"    7 Loop if Operation("<", [Name("a"), Number("3")]) empty"#,
            "    8 Loop",
            r#"    9 Branch if Name("Ok")"#,
            r#"    9 Catch e if Name("Err") empty"#,
            r#"    9 Branch if List([Number("1"), Number("2")])"#,
            "    9 Branch",
            "    10 Function(y u32)",
            "    11 Function async",
            "14 Class Run: Send",
            "  14 Function run",
        ],
    );
}

#[test]
fn rust_values_keep_their_shape() {
    let code = r##"const MAX: usize = 1_000usize;
static MASK: u8 = 0x1f_u8;
const WAIT: f64 = -0.5;
static TEXT: &str = r#"a "b" c"#;
static OPTIONS: Options = Options { port: 80, host: config["host"], ..Options::BASE };
static ALL: [u8; 2] = [1, 2];
"##;
    let module = read(Language::Rust, code.as_bytes());
    let number = |text: &str| Expr::Number(text.to_owned());
    let name = |text: &str| Expr::Name(text.to_owned());
    let values: Vec<_> = module.bindings.iter().filter_map(|one| one.value.clone()).collect();
    assert_eq!(
        values,
        [
            number("1000"),
            number("0x1f"),
            number("-0.5"),
            Expr::Text("a \"b\" c".to_owned()),
            Expr::Object {
                kind: Some("Options".to_owned()),
                fields: vec![
                    ("port".to_owned(), number("80")),
                    ("host".to_owned(), name("config.host")),
                    ("...".to_owned(), name("Options.BASE")),
                ],
            },
            Expr::List(vec![number("1"), number("2")]),
        ]
    );
    let reads: Vec<_> = module.reads.iter().filter_map(|read| read.value.name()).collect();
    assert_eq!(reads, ["config.host", "Options.BASE"]);
}

#[test]
fn rust_takes_macros_of_levels_without_a_use_for_those_of_log() {
    check_calls(
        Language::Rust,
        r#"use tracing::warn;
fn pay(id: u32) {
    info!("paid {id}");
    warn!("late");
    tracing::error!("lost");
}
"#,
        &["3 log.info dropped", "4 tracing.warn dropped", "5 tracing.error dropped"],
    );
}
