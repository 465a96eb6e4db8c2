//! Maven projects: pom.xml with its parents in the repository. A plugin of the build is a dependency for development.

use std::{collections::BTreeMap, sync::Arc};

use gonogo_domain::{
    Place,
    evidence::{Ecosystem, Package, PackageDependency},
};
use gonogo_formats::xml::{self, Element};

use super::reader::{Reader, join};
use crate::paths::{folder, join as resolve, name};

/// Parents of parents, and properties in properties.
const MAX_STEPS: usize = 16;

pub(super) fn read(reader: &mut Reader<'_, '_>) -> Vec<Package> {
    let mut poms: BTreeMap<Arc<str>, Element> = BTreeMap::new();
    for entry in reader.named(|name| name == "pom.xml") {
        let Some(text) = reader.text(&entry.path) else { continue };
        match xml::parse(&entry.path, &text) {
            Ok(pom) if pom.name == "project" => {
                poms.insert(Arc::clone(&entry.path), pom);
            }
            Ok(pom) => reader.broken(pom.place, "is no project of Maven"),
            Err(error) => reader.broken(error.place, error.reason),
        }
    }
    poms.keys().map(|path| project(reader, &poms, path)).collect()
}

fn project(reader: &Reader<'_, '_>, poms: &BTreeMap<Arc<str>, Element>, path: &Arc<str>) -> Package {
    let line = lineage(poms, path);
    let pom = line.first().copied();
    let mut dependencies = Vec::new();
    let mut pinned = true;
    let mut builds_program =
        pom.and_then(|pom| pom.text_of("packaging")).is_some_and(|kind| matches!(kind, "war" | "ear"));
    if let Some(pom) = pom {
        let profiles = pom.child("profiles").into_iter().flat_map(|profiles| profiles.children_named("profile"));
        for part in std::iter::once(pom).chain(profiles) {
            for written in listed(part, "dependencies", "dependency") {
                let (dependency, exact) = dependency(written, &line);
                pinned &= exact || dependency.development;
                dependencies.push(dependency);
            }
        }
    }
    // Plugins are inherited; dependencies are too, at the places where their parents write them.
    for (index, pom) in line.iter().enumerate() {
        if index > 0 {
            dependencies.extend(listed(pom, "dependencies", "dependency").map(|written| dependency(written, &line).0));
        }
        // A parent from elsewhere, and bills of materials, say which versions hold.
        let parent = pom.child("parent").filter(|_| index + 1 == line.len());
        let managed = pom.child("dependencyManagement").into_iter();
        let imported = managed
            .flat_map(|managed| listed(managed, "dependencies", "dependency"))
            .filter(|one| one.text_of("scope") == Some("import"));
        for one in parent.into_iter().chain(imported) {
            let requirement = one.text_of("version").unwrap_or_default();
            dependencies.push(PackageDependency {
                name: format!(
                    "{}:{}",
                    one.text_of("groupId").unwrap_or_default(),
                    one.text_of("artifactId").unwrap_or_default()
                ),
                requirement: requirement.to_owned(),
                version: exact(&expand(requirement, &line)),
                development: true,
                place: name_place(one),
            });
        }
        for plugin in pom.child("build").into_iter().flat_map(|build| listed(build, "plugins", "plugin")) {
            let group = plugin.text_of("groupId").unwrap_or("org.apache.maven.plugins");
            let artifact = plugin.text_of("artifactId").unwrap_or_default();
            builds_program |= index == 0
                && matches!(
                    artifact,
                    "spring-boot-maven-plugin"
                        | "jib-maven-plugin"
                        | "quarkus-maven-plugin"
                        | "maven-shade-plugin"
                        | "exec-maven-plugin"
                        | "micronaut-maven-plugin"
                );
            let requirement = plugin.text_of("version").unwrap_or_default();
            dependencies.push(PackageDependency {
                name: format!("{group}:{artifact}"),
                requirement: requirement.to_owned(),
                version: exact(&expand(requirement, &line)),
                development: true,
                place: name_place(plugin),
            });
        }
    }
    let folder = folder(path);
    let has_sources = reader.corpus.tree.below(&join(folder, "src/main")).next().is_some();
    let program = builds_program || reader.is_packed(folder);
    Package {
        ecosystem: Ecosystem::Maven,
        name: pom.and_then(|pom| pom.text_of("artifactId")).map(|artifact| {
            let group = pom.and_then(|pom| pom.text_of("groupId").or_else(|| pom.child("parent")?.text_of("groupId")));
            format!("{}:{artifact}", group.unwrap_or_default())
        }),
        place: Place::whole(Arc::clone(path)),
        pinned_in_manifest: pinned,
        dependencies,
        lockfile: None,
        scripts: Vec::new(),
        program,
        published: !program && has_sources && line.iter().any(|pom| pom.child("distributionManagement").is_some()),
    }
}

/// A project and its parents that lie in the repository, itself first.
fn lineage<'p>(poms: &'p BTreeMap<Arc<str>, Element>, path: &str) -> Vec<&'p Element> {
    let mut line = Vec::new();
    let mut next = Some(path.to_owned());
    while let Some(path) = next.take()
        && line.len() < MAX_STEPS
        && let Some(pom) = poms.get(path.as_str())
    {
        line.push(pom);
        if let Some(parent) = pom.child("parent") {
            let relative = match parent.child("relativePath") {
                Some(written) if written.text.is_empty() => continue,
                Some(written) => written.text.as_str(),
                None => "../pom.xml",
            };
            next = resolve(folder(&path), relative)
                .map(|target| if name(&target).contains(".xml") { target } else { join(&target, "pom.xml") });
            // What lies there may be another project than the one that is named.
            let is_named = next
                .as_ref()
                .and_then(|target| poms.get(target.as_str()))
                .is_some_and(|found| found.text_of("artifactId") == parent.text_of("artifactId"));
            if !is_named {
                next = None;
            }
        }
    }
    line
}

fn listed<'e>(element: &'e Element, list: &'e str, item: &'e str) -> impl Iterator<Item = &'e Element> {
    element.child(list).into_iter().flat_map(move |list| list.children_named(item))
}

/// The dependency, and whether its version cannot move by itself: one that a parent or a bill of materials manages
/// is as fixed as that is.
fn dependency(written: &Element, line: &[&Element]) -> (PackageDependency, bool) {
    let group = expand(written.text_of("groupId").unwrap_or_default(), line);
    let artifact = expand(written.text_of("artifactId").unwrap_or_default(), line);
    let managed = line
        .iter()
        .filter_map(|pom| pom.child("dependencyManagement"))
        .flat_map(|management| listed(management, "dependencies", "dependency"))
        .find(|managed| {
            managed.text_of("artifactId") == written.text_of("artifactId")
                && managed.text_of("groupId") == written.text_of("groupId")
        });
    let requirement = written.text_of("version").or_else(|| managed?.text_of("version")).unwrap_or_default();
    let version = expand(requirement, line);
    let scope = written.text_of("scope").or_else(|| managed?.text_of("scope"));
    let pinned = version.is_empty() || exact(&version).is_some() || version.contains("${");
    let dependency = PackageDependency {
        name: format!("{group}:{artifact}"),
        requirement: requirement.to_owned(),
        version: exact(&version),
        development: scope == Some("test"),
        place: name_place(written),
    };
    (dependency, pinned)
}

/// Where the name stands, which is the line that a person looks for.
fn name_place(element: &Element) -> Place {
    element.child("artifactId").map_or_else(|| element.place.clone(), |artifact| artifact.place.clone())
}

fn exact(version: &str) -> Option<String> {
    let fixed = !version.is_empty()
        && !version.contains(['[', '(', ',', '$'])
        && !matches!(version, "LATEST" | "RELEASE")
        && !version.ends_with("-SNAPSHOT");
    fixed.then(|| version.to_owned())
}

/// `${name}` becomes the property of that name.
fn expand(text: &str, line: &[&Element]) -> String {
    let mut text = text.to_owned();
    for _ in 0..MAX_STEPS {
        let Some((before, rest)) = text.split_once("${") else { break };
        let Some((name, after)) = rest.split_once('}') else { break };
        let value = match name {
            "project.version" | "version" => {
                line.iter().find_map(|pom| pom.text_of("version").or_else(|| pom.child("parent")?.text_of("version")))
            }
            "project.groupId" => {
                line.iter().find_map(|pom| pom.text_of("groupId").or_else(|| pom.child("parent")?.text_of("groupId")))
            }
            name => line.iter().find_map(|pom| pom.child("properties")?.text_of(name)),
        };
        let Some(value) = value.filter(|value| value.len() < 256) else { break };
        text = format!("{before}{value}{after}");
    }
    text
}
