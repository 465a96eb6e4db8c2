//! Reading what the gates are judged by.

mod growth;
mod logs;
mod prometheus;
mod requests;
mod saturation;
mod scrapes;

use std::{cell::RefCell, collections::BTreeMap, sync::Arc};

use gonogo_actuators::{command, haproxy::Counters};
use gonogo_collectors::metrics::{Address, Endpoint, Limits, MetricsTrouble, Number, Prometheus};
use gonogo_domain::{
    rollout::{GateKind, Requests, gate::Reading},
    slo::{self, Objective},
};

use crate::{Actuator, Family, File, MeterFile, Metrics, Sides as Matchers, file::BySide};
use growth::{Growth, Side};
use logs::Logs;
use saturation::Before;
use scrapes::Scraped;

/// Everything that is asked in a look.
#[derive(Debug)]
pub struct Meters {
    prometheus: Option<Result<(Prometheus, Matchers), String>>,
    metrics: Option<Metrics>,
    gates: Vec<(MeterFile, GateKind)>,
    client: Result<reqwest::Client, String>,
    /// Of each gate that asks how fast a budget burns.
    objectives: BTreeMap<usize, Objectives>,
    /// Values of headers, by the variables that hold them.
    secrets: BTreeMap<String, String>,
    memory: RefCell<Memory>,
}

/// What is remembered from look to look, and lost with a kill without harm: everything is counted from the next look on.
#[derive(Debug, Default)]
struct Memory {
    /// Of each gate that reads counters.
    growth: BTreeMap<usize, Growth>,
    logs: BTreeMap<usize, Logs>,
    before: Before,
}

/// Objectives, or why there are none.
type Objectives = Result<Vec<Arc<Objective>>, String>;

/// Where meters find what is not in the rollout file.
pub struct Sources<'a> {
    /// A variable of the environment.
    pub variable: &'a dyn Fn(&str) -> Option<String>,
    /// The objectives below a folder, or of a file, of the repository.
    pub objectives: &'a dyn Fn(&str) -> Objectives,
}

/// No answer of a meter may hold up a look for longer.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(10);
const LIMITS: Limits = Limits { time: PATIENCE, bytes: 32 << 20 };

/// What was read in a look.
#[derive(Clone, Debug, PartialEq)]
pub struct Read {
    /// One for each gate.
    pub gates: Vec<Reading>,
    /// What the driver itself counts.
    pub requests: Option<Requests>,
}

/// Stable and canary.
type Sides<T> = (Option<T>, Option<T>);

/// What is read once for all gates of a look.
#[derive(Default)]
struct Once {
    counters: Option<Result<Sides<Counters>, String>>,
    /// Why Prometheus does not answer: it is asked once more at the next look, and no gate waits for it twice in one.
    silent: Option<String>,
    /// The matchers of stable and canary.
    matchers: Option<Result<[String; 2], String>>,
    scrapes: Option<Result<Sides<Scraped>, String>>,
}

impl Once {
    fn told(&mut self, trouble: &MetricsTrouble) -> String {
        let said = trouble.to_string();
        if matches!(trouble, MetricsTrouble::Unreachable { .. } | MetricsTrouble::Late { .. }) {
            self.silent = Some(said.clone());
        }
        said
    }
}

impl Meters {
    pub fn new(file: &File, sources: &Sources<'_>) -> Self {
        let variable = sources.variable;
        let prometheus = file.prometheus.as_ref().map(|asked| {
            let mut address = Address::new(&asked.url).map_err(|error| error.to_string())?;
            if let Some((name, holder)) = &asked.header {
                let value = variable(holder).ok_or_else(|| format!("the variable {holder} is not set"))?;
                address = address.with_header(name, &value).map_err(|error| error.to_string())?;
            }
            let prometheus = Prometheus::new(address, LIMITS).map_err(|error| error.to_string())?;
            Ok((prometheus, asked.sides.clone()))
        });
        // The first to ask for it decides for the process; whoever was first chose the same.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(|error| error.to_string());
        let kinds = file.plan.gates.iter().map(|gate| gate.kind);
        let gates: Vec<(MeterFile, GateKind)> = file.meters.iter().cloned().zip(kinds).collect();
        let (mut objectives, mut secrets) = (BTreeMap::new(), BTreeMap::new());
        for (place, (meter, _)) in gates.iter().enumerate() {
            match meter {
                MeterFile::Burn { objectives: folder, objective } => {
                    let found =
                        (sources.objectives)(folder).and_then(|all| chosen(all, objective.as_deref(), &file.service));
                    objectives.insert(place, found);
                }
                MeterFile::Requests { header: Some((_, holder)), .. } => {
                    secrets.extend(variable(holder).map(|value| (holder.clone(), value)));
                }
                _ => {}
            }
        }
        let metrics = file.metrics.clone();
        Self { prometheus, metrics, gates, client, objectives, secrets, memory: RefCell::default() }
    }

    /// What is known to be wrong before anything was asked.
    pub fn problems(&self) -> Vec<String> {
        let burning = self.objectives.values().filter_map(|found| found.as_ref().err().cloned());
        let unset = self.gates.iter().filter_map(|(meter, _)| match meter {
            MeterFile::Requests { header: Some((_, holder)), .. } if !self.secrets.contains_key(holder) => {
                Some(format!("the variable {holder} is not set"))
            }
            _ => None,
        });
        let prometheus = self.prometheus.as_ref().and_then(|asked| asked.as_ref().err().cloned());
        burning.chain(unset).chain(prometheus).collect()
    }

    pub async fn read(&self, actuator: &mut Actuator) -> Read {
        let mut once = Once::default();
        let mut gates = Vec::with_capacity(self.gates.len());
        for place in 0..self.gates.len() {
            let reading = Box::pin(self.one(place, actuator, &mut once)).await;
            gates.push(reading.unwrap_or_else(Reading::Error));
        }
        // A look without them is one at which the share is not measured.
        let counted = counters(actuator, &mut once).await.ok();
        let requests = counted.and_then(|(stable, canary)| {
            Some(Requests { canary: canary.map_or(0, |canary| canary.all), stable: stable?.all })
        });
        Read { gates, requests }
    }

    async fn one(&self, place: usize, actuator: &mut Actuator, once: &mut Once) -> Result<Reading, String> {
        let (meter, kind) = self.gates.get(place).ok_or("there is no such gate")?;
        match meter {
            MeterFile::HaProxy(bad) => {
                let (stable, canary) = counters(actuator, once).await?;
                let trials = |counters: Option<Counters>| counters.map(|counters| counters.trials(*bad));
                Ok(Reading::Counts { canary: trials(canary), stable: trials(stable) })
            }
            MeterFile::PromCounts { total, bad } => {
                let of = prometheus::Counted::Requests { total, bad };
                self.grown_in_prometheus(place, of, actuator, once).await
            }
            MeterFile::PromHistogram { query } => {
                let of = prometheus::Counted::Buckets(query);
                self.grown_in_prometheus(place, of, actuator, once).await
            }
            MeterFile::PromValue { query } => {
                let prometheus = self.prometheus(once)?;
                match prometheus.number(query, None).await.map_err(|error| once.told(&error))?.value {
                    Number::Is(number) => Ok(Reading::Value(Some(number))),
                    Number::NotANumber => Ok(Reading::Value(Some(f64::NAN))),
                    Number::Nothing => Ok(Reading::Value(None)),
                    Number::Several(count) => Err(format!("the query gives {count} series: add them up")),
                }
            }
            MeterFile::Counts { total, bad } => {
                self.grown_at_servers(place, scrapes::Counted::Requests { total, bad }, actuator, once).await
            }
            MeterFile::Histogram(family) => {
                let buckets = Family { name: format!("{}_bucket", family.name), ..family.clone() };
                self.grown_at_servers(place, scrapes::Counted::Buckets(&buckets), actuator, once).await
            }
            MeterFile::Http(http) => {
                let client = self.client.as_ref().map_err(Clone::clone)?;
                Ok(requests::ask(client, &http.url, http, None).await.map_or_else(Reading::NotPassed, Reading::Passed))
            }
            MeterFile::Requests { address, requests, header } => {
                let client = self.client.as_ref().map_err(Clone::clone)?;
                let servers = match address {
                    Some(address) => vec![address.clone()],
                    None => release_addresses(actuator).await?,
                };
                if servers.is_empty() {
                    return Err("no server of the release is known".to_owned());
                }
                let header = match header {
                    None => None,
                    Some((name, holder)) => {
                        let value =
                            self.secrets.get(holder).ok_or_else(|| format!("the variable {holder} is not set"))?;
                        Some((name.as_str(), value.as_str()))
                    }
                };
                for (server, asked) in servers.iter().flat_map(|server| requests.iter().map(move |one| (server, one))) {
                    let url = format!("{}{}", server.trim_end_matches('/'), asked.url);
                    if let Err(why) = requests::ask(client, &url, asked, header).await {
                        return Ok(Reading::NotPassed(format!("{} {url}: {why}", asked.method)));
                    }
                }
                Ok(Reading::Passed(format!("{} requests to {} servers", requests.len(), servers.len())))
            }
            MeterFile::Logs { files, bad } => {
                let (stable, canary) = match files {
                    BySide::Fixed { stable, canary } => (stable.clone(), canary.clone()),
                    BySide::Groups(groups) => {
                        let Actuator::HaProxy(driver) = actuator else {
                            return Err("the driver has no groups".to_owned());
                        };
                        let (stable, canary) = driver.groups().await.map_err(|trouble| trouble.to_string())?;
                        let of = |name: &str| groups.get(name).cloned().unwrap_or_default();
                        (of(&stable), of(&canary))
                    }
                };
                let mut memory = self.memory.borrow_mut();
                // By file, whatever part it has: a promotion changes the parts and not what was counted.
                let logs = memory.logs.entry(place).or_default();
                let (canary, stable) = (logs.count(&canary, bad.as_ref())?, logs.count(&stable, bad.as_ref())?);
                Ok(Reading::Counts { canary: Some(canary), stable: Some(stable) })
            }
            MeterFile::Saturation { used, capacity } => {
                let (stable, canary) = self.scrapes(actuator, once).await?;
                let scraped = canary.or(stable).unwrap_or_default();
                Ok(Reading::Value(self.memory.borrow_mut().before.fullest(place, used, capacity, &scraped)))
            }
            MeterFile::Burn { .. } => {
                let prometheus = self.prometheus(once)?;
                let objectives =
                    self.objectives.get(&place).ok_or("there is no objective")?.as_ref().map_err(Clone::clone)?;
                burning(prometheus, once, objectives).await.map(Reading::Value)
            }
            MeterFile::Command(line) => Ok(match (command::run(line, &[], &[]).await, kind) {
                (Ok(printed), GateKind::Value { .. }) => {
                    let text = String::from_utf8_lossy(&printed);
                    match text.trim() {
                        "" => Reading::Value(None),
                        number => Reading::Value(Some(number.parse().map_err(|_| "it prints no number".to_owned())?)),
                    }
                }
                (Ok(printed), _) => Reading::Passed(first(&printed)),
                (Err(trouble), GateKind::Value { .. }) => Reading::Error(trouble.to_string()),
                // Exit status 1 is an answer; that it cannot be run is none.
                (Err(trouble), _) if trouble.what.contains("exit status: 1)") => Reading::NotPassed(trouble.what),
                (Err(trouble), _) => Reading::Error(trouble.to_string()),
            }),
        }
    }

    /// What a gate reads from counters in Prometheus.
    async fn grown_in_prometheus(
        &self,
        place: usize,
        counted: prometheus::Counted<'_>,
        actuator: &mut Actuator,
        once: &mut Once,
    ) -> Result<Reading, String> {
        let prometheus = self.prometheus(once)?;
        let matchers = self.matchers(actuator, once).await?;
        let counters = prometheus::ask(prometheus, once, counted, &matchers).await?;
        Ok(self.grown(place, |growth| prometheus::add(growth, &counters, &matchers)))
    }

    /// What a gate reads from counters of the servers themselves.
    async fn grown_at_servers(
        &self,
        place: usize,
        counted: scrapes::Counted<'_>,
        actuator: &mut Actuator,
        once: &mut Once,
    ) -> Result<Reading, String> {
        let (stable, canary) = self.scrapes(actuator, once).await?;
        Ok(self.grown(place, |growth| {
            [(Side::Stable, stable), (Side::Canary, canary)]
                .map(|(side, scraped)| scrapes::add(growth, side, scraped.as_ref(), counted))
        }))
    }

    /// What a gate has seen grow, after `add` has taken how counters stand now and said which of stable and canary have some.
    fn grown(&self, place: usize, add: impl FnOnce(&mut Growth) -> [bool; 2]) -> Reading {
        let mut memory = self.memory.borrow_mut();
        let growth = memory.growth.entry(place).or_default();
        let [stable, canary] = add(growth);
        let is_latency = matches!(self.gates.get(place), Some((_, GateKind::Latency { .. })));
        if is_latency {
            let of = |is_there: bool, side| if is_there { growth.histogram(side) } else { None };
            Reading::Histograms { canary: of(canary, Side::Canary), stable: of(stable, Side::Stable) }
        } else {
            let of = |is_there: bool, side| is_there.then(|| growth.trials(side));
            Reading::Counts { canary: of(canary, Side::Canary), stable: of(stable, Side::Stable) }
        }
    }

    fn prometheus(&self, once: &Once) -> Result<&Prometheus, String> {
        if let Some(why) = &once.silent {
            return Err(why.clone());
        }
        match &self.prometheus {
            Some(Ok((prometheus, _))) => Ok(prometheus),
            Some(Err(error)) => Err(error.clone()),
            None => Err("there is no Prometheus".to_owned()),
        }
    }

    /// What stands for `$side`: of stable, then of the canary.
    async fn matchers(&self, actuator: &mut Actuator, once: &mut Once) -> Result<[String; 2], String> {
        if once.matchers.is_none() {
            once.matchers = Some(match (&self.prometheus, actuator) {
                (Some(Ok((_, Matchers::Fixed { stable, canary }))), _) => Ok([stable.clone(), canary.clone()]),
                (Some(Ok((_, Matchers::Groups(groups)))), Actuator::HaProxy(driver)) => {
                    driver.groups().await.map_err(|trouble| trouble.to_string()).and_then(|(stable, canary)| {
                        let of = |name: &str| groups.get(name).cloned();
                        let both = of(&stable).zip(of(&canary)).map(|(stable, canary)| [stable, canary]);
                        both.ok_or_else(|| "which series are of which group? write [prometheus.groups]".to_owned())
                    })
                }
                _ => Err("it is not known which series are of which release".to_owned()),
            });
        }
        once.matchers.clone().unwrap_or_else(|| Err("nothing is known of Prometheus".to_owned()))
    }

    /// Every server of each release is scraped; one that does not answer makes an error of it, because its counters would be
    /// missing from the sum.
    async fn scrapes(&self, actuator: &mut Actuator, once: &mut Once) -> Result<Sides<Scraped>, String> {
        if once.scrapes.is_none() {
            once.scrapes = Some(self.scrape_all(actuator).await);
        }
        once.scrapes.clone().unwrap_or_else(|| Err("nothing was scraped".to_owned()))
    }

    async fn scrape_all(&self, actuator: &mut Actuator) -> Result<Sides<Scraped>, String> {
        let (stable, canary) = match (&self.metrics, actuator) {
            (Some(Metrics::Addresses { stable, canary }), _) => (stable.clone(), canary.clone()),
            (Some(Metrics::Path(path)), Actuator::HaProxy(driver)) => {
                let (stable, canary) = driver.addresses().await.map_err(|trouble| trouble.to_string())?;
                let at = |hosts: Vec<String>| hosts.iter().map(|host| format!("http://{host}{path}")).collect();
                (at(stable), at(canary))
            }
            _ => return Err("it is not known where the metrics of each release are".to_owned()),
        };
        let mut sides = [None, None];
        for (place, addresses) in sides.iter_mut().zip([stable, canary]) {
            let mut scraped = Vec::with_capacity(addresses.len());
            for address in addresses {
                let endpoint = Address::new(&address).and_then(|address| Endpoint::new(address, LIMITS));
                let endpoint = endpoint.map_err(|error| error.to_string())?;
                let exposition = endpoint.scrape().await.map_err(|error| error.to_string())?;
                scraped.push((address, exposition));
            }
            *place = (!scraped.is_empty()).then(|| Scraped::new(scraped));
        }
        let [stable, canary] = sides;
        Ok((stable, canary))
    }
}

/// The objectives that a gate is about.
fn chosen(all: Vec<Arc<Objective>>, name: Option<&str>, service: &str) -> Objectives {
    let known = all.iter().map(|one| one.id()).collect::<Vec<_>>().join(", ");
    let wanted =
        |one: &Arc<Objective>| name.map_or(one.service == service, |name| one.name == name || one.id() == name);
    let found: Vec<Arc<Objective>> = all.into_iter().filter(wanted).collect();
    if found.is_empty() {
        let missing = name.map_or_else(|| format!("of the service {service}"), |name| format!("`{name}`"));
        return Err(format!("there is no objective {missing}; there are {known}"));
    }
    match found.iter().find(|one| one.error_ratio(gonogo_domain::rules::Span::minutes(5)).is_none()) {
        Some(one) => {
            Err(format!("`{}` counts slices of time: how fast it burns cannot be asked in one query", one.id()))
        }
        None => Ok(found),
    }
}

/// How near the worst objective is to waking somebody: 1 is there. None: nothing is known of one of them.
async fn burning(
    prometheus: &Prometheus,
    once: &mut Once,
    objectives: &[Arc<Objective>],
) -> Result<Option<f64>, String> {
    let mut worst: Option<f64> = None;
    for objective in objectives {
        let pairs = slo::pairs(objective.period.length());
        let mut ratios = BTreeMap::new();
        for window in
            pairs.iter().filter(|pair| pair.severity == slo::Severity::Page).flat_map(|pair| [pair.long, pair.short])
        {
            let Some(query) = objective.error_ratio(window) else { continue };
            let samples = prometheus.instant(&query, None).await.map_err(|error| once.told(&error))?.value;
            let values = samples.iter().map(|sample| sample.value).filter(|value| !value.is_nan());
            ratios.extend(values.reduce(f64::max).map(|ratio| (window, ratio)));
        }
        let Some(urgency) = slo::urgency(&pairs, objective.budget(), &|window| ratios.get(&window).copied()) else {
            return Ok(None);
        };
        worst = Some(worst.map_or(urgency, |known| known.max(urgency)));
    }
    Ok(worst)
}

/// Where each server of the canary is asked itself.
async fn release_addresses(actuator: &mut Actuator) -> Result<Vec<String>, String> {
    let Actuator::HaProxy(driver) = actuator else {
        return Err("the driver does not know where the servers of the canary listen: write `address`".to_owned());
    };
    let (_, canary) = driver.addresses().await.map_err(|trouble| trouble.to_string())?;
    Ok(canary.iter().map(|host| format!("http://{host}")).collect())
}

/// What the driver counts, asked once in a look.
async fn counters(actuator: &mut Actuator, once: &mut Once) -> Result<Sides<Counters>, String> {
    if once.counters.is_none() {
        once.counters = Some(match actuator {
            Actuator::HaProxy(driver) => driver.counters().await.map_err(|trouble| trouble.to_string()),
            Actuator::Script(_) | Actuator::Kubernetes(_) => Err("the driver counts nothing".to_owned()),
        });
    }
    once.counters.clone().unwrap_or(Ok((None, None)))
}

fn first(printed: &[u8]) -> String {
    let text = String::from_utf8_lossy(printed);
    text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or("passed").chars().take(200).collect()
}
