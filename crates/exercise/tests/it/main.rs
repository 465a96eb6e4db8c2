//! The bench against real sockets.

mod load;
mod server;
