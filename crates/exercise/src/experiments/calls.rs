//! The calls that one kind of request makes to one dependency, told apart from what the service calls on its own account.

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use gonogo_domain::{Message, exercise::Call};

use super::{Unmade, needed::Needed};
use crate::{
    bench::{Bench, Shape, Survey, shape},
    proxy::Request,
};

/// Good requests between two that fail, so that a breaker stays closed.
pub(super) const BETWEEN: usize = 4;

/// What the dependency asks to wait, in seconds.
pub(super) const RETRY_AFTER: u32 = 2;

/// Headers that make a call one that may be repeated.
const KEYS: &[&str] = &["idempotency-key", "x-idempotency-key", "x-request-key"];

/// Which calls are looked at.
pub(super) struct Calls<'a> {
    pub name: &'a str,
    pub kind: usize,
    shapes: BTreeSet<Shape>,
}

impl<'a> Calls<'a> {
    /// One kind of request that reads and one that changes something: others take the same ways out. Work that is done
    /// after the answer cannot be told from what was left of earlier requests.
    pub(super) fn chosen(survey: &Survey, needed: &'a Needed) -> (Option<Self>, Option<Self>) {
        let Needed { name, kinds, .. } = needed;
        let kinds = kinds.iter().copied().filter(|kind| !survey.later(name, *kind));
        let all = kinds.map(|kind| Self { name, kind, shapes: survey.shapes(name, &[kind]) });
        let (changing, reading): (Vec<Self>, Vec<Self>) = all.partition(Self::change);
        (reading.into_iter().next(), changing.into_iter().next())
    }

    fn change(&self) -> bool {
        self.shapes.iter().any(|(method, _)| method == "POST" || method == "PATCH")
    }

    /// Those that came since then.
    pub(super) fn since(&self, bench: &Bench, from: Instant) -> Vec<Request> {
        let mut calls = bench.calls_since(self.name, from);
        calls.retain(|call| self.shapes.contains(&shape(call)));
        calls
    }

    /// The name of the kind of request.
    pub(super) fn request(&self, bench: &Bench) -> String {
        bench.run().requests.get(self.kind).map(gonogo_domain::RunRequest::name).unwrap_or_default()
    }
}

/// What is kept of a call; its time counts from `zero`, which counts as the time of the call does.
pub(super) fn kept(call: &Request, zero: Duration) -> Call {
    Call {
        at_ms: u64::try_from(call.came.saturating_sub(zero).as_millis()).unwrap_or(u64::MAX),
        method: call.head.method.to_string(),
        path: call.head.path.split('?').next().unwrap_or_default().to_owned(),
        keyed: KEYS.iter().any(|key| call.header(key).is_some()),
    }
}

/// Every request is answered before it calls.
pub(super) fn none_before_the_answer() -> Unmade {
    Unmade::Missing(Message::new(
        "calls come after the answers: which request one belongs to, and whether it is repeated, cannot be told",
        "调用发生在响应之后：无法判断属于哪个请求、是否重复",
    ))
}
