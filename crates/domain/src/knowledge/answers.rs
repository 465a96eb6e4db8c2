//! How programs tell answers apart, and what belongs to a vendor: `knowledge/source/statuses.toml`, `knowledge/vendors.toml`.

use std::{collections::BTreeMap, sync::OnceLock};

use aho_corasick::AhoCorasick;
use serde::Deserialize;

/// Names of statuses of HTTP, members of answers, words of outcomes.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Answers {
    names: BTreeMap<String, u16>,
    members: BTreeMap<String, (u16, u16)>,
    outcomes: OutcomeWords,
}

/// Words for the outcome of work, in small letters with underscores.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OutcomeWords {
    pub failed: Vec<String>,
    pub unfinished: Vec<String>,
    pub finished: Vec<String>,
}

impl Answers {
    /// The status of a constant: `http.StatusPaymentRequired`, `status.HTTP_402_PAYMENT_REQUIRED`, `codes.FORBIDDEN`.
    pub fn status(&self, path: &str) -> Option<u16> {
        let (before, last) = path.rsplit_once('.').unwrap_or(("", path));
        let about = |text: &str| ["status", "code", "http"].iter().any(|word| text.to_ascii_lowercase().contains(word));
        if !about(before) && !about(last) {
            return None;
        }
        let plain: String = last.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase();
        let plain = plain.strip_prefix("status").or_else(|| plain.strip_prefix("http")).unwrap_or(&plain);
        let plain = plain.strip_prefix("status").unwrap_or(plain);
        self.names.get(plain.trim_start_matches(|letter: char| letter.is_ascii_digit())).copied()
    }

    /// The statuses that a member of an answer tells from the rest, both ends included: `ok`, `is_server_error`.
    pub fn member(&self, name: &str) -> Option<(u16, u16)> {
        self.members.get(name).copied()
    }

    pub fn outcomes(&self) -> &OutcomeWords {
        &self.outcomes
    }

    /// The word of an outcome, in the form of the table.
    pub fn outcome(&self, word: &str) -> Option<&str> {
        let plain = word.replace(['-', ' '], "_").to_ascii_lowercase();
        let all = [&self.outcomes.failed, &self.outcomes.unfinished, &self.outcomes.finished];
        all.into_iter().flatten().find(|one| **one == plain).map(String::as_str)
    }
}

pub fn answers() -> &'static Answers {
    static TABLE: OnceLock<Answers> = OnceLock::new();
    TABLE.get_or_init(|| serde_json::from_str(table!("source/statuses")).unwrap_or_default())
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Vendors {
    vendor: Vec<VendorRow>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct VendorRow {
    name: String,
    #[expect(dead_code, reason = "it tells the reader of the table where its facts are from")]
    reference: String,
    signs: Vec<String>,
    variables: Vec<String>,
    inside: Vec<String>,
    whole: Vec<String>,
}

/// A vendor whose texts checks ask for.
#[derive(Debug)]
pub struct Vendor {
    pub name: String,
    signs: Option<AhoCorasick>,
    variables: Vec<String>,
    inside: Option<AhoCorasick>,
    whole: Vec<String>,
}

impl Vendor {
    /// The text shows that the program talks to the vendor.
    pub fn shows(&self, text: &str) -> bool {
        self.signs.as_ref().is_some_and(|search| search.is_match(text))
    }

    /// A variable of the environment shows it by its name.
    pub fn names(&self, variable: &str) -> bool {
        self.variables.iter().any(|start| variable.starts_with(start.as_str()))
    }

    /// In a program that talks to the vendor, the text is about it: a header, a path, the name of an event.
    pub fn owns(&self, text: &str) -> bool {
        self.whole.iter().any(|one| one.eq_ignore_ascii_case(text))
            || self.inside.as_ref().is_some_and(|search| search.is_match(text))
            || self.shows(text)
    }
}

/// The vendors of `knowledge/vendors.toml`.
pub fn vendors() -> &'static [Vendor] {
    static TABLE: OnceLock<Vec<Vendor>> = OnceLock::new();
    TABLE.get_or_init(|| {
        let table: Vendors = serde_json::from_str(table!("vendors")).unwrap_or_default();
        let search = |texts: &[String]| AhoCorasick::builder().ascii_case_insensitive(true).build(texts).ok();
        let rows = table.vendor.into_iter();
        rows.map(|row| Vendor {
            signs: search(&row.signs),
            inside: search(&row.inside),
            name: row.name,
            variables: row.variables,
            whole: row.whole,
        })
        .collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn constants_of_libraries_name_statuses() {
        let check = |path: &str, expect: Option<u16>| assert_eq!(answers().status(path), expect, "{path}");
        check("http.StatusPaymentRequired", Some(402));
        check("status.HTTP_402_PAYMENT_REQUIRED", Some(402));
        check("HTTPStatus.FORBIDDEN", Some(403));
        check("HttpStatusCode.TooManyRequests", Some(429));
        check("httpx.codes.SERVICE_UNAVAILABLE", Some(503));
        check("StatusCode.UNPROCESSABLE_ENTITY", Some(422));
        check("orders.NOT_FOUND", None);
        check("http.StatusText", None);
    }

    #[test]
    fn texts_of_vendors_are_told_from_others() {
        let clay = vendors().iter().find(|one| one.name == "clay").expect("Clay is in the table");
        let check = |text: &str, expect: (bool, bool)| {
            assert_eq!((clay.shows(text), clay.owns(text)), expect, "{text}");
        };
        check("https://api.clay.com/public/v0/me", (true, true));
        check("X-Clay-Signature", (true, true));
        check("/me", (false, true));
        check("/menu", (false, false));
        check("/api/routes/{}", (false, false));
        check("modelling with clay", (false, false));
        assert!(clay.names("CLAY_API_KEY"));
        assert!(!clay.names("BARCLAY_KEY"));
    }

    #[test]
    fn words_of_outcomes_are_found_in_any_spelling() {
        assert_eq!(answers().outcome("In-Progress"), Some("in_progress"));
        assert_eq!(answers().outcome("FAILED"), Some("failed"));
        assert_eq!(answers().outcome("shipped"), None);
        assert!(!answers().outcomes().failed.is_empty());
    }
}
