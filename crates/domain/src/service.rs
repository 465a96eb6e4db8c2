//! A service: a deployable unit with an owner and a tier.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::{Level, Message, Place};

/// A deployable unit of the repository. A repository holds one or many.
#[derive(Clone, Debug)]
pub struct Service {
    pub name: String,
    pub class: Class,
    /// Why it is of this class, and where that was seen.
    pub class_reason: Message,
    /// The folder of the service's own files, `.` for the root of the repository.
    pub path: String,
    /// Every place that declares it: workloads, container files, manifests. Never empty.
    pub sources: Vec<ServiceSource>,
    pub owner: Option<String>,
    pub tier: Tier,
    /// What it calls over the network, from the configuration and from what is declared.
    pub dependencies: Vec<Dependency>,
    pub state: State,
    /// URLs under which it answers, by environment.
    pub urls: BTreeMap<String, String>,
}

impl Service {
    /// Where to send somebody who looks for the service: what keeps it running, else what builds it, else its folder.
    pub fn place(&self) -> Place {
        let rank = |source: &&ServiceSource| match source.kind.as_str() {
            "Deployment" | "StatefulSet" | "DaemonSet" | "Rollout" => 0,
            "CronJob" | "Job" => 3,
            "Dockerfile" | "Containerfile" => 1,
            _ => 2,
        };
        let source = self.sources.iter().min_by_key(|source| (rank(source), &source.place));
        source.map_or_else(|| Place::whole(self.path.as_str()), |source| source.place.clone())
    }
}

/// One declaration of a service.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ServiceSource {
    /// What kind of declaration: `Deployment`, `Dockerfile`, `compose service`, `Cargo.toml` …
    pub kind: String,
    pub place: Place,
    /// The environment that the declaration is for, where it says so.
    pub environment: Option<String>,
}

/// What a unit is, as far as it decides which checks can apply.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Class {
    /// Answers requests over HTTP, gRPC or another protocol.
    Server,
    /// Runs all the time and takes its work from a queue, a stream or a timer of its own.
    Worker,
    /// Runs to completion: a job, a scheduled job, a migration.
    Job,
    /// Files that someone else's server hands out.
    StaticSite,
    /// Linked into other programs.
    Library,
    /// Started by a person or a script, runs to completion on their machine.
    CommandLineTool,
    /// A product of others that keeps data, in an image of the team's own: a database with its schema added. What runs in
    /// it is not the team's code; what becomes of the data is the team's matter.
    Store,
    /// A product of others that the repository deploys as it is: a database, a cache, a broker.
    ThirdParty,
}

impl Class {
    /// With its article, in English and Simplified Chinese.
    pub fn noun(self) -> (&'static str, &'static str) {
        match self {
            Self::Server => ("a server", "服务器"),
            Self::Worker => ("a worker", "工作进程"),
            Self::Job => ("a job", "作业"),
            Self::StaticSite => ("a static site", "静态站点"),
            Self::Library => ("a library", "库"),
            Self::CommandLineTool => ("a command-line tool", "命令行工具"),
            Self::Store => ("a data store", "数据存储"),
            Self::ThirdParty => ("a third-party product", "第三方产品"),
        }
    }
}

/// A set of classes, for a check to say whom it asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Classes(&'static [Class]);

impl Classes {
    /// Every class but products of others.
    pub const ALL: Self = Self(&[
        Class::Server,
        Class::Worker,
        Class::Job,
        Class::StaticSite,
        Class::Library,
        Class::CommandLineTool,
        Class::Store,
    ]);
    /// What is deployed by its owner and runs in production.
    pub const DEPLOYED: Self = Self(&[Class::Server, Class::Worker, Class::Job, Class::StaticSite, Class::Store]);
    /// What of that is the owner's own code.
    pub const DEPLOYED_CODE: Self = Self(&[Class::Server, Class::Worker, Class::Job, Class::StaticSite]);
    /// What is meant to run all the time.
    pub const LONG_RUNNING: Self = Self(&[Class::Server, Class::Worker, Class::Store]);
    /// What of that is the owner's own code.
    pub const LONG_RUNNING_CODE: Self = Self(&[Class::Server, Class::Worker]);
    /// What runs in production, for ever or for a while, and may hold data.
    pub const RUNNING: Self = Self(&[Class::Server, Class::Worker, Class::Job, Class::Store]);
    /// What of that is the owner's own code.
    pub const RUNNING_CODE: Self = Self(&[Class::Server, Class::Worker, Class::Job]);
    pub const SERVERS: Self = Self(&[Class::Server]);
    /// What gets requests from other programs.
    pub const SERVING: Self = Self(&[Class::Server, Class::Store]);
    /// What answers people's and programs' requests, a site included.
    pub const REACHABLE: Self = Self(&[Class::Server, Class::StaticSite]);
    /// What could be opened to the outside, on purpose or not.
    pub const EXPOSABLE: Self = Self(&[Class::Server, Class::StaticSite, Class::Store]);
    /// What runs to completion as well as what stays, but not sites.
    pub const PROGRAMS: Self =
        Self(&[Class::Server, Class::Worker, Class::Job, Class::Library, Class::CommandLineTool]);

    pub fn contains(self, class: Class) -> bool {
        self.0.contains(&class)
    }

    pub fn iter(self) -> impl Iterator<Item = Class> {
        self.0.iter().copied()
    }
}

/// What a service needs to answer, reached over the network.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Dependency {
    pub name: String,
    /// The field's word for its kind: `postgresql`, `redis`, `http`, `kafka` …
    pub kind: String,
    /// A request fails without it, as opposed to being answered in a reduced form.
    pub hard: Option<bool>,
    pub place: Place,
}

/// Whether a unit keeps data that would be lost with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// It does, and that was seen here.
    Kept { reason: Message, place: Place },
    /// One of its forms does and another does without: whether there is data to lose is for its owner to say.
    Optional { reason: Message, place: Place },
    /// The configuration says that it does not.
    None { place: Place },
    /// Its data is kept by something else that this repository deploys.
    Entrusted {
        /// The name of what keeps it.
        to: String,
        /// That is a service of the repository with a review of its own; otherwise a product that is deployed as it is.
        reviewed: bool,
        /// Where the service is told of it.
        place: Place,
    },
    /// Nothing that keeps data was found; what was searched is in the reason.
    NotFound { reason: Message },
}

/// How much depends on a service. It decides which level is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub enum Tier {
    #[serde(rename = "1")]
    One,
    #[serde(rename = "2")]
    Two,
    #[serde(rename = "3")]
    Three,
}

impl Tier {
    /// The level that a tier asks for unless the policy says otherwise: 1 → L3, 2 → L2, 3 → L1.
    pub fn default_level(self) -> Level {
        match self {
            Self::One => Level::L3,
            Self::Two => Level::L2,
            Self::Three => Level::L1,
        }
    }

    pub fn number(self) -> u8 {
        match self {
            Self::One => 1,
            Self::Two => 2,
            Self::Three => 3,
        }
    }
}
