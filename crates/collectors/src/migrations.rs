//! Database migrations.

use gonogo_domain::{Gathered, evidence::Migration};

use crate::Corpus;

pub(crate) fn gather(_corpus: &Corpus<'_>) -> Gathered<Migration> {
    Gathered::default()
}
