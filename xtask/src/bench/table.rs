//! The table of a benchmark, as Markdown.

use std::{fmt::Write as _, path::Path};

use super::Row;

/// One table, with the ratios to gonogo: above 1, the other took more.
pub(super) fn markdown(folder: &Path, rows: &[Row]) -> Result<String, std::fmt::Error> {
    let mut text = String::new();
    let name = folder.file_name().unwrap_or_default().to_string_lossy();
    let (files, bytes) = size(folder);
    writeln!(text, "\n### {name} ({files} files, {} MB)\n", bytes / 1_000_000)?;
    writeln!(text, "| tool | wall s | CPU s | peak MiB | wall ÷ ours | CPU ÷ ours | peak ÷ ours |")?;
    writeln!(text, "|---|---:|---:|---:|---:|---:|---:|")?;
    let ours = rows.first().and_then(|row| row.measured.as_ref().ok());
    for row in rows {
        match (&row.measured, ours) {
            (Ok(one), Some(ours)) => writeln!(
                text,
                "| {} | {:.3} | {:.2} | {:.0} | {:.2} | {:.2} | {:.2} |",
                row.tool,
                one.wall.as_secs_f64(),
                one.processor.as_secs_f64(),
                f64::from(one.peak_kib) / 1024.0,
                ratio(one.wall.as_secs_f64(), ours.wall.as_secs_f64()),
                ratio(one.processor.as_secs_f64(), ours.processor.as_secs_f64()),
                ratio(f64::from(one.peak_kib), f64::from(ours.peak_kib)),
            )?,
            (Err(reason), _) => writeln!(text, "| {} | – {reason} | | | | | |", row.tool)?,
            (Ok(_), None) => {}
        }
    }
    Ok(text)
}

/// GNU time counts hundredths of a second, so that nothing may read as zero.
fn ratio(one: f64, ours: f64) -> f64 {
    one / ours.max(f64::EPSILON)
}

/// Files and bytes, without the repository of git.
fn size(folder: &Path) -> (u64, u64) {
    let (mut files, mut bytes) = (0, 0_u64);
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in folder.read_dir().into_iter().flatten().flatten() {
            let Ok(meta) = entry.metadata() else { continue };
            if meta.is_dir() {
                if entry.file_name() != ".git" {
                    folders.push(entry.path());
                }
            } else if meta.is_file() {
                files += 1;
                bytes += meta.len();
            }
        }
    }
    (files, bytes)
}
