//! Clay's API, as far as it is used: who am I, run a routine, the results of a run.

pub mod answer;
mod client;

use std::sync::Arc;

use bytes::Bytes;
use gonogo_resilience::breaker::{Breaker, State};
use http::{Method, StatusCode};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use tower::ServiceExt as _;

use self::{
    answer::{Failure, read},
    client::{Breakers, Stack},
};
use crate::{config::ClayConfig, metrics::Metrics, pace::Pace, store::Lead};

/// The client of one workspace. Clones share breakers, slots and pace.
#[derive(Clone)]
pub struct Clay {
    config: Arc<ClayConfig>,
    pub pace: Arc<Pace>,
    breakers: Breakers,
    calls: Stack,
    probe: Stack,
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

/// The results of a run, as far as they are there.
#[derive(Debug, Deserialize)]
pub struct Results {
    pub status: String,
    #[serde(default)]
    pub data: Vec<Item>,
}

/// What became of one lead. A run that is complete can hold items that are not.
#[derive(Debug, Deserialize)]
pub struct Item {
    pub id: String,
    pub status: String,
    #[serde(default)]
    pub outputs: Map<String, Value>,
}

impl Clay {
    pub fn new(config: ClayConfig, metrics: &Arc<Metrics>) -> Result<Self, reqwest::Error> {
        let pace = Arc::new(Pace::new(config.requests_per_second));
        let breakers = Breakers::new(config.breaker_open);
        let wire = client::Wire::new(&config, Arc::clone(metrics))?;
        let calls = client::calls(wire.clone(), &breakers, Arc::clone(&pace), &config);
        let probe = client::probe(wire, &breakers);
        Ok(Self { config: Arc::new(config), pace, breakers, calls, probe })
    }

    /// Which breaker is open; none: calls may be made.
    pub fn open_breaker(&self) -> Option<&'static str> {
        let open = |breaker: &&Breaker| matches!(breaker.state(), State::Open | State::ForcedOpen);
        self.breakers.all().into_iter().find(open).map(Breaker::name)
    }

    /// Whether Clay answers with the workspace that is expected. Costs nothing. Errors: why not, in one word.
    pub async fn check(&self) -> Result<(), &'static str> {
        let request = client::request(Method::GET, "/me", Bytes::new());
        let result = self.probe.clone().oneshot(request).await;
        match read::<Me>(&result) {
            Ok((_, me)) if me.workspace.id == self.config.workspace => Ok(()),
            Ok(_) => Err("wrong_workspace"),
            Err(Failure::Refused(_)) => Err("key_refused"),
            Err(Failure::Credits) => Err("no_credits"),
            Err(Failure::Limited(_)) => Err("rate_limited"),
            Err(Failure::Away(reason)) => Err(reason),
            Err(Failure::Uncertain(_)) => Err("no_answer"),
            Err(Failure::Permanent(_) | Failure::Unreadable) => Err("unexpected_answer"),
        }
    }

    /// Starts a run of one lead; gives its id. There is no idempotency key: what is uncertain must not be sent again.
    pub async fn run(&self, lead: &Lead) -> Result<String, Failure> {
        let inputs: Value = serde_json::from_str(&lead.inputs).map_err(|_| Failure::Permanent(0))?;
        let mut body = json!({"items": [{"id": lead.id, "inputs": inputs}]});
        if let Some(webhook) = &self.config.webhook_id {
            body["webhook_id"] = json!(webhook);
        }
        let path = format!("/routines/{}/run", self.config.routine);
        let result = self.calls.clone().oneshot(client::request(Method::POST, &path, body.to_string().into())).await;
        self.heed(&result);
        read::<Started>(&result).map(|(_, started)| started.routine_run_id)
    }

    /// The results of a run; none: it goes on. One lead a run, so that one page has them all.
    pub async fn results(&self, run_id: &str) -> Result<Option<Results>, Failure> {
        let path = format!("/routines/run/{run_id}/results");
        let result = self.calls.clone().oneshot(client::request(Method::GET, &path, Bytes::new())).await;
        self.heed(&result);
        let (status, results) = read::<Results>(&result)?;
        Ok((status != StatusCode::ACCEPTED).then_some(results))
    }

    /// 429: everybody waits as long as Clay says.
    fn heed(&self, result: &Result<answer::Answer, answer::Fault>) {
        if let Ok(answer) = result
            && answer.status() == StatusCode::TOO_MANY_REQUESTS
        {
            self.pace.block(answer::pause(answer));
        }
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
