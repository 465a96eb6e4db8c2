//! `cargo xtask subjects`: whether the experiments see what is known to be wrong, and nothing where all is right.
//!
//! A subject is a service of `subjects/` that can be started with one of the faults of its `subject.toml`, or without any.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    io::{self, Write as _},
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, bail, ensure};
use gonogo_domain::exercise::Kind;
use serde::Deserialize;
use serde_json::Value;

use crate::at_once;

const PAGE: &str = "docs/instrument.md";

/// The subject that needs nothing but Rust.
const QUICK: &str = "rust";

/// Experiments that go on at the same time: most of one is waiting, and the rest is the noise that the others must bear.
const WORKERS: usize = 8;

/// What a subject says of itself.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Subject {
    #[serde(skip)]
    name: String,
    libraries: String,
    /// Commands that make it, run in the root of the project.
    prepare: Vec<Vec<String>>,
    command: Vec<String>,
    /// By their names: the experiment that must see each.
    faults: BTreeMap<String, String>,
}

/// What one run said.
struct Seen {
    broken: Vec<String>,
    /// Experiments that could not tell.
    open: Vec<String>,
    held: usize,
    /// What was missed, in its own words.
    misses: Vec<String>,
}

impl Seen {
    fn leaves_open(&self, experiment: &str) -> bool {
        self.broken.iter().all(|one| one != experiment) && self.open.iter().any(|one| one.starts_with(experiment))
    }
}

/// What was asked for.
struct Wanted {
    write: bool,
    /// How often each subject is exercised without a fault.
    good: usize,
    /// Names of subjects, of faults, and of faults of a subject (`node/no-retry`); empty: all.
    only: Vec<String>,
    /// One subject, and one fault for each experiment.
    quick: bool,
}

/// Tries subjects whose names or faults (`no-retry`, `node/no-retry`) are given, or all; `--good N` runs those without
/// faults N times, with all experiments that one of their faults is for; `--quick` takes one subject and one fault an
/// experiment; `--write` writes what was tried into the page, where everything else stays as it was.
pub fn run(arguments: &[&str]) -> anyhow::Result<()> {
    let wanted = wanted(arguments)?;
    let subjects = subjects()?;
    let mut page = Page::read(&subjects)?;
    let mut wrong = Vec::new();
    for subject in &subjects {
        let runs = wanted.runs(subject);
        if runs.is_empty() {
            continue;
        }
        prepare(subject)?;
        let mut seen = at_once(&runs, WORKERS, |run| exercise(subject, run));
        // What could not tell beside seven others is made once more, alone.
        for (run, seen) in runs.iter().zip(&mut seen) {
            if run.experiment.is_some_and(|experiment| seen.as_ref().is_ok_and(|seen| seen.leaves_open(experiment))) {
                *seen = exercise(subject, run);
            }
        }
        let mut table = Table::new(subject);
        for (run, seen) in runs.iter().zip(seen) {
            wrong.extend(table.row(run, &seen?)?);
        }
        page.put(table);
        // All of them take an hour: what is done is kept.
        if wanted.write {
            fs::write(crate::root().join(PAGE), page.text())?;
        }
    }
    ensure!(wrong.is_empty(), "{}", wrong.join("\n"));
    Ok(())
}

/// What the page does not show: subjects whose good runs it lacks, faults that it does not call seen, experiments that no
/// fault is for.
///
/// # Errors
/// Where a subject or the page cannot be read.
pub fn unshown() -> anyhow::Result<Vec<String>> {
    let subjects = subjects()?;
    let page = Page::read(&subjects)?;
    let mut problems = Vec::new();
    for Subject { name, faults, .. } in &subjects {
        let row = |cell: &str| page.sections.get(name).and_then(|(_, rows)| rows.get(cell));
        if row(NONE).is_none() {
            problems.push(format!("{PAGE} does not tell of {name} without faults"));
        }
        for (fault, experiment) in faults {
            if row(fault).is_none_or(|row| !row.contains(&format!("| {experiment} | yes |"))) {
                problems.push(format!("{PAGE} does not show that {experiment} sees {name}/{fault}"));
            }
        }
    }
    let tried: BTreeSet<&str> =
        subjects.iter().flat_map(|subject| subject.faults.values()).map(String::as_str).collect();
    let known: BTreeSet<&str> = Kind::ALL.iter().map(|kind| kind.id()).collect();
    problems.extend(known.difference(&tried).map(|kind| format!("no fault of a subject is for {kind}")));
    problems.extend(tried.difference(&known).map(|kind| format!("{kind} is no experiment, and a fault is for it")));
    Ok(problems)
}

fn wanted(arguments: &[&str]) -> anyhow::Result<Wanted> {
    let mut wanted = Wanted { write: false, good: 1, only: Vec::new(), quick: false };
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        match *argument {
            "--write" => wanted.write = true,
            "--quick" => wanted.quick = true,
            "--good" => wanted.good = rest.next().context("--good N")?.parse()?,
            name if name.starts_with('-') => bail!("`{name}` is no option of subjects"),
            name => wanted.only.push(name.to_owned()),
        }
    }
    Ok(wanted)
}

/// One start of a subject.
struct Run<'a> {
    /// None: empty.
    fault: &'a str,
    /// The experiment that must see it; none: nothing is to be seen.
    experiment: Option<&'a str>,
    /// The experiments that are made, and with what.
    made: String,
    configuration: PathBuf,
}

impl Subject {
    /// What an experiment is made with: the subject's own configuration, else the one that all subjects share for it.
    fn configuration(&self, experiment: &str) -> PathBuf {
        let shared = crate::root().join("subjects");
        let own = shared.join(&self.name);
        let usual = shared.join("gonogo.toml");
        let special = format!("{experiment}.toml");
        let found = [own.join(&special), own.join("gonogo.toml"), shared.join(&special)];
        found.into_iter().find(|file| file.is_file()).unwrap_or(usual)
    }

    /// The experiments that it is made for, by what they are made with. What it is not made for, it may lack.
    fn made_for(&self) -> BTreeMap<PathBuf, BTreeSet<&str>> {
        let mut all: BTreeMap<PathBuf, BTreeSet<&str>> = BTreeMap::new();
        for experiment in self.faults.values() {
            all.entry(self.configuration(experiment)).or_default().insert(experiment);
        }
        all
    }
}

impl Wanted {
    fn runs<'a>(&self, subject: &'a Subject) -> Vec<Run<'a>> {
        let named = |name: &str| self.only.is_empty() || self.only.iter().any(|one| one == name);
        let all = named(&subject.name);
        let mut tried = BTreeSet::new();
        let quick = |experiment: &str| !self.quick || (subject.name == QUICK && tried.insert(experiment.to_owned()));
        let faults: Vec<Run<'a>> = {
            let mut quick = quick;
            // The last ones are seen soonest: a breaker that never closes is waited for.
            let faults = subject.faults.iter().rev();
            let chosen = faults.filter(|(fault, experiment)| {
                (all || named(fault) || named(&format!("{}/{fault}", subject.name))) && quick(experiment)
            });
            let run = |(fault, experiment): (&'a String, &'a String)| Run {
                fault,
                experiment: Some(experiment),
                made: experiment.clone(),
                configuration: subject.configuration(experiment),
            };
            chosen.map(run).collect()
        };
        let good = if (all || named("good")) && (!self.quick || subject.name == QUICK) { self.good } else { 0 };
        let without = (0..good).flat_map(|_| subject.made_for()).map(|(configuration, experiments)| {
            let made = experiments.into_iter().collect::<Vec<_>>().join(",");
            Run { fault: "", experiment: None, made, configuration }
        });
        // The longest first.
        without.chain(faults).collect()
    }
}

/// The page: for each subject its title, and its rows by their first cell, which is the fault.
struct Page {
    sections: BTreeMap<String, (String, BTreeMap<String, String>)>,
}

/// What a section begins with; the name of the subject follows.
const SECTION: &str = "\n## ";

/// The first cell of the row without a fault, which sorts before all that have one.
const NONE: &str = " none";

impl Page {
    /// What stands there of subjects and faults that are known still.
    fn read(subjects: &[Subject]) -> anyhow::Result<Self> {
        let text = fs::read_to_string(crate::root().join(PAGE))?;
        let mut sections = BTreeMap::new();
        for section in text.split(SECTION).skip(1) {
            let (title, table) = section.split_once('\n').unwrap_or_default();
            let name = title.split(' ').next().unwrap_or_default();
            let Some(subject) = subjects.iter().find(|subject| subject.name == name) else { continue };
            let rows = table.lines().filter_map(|line| {
                let cell = line.strip_prefix("| ")?.split([',', ' ']).next()?;
                let none = NONE.trim();
                let known = subject.faults.contains_key(cell).then(|| cell.to_owned());
                Some((known.or_else(|| (cell == none).then(|| NONE.to_owned()))?, line.to_owned()))
            });
            sections.insert(name.to_owned(), (title.to_owned(), rows.collect()));
        }
        Ok(Self { sections })
    }

    /// Puts the rows of a table in the place of earlier ones.
    fn put(&mut self, table: Table<'_>) {
        let Table { subject, rows, good, alarms, open } = table;
        let (title, all) = self.sections.entry(subject.name.clone()).or_default();
        *title = format!("{} ({})", subject.name, subject.libraries);
        all.extend(rows);
        // Experiments that are configured apart are made apart.
        let good = good / subject.made_for().len().max(1);
        if good > 0 {
            let row =
                format!("| none, {good} runs | all | {alarms} with a false alarm, {open} with something open | |");
            all.insert(NONE.to_owned(), row);
        }
    }

    fn text(&self) -> String {
        let mut text = HEAD.to_owned();
        for (title, rows) in self.sections.values() {
            text.push_str(SECTION);
            text.push_str(title);
            text.push_str("\n\n| fault | experiment | seen | in its words |\n|---|---|---|---|\n");
            for row in rows.values() {
                text.push_str(row);
                text.push('\n');
            }
        }
        text
    }
}

/// What a subject's runs came to, for the page.
struct Table<'a> {
    subject: &'a Subject,
    rows: BTreeMap<String, String>,
    good: usize,
    alarms: usize,
    open: usize,
}

impl<'a> Table<'a> {
    fn new(subject: &'a Subject) -> Self {
        Self { subject, rows: BTreeMap::new(), good: 0, alarms: 0, open: 0 }
    }

    /// Adds a run, and gives what is wrong with it.
    fn row(&mut self, run: &Run<'_>, seen: &Seen) -> anyhow::Result<Vec<String>> {
        let name = &self.subject.name;
        let Some(experiment) = run.experiment else {
            self.good += 1;
            self.alarms += usize::from(!seen.broken.is_empty());
            self.open += usize::from(!seen.open.is_empty());
            say(&format!(
                "{name}, all right ({}): {} held, broken {:?}, open {:?} {:?}",
                run.made, seen.held, seen.broken, seen.open, seen.misses
            ))?;
            return Ok(seen.broken.iter().map(|experiment| format!("{name}: {experiment} is a false alarm")).collect());
        };
        let caught = seen.broken.iter().any(|one| one == experiment);
        let word = match () {
            () if caught => "yes",
            () if seen.leaves_open(experiment) => "**open**",
            () => "**no**",
        };
        let words = seen.misses.join("; ").replace('|', "\\|");
        say(&format!("{name}, {}: {word} {words}", run.fault))?;
        let row = format!("| {} | {experiment} | {word} | {words} |", run.fault);
        self.rows.insert(run.fault.to_owned(), row);
        Ok(if caught { Vec::new() } else { vec![format!("{name}: {experiment} does not see {}", run.fault)] })
    }
}

const HEAD: &str = "\
# Trust in the instrument

Services whose truth is known, exercised: each is right in everything but the fault of its line. `cargo xtask subjects
--write` starts them and writes this page; a fault that is not seen, or an alarm on the one without faults, fails it.
Eight are exercised at a time, so that each is noise to the others; what could not tell is made once more, alone.
";

fn subjects() -> anyhow::Result<Vec<Subject>> {
    let folder = crate::root().join("subjects");
    let mut subjects = Vec::new();
    for entry in fs::read_dir(&folder)? {
        let path = entry?.path();
        let Ok(text) = fs::read_to_string(path.join("subject.toml")) else { continue };
        let mut subject: Subject = toml::from_str(&text).with_context(|| format!("{}/subject.toml", path.display()))?;
        subject.name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        subjects.push(subject);
    }
    ensure!(!subjects.is_empty(), "{} holds no subject", folder.display());
    subjects.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(subjects)
}

fn prepare(subject: &Subject) -> anyhow::Result<()> {
    let gonogo =
        crate::cargo().args(["build", "--quiet", "--package", "gonogo"]).current_dir(crate::root()).status()?;
    ensure!(gonogo.success(), "gonogo could not be built");
    for command in &subject.prepare {
        let (program, arguments) = command.split_first().context("an empty command")?;
        let status = Command::new(program).args(arguments).current_dir(crate::root()).status();
        ensure!(status.with_context(|| program.clone())?.success(), "`{}` failed", command.join(" "));
    }
    Ok(())
}

/// Makes the experiments of a run.
fn exercise(subject: &Subject, run: &Run<'_>) -> anyhow::Result<Seen> {
    let root = crate::root();
    let folder = tempfile::tempdir()?;
    let command: Vec<String> = subject
        .command
        .iter()
        .map(|part| format!("{:?}", part.replace("{root}", &root.display().to_string())))
        .collect();
    let own = root.join("subjects").join(&subject.name);
    let configuration = fs::read_to_string(&run.configuration)?;
    if let Ok(description) = fs::read(own.join("openapi.yaml")) {
        fs::write(folder.path().join("openapi.yaml"), description)?;
    }
    let configuration = configuration.replace("{command}", &command.join(", ")).replace("{faults}", run.fault);
    let configuration = configuration.replace("{root}", &root.display().to_string());
    fs::write(folder.path().join("gonogo.toml"), configuration)?;
    said(folder.path(), &run.made).with_context(|| format!("{} {}", subject.name, run.fault))
}

fn said(folder: &Path, only: &str) -> anyhow::Result<Seen> {
    let mut command = Command::new(crate::built("debug"));
    command.arg("exercise").arg(folder).args(["--json", "--no-save", "--only", only]);
    let output = command.output()?;
    let said: Value = serde_json::from_slice(&output.stdout)
        .with_context(|| format!("no JSON: {}", String::from_utf8_lossy(&output.stderr)))?;
    let mut seen = Seen { broken: Vec::new(), open: Vec::new(), held: 0, misses: Vec::new() };
    for answer in said["answers"].as_array().context("there are no answers")? {
        let experiment = answer["experiment"].as_str().unwrap_or_default().to_owned();
        let misses = answer["misses"].as_array().map(Vec::as_slice).unwrap_or_default();
        seen.misses.extend(misses.iter().filter_map(|miss| miss["en"].as_str()).map(str::to_owned));
        match answer["held"].as_str() {
            Some("yes" | "in-part") => seen.held += 1,
            Some("no") => seen.broken.push(experiment),
            _ => {
                let why = answer["summary"]["en"].as_str().unwrap_or_default();
                seen.open.push(format!("{experiment}: {why}"));
            }
        }
    }
    for experiment in said["record"]["experiments"].as_array().context("there are no experiments")? {
        if experiment["ended"] != "completed" && experiment["ended"].get("not-applicable").is_none() {
            seen.open.push(format!("{}: {}", experiment["kind"].as_str().unwrap_or_default(), experiment["ended"]));
        }
    }
    Ok(seen)
}

fn say(line: &str) -> io::Result<()> {
    writeln!(io::stdout(), "{line}")
}
