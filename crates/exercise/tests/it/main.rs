//! The bench against real sockets.

mod load;
mod proxy;
mod server;
