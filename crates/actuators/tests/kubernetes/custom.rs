//! Objects of kinds that others define, on an API server that may not survive them.
//!
//! An API server of 1.20 that was built with Go 1.18 or later crashes at the first custom object (its copy of reflect2 walks
//! maps as they used to be); the one that `ci/kube` builds does not. Where it does, a front answers for the three groups
//! and passes everything else on to the API server.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
};

use axum::{
    Router,
    body::{Bytes, to_bytes},
    extract::{Request, State},
    http::{Method, StatusCode},
    response::{IntoResponse as _, Response},
};
use http_body_util::BodyExt as _;
use kube::Client;
use serde_json::{Value, json};

const GROUPS: &[&str] = &["gateway.networking.k8s.io", "argoproj.io", "flagger.app"];

const MOST: usize = 4 << 20;

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
pub(crate) async fn front(client: Client, folder: &Path) -> PathBuf {
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let server = format!("http://{}", listener.local_addr().unwrap());
    let router = Router::new().fallback(answer).with_state(Front { client, objects: Arc::default() });
    tokio::spawn(async move { axum::serve(listener, router).await });
    let kubeconfig = json!({
        "apiVersion": "v1", "kind": "Config", "current-context": "test",
        "clusters": [{ "name": "test", "cluster": { "server": server } }],
        "contexts": [{ "name": "test", "context": { "cluster": "test", "user": "nobody" } }],
        "users": [{ "name": "nobody", "user": {} }],
    });
    let path = folder.join("front");
    std::fs::write(&path, kubeconfig.to_string()).unwrap();
    path
}

async fn answer(State(front): State<Front>, request: Request) -> Response {
    let path = request.uri().path().to_owned();
    let method = request.method().clone();
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, MOST).await.unwrap();
    if GROUPS.iter().any(|group| path.starts_with(&format!("/apis/{group}/"))) {
        let (code, answer) = front.objects.lock().unwrap().answer(&method, &path, &body);
        let code = StatusCode::from_u16(code).unwrap();
        return (code, [("content-type", "application/json")], answer.to_string()).into_response();
    }
    let mut passed = http::Request::builder().method(parts.method).uri(parts.uri.path_and_query().unwrap().as_str());
    for name in ["content-type", "accept"] {
        if let Some(value) = parts.headers.get(name) {
            passed = passed.header(name, value);
        }
    }
    match front.client.send(passed.body(kube::client::Body::from(body.to_vec())).unwrap()).await {
        Ok(answer) => {
            let (parts, body) = answer.into_parts();
            let body: Bytes = body.collect().await.unwrap().to_bytes();
            (parts.status, [("content-type", "application/json")], body).into_response()
        }
        Err(error) => (StatusCode::BAD_GATEWAY, error.to_string()).into_response(),
    }
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
            into.as_object_mut().unwrap().remove(key);
        } else {
            merge(&mut into[key], value);
        }
    }
}
