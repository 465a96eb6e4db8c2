//! One dependency of a service: what stands for it, and the proxy before it.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream, ToSocketAddrs as _},
    path::Path,
    sync::atomic::Ordering,
    thread,
    time::{Duration, Instant},
};

use gonogo_domain::{Behind, Run, RunDependency, Written};

use super::{
    expand::Places,
    fixture::{BenchError, LOOK, Setting},
};
use crate::{
    process::{Mark, Process, Program},
    proxy::{self, Authority, Limits, Proxy, Route, Setup, Stub, Took},
};

/// How long a dependency of its own may take to listen.
const STARTUP: Duration = Duration::from_mins(1);

pub(super) struct Dependency {
    pub name: String,
    pub http: bool,
    pub tls: bool,
    pub proxy: Proxy,
    /// The real one behind it, where the bench started it.
    _process: Option<Process>,
}

impl Dependency {
    /// Starts what stands behind the proxy, and the proxy. The folder is for what the dependency writes.
    pub(super) fn start(
        plan: &RunDependency,
        setting: &Setting,
        folder: &Path,
        mark: &Mark,
        authority: Option<&Authority>,
    ) -> Result<Self, BenchError> {
        let failed = |reason: String| BenchError::Dependency { name: plan.name.clone(), reason };
        let at = |address: SocketAddr| {
            let addresses = vec![address];
            if plan.http { proxy::Behind::Http(addresses) } else { proxy::Behind::Tcp(addresses) }
        };
        let (behind, process) = match &plan.behind {
            Behind::Address(address) => (at(loopback(address).map_err(failed)?), None),
            Behind::Command { command, environment } => {
                let address = SocketAddr::from((Ipv4Addr::LOCALHOST, free_port()?));
                let mut places = Places::default();
                places.set("port", address.port().to_string());
                places.set("scratch", folder.display().to_string());
                let program = Program {
                    command: places.expand_all(command),
                    directory: setting.root.join(&setting.run.directory),
                    environment: places.expand_map(environment),
                };
                let mut process = Process::start(&program, mark).map_err(|error| failed(error.to_string()))?;
                listens(&mut process, address, setting, failed)?;
                (at(address), Some(process))
            }
            Behind::Answers { answers, latency } => {
                let routes: Vec<Route> = answers.iter().map(route).collect();
                let took = if latency.is_zero() { Took::default() } else { Took::always(*latency) };
                let stub = Stub::new(&routes, took).map_err(|error| failed(error.to_string()))?;
                (proxy::Behind::Stub(stub), None)
            }
        };
        let identity = authority.filter(|_| plan.tls).map(Authority::identity).transpose();
        let tls = identity.map_err(|error| failed(error.to_string()))?;
        let proxy = Proxy::start(Setup { behind, tls, limits: Limits::default(), clock: setting.clock })?;
        Ok(Self { name: plan.name.clone(), http: plan.http, tls: plan.tls, proxy, _process: process })
    }
}

/// Waits until the process takes connections.
fn listens(
    process: &mut Process,
    address: SocketAddr,
    setting: &Setting,
    failed: impl Fn(String) -> BenchError,
) -> Result<(), BenchError> {
    let until = Instant::now() + STARTUP;
    while TcpStream::connect(address).is_err() {
        if let Some(exit) = process.exit() {
            return Err(failed(format!("it ended with {exit:?}{}", process.output().last_words(12))));
        }
        if setting.stop.load(Ordering::Relaxed) {
            return Err(BenchError::Stopped);
        }
        if Instant::now() >= until {
            let said = process.output().last_words(12);
            return Err(failed(format!("it did not listen on {address} within {STARTUP:?}{said}")));
        }
        thread::sleep(LOOK);
    }
    Ok(())
}

fn route(one: &Written) -> Route {
    let headers = one.headers.clone().into_iter().collect();
    let answer = proxy::Answer { status: one.status, headers, body: one.body.clone() };
    Route { method: one.method.clone(), path: one.path.clone(), answers: vec![answer] }
}

/// A dependency whose address is told to nobody would be reached past its proxy.
pub(super) fn every_one_is_reached(run: &Run) -> Result<(), BenchError> {
    if run.attach.is_some() && !run.dependencies.is_empty() {
        return Err(BenchError::Configuration(
            "a service that runs already (`attach`) cannot be told where its dependencies are: start it by `command`"
                .to_owned(),
        ));
    }
    let told = || run.environment.values().chain(&run.command);
    for plan in &run.dependencies {
        let name = &plan.name;
        let (address, port) = (format!("{{{name}.address}}"), format!("{{{name}.port}}"));
        if !told().any(|text| text.contains(&address) || text.contains(&port)) {
            return Err(BenchError::Configuration(format!(
                "{}: nothing tells the service where {name} is: put {address} into the variable of `environment` that \
                     names it; a service without such a variable needs one first",
                plan.place
            )));
        }
        let authority = format!("{{{name}.ca}}");
        if plan.tls && !told().any(|text| text.contains(&authority)) {
            return Err(BenchError::Configuration(format!(
                "{}: nothing tells the service whose certificates {name} has here: put {authority} into the variable of \
                 `environment` that its TLS reads, such as SSL_CERT_FILE, NODE_EXTRA_CA_CERTS or REQUESTS_CA_BUNDLE",
                plan.place
            )));
        }
    }
    Ok(())
}

/// What is migrated back and forth has to be a database that nobody needs.
pub(super) fn nothing_real_is_migrated(run: &Run) -> Result<(), BenchError> {
    let Some(plan) = &run.migrations else { return Ok(()) };
    let told = || plan.environment.values().chain(&plan.up).chain(&plan.down).chain(&plan.schema);
    let real = run.dependencies.iter().find(|one| {
        matches!(one.behind, Behind::Address(_)) && told().any(|text| text.contains(&format!("{{{}.", one.name)))
    });
    let Some(one) = real else { return Ok(()) };
    Err(BenchError::Configuration(format!(
        "{}: {} runs already (`address`), and migrations back would take from it what it holds: let the bench start one \
         (`command`), or use a file below {{scratch}}",
        plan.place, one.name
    )))
}

/// An address of this machine. What runs elsewhere is not for breaking.
pub(super) fn loopback(address: &str) -> Result<SocketAddr, String> {
    let found = address.to_socket_addrs().map_err(|error| format!("`{address}` is no HOST:PORT: {error}"))?;
    let found: Vec<SocketAddr> = found.collect();
    match found.first() {
        Some(first) if found.iter().all(|one| one.ip().is_loopback()) => Ok(*first),
        _ => Err(format!("`{address}` is not this machine: experiments are made on the loopback only")),
    }
}

/// Where a service runs that is there already, and whether that is another machine. Only those that are named are reached.
pub(super) fn attached(attach: &str, allow: &[String]) -> Result<(SocketAddr, bool), String> {
    let Err(why) = loopback(attach) else { return loopback(attach).map(|address| (address, false)) };
    if !allow.iter().any(|one| one == attach) {
        return Err(format!("{why}; where it may be asked by GET, name it: allow = [\"{attach}\"]"));
    }
    let mut found = attach.to_socket_addrs().map_err(|error| format!("`{attach}` is no HOST:PORT: {error}"))?;
    found.next().map(|address| (address, true)).ok_or_else(|| format!("`{attach}` has no address"))
}

pub(super) fn free_port() -> io::Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}
