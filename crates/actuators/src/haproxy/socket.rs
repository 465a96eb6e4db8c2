//! The runtime socket: a line in, an answer out, within bounds.

use std::{fmt, time::Duration};

use gonogo_domain::rollout::{Trouble, TroubleKind};
use serde::Deserialize;
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::{TcpStream, UnixStream},
};

/// Where the socket is: a path, or `HOST:PORT`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Address(pub String);

impl fmt::Display for Address {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// How long an exchange may take, and how much may come back.
const PATIENCE: Duration = Duration::from_secs(5);
const LARGEST: u64 = 16 << 20;

#[derive(Debug)]
pub(super) struct Socket {
    address: Address,
}

impl Socket {
    pub(super) fn new(address: Address) -> Self {
        Self { address }
    }

    /// HAProxy closes the connection after one line.
    pub(super) async fn ask(&mut self, line: &str) -> Result<String, Trouble> {
        let trouble = |why: String| {
            Trouble::new(
                TroubleKind::Unreachable,
                self.address.to_string(),
                format!("the runtime socket gives no answer: {why}"),
                "is HAProxy running with `stats socket … level admin`, and may you open it?",
            )
        };
        let exchange = async {
            if self.address.0.contains('/') {
                let stream = UnixStream::connect(&self.address.0).await?;
                talk(stream, line).await
            } else {
                talk(TcpStream::connect(&self.address.0).await?, line).await
            }
        };
        match tokio::time::timeout(PATIENCE, exchange).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error)) => Err(trouble(error.to_string())),
            Err(_) => Err(trouble(format!("nothing within {} s", PATIENCE.as_secs()))),
        }
    }
}

async fn talk(mut stream: impl AsyncRead + AsyncWrite + Unpin, line: &str) -> std::io::Result<String> {
    stream.write_all(line.as_bytes()).await?;
    stream.write_all(b"\n").await?;
    let mut answer = Vec::new();
    stream.take(LARGEST).read_to_end(&mut answer).await?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}
