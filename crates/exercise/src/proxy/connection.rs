//! One connection of the service, from its acceptance to its end.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use tokio::{
    io::{AsyncWriteExt as _, DuplexStream, duplex, split},
    net::TcpStream,
};

use super::{
    behind::Behind,
    fault::Greeting,
    http::serve,
    listener::Shared,
    record::{ConnectionEnd, ConnectionEntry},
    wire::{Side, Wire, drain, until},
};

/// What may be under way between the wire and the server of HTTP.
const PIPE: usize = 64 << 10;

/// How long the service has to close its side of a connection that was closed as usual.
const LINGER: Duration = Duration::from_secs(5);

pub(super) async fn connection(client: TcpStream, shared: Arc<Shared>, entry: ConnectionEntry) {
    // Small pieces must not wait for each other: what is late here is meant to be.
    let _ = client.set_nodelay(true);
    match &shared.behind {
        Behind::Tcp(addresses) => tcp(client, addresses, &shared, &entry).await,
        Behind::Http(_) | Behind::Stub(_) => http(client, &shared, &entry).await,
    }
}

async fn tcp(mut client: TcpStream, addresses: &[SocketAddr], shared: &Shared, entry: &ConnectionEntry) {
    let Some(mut upstream) = reach(&mut client, addresses, shared, entry).await else { return };
    let end = {
        let wire = Wire { situations: &shared.situations, entry, http: false };
        let (from, to) = client.split();
        let (upstream_from, upstream_to) = upstream.split();
        wire.carry(Side { from, to }, Side { from: upstream_from, to: upstream_to }).await
    };
    let gentle = match end {
        ConnectionEnd::Fault(id) => shared.situations.borrow().closes(id),
        ConnectionEnd::ServiceReset | ConnectionEnd::DependencyReset => false,
        _ => true,
    };
    if !gentle {
        let _ = upstream.set_zero_linger();
    }
    finish(client, entry, end, gentle, || drop(upstream)).await;
}

/// Connects to the dependency, unless the service or a fault ends it before.
async fn reach(
    client: &mut TcpStream,
    addresses: &[SocketAddr],
    shared: &Shared,
    entry: &ConnectionEntry,
) -> Option<TcpStream> {
    let ended = until(&shared.situations, |situation| {
        situation.refuses().is_some() || situation.ending().is_some_and(|ending| ending.after_bytes == 0)
    });
    let connected = async {
        until(&shared.situations, |situation| !situation.is_silent()).await;
        TcpStream::connect(addresses).await
    };
    let gone = gone(client);
    let end = tokio::select! {
        biased;
        situation = ended => {
            let id = situation.refuses().or_else(|| situation.ending().map(|ending| ending.id)).unwrap_or_default();
            ConnectionEnd::Fault(id)
        }
        connected = connected => match connected {
            Ok(upstream) => {
                let _ = upstream.set_nodelay(true);
                return Some(upstream);
            }
            Err(_) => ConnectionEnd::Unreachable,
        },
        end = gone => end,
    };
    let closes = matches!(end, ConnectionEnd::Fault(id) if shared.situations.borrow().closes(id));
    entry.end(end);
    if closes {
        close(client).await;
    } else {
        let _ = client.set_zero_linger();
    }
    None
}

/// When a service that has sent nothing goes away. What it sends is left for later.
async fn gone(client: &TcpStream) -> ConnectionEnd {
    match client.peek(&mut [0]).await {
        Ok(0) => ConnectionEnd::ServiceClosed,
        Ok(_) => std::future::pending().await,
        Err(_) => ConnectionEnd::ServiceReset,
    }
}

async fn http(mut client: TcpStream, shared: &Arc<Shared>, entry: &ConnectionEntry) {
    let (near, far): (DuplexStream, DuplexStream) = duplex(PIPE);
    let greeting = shared.situations.borrow().greeting();
    let mut served = Box::pin(greeted(far, Arc::clone(shared), entry.id, greeting.map(|(_, greeting)| greeting)));
    // A connection belongs to the greeting with which it began: one that is kept would hide the next.
    let other = until(&shared.situations, |situation| situation.greeting() != greeting);
    let mut regreeted = false;
    let end = {
        let wire = Wire { situations: &shared.situations, entry, http: true };
        let (from, to) = client.split();
        let (near_from, near_to) = split(near);
        let mut carried = std::pin::pin!(wire.carry(Side { from, to }, Side { from: near_from, to: near_to }));
        tokio::select! {
            biased;
            situation = other => {
                regreeted = true;
                ConnectionEnd::Fault(situation.greeting().or(greeting).map(|(id, _)| id).unwrap_or_default())
            }
            end = &mut carried => end,
            by = &mut served => match carried.await {
                // What the wire sees closed is the server of HTTP.
                ConnectionEnd::DependencyClosed => by,
                end => end,
            },
        }
    };
    let gentle = match end {
        ConnectionEnd::Fault(id) => regreeted || shared.situations.borrow().closes(id),
        ConnectionEnd::ServiceReset => false,
        _ => true,
    };
    finish(client, entry, end, gentle, || drop(served)).await;
}

/// Serves HTTP, within TLS where the service speaks it.
async fn greeted(
    stream: DuplexStream,
    shared: Arc<Shared>,
    connection: u64,
    greeting: Option<Greeting>,
) -> ConnectionEnd {
    let Some(identity) = &shared.tls else { return serve(stream, shared, connection).await };
    match identity.greet(stream, greeting).await {
        Ok(stream) => serve(stream, Arc::clone(&shared), connection).await,
        // A service that likes no certificate breaks off, or closes.
        Err(_) if greeting == Some(Greeting::Closed) => ConnectionEnd::DependencyClosed,
        Err(_) => ConnectionEnd::ServiceClosed,
    }
}

/// Writes down the end, ends what is behind, and closes or resets the side of the service.
async fn finish(
    mut client: TcpStream,
    entry: &ConnectionEntry,
    end: ConnectionEnd,
    gentle: bool,
    behind: impl FnOnce(),
) {
    entry.end(end);
    behind();
    if !gentle {
        let _ = client.set_zero_linger();
        return;
    }
    close(&mut client).await;
}

async fn close(client: &mut TcpStream) {
    let _ = client.shutdown().await;
    drain(client, LINGER).await;
}
