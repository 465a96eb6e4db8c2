//! What the calls of small Kotlin programs stand for, and in which scopes they stand.

mod lines;

use gonogo_source::{Expr, Language, read};
use lines::{check_calls, check_scopes};

#[test]
fn kotlin_follows_constructor_properties_and_lazy_fields() {
    check_calls(
        Language::Kotlin,
        r#"package shop
import io.ktor.client.HttpClient
import org.slf4j.LoggerFactory
import org.springframework.web.client.RestTemplate as Rest
@RestController
class Shop(private val http: Rest, @Value("\${x}") val x: String = "d") : Base(x), Closeable {
  private val client by lazy { HttpClient(CIO) { expectSuccess = true } }
  companion object {
    private val log = LoggerFactory.getLogger(Shop::class.java)
  }
  @GetMapping("/{id}", produces = ["a"])
  suspend fun buy(@PathVariable id: String): Order? {
    http.getForObject("/x/$id", Order::class.java)!!.ship()
    this.http.delete("/y")
    log.info("done")
    val body = client.get("/z").body<String>()
    val other = Rest().apply { setUp() }
    other.put("/a")
    find(id)?.pay()
    return find(body) ?: throw Gone("no")
  }
  fun find(id: String): Order? = null
}
"#,
        &[
            "5 RestController Annotation",
            "6 Value Annotation",
            "6 Base",
            "7 io.ktor.client.HttpClient Make awaited",
            "7 lazy",
            "9 org.slf4j.LoggerFactory.getLogger",
            "11 GetMapping Annotation",
            "12 PathVariable Annotation",
            "13 org.springframework.web.client.RestTemplate.getForObject",
            "13 org.springframework.web.client.RestTemplate.getForObject().ship dropped",
            "14 org.springframework.web.client.RestTemplate.delete dropped",
            "15 org.slf4j.LoggerFactory.getLogger().info dropped",
            "16 io.ktor.client.HttpClient.get",
            "16 io.ktor.client.HttpClient.get().body",
            "17 org.springframework.web.client.RestTemplate Make",
            "17 setUp awaited",
            "17 org.springframework.web.client.RestTemplate.apply",
            "18 org.springframework.web.client.RestTemplate.put dropped",
            "19 .Shop.find",
            "19 Order.pay dropped",
            "20 .Shop.find",
            "20 Gone Throw",
        ],
    );
}

#[test]
fn kotlin_reads_the_lambda_after_the_parentheses_as_the_last_argument() {
    let code = r#"fun Application.module() {
  install(CORS) { anyHost() }
  routing {
    get("/x/{id}") { call.respondText("Hello ${call.parameters["id"]} $name") }
  }
}
"#;
    check_calls(
        Language::Kotlin,
        code,
        &["2 anyHost awaited", "2 install dropped", "3 routing dropped", "4 call.respondText awaited", "4 get awaited"],
    );
    let module = read(Language::Kotlin, code.as_bytes());
    let get = module.calls.iter().find(|call| call.callee.name() == Some("get")).unwrap();
    assert_eq!(get.arguments[0].value.text(), Some("/x/{id}"));
    assert!(matches!(get.arguments[1].value, Expr::Function(_)));
    assert_eq!(module.literals.last().unwrap().text, "Hello {} {}");
    assert_eq!(module.reads[0].value.name(), Some("call.parameters.id"));
    let function = &module.scopes[1];
    assert_eq!(function.parameters[0].kind.as_deref(), Some("Application"));
}

#[test]
fn kotlin_scopes_are_complete() {
    check_scopes(
        Language::Kotlin,
        r#"class A<T>(y: Int) : Base<T>(y), Runnable by y {
  suspend fun run(n: Int, vararg rest: String) {
    try { go() } catch (e: IOException) { /* nothing */ } finally { end() }
    for ((k, v) in all) { if (k == 1) { } else go(v) }
    while (n < 3) go()
    when (n) { 1, 2 -> go(); else -> stop() }
    val k = if (n == 3) 4 else go()
    scope.launch { one -> one.go() }
  }
}
object S
enum class Color(val v: String) {
  RED("r");
  fun f() {}
}
"#,
        &[
            "1 Class A: Base, Runnable",
            "  2 Function run(n Int, rest String) async",
            "    3 Try",
            "    3 Catch e: IOException empty",
            "    3 Finally",
            r#"    4 Loop if Operation("range", [Name("all")])"#,
            r#"      4 Branch if Operation("==", [Name("k"), Number("1")]) empty"#,
            r#"      4 Branch if Operation("!", [Operation("==", [Name("k"), Number("1")])])"#,
            r#"    5 Loop if Operation("<", [Name("n"), Number("3")])"#,
            r#"    6 Branch if List([Number("1"), Number("2")])"#,
            "    6 Branch",
            r#"    7 Branch if Operation("==", [Name("n"), Number("3")])"#,
            r#"    7 Branch if Operation("!", [Operation("==", [Name("n"), Number("3")])])"#,
            "    8 Function(one)",
            "11 Class S",
            "12 Class Color",
            "  14 Function f empty",
        ],
    );
}

#[test]
fn kotlin_values_keep_their_shape() {
    let code = r#"const val MAX: Int = 1_000
val wait = -5L
val text = """
    |Hello $name
    |  "World"
""".trimMargin()
val port = env["PORT"] ?: "80"
val pair = mapOf("a" to 1)
val (a, b) = pair
"#;
    let module = read(Language::Kotlin, code.as_bytes());
    let number = |text: &str| Expr::Number(text.to_owned());
    let text = |text: &str| Expr::Text(text.to_owned());
    let name = |text: &str| Expr::Name(text.to_owned());
    let values: Vec<_> =
        module.bindings.iter().map(|one| (one.name.as_str(), one.nth, one.value.clone().unwrap())).collect();
    assert_eq!(
        values,
        [
            ("MAX", 0, number("1000")),
            ("wait", 0, number("-5")),
            ("text", 0, text("Hello {}\n  \"World\"")),
            ("port", 0, Expr::Operation("?:".to_owned(), vec![name("env.PORT"), text("80")])),
            ("pair", 0, Expr::Call(0)),
            ("a", 0, name("pair")),
            ("b", 1, name("pair")),
        ]
    );
    assert_eq!(module.reads[0].default, Some(text("80")));
    assert_eq!(module.calls[0].arguments[0].value, Expr::Operation("to".to_owned(), vec![text("a"), number("1")]));
}

#[test]
fn calls_with_type_arguments_are_calls() {
    let text = "fun main(args: Array<String>) {\n  run<Shop>(*args)\n  val all = listOf<Map<String, Int>>(one)\n  val less = a < B && c > (d)\n}\n";
    let module = gonogo_source::read(gonogo_source::Language::Kotlin, text.as_bytes());
    let called: Vec<&str> = module.calls.iter().filter_map(|call| call.callee.name()).collect();
    assert_eq!(called, ["run", "listOf"]);
}
