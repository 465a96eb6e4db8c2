//! `$VAR` and `${VAR:-default}` in the texts of a Compose file.

/// Defaults inside defaults; people stay below three.
const MAX_NESTING: usize = 16;

/// Characters of one `${…}`: what is not closed by then is no variable, and the search for its end stays short.
const MAX_LENGTH: usize = 4096;

/// A text with its variables replaced.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Interpolated {
    pub text: String,
    /// Variables that had no value and took the default that is written with them.
    pub defaults: Vec<(String, String)>,
    /// Variables that had neither a value nor a default; they became nothing.
    pub unset: Vec<String>,
    /// Variables that Compose refuses to start without, with the message that is written with them.
    pub required: Vec<(String, String)>,
}

/// Replaces the variables of a text by what `environment` gives. A text in braces that is no variable stays.
pub fn interpolate(text: &str, environment: &dyn Fn(&str) -> Option<String>) -> Interpolated {
    let mut result = Interpolated::default();
    result.text = expand(text, environment, &mut result, 0);
    result
}

fn expand(
    text: &str,
    environment: &dyn Fn(&str) -> Option<String>,
    result: &mut Interpolated,
    nesting: usize,
) -> String {
    let mut expanded = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('$') {
        expanded.push_str(before);
        if let Some(escaped) = after.strip_prefix('$') {
            expanded.push('$');
            rest = escaped;
        } else if let Some((inside, after)) = braces(after) {
            match variable(inside) {
                Some((name, operation)) if nesting < MAX_NESTING => {
                    expanded.push_str(&value(name, operation, environment, result, nesting));
                }
                _ => {
                    expanded.push_str("${");
                    expanded.push_str(inside);
                    expanded.push('}');
                }
            }
            rest = after;
        } else {
            let (name, after) = after.split_at(name_length(after));
            if name.is_empty() {
                expanded.push('$');
            } else {
                expanded.push_str(&value(name, "", environment, result, nesting));
            }
            rest = after;
        }
    }
    expanded.push_str(rest);
    expanded
}

/// The inside of `{…}`, with braces inside it in pairs, and what follows.
fn braces(text: &str) -> Option<(&str, &str)> {
    let inside = text.strip_prefix('{')?;
    let mut depth = 1_u32;
    for (index, character) in inside.char_indices().take(MAX_LENGTH) {
        match character {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => (),
        }
        if depth == 0 {
            return Some((inside.get(..index)?, inside.get(index + 1..)?));
        }
    }
    None
}

fn name_length(text: &str) -> usize {
    let mut bytes = text.bytes();
    match bytes.next() {
        Some(first) if first.is_ascii_alphabetic() || first == b'_' => {
            1 + bytes.take_while(|byte| byte.is_ascii_alphanumeric() || *byte == b'_').count()
        }
        _ => 0,
    }
}

/// `VAR:-default` as the name and what follows it.
fn variable(inside: &str) -> Option<(&str, &str)> {
    let (name, operation) = inside.split_at(name_length(inside));
    let known = operation.is_empty() || operation.strip_prefix(':').unwrap_or(operation).starts_with(['-', '?', '+']);
    (known && !name.is_empty()).then_some((name, operation))
}

fn value(
    name: &str,
    operation: &str,
    environment: &dyn Fn(&str) -> Option<String>,
    result: &mut Interpolated,
    nesting: usize,
) -> String {
    let (colon, operation) = operation.strip_prefix(':').map_or((false, operation), |rest| (true, rest));
    // With a colon, an empty value is as good as none.
    let given = environment(name).filter(|value| !(colon && value.is_empty()));
    let mut characters = operation.chars();
    match (characters.next(), given) {
        (Some('+'), Some(_)) => expand(characters.as_str(), environment, result, nesting + 1),
        (Some('+'), None) => String::new(),
        (_, Some(value)) => value,
        (Some('-'), None) => {
            let default = expand(characters.as_str(), environment, result, nesting + 1);
            result.defaults.push((name.to_owned(), default.clone()));
            default
        }
        (Some('?'), None) => {
            result.required.push((name.to_owned(), characters.as_str().to_owned()));
            String::new()
        }
        (_, None) => {
            result.unset.push(name.to_owned());
            String::new()
        }
    }
}
