//! `replacements:`: a value of one object copied into fields of others.

use gonogo_domain::{Entry, Node, Place, Value};

use super::{Problem, fields::Kind, resource::Resource, selector::Selector, tree};

/// Applies one replacement. `budget` is what copies may still add, in nodes.
pub(super) fn apply(resources: &mut [Resource], replacement: &Node, budget: &mut usize) -> Vec<Problem> {
    let value = match source(resources, replacement) {
        Ok(value) => value,
        Err(problem) => return vec![problem],
    };
    let mut problems = Vec::new();
    for target in replacement.list("targets") {
        if let Err(problem) = write(resources, target, &value, budget) {
            problems.push(problem);
        }
    }
    problems
}

fn source(resources: &[Resource], replacement: &Node) -> Result<Node, Problem> {
    if let Some(value) = replacement.get("sourceValue") {
        return Ok(value.clone());
    }
    let source = replacement.get("source").ok_or_else(|| Problem::new(&replacement.place, "no source is given"))?;
    let node = pick(resources, source)?;
    let path = split(source.str_at("fieldPath").filter(|path| !path.is_empty()).unwrap_or("metadata.name"));
    let found = find(node, &path).filter(|node| !node.is_null());
    let mut value = found
        .ok_or_else(|| Problem::new(&source.place, format!("the source has no field {}", path.join("."))))?
        .clone();
    if let Some(delimiter) = source.str_at("options.delimiter").filter(|text| !text.is_empty()) {
        let index = source.int_at("options.index").unwrap_or(0);
        let part = usize::try_from(index).ok().and_then(|index| value.str()?.split(delimiter).nth(index));
        let part =
            part.ok_or_else(|| Problem::new(&source.place, format!("the source has no part {index}")))?.to_owned();
        let place = value.place.clone();
        tree::rewrite(&mut value, &part, &place);
    }
    Ok(value)
}

/// The one object that `{group, version, kind, name, namespace}` names, now or before; parts not given fit anything.
pub(super) fn pick<'a>(resources: &'a [Resource], reference: &Node) -> Result<&'a Node, Problem> {
    let wanted = Kind {
        group: tree::text(reference, "group").to_owned(),
        version: tree::text(reference, "version").to_owned(),
        kind: tree::text(reference, "kind").to_owned(),
    };
    let (name, namespace) = (tree::text(reference, "name"), tree::text(reference, "namespace"));
    let mut found = resources.iter().filter(|resource| {
        resource.is_or_was(|id| {
            id.kind.fits(&wanted.group, &wanted.version, &wanted.kind)
                && (name.is_empty() || id.name == name)
                && (namespace.is_empty() || id.effective_namespace() == namespace)
        })
    });
    match (found.next(), found.next()) {
        (Some(only), None) => Ok(&only.node),
        (None, _) => {
            Err(Problem::new(&reference.place, format!("no object {} {name} to take a value from", wanted.kind)))
        }
        (Some(_), Some(_)) => {
            Err(Problem::new(&reference.place, format!("several objects fit {} {name}; one must", wanted.kind)))
        }
    }
}

fn write(resources: &mut [Resource], target: &Node, value: &Node, budget: &mut usize) -> Result<(), Problem> {
    let select = target.get("select").ok_or_else(|| Problem::new(&target.place, "the target selects nothing"))?;
    let selector = Selector::read(select)?;
    let rejected = target.list("reject").iter().map(Selector::read).collect::<Result<Vec<_>, _>>()?;
    let mut paths: Vec<(Vec<String>, &Place)> =
        target.list("fieldPaths").iter().filter_map(|path| Some((split(path.str()?), &path.place))).collect();
    if paths.is_empty() {
        paths.push((split("metadata.name"), &target.place));
    }
    let options = target.get("options");
    let create = options.and_then(|options| options.bool_at("create")) == Some(true);
    for resource in resources.iter_mut() {
        if !selects(resource, &selector) || rejected.iter().any(|selector| selects(resource, selector)) {
            continue;
        }
        for (path, place) in &paths {
            let mut outcome = Ok(());
            let object = resource.edit();
            let found = visit(object, path, create.then_some(*place), &mut |node| {
                outcome = outcome.clone().and_then(|()| set(node, value, options, path.len(), budget));
            });
            outcome.map_err(|reason| Problem::new(place, reason))?;
            if !found {
                let name = tree::text(&resource.node, "metadata.name");
                return Err(Problem::new(place, format!("{name} has no such field to replace")));
            }
        }
    }
    Ok(())
}

/// By any of its names: a replacement may speak of the object before or after a prefix.
fn selects(resource: &Resource, selector: &Selector) -> bool {
    let now = resource.id();
    resource.is_or_was(|id| selector.fits(id, id, &resource.node)) || selector.fits(&now, &now, &resource.node)
}

fn set(node: &mut Node, value: &Node, options: Option<&Node>, above: usize, budget: &mut usize) -> Result<(), String> {
    let delimiter = options.and_then(|options| options.str_at("delimiter")).filter(|text| !text.is_empty());
    let text = match (delimiter, node.str()) {
        (Some(delimiter), Some(old)) => {
            let part = value.str().ok_or("only a text can be put between delimiters")?;
            let index = options.and_then(|options| options.int_at("index")).unwrap_or(0);
            let mut parts: Vec<&str> = old.split(delimiter).collect();
            match usize::try_from(index) {
                Err(_) => parts.insert(0, part),
                Ok(index) => match parts.get_mut(index) {
                    Some(slot) => *slot = part,
                    None => parts.push(part),
                },
            }
            Some(parts.join(delimiter))
        }
        _ => value.str().map(str::to_owned),
    };
    let length = text.as_ref().map_or(0, String::len);
    *budget = budget.checked_sub(length / 64 + 1).ok_or("the replacements copy too much")?;
    if length > tree::MAX_TEXT {
        return Err("the replaced text grows too long".to_owned());
    }
    // A scalar takes the text and stays a string or a number as it was.
    if let (Value::Scalar(_), Some(text)) = (&node.value, &text) {
        if node.is_null() {
            *node = value.clone();
        } else {
            tree::rewrite(node, text, &value.place);
        }
        return Ok(());
    }
    if above + tree::depth(value) > tree::MAX_DEPTH {
        return Err("the replacement nests too deep".to_owned());
    }
    *budget = budget.checked_sub(tree::size(value)).ok_or("the replacements copy too much")?;
    *node = value.clone();
    Ok(())
}

/// Visits the nodes at a path; `[name=web]` picks items of a list, `*` all of them. Says whether there was any.
fn visit(node: &mut Node, path: &[String], create: Option<&Place>, set: &mut dyn FnMut(&mut Node)) -> bool {
    let Some((head, rest)) = path.split_first() else {
        set(node);
        return true;
    };
    if let Some((key, wanted)) = condition(head) {
        let Value::Sequence(items) = &mut node.value else { return false };
        let mut found = false;
        for item in items.iter_mut().filter(|item| tree::text(item, key) == wanted) {
            found |= visit(item, rest, create, set);
        }
        if !found && let Some(place) = create {
            let key = Entry { key: key.to_owned(), key_place: place.clone(), node: tree::string(place, wanted) };
            let mut item = Node::new(place.clone(), Value::Mapping(vec![key]));
            found = visit(&mut item, rest, create, set);
            items.push(item);
        }
        return found;
    }
    match &mut node.value {
        Value::Sequence(items) if head == "*" => {
            let mut found = false;
            for item in items {
                found |= visit(item, rest, create, set);
            }
            found
        }
        Value::Sequence(items) => match head.parse::<usize>() {
            Ok(index) => items.get_mut(index).is_some_and(|item| visit(item, rest, create, set)),
            Err(_) => false,
        },
        Value::Mapping(entries) if head == "*" => {
            let mut found = false;
            for entry in entries {
                found |= visit(&mut entry.node, rest, create, set);
            }
            found
        }
        _ => {
            if let Some(place) = create
                && node.get(head).is_none()
            {
                let value = match rest.first() {
                    Some(next) if condition(next).is_some() => Value::Sequence(Vec::new()),
                    Some(_) => Value::Mapping(Vec::new()),
                    None => Value::Null,
                };
                tree::put(node, head, place, Node::new(place.clone(), value));
            }
            node.get_mut(head).is_some_and(|next| visit(next, rest, create, set))
        }
    }
}

/// The node at a path, for reading.
pub(super) fn find<'a>(node: &'a Node, path: &[String]) -> Option<&'a Node> {
    path.iter().try_fold(node, |node, head| match condition(head) {
        Some((key, wanted)) => node.items().iter().find(|item| tree::text(item, key) == wanted),
        None => match &node.value {
            Value::Sequence(items) => items.get(head.parse::<usize>().ok()?),
            _ => node.get(head),
        },
    })
}

fn condition(head: &str) -> Option<(&str, &str)> {
    head.strip_prefix('[')?.strip_suffix(']')?.split_once('=')
}

/// `a.b\.c.[name=d.e].f` as its parts.
pub(super) fn split(path: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut bracket = false;
    let mut characters = path.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '\\' if characters.peek() == Some(&'.') => {
                characters.next();
                parts.last_mut().into_iter().for_each(|part| part.push('.'));
            }
            '.' if !bracket => parts.push(String::new()),
            other => {
                bracket = match other {
                    '[' => true,
                    ']' => false,
                    _ => bracket,
                };
                parts.last_mut().into_iter().for_each(|part| part.push(other));
            }
        }
    }
    parts.retain(|part| !part.is_empty());
    for part in &mut parts {
        // `[a.b/c]` is a key with dots in it, `[name=web]` a condition.
        if condition(part).is_none()
            && let Some(key) = part.strip_prefix('[').and_then(|part| part.strip_suffix(']'))
        {
            *part = key.to_owned();
        }
    }
    parts
}
