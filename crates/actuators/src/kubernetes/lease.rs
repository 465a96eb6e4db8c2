//! A Lease object, so that two gonogos on different machines never drive one rollout.

use std::time::{Duration, Instant};

use gonogo_domain::rollout::{Trouble, TroubleKind};
use jiff::Timestamp;
use kube::api::DynamicObject;
use serde_json::{Value, json};

use super::{cluster::Cluster, kinds::LEASE};

/// How long a holder that says nothing is believed to live.
const LASTS: Duration = Duration::from_secs(30);

/// Who asks for the time, so that a test can move it.
pub type Clock = fn() -> Timestamp;

/// What is known of the Lease of one workload.
#[derive(Debug)]
pub(super) struct Lease {
    name: String,
    holder: String,
    clock: Clock,
    /// The state of a foreign lease that was seen last, and when: clocks of two machines differ, so that a holder counts as
    /// gone when it renewed nothing while we looked.
    watched: Option<(String, Instant)>,
}

/// How a lease stands.
enum State {
    Free,
    Ours { renewed: Option<Timestamp> },
    Theirs { holder: String, since: String, gone: bool },
}

impl Lease {
    pub(super) fn new(workload: &str, holder: String, clock: Clock) -> Self {
        Self { name: format!("gonogo-{workload}"), holder, clock, watched: None }
    }

    fn state(&mut self, found: &DynamicObject) -> State {
        let text = |pointer: &str| found.data.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
        let (holder, renewed) = (text("/spec/holderIdentity"), text("/spec/renewTime"));
        if holder.is_empty() {
            return State::Free;
        }
        if holder == self.holder {
            return State::Ours { renewed: renewed.parse().ok() };
        }
        let lasts =
            found.data.pointer("/spec/leaseDurationSeconds").and_then(Value::as_u64).map_or(LASTS, Duration::from_secs);
        let seen = format!("{holder} {renewed}");
        let since = match &self.watched {
            Some((known, since)) if *known == seen => *since,
            _ => {
                let now = Instant::now();
                self.watched = Some((seen, now));
                now
            }
        };
        // A clock that is off by more than twice the lease is no clock: then only what we saw ourselves counts.
        let overdue = renewed.parse::<Timestamp>().is_ok_and(|renewed| {
            (self.clock)().duration_since(renewed) > jiff::SignedDuration::try_from(lasts * 3).unwrap_or_default()
        });
        State::Theirs { holder, since: text("/spec/acquireTime"), gone: overdue || since.elapsed() > lasts }
    }

    fn body(&self, found: Option<&DynamicObject>, is_new: bool) -> Value {
        let now = (self.clock)().strftime("%Y-%m-%dT%H:%M:%S%.6fZ").to_string();
        let number =
            |pointer: &str| found.and_then(|found| found.data.pointer(pointer)).and_then(Value::as_i64).unwrap_or(0);
        let acquired = found.filter(|_| !is_new).and_then(|found| found.data.pointer("/spec/acquireTime")).cloned();
        json!({
            "holderIdentity": self.holder,
            "leaseDurationSeconds": LASTS.as_secs(),
            "acquireTime": acquired.unwrap_or_else(|| json!(now)),
            "renewTime": now,
            "leaseTransitions": number("/spec/leaseTransitions") + i64::from(is_new && found.is_some()),
        })
    }

    /// Takes it or renews it. Every verb that writes begins with this.
    ///
    /// Errors: a conflict that names the holder, where it is somebody else's.
    pub(super) async fn hold(&mut self, cluster: &Cluster) -> Result<(), Trouble> {
        let Some(found) = cluster.find(&LEASE, &self.name).await? else {
            let body = json!({
                "metadata": { "name": self.name, "labels": { "app.kubernetes.io/managed-by": "gonogo" } },
                "spec": self.body(None, true),
            });
            if cluster.create(&LEASE, &body).await? {
                return Ok(());
            }
            return Err(self.conflict(cluster, "somebody who came at the same time", ""));
        };
        let is_new = match self.state(&found) {
            State::Ours { renewed } => {
                if self.is_fresh(renewed) {
                    return Ok(());
                }
                false
            }
            State::Theirs { gone: false, holder, since } => return Err(self.conflict(cluster, &holder, &since)),
            State::Free | State::Theirs { gone: true, .. } => true,
        };
        // Written only over what was read: of two that come at once, one gets it.
        let mut next = found.clone();
        if let Some(data) = next.data.as_object_mut() {
            data.insert("spec".to_owned(), self.body(Some(&found), is_new));
        }
        cluster.replace(&LEASE, &next).await
    }

    fn is_fresh(&self, renewed: Option<Timestamp>) -> bool {
        renewed.is_some_and(|renewed| {
            let age = (self.clock)().duration_since(renewed);
            !age.is_negative() && age < jiff::SignedDuration::try_from(LASTS / 3).unwrap_or_default()
        })
    }

    fn conflict(&self, cluster: &Cluster, holder: &str, since: &str) -> Trouble {
        let since = if since.is_empty() { String::new() } else { format!(" since {since}") };
        Trouble::new(
            TroubleKind::Conflict,
            cluster.at(&LEASE, &self.name),
            format!("{holder} drives this rollout{since}"),
            format!("go on there, or wait {} s after that gonogo has ended", LASTS.as_secs()),
        )
    }

    /// Who else holds it. What is ours is renewed meanwhile: a watch lasts longer than the lease.
    pub(super) async fn look(&mut self, cluster: &Cluster) -> Result<Option<String>, Trouble> {
        let Some(found) = cluster.find(&LEASE, &self.name).await? else { return Ok(None) };
        match self.state(&found) {
            State::Free | State::Theirs { gone: true, .. } => Ok(None),
            State::Theirs { holder, .. } => Ok(Some(holder)),
            State::Ours { .. } => {
                // Somebody who took it between the two lines is told at the next verb.
                let _ = self.hold(cluster).await;
                Ok(None)
            }
        }
    }

    /// Gives it back, so that the next rollout need not wait.
    pub(super) async fn release(&mut self, cluster: &Cluster) -> Result<(), Trouble> {
        let Some(found) = cluster.find(&LEASE, &self.name).await? else { return Ok(()) };
        if matches!(self.state(&found), State::Ours { .. }) {
            cluster.delete(&LEASE, &self.name).await?;
        }
        Ok(())
    }
}
