//! A namespace with a service in it, and what a scenario does there.

use std::{
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use gonogo_actuators::{
    Driver as _,
    kubernetes::{Kubernetes, Settings, Strategy},
};
use gonogo_components::kubernetes::{READY_AFTER, custom, known};
use gonogo_domain::rollout::{Done, Percent, Release, Revision, Sight, Trouble};
use kube::{
    Api, Client,
    api::{DynamicObject, Patch, PatchParams, PostParams},
};
use serde_json::{Value, json};

/// Nothing here takes longer, on a machine that does much else too.
pub(crate) const PATIENCE: Duration = Duration::from_mins(1);

const EVERY: Duration = Duration::from_millis(60);

#[derive(Clone)]
pub(crate) struct Stage {
    /// Straight to the API server.
    pub(crate) client: Client,
    /// As the driver sees it.
    front: Client,
    pub(crate) namespace: String,
    kubeconfig: PathBuf,
}

/// A verb, so that one can be asked for until it has done what it should.
#[derive(Clone, Debug)]
pub(crate) enum Verb {
    Prepare(Release),
    Share(f64),
    Promote,
    Retire,
    Abort,
    Undo(Revision),
}

pub(crate) async fn call(driver: &mut Kubernetes, verb: &Verb) -> Result<Done, Trouble> {
    match verb {
        Verb::Prepare(release) => driver.prepare(release).await,
        Verb::Share(percent) => driver.set_share(self::percent(*percent)).await,
        Verb::Promote => driver.promote().await,
        Verb::Retire => driver.retire().await,
        Verb::Abort => driver.abort().await,
        Verb::Undo(to) => driver.undo(to).await,
    }
}

pub(crate) fn percent(number: f64) -> Percent {
    Percent::try_from(number).expect("a percentage")
}

/// An image by a digest of one digit.
pub(crate) fn image(digit: char) -> String {
    format!("example.test/app@sha256:{}", String::from(digit).repeat(64))
}

pub(crate) fn release(digit: char) -> Release {
    Release { revision: Revision(image(digit)), version: None, cause: format!("release {digit}"), parts: [].into() }
}

/// Asks for a verb, looks, and so on until it is so; says how long that took.
pub(crate) async fn until(driver: &mut Kubernetes, verb: &Verb, so: impl Fn(&Sight) -> bool) -> Duration {
    let begun = Instant::now();
    loop {
        let said = call(driver, verb).await.unwrap_or_else(|trouble| panic!("{verb:?}: {trouble}; {}", trouble.next));
        let sight = driver.observe().await.unwrap_or_else(|trouble| panic!("{verb:?}: {trouble}"));
        if so(&sight) {
            return begun.elapsed();
        }
        assert!(begun.elapsed() < PATIENCE, "{verb:?} said {said:?} and does not come true: {sight:#?}");
        tokio::time::sleep(EVERY).await;
    }
}

/// Asks for a verb until there is nothing left to do.
pub(crate) async fn settle(driver: &mut Kubernetes, verb: &Verb) {
    let begun = Instant::now();
    loop {
        match call(driver, verb).await {
            Ok(Done::AlreadySo) => return,
            Ok(Done::Changed(what)) => assert!(begun.elapsed() < PATIENCE, "{verb:?} never ends: {what}"),
            Err(trouble) => panic!("{verb:?}: {trouble}; {}", trouble.next),
        }
        tokio::time::sleep(EVERY).await;
    }
}

/// Looks until it is so.
pub(crate) async fn look(driver: &mut Kubernetes, so: impl Fn(&Sight) -> bool) -> Sight {
    let begun = Instant::now();
    loop {
        let sight = driver.observe().await.unwrap_or_else(|trouble| panic!("{trouble}; {}", trouble.next));
        if so(&sight) {
            return sight;
        }
        assert!(begun.elapsed() < PATIENCE, "does not come true: {sight:#?}");
        tokio::time::sleep(EVERY).await;
    }
}

pub(crate) async fn refused(driver: &mut Kubernetes, verb: &Verb, why: &str) {
    let trouble = call(driver, verb).await.expect_err("it is to be refused");
    assert!(trouble.what.contains(why), "{verb:?}: {trouble}");
    assert!(!trouble.next.is_empty(), "{verb:?}: {trouble} says no next step");
}

/// The canary has this share and is all there.
pub(crate) fn has_share(sight: &Sight, share: f64) -> bool {
    sight.share == Some(percent(share))
        && sight.canary.as_ref().is_some_and(|canary| canary.settled() && canary.ready > 0)
}

pub(crate) fn is_stable_at(sight: &Sight, digit: char, replicas: u32) -> bool {
    sight.stable.revision.0 == image(digit)
        && sight.stable.settled()
        && sight.stable.wanted == replicas
        && sight.stable.ready == replicas
}

#[expect(clippy::disallowed_methods, reason = "the lease is renewed while real programs run")]
fn now() -> jiff::Timestamp {
    jiff::Timestamp::now()
}

impl Stage {
    pub(crate) async fn set(client: &Client, kubeconfig: &Path, scenario: &str) -> Self {
        let name: String = scenario.rsplit("::").next().unwrap_or_default().replace('_', "-");
        let namespace: String = format!("{}-{name}", scenario.split("::").next().unwrap_or_default().trim());
        let namespace: String = namespace.chars().take(60).collect::<String>().trim_end_matches('-').to_owned();
        let namespaces: Api<DynamicObject> = Api::all_with(client.clone(), &known("Namespace"));
        let body = json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": namespace } });
        namespaces.create(&PostParams::default(), &serde_json::from_value(body).unwrap()).await.unwrap();
        let front = custom::client(kubeconfig).await.unwrap();
        Self { client: client.clone(), front, namespace, kubeconfig: kubeconfig.to_owned() }
    }

    pub(crate) fn driver(&self, strategy: Strategy) -> Kubernetes {
        self.driver_of(strategy, "somebody")
    }

    pub(crate) fn driver_of(&self, strategy: Strategy, holder: &str) -> Kubernetes {
        let settings = Settings {
            kubeconfig: Some(self.kubeconfig.clone()),
            context: None,
            namespace: Some(self.namespace.clone()),
            workload: "web".to_owned(),
            container: None,
            strategy,
            holder: holder.to_owned(),
        };
        Kubernetes::new(settings, now)
    }

    pub(crate) fn api(&self, kind: &str) -> Api<DynamicObject> {
        Api::namespaced_with(self.front.clone(), &self.namespace, &known(kind))
    }

    pub(crate) async fn create(&self, kind: &str, mut body: Value) {
        let api = self.api(kind);
        body["kind"] = json!(kind);
        body["apiVersion"] = json!(known(kind).api_version);
        api.create(&PostParams::default(), &serde_json::from_value(body).unwrap()).await.unwrap();
    }

    pub(crate) async fn get(&self, kind: &str, name: &str) -> Value {
        let found = self.api(kind).get_opt(name).await.unwrap();
        found.map_or(Value::Null, |found| serde_json::to_value(found).unwrap())
    }

    pub(crate) async fn patch(&self, kind: &str, name: &str, patch: &Value) {
        self.api(kind).patch(name, &PatchParams::default(), &Patch::Merge(patch)).await.unwrap();
    }

    /// A Service `web`, with a Deployment `web` of image 1 whose selector has these labels.
    pub(crate) async fn service(&self, replicas: u32, selector: &Value) {
        self.create("ConfigMap", json!({ "metadata": { "name": "web" }, "data": { "mode": "first" } })).await;
        self.create("Secret", json!({ "metadata": { "name": "web" }, "stringData": { "door": "first" } })).await;
        let service = json!({ "selector": { "app": "web" }, "ports": [{ "port": 80 }] });
        self.create("Service", json!({ "metadata": { "name": "web" }, "spec": service })).await;
        self.create("Deployment", deployment("web", replicas, selector)).await;
        self.complete("web", replicas).await;
    }

    /// The usual one: stable's selector tells its pods from others behind the Service.
    pub(crate) async fn tracked(&self, replicas: u32) {
        self.service(replicas, &json!({ "app": "web", "track": "stable" })).await;
    }

    pub(crate) async fn complete(&self, name: &str, replicas: u32) {
        let begun = Instant::now();
        loop {
            let found = self.get("Deployment", name).await;
            let generation = &found["metadata"]["generation"];
            let is_so = |key: &str| found["status"][key].as_u64().unwrap_or(0) == u64::from(replicas);
            if found["status"]["observedGeneration"] == *generation
                && ["replicas", "updatedReplicas", "availableReplicas"].into_iter().all(is_so)
            {
                return;
            }
            assert!(begun.elapsed() < PATIENCE, "{found:#}");
            tokio::time::sleep(EVERY).await;
        }
    }
}

/// A Deployment of image 1 that reads a `ConfigMap` and a Secret; its pods are ready a moment after they run.
pub(crate) fn deployment(name: &str, replicas: u32, selector: &Value) -> Value {
    json!({
        "metadata": { "name": name },
        "spec": {
            "replicas": replicas,
            "selector": { "matchLabels": selector },
            "template": template(selector),
        },
    })
}

pub(crate) fn template(labels: &Value) -> Value {
    json!({
        "metadata": { "labels": labels, "annotations": { READY_AFTER: "200" } },
        "spec": { "containers": [{
            "name": "app", "image": image('1'),
            "envFrom": [{ "configMapRef": { "name": "web" } }, { "secretRef": { "name": "web" } }],
        }] },
    })
}
