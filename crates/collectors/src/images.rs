//! Container files.

use gonogo_domain::{Gathered, evidence::ImageBuild};

use crate::Corpus;

pub(crate) fn gather(_corpus: &Corpus<'_>) -> Gathered<ImageBuild> {
    Gathered::default()
}
