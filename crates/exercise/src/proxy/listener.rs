//! The proxy itself: a thread, the port it listens on, and the handle by which others reach it.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::{Arc, Condvar, Mutex, PoisonError},
    thread::{self, JoinHandle},
    time::{Duration, Instant, SystemTime},
};

use tokio::{
    net::{TcpListener, TcpSocket, TcpStream},
    sync::{oneshot, watch},
    task::LocalSet,
    time::sleep,
};

use super::{
    behind::Behind,
    connection::connection,
    fault::{Fault, FaultError},
    record::{Limits, Log, Records, Request, Totals},
    situation::Situation,
    tls::Identity,
};

/// Connections that wait to be accepted.
const BACKLOG: u32 = 1024;

/// A change is in force within a turn of the thread; it takes longer only where the port cannot be listened on again.
const APPLIED: Duration = Duration::from_secs(10);

/// How long nothing is accepted after that failed, as it does where no file descriptor is left.
const PAUSE: Duration = Duration::from_millis(10);

/// One moment on both clocks.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    /// Where the times of records count from. Several proxies may share it.
    pub zero: Instant,
    /// What a calendar says at that moment.
    pub wall: SystemTime,
}

/// What a proxy needs to begin.
pub struct Setup {
    pub behind: Behind,
    /// Who it says it is, where the service speaks TLS; what stands behind is reached without. Only for HTTP.
    pub tls: Option<Identity>,
    pub limits: Limits,
    pub clock: Clock,
}

/// What the thread and its connections share.
pub(super) struct Shared {
    pub behind: Behind,
    pub tls: Option<Identity>,
    pub clock: Clock,
    pub log: Arc<Log>,
    pub situations: watch::Receiver<Arc<Situation>>,
}

/// A fault proxy on the loopback. Its end closes everything that it opened.
pub struct Proxy {
    handle: Handle,
    end: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Proxy {
    /// Listens on a free port and passes on.
    ///
    /// # Errors
    /// Where there is no port, thread or event queue left.
    pub fn start(setup: Setup) -> io::Result<Self> {
        let Setup { behind, tls, limits, clock } = setup;
        // Everything runs on one thread, by turns: a change that was acknowledged there is seen by all that runs later.
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let port = {
            let _entered = runtime.enter();
            Port::take()?
        };
        let listener = {
            let _entered = runtime.enter();
            port.listen()?
        };
        let (sender, situations) = watch::channel(Arc::new(Situation::default()));
        let log = Arc::new(Log::new(clock.zero, limits));
        let applied = Arc::new(Applied::default());
        let handle = Handle(Arc::new(Reach {
            address: port.address,
            http: behind.speaks_http(),
            tls: tls.is_some(),
            log: Arc::clone(&log),
            sender,
            changes: Mutex::new(0),
            applied: Arc::clone(&applied),
        }));
        let shared = Arc::new(Shared { behind, tls, clock, log, situations });
        let (end, ended) = oneshot::channel();
        let thread = thread::Builder::new().name("fault-proxy".to_owned()).spawn(move || {
            let connections = LocalSet::new();
            runtime.block_on(connections.run_until(async {
                tokio::select! {
                    () = accept(port, listener, &shared, &applied) => (),
                    _ = ended => (),
                }
            }));
            drop((connections, runtime));
            applied.ended();
        })?;
        Ok(Self { handle, end: Some(end), thread: Some(thread) })
    }

    /// Where the service finds its dependency.
    pub fn address(&self) -> SocketAddr {
        self.handle.0.address
    }

    pub fn handle(&self) -> &Handle {
        &self.handle
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        if let Some(end) = self.end.take() {
            let _ = end.send(());
        }
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Reaches a proxy from anywhere, also after its end, when only its records are left.
#[derive(Clone)]
pub struct Handle(Arc<Reach>);

struct Reach {
    address: SocketAddr,
    http: bool,
    tls: bool,
    log: Arc<Log>,
    sender: watch::Sender<Arc<Situation>>,
    /// How many changes were made. Whoever holds it may make the next one.
    changes: Mutex<u64>,
    applied: Arc<Applied>,
}

impl Handle {
    /// Puts a fault in force. When it returns, every connection is under it; it is undone when what it gives is dropped.
    ///
    /// # Errors
    /// Where the fault cannot be done here, or the proxy has ended.
    pub fn inject(&self, fault: Fault) -> Result<Injected, FaultError> {
        fault.check()?;
        if matches!(fault, Fault::Http { .. }) && !self.0.http {
            return Err(FaultError::NotHttp);
        }
        if matches!(fault, Fault::Tls(_)) && !self.0.tls {
            return Err(FaultError::NotTls);
        }
        let (id, applied) = self.change(|id, situation| situation.with(id, fault));
        // Where it is too late, this undoes it.
        let injected = Injected { handle: self.clone(), id };
        applied.map(|()| injected)
    }

    /// Everything that is kept.
    pub fn records(&self) -> Records {
        self.0.log.records()
    }

    /// The requests that are kept and came at this time or later, counted as in records.
    pub fn requests_since(&self, from: Duration) -> Vec<Request> {
        self.0.log.requests_since(from)
    }

    pub fn totals(&self) -> Totals {
        self.0.log.totals()
    }

    /// Makes a change and waits until it is in force; gives its number, and whether that came about.
    fn change(&self, make: impl FnOnce(u64, &Situation) -> Situation) -> (u64, Result<(), FaultError>) {
        let number = {
            let mut changes = self.0.changes.lock().unwrap_or_else(PoisonError::into_inner);
            *changes += 1;
            let number = *changes;
            self.0.sender.send_modify(|situation| *situation = Arc::new(make(number, situation).numbered(number)));
            number
        };
        (number, self.0.applied.wait_for(number))
    }
}

/// A fault that is in force until this is dropped.
pub struct Injected {
    handle: Handle,
    id: u64,
}

impl Injected {
    /// The number by which records name it.
    pub fn id(&self) -> u64 {
        self.id
    }
}

impl Drop for Injected {
    fn drop(&mut self) {
        let id = self.id;
        // With a proxy that has ended there is nothing to undo.
        let _ = self.handle.change(|_, situation| situation.without(id));
    }
}

/// Which change the thread has seen.
#[derive(Default)]
struct Applied {
    seen: Mutex<Seen>,
    changed: Condvar,
}

#[derive(Default)]
struct Seen {
    number: u64,
    ended: bool,
}

impl Applied {
    fn set(&self, change: impl FnOnce(&mut Seen)) {
        change(&mut self.seen.lock().unwrap_or_else(PoisonError::into_inner));
        self.changed.notify_all();
    }

    fn ended(&self) {
        self.set(|seen| seen.ended = true);
    }

    fn wait_for(&self, number: u64) -> Result<(), FaultError> {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let waits = |seen: &mut Seen| seen.number < number && !seen.ended;
        let waited = self.changed.wait_timeout_while(seen, APPLIED, waits);
        let (seen, time) = waited.unwrap_or_else(PoisonError::into_inner);
        if seen.ended {
            return Err(FaultError::Ended);
        }
        if time.timed_out() { Err(FaultError::Late) } else { Ok(()) }
    }
}

/// A port of the loopback that stays ours while nobody listens on it.
struct Port {
    address: SocketAddr,
    /// Bound and never listening: whoever connects is refused, and nobody else is given the port.
    _holder: TcpSocket,
}

impl Port {
    fn take() -> io::Result<Self> {
        let holder = bound(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))?;
        Ok(Self { address: holder.local_addr()?, _holder: holder })
    }

    fn listen(&self) -> io::Result<TcpListener> {
        bound(self.address)?.listen(BACKLOG)
    }
}

fn bound(address: SocketAddr) -> io::Result<TcpSocket> {
    let socket = TcpSocket::new_v4()?;
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    Ok(socket)
}

/// Accepts connections, but while a fault refuses them.
async fn accept(port: Port, listener: TcpListener, shared: &Arc<Shared>, applied: &Applied) {
    let mut situations = shared.situations.clone();
    let mut listener = Some(listener);
    loop {
        let situation = Arc::clone(&situations.borrow_and_update());
        let mut seen = true;
        if situation.refuses().is_some() {
            listener = None;
        } else if listener.is_none() {
            // It is tried again where no file descriptor is left; the change is in force when it worked.
            listener = port.listen().ok();
            seen = listener.is_some();
        }
        if seen {
            applied.set(|one| one.number = situation.number());
        }
        tokio::select! {
            biased;
            changed = situations.changed() => {
                if changed.is_err() {
                    return;
                }
            }
            accepted = next(listener.as_ref()) => {
                let Ok((client, from)) = accepted else {
                    shared.log.accept_failed();
                    sleep(PAUSE).await;
                    continue;
                };
                let entry = shared.log.connection(from);
                tokio::task::spawn_local(connection(client, Arc::clone(shared), entry));
            }
            () = sleep(PAUSE), if !seen => (),
        }
    }
}

async fn next(listener: Option<&TcpListener>) -> io::Result<(TcpStream, SocketAddr)> {
    match listener {
        Some(listener) => listener.accept().await,
        None => std::future::pending().await,
    }
}
