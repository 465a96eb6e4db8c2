//! Python projects: one package a folder, from whichever of pyproject.toml, setup.py, setup.cfg, Pipfile and
//! requirements files it has, and the lockfiles of pip-tools, Poetry, uv, PDM and Pipenv.
//!
//! Names are in the normal form of PEP 503: lower case, with `-` for `_` and `.`.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use gonogo_domain::{
    Node, Place,
    evidence::{Ecosystem, Package, PackageDependency},
};
use gonogo_formats::toml;

use super::{
    json_scan,
    reader::{Reader, Versions, conflict, count, spot, toml_lock, upwards},
};
use crate::paths::{folder, join as resolve, name};

/// Requirement files that include each other.
const MAX_INCLUDES: usize = 64;

pub(super) fn read(reader: &mut Reader<'_, '_>) -> Vec<Package> {
    let mut folders: BTreeMap<&str, Vec<&Arc<str>>> = BTreeMap::new();
    for entry in reader.named(is_manifest_name) {
        folders.entry(home(&entry.path)).or_default().push(&entry.path);
    }
    // `requirements/base.txt` is named after its folder.
    for entry in reader
        .corpus
        .files_where(|entry| name(folder(&entry.path)) == "requirements" && has_extension(entry.name(), &["txt", "in"]))
    {
        let paths = folders.entry(home(&entry.path)).or_default();
        if !paths.contains(&&entry.path) {
            paths.push(&entry.path);
        }
    }
    folders.into_iter().filter_map(|(folder, paths)| project(reader, folder, &paths)).collect()
}

fn is_manifest_name(name: &str) -> bool {
    matches!(name, "pyproject.toml" | "setup.py" | "setup.cfg" | "Pipfile") || is_requirements_name(name)
}

fn is_requirements_name(name: &str) -> bool {
    let Some((stem, "txt" | "in" | "pip")) = name.rsplit_once('.') else { return false };
    stem.starts_with("requirements") || stem.ends_with("requirements")
}

fn has_extension(name: &str, extensions: &[&str]) -> bool {
    name.rsplit_once('.').is_some_and(|(_, own)| extensions.contains(&own))
}

/// The folder of the project that a manifest belongs to.
fn home(path: &str) -> &str {
    let own = folder(path);
    if name(own) == "requirements" { folder(own) } else { own }
}

#[derive(Default)]
struct Project {
    name: Option<String>,
    /// The file that says most about it.
    place: Option<Arc<str>>,
    dependencies: Vec<PackageDependency>,
    lockfile: Option<Arc<str>>,
    versions: Versions,
    scripts: Vec<(String, String, Place)>,
    starts: bool,
    builds: bool,
    private: bool,
}

fn project(reader: &mut Reader<'_, '_>, folder: &str, paths: &[&Arc<str>]) -> Option<Package> {
    let mut project = Project::default();
    for file in ["pyproject.toml", "setup.py", "setup.cfg", "Pipfile"] {
        let Some(path) = paths.iter().find(|path| name(path) == file) else { continue };
        let is_ours = match file {
            "pyproject.toml" => project.pyproject(reader, path),
            "setup.py" => project.setup_py(reader, path),
            "setup.cfg" => project.setup_cfg(reader, path),
            _ => project.pipfile(reader, path),
        };
        if is_ours {
            project.place.get_or_insert_with(|| Arc::clone(path));
        }
    }
    project.lock(reader, folder);
    project.requirements(reader, paths);

    let place = project.place?;
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    let mut dependencies: Vec<PackageDependency> = Vec::new();
    // Of two mentions the one of the program counts, else the first.
    project.dependencies.sort_by_key(|dependency| dependency.development);
    for mut dependency in project.dependencies {
        if dependency.version.is_none() {
            dependency.version = exact(&dependency.requirement)
                .map(str::to_owned)
                .or_else(|| project.versions.get(&dependency.name).and_then(|versions| versions.first().cloned()));
        }
        if !seen.contains_key(&dependency.name) {
            seen.insert(dependency.name.clone(), dependencies.len());
            dependencies.push(dependency);
        }
    }
    let pinned = dependencies.iter().filter(|one| !one.development).all(|one| is_exact(&one.requirement));
    let program = project.starts || has_entry_file(reader, folder) || (!project.builds && reader.is_packed(folder));
    Some(Package {
        ecosystem: Ecosystem::Python,
        published: project.builds && !project.private && !program && project.name.is_some(),
        name: project.name,
        place: Place::whole(place),
        dependencies,
        lockfile: project.lockfile.map(Place::whole),
        pinned_in_manifest: pinned,
        scripts: project.scripts,
        program,
    })
}

/// File names that frameworks and people give to what is started.
fn has_entry_file(reader: &Reader<'_, '_>, folder: &str) -> bool {
    reader.names_in(folder).any(|name| {
        matches!(name, "main.py" | "app.py" | "manage.py" | "wsgi.py" | "asgi.py" | "server.py" | "__main__.py")
    })
}

impl Project {
    fn pyproject(&mut self, reader: &mut Reader<'_, '_>, path: &Arc<str>) -> bool {
        let Some(node) = reader.data(path) else {
            // What cannot be parsed is shown as a gap; whether it was a manifest nobody knows.
            return false;
        };
        let poetry = node.at("tool.poetry");
        let project = node.get("project");
        let ours = project.is_some()
            || poetry.is_some()
            || node.get("build-system").is_some()
            || node.get("dependency-groups").is_some()
            || node.at("tool.uv.dev-dependencies").is_some();
        self.builds |= node.get("build-system").is_some();
        self.name = node.str_at("project.name").or_else(|| node.str_at("tool.poetry.name")).map(normal);
        self.private |= node
            .list("project.classifiers")
            .iter()
            .any(|classifier| classifier.str().is_some_and(|text| text.starts_with("Private ::")))
            || node.bool_at("tool.poetry.package-mode") == Some(false)
            || node.bool_at("tool.uv.package") == Some(false);

        self.list(node.list("project.dependencies"), false);
        self.groups(node.at("project.optional-dependencies"));
        self.groups(node.get("dependency-groups"));
        self.list(node.list("tool.uv.dev-dependencies"), true);
        if let Some(groups) = node.at("tool.pdm.dev-dependencies") {
            groups.entries().iter().for_each(|group| self.list(group.node.items(), true));
        }
        if let Some(poetry) = poetry {
            self.table(poetry.get("dependencies"), false);
            self.table(poetry.get("dev-dependencies"), true);
            for group in poetry.get("group").map(Node::entries).unwrap_or_default() {
                self.table(group.node.get("dependencies"), is_development(&group.key));
            }
        }
        for key in ["project.scripts", "project.gui-scripts", "tool.poetry.scripts"] {
            for script in node.at(key).map(Node::entries).unwrap_or_default() {
                self.starts = true;
                self.script(&script.key, &script.node, &script.key_place);
            }
        }
        for key in ["tool.pdm.scripts", "tool.taskipy.tasks", "tool.poe.tasks"] {
            for script in node.at(key).map(Node::entries).unwrap_or_default() {
                self.script(&script.key, &script.node, &script.key_place);
            }
        }
        ours
    }

    fn script(&mut self, name: &str, node: &Node, place: &Place) {
        let command = node.str().or_else(|| ["cmd", "shell", "call"].iter().find_map(|key| node.str_at(key)));
        if let Some(command) = command {
            self.scripts.push((name.to_owned(), command.to_owned(), place.clone()));
        }
    }

    /// Groups of requirement strings.
    fn groups(&mut self, groups: Option<&Node>) {
        for group in groups.map(Node::entries).unwrap_or_default() {
            self.list(group.node.items(), is_development(&group.key));
        }
    }

    fn list(&mut self, items: &[Node], development: bool) {
        for item in items {
            if let Some((name, requirement)) = item.str().and_then(split) {
                self.add(name, requirement, development, item.place.clone());
            }
        }
    }

    /// Requirements by name, as Poetry and Pipenv write them.
    fn table(&mut self, table: Option<&Node>, development: bool) {
        for entry in table.map(Node::entries).unwrap_or_default() {
            if entry.key == "python" {
                continue;
            }
            let first = entry.node.items().first().unwrap_or(&entry.node);
            let requirement = first.str().or_else(|| first.str_at("version")).unwrap_or_default();
            self.add(&entry.key, requirement, development, entry.key_place.clone());
        }
    }

    fn add(&mut self, name: &str, requirement: &str, development: bool, place: Place) {
        self.dependencies.push(PackageDependency {
            name: normal(name),
            requirement: requirement.trim().to_owned(),
            version: None,
            development,
            place,
        });
    }

    fn setup_py(&mut self, reader: &mut Reader<'_, '_>, path: &Arc<str>) -> bool {
        let Some(text) = reader.text(path) else { return false };
        if !text.contains("setup(") {
            return false;
        }
        self.builds = true;
        // `name="x"` as an argument of its own.
        let written = text.lines().find_map(|line| {
            let value = line.trim().strip_prefix("name")?.trim_start().strip_prefix('=')?.trim_start();
            value.strip_prefix(['"', '\''])?.split(['"', '\'']).next()
        });
        self.name = self.name.take().or_else(|| written.map(normal));
        for (key, development) in [("install_requires", false), ("tests_require", true), ("setup_requires", true)] {
            let mut inside = false;
            for (index, line) in text.lines().enumerate() {
                let code = match line.find(key) {
                    Some(at) if !inside && line.get(at + key.len()..).is_some_and(|rest| rest.contains('[')) => {
                        inside = true;
                        line.get(at..).and_then(|rest| rest.split_once('[')).map_or("", |(_, rest)| rest)
                    }
                    _ if inside => line,
                    _ => continue,
                };
                for literal in literals(code) {
                    if let Some((name, requirement)) = split(literal) {
                        self.add(name, requirement, development, spot(path, index, line, literal));
                    }
                }
                // `extras[x]` stands inside of quotes, so that a bracket outside of them is the end.
                if without_literals(code).contains(']') {
                    inside = false;
                }
            }
        }
        self.starts |= text.contains("console_scripts");
        true
    }

    fn setup_cfg(&mut self, reader: &mut Reader<'_, '_>, path: &Arc<str>) -> bool {
        let Some(text) = reader.text(path) else { return false };
        let (mut section, mut key) = (String::new(), String::new());
        let mut ours = false;
        for (index, line) in text.lines().enumerate() {
            let code = line.trim();
            if code.is_empty() || code.starts_with(['#', ';']) {
                continue;
            }
            if code.starts_with('[') && code.ends_with(']') {
                code.trim_matches(['[', ']']).clone_into(&mut section);
                ours |= matches!(section.as_str(), "metadata" | "options");
                continue;
            }
            let value = if line.starts_with([' ', '\t']) {
                code
            } else {
                let (name, value) = code.split_once('=').unwrap_or((code, ""));
                name.trim().clone_into(&mut key);
                value.trim()
            };
            match (section.as_str(), key.as_str()) {
                ("metadata", "name") => self.name = self.name.take().or_else(|| Some(normal(value))),
                ("options", "install_requires" | "tests_require") | ("options.extras_require", _) => {
                    let development =
                        key == "tests_require" || (section == "options.extras_require" && is_development(&key));
                    if let Some((name, requirement)) = split(value) {
                        self.add(name, requirement, development, spot(path, index, line, value));
                    }
                }
                ("options.entry_points", "console_scripts") if !value.is_empty() => self.starts = true,
                _ => (),
            }
        }
        self.builds |= ours;
        ours
    }

    fn pipfile(&mut self, reader: &mut Reader<'_, '_>, path: &Arc<str>) -> bool {
        let Some(text) = reader.text(path) else { return false };
        let node = match toml::parse(path, &text) {
            Ok(node) => node,
            Err(error) => {
                reader.broken(error.place, error.reason);
                return true;
            }
        };
        self.table(node.get("packages"), false);
        self.table(node.get("dev-packages"), true);
        for script in node.get("scripts").map(Node::entries).unwrap_or_default() {
            self.script(&script.key, &script.node, &script.key_place);
        }
        true
    }

    /// The project's own lockfile, or that of the uv workspace it is in.
    fn lock(&mut self, reader: &mut Reader<'_, '_>, folder: &str) {
        if self.place.is_none() {
            return;
        }
        let own = reader.first(folder, &["uv.lock", "poetry.lock", "pdm.lock", "pylock.toml", "Pipfile.lock"]);
        let Some(path) = own.or_else(|| workspace_lock(reader, folder)) else { return };
        let Some(text) = reader.text(&path) else {
            self.lockfile = Some(path);
            return;
        };
        if let Some(line) = conflict(&text) {
            reader.broken(Place::new(Arc::clone(&path), count(line), 1), "has an unfinished merge");
        }
        let found = if path.ends_with("Pipfile.lock") { pipfile_lock(reader, &path, &text) } else { toml_lock(&text) };
        self.versions.extend(found.into_iter().map(|(name, versions)| (normal(&name), versions)));
        self.lockfile = Some(path);
    }

    fn requirements(&mut self, reader: &mut Reader<'_, '_>, paths: &[&Arc<str>]) {
        let mut files: Vec<&Arc<str>> = paths.iter().copied().filter(|path| is_requirements(path)).collect();
        files.sort_by_key(|path| (is_development(stem(path)), !path.ends_with(".in"), stem(path) != "requirements"));
        let declared = self.place.is_some() && !self.dependencies.is_empty();
        let mut read = BTreeSet::new();
        for path in files {
            let Some(text) = reader.corpus.tree.text(path).ok() else {
                reader.text(path);
                continue;
            };
            let from_file = paths.iter().any(|other| {
                other.ends_with(".in")
                    && path.ends_with(".txt")
                    && stem(other) == stem(path)
                    && home(other) == home(path)
            });
            let lines = Requirements::read(&text);
            let pinned = !lines.items.is_empty() && lines.items.iter().all(|line| is_exact(line.requirement));
            let resolved = is_resolved(&text) || (from_file && pinned);
            if pinned {
                for line in &lines.items {
                    let version = exact(line.requirement).unwrap_or_default().to_owned();
                    self.versions.entry(normal(line.name)).or_default().push(version);
                }
            }
            let development = is_development(stem(path));
            if (resolved && (from_file || declared)) || (declared && pinned && !development) {
                reader.text(path);
                if !development || self.lockfile.is_none() {
                    self.lockfile.get_or_insert_with(|| Arc::clone(path));
                }
                continue;
            }
            if resolved && !development {
                self.lockfile.get_or_insert_with(|| Arc::clone(path));
            }
            let before = self.dependencies.len();
            self.requirements_file(reader, path, development, &mut read, 0);
            if self.dependencies.len() > before {
                self.place.get_or_insert_with(|| Arc::clone(path));
            }
        }
    }

    fn requirements_file(
        &mut self,
        reader: &mut Reader<'_, '_>,
        path: &Arc<str>,
        development: bool,
        read: &mut BTreeSet<Arc<str>>,
        depth: usize,
    ) {
        if depth >= MAX_INCLUDES || !read.insert(Arc::clone(path)) {
            return;
        }
        let Some(text) = reader.text(path) else { return };
        if let Some(line) = conflict(&text) {
            reader.broken(Place::new(Arc::clone(path), count(line), 1), "has an unfinished merge");
            return;
        }
        let file = Requirements::read(&text);
        let only_direct = is_resolved(&text) && file.items.iter().any(|line| line.direct);
        for line in file.items.iter().filter(|line| line.direct || !only_direct) {
            self.add(line.name, line.requirement, development, spot(path, line.index, line.line, line.name));
        }
        for (index, included) in file.includes {
            let target = resolve(folder(path), included);
            let entry = target.and_then(|target| reader.corpus.tree.entry(&target));
            match entry {
                Some(entry) => self.requirements_file(reader, &entry.path, development, read, depth + 1),
                None => reader.broken(
                    Place::new(Arc::clone(path), count(index + 1), 1),
                    format!("includes {included}, which is not there"),
                ),
            }
        }
    }
}

fn workspace_lock(reader: &Reader<'_, '_>, folder: &str) -> Option<Arc<str>> {
    upwards(folder).skip(1).find_map(|above| {
        let manifest = reader.first(above, &["pyproject.toml"])?;
        reader.corpus.file(&manifest)?.documents.first()?.at("tool.uv.workspace")?;
        reader.first(above, &["uv.lock"])
    })
}

fn pipfile_lock(reader: &mut Reader<'_, '_>, path: &Arc<str>, text: &str) -> Versions {
    let mut versions = Versions::new();
    let result = json_scan::scan(text, |keys, value| {
        if let [_, name, "version"] = keys {
            versions.entry((*name).to_owned()).or_default().push(value.trim_start_matches('=').to_owned());
        }
    });
    if let Err(broken) = result {
        reader.broken(Place::new(Arc::clone(path), count(broken.line), 1), broken.reason);
    }
    versions
}

fn is_requirements(path: &str) -> bool {
    is_requirements_name(name(path)) || name(folder(path)) == "requirements"
}

fn stem(path: &str) -> &str {
    let name = name(path);
    name.rsplit_once('.').map_or(name, |(stem, _)| stem)
}

/// The words of a group or a file that say that the program itself does without.
fn is_development(group: &str) -> bool {
    let words = [
        "dev",
        "develop",
        "development",
        "test",
        "tests",
        "testing",
        "lint",
        "linting",
        "linters",
        "doc",
        "docs",
        "typing",
        "types",
        "mypy",
        "ci",
        "bench",
        "benchmark",
        "format",
        "formatting",
        "style",
        "check",
        "checks",
        "release",
        "build",
        "local",
        "debug",
        "tox",
        "nox",
        "coverage",
        "e2e",
    ];
    group.to_ascii_lowercase().split(['-', '_', '.']).any(|word| words.contains(&word))
}

/// A requirements file that a resolver wrote: pip-tools, `uv pip compile`, `pdm export` …
fn is_resolved(text: &str) -> bool {
    text.lines().take_while(|line| line.trim().is_empty() || line.starts_with(['#', '-'])).any(|line| {
        let lower = line.to_ascii_lowercase();
        lower.contains("generated by") || lower.contains("pip-compile") || lower.contains("uv export")
    })
}

struct Item<'a> {
    name: &'a str,
    requirement: &'a str,
    line: &'a str,
    /// From 0.
    index: usize,
    /// A comment of the resolver says that a file, and not only another package, asks for it.
    direct: bool,
}

#[derive(Default)]
struct Requirements<'a> {
    items: Vec<Item<'a>>,
    /// Lines, from 0, and the files that they include.
    includes: Vec<(usize, &'a str)>,
}

impl<'a> Requirements<'a> {
    fn read(text: &'a str) -> Self {
        let mut file = Self::default();
        let mut continued = false;
        for (index, line) in text.lines().enumerate() {
            let code = line.trim();
            let is_continued = std::mem::replace(&mut continued, code.ends_with('\\'));
            if let Some(comment) = code.strip_prefix('#') {
                let comment = comment.trim();
                if (comment.contains("-r ") || comment.contains("pyproject.toml") || comment.contains("setup.py"))
                    && let Some(last) = file.items.last_mut()
                {
                    last.direct = true;
                }
                continue;
            }
            if code.is_empty() || is_continued {
                continue;
            }
            let (code, comment) = code.split_once(" #").unwrap_or((code, ""));
            let code = code.trim_end_matches('\\').trim();
            if let Some(target) = ["-r", "--requirement"].iter().find_map(|flag| code.strip_prefix(flag)) {
                file.includes.push((index, target.trim_start_matches('=').trim()));
            } else if let Some((name, rest)) = split(code) {
                let requirement = rest.split(" --").next().unwrap_or(rest).trim();
                file.items.push(Item { name, requirement, line, index, direct: comment.contains("-r ") });
            }
        }
        file
    }
}

/// A requirement as PEP 508 writes it: its name, and the rest without extras and markers.
fn split(text: &str) -> Option<(&str, &str)> {
    let text = text.trim();
    let length =
        text.bytes().take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.')).count();
    let (name, rest) = text.split_at_checked(length)?;
    if !name.starts_with(|first: char| first.is_ascii_alphanumeric()) {
        return None;
    }
    let rest = rest.trim_start();
    let rest = match rest.strip_prefix('[') {
        Some(extras) => extras.split_once(']')?.1.trim_start(),
        None => rest,
    };
    if !rest.is_empty() && !rest.starts_with(['=', '<', '>', '!', '~', ';', '@', '(', ',']) && !rest.starts_with("--") {
        return None;
    }
    let requirement = if rest.starts_with('@') { rest } else { rest.split(';').next().unwrap_or(rest) };
    Some((name, requirement.trim()))
}

fn is_exact(requirement: &str) -> bool {
    exact(requirement).is_some() || requirement.starts_with('@')
}

/// The version of `==1.2`, and of `1.2` in the tables of Poetry, where `^` and `~` are written out.
fn exact(requirement: &str) -> Option<&str> {
    let version = requirement.strip_prefix("===").or_else(|| requirement.strip_prefix("=="))?.trim();
    (!version.is_empty() && !version.contains(['*', ',', '|'])).then_some(version)
}

fn normal(name: &str) -> String {
    let mut normal = String::with_capacity(name.len());
    for character in name.trim().chars() {
        match character {
            '-' | '_' | '.' => {
                if !normal.ends_with('-') {
                    normal.push('-');
                }
            }
            _ => normal.push(character.to_ascii_lowercase()),
        }
    }
    normal
}

/// The texts in quotes of a line of Python.
fn literals(line: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut rest = line;
    while let Some(start) = rest.find(['"', '\'', '#']) {
        let quote = rest.get(start..=start).unwrap_or_default();
        if quote == "#" {
            break;
        }
        let Some((literal, after)) = rest.get(start + 1..).and_then(|rest| rest.split_once(quote)) else { break };
        found.push(literal);
        rest = after;
    }
    found
}

fn without_literals(line: &str) -> String {
    let mut quote = None;
    line.chars()
        .take_while(|character| *character != '#')
        .filter(|character| match (quote, character) {
            (None, '"' | '\'') => {
                quote = Some(*character);
                false
            }
            (Some(open), character) if open == *character => {
                quote = None;
                false
            }
            (Some(_), _) => false,
            (None, _) => true,
        })
        .collect()
}
