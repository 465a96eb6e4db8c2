//! A commit of the repository as a tree of files, without touching the work tree and without running anything.

use std::path::Path;

use gix::bstr::ByteSlice as _;
use jiff::{Timestamp, civil::Date, tz::TimeZone};

use crate::{Tree, tree::READ_LIMIT};

/// Why a revision cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum RevisionError {
    #[error("{0} is not in a git repository, so that there is no past to compare with")]
    NoRepository(String),
    #[error("there is no revision or file `{0}`: give a branch, a tag, a commit or a JSON report")]
    Unknown(String),
    #[error("{revision} cannot be read: {reason}")]
    Unreadable { revision: String, reason: String },
}

/// The commit that is checked out, in short; `+` at its end: what was reviewed differs from it. None: no repository.
pub fn describe(root: &Path, tree: &Tree) -> Option<String> {
    let repository = open(root).ok()?;
    let head = repository.head_id().ok()?;
    let short = head.shorten_or_id().to_string();
    Some(if differs(&repository, &prefix(&repository, root), tree) { format!("{short}+") } else { short })
}

/// The day of a commit, in UTC.
pub fn date(root: &Path, revision: &str) -> Result<Date, RevisionError> {
    let repository = open(root)?;
    let commit = commit(&repository, revision)?;
    let seconds = commit.time().map_err(|error| unreadable(revision, &error))?.seconds;
    let time = Timestamp::from_second(seconds).map_err(|error| unreadable(revision, &error))?;
    Ok(time.to_zoned(TimeZone::UTC).date())
}

/// The files of a commit, below the folder that is reviewed.
pub fn tree(root: &Path, revision: &str) -> Result<Tree, RevisionError> {
    let repository = open(root)?;
    let commit = commit(&repository, revision)?;
    let tree = commit.tree().map_err(|error| unreadable(revision, &error))?;
    let prefix = prefix(&repository, root);
    let mut files = Vec::new();
    let entries = tree.traverse().breadthfirst.files().map_err(|error| unreadable(revision, &error))?;
    for entry in entries {
        let path = entry.filepath.to_str_lossy();
        let Some(path) = path.strip_prefix(&prefix) else { continue };
        if !entry.mode.is_blob() {
            continue;
        }
        // A blob that is not stored here (a shallow or partial clone) is left out, as a file that cannot be read.
        let Ok(header) = repository.find_header(entry.oid) else { continue };
        if header.size() > READ_LIMIT {
            continue;
        }
        if let Ok(blob) = repository.find_object(entry.oid) {
            files.push((path.to_owned(), blob.data.clone()));
        }
    }
    Ok(Tree::from_memory(files))
}

pub(crate) fn open(root: &Path) -> Result<gix::Repository, RevisionError> {
    // Isolated: neither the user's configuration nor the repository's may start programs for us.
    let isolated =
        gix::sec::trust::Mapping { full: gix::open::Options::isolated(), reduced: gix::open::Options::isolated() };
    gix::ThreadSafeRepository::discover_opts(root, gix::discover::upwards::Options::default(), isolated)
        .map(|repository| repository.to_thread_local())
        .map_err(|_| RevisionError::NoRepository(root.display().to_string()))
}

fn commit<'r>(repository: &'r gix::Repository, revision: &str) -> Result<gix::Commit<'r>, RevisionError> {
    let id = repository.rev_parse_single(revision).map_err(|_| RevisionError::Unknown(revision.to_owned()))?;
    let object = id.object().map_err(|error| unreadable(revision, &error))?;
    object
        .peel_to_kind(gix::object::Kind::Commit)
        .map_err(|error| unreadable(revision, &error))?
        .try_into_commit()
        .map_err(|error| unreadable(revision, &error))
}

/// The path of the reviewed folder inside the repository, with `/` at its end; empty for the root.
pub(crate) fn prefix(repository: &gix::Repository, root: &Path) -> String {
    let work = repository.workdir().and_then(|path| path.canonicalize().ok());
    let root = root.canonicalize().ok();
    match (work, root) {
        (Some(work), Some(root)) => root
            .strip_prefix(&work)
            .ok()
            .filter(|path| !path.as_os_str().is_empty())
            .map(|path| format!("{}/", path.to_string_lossy()))
            .unwrap_or_default(),
        _ => String::new(),
    }
}

/// A file that was reviewed is not as it was committed, is not committed, or one that is committed is gone.
///
/// As git does it: a file whose size and time of change are those of the index is taken as unchanged; others are hashed.
fn differs(repository: &gix::Repository, prefix: &str, tree: &Tree) -> bool {
    let (Ok(index), Some(work)) = (repository.index_or_empty(), repository.workdir()) else { return false };
    let mut tracked = std::collections::BTreeSet::new();
    for entry in index.entries() {
        let path = entry.path(&index).to_str_lossy();
        let Some(below) = path.strip_prefix(prefix) else { continue };
        tracked.insert(below.to_owned());
        let file = work.join(path.as_ref());
        let Ok(meta) = gix::index::fs::Metadata::from_path_no_follow(&file) else { return true };
        if !meta.is_file() {
            continue;
        }
        let same_stat = gix::index::entry::Stat::from_fs(&meta)
            .is_ok_and(|stat| stat.size == entry.stat.size && stat.mtime == entry.stat.mtime);
        if !same_stat && !same_content(&file, entry.id) {
            return true;
        }
    }
    tree.files().iter().any(|entry| !tracked.contains(&*entry.path))
}

fn same_content(file: &Path, id: gix::ObjectId) -> bool {
    let Ok(bytes) = std::fs::read(file) else { return false };
    gix::objs::compute_hash(id.kind(), gix::objs::Kind::Blob, &bytes).is_ok_and(|own| own == id)
}

fn unreadable(revision: &str, error: &dyn std::fmt::Display) -> RevisionError {
    RevisionError::Unreadable { revision: revision.to_owned(), reason: error.to_string() }
}
