//! Compose files as workloads.

use gonogo_domain::{Gathered, evidence::Workload};

use crate::Corpus;

pub(crate) fn gather(_corpus: &Corpus<'_>) -> Gathered<Workload> {
    Gathered::default()
}
