//! Any file of Compose, alone and with one that it extends, ends; a service is named once.
#![no_main]

use std::{collections::BTreeSet, sync::Arc};

use gonogo_domain::Node;
use gonogo_formats::{compose, yaml};

libfuzzer_sys::fuzz_target!(|text: &str| {
    let (first, second) = text.split_once('\0').unwrap_or((text, ""));
    let parse = |path: &str, text: &str| -> Option<Arc<Node>> {
        yaml::parse(&path.into(), text).documents.into_iter().next().map(|document| Arc::new(document.node))
    };
    let Some(base) = parse("compose.yaml", first) else { return };
    let other = parse("common.yaml", second);
    let find = |path: &str| match path {
        "compose.yaml" => Some(Arc::clone(&base)),
        "common.yaml" => other.clone(),
        _ => None,
    };
    let project = compose::load(&[("compose.yaml".into(), Arc::clone(&base))], &find);
    let names: BTreeSet<&str> = project.services.iter().map(|service| service.name.as_str()).collect();
    assert_eq!(names.len(), project.services.len());
});
