//! Kills: of gonogo, of the API server and of Prometheus, in every phase and at random. The end is always one of two.

use std::{
    process::Child,
    thread,
    time::{Duration, Instant},
};

use super::{
    scenarios,
    stage::{Cluster, Scenario, Stage, Way, image},
    traffic::{FAILING, GOOD},
};
use crate::driven::{kill, signal};

pub(crate) const OF_GONOGO: &[(&str, &Scenario)] = scenarios![
    "killed-by-replicas" => |cluster: &Cluster, name: &str| everywhere(cluster, name, Way::Replicas),
    "killed-by-routes" => |cluster: &Cluster, name: &str| everywhere(cluster, name, Way::Routes),
    "killed-by-rolling" => |cluster: &Cluster, name: &str| everywhere(cluster, name, Way::Rolling),
    "killed-going-back-by-replicas" => |cluster: &Cluster, name: &str| going_back(cluster, name, Way::Replicas),
    "killed-going-back-by-routes" => |cluster: &Cluster, name: &str| going_back(cluster, name, Way::Routes),
    "killed-going-back-by-rolling" => |cluster: &Cluster, name: &str| going_back(cluster, name, Way::Rolling),
    "random-by-replicas" => |cluster: &Cluster, name: &str| at_random(cluster, name, Way::Replicas),
    "random-by-routes" => |cluster: &Cluster, name: &str| at_random(cluster, name, Way::Routes),
    "random-by-rolling" => |cluster: &Cluster, name: &str| at_random(cluster, name, Way::Rolling),
];

/// Kills with -9 whenever one of these phases is seen, and goes on. Gives whoever drives it then.
#[track_caller]
fn killed_in(stage: &Stage<'_>, mut child: Child, phases: &[&str]) -> Child {
    for (number, phase) in phases.iter().enumerate() {
        assert!(stage.driven.reaches(phase, &mut child), "{phase} never came: {}", stage.driven.told());
        kill(&mut child);
        let status = stage.driven.run("status", &[]);
        assert!(status.out.contains("nobody drives it: gonogo rollout resume"), "{}", status.out);
        child = stage.driven.begin(if number % 2 == 0 { "start" } else { "resume" });
    }
    child
}

/// At every step boundary on the way there, and on the way back after it.
fn everywhere(cluster: &Cluster, name: &str, way: Way) {
    let stage = Stage::set(cluster, name, way, GOOD);
    let phases = ["preparing", "step 0", "step 1", "promoting", "watching", "retiring"];
    let mut child = killed_in(&stage, stage.driven.begin("start"), &phases);
    assert_eq!(child.wait().expect("it ends").code(), Some(0), "{}", stage.driven.told());
    stage.assert_ended("promoted", GOOD);
    let mut child = killed_in(&stage, stage.driven.begin("undo"), &["undoing", "verifying"]);
    assert_eq!(child.wait().expect("it ends").code(), Some(1), "{}", stage.driven.told());
    stage.assert_ended("rolled-back", '1');
}

fn going_back(cluster: &Cluster, name: &str, way: Way) {
    let stage = Stage::set(cluster, name, way, FAILING);
    let mut child = killed_in(&stage, stage.driven.begin("start"), &["step 0", "aborting", "verifying"]);
    assert_eq!(child.wait().expect("it ends").code(), Some(1), "{}", stage.driven.told());
    stage.assert_ended("rolled-back", '1');
}

fn at_random(cluster: &Cluster, name: &str, way: Way) {
    let stage = Stage::set(cluster, name, way, GOOD);
    let seed = std::process::id();
    let mut random = u64::from(seed).wrapping_add(name.len() as u64);
    let begun = Instant::now();
    let mut kills = 0;
    let mut child = stage.driven.begin("start");
    while begun.elapsed() < Duration::from_secs(8) {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let until = Instant::now() + Duration::from_millis(100 + (random >> 33) % 1500);
        while Instant::now() < until && child.try_wait().expect("it can be asked").is_none() {
            thread::sleep(Duration::from_millis(5));
        }
        if child.try_wait().expect("it can be asked").is_some() {
            break;
        }
        kill(&mut child);
        kills += 1;
        child = stage.driven.begin("start");
    }
    assert_eq!(child.wait().expect("it ends").code(), Some(0), "seed {seed}, {kills} kills: {}", stage.driven.told());
    stage.assert_ended("promoted", GOOD);
}

/// Somebody who is stopped in a phase, so that what is killed then is killed in that phase.
struct Stopped<'a> {
    stage: Stage<'a>,
    phase: &'static str,
    child: Child,
}

/// A way there: verbs of a person, each asked for when a phase is reached.
type Asks = &'static [(&'static str, &'static str)];

/// Every phase, how it is reached, and by which release.
const PHASES: &[(&str, Asks, char)] = &[
    ("preparing", &[], GOOD),
    ("step 0", &[], GOOD),
    ("step 1", &[], GOOD),
    ("promoting", &[("step 0", "promote")], GOOD),
    ("watching", &[("step 0", "promote")], GOOD),
    ("retiring", &[("step 0", "promote")], GOOD),
    ("aborting", &[], FAILING),
    ("verifying", &[], FAILING),
    ("undoing", &[("step 0", "promote"), ("watching", "undo")], GOOD),
];

/// Those in which gates are read.
const GATED: &[&str] = &["step 0", "step 1", "watching", "verifying"];

const WAYS: &[Way] = &[Way::Replicas, Way::Routes, Way::Rolling];

/// Brings a rollout to a phase and stops whoever drives it there.
fn stopped<'a>(
    cluster: &'a Cluster,
    name: &str,
    way: Way,
    (phase, asks, release): (&'static str, Asks, char),
) -> Stopped<'a> {
    // What is away for longer than the usual limit takes a release back.
    let patient = |file: String| {
        file.replace(&image('0'), &image(release))
            .replace("kind = \"errors\"", "kind = \"errors\"\nerror_limit = 100")
            .replace("kind = \"latency\"", "kind = \"latency\"\nerror_limit = 100")
    };
    let stage = Stage::with(cluster, name, way, patient);
    let mut child = stage.driven.begin("start");
    for (at, ask) in asks {
        assert!(stage.driven.reaches(at, &mut child), "{at} never came: {}", stage.driven.told());
        let asked = stage.driven.run(ask, &[]);
        assert_eq!(asked.code, 0, "{}{}", asked.out, asked.err);
    }
    assert!(stage.driven.reaches(phase, &mut child), "{phase} never came: {}", stage.driven.told());
    signal(&child, "STOP");
    Stopped { stage, phase, child }
}

impl Stopped<'_> {
    fn goes_on(&self) {
        signal(&self.child, "CONT");
    }

    /// It ends where it was going, whatever happened.
    #[track_caller]
    fn assert_ends(mut self) {
        let code = self.child.wait().expect("it ends").code();
        let back = matches!(self.phase, "aborting" | "verifying" | "undoing");
        assert_eq!(code, Some(i32::from(back)), "{}: {}", self.phase, self.stage.driven.told());
        let (phase, digit) = if back { ("rolled-back", '1') } else { ("promoted", GOOD) };
        self.stage.assert_ended(phase, digit);
    }
}

/// Kills the API server in every phase, and then Prometheus in every phase that asks it.
pub(crate) fn of_the_servers(cluster: &Cluster) {
    let (api, prometheus, mut impatient) = thread::scope(|scope| {
        let begin = |prefix: &'static str, phases: Vec<_>| {
            let each = phases.into_iter().zip(WAYS.iter().cycle());
            each.map(|(one, way): (&(&'static str, Asks, char), &Way)| {
                scope.spawn(move || stopped(cluster, &format!("{prefix}-{}", one.0), *way, *one))
            })
            .collect::<Vec<_>>()
        };
        let api = begin("api", PHASES.iter().collect());
        let prometheus = begin("prometheus", PHASES.iter().filter(|(phase, ..)| GATED.contains(phase)).collect());
        let impatient = scope.spawn(|| {
            let stage = Stage::set(cluster, "prometheus-impatient", Way::Replicas, GOOD);
            let mut child = stage.driven.begin("start");
            assert!(stage.driven.reaches("step 0", &mut child), "{}", stage.driven.told());
            signal(&child, "STOP");
            Stopped { stage, phase: "step 0", child }
        });
        let all = |running: Vec<thread::ScopedJoinHandle<'_, _>>| -> Vec<Stopped<'_>> {
            running.into_iter().map(|one| one.join().expect("it comes to its phase")).collect()
        };
        (all(api), all(prometheus), impatient.join().expect("it comes to its phase"))
    });
    cluster.without_api_server(|| {
        api.iter().for_each(Stopped::goes_on);
        // All of them meet it in their phase.
        for Stopped { stage, .. } in &api {
            stage.until("it cannot see", || stage.driven.state().is_some_and(|state| !state["blind"].is_null()));
        }
    });
    cluster.without_prometheus(|| {
        prometheus.iter().for_each(Stopped::goes_on);
        impatient.goes_on();
        impatient.stage.until("it goes back", || impatient.stage.driven.phase() == "verifying");
    });
    assert_eq!(impatient.child.wait().expect("it ends").code(), Some(1), "{}", impatient.stage.driven.told());
    impatient.stage.assert_ended("rolled-back", '1');
    api.into_iter().chain(prometheus).for_each(Stopped::assert_ends);
}
