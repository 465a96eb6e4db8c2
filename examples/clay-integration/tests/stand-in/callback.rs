//! The outbound webhook: `X-Clay-Signature: sha256=<hex>`, the HMAC-SHA256 of the exact body. No time, no results.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Value, json};
use sha2::Sha256;

pub struct Webhook {
    http: reqwest::Client,
    url: Mutex<String>,
    secret: String,
}

impl Webhook {
    pub fn new(url: String, secret: String) -> Result<Self, reqwest::Error> {
        let http = reqwest::Client::builder().timeout(Duration::from_secs(5)).build()?;
        Ok(Self { http, url: Mutex::new(url), secret })
    }

    pub fn set_url(&self, url: String) {
        *self.url.lock().unwrap_or_else(PoisonError::into_inner) = url;
    }

    /// Delivers once; gives the status of the answer. The data is empty in a test delivery.
    pub async fn deliver(&self, data: &Value) -> Result<u16, reqwest::Error> {
        let body =
            json!({"webhookId": "wh-1", "createdAt": jiff::Timestamp::now().to_string(), "data": data}).to_string();
        let url = self.url.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let signature = format!("sha256={}", sign(&self.secret, body.as_bytes()));
        let call = self.http.post(url).header("content-type", "application/json").header("x-clay-signature", signature);
        Ok(call.body(body).send().await?.status().as_u16())
    }
}

fn sign(secret: &str, body: &[u8]) -> String {
    let Ok(mac) = Hmac::<Sha256>::new_from_slice(secret.as_bytes()) else { return String::new() };
    hex::encode(mac.chain_update(body).finalize().into_bytes())
}
