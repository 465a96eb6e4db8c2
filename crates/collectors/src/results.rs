//! Results of runs that lie in the repository.

use gonogo_domain::{Gathered, evidence::ResultFile};

use crate::Corpus;

pub(crate) fn gather(_corpus: &Corpus<'_>) -> Gathered<ResultFile> {
    Gathered::default()
}
