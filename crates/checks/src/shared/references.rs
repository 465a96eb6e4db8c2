//! Variables that are taken from a key of a `ConfigMap` or Secret, and the keys that these have.

use gonogo_domain::{
    Evidence, Finding, Missing, Node,
    evidence::{EnvValue, EnvVar, Object, Workload},
};

use super::scaling::same_environment;

/// Variables of a workload that name a key which the object does not have: its container does not start.
///
/// Only objects that are declared here can be compared with; one without any entry is filled in elsewhere.
pub(crate) fn missing_keys(evidence: &Evidence<'_>, workload: &Workload) -> Result<Vec<Finding>, Missing> {
    let objects = evidence.objects_of(&["ConfigMap", "Secret"])?;
    let variables = workload.containers.iter().chain(&workload.init_containers).flat_map(|container| &container.env);
    Ok(variables.filter_map(|variable| missing_key(variable, workload, &objects)).collect())
}

fn missing_key(variable: &EnvVar, workload: &Workload, objects: &[&Object]) -> Option<Finding> {
    let (kind, name, key) = match &variable.value {
        EnvValue::ConfigMap { name, key, optional: false } => ("ConfigMap", name, key),
        EnvValue::Secret { name, key, optional: false } => ("Secret", name, key),
        _ => return None,
    };
    let own = objects
        .iter()
        .filter(|one| one.kind == kind && one.name == *name && same_environment(one, workload))
        .collect::<Vec<_>>();
    let first = own.first()?;
    let answers = |object: &Object| {
        let mut keys = keys(object).peekable();
        keys.peek().is_none() || keys.any(|one| one == key)
    };
    if own.iter().any(|object| answers(object)) {
        return None;
    }
    let variable_name = &variable.name;
    Some(
        Finding::new(
            &variable.place,
            format!("{variable_name} takes the key {key} of {kind} {name}, which has no such key: nothing starts"),
            format!("{variable_name} 取自 {kind} {name} 的键 {key}，但该键不存在：容器无法启动"),
        )
        .also(&first.place, format!("{kind} {name}"), format!("{kind} {name}")),
    )
}

fn keys(object: &Object) -> impl Iterator<Item = &String> {
    ["data", "stringData", "binaryData"]
        .into_iter()
        .flat_map(|field| object.body.get(field).map_or(&[][..], Node::entries))
        .map(|entry| &entry.key)
}
