//! The pace of the calls to Clay. Clay limits per workspace and publishes no number: the figure is this replica's share,
//! can be changed while the service runs, and gives way to what Clay says.

use std::{
    num::NonZeroU32,
    sync::{Mutex, PoisonError, RwLock},
    time::Duration,
};

use gonogo_resilience::{
    Rejection,
    rate_limit::{Caller, Limits, Policy},
};
use tokio::time::{Instant, sleep_until};

#[derive(Debug)]
pub struct Pace {
    limits: RwLock<(u32, Limits<()>)>,
    blocked_until: Mutex<Instant>,
}

impl Pace {
    pub fn new(per_second: u32) -> Self {
        Self { limits: RwLock::new((per_second, limits(per_second))), blocked_until: Mutex::new(Instant::now()) }
    }

    pub fn set(&self, per_second: u32) {
        let mut current = self.limits.write().unwrap_or_else(PoisonError::into_inner);
        if current.0 != per_second {
            *current = (per_second, limits(per_second));
        }
    }

    /// Clay said how long: nobody calls before.
    pub fn block(&self, wait: Duration) {
        let mut until = self.blocked_until.lock().unwrap_or_else(PoisonError::into_inner);
        *until = (*until).max(Instant::now() + wait);
    }

    /// Whether a call would have to wait because Clay said so.
    pub fn is_blocked(&self) -> bool {
        self.until() > Instant::now()
    }

    /// Waits for the next turn. Errors: it comes after the deadline of the call.
    pub async fn turn(&self) -> Result<(), Rejection> {
        sleep_until(self.until()).await;
        let limits = self.limits.read().unwrap_or_else(PoisonError::into_inner).1.clone();
        limits.wait(&Caller { endpoint: "clay", client: () }).await.map(drop)
    }

    fn until(&self) -> Instant {
        *self.blocked_until.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn limits(per_second: u32) -> Limits<()> {
    let calls = NonZeroU32::new(per_second).unwrap_or(NonZeroU32::MIN);
    Limits::new(Policy { name: "clay", calls, per: Duration::from_secs(1) }, [])
}
