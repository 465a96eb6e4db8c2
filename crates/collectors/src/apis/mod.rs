//! Descriptions of interfaces: OpenAPI, AsyncAPI, gRPC and GraphQL.

mod graphql;
mod openapi;
mod proto;
mod tokens;

use std::sync::Arc;

use gonogo_domain::{
    Gap, Gathered, Place, Source,
    evidence::{ApiDescription, FileEntry, Role},
};

use crate::Corpus;

pub(crate) fn gather(corpus: &Corpus<'_>) -> Gathered<ApiDescription> {
    let mut found = Found::default();
    openapi::gather(corpus, &mut found);
    proto::gather(corpus, &mut found);
    graphql::gather(corpus, &mut found);
    found.apis.sort_by(|one, other| one.place.cmp(&other.place));
    found.gaps.sort();
    Gathered::new(found.apis, found.files, found.gaps)
}

#[derive(Default)]
struct Found {
    apis: Vec<ApiDescription>,
    files: usize,
    gaps: Vec<Gap>,
}

impl Found {
    fn text(&mut self, corpus: &Corpus<'_>, path: &Arc<str>) -> Option<Arc<str>> {
        self.files += 1;
        match corpus.tree.text(path) {
            Ok(text) => Some(text),
            Err(reason) => {
                self.gaps.push(Gap { source: Source::Apis, place: Place::whole(Arc::clone(path)), reason });
                None
            }
        }
    }
}

/// What tests describe is no interface of the service.
fn counts(entry: &FileEntry) -> bool {
    entry.role != Role::Test
}

#[cfg(test)]
mod tests;
