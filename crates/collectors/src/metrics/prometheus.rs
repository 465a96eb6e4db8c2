//! The HTTP API of Prometheus, and of what speaks it: Thanos, Mimir, `VictoriaMetrics`.

use std::sync::Arc;

use gonogo_resilience::retry::{self, RetryPolicy, Settings};
use serde::{Deserialize, de::DeserializeOwned};
use tower::{Service as _, ServiceBuilder, retry::budget::TpsBudget};

use super::{
    answer::{self, Envelope, Outcome, Point},
    http::{Address, Body, Http, Limits, fate},
    {Alert, Answer, MetricsTrouble, Number, RuleGroup, Sample, Series, Target},
};

/// Points of a series that Prometheus gives at most.
const MOST_POINTS: f64 = 11_000.0;

/// A Prometheus that can be asked. Every question is a read, so that it is asked again where it may get an answer a moment
/// later; all questions together share a budget for that.
#[derive(Clone, Debug)]
pub struct Prometheus {
    http: Http,
    again: Arc<TpsBudget>,
}

/// What is asked.
#[derive(Clone, Debug)]
enum Question {
    Read(&'static str),
    /// A query may be longer than an address may be.
    Form(&'static str, Vec<(&'static str, String)>),
}

impl Prometheus {
    pub fn new(address: Address, limits: Limits) -> Result<Self, MetricsTrouble> {
        Ok(Self { http: Http::new(address, limits)?, again: retry::budget() })
    }

    /// Where it is asked: for messages and records.
    pub fn address(&self) -> String {
        self.http.address.to_string()
    }

    /// The query at a moment (seconds since 1970; none: now, by the server's clock). A scalar is a sample without labels.
    pub async fn instant(&self, query: &str, at: Option<f64>) -> Result<Answer<Vec<Sample>>, MetricsTrouble> {
        let mut form = vec![("query", query.to_owned()), ("timeout", self.patience())];
        form.extend(at.map(|at| ("time", seconds(at))));
        let answer: Answer<Outcome> = self.ask(Question::Form("api/v1/query", form)).await?;
        let value = match answer.value {
            Outcome::Vector(samples) => samples
                .into_iter()
                // A native histogram is no number, and to leave it out would make an empty answer of it.
                .map(|raw| {
                    let point = raw.value.ok_or_else(|| self.http.unreadable("a native histogram is no number"))?;
                    let (at, value) = self.point(&point)?;
                    Ok(Sample { labels: raw.metric, at, value })
                })
                .collect::<Result<_, _>>()?,
            Outcome::Scalar(point) => {
                let (at, value) = self.point(&point)?;
                vec![Sample { labels: std::collections::BTreeMap::new(), at, value }]
            }
            Outcome::Matrix(_) => return Err(self.http.unreadable("the query gives a range: take the `[…]` away")),
            Outcome::String(_) => return Err(self.http.unreadable("the query gives a text")),
        };
        Ok(Answer { value, warnings: answer.warnings })
    }

    /// The one number that the query should give.
    pub async fn number(&self, query: &str, at: Option<f64>) -> Result<Answer<Number>, MetricsTrouble> {
        let Answer { value, warnings } = self.instant(query, at).await?;
        Ok(Answer { value: Number::of(&value), warnings })
    }

    /// The query from `start` to `end` (seconds since 1970) every `step` seconds. A range of more points than Prometheus
    /// gives at once is asked for in pieces.
    pub async fn range(
        &self,
        query: &str,
        start: f64,
        end: f64,
        step: f64,
    ) -> Result<Answer<Vec<Series>>, MetricsTrouble> {
        if !(step > 0.0 && start.is_finite() && end.is_finite() && start <= end) {
            return Err(self.http.unreadable("a range needs a start before its end and a step"));
        }
        if (end - start) / step > 100.0 * MOST_POINTS {
            return Err(MetricsTrouble::TooMuch { url: self.address(), bytes: self.http.limits.bytes });
        }
        let mut all: Answer<Vec<Series>> = Answer { value: Vec::new(), warnings: Vec::new() };
        let mut from = start;
        while from <= end {
            let to = end.min(from + (MOST_POINTS - 1.0) * step);
            let form = vec![
                ("query", query.to_owned()),
                ("start", seconds(from)),
                ("end", seconds(to)),
                ("step", seconds(step)),
                ("timeout", self.patience()),
            ];
            let piece: Answer<Outcome> = self.ask(Question::Form("api/v1/query_range", form)).await?;
            let Outcome::Matrix(series) = piece.value else {
                return Err(self.http.unreadable("a range was asked for, and none came"));
            };
            for raw in series {
                let points = raw.values.iter().map(|point| self.point(point)).collect::<Result<Vec<_>, _>>()?;
                match all.value.iter_mut().find(|known| known.labels == raw.metric) {
                    Some(known) => known.points.extend(points),
                    None => all.value.push(Series { labels: raw.metric, points }),
                }
            }
            all.warnings.extend(piece.warnings);
            from = to + step;
        }
        all.warnings.sort();
        all.warnings.dedup();
        Ok(all)
    }

    /// The series that match a selector between two moments (seconds since 1970).
    pub async fn series(
        &self,
        selector: &str,
        start: f64,
        end: f64,
    ) -> Result<Answer<Vec<std::collections::BTreeMap<String, String>>>, MetricsTrouble> {
        let form = vec![("match[]", selector.to_owned()), ("start", seconds(start)), ("end", seconds(end))];
        self.ask(Question::Form("api/v1/series", form)).await
    }

    /// The values of a label among the series that match, between two moments (seconds since 1970).
    pub async fn label_values(
        &self,
        label: &str,
        selector: &str,
        start: f64,
        end: f64,
    ) -> Result<Answer<Vec<String>>, MetricsTrouble> {
        let Answer { value, warnings } = self.series(selector, start, end).await?;
        let mut values: Vec<String> = value.into_iter().filter_map(|mut labels| labels.remove(label)).collect();
        values.sort();
        values.dedup();
        Ok(Answer { value: values, warnings })
    }

    /// The groups of rules that are loaded, with what became of their last evaluation.
    pub async fn rules(&self) -> Result<Answer<Vec<RuleGroup>>, MetricsTrouble> {
        #[derive(Deserialize)]
        struct Data {
            #[serde(default)]
            groups: Vec<RuleGroup>,
        }
        let answer: Answer<Data> = self.ask(Question::Read("api/v1/rules")).await?;
        Ok(Answer { value: answer.value.groups, warnings: answer.warnings })
    }

    /// The alerts that are pending or fire.
    pub async fn alerts(&self) -> Result<Answer<Vec<Alert>>, MetricsTrouble> {
        #[derive(Deserialize)]
        struct Data {
            #[serde(default)]
            alerts: Vec<Alert>,
        }
        let answer: Answer<Data> = self.ask(Question::Read("api/v1/alerts")).await?;
        Ok(Answer { value: answer.value.alerts, warnings: answer.warnings })
    }

    /// What is scraped.
    pub async fn targets(&self) -> Result<Answer<Vec<Target>>, MetricsTrouble> {
        #[derive(Deserialize)]
        struct Data {
            #[serde(default, rename = "activeTargets")]
            active: Vec<Target>,
        }
        let answer: Answer<Data> = self.ask(Question::Read("api/v1/targets")).await?;
        Ok(Answer { value: answer.value.active, warnings: answer.warnings })
    }

    async fn ask<T: DeserializeOwned>(&self, question: Question) -> Result<Answer<T>, MetricsTrouble> {
        let settings = Settings { overall: self.http.limits.time, ..Settings::default() };
        let policy = RetryPolicy::new(settings, Arc::clone(&self.again), |_| true, fate);
        let send = |question: Question| async move {
            let request = match &question {
                Question::Read(path) => self.http.get(path),
                Question::Form(path, form) => self.http.post(path).form(form),
            };
            self.http.send(request).await
        };
        let body = ServiceBuilder::new().retry(policy).service_fn(send).call(question).await?;
        self.open(&body)
    }

    fn open<T: DeserializeOwned>(&self, body: &Body) -> Result<Answer<T>, MetricsTrouble> {
        let refused = |kind: &str, reason: &str| MetricsTrouble::Refused {
            url: self.address(),
            status: body.status,
            kind: kind.to_owned(),
            reason: reason.chars().take(500).collect(),
        };
        let envelope: Envelope<T> = match serde_json::from_slice(&body.bytes) {
            Ok(envelope) => envelope,
            Err(_) if body.status != 200 => {
                let text = String::from_utf8_lossy(&body.bytes);
                return Err(refused("", text.lines().next().unwrap_or("no reason given")));
            }
            Err(error) => {
                return Err(self.http.unreadable(format!("{error}; is it the address of a Prometheus?")));
            }
        };
        if envelope.status != "success" {
            return Err(refused(&envelope.error_type, &envelope.error));
        }
        let mut warnings = envelope.warnings;
        warnings.extend(envelope.infos);
        match envelope.data {
            Some(value) => Ok(Answer { value, warnings }),
            None => Err(self.http.unreadable("it is a success without data")),
        }
    }

    fn point(&self, (at, value): &Point) -> Result<(f64, f64), MetricsTrouble> {
        let number = answer::number(value).ok_or_else(|| self.http.unreadable(format!("`{value}` is no number")))?;
        Ok((*at, number))
    }

    /// The server may give up when we have.
    fn patience(&self) -> String {
        format!("{}ms", self.http.limits.time.as_millis())
    }
}

/// A time or a length as the API reads it.
fn seconds(value: f64) -> String {
    format!("{value:.3}")
}
