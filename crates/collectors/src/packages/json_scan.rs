//! Walks JSON text from front to back without building a tree: for lockfiles.

/// Collections inside each other.
const MAX_DEPTH: usize = 64;

/// A text that is no JSON, at a line counted from 1.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Broken {
    pub(super) line: usize,
    pub(super) reason: &'static str,
}

/// Visits every scalar with the keys that lead to it (an item of an array has an empty key) and its text as written,
/// without quotes and with escapes untouched. Comments and trailing commas are accepted.
pub(super) fn scan<'a>(text: &'a str, mut visit: impl FnMut(&[&'a str], &'a str)) -> Result<(), Broken> {
    let bytes = text.as_bytes();
    let mut path: Vec<&'a str> = Vec::new();
    // For each open collection: whether it is an object.
    let mut open: Vec<bool> = Vec::new();
    let mut at = 0;
    let mut expects_key = false;
    let broken = |at: usize, reason| {
        let line = bytes.get(..at).unwrap_or(bytes).split(|byte| *byte == b'\n').count();
        Err(Broken { line, reason })
    };
    let mut seen_any = false;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b' ' | b'\t' | b'\r' | b'\n' => at += 1,
            b'/' => at += text.get(at..).unwrap_or_default().find('\n').unwrap_or(bytes.len() - at),
            b',' => {
                if open.is_empty() {
                    return broken(at, "has something after its end");
                }
                expects_key = open.last() == Some(&true);
                at += 1;
            }
            b'{' | b'[' => {
                if expects_key || (open.is_empty() && seen_any) {
                    return broken(at, "has no quoted key here");
                }
                if open.len() >= MAX_DEPTH {
                    return broken(at, "is nested too deeply");
                }
                seen_any = true;
                open.push(*byte == b'{');
                path.push("");
                expects_key = *byte == b'{';
                at += 1;
            }
            b'}' | b']' => {
                if open.pop() != Some(*byte == b'}') {
                    return broken(at, "closes what was not opened");
                }
                path.pop();
                expects_key = false;
                at += 1;
            }
            b'"' => {
                let Some(length) = string_length(bytes.get(at + 1..).unwrap_or_default()) else {
                    return broken(at, "has a string without end");
                };
                let value = text.get(at + 1..at + 1 + length).unwrap_or_default();
                at += length + 2;
                if expects_key {
                    while bytes.get(at).is_some_and(u8::is_ascii_whitespace) {
                        at += 1;
                    }
                    if bytes.get(at) != Some(&b':') {
                        return broken(at, "has no `:` after a key");
                    }
                    at += 1;
                    expects_key = false;
                    if let Some(last) = path.last_mut() {
                        *last = value;
                    }
                } else {
                    seen_any = true;
                    visit(&path, value);
                }
            }
            byte if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'+' | b'.') => {
                if expects_key {
                    return broken(at, "has no quoted key here");
                }
                let length = bytes
                    .get(at..)
                    .unwrap_or_default()
                    .iter()
                    .take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'+' | b'.'))
                    .count();
                seen_any = true;
                visit(&path, text.get(at..at + length).unwrap_or_default());
                at += length;
            }
            _ => return broken(at, "has something here that is no JSON"),
        }
    }
    if !open.is_empty() {
        return broken(bytes.len(), "ends before everything is closed");
    }
    if !seen_any {
        return broken(0, "holds nothing");
    }
    Ok(())
}

/// Bytes up to the closing quote.
fn string_length(bytes: &[u8]) -> Option<usize> {
    let mut at = 0;
    loop {
        let step = bytes.get(at..)?.iter().position(|byte| matches!(byte, b'"' | b'\\'))?;
        at += step;
        if bytes.get(at) == Some(&b'"') {
            return Some(at);
        }
        at += 2;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expect: &str) {
        let mut seen = Vec::new();
        let result = scan(text, |path, value| seen.push(format!("{}={value}", path.join("/"))));
        let found = match result {
            Ok(()) => seen.join(" "),
            Err(broken) => format!("{}: {}", broken.line, broken.reason),
        };
        assert_eq!(found, expect, "for {text:?}");
    }

    #[test]
    fn scalars_come_with_their_keys() {
        check(r#"{"a": {"b": "1", "c": [2, {"d": null}],}, "e": "\"" } // end"#, "a/b=1 a/c/=2 a/c//d=null e=\\\"");
    }

    #[test]
    fn broken_text_is_an_error_with_its_line() {
        check("{\"a\":\n{\"b\": 1}", "2: ends before everything is closed");
        check("{\n<<<<<<< HEAD\n}", "2: has something here that is no JSON");
        check("", "1: holds nothing");
        check("{\"a\" 1}", "1: has no `:` after a key");
        check("[}", "1: closes what was not opened");
        check("\"a", "1: has a string without end");
        check(&"[".repeat(100_000), "1: is nested too deeply");
    }
}
