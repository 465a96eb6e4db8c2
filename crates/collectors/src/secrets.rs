//! Every file, looked through for secrets.

use std::sync::Arc;

use gonogo_domain::{
    Gap, Gathered, Place, Source,
    evidence::{FileEntry, Role, SecretSighting},
};
use gonogo_secrets::{File, scan};

use crate::{
    Cache, Tree,
    cache::{Content, Key},
    tree::Piece,
};

/// Endings of what holds no text: pictures, sounds, fonts, programs.
const NO_TEXT: &[&str] = &[
    "png", "jpg", "jpeg", "gif", "webp", "ico", "bmp", "tiff", "psd", "woff", "woff2", "ttf", "otf", "eot", "mp3",
    "mp4", "mov", "avi", "webm", "ogg", "wav", "wasm", "exe", "dll", "so", "dylib", "a", "o", "class", "pyc",
];

/// Looks through every file of the tree.
pub fn gather(tree: &Tree, cache: &Cache) -> Gathered<SecretSighting> {
    crate::contents::gather(tree, cache, false).0
}

/// What was found in files, in their order.
pub(crate) fn gathered(looked: impl IntoIterator<Item = Looked>) -> Gathered<SecretSighting> {
    let mut gathered = Gathered::default();
    for one in looked {
        gathered.files += 1;
        match one {
            Looked::Found(found) => gathered.items.extend(found),
            Looked::Unread(gap) => gathered.gaps.push(gap),
        }
    }
    gathered
}

pub(crate) fn may_be_text(entry: &FileEntry) -> bool {
    entry.size > 0 && !entry.name().rsplit_once('.').is_some_and(|(_, ending)| NO_TEXT.contains(&ending))
}

/// What one file holds.
pub(crate) enum Looked {
    Found(Vec<SecretSighting>),
    Unread(Gap),
}

/// Looks through a file that was read.
pub(crate) fn look_at(entry: &FileEntry, bytes: Result<(&[u8], Option<Content>), &str>, cache: &Cache) -> Looked {
    match bytes {
        Ok((bytes, content)) => Looked::Found(seen(entry, bytes, content, cache)),
        Err(reason) => unread(entry, reason.to_owned()),
    }
}

/// What was found before in a file that holds this.
pub(crate) fn known(entry: &FileEntry, content: Content, cache: &Cache) -> Option<Looked> {
    cache.find(key(entry, content, cache)?).map(Looked::Found)
}

fn key(entry: &FileEntry, content: Content, cache: &Cache) -> Option<Key> {
    let role = format!("{:?}", entry.role);
    cache.key_of("secrets", content, &[entry.path.as_bytes(), role.as_bytes()])
}

/// The secrets of a text that is a file or a part of one.
fn seen(entry: &FileEntry, bytes: &[u8], content: Option<Content>, cache: &Cache) -> Vec<SecretSighting> {
    let key = content.and_then(|content| key(entry, content, cache));
    cache.get_at(key, || {
        let seen = scan(&File { path: &entry.path, role: entry.role, bytes });
        seen.into_iter().map(|one| in_its_role(bytes, one)).collect::<Vec<_>>()
    })
}

fn unread(entry: &FileEntry, reason: String) -> Looked {
    Looked::Unread(Gap { source: Source::Secrets, place: Place::whole(Arc::clone(&entry.path)), reason })
}

/// Looks through a file, piece by piece where it is large.
pub(crate) fn look(tree: &Tree, entry: &FileEntry, cache: &Cache) -> Looked {
    let mut found: Vec<SecretSighting> = Vec::new();
    let read = tree.pieces(&entry.path, &mut |piece: Piece<'_>| {
        let content = cache.content(piece.bytes);
        if let (Some(content), Some(stamp), true) = (content, tree.stamp(&entry.path), piece.whole) {
            cache.keep_content(&entry.path, stamp, content);
        }
        for mut one in seen(entry, piece.bytes, content, cache) {
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
        Err(reason) => unread(entry, reason),
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
