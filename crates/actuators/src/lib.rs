//! The writers to the world: whatever moves the traffic of a service between its stable release and its canary.

mod driver;
pub mod kubernetes;

pub use driver::Driver;
