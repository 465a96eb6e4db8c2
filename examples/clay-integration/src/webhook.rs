//! What Clay sends: *run finished*, signed over the raw body. There are no results in it; they are asked for.

use axum::{
    Json,
    extract::{State, rejection::BytesRejection},
};
use bytes::Bytes;
use hmac::{Hmac, KeyInit as _, Mac as _};
use http::{HeaderMap, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};
use sha2::Sha256;

use crate::{clay::is_id, config::Secret, error::ApiError, server::App};

#[derive(Deserialize)]
struct Delivery {
    #[serde(default)]
    data: Finished,
}

/// Empty in a test delivery.
#[derive(Deserialize, Default)]
struct Finished {
    routine_run_id: Option<String>,
}

const FORGED: ApiError = ApiError::new(StatusCode::UNAUTHORIZED, "bad_signature", "the signature does not fit");

/// `POST /clay/callback`. Answered once the delivery is on the disk; the same one again has no further effect.
pub async fn receive(
    State(app): State<App>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Json<Value>, ApiError> {
    let body = body.map_err(|_| ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", "the body is too large"))?;
    let signature = headers.get("x-clay-signature").and_then(|value| value.to_str().ok());
    if !is_signed(&app.config.clay.webhook_secrets, &body, signature) {
        app.metrics.called_back("refused");
        return Err(FORGED);
    }
    let delivery: Delivery = serde_json::from_slice(&body)
        .map_err(|_| ApiError::new(StatusCode::BAD_REQUEST, "invalid_json", "the body is no delivery"))?;
    match delivery.data.routine_run_id.filter(|run_id| is_id(run_id)) {
        Some(run_id) => {
            let new = app.store.delivered(&run_id).await?;
            app.metrics.called_back(if new { "run" } else { "repeated" });
            app.bell.notify_waiters();
        }
        None => app.metrics.called_back("test"),
    }
    Ok(Json(json!({"received": true})))
}

/// `sha256=` and the HMAC of exactly these bytes in hexadecimal. No secret, no header, another length: not signed.
fn is_signed(secrets: &[Secret], body: &[u8], signature: Option<&str>) -> bool {
    let given = signature.and_then(|text| text.strip_prefix("sha256=")).and_then(|text| hex::decode(text).ok());
    let Some(given) = given else { return false };
    secrets.iter().any(|secret| fits(secret, body, &given))
}

fn fits(secret: &Secret, body: &[u8], given: &[u8]) -> bool {
    if secret.expose().is_empty() {
        return false;
    }
    let Ok(mac) = Hmac::<Sha256>::new_from_slice(secret.expose().as_bytes()) else { return false };
    mac.chain_update(body).verify_slice(given).is_ok()
}
