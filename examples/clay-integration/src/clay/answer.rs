//! What an answer of Clay means: field by field the table of its errors. It has no stable codes, the status is the category.

use std::time::{Duration, SystemTime};

use bytes::Bytes;
use gonogo_resilience::{Error, Verdict, retry::retry_after, verdict};
use http::{Response, StatusCode};
use jiff::Timestamp;
use serde::{Deserialize, de::DeserializeOwned};

pub type Answer = Response<Bytes>;
pub type Fault = Error<reqwest::Error>;

/// Why there is no result, in the classes that need different reactions.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// 400, 404, 413, 422 and what Clay has never answered before: the same call again ends the same way.
    #[error("clay answered {0}")]
    Permanent(u16),
    /// 401, 403: nothing works until somebody changes the key or its rights.
    #[error("clay refuses the key ({0})")]
    Refused(u16),
    /// 402: nothing works until the credits are reset.
    #[error("the credits are used up")]
    Credits,
    /// 429: not accepted, and Clay says when to come back.
    #[error("clay limits the rate")]
    Limited(Duration),
    /// Certainly not accepted: no connection was made, a breaker of our own is open, or 503.
    #[error("clay is away: {0}")]
    Away(&'static str),
    /// No answer, or a 5xx that may have come after the run was taken. A charging call must not be repeated.
    #[error("nobody knows whether clay has it ({0})")]
    Uncertain(u16),
    /// 2xx with a body that is not what Clay documents.
    #[error("the answer cannot be read")]
    Unreadable,
}

impl Failure {
    /// A stable word for reports.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Permanent(_) | Self::Unreadable => "unexpected_answer",
            Self::Refused(_) => "key_refused",
            Self::Credits => "no_credits",
            Self::Limited(_) => "rate_limited",
            Self::Away(reason) => reason,
            Self::Uncertain(_) => "no_answer",
        }
    }
}

/// The body of a good answer. Errors: the class of every other one.
pub fn read<T: DeserializeOwned>(result: &Result<Answer, Fault>) -> Result<(StatusCode, T), Failure> {
    let answer = match result {
        Ok(answer) => answer,
        Err(Error::Rejected(rejection)) if !rejection.reached() => return Err(Failure::Away(rejection.code())),
        Err(Error::Inner(error)) if error.is_connect() => return Err(Failure::Away("no_connection")),
        Err(_) => return Err(Failure::Uncertain(0)),
    };
    let status = answer.status();
    Err(match status.as_u16() {
        200..=299 => {
            let body = serde_json::from_slice(answer.body()).map_err(|_| Failure::Unreadable)?;
            return Ok((status, body));
        }
        401 | 403 => Failure::Refused(status.as_u16()),
        402 => Failure::Credits,
        429 => Failure::Limited(pause(answer)),
        503 => Failure::Away("unavailable"),
        500..=599 => Failure::Uncertain(status.as_u16()),
        other => Failure::Permanent(other),
    })
}

/// How long a 429 asks to wait: a second where it does not say, an hour at most.
pub fn pause(answer: &Answer) -> Duration {
    let asked = retry_after(answer.headers(), SystemTime::now());
    asked.unwrap_or(Duration::from_secs(1)).min(Duration::from_hours(1))
}

/// For the breaker of outages: 5xx, timeouts and lost connections. 429 slows the pace and opens nothing.
pub fn outage(result: Result<&Answer, &Fault>) -> Verdict {
    match result {
        Ok(answer) if answer.status() == StatusCode::TOO_MANY_REQUESTS => Verdict::Ignore,
        other => verdict::http(other),
    }
}

/// For the breaker of access: one refused key is enough.
pub fn access(result: Result<&Answer, &Fault>) -> Verdict {
    match result.map(|answer| answer.status().as_u16()) {
        Ok(401 | 403) => Verdict::Trip { open_for: None },
        Ok(200..=299) => Verdict::Success,
        _ => Verdict::Ignore,
    }
}

/// For the breaker of credits: one 402 is enough, until they are reset.
pub fn credits(result: Result<&Answer, &Fault>) -> Verdict {
    match result.map(|answer| (answer.status().as_u16(), answer)) {
        Ok((402, answer)) => Verdict::Trip { open_for: resets_in(answer) },
        Ok((200..=299, _)) => Verdict::Success,
        _ => Verdict::Ignore,
    }
}

#[derive(Deserialize)]
struct NoCredits {
    resets_at: Option<Timestamp>,
    quota: Option<Quota>,
}

#[derive(Deserialize)]
struct Quota {
    resets_at: Option<Timestamp>,
}

fn resets_in(answer: &Answer) -> Option<Duration> {
    let body: NoCredits = serde_json::from_slice(answer.body()).ok()?;
    let at = body.quota.and_then(|quota| quota.resets_at).or(body.resets_at)?;
    Duration::try_from(at.duration_since(Timestamp::now())).ok()
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    fn answer(status: u16, body: &'static str) -> Answer {
        let response = Response::builder().status(status).header("retry-after", "7");
        response.body(Bytes::from_static(body.as_bytes())).unwrap()
    }

    fn check(status: u16, body: &'static str, expected: &Result<(), Failure>) {
        assert_eq!(&read::<Value>(&Ok(answer(status, body))).map(drop), expected, "{status}");
    }

    #[test]
    fn every_status_of_the_table_has_its_class() {
        for status in [400, 404, 413, 418, 422] {
            check(status, "{}", &Err(Failure::Permanent(status)));
        }
        check(200, "{}", &Ok(()));
        check(202, "{}", &Ok(()));
        check(200, "<html>", &Err(Failure::Unreadable));
        check(401, "{}", &Err(Failure::Refused(401)));
        check(402, "{}", &Err(Failure::Credits));
        check(403, "{}", &Err(Failure::Refused(403)));
        check(429, "{}", &Err(Failure::Limited(Duration::from_secs(7))));
        check(500, "{}", &Err(Failure::Uncertain(500)));
        check(503, "{}", &Err(Failure::Away("unavailable")));
    }

    #[test]
    fn each_breaker_trips_for_its_own_class_only() {
        let verdicts = |status| {
            let answer = answer(status, r#"{"quota":{"resets_at":"2000-01-01T00:00:00Z"}}"#);
            [outage(Ok(&answer)), access(Ok(&answer)), credits(Ok(&answer))]
        };
        let trip = Verdict::Trip { open_for: None };
        assert_eq!(verdicts(200), [Verdict::Success; 3]);
        assert_eq!(verdicts(401), [Verdict::Success, trip, Verdict::Ignore]);
        assert_eq!(verdicts(402), [Verdict::Success, Verdict::Ignore, trip]);
        assert_eq!(verdicts(429), [Verdict::Ignore; 3]);
        assert_eq!(verdicts(500), [Verdict::Failure, Verdict::Ignore, Verdict::Ignore]);
    }
}
