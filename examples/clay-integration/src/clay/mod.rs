//! Clay's API, as far as it is used: who am I, run a routine, the results of a run.

pub mod answer;
mod client;

use std::sync::Arc;

use bytes::Bytes;
use http::{Method, StatusCode};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use self::{answer::Failure, client::Client};
use crate::{config::ClayConfig, metrics::Metrics, pace::Pace, store::Lead};

/// One workspace of Clay. Clones share everything.
#[derive(Clone)]
pub struct Clay {
    client: Client,
    routine: String,
    webhook_id: Option<String>,
    /// The workspace that the key must belong to: tells the key of staging from the one of production.
    workspace: String,
}

#[derive(Deserialize)]
struct Me {
    workspace: Workspace,
}

#[derive(Deserialize)]
struct Workspace {
    #[serde(deserialize_with = "text")]
    id: String,
}

#[derive(Deserialize)]
struct Started {
    routine_run_id: String,
}

#[derive(Deserialize)]
struct Results {
    status: String,
    #[serde(default)]
    data: Vec<Item>,
}

#[derive(Deserialize)]
struct Item {
    id: String,
    status: String,
    #[serde(default)]
    outputs: Map<String, Value>,
}

/// How far the run of a lead is.
#[derive(Debug)]
pub enum Progress {
    Running,
    /// What was found. Nothing is an answer too: Clay knows nothing about this lead.
    Enriched(Map<String, Value>),
    /// It ended without a result, for this reason.
    Failed(String),
}

impl Clay {
    pub fn new(config: &ClayConfig, pace: Pace, metrics: Arc<Metrics>) -> Result<Self, reqwest::Error> {
        Ok(Self {
            client: Client::new(config, pace, metrics)?,
            routine: config.routine.clone(),
            webhook_id: config.webhook_id.clone(),
            workspace: config.workspace.clone(),
        })
    }

    /// Which breaker is open; none: calls may be made.
    pub fn open_breaker(&self) -> Option<&'static str> {
        self.client.open_breaker()
    }

    /// Whether Clay answers with the workspace that is expected. Costs nothing. Errors: why not, in one word.
    pub async fn check(&self) -> Result<(), &'static str> {
        let (_, me) = self.client.probe::<Me>("/me").await.map_err(|failure| failure.word())?;
        if me.workspace.id == self.workspace { Ok(()) } else { Err("wrong_workspace") }
    }

    /// Starts a run of one lead; gives its id. There is no idempotency key: what is uncertain must not be sent again.
    pub async fn run(&self, lead: &Lead) -> Result<String, Failure> {
        let inputs: Value = serde_json::from_str(&lead.inputs).map_err(|_| Failure::Unreadable)?;
        let mut body = json!({"items": [{"id": lead.id, "inputs": inputs}]});
        if let Some(webhook) = &self.webhook_id {
            body["webhook_id"] = json!(webhook);
        }
        let path = format!("/routines/{}/run", self.routine);
        let (_, started) = self.client.call::<Started>(Method::POST, &path, body.to_string().into()).await?;
        Ok(started.routine_run_id)
    }

    /// How far a run is. One lead a run, so that one page has it. A run that is complete can hold items that are not.
    pub async fn results(&self, run_id: &str, lead: &str) -> Result<Progress, Failure> {
        let path = format!("/routines/run/{run_id}/results");
        let (status, results) = self.client.call::<Results>(Method::GET, &path, Bytes::new()).await?;
        if status == StatusCode::ACCEPTED {
            return Ok(Progress::Running);
        }
        if results.status != "complete" {
            return Ok(Progress::Failed(format!("the run ended as {}", results.status)));
        }
        let Some(item) = results.data.into_iter().find(|item| item.id == lead) else {
            return Ok(Progress::Failed("the run ended without the item".to_owned()));
        };
        Ok(match item.status.as_str() {
            "success" => Progress::Enriched(item.outputs),
            "failed" => Progress::Failed("the item failed".to_owned()),
            other => Progress::Failed(format!("the item ended as {other}")),
        })
    }
}

/// Ids that can stand in a path as they are.
pub fn is_id(text: &str) -> bool {
    (1..=128).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
}

/// Clay writes ids as texts and, in places, as numbers.
fn text<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    Ok(match Value::deserialize(deserializer)? {
        Value::String(text) => text,
        other => other.to_string(),
    })
}
