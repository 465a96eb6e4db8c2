//! The files of a repository, however they are held: on disk or in memory.
//!
//! A tree never leads out of the repository: links are not followed, special files are not opened, and what is too
//! large to be a declaration is listed but not read.

use std::{
    cell::Cell,
    collections::BTreeMap,
    fs,
    io::Read as _,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use gonogo_domain::evidence::{FileEntry, Role};
use ignore::{DirEntry, WalkBuilder, WalkState};

use crate::{records, roles, stamp::Stamp};

/// Files above this size are listed and not read: no declaration that a person edits is that long.
pub(crate) const READ_LIMIT: u64 = 8 << 20;

/// Entries above this number are not listed; the review says so.
const ENTRY_LIMIT: usize = 1_000_000;

/// Entries in the folder of what gonogo keeps above this number are not listed.
const OWN_LIMIT: usize = 100_000;

/// The files of a repository by their paths, sorted.
#[derive(Debug)]
pub struct Tree {
    files: Vec<FileEntry>,
    skipped: Vec<Skipped>,
    cut: Option<Skipped>,
    content: Content,
}

#[derive(Debug)]
enum Content {
    /// With when each file was written, in their order.
    Disk(PathBuf, Vec<Option<Stamp>>),
    Memory(BTreeMap<Arc<str>, Arc<[u8]>>),
}

/// A part of a file, and the number of lines before it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Piece<'a> {
    pub(crate) bytes: &'a [u8],
    pub(crate) lines: u32,
    /// It is all of the file.
    pub(crate) whole: bool,
}

/// Something that lies in the tree and was left out.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Skipped {
    pub path: Arc<str>,
    pub reason: String,
}

/// Why a tree cannot be read at all.
#[derive(Debug, thiserror::Error)]
pub enum TreeError {
    #[error("{0} does not exist: give the folder of a repository")]
    NotFound(PathBuf),
    #[error("{0} is not a folder: give the folder of a repository, not a file in it")]
    NotAFolder(PathBuf),
    #[error("{path} cannot be read: {source}")]
    Unreadable { path: PathBuf, source: std::io::Error },
}

impl Tree {
    /// Lists the files under `root`, honouring `.gitignore` and `.gonogoignore`.
    pub fn from_disk(root: &Path) -> Result<Self, TreeError> {
        Self::from_disk_up_to(root, ENTRY_LIMIT)
    }

    fn from_disk_up_to(root: &Path, limit: usize) -> Result<Self, TreeError> {
        let meta = fs::metadata(root).map_err(|source| match source.kind() {
            std::io::ErrorKind::NotFound => TreeError::NotFound(root.to_owned()),
            _ => TreeError::Unreadable { path: root.to_owned(), source },
        })?;
        if !meta.is_dir() {
            return Err(TreeError::NotAFolder(root.to_owned()));
        }
        fs::read_dir(root).map_err(|source| TreeError::Unreadable { path: root.to_owned(), source })?;

        // Which entry comes last depends on the threads: where not all can be listed, one thread lists them in order.
        let mut listed = walk(root, limit).unwrap_or_else(|| walk_in_order(root, limit));
        listed.append(own(root));
        Ok(Self::new(listed, |stamps| Content::Disk(root.to_owned(), stamps)))
    }

    /// A tree of files that are held in memory: the example of a page, a commit of the history.
    pub fn from_memory(files: impl IntoIterator<Item = (String, Vec<u8>)>) -> Self {
        let content: BTreeMap<Arc<str>, Arc<[u8]>> =
            files.into_iter().map(|(path, bytes)| (Arc::from(path), Arc::from(bytes))).collect();
        let files = content.iter().map(|(path, bytes)| (Arc::clone(path), bytes.len() as u64, None)).collect();
        Self::new(Listed { files, ..Listed::default() }, |_| Content::Memory(content))
    }

    fn new(listed: Listed, content: impl FnOnce(Vec<Option<Stamp>>) -> Content) -> Self {
        let Listed { mut files, mut skipped, cut } = listed;
        files.sort_by(|(one, ..), (other, ..)| one.cmp(other));
        skipped.sort();
        let tests = roles::folders_of_tests(files.iter().map(|(path, ..)| &**path));
        let roles: Vec<Role> = files
            .iter()
            .map(|(path, ..)| match roles::role(path) {
                Role::Product if roles::lies_in(path, &tests) => Role::Test,
                role => role,
            })
            .collect();
        let entries = files.into_iter().zip(roles);
        let (files, stamps) =
            entries.map(|((path, size, stamp), role)| (FileEntry { path, role, size }, stamp)).unzip();
        Self { files, skipped, cut, content: content(stamps) }
    }

    /// The name of the folder that holds the files; none in memory.
    pub fn name(&self) -> Option<String> {
        let Content::Disk(root, _) = &self.content else { return None };
        let root = root.canonicalize().ok()?;
        Some(root.file_name()?.to_string_lossy().into_owned())
    }

    /// Every file, sorted by path.
    pub fn files(&self) -> &[FileEntry] {
        &self.files
    }

    /// What lies in the tree and was left out: links that lead out of it, special files, unreadable folders.
    pub fn skipped(&self) -> &[Skipped] {
        &self.skipped
    }

    /// The first entry that was not listed because there are too many, with the reason; all that come after it are
    /// missing too.
    pub fn cut(&self) -> Option<&Skipped> {
        self.cut.as_ref()
    }

    pub fn entry(&self, path: &str) -> Option<&FileEntry> {
        let index = self.files.binary_search_by(|entry| (*entry.path).cmp(path)).ok()?;
        self.files.get(index)
    }

    pub fn contains(&self, path: &str) -> bool {
        self.entry(path).is_some()
    }

    /// When a file was last written; none in memory, and where the system does not tell.
    pub(crate) fn stamp(&self, path: &str) -> Option<&Stamp> {
        let Content::Disk(_, stamps) = &self.content else { return None };
        let index = self.files.binary_search_by(|entry| (*entry.path).cmp(path)).ok()?;
        stamps.get(index)?.as_ref()
    }

    /// The files below a folder (`.` is the root), in order.
    pub fn below<'a>(&'a self, folder: &str) -> impl Iterator<Item = &'a FileEntry> + use<'a> {
        let prefix = if matches!(folder, "." | "") { String::new() } else { format!("{folder}/") };
        let start = self.files.partition_point(|entry| *entry.path < *prefix);
        self.files.iter().skip(start).take_while(move |entry| entry.path.starts_with(&prefix))
    }

    /// The bytes of a file, or why they cannot be had, in one clause.
    pub fn bytes(&self, path: &str) -> Result<Arc<[u8]>, String> {
        self.read(path).map(Arc::from)
    }

    /// The bytes of a file, not shared.
    fn read(&self, path: &str) -> Result<Vec<u8>, String> {
        self.with_bytes(path, <[u8]>::to_vec)
    }

    /// What `look` makes of the bytes of a file.
    pub(crate) fn with_bytes<T>(&self, path: &str, look: impl FnOnce(&[u8]) -> T) -> Result<T, String> {
        let entry = self.entry(path).ok_or_else(|| "there is no such file".to_owned())?;
        if entry.size > READ_LIMIT {
            return Err(format!("it is larger than {} MiB and was not read", READ_LIMIT >> 20));
        }
        match &self.content {
            Content::Memory(files) => {
                files.get(path).map(|bytes| look(bytes)).ok_or_else(|| "there is no such file".to_owned())
            }
            Content::Disk(root, _) => with_bytes(&root.join(path), look),
        }
    }

    /// The bytes of a file of any size up to a bound, in pieces that overlap by some lines.
    pub(crate) fn pieces(&self, path: &str, each: &mut dyn FnMut(Piece<'_>)) -> Result<(), String> {
        match &self.content {
            Content::Memory(files) => {
                let bytes = files.get(path).ok_or_else(|| "there is no such file".to_owned())?;
                each(Piece { bytes, lines: 0, whole: true });
                Ok(())
            }
            Content::Disk(root, _) if self.entry(path).is_some_and(|entry| entry.size <= READ_LIMIT) => {
                with_bytes(&root.join(path), |bytes| each(Piece { bytes, lines: 0, whole: true }))
            }
            Content::Disk(root, _) => read_in_pieces(&root.join(path), each),
        }
    }

    /// The text of a file. A byte order mark is taken off, UTF-16 with a mark is understood; other encodings are an error.
    pub fn text(&self, path: &str) -> Result<Arc<str>, String> {
        decode(self.read(path)?).map(Arc::from)
    }
}

/// What a walk found.
#[derive(Debug, Default)]
struct Listed {
    files: Vec<(Arc<str>, u64, Option<Stamp>)>,
    skipped: Vec<Skipped>,
    cut: Option<Skipped>,
}

impl Listed {
    fn add(&mut self, seen: Seen) {
        match seen {
            Seen::File(path, size, stamp) => self.files.push((path, size, stamp)),
            Seen::Skipped(one) => self.skipped.push(one),
        }
    }

    fn append(&mut self, mut other: Self) {
        self.files.append(&mut other.files);
        self.skipped.append(&mut other.skipped);
        self.cut = self.cut.take().or(other.cut);
    }

    fn len(&self) -> usize {
        self.files.len() + self.skipped.len()
    }
}

enum Seen {
    File(Arc<str>, u64, Option<Stamp>),
    Skipped(Skipped),
}

impl Seen {
    /// An entry of a walk; none for a folder.
    fn of(root: &Path, entry: Result<DirEntry, ignore::Error>) -> Option<Self> {
        let entry = match entry {
            Ok(entry) => entry,
            Err(error) => return Some(Self::Skipped(Skipped { path: Arc::from("."), reason: error.to_string() })),
        };
        let kind = entry.file_type().filter(|kind| !kind.is_dir())?;
        let path: Arc<str> = Arc::from(relative(root, entry.path()));
        let skipped = |reason: &str| Skipped { path: Arc::clone(&path), reason: reason.to_owned() };
        Some(if kind.is_file() {
            let meta = entry.metadata().ok();
            Self::File(path, meta.as_ref().map_or(0, std::fs::Metadata::len), meta.as_ref().and_then(Stamp::of))
        } else if kind.is_symlink() {
            Self::Skipped(skipped("a link is not followed"))
        } else {
            Self::Skipped(skipped("not a regular file"))
        })
    }

    fn path(&self) -> &Arc<str> {
        match self {
            Self::File(path, ..) => path,
            Self::Skipped(one) => &one.path,
        }
    }
}

fn walker(root: &Path) -> WalkBuilder {
    let mut walker = WalkBuilder::new(root);
    walker
        .hidden(false)
        .require_git(false)
        .git_global(false)
        .parents(false)
        .follow_links(false)
        .add_custom_ignore_filename(".gonogoignore")
        .filter_entry(|entry| entry.file_name() != ".git" && !is_own(entry));
    walker
}

/// The folder of what gonogo keeps.
fn is_own(entry: &DirEntry) -> bool {
    entry.depth() == 1 && entry.file_name() == records::FOLDER
}

/// Lists what gonogo's own commands left, ignored or not: records of a laptop are often kept out of git, and their review
/// reads them.
fn own(root: &Path) -> Listed {
    let folder = root.join(records::FOLDER);
    if !fs::symlink_metadata(&folder).is_ok_and(|meta| meta.is_dir()) {
        return Listed::default();
    }
    let mut walker = WalkBuilder::new(folder);
    walker.standard_filters(false).follow_links(false).sort_by_file_name(std::ffi::OsStr::cmp);
    listed_in_order(root, &walker, OWN_LIMIT)
}

/// Lists everything with all threads. None: there is more than the limit.
fn walk(root: &Path, limit: usize) -> Option<Listed> {
    let (sender, receiver) = std::sync::mpsc::channel();
    let count = AtomicUsize::new(0);
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    walker(root).threads(threads).build_parallel().run(|| {
        let (sender, count) = (sender.clone(), &count);
        Box::new(move |entry| {
            let Some(seen) = Seen::of(root, entry) else { return WalkState::Continue };
            let over = count.fetch_add(1, Ordering::Relaxed) >= limit;
            // The receiver outlives the walk, so that a failed send can only mean that it is over.
            if over || sender.send(seen).is_err() { WalkState::Quit } else { WalkState::Continue }
        })
    });
    drop(sender);
    if count.into_inner() > limit {
        return None;
    }
    let mut listed = Listed::default();
    for seen in receiver {
        listed.add(seen);
    }
    Some(listed)
}

/// Lists as many as the limit allows, in the order of their names.
fn walk_in_order(root: &Path, limit: usize) -> Listed {
    listed_in_order(root, walker(root).sort_by_file_name(std::ffi::OsStr::cmp), limit)
}

fn listed_in_order(root: &Path, walker: &WalkBuilder, limit: usize) -> Listed {
    let mut listed = Listed::default();
    for seen in walker.build().filter_map(|entry| Seen::of(root, entry)) {
        if listed.len() == limit {
            let reason = format!("there are more than {limit} files: this one and those after it were not listed");
            listed.cut = Some(Skipped { path: Arc::clone(seen.path()), reason });
            break;
        }
        listed.add(seen);
    }
    listed
}

/// The path from the root, with `/` between its parts; bytes that are no text are replaced, so that it can be shown.
fn relative(root: &Path, path: &Path) -> String {
    let path = path.strip_prefix(root).unwrap_or(path);
    let parts: Vec<_> = path.components().map(|part| part.as_os_str().to_string_lossy()).collect();
    parts.join("/")
}

thread_local! {
    /// What the files of a thread are read into, one after the other: memory that is asked for anew costs more than to read
    /// most of them.
    static BYTES: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// Files above this size take memory of their own.
const KEPT_BYTES: usize = 1 << 20;

/// What `look` makes of the bytes of a file.
fn with_bytes<T>(path: &Path, look: impl FnOnce(&[u8]) -> T) -> Result<T, String> {
    let mut bytes = BYTES.take();
    let read = read_bounded(path, &mut bytes).map(|length| look(bytes.get(..length).unwrap_or_default()));
    bytes.truncate(KEPT_BYTES);
    bytes.shrink_to(KEPT_BYTES);
    BYTES.set(bytes);
    read
}

/// Reads a file to the start of `bytes` and gives its length; what is behind that is of no meaning.
fn read_bounded(path: &Path, bytes: &mut Vec<u8>) -> Result<usize, String> {
    let mut file = open(path).map_err(|error| error.to_string())?;
    let listed = file.metadata().map_err(|error| error.to_string())?;
    if !listed.is_file() {
        return Err("it is not a regular file".to_owned());
    }
    let mut length = 0;
    loop {
        // One more than there should be, since a read that is not full is the last; more where it has grown since.
        let room = usize::try_from(listed.len().min(READ_LIMIT)).unwrap_or(0).max(length + length / 2) + 1;
        if bytes.len() < room {
            bytes.resize(room, 0);
        }
        let Some(rest) = bytes.get_mut(length..) else { break };
        match file.read(rest) {
            Ok(read) if read < rest.len() => {
                length += read;
                break;
            }
            Ok(read) => length += read,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => (),
            Err(error) => return Err(error.to_string()),
        }
        if length as u64 > READ_LIMIT {
            break;
        }
    }
    if length as u64 > READ_LIMIT {
        return Err(format!("it is larger than {} MiB and was not read", READ_LIMIT >> 20));
    }
    Ok(length)
}

/// Between the walk and now the file may have become a link or a pipe: a link is not followed, and opening a pipe does not
/// wait.
fn open(path: &Path) -> std::io::Result<fs::File> {
    let mut options = fs::OpenOptions::new();
    options.read(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        let flags = rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK;
        options.custom_flags(i32::try_from(flags.bits()).unwrap_or_default());
    }
    #[cfg(not(unix))]
    if !fs::symlink_metadata(path)?.is_file() {
        return Err(std::io::Error::other("it is not a regular file"));
    }
    options.open(path)
}

/// Files above this size are read up to here.
const PIECES_LIMIT: u64 = 128 << 20;
const PIECE: usize = 4 << 20;
/// What is searched for is shorter than this.
const OVERLAP: usize = 32 << 10;

fn read_in_pieces(path: &Path, each: &mut dyn FnMut(Piece<'_>)) -> Result<(), String> {
    let meta = fs::symlink_metadata(path).map_err(|error| error.to_string())?;
    if !meta.is_file() {
        return Err("it is not a regular file".to_owned());
    }
    let mut file = fs::File::open(path).map_err(|error| error.to_string())?.take(PIECES_LIMIT);
    let (mut bytes, mut lines) = (Vec::new(), 0_u32);
    loop {
        let kept = bytes.len();
        let read = file.by_ref().take(PIECE as u64).read_to_end(&mut bytes).map_err(|error| error.to_string())?;
        // What is no text at its beginning is none later, and an archive of that size is not opened.
        if kept == 0 && bytes.iter().take(8000).any(|byte| *byte == 0) {
            return Ok(());
        }
        if read > 0 || kept == 0 {
            each(Piece { bytes: &bytes, lines, whole: false });
        }
        if read < PIECE {
            break;
        }
        let done = bytes.len().saturating_sub(OVERLAP);
        let newlines = bytes.drain(..done).filter(|byte| *byte == b'\n').count();
        lines = lines.saturating_add(u32::try_from(newlines).unwrap_or(u32::MAX));
    }
    if meta.len() > PIECES_LIMIT {
        return Err(format!("it is larger than {} MiB and was not read to its end", PIECES_LIMIT >> 20));
    }
    Ok(())
}

fn decode(bytes: Vec<u8>) -> Result<String, String> {
    match bytes.as_slice() {
        [0xef, 0xbb, 0xbf, rest @ ..] => utf8(rest.to_vec()),
        [0xff, 0xfe, rest @ ..] => utf16(rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => utf16(rest, u16::from_be_bytes),
        _ => utf8(bytes),
    }
}

fn utf8(bytes: Vec<u8>) -> Result<String, String> {
    String::from_utf8(bytes).map_err(|error| {
        let valid = error.as_bytes().get(..error.utf8_error().valid_up_to()).unwrap_or_default();
        let line = valid.split(|byte| *byte == b'\n').count();
        format!("it is not UTF-8 text (line {line})")
    })
}

fn utf16(bytes: &[u8], word: fn([u8; 2]) -> u16) -> Result<String, String> {
    let words = bytes.chunks_exact(2).map(|pair| match pair {
        [one, other] => word([*one, *other]),
        _ => 0,
    });
    char::decode_utf16(words).collect::<Result<String, _>>().map_err(|_| "it is not UTF-16 text".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The paths that are listed of these files under a limit, and where the cut is.
    fn check(files: &[&str], limit: usize, expect: &[&str], cut: Option<&str>) {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        for file in files {
            let path = folder.path().join(file);
            fs::create_dir_all(path.parent().expect("a file lies in a folder")).expect("a folder can be made");
            fs::write(path, "x").expect("a file can be written");
        }
        let tree = Tree::from_disk_up_to(folder.path(), limit).expect("the folder can be read");
        let listed: Vec<&str> = tree.files().iter().map(|entry| &*entry.path).collect();
        assert_eq!((listed.as_slice(), tree.cut().map(|cut| &*cut.path)), (expect, cut), "of {files:?} up to {limit}");
    }

    #[test]
    fn too_many_files_are_cut_in_the_order_of_their_names() {
        let files = ["b/2", "a/y", "c", "a/x", "b/1"];
        let sorted = ["a/x", "a/y", "b/1", "b/2", "c"];
        check(&files, 5, &sorted, None);
        check(&files, 3, &sorted[..3], Some("b/2"));
        check(&files, 0, &[], Some("a/x"));
    }

    #[test]
    fn what_gonogo_keeps_is_read_though_git_ignores_it() {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let write = |path: &str, text: &str| {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().expect("a file lies in a folder")).expect("a folder can be made");
            fs::write(path, text).expect("a file can be written");
        };
        write(".gitignore", ".gonogo/\nout/\n");
        write(".gonogo/.gitignore", "*\n");
        write(".gonogo/exercise/shop.json", "{}");
        write("out/x", "");
        write("out/.gonogo/exercise/other.json", "{}");
        let tree = Tree::from_disk(folder.path()).expect("the folder can be read");
        let listed: Vec<&str> = tree.files().iter().map(|entry| &*entry.path).collect();
        assert_eq!(listed, [".gitignore", ".gonogo/.gitignore", ".gonogo/exercise/shop.json"]);
    }
}
