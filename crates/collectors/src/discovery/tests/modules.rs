//! What is built without a container file of its own, in several variants, from its own folder, or not at all.

use super::{IMAGE, PORT, check, deployment, gather};

fn pom(name: &str, plugin: &str) -> String {
    format!(
        "<project><modelVersion>4.0.0</modelVersion><groupId>shop</groupId><artifactId>{name}</artifactId><version>1</version><build><plugins><plugin>{plugin}</plugin></plugins></build></project>"
    )
}

const SPRING: &str = "<groupId>org.springframework.boot</groupId><artifactId>spring-boot-maven-plugin</artifactId>";
const JIB: &str = "<groupId>com.google.cloud.tools</groupId><artifactId>jib-maven-plugin</artifactId>";

#[test]
fn images_are_of_the_modules_that_they_are_named_after() {
    let shared = "FROM eclipse-temurin:21\nARG ARTIFACT\nCOPY ${ARTIFACT}.jar app.jar\nEXPOSE 8080\nENTRYPOINT [\"java\", \"-jar\", \"app.jar\"]\n";
    let compose = "services:
  orders:
    image: example/shop-orders
    ports: ['8081:8080']
  stock:
    image: example/shop-stock
    ports: ['8082:8080']
  tracing:
    image: openzipkin/zipkin
  mail:
    build: mail
    ports: ['3000:3000']
";
    let files = [
        ("pom.xml", &*pom("shop", SPRING)),
        ("shop-orders/pom.xml", &pom("shop-orders", SPRING)),
        ("shop-stock/pom.xml", &pom("shop-stock", SPRING)),
        ("shop-common/pom.xml", &pom("shop-common", SPRING)),
        ("docker/Dockerfile", shared),
        ("mail/Dockerfile", IMAGE),
        ("docker-compose.yml", compose),
    ];
    check(&files, &["mail Server mail", "orders Server shop-orders", "stock Server shop-stock", "- tracing"]);
    let collected = gather(&files, "");
    assert!(collected.services.iter().all(|facts| facts.images.items.len() == 1), "each has the shared file");
}

#[test]
fn a_build_that_makes_the_image_itself_makes_a_service() {
    let files = [
        ("k8s/orders.yaml", &*deployment("orders", "registry.example/shop/orders:1", PORT)),
        ("orders/pom.xml", &pom("orders", JIB)),
        ("monolith/pom.xml", &pom("monolith", JIB)),
        ("monolith/src/main/java/shop/Monolith.java", "package shop;\nclass Monolith { }\n"),
        // A library beside them is none.
        ("common/pom.xml", &pom("common", SPRING)),
    ];
    check(&files, &["monolith CommandLineTool monolith", "orders Server orders"]);
}

#[test]
fn what_a_program_is_packed_for_is_no_name_of_it() {
    let serve = IMAGE.replace("ENTRYPOINT", "EXPOSE 8080\nENTRYPOINT");
    let packs = "FROM golang:1.25\nADD . /src\nCMD [\"/src/packaging/debian/build.sh\"]\n";
    let files = [
        ("go.mod", "module example.com/shop\n\ngo 1.25\n"),
        ("main.go", "package main\n\nfunc main() {}\n"),
        ("packaging/debian/Dockerfile", packs),
        ("packaging/docker/alpine/Dockerfile", &*serve),
        ("packaging/docker/distroless/Dockerfile", &*serve),
        ("packaging/rpm/Dockerfile", "FROM rockylinux:9\nRUN dnf install -y rpm-build\nCOPY shop.spec /root\n"),
    ];
    check(&files, &["shop Server ."]);
    assert_eq!(gather(&files, "").services[0].images.items.len(), 2);
}

#[test]
fn what_lies_around_a_folder_is_not_of_the_image_that_carries_the_folder_alone() {
    let files = [
        ("package.json", "{\"name\": \"tools\", \"private\": true, \"devDependencies\": {\"eslint\": \"9.0.0\"}}"),
        ("lint.js", "require('eslint');\n"),
        ("pb/shop.proto", "syntax = \"proto3\";\n"),
        ("src/proxy/Dockerfile", "FROM envoyproxy/envoy:v1.30.0\nCOPY ./src/proxy/envoy.yaml envoy.yaml\nEXPOSE 80\n"),
        ("src/proxy/envoy.yaml", "admin: {}\n"),
        (
            "src/currency/Dockerfile",
            "FROM alpine:3 AS build\nCOPY ./src/currency/ ./\nCOPY ./pb/shop.proto shop.proto\nRUN make\nFROM alpine:3\nCOPY --from=build /currency /currency\nEXPOSE 80\nENTRYPOINT [\"/currency\"]\n",
        ),
        ("src/currency/Makefile", "all:\n\tcc main.c\n"),
        (
            "src/agent/Dockerfile",
            "FROM golang:1.25 AS build\nRUN git clone https://example.com/agent . && go build -o /agent\nFROM alpine:3\nCOPY --from=build /agent /agent\nEXPOSE 80\nENTRYPOINT [\"/agent\"]\n",
        ),
        (
            "src/web/Dockerfile",
            "FROM node:22\nCOPY package.json ./\nCOPY src/web ./\nEXPOSE 80\nCMD [\"node\", \"web.js\"]\n",
        ),
        ("src/web/web.js", "require('http').createServer().listen(80);\n"),
        (
            "compose.yaml",
            "services:\n  agent: {build: {context: ., dockerfile: src/agent/Dockerfile}}\n  proxy: {build: {context: ., dockerfile: src/proxy/Dockerfile}}\n  currency: {build: {context: ., dockerfile: src/currency/Dockerfile}}\n  web: {build: {context: ., dockerfile: src/web/Dockerfile}}\n",
        ),
    ];
    let seen: Vec<String> = gather(&files, "")
        .services
        .iter()
        .map(|facts| {
            let packages = facts.packages.items.iter().map(|one| one.place.path()).collect::<Vec<_>>().join(" ");
            let source = facts.source.files.iter().map(|one| &*one.path).collect::<Vec<_>>().join(" ");
            format!("{}: {packages} | {source}", facts.service.name)
        })
        .collect();
    assert_eq!(seen, ["agent:  | ", "currency:  | ", "proxy:  | ", "web: package.json | lint.js src/web/web.js"]);
}

#[test]
fn a_toolchain_that_watches_the_files_is_no_service() {
    let compose = |command: &str| {
        format!(
            "services:\n  shop:\n    build: .\n    ports: ['80:80']\n  node:\n    image: node:22-alpine\n    volumes: ['./:/app']\n    {command}\n"
        )
    };
    let beside = |command: &str, expect: &[&str]| {
        check(
            &[("compose.yaml", &compose(command)), ("Dockerfile", IMAGE), ("go.mod", "module example.com/shop\n")],
            expect,
        );
    };
    beside("command: sh -c 'npm install && npm run watch'", &["shop Server .", "- node"]);
    beside("entrypoint: /app/dev/docker/entrypoint.node.sh", &["shop Server .", "- node"]);
    beside("command: sh -c 'npm install && npm start'", &["node Worker .", "shop Server ."]);
    beside("command: node worker.js > /dev/stdout", &["node Worker .", "shop Server ."]);
}

#[test]
fn who_only_takes_from_a_queue_is_a_worker_though_it_calls_others_by_grpc() {
    let requirements = "confluent-kafka==2.5.0\ngrpcio==1.66.0\n";
    let worker = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: fraud}\nspec:\n  selector: {matchLabels: {app: fraud}}\n  template:\n    metadata: {labels: {app: fraud}}\n    spec: {containers: [{name: main, image: example/fraud:1}]}\n";
    let image = "FROM python:3.12\nCOPY . .\nCMD [\"python\", \"main.py\"]\n";
    let files =
        [("fraud/requirements.txt", requirements), ("fraud/main.py", "print('up')\n"), ("fraud/Dockerfile", image)];
    check(&[files[0], files[1], files[2], ("deploy.yaml", worker)], &["fraud Worker fraud"]);
    check(&files, &["fraud Server fraud"]);
}

#[test]
fn one_container_file_makes_the_one_image_that_runs() {
    let files = [
        ("k8s/api.yaml", &*deployment("api", "registry.example/shop/api:1", PORT)),
        ("api/package.json", "{\"name\": \"api\", \"scripts\": {\"start\": \"node api.js\"}}"),
        ("Dockerfile", IMAGE),
    ];
    check(&files, &["api Server ."]);
}

#[test]
fn a_package_that_an_image_copies_as_a_whole_is_what_it_runs() {
    let files = [
        ("build.gradle", "plugins { id 'java' }\n"),
        ("src/main/java/Shop.java", "class Shop {}\n"),
        ("Dockerfile", "FROM eclipse-temurin:21\nCOPY . /src\nEXPOSE 8080\nCMD [\"java\", \"-jar\", \"shop.jar\"]\n"),
        ("web/package.json", "{\"name\": \"web\", \"scripts\": {\"build\": \"vite build\"}}"),
        ("web/src/app.js", "console.log('a');\n"),
        (
            "docker/web/Dockerfile",
            "FROM node:22 AS build\nCOPY web /web\nRUN cd /web && npm run build\nFROM nginx:1.29\nCOPY --from=build /web/dist /srv\nCOPY docker/web/nginx.conf /etc/nginx/conf.d/default.conf\nEXPOSE 80\n",
        ),
        ("docker/web/nginx.conf", "server { listen 80; location /api { proxy_pass http://shop:8080; } }\n"),
        (
            "compose.yaml",
            "services:\n  web: {build: {context: ., dockerfile: docker/web/Dockerfile}, ports: [\"80:80\"]}\n",
        ),
    ];
    let seen = gather(&files, "");
    let web = seen.services.iter().find(|facts| facts.service.name == "web").unwrap();
    let source: Vec<&str> = web.source.files.iter().map(|one| &*one.path).collect();
    assert_eq!(source, ["web/src/app.js"]);
}
