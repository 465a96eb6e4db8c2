//! The requests of one connection: recorded, passed on or answered, with the faults of HTTP.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Either, Full};
use hyper::{
    Request, Response, StatusCode, Version,
    body::{Body as _, Incoming},
    client::conn::{http1, http2},
    header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HeaderValue, RETRY_AFTER, TRANSFER_ENCODING},
    service::service_fn,
};
use hyper_util::{rt::TokioIo, server::conn::auto};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    sync::{Mutex, Notify, watch},
    time::sleep,
};

use super::{
    behind::Behind,
    body::{AnswerBody, BoxError, Flushing, RequestBody, Wrong},
    fault::{Break, RetryAfter},
    listener::Shared,
    record::{ConnectionEnd, RequestEnd, RequestEntry},
    stub::Ready,
    wire::{until, while_active},
};
use crate::local::Local;

/// Neither UTF-8, nor JSON, nor XML, and no number.
const MALFORMED: &[u8] = b"{\"\xff\xfe<";

/// So much of a body that is not passed on is read, so that its connection can be used again.
const UNUSED: usize = 1 << 20;

/// The proxy is not the one to find that headers are too long.
const HEADERS: u32 = 1 << 20;

/// One connection of the service.
struct Served {
    shared: Arc<Shared>,
    connection: u64,
    upstream: Mutex<Option<Upstream>>,
    /// The connection to the dependency has ended.
    gone: Arc<Notify>,
    flushes: watch::Receiver<u64>,
    http2: AtomicBool,
}

/// The connection to the dependency.
#[derive(Clone)]
enum Upstream {
    Http1(Arc<Mutex<http1::SendRequest<RequestBody>>>),
    Http2(http2::SendRequest<RequestBody>),
}

/// Answers requests until one of both sides closes; tells who did. In HTTP/2 a service says so before it does.
pub(super) async fn serve(
    stream: impl AsyncRead + AsyncWrite + Unpin + 'static,
    shared: Arc<Shared>,
    connection: u64,
) -> ConnectionEnd {
    let (sender, flushes) = watch::channel(0);
    let gone = Arc::new(Notify::new());
    let served = Arc::new(Served {
        shared,
        connection,
        upstream: Mutex::new(None),
        gone: Arc::clone(&gone),
        flushes,
        http2: AtomicBool::new(false),
    });
    let last = Arc::clone(&served);
    let service = service_fn(move |request| {
        let served = Arc::clone(&served);
        async move { served.answer(request).await }
    });
    let mut builder = auto::Builder::new(Local);
    builder.http1().preserve_header_case(true).auto_date_header(false);
    builder.http2().auto_date_header(false).max_header_list_size(HEADERS);
    let io = TokioIo::new(Flushing { stream, flushes: sender });
    let mut serving = std::pin::pin!(builder.serve_connection(io, service));
    let mut told = false;
    loop {
        tokio::select! {
            // Its error is in the records of the requests.
            over = serving.as_mut() => {
                let by_service = over.is_ok() && !told && last.http2.load(Ordering::Relaxed);
                return if by_service { ConnectionEnd::ServiceClosed } else { ConnectionEnd::DependencyClosed };
            }
            () = gone.notified(), if !told => {
                told = true;
                serving.as_mut().graceful_shutdown();
            }
        }
    }
}

impl Served {
    async fn answer(&self, request: Request<Incoming>) -> Result<Response<AnswerBody>, BoxError> {
        let (parts, body) = request.into_parts();
        self.http2.store(parts.version == Version::HTTP_2, Ordering::Relaxed);
        let entry = Arc::new(self.shared.log.request(self.connection, &parts));
        let chosen = self.shared.situations.borrow().of_request(parts.uri.path());
        if let Some((id, _)) = &chosen {
            entry.fault(*id);
        }
        until(&self.shared.situations, |situation| !situation.is_silent()).await;
        let body = RequestBody { inner: body, entry: Arc::clone(&entry) };

        if let Some((_, Break::Status { code, retry_after })) = chosen {
            read_all(body).await;
            return Ok(self.status(&entry, code, retry_after, None));
        }
        if let Some((_, Break::Written { code, retry_after, body: written, .. })) = chosen {
            read_all(body).await;
            return Ok(self.status(&entry, code, retry_after, Some(written)));
        }
        let (mut parts, mut body) = match &self.shared.behind {
            Behind::Stub(stub) => {
                let (time, ready) = stub.answer(&parts.method, parts.uri.path());
                read_all(body).await;
                sleep(time).await;
                written(ready)
            }
            Behind::Http(addresses) | Behind::Tcp(addresses) => {
                let request = Request::from_parts(parts, body);
                let (parts, body) = self.pass_on(addresses, request, &entry).await?.into_parts();
                (parts, Either::Left(body))
            }
        };
        let mut wrong = None;
        match chosen {
            Some((id, Break::SlowHeaders { delay })) => {
                while_active(self.shared.situations.clone(), id, delay).await;
            }
            Some((id, Break::SlowBody { piece, every })) => {
                let piece = usize::try_from(piece.get()).unwrap_or(usize::MAX);
                wrong = Some(Wrong::Slow { id, piece, every, situations: self.shared.situations.clone() });
            }
            Some((_, Break::TruncatedBody { after_bytes })) => {
                wrong = Some(Wrong::Truncated { after_bytes, flushes: self.flushes.clone() });
            }
            Some((_, Break::MalformedBody)) => {
                read_some(&mut body).await;
                body = Either::Right(Full::new(Bytes::from_static(MALFORMED)));
                for name in [CONTENT_LENGTH, CONTENT_ENCODING, TRANSFER_ENCODING] {
                    parts.headers.remove(name);
                }
            }
            Some((_, Break::WrongContentType { content_type })) => {
                if let Ok(value) = HeaderValue::from_str(&content_type) {
                    parts.headers.insert(CONTENT_TYPE, value);
                }
            }
            Some((_, Break::Status { .. } | Break::Written { .. })) | None => (),
        }
        entry.answered(parts.status.as_u16());
        Ok(Response::from_parts(parts, AnswerBody::new(body, entry, wrong)))
    }

    fn status(
        &self,
        entry: &Arc<RequestEntry>,
        code: u16,
        retry_after: Option<RetryAfter>,
        body: Option<String>,
    ) -> Response<AnswerBody> {
        let is_json = body.is_some();
        let body = Full::from(body.unwrap_or_default());
        let mut answer = Response::new(AnswerBody::new(Either::Right(body), Arc::clone(entry), None));
        if is_json {
            answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        }
        *answer.status_mut() = StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let value = retry_after.map(|after| match after {
            RetryAfter::Seconds(seconds) => seconds.to_string(),
            RetryAfter::DateInSeconds(seconds) => {
                let since = Duration::from_secs(u64::from(seconds)) + self.shared.clock.zero.elapsed();
                httpdate::fmt_http_date(self.shared.clock.wall + since)
            }
        });
        if let Some(value) = value.and_then(|value| HeaderValue::from_str(&value).ok()) {
            answer.headers_mut().insert(RETRY_AFTER, value);
        }
        entry.answered(code);
        answer
    }

    async fn pass_on(
        &self,
        addresses: &[SocketAddr],
        request: Request<RequestBody>,
        entry: &RequestEntry,
    ) -> Result<Response<Incoming>, BoxError> {
        let upstream = match self.upstream(addresses, request.version()).await {
            Ok(upstream) => upstream,
            Err(error) => {
                entry.end(RequestEnd::Unreachable);
                return Err(error);
            }
        };
        let answer = match upstream {
            Upstream::Http1(sender) => sender.lock().await.send_request(request).await,
            Upstream::Http2(mut sender) => sender.send_request(request).await,
        };
        answer.map_err(|error| {
            entry.end(RequestEnd::Broken);
            error.into()
        })
    }

    /// The connection of before, where it is open.
    async fn upstream(&self, addresses: &[SocketAddr], version: Version) -> Result<Upstream, BoxError> {
        let mut kept = self.upstream.lock().await;
        if let Some(upstream) = &*kept
            && upstream.is_open().await
        {
            return Ok(upstream.clone());
        }
        let stream = TcpStream::connect(addresses).await?;
        let _ = stream.set_nodelay(true);
        let io = TokioIo::new(stream);
        let gone = Arc::clone(&self.gone);
        let opened = if version == Version::HTTP_2 {
            let (sender, driver) = http2::Builder::new(Local).max_header_list_size(HEADERS).handshake(io).await?;
            tokio::task::spawn_local(async move {
                let _ = driver.await;
                gone.notify_one();
            });
            Upstream::Http2(sender)
        } else {
            let (sender, driver) = http1::Builder::new().preserve_header_case(true).handshake(io).await?;
            tokio::task::spawn_local(async move {
                let _ = driver.await;
                gone.notify_one();
            });
            Upstream::Http1(Arc::new(Mutex::new(sender)))
        };
        opened.ready().await?;
        *kept = Some(opened.clone());
        Ok(opened)
    }
}

impl Upstream {
    async fn is_open(&self) -> bool {
        match self {
            // A request that is still under way is one that the service gave up.
            Self::Http1(sender) => sender.lock().await.ready().await.is_ok(),
            Self::Http2(sender) => sender.is_ready(),
        }
    }

    async fn ready(&self) -> Result<(), hyper::Error> {
        match self {
            Self::Http1(sender) => sender.lock().await.ready().await,
            Self::Http2(sender) => sender.clone().ready().await,
        }
    }
}

fn written(ready: Ready) -> (hyper::http::response::Parts, Either<Incoming, Full<Bytes>>) {
    let mut answer = Response::new(());
    *answer.status_mut() = ready.status;
    *answer.headers_mut() = ready.headers;
    (answer.into_parts().0, Either::Right(Full::new(ready.body)))
}

/// A service may write its whole request before it reads the answer.
async fn read_all(mut body: RequestBody) {
    while let Some(Ok(_)) = body.frame().await {}
}

async fn read_some(body: &mut Either<Incoming, Full<Bytes>>) {
    let mut read = 0;
    while read < UNUSED && !body.is_end_stream() {
        let Some(Ok(frame)) = body.frame().await else { return };
        read += frame.data_ref().map_or(0, Bytes::len);
    }
}
