//! What can be broken, as data.

use std::{
    num::{NonZeroU32, NonZeroU64},
    time::Duration,
};

use hyper::header::HeaderValue;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::draw::draw;

/// What is longer is a slip of the pen; sums of it stay far from the end of the clock.
pub(super) const LONGEST: Duration = Duration::from_hours(24);

/// One thing that is wrong between a service and its dependency. Times are written as milliseconds.
///
/// Where several of one kind are in force, the newest counts; a reset and a cut are of one kind.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Fault {
    /// As if the process were gone: nobody listens, and open connections are reset.
    Refuse,
    /// Connections are accepted and nothing is ever answered; the dependency hears nothing. What is under way is held and
    /// goes on when the fault ends. A service that closes its side is let go.
    BlackHole,
    /// Connections are reset (RST) after so many more bytes of answers; at 0 at once.
    Reset { after_bytes: u64 },
    /// Connections are closed (FIN) after so many more bytes of answers; at 0 at once.
    Cut { after_bytes: u64 },
    /// Bytes arrive later, in order, and as many at a time as before.
    Latency {
        #[serde(default)]
        to_dependency: Delay,
        #[serde(default)]
        to_service: Delay,
    },
    /// Bytes a second for each connection.
    Bandwidth {
        #[serde(default)]
        to_dependency: Option<NonZeroU64>,
        #[serde(default)]
        to_service: Option<NonZeroU64>,
    },
    /// When one side closes, the other hears of it so much later.
    SlowClose {
        #[serde(with = "milliseconds")]
        delay: Duration,
    },
    /// New connections are greeted in a wrong way, and open ones are closed; only where the service speaks TLS.
    Tls(Greeting),
    /// Some of the requests are answered in a wrong way; only where the dependency speaks HTTP.
    Http {
        #[serde(default)]
        which: Which,
        answer: Break,
    },
}

/// What is wrong with the beginning of a connection with TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Greeting {
    /// The certificate is of the right name and issuer, and was valid years ago.
    Expired,
    /// It is valid, of the right issuer and for another name.
    WrongName,
    /// It is valid, for the right name and from an issuer whom nobody knows.
    Untrusted,
    /// Nothing is answered to the first message.
    Silent,
    /// The connection is closed after the first message.
    Closed,
}

/// A delay of `base`, give or take `jitter` (evenly spread, never below zero).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Delay {
    #[serde(with = "milliseconds")]
    pub base: Duration,
    #[serde(with = "milliseconds")]
    pub jitter: Duration,
}

impl Delay {
    /// For a draw from 0 up to 1.
    pub(super) fn at(self, draw: f64) -> Duration {
        (self.base + self.jitter.mul_f64(2.0 * draw)).saturating_sub(self.jitter)
    }
}

/// Which requests, counted from the moment in which the fault began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Which {
    #[default]
    All,
    /// So many, and none after them.
    First(u32),
    /// The n-th, the 2n-th, …
    Every(NonZeroU32),
    /// A share from 0 to 1; the same seed takes the same ones.
    Fraction { share: f64, seed: u64 },
}

impl Which {
    /// Whether the request of this number is one of them; the first is 1.
    pub(super) fn takes(self, number: u64) -> bool {
        match self {
            Self::All => true,
            Self::First(count) => number <= u64::from(count),
            Self::Every(nth) => number.is_multiple_of(u64::from(nth.get())),
            Self::Fraction { share, seed } => draw(seed, number) < share,
        }
    }
}

/// How a request is answered in a wrong way.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Break {
    /// With this status, without asking the dependency.
    Status {
        code: u16,
        #[serde(default)]
        retry_after: Option<RetryAfter>,
    },
    /// The same with a body of JSON, to requests of this path; at its end, `*` stands for anything.
    Written {
        path: String,
        code: u16,
        #[serde(default)]
        retry_after: Option<RetryAfter>,
        body: String,
    },
    /// The head of the answer comes so much later than the dependency gave it.
    SlowHeaders {
        #[serde(with = "milliseconds")]
        delay: Duration,
    },
    /// The body comes in pieces, and a wait stands before each.
    SlowBody {
        piece: NonZeroU32,
        #[serde(with = "milliseconds")]
        every: Duration,
    },
    /// The connection (in HTTP/2, the stream) breaks after so many bytes of the body, and at least one byte before its end.
    TruncatedBody { after_bytes: u64 },
    /// The body is replaced by bytes that are neither text, nor JSON, nor XML.
    MalformedBody,
    /// The body is right, what is said about it is not.
    WrongContentType { content_type: String },
}

/// The two forms of `Retry-After`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RetryAfter {
    Seconds(u32),
    /// The date that is so many seconds after the answer.
    DateInSeconds(u32),
}

/// Why a fault cannot be put in force.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum FaultError {
    #[error("{0} is no status of an answer: from 200 to 599")]
    Status(u16),
    #[error("`{0}` cannot stand in a header")]
    ContentType(String),
    #[error("a share of {0} is not from 0 to 1")]
    Share(f64),
    #[error("a time of {0:?} is longer than a day")]
    Time(Duration),
    #[error("a fault of HTTP cannot be put between a service and a dependency whose protocol the proxy does not read")]
    NotHttp,
    #[error("a fault of TLS cannot be put between a service and a dependency that it reaches without TLS")]
    NotTls,
    #[error("the proxy did not come to make the change")]
    Late,
    #[error("the proxy has ended")]
    Ended,
}

impl Fault {
    /// Whether the proxy can do it.
    pub(super) fn check(&self) -> Result<(), FaultError> {
        let times = match self {
            Self::Latency { to_dependency, to_service } => {
                vec![to_dependency.base, to_dependency.jitter, to_service.base, to_service.jitter]
            }
            Self::SlowClose { delay: time }
            | Self::Http { answer: Break::SlowHeaders { delay: time } | Break::SlowBody { every: time, .. }, .. } => {
                vec![*time]
            }
            _ => Vec::new(),
        };
        if let Some(time) = times.into_iter().find(|time| *time > LONGEST) {
            return Err(FaultError::Time(time));
        }
        let Self::Http { which, answer } = self else { return Ok(()) };
        if let Which::Fraction { share, .. } = which
            && !(0.0..=1.0).contains(share)
        {
            return Err(FaultError::Share(*share));
        }
        match answer {
            Break::Status { code, .. } | Break::Written { code, .. } if !(200..600).contains(code) => {
                Err(FaultError::Status(*code))
            }
            Break::WrongContentType { content_type } if HeaderValue::from_str(content_type).is_err() => {
                Err(FaultError::ContentType(content_type.clone()))
            }
            _ => Ok(()),
        }
    }
}

/// A time as a whole number of milliseconds.
pub(super) mod milliseconds {
    use std::time::Duration;

    use serde::{Deserialize as _, Deserializer, Serializer};

    pub(in crate::proxy) fn serialize<S: Serializer>(time: &Duration, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_u64(u64::try_from(time.as_millis()).unwrap_or(u64::MAX))
    }

    pub(in crate::proxy) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Duration, D::Error> {
        let found = u64::deserialize(from)?;
        let time = Duration::from_millis(found);
        if time > super::LONGEST {
            return Err(serde::de::Error::custom(format_args!("{found} ms is more than a day")));
        }
        Ok(time)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_which(which: Which, expect: &[u64]) {
        assert_eq!((1..=10).filter(|number| which.takes(*number)).collect::<Vec<_>>(), expect);
    }

    #[test]
    fn requests_are_chosen_by_their_number() {
        check_which(Which::All, &[1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
        check_which(Which::First(3), &[1, 2, 3]);
        check_which(Which::First(0), &[]);
        check_which(Which::Every(NonZeroU32::new(4).unwrap()), &[4, 8]);
        check_which(Which::Fraction { share: 0.0, seed: 1 }, &[]);
        check_which(Which::Fraction { share: 1.0, seed: 1 }, &[1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    }

    #[test]
    fn a_delay_stays_within_its_jitter_and_above_zero() {
        let milliseconds = Duration::from_millis;
        let delay = Delay { base: milliseconds(100), jitter: milliseconds(20) };
        assert_eq!([delay.at(0.0), delay.at(0.5), delay.at(1.0)], [80, 100, 120].map(milliseconds));
        let more = Delay { base: milliseconds(10), jitter: milliseconds(30) };
        assert_eq!([more.at(0.0), more.at(1.0)], [0, 40].map(milliseconds));
    }

    #[track_caller]
    fn check_error(fault: &Fault, expect: &FaultError) {
        assert_eq!(fault.check().as_ref(), Err(expect));
    }

    #[test]
    fn what_cannot_be_done_is_said_before_it_begins() {
        let http = |which, answer| Fault::Http { which, answer };
        check_error(&http(Which::All, Break::Status { code: 101, retry_after: None }), &FaultError::Status(101));
        check_error(&http(Which::Fraction { share: 1.5, seed: 0 }, Break::MalformedBody), &FaultError::Share(1.5));
        check_error(&Fault::SlowClose { delay: Duration::MAX }, &FaultError::Time(Duration::MAX));
        let delay = Delay { base: Duration::ZERO, jitter: Duration::MAX };
        let late = Fault::Latency { to_dependency: Delay::default(), to_service: delay };
        check_error(&late, &FaultError::Time(Duration::MAX));
        let content_type = "text/\nplain".to_owned();
        check_error(
            &http(Which::All, Break::WrongContentType { content_type: content_type.clone() }),
            &FaultError::ContentType(content_type),
        );
    }
}
