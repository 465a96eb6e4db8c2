//! Users: requests at a steady rate over connections that are kept, each remembered.

use std::{
    cell::RefCell,
    io,
    net::SocketAddr,
    rc::Rc,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use tokio::task::LocalSet;

use super::ask::{Ask, Exchange};
use crate::load::{Connection, Ended, KEPT, Protocol};

/// No more requests than these are under way; what is due meanwhile is not sent.
const IN_FLIGHT: usize = 2_000;

/// A connection that was free for longer is not used again: servers close such ones, the most hasty after two seconds, and
/// a request that crosses the close is lost by nobody's fault.
const IDLE: Duration = Duration::from_millis(1500);

/// A request of a user and how it went.
#[derive(Clone, Debug)]
pub struct Sent {
    /// Which of the requests it was.
    pub kind: usize,
    pub exchange: Exchange,
}

impl Sent {
    /// An answer below 400.
    pub fn good(&self) -> bool {
        self.exchange.how.good()
    }
}

/// Requests that are sent until this is ended.
pub struct Traffic {
    stop: Arc<AtomicBool>,
    sent: Arc<Mutex<Vec<Sent>>>,
    open: Arc<Mutex<usize>>,
    thread: Option<JoinHandle<()>>,
}

impl Traffic {
    /// Sends so many requests a second; `make` gives the n-th one and its kind. An answer may take as long as `timeout`.
    ///
    /// # Errors
    /// Where no thread or runtime can be started.
    pub fn start(
        address: SocketAddr,
        rate: f64,
        timeout: Duration,
        make: impl Fn(u64) -> (usize, Ask) + Send + 'static,
    ) -> io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (stop, sent, open) = (Arc::<AtomicBool>::default(), Arc::<Mutex<Vec<Sent>>>::default(), Arc::default());
        let user =
            User { address, timeout, sent: Arc::clone(&sent), open: Arc::clone(&open), free: RefCell::default() };
        let stopped = Arc::clone(&stop);
        let thread = thread::Builder::new().name("traffic".to_owned()).spawn(move || {
            LocalSet::new().block_on(&runtime, send(Rc::new(user), rate, &stopped, &make));
        })?;
        Ok(Self { stop, sent, open, thread: Some(thread) })
    }

    /// How many requests are under way.
    pub fn in_flight(&self) -> usize {
        *self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Those that ended until now.
    pub fn so_far(&self) -> Vec<Sent> {
        self.sent.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Sends no more, waits for what is under way, and gives all, by the time of sending.
    pub fn end(mut self) -> Vec<Sent> {
        self.finish();
        let mut sent = std::mem::take(&mut *self.sent.lock().unwrap_or_else(PoisonError::into_inner));
        sent.sort_by_key(|one| one.exchange.sent);
        sent
    }

    fn finish(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Drop for Traffic {
    fn drop(&mut self) {
        self.finish();
    }
}

async fn send(user: Rc<User>, rate: f64, stop: &AtomicBool, make: &dyn Fn(u64) -> (usize, Ask)) {
    let start = Instant::now();
    let mut waiting = Vec::new();
    for number in 0_u32.. {
        let due = start + Duration::from_secs_f64(f64::from(number) / rate.max(0.001));
        while Instant::now() < due && !stop.load(Ordering::Relaxed) {
            let left = due.saturating_duration_since(Instant::now());
            tokio::time::sleep(left.min(Duration::from_millis(20))).await;
        }
        if stop.load(Ordering::Relaxed) {
            break;
        }
        if user.count(0) >= IN_FLIGHT {
            continue;
        }
        let (kind, ask) = make(u64::from(number));
        let user = Rc::clone(&user);
        user.count(1);
        waiting.push(tokio::task::spawn_local(async move {
            user.send(kind, ask).await;
            user.count(-1);
        }));
        waiting.retain(|task| !task.is_finished());
    }
    for task in waiting {
        let _ = task.await;
    }
}

struct User {
    address: SocketAddr,
    timeout: Duration,
    sent: Arc<Mutex<Vec<Sent>>>,
    open: Arc<Mutex<usize>>,
    /// The one that was used last is used next.
    free: RefCell<Vec<(Connection, Instant)>>,
}

impl User {
    fn count(&self, more: isize) -> usize {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        *open = open.saturating_add_signed(more);
        *open
    }

    async fn send(&self, kind: usize, ask: Ask) {
        let sent = Instant::now();
        let result = tokio::time::timeout(self.timeout, self.exchange(&ask)).await.unwrap_or(Err(Ended::TimedOut));
        let ended = Instant::now();
        let exchange = match result {
            Ok(answer) => Exchange { sent, ended, how: answer.ended(), reply: answer.reply },
            Err(how) => Exchange { sent, ended, how, reply: None },
        };
        self.sent.lock().unwrap_or_else(PoisonError::into_inner).push(Sent { kind, exchange });
    }

    async fn exchange(&self, ask: &Ask) -> Result<crate::load::Answer, Ended> {
        let request = ask.request(self.address).map_err(|_| Ended::Malformed)?;
        let free = loop {
            let free = self.free.borrow_mut().pop();
            if free.as_ref().is_none_or(|(one, since)| one.is_open() && since.elapsed() < IDLE) {
                break free;
            }
        };
        let mut connection = match free {
            Some((connection, _)) => connection,
            None => Connection::open(&[self.address], Protocol::Http1, None).await?,
        };
        let answer = connection.send(request, Some(KEPT)).await?;
        if connection.is_open() {
            self.free.borrow_mut().push((connection, Instant::now()));
        }
        Ok(answer)
    }
}
