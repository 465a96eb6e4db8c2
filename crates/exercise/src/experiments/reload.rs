//! Changes the configuration of the running process.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use gonogo_domain::{
    Message, RunReload,
    exercise::{Observation, Reload, Trial},
};

use super::Unmade;
use crate::{
    bench::{Bench, BenchError, Exchange},
    process::{Process, Signal},
};

const ANSWER: Duration = Duration::from_secs(5);
const LOOK: Duration = Duration::from_millis(100);

pub(super) fn trial(bench: &mut Bench) -> Result<Trial, Unmade> {
    let Some(reload) = bench.run().reload.clone() else {
        return Err(Unmade::Missing(Message::new(
            "no change of configuration is written: [service.NAME.run.reload] file = \"{scratch}/…\", text, changed, path",
            "未写明配置变更：[service.NAME.run.reload] file = \"{scratch}/…\"、text、changed、path",
        )));
    };
    if bench.process().is_none() {
        return Err(Unmade::no_process());
    }
    let first = said(bench, &reload)?;
    let second = said(bench, &reload)?;
    if reload.expect.is_none() && first != second {
        return Err(Unmade::Missing(Message::new(
            format!("{} answers differently each time: write `expect`, what it holds after the change", reload.path),
            format!("{} 每次响应都不同：请写明变更后应包含的内容 `expect`", reload.path),
        )));
    }
    let begin = Instant::now();
    let traffic = bench.traffic(bench.run().rate)?;
    bench.wait(Duration::from_secs(1))?;
    let changed_at = Instant::now();
    change(bench, &reload, &reload.changed)?;
    let is_new = |now: &Said| match &reload.expect {
        Some(expect) => now.1.contains(expect.as_str()),
        None => *now != first,
    };
    let changed = seen(bench, &reload, changed_at, &is_new)?;
    let back_at = Instant::now();
    change(bench, &reload, &reload.text)?;
    let back = match changed {
        Some(_) => seen(bench, &reload, back_at, &|now| !is_new(now))?,
        None => None,
    };
    bench.wait(Duration::from_millis(500))?;
    let same_process = bench.process().is_some_and(|process| process.exit().is_none());
    let sent = traffic.end();
    let lost = sent.iter().filter(|one| !one.good()).count();
    let mut timeline = bench.timeline(begin, &sent);
    let what = Message::new("the configuration is changed", "变更配置");
    timeline.mark(Bench::since(begin, changed_at), Some(Bench::since(begin, back_at)), what);
    if let Some(changed) = changed {
        let at = Bench::since(begin, changed_at) + changed;
        timeline.mark(at, None, Message::new("it takes effect", "变更生效"));
    }
    let file = reload.file.as_deref().and_then(|file| Path::new(file).file_name()?.to_str()).unwrap_or_default();
    let observed = Reload {
        request: format!("GET {}", reload.path),
        how: reload.signal.as_ref().map_or_else(|| file.to_owned(), |signal| format!("{file}, {signal}")),
        changed_ms: changed,
        back_ms: back,
        within_ms: u64::try_from(reload.within.as_millis()).unwrap_or(u64::MAX),
        same_process,
        sent: u64::try_from(sent.len()).unwrap_or(u64::MAX),
        lost: u64::try_from(lost).unwrap_or(u64::MAX),
    };
    Ok(Trial::new(Observation::Reload(observed), timeline))
}

/// Status and body.
type Said = (Option<u16>, String);

fn said(bench: &Bench, reload: &RunReload) -> Result<Said, BenchError> {
    let exchange: Exchange = bench.get(&reload.path, ANSWER)?;
    Ok((exchange.status(), exchange.reply.map(|reply| reply.text()).unwrap_or_default()))
}

/// Writes the file in its place, so that those who watch the file itself hear of it, and then signals.
fn change(bench: &mut Bench, reload: &RunReload, text: &str) -> Result<(), BenchError> {
    if let Some(file) = &reload.file {
        std::fs::write(bench.expand(file), bench.expand(text))?;
    }
    let signal = match reload.signal.as_deref() {
        Some("SIGHUP") => Some(Signal::HUP),
        Some("SIGUSR1") => Some(Signal::USR1),
        Some("SIGUSR2") => Some(Signal::USR2),
        _ => None,
    };
    if let (Some(signal), Some(process)) = (signal, bench.process()) {
        process.signal(signal);
    }
    Ok(())
}

/// When an answer was first as it should be, in milliseconds after the change.
fn seen(
    bench: &mut Bench,
    reload: &RunReload,
    from: Instant,
    holds: &dyn Fn(&Said) -> bool,
) -> Result<Option<u64>, BenchError> {
    while from.elapsed() < reload.within {
        if bench.process().and_then(Process::exit).is_some() {
            return Ok(None);
        }
        let now = said(bench, reload)?;
        // Nobody's answer is no new answer.
        if now.0.is_some() && holds(&now) {
            return Ok(Some(Bench::since(from, Instant::now())));
        }
        bench.wait(LOOK)?;
    }
    Ok(None)
}
