//! Spares the parser plain regular expressions: it would compile each, which costs twenty times the parsing itself.

use std::borrow::Cow;

use super::guard::Strings;

/// Stands in front of a pattern that is shown to the parser as a plain value; a character that nobody writes.
pub(super) const MARK: char = '\u{f8ff}';

/// Turns `=~"a|b"` into `="…a|b"` and `!~` into `!=` where the pattern is surely valid and holds a word: that it is
/// valid and does not match everything is what the parser would find out.
pub(super) fn hide(text: &str) -> Cow<'_, str> {
    if !text.contains("=~") && !text.contains("!~") {
        return Cow::Borrowed(text);
    }
    let mut result = String::with_capacity(text.len() + 16);
    let mut strings = Strings::default();
    // Up to here the text is in the result, up to there it was looked at.
    let (mut copied, mut offset) = (0, 0);
    while let Some(rest) = text.get(offset..)
        && let Some(character) = rest.chars().next()
    {
        let operator = if matches!(character, '=' | '!') && !strings.inside() { rest.get(..2) } else { None };
        if let Some(operator @ ("=~" | "!~")) = operator
            && let Some((quote, literal)) = literal(rest.get(2..).unwrap_or_default())
            && is_plain(literal)
        {
            result.push_str(text.get(copied..offset).unwrap_or_default());
            result.push_str(if operator == "=~" { "=" } else { "!=" });
            result.push(quote);
            result.push(MARK);
            result.push_str(literal);
            result.push(quote);
            // A plain literal has no quote in it.
            offset += rest.find(quote).map_or(rest.len(), |open| open + 2 + literal.len());
            copied = offset;
            continue;
        }
        strings.take(character);
        offset += character.len_utf8();
    }
    result.push_str(text.get(copied..).unwrap_or_default());
    Cow::Owned(result)
}

/// The string that a text begins with, up to the next quote of its kind.
fn literal(text: &str) -> Option<(char, &str)> {
    let text = text.trim_start();
    let quote = text.chars().next().filter(|character| matches!(character, '"' | '\'' | '`'))?;
    let (literal, _) = text.get(1..)?.split_once(quote)?;
    Some((quote, literal))
}

/// Words, dots, alternatives, groups and repetitions of something: always valid.
fn is_plain(pattern: &str) -> bool {
    let mut depth = 0_u32;
    let mut before = '(';
    let mut has_word = false;
    for character in pattern.chars() {
        match character {
            '(' => depth += 1,
            ')' if depth > 0 => depth -= 1,
            '*' | '+' if !matches!(before, '(' | '|' | '*' | '+') => (),
            '.' | '|' | '_' | '-' | '/' | ':' | ' ' | ',' | '@' | '=' => (),
            character if character.is_ascii_alphanumeric() => has_word = true,
            _ => return false,
        }
        before = character;
    }
    depth == 0 && has_word
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expect: &str) {
        assert_eq!(hide(text), expect.replace('^', &MARK.to_string()), "for {text}");
    }

    #[test]
    fn plain_patterns_become_values() {
        check("a{b=~\"c|d.*\", e!~ '5..'} > 1", "a{b=\"^c|d.*\", e!='^5..'} > 1");
        check("a{b=~`(x)`}", "a{b=`^(x)`}");
    }

    #[test]
    fn what_the_parser_must_judge_is_left() {
        for text in [
            "a{b=~\"[\"}",
            "a{b=~\".*\"}",
            "a{b=~\"\"}",
            "a{b=~\"*a\"}",
            "a{b=~\"(a\"}",
            "a{b=~\"a\\\"b\"}",
            "a{b=~\"a",
            "a{b=\"=~'x'\"}",
            "a =~",
        ] {
            check(text, text);
        }
    }
}
