//! Our verdict on a manifest: it is reviewed as the only file of a repository, as a server's.

use anyhow::{Context as _, anyhow};
use gonogo_collectors::{Configuration, Tree, collect, configuration};
use gonogo_domain::{Finding, Judged, Outcome, Records, review};

use super::{Verdict, expectations::Concern};

const PATH: &str = "deploy/manifests.yaml";
/// No rule asks for the day.
const TODAY: jiff::civil::Date = jiff::civil::date(2026, 1, 1);
const WORKLOADS: &[&str] = &[
    "Deployment",
    "DeploymentConfig",
    "StatefulSet",
    "DaemonSet",
    "ReplicaSet",
    "ReplicationController",
    "Pod",
    "Job",
    "CronJob",
];

/// A file of another tool, and which lines of it are in question.
pub(super) struct Manifest {
    text: String,
    /// Counted from 1; none: all of them.
    lines: Option<(usize, usize)>,
}

struct Document {
    kind: String,
    first: usize,
    last: usize,
}

impl Manifest {
    pub(super) fn whole(text: &str) -> Self {
        Self { text: text.to_owned(), lines: None }
    }

    /// One for each document of these kinds, with its number among all.
    ///
    /// Other workloads than the one in question are taken out: the files use one name many times. An object that refers
    /// to workloads is asked with all of them.
    pub(super) fn each(text: &str, kinds: &[String]) -> Vec<(usize, Self)> {
        let documents = documents(text);
        let asked = |kind: &str| match kinds {
            [] => WORKLOADS.contains(&kind),
            kinds => kinds.iter().any(|one| one == kind),
        };
        let mut manifests = Vec::new();
        for (index, document) in documents.iter().enumerate().filter(|(_, one)| asked(&one.kind)) {
            let alone = WORKLOADS.contains(&document.kind.as_str());
            let out = |line: usize| {
                let home = documents.iter().position(|one| (one.first..=one.last).contains(&line));
                home.is_some_and(|home| {
                    home != index
                        && documents.get(home).is_some_and(|one| {
                            if alone { WORKLOADS.contains(&one.kind.as_str()) } else { one.kind == document.kind }
                        })
                })
            };
            let kept: Vec<&str> =
                text.lines().enumerate().map(|(line, text)| if out(line + 1) { "" } else { text }).collect();
            manifests
                .push((index + 1, Self { text: kept.join("\n"), lines: Some((document.first, document.last)) }));
        }
        manifests
    }

    fn concerns(&self, finding: &Finding) -> bool {
        let inside = |line: Option<u32>| match (self.lines, line) {
            (Some((first, last)), Some(line)) => (first..=last).contains(&(line as usize)),
            _ => true,
        };
        inside(finding.place.line()) || finding.related.iter().any(|(place, _)| inside(place.line()))
    }
}

/// The documents that hold something, with the kind that each names at its left edge.
fn documents(text: &str) -> Vec<Document> {
    let mut documents: Vec<Document> = Vec::new();
    let mut open = false;
    for (index, line) in text.lines().enumerate() {
        if line.starts_with("---") {
            open = false;
            continue;
        }
        if !open && (line.trim().is_empty() || line.starts_with('#')) {
            continue;
        }
        if !open {
            documents.push(Document { kind: String::new(), first: index + 1, last: index + 1 });
            open = true;
        }
        if let Some(document) = documents.last_mut() {
            document.last = index + 1;
            if let Some(kind) = line.strip_prefix("kind:") {
                kind.trim().trim_matches('"').clone_into(&mut document.kind);
            }
        }
    }
    documents
}

/// The manifests run `nginx`, `busybox` and the like in the place of a service's own program, which to us are products
/// of others: the image gets a name of our own and keeps its tag.
fn with_own_images(text: &str) -> String {
    let own = |line: &str| {
        let trimmed = line.trim_start().trim_start_matches("- ");
        let Some(image) = trimmed.strip_prefix("image:") else { return line.to_owned() };
        let image = image.trim().trim_matches(['"', '\'']);
        let head = line.strip_suffix(trimmed).unwrap_or_default();
        let name = image.rsplit('/').next().unwrap_or_default();
        let version = name.find([':', '@']).and_then(|at| name.get(at..)).unwrap_or_default();
        format!("{head}image: registry.example.com/shop/api{version}")
    };
    text.lines().map(own).collect::<Vec<_>>().join("\n")
}

/// Our verdict, and all that the check says.
pub(super) fn judge(concern: &Concern, manifest: &Manifest) -> anyhow::Result<(Verdict, Vec<String>)> {
    let check = gonogo_checks::catalogue()
        .into_iter()
        .find(|check| check.id == concern.check)
        .with_context(|| format!("there is no check {}", concern.check))?;
    let text = with_own_images(&manifest.text);
    let files = |settings: String| {
        Tree::from_memory([
            (PATH.to_owned(), text.clone().into_bytes()),
            (configuration::FILE.to_owned(), settings.into_bytes()),
        ])
    };
    // What is found first gets its class from us, as its owner would state it.
    let found = collect(&files(String::new()), &Configuration::default(), TODAY);
    let mut settings = String::new();
    for facts in &found.services {
        settings.push_str(&format!("[service.{:?}]\nclass = \"server\"\n", facts.service.name));
    }
    if settings.is_empty() {
        settings.push_str("[service.shop]\nclass = \"server\"\n");
    }
    let configuration = Configuration::parse(&configuration::FILE.into(), &settings, &[check.id])
        .map_err(|errors| anyhow!("{settings}: {}", errors.iter().map(ToString::to_string).collect::<String>()))?;
    let collected = collect(&files(settings), &configuration, TODAY);

    let mut verdict = Verdict::Unasked;
    let mut said = Vec::new();
    for facts in &collected.services {
        let records = Records { waivers: &[], attestations: &[] };
        let review = review(&[check], facts, &configuration.policy, None, records);
        for judged in &review.judged {
            said.push(format!("{} {:?}: {}", facts.service.name, judged.outcome(), summary(judged)));
            let objections: Vec<&Finding> = judged
                .findings()
                .iter()
                .filter(|finding| {
                    concern.says.iter().any(|words| finding.message.en.contains(words.as_str()))
                        && manifest.concerns(finding)
                })
                .collect();
            said.extend(judged.findings().iter().map(|finding| format!("{} {}", finding.place, finding.message)));
            if !objections.is_empty() {
                verdict = Verdict::Fires;
            } else if verdict == Verdict::Unasked && asked(judged) {
                verdict = Verdict::Holds;
            }
        }
    }
    Ok((verdict, said))
}

fn summary(judged: &Judged) -> String {
    judged.reading().map(|(_, reading)| reading.summary.en.clone()).unwrap_or_default()
}

/// Something was looked at. What only waits for the source code was looked at as far as a manifest goes.
fn asked(judged: &Judged) -> bool {
    match judged.outcome() {
        Outcome::Pass | Outcome::Fail | Outcome::Partial | Outcome::Stale => true,
        Outcome::Unknown => judged.readings.iter().any(|(_, reading)| reading.missing.is_some()),
        Outcome::NotApplicable => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, kinds: &[&str], expect: &[(usize, &str)]) {
        let kinds: Vec<String> = kinds.iter().map(|kind| (*kind).to_owned()).collect();
        let each = Manifest::each(text, &kinds);
        let found: Vec<(usize, &str)> = each.iter().map(|(number, one)| (*number, one.text.as_str())).collect();
        assert_eq!(found, expect);
    }

    #[test]
    fn every_workload_is_asked_without_the_others_and_with_the_objects_around_it() {
        check(
            "kind: Pod\na: 1\n---\nkind: Service\n---\n---\nkind: Pod\na: 2",
            &[],
            &[(1, "kind: Pod\na: 1\n---\nkind: Service\n---\n---\n\n"), (3, "\n\n---\nkind: Service\n---\n---\nkind: Pod\na: 2")],
        );
        check("kind: Pod\n---\nkind: Service", &["Service"], &[(2, "kind: Pod\n---\nkind: Service")]);
    }

    #[test]
    fn a_stand_in_for_the_own_program_keeps_its_tag() {
        let renamed = with_own_images("- image: nginx:1.2\n  image: \"some.host:5000/busybox\"\nname: image");
        assert_eq!(
            renamed,
            "- image: registry.example.com/shop/api:1.2\n  image: registry.example.com/shop/api\nname: image"
        );
    }
}
