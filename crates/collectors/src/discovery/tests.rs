//! Small repositories and the services that they hold.

use gonogo_domain::State;
use jiff::civil::date;

use crate::{Collected, Configuration, Tree, collect};

mod modules;
mod neighbours;
mod variants;

const DEPLOYMENT: &str = "apiVersion: apps/v1
kind: Deployment
metadata: {name: NAME}
spec:
  selector: {matchLabels: {app: NAME}}
  template:
    metadata: {labels: {app: NAME}}
    spec:
      containers:
        - name: main
          image: IMAGE
          PORTS
";

fn deployment(name: &str, image: &str, ports: &str) -> String {
    DEPLOYMENT.replace("NAME", name).replace("IMAGE", image).replace("PORTS", ports)
}

fn gather(files: &[(&str, &str)], configuration: &str) -> Collected {
    let tree = Tree::from_memory(files.iter().map(|(path, text)| ((*path).to_owned(), text.as_bytes().to_vec())));
    let configuration = Configuration::parse(&"gonogo.toml".into(), configuration, &[]).unwrap();
    collect(&tree, &configuration, date(2026, 11, 22))
}

/// Each service as `name class path`, then what is left out as `- name`.
fn check(files: &[(&str, &str)], expect: &[&str]) {
    check_configured(files, "", expect);
}

fn check_configured(files: &[(&str, &str)], configuration: &str, expect: &[&str]) {
    let collected = gather(files, configuration);
    let mut seen: Vec<String> = collected
        .services
        .iter()
        .map(|facts| {
            let service = &facts.service;
            assert!(!service.sources.is_empty(), "{} has no source", service.name);
            format!("{} {:?} {}", service.name, service.class, service.path)
        })
        .collect();
    seen.extend(collected.left_out.iter().map(|(name, ..)| format!("- {name}")));
    assert_eq!(seen, expect);
}

const IMAGE: &str = "FROM golang:1.25 AS build\nCOPY . .\nRUN go build -o /shop\nFROM scratch\nCOPY --from=build /shop /shop\nENTRYPOINT [\"/shop\"]\n";
const PORT: &str = "ports: [{name: http, containerPort: 8080}]";

#[test]
fn the_views_of_one_service_are_joined() {
    let files = [
        ("deploy/frontend.yaml", &*deployment("frontend", "registry.example/shop/frontend:1", PORT)),
        ("src/frontend/Dockerfile", IMAGE),
        ("src/frontend/go.mod", "module example.com/frontend\n\ngo 1.25\n"),
        ("src/frontend/main.go", "package main\n"),
        ("compose.yaml", "services:\n  frontend:\n    build: src/frontend\n    ports: ['8080:8080']\n"),
    ];
    check(&files, &["frontend Server src/frontend"]);
    let collected = gather(&files, "");
    let facts = &collected.services[0];
    let kinds: Vec<&str> = facts.service.sources.iter().map(|source| source.kind.as_str()).collect();
    assert!(
        ["Deployment", "Dockerfile", "compose service", "go.mod"].iter().all(|kind| kinds.contains(kind)),
        "{kinds:?}"
    );
    assert_eq!(facts.images.items.len(), 1);
}

#[test]
fn a_project_prefix_of_an_image_hides_no_service() {
    check(
        &[("k8s/cart.yaml", &deployment("cart", "example/rs-cart:1", PORT)), ("cart/Dockerfile", IMAGE)],
        &["cart Server cart"],
    );
}

#[test]
fn programs_that_share_a_repository_of_images_are_told_apart_by_tags() {
    let compose = "services:
  cart:
    image: ${IMAGE}:${VERSION}-cart
    build: {context: ./, dockerfile: '${CART_DOCKERFILE}'}
    ports: ['8080']
  cart-mail:
    image: ${IMAGE}:${VERSION}-cart-mail
    build: {context: ./, dockerfile: '${MAIL_DOCKERFILE}'}
    ports: ['8081']
  flags:
    image: ${FLAGS_IMAGE}
    ports: ['8013']
";
    let variables = "IMAGE=ghcr.io/shop/demo # one for all\nVERSION=latest\nCART_DOCKERFILE=./src/cart/Dockerfile\n\
                     MAIL_DOCKERFILE='./src/mail/Dockerfile'\nFLAGS_IMAGE=ghcr.io/acme/flags:v1\n";
    check(
        &[
            ("compose.yaml", compose),
            (".env", variables),
            ("src/cart/Dockerfile", IMAGE),
            ("src/mail/Dockerfile", IMAGE),
            // The manifests run another version than the one that compose builds.
            ("k8s/cart.yaml", &deployment("shop-cart", "ghcr.io/shop/demo:2.1.0-cart", PORT)),
        ],
        &["cart Server src/cart", "cart-mail Server src/mail", "- flags"],
    );
}

#[test]
fn several_tags_of_one_program_are_one_service() {
    let compose = "services:
  shop:
    image: acme/shop:dev
    build: .
    ports: ['8080']
";
    let other = compose.replace(":dev", ":prod");
    check(&[("compose.yaml", compose), ("compose.prod.yaml", &other), ("Dockerfile", IMAGE)], &["shop Server ."]);
}

#[test]
fn a_container_file_among_scripts_that_starts_the_product_is_the_products() {
    let file = "FROM golang:1.25 AS build\nCOPY . .\nRUN go build -o shop ./cmd/shop\nFROM alpine:3.21\n\
                COPY --from=build shop /usr/local/shop\nEXPOSE 8080\n\
                ENTRYPOINT [\"/usr/local/entrypoint.sh\", \"/usr/local/shop\"]\n";
    let own = [("go.mod", "module example.com/shop\n\ngo 1.25\n"), ("cmd/shop/main.go", "package main\n")];
    check(&[own[0], own[1], ("scripts/Dockerfile", file)], &["shop Server ."]);
    let tool = file
        .replace("/usr/local/shop\\\"]", "/usr/local/seed\\\"]")
        .replace("\"/usr/local/shop\"", "\"/usr/local/seed\"");
    check(
        &[own[0], own[1], ("scripts/Dockerfile", &tool), ("Dockerfile", IMAGE)],
        &["shop CommandLineTool .", "- scripts"],
    );
}

#[test]
fn an_image_that_starts_nothing_or_only_tests_is_no_service() {
    check(
        &[
            ("src/shop/Dockerfile", IMAGE),
            ("src/shop/genproto/Dockerfile", "FROM golang:1.25\nCOPY go.mod .\nRUN go install tool\n"),
            ("src/shop/Dockerfile.cypress", "FROM cypress/included:15\nCOPY . .\nENTRYPOINT [\"cypress\", \"run\"]\n"),
            (
                "compose.tests.yaml",
                "services:\n  pages:\n    build: {context: ., dockerfile: src/shop/Dockerfile.cypress}\n",
            ),
        ],
        &["shop CommandLineTool src/shop", "- cypress", "- genproto"],
    );
    // One that says how it is asked serves, whatever starts it.
    check(&[("src/shop/Dockerfile", "FROM python:3.13\nCOPY . .\nEXPOSE 80\n")], &["shop Server src/shop"]);
}

#[test]
fn products_of_others_are_left_out() {
    check(
        &[
            ("k8s/api.yaml", &deployment("api", "example/api:1", PORT)),
            ("k8s/cache.yaml", &deployment("cache", "redis:7", "ports: [{containerPort: 6379}]")),
            ("api/Dockerfile", IMAGE),
        ],
        &["api Server api", "- cache"],
    );
}

#[test]
fn products_of_others_are_all_there_is() {
    check(
        &[("k8s/cache.yaml", &deployment("cache", "redis:7", "ports: [{containerPort: 6379}]"))],
        &["cache ThirdParty ."],
    );
}

#[test]
fn a_database_image_of_ones_own_is_a_service_with_state() {
    let files = [("ledger-db/Dockerfile", "FROM postgres:16\nCOPY schema.sql /docker-entrypoint-initdb.d/\n")];
    check(&files, &["ledger-db Store ledger-db"]);
    let collected = gather(&files, "");
    assert!(matches!(collected.services[0].service.state, State::Kept { .. }));
}

#[test]
fn descriptions_beside_all_services_belong_to_those_that_they_name() {
    let collected = gather(
        &[
            ("src/cart/Dockerfile", "FROM alpine\nEXPOSE 80\n"),
            ("src/mail/Dockerfile", "FROM alpine\nEXPOSE 80\n"),
            ("src/web/Dockerfile", "FROM alpine\nEXPOSE 80\n"),
            (
                "protos/shop.proto",
                "package shop;\nservice Cart { rpc Add (A) returns (B); rpc Get (A) returns (B); }\nservice Mail { rpc Send (A) returns (B); }\n",
            ),
        ],
        "",
    );
    let of = |name: &str| -> Vec<String> {
        let facts = collected.services.iter().find(|facts| facts.service.name == name).unwrap();
        facts.apis.items.iter().flat_map(|api| &api.operations).map(|one| one.path.clone()).collect()
    };
    assert_eq!(of("cart"), ["shop.Cart/Add", "shop.Cart/Get"]);
    assert_eq!(of("mail"), ["shop.Mail/Send"]);
    assert_eq!(of("web"), [""; 0]);
}

#[test]
fn a_database_beside_a_service_keeps_its_data() {
    let state = |files: &[(&str, &str)]| {
        let collected = gather(files, "");
        let facts = collected.services.iter().find(|facts| facts.service.name == "api").unwrap();
        facts.service.state.clone()
    };
    let api = |url: &str| {
        deployment(
            "api",
            "example/api:1",
            &format!("ports: [{{containerPort: 80}}]\n          env: [{{name: DB_URL, value: '{url}'}}]"),
        )
    };
    let own = [
        ("k8s/api.yaml", api("postgres://ledger-db:5432/a")),
        ("k8s/ledger-db.yaml", deployment("ledger-db", "example/ledger-db:1", "ports: [{containerPort: 5432}]")),
    ];
    let mut files: Vec<(&str, &str)> = own.iter().map(|(path, text)| (*path, text.as_str())).collect();
    files.extend([
        ("api/Dockerfile", IMAGE),
        ("ledger-db/Dockerfile", "FROM postgres:16\nCOPY schema.sql /docker-entrypoint-initdb.d/\n"),
    ]);
    assert!(matches!(state(&files), State::Entrusted { to, reviewed: true, .. } if to == "ledger-db"));

    let product = [
        ("k8s/api.yaml", api("postgres://postgres:5432/a")),
        ("k8s/postgres.yaml", deployment("postgres", "postgres:16", "ports: [{containerPort: 5432}]")),
    ];
    let mut files: Vec<(&str, &str)> = product.iter().map(|(path, text)| (*path, text.as_str())).collect();
    files.push(("api/Dockerfile", IMAGE));
    assert!(matches!(state(&files), State::Entrusted { to, reviewed: false, .. } if to == "postgres"));

    let elsewhere = api("postgres://db.example.com:5432/a");
    assert!(matches!(state(&[("k8s/api.yaml", &elsewhere), ("api/Dockerfile", IMAGE)]), State::NotFound { .. }));
}

#[test]
fn a_pipeline_in_a_folder_of_others_is_not_ones_own() {
    let build = "steps:\n- name: gcr.io/cloud-builders/docker\n  args: [build, .]\n";
    let collected = gather(
        &[
            ("src/accounts/login/Dockerfile", "FROM alpine\nEXPOSE 80\n"),
            ("src/ledger/writer/Dockerfile", "FROM alpine\nEXPOSE 80\n"),
            ("src/accounts/cloudbuild.yaml", build),
            ("src/ledger/cloudbuild.yaml", build),
            ("cloudbuild.yaml", build),
        ],
        "",
    );
    let of = |name: &str| -> Vec<String> {
        let facts = collected.services.iter().find(|facts| facts.service.name == name).unwrap();
        facts.pipelines.items.iter().map(|pipeline| pipeline.place.path().to_owned()).collect()
    };
    assert_eq!(of("login"), ["cloudbuild.yaml", "src/accounts/cloudbuild.yaml"]);
    assert_eq!(of("writer"), ["cloudbuild.yaml", "src/ledger/cloudbuild.yaml"]);
}

#[test]
fn load_generators_and_tools_are_no_services() {
    check(
        &[
            ("api/Dockerfile", "FROM alpine\nEXPOSE 80\nCMD [\"/bin/api\"]\n"),
            ("load-gen/Dockerfile", "FROM python:3\nCMD [\"locust\"]\n"),
            ("hack/lint/Dockerfile", "FROM alpine\nCMD [\"lint\"]\n"),
            (".devcontainer/Dockerfile", "FROM alpine\n"),
            ("Dockerfile.dev", "FROM alpine\nCMD [\"air\"]\n"),
        ],
        &["api Server api", "- .devcontainer", "- lint", "- load-gen", "- service"],
    );
}

#[test]
fn variants_of_an_image_are_one_service() {
    check(
        &[
            ("go.mod", "module github.com/example/shop/v2\n"),
            ("main.go", "package main\n"),
            ("Dockerfile", IMAGE),
            ("Dockerfile.alpine", IMAGE),
            ("docker/Dockerfile.debug", IMAGE),
        ],
        &["shop CommandLineTool ."],
    );
}

#[test]
fn components_that_differ_in_flags_are_one_service() {
    let with = |name: &str, target: &str| deployment(name, "example/loggy:1", &format!("args: ['-target={target}']"));
    check(
        &[
            ("k8s/read.yaml", &with("loggy-read", "read")),
            ("k8s/write.yaml", &with("loggy-write", "write")),
            ("cmd/loggy/Dockerfile", IMAGE),
        ],
        &["loggy Worker cmd/loggy"],
    );
}

#[test]
fn programs_of_one_image_are_services_of_their_own() {
    check(
        &[
            (
                "k8s/web.yaml",
                &deployment("web", "example/app:1", &format!("command: [gunicorn, app]\n          {PORT}")),
            ),
            ("k8s/mail.yaml", &deployment("mail", "example/app:1", "command: [celery, -A, app, worker]")),
            (
                "k8s/migrate.yaml",
                "apiVersion: batch/v1\nkind: Job\nmetadata: {name: migrate}\nspec:\n  template:\n    spec:\n      containers: [{name: m, image: 'example/app:1'}]\n",
            ),
            ("app/Dockerfile", "FROM python:3\nCMD [\"gunicorn\", \"app\"]\n"),
            ("app/requirements.txt", "gunicorn==23.0.0\n"),
        ],
        &["mail Worker app", "web Server app"],
    );
}

#[test]
fn a_job_alone_is_a_job() {
    check(
        &[
            (
                "k8s/report.yaml",
                "apiVersion: batch/v1\nkind: CronJob\nmetadata: {name: report}\nspec:\n  schedule: '0 3 * * *'\n  jobTemplate:\n    spec:\n      template:\n        spec:\n          containers: [{name: m, image: 'example/report:1'}]\n",
            ),
            ("report/Dockerfile", IMAGE),
        ],
        &["report Job report"],
    );
}

#[test]
fn a_port_that_only_metrics_use_makes_no_server() {
    let service = "apiVersion: v1\nkind: Service\nmetadata: {name: controller-metrics}\nspec:\n  selector: {app: controller}\n  ports: [{name: metrics, port: 8082, targetPort: 8082}]\n";
    check(
        &[
            (
                "k8s/controller.yaml",
                &deployment("controller", "example/controller:1", "ports: [{containerPort: 8082}]"),
            ),
            ("k8s/service.yaml", service),
            ("controller/Dockerfile", IMAGE),
        ],
        &["controller Worker controller"],
    );
}

#[test]
fn a_web_server_with_files_is_a_site_and_a_proxy_is_none() {
    check(
        &[("web/Dockerfile", "FROM nginx:1.27\nCOPY static /usr/share/nginx/html\n"), ("web/static/a.html", "")],
        &["web StaticSite web"],
    );
    check(
        &[
            ("web/Dockerfile", "FROM nginx:1.27\nEXPOSE 8080\nCOPY default.conf /etc/nginx/conf.d/\n"),
            ("web/default.conf", "location / { proxy_pass http://api:8080; }"),
        ],
        &["web Server web"],
    );
}

#[test]
fn examples_count_only_where_nothing_else_is() {
    let example = ("examples/hello/Dockerfile", "FROM alpine\nEXPOSE 80\nCMD [\"/hello\"]\n");
    check(&[example], &["hello Server examples/hello"]);
    check(&[example, ("api/Dockerfile", "FROM alpine\nEXPOSE 80\nCMD [\"/api\"]\n")], &["api Server api"]);
}

#[test]
fn services_of_one_name_are_told_apart_by_their_folders() {
    let image = "FROM alpine\nEXPOSE 80\nCMD [\"/bin/api\"]\n";
    check(
        &[("shop/api/Dockerfile", image), ("users/api/Dockerfile", image)],
        &["api Server shop/api", "users-api Server users/api"],
    );
}

#[test]
fn the_configuration_overrides_and_adds() {
    let files = [("api/Dockerfile", "FROM alpine\nEXPOSE 80\nCMD [\"/api\"]\n"), ("mail/run.sh", "")];
    let configuration = "[service.api]\nclass = \"worker\"\n[service.mail]\npath = \"mail\"\nclass = \"job\"\n";
    check_configured(&files, configuration, &["api Worker api", "mail Job mail"]);
}

#[test]
fn nothing_is_found_in_nothing() {
    check(&[], &[]);
    check(&[("README.md", "# Notes\n")], &[]);
}

#[test]
fn a_store_that_is_called_like_its_kind_keeps_the_data_of_others() {
    let check = |folder: &str, image: &str, expect: &str| {
        let compose = format!(
            "services:\n  shop:\n    build: shop\n    ports: ['8080']\n    depends_on: [mongodb]\n  mongodb:\n    {folder}\n"
        );
        let files = [("compose.yaml", compose.as_str()), ("shop/Dockerfile", IMAGE), ("mongo/Dockerfile", image)];
        let collected = gather(&files, "");
        let shop = collected.services.iter().find(|one| one.service.name == "shop").unwrap();
        let state = format!("{:?}", shop.service.state);
        assert!(state.starts_with(expect), "{state}");
    };
    let store = "FROM mongo:8.0\nCOPY seed.js /docker-entrypoint-initdb.d/\n";
    check("build: mongo", store, "Entrusted");
    check("image: mongo:8.0", "FROM scratch\n", "NotFound");
}

#[test]
fn defaults_of_an_image_name_what_is_here() {
    let image = |host: &str| IMAGE.replace("ENTRYPOINT", &format!("ENV CART_HOST={host}\nENTRYPOINT"));
    let check = |host: &str, expect: &[&str]| {
        let shop = image(host);
        let files = [
            ("shop/Dockerfile", shop.as_str()),
            ("cart/Dockerfile", IMAGE),
            ("k8s/shop.yaml", &*deployment("shop", "example.com/shop:1", PORT)),
            ("k8s/cart.yaml", &*deployment("cart", "example.com/cart:1", PORT)),
        ];
        let collected = gather(&files, "");
        let shop = collected.services.iter().find(|one| one.service.name == "shop").unwrap();
        let seen: Vec<&str> = shop.service.dependencies.iter().map(|one| one.name.as_str()).collect();
        assert_eq!(seen, expect, "{host}");
    };
    check("cart", &["cart"]);
    check("localhost", &[]);
}

#[test]
fn dependencies_come_from_variables_and_compose() {
    let env = "env: [{name: USERS_ADDR, value: 'users:8080'}, {name: DATABASE_URL, value: 'postgres://db.example:5432/a'}, {name: SELF_URL, value: 'http://api'}]";
    let collected = gather(
        &[
            ("k8s/api.yaml", &deployment("api", "example/api:1", env)),
            ("k8s/users.yaml", &deployment("users", "example/users:1", PORT)),
            (
                "compose.yaml",
                "services:\n  api:\n    build: api\n    depends_on: [cache]\n  cache:\n    image: redis:7\n",
            ),
            ("api/Dockerfile", IMAGE),
            ("users/Dockerfile", IMAGE),
        ],
        "",
    );
    let dependencies = &collected.services[0].service.dependencies;
    let seen: Vec<_> = dependencies.iter().map(|one| (one.name.as_str(), one.kind.as_str())).collect();
    assert_eq!(seen, [("cache", "redis"), ("postgresql", "postgresql"), ("users", "http")]);
}

#[test]
fn each_service_gets_its_own_evidence() {
    let service = |name: &str| {
        format!(
            "apiVersion: v1\nkind: Service\nmetadata: {{name: {name}}}\nspec:\n  selector: {{app: {name}}}\n  ports: [{{port: 80}}]\n"
        )
    };
    let collected = gather(
        &[
            ("k8s/api.yaml", &deployment("api", "example/api:1", PORT)),
            ("k8s/users.yaml", &deployment("users", "example/users:1", PORT)),
            ("k8s/services.yaml", &format!("{}---\n{}", service("api"), service("users"))),
            ("api/Dockerfile", IMAGE),
            ("users/Dockerfile", IMAGE),
            ("users/package.json", "{\"name\": \"users\", \"dependencies\": {}}"),
        ],
        "",
    );
    for (facts, name, packages) in [(&collected.services[0], "api", 0), (&collected.services[1], "users", 1)] {
        let workloads: Vec<&str> = facts.workloads.items.iter().map(|one| one.name.as_str()).collect();
        let objects: Vec<&str> = facts.objects.items.iter().map(|one| one.name.as_str()).collect();
        assert_eq!((workloads, objects), (vec![name], vec![name]));
        assert_eq!(facts.images.items[0].place.path(), format!("{name}/Dockerfile"));
        assert_eq!(facts.packages.items.len(), packages, "{name}");
    }
}

#[test]
fn platforms_run_services() {
    check(
        &[
            ("Procfile", "web: gunicorn shop\nworker: celery -A shop worker\n"),
            ("pyproject.toml", "[project]\nname = \"shop\"\ndependencies = [\"gunicorn\"]\n"),
        ],
        &["shop Server .", "shop-worker Worker ."],
    );
    check(
        &[(
            "orders/serverless.yml",
            "service: orders\nprovider: {name: aws}\nfunctions:\n  a: {handler: a.b, events: [{httpApi: '*'}]}\n  c: {handler: a.c, events: [{schedule: rate(1 day)}]}\n",
        )],
        &["orders Server orders"],
    );
}

#[test]
fn what_is_built_apart_and_what_lies_among_tools_is_no_evidence_for_the_service() {
    let module = "module example.com/shop\n\ngo 1.25\n\nrequire github.com/go-chi/chi/v5 v5.2.0\n";
    let program = "package main\n\nfunc main() {}\n";
    let gems = "source 'https://rubygems.org'\ngem 'fluentd'\n";
    let queue = "resource \"google_pubsub_topic\" \"main\" {\n  name = \"logs\"\n}\n";
    let collected = gather(
        &[
            ("go.mod", module),
            ("cmd/shop/main.go", program),
            ("cmd/shop/Dockerfile", IMAGE),
            ("cmd/worker/main.go", program),
            ("cmd/worker/Dockerfile", IMAGE),
            ("plugins/fluentd/Dockerfile", "FROM fluent/fluentd:v1.17\nCOPY . .\n"),
            ("plugins/fluentd/Gemfile", gems),
            ("hack/previous/go.mod", module),
            ("lib/Gemfile", gems),
            ("tools/gcplog/main.tf", queue),
            ("tools/terraform/main.tf", queue),
            ("infra/dev/main.tf", queue),
        ],
        "",
    );
    assert_eq!(collected.services.len(), 2, "{:?}", collected.left_out);
    for facts in &collected.services {
        let packages: Vec<&str> = facts.packages.items.iter().map(|one| one.place.path()).collect();
        assert_eq!(packages, ["go.mod", "lib/Gemfile"], "{}", facts.service.name);
        let resources: Vec<&str> = facts.infrastructure.items.iter().map(|one| one.place.path()).collect();
        assert_eq!(resources, ["infra/dev/main.tf", "tools/terraform/main.tf"], "{}", facts.service.name);
    }
}

#[test]
fn what_a_package_manager_brings_along_is_no_folder_of_a_service() {
    let compose = "services:\n  shop:\n    build: {context: ./vendor/laravel/sail/runtimes/8.4}\n    ports: ['80:80']\n    volumes: ['.:/var/www/html']\n";
    check(
        &[("docker-compose.yml", compose), ("composer.json", "{\"name\": \"example/shop\"}"), ("artisan", "<?php\n")],
        &["shop Server ."],
    );
}

#[test]
fn an_app_that_users_install_is_no_server_though_it_has_the_description_of_an_api() {
    let project = |package: &str| {
        format!(
            "<Project Sdk=\"Microsoft.NET.Sdk\"><PropertyGroup><OutputType>Exe</OutputType></PropertyGroup><ItemGroup><PackageReference Include=\"{package}\" Version=\"9.0.30\" /></ItemGroup></Project>"
        )
    };
    let proto = "syntax = \"proto3\";\nservice Basket { rpc Get (Empty) returns (Empty); }\nmessage Empty {}\n";
    let app = |package: &str, expect: &str| {
        check(
            &[
                ("src/App/App.csproj", &project(package)),
                ("src/App/Program.cs", "class P { static void Main() { } }\n"),
                ("src/App/Protos/basket.proto", proto),
            ],
            &[expect],
        );
    };
    app("Microsoft.Maui.Controls", "App CommandLineTool src/App");
    app("Newtonsoft.Json", "App Server src/App");
}
