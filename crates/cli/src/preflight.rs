//! `gonogo preflight`: asks what has to be so at this moment, and decides.

use std::{
    env,
    io::{self, Write as _},
    process::ExitCode,
    time::Duration,
};

use anyhow::{Context as _, bail};
use console::{Style, Term};
use gonogo_actuators::{
    Driver as _,
    kubernetes::{Kubernetes, Strategy},
};
use gonogo_collectors::{
    endpoint,
    metrics::{Address, Limits, MetricsTrouble, Prometheus, Target},
};
use gonogo_domain::{
    Lang,
    evidence::RuleKind,
    preflight::{
        self, Item, LoadedRule, Preflight, Reported, ScrapeTarget, Seen, Unseen, VendorPlan, Verdict, WrittenRule,
    },
    slo,
};
use gonogo_release::{Actuator, DriverFile};
use gonogo_report::clean::clean;
use serde_json::json;

use crate::{
    arguments::{Common, PreflightOptions},
    output,
    progress::Progress,
    review, rollout,
    slo::{
        gate,
        options::{Asked, Exempting, Objectives},
    },
};

/// The questions, in the order in which they are shown.
const QUESTIONS: &[&str] =
    &["review", "staging", "version", "status-page", "vendor", "keys", "rules", "targets", "budget", "rollback"];

pub(crate) fn run(options: &PreflightOptions, common: &Common) -> anyhow::Result<ExitCode> {
    if let Some(unknown) = options.only.iter().find(|id| !QUESTIONS.contains(&id.as_str())) {
        bail!("there is no question `{unknown}`: {}", QUESTIONS.join(", "));
    }
    let progress = Progress::start();
    let reviewed = review::one(&options.path, options.service.as_deref(), &progress)?;
    let name = reviewed.review.service.name.clone();
    let plan = reviewed.configuration.service(&name).map(|service| service.preflight.clone()).unwrap_or_default();
    progress.say("asking");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let mut driven = Driven::open(options, &plan)?;
    let items = runtime.block_on(items(options, &reviewed, &plan, driven.as_mut()));
    drop(progress);
    let decision = preflight::decision(&items);
    let mut out = io::stdout().lock();
    if options.json {
        let document = json!({
            "service": name, "decision": decision, "release": options.release, "deployed": options.deployed, "items": items,
        });
        serde_json::to_writer_pretty(&mut out, &document)?;
        writeln!(out)?;
    } else {
        show(&mut out, &name, &items, common)?;
    }
    Ok(ExitCode::from(decision.exit_code()))
}

/// Every question that is wanted is asked, whatever the others say: who fixes one thing wants to know of all.
async fn items(
    options: &PreflightOptions,
    reviewed: &review::One,
    plan: &Preflight,
    mut driven: Option<&mut Driven>,
) -> Vec<Item> {
    let review = &reviewed.review;
    let wanted = |id: &str| options.only.is_empty() || options.only.iter().any(|one| one == id);
    let mut items = Vec::new();
    if wanted("review") {
        items.push(preflight::review(review));
    }
    if wanted("staging") {
        let by_record = preflight::staging(review);
        if plan.staging.is_some() || by_record.is_none() {
            let seen = reported(plan.staging.as_ref()).await;
            items.push(preflight::version("staging", "staging", options.release.as_deref(), &seen));
        }
        items.extend(by_record);
    }
    if wanted("version") {
        let seen = reported(plan.version.as_ref()).await;
        items.push(preflight::version("version", "production", options.deployed.as_deref(), &seen));
    }
    for page in plan.status_pages.iter().filter(|_| wanted("status-page")) {
        items.push(preflight::status_page(page, &endpoint::status_page(&page.url).await));
    }
    for vendor in plan.vendors.iter().filter(|_| wanted("vendor")) {
        items.push(preflight::vendor(vendor, &asked(vendor).await));
    }
    if wanted("keys") {
        items.push(match driven.as_deref_mut().and_then(Driven::cluster) {
            Some(cluster) => {
                let seen = cluster.keys(&plan.keys).await.map_err(|trouble| trouble.to_string());
                preflight::keys_of_workload(&plan.keys, &seen)
            }
            None => preflight::keys(&plan.keys, |name| env::var_os(name).is_some_and(|value| !value.is_empty())),
        });
    }
    let prometheus = prometheus(options.prometheus.as_ref().or(plan.prometheus.as_ref()));
    if wanted("rules") {
        items.push(preflight::rules(&written(reviewed), &rules(&prometheus).await));
    }
    if wanted("targets") {
        let job = plan.job.as_deref().unwrap_or(&review.service.name);
        items.push(preflight::targets(job, &targets(&prometheus, job).await));
    }
    if wanted("budget") {
        items.push(preflight::budget(&budgets(options, plan).await));
    }
    if wanted("rollback") {
        items.push(preflight::rollback(review));
        if let Some(driven) = driven {
            items.push(preflight::driver(&driven.about, &driven.actuator.observe().await));
        }
    }
    items
}

/// What the rollout file of production drives.
struct Driven {
    actuator: Actuator,
    about: String,
}

impl Driven {
    /// None: no rollout file is named.
    fn open(options: &PreflightOptions, plan: &Preflight) -> anyhow::Result<Option<Self>> {
        let configured = plan.rollout.as_ref().map(|path| options.path.join(path));
        let Some(path) = options.rollout.clone().or(configured) else { return Ok(None) };
        // Which release it is does not matter to somebody who looks.
        let opened = rollout::Opened::read(&path, Some("unknown"))?;
        let about = match &opened.file.driver {
            DriverFile::HaProxy(config) => format!("backend {} of HAProxy", config.backend),
            DriverFile::Script(_) => "a command".to_owned(),
            DriverFile::Kubernetes(settings) => match &settings.strategy {
                Strategy::ArgoRollouts => format!("rollout/{}", settings.workload),
                Strategy::Flagger => format!("canary/{}", settings.workload),
                _ => format!("deployment/{}", settings.workload),
            },
        };
        Ok(Some(Self { actuator: rollout::looking(&opened)?, about }))
    }

    fn cluster(&mut self) -> Option<&mut Kubernetes> {
        match &mut self.actuator {
            Actuator::Kubernetes(cluster) => Some(cluster),
            Actuator::HaProxy(_) | Actuator::Script(_) => None,
        }
    }
}

async fn reported(plan: Option<&Reported>) -> Result<String, String> {
    let plan = plan.ok_or("no address is named")?;
    let address = Address::new(&plan.url).map_err(|error| error.to_string())?;
    let seen = endpoint::get(address).await.map_err(|error| error.to_string())?;
    if seen.status != 200 {
        return Err(format!("{} answers {}", plan.url, seen.status));
    }
    match &plan.field {
        Some(field) => {
            seen.field(field).ok_or_else(|| format!("there is no text at {field} in the answer of {}", plan.url))
        }
        None => seen.word().ok_or_else(|| format!("the answer of {} is no version: name its `field`", plan.url)),
    }
}

async fn asked(plan: &VendorPlan) -> Result<Seen, Unseen> {
    let unreachable = |error: MetricsTrouble| Unseen::Unreachable(error.to_string());
    let mut address = Address::new(&plan.url).map_err(unreachable)?;
    if let Some((header, variable)) = &plan.header {
        let key = env::var(variable).ok().filter(|key| !key.is_empty()).ok_or(Unseen::NoKey)?;
        address = address.with_header(header, &key).map_err(unreachable)?;
    }
    let seen = endpoint::get(address).await.map_err(unreachable)?;
    Ok(Seen {
        status: seen.status,
        took_ms: u64::try_from(seen.took.as_millis()).unwrap_or(u64::MAX),
        field: plan.expect.as_ref().and_then(|(field, _)| seen.field(field)),
    })
}

/// Where Prometheus is asked, or why it is not.
fn prometheus(url: Option<&String>) -> Result<Prometheus, String> {
    let address = Address::new(url.ok_or("no address is named")?).map_err(|error| error.to_string())?;
    Prometheus::new(address, Limits::default()).map_err(|error| error.to_string())
}

async fn rules(prometheus: &Result<Prometheus, String>) -> Result<Vec<LoadedRule>, String> {
    let groups = prometheus.as_ref()?.rules().await.map_err(|error| error.to_string())?.value;
    let alerting = groups.into_iter().flat_map(|group| group.rules).filter(|rule| rule.kind == "alerting");
    Ok(alerting.map(|rule| LoadedRule { error: some(&rule.last_error), name: rule.name }).collect())
}

async fn targets(prometheus: &Result<Prometheus, String>, job: &str) -> Result<Vec<ScrapeTarget>, String> {
    let all = prometheus.as_ref()?.targets().await.map_err(|error| error.to_string())?.value;
    let of_job = all.into_iter().filter(|target| target.labels.get("job").is_some_and(|name| name == job));
    let target = |one: Target| {
        let error = match one.health.as_str() {
            "up" => None,
            health => some(&one.last_error).or_else(|| some(health)),
        };
        ScrapeTarget { url: one.url, error }
    };
    Ok(of_job.map(target).collect())
}

/// The verdict of the budgets, which is kept nowhere: that is for the gate that lets a release pass.
async fn budgets(options: &PreflightOptions, plan: &Preflight) -> Result<(slo::Verdict, String), String> {
    let mut objectives = Objectives::of(options.path.clone());
    objectives.service.extend(options.service.clone());
    let asked = Asked {
        prometheus: Some(options.prometheus.clone().or_else(|| plan.prometheus.clone()).ok_or("no address is named")?),
        header: None,
        timeout: Duration::from_secs(30),
    };
    let gated = gate::ask(&objectives, &asked, &Exempting::default(), None).await.map_err(|error| error.to_string())?;
    Ok((gated.verdict, gated.sentence()))
}

fn some(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}

fn written(reviewed: &review::One) -> Vec<WrittenRule> {
    let alerting = reviewed.facts.alert_rules.items.iter().filter(|rule| rule.kind == RuleKind::Alerting);
    let mut names: Vec<&str> = alerting.map(|rule| rule.name.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    names.into_iter().map(|name| WrittenRule { name: name.to_owned() }).collect()
}

fn show(out: &mut dyn io::Write, service: &str, items: &[Item], common: &Common) -> anyhow::Result<()> {
    let lang: Lang = common.lang.into();
    let color = output::colored(common, Term::stdout().is_term());
    let decision = preflight::decision(items);
    writeln!(out, "[{}]  {}", decision.title().get(lang), clean(service)).context("nothing can be written")?;
    writeln!(out)?;
    for item in items {
        let (mark, style) = match item.verdict {
            Verdict::Ready => ("✓", Style::new().green()),
            Verdict::Unknown => ("?", Style::new().yellow()),
            Verdict::NotReady => ("✗", Style::new().red()),
        };
        let mark = style.force_styling(color).apply_to(mark);
        writeln!(out, "  {mark} {:<12} {}", item.id, clean(item.told.get(lang)))?;
        if let Some(settle) = &item.settle {
            writeln!(out, "      {}", clean(settle.get(lang)))?;
        }
    }
    Ok(())
}
