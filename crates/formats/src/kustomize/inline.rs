//! YAML inside a string of YAML: patches written into the kustomization, with the lines of the file around them.

use std::sync::Arc;

use gonogo_domain::{Node, Place, Value};

use super::{Files, Problem};

/// The documents in the text of a scalar. In a literal block each node leads to its own line; otherwise to the scalar.
pub(super) fn documents(files: &dyn Files, scalar: &Node) -> (Vec<Node>, Vec<Problem>) {
    let path: Arc<str> = scalar.place.path().into();
    let shift = block_start(files, &scalar.place);
    let relocate = |place: &Place| match (shift, place) {
        (Some((lines, columns)), Place::File { line, column, .. }) => {
            Place::new(Arc::clone(&path), line.saturating_add(lines), column.saturating_add(columns))
        }
        _ => scalar.place.clone(),
    };
    let stream = crate::yaml::parse(&path, scalar.str().unwrap_or_default());
    let problems = stream.errors.iter().map(|error| Problem::new(&relocate(&error.place), &*error.reason)).collect();
    let mut documents: Vec<Node> = stream.documents.into_iter().map(|document| document.node).collect();
    for node in &mut documents {
        move_places(node, &relocate);
    }
    (documents, problems)
}

fn move_places(node: &mut Node, relocate: &impl Fn(&Place) -> Place) {
    node.place = relocate(&node.place);
    match &mut node.value {
        Value::Mapping(entries) => {
            for entry in entries {
                entry.key_place = relocate(&entry.key_place);
                move_places(&mut entry.node, relocate);
            }
        }
        Value::Sequence(items) => items.iter_mut().for_each(|item| move_places(item, relocate)),
        Value::Null | Value::Scalar(_) => (),
    }
}

/// Lines above and columns left of a literal block; `None` if the scalar is none.
fn block_start(files: &dyn Files, place: &Place) -> Option<(u32, u32)> {
    let Place::File { path, line, column } = place else { return None };
    let text = files.text(path)?;
    let at = |line: u32| text.lines().nth(usize::try_from(line.checked_sub(1)?).ok()?);
    let start = usize::try_from(column.checked_sub(1)?).ok()?;
    let opens = |line: &str| {
        line.trim_end().trim_end_matches(['-', '+', '1', '2', '3', '4', '5', '6', '7', '8', '9']).ends_with('|')
    };
    let before = if at(*line)?.get(start..).is_some_and(|rest| rest.starts_with('|')) {
        *line
    } else if line.checked_sub(1).and_then(at).is_some_and(opens) {
        line.checked_sub(1)?
    } else {
        return None;
    };
    let indent = text.lines().skip(usize::try_from(before).ok()?).find(|line| !line.trim().is_empty());
    let indent = indent.map_or(0, |line| line.len() - line.trim_start().len());
    Some((before, u32::try_from(indent).ok()?))
}
