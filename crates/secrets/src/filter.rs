//! The one look at every byte: where a beginning of a key or a word of a secret's name stands.

use std::sync::LazyLock;

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
    /// A call of curl.
    Curl,
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
    "pass",
    "Pass",
    "PASS",
    "secret",
    "Secret",
    "SECRET",
    "token",
    "Token",
    "TOKEN",
    "key",
    "Key",
    "KEY",
    "pwd",
    "Pwd",
    "PWD",
    "auth\"",
    "jwt",
    "JWT",
    "salt",
    "SALT",
    "_pat",
    "_PAT",
    "uthorization",
];

/// Every text is looked for by its first three letters.
const LETTERS: usize = 3;

/// Which three letters begin a text: a bit for each hash of them, small enough to stay in the fastest memory.
///
/// An automaton over all texts reads a byte only after the one before it; this looks at each place on its own, which a
/// processor does several at a time. The letters are rare enough that hardly any place is looked at twice.
struct Filter {
    bits: Box<[u64; 1024]>,
    /// For each hash, the texts that may stand there.
    buckets: Vec<u16>,
    texts: Vec<Vec<(Vec<u8>, Reason)>>,
}

/// Every place to look closer at, in order.
pub(crate) fn hits(text: &[u8]) -> Hits<'_> {
    static FILTER: LazyLock<Filter> = LazyLock::new(Filter::new);
    Hits { filter: &FILTER, text, at: 0, candidates: [].iter() }
}

/// What is left to find in a text.
pub(crate) struct Hits<'t> {
    filter: &'static Filter,
    text: &'t [u8],
    /// Where to look next; the candidates stand just before.
    at: usize,
    candidates: std::slice::Iter<'static, (Vec<u8>, Reason)>,
}

impl Iterator for Hits<'_> {
    type Item = Hit;

    fn next(&mut self) -> Option<Hit> {
        loop {
            let start = self.at.saturating_sub(1);
            for (known, reason) in self.candidates.by_ref() {
                let end = start + known.len();
                if self.text.get(start..end) == Some(known.as_slice()) {
                    return Some(Hit { start, end, reason: *reason });
                }
            }
            let rest = self.text.get(self.at..)?;
            // Four bytes are one word to a processor, and three are not: only the last three are looked at as such.
            let filter = self.filter;
            let skipped = rest.windows(LETTERS + 1).position(|four| filter.may_begin(letters(four)));
            let skipped = skipped.unwrap_or_else(|| rest.len().saturating_sub(LETTERS));
            let found = rest.get(skipped..).filter(|rest| rest.len() >= LETTERS)?;
            self.candidates = filter.at(letters(found)).iter();
            self.at += skipped + 1;
        }
    }
}

impl Filter {
    fn new() -> Self {
        let mut texts: Vec<(&str, Reason)> = vec![
            ("-----BEGIN ", Reason::Pem),
            ("LS0tLS1CRUdJTi", Reason::EncodedPem),
            ("eyJ", Reason::WebToken),
            ("://", Reason::Address),
            ("asic ", Reason::Basic),
            ("curl", Reason::Curl),
        ];
        texts.extend(NAMES.iter().map(|name| (*name, Reason::Name)));
        for (index, rule) in rules().iter().enumerate() {
            texts.extend(rule.starts.iter().map(|start| (start.as_str(), Reason::Issued(index))));
        }
        // The first bucket is the empty one.
        let mut filter = Self { bits: Box::new([0; 1024]), buckets: vec![0; 1 << 16], texts: vec![Vec::new()] };
        for (text, reason) in texts {
            filter.add(text.as_bytes(), reason);
        }
        filter
    }

    fn add(&mut self, text: &[u8], reason: Reason) {
        let Some(first) = text.get(..LETTERS) else { return };
        let hash = hash(letters(first));
        if let Some(word) = self.bits.get_mut(hash >> 6) {
            *word |= 1 << (hash & 63);
        }
        let next = u16::try_from(self.texts.len()).unwrap_or_default();
        let Some(bucket) = self.buckets.get_mut(hash) else { return };
        if *bucket == 0 {
            *bucket = next;
            self.texts.push(Vec::new());
        }
        if let Some(texts) = self.texts.get_mut(usize::from(*bucket)) {
            texts.push((text.to_vec(), reason));
        }
    }

    fn may_begin(&self, letters: u32) -> bool {
        let hash = hash(letters);
        // The index has ten bits, as many as there are words.
        self.bits.get((hash >> 6) & 1023).is_some_and(|word| word >> (hash & 63) & 1 == 1)
    }

    fn at(&self, letters: u32) -> &[(Vec<u8>, Reason)] {
        let bucket = self.buckets.get(hash(letters)).copied().unwrap_or_default();
        self.texts.get(usize::from(bucket)).map_or(&[], Vec::as_slice)
    }
}

/// The first three letters as a number.
fn letters(text: &[u8]) -> u32 {
    let (first, second, third, fourth) = match text {
        [first, second, third, fourth, ..] => (*first, *second, *third, *fourth),
        [first, second, third] => (*first, *second, *third, 0),
        _ => return 0,
    };
    u32::from_le_bytes([first, second, third, fourth]) & 0x00ff_ffff
}

/// Sixteen bits for three letters.
fn hash(letters: u32) -> usize {
    usize::try_from(letters.wrapping_mul(0x9e37_79b1) >> 16).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_beginning_is_seen_wherever_it_stands() {
        for rule in rules() {
            for start in &rule.starts {
                let text = format!("{start} {start}{start}");
                let places: Vec<usize> = hits(text.as_bytes())
                    .filter(|hit| text.get(hit.start..hit.end) == Some(start))
                    .map(|hit| hit.start)
                    .collect();
                let expect = [0, start.len() + 1, 2 * start.len() + 1];
                assert!(expect.iter().all(|place| places.contains(place)), "{start}: {places:?}");
            }
        }
        assert_eq!(hits(b"pa").count(), 0);
    }
}
