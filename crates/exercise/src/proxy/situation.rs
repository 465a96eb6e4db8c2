//! The faults that are in force, as connections and requests ask for them.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use super::fault::{Break, Delay, Fault, Greeting};

/// A fault from its beginning to its end.
pub(super) struct Active {
    pub id: u64,
    pub fault: Fault,
    /// How many requests it was asked about.
    requests: AtomicU64,
}

/// From whom to whom.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    ToDependency,
    ToService,
}

/// After how many bytes of answers a connection ends, and how.
#[derive(Clone, Copy)]
pub(super) struct Ending {
    pub id: u64,
    pub after_bytes: u64,
}

/// All that is in force at one moment; the newest stands last. It never changes: another one takes its place.
#[derive(Clone, Default)]
pub(super) struct Situation {
    number: u64,
    active: Vec<Arc<Active>>,
}

impl Situation {
    pub(super) fn with(&self, id: u64, fault: Fault) -> Self {
        let mut active = self.active.clone();
        active.push(Arc::new(Active { id, fault, requests: AtomicU64::new(0) }));
        Self { number: self.number, active }
    }

    pub(super) fn without(&self, id: u64) -> Self {
        Self { number: self.number, active: self.active.iter().filter(|one| one.id != id).cloned().collect() }
    }

    /// The same as the result of this change.
    pub(super) fn numbered(self, number: u64) -> Self {
        Self { number, ..self }
    }

    pub(super) fn number(&self) -> u64 {
        self.number
    }

    pub(super) fn has(&self, id: u64) -> bool {
        self.active.iter().any(|one| one.id == id)
    }

    /// The newest of a kind.
    fn newest<T>(&self, kind: impl Fn(&Active) -> Option<T>) -> Option<T> {
        self.active.iter().rev().find_map(|one| kind(one))
    }

    pub(super) fn refuses(&self) -> Option<u64> {
        self.newest(|one| matches!(one.fault, Fault::Refuse).then_some(one.id))
    }

    pub(super) fn is_silent(&self) -> bool {
        self.newest(|one| matches!(one.fault, Fault::BlackHole).then_some(())).is_some()
    }

    /// What is wrong with the beginning of a connection with TLS.
    pub(super) fn greeting(&self) -> Option<(u64, Greeting)> {
        self.newest(|one| match one.fault {
            Fault::Tls(greeting) => Some((one.id, greeting)),
            _ => None,
        })
    }

    pub(super) fn ending(&self) -> Option<Ending> {
        self.newest(|one| match one.fault {
            Fault::Reset { after_bytes } | Fault::Cut { after_bytes } => Some(Ending { id: one.id, after_bytes }),
            _ => None,
        })
    }

    /// Whether a connection that this fault ends is closed as usual, and not reset.
    pub(super) fn closes(&self, id: u64) -> bool {
        self.active.iter().any(|one| one.id == id && matches!(one.fault, Fault::Cut { .. }))
    }

    pub(super) fn delay(&self, way: Way) -> Delay {
        let found = self.newest(|one| match one.fault {
            Fault::Latency { to_dependency, to_service } => Some((to_dependency, to_service)),
            _ => None,
        });
        let (to_dependency, to_service) = found.unwrap_or_default();
        if way == Way::ToDependency { to_dependency } else { to_service }
    }

    /// Bytes a second.
    pub(super) fn rate(&self, way: Way) -> Option<u64> {
        let found = self.newest(|one| match one.fault {
            Fault::Bandwidth { to_dependency, to_service } => Some((to_dependency, to_service)),
            _ => None,
        });
        let (to_dependency, to_service) = found?;
        let rate = if way == Way::ToDependency { to_dependency } else { to_service };
        rate.map(std::num::NonZero::get)
    }

    pub(super) fn slow_close(&self) -> Duration {
        let found = self.newest(|one| match one.fault {
            Fault::SlowClose { delay } => Some(delay),
            _ => None,
        });
        found.unwrap_or_default()
    }

    /// What is wrong with the answer to the request that just came. Each fault counts the requests it is asked about.
    pub(super) fn of_request(&self, path: &str) -> Option<(u64, Break)> {
        self.newest(|one| match &one.fault {
            Fault::Http { answer: Break::Written { path: only, .. }, .. } if !fits(only, path) => None,
            Fault::Http { which, answer } => {
                let number = one.requests.fetch_add(1, Ordering::Relaxed) + 1;
                which.takes(number).then(|| (one.id, answer.clone()))
            }
            _ => None,
        })
    }
}

/// Whether a path is this one; at its end, `*` stands for anything.
fn fits(wanted: &str, path: &str) -> bool {
    wanted.strip_suffix('*').map_or_else(|| path == wanted, |start| path.starts_with(start))
}
