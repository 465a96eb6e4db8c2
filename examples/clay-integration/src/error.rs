//! The one envelope of every refusal: `{"error":{"code","message","requestId"}}`.

use std::{any::Any, time::Duration};

use axum::{
    Json,
    extract::{FromRequest, Request, rejection::JsonRejection},
    response::{IntoResponse, Response},
};
use gonogo_resilience::Rejection;
use http::{StatusCode, header};
use serde::de::DeserializeOwned;
use serde_json::json;

use crate::{context, store};

/// Why a request is refused. The message is for people and tells nothing of the inside.
#[derive(Debug)]
pub struct ApiError {
    pub status: StatusCode,
    pub code: &'static str,
    pub message: &'static str,
    pub retry_after: Option<Duration>,
}

impl ApiError {
    pub const fn new(status: StatusCode, code: &'static str, message: &'static str) -> Self {
        Self { status, code, message, retry_after: None }
    }

    pub const fn invalid(message: &'static str) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid_request", message)
    }

    pub const NOT_FOUND: Self = Self::new(StatusCode::NOT_FOUND, "not_found", "there is nothing here");
    pub const UNAUTHORIZED: Self = Self::new(StatusCode::UNAUTHORIZED, "unauthorized", "a valid token is needed");
    pub const INTERNAL: Self = Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "something went wrong");
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let Self { status, code, message, retry_after } = self;
        let body = json!({"error": {"code": code, "message": message, "requestId": context::request_id()}});
        let mut response = (status, Json(body)).into_response();
        if let Some(wait) = retry_after {
            response.headers_mut().insert(header::RETRY_AFTER, wait.as_secs().max(1).into());
        }
        response
    }
}

/// What a limit of the server says to one request too many.
pub async fn limited(rejection: Rejection) -> Response {
    let mut error = ApiError::new(rejection.status(), rejection.code(), "too many requests at the moment");
    error.retry_after = rejection.retry_after().map(|wait| wait + Duration::from_millis(999));
    let mut response = error.into_response();
    if let Rejection::RateLimited { standing, .. } = rejection {
        standing.write(response.headers_mut());
    }
    response
}

pub async fn not_found() -> ApiError {
    ApiError::NOT_FOUND
}

pub async fn method_not_allowed() -> ApiError {
    ApiError::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", "this method is not supported here")
}

/// A handler panicked. The hook in [`crate::telemetry`] has logged where.
pub fn panicked(_: Box<dyn Any + Send>) -> Response {
    ApiError::INTERNAL.into_response()
}

impl From<store::Error> for ApiError {
    fn from(error: store::Error) -> Self {
        tracing::error!(reason = %error, "the outbox failed");
        let mut refusal = Self::new(StatusCode::SERVICE_UNAVAILABLE, "outbox_unavailable", "try again later");
        refusal.retry_after = Some(Duration::from_secs(5));
        refusal
    }
}

/// A JSON body whose refusals have the envelope: 400, 413, 415, 422.
pub struct Body<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Body<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        let Json(value) = Json::from_request(request, state).await?;
        Ok(Self(value))
    }
}

impl From<JsonRejection> for ApiError {
    fn from(rejection: JsonRejection) -> Self {
        match rejection.status() {
            StatusCode::PAYLOAD_TOO_LARGE => Self::new(rejection.status(), "too_large", "the body is too large"),
            StatusCode::UNSUPPORTED_MEDIA_TYPE => {
                Self::new(rejection.status(), "unsupported_media_type", "the body must be application/json")
            }
            StatusCode::UNPROCESSABLE_ENTITY => Self::invalid("a field is missing, unknown or of another type"),
            _ => Self::new(StatusCode::BAD_REQUEST, "invalid_json", "the body is no JSON"),
        }
    }
}
