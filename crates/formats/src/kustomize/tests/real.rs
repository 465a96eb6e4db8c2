//! Every kustomization of real checkouts, against kubectl.

#![expect(clippy::disallowed_methods, reason = "the oracle is another program, asked where it is installed")]

use std::{
    env,
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use super::{
    super::{FILE_NAMES, build},
    Disk, by_identity, differences, kubectl,
};

fn kustomizations(directory: &Path, found: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(directory) else { return };
    for entry in entries.flatten() {
        let path = entry.path();
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            kustomizations(&path, found);
        } else if path.file_name().is_some_and(|name| FILE_NAMES.iter().any(|known| name == *known)) {
            found.extend(path.parent().map(Path::to_owned));
        }
    }
}

#[test]
#[ignore = "compares every kustomization below GONOGO_TREES (checkouts, separated by `:`) with kubectl; takes long"]
fn real_kustomizations_build_as_kubectl_builds_them() {
    let trees = env::var("GONOGO_TREES").expect("GONOGO_TREES names checkouts");
    let mut report = String::new();
    let (mut same, mut refused, mut all) = (0, 0, 0);
    let (mut parsing, mut building, mut slowest) = (Duration::ZERO, Duration::ZERO, (Duration::ZERO, PathBuf::new()));
    for tree in trees.split(':').map(Path::new) {
        let mut directories = Vec::new();
        kustomizations(tree, &mut directories);
        directories.sort();
        let disk = Disk::new(tree);
        for directory in directories {
            let relative = directory.strip_prefix(tree).expect("below the tree").to_string_lossy().into_owned();
            all += 1;
            let start = Instant::now();
            let ours = build(&disk, &relative);
            let cold = start.elapsed();
            let start = Instant::now();
            build(&disk, &relative);
            let warm = start.elapsed();
            slowest = slowest.max((warm, directory.clone()));
            parsing += cold.saturating_sub(warm);
            building += warm;
            let mut problems = String::new();
            for problem in &ours.problems {
                _ = writeln!(problems, "  {}: {}", problem.place, problem.reason);
            }
            match kubectl(&directory) {
                Some(theirs) => {
                    let found = differences(&by_identity(ours.objects.iter().map(Arc::as_ref)), &theirs);
                    if found.is_empty() && problems.is_empty() {
                        same += 1;
                    } else {
                        _ = writeln!(report, "{}\n{problems}  {}", directory.display(), found.join("\n  "));
                    }
                }
                None if problems.is_empty() => {
                    refused += 1;
                    _ = writeln!(report, "{}: only kubectl refuses it", directory.display());
                }
                None => {
                    refused += 1;
                    _ = write!(report, "{}: both refuse it\n{problems}", directory.display());
                }
            }
        }
    }
    _ = writeln!(report, "parsing {parsing:?}, building {building:?}, slowest {slowest:?}");
    assert_eq!(same + refused, all, "of {all}: {same} same, {refused} refused by kubectl\n{report}");
}
