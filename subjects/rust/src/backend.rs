//! Calls of the backend: bounded, repeated with care, behind a breaker.

use std::time::Duration;

use anyhow::bail;
use reqwest::{Client, Method, Response, StatusCode, header::RETRY_AFTER};
use tokio::time::{Instant, sleep, timeout};

use crate::{
    breaker::{Breaker, Verdict},
    faults::Faults,
};

/// For all attempts together, and for each of them.
const ALL: Duration = Duration::from_secs(2);
const EACH: Duration = Duration::from_millis(700);

/// How often a call is made at most.
const ATTEMPTS: u32 = 3;
const FIRST_WAIT: Duration = Duration::from_millis(60);

pub(crate) struct Backend {
    client: Client,
    address: String,
    breaker: Breaker,
    faults: Faults,
}

enum Failed {
    /// It may be tried again, not before this.
    ForNow(Option<Duration>),
    For(anyhow::Error),
}

impl Backend {
    pub(crate) fn new(address: &str, faults: &Faults) -> anyhow::Result<Self> {
        let mut client = Client::builder();
        if faults.has("timeout-on-connect-only") {
            client = client.connect_timeout(EACH);
        } else if faults.has("timeout-between-bytes-only") {
            // Slower than the pieces of a body that trickles.
            client = client.connect_timeout(EACH).read_timeout(Duration::from_millis(1500));
        } else if !faults.has("no-timeout") {
            client = client.timeout(EACH);
        }
        let address = address.trim_end_matches('/').to_owned();
        Ok(Self { client: client.build()?, address, breaker: Breaker::new(faults), faults: faults.clone() })
    }

    pub(crate) async fn get(&self, path: &str) -> anyhow::Result<String> {
        self.bounded(self.call(Method::GET, path, String::new())).await
    }

    pub(crate) async fn post(&self, path: &str, body: String) -> anyhow::Result<String> {
        self.bounded(self.call(Method::POST, path, body)).await
    }

    /// Whether it answers, asked past the breaker.
    pub(crate) async fn answers(&self) -> bool {
        let asked = self.client.get(format!("{}/ping", self.address)).send();
        matches!(timeout(Duration::from_millis(500), asked).await, Ok(Ok(answer)) if answer.status().is_success())
    }

    async fn bounded(&self, call: impl Future<Output = anyhow::Result<String>>) -> anyhow::Result<String> {
        let unbounded = ["no-timeout", "timeout-on-connect-only", "timeout-between-bytes-only", "retry-without-end"];
        if unbounded.iter().any(|fault| self.faults.has(fault)) {
            return call.await;
        }
        timeout(ALL, call).await?
    }

    async fn call(&self, method: Method, path: &str, body: String) -> anyhow::Result<String> {
        let begin = Instant::now();
        let may_repeat = method != Method::POST || self.faults.has("retry-repeats-post");
        let attempts = match () {
            () if !may_repeat || self.faults.has("no-retry") => 1,
            () if self.faults.has("retry-without-end") => 40,
            () => ATTEMPTS,
        };
        let mut attempt = 0;
        loop {
            attempt += 1;
            let Some(permit) = self.breaker.admit() else { bail!("the breaker is open") };
            let result = self.once(method.clone(), path, body.clone()).await;
            self.breaker.settle(&permit, if result.is_ok() { Verdict::Good } else { Verdict::Bad });
            let after = match result {
                Ok(body) => return Ok(body),
                Err(Failed::For(error)) => return Err(error),
                Err(Failed::ForNow(_)) if attempt >= attempts => bail!("{attempt} attempts failed"),
                Err(Failed::ForNow(after)) => after,
            };
            let wait = self.wait(attempt).max(after.unwrap_or_default());
            if begin.elapsed() + wait > ALL && !self.faults.has("retry-without-end") {
                bail!("no time is left");
            }
            sleep(wait).await;
        }
    }

    fn wait(&self, attempt: u32) -> Duration {
        let grown = if self.faults.has("retry-without-growth") || self.faults.has("retry-without-end") {
            FIRST_WAIT
        } else {
            FIRST_WAIT * 2_u32.saturating_pow(attempt - 1)
        };
        if self.faults.has("retry-without-jitter") { grown } else { grown.mul_f64(fastrand::f64()) }
    }

    async fn once(&self, method: Method, path: &str, body: String) -> Result<String, Failed> {
        let request = self.client.request(method, format!("{}{path}", self.address)).body(body);
        let answer = request.send().await.map_err(|_| Failed::ForNow(None))?;
        let status = answer.status();
        if status == StatusCode::TOO_MANY_REQUESTS || status.is_server_error() {
            let after = retry_after(&answer).filter(|_| !self.faults.has("retry-ignores-retry-after"));
            let after = if self.faults.has("waits-half-as-long") { after.map(|after| after / 2) } else { after };
            return Err(Failed::ForNow(after));
        }
        if !status.is_success() {
            let word = if self.faults.has("refused-unknown") { "unknown" } else { "refused:" };
            return Err(Failed::For(anyhow::anyhow!("{word} {status}")));
        }
        answer.text().await.map_err(|_| Failed::ForNow(None))
    }
}

fn retry_after(answer: &Response) -> Option<Duration> {
    answer.headers().get(RETRY_AFTER)?.to_str().ok()?.parse().ok().map(Duration::from_secs)
}
