//! Secrets that are known by how they are built: private keys, web tokens, passwords in addresses and headers.

use std::ops::Range;

use gonogo_domain::secret::{SecretValue, base64, looks_random, loopback, secret_value};
use jiff::{Timestamp, civil::Date, tz::TimeZone};

use crate::issued::{sample, varied};

/// A private key in PEM whose opening dashes stand at `start`: the line that opens it alone is a pattern of a scanner,
/// or prose. With whether its body is one by its structure.
pub(crate) fn private_key(text: &[u8], start: usize) -> Option<(Range<usize>, bool)> {
    const OPENING: usize = "-----BEGIN ".len();
    let rest = text.get(start + OPENING..text.len().min(start + (16 << 10)))?;
    let dashes = find(rest.get(..60.min(rest.len()))?, b"-----")?;
    let kind = rest.get(..dashes)?;
    if !kind.ends_with(b"PRIVATE KEY") && kind != b"PGP PRIVATE KEY BLOCK" {
        return None;
    }
    let body = rest.get(dashes + 5..)?;
    let body = body.get(..find(body, b"-----").unwrap_or(body.len()))?;
    // Lines of base64, their ends written as they are or as the escapes of a string.
    let mut letters = Vec::with_capacity(body.len().min(4096));
    let mut line = Vec::new();
    let mut bytes = body.iter().copied().peekable();
    let mut flush = |line: &mut Vec<u8>| {
        let part = std::mem::take(line);
        let plain = part.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'='));
        if plain && part.len() > 3 {
            letters.extend(part);
        }
    };
    while let Some(byte) = bytes.next() {
        match byte {
            b'\\' => {
                bytes.next_if(|next| matches!(next, b'n' | b'r' | b't' | b'\\'));
                flush(&mut line);
            }
            b'\n' | b'\r' | b'\t' | b' ' | b'"' | b'\'' | b',' | b'|' | b'>' | b'`' => flush(&mut line),
            other => line.push(other),
        }
    }
    flush(&mut line);
    if letters.len() < 40 || !varied(&letters) || sample(&letters) {
        return None;
    }
    // A sequence in DER, or the format of OpenSSH; an encrypted or armoured body begins otherwise.
    let verified = base64(letters.get(..letters.len().min(64) / 4 * 4)?)
        .is_some_and(|bytes| bytes.first() == Some(&0x30) || bytes.starts_with(b"openssh-key-v1"));
    let end = start + OPENING + dashes + 5 + body.len();
    Some((start..end, verified))
}

/// Three parts, of which the first two are JSON objects in base64. With the last day on which it is accepted.
pub(crate) fn web_token(text: &[u8], start: usize) -> Option<(Range<usize>, Option<Date>)> {
    let rest = text.get(start..text.len().min(start + (8 << 10)))?;
    let length = rest.iter().position(|byte| !url_letter(*byte) && *byte != b'.').unwrap_or(rest.len());
    let token = rest.get(..length)?;
    let mut parts = token.split(|byte| *byte == b'.');
    let (header, payload, signature) = (parts.next()?, parts.next()?, parts.next()?);
    if header.len() < 16 || payload.len() < 16 || !payload.starts_with(b"eyJ") || signature.len() < 20 {
        return None;
    }
    let (header_length, payload_length) = (header.len(), payload.len());
    let header = base64(header)?;
    if !header.starts_with(b"{") || find(&header, b"\"alg\"").is_none() || !varied(signature) {
        return None;
    }
    let payload = base64(payload)?;
    // The one of jwt.io and those made from it.
    if !payload.starts_with(b"{") || find(&payload, b"1234567890").is_some() || find(&payload, b"John Doe").is_some() {
        return None;
    }
    // A full stop that ends a sentence is no part of it.
    let length = header_length + payload_length + signature.len() + 2;
    Some((start..start + length, expiry(&payload)))
}

fn expiry(payload: &[u8]) -> Option<Date> {
    let at = find(payload, b"\"exp\"")?;
    let digits: Vec<u8> = payload
        .get(at + 5..)?
        .iter()
        .copied()
        .skip_while(|byte| matches!(byte, b':' | b' '))
        .take_while(u8::is_ascii_digit)
        .take(12)
        .collect();
    let seconds: i64 = std::str::from_utf8(&digits).ok()?.parse().ok()?;
    Some(Timestamp::from_second(seconds).ok()?.to_zoned(TimeZone::UTC).date())
}

/// The password in an address whose `://` ends at `end`. Loopback protects nothing, and names say what they are.
pub(crate) fn password_in_address(text: &[u8], end: usize) -> Option<Range<usize>> {
    let rest = text.get(end..text.len().min(end + 400))?;
    let stop = rest.iter().position(|byte| {
        byte.is_ascii_whitespace()
            || byte.is_ascii_control()
            || matches!(byte, b'/' | b'?' | b'"' | b'\'' | b'`' | b'<' | b'>' | b'\\' | b',' | b')' | b']')
    });
    let authority = rest.get(..stop.unwrap_or(rest.len()))?;
    let at = authority.iter().rposition(|byte| *byte == b'@')?;
    let colon = authority.get(..at)?.iter().position(|byte| *byte == b':')?;
    let password = std::str::from_utf8(authority.get(colon + 1..at)?).ok()?;
    let host = std::str::from_utf8(authority.get(at + 1..)?).ok()?;
    // In addresses these are written as `%40` and the like.
    let escaped = password.contains("%4") || password.contains("%2");
    let marked = !escaped && password.contains(['$', '{', '}', '<', '>', '%', '*', '(']);
    let typed = password.len() >= 8 && password.bytes().any(|byte| byte.is_ascii_digit());
    let named = host.is_empty() || loopback(host) || documentation_host(host);
    let worth = secret_value(password) == SecretValue::Literal && (typed || looks_random(password));
    if named || marked || !worth || sample(password.as_bytes()) {
        return None;
    }
    let from = end + colon + 1;
    Some(from..from + password.len())
}

/// Names that RFC 2606 keeps for documentation.
fn documentation_host(host: &str) -> bool {
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name).to_ascii_lowercase();
    ["example.com", "example.org", "example.net", ".example", ".test", ".invalid", ".localhost", "host"]
        .iter()
        .any(|end| name == end.trim_start_matches('.') || name.ends_with(&format!(".{}", end.trim_start_matches('.'))))
}

/// `Basic` with credentials in base64 behind it; the range is that of the encoded text.
pub(crate) fn basic(text: &[u8], end: usize) -> Option<(Range<usize>, String)> {
    let rest = text.get(end..text.len().min(end + 400))?;
    let length = rest
        .iter()
        .position(|byte| !(byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=')))
        .unwrap_or(rest.len());
    let encoded = rest.get(..length).filter(|encoded| encoded.len() >= 16 && encoded.len() % 4 == 0)?;
    let password = credentials(encoded)?;
    Some((end..end + length, password))
}

/// The password of `user:password` in base64, where it is worth the name.
pub(crate) fn credentials(encoded: &[u8]) -> Option<String> {
    let decoded = String::from_utf8(base64(encoded)?).ok()?;
    let (user, password) = decoded.split_once(':')?;
    let printable = decoded.chars().all(|letter| !letter.is_control());
    let worth = secret_value(password) == SecretValue::Literal && password.len() >= 8 && !sample(password.as_bytes());
    let mixed = password.bytes().any(|byte| byte.is_ascii_digit() || byte.is_ascii_punctuation());
    (printable && !user.is_empty() && worth && mixed).then(|| password.to_owned())
}

fn url_letter(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')
}

/// Where a short text stands first.
pub(crate) fn find(text: &[u8], part: &[u8]) -> Option<usize> {
    text.windows(part.len()).position(|window| window == part)
}
