//! A connection of HTTP/1.1 that counts and keeps nothing: a request is bytes that were made once, and of its answer only
//! the status and the length are read. To make a message of each, with everything it says, takes longer than all the rest
//! of a load thread's work.

use std::{
    io,
    net::{IpAddr, SocketAddr},
    pin::pin,
    task::{Context, Poll, Waker},
};

use httparse::Status;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpStream, tcp::ReadHalf},
};

use super::{
    connection::{Answer, connect},
    outcome::Ended,
};

/// How much is read at once. A body is longer, a head seldom.
const CHUNK: usize = 16 << 10;

/// Longer heads are no HTTP, and neither are those of more lines: as hyper has it.
const LONGEST_HEAD: usize = 408 << 10;
const MOST_LINES: usize = 100;

/// A request as it goes over the wire.
#[derive(Clone, Debug)]
pub(super) struct Message {
    pub bytes: bytes::Bytes,
    /// Its answer has no body, whatever its length says.
    pub head: bool,
}

/// A connection that carries one request after the other.
pub(super) struct Plain {
    stream: TcpStream,
    buffer: Buffer,
    /// Nothing more can be asked on it.
    over: bool,
}

impl Plain {
    pub(super) async fn open(addresses: &[SocketAddr], from: Option<IpAddr>) -> Result<Self, Ended> {
        let stream = connect(addresses, from).await.map_err(|_| Ended::Refused)?;
        // A small request must not wait for the answer to the one before.
        let _ = stream.set_nodelay(true);
        Ok(Self { stream, buffer: Buffer::default(), over: false })
    }

    /// Whether another request may be sent on it: the server has neither closed it nor said what nobody asked.
    pub(super) fn is_open(&self) -> bool {
        let quiet = || match self.stream.poll_read_ready(&mut Context::from_waker(Waker::noop())) {
            Poll::Pending => true,
            Poll::Ready(_) => {
                self.stream.try_read(&mut [0]).is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock)
            }
        };
        !self.over && quiet()
    }

    /// Sends a request and reads its answer to the end.
    pub(super) async fn send(&mut self, message: &Message) -> Result<Answer, Ended> {
        // Until the answer is complete nothing can be asked.
        self.over = true;
        let (reader, mut writer) = self.stream.split();
        let mut written = pin!(writer.write_all(&message.bytes));
        let mut read = pin!(Reading { reader, buffer: &mut self.buffer }.answer(message.head));
        let (answer, reusable) = tokio::select! {
            biased;
            // Who hangs up while a request is sent may have said why.
            sent = &mut written => {
                let (answer, reusable) = read.await?;
                (answer, reusable && sent.is_ok())
            }
            early = &mut read => (early?.0, false),
        };
        self.over = !reusable;
        Ok(answer)
    }
}

/// What came and was not read yet.
#[derive(Default)]
struct Buffer {
    bytes: Vec<u8>,
    start: usize,
    end: usize,
}

impl Buffer {
    fn here(&self) -> &[u8] {
        self.bytes.get(self.start..self.end).unwrap_or_default()
    }

    /// Drops so many of the bytes that are here.
    fn pass(&mut self, count: usize) {
        self.start = (self.start + count).min(self.end);
    }

    /// Room behind what is here.
    fn room(&mut self) -> &mut [u8] {
        if self.start == self.end {
            (self.start, self.end) = (0, 0);
        } else if self.end == self.bytes.len() {
            self.bytes.copy_within(self.start..self.end, 0);
            (self.start, self.end) = (0, self.end - self.start);
        }
        if self.end == self.bytes.len() {
            self.bytes.resize(self.bytes.len() + CHUNK, 0);
        }
        self.bytes.get_mut(self.end..).unwrap_or_default()
    }
}

/// How long a body is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Length {
    Of(u64),
    Chunked,
    /// As long as the connection is there.
    Rest,
}

/// What the head of an answer says.
struct Head {
    status: u16,
    length: Length,
    /// The connection is there for the next request.
    stays: bool,
}

struct Reading<'a> {
    reader: ReadHalf<'a>,
    buffer: &'a mut Buffer,
}

impl Reading<'_> {
    /// The answer, and whether another request may follow it.
    async fn answer(mut self, to_head: bool) -> Result<(Answer, bool), Ended> {
        let head = loop {
            let head = self.head().await?;
            // What comes before the answer itself, as `103 Early Hints`; 101 is the end of HTTP on this connection.
            if !matches!(head.status, 100..=199) || head.status == 101 {
                break head;
            }
        };
        let Head { status, length, stays } = head;
        let bytes = match length {
            _ if to_head || matches!(status, 101 | 204 | 304) => 0,
            Length::Of(count) => {
                self.skip(count).await?;
                count
            }
            Length::Chunked => self.chunks().await?,
            Length::Rest => self.rest().await?,
        };
        let ended = to_head || length != Length::Rest || matches!(status, 204 | 304);
        let reusable = stays && ended && status != 101 && self.buffer.here().is_empty();
        Ok((Answer { status, bytes, reply: None }, reusable))
    }

    /// Reads more; what ends here was cut off.
    async fn more(&mut self) -> Result<(), Ended> {
        match self.reader.read(self.buffer.room()).await {
            Ok(0) | Err(_) => Err(Ended::Broken),
            Ok(count) => {
                self.buffer.end += count;
                Ok(())
            }
        }
    }

    async fn head(&mut self) -> Result<Head, Ended> {
        loop {
            if !self.buffer.here().is_empty()
                && let Some((head, size)) = parsed(self.buffer.here())?
            {
                self.buffer.pass(size);
                return Ok(head);
            }
            if self.buffer.here().len() > LONGEST_HEAD {
                return Err(Ended::Malformed);
            }
            self.more().await?;
        }
    }

    async fn skip(&mut self, mut count: u64) -> Result<(), Ended> {
        loop {
            let here = self.buffer.here().len();
            let part = usize::try_from(count).unwrap_or(usize::MAX).min(here);
            self.buffer.pass(part);
            count -= u64::try_from(part).unwrap_or(u64::MAX);
            if count == 0 {
                return Ok(());
            }
            self.more().await?;
        }
    }

    async fn rest(&mut self) -> Result<u64, Ended> {
        let mut count = 0;
        loop {
            let here = self.buffer.here().len();
            count += u64::try_from(here).unwrap_or(u64::MAX);
            self.buffer.pass(here);
            match self.reader.read(self.buffer.room()).await {
                Ok(0) => return Ok(count),
                Ok(more) => self.buffer.end += more,
                Err(_) => return Err(Ended::Broken),
            }
        }
    }

    async fn chunks(&mut self) -> Result<u64, Ended> {
        let mut count: u64 = 0;
        loop {
            let (line, size) = loop {
                match httparse::parse_chunk_size(self.buffer.here()) {
                    Ok(Status::Complete(found)) => break found,
                    Ok(Status::Partial) if self.buffer.here().len() <= CHUNK => self.more().await?,
                    _ => return Err(Ended::Broken),
                }
            };
            self.buffer.pass(line);
            if size == 0 {
                self.trailers().await?;
                return Ok(count);
            }
            self.skip(size).await?;
            count = count.saturating_add(size);
            while self.buffer.here().len() < 2 {
                self.more().await?;
            }
            if !self.buffer.here().starts_with(b"\r\n") {
                return Err(Ended::Broken);
            }
            self.buffer.pass(2);
        }
    }

    async fn trailers(&mut self) -> Result<(), Ended> {
        loop {
            let mut lines = [httparse::EMPTY_HEADER; MOST_LINES];
            match httparse::parse_headers(self.buffer.here(), &mut lines) {
                Ok(Status::Complete((size, _))) => {
                    self.buffer.pass(size);
                    return Ok(());
                }
                Ok(Status::Partial) if self.buffer.here().len() <= CHUNK => self.more().await?,
                _ => return Err(Ended::Broken),
            }
        }
    }
}

/// The head at the beginning of these bytes and its size; none where it is not complete.
fn parsed(bytes: &[u8]) -> Result<Option<(Head, usize)>, Ended> {
    let mut lines = [httparse::EMPTY_HEADER; MOST_LINES];
    let mut response = httparse::Response::new(&mut lines);
    let Status::Complete(size) = response.parse(bytes).map_err(|_| Ended::Malformed)? else { return Ok(None) };
    let newer = response.version == Some(1);
    let (mut length, mut kept) = (None, newer);
    for line in response.headers.iter() {
        // Most lines are told apart by their length.
        match line.name.len() {
            14 if line.name.eq_ignore_ascii_case("content-length") => {
                for word in words(line.value) {
                    let said = Length::Of(number(word).ok_or(Ended::Malformed)?);
                    match length {
                        Some(Length::Of(_)) if length != Some(said) => return Err(Ended::Malformed),
                        Some(Length::Chunked | Length::Rest) => (),
                        _ => length = Some(said),
                    }
                }
            }
            17 if line.name.eq_ignore_ascii_case("transfer-encoding") => {
                if !newer {
                    return Err(Ended::Malformed);
                }
                let last = words(line.value).last().is_some_and(|word| word.eq_ignore_ascii_case(b"chunked"));
                length = Some(if last { Length::Chunked } else { Length::Rest });
            }
            10 if line.name.eq_ignore_ascii_case("connection") => {
                let says = |word: &[u8]| words(line.value).any(|one| one.eq_ignore_ascii_case(word));
                kept = !says(b"close") && (newer || says(b"keep-alive"));
            }
            _ => (),
        }
    }
    let head = Head { status: response.code.unwrap_or_default(), length: length.unwrap_or(Length::Rest), stays: kept };
    Ok(Some((head, size)))
}

/// A number of nothing but digits.
fn number(text: &[u8]) -> Option<u64> {
    let digits = std::str::from_utf8(text).ok().filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
    digits?.parse().ok()
}

/// The parts of a list.
fn words(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    value.split(|byte| *byte == b',').map(<[u8]>::trim_ascii)
}

#[cfg(test)]
mod tests {
    use std::{
        io::{Read as _, Write as _},
        net::{TcpListener, TcpStream as Peer},
        thread,
    };

    use bytes::Bytes;
    use http_body_util::Full;
    use hyper::Request;
    use tokio::task::LocalSet;

    use super::*;
    use crate::load::{Connection, Protocol};

    /// What the server does after its last byte.
    #[derive(Clone, Copy, PartialEq, Eq)]
    enum Then {
        Waits,
        HangsUp,
        ReadsNoMore,
    }

    /// A server that says this to every connection once it has read a head; byte by byte where it is slow.
    fn server(said: Vec<u8>, then: Then, slow: bool) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        thread::spawn(move || {
            for mut peer in listener.incoming().flatten() {
                let said = said.clone();
                thread::spawn(move || {
                    peer.set_nodelay(true).unwrap();
                    head_of(&mut peer);
                    // Whoever has heard enough hangs up.
                    for part in said.chunks(if slow { 1 } else { said.len().max(1) }) {
                        let _ = peer.write_all(part);
                    }
                    match then {
                        Then::Waits => drop(peer.read_to_end(&mut Vec::new())),
                        Then::ReadsNoMore => thread::park(),
                        Then::HangsUp => (),
                    }
                });
            }
        });
        address
    }

    fn head_of(peer: &mut Peer) {
        let (mut head, mut byte) = (Vec::new(), [0]);
        while !head.ends_with(b"\r\n\r\n") && matches!(peer.read(&mut byte), Ok(1)) {
            head.extend(byte);
        }
    }

    fn in_runtime<T>(work: impl Future<Output = T>) -> T {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        LocalSet::new().block_on(&runtime, work)
    }

    fn message(method: &str) -> Message {
        Message { bytes: format!("{method} / HTTP/1.1\r\nhost: shop\r\n\r\n").into(), head: method == "HEAD" }
    }

    type Said = Result<(u16, u64), Ended>;

    fn said(answer: Result<Answer, Ended>) -> Said {
        answer.map(|answer| (answer.status, answer.bytes))
    }

    /// How this connection and hyper's understand an answer, and whether this one can be used again.
    fn understood(method: &str, to: SocketAddr) -> (Said, Said, bool) {
        in_runtime(async {
            let mut plain = Plain::open(&[to], None).await.unwrap();
            let ours = said(plain.send(&message(method)).await);
            let mut hyper = Connection::open(&[to], Protocol::Http1, None).await.unwrap();
            let request = Request::builder().method(method).uri("/").header("host", "shop");
            let theirs = said(hyper.send(request.body(Full::<Bytes>::default()).unwrap(), None).await);
            (ours, theirs, plain.is_open())
        })
    }

    #[track_caller]
    fn check(method: &str, answer: &str, then: Then, expect: Said, open: bool) {
        for slow in [false, true] {
            // To say half a megabyte byte by byte takes long and tells nothing.
            if slow && answer.len() > 10_000 {
                continue;
            }
            let (ours, theirs, is_open) = understood(method, server(answer.as_bytes().to_vec(), then, slow));
            let shown = answer.get(..answer.len().min(200));
            assert_eq!(ours, expect, "{method} {shown:?}, slow: {slow}");
            assert_eq!(theirs, expect, "hyper: {method} {shown:?}, slow: {slow}");
            assert_eq!(is_open, open, "open: {method} {shown:?}, slow: {slow}");
        }
    }

    #[test]
    fn answers_end_where_hyper_says_that_they_end() {
        use Then::{HangsUp, Waits};
        check("GET", "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok", Waits, Ok((200, 2)), true);
        check("GET", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\ncontent-length: 2\r\n\r\nok", Waits, Ok((200, 2)), true);
        check("GET", "HTTP/1.1 200 OK\r\nContent-Length: 2, 2\r\n\r\nok", Waits, Ok((200, 2)), true);
        check("GET", "HTTP/1.1 503 Busy\r\nconnection: Close\r\ncontent-length: 0\r\n\r\n", Waits, Ok((503, 0)), false);
        check("GET", "HTTP/1.1 204 No Content\r\n\r\n", Waits, Ok((204, 0)), true);
        check("GET", "HTTP/1.1 304 Not Modified\r\ncontent-length: 5\r\n\r\n", Waits, Ok((304, 0)), true);
        check("HEAD", "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n", Waits, Ok((200, 0)), true);
        check("HEAD", "HTTP/1.1 200 OK\r\n\r\n", Waits, Ok((200, 0)), true);
        check("GET", "HTTP/1.1 200 OK\r\n\r\nall of it", HangsUp, Ok((200, 9)), false);
        check("GET", "HTTP/1.0 200 OK\r\ncontent-length: 2\r\n\r\nok", Waits, Ok((200, 2)), false);
        check(
            "GET",
            "HTTP/1.0 200 OK\r\nconnection: keep-alive\r\ncontent-length: 2\r\n\r\nok",
            Waits,
            Ok((200, 2)),
            true,
        );
        check(
            "GET",
            "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\n!",
            Waits,
            Ok((200, 1)),
            true,
        );
        let long = "x".repeat(1 << 20);
        check(
            "GET",
            &format!("HTTP/1.1 200 OK\r\ncontent-length: 1048576\r\n\r\n{long}"),
            Waits,
            Ok((200, 1 << 20)),
            true,
        );
    }

    #[test]
    fn chunks_are_counted_without_what_is_around_them() {
        use Then::{HangsUp, Waits};
        const HEAD: &str = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
        check(
            "GET",
            &format!("{HEAD}5\r\nhello\r\nC;why=not\r\n and a world\r\n0\r\n\r\n"),
            Waits,
            Ok((200, 17)),
            true,
        );
        check("GET", &format!("{HEAD}1\r\n!\r\n0\r\nexpires: never\r\n\r\n"), Waits, Ok((200, 1)), true);
        check("GET", &format!("{HEAD}0\r\n\r\n"), Waits, Ok((200, 0)), true);
        let long = "y".repeat(70_000);
        check("GET", &format!("{HEAD}{:x}\r\n{long}\r\n0\r\n\r\n", long.len()), Waits, Ok((200, 70_000)), true);
        check("GET", &format!("{HEAD}5\r\nhel"), HangsUp, Err(Ended::Broken), false);
        check("GET", &format!("{HEAD}5\r\nhello\r\n"), HangsUp, Err(Ended::Broken), false);
        check("GET", &format!("{HEAD}five\r\nhello\r\n"), HangsUp, Err(Ended::Broken), false);
        check("GET", &format!("{HEAD}5\r\nhello!!0\r\n\r\n"), HangsUp, Err(Ended::Broken), false);
        check(
            "GET",
            "HTTP/1.1 200 OK\r\ntransfer-encoding: gzip, chunked\r\n\r\n1\r\n!\r\n0\r\n\r\n",
            Waits,
            Ok((200, 1)),
            true,
        );
    }

    #[test]
    fn what_is_cut_off_is_told_from_what_is_no_http() {
        use Then::{HangsUp, Waits};
        check("GET", "", HangsUp, Err(Ended::Broken), false);
        check("GET", "HTTP/1.1 200 O", HangsUp, Err(Ended::Broken), false);
        check("GET", "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhel", HangsUp, Err(Ended::Broken), false);
        check("GET", "hello there\r\n\r\n", Waits, Err(Ended::Malformed), false);
        check(
            "GET",
            "HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\nok!",
            Waits,
            Err(Ended::Malformed),
            false,
        );
        check("GET", "HTTP/1.1 200 OK\r\ncontent-length: +2\r\n\r\nok", Waits, Err(Ended::Malformed), false);
        check("GET", "HTTP/1.1 200 OK\r\ncontent-length: two\r\n\r\nok", Waits, Err(Ended::Malformed), false);
        check(
            "GET",
            "HTTP/1.0 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
            Waits,
            Err(Ended::Malformed),
            false,
        );
        let lines = "a: b\r\n".repeat(MOST_LINES + 1);
        check("GET", &format!("HTTP/1.1 200 OK\r\n{lines}\r\n"), Waits, Err(Ended::Malformed), false);
        let line = "a".repeat(LONGEST_HEAD + CHUNK);
        check("GET", &format!("HTTP/1.1 200 OK\r\nb: {line}"), Waits, Err(Ended::Malformed), false);
    }

    #[test]
    fn what_nobody_asked_for_ends_the_connection() {
        let to = server(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok and more".to_vec(), Then::Waits, false);
        assert_eq!(understood("GET", to), (Ok((200, 2)), Ok((200, 2)), false));
        let to = server(b"HTTP/1.1 101 Switching Protocols\r\nupgrade: h2c\r\n\r\n".to_vec(), Then::Waits, false);
        let (ours, _, open) = understood("GET", to);
        assert_eq!((ours, open), (Ok((101, 0)), false));
    }

    #[test]
    fn a_close_is_seen_before_the_next_request() {
        let to = server(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok".to_vec(), Then::HangsUp, false);
        in_runtime(async {
            let mut plain = Plain::open(&[to], None).await.unwrap();
            assert_eq!(said(plain.send(&message("GET")).await), Ok((200, 2)));
            plain.stream.readable().await.unwrap();
            assert!(!plain.is_open());
        });
    }

    #[test]
    fn an_answer_that_comes_while_the_request_is_sent_counts() {
        let to = server(b"HTTP/1.1 413 Too Large\r\ncontent-length: 0\r\n\r\n".to_vec(), Then::ReadsNoMore, false);
        let mut bytes = b"POST / HTTP/1.1\r\nhost: shop\r\ncontent-length: 100000000\r\n\r\n".to_vec();
        bytes.resize(100_000_000, b'x');
        in_runtime(async {
            let mut plain = Plain::open(&[to], None).await.unwrap();
            assert_eq!(said(plain.send(&Message { bytes: bytes.into(), head: false }).await), Ok((413, 0)));
            assert!(!plain.is_open(), "half a request is on the way");
        });
    }
}
