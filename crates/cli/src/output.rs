//! Writes a report in its formats, each to standard output or to a file.

use std::{
    fs,
    io::{self, BufWriter, IsTerminal as _, Write},
    path::Path,
};

use anyhow::Context as _;
use gonogo_report::{Report, html, json, junit, markdown, sarif, terminal};

use crate::arguments::{Color, Common, Format, Output};

/// Writes every output.
pub(crate) fn write(report: &Report, outputs: &[Output], common: &Common, verbose: bool) -> anyhow::Result<()> {
    for output in outputs {
        let to_terminal = output.file.is_none() && io::stdout().is_terminal();
        let render = |out: &mut dyn Write| one(report, output.format, common, verbose, to_terminal, out);
        match &output.file {
            None => {
                let mut out = BufWriter::with_capacity(BUFFER, io::stdout().lock());
                render(&mut out).and_then(|()| out.flush())?;
            }
            Some(file) => replace_with(file, render)?,
        }
    }
    Ok(())
}

/// Bytes of a report that are written at once.
const BUFFER: usize = 1 << 16;

fn one(
    report: &Report,
    format: Format,
    common: &Common,
    verbose: bool,
    to_terminal: bool,
    out: &mut dyn Write,
) -> io::Result<()> {
    let lang = common.lang.into();
    match format {
        Format::Terminal => {
            let style = terminal::Style { lang, color: colored(common, to_terminal), verbose, width: width() };
            terminal::write(report, &style, out)
        }
        Format::Json => json::write(report, out),
        Format::Sarif => sarif::write(report, lang, out),
        Format::Junit => junit::write(report, lang, out),
        Format::Markdown => markdown::write(report, lang, out),
        Format::Html => html::write(report, lang, out),
    }
}

/// Writes a file whole: first beside its place, then moved there.
pub(crate) fn replace(file: &Path, text: &[u8]) -> anyhow::Result<()> {
    replace_with(file, |out| out.write_all(text))
}

fn replace_with(file: &Path, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> anyhow::Result<()> {
    let mut name = file.file_name().unwrap_or_default().to_owned();
    name.push(".part");
    let beside = file.with_file_name(name);
    let written = || {
        let mut out = BufWriter::with_capacity(BUFFER, fs::File::create(&beside)?);
        write(&mut out)?;
        out.flush()?;
        fs::rename(&beside, file)
    };
    written().with_context(|| format!("{} could not be written", file.display()))
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
