//! `gonogo load`: requests at a fixed rate, and what their senders saw.

use std::{
    fs,
    io::{self, Write as _},
    net::{IpAddr, ToSocketAddrs as _},
    process::ExitCode,
    time::Duration,
};

use anyhow::{Context as _, bail, ensure};
use console::Term;
use gonogo_domain::{Lang, exercise::Capacity};
use gonogo_exercise::load::{self, Latency, Outcome, Plan, Protocol, Schedule, Search, Stage, Stop, Target};
use serde::Serialize;
use serde_json::json;

use crate::{
    arguments::{Common, LoadOptions},
    live::Live,
};

/// A host that is not this machine is asked at most so often a second.
const POLITE: f64 = 10.0;

/// No more requests a second are sent to find a capacity, for so long.
const MOST: f64 = 5000.0;
const SEARCH: Duration = Duration::from_secs(45);

pub(crate) fn run(options: &LoadOptions, common: &Common) -> anyhow::Result<ExitCode> {
    let plan = plan(options)?;
    let stop = Stop::default();
    let asked = stop.clone();
    ctrlc::set_handler(move || asked.now()).context("no handler for Ctrl-C could be set")?;
    if options.find_capacity {
        return capacity(options, common, &plan, &stop);
    }
    let at = now();
    let live = Live::new();
    let outcome = load::run(&plan, &stop, &|progress| {
        if let Some(live) = &live {
            live.show(progress);
        }
    });
    if let Some(live) = &live {
        live.end();
    }
    let outcome = outcome.with_context(|| format!("{} could not be asked", options.url))?;
    let bounds = bounds(options, &outcome);
    let broken: Vec<&str> = bounds.iter().filter(|one| !one.held).map(|one| one.said.as_str()).collect();
    let mut out = io::stdout().lock();
    if options.json {
        let gonogo = env!("CARGO_PKG_VERSION");
        serde_json::to_writer_pretty(
            &mut out,
            &json!({ "gonogo": gonogo, "at": at, "url": options.url, "outcome": outcome, "bounds": bounds,
                     "out_of_bounds": broken }),
        )?;
        writeln!(out)?;
    } else {
        write(&mut out, options, &outcome, &broken)?;
    }
    Ok(if broken.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

#[expect(clippy::disallowed_methods, reason = "the command line is where the clock is asked")]
fn now() -> String {
    jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// Looks for the highest rate that is answered well.
fn capacity(options: &LoadOptions, common: &Common, plan: &Plan, stop: &Stop) -> anyhow::Result<ExitCode> {
    let search = Search {
        target: plan.target.clone(),
        from: options.rate,
        most: MOST,
        bound: options.max_p99,
        longest: SEARCH,
        in_flight: plan.in_flight,
        threads: plan.threads,
        clients: 1,
    };
    let live = Term::stderr();
    let found = load::find(&search, stop, &mut |step| {
        if live.is_term() {
            let held = if step.held { "held" } else { "did not hold" };
            let p99 = shown(Duration::from_micros(step.p99_us));
            let _ = live.write_line(&format!("  {:.0}/s {held}: p99 {p99}", step.rate));
        }
    });
    let found = found.with_context(|| format!("{} could not be asked", options.url))?;
    let mut out = io::stdout().lock();
    if options.json {
        serde_json::to_writer_pretty(&mut out, &json!({ "url": options.url, "at": now(), "capacity": found }))?;
        writeln!(out)?;
    } else {
        write_capacity(&mut out, options, common.lang.into(), &found)?;
    }
    Ok(if found.rate.is_some() { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

fn write_capacity(out: &mut impl io::Write, options: &LoadOptions, lang: Lang, found: &Capacity) -> io::Result<()> {
    writeln!(out, "{}", options.url)?;
    match found.rate {
        Some(rate) => writeln!(
            out,
            "\n  {rate:.0} requests a second: errors ≤ 1 %, p99 {} of {} that it may take",
            shown(Duration::from_micros(found.p99_us)),
            shown(Duration::from_millis(found.bound_ms)),
        )?,
        None => writeln!(out)?,
    }
    if let Some(doubt) = found.doubt() {
        writeln!(out, "  {}", doubt.get(lang))?;
    }
    writeln!(out, "\n  {:>8}{:>8}{:>10}{:>10}{:>12}", "rate", "due", "p99", "errors", "sent late")?;
    for step in &found.steps {
        let mark = if step.held { "" } else { "  ✗" };
        let time = |micros| shown(Duration::from_micros(micros));
        writeln!(
            out,
            "  {:>8.0}{:>8}{:>10}{:>8.2} %{:>12}{mark}",
            step.rate,
            step.due,
            time(step.p99_us),
            step.error_ratio * 100.0,
            time(step.late_us)
        )?;
    }
    Ok(())
}

fn plan(options: &LoadOptions) -> anyhow::Result<Plan> {
    let body = match options.body.as_deref().map(|body| (body.strip_prefix('@'), body)) {
        None => Vec::new(),
        Some((Some(file), _)) => fs::read(file).with_context(|| format!("{file} could not be read"))?,
        Some((None, text)) => text.as_bytes().to_vec(),
    };
    let mut target = Target::new(&options.url, &options.method, &options.header, body.into())?;
    if options.http2 {
        target.protocol = Protocol::Http2;
    }
    let to = if options.find_capacity { MOST } else { options.to.unwrap_or(options.rate) };
    ensure!(options.rate.max(to) > 0.0, "at a rate of 0 nothing is sent");
    let stage = Stage { length: options.length, from: options.rate, to };
    let plan = Plan {
        schedule: Schedule::new(vec![stage]),
        in_flight: usize::try_from(options.in_flight)?,
        threads: usize::from(options.threads),
        timeout: options.timeout,
        clients: 1,
        target,
    };
    may_be_asked(options, &plan)?;
    Ok(plan)
}

/// Only this machine is loaded; another host that is named gets a few GETs.
fn may_be_asked(options: &LoadOptions, plan: &Plan) -> anyhow::Result<()> {
    let host = plan.target.host.as_str();
    let addresses: Vec<IpAddr> = (host, plan.target.port)
        .to_socket_addrs()
        .with_context(|| format!("{host} has no address"))?
        .map(|address| address.ip())
        .collect();
    if addresses.iter().all(IpAddr::is_loopback) {
        return Ok(());
    }
    if options.allow.as_deref() != Some(host) {
        bail!("{host} is not this machine: load is for what you may break; --allow {host} sends it a few GETs");
    }
    ensure!(
        plan.target.endpoints.iter().all(|one| one.method == "GET") && plan.schedule.peak() <= POLITE,
        "{host} is not this machine: only GET, and at most {POLITE} requests a second (--rate {POLITE})"
    );
    Ok(())
}

/// A bound that was asked for.
#[derive(Debug, Serialize)]
struct Bound {
    #[serde(rename = "bound")]
    name: String,
    held: bool,
    /// What is out of it.
    #[serde(skip)]
    said: String,
}

fn bounds(options: &LoadOptions, outcome: &Outcome) -> Vec<Bound> {
    let mut bounds = Vec::new();
    if let Some(most) = options.max_p99 {
        let p99 = outcome.latency.at(0.99);
        let said = match p99 {
            Some(p99) => format!("the 99th percentile is {}, not below {}", shown(p99), shown(most)),
            None => format!("{} requests are too few to say a 99th percentile: 1,000", outcome.latency.count),
        };
        let held = p99.is_some_and(|p99| p99 <= most);
        bounds.push(Bound { name: format!("p99 <= {}", shown(most)), held, said });
    }
    if let Some(most) = options.max_errors {
        let percent = outcome.error_ratio * 100.0;
        let said = format!("{percent:.2} % of the requests went wrong, more than {most} %");
        bounds.push(Bound { name: format!("errors <= {most} %"), held: percent <= most, said });
    }
    if !bounds.is_empty() {
        let said = format!("{} requests were due and never sent", outcome.dropped);
        bounds.push(Bound { name: "all sent".to_owned(), held: outcome.dropped == 0, said });
    }
    bounds
}

fn write(out: &mut impl io::Write, options: &LoadOptions, outcome: &Outcome, broken: &[&str]) -> io::Result<()> {
    let stopped = if outcome.stopped { ", stopped" } else { "" };
    writeln!(out, "{}  {:.0}/s for {:.1} s{stopped}", options.url, outcome.asked_rate, outcome.seconds)?;
    writeln!(
        out,
        "\n  {} due  {} sent  {} never sent  {:.0} answers a second  {} connections",
        outcome.due, outcome.sent, outcome.dropped, outcome.answered_rate, outcome.connections
    )?;
    let ended: Vec<String> = outcome.ended.iter().map(|(how, count)| format!("{count} × {how}")).collect();
    writeln!(out, "  {}  ({:.2} % went wrong)\n", ended.join("  "), outcome.error_ratio * 100.0)?;
    let rows = [
        ("latency, from when it was due", &outcome.latency),
        ("… of those that went well", &outcome.good_latency),
        ("service time, from the sending", &outcome.service_time),
        ("sent too late by", &outcome.send_delay),
    ];
    let quantiles: Vec<f64> = outcome.latency.percentiles.iter().map(|one| one.quantile).collect();
    write!(out, "  {:32}", "")?;
    for quantile in &quantiles {
        write!(out, "{:>10}", format!("p{}", quantile * 100.0))?;
    }
    writeln!(out, "{:>10}", "max")?;
    for (name, latency) in rows.into_iter().filter(|(_, latency)| latency.count > 0) {
        write!(out, "  {name:32}")?;
        for quantile in &quantiles {
            write!(out, "{:>10}", percentile(latency, *quantile))?;
        }
        writeln!(out, "{:>10}", shown(Duration::from_micros(latency.max)))?;
    }
    if outcome.latency.percentiles.iter().any(|one| !one.enough) {
        writeln!(out, "  –: fewer than 10/(1 − p) requests say nothing of that percentile; go on for longer")?;
    }
    if outcome.series.len() > 1 {
        writeln!(
            out,
            "\n  worst of each second  {}",
            spark(&outcome.series.iter().map(|one| one.max).collect::<Vec<_>>())
        )?;
    }
    for line in broken {
        writeln!(out, "\n  OUT OF BOUNDS: {line}")?;
    }
    Ok(())
}

pub(crate) fn percentile(latency: &Latency, quantile: f64) -> String {
    latency.at(quantile).map_or_else(|| "–".to_owned(), shown)
}

/// Three digits and a unit.
pub(crate) fn shown(time: Duration) -> String {
    let micros = time.as_secs_f64() * 1e6;
    let digits = |value: f64| if value >= 100.0 { 0 } else { 1 + usize::from(value < 10.0) };
    match micros {
        _ if micros < 1e3 => format!("{micros:.0} µs"),
        _ if micros < 1e6 => format!("{:.*} ms", digits(micros / 1e3), micros / 1e3),
        _ => format!("{:.*} s", digits(micros / 1e6), micros / 1e6),
    }
}

/// A bar for each of at most sixty stretches of time, as high as its largest value.
pub(crate) fn spark(values: &[u64]) -> String {
    const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let most = values.iter().copied().max().unwrap_or(0).max(1);
    let width = values.len().div_ceil(60).max(1);
    let bars = values.chunks(width).map(|chunk| {
        let value = chunk.iter().copied().max().unwrap_or(0);
        let place = usize::try_from(value.saturating_mul(7).div_ceil(most)).unwrap_or(7);
        BARS.get(place).copied().unwrap_or('█')
    });
    format!("{} (most: {})", bars.collect::<String>(), shown(Duration::from_micros(most)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_three_digits_and_a_unit() {
        let micros = |micros| shown(Duration::from_micros(micros));
        assert_eq!([micros(7), micros(999), micros(1_234)], ["7 µs", "999 µs", "1.23 ms"]);
        assert_eq!([micros(45_678), micros(456_789), micros(4_940_000)], ["45.7 ms", "457 ms", "4.94 s"]);
    }

    #[test]
    fn a_stall_stands_out_of_the_line() {
        assert_eq!(spark(&[1_000, 1_000, 5_000_000, 1_000]), "▂▂█▂ (most: 5.00 s)");
        assert_eq!(spark(&[]), " (most: 1 µs)");
    }
}
