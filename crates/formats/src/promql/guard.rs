//! Keeps away from the parser what it cannot bear: it recurses without a limit and panics on huge durations.

const MAX_BYTES: usize = 64 * 1024;
const MAX_DEPTH: usize = 200;
/// Operators nest too: `a + b + c` is a tree of depth two.
const MAX_OPERATORS: usize = 1000;
/// Seconds; what is longer than thirty thousand years overflows further inside.
const MAX_SECONDS: f64 = 1e12;

pub(super) fn check_length(text: &str) -> Result<(), String> {
    if text.len() > MAX_BYTES { Err(format!("longer than {MAX_BYTES} bytes")) } else { Ok(()) }
}

pub(super) fn check(text: &str) -> Result<(), String> {
    check_length(text)?;
    let (mut depth, mut deepest, mut operators) = (0_usize, 0, 0_usize);
    let mut in_range = false;
    let mut after_offset = false;
    let mut word_start = None;
    for (offset, character, in_string) in characters(text).chain(std::iter::once((text.len(), ' ', false))) {
        if !in_string && (character.is_alphanumeric() || matches!(character, '_' | '.' | ':')) {
            word_start.get_or_insert(offset);
            continue;
        }
        if let Some(word) = word_start.take().and_then(|start| text.get(start..offset)) {
            let is = |other: &&str| word.eq_ignore_ascii_case(other);
            operators += usize::from(["and", "or", "unless", "atan2"].iter().any(is));
            if in_range || after_offset {
                let seconds: Option<f64> = word.split(':').find_map(|part| part.parse().ok());
                if seconds.is_some_and(|seconds| seconds.is_nan() || seconds > MAX_SECONDS) {
                    return Err("not a valid duration".to_owned());
                }
            }
            after_offset = is(&"offset");
        }
        match character {
            _ if in_string => (),
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => depth = depth.saturating_sub(1),
            '+' | '-' | '*' | '/' | '%' | '^' | '<' | '>' | '=' => operators += 1,
            _ => (),
        }
        in_range = !in_string && (character == '[' || (in_range && character != ']'));
        deepest = deepest.max(depth);
    }
    if deepest > MAX_DEPTH {
        return Err(format!("nested deeper than {MAX_DEPTH} levels"));
    }
    if operators > MAX_OPERATORS {
        return Err(format!("more than {MAX_OPERATORS} operators"));
    }
    Ok(())
}

/// Tells strings from what stands between them, character by character.
#[derive(Clone, Copy, Default)]
pub(super) struct Strings {
    quote: Option<char>,
    escaped: bool,
}

impl Strings {
    /// Takes the next character; whether it belongs to a string, quotes included.
    pub(super) fn take(&mut self, character: char) -> bool {
        let was_inside = self.quote.is_some();
        if self.escaped {
            self.escaped = false;
        } else if was_inside && self.quote != Some('`') && character == '\\' {
            self.escaped = true;
        } else if self.quote == Some(character) {
            self.quote = None;
        } else if !was_inside && matches!(character, '"' | '\'' | '`') {
            self.quote = Some(character);
        }
        was_inside || self.quote.is_some()
    }

    /// Whether a string is open.
    pub(super) fn inside(self) -> bool {
        self.quote.is_some()
    }
}

/// The characters of an expression with their offsets, and whether they belong to a string.
fn characters(text: &str) -> impl Iterator<Item = (usize, char, bool)> {
    let mut strings = Strings::default();
    text.char_indices().map(move |(offset, character)| (offset, character, strings.take(character)))
}
