//! The objectives of a folder or a file.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    sync::Arc,
};

use anyhow::{Context as _, bail};
use gonogo_collectors::{Tree, objectives};
use gonogo_domain::{
    Gap, Place,
    evidence::ObjectiveFormat,
    rules::Span,
    slo::{Objective, Period},
};

use super::options::Objectives;
use crate::review::read_configuration;

/// A file of objectives is no bigger.
const MOST_BYTES: u64 = 16 << 20;

/// What was found.
pub(crate) struct Found {
    /// In the order of their places.
    pub whole: Vec<Arc<Objective>>,
    /// Those that rules cannot be made of: name, place, and why.
    pub broken: Vec<(String, Place, String)>,
    /// Files that should have been read and could not be.
    pub gaps: Vec<Gap>,
    /// What each service waits for, by the configuration.
    pub dependencies: BTreeMap<String, Vec<String>>,
}

pub(crate) fn find(options: &Objectives) -> anyhow::Result<Found> {
    let path = &options.path;
    let tree = if path.is_file() {
        let size = fs::metadata(path).with_context(|| format!("{} cannot be read", path.display()))?.len();
        if size > MOST_BYTES {
            bail!("{} is no file of objectives: it is larger than {} MiB", path.display(), MOST_BYTES >> 20);
        }
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        Tree::from_memory([(name, fs::read(path).with_context(|| format!("{} cannot be read", path.display()))?)])
    } else {
        Tree::from_disk(path)?
    };
    let configuration = read_configuration(&tree)?;
    let declared = objectives::declared(&tree, &configuration);
    let dependencies = configuration.services.iter().map(|service| {
        (service.name.clone(), service.dependencies.iter().map(|dependency| dependency.name.clone()).collect())
    });
    let mut found =
        Found { whole: Vec::new(), broken: Vec::new(), gaps: declared.gaps, dependencies: dependencies.collect() };
    let mut seen = BTreeMap::new();
    let mut services = BTreeSet::new();
    for objective in declared.items {
        let service = objective.service.clone().unwrap_or_default();
        services.insert(service.clone());
        if !options.service.is_empty() && !options.service.contains(&service) {
            continue;
        }
        match objective.whole {
            Ok(whole) => {
                let whole = with_period(whole, options.period);
                match seen.get(&whole.id()) {
                    None => {
                        seen.insert(whole.id(), whole.place.clone());
                        found.whole.push(whole);
                    }
                    Some(first) => {
                        let reason = format!("{first} has the same service and name, `{}`", whole.id());
                        found.broken.push((whole.name.clone(), whole.place.clone(), reason));
                    }
                }
            }
            Err(reason) => found.broken.push((objective.name, objective.place, reason)),
        }
    }
    if found.whole.is_empty() && found.broken.is_empty() {
        if let Some(gap) = found.gaps.first() {
            bail!("no SLO could be read: {}: {}", gap.place, gap.reason);
        }
        if !options.service.is_empty() && !services.is_empty() {
            let known: Vec<String> = services.into_iter().collect();
            bail!("no SLO is declared for {}; there are some for {}", options.service.join(", "), known.join(", "));
        }
        bail!(
            "no SLO is declared in {} ({} files): write one as OpenSLO v1, Sloth (prometheus/v1) or Pyrra, or as \
             [[service.NAME.slo]] in gonogo.toml; docs/slo.md begins with one",
            path.display(),
            tree.files().len()
        );
    }
    Ok(found)
}

/// Files of Sloth leave the window to the command line.
fn with_period(whole: Arc<Objective>, period: Span) -> Arc<Objective> {
    if whole.format != ObjectiveFormat::Sloth || whole.period == Period::Rolling(period) {
        return whole;
    }
    Arc::new(Objective { period: Period::Rolling(period), ..Arc::unwrap_or_clone(whole) })
}
