//! Base64 in a text, decoded once: what `data` of a Kubernetes Secret and many a setting hold.

use std::ops::Range;

use gonogo_domain::secret::base64;

/// Shorter texts hold no key of a known shape.
const SHORTEST: usize = 28;
/// More than this is a picture or a bundle.
const LONGEST: usize = 64 << 10;

/// The texts that are encoded in a text, each with where it stands.
pub(crate) fn texts(text: &[u8]) -> impl Iterator<Item = (Range<usize>, Vec<u8>)> {
    let mut from = 0;
    // Every run has a letter at a multiple of its length, so that most bytes are never looked at.
    (0..text.len()).step_by(SHORTEST - 4).filter_map(move |probe| {
        if probe < from || !text.get(probe).is_some_and(|byte| letter(*byte)) {
            return None;
        }
        let before = text.get(from..probe)?.iter().rev().take_while(|byte| letter(**byte)).count();
        let after = text.get(probe..)?.iter().take_while(|byte| letter(**byte)).count();
        let range = probe - before..probe + after;
        from = range.end;
        let run = text.get(range.clone())?;
        if !(SHORTEST..=LONGEST).contains(&run.len()) || run.iter().all(u8::is_ascii_alphabetic) {
            return None;
        }
        // What is no text is known by its first letters.
        let head = base64(run.get(..SHORTEST - SHORTEST % 4)?)?;
        if !head.iter().all(|byte| printable(*byte)) {
            return None;
        }
        let decoded = base64(run)?;
        decoded.iter().all(|byte| printable(*byte) || *byte >= 0x80).then_some((range, decoded))
    })
}

fn letter(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=' | b'-' | b'_')
}

fn printable(byte: u8) -> bool {
    byte.is_ascii_graphic() || byte.is_ascii_whitespace()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expect: &[&str]) {
        let found: Vec<String> = texts(text.as_bytes()).map(|(_, text)| String::from_utf8(text).unwrap()).collect();
        assert_eq!(found, expect, "{text}");
    }

    #[test]
    fn texts_in_base64_are_decoded_and_words_are_none() {
        check("data: c29tZSB0ZXh0IHRoYXQgaXMgZW5jb2RlZA==", &["some text that is encoded"]);
        check("ThisIsAnIdentifierOfMoreThanThirtyLetters2", &[]);
        check("a/long/path/to/a/file/that/has/no/secret1", &[]);
        check(&"eHh4".repeat(100_000), &[]);
        check("", &[]);
    }
}
