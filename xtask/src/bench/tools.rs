//! The tools that are measured, each with the command that makes it do a comparable job offline.

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
    process::Command,
};

use super::changed::Copy;

/// A tool and how to run it in the repository.
pub(super) struct Tool {
    pub(super) name: &'static str,
    /// The program and its arguments; an error says why it cannot be run here.
    pub(super) command: Result<Vec<OsString>, String>,
    /// It takes minutes on a large repository, so that one run has to do.
    slow: bool,
    /// A file of the copy is changed before each run.
    pub(super) after_a_change: bool,
}

impl Tool {
    fn new(name: &'static str, command: Result<Vec<OsString>, String>) -> Self {
        Self { name, command, slow: false, after_a_change: false }
    }

    fn slow(name: &'static str, command: Result<Vec<OsString>, String>) -> Self {
        Self { slow: true, ..Self::new(name, command) }
    }

    pub(super) fn runs(&self, asked: usize) -> usize {
        if self.slow { 1 } else { asked }
    }
}

/// The rules that Semgrep is run with: it brings none that works without the network.
const RULES: &str = include_str!("semgrep.yaml");

/// Ours first, then the floor (reading every byte), then those that judge, and those that look for secrets.
pub(super) fn all(folder: &Path, paths: &[PathBuf], copy: Option<&Copy>) -> anyhow::Result<Vec<Tool>> {
    let gonogo = crate::built("release").canonicalize()?;
    let ours = |arguments: &str| -> Result<Vec<OsString>, String> {
        Ok([gonogo.clone().into_os_string()].into_iter().chain(words(arguments)).collect())
    };
    let found = |name: &'static str| {
        find(name, paths).map(PathBuf::into_os_string).ok_or_else(|| format!("{name} is not installed"))
    };
    let with = |name: &'static str, arguments: &str| -> Result<Vec<OsString>, String> {
        Ok([found(name)?].into_iter().chain(words(arguments)).collect())
    };
    let history = |command: Result<Vec<OsString>, String>| {
        if folder.join(".git").exists() { command } else { Err("there is no history".to_owned()) }
    };
    // A file of its own: told to write to /dev/null, a tool that runs as root may put a plain file in its place.
    let reported = |command: Result<Vec<OsString>, String>| {
        command.map(|mut command| {
            command.push(std::env::temp_dir().join("gonogo-bench-report.json").into_os_string());
            command
        })
    };
    let container_files = container_files(folder)?;
    let hadolint = match container_files.as_slice() {
        [] => Err("there is no container file".to_owned()),
        files => with("hadolint", "--no-fail -f json")
            .map(|command| command.into_iter().chain(files.iter().map(OsString::from)).collect()),
    };
    let rules = std::env::temp_dir().join("gonogo-bench-semgrep.yaml");
    std::fs::write(&rules, RULES)?;
    let semgrep = with("semgrep", "scan --metrics=off --disable-version-check --json -q .").map(|mut command| {
        command.extend(["--config".into(), rules.into_os_string()]);
        command
    });
    let changed = match copy {
        None => Err("there is no source to change".to_owned()),
        Some(copy) => {
            let mut cache = OsString::from("XDG_CACHE_HOME=");
            cache.push(copy.cache());
            let mut command: Vec<OsString> = vec!["env".into(), cache, gonogo.clone().into(), "review".into()];
            command.extend([copy.repository().into_os_string(), "--format".into(), "json".into()]);
            Ok(command)
        }
    };
    Ok(vec![
        Tool::new("gonogo review", ours("review . --no-cache --history=none --format json")),
        Tool { after_a_change: true, ..Tool::new("gonogo review, one file changed", changed) },
        // One pass over the bytes of every file, ignored or not: what any reader has to do at least.
        Tool::new("ripgrep, every byte", with("rg", "-uuu -c zzzzqqq -g !.git .")),
        Tool::new("hadolint", hadolint),
        Tool::slow(
            "Trivy, misconfiguration",
            with(
                "trivy",
                "fs --scanners misconfig --skip-check-update --skip-db-update --offline-scan --skip-version-check \
                 --disable-telemetry -q -f json .",
            ),
        ),
        Tool::slow(
            "Checkov",
            with(
                "checkov",
                "-d . --framework kubernetes dockerfile github_actions secrets --skip-download --compact --quiet -o json",
            ),
        ),
        Tool::slow("Semgrep, five rules", semgrep),
        Tool::new("gonogo secrets", ours("secrets . --no-cache --history=none --json")),
        Tool::slow("gitleaks", reported(with("gitleaks", "dir . --no-banner --exit-code 0 -f json -r"))),
        Tool::slow(
            "kingfisher",
            reported(with("kingfisher", "scan . --no-validate --no-update-check --git-history none --format json -o")),
        ),
        Tool::slow("detect-secrets", with("detect-secrets", "scan --all-files --no-verify .")),
        Tool::new("gonogo secrets, with history", history(ours("secrets . --no-cache --history=whole --json"))),
        Tool::slow(
            "gitleaks, history",
            history(reported(with("gitleaks", "git . --no-banner --exit-code 0 -f json -r"))),
        ),
        Tool::slow(
            "kingfisher, with history",
            history(reported(with(
                "kingfisher",
                "scan . --no-validate --no-update-check --git-history full --format json -o",
            ))),
        ),
    ])
}

fn words(arguments: &str) -> impl Iterator<Item = OsString> {
    arguments.split_whitespace().map(OsString::from)
}

/// The program of this name: `FOLDER/name` or `FOLDER/*/bin/name` (a folder of virtual environments), else on `PATH`.
pub(super) fn find(name: &str, paths: &[PathBuf]) -> Option<PathBuf> {
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
