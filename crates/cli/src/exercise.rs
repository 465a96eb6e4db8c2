//! `gonogo exercise`: starts a service, breaks what is around it, and tells what happened.

use std::{
    collections::BTreeSet,
    fs,
    io::{self, Write as _},
    path::{Path, PathBuf},
    process::ExitCode,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant, SystemTime},
};

use anyhow::{Context as _, bail, ensure};
use clap::Parser as _;
use console::{Style, Term};
use gonogo_collectors::{Configuration, Tree, revision};
use gonogo_domain::{
    Gate, Lang, Run,
    exercise::{Answer, Ended, Exercise, Experiment, FORMAT, Held, Kind, Planned, Size, plan},
};
use gonogo_exercise::{
    bench::{Bench, BenchError, Setting, Survey},
    experiments::{self, Event, Wanted},
    process::{self, Keeper, Mark},
    proxy::Clock,
};
use gonogo_report::clean::clean;
use serde_json::{Value, json};

use crate::{
    arguments::{Arguments, Command, Common, ExerciseOptions},
    description, output,
    progress::Progress,
    review::{self, read_configuration},
};

/// Asked once more to end, gonogo ends at once; its keeper cleans up.
const AT_ONCE: i32 = 130;

pub(crate) fn run(options: &ExerciseOptions, common: &Common) -> anyhow::Result<ExitCode> {
    let kinds = wanted(options)?;
    let tree = Tree::from_disk(&options.path)?;
    let configuration = read_configuration(&tree)?;
    let (name, run) = service(options, &configuration)?;
    let before = known(options, &name)?;
    let planned = planned(&kinds, run, before.as_ref(), options);
    if options.list {
        return list(&name, run, &planned, options, common);
    }
    let stop = Arc::new(AtomicBool::new(false));
    stop_on_signals(&stop)?;
    let left_over = process::sweep_left_over();
    let keeper = Keeper::start(&std::env::current_exe()?, &Mark::own()).context("no keeper could be started")?;

    let shown = Shown::new(options, common);
    shown.plan(&name, run, &planned, options, left_over)?;
    let root = fs::canonicalize(&options.path)?;
    let progress = Progress::start();
    let description = description::find(run, &tree)?;
    let mut bench = Bench::set_up(Setting { run: run.clone(), root, clock: clock(), stop, description }, &|what| {
        progress.say(what);
    })?;
    progress.say("starting the service");
    let survey = match bench.start() {
        Ok(()) => {
            progress.say("looking which request needs which dependency");
            Survey::make(&bench)?
        }
        // That is a result, and not a mistake of whoever asked: the experiment `boot` tells of it.
        Err(BenchError::NotUp(_)) => Survey::default(),
        Err(error) => return Err(error.into()),
    };
    drop(progress);
    shown.survey(&bench, &survey)?;

    let wanted = Wanted {
        planned,
        budget: options.budget,
        trials: usize::from(options.trials),
        gonogo: env!("CARGO_PKG_VERSION").to_owned(),
        revision: revision::describe(&options.path, &tree),
        before,
    };
    let experiments = experiments::run(&mut bench, &survey, &wanted, &|event| shown.event(&event));
    let stopped = bench.stopped();
    drop(bench);
    drop(keeper);
    let code = code(&experiments);
    let saved = if stopped || options.no_save { None } else { Some(save(options, &name, experiments.clone())?) };
    shown.end(name.clone(), experiments, saved.as_deref())?;
    if options.review && !stopped {
        return decide(&options.path, &name, common);
    }
    Ok(ExitCode::from(code))
}

/// The review of the service, as `gonogo review` makes it.
fn decide(path: &Path, service: &str, common: &Common) -> anyhow::Result<ExitCode> {
    writeln!(io::stdout())?;
    let words = ["gonogo".as_ref(), "review".as_ref(), path.as_os_str(), "--service".as_ref(), service.as_ref()];
    match Arguments::try_parse_from(words)?.command {
        Command::Review(options) => review::run(&options, common),
        _ => bail!("`review` is no review: this is a defect of gonogo"),
    }
}

#[expect(clippy::disallowed_methods, reason = "the command line is where the clock is asked")]
fn clock() -> Clock {
    Clock { zero: Instant::now(), wall: SystemTime::now() }
}

fn stop_on_signals(stop: &Arc<AtomicBool>) -> anyhow::Result<()> {
    let stop = Arc::clone(stop);
    ctrlc::set_handler(move || {
        if stop.swap(true, Ordering::Relaxed) {
            #[expect(clippy::exit, reason = "asked twice, whatever still runs is left to the keeper")]
            std::process::exit(AT_ONCE);
        }
    })
    .context("no handler for Ctrl-C could be set")
}

/// The experiments that are asked for, in their order.
fn wanted(options: &ExerciseOptions) -> anyhow::Result<Vec<Kind>> {
    let known = |id: &String| -> anyhow::Result<Kind> {
        let found = Kind::ALL.iter().copied().find(|kind| kind.id() == id);
        let ids = || Kind::ALL.iter().map(|kind| kind.id()).collect::<Vec<_>>().join(", ");
        found.with_context(|| format!("there is no experiment `{id}`: {}", ids()))
    };
    let only = options.only.iter().map(known).collect::<anyhow::Result<BTreeSet<Kind>>>()?;
    let skip = options.skip.iter().map(known).collect::<anyhow::Result<BTreeSet<Kind>>>()?;
    let chosen = |kind: &Kind| (only.is_empty() || only.contains(kind)) && !skip.contains(kind);
    let kinds: Vec<Kind> = Kind::ALL.iter().copied().filter(chosen).collect();
    if kinds.is_empty() {
        bail!("no experiment is left: --only and --skip take all away");
    }
    Ok(kinds)
}

/// What fits into the time, by what its checks are worth.
fn planned(kinds: &[Kind], run: &Run, before: Option<&Exercise>, options: &ExerciseOptions) -> Vec<Planned> {
    let catalogue = gonogo_checks::catalogue();
    let worth = |check: &'static str| match catalogue.iter().find(|one| one.id == check).map(|one| one.gate) {
        Some(Gate::Never) => 8,
        Some(Gate::Blocker) => 5,
        Some(Gate::Required) => 3,
        Some(Gate::Advised) | None => 1,
    };
    let wanted: Vec<(Kind, u32)> =
        kinds.iter().map(|kind| (*kind, kind.checks().iter().copied().map(worth).sum::<u32>())).collect();
    plan(&wanted, &Size::of(run), before, options.budget)
}

/// A length of time as people read it.
fn about(time: Duration) -> String {
    let seconds = time.as_secs();
    if seconds < 100 { format!("{} s", seconds.max(1)) } else { format!("{} min", (seconds + 30) / 60) }
}

/// The service to exercise: the one that is named, else the only one that says how it is started.
fn service<'c>(options: &ExerciseOptions, configuration: &'c Configuration) -> anyhow::Result<(String, &'c Run)> {
    let all: Vec<(&str, &Run)> =
        configuration.services.iter().filter_map(|one| Some((one.name.as_str(), one.run.as_ref()?))).collect();
    let names = || all.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ");
    let found = match (&options.service, all.as_slice()) {
        (_, []) => bail!(
            "gonogo.toml says of no service how it is started. `gonogo init` proposes a section; it begins with:\n\n    \
             [service.NAME.run]\n    command = [\"target/release/shop\"]\n    environment = {{ PORT = \"{{port}}\" }}"
        ),
        (Some(name), _) => all.iter().find(|(one, _)| one == name),
        (None, [only]) => Some(only),
        (None, _) => bail!("several services can be started: --service {}", names().replace(", ", " | ")),
    };
    match found {
        Some((name, run)) => Ok(((*name).to_owned(), run)),
        None => bail!(
            "gonogo.toml does not say how `{}` is started; it does of {}",
            options.service.as_deref().unwrap_or_default(),
            names()
        ),
    }
}

fn list(
    name: &str,
    run: &Run,
    planned: &[Planned],
    options: &ExerciseOptions,
    common: &Common,
) -> anyhow::Result<ExitCode> {
    let lang = common.lang.into();
    let mut out = io::stdout().lock();
    if options.json {
        let entry = |Planned { kind, expected, fits }: &Planned| {
            json!({
                "id": kind.id(),
                "hypothesis": kind.hypothesis().get(lang),
                "checks": kind.checks(),
                "expected_seconds": expected.as_secs(),
                "fits": fits,
            })
        };
        let all: Vec<_> = planned.iter().map(entry).collect();
        serde_json::to_writer_pretty(&mut out, &json!({ "service": name, "experiments": all }))?;
        writeln!(out)?;
        return Ok(ExitCode::SUCCESS);
    }
    writeln!(
        out,
        "{}: {} dependencies, {} kinds of requests\n",
        clean(name),
        run.dependencies.len(),
        run.requests.len()
    )?;
    for Planned { kind, expected, fits } in planned {
        let late = if *fits { "" } else { ", for which there is no time (--budget)" };
        writeln!(
            out,
            "  {:14} {}\n  {:14} {}; about {}{late}\n",
            kind.id(),
            kind.hypothesis().get(lang),
            "",
            kind.checks().join(", "),
            about(*expected)
        )?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Where a record lies unless it is told otherwise: where a review finds it.
fn place(options: &ExerciseOptions, service: &str) -> PathBuf {
    let name: String = service
        .chars()
        .map(|letter| if letter.is_alphanumeric() || "-_.".contains(letter) { letter } else { '_' })
        .collect();
    options
        .output
        .clone()
        .unwrap_or_else(|| options.path.join(gonogo_collectors::EXERCISES).join(format!("{name}.json")))
}

/// The record that there is. One that cannot be read is somebody's all the same, and would be overwritten.
fn known(options: &ExerciseOptions, service: &str) -> anyhow::Result<Option<Exercise>> {
    let file = place(options, service);
    let text = match fs::read_to_string(&file) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        text => text.map_err(anyhow::Error::from),
    };
    let known = text.and_then(|text| Ok(serde_json::from_str::<Exercise>(&text)?)).and_then(|known| {
        ensure!(known.format == FORMAT, "its format is {}, and this version writes {FORMAT}", known.format);
        ensure!(known.service == service, "it is of the service {}", clean(&known.service));
        Ok(known)
    });
    let known = known.with_context(|| {
        let file = clean(&file.display().to_string());
        format!("{file} is no record that this one can be added to: move it away, or name another file with --output")
    })?;
    Ok(Some(known))
}

/// Writes the record; experiments of other kinds that an earlier one holds stay.
fn save(options: &ExerciseOptions, service: &str, experiments: Vec<Experiment>) -> anyhow::Result<PathBuf> {
    let file = place(options, service);
    let known = known(options, service)?;
    let empty = Exercise { format: FORMAT, service: service.to_owned(), experiments: Vec::new() };
    let exercise = known.unwrap_or(empty).with(experiments);
    if let Some(folder) = file.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        fs::create_dir_all(folder).with_context(|| format!("{} could not be made", folder.display()))?;
    }
    let mut text = serde_json::to_string(&exercise)?;
    text.push('\n');
    output::replace(&file, text.as_bytes())?;
    Ok(file)
}

/// 0: all held; 1: something did not; 3: something could not be told.
fn code(experiments: &[Experiment]) -> u8 {
    let answers: Vec<Answer> = experiments.iter().flat_map(Experiment::answers).collect();
    let open = experiments.iter().any(|one| matches!(one.ended, Ended::NotMade(_)));
    match answers.iter().map(|answer| answer.held).max() {
        _ if answers.iter().any(|answer| answer.held == Held::No) => 1,
        Some(Held::Inconclusive) => 3,
        _ if open => 3,
        _ => 0,
    }
}

/// What the trials of an experiment say about each check, as JSON.
fn answers(experiment: &Experiment) -> Vec<Value> {
    let answers = experiment.answers().into_iter().map(|answer| {
        json!({
            "experiment": experiment.kind,
            "check": answer.check,
            "held": answer.held,
            "summary": answer.summary,
            "misses": answer.misses,
        })
    });
    answers.collect()
}

/// What a person sees while it goes on; with `--json`, nothing but the trial that is being made, on standard error.
struct Shown {
    json: bool,
    lang: Lang,
    color: bool,
    live: bool,
}

impl Shown {
    fn new(options: &ExerciseOptions, common: &Common) -> Self {
        let term = Term::stdout().is_term();
        Self {
            json: options.json,
            lang: common.lang.into(),
            color: output::colored(common, term),
            live: Term::stderr().is_term(),
        }
    }

    fn plan(
        &self,
        name: &str,
        run: &Run,
        planned: &[Planned],
        options: &ExerciseOptions,
        left_over: usize,
    ) -> io::Result<()> {
        if self.json {
            return Ok(());
        }
        let mut out = io::stdout().lock();
        let dependencies: Vec<&str> = run.dependencies.iter().map(|one| one.name.as_str()).collect();
        let behind = if dependencies.is_empty() { "none".to_owned() } else { clean(&dependencies.join(", ")) };
        if let Some(host) = run.attach.as_ref().filter(|attach| run.allow.contains(attach)) {
            let host = clean(host);
            writeln!(
                out,
                "{}  at {host}, which `allow` names: where that is another machine, it is asked by GET, twice a second at most",
                clean(name)
            )?;
        } else {
            writeln!(out, "{}  on the loopback, dependencies behind fault proxies: {behind}", clean(name))?;
        }
        let entry = |one: &Planned| format!("{} {}", one.kind.id(), about(one.expected));
        let entries =
            |fits: bool| -> Vec<String> { planned.iter().filter(|one| one.fits == fits).map(entry).collect() };
        let (fitting, late) = (entries(true), entries(false));
        let expected: Duration = planned.iter().filter(|one| one.fits).map(|one| one.expected).sum();
        writeln!(
            out,
            "{} experiments, about {} of {} that there are: {}",
            fitting.len(),
            about(expected),
            about(options.budget),
            fitting.join(", ")
        )?;
        if !late.is_empty() {
            writeln!(out, "not made unless time is left over (--budget): {}", late.join(", "))?;
        }
        if left_over > 0 {
            writeln!(out, "{left_over} processes of an earlier run that was killed were still there: killed")?;
        }
        if !options.no_save {
            writeln!(out, "the record goes to {}", clean(&place(options, name).display().to_string()))?;
        }
        writeln!(out)
    }

    fn survey(&self, bench: &Bench, survey: &Survey) -> io::Result<()> {
        if self.json {
            return Ok(());
        }
        let mut out = io::stdout().lock();
        for (request, found) in bench.run().requests.iter().zip(&survey.uses) {
            let calls: Vec<&str> = found.calls.keys().map(String::as_str).collect();
            let statuses: BTreeSet<String> = found
                .statuses
                .iter()
                .map(|one| one.map_or_else(|| "no answer".to_owned(), |one| one.to_string()))
                .collect();
            let statuses: Vec<String> = statuses.into_iter().collect();
            let needs = if calls.is_empty() {
                "calls nothing".to_owned()
            } else {
                format!("calls {}", clean(&calls.join(", ")))
            };
            let bad = if found.good() { "" } else { "  (not answered well: no experiment counts on it)" };
            writeln!(out, "  {}  {}, {needs}{bad}", clean(&request.name()), statuses.join("/"))?;
        }
        writeln!(out)
    }

    fn event(&self, event: &Event<'_>) {
        let term = Term::stderr();
        match event {
            Event::Begins(kind, trial) if self.live => {
                let line = format!("  … {}, trial {trial}: {}", kind.id(), kind.hypothesis().get(self.lang));
                // A line that wraps could not be taken back.
                let width = usize::from(term.size().1).saturating_sub(1);
                let _ = term.clear_line();
                let _ = term.write_str(&console::truncate_str(&line, width, "…"));
            }
            Event::Begins(..) => (),
            Event::Over(experiment) => {
                if self.live {
                    let _ = term.clear_line();
                }
                if !self.json {
                    // A terminal that is gone does not end the experiments: their record is still wanted.
                    let _ = self.experiment(experiment);
                }
            }
        }
    }

    fn experiment(&self, experiment: &Experiment) -> io::Result<()> {
        let mut out = io::stdout().lock();
        let style = |style: Style| style.force_styling(self.color);
        let (mark, trials) = (
            |held: Held| match held {
                Held::Yes | Held::InPart => style(Style::new().green()).apply_to("held"),
                Held::No => style(Style::new().red().bold()).apply_to("BROKEN"),
                Held::Inconclusive => style(Style::new().yellow()).apply_to("open"),
            },
            experiment.trials.len(),
        );
        #[expect(clippy::cast_precision_loss, reason = "a time of minutes")]
        let seconds = experiment.took_ms as f64 / 1e3;
        let many = if trials == 1 { "1 trial".to_owned() } else { format!("{trials} trials") };
        let id = experiment.kind.id();
        match &experiment.ended {
            Ended::Completed => writeln!(out, "{}  {many}, {seconds:.1} s", style(Style::new().bold()).apply_to(id))?,
            Ended::NotApplicable(why) => writeln!(out, "{id}  not applicable: {}", clean(why.get(self.lang)))?,
            Ended::NotMade(why) => {
                let why = why.get(self.lang).lines().map(clean).collect::<Vec<_>>().join("\n    ");
                writeln!(out, "{id}  {}: {why}", style(Style::new().yellow()).apply_to("not made"))?;
            }
        }
        for answer in experiment.answers() {
            writeln!(out, "  {}  {}  {}", mark(answer.held), answer.check, clean(answer.summary.get(self.lang)))?;
            for miss in &answer.misses {
                writeln!(out, "          {}", clean(miss.get(self.lang)))?;
            }
        }
        writeln!(out)
    }

    fn end(&self, service: String, experiments: Vec<Experiment>, saved: Option<&Path>) -> anyhow::Result<()> {
        let mut out = io::stdout().lock();
        if self.json {
            let answers: Vec<Value> = experiments.iter().flat_map(answers).collect();
            let record = Exercise { format: FORMAT, service, experiments };
            serde_json::to_writer_pretty(&mut out, &json!({ "answers": answers, "record": record }))?;
            writeln!(out)?;
            return Ok(());
        }
        if let Some(file) = saved {
            let file = clean(&file.display().to_string());
            writeln!(out, "{file} holds it all; `gonogo review` counts it as exercised.")?;
        }
        Ok(())
    }
}
