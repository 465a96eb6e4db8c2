//! `gonogo explain ID`: the page of a check.

use std::{
    io::{self, Write as _},
    process::ExitCode,
};

use anyhow::bail;
use gonogo_domain::Lang;

use crate::{
    arguments::{Common, ExplainOptions},
    checks,
};

pub(crate) fn run(options: &ExplainOptions, common: &Common) -> anyhow::Result<ExitCode> {
    let Some(check) = gonogo_checks::find(&options.id) else {
        let catalogue = gonogo_checks::catalogue();
        let near: Vec<_> = catalogue
            .iter()
            .map(|check| check.id)
            .filter(|id| options.id.split('.').any(|part| part.len() > 2 && id.contains(part)))
            .collect();
        match near.as_slice() {
            [] => bail!("there is no check `{}`; `gonogo checks` lists them", options.id),
            near => bail!("there is no check `{}`; near it: {}", options.id, near.join(", ")),
        }
    };
    let mut out = io::stdout().lock();
    if options.json {
        let mut record = checks::as_json(check);
        record["page"] = check.page.into();
        serde_json::to_writer_pretty(&mut out, &record)?;
        writeln!(out)?;
        return Ok(ExitCode::SUCCESS);
    }
    let lang = Lang::from(common.lang);
    let words = match lang {
        Lang::En => ["level", "gate", "weakest evidence", "no level asks", "next step"],
        Lang::Zh => ["级别", "门禁", "最低证据", "不属于任何级别", "下一步"],
    };
    let [level, gate, min, none, step] = words;
    writeln!(out, "{}", check.title.get(lang))?;
    writeln!(
        out,
        "{level}: {}   {gate}: {:?}   {min}: {} ({})",
        check.level.map_or(none, checks::level),
        check.gate,
        check.min.letter(),
        check.min.title().get(lang)
    )?;
    writeln!(out, "{step}: {}\n", check.remediation.get(lang))?;
    writeln!(out, "{}", check.page.trim_end())?;
    for reference in check.references {
        writeln!(out, "\n{reference}")?;
    }
    Ok(ExitCode::SUCCESS)
}
