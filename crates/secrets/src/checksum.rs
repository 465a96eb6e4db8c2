//! The codes by which an issuer's key is told from one that somebody typed.

use crate::rules::Checksum;

/// The key carries the code that its issuer computes.
pub(crate) fn holds(checksum: Checksum, key: &str) -> bool {
    match checksum {
        Checksum::Crc32Base62 => {
            let body = key.rsplit_once('_').map_or(key, |(_, body)| body);
            match body.len().checked_sub(6).and_then(|at| body.split_at_checked(at)) {
                Some((random, code)) => base62(crc32(random.as_bytes())) == code,
                None => false,
            }
        }
        Checksum::Crc32Hex => match key.rsplit_once('_') {
            Some((body, code)) => {
                let sum = crc32(body.as_bytes());
                code.eq_ignore_ascii_case(&format!("{sum:08x}"))
                    || code.eq_ignore_ascii_case(&format!("{:08x}", sum.swap_bytes()))
            }
            None => false,
        },
        Checksum::Bech32 => bech32(key),
    }
}

/// CRC-32 as in IEEE 802.3, bit by bit: it is asked of a few dozen bytes of a few keys.
pub(crate) fn crc32(bytes: &[u8]) -> u32 {
    let mut sum = u32::MAX;
    for byte in bytes {
        sum ^= u32::from(*byte);
        for _ in 0..8 {
            sum = if sum & 1 == 1 { sum >> 1 ^ 0xedb8_8320 } else { sum >> 1 };
        }
    }
    !sum
}

/// Six digits of base 62, `0` to `9`, `A` to `Z`, `a` to `z`.
pub(crate) fn base62(mut number: u32) -> String {
    let digits = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let mut text = [b'0'; 6];
    for slot in text.iter_mut().rev() {
        let digit = usize::try_from(number % 62).unwrap_or_default();
        *slot = digits.get(digit).copied().unwrap_or(b'0');
        number /= 62;
    }
    text.iter().map(|byte| char::from(*byte)).collect()
}

/// BIP 173, without its bound on the length, as age uses it.
fn bech32(key: &str) -> bool {
    let lower = key.to_ascii_lowercase();
    let Some((human, data)) = lower.rsplit_once('1') else { return false };
    let Some(values) = data.bytes().map(charset).collect::<Option<Vec<u8>>>() else { return false };
    polymod(human, &values) == 1
}

/// The six letters that close `human1data`.
pub(crate) fn bech32_code(human: &str, data: &str) -> Option<String> {
    let mut values = data.bytes().map(charset).collect::<Option<Vec<u8>>>()?;
    values.extend([0; 6]);
    let sum = polymod(human, &values) ^ 1;
    (0..6_u32)
        .map(|index| {
            let value = usize::try_from(sum >> (5 * (5 - index)) & 31).ok()?;
            CHARSET.get(value).map(|byte| char::from(*byte))
        })
        .collect()
}

const CHARSET: &[u8; 32] = b"qpzry9x8gf2tvdw0s3jn54khce6mua7l";

fn charset(letter: u8) -> Option<u8> {
    CHARSET.iter().position(|one| *one == letter).and_then(|at| u8::try_from(at).ok())
}

fn polymod(human: &str, values: &[u8]) -> u32 {
    let generators = [0x3b6a_57b2_u32, 0x2650_8e6d, 0x1ea1_19fa, 0x3d42_33dd, 0x2a14_62b3];
    let spread = human.bytes().map(|byte| byte >> 5).chain([0]).chain(human.bytes().map(|byte| byte & 31));
    spread.chain(values.iter().copied()).fold(1_u32, |sum, value| {
        let top = sum >> 25;
        let shifted = (sum & 0x01ff_ffff) << 5 ^ u32::from(value);
        generators.iter().enumerate().fold(
            shifted,
            |sum, (bit, generator)| {
                if top >> bit & 1 == 1 { sum ^ generator } else { sum }
            },
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_those_of_their_standards() {
        // The check value of the catalogue of CRCs, and the first valid string of BIP 173.
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
        assert!(bech32("A12UEL5L"));
        assert!(!bech32("A12UEL5M"));
        assert_eq!(bech32_code("a", "").as_deref(), Some("2uel5l"));
        assert_eq!(base62(61), "00000z");
    }

    #[test]
    fn a_key_with_another_code_is_none() {
        let random = "R4nd0mL3tt3rsAndD1g1tsOfThirty";
        let key = format!("gh{}_{random}{}", "p", base62(crc32(random.as_bytes())));
        assert!(holds(Checksum::Crc32Base62, &key));
        assert!(!holds(Checksum::Crc32Base62, &key.replace('4', "5")));
        let body = format!("gl{}_{random}", "sa");
        let key = format!("{body}_{:08x}", crc32(body.as_bytes()));
        assert!(holds(Checksum::Crc32Hex, &key));
        assert!(!holds(Checksum::Crc32Hex, &key.replace('4', "5")));
    }
}
