//! What linking found of a file, kept for the next review.
//!
//! It is taken again where all that it rests on is the same: the file itself, the files that were looked into from it, and
//! what the packages declare that it asked about. The numbers of functions and uses change with every file before theirs:
//! what is kept counts from the start of their own file.

use std::sync::Arc;

use gonogo_domain::{
    Place,
    evidence::{
        Catch, Choice, Decisions, EnvironmentRead, FunctionId, LostError, Origin, Package, SourceText, Use, UseId,
    },
};
use gonogo_source::ScopeId;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::{
    calls::Resolved,
    facts::{Edge, Tables},
    program::{FileId, Program},
    touched::{Touched, touching},
};
use crate::{Cache, cache::Key};

/// A file has fewer functions, and fewer uses.
const MANY: usize = 1 << 24;

/// What calls and imports of a file do.
#[derive(Default, Serialize, Deserialize)]
pub(super) struct Calls {
    pub(super) effects: Vec<Use>,
    pub(super) resolved: Vec<Resolved>,
}

/// What stands in a file besides.
#[derive(Default, Serialize, Deserialize)]
pub(super) struct Contents {
    pub(super) reads: Vec<(FileId, ScopeId, EnvironmentRead)>,
    pub(super) catches: Vec<Catch>,
    pub(super) lost_errors: Vec<LostError>,
    pub(super) texts: Vec<SourceText>,
    pub(super) choices: Vec<Choice>,
    pub(super) decisions: Decisions,
}

/// What was found with what it rests on.
#[derive(Serialize, Deserialize)]
struct Entry<T> {
    files: Vec<(FileId, u128)>,
    groups: Vec<(usize, u128)>,
    found: T,
}

/// What earlier reviews found of the files of a program.
pub(super) struct Kept<'a> {
    cache: &'a Cache,
    /// What the numbers of files and groups, and all answers that say no, rest on.
    frame: [u8; 32],
    files: Vec<Key>,
    /// What each group declares.
    groups: Vec<u128>,
}

/// A number that changes with what a file holds; none where it is not known whether that is as before.
pub(super) type Held = Option<u128>;

/// What was found of a file.
pub(super) struct Found<T> {
    pub(super) what: T,
    pub(super) touched: Touched,
    /// It is what was found before.
    pub(super) known: bool,
    /// A number that changes with it; none where nothing is kept.
    pub(super) digest: Option<u128>,
}

impl<'a> Kept<'a> {
    /// None where nothing is kept.
    pub(super) fn of(program: &Program<'_>, packages: &[Package], cache: &'a Cache) -> Option<Self> {
        let files: Vec<Key> = program.files.iter().map(|unit| unit.key).collect::<Option<_>>()?;
        let frame = || cache.key("frame", &[&program.frame(packages)]);
        let (frame, groups) = rayon::join(frame, || program.declared());
        Some(Self { cache, frame: frame?.bytes(), files, groups })
    }

    /// What each file holds.
    pub(super) fn held(&self) -> Vec<Held> {
        self.files.iter().map(|key| Some(key.short())).collect()
    }

    fn key(&self, what: &str, file: FileId) -> Option<Key> {
        let own = self.files.get(file)?.bytes();
        self.cache.key(what, &[&self.frame, &file.to_le_bytes(), &own])
    }

    fn find<T: DeserializeOwned + Numbered>(
        &self,
        key: Key,
        numbers: &Numbers<'_, '_>,
        held: &[Held],
    ) -> Option<Found<T>> {
        let bytes = self.cache.bytes_of(key)?;
        let entry: Entry<T> = postcard::from_bytes(bytes).ok()?;
        let same = entry.files.iter().all(|(at, before)| held.get(*at) == Some(&Some(*before)))
            && entry.groups.iter().all(|(at, before)| self.groups.get(*at) == Some(before));
        if !same {
            return None;
        }
        let mut found = entry.found;
        found.each(&mut |number| numbers.unpack(number))?;
        self.cache.uses(key);
        let touched = Touched {
            files: entry.files.into_iter().map(|(file, _)| file).collect(),
            groups: entry.groups.into_iter().map(|(group, _)| group).collect(),
        };
        Some(Found { what: found, touched, known: true, digest: Some(digest(bytes)) })
    }

    /// Keeps what was found, where all that it rests on is of the program.
    fn keep<T: Serialize + Numbered>(
        &self,
        key: Key,
        found: &mut Found<T>,
        numbers: &Numbers<'_, '_>,
        held: &[Held],
    ) -> Option<()> {
        let files = found.touched.files.iter().map(|file| Some((*file, (*held.get(*file)?)?)));
        let mut files: Vec<(FileId, u128)> = files.collect::<Option<_>>()?;
        let groups = found.touched.groups.iter().map(|group| Some((*group, *self.groups.get(*group)?)));
        let mut groups: Vec<(usize, u128)> = groups.collect::<Option<_>>()?;
        files.sort_unstable();
        groups.sort_unstable();
        // Whether all of it can be packed is known before anything is.
        found.what.each(&mut |number| numbers.packed(&number).map(|_| ()))?;
        found.what.each(&mut |number| numbers.pack(number))?;
        let bytes = postcard::to_allocvec(&Entry { files, groups, found: &found.what }).ok();
        found.what.each(&mut |number| numbers.unpack(number))?;
        let bytes = bytes?;
        found.digest = Some(digest(&bytes));
        self.cache.keep_bytes(key, bytes);
        Some(())
    }
}

fn digest(bytes: &[u8]) -> u128 {
    blake3::hash(bytes).as_bytes().last_chunk().map_or(0, |last| u128::from_le_bytes(*last))
}

/// What the files hold and what their calls do: where both are the same, so is what follows from the calls.
pub(super) fn with_calls(held: &[Held], calls: &[Option<u128>]) -> Vec<Held> {
    let both = held.iter().zip(calls);
    both.map(|(held, calls)| Some(digest(&[(*held)?.to_le_bytes(), (*calls)?.to_le_bytes()].concat()))).collect()
}

/// What was found before, else what the work gives, which is then kept. Nothing is asked for that is known to be of no
/// use.
pub(super) fn once<T: Serialize + DeserializeOwned + Numbered>(
    kept: Option<(&Kept<'_>, &[Held])>,
    kind: &str,
    numbers: Option<&Numbers<'_, '_>>,
    useful: bool,
    work: impl FnOnce() -> T,
) -> Found<T> {
    let with = kept
        .zip(numbers)
        .and_then(|((kept, held), numbers)| Some((kept, held, numbers, kept.key(kind, numbers.file)?)));
    if useful
        && let Some((kept, held, numbers, key)) = with
        && let Some(found) = kept.find(key, numbers, held)
    {
        return found;
    }
    let (what, touched) = touching(work);
    let mut found = Found { what, touched, known: false, digest: None };
    if let Some((kept, held, numbers, key)) = with {
        // What cannot be kept is found again.
        let _ = kept.keep(key, &mut found, numbers, held);
    }
    found
}

/// Something in what was found that is another in every program: a number, a path.
pub(super) enum Number<'n> {
    Function(&'n mut FunctionId),
    Use(&'n mut UseId),
    Place(&'n mut Place),
}

/// What has such numbers.
pub(super) trait Numbered {
    /// Changes all of them; stops where one cannot be.
    fn each(&mut self, change: &mut dyn FnMut(Number<'_>) -> Option<()>) -> Option<()>;
}

/// The numbers of a file.
pub(super) struct Numbers<'t, 'p> {
    file: FileId,
    path: &'t Arc<str>,
    tables: &'t Tables<'p>,
    /// The first use of each file as far as they are known, and how many there are in all.
    uses: (&'t [UseId], usize),
    nowhere: Arc<str>,
}

impl<'t, 'p> Numbers<'t, 'p> {
    pub(super) fn of(tables: &'t Tables<'p>, file: FileId, uses: (&'t [UseId], usize)) -> Option<Self> {
        let path = &tables.program.files.get(file)?.path;
        Some(Self { file, path, tables, uses, nowhere: Arc::from("") })
    }

    /// A number as one that counts from the start of a file; the file's own are even.
    fn of_file(&self, home: FileId, own: usize) -> Option<usize> {
        if own >= MANY {
            return None;
        }
        Some(if home == self.file { own << 1 } else { (home.checked_mul(MANY)?.checked_add(own)?).checked_mul(2)? | 1 })
    }

    fn file_of(&self, packed: usize) -> (FileId, usize) {
        let rest = packed >> 1;
        if packed & 1 == 0 { (self.file, rest) } else { (rest / MANY, rest % MANY) }
    }

    /// What a number is packed to.
    fn packed(&self, number: &Number<'_>) -> Option<usize> {
        match number {
            Number::Function(function) => {
                let (home, _) = *self.tables.scopes.get(**function)?;
                self.of_file(home, function.checked_sub(*self.tables.starts.get(home)?)?)
            }
            Number::Use(used) => {
                let home = self.uses.0.partition_point(|first| *first <= **used).checked_sub(1)?;
                self.of_file(home, used.checked_sub(*self.uses.0.get(home)?)?)
            }
            Number::Place(Place::File { .. }) => Some(0),
            Number::Place(Place::Attestation { .. }) => None,
        }
    }

    fn pack(&self, number: Number<'_>) -> Option<()> {
        let packed = self.packed(&number)?;
        match number {
            Number::Function(number) | Number::Use(number) => *number = packed,
            Number::Place(Place::File { path, .. }) => {
                if *path == *self.path {
                    *path = Arc::clone(&self.nowhere);
                }
            }
            Number::Place(Place::Attestation { .. }) => (),
        }
        Some(())
    }

    fn unpack(&self, number: Number<'_>) -> Option<()> {
        match number {
            Number::Function(function) => {
                let (home, own) = self.file_of(*function);
                *function = self.tables.starts.get(home)?.checked_add(own)?;
                self.tables.scopes.get(*function).filter(|(file, _)| *file == home)?;
            }
            Number::Use(used) => {
                let (home, own) = self.file_of(*used);
                *used = self.uses.0.get(home)?.checked_add(own)?;
                let end = self.uses.0.get(home + 1).copied().unwrap_or(self.uses.1);
                Some(*used).filter(|used| *used < end)?;
            }
            Number::Place(Place::File { path, .. }) => {
                if path.is_empty() {
                    *path = Arc::clone(self.path);
                }
            }
            Number::Place(Place::Attestation { .. }) => return None,
        }
        Some(())
    }
}

impl Numbered for Use {
    fn each(&mut self, change: &mut dyn FnMut(Number<'_>) -> Option<()>) -> Option<()> {
        // Who made what it is called on is found anew.
        if self.client.is_some() {
            return None;
        }
        change(Number::Place(&mut self.place))?;
        change(Number::Function(&mut self.function))?;
        for function in &mut self.wraps {
            change(Number::Function(function))?;
        }
        for setting in self.settings.values_mut() {
            change(Number::Place(&mut setting.place))?;
        }
        Some(())
    }
}

impl Numbered for Calls {
    fn each(&mut self, change: &mut dyn FnMut(Number<'_>) -> Option<()>) -> Option<()> {
        for one in &mut self.effects {
            one.each(change)?;
        }
        for one in &mut self.resolved {
            change(Number::Function(&mut one.function))?;
            let runs = one.runs.iter_mut().filter_map(|edge| match edge {
                Edge::To(function) => Some(function),
                Edge::Methods(_) => None,
            });
            for function in runs.chain(&mut one.handed).chain(&mut one.callee) {
                change(Number::Function(function))?;
            }
            for found in &mut one.uses {
                found.one.each(change)?;
            }
            if let Some(unfollowed) = &mut one.unfollowed {
                change(Number::Place(&mut unfollowed.place))?;
            }
        }
        Some(())
    }
}

impl Numbered for Contents {
    fn each(&mut self, change: &mut dyn FnMut(Number<'_>) -> Option<()>) -> Option<()> {
        let Self { reads, catches, lost_errors, texts, choices, decisions } = self;
        let reads = reads.iter_mut().map(|(_, _, one)| (&mut one.function, &mut one.place));
        let catches = catches.iter_mut().map(|one| (&mut one.function, &mut one.place));
        let texts = texts.iter_mut().map(|one| (&mut one.function, &mut one.place));
        for (function, place) in reads.chain(catches).chain(texts) {
            change(Number::Function(function))?;
            change(Number::Place(place))?;
        }
        for one in lost_errors {
            change(Number::Function(&mut one.function))?;
            change(Number::Place(&mut one.place))?;
            if let Some(callee) = &mut one.callee {
                change(Number::Function(callee))?;
            }
            if let Some(used) = &mut one.used {
                change(Number::Use(used))?;
            }
        }
        for one in choices {
            change(Number::Place(&mut one.place))?;
        }
        decisions.each(change)
    }
}

impl Numbered for Decisions {
    fn each(&mut self, change: &mut dyn FnMut(Number<'_>) -> Option<()>) -> Option<()> {
        let Self { statuses, words, secrets, comparisons, ages, in_tests } = self;
        let statuses = statuses.iter_mut().chain(in_tests).map(|one| (&mut one.function, &mut one.place));
        let words = words.iter_mut().map(|one| (&mut one.function, &mut one.place));
        let ages = ages.iter_mut().map(|one| (&mut one.function, &mut one.place));
        for (function, place) in statuses.chain(words).chain(ages) {
            change(Number::Function(function))?;
            change(Number::Place(place))?;
        }
        for one in secrets {
            change(Number::Function(&mut one.function))?;
            change(Number::Place(&mut one.place))?;
            for call in &mut one.calls {
                change(Number::Function(call))?;
            }
            for used in &mut one.uses {
                change(Number::Use(used))?;
            }
        }
        for one in comparisons {
            change(Number::Function(&mut one.function))?;
            change(Number::Place(&mut one.place))?;
            for from in &mut one.from {
                if let Origin::Use(used) = from {
                    change(Number::Use(used))?;
                }
            }
        }
        Some(())
    }
}
