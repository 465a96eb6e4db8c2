//! Container files and workloads of one program under many names, and those of nobody.

use super::{IMAGE, check, deployment};

const SERVES: &str = "FROM alpine:3\nCOPY server /server\nEXPOSE 80\nENTRYPOINT [\"/server\"]\n";

#[test]
fn all_words_for_how_an_image_is_built_are_left_out_of_its_name() {
    check(
        &[
            ("go.mod", "module example.com/ci\n\ngo 1.25\n"),
            ("cmd/server/main.go", "package main\n"),
            ("docker/Dockerfile.server.multiarch.rootless", SERVES),
            ("docker/Dockerfile.server.alpine.multiarch.rootless", SERVES),
            ("docker/Dockerfile-agent-alpine", SERVES),
            ("docker/Dockerfile.coverage", SERVES),
        ],
        &["agent Server .", "server Server cmd/server", "- ci"],
    );
}

#[test]
fn a_makefile_among_container_files_makes_no_program_of_their_folder() {
    check(
        &[
            ("Cargo.toml", "[package]\nname = \"vault\"\nversion = \"1.0.0\"\n"),
            ("src/main.rs", "fn main() {}\n"),
            ("docker/Dockerfile.alpine", SERVES),
            ("docker/Dockerfile.debian", SERVES),
            ("docker/Makefile", "all:\n\tdocker build .\n"),
        ],
        &["vault Server ."],
    );
}

#[test]
fn an_image_that_waits_with_a_shell_or_runs_browsers_for_tests_is_no_service() {
    check(
        &[
            ("web/package.json", "{\"name\": \"web\"}"),
            ("web/Dockerfile", SERVES),
            ("web/Dockerfile.playwright", "FROM mcr.microsoft.com/playwright:v1.60.0\nCOPY . .\n"),
            ("docker/Dockerfile.make", "FROM node:24\nRUN npm install -g make\nCMD [\"/bin/sh\"]\n"),
            (
                "compose.yaml",
                "services:\n  web: {build: web, ports: ['80:80']}\n  playwright:\n    build: {context: web, dockerfile: Dockerfile.playwright}\n    ports: ['9323:9323']\n",
            ),
        ],
        &["web Server web", "- make", "- playwright"],
    );
}

#[test]
fn what_is_shipped_goes_before_what_helps_to_develop_it() {
    check(
        &[
            ("pyproject.toml", "[project]\nname = \"papers\"\nversion = \"1\"\n"),
            ("Dockerfile", SERVES),
            (".devcontainer/Dockerfile", "FROM python:3\nEXPOSE 80\nCMD [\"sleep\", \"infinity\"]\n"),
            (
                ".devcontainer/compose.yaml",
                "services:\n  papers-dev:\n    image: papers\n    build: {context: .., dockerfile: .devcontainer/Dockerfile}\n",
            ),
            ("deploy/compose.yaml", "services:\n  webserver: {image: 'ghcr.io/papers/papers:2', ports: ['80:80']}\n"),
        ],
        &["webserver Server .", "- .devcontainer", "- papers-dev"],
    );
}

#[test]
fn a_compose_service_without_image_and_build_adds_to_another() {
    check(
        &[
            ("Dockerfile", IMAGE),
            ("go.mod", "module example.com/shop\n"),
            ("suites/one/compose.yaml", "services:\n  shop-backend:\n    environment: {MODE: one}\n"),
        ],
        &["shop CommandLineTool .", "- shop-backend"],
    );
}

#[test]
fn what_runs_beside_an_image_of_the_repositorys_name_is_of_others() {
    let workloads = [
        deployment("bank-server", "acme/bank:1", "ports: [{containerPort: 8443}]"),
        deployment("bank-manager", "acme/bank:1", "ports: [{containerPort: 8443}]"),
        deployment("site", "others/site:1", "ports: [{containerPort: 80}]"),
    ];
    let [server, manager, site] = &workloads;
    check(
        &[
            ("go.mod", "module example.com/bank\n"),
            ("k8s/server.yaml", server),
            ("k8s/manager.yaml", manager),
            ("k8s/site.yaml", site),
        ],
        &["bank-server Server .", "- site"],
    );
}

#[test]
fn a_worker_in_the_image_of_a_server_opens_no_port() {
    check(
        &[
            ("Dockerfile", "FROM python:3\nCOPY . .\nEXPOSE 5000\nENTRYPOINT [\"/app/bin\"]\n"),
            (
                "compose.yaml",
                "services:\n  server: {build: ., command: server, ports: ['5000:5000']}\n  worker: {build: ., command: worker}\n",
            ),
        ],
        &["server Server .", "worker Worker ."],
    );
}
