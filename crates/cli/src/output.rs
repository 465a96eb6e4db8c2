//! Writes a report in its formats, each to standard output or to a file.

use std::{
    fs,
    io::{self, IsTerminal as _, Write as _},
    path::Path,
};

use anyhow::Context as _;
use gonogo_report::{Report, html, json, junit, markdown, sarif, terminal};

use crate::arguments::{Color, Common, Format, Output};

/// Writes every output.
pub(crate) fn write(report: &Report, outputs: &[Output], common: &Common, verbose: bool) -> anyhow::Result<()> {
    let lang = common.lang.into();
    for output in outputs {
        let to_terminal = output.file.is_none() && io::stdout().is_terminal();
        let mut text = Vec::new();
        match output.format {
            Format::Terminal => {
                let style = terminal::Style { lang, color: colored(common, to_terminal), verbose, width: width() };
                terminal::write(report, &style, &mut text)
            }
            Format::Json => json::write(report, &mut text),
            Format::Sarif => sarif::write(report, lang, &mut text),
            Format::Junit => junit::write(report, lang, &mut text),
            Format::Markdown => markdown::write(report, lang, &mut text),
            Format::Html => html::write(report, lang, &mut text),
        }
        .context("the report could not be rendered")?;
        match &output.file {
            None => io::stdout().write_all(&text)?,
            Some(file) => replace(file, &text)?,
        }
    }
    Ok(())
}

/// Writes a file whole: first beside its place, then moved there.
pub(crate) fn replace(file: &Path, text: &[u8]) -> anyhow::Result<()> {
    let mut name = file.file_name().unwrap_or_default().to_owned();
    name.push(".part");
    let beside = file.with_file_name(name);
    fs::write(&beside, text)
        .and_then(|()| fs::rename(&beside, file))
        .with_context(|| format!("{} could not be written", file.display()))
}

/// Whether to colour what goes to standard output: asked for, or a terminal that did not ask for none.
pub(crate) fn colored(common: &Common, to_terminal: bool) -> bool {
    match common.color {
        Color::Always => true,
        Color::Never => false,
        Color::Auto => to_terminal && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty()),
    }
}

/// Columns of the terminal; 100 where there is none.
fn width() -> usize {
    console::Term::stdout().size_checked().map_or(100, |(_, columns)| usize::from(columns).clamp(40, 160))
}
