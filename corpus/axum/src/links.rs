//! Links: what adds, finds and removes them.

use axum::{
    extract::{Path, State},
    http::{HeaderMap, StatusCode},
    Json,
};
use jsonwebtoken::{decode, DecodingKey, Validation};
use serde::{Deserialize, Serialize};
use validator::Validate;

use crate::App;

#[derive(Deserialize, Serialize, Validate)]
pub struct Link {
    #[validate(url)]
    target: String,
}

#[derive(Deserialize)]
struct Claims {
    sub: String,
}

fn user(headers: &HeaderMap) -> Result<String, StatusCode> {
    let given = headers.get("authorization").and_then(|value| value.to_str().ok()).ok_or(StatusCode::UNAUTHORIZED)?;
    let key = std::env::var("JWT_KEY").map_err(|_| StatusCode::UNAUTHORIZED)?;
    let key = DecodingKey::from_secret(key.as_bytes());
    let token = decode::<Claims>(given.trim_start_matches("Bearer "), &key, &Validation::default());
    token.map(|token| token.claims.sub).map_err(|_| StatusCode::UNAUTHORIZED)
}

pub async fn health(State(app): State<App>) -> Result<&'static str, StatusCode> {
    sqlx::query("SELECT 1").execute(&app.db).await.map_err(|_| StatusCode::SERVICE_UNAVAILABLE)?;
    Ok("database up")
}

pub async fn find(State(app): State<App>, Path(id): Path<i64>) -> Result<Json<Link>, StatusCode> {
    let target: Option<String> = sqlx::query_scalar("SELECT target FROM links WHERE id = $1")
        .bind(id)
        .fetch_optional(&app.db)
        .await
        .map_err(|error| {
            tracing::error!(%error, "link not read");
            StatusCode::INTERNAL_SERVER_ERROR
        })?;
    target.map(|target| Json(Link { target })).ok_or(StatusCode::NOT_FOUND)
}

pub async fn add(State(app): State<App>, headers: HeaderMap, Json(link): Json<Link>) -> Result<StatusCode, StatusCode> {
    let owner = user(&headers)?;
    link.validate().map_err(|_| StatusCode::UNPROCESSABLE_ENTITY)?;
    let answer = app.http.post(format!("{}/scan", app.scanner)).json(&link).send().await;
    if !answer.is_ok_and(|answer| answer.status().is_success()) {
        println!("scanner refused a link of {owner}");
        return Err(StatusCode::BAD_GATEWAY);
    }
    sqlx::query("INSERT INTO links (target, owner) VALUES ($1, $2)")
        .bind(&link.target)
        .bind(&owner)
        .execute(&app.db)
        .await
        .map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)?;
    Ok(StatusCode::CREATED)
}

pub async fn remove(State(app): State<App>, Path(id): Path<i64>) -> Result<StatusCode, StatusCode> {
    sqlx::query(&format!("DELETE FROM links WHERE id = {id}"))
        .execute(&app.db)
        .await
        .map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)?;
    Ok(StatusCode::NO_CONTENT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_checked() {
        let link = Link { target: "no address".to_owned() };
        assert!(link.validate().is_err());
    }
}
