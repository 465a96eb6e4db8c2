//! Alert rules in Jsonnet, which is not evaluated: where the compiled rules are not beside it, that is a gap.

use std::{
    collections::BTreeSet,
    sync::{Arc, LazyLock},
};

use gonogo_domain::{
    Gap, Place, Source,
    evidence::{AlertRule, FileEntry, Role},
};
use regex::Regex;

use crate::Corpus;

/// A name of an alert as Jsonnet writes it: a string, often with a format (`'%sIsDown' % name`).
static ALERT: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r#"(?m)^\s*'?"?alert'?"?\s*:\s*(?:'([^'\n]*)'|"([^"\n]*)"|([^\s,'"]+))"#).expect("is valid")
});

static FORMAT: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"%(?:\([^)]*\))?[\w.]").expect("is valid"));

/// The files whose alerts are not among the rules that were read.
pub(super) fn unread(corpus: &Corpus<'_>, rules: &[AlertRule]) -> Vec<Gap> {
    let known: BTreeSet<&str> = rules.iter().map(|rule| rule.name.as_str()).collect();
    let mut gaps = Vec::new();
    for entry in corpus.files_where(is_candidate) {
        let place = Place::whole(Arc::clone(&entry.path));
        match corpus.tree.text(&entry.path) {
            Err(reason) => gaps.push(Gap { source: Source::AlertRules, place, reason }),
            Ok(text) => {
                let unread = ALERT.captures_iter(&text).find(|captures| !is_known(captures, &known));
                if let Some(whole) = unread.and_then(|captures| captures.get(0)) {
                    let start = whole.start() + whole.as_str().len() - whole.as_str().trim_start().len();
                    let line = text.get(..start).unwrap_or_default().matches('\n').count() + 1;
                    let place = place.at_line(u32::try_from(line).unwrap_or(u32::MAX));
                    let reason = "its alerts are written in Jsonnet, which is not evaluated".to_owned();
                    gaps.push(Gap { source: Source::AlertRules, place, reason });
                }
            }
        }
    }
    gaps
}

fn is_candidate(entry: &FileEntry) -> bool {
    let jsonnet = [".libsonnet", ".jsonnet"].iter().any(|ending| entry.path.ends_with(ending));
    let lower = entry.path.to_ascii_lowercase();
    jsonnet && entry.role != Role::Test && (lower.contains("alert") || lower.contains("rules"))
}

fn is_known(captures: &regex::Captures<'_>, known: &BTreeSet<&str>) -> bool {
    let Some(name) = captures.get(1).or_else(|| captures.get(2)).map(|name| name.as_str()) else { return false };
    if known.contains(name) {
        return true;
    }
    // Of a format the fixed parts must come in the order that they have.
    let parts: Vec<&str> = FORMAT.split(name).collect();
    parts.len() > 1
        && parts.iter().any(|part| part.len() > 2)
        && known.iter().any(|known| {
            let mut rest = *known;
            parts.iter().all(|part| match rest.split_once(part) {
                Some((_, after)) => {
                    rest = after;
                    true
                }
                None => false,
            })
        })
}
