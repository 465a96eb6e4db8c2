//! Requests whose second half comes later: they are under way for as long as somebody wants, whatever the service does.

use std::{
    convert::Infallible,
    io,
    net::SocketAddr,
    pin::Pin,
    task::{Context, Poll},
    time::{Duration, Instant},
};

use bytes::Bytes;
use hyper::{
    Request,
    body::{Body, Frame, SizeHint},
    header,
};
use tokio::{task::LocalSet, time::Sleep};

use super::{Ask, Exchange, ask::exchange};
use crate::load::{Connection, KEPT, Protocol};

/// Sends a request and the first half of its body on a connection of its own, the second half at that time, and waits for
/// the answer.
///
/// # Errors
/// Where no runtime can be started, or the request is none.
pub fn ask_halved(address: SocketAddr, ask: &Ask, rest: Instant, timeout: Duration) -> io::Result<Exchange> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    LocalSet::new().block_on(&runtime, async {
        let request = ask.request(address)?;
        let (mut head, _) = request.into_parts();
        head.headers.insert(header::CONTENT_LENGTH, ask.body.len().into());
        let request = Request::from_parts(head, Halved::new(ask.body.clone(), rest));
        let answer =
            async { Connection::open(&[address], Protocol::Http1, None).await?.send(request, Some(KEPT)).await };
        Ok(exchange(timeout, answer).await)
    })
}

/// A body that stops in its middle for a while.
struct Halved {
    first: Option<Bytes>,
    second: Option<Bytes>,
    wait: Pin<Box<Sleep>>,
}

impl Halved {
    fn new(mut body: Bytes, rest: Instant) -> Self {
        let second = body.split_off(body.len() / 2);
        let wait = Box::pin(tokio::time::sleep_until(rest.into()));
        Self { first: Some(body), second: Some(second), wait }
    }
}

impl Body for Halved {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if let Some(first) = self.first.take() {
            return Poll::Ready(Some(Ok(Frame::data(first))));
        }
        if self.second.is_some() && self.wait.as_mut().poll(context).is_pending() {
            return Poll::Pending;
        }
        Poll::Ready(self.second.take().map(|second| Ok(Frame::data(second))))
    }

    fn is_end_stream(&self) -> bool {
        self.first.is_none() && self.second.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        let left = [&self.first, &self.second].into_iter().flatten().map(Bytes::len).sum::<usize>();
        SizeHint::with_exact(u64::try_from(left).unwrap_or(u64::MAX))
    }
}
