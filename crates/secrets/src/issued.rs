//! Keys in the shapes that their issuers give them.

use std::ops::Range;

use gonogo_domain::{evidence::Certainty, secret::entropy};

use crate::{checksum, rules::Rule};

/// No issuer's key is longer, but for those in PEM.
const LONGEST: usize = 4096;

/// A key whose fixed text stands at `start..end`, and how sure it is.
pub(crate) fn at(rule: &Rule, text: &[u8], start: usize, end: usize) -> Option<(Range<usize>, Certainty)> {
    // What is no beginning of a word is told before a pattern is even compiled.
    if rule.before.is_none() && !rule.inside && joined(text, start) {
        return None;
    }
    let compiled = rule.compiled()?;
    let rest = text.get(end..text.len().min(end + LONGEST))?;
    let length = compiled.rest.find(rest)?.end();
    let begin = match &compiled.before {
        Some(before) => {
            let from = start.saturating_sub(200);
            from + before.find(text.get(from..start)?)?.start()
        }
        None => start,
    };
    if joined(text, begin) && !rule.inside {
        return None;
    }
    // Where any letter may stand in front, the key begins where its letters begin.
    let goes_on = |byte: &u8| matches!(byte, b'~' | b'-' | b'+' | b'/');
    let first = begin.checked_sub(1).and_then(|at| text.get(at));
    if rule.before.is_some() && !rule.inside && first.is_some_and(goes_on) {
        return None;
    }
    let last_is_letter = text.get(end + length - 1).is_some_and(u8::is_ascii_alphanumeric);
    if last_is_letter && text.get(end + length).is_some_and(|next| next.is_ascii_alphanumeric() || *next == b'_') {
        return None;
    }
    // The name of a picture or a script: `video.ico-….png`.
    let after = text.get(end + length..).unwrap_or_default();
    if [b".png".as_slice(), b".jpg", b".svg", b".js", b".css", b".gif"].iter().any(|ending| after.starts_with(ending)) {
        return None;
    }
    let key = text.get(begin..end + length)?;
    let certainty = certainty(rule, key, text.get(end..end + length)?)?;
    if certainty < Certainty::Verified && !rule.inside && in_a_blob(text, begin, end + length) {
        return None;
    }
    Some((begin..end + length, certainty))
}

/// It is a part of something long in base64, where any few letters come up by chance.
fn in_a_blob(text: &[u8], start: usize, end: usize) -> bool {
    const FAR: usize = 160;
    let blob = |byte: &&u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/');
    let before = text.get(start.saturating_sub(FAR)..start).unwrap_or_default();
    let after = text.get(end..text.len().min(end + FAR)).unwrap_or_default();
    before.iter().rev().take_while(blob).count() + after.iter().take_while(blob).count() >= FAR
}

/// A key without fixed text, that is assigned to a name of its issuer.
pub(crate) fn whole(rule: &Rule, value: &[u8]) -> Option<Certainty> {
    rule.compiled()?.rest.is_match(value).then_some(())?;
    certainty(rule, value, value)
}

fn certainty(rule: &Rule, key: &[u8], random: &[u8]) -> Option<Certainty> {
    let key_text = std::str::from_utf8(key).ok()?;
    if rule.checksum.is_some_and(|checksum| checksum::holds(checksum, key_text)) {
        return Some(Certainty::Verified);
    }
    let random = if random.len() < 12 { key } else { random };
    (entropy(random) >= rule.entropy && varied(random) && !sample(random)).then_some(Certainty::Shape)
}

/// In the middle of a longer word it is something else.
fn joined(text: &[u8], start: usize) -> bool {
    let Some(before) = start.checked_sub(1).and_then(|at| text.get(at)) else { return false };
    // The escapes of a line's end and of a tab are no letters of a word.
    let escape = matches!(before, b'n' | b'r' | b't') && start >= 2 && text.get(start - 2) == Some(&b'\\');
    !escape && (before.is_ascii_alphanumeric() || *before == b'_')
}

/// Few different letters make no key: `xxxxxxxx`, `00000000`, `abcabcabc`.
pub(crate) fn varied(text: &[u8]) -> bool {
    let mut seen = [false; 256];
    for byte in text.iter().take(200) {
        if let Some(slot) = seen.get_mut(usize::from(*byte)) {
            *slot = true;
        }
    }
    seen.iter().filter(|one| **one).count() >= 6
}

/// Keys that stand in documentation: they say so, or count.
pub(crate) fn sample(text: &[u8]) -> bool {
    const WORDS: &[&[u8]] = &[
        b"example",
        b"xxxx",
        b"1234567890",
        b"0123456789",
        b"abcdefgh",
        b"placeholder",
        b"redacted",
        b"your",
        b"0000000",
        b"dummy",
        b"fake",
        b"....",
        b"deadbeef",
        b"sample",
        b"replace",
        b"changeme",
        b"secret",
        b"token",
        b"insert",
    ];
    let lower = text.to_ascii_lowercase();
    let plain = WORDS.iter().any(|word| lower.windows(word.len()).any(|part| part == *word));
    plain || counts(&lower) || filled(text)
}

/// Six times `a` or more. Zeros are `A` in base64, and many keys hold some; of what is filled up they are a good part.
fn filled(text: &[u8]) -> bool {
    let longest = |letter: u8| text.split(|byte| *byte != letter).map(<[u8]>::len).max().unwrap_or(0);
    let upper = longest(b'A');
    longest(b'a') >= 6 || upper >= 6 && upper * 4 >= text.len()
}

/// Eight letters in a row that count on: `12345678`, `abcdefgh`, `qrstuvwx`.
fn counts(lower: &[u8]) -> bool {
    let mut row = 1;
    lower.windows(2).any(|pair| {
        let [first, second] = pair else { return false };
        row = if first.checked_add(1) == Some(*second) { row + 1 } else { 1 };
        row >= 8
    })
}
