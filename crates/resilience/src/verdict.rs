//! What a result says about the one who gave it: the classes that breaker and adaptive limit tell apart.

use std::time::Duration;

use http::{Response, StatusCode};

use crate::Rejected;

/// What a result says about the dependency.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It works; this includes answers that say the caller is wrong.
    Success,
    /// It does not work, or not now.
    Failure,
    /// Nothing: the result is counted nowhere, and a trial call may be made again.
    Ignore,
    /// No further call makes sense for some time, whatever the rates: credit used up, key withdrawn.
    Trip {
        /// How long, or as long as the breaker's settings say.
        open_for: Option<Duration>,
    },
}

/// The usual classes of HTTP: 5xx, 408 and 429 are failures; other answers are successes; a rejection by a block of our own
/// that never reached the dependency is ignored; any other error is a failure.
pub fn http<B, E: Rejected>(result: Result<&Response<B>, &E>) -> Verdict {
    match result {
        Ok(answer) if failed(answer.status()) => Verdict::Failure,
        Ok(_) => Verdict::Success,
        Err(error) => error_class(error),
    }
}

/// Any error but a rejection of our own is a failure, any answer a success. For what is not HTTP.
pub fn errors<R, E: Rejected>(result: Result<&R, &E>) -> Verdict {
    match result {
        Ok(_) => Verdict::Success,
        Err(error) => error_class(error),
    }
}

/// What an adaptive limit wants to know: 429, 503, 504 and calls cut off say *too much*; a quick 500 says nothing of load.
pub fn overload<B, E: Rejected>(result: Result<&Response<B>, &E>) -> Verdict {
    match result {
        Ok(answer) => match answer.status() {
            StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE | StatusCode::GATEWAY_TIMEOUT => {
                Verdict::Failure
            }
            status if status.is_server_error() => Verdict::Ignore,
            _ => Verdict::Success,
        },
        Err(error) => error_class(error),
    }
}

fn failed(status: StatusCode) -> bool {
    status.is_server_error() || matches!(status, StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS)
}

fn error_class<E: Rejected>(error: &E) -> Verdict {
    match error.rejection() {
        Some(rejection) if !rejection.reached() => Verdict::Ignore,
        _ => Verdict::Failure,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Error, Rejection};

    #[test]
    fn only_408_and_429_of_the_callers_mistakes_are_failures() {
        let check = |status: u16, expected| {
            let answer = Response::builder().status(status).body(()).unwrap();
            assert_eq!(http::<_, Error<std::io::Error>>(Ok(&answer)), expected, "{status}");
        };
        for status in [200, 204, 301, 400, 401, 402, 403, 404, 409, 422] {
            check(status, Verdict::Success);
        }
        for status in [408, 429, 500, 502, 503, 504] {
            check(status, Verdict::Failure);
        }
    }

    #[test]
    fn what_never_reached_the_dependency_says_nothing_about_it() {
        let check = |error: Error<&str>, expected| assert_eq!(errors::<(), _>(Err(&error)), expected, "{error:?}");
        check(Error::Inner("refused"), Verdict::Failure);
        check(Rejection::TimedOut { after: Duration::from_secs(1) }.into(), Verdict::Failure);
        check(Rejection::BulkheadFull { name: "db" }.into(), Verdict::Ignore);
        check(Rejection::DeadlineExceeded.into(), Verdict::Ignore);
    }

    #[test]
    fn a_quick_500_says_nothing_of_load() {
        let check = |status: u16, expected| {
            let answer = Response::builder().status(status).body(()).unwrap();
            assert_eq!(overload::<_, Error<std::io::Error>>(Ok(&answer)), expected, "{status}");
        };
        check(200, Verdict::Success);
        check(500, Verdict::Ignore);
        check(503, Verdict::Failure);
    }
}
