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
use serde::Deserialize;
use serde_json::{Map, Value};
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

impl Answer {
    /// How a request ended that was answered so.
    pub(crate) fn ended(&self) -> Ended {
        if self.reply.as_ref().is_some_and(Reply::erred) {
            Ended::Erred(self.status)
        } else {
            Ended::Answered(self.status)
        }
    }
}

/// What an answer said.
#[derive(Clone, Debug)]
pub struct Reply {
    pub status: u16,
    pub headers: HeaderMap,
    /// As much of it as was to be kept.
    pub body: Vec<u8>,
}

impl Reply {
    /// A header, where it is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// Whether its body says that nothing succeeded, though its status does not: GraphQL answers 200 with `errors` and no
    /// `data` where it fails. Data beside errors is an answer in part.
    pub fn erred(&self) -> bool {
        #[derive(Deserialize)]
        struct Response {
            errors: Vec<Problem>,
            #[serde(default)]
            data: Option<Map<String, Value>>,
        }
        #[derive(Deserialize)]
        #[expect(dead_code, reason = "an error without a message is none of GraphQL")]
        struct Problem {
            message: String,
        }
        let is_json = self
            .header("content-type")
            .and_then(|kind| kind.split(';').next())
            .is_some_and(|kind| kind.trim_end().ends_with("json"));
        if self.status >= 400 || !is_json || !self.body.windows(ERRORS.len()).any(|part| part == ERRORS) {
            return false;
        }
        serde_json::from_slice::<Response>(&self.body).is_ok_and(|response| {
            !response.errors.is_empty() && response.data.is_none_or(|data| data.values().all(Value::is_null))
        })
    }

    /// The body as text; what is no UTF-8 is replaced.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

const ERRORS: &[u8] = b"\"errors\"";

/// How many bytes of a body are kept where nothing more is wanted of it.
pub(crate) const KEPT: usize = 1 << 20;

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
                // A small request in one piece costs less than a list of its parts.
                let (sender, driver) =
                    http1::Builder::new().writev(false).handshake(io).await.map_err(|error| ended(&error))?;
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

    /// Sends a request and reads the answer to its end; keeps so many bytes of its body, and nothing of
    /// the answer where that is none.
    pub(crate) async fn send(&mut self, request: Request<B>, keep: Option<usize>) -> Result<Answer, Ended> {
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
                if let Some(most) = keep {
                    kept.extend_from_slice(data.get(..data.len().min(most - kept.len())).unwrap_or_default());
                }
            }
        }
        let status = head.status.as_u16();
        let reply = keep.map(|_| Reply { status, headers: head.headers, body: kept });
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
pub(super) async fn connect(addresses: &[SocketAddr], from: Option<IpAddr>) -> io::Result<TcpStream> {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(status: u16, kind: &str, body: &str, expect: Ended) {
        let mut headers = HeaderMap::new();
        headers.insert("content-type", kind.parse().unwrap());
        let reply = Reply { status, headers, body: body.as_bytes().to_vec() };
        assert_eq!(Answer { status, bytes: 0, reply: Some(reply) }.ended(), expect, "{body}");
    }

    #[test]
    fn errors_without_data_are_no_success_whatever_the_status_says() {
        const JSON: &str = "application/json; charset=utf-8";
        const FAILED: &str = r#"{"errors": [{"message": "connect ECONNREFUSED", "path": ["items"]}], "data": null}"#;
        check(200, JSON, FAILED, Ended::Erred(200));
        check(200, "application/graphql-response+json", FAILED, Ended::Erred(200));
        check(200, JSON, r#"{"errors": [{"message": "no"}]}"#, Ended::Erred(200));
        check(200, JSON, r#"{"errors": [{"message": "no"}], "data": {"items": null}}"#, Ended::Erred(200));
        check(
            200,
            JSON,
            r#"{"errors": [{"message": "no"}], "data": {"items": null, "user": {}}}"#,
            Ended::Answered(200),
        );
        check(200, JSON, r#"{"errors": [], "data": null}"#, Ended::Answered(200));
        check(200, JSON, r#"{"errors": 3, "data": null}"#, Ended::Answered(200));
        check(200, JSON, r#"{"items": ["errors"]}"#, Ended::Answered(200));
        check(200, "text/html", FAILED, Ended::Answered(200));
        check(500, JSON, FAILED, Ended::Answered(500));
    }
}
