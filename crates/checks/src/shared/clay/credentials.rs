//! Clay's credentials by their context: keys have no documented form of their own (field-notes C1.1).

use super::{Text, WEBHOOK_PATH, variables};

/// A credential that stands in a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Leak {
    /// What it is, in English and Simplified Chinese.
    pub(crate) en: String,
    pub(crate) zh: String,
    /// Never shown whole.
    pub(crate) secret: String,
}

/// Every credential of Clay in a declared text.
pub(crate) fn leaks(text: &Text<'_>) -> Vec<Leak> {
    let decoded = if text.encoded { decode(text.value) } else { None };
    let value = decoded.as_deref().unwrap_or(text.value);
    let mut found = Vec::new();
    let named = text.name.filter(|name| variables::is_credential(name) || is_header(name));
    if let Some(name) = named.filter(|_| !placeholder(value) && !value.contains(char::is_whitespace)) {
        let secret = value.to_owned();
        return vec![Leak { en: format!("{name} holds a literal"), zh: format!("{name} 为明文"), secret }];
    }
    for (marker, en, zh) in [
        (WEBHOOK_PATH, "the URL of a Clay webhook", "Clay webhook 的 URL"),
        ("whsec_", "a signing secret of Clay", "Clay 签名密钥"),
    ] {
        let token = |rest| lead(rest, |letter| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_'));
        for (_, rest) in after(value, marker) {
            let own = token(rest);
            if own.len() >= 16 && own.contains(|letter: char| letter.is_ascii_digit()) && !placeholder(own) {
                found.push(Leak { en: en.to_owned(), zh: zh.to_owned(), secret: own.to_owned() });
            }
        }
    }
    for name in variables::names_in(value).filter(|name| variables::is_credential(name)) {
        found.extend(after(value, name).filter_map(|(_, rest)| assigned(rest, name)));
    }
    for header in HEADERS {
        found.extend(after(value, header).filter_map(|(_, rest)| assigned(rest, header)));
    }
    found.dedup();
    found
}

const HEADERS: [&str; 4] = ["clay-api-key", "x-clay-webhook-auth", "X-Clay-Webhook-Auth", "Clay-Api-Key"];

fn is_header(name: &str) -> bool {
    HEADERS.iter().any(|header| header.eq_ignore_ascii_case(name))
}

/// What is assigned right behind a name: `NAME=value`, `"name": "value"`, `-H 'name: value'`.
fn assigned(rest: &str, name: &str) -> Option<Leak> {
    let rest = rest.trim_start_matches(['"', '\'', '`']).trim_start_matches(' ');
    let rest = rest.strip_prefix('=').or_else(|| rest.strip_prefix(':'))?;
    let rest = rest.trim_start_matches([' ', '"', '\'', '`']);
    let value =
        rest.split(|letter: char| letter.is_whitespace() || matches!(letter, '"' | '\'' | '`' | ',' | ';')).next()?;
    if !random(value) || placeholder(value) || super::urls(value).iter().any(super::Url::of_clay) {
        // A webhook's URL is a finding of its own.
        return None;
    }
    Some(Leak { en: format!("{name} holds a literal"), zh: format!("{name} 为明文"), secret: value.to_owned() })
}

/// In the middle of a text only what nobody would say counts: `CLAY_API_KEY: production` names an environment.
fn random(value: &str) -> bool {
    value.len() >= 12
        && value.contains(|letter: char| letter.is_ascii_digit())
        && value.contains(|letter: char| letter.is_ascii_alphabetic())
}

/// The text behind each occurrence of a marker, with where it begins.
fn after<'a>(text: &'a str, marker: &'a str) -> impl Iterator<Item = (usize, &'a str)> {
    text.match_indices(marker).filter_map(move |(at, _)| {
        let whole = !text.get(..at)?.ends_with(|letter: char| letter.is_ascii_alphanumeric() || letter == '_')
            || marker.starts_with('/');
        let rest = text.get(at + marker.len()..)?;
        let longer = marker.ends_with(|letter: char| letter.is_ascii_alphanumeric())
            && rest.starts_with(|letter: char| letter.is_ascii_alphanumeric() || letter == '_');
        (whole && !longer).then_some((at, rest))
    })
}

fn lead(text: &str, keep: impl Fn(char) -> bool) -> &str {
    text.get(..text.find(|letter| !keep(letter)).unwrap_or(text.len())).unwrap_or_default()
}

/// A value that is none: empty, a reference to somewhere else, or what people write where a secret will stand.
pub(crate) fn placeholder(value: &str) -> bool {
    let value = value.trim();
    if value.len() < 8 || value.starts_with(['$', '<', '{', '%', '[', '(', '/', '!']) {
        return true;
    }
    let lower = value.to_ascii_lowercase();
    let reference =
        ["vault:", "op://", "enc[", "arn:", "projects/", "ssm:", "file:", "secret:", "ref+", "gcp:", "aws:", "azure:"];
    let expression = [
        "var.",
        "data.",
        "local.",
        "module.",
        "each.",
        "ephemeral.",
        "aws_",
        "google_",
        "azurerm_",
        "random_",
        "vault_",
    ];
    if reference.iter().chain(&expression).any(|start| lower.starts_with(start))
        || value.contains("${")
        || value.contains("{{")
        || value.contains("$(")
        || (value.contains('<') && value.contains('>'))
    {
        return true;
    }
    let parts = [
        "your",
        "example",
        "changeme",
        "placeholder",
        "replace",
        "redacted",
        "xxx",
        "...",
        "…",
        "***",
        "insert",
        "goes-here",
        "00000000",
    ];
    let words = [
        "change", "test", "fake", "dummy", "local", "ci", "mock", "sample", "demo", "todo", "none", "dev", "secret",
        "key",
    ];
    parts.iter().any(|part| lower.contains(part))
        || lower.split(|letter: char| !letter.is_ascii_alphanumeric()).any(|word| words.contains(&word))
        || value.chars().collect::<std::collections::BTreeSet<_>>().len() <= 2
}

/// Base64 of a text; none: it is not.
fn decode(text: &str) -> Option<String> {
    let (mut bits, mut held, mut bytes) = (0_u32, 0_u32, Vec::new());
    for byte in text.trim().bytes().filter(|byte| !byte.is_ascii_whitespace()) {
        let digit = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            b'=' => break,
            _ => return None,
        };
        bits = (bits << 6) | u32::from(digit);
        held += 6;
        if held >= 8 {
            held -= 8;
            bytes.extend(u8::try_from((bits >> held) & 0xff).ok());
            bits &= (1 << held) - 1;
        }
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use gonogo_domain::Place;

    use super::{super::Origin, *};

    /// Assembled, so that this file holds none.
    fn secret() -> String {
        ["Zq4v", "9Lm2", "Xt7b", "Rw8c"].concat()
    }

    fn check(name: Option<&str>, value: &str, expect: &[&str]) {
        let place = Place::whole("a");
        let text = Text { name, value, place: &place, origin: Origin::Settings, code: true, encoded: false };
        let found: Vec<String> = leaks(&text).into_iter().map(|leak| leak.en).collect();
        assert_eq!(found, expect, "{name:?} {value}");
    }

    #[test]
    fn credentials_are_found_by_name_header_and_path() {
        let secret = secret();
        check(Some("CLAY_API_KEY"), &secret, &["CLAY_API_KEY holds a literal"]);
        check(None, &format!("export CLAY_API_KEY={secret}"), &["CLAY_API_KEY holds a literal"]);
        check(None, &format!("curl -H 'clay-api-key: {secret}' x"), &["clay-api-key holds a literal"]);
        check(None, &format!("https://api.clay.com{WEBHOOK_PATH}{secret}"), &["the URL of a Clay webhook"]);
        check(None, &format!("secret {}{secret}", "whsec_"), &["a signing secret of Clay"]);
        check(
            Some("CLAY_WEBHOOK_URL"),
            &format!("https://api.clay.com{WEBHOOK_PATH}{secret}"),
            &["CLAY_WEBHOOK_URL holds a literal"],
        );
    }

    #[test]
    fn references_and_placeholders_are_none() {
        for value in
            ["", "${CLAY_API_KEY}", "<your key>", "changeme", "your-api-key", "{{ .Values.key }}", "test-key-for-ci"]
        {
            check(Some("CLAY_API_KEY"), value, &[]);
        }
        check(None, "curl -H \"clay-api-key: $CLAY_API_KEY\" x", &[]);
        check(None, &format!("https://api.clay.com{WEBHOOK_PATH}<id>"), &[]);
        check(Some("CLAY_WEBHOOK_URL"), &format!("https://api.clay.com{WEBHOOK_PATH}<id>"), &[]);
        check(Some("CLAY_TIMEOUT_MS"), "10000000000", &[]);
        check(Some("CLAY_API_KEY"), "module.vault.clay", &[]);
        check(None, "CLAY_API_KEY: production, from the vault. CLAY_WEBHOOK_SECRET = required", &[]);
        check(None, "whsec_… is shown once", &[]);
    }

    #[test]
    fn data_of_secrets_is_decoded() {
        assert_eq!(decode("Y2hhbmdlbWU=").as_deref(), Some("changeme"));
        assert_eq!(decode("not base64!"), None);
    }
}
