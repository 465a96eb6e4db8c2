//! Data files, each read and parsed once, for every source to look at.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use aho_corasick::AhoCorasick;
use gonogo_domain::{
    Gap, Node, Place, Source,
    evidence::{FileEntry, Role},
};
use gonogo_formats::{ParseError, json, json5, toml};
use rayon::prelude::*;

use crate::{Tree, schemas};

/// The files of a repository with what was parsed of them.
#[derive(Debug)]
pub struct Corpus<'t> {
    pub tree: &'t Tree,
    /// Something in the repository changes schemas, which `data` leaves out.
    pub(crate) changes_schemas: bool,
    data: BTreeMap<Arc<str>, DataFile>,
}

/// A YAML, JSON or TOML file as trees.
#[derive(Debug)]
pub struct DataFile {
    pub path: Arc<str>,
    pub role: Role,
    pub format: Format,
    /// One for each document of a YAML stream; at most one of the other formats.
    pub documents: Vec<Node>,
    /// What of it could not be parsed.
    pub errors: Vec<ParseError>,
    /// The text of a file that has errors, for the sources to tell whether it was theirs.
    broken: Option<Arc<str>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Format {
    Yaml,
    Json,
    Toml,
}

impl DataFile {
    pub fn name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or(&self.path)
    }

    /// The folder of the file, `.` for the root.
    pub fn folder(&self) -> &str {
        self.path.rsplit_once('/').map_or(".", |(folder, _)| folder)
    }

    /// It could not be parsed in full, and its text has this in it.
    pub fn broken_with(&self, text: &str) -> bool {
        self.broken.as_ref().is_some_and(|broken| broken.contains(text))
    }

    /// What of it could not be parsed, as gaps of a source.
    pub fn gaps(&self, source: Source) -> impl Iterator<Item = Gap> + '_ {
        self.errors.iter().map(move |error| Gap { source, place: error.place.clone(), reason: error.reason.clone() })
    }
}

impl<'t> Corpus<'t> {
    /// Reads and parses every data file that counts and that may declare something, in parallel.
    pub fn read(tree: &'t Tree) -> Self {
        let wanted = Wanted::new();
        let data: Vec<DataFile> = tree
            .files()
            .par_iter()
            .filter(|entry| reads(entry))
            .filter_map(|entry| Some((entry, format(entry.name())?)))
            .filter_map(|(entry, format)| parse(tree, &wanted, entry, format))
            .collect();
        let changes_schemas = wanted.changes_schemas.into_inner();
        Self { tree, changes_schemas, data: data.into_iter().map(|file| (Arc::clone(&file.path), file)).collect() }
    }

    /// The data files that count, in the order of their paths.
    pub fn data(&self) -> impl Iterator<Item = &DataFile> {
        self.data.values()
    }

    pub fn file(&self, path: &str) -> Option<&DataFile> {
        self.data.get(path)
    }

    /// Files that are no data files, by a test on their entry: container files, documents, scripts, HCL …
    pub fn files_where<'c>(
        &'c self,
        test: impl Fn(&FileEntry) -> bool + 'c,
    ) -> impl Iterator<Item = &'c FileEntry> + 'c {
        self.tree.files().iter().filter(move |entry| reads(entry) && test(entry))
    }
}

/// Examples are read too: a repository whose services all lie in `samples/` would be empty otherwise. Discovery decides.
fn reads(entry: &FileEntry) -> bool {
    !matches!(entry.role, Role::Vendored | Role::Fixture)
}

fn format(name: &str) -> Option<Format> {
    let (_, extension) = name.rsplit_once('.')?;
    match extension {
        "yaml" | "yml" => Some(Format::Yaml),
        "json" | "jsonc" | "json5" => Some(Format::Json),
        "toml" => Some(Format::Toml),
        _ => None,
    }
}

/// Decides by a few words whether a data file can declare anything, so that data sets are not parsed.
struct Wanted {
    json: Option<AhoCorasick>,
    /// A file was seen that changes schemas.
    changes_schemas: AtomicBool,
}

impl Wanted {
    fn new() -> Self {
        let words = [
            "\"apiVersion\"",
            "\"openapi\"",
            "\"swagger\"",
            "\"asyncapi\"",
            "\"panels\"",
            "\"AWSTemplateFormatVersion\"",
            "\"Resources\"",
            "\"containerDefinitions\"",
            "\"dependencies\"",
            "\"devDependencies\"",
            "\"covered_lines\"",
            "\"descriptor\"",
            "\"latencyPercentiles\"",
            "\"p97_5\"",
            "\"http.response_time\"",
            "\"chaoslib-version\"",
            "\"ArtifactName\"",
            "llvm.coverage.json.export",
            "\"workspaces\"",
            "\"databaseChangeLog\"",
            "\"scripts\"",
            "\"require\"",
            "\"flags\"",
            "\"extends\"",
            "\"packageRules\"",
            "\"groups\"",
            "\"metrics\"",
            "\"total\"",
            "\"runs\"",
            "\"Results\"",
            "\"vulnerabilities\"",
            "\"buildCommand\"",
            "\"builds\"",
            "\"routes\"",
            "\"experiments\"",
            "\"steady-state-hypothesis\"",
            "\"Logging\"",
            "\"ConnectionStrings\"",
            "\"cells\"",
            "\"info\"",
            "\"latencies\"",
            "\"thresholds\"",
        ];
        Self { json: AhoCorasick::new(words).ok(), changes_schemas: AtomicBool::new(false) }
    }

    fn json(&self, text: &str) -> bool {
        self.json.as_ref().is_none_or(|words| words.is_match(text))
    }
}

/// Files that declare something whatever words they have.
const WANTED_NAMES: &[&str] = &[
    "action.json",
    "app.json",
    "cdk.json",
    "deno.json",
    "firebase.json",
    "flags.json",
    "host.json",
    "jest.config.json",
    "now.json",
    "railway.json",
    "renovate.json",
    "renovate.json5",
    "vercel.json",
    "wrangler.json",
    "wrangler.jsonc",
];

fn wanted_name(name: &str) -> bool {
    WANTED_NAMES.contains(&name) || name.starts_with("appsettings") || name.ends_with(".tf.json")
}

/// Lockfiles have parsers of their own, which need no tree.
const NOT_TREES: &[&str] =
    &["package-lock.json", "npm-shrinkwrap.json", "composer.lock", "pnpm-lock.yaml", "Cargo.lock"];

fn parse(tree: &Tree, wanted: &Wanted, entry: &FileEntry, format: Format) -> Option<DataFile> {
    if NOT_TREES.contains(&entry.name()) || (format == Format::Yaml && chart_template(tree, &entry.path)) {
        return None;
    }
    let path = Arc::clone(&entry.path);
    let mut file = DataFile {
        path: Arc::clone(&path),
        role: entry.role,
        format,
        documents: Vec::new(),
        errors: Vec::new(),
        broken: None,
    };
    let text = match tree.text(&path) {
        Ok(text) => text,
        Err(reason) => {
            // A manifest in a broken encoding is still a manifest: its source has a gap.
            file.broken = tree.bytes(&path).ok().map(|bytes| String::from_utf8_lossy(&bytes).into());
            file.errors.push(ParseError { place: Place::whole(path), reason });
            return Some(file);
        }
    };
    match format {
        Format::Yaml => {
            if schemas::are_changed_by(&text) {
                wanted.changes_schemas.store(true, Ordering::Relaxed);
            }
            let stream = schemas::parse_without(&path, &text);
            file.documents = stream.documents.into_iter().map(|document| document.node).collect();
            file.errors = stream.errors;
        }
        Format::Json if wanted_name(entry.name()) || wanted.json(&text) => match parse_json(&path, &text) {
            Ok(node) => file.documents.push(node),
            Err(error) => file.errors.push(error),
        },
        Format::Json => return None,
        Format::Toml => match toml::parse(&path, &text) {
            Ok(node) => file.documents.push(node),
            Err(error) => file.errors.push(error),
        },
    }
    if !file.errors.is_empty() {
        file.broken = Some(text);
    }
    Some(file)
}

fn parse_json(path: &Arc<str>, text: &str) -> Result<Node, ParseError> {
    if crate::roles::has_extension(path, "json5") { json5::parse(path, text) } else { json::parse(path, text) }
}

/// A template of a chart is no YAML; the chart's renderer reads it.
fn chart_template(tree: &Tree, path: &str) -> bool {
    path.match_indices("/templates/")
        .any(|(at, _)| path.get(..at).is_some_and(|chart| tree.contains(&format!("{chart}/Chart.yaml"))))
        || (path.starts_with("templates/") && tree.contains("Chart.yaml"))
}
