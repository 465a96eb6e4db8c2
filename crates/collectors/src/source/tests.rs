//! The facts that small programs give.

use std::sync::Arc;

use gonogo_domain::{
    KnownUse, SOURCE_TABLES,
    evidence::{Meaning, Package, SourceCode},
    known_symbols,
};

use super::{Wanted, gather, link};
use crate::{Cache, Tree};

pub(super) fn source(files: &[(&str, &str)]) -> Arc<SourceCode> {
    let files = files.iter().map(|(path, text)| ((*path).to_owned(), text.as_bytes().to_vec()));
    let tree = Tree::from_memory(files);
    linked(&tree, &[])
}

/// The only program of a tree.
fn linked(tree: &Tree, packages: &[Package]) -> Arc<SourceCode> {
    let wanted = Wanted { name: "shop", path: ".", packages, starts: Vec::new(), handed_out: false, owns: &|_| true };
    link(&gather(tree, &Cache::none()), &[wanted], &Cache::none()).remove(0)
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
        let rows = known_symbols(language).rows(&one.symbol);
        one.meaning == row.means && rows.iter().any(|(_, known)| std::ptr::eq(*known, row))
    }) || row.means == gonogo_domain::evidence::Meaning::EnvironmentRead && !found.environment.is_empty()
}

#[test]
fn every_row_of_the_tables_finds_its_example_and_not_its_look_alike() {
    let mut wrong = Vec::new();
    for language in SOURCE_TABLES.iter().map(|(language, _)| *language).collect::<std::collections::BTreeSet<_>>() {
        let libraries = known_symbols(language).own();
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
        let written: usize = texts.map(|(_, text)| text.matches("\"look_alike\":").count()).sum();
        let read: usize = known_symbols(language).own().iter().map(|library| library.uses.len()).sum();
        assert_eq!(read, written, "{language}: rows that are written, and rows that are read");
    }
}

/// The routes with what the handler of each uses, directly or through others.
#[test]
fn a_router_of_another_module_has_the_prefix_of_the_package() {
    check_routes(
        &[
            (
                "shop/app.py",
                "from fastapi import FastAPI\nfrom shop.routes import router\napp = FastAPI()\napp.include_router(router)\n",
            ),
            (
                "shop/routes/__init__.py",
                "from fastapi import APIRouter\nfrom . import orders, users\nrouter = APIRouter(prefix='/api')\nrouter.include_router(orders.router)\nrouter.include_router(users.router)\n",
            ),
            (
                "shop/routes/users.py",
                "from fastapi import APIRouter\nrouter = APIRouter(prefix='/users')\n@router.get('/me')\ndef me(): ...\n",
            ),
            // A package hands on what one of its modules made.
            ("shop/routes/orders/__init__.py", "from .paid import router\n"),
            (
                "shop/routes/orders/paid.py",
                "from fastapi import APIRouter\nrouter = APIRouter(prefix='/orders')\n@router.get('/paid')\ndef paid(): ...\n",
            ),
        ],
        &[],
        &["GET /api/orders/paid [\"fastapi.APIRouter.get\"] []", "GET /api/users/me [\"fastapi.APIRouter.get\"] []"],
    );
}

#[track_caller]
fn check_routes(files: &[(&str, &str)], packages: &[Package], expect: &[&str]) {
    let files = files.iter().map(|(path, text)| ((*path).to_owned(), text.as_bytes().to_vec()));
    let tree = Tree::from_memory(files);
    let code = linked(&tree, packages);
    let found: Vec<String> = code
        .routes
        .iter()
        .map(|route| {
            let uses = route.handler.into_iter().flat_map(|handler| code.uses_of(handler));
            let uses: Vec<&str> = uses.map(|(_, one)| one.symbol.as_str()).collect();
            let ends = route.handler.into_iter().flat_map(|handler| code.reached(handler));
            let ends: Vec<&str> = ends
                .filter_map(|at| code.functions.get(at))
                .flat_map(|function| function.unfollowed.iter().map(|one| one.symbol.as_str()))
                .collect();
            format!("{} {} {uses:?} {ends:?}", route.method.as_deref().unwrap_or("*"), route.path)
        })
        .collect();
    assert_eq!(found, expect);
}

fn module(name: &str) -> Package {
    Package {
        ecosystem: gonogo_domain::evidence::Ecosystem::Go,
        name: Some(name.to_owned()),
        place: gonogo_domain::Place::whole("go.mod"),
        dependencies: Vec::new(),
        lockfile: None,
        pinned_in_manifest: false,
        scripts: Vec::new(),
        program: true,
        published: false,
    }
}

#[test]
fn handlers_are_followed_through_packages_and_interfaces_of_go() {
    check_routes(
        &[
            (
                "main.go",
                "package main\nimport (\"net/http\"; \"example.com/shop/bank\")\ntype Teller interface { Ask() error }\ntype server struct { bank *bank.Client; teller Teller }\nfunc (s *server) health(w http.ResponseWriter, r *http.Request) { if err := s.bank.Ask(); err != nil { w.WriteHeader(500) } }\nfunc (s *server) ready(w http.ResponseWriter, r *http.Request) { err := s.teller.Ask(); use(err) }\nfunc main() { s := &server{bank: bank.New()}\n http.HandleFunc(\"GET /health\", s.health)\n http.HandleFunc(\"/ready\", s.ready) }\n",
            ),
            (
                "bank/bank.go",
                "package bank\nimport \"net/http\"\ntype Client struct{}\nfunc New() *Client { return &Client{} }\nfunc (c *Client) Ask() error { _, err := http.Get(\"https://bank.example\"); return err }\n",
            ),
        ],
        &[module("example.com/shop")],
        &["GET /health [\"net/http.Get\"] []", "* /ready [\"net/http.Get\"] []"],
    );
}

#[test]
fn a_route_has_the_prefix_of_the_function_that_groups_it() {
    check_routes(
        &[(
            "main.go",
            "package main\nimport \"github.com/go-chi/chi/v5\"\nfunc main() { r := chi.NewRouter()\n r.Route(\"/v1\", func(r chi.Router) { r.Route(\"/orders\", func(r chi.Router) { r.Get(\"/{id}\", show) }) }) }\nfunc show() {}\n",
        )],
        &[],
        &["GET /v1/orders/{id} [] []"],
    );
}

#[test]
fn a_handler_is_followed_through_what_modules_hand_on() {
    let app = "use crate::routes::{health_check, login};\nuse actix_web::{web, App};\nfn app() { App::new().route(\"/health\", web::get().to(health_check)).route(\"/login\", web::post().to(login)); }\n";
    check_routes(
        &[
            ("src/startup.rs", app),
            ("src/routes/mod.rs", "mod health_check;\nmod login;\npub use health_check::*;\npub use login::*;\n"),
            ("src/routes/health_check.rs", "pub async fn health_check() { reqwest::get(\"http://api\").await; }\n"),
            ("src/routes/login/mod.rs", "mod post;\npub use post::login;\n"),
            ("src/routes/login/post.rs", "pub async fn login() { reqwest::get(\"http://api\").await; }\n"),
        ],
        &[],
        &["GET /health [\"reqwest.get\"] []", "POST /login [\"reqwest.get\"] []"],
    );
}

#[test]
fn a_route_of_a_scope_has_its_prefix_and_its_guards() {
    let text = "use actix_web::{web, App};\nuse actix_web::middleware::from_fn;\nasync fn admin_only(request: ServiceRequest) { jsonwebtoken::decode(token, key, rules); }\nasync fn users() {}\nfn app() { App::new().service(web::scope(\"/admin\").wrap(from_fn(admin_only)).route(\"/users\", web::get().to(users)).route(\"/jobs\", web::post().to(users))); }\n";
    check_routes(&[("src/main.rs", text)], &[], &["GET /admin/users [] []", "POST /admin/jobs [] []"]);
    let code = source(&[("src/main.rs", text)]);
    let guarded = |route: &gonogo_domain::evidence::ServedRoute| {
        route.guards.iter().any(|guard| {
            let function = guard.function.and_then(|at| code.functions.get(at));
            function.is_some_and(|function| function.name == "admin_only")
        })
    };
    assert!(code.routes.iter().all(guarded), "{:?}", code.routes);
}

#[test]
fn what_a_group_is_given_by_a_function_of_the_program_guards_its_routes() {
    let text = "package router\nimport \"github.com/gin-gonic/gin\"\nfunc mustUser() gin.HandlerFunc { return nil }\nfunc routes(e *gin.RouterGroup) {\n\tbase := e.Group(\"/api\")\n\t{\n\t\tuser := base.Group(\"/user\")\n\t\tuser.Use(mustUser())\n\t\tuser.GET(\"/feed\", feed)\n\t\tbase.GET(\"/version\", version)\n\t}\n}\n";
    let code = source(&[("api.go", text)]);
    let routes: Vec<String> = code
        .routes
        .iter()
        .map(|route| {
            let guards: Vec<&str> = route.guards.iter().map(|guard| guard.name.as_str()).collect();
            format!("{} {guards:?}", route.path)
        })
        .collect();
    assert_eq!(routes, ["/api/user/feed [\".mustUser\"]", "/api/version []"]);
}

#[test]
fn a_test_of_several_files_asserts_through_a_helper_of_its_first_one() {
    let code = source(&[
        ("tests/house/main.rs", "mod floors;\nfn none(problems: &[String]) { assert!(problems.is_empty()); }\n"),
        ("tests/house/floors.rs", "use crate::none;\n#[test]\nfn floors_hold() { none(&problems()); }\n"),
    ]);
    assert!(code.tests.iter().any(|test| test.name == "floors_hold" && test.asserts), "{:?}", code.tests);
}

#[test]
fn an_action_of_the_resources_around_it_is_no_route_without_a_handler() {
    check_routes(
        &[(
            "config/routes.rb",
            "Rails.application.routes.draw do\n  resources :agents do\n    member do\n      delete :memory, action: :forget\n    end\n  end\n  get 'ready', to: 'health#ready'\nend\n",
        )],
        &[],
        &["GET ready [] []"],
    );
}

#[test]
fn a_route_of_rails_is_answered_by_what_stands_around_it() {
    let routes = "Rails.application.routes.draw do\n  post '/top' => 'home#top', :as => 'top'\n  get '/old', to: redirect('/top')\n  post '/orders/preview'\n  namespace :admin do\n    resources :orders, only: [] do\n      post 'refund'\n    end\n  end\nend\n";
    check_routes(
        &[
            ("config/routes.rb", routes),
            (
                "app/controllers/home_controller.rb",
                "class HomeController\n  def top\n    known\n  end\n  def known\n    Net::HTTP.get(x)\n  end\nend\n",
            ),
            (
                "app/controllers/orders_controller.rb",
                "class OrdersController\n  include Asking\n  def preview\n    ask\n  end\nend\n",
            ),
            ("app/controllers/asking.rb", "module Asking\n  def ask\n    Net::HTTP.get_response(x)\n  end\nend\n"),
            (
                "app/controllers/admin/orders_controller.rb",
                "class Admin::OrdersController\n  def refund\n    Net::HTTP.post(x, y)\n  end\nend\n",
            ),
            ("lib/net.rb", "module Net\n  class HTTP\n    attr_accessor :own\n  end\nend\n"),
        ],
        &[],
        &[
            "POST /top [\"Net.HTTP.get\"] []",
            "POST /orders/preview [\"Net.HTTP.get_response\"] []",
            "POST admin/orders/:id/refund [\"Net.HTTP.post\"] []",
        ],
    );
}

#[test]
fn what_a_program_adds_to_a_module_of_a_library_is_its_own() {
    check_uses(
        &[(
            "app.rb",
            "module Net\n  class HTTP\n    def self.get(x)\n      x\n    end\n  end\nend\ndef f\n  Net::HTTP.get(x)\n  Net::HTTP.post(x, y)\nend\n",
        )],
        &["app.rb:10 HttpCall Net.HTTP.post address=NotFollowed"],
    );
}

#[test]
fn what_includes_other_routes_of_django_is_none_itself() {
    check_routes(
        &[
            (
                "hc/urls.py",
                "from django.urls import include, path\nfrom hc import views\nurlpatterns = [\n    path('checks/', include('hc.api.urls')),\n    path('ready', views.ready),\n]\n",
            ),
            ("hc/views.py", "def ready(request):\n    return None\n"),
        ],
        &[],
        &["* ready [] []"],
    );
}

#[test]
fn a_route_of_symfony_has_the_prefix_of_its_class() {
    check_routes(
        &[(
            "src/Orders.php",
            "<?php\nuse Symfony\\Component\\Routing\\Attribute\\Route;\n#[Route('/orders')]\nclass Orders {\n  #[Route('/{id}', name: 'order', methods: ['GET'])]\n  public function show() { return 1; }\n  #[Route(methods: ['POST'])]\n  public function add() { return 1; }\n}\n",
        )],
        &[],
        &[
            "GET /orders/{id} [\"Symfony.Component.Routing.Attribute.Route\"] []",
            "POST /orders [\"Symfony.Component.Routing.Attribute.Route\"] []",
        ],
    );
}

#[test]
fn the_trail_of_a_handler_ends_at_a_call_that_leads_out_of_sight() {
    check_routes(
        &[(
            "app.js",
            "import express from 'express';\nimport { bank } from './bank.js';\nconst app = express();\napp.get('/health', async (req, res) => { await bank.ping(); res.json({}); });\n",
        )],
        &[],
        &["GET /health [] [\"./bank.js.bank.ping\"]"],
    );
}

#[test]
fn what_is_made_of_an_own_class_is_made_of_what_it_extends() {
    check_uses(
        &[
            ("logs.py", "from pythonjsonlogger import jsonlogger\nclass Ours(jsonlogger.JsonFormatter):\n    pass\n"),
            ("app.py", "from logs import Ours\nformatter = Ours('%(message)s')\n"),
        ],
        &["app.py:2 Logger pythonjsonlogger.jsonlogger.JsonFormatter"],
    );
}

#[test]
fn tools_beside_the_program_and_what_draws_in_a_browser_are_told_apart() {
    let code = source(&[
        ("cmd/shop/main.go", "package main\nfunc main() { println(\"a\") }\n"),
        ("cmd/tool/main.go", "package main\nfunc main() { println(\"b\") }\n"),
        ("web/app.jsx", "import { note } from './note.js';\nexport const App = () => note('c');\n"),
        ("web/note.js", "export function note(text) { console.log(text); }\n"),
    ]);
    let prints: Vec<String> = code
        .uses
        .iter()
        .map(|one| format!("{} {}", one.place, code.functions.get(one.function).is_some_and(|it| it.browser)))
        .collect();
    assert_eq!(prints, ["cmd/shop/main.go:2 false", "web/note.js:1 true"]);
}

#[test]
fn a_folder_that_only_draws_is_a_front_end_as_a_whole() {
    let code = source(&[
        ("main.go", "package main\nfunc main() { println(\"a\") }\n"),
        ("web/app.tsx", "export const App = () => null;\n"),
        ("web/connect.ts", "export function connect() { console.log('b'); }\n"),
        ("worker/tasks.js", "export function work() { console.log('c'); }\n"),
    ]);
    let prints: Vec<String> = code
        .uses
        .iter()
        .map(|one| format!("{} {}", one.place.path(), code.functions.get(one.function).is_some_and(|it| it.browser)))
        .collect();
    assert_eq!(prints, ["main.go false", "web/connect.ts true", "worker/tasks.js false"]);
}

#[test]
fn scripts_among_tools_are_no_part_of_a_program_that_serves() {
    let server = "import uvicorn\nfrom fastapi import FastAPI\nfrom tools.words import say\napp = FastAPI()\n\
                  uvicorn.run(app)\n";
    let script = "import requests\nrequests.get('http://localhost')\n";
    let named = |code: &SourceCode| code.files.iter().map(|file| file.path.to_string()).collect::<Vec<_>>();
    let check = |files: &[(&str, &str)], expect: &[&str]| assert_eq!(named(&source(files)), expect, "{files:?}");
    // What the program imports is its own, wherever it lies.
    check(
        &[("dev/locales.py", script), ("shop.py", server), ("tools/words.py", "def say():\n    pass\n")],
        &["shop.py", "tools/words.py"],
    );
    check(&[("scripts/shop.py", server), ("scripts/words.py", script)], &["scripts/shop.py", "scripts/words.py"]);
}

#[test]
fn a_sample_client_beside_a_server_is_no_part_of_it() {
    let server = "import grpc\nserver = grpc.server(pool)\nserver.start()\n";
    let client = "import requests\nif __name__ == '__main__':\n    requests.get('http://localhost')\n";
    let named = |code: &SourceCode| code.files.iter().map(|file| file.path.to_string()).collect::<Vec<_>>();
    let check = |files: &[(&str, &str)], expect: &[&str]| assert_eq!(named(&source(files)), expect, "{files:?}");
    check(&[("client.py", client), ("server.py", server)], &["server.py"]);
    // What the server imports, and what is all there is, belongs to it.
    let importing = format!("import client\n{server}");
    check(&[("client.py", client), ("server.py", &importing)], &["client.py", "server.py"]);
    check(&[("client.py", client)], &["client.py"]);
}

#[test]
fn a_repository_of_spring_data_is_asked_by_what_its_interface_declares() {
    check_uses(
        &[(
            "src/Orders.java",
            "import org.springframework.data.repository.CrudRepository;\ninterface Orders extends CrudRepository<Order, Long> { Order findByName(String name); }\ninterface Names { String first(String name); }\nclass Shop {\n  Orders orders;\n  Names names;\n  void f() { orders.findByName(names.first(\"x\")); }\n}\n",
        )],
        &["src/Orders.java:7 DatabaseCall org.springframework.data.repository.CrudRepository.findByName"],
    );
    // In a file of its own, of the same package and of another one.
    let repository = "package shop.data\nimport org.springframework.data.repository.CrudRepository\ninterface Orders : CrudRepository<Order, Long> { fun findByName(name: String): Order }\n";
    let shop = |head: &str| {
        format!(
            "package shop.{head}\nclass Shop(val orders: Orders) {{\n  fun f() {{ orders.findByName(\"x\"); orders.save(x) }}\n}}\n"
        )
    };
    let found = |line: usize| {
        ["findByName", "save"].map(|method| {
            format!("src/Shop.kt:{line} DatabaseCall org.springframework.data.repository.CrudRepository.{method}")
        })
    };
    let [same, other] = [shop("data"), shop("web\nimport shop.data.Orders")];
    for (text, expect) in [(&same, found(3)), (&other, found(4))] {
        check_uses(&[("src/Orders.kt", repository), ("src/Shop.kt", text)], &expect.each_ref().map(String::as_str));
    }
}

#[test]
fn a_route_for_developers_is_none_of_production() {
    let text = "var builder = WebApplication.CreateBuilder(args);\nvar app = builder.Build();\nif (app.Environment.IsDevelopment()) { app.MapGet(\"/debug\", () => \"x\"); }\napp.MapGet(\"/orders\", () => \"x\");\n";
    let code = source(&[("Program.cs", text)]);
    let paths: Vec<&str> = code.routes.iter().map(|route| route.path.as_str()).collect();
    assert_eq!(paths, ["/orders"]);
}

#[test]
fn bundles_large_generated_files_and_setups_of_tools_are_no_source_and_leave_nothing_open() {
    let large = |head: &str| format!("{head}\npackage shop\n{}", "var x = 1\n".repeat(120_000));
    let bundle = format!("{}\n", "a.b(c);".repeat(2000));
    let files = [
        ("schema.go", large("// Code generated by gqlgen. DO NOT EDIT.")),
        ("large.go", large("// Somebody wrote all of this.")),
        ("public/main.5123fcea.js", bundle.clone()),
        ("web/esbuild.config.js", "console.log(process.env.VERSION);\n".to_owned()),
        ("src/database.config.js", "console.log(process.env.DATABASE);\n".to_owned()),
        ("build.rs", "fn main() { println!(\"cargo:rerun-if-changed=a\"); }\n".to_owned()),
        ("src/static/table.js", format!("/*! Table v2.1.0 | Licensed under MIT */\n{}", "call();\n".repeat(1000))),
    ];
    let tree = Tree::from_memory(files.map(|(path, text)| (path.to_owned(), text.into_bytes())));
    let read = gather(&tree, &Cache::none());
    let units: Vec<&str> = read.units.iter().map(|unit| &*unit.path).collect();
    let gaps: Vec<&str> = read.gaps.iter().map(|gap| gap.place.path()).collect();
    assert_eq!((units, gaps), (vec!["src/database.config.js"], vec!["large.go"]));
}

#[test]
fn what_go_hands_a_test_to_is_a_test_whatever_its_file_is_called() {
    let helper = "package store\nimport \"testing\"\nfunc Check(t *testing.T) { println(\"a\") }\n";
    let program = "package store\nimport \"testing\"\nfunc Fast() bool { return testing.Testing() }\n";
    let code = source(&[("store/suite.go", helper), ("store/store.go", program)]);
    let counts: Vec<(&str, bool)> = code.files.iter().map(|file| (&*file.path, file.role.counts())).collect();
    assert_eq!(counts, [("store/store.go", true), ("store/suite.go", false)]);
}

#[test]
fn a_transaction_of_the_programs_own_hands_its_context_on() {
    let code = source(&[(
        "main.go",
        "package main\nimport (\"context\"; \"database/sql\"; \"time\")\nfunc within(ctx context.Context, db *sql.DB, run func(context.Context) error) error { return run(ctx) }\nfunc save(db *sql.DB) error {\n\tctx, cancel := context.WithTimeout(context.Background(), time.Second)\n\tdefer cancel()\n\treturn within(ctx, db, func(inner context.Context) error {\n\t\t_, err := db.ExecContext(inner, \"SELECT 1\")\n\t\treturn err\n\t})\n}\n",
    )]);
    let call = code.uses.iter().find(|one| one.meaning == Meaning::DatabaseCall).expect("the call is recognised");
    assert_eq!(call.settings.get("timeout").and_then(|one| one.value.milliseconds()), Some(1000.0));
}

#[test]
fn a_variable_hides_what_its_package_declares_and_pages_of_a_manual_are_no_program() {
    let code = source(&[
        ("main.go", "package main\nfunc main() {\n\tprocess := func(n int) { println(n) }\n\tprocess(1)\n}\n"),
        ("process.go", "package main\nfunc process() error { return nil }\nfunc other() { process() }\n"),
        ("docs/demo.js", "fetch('https://x.example');\n"),
    ]);
    let lost: Vec<String> = code.lost_errors.iter().map(|one| one.place.to_string()).collect();
    assert_eq!(lost, ["process.go:3"]);
    assert!(code.uses.iter().all(|one| !one.role.counts() || one.place.path() == "main.go"));
}

#[test]
fn what_rust_writes_in_its_inline_tests_is_a_tests() {
    let code = source(&[(
        "src/lib.rs",
        "const HOME: &str = \"https://shop.example\";\n#[cfg(test)]\nmod tests {\n    #[test]\n    fn asks() { get(\"https://clay.example\"); }\n}\n",
    )]);
    let texts: Vec<(&str, bool)> = code.texts.iter().map(|one| (one.text.as_str(), one.role.counts())).collect();
    assert_eq!(texts, [("https://shop.example", true), ("https://clay.example", false)]);
}
