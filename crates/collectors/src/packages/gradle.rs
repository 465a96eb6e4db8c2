//! Gradle builds: dependency lines of build.gradle and build.gradle.kts, version catalogues, gradle.lockfile.
//!
//! The files are programs; what is read are the lines that declare in the usual forms.

use std::{collections::BTreeMap, sync::Arc};

use gonogo_domain::{
    Node, Place,
    evidence::{Ecosystem, Package, PackageDependency},
};
use regex::Regex;

use super::reader::{Reader, join, spot, upwards};
use crate::paths::{self, folder};

pub(super) fn read(reader: &mut Reader<'_, '_>) -> Vec<Package> {
    let manifests = reader.named(|name| matches!(name, "build.gradle" | "build.gradle.kts"));
    if manifests.is_empty() {
        return Vec::new();
    }
    let Ok(lines) = Lines::new() else { return Vec::new() };
    manifests.iter().filter_map(|entry| build(reader, &lines, &entry.path)).collect()
}

struct Lines {
    /// A configuration and what follows it.
    configuration: Regex,
    /// `group:name:version` in quotes.
    coordinates: Regex,
    /// `group: 'g', name: 'n', version: 'v'`, in Kotlin with `=`.
    named: Regex,
    /// `libs.some.thing`.
    catalogue: Regex,
    plugin: Regex,
    variable: Regex,
    /// `apply from: 'dependencies.gradle'`
    applied: Regex,
}

impl Lines {
    fn new() -> Result<Self, regex::Error> {
        Ok(Self {
            configuration: Regex::new(
                r"^\s*(?:add\()?[\x22']?([a-z]\w*(?:[iI]mplementation|[aA]pi|CompileOnly|RuntimeOnly)|implementation|api|compile|compileOnly|compileOnlyApi|runtime|runtimeOnly|testCompile|testRuntime|androidTestCompile|annotationProcessor|kapt|ksp|developmentOnly|providedCompile|providedRuntime|gatling|jmh)[\x22']?[\s(,](.*)$",
            )?,
            coordinates: Regex::new(
                r#"["']([A-Za-z0-9_.\-]+):([A-Za-z0-9_.\-]+)(?::([^"'@:]+))?(?::[^"']*)?(?:@\w+)?["']"#,
            )?,
            named: Regex::new(
                r#"group\s*[:=]\s*["']([^"']+)["']\s*,\s*name\s*[:=]\s*["']([^"']+)["'](?:\s*,\s*version\s*[:=]\s*["']?([^"',)\s]+))?"#,
            )?,
            catalogue: Regex::new(r"\blibs\.((?:[A-Za-z][A-Za-z0-9]*\.?)+)")?,
            plugin: Regex::new(
                r#"^\s*(?:id\s*\(?\s*["']([^"']+)["']\)?(?:\s*version\s*\(?\s*["']([^"']+)["'])?|apply\s+plugin\s*:\s*["']([^"']+)["']|kotlin\(["']([^"']+)["']\)|(application|java|war|jacoco)\s*$)"#,
            )?,
            variable: Regex::new(
                r#"(?:^|\s)(?:def|val|var|ext\.|project\.ext\.)?\s*([A-Za-z_][A-Za-z0-9_.]*)\s*=\s*["']([^"'$\s]+)["']\s*$"#,
            )?,
            applied: Regex::new(r#"(?m)^\s*apply\s*\(?\s*from\s*[:=]\s*["']([^"':]+\.gradle(?:\.kts)?)["']"#)?,
        })
    }
}

/// Scripts that a build takes in, in the folders where they are.
fn applied(reader: &mut Reader<'_, '_>, lines: &Lines, folder: &str, text: &str) -> Vec<(Arc<str>, Arc<str>)> {
    const ROOTS: &[&str] = &["$rootDir/", "${rootDir}/", "$rootProject.projectDir/", "${rootProject.projectDir}/"];
    const OWN: &[&str] = &["$projectDir/", "${projectDir}/"];
    let named = lines.applied.captures_iter(text).filter_map(|found| found.get(1)).map(|name| name.as_str());
    let scripts = named.filter_map(|name| {
        if let Some(rest) = ROOTS.iter().find_map(|root| name.strip_prefix(root)) {
            return upwards(folder).last().and_then(|root| paths::join(root, rest));
        }
        paths::join(folder, OWN.iter().find_map(|own| name.strip_prefix(own)).unwrap_or(name))
    });
    let scripts: Vec<String> = scripts.filter(|path| !path.contains('$')).collect();
    let found = scripts.iter().filter_map(|path| {
        let path = reader.first(paths::folder(path), &[paths::name(path)])?;
        let text = reader.text(&path)?;
        Some((path, text))
    });
    found.collect()
}

fn build(reader: &mut Reader<'_, '_>, lines: &Lines, path: &Arc<str>) -> Option<Package> {
    let text = reader.text(path)?;
    let folder = folder(path);
    let variables = variables(reader, lines, folder, &text);
    let catalogue =
        upwards(folder).find_map(|above| reader.data(&join(above, "gradle/libs.versions.toml"))).map(Catalogue::new);
    let lock = reader.first(folder, &["gradle.lockfile"]);
    let locked = lock.as_ref().and_then(|lock| reader.text(lock)).map(|text| locked(&text)).unwrap_or_default();

    let mut dependencies: Vec<PackageDependency> = Vec::new();
    let mut program = false;
    let mut published = false;
    let mut pinned = true;
    let parts = std::iter::once((Arc::clone(path), text.clone())).chain(applied(reader, lines, folder, &text));
    let parts: Vec<(Arc<str>, Arc<str>)> = parts.collect();
    // A list goes on as long as its lines end in a comma.
    let mut open: Option<bool> = None;
    let mut in_comment = false;
    let all =
        parts.iter().flat_map(|(path, text)| text.lines().enumerate().map(move |(index, line)| (path, index, line)));
    for (path, index, line) in all {
        let code = line.trim();
        in_comment |= code.starts_with("/*");
        if in_comment || code.is_empty() || code.starts_with("//") {
            in_comment &= !code.contains("*/");
            continue;
        }
        if let Some(found) = lines.plugin.captures(code) {
            let name =
                (1..=5).filter(|group| *group != 2).find_map(|group| found.get(group)).map_or("", |name| name.as_str());
            program |= matches!(
                name,
                "application"
                    | "org.springframework.boot"
                    | "com.google.cloud.tools.jib"
                    | "war"
                    | "io.quarkus"
                    | "io.micronaut.application"
                    | "com.github.johnrengelman.shadow"
                    | "com.gradleup.shadow"
                    | "io.ktor.plugin"
            );
            published |= matches!(name, "maven-publish" | "com.vanniktech.maven.publish");
            let version = found.get(2).map_or("", |version| version.as_str());
            dependencies.push(PackageDependency {
                name: name.to_owned(),
                requirement: version.to_owned(),
                version: exact(version),
                development: true,
                place: spot(path, index, line, name),
            });
            continue;
        }
        let (development, rest) = match (lines.configuration.captures(line), open) {
            (Some(found), _) => {
                let configuration = found.get(1).map_or("", |name| name.as_str());
                (is_development(configuration), found.get(2).map_or("", |rest| rest.as_str()))
            }
            (None, Some(development)) => (development, line),
            (None, None) => continue,
        };
        open = code.ends_with([',', '(']).then_some(development);
        let mut add = |name: String, requirement: &str, word: &str| {
            let resolved = substitute(requirement, &variables);
            let version = locked.get(&name).cloned().or_else(|| exact(&resolved));
            pinned &= development || requirement.is_empty() || exact(&resolved).is_some() || resolved.contains('$');
            dependencies.push(PackageDependency {
                name,
                requirement: requirement.to_owned(),
                version,
                development,
                place: spot(path, index, line, word),
            });
        };
        let mut any = false;
        for found in lines.coordinates.captures_iter(rest) {
            let (group, artifact) = (found.get(1).map_or("", |m| m.as_str()), found.get(2).map_or("", |m| m.as_str()));
            add(format!("{group}:{artifact}"), found.get(3).map_or("", |m| m.as_str()), group);
            any = true;
        }
        if let Some(found) = lines.named.captures(rest) {
            let (group, artifact) = (found.get(1).map_or("", |m| m.as_str()), found.get(2).map_or("", |m| m.as_str()));
            add(format!("{group}:{artifact}"), found.get(3).map_or("", |m| m.as_str()), group);
            any = true;
        }
        if !any && let (Some(found), Some(catalogue)) = (lines.catalogue.captures(rest), &catalogue) {
            let accessor = found.get(1).map_or("", |m| m.as_str()).trim_end_matches(".get").trim_end_matches('.');
            for (name, version) in catalogue.find(accessor) {
                add(name, &version, accessor);
            }
        }
    }
    if dependencies.is_empty() && lock.is_none() {
        return None;
    }
    let program = program || reader.is_packed(folder);
    Some(Package {
        ecosystem: Ecosystem::Maven,
        name: project_name(reader, folder),
        place: Place::whole(Arc::clone(path)),
        dependencies,
        lockfile: lock.map(Place::whole),
        pinned_in_manifest: pinned,
        scripts: Vec::new(),
        program,
        published: published && !program,
    })
}

/// `rootProject.name` of the settings beside it, else the name of the folder.
fn project_name(reader: &Reader<'_, '_>, folder: &str) -> Option<String> {
    let settings = reader.first(folder, &["settings.gradle", "settings.gradle.kts"]);
    let written = settings.and_then(|path| reader.corpus.tree.text(&path).ok()).and_then(|text| {
        text.lines().find_map(|line| {
            let value = line.trim().strip_prefix("rootProject.name")?.trim_start().strip_prefix('=')?.trim();
            Some(value.trim_matches(['"', '\'', ';']).to_owned())
        })
    });
    written.or_else(|| (folder != ".").then(|| paths::name(folder).to_owned()))
}

fn is_development(configuration: &str) -> bool {
    let lower = configuration.to_ascii_lowercase();
    lower.contains("test")
        || matches!(lower.as_str(), "annotationprocessor" | "kapt" | "ksp" | "developmentonly" | "gatling" | "jmh")
}

fn exact(version: &str) -> Option<String> {
    let fixed = version.starts_with(|first: char| first.is_ascii_alphanumeric())
        && !version.ends_with('+')
        && !version.contains(['[', '(', ',', '$'])
        && !version.starts_with("latest.")
        && !version.ends_with("-SNAPSHOT");
    fixed.then(|| version.to_owned())
}

fn variables(reader: &mut Reader<'_, '_>, lines: &Lines, folder: &str, text: &str) -> BTreeMap<String, String> {
    let mut variables = BTreeMap::new();
    for above in upwards(folder) {
        let Some(path) = reader.first(above, &["gradle.properties"]) else { continue };
        let Some(text) = reader.text(&path) else { continue };
        for (key, value) in text.lines().filter_map(|line| line.split_once('=')) {
            variables.entry(key.trim().to_owned()).or_insert_with(|| value.trim().to_owned());
        }
    }
    for found in text.lines().filter_map(|line| lines.variable.captures(line)) {
        if let (Some(name), Some(value)) = (found.get(1), found.get(2)) {
            variables.insert(name.as_str().trim_start_matches("ext.").to_owned(), value.as_str().to_owned());
        }
    }
    variables
}

/// `$name` and `${name}`.
fn substitute(version: &str, variables: &BTreeMap<String, String>) -> String {
    let name = version.strip_prefix("${").and_then(|rest| rest.strip_suffix('}')).or_else(|| version.strip_prefix('$'));
    match name {
        Some(name) => variables
            .get(name.trim_start_matches("project.").trim_start_matches("ext."))
            .cloned()
            .unwrap_or_else(|| version.to_owned()),
        None => variables.get(version).cloned().unwrap_or_else(|| version.to_owned()),
    }
}

/// `group:name:version=configurations`.
fn locked(text: &str) -> BTreeMap<String, String> {
    text.lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.split_once('=')?.0.rsplit_once(':'))
        .map(|(name, version)| (name.to_owned(), version.to_owned()))
        .collect()
}

/// A version catalogue: libraries and bundles by the name that builds use for them.
struct Catalogue<'n> {
    node: &'n Node,
}

impl<'n> Catalogue<'n> {
    fn new(node: &'n Node) -> Self {
        Self { node }
    }

    fn find(&self, accessor: &str) -> Vec<(String, String)> {
        if let Some(bundle) = accessor.strip_prefix("bundles.") {
            let entries = self.node.get("bundles").map(Node::entries).unwrap_or_default();
            let members = entries.iter().find(|entry| dotted(&entry.key) == bundle).map(|entry| entry.node.items());
            return members.unwrap_or_default().iter().filter_map(|item| self.library(&dotted(item.str()?))).collect();
        }
        self.library(accessor).into_iter().collect()
    }

    fn library(&self, accessor: &str) -> Option<(String, String)> {
        let entry = self.node.get("libraries")?.entries().iter().find(|entry| dotted(&entry.key) == accessor)?;
        let library = &entry.node;
        if let Some(text) = library.str() {
            let (name, version) = text.rsplit_once(':')?;
            return Some((name.to_owned(), version.to_owned()));
        }
        let name = match library.str_at("module") {
            Some(module) => module.to_owned(),
            None => format!("{}:{}", library.str_at("group")?, library.str_at("name")?),
        };
        let shared = library.str_at("version.ref").and_then(|key| self.node.get("versions")?.get(key)?.str());
        let version = library.get("version").and_then(Node::str).or(shared).unwrap_or_default();
        Some((name, version.to_owned()))
    }
}

/// Gradle makes `a-b_c` to `a.b.c`.
fn dotted(key: &str) -> String {
    key.replace(['-', '_'], ".")
}
