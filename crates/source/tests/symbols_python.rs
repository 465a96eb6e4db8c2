//! What is found in small programs of Python.

mod common;

use common::{check_outline, check_survives, check_symbols};
use gonogo_source::Language;

#[test]
fn imports_fields_and_managed_variables_are_followed() {
    check_symbols(
        Language::Python,
        r#"import os.path, httpx as h
import urllib.request
from flask import Flask as App
from . import db
from .clients.bank import Bank

app = App(__name__)
class Shop:
    retries: int = 3
    def __init__(self, bank: "Bank | None" = None):
        self.http: h.Client = h.Client(timeout=5)
        self.bank = bank
        self.later()
    async def buy(self, session: Optional[h.AsyncClient]):
        self.http.post("/buy")
        self.bank.pay()
        await session.get("/x")
        async with h.stream("GET", "/y") as response:
            response.json()
urllib.request.urlopen("http://x")
os.path.join("a")
db.connect().cursor()
app.run()
"#,
        &[
            "7 flask.Flask",
            "11 httpx.Client",
            "13 .Shop.later",
            "15 httpx.Client.post",
            "16 .clients.bank.Bank.pay",
            "17 httpx.AsyncClient.get",
            "18 httpx.stream",
            "19 httpx.stream().json",
            "20 urllib.request.urlopen",
            "21 os.path.join",
            "22 .db.connect",
            "22 .db.connect().cursor",
            "23 flask.Flask.run",
        ],
    );
}

#[test]
fn variables_of_a_block_are_seen_in_the_whole_function() {
    check_symbols(
        Language::Python,
        "import redis\ntry:\n    store = redis.Redis()\nexcept OSError:\n    raise\nstore.get('x')\n",
        &["3 redis.Redis", "5 ?", "6 redis.Redis.get"],
    );
}

#[test]
fn what_own_functions_return_is_followed() {
    check_symbols(
        Language::Python,
        r"import requests
def session():
    made = requests.Session()
    return made
session().get('x')
class A:
    def client(self):
        return requests.Session()
    def run(self):
        self.client().put('x')
        self.name().upper()
    def name(self):
        return self.label
",
        &[
            "3 requests.Session",
            "5 .session",
            "5 requests.Session.get",
            "8 requests.Session",
            "10 .A.client",
            "10 requests.Session.put",
            "11 .A.name",
            "11 .A.name().upper",
        ],
    );
}

#[test]
fn scopes_hold_what_stands_in_them() {
    check_outline(
        Language::Python,
        r"import a
for row in rows():
    one(row)
else:
    two()
while three():
    pass
try:
    four()
except (A, b.C) as error:
    pass
except D:
    five()
    raise E('no') from error
except:
    ...
else:
    six()
finally:
    seven()
",
        "import a as \"a\"
   2  Loop  when (range rows())
   2    bind row
   2  call rows ()
   3    call one (row) dropped
   5  call two () dropped
   6  Loop  when three() empty
   6    call three ()
   9  Try 
   9    call four () dropped
  10  Catch error of A, b.C empty
  12  Catch  of D
  13    call five () dropped
  14    text \"no\"
  14    call E (\"no\") Throw
  15  Catch  empty
  18  call six () dropped
  19  Finally 
  20    call seven () dropped",
    );
}

#[test]
fn branches_know_their_conditions() {
    check_outline(
        Language::Python,
        r#"if a and not b:
    one()
elif c is None:
    two()
else:
    three()
match command:
    case "go" | 'run' if ready():
        four()
    case Point(x=0):
        five()
    case _:
        return
value = x if y else z
[six(i) for i in items() if seven(i)]
f = lambda n=1: eight(n)
"#,
        r#"   2  Branch  when (&& a (! b))
   2    call one () dropped
   3  Branch  when (! (&& a (! b)))
   4    Branch  when (== c null)
   4      call two () dropped
   5    Branch  when (! (== c null))
   6      call three () dropped
   8  Branch  when (&& ["go", "run"] ready())
   8    text "go"
   8    text "run"
   8    call ready ()
   9    call four () dropped
  10  Branch  when Point
  11    call five () dropped
  12  Branch  empty
  13    return null
  14  bind value = (? y x z)
  15  Loop  when (range items())
  15    Branch  when seven()
  15      call six (i)
  15    bind i
  15  call items ()
  15    call seven (i)
  16  Function  (n = 1)
  16  bind f = <function >
  16    call eight (n) awaited
  16    return eight()"#,
    );
}

#[test]
fn definitions_carry_their_annotations_fields_and_types() {
    check_outline(
        Language::Python,
        r#"@app.get("/x", deps=[Depends(user)])
@cached
async def show(request, *names, limit: int = 5, db: Annotated[Session, Depends(get_db)], **rest) -> list[Item]:
    """Says https://nothing.example."""
class Shop(Base, Generic[T], metaclass=Meta):
    name: Mapped[str] = column(String)
    inner = None
    def __len__(self):
        return 0
"#,
        r#"   1  text "/x"
   1  call Depends (user) Make
   1    call app.get ("/x", deps=[Depends()]) Annotation
   2    call cached () Annotation
   3  Function show (request) (names) (limit: int = 5) (db: Session) (rest) of list empty asynchronous
   3    call Depends (get_db) Make
   3  bind show = <function show>
   5  Class Shop of Base, Generic
   5  bind Shop = <function Shop>
   6    bind this.name: Mapped = column()
   6    call column (String)
   7    bind this.inner = null
   8    Function __len__
   9      return 0"#,
    );
}

#[test]
fn values_keep_their_shape() {
    check_outline(
        Language::Python,
        r#"port = os.environ["PORT"] or 80
host = config.host
app.config["KEY"] = os.getenv("KEY", default="k")
headers = {"a": 1, **more, key(): 0x1F, 2: -1_000.5}
text = f"select {name!r:>{width}} {{}}" "tail"
query = "a" + b % c
a, (b, *c) = d = pair()
x, y = 1, 2
send(*args, retry=True, **options)
rows[1:2, 3]
if (n := size()) > 10: pass
"#,
        r#"   1  text "PORT"
   1  read os.environ.PORT or 80
   1  bind port = (|| os.environ.PORT 80)
   2  bind host = config.host
   2  read config.host
   3  text "KEY"
   3  text "KEY"
   3  text "k"
   3  bind app.config.KEY = os.getenv()
   3  call os.getenv ("KEY", default="k")
   4  call key ()
   4  bind headers = {a: 1, ...: more, key(): 0x1F, 2: -1000.5}
   5  bind text = "select {} {{}}tail"
   5  text "select {} {{}}tail"
   6  text "a"
   6  bind query = (+ "a" (% b c))
   7  bind a = pair()
   7  bind b = pair()
   7  bind c = pair() #1
   7  bind d = pair()
   7  call pair ()
   8  bind x = 1
   8  bind y = 2
   9  call send (*=args, retry=true, **=options) dropped
  10  read rows[[?, 3]]
  11  bind n = size()
  11  call size ()
  11  Branch  when (> size() 10) empty"#,
    );
}

#[test]
fn any_bytes_are_survived() {
    check_survives(
        Language::Python,
        &[
            b"def f(:\n  x = (\nclass\n try: except",
            "if a:\n pass\n".repeat(2_000).as_bytes(),
            format!("if a:\n pass\n{}", "elif b:\n pass\n".repeat(4_000)).as_bytes(),
            format!("x = {}1", "a = ".repeat(5_000)).as_bytes(),
            format!("{} = [{}]", "a, ".repeat(5_000), "b, ".repeat(4_000)).as_bytes(),
            format!("x = {}", "a + ".repeat(2_000)).as_bytes(),
            format!("x{}", "[x".repeat(5_000)).as_bytes(),
            "\t".repeat(100_000).as_bytes(),
            (0..1_000).flat_map(|at| [" ".repeat(at), "if x:\n".to_owned()]).collect::<String>().as_bytes(),
            "f'{".repeat(5_000).as_bytes(),
            "lambda: ".repeat(5_000).as_bytes(),
        ],
    );
}
