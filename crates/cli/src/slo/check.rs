//! `gonogo slo check`: what cannot work, before anybody is paged for it.

use std::{
    collections::BTreeSet,
    io::{self, Write as _},
    process::ExitCode,
    sync::Arc,
};

use gonogo_collectors::metrics::{self, Endpoint, Limits};
use gonogo_domain::{
    Lang, Place,
    slo::{Defect, Known, Objective, Weight, lint},
};
use gonogo_report::clean::clean;
use serde_json::json;

use super::{asked, options::CheckOptions, source};
use crate::{arguments::Common, output, progress::Progress};

/// One thing that cannot work, with the objective that it is about.
struct Found {
    id: String,
    place: Place,
    defect: Defect,
}

pub(super) fn run(options: &CheckOptions, common: &Common) -> anyhow::Result<ExitCode> {
    let declared = source::find(&options.objectives)?;
    let progress = Progress::start();
    progress.say("asking what is measured");
    let mut known = asked::wait(gather(options, &declared.whole))?;
    known.dependencies = declared.dependencies.clone();
    drop(progress);
    let all: Vec<&Objective> = declared.whole.iter().map(|objective| &**objective).collect();
    let mut found: Vec<Found> = Vec::new();
    for objective in &all {
        for defect in lint(objective, &all, &known) {
            found.push(Found { id: objective.id(), place: objective.place.clone(), defect });
        }
    }
    let errors = found.iter().filter(|one| one.defect.weight == Weight::Error).count() + declared.broken.len();
    show(options, common, &declared, &found)?;
    Ok(ExitCode::from(u8::from(errors > 0 || !declared.gaps.is_empty())))
}

/// What can be known beside the files.
async fn gather(options: &CheckOptions, objectives: &[Arc<Objective>]) -> anyhow::Result<Known> {
    let mut known = Known::nothing();
    if let Some(events) = options.events_per_day {
        #[expect(clippy::cast_precision_loss, reason = "a number of events")]
        known.events_per_day.extend(objectives.iter().map(|objective| (objective.id(), events as f64)));
    }
    let now = super::now();
    if let Some(prometheus) = asked::prometheus(&options.asked)? {
        let mut seen = BTreeSet::new();
        for objective in objectives {
            if let Some(events) = metrics::events_per_day(&prometheus, objective, now).await? {
                known.events_per_day.insert(objective.id(), events);
            }
            for selector in objective.uses().iter().filter(|selector| Known::wants_bounds(selector)) {
                if seen.insert(selector.metric.clone()) {
                    let bounds = metrics::bounds(&prometheus, selector, now).await?;
                    known.bounds.insert(selector.metric.clone(), bounds);
                }
            }
        }
    }
    if let Some(url) = &options.metrics {
        let limits = Limits { time: options.asked.timeout, ..Limits::default() };
        let scrape = Endpoint::new(metrics::Address::new(url)?, limits)?.scrape().await?;
        for selector in objectives.iter().flat_map(|objective| objective.uses()).filter(|one| Known::wants_bounds(one))
        {
            known.bounds.insert(selector.metric.clone(), metrics::scraped_bounds(&scrape, selector));
        }
    }
    Ok(known)
}

fn show(options: &CheckOptions, common: &Common, declared: &source::Found, found: &[Found]) -> anyhow::Result<()> {
    let lang: Lang = common.lang.into();
    let mut out = io::stdout().lock();
    let weight = |weight: Weight| if weight == Weight::Error { "error" } else { "advice" };
    if options.json {
        let defects = found.iter().map(|one| {
            json!({
                "objective": one.id,
                "place": one.place.to_string(),
                "kind": one.defect.kind,
                "weight": weight(one.defect.weight),
                "message": one.defect.message.get(lang),
            })
        });
        let broken = declared.broken.iter().map(|(name, place, reason)| {
            json!({"objective": name, "place": place.to_string(), "kind": "no-rules", "weight": "error", "message": reason})
        });
        let value = json!({
            "objectives": declared.whole.len() + declared.broken.len(),
            "defects": broken.chain(defects).collect::<Vec<_>>(),
            "unread": declared.gaps.iter().map(|gap| format!("{}: {}", gap.place, gap.reason)).collect::<Vec<_>>(),
        });
        serde_json::to_writer_pretty(&mut out, &value)?;
        writeln!(out)?;
        return Ok(());
    }
    let color = output::colored(common, console::Term::stdout().is_term());
    let style = |style: console::Style| style.force_styling(color);
    let (red, yellow) = (style(console::Style::new().red().bold()), style(console::Style::new().yellow()));
    for (name, place, reason) in &declared.broken {
        writeln!(out, "{}  {}  {}", red.apply_to("error "), clean(&place.to_string()), clean(name))?;
        writeln!(out, "        no rules can be made of it: {}", clean(reason))?;
    }
    for one in found {
        let mark = match one.defect.weight {
            Weight::Error => red.apply_to("error "),
            Weight::Advice => yellow.apply_to("advice"),
        };
        writeln!(out, "{mark}  {}  {}  {}", clean(&one.place.to_string()), clean(&one.id), one.defect.kind)?;
        writeln!(out, "        {}", clean(one.defect.message.get(lang)))?;
    }
    for gap in &declared.gaps {
        writeln!(out, "{}  {}", red.apply_to("unread"), clean(&format!("{}: {}", gap.place, gap.reason)))?;
    }
    let errors = found.iter().filter(|one| one.defect.weight == Weight::Error).count() + declared.broken.len();
    writeln!(
        out,
        "{} SLOs, {errors} that cannot work, {} to know",
        declared.whole.len() + declared.broken.len(),
        found.iter().filter(|one| one.defect.weight == Weight::Advice).count()
    )?;
    if options.asked.prometheus.is_none() && options.events_per_day.is_none() {
        writeln!(
            out,
            "the volume is not known: --prometheus URL or --events-per-day N tells what a single error does"
        )?;
    }
    Ok(())
}
