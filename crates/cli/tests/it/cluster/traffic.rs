//! The users of the services of a cluster, played: which pod answers a request follows from the Services, the weights of
//! routes and the readiness of pods as the API server has them, and what it answers from the image that the pod runs.
//!
//! Users do not stop when the API server is away: they go where they went.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    io::{BufRead as _, BufReader, Write as _},
    net::TcpListener,
    sync::{Arc, Mutex},
    thread,
    time::{Duration, Instant},
};

use gonogo_components::kubernetes::known;
use jiff::Timestamp;
use kube::{
    Api, Client,
    api::{DynamicObject, ListParams},
};
use serde_json::Value;

use crate::slo::server::now;

/// Requests a second to each service.
const RATE: f64 = 300.0;

/// Where requests go follows the API server by so much at the most; kube-proxy is not faster.
const EVERY: Duration = Duration::from_millis(120);

/// Upper bounds of the histogram in seconds.
const BOUNDS: [f64; 7] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0];

/// A release by the digit of its image's digest.
pub(crate) const GOOD: char = '2';
/// Every fourth request fails.
pub(crate) const FAILING: char = '3';
/// Every other request takes 150 ms.
pub(crate) const SLOW: char = '4';
/// It says of itself that it is not well, and answers.
pub(crate) const UNWELL: char = '5';

#[derive(Debug)]
pub(crate) struct Traffic {
    users: Arc<Mutex<Users>>,
    /// Where `/metrics` of all pods is scraped, and `/NAMESPACE` is one request to the service of that namespace.
    pub(crate) address: String,
}

#[derive(Debug, Default)]
struct Users {
    /// Who would answer, by namespace: each backend with its weight.
    backends: BTreeMap<String, Vec<(u64, Vec<Pod>)>>,
    /// By namespace and pod.
    served: BTreeMap<(String, String), Served>,
    /// When the first and the last request came to a release, by namespace and digit.
    met: BTreeMap<(String, char), (Timestamp, Timestamp)>,
    /// Requests that nobody could take.
    lost: BTreeMap<String, u64>,
    random: u64,
}

#[derive(Clone, Debug)]
struct Pod {
    name: String,
    labels: String,
    release: char,
}

#[derive(Debug, Default)]
struct Served {
    labels: String,
    good: u64,
    bad: u64,
    buckets: [u64; BOUNDS.len()],
}

impl Traffic {
    /// Begins; must be called within a runtime. Routes are asked for in the namespaces whose names say so.
    pub(crate) fn begin(client: Client) -> Self {
        let users = Arc::new(Mutex::new(Users { random: 0x9e37_79b9_7f4a_7c15, ..Users::default() }));
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
        let address = listener.local_addr().expect("it has an address").to_string();
        let shared = Arc::clone(&users);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let mut line = String::new();
                let mut reader = BufReader::new(&stream);
                let _ = reader.read_line(&mut line);
                let mut head = String::new();
                while reader.read_line(&mut head).is_ok_and(|read| read > 2) {
                    head.clear();
                }
                let (status, body) = answer(&shared, line.split(' ').nth(1).unwrap_or("/"));
                let length = body.len();
                let _ = write!(
                    &stream,
                    "HTTP/1.1 {status} X\r\nconnection: close\r\ncontent-type: text/plain; version=0.0.4\r\n\
                     content-length: {length}\r\n\r\n{body}"
                );
            }
        });
        tokio::spawn(play(client, Arc::clone(&users)));
        Self { users, address }
    }

    fn with<T>(&self, read: impl FnOnce(&Users) -> T) -> T {
        read(&self.users.lock().expect("nobody panics with it"))
    }

    /// When the first and the last request came to this release.
    pub(crate) fn met(&self, namespace: &str, release: char) -> Option<(Timestamp, Timestamp)> {
        self.with(|users| users.met.get(&(namespace.to_owned(), release)).copied())
    }

    /// How many requests nobody could take.
    pub(crate) fn lost(&self, namespace: &str) -> u64 {
        self.with(|users| users.lost.get(namespace).copied().unwrap_or(0))
    }
}

fn answer(users: &Mutex<Users>, path: &str) -> (u16, String) {
    let mut users = users.lock().expect("nobody panics with it");
    if path == "/metrics" {
        return (200, users.exposition());
    }
    match users.choose(path.trim_start_matches('/')) {
        Some(pod) if pod.release == UNWELL => (200, "{\"well\": false}".to_owned()),
        Some(_) => (200, "{\"well\": true}".to_owned()),
        None => (503, String::new()),
    }
}

async fn play(client: Client, users: Arc<Mutex<Users>>) {
    let (mut then, mut due) = (Instant::now(), 0.0);
    loop {
        tokio::time::sleep(EVERY).await;
        let seen = look(&client).await;
        let mut users = users.lock().expect("nobody panics with it");
        if let Ok(seen) = seen {
            users.see(seen);
        }
        due += RATE * then.elapsed().as_secs_f64();
        then = Instant::now();
        let namespaces: Vec<String> = users.backends.keys().cloned().collect();
        while due >= 1.0 {
            due -= 1.0;
            for namespace in &namespaces {
                users.request(namespace);
            }
        }
    }
}

/// Pods, Services and routes of all namespaces.
struct Seen {
    pods: Vec<DynamicObject>,
    services: Vec<DynamicObject>,
    routes: Vec<DynamicObject>,
}

async fn look(client: &Client) -> Result<Seen, kube::Error> {
    let list = async |kind| {
        let all: Api<DynamicObject> = Api::all_with(client.clone(), &known(kind));
        all.list(&ListParams::default().match_any()).await.map(|list| list.items)
    };
    let pods = list("Pod").await?;
    let services = list("Service").await?;
    let routes = list("HTTPRoute").await?;
    Ok(Seen { pods, services, routes })
}

fn namespace(object: &DynamicObject) -> &str {
    object.metadata.namespace.as_deref().unwrap_or_default()
}

fn name(object: &DynamicObject) -> &str {
    object.metadata.name.as_deref().unwrap_or_default()
}

impl Pod {
    /// None where it takes no requests.
    fn of(object: &DynamicObject) -> Option<Self> {
        let conditions = object.data.pointer("/status/conditions")?.as_array()?;
        let is_ready = conditions.iter().any(|one| one["type"] == "Ready" && one["status"] == "True");
        if !is_ready || object.metadata.deletion_timestamp.is_some() {
            return None;
        }
        let image = object.data.pointer("/spec/containers/0/image")?.as_str()?;
        let release = image.chars().last()?;
        let label = |key: &str| {
            object.metadata.labels.as_ref().and_then(|labels| labels.get(key)).map_or("", String::as_str).to_owned()
        };
        let (namespace, name) = (namespace(object), name(object).to_owned());
        let labels = format!(
            "namespace=\"{namespace}\",pod=\"{name}\",app=\"{}\",track=\"{}\",version=\"{release}\"",
            label("app"),
            label("track")
        );
        Some(Self { name, labels, release })
    }
}

impl Users {
    fn see(&mut self, seen: Seen) {
        let Seen { pods, services, routes } = seen;
        // What is gone is scraped no more.
        self.served
            .retain(|(namespace, pod), _| pods.iter().any(|one| name(one) == pod && self::namespace(one) == namespace));
        self.backends.retain(|namespace, _| services.iter().any(|one| self::namespace(one) == namespace));
        for service in services.iter().filter(|one| name(one) == "web") {
            let namespace = namespace(service);
            let behind = |service: &DynamicObject| -> Vec<Pod> {
                let selector = service.data.pointer("/spec/selector").and_then(Value::as_object);
                let matches = |pod: &&DynamicObject| {
                    let labels = pod.metadata.labels.as_ref();
                    self::namespace(pod) == namespace
                        && selector.is_some_and(|selector| {
                            selector.iter().all(|(key, value)| {
                                labels.and_then(|labels| labels.get(key)).is_some_and(|found| value == found.as_str())
                            })
                        })
                };
                pods.iter().filter(matches).filter_map(Pod::of).collect()
            };
            let route = routes.iter().find(|route| self::namespace(route) == namespace);
            let references =
                route.and_then(|route| route.data.pointer("/spec/rules/0/backendRefs")).and_then(Value::as_array);
            let backends = match references {
                None => vec![(1, behind(service))],
                Some(references) => references
                    .iter()
                    .filter_map(|one| {
                        let found = services
                            .iter()
                            .find(|service| self::namespace(service) == namespace && one["name"] == name(service))?;
                        Some((one["weight"].as_u64().unwrap_or(1), behind(found)))
                    })
                    .collect(),
            };
            if !self.backends.contains_key(namespace) && backends.iter().all(|(_, pods)| pods.is_empty()) {
                continue;
            }
            self.backends.insert(namespace.to_owned(), backends);
        }
    }

    /// Below this number; Knuth's generator.
    fn below(&mut self, limit: u64) -> u64 {
        self.random = self.random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.random >> 33) % limit.max(1)
    }

    /// The pod that takes the next request: a backend by its weight, then any of its pods.
    fn choose(&mut self, namespace: &str) -> Option<Pod> {
        let all: u64 = self.backends.get(namespace)?.iter().map(|(weight, _)| weight).sum();
        let mut left = self.below(all);
        let draw = self.below(1 << 30);
        let backends = self.backends.get(namespace)?;
        let (_, pods) = backends.iter().find(|(weight, _)| {
            let is_it = left < *weight;
            left = left.saturating_sub(*weight);
            is_it
        })?;
        let place = usize::try_from(draw).ok()?.checked_rem(pods.len())?;
        pods.get(place).cloned()
    }

    fn request(&mut self, namespace: &str) {
        let Some(pod) = self.choose(namespace) else {
            *self.lost.entry(namespace.to_owned()).or_default() += 1;
            return;
        };
        let at = now();
        self.met.entry((namespace.to_owned(), pod.release)).or_insert((at, at)).1 = at;
        // Nobody is perfect: one of 250 goes wrong, and every third takes a little longer.
        let fails = self.below(250) == 0 || (pod.release == FAILING && self.below(4) == 0);
        let took = match self.below(6) {
            0..3 if pod.release == SLOW => 0.15,
            0..2 => 0.007,
            _ => 0.002,
        };
        let served = self.served.entry((namespace.to_owned(), pod.name)).or_default();
        served.labels = pod.labels;
        *(if fails { &mut served.bad } else { &mut served.good }) += 1;
        for (bucket, bound) in served.buckets.iter_mut().zip(BOUNDS) {
            *bucket += u64::from(took <= bound);
        }
    }

    fn exposition(&self) -> String {
        let mut text = "# TYPE requests_total counter\n".to_owned();
        let mut line = |line: std::fmt::Arguments<'_>| writeln!(text, "{line}").expect("a text takes what is written");
        for Served { labels, good, bad, .. } in self.served.values() {
            line(format_args!("requests_total{{{labels},code=\"200\"}} {good}"));
            line(format_args!("requests_total{{{labels},code=\"500\"}} {bad}"));
        }
        line(format_args!("# TYPE request_seconds histogram"));
        for Served { labels, good, bad, buckets } in self.served.values() {
            for (bound, count) in BOUNDS.iter().zip(buckets) {
                line(format_args!("request_seconds_bucket{{{labels},le=\"{bound}\"}} {count}"));
            }
            let all = good + bad;
            line(format_args!("request_seconds_bucket{{{labels},le=\"+Inf\"}} {all}"));
            line(format_args!("request_seconds_count{{{labels}}} {all}\nrequest_seconds_sum{{{labels}}} 0"));
        }
        text
    }
}
