//! A small server whose truth is known: it answers at once, but for what it is told.

use std::{
    io::{BufReader, Read as _, Write as _},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

/// What it does with the request of this number, this long after the first one.
pub(crate) type Rule = dyn Fn(u64, Duration) -> Reply + Send + Sync;

pub(crate) enum Reply {
    /// After waiting until this long after the first request.
    At(Duration, u16),
    Now(u16),
    /// Closes the connection in the middle of the answer.
    Cut,
    /// Bytes that are no HTTP.
    Noise,
    Never,
}

pub(crate) struct Server {
    pub address: SocketAddr,
    pub requests: Arc<AtomicU64>,
}

pub(crate) fn serve(rule: impl Fn(u64, Duration) -> Reply + Send + Sync + 'static) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("its address");
    let requests = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&requests);
    let rule: Arc<Rule> = Arc::new(rule);
    let first: Arc<std::sync::OnceLock<Instant>> = Arc::default();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let (rule, counted, first) = (Arc::clone(&rule), Arc::clone(&counted), Arc::clone(&first));
            thread::spawn(move || connection(&stream, &*rule, &counted, &first));
        }
    });
    Server { address, requests }
}

fn connection(stream: &TcpStream, rule: &Rule, counted: &AtomicU64, first: &std::sync::OnceLock<Instant>) {
    let _ = stream.set_nodelay(true);
    let mut reader = BufReader::new(stream);
    while let Some(length) = head(&mut reader) {
        let mut body = vec![0; length];
        if reader.read_exact(&mut body).is_err() {
            return;
        }
        let first = *first.get_or_init(Instant::now);
        let reply = rule(counted.fetch_add(1, Ordering::SeqCst), first.elapsed());
        let answer = |status: u16| format!("HTTP/1.1 {status} Told\r\ncontent-length: 2\r\n\r\nok");
        let bytes = match reply {
            Reply::Now(status) => answer(status),
            Reply::At(time, status) => {
                thread::sleep(time.saturating_sub(first.elapsed()));
                answer(status)
            }
            Reply::Cut => {
                let _ = (&mut &*stream).write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf");
                return;
            }
            Reply::Noise => "good morning\r\n\r\n".to_owned(),
            Reply::Never => {
                thread::sleep(Duration::from_mins(1));
                return;
            }
        };
        if (&mut &*stream).write_all(bytes.as_bytes()).is_err() {
            return;
        }
    }
}

/// Reads the head of a request; gives the length of its body.
fn head(reader: &mut impl std::io::BufRead) -> Option<usize> {
    let mut length = 0;
    for at in 0.. {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        match line.trim_end() {
            "" if at > 0 => return Some(length),
            line => {
                if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                    length = value.trim().parse().ok()?;
                }
            }
        }
    }
    None
}
