//! CloudFormation and SAM templates, the resources of serverless.yml, and the presence of Pulumi, CDK and Ansible.

use gonogo_domain::{
    Node, Place, Source,
    evidence::{InfrastructureTool, Resource, Role},
};

use super::Found;
use crate::{Corpus, DataFile};

pub(super) fn gather(corpus: &Corpus<'_>, found: &mut Found) {
    for file in corpus.data().filter(|file| !matches!(file.role, Role::Test | Role::Documentation)) {
        let name = file.name();
        if serverless(name) {
            found.whole(file, |root| {
                whole(
                    InfrastructureTool::Serverless,
                    "serverless",
                    root.str_at("service").or_else(|| root.str_at("service.name")),
                    root,
                )
            });
            for root in &file.documents {
                resources(found, root.at("resources.Resources"));
                functions(found, root);
            }
            continue;
        }
        if matches!(name, "Pulumi.yaml" | "Pulumi.yml") {
            found.whole(file, |root| whole(InfrastructureTool::Pulumi, "pulumi", root.str_at("name"), root));
            pulumi(found, file);
            continue;
        }
        if name == "cdk.json" {
            found.whole(file, |root| whole(InfrastructureTool::Cdk, "cdk", root.str_at("app"), root));
            continue;
        }
        let templates: Vec<&Node> = file.documents.iter().filter(|root| template(root)).collect();
        if !templates.is_empty() {
            found.files += 1;
            found.gaps.extend(file.gaps(Source::Infrastructure));
            for root in templates {
                resources(found, root.get("Resources"));
            }
            continue;
        }
        if file.broken_with("AWSTemplateFormatVersion") || file.broken_with("AWS::Serverless") {
            found.files += 1;
            found.gaps.extend(file.gaps(Source::Infrastructure));
            continue;
        }
        let plays: Vec<&Node> = file.documents.iter().filter(|root| playbook(root)).collect();
        if !plays.is_empty() {
            found.files += 1;
            for play in plays.iter().flat_map(|root| root.items()) {
                found.items.push(whole(
                    InfrastructureTool::Ansible,
                    "playbook",
                    play.str_at("name").or_else(|| play.str_at("hosts")),
                    play,
                ));
            }
        }
    }
}

fn serverless(name: &str) -> bool {
    matches!(name, "serverless.yml" | "serverless.yaml" | "serverless.json")
}

fn whole(tool: InfrastructureTool, kind: &str, name: Option<&str>, root: &Node) -> Resource {
    let place = root.place.clone();
    Resource { tool, kind: kind.to_owned(), name: name.unwrap_or_default().to_owned(), place, body: root.clone() }
}

/// Its version says so, or each of its resources has a type of AWS.
fn template(root: &Node) -> bool {
    let Some(resources) = root.get("Resources") else { return false };
    root.get("AWSTemplateFormatVersion").is_some()
        || root.str_at("Transform").is_some_and(|transform| transform.starts_with("AWS::"))
        || (!resources.entries().is_empty()
            && resources.entries().iter().all(|one| one.node.str_at("Type").is_some_and(|kind| kind.contains("::"))))
}

fn resources(found: &mut Found, node: Option<&Node>) {
    for entry in node.map(Node::entries).unwrap_or_default() {
        let Some(kind) = entry.node.str_at("Type") else { continue };
        found.items.push(Resource {
            tool: InfrastructureTool::CloudFormation,
            kind: kind.to_owned(),
            name: entry.key.clone(),
            place: entry.key_place.clone(),
            body: entry.node.clone(),
        });
    }
}

fn functions(found: &mut Found, root: &Node) {
    for entry in root.get("functions").map(Node::entries).unwrap_or_default() {
        found.items.push(Resource {
            tool: InfrastructureTool::Serverless,
            kind: "function".to_owned(),
            name: entry.key.clone(),
            place: entry.key_place.clone(),
            body: entry.node.clone(),
        });
    }
}

/// Programs in YAML list their resources; the others are source code.
fn pulumi(found: &mut Found, file: &DataFile) {
    for entry in file.documents.iter().flat_map(|root| root.get("resources").map(Node::entries).unwrap_or_default()) {
        let Some(kind) = entry.node.str_at("type") else { continue };
        let place: Place = entry.key_place.clone();
        found.items.push(Resource {
            tool: InfrastructureTool::Pulumi,
            kind: kind.to_owned(),
            name: entry.key.clone(),
            place,
            body: entry.node.clone(),
        });
    }
}

/// A list whose items all name hosts with something to do on them, or import another playbook.
fn playbook(root: &Node) -> bool {
    let does = |play: &Node| {
        ["tasks", "roles", "pre_tasks", "handlers", "post_tasks"].iter().any(|key| play.get(key).is_some())
    };
    let is_play = |play: &Node| {
        (play.get("hosts").is_some() && does(play))
            || play.get("import_playbook").is_some()
            || play.get("ansible.builtin.import_playbook").is_some()
    };
    !root.items().is_empty() && root.items().iter().all(is_play)
}

#[cfg(test)]
mod tests {
    use super::super::tests::check;

    #[test]
    fn templates_are_told_by_what_they_hold() {
        check(
            &[
                (
                    "a/template.yaml",
                    "Transform: AWS::Serverless-2016-10-31\nResources:\n  Api:\n    Type: AWS::Serverless::Function\n    Properties: {Timeout: !Ref T}\n",
                ),
                ("a/other.yaml", "Resources: {a: {x: 1}}\n"),
                (
                    "b/serverless.yml",
                    "service: shop\nfunctions:\n  hello: {handler: a.b}\nresources:\n  Resources:\n    T: {Type: AWS::DynamoDB::Table}\n",
                ),
                ("c/cdk.json", r#"{"app": "npx a"}"#),
                ("c/Pulumi.yaml", "name: p\nruntime: yaml\nresources:\n  b: {type: aws:s3:Bucket}\n"),
                ("d/site.yml", "- hosts: web\n  roles: [app]\n"),
            ],
            &[
                "a/template.yaml:3 CloudFormation AWS::Serverless::Function \"Api\" {\"Type\":\"AWS::Serverless::Function\",\"Properties\":{\"Timeout\":\"T\"}}",
                "b/serverless.yml:1 Serverless serverless \"shop\" {\"service\":\"shop\",\"functions\":{\"hello\":{\"handler\":\"a.b\"}},\"resources\":{\"Resources\":{\"T\":{\"Type\":\"AWS::DynamoDB::Table\"}}}}",
                "b/serverless.yml:3 Serverless function \"hello\" {\"handler\":\"a.b\"}",
                "b/serverless.yml:6 CloudFormation AWS::DynamoDB::Table \"T\" {\"Type\":\"AWS::DynamoDB::Table\"}",
                "c/Pulumi.yaml:1 Pulumi pulumi \"p\" {\"name\":\"p\",\"runtime\":\"yaml\",\"resources\":{\"b\":{\"type\":\"aws:s3:Bucket\"}}}",
                "c/Pulumi.yaml:4 Pulumi aws:s3:Bucket \"b\" {\"type\":\"aws:s3:Bucket\"}",
                "c/cdk.json:1 Cdk cdk \"npx a\" {\"app\":\"npx a\"}",
                "d/site.yml:1 Ansible playbook \"web\" {\"hosts\":\"web\",\"roles\":[\"app\"]}",
            ],
        );
    }

    #[test]
    fn a_broken_template_is_a_gap() {
        check(&[("t.yaml", "AWSTemplateFormatVersion: a\nResources: [\n")], &["gap t.yaml:2"]);
    }
}
