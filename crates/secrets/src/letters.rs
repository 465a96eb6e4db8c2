//! Words are told from random letters by the pairs of letters that words have.

/// How common a pair of letters is within words, 0 to 9 on a logarithmic scale with 5 for what chance gives: a row for
/// the first letter, a column for the second. Counted over the distinct words and parts of identifiers of this project
/// and of a few services in Go, Python and JavaScript.
const PAIRS: [&[u8; 26]; 26] = [
    b"46763462615868361878554354",
    b"63326211520621620543600030",
    b"72437217506631831647500040",
    b"64348341722432630563521140",
    b"74786653423778364997365642",
    b"52215511701521620434500040",
    b"51317244500424622653510120",
    b"62227110600232622425410031",
    b"65766660013769752677260405",
    b"30014100200010310040301000",
    b"41126212500313301253402010",
    b"73358321813733730055520061",
    b"74227111702352662053410030",
    b"73777583624435641478553231",
    b"55663452435668660866766441",
    b"72437344602631650756501140",
    b"00000000000400010010500000",
    b"83559451705465742576552060",
    b"63638336724443664378624140",
    b"73539436811543740776514251",
    b"55555440500667350666110210",
    b"61217000600111400030200010",
    b"50025104501314500442001000",
    b"21424201400110150015100320",
    b"33323020301334340253112012",
    b"32005000300000200110100014",
];

/// A text of random letters stays below this in ninety-nine of a hundred cases, words in two of a hundred.
const WORDS: u32 = 56;

/// It is made of words, as `accessTokenExpiresIn2h` is. Texts with hardly a pair of letters are made of none.
pub(crate) fn wordy(text: &[u8]) -> bool {
    if number(text) {
        return false;
    }
    let (mut sum, mut pairs) = (0_u32, 0_u32);
    for pair in text.windows(2) {
        let [first, second] = pair else { continue };
        // Where a word ends and the next begins, as in `getPassword`.
        if first.is_ascii_lowercase() && second.is_ascii_uppercase() {
            continue;
        }
        if let (Some(row), Some(column)) = (index(*first), index(*second)) {
            let digit = PAIRS.get(row).and_then(|row| row.get(column)).copied().unwrap_or(b'0');
            sum += u32::from(digit.saturating_sub(b'0'));
            pairs += 1;
        }
    }
    pairs >= 5 && sum * 10 >= pairs * WORDS
}

/// A long hexadecimal number: six letters and ten digits are too few to tell words by.
fn number(text: &[u8]) -> bool {
    text.len() >= 24
        && text.iter().all(u8::is_ascii_hexdigit)
        && text.iter().filter(|byte| byte.is_ascii_digit()).count() * 4 >= text.len()
}

fn index(letter: u8) -> Option<usize> {
    letter.is_ascii_alphabetic().then(|| usize::from(letter.to_ascii_lowercase() - b'a'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_told_from_random_letters() {
        for words in ["accessTokenExpiresIn2h", "orchard-lane-9", "com.example.shop.v2", "getPasswordFromVault"] {
            assert!(wordy(words.as_bytes()), "{words}");
        }
        for random in [
            "q7Rk2LwZ94xTb8Vd",
            "d41d8cd98f00b204e9800998ecf8427e",
            "11f4274ec59be12eace9a08b08ee13d54b",
            "Zq4v9Lm2Xt7bRw8c",
            "",
            "1234567890",
        ] {
            assert!(!wordy(random.as_bytes()), "{random}");
        }
    }
}
