//! Sends what the schedule says, and waits for nobody.
//!
//! Each thread has a runtime of its own, one pacer, and users. The pacer takes the next request of the run, sleeps until it
//! is due, and gives it to the user that was free last; where none is free there is a new one, and where there may be no
//! more it waits, which counts as latency. A user sends on the connection that was free last, or opens one.

use std::{
    cell::{Cell, RefCell},
    collections::{BTreeMap, VecDeque},
    io,
    net::{IpAddr, Ipv4Addr, SocketAddr, ToSocketAddrs as _},
    pin::pin,
    rc::Rc,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use hdrhistogram::Histogram;
use tokio::{sync::Notify, task::LocalSet};

use super::{
    asked::Asked,
    connection::{Answer, Connection},
    outcome::{Ended, Latency, Outcome, Second},
    plain::Plain,
    recorder::{Recorder, Went},
    schedule::Schedule,
    target::{Protocol, Target},
};
use crate::timer::Timer;

/// How often the run tells how it goes.
const TELL: Duration = Duration::from_millis(200);

/// What is told of the last requests is told of so much time.
const RECENT: Duration = Duration::from_secs(10);

/// A connection that was free for longer is not used again: servers close such ones, the most hasty after two seconds, and
/// a request that crosses the close is lost by nobody's fault.
const IDLE: Duration = Duration::from_millis(1500);

/// What was due at the end is sent although the pacer woke so late: that the machine was busy says nothing of the service.
const LATE: Duration = Duration::from_millis(100);

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
    /// As how many clients, one after the other: each has an address of its own on the loopback, and is named by one in
    /// `X-Forwarded-For` as a balancer would name it. One is as it is.
    pub clients: u8,
}

/// Ends a run before its time.
#[derive(Clone, Debug, Default)]
pub struct Stop(Arc<AtomicBool>);

impl From<Arc<AtomicBool>> for Stop {
    fn from(asked: Arc<AtomicBool>) -> Self {
        Self(asked)
    }
}

impl Stop {
    pub fn now(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    pub(super) fn is_asked(&self) -> bool {
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
    /// How many are under way.
    pub in_flight: usize,
    /// How requests ended, as [`Outcome::ended`].
    pub classes: BTreeMap<String, u64>,
    /// By the second in which requests were due.
    pub series: Vec<Second>,
    /// From the time at which a request was due, since the start of the run.
    pub latency: Latency,
    /// The same of what ended in the last ten seconds.
    pub recent: Latency,
}

/// What the threads of a run share.
struct Shared {
    plan: Plan,
    addresses: Vec<SocketAddr>,
    /// One request for each endpoint, made once.
    requests: Vec<Asked>,
    round: Vec<usize>,
    next: AtomicU64,
    busy: AtomicUsize,
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
            requests: plan
                .target
                .endpoints
                .iter()
                .map(|one| Asked::new(one, &plan.target))
                .collect::<io::Result<_>>()?,
            round,
            next: AtomicU64::new(0),
            busy: AtomicUsize::new(0),
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
        self.stop.is_asked() || self.now() >= self.plan.schedule.length() + LATE
    }

    fn request(&self, number: u64) -> Option<Asked> {
        let place = usize::try_from(number % u64::try_from(self.round.len()).ok()?.max(1)).ok()?;
        let at = *self.round.get(place)?;
        let target = &self.plan.target;
        let endpoint = target.endpoints.get(at)?;
        let named = target.ids.as_ref().filter(|_| endpoint.has_id());
        let several = self.plan.clients > 1;
        if named.is_none() && !several {
            return self.requests.get(at).cloned();
        }
        let mut endpoint =
            named.map_or_else(|| endpoint.clone(), |prefix| endpoint.with_id(&format!("{prefix}-{number}")));
        if several {
            let name = format!("198.51.100.{}", self.client(number)).parse().ok()?;
            endpoint.headers.insert("x-forwarded-for", name);
        }
        Asked::new(&endpoint, target).ok()
    }

    /// Which client sends a request; the first is 1.
    fn client(&self, number: u64) -> u8 {
        u8::try_from(number % u64::from(self.plan.clients.max(1))).unwrap_or_default().saturating_add(1)
    }

    /// The address of a client, where there are several.
    fn address(&self, client: u8) -> Option<IpAddr> {
        (self.plan.clients > 1).then(|| IpAddr::V4(Ipv4Addr::new(127, 0, 1, client)))
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
            let mut earlier = VecDeque::new();
            while running.load(Ordering::Relaxed) {
                std::thread::park_timeout(TELL);
                if let Some(progress) = progress(&shared, &mut earlier) {
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

/// Latencies as they were at some time, the oldest first.
type Earlier = VecDeque<(Duration, Histogram<u64>)>;

fn progress(shared: &Shared, earlier: &mut Earlier) -> Option<Progress> {
    let all = shared.sum()?;
    let elapsed = shared.elapsed();
    let (ended, good) = all.counts();
    let schedule = &shared.plan.schedule;
    // The newest of those that are old enough is where the last ten seconds begin.
    while earlier.get(1).is_some_and(|(at, _)| elapsed.saturating_sub(*at) >= RECENT) {
        earlier.pop_front();
    }
    let begin = earlier.front().filter(|(at, _)| elapsed.saturating_sub(*at) >= RECENT);
    let recent = begin.map_or_else(|| all.latency(), |(_, then)| all.latency_since(then));
    if earlier.back().is_none_or(|(at, _)| elapsed.saturating_sub(*at) >= Duration::from_secs(1)) {
        earlier.push_back((elapsed, all.latencies().clone()));
    }
    Some(Progress {
        elapsed,
        length: schedule.length(),
        due: due_by(schedule, elapsed),
        ended,
        good,
        in_flight: shared.busy.load(Ordering::Relaxed),
        classes: all.ended(),
        series: all.series().to_vec(),
        latency: all.latency(),
        recent,
    })
}

/// One thread of the load, at its place. Gives the time at which it sent no more.
fn thread(shared: Arc<Shared>, at: usize, most: usize) -> io::Result<Duration> {
    // Answers are looked for twice as often as is usual, as the pacer is always ready. More often takes a tenth of the
    // rate, and what is measured stays the same.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().event_interval(31).build()?;
    let thread = Rc::new(Thread {
        shared,
        at,
        most,
        idle: RefCell::default(),
        free: RefCell::default(),
        many: RefCell::default(),
        busy: Cell::new(0),
        freed: Notify::new(),
        stopped: Notify::new(),
    });
    LocalSet::new().block_on(&runtime, thread.pace())
}

/// Sends one request after the other. A task for each request would cost a seventh of the rate.
#[derive(Default)]
struct User {
    job: RefCell<Option<Job>>,
    called: Notify,
}

/// What a user is to send.
struct Job {
    request: Asked,
    due: Duration,
    client: u8,
}

/// What the users of one thread share.
struct Thread {
    shared: Arc<Shared>,
    at: usize,
    /// Requests under way at the same time, at most.
    most: usize,
    /// Users that have nothing to send; the one that was free last comes first.
    idle: RefCell<Vec<Rc<User>>>,
    /// By client. The one that was used last is used next: what few connections can carry, few carry.
    free: RefCell<BTreeMap<u8, Vec<(Plain, Instant)>>>,
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
            } else {
                tokio::select! {
                    () = timer.until(shared.start + due) => (),
                    () = self.stopped.notified() => (),
                }
            }
            if shared.over() {
                break;
            }
            let Some(request) = shared.request(number) else { break };
            self.busy.set(self.busy.get() + 1);
            shared.busy.fetch_add(1, Ordering::Relaxed);
            let job = Job { request, due, client: shared.client(number) };
            let idle = self.idle.borrow_mut().pop();
            let user = idle.unwrap_or_else(|| {
                let user = Rc::<User>::default();
                tokio::task::spawn_local(Rc::clone(&self).serve(Rc::clone(&user)));
                user
            });
            user.job.replace(Some(job));
            user.called.notify_one();
        }
        let sent = shared.now();
        while self.busy.get() > 0 {
            self.freed.notified().await;
        }
        watch.abort();
        Ok(sent)
    }

    /// Sends what a user is given, and notes how it went; until the thread ends.
    async fn serve(self: Rc<Self>, user: Rc<User>) {
        let timeout = self.shared.plan.timeout;
        // Both wait through all requests: to set them up for each would take as long as the rest.
        let mut stopped = pin!(self.stopped.notified());
        let mut late = pin!(tokio::time::sleep(timeout));
        loop {
            user.called.notified().await;
            let Some(Job { request, due, client }) = user.job.take() else { continue };
            let sent = self.shared.now();
            late.as_mut().reset((self.shared.start + sent + timeout).into());
            let result = tokio::select! {
                biased;
                result = self.ask(request, client) => result,
                () = late.as_mut() => Err(Ended::TimedOut),
                () = stopped.as_mut() => Err(Ended::Unfinished),
            };
            let is_over = matches!(result, Err(Ended::Unfinished));
            let (how, bytes) = match result {
                Ok(answer) => (answer.ended(), answer.bytes),
                Err(how) => (how, 0),
            };
            let went = Went { due, sent, ended: self.shared.now(), how, bytes };
            self.shared.record(self.at, |recorder| recorder.record(went));
            self.busy.set(self.busy.get() - 1);
            self.shared.busy.fetch_sub(1, Ordering::Relaxed);
            self.freed.notify_one();
            if is_over {
                break;
            }
            self.idle.borrow_mut().push(Rc::clone(&user));
        }
    }

    async fn ask(&self, request: Asked, client: u8) -> Result<Answer, Ended> {
        match request {
            Asked::Http1(message) => {
                let mut connection = self.plain(client).await?;
                let answer = connection.send(&message).await?;
                if connection.is_open() {
                    self.free.borrow_mut().entry(client).or_default().push((connection, Instant::now()));
                }
                Ok(answer)
            }
            Asked::Http2(request) => self.shared(client).await?.send(*request, None).await,
        }
    }

    /// A connection that is free, or a new one.
    async fn plain(&self, client: u8) -> Result<Plain, Ended> {
        loop {
            let free = self.free.borrow_mut().get_mut(&client).and_then(Vec::pop);
            match free {
                Some((connection, since)) if connection.is_open() && since.elapsed() < IDLE => return Ok(connection),
                Some(_) => (),
                None => break,
            }
        }
        let connection = Plain::open(&self.shared.addresses, self.shared.address(client)).await?;
        self.shared.record(self.at, |recorder| recorder.connections += 1);
        Ok(connection)
    }

    /// The connection that requests share, or a new one.
    async fn shared(&self, client: u8) -> Result<Connection, Ended> {
        let shared = self.many.borrow().as_ref().filter(|one| one.is_open()).and_then(Connection::share);
        if let Some(connection) = shared {
            return Ok(connection);
        }
        let connection = Connection::open(&self.shared.addresses, Protocol::Http2, self.shared.address(client)).await?;
        self.shared.record(self.at, |recorder| recorder.connections += 1);
        *self.many.borrow_mut() = connection.share();
        Ok(connection)
    }
}
