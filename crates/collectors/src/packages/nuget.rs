//! .NET projects: `PackageReference` of project files, central versions, packages.lock.json.
//!
//! The SDK that a project names is a dependency too: `Microsoft.NET.Sdk.Web` is what makes it a web server.

use std::{collections::BTreeMap, sync::Arc};

use gonogo_domain::{
    Place,
    evidence::{Ecosystem, Package, PackageDependency},
};
use gonogo_formats::xml::{self, Element};

use super::reader::{Reader, Versions, upwards};
use crate::paths::{folder, name};

pub(super) fn read(reader: &mut Reader<'_, '_>) -> Vec<Package> {
    let manifests = reader.named(|name| [".csproj", ".fsproj", ".vbproj"].iter().any(|ending| name.ends_with(ending)));
    manifests.iter().filter_map(|entry| project(reader, &entry.path)).collect()
}

fn parse(reader: &mut Reader<'_, '_>, path: &Arc<str>) -> Option<Element> {
    let text = reader.text(path)?;
    match xml::parse(path, &text) {
        Ok(element) => Some(element),
        Err(error) => {
            reader.broken(error.place, error.reason);
            None
        }
    }
}

fn project(reader: &mut Reader<'_, '_>, path: &Arc<str>) -> Option<Package> {
    let project = parse(reader, path)?;
    let folder = folder(path);
    let shared = upwards(folder).find_map(|above| reader.first(above, &["Directory.Build.props"]));
    let shared = shared.and_then(|path| parse(reader, &path));
    let central = upwards(folder).find_map(|above| reader.first(above, &["Directory.Packages.props"]));
    let central: BTreeMap<String, String> = central
        .and_then(|path| parse(reader, &path))
        .map(|props| references(&props, "PackageVersion").map(|one| (lower(one), version(one).to_owned())).collect())
        .unwrap_or_default();
    let lockfile = reader.first(folder, &["packages.lock.json"]);
    let locked = lockfile.as_ref().map(|lockfile| lock(reader, lockfile)).unwrap_or_default();

    let mut dependencies = Vec::new();
    let sdk = project.attribute("Sdk").or_else(|| project.child("Sdk")?.attribute("Name"));
    let mut sources: Vec<&Element> = vec![&project];
    sources.extend(&shared);
    for source in &sources {
        for reference in references(source, "PackageReference").chain(references(source, "GlobalPackageReference")) {
            let key = lower(reference);
            let own = version(reference);
            let requirement = if own.is_empty() { central.get(&key).map_or("", String::as_str) } else { own };
            let private = reference.attribute("PrivateAssets").or_else(|| reference.text_of("PrivateAssets"));
            dependencies.push(PackageDependency {
                name: included(reference).to_owned(),
                requirement: requirement.to_owned(),
                version: locked.get(&key).and_then(|found| found.first().cloned()).or_else(|| exact(requirement)),
                development: private.is_some_and(|assets| assets.eq_ignore_ascii_case("all")),
                place: reference.place.clone(),
            });
        }
    }
    let pinned = dependencies.iter().filter(|one| !one.development).all(|one| exact(&one.requirement).is_some());
    let frameworks = references(&project, "FrameworkReference").map(|one| (included(one), &one.place));
    for (name, place) in sdk.map(|sdk| (sdk, &project.place)).into_iter().chain(frameworks) {
        dependencies.push(PackageDependency {
            name: name.split('/').next().unwrap_or(name).to_owned(),
            requirement: String::new(),
            version: None,
            development: false,
            place: place.clone(),
        });
    }
    let says = |key: &str| property(&project, key);
    let tests = says("IsTestProject").is_some_and(|value| value.eq_ignore_ascii_case("true"))
        || dependencies.iter().any(|one| one.name.eq_ignore_ascii_case("Microsoft.NET.Test.Sdk"));
    if tests {
        for dependency in &mut dependencies {
            dependency.development = true;
        }
    }
    let runs = sdk
        .is_some_and(|sdk| sdk.starts_with("Microsoft.NET.Sdk.Web") || sdk.starts_with("Microsoft.NET.Sdk.Worker"))
        || says("OutputType")
            .is_some_and(|kind| kind.eq_ignore_ascii_case("exe") || kind.eq_ignore_ascii_case("winexe"));
    let packs = says("PackageId").is_some()
        || ["IsPackable", "GeneratePackageOnBuild"]
            .iter()
            .any(|key| says(key).is_some_and(|value| value.eq_ignore_ascii_case("true")));
    let program = !tests && (runs || reader.is_packed(folder));
    let own_name = name(path).rsplit_once('.').map_or(name(path), |(stem, _)| stem);
    Some(Package {
        ecosystem: Ecosystem::NuGet,
        name: Some(says("AssemblyName").filter(|name| !name.contains('$')).unwrap_or(own_name).to_owned()),
        place: Place::whole(Arc::clone(path)),
        dependencies,
        lockfile: lockfile.map(Place::whole),
        pinned_in_manifest: pinned,
        scripts: Vec::new(),
        program,
        published: packs && !program && !tests,
    })
}

/// The items of a kind, in all groups.
fn references<'e>(project: &'e Element, kind: &'e str) -> impl Iterator<Item = &'e Element> {
    let groups = project.children.iter().filter(|child| child.name == "ItemGroup");
    groups.flat_map(move |group| group.children_named(kind)).filter(|one| !included(one).is_empty())
}

fn included(reference: &Element) -> &str {
    reference.attribute("Include").or_else(|| reference.attribute("Update")).unwrap_or_default()
}

fn lower(reference: &Element) -> String {
    included(reference).to_ascii_lowercase()
}

fn version(reference: &Element) -> &str {
    let attribute = ["VersionOverride", "Version"].iter().find_map(|name| reference.attribute(name));
    attribute.or_else(|| reference.text_of("Version")).unwrap_or_default()
}

fn property<'e>(project: &'e Element, name: &str) -> Option<&'e str> {
    project.children_named("PropertyGroup").find_map(|group| group.text_of(name))
}

/// A bare version is the least that may be, and the least is what is taken; only ranges and stars float.
fn exact(requirement: &str) -> Option<String> {
    let version = requirement.trim_start_matches('[').trim_end_matches(']');
    let fixed =
        version.starts_with(|first: char| first.is_ascii_digit()) && !version.contains(['*', ',', '(', ')', '$']);
    fixed.then(|| version.to_owned())
}

/// `dependencies.framework.name.resolved`.
fn lock(reader: &mut Reader<'_, '_>, path: &Arc<str>) -> Versions {
    let mut versions = Versions::new();
    let Some(node) = reader.data(path) else { return versions };
    for framework in node.get("dependencies").map(gonogo_domain::Node::entries).unwrap_or_default() {
        for package in framework.node.entries() {
            if let Some(resolved) = package.node.str_at("resolved") {
                versions.entry(package.key.to_ascii_lowercase()).or_default().push(resolved.to_owned());
            }
        }
    }
    versions
}
