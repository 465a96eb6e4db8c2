//! Keys that are known by their own shape, and passwords inside addresses.

use std::sync::LazyLock;

use aho_corasick::AhoCorasick;
use gonogo_domain::Text;

/// A key that is known by its own shape, whatever the name in front of it.
struct Shape {
    name: Text,
    prefix: &'static str,
    letters: Letters,
    /// How many letters follow the prefix, at least and at most.
    length: (usize, usize),
}

#[derive(Clone, Copy)]
enum Letters {
    /// `A`–`Z` and digits.
    Upper,
    Alphanumeric,
    /// The alphabet of base64 for URLs, with dots: `-`, `_`, `.`.
    Url,
    /// The alphabet of base64.
    Base64,
}

impl Letters {
    fn contains(self, letter: char) -> bool {
        match self {
            Self::Upper => letter.is_ascii_uppercase() || letter.is_ascii_digit(),
            Self::Alphanumeric => letter.is_ascii_alphanumeric(),
            Self::Url => letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_' | '.'),
            Self::Base64 => letter.is_ascii_alphanumeric() || matches!(letter, '+' | '/' | '='),
        }
    }
}

const fn shape(
    en: &'static str,
    zh: &'static str,
    prefix: &'static str,
    letters: Letters,
    length: (usize, usize),
) -> Shape {
    Shape { name: Text { en, zh }, prefix, letters, length }
}

/// Prefixes and lengths are those that the issuers document, or that their secret-scanning partners publish
/// (<https://docs.github.com/en/code-security/secret-scanning/introduction/supported-secret-scanning-patterns>).
const SHAPES: &[Shape] = &[
    shape("an AWS access key", "AWS 访问密钥", "AKIA", Letters::Upper, (16, 16)),
    shape("a GitHub token", "GitHub 令牌", "ghp_", Letters::Alphanumeric, (36, 36)),
    shape("a GitHub token", "GitHub 令牌", "gho_", Letters::Alphanumeric, (36, 36)),
    shape("a GitHub token", "GitHub 令牌", "ghu_", Letters::Alphanumeric, (36, 36)),
    shape("a GitHub token", "GitHub 令牌", "ghs_", Letters::Alphanumeric, (36, 36)),
    shape("a GitHub token", "GitHub 令牌", "github_pat_", Letters::Url, (82, 82)),
    shape("a GitLab token", "GitLab 令牌", "glpat-", Letters::Url, (20, 60)),
    shape("a Slack token", "Slack 令牌", "xoxb-", Letters::Url, (24, 120)),
    shape("a Slack token", "Slack 令牌", "xoxp-", Letters::Url, (24, 120)),
    shape("a Slack token", "Slack 令牌", "xoxa-", Letters::Url, (24, 120)),
    shape("a Slack token", "Slack 令牌", "xoxs-", Letters::Url, (24, 120)),
    shape("a Slack token", "Slack 令牌", "xapp-", Letters::Url, (24, 200)),
    // Whoever has the address may post: it is the credential.
    shape("a Slack webhook", "Slack Webhook", "hooks.slack.com/services/T", Letters::Base64, (30, 80)),
    shape("a live Stripe key", "Stripe 生产密钥", "sk_live_", Letters::Alphanumeric, (16, 200)),
    shape("a live Stripe key", "Stripe 生产密钥", "rk_live_", Letters::Alphanumeric, (16, 200)),
    shape("a webhook signing secret", "Webhook 签名密钥", "whsec_", Letters::Base64, (24, 100)),
    shape("a Google API key", "Google API 密钥", "AIza", Letters::Url, (35, 35)),
    shape("an npm token", "npm 令牌", "npm_", Letters::Alphanumeric, (36, 36)),
    shape("a PyPI token", "PyPI 令牌", "pypi-AgEI", Letters::Url, (50, 300)),
    shape("a Docker Hub token", "Docker Hub 令牌", "dckr_pat_", Letters::Url, (27, 27)),
    shape("a SendGrid key", "SendGrid 密钥", "SG.", Letters::Url, (66, 66)),
    shape("an Anthropic key", "Anthropic 密钥", "sk-ant-", Letters::Url, (40, 200)),
    shape("an OpenAI key", "OpenAI 密钥", "sk-proj-", Letters::Url, (40, 250)),
    shape("a Hugging Face token", "Hugging Face 令牌", "hf_", Letters::Alphanumeric, (34, 34)),
    shape("a DigitalOcean token", "DigitalOcean 令牌", "dop_v1_", Letters::Alphanumeric, (64, 64)),
    shape("a Shopify token", "Shopify 令牌", "shpat_", Letters::Alphanumeric, (32, 32)),
    shape("a Grafana token", "Grafana 令牌", "glsa_", Letters::Url, (41, 41)),
    shape("a Vault token", "Vault 令牌", "hvs.", Letters::Url, (24, 200)),
    shape("an age key", "age 密钥", "AGE-SECRET-KEY-1", Letters::Upper, (58, 58)),
];

/// Bytes of the shortest key, which is Amazon's.
const SHORTEST: usize = 20;
/// What a key in PEM begins with.
const PEM: &str = "-----BEGIN ";
/// `{"` in base64, with which each part of a web token begins.
const JSON_OBJECT: &str = "eyJ";

const PRIVATE_KEY: Text = Text { en: "a private key", zh: "私钥" };
const WEB_TOKEN: Text = Text { en: "a JSON web token", zh: "JSON Web Token" };

/// The first key of a known shape in a text, and what it is.
pub(crate) fn known_shape(text: &str) -> Option<(Text, &str)> {
    if !may_hold_key(text) {
        return None;
    }
    private_key(text).map(|key| (PRIVATE_KEY, key)).or_else(|| issued(text)).or_else(|| {
        let token = web_token(text)?;
        Some((WEB_TOKEN, token))
    })
}

/// One look for all beginnings of keys: every text of a repository comes by here, and hardly any has one.
fn may_hold_key(text: &str) -> bool {
    static BEGINNINGS: LazyLock<Option<AhoCorasick>> =
        LazyLock::new(|| AhoCorasick::new(SHAPES.iter().map(|shape| shape.prefix).chain([PEM, JSON_OBJECT])).ok());
    text.len() >= SHORTEST && BEGINNINGS.as_ref().is_none_or(|beginnings| beginnings.is_match(text))
}

fn issued(text: &str) -> Option<(Text, &str)> {
    // All prefixes are ASCII and none is shorter than three letters.
    SHAPES.iter().find_map(|shape| {
        text.match_indices(shape.prefix).find_map(|(at, _)| {
            let before = text.get(..at)?.chars().next_back();
            // In the middle of a longer word it is something else; a path or a scheme may stand before an address.
            if before.is_some_and(|letter| letter.is_ascii_alphanumeric() || letter == '_') {
                return None;
            }
            let body = run(text.get(at + shape.prefix.len()..)?, shape.letters, shape.length.1 + 1);
            let whole = text.get(at..at + shape.prefix.len() + body.len())?;
            let (least, most) = shape.length;
            ((least..=most).contains(&body.len()) && varied(body) && !sample(whole)).then_some((shape.name, whole))
        })
    })
}

/// The letters of an alphabet at the start of a text, at most so many: hostile text is all prefixes.
fn run(text: &str, letters: Letters, most: usize) -> &str {
    // Every alphabet is ASCII, so bytes are letters.
    let end = text.bytes().take(most).take_while(|byte| letters.contains(char::from(*byte))).count();
    text.get(..end).unwrap_or_default()
}

/// Few different letters make no key: `xxxxxxxx`, `00000000`, `abcabcabc`.
fn varied(text: &str) -> bool {
    let mut letters: Vec<char> = text.chars().take(200).collect();
    letters.sort_unstable();
    letters.dedup();
    letters.len() >= 8
}

/// Keys that stand in documentation: they say so, or count.
fn sample(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    ["example", "xxxx", "1234567890", "abcdefgh", "placeholder", "redacted", "your", "0000000", "dummy", "fake", "...."]
        .iter()
        .any(|word| lower.contains(word))
}

/// PEM with a body: the line that opens it alone is a pattern of a scanner, or prose.
fn private_key(text: &str) -> Option<&str> {
    text.match_indices(PEM).find_map(|(at, opening)| {
        let rest = text.get(at + opening.len()..)?;
        let (kind, body) = rest.split_once("-----")?;
        let kind_is_key = kind.len() < 40 && kind.ends_with("PRIVATE KEY");
        let body = body.split_once("-----").map_or(body, |(body, _)| body).replace("\\n", "\n");
        let letters: usize = body
            .lines()
            .map(str::trim)
            .filter(|line| line.chars().all(|c| Letters::Base64.contains(c)))
            .map(str::len)
            .sum();
        (kind_is_key && letters >= 40 && varied(&body) && !sample(&body)).then(|| text.get(at..)).flatten()
    })
}

/// Three parts, of which the first two are JSON objects in base64.
fn web_token(text: &str) -> Option<&str> {
    text.match_indices(JSON_OBJECT).find_map(|(at, _)| {
        let rest = text.get(at..)?;
        // Short headers are most of what only looks alike; no token of a program is longer than this.
        let header = rest.bytes().take(1024).position(|byte| byte == b'.').filter(|length| *length >= 16)?;
        let after = rest.get(header + 1..)?;
        let payload = after.bytes().take(3072).position(|byte| byte == b'.');
        if !after.starts_with(JSON_OBJECT) || payload.is_none_or(|length| length < 16) {
            return None;
        }
        let token = run(rest, Letters::Url, 4096);
        let mut parts = token.split('.').skip(2);
        let signature = parts.next()?;
        (signature.len() >= 20 && parts.next().is_none() && !sample(token)).then_some(token)
    })
}

/// A password inside an address: `postgres://shop:PASSWORD@host`. With the host, because loopback protects nothing.
pub(crate) fn password_in_address(text: &str) -> Option<(&str, &str)> {
    text.match_indices("://").find_map(|(at, _)| {
        let rest = text.get(at + 3..)?;
        let end = rest
            .find(|letter: char| {
                letter.is_whitespace() || matches!(letter, '/' | '?' | '#' | '"' | '\'' | '`' | ',' | ')')
            })
            .unwrap_or(rest.len());
        let (user, host) = rest.get(..end)?.rsplit_once('@')?;
        let (_, password) = user.split_once(':')?;
        Some((password, host))
    })
}

/// The host is this machine: the password protects a developer's or a test's own database.
pub(crate) fn loopback(host: &str) -> bool {
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    matches!(name, "localhost" | "127.0.0.1" | "[::1]" | "0.0.0.0" | "host.docker.internal")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape(text: &str, expect: Option<&str>) {
        assert_eq!(known_shape(text).map(|(name, _)| name.en), expect, "{text}");
    }

    #[test]
    fn issued_keys_are_known_by_their_shape() {
        // Assembled at run time, so that no scanner takes this file for a leak.
        let aws = format!("AK{}", "IAQ3EGRZ7WTLB5MKCD");
        shape(&format!("key = {aws}"), Some("an AWS access key"));
        shape(&format!("x{aws}"), None);
        shape(&format!("{aws}7"), None);
        shape(&format!("AK{}", "IAIOSFODNN7EXAMPLE"), None);
        let github = format!("gh{}", "p_R4nd0mL3tt3rsAndD1g1tsThatN0b0dyKn0w");
        shape(&format!("https://x:{github}@github.com"), Some("a GitHub token"));
        let body = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7";
        shape(&format!("-----BEGIN RSA {} KEY-----\n{body}\n-----END", "PRIVATE"), Some("a private key"));
        shape(&format!("-----BEGIN {} KEY-----", "PRIVATE"), None);
        shape(&format!("-----BEGIN CERTIFICATE-----\n{body}"), None);
        let token = format!("ey{}.ey{}.{}", "JhbGciOiJIUzI1NiJ9x", "Jzb21lIjoicGF5bG9hZCJ9", "q3Rz8LwPk2mVt6YbXn4D");
        shape(&format!("Bearer {token}"), Some("a JSON web token"));
        shape("eyJhbGciOiJIUzI1NiJ9 alone", None);
    }

    #[test]
    fn text_that_is_all_prefixes_is_read_in_one_pass() {
        for part in ["eyJ", "SG.", "eyJaaaaaaaaaaaaaaaa.eyJ.", "-----BEGIN ", "://a:", "xoxb-"] {
            shape(&part.repeat(20_000), None);
            address(&part.repeat(20_000), None);
        }
    }

    fn address(text: &str, expect: Option<(&str, &str)>) {
        assert_eq!(password_in_address(text), expect, "{text}");
    }

    #[test]
    fn passwords_stand_in_addresses() {
        address("postgres://shop:pw@db:5432/shop", Some(("pw", "db:5432")));
        address("redis://:pw@cache", Some(("pw", "cache")));
        address("https://example.org/a:b@c", None);
        address("git@example.org:a/b", None);
    }
}
