//! What is played behaves as what it stands for.

use std::time::{Duration, Instant};

use gonogo_components::kubernetes::{ControlPlane, Kubelet, READY_AFTER, known};
use kube::{
    Api, Client,
    api::{DynamicObject, PostParams},
};
use serde_json::json;

fn deployments(client: &Client) -> Api<DynamicObject> {
    Api::namespaced_with(client.clone(), "default", &known("Deployment"))
}

fn deployment(name: &str, replicas: u32, ready_after: &str) -> DynamicObject {
    let value = json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": { "name": name },
        "spec": {
            "replicas": replicas,
            "selector": { "matchLabels": { "app": name } },
            "template": {
                "metadata": { "labels": { "app": name }, "annotations": { READY_AFTER: ready_after } },
                "spec": { "containers": [{ "name": "app", "image": "example.test/app:1" }] },
            },
        },
    });
    serde_json::from_value(value).expect("it is written as the API wants it")
}

/// Waits until as many replicas of a Deployment are ready.
async fn ready(api: &Api<DynamicObject>, name: &str, replicas: u32) -> Duration {
    let begun = Instant::now();
    loop {
        let found = api.get(name).await.map(|found| found.data["status"].clone()).unwrap_or_default();
        if found["readyReplicas"].as_u64().unwrap_or(0) == u64::from(replicas) && found["replicas"] == replicas {
            return begun.elapsed();
        }
        assert!(begun.elapsed() < Duration::from_mins(1), "{name}: {found}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn pods_run_when_they_should_and_all_goes_on_after_the_api_server_was_killed() {
    let mut plane = ControlPlane::start().await.unwrap();
    let client = plane.client().await.unwrap();
    let _kubelet = Kubelet::play(client.clone());
    let api = deployments(&client);
    api.create(&PostParams::default(), &deployment("quick", 3, "0")).await.unwrap();
    api.create(&PostParams::default(), &deployment("slow", 1, "1500")).await.unwrap();
    api.create(&PostParams::default(), &deployment("broken", 1, "never")).await.unwrap();
    ready(&api, "quick", 3).await;
    ready(&api, "slow", 1).await;
    assert!(api.get("broken").await.unwrap().data["status"]["readyReplicas"].is_null());

    plane.kill_api_server();
    assert!(api.get("quick").await.is_err());
    plane.start_api_server().await.unwrap();
    api.create(&PostParams::default(), &deployment("later", 2, "0")).await.unwrap();
    ready(&api, "later", 2).await;
}
