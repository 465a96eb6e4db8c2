//! The services of `corpus/` with their labels, and what we say of them.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, bail};
use gonogo_collectors::{Configuration, Tree, collect, configuration};
use gonogo_domain::{Check, Judged, Outcome, Records, review};
use serde::Deserialize;

use super::{mutations::Mutation, word};

/// The file of a service's labels; it is no file of the service.
const LABELS: &str = "expected.toml";

/// No label depends on the day.
const TODAY: jiff::civil::Date = jiff::civil::date(2026, 11, 22);

/// Everything in `corpus/`.
#[derive(Debug)]
pub struct Corpus {
    pub services: Vec<Service>,
    pub disagreements: Vec<Disagreement>,
    pub mutations: Vec<Mutation>,
}

/// One small service.
#[derive(Debug)]
pub struct Service {
    /// The name of its folder.
    pub name: String,
    pub labels: Labels,
    /// Its files, by their paths.
    pub files: BTreeMap<String, String>,
}

/// `expected.toml`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Labels {
    /// `Express 5 on Node.js`.
    pub framework: String,
    pub language: String,
    pub check: BTreeMap<String, Label>,
}

/// What a reader of the program says of a check.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Label {
    pub is: Outcome,
    pub because: String,
}

/// A label that we do not agree with, and why it is left so.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Disagreement {
    pub service: String,
    pub check: String,
    pub ours: Outcome,
    pub because: String,
}

/// A label beside what we say.
#[derive(Debug)]
pub struct Compared {
    pub service: String,
    pub check: String,
    pub label: Label,
    pub ours: Outcome,
    /// What we said, for a person who looks into a disagreement.
    pub said: Vec<String>,
}

impl Compared {
    pub fn agrees(&self) -> bool {
        self.label.is == self.ours
    }
}

/// What we say of one check.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Verdict {
    pub outcome: Outcome,
    /// The readings, then the findings with their places.
    pub said: Vec<String>,
    /// What the findings say.
    pub findings: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Disagreements {
    #[serde(default)]
    disagreement: Vec<Disagreement>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Mutations {
    #[serde(default)]
    mutation: Vec<Mutation>,
}

impl Corpus {
    /// Errors: a folder without labels, a label of a check that does not exist, a table that cannot be read.
    pub fn read() -> anyhow::Result<Self> {
        let root = crate::root().join("corpus");
        let mut folders: Vec<PathBuf> = fs::read_dir(&root)?
            .filter_map(Result::ok)
            .map(|entry| entry.path())
            .filter(|path| path.is_dir())
            .collect();
        folders.sort();
        let services = folders.iter().map(|folder| Service::read(folder)).collect::<anyhow::Result<_>>()?;
        let table = |name: &str| fs::read_to_string(root.join(name)).with_context(|| format!("{name} cannot be read"));
        let Disagreements { disagreement } = toml::from_str(&table("disagreements.toml")?)?;
        let Mutations { mutation } = toml::from_str(&table("mutations.toml")?)?;
        Ok(Self { services, disagreements: disagreement, mutations: mutation })
    }

    pub fn service(&self, name: &str) -> anyhow::Result<&Service> {
        self.services.iter().find(|one| one.name == name).with_context(|| format!("corpus/{name} does not exist"))
    }

    /// Reviews every service and puts each label beside what we say.
    pub fn compare(&self) -> anyhow::Result<Vec<Compared>> {
        let mut compared = Vec::new();
        for service in &self.services {
            let checks = service.labels.check.keys().map(|id| check(id)).collect::<anyhow::Result<Vec<_>>>()?;
            let verdicts = judge(&service.name, &service.files, &checks)?;
            for ((id, label), verdict) in service.labels.check.iter().zip(verdicts) {
                compared.push(Compared {
                    service: service.name.clone(),
                    check: id.clone(),
                    label: label.clone(),
                    ours: verdict.outcome,
                    said: verdict.said,
                });
            }
        }
        Ok(compared)
    }

    /// Disagreements without a reason, and reasons that nothing needs.
    pub fn unexplained(&self, compared: &[Compared]) -> Vec<String> {
        let open = compared.iter().filter(|one| !one.agrees()).filter(|one| self.reason(one).is_none()).map(|one| {
            format!(
                "{} {}: {} by the label ({}), {} by us\n      {}",
                one.service,
                one.check,
                word(one.label.is),
                one.label.because,
                word(one.ours),
                one.said.join("\n      ")
            )
        });
        let stale = self
            .disagreements
            .iter()
            .filter(|known| {
                !compared.iter().any(|one| {
                    !one.agrees() && one.service == known.service && one.check == known.check && one.ours == known.ours
                })
            })
            .map(|known| {
                format!("{} {}: corpus/disagreements.toml lists it, and it is none", known.service, known.check)
            });
        open.chain(stale).collect()
    }

    /// Why a disagreement is left.
    pub fn reason(&self, one: &Compared) -> Option<&Disagreement> {
        self.disagreements
            .iter()
            .find(|known| known.service == one.service && known.check == one.check && known.ours == one.ours)
    }
}

impl Service {
    fn read(folder: &Path) -> anyhow::Result<Self> {
        let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let mut files = BTreeMap::new();
        let mut open = vec![folder.to_owned()];
        while let Some(next) = open.pop() {
            for entry in fs::read_dir(&next)? {
                let path = entry?.path();
                if path.is_dir() {
                    open.push(path);
                } else {
                    let text =
                        fs::read_to_string(&path).with_context(|| format!("{} cannot be read", path.display()))?;
                    files.insert(path.strip_prefix(folder)?.to_string_lossy().replace('\\', "/"), text);
                }
            }
        }
        let labels = files.remove(LABELS).with_context(|| format!("corpus/{name} has no {LABELS}"))?;
        let labels = toml::from_str(&labels).with_context(|| format!("corpus/{name}/{LABELS}"))?;
        Ok(Self { name, labels, files })
    }
}

/// A check of the catalogue.
pub(super) fn check(id: &str) -> anyhow::Result<&'static Check> {
    gonogo_checks::catalogue()
        .into_iter()
        .find(|check| check.id == id)
        .with_context(|| format!("there is no check {id}"))
}

/// What we say of these checks, in their order. The files are one service, by themselves.
pub(super) fn judge(
    name: &str,
    files: &BTreeMap<String, String>,
    checks: &[&'static Check],
) -> anyhow::Result<Vec<Verdict>> {
    let ids: Vec<&str> = gonogo_checks::catalogue().iter().map(|check| check.id).collect();
    let configuration = match files.get(configuration::FILE) {
        Some(text) => Configuration::parse(&configuration::FILE.into(), text, &ids).map_err(|errors| {
            anyhow::anyhow!("{name}: {}", errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))
        })?,
        None => Configuration::default(),
    };
    let tree = Tree::from_memory(files.iter().map(|(path, text)| (path.clone(), text.clone().into_bytes())));
    let collected = collect(&tree, &configuration, TODAY);
    let [facts] = collected.services.as_slice() else {
        let found: Vec<&str> = collected.services.iter().map(|facts| facts.service.name.as_str()).collect();
        bail!("corpus/{name} is to be one service; found {found:?}");
    };
    let records = Records { waivers: &[], attestations: &[] };
    let review = review(checks, facts, &configuration.policy, None, records);
    checks
        .iter()
        .map(|check| review.of(check.id).map(verdict).with_context(|| format!("{name}: {} was not judged", check.id)))
        .collect()
}

fn verdict(judged: &Judged) -> Verdict {
    let readings = judged
        .readings
        .iter()
        .map(|(strength, reading)| format!("{} {:?}: {}", strength.letter(), reading.conclusion, reading.summary.en));
    let places = judged.findings().iter().map(|finding| format!("{} {}", finding.place, finding.message.en));
    Verdict {
        outcome: judged.outcome(),
        said: readings.chain(places).collect(),
        findings: judged.findings().iter().map(|finding| finding.message.en.clone()).collect(),
    }
}
