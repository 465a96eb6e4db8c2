//! Small readers that the platforms share.

use gonogo_domain::{
    Node, Place,
    evidence::{EnvValue, EnvVar, ImageRef, Located, Mount, Port, Volume, VolumeKind},
};

use crate::{
    image_name::image,
    words::{seconds, split},
};

pub(super) fn number(node: &Node, path: &str) -> Option<Located<u32>> {
    let found = node.at(path)?;
    Some(Located::new(u32::try_from(found.int()?).ok()?, &found.place))
}

pub(super) fn text(node: &Node, path: &str) -> Option<Located<String>> {
    let found = node.at(path)?;
    Some(Located::new(found.str()?.to_owned(), &found.place))
}

/// Seconds, as a number or as `1m30s`.
pub(super) fn duration(node: &Node, path: &str) -> Option<Located<u32>> {
    let found = node.at(path)?;
    Some(Located::new(seconds(found.str()?)?, &found.place))
}

pub(super) fn image_at(node: &Node, path: &str) -> Option<Located<ImageRef>> {
    let found = node.at(path)?;
    Some(Located::new(image(found.str()?), &found.place))
}

/// A command as a line or a list.
pub(super) fn command(node: &Node, path: &str) -> Option<Located<Vec<String>>> {
    let found = node.at(path)?;
    let words = match found.str() {
        Some(line) => split(line),
        None if found.items().is_empty() => return None,
        None => found.items().iter().filter_map(Node::str).map(str::to_owned).collect(),
    };
    Some(Located::new(words, &found.place))
}

/// A mapping of variables to their values.
pub(super) fn variables(node: Option<&Node>) -> Vec<EnvVar> {
    let entries = node.map_or(&[][..], Node::entries);
    entries
        .iter()
        .map(|entry| EnvVar {
            name: entry.key.clone(),
            place: entry.key_place.clone(),
            value: match entry.node.str() {
                Some(value) => EnvValue::Literal(value.to_owned()),
                None => EnvValue::Other(String::new()),
            },
        })
        .collect()
}

pub(super) fn port(node: &Node, path: &str) -> Option<Port> {
    let found = node.at(path)?;
    let number = u16::try_from(found.int()?).ok()?;
    Some(Port { number: Some(number), name: None, protocol: None, place: found.place.clone() })
}

/// A disk that outlives the program, and where it is mounted.
pub(super) fn disk(name: &str, path: &str, place: &Place) -> (Volume, Mount) {
    (
        Volume { name: name.to_owned(), place: place.clone(), kind: VolumeKind::Claim(name.to_owned()) },
        Mount { volume: name.to_owned(), path: path.to_owned(), read_only: false, place: place.clone() },
    )
}
