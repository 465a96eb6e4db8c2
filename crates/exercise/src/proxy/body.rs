//! Bodies on their way: counted, and where a fault says so slow or broken off.

use std::{
    error::Error,
    future::Future,
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::Bytes;
use http_body_util::{Either, Full};
use hyper::body::{Body, Frame, Incoming, SizeHint};
use thiserror::Error;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    sync::watch,
};

use super::{
    record::{RequestEnd, RequestEntry},
    situation::Situation,
    wire::while_active,
};

/// A stream that cannot tell when it is flushed does not hold up the end of an answer for longer.
const FLUSHED: Duration = Duration::from_secs(1);

pub(super) type BoxError = Box<dyn Error + Send + Sync>;

/// The body of a request.
pub(super) struct RequestBody {
    pub inner: Incoming,
    pub entry: Arc<RequestEntry>,
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let frame = ready!(Pin::new(&mut self.inner).poll_frame(cx));
        if let Some(data) = frame.as_ref().and_then(|frame| frame.as_ref().ok()).and_then(Frame::data_ref) {
            self.entry.came(data.len());
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

/// What is wrong with a body.
pub(super) enum Wrong {
    Slow { id: u64, piece: usize, every: Duration, situations: watch::Receiver<Arc<Situation>> },
    Truncated { after_bytes: u64, flushes: watch::Receiver<u64> },
}

#[derive(Debug, Error)]
#[error("broken off on purpose")]
struct BrokenOff;

/// The body of an answer.
pub(super) struct AnswerBody {
    inner: Either<Incoming, Full<Bytes>>,
    entry: Arc<RequestEntry>,
    wrong: Option<Wrong>,
    /// Taken from the inner body and not given yet.
    held: Bytes,
    /// How many bytes may be given before it is broken off.
    left: Option<u64>,
    /// How often the connection was flushed when something was given last.
    flushed: u64,
    wait: Option<Pin<Box<dyn Future<Output = ()>>>>,
    /// The wait before the next piece is over.
    waited: bool,
}

impl AnswerBody {
    pub(super) fn new(inner: Either<Incoming, Full<Bytes>>, entry: Arc<RequestEntry>, wrong: Option<Wrong>) -> Self {
        let (mut left, mut flushed) = (None, 0);
        if let Some(Wrong::Truncated { after_bytes, flushes }) = &wrong {
            // The last byte is missing, whatever was asked; a body that is empty has no last byte.
            left = match inner.size_hint().exact() {
                Some(0) => None,
                Some(length) => Some(length.saturating_sub(1).min(*after_bytes)),
                None => Some(*after_bytes),
            };
            flushed = *flushes.borrow();
        }
        let body = Self { inner, entry, wrong, held: Bytes::new(), left, flushed, wait: None, waited: false };
        body.note_end();
        body
    }

    /// Nobody asks a body that says it is over for its end.
    fn note_end(&self) {
        if self.is_end_stream() {
            self.entry.end(RequestEnd::Answered);
        }
    }

    /// Waits until everything that was given has left, since a broken answer takes with it what has not.
    fn break_off(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        if let (None, Some(Wrong::Truncated { flushes, .. })) = (&self.wait, &self.wrong) {
            let (mut flushes, given) = (flushes.clone(), self.flushed);
            self.wait = Some(Box::pin(async move {
                let left = flushes.wait_for(|count| *count > given);
                let _ = tokio::time::timeout(FLUSHED, left).await;
            }));
        }
        if let Some(wait) = &mut self.wait {
            ready!(wait.as_mut().poll(cx));
        }
        self.entry.end(RequestEnd::Fault);
        Poll::Ready(Some(Err(Box::new(BrokenOff))))
    }
}

impl Body for AnswerBody {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let body = &mut *self;
        if body.left == Some(0) {
            return body.break_off(cx);
        }
        if body.held.is_empty() {
            match ready!(Pin::new(&mut body.inner).poll_frame(cx)) {
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) => body.held = data,
                    Err(_) if body.left.is_some() => return body.break_off(cx),
                    Err(trailers) => {
                        body.entry.end(RequestEnd::Answered);
                        return Poll::Ready(Some(Ok(trailers)));
                    }
                },
                Some(Err(error)) => {
                    body.entry.end(RequestEnd::Broken);
                    return Poll::Ready(Some(Err(error)));
                }
                None if body.left.is_some() => return body.break_off(cx),
                None => {
                    body.entry.end(RequestEnd::Answered);
                    return Poll::Ready(None);
                }
            }
        }
        let mut size = body.held.len();
        if let Some(Wrong::Slow { id, piece, every, situations }) = &body.wrong {
            if !body.waited {
                let wait = body.wait.get_or_insert_with(|| Box::pin(while_active(situations.clone(), *id, *every)));
                ready!(wait.as_mut().poll(cx));
                (body.wait, body.waited) = (None, true);
            }
            if situations.borrow().has(*id) {
                size = size.min(*piece);
            }
        }
        if let Some(left) = &mut body.left {
            size = size.min(usize::try_from(*left).unwrap_or(usize::MAX));
            *left -= size as u64;
        }
        if let Some(Wrong::Truncated { flushes, .. }) = &body.wrong {
            body.flushed = *flushes.borrow();
        }
        body.waited = false;
        let data = body.held.split_to(size);
        body.entry.gave(data.len());
        body.note_end();
        Poll::Ready(Some(Ok(Frame::data(data))))
    }

    fn is_end_stream(&self) -> bool {
        self.held.is_empty() && self.left.is_none() && self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let mut hint = self.inner.size_hint();
        let held = self.held.len() as u64;
        match hint.exact() {
            Some(length) => hint.set_exact(length + held),
            None => hint.set_lower(hint.lower() + held),
        }
        hint
    }
}

/// A stream that counts how often everything written to it has left.
pub(super) struct Flushing<S> {
    pub stream: S,
    pub flushes: watch::Sender<u64>,
}

impl<S: AsyncRead + Unpin> AsyncRead for Flushing<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Flushing<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(Pin::new(&mut self.stream).poll_flush(cx))?;
        self.flushes.send_modify(|flushes| *flushes += 1);
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
