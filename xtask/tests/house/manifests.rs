//! Every crate inherits what the workspace says once, and the pure floors have their bans.

use std::path::Path;

use crate::{files, none, packages, root, text};

const INHERITED: &[&str] = &[
    "version.workspace = true",
    "edition.workspace = true",
    "rust-version.workspace = true",
    "license.workspace = true",
];

/// Crates whose code may neither do I/O nor ask a clock.
const PURE: &[&str] = &["domain", "checks", "formats", "report"];

/// What the `clippy.toml` of a pure crate must ban.
const BANS: &[&str] = &[
    "std::fs::read",
    "std::fs::write",
    "std::fs::File",
    "std::net::TcpStream",
    "std::process::Command",
    "std::env::var",
    "std::time::SystemTime::now",
    "std::time::Instant::now",
    "jiff::Timestamp::now",
    "jiff::Zoned::now",
];

#[test]
fn every_crate_inherits_lints_and_package_fields() {
    let mut problems = Vec::new();
    let manifests: Vec<String> = files("Cargo.toml")
        .into_iter()
        .filter(|path| path.starts_with("crates/") && !path.contains("/fuzz/"))
        .collect();
    assert!(manifests.len() >= 6, "the manifests were not found: {manifests:?}");
    for path in manifests.iter().map(String::as_str).chain(["xtask/Cargo.toml"]) {
        let manifest = text(path);
        if !manifest.contains("[lints]\nworkspace = true") {
            problems.push(format!("{path} does not inherit the lints"));
        }
        for field in INHERITED {
            // Nothing publishes xtask, so that it has a version of its own and builds with the compiler at hand.
            let own = path.starts_with("xtask") && (field.starts_with("version") || field.starts_with("rust-version"));
            if !own && !manifest.contains(field) {
                problems.push(format!("{path} lacks `{field}`"));
            }
        }
    }
    none(&problems);
}

#[test]
fn every_crate_says_what_it_is_and_takes_its_versions_from_the_workspace() {
    let mut problems = Vec::new();
    for package in packages() {
        let (name, path) =
            (package["name"].as_str().unwrap_or_default(), package["manifest_path"].as_str().unwrap_or_default());
        if name != "xtask" && package["description"].as_str().is_none_or(str::is_empty) {
            problems.push(format!("{name} has no description"));
        }
        let manifest =
            text(Path::new(path).strip_prefix(root()).expect("a package lies in the workspace").to_str().unwrap());
        for line in manifest.lines().skip_while(|line| !line.contains("dependencies]")) {
            if line.contains('=') && !line.contains("workspace = true") {
                problems.push(format!("{name}: `{line}` names a version of its own"));
            }
        }
    }
    none(&problems);
}

#[test]
fn pure_floors_ban_input_output_and_clocks() {
    let mut problems = Vec::new();
    for name in PURE {
        let path = format!("crates/{name}/clippy.toml");
        if !root().join(&path).is_file() {
            problems.push(format!("{path} is missing"));
            continue;
        }
        let bans = text(&path);
        problems.extend(
            BANS.iter()
                .filter(|ban| !bans.contains(&format!("path = \"{ban}\"")))
                .map(|ban| format!("{path} does not ban {ban}")),
        );
    }
    none(&problems);
}

#[test]
fn nested_lint_files_repeat_the_shared_bans() {
    // A nested file replaces the one above it.
    let shared: Vec<String> =
        text("clippy.toml").lines().filter(|line| line.contains("path =")).map(str::to_owned).collect();
    assert!(shared.len() >= 4, "the shared bans were not found");
    let mut problems = Vec::new();
    for name in PURE {
        let bans = text(&format!("crates/{name}/clippy.toml"));
        problems.extend(
            shared
                .iter()
                .filter(|ban| !bans.contains(ban.as_str()))
                .map(|ban| format!("crates/{name}/clippy.toml lacks {}", ban.trim())),
        );
    }
    none(&problems);
}
