//! What every driver can do.

use std::future::Future;

use gonogo_domain::rollout::{Done, Percent, Release, Revision, Share, Sight, Trouble};

/// What moves a service's traffic between the stable and the canary release.
///
/// Every verb is idempotent and safe to be killed in: asked again, it does what is left to do; asked for what is so
/// already, it does nothing and says so. A verb returns when the world was asked; whether it is so is told by
/// [`observe`](Self::observe). None waits for longer than a look may take (some seconds): what takes time is asked for,
/// then watched.
pub trait Driver {
    /// How things are now.
    fn observe(&mut self) -> impl Future<Output = Result<Sight, Trouble>> + Send;

    /// The share that this driver can really give when it is asked for this one.
    fn reachable(&self, percent: Percent, sight: &Sight) -> Share;

    /// The canary exists at the release's exact revision, with no traffic where the driver can. Ready is what `observe`
    /// says: `canary` has the release's revision and is settled.
    fn prepare(&mut self, release: &Release) -> impl Future<Output = Result<Done, Trouble>> + Send;

    /// The canary gets this share, or the nearest that is [`reachable`](Self::reachable).
    fn set_share(&mut self, percent: Percent) -> impl Future<Output = Result<Done, Trouble>> + Send;

    /// Stable takes the canary's exact revision. Done when `observe` says that `stable` has it and is settled.
    fn promote(&mut self) -> impl Future<Output = Result<Done, Trouble>> + Send;

    /// After a promotion: the canary goes. Done when `observe` says that there is none.
    fn retire(&mut self) -> impl Future<Output = Result<Done, Trouble>> + Send;

    /// The canary to 0; stable is untouched. Done when `observe` says a share of 0. Also works while the platform holds
    /// an update, and where nothing was prepared.
    fn abort(&mut self) -> impl Future<Output = Result<Done, Trouble>> + Send;

    /// Stable back to a revision that it had, and all the traffic with it. Done when `observe` says that `stable` has it,
    /// is settled, and the canary's share is 0. Also works while a promotion is under way.
    fn undo(&mut self, to: &Revision) -> impl Future<Output = Result<Done, Trouble>> + Send;
}
