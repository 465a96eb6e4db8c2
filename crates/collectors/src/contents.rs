//! Every file, read once: the secrets that it holds, and what it says as source code.

use gonogo_domain::{
    Gap, Gathered,
    evidence::{FileEntry, SecretSighting},
};
use rayon::prelude::*;

use crate::{
    Cache, Tree, secrets,
    source::{self, SourceUnit},
    tree::READ_LIMIT,
};

/// What a file gave; none where it was not asked.
struct Read {
    secrets: Option<secrets::Looked>,
    source: Option<Result<SourceUnit, Gap>>,
}

/// The secrets of all files, and their source code where it is asked for.
pub(crate) fn gather(tree: &Tree, cache: &Cache, code: bool) -> (Gathered<SecretSighting>, source::Sources) {
    let read: Vec<Read> = tree.files().par_iter().map(|file| read(tree, file, cache, code)).collect();
    let (secrets, units): (Vec<_>, Vec<_>) = read.into_iter().map(|one| (one.secrets, one.source)).unzip();
    let units = units.into_iter().flatten();
    let sources = if code { source::gathered(tree, units) } else { source::Sources::default() };
    (secrets::gathered(secrets.into_iter().flatten()), sources)
}

fn read(tree: &Tree, file: &FileEntry, cache: &Cache, code: bool) -> Read {
    let text = secrets::may_be_text(file);
    let code = code && source::is_read(file);
    if let Some(known) = known(tree, file, cache, text, code) {
        return known;
    }
    if !code {
        return Read { secrets: text.then(|| secrets::look(tree, file, cache)), source: None };
    }
    if file.size > READ_LIMIT {
        return Read {
            secrets: text.then(|| secrets::look(tree, file, cache)),
            source: source::read(file, Err("it is too large"), cache),
        };
    }
    let both = |bytes: Result<&[u8], &str>| {
        let bytes = bytes.map(|bytes| (bytes, cache.content(bytes)));
        if let (Ok((_, Some(content))), Some(stamp)) = (bytes, tree.stamp(&file.path)) {
            cache.keep_content(&file.path, stamp, content);
        }
        Read { secrets: text.then(|| secrets::look_at(file, bytes, cache)), source: source::read(file, bytes, cache) }
    };
    tree.with_bytes(&file.path, |bytes| both(Ok(bytes))).unwrap_or_else(|reason| both(Err(&reason)))
}

/// What was found in the file before, where it was not written since.
fn known(tree: &Tree, file: &FileEntry, cache: &Cache, text: bool, code: bool) -> Option<Read> {
    let content = cache.content_of(&file.path, tree.stamp(&file.path)?)?;
    Some(Read {
        secrets: if text { Some(secrets::known(file, content, cache)?) } else { None },
        source: if code { Some(Ok(source::known(file, content, cache)?)) } else { None },
    })
}

#[cfg(all(test, unix))]
mod tests {
    use std::{fs, time::Duration};

    use super::*;

    #[test]
    fn what_was_not_written_since_is_known_without_being_read() {
        let (repository, kept) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let path = repository.path().join("main.go");
        let open = || Cache::open(kept.path(), repository.path(), "1");
        let is_known = || {
            let tree = Tree::from_disk(repository.path()).unwrap();
            let file = tree.entry("main.go").unwrap();
            known(&tree, file, &open(), true, true).is_some()
        };
        fs::write(&path, "package main\n").unwrap();
        assert!(!is_known());
        // Until the file is older than a tick of the clock of its file system.
        while !is_known() {
            let cache = open();
            gather(&Tree::from_disk(repository.path()).unwrap(), &cache, true);
            cache.save();
            std::thread::sleep(Duration::from_millis(20));
        }
        fs::write(&path, "package nain\n").unwrap();
        assert!(!is_known());
    }
}
