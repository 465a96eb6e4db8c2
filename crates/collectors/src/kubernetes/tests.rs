//! What manifests, charts and kustomizations come to.

use std::fmt::Write as _;

use super::*;
use crate::Tree;

pub(super) fn gathered(files: &[(&str, &str)]) -> Cluster {
    let tree = Tree::from_memory(files.iter().map(|(path, text)| ((*path).to_owned(), text.as_bytes().to_vec())));
    gather(&Corpus::read(&tree))
}

/// One line for each workload, object and gap: place, name, environment.
pub(super) fn check(files: &[(&str, &str)], expected: &str) {
    let cluster = gathered(files);
    let mut lines = String::new();
    let state = |environment: &Option<String>, production: bool| {
        let environment = environment.as_deref().unwrap_or("-").to_owned();
        if production { environment } else { format!("{environment} (not production)") }
    };
    for workload in &cluster.workloads.items {
        let state = state(&workload.environment, workload.production);
        writeln!(lines, "{} {} {state}", workload.place, workload.key).unwrap();
    }
    for object in &cluster.objects.items {
        let state = state(&object.environment, object.production);
        writeln!(lines, "{} [{} {}] {state}", object.place, object.kind, object.name).unwrap();
    }
    for gap in &cluster.workloads.gaps {
        writeln!(lines, "gap {} {}", gap.place, gap.reason).unwrap();
    }
    assert_eq!(cluster.workloads.gaps.len(), cluster.objects.gaps.len());
    let expected: Vec<&str> = expected.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    assert_eq!(lines.trim(), expected.join("\n"));
}

pub(super) fn deployment(name: &str, image: &str) -> String {
    format!(
        "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: {name}\nspec:\n  template:\n    spec:\n      containers:\n      - name: server\n        image: {image}\n"
    )
}

#[test]
fn lists_are_unwrapped_and_other_documents_left_alone() {
    check(
        &[
            (
                "a.yaml",
                "apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: Service\n  metadata:\n    name: web\n---\nkind: Config\napiVersion: skaffold/v4beta1\n---\nname: no object\n",
            ),
            ("b.json", "{\"apiVersion\": \"v1\",\n \"kind\": \"ConfigMap\",\n \"metadata\": {\"name\": \"c\"}}"),
        ],
        "a.yaml:7 [Service web] -
         b.json:3 [ConfigMap c] -",
    );
}

#[test]
fn a_bundle_counts_only_where_nothing_else_declares_the_workload() {
    let both = format!(
        "# This is an auto-generated file. DO NOT EDIT\n{}---\n{}",
        deployment("a", "x/a:1"),
        deployment("b", "x/b:1")
    );
    check(
        &[("k8s/a.yaml", &deployment("a", "x/a:1")), ("install.yaml", &both)],
        "install.yaml:16 Deployment/b -
         k8s/a.yaml:4 Deployment/a -",
    );
    let cluster = gathered(&[("k8s/a.yaml", &deployment("a", "x/a:1")), ("install.yaml", &both)]);
    let seen: Vec<String> = cluster
        .declarations
        .iter()
        .map(|one| format!("{} {} {:?} {}", one.place, one.key, one.origin, one.set_aside))
        .collect();
    assert_eq!(
        seen,
        [
            "install.yaml:5 Deployment/a Bundle true",
            "install.yaml:16 Deployment/b Bundle false",
            "k8s/a.yaml:4 Deployment/a Manifest false",
        ]
    );
}

#[test]
fn environments_are_renderings_of_one_workload() {
    check(
        &[
            ("k8s/dev/a.yaml", &deployment("a", "x/a:1")),
            ("k8s/prod/a.yaml", &deployment("a", "x/a:1")),
            ("tests/a.yaml", &deployment("a", "x/a:1")),
            ("examples/a.yaml", &deployment("a", "x/a:1")),
        ],
        "k8s/dev/a.yaml:4 Deployment/a dev (not production)
         k8s/prod/a.yaml:4 Deployment/a prod",
    );
}

#[test]
fn examples_count_where_there_is_nothing_else() {
    check(&[("examples/a.yaml", &deployment("a", "x/a:1"))], "examples/a.yaml:4 Deployment/a -");
    check(&[("tests/a.yaml", &deployment("a", "x/a:1"))], "tests/a.yaml:4 Deployment/a tests (not production)");
}

#[test]
fn two_programs_that_share_a_name_are_two_workloads() {
    check(
        &[("one/app.yaml", &deployment("app", "x/one:1")), ("two/app.yaml", &deployment("app", "x/two:1"))],
        "one/app.yaml:4 Deployment/app -
         two/app.yaml:4 Deployment/app (two) -",
    );
}

#[test]
fn a_rollout_borrows_the_template_it_refers_to() {
    let rollout = "apiVersion: argoproj.io/v1alpha1\nkind: Rollout\nmetadata:\n  name: a\nspec:\n  workloadRef:\n    kind: Deployment\n    name: a\n";
    check(&[("a.yaml", &deployment("a", "x/a:1")), ("rollout.yaml", rollout)], "rollout.yaml:4 Rollout/a -");
    let cluster = gathered(&[("a.yaml", &deployment("a", "x/a:1")), ("rollout.yaml", rollout)]);
    assert_eq!(cluster.workloads.items.first().unwrap().containers.first().unwrap().place.to_string(), "a.yaml:9");
    check(
        &[("rollout.yaml", rollout)],
        "gap rollout.yaml:4 the pod template that workloadRef names is not in the repository",
    );
}

#[test]
fn only_broken_manifests_are_gaps() {
    check(
        &[("a.yaml", "apiVersion: v1\nkind: Pod\nmetadata: [\n"), ("b.yaml", "name: [\n")],
        "gap a.yaml:3 unclosed bracket '['",
    );
}

fn kustomization(text: &str) -> String {
    format!("apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\n{text}")
}

#[test]
fn overlays_are_environments_and_their_base_is_not_judged_by_itself() {
    check(
        &[
            ("k8s/base/kustomization.yaml", &kustomization("resources: [a.yaml]\n")),
            ("k8s/base/a.yaml", &deployment("a", "x/a:1")),
            ("k8s/overlays/dev/kustomization.yaml", &kustomization("resources: [../../base]\nnamePrefix: dev-\n")),
            (
                "k8s/overlays/prod/kustomization.yaml",
                &kustomization("resources: [../../base]\npatches: [{path: patch.yaml}]\n"),
            ),
            ("k8s/overlays/prod/patch.yaml", &deployment("a", "x/a:2")),
        ],
        "k8s/base/a.yaml:4 Deployment/a dev (not production)
         k8s/base/a.yaml:4 Deployment/a prod",
    );
}

#[test]
fn a_base_without_an_overlay_for_customers_is_judged() {
    check(
        &[
            ("base/kustomization.yaml", &kustomization("resources: [a.yaml]\n")),
            ("base/a.yaml", &deployment("a", "x/a:1")),
            ("overlays/dev/kustomization.yaml", &kustomization("resources: [../../base]\n")),
        ],
        "base/a.yaml:4 Deployment/a -
         base/a.yaml:4 Deployment/a dev (not production)",
    );
}

#[test]
fn variants_of_one_base_are_told_apart_by_their_folders() {
    check(
        &[
            ("m/base/kustomization.yaml", &kustomization("resources: [a.yaml]\n")),
            ("m/base/a.yaml", &deployment("a", "x/a:1")),
            ("m/cluster/kustomization.yaml", &kustomization("resources: [../base]\nnamePrefix: acme-\n")),
            ("m/ha/cluster/kustomization.yaml", &kustomization("resources: [../../base]\nnamePrefix: acme-\n")),
            ("install.yaml", &format!("# Auto-generated\n{}", deployment("acme-a", "x/a:1"))),
        ],
        "m/base/a.yaml:4 Deployment/acme-a ha/cluster
         m/base/a.yaml:4 Deployment/acme-a m/cluster",
    );
}

#[test]
fn a_base_that_two_services_share_is_two_workloads() {
    let service = |name: &str| {
        kustomization(&format!(
            "resources: [../base]\nnamePrefix: {name}-\nimages: [{{name: x/a, newName: x/{name}}}]\n"
        ))
    };
    check(
        &[
            ("base/kustomization.yaml", &kustomization("resources: [a.yaml]\n")),
            ("base/a.yaml", &deployment("app", "x/a:1")),
            ("cart/kustomization.yaml", &service("cart")),
            ("user/kustomization.yaml", &service("user")),
        ],
        "base/a.yaml:4 Deployment/cart-app cart
         base/a.yaml:4 Deployment/user-app user",
    );
}

#[test]
fn what_a_kustomization_cannot_reach_is_a_gap_unless_it_is_a_test() {
    let remote = kustomization("resources: ['https://example.com/x.yaml', a.yaml]\n");
    check(
        &[
            ("k8s/kustomization.yaml", &remote),
            ("k8s/a.yaml", &deployment("a", "x/a:1")),
            ("test/kustomization.yaml", &remote),
            ("test/a.yaml", &deployment("a", "x/a:1")),
        ],
        "k8s/a.yaml:4 Deployment/a -
         gap k8s/kustomization.yaml:3 remote base https://example.com/x.yaml is not fetched",
    );
}

#[test]
fn input_that_means_harm_ends() {
    let circle = kustomization("resources: [../b]\n");
    let other = kustomization("resources: [../a]\n");
    let many = deployment("a", "x/a:1") + "---\n";
    let cluster = gathered(&[
        ("a/kustomization.yaml", &circle),
        ("b/kustomization.yaml", &other),
        ("many.yaml", &many.repeat(3_000)),
        (
            "odd.yaml",
            "apiVersion: apps/v1\nkind: Deployment\nmetadata: []\nspec: {template: {spec: {containers: 3}}}\n",
        ),
        ("list.yaml", &"apiVersion: v1\nkind: List\nitems:\n".repeat(3)),
    ]);
    assert_eq!(cluster.workloads.items.iter().map(|one| one.place.to_string()).collect::<Vec<_>>(), ["many.yaml:4"]);
    // Two kustomizations that include each other deploy nothing.
    assert_eq!(cluster.workloads.gaps, []);
}

const TEMPLATE: &str = "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: {{ .Release.Name }}\nspec:\n  replicas: {{ .Values.replicas }}\n  template:\n    spec:\n      containers:\n      - name: web\n        image: {{ required \"image\" .Values.image }}\n";

#[test]
fn a_chart_is_rendered_for_each_values_file() {
    check(
        &[
            ("deploy/web/Chart.yaml", "apiVersion: v2\nname: web\nversion: 1.0.0\n"),
            ("deploy/web/values.yaml", "replicas: 1\nimage: x/web:1\n"),
            ("deploy/web/values-prod.yaml", "replicas: 3\n"),
            ("deploy/web/staging-values.yaml", "replicas: 1\n"),
            ("deploy/web/ci/test-values.yaml", "replicas: 9\n"),
            ("deploy/web/templates/web.yaml", TEMPLATE),
            (
                "deploy/web/crds/web.yaml",
                "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata:\n  name: webs\n",
            ),
            (
                "deploy/web/templates/test.yaml",
                "apiVersion: v1\nkind: Pod\nmetadata:\n  name: t\n  annotations: {helm.sh/hook: test}\nspec: {containers: [{name: t, image: t}]}\n",
            ),
        ],
        "deploy/web/templates/web.yaml:4 Deployment/web -
         deploy/web/templates/web.yaml:4 Deployment/web prod
         deploy/web/templates/web.yaml:4 Deployment/web staging (not production)
         deploy/web/crds/web.yaml:4 [CustomResourceDefinition webs] -
         deploy/web/crds/web.yaml:4 [CustomResourceDefinition webs] prod
         deploy/web/crds/web.yaml:4 [CustomResourceDefinition webs] staging (not production)",
    );
}

#[test]
fn a_chart_that_asks_for_values_is_rendered_with_those_of_its_tests() {
    let chart = (
        "web/Chart.yaml",
        "apiVersion: v2\nname: web\nversion: 1.0.0\ndependencies:\n- name: db\n  version: 1.0.0\n  repository: https://example.com\n",
    );
    check(
        &[chart, ("web/templates/web.yaml", TEMPLATE), ("web/ci/a-values.yaml", "image: x/web:1\n")],
        "web/templates/web.yaml:4 Deployment/web -",
    );
    check(&[chart, ("web/templates/web.yaml", TEMPLATE)], "gap web/templates/web.yaml:11 required: image");
}
