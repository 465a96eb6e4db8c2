//! How to start a service, and what stands around it: `[service.NAME.run]` of `gonogo.toml`.

use std::{collections::BTreeMap, time::Duration};

use crate::Place;

/// How to start a service on one machine.
///
/// In the command, the environment and the requests, `{port}` stands for the port that it is to listen on, `{scratch}` for
/// an empty folder of its own, and `{NAME.address}`, `{NAME.host}`, `{NAME.port}` for where it reaches a dependency.
#[derive(Clone, Debug, PartialEq)]
pub struct Run {
    pub place: Place,
    /// Program and arguments; of an image, the arguments instead of its own.
    pub command: Vec<String>,
    /// The image that it is started from, by Docker or Podman.
    pub image: Option<String>,
    /// What makes the program, run once before: program and arguments; empty: nothing.
    pub build: Vec<String>,
    /// Where both run, relative to the root of the repository.
    pub directory: String,
    pub environment: BTreeMap<String, String>,
    /// `HOST:PORT` of a service that runs already, instead of a command.
    pub attach: Option<String>,
    /// Other machines that it may run on, `HOST:PORT`: they are asked by GET, now and then, and neither broken nor loaded.
    pub allow: Vec<String>,
    /// The port that it listens on, where it cannot be told one.
    pub port: Option<u16>,
    /// How long a start may take.
    pub startup: Duration,
    /// How long an end may take, as `terminationGracePeriodSeconds`.
    pub grace: Duration,
    pub probes: Probes,
    /// Requests a second of all users together while nothing is wrong.
    pub rate: f64,
    pub requests: Vec<RunRequest>,
    pub dependencies: Vec<RunDependency>,
    /// Its OpenAPI document: a file relative to the root of the repository, or, where it begins with `/`, a path that the
    /// service answers with it.
    pub openapi: Option<String>,
    pub log_level: Option<LogLevel>,
    pub authentication: Option<RunAuthentication>,
    pub webhook: Option<RunWebhook>,
    pub limits: RunLimits,
    pub reload: Option<RunReload>,
    pub migrations: Option<RunMigrations>,
}

/// How it migrates a database: `[service.NAME.run.migrations]`. `{scratch}` is a folder of its own, which goes away.
#[derive(Clone, Debug, PartialEq)]
pub struct RunMigrations {
    pub place: Place,
    /// Commands, each with its arguments: all the way there, and all the way back.
    pub up: Vec<String>,
    pub down: Vec<String>,
    /// The command that prints the schema; empty: there is none.
    pub schema: Vec<String>,
    /// The only variables that they are given.
    pub environment: BTreeMap<String, String>,
}

/// How the level of its logs is changed while it runs.
#[derive(Clone, Debug, PartialEq)]
pub struct LogLevel {
    pub place: Place,
    pub way: LogLevelWay,
    /// What the level is called that says more than the usual one, and what the usual one is called.
    pub more: String,
    pub usual: String,
}

/// In texts, `{level}` stands for the level.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LogLevelWay {
    Request {
        method: String,
        path: String,
        headers: BTreeMap<String, String>,
        body: Option<String>,
    },
    /// The name of a signal that switches to more: `SIGUSR1`; and of one that switches back.
    Signal {
        more: String,
        usual: Option<String>,
    },
    /// A file that is watched, with `{scratch}` in its path, and what stands in it.
    File {
        path: String,
        content: String,
    },
}

/// Who may ask what.
#[derive(Clone, Debug, PartialEq)]
pub struct RunAuthentication {
    pub place: Place,
    /// Routes for everybody: `/health`, `GET /items/*`.
    pub public: Vec<String>,
    /// Headers that carry credentials, in lower case, beside `authorization`, `x-api-key` and `cookie`.
    pub headers: Vec<String>,
}

/// A webhook that the service receives.
#[derive(Clone, Debug, PartialEq)]
pub struct RunWebhook {
    pub place: Place,
    /// Upper case.
    pub method: String,
    pub path: String,
    /// The variable of `environment` that holds the secret.
    pub secret: String,
    /// The header of the signature.
    pub header: String,
    /// What stands before the digest; `{timestamp}` stands for the time of signing.
    pub prefix: String,
    pub digest: Digest,
    pub encoding: Encoding,
    /// What is signed: `{body}`, `{timestamp}` and `{id}` stand for themselves.
    pub signed: String,
    /// The headers of the time of signing, in seconds since 1970, and of the id of the delivery, where there are such.
    pub timestamp: Option<String>,
    pub id: Option<String>,
    /// How old a delivery may be.
    pub tolerance: Duration,
    pub headers: BTreeMap<String, String>,
    /// The delivery; `{id}` stands for something that no other delivery has.
    pub body: String,
}

impl RunWebhook {
    /// The time of signing is part of the scheme.
    pub fn has_time(&self) -> bool {
        self.timestamp.is_some() || self.prefix.contains("{timestamp}")
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Digest {
    Sha256,
    Sha512,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    Hex,
    Base64,
}

/// What users may expect, and what one of them may ask: `[service.NAME.run.limits]`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RunLimits {
    /// What 95 and 99 of a hundred answers may take.
    pub p95: Option<Duration>,
    pub p99: Option<Duration>,
    /// How many of a hundred requests may fail.
    pub errors: Option<f64>,
    /// Requests of one client, as fast as they go, that are more than its limit.
    pub burst: Option<u32>,
    /// The header that names a client, and values of it; none: clients are known by their addresses.
    pub client: Option<String>,
    pub clients: Vec<String>,
    /// No more requests a second are sent to find the capacity.
    pub most: Option<f64>,
}

/// A change of the configuration that is to take effect in the running process: `[service.NAME.run.reload]`.
#[derive(Clone, Debug, PartialEq)]
pub struct RunReload {
    pub place: Place,
    /// A file within `{scratch}`; it is there before the service starts.
    pub file: Option<String>,
    /// What stands in the file, and what is written into it.
    pub text: String,
    pub changed: String,
    /// Sent after the file is written: `SIGHUP`, `SIGUSR1`, `SIGUSR2`.
    pub signal: Option<String>,
    /// The path whose answer shows the change.
    pub path: String,
    /// What the answer holds after the change; none: it is another one than before.
    pub expect: Option<String>,
    /// How long it may take.
    pub within: Duration,
}

/// Paths by which a service tells how it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Probes {
    pub readiness: Option<String>,
    pub liveness: Option<String>,
    /// The one that names dependencies.
    pub health: Option<String>,
    pub metrics: Option<String>,
}

/// One kind of request of its users. `{id}` stands for something that no other request has.
#[derive(Clone, Debug, PartialEq)]
pub struct RunRequest {
    pub place: Place,
    /// Upper case.
    pub method: String,
    pub path: String,
    pub headers: BTreeMap<String, String>,
    pub body: Option<String>,
    /// Its share among the others.
    pub weight: u32,
    /// The path at which what it created is found later. `{key}` stands for what its answer called it, `{id}` for the one of
    /// the request.
    pub lookup: Option<String>,
    /// Where its answer says what it is called: `/data/id` points into a JSON body, `location` is a header.
    pub key: Option<String>,
}

impl RunRequest {
    /// What people call it.
    pub fn name(&self) -> String {
        format!("{} {}", self.method, self.path)
    }
}

/// What the service reaches over the network.
#[derive(Clone, Debug, PartialEq)]
pub struct RunDependency {
    pub place: Place,
    pub name: String,
    /// It speaks HTTP, so that single requests can be broken.
    pub http: bool,
    /// The service reaches it over TLS; what stands for it is reached without.
    pub tls: bool,
    pub behind: Behind,
    /// Answers of 200 of which a part has failed.
    pub partial: Vec<Written>,
    /// Without it the service can do nothing: it is not ready where it starts before.
    pub hard: bool,
    /// How long the service may wait for it.
    pub bound: Option<Duration>,
}

/// What stands for a dependency.
#[derive(Clone, Debug, PartialEq)]
pub enum Behind {
    /// `HOST:PORT` of one that runs already.
    Address(String),
    /// One that is started: program and arguments, with `{port}` and `{scratch}`, and its own environment.
    Command { command: Vec<String>, environment: BTreeMap<String, String> },
    /// Written answers.
    Answers { answers: Vec<Written>, latency: Duration },
}

/// A written answer to requests of a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// Any, where none is given.
    pub method: Option<String>,
    /// Without its query; at the end, `*` stands for anything.
    pub path: String,
    pub status: u16,
    pub headers: BTreeMap<String, String>,
    pub body: String,
}
