//! The faults that are asked for; `subject.toml` lists all there are.

use std::collections::BTreeSet;

#[derive(Clone, Debug, Default)]
pub(crate) struct Faults(BTreeSet<String>);

impl Faults {
    pub(crate) fn read(text: &str) -> Self {
        Self(text.split([',', ' ']).filter(|word| !word.is_empty()).map(str::to_owned).collect())
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.0.contains(name)
    }
}
