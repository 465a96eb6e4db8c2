//! What the calls of small Java programs stand for, and in which scopes they stand.

mod lines;

use gonogo_source::{Expr, Language, read};
use lines::{check_calls, check_scopes};

#[test]
fn java_follows_imports_fields_and_parameters() {
    check_calls(
        Language::Java,
        r#"package shop;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.web.client.RestTemplate;
import static java.lang.String.format;
class Shop {
  private static final Logger LOG = LoggerFactory.getLogger(Shop.class);
  private final @Nullable RestTemplate http;
  Shop(RestTemplate http) { this.http = http; }
  String buy(String id) {
    LOG.info("buy {}", id);
    this.http.delete("/x");
    String body = http.getForObject("/x/" + id, String.class).trim();
    http.close();
    return helper(format(body));
  }
  RestTemplate helper(String s) { var other = new RestTemplate(); other.put(s); return other; }
  void later() { helper("x").put("y"); cache = make(); }
}
"#,
        &[
            "7 org.slf4j.LoggerFactory.getLogger",
            "8 Nullable Annotation",
            "11 org.slf4j.Logger.info dropped",
            "12 org.springframework.web.client.RestTemplate.delete dropped",
            "13 org.springframework.web.client.RestTemplate.getForObject",
            "13 org.springframework.web.client.RestTemplate.getForObject().trim",
            "14 org.springframework.web.client.RestTemplate.close dropped",
            "15 java.lang.String.format",
            "15 .Shop.helper awaited",
            "17 org.springframework.web.client.RestTemplate Make",
            "17 org.springframework.web.client.RestTemplate.put dropped",
            "18 .Shop.helper",
            "18 org.springframework.web.client.RestTemplate.put dropped",
            "18 make",
        ],
    );
}

#[test]
fn java_annotations_stand_on_their_class_method_or_the_scope_of_their_field() {
    let code = r#"@RequestMapping(path = "/api", produces = {"a", "b"})
class Shop {
  @Value("${X:default}") String x;
  @GetMapping("/{id}") String get(@PathVariable String id, @Valid Order... orders) { return id; }
}
"#;
    let module = read(Language::Java, code.as_bytes());
    let found: Vec<_> = module
        .calls
        .iter()
        .map(|call| (call.callee.name().unwrap_or_default(), module.scopes[call.scope].name.as_str()))
        .collect();
    assert_eq!(
        found,
        [
            ("RequestMapping", "Shop"),
            ("Value", "Shop"),
            ("GetMapping", "get"),
            ("PathVariable", "get"),
            ("Valid", "get")
        ]
    );
    let mapping = &module.calls[0].arguments;
    assert_eq!(mapping[0].name.as_deref(), Some("path"));
    assert_eq!(mapping[0].value, Expr::Text("/api".to_owned()));
    assert_eq!(mapping[1].value, Expr::List(vec![Expr::Text("a".to_owned()), Expr::Text("b".to_owned())]));
    assert_eq!(module.calls[1].arguments[0].value.text(), Some("${X:default}"));
    let field = &module.bindings[0];
    assert_eq!((field.name.as_str(), field.kind.as_deref()), ("this.x", Some("String")));
    assert!(field.spot.contains(module.calls[1].spot), "the annotation of a field stands within its binding");
}

#[test]
fn java_scopes_are_complete() {
    check_scopes(
        Language::Java,
        r"class A<T> extends Base<T> implements Runnable {
  void run(int n) {
    try (var in = open()) { go(); } catch (IOException | RuntimeException e) { /* nothing */ } finally { end(); }
    for (Order one : all) { if (one == null) { } else { go(one); } }
    while (n < 3) n++;
    switch (n) { case 1: case 2: go(); break; default: stop(); }
    int k = switch (n) { case 3, 4 -> go(); default -> 5; };
    list.forEach(one -> one.go());
    new Thread() { public void run() {} };
  }
  enum Color { RED }
  record P(String name) { }
}
",
        &[
            "1 Class A: Base, Runnable",
            "  2 Function run(n int)",
            "    3 Try",
            "    3 Catch e: IOException, RuntimeException empty",
            "    3 Finally",
            r#"    4 Loop if Operation("range", [Name("all")])"#,
            r#"      4 Branch if Operation("==", [Name("one"), Null]) empty"#,
            r#"      4 Branch if Operation("!", [Operation("==", [Name("one"), Null])])"#,
            r#"    5 Loop if Operation("<", [Name("n"), Number("3")])"#,
            r#"    6 Branch if Number("1")"#,
            r#"    6 Branch if Number("2")"#,
            "    6 Branch",
            r#"    7 Branch if List([Number("3"), Number("4")])"#,
            "    7 Branch",
            "    8 Function(one)",
            "    9 Class: Thread",
            "      9 Function run empty",
            "  11 Class Color",
            "  12 Class P",
        ],
    );
}

#[test]
fn java_values_keep_their_shape() {
    let code = r#"class A {
  static final int MAX = 1_000;
  long wait = -5L;
  String text = """
      Hello
        "World"
      """;
  int[] all = {1, 2};
  String port = System.getenv("PORT") + Config.DEFAULT_PORT;
}
"#;
    let module = read(Language::Java, code.as_bytes());
    let values: Vec<_> = module.bindings.iter().filter_map(|one| one.value.clone()).collect();
    let number = |text: &str| Expr::Number(text.to_owned());
    assert_eq!(
        values,
        [
            number("1000"),
            number("-5"),
            Expr::Text("Hello\n  \"World\"".to_owned()),
            Expr::List(vec![number("1"), number("2")]),
            Expr::Operation("+".to_owned(), vec![Expr::Call(0), Expr::Name("Config.DEFAULT_PORT".to_owned())]),
        ]
    );
    assert_eq!(module.reads.len(), 1);
    assert_eq!(module.package, "");
}
