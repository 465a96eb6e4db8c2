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
    if !(code && source::is_read(file)) {
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
        Read { secrets: text.then(|| secrets::look_at(file, bytes, cache)), source: source::read(file, bytes, cache) }
    };
    tree.with_bytes(&file.path, |bytes| both(Ok(bytes))).unwrap_or_else(|reason| both(Err(&reason)))
}
