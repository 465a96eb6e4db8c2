//! Helm charts: each is rendered with its own values, and once more with every values file that lies beside it.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use gonogo_domain::{
    Node,
    evidence::{FileEntry, Role},
};
use gonogo_formats::{
    ParseError,
    helm::{Chart, Options, Problem},
};

use super::{
    documents,
    source::{Held, Origin, Rendering, Unread},
};
use crate::{Corpus, environment, paths, roles};

/// Values files of one chart that are rendered; people have a few.
const MAX_VALUES_FILES: usize = 40;
/// Files of a chart above this size are data that no template prints.
const MAX_FILE_BYTES: u64 = 1 << 20;

/// Adds the renderings of every chart, and notes the files that they use.
pub(super) fn read(
    corpus: &Corpus<'_>,
    used: &mut BTreeSet<Arc<str>>,
    renderings: &mut Vec<Rendering<'_>>,
    unread: &mut Vec<Unread>,
) {
    let roots: BTreeSet<&str> =
        corpus.files_where(|entry| entry.name() == "Chart.yaml").map(|entry| paths::folder(&entry.path)).collect();
    for root in roots.iter().filter(|root| !is_subchart(root, &roots)) {
        used.extend(own_files(corpus, root).map(|entry| Arc::clone(&entry.path)));
        let role = roles::role(&format!("{root}/Chart.yaml"));
        if role == Role::Test {
            continue;
        }
        let chart = match load(corpus, root) {
            Ok(chart) => chart,
            Err(error) => {
                unread.push(Unread { role, place: error.place, reason: error.reason });
                continue;
            }
        };
        if !chart.is_library() {
            render(corpus, root, role, &chart, renderings, unread);
        }
    }
}

/// Loads the chart of a folder with everything that its templates may read.
pub(super) fn load(corpus: &Corpus<'_>, root: &str) -> Result<Chart, ParseError> {
    let mut files = BTreeMap::new();
    for entry in corpus.tree.below(root).filter(|entry| may_be_read(entry, root)) {
        // What is no text cannot be printed by a template.
        if let Ok(text) = corpus.tree.text(&entry.path) {
            files.insert(Arc::clone(&entry.path), text);
        }
    }
    Chart::load(&files, root)
}

/// What `helm template RELEASE` is told here.
pub(super) fn options(release: &str, namespace: &str, values: Vec<Node>) -> Options {
    Options { release_name: release.to_owned(), namespace: namespace.to_owned(), values, ..Options::default() }
}

fn render(
    corpus: &Corpus<'_>,
    root: &str,
    role: Role,
    chart: &Chart,
    renderings: &mut Vec<Rendering<'_>>,
    unread: &mut Vec<Unread>,
) {
    let crds: Vec<Arc<Node>> = definitions(corpus, root);
    // A release that is called like its chart gives the names that people know.
    let mut add = |values: Vec<Node>, path: &str, environment: Option<String>| {
        let rendered = chart.render(&options(chart.name(), "default", values));
        let mut objects = Vec::new();
        for document in &rendered.documents {
            documents::objects(document, &mut |object| {
                if !is_test(object) {
                    objects.push(Held::Built(Arc::new(object.clone())));
                }
            });
        }
        objects.extend(crds.iter().map(|definition| Held::Built(Arc::clone(definition))));
        renderings.push(Rendering { origin: Origin::Chart, path: Arc::from(path), role, environment, objects });
        rendered.problems
    };
    let own = environment::of_folder(root);
    let mut failed = add(Vec::new(), root, own.clone());
    for (path, name) in values_files(corpus, root).into_iter().take(MAX_VALUES_FILES) {
        if let Some(values) = corpus.file(&path).and_then(|file| file.documents.first()) {
            keep_common(&mut failed, &add(vec![values.clone()], &path, Some(name)));
        }
    }
    // A chart may refuse its own values on purpose: its users have to say something first. What its tests say is the
    // best that the repository has.
    let folder = if root == "." { "ci".to_owned() } else { format!("{root}/ci") };
    let tests = corpus.tree.below(&folder).filter_map(|entry| corpus.file(&entry.path)).take(MAX_VALUES_FILES);
    for file in tests {
        if failed.iter().all(|problem| is_remote_dependency(corpus, problem)) {
            break;
        }
        if let Some(values) = file.documents.first() {
            keep_common(&mut failed, &add(vec![values.clone()], &file.path, own.clone()));
        }
    }
    let gaps = failed.into_iter().filter(|problem| !is_remote_dependency(corpus, problem));
    unread.extend(gaps.map(|problem| {
        let reason = packed(corpus, root, &problem).unwrap_or(problem.reason);
        Unread { role, place: problem.place, reason }
    }));
}

/// The archive in `charts/` that holds the dependency of this problem.
fn packed(corpus: &Corpus<'_>, root: &str, problem: &Problem) -> Option<String> {
    let documents = &corpus.file(problem.place.path())?.documents;
    let mut dependencies = documents.iter().flat_map(|document| document.list("dependencies"));
    let name = dependencies.find(|dependency| dependency.place == problem.place)?.str_at("name")?;
    let folder = if root == "." { "charts".to_owned() } else { format!("{root}/charts") };
    let archive = corpus.tree.below(&folder).find(|entry| {
        let stem = entry.name().strip_suffix(".tgz").and_then(|stem| stem.strip_prefix(name));
        stem.and_then(|rest| rest.strip_prefix('-'))
            .is_some_and(|version| version.starts_with(|first: char| first.is_ascii_digit()))
    })?;
    Some(format!("dependency {name} is packed in {}, which is not read", archive.path))
}

/// Keeps the problems of templates that no values render.
fn keep_common(failed: &mut Vec<Problem>, others: &[Problem]) {
    let still: BTreeSet<&str> = others.iter().map(|problem| &*problem.template).collect();
    failed.retain(|problem| still.contains(&*problem.template));
}

/// Somebody else's chart that is fetched when the chart is installed: like a base image, it is no file of the repository.
fn is_remote_dependency(corpus: &Corpus<'_>, problem: &Problem) -> bool {
    let documents = corpus.file(problem.place.path()).map_or(&[][..], |file| &file.documents);
    documents.iter().flat_map(|document| document.list("dependencies")).any(|dependency| {
        dependency.place == problem.place
            && dependency.str_at("repository").is_some_and(|repository| !repository.starts_with("file:"))
    })
}

/// A chart inside another's `charts/` is rendered with it.
fn is_subchart(root: &str, roots: &BTreeSet<&str>) -> bool {
    root.match_indices("charts/").any(|(at, _)| {
        let parent = root.get(..at).unwrap_or_default().trim_end_matches('/');
        let own_folder = at == 0 || root.get(..at).is_some_and(|before| before.ends_with('/'));
        own_folder && roots.contains(if parent.is_empty() { "." } else { parent })
    })
}

/// The part of a path below the chart's folder.
fn inside<'p>(path: &'p str, root: &str) -> &'p str {
    if root == "." { path } else { path.strip_prefix(root).unwrap_or(path).trim_start_matches('/') }
}

/// Files that only make sense as part of the chart.
fn own_files<'c>(corpus: &'c Corpus<'_>, root: &'c str) -> impl Iterator<Item = &'c FileEntry> {
    corpus.tree.below(root).filter(move |entry| {
        let path = inside(&entry.path, root);
        path.starts_with("templates/")
            || path.starts_with("charts/")
            || path.starts_with("crds/")
            || path.starts_with("ci/")
            || path.starts_with("values")
            || path.starts_with("Chart.")
    })
}

/// Templates may read any file of the chart; in a chart that is a whole repository, only its own folders are read.
fn may_be_read(entry: &FileEntry, root: &str) -> bool {
    let path = inside(&entry.path, root);
    let first = path.split('/').next().unwrap_or_default();
    let folder = path.contains('/');
    if entry.size > MAX_FILE_BYTES || (folder && matches!(first, "ci" | "docs" | "test" | "tests" | ".git")) {
        return false;
    }
    root != "." || !folder || matches!(first, "templates" | "charts" | "crds" | "files" | "config" | "dashboards")
}

/// The objects of `crds/`, which are installed as they are.
fn definitions(corpus: &Corpus<'_>, root: &str) -> Vec<Arc<Node>> {
    let folder = if root == "." { "crds".to_owned() } else { format!("{root}/crds") };
    let mut found = Vec::new();
    for file in corpus.tree.below(&folder).filter_map(|entry| corpus.file(&entry.path)) {
        for document in &file.documents {
            documents::objects(document, &mut |object| found.push(Arc::new(object.clone())));
        }
    }
    found
}

/// A pod that `helm test` runs.
fn is_test(object: &Node) -> bool {
    let hook = object.at("metadata.annotations").and_then(|annotations| annotations.get("helm.sh/hook"));
    hook.and_then(Node::str).is_some_and(|hooks| {
        let mut hooks = hooks.split(',').map(str::trim);
        hooks.any(|hook| matches!(hook, "test" | "test-success" | "test-failure"))
    })
}

/// The values files beside the chart's own, each with the name of the environment that it is for: `values-prod.yaml`,
/// `prod-values.yaml`, `values/prod.yaml`, `environments/prod/values.yaml`.
fn values_files(corpus: &Corpus<'_>, root: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for entry in corpus.tree.below(root) {
        let path = inside(&entry.path, root);
        let Some(stem) = path.strip_suffix(".yaml").or_else(|| path.strip_suffix(".yml")) else { continue };
        let name = match stem.split('/').collect::<Vec<_>>().as_slice() {
            [name] => suffix(name),
            ["values" | "environments" | "envs" | "env", name] => Some(suffix(name).unwrap_or(name)),
            ["environments" | "envs" | "env", name, "values"] => Some(*name),
            _ => None,
        };
        if let Some(name) = name.filter(|name| !name.is_empty() && !is_sample(name)) {
            found.push((entry.path.to_string(), name.to_owned()));
        }
    }
    found
}

/// What stands before or after `values` in the name of a file.
fn suffix(name: &str) -> Option<&str> {
    let after = name.strip_prefix("values").and_then(|rest| rest.strip_prefix(['-', '.', '_']));
    after.or_else(|| name.strip_suffix("values").and_then(|rest| rest.strip_suffix(['-', '.', '_'])))
}

/// Descriptions of values, and values that show what could be.
fn is_sample(name: &str) -> bool {
    matches!(
        name,
        "schema" | "example" | "examples" | "sample" | "samples" | "default" | "defaults" | "template" | "values"
    )
}
