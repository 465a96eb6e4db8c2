//! The rows of `knowledge/secrets.toml`: what each issuer's keys look like.

use std::{
    collections::BTreeSet,
    sync::{Arc, LazyLock, OnceLock},
};

use gonogo_domain::{Message, SECRETS_TABLE};
use regex::bytes::{Regex, RegexBuilder};
use serde::Deserialize;

/// One row: keys of one kind of one issuer.
///
/// A key has a fixed text in it (`starts`), with what stands `before` it, where it is not the beginning, and what
/// comes `then`. A key without fixed text is known by the words of the name that it is assigned to (`names`) and by its
/// form (`whole`).
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// `vendor.kind`.
    pub id: String,
    /// What it is, with its article: "a GitHub token".
    pub en: String,
    pub zh: String,
    /// Fixed texts, three letters or more, one of which each key has.
    #[serde(default)]
    pub starts: Vec<String>,
    /// A pattern for what stands before the fixed text and belongs to the key.
    #[serde(default)]
    pub before: Option<String>,
    /// A pattern for what comes after the fixed text.
    #[serde(default)]
    pub then: Option<String>,
    /// Words in lower case of which the name before the key has one, separators left out.
    #[serde(default)]
    pub names: Vec<String>,
    /// A pattern for a key that has no fixed text, as a whole.
    #[serde(default)]
    pub whole: Option<String>,
    /// Something other than the end of a word may stand before it: it is the middle of an address.
    #[serde(default)]
    pub inside: bool,
    /// Bits a letter, at least.
    #[serde(default = "usual_entropy")]
    pub entropy: f64,
    /// How the issuer lets a key be told from a typed one: `crc32-base62`, `crc32-hex`, `bech32`.
    #[serde(default)]
    pub checksum: Option<Checksum>,
    /// Names of files in which it is public by the issuer's own word.
    #[serde(default)]
    pub public_in: Vec<String>,
    /// Something that has the fixed text or the name, and is no key.
    pub look_alike: String,
    /// Where the issuer writes about it.
    pub reference: String,
    #[serde(skip)]
    compiled: OnceLock<Option<Compiled>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Checksum {
    /// The last six letters are the CRC-32 of the other letters behind the prefix, in base 62.
    Crc32Base62,
    /// Behind the last underscore stands the CRC-32 of everything before it, in hexadecimal digits.
    Crc32Hex,
    /// The last six letters are a code after BIP 173.
    Bech32,
}

fn usual_entropy() -> f64 {
    3.0
}

#[derive(Debug)]
pub(crate) struct Compiled {
    pub(crate) before: Option<Regex>,
    /// Anchored: of what comes after the fixed text, or of the whole.
    pub(crate) rest: Regex,
}

impl Rule {
    pub fn title(&self) -> Message {
        Message::new(self.en.clone(), self.zh.clone())
    }

    /// The id, for a sighting.
    pub(crate) fn shared_id(&self) -> Arc<str> {
        Arc::from(self.id.as_str())
    }

    /// Most rows are never met in a repository, so a pattern is compiled when its fixed text was seen.
    pub(crate) fn compiled(&self) -> Option<&Compiled> {
        self.compiled
            .get_or_init(|| {
                let before = match &self.before {
                    Some(pattern) => Some(bytes_regex(&format!("(?:{pattern})$"))?),
                    None => None,
                };
                let rest = match (&self.then, &self.whole) {
                    (Some(then), _) => bytes_regex(&format!("^(?:{then})"))?,
                    (None, Some(whole)) => bytes_regex(&format!("^(?:{whole})$"))?,
                    (None, None) => return None,
                };
                Some(Compiled { before, rest })
            })
            .as_ref()
    }
}

fn bytes_regex(pattern: &str) -> Option<Regex> {
    RegexBuilder::new(pattern).unicode(false).size_limit(1 << 20).build().ok()
}

/// Keys that everybody has: of emulators, and those that an issuer prints in its own documents.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Published {
    pub what: String,
    /// Of the values, in sixteen hexadecimal digits.
    pub fingerprints: Vec<String>,
    pub reference: String,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    #[serde(rename = "rule")]
    rules: Vec<Rule>,
    published: Vec<Published>,
}

fn table() -> &'static Table {
    // The file is part of the program, and a test reads every row.
    static TABLE: LazyLock<Table> = LazyLock::new(|| serde_json::from_str(SECRETS_TABLE).unwrap_or_default());
    &TABLE
}

/// Every row, in the order of the file.
pub fn rules() -> &'static [Rule] {
    &table().rules
}

/// Every group of keys that anybody can read in public.
pub fn published() -> &'static [Published] {
    &table().published
}

/// The value of this fingerprint is no secret, because its issuer gives it to everybody.
pub(crate) fn is_published(fingerprint: u64) -> bool {
    static ALL: LazyLock<BTreeSet<u64>> = LazyLock::new(|| {
        let digits = published().iter().flat_map(|group| &group.fingerprints);
        digits.filter_map(|digits| u64::from_str_radix(digits, 16).ok()).collect()
    });
    ALL.contains(&fingerprint)
}
