//! Encodings, digests, paths and URLs.

use std::fmt::Write as _;

use sha2::{Digest as _, Sha256, Sha512};

use super::{Function, function, map, text};
use crate::helm::eval::{Fault, Outcome};
use crate::helm::value::{Entries, Slot, Value};

const BASE_64: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const BASE_32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

pub(super) const FUNCTIONS: &[Function] = &[
    function("b64enc", 1, 1, |machine, arguments| {
        let content = text(arguments, 0)?;
        machine.afford(content.len(), 2)?;
        Ok(Value::str(base64(content.as_str().as_bytes())))
    }),
    function("b64dec", 1, 1, |_, arguments| {
        Ok(Value::str(match decode(text(arguments, 0)?.as_str(), BASE_64, 6) {
            Some(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
            None => "illegal base64 data at input byte 0".to_owned(),
        }))
    }),
    function("b32enc", 1, 1, |machine, arguments| {
        let content = text(arguments, 0)?;
        machine.afford(content.len(), 2)?;
        Ok(Value::str(encode(content.as_str().as_bytes(), BASE_32, 5, 8)))
    }),
    function("b32dec", 1, 1, |_, arguments| {
        Ok(Value::str(match decode(text(arguments, 0)?.as_str(), BASE_32, 5) {
            Some(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
            None => "illegal base32 data at input byte 0".to_owned(),
        }))
    }),
    function("sha1sum", 1, 1, |_, arguments| Ok(Value::str(hex(&sha1(text(arguments, 0)?.as_str().as_bytes()))))),
    function("sha256sum", 1, 1, |_, arguments| Ok(Value::str(hex(&Sha256::digest(text(arguments, 0)?.as_str()))))),
    function("sha512sum", 1, 1, |_, arguments| Ok(Value::str(hex(&Sha512::digest(text(arguments, 0)?.as_str()))))),
    function("adler32sum", 1, 1, |_, arguments| {
        let (mut low, mut high) = (1u32, 0u32);
        for byte in text(arguments, 0)?.as_str().bytes() {
            low = (low + u32::from(byte)) % 65_521;
            high = (high + low) % 65_521;
        }
        Ok(Value::str(((high << 16) | low).to_string()))
    }),
    function("base", 1, 1, base),
    function("osBase", 1, 1, base),
    function("dir", 1, 1, dir),
    function("osDir", 1, 1, dir),
    function("clean", 1, 1, |_, arguments| Ok(Value::str(clean(text(arguments, 0)?.as_str())))),
    function("osClean", 1, 1, |_, arguments| Ok(Value::str(clean(text(arguments, 0)?.as_str())))),
    function("ext", 1, 1, ext),
    function("osExt", 1, 1, ext),
    function("isAbs", 1, 1, |_, arguments| Ok(Value::bool(text(arguments, 0)?.as_str().starts_with('/')))),
    function("osIsAbs", 1, 1, |_, arguments| Ok(Value::bool(text(arguments, 0)?.as_str().starts_with('/')))),
    function("urlParse", 1, 1, |_, arguments| url_parse(text(arguments, 0)?.as_str())),
    function("urlJoin", 1, 1, url_join),
];

/// Writes bits in groups, padded to a whole number of `group` letters.
fn encode(bytes: &[u8], alphabet: &[u8], bits: u32, group: usize) -> String {
    let mut out = String::with_capacity(bytes.len() * 8 / bits as usize + group);
    let (mut buffer, mut held) = (0u32, 0u32);
    let letter = |value: u32| alphabet.get(value as usize).map_or('?', |byte| char::from(*byte));
    let mask = (1 << bits) - 1;
    for byte in bytes {
        buffer = (buffer << 8) | u32::from(*byte);
        held += 8;
        while held >= bits {
            held -= bits;
            out.push(letter((buffer >> held) & mask));
        }
        buffer &= (1 << held) - 1;
    }
    if held > 0 {
        out.push(letter((buffer << (bits - held)) & mask));
    }
    while !out.len().is_multiple_of(group) {
        out.push('=');
    }
    out
}

fn decode(text: &str, alphabet: &[u8], bits: u32) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(text.len());
    let (mut buffer, mut held) = (0u32, 0u32);
    for byte in text.trim_end_matches('=').bytes().filter(|byte| !matches!(byte, b'\n' | b'\r')) {
        let value = alphabet.iter().position(|letter| *letter == byte)?;
        buffer = (buffer << bits) | u32::try_from(value).ok()?;
        held += bits;
        if held >= 8 {
            held -= 8;
            out.push(u8::try_from((buffer >> held) & 0xff).ok()?);
            buffer &= (1 << held) - 1;
        }
    }
    Some(out)
}

pub(crate) fn base64(bytes: &[u8]) -> String {
    encode(bytes, BASE_64, 6, 4)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut out, byte| {
        let _ = write!(out, "{byte:02x}");
        out
    })
}

/// SHA-1 (FIPS 180-4). Charts use it for names, not for safety.
#[expect(clippy::many_single_char_names, reason = "the names of the standard")]
fn sha1(bytes: &[u8]) -> [u8; 20] {
    let mut state: [u32; 5] = [0x6745_2301, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476, 0xc3d2_e1f0];
    let mut message = bytes.to_vec();
    message.push(0x80);
    while message.len() % 64 != 56 {
        message.push(0);
    }
    message.extend((bytes.len() as u64).wrapping_mul(8).to_be_bytes());
    for block in message.chunks_exact(64) {
        let mut words: Vec<u32> = block
            .chunks_exact(4)
            .map(|word| word.iter().fold(0u32, |value, byte| (value << 8) | u32::from(*byte)))
            .collect();
        for index in 16..80 {
            let word =
                [3, 8, 14, 16].iter().fold(0, |value, back| value ^ words.get(index - back).copied().unwrap_or(0));
            words.push(word.rotate_left(1));
        }
        let mut work = state;
        for (round, word) in words.iter().enumerate() {
            let [a, b, c, d, e] = work;
            let (mix, constant) = match round {
                0..20 => ((b & c) | (!b & d), 0x5a82_7999),
                20..40 => (b ^ c ^ d, 0x6ed9_eba1),
                40..60 => ((b & c) | (b & d) | (c & d), 0x8f1b_bcdc),
                _ => (b ^ c ^ d, 0xca62_c1d6u32),
            };
            let next = a.rotate_left(5).wrapping_add(mix).wrapping_add(e).wrapping_add(constant).wrapping_add(*word);
            work = [next, a, b.rotate_left(30), c, d];
        }
        for (sum, value) in state.iter_mut().zip(work) {
            *sum = sum.wrapping_add(value);
        }
    }
    let mut out = [0; 20];
    for (target, byte) in out.iter_mut().zip(state.iter().flat_map(|word| word.to_be_bytes())) {
        *target = byte;
    }
    out
}

/// Go's `path.Clean`.
fn clean(path: &str) -> String {
    let rooted = path.starts_with('/');
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => (),
            ".." if parts.last().is_some_and(|last| *last != "..") => {
                parts.pop();
            }
            ".." if rooted => (),
            _ => parts.push(part),
        }
    }
    let joined = parts.join("/");
    match (rooted, joined.is_empty()) {
        (true, _) => format!("/{joined}"),
        (false, true) => ".".to_owned(),
        (false, false) => joined,
    }
}

fn base(_: &mut crate::helm::eval::Machine, arguments: &[Value]) -> Outcome {
    let path = text(arguments, 0)?;
    if path.len() == 0 {
        return Ok(Value::str("."));
    }
    let trimmed = path.as_str().trim_end_matches('/');
    let last = trimmed.rsplit('/').next().unwrap_or_default();
    Ok(Value::str(if last.is_empty() { "/" } else { last }))
}

fn dir(_: &mut crate::helm::eval::Machine, arguments: &[Value]) -> Outcome {
    let path = text(arguments, 0)?;
    let folder = path.as_str().rfind('/').and_then(|at| path.as_str().get(..=at)).unwrap_or_default();
    Ok(Value::str(clean(folder)))
}

fn ext(_: &mut crate::helm::eval::Machine, arguments: &[Value]) -> Outcome {
    let path = text(arguments, 0)?;
    let last = path.as_str().rsplit('/').next().unwrap_or_default();
    Ok(Value::str(last.rfind('.').and_then(|at| last.get(at..)).unwrap_or_default()))
}

pub(super) fn query_escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => out.push(char::from(byte)),
            b' ' => out.push('+'),
            _ => {
                let _ = write!(out, "%{byte:02X}");
            }
        }
    }
    out
}

fn url_parse(url: &str) -> Outcome {
    let (rest, fragment) = url.split_once('#').unwrap_or((url, ""));
    let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
    let is_scheme = |text: &str| {
        text.starts_with(|next: char| next.is_ascii_alphabetic())
            && text.chars().all(|next| next.is_ascii_alphanumeric() || matches!(next, '+' | '-' | '.'))
    };
    let (scheme, rest) = match rest.split_once(':') {
        Some((scheme, rest)) if is_scheme(scheme) => (scheme.to_ascii_lowercase(), rest),
        Some(("", _)) => {
            return Err(Fault::new(format!("unable to parse url: parse {url:?}: missing protocol scheme")));
        }
        _ => (String::new(), rest),
    };
    let (authority, path, opaque) = match rest.strip_prefix("//") {
        Some(rest) => {
            let end = rest.find('/').unwrap_or(rest.len());
            (rest.get(..end).unwrap_or_default(), rest.get(end..).unwrap_or_default(), "")
        }
        None if !scheme.is_empty() && !rest.starts_with('/') => ("", "", rest),
        None => ("", rest, ""),
    };
    let (user, host) = authority.rsplit_once('@').unwrap_or(("", authority));
    let hostname = match host.strip_prefix('[') {
        Some(inner) => inner.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    };
    let pairs = [
        ("fragment", fragment),
        ("host", host),
        ("hostname", hostname),
        ("opaque", opaque),
        ("path", path),
        ("query", query),
        ("scheme", scheme.as_str()),
        ("userinfo", user),
    ];
    Ok(Value::map(
        pairs
            .into_iter()
            .map(|(key, part)| (key.into(), Slot { key_place: 0, value: Value::str(part) }))
            .collect::<Entries>(),
    ))
}

fn url_join(_: &mut crate::helm::eval::Machine, arguments: &[Value]) -> Outcome {
    let parts = map(arguments, 0)?;
    let part = |key: &str| -> String {
        parts.get(key).and_then(|value| value.as_str().map(ToOwned::to_owned)).unwrap_or_default()
    };
    let mut out = String::new();
    let (scheme, user, host, path) = (part("scheme"), part("userinfo"), part("host"), part("path"));
    if !scheme.is_empty() {
        let _ = write!(out, "{scheme}:");
    }
    let opaque = part("opaque");
    if !opaque.is_empty() {
        out.push_str(&opaque);
    } else {
        if !scheme.is_empty() || !host.is_empty() || !user.is_empty() {
            if !host.is_empty() || !user.is_empty() || !path.is_empty() {
                out.push_str("//");
            }
            if !user.is_empty() {
                let _ = write!(out, "{user}@");
            }
            out.push_str(&host);
        }
        if !path.is_empty() && !path.starts_with('/') && !host.is_empty() {
            out.push('/');
        }
        out.push_str(&path);
    }
    for (mark, key) in [('?', "query"), ('#', "fragment")] {
        let value = part(key);
        if !value.is_empty() {
            out.push(mark);
            out.push_str(&value);
        }
    }
    Ok(Value::str(out))
}
