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
mod keys;
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

use gonogo_domain::{
    preflight::KeySource,
    rollout::{Done, Percent, Release, Revision, Share, Sight, Trouble},
};

use self::{
    argo::Argo, cluster::Cluster, flagger::Flagger, ground::Ground, lease::Lease, replicas::Replicas, rolling::Rolling,
    routes::Routes,
};
pub use self::{
    lease::Clock,
    settings::{Settings, Strategy},
};
use crate::Driver;

/// The driver of a workload in a cluster. It connects when it is first asked.
#[derive(Debug)]
pub struct Kubernetes {
    settings: Settings,
    clock: Clock,
    way: Option<Way>,
}

#[derive(Debug)]
enum Way {
    Replicas(Replicas),
    Routes(Routes),
    Rolling(Rolling),
    Argo(Argo),
    Flagger(Flagger),
}

impl Kubernetes {
    /// Reads nothing yet. `clock` is read for the lease alone.
    pub const fn new(settings: Settings, clock: Clock) -> Self {
        Self { settings, clock, way: None }
    }

    /// Where each of these variables comes from, as the next release of the workload would be configured.
    pub async fn keys(&mut self, wanted: &[String]) -> Result<Vec<(String, KeySource)>, Trouble> {
        let (cluster, template) = match self.way().await? {
            Way::Replicas(way) => way.ground().template().await?,
            Way::Routes(way) => way.ground().template().await?,
            Way::Rolling(way) => way.ground().template().await?,
            Way::Argo(way) => way.template().await?,
            Way::Flagger(way) => way.template().await?,
        };
        let template = configuration::unpin(&cluster, &template).await?;
        keys::of(&cluster, &template, wanted).await
    }

    async fn way(&mut self) -> Result<&mut Way, Trouble> {
        let way = match self.way.take() {
            Some(way) => way,
            None => Box::pin(connect(self.settings.clone(), self.clock)).await?,
        };
        Ok(self.way.insert(way))
    }
}

async fn connect(settings: Settings, clock: Clock) -> Result<Way, Trouble> {
    let Settings { kubeconfig, context, namespace, workload, container, strategy, holder } = settings;
    let cluster = Cluster::connect(kubeconfig.as_deref(), context, namespace).await?;
    let lease = Lease::new(&workload, holder, clock);
    let ground = Ground { cluster, lease, workload, container };
    Ok(match strategy {
        Strategy::Replicas { service } => Way::Replicas(Replicas::new(ground, service)),
        Strategy::Routes { service, route } => Way::Routes(Routes::new(ground, service, route)),
        Strategy::Rolling { surge } => Way::Rolling(Rolling::new(ground, surge)),
        Strategy::ArgoRollouts => Way::Argo(Argo::new(ground)),
        Strategy::Flagger => Way::Flagger(Flagger::new(ground)),
    })
}

/// Hands a verb to whichever way it is, on the heap: what a question to an API server holds is large.
macro_rules! each {
    ($self:ident, $way:ident => $call:expr) => {
        match $self.way().await? {
            Way::Replicas($way) => Box::pin($call).await,
            Way::Routes($way) => Box::pin($call).await,
            Way::Rolling($way) => Box::pin($call).await,
            Way::Argo($way) => Box::pin($call).await,
            Way::Flagger($way) => Box::pin($call).await,
        }
    };
}

impl Driver for Kubernetes {
    async fn observe(&mut self) -> Result<Sight, Trouble> {
        each!(self, way => way.observe())
    }

    fn reachable(&self, percent: Percent, sight: &Sight) -> Share {
        match &self.way {
            None => Share::Unpromised("the cluster was not looked at yet".to_owned()),
            Some(Way::Replicas(way)) => way.reachable(percent, sight),
            Some(Way::Routes(way)) => way.reachable(percent, sight),
            Some(Way::Rolling(way)) => way.reachable(percent, sight),
            Some(Way::Argo(way)) => way.reachable(percent, sight),
            Some(Way::Flagger(way)) => way.reachable(percent, sight),
        }
    }

    async fn prepare(&mut self, release: &Release) -> Result<Done, Trouble> {
        each!(self, way => way.prepare(release))
    }

    async fn set_share(&mut self, percent: Percent) -> Result<Done, Trouble> {
        each!(self, way => way.set_share(percent))
    }

    async fn promote(&mut self) -> Result<Done, Trouble> {
        each!(self, way => way.promote())
    }

    async fn retire(&mut self) -> Result<Done, Trouble> {
        each!(self, way => way.retire())
    }

    async fn abort(&mut self) -> Result<Done, Trouble> {
        each!(self, way => way.abort())
    }

    async fn undo(&mut self, to: &Revision) -> Result<Done, Trouble> {
        each!(self, way => way.undo(to))
    }
}
