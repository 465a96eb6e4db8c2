//! Objects of Argo Rollouts and Flagger through the binary. Their controllers do not run here: what is tried is what gonogo
//! writes, that it goes on when a controller answers, and that it goes back when none does.

use gonogo_components::kubernetes::READY_AFTER;
use serde_json::{Value, json};

use super::{
    stage::{Cluster, REPLICAS, Stage, Way, image},
    traffic::GOOD,
};
use crate::driven::Driven;

/// One gate that needs no canary, and short deadlines.
fn file(cluster: &Cluster, namespace: &str, strategy: &str) -> String {
    format!(
        r#"
name = "web"
every = "300ms"
warm_up = "300ms"
[release]
revision = "{release}"
[[step]]
share = 25
watch = "4s"
[after]
watch = "1s"
[deadlines]
ready = "8s"
promotion = "40s"
rollback = "40s"
[driver.kubernetes]
kubeconfig = "{kubeconfig}"
namespace = "{namespace}"
workload = "web"
strategy = "{strategy}"
[[gate]]
name = "well"
kind = "http"
url = "http://{users}/{namespace}"
"#,
        release = image(GOOD),
        kubeconfig = cluster.kubeconfig().display(),
        users = cluster.traffic.address,
    )
}

/// What the controller of Argo Rollouts makes of the present template: a ReplicaSet by this hash.
fn replica_set(stage: &Stage<'_>, hash: &str, number: u32) {
    let rollout = stage.get("Rollout", "web");
    let labels = json!({ "app": "web", "rollouts-pod-template-hash": hash });
    let mut template = rollout["spec"]["template"].clone();
    template["metadata"]["labels"] = labels.clone();
    let owner = json!({
        "apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "name": "web", "uid": rollout["metadata"]["uid"],
        "controller": true,
    });
    let metadata = json!({
        "name": format!("web-{hash}"), "labels": labels, "ownerReferences": [owner],
        "annotations": { "rollout.argoproj.io/revision": number.to_string() },
    });
    let spec = json!({ "replicas": REPLICAS, "selector": { "matchLabels": labels }, "template": template });
    stage.create("ReplicaSet", json!({ "metadata": metadata, "spec": spec }));
}

/// It says that this hash is stable, and this one the present.
fn argo_says(stage: &Stage<'_>, stable: &str, current: &str) {
    let generation = stage.get("Rollout", "web")["metadata"]["generation"].to_string();
    let status = json!({
        "observedGeneration": generation, "stableRS": stable, "currentPodHash": current, "promoteFull": null,
        "canary": { "weights": { "canary": { "weight": 0 } } },
    });
    stage.patch_status("Rollout", "web", &status);
}

fn image_of(object: &Value) -> &Value {
    &object["spec"]["template"]["spec"]["containers"][0]["image"]
}

pub(crate) fn argo_rollouts(cluster: &Cluster, name: &str) {
    let driven = Driven::new("web", "ann", &file(cluster, name, "argo-rollouts"));
    let stage = Stage::empty(cluster, name, Way::Rolling, driven);
    let labels = json!({ "app": "web" });
    let template = json!({
        "metadata": { "labels": labels, "annotations": { READY_AFTER: "100" } },
        "spec": { "containers": [{ "name": "app", "image": image('1') }] },
    });
    let steps = json!([{ "setWeight": 25 }, { "pause": {} }]);
    let spec = json!({
        "replicas": REPLICAS, "selector": { "matchLabels": labels }, "template": template,
        "strategy": { "canary": { "steps": steps, "trafficRouting": { "nginx": {} } } },
    });
    stage.create("Rollout", json!({ "metadata": { "name": "web" }, "spec": spec }));
    replica_set(&stage, "one", 1);
    argo_says(&stage, "one", "one");
    stage.until("the pods of stable have users", || cluster.traffic.met(&stage.namespace, '1').is_some());
    stage.until("all of stable is there", || stage.get("ReplicaSet", "web-one")["status"]["readyReplicas"] == REPLICAS);

    // The controller does not answer: what is asked for is never so, and goes back.
    let silent = stage.driven.run("start", &[]);
    assert_eq!(silent.code, 1, "{}{}", silent.out, silent.err);
    assert!(silent.out.contains("25 % was not reached within 8 s"), "{}", silent.out);
    let rollout = stage.get("Rollout", "web");
    assert_eq!((image_of(&rollout), &rollout["status"]["abort"]), (&json!(image(GOOD)), &json!(true)));
    assert!(stage.get("Lease", "gonogo-web").is_null(), "{}", stage.driven.told());

    // It answers a promotion. There is no canary after it, and the lease is given back all the same.
    let mut child = stage.driven.begin("start");
    stage.until("it is prepared again", || stage.get("Rollout", "web")["status"]["abort"] == false);
    assert!(stage.driven.reaches("step 0", &mut child), "{}", stage.driven.told());
    let asked = stage.driven.run("promote", &[]);
    assert_eq!(asked.code, 0, "{}{}", asked.out, asked.err);
    stage.until("it is asked to promote", || stage.get("Rollout", "web")["status"]["promoteFull"] == true);
    replica_set(&stage, "two", 2);
    stage.edit("ReplicaSet", "web-one", |set| set["spec"]["replicas"] = json!(0));
    argo_says(&stage, "two", "two");
    assert_eq!(child.wait().expect("it ends").code(), Some(0), "{}", stage.driven.told());
    assert_eq!(stage.driven.phase(), "promoted");
    assert!(stage.get("Lease", "gonogo-web").is_null(), "{}", stage.driven.told());
}

pub(crate) fn flagger(cluster: &Cluster, name: &str) {
    let driven = Driven::new("web", "ann", &file(cluster, name, "flagger"));
    let stage = Stage::empty(cluster, name, Way::Rolling, driven);
    for (name, replicas) in [("web", 1), ("web-primary", REPLICAS)] {
        let labels = json!({ "app": name });
        let template = json!({
            "metadata": { "labels": labels, "annotations": { READY_AFTER: "100" } },
            "spec": { "containers": [{ "name": "app", "image": image('1') }] },
        });
        let spec = json!({ "replicas": replicas, "selector": { "matchLabels": labels }, "template": template });
        stage.create("Deployment", json!({ "metadata": { "name": name }, "spec": spec }));
    }
    let spec = json!({
        "targetRef": { "apiVersion": "apps/v1", "kind": "Deployment", "name": "web" },
        "analysis": { "interval": "1m", "stepWeights": [25] },
    });
    stage.create("Canary", json!({ "metadata": { "name": "web" }, "spec": spec }));
    stage.patch_status("Canary", "web", &json!({ "phase": "Initialized", "canaryWeight": 0 }));
    stage.until("the primary is there", || {
        stage.get("Deployment", "web-primary")["status"]["availableReplicas"] == REPLICAS
            && cluster.traffic.met(&stage.namespace, '1').is_some()
    });
    let mut child = stage.driven.begin("start");
    stage.until("Flagger is held", || stage.get("Canary", "web")["spec"]["suspend"] == true);
    assert!(stage.driven.reaches("step 0", &mut child), "{}", stage.driven.told());
    assert_eq!(*image_of(&stage.get("Deployment", "web")), json!(image(GOOD)));
    stage.until("Flagger is let go", || stage.get("Canary", "web")["spec"]["suspend"] == false);
    stage.patch_status("Canary", "web", &json!({ "phase": "Progressing", "canaryWeight": 25 }));
    stage.until("Flagger is held where it is", || stage.get("Canary", "web")["spec"]["suspend"] == true);
    let aborted = stage.driven.run("abort", &["--why", "no appetite"]);
    assert_eq!(aborted.code, 0, "{}{}", aborted.out, aborted.err);
    assert_eq!(child.wait().expect("it ends").code(), Some(1), "{}", stage.driven.told());
    assert_eq!(*image_of(&stage.get("Deployment", "web")), json!(image('1')));
    assert_eq!(stage.get("Canary", "web")["spec"]["suspend"], false);
    assert!(stage.get("Lease", "gonogo-web").is_null(), "{}", stage.driven.told());
}
