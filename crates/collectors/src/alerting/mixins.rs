//! Alert rules in Jsonnet, which is not evaluated: where the compiled rules are not beside it, that is a gap.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::LazyLock,
};

use gonogo_domain::{
    Gap, Place, Source,
    evidence::{AlertRule, Role},
};
use regex::Regex;

use crate::{Corpus, jsonnet};

/// A name of an alert as Jsonnet writes it: a string, often with a format (`'%sIsDown' % name`).
static ALERT: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r#"(?m)^\s*'?"?alert'?"?\s*:\s*(?:'([^'\n]*)'|"([^"\n]*)"|([^\s,'"]+))"#).expect("is valid")
});

/// Tells the rules where they were compiled from, and names the files whose alerts are not among them.
pub(super) fn join(corpus: &Corpus<'_>, rules: &mut [AlertRule]) -> Vec<Gap> {
    let mut gaps = Vec::new();
    let mut compiled: BTreeMap<String, Place> = BTreeMap::new();
    let known: BTreeSet<&str> = rules.iter().map(|rule| rule.name.as_str()).collect();
    for (entry, text) in jsonnet::files(corpus) {
        let text = match text {
            Ok(text) => text,
            Err(reason) => {
                gaps.push(Gap {
                    source: Source::AlertRules,
                    place: Place::whole(std::sync::Arc::clone(&entry.path)),
                    reason,
                });
                continue;
            }
        };
        if !text.contains("expr") {
            continue;
        }
        let mut unread = None;
        for captures in ALERT.captures_iter(&text) {
            let Some(whole) = captures.get(0) else { continue };
            let written = captures.get(1).or_else(|| captures.get(2));
            let names = written.map(|written| jsonnet::became(written.as_str(), &known)).unwrap_or_default();
            if names.is_empty() {
                unread.get_or_insert(whole.start());
            }
            // What an example is compiled from says as little as the example.
            for name in names.into_iter().filter(|_| entry.role == Role::Product) {
                compiled.entry(name.to_owned()).or_insert_with(|| jsonnet::place(entry, &text, whole.start()));
            }
        }
        gaps.extend(unread.map(|start| Gap {
            source: Source::AlertRules,
            place: jsonnet::place(entry, &text, start),
            reason: "its alerts are written in Jsonnet, which is not evaluated".to_owned(),
        }));
    }
    for rule in rules {
        rule.compiled_from = compiled.get(&rule.name).cloned();
    }
    gaps
}
