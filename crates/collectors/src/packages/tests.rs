//! Small repositories, and what is read of their packages.

use std::fmt::Write as _;

use crate::{Corpus, Tree};

/// One line a package and one a dependency, then the gaps.
fn check(files: &[(&str, &str)], expect: &str) {
    let tree = Tree::from_memory(files.iter().map(|(path, text)| ((*path).to_owned(), text.as_bytes().to_vec())));
    let gathered = super::gather(&Corpus::read(&tree));
    let mut out = String::new();
    for package in &gathered.items {
        let name = package.name.as_deref().unwrap_or("?");
        let _ = write!(out, "{} {name} at {}", package.ecosystem.name(), package.place);
        if let Some(lockfile) = &package.lockfile {
            let _ = write!(out, ", locked by {lockfile}");
        }
        for (holds, word) in
            [(package.pinned_in_manifest, "pinned"), (package.program, "program"), (package.published, "published")]
        {
            if holds {
                let _ = write!(out, ", {word}");
            }
        }
        out.push('\n');
        for one in &package.dependencies {
            let version = one.version.as_deref().unwrap_or("?");
            let development = if one.development { " (dev)" } else { "" };
            let _ = writeln!(out, "  {}: {} {} -> {version}{development}", one.place, one.name, one.requirement);
        }
        for (name, command, place) in &package.scripts {
            let _ = writeln!(out, "  {place}: script {name} = {command}");
        }
    }
    for gap in &gathered.gaps {
        let _ = writeln!(out, "gap {}: {}", gap.place, gap.reason);
    }
    assert_eq!(out.trim_end(), expect.trim(), "got:\n{out}");
}
