//! Chores of the project, as a library so that the tests of the house can call them.

pub mod accuracy;
pub mod agree;
pub mod bench;
pub mod ci;
pub mod docs;
pub mod example;
pub mod sources;
pub mod subjects;

use std::path::{Path, PathBuf};

/// The folder of the workspace.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// A cargo of the same version as the one that runs this chore.
pub fn cargo() -> std::process::Command {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = std::process::Command::new(cargo);
    command.current_dir(root());
    command
}

/// The `gonogo` that this workspace builds, of this profile.
pub fn built(profile: &str) -> PathBuf {
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from);
    target.join(profile).join(format!("gonogo{}", std::env::consts::EXE_SUFFIX))
}
