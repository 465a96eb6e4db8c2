//! `cargo xtask bench slo`: rules and budgets of many objectives, and what a gate takes to decide.
//!
//! Budgets are asked of a real Prometheus, which says how long it worked on the answers: the rest is ours.

use std::{
    ffi::OsString,
    fmt::Write as _,
    fs, io,
    path::Path,
    time::{Duration, Instant, SystemTime},
};

use anyhow::{Context as _, bail};
use gonogo_components::prometheus::Prometheus;
use gonogo_domain::rollout::{
    GateKind,
    gate::{Reading, Stage, Watched},
    sequential::Trials,
};
use jiff::Timestamp;

use super::{Row, measure, table, tools};

/// Objectives, each of a service of its own.
const OBJECTIVES: u32 = 1_000;

/// What Prometheus knows of each: a day, a sample every five minutes.
const SAMPLES: i64 = 288;

const RUNS: usize = 3;

/// Looks of a gate: two hours, one every fifteen seconds, twenty times over.
const LOOKS: u32 = 9_600;

/// Runs everything and prints tables as Markdown.
pub fn run() -> anyhow::Result<()> {
    if !crate::cargo().args(["build", "--quiet", "--release", "--package", "gonogo"]).status()?.success() {
        bail!("gonogo could not be built");
    }
    let time = measure::gnu_time().context("GNU time is needed: apt-get install time")?;
    let folder = tempfile::tempdir()?;
    let mut out = io::stdout().lock();
    rules(&mut out, &time, folder.path())?;
    budgets(&mut out, &time, folder.path())?;
    decisions(&mut out)?;
    Ok(())
}

fn rules(out: &mut impl io::Write, time: &Path, folder: &Path) -> anyhow::Result<()> {
    let slos = folder.join("slos");
    fs::create_dir(&slos)?;
    for number in 0..OBJECTIVES {
        fs::write(slos.join(format!("slo-{number:04}.yaml")), objective(number)?)?;
    }
    let gonogo = crate::built("release").canonicalize()?.into_os_string();
    let words = |program: OsString, arguments: &[&str]| {
        [program].into_iter().chain(arguments.iter().map(OsString::from)).collect::<Vec<_>>()
    };
    let found = |name: &str| tools::find(name, &[]).map(Into::into).ok_or_else(|| format!("{name} is not installed"));
    let commands: [(&'static str, Result<Vec<OsString>, String>); 3] = [
        ("gonogo slo rules", Ok(words(gonogo, &["slo", "rules", "slos", "--output", "rules.yml"]))),
        (
            "sloth generate",
            found("sloth").map(|sloth| words(sloth, &["generate", "--input", "slos", "--out", "theirs"])),
        ),
        ("promtool check rules (of ours)", found("promtool").map(|tool| words(tool, &["check", "rules", "rules.yml"]))),
    ];
    let rows: Vec<Row> = commands
        .into_iter()
        .map(|(tool, command)| {
            let measured = command.and_then(|command| measure::median(time, &command, folder, RUNS, &|| Ok(())));
            Row { tool, measured }
        })
        .collect();
    out.write_all(table::markdown(&slos, &rows)?.as_bytes())?;
    Ok(())
}

fn budgets(out: &mut impl io::Write, time: &Path, folder: &Path) -> anyhow::Result<()> {
    let prometheus = Prometheus::with_past(&past()?)?;
    let gonogo = crate::built("release").canonicalize()?.into_os_string();
    let command: Vec<OsString> =
        [gonogo].into_iter().chain(["slo", "status", "slos", "--json", "--prometheus"].map(OsString::from)).collect();
    let command = [command, vec![prometheus.url().into()]].concat();
    let before = worked(&prometheus)?;
    let begun = Instant::now();
    let measured = measure::median(time, &command, folder, 1, &|| Ok(())).map_err(anyhow::Error::msg)?;
    let all = begun.elapsed();
    let worked = worked(&prometheus)? - before;
    writeln!(
        out,
        "\n| {OBJECTIVES} budgets by `gonogo slo status` | wall s | our CPU s | Prometheus worked s |\n|---|---:|---:|---:|\n\
         | | {:.2} | {:.2} | {worked:.2} |",
        all.as_secs_f64(),
        measured.processor.as_secs_f64(),
    )?;
    Ok(())
}

/// The seconds that Prometheus has spent on queries, by its own account.
fn worked(prometheus: &Prometheus) -> anyhow::Result<f64> {
    let metrics = prometheus.ask("/metrics").context("Prometheus shows no metrics")?;
    let sums = metrics.lines().filter_map(|line| {
        let line = line.strip_prefix("prometheus_engine_query_duration_seconds_sum{slice=\"inner_eval\"} ")?;
        line.parse::<f64>().ok()
    });
    Ok(sums.sum())
}

/// How long a gate takes from its samples to its decision.
fn decisions(out: &mut impl io::Write) -> anyhow::Result<()> {
    let kind = GateKind::Compare { worse_by: 0.01, at_most: Some(0.05) };
    let (mut watched, mut longest) = (Watched::default(), Duration::ZERO);
    let begun = Instant::now();
    for look in 1..=u64::from(LOOKS) {
        let side = |requests: u64| Some(Trials { all: look * requests, bad: look * requests / 1_000 });
        let reading = Reading::Counts { canary: side(1_500), stable: side(13_500) };
        let one = Instant::now();
        watched.look(&kind, reading, Stage::Beside, 0.01);
        longest = longest.max(one.elapsed());
    }
    let each = begun.elapsed() / LOOKS;
    writeln!(
        out,
        "\n| a decision of a gate, {LOOKS} looks at 15,000 requests each | mean | longest |\n|---|---:|---:|\n| | {:.1} µs | {:.0} µs |",
        each.as_secs_f64() * 1e6,
        longest.as_secs_f64() * 1e6,
    )?;
    Ok(())
}

fn objective(number: u32) -> Result<String, std::fmt::Error> {
    let mut text = String::new();
    let query = |more: &str| format!("sum(rate(requests_total{{service=\"s{number}\"{more}}}[{{{{.window}}}}]))");
    write!(
        text,
        "apiVersion: openslo/v1\nkind: SLO\nmetadata: {{name: availability-{number}}}\nspec:\n  service: s{number}\n  \
         budgetingMethod: Occurrences\n  timeWindow: [{{duration: 30d, isRolling: true}}]\n  indicator:\n    metadata: {{name: \
         errors-{number}}}\n    spec:\n      ratioMetric:\n        counter: true\n        bad: {{metricSource: {{type: \
         Prometheus, spec: {{query: '{}'}}}}}}\n        total: {{metricSource: {{type: Prometheus, spec: {{query: '{}'}}}}}}\n  \
         objectives: [{{displayName: availability, target: 0.999}}]\n",
        query(",code=~\"5..\""),
        query(""),
    )?;
    Ok(text)
}

/// A day of requests of every service up to now, of which one in a thousand fails.
#[expect(clippy::disallowed_methods, reason = "Prometheus counts from now")]
fn past() -> anyhow::Result<String> {
    let now = Timestamp::try_from(SystemTime::now())?.as_second();
    let mut text = String::new();
    for (number, (code, each)) in
        (0..OBJECTIVES).flat_map(|number| [("200", 999), ("500", 1)].map(|series| (number, series)))
    {
        for sample in 0..=SAMPLES {
            let at = now - 300 * (SAMPLES - sample);
            writeln!(text, "requests_total{{service=\"s{number}\",code=\"{code}\"}} {} {at}", sample * each)?;
        }
    }
    text.push_str("# EOF\n");
    Ok(text)
}
