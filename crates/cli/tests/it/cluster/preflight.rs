//! `gonogo preflight` in a cluster: keys by their names, and what the driver sees of the way back.

use std::fs;

use serde_json::{Value, json};

use super::stage::{Cluster, Stage, Way, image};
use crate::support::{gonogo, run};

/// The items of these questions, by the rollout file of this stage.
fn asked(stage: &Stage<'_>, key: &str) -> Vec<Value> {
    let folder = stage.driven.folder();
    let configuration = format!(
        "[service.shop]\npath = \".\"\nclass = \"server\"\n[service.shop.preflight]\nkeys = [\"{key}\"]\n\
         rollout = \"rollout.toml\"\n"
    );
    fs::write(folder.join("gonogo.toml"), configuration).expect("a file can be written");
    let mut command = gonogo();
    command.arg("preflight").arg(folder).args(["--only", "keys,rollback", "--json"]);
    let ran = run(&mut command);
    assert!(!ran.out.contains("ajar"), "a value is shown: {}", ran.out);
    let report: Value = serde_json::from_str(&ran.out).unwrap_or_else(|_| panic!("{}{}", ran.out, ran.err));
    report["items"].as_array().expect("items").clone()
}

#[track_caller]
fn check_key(stage: &Stage<'_>, key: &str, verdict: &str, said: &str) {
    let items = asked(stage, key);
    let item = items.iter().find(|item| item["id"] == "keys").expect("it was asked");
    let text = format!("{} | {}", item["told"]["en"], item["settle"]["en"]);
    assert!(item["verdict"] == verdict && text.contains(said), "{key}: {item:#}");
}

#[track_caller]
fn check_driver(stage: &Stage<'_>, verdict: &str, said: &str) {
    let items = asked(stage, "DOOR");
    let item = items.iter().find(|item| item["subject"] == "deployment/web").expect("it was asked");
    let text = format!("{} | {}", item["told"]["en"], item["settle"]["en"]);
    assert!(item["verdict"] == verdict && text.contains(said), "{item:#}");
}

pub(crate) fn keys_and_the_way_back(cluster: &Cluster, name: &str) {
    let stage = Stage::set(cluster, name, Way::Replicas, '2');
    let secret = json!({ "DOOR": "ajar", "HOLLOW": "" });
    stage.create("Secret", json!({ "metadata": { "name": "keys" }, "stringData": secret }));
    let named = |name: &str, secret: &str, key: &str| json!({ "name": name, "valueFrom": { "secretKeyRef": { "name": secret, "key": key, "optional": true } } });
    let variables = [
        named("CLAY_API_KEY", "keys", "DOOR"),
        named("EMPTY", "keys", "HOLLOW"),
        named("ELSEWHERE", "keys", "WINDOW"),
        named("NOWHERE", "vault", "DOOR"),
        json!({ "name": "MODE", "value": "plain" }),
    ];
    stage.edit("Deployment", "web", |object| {
        object["spec"]["template"]["spec"]["containers"][0]["env"] = json!(variables);
    });
    stage.until("it is there", || stage.is_complete('1'));

    check_key(&stage, "DOOR", "ready", "1 of 1 keys are in the cluster: DOOR in secret/web");
    check_key(&stage, "CLAY_API_KEY", "ready", "CLAY_API_KEY in secret/keys");
    check_key(&stage, "MODE", "ready", "MODE in the manifest");
    check_key(&stage, "EMPTY", "not-ready", "EMPTY is empty in secret/keys");
    check_key(&stage, "ELSEWHERE", "not-ready", "secret/keys has no ELSEWHERE");
    check_key(&stage, "NOWHERE", "not-ready", "secret/vault, which should hold NOWHERE, does not exist");
    check_key(&stage, "OTHER", "not-ready", "secret/web has no OTHER");

    check_driver(&stage, "ready", "stable runs app@111111111111, 3 of 3 ready");
    let tracked = json!("shop:apps/Deployment:prod/web");
    stage.edit("Deployment", "web", |object| {
        object["metadata"]["annotations"]["argocd.argoproj.io/tracking-id"] = tracked.clone();
    });
    check_driver(&stage, "unknown", "Argo CD (application/shop) keeps it as it is in git and may undo a rollback");
    stage.edit("Deployment", "web", |object| {
        object["metadata"]["annotations"] = json!({});
        object["spec"]["template"]["metadata"]["annotations"]["kubelet.test/ready-after"] = json!("never");
    });
    check_driver(&stage, "not-ready", "what a rollback goes back to is not well");
    stage.edit("Deployment", "web", |object| {
        object["spec"]["template"]["metadata"]["annotations"]["kubelet.test/ready-after"] = json!("100");
        object["spec"]["template"]["spec"]["containers"][0]["image"] = json!(image('2'));
    });
    stage.until("it is there", || stage.is_complete('2'));
    check_driver(&stage, "ready", "app@111111111111 can be brought back");
    let file = fs::read_to_string(stage.driven.path()).expect("it is there");
    fs::write(stage.driven.path(), file.replace("workload = \"web\"", "workload = \"shop\""))
        .expect("it can be written");
    let items = asked(&stage, "DOOR");
    let item = items.iter().find(|item| item["subject"] == "deployment/shop").expect("it was asked");
    assert!(item["verdict"] == "not-ready" && item.to_string().contains("there is no such object"), "{item:#}");
}
