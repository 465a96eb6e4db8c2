//! Lockfiles, each beside a manifest that it could belong to.
#![no_main]

use gonogo_collectors_fuzz::{Scanned, one_of};

libfuzzer_sys::fuzz_target!(|text: &str| {
    let names = [
        "go.sum",
        "Gemfile.lock",
        "package-lock.json",
        "pnpm-lock.yaml",
        "yarn.lock",
        "bun.lock",
        "Cargo.lock",
        "poetry.lock",
        "uv.lock",
        "pdm.lock",
        "Pipfile.lock",
        "composer.lock",
        "packages.lock.json",
        "gradle.lockfile",
    ];
    let beside = [
        ("go.mod", "module example.com/a\n\nrequire example.com/b v1.0.0\n"),
        ("Gemfile", "gem 'a'\n"),
        ("package.json", "{\"dependencies\": {\"a\": \"^1\"}}"),
        ("Cargo.toml", "[package]\nname = \"a\"\n[dependencies]\nb = \"1\"\n"),
        ("pyproject.toml", "[project]\nname = \"a\"\ndependencies = [\"b\"]\n"),
        ("Pipfile", "[packages]\na = \"*\"\n"),
        ("composer.json", "{\"require\": {\"a/b\": \"^1\"}}"),
        ("a.csproj", "<Project><ItemGroup><PackageReference Include=\"B\" Version=\"1\" /></ItemGroup></Project>"),
        ("build.gradle", "dependencies { implementation 'a:b:1' }\n"),
    ];
    one_of(Scanned::Packages, &names, text, &beside);
});
