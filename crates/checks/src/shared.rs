//! What several checks ask in the same words.

use gonogo_domain::{
    Evidence, Missing,
    evidence::{Container, Workload},
};

/// The workloads that decide: those that serve production, or all where no environment is called production.
///
/// What only ever runs on a laptop (a compose file, a `dev` overlay) says nothing about production.
pub(crate) fn production_workloads<'a>(evidence: &Evidence<'a>) -> Result<Vec<&'a Workload>, Missing> {
    Ok(evidence.workloads()?.iter().filter(|workload| workload.production).collect())
}

/// The members of a count over containers: one for each container of a logical workload, whatever its environments.
pub(crate) fn container_key(workload: &Workload, container: &Container) -> String {
    format!("{}/{}", workload.key, container.name)
}
