//! `${NAME:-default}` in compose files, filled in from the `.env` file beside them and from defaults.

use super::Environment;
use crate::Corpus;

/// Values that are known without any shell.
pub(super) struct Variables {
    values: Environment,
}

impl Variables {
    /// Reads `.env` of a folder, which compose does by itself.
    pub(super) fn read(corpus: &Corpus<'_>, folder: &str) -> Self {
        let path = if folder == "." { ".env".to_owned() } else { format!("{folder}/.env") };
        let text = if corpus.tree.contains(&path) { corpus.tree.text(&path).ok() } else { None };
        let lines = text.as_deref().unwrap_or_default().lines();
        let values = lines.filter_map(|line| {
            let (name, value) = line.trim().strip_prefix("export ").unwrap_or(line.trim()).split_once('=')?;
            let value = value.trim().trim_matches(['"', '\'']);
            (!name.trim_start().starts_with('#')).then(|| (name.trim().to_owned(), value.to_owned()))
        });
        Self { values: values.collect() }
    }

    /// Fills in what is known, and leaves the rest as it is written. `$$` is a dollar.
    pub(super) fn fill(&self, text: &str) -> String {
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
