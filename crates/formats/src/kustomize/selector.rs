//! Which objects a patch or a replacement aims at.

use gonogo_domain::Node;
use regex::{Regex, RegexBuilder};

use super::{Problem, fields::split_api_version, resource::Id, tree};

/// The compiled size that one pattern may have, in bytes: a name needs little.
const PATTERN_SIZE: usize = 64 << 10;

/// `target:` of a patch: patterns that must match as a whole, and label expressions.
#[derive(Debug, Default)]
pub(super) struct Selector {
    group: Option<Pattern>,
    version: Option<Pattern>,
    kind: Option<Pattern>,
    name: Option<Pattern>,
    namespace: Option<Pattern>,
    labels: Vec<Term>,
    annotations: Vec<Term>,
}

/// One requirement of a label expression.
#[derive(Debug, PartialEq, Eq)]
enum Term {
    In(String, Vec<String>),
    NotIn(String, Vec<String>),
    Exists(String),
    Absent(String),
}

/// A pattern that must match the whole text. Most are plain words, and compiling those is what would cost time.
#[derive(Debug)]
pub(super) enum Pattern {
    Word(String),
    Regex(Regex),
}

impl Pattern {
    pub(super) fn new(pattern: &str) -> Option<Self> {
        if pattern.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'/' | b'_')) {
            return Some(Self::Word(pattern.to_owned()));
        }
        let regex = RegexBuilder::new(&format!("^(?:{pattern})$")).size_limit(PATTERN_SIZE).build();
        regex.ok().map(Self::Regex)
    }

    pub(super) fn is_match(&self, text: &str) -> bool {
        match self {
            Self::Word(word) => word == text,
            Self::Regex(regex) => regex.is_match(text),
        }
    }
}

impl Selector {
    pub(super) fn read(node: &Node) -> Result<Self, Problem> {
        let pattern = |key: &str| -> Result<Option<Pattern>, Problem> {
            match node.get(key).and_then(|value| Some((value, value.str()?))) {
                None | Some((_, "")) => Ok(None),
                Some((value, text)) => Pattern::new(text)
                    .map(Some)
                    .ok_or_else(|| Problem::new(&value.place, format!("`{key}` is no regular expression"))),
            }
        };
        let mut selector = Self {
            group: pattern("group")?,
            version: pattern("version")?,
            kind: pattern("kind")?,
            name: pattern("name")?,
            namespace: pattern("namespace")?,
            labels: terms(tree::text(node, "labelSelector")),
            annotations: terms(tree::text(node, "annotationSelector")),
        };
        // `apiVersion` is no field of a selector, but kustomize accepts it in the targets of `vars` and people write it.
        if selector.group.is_none()
            && selector.version.is_none()
            && let Some(text) = node.str_at("apiVersion")
        {
            let (group, version) = split_api_version(text);
            selector.group = Some(Pattern::Word(group.to_owned()));
            selector.version = Some(Pattern::Word(version.to_owned()));
        }
        Ok(selector)
    }

    pub(super) fn fits(&self, original: &Id, current: &Id, node: &Node) -> bool {
        let matches = |pattern: &Option<Pattern>, text: &str| pattern.as_ref().is_none_or(|it| it.is_match(text));
        matches(&self.group, &current.kind.group)
            && matches(&self.version, &current.kind.version)
            && matches(&self.kind, &current.kind.kind)
            && (matches(&self.name, &original.name) || matches(&self.name, &current.name))
            && (matches(&self.namespace, original.effective_namespace())
                || matches(&self.namespace, current.effective_namespace()))
            && self.labels.iter().all(|term| term.holds(node.at("metadata.labels")))
            && self.annotations.iter().all(|term| term.holds(node.at("metadata.annotations")))
    }
}

impl Term {
    fn holds(&self, map: Option<&Node>) -> bool {
        let value = |key: &str| map.and_then(|map| map.get(key)).map(|node| node.str().unwrap_or_default());
        match self {
            Self::In(key, values) => value(key).is_some_and(|value| values.iter().any(|other| other == value)),
            Self::NotIn(key, values) => value(key).is_none_or(|value| values.iter().all(|other| other != value)),
            Self::Exists(key) => value(key).is_some(),
            Self::Absent(key) => value(key).is_none(),
        }
    }
}

/// `app=web,tier in (a, b),!legacy` as its requirements.
fn terms(text: &str) -> Vec<Term> {
    let mut parts = vec![String::new()];
    let mut depth = 0_u32;
    for character in text.chars() {
        match character {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            ',' if depth == 0 => {
                parts.push(String::new());
                continue;
            }
            _ => (),
        }
        if let Some(part) = parts.last_mut() {
            part.push(character);
        }
    }
    parts.iter().map(|part| part.trim()).filter(|part| !part.is_empty()).map(term).collect()
}

fn term(text: &str) -> Term {
    let set = |list: &str| {
        list.trim().trim_matches(['(', ')']).split(',').map(|value| value.trim().to_owned()).collect::<Vec<_>>()
    };
    let key = |key: &str| key.trim().to_owned();
    if let Some((left, right)) = text.split_once("!=") {
        return Term::NotIn(key(left), vec![key(right)]);
    }
    if let Some((left, right)) = text.split_once("==").or_else(|| text.split_once('=')) {
        return Term::In(key(left), vec![key(right)]);
    }
    if let Some((left, right)) = text.split_once(" notin") {
        return Term::NotIn(key(left), set(right));
    }
    if let Some((left, right)) = text.split_once(" in") {
        return Term::In(key(left), set(right));
    }
    match text.strip_prefix('!') {
        Some(absent) => Term::Absent(key(absent)),
        None => Term::Exists(key(text)),
    }
}
