//! What a workload is called across environments, whatever a kustomization puts around its name.

use std::collections::{BTreeMap, BTreeSet};

use gonogo_domain::{Node, Place};

use super::{logical::Candidate, lower, source::Origin};
use crate::{Corpus, environment};

/// Gives the renderings of one written workload one name.
pub(super) fn unify(corpus: &Corpus<'_>, candidates: &mut [Candidate<'_>]) {
    let mut written: BTreeMap<Place, Vec<usize>> = BTreeMap::new();
    let mut bases: BTreeMap<Place, String> = BTreeMap::new();
    let mut files: BTreeMap<String, BTreeMap<&Place, &str>> = BTreeMap::new();
    for (index, candidate) in candidates.iter().enumerate() {
        if candidate.rendering.origin != Origin::Kustomization {
            continue;
        }
        let place = lower::place_of(candidate.object);
        let names = files.entry(place.path().to_owned()).or_insert_with(|| written_names(corpus, place.path()));
        let Some(base) = names.get(place).map(|base| (*base).to_owned()) else { continue };
        written.entry(place.clone()).or_default().push(index);
        bases.insert(place.clone(), base);
    }

    let mut aliases: BTreeMap<(String, String), String> = BTreeMap::new();
    for (place, indexes) in &written {
        let Some(base) = bases.get(place) else { continue };
        let images: BTreeSet<_> =
            indexes.iter().filter_map(|index| candidates.get(*index)).map(|one| &one.image).collect();
        let one_program = images.len() <= 1;
        for index in indexes {
            if let Some(candidate) = candidates.get_mut(*index)
                && without_environment(candidate, base, one_program)
            {
                candidate.rename(base);
            }
        }
        let group: Vec<&Candidate<'_>> = indexes.iter().filter_map(|index| candidates.get(*index)).collect();
        let Some(name) = common_name(&group, base, one_program) else { continue };
        for candidate in group {
            aliases.insert(identity(candidate.object), name.clone());
        }
        for index in indexes {
            if let Some(candidate) = candidates.get_mut(*index) {
                candidate.rename(&name);
            }
        }
    }
    // A bundle has the names that the kustomization gives.
    for candidate in candidates.iter_mut().filter(|candidate| candidate.rendering.origin != Origin::Kustomization) {
        if let Some(name) = aliases.get(&identity(candidate.object)) {
            candidate.rename(name);
        }
    }
}

fn identity(object: &Node) -> (String, String) {
    (object.str_at("kind").unwrap_or_default().to_owned(), lower::name_of(object).to_owned())
}

/// The names of the objects of a file, as a person wrote them.
fn written_names<'c>(corpus: &'c Corpus<'_>, path: &str) -> BTreeMap<&'c Place, &'c str> {
    let documents = corpus.file(path).map_or(&[][..], |file| &file.documents);
    let names = documents.iter().filter_map(|document| document.at("metadata.name"));
    names.filter_map(|name| Some((&name.place, name.str()?))).collect()
}

/// What stands around the name only tells environments apart: `dev-frontend` is `frontend`. A folder's name is an
/// environment only while the program stays the same.
fn without_environment(candidate: &Candidate<'_>, base: &str, one_program: bool) -> bool {
    let Some((prefix, suffix)) = candidate.name.split_once(base) else { return false };
    let clear = |affix: &str| {
        let affix = affix.trim_matches(['-', '.', '_']);
        affix.is_empty()
            || (one_program && candidate.environment.as_deref() == Some(affix))
            || affix.split(['-', '.', '_']).any(environment::is_clear)
    };
    clear(prefix) && clear(suffix)
}

/// One name for all, if they are one workload: one program, and no environment that has it twice. A base that several
/// services share is told apart by its image, or by being used twice in one environment.
fn common_name(group: &[&Candidate<'_>], base: &str, one_program: bool) -> Option<String> {
    let names: BTreeSet<&str> = group.iter().map(|candidate| candidate.name.as_str()).collect();
    let environments: BTreeSet<&Option<String>> = group.iter().map(|candidate| &candidate.environment).collect();
    if names.len() > 1 && (!one_program || environments.len() < group.len()) {
        return None;
    }
    let served: BTreeSet<&str> =
        group.iter().filter(|candidate| candidate.production()).map(|candidate| candidate.name.as_str()).collect();
    let mut deciding = if served.is_empty() { names } else { served }.into_iter();
    match (deciding.next(), deciding.next()) {
        (Some(only), None) => Some(only.to_owned()),
        _ => Some(base.to_owned()),
    }
}
