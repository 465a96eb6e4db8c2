//! Reading what the gates are judged by.

mod logs;
mod requests;
mod saturation;

use std::{cell::RefCell, collections::BTreeMap, sync::Arc};

use gonogo_actuators::{command, haproxy::Counters};
use gonogo_collectors::metrics::{
    Address, Endpoint, Limits, MetricsTrouble, Number, Prometheus,
    exposition::{Exposition, Sample},
};
use gonogo_domain::{
    rollout::{GateKind, Requests, gate::Reading, latency::Histogram, sequential::Trials},
    slo::{self, Objective},
};
use regex::Regex;

use crate::{Actuator, Family, File, MeterFile, Metrics, Sides as Matchers, file::BySide};
use logs::Logs;
use saturation::Before;

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
    scrapes: Option<Result<Sides<Vec<Exposition>>, String>>,
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
                let prometheus = self.prometheus(once)?;
                let mut sides = [None, None];
                for (place, side) in sides.iter_mut().zip(&self.matchers(actuator, once).await?) {
                    let all = count(prometheus, once, &total.replace("$side", side)).await?;
                    // No series of what goes wrong yet is none of it; no series at all is no data.
                    let bad = count(prometheus, once, &bad.replace("$side", side)).await?.unwrap_or(0);
                    *place = all.map(|all| Trials { all, bad });
                }
                let [stable, canary] = sides;
                Ok(Reading::Counts { canary, stable })
            }
            MeterFile::PromHistogram { query } => {
                let prometheus = self.prometheus(once)?;
                let mut sides = [None, None];
                for (place, side) in sides.iter_mut().zip(&self.matchers(actuator, once).await?) {
                    let answer = prometheus.instant(&query.replace("$side", side), None).await;
                    let samples = answer.map_err(|error| once.told(&error))?.value;
                    let buckets = samples
                        .iter()
                        .filter_map(|sample| Some((sample.labels.get("le")?.parse().ok()?, sample.value)));
                    *place = histogram(buckets);
                }
                let [stable, canary] = sides;
                Ok(Reading::Histograms { canary, stable })
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
                let (stable, canary) = self.scrapes(actuator, once).await?;
                let count = |side: Option<Vec<Exposition>>| counted(&side?, total, bad);
                Ok(Reading::Counts { canary: count(canary), stable: count(stable) })
            }
            MeterFile::Histogram(family) => {
                let (stable, canary) = self.scrapes(actuator, once).await?;
                let buckets = Family { name: format!("{}_bucket", family.name), ..family.clone() };
                let read = |side: Option<Vec<Exposition>>| {
                    let side = side?;
                    let samples = buckets.of(&side);
                    let bounds =
                        samples.filter_map(|sample| Some((sample.labels.get("le")?.parse().ok()?, sample.value)));
                    histogram(bounds).or_else(|| buckets.is_there(&side).then(Histogram::default))
                };
                Ok(Reading::Histograms { canary: read(canary), stable: read(stable) })
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
                let scrapes = canary.or(stable).unwrap_or_default();
                Ok(Reading::Value(self.memory.borrow_mut().before.fullest(place, used, capacity, &scrapes)))
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
    async fn scrapes(&self, actuator: &mut Actuator, once: &mut Once) -> Result<Sides<Vec<Exposition>>, String> {
        if once.scrapes.is_none() {
            once.scrapes = Some(self.scrape_all(actuator).await);
        }
        match &mut once.scrapes {
            Some(Ok((stable, canary))) => Ok((copies(stable.as_deref()), copies(canary.as_deref()))),
            Some(Err(error)) => Err(error.clone()),
            None => Err("nothing was scraped".to_owned()),
        }
    }

    async fn scrape_all(&self, actuator: &mut Actuator) -> Result<Sides<Vec<Exposition>>, String> {
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
            let mut scrapes = Vec::with_capacity(addresses.len());
            for address in addresses {
                let endpoint = Address::new(&address).and_then(|address| Endpoint::new(address, LIMITS));
                let endpoint = endpoint.map_err(|error| error.to_string())?;
                scrapes.push(endpoint.scrape().await.map_err(|error| error.to_string())?);
            }
            *place = Some(scrapes).filter(|scrapes| !scrapes.is_empty());
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

fn copies(scrapes: Option<&[Exposition]>) -> Option<Vec<Exposition>> {
    let copy = |scrape: &Exposition| {
        let mut copy = Exposition::default();
        copy.samples.clone_from(&scrape.samples);
        copy
    };
    scrapes.map(|scrapes| scrapes.iter().map(copy).collect())
}

/// A counter by a query; none: no series.
async fn count(prometheus: &Prometheus, once: &mut Once, query: &str) -> Result<Option<u64>, String> {
    match prometheus.number(query, None).await.map_err(|error| once.told(&error))?.value {
        Number::Is(number) => Ok(whole(number)),
        Number::NotANumber | Number::Nothing => Ok(None),
        Number::Several(count) => Err(format!("the query gives {count} series: add them up with sum(…)")),
    }
}

impl Family {
    /// Its series in these scrapes.
    fn of<'a>(&'a self, scrapes: &'a [Exposition]) -> impl Iterator<Item = &'a Sample> {
        let samples = scrapes.iter().flat_map(|scrape| &scrape.samples);
        samples.filter(|sample| sample.name == self.name && has(sample, &self.labels))
    }

    /// It has series, whatever their labels are.
    fn is_there(&self, scrapes: &[Exposition]) -> bool {
        scrapes.iter().flat_map(|scrape| &scrape.samples).any(|sample| sample.name == self.name)
    }
}

/// All of these labels match.
fn has(sample: &Sample, labels: &BTreeMap<String, Regex>) -> bool {
    labels.iter().all(|(label, pattern)| sample.labels.get(label).is_some_and(|value| pattern.is_match(value)))
}

/// The counters of a family, and of those whose labels match.
fn counted(scrapes: &[Exposition], total: &Family, bad: &BTreeMap<String, Regex>) -> Option<Trials> {
    let mut trials = None;
    for sample in total.of(scrapes) {
        let value = whole(sample.value)?;
        let is_bad = has(sample, bad);
        let sum: &mut Trials = trials.get_or_insert_default();
        sum.add(Trials { all: value, bad: if is_bad && !bad.is_empty() { value } else { 0 } });
    }
    // A series begins with its first request: where the family is there, one that is not has counted none.
    trials.or_else(|| total.is_there(scrapes).then(Trials::default))
}

/// Buckets of one or several series, added up.
fn histogram(buckets: impl Iterator<Item = (f64, f64)>) -> Option<Histogram> {
    let mut sums: Vec<(f64, u64)> = Vec::new();
    for (bound, value) in buckets {
        let value = whole(value)?;
        match sums.iter_mut().find(|(other, _)| other.total_cmp(&bound).is_eq()) {
            Some((_, sum)) => *sum = sum.saturating_add(value),
            None => sums.push((bound, value)),
        }
    }
    let all = sums.iter().find(|(bound, _)| bound.is_infinite()).map(|(_, all)| *all)?;
    Some(Histogram::new(sums, all))
}

/// A counter is a whole number; `increase` extrapolates, and what it gives is rounded.
fn whole(number: f64) -> Option<u64> {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked to be in range")]
    (0.0..1e18).contains(&number).then(|| number.round() as u64)
}

fn first(printed: &[u8]) -> String {
    let text = String::from_utf8_lossy(printed);
    text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or("passed").chars().take(200).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_of_several_servers_are_added_and_what_is_bad_is_told_by_its_labels() {
        let text =
            "requests{status=\"200\",path=\"/\"} 90\nrequests{status=\"503\"} 7\nrequests{status=\"429\"} 3\nother 5\n";
        let scrapes = [Exposition::read(text).unwrap(), Exposition::read(text).unwrap()];
        let labels = |label: &str, pattern| BTreeMap::from([(label.to_owned(), Regex::new(pattern).unwrap())]);
        let family = |name: &str, labels| Family { name: name.to_owned(), labels };
        let (all, bad) = (family("requests", BTreeMap::new()), labels("status", "^5..$"));
        assert_eq!(counted(&scrapes, &all, &bad), Some(Trials { all: 200, bad: 14 }));
        assert_eq!(counted(&scrapes, &all, &labels("status", "^429$")), Some(Trials { all: 200, bad: 6 }));
        assert_eq!(counted(&scrapes, &family("nothing", BTreeMap::new()), &bad), None);
        // What probes ask is left out where labels say so.
        let of_users = family("requests", labels("path", "^/$"));
        assert_eq!(counted(&scrapes, &of_users, &bad), Some(Trials { all: 180, bad: 0 }));
    }

    #[test]
    fn buckets_of_several_series_are_one_histogram() {
        let buckets = [(0.1, 5.0), (f64::INFINITY, 9.0), (0.1, 1.0), (f64::INFINITY, 1.0)];
        assert_eq!(histogram(buckets.into_iter()), Some(Histogram::new(vec![(0.1, 6)], 10)));
        assert_eq!(histogram([(0.1, 5.0)].into_iter()), None);
        assert_eq!(histogram([(0.1, f64::NAN), (f64::INFINITY, 1.0)].into_iter()), None);
    }
}
