//! Dashboards in Jsonnet, which is not evaluated: where the compiled dashboards are not beside it, that is a gap.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, LazyLock},
};

use gonogo_domain::{
    Gap, Place, Source,
    evidence::{Dashboard, Role},
};
use regex::Regex;

use crate::{Corpus, jsonnet};

/// The field that mixins keep their dashboards in. Source: the monitoring-mixins convention.
static FIELD: LazyLock<Regex> = LazyLock::new(|| Regex::new(r#"\bgrafanaDashboards['"]?\s*\+?:"#).expect("is valid"));

/// A key that names the file of a dashboard: `'a.json':`, `[if x then 'a.json']+:`, `['%s.json' % name]:`.
static FILE: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r#"(?:'([^'\n]*\.json)'|"([^"\n]*\.json)")(?:\s*%[^\]\n]*)?\s*\]?\s*\+?:"#).expect("is valid")
});

/// A dashboard made by a library of Grafana's, with its title.
static TITLE: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r#"\bdashboard\.new\(\s*(?:title\s*=\s*)?(?:'([^'\n]*)'|"([^"\n]*)")"#).expect("is valid")
});

/// Tells the dashboards where they were compiled from, and names the files whose dashboards are not among them.
pub(super) fn join(corpus: &Corpus<'_>, dashboards: &mut [Dashboard]) -> Vec<Gap> {
    let mut gaps = Vec::new();
    let mut by_file: BTreeMap<String, Place> = BTreeMap::new();
    let mut by_title: BTreeMap<String, Place> = BTreeMap::new();
    let files: BTreeSet<&str> = dashboards.iter().map(|one| one.file.as_str()).collect();
    let titles: BTreeSet<&str> = dashboards.iter().map(|one| one.title.as_str()).collect();
    for (entry, text) in jsonnet::files(corpus) {
        let gap = |place, reason| Gap { source: Source::Dashboards, place, reason };
        let text = match text {
            Ok(text) => text,
            Err(reason) => {
                gaps.push(gap(Place::whole(Arc::clone(&entry.path)), reason));
                continue;
            }
        };
        let field = FIELD.find(&text);
        let (pattern, known, compiled) =
            if field.is_some() { (&*FILE, &files, &mut by_file) } else { (&*TITLE, &titles, &mut by_title) };
        let (mut unread, mut any) = (None, false);
        for captures in pattern.captures_iter(&text) {
            let Some(whole) = captures.get(0) else { continue };
            let Some(written) = captures.get(1).or_else(|| captures.get(2)) else { continue };
            any = true;
            let names = jsonnet::became(written.as_str(), known);
            if names.is_empty() {
                unread.get_or_insert(whole.start());
            }
            // What an example is compiled from says as little as the example.
            for name in names.into_iter().filter(|_| entry.role == Role::Product) {
                compiled.entry(name.to_owned()).or_insert_with(|| jsonnet::place(entry, &text, whole.start()));
            }
        }
        // Names that are computed; what is only imported from other files is found there.
        let computed = field.filter(|_| !any && !text.contains("import")).map(|field| field.start());
        gaps.extend(unread.or(computed).map(|start| {
            let reason = "its dashboards are written in Jsonnet, which is not evaluated".to_owned();
            gap(jsonnet::place(entry, &text, start), reason)
        }));
    }
    for one in dashboards {
        one.compiled_from = by_file.get(&one.file).or_else(|| by_title.get(&one.title)).cloned();
    }
    gaps
}
