//! A review after one file changed: on a copy, since nobody's repository is written to.

use std::{
    ffi::OsStr,
    fs,
    io::Write as _,
    path::{Path, PathBuf},
};

use anyhow::Context as _;

/// Endings of files that a person changes.
const SOURCE: &[&str] = &["go", "py", "ts", "js", "java", "kt", "cs", "rb", "rs", "php"];

/// A copy of a repository without its history, and the file of it that is changed before each review.
#[derive(Debug)]
pub(super) struct Copy {
    /// Holds the copy, and the cache beside it.
    home: PathBuf,
    file: PathBuf,
}

impl Copy {
    /// None where the repository holds no source.
    pub(super) fn of(folder: &Path) -> anyhow::Result<Option<Self>> {
        let home = std::env::temp_dir().join(format!("gonogo-bench-{}-copy", std::process::id()));
        let mut sources = Vec::new();
        copy(folder, &home.join("repository"), &mut sources)?;
        sources.sort();
        // Neither the smallest nor the largest.
        let middle = sources.get(sources.len() / 2).map(|(_, path)| path.clone());
        let copy = Self { home, file: middle.clone().unwrap_or_default() };
        Ok(middle.map(|_| copy))
    }

    pub(super) fn repository(&self) -> PathBuf {
        self.home.join("repository")
    }

    pub(super) fn cache(&self) -> PathBuf {
        self.home.join("cache")
    }

    /// Adds an empty line to the file.
    pub(super) fn change(&self) -> Result<(), String> {
        let file = fs::OpenOptions::new().append(true).open(&self.file);
        file.and_then(|mut file| file.write_all(b"\n")).map_err(|error| error.to_string())
    }
}

impl Drop for Copy {
    fn drop(&mut self) {
        // What stays lies where everybody's remains lie.
        let _ = fs::remove_dir_all(&self.home);
    }
}

fn copy(from: &Path, to: &Path, sources: &mut Vec<(u64, PathBuf)>) -> anyhow::Result<()> {
    fs::create_dir_all(to)?;
    for entry in from.read_dir().with_context(|| format!("{} cannot be read", from.display()))? {
        let entry = entry?;
        let (kind, target) = (entry.file_type()?, to.join(entry.file_name()));
        if kind.is_dir() {
            if entry.file_name() != ".git" {
                copy(&entry.path(), &target, sources)?;
            }
        } else if kind.is_file() {
            let size = fs::copy(entry.path(), &target)?;
            let ours = target.extension().and_then(OsStr::to_str).is_some_and(|end| SOURCE.contains(&end));
            if ours && !target.components().any(|part| part.as_os_str() == "vendor") {
                sources.push((size, target));
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_copy_has_all_but_the_history_and_goes_with_its_owner() {
        let folder = tempfile::tempdir().unwrap();
        for file in ["a.go", "b/c.py", "vendor/d.go", ".git/e.go"] {
            let path = folder.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, file).unwrap();
        }
        let copy = Copy::of(folder.path()).unwrap().unwrap();
        let held = |file: &str| fs::read_to_string(copy.repository().join(file)).ok();
        assert_eq!(held("vendor/d.go").as_deref(), Some("vendor/d.go"));
        assert_eq!(held(".git/e.go"), None);
        copy.change().unwrap();
        assert_eq!(held("b/c.py").as_deref(), Some("b/c.py\n"));
        let home = copy.home.clone();
        drop(copy);
        assert!(!home.exists());
    }
}
