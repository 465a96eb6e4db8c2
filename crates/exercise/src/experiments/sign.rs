//! Signatures of webhooks: HMAC (RFC 2104) over the hashes of `sha2`, as hexadecimal digits or in base 64.

use gonogo_domain::{Digest, Encoding};
use sha2::{Sha256, Sha512};

/// The code of a message under a key.
pub(super) fn code(digest: Digest, key: &[u8], message: &[u8]) -> Vec<u8> {
    match digest {
        Digest::Sha256 => hmac(64, &|parts| hash::<Sha256>(parts), key, message),
        Digest::Sha512 => hmac(128, &|parts| hash::<Sha512>(parts), key, message),
    }
}

pub(super) fn encoded(encoding: Encoding, bytes: &[u8]) -> String {
    match encoding {
        Encoding::Hex => bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]).map(hex_digit).collect(),
        Encoding::Base64 => base64(bytes),
    }
}

fn hex_digit(four_bits: u8) -> char {
    char::from_digit(four_bits.into(), 16).unwrap_or('0')
}

fn hash<D: sha2::Digest>(parts: &[&[u8]]) -> Vec<u8> {
    let mut hasher = D::new();
    for part in parts {
        hasher.update(part);
    }
    hasher.finalize().to_vec()
}

fn hmac(block: usize, hash: &dyn Fn(&[&[u8]]) -> Vec<u8>, key: &[u8], message: &[u8]) -> Vec<u8> {
    let mut key = if key.len() > block { hash(&[key]) } else { key.to_vec() };
    key.resize(block, 0);
    let padded = |pad: u8| -> Vec<u8> { key.iter().map(|byte| byte ^ pad).collect() };
    let inner = hash(&[&padded(0x36), message]);
    hash(&[&padded(0x5c), &inner])
}

/// RFC 4648, with padding.
pub(super) fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let byte = |at: usize| u32::from(chunk.get(at).copied().unwrap_or_default());
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for place in 0..4_usize {
            let six = usize::try_from(bits >> (18 - 6 * place) & 63).unwrap_or_default();
            let letter = LETTERS.get(six).filter(|_| place <= chunk.len());
            text.push(char::from(*letter.unwrap_or(&b'=')));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(digest: Digest, key: &[u8], message: &[u8], expect: &str) {
        assert_eq!(encoded(Encoding::Hex, &code(digest, key, message)), expect);
    }

    #[test]
    fn codes_are_those_of_rfc_4231() {
        let (key, message) = (b"Jefe", b"what do ya want for nothing?");
        check(Digest::Sha256, key, message, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
        check(
            Digest::Sha512,
            key,
            message,
            "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea2505549758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737",
        );
        check(
            Digest::Sha256,
            &[0xaa; 131],
            b"Test Using Larger Than Block-Size Key - Hash Key First",
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
        );
    }

    #[test]
    fn base_64_is_that_of_rfc_4648() {
        for (plain, expect) in [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg==")] {
            assert_eq!(base64(plain.as_bytes()), expect);
        }
    }
}
