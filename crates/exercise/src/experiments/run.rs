//! Makes the experiments that are wanted, one after the other, within the time that is given.

use std::time::{Duration, Instant};

use gonogo_domain::{
    Message,
    exercise::{Answer, Ended, Exercise, Experiment, Held, Kind, Planned, Trial, settled},
};

use super::{Unmade, trial};
use crate::{
    bench::{Bench, BenchError, Survey, shape},
    process::Watch,
};

/// A service that was broken may take so long to be well again by itself; then it is started anew.
const RECOVERY: Duration = Duration::from_secs(15);

/// Calls may come so long after the request that brought them about.
const CALLED: Duration = Duration::from_secs(1);

/// A service that did not come up so often in a row is not started for the experiments that are left.
const FAILED_STARTS: usize = 2;

/// How many of a hundred requests may fail while all is well.
const WELL_PERCENT: usize = 2;

/// What is to be made.
#[derive(Clone, Debug)]
pub struct Wanted {
    pub planned: Vec<Planned>,
    /// No trial begins later than this after the first one, and none is repeated that would end later.
    pub budget: Duration,
    /// No experiment is tried more often.
    pub trials: usize,
    /// What the records say of who made them, and of what.
    pub gonogo: String,
    pub revision: Option<String>,
    /// What was recorded of this service before.
    pub before: Option<Exercise>,
}

/// What is going on.
#[derive(Debug)]
pub enum Event<'a> {
    /// A trial begins; the first is 1.
    Begins(Kind, usize),
    /// An experiment is over.
    Over(&'a Experiment),
}

/// Makes the experiments. A service that is down between them is started.
pub fn run(bench: &mut Bench, survey: &Survey, wanted: &Wanted, watch: &dyn Fn(Event<'_>)) -> Vec<Experiment> {
    let until = Instant::now() + wanted.budget;
    let mut made = Vec::new();
    let mut failed_starts = 0;
    // What does not fit comes last: others may take less time than expected.
    let (fitting, spare): (Vec<&Planned>, Vec<&Planned>) = wanted.planned.iter().partition(|planned| planned.fits);
    for Planned { kind, expected, fits } in fitting.into_iter().chain(spare) {
        let (begin, at) = (Instant::now(), bench.calendar());
        let (mut trials, mut longest) = (Vec::<Trial>::new(), Duration::ZERO);
        let ended = loop {
            if bench.stopped() {
                break Ended::NotMade(Message::new("stopped", "已停止"));
            }
            if trials.is_empty() && !fits && Instant::now() + *expected > until {
                break Ended::NotMade(Message::new(
                    format!("no time was left for it (--budget): it is expected to take {} s", expected.as_secs()),
                    format!("时间不足（--budget）：预计需要 {} 秒", expected.as_secs()),
                ));
            }
            if Instant::now() + longest >= until {
                break Ended::NotMade(Message::new("the time was over (--budget)", "时间用尽（--budget）"));
            }
            if failed_starts >= FAILED_STARTS {
                break Ended::NotMade(Message::new("the service does not come up", "服务无法启动"));
            }
            watch(Event::Begins(*kind, trials.len() + 1));
            let started = Instant::now();
            let result = one(*kind, bench, survey, wanted);
            longest = longest.max(started.elapsed());
            if matches!(result, Err(Unmade::Bench(BenchError::NotUp(_)))) {
                failed_starts += 1;
            } else {
                failed_starts = 0;
            }
            match result {
                Ok(trial) => trials.push(trial),
                Err(Unmade::NotApplicable(why)) => break Ended::NotApplicable(why),
                Err(Unmade::Missing(why)) => break Ended::NotMade(why),
                Err(Unmade::Bench(error)) => {
                    let why = error.to_string();
                    break Ended::NotMade(Message::new(why.clone(), why));
                }
            }
            if trials.len() >= wanted.trials || is_stable(*kind, &trials) {
                break Ended::Completed;
            }
        };
        let took_ms = Bench::since(begin, Instant::now());
        let experiment = Experiment {
            kind: *kind,
            at,
            gonogo: wanted.gonogo.clone(),
            revision: wanted.revision.clone(),
            trials,
            ended,
            took_ms,
        };
        watch(Event::Over(&experiment));
        made.push(experiment);
    }
    made
}

/// More trials would not change what is believed.
fn is_stable(kind: Kind, trials: &[Trial]) -> bool {
    let answers: Vec<Vec<Answer>> = trials.iter().map(|trial| trial.answers(kind)).collect();
    // What could not be told again will not be told the next time; a baseline that has nothing to be held to, not even then.
    let enough = if kind == Kind::Baseline { 1 } else { 2 };
    let hopeless = |check: &str| {
        answers.len() >= enough
            && answers.iter().flatten().filter(|one| one.check == check).all(|one| one.held == Held::Inconclusive)
    };
    settled(kind, &answers).iter().all(|answer| answer.held != Held::Inconclusive || hopeless(answer.check))
}

fn one(kind: Kind, bench: &mut Bench, survey: &Survey, wanted: &Wanted) -> Result<Trial, Unmade> {
    if matches!(kind, Kind::Boot | Kind::StartOrder | Kind::Migrations) {
        // It starts the service itself; where that does not come up, whoever comes next will say so.
        return watched(kind, bench, survey, wanted);
    }
    if bench.is_foreign() && !kind.only_looks() {
        return Err(Unmade::foreign());
    }
    if !bench.is_up() {
        bench.start()?;
    }
    well(bench, survey)?;
    let result = watched(kind, bench, survey, wanted);
    if matches!(result, Err(Unmade::Bench(BenchError::Stopped))) {
        return result;
    }
    recover(bench, survey)?;
    result
}

/// Makes a trial, and watches what the rest of the machine does meanwhile.
fn watched(kind: Kind, bench: &mut Bench, survey: &Survey, wanted: &Wanted) -> Result<Trial, Unmade> {
    let watch = bench.contention();
    let result = trial(kind, bench, survey, wanted);
    let contention = watch.and_then(Watch::end);
    result.map(|trial| Trial { contention, ..trial })
}

/// The steady state: users are answered well.
fn well(bench: &mut Bench, survey: &Survey) -> Result<(), Unmade> {
    if is_well(bench, survey)? {
        return Ok(());
    }
    // What an experiment before it left may have gone on.
    recover(bench, survey)?;
    if is_well(bench, survey)? {
        return Ok(());
    }
    Err(Unmade::Missing(Message::new(
        "users were not answered well before anything was broken",
        "故障注入之前用户请求已不正常",
    )))
}

/// Users are answered well, and by what answers them at other times: a cache, or a breaker that is still open, would hide
/// the dependency from the next experiment.
fn is_well(bench: &Bench, survey: &Survey) -> Result<bool, BenchError> {
    let (kinds, begin) = (survey.good(), Instant::now());
    let (mut asked, mut bad) = (0, 0);
    for kind in kinds.iter().cycle().take(kinds.len().max(4).min(kinds.len() * 4)) {
        asked += 1;
        bad += usize::from(!bench.ask(&bench.request(*kind), Duration::from_secs(5))?.how.good());
    }
    if bad * 100 > asked * WELL_PERCENT {
        return Ok(false);
    }
    bench.wait_for(CALLED, || {
        let reached = |name: &str| {
            let shapes = survey.shapes(name, &kinds);
            shapes.is_empty() || bench.calls_since(name, begin).iter().any(|call| shapes.contains(&shape(call)))
        };
        bench.dependencies().filter(|(_, http)| *http).all(|(name, _)| reached(name))
    })
}

/// Waits until all is well, and starts the service anew where that does not come by itself.
fn recover(bench: &mut Bench, survey: &Survey) -> Result<(), BenchError> {
    let until = Instant::now() + RECOVERY;
    while Instant::now() < until && bench.is_up() {
        if is_well(bench, survey)? {
            return Ok(());
        }
        bench.wait(Duration::from_millis(250))?;
    }
    if bench.run().attach.is_none() {
        bench.start()?;
    }
    Ok(())
}
