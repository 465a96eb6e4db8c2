//! What the commands on alerts know of a service: from its repository, from its metrics, and from options.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    time::Duration,
};

use anyhow::{Context as _, bail, ensure};
use gonogo_collectors::{
    Tree, collect, exposure,
    metrics::{Address, Endpoint, Limits, exposition::Exposition},
};
use gonogo_domain::{
    Conclusion, Evidence, Facts, Message, Policy, Run,
    alerts::{Exposure, Lack, Owner, Signals, Wish, names},
    evidence::{Document, DocumentKind},
    rules::Span,
};
use gonogo_formats::promql;

use super::AlertsTarget;
use crate::review::{read_configuration, today};

/// Bytes of a scrape.
const LARGEST: usize = 64 << 20;

/// One service with its signals.
pub(crate) struct Known {
    pub facts: Facts,
    pub exposure: Exposure,
    pub signals: Signals,
    pub owner: Owner,
    /// What is missing beside what the signals miss.
    pub lacks: Vec<Lack>,
}

impl Known {
    pub(crate) fn find(options: &AlertsTarget) -> anyhow::Result<Self> {
        let tree = Tree::from_disk(&options.path)?;
        let configuration = read_configuration(&tree)?;
        let mut services = collect(&tree, &configuration, today()).services;
        if let Some(name) = &options.service {
            services.retain(|facts| facts.service.name == *name);
        }
        let names: Vec<String> = services.iter().map(|facts| facts.service.name.clone()).collect();
        let facts = match (services.pop(), services.is_empty()) {
            (Some(only), true) => only,
            (Some(_), false) => bail!("{} services are here: --service {}", names.len(), names.join(" | ")),
            (None, _) => match &options.service {
                Some(name) => bail!("no service {name} is in {}", options.path.display()),
                None => bail!("no service was found in {}", options.path.display()),
            },
        };
        let run =
            configuration.services.iter().find(|one| one.name == facts.service.name).and_then(|one| one.run.as_ref());
        Self::of(facts, run, options)
    }

    pub(crate) fn of(facts: Facts, run: Option<&Run>, options: &AlertsTarget) -> anyhow::Result<Self> {
        let mut exposure = exposure::of_repository(&facts);
        if let Some(from) = &options.metrics {
            exposure::of_scrape(&scrape(from)?, from, &mut exposure);
        }
        let wish = wish(options, run)?;
        let signals = Signals::of(&exposure, &wish, &facts.service.name, talks_to_clay(&facts));
        let (owner, lacks) = owner(&facts, &signals, options);
        Ok(Self { facts, exposure, signals, owner, lacks })
    }

    /// Where each of the metrics was seen, for the head of a file.
    pub(crate) fn origins(&self) -> Vec<String> {
        let mut lines = Vec::new();
        let counts = [&self.signals.requests, &self.signals.clay.as_ref().and_then(|clay| clay.requests.clone())];
        for count in counts.into_iter().flatten() {
            let values = if count.values_seen { "" } else { "; its values were not seen and are taken for statuses" };
            lines.push(format!("{}, {} as the status: {}{values}", count.metric, count.label, count.origin));
        }
        let timings = [&self.signals.duration, &self.signals.clay.as_ref().and_then(|clay| clay.duration.clone())];
        for timing in timings.into_iter().flatten() {
            let bounds = if timing.bounds.is_empty() { "; its buckets were not seen" } else { "" };
            lines.push(format!("{}: {}{bounds}", timing.metric, timing.origin));
        }
        let limited = self.signals.saturation.iter().filter(|one| one.limit.is_some());
        lines.extend(limited.map(|one| format!("{}: {}", one.used, one.origin)));
        match &self.signals.interval {
            Some(origin) => lines.push(format!("scraped every {}: {origin}", self.signals.pace.interval)),
            None => lines.push(format!(
                "scraped every {}, as Prometheus does unless it is told otherwise: --scrape-interval",
                self.signals.pace.interval
            )),
        }
        if self.signals.pace.faster > 1 {
            lines.push(format!(
                "FOR A REHEARSAL: every window and wait is {} times shorter than in production",
                self.signals.pace.faster
            ));
        }
        lines
    }
}

fn scrape(from: &str) -> anyhow::Result<Exposition> {
    if from.starts_with("http://") || from.starts_with("https://") {
        let limits = Limits { time: Duration::from_secs(10), bytes: LARGEST };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let endpoint = Endpoint::new(Address::new(from)?, limits)?;
        return runtime.block_on(endpoint.scrape()).with_context(|| format!("asking {from} for its metrics"));
    }
    let size = fs::metadata(from).with_context(|| format!("{from} could not be read"))?.len();
    ensure!(size <= LARGEST as u64, "{from} is larger than {LARGEST} bytes");
    let text = fs::read_to_string(from).with_context(|| format!("{from} could not be read"))?;
    Exposition::read(&text).map_err(|reason| anyhow::anyhow!("{from} holds no metrics: {reason}"))
}

fn wish(options: &AlertsTarget, run: Option<&Run>) -> anyhow::Result<Wish> {
    let mut wish = Wish { faster: options.faster, ..Wish::default() };
    if let Some(selector) = &options.selector {
        let inner = selector.trim().trim_start_matches('{').trim_end_matches('}').trim();
        let read = promql::parse(&format!("up{{{inner}}}"));
        let read = read.map_err(|reason| anyhow::anyhow!("--selector `{selector}` cannot be read: {reason}"))?;
        ensure!(
            read.metrics.iter().any(|one| !one.matchers.is_empty()) && read.metrics.len() == 1,
            "--selector `{selector}` has no matcher: write job=\"NAME\""
        );
        wish.selector = Some(inner.to_owned());
    }
    let (requests, status) = labelled("--requests", options.requests.as_deref())?;
    let (clay_requests, clay_status) = labelled("--clay-requests", options.clay_requests.as_deref())?;
    (wish.requests, wish.status, wish.clay_requests, wish.clay_status) = (requests, status, clay_requests, clay_status);
    wish.duration = options.duration.as_deref().map(|name| metric("--duration", name)).transpose()?;
    wish.clay_duration = options.clay_duration.as_deref().map(|name| metric("--clay-duration", name)).transpose()?;
    for pair in &options.saturation {
        let Some((used, limit)) = pair.split_once('=') else {
            bail!("--saturation `{pair}` names no limit: USED=LIMIT, two metrics");
        };
        wish.saturation.push((metric("--saturation", used)?, metric("--saturation", limit)?));
    }
    if let Some(interval) = &options.scrape_interval {
        let span: Span = interval.parse().context("--scrape-interval")?;
        ensure!(!span.is_zero(), "--scrape-interval is nothing");
        wish.interval = Some(span);
    }
    let promised = run.and_then(|run| run.limits.p99);
    wish.slow = options.slow.or(promised).map(|slow| slow.as_secs_f64());
    Ok(wish)
}

fn metric(option: &str, name: &str) -> anyhow::Result<String> {
    let valid = name.starts_with(|letter: char| letter.is_ascii_alphabetic() || letter == '_')
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b':'));
    ensure!(valid, "{option} `{name}` is no name of a metric");
    Ok(name.to_owned())
}

/// `METRIC` or `METRIC:LABEL`.
fn labelled(option: &str, text: Option<&str>) -> anyhow::Result<(Option<String>, Option<String>)> {
    let Some(text) = text else { return Ok((None, None)) };
    let (name, label) = match text.rsplit_once(':') {
        Some((name, label)) => (name, Some(label)),
        None => (text, None),
    };
    if let Some(label) = label {
        ensure!(gonogo_domain::rules::is_label_name(label), "{option} `{text}`: `{label}` is no name of a label");
    }
    Ok((Some(metric(option, name)?), label.map(str::to_owned)))
}

/// The review asks its Clay checks of whoever talks to Clay; so do we.
fn talks_to_clay(facts: &Facts) -> bool {
    let catalogue = gonogo_checks::catalogue();
    let Some(check) = catalogue.iter().find(|check| check.id == "clay.alerts") else { return false };
    if !check.classes.contains(facts.service.class) {
        return false;
    }
    let readings = (check.judge)(&Evidence::new(facts), &Policy::default());
    readings.iter().all(|(_, reading)| reading.conclusion != Conclusion::NotApplicable)
}

/// Who owns the alerts, and where their runbooks are.
fn owner(facts: &Facts, signals: &Signals, options: &AlertsTarget) -> (Owner, Vec<Lack>) {
    let service = facts.service.name.clone();
    let team = options.owner.clone().or_else(|| facts.service.owner.clone());
    let mut lacks = Vec::new();
    if team.is_none() {
        lacks.push(Lack {
            of: "the label team",
            what: Message::new("no owner of the service is known", "未知服务的负责人"),
            settle: Message::new("--owner TEAM, or owner in gonogo.toml", "--owner 团队，或 gonogo.toml 中的 owner"),
        });
    }
    let alerts: Vec<String> =
        names(signals).into_iter().map(|(name, ..)| name).collect::<BTreeSet<_>>().into_iter().collect();
    let runbooks: Vec<&Document> =
        facts.documents.items.iter().filter(|one| one.kind == DocumentKind::Runbook).collect();
    let mut links = BTreeMap::new();
    let mut open = Vec::new();
    for name in alerts {
        let own = runbooks.iter().find(|document| mentions(document, &name));
        let linked = facts.alert_rules.items.iter().filter(|rule| rule.name == name && rule.production);
        let linked = linked.into_iter().find_map(|rule| rule.annotations.get("runbook_url"));
        let link = match (&options.runbooks, linked, own) {
            (Some(base), ..) => format!("{}/{}", base.trim_end_matches('/'), slug(&name)),
            // An alert of this name is there already, and knows its section.
            (None, Some(link), _) if !link.value.contains("{{") => link.value.clone(),
            (None, _, Some(document)) => document.place.path().to_owned(),
            (None, ..) => {
                let file = runbook_file(&service, &name);
                if !facts.files.items.iter().any(|entry| *entry.path == *file) {
                    open.push(name.clone());
                }
                file
            }
        };
        links.insert(name, link);
    }
    if !open.is_empty() {
        lacks.push(Lack {
            of: "runbooks that alerts lead to",
            what: Message::new(
                format!("no runbook names {}", open.join(", ")),
                format!("没有运行手册提到 {}", open.join("、")),
            ),
            settle: Message::new(
                format!(
                    "the runbooks at {}, which `gonogo init --deploy` begins, or --runbooks URL",
                    runbook_file(&service, "NAME")
                ),
                format!(
                    "在 {} 编写运行手册（`gonogo init --deploy` 生成开头），或 --runbooks URL",
                    runbook_file(&service, "NAME")
                ),
            ),
        });
    }
    (Owner { service, team, runbooks: links }, lacks)
}

fn mentions(document: &Document, alert: &str) -> bool {
    let word =
        |text: &str| text.split(|letter: char| !letter.is_alphanumeric() && letter != '_').any(|word| word == alert);
    document.sections.iter().any(|section| word(&section.heading) || word(&section.text))
}

/// `docs/runbooks/shop/errors-high.md`.
pub(crate) fn runbook_file(service: &str, alert: &str) -> String {
    let folder: String = service
        .chars()
        .map(|letter| if letter.is_ascii_alphanumeric() || letter == '-' { letter } else { '-' })
        .collect();
    format!("docs/runbooks/{folder}/{}.md", slug(alert))
}

/// `ErrorsHigh` as `errors-high`.
fn slug(name: &str) -> String {
    if name.chars().all(|letter| letter.is_ascii_uppercase()) {
        return name.to_owned();
    }
    let mut slug = String::new();
    for letter in name.chars() {
        if letter.is_ascii_uppercase() && !slug.is_empty() {
            slug.push('-');
        }
        slug.push(letter.to_ascii_lowercase());
    }
    slug
}
