//! The report as markdown.

use std::io;

use gonogo_domain::Lang;

use crate::Report;

/// Writes the report.
pub fn write(_report: &Report, _lang: Lang, _out: &mut dyn io::Write) -> io::Result<()> {
    Err(io::Error::other("this format is not written yet"))
}
