//! Every file, looked through for secrets: each is read once more or for the first time, and not kept.

use std::sync::Arc;

use gonogo_domain::{
    Gap, Gathered, Place, Source,
    evidence::{FileEntry, Role, SecretSighting},
};
use gonogo_secrets::{File, scan};
use rayon::prelude::*;

use crate::{Cache, Tree};

/// Endings of what holds no text: pictures, sounds, fonts, programs.
const NO_TEXT: &[&str] = &[
    "png", "jpg", "jpeg", "gif", "webp", "ico", "bmp", "tiff", "psd", "woff", "woff2", "ttf", "otf", "eot", "mp3",
    "mp4", "mov", "avi", "webm", "ogg", "wav", "wasm", "exe", "dll", "so", "dylib", "a", "o", "class", "pyc",
];

/// Looks through every file of the tree.
pub fn gather(tree: &Tree, cache: &Cache) -> Gathered<SecretSighting> {
    let looked: Vec<Looked> =
        tree.files().par_iter().filter(|entry| may_be_text(entry)).map(|entry| look(tree, entry, cache)).collect();
    let mut gathered = Gathered { files: looked.len(), ..Gathered::default() };
    for one in looked {
        match one {
            Looked::Found(found) => gathered.items.extend(found),
            Looked::Unread(gap) => gathered.gaps.push(gap),
        }
    }
    gathered
}

fn may_be_text(entry: &FileEntry) -> bool {
    entry.size > 0 && !entry.name().rsplit_once('.').is_some_and(|(_, ending)| NO_TEXT.contains(&ending))
}

enum Looked {
    Found(Vec<SecretSighting>),
    Unread(Gap),
}

fn look(tree: &Tree, entry: &FileEntry, cache: &Cache) -> Looked {
    let mut found: Vec<SecretSighting> = Vec::new();
    let read = tree.pieces(&entry.path, &mut |piece| {
        let role = format!("{:?}", entry.role);
        let seen = cache.get("secrets", &[entry.path.as_bytes(), role.as_bytes(), piece.bytes], || {
            let seen = scan(&File { path: &entry.path, role: entry.role, bytes: piece.bytes });
            seen.into_iter().map(|one| in_its_role(piece.bytes, one)).collect::<Vec<_>>()
        });
        for mut one in seen {
            if piece.lines > 0 {
                one.place = one.place.at_line(one.place.line().unwrap_or(0).saturating_add(piece.lines));
            }
            // Pieces overlap, so that nothing is cut in two.
            if !found.iter().any(|other| (&other.place, other.fingerprint) == (&one.place, one.fingerprint)) {
                found.push(one);
            }
        }
    });
    match read {
        Ok(()) => Looked::Found(found),
        Err(reason) => {
            let place = Place::whole(Arc::clone(&entry.path));
            Looked::Unread(Gap { source: Source::Secrets, place, reason })
        }
    }
}

/// Rust keeps the tests of a file at its end: what stands there is a test's.
pub(crate) fn in_its_role(bytes: &[u8], mut one: SecretSighting) -> SecretSighting {
    if matches!(one.place.path().rsplit_once('.'), Some((_, "rs"))) {
        let text = String::from_utf8_lossy(bytes);
        let begins = text.lines().position(|line| line.trim_start().starts_with("#[cfg(test)]"));
        if begins.and_then(|line| u32::try_from(line).ok()).is_some_and(|line| one.place.line() > Some(line)) {
            one.role = Role::Test;
        }
    }
    one
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_any_size_is_looked_through() {
        // Assembled at run time, so that no scanner takes this file for a leak.
        let key = format!("gl{}-Zq4v9Lm2Xt7bRw8cKd3f", "pat");
        let line = "nothing to see here\n";
        let many = usize::try_from(crate::tree::READ_LIMIT).unwrap() / line.len() + 100;
        let text = format!("{}token {key}\n{line}", line.repeat(many));
        let tree =
            Tree::from_memory([("big.txt".to_owned(), text.into_bytes()), ("logo.png".to_owned(), key.into_bytes())]);
        let found = gather(&tree, &Cache::none());
        let places: Vec<String> = found.items.iter().map(|one| one.place.to_string()).collect();
        assert_eq!(places, [format!("big.txt:{}", many + 1)]);
    }
}
