//! Drone and Woodpecker: pipelines of containers with commands.

use std::sync::Arc;

use gonogo_domain::{Node, Place, Source, evidence::PipelineSystem};

use super::{Context, DraftJob, DraftStep, Parts, ShellSteps, strings, texts};

pub(super) fn gather(context: &mut Context<'_>) {
    let corpus = context.corpus;
    for file in corpus.data() {
        let woodpecker =
            matches!(&*file.path, ".woodpecker.yml" | ".woodpecker.yaml") || file.path.starts_with(".woodpecker/");
        if !woodpecker && !matches!(&*file.path, ".drone.yml" | ".drone.yaml") {
            continue;
        }
        context.files += 1;
        context.gaps.extend(file.gaps(Source::Pipelines));
        for root in &file.documents {
            if !woodpecker && root.str_at("kind").is_some_and(|kind| kind != "pipeline") {
                continue;
            }
            let id = root.str_at("name").unwrap_or("default");
            let mut job = DraftJob::new(id, root.place.clone());
            job.job.needs = strings(root.get("depends_on"));
            let key = if root.get("steps").is_some() { "steps" } else { "pipeline" };
            let listed = root.list(key).iter().map(|node| (node.str_at("name"), node));
            let named = root.get(key).map(Node::entries).unwrap_or_default().iter();
            for (name, node) in listed.chain(named.map(|entry| (Some(entry.key.as_str()), &entry.node))) {
                job.steps.extend(steps(context, name, node));
            }
            let parts = Parts { triggers: triggers(root), jobs: vec![job], permissions: None };
            let place =
                if file.documents.len() == 1 { Place::whole(Arc::clone(&file.path)) } else { root.place.clone() };
            context.add(PipelineSystem::Drone, id.to_owned(), place, parts);
        }
    }
}

fn triggers(root: &Node) -> Vec<String> {
    let events = root.at("trigger.event").or_else(|| root.at("when.event"));
    let mut triggers = strings(events);
    triggers.extend(strings(events.and_then(|events| events.get("include"))));
    triggers.extend(root.list("when").iter().flat_map(|when| strings(when.get("event"))));
    let cron = triggers.iter().position(|trigger| trigger == "cron");
    if let Some(trigger) = cron.and_then(|at| triggers.get_mut(at)) {
        "schedule".clone_into(trigger);
    }
    if triggers.is_empty() {
        triggers = vec!["push".to_owned(), "pull_request".to_owned()];
    }
    triggers
}

fn steps(context: &Context<'_>, name: Option<&str>, node: &Node) -> Vec<DraftStep> {
    let mut shell = ShellSteps::new(context.scripts, ".");
    let mut drafts = shell.steps(node.get("commands"));
    let image = node.str_at("image").unwrap_or_default();
    if drafts.is_empty() {
        // A plugin: what it does is in its name and its settings.
        let mut step = DraftStep::new(node.place.clone());
        step.step.uses = Some(image.to_owned()).filter(|image| !image.is_empty());
        step.step.with = texts(node.get("settings"));
        step.outcome = context.scripts.action(image, &step.step.with);
        drafts.push(step);
    }
    let ignored =
        node.entry("failure").filter(|entry| entry.node.str() == Some("ignore")).map(|entry| entry.key_place.clone());
    for draft in &mut drafts {
        draft.step.name = name.map(str::to_owned);
        draft.step.tolerated.clone_from(&ignored);
        if let Some(place) = &ignored {
            draft.outcome.tolerate(place);
        }
    }
    drafts
}

#[cfg(test)]
mod tests {
    use super::super::tests::check;

    #[test]
    fn each_document_is_a_pipeline() {
        check(
            &[(
                ".drone.yml",
                "kind: pipeline\nname: test\nsteps:\n- name: unit\n  image: golang\n  commands: [go test ./...]\n- name: audit\n  failure: ignore\n  commands:\n  - npm audit\n---\nkind: pipeline\nname: ship\ntrigger: {event: [tag]}\nsteps:\n- name: publish\n  image: plugins/docker\n  settings: {repo: a}\n---\nkind: secret\nname: a\n",
            )],
            "Drone test on push,pull_request
  test
    .drone.yml:6 UnitTest
    .drone.yml:10 DependencyAudit ~.drone.yml:8
Drone ship on tag
  ship
    .drone.yml:16 BuildImage Publish
",
        );
    }
}
