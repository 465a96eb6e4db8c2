//! A service on the bench: started, its dependencies behind fault proxies, asked by users.

mod ask;
mod expand;
mod fixture;
mod survey;
mod traffic;

pub use ask::{Ask, Exchange, ask, ask_both};
pub use fixture::{Bench, BenchError, Description, Setting};
pub use survey::{Shape, Survey, Use, shape};
pub use traffic::{Sent, Traffic};
