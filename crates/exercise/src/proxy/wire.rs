//! Carries bytes from one side to the other, with the faults of TCP on the way.

use std::{
    collections::VecDeque,
    io,
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::{Buf as _, Bytes, BytesMut};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    sync::watch,
    time::{sleep, sleep_until},
};

use super::{
    draw::draw,
    record::{ConnectionEnd, ConnectionEntry},
    situation::{Situation, Way},
};

/// So much is held for each way of a connection while it is late; then its sender waits.
const HELD: usize = 1 << 20;
const HELD_PIECES: usize = 4096;
/// What is read at once.
const PIECE: usize = 32 << 10;
/// A bandwidth is spread over pieces of so much time.
const SLICES_A_SECOND: u64 = 50;
/// How late a wait may be and still be made good.
const LATE: Duration = Duration::from_millis(100);

/// What both ways of a connection share.
pub(super) struct Wire<'a> {
    pub situations: &'a watch::Receiver<Arc<Situation>>,
    pub entry: &'a ConnectionEntry,
    /// Requests are read and held behind the wire, so that they are recorded.
    pub http: bool,
}

/// Both ends of one side.
pub(super) struct Side<R, W> {
    pub from: R,
    pub to: W,
}

struct Piece {
    arrived: Instant,
    draw: f64,
    bytes: Bytes,
}

impl Wire<'_> {
    /// Until both ways are closed, or something ends them.
    pub(super) async fn carry<A, B, C, D>(&self, service: Side<A, B>, dependency: Side<C, D>) -> ConnectionEnd
    where
        A: AsyncRead + Unpin,
        B: AsyncWrite + Unpin,
        C: AsyncRead + Unpin,
        D: AsyncWrite + Unpin,
    {
        let mut up = std::pin::pin!(self.way(service.from, dependency.to, Way::ToDependency));
        let mut down = std::pin::pin!(self.way(dependency.from, service.to, Way::ToService));
        let (mut up_open, mut down_open) = (true, true);
        let mut first = None;
        while up_open || down_open {
            let (closed, by) = tokio::select! {
                closed = &mut up, if up_open => {
                    up_open = false;
                    (closed, ConnectionEnd::ServiceClosed)
                }
                closed = &mut down, if down_open => {
                    down_open = false;
                    (closed, ConnectionEnd::DependencyClosed)
                }
            };
            if let Err(end) = closed {
                return end;
            }
            // Nothing will be answered to a service that has gone; who reads HTTP closes both ways at once.
            let over = if up_open { self.http } else { self.situations.borrow().is_silent() };
            let end = *first.get_or_insert(by);
            if over {
                return end;
            }
        }
        first.unwrap_or(ConnectionEnd::ServiceClosed)
    }

    /// Until the sender closes and the receiver was told, or something ends it.
    async fn way<R, W>(&self, mut from: R, mut to: W, way: Way) -> Result<(), ConnectionEnd>
    where
        R: AsyncRead + Unpin,
        W: AsyncWrite + Unpin,
    {
        let mut situations = self.situations.clone();
        let mut held: VecDeque<Piece> = VecDeque::new();
        let (mut held_bytes, mut came, mut gave) = (0, 0_u64, 0_u64);
        let mut buffer = BytesMut::new();
        let mut closed: Option<Instant> = None;
        // The fault that counts bytes, and how many were given before it began.
        let mut counted: Option<(u64, u64)> = None;
        let mut paid = Instant::now();
        loop {
            let situation = Arc::clone(&situations.borrow_and_update());
            if let Some(id) = situation.refuses() {
                return Err(ConnectionEnd::Fault(id));
            }
            let mut left = u64::MAX;
            if let Some(ending) = situation.ending().filter(|_| way == Way::ToService) {
                let before = counted.filter(|(id, _)| *id == ending.id).map_or(gave, |(_, before)| before);
                counted = Some((ending.id, before));
                left = before.saturating_add(ending.after_bytes).saturating_sub(gave);
                if left == 0 {
                    return Err(ConnectionEnd::Fault(ending.id));
                }
            }
            let silent = situation.is_silent() && !(self.http && way == Way::ToDependency);
            if silent && closed.is_some() && way == Way::ToDependency {
                return Err(ConnectionEnd::ServiceClosed);
            }
            let rate = situation.rate(way);
            let most = rate.map_or(u64::MAX, |rate| (rate / SLICES_A_SECOND).max(1)).min(left);
            let due = match held.front() {
                Some(piece) => {
                    let arrives = piece.arrived + situation.delay(way).at(piece.draw);
                    Some(if rate.is_some() { arrives.max(paid) } else { arrives })
                }
                None => closed.map(|closed| closed + situation.slow_close()),
            };
            let front = held.front().map_or(&[][..], |piece| &piece.bytes);
            let front = front.get(..usize::try_from(most).unwrap_or(usize::MAX)).unwrap_or(front);

            tokio::select! {
                biased;
                changed = situations.changed() => {
                    if changed.is_err() {
                        return Err(ConnectionEnd::ProxyEnded);
                    }
                    paid = paid.min(Instant::now());
                }
                done = give(&mut to, due, front), if due.is_some() && !silent => {
                    let bytes = match done {
                        Ok(Some(bytes)) => bytes,
                        Ok(None) => return Ok(()),
                        // The server of HTTP has closed, and its last answer is still on the other way.
                        Err(_) if self.http && way == Way::ToDependency => std::future::pending().await,
                        Err(error) => return Err(broken(&error, way, End::Receiver)),
                    };
                    if way == Way::ToService {
                        self.entry.gave(bytes);
                    }
                    gave += bytes as u64;
                    held_bytes -= bytes;
                    if let Some(rate) = rate {
                        let now = Instant::now();
                        let from = if paid + LATE < now { now } else { paid };
                        paid = from + Duration::from_secs(1).mul_f64(ratio(bytes, rate));
                    }
                    if let Some(piece) = held.front_mut() {
                        piece.bytes.advance(bytes);
                        if piece.bytes.is_empty() {
                            held.pop_front();
                        }
                    }
                }
                read = read(&mut from, &mut buffer), if closed.is_none() && held_bytes < HELD && held.len() < HELD_PIECES => {
                    let bytes = read.map_err(|error| broken(&error, way, End::Sender))?;
                    let arrived = Instant::now();
                    if bytes == 0 {
                        closed = Some(arrived);
                        continue;
                    }
                    if way == Way::ToDependency {
                        self.entry.came(bytes);
                    }
                    held_bytes += bytes;
                    came += 1;
                    held.push_back(Piece { arrived, draw: draw(self.entry.id, came), bytes: buffer.split().freeze() });
                }
            }
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "a share of a second, not a count")]
fn ratio(bytes: usize, rate: u64) -> f64 {
    bytes as f64 / rate.max(1) as f64
}

async fn read(from: &mut (impl AsyncRead + Unpin), buffer: &mut BytesMut) -> io::Result<usize> {
    // Small pieces share a buffer, so that none of them keeps a large one alive.
    if buffer.capacity() - buffer.len() < PIECE / 8 {
        buffer.reserve(PIECE);
    }
    from.read_buf(buffer).await
}

/// Writes some of the bytes when they are due; where there are none, closes and gives none. Where it does not come to its
/// end, nothing was written.
async fn give(to: &mut (impl AsyncWrite + Unpin), due: Option<Instant>, bytes: &[u8]) -> io::Result<Option<usize>> {
    if let Some(due) = due.filter(|due| *due > Instant::now()) {
        sleep_until(due.into()).await;
    }
    if bytes.is_empty() {
        // Who has gone already need not be told.
        let _ = to.shutdown().await;
        return Ok(None);
    }
    match to.write(bytes).await? {
        0 => Err(io::ErrorKind::WriteZero.into()),
        written => Ok(Some(written)),
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    Sender,
    Receiver,
}

/// Who broke the connection.
fn broken(error: &io::Error, way: Way, end: End) -> ConnectionEnd {
    let by_service = (way == Way::ToDependency) == (end == End::Sender);
    let reset = matches!(error.kind(), io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe);
    match (by_service, reset) {
        (true, true) => ConnectionEnd::ServiceReset,
        (true, false) => ConnectionEnd::ServiceClosed,
        (false, true) => ConnectionEnd::DependencyReset,
        (false, false) => ConnectionEnd::DependencyClosed,
    }
}

/// Reads what is left until the other side closes or so much time has passed: a socket that is closed with unread bytes
/// is reset.
pub(super) async fn drain(from: &mut (impl AsyncRead + Unpin), most: Duration) {
    let all = async {
        let mut nothing = [0; 4096];
        while from.read(&mut nothing).await.is_ok_and(|bytes| bytes > 0) {}
    };
    tokio::select! {
        () = all => (),
        () = sleep(most) => (),
    }
}

/// Resolves as soon as this is true of what is in force; never where the proxy ends first.
pub(super) async fn until(
    situations: &watch::Receiver<Arc<Situation>>,
    is: impl Fn(&Situation) -> bool,
) -> Arc<Situation> {
    let mut situations = situations.clone();
    let found = situations.wait_for(|situation| is(situation)).await.map(|found| Arc::clone(&found));
    match found {
        Ok(found) => found,
        Err(_) => std::future::pending().await,
    }
}

/// Waits so long, or until the fault that asks for it ends.
pub(super) async fn while_active(situations: watch::Receiver<Arc<Situation>>, id: u64, time: Duration) {
    tokio::select! {
        () = sleep(time) => (),
        _ = until(&situations, |situation| !situation.has(id)) => (),
    }
}
