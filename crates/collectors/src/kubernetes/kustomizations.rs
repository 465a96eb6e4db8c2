//! Kustomizations: which of them are deployed, for which environment, and what they build.

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use gonogo_domain::{Node, Value, evidence::Role};
use gonogo_formats::{
    kustomize::{self, Build, Chart, FILE_NAMES, Files, Problem, Roots},
    yaml,
};

use super::{
    charts,
    source::{Held, Origin, Rendering, Unread},
};
use crate::{Corpus, environment, paths, roles};

/// Adds a rendering for each kustomization that is deployed, and notes the files that they use.
pub(super) fn read(
    corpus: &Corpus<'_>,
    used: &mut BTreeSet<Arc<str>>,
    renderings: &mut Vec<Rendering<'_>>,
    unread: &mut Vec<Unread>,
) {
    let directories: BTreeSet<&str> = corpus
        .files_where(|entry| FILE_NAMES.contains(&entry.name()))
        .map(|entry| paths::folder(&entry.path))
        .collect();
    if directories.is_empty() {
        return;
    }
    let files = CorpusFiles { corpus, parsed: RefCell::default() };
    let roots = kustomize::roots(&files, directories.iter().copied());
    for directory in &directories {
        used.extend(parts(&files, directory));
    }
    let builds: Vec<(String, Build)> = deployed(&roots, &directories)
        .into_iter()
        .map(|directory| {
            let build = kustomize::build(&files, &directory);
            (directory, build)
        })
        .collect();
    let mut sharers: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (directory, build) in &builds {
        for base in &build.bases {
            sharers.entry(base).or_default().push(directory);
        }
    }
    for (directory, build) in &builds {
        let role = role(directory);
        if role != Role::Test {
            // Files of the repository share their paths with the corpus, so that this costs no memory.
            used.extend(build.used.iter().cloned());
        }
        unread.extend(build.problems.iter().map(|problem| Unread {
            role,
            place: problem.place.clone(),
            reason: problem.reason.clone(),
        }));
        renderings.push(Rendering {
            origin: Origin::Kustomization,
            path: Arc::from(directory.as_str()),
            role,
            environment: environment(directory, build, &sharers),
            objects: build.objects.iter().map(|object| Held::Built(Arc::clone(object))).collect(),
        });
    }
}

fn role(directory: &str) -> Role {
    roles::role(&format!("{directory}/kustomization.yaml"))
}

/// What is built: everything that nothing includes, and bases that are included for development and tests only.
fn deployed(roots: &Roots, directories: &BTreeSet<&str>) -> Vec<String> {
    let normal = directories.iter().filter_map(|directory| paths::join(".", directory));
    normal
        .filter(|directory| {
            roots.top.contains(directory)
                || (!roots.components.contains(directory)
                    && roots.included_by.contains_key(directory)
                    && is_production(directory)
                    && !is_served(roots, directory))
        })
        .collect()
}

/// Something that customers see includes the directory, directly or not.
fn is_served(roots: &Roots, directory: &str) -> bool {
    let mut seen = BTreeSet::from([directory]);
    let mut waiting = vec![directory];
    while let Some(directory) = waiting.pop() {
        for includer in roots.included_by.get(directory).into_iter().flatten() {
            if !roots.components.contains(includer) && is_production(includer) {
                return true;
            }
            if seen.insert(includer) {
                waiting.push(includer);
            }
        }
    }
    false
}

fn is_production(directory: &str) -> bool {
    role(directory) != Role::Test && environment::of_folder(directory).as_deref().is_none_or(environment::is_production)
}

/// The environment that a kustomization is for: what its folder says, or its folder itself where several kustomizations
/// are variants of the same base.
fn environment(directory: &str, build: &Build, sharers: &BTreeMap<&str, Vec<&str>>) -> Option<String> {
    if let Some(named) = environment::of_folder(directory) {
        return Some(named);
    }
    let includes_its_own_parts = build.bases.iter().all(|base| paths::is_below(base, directory));
    let variants: BTreeSet<&str> = build
        .bases
        .iter()
        .filter_map(|base| sharers.get(base.as_str()))
        .flatten()
        .copied()
        .filter(|other| *other != directory)
        .collect();
    if includes_its_own_parts || variants.is_empty() {
        return None;
    }
    // As many folders as it takes to be told apart: `ha/cluster-install`.
    let parts: Vec<&str> = directory.split('/').collect();
    (1..=parts.len())
        .filter_map(|count| parts.get(parts.len() - count..).map(|tail| tail.join("/")))
        .find(|tail| variants.iter().all(|other| *other != tail && !other.ends_with(&format!("/{tail}"))))
}

/// Patches and other parts of a kustomization: files that look like objects and are none by themselves.
fn parts(files: &CorpusFiles<'_, '_>, directory: &str) -> Vec<Arc<str>> {
    let mut parts = Vec::new();
    for name in FILE_NAMES {
        let Some(path) = paths::join(directory, name) else { continue };
        let Ok(documents) = files.parse(&path) else { continue };
        for document in documents.iter() {
            for entry in document.entries().iter().filter(|entry| !is_resource(&entry.key)) {
                entry.node.walk(&mut |node| {
                    if let Value::Scalar(scalar) = &node.value
                        && let Some(path) = paths::join(directory, &scalar.text)
                        && let Some(file) = files.corpus.tree.entry(&path)
                    {
                        parts.push(Arc::clone(&file.path));
                    }
                });
            }
        }
    }
    parts
}

fn is_resource(key: &str) -> bool {
    matches!(key, "resources" | "bases" | "components" | "apiVersion" | "kind")
}

type Parsed = Result<Arc<Vec<Arc<Node>>>, kustomize::Unread>;

/// The files of a repository as the builder reads them.
struct CorpusFiles<'c, 't> {
    corpus: &'c Corpus<'t>,
    parsed: RefCell<BTreeMap<String, Parsed>>,
}

impl CorpusFiles<'_, '_> {
    fn read(&self, path: &str) -> Parsed {
        // A patch of a schema needs the schema.
        if let Some(file) = self.corpus.file(path).filter(|_| !self.corpus.changes_schemas) {
            if let Some(error) = file.errors.first() {
                let problem = Problem { place: error.place.clone(), reason: error.reason.clone() };
                return Err(kustomize::Unread::Broken(problem));
            }
            return Ok(Arc::new(file.documents.iter().cloned().map(Arc::new).collect()));
        }
        let entry = self.corpus.tree.entry(path).ok_or(kustomize::Unread::Missing)?;
        let broken = |reason: String| {
            kustomize::Unread::Broken(Problem { place: gonogo_domain::Place::whole(Arc::clone(&entry.path)), reason })
        };
        let text = self.corpus.tree.text(path).map_err(broken)?;
        let stream = yaml::parse(&entry.path, &text);
        match stream.errors.into_iter().next() {
            Some(error) => Err(kustomize::Unread::Broken(Problem { place: error.place, reason: error.reason })),
            None => Ok(Arc::new(stream.documents.into_iter().map(|document| Arc::new(document.node)).collect())),
        }
    }
}

impl Files for CorpusFiles<'_, '_> {
    fn parse(&self, path: &str) -> Parsed {
        if let Some(parsed) = self.parsed.borrow().get(path) {
            return parsed.clone();
        }
        let parsed = self.read(path);
        self.parsed.borrow_mut().insert(path.to_owned(), parsed.clone());
        parsed
    }

    fn text(&self, path: &str) -> Option<Arc<str>> {
        self.corpus.tree.text(path).ok()
    }

    fn is_directory(&self, path: &str) -> bool {
        self.corpus.tree.below(path).next().is_some()
    }

    fn chart(&self, chart: &Chart) -> Option<Vec<Arc<Node>>> {
        let directory = chart.directory.as_deref()?;
        let loaded = charts::load(self.corpus, directory).ok()?;
        let mut values: Vec<Node> = Vec::new();
        for path in &chart.values_files {
            values.push(self.corpus.file(path)?.documents.first()?.clone());
        }
        values.extend(chart.values.clone());
        let namespace = chart.namespace.as_deref().unwrap_or("default");
        let rendering = loaded.render(&charts::options(&chart.release, namespace, values));
        rendering.problems.is_empty().then(|| rendering.documents.into_iter().map(Arc::new).collect())
    }
}
