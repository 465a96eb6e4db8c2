//! Fills in the variables of dashboards and rule generators, so that an expression can be read.

use std::sync::LazyLock;

use regex::Regex;

use super::guard::Strings;

/// Stands for a metric, a label or a piece of either that a variable names.
pub const VARIABLE: &str = "__variable__";
/// Stands for a range; odd, so that it can be told from ranges that people write.
const WINDOW: &str = "7m7s7ms";
pub(super) const WINDOW_SECONDS: f64 = 427.007;
/// Stands for a number; comparing with it is never a threshold.
const NUMBER: &str = "NaN";

/// What a variable is taken for where the text around it does not tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Guess {
    /// A number behind an operator, a name elsewhere.
    Near,
    Name,
    Number,
    /// Nothing: what it adds may be left out, as an `offset`.
    Nothing,
}

pub(super) const GUESSES: [Guess; 4] = [Guess::Near, Guess::Name, Guess::Number, Guess::Nothing];

/// `{{ … }}`, `${name}`, `${name:format}`, `[[name]]`, `$name`.
static VARIABLES: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"\{\{[^{}]*\}\}|\$\{[^{}]*\}|\[\[\w+(?::\w+)?\]\]|\$\w+").expect("is a valid pattern")
});

pub(super) fn has_variables(text: &str) -> bool {
    VARIABLES.is_match(text)
}

/// What stands before a variable.
#[derive(Clone, Copy, Default)]
struct Before {
    strings: Strings,
    in_range: bool,
    in_braces: bool,
    last: Option<char>,
    /// Blanks left out.
    last_visible: Option<char>,
}

impl Before {
    fn take(&mut self, text: &str) {
        for character in text.chars() {
            self.last = Some(character);
            if !character.is_whitespace() {
                self.last_visible = Some(character);
            }
            if self.strings.take(character) {
                continue;
            }
            match character {
                '[' => self.in_range = true,
                ']' => self.in_range = false,
                '{' => self.in_braces = true,
                '}' => self.in_braces = false,
                _ => (),
            }
        }
    }
}

pub(super) fn fill(text: &str, guess: Guess) -> String {
    let mut result = String::with_capacity(text.len());
    let mut before = Before::default();
    let mut start = 0;
    for found in VARIABLES.find_iter(text) {
        let between = text.get(start..found.start()).unwrap_or_default();
        result.push_str(between);
        before.take(between);
        let trimmed = result.trim_end();
        let after_offset = trimmed.ends_with("offset") || trimmed.ends_with("offset -");
        // What stands for the variable is taken too, quotes inside the variable are not.
        let value = value(before, after_offset, text.get(found.end()..).unwrap_or_default(), guess);
        result.push_str(value);
        before.take(value);
        start = found.end();
    }
    result.push_str(text.get(start..).unwrap_or_default());
    result
}

fn value(before: Before, after_offset: bool, after: &str, guess: Guess) -> &'static str {
    let next = after.chars().next().unwrap_or(' ');
    let (last, last_visible) = (before.last.unwrap_or(' '), before.last_visible.unwrap_or(' '));
    if before.strings.inside() {
        return VARIABLE;
    }
    if before.in_range || after_offset {
        // `[${minutes}m]` needs a number, `[$__range]` a duration.
        return if next.is_ascii_alphanumeric() || last.is_ascii_digit() { "7" } else { WINDOW };
    }
    if before.in_braces {
        let ends = matches!(after.chars().find(|character| !character.is_whitespace()), Some(',' | '}') | None);
        let starts = matches!(last_visible, '{' | ',');
        // `{$filters}` stands for whole matchers, `{$label="x"}` for a label, `{job=$job}` for a string.
        return match (starts, ends) {
            (true, true) => "__variable__=\"__variable__\"",
            (false, true) => "\"__variable__\"",
            _ => VARIABLE,
        };
    }
    let part_of_name = |character: char| character.is_ascii_alphanumeric() || matches!(character, '_' | ':');
    if part_of_name(last) || part_of_name(next) || matches!(next, '{' | '[') {
        return VARIABLE;
    }
    match guess {
        Guess::Near if matches!(last_visible, '>' | '<' | '=' | '*' | '/' | '+' | '-' | '%' | '^') => NUMBER,
        Guess::Near | Guess::Name => VARIABLE,
        Guess::Number => NUMBER,
        Guess::Nothing => "",
    }
}
