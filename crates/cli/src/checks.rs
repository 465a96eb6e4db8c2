//! `gonogo checks`: lists the checklist.

use std::{
    io::{self, Write as _},
    process::ExitCode,
};

use anyhow::bail;
use gonogo_domain::{Area, Check, Level};
use serde_json::json;

use crate::arguments::{ChecksOptions, Common};

pub(crate) fn run(options: &ChecksOptions, common: &Common) -> anyhow::Result<ExitCode> {
    if let Some(area) = &options.area
        && !Area::ALL.iter().any(|known| known.id() == area)
    {
        let known: Vec<_> = Area::ALL.iter().map(|area| area.id()).collect();
        bail!("there is no area `{area}`; areas: {}", known.join(", "));
    }
    let checks: Vec<&Check> = gonogo_checks::catalogue()
        .into_iter()
        .filter(|check| options.area.as_deref().is_none_or(|area| check.area.id() == area))
        .collect();
    let mut out = io::stdout().lock();
    if options.json {
        let list: Vec<_> = checks.iter().map(|check| as_json(check)).collect();
        serde_json::to_writer_pretty(&mut out, &list)?;
        writeln!(out)?;
        return Ok(ExitCode::SUCCESS);
    }
    let lang = common.lang.into();
    let wide = checks.iter().map(|check| check.id.len()).max().unwrap_or(0);
    let mut area = None;
    for check in &checks {
        if area != Some(check.area) {
            area = Some(check.area);
            writeln!(out, "\n{}", check.area.title().get(lang))?;
        }
        writeln!(
            out,
            "  {:wide$}  {:2}  {:8}  {}  {}",
            check.id,
            check.level.map_or("–", level),
            format!("{:?}", check.gate).to_lowercase(),
            check.min.letter(),
            check.title.get(lang)
        )?;
    }
    writeln!(out, "\n{} checks. `gonogo explain ID` shows the page of one.", checks.len())?;
    Ok(ExitCode::SUCCESS)
}

/// The record of a check, without its page.
pub(crate) fn as_json(check: &Check) -> serde_json::Value {
    json!({
        "id": check.id,
        "title": {"en": check.title.en, "zh-CN": check.title.zh},
        "standard": check.standard,
        "area": check.area,
        "level": check.level,
        "gate": check.gate,
        "min": check.min,
        "source": check.source,
        "classes": check.classes.iter().collect::<Vec<_>>(),
        "fresh_days": check.fresh_days,
        "record": check.record,
        "remediation": {"en": check.remediation.en, "zh-CN": check.remediation.zh},
        "references": check.references,
    })
}

pub(crate) fn level(level: Level) -> &'static str {
    match level {
        Level::L1 => "L1",
        Level::L2 => "L2",
        Level::L3 => "L3",
        Level::L4 => "L4",
    }
}
