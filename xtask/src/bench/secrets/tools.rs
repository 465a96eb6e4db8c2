//! The tools that look for secrets: how each is asked, and in which files it sees some.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context as _, ensure};
use serde_json::Value;

use super::super::tools::find;

/// A tool with its arguments; `REPORT` stands for the file that it writes, where it cannot write to its output.
const TOOLS: [(&str, &str); 5] = [
    ("gonogo", "secrets . --no-cache --history=none --json"),
    ("gitleaks", "dir . --no-banner --exit-code 0 -f json -r REPORT"),
    (
        "kingfisher",
        "scan . --no-validate --no-update-check --git-history none --no-dedup --confidence low --format json -o REPORT",
    ),
    ("detect-secrets", "scan --all-files --no-verify ."),
    (
        "trivy",
        "fs --scanners secret --skip-check-update --skip-db-update --offline-scan --skip-version-check \
         --disable-telemetry -q -f json .",
    ),
];

/// A tool that is here.
pub(super) struct Tool {
    pub(super) name: &'static str,
    program: PathBuf,
    arguments: &'static str,
}

/// What a tool reports of a folder.
pub(super) struct Reported {
    /// The file of each finding, relative to the folder.
    pub(super) files: Vec<String>,
    pub(super) wall: Duration,
}

/// Ours, and those of the others that are installed.
pub(super) fn here(paths: &[PathBuf]) -> anyhow::Result<Vec<Tool>> {
    let ours = crate::built("release").canonicalize()?;
    let found = |name: &str| if name == "gonogo" { Some(ours.clone()) } else { find(name, paths) };
    Ok(TOOLS
        .into_iter()
        .filter_map(|(name, arguments)| Some(Tool { name, program: found(name)?, arguments }))
        .collect())
}

impl Tool {
    pub(super) fn look(&self, folder: &Path) -> anyhow::Result<Reported> {
        let report = tempfile::NamedTempFile::new()?;
        let words = self.arguments.split_whitespace();
        let begun = Instant::now();
        let output = Command::new(&self.program)
            .args(words.map(|word| if word == "REPORT" { report.path().as_os_str() } else { word.as_ref() }))
            .current_dir(folder)
            .stdin(Stdio::null())
            .output()
            .with_context(|| format!("{} could not be started", self.program.display()))?;
        let wall = begun.elapsed();
        let written = fs::read(report.path())?;
        let answer = if written.is_empty() { &output.stdout } else { &written };
        let errors = String::from_utf8_lossy(&output.stderr);
        ensure!(!answer.is_empty(), "{} said nothing: {} {errors}", self.name, output.status);
        let answer: Value = serde_json::from_slice(answer)
            .with_context(|| format!("{} gave no JSON: {} {errors}", self.name, output.status))?;
        let files = files(self.name, &answer).iter().map(|path| relative(path, folder)).collect();
        Ok(Reported { files, wall })
    }
}

/// The file of each finding, as the tool writes it.
fn files(tool: &str, answer: &Value) -> Vec<String> {
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let texts = |found: Vec<Value>, pointer: &str| {
        found.iter().filter_map(|one| one.pointer(pointer)?.as_str().map(str::to_owned)).collect()
    };
    match tool {
        "gonogo" => texts(list(&answer["secrets"]), "/path"),
        "gitleaks" => texts(list(answer), "/File"),
        "kingfisher" => texts(list(&answer["findings"]), "/finding/path"),
        "detect-secrets" => {
            let files = answer["results"].as_object().cloned().unwrap_or_default();
            files.iter().flat_map(|(file, found)| list(found).into_iter().map(|_| file.clone())).collect()
        }
        _ => list(&answer["Results"])
            .iter()
            .flat_map(|one| {
                let file = one["Target"].as_str().unwrap_or_default().to_owned();
                list(&one["Secrets"]).into_iter().map(move |_| file.clone())
            })
            .collect(),
    }
}

fn relative(path: &str, folder: &Path) -> String {
    let path = Path::new(path);
    let path = path.strip_prefix(folder).unwrap_or(path);
    path.strip_prefix(".").unwrap_or(path).to_string_lossy().into_owned()
}

/// How many of these files a tool names.
pub(super) fn named(reported: &Reported, files: &BTreeSet<String>) -> usize {
    reported.files.iter().filter(|file| files.contains(*file)).collect::<BTreeSet<_>>().len()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_report_gives_a_file_for_each_finding() {
        let check = |tool: &str, answer: &Value| assert_eq!(files(tool, answer), ["a", "b", "b"], "{tool}");
        check("gonogo", &json!({"secrets": [{"path": "a"}, {"path": "b"}, {"path": "b"}]}));
        check("gitleaks", &json!([{"File": "a"}, {"File": "b"}, {"File": "b"}]));
        let of = |path: &str| json!({"rule": {}, "finding": {"path": path}});
        check("kingfisher", &json!({"findings": [of("a"), of("b"), of("b")]}));
        check("detect-secrets", &json!({"results": {"a": [{}], "b": [{}, {}]}}));
        check("trivy", &json!({"Results": [{"Target": "a", "Secrets": [{}]}, {"Target": "b", "Secrets": [{}, {}]}]}));
    }

    #[test]
    fn paths_are_told_from_the_folder() {
        for path in ["./.env", "/work/.env", ".env"] {
            assert_eq!(relative(path, Path::new("/work")), ".env");
        }
    }
}
