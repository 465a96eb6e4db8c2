//! Rules of Prometheus and Loki: in files, in objects, in values of charts, in a ConfigMap.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use gonogo_domain::{
    Gap, Gathered, Node, Place, Source,
    evidence::{AlertRule, Located, Object, Query, Role, RuleKind},
};

use super::{durations::seconds, grafana, mixins};
use crate::{Corpus, DataFile, corpus::Format, embedded, environment, queries};

/// Mappings that are looked into for groups of rules: deep enough for the values of an umbrella chart.
const DEPTH: usize = 8;

/// What a walk through files or objects gathers.
#[derive(Default)]
pub(super) struct Found {
    pub(super) rules: Vec<AlertRule>,
    pub(super) gaps: Vec<Gap>,
    /// What was read of each expression: the same rules come in every rendering of a chart.
    read: HashMap<String, Result<Query, String>>,
}

impl Found {
    fn query(&mut self, text: &str) -> Result<Query, String> {
        if let Some(known) = self.read.get(text) {
            return known.clone();
        }
        let query = queries::read(text);
        self.read.insert(text.to_owned(), query.clone());
        query
    }
}

/// What all rules of one object have in common.
#[derive(Clone, Copy)]
pub(super) struct Setting<'a> {
    pub(super) environment: Option<&'a str>,
    pub(super) production: bool,
}

/// Rules in the data files, and the files of Jsonnet whose rules are nowhere else.
pub(crate) fn gather(corpus: &Corpus<'_>) -> Gathered<AlertRule> {
    let mut found = Found::default();
    let mut files = 0;
    for file in corpus.data().filter(|file| file.format != Format::Toml && file.role != Role::Test) {
        let before = found.rules.len();
        let environment = environment::of_path(&file.path);
        let production = environment.as_deref().is_none_or(environment::is_production);
        let setting = Setting { environment: environment.as_deref(), production };
        file.documents.iter().for_each(|document| read_object(document, setting, &mut found));
        let ours = broken_rules(file);
        if ours {
            found.gaps.extend(file.gaps(Source::AlertRules));
        }
        files += usize::from(ours || found.rules.len() > before);
    }
    let mixins = mixins::join(corpus, &mut found.rules);
    files += mixins.len();
    found.gaps.extend(mixins);
    Gathered::new(found.rules, files, found.gaps)
}

/// A file that could not be parsed and looks like rules.
fn broken_rules(file: &DataFile) -> bool {
    file.broken_with("groups")
        && file.broken_with("expr")
        && (file.broken_with("alert:") || file.broken_with("record:"))
}

/// Adds the rules of rendered objects, each for its environment. What the plain files gave for the same lines goes.
pub(crate) fn with_objects(mut plain: Gathered<AlertRule>, objects: &[Object]) -> Gathered<AlertRule> {
    let mut found = Found::default();
    for object in objects {
        let setting = Setting { environment: object.environment.as_deref(), production: object.production };
        read_object(&object.body, setting, &mut found);
    }
    let rendered = found.rules;
    let places: BTreeSet<Place> = rendered.iter().map(|rule| rule.place.clone()).collect();
    plain.items.retain(|rule| !places.contains(&rule.place));
    plain.items.extend(rendered);
    plain.items.sort_by(|one, other| (&one.place, &one.environment).cmp(&(&other.place, &other.environment)));
    plain
}

/// The rules that an object holds: a PrometheusRule and its kin, or files in a ConfigMap.
fn read_object(node: &Node, setting: Setting<'_>, found: &mut Found) {
    if node.str_at("kind") == Some("List") {
        node.list("items").iter().for_each(|item| read_object(item, setting, found));
        return;
    }
    if node.str_at("kind") == Some("GrafanaAlertRuleGroup") {
        if let Some(spec) = node.get("spec") {
            grafana::group(spec, node.str_at("metadata.name").unwrap_or_default(), setting, found);
        }
        return;
    }
    for (_, holder) in embedded::files(node).filter(|(_, holder)| holder.str().is_some_and(looks_like_rules)) {
        for document in embedded::yaml(holder) {
            search(&document, setting, found, DEPTH);
        }
    }
    search(node, setting, found, DEPTH);
}

fn looks_like_rules(text: &str) -> bool {
    text.contains("groups") && text.contains("expr") && (text.contains("alert:") || text.contains("record:"))
}

/// Looks for groups of rules in a tree of mappings.
fn search(node: &Node, setting: Setting<'_>, found: &mut Found, depth: usize) {
    // Unit tests of rules have rules' names in them, and no rules.
    if node.get("rule_files").is_some() && node.get("tests").is_some() {
        return;
    }
    for entry in node.entries() {
        if entry.key == "groups" {
            entry.node.items().iter().for_each(|one| group(one, setting, found));
        } else if depth > 0 {
            search(&entry.node, setting, found, depth - 1);
        }
    }
}

fn group(group: &Node, setting: Setting<'_>, found: &mut Found) {
    let name = group.str_at("name").unwrap_or_default();
    for node in group.list("rules") {
        if node.get("data").is_some() && node.get("expr").is_none() {
            grafana::rule(node, name, setting, found);
        } else {
            let rule = rule(node, name, setting, found);
            found.rules.extend(rule);
        }
    }
}

fn rule(node: &Node, group: &str, setting: Setting<'_>, found: &mut Found) -> Option<AlertRule> {
    let (kind, name) = match (node.str_at("alert"), node.str_at("record")) {
        (Some(name), _) => (RuleKind::Alerting, name),
        (None, Some(name)) => (RuleKind::Recording, name),
        (None, None) => return None,
    };
    let expression = node.get("expr")?;
    let text = expression.str()?.trim();
    Some(AlertRule {
        kind,
        name: name.to_owned(),
        group: group.to_owned(),
        place: node.place.clone(),
        expr: Located::new(text.to_owned(), &expression.place),
        query: found.query(text),
        for_seconds: node.get("for").and_then(|node| duration(node, &mut found.gaps)),
        labels: texts(node.get("labels")),
        annotations: texts(node.get("annotations")),
        environment: setting.environment.map(str::to_owned),
        production: setting.production,
        compiled_from: None,
    })
}

/// A duration; one that is none becomes a gap, because Prometheus refuses the whole file for it.
pub(super) fn duration(node: &Node, gaps: &mut Vec<Gap>) -> Option<Located<u64>> {
    let text = node.str()?;
    let seconds = seconds(text);
    if seconds.is_none() {
        let reason = format!("`{text}` is no duration of Prometheus");
        gaps.push(Gap { source: Source::AlertRules, place: node.place.clone(), reason });
    }
    Some(Located::new(seconds?, &node.place))
}

pub(super) fn texts(node: Option<&Node>) -> BTreeMap<String, Located<String>> {
    let entries = node.map(Node::entries).unwrap_or_default().iter();
    entries
        .filter_map(|entry| {
            Some((entry.key.clone(), Located::new(entry.node.str()?.trim().to_owned(), &entry.node.place)))
        })
        .collect()
}
