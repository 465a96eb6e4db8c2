//! The driver that a rollout file names.

use std::time::Duration;

use gonogo_actuators::{
    Driver,
    command::Script,
    haproxy::HaProxy,
    kubernetes::{Clock, Kubernetes},
};
use gonogo_domain::rollout::{Done, Percent, Release, Revision, Share, Sight, Trouble, TroubleKind};

use crate::DriverFile;

/// One of the drivers. A verb that does not return is given up after a while.
#[derive(Debug)]
pub enum Actuator {
    HaProxy(Box<HaProxy>),
    Script(Box<Script>),
    Kubernetes(Box<Kubernetes>),
}

/// What a driver is told of the rollout that it works for.
#[derive(Clone, Debug)]
pub struct Surroundings<'a> {
    pub name: &'a str,
    /// What the driver asked to be given back when the rollout began.
    pub memo: Option<&'a str>,
    /// Who drives, the same after a restart on the same machine.
    pub holder: String,
    pub clock: Clock,
}

/// Longer than any verb takes that does what a verb should; scripts have a patience of their own.
const PATIENCE: Duration = Duration::from_mins(2);

impl Actuator {
    pub fn new(file: &DriverFile, surroundings: Surroundings<'_>) -> Result<Self, Trouble> {
        let Surroundings { name, memo, holder, clock } = surroundings;
        Ok(match file {
            DriverFile::HaProxy(config) => Self::HaProxy(Box::new(HaProxy::new(config.clone(), memo)?)),
            DriverFile::Script(config) => Self::Script(Box::new(Script::new(config.clone(), name))),
            DriverFile::Kubernetes(settings) => {
                let settings = gonogo_actuators::kubernetes::Settings { holder, ..settings.clone() };
                Self::Kubernetes(Box::new(Kubernetes::new(settings, clock)))
            }
        })
    }
}

async fn bounded<T>(verb: &str, future: impl Future<Output = Result<T, Trouble>> + Send) -> Result<T, Trouble> {
    tokio::time::timeout(PATIENCE, Box::pin(future)).await.unwrap_or_else(|_| {
        let what = format!("it did not return within {} s", PATIENCE.as_secs());
        Err(Trouble::new(TroubleKind::Unreachable, verb, what, "look after the platform"))
    })
}

/// Hands a verb to whichever driver it is.
macro_rules! each {
    ($self:ident, $verb:literal, $driver:ident => $call:expr) => {
        match $self {
            Self::HaProxy($driver) => bounded($verb, $call).await,
            Self::Script($driver) => bounded($verb, $call).await,
            Self::Kubernetes($driver) => bounded($verb, $call).await,
        }
    };
}

impl Driver for Actuator {
    async fn observe(&mut self) -> Result<Sight, Trouble> {
        each!(self, "observe", driver => driver.observe())
    }

    fn reachable(&self, percent: Percent, sight: &Sight) -> Share {
        match self {
            Self::HaProxy(driver) => driver.reachable(percent, sight),
            Self::Script(driver) => driver.reachable(percent, sight),
            Self::Kubernetes(driver) => driver.reachable(percent, sight),
        }
    }

    async fn prepare(&mut self, release: &Release) -> Result<Done, Trouble> {
        each!(self, "prepare", driver => driver.prepare(release))
    }

    async fn set_share(&mut self, percent: Percent) -> Result<Done, Trouble> {
        each!(self, "set the share", driver => driver.set_share(percent))
    }

    async fn promote(&mut self) -> Result<Done, Trouble> {
        each!(self, "promote", driver => driver.promote())
    }

    async fn retire(&mut self) -> Result<Done, Trouble> {
        each!(self, "retire", driver => driver.retire())
    }

    async fn abort(&mut self) -> Result<Done, Trouble> {
        each!(self, "abort", driver => driver.abort())
    }

    async fn undo(&mut self, to: &Revision) -> Result<Done, Trouble> {
        each!(self, "undo", driver => driver.undo(to))
    }
}
