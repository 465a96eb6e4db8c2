//! What is known of a rollout, on the disk: `.gonogo/rollout/NAME/`.
//!
//! `state.json` is written whole: beside its place, to the disk, then moved there. `history.jsonl` grows by a line for all that
//! is told. `asked/` holds what persons asked for and nobody has read yet; `past/` the states of rollouts that ended.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use gonogo_domain::rollout::{FORMAT, Sight, State, machine::Asked};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// Under the folder that the rollout file lies in.
pub const FOLDER: &str = ".gonogo/rollout";

/// One rollout's folder.
#[derive(Clone, Debug)]
pub struct Store {
    folder: PathBuf,
}

/// What was told, and when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    pub at: Timestamp,
    /// The rollout that it was told of.
    pub id: String,
    pub said: String,
}

/// A state with the file that it goes by.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Stored {
    pub state: State,
    /// The rollout file as it was when it started.
    pub file: String,
    /// What was seen at the last look that saw anything, for whoever looks on.
    #[serde(default)]
    pub sight: Option<Sight>,
}

#[derive(Debug, Error)]
pub enum StoreError {
    #[error("{path} could not be {attempted}: {reason}")]
    Io { path: String, attempted: &'static str, reason: String },
    #[error("{path} cannot be read: {reason}; it was written by another version, or by hand")]
    Unreadable { path: String, reason: String },
}

/// A state has its gates and their evidence in it, and is far smaller.
const LARGEST: u64 = 64 << 20;

impl Store {
    /// The folder of a rollout, in the folder that the rollout file lies in.
    pub fn new(root: &Path, name: &str) -> Self {
        Self { folder: root.join(FOLDER).join(name) }
    }

    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The state that was stored last; none: there never was one.
    pub fn load(&self) -> Result<Option<Stored>, StoreError> {
        Self::read(&self.folder.join("state.json"))
    }

    fn read(path: &Path) -> Result<Option<Stored>, StoreError> {
        let unreadable = |reason: String| StoreError::Unreadable { path: path.display().to_string(), reason };
        let size = match fs::metadata(path) {
            Ok(metadata) => metadata.len(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(failed(path, "read", &error)),
        };
        if size > LARGEST {
            return Err(unreadable(format!("it is larger than {LARGEST} bytes")));
        }
        let text = fs::read(path).map_err(|error| failed(path, "read", &error))?;
        let stored: Stored = serde_json::from_slice(&text).map_err(|error| unreadable(error.to_string()))?;
        if stored.state.format != FORMAT {
            return Err(unreadable(format!("its format is {}, and this version reads {FORMAT}", stored.state.format)));
        }
        Ok(Some(stored))
    }

    /// Puts it on the disk; when this returns it is there, whatever happens next.
    pub fn save(&self, stored: &Stored) -> Result<(), StoreError> {
        self.write("state.json", stored)
    }

    /// The rollout is over: its state stays to be looked at.
    pub fn keep(&self, stored: &Stored) -> Result<(), StoreError> {
        self.write(&format!("past/{}.json", stored.state.id), stored)
    }

    /// The rollouts that ended, the last one first.
    pub fn past(&self) -> Result<Vec<Stored>, StoreError> {
        let mut all = Vec::new();
        for path in files(&self.folder.join("past")) {
            all.extend(Self::read(&path)?);
        }
        all.sort_by_key(|one| std::cmp::Reverse(one.state.started));
        Ok(all)
    }

    /// Adds lines to the history.
    pub fn tell(&self, lines: &[Line]) -> Result<(), StoreError> {
        if lines.is_empty() {
            return Ok(());
        }
        let path = self.folder.join("history.jsonl");
        let mut text = Vec::new();
        for line in lines {
            // A line of texts and a time is always JSON.
            serde_json::to_writer(&mut text, line).map_err(|error| StoreError::Unreadable {
                path: path.display().to_string(),
                reason: error.to_string(),
            })?;
            text.push(b'\n');
        }
        let file = OpenOptions::new().create(true).append(true).open(&path);
        file.and_then(|mut file| file.write_all(&text)).map_err(|error| failed(&path, "written", &error))
    }

    /// What was told, oldest first. A line that a kill cut off is left out.
    pub fn history(&self) -> Result<Vec<Line>, StoreError> {
        let path = self.folder.join("history.jsonl");
        match fs::read(&path) {
            Ok(text) => {
                Ok(text.split(|byte| *byte == b'\n').filter_map(|line| serde_json::from_slice(line).ok()).collect())
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
            Err(error) => Err(failed(&path, "read", &error)),
        }
    }

    /// Leaves word for whoever drives it.
    pub fn ask(&self, asked: &Asked, at: Timestamp, process: u32) -> Result<(), StoreError> {
        self.write(&format!("asked/{:020}-{process}.json", at.as_nanosecond()), asked)
    }

    /// What persons asked for, in their order, with the files that it stands in.
    pub fn asked(&self) -> Vec<(PathBuf, Asked)> {
        let read = |path: PathBuf| {
            let text = fs::read(&path).ok()?;
            let asked = serde_json::from_slice(&text).ok()?;
            Some((path, asked))
        };
        files(&self.folder.join("asked")).into_iter().filter_map(read).collect()
    }

    /// It was read, and what came of it is stored.
    pub fn answered(&self, files: &[PathBuf]) {
        for file in files {
            // What is left is asked again, and nothing comes of it a second time.
            let _ = fs::remove_file(file);
        }
    }

    fn write(&self, name: &str, value: &impl Serialize) -> Result<(), StoreError> {
        let path = self.folder.join(name);
        let beside = path.with_extension("part");
        let text = serde_json::to_vec_pretty(value)
            .map_err(|error| StoreError::Unreadable { path: path.display().to_string(), reason: error.to_string() })?;
        let folder = path.parent().unwrap_or(&self.folder);
        let written = || -> io::Result<()> {
            fs::create_dir_all(folder)?;
            let mut file = File::create(&beside)?;
            file.write_all(&text)?;
            file.sync_all()?;
            fs::rename(&beside, &path)?;
            // The name, too, has to survive a loss of power.
            File::open(folder)?.sync_all()
        };
        written().map_err(|error| failed(&path, "written", &error))
    }
}

fn failed(path: &Path, attempted: &'static str, error: &io::Error) -> StoreError {
    StoreError::Io { path: path.display().to_string(), attempted, reason: error.to_string() }
}

/// The JSON files of a folder, in the order of their names.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> =
        fs::read_dir(folder).map(|entries| entries.flatten().map(|entry| entry.path()).collect()).unwrap_or_default();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "json"));
    files.sort();
    files
}
