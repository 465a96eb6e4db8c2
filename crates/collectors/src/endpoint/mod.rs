//! Single answers of named endpoints: what version runs, how a vendor is. A GET each, bounded in time and size.

mod status_page;

use std::time::Duration;

use gonogo_resilience::retry::{self, RetryPolicy, Settings};
use serde_json::Value;
use tower::{Service as _, ServiceBuilder};

pub use status_page::status_page;

use crate::metrics::{
    Address, Limits, MetricsTrouble,
    http::{Http, fate},
};

/// An answer of a person's size, and no longer than a person would wait.
pub const LIMITS: Limits = Limits { time: Duration::from_secs(10), bytes: 4 << 20 };

/// An answer of any status.
#[derive(Clone, Debug)]
pub struct Seen {
    pub status: u16,
    pub body: Vec<u8>,
    /// Of the answer that counts.
    pub took: Duration,
}

/// Asks, and again where another answer may come a moment later.
///
/// # Errors
/// Where nobody answers in time, where the answer is too large, or where it sends elsewhere: only the named host is asked.
pub async fn get(address: Address) -> Result<Seen, MetricsTrouble> {
    let http = Http::new(address, LIMITS)?;
    let settings = Settings { overall: LIMITS.time, ..Settings::default() };
    let policy = RetryPolicy::new(settings, retry::budget(), |()| true, fate);
    let send = |()| http.send(http.get(""));
    let body = ServiceBuilder::new().retry(policy).service_fn(send).call(()).await?;
    Ok(Seen { status: body.status, body: body.bytes, took: body.took })
}

impl Seen {
    /// What stands at a JSON pointer (RFC 6901): a text without its quotes, a number or a truth as it is written.
    pub fn field(&self, pointer: &str) -> Option<String> {
        let document: Value = serde_json::from_slice(&self.body).ok()?;
        match document.pointer(pointer)? {
            Value::String(text) => Some(text.clone()),
            Value::Null | Value::Array(_) | Value::Object(_) => None,
            other => Some(other.to_string()),
        }
    }

    /// The one word that the answer is: a version, a digest.
    pub fn word(&self) -> Option<String> {
        let text = std::str::from_utf8(&self.body).ok()?.trim().trim_matches('"');
        let is_word = !text.is_empty()
            && text.len() <= 200
            && !text.contains(|letter: char| letter.is_whitespace() || "<>{}".contains(letter));
        is_word.then(|| text.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(body: &str) -> Seen {
        Seen { status: 200, body: body.as_bytes().to_vec(), took: Duration::ZERO }
    }

    #[test]
    fn a_version_is_a_word_or_a_field() {
        assert_eq!(seen("v1.4.2\n").word().as_deref(), Some("v1.4.2"));
        assert_eq!(seen("\"1.4.2\"").word().as_deref(), Some("1.4.2"));
        assert_eq!(seen("<html>").word(), None);
        assert_eq!(seen("it works").word(), None);
        assert_eq!(seen("").word(), None);
        assert_eq!(
            seen(r#"{"build": {"version": "1.4.2", "number": 7}}"#).field("/build/version").as_deref(),
            Some("1.4.2")
        );
        assert_eq!(seen(r#"{"build": {"number": 7}}"#).field("/build/number").as_deref(), Some("7"));
        assert_eq!(seen(r#"{"build": {}}"#).field("/build").as_deref(), None);
        assert_eq!(seen("<html>").field("/build"), None);
    }
}
