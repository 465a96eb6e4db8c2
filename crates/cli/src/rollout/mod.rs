//! `gonogo rollout`: takes a release to all of the traffic step by step, or back.

mod picture;
mod view;

use std::{
    cell::RefCell,
    fs,
    io::{self, IsTerminal as _, Write as _},
    path::{Path, PathBuf},
    process::ExitCode,
    rc::Rc,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::{Context as _, bail, ensure};
use gonogo_collectors::REHEARSALS;
use gonogo_domain::rollout::{
    Phase, State,
    machine::{Ask, Asked},
};
use gonogo_release::{
    Actuator, BudgetFile, Clock, File, Holder, Lease, Line, Meters, Rollout, Shown, Sources, Stopped, Store, Stored,
    Surroundings, forecast, record,
};
use gonogo_report::clean::clean;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::{
    arguments::{
        AskOptions, Common, PlanOptions, RehearseOptions, RolloutCommand, RolloutFile, RolloutOptions, StartOptions,
    },
    output::{self, replace},
    progress::Progress,
    slo::{
        self,
        gate::Gated,
        options::{Exempting, Objectives},
    },
};
use picture::{Manner, Picture};
use view::View;

pub(crate) fn run(options: &RolloutOptions, common: &Common) -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let with = With { common };
    runtime.block_on(async {
        match &options.command {
            RolloutCommand::Plan(options) => with.plan(options).await,
            RolloutCommand::Start(options) => Box::pin(with.start(options)).await,
            RolloutCommand::Status(options) => with.status(options),
            RolloutCommand::Watch(options) => with.watch(options).await,
            RolloutCommand::Pause(options) => with.ask(options, Ask::Pause).await,
            RolloutCommand::Resume(options) => with.ask(options, Ask::Resume).await,
            RolloutCommand::Promote(options) => with.ask(options, Ask::Promote).await,
            RolloutCommand::Abort(options) => with.ask(options, Ask::Abort).await,
            RolloutCommand::Undo(options) => with.ask(options, Ask::Undo).await,
            RolloutCommand::History(options) => with.history(options),
            RolloutCommand::Rehearse(options) => Box::pin(with.rehearse(options)).await,
        }
    })
}

#[expect(clippy::disallowed_methods, reason = "the command line is where the clock is asked")]
fn now() -> Timestamp {
    Timestamp::now()
}

/// The time of this machine, and Ctrl-C. While it waits, what is shown goes on.
struct Wall {
    stop: Arc<AtomicBool>,
    view: Rc<RefCell<View>>,
}

impl Clock for Wall {
    fn now(&self) -> Timestamp {
        now()
    }

    async fn wait(&self, length: SignedDuration) {
        tokio::time::sleep(Duration::try_from(length).unwrap_or_default()).await;
        self.view.borrow_mut().draw(now());
    }

    fn stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }
}

/// A rollout file that was read, and where what is known of it lies.
pub(crate) struct Opened {
    pub(crate) file: File,
    text: String,
    root: PathBuf,
    store: Store,
}

/// A rollout file is some lines.
const LARGEST: u64 = 1 << 20;

impl Opened {
    /// Reads the file; where it leaves the revision open and a rollout of it is known, that one's revision holds.
    pub(crate) fn read(path: &Path, revision: Option<&str>) -> anyhow::Result<Self> {
        let shown = path.display();
        let size = fs::metadata(path).with_context(|| format!("{shown} could not be read"))?.len();
        ensure!(size <= LARGEST, "{shown} is larger than {LARGEST} bytes: is it a rollout file?");
        let text = fs::read_to_string(path).with_context(|| format!("{shown} could not be read"))?;
        let file = parse(&shown.to_string(), &text, revision)?;
        let root = root(path)?;
        let store = Store::new(&root, &file.plan.name);
        Ok(Self { file, text, root, store })
    }

    /// For the verbs that come after the start: which revision it is stands in what is stored.
    fn known(path: &Path) -> anyhow::Result<(Self, Stored)> {
        let opened = Self::read(path, Some("unknown"))?;
        let stored = opened.store.load()?;
        let stored = stored.with_context(|| {
            format!("no rollout of `{}` was ever started here: gonogo rollout start", opened.file.plan.name)
        })?;
        Ok((opened, stored))
    }
}

fn parse(name: &str, text: &str, revision: Option<&str>) -> anyhow::Result<File> {
    File::parse(&Arc::from(name), text, revision).map_err(|errors| {
        let lines: Vec<String> = errors.iter().map(|error| format!("  {error}")).collect();
        anyhow::anyhow!("the rollout file is not valid:\n{}", lines.join("\n"))
    })
}

/// The repository that the file lies in, or its folder.
fn root(path: &Path) -> anyhow::Result<PathBuf> {
    let path = fs::canonicalize(path)?;
    let folder = path.parent().context("the file lies in no folder")?;
    let is_root = |folder: &&Path| folder.join("gonogo.toml").is_file() || folder.join(".git").exists();
    Ok(folder.ancestors().find(is_root).unwrap_or(folder).to_owned())
}

fn me() -> Holder {
    let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let host = fs::read_to_string("/proc/sys/kernel/hostname").ok().map(|name| name.trim().to_owned());
    Holder {
        who: variable("GONOGO_USER").or(variable("USER")).unwrap_or_else(|| "somebody".to_owned()),
        host: host.or(variable("HOSTNAME")).unwrap_or_else(|| "this machine".to_owned()),
        process: std::process::id(),
        since: now(),
    }
}

/// The driver of a rollout. Between machines, and between folders of one, it is told apart by who and where, which a restart
/// does not change.
fn actuator(file: &File, store: &Store, memo: Option<&str>) -> anyhow::Result<Actuator> {
    let Holder { who, host, .. } = me();
    let name = &file.plan.name;
    let digest = Sha256::digest(store.folder().as_os_str().as_encoded_bytes());
    let folder = digest.iter().take(4).fold(0_u32, |folder, byte| folder << 8 | u32::from(*byte));
    let holder = format!("{who} on {host}, rollout {name} of folder {folder:08x}");
    Actuator::new(&file.driver, Surroundings { name, memo, holder, clock: now }).map_err(advised)
}

/// The driver of a rollout file, for somebody who only looks: by what a rollout that is under way remembers, and who drives
/// that one is somebody else.
pub(crate) fn looking(opened: &Opened) -> anyhow::Result<Actuator> {
    let under_way = opened.store.load()?.filter(|stored| !stored.state.phase.ended());
    let memo = under_way.and_then(|stored| stored.state.memo);
    let holder = "somebody who looks".to_owned();
    let surroundings = Surroundings { name: &opened.file.plan.name, memo: memo.as_deref(), holder, clock: now };
    Actuator::new(&opened.file.driver, surroundings).map_err(advised)
}

/// What reads the gates.
fn meters(file: &File, root: &Path) -> Meters {
    let objectives = |below: &str| {
        let found = slo::source::find(&Objectives::of(root.join(below))).map_err(|error| format!("{error:#}"))?;
        match found.broken.first() {
            Some((name, place, reason)) => Err(format!("{place}: {name}: {reason}")),
            None => Ok(found.whole),
        }
    };
    Meters::new(file, &Sources { variable: &|name| std::env::var(name).ok(), objectives: &objectives })
}

/// The same before anything began. Errors: one of the gates cannot be read at all.
fn sound_meters(file: &File, root: &Path) -> anyhow::Result<Meters> {
    let meters = meters(file, root);
    let problems = meters.problems();
    ensure!(problems.is_empty(), "gates cannot be read: {}", problems.join("; "));
    Ok(meters)
}

struct With<'a> {
    common: &'a Common,
}

impl With<'_> {
    async fn plan(&self, options: &PlanOptions) -> anyhow::Result<ExitCode> {
        let opened = Opened::read(&options.rollout.file, options.revision.as_deref())?;
        let file = &opened.file;
        let mut actuator = looking(&opened)?;
        let meters = sound_meters(file, &opened.root)?;
        let progress = Progress::start();
        progress.say("measuring the traffic");
        let forecast = forecast(file, &mut actuator, &meters, options.measure).await.map_err(advised)?;
        drop(progress);
        let mut out = io::stdout().lock();
        if options.rollout.json {
            serde_json::to_writer_pretty(
                &mut out,
                &json!({ "gonogo": env!("CARGO_PKG_VERSION"), "plan": file.plan, "forecast": forecast }),
            )?;
            writeln!(out)?;
        } else {
            view::write_plan(&mut out, file, &forecast)?;
        }
        Ok(ExitCode::SUCCESS)
    }

    async fn start(&self, options: &StartOptions) -> anyhow::Result<ExitCode> {
        let StartOptions { rollout, revision, accept_share, exemption } = options;
        let known = Opened::read(&rollout.file, revision.as_deref().or(Some("unknown")))?;
        let under_way = known.store.load()?.filter(|stored| !stored.state.phase.ended());
        if let Some(stored) = under_way {
            let wanted = revision.clone().or_else(|| {
                let own = File::parse(&Arc::from(""), &known.text, None).ok()?;
                Some(own.plan.release.revision.0)
            });
            let is = &stored.state.plan.release.revision;
            ensure!(
                wanted.as_ref().is_none_or(|wanted| *wanted == is.0),
                "a rollout of {is} is under way ({}): go on with `gonogo rollout resume`, or take it back with `gonogo rollout abort`",
                stored.state.phase
            );
            return self.drive(known, stored, rollout, None).await;
        }
        let opened = Opened::read(&rollout.file, revision.as_deref())?;
        sound_meters(&opened.file, &opened.root)?;
        let allowed = match &opened.file.budget {
            Some(budget) => Some(Self::budgets(&opened.root, budget, exemption).await?),
            None => None,
        };
        if let Some(gated) = allowed.as_ref().filter(|gated| gated.code() != 0) {
            writeln!(io::stderr(), "gonogo: not started: {}", clean(&gated.sentence()))?;
            return Ok(ExitCode::from(gated.code()));
        }
        let lease = take(&opened.store)?;
        let stored = self.begin(&opened, *accept_share).await?;
        if let Some(gated) = allowed {
            let line = Line { at: now(), id: stored.state.id.clone(), said: format!("budgets: {}", gated.sentence()) };
            opened.store.tell(&[line])?;
        }
        drop(lease);
        self.drive(opened, stored, rollout, None).await
    }

    /// Asks the error budgets, and keeps what they decided.
    async fn budgets(root: &Path, budget: &BudgetFile, exemption: &Exempting) -> anyhow::Result<Gated> {
        let objectives = Objectives::of(root.join(&budget.objectives));
        let asked = slo::options::Asked {
            prometheus: Some(budget.prometheus.clone()),
            header: budget.header.clone(),
            timeout: Duration::from_secs(30),
        };
        let gated = slo::gate::ask(&objectives, &asked, exemption, None).await?;
        gated.keep(&objectives, true)?;
        Ok(gated)
    }

    /// Looks whether it can be started, and stores that it was.
    async fn begin(&self, opened: &Opened, accept_share: bool) -> anyhow::Result<Stored> {
        use gonogo_actuators::Driver as _;
        let file = &opened.file;
        let mut actuator = actuator(file, &opened.store, None)?;
        let sight = actuator.observe().await.map_err(advised)?;
        let release = &file.plan.release.revision;
        ensure!(sight.stable.revision != *release, "stable runs {release} already: there is nothing to roll out");
        if let Some(holder) = &sight.holder {
            bail!("{holder} drives this service: wait for it");
        }
        ensure!(
            sight.stable.settled(),
            "stable is not well: {} of {} are ready; a rollout compares with it",
            sight.stable.ready,
            sight.stable.wanted
        );
        for step in &file.plan.steps {
            let share = actuator.reachable(step.share, &sight);
            let off = share.percent().is_none_or(|percent| percent.apart(step.share) > file.plan.share_tolerance);
            ensure!(
                !off || accept_share,
                "{} is asked for and comes to {share}: change the step, or start with --accept-share",
                step.share
            );
        }
        let at = now();
        let id = format!("{}-{}", file.plan.name, at.strftime("%Y%m%dT%H%M%S"));
        let state = State::new(id, file.plan.clone(), sight.stable.revision.clone(), sight.memo.clone(), at);
        let stored = Stored { state, file: opened.text.clone(), sight: Some(sight.clone()) };
        opened.store.save(&stored)?;
        let said = format!("started: {} to {release}", sight.stable.revision);
        let mut told = vec![said];
        told.extend(sight.notices);
        let line = |said| Line { at, id: stored.state.id.clone(), said };
        opened.store.tell(&told.into_iter().map(line).collect::<Vec<_>>())?;
        Ok(stored)
    }

    /// Takes the lease and drives it to its end.
    async fn drive(
        &self,
        opened: Opened,
        stored: Stored,
        options: &RolloutFile,
        rehearse: Option<Asked>,
    ) -> anyhow::Result<ExitCode> {
        let lease = take(&opened.store)?;
        // Somebody may have driven it on in the meantime.
        let stored = opened.store.load()?.unwrap_or(stored);
        // It goes by the file that it was started with, whatever became of that.
        let revision = stored.state.plan.release.revision.0.clone();
        let file = parse("the rollout file that it was started with", &stored.file, Some(&revision))?;
        let actuator = actuator(&file, &opened.store, stored.state.memo.as_deref())?;
        let meters = meters(&file, &opened.root);
        let stop = Arc::new(AtomicBool::new(false));
        let asked = Arc::clone(&stop);
        ctrlc::set_handler(move || asked.store(true, Ordering::Relaxed))
            .context("no handler for Ctrl-C could be set")?;
        let view = Rc::new(RefCell::new(View::new(self.colored(), self.common.lang.into(), options.json)));
        if let Some(before) = &lease.before {
            let said = format!("goes on where {before} was when it ended");
            let line = Line { at: now(), id: stored.state.id.clone(), said };
            opened.store.tell(std::slice::from_ref(&line))?;
            view.borrow_mut().told(&[line])?;
        }
        let clock = Wall { stop, view: Rc::clone(&view) };
        let mut rollout = Rollout { store: opened.store.clone(), stored, actuator, meters, clock, rehearse };
        let mut shown = Ok(());
        let stopped = rollout
            .run(&mut |look: &Shown<'_>| {
                if shown.is_ok() {
                    shown = view.borrow_mut().show(look, now());
                }
            })
            .await?;
        view.borrow_mut().end();
        shown?;
        let stored = rollout.stored;
        if stopped == Stopped::Ended {
            keep_rehearsal(&opened.root, &stored, &file)?;
        }
        drop(lease);
        self.write_end(&stored.state, options, stopped)
    }

    fn write_end(&self, state: &State, options: &RolloutFile, stopped: Stopped) -> anyhow::Result<ExitCode> {
        let mut out = io::stdout().lock();
        if options.json {
            serde_json::to_writer(&mut out, &json!({ "state": state }))?;
            writeln!(out)?;
        } else {
            view::write_end(&mut out, state, stopped, self.common.lang.into())?;
        }
        Ok(match (stopped, state.phase) {
            (Stopped::Left, _) => ExitCode::from(3),
            (Stopped::Ended, Phase::Promoted) => ExitCode::SUCCESS,
            (Stopped::Ended, _) => ExitCode::from(1),
        })
    }

    fn colored(&self) -> bool {
        output::colored(self.common, io::stdout().is_terminal())
    }

    fn status(&self, options: &RolloutFile) -> anyhow::Result<ExitCode> {
        let (opened, stored) = Opened::known(&options.file)?;
        let holder = Lease::holder(opened.store.folder());
        let mut out = io::stdout().lock();
        if options.json {
            serde_json::to_writer_pretty(&mut out, &json!({ "holder": holder, "state": stored.state }))?;
            writeln!(out)?;
            return Ok(ExitCode::SUCCESS);
        }
        let width = console::Term::stdout().size_checked().map_or(120, |(_, columns)| usize::from(columns).max(20));
        let style = Manner { color: self.colored(), lang: self.common.lang.into(), width };
        let sight = stored.sight.as_ref().map(Ok);
        for line in (Picture { state: &stored.state, sight, next: None, now: now(), style }).lines() {
            writeln!(out, "{line}")?;
        }
        match holder {
            Some(holder) => writeln!(out, "\ndriven by {}", clean(&holder.to_string()))?,
            None if stored.state.phase.ended() => {}
            None => writeln!(out, "\nnobody drives it: gonogo rollout resume {}", options.file.display())?,
        }
        Ok(ExitCode::SUCCESS)
    }

    async fn watch(&self, options: &RolloutFile) -> anyhow::Result<ExitCode> {
        let (opened, mut stored) = Opened::known(&options.file)?;
        let stop = Arc::new(AtomicBool::new(false));
        let asked = Arc::clone(&stop);
        ctrlc::set_handler(move || asked.store(true, Ordering::Relaxed))
            .context("no handler for Ctrl-C could be set")?;
        let mut view = View::new(self.colored(), self.common.lang.into(), options.json);
        let mut known = 0;
        while !stop.load(Ordering::Relaxed) {
            if let Some(newer) = opened.store.load()? {
                stored = newer;
            }
            let history: Vec<Line> =
                opened.store.history()?.into_iter().filter(|line| line.id == stored.state.id).collect();
            view.look_on(&stored, history.get(known..).unwrap_or_default(), now())?;
            known = history.len();
            if stored.state.phase.ended() {
                view.end();
                return self.write_end(&stored.state, options, Stopped::Ended);
            }
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
        view.end();
        Ok(ExitCode::from(3))
    }

    /// Leaves word for whoever drives it; where nobody does, drives it on itself.
    async fn ask(&self, options: &AskOptions, what: Ask) -> anyhow::Result<ExitCode> {
        let AskOptions { rollout, why } = options;
        let (opened, stored) = Opened::known(&rollout.file)?;
        let phase = stored.state.phase;
        ensure!(
            !phase.ended() || (what == Ask::Undo && phase == Phase::Promoted),
            "the rollout of {} is over: {phase}",
            stored.state.plan.release.revision
        );
        let me = me();
        let asked = Asked { what, by: me.who.clone(), why: why.clone() };
        opened.store.ask(&asked, now(), me.process)?;
        let held = Lease::holder(opened.store.folder());
        match (held, what) {
            (Some(holder), _) => answered(&opened.store, &holder).await,
            // A pause has to last until somebody drives; going on has to be done by somebody.
            (None, Ask::Pause) => {
                writeln!(io::stdout(), "nobody drives it now; it pauses as soon as somebody does")?;
                Ok(ExitCode::SUCCESS)
            }
            (None, _) => self.drive(opened, stored, rollout, None).await,
        }
    }

    fn history(&self, options: &RolloutFile) -> anyhow::Result<ExitCode> {
        let (opened, stored) = Opened::known(&options.file)?;
        let lines = opened.store.history()?;
        let mut past = opened.store.past()?;
        if !stored.state.phase.ended() {
            past.insert(0, stored);
        }
        let mut out = io::stdout().lock();
        if options.json {
            let rollouts: Vec<Value> = past.iter().map(|one| json!(one.state)).collect();
            serde_json::to_writer_pretty(&mut out, &json!({ "rollouts": rollouts, "told": lines }))?;
            writeln!(out)?;
        } else {
            view::write_history(&mut out, &past, &lines, self.colored())?;
        }
        Ok(ExitCode::SUCCESS)
    }

    async fn rehearse(&self, options: &RehearseOptions) -> anyhow::Result<ExitCode> {
        let RehearseOptions { rollout, revision, from_canary, in_production } = options;
        let opened = Opened::read(&rollout.file, revision.as_deref())?;
        ensure!(
            opened.file.environment != "production" || *in_production,
            "the file says that it is production: rehearse in staging (environment = \"staging\"), or say --in-production"
        );
        let under_way = opened.store.load()?.filter(|stored| !stored.state.phase.ended());
        ensure!(under_way.is_none(), "a rollout is under way: it is no rehearsal");
        let lease = take(&opened.store)?;
        let stored = self.begin(&opened, true).await?;
        drop(lease);
        let what = if *from_canary { Ask::Abort } else { Ask::Undo };
        let asked = Asked { what, by: me().who, why: "a rehearsal".to_owned() };
        if !from_canary {
            let promote = Asked { what: Ask::Promote, by: me().who, why: "a rehearsal".to_owned() };
            opened.store.ask(&promote, now(), std::process::id())?;
        }
        let code = self.drive(opened, stored, rollout, Some(asked)).await?;
        // Rolled back is what was asked for here.
        Ok(if code == ExitCode::from(1) { ExitCode::SUCCESS } else { code })
    }
}

fn take(store: &Store) -> anyhow::Result<Lease> {
    Ok(Lease::take(store.folder(), &me())?)
}

/// What a driver says, with what to do about it.
#[expect(clippy::needless_pass_by_value, reason = "it is what a result of a driver is mapped with")]
fn advised(trouble: gonogo_domain::rollout::Trouble) -> anyhow::Error {
    anyhow::anyhow!("{trouble}; {}", trouble.next)
}

/// Waits until whoever drives it has read what was asked for.
async fn answered(store: &Store, holder: &Holder) -> anyhow::Result<ExitCode> {
    let until = Instant::now() + PATIENCE;
    let lines = store.history()?.len();
    while !store.asked().is_empty() {
        if Instant::now() > until {
            writeln!(io::stdout(), "{} has not read it yet; it will", clean(&holder.to_string()))?;
            return Ok(ExitCode::SUCCESS);
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    // What came of it is told right after it was read.
    tokio::time::sleep(Duration::from_millis(200)).await;
    let mut out = io::stdout().lock();
    for line in store.history()?.iter().skip(lines) {
        writeln!(out, "{}", clean(&line.said))?;
    }
    Ok(ExitCode::SUCCESS)
}

const PATIENCE: Duration = Duration::from_secs(15);

/// The way back with its clock, for the review.
fn keep_rehearsal(root: &Path, stored: &Stored, file: &File) -> anyhow::Result<()> {
    let Some(rehearsal) = record(stored, file, env!("CARGO_PKG_VERSION")) else { return Ok(()) };
    let folder = root.join(REHEARSALS);
    fs::create_dir_all(&folder).with_context(|| format!("{} could not be made", folder.display()))?;
    let text = serde_json::to_vec_pretty(&rehearsal)?;
    replace(&folder.join(format!("{}.json", rehearsal.rollout)), &text)
}
