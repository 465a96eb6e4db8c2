//! Where the variables of a workload come from. The API gives the entries of a Secret with their values only: what is kept of
//! an answer is which names there are and whether anything stands under them.

use std::collections::BTreeMap;

use gonogo_domain::{preflight::KeySource, rollout::Trouble};
use serde_json::Value;

use super::{
    cluster::Cluster,
    kinds::{CONFIG_MAP, Kind, SECRET},
};

/// The names in an object, each with whether nothing stands under it; none: there is no such object.
type Names = Option<BTreeMap<String, bool>>;

/// Objects that were asked for.
struct Known<'a> {
    cluster: &'a Cluster,
    objects: BTreeMap<String, Names>,
}

/// Where each of these variables comes from, for the containers of a template.
pub(super) async fn of(
    cluster: &Cluster,
    template: &Value,
    wanted: &[String],
) -> Result<Vec<(String, KeySource)>, Trouble> {
    let mut known = Known { cluster, objects: BTreeMap::new() };
    let mut found = Vec::with_capacity(wanted.len());
    for name in wanted {
        found.push((name.clone(), known.source(template, name).await?));
    }
    Ok(found)
}

fn each<'a>(value: &'a Value, pointer: &str) -> impl Iterator<Item = &'a Value> + use<'a> {
    value.pointer(pointer).and_then(Value::as_array).into_iter().flatten()
}

fn text<'a>(value: &'a Value, pointer: &str) -> Option<&'a str> {
    value.pointer(pointer).and_then(Value::as_str)
}

impl Known<'_> {
    /// Containers that name the variable decide, and the worst of them; then those that read whole objects; then volumes.
    async fn source(&mut self, template: &Value, name: &str) -> Result<KeySource, Trouble> {
        let containers: Vec<&Value> = each(template, "/spec/containers").collect();
        let variables = containers.iter().flat_map(|container| each(container, "/env"));
        let named: Vec<&Value> = variables.filter(|variable| text(variable, "/name") == Some(name)).collect();
        let mut best = None;
        for variable in named {
            let source = self.variable(variable).await?;
            if !matches!(source, KeySource::Held(_) | KeySource::Written) {
                return Ok(source);
            }
            best = Some(source);
        }
        if let Some(source) = best {
            return Ok(source);
        }
        let mut missed = None;
        for from in containers.iter().flat_map(|container| each(container, "/envFrom")) {
            let Some(entry) = name.strip_prefix(text(from, "/prefix").unwrap_or_default()) else { continue };
            let (kind, object) = match (text(from, "/secretRef/name"), text(from, "/configMapRef/name")) {
                (Some(object), _) => (&SECRET, object),
                (None, Some(object)) => (&CONFIG_MAP, object),
                (None, None) => continue,
            };
            let source = self.entry(kind, object, entry).await?;
            if matches!(source, KeySource::Held(_)) {
                return Ok(source);
            }
            // A Secret is where a key should be.
            if missed.is_none() || from.get("secretRef").is_some() {
                missed = Some(source);
            }
        }
        for volume in each(template, "/spec/volumes") {
            let Some(object) = text(volume, "/secret/secretName") else { continue };
            let source = self.entry(&SECRET, object, name).await?;
            if matches!(source, KeySource::Held(_)) {
                return Ok(source);
            }
        }
        Ok(missed.unwrap_or(KeySource::Unread))
    }

    async fn variable(&mut self, variable: &Value) -> Result<KeySource, Trouble> {
        for (kind, pointer) in [(&SECRET, "/valueFrom/secretKeyRef"), (&CONFIG_MAP, "/valueFrom/configMapKeyRef")] {
            let Some(reference) = variable.pointer(pointer) else { continue };
            let (object, entry) = (text(reference, "/name"), text(reference, "/key"));
            return self.entry(kind, object.unwrap_or_default(), entry.unwrap_or_default()).await;
        }
        let is_empty = variable.get("valueFrom").is_none() && text(variable, "/value").unwrap_or_default().is_empty();
        Ok(if is_empty { KeySource::Empty("the manifest".to_owned()) } else { KeySource::Written })
    }

    async fn entry(&mut self, kind: &Kind, object: &str, entry: &str) -> Result<KeySource, Trouble> {
        let shown = format!("{}/{object}", kind.word());
        if !self.objects.contains_key(&shown) {
            let names = self.cluster.find(kind, object).await?.map(|found| names(&found.data));
            self.objects.insert(shown.clone(), names);
        }
        Ok(match self.objects.get(&shown) {
            Some(Some(names)) => match names.get(entry) {
                Some(false) => KeySource::Held(shown),
                Some(true) => KeySource::Empty(shown),
                None => KeySource::Absent(shown),
            },
            Some(None) | None => KeySource::Gone(shown),
        })
    }
}

fn names(object: &Value) -> BTreeMap<String, bool> {
    let of = |key: &str| object.get(key).and_then(Value::as_object).into_iter().flatten();
    let is_empty = |value: &Value| value.as_str().is_none_or(str::is_empty);
    of("data").chain(of("binaryData")).map(|(name, value)| (name.clone(), is_empty(value))).collect()
}
