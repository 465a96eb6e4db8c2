//! Every change of the pods of a namespace, in the order in which the API server made it, so that no moment is missed
//! between two looks.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use futures_util::StreamExt as _;
use gonogo_components::kubernetes::known;
use kube::{
    Api, Client,
    api::{DynamicObject, ListParams, WatchEvent, WatchParams},
};
use serde_json::Value;
use tokio::task::JoinHandle;

/// The least and the most that there ever was.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Extremes {
    /// Ready, and not going.
    pub(crate) fewest_ready: usize,
    /// Not going.
    pub(crate) most: usize,
    pub(crate) changes: usize,
}

pub(crate) struct Watch {
    found: Arc<Mutex<Extremes>>,
    task: JoinHandle<()>,
}

#[derive(Default)]
struct Pods(BTreeMap<String, (bool, bool)>);

impl Pods {
    fn put(&mut self, pod: &DynamicObject) {
        let conditions = pod.data.pointer("/status/conditions").and_then(Value::as_array).into_iter().flatten();
        let is_ready = conditions.into_iter().any(|one| one["type"] == "Ready" && one["status"] == "True");
        let is_going = pod.metadata.deletion_timestamp.is_some();
        self.0.insert(pod.metadata.name.clone().unwrap_or_default(), (is_ready && !is_going, !is_going));
    }

    fn count(&self) -> (usize, usize) {
        let ready = self.0.values().filter(|(ready, _)| *ready).count();
        (ready, self.0.values().filter(|(_, there)| *there).count())
    }
}

impl Watch {
    /// Begins with what is there now.
    pub(crate) async fn begin(client: &Client, namespace: &str) -> Self {
        let api: Api<DynamicObject> = Api::namespaced_with(client.clone(), namespace, &known("Pod"));
        let list = api.list(&ListParams::default()).await.unwrap();
        let mut pods = Pods::default();
        list.items.iter().for_each(|pod| pods.put(pod));
        let (ready, all) = pods.count();
        let found = Arc::new(Mutex::new(Extremes { fewest_ready: ready, most: all, changes: 0 }));
        let version = list.metadata.resource_version.unwrap_or_default();
        let shared = Arc::clone(&found);
        let task = tokio::spawn(async move {
            let mut events = Box::pin(api.watch(&WatchParams::default().timeout(280), &version).await.unwrap());
            while let Some(event) = events.next().await {
                match event.unwrap() {
                    WatchEvent::Added(pod) | WatchEvent::Modified(pod) => pods.put(&pod),
                    WatchEvent::Deleted(pod) => drop(pods.0.remove(pod.metadata.name.as_deref().unwrap_or_default())),
                    WatchEvent::Bookmark(_) | WatchEvent::Error(_) => {}
                }
                let (ready, all) = pods.count();
                let mut found = shared.lock().unwrap();
                found.fewest_ready = found.fewest_ready.min(ready);
                found.most = found.most.max(all);
                found.changes += 1;
            }
        });
        Self { found, task }
    }

    /// What was seen so far, which must be something.
    pub(crate) fn so_far(&self) -> Extremes {
        assert!(!self.task.is_finished(), "the watch has ended early");
        *self.found.lock().unwrap()
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.task.abort();
    }
}
