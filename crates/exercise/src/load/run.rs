//! Sends what the schedule says, and waits for nobody.
//!
//! Each thread has a runtime of its own and one pacer. The pacer takes the next request of the run, sleeps until it is
//! due, and sends it on the connection that was free last; where none is free it opens one, and where no more may be
//! opened it waits, which counts as latency.

use std::{
    cell::{Cell, RefCell},
    io,
    net::{SocketAddr, ToSocketAddrs as _},
    rc::Rc,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use bytes::Bytes;
use http_body_util::Full;
use hyper::{Request, header};
use tokio::{sync::Notify, task::LocalSet};

use super::{
    connection::{Answer, Connection},
    outcome::{Ended, Latency, Outcome},
    recorder::{Recorder, Went},
    schedule::Schedule,
    target::{Protocol, Target},
};
use crate::timer::Timer;

/// How often the run tells how it goes.
const TELL: Duration = Duration::from_millis(200);

/// A pacer that is behind lets answers come in after so many requests.
const BURST: u32 = 16;

/// What to send, when, and with how much.
#[derive(Clone, Debug)]
pub struct Plan {
    pub target: Target,
    pub schedule: Schedule,
    /// Requests under way at the same time, at most.
    pub in_flight: usize,
    pub threads: usize,
    /// How long an answer may take from the sending of its request to its last byte.
    pub timeout: Duration,
}

/// Ends a run before its time.
#[derive(Clone, Debug, Default)]
pub struct Stop(Arc<AtomicBool>);

impl Stop {
    pub fn now(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    fn is_asked(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// How a run goes.
#[derive(Clone, Debug)]
pub struct Progress {
    pub elapsed: Duration,
    pub length: Duration,
    /// How many requests were due until now.
    pub due: u64,
    pub ended: u64,
    pub good: u64,
    /// From the time at which a request was due, since the start of the run.
    pub latency: Latency,
}

/// What the threads of a run share.
struct Shared {
    plan: Plan,
    addresses: Vec<SocketAddr>,
    /// One request for each endpoint, made once.
    requests: Vec<Request<Full<Bytes>>>,
    round: Vec<usize>,
    next: AtomicU64,
    start: Instant,
    stop: Stop,
    recorders: Vec<Mutex<Recorder>>,
}

impl Shared {
    fn new(plan: &Plan, stop: &Stop) -> io::Result<Self> {
        let threads = plan.threads.clamp(1, plan.in_flight.max(1));
        let recorders = (0..threads).map(|_| Recorder::new().map(Mutex::new)).collect::<Option<Vec<_>>>();
        let round = plan.target.round();
        if round.is_empty() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "no endpoint has a share of the requests"));
        }
        Ok(Self {
            addresses: (plan.target.host.as_str(), plan.target.port).to_socket_addrs()?.collect(),
            requests: requests(&plan.target)?,
            round,
            next: AtomicU64::new(0),
            start: Instant::now(),
            stop: stop.clone(),
            recorders: recorders.ok_or_else(|| io::Error::other("no histogram could be made"))?,
            plan: plan.clone(),
        })
    }

    fn now(&self) -> Duration {
        self.start.elapsed()
    }

    fn over(&self) -> bool {
        self.stop.is_asked() || self.now() >= self.plan.schedule.length()
    }

    fn request(&self, number: u64) -> Option<Request<Full<Bytes>>> {
        let place = usize::try_from(number % u64::try_from(self.round.len()).ok()?.max(1)).ok()?;
        self.requests.get(*self.round.get(place)?).cloned()
    }

    fn record(&self, thread: usize, note: impl FnOnce(&mut Recorder)) {
        if let Some(recorder) = self.recorders.get(thread) {
            note(&mut recorder.lock().unwrap_or_else(PoisonError::into_inner));
        }
    }

    fn sum(&self) -> Option<Recorder> {
        let mut all = Recorder::new()?;
        for recorder in &self.recorders {
            all.add(&recorder.lock().unwrap_or_else(PoisonError::into_inner));
        }
        Some(all)
    }

    /// How far the run is, at most its length.
    fn elapsed(&self) -> Duration {
        self.now().min(self.plan.schedule.length())
    }
}

/// Runs a plan to its end, or until it is stopped. `watch` is told how it goes a few times a second.
///
/// # Errors
/// Where the host has no address, or no runtime could be started.
pub fn run(plan: &Plan, stop: &Stop, watch: &(dyn Fn(&Progress) + Sync)) -> io::Result<Outcome> {
    let shared = Arc::new(Shared::new(plan, stop)?);
    let threads = shared.recorders.len();
    let running = AtomicBool::new(true);
    let elapsed = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads)
            .map(|at| {
                let most = plan.in_flight / threads + usize::from(at < plan.in_flight % threads);
                let shared = Arc::clone(&shared);
                scope.spawn(move || thread(shared, at, most.max(1)))
            })
            .collect();
        let watching = scope.spawn(|| {
            while running.load(Ordering::Relaxed) {
                std::thread::park_timeout(TELL);
                if let Some(progress) = progress(&shared) {
                    watch(&progress);
                }
            }
        });
        let mut result: io::Result<Duration> = Ok(Duration::ZERO);
        for worker in workers {
            let worked = worker.join().unwrap_or_else(|_| Err(io::Error::other("a load thread broke down")));
            result = result.and_then(|longest| Ok(worked?.max(longest)));
        }
        running.store(false, Ordering::Relaxed);
        watching.thread().unpark();
        result
    })?;
    let schedule = &plan.schedule;
    let length = if stop.is_asked() { elapsed.min(schedule.length()) } else { schedule.length() };
    let all = shared.sum().ok_or_else(|| io::Error::other("no histogram could be made"))?;
    #[expect(clippy::cast_precision_loss, reason = "a run has far fewer than 2^52 requests")]
    let rate = schedule.total() as f64 / schedule.length().as_secs_f64().max(f64::MIN_POSITIVE);
    Ok(all.outcome(due_by(schedule, length), rate, length, stop.is_asked()))
}

/// How many requests are due by a time.
fn due_by(schedule: &Schedule, time: Duration) -> u64 {
    let (mut low, mut high) = (0, schedule.total());
    while low < high {
        let middle = u64::midpoint(low, high);
        if schedule.at(middle).is_some_and(|at| at <= time) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    low
}

fn requests(target: &Target) -> io::Result<Vec<Request<Full<Bytes>>>> {
    let wrong = |error: hyper::http::Error| io::Error::new(io::ErrorKind::InvalidInput, error);
    let all = target.endpoints.iter().map(|endpoint| {
        let uri = match target.protocol {
            Protocol::Http1 => endpoint.path.clone(),
            Protocol::Http2 => format!("http://{}{}", target.authority(), endpoint.path),
        };
        let mut request = Request::builder().method(endpoint.method.clone()).uri(uri);
        if target.protocol == Protocol::Http1 && !endpoint.headers.contains_key(header::HOST) {
            request = request.header(header::HOST, target.authority());
        }
        let mut request = request.body(Full::new(endpoint.body.clone())).map_err(wrong)?;
        for (name, value) in &endpoint.headers {
            request.headers_mut().append(name, value.clone());
        }
        Ok(request)
    });
    all.collect()
}

fn progress(shared: &Shared) -> Option<Progress> {
    let all = shared.sum()?;
    let elapsed = shared.elapsed();
    let (ended, good) = all.counts();
    let schedule = &shared.plan.schedule;
    Some(Progress {
        elapsed,
        length: schedule.length(),
        due: due_by(schedule, elapsed),
        ended,
        good,
        latency: all.latency(),
    })
}

/// One thread of the load, at its place. Gives the time at which it sent no more.
fn thread(shared: Arc<Shared>, at: usize, most: usize) -> io::Result<Duration> {
    // Answers are looked for often, although the pacer is always ready.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().event_interval(7).build()?;
    let thread = Rc::new(Thread {
        shared,
        at,
        most,
        free: RefCell::default(),
        many: RefCell::default(),
        busy: Cell::new(0),
        freed: Notify::new(),
        stopped: Notify::new(),
    });
    LocalSet::new().block_on(&runtime, thread.pace())
}

/// What the requests of one thread share.
struct Thread {
    shared: Arc<Shared>,
    at: usize,
    /// Requests under way at the same time, at most.
    most: usize,
    /// The one that was used last is used next: what few connections can carry, few carry.
    free: RefCell<Vec<Connection>>,
    /// The connection that all requests of HTTP/2 share.
    many: RefCell<Option<Connection>>,
    busy: Cell<usize>,
    freed: Notify,
    stopped: Notify,
}

impl Thread {
    async fn pace(self: Rc<Self>) -> io::Result<Duration> {
        let shared = Arc::clone(&self.shared);
        let timer = Timer::new()?;
        let watched = Rc::clone(&self);
        let watch = tokio::task::spawn_local(async move {
            while !watched.shared.stop.is_asked() {
                tokio::time::sleep(TELL).await;
            }
            watched.stopped.notify_waiters();
        });
        let mut burst = 0;
        loop {
            while self.busy.get() >= self.most {
                self.freed.notified().await;
            }
            let number = shared.next.fetch_add(1, Ordering::Relaxed);
            let Some(due) = shared.plan.schedule.at(number) else { break };
            if due <= shared.now() {
                burst += 1;
                if burst == BURST {
                    burst = 0;
                    tokio::task::yield_now().await;
                }
            }
            tokio::select! {
                () = timer.until(shared.start + due) => (),
                () = self.stopped.notified() => (),
            }
            if shared.over() {
                break;
            }
            let Some(request) = shared.request(number) else { break };
            self.busy.set(self.busy.get() + 1);
            let thread = Rc::clone(&self);
            tokio::task::spawn_local(async move { thread.send(request, due).await });
        }
        let sent = shared.now();
        while self.busy.get() > 0 {
            self.freed.notified().await;
        }
        watch.abort();
        Ok(sent)
    }

    /// Sends one request and notes how it went.
    async fn send(&self, request: Request<Full<Bytes>>, due: Duration) {
        let sent = self.shared.now();
        let result = tokio::select! {
            biased;
            result = self.ask(request) => result,
            () = tokio::time::sleep(self.shared.plan.timeout) => Err(Ended::TimedOut),
            () = self.stopped.notified() => Err(Ended::Unfinished),
        };
        let (how, bytes) = match result {
            Ok(answer) => (Ended::Answered(answer.status), answer.bytes),
            Err(how) => (how, 0),
        };
        let went = Went { due, sent, ended: self.shared.now(), how, bytes };
        self.shared.record(self.at, |recorder| recorder.record(went));
        self.busy.set(self.busy.get() - 1);
        self.freed.notify_one();
    }

    async fn ask(&self, request: Request<Full<Bytes>>) -> Result<Answer, Ended> {
        let mut connection = self.connection().await?;
        let answer = connection.send(request, false).await?;
        if connection.is_open() && matches!(connection, Connection::Http1(_)) {
            self.free.borrow_mut().push(connection);
        }
        Ok(answer)
    }

    /// One that is free, or a new one.
    async fn connection(&self) -> Result<Connection, Ended> {
        loop {
            let free = self.free.borrow_mut().pop();
            match free {
                Some(connection) if connection.is_open() => return Ok(connection),
                Some(_) => (),
                None => break,
            }
        }
        let shared = self.many.borrow().as_ref().filter(|one| one.is_open()).and_then(Connection::share);
        if let Some(connection) = shared {
            return Ok(connection);
        }
        let connection = Connection::open(&self.shared.addresses, self.shared.plan.target.protocol).await?;
        self.shared.record(self.at, |recorder| recorder.connections += 1);
        *self.many.borrow_mut() = connection.share();
        Ok(connection)
    }
}
