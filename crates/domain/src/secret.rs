//! Names that secrets go by, values that stand for none, and how one is shown.

mod address;
mod words;

pub use address::{loopback, of_platform, password_in_address};

use words::{ABOUT, GUESSABLE, MARKS, METHODS, OPEN, ROOTS, SCHEMES, SWITCHES, WORDS};

/// A secret as it may be shown: four leading characters and a hash of the whole.
pub fn redact(secret: &str) -> String {
    // Of a short one four characters would be most of it.
    let head: String = secret.chars().take(4.min(secret.chars().count() / 3)).collect();
    format!("{head}… (#{:08x})", fingerprint(secret.as_bytes()) >> 32)
}

/// Names a value across places and reports (FNV-1a). It is no protection of short secrets; the four characters bound it.
pub fn fingerprint(secret: &[u8]) -> u64 {
    secret.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

/// The name of a setting whose value is a secret: `DB_PASSWORD`, `stripe.secretKey`, `SECRET_KEY_BASE`.
pub fn is_secret_name(name: &str) -> bool {
    let words = words_of(name);
    let Some(last) = words.last() else { return false };
    if ABOUT.contains(&last.as_str()) {
        return false;
    }
    if words.iter().any(|word| OPEN.contains(&word.as_str())) {
        return false;
    }
    let has = |word: &str| words.iter().any(|one| one == word);
    let pair =
        |first: &str, second: &str| words.windows(2).any(|two| matches!(two, [a, b] if a == first && b == second));
    [
        "password",
        "passwd",
        "pwd",
        "passphrase",
        "pass",
        "secret",
        "token",
        "apikey",
        "secretkey",
        "accesskey",
        "privatekey",
        "authkey",
        "authtoken",
        "accesstoken",
        "apitoken",
        "clientsecret",
        "jwtsecret",
        "dbpassword",
        "rootpassword",
        "adminpassword",
        "userpassword",
        "pgpassword",
    ]
    .iter()
    .any(|word| has(word))
        || [
            "api",
            "private",
            "access",
            "auth",
            "encryption",
            "signing",
            "master",
            "license",
            "service",
            "session",
            "hmac",
        ]
        .iter()
        .any(|word| pair(word, "key"))
}

/// Words of a name in lower case: `dbPassword`, `DB_PASSWORD` and `db.password` are `db password`.
fn words_of(name: &str) -> Vec<String> {
    let mut words: Vec<String> = vec![String::new()];
    let mut before_lower = false;
    for letter in name.chars().take(200) {
        if !letter.is_ascii_alphanumeric() {
            words.push(String::new());
            before_lower = false;
            continue;
        }
        if letter.is_ascii_uppercase() && before_lower {
            words.push(String::new());
        }
        before_lower = letter.is_ascii_lowercase() || letter.is_ascii_digit();
        if let Some(word) = words.last_mut() {
            word.push(letter.to_ascii_lowercase());
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

/// What the value of a setting with a secret's name is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SecretValue {
    /// Empty, a switch, a number, the name of an algorithm.
    Nothing,
    /// It is filled in elsewhere, or has to be before it works: `${…}`, `<…>`, `your-…`, a path, an address.
    FilledIn,
    /// A word that everybody tries first. It works where it stands, and protects nothing.
    Guessable,
    /// It may be the secret itself.
    Literal,
}

pub fn secret_value(value: &str) -> SecretValue {
    let value = value.trim().trim_matches(['"', '\'', '`']).trim();
    match as_written(value) {
        SecretValue::Literal => encoded_text(value).map_or(SecretValue::Literal, |text| as_written(&text)),
        other => other,
    }
}

fn as_written(value: &str) -> SecretValue {
    let lower = value.to_ascii_lowercase();
    if SWITCHES.contains(&lower.as_str()) || names_method(&lower) || (value.len() < 9 && value.parse::<f64>().is_ok()) {
        return SecretValue::Nothing;
    }
    if filled_in(value, &lower) {
        return SecretValue::FilledIn;
    }
    if GUESSABLE.contains(&lower.as_str()) || ROOTS.iter().any(|root| lower.contains(root)) {
        return SecretValue::Guessable;
    }
    SecretValue::Literal
}

/// The name of a way to encrypt, to sign or to show something: `RSA-OAEP-256`, `PBKDF2WithHmacSHA256`, `AES/CBC/PKCS5Padding`.
fn names_method(lower: &str) -> bool {
    let of_java = || {
        let (first, second) = lower.split_once("with")?;
        let letters = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric());
        let known = ["pbe", "pbkdf2", "sha", "md5", "hmac"].iter().any(|name| first.starts_with(name));
        Some(known && letters(first) && letters(second.split('/').next().unwrap_or_default()))
    };
    let padded = ["aes/", "rsa/", "desede/", "chacha20-"].iter().any(|start| lower.starts_with(start));
    METHODS.contains(&lower) || padded || of_java().unwrap_or_default()
}

/// What somebody wrote and put into base64; chance hardly ever makes as many letters that can be read.
fn encoded_text(value: &str) -> Option<String> {
    base64_text(value).filter(|text| text.len() >= 8 && text.bytes().all(|byte| byte.is_ascii_graphic()))
}

fn filled_in(value: &str, lower: &str) -> bool {
    let angle = value.starts_with('<') && value.ends_with('>');
    let marked = (value.starts_with('[') && value.ends_with(']'))
        || (value.starts_with("__") && value.ends_with("__"))
        || (value.starts_with('@') && value.ends_with('@'))
        || (value.starts_with('%') && value.ends_with('%'));
    let address = value.contains("://") && password_in_address(value).is_none();
    let path = value.starts_with('/') || value.starts_with("./") || value.starts_with("~/");
    let same = value.chars().next().is_some_and(|first| value.chars().all(|letter| letter == first));
    angle
        || marked
        || address
        || path && !value.ends_with('=')
        || same
        || value.starts_with('$')
        || value.starts_with("0123456789")
        || value == "00000000-0000-4000-8000-000000000000"
        || MARKS.iter().any(|mark| value.contains(mark))
        || SCHEMES.iter().any(|scheme| lower.starts_with(scheme))
        || WORDS.iter().any(|word| lower.contains(word))
}

/// A literal that nobody types by hand for a trial: long enough and mixed.
pub fn looks_random(value: &str) -> bool {
    let value = value.trim().trim_matches(['"', '\'', '`']);
    if value.contains(char::is_whitespace) || !value.is_ascii() || value.len() < 10 {
        return false;
    }
    let has = |kind: fn(&char) -> bool| usize::from(value.chars().any(|letter| kind(&letter)));
    let kinds = has(char::is_ascii_lowercase)
        + has(char::is_ascii_uppercase)
        + has(char::is_ascii_digit)
        + has(char::is_ascii_punctuation);
    // Words joined by dashes or dots are names; digits strewn among letters are not.
    let changes = value
        .as_bytes()
        .windows(2)
        .filter(|pair| matches!(pair, [a, b] if a.is_ascii_digit() != b.is_ascii_digit()))
        .count();
    entropy(value.as_bytes()) >= 3.0 && (kinds >= 3 && changes >= 1 || changes >= 4)
}

/// Bits a letter, after Shannon.
#[expect(clippy::cast_precision_loss, reason = "lengths of values are far below 2^52")]
pub fn entropy(value: &[u8]) -> f64 {
    let mut counts = [0_usize; 256];
    for byte in value {
        if let Some(slot) = counts.get_mut(usize::from(*byte)) {
            *slot += 1;
        }
    }
    let all = value.len().max(1) as f64;
    counts.iter().filter(|count| **count > 0).map(|count| *count as f64 / all).map(|part| -part * part.log2()).sum()
}

/// The bytes of a base64 text as text; none: it is no base64, or no text. What `data` of a Secret holds.
pub fn base64_text(encoded: &str) -> Option<String> {
    String::from_utf8(base64(encoded.as_bytes())?).ok()
}

/// The bytes of a base64 text in either alphabet, padded or not; none: it is no base64.
pub fn base64(encoded: &[u8]) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(encoded.len() / 4 * 3);
    let (mut bits, mut held) = (0_u32, 0_u32);
    for letter in encoded.iter().copied().filter(|letter| !letter.is_ascii_whitespace() && *letter != b'=') {
        let value = match letter {
            b'A'..=b'Z' => letter - b'A',
            b'a'..=b'z' => letter - b'a' + 26,
            b'0'..=b'9' => letter - b'0' + 52,
            b'+' | b'-' => 62,
            b'/' | b'_' => 63,
            _ => return None,
        };
        bits = bits << 6 | u32::from(value);
        held += 6;
        if held >= 8 {
            held -= 8;
            bytes.push(u8::try_from(bits >> held & 0xff).unwrap_or_default());
            bits &= (1 << held) - 1;
        }
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(name: &str, expect: bool) {
        assert_eq!(is_secret_name(name), expect, "{name}");
    }

    #[test]
    fn names_of_secrets_are_told_from_names_about_secrets() {
        for one in
            ["DB_PASSWORD", "stripe.secretKey", "SECRET_KEY_BASE", "jwtSecret", "API_KEY", "clientSecret", "PGPASSWORD"]
        {
            name(one, true);
        }
        for one in [
            "DB_PASSWORD_FILE",
            "secretName",
            "TOKEN_ISSUER",
            "PUBLIC_KEY",
            "existingSecret",
            "KEY_SERIALIZER",
            "MAX_TOKENS",
            "unique_token",
            "tokens",
            "",
        ] {
            name(one, false);
        }
    }

    fn value(value: &str, expect: SecretValue) {
        assert_eq!(secret_value(value), expect, "{value}");
    }

    #[test]
    fn values_that_stand_for_none_are_known() {
        value("", SecretValue::Nothing);
        value("true", SecretValue::Nothing);
        for one in [
            "${DB_PASSWORD}",
            "<password>",
            "your-password",
            "/run/secrets/db",
            "vault:kv/shop#db",
            "xxxxxx",
            "https://id.example.org/token",
        ] {
            value(one, SecretValue::FilledIn);
        }
        for one in ["changeme", "password", "Admin", "please-changeme-now"] {
            value(one, SecretValue::Guessable);
        }
        value("s3cr3t-of-shop", SecretValue::Literal);
        for one in ["A128CBC-HS256", "RSA-OAEP-256", "private_key_jwt", "PBKDF2WithHmacSHA256", "AES/CBC/PKCS5Padding"]
        {
            value(one, SecretValue::Nothing);
        }
        // "shop-example-secret" and "fr8-x9qLm2-shop" in base64.
        value("c2hvcC1leGFtcGxlLXNlY3JldA==", SecretValue::Guessable);
        value("ZnI4LXg5cUxtMi1zaG9w", SecretValue::Literal);
    }

    #[test]
    fn base64_is_read_and_anything_else_is_none() {
        assert_eq!(base64_text("c2hvcA==").as_deref(), Some("shop"));
        assert_eq!(base64_text("not base64!"), None);
    }
}
