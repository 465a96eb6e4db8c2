//! Objects of kinds that others define: their names and their status, with any content. Their controllers do not run here,
//! so that a test plays them.
//!
//! An API server of 1.20 that was built with Go 1.18 or later crashes at the first custom object (its copy of reflect2 walks
//! maps as they used to be); the one that `ci/kube` builds does not. Where it does, a front answers for the groups and
//! passes everything else on to the API server.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use axum::{
    Router,
    body::to_bytes,
    extract::{Request, State},
    http::{Method, StatusCode},
    response::{IntoResponse as _, Response},
};
use http_body_util::BodyExt as _;
use kube::{
    Api, Client, Config,
    api::{ApiResource, DeleteParams, DynamicObject, ListParams, PostParams},
    config::{KubeConfigOptions, Kubeconfig},
};
use serde_json::{Value, json};

use super::{
    kinds::known,
    plane::{ControlPlane, Trouble, trouble},
};

const KINDS: [&str; 3] = ["HTTPRoute", "Rollout", "Canary"];

const PATIENCE: Duration = Duration::from_mins(1);
const EVERY: Duration = Duration::from_millis(60);
const MOST: usize = 4 << 20;

/// A client by a kubeconfig.
pub async fn client(kubeconfig: &Path) -> Result<Client, Trouble> {
    let file = Kubeconfig::read_from(kubeconfig).map_err(Trouble::Kubeconfig)?;
    let config =
        Config::from_custom_kubeconfig(file, &KubeConfigOptions::default()).await.map_err(Trouble::Kubeconfig)?;
    Client::try_from(config).map_err(Trouble::Client)
}

/// Defines the kinds. Gives the kubeconfig by which all objects are reached: of the API server, or of a front before it.
pub async fn define(plane: &mut ControlPlane) -> Result<PathBuf, Trouble> {
    let straight = plane.client().await?;
    for kind in KINDS.map(known) {
        definitions(&straight)
            .create(&PostParams::default(), &object(definition(&kind))?)
            .await
            .map_err(Trouble::Api)?;
        let served: Api<DynamicObject> = Api::default_namespaced_with(straight.clone(), &kind);
        let begun = Instant::now();
        while let Err(error) = served.list(&ListParams::default()).await {
            if begun.elapsed() > PATIENCE {
                return Err(Trouble::Api(error));
            }
            tokio::time::sleep(EVERY).await;
        }
    }
    if survives(&straight).await? {
        return Ok(plane.kubeconfig());
    }
    plane.kill_api_server();
    plane.start_api_server().await?;
    for ApiResource { group, plural, .. } in KINDS.map(known) {
        let name = format!("{plural}.{group}");
        definitions(&straight).delete(&name, &DeleteParams::default()).await.map_err(Trouble::Api)?;
    }
    front(straight, plane.folder()).await
}

fn definitions(client: &Client) -> Api<DynamicObject> {
    Api::all_with(client.clone(), &known("CustomResourceDefinition"))
}

fn object(body: Value) -> Result<DynamicObject, Trouble> {
    serde_json::from_value(body).map_err(|error| Trouble::Api(kube::Error::SerdeError(error)))
}

fn definition(ApiResource { group, version, kind, plural, .. }: &ApiResource) -> Value {
    // The group of the Gateway API is protected: whoever defines it says who approved.
    let approved = json!({ "api-approved.kubernetes.io": "https://github.com/kubernetes-sigs/gateway-api/pull/2997" });
    json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": { "name": format!("{plural}.{group}"), "annotations": approved },
        "spec": {
            "group": group, "scope": "Namespaced",
            "names": { "kind": kind, "plural": plural, "singular": kind.to_lowercase() },
            "versions": [{
                "name": version, "served": true, "storage": true, "subresources": { "status": {} },
                "schema": { "openAPIV3Schema": { "type": "object", "x-kubernetes-preserve-unknown-fields": true } },
            }],
        },
    })
}

/// Whether the API server lives on when an object of such a kind is made.
async fn survives(client: &Client) -> Result<bool, Trouble> {
    let canaries: Api<DynamicObject> = Api::default_namespaced_with(client.clone(), &known("Canary"));
    let canary =
        object(json!({ "apiVersion": "flagger.app/v1beta1", "kind": "Canary", "metadata": { "name": "tried" } }))?;
    let begun = Instant::now();
    loop {
        match canaries.create(&PostParams::default(), &canary).await {
            Ok(_) => return Ok(true),
            // What was listed just now may not be there for writing yet.
            Err(kube::Error::Api(_)) if begun.elapsed() < PATIENCE => tokio::time::sleep(EVERY).await,
            Err(error @ kube::Error::Api(_)) => return Err(Trouble::Api(error)),
            Err(_) => return Ok(false),
        }
    }
}

/// The objects by their paths.
#[derive(Default)]
struct Objects {
    by_path: BTreeMap<String, Value>,
    version: u64,
}

#[derive(Clone)]
struct Front {
    client: Client,
    objects: Arc<Mutex<Objects>>,
}

/// Starts a front on a free port and writes a kubeconfig for it.
async fn front(client: Client, folder: &Path) -> Result<PathBuf, Trouble> {
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.map_err(trouble("find a free port"))?;
    let server = format!("http://{}", listener.local_addr().map_err(trouble("find a free port"))?);
    let router = Router::new().fallback(answer).with_state(Front { client, objects: Arc::default() });
    tokio::spawn(async move { axum::serve(listener, router).await });
    let kubeconfig = json!({
        "apiVersion": "v1", "kind": "Config", "current-context": "test",
        "clusters": [{ "name": "test", "cluster": { "server": server } }],
        "contexts": [{ "name": "test", "context": { "cluster": "test", "user": "nobody" } }],
        "users": [{ "name": "nobody", "user": {} }],
    });
    let path = folder.join("front");
    fs::write(&path, kubeconfig.to_string()).map_err(trouble("write the kubeconfig"))?;
    Ok(path)
}

async fn answer(State(front): State<Front>, request: Request) -> Response {
    pass(front, request).await.unwrap_or_else(|why| (StatusCode::BAD_GATEWAY, why).into_response())
}

async fn pass(front: Front, request: Request) -> Result<Response, String> {
    let path = request.uri().path().to_owned();
    let method = request.method().clone();
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, MOST).await.map_err(|error| error.to_string())?;
    if KINDS.map(known).iter().any(|kind| path.starts_with(&format!("/apis/{}/", kind.group))) {
        let mut objects = front.objects.lock().unwrap_or_else(PoisonError::into_inner);
        let (code, answer) = objects.answer(&method, &path, &body);
        let code = StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        return Ok((code, [("content-type", "application/json")], answer.to_string()).into_response());
    }
    let asked = parts.uri.path_and_query().map_or("/", |asked| asked.as_str());
    let mut passed = http::Request::builder().method(parts.method).uri(asked);
    for name in ["content-type", "accept"] {
        if let Some(value) = parts.headers.get(name) {
            passed = passed.header(name, value);
        }
    }
    let passed = passed.body(kube::client::Body::from(body.to_vec())).map_err(|error| error.to_string())?;
    let (parts, body) = front.client.send(passed).await.map_err(|error| error.to_string())?.into_parts();
    let body = body.collect().await.map_err(|error| error.to_string())?.to_bytes();
    Ok((parts.status, [("content-type", "application/json")], body).into_response())
}

fn status(code: u16, reason: &str) -> (u16, Value) {
    let body = json!({
        "apiVersion": "v1", "kind": "Status", "status": "Failure", "message": reason, "reason": reason, "code": code,
    });
    (code, body)
}

impl Objects {
    fn answer(&mut self, method: &Method, path: &str, body: &[u8]) -> (u16, Value) {
        let body: Value = serde_json::from_slice(body).unwrap_or_default();
        let (object, is_status) = match path.strip_suffix("/status") {
            Some(object) => (object.to_owned(), true),
            None => (path.to_owned(), false),
        };
        if let Some(kind) = KINDS.map(known).iter().find(|kind| path.ends_with(&format!("/{}", kind.plural)))
            && method == Method::GET
        {
            return (200, self.list(path, &kind.api_version, &kind.kind));
        }
        let old = self.by_path.get(&object).cloned();
        match (method.as_str(), old) {
            ("POST", _) => {
                let path = format!("{path}/{}", body["metadata"]["name"].as_str().unwrap_or_default());
                if self.by_path.contains_key(&path) {
                    return status(409, "AlreadyExists");
                }
                let mut body = body;
                body["metadata"]["uid"] = json!(format!("00000000-0000-4000-8000-{:012}", self.version));
                body["metadata"]["generation"] = json!(0);
                if let Some((_, rest)) = path.split_once("/namespaces/") {
                    body["metadata"]["namespace"] = json!(rest.split('/').next());
                }
                (201, self.put(path, &Value::Null, body))
            }
            (_, None) => status(404, "NotFound"),
            ("GET", Some(old)) => (200, old),
            ("PUT", Some(old)) => {
                let mut body = body;
                if body["metadata"]["resourceVersion"] != old["metadata"]["resourceVersion"] {
                    return status(409, "Conflict");
                }
                body["status"] = old["status"].clone();
                (200, self.put(object, &old, body))
            }
            ("PATCH", Some(old)) => {
                let mut new = old.clone();
                merge(&mut new, &body);
                let kept = if is_status { ["spec", "metadata"] } else { ["status", "apiVersion"] };
                for key in kept {
                    new[key] = old[key].clone();
                }
                (200, self.put(object, &old, new))
            }
            ("DELETE", Some(old)) => {
                self.by_path.remove(&object);
                (200, old)
            }
            _ => status(405, "MethodNotAllowed"),
        }
    }

    /// Of a namespace, or of all.
    fn list(&self, path: &str, api_version: &str, kind: &str) -> Value {
        let (folder, plural) = path.rsplit_once('/').unwrap_or_default();
        let of_this = |known: &&String| known.starts_with(folder) && known.contains(&format!("/{plural}/"));
        let items: Vec<&Value> = self.by_path.iter().filter(|(known, _)| of_this(known)).map(|(_, one)| one).collect();
        let metadata = json!({ "resourceVersion": self.version.to_string() });
        json!({ "apiVersion": api_version, "kind": format!("{kind}List"), "metadata": metadata, "items": items })
    }

    fn put(&mut self, path: String, old: &Value, mut new: Value) -> Value {
        self.version += 1;
        new["metadata"]["resourceVersion"] = json!(self.version.to_string());
        if old["spec"] != new["spec"] {
            new["metadata"]["generation"] = json!(new["metadata"]["generation"].as_u64().unwrap_or(0) + 1);
        }
        self.by_path.insert(path, new.clone());
        new
    }
}

/// RFC 7386.
fn merge(into: &mut Value, patch: &Value) {
    let Value::Object(patch) = patch else {
        *into = patch.clone();
        return;
    };
    if !into.is_object() {
        *into = json!({});
    }
    for (key, value) in patch {
        if value.is_null() {
            if let Some(into) = into.as_object_mut() {
                into.remove(key);
            }
        } else {
            merge(&mut into[key], value);
        }
    }
}
