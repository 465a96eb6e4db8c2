//! A chart's folder as helm loads it: metadata, default values, templates, other files, subcharts.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;

use gonogo_domain::{Node, Place};

use super::ignore::Ignore;
use super::parse::{self, Parsed};
use crate::ParseError;

/// Subcharts inside each other.
const MAX_DEPTH: usize = 16;

/// Files by their path in the chart's folder: path in the repository, text.
pub(super) type Sources = BTreeMap<String, (Arc<str>, Arc<str>)>;

/// One chart of the tree.
#[derive(Debug)]
pub(super) struct Tree {
    pub(super) name: String,
    pub(super) version: String,
    pub(super) library: bool,
    /// The path of Chart.yaml.
    pub(super) path: Arc<str>,
    pub(super) metadata: Node,
    pub(super) values: Option<Node>,
    pub(super) templates: Vec<Template>,
    pub(super) files: Sources,
    pub(super) dependencies: Vec<Dependency>,
    pub(super) children: Vec<Self>,
    /// What could not be read, each with the file it is about.
    pub(super) errors: Vec<ParseError>,
}

#[derive(Debug)]
pub(super) struct Template {
    /// From the chart's folder: `templates/service.yaml`.
    pub(super) name: String,
    pub(super) path: Arc<str>,
    pub(super) parsed: Result<Arc<Parsed>, ParseError>,
}

#[derive(Clone, Debug)]
pub(super) struct Dependency {
    pub(super) name: String,
    pub(super) version: String,
    pub(super) alias: Option<String>,
    pub(super) condition: String,
    pub(super) tags: Vec<String>,
    /// Pairs of the child's table and the parent's.
    pub(super) imports: Vec<(String, String)>,
    pub(super) place: Place,
}

type Files<'a> = BTreeMap<&'a str, (&'a Arc<str>, &'a Arc<str>)>;

/// Loads the chart in the folder `root` of a repository's files.
pub(super) fn load(files: &BTreeMap<Arc<str>, Arc<str>>, root: &str) -> Result<Tree, ParseError> {
    let root = root.trim_end_matches('/').trim_start_matches("./");
    let prefix = if root.is_empty() || root == "." { String::new() } else { format!("{root}/") };
    let inside: Files<'_> = files
        .range::<str, _>((Bound::Included(prefix.as_str()), Bound::Unbounded))
        .take_while(|(path, _)| path.starts_with(&prefix))
        .filter_map(|(path, text)| Some((path.get(prefix.len()..)?, (path, text))))
        .collect();
    let ignore = Ignore::parse(inside.get(".helmignore").map_or("", |(_, text)| text));
    let kept = inside.into_iter().filter(|(path, _)| !ignore.ignores(path)).collect();
    tree(&kept, &prefix, 0)
}

fn tree(files: &Files<'_>, prefix: &str, depth: usize) -> Result<Tree, ParseError> {
    let missing: Arc<str> = format!("{prefix}Chart.yaml").into();
    let Some((path, text)) = files.get("Chart.yaml") else {
        return Err(ParseError { place: Place::whole(missing), reason: "Chart.yaml file is missing".to_owned() });
    };
    let metadata = document(path, text)?.ok_or_else(|| ParseError {
        place: Place::whole(Arc::clone(path)),
        reason: "Chart.yaml is empty".to_owned(),
    })?;
    let Some(name) = metadata.str_at("name").map(ToOwned::to_owned) else {
        let reason = "chart has no name".to_owned();
        return Err(ParseError { place: metadata.place.clone(), reason });
    };
    let mut result = Tree {
        version: metadata.str_at("version").unwrap_or_default().to_owned(),
        library: metadata.str_at("type") == Some("library"),
        path: Arc::clone(path),
        dependencies: metadata.list("dependencies").iter().filter_map(dependency).collect(),
        name,
        metadata,
        values: None,
        templates: Vec::new(),
        files: BTreeMap::new(),
        children: Vec::new(),
        errors: Vec::new(),
    };
    let mut subcharts: BTreeMap<&str, Files<'_>> = BTreeMap::new();
    for (name, (path, text)) in files {
        if let Some(rest) = name.strip_prefix("charts/") {
            if let Some((folder, inner)) = rest.split_once('/')
                && !folder.starts_with(['_', '.'])
            {
                subcharts.entry(folder).or_default().insert(inner, (path, text));
            }
        } else if name.starts_with("templates/") {
            let parsed = parse::parse(text)
                .map(Arc::new)
                .map_err(|error| ParseError { place: place_of(path, text, error.at), reason: error.reason });
            result.templates.push(Template { name: (*name).to_owned(), path: Arc::clone(path), parsed });
        } else {
            match *name {
                "values.yaml" => match document(path, text) {
                    Ok(values) => result.values = values,
                    Err(error) => result.errors.push(error),
                },
                "requirements.yaml" => match document(path, text) {
                    Ok(Some(old)) => {
                        result.dependencies.extend(old.list("dependencies").iter().filter_map(dependency));
                    }
                    Ok(None) => (),
                    Err(error) => result.errors.push(error),
                },
                "Chart.yaml" | "Chart.lock" | "values.schema.json" | "requirements.lock" => (),
                _ => {
                    result.files.insert((*name).to_owned(), (Arc::clone(path), Arc::clone(text)));
                }
            }
        }
    }
    for (folder, inside) in subcharts {
        let prefix = format!("{prefix}charts/{folder}/");
        if depth >= MAX_DEPTH {
            let reason = format!("subcharts nest deeper than {MAX_DEPTH}");
            result.errors.push(ParseError { place: Place::whole(prefix), reason });
            continue;
        }
        match tree(&inside, &prefix, depth + 1) {
            Ok(child) => result.children.push(child),
            Err(error) => result.errors.push(error),
        }
    }
    Ok(result)
}

fn document(path: &Arc<str>, text: &Arc<str>) -> Result<Option<Node>, ParseError> {
    let stream = crate::yaml::parse(path, text);
    match stream.errors.into_iter().next() {
        Some(error) => Err(error),
        None => Ok(stream.documents.into_iter().next().map(|document| document.node)),
    }
}

fn dependency(node: &Node) -> Option<Dependency> {
    let text = |key: &str| node.str_at(key).unwrap_or_default().to_owned();
    let imports = node
        .list("import-values")
        .iter()
        .filter_map(|import| match import.str() {
            Some(name) => Some((format!("exports.{name}"), ".".to_owned())),
            None => Some((import.str_at("child")?.to_owned(), import.str_at("parent")?.to_owned())),
        })
        .collect();
    Some(Dependency {
        name: node.str_at("name")?.to_owned(),
        version: text("version"),
        alias: node.str_at("alias").filter(|alias| !alias.is_empty()).map(ToOwned::to_owned),
        condition: text("condition"),
        tags: node.list("tags").iter().filter_map(|tag| tag.str().map(ToOwned::to_owned)).collect(),
        imports,
        place: node.place.clone(),
    })
}

fn place_of(path: &Arc<str>, text: &str, at: usize) -> Place {
    let before = text.get(..at).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    let number = |value: usize| u32::try_from(value).unwrap_or(u32::MAX);
    Place::new(Arc::clone(path), number(line), number(column))
}
