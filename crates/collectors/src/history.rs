//! Secrets that lie in the history of the repository: every version of every file, read once.
//!
//! Packs are read from their first byte to their last, each delta applied once, and only for the few versions that may
//! hold a secret it is then asked which path they had and which commit brought them. Nothing is run, and no other
//! repository is opened.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    path::{Path, PathBuf},
    sync::{Arc, atomic::AtomicBool, mpsc},
};

use gix::{
    ObjectId,
    bstr::ByteSlice as _,
    objs::Kind,
    odb::{loose, pack},
};
use gonogo_domain::{
    Message, Missing, Source,
    evidence::{Commit, History, SecretSighting},
};
use gonogo_secrets::{File, may_hold, scan};
use ignore::gitignore::Gitignore;
use jiff::{Timestamp, tz::TimeZone};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::{Cache, revision, roles, secrets};

/// How much of the history to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    /// All of it, whatever it takes.
    Whole,
    /// All of it, where that takes about a second.
    WhereQuick,
    /// None of it.
    Nothing,
}

/// About a second's work on two cores: objects in the repository, and bytes of its packs.
const QUICK_OBJECTS: u64 = 60_000;
const QUICK_BYTES: u64 = 40 << 20;

/// An object that claims to be larger is left out.
const OBJECT_LIMIT: usize = 256 << 20;

/// Versions of which the path is asked for; a repository with more has its secrets in the first ones too.
const CANDIDATES: usize = 50_000;

/// Reads the history of the repository that holds `root`. A folder in no repository has none.
pub fn gather(root: &Path, depth: Depth, cache: &Cache) -> Result<History, Missing> {
    let Ok(repository) = revision::open(root) else { return Ok(History::default()) };
    if depth == Depth::Nothing {
        return Err(left_out("the git history was left out, as asked", "按要求未读取 git 历史"));
    }
    let objects = repository.objects.store_ref().path().to_owned();
    let mut packs = packs(&objects);
    packs.sort();
    let loose_store = loose::Store::at(objects.clone(), repository.object_hash());
    let loose: Vec<ObjectId> = loose_store.iter().filter_map(Result::ok).collect();
    let opened: Vec<(pack::index::File, PathBuf)> = packs
        .iter()
        .filter_map(|path| {
            Some((pack::index::File::at(path, repository.object_hash()).ok()?, path.with_extension("pack")))
        })
        .collect();
    let count = opened.iter().map(|(index, _)| u64::from(index.num_objects())).sum::<u64>() + loose.len() as u64;
    let bytes: u64 = opened.iter().filter_map(|(_, path)| Some(path.metadata().ok()?.len())).sum();
    if depth == Depth::WhereQuick && (count > QUICK_OBJECTS || bytes > QUICK_BYTES) {
        return Err(left_out(
            &format!("the git history has {count} objects and was not read"),
            &format!("git 历史有 {count} 个对象，未读取"),
        ));
    }
    let mut reader = Reader { versions: 0, candidates: HashSet::new(), trouble: None };
    if opened.len() < packs.len() {
        reader.trouble = Some("an index of a pack cannot be read".to_owned());
    }
    for (index, path) in &opened {
        reader.pack(index, path, repository.object_hash(), cache);
    }
    reader.loose(&loose_store, &loose, cache);

    let partial = has_promisor(&objects);
    let mut past = Past { repository: &repository, prefix: revision::prefix(&repository, root), absent: 0 };
    let places = if partial || !reader.candidates.is_empty() { past.places(&reader.candidates) } else { Vec::new() };
    let secrets = sightings(&repository, &heeded(root, places));
    let incomplete = if repository.is_shallow().unwrap_or(false) {
        Some(missing(
            "the clone is shallow, so that only a part of the git history is here",
            "这是浅克隆，仅含部分 git 历史",
            "a whole clone (`git fetch --unshallow`, `fetch-depth: 0`)",
            "完整克隆（`git fetch --unshallow`、`fetch-depth: 0`）",
        ))
    } else if past.absent > 0 || objects.join("info/alternates").exists() {
        Some(missing(
            "the clone is partial, so that some versions of files are not here",
            "这是部分克隆，缺少某些文件版本",
            "a whole clone",
            "完整克隆",
        ))
    } else {
        reader.trouble.map(|reason| {
            missing(
                &format!("a part of the git history cannot be read: {reason}"),
                &format!("部分 git 历史无法读取：{reason}"),
                "a sound repository (`git fsck`)",
                "修复仓库（`git fsck`）",
            )
        })
    };
    Ok(History { secrets, incomplete, versions: reader.versions })
}

fn left_out(en: &str, zh: &str) -> Missing {
    missing(en, zh, "`gonogo review --history`", "`gonogo review --history`")
}

fn missing(en: &str, zh: &str, settle_en: &str, settle_zh: &str) -> Missing {
    Missing { source: Source::History, reason: Message::new(en, zh), settle: Message::new(settle_en, settle_zh) }
}

fn files(objects: &Path, extension: &str) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(objects.join("pack")) else { return Vec::new() };
    let paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
    paths.filter(|path| path.extension().is_some_and(|own| own == extension)).collect()
}

fn packs(objects: &Path) -> Vec<PathBuf> {
    files(objects, "idx")
}

/// Objects may be left with the repository that this one was cloned from.
fn has_promisor(objects: &Path) -> bool {
    !files(objects, "promisor").is_empty()
}

/// What a pack holds, at a first look.
#[derive(Default, Serialize, Deserialize)]
struct Looked {
    versions: usize,
    /// Versions that may hold a secret.
    candidates: Vec<Vec<u8>>,
    trouble: Option<String>,
}

fn first_look(index: &pack::index::File, path: &Path, hash: gix::hash::Kind) -> Looked {
    let mut looked = Looked::default();
    let data = match pack::data::File::at(path, hash) {
        Ok(data) => data.with_alloc_limit_bytes(Some(OBJECT_LIMIT)),
        Err(error) => return Looked { trouble: Some(error.to_string()), ..looked },
    };
    let (sender, receiver) = mpsc::channel();
    let options = pack::index::traverse::Options {
        traversal: pack::index::traverse::Algorithm::DeltaTreeLookup,
        thread_limit: None,
        check: pack::index::traverse::SafetyCheck::SkipFileAndObjectChecksumVerificationAndNoAbortOnDecodeError,
        alloc_limit_bytes: Some(OBJECT_LIMIT),
        make_pack_lookup_cache: || pack::cache::Never,
    };
    let run = index.traverse(
        &data,
        &mut gix::progress::Discard,
        &AtomicBool::new(false),
        move |kind, bytes, entry: &pack::index::Entry, _: &dyn gix::progress::Progress| {
            if kind == Kind::Blob {
                // The receiver outlives the run.
                let _ = sender.send(may_hold(bytes).then_some(entry.oid));
            }
            Ok(())
        },
        options,
    );
    looked.trouble = run.err().map(|error| error.to_string());
    for one in receiver {
        looked.versions += 1;
        if let Some(id) = one.filter(|_| looked.candidates.len() < CANDIDATES) {
            looked.candidates.push(id.as_bytes().to_vec());
        }
    }
    // Threads find them in any order.
    looked.candidates.sort();
    looked
}

/// The first look at every version.
struct Reader {
    versions: usize,
    /// Versions that may hold a secret.
    candidates: HashSet<ObjectId>,
    /// What could not be read.
    trouble: Option<String>,
}

impl Reader {
    fn pack(&mut self, index: &pack::index::File, path: &Path, hash: gix::hash::Kind, cache: &Cache) {
        // A pack goes by a hash of what is in it, and is never written again.
        let metadata = path.metadata().ok();
        let stamp = metadata.map(|one| (one.len(), one.modified().ok()));
        let looked = cache.get("pack", &[path.as_os_str().as_encoded_bytes(), format!("{stamp:?}").as_bytes()], || {
            first_look(index, path, hash)
        });
        self.versions += looked.versions;
        let candidates = looked.candidates.iter().filter_map(|id| ObjectId::try_from(id.as_slice()).ok());
        self.candidates.extend(candidates.take(CANDIDATES.saturating_sub(self.candidates.len())));
        if let Some(trouble) = looked.trouble {
            self.trouble = Some(trouble);
        }
    }

    fn loose(&mut self, store: &loose::Store, ids: &[ObjectId], cache: &Cache) {
        let looked: Vec<Result<Option<(ObjectId, bool)>, String>> = ids
            .par_iter()
            .map_init(Vec::new, |buffer, id| match store.try_find(id, buffer) {
                Ok(Some(object)) if object.kind == Kind::Blob => {
                    let holds = cache.get("version", &[id.as_bytes()], || may_hold(object.data));
                    Ok(Some((*id, holds)))
                }
                Ok(_) => Ok(None),
                Err(error) => Err(error.to_string()),
            })
            .collect();
        for one in looked {
            match one {
                Ok(None) => (),
                Ok(Some((id, holds))) => {
                    self.versions += 1;
                    if holds {
                        self.candidates.insert(id);
                    }
                }
                Err(error) => self.trouble = Some(error),
            }
        }
    }
}

/// A version that may hold a secret, where it was and since when.
struct Version {
    id: ObjectId,
    path: Arc<str>,
    commit: Commit,
}

/// The commits of the repository.
struct Past<'r> {
    repository: &'r gix::Repository,
    /// The folder that is reviewed, with `/` at its end; empty for the root.
    prefix: String,
    /// Files of commits that are not here.
    absent: usize,
}

impl Past<'_> {
    /// Where the candidates were, from the oldest commit on. What no branch or tag leads to is left out: no clone has it.
    fn places(&mut self, candidates: &HashSet<ObjectId>) -> Vec<Version> {
        let mut commits = self.commits();
        commits.sort();
        let check_presence = has_promisor(self.repository.objects.store_ref().path());
        let mut seen: HashSet<(ObjectId, Arc<str>)> = HashSet::new();
        let mut found: HashMap<(ObjectId, Arc<str>), Commit> = HashMap::new();
        for (seconds, id) in commits {
            let Ok(object) = self.repository.find_object(id) else { continue };
            let Ok(tree) = object.into_commit().tree_id() else { continue };
            let mut folders: Vec<(ObjectId, Arc<str>)> = vec![(tree.detach(), Arc::from(""))];
            while let Some(folder) = folders.pop() {
                if !seen.insert(folder.clone()) {
                    continue;
                }
                let (tree, path) = folder;
                let Ok(tree) = self.repository.find_tree(tree) else {
                    self.absent += 1;
                    continue;
                };
                for entry in tree.iter().filter_map(Result::ok) {
                    let mode = entry.mode();
                    let below = || Arc::from(format!("{path}{}", entry.filename().to_str_lossy()));
                    if mode.is_tree() {
                        folders.push((entry.object_id(), Arc::from(format!("{}/", below()))));
                    } else if mode.is_blob() {
                        let blob = entry.object_id();
                        if candidates.contains(&blob) {
                            let commit = || Commit { id: id.to_hex_with_len(9).to_string(), on: day(seconds) };
                            found.entry((blob, below())).or_insert_with(commit);
                        } else if check_presence && !self.repository.has_object(blob) {
                            self.absent += 1;
                        }
                    }
                }
            }
        }
        let mut versions: Vec<Version> = found
            .into_iter()
            .filter_map(|((id, path), commit)| {
                let path = path.strip_prefix(&*self.prefix)?;
                Some(Version { id, path: Arc::from(path), commit })
            })
            .collect();
        versions
            .sort_by(|one, other| (&one.path, &one.commit.on, one.id).cmp(&(&other.path, &other.commit.on, other.id)));
        versions
    }

    /// Every commit that a branch or a tag leads to, with its time in seconds.
    fn commits(&self) -> Vec<(i64, ObjectId)> {
        let mut tips: Vec<ObjectId> = self.repository.head_id().into_iter().map(gix::Id::detach).collect();
        if let Ok(references) = self.repository.references()
            && let Ok(all) = references.all()
        {
            tips.extend(all.filter_map(Result::ok).filter_map(|mut one| Some(one.peel_to_id().ok()?.detach())));
        }
        tips.sort();
        tips.dedup();
        tips.retain(|id| self.repository.find_header(*id).is_ok_and(|header| header.kind() == Kind::Commit));
        let order =
            gix::revision::walk::Sorting::ByCommitTime(gix::traverse::commit::simple::CommitTimeOrder::NewestFirst);
        let Ok(walk) = self.repository.rev_walk(tips).sorting(order).all() else { return Vec::new() };
        walk.filter_map(Result::ok).map(|info| (info.commit_time(), info.id)).collect()
    }
}

fn day(seconds: i64) -> jiff::civil::Date {
    Timestamp::from_second(seconds).unwrap_or_default().to_zoned(TimeZone::UTC).date()
}

/// The versions at paths that `.gonogoignore` does not leave out: what holds for the tree holds for its past.
fn heeded(root: &Path, mut versions: Vec<Version>) -> Vec<Version> {
    let (ignored, _) = Gitignore::new(root.join(".gonogoignore"));
    versions.retain(|one| !ignored.matched_path_or_any_parents(&*one.path, false).is_ignore());
    versions
}

/// What the versions hold, known by their paths: one sighting for each value of a file, of the commit that brought it.
fn sightings(repository: &gix::Repository, versions: &[Version]) -> Vec<SecretSighting> {
    let shared = repository.clone().into_sync();
    let found: Vec<Vec<SecretSighting>> = versions
        .par_iter()
        .map_init(
            || shared.to_thread_local(),
            |repository, version| {
                let Ok(object) = repository.find_object(version.id) else { return Vec::new() };
                let file = File { path: &version.path, role: roles::role(&version.path), bytes: &object.data };
                let commit = || Some(version.commit.clone());
                let found = scan(&file).into_iter().map(|one| SecretSighting { commit: commit(), ..one });
                found.map(|one| secrets::in_its_role(&object.data, one)).collect()
            },
        )
        .collect();
    let mut first: BTreeMap<(Arc<str>, u64), SecretSighting> = BTreeMap::new();
    for one in found.into_iter().flatten() {
        let key = (Arc::from(one.place.path()), one.fingerprint);
        let older = |other: &SecretSighting| {
            other.commit.as_ref().map(|commit| commit.on) <= one.commit.as_ref().map(|commit| commit.on)
        };
        if !first.get(&key).is_some_and(older) {
            first.insert(key, one);
        }
    }
    first.into_values().collect()
}
