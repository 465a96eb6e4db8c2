//! The operations that the service uses, and the table webhook.

use std::time::Duration;

use axum::{
    Json,
    extract::{Path, Query, State},
    response::{IntoResponse as _, Response},
};
use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep_until};
use uuid::Uuid;

use crate::{
    Clay, Run,
    behaviour::{Callback, Items},
    message,
};

pub async fn me(State(clay): State<Clay>) -> Json<Value> {
    let workspace = clay.memory().behaviour.workspace.clone();
    Json(json!({"user": {"id": "u-1", "name": "svc-clay-integration"}, "workspace": {"id": workspace}}))
}

/// 1 to 100 items, each with an id of at most 64 characters and inputs.
pub async fn run(State(clay): State<Clay>, Path(_): Path<String>, body: Bytes) -> Response {
    let Ok(body) = serde_json::from_slice::<Value>(&body) else {
        return message(StatusCode::BAD_REQUEST, "malformed JSON");
    };
    let items = body["items"].as_array().cloned().unwrap_or_default();
    let fits =
        |item: &Value| item["id"].as_str().is_some_and(|id| id.chars().count() <= 64) && item["inputs"].is_object();
    if !(1..=100).contains(&items.len()) || !items.iter().all(fits) {
        return message(StatusCode::BAD_REQUEST, "items: 1 to 100, each with id and inputs");
    }
    let id = format!("run_{}", Uuid::new_v4().simple());
    let (ends, callback) = {
        let mut memory = clay.memory();
        let ends = Instant::now() + Duration::from_millis(memory.behaviour.run_ms);
        let mut results = Vec::new();
        for item in &items {
            results.push(memory.behaviour.result(item));
        }
        memory.runs.insert(id.clone(), Run { items: results, ends });
        (ends, memory.behaviour.callback)
    };
    let (webhook, run) = (clay.webhook.clone(), id.clone());
    tokio::spawn(async move {
        sleep_until(ends).await;
        let times = match callback {
            Callback::Lost => 0,
            Callback::Once => 1,
            Callback::Twice => 2,
        };
        for _ in 0..times {
            drop(webhook.deliver(&json!({"routine_run_id": run})).await);
        }
    });
    (StatusCode::ACCEPTED, Json(json!({"routine_run_id": id, "status": "in_progress"}))).into_response()
}

impl crate::behaviour::Behaviour {
    fn result(&mut self, item: &Value) -> Value {
        let id = &item["id"];
        let paid = self.credits.is_none_or(|left| left > 0);
        self.credits = self.credits.map(|left| left.saturating_sub(1));
        match self.items {
            _ if !paid => json!({"id": id, "status": "failed", "error": "insufficient credits"}),
            Items::Failed => json!({"id": id, "status": "failed", "error": "provider error"}),
            Items::Empty => json!({"id": id, "status": "success", "outputs": {}}),
            Items::Success | Items::Unknown => {
                json!({"id": id, "status": "success", "outputs": {"title": "Countess", "employees": 7}})
            }
        }
    }
}

#[derive(Deserialize)]
pub struct Page {
    limit: Option<usize>,
    cursor: Option<usize>,
}

/// 202 while it goes on, then 200 with a page of the items.
pub async fn results(State(clay): State<Clay>, Path(run): Path<String>, Query(page): Query<Page>) -> Response {
    let memory = clay.memory();
    let Some(known) = memory.runs.get(&run) else {
        return message(StatusCode::NOT_FOUND, "routine run not found");
    };
    let total = known.items.len();
    if Instant::now() < known.ends {
        return (StatusCode::ACCEPTED, Json(json!({"status": "in_progress", "total": total, "finished": 0})))
            .into_response();
    }
    let (limit, from) = (page.limit.unwrap_or(20).clamp(1, 100), page.cursor.unwrap_or(0));
    let data: Vec<&Value> = known.items.iter().skip(from).take(limit).collect();
    let status = if matches!(memory.behaviour.items, Items::Unknown) { "archived" } else { "complete" };
    let mut body = json!({"status": status, "total": total, "finished": total, "data": data});
    if from + limit < total {
        body["cursor"] = json!(from + limit);
    }
    Json(body).into_response()
}

/// The webhook of a table: takes rows, and no more than so many in its life.
pub async fn submit(State(clay): State<Clay>, headers: HeaderMap, _: Bytes) -> Response {
    let mut memory = clay.memory();
    let key = &memory.behaviour.key;
    if !key.is_empty() && headers.get("x-clay-webhook-auth").is_none_or(|given| *given != **key) {
        return message(StatusCode::UNAUTHORIZED, "invalid webhook auth");
    }
    if memory.submissions >= memory.behaviour.submissions {
        return message(StatusCode::TOO_MANY_REQUESTS, "webhook submission limit reached");
    }
    memory.submissions += 1;
    Json(json!({"success": true})).into_response()
}
