//! What an experiment can be made with: requests that are answered well, and the dependencies that they need.

use super::Unmade;
use crate::bench::{Bench, Survey};

/// A dependency with the kinds of requests that are answered well and need it; there is at least one.
pub(super) struct Needed {
    pub name: String,
    /// Calls to it can be told apart.
    pub http: bool,
    pub kinds: Vec<usize>,
}

/// The kinds of requests that are answered well, where there are any.
pub(super) fn some_good(survey: &Survey) -> Result<Vec<usize>, Unmade> {
    let kinds = survey.good();
    if kinds.is_empty() { Err(Unmade::no_request()) } else { Ok(kinds) }
}

/// The dependencies that are needed, where there are any.
pub(super) fn dependencies(bench: &Bench, survey: &Survey) -> Result<Vec<Needed>, Unmade> {
    if bench.dependencies().next().is_none() {
        return Err(Unmade::no_dependency());
    }
    let all =
        bench.dependencies().map(|(name, http)| Needed { name: name.to_owned(), http, kinds: survey.needing(name) });
    let needed: Vec<Needed> = all.filter(|one| !one.kinds.is_empty()).collect();
    if needed.is_empty() { Err(Unmade::no_request_needs_one()) } else { Ok(needed) }
}

/// The same of those that speak HTTP.
pub(super) fn http_dependencies(bench: &Bench, survey: &Survey) -> Result<Vec<Needed>, Unmade> {
    if !bench.dependencies().any(|(_, http)| http) {
        return Err(Unmade::no_http_dependency());
    }
    let needed: Vec<Needed> = dependencies(bench, survey)?.into_iter().filter(|one| one.http).collect();
    if needed.is_empty() { Err(Unmade::no_request_needs_one()) } else { Ok(needed) }
}
