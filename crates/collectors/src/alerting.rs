//! Alert rules and where alerts go.

use gonogo_domain::{Gathered, evidence::AlertRule};

use crate::Corpus;

pub(crate) fn gather(_corpus: &Corpus<'_>) -> Gathered<AlertRule> {
    Gathered::default()
}

pub(crate) fn routing(_corpus: &Corpus<'_>) -> Gathered<gonogo_domain::evidence::AlertRouting> {
    Gathered::default()
}
