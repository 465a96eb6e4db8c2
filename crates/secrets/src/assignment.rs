//! Secrets that have no shape: what is known is the name in front of them and how random they look.

use std::ops::Range;

use gonogo_domain::secret::{SecretValue, entropy, is_secret_name, looks_random, secret_value};

use crate::{
    issued::{self, sample},
    letters::wordy,
    rules::{Rule, rules},
    text::Writing,
};

/// No setting's value is longer.
const LONGEST: usize = 512;

/// A value that is assigned to the name of a secret.
#[derive(Debug)]
pub(crate) struct Assigned {
    pub(crate) name: String,
    pub(crate) range: Range<usize>,
    /// The row whose names and form it has.
    pub(crate) rule: Option<&'static Rule>,
    /// The program falls back to it.
    pub(crate) default: bool,
    /// Everybody tries it first.
    pub(crate) guessable: bool,
}

/// How a value is tied to its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Tie {
    /// `name = value`, `name: value`, `<name>value`, `| name | value`.
    Assigned,
    /// `name || value`, `${name:-value}`: it counts where nothing else is given.
    Default,
    /// `set("name", "value")`, `setName("value")`: only what is quoted is a value.
    Argument,
    /// `name value`, as in `.netrc`: a sentence is written so too.
    Beside,
}

/// The identifier around a word of a secret's name.
pub(crate) fn name(text: &[u8], start: usize, end: usize) -> Range<usize> {
    let part = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
    let from = text
        .get(start.saturating_sub(80)..start)
        .map_or(start, |before| start - before.iter().rev().take_while(|byte| part(byte)).count());
    let dashes =
        text.get(from..start).map_or(0, |own| own.iter().take_while(|byte| matches!(byte, b'-' | b'.')).count());
    let from = from + dashes;
    let after = text.get(end..text.len().min(end + 80)).unwrap_or_default();
    let mut to = end + after.iter().take_while(|byte| part(byte)).count();
    while to > end && matches!(text.get(to - 1), Some(b'-' | b'.')) {
        to -= 1;
    }
    from..to
}

/// What is assigned to the identifier at `name`.
pub(crate) fn at(text: &[u8], name: &Range<usize>, writing: Writing) -> Option<Assigned> {
    let mut cursor = Cursor { text, at: name.end };
    let before = text.get(name.start.saturating_sub(48)..name.start)?;
    let tie = tie(&mut cursor, before)?;
    if tie == Tie::Beside && writing == Writing::Code {
        return None;
    }
    let (range, quoted) = value(&mut cursor, tie, before)?;
    let value = std::str::from_utf8(text.get(range.clone())?).ok()?;
    if value.len() < 4 || value.bytes().any(|byte| byte.is_ascii_control()) {
        return None;
    }
    let label = std::str::from_utf8(text.get(name.clone())?).ok()?;
    let default = tie == Tie::Default || tie == Tie::Argument && falls_back(before);
    let assigned =
        |rule, guessable| Some(Assigned { name: label.to_owned(), range: range.clone(), rule, default, guessable });
    if !quoted && writing == Writing::Code && !certainly_a_value(value, text.get(range.end)) {
        return None;
    }
    if let Some(rule) = of_vendor(before, label, value) {
        return assigned(Some(rule), false);
    }
    if of_no_secret(label) || on_a_badge(before) {
        return None;
    }
    let flag = value.starts_with('-') || value.contains(['.', '=']);
    if tie == Tie::Beside && (flag || !strongly_random(value)) {
        return (is_secret_name(label) && logs_in(before, value)).then(|| assigned(None, false)).flatten();
    }
    if !is_secret_name(label) {
        return (may_be_a_key(label) && strongly_random(value)).then(|| assigned(None, false)).flatten();
    }
    if default && signs(label) && works(value) {
        return assigned(None, !looks_random(value) || wordy(value.as_bytes()));
    }
    random(label, value).then(|| assigned(None, false)).flatten()
}

/// The row of a vendor whose name stands before the value, and whose form the value has.
fn of_vendor(before: &[u8], label: &str, value: &str) -> Option<&'static Rule> {
    // The form of many is any letters of some number, which a long word has too.
    let word = wordy(value.as_bytes()) && !value.bytes().any(|byte| byte.is_ascii_digit());
    if value.len() < 16 || sample(value.as_bytes()) || word {
        return None;
    }
    let line = before.rsplit(|byte| *byte == b'\n').next().unwrap_or_default();
    let words: Vec<u8> = line
        .iter()
        .chain(label.as_bytes())
        .filter(|byte| byte.is_ascii_alphanumeric())
        .map(u8::to_ascii_lowercase)
        .collect();
    let words = String::from_utf8(words).ok()?;
    rules().iter().filter(|rule| rule.whole.is_some()).find(|rule| {
        rule.names.iter().any(|name| words.contains(name.as_str())) && issued::whole(rule, value.as_bytes()).is_some()
    })
}

/// Names with the word of a secret that hold none: digests of it, and what only pages through a list.
fn of_no_secret(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    [
        "hash",
        "digest",
        "sha1",
        "sha256",
        "checksum",
        "fingerprint",
        "thumbprint",
        "page",
        "next",
        "cursor",
        "csrf",
        "authenticity",
        "xsrf",
        "continu",
        "integrity",
        "publickey",
        "pubkey",
        "passive",
        "bypass",
        "compass",
        "keyword",
        "keyid",
        "key_id",
        "tokeniz",
    ]
    .iter()
    .any(|word| lower.contains(word))
}

/// The address of a picture that shows how a repository does, with the token that only lets people see it.
fn on_a_badge(before: &[u8]) -> bool {
    let line = before.rsplit(|byte| matches!(byte, b'\n' | b' ')).next().unwrap_or_default();
    ["badge", ".svg?", "codecov.io"].iter().any(|word| line.windows(word.len()).any(|part| part == word.as_bytes()))
}

/// What a key is of that is no secret.
const OTHER_KEYS: [&str; 24] = [
    "cache",
    "partition",
    "primary",
    "foreign",
    "sort",
    "public",
    "idempoten",
    "object",
    "s3",
    "translation",
    "i18n",
    "group",
    "routing",
    "storage",
    "hashkey",
    "mapkey",
    "indexkey",
    "unique",
    "dedup",
    "annotation",
    "label",
    "ssh",
    "sheet",
    "test",
];

/// Endings of names that are written as one word: `openweatherapikey`, `scrutinizerSECRET`.
const ENDINGS: [&str; 5] = ["apikey", "secret", "token", "password", "authkey"];

/// Names that a secret may have, and much else: `mapquest_key`, `Authorization`, `azure_pat`.
fn may_be_a_key(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    let personal = lower.strip_suffix("pat").is_some_and(|rest| rest.ends_with(['_', '-', '.']));
    lower.ends_with("authorization")
        || personal
        || ENDINGS.iter().any(|ending| glued(name, &lower, ending))
        || lower.len() > "key".len() + 2
            && lower.ends_with("key")
            && !OTHER_KEYS.iter().any(|other| lower.contains(other))
}

/// The ending is a part of a longer word, and nothing in the name says that all may know the value.
fn glued(name: &str, lower: &str, ending: &str) -> bool {
    let Some(at) = lower.strip_suffix(ending).map(str::len).filter(|at| *at > 0) else { return false };
    let same_case = name.as_bytes().get(at - 1..=at).is_some_and(|pair| match pair {
        [before, first] => {
            before.is_ascii_lowercase() && first.is_ascii_lowercase()
                || before.is_ascii_uppercase() && first.is_ascii_uppercase()
        }
        _ => false,
    });
    same_case && !["public", "publishable", "anon", "test", "reset"].iter().any(|open| lower.contains(open))
}

/// The password of `machine host login user password value`.
fn logs_in(before: &[u8], value: &str) -> bool {
    let has = |kind: fn(&u8) -> bool| value.as_bytes().iter().any(kind);
    before.windows(6).any(|part| part == b"login ")
        && value.len() >= 7
        && has(u8::is_ascii_digit)
        && has(u8::is_ascii_alphabetic)
        && secret_value(value) == SecretValue::Literal
        && !value.contains(['$', '{', '<', '%'])
        && !sample(value.as_bytes())
}

/// Only chance writes it: long, mixed, and of no words.
fn strongly_random(value: &str) -> bool {
    let letters = value
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=' | b'-' | b'_' | b'.'));
    let digits = value.bytes().filter(u8::is_ascii_digit).count();
    let cased =
        value.bytes().any(|byte| byte.is_ascii_uppercase()) && value.bytes().any(|byte| byte.is_ascii_lowercase());
    value.len() >= 20
        && letters
        && digits >= if cased { 2 } else { 3 }
        && entropy(value.as_bytes()) >= 3.3
        && random("", value)
}

/// Whoever knows it forges what the service signs or reads what it encrypts; a default is as good as none.
fn signs(name: &str) -> bool {
    let lower = name.to_ascii_lowercase().replace(['-', '.'], "_");
    [
        "jwt",
        "secret_key",
        "secretkey",
        "session_secret",
        "sessionsecret",
        "signing",
        "encryption",
        "cookie_secret",
        "cookiesecret",
        "app_secret",
        "appsecret",
        "hmac",
        "secret_base",
        "auth_secret",
        "authsecret",
        "token_secret",
        "tokensecret",
    ]
    .iter()
    .any(|word| lower.contains(word))
}

/// A plain text: a reference to somewhere else, a template or nothing does not work as a key.
fn works(value: &str) -> bool {
    let plain = |byte: u8| {
        byte.is_ascii_alphanumeric()
            || matches!(byte, b' ' | b'_' | b'-' | b'.' | b'!' | b'@' | b'#' | b'*' | b'+' | b'=')
    };
    value.bytes().all(plain) && secret_value(value) != SecretValue::Nothing && !value.trim().is_empty()
}

/// Nobody types it by hand for a trial, and it is no name of something.
fn random(name: &str, value: &str) -> bool {
    let marked = value.contains(['<', '>', '{', '}', '$', '\\']) || value.contains("://") || value.contains("%s");
    if marked || secret_value(value) != SecretValue::Literal || !looks_random(value) || sample(value.as_bytes()) {
        return false;
    }
    if !wordy(value.as_bytes()) {
        return true;
    }
    // People make passwords of words too, but hardly without a mark that no identifier has.
    let lower = name.to_ascii_lowercase();
    let password = ["password", "passwd", "pwd", "pass", "passphrase"].iter().any(|word| lower.contains(word));
    password && value.contains(['!', '@', '#', '%', '^', '&', '*', '?', '+', '~'])
}

/// A literal that stands in code without quotes of its own: in the middle of a string, in a comment.
fn certainly_a_value(value: &str, next: Option<&u8>) -> bool {
    let letters =
        value.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=' | b'-' | b'_'));
    let digits = value.bytes().filter(u8::is_ascii_digit).count();
    value.len() >= 16 && letters && digits >= 2 && !wordy(value.as_bytes()) && !matches!(next, Some(b'(' | b'.' | b'['))
}

/// The call before a name reads the environment or sets a default.
fn falls_back(before: &[u8]) -> bool {
    let line = before.rsplit(|byte| *byte == b'\n').next().unwrap_or_default().to_ascii_lowercase();
    ["env", "default", "flag"].iter().any(|word| line.windows(word.len()).any(|part| part == word.as_bytes()))
}

struct Cursor<'t> {
    text: &'t [u8],
    at: usize,
}

impl Cursor<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn eat(&mut self, part: &[u8]) -> bool {
        let eaten = self.text.get(self.at..).is_some_and(|rest| rest.starts_with(part));
        if eaten {
            self.at += part.len();
        }
        eaten
    }

    /// Skips up to forty letters.
    fn skip(&mut self, which: fn(u8) -> bool) -> usize {
        let rest = self.text.get(self.at..self.text.len().min(self.at + 40)).unwrap_or_default();
        let count = rest.iter().take_while(|byte| which(**byte)).count();
        self.at += count;
        count
    }
}

fn blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

fn quote(byte: u8) -> bool {
    matches!(byte, b'"' | b'\'' | b'`')
}

/// Goes over what ties a name to its value. None: nothing is assigned here.
fn tie(cursor: &mut Cursor<'_>, before: &[u8]) -> Option<Tie> {
    cursor.skip(|byte| byte == b'\\');
    let closed = cursor.peek().is_some_and(quote);
    if closed {
        cursor.at += 1;
    }
    cursor.skip(|byte| matches!(byte, b']' | b')' | b'*'));
    if before.ends_with(b"variable \"") && default_of_variable(cursor) {
        return Some(Tie::Default);
    }
    if paired(cursor) {
        return Some(Tie::Assigned);
    }
    let spaced = cursor.skip(blank) > 0;
    for default in [b"||".as_slice(), b"??", b"?:"] {
        if cursor.eat(default) {
            return Some(Tie::Default);
        }
    }
    let expanded = before.ends_with(b"${");
    if expanded && (cursor.eat(b":-") || cursor.eat(b":=") || cursor.eat(b"-") || cursor.eat(b":")) {
        return Some(Tie::Default);
    }
    for assigns in [b":=".as_slice(), b"===", b"!==", b"==", b"!=", b"=>", b"->", b"="] {
        if cursor.eat(assigns) {
            return Some(Tie::Assigned);
        }
    }
    if cursor.eat(b":") {
        if cursor.peek() == Some(b':') {
            return None;
        }
        typed(cursor);
        return Some(Tie::Assigned);
    }
    match cursor.peek()? {
        b',' if closed => {
            cursor.at += 1;
            Some(Tie::Argument)
        }
        b'(' if !closed && !spaced => {
            cursor.at += 1;
            Some(Tie::Argument)
        }
        b'>' if before.ends_with(b"<") => {
            cursor.at += 1;
            Some(Tie::Assigned)
        }
        b'|' if before.rsplit(|byte| *byte == b'\n').next().is_some_and(|line| line.contains(&b'|')) => {
            cursor.at += 1;
            Some(Tie::Assigned)
        }
        b'.' if cursor.eat(b".unwrap_or") || cursor.eat(b".or") || cursor.eat(b".ok().unwrap_or") => {
            cursor.skip(|byte| !quote(byte) && byte != b'\n');
            Some(Tie::Default)
        }
        b'o' if spaced && cursor.eat(b"or ") => Some(Tie::Default),
        // A flag of a command.
        _ if spaced && before.ends_with(b"--") => Some(Tie::Assigned),
        _ if spaced && typed(cursor) => Some(Tie::Assigned),
        _ if spaced && !closed => Some(Tie::Beside),
        _ => None,
    }
}

/// Goes over a type and the sign behind it: ` string =` of Go, ` &str =` after the colon of Rust.
fn typed(cursor: &mut Cursor<'_>) -> bool {
    let start = cursor.at;
    cursor.skip(blank);
    let word = cursor.skip(|byte| {
        byte.is_ascii_alphanumeric() || matches!(byte, b'&' | b'\'' | b'_' | b'<' | b'>' | b'[' | b']' | b'?' | b'.')
    });
    cursor.skip(blank);
    if word > 0 && cursor.eat(b"=") && cursor.peek() != Some(b'=') {
        return true;
    }
    cursor.at = start;
    false
}

/// Goes over `, "value":` and the like: the second member of a pair whose first is the name.
fn paired(cursor: &mut Cursor<'_>) -> bool {
    let start = cursor.at;
    cursor.skip(|byte| byte.is_ascii_whitespace() || matches!(byte, b',' | b'\\' | b'"' | b'\'' | b';'));
    if cursor.at > start && (cursor.eat(b"value") || cursor.eat(b"Value") || cursor.eat(b"default")) {
        cursor.skip(|byte| matches!(byte, b'\\' | b'"' | b'\''));
        cursor.skip(blank);
        if cursor.eat(b":") || cursor.eat(b"=") {
            return true;
        }
    }
    cursor.at = start;
    false
}

/// Goes to the default in the block of a variable of Terraform whose name was read.
fn default_of_variable(cursor: &mut Cursor<'_>) -> bool {
    let rest = cursor.text.get(cursor.at..cursor.text.len().min(cursor.at + LONGEST)).unwrap_or_default();
    let block = rest.iter().position(|byte| *byte == b'}').and_then(|end| rest.get(..end)).unwrap_or(rest);
    let Some(at) = crate::structure::find(block, b"default") else { return false };
    let opened = block.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'{');
    let start = cursor.at;
    cursor.at += at + b"default".len();
    cursor.skip(blank);
    if opened && cursor.eat(b"=") {
        return true;
    }
    cursor.at = start;
    false
}

/// Where the value behind the tie stands, and whether it is quoted.
fn value(cursor: &mut Cursor<'_>, tie: Tie, before: &[u8]) -> Option<(Range<usize>, bool)> {
    cursor.skip(blank);
    // The prefixes of strings of Python, Rust and C#, and the back quotes of Markdown.
    let prefix = cursor
        .text
        .get(cursor.at..cursor.at + 2)
        .is_some_and(|two| matches!(two, [b'b' | b'r' | b'u' | b'f' | b'@', b'"' | b'\'']));
    cursor.at += usize::from(prefix);
    let escapes = cursor.skip(|byte| byte == b'\\');
    let rest = cursor.text.get(cursor.at..cursor.text.len().min(cursor.at + LONGEST))?;
    match rest.first() {
        Some(sign) if quote(*sign) => {
            let inside = rest.get(1..)?;
            let end = inside.iter().enumerate().position(|(index, byte)| {
                byte == sign && (escapes > 0 || index == 0 || inside.get(index - 1) != Some(&b'\\')) || *byte == b'\n'
            })?;
            let own = inside.get(..end)?;
            // The quote ends the text that the name stands in: `"PASSWORD=" + password`.
            if own
                .first()
                .is_some_and(|byte| matches!(byte, b'+' | b',' | b')' | b';' | b']' | b'}' | b' ' | b'.' | b'|'))
            {
                return None;
            }
            let own = if escapes > 0 { own.strip_suffix(b"\\").unwrap_or(own) } else { own };
            let scheme = scheme(own);
            let start = cursor.at + 1 + scheme;
            Some((start..start + own.len() - scheme, true))
        }
        Some(_) if escapes == 0 && tie != Tie::Argument => {
            let expanded = before.ends_with(b"${");
            if tie == Tie::Default && !expanded {
                return None;
            }
            let scheme = scheme(rest);
            let own = rest.get(scheme..)?;
            let stop = |byte: &u8| {
                byte.is_ascii_whitespace()
                    || quote(*byte)
                    || matches!(byte, b',' | b';' | b'<' | b'>' | b')' | b']' | b'}' | b'|' | b'\\' | b'&')
            };
            let length = own.iter().position(stop).unwrap_or(own.len());
            let start = cursor.at + scheme;
            (length > 0).then_some((start..start + length, expanded))
        }
        _ => None,
    }
}

/// Letters of an authorization scheme in front of a token.
fn scheme(value: &[u8]) -> usize {
    ["Bearer ", "bearer ", "Token ", "token ", "Api-Token ", "ApiKey ", "Apikey ", "SSWS "]
        .iter()
        .find(|scheme| value.starts_with(scheme.as_bytes()))
        .map_or(0, |scheme| scheme.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `VALUE` stands for a random text; what is found in a line of this writing.
    fn check(line: &str, writing: Writing, expect: Option<(&str, bool)>) {
        let line = line.replace("VALUE", &["Zq4v9Lm2", "Xt7bRw8c"].concat());
        let text = line.as_bytes();
        let found = crate::filter::hits(text).filter(|hit| hit.reason == crate::filter::Reason::Name).find_map(|hit| {
            let name = name(text, hit.start, hit.end);
            at(text, &name, writing)
        });
        let found = found.as_ref().map(|one| (one.name.as_str(), one.default));
        assert_eq!(found, expect, "{line}");
    }

    #[test]
    fn every_way_to_assign_is_read() {
        for line in [
            r#"api_key = "VALUE""#,
            r"api_key: VALUE",
            r#"api_key := "VALUE""#,
            r#"api_key: &str = "VALUE";"#,
            r#"api_key string = "VALUE""#,
            r#""api_key": "VALUE""#,
            r#"\"api_key\": \"VALUE\""#,
            "<api_key>VALUE</api_key>",
            r#"set("api_key", "VALUE")"#,
            r#"{"name":"api_key","value":"VALUE"}"#,
            "- name: api_key\n  value: VALUE",
            r#"<add key="api_key" value="VALUE"/>"#,
            "| api_key | VALUE |",
            "| `api_key` | `VALUE` |",
            "tool --api_key VALUE",
            "tool --api_key=VALUE",
            "https://shop/?api_key=VALUE&a=b",
            r#"if api_key == "VALUE" {"#,
            r#"config["api_key"] = "VALUE""#,
        ] {
            check(line, Writing::Plain, Some(("api_key", false)));
        }
        check("-H 'Authorization-Token: Bearer VALUE'", Writing::Plain, Some(("Authorization-Token", false)));
        check("curl -H 'x-api-key: VALUE'", Writing::Code, Some(("x-api-key", false)));
        check("-H 'Authorization: Bearer VALUEVALUE'", Writing::Plain, Some(("Authorization", false)));
        check("mapquest_key = VALUEVALUE", Writing::Plain, Some(("mapquest_key", false)));
        check(r#"client.setPassword("VALUE")"#, Writing::Code, Some(("client.setPassword", false)));
    }

    #[test]
    fn names_of_one_word_and_values_beside_a_name_are_read() {
        check("openweatherapikey=VALUEVALUE", Writing::Plain, Some(("openweatherapikey", false)));
        check("azure_pat = VALUEVALUE", Writing::Plain, Some(("azure_pat", false)));
        check("machine git.shop\n  login ann\n  password q7Rk2LwZ", Writing::Plain, Some(("password", false)));
        check("git.shop token VALUEVALUE", Writing::Plain, Some(("token", false)));
        check("![coverage](https://codecov.io/gh/shop/graph/badge.svg?token=VALUE)", Writing::Plain, None);
        check("create secret generic jwt-key --from-file=VALUEVALUE", Writing::Plain, None);
        check("the token VALUEVALUE", Writing::Code, None);
        check("the password q7Rk2LwZ is for the wiki", Writing::Plain, None);
        check("publictoken=VALUEVALUE", Writing::Plain, None);
        check("publicToken=VALUEVALUE", Writing::Plain, None);
        check("format = VALUEVALUE", Writing::Plain, None);
        // Letters of hexadecimal numbers often stand together as they do in words.
        let number = ["8f14e45fceea167a", "5a36dedd4bea2543"].concat();
        check(&format!("shop_secret_key={number}"), Writing::Plain, Some(("shop_secret_key", false)));
    }

    #[test]
    fn defaults_of_variables_are_read() {
        let variable = |body: &str| format!("variable \"shop_api_token\" {{\n{body}\n}}\n");
        check(
            &variable("  type    = string\n  default = \"VALUEVALUE\""),
            Writing::Code,
            Some(("shop_api_token", true)),
        );
        check(&variable("  type = string\n}\nlocals {\n  default = \"VALUEVALUE\""), Writing::Code, None);
    }

    #[test]
    fn defaults_are_known() {
        for line in [
            r#"os.getenv("SHOP_SECRET", "VALUE")"#,
            r#"os.Getenv("SHOP_SECRET") || "VALUE""#,
            r#"getEnv("SHOP_SECRET") ?? "VALUE""#,
            r#"os.environ.get("SHOP_SECRET") or "VALUE""#,
            r#"env::var("SHOP_SECRET").unwrap_or("VALUE".to_owned())"#,
            "${SHOP_SECRET:-VALUE}",
        ] {
            check(line, Writing::Code, Some(("SHOP_SECRET", true)));
        }
        check("process.env.SHOP_SECRET || 'VALUE'", Writing::Code, Some(("process.env.SHOP_SECRET", true)));
        // It signs whatever it is.
        check("process.env.JWT_SECRET || 'changeme'", Writing::Code, Some(("process.env.JWT_SECRET", true)));
        check("process.env.JWT_SECRET || ''", Writing::Code, None);
        check("process.env.DB_PASSWORD || 'postgres'", Writing::Code, None);
    }

    #[test]
    fn look_alikes_are_none() {
        for line in [
            "token := parser.next2Token()",
            "password = config.getPassword1()",
            r#"secretName: "shop-tls-2024-q1""#,
            r#"password: "your-password-123""#,
            r#"token_hash = "VALUE""#,
            r#"public_key = "VALUE""#,
            r#"apiKey: "accessTokenExpiresIn2h""#,
            r#"secret = "vault:kv/shop#VALUE""#,
            r#"password = "${VALUE}""#,
            "nextPageToken: VALUE",
            r#"cache_key = "VALUEVALUE""#,
            r#"test_spreadsheet_key = "VALUEVALUE""#,
            r#"Authorization: "Bearer the-token""#,
            "keyboard = VALUE",
            r#"env("PASSWORD="+pass5Word8Zq4v, "x")"#,
        ] {
            check(line, Writing::Code, None);
        }
    }
}
