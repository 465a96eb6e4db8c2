//! Secrets that are known by how they are built: private keys, web tokens, passwords in addresses and headers.

use std::ops::Range;

use gonogo_domain::secret::{SecretValue, base64, looks_random, loopback, secret_value};
use jiff::{Timestamp, civil::Date, tz::TimeZone};

use crate::{
    issued::{sample, varied},
    letters::wordy,
};

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
    // A sequence in DER, or the format of OpenSSH; an encrypted or armoured body begins otherwise.
    let head = base64(letters.get(..letters.len().min(64) / 4 * 4)?);
    let openssh = head.as_ref().is_some_and(|bytes| bytes.starts_with(b"openssh-key-v1"));
    let verified = openssh || head.is_some_and(|bytes| bytes.first() == Some(&0x30));
    // The lengths in the format of OpenSSH are zeros, which are a row of the same letter in base64.
    let random = if openssh { letters.get(100..).unwrap_or_default() } else { &letters };
    if letters.len() < 40 || !varied(random) || !openssh && sample(random) {
        return None;
    }
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
    // What says neither who nor how long opens nothing.
    if !CLAIMS.iter().any(|claim| find(&payload, claim).is_some()) {
        return None;
    }
    // A full stop that ends a sentence is no part of it.
    let length = header_length + payload_length + signature.len() + 2;
    Some((start..start + length, expiry(&payload)))
}

/// Claims that RFC 7519 registers, and parts of those by which services know a caller.
const CLAIMS: [&[u8]; 18] = [
    b"\"iss\"", b"\"sub\"", b"\"aud\"", b"\"exp\"", b"\"nbf\"", b"\"iat\"", b"\"jti\"", b"ser", b"ole", b"name",
    b"mail", b"id\"", b"Id\"", b"ID\"", b"scope", b"group", b"ey\"", b"oken",
];

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
    let has = |kind: fn(&u8) -> bool| password.as_bytes().iter().any(kind);
    let cased = has(u8::is_ascii_lowercase) && has(u8::is_ascii_uppercase);
    let typed = password.len() >= if cased { 6 } else { 8 } && has(u8::is_ascii_digit);
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

/// The password that a call of curl, whose name ends at `end`, gives with `-u user:password` on its line, which goes on
/// behind a backslash.
pub(crate) fn of_curl(text: &[u8], end: usize) -> Option<Range<usize>> {
    let rest = text.get(end..text.len().min(end + 1024))?;
    let over = rest.windows(2).position(|pair| matches!(pair, [before, b'\n'] if *before != b'\\'));
    let line = rest.get(..over.unwrap_or(rest.len()))?;
    [b" -u ".as_slice(), b" --user ", b" --user="].iter().find_map(|flag| {
        let start = find(line, flag)? + flag.len();
        let start = start + line.get(start..)?.iter().take_while(|byte| **byte == b' ').count();
        let quote = line.get(start).copied().filter(|byte| matches!(byte, b'"' | b'\''));
        let start = start + usize::from(quote.is_some());
        let given = line.get(start..)?;
        let length = given.iter().position(|byte| match quote {
            Some(quote) => *byte == quote,
            None => byte.is_ascii_whitespace(),
        });
        let given = given.get(..length.unwrap_or(given.len()))?;
        let colon = given.iter().position(|byte| *byte == b':')?;
        // A key in front of an empty password is the secret.
        let (from, secret) = match given.get(colon + 1..)? {
            [] => (0, given.get(..colon)?),
            password => (colon + 1, password),
        };
        let (from, secret) = match secret {
            [b'\'' | b'"', inner @ .., b'\'' | b'"'] => (from + 1, inner),
            other => (from, other),
        };
        let password = std::str::from_utf8(secret).ok()?;
        let has = |kind: fn(&u8) -> bool| secret.iter().any(kind);
        let cased = has(u8::is_ascii_uppercase) && has(u8::is_ascii_lowercase);
        let mixed =
            has(u8::is_ascii_digit) && has(u8::is_ascii_alphabetic) || cased && password.len() >= 12 && !wordy(secret);
        let worth = secret_value(password) == SecretValue::Literal
            && password.len() >= 8
            && mixed
            && !password.contains(['$', '{', '<', '>', '%', '('])
            && !sample(secret);
        let from = end + start + from;
        worth.then_some(from..from + secret.len())
    })
}

/// All that a file holds, where that is so many hexadecimal digits.
pub(crate) fn whole_hex(text: &[u8], digits: usize) -> Option<Range<usize>> {
    let own = text.trim_ascii();
    let start = text.len() - text.trim_ascii_start().len();
    (own.len() == digits && own.iter().all(u8::is_ascii_hexdigit) && !sample(own)).then(|| start..start + digits)
}

/// The passwords of a file of PostgreSQL's client: `host:port:database:user:password` a line.
pub(crate) fn of_pgpass(text: &[u8]) -> Vec<Range<usize>> {
    let (mut start, mut begun) = (0, false);
    let mut found = Vec::new();
    for line in text.split_inclusive(|byte| *byte == b'\n') {
        let (from, own) = (start, line.trim_ascii_end());
        start += line.len();
        let mut fields = own.splitn(5, |byte| *byte == b':');
        let (Some(host), Some(secret)) = (fields.next(), fields.nth(3)) else {
            // Every version of every file is asked: the first line tells most of them.
            if begun || own.is_empty() || own.starts_with(b"#") {
                continue;
            }
            break;
        };
        begun = true;
        let named = std::str::from_utf8(host).is_ok_and(|host| loopback(host) || documentation_host(host));
        let literal = std::str::from_utf8(secret).is_ok_and(|secret| secret_value(secret) == SecretValue::Literal);
        if literal && !named && !host.starts_with(b"#") && !sample(secret) {
            found.push(from + own.len() - secret.len()..from + own.len());
        }
    }
    found
}

/// The password of `user:password` in base64, where it is worth the name.
pub(crate) fn credentials(encoded: &[u8]) -> Option<String> {
    let decoded = String::from_utf8(base64(encoded)?).ok()?;
    let (user, password) = decoded.split_once(':')?;
    let printable = decoded.chars().all(|letter| !letter.is_control());
    let worth = secret_value(password) == SecretValue::Literal && password.len() >= 8 && !sample(password.as_bytes());
    let mixed = password.bytes().any(|byte| byte.is_ascii_digit() || byte.is_ascii_punctuation());
    (printable && !user.is_empty() && !user.contains(['{', '"']) && worth && mixed).then(|| password.to_owned())
}

fn url_letter(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')
}

/// Where a short text stands first.
pub(crate) fn find(text: &[u8], part: &[u8]) -> Option<usize> {
    text.windows(part.len()).position(|window| window == part)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn curl(line: &str, expect: Option<&str>) {
        let found = of_curl(line.as_bytes(), "curl".len()).and_then(|range| line.get(range));
        assert_eq!(found, expect, "{line}");
    }

    #[test]
    fn passwords_of_a_pgpass_are_read() {
        let text = "# host:port:database:user:password\ndb.shop:5432:*:ann:q7Rk:2LwZ94\r\n\nlocalhost:5432:*:ann:q7Rk2LwZ94\n\
                    db.shop:5432:*:ann:changeme\ndb.shop:5432\ndb.shop:*:shop:bob:Zt5mXw8Q";
        let found: Vec<&str> = of_pgpass(text.as_bytes()).into_iter().filter_map(|range| text.get(range)).collect();
        assert_eq!(found, ["q7Rk:2LwZ94", "Zt5mXw8Q"]);
        assert!(of_pgpass(b"package shop\ndb.shop:5432:*:ann:q7Rk2LwZ94\n").is_empty());
    }

    #[test]
    fn a_file_may_be_a_key_as_a_whole() {
        assert_eq!(whole_hex(b"7d8f2c61b3e94a05c2d1f68097ab3e4c\n", 32), Some(0..32));
        assert_eq!(whole_hex(b"7d8f2c61b3e94a05c2d1f68097ab3e4c and more", 32), None);
        assert_eq!(whole_hex(b"00000000000000000000000000000000", 32), None);
    }

    #[test]
    fn passwords_of_curl_are_read() {
        curl("curl -u ann:q7Rk2LwZ94 https://shop", Some("q7Rk2LwZ94"));
        curl("curl -s \\\n  --user 'ann:q7Rk2LwZ94' \\\n https://shop", Some("q7Rk2LwZ94"));
        curl("curl --user ann:'q7Rk2LwZ94' https://shop", Some("q7Rk2LwZ94"));
        curl("curl -u \"q7Rk2LwZ94:\" https://shop", Some("q7Rk2LwZ94"));
        curl("curl --user  'ann:q7Rk2LwZ94' https://shop", Some("q7Rk2LwZ94"));
        curl("curl -u ann:yqDVtkqPECriaLRi https://shop", Some("yqDVtkqPECriaLRi"));
        curl("curl -u ann:theUsualPassPhrase https://shop", None);
        curl("curl -u ann:$PASSWORD1 https://shop", None);
        curl("curl https://shop\nls -u ann:q7Rk2LwZ94", None);
        curl("curl -u ann", None);
    }

    #[test]
    fn web_tokens_say_how_long_they_hold() {
        // {"alg":"HS256"} and {"exp":1767225600}, assembled at run time.
        let header = ["eyJh", "bGciOiJIUzI1NiJ9"].concat();
        let payload = ["eyJl", "eHAiOjE3NjcyMjU2MDB9"].concat();
        let token = format!("{header}.{payload}.q3Rz8LwPk2mVt6YbXn4D");
        let found = web_token(token.as_bytes(), 0);
        assert_eq!(found, Some((0..token.len(), Some(jiff::civil::date(2026, 1, 1)))));
        assert_eq!(web_token(format!("{header}.{payload}").as_bytes(), 0), None);
    }

    #[test]
    fn a_web_token_that_names_nobody_is_none() {
        // {"alg":"HS256"} and {"confidence":0.8}, assembled at run time.
        let token = [["eyJh", "bGciOiJIUzI1NiJ9"].concat(), ["eyJj", "b25maWRlbmNlIjowLjh9"].concat()].join(".");
        assert_eq!(web_token(format!("{token}.q3Rz8LwPk2mVt6YbXn4D").as_bytes(), 0), None);
    }

    #[test]
    fn a_key_of_openssh_is_found_though_its_lengths_are_zeros() {
        let head = ["b3BlbnNzaC1rZXktdjE", "AAAAABG5vbmUAAAAEbm9uZQAAAAAAAAABAAAAMwAAAAtzc2gtZWQyNTUxOQAAACC"].concat();
        let kind = ["OPENSSH PRIVATE", " KEY"].concat();
        let body = "q7Rk2LwZ94xTb8VdQm3nPz6YcJ5hGt1sKw".repeat(4);
        let text = format!("-----BEGIN {kind}-----\n{head}\n{body}\n-----END {kind}-----\n");
        assert!(private_key(text.as_bytes(), 0).is_some_and(|(_, verified)| verified));
        let text = format!("-----BEGIN {kind}-----\n{head}\n{}\n-----END {kind}-----\n", "A".repeat(200));
        assert_eq!(private_key(text.as_bytes(), 0), None);
    }

    fn address(text: &str, expect: Option<&str>) {
        let end = text.find("://").map_or(0, |at| at + 3);
        let found = password_in_address(text.as_bytes(), end).and_then(|range| text.get(range));
        assert_eq!(found, expect, "{text}");
    }

    #[test]
    fn passwords_of_addresses_are_worth_the_name() {
        address("postgres://shop:q7Rk2LwZ94@db.internal/shop", Some("q7Rk2LwZ94"));
        address("amqps://shop:q7Rk2L@192.168.1.10:5671/", Some("q7Rk2L"));
        address("amqps://shop:shop12@192.168.1.10:5671/", None);
        for none in [
            "postgres://shop:q7Rk2LwZ94@localhost/shop",
            "postgres://shop:q7Rk2LwZ94@db.example.com/shop",
            "postgres://shop:password@db/shop",
            "postgres://shop:${PASSWORD}@db/shop",
            "https://shop/a:b@c",
        ] {
            address(none, None);
        }
    }
}
