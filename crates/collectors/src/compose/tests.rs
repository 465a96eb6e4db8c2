//! What compose files are read as.

use std::fmt::Write as _;

use gonogo_domain::evidence::{EnvValue, ProbeAction, VolumeKind};

use super::*;
use crate::Tree;

fn gathered(files: &[(&str, &str)]) -> Compose {
    let tree = Tree::from_memory(files.iter().map(|(path, text)| ((*path).to_owned(), text.as_bytes().to_vec())));
    gather(&Corpus::read(&tree))
}

/// One line for each service: place, key, environment, image, build.
fn check(files: &[(&str, &str)], expected: &str) {
    let compose = gathered(files);
    let mut lines = String::new();
    let judged = compose.declarations.iter().filter(|declaration| !declaration.set_aside);
    for (workload, declaration) in compose.workloads.items.iter().zip(judged) {
        assert_eq!(workload.key, declaration.key);
        let environment = workload.environment.as_deref().unwrap_or("-");
        let production = if workload.production { "" } else { " (not production)" };
        let image = declaration.image.as_deref().unwrap_or("-");
        let build = declaration.container_file.as_deref().unwrap_or("-");
        writeln!(lines, "{} {} {environment}{production} {image} {build}", workload.place, workload.key).unwrap();
    }
    for gap in &compose.workloads.gaps {
        writeln!(lines, "gap {} {}", gap.place, gap.reason).unwrap();
    }
    assert_eq!(lines.trim(), expected.trim());
}

#[test]
fn services_are_workloads_with_image_and_build() {
    check(
        &[
            (
                "shop/docker-compose.yaml",
                "services:\n  cart:\n    build:\n      context: cart\n      dockerfile: Prod.Dockerfile\n    image: ${REPO}/cart:${TAG:-1}\n  web:\n    build: ../web\n",
            ),
            ("shop/.env", "# where from\nREPO=acme\n"),
        ],
        "shop/docker-compose.yaml:2 Compose/cart - acme/cart:1 shop/cart/Prod.Dockerfile\n\
         shop/docker-compose.yaml:7 Compose/web - - web/Dockerfile",
    );
}

#[test]
fn a_file_with_a_suffix_is_laid_over_the_base() {
    check(
        &[
            ("compose.yaml", "services:\n  api:\n    image: acme/api:1\n"),
            ("compose.override.yaml", "services:\n  api:\n    environment: {DEBUG: '1'}\n"),
            ("compose.prod.yaml", "services:\n  api:\n    deploy: {replicas: 3}\n"),
        ],
        "compose.override.yaml:2 Compose/api override (not production) acme/api:1 -\n\
         compose.prod.yaml:2 Compose/api prod acme/api:1 -\n\
         compose.yaml:2 Compose/api - acme/api:1 -",
    );
}

#[test]
fn an_image_that_is_built_for_development_says_where_its_file_runs() {
    check(
        &[
            ("a/compose.yaml", "services:\n  api:\n    image: api:dev\n    build: .\n  db:\n    image: postgres:16\n"),
            ("b/compose.yaml", "services:\n  api:\n    image: api:1.2\n    build: .\n  tool:\n    image: other:dev\n"),
            ("d/compose.yaml", "services:\n  cart:\n    image: cart:${TAG:-dev}\n    build: .\n"),
        ],
        "a/compose.yaml:2 Compose/api dev (not production) api:dev a/Dockerfile\n\
         a/compose.yaml:5 Compose/db dev (not production) postgres:16 -\n\
         b/compose.yaml:2 Compose/api - api:1.2 b/Dockerfile\n\
         b/compose.yaml:5 Compose/tool - other:dev -\n\
         d/compose.yaml:2 Compose/cart - cart:dev d/Dockerfile",
    );
}

#[test]
fn what_its_source_is_mounted_over_is_being_worked_on() {
    check(
        &[
            (
                "a/compose.yaml",
                "services:\n  api:\n    build: .\n    volumes: ['./:/app']\n  db:\n    image: postgres:16\n",
            ),
            (
                "b/compose.yaml",
                "services:\n  api:\n    build: {context: ./api}\n    volumes:\n      - {type: bind, source: ./api/, target: /app}\n",
            ),
            (
                "c/compose.yaml",
                "services:\n  api:\n    build: .\n    volumes: ['./data:/data', 'kept:/kept', '..:/all']\n",
            ),
        ],
        "a/compose.yaml:2 Compose/api development (not production) - a/Dockerfile\n\
         a/compose.yaml:5 Compose/db development (not production) postgres:16 -\n\
         b/compose.yaml:2 Compose/api development (not production) - b/api/Dockerfile\n\
         c/compose.yaml:2 Compose/api - - c/Dockerfile",
    );
}

#[test]
fn extends_is_followed_and_does_not_run_in_circles() {
    check(
        &[(
            "compose.yaml",
            "services:\n  a:\n    extends: {service: b}\n  b:\n    image: acme/b\n  c:\n    extends: c\n  d:\n    extends: {file: ../x.yaml, service: d}\n",
        )],
        "compose.yaml:2 Compose/a - acme/b -\n\
         compose.yaml:4 Compose/b - acme/b -\n\
         gap compose.yaml:7 services extend each other without an end\n\
         gap compose.yaml:9 extends a service of a file that is not in the repository",
    );
}

#[test]
fn included_files_are_read_whatever_they_are_called() {
    check(
        &[
            (
                "compose.yaml",
                "include:\n  - parts/db.yml\n  - path: [parts/web.yml]\nservices:\n  api:\n    image: acme/api:1\n",
            ),
            ("parts/db.yml", "include: [db.yml, deeper.yml]\nservices:\n  db:\n    image: postgres:17\n"),
            ("parts/deeper.yml", "services:\n  cache:\n    image: redis:8\n"),
            ("parts/web.yml", "services:\n  web:\n    image: acme/web:1\n"),
            ("parts/other.yml", "services:\n  other:\n    image: acme/other:1\n"),
        ],
        "compose.yaml:5 Compose/api - acme/api:1 -\n\
         parts/db.yml:3 Compose/db - postgres:17 -\n\
         parts/deeper.yml:2 Compose/cache - redis:8 -\n\
         parts/web.yml:2 Compose/web - acme/web:1 -",
    );
    check(
        &[("compose.yaml", "include: ['oci://registry.example/parts']\nservices:\n  api:\n    image: acme/api:1\n")],
        "compose.yaml:3 Compose/api - acme/api:1 -\n\
         gap compose.yaml:1 includes oci://registry.example/parts, which is not in this repository",
    );
}

#[test]
fn a_broken_compose_file_is_a_gap_and_other_files_are_none_of_ours() {
    check(
        &[("compose.yaml", "services:\n  a: [\n"), ("other.yaml", "services:\n  a: {}\n")],
        "gap compose.yaml:2 unclosed bracket '['",
    );
}

#[test]
fn every_field_of_a_service_is_kept() {
    let compose = gathered(&[(
        "compose.yaml",
        r#"services:
  db:
    image: postgres:16
    user: "999:999"
    read_only: true
    network_mode: host
    stop_grace_period: 1m30s
    cap_drop: [ALL]
    security_opt: ["no-new-privileges:true"]
    environment:
      - PGUSER=app
      - PGPASSWORD=${PASSWORD}
      - FROM_HOST
    env_file: db.env
    secrets: [db_password]
    ports: ["127.0.0.1:5432:5432/tcp", {target: 9187}]
    volumes: ["data:/var/lib/postgresql", "./init:/init:ro"]
    healthcheck:
      test: ["CMD-SHELL", "pg_isready"]
      interval: 5s
      retries: 10
      start_period: 1m
    deploy:
      replicas: 2
      resources: {limits: {cpus: "0.5", memory: 256M}}
"#,
    )]);
    let workload = compose.workloads.items.first().unwrap();
    let container = workload.containers.first().unwrap();
    let probe = container.readiness.as_ref().unwrap();
    assert_eq!(workload.replicas.as_ref().map(|replicas| (replicas.value, replicas.place.line())), Some((2, Some(24))));
    assert_eq!(workload.grace_seconds.as_ref().map(|grace| grace.value), Some(90));
    assert_eq!(workload.security.host_network.as_ref().and_then(gonogo_domain::Place::line), Some(6));
    assert_eq!(workload.keeps_data.iter().map(ToString::to_string).collect::<Vec<_>>(), ["compose.yaml:17"]);
    assert!(workload.volumes.iter().any(|volume| volume.kind == VolumeKind::Secret("db_password".to_owned())));
    assert_eq!((probe.period, probe.failures, probe.start_period, probe.budget()), (5, 10, Some(60), 110));
    let shell = ["sh", "-c", "pg_isready"].map(str::to_owned).to_vec();
    assert_eq!(probe.action, ProbeAction::Exec { command: shell });
    assert_eq!(container.ports.iter().map(|port| port.number).collect::<Vec<_>>(), [Some(5432), Some(9187)]);
    assert_eq!(
        container.env.iter().map(|env| &env.value).collect::<Vec<_>>(),
        [
            &EnvValue::Literal("app".to_owned()),
            &EnvValue::Other("host: ${PASSWORD}".to_owned()),
            &EnvValue::Other("host".to_owned()),
        ]
    );
    assert_eq!(container.env_from.len(), 1);
    assert_eq!(container.limits.memory.as_ref().map(|memory| memory.value.as_str()), Some("256M"));
    assert_eq!(container.security.run_as_user.as_ref().map(|user| user.value), Some(999));
    assert_eq!(container.security.allow_privilege_escalation.as_ref().map(|allowed| allowed.value), Some(false));
    assert_eq!(container.security.drops, ["ALL"]);
}

#[test]
fn a_service_of_several_files_is_judged_where_most_is_started() {
    check(
        &[
            ("compose.yaml", "services:\n  api:\n    build: api\n  db:\n    image: postgres:16\n"),
            ("api/compose.yaml", "services:\n  api:\n    build: .\n"),
            ("other/compose.yaml", "services:\n  api:\n    build: .\n"),
        ],
        "compose.yaml:2 Compose/api - - api/Dockerfile\n\
         compose.yaml:4 Compose/db - postgres:16 -\n\
         other/compose.yaml:2 Compose/api - - other/Dockerfile",
    );
}
