//! What a run came to.

use std::{collections::BTreeMap, time::Duration};

use serde::{Deserialize, Serialize};

/// How a request ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Ended {
    /// With this status; the body was read to its end.
    Answered(u16),
    /// With a status of success, and a body that says that nothing of it succeeded.
    Erred(u16),
    /// Nobody took the connection.
    Refused,
    /// The connection broke before the answer was complete.
    Broken,
    /// The answer was not complete in time.
    TimedOut,
    /// The run ended first.
    Unfinished,
    /// What came back is no HTTP.
    Malformed,
}

impl Ended {
    /// The status of the answer; none where no full answer came.
    pub fn status(self) -> Option<u16> {
        match self {
            Self::Answered(status) | Self::Erred(status) => Some(status),
            _ => None,
        }
    }

    /// Whether a user would be content: an answer below 400.
    pub fn good(self) -> bool {
        matches!(self, Self::Answered(status) if status < 400)
    }

    /// The answer of somebody who has too much to do.
    pub fn refused(self) -> bool {
        matches!(self, Self::Answered(429 | 503))
    }

    pub fn word(self) -> String {
        match self {
            Self::Answered(status) => status.to_string(),
            Self::Erred(status) => format!("{status}-with-errors"),
            Self::Refused => "refused".to_owned(),
            Self::Broken => "broken".to_owned(),
            Self::TimedOut => "timed-out".to_owned(),
            Self::Unfinished => "unfinished".to_owned(),
            Self::Malformed => "malformed".to_owned(),
        }
    }
}

/// Everything that is known about a run. Times are in microseconds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    /// How many requests were due before the run ended.
    pub due: u64,
    pub sent: u64,
    /// Those that were due and never sent: all connections waited for answers.
    pub dropped: u64,
    pub seconds: f64,
    /// Requests a second that were asked for, and that were answered.
    pub asked_rate: f64,
    pub answered_rate: f64,
    pub connections: u64,
    pub bytes_received: u64,
    /// How requests ended: a status, `200-with-errors`, `refused`, `broken`, `timed-out`, `unfinished`, `malformed`.
    pub ended: BTreeMap<String, u64>,
    /// The share of requests that a user would not be content with, of all that were due.
    pub error_ratio: f64,
    /// From the time at which a request was due, all requests. What did not end well counts with the time that is known
    /// to have passed.
    pub latency: Latency,
    /// The same of those that ended well.
    pub good_latency: Latency,
    /// The same of those that were answered 429 or 503.
    pub refused_latency: Latency,
    /// From the real sending to the last byte.
    pub service_time: Latency,
    /// How late requests were sent: a slow generator, or no free connection.
    pub send_delay: Latency,
    /// Answers and latency by the second in which they were due.
    pub series: Vec<Second>,
    /// It was stopped before its time.
    pub stopped: bool,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Latency {
    pub count: u64,
    pub mean: f64,
    pub max: u64,
    pub percentiles: Vec<Percentile>,
}

impl Latency {
    /// A percentile as it was measured, whether it says something or not.
    pub fn percentile(&self, quantile: f64) -> Option<&Percentile> {
        self.percentiles.iter().find(|one| (one.quantile - quantile).abs() < 1e-9)
    }

    /// The value of a percentile; none where too few requests were measured to say.
    pub fn at(&self, quantile: f64) -> Option<Duration> {
        let found = self.percentile(quantile)?;
        found.enough.then(|| Duration::from_micros(found.value))
    }
}

/// The smallest value that this share of the requests does not exceed: the one at place ⌈q·n⌉.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Percentile {
    pub quantile: f64,
    pub value: u64,
    /// Between these it lies in 95 of a hundred such runs, if requests are independent of each other: values at the places
    /// q·n ± 1.96·√(n·q·(1 − q)).
    pub low: u64,
    pub high: u64,
    /// How many were slower.
    pub beyond: u64,
    /// Fewer than 10/(1 − q) requests say nothing of the quantile q.
    pub enough: bool,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Second {
    pub due: u64,
    pub good: u64,
    pub bad: u64,
    /// The largest latency of what was due in it.
    pub max: u64,
}
