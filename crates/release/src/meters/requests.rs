//! Requests that a release has to answer as it should: one GET, or several of any kind sent to each of its servers.

use reqwest::{Client, Method};

use crate::Http;

/// Sends it to `url`. Errors: what is wrong with the answer, or that there was none: a service that does not answer has
/// not passed.
pub(super) async fn ask(
    client: &Client,
    url: &str,
    asked: &Http,
    header: Option<(&str, &str)>,
) -> Result<String, String> {
    let method = Method::from_bytes(asked.method.as_bytes()).map_err(|_| format!("`{}` is no method", asked.method))?;
    let mut request = client.request(method, url).timeout(asked.patience);
    for (name, value) in asked.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).chain(header) {
        request = request.header(name, value);
    }
    if let Some(body) = &asked.body {
        request = request.body(body.clone());
    }
    let mut answer = request.send().await.map_err(|error| format!("no answer: {}", innermost(&error)))?;
    let status = answer.status().as_u16();
    if status != asked.status {
        return Err(format!("{status} instead of {}", asked.status));
    }
    let Some((pointer, expected)) = &asked.equals else { return Ok(status.to_string()) };
    let mut body = Vec::new();
    loop {
        match answer.chunk().await {
            Ok(Some(chunk)) if body.len() + chunk.len() <= 1 << 20 => body.extend_from_slice(&chunk),
            Ok(Some(_)) => return Err("its answer is larger than a megabyte".to_owned()),
            Ok(None) => break,
            Err(error) => return Err(format!("its answer broke off: {}", innermost(&error))),
        }
    }
    let value: serde_json::Value =
        serde_json::from_slice(&body).map_err(|error| format!("its answer is no JSON: {error}"))?;
    let found = match value.pointer(pointer) {
        Some(serde_json::Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
        None => return Err(format!("nothing stands at {pointer}")),
    };
    if found == *expected {
        Ok(format!("{pointer} is {found}"))
    } else {
        Err(format!("{pointer} is {found} instead of {expected}"))
    }
}

fn innermost(error: &dyn std::error::Error) -> String {
    error.source().map_or_else(|| error.to_string(), innermost)
}
