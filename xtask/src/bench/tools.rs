//! The tools that are measured, each with the command that makes it do a comparable job offline.

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
    process::Command,
};

/// A tool and how to run it in the repository.
pub(super) struct Tool {
    pub(super) name: &'static str,
    /// The program and its arguments; an error says why it cannot be run here.
    pub(super) command: Result<Vec<OsString>, String>,
    /// It takes minutes on a large repository, so that one run has to do.
    slow: bool,
}

impl Tool {
    pub(super) fn runs(&self, asked: usize) -> usize {
        if self.slow { 1 } else { asked }
    }
}

/// Ours first, then the floor (reading every byte), then those that judge.
pub(super) fn all(folder: &Path, paths: &[PathBuf]) -> anyhow::Result<Vec<Tool>> {
    let gonogo = crate::built("release").canonicalize()?;
    let found = |name: &'static str| {
        find(name, paths).map(PathBuf::into_os_string).ok_or_else(|| format!("{name} is not installed"))
    };
    let with = |name: &'static str, arguments: &str| {
        let program = found(name)?;
        Ok([program].into_iter().chain(arguments.split(' ').map(OsString::from)).collect())
    };
    let container_files = container_files(folder)?;
    Ok(vec![
        Tool {
            name: "gonogo review",
            command: Ok(vec![gonogo.into(), "review".into(), ".".into(), "--format".into(), "json".into()]),
            slow: false,
        },
        // One pass over the bytes of every file, ignored or not: what any reader has to do at least.
        Tool { name: "ripgrep, every byte", command: with("rg", "-uuu -c zzzzqqq ."), slow: false },
        Tool {
            name: "hadolint",
            command: match container_files.as_slice() {
                [] => Err("there is no container file".to_owned()),
                files => with("hadolint", "--no-fail -f json").map(|command: Vec<OsString>| {
                    command.into_iter().chain(files.iter().map(OsString::from)).collect()
                }),
            },
            slow: false,
        },
        Tool {
            name: "Trivy, misconfiguration",
            command: with(
                "trivy",
                "fs --scanners misconfig --skip-check-update --skip-db-update --offline-scan --skip-version-check \
                 --disable-telemetry -q -f json .",
            ),
            slow: true,
        },
        Tool {
            name: "Checkov",
            command: with(
                "checkov",
                "-d . --framework kubernetes dockerfile github_actions secrets --skip-download --compact --quiet -o json",
            ),
            slow: true,
        },
    ])
}

/// The program of this name: `FOLDER/name` or `FOLDER/*/bin/name` (a folder of virtual environments), else on `PATH`.
fn find(name: &str, paths: &[PathBuf]) -> Option<PathBuf> {
    let beside = paths.iter().map(|path| path.join(name));
    let environments = paths
        .iter()
        .filter_map(|path| path.read_dir().ok())
        .flat_map(|entries| entries.flatten().map(|entry| entry.path().join("bin").join(name)));
    let path = std::env::var_os("PATH").unwrap_or_default();
    let searched: Vec<PathBuf> = std::env::split_paths(&path).map(|folder| folder.join(name)).collect();
    beside
        .chain(environments)
        .chain(searched)
        .find(|path| path.is_file())
        .and_then(|path| std::path::absolute(path).ok())
}

/// Container files as git knows them, else none: hadolint wants to be given names.
fn container_files(folder: &Path) -> anyhow::Result<Vec<String>> {
    let output = Command::new("git").args(["ls-files", "-z"]).current_dir(folder).output()?;
    let listed = String::from_utf8_lossy(&output.stdout).into_owned();
    Ok(listed
        .split('\0')
        .filter(|path| {
            let name = path.rsplit('/').next().unwrap_or(path);
            name == "Dockerfile"
                || name.starts_with("Dockerfile.")
                || name.ends_with(".Dockerfile")
                || name == "Containerfile"
        })
        .filter(|path| folder.join(path).is_file())
        .map(str::to_owned)
        .collect())
}
