//! Ruby: Gemfile, gemspecs and Gemfile.lock, read line by line in their usual forms.

use std::{collections::BTreeMap, sync::Arc};

use gonogo_domain::{
    Place,
    evidence::{Ecosystem, Package, PackageDependency},
};

use super::reader::{Reader, conflict, count, spot};
use crate::paths::{folder, name};

pub(super) fn read(reader: &mut Reader<'_, '_>) -> Vec<Package> {
    let manifests = reader.named(|name| matches!(name, "Gemfile" | "gems.rb") || name.ends_with(".gemspec"));
    manifests.iter().filter_map(|entry| manifest(reader, &entry.path)).collect()
}

fn manifest(reader: &mut Reader<'_, '_>, path: &Arc<str>) -> Option<Package> {
    let text = reader.text(path)?;
    let folder = folder(path);
    let gemspec = path.ends_with(".gemspec");
    let mut dependencies = if gemspec { specified(path, &text) } else { listed(path, &text) };
    let lockfile = reader.first(folder, &["Gemfile.lock", "gems.locked"]);
    if let Some(lockfile) = &lockfile
        && let Some(text) = reader.text(lockfile)
    {
        if let Some(line) = conflict(&text) {
            reader.broken(Place::new(Arc::clone(lockfile), count(line), 1), "has an unfinished merge");
        }
        let versions = locked(&text);
        for dependency in &mut dependencies {
            dependency.version = versions.get(dependency.name.as_str()).map(|version| (*version).to_owned());
        }
    }
    let pinned = dependencies.iter().filter(|one| !one.development).all(|one| is_exact(&one.requirement));
    let starts = ["config.ru", "config/application.rb", "bin/rails"].iter().any(|file| reader.exists(folder, file));
    let own = |text: &str| literals(text).first().map(|name| (*name).to_owned());
    let written =
        text.lines().find_map(|line| own(line.trim().split_once(".name")?.1.trim_start().strip_prefix('=')?));
    Some(Package {
        ecosystem: Ecosystem::RubyGems,
        name: if gemspec { written.or_else(|| name(path).strip_suffix(".gemspec").map(str::to_owned)) } else { None },
        place: Place::whole(Arc::clone(path)),
        dependencies,
        lockfile: lockfile.map(Place::whole),
        pinned_in_manifest: pinned,
        scripts: Vec::new(),
        program: !gemspec && (starts || reader.is_packed(folder)),
        published: gemspec,
    })
}

/// `gem "name", "~> 1"` with the groups around it.
fn listed(path: &Arc<str>, text: &str) -> Vec<PackageDependency> {
    let mut found = Vec::new();
    // For each open block: whether it is a group of development.
    let mut blocks: Vec<bool> = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let code = line.trim().split(" #").next().unwrap_or_default().trim();
        if code.starts_with('#') {
            continue;
        }
        if code == "end" {
            blocks.pop();
        } else if code.ends_with(" do") || code.starts_with("if ") || code.starts_with("unless ") {
            blocks.push(code.starts_with("group") && is_development(code));
        } else if let Some(rest) = code.strip_prefix("gem ").or_else(|| code.strip_prefix("gem(")) {
            let arguments = rest.trim();
            let (positional, options) = options(arguments);
            let names = literals(positional);
            if let Some((name, requirements)) = names.split_first() {
                found.push(PackageDependency {
                    name: (*name).to_owned(),
                    requirement: requirements.join(", "),
                    version: None,
                    development: blocks.contains(&true) || (options.contains("group") && is_development(options)),
                    place: spot(path, index, line, name),
                });
            }
        }
    }
    found
}

/// The arguments before the first `key:` or `:key =>`, and the rest.
fn options(arguments: &str) -> (&str, &str) {
    let mut quote = None;
    let mut start = 0;
    for (at, character) in arguments.char_indices() {
        match (quote, character) {
            (None, '"' | '\'') => quote = Some(character),
            (Some(open), character) if open == character => quote = None,
            (None, ',') => start = at,
            (None, ':') => return arguments.split_at_checked(start).unwrap_or((arguments, "")),
            _ => (),
        }
    }
    (arguments, "")
}

/// All the groups that are named are for development and tests.
fn is_development(code: &str) -> bool {
    let mut groups = code
        .split(|character: char| !(character.is_ascii_alphanumeric() || character == '_'))
        .filter(|word| !matches!(*word, "" | "group" | "groups" | "do" | "require" | "false" | "true" | "optional"))
        .peekable();
    groups.peek().is_some()
        && groups
            .all(|group| matches!(group, "development" | "dev" | "test" | "tests" | "ci" | "lint" | "doc" | "docs"))
}

/// `spec.add_dependency "name", "~> 1"`.
fn specified(path: &Arc<str>, text: &str) -> Vec<PackageDependency> {
    let mut found = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let code = line.trim();
        let calls =
            [("add_development_dependency", true), ("add_runtime_dependency", false), ("add_dependency", false)];
        let call = calls.iter().find_map(|(call, development)| Some((code.split_once(call)?.1, *development)));
        if let (false, Some((arguments, development))) = (code.starts_with('#'), call)
            && let Some((name, requirements)) = literals(arguments).split_first()
        {
            found.push(PackageDependency {
                name: (*name).to_owned(),
                requirement: requirements.join(", "),
                version: None,
                development,
                place: spot(path, index, line, name),
            });
        }
    }
    found
}

fn is_exact(requirement: &str) -> bool {
    let version = requirement.trim_start_matches('=').trim();
    version.starts_with(|first: char| first.is_ascii_digit()) && !version.contains(',')
}

/// Four blanks, the name, and the version in brackets.
fn locked(text: &str) -> BTreeMap<&str, &str> {
    text.lines()
        .filter_map(|line| line.strip_prefix("    ").filter(|rest| !rest.starts_with(' ')))
        .filter_map(|line| line.strip_suffix(')')?.split_once(" ("))
        .collect()
}

fn literals(code: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut rest = code;
    while let Some(start) = rest.find(['"', '\'']) {
        let quote = rest.get(start..=start).unwrap_or_default();
        let Some((literal, after)) = rest.get(start + 1..).and_then(|rest| rest.split_once(quote)) else { break };
        found.push(literal);
        rest = after;
    }
    found
}
