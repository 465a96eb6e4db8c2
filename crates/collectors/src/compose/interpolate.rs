//! `${NAME:-default}` in compose files, filled in from the `.env` file beside them and from defaults.

use super::Environment;
use crate::Corpus;

/// Values that are known without any shell.
pub(crate) struct Variables {
    values: Environment,
}

impl Variables {
    /// Reads `.env` of a folder, which compose does by itself.
    pub(crate) fn read(corpus: &Corpus<'_>, folder: &str) -> Self {
        let path = if folder == "." { ".env".to_owned() } else { format!("{folder}/.env") };
        let text = if corpus.tree.contains(&path) { corpus.tree.text(&path).ok() } else { None };
        let lines = text.as_deref().unwrap_or_default().lines();
        let values = lines.filter_map(|line| {
            let (name, value) = line.trim().strip_prefix("export ").unwrap_or(line.trim()).split_once('=')?;
            let value = unquoted(value.trim());
            (!name.trim_start().starts_with('#')).then(|| (name.trim().to_owned(), value.to_owned()))
        });
        Self { values: values.collect() }
    }

    /// Fills in what is known, and leaves the rest as it is written. `$$` is a dollar.
    pub(crate) fn fill(&self, text: &str) -> String {
        let mut filled = String::with_capacity(text.len());
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('$') {
            filled.push_str(before);
            if let Some(after) = after.strip_prefix('$') {
                filled.push('$');
                rest = after;
            } else if let Some((inside, after)) = after.strip_prefix('{').and_then(braces) {
                match self.value(inside) {
                    Some(value) => filled.push_str(&value),
                    None => filled.extend(["${", inside, "}"]),
                }
                rest = after;
            } else {
                let end = after.find(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_');
                let (name, after) = after.split_at_checked(end.unwrap_or(after.len())).unwrap_or((after, ""));
                match self.values.get(name) {
                    Some(value) => filled.push_str(value),
                    None => filled.extend(["$", name]),
                }
                rest = after;
            }
        }
        filled.push_str(rest);
        filled
    }

    /// `NAME`, `NAME:-default`, `NAME-default`, `NAME:?error`, `NAME:+other`.
    fn value(&self, inside: &str) -> Option<String> {
        let end = inside.find(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_').unwrap_or(inside.len());
        let (name, operator) = inside.split_at_checked(end)?;
        if let Some(value) = self.values.get(name).filter(|value| !value.is_empty()) {
            return Some(value.clone());
        }
        let default = operator.strip_prefix(":-").or_else(|| operator.strip_prefix('-'))?;
        // A default may hold a variable of its own; one that holds more is left as it is.
        if default.contains("${") { None } else { Some(default.to_owned()) }
    }
}

/// A value without its quotes, or without the remark behind it: ` #` begins one only outside of quotes.
fn unquoted(value: &str) -> &str {
    for quote in ['"', '\''] {
        if let Some(inside) = value.strip_prefix(quote) {
            return inside.split_once(quote).map_or(inside, |(inside, _)| inside);
        }
    }
    value
        .find([' ', '\t'])
        .filter(|at| value.get(*at..).is_some_and(|rest| rest.trim_start().starts_with('#')))
        .map_or(value, |at| value.get(..at).unwrap_or(value))
}

/// Cuts what follows `${` at the brace that closes it.
fn braces(text: &str) -> Option<(&str, &str)> {
    let mut depth = 1_usize;
    for (at, letter) in text.char_indices() {
        match letter {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => (),
        }
        if depth == 0 {
            return Some((text.get(..at)?, text.get(at + 1..)?));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn remarks_and_quotes_are_no_part_of_a_value() {
        for (text, expected) in [
            ("plain", "plain"),
            ("one   # from init.sql", "one"),
            ("'two # three' # four", "two # three"),
            ("\"five\"", "five"),
            ("a#b", "a#b"),
            ("a b", "a b"),
            ("", ""),
        ] {
            assert_eq!(unquoted(text), expected, "{text}");
        }
    }

    #[test]
    fn known_values_and_defaults_are_filled_in() {
        let variables = Variables { values: Environment::from([("REPO".to_owned(), "shop".to_owned())]) };
        for (text, expected) in [
            ("${REPO}/cart:${TAG:-latest}", "shop/cart:latest"),
            ("$REPO/cart:$TAG", "shop/cart:$TAG"),
            ("a$$b", "a$b"),
            ("${TAG}", "${TAG}"),
            ("${TAG:?needed}", "${TAG:?needed}"),
            ("${A:-${B}}", "${A:-${B}}"),
            ("${", "${"),
            ("$", "$"),
        ] {
            assert_eq!(variables.fill(text), expected, "{text}");
        }
    }
}
