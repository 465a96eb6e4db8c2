//! What was worked out from bytes before, kept by what the bytes are.
//!
//! One file for each repository holds what its last reviews used: whoever changes a file has the rest in it. It may be
//! deleted at any time, several reviews may use it at once, and whatever is wrong with it is as if it were not there.
//! What is new is appended, until too much of the file is of no use any more.

use std::{
    collections::{HashMap, HashSet},
    fs,
    io::{self, Write as _},
    ops::Range,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, SystemTime},
};

use serde::{Serialize, de::DeserializeOwned};

use crate::stamp::Stamp;

/// What every file of the cache begins with.
const MAGIC: &[u8] = b"gonogo cache 3\n";

/// A file is written anew when one part in this many is of no use.
const SPARE: usize = 4;

/// Larger files are not read: something else wrote them.
const SIZE_LIMIT: u64 = 1 << 30;

/// Files of repositories that nobody has reviewed for so long are deleted.
const KEPT: Duration = Duration::from_hours(30 * 24);

/// The name of something that is kept: a hash of everything that it depends on, after four bytes that name its kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Key([u8; 32]);

impl Key {
    pub(crate) fn bytes(self) -> [u8; 32] {
        self.0
    }

    /// Enough of it to tell it from any other.
    pub(crate) fn short(self) -> u128 {
        self.0.last_chunk().map_or(0, |last| u128::from_le_bytes(*last))
    }

    fn kind(&self) -> Option<&[u8; 4]> {
        self.0.first_chunk()
    }
}

/// A hash of the bytes of a file: they are looked at once for all that is kept of them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Content([u8; 32]);

/// A value that was not read yet.
#[derive(Debug)]
pub(crate) struct Rest {
    bytes: Arc<Vec<u8>>,
    range: Range<usize>,
}

impl Rest {
    pub(crate) fn get<T: DeserializeOwned>(&self) -> Option<T> {
        postcard::from_bytes(self.bytes.get(self.range.clone())?).ok()
    }
}

/// What a repository's reviews have worked out.
#[derive(Debug, Default)]
pub struct Cache {
    /// None: nothing is kept.
    file: Option<PathBuf>,
    /// Changes with the program, so that what another version worked out is not taken.
    edition: String,
    bytes: Arc<Vec<u8>>,
    /// Where in `bytes` each value is.
    known: HashMap<Key, Range<usize>>,
    /// All of the file could be read.
    sound: bool,
    used: Mutex<Used>,
}

#[derive(Debug, Default)]
struct Used {
    known: Vec<Key>,
    fresh: Vec<(Key, Vec<u8>)>,
}

impl Cache {
    /// Keeps nothing.
    pub fn none() -> Self {
        Self::default()
    }

    /// The cache of the repository at `root`, in a file of this folder. `edition` names the program that reads and writes
    /// it.
    pub fn open(folder: &Path, root: &Path, edition: &str) -> Self {
        let root = fs::canonicalize(root).unwrap_or_else(|_| root.to_owned());
        let name = blake3::hash(root.as_os_str().as_encoded_bytes());
        let name = name.as_bytes().first_chunk().map_or(0, |first| u128::from_be_bytes(*first));
        let file = folder.join(format!("{name:032x}"));
        let bytes = read(&file).unwrap_or_default();
        let (known, sound) = index(&bytes);
        let bytes = Arc::new(bytes);
        Self { file: Some(file), edition: edition.to_owned(), bytes, known, sound, used: Mutex::default() }
    }

    /// What `work` gives for these inputs, from the cache where it is there.
    pub(crate) fn get<T: Serialize + DeserializeOwned>(
        &self,
        kind: &str,
        inputs: &[&[u8]],
        work: impl FnOnce() -> T,
    ) -> T {
        self.get_at(self.key(kind, inputs), work)
    }

    /// What is kept under a name; where there is none, or nothing under it, what `work` gives.
    pub(crate) fn get_at<T: Serialize + DeserializeOwned>(&self, key: Option<Key>, work: impl FnOnce() -> T) -> T {
        let Some(key) = key else { return work() };
        self.find(key).unwrap_or_else(|| {
            let value = work();
            self.keep(key, &value);
            value
        })
    }

    /// What is kept under a name.
    pub(crate) fn find<T: DeserializeOwned>(&self, key: Key) -> Option<T> {
        let value = postcard::from_bytes(self.bytes_of(key)?).ok()?;
        self.uses(key);
        Some(value)
    }

    /// What is kept under a name, as it was written. Whoever takes it says so.
    pub(crate) fn bytes_of(&self, key: Key) -> Option<&[u8]> {
        self.bytes.get(self.known.get(&key)?.clone())
    }

    /// This run uses what is kept under a name.
    pub(crate) fn uses(&self, key: Key) {
        self.used.lock().unwrap_or_else(PoisonError::into_inner).known.push(key);
    }

    /// Keeps a value under a name, in the place of what is there.
    pub(crate) fn keep<T: Serialize>(&self, key: Key, value: &T) {
        if let Ok(bytes) = postcard::to_allocvec(value) {
            self.keep_bytes(key, bytes);
        }
    }

    pub(crate) fn keep_bytes(&self, key: Key, bytes: Vec<u8>) {
        self.used.lock().unwrap_or_else(PoisonError::into_inner).fresh.push((key, bytes));
    }

    /// The same for two values of which the second is read when it is asked for.
    pub(crate) fn find_both<T: DeserializeOwned>(&self, key: Key) -> Option<(T, Rest)> {
        let range = self.known.get(&key)?.clone();
        let (first, rest) = postcard::take_from_bytes(self.bytes.get(range.clone())?).ok()?;
        let rest = Rest { bytes: Arc::clone(&self.bytes), range: range.end - rest.len()..range.end };
        self.uses(key);
        Some((first, rest))
    }

    pub(crate) fn keep_both<T: Serialize, U: Serialize>(&self, key: Key, first: &T, second: &U) {
        let bytes = postcard::to_allocvec(first).and_then(|first| postcard::to_extend(second, first));
        if let Ok(bytes) = bytes {
            self.keep_bytes(key, bytes);
        }
    }

    /// The bytes of a file, for names of what depends on them; none where nothing is kept.
    pub(crate) fn content(&self, bytes: &[u8]) -> Option<Content> {
        self.file.as_ref()?;
        Some(Content(blake3::hash(bytes).into()))
    }

    /// What a file held when it had this stamp.
    pub(crate) fn content_of(&self, path: &str, stamp: &Stamp) -> Option<Content> {
        let key = self.key_of_stamp(path, stamp)?;
        let content = self.bytes_of(key)?.try_into().ok()?;
        self.uses(key);
        Some(Content(content))
    }

    /// Keeps what a file holds by its stamp; not where it was written just now.
    pub(crate) fn keep_content(&self, path: &str, stamp: &Stamp, content: Content) {
        if stamp.is_settled()
            && let Some(key) = self.key_of_stamp(path, stamp)
        {
            self.keep_bytes(key, content.0.to_vec());
        }
    }

    fn key_of_stamp(&self, path: &str, stamp: &Stamp) -> Option<Key> {
        self.key("stamp", &[path.as_bytes(), stamp.bytes()])
    }

    /// The name of what depends on the bytes of a file and on other inputs.
    pub(crate) fn key_of(&self, kind: &str, content: Content, inputs: &[&[u8]]) -> Option<Key> {
        let inputs: Vec<&[u8]> = inputs.iter().copied().chain([content.0.as_slice()]).collect();
        self.key(kind, &inputs)
    }

    /// The name of what depends on these inputs; none where nothing is kept.
    pub(crate) fn key(&self, kind: &str, inputs: &[&[u8]]) -> Option<Key> {
        self.file.as_ref()?;
        let mut hash = blake3::Hasher::new();
        // With the lengths, so that no two lists of inputs run together.
        for part in [self.edition.as_bytes(), kind.as_bytes()].iter().chain(inputs) {
            hash.update(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_le_bytes());
            hash.update(part);
        }
        let mut key: [u8; 32] = hash.finalize().into();
        for (byte, of_kind) in key.iter_mut().zip(blake3::hash(kind.as_bytes()).as_bytes().iter().take(4)) {
            *byte = *of_kind;
        }
        Some(Key(key))
    }

    /// Writes what this run used, where anything of it is new, and what is of kinds that it never asked for: who looks for
    /// secrets alone leaves the syntax trees to the next review. Nothing depends on it: without a place to write, the next
    /// run works it out again.
    pub fn save(&self) {
        let Some(file) = &self.file else { return };
        let mut used = std::mem::take(&mut *self.used.lock().unwrap_or_else(PoisonError::into_inner));
        if used.fresh.is_empty() {
            return;
        }
        let asked: HashSet<[u8; 4]> =
            used.known.iter().chain(used.fresh.iter().map(|(key, _)| key)).filter_map(Key::kind).copied().collect();
        used.known.extend(self.known.keys().filter(|key| key.kind().is_some_and(|kind| !asked.contains(kind))));
        used.known.sort();
        used.known.dedup();
        used.fresh.sort();
        used.fresh.dedup_by_key(|(key, _)| *key);
        let replaced = |key: &Key| used.fresh.binary_search_by_key(key, |(key, _)| *key).is_ok();
        let old = used.known.iter().filter(|key| !replaced(key));
        let old = old.filter_map(|key| Some((key, self.bytes.get(self.known.get(key)?.clone())?)));
        let fresh = used.fresh.iter().map(|(key, value)| (key, value.as_slice()));
        let old: Vec<(&Key, &[u8])> = old.collect();
        let useful: usize = old.iter().map(|(_, value)| value.len() + ENTRY).sum();
        let spare = self.bytes.len().saturating_sub(useful);
        let grows = self.sound && !self.bytes.is_empty() && spare <= self.bytes.len() / SPARE;
        // The next review is the same without it.
        let _ = if grows { append(file, fresh) } else { write(file, old.into_iter().chain(fresh)) };
    }
}

/// The bytes of an entry beside its value.
const ENTRY: usize = 32 + 8;

fn read(file: &Path) -> io::Result<Vec<u8>> {
    let length = fs::metadata(file)?.len();
    if length > SIZE_LIMIT {
        return Err(io::Error::other("too large"));
    }
    fs::read(file)
}

/// Where each value is, and whether that is all of the file.
fn index(bytes: &[u8]) -> (HashMap<Key, Range<usize>>, bool) {
    let mut known = HashMap::new();
    let mut rest = bytes;
    while !rest.is_empty() {
        let Some(after) = segment(bytes, rest, &mut known) else { return (known, false) };
        rest = after;
    }
    (known, true)
}

/// What was written at once: the magic, the length and the hash of all that follows, entries of key, length and value.
/// Gives what stands behind it; none where it is not as it was written.
fn segment<'b>(bytes: &[u8], rest: &'b [u8], known: &mut HashMap<Key, Range<usize>>) -> Option<&'b [u8]> {
    let (length, rest) = rest.strip_prefix(MAGIC)?.split_first_chunk::<8>()?;
    let (sum, rest) = rest.split_first_chunk::<32>()?;
    let (body, behind) = rest.split_at_checked(usize::try_from(u64::from_le_bytes(*length)).ok()?)?;
    if blake3::hash(body).as_bytes() != sum {
        return None;
    }
    let mut found = Vec::new();
    let mut rest = body;
    while let Some((key, after)) = rest.split_first_chunk::<32>() {
        let (length, after) = after.split_first_chunk::<8>()?;
        let length = usize::try_from(u64::from_le_bytes(*length)).ok()?;
        let (value, after) = after.split_at_checked(length)?;
        let from = bytes.len() - behind.len() - after.len() - value.len();
        found.push((Key(*key), from..from + length));
        rest = after;
    }
    if !rest.is_empty() {
        return None;
    }
    known.extend(found);
    Some(behind)
}

fn written<'v>(values: impl IntoIterator<Item = (&'v Key, &'v [u8])>) -> Vec<u8> {
    let head = MAGIC.len() + 8 + 32;
    let mut bytes = vec![0; head];
    for (key, value) in values {
        bytes.extend_from_slice(&key.0);
        bytes.extend_from_slice(&u64::try_from(value.len()).unwrap_or(u64::MAX).to_le_bytes());
        bytes.extend_from_slice(value);
    }
    let (before, body) = bytes.split_at_mut(head);
    let length = u64::try_from(body.len()).unwrap_or(u64::MAX).to_le_bytes();
    let sum = blake3::hash(body);
    for (to, from) in before.iter_mut().zip(MAGIC.iter().chain(&length).chain(sum.as_bytes())) {
        *to = *from;
    }
    bytes
}

/// In one piece, so that two reviews at once leave both of theirs; what is torn nevertheless is not read.
fn append<'v>(file: &Path, values: impl IntoIterator<Item = (&'v Key, &'v [u8])>) -> io::Result<()> {
    let mut file = fs::OpenOptions::new().append(true).open(file)?;
    file.write_all(&written(values))
}

/// Written beside its place and moved there: who reads at the same time sees the old one or the new one.
fn write<'v>(file: &Path, values: impl IntoIterator<Item = (&'v Key, &'v [u8])>) -> io::Result<()> {
    let folder = file.parent().unwrap_or_else(|| Path::new("."));
    fs::create_dir_all(folder)?;
    sweep(folder);
    let beside = file.with_extension(format!("{}.part", std::process::id()));
    fs::write(&beside, written(values))?;
    fs::rename(&beside, file).inspect_err(|_| {
        let _ = fs::remove_file(&beside);
    })
}

/// Deletes what nobody has written for long, parts of broken runs included.
fn sweep(folder: &Path) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let age = entry.metadata().and_then(|metadata| metadata.modified()).map(age);
        if age.is_ok_and(|age| age > KEPT) {
            let _ = fs::remove_file(entry.path());
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "how old a file of the cache is decides nothing about a service")]
fn age(time: SystemTime) -> Duration {
    SystemTime::now().duration_since(time).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn opened(folder: &tempfile::TempDir, edition: &str) -> Cache {
        Cache::open(folder.path(), Path::new("/no/such/repository"), edition)
    }

    /// Whether the value is worked out anew.
    fn is_worked_out(cache: &Cache, input: &str) -> bool {
        let mut worked = false;
        let value = cache.get("length", &[input.as_bytes()], || {
            worked = true;
            input.len()
        });
        assert_eq!(value, input.len());
        worked
    }

    fn file(folder: &tempfile::TempDir) -> PathBuf {
        fs::read_dir(folder.path()).unwrap().next().unwrap().unwrap().path()
    }

    #[test]
    fn what_was_worked_out_once_is_there_the_next_time_and_no_longer() {
        let folder = tempfile::tempdir().unwrap();
        let first = opened(&folder, "1");
        assert!(is_worked_out(&first, "a") && is_worked_out(&first, "b"));
        first.save();
        let second = opened(&folder, "1");
        assert!(!is_worked_out(&second, "a") && is_worked_out(&second, "c"));
        second.save();
        let third = opened(&folder, "1");
        assert!(!is_worked_out(&third, "a") && !is_worked_out(&third, "c"));
        // The second review did not use it.
        assert!(is_worked_out(&third, "b"));
    }

    #[test]
    fn a_run_that_asks_for_something_else_leaves_the_rest() {
        let folder = tempfile::tempdir().unwrap();
        let review = opened(&folder, "1");
        is_worked_out(&review, "a");
        review.save();
        let other = opened(&folder, "1");
        assert_eq!(other.get("twice", &[b"a"], || 2), 2);
        other.save();
        let again = opened(&folder, "1");
        assert!(!is_worked_out(&again, "a"));
        assert_eq!(again.get("twice", &[b"a"], || 3), 2);
    }

    #[test]
    fn another_version_of_the_program_takes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let first = opened(&folder, "1");
        is_worked_out(&first, "a");
        first.save();
        assert!(is_worked_out(&opened(&folder, "2"), "a"));
    }

    #[test]
    fn a_damaged_file_is_as_if_it_were_not_there() {
        let folder = tempfile::tempdir().unwrap();
        let first = opened(&folder, "1");
        is_worked_out(&first, "a");
        first.save();
        let whole = fs::read(file(&folder)).unwrap();
        for at in 0..whole.len() {
            let mut damaged = whole.clone();
            if let Some(byte) = damaged.get_mut(at) {
                *byte ^= 0x20;
            }
            fs::write(file(&folder), damaged).unwrap();
            assert!(is_worked_out(&opened(&folder, "1"), "a"), "byte {at}");
            fs::write(file(&folder), &whole[..at]).unwrap();
            assert!(is_worked_out(&opened(&folder, "1"), "a"), "cut at {at}");
        }
    }

    #[test]
    fn reviews_at_the_same_time_leave_one_of_theirs() {
        let folder = tempfile::tempdir().unwrap();
        std::thread::scope(|scope| {
            for thread in 0..8 {
                let folder = &folder;
                scope.spawn(move || {
                    for round in 0..20 {
                        let cache = opened(folder, "1");
                        is_worked_out(&cache, &format!("{thread} {round}"));
                        is_worked_out(&cache, "all");
                        cache.save();
                    }
                });
            }
        });
        assert!(!is_worked_out(&opened(&folder, "1"), "all"));
    }

    #[test]
    fn what_is_new_is_appended_until_too_much_is_of_no_use() {
        let folder = tempfile::tempdir().unwrap();
        let names: Vec<String> = (0..20).map(|at| format!("value {at}")).collect();
        let mut sizes = Vec::new();
        for round in 0..12 {
            let cache = opened(&folder, "1");
            // One file in twenty changes.
            let fresh = names.iter().skip(1).filter(|name| is_worked_out(&cache, name)).count();
            assert_eq!(fresh, if round == 0 { 19 } else { 0 }, "round {round}");
            assert!(is_worked_out(&cache, &format!("changed {round}")));
            cache.save();
            sizes.push(fs::metadata(file(&folder)).unwrap().len());
        }
        assert!(sizes.windows(2).any(|two| two[1] < two[0]), "{sizes:?}");
        assert!(sizes.iter().all(|size| *size < sizes[0] * 2), "{sizes:?}");
    }

    #[test]
    fn what_was_appended_and_torn_leaves_what_stands_before_it() {
        let folder = tempfile::tempdir().unwrap();
        let names: Vec<String> = (0..20).map(|at| format!("value {at}")).collect();
        let first = opened(&folder, "1");
        assert!(names.iter().all(|name| is_worked_out(&first, name)));
        first.save();
        let start = usize::try_from(fs::metadata(file(&folder)).unwrap().len()).unwrap();
        let second = opened(&folder, "1");
        assert!(!names.iter().any(|name| is_worked_out(&second, name)) && is_worked_out(&second, "more"));
        second.save();
        let whole = fs::read(file(&folder)).unwrap();
        assert!(whole.len() > start && !is_worked_out(&opened(&folder, "1"), "more"));
        for end in start + 1..whole.len() {
            fs::write(file(&folder), &whole[..end]).unwrap();
            let torn = opened(&folder, "1");
            assert!(is_worked_out(&torn, "more") && !names.iter().any(|name| is_worked_out(&torn, name)), "{end}");
        }
        // What comes next is not written behind what cannot be read.
        let next = opened(&folder, "1");
        assert!(!names.iter().any(|name| is_worked_out(&next, name)) && is_worked_out(&next, "more"));
        next.save();
        assert!(!is_worked_out(&opened(&folder, "1"), "more"));
    }

    #[test]
    fn a_value_that_is_kept_anew_replaces_the_old_one() {
        let folder = tempfile::tempdir().unwrap();
        for value in 0..4_u8 {
            let cache = opened(&folder, "1");
            let key = cache.key("kind", &[b"input"]).unwrap();
            assert_eq!(cache.find::<u8>(key), value.checked_sub(1));
            cache.keep(key, &value);
            cache.save();
        }
    }

    #[test]
    fn a_folder_that_cannot_be_written_does_no_harm() {
        let cache = Cache::open(Path::new("/dev/null/folder"), Path::new("/"), "1");
        assert!(is_worked_out(&cache, "a"));
        cache.save();
    }
}
