//! SLOs as OpenSLO, Sloth, Pyrra and Terraform declare them.

mod figures;
mod indicator;
mod infrastructure;
mod measure;
mod open_slo;
mod pyrra;
mod sloth;
mod whole;

use std::collections::BTreeSet;

use gonogo_domain::{
    Gap, Gathered, Node, Place, Source,
    evidence::{Located, Object, Objective, Role},
    rules::{Labels, Span},
    slo::{Decimal, Period},
};

use crate::{Configuration, Corpus, DataFile, Tree, corpus::Format};
use open_slo::Catalogue;

pub(crate) use infrastructure::from_infrastructure;
pub(crate) use whole::{Stated, stated};

pub(crate) fn gather(corpus: &Corpus<'_>) -> Gathered<Objective> {
    let files: Vec<&DataFile> =
        corpus.data().filter(|file| file.format != Format::Toml && file.role != Role::Test).collect();
    // An SLO may name an indicator of another file.
    let catalogue = Catalogue::of(files.iter().flat_map(|file| &file.documents));
    let mut gathered = Gathered::default();
    for file in files {
        let before = gathered.items.len();
        for document in &file.documents {
            read(document, &catalogue, &mut gathered.items, &mut gathered.gaps);
        }
        let ours = ["openslo/", "sloth.slok.dev", "pyrra.dev/"].iter().any(|word| file.broken_with(word));
        if ours {
            gathered.gaps.extend(file.gaps(Source::Objectives));
        }
        gathered.files += usize::from(ours || gathered.items.len() > before);
    }
    gathered
}

/// The SLOs that the files of a tree declare, and those that its configuration states: without a review around them.
pub fn declared(tree: &Tree, configuration: &Configuration) -> Gathered<Objective> {
    let mut gathered = gather(&Corpus::read(tree));
    gathered.items.extend(configuration.services.iter().flat_map(|service| service.objectives.iter().cloned()));
    gathered
}

/// Adds the SLOs of rendered objects. What a plain file gave already is not added again, however many environments
/// there are.
pub(crate) fn with_objects(mut plain: Gathered<Objective>, objects: &[Object]) -> Gathered<Objective> {
    let catalogue = Catalogue::of(objects.iter().map(|object| &*object.body));
    let mut rendered = Vec::new();
    for object in objects {
        read(&object.body, &catalogue, &mut rendered, &mut plain.gaps);
    }
    let known: BTreeSet<Place> = plain.items.iter().map(|objective| objective.place.clone()).collect();
    let mut added: BTreeSet<(Place, String)> = BTreeSet::new();
    rendered.retain(|objective| {
        !known.contains(&objective.place) && added.insert((objective.place.clone(), objective.name.clone()))
    });
    plain.items.extend(rendered);
    plain.items.sort_by(|one, other| (&one.place, &one.name).cmp(&(&other.place, &other.name)));
    plain.gaps.sort();
    plain.gaps.dedup();
    plain
}

fn read(document: &Node, catalogue: &Catalogue<'_>, items: &mut Vec<Objective>, gaps: &mut Vec<Gap>) {
    let api = document.str_at("apiVersion").unwrap_or_default();
    match document.str_at("kind").unwrap_or_default() {
        "List" => document.list("items").iter().for_each(|item| {
            // Lists do not hold lists.
            if item.str_at("kind") != Some("List") {
                read(item, catalogue, items, gaps);
            }
        }),
        "SLO" if api.starts_with("openslo") => open_slo::read(document, catalogue, items, gaps),
        "PrometheusServiceLevel" if api.starts_with("sloth.slok.dev") => {
            if let Some(spec) = document.get("spec") {
                sloth::read(spec, items);
            }
        }
        "ServiceLevelObjective" if api.starts_with("pyrra.dev") => pyrra::read(document, items),
        "" if document.str_at("version").is_some_and(|version| version.starts_with("prometheus/v")) => {
            sloth::read(document, items);
        }
        _ => (),
    }
}

/// A target that leaves something to go wrong, and promises something.
fn promised(target: Option<Decimal>) -> Result<Decimal, String> {
    match target {
        None => Err("it has no target that is a number".to_owned()),
        Some(target) if target >= Decimal::ONE => Err("its target leaves no budget".to_owned()),
        Some(target) if target <= Decimal::ZERO => Err("its target promises nothing".to_owned()),
        Some(target) => Ok(target),
    }
}

/// The shortest and the longest time that a budget is kept for.
const SHORTEST: Span = Span::days(1);
const LONGEST: Span = Span::days(366);

fn rolling(window: Option<&Located<u64>>) -> Result<Period, String> {
    let window = window.ok_or("it has no window")?;
    let length = Span::seconds(window.value);
    if length < SHORTEST || length > LONGEST {
        return Err(format!("its window is {length}: a budget is kept for a day at least, and a year at most"));
    }
    Ok(Period::Rolling(length))
}

/// The texts of a mapping.
fn texts(node: Option<&Node>) -> Labels {
    let entries = node.map(Node::entries).unwrap_or_default();
    entries.iter().filter_map(|entry| Some((entry.key.clone(), entry.node.str()?.to_owned()))).collect()
}

/// Where an objective names what happens when its budget is spent: a key that says so, or its description.
fn budget_policy(node: &Node) -> Option<Place> {
    let names = |text: &str| {
        let lower = text.to_lowercase().replace(['-', '_', '.', '/'], " ");
        lower.contains("budget policy") || lower.contains("budgetpolicy")
    };
    let mut found = None;
    node.walk(&mut |node| {
        if found.is_some() {
            return;
        }
        let entry = node.entries().iter().find(|entry| {
            let told = entry.key == "description" && entry.node.str().is_some_and(names);
            (names(&entry.key) || told) && !entry.node.is_null()
        });
        found = entry.map(|entry| entry.node.place.clone());
    });
    found
}

#[cfg(test)]
mod tests;
