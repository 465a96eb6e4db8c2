//! Terraform and OpenTofu: the blocks of `*.tf`, `*.tofu` and `*.tf.json` files.

use std::sync::Arc;

use gonogo_domain::{
    Node, Source, Value,
    evidence::{InfrastructureTool, Resource, Role},
};
use gonogo_formats::hcl;

use super::Found;
use crate::{Corpus, roles::has_extension};

pub(super) fn gather(corpus: &Corpus<'_>, found: &mut Found) {
    let entries = corpus.files_where(|entry| {
        let name = entry.name();
        counts(entry.role) && (has_extension(name, "tf") || has_extension(name, "tofu"))
    });
    for entry in entries {
        found.files += 1;
        match corpus.tree.text(&entry.path) {
            Ok(text) => match hcl::parse(&entry.path, &text) {
                Ok(blocks) => blocks.into_iter().for_each(|block| {
                    let hcl::Block { kind, labels, body, place } = block;
                    let mut labels = labels.into_iter();
                    let (first, second) = (labels.next().unwrap_or_default(), labels.next());
                    add(found, &kind, first, second, Node { place, ..body });
                }),
                Err(error) => found.gap(error.place, error.reason),
            },
            Err(reason) => found.gap(gonogo_domain::Place::whole(Arc::clone(&entry.path)), reason),
        }
    }
    for file in corpus.data().filter(|file| counts(file.role) && file.name().ends_with(".tf.json")) {
        found.files += 1;
        found.gaps.extend(file.gaps(Source::Infrastructure));
        for entry in file.documents.iter().flat_map(Node::entries) {
            blocks(found, &entry.key, &entry.node);
        }
    }
}

fn counts(role: Role) -> bool {
    !matches!(role, Role::Test | Role::Documentation)
}

/// The JSON syntax has a mapping for each label.
fn blocks(found: &mut Found, kind: &str, node: &Node) {
    let labels = match kind {
        "resource" | "data" => 2,
        "module" | "provider" | "variable" | "output" => 1,
        _ => 0,
    };
    match (labels, &node.value) {
        (0, Value::Sequence(items)) => {
            for item in items {
                add(found, kind, String::new(), None, item.clone());
            }
        }
        (0, _) => add(found, kind, String::new(), None, node.clone()),
        (1, _) => {
            for one in node.entries() {
                each(&one.node, |body| add(found, kind, one.key.clone(), None, body));
            }
        }
        _ => {
            for one in node.entries() {
                for other in one.node.entries() {
                    each(&other.node, |body| add(found, kind, one.key.clone(), Some(other.key.clone()), body));
                }
            }
        }
    }
}

fn each(node: &Node, mut visit: impl FnMut(Node)) {
    match &node.value {
        Value::Sequence(items) => items.iter().for_each(|item| visit(item.clone())),
        _ => visit(node.clone()),
    }
}

fn add(found: &mut Found, block: &str, first: String, second: Option<String>, body: Node) {
    let (kind, name) = match (block, second) {
        ("resource", Some(name)) => (first, name),
        // A data source reads what is there: its kind keeps it apart from what is made.
        ("data", Some(name)) => (format!("data.{first}"), name),
        ("terraform", _) => {
            for backend in backends(&body) {
                found.items.push(backend);
            }
            ("terraform".to_owned(), String::new())
        }
        (block, _) => (block.to_owned(), first),
    };
    let place = body.place.clone();
    found.items.push(Resource { tool: InfrastructureTool::Terraform, kind, name, place, body });
}

/// `terraform { backend "s3" { … } }` and `cloud { … }`, where the state is kept.
fn backends(terraform: &Node) -> Vec<Resource> {
    let mut backends = Vec::new();
    let mut push = |name: &str, body: &Node| {
        let (place, body) = (body.place.clone(), body.clone());
        let kind = "backend".to_owned();
        backends.push(Resource { tool: InfrastructureTool::Terraform, kind, name: name.to_owned(), place, body });
    };
    if let Some(backend) = terraform.get("backend") {
        each(backend, |node| node.entries().iter().for_each(|entry| each(&entry.node, |body| push(&entry.key, &body))));
    }
    if let Some(cloud) = terraform.get("cloud") {
        each(cloud, |body| push("cloud", &body));
    }
    backends
}

#[cfg(test)]
mod tests {
    use super::super::tests::check;

    #[test]
    fn every_block_is_a_resource() {
        check(
            &[
                (
                    "infra/main.tf",
                    "terraform {\n  backend \"s3\" {\n    encrypt = true\n  }\n}\nresource \"aws_db_instance\" \"main\" {\n  multi_az = true\n}\ndata \"aws_vpc\" \"v\" {}\nmodule \"net\" {\n  source = \"./net\"\n}\nvariable \"a\" {}\n",
                ),
                (
                    "infra/b.tf.json",
                    r#"{"resource": {"aws_s3_bucket": {"logs": {"acl": "private"}}}, "provider": {"aws": {"region": "a"}}}"#,
                ),
                ("infra/bad.tf", "resource {{\n"),
                ("tests/x.tf", "variable \"a\" {}\n"),
            ],
            &[
                "infra/b.tf.json:1 Terraform aws_s3_bucket \"logs\" {\"acl\":\"private\"}",
                "infra/b.tf.json:1 Terraform provider \"aws\" {\"region\":\"a\"}",
                "infra/main.tf:1 Terraform terraform \"\" {\"backend\":[{\"s3\":{\"encrypt\":true}}]}",
                "infra/main.tf:2 Terraform backend \"s3\" {\"encrypt\":true}",
                "infra/main.tf:6 Terraform aws_db_instance \"main\" {\"multi_az\":true}",
                "infra/main.tf:9 Terraform data.aws_vpc \"v\" {}",
                "infra/main.tf:10 Terraform module \"net\" {\"source\":\"./net\"}",
                "infra/main.tf:13 Terraform variable \"a\" {}",
                "gap infra/bad.tf:1",
            ],
        );
    }
}
