//! GitLab CI: `.gitlab-ci.yml` with what it includes from the repository, `extends` and `default` applied.

use std::{collections::BTreeMap, sync::Arc};

use gonogo_domain::{
    Node, Place,
    evidence::{Located, PipelineSystem},
};

use super::{Context, DraftJob, DraftStep, Parts, ShellSteps, strings, switched_on};
use crate::Corpus;

/// Files that are included, by each other too.
const INCLUDE_LIMIT: usize = 100;
/// Parents of a job's parents; GitLab allows eleven.
const EXTENDS_LIMIT: usize = 11;

/// Keys of the file that are no jobs.
const KEYWORDS: &[&str] = &[
    "default",
    "include",
    "stages",
    "variables",
    "workflow",
    "image",
    "services",
    "cache",
    "before_script",
    "after_script",
    "spec",
];

pub(super) fn gather(context: &mut Context<'_>) {
    let roots = context.roots(|file| matches!(&*file.path, ".gitlab-ci.yml" | ".gitlab-ci.yaml"));
    for (path, root) in roots {
        let mut file = Definition::default();
        file.read(context, root, &mut vec![path.to_string()]);
        let triggers = file.triggers();
        let jobs = file.jobs.iter().filter(|(name, _)| !name.starts_with('.'));
        let mut drafts: Vec<DraftJob> = jobs.filter_map(|(name, (place, _))| file.job(context, name, place)).collect();
        drafts.sort_by(|one, other| one.job.place.cmp(&other.job.place));
        file.order(&mut drafts);
        drafts.extend(file.templates(context));
        let parts = Parts { triggers, jobs: drafts, permissions: None };
        context.add(PipelineSystem::GitLab, path.to_string(), Place::whole(Arc::clone(&path)), parts);
    }
}

/// What the file and its includes define together; later ones win.
#[derive(Default)]
struct Definition<'c> {
    jobs: BTreeMap<&'c str, (Place, &'c Node)>,
    globals: BTreeMap<&'c str, &'c Node>,
    /// Includes of GitLab's own templates.
    templates: Vec<&'c Node>,
    /// Includes of other repositories, which are not read.
    elsewhere: Vec<&'c Node>,
}

impl<'c> Definition<'c> {
    fn read(&mut self, context: &mut Context<'c>, root: &'c Node, seen: &mut Vec<String>) {
        let include = root.get("include");
        let includes: Vec<&Node> = include
            .into_iter()
            .flat_map(|node| if node.items().is_empty() { vec![node] } else { node.items().iter().collect() })
            .collect();
        for include in includes {
            if let Some(template) = include.get("template").or_else(|| include.get("component")) {
                self.templates.push(template);
                continue;
            }
            if let Some(elsewhere) = ["project", "remote"].iter().find_map(|key| include.get(key)) {
                self.elsewhere.push(elsewhere);
                continue;
            }
            let Some(local) = include.str().or_else(|| include.str_at("local")) else { continue };
            if local.contains("://") {
                self.elsewhere.push(include);
                continue;
            }
            let local = local.trim_start_matches('/');
            for path in included(context.corpus, local) {
                if seen.len() >= INCLUDE_LIMIT || seen.contains(&path) {
                    continue;
                }
                seen.push(path.clone());
                for (_, root) in context.roots(|file| *file.path == *path) {
                    self.read(context, root, seen);
                }
            }
        }
        for entry in root.entries() {
            if KEYWORDS.contains(&entry.key.as_str()) {
                self.globals.insert(&entry.key, &entry.node);
            } else if !entry.node.entries().is_empty() {
                self.jobs.insert(&entry.key, (entry.key_place.clone(), &entry.node));
            }
        }
    }

    /// A key of a job: its own, or that of the nearest job that it extends.
    fn get(&self, job: &'c Node, key: &str, depth: usize) -> Option<&'c Node> {
        if let Some(own) = job.get(key) {
            return Some(own);
        }
        if depth >= EXTENDS_LIMIT {
            return None;
        }
        let parents = strings(job.get("extends"));
        parents.iter().rev().find_map(|parent| {
            let (_, parent) = self.jobs.get(parent.as_str())?;
            self.get(parent, key, depth + 1)
        })
    }

    /// The same, with what holds for every job.
    fn get_or_default(&self, job: &'c Node, key: &str) -> Option<&'c Node> {
        let default = || self.globals.get("default").and_then(|default| default.get(key));
        self.get(job, key, 0).or_else(default).or_else(|| self.globals.get(key).copied())
    }

    fn job(&self, context: &Context<'c>, name: &str, place: &Place) -> Option<DraftJob> {
        let (_, body) = self.jobs.get(name)?;
        let script = self.get(body, "script", 0).or_else(|| self.get(body, "run", 0));
        let trigger = self.get(body, "trigger", 0);
        if script.is_none() && trigger.is_none() {
            return None;
        }
        let mut draft = DraftJob::new(name, place.clone());
        draft.job.stage = self.get(body, "stage", 0).and_then(Node::str).map(str::to_owned);
        draft.job.environment = self.get(body, "environment", 0).and_then(|node| {
            let name = node.str().or_else(|| node.str_at("name"))?;
            Some(Located::new(name.to_owned(), &node.place))
        });
        let needs = self.get(body, "needs", 0).map(Node::items).unwrap_or_default();
        draft.job.needs =
            needs.iter().filter_map(|need| need.str().or_else(|| need.str_at("job"))).map(str::to_owned).collect();
        let rules = self.get(body, "rules", 0).map(Node::items).unwrap_or_default();
        let manual = |node: &Node| node.str_at("when") == Some("manual");
        draft.job.manual = self.get(body, "when", 0).and_then(Node::str) == Some("manual")
            || (rules.iter().any(manual)
                && rules.iter().all(|rule| manual(rule) || rule.str_at("when") == Some("never")));
        draft.job.tolerated = self
            .get(body, "allow_failure", 0)
            .filter(|node| node.str() == Some("true"))
            .map(|node| node.place.clone())
            .or_else(|| rules.iter().find_map(|rule| switched_on(rule, "allow_failure")));
        draft.job.condition = self.condition(body, rules);
        let mut shell = ShellSteps::new(context.scripts, ".");
        for key in ["before_script", "script"] {
            let node = if key == "script" { script } else { self.get_or_default(body, key) };
            if let Some(node) = node {
                draft.steps.extend(self.steps(&mut shell, node));
            }
        }
        Some(draft)
    }

    /// A script's lines; `!reference [job, script]` came through as a list of names.
    fn steps(&self, shell: &mut ShellSteps<'_, '_>, node: &'c Node) -> Vec<DraftStep> {
        let mut steps = Vec::new();
        for item in if node.str().is_some() { std::slice::from_ref(node) } else { node.items() } {
            let words: Vec<&str> = item.items().iter().filter_map(Node::str).collect();
            let referred = match words.as_slice() {
                [job, key] => self.jobs.get(job).map(|(_, body)| self.get(body, key, 0)),
                _ => None,
            };
            steps.extend(shell.steps(referred.unwrap_or(Some(item))));
        }
        steps
    }

    fn condition(&self, body: &'c Node, rules: &[Node]) -> Option<String> {
        let mut texts: Vec<String> = rules.iter().filter_map(|rule| rule.str_at("if")).map(str::to_owned).collect();
        for key in ["only", "except"] {
            let Some(node) = self.get(body, key, 0) else { continue };
            let mut words = strings(Some(node));
            words.extend(strings(node.get("refs")));
            if !words.is_empty() {
                texts.push(format!("{key}: {}", words.join(", ")));
            }
        }
        (!texts.is_empty()).then(|| texts.join(" || "))
    }

    /// Without needs, a job waits for all jobs of the stages before its own.
    fn order(&self, drafts: &mut [DraftJob]) {
        let mut stages = vec![".pre".to_owned()];
        stages.extend(match self.globals.get("stages") {
            Some(node) => strings(Some(node)),
            None => ["build", "test", "deploy"].map(str::to_owned).to_vec(),
        });
        let position = |draft: &DraftJob| {
            let stage = draft.job.stage.as_deref().unwrap_or("test");
            stages.iter().position(|own| own == stage)
        };
        let positions: Vec<Option<usize>> = drafts.iter().map(position).collect();
        let ids: Vec<String> = drafts.iter().map(|draft| draft.job.id.clone()).collect();
        for (draft, own) in drafts.iter_mut().zip(&positions) {
            let Some(own) = own.filter(|_| draft.job.needs.is_empty()) else { continue };
            let before = positions.iter().flatten().copied().filter(|stage| *stage < own).max();
            draft.job.needs = ids
                .iter()
                .zip(&positions)
                .filter(|(_, stage)| stage.is_some() && **stage == before)
                .map(|(id, _)| id.clone())
                .collect();
        }
    }

    fn templates(&self, context: &Context<'c>) -> Vec<DraftJob> {
        let named = self.templates.iter().filter_map(|node| Some((node.str()?.to_owned(), node)));
        let elsewhere = self.elsewhere.iter().filter_map(|node| Some((format!("include {}", node.str()?), node)));
        let jobs = named.chain(elsewhere).map(|(uses, node)| {
            let mut draft = DraftJob::new(&uses, node.place.clone());
            let mut step = DraftStep::new(node.place.clone());
            step.outcome = context.scripts.action(&uses, &[]);
            step.step.uses = Some(uses);
            draft.steps.push(step);
            draft
        });
        jobs.collect()
    }

    fn triggers(&self) -> Vec<String> {
        let mut text = String::new();
        let mut free = false;
        let workflow = self.globals.get("workflow").map(|node| node.list("rules")).unwrap_or_default();
        for rule in workflow {
            if rule.str_at("when") != Some("never") {
                text.push_str(rule.str_at("if").unwrap_or("$CI_COMMIT_BRANCH"));
            }
        }
        for (_, body) in self.jobs.values() {
            let rules = self.get(body, "rules", 0).map(Node::items).unwrap_or_default();
            free |= self.get(body, "rules", 0).is_none() && self.get(body, "only", 0).is_none();
            for rule in rules {
                text.push_str(rule.str_at("if").unwrap_or(" "));
            }
            if let Some(only) = self.get(body, "only", 0) {
                text.push_str(&strings(Some(only)).join(" "));
                text.push_str(&strings(only.get("refs")).join(" "));
            }
        }
        let has = |words: &[&str]| words.iter().any(|word| text.contains(word));
        let mut triggers = Vec::new();
        if (free && workflow.is_empty())
            || has(&[
                "CI_COMMIT_BRANCH",
                "CI_COMMIT_REF",
                "CI_DEFAULT_BRANCH",
                "\"push\"",
                "branches",
                "main",
                "master",
            ])
        {
            triggers.push("push");
        }
        if has(&["merge_request", "CI_MERGE_REQUEST"]) {
            triggers.push("merge_request");
        }
        if has(&["CI_COMMIT_TAG", "tags"]) {
            triggers.push("tag");
        }
        if has(&["schedule"]) {
            triggers.push("schedule");
        }
        if triggers.is_empty() {
            triggers.push("push");
        }
        triggers.into_iter().map(str::to_owned).collect()
    }
}

/// The files that a local include names; `*` stands for a part of a name, `**` for folders too.
fn included(corpus: &Corpus<'_>, pattern: &str) -> Vec<String> {
    let Some((before, after)) = pattern.split_once('*') else { return vec![pattern.to_owned()] };
    let after = after.trim_start_matches('*').trim_start_matches('/').trim_start_matches('*');
    let fits = |path: &str| path.starts_with(before) && path.ends_with(after);
    corpus.data().filter(|file| fits(&file.path)).map(|file| file.path.to_string()).collect()
}

#[cfg(test)]
mod tests {
    use super::super::tests::check;

    #[test]
    fn jobs_inherit_and_include() {
        check(
            &[
                (
                    ".gitlab-ci.yml",
                    "include:\n  - local: /ci/deploy.yml\n  - template: Security/SAST.gitlab-ci.yml\nstages: [test, deploy]\ndefault:\n  before_script: [cd api]\n.go:\n  stage: test\n  image: golang\n  allow_failure: true\nunit:\n  extends: .go\n  script:\n    - go vet ./...\n    - make test\ne2e:\n  stage: test\n  script: [!reference [.go, script], npx cypress run]\n",
                ),
                (
                    "ci/deploy.yml",
                    "production:\n  stage: deploy\n  when: manual\n  environment: {name: production}\n  script:\n    - helm upgrade --install a ./chart\n    - curl -f https://a/health\n  rules:\n    - if: $CI_COMMIT_TAG\n      when: manual\n",
                ),
                ("api/Makefile", "test:\n\tgo test ./...\n"),
            ],
            "GitLab .gitlab-ci.yml on push,tag
  unit ~.gitlab-ci.yml:10
    .gitlab-ci.yml:6
    .gitlab-ci.yml:14 Lint
    .gitlab-ci.yml:15 UnitTest
  e2e
    .gitlab-ci.yml:6
    .gitlab-ci.yml:18 EndToEndTest
  production @production <unit,e2e manual
    .gitlab-ci.yml:6
    ci/deploy.yml:6 Deploy
    ci/deploy.yml:7 SmokeTest
  Security/SAST.gitlab-ci.yml
    .gitlab-ci.yml:3 StaticAnalysis
Script Makefile on
  test
    api/Makefile:1 UnitTest
",
        );
    }

    #[test]
    fn circles_of_extends_and_includes_end() {
        check(
            &[(".gitlab-ci.yml", "include: .gitlab-ci.yml\na: {extends: b, script: [go test]}\nb: {extends: a}\n")],
            "circles",
        );
    }
}
