//! Why a block did not let a call through, or cut it off: one small type for all blocks.

use std::{convert::Infallible, error::Error as StdError, time::Duration};

use http::StatusCode;

use crate::rate_limit::Standing;

/// The answer of a block that did not let a call through, or cut it off.
///
/// Every block gives it as `S::Error: From<Rejection>`, so that a stack of blocks has one error type: `Error<E>` of this
/// crate, tower's `BoxError`, or an own type with `#[from] Rejection`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Rejection {
    /// The breaker is open, or half-open with all its trial calls out.
    #[error("circuit breaker `{name}` is open")]
    BreakerOpen {
        /// The breaker's name.
        name: &'static str,
        /// How long it stays open at least.
        retry_after: Duration,
    },
    /// All slots of the bulkhead are taken, and so are the places in its queue.
    #[error("bulkhead `{name}` is full")]
    BulkheadFull {
        /// The bulkhead's name.
        name: &'static str,
    },
    /// A place in the bulkhead's queue was found, but no slot came free in time.
    #[error("bulkhead `{name}` had no free slot in time")]
    BulkheadWaited {
        /// The bulkhead's name.
        name: &'static str,
    },
    /// The client used up its quota of the endpoint.
    #[error("rate limit `{name}` is used up")]
    RateLimited {
        /// The policy's name.
        name: &'static str,
        /// When the next call is let through.
        retry_after: Duration,
        /// What the headers of the answer say.
        standing: Standing,
    },
    /// More work is under way than may be, for a call of this priority.
    #[error("`{name}` sheds load")]
    Shed {
        /// The shedder's name.
        name: &'static str,
    },
    /// The adaptive limit of concurrent calls is reached.
    #[error("concurrency limit `{name}` is reached")]
    ConcurrencyLimited {
        /// The limiter's name.
        name: &'static str,
    },
    /// The call took longer than its timeout.
    #[error("no answer within {} ms", after.as_millis())]
    TimedOut {
        /// The timeout.
        after: Duration,
    },
    /// The deadline of the whole request is over.
    #[error("the deadline of the request is over")]
    DeadlineExceeded,
}

impl Rejection {
    /// A stable word for programs: error codes of answers, labels of metrics.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::BreakerOpen { .. } => "circuit_open",
            Self::BulkheadFull { .. } => "bulkhead_full",
            Self::BulkheadWaited { .. } => "bulkhead_waited",
            Self::RateLimited { .. } => "rate_limit_exceeded",
            Self::Shed { .. } => "load_shed",
            Self::ConcurrencyLimited { .. } => "concurrency_limited",
            Self::TimedOut { .. } => "timed_out",
            Self::DeadlineExceeded => "deadline_exceeded",
        }
    }

    /// The status of an HTTP answer: 429 is the client's fault, 503 the service's state, 504 a lack of time.
    pub const fn status(&self) -> StatusCode {
        match self {
            Self::RateLimited { .. } => StatusCode::TOO_MANY_REQUESTS,
            Self::TimedOut { .. } | Self::DeadlineExceeded => StatusCode::GATEWAY_TIMEOUT,
            Self::BreakerOpen { .. }
            | Self::BulkheadFull { .. }
            | Self::BulkheadWaited { .. }
            | Self::Shed { .. }
            | Self::ConcurrencyLimited { .. } => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// When it makes sense to come back; nothing for calls that ran out of their own time.
    pub const fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::BreakerOpen { retry_after, .. } | Self::RateLimited { retry_after, .. } => Some(*retry_after),
            Self::BulkheadFull { .. }
            | Self::BulkheadWaited { .. }
            | Self::Shed { .. }
            | Self::ConcurrencyLimited { .. } => Some(Duration::from_secs(1)),
            Self::TimedOut { .. } | Self::DeadlineExceeded => None,
        }
    }

    /// Whether the call may have reached what it was meant for. Only then does it say something about the dependency.
    pub const fn reached(&self) -> bool {
        matches!(self, Self::TimedOut { .. })
    }
}

/// The error of a stack of blocks around a service with errors `E`.
///
/// `ServiceBuilder::map_err(Error::Inner)` at the bottom of the stack makes it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error<E> {
    /// A block did not let the call through, or cut it off.
    #[error(transparent)]
    Rejected(#[from] Rejection),
    /// The service itself failed.
    #[error(transparent)]
    Inner(E),
}

/// Errors that may hold a [`Rejection`].
pub trait Rejected {
    /// The rejection, if that is what the error is.
    fn rejection(&self) -> Option<Rejection>;
}

impl<E> Rejected for Error<E> {
    fn rejection(&self) -> Option<Rejection> {
        match self {
            Self::Rejected(rejection) => Some(*rejection),
            Self::Inner(_) => None,
        }
    }
}

impl Rejected for Rejection {
    fn rejection(&self) -> Option<Self> {
        Some(*self)
    }
}

impl Rejected for Box<dyn StdError + Send + Sync> {
    fn rejection(&self) -> Option<Rejection> {
        self.downcast_ref().copied()
    }
}

impl Rejected for Infallible {
    fn rejection(&self) -> Option<Rejection> {
        match *self {}
    }
}
