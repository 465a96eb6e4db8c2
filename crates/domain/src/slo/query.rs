//! A query with a hole where the window belongs.

use crate::rules::Span;

/// `PromQL` that can be asked over any window: `sum(rate(requests_total[▢]))`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Query {
    /// The text between the holes: one more than there are holes.
    parts: Vec<String>,
}

/// Why a query cannot be asked over another window than its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum QueryTrouble {
    #[error("the query is empty")]
    Empty,
    #[error("the query has no window: write [{{{{.window}}}}] where it belongs")]
    NoWindow,
    #[error("the query has several windows: write {{{{.window}}}} in the place of the one that is the SLO's")]
    SeveralWindows,
    #[error("the query has a template in it that only another tool can fill in")]
    Template,
}

impl Query {
    /// Reads a query whose windows are holes, `{{.window}}`, or all the same: `[5m]`.
    pub fn read(text: &str) -> Result<Self, QueryTrouble> {
        let text = text.trim();
        if text.is_empty() {
            return Err(QueryTrouble::Empty);
        }
        let parts = holes(text)?;
        if parts.len() > 1 {
            return Ok(Self { parts });
        }
        let ranges = ranges(text);
        let Some((first_start, first_end)) = ranges.first() else { return Err(QueryTrouble::NoWindow) };
        let window = text.get(*first_start..*first_end);
        if ranges.iter().any(|(start, end)| text.get(*start..*end) != window) {
            return Err(QueryTrouble::SeveralWindows);
        }
        let mut parts = Vec::new();
        let mut from = 0;
        for (start, end) in ranges {
            parts.push(text.get(from..start).unwrap_or_default().to_owned());
            from = end;
        }
        parts.push(text.get(from..).unwrap_or_default().to_owned());
        Ok(Self { parts })
    }

    /// A query that is the same for every window: a value of this moment.
    pub fn fixed(text: &str) -> Result<Self, QueryTrouble> {
        let text = text.trim();
        if text.is_empty() {
            return Err(QueryTrouble::Empty);
        }
        Ok(Self { parts: holes(text)? })
    }

    /// The query over a window.
    pub fn over(&self, window: Span) -> String {
        self.parts.join(&window.to_string())
    }
}

/// The text around the holes. A template of another kind is none that we could fill.
fn holes(text: &str) -> Result<Vec<String>, QueryTrouble> {
    let mut parts = Vec::new();
    let (mut rest, mut part) = (text, String::new());
    while let Some((before, behind)) = rest.split_once("{{") {
        let (inside, after) = behind.split_once("}}").ok_or(QueryTrouble::Template)?;
        if inside.trim_matches(['-', ' ', '\t', '\n']) != ".window" {
            return Err(QueryTrouble::Template);
        }
        part.push_str(before);
        parts.push(std::mem::take(&mut part));
        rest = after;
    }
    part.push_str(rest);
    parts.push(part);
    Ok(parts)
}

/// Where the lengths of ranges stand: between `[` and `]`, or `:`, outside of texts.
fn ranges(text: &str) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    let mut letters = text.char_indices();
    while let Some((index, letter)) = letters.next() {
        match letter {
            '"' | '\'' | '`' => skip_text(&mut letters, letter),
            '#' => {
                for (_, letter) in letters.by_ref() {
                    if letter == '\n' {
                        break;
                    }
                }
            }
            '[' => {
                let inside = text.get(index + 1..).unwrap_or_default();
                let end = inside.find([']', ':']).unwrap_or(inside.len());
                let length = inside.get(..end).unwrap_or_default();
                let start = index + 1 + (length.len() - length.trim_start().len());
                found.push((start, start + length.trim().len()));
            }
            _ => (),
        }
    }
    found
}

fn skip_text(letters: &mut std::str::CharIndices<'_>, quote: char) {
    while let Some((_, letter)) = letters.next() {
        if letter == '\\' && quote != '`' {
            letters.next();
        } else if letter == quote {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expect: Result<&str, QueryTrouble>) {
        let query = Query::read(text).map(|query| query.over(Span::hours(1)));
        assert_eq!(query.as_deref(), expect.as_ref().copied(), "{text}");
    }

    #[test]
    fn the_window_is_a_hole_or_what_stands_in_the_brackets() {
        check("sum(rate(a[{{.window}}])) ", Ok("sum(rate(a[1h]))"));
        check("rate(a[{{ .window }}]) / rate(b[{{- .window -}}])", Ok("rate(a[1h]) / rate(b[1h])"));
        check("rate(a{b=\"[5m]\"}[5m]) / rate(c[ 5m ])", Ok("rate(a{b=\"[5m]\"}[1h]) / rate(c[ 1h ])"));
        check("sum_over_time((count(a))[5m:])", Ok("sum_over_time((count(a))[1h:])"));
        check("# [1m]\nrate(a[5m])", Ok("# [1m]\nrate(a[1h])"));
        check(r#"rate(a{b="\"[1m]"}[5m])"#, Ok(r#"rate(a{b="\"[1m]"}[1h])"#));
    }

    #[test]
    fn what_has_no_place_for_a_window_says_so() {
        check("", Err(QueryTrouble::Empty));
        check("up", Err(QueryTrouble::NoWindow));
        check("max_over_time(rate(a[1m])[1h:])", Err(QueryTrouble::SeveralWindows));
        check("rate(a{{.filter}}[{{.window}}])", Err(QueryTrouble::Template));
        check("rate(a[{{.window", Err(QueryTrouble::Template));
        check("a[", Ok("a[1h"));
    }
}
