//! What cannot be built, where values come from, and input that means harm.

use std::{fmt::Write as _, sync::Arc};

use super::{
    super::{Build, Files as _, build, roots},
    Memory,
};

const WEB: &str = "apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  template:
    spec:
      containers:
      - name: web
        image: web:1
        env:
        - name: LEVEL
          value: info
";

fn built(files: &[(&str, &str)], directory: &str) -> Build {
    build(&Memory::new(files), directory)
}

fn check(files: &[(&str, &str)], directory: &str, expected: &[&str]) {
    let build = built(files, directory);
    let found: Vec<_> = build.problems.iter().map(|problem| format!("{}: {}", problem.place, problem.reason)).collect();
    assert_eq!(found, expected);
}

/// Where the value at a path of the first object was written.
fn check_place(files: &[(&str, &str)], directory: &str, pointer: &[&str], expected: (&str, &str)) {
    let build = built(files, directory);
    assert_eq!(build.problems, []);
    let object = build.objects.first().expect("an object");
    let node = pointer.iter().fold(object.as_ref(), |node, key| match key.parse::<usize>() {
        Ok(index) => node.items().get(index).expect("an item"),
        Err(_) => node.get(key).expect("a key"),
    });
    assert_eq!((node.place.to_string().as_str(), node.str().unwrap_or_default()), expected);
}

#[test]
fn what_is_remote_missing_or_outside_is_named_with_its_line() {
    check(
        &[(
            "kustomization.yaml",
            "resources:\n- https://example.org/base.yaml\n- github.com/org/repo//deploy?ref=v1\n- git@example.org:a/b\n- gone.yaml\n- ../..\n- /etc\ncomponents:\n- absent\n",
        )],
        ".",
        &[
            "kustomization.yaml:2: remote base https://example.org/base.yaml is not fetched",
            "kustomization.yaml:3: remote base github.com/org/repo//deploy?ref=v1 is not fetched",
            "kustomization.yaml:4: remote base git@example.org:a/b is not fetched",
            "kustomization.yaml:5: gone.yaml is not in the repository",
            "kustomization.yaml:6: ../.. is outside the repository",
            "kustomization.yaml:7: /etc is outside the repository",
            "kustomization.yaml:9: absent is not in the repository",
        ],
    );
}

#[test]
fn a_circle_is_a_problem_where_it_closes() {
    check(
        &[("a/kustomization.yaml", "resources: [../b]"), ("b/kustomization.yaml", "resources: [../a]")],
        "a",
        &["b/kustomization.yaml:1: a includes itself"],
    );
}

#[test]
fn parts_that_fit_nothing_are_problems() {
    check(
        &[
            ("web.yaml", WEB),
            (
                "kustomization.yaml",
                "resources: [web.yaml, web.yaml]\nimage: []\nreplicas:\n- {name: other, count: 1}\npatches:\n- patch: |-\n    apiVersion: apps/v1\n    kind: Deployment\n    metadata: {name: other}\n- target: {kind: \"(\"}\n  patch: '[]'\n- target: {kind: Deployment}\n  patch: |-\n    - op: remove\n      path: /spec/nothing\n",
            ),
        ],
        ".",
        &[
            "kustomization.yaml:2: kustomize knows no field `image`",
            "kustomization.yaml:4: no object named other has replicas",
            "kustomization.yaml:7: the patch fits no object: Deployment other",
            "kustomization.yaml:10: `kind` is no regular expression",
            "kustomization.yaml:14: the patch finds nothing at `/spec/nothing`",
            "web.yaml:1: Deployment web is there twice in one kustomization",
        ],
    );
}

#[test]
fn plugins_and_charts_that_nobody_renders_are_problems() {
    check(
        &[
            ("plugin.yaml", "apiVersion: example.org/v1\nkind: Plugin\nmetadata: {name: p}"),
            (
                "kustomization.yaml",
                "generators: [plugin.yaml]\ntransformers: [plugin.yaml]\nvalidators:\n- plugin.yaml\nhelmCharts:\n- {name: far, repo: 'https://example.org'}\nopenapi: {path: schema.json}\n",
            ),
        ],
        ".",
        &[
            "kustomization.yaml:4: the validator is a plugin and is not run",
            "kustomization.yaml:6: Helm chart far is not rendered",
            "kustomization.yaml:7: `openapi` is not read: lists of its custom kinds are replaced, not merged",
            "plugin.yaml:1: generator Plugin is a plugin and is not run",
            "plugin.yaml:1: transformer Plugin is a plugin and is not run",
        ],
    );
}

#[test]
fn a_chart_that_is_rendered_takes_part_in_the_build() {
    let files = [
        ("charts/near/Chart.yaml", "name: near"),
        ("kustomization.yaml", "namePrefix: x-\nhelmCharts:\n- {name: near, releaseName: mine}\n"),
    ];
    check_place(&files, ".", &["metadata", "name"], ("charts/near:3", "x-mine"));
}

#[test]
fn a_flux_object_and_a_misplaced_component_are_no_bases() {
    check(
        &[
            ("flux/kustomization.yaml", "apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\nspec: {}"),
            ("part/kustomization.yaml", "kind: Component\nnamePrefix: a-"),
            ("base/kustomization.yaml", "namePrefix: a-"),
            ("kustomization.yaml", "resources:\n- flux\n- part\ncomponents:\n- base\n"),
        ],
        ".",
        &[
            "flux/kustomization.yaml:1: this is no kustomization of kustomize",
            "kustomization.yaml:3: part is a component; it belongs under `components`",
            "kustomization.yaml:5: base is no component; it belongs under `resources`",
        ],
    );
}

const OVERLAY: &[(&str, &str)] = &[
    ("base/kustomization.yaml", "resources: [web.yaml]"),
    ("base/web.yaml", WEB),
    (
        "over/kustomization.yaml",
        "resources: [../base]
namespace: live
namePrefix: p-
images:
- name: web
  newName: mirror/web
  newTag: \"2\"
replicas:
- {name: web,
   count: 3}
commonLabels:
  team: shop
patches:
- patch: |-
    apiVersion: apps/v1
    kind: Deployment
    metadata: {name: web}
    spec:
      paused: true
- path: env.yaml
- target: {kind: Deployment}
  patch: '[{\"op\": \"add\", \"path\": \"/spec/minReadySeconds\", \"value\": 5}]'
",
    ),
    (
        "over/env.yaml",
        "apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  template:
    spec:
      containers:
      - name: web
        env:
        - name: LEVEL
          value: debug
",
    ),
];

#[test]
fn values_lead_to_the_line_that_a_person_edits() {
    let container = ["spec", "template", "spec", "containers", "0"];
    for (pointer, expected) in [
        (vec!["metadata", "name"], ("base/web.yaml:4", "p-web")),
        (vec!["metadata", "namespace"], ("over/kustomization.yaml:2", "live")),
        (vec!["metadata", "labels", "team"], ("over/kustomization.yaml:12", "shop")),
        (vec!["spec", "replicas"], ("over/kustomization.yaml:10", "3")),
        (vec!["spec", "paused"], ("over/kustomization.yaml:19", "true")),
        (vec!["spec", "minReadySeconds"], ("over/kustomization.yaml:22", "5")),
        ([&container[..], &["name"]].concat(), ("over/env.yaml:8", "web")),
        ([&container[..], &["image"]].concat(), ("over/kustomization.yaml:7", "mirror/web:2")),
        ([&container[..], &["env", "0", "value"]].concat(), ("over/env.yaml:11", "debug")),
    ] {
        check_place(OVERLAY, "over", &pointer, expected);
    }
}

#[test]
fn a_build_names_what_it_read_and_included() {
    let build = built(OVERLAY, "./over/");
    let used: Vec<_> = build.used.iter().map(AsRef::as_ref).collect();
    assert_eq!(used, ["base/kustomization.yaml", "base/web.yaml", "over/env.yaml", "over/kustomization.yaml"]);
    assert_eq!(build.bases.into_iter().collect::<Vec<_>>(), ["base"]);
    assert_eq!(build.components.len(), 0);
}

#[test]
fn objects_that_nothing_changes_are_shared_with_their_file() {
    let files = Memory::new(&[("kustomization.yaml", "resources: [web.yaml]"), ("web.yaml", WEB)]);
    let build = build(&files, ".");
    assert_eq!(build.objects.len(), 1);
    let documents = files.parse("web.yaml").expect("it was read");
    let pair = build.objects.first().zip(documents.first());
    assert!(pair.is_some_and(|(built, written)| Arc::ptr_eq(built, written)));
}

#[test]
fn roots_are_what_nothing_includes() {
    let files = Memory::new(&[
        ("base/kustomization.yaml", "resources: []"),
        ("part/kustomization.yaml", "kind: Component"),
        ("one/kustomization.yaml", "resources: [../base]\ncomponents: [../part]"),
        ("two/Kustomization", "bases: [../base/]"),
        ("flux/kustomization.yaml", "apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization"),
    ]);
    let roots = roots(&files, ["base", "part", "one", "two", "flux"]);
    assert_eq!(roots.top.iter().collect::<Vec<_>>(), ["one", "two"]);
    assert_eq!(roots.components.iter().collect::<Vec<_>>(), ["part"]);
    let includers = roots.included_by.get("base").expect("base is included");
    assert_eq!(includers.iter().collect::<Vec<_>>(), ["one", "two"]);
}

#[test]
fn element_orders_are_ignored_and_deletions_of_nothing_add_nothing() {
    let patch = "apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  absent: null
  template:
    spec:
      $setElementOrder/containers: [{name: web}]
      containers:
      - name: other
        $patch: delete
      volumes:
      - name: other
        $patch: delete
";
    let files = [
        ("kustomization.yaml", "resources: [web.yaml]\npatches: [{path: p.yaml}]"),
        ("web.yaml", WEB),
        ("p.yaml", patch),
    ];
    let build = built(&files, ".");
    assert_eq!(build.problems, []);
    let object = build.objects.first().expect("an object");
    let pod = object.at("spec.template.spec").expect("a pod");
    let keys: Vec<_> = pod.entries().iter().map(|entry| (entry.key.as_str(), entry.node.items().len())).collect();
    assert_eq!(keys, [("containers", 1), ("volumes", 0)]);
    assert!(object.at("spec.absent").is_none());
}

#[test]
fn bases_that_double_at_every_level_end() {
    let mut texts = Vec::new();
    for level in 0..30 {
        let mut text = format!("namePrefix: l{level}-\nresources:\n");
        for twin in ["a", "b"] {
            _ = writeln!(text, "- ../{twin}{}", level + 1);
        }
        texts.push((format!("a{level}/kustomization.yaml"), text.clone()));
        texts.push((format!("b{level}/kustomization.yaml"), text));
    }
    let files: Vec<(&str, &str)> = texts.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    assert!(built(&files, "a0").problems.iter().any(|problem| problem.reason.contains("too often")));
}

#[test]
fn patches_that_feed_on_themselves_end() {
    let mut copies = String::from("resources: [web.yaml]\npatches:\n- target: {kind: Deployment}\n  patch: |-\n");
    for index in 0..200 {
        _ = writeln!(copies, "    - {{op: copy, from: /spec, path: /spec/s{index}}}");
    }
    let mut texts = String::from("resources: [web.yaml]\nreplacements:\n");
    for _ in 0..25 {
        texts += "- source: {kind: Deployment, name: web, fieldPath: spec.template.spec.containers.0.image}\n  targets:\n  - select: {kind: Deployment}\n    fieldPaths: [spec.template.spec.containers.0.image]\n    options: {delimiter: ':', index: 9999}\n";
    }
    for (kustomization, reason) in [(copies, "copies too much"), (texts, "grows too long")] {
        let build = built(&[("kustomization.yaml", &kustomization), ("web.yaml", WEB)], ".");
        assert!(build.problems.iter().any(|problem| problem.reason.contains(reason)), "{:?}", build.problems);
    }
}
