//! A kubelet and a scheduler that are played: nodes are ready, pods are bound, run and become ready when their annotations say.
//!
//! It is a loop over the API that takes no input but what it reads there, so that it goes on after the API server was away.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use kube::{
    Api, Client,
    api::{ApiResource, DeleteParams, DynamicObject, ListParams, Patch, PatchParams, PostParams},
};
use serde_json::{Value, json};
use tokio::task::JoinHandle;

use super::known;

/// The annotation of a pod that says after how many milliseconds it is ready: a number, or `never`. Without it: at once.
pub const READY_AFTER: &str = "kubelet.test/ready-after";

/// The annotation of a pod that says how often its containers were restarted.
pub const RESTARTS: &str = "kubelet.test/restarts";

const NODE: &str = "played";

/// How often it looks. A pod passes through all its states within a few looks.
const EVERY: Duration = Duration::from_millis(40);

/// Plays as long as this lives.
#[derive(Debug)]
pub struct Kubelet(JoinHandle<()>);

impl Kubelet {
    /// Starts to play. Must be called within a runtime.
    pub fn play(client: Client) -> Self {
        Self(tokio::spawn(async move {
            let mut bound = BTreeMap::new();
            loop {
                // An API server that is away is asked again.
                let _ = look(&client, &mut bound).await;
                tokio::time::sleep(EVERY).await;
            }
        }))
    }
}

impl Drop for Kubelet {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// One look at all pods; `bound` holds since when each runs.
async fn look(client: &Client, bound: &mut BTreeMap<String, Instant>) -> Result<(), kube::Error> {
    let resource = known("Pod");
    let all: Api<DynamicObject> = Api::all_with(client.clone(), &resource);
    let pods = all.list(&ListParams::default().match_any()).await?;
    bound.retain(|uid, _| pods.items.iter().any(|pod| pod.metadata.uid.as_ref() == Some(uid)));
    if !pods.items.is_empty() {
        ensure_node(client).await?;
    }
    for pod in &pods.items {
        // One pod that was deleted meanwhile does not keep the others waiting.
        let _ = tend(client, &resource, pod, bound).await;
    }
    Ok(())
}

async fn ensure_node(client: &Client) -> Result<(), kube::Error> {
    let nodes: Api<DynamicObject> = Api::all_with(client.clone(), &known("Node"));
    if nodes.get_opt(NODE).await?.is_none() {
        let node = json!({ "apiVersion": "v1", "kind": "Node", "metadata": { "name": NODE } });
        nodes.create(&PostParams::default(), &serde_json::from_value(node).map_err(kube::Error::SerdeError)?).await?;
        let status = json!({ "status": { "conditions": [{ "type": "Ready", "status": "True", "reason": "Played" }] } });
        nodes.patch_status(NODE, &PatchParams::default(), &Patch::Merge(&status)).await?;
    }
    Ok(())
}

/// What one pod needs next.
async fn tend(
    client: &Client,
    resource: &ApiResource,
    pod: &DynamicObject,
    bound: &mut BTreeMap<String, Instant>,
) -> Result<(), kube::Error> {
    let (Some(name), Some(namespace), Some(uid)) = (&pod.metadata.name, &pod.metadata.namespace, &pod.metadata.uid)
    else {
        return Ok(());
    };
    let api: Api<DynamicObject> = Api::namespaced_with(client.clone(), namespace, resource);
    if pod.metadata.deletion_timestamp.is_some() {
        api.delete(name, &DeleteParams::default().grace_period(0)).await?;
        return Ok(());
    }
    if pod.data.pointer("/spec/nodeName").is_none() {
        return bind(&api, name).await;
    }
    let since = *bound.entry(uid.clone()).or_insert_with(Instant::now);
    let annotation = |key: &str| pod.metadata.annotations.as_ref().and_then(|annotations| annotations.get(key));
    let ready = match annotation(READY_AFTER).map(String::as_str) {
        Some("never") => false,
        after => {
            let after = after.and_then(|after| after.parse().ok()).unwrap_or(0);
            since.elapsed() >= Duration::from_millis(after)
        }
    };
    let restarts = annotation(RESTARTS).and_then(|restarts| restarts.parse::<u32>().ok()).unwrap_or(0);
    let status = pod.data.get("status");
    let is_ready = status.is_some_and(says_ready);
    let is_running = status.and_then(|status| status.get("phase")).is_some_and(|phase| phase == "Running");
    if is_running && is_ready == ready {
        return Ok(());
    }
    let status = json!({ "status": running(pod, ready, restarts) });
    api.patch_status(name, &PatchParams::default(), &Patch::Merge(&status)).await?;
    Ok(())
}

async fn bind(api: &Api<DynamicObject>, name: &str) -> Result<(), kube::Error> {
    let binding = json!({
        "apiVersion": "v1", "kind": "Binding", "metadata": { "name": name },
        "target": { "apiVersion": "v1", "kind": "Node", "name": NODE },
    });
    api.create_subresource::<Value, Value>("binding", name, &PostParams::default(), &binding).await?;
    Ok(())
}

fn says_ready(status: &Value) -> bool {
    let conditions = status.get("conditions").and_then(Value::as_array);
    conditions.is_some_and(|conditions| {
        conditions.iter().any(|condition| condition["type"] == "Ready" && condition["status"] == "True")
    })
}

/// The status of a pod that runs.
#[expect(clippy::disallowed_methods, reason = "a kubelet stamps what it sees with the time at which it saw it")]
fn running(pod: &DynamicObject, ready: bool, restarts: u32) -> Value {
    let now = jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    let truth = if ready { "True" } else { "False" };
    let condition = |kind: &str, status: &str| json!({ "type": kind, "status": status, "lastTransitionTime": now });
    let containers = pod.data.pointer("/spec/containers").and_then(Value::as_array).cloned().unwrap_or_default();
    let containers: Vec<Value> = containers
        .iter()
        .map(|container| {
            json!({
                "name": container["name"], "image": container["image"], "imageID": container["image"],
                "ready": ready, "started": true, "restartCount": restarts, "state": { "running": { "startedAt": now } },
            })
        })
        .collect();
    json!({
        "phase": "Running",
        "startTime": now,
        "podIP": "10.0.0.1",
        "conditions": [
            condition("Initialized", "True"),
            condition("PodScheduled", "True"),
            condition("ContainersReady", truth),
            condition("Ready", truth),
        ],
        "containerStatuses": containers,
    })
}
