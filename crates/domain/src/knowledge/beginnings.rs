//! What the patterns of `knowledge/commands.toml` begin with. `build.rs` works it out, so that no start of the program
//! does.

use regex_syntax::{
    ParserBuilder,
    hir::literal::{ExtractKind, Extractor},
};

/// Letters that tell the rows apart; whole commands would be thousands of texts.
const LITERAL_LENGTH: usize = 5;

/// The texts of which one stands at the start of each match; none: there is no such list.
pub(crate) fn beginnings(pattern: &str) -> Option<Vec<String>> {
    // The search takes any case; in the pattern itself each letter would double the list.
    let pattern = pattern.strip_prefix("(?i)").unwrap_or(pattern);
    let pattern = ParserBuilder::new().unicode(false).utf8(false).build().parse(pattern).ok()?;
    let mut extractor = Extractor::new();
    extractor.kind(ExtractKind::Prefix).limit_literal_len(LITERAL_LENGTH).limit_class(3).limit_repeat(1);
    let found = extractor.extract(&pattern);
    let literals = found.literals()?.iter().map(|literal| String::from_utf8(literal.as_bytes().to_vec()));
    let mut literals: Vec<String> = literals.collect::<Result<_, _>>().ok()?;
    literals.sort();
    literals.dedup();
    (!literals.is_empty() && literals.iter().all(|literal| literal.len() > 1)).then_some(literals)
}
