//! What looks like a secret: keys in the shapes that vendors issue, names that secrets go by, values that stand for none.

use gonogo_domain::Text;

/// A key that is known by its own shape, whatever the name in front of it.
pub(crate) struct Shape {
    pub(crate) name: Text,
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

const PRIVATE_KEY: Text = Text { en: "a private key", zh: "私钥" };
const WEB_TOKEN: Text = Text { en: "a JSON web token", zh: "JSON Web Token" };

/// The first key of a known shape in a text, and what it is.
pub(crate) fn known_shape(text: &str) -> Option<(Text, &str)> {
    private_key(text).map(|key| (PRIVATE_KEY, key)).or_else(|| issued(text)).or_else(|| {
        let token = web_token(text)?;
        Some((WEB_TOKEN, token))
    })
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
    text.match_indices("-----BEGIN ").find_map(|(at, opening)| {
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
    text.match_indices("eyJ").find_map(|(at, _)| {
        let rest = text.get(at..)?;
        // Short headers are most of what only looks alike; no token of a program is longer than this.
        let header = rest.bytes().take(1024).position(|byte| byte == b'.').filter(|length| *length >= 16)?;
        let after = rest.get(header + 1..)?;
        let payload = after.bytes().take(3072).position(|byte| byte == b'.');
        if !after.starts_with("eyJ") || payload.is_none_or(|length| length < 16) {
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

/// Last words of names that say something about a secret: where it lies, how long it is, whether there is one.
const ABOUT: &[&str] = &[
    "file",
    "path",
    "dir",
    "name",
    "names",
    "ref",
    "id",
    "ids",
    "url",
    "uri",
    "endpoint",
    "host",
    "port",
    "header",
    "ttl",
    "expiry",
    "expiration",
    "expires",
    "expire",
    "duration",
    "length",
    "size",
    "timeout",
    "type",
    "enabled",
    "issuer",
    "audience",
    "algorithm",
    "arn",
    "version",
    "prefix",
    "suffix",
    "policy",
    "mount",
    "namespace",
    "provider",
    "store",
    "backend",
    "rotation",
    "age",
    "lifetime",
    "limit",
    "count",
    "format",
    "field",
    "claim",
    "scope",
    "scopes",
    "required",
    "interval",
    "location",
    "annotations",
    "labels",
    "hasher",
    "hashers",
    "method",
    "mode",
    "class",
    "validators",
    "description",
    "label",
    "title",
    "keyname",
    "role",
    "encoder",
    "strategy",
    "budget",
    "rate",
    "window",
    "usage",
    "cost",
    "price",
    "symbol",
    "address",
    "contract",
    "selector",
];

/// Words of names that hold no secret, whatever else they say.
const OPEN: &[&str] = &[
    "public",
    "publishable",
    "anon",
    "existing",
    "create",
    "enable",
    "disable",
    "allow",
    "use",
    "automount",
    "max",
    "min",
    "reset",
    "test",
    "forgot",
];

/// Values that switch, or say that there is none.
const SWITCHES: &[&str] = &[
    "",
    "true",
    "false",
    "yes",
    "no",
    "on",
    "off",
    "none",
    "null",
    "nil",
    "undefined",
    "disabled",
    "enabled",
    "required",
    "optional",
    "auto",
    "basic",
    "bearer",
    "jwt",
    "oauth",
    "oauth2",
    "-",
    "n/a",
    "na",
    "string",
    "env",
];

/// Values that everybody tries first.
const GUESSABLE: &[&str] = &[
    "password",
    "passwd",
    "pass",
    "secret",
    "admin",
    "root",
    "guest",
    "user",
    "postgres",
    "mysql",
    "mongo",
    "redis",
    "test",
    "testing",
    "rabbitmq",
    "minio",
    "minioadmin",
    "default",
    "changeme",
    "change-me",
    "change_me",
    "letmein",
    "qwerty",
    "welcome",
    "demo",
    "dev",
    "local",
    "token",
    "key",
    "foo",
    "bar",
    "foobar",
    "hunter2",
    "p@ssw0rd",
    "admin123",
    "password1",
    "password123",
    "passw0rd",
    "secretkey",
    "mysecret",
    "supersecret",
    "keyboard cat",
    "prom-operator",
    "elastic",
];

/// Parts of such values.
const ROOTS: &[&str] = &[
    "changeme",
    "change-me",
    "change_me",
    "change-it",
    "changeit",
    "notsecure",
    "insecure",
    "example",
    "dummy",
    "sample",
];

/// Marks of templates and of encrypted values.
const MARKS: &[&str] = &["${", "$(", "{{", "}}", "<%", "%{", "#{", "ENC[", "ENC(", "!Ref", "!Sub", "generated"];

/// How references to secret stores and expressions of infrastructure code begin.
const SCHEMES: &[&str] = &[
    "vault:",
    "ref+",
    "op://",
    "sm://",
    "ssm:",
    "arn:",
    "secretref:",
    "keyvault",
    "@microsoft.keyvault",
    "file:",
    "gcp:",
    "aws:",
    "azure:",
    "env:",
    "projects/",
    "secret:",
    "data.",
    "var.",
    "local.",
    "module.",
    "random_",
    "aws_",
    "google_",
    "azurerm_",
    "akeyless:",
    "doppler:",
    "resolve:secretsmanager",
    "secrets.",
    "process.env",
];

/// Words of values that somebody still has to fill in.
const WORDS: &[&str] = &[
    "your",
    "replace",
    "placeholder",
    "redacted",
    "todo",
    "fixme",
    "xxx",
    "***",
    "insert",
    "put-",
    "enter-",
    "secret-here",
    "-here",
    "_here",
    "to-be-",
    "tbd",
    "not-a-",
    "...",
    "set-me",
    "setme",
    "set_me",
    "fill",
];

/// Folders that only tests read.
const OF_TESTS: &[&str] = &[
    "test",
    "tests",
    "__tests__",
    "spec",
    "specs",
    "e2e",
    "testdata",
    "test-data",
    "test_data",
    "fixtures",
    "fixture",
    "__fixtures__",
    "mocks",
    "__mocks__",
    "testing",
    "golden",
    "vendor",
    "node_modules",
    "third_party",
];

/// Folders that show how something could be done.
const OF_EXAMPLES: &[&str] = &[
    "example",
    "examples",
    "sample",
    "samples",
    "demo",
    "demos",
    "docs",
    "doc",
    "extras",
    "contrib",
    "tutorials",
    "quickstart",
];

/// The name of a setting whose value is a secret: `DB_PASSWORD`, `stripe.secretKey`, `SECRET_KEY_BASE`.
pub(crate) fn is_secret_name(name: &str) -> bool {
    let words = words(name);
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
fn words(name: &str) -> Vec<String> {
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
pub(crate) enum SecretValue {
    /// Empty, a switch, a number.
    Nothing,
    /// It is filled in elsewhere, or has to be before it works: `${…}`, `<…>`, `your-…`, a path, an address.
    FilledIn,
    /// A word that everybody tries first. It works where it stands, and protects nothing.
    Guessable,
    /// It may be the secret itself.
    Literal,
}

pub(crate) fn secret_value(value: &str) -> SecretValue {
    let value = value.trim().trim_matches(['"', '\'', '`']).trim();
    let lower = value.to_ascii_lowercase();
    if SWITCHES.contains(&lower.as_str()) || (value.len() < 9 && value.parse::<f64>().is_ok()) {
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
pub(crate) fn looks_random(value: &str) -> bool {
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
    entropy(value) >= 3.0 && (kinds >= 3 && changes >= 1 || changes >= 4)
}

/// Bits a letter, after Shannon.
#[expect(clippy::cast_precision_loss, reason = "lengths of values are far below 2^52")]
fn entropy(value: &str) -> f64 {
    let mut counts = [0_usize; 128];
    for byte in value.bytes() {
        if let Some(slot) = counts.get_mut(usize::from(byte)) {
            *slot += 1;
        }
    }
    let all = value.len().max(1) as f64;
    counts.iter().filter(|count| **count > 0).map(|count| *count as f64 / all).map(|part| -part * part.log2()).sum()
}

/// The bytes of a base64 text as text; none: it is no base64, or no text. What `data` of a Secret holds.
pub(crate) fn base64_text(encoded: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(encoded.len() / 4 * 3);
    let (mut bits, mut held) = (0_u32, 0_u32);
    for letter in encoded.bytes().filter(|letter| !letter.is_ascii_whitespace() && *letter != b'=') {
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
    String::from_utf8(bytes).ok()
}

/// A file that only tests read. Paths of objects carry no role, so their folders tell.
pub(crate) fn of_tests(path: &str) -> bool {
    path.split('/').any(|part| OF_TESTS.contains(&part.to_ascii_lowercase().as_str()))
}

/// A file that shows how something could be done.
pub(crate) fn of_examples(path: &str) -> bool {
    path.split('/').any(|part| OF_EXAMPLES.contains(&part.to_ascii_lowercase().as_str()))
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
    }

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

    #[test]
    fn base64_is_read_and_anything_else_is_none() {
        assert_eq!(base64_text("c2hvcA==").as_deref(), Some("shop"));
        assert_eq!(base64_text("not base64!"), None);
    }
}
