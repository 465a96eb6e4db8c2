//! A service's own `/metrics`, scraped as Prometheus would scrape it.

use gonogo_formats::exposition::Exposition;

use super::{
    MetricsTrouble,
    http::{Address, Http, Limits},
};

/// An endpoint that says what a service counted.
#[derive(Clone, Debug)]
pub struct Endpoint {
    http: Http,
}

impl Endpoint {
    /// The whole address: `http://127.0.0.1:8080/metrics`.
    pub fn new(address: Address, limits: Limits) -> Result<Self, MetricsTrouble> {
        Ok(Self { http: Http::new(address, limits)? })
    }

    pub fn address(&self) -> String {
        self.http.address.to_string()
    }

    /// What it says now.
    pub async fn scrape(&self) -> Result<Exposition, MetricsTrouble> {
        let request = self.http.get("").header("accept", "text/plain;version=0.0.4;q=1,*/*;q=0.1");
        let body = self.http.send(request).await?;
        if body.status != 200 {
            return Err(MetricsTrouble::Refused {
                url: self.address(),
                status: body.status,
                kind: String::new(),
                reason: "metrics are served with status 200".to_owned(),
            });
        }
        let text = std::str::from_utf8(&body.bytes).map_err(|_| self.http.unreadable("it is no text"))?;
        Exposition::read(text).map_err(|reason| self.http.unreadable(reason))
    }
}
