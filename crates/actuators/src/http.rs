//! One bounded GET without TLS: what a server of the own network says of itself.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Empty, Limited};
use hyper::{Request, header};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

/// What was answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    pub status: u16,
    pub body: Bytes,
}

/// A version or a health page is far smaller.
const LARGEST: usize = 1 << 20;

/// Asks `http://{authority}{path}`; on failure says why, without the address.
pub async fn get(authority: &str, path: &str, patience: Duration) -> Result<Answer, String> {
    tokio::time::timeout(patience, ask(authority, path))
        .await
        .map_err(|_| format!("no answer within {} ms", patience.as_millis()))?
}

async fn ask(authority: &str, path: &str) -> Result<Answer, String> {
    let stream = TcpStream::connect(authority).await.map_err(|error| error.to_string())?;
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(|error| error.to_string())?;
    let request = Request::get(path)
        .header(header::HOST, authority)
        .header(header::CONNECTION, "close")
        .body(Empty::<Bytes>::new())
        .map_err(|error| error.to_string())?;
    let exchange = async {
        let answer = sender.send_request(request).await.map_err(|error| error.to_string())?;
        let status = answer.status().as_u16();
        let body = Limited::new(answer.into_body(), LARGEST).collect().await.map_err(|error| error.to_string())?;
        Ok(Answer { status, body: body.to_bytes() })
    };
    tokio::pin!(exchange);
    // The connection is driven as long as the exchange lasts, and dropped with it.
    tokio::select! {
        answer = &mut exchange => answer,
        ended = connection => match ended {
            Ok(()) => exchange.await,
            Err(error) => Err(error.to_string()),
        },
    }
}
