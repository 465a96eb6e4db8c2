//! Package manifests with their lockfiles, one file an ecosystem.
//!
//! A lockfile is scanned once, from its first byte to its last, and only the versions of direct dependencies are kept:
//! lockfiles reach 10 MB and hold thousands of packages that no check asks for.

mod cargo;
mod composer;
mod go;
mod gradle;
mod json_scan;
mod maven;
mod node;
mod nuget;
mod python;
mod reader;
mod ruby;

use gonogo_domain::{
    Capability, Gathered, Source,
    evidence::{Ecosystem, Package, Role},
    package_capabilities,
};

use crate::Corpus;
use reader::Reader;

pub(crate) fn gather(corpus: &Corpus<'_>) -> Gathered<Package> {
    let mut reader = Reader::new(corpus);
    let mut packages: Vec<Package> = [
        go::read,
        python::read,
        node::read,
        maven::read,
        gradle::read,
        nuget::read,
        ruby::read,
        cargo::read,
        composer::read,
    ]
    .into_iter()
    .flat_map(|read| read(&mut reader))
    .collect();
    for package in &mut packages {
        mark_development(corpus, package);
    }
    packages.sort_by(|one, other| (&one.place, one.ecosystem).cmp(&(&other.place, other.ecosystem)));
    reader.finish(Source::Packages, packages)
}

/// What a manifest of tests needs, and what is never good for anything but tests, is not part of the program: Go, pip
/// and many Gemfiles have no words for it.
fn mark_development(corpus: &Corpus<'_>, package: &mut Package) {
    let of_tests = corpus.tree.entry(package.place.path()).is_some_and(|entry| entry.role == Role::Test);
    if of_tests {
        package.program = false;
        package.published = false;
    }
    for dependency in &mut package.dependencies {
        dependency.development |= of_tests || only_for_tests(package.ecosystem, &dependency.name);
    }
}

fn only_for_tests(ecosystem: Ecosystem, name: &str) -> bool {
    let mut known = package_capabilities(ecosystem, name).flat_map(|known| &known.means).peekable();
    known.peek().is_some()
        && known.all(|capability| {
            matches!(
                capability,
                Capability::TestFramework
                    | Capability::IntegrationTest
                    | Capability::EndToEndTest
                    | Capability::ContractTest
                    | Capability::LoadTest
                    | Capability::ChaosTest
                    | Capability::Coverage
            )
        })
}

#[cfg(test)]
mod tests;
