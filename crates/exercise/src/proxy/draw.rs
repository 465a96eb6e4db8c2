//! Chance that can be repeated: the n-th draw of a seed is always the same.

/// A number from 0 up to 1, evenly spread (`SplitMix64`).
#[expect(clippy::cast_precision_loss, reason = "53 bits are what a float holds")]
pub(super) fn draw(seed: u64, number: u64) -> f64 {
    let mut bits = seed.wrapping_add(number.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^= bits >> 31;
    (bits >> 11) as f64 / (1_u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_are_even_and_can_be_repeated() {
        for seed in [0, 1, u64::MAX] {
            let below = (0..10_000).filter(|number| draw(seed, *number) < 0.25).count();
            assert!((2_300..2_700).contains(&below), "{below} of 10000 with seed {seed}");
            assert_eq!(draw(seed, 7).to_bits(), draw(seed, 7).to_bits());
        }
    }
}
