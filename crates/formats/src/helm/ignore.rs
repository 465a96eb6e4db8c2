//! `.helmignore`: which files of a chart's folder helm does not see.

use super::functions::objects::matches;

#[derive(Debug)]
struct Rule {
    pattern: String,
    negated: bool,
    folders_only: bool,
    /// Matched against the whole path rather than the last part.
    whole: bool,
}

#[derive(Debug)]
pub(super) struct Ignore(Vec<Rule>);

impl Ignore {
    pub(super) fn parse(text: &str) -> Self {
        let rules = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
        Self(
            rules
                .map(|line| {
                    let (negated, line) = match line.strip_prefix('!') {
                        Some(rest) => (true, rest),
                        None => (false, line),
                    };
                    let (folders_only, line) = match line.strip_suffix('/') {
                        Some(rest) => (true, rest),
                        None => (false, line),
                    };
                    let pattern = line.strip_prefix('/').unwrap_or(line).to_owned();
                    Rule { whole: line.contains('/'), pattern, negated, folders_only }
                })
                .collect(),
        )
    }

    /// Whether a file, or a folder that it is in, is ignored.
    pub(super) fn ignores(&self, path: &str) -> bool {
        // Editors' hidden files among templates are ignored whatever the file says.
        if path.strip_prefix("templates/").is_some_and(|rest| rest.starts_with('.')) {
            return true;
        }
        if self.0.is_empty() {
            return false;
        }
        let folders = path.match_indices('/').map(|(at, _)| (path.get(..at).unwrap_or_default(), true));
        folders.chain([(path, false)]).any(|(part, folder)| self.matches(part, folder))
    }

    fn matches(&self, path: &str, folder: bool) -> bool {
        let base = path.rsplit('/').next().unwrap_or_default();
        for rule in &self.0 {
            let hit = matches(&rule.pattern, if rule.whole { path } else { base });
            if rule.negated {
                // Helm's negation: everything that the pattern does not match is ignored.
                if rule.folders_only && !folder || !hit {
                    return true;
                }
            } else if hit && (folder || !rule.folders_only) {
                return true;
            }
        }
        false
    }
}
