//! Words of Dockerfile arguments: quotes, escapes, heredoc markers, variables.

use std::collections::HashMap;

/// Bytes of a value with its variables filled in. Values that double themselves must not fill the memory.
const MAX_VALUE: usize = 16 * 1024;

/// The words of a text with their byte offsets, as written: blanks inside quotes or after an escape do not split.
pub(super) fn split(text: &str, escape: char) -> Vec<(usize, &str)> {
    let mut words = Vec::new();
    let mut start = None;
    let mut quote = None;
    let mut characters = text.char_indices();
    while let Some((offset, character)) = characters.next() {
        if quote.is_none() && character.is_whitespace() {
            if let Some(start) = start.take() {
                words.push((start, text.get(start..offset).unwrap_or_default()));
            }
            continue;
        }
        start.get_or_insert(offset);
        if character == escape && quote != Some('\'') {
            characters.next();
        } else if quote == Some(character) {
            quote = None;
        } else if quote.is_none() && matches!(character, '"' | '\'') {
            quote = Some(character);
        }
    }
    if let Some(start) = start {
        words.push((start, text.get(start..).unwrap_or_default()));
    }
    words
}

/// The word without its quotes and escapes. Variables stay.
pub(super) fn unquote(word: &str, escape: char) -> String {
    let mut result = String::with_capacity(word.len());
    let mut quote = None;
    let mut characters = word.chars().peekable();
    while let Some(character) = characters.next() {
        if character == escape && quote != Some('\'') {
            // In double quotes, an escape only counts before what would be special there.
            let special = characters.peek().is_some_and(|next| matches!(next, '"' | '$') || *next == escape);
            match characters.peek() {
                Some(_) if quote == Some('"') && !special => result.push(character),
                _ => result.extend(characters.next()),
            }
        } else if quote == Some(character) {
            quote = None;
        } else if quote.is_none() && matches!(character, '"' | '\'') {
            quote = Some(character);
        } else {
            result.push(character);
        }
    }
    result
}

/// The heredocs that a line opens: name, whether tabs at the start of lines are dropped, whether variables expand.
pub(super) fn heredocs(text: &str) -> Vec<(String, bool, bool)> {
    let words = split(text, '\\').into_iter();
    let opened = words.filter_map(|(_, word)| {
        let rest = word.trim_start_matches(|digit: char| digit.is_ascii_digit()).strip_prefix("<<")?;
        let dedent = rest.starts_with('-');
        let name = rest.strip_prefix('-').unwrap_or(rest);
        // The name ends where a shell would see an operator: `<<EOF>file`, `<<EOF;`.
        let end = name.find(['>', '|', '&', ';', ')', '<']).unwrap_or(name.len());
        let quoted = name.get(..end).filter(|name| !name.is_empty() && !name.contains('$'))?;
        let name = unquote(quoted, '\\');
        let expand = name == quoted;
        (!name.is_empty() && !rest.starts_with('<')).then_some((name, dedent, expand))
    });
    opened.collect()
}

/// Fills in `$NAME`, `${NAME}`, `${NAME:-other}` and `${NAME:+other}`. What is not known stays as it was written.
pub(super) fn substitute(text: &str, values: &HashMap<String, String>) -> String {
    let mut result = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(dollar) = rest.find('$') {
        if result.len() > MAX_VALUE {
            return text.to_owned();
        }
        let (before, variable) = rest.split_at(dollar);
        result.push_str(before);
        let after = variable.get(1..).unwrap_or_default();
        let braced = after.strip_prefix('{').and_then(|braced| braced.split_once('}'));
        let (written, value) = if let Some((inside, _)) = braced {
            (inside.len() + 3, braced_value(inside, values))
        } else {
            let length = name_length(after);
            (length + 1, values.get(after.get(..length).unwrap_or_default()).cloned())
        };
        match value {
            Some(value) if value.len() <= MAX_VALUE => result.push_str(&value),
            _ => result.push_str(variable.get(..written).unwrap_or_default()),
        }
        rest = variable.get(written..).unwrap_or_default();
    }
    result.push_str(rest);
    result
}

fn braced_value(inside: &str, values: &HashMap<String, String>) -> Option<String> {
    let (name, modifier) = inside.split_at_checked(name_length(inside))?;
    let value = values.get(name);
    let colon = modifier.starts_with(':');
    let is_set = value.is_some_and(|value| !(colon && value.is_empty()));
    let modifier = modifier.strip_prefix(':').unwrap_or(modifier);
    if modifier.is_empty() {
        return value.cloned();
    }
    if let Some(other) = modifier.strip_prefix('-') {
        return if is_set { value.cloned() } else { Some(other.to_owned()) };
    }
    modifier.strip_prefix('+').map(|other| if is_set { other.to_owned() } else { String::new() })
}

fn name_length(text: &str) -> usize {
    text.bytes().take_while(|byte| byte.is_ascii_alphanumeric() || *byte == b'_').count()
}
