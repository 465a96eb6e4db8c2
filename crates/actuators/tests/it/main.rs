//! Drivers against what they drive: a real HAProxy, and real scripts.

#[cfg(test)]
mod command;
#[cfg(test)]
mod haproxy;
#[cfg(test)]
mod service;
