//! One bounded GET without TLS: what a server of the own network says of itself.

use std::time::{Duration, SystemTime};

use bytes::Bytes;
use gonogo_resilience::retry::{self, Backoff, Fate, RetryPolicy, Settings};
use http_body_util::{BodyExt as _, Empty, Limited};
use hyper::{Request, header};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tower::{Service as _, ServiceBuilder};

/// What was answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    pub status: u16,
    pub body: Bytes,
}

/// A version or a health page is far smaller.
const LARGEST: usize = 1 << 20;

/// Asks `http://{authority}{path}`, and again where the server answers an error of its own: it may do so now and then.
/// On failure says why, without the address. `patience` is that of one attempt.
pub async fn get(authority: &str, path: &str, patience: Duration) -> Result<Answer, String> {
    let backoff = Backoff { base: Duration::from_millis(50), ..Backoff::default() };
    let settings = Settings { backoff, overall: patience, ..Settings::default() };
    let policy = RetryPolicy::new(settings, retry::budget(), |()| true, fate);
    let attempt = |()| async move {
        tokio::time::timeout(patience, ask(authority, path))
            .await
            .map_err(|_| format!("no answer within {} ms", patience.as_millis()))?
    };
    ServiceBuilder::new().retry(policy).service_fn(attempt).call(()).await
}

/// Who does not listen is seen at the next look; an error of the server itself may be gone a moment later.
fn fate(result: Result<&Answer, &String>, _: SystemTime) -> Fate {
    match result {
        Ok(Answer { status: 429 | 500.., .. }) => Fate::Transient { after: None },
        _ => Fate::Final,
    }
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

#[cfg(test)]
mod tests {
    use tokio::{
        io::{AsyncReadExt as _, AsyncWriteExt as _},
        net::TcpListener,
    };

    use super::*;

    /// The status in the end of a server that answers with these one after the other, and how often it was asked.
    async fn asked(statuses: &'static [u16]) -> (u16, usize) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let server = tokio::spawn(async move {
            let mut count = 0;
            for status in statuses {
                let (mut stream, _) = listener.accept().await.unwrap();
                count += 1;
                let _ = stream.read(&mut [0; 1024]).await.unwrap();
                let answer = format!("HTTP/1.1 {status} X\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
                stream.write_all(answer.as_bytes()).await.unwrap();
                if *status < 429 {
                    break;
                }
            }
            count
        });
        let answer = get(&address, "/version", Duration::from_secs(5)).await.unwrap();
        (answer.status, server.await.unwrap())
    }

    #[tokio::test]
    async fn an_error_of_the_server_is_asked_again_and_another_answer_stands() {
        assert_eq!(asked(&[503, 200]).await, (200, 2));
        assert_eq!(asked(&[404]).await, (404, 1));
        assert_eq!(asked(&[500, 503, 503]).await, (503, 3));
    }
}
