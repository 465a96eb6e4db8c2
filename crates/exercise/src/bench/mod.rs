//! A service on the bench: started, its dependencies behind fault proxies, asked by users.

mod ask;
mod burst;
mod dependency;
mod expand;
mod fixture;
mod halved;
mod loaded;
mod survey;
mod traffic;

pub use ask::{Ask, Exchange, ask, ask_both};
pub use burst::{Client, burst};
pub use fixture::{Bench, BenchError, Description, Setting};
pub use halved::ask_halved;
pub use loaded::{CLIENTS, Phase};
pub use survey::{Shape, Survey, Use, shape};
pub use traffic::{Sent, Traffic};
