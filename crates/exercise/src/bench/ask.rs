//! One request and everything that came of it.

use std::{
    io,
    net::{IpAddr, SocketAddr},
    time::{Duration, Instant},
};

use bytes::Bytes;
use http_body_util::Full;
use hyper::{Request, header};
use tokio::task::LocalSet;

use crate::load::{Answer, Connection, Ended, KEPT, Protocol, Reply};

/// The longest document that is read.
const WHOLE: usize = 32 << 20;

/// A request that can be sent.
#[derive(Clone, Debug)]
pub struct Ask {
    pub method: String,
    /// Path and query.
    pub path: String,
    pub headers: Vec<(String, String)>,
    pub body: Bytes,
}

impl Ask {
    pub fn get(path: &str) -> Self {
        Self { method: "GET".to_owned(), path: path.to_owned(), headers: Vec::new(), body: Bytes::new() }
    }

    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// What is sent to this address.
    pub(super) fn request(&self, address: SocketAddr) -> io::Result<Request<Full<Bytes>>> {
        let mut request = Request::builder().method(self.method.as_str()).uri(&self.path);
        if !self.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("host")) {
            request = request.header(header::HOST, address.to_string());
        }
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        let wrong =
            |_| io::Error::new(io::ErrorKind::InvalidInput, format!("{} {} is no request", self.method, self.path));
        request.body(Full::new(self.body.clone())).map_err(wrong)
    }
}

/// How a request went.
#[derive(Clone, Debug)]
pub struct Exchange {
    pub sent: Instant,
    pub ended: Instant,
    pub how: Ended,
    /// Where there was an answer.
    pub reply: Option<Reply>,
}

impl Exchange {
    pub fn took(&self) -> Duration {
        self.ended.saturating_duration_since(self.sent)
    }

    /// The status; none where no full answer came.
    pub fn status(&self) -> Option<u16> {
        self.how.status()
    }
}

/// Sends a request on a connection of its own and waits for the answer.
///
/// # Errors
/// Where no runtime can be started, or the request is none.
pub fn ask(address: SocketAddr, ask: &Ask, timeout: Duration) -> io::Result<Exchange> {
    ask_from(None, address, ask, timeout)
}

/// The same from this address of the machine.
pub(super) fn ask_from(
    from: Option<IpAddr>,
    address: SocketAddr,
    ask: &Ask,
    timeout: Duration,
) -> io::Result<Exchange> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    LocalSet::new().block_on(&runtime, async { one(&mut None, from, address, ask, timeout, KEPT).await })
}

/// The same as [`ask`], for an answer that is wanted whole, however long: a document.
pub(super) fn ask_whole(address: SocketAddr, ask: &Ask, timeout: Duration) -> io::Result<Exchange> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    LocalSet::new().block_on(&runtime, async { one(&mut None, None, address, ask, timeout, WHOLE).await })
}

/// Sends a request, and then another one on the same connection, where the server has left it open.
///
/// # Errors
/// Where no runtime can be started, or one of the requests is none.
pub fn ask_both(address: SocketAddr, first: &Ask, then: &Ask, timeout: Duration) -> io::Result<(Exchange, Exchange)> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    LocalSet::new().block_on(&runtime, async {
        let mut connection = None;
        let first = one(&mut connection, None, address, first, timeout, KEPT).await?;
        Ok((first, one(&mut connection, None, address, then, timeout, KEPT).await?))
    })
}

/// Sends a request on this connection while it is open, else on a new one, which stays.
async fn one(
    connection: &mut Option<Connection>,
    from: Option<IpAddr>,
    address: SocketAddr,
    ask: &Ask,
    timeout: Duration,
    keep: usize,
) -> io::Result<Exchange> {
    let request = ask.request(address)?;
    let answer = async {
        let mut open = match connection.take().filter(Connection::is_open) {
            Some(open) => open,
            None => Connection::open(&[address], Protocol::Http1, from).await?,
        };
        let answer = open.send(request, Some(keep)).await?;
        *connection = Some(open);
        Ok(answer)
    };
    Ok(exchange(timeout, answer).await)
}

/// Waits for an answer that begins to be asked for now.
pub(super) async fn exchange(timeout: Duration, answer: impl Future<Output = Result<Answer, Ended>>) -> Exchange {
    let sent = Instant::now();
    let result = tokio::time::timeout(timeout, answer).await.unwrap_or(Err(Ended::TimedOut));
    let ended = Instant::now();
    match result {
        Ok(answer) => Exchange { sent, ended, how: answer.ended(), reply: answer.reply },
        Err(how) => Exchange { sent, ended, how, reply: None },
    }
}

#[cfg(test)]
mod tests {
    use std::{
        io::{BufRead as _, Write as _},
        net::TcpListener,
        thread,
    };

    use super::*;

    /// One answer of this length.
    fn long(length: usize) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let request = io::BufReader::new(stream.try_clone().unwrap());
            assert!(request.lines().map_while(Result::ok).any(|line| line.is_empty()));
            let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n");
            stream.write_all(head.as_bytes()).unwrap();
            stream.write_all(&vec![b' '; length]).unwrap();
        });
        address
    }

    #[track_caller]
    fn check(ask: impl Fn(SocketAddr, &Ask, Duration) -> io::Result<Exchange>, length: usize, expect: usize) {
        let exchange = ask(long(length), &Ask::get("/openapi.json"), Duration::from_secs(10)).unwrap();
        assert_eq!(exchange.reply.map(|reply| reply.body.len()), Some(expect));
    }

    #[test]
    fn a_document_is_kept_whole_and_of_other_answers_the_beginning() {
        check(ask, 2_050_004, KEPT);
        check(ask_whole, 2_050_004, 2_050_004);
    }
}
