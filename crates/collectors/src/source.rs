//! The program's source: read once, linked into one program for each service.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, OnceLock, PoisonError},
};

use gonogo_domain::{
    Gap, Place, Source,
    evidence::{FileEntry, Package, Role, SourceCode},
};
use gonogo_source::{Language, Module};
use rayon::prelude::*;

use crate::Tree;

mod cases;
mod contents;
mod deadlines;
mod decisions;
mod facts;
mod handling;
mod keeping;
mod origins;
mod program;
mod receivers;
mod routes;
mod settings;
mod values;
mod variables;
mod vendors;

/// Longer files of source are data or generated.
const SIZE_LIMIT: u64 = 1 << 20;

/// A file of source code that was read.
#[derive(Debug)]
pub(crate) struct SourceUnit {
    pub path: Arc<str>,
    pub role: Role,
    pub module: Module,
}

/// Every file of source code of the repository that is somebody's work: vendored and generated files are not read.
#[derive(Debug, Default)]
pub(crate) struct Sources {
    /// In the order of their paths.
    pub units: Vec<SourceUnit>,
    pub gaps: Vec<Gap>,
    /// Services that are made of the same files share one program.
    linked: Mutex<BTreeMap<Parts, Arc<OnceLock<Arc<SourceCode>>>>>,
}

pub(crate) fn gather(tree: &Tree) -> Sources {
    let files: Vec<&FileEntry> =
        tree.files().iter().filter(|file| read_at_all(file) && Language::of(&file.path).is_some()).collect();
    let read: Vec<Result<SourceUnit, Gap>> = files.into_par_iter().filter_map(|file| read(tree, file)).collect();
    let mut sources = Sources::default();
    for one in read {
        match one {
            Ok(unit) => sources.units.push(unit),
            Err(gap) => sources.gaps.push(gap),
        }
    }
    sources
}

fn read_at_all(file: &FileEntry) -> bool {
    !matches!(file.role, Role::Vendored | Role::Generated | Role::Fixture)
}

fn read(tree: &Tree, file: &FileEntry) -> Option<Result<SourceUnit, Gap>> {
    let language = Language::of(&file.path)?;
    let gap = |reason: String| Gap { source: Source::SourceCode, place: Place::whole(Arc::clone(&file.path)), reason };
    if file.size > SIZE_LIMIT {
        return Some(Err(gap(format!("{} bytes are more than a file of source is read for", file.size))));
    }
    Some(match tree.bytes(&file.path) {
        Ok(bytes) => Ok(SourceUnit {
            path: Arc::clone(&file.path),
            role: file.role,
            module: gonogo_source::read(language, &bytes),
        }),
        Err(reason) => Err(gap(reason)),
    })
}

/// The source of one service: the files that `owns` says belong to it, linked. Where they hold several programs of Go,
/// it is the one that goes by the service's name.
pub(crate) fn link(
    sources: &Sources,
    packages: &[Package],
    name: &str,
    owns: &dyn Fn(&str) -> bool,
) -> Arc<SourceCode> {
    let mut units: Vec<&SourceUnit> = sources.units.iter().filter(|unit| owns(&unit.path)).collect();
    let others = program::other_programs(&program::Program::new(&units, packages), name);
    if !others.is_empty() {
        let mut at = 0..;
        units.retain(|_| at.next().is_none_or(|at| !others.contains(&at)));
    }
    let key = Parts {
        files: units.iter().map(|unit| Arc::clone(&unit.path)).collect(),
        packages: packages.iter().map(|package| package.place.clone()).collect(),
    };
    let linked = {
        let mut all = sources.linked.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(all.entry(key).or_default())
    };
    Arc::clone(linked.get_or_init(|| Arc::new(facts::facts(&program::Program::new(&units, packages), packages))))
}

/// What a program is made of.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Parts {
    files: Vec<Arc<str>>,
    packages: Vec<Place>,
}

#[cfg(test)]
mod tests;
