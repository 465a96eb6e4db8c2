//! Where the cache is: in the user's folder for such things, never in the repository.

use std::{
    env, fs,
    path::{Path, PathBuf},
    time::UNIX_EPOCH,
};

use gonogo_collectors::Cache;

/// The cache of the repository at `root`; one that keeps nothing where it is not wanted or there is no place for it.
pub(crate) fn open(root: &Path, wanted: bool) -> Cache {
    match folder().filter(|_| wanted) {
        Some(folder) => Cache::open(&folder, root, &edition()),
        None => Cache::none(),
    }
}

/// `$XDG_CACHE_HOME/gonogo`, or what stands for it on other systems.
fn folder() -> Option<PathBuf> {
    let variable = |name: &str| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let home = || variable("HOME");
    let base = variable("XDG_CACHE_HOME").filter(|path| path.is_absolute()).or_else(|| {
        if cfg!(windows) {
            variable("LOCALAPPDATA")
        } else if cfg!(target_os = "macos") {
            Some(home()?.join("Library/Caches"))
        } else {
            Some(home()?.join(".cache"))
        }
    })?;
    Some(base.join("gonogo"))
}

/// The program that runs: its version, and the file that it is, which a build of the same version changes.
fn edition() -> String {
    let file = env::current_exe().and_then(fs::metadata);
    let stamp = file.map(|file| {
        let time = file.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
        (file.len(), time)
    });
    format!("{} {:?}", env!("CARGO_PKG_VERSION"), stamp.ok())
}
