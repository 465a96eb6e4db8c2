//! Writes secrets, and what looks like some, into a folder.

use std::{collections::BTreeSet, fs, path::Path};

use anyhow::Context as _;
use gonogo_secrets::{
    rules,
    sample::{self, Chance},
};
use serde::Deserialize;

/// The folder that all of it lies in.
pub(super) const FOLDER: &str = "planted";

/// Where the value stands in the text of a row.
const VALUE: &str = "VALUE";

const ROWS: &str = include_str!("planted.toml");

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Rows {
    secret: Vec<Row>,
    decoy: Vec<Row>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    file: String,
    text: String,
    #[serde(default)]
    rule: Option<String>,
    #[serde(default)]
    pattern: String,
}

/// The files, relative to the folder that it was planted in.
pub(super) struct Planted {
    pub(super) secrets: BTreeSet<String>,
    pub(super) decoys: BTreeSet<String>,
}

/// Every file that the repository's own rules do not leave out.
pub(super) fn plant(repository: &Path) -> anyhow::Result<Planted> {
    let rows: Rows = toml::from_str(ROWS)?;
    let mut chance = Chance::new(45);
    // What the repository ignores is no part of it, and some tools look all the same.
    let ignored = repository.join(FOLDER).join(".gitignore");
    let mut written = |rows: Vec<Row>| -> anyhow::Result<BTreeSet<String>> {
        let mut files = BTreeSet::new();
        for row in rows {
            let file = format!("{FOLDER}/{}", row.file);
            let path = repository.join(&file);
            fs::create_dir_all(path.parent().context("a file lies in a folder")?)?;
            fs::write(path, row.text.replace(VALUE, &value(&row, &mut chance)?))?;
            files.insert(file);
        }
        Ok(files)
    };
    let planted = Planted { secrets: written(rows.secret)?, decoys: written(rows.decoy)? };
    fs::write(ignored, "!*\n")?;
    Ok(planted)
}

fn value(row: &Row, chance: &mut Chance) -> anyhow::Result<String> {
    let made = match &row.rule {
        Some(id) => rules().iter().find(|rule| rule.id == *id).and_then(|rule| sample::key(rule, chance)),
        None => sample::written(&row.pattern, chance),
    };
    made.with_context(|| format!("nothing can be made up for {}", row.file))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_row_is_planted_with_a_value_of_its_own() {
        let folder = tempfile::tempdir().unwrap();
        let planted = plant(folder.path()).unwrap();
        let rows: Rows = toml::from_str(ROWS).unwrap();
        assert_eq!((planted.secrets.len(), planted.decoys.len()), (rows.secret.len(), rows.decoy.len()));
        let mut texts = BTreeSet::new();
        for file in planted.secrets.iter().chain(&planted.decoys) {
            let text = fs::read_to_string(folder.path().join(file)).unwrap();
            assert!(!text.contains(VALUE), "{file}");
            assert!(texts.insert(text), "{file} holds what another one does");
        }
    }
}
