//! One connection to the server, of either protocol.

use std::{
    convert::Infallible,
    io,
    net::{IpAddr, SocketAddr},
};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::{
    HeaderMap, Request,
    body::Body,
    client::conn::{http1, http2},
};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpSocket, TcpStream};

use super::{outcome::Ended, target::Protocol};
use crate::local::Local;

/// `B` is what requests carry.
pub(crate) enum Connection<B = Full<Bytes>> {
    Http1(http1::SendRequest<B>),
    /// Requests share it.
    Http2(http2::SendRequest<B>),
}

/// An answer that was read to its end.
pub(crate) struct Answer {
    pub status: u16,
    pub bytes: u64,
    /// Where it was to be kept.
    pub reply: Option<Reply>,
}

/// What an answer said.
#[derive(Clone, Debug)]
pub struct Reply {
    pub status: u16,
    pub headers: HeaderMap,
    /// The first MiB of it.
    pub body: Vec<u8>,
}

impl Reply {
    /// A header, where it is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The body as text; what is no UTF-8 is replaced.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// How many bytes of a body are kept.
const KEPT: usize = 1 << 20;

impl<B> Connection<B>
where
    B: Body<Data = Bytes, Error = Infallible> + Unpin + 'static,
{
    pub(crate) async fn open(
        addresses: &[SocketAddr],
        protocol: Protocol,
        from: Option<IpAddr>,
    ) -> Result<Self, Ended> {
        let stream = connect(addresses, from).await.map_err(|_| Ended::Refused)?;
        // A small request must not wait for the answer to the one before.
        let _ = stream.set_nodelay(true);
        let io = TokioIo::new(stream);
        match protocol {
            Protocol::Http1 => {
                let (sender, driver) = http1::handshake(io).await.map_err(|error| ended(&error))?;
                // It ends with an error that the request on it sees as well.
                tokio::task::spawn_local(driver);
                Ok(Self::Http1(sender))
            }
            Protocol::Http2 => {
                let (sender, driver) = http2::handshake(Local, io).await.map_err(|error| ended(&error))?;
                tokio::task::spawn_local(driver);
                Ok(Self::Http2(sender))
            }
        }
    }

    /// Sends a request and reads the answer to its end; keeps what it said if that is asked for.
    pub(crate) async fn send(&mut self, request: Request<B>, keep: bool) -> Result<Answer, Ended> {
        let answer = match self {
            Self::Http1(sender) => {
                sender.ready().await.map_err(|error| ended(&error))?;
                sender.send_request(request).await
            }
            Self::Http2(sender) => {
                sender.ready().await.map_err(|error| ended(&error))?;
                sender.send_request(request).await
            }
        };
        let (head, mut body) = answer.map_err(|error| ended(&error))?.into_parts();
        let (mut bytes, mut kept) = (0, Vec::new());
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|error| ended(&error))?;
            if let Some(data) = frame.data_ref() {
                bytes += u64::try_from(data.len()).unwrap_or(u64::MAX);
                if keep {
                    kept.extend_from_slice(data.get(..data.len().min(KEPT - kept.len())).unwrap_or_default());
                }
            }
        }
        let status = head.status.as_u16();
        let reply = keep.then_some(Reply { status, headers: head.headers, body: kept });
        Ok(Answer { status, bytes, reply })
    }

    /// Another handle of the same connection, where the protocol carries several requests at once.
    pub(super) fn share(&self) -> Option<Self> {
        match self {
            Self::Http1(_) => None,
            Self::Http2(sender) => Some(Self::Http2(sender.clone())),
        }
    }

    /// Whether another request may be sent on it.
    pub(crate) fn is_open(&self) -> bool {
        match self {
            Self::Http1(sender) => !sender.is_closed(),
            Self::Http2(sender) => !sender.is_closed(),
        }
    }
}

/// Connects, from this address of the machine where one is wanted and the other end is of the same family.
async fn connect(addresses: &[SocketAddr], from: Option<IpAddr>) -> io::Result<TcpStream> {
    let pair = from.and_then(|from| {
        let to = addresses.iter().find(|to| to.is_ipv4() == from.is_ipv4())?;
        Some((SocketAddr::from((from, 0)), *to))
    });
    let Some((from, to)) = pair else { return TcpStream::connect(addresses).await };
    let socket = if from.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    socket.bind(from)?;
    socket.connect(to).await
}

fn ended(error: &hyper::Error) -> Ended {
    if error.is_parse() { Ended::Malformed } else { Ended::Broken }
}
