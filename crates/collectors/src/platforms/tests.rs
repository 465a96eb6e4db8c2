//! What platform files are read as.

use std::fmt::Write as _;

use super::*;
use crate::Tree;

/// One line for each workload: place, key, environment, image or container file, health check, replicas, grace.
fn check(files: &[(&str, &str)], expected: &str) {
    let tree = Tree::from_memory(files.iter().map(|(path, text)| ((*path).to_owned(), text.as_bytes().to_vec())));
    let platforms = gather(&Corpus::read(&tree));
    let mut lines = String::new();
    for workload in &platforms.workloads.items {
        let environment = workload.environment.as_deref().unwrap_or("-");
        write!(lines, "{} {} {environment} {}", workload.place, workload.key, workload.production).unwrap();
        for container in &workload.containers {
            let image = container.image.as_ref().map_or("-", |image| &image.value.text);
            let probe = container.readiness.as_ref().map(|probe| format!("{}:{:?}", probe.place, probe.action));
            write!(lines, " [{image} {}", probe.unwrap_or_default()).unwrap();
            write!(lines, " {}]", container.env.iter().map(|env| env.name.as_str()).collect::<Vec<_>>().join(","))
                .unwrap();
        }
        let number = |number: &Option<Located<u32>>| number.as_ref().map(|number| number.value);
        writeln!(lines, " {:?} {:?}", number(&workload.replicas), number(&workload.grace_seconds)).unwrap();
    }
    for declaration in &platforms.declarations {
        writeln!(lines, "{} {:?} {:?}", declaration.key, declaration.build_context, declaration.container_file)
            .unwrap();
    }
    for gap in &platforms.workloads.gaps {
        writeln!(lines, "gap {}", gap.place).unwrap();
    }
    let expected: Vec<&str> = expected.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    assert_eq!(lines.trim(), expected.join("\n"));
}

#[test]
fn fly_groups_are_workloads() {
    let text = "app = 'shop'\nkill_timeout = '1m'\n[build]\ndockerfile = 'docker/Dockerfile'\n[env]\nPORT = '80'\n[processes]\napp = 'serve'\nworker = 'work'\n[http_service]\ninternal_port = 80\nmin_machines_running = 2\nprocesses = ['app']\n[[http_service.checks]]\npath = '/ready'\n";
    check(
        &[("fly.toml", text), ("fly.staging.toml", "app = 'shop-staging'\n")],
        r#"fly.staging.toml:1 fly/shop-staging staging false [-  ] None None
        fly.toml:8 fly/shop - true [- fly.toml:14:Http { path: "/ready", port: "80", scheme: "HTTP" } PORT] Some(2) Some(60)
        fly.toml:9 fly/shop-worker - true [-  PORT] None Some(60)
        fly/shop-staging Some(".") Some("Dockerfile")
        fly/shop Some(".") Some("docker/Dockerfile")
        fly/shop-worker Some(".") Some("docker/Dockerfile")"#,
    );
}

#[test]
fn render_services_are_workloads_and_static_sites_are_not() {
    check(
        &[(
            "render.yaml",
            "services:\n- type: web\n  name: api\n  rootDir: api\n  healthCheckPath: /health\n  numInstances: 2\n  envVars:\n  - key: TOKEN\n    sync: false\n- type: web\n  name: site\n  runtime: static\n- type: cron\n  name: nightly\n",
        )],
        r#"render.yaml:3 render/api - true [- render.yaml:5:Http { path: "/health", port: "", scheme: "HTTP" } TOKEN] Some(2) None
        render/api Some("api") None"#,
    );
}

#[test]
fn app_engine_is_told_from_other_files_of_that_name() {
    check(
        &[
            (
                "app.yaml",
                "runtime: custom\nservice: api\nreadiness_check:\n  path: /ready\nmanual_scaling:\n  instances: 3\n",
            ),
            ("other/app.yaml", "name: something\n"),
        ],
        r#"app.yaml:2 app engine/api - true [- app.yaml:3:Http { path: "/ready", port: "", scheme: "HTTP" } ] Some(3) None
        app engine/api Some(".") Some("Dockerfile")"#,
    );
}

#[test]
fn task_definitions_are_workloads_with_their_containers() {
    check(
        &[(
            "task.json",
            r#"{"family": "api",
 "containerDefinitions": [
  {"name": "api", "image": "acme/api:1", "stopTimeout": 60,
   "environment": [{"name": "A", "value": "1"}], "secrets": [{"name": "B", "valueFrom": "arn"}],
   "healthCheck": {"command": ["CMD-SHELL", "curl -f x"]}},
  {"name": "log", "image": "fluent-bit", "essential": false}]}"#,
        )],
        r#"task.json:1 ecs/api - true [acme/api:1 task.json:5:Exec { command: ["sh", "-c", "curl -f x"] } A,B] [fluent-bit  ] None Some(60)
        ecs/api None None"#,
    );
}

#[test]
fn a_procfile_is_the_platforms_where_it_has_a_web_process() {
    check(
        &[("Procfile", "# x\nweb: node server.js\nrelease: migrate\n"), ("dev/Procfile", "watch: make\n")],
        r#"Procfile:2 procfile/web - true [-  ] None None
        procfile/web Some(".") None"#,
    );
}

#[test]
fn functions_are_workloads_and_a_broken_file_is_a_gap() {
    check(
        &[
            (
                "serverless.yml",
                "service: s\nprovider:\n  name: aws\n  environment: {A: b}\nfunctions:\n  hello:\n    handler: a.b\n",
            ),
            ("fly.toml", "app = [\n"),
        ],
        r#"serverless.yml:6 serverless function/hello - true [-  A] None None
        serverless function/hello Some(".") None
        gap fly.toml:1"#,
    );
}
