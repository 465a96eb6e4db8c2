//! Package manifests that have a parser of their own.
#![no_main]

use gonogo_collectors_fuzz::{Scanned, one_of};

libfuzzer_sys::fuzz_target!(|text: &str| {
    let names = [
        "go.mod",
        "Gemfile",
        "a.gemspec",
        "requirements.txt",
        "setup.py",
        "setup.cfg",
        "pyproject.toml",
        "Pipfile",
        "package.json",
        "pom.xml",
        "build.gradle",
        "build.gradle.kts",
        "settings.gradle",
        "a.csproj",
        "Directory.Packages.props",
        "composer.json",
        "Cargo.toml",
        "Procfile",
    ];
    one_of(Scanned::Packages, &names, text, &[]);
});
