//! What gates have said before: the last standing of each budget, and every decision with its reasons.

use std::{
    collections::BTreeMap,
    fs,
    io::Write as _,
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use gonogo_domain::slo::{GateDecision, Standing};
use serde::{Deserialize, Serialize};

use crate::output;

/// The version of the format of `state.json`.
const FORMAT: u32 = 1;

/// The last standing that was known, by the id of the objective.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct State {
    format: u32,
    pub standings: BTreeMap<String, Standing>,
}

/// Where it lies: beside the objectives.
pub(super) fn folder(path: &Path) -> PathBuf {
    let root = if path.is_file() { path.parent().unwrap_or(Path::new("")) } else { path };
    root.join(".gonogo").join("slo")
}

/// What was known. A record that cannot be read is an error: to forget that a budget was frozen would open it.
pub(super) fn read(folder: &Path) -> anyhow::Result<BTreeMap<String, Standing>> {
    let file = folder.join("state.json");
    let text = match fs::read_to_string(&file) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(BTreeMap::new()),
        Err(error) => return Err(error).with_context(|| format!("{} cannot be read", file.display())),
    };
    let state: State = serde_json::from_str(&text).with_context(|| {
        format!(
            "{} cannot be read; put it right or take it away, and a frozen budget may open above 0 %",
            file.display()
        )
    })?;
    if state.format != FORMAT {
        anyhow::bail!("{} is of format {}, and this gonogo reads {FORMAT}", file.display(), state.format);
    }
    Ok(state.standings)
}

/// Keeps the decision first, then the state that follows from it: a kill between the two loses nothing that was decided.
pub(super) fn keep(
    folder: &Path,
    decision: &GateDecision,
    standings: BTreeMap<String, Standing>,
) -> anyhow::Result<PathBuf> {
    fs::create_dir_all(folder).with_context(|| format!("{} cannot be made", folder.display()))?;
    let file = folder.join("decisions.jsonl");
    let mut line = serde_json::to_string(decision)?;
    line.push('\n');
    let mut log = fs::OpenOptions::new().create(true).append(true).open(&file);
    let log = log.as_mut().map_err(|error| anyhow::anyhow!("{} cannot be opened: {error}", file.display()))?;
    log.write_all(line.as_bytes())
        .and_then(|()| log.sync_data())
        .with_context(|| format!("{} cannot be written", file.display()))?;
    let mut text = serde_json::to_string_pretty(&State { format: FORMAT, standings })?;
    text.push('\n');
    output::replace(&folder.join("state.json"), text.as_bytes())?;
    Ok(file)
}
