//! The tables of `knowledge/` as JSON. They are written in TOML, which is for people and takes ten times as long to read
//! whenever the program starts.

#![expect(clippy::disallowed_methods, reason = "the crate does no I/O, its build reads the tables")]

use std::{
    env,
    error::Error,
    fs,
    path::{Path, PathBuf},
};

#[path = "src/knowledge/beginnings.rs"]
mod beginnings;

fn main() -> Result<(), Box<dyn Error>> {
    let tables = Path::new("../../knowledge");
    println!("cargo::rerun-if-changed={}", tables.display());
    let out = PathBuf::from(env::var("OUT_DIR")?);
    println!("cargo::rerun-if-changed=src/knowledge/beginnings.rs");
    convert(tables, &out)?;
    begin(&tables.join("commands.toml"), &out.join("command_beginnings.json"))
}

/// What the patterns of the commands begin with, in a table of its own.
fn begin(commands: &Path, to: &Path) -> Result<(), Box<dyn Error>> {
    let table: toml::Table = toml::from_str(&fs::read_to_string(commands)?)?;
    let rows = |name: &str| -> Vec<Option<Vec<String>>> {
        let rows = table.get(name).and_then(toml::Value::as_array).into_iter().flatten();
        rows.map(|row| beginnings::beginnings(row.get("pattern")?.as_str()?)).collect()
    };
    let all = serde_json::json!({ "command": rows("command"), "test_kind": rows("test_kind") });
    Ok(fs::write(to, serde_json::to_vec(&all)?)?)
}

fn convert(from: &Path, to: &Path) -> Result<(), Box<dyn Error>> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let path = entry?.path();
        let Some(name) = path.file_name() else { continue };
        let to = to.join(name);
        if path.is_dir() {
            convert(&path, &to)?;
        } else if path.extension().is_some_and(|extension| extension == "toml") {
            let table: toml::Table =
                toml::from_str(&fs::read_to_string(&path)?).map_err(|error| format!("{}: {error}", path.display()))?;
            fs::write(to.with_extension("json"), serde_json::to_vec(&table)?)?;
        }
    }
    Ok(())
}
