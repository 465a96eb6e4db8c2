//! `gonogo waive` and `gonogo attest`: write a record into gonogo.toml, keeping the rest of the file as it is.

use std::{
    fs,
    io::{self, Write as _},
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
};

use anyhow::{Context as _, bail};
use gonogo_collectors::{Configuration, Tree, configuration};
use toml_edit::{ArrayOfTables, Datetime, DocumentMut, InlineTable, Item, Table, value};

use crate::{
    arguments::{AttestOptions, WaiveOptions},
    review::{read_configuration, today},
};

pub(crate) fn waive(options: &WaiveOptions) -> anyhow::Result<ExitCode> {
    let check = known(&options.check)?;
    let today = today();
    if options.expires < today {
        bail!("--expires {} is in the past", options.expires);
    }
    let mut table = Table::new();
    table.insert("check", value(check));
    optional(&mut table, "service", options.service.as_deref());
    optional(&mut table, "path", options.under.as_deref());
    for (key, text) in [
        ("reason", &options.reason),
        ("risk", &options.risk),
        ("ticket", &options.ticket),
        ("approver", &options.approver),
    ] {
        table.insert(key, value(said(key, text)?));
    }
    table.insert("granted", date(today));
    table.insert("expires", date(options.expires));
    record(&options.path, "waiver", table, options.dry_run, options.json)
}

pub(crate) fn attest(options: &AttestOptions) -> anyhow::Result<ExitCode> {
    let check = known(&options.check)?;
    if options.expires < options.on {
        bail!("--expires {} is before --on {}", options.expires, options.on);
    }
    if options.on > today() {
        bail!("--on {} is still to come: state what has happened", options.on);
    }
    let mut table = Table::new();
    table.insert("check", value(check));
    optional(&mut table, "service", options.service.as_deref());
    if options.does_not_hold {
        table.insert("holds", value(false));
    }
    table.insert("statement", value(said("statement", &options.statement)?));
    table.insert("by", value(said("by", &options.by)?));
    table.insert("on", date(options.on));
    table.insert("expires", date(options.expires));
    optional(&mut table, "link", options.link.as_deref());
    if !options.record.is_empty() {
        let fields: InlineTable = options.record.iter().map(|(key, text)| (key.as_str(), text.as_str())).collect();
        table.insert("record", value(fields));
    }
    let done = record(&options.path, "attestation", table, options.dry_run, options.json)?;
    let wanted = gonogo_checks::find(check).map_or(&[][..], |check| check.record);
    let given = |field: &&&str| !options.record.iter().any(|(key, _)| key == **field);
    let missing: Vec<&str> = wanted.iter().filter(given).copied().collect();
    if !missing.is_empty() {
        writeln!(
            io::stderr(),
            "gonogo: this counts as a statement; as a record of an exercise it needs --record for {}",
            missing.join(", ")
        )?;
    }
    Ok(done)
}

fn known(id: &str) -> anyhow::Result<&'static str> {
    match gonogo_checks::find(id) {
        Some(check) => Ok(check.id),
        None => bail!("there is no check `{id}`; `gonogo checks` lists them"),
    }
}

fn said<'a>(key: &str, text: &'a str) -> anyhow::Result<&'a str> {
    match text.trim() {
        "" => bail!("--{key} says nothing"),
        text => Ok(text),
    }
}

fn optional(table: &mut Table, key: &str, text: Option<&str>) {
    if let Some(text) = text {
        table.insert(key, value(text));
    }
}

fn date(date: jiff::civil::Date) -> Item {
    let date = toml_edit::Date {
        year: u16::try_from(date.year()).unwrap_or_default(),
        month: date.month().unsigned_abs(),
        day: date.day().unsigned_abs(),
    };
    value(Datetime { date: Some(date), time: None, offset: None })
}

/// Adds a table to gonogo.toml. The file is read back before it is written, so that a record can never break it.
fn record(folder: &Path, kind: &str, table: Table, dry_run: bool, json: bool) -> anyhow::Result<ExitCode> {
    let tree = Tree::from_disk(folder)?;
    read_configuration(&tree)?;
    let file: PathBuf = folder.join(configuration::FILE);
    let text = if tree.contains(configuration::FILE) {
        fs::read_to_string(&file).with_context(|| format!("{} cannot be read", file.display()))?
    } else {
        String::new()
    };
    let mut document: DocumentMut = text.parse().with_context(|| format!("{} is no TOML", file.display()))?;
    let list = document.entry(kind).or_insert_with(|| Item::ArrayOfTables(ArrayOfTables::new()));
    let Some(list) = list.as_array_of_tables_mut() else {
        bail!("`{kind}` in {} is not written as [[{kind}]]; add the record by hand", file.display());
    };
    let shown = format!("[[{kind}]]\n{table}");
    list.push(table);
    let written = document.to_string();
    let ids: Vec<&str> = gonogo_checks::catalogue().iter().map(|check| check.id).collect();
    if let Err(errors) = Configuration::parse(&Arc::from(configuration::FILE), &written, &ids) {
        let errors: Vec<String> = errors.iter().map(ToString::to_string).collect();
        bail!("the record would not be valid, and nothing was written:\n{}", errors.join("\n"));
    }
    if !dry_run {
        let beside = file.with_file_name("gonogo.toml.part");
        fs::write(&beside, &written)
            .and_then(|()| fs::rename(&beside, &file))
            .with_context(|| format!("{} could not be written", file.display()))?;
    }
    let mut out = io::stdout().lock();
    if json {
        let answer = serde_json::json!({"file": file, "written": !dry_run, "kind": kind, "record": shown});
        writeln!(out, "{answer:#}")?;
    } else {
        write!(out, "{shown}")?;
        let what = if dry_run { "not written (--dry-run)" } else { "added to" };
        writeln!(out, "# {what} {}", file.display())?;
    }
    Ok(ExitCode::SUCCESS)
}
