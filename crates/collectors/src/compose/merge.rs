//! Services that are spread over several places: `extends`, and files that are laid over others.

use gonogo_domain::{Entry, Node, Place, Value};

use crate::{Corpus, DataFile, paths};

/// Services that extend each other; people stay below three.
const MAX_EXTENDS: usize = 16;

/// A service as one file has it.
#[derive(Clone, Copy)]
pub(super) struct Fragment<'c> {
    pub(super) file: &'c DataFile,
    pub(super) entry: &'c Entry,
}

/// The whole service. A file with a suffix is laid over its `base` if the service is not complete without it.
pub(super) fn resolve(
    corpus: &Corpus<'_>,
    fragment: Fragment<'_>,
    base: Option<&Node>,
) -> Result<Node, (Place, String)> {
    let whole = extended(corpus, fragment, 0)?;
    let complete = whole.get("image").is_some() || whole.get("build").is_some();
    Ok(match base.and_then(|services| services.get(&fragment.entry.key)) {
        Some(base) if !complete => lay_over(base, &whole),
        _ => whole,
    })
}

fn extended(corpus: &Corpus<'_>, fragment: Fragment<'_>, depth: usize) -> Result<Node, (Place, String)> {
    let own = &fragment.entry.node;
    let Some(extends) = own.get("extends").filter(|extends| !extends.is_null()) else { return Ok(own.clone()) };
    let problem = |reason: &str| (extends.place.clone(), reason.to_owned());
    if depth >= MAX_EXTENDS {
        return Err(problem("services extend each other without an end"));
    }
    let name = extends.str().or_else(|| extends.str_at("service")).ok_or_else(|| problem("names no service"))?;
    let file = match extends.str_at("file") {
        None => fragment.file,
        Some(path) => paths::join(fragment.file.folder(), path)
            .and_then(|path| corpus.file(&path))
            .ok_or_else(|| problem("extends a service of a file that is not in the repository"))?,
    };
    let services = file.documents.iter().find_map(|document| document.get("services"));
    let entry = services.and_then(|services| services.entry(name));
    let entry = entry.ok_or_else(|| problem("extends a service that does not exist"))?;
    let base = extended(corpus, Fragment { file, entry }, depth + 1)?;
    Ok(lay_over(&base, own))
}

/// Mappings are merged, lists are appended, everything else is replaced: compose's "merge" rules.
fn lay_over(base: &Node, top: &Node) -> Node {
    match (&base.value, &top.value) {
        (Value::Mapping(below), Value::Mapping(above)) => {
            let mut entries: Vec<Entry> = below.iter().map(|entry| merged(entry, top.entry(&entry.key))).collect();
            entries.extend(above.iter().filter(|entry| base.entry(&entry.key).is_none()).cloned());
            Node::new(top.place.clone(), Value::Mapping(entries))
        }
        (Value::Sequence(below), Value::Sequence(above)) => {
            Node::new(top.place.clone(), Value::Sequence(below.iter().chain(above).cloned().collect()))
        }
        _ => top.clone(),
    }
}

fn merged(below: &Entry, above: Option<&Entry>) -> Entry {
    match above {
        None => below.clone(),
        Some(above) if matches!(above.key.as_str(), "command" | "entrypoint" | "test") => above.clone(),
        Some(above) => Entry { node: lay_over(&below.node, &above.node), ..above.clone() },
    }
}
