//! CI pipelines, one file a system.

use gonogo_domain::{Gathered, evidence::Pipeline};

use crate::Corpus;

pub(crate) fn gather(_corpus: &Corpus<'_>) -> Gathered<Pipeline> {
    Gathered::default()
}
