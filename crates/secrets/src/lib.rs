//! Finds secrets in text: bytes in, sightings out. No I/O, and no judgement of what a sighting means.
//!
//! One look for a few hundred beginnings (`filter`) decides where to look closer. There `issued` knows the keys whose
//! issuers gave them a shape (the rows of `knowledge/secrets.toml`), `structure` those that are known by how they are
//! built, and `assignment` those that have only a name in front of them. What is packed is unpacked once (`nested`,
//! `archive`). A secret leaves this crate as four characters and a hash.

mod archive;
mod assignment;
mod checksum;
mod filter;
mod issued;
mod letters;
mod nested;
#[cfg(test)]
mod rows;
mod rules;
pub mod sample;
mod scanner;
mod structure;
mod text;

pub use rules::{Published, Rule, published, rules};
pub use scanner::{File, may_hold, scan};
