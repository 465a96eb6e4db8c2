//! What the calls of small C# programs stand for, and in which scopes they stand.

mod lines;

use gonogo_source::{Expr, Language, Names, Nothing, read};
use lines::{check_calls, check_scopes};

#[test]
fn csharp_follows_fields_properties_and_primary_constructors() {
    check_calls(
        Language::CSharp,
        r#"using Microsoft.Extensions.Logging;
using Json = Newtonsoft.Json.JsonConvert;
namespace Shop.Api;
[ApiController, Route("api/[controller]")]
public class Shop(Db db) : Base(db) {
  private readonly HttpClient? _client = new() { Timeout = Limit };
  public ILogger<Shop> Log { get; set; }
  public Shop(HttpClient client) : base(client) { _client = client; }
  [HttpGet("{id}", Name = "one")]
  public async Task<Order> Get([FromRoute] int id) {
    await _client.GetAsync($"http://x/{id}").ConfigureAwait(false);
    var text = this._client!.GetStringAsync("/y").Result;
    Log?.LogInformation("got {Id}", id);
    await db.Orders.FindAsync(id);
    Helper();
    var order = await Get(3);
    order.Ship();
    return Json.DeserializeObject<Order>(text);
  }
  void Helper() => throw new InvalidOperationException("no");
}
"#,
        &[
            "4 ApiController Annotation",
            "4 Route Annotation",
            "5 Base",
            "6 HttpClient Make",
            "8 Base",
            "9 HttpGet Annotation",
            "10 FromRoute Annotation",
            "11 HttpClient.GetAsync awaited",
            "11 HttpClient.GetAsync().ConfigureAwait awaited dropped",
            "12 HttpClient.GetStringAsync awaited",
            "13 ILogger.LogInformation dropped",
            "14 Db.Orders.FindAsync awaited dropped",
            "15 .Shop.Helper dropped",
            "16 .Shop.Get awaited",
            "17 Order.Ship dropped",
            "18 Newtonsoft.Json.JsonConvert.DeserializeObject awaited",
            "20 InvalidOperationException Throw",
        ],
    );
}

#[test]
fn csharp_reads_top_level_statements_and_minimal_apis() {
    check_calls(
        Language::CSharp,
        r#"global using Serilog;
var builder = WebApplication.CreateBuilder(args);
builder.Services.AddHealthChecks();
var app = builder.Build();
app.MapGet("/x", async (int id, [FromServices] Db db) => await db.Get(id));
app.MapGet("/y", Handle);
await app.RunAsync();
static IResult Handle() => Results.Ok();
"#,
        &[
            "2 WebApplication.CreateBuilder",
            "3 WebApplication.CreateBuilder().Services.AddHealthChecks dropped",
            "4 WebApplication.CreateBuilder().Build",
            "5 FromServices Annotation",
            "5 Db.Get awaited",
            "5 WebApplication.CreateBuilder().Build().MapGet dropped",
            "6 WebApplication.CreateBuilder().Build().MapGet dropped",
            "7 WebApplication.CreateBuilder().Build().RunAsync awaited dropped",
            "8 Results.Ok awaited",
        ],
    );
}

#[test]
fn csharp_names_may_come_from_namespaces_that_are_taken_implicitly() {
    let module = read(Language::CSharp, b"using Polly;\nvar client = new HttpClient();\nclient.GetAsync(url);\n");
    let names = Names::new(&module, &Nothing);
    let call = module.calls.last().unwrap();
    let symbols = names.symbols(&call.callee, call.scope);
    assert_eq!(symbols.first().map(String::as_str), Some("HttpClient.GetAsync"));
    assert!(symbols.iter().any(|symbol| symbol == "System.Net.Http.HttpClient.GetAsync"), "{symbols:?}");
    assert!(symbols.iter().any(|symbol| symbol == "Polly.HttpClient.GetAsync"), "{symbols:?}");
}

#[test]
fn csharp_scopes_are_complete() {
    check_scopes(
        Language::CSharp,
        r#"class A<T> : Base<T>, IDisposable {
  int Age => Find(3);
  async Task Run(int n, params string[] rest) {
    try { Go(); } catch (HttpRequestException e) when (n == 1) { throw; } catch (Exception) { } catch { Stop(); } finally { End(); }
    foreach (var one in All()) { if (one == null) { } else Go(one); }
    do { n++; } while (n < 3);
    switch (n) { case 1: Go(); break; default: Stop(); break; }
    var k = n switch { 1 => "a", _ => Go() };
    Task.Run(async () => await Go());
  }
  record P(string Name);
}
"#,
        &[
            "1 Class A: Base, IDisposable",
            "  2 Function Age: int",
            "  3 Function Run(n int, rest string): Task async",
            "    4 Try",
            r#"    4 Catch e: HttpRequestException if Operation("==", [Name("n"), Number("1")])"#,
            "    4 Catch: Exception empty",
            "    4 Catch",
            "    4 Finally",
            r#"    5 Loop if Operation("range", [Call(5)])"#,
            r#"      5 Branch if Operation("==", [Name("one"), Null]) empty"#,
            r#"      5 Branch if Operation("!", [Operation("==", [Name("one"), Null])])"#,
            r#"    6 Loop if Operation("<", [Name("n"), Number("3")])"#,
            r#"    7 Branch if Number("1")"#,
            "    7 Branch",
            r#"    8 Branch if Number("1")"#,
            "    8 Branch",
            "    9 Function async",
            "  11 Class P",
        ],
    );
}

#[test]
fn csharp_values_keep_their_shape() {
    let code = r#"class A {
  const decimal Rate = 1_000.5m;
  string path = @"c:\x", block = """
      Hello
        "World"
      """, hole = $"a{id}b";
  object all = new Dictionary<string, int> { ["a"] = 1, { "b", 2 } };
  object none = new { Name = "x", order.Id };
  HttpClient client = new(handler) { Timeout = Limit };
  string port = config["Port"] ?? "80";
  string user = config["Db:User"];
}
"#;
    let module = read(Language::CSharp, code.as_bytes());
    let text = |text: &str| Expr::Text(text.to_owned());
    let number = |text: &str| Expr::Number(text.to_owned());
    let name = |text: &str| Expr::Name(text.to_owned());
    let user = Expr::Index(Box::new(name("config")), Box::new(text("Db:User")));
    let values: Vec<_> = module.bindings.iter().filter_map(|one| one.value.clone()).collect();
    assert_eq!(
        values,
        [
            number("1000.5"),
            text(r"c:\x"),
            text("Hello\n  \"World\""),
            text("a{}b"),
            Expr::Call(0),
            Expr::Object {
                kind: None,
                fields: vec![("Name".to_owned(), text("x")), ("Id".to_owned(), name("order.Id"))]
            },
            Expr::Call(1),
            Expr::Operation("??".to_owned(), vec![name("config.Port"), text("80")]),
            user.clone(),
        ]
    );
    assert_eq!(
        module.calls[0].arguments[0].value,
        Expr::Object { kind: None, fields: vec![("a".to_owned(), number("1")), ("b".to_owned(), number("2"))] }
    );
    assert_eq!(module.calls[1].arguments[1].name.as_deref(), Some("Timeout"));
    let reads: Vec<_> = module.reads.iter().map(|read| (read.value.clone(), read.default.clone())).collect();
    assert_eq!(reads, [(name("order.Id"), None), (name("config.Port"), Some(text("80"))), (user, None)]);
}
