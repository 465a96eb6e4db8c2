//! `gonogo init --deploy`: what a deployment needs beside the program, as far as the repository tells it.
//!
//! Nothing is made up: a number that only the owner can know is left open in a way that no check takes for done, and what
//! is there already is left alone.

mod cluster;
mod manifests;
mod objectives;
mod rollout;
mod runbooks;

use std::{
    fs,
    io::{self, Write as _},
    path::Path,
    process::ExitCode,
};

use anyhow::{Context as _, bail};
use gonogo_collectors::{Tree, collect};
use gonogo_domain::{Class, Run, alerts::rules};
use gonogo_report::{clean::clean, grafana};
use serde_json::json;

use crate::{
    alerts::{AlertsTarget, Known, made_dashboard, rules_text, tests_text},
    arguments::InitOptions,
    review::{read_configuration, today},
};

/// A file that is proposed.
struct Proposed {
    path: String,
    text: String,
}

/// Something that is not proposed, and why.
struct Left {
    what: String,
    why: String,
}

#[derive(Default)]
struct Proposal {
    files: Vec<Proposed>,
    left: Vec<Left>,
}

impl Proposal {
    fn file(&mut self, path: impl Into<String>, text: impl Into<String>) {
        self.files.push(Proposed { path: path.into(), text: text.into() });
    }

    fn left(&mut self, what: impl Into<String>, why: impl Into<String>) {
        self.left.push(Left { what: what.into(), why: why.into() });
    }
}

pub(super) fn run(options: &InitOptions) -> anyhow::Result<ExitCode> {
    let tree = Tree::from_disk(&options.path)?;
    let configuration = read_configuration(&tree)?;
    let mut services = collect(&tree, &configuration, today()).services;
    services.retain(|facts| {
        let runs = matches!(facts.service.class, Class::Server | Class::Worker);
        if options.service.is_empty() { runs } else { options.service.contains(&facts.service.name) }
    });
    if let Some(unknown) = options.service.iter().find(|name| services.iter().all(|one| one.service.name != **name)) {
        bail!("no service {unknown} is in {}", options.path.display());
    }
    if options.metrics.is_some() && services.len() > 1 {
        bail!("--metrics is of one service: name it with --service");
    }
    let mut proposal = Proposal::default();
    for facts in services {
        let run =
            configuration.services.iter().find(|one| one.name == facts.service.name).and_then(|one| one.run.as_ref());
        let target = AlertsTarget {
            metrics: options.metrics.clone(),
            selector: options.selector.clone(),
            ..AlertsTarget::default()
        };
        propose(&Known::of(facts, run, &target)?, run, &mut proposal)?;
    }
    // What is there is somebody's work.
    let (there, new): (Vec<_>, Vec<_>) =
        proposal.files.into_iter().partition(|file| options.path.join(&file.path).symlink_metadata().is_ok());
    proposal.left.extend(there.into_iter().map(|file| Left { what: file.path, why: "it is there".to_owned() }));
    proposal.files = new;
    if options.json {
        let files: Vec<_> = proposal.files.iter().map(|file| json!({"path": file.path, "text": file.text})).collect();
        let left: Vec<_> = proposal.left.iter().map(|left| json!({"what": left.what, "why": left.why})).collect();
        writeln!(io::stdout(), "{}", serde_json::to_string_pretty(&json!({"files": files, "left": left}))?)?;
        return Ok(ExitCode::SUCCESS);
    }
    for file in &proposal.files {
        if options.write {
            write(&options.path, file)?;
            writeln!(io::stdout(), "wrote {}", clean(&file.path))?;
        } else {
            writeln!(io::stdout(), "==> {} <==\n{}", clean(&file.path), file.text)?;
        }
    }
    let mut out = io::stderr().lock();
    for left in &proposal.left {
        writeln!(out, "{}", clean(&format!("left out: {}: {}", left.what, left.why)))?;
    }
    if !options.write && !proposal.files.is_empty() {
        writeln!(out, "nothing was written; --write writes {} files", proposal.files.len())?;
    }
    Ok(ExitCode::SUCCESS)
}

/// A new file below the root; folders on the way are made, and a link among them is not followed.
fn write(root: &Path, file: &Proposed) -> anyhow::Result<()> {
    let mut folder = root.to_owned();
    let mut parts: Vec<&str> = file.path.split('/').collect();
    let name = parts.pop().unwrap_or_default();
    for part in parts {
        folder.push(part);
        match fs::symlink_metadata(&folder) {
            Ok(known) if known.is_dir() => (),
            Ok(_) => bail!("{} is no folder: nothing is written through it", folder.display()),
            Err(_) => fs::create_dir(&folder).with_context(|| format!("{} could not be made", folder.display()))?,
        }
    }
    let path = folder.join(name);
    let mut handle = fs::File::create_new(&path).with_context(|| format!("{} could not be created", path.display()))?;
    handle.write_all(file.text.as_bytes()).with_context(|| format!("{} could not be written", path.display()))
}

fn propose(known: &Known, run: Option<&Run>, proposal: &mut Proposal) -> anyhow::Result<()> {
    let facts = &known.facts;
    let service = &facts.service.name;
    let name = file_name(service);
    manifests::propose(known, &name, proposal);
    rollout::propose(known, run, &name, proposal)?;
    objectives::propose(known, run, &name, proposal);

    let rules = rules(&known.signals, &known.owner);
    let own_rules = facts.alert_rules.items.iter().any(|rule| rule.production);
    if own_rules {
        proposal.left(format!("alert rules of {service}"), "there are some; `gonogo alerts rules` prints ours");
    } else if rules.alerts.is_empty() {
        for lack in &known.signals.lacks {
            proposal.left(
                format!("alert rules of {service} ({})", lack.of),
                format!("{}: {}", lack.what.en, lack.settle.en),
            );
        }
    } else {
        let file = format!("{name}-alerts.yml");
        proposal.file(format!("monitoring/{file}"), String::from_utf8_lossy(&rules_text(known, &rules)?));
        let tests = tests_text(known, &rules, &file)?;
        proposal.file(format!("monitoring/{name}-alerts.test.yml"), String::from_utf8_lossy(&tests));
        runbooks::propose(known, &rules, &name, proposal);
    }
    if facts.dashboards.items.is_empty() {
        let (dashboard, _) = made_dashboard(known)?;
        if dashboard.rows.is_empty() {
            proposal.left(format!("a dashboard of {service}"), "no metric of it is known: --metrics and --selector");
        } else {
            let mut text = Vec::new();
            grafana::write(&dashboard, &mut text)?;
            proposal.file(format!("monitoring/{name}-dashboard.json"), String::from_utf8_lossy(&text));
        }
    } else {
        proposal.left(format!("a dashboard of {service}"), "there is one; `gonogo alerts dashboard` prints ours");
    }
    Ok(())
}

/// A name that is one part of a path, whatever the service is called.
fn file_name(service: &str) -> String {
    let plain = |letter: char| if letter.is_ascii_alphanumeric() || letter == '-' { letter } else { '-' };
    let name: String = service.chars().map(plain).collect();
    name.trim_matches('-').chars().take(60).collect()
}

/// A text as YAML and JSON quote it.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// One line of a comment.
fn line(text: &str) -> String {
    clean(text).replace(char::is_control, " ")
}
