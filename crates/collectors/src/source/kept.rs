//! What linking found of a file, kept for the next review.
//!
//! It is taken again where all that it rests on is the same: the file itself, the files that were looked into from it, and
//! what the packages declare that it asked about. The numbers of functions and uses change with every file before theirs:
//! what is kept counts from the start of their own file.

use std::sync::Arc;

use gonogo_domain::{
    Place,
    evidence::{Catch, Choice, Decisions, EnvironmentRead, FunctionId, LostError, Package, SourceText, Use, UseId},
};
use gonogo_source::ScopeId;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::{
    calls::Resolved,
    facts::{Edge, Tables},
    program::{FileId, Program, Touched},
};
use crate::{Cache, cache::Key};

/// Functions of one file, and files, that fit into one number together.
const FUNCTIONS: usize = 1 << 24;

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
    /// What each file holds, and what each group declares.
    files: Vec<Key>,
    groups: Vec<u128>,
}

impl<'a> Kept<'a> {
    /// None where nothing is kept.
    pub(super) fn of(program: &Program<'_>, packages: &[Package], cache: &'a Cache) -> Option<Self> {
        let files: Vec<Key> = program.files.iter().map(|unit| unit.key).collect::<Option<_>>()?;
        let frame = cache.key("frame", &[program.frame().as_bytes(), format!("{packages:?}").as_bytes()])?;
        Some(Self { cache, frame: frame.bytes(), files, groups: program.declared() })
    }

    fn key(&self, what: &str, file: FileId) -> Option<Key> {
        let own = self.files.get(file)?.bytes();
        self.cache.key(what, &[&self.frame, &file.to_le_bytes(), &own])
    }

    /// What was found before, and what it rests on.
    pub(super) fn find<T: DeserializeOwned + Numbered>(
        &self,
        what: &str,
        file: FileId,
        numbers: &Numbers<'_>,
    ) -> Option<(T, Touched)> {
        let entry: Entry<T> = self.cache.find(self.key(what, file)?)?;
        let same = entry.files.iter().all(|(at, held)| self.files.get(*at).map(|key| key.short()) == Some(*held))
            && entry.groups.iter().all(|(at, declared)| self.groups.get(*at) == Some(declared));
        if !same {
            return None;
        }
        let mut found = entry.found;
        found.each(&mut |number| numbers.unpack(number))?;
        let touched = Touched {
            files: entry.files.into_iter().map(|(file, _)| file).collect(),
            groups: entry.groups.into_iter().map(|(group, _)| group).collect(),
        };
        Some((found, touched))
    }

    /// Keeps what was found. What rests on files that are none of the program's is not kept.
    pub(super) fn keep<T: Serialize + Numbered>(
        &self,
        what: &str,
        file: FileId,
        found: T,
        touched: &Touched,
        numbers: &Numbers<'_>,
    ) -> T {
        let mut entry = Entry { files: Vec::new(), groups: Vec::new(), found };
        let packed = entry.found.each(&mut |number| numbers.pack(number));
        let files = touched.files.iter().map(|file| Some((*file, self.files.get(*file)?.short())));
        let groups = touched.groups.iter().map(|group| Some((*group, *self.groups.get(*group)?)));
        if let (Some(()), Some(files), Some(groups), Some(key)) =
            (packed, files.collect(), groups.collect(), self.key(what, file))
        {
            (entry.files, entry.groups) = (files, groups);
            entry.files.sort_unstable();
            entry.groups.sort_unstable();
            self.cache.keep(key, &entry);
        }
        let Entry { mut found, .. } = entry;
        if packed.is_some() {
            // What was packed a moment ago.
            let _ = found.each(&mut |number| numbers.unpack(number));
        }
        found
    }
}

/// Something in what was found that is another in every program: a number, a path.
pub(super) enum Number<'n> {
    Function(&'n mut FunctionId),
    /// A use of the same file.
    Use(&'n mut UseId),
    Place(&'n mut Place),
}

/// What has such numbers.
pub(super) trait Numbered {
    /// Changes all of them; stops where one cannot be.
    fn each(&mut self, change: &mut dyn FnMut(Number<'_>) -> Option<()>) -> Option<()>;
}

/// The numbers of a file.
pub(super) struct Numbers<'t> {
    file: FileId,
    path: &'t Arc<str>,
    tables: &'t Tables<'t>,
    /// The first of its uses, and how many there are.
    uses: (UseId, usize),
    nowhere: Arc<str>,
}

impl<'t> Numbers<'t> {
    pub(super) fn of(tables: &'t Tables<'t>, file: FileId, uses: (UseId, usize)) -> Option<Self> {
        let path = &tables.program.files.get(file)?.path;
        Some(Self { file, path, tables, uses, nowhere: Arc::from("") })
    }

    fn pack(&self, number: Number<'_>) -> Option<()> {
        match number {
            Number::Function(function) => {
                let (home, _) = *self.tables.scopes.get(*function)?;
                let own = function.checked_sub(*self.tables.starts.get(home)?).filter(|own| *own < FUNCTIONS)?;
                *function = if home == self.file { own << 1 } else { (home.checked_mul(FUNCTIONS)? + own) << 1 | 1 };
            }
            Number::Use(used) => *used = used.checked_sub(self.uses.0).filter(|own| *own < self.uses.1)?,
            Number::Place(Place::File { path, .. }) => {
                if *path == *self.path {
                    *path = Arc::clone(&self.nowhere);
                }
            }
            Number::Place(Place::Attestation { .. }) => return None,
        }
        Some(())
    }

    fn unpack(&self, number: Number<'_>) -> Option<()> {
        match number {
            Number::Function(function) => {
                let rest = *function >> 1;
                let (home, own) =
                    if *function & 1 == 0 { (self.file, rest) } else { (rest / FUNCTIONS, rest % FUNCTIONS) };
                let found = self.tables.starts.get(home)?.checked_add(own)?;
                *function = found;
                self.tables.scopes.get(found).filter(|(file, _)| *file == home)?;
            }
            Number::Use(used) => *used = Some(*used).filter(|own| *own < self.uses.1)?.checked_add(self.uses.0)?,
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
        let Decisions { statuses, words, secrets, comparisons, ages, in_tests } = decisions;
        // These are found when all files are known.
        if !secrets.is_empty() || !comparisons.is_empty() {
            return None;
        }
        let reads = reads.iter_mut().map(|(_, _, one)| (&mut one.function, &mut one.place));
        let catches = catches.iter_mut().map(|one| (&mut one.function, &mut one.place));
        let texts = texts.iter_mut().map(|one| (&mut one.function, &mut one.place));
        let statuses = statuses.iter_mut().chain(in_tests).map(|one| (&mut one.function, &mut one.place));
        let words = words.iter_mut().map(|one| (&mut one.function, &mut one.place));
        let ages = ages.iter_mut().map(|one| (&mut one.function, &mut one.place));
        for (function, place) in reads.chain(catches).chain(texts).chain(statuses).chain(words).chain(ages) {
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
        Some(())
    }
}
