//! The writers to the world: whatever moves the traffic of a service between its stable release and its canary.

pub mod command;
mod driver;
pub mod haproxy;
pub mod http;
pub mod kubernetes;

pub use driver::Driver;
