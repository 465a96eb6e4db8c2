//! Text from a repository is data, never a command: to a terminal, a page, or a reader's eyes.

/// The text on one line without control characters, and without the marks that reorder or hide letters.
pub fn clean(text: &str) -> String {
    text.chars()
        .map(|letter| match letter {
            '\n' | '\t' | '\r' => ' ',
            _ if hidden(letter) => '\u{fffd}',
            _ => letter,
        })
        .collect()
}

fn hidden(letter: char) -> bool {
    letter.is_control()
        || matches!(letter, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// The same, at most this many letters long.
pub(crate) fn clean_to(text: &str, letters: usize) -> String {
    let text = clean(text);
    if text.chars().count() <= letters {
        return text;
    }
    let mut short: String = text.chars().take(letters.saturating_sub(1)).collect();
    short.push('…');
    short
}
