//! The changes that a kustomization makes to every object: namespace, labels, annotations, images, replicas.

use gonogo_domain::{Entry, Node, Place, Scalar, Value};

use super::{
    Problem,
    fields::{FieldSpec, Kind},
    resource::Resource,
    selector::Pattern,
    tree,
};

/// `namespace:`. Objects outside namespaces keep out; bindings follow their accounts later, by reference.
pub(super) fn namespace(resources: &mut [Resource], namespace: &Node, specs: &[FieldSpec], unset_only: bool) {
    let Some(name) = namespace.str().filter(|name| !name.is_empty() && name.len() <= tree::MAX_NAME) else { return };
    let place = &namespace.place;
    for resource in resources {
        resource.remember();
        let kind = resource.kind();
        let set = |node: &mut Node| {
            if !(unset_only && node.str().is_some_and(|text| !text.is_empty())) {
                *node = tree::string(place, name);
            }
        };
        if !kind.cluster_scoped()
            && let Some(metadata) = tree::child(resource.edit(), "metadata", place)
        {
            let mut slot = metadata.get("namespace").cloned().unwrap_or_else(|| Node::new(place.clone(), Value::Null));
            set(&mut slot);
            tree::put(metadata, "namespace", place, slot);
        }
        if matches!(kind.kind.as_str(), "RoleBinding" | "ClusterRoleBinding") {
            default_subjects(resource, place, name);
        }
        for spec in specs.iter().filter(|spec| spec.fits(&kind)) {
            let names_it = spec.path.iter().map(String::as_str).eq(["metadata", "name"]);
            if names_it && !(kind.kind == "Namespace" && kind.group.is_empty() && kind.version == "v1") {
                continue;
            }
            resource.visit(spec, place, &mut |node| set(node));
        }
    }
}

/// A subject named `default` is the account of the namespace that everything moves to.
fn default_subjects(resource: &mut Resource, place: &Place, name: &str) {
    let is_default = |subject: &Node| subject.str_at("name") == Some("default");
    if !resource.node.list("subjects").iter().any(is_default) {
        return;
    }
    if let Some(Node { value: Value::Sequence(subjects), .. }) = resource.edit().get_mut("subjects") {
        for subject in subjects.iter_mut().filter(|subject| is_default(subject)) {
            tree::put(subject, "namespace", place, tree::string(place, name));
        }
    }
}

/// Puts the pairs into the mappings that the specs name. Works for labels, selectors and annotations.
pub(super) fn pairs(resources: &mut [Resource], pairs: &[Entry], specs: &[FieldSpec]) {
    let Some(first) = pairs.first() else { return };
    for resource in resources {
        let kind = resource.kind();
        for spec in specs.iter().filter(|spec| spec.fits(&kind)) {
            resource.visit(spec, &first.key_place, &mut |node| {
                for pair in pairs {
                    // Labels are strings, however they are written.
                    let mut value = pair.node.clone();
                    if let Value::Scalar(scalar) = &mut value.value {
                        scalar.plain = false;
                    }
                    tree::put(node, &pair.key, &pair.key_place, value);
                }
            });
        }
    }
}

/// One entry of `images:`.
struct Image<'a> {
    entry: &'a Node,
    /// The name, which is a pattern too.
    pattern: Option<Pattern>,
    name: &'a str,
}

/// `images:`: every container of every kind but definitions of kinds, wherever it is nested.
pub(super) fn images(resources: &mut [Resource], entries: &[Node], specs: &[FieldSpec]) {
    for entry in entries {
        let Some(name) = entry.str_at("name").filter(|name| !name.is_empty()) else { continue };
        let pattern = Pattern::new(name);
        let image = Image { entry, pattern, name };
        for resource in resources.iter_mut() {
            let kind = resource.kind();
            if kind.kind == "CustomResourceDefinition" || !image.concerns(&resource.node) {
                continue;
            }
            let object = resource.edit();
            image.containers(object);
            for spec in specs.iter().filter(|spec| spec.fits(&kind)) {
                // The specs say "create", but an image that is not there has no name that could fit.
                let spec = FieldSpec { create: false, ..spec.clone() };
                spec.visit(object, &entry.place, &mut |node| image.change(node));
            }
        }
    }
}

impl Image<'_> {
    fn fits(&self, text: &str) -> bool {
        let name = split_image(text).0;
        name == self.name || self.pattern.as_ref().is_some_and(|pattern| pattern.is_match(name))
    }

    fn concerns(&self, object: &Node) -> bool {
        let mut found = false;
        object.walk(&mut |node| found |= node.str().is_some_and(|text| text.len() < 4096 && self.fits(text)));
        found
    }

    fn containers(&self, node: &mut Node) {
        match &mut node.value {
            Value::Mapping(entries) => {
                for entry in entries {
                    self.containers(&mut entry.node);
                    if matches!(entry.key.as_str(), "containers" | "initContainers")
                        && let Value::Sequence(items) = &mut entry.node.value
                    {
                        items.iter_mut().filter_map(|item| item.get_mut("image")).for_each(|image| self.change(image));
                    }
                }
            }
            Value::Sequence(items) => items.iter_mut().for_each(|item| self.containers(item)),
            Value::Null | Value::Scalar(_) => (),
        }
    }

    fn change(&self, node: &mut Node) {
        let Some(old) = node.str().filter(|text| self.fits(text)) else { return };
        let (name, mut tag, mut digest) = split_image(old);
        let given = |key: &str| self.entry.get(key).and_then(|node| Some((node.str()?, &node.place)));
        let given = |key: &str| given(key).filter(|(text, _)| !text.is_empty() && text.len() <= tree::MAX_NAME);
        let (new_name, new_tag, new_digest) = (given("newName"), given("newTag"), given("digest"));
        let suffix = given("tagSuffix");
        let joined;
        if new_tag.is_some() || new_digest.is_some() {
            tag = new_tag.map_or("", |(tag, _)| tag);
            digest = new_digest.map_or("", |(digest, _)| digest);
        } else if let Some((suffix, _)) = suffix {
            joined = format!("{tag}{suffix}");
            tag = &joined;
            digest = "";
        }
        let mut text = new_name.map_or(name, |(name, _)| name).to_owned();
        for (mark, part) in [(':', tag), ('@', digest)] {
            if !part.is_empty() {
                text.push(mark);
                text.push_str(part);
            }
        }
        let Some((_, place)) = new_digest.or(new_tag).or(suffix).or(new_name) else { return };
        if text != old {
            tree::rewrite(node, &text, place);
        }
    }
}

/// An image reference as name, tag and digest; a port of the registry is no tag.
fn split_image(text: &str) -> (&str, &str, &str) {
    let (rest, digest) = text.split_once('@').unwrap_or((text, ""));
    let start = rest.find('/').map_or(0, |slash| slash + 1);
    let tail = rest.get(start..).unwrap_or_default();
    match tail.rfind(':') {
        Some(colon) => {
            let (name, tag) = rest.split_at(start + colon);
            (name, tag.trim_start_matches(':'), digest)
        }
        None => (rest, "", digest),
    }
}

/// `replicas:`; a name that no scalable object has is a problem, as kustomize has it.
pub(super) fn replicas(resources: &mut [Resource], entry: &Node, specs: &[FieldSpec]) -> Option<Problem> {
    let name = entry.str_at("name")?;
    let count = entry.get("count")?;
    let mut found = false;
    for spec in specs {
        for resource in resources.iter_mut() {
            if resource.is_or_was(|id| id.name == name && spec.fits(&id.kind)) {
                found = true;
                resource.visit(spec, &count.place, &mut |node| {
                    node.value = Value::Scalar(Scalar { text: count.str().unwrap_or("0").to_owned(), plain: true });
                    node.place = count.place.clone();
                });
            }
        }
    }
    (!found).then(|| Problem::new(&entry.place, format!("no object named {name} has replicas")))
}

/// Kinds whose names a prefix or suffix leaves alone.
pub(super) fn keeps_name(kind: &Kind) -> bool {
    kind.kind == "CustomResourceDefinition"
        || kind.kind == "Namespace"
        || (kind.kind == "APIService" && kind.group == "apiregistration.k8s.io")
}
