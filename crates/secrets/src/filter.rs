//! The one look at every byte: where a beginning of a key or a word of a secret's name stands.

use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, AhoCorasickKind};

use crate::rules::rules;

/// Why to look closer at a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reason {
    /// The fixed text of a row of the table, by the row's index.
    Issued(usize),
    /// A PEM block may begin.
    Pem,
    /// A PEM block in base64 may begin.
    EncodedPem,
    /// A web token may begin.
    WebToken,
    /// An address with a scheme.
    Address,
    /// Credentials in a header.
    Basic,
    /// A word that names of secrets have.
    Name,
}

/// A place to look closer at.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Hit {
    pub(crate) start: usize,
    pub(crate) end: usize,
    pub(crate) reason: Reason,
}

/// Words of names of secrets, in the three ways in which people write them.
const NAMES: &[&str] = &[
    "pass", "Pass", "PASS", "secret", "Secret", "SECRET", "token", "Token", "TOKEN", "key", "Key", "KEY", "pwd", "Pwd",
    "PWD", "auth\"", "jwt", "JWT", "salt", "SALT",
];

struct Filter {
    search: Option<AhoCorasick>,
    reasons: Vec<Reason>,
}

/// Every place to look closer at, in order; those of one place come one after another.
pub(crate) fn hits(text: &[u8]) -> impl Iterator<Item = Hit> {
    static FILTER: LazyLock<Filter> = LazyLock::new(Filter::new);
    let Filter { search, reasons } = &*FILTER;
    search.iter().flat_map(move |search| search.find_overlapping_iter(text)).filter_map(|found| {
        let reason = reasons.get(found.pattern().as_usize())?;
        Some(Hit { start: found.start(), end: found.end(), reason: *reason })
    })
}

impl Filter {
    fn new() -> Self {
        let mut texts: Vec<(&str, Reason)> = vec![
            ("-----BEGIN ", Reason::Pem),
            ("LS0tLS1CRUdJTi", Reason::EncodedPem),
            ("eyJ", Reason::WebToken),
            ("://", Reason::Address),
            ("asic ", Reason::Basic),
        ];
        texts.extend(NAMES.iter().map(|name| (*name, Reason::Name)));
        for (index, rule) in rules().iter().enumerate() {
            texts.extend(rule.starts.iter().map(|start| (start.as_str(), Reason::Issued(index))));
        }
        let search =
            AhoCorasick::builder().kind(Some(AhoCorasickKind::DFA)).build(texts.iter().map(|(text, _)| text)).ok();
        Self { search, reasons: texts.into_iter().map(|(_, reason)| reason).collect() }
    }
}
