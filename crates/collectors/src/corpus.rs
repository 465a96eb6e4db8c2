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

use crate::{Tree, schemas, tree::READ_LIMIT};

/// The files of a repository with what was parsed of them.
#[derive(Debug)]
pub struct Corpus<'t> {
    pub tree: &'t Tree,
    /// Something in the repository changes schemas, which `data` leaves out.
    pub(crate) changes_schemas: bool,
    data: BTreeMap<Arc<str>, DataFile>,
    cuts: Vec<Cut>,
}

/// Where files were left out because there are too many.
#[derive(Clone, Debug)]
pub(crate) struct Cut {
    /// The first of them.
    path: Arc<str>,
    reason: String,
}

impl Cut {
    /// What is missing of a source by it.
    pub(crate) fn of(&self, source: Source) -> Gap {
        Gap { source, place: Place::whole(Arc::clone(&self.path)), reason: self.reason.clone() }
    }
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
        Self::read_up_to(tree, &LIMITS)
    }

    fn read_up_to(tree: &'t Tree, limits: &Limits) -> Self {
        let wanted = Wanted::new();
        let mut candidates: Vec<(&FileEntry, Format)> = tree
            .files()
            .iter()
            .filter(|entry| reads(entry))
            .filter_map(|entry| Some((entry, format(entry.name())?)))
            .collect();
        // Stable: the order of the paths stays within a rank. What runs comes before what is shown and what is tested.
        candidates.sort_by_key(|(entry, _)| rank(entry.role));
        let mut cuts: Vec<Cut> =
            tree.cut().map(|cut| Cut { path: Arc::clone(&cut.path), reason: cut.reason.clone() }).into_iter().collect();
        let (mut data, mut bytes) = (BTreeMap::new(), 0);
        let mut rest = candidates.as_slice();
        while let Some((first, _)) = rest.first() {
            if data.len() >= limits.files || bytes >= limits.bytes {
                let reason = format!(
                    "there are too many data files: {} were parsed, this one and {} more were not",
                    data.len(),
                    rest.len() - 1
                );
                cuts.push(Cut { path: Arc::clone(&first.path), reason });
                break;
            }
            let (now, later) = rest.split_at(limits.batch(rest));
            rest = later;
            let parsed: Vec<(u64, DataFile)> = now
                .par_iter()
                .filter_map(|(entry, format)| Some((entry.size, parse(tree, &wanted, entry, *format)?)))
                .collect();
            for (size, file) in parsed {
                bytes += size;
                data.insert(Arc::clone(&file.path), file);
            }
        }
        Self { tree, changes_schemas: wanted.changes_schemas.into_inner(), data, cuts }
    }

    /// Where files were left out, of whichever source they are.
    pub(crate) fn cuts(&self) -> &[Cut] {
        &self.cuts
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

/// How much is parsed. The trees of data files are most of the memory of a review, and are all held at once.
struct Limits {
    files: usize,
    bytes: u64,
    /// What is parsed before the limits are looked at again.
    batch_files: usize,
    batch_bytes: u64,
}

/// The largest repositories that were tried hold a tenth of this.
const LIMITS: Limits = Limits { files: 50_000, bytes: 192 << 20, batch_files: 10_000, batch_bytes: 32 << 20 };

impl Limits {
    /// How many of the files are parsed at once: by their listed sizes, so that the threads have no say in it.
    fn batch(&self, files: &[(&FileEntry, Format)]) -> usize {
        let mut bytes = 0;
        let small = files.iter().take(self.batch_files).take_while(|(entry, _)| {
            let before = bytes;
            bytes += entry.size.min(READ_LIMIT);
            before < self.batch_bytes
        });
        small.count().max(1)
    }
}

/// Which files are parsed first.
fn rank(role: Role) -> u8 {
    match role {
        Role::Product | Role::Generated => 0,
        Role::Example | Role::Documentation => 1,
        Role::Test | Role::Fixture | Role::Vendored => 2,
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
            "\"send_delay\"",
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

#[cfg(test)]
mod tests {
    use super::*;

    /// The data files that are parsed under a limit, and what is said about the rest.
    fn check(files: &[(&str, &str)], limits: &Limits, expect: &[&str], cut: Option<(&str, &str)>) {
        let tree = Tree::from_memory(files.iter().map(|(path, text)| ((*path).to_owned(), text.as_bytes().to_vec())));
        let corpus = Corpus::read_up_to(&tree, limits);
        let parsed: Vec<&str> = corpus.data().map(|file| &*file.path).collect();
        assert_eq!(parsed, expect);
        let said: Vec<(&str, &str)> = corpus.cuts.iter().map(|cut| (&*cut.path, cut.reason.as_str())).collect();
        assert_eq!(said, cut.into_iter().collect::<Vec<_>>());
    }

    const FILES: &[(&str, &str)] = &[
        ("a.json", "{\"data\": [1, 2, 3]}"),
        ("b.yaml", "b: 1\n"),
        ("examples/a.yaml", "a: 1\n"),
        ("m.toml", "m = 1\n"),
        ("tests/a.yaml", "a: 1\n"),
        ("z.yaml", "z: 1\n"),
    ];

    #[test]
    fn too_many_data_files_are_cut_in_order_and_what_runs_comes_first() {
        let limits = |files, bytes| Limits { files, bytes, batch_files: 1, batch_bytes: 1 << 10 };
        check(FILES, &LIMITS, &["b.yaml", "examples/a.yaml", "m.toml", "tests/a.yaml", "z.yaml"], None);
        let said = "there are too many data files: 3 were parsed, this one and 1 more were not";
        check(FILES, &limits(3, 1 << 10), &["b.yaml", "m.toml", "z.yaml"], Some(("examples/a.yaml", said)));
        let said = "there are too many data files: 2 were parsed, this one and 2 more were not";
        check(FILES, &limits(9, 6), &["b.yaml", "m.toml"], Some(("z.yaml", said)));
    }

    #[test]
    fn batches_are_bounded_in_files_and_in_bytes() {
        let entry = |size| FileEntry { path: Arc::from("a.yaml"), size, role: Role::Product };
        let entries = [entry(10), entry(10), entry(10), entry(1 << 40)];
        let files: Vec<(&FileEntry, Format)> = entries.iter().map(|entry| (entry, Format::Yaml)).collect();
        let batch = |batch_files, batch_bytes| Limits { files: 9, bytes: 9, batch_files, batch_bytes }.batch(&files);
        assert_eq!((batch(2, 100), batch(9, 15), batch(9, 1), batch(9, 100)), (2, 2, 1, 4));
    }
}
