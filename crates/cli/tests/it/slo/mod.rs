//! SLOs end to end: rules by the real promtool, budgets from a real Prometheus.

mod budgets;
mod cases;
mod files;
pub(crate) mod server;

use std::{path::Path, process::Command};

use crate::support::{Repository, Run, gonogo, run};

/// An objective in Sloth's format.
pub(crate) fn objective(target: &str) -> String {
    format!(
        r#"version: prometheus/v1
service: shop
slos:
- name: availability
  objective: {target}
  sli:
    events:
      error_query: sum(rate(r_total{{code=~"5.."}}[{{{{.window}}}}]))
      total_query: sum(rate(r_total[{{{{.window}}}}]))
  alerting: {{name: ShopBurns}}
"#
    )
}

pub(crate) fn slo(repository: &Repository, arguments: &[&str]) -> Run {
    run(gonogo().arg("slo").args(arguments).current_dir(repository.path()))
}

/// What promtool says, and whether it is content.
pub(crate) fn promtool(folder: &Path, verb: &str, file: &str) -> Run {
    run(Command::new("promtool").args([verb, "rules", file]).current_dir(folder))
}
