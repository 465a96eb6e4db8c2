//! The trace of a request at its dependencies and in its log lines.

use serde::{Deserialize, Serialize};

use super::Answer;
use crate::Message;

/// Requests that carry a `traceparent`, one kind after the other.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tracing {
    pub requests: Vec<Traced>,
}

/// Requests of one kind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Traced {
    pub request: String,
    pub sent: u64,
    /// By dependency that speaks HTTP.
    pub calls: Vec<TracedCalls>,
    /// Requests whose trace id stands in a line; none where nothing can be read of its logs.
    pub logged: Option<u64>,
}

/// Calls that these requests caused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TracedCalls {
    pub dependency: String,
    pub calls: u64,
    /// With a `traceparent` of the trace of its request.
    pub same_trace: u64,
    /// Of these, those whose span is the caller's: the header was passed through.
    pub same_span: u64,
}

impl Tracing {
    pub(super) fn answers(&self) -> Vec<Answer> {
        let mut answers = Vec::new();
        let of_calls: Vec<(&Traced, &TracedCalls)> =
            self.requests.iter().flat_map(|one| one.calls.iter().map(move |calls| (one, calls))).collect();
        let calls: u64 = of_calls.iter().map(|(_, one)| one.calls).sum();
        let own: u64 = of_calls.iter().map(|(_, one)| one.same_trace.saturating_sub(one.same_span)).sum();
        answers.push(if calls == 0 {
            let why = Message::new("no call to a dependency was seen", "没有观察到对依赖的调用");
            Answer::inconclusive("observability.tracing", why)
        } else {
            let summary = Message::new(
                format!(
                    "{own} of {calls} calls to dependencies carry the trace of their request with a span of the service"
                ),
                format!("{calls} 次依赖调用中有 {own} 次带有同一追踪及服务自己的 span"),
            );
            let misses = of_calls.iter().filter_map(|(request, calls)| calls.miss(&request.request)).collect();
            Answer::of("observability.tracing", summary, misses)
        });
        let read: Vec<(&Traced, u64)> = self.requests.iter().filter_map(|one| Some((one, one.logged?))).collect();
        if !read.is_empty() {
            let (sent, logged) =
                read.iter().fold((0, 0), |(sent, logged), (one, lines)| (sent + one.sent, logged + lines));
            let summary = Message::new(
                format!("the trace id stands in the log lines of {logged} of {sent} requests"),
                format!("{sent} 个请求中 {logged} 个的日志带有追踪 ID"),
            );
            let miss = |(one, lines): &(&Traced, u64)| {
                (*lines < one.sent).then(|| {
                    let lost = one.sent - lines;
                    Message::new(
                        format!("no line holds the trace id of {lost} of {} requests {}", one.sent, one.request),
                        format!("{} 个 {} 请求中有 {lost} 个的追踪 ID 不在日志中", one.sent, one.request),
                    )
                })
            };
            answers.push(Answer::of("observability.correlated", summary, read.iter().filter_map(miss).collect()));
        }
        answers
    }
}

impl TracedCalls {
    fn miss(&self, request: &str) -> Option<Message> {
        let Self { dependency, calls, same_trace, same_span } = self;
        if same_trace < calls {
            let lost = calls - same_trace;
            return Some(Message::new(
                format!("{lost} of {calls} calls of {request} to {dependency} are not of its trace"),
                format!("{request} 对 {dependency} 的 {calls} 次调用中有 {lost} 次不属于同一追踪"),
            ));
        }
        (*same_span > 0).then(|| {
            Message::new(
                format!("{same_span} of {calls} calls of {request} to {dependency} carry the span of the caller: the header is passed through, and the service has no span"),
                format!("{request} 对 {dependency} 的 {calls} 次调用中有 {same_span} 次沿用调用方的 span：仅透传请求头，服务没有自己的 span"),
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exercise::Held;

    #[track_caller]
    fn check(calls: [u64; 3], logged: Option<u64>, expect: &[Held]) {
        let [calls, same_trace, same_span] = calls;
        let calls = vec![TracedCalls { dependency: "crm".to_owned(), calls, same_trace, same_span }];
        let tracing = Tracing { requests: vec![Traced { request: "GET /a".to_owned(), sent: 4, calls, logged }] };
        assert_eq!(tracing.answers().iter().map(|one| one.held).collect::<Vec<_>>(), expect);
    }

    #[test]
    fn the_trace_is_the_same_and_the_span_is_not() {
        check([4, 4, 0], Some(4), &[Held::Yes, Held::Yes]);
        check([4, 0, 0], Some(0), &[Held::No, Held::No]);
        check([4, 3, 0], None, &[Held::No]);
        check([0, 0, 0], Some(4), &[Held::Inconclusive, Held::Yes]);
    }

    #[test]
    fn a_header_that_is_passed_through_is_no_tracing() {
        check([4, 4, 4], Some(4), &[Held::No, Held::Yes]);
    }
}
