//! The nouns and the pure decisions of gonogo: no I/O, no async, no clock, no SQL.

mod node;
mod place;
mod text;

pub use node::{Entry, Node, Scalar, Value};
pub use place::Place;
pub use text::{Lang, Message, Text};
