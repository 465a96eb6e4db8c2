//! Where the programs of a control plane are found.

use std::{
    env,
    ffi::OsStr,
    fs::{self, File},
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// The programs, each a file that can be run.
#[derive(Clone, Debug)]
pub struct Binaries {
    pub etcd: PathBuf,
    pub api_server: PathBuf,
    pub controller_manager: PathBuf,
}

/// A program that stands in none of the places that were looked at.
#[derive(Debug, thiserror::Error)]
#[error("no {program} in {}: run ci/kube, which builds it from Debian's source package (some 20 minutes, once), or name a folder in KUBEBUILDER_ASSETS", .looked.join(", "))]
pub struct Missing {
    program: &'static str,
    looked: Vec<String>,
}

impl Binaries {
    /// Looks in `KUBEBUILDER_ASSETS`, in the cache of gonogo, among packed programs that lie beside the project (which are
    /// unpacked into the cache), and in `PATH`.
    pub fn find() -> Result<Self, Missing> {
        Ok(Self {
            etcd: find("etcd")?,
            api_server: find("kube-apiserver")?,
            controller_manager: find("kube-controller-manager")?,
        })
    }
}

fn find(program: &'static str) -> Result<PathBuf, Missing> {
    let mut looked = Vec::new();
    let mut folders: Vec<PathBuf> = env::var_os("KUBEBUILDER_ASSETS").map(PathBuf::from).into_iter().collect();
    let cache = cache();
    folders.extend(cache.clone());
    for folder in &folders {
        let path = folder.join(program);
        if path.is_file() {
            return Ok(path);
        }
        looked.push(folder.display().to_string());
    }
    if let (Some(packed), Some(cache)) = (packed(program), cache)
        && let Some(path) = unpack(&packed, &cache, program)
    {
        return Ok(path);
    }
    let path = env::var_os("PATH").unwrap_or_default();
    if let Some(path) = env::split_paths(&path).map(|folder| folder.join(program)).find(|path| path.is_file()) {
        return Ok(path);
    }
    looked.push("PATH".to_owned());
    Err(Missing { program, looked })
}

/// `ci/kube` writes here too.
fn cache() -> Option<PathBuf> {
    let absolute = |name: &str| env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let caches = absolute("XDG_CACHE_HOME").or_else(|| Some(absolute("HOME")?.join(".cache")))?;
    Some(caches.join("gonogo-kube"))
}

/// A packed program beside the project, or beside the checkout that this one is a worktree of.
fn packed(program: &str) -> Option<PathBuf> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let name = format!("{program}.xz");
    here.ancestors().skip(2).map(|folder| folder.join("../shared/kube").join(&name)).find(|path| path.is_file())
}

/// Unpacks beside the target and renames, so that two tests at once see a whole program or none.
fn unpack(packed: &Path, cache: &Path, program: &str) -> Option<PathBuf> {
    fs::create_dir_all(cache).ok()?;
    let (target, partial) = (cache.join(program), cache.join(format!("{program}.{}", std::process::id())));
    let output = File::create(&partial).ok()?;
    let done = Command::new("xz").args([OsStr::new("-dc"), packed.as_os_str()]).stdout(Stdio::from(output)).status();
    let done = done.is_ok_and(|status| status.success())
        && fs::set_permissions(&partial, fs::Permissions::from_mode(0o755)).is_ok()
        && fs::rename(&partial, &target).is_ok();
    if !done {
        let _ = fs::remove_file(&partial);
    }
    done.then_some(target)
}
