//! The API server, asked for one thing at a time: bounded in time, and every refusal told with the object and a next step.

use std::{fmt, future::Future, path::Path, time::Duration};

use gonogo_domain::rollout::{Trouble, TroubleKind};
use kube::{
    Api, Client, Config,
    api::{DeleteParams, DynamicObject, ListParams, Patch, PatchParams, PostParams, PropagationPolicy},
    config::{KubeConfigOptions, Kubeconfig},
};
use serde_json::{Value, json};

use super::kinds::Kind;

/// The name under which everything is written: in `managedFields`, in leases, in labels.
pub(super) const MANAGER: &str = "gonogo";

/// A question that takes longer has no answer.
const PATIENCE: Duration = Duration::from_secs(8);

/// The deployment controller writes the same objects; a write that came second is worked out again so often.
const TRIES: usize = 5;

/// One namespace of one cluster.
#[derive(Clone)]
pub(super) struct Cluster {
    client: Client,
    namespace: String,
}

impl fmt::Debug for Cluster {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Cluster").field("namespace", &self.namespace).finish_non_exhaustive()
    }
}

/// What a write does where somebody else's write stands against it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Against {
    /// The write is not made, and the others are named.
    Yield,
    /// The fields are taken over: only where traffic is to be taken from a bad release.
    Overrule,
}

impl Cluster {
    /// Reads the kubeconfig (the one named, else `KUBECONFIG`, else the usual one, else that of the pod it runs in).
    pub(super) async fn connect(
        kubeconfig: Option<&Path>,
        context: Option<String>,
        namespace: Option<String>,
    ) -> Result<Self, Trouble> {
        let unreadable = |error: &dyn fmt::Display, at: String| {
            let next = "check the file, the context and the credentials that it names with `kubectl config view`";
            Trouble::new(
                TroubleKind::Refused,
                at,
                format!("cannot read the configuration of the cluster: {error}"),
                next,
            )
        };
        let options = KubeConfigOptions { context, ..KubeConfigOptions::default() };
        let config = match kubeconfig {
            Some(path) => {
                let at = path.display().to_string();
                let file = Kubeconfig::read_from(path).map_err(|error| unreadable(&error, at.clone()))?;
                Config::from_custom_kubeconfig(file, &options).await.map_err(|error| unreadable(&error, at))
            }
            None => match Config::from_kubeconfig(&options).await {
                Ok(config) => Ok(config),
                Err(error) if options.context.is_some() => Err(unreadable(&error, "kubeconfig".to_owned())),
                Err(_) => Config::infer().await.map_err(|error| unreadable(&error, "kubeconfig".to_owned())),
            },
        };
        let mut config = config?;
        config.connect_timeout = Some(PATIENCE / 2);
        config.read_timeout = Some(PATIENCE);
        let namespace = namespace.unwrap_or_else(|| config.default_namespace.clone());
        let at = config.cluster_url.to_string();
        let client = Client::try_from(config).map_err(|error| unreadable(&error, at))?;
        Ok(Self { client, namespace })
    }

    fn api(&self, kind: &Kind) -> Api<DynamicObject> {
        Api::namespaced_with(self.client.clone(), &self.namespace, &kind.resource())
    }

    /// How a person would look for an object.
    pub(super) fn at(&self, kind: &Kind, name: &str) -> String {
        format!("{}/{name} in namespace {}", kind.word(), self.namespace)
    }

    /// None where there is no such object.
    pub(super) async fn find(&self, kind: &Kind, name: &str) -> Result<Option<DynamicObject>, Trouble> {
        ask(self.api(kind).get_opt(name)).await.map_err(|error| error.told(&self.at(kind, name), "read it"))
    }

    /// Refused where there is no such object.
    pub(super) async fn get(&self, kind: &Kind, name: &str) -> Result<DynamicObject, Trouble> {
        let at = self.at(kind, name);
        self.find(kind, name).await?.ok_or_else(|| {
            let next =
                format!("name the {} that serves the traffic in the rollout file, with its namespace", kind.word());
            Trouble::new(TroubleKind::Refused, at, "there is no such object", next)
        })
    }

    /// All objects of this kind; none where the cluster does not know the kind.
    pub(super) async fn list(&self, kind: &Kind) -> Result<Vec<DynamicObject>, Trouble> {
        match ask(self.api(kind).list(&ListParams::default())).await {
            Ok(list) => Ok(list.items),
            Err(Failed::Api { code: 404, .. }) => Ok(Vec::new()),
            Err(error) => Err(error.told(&self.at(kind, "*"), "list them")),
        }
    }

    /// Server-side apply of what is gonogo's own.
    pub(super) async fn apply(&self, kind: &Kind, name: &str, body: &Value, against: Against) -> Result<(), Trouble> {
        let mut body = body.clone();
        if let Some(body) = body.as_object_mut() {
            body.insert("apiVersion".to_owned(), json!(kind.api_version()));
            body.insert("kind".to_owned(), json!(kind.name));
        }
        let parameters = PatchParams {
            force: against == Against::Overrule,
            field_manager: Some(MANAGER.to_owned()),
            ..PatchParams::default()
        };
        let api = self.api(kind);
        let done = ask(api.patch(name, &parameters, &Patch::Apply(&body))).await;
        done.map(drop).map_err(|error| error.told(&self.at(kind, name), "apply it"))
    }

    /// Reads an object, changes it and writes it back, and does so again where somebody wrote between the two. Nothing is
    /// written when `change` says that nothing is to be; says whether something was.
    pub(super) async fn edit(
        &self,
        kind: &Kind,
        name: &str,
        mut change: impl FnMut(&mut DynamicObject) -> Result<bool, Trouble> + Send,
    ) -> Result<bool, Trouble> {
        let parameters = PostParams { field_manager: Some(MANAGER.to_owned()), ..PostParams::default() };
        let api = self.api(kind);
        let mut tries = TRIES;
        loop {
            let mut object = self.get(kind, name).await?;
            if !change(&mut object)? {
                return Ok(false);
            }
            tries -= 1;
            match ask(api.replace(name, &parameters, &object)).await {
                Ok(_) => return Ok(true),
                Err(error) if error.is_conflict() && tries > 0 => {}
                Err(error) => return Err(error.told(&self.at(kind, name), "write it")),
            }
        }
    }

    /// Writes back an object that was read, or fails where somebody wrote it since.
    pub(super) async fn replace(&self, kind: &Kind, object: &DynamicObject) -> Result<(), Trouble> {
        let name = object.metadata.name.as_deref().unwrap_or_default();
        let parameters = PostParams { field_manager: Some(MANAGER.to_owned()), ..PostParams::default() };
        let done = ask(self.api(kind).replace(name, &parameters, object)).await;
        done.map(drop).map_err(|error| error.told(&self.at(kind, name), "write it"))
    }

    /// False where there is such an object already.
    pub(super) async fn create(&self, kind: &Kind, body: &Value) -> Result<bool, Trouble> {
        let mut body = body.clone();
        if let Some(body) = body.as_object_mut() {
            body.insert("apiVersion".to_owned(), json!(kind.api_version()));
            body.insert("kind".to_owned(), json!(kind.name));
        }
        let name = body.pointer("/metadata/name").and_then(Value::as_str).unwrap_or_default().to_owned();
        let at = self.at(kind, &name);
        let object: DynamicObject = serde_json::from_value(body).map_err(|error| {
            Trouble::new(TroubleKind::Refused, &at, format!("cannot be written: {error}"), "report it")
        })?;
        let parameters = PostParams { field_manager: Some(MANAGER.to_owned()), ..PostParams::default() };
        match ask(self.api(kind).create(&parameters, &object)).await {
            Ok(_) => Ok(true),
            Err(Failed::Api { code: 409, ref reason, .. }) if reason == "AlreadyExists" => Ok(false),
            Err(error) => Err(error.told(&at, "create it")),
        }
    }

    /// Merges into the status, as the commands of the object's own tool do.
    pub(super) async fn merge_status(&self, kind: &Kind, name: &str, status: &Value) -> Result<(), Trouble> {
        let body = json!({ "status": status });
        let parameters = PatchParams { field_manager: Some(MANAGER.to_owned()), ..PatchParams::default() };
        let api = self.api(kind);
        let done = match ask(api.patch_status(name, &parameters, &Patch::Merge(&body))).await {
            // Where the kind has no status of its own, the status is a part of the object.
            Err(Failed::Api { code: 404, .. }) => ask(api.patch(name, &parameters, &Patch::Merge(&body))).await,
            done => done,
        };
        done.map(drop).map_err(|error| error.told(&self.at(kind, name), "write its status"))
    }

    /// False where there was no such object. What it owns is deleted after it.
    pub(super) async fn delete(&self, kind: &Kind, name: &str) -> Result<bool, Trouble> {
        let parameters =
            DeleteParams { propagation_policy: Some(PropagationPolicy::Background), ..DeleteParams::default() };
        match ask(self.api(kind).delete(name, &parameters)).await {
            Ok(_) => Ok(true),
            Err(Failed::Api { code: 404, .. }) => Ok(false),
            Err(error) => Err(error.told(&self.at(kind, name), "delete it")),
        }
    }
}

/// Why there is no good answer.
enum Failed {
    /// The server said no.
    Api { code: u16, reason: String, message: String },
    /// Nobody answered, or nothing that could be read.
    Silent(String),
}

async fn ask<T: Send>(question: impl Future<Output = Result<T, kube::Error>> + Send) -> Result<T, Failed> {
    match tokio::time::timeout(PATIENCE, question).await {
        Err(_) => Err(Failed::Silent(format!("no answer within {} s", PATIENCE.as_secs()))),
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(kube::Error::Api(status))) => {
            Err(Failed::Api { code: status.code, reason: status.reason.clone(), message: status.message.clone() })
        }
        Ok(Err(error)) => Err(Failed::Silent(causes(&error))),
    }
}

/// An error with everything that it rests on: the first sentence of kube alone never says that a connection was refused.
fn causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        source = cause.source();
    }
    text
}

impl Failed {
    const fn is_conflict(&self) -> bool {
        matches!(self, Self::Api { code: 409, .. })
    }

    fn told(&self, at: &str, attempted: &str) -> Trouble {
        let (kind, why, next) = match self {
            Self::Silent(why) => (
                TroubleKind::Unreachable,
                why,
                "nothing was half done: ask again when the API server answers (`kubectl get --raw /readyz`)".to_owned(),
            ),
            Self::Api { code, message, .. } => match code {
                409 => (
                    TroubleKind::Conflict,
                    message,
                    "see who else writes it with `kubectl get … -o yaml --show-managed-fields`, then ask again"
                        .to_owned(),
                ),
                401 => (TroubleKind::Refused, message, "renew the credentials of the kubeconfig".to_owned()),
                403 => (TroubleKind::Refused, message, format!("grant the right to {attempted}, then ask again")),
                408 | 429 | 500..=599 => {
                    (TroubleKind::Unreachable, message, "ask again when the API server has recovered".to_owned())
                }
                _ => (TroubleKind::Refused, message, "change what the API server names".to_owned()),
            },
        };
        Trouble::new(kind, at, format!("cannot {attempted}: {why}"), next)
    }
}
