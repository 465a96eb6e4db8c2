//! Keys made up from the table, so that tests and measurements need none in a file.

use regex_syntax::hir::{Class, Hir, HirKind};

use crate::{
    checksum::{base62, bech32_code, crc32},
    rules::{Checksum, Rule},
};

/// Numbers that look like chance and are the same for the same seed (xorshift).
#[derive(Clone, Debug)]
pub struct Chance(u64);

impl Chance {
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// A number below the bound.
    pub fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        let bound = u64::try_from(bound.max(1)).unwrap_or(1);
        usize::try_from((self.0 >> 11) % bound).unwrap_or_default()
    }
}

/// A key of this row. None: its pattern cannot be read.
pub fn key(rule: &Rule, chance: &mut Chance) -> Option<String> {
    if let Some(whole) = &rule.whole {
        return written(whole, chance);
    }
    let start = rule.starts.get(chance.below(rule.starts.len()))?;
    let before = rule.before.as_deref().map_or(Some(String::new()), |pattern| written(pattern, chance))?;
    let key = format!("{before}{start}{}", written(rule.then.as_deref()?, chance)?);
    match rule.checksum {
        None => Some(key),
        Some(Checksum::Crc32Base62) => {
            let random = key.get(start.len()..key.len().checked_sub(6)?)?;
            Some(format!("{start}{random}{}", base62(crc32(random.as_bytes()))))
        }
        Some(Checksum::Crc32Hex) => {
            let (body, _) = key.rsplit_once('_')?;
            Some(format!("{body}_{:08x}", crc32(body.as_bytes())))
        }
        Some(Checksum::Bech32) => {
            let lower = key.get(..key.len().checked_sub(6)?)?.to_ascii_lowercase();
            let (human, data) = lower.rsplit_once('1')?;
            Some(format!("{lower}{}", bech32_code(human, data)?).to_ascii_uppercase())
        }
    }
}

/// A text of this pattern. None: it cannot be read.
pub fn written(pattern: &str, chance: &mut Chance) -> Option<String> {
    let hir = regex_syntax::ParserBuilder::new().unicode(false).utf8(false).build().parse(pattern).ok()?;
    let mut bytes = Vec::new();
    write(&hir, chance, &mut bytes);
    String::from_utf8(bytes).ok()
}

fn write(hir: &Hir, chance: &mut Chance, bytes: &mut Vec<u8>) {
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => (),
        HirKind::Literal(literal) => bytes.extend_from_slice(&literal.0),
        HirKind::Class(class) => bytes.extend(letter(class, chance)),
        HirKind::Repetition(repetition) => {
            let (least, most) = (repetition.min, repetition.max.unwrap_or(repetition.min + 4));
            let more = usize::try_from(most.saturating_sub(least).min(8)).unwrap_or_default();
            for _ in 0..usize::try_from(least).unwrap_or_default() + chance.below(more + 1) {
                write(&repetition.sub, chance, bytes);
            }
        }
        HirKind::Capture(capture) => write(&capture.sub, chance, bytes),
        HirKind::Concat(parts) => parts.iter().for_each(|part| write(part, chance, bytes)),
        HirKind::Alternation(parts) => {
            if let Some(part) = parts.get(chance.below(parts.len())) {
                write(part, chance, bytes);
            }
        }
    }
}

fn letter(class: &Class, chance: &mut Chance) -> Option<u8> {
    let Class::Bytes(class) = class else { return None };
    let sizes: Vec<(u8, usize)> =
        class.ranges().iter().map(|range| (range.start(), usize::from(range.end() - range.start()) + 1)).collect();
    let mut at = chance.below(sizes.iter().map(|(_, size)| size).sum());
    for (start, size) in sizes {
        match at.checked_sub(size) {
            Some(rest) => at = rest,
            None => return u8::try_from(usize::from(start) + at).ok(),
        }
    }
    None
}
