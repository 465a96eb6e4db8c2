//! Stands between a service and one of its dependencies: passes on, breaks on demand, records.
//!
//! A [`Proxy`] listens on a free port of the loopback and passes what comes to what is [`Behind`] it. A [`Fault`] is data;
//! [`Handle::inject`] puts it in force and gives an [`Injected`] whose end undoes it. Both return when every connection,
//! open or new, is under the new rules. [`Handle::records`] tells what came, when, and how it ended.
//!
//! Bytes go through `wire`, where the faults of TCP live; where the dependency speaks HTTP, a server of hyper is at the
//! other end of the wire (`http`), with the faults of HTTP; where the service speaks TLS, its other end stands between both (`tls`).

mod behind;
mod body;
mod connection;
mod draw;
mod fault;
mod http;
mod listener;
mod record;
mod situation;
mod stub;
mod tls;
mod wire;

pub use behind::Behind;
pub use fault::{Break, Delay, Fault, FaultError, Greeting, RetryAfter, Which};
pub use listener::{Clock, Handle, Injected, Proxy, Setup};
pub use record::{Connection, ConnectionEnd, Head, Limits, Records, Request, RequestEnd, Totals};
pub use stub::{Answer, Milliseconds, Route, Stub, StubError, Took};
pub use tls::{Authority, Identity, TlsError};
