//! Who may come in: a bearer token, compared so that the time tells nothing.

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use http::{HeaderMap, header};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use crate::{config::Secret, error::ApiError, server::App};

/// Lets nobody through without one of the tokens.
pub async fn require_token(State(app): State<App>, request: Request, next: Next) -> Response {
    if is_known(request.headers(), &app.config.intake_tokens) {
        next.run(request).await
    } else {
        ApiError::UNAUTHORIZED.into_response()
    }
}

fn is_known(headers: &HeaderMap, tokens: &[Secret]) -> bool {
    let given = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
    let Some(given) = given else { return false };
    // Digests have one length, so that a comparison does not even tell how long the token is.
    let given = Sha256::digest(given);
    tokens.iter().any(|token| bool::from(Sha256::digest(token.expose()).ct_eq(&given)))
}
