//! What stands behind the proxy.

use std::{
    io,
    net::{SocketAddr, ToSocketAddrs},
};

use super::stub::Stub;

/// The dependency, or what stands for it.
pub enum Behind {
    /// Bytes are passed on as they are: PostgreSQL, Redis, a queue, TLS.
    Tcp(Vec<SocketAddr>),
    /// HTTP/1.1 or HTTP/2 without TLS, as the service chooses; each connection of the service has one of its own behind it.
    /// A connection that changes its protocol (a web socket) needs [`Behind::Tcp`].
    Http(Vec<SocketAddr>),
    /// Written answers, in HTTP.
    Stub(Stub),
}

impl Behind {
    /// A dependency whose protocol is not read. The name is resolved now, and not again.
    pub fn tcp(address: impl ToSocketAddrs) -> io::Result<Self> {
        Ok(Self::Tcp(address.to_socket_addrs()?.collect()))
    }

    /// A dependency that speaks HTTP. The name is resolved now, and not again.
    pub fn http(address: impl ToSocketAddrs) -> io::Result<Self> {
        Ok(Self::Http(address.to_socket_addrs()?.collect()))
    }

    pub(super) fn speaks_http(&self) -> bool {
        !matches!(self, Self::Tcp(_))
    }
}
