//! What is found in small programs of PHP.

mod common;

use common::{check_outline, check_survives, check_symbols};
use gonogo_source::Language;

#[test]
fn imports_promoted_fields_and_parents_are_followed() {
    check_symbols(
        Language::Php,
        r"<?php
namespace App\Http;
use GuzzleHttp\Client;
use GuzzleHttp\{Pool, HandlerStack as Stack};
use function App\later;
use PDO;
class Shop extends \App\Base {
    private ?Client $lazy = null;
    public function __construct(private readonly Client|null $http, Stack $stack) {
        parent::__construct();
        $this->db = new PDO('mysql:');
        $stack->push(1);
    }
    public function buy() {
        $this->http->post('/buy');
        $this->lazy?->get('/x');
        $this->db->query('select 1');
        self::later();
        later();
        Pool::batch($this->http);
        $client = new Client();
        return $client->get('/y')->getBody();
    }
}
$count = count([]);
count($count);
\curl_exec(1);
try { $pool->a()->b()->c()->d()->e()->f()->g(); } catch (\A\B $error) { $error->show(); }
",
        &[
            "10 App.Base.__construct",
            "11 PDO",
            "12 GuzzleHttp.HandlerStack.push",
            "15 GuzzleHttp.Client.post",
            "16 GuzzleHttp.Client.get",
            "17 PDO.query",
            "18 .Shop.later",
            "19 App.later",
            "20 GuzzleHttp.Pool.batch",
            "21 GuzzleHttp.Client",
            "22 GuzzleHttp.Client.get",
            "22 GuzzleHttp.Client.get().getBody",
            "25 count",
            "26 count",
            "27 curl_exec",
            "28 $pool.a",
            "28 $pool.a().b",
            "28 $pool.a().b().c",
            "28 $pool.a().b().c().d",
            "28 $pool.a().b().c().d().e",
            "28 $pool.a().b().c().d().e().f",
            "28 $pool.a().b().c().d().e().f().g",
            "28 A.B.show",
        ],
    );
}

#[test]
fn scopes_hold_what_stands_in_them() {
    check_outline(
        Language::Php,
        r"<p>text</p>
<?php
foreach (rows() as $key => $row) { one($row); }
for ($i = 0; two($i); $i++) three();
while (true): endwhile;
do { four(); } while (five());
try {
    six();
} catch (A | \B\C $error) {
    // nothing
} catch (D) {
    throw new E('no');
} finally {
    seven();
}
$f = fn (int $n = 1) => eight($n);
$g = function (...$all) use ($f): ?Foo { return; };
",
        r#"   3  Loop  when (range rows())
   3  call rows ()
   3    bind $key
   3    bind $row
   3    call one ($row) dropped
   4  Loop  when two()
   4  bind $i = 0
   4    call two ($i)
   4    call three () dropped
   5  Loop  when true empty
   6  Loop  when five()
   6    call four () dropped
   6    call five ()
   7  Try 
   8    call six () dropped
   9  Catch $error of A, B.C empty
  11  Catch  of D
  12    text "no"
  12    call E ("no") Throw
  13  Finally 
  14    call seven () dropped
  16  Function  ($n: int = 1)
  16  bind $f = <function >
  16    call eight ($n) awaited
  16    return eight()
  17  Function  ($all) of Foo empty
  17    return null
  17  bind $g = <function >"#,
    );
}

#[test]
fn branches_know_their_conditions() {
    check_outline(
        Language::Php,
        r"<?php
if ($a and !$b) one();
elseif ($c): two();
else: three();
endif;
switch ($x) {
    case 1: four(); break;
    default: five();
}
$y = match (true) { 1, 2 => six(), default => seven() };
if ($a) { } else { return; }
$z = $a ? $b : $c;
",
        r"   2  Branch  when (&& $a (! $b))
   2    call one () dropped
   3  Branch  when (! (&& $a (! $b)))
   3    Branch  when $c
   3      call two () dropped
   4    Branch  when (! $c)
   4      call three () dropped
   7  Branch  when 1
   7    call four () dropped
   8  Branch 
   8    call five () dropped
  10  Branch  when [1, 2]
  10    call six ()
  10  Branch 
  10    call seven ()
  10  bind $y = ?
  11  Branch  when $a empty
  11  Branch  when (! $a) empty
  11    return null
  12  bind $z = (? $a $b $c)",
    );
}

#[test]
fn definitions_carry_their_annotations_fields_and_types() {
    check_outline(
        Language::Php,
        r#"<?php
#[Route("/x", methods: ["GET"]), Cached]
final class Shop extends Base implements A, \B\C {
    use Mixed;
    const LIMIT = 5;
    public static ?Shop $one = null;
    #[Get] public function show(#[Query] string $name, &$more): ?Item { return new Item(); }
}
interface I extends J { function f(); }
enum Suit: string { case Hearts = "h"; }
$shop = new class(1) extends Base { };
define("LIMIT", 7);
"#,
        r#"   2  Class Shop of Base, A, B.C, Mixed
   2  text "/x"
   2  text "GET"
   2    call Route ("/x", methods=["GET"]) Annotation
   2    call Cached () Annotation
   2  bind Shop = <function Shop>
   5    bind this.LIMIT = 5
   6    bind this.one: Shop = null
   7    Function show ($name: string) ($more) of Item
   7      call Get () Annotation
   7      call Query () Annotation
   7      call Item () Make awaited
   7      return Item()
   9  Class I of J
   9    Function f
   9  bind I = <function I>
  10  Class Suit
  10    text "h"
  10    bind this.Hearts = "h"
  10  bind Suit = <function Suit>
  11  Class  of Base
  11  bind $shop = <function >()
  11  call  (1) Make
  12  text "LIMIT"
  12  bind LIMIT = 7
  12  call define ("LIMIT", 7) dropped"#,
    );
}

#[test]
fn values_keep_their_shape() {
    check_outline(
        Language::Php,
        r#"<?php
$port = $_ENV["PORT"] ?? 80;
$host = $config->host ?: 'localhost';
$app->config["KEY"] = env("KEY", default: null);
$options = ["timeout" => 5, Foo::class => [1, 2], ...$more, X => -1_0];
$sql = "select {$a->b} from $c[0]" . 'it\'s';
$long = <<<SQL
    select $x
      from y
    SQL;
[$a, 'k' => $b] = pair();
send(...$args);
@unlink("x");
connect() or die("no");
echo "a", $b;
require __DIR__ . '/other.php';
`ls $dir`;
$cache ??= make();
Status::OK; static::$all; (int) $n;
"#,
        r#"import /other.php "" as ""
   2  text "PORT"
   2  read _ENV.PORT or 80
   2  bind $port = (?? _ENV.PORT 80)
   3  read $config.host or "localhost"
   3  bind $host = (?: $config.host "localhost")
   3  text "localhost"
   4  text "KEY"
   4  text "KEY"
   4  bind $app.config.KEY = env()
   4  call env ("KEY", default=null)
   5  bind $options = {timeout: 5, Foo: [1, 2], ...: $more, X: -10}
   6  read $a.b
   6  read $c[0]
   6  text "select {} from {}"
   6  bind $sql = (. "select {} from {}" "it\\'s")
   6  text "it\\'s"
   7  bind $long = "select {}\n  from y"
   7  text "select {}\n  from y"
  11  bind $a = pair()
  11  bind $b = pair() #1
  11  call pair ()
  12  call send (...=$args) dropped
  13  text "x"
  13  call unlink ("x") dropped
  14  call connect () awaited
  14  text "no"
  14  call die ("no")
  15  text "a"
  15  call echo ("a", $b)
  16  text "/other.php"
  17  call shell_exec ("ls {}") dropped
  17  text "ls {}"
  18  bind $cache = make()
  18  call make ()
  19  read Status.OK
  19  read this.all"#,
    );
}

#[test]
fn any_bytes_are_survived() {
    let php = |code: String| format!("<?php {code}").into_bytes();
    let samples = [
        php("function f( { $x = ( class try".to_owned()),
        php("(".repeat(100_000)),
        php(format!("if (a) {{}} {}", "elseif (b) {} ".repeat(4_000))),
        php(format!("{}1;", "$a = ".repeat(5_000))),
        php(format!("[{}] = [{}];", "$a, ".repeat(5_000), "$b, ".repeat(4_000))),
        php(format!("$x = {}1;", "$a . ".repeat(10_000))),
        php("$a->b".repeat(5_000)),
        php("->f()".repeat(5_000)),
        php(format!("$a{};", "->f()".repeat(5_000))),
        php("if (a) {".repeat(5_000)),
        php("\"{$".repeat(5_000)),
        php("<<<A\n".repeat(5_000)),
        php("new class { function f() { ".repeat(2_000)),
        "<?php ?>".repeat(5_000).into_bytes(),
        b"<?php $\xff = \"\xfe{$x}\";".to_vec(),
    ];
    let samples: Vec<&[u8]> = samples.iter().map(Vec::as_slice).collect();
    check_survives(Language::Php, &samples);
}
