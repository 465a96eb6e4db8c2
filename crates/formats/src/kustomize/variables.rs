//! `vars:`, the old way to put one object's field into others as `$(NAME)`.

use std::collections::HashMap;

use gonogo_domain::{Node, Value};

use super::{
    Problem,
    fields::{FieldSpec, split_api_version},
    replace,
    resource::Resource,
    tree,
};

/// Bytes that the variables of one build may add.
const MAX_ADDED: usize = 16 << 20;

/// Resolves every variable, then every `$(NAME)` in the fields that may hold one.
pub(super) fn resolve(resources: &mut [Resource], variables: &[Node], specs: &[FieldSpec]) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut values: HashMap<String, Node> = HashMap::new();
    for variable in variables {
        match value(resources, variable) {
            Ok((name, value)) => {
                values.insert(name, value);
            }
            Err(problem) => problems.push(problem),
        }
    }
    if values.is_empty() {
        return problems;
    }
    let mut room = MAX_ADDED;
    for resource in resources {
        let kind = resource.kind();
        for spec in specs.iter().filter(|spec| spec.fits(&kind)) {
            let place = resource.node.place.clone();
            resource.visit(spec, &place, &mut |node| expand(node, &values, &mut room));
        }
    }
    problems
}

fn value(resources: &[Resource], variable: &Node) -> Result<(String, Node), Problem> {
    let name = variable.str_at("name").ok_or_else(|| Problem::new(&variable.place, "a variable has no name"))?;
    let target = variable.get("objref").ok_or_else(|| Problem::new(&variable.place, "a variable has no `objref`"))?;
    let mut reference = target.clone();
    if let Some(text) = target.str_at("apiVersion") {
        let (group, version) = split_api_version(text);
        let (group, version) = (tree::string(&target.place, group), tree::string(&target.place, version));
        tree::put(&mut reference, "group", &target.place, group);
        tree::put(&mut reference, "version", &target.place, version);
    }
    let object = replace::pick(resources, &reference)?;
    let path = variable.str_at("fieldref.fieldpath").or_else(|| variable.str_at("fieldref.fieldPath"));
    let path = replace::split(&path.unwrap_or("metadata.name").replace('[', ".").replace(']', ""));
    let found = replace::find(object, &path).filter(|node| node.str().is_some());
    let found = found.ok_or_else(|| Problem::new(&variable.place, format!("the variable {name} finds no value")))?;
    Ok((name.to_owned(), found.clone()))
}

fn expand(node: &mut Node, values: &HashMap<String, Node>, room: &mut usize) {
    match &mut node.value {
        Value::Sequence(items) => items.iter_mut().for_each(|item| expand(item, values, room)),
        Value::Mapping(entries) => {
            // Labels and annotations: the values of one mapping, no deeper.
            for entry in entries.iter_mut().filter(|entry| matches!(entry.node.value, Value::Scalar(_))) {
                expand(&mut entry.node, values, room);
            }
        }
        Value::Scalar(scalar) if scalar.text.contains("$(") => {
            let whole = scalar.text.strip_prefix("$(").and_then(|text| text.strip_suffix(')'));
            if let Some(value) = whole.and_then(|name| values.get(name)) {
                if let Some(left) = room.checked_sub(value.str().map_or(0, str::len)) {
                    *room = left;
                    *node = value.clone();
                }
            } else if let Some(text) = substitute(&scalar.text, values, *room) {
                *room -= text.len().min(*room);
                scalar.text = text;
            }
        }
        Value::Scalar(_) | Value::Null => (),
    }
}

/// `$(NAME)` becomes its value, `$$` a dollar sign, unknown names stay. `None` when there is no room for the result.
fn substitute(text: &str, values: &HashMap<String, Node>, room: usize) -> Option<String> {
    let mut result = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find('$') {
        if result.len() + rest.len() > room.min(tree::MAX_TEXT) {
            return None;
        }
        let (before, tail) = rest.split_at(start);
        result.push_str(before);
        if let Some(after) = tail.strip_prefix("$$") {
            result.push('$');
            rest = after;
            continue;
        }
        let name = tail.strip_prefix("$(").and_then(|after| after.split_once(')'));
        if let Some((value, after)) = name.and_then(|(name, after)| Some((values.get(name)?.str()?, after))) {
            result.push_str(value);
            rest = after;
        } else {
            result.push('$');
            rest = tail.get(1..).unwrap_or_default();
        }
    }
    result.push_str(rest);
    (result.len() <= room.min(tree::MAX_TEXT)).then_some(result)
}
