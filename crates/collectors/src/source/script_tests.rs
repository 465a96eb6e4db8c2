//! Programs of JavaScript and TypeScript: what modules give each other, routes that are files, what runs in a browser.

use std::sync::Arc;

use gonogo_domain::{
    Place,
    evidence::{BodyUse, Ecosystem, Meaning, Package, PackageDependency, SourceCode},
};

use super::{Wanted, gather, link};
use crate::{Cache, Tree};

fn manifest(path: &str, dependencies: &[(&str, &str)]) -> Package {
    let dependencies = dependencies.iter().map(|(name, version)| PackageDependency {
        name: (*name).to_owned(),
        requirement: (*version).to_owned(),
        version: Some((*version).to_owned()),
        development: false,
        place: Place::new(path, 3, 1),
    });
    Package {
        ecosystem: Ecosystem::Npm,
        name: Some("shop".to_owned()),
        place: Place::whole(path),
        dependencies: dependencies.collect(),
        lockfile: None,
        pinned_in_manifest: false,
        scripts: Vec::new(),
        program: true,
        published: false,
    }
}

fn linked(files: &[(&str, &str)], packages: &[Package]) -> Arc<SourceCode> {
    let files = files.iter().map(|(path, text)| ((*path).to_owned(), text.as_bytes().to_vec()));
    let tree = Tree::from_memory(files);
    let wanted = Wanted { name: "shop", path: ".", packages, starts: Vec::new(), handed_out: false, owns: &|_| true };
    link(&gather(&tree, &Cache::none()), &[wanted], &Cache::none()).remove(0)
}

/// The symbols that `run` of `app.ts` reaches.
#[track_caller]
fn check_reaches(files: &[(&str, &str)], expect: &[&str]) {
    let code = linked(files, &[]);
    let run = code.functions.iter().position(|one| one.name == "run").expect("there is a `run`");
    let found: Vec<&str> = code.uses_of(run).map(|(_, one)| one.symbol.as_str()).collect();
    assert_eq!(found, expect);
}

const PAY: &str = "import axios from 'axios';\nexport async function pay() { await axios.get('https://x.example'); }\n";
const RUN: &str = "\nexport async function run() { await pay(); }\n";

#[test]
fn modules_are_found_by_the_names_that_a_repository_gives_them() {
    let check = |configured: (&str, &str), file: &str, import: &str| {
        check_reaches(&[configured, (file, PAY), ("src/app.ts", &format!("{import}{RUN}"))], &["axios.get"]);
    };
    let import = "import { pay } from '@/lib/pay';";
    check(
        ("tsconfig.json", "{\"compilerOptions\": {\"paths\": {\"@/*\": [\"./src/*\"]}}} // by hand"),
        "src/lib/pay.ts",
        import,
    );
    check(
        ("tsconfig.json", r#"{"compilerOptions": {"baseUrl": "src", "paths": {"@/*": ["./*"]}}}"#),
        "src/lib/pay.ts",
        import,
    );
    check(
        ("tsconfig.json", r#"{"compilerOptions": {"baseUrl": "."}}"#),
        "src/lib/pay.ts",
        "import { pay } from 'src/lib/pay';",
    );
    check(
        ("package.json", r##"{"name": "shop", "imports": {"#lib/*": {"default": "./src/lib/*.ts"}}}"##),
        "src/lib/pay.ts",
        "import { pay } from '#lib/pay';",
    );
    check(
        ("packages/pay/package.json", r#"{"name": "@shop/pay", "main": "./dist/index.js"}"#),
        "packages/pay/src/index.ts",
        "import { pay } from '@shop/pay';",
    );
    check(
        ("packages/pay/package.json", r#"{"name": "@shop/pay", "exports": {"./client": "./src/client.ts"}}"#),
        "packages/pay/src/client.ts",
        "import { pay } from '@shop/pay/client';",
    );
    check(("svelte.config.js", "export default {};"), "src/lib/pay.ts", "import { pay } from '$lib/pay';");
}

#[test]
fn a_tsconfig_that_extends_itself_gives_its_names_once() {
    check_reaches(
        &[
            ("tsconfig.json", r#"{"extends": ["./tsconfig.base.json", "./tsconfig.json", "./gone.json"]}"#),
            (
                "tsconfig.base.json",
                r#"{"extends": "./tsconfig.json", "compilerOptions": {"paths": {"@/*": ["./src/*"]}}}"#,
            ),
            ("src/lib/pay.ts", PAY),
            ("src/app.ts", &format!("import {{ pay }} from '@/lib/pay';{RUN}")),
        ],
        &["axios.get"],
    );
}

#[test]
fn what_a_module_hands_on_is_followed_to_where_it_stands() {
    let check = |barrel: &str, import: &str| {
        check_reaches(
            &[("src/pay.ts", PAY), ("src/index.ts", barrel), ("src/app.ts", &format!("{import}{RUN}"))],
            &["axios.get"],
        );
    };
    check("export * from './pay';", "import { pay } from './index';");
    check("export { pay } from './pay';", "import { pay } from '.';");
    check("export { pay as buy } from './pay';", "import { buy as pay } from './index';");
    check("import { pay } from './pay';\nexport { pay as buy };", "import { buy as pay } from './index';");
    check("import { pay } from './pay';\nexport default pay;", "import pay from './index';");
    check("export { pay as default } from './pay';", "import pay from './index';");
    // In a circle, and what is asked for is behind it.
    check("export * from './app';\nexport * from './pay';", "import { pay } from './index';\nexport * from './index';");
}

#[test]
fn what_a_module_gives_by_default_goes_by_any_name() {
    let check = |given: &str| {
        let pay = format!("import axios from 'axios';\n{given}");
        check_reaches(
            &[("src/pay.ts", &pay), ("src/app.ts", &format!("import pay from './pay';{RUN}"))],
            &["axios.get"],
        );
    };
    check("export default async function () { await axios.get('https://x.example'); }\n");
    check("export default async function buy() { await axios.get('https://x.example'); }\n");
    check("const buy = async () => { await axios.get('https://x.example'); };\nexport default buy;\n");
    check("export default async () => { await axios.get('https://x.example'); };\n");
}

#[test]
fn a_client_is_known_through_what_one_file_says_of_another() {
    check_reaches(
        &[
            (
                "src/db/generated.ts",
                "import { PrismaClient as Made } from '../generated/prisma/client';\nexport const PrismaClient = Made;\n",
            ),
            (
                "src/db/client.ts",
                "import { PrismaClient } from './generated';\nconst make = (): PrismaClient => new PrismaClient();\nexport const db: PrismaClient = globalThis.db ?? make();\n",
            ),
            ("src/db/index.ts", "export * from './client';\n"),
            ("src/app.ts", "import { db } from './db';\nexport async function run() { await db.order.findMany(); }\n"),
        ],
        &["@prisma/client.PrismaClient.order.findMany"],
    );
}

/// The routes of a program of Next.js with the guards and the place of each, and the way in which it is served.
#[track_caller]
fn check_next(version: &str, files: &[(&str, &str)], expect: &[&str]) {
    let code = linked(files, &[manifest("package.json", &[("next", version)])]);
    let mut found: Vec<String> = code
        .routes
        .iter()
        .map(|route| {
            let guards: Vec<&str> = route.guards.iter().map(|guard| guard.name.as_str()).collect();
            let handler = route.handler.map_or("nobody", |at| &code.functions[at].name);
            format!("{} {} {guards:?} {handler}", route.method.as_deref().unwrap_or("*"), route.path)
        })
        .collect();
    let listens = code.uses.iter().filter(|one| one.meaning == Meaning::Listen);
    found.extend(listens.map(|one| format!("{} drains: {}", one.place, one.defaults["drain"])));
    assert_eq!(found, expect);
}

#[test]
fn files_are_routes_where_a_framework_says_so() {
    check_next(
        "15.2.0",
        &[
            (
                "src/app/api/orders/[id]/route.ts",
                "export async function GET() {}\nexport const DELETE = withUser(async () => {});\nfunction withUser(handler) { return handler; }\nexport const dynamic = 'force-dynamic';\n",
            ),
            ("src/app/(shop)/pay/route.ts", "export { POST } from '../../../lib/pay';\n"),
            ("src/lib/pay.ts", "export async function POST() {}\nexport async function GET() {}\n"),
            ("src/app/page.tsx", "export default function Page() { return <a/>; }\n"),
            ("pages/api/health.js", "export default function handler(req, res) { res.end(); }\n"),
        ],
        &[
            "* /api/health [] handler",
            "POST /pay [] POST",
            "GET /api/orders/{id} [] GET",
            "DELETE /api/orders/{id} [\".withUser\"] ",
            "package.json:3 drains: built in",
        ],
    );
    check_next(
        "13.4.1",
        &[("app/health/route.js", "export const GET = () => new Response('ok');\n")],
        &["GET /health [] ", "package.json:3 drains: impossible"],
    );
    // Without the framework it is a file like any other.
    assert!(linked(&[("app/health/route.js", "export const GET = () => 1;\n")], &[]).routes.is_empty());
}

#[test]
fn a_middleware_stands_before_the_routes_that_it_matches() {
    let route = ("app/api/orders/route.ts", "export async function GET() {}\n");
    let served = "package.json:3 drains: built in";
    let middleware = |body: &str, config: &str| {
        format!(
            "export function middleware(request) {{ {body} return new Response('', {{ status: 401 }}); }}\n{config}"
        )
    };
    check_next(
        "15.0.0",
        &[route, ("middleware.ts", &middleware("", ""))],
        &["GET /api/orders [\"middleware\"] GET", served],
    );
    let only = "export const config = { matcher: ['/admin/:path*'] };";
    check_next("15.0.0", &[route, ("middleware.ts", &middleware("", only))], &["GET /api/orders [] GET", served]);
    // It may let this path pass: that it asks somebody is all that is known.
    let by_path = middleware("if (request.nextUrl.pathname.startsWith('/api')) return;", "");
    check_next("15.0.0", &[route, ("middleware.ts", &by_path)], &["GET /api/orders [] GET", served]);
}

#[test]
fn what_only_browsers_and_developers_run_is_not_the_service() {
    let fetches = "await fetch('https://x.example');";
    let code = linked(
        &[
            ("app/api/orders/route.ts", &format!("export async function GET() {{ {fetches} }}\n")),
            (
                "app/page.tsx",
                "import { load } from '../lib/load';\nimport Cart from '../ui/cart';\nexport default async function Page() { await load(); return <Cart/>; }\n",
            ),
            ("lib/load.ts", &format!("export async function load() {{ {fetches} }}\n")),
            (
                "ui/cart.tsx",
                "'use client';\nimport { add } from '../lib/store';\nexport default function Cart() { add(); return <a/>; }\n",
            ),
            ("lib/store.ts", &format!("export async function add() {{ {fetches} }}\n")),
            (
                "src/tracker/index.js",
                &format!("(async window => {{ const {{ document }} = window; {fetches} }})(window);\n"),
            ),
            ("scripts/release.js", &format!("(async () => {{ {fetches} }})();\n")),
        ],
        &[manifest("package.json", &[("next", "15.0.0")])],
    );
    let calls = code.uses.iter().filter(|one| one.meaning == Meaning::HttpCall);
    let of_service = calls.filter(|one| one.role.counts() && !code.functions[one.function].browser);
    let found: Vec<&str> = of_service.map(|one| one.place.path()).collect();
    assert_eq!(found, ["app/api/orders/route.ts", "lib/load.ts"]);
}

#[test]
fn what_a_web_server_hands_out_runs_in_browsers_alone() {
    let tree = Tree::from_memory([(
        "src/api.ts".to_owned(),
        b"export async function load() { await fetch('https://x.example'); }\n".to_vec(),
    )]);
    let in_browser = |handed_out: bool| {
        let wanted = Wanted { name: "shop", path: ".", packages: &[], starts: Vec::new(), handed_out, owns: &|_| true };
        let code = link(&gather(&tree, &Cache::none()), &[wanted], &Cache::none()).remove(0);
        code.uses.iter().map(|one| code.functions[one.function].browser).collect::<Vec<_>>()
    };
    assert_eq!((in_browser(true), in_browser(false)), (vec![true], vec![false]));
}

#[test]
fn variables_that_the_settings_of_a_framework_define_are_no_ones_to_declare() {
    let code = linked(
        &[
            (
                "next.config.ts",
                "const { PORT } = process.env;\nexport default withIntl({ env: { baseUrl: process.env.BASE_URL, PORT } });\n",
            ),
            (
                "app/health/route.ts",
                "export function GET() { return [process.env.baseUrl, process.env.PORT, process.env.REGION]; }\n",
            ),
        ],
        &[manifest("package.json", &[("next", "15.0.0")])],
    );
    let names: Vec<&str> = code.environment.iter().map(|one| one.name.as_str()).collect();
    assert_eq!(names, ["PORT", "REGION", "PORT", "BASE_URL"]);
}

#[test]
fn a_handler_that_never_looks_at_the_body_takes_none() {
    let check = |handler: &str, expect: BodyUse| {
        let code = linked(&[("app.ts", &format!("export {handler}"))], &[]);
        let at = code.functions.iter().position(|one| one.name == "handle").expect("there is a `handle`");
        let taken = code.reached(at).into_iter().any(|at| code.functions[at].body == BodyUse::Taken);
        assert_eq!(taken, expect == BodyUse::Taken, "{handler}");
    };
    check("async function handle(req, res) { res.status(200).json({ id: req.params.id }); }", BodyUse::Unread);
    check("async function handle(req, res) { res.end(req.params.id); }", BodyUse::Unread);
    check("async function handle(req, res) { save(req.body.name); }", BodyUse::Taken);
    check("async function handle(request) { return await request.json(); }", BodyUse::Taken);
    check("async function handle({ body }) { return body; }", BodyUse::Taken);
    check("async function handle(ctx) { ctx.body = { ok: true }; }", BodyUse::Unread);
    check("async function handle(ctx) { await parse(ctx); }", BodyUse::Taken);
    check(
        "async function handle(ctx) { await user(ctx); }\nfunction user(ctx) { return ctx.state.user; }",
        BodyUse::Unread,
    );
    check(
        "async function handle(ctx) { await read(ctx); }\nfunction read(ctx) { return ctx.request.body; }",
        BodyUse::Taken,
    );
}
