//! Lines that tell of errors in log files: those that came since the rollout looks on.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{self, Read as _, Seek as _, SeekFrom},
    os::unix::fs::MetadataExt as _,
};

use gonogo_domain::rollout::sequential::Trials;
use regex::Regex;
use serde_json::Value;

/// What is read of a file in one look; what is more is read in the next one.
const MOST: u64 = 16 << 20;

/// The files of a gate, as far as they were read.
#[derive(Debug, Default)]
pub(super) struct Logs(BTreeMap<String, Tail>);

/// One file.
#[derive(Debug)]
struct Tail {
    /// Another file may have its name by now.
    inode: u64,
    at: u64,
    counted: Trials,
}

impl Logs {
    /// All lines of these files and those that tell of errors, from the first look on. Errors: one of them cannot be read.
    pub(super) fn count(&mut self, files: &[String], bad: Option<&Regex>) -> Result<Trials, String> {
        let mut sum = Trials::default();
        for path in files {
            let failed = |error: io::Error| format!("{path}: {error}");
            // To open a pipe would wait for whoever writes into it.
            if !fs::metadata(path).map_err(failed)?.is_file() {
                return Err(format!("{path} is no file"));
            }
            let mut file = File::open(path).map_err(failed)?;
            let metadata = file.metadata().map_err(failed)?;
            let tail = self.0.entry(path.clone()).or_insert_with(|| Tail {
                inode: metadata.ino(),
                // What was written before is of no release that is compared.
                at: metadata.len(),
                counted: Trials::default(),
            });
            if tail.inode != metadata.ino() || metadata.len() < tail.at {
                (tail.inode, tail.at) = (metadata.ino(), 0);
            }
            let mut bytes = Vec::new();
            file.seek(SeekFrom::Start(tail.at)).map_err(failed)?;
            file.take(MOST).read_to_end(&mut bytes).map_err(failed)?;
            // The last line may be under way; one that is longer than all that is read is left out.
            let whole = match bytes.iter().rposition(|byte| *byte == b'\n') {
                Some(end) => end + 1,
                None if bytes.len() as u64 == MOST => bytes.len(),
                None => 0,
            };
            tail.at = tail.at.saturating_add(whole as u64);
            let lines = bytes.get(..whole).unwrap_or_default().split(|byte| *byte == b'\n');
            for line in lines.filter(|line| !line.trim_ascii().is_empty()) {
                let told = tells(&String::from_utf8_lossy(line), bad);
                tail.counted.add(Trials { all: 1, bad: u64::from(told) });
            }
            sum.add(tail.counted);
        }
        Ok(sum)
    }
}

/// Whether a line tells of an error: by the pattern of the gate, else by the level of a JSON line, else by the word for it
/// that most formats write in capitals.
fn tells(line: &str, bad: Option<&Regex>) -> bool {
    if let Some(bad) = bad {
        return bad.is_match(line);
    }
    if let Ok(Value::Object(fields)) = serde_json::from_str(line) {
        let level =
            ["level", "severity", "lvl", "log.level", "@l", "levelname"].iter().find_map(|key| fields.get(*key));
        return match level {
            // As pino and bunyan number them.
            Some(Value::Number(level)) => level.as_u64().is_some_and(|level| level >= 50),
            Some(Value::String(level)) => is_error(level),
            _ => false,
        };
    }
    let words = line.split(|letter: char| !letter.is_ascii_alphanumeric());
    // The word stands at the head of a line; further on it belongs to what is told.
    words
        .filter(|word| !word.is_empty())
        .take(16)
        .any(|word| word.len() > 3 && is_error(word) && word.to_uppercase() == word)
        || line
            .split_once("level=")
            .is_some_and(|(_, level)| is_error(level.trim_matches('"').split(' ').next().unwrap_or("")))
}

fn is_error(level: &str) -> bool {
    let level = level.trim_matches('"').to_ascii_lowercase();
    ["error", "err", "fatal", "critical", "crit", "panic", "alert", "emerg", "emergency", "severe"]
        .contains(&level.as_str())
}

#[cfg(test)]
mod tests {
    use std::{io::Write as _, process::Command};

    use super::*;

    #[track_caller]
    fn check(line: &str, expect: bool) {
        assert_eq!(tells(line, None), expect, "{line}");
    }

    #[test]
    fn errors_are_told_by_the_level_of_a_line() {
        check(r#"{"level":"ERROR","message":"the database failed"}"#, true);
        check(r#"{"level":"info","message":"ERROR is a word"}"#, false);
        check(r#"{"level":50,"msg":"no answer"}"#, true);
        check(r#"{"level":30,"msg":"answered"}"#, false);
        check(r#"{"severity":"CRITICAL"}"#, true);
        check("2026-11-22 10:00:00,123 ERROR [main] shop - no answer", true);
        check("2026-11-22 10:00:00,123 INFO [main] shop - no error", false);
        check("ts=1 level=error msg=\"no answer\"", true);
        check("ts=1 level=info msg=\"an error\"", false);
    }

    #[test]
    fn lines_are_counted_from_the_first_look_on_through_rotations() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("app.log");
        let files = [path.to_str().unwrap().to_owned()];
        let append = |text: &str| {
            let mut file = fs::OpenOptions::new().append(true).create(true).open(&path).unwrap();
            file.write_all(text.as_bytes()).unwrap();
        };
        append("ERROR of long ago\n");
        let mut logs = Logs::default();
        let mut count = || logs.count(&files, None).unwrap();
        assert_eq!(count(), Trials { all: 0, bad: 0 });
        append("INFO well\nERROR one\nERROR under w");
        assert_eq!(count(), Trials { all: 2, bad: 1 });
        append("ay\n");
        assert_eq!(count(), Trials { all: 3, bad: 2 });
        fs::rename(&path, folder.path().join("app.log.1")).unwrap();
        append("ERROR after the rotation\n");
        assert_eq!(count(), Trials { all: 4, bad: 3 });
        fs::remove_file(&path).unwrap();
        assert!(logs.count(&files, None).is_err());
    }

    #[test]
    fn a_pipe_is_not_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("app.log");
        assert!(Command::new("mkfifo").arg(&path).status().unwrap().success());
        let said = Logs::default().count(&[path.to_str().unwrap().to_owned()], None);
        assert!(said.is_err_and(|why| why.ends_with("is no file")));
    }

    #[test]
    fn a_pattern_of_one_s_own_comes_first() {
        let bad = Regex::new("declined").unwrap();
        assert!(tells("INFO payment declined", Some(&bad)) && !tells("ERROR anything", Some(&bad)));
    }
}
