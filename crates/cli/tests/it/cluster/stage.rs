//! A control plane with everything beside it that a rollout asks, and namespaces with a service each.

use std::{
    path::{Path, PathBuf},
    sync::Mutex,
    thread,
    time::{Duration, Instant},
};

use gonogo_components::{
    kubernetes::{ControlPlane, Kubelet, READY_AFTER, custom, known},
    prometheus::Prometheus,
};
use kube::{
    Api, Client,
    api::{DeleteParams, DynamicObject, Patch, PatchParams, PostParams},
};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use super::traffic::Traffic;
use crate::{driven::Driven, slo::server::scraping};

pub(crate) const PATIENCE: Duration = Duration::from_mins(1);

/// Replicas of every service here: a quarter and a half of its traffic can be reached exactly.
pub(crate) const REPLICAS: u32 = 3;

pub(crate) struct Cluster {
    runtime: Runtime,
    plane: Mutex<ControlPlane>,
    client: Client,
    kubeconfig: PathBuf,
    _kubelet: Kubelet,
    pub(crate) traffic: Traffic,
    prometheus: Mutex<Prometheus>,
}

/// In which way the traffic is shared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    Replicas,
    Routes,
    Rolling,
}

/// An image by a digest of one digit.
pub(crate) fn image(digit: char) -> String {
    format!("example.test/app@sha256:{}", String::from(digit).repeat(64))
}

impl Cluster {
    pub(crate) fn start() -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
        let runtime = runtime.expect("a runtime is made");
        let (plane, client, kubeconfig) = runtime.block_on(async {
            let mut plane = ControlPlane::start().await.expect("a control plane starts");
            let kubeconfig = custom::define(&mut plane).await.expect("the kinds of others are served");
            let client = custom::client(&kubeconfig).await.expect("its kubeconfig is read");
            (plane, client, kubeconfig)
        });
        let guard = runtime.enter();
        let kubelet = Kubelet::play(client.clone());
        let traffic = Traffic::begin(client.clone());
        drop(guard);
        let prometheus = Mutex::new(scraping(&traffic.address));
        Self { runtime, plane: Mutex::new(plane), client, kubeconfig, _kubelet: kubelet, traffic, prometheus }
    }

    pub(crate) fn kubeconfig(&self) -> &Path {
        &self.kubeconfig
    }

    /// The API server is killed, this is done meanwhile, and it is started again.
    pub(crate) fn without_api_server(&self, meanwhile: impl FnOnce()) {
        let mut plane = self.plane.lock().expect("nobody panics with it");
        plane.kill_api_server();
        meanwhile();
        self.runtime.block_on(plane.start_api_server()).expect("it starts again");
    }

    /// Prometheus is killed, this is done meanwhile, and it is started again.
    pub(crate) fn without_prometheus(&self, meanwhile: impl FnOnce()) {
        let mut prometheus = self.prometheus.lock().expect("nobody panics with it");
        prometheus.kill();
        meanwhile();
        prometheus.start_again().expect("Prometheus starts again");
    }

    pub(crate) fn prometheus(&self) -> String {
        self.prometheus.lock().expect("nobody panics with it").url()
    }

    /// Runs all of them, so many at once, and fails with the names of those that failed. `GONOGO_SCENARIO` leaves those
    /// whose names have it.
    pub(crate) fn play(&self, scenarios: &[(&str, &Scenario)]) {
        let only = std::env::var("GONOGO_SCENARIO").unwrap_or_default();
        let scenarios: Vec<_> = scenarios.iter().filter(|(name, _)| name.contains(&only)).collect();
        let mut failed = Vec::new();
        for some in scenarios.chunks(AT_ONCE) {
            thread::scope(|scope| {
                let running: Vec<_> =
                    some.iter().map(|(name, scenario)| (name, scope.spawn(move || scenario(self, name)))).collect();
                failed.extend(running.into_iter().filter_map(|(name, one)| one.join().is_err().then_some(*name)));
            });
        }
        assert!(failed.is_empty(), "failed: {}", failed.join(", "));
    }
}

/// What is done in a namespace of this name.
pub(crate) type Scenario = dyn Fn(&Cluster, &str) + Sync;

/// More would only wait for each other on two cores.
const AT_ONCE: usize = 9;

/// One service in a namespace of its own, and a gonogo that rolls it out.
pub(crate) struct Stage<'a> {
    pub(crate) cluster: &'a Cluster,
    pub(crate) namespace: String,
    pub(crate) way: Way,
    pub(crate) driven: Driven,
}

impl<'a> Stage<'a> {
    /// Image 1 runs and has traffic; `release` is the digit of what is to be rolled out.
    pub(crate) fn set(cluster: &'a Cluster, scenario: &str, way: Way, release: char) -> Self {
        Self::with(cluster, scenario, way, |file| file.replace(&image('0'), &image(release)))
    }

    /// The same with another rollout file; the usual one has image 0 in the place of the release.
    pub(crate) fn with(cluster: &'a Cluster, scenario: &str, way: Way, change: impl FnOnce(String) -> String) -> Self {
        let namespace = scenario.replace(['_', ' '], "-");
        let driven = Driven::new("web", "ann", &change(file(cluster, &namespace, way)));
        let stage = Self::empty(cluster, &namespace, way, driven);
        let labels = match way {
            Way::Replicas => json!({ "app": "web", "track": "stable" }),
            Way::Routes | Way::Rolling => json!({ "app": "web" }),
        };
        stage.create("Secret", json!({ "metadata": { "name": "web" }, "stringData": { "DOOR": "first" } }));
        if way == Way::Routes {
            let rules = json!([{ "backendRefs": [{ "name": "web", "port": 80 }] }]);
            stage.create("HTTPRoute", json!({ "metadata": { "name": "web" }, "spec": { "rules": rules } }));
        }
        let container = json!({ "name": "app", "image": image('1'), "envFrom": [{ "secretRef": { "name": "web" } }] });
        let template = json!({
            "metadata": { "labels": labels, "annotations": { READY_AFTER: "200" } }, "spec": { "containers": [container] },
        });
        let spec = json!({ "replicas": REPLICAS, "selector": { "matchLabels": labels }, "template": template });
        stage.create("Deployment", json!({ "metadata": { "name": "web" }, "spec": spec }));
        stage.until("the service is there and has users", || {
            stage.is_complete('1') && stage.cluster.traffic.met(&stage.namespace, '1').is_some()
        });
        stage
    }

    /// A namespace with nothing in it but a Service for pods with the label `app: web`.
    pub(crate) fn empty(cluster: &'a Cluster, namespace: &str, way: Way, driven: Driven) -> Self {
        let stage = Self { cluster, namespace: namespace.to_owned(), way, driven };
        stage.make_namespace();
        let service = json!({ "selector": { "app": "web" }, "ports": [{ "port": 80 }] });
        stage.create("Service", json!({ "metadata": { "name": "web" }, "spec": service }));
        stage
    }

    fn namespaces(&self) -> Api<DynamicObject> {
        Api::all_with(self.cluster.client.clone(), &known("Namespace"))
    }

    fn make_namespace(&self) {
        let body = json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": self.namespace } });
        let api = self.namespaces();
        let body = serde_json::from_value(body).expect("it is an object");
        self.cluster.runtime.block_on(api.create(&PostParams::default(), &body)).expect("a namespace is made");
    }

    fn api(&self, kind: &str) -> Api<DynamicObject> {
        Api::namespaced_with(self.cluster.client.clone(), &self.namespace, &known(kind))
    }

    pub(crate) fn create(&self, kind: &str, mut body: Value) {
        body["kind"] = json!(kind);
        body["apiVersion"] = json!(known(kind).api_version);
        let body = serde_json::from_value(body).expect("it is an object");
        let made = self.api(kind);
        self.cluster.runtime.block_on(made.create(&PostParams::default(), &body)).expect("it is made");
    }

    /// Nothing where there is no such object.
    pub(crate) fn get(&self, kind: &str, name: &str) -> Value {
        let api = self.api(kind);
        let found = self.cluster.runtime.block_on(api.get_opt(name)).expect("it can be read");
        found.map_or(Value::Null, |found| serde_json::to_value(found).expect("it is JSON"))
    }

    pub(crate) fn patch_status(&self, kind: &str, name: &str, status: &Value) {
        let (api, parameters, patch) = (self.api(kind), PatchParams::default(), json!({ "status": status }));
        let patch = Patch::Merge(&patch);
        let patched = api.patch_status(name, &parameters, &patch);
        self.cluster.runtime.block_on(patched).expect("its status is patched");
    }

    /// Changes an object as somebody with an editor does.
    pub(crate) fn edit(&self, kind: &str, name: &str, change: impl Fn(&mut Value)) {
        let api = self.api(kind);
        self.until("nobody else writes it between", || {
            let mut object = self.get(kind, name);
            change(&mut object);
            let object = serde_json::from_value(object).expect("it is an object");
            self.cluster.runtime.block_on(api.replace(name, &PostParams::default(), &object)).is_ok()
        });
    }

    #[track_caller]
    pub(crate) fn until(&self, what: &str, so: impl Fn() -> bool) {
        let begun = Instant::now();
        while !so() {
            assert!(begun.elapsed() < PATIENCE, "{}: {what}: {}", self.namespace, self.driven.told());
            thread::sleep(Duration::from_millis(40));
        }
    }

    /// Every replica runs this image and is available, and no other is left.
    pub(crate) fn is_complete(&self, digit: char) -> bool {
        let found = self.get("Deployment", "web");
        let is_so = |key: &str| found["status"][key].as_u64().unwrap_or(0) == u64::from(REPLICAS);
        found["status"]["observedGeneration"] == found["metadata"]["generation"]
            && found["spec"]["replicas"] == REPLICAS
            && found["spec"]["template"]["spec"]["containers"][0]["image"] == image(digit)
            && ["replicas", "updatedReplicas", "availableReplicas"].into_iter().all(is_so)
    }

    /// It ended in this phase, this image serves, and of what a rollout makes nothing is left.
    #[track_caller]
    pub(crate) fn assert_ended(&self, phase: &str, digit: char) {
        assert_eq!(self.driven.phase(), phase, "{}: {}", self.namespace, self.driven.told());
        let status = self.driven.run("status", &["--json"]);
        assert!(status.out.contains("\"holder\": null"), "{}", status.out);
        self.until("the world is as the end says", || self.is_complete(digit));
        for (kind, name) in [("Deployment", "web-canary"), ("Service", "web-canary"), ("Lease", "gonogo-web")] {
            let found = self.get(kind, name);
            assert!(
                found.is_null(),
                "{}: {kind} {name} is left over: {}\n{found:#}",
                self.namespace,
                self.driven.told()
            );
        }
        let deployment = self.get("Deployment", "web");
        assert!(deployment["metadata"]["annotations"]["gonogo.dev/update"].is_null(), "{deployment:#}");
        assert!(deployment["spec"]["minReadySeconds"].is_null(), "{deployment:#}");
        if self.way == Way::Routes {
            let route = self.get("HTTPRoute", "web");
            assert_eq!(route["spec"]["rules"][0]["backendRefs"].as_array().map(Vec::len), Some(1), "{route:#}");
        }
        assert_eq!(self.cluster.traffic.lost(&self.namespace), 0, "{}: somebody had nobody to ask", self.namespace);
    }
}

impl Drop for Stage<'_> {
    /// Its pods would keep the kubelet and the users busy.
    fn drop(&mut self) {
        let api = self.namespaces();
        let _ = self.cluster.runtime.block_on(api.delete(&self.namespace, &DeleteParams::background()));
    }
}

/// Seconds where a real one has minutes.
fn file(cluster: &Cluster, namespace: &str, way: Way) -> String {
    let (driver, stable, canary) = match way {
        Way::Replicas => ("strategy = \"replicas\"\nservice = \"web\"", r#"track="stable""#, r#"track="canary""#),
        Way::Routes => {
            ("strategy = \"routes\"\nservice = \"web\"\nroute = \"web\"", r#"app="web""#, r#"app="web-canary""#)
        }
        // Nothing but what the pods run tells them apart.
        Way::Rolling => ("strategy = \"rolling\"\nsurge = 3", r#"version="1""#, r#"version!="1""#),
    };
    format!(
        r#"
name = "web"
environment = "staging"
every = "400ms"
warm_up = "600ms"
share_tolerance = 8
[release]
revision = "{release}"
cause = "a test"
[[step]]
share = 25
watch = "2s"
at_most = "30s"
[[step]]
share = 50
watch = "1s"
at_most = "30s"
[after]
watch = "1500ms"
at_most = "30s"
[deadlines]
ready = "40s"
promotion = "40s"
rollback = "40s"
[driver.kubernetes]
kubeconfig = "{kubeconfig}"
namespace = "{namespace}"
workload = "web"
{driver}
[prometheus]
url = "{prometheus}"
stable = 'namespace="{namespace}",{stable}'
canary = 'namespace="{namespace}",{canary}'
[[gate]]
name = "errors"
kind = "errors"
total = 'sum(requests_total{{$side}})'
bad = 'sum(requests_total{{$side,code="500"}})'
worse_by = 10
[[gate]]
name = "latency"
kind = "latency"
query = 'sum by (le) (request_seconds_bucket{{$side}})'
worse_by = 25
[[gate]]
name = "well"
kind = "http"
url = "http://{users}/{namespace}"
pointer = "/well"
equals = "true"
"#,
        release = image('0'),
        kubeconfig = cluster.kubeconfig().display(),
        prometheus = cluster.prometheus(),
        users = cluster.traffic.address,
    )
}
