//! Kubernetes: one driver for each way in which a cluster can give a part of the traffic to another release.
//!
//! Every write is one object, and what was decided is stored in the objects themselves, so that whoever is killed between
//! two writes finds the next one by looking. Objects are JSON from end to end: a field that this program does not know is
//! written back as it was read.

mod argo;
mod autoscaler;
mod budget;
mod cluster;
mod configuration;
mod flagger;
mod ground;
mod kinds;
mod lease;
mod owner;
mod records;
mod replicas;
mod revision;
mod rolling;
mod routes;
mod selector;
mod settings;
mod twin;
mod workload;

use gonogo_domain::rollout::{Done, Percent, Release, Revision, Share, Sight, Trouble};

use self::{
    argo::Argo, cluster::Cluster, flagger::Flagger, ground::Ground, lease::Lease, replicas::Replicas, rolling::Rolling,
    routes::Routes,
};
pub use self::{
    lease::Clock,
    settings::{Settings, Strategy},
};
use crate::Driver;

/// The driver of a workload in a cluster.
#[derive(Debug)]
pub struct Kubernetes(Way);

#[derive(Debug)]
enum Way {
    Replicas(Replicas),
    Routes(Routes),
    Rolling(Rolling),
    Argo(Argo),
    Flagger(Flagger),
}

impl Kubernetes {
    /// Reads the kubeconfig; asks the cluster nothing yet. `clock` is read for the lease alone.
    ///
    /// Errors: refused where the kubeconfig cannot be read.
    pub async fn connect(settings: Settings, clock: Clock) -> Result<Self, Trouble> {
        let Settings { kubeconfig, context, namespace, workload, container, strategy, holder } = settings;
        let cluster = Cluster::connect(kubeconfig.as_deref(), context, namespace).await?;
        let lease = Lease::new(&workload, holder, clock);
        let ground = Ground { cluster, lease, workload, container };
        Ok(Self(match strategy {
            Strategy::Replicas { service } => Way::Replicas(Replicas::new(ground, service)),
            Strategy::Routes { service, route } => Way::Routes(Routes::new(ground, service, route)),
            Strategy::Rolling { surge } => Way::Rolling(Rolling::new(ground, surge)),
            Strategy::ArgoRollouts {} => Way::Argo(Argo::new(ground)),
            Strategy::Flagger {} => Way::Flagger(Flagger::new(ground)),
        }))
    }
}

impl Driver for Kubernetes {
    async fn observe(&mut self) -> Result<Sight, Trouble> {
        match &mut self.0 {
            Way::Replicas(way) => way.observe().await,
            Way::Routes(way) => way.observe().await,
            Way::Rolling(way) => way.observe().await,
            Way::Argo(way) => way.observe().await,
            Way::Flagger(way) => way.observe().await,
        }
    }

    fn reachable(&self, percent: Percent, sight: &Sight) -> Share {
        match &self.0 {
            Way::Replicas(way) => way.reachable(percent, sight),
            Way::Routes(way) => way.reachable(percent, sight),
            Way::Rolling(way) => way.reachable(percent, sight),
            Way::Argo(way) => way.reachable(percent, sight),
            Way::Flagger(way) => way.reachable(percent, sight),
        }
    }

    async fn prepare(&mut self, release: &Release) -> Result<Done, Trouble> {
        match &mut self.0 {
            Way::Replicas(way) => way.prepare(release).await,
            Way::Routes(way) => way.prepare(release).await,
            Way::Rolling(way) => way.prepare(release).await,
            Way::Argo(way) => way.prepare(release).await,
            Way::Flagger(way) => way.prepare(release).await,
        }
    }

    async fn set_share(&mut self, percent: Percent) -> Result<Done, Trouble> {
        match &mut self.0 {
            Way::Replicas(way) => way.set_share(percent).await,
            Way::Routes(way) => way.set_share(percent).await,
            Way::Rolling(way) => way.set_share(percent).await,
            Way::Argo(way) => way.set_share(percent).await,
            Way::Flagger(way) => way.set_share(percent).await,
        }
    }

    async fn promote(&mut self) -> Result<Done, Trouble> {
        match &mut self.0 {
            Way::Replicas(way) => way.promote().await,
            Way::Routes(way) => way.promote().await,
            Way::Rolling(way) => way.promote().await,
            Way::Argo(way) => way.promote().await,
            Way::Flagger(way) => way.promote().await,
        }
    }

    async fn retire(&mut self) -> Result<Done, Trouble> {
        match &mut self.0 {
            Way::Replicas(way) => way.retire().await,
            Way::Routes(way) => way.retire().await,
            Way::Rolling(way) => way.retire().await,
            Way::Argo(way) => way.retire().await,
            Way::Flagger(way) => way.retire().await,
        }
    }

    async fn abort(&mut self) -> Result<Done, Trouble> {
        match &mut self.0 {
            Way::Replicas(way) => way.abort().await,
            Way::Routes(way) => way.abort().await,
            Way::Rolling(way) => way.abort().await,
            Way::Argo(way) => way.abort().await,
            Way::Flagger(way) => way.abort().await,
        }
    }

    async fn undo(&mut self, to: &Revision) -> Result<Done, Trouble> {
        match &mut self.0 {
            Way::Replicas(way) => way.undo(to).await,
            Way::Routes(way) => way.undo(to).await,
            Way::Rolling(way) => way.undo(to).await,
            Way::Argo(way) => way.undo(to).await,
            Way::Flagger(way) => way.undo(to).await,
        }
    }
}
