//! The `ConfigMap`s and Secrets of a revision: copied under names that no later change touches, so that going back to a
//! revision brings back what it was configured with.

use std::collections::BTreeSet;

use gonogo_domain::rollout::{Trouble, TroubleKind};
use serde_json::{Value, json};

use super::{
    cluster::Cluster,
    kinds::{CONFIG_MAP, Kind, SECRET},
    revision::{canonical, short_hash},
};

/// On every copy: what it is a copy of.
const COPY_OF: &str = "gonogo.dev/copy-of";

/// The longest name of an object.
const LONGEST_NAME: usize = 253;

/// One object that a template reads its configuration from.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Source {
    is_secret: bool,
    name: String,
}

impl Source {
    const fn kind(&self) -> &'static Kind {
        if self.is_secret { &SECRET } else { &CONFIG_MAP }
    }
}

/// Where the name of a source stands in a template.
fn each_source(template: &mut Value, visit: &mut dyn FnMut(bool, &mut Value)) {
    let mut field = |holder: Option<&mut Value>, is_secret: bool, key: &str| {
        if let Some(name) = holder.and_then(|holder| holder.get_mut(key)) {
            visit(is_secret, name);
        }
    };
    for pointer in ["/spec/containers", "/spec/initContainers"] {
        for container in template.pointer_mut(pointer).and_then(Value::as_array_mut).into_iter().flatten() {
            for from in container.get_mut("envFrom").and_then(Value::as_array_mut).into_iter().flatten() {
                field(from.get_mut("configMapRef"), false, "name");
                field(from.get_mut("secretRef"), true, "name");
            }
            for variable in container.get_mut("env").and_then(Value::as_array_mut).into_iter().flatten() {
                field(variable.pointer_mut("/valueFrom/configMapKeyRef"), false, "name");
                field(variable.pointer_mut("/valueFrom/secretKeyRef"), true, "name");
            }
        }
    }
    for volume in template.pointer_mut("/spec/volumes").and_then(Value::as_array_mut).into_iter().flatten() {
        field(volume.get_mut("configMap"), false, "name");
        field(volume.get_mut("secret"), true, "secretName");
        for source in volume.pointer_mut("/projected/sources").and_then(Value::as_array_mut).into_iter().flatten() {
            field(source.get_mut("configMap"), false, "name");
            field(source.get_mut("secret"), true, "name");
        }
    }
}

fn sources(template: &Value) -> BTreeSet<Source> {
    let mut found = BTreeSet::new();
    each_source(&mut template.clone(), &mut |is_secret, name| {
        if let Some(name) = name.as_str() {
            found.insert(Source { is_secret, name: name.to_owned() });
        }
    });
    found
}

/// Copies what the template reads its configuration from, as it is now, and names the copies in the template. What is a
/// copy already, or does not exist and is optional, stays as it is.
///
/// `owner` is a reference to the Deployment with which the copies go.
pub(super) async fn pin(cluster: &Cluster, template: &Value, owner: &Value) -> Result<Value, Trouble> {
    let mut names = Vec::new();
    for source in sources(template) {
        if let Some(copy) = copy(cluster, &source, owner).await? {
            names.push((source, copy));
        }
    }
    Ok(renamed(template, &names))
}

/// Names what the copies in a template were made of again, so that the next release is configured as things are by then.
pub(super) async fn unpin(cluster: &Cluster, template: &Value) -> Result<Value, Trouble> {
    let mut names = Vec::new();
    for source in sources(template) {
        let found = cluster.find(source.kind(), &source.name).await?;
        let annotations = found.and_then(|found| found.metadata.annotations).unwrap_or_default();
        let Some(original) = annotations.get(COPY_OF) else { continue };
        // Where it is gone, the copy is all that is left.
        if cluster.find(source.kind(), original).await?.is_some() {
            names.push((source, original.clone()));
        }
    }
    Ok(renamed(template, &names))
}

/// A template that reads from other names.
fn renamed(template: &Value, names: &[(Source, String)]) -> Value {
    let mut template = template.clone();
    each_source(&mut template, &mut |is_secret, name| {
        let other = names.iter().find(|(source, _)| source.is_secret == is_secret && *name == source.name.as_str());
        if let Some((_, other)) = other {
            *name = json!(other);
        }
    });
    template
}

/// The name of the copy of what this source holds now; none where there is nothing to copy.
async fn copy(cluster: &Cluster, source: &Source, owner: &Value) -> Result<Option<String>, Trouble> {
    let Some(found) = cluster.find(source.kind(), &source.name).await? else { return Ok(None) };
    let annotations = found.metadata.annotations.unwrap_or_default();
    let is_fixed = found.data.get("immutable").and_then(Value::as_bool).unwrap_or(false);
    if annotations.contains_key(COPY_OF) && is_fixed {
        return Ok(None);
    }
    let mut content = serde_json::Map::new();
    for key in ["data", "binaryData", "type"] {
        if let Some(value) = found.data.get(key) {
            content.insert(key.to_owned(), value.clone());
        }
    }
    let hash = short_hash(&canonical(&Value::Object(content.clone())));
    let stem: String = source.name.chars().take(LONGEST_NAME - hash.len() - 1).collect();
    let name = format!("{stem}-{hash}");
    content.insert("immutable".to_owned(), json!(true));
    content.insert(
        "metadata".to_owned(),
        json!({
            "name": name,
            "labels": { "app.kubernetes.io/managed-by": "gonogo" },
            "annotations": { COPY_OF: source.name },
            "ownerReferences": [owner],
        }),
    );
    if !cluster.create(source.kind(), &Value::Object(content)).await? {
        // It is there already: made by us before we were killed, or by somebody else by the same name.
        let there = cluster.find(source.kind(), &name).await?;
        let is_ours = there.is_some_and(|there| {
            there.metadata.annotations.is_some_and(|annotations| annotations.get(COPY_OF) == Some(&source.name))
        });
        if !is_ours {
            return Err(Trouble::new(
                TroubleKind::Refused,
                cluster.at(source.kind(), &name),
                format!("the copy of {} cannot be made: another object has its name", source.name),
                "rename that object",
            ));
        }
    }
    Ok(Some(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_place_that_names_configuration_is_found() {
        let template = json!({ "spec": {
            "containers": [{
                "envFrom": [{ "configMapRef": { "name": "a" } }, { "secretRef": { "name": "b" } }],
                "env": [
                    { "name": "X", "valueFrom": { "configMapKeyRef": { "name": "c", "key": "x" } } },
                    { "name": "Y", "valueFrom": { "secretKeyRef": { "name": "d", "key": "y" } } },
                    { "name": "Z", "value": "plain" },
                ],
            }],
            "initContainers": [{ "envFrom": [{ "configMapRef": { "name": "e" } }] }],
            "volumes": [
                { "configMap": { "name": "f" } },
                { "secret": { "secretName": "g" } },
                { "projected": { "sources": [{ "configMap": { "name": "h" } }, { "secret": { "name": "i" } }] } },
                { "emptyDir": {} },
            ],
        } });
        let found: Vec<_> = sources(&template).into_iter().map(|source| (source.is_secret, source.name)).collect();
        let expect = [(false, "a"), (false, "c"), (false, "e"), (false, "f"), (false, "h")];
        let secrets = [(true, "b"), (true, "d"), (true, "g"), (true, "i")];
        let expect: Vec<_> = expect.into_iter().chain(secrets).map(|(kind, name)| (kind, name.to_owned())).collect();
        assert_eq!(found, expect);
    }

    #[test]
    fn a_template_of_any_shape_is_read() {
        for template in [json!(null), json!({ "spec": { "containers": "none", "volumes": [3] } }), json!([])] {
            assert!(sources(&template).is_empty());
        }
    }
}
