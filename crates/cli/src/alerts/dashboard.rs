//! `gonogo alerts dashboard`: the four signals, dependencies, budget and deploys of a service, for Grafana.

use std::{
    io::{self, Write as _},
    process::ExitCode,
};

use gonogo_domain::alerts::{Dashboard, Lack, Mark, dashboard};
use gonogo_formats::promql;
use gonogo_report::grafana;

use super::{AlertDashboardOptions, Known, put, tell};
use crate::arguments::Common;

pub(super) fn run(options: &AlertDashboardOptions, common: &Common) -> anyhow::Result<ExitCode> {
    let known = Known::find(&options.target)?;
    let (dashboard, lacks) = made(&known)?;
    let mut text = Vec::new();
    grafana::write(&dashboard, &mut text)?;
    put(options.output.as_deref(), &text)?;
    let panels: usize = dashboard.rows.iter().map(|row| row.panels.len()).sum();
    writeln!(io::stderr(), "{panels} panels, {} marks", dashboard.marks.len())?;
    Ok(tell(&lacks, common)?)
}

/// The dashboard, each query of which was read again.
pub(crate) fn made(known: &Known) -> anyhow::Result<(Dashboard, Vec<Lack>)> {
    let dependencies: Vec<String> = known.facts.service.dependencies.iter().map(|one| one.name.clone()).collect();
    let objectives = known.facts.objectives.items.len();
    let (dashboard, lacks) =
        dashboard(&known.owner.service, &known.signals, &known.exposure, &dependencies, objectives);
    let asked = dashboard.rows.iter().flat_map(|row| &row.panels).flat_map(|panel| &panel.queries).map(|one| &one.expr);
    let marked = dashboard.marks.iter().filter_map(|mark| match mark {
        Mark::Query { expr, .. } => Some(expr),
        Mark::Tags { .. } => None,
    });
    for expr in asked.chain(marked) {
        promql::parse_templated(expr).map_err(|reason| {
            anyhow::anyhow!("a query of the dashboard is not valid, which is a defect of gonogo: {reason}: {expr}")
        })?;
    }
    Ok((dashboard, lacks))
}
