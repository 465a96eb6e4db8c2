//! `gonogo review`: gathers, judges, decides, reports.

use std::{fmt::Write as _, fs, path::Path, process::ExitCode, sync::Arc};

use anyhow::{Context as _, bail};
use gonogo_collectors::{
    Cache, Collected, Configuration, ConfigurationError, Manner, Tree, collect_with, configuration, history, revision,
};
use gonogo_domain::{Check, Facts, Message, Outcomes, Records, Review, Stages, WaiverProblem, changes, outcomes};
use gonogo_report::{Report, Since, json::Earlier};
use jiff::civil::Date;
use rayon::prelude::*;
use sha2::{Digest as _, Sha256};

use crate::{
    arguments::{Common, Format, Output, ReviewOptions},
    cache, output,
    progress::Progress,
};

pub(crate) fn run(options: &ReviewOptions, common: &Common) -> anyhow::Result<ExitCode> {
    let today = options.as_of.unwrap_or_else(today);
    let progress = Progress::start();
    progress.say("reading the repository");
    let (tree, cache) =
        rayon::join(|| Tree::from_disk(&options.path), || cache::open(&options.path, !options.past.no_cache));
    let tree = tree?;
    if tree.files().is_empty() {
        bail!("{} holds no file to review", options.path.display());
    }
    let configuration = read_configuration(&tree)?;
    let baseline = options.baseline.as_deref().map(read_report).transpose()?;

    progress.say("judging");
    let setting = Setting { options, today, cache: &cache };
    let (collected, revision) = rayon::join(
        || {
            let past = || history::gather(&options.path, options.past.history.into(), &cache);
            let manner = Manner { progress: &|what| progress.say(what), history: &past, cache: &cache };
            collect_with(&tree, &configuration, today, manner)
        },
        || revision::describe(&options.path, &tree),
    );
    if collected.services.is_empty() {
        bail!(
            "no deployable unit was found in {} ({} files): no workload, container file, compose service, start command \
             or package manifest. Name one in gonogo.toml:\n\n    [service.NAME]\n    path = \"FOLDER\"\n    class = \"server\"",
            options.path.display(),
            tree.files().len()
        );
    }
    setting.know_every_service(&collected)?;
    let mut services = setting.reviews(&collected, &configuration, &configuration);
    if let Some(baseline) = &baseline {
        services = services
            .into_iter()
            .map(|review| {
                let name = review.service.name.clone();
                review.with_baseline(|one| baseline.knows(&name, one))
            })
            .collect();
    }
    let since = match &options.since {
        Some(name) => {
            progress.say("reviewing the past");
            Some(setting.since(name, &services, &configuration)?)
        }
        None => None,
    };
    let report = Report {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        rules: rules(&configuration),
        repository: repository_name(&options.path),
        revision,
        on: today,
        record_problems: common_problems(&configuration, &services),
        services,
        left_out: collected.left_out,
        unread: collected.unread,
        files: tree.files().len(),
        since,
    };
    drop(progress);
    let outputs = if options.json { vec![Output { format: Format::Json, file: None }] } else { options.format.clone() };
    let (written, ()) = rayon::join(|| output::write(&report, &outputs, common, options.verbose), || cache.save());
    written?;
    let code = ExitCode::from(report.decision().exit_code());
    // The process ends here: to take all of it apart first would only take time.
    std::mem::forget((report, collected.services, collected.rest, cache));
    Ok(code)
}

/// The review of one service with the facts that it rests on, for commands that go on from there. Without a name, of the
/// only one that there is.
pub(crate) fn one(path: &Path, service: Option<&str>, progress: &Progress) -> anyhow::Result<One> {
    progress.say("reading the repository");
    let (tree, cache) = rayon::join(|| Tree::from_disk(path), || cache::open(path, true));
    let tree = tree?;
    let configuration = read_configuration(&tree)?;
    let history = || history::gather(path, history::Depth::WhereQuick, &cache);
    let manner = Manner { progress: &|what| progress.say(what), history: &history, cache: &cache };
    let mut collected = collect_with(&tree, &configuration, today(), manner);
    cache.save();
    let names: Vec<&str> = collected.services.iter().map(|facts| facts.service.name.as_str()).collect();
    let place = match service {
        Some(wanted) => names.iter().position(|name| *name == wanted),
        None if names.len() == 1 => Some(0),
        None => None,
    };
    let Some(place) = place else {
        bail!(
            "name one service with --service; found: {}",
            if names.is_empty() { "none".to_owned() } else { names.join(", ") }
        );
    };
    let facts = collected.services.swap_remove(place);
    progress.say("judging");
    let records = Records { waivers: &configuration.waivers, attestations: &configuration.attestations };
    let review = gonogo_domain::review(&gonogo_checks::catalogue(), &facts, &configuration.policy, None, records);
    Ok(One { facts, review, configuration })
}

/// One service, reviewed.
pub(crate) struct One {
    pub facts: Facts,
    pub review: Review,
    pub configuration: Configuration,
}

/// What the user asked for, and the day.
struct Setting<'a> {
    options: &'a ReviewOptions,
    today: Date,
    cache: &'a Cache,
}

impl Setting<'_> {
    /// Compares with a revision of the repository, or with an earlier report.
    ///
    /// From stage to stage only one thing differs, so that each change has one cause.
    fn since(&self, name: &str, now: &[Review], configuration: &Configuration) -> anyhow::Result<Since> {
        let file = Path::new(name);
        let (reported, revision, day) = if file.is_file() {
            let earlier = read_report(file)?;
            let Some(revision) = earlier.revision.clone() else {
                bail!("{name} names no commit, so that what it reviewed cannot be looked at again");
            };
            if revision.ends_with('+') {
                bail!("{name} reviewed changes on top of {revision} that are in no commit");
            }
            (Some(earlier.outcomes()), revision, earlier.on)
        } else {
            let day = revision::date(&self.options.path, name)?;
            (None, name.to_owned(), day)
        };
        let history = history::gather(&self.options.path, self.options.past.history.into(), self.cache);
        let past_tree = revision::tree(&self.options.path, &revision)?;
        // A broken configuration of the past has no records; what it stated is not known.
        let past = read_configuration(&past_tree).unwrap_or_default();
        let stage = |day: Date, records: &Configuration| -> Outcomes {
            // What the history holds is the same on both sides of the comparison.
            let history = || history.clone();
            let manner = Manner { progress: &|_| (), history: &history, cache: self.cache };
            let collected = collect_with(&past_tree, &past, day, manner);
            let setting = Setting { options: self.options, today: day, cache: self.cache };
            outcomes(&setting.reviews(&collected, configuration, records))
        };
        let replayed = stage(day, &past);
        let stages = Stages {
            reported: reported.unwrap_or_else(|| replayed.clone()),
            aged: stage(self.today, &past),
            recorded: stage(self.today, configuration),
            replayed,
            now: outcomes(now),
        };
        Ok(Since { name: name.to_owned(), changes: changes(&stages) })
    }

    fn know_every_service(&self, collected: &Collected) -> anyhow::Result<()> {
        let names: Vec<&str> = collected.services.iter().map(|facts| facts.service.name.as_str()).collect();
        match self.options.service.iter().find(|name| !names.contains(&name.as_str())) {
            Some(unknown) => bail!("there is no service `{unknown}` here; found: {}", names.join(", ")),
            None => Ok(()),
        }
    }

    fn reviews(&self, collected: &Collected, rules: &Configuration, records: &Configuration) -> Vec<Review> {
        let records = Records {
            waivers: if self.options.no_waivers { &[] } else { &records.waivers },
            attestations: &records.attestations,
        };
        let catalogue = gonogo_checks::catalogue();
        collected
            .services
            .par_iter()
            .filter(|facts| self.options.service.is_empty() || self.options.service.contains(&facts.service.name))
            .map(|facts| gonogo_domain::review(&catalogue, facts, &rules.policy, self.options.occasion, records))
            .collect()
    }
}

/// Reads gonogo.toml, if there is one; all its errors at once.
pub(crate) fn read_configuration(tree: &Tree) -> anyhow::Result<Configuration> {
    if !tree.contains(configuration::FILE) {
        return Ok(Configuration::default());
    }
    let text = tree.text(configuration::FILE).map_err(|reason| anyhow::anyhow!("{}: {reason}", configuration::FILE))?;
    let ids: Vec<&str> = gonogo_checks::catalogue().iter().map(|check: &&Check| check.id).collect();
    Configuration::parse(&Arc::from(configuration::FILE), &text, &ids).map_err(|errors| drawn(&errors, &text))
}

/// Every error with its line and a mark under the column.
fn drawn(errors: &[ConfigurationError], text: &str) -> anyhow::Error {
    let mut shown = format!("{} has {} error(s); nothing was reviewed", configuration::FILE, errors.len());
    for error in errors {
        // Writing to a String cannot fail.
        let _ = write!(shown, "\n\n{error}");
        let line = error.place.line().and_then(|line| Some((line, text.lines().nth(line as usize - 1)?)));
        if let Some((number, line)) = line {
            let column = match &error.place {
                gonogo_domain::Place::File { column, .. } => *column as usize,
                gonogo_domain::Place::Attestation { .. } => 1,
            };
            let line: String =
                line.chars().take(160).map(|letter| if letter.is_control() { ' ' } else { letter }).collect();
            let mark = " ".repeat(column.saturating_sub(1).min(160));
            let _ = write!(shown, "\n{number:>5} | {line}\n      | {mark}^");
        }
    }
    anyhow::anyhow!(shown)
}

fn read_report(file: &Path) -> anyhow::Result<Earlier> {
    let text = fs::read_to_string(file).with_context(|| format!("{} cannot be read", file.display()))?;
    Earlier::read(&text).map_err(|reason| anyhow::anyhow!("{} {reason}", file.display()))
}

/// Waivers for no service in particular that nothing needed, and those for services that do not exist.
fn common_problems(configuration: &Configuration, services: &[Review]) -> Vec<WaiverProblem> {
    let names: Vec<&str> = services.iter().map(|review| review.service.name.as_str()).collect();
    configuration
        .waivers
        .iter()
        .filter_map(|waiver| {
            let message = match &waiver.service {
                Some(name) if !names.contains(&name.as_str()) => Message::new(
                    format!("the waiver of {} names the service `{name}`, which does not exist here", waiver.check),
                    format!("{} 的豁免所指的服务“{name}”在此不存在", waiver.check),
                ),
                None if !services.iter().any(|review| {
                    review.of(&waiver.check).is_some_and(|one| !one.holds_or_waived() || one.waiver.is_some())
                }) =>
                {
                    Message::new(
                        format!("the waiver of {} is not needed: the check does not fail", waiver.check),
                        format!("{} 的豁免没有必要：该检查并未失败", waiver.check),
                    )
                }
                _ => return None,
            };
            Some(WaiverProblem { place: waiver.place.clone(), message })
        })
        .collect()
}

/// Names the rules that judged: the checklist, the knowledge and the policy.
fn rules(configuration: &Configuration) -> String {
    let mut hash = Sha256::new();
    hash.update(env!("CARGO_PKG_VERSION"));
    for check in gonogo_checks::catalogue() {
        hash.update(format!("{}{:?}{:?}{:?}{:?}", check.id, check.gate, check.level, check.min, check.fresh_days));
        hash.update(check.page);
    }
    hash.update(format!("{:?}", configuration.policy));
    hash.finalize().iter().take(6).fold(String::new(), |text, byte| format!("{text}{byte:02x}"))
}

pub(crate) fn repository_name(path: &Path) -> String {
    let whole = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    whole.file_name().map_or_else(|| ".".to_owned(), |name| name.to_string_lossy().into_owned())
}

#[expect(clippy::disallowed_methods, reason = "the command line is where the clock is asked")]
pub(crate) fn today() -> Date {
    jiff::Timestamp::now().to_zoned(jiff::tz::TimeZone::UTC).date()
}
