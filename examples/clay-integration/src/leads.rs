//! The intake: a lead is checked, kept, and answered with 202; everything else happens later.

use std::time::Duration;

use axum::{
    Json,
    extract::{Path, State},
    http::{HeaderMap, HeaderName, StatusCode, header},
};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;
use validator::{Validate, ValidationError};

use crate::{
    context,
    error::{ApiError, Body},
    server::App,
    store::{Lead, NewLead, State as LeadState},
};

/// What is known of a lead. Fields that are not known are left out, so that they erase nothing at Clay.
#[derive(Debug, Deserialize, Serialize, Validate)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[validate(schema(function = "names_somebody"))]
pub struct Inputs {
    #[serde(default, deserialize_with = "tidy", skip_serializing_if = "Option::is_none")]
    #[validate(email, length(max = 320))]
    email: Option<String>,
    #[serde(default, deserialize_with = "tidy", skip_serializing_if = "Option::is_none")]
    #[validate(contains(pattern = "."), length(max = 253))]
    domain: Option<String>,
    #[serde(default, deserialize_with = "tidy", skip_serializing_if = "Option::is_none")]
    #[validate(length(max = 320))]
    company: Option<String>,
    #[serde(default, deserialize_with = "tidy", skip_serializing_if = "Option::is_none")]
    #[validate(length(max = 320))]
    full_name: Option<String>,
}

fn names_somebody(inputs: &Inputs) -> Result<(), ValidationError> {
    match (&inputs.email, &inputs.domain) {
        (None, None) => Err(ValidationError::new("email or domain is needed")),
        _ => Ok(()),
    }
}

/// Without the spaces around it; an empty text is none.
fn tidy<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let text = Option::<String>::deserialize(deserializer)?;
    Ok(text.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty()))
}

/// Errors: which rule is broken, without the value.
fn checked(inputs: Inputs) -> Result<Inputs, ApiError> {
    let rules = "email or domain is needed, each in its form, and no field may be longer than 320 letters";
    inputs.validate().map_err(|_| ApiError::invalid(rules))?;
    Ok(inputs)
}

impl Inputs {
    /// The same lead has the same fingerprint.
    fn fingerprint(&self) -> String {
        hex::encode(Sha256::digest(json!([lower(self.email.as_ref()), lower(self.domain.as_ref())]).to_string()))
    }
}

fn lower(text: Option<&String>) -> Option<String> {
    text.map(|text| text.to_lowercase())
}

type Accepted = (StatusCode, [(HeaderName, String); 1], Json<Value>);

/// `POST /leads`. The same `Idempotency-Key`, or without one the same lead, is the same work: enriched and charged once.
pub async fn accept(
    State(app): State<App>,
    headers: HeaderMap,
    Body(inputs): Body<Inputs>,
) -> Result<Accepted, ApiError> {
    let inputs = checked(inputs)?;
    if app.store.pending().await? >= i64::from(app.config.outbox_max) {
        let full = ApiError::new(StatusCode::SERVICE_UNAVAILABLE, "outbox_full", "too many leads wait for Clay");
        return Err(ApiError { retry_after: Some(Duration::from_mins(1)), ..full });
    }
    let fingerprint = inputs.fingerprint();
    let key = idempotency_key(&headers)?.unwrap_or_else(|| format!("lead:{fingerprint}"));
    let new = NewLead {
        id: Uuid::now_v7().to_string(),
        idempotency_key: key,
        fingerprint,
        inputs: json!(inputs).to_string(),
        request_id: context::request_id(),
        traceparent: context::traceparent(),
    };
    let lead = app.store.accept(&new).await?;
    if lead.fingerprint != new.fingerprint {
        return Err(ApiError::invalid("this Idempotency-Key was used for another lead"));
    }
    app.bell.notify_waiters();
    // Clay down is a reduced service, and says so.
    let enrichment = if app.clay_status.borrow().connected { "queued" } else { "delayed" };
    let body = json!({"id": lead.id, "state": lead.state, "enrichment": enrichment});
    Ok((StatusCode::ACCEPTED, [(header::LOCATION, format!("/leads/{}", lead.id))], Json(body)))
}

fn idempotency_key(headers: &HeaderMap) -> Result<Option<String>, ApiError> {
    let Some(value) = headers.get("idempotency-key") else { return Ok(None) };
    match value.to_str() {
        Ok(text) if (1..=128).contains(&text.len()) => Ok(Some(format!("key:{text}"))),
        _ => Err(ApiError::invalid("Idempotency-Key has 1 to 128 letters")),
    }
}

/// `GET /leads/{id}`.
pub async fn show(State(app): State<App>, Path(id): Path<String>) -> Result<Json<Value>, ApiError> {
    let lead = app.store.find(&id).await?.ok_or(ApiError::NOT_FOUND)?;
    let Lead { id, state, result, reason, .. } = lead;
    let mut body = json!({"id": id, "state": state});
    if state == LeadState::Done {
        body["result"] = result.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or(Value::Null);
    }
    if let Some(reason) = reason {
        body["reason"] = json!(reason);
    }
    Ok(Json(body))
}

/// `POST /dead-letters/{id}/replay`: a person has looked at it.
pub async fn replay(State(app): State<App>, Path(id): Path<String>) -> Result<(StatusCode, Json<Value>), ApiError> {
    if app.store.replay(Some(&id)).await? == 0 {
        return Err(ApiError::NOT_FOUND);
    }
    tracing::warn!(lead = id, "dead letter is sent again");
    app.bell.notify_waiters();
    Ok((StatusCode::ACCEPTED, Json(json!({"id": id, "state": LeadState::Pending}))))
}

#[derive(Deserialize)]
pub struct Level {
    level: String,
}

/// `PUT /log-level`: at once, until the next start or reload.
pub async fn set_level(State(app): State<App>, Body(wanted): Body<Level>) -> Result<Json<Value>, ApiError> {
    let set = app.levels.set(&wanted.level);
    set.map_err(|_| ApiError::invalid("level is error, warn, info, debug or trace"))?;
    tracing::warn!(level = wanted.level, "log level changed");
    Ok(Json(json!({"level": wanted.level})))
}
