//! One connection to the server, of either protocol.

use std::net::SocketAddr;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::{
    Request,
    client::conn::{http1, http2},
};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use super::{outcome::Ended, target::Protocol};
use crate::local::Local;

pub(super) enum Connection {
    Http1(http1::SendRequest<Full<Bytes>>),
    /// Requests share it.
    Http2(http2::SendRequest<Full<Bytes>>),
}

/// An answer that was read to its end.
pub(super) struct Answer {
    pub status: u16,
    pub bytes: u64,
}

impl Connection {
    pub(super) async fn open(addresses: &[SocketAddr], protocol: Protocol) -> Result<Self, Ended> {
        let stream = TcpStream::connect(addresses).await.map_err(|_| Ended::Refused)?;
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

    pub(super) async fn send(&mut self, request: Request<Full<Bytes>>) -> Result<Answer, Ended> {
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
        let mut bytes = 0;
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|error| ended(&error))?;
            bytes += frame.data_ref().map_or(0, |data| u64::try_from(data.len()).unwrap_or(u64::MAX));
        }
        Ok(Answer { status: head.status.as_u16(), bytes })
    }

    /// Another handle of the same connection, where the protocol carries several requests at once.
    pub(super) fn share(&self) -> Option<Self> {
        match self {
            Self::Http1(_) => None,
            Self::Http2(sender) => Some(Self::Http2(sender.clone())),
        }
    }

    /// Whether another request may be sent on it.
    pub(super) fn is_open(&self) -> bool {
        match self {
            Self::Http1(sender) => !sender.is_closed(),
            Self::Http2(sender) => !sender.is_closed(),
        }
    }
}

fn ended(error: &hyper::Error) -> Ended {
    if error.is_parse() { Ended::Malformed } else { Ended::Broken }
}
