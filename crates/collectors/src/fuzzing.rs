//! One source at a time, for the fuzz targets: a whole review takes too long to be tried a million times.

use gonogo_domain::Place;

use crate::{
    Cache, Corpus, Tree, alerting, apis, documents, migrations, ownership, packages, pipelines, results, settings,
};

/// A source whose scanners are our own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scanned {
    AlertRules,
    Apis,
    Documents,
    Migrations,
    Ownership,
    Packages,
    Pipelines,
    Results,
    Settings,
}

/// The places of everything that a source gathers from a tree, and of what it could not read.
pub fn places(tree: &Tree, source: Scanned) -> Vec<Place> {
    let corpus = Corpus::read(tree);
    macro_rules! of {
        ($gathered:expr) => {{
            let gathered = $gathered;
            let items = gathered.items.iter().map(|one| one.place.clone());
            items.chain(gathered.gaps.iter().map(|gap| gap.place.clone())).collect::<Vec<Place>>()
        }};
    }
    match source {
        Scanned::AlertRules => of!(alerting::gather(&corpus)),
        Scanned::Apis => of!(apis::gather(&corpus)),
        Scanned::Documents => {
            let gathered = documents::gather(&corpus);
            let sections = gathered.items.iter().flat_map(|one| &one.sections).map(|section| section.place.clone());
            let mut places: Vec<Place> = sections.collect();
            places.extend(of!(gathered));
            places
        }
        Scanned::Migrations => of!(migrations::gather(&corpus, &Cache::none())),
        Scanned::Ownership => of!(ownership::gather(&corpus)),
        Scanned::Packages => {
            let gathered = packages::gather(&corpus);
            let dependencies = gathered.items.iter().flat_map(|one| &one.dependencies).map(|one| one.place.clone());
            let mut places: Vec<Place> = dependencies.collect();
            places.extend(of!(gathered));
            places
        }
        Scanned::Pipelines => {
            let gathered = pipelines::gather(&corpus, &Cache::none());
            let steps = gathered.items.iter().flat_map(gonogo_domain::evidence::Pipeline::steps);
            let mut places: Vec<Place> = steps.map(|(_, step)| step.place.clone()).collect();
            places.extend(of!(gathered));
            places
        }
        Scanned::Results => of!(results::gather(&corpus)),
        Scanned::Settings => of!(settings::gather(&corpus)),
    }
}
