//! Where links to runbooks lead.

use std::collections::BTreeSet;

use gonogo_domain::evidence::{AlertRule, Located};

/// What a link leads to.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Target {
    /// A file of this repository by its path, and the section that it names.
    Here { path: String, anchor: Option<String> },
    /// A page somewhere else.
    Outside,
    /// Filled in by a template when the alert fires.
    Open,
    /// No link at all, or the one of a template.
    Nonsense,
}

/// The annotation or label of an alert that leads to its runbook.
pub(super) fn of_alert(rule: &AlertRule) -> Option<&Located<String>> {
    const NAMES: &[&str] = &[
        "runbook_url",
        "runbook",
        "runbookurl",
        "runbook_link",
        "runbook-url",
        "runbooks",
        "playbook",
        "playbook_url",
        "wiki",
        "documentation",
        "doc_url",
        "docs",
        "troubleshooting",
    ];
    NAMES.iter().find_map(|name| {
        let in_map = |map: &'_ std::collections::BTreeMap<String, Located<String>>| {
            map.keys().find(|key| key.eq_ignore_ascii_case(name)).cloned()
        };
        match in_map(&rule.annotations) {
            Some(key) => rule.annotations.get(&key),
            None => in_map(&rule.labels).and_then(|key| rule.labels.get(&key)),
        }
    })
}

/// Where a link leads that stands in a file of configuration: paths count from the root, or from the file.
pub(super) fn target(link: &str, from: &str) -> Target {
    let link = link.trim();
    let lower = link.to_lowercase();
    if lower.contains("{{") || lower.contains("${") || lower.contains("$labels") {
        return Target::Open;
    }
    let nonsense = ["todo", "tbd", "fixme", "http://example.com", "https://example.com", "n/a", "none", "-", ""];
    if nonsense.contains(&lower.trim_end_matches('/')) || lower.starts_with("todo") || lower.starts_with('<') {
        return Target::Nonsense;
    }
    if lower.contains("://") {
        return Target::Outside;
    }
    let (path, anchor) = split(link);
    let named = path.rsplit('/').next().is_some_and(|name| name.contains('.'));
    if path.contains(char::is_whitespace) || !(named || path.contains('/')) {
        return Target::Nonsense;
    }
    if path.starts_with("./") || path.starts_with("../") {
        return beside(link, from);
    }
    Target::Here { path: path.trim_start_matches('/').to_owned(), anchor }
}

/// Where a link leads that stands in a document: paths count from its folder.
pub(super) fn beside(link: &str, from: &str) -> Target {
    if link.contains("://") || link.starts_with("mailto:") {
        return Target::Outside;
    }
    let (path, anchor) = split(link);
    if path.is_empty() {
        return Target::Here { path: from.to_owned(), anchor };
    }
    let mut parts: Vec<&str> = if path.starts_with('/') {
        Vec::new()
    } else {
        from.rsplit_once('/').map_or(Vec::new(), |(folder, _)| folder.split('/').collect())
    };
    for part in path.split('/') {
        match part {
            "" | "." => (),
            ".." => {
                if parts.pop().is_none() {
                    return Target::Nonsense;
                }
            }
            part => parts.push(part),
        }
    }
    Target::Here { path: parts.join("/"), anchor }
}

/// The file of this repository that an address on a forge most likely means: the longest known path that it ends with.
pub(super) fn same_file(address: &str, known: &BTreeSet<String>) -> Option<(String, Option<String>)> {
    let (path, anchor) = split(address);
    let after =
        ["/blob/", "/tree/", "/raw/", "/src/", "/-/blob/"].iter().find_map(|mark| Some(path.split_once(mark)?.1));
    let rest = after?;
    known
        .iter()
        .filter(|known| rest.ends_with(&format!("/{known}")))
        .max_by_key(|known| known.len())
        .map(|known| (known.clone(), anchor))
}

fn split(link: &str) -> (&str, Option<String>) {
    match link.split_once('#') {
        Some((path, anchor)) => (path, Some(anchor.to_lowercase()).filter(|anchor| !anchor.is_empty())),
        None => (link, None),
    }
}

/// The anchor that a forge makes of a heading.
pub(super) fn slug(heading: &str) -> String {
    heading
        .trim()
        .to_lowercase()
        .chars()
        .filter_map(|letter| match letter {
            ' ' => Some('-'),
            '-' | '_' => Some(letter),
            letter if letter.is_alphanumeric() => Some(letter),
            _ => None,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_lead_where_a_person_would_look() {
        let here = |path: &str, anchor: Option<&str>| Target::Here {
            path: path.to_owned(),
            anchor: anchor.map(str::to_owned),
        };
        let check = |link: &str, expect: Target| assert_eq!(target(link, "deploy/rules.yaml"), expect, "for {link:?}");
        check("docs/runbooks/db.md", here("docs/runbooks/db.md", None));
        check("/docs/db.md#High-Load", here("docs/db.md", Some("high-load")));
        check("../docs/db.md", here("docs/db.md", None));
        check("https://wiki.corp/x", Target::Outside);
        check("{{ $labels.x }}", Target::Open);
        check("TODO", Target::Nonsense);
        check("ask the team", Target::Nonsense);
        check("https://example.com/", Target::Nonsense);
        check("../../../etc/passwd", Target::Nonsense);
    }

    #[test]
    fn addresses_on_a_forge_mean_files_of_the_repository() {
        let known = BTreeSet::from(["docs/db.md".to_owned(), "db.md".to_owned()]);
        let found = same_file("https://github.com/a/b/blob/main/docs/db.md#x", &known);
        assert_eq!(found, Some(("docs/db.md".to_owned(), Some("x".to_owned()))));
        assert_eq!(same_file("https://wiki.corp/docs/db.md", &known), None);
    }
}
