//! Objectives in the format of `OpenSLO`: their queries from what is known, their targets from what the owner has promised.

use std::fmt::Write as _;

use gonogo_domain::{
    Run,
    alerts::{Count, Signals, Timing, statuses},
};

use super::{Proposal, quoted};
use crate::alerts::Known;

/// The window over which people keep budgets: four weeks have as many weekends each time.
const WINDOW: &str = "28d";

pub(super) fn propose(known: &Known, run: Option<&Run>, name: &str, proposal: &mut Proposal) {
    let service = &known.facts.service.name;
    if !known.facts.objectives.items.is_empty() {
        proposal.left(format!("objectives of {service}"), "there are some");
        return;
    }
    let signals = &known.signals;
    if signals.selector.is_none() || (signals.requests.is_none() && signals.duration.is_none()) {
        proposal.left(format!("objectives of {service}"), "no metric of it is known: --metrics and --selector");
        return;
    }
    let limits = run.map(|run| &run.limits);
    let mut text = String::from(
        "# Begun by `gonogo init --deploy`. A target is a promise to users: what is commented out is yours to decide, and the\n\
         # objective is none before that. `gonogo slo check` says what cannot work, `gonogo slo rules` makes the alerts.\n",
    );
    // Writing to a String cannot fail.
    if let Some(count) = &signals.requests {
        let promised = limits.and_then(|limits| limits.errors).filter(|errors| *errors > 0.0 && *errors < 100.0);
        let _ = objective(&mut text, &availability(signals, count, name, promised));
    }
    if let Some(timing) = &signals.duration {
        let promised = limits.and_then(|limits| limits.p99).map(|p99| p99.as_secs_f64());
        match latency(known, timing, name, promised) {
            Ok(one) => drop(objective(&mut text, &one)),
            Err(why) => proposal.left(format!("a latency objective of {service}"), why),
        }
    }
    proposal.file(format!("slos/{name}.yaml"), text);
}

struct Objective {
    service: String,
    kind: &'static str,
    good: String,
    total: String,
    /// What the owner has promised: a share of the requests.
    target: Option<String>,
}

fn series(signals: &Signals, metric: &str, matchers: &str) -> String {
    let own = signals.selector.as_deref().unwrap_or_default();
    let comma = if matchers.is_empty() { "" } else { "," };
    format!("sum(rate({metric}{{{own}{comma}{matchers}}}[5m]))")
}

fn availability(signals: &Signals, count: &Count, service: &str, errors: Option<f64>) -> Objective {
    let failed = statuses(count, "5..", true);
    let good = failed.replacen("=~", "!~", 1);
    Objective {
        service: service.to_owned(),
        kind: "availability",
        good: series(signals, &count.metric, &good),
        total: series(signals, &count.metric, ""),
        // In thousandths of a percent, so that no digit is made up by the arithmetic of floats.
        target: errors.map(|errors| share(100.0 - errors)),
    }
}

fn latency(known: &Known, timing: &Timing, service: &str, slow: Option<f64>) -> Result<Objective, String> {
    let Some(slow) = slow else {
        return Err("what users may expect is not stated: p99 in [service.NAME.run.limits]".to_owned());
    };
    let threshold = slow * timing.per_second;
    // Only what is a bound of a bucket can be counted, and a label is a text: `5` finds nothing where `5.0` is exposed.
    let bounds = known.exposure.metrics.get(&timing.metric).map(|metric| &metric.bounds).into_iter().flatten();
    let is_it = |bound: &&String| bound.parse().is_ok_and(|bound: f64| (bound - threshold).abs() < 1e-9);
    let Some(bound) = bounds.into_iter().find(is_it) else {
        return Err(format!("no bucket of {} has the bound {threshold}, as far as was seen: --metrics", timing.metric));
    };
    let signals = &known.signals;
    let bucket = format!("{}_bucket", timing.metric);
    Ok(Objective {
        service: service.to_owned(),
        kind: "latency",
        good: series(signals, &bucket, &format!("le={}", quoted(bound))),
        total: series(signals, &format!("{}_count", timing.metric), ""),
        target: Some("0.99".to_owned()),
    })
}

/// Percent as a ratio, in decimals.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and 100,000")]
fn share(percent: f64) -> String {
    let thousandths = (percent * 1000.0).round().clamp(0.0, 100_000.0) as u64;
    let text = format!("0.{thousandths:05}");
    text.trim_end_matches('0').to_owned()
}

fn objective(text: &mut String, one: &Objective) -> std::fmt::Result {
    let Objective { service, kind, good, total, target } = one;
    let target = match target {
        Some(target) => format!("target: {target}  # from [service.{service}.run.limits]"),
        None => "# target: DECIDE, below 1".to_owned(),
    };
    writeln!(
        text,
        "---\napiVersion: openslo/v1\nkind: SLO\nmetadata: {{name: {service}-{kind}}}\nspec:\n  service: {service}\n  \
         budgetingMethod: Occurrences\n  timeWindow: [{{duration: {WINDOW}, isRolling: true}}]\n  indicator:\n    \
         metadata: {{name: {service}-{kind}}}\n    spec:\n      ratioMetric:\n        counter: true\n        \
         good: {{metricSource: {{type: Prometheus, spec: {{query: {}}}}}}}\n        \
         total: {{metricSource: {{type: Prometheus, spec: {{query: {}}}}}}}\n  objectives:\n    - displayName: {kind}\n      {target}",
        quoted(good),
        quoted(total)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percent_become_ratios_without_digits_of_floats() {
        for (percent, expect) in
            [(99.9, "0.999"), (99.95, "0.9995"), (99.0, "0.99"), (50.0, "0.5"), (99.999, "0.99999")]
        {
            assert_eq!(share(percent), expect);
        }
    }
}
