//! `serverless.yml`: <https://www.serverless.com/framework/docs/providers/aws/guide/serverless.yml>.

use gonogo_domain::{Node, evidence::Resources};

use super::{
    Declared, bare,
    read::{image_at, number, text, variables},
};
use crate::{DataFile, paths};

/// One workload for each function.
pub(super) fn read(file: &DataFile, document: &Node) -> Vec<Declared> {
    let functions = document.get("functions").map_or(&[][..], Node::entries);
    let shared = document.at("provider.environment");
    functions
        .iter()
        .map(|entry| {
            let mut workload = bare("serverless function", &entry.key, &entry.key_place, &entry.node);
            workload.replicas = number(&entry.node, "provisionedConcurrency");
            for container in &mut workload.containers {
                container.image = image_at(&entry.node, "image").or_else(|| image_at(&entry.node, "image.uri"));
                container.env = variables(shared);
                container.env.extend(variables(entry.node.get("environment")));
                container.limits = Resources {
                    cpu: None,
                    memory: text(&entry.node, "memorySize").or_else(|| text(document, "provider.memorySize")),
                };
            }
            let folder = paths::folder(&file.path).to_owned();
            Declared { workload, build_context: Some(folder), container_file: None }
        })
        .collect()
}
