//! Every verb twice, kills of the proxy, and traffic counted by who got it.

use std::collections::BTreeMap;

use gonogo_actuators::{
    Driver as _,
    haproxy::{Address, Bad, Config, HaProxy, Version},
};
use gonogo_domain::rollout::{Done, Percent, Release, Revision, Side, Sight, TroubleKind};

use crate::service::{Proxy, Service, until};

struct Stage {
    driver: HaProxy,
    proxy: Proxy,
    blue: Vec<Service>,
    green: Vec<Service>,
    config: Config,
}

impl Stage {
    fn new(blue: usize, green: usize) -> Self {
        let start = |count: usize, version: &str| (0..count).map(|_| Service::start(version)).collect::<Vec<_>>();
        let (blue, green) = (start(blue, "1.0"), start(green, "2.0"));
        let proxy = Proxy::start(&blue.iter().collect::<Vec<_>>(), &green.iter().collect::<Vec<_>>());
        let names = |group: &str, count: usize| (0..count).map(|one| format!("{group}{one}")).collect();
        let groups = BTreeMap::from([
            ("blue".to_owned(), names("blue", blue.len())),
            ("green".to_owned(), names("green", green.len())),
        ]);
        let config = Config {
            socket: Address(proxy.socket()),
            backend: "app".to_owned(),
            groups,
            version: Version { path: "/version".to_owned(), pointer: None },
            prepare: None,
        };
        let driver = HaProxy::new(config.clone(), None).unwrap();
        Self { driver, proxy, blue, green, config }
    }

    async fn look(&mut self) -> Sight {
        self.driver.observe().await.unwrap()
    }

    /// Looks until it is so, for ten seconds.
    async fn until(&mut self, what: &str, so: impl Fn(&Sight) -> bool) -> Sight {
        let began = std::time::Instant::now();
        loop {
            let sight = self.look().await;
            if so(&sight) {
                return sight;
            }
            assert!(began.elapsed().as_secs() < 10, "{what}: {sight:?}");
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    }

    /// The parts of a thousand requests that each release got, by HAProxy's counters.
    async fn measured(&mut self) -> f64 {
        let all = |counters: Option<gonogo_actuators::haproxy::Counters>| counters.map_or(0, |counters| counters.all);
        let (stable, canary) = self.driver.counters().await.unwrap();
        let before = (all(stable), all(canary));
        for _ in 0..1000 {
            assert_eq!(self.proxy.get(), Some(200));
        }
        let (stable, canary) = self.driver.counters().await.unwrap();
        let (stable, canary) = (all(stable) - before.0, all(canary) - before.1);
        assert_eq!(stable + canary, 1000);
        f64::from(u32::try_from(canary).unwrap()) / 1000.0
    }
}

fn release(revision: &str) -> Release {
    Release { revision: Revision(revision.to_owned()), version: None, cause: String::new(), parts: BTreeMap::new() }
}

fn percent(number: f64) -> Percent {
    Percent::try_from(number).unwrap()
}

/// Once it changes something, the second time it is so already.
macro_rules! twice {
    ($stage:expr, $verb:ident($($argument:expr),*)) => {
        assert!(matches!($stage.driver.$verb($($argument),*).await.unwrap(), Done::Changed(_)), stringify!($verb));
        assert_eq!($stage.driver.$verb($($argument),*).await.unwrap(), Done::AlreadySo, stringify!($verb));
    };
}

#[tokio::test]
async fn a_release_goes_all_the_way_and_back() {
    let mut stage = Stage::new(2, 1);
    let sight = stage.look().await;
    assert_eq!((sight.stable.revision.0.as_str(), sight.stable.settled(), &sight.canary), ("1.0", true, &None));
    assert_eq!((sight.share, sight.memo.as_deref()), (Some(Percent::ZERO), Some("green")));
    assert_eq!(sight.past, [Revision("2.0".to_owned())]);

    twice!(stage, prepare(&release("2.0")));
    let sight = stage.until("the canary is ready", |sight| sight.canary.as_ref().is_some_and(Side::settled)).await;
    assert_eq!((sight.share, sight.canary.unwrap().revision.0.as_str()), (Some(Percent::ZERO), "2.0"));
    assert!(stage.measured().await.abs() < f64::EPSILON, "nothing before it is given a share");

    for share in [10.0, 50.0] {
        twice!(stage, set_share(percent(share)));
        let sight = stage.look().await;
        let reachable = stage.driver.reachable(percent(share), &sight).percent();
        assert_eq!(sight.share, reachable);
        assert!(reachable.unwrap().apart(percent(share)) <= percent(0.1), "{reachable:?}");
        let measured = stage.measured().await * 100.0;
        assert!((measured - share).abs() < 1.5, "{measured} % of the requests at {share} %");
    }
    twice!(stage, promote());
    let sight = stage.look().await;
    assert_eq!((sight.stable.revision.0.as_str(), sight.share), ("2.0", Some(Percent::ZERO)));
    assert!(sight.canary.is_some(), "the old one finishes what it has");
    twice!(stage, retire());
    let sight = stage.look().await;
    assert_eq!((sight.canary, sight.past), (None, vec![Revision("1.0".to_owned())]));
    assert_eq!(stage.proxy.get(), Some(200));

    let old = Revision("1.0".to_owned());
    let began = std::time::Instant::now();
    while stage.driver.undo(&old).await.unwrap() != Done::AlreadySo {
        assert!(began.elapsed().as_secs() < 10);
    }
    let sight = stage.look().await;
    assert_eq!((sight.stable.revision, sight.stable.ready, sight.canary), (old, 2, None));
    assert!(began.elapsed().as_secs() < 5, "{:?}", began.elapsed());
    assert_eq!(stage.proxy.get(), Some(200));
}

#[tokio::test]
async fn abort_takes_all_traffic_away_from_any_share() {
    let mut stage = Stage::new(1, 2);
    stage.driver.prepare(&release("2.0")).await.unwrap();
    for share in [1.0, 50.0, 99.0] {
        stage.driver.prepare(&release("2.0")).await.unwrap();
        stage.until("ready", |sight| sight.canary.as_ref().is_some_and(Side::settled)).await;
        stage.driver.set_share(percent(share)).await.unwrap();
        twice!(stage, abort());
        let sight = stage.look().await;
        assert_eq!((sight.share, &sight.canary, sight.stable.ready), (Some(Percent::ZERO), &None, 1));
        assert!(stage.measured().await.abs() < f64::EPSILON);
    }
}

/// A driver that was killed knows only what the memo says; the world says the rest.
#[tokio::test]
async fn a_new_driver_with_the_memo_sees_the_same() {
    let mut stage = Stage::new(1, 1);
    stage.driver.prepare(&release("2.0")).await.unwrap();
    stage.until("ready", |sight| sight.canary.as_ref().is_some_and(Side::settled)).await;
    for act in 0..4 {
        match act {
            0 => stage.driver.set_share(percent(50.0)).await.unwrap(),
            1 => stage.driver.set_share(Percent::WHOLE).await.unwrap(),
            2 => stage.driver.promote().await.unwrap(),
            _ => stage.driver.retire().await.unwrap(),
        };
        let mut other = HaProxy::new(stage.config.clone(), Some("green")).unwrap();
        assert_eq!(other.observe().await.unwrap(), stage.look().await, "after act {act}");
    }
    // Where nothing is known of a rollout, the one with the traffic is stable.
    let sight = HaProxy::new(stage.config.clone(), None).unwrap().observe().await.unwrap();
    assert_eq!((sight.stable.revision.0.as_str(), sight.memo.as_deref()), ("2.0", Some("blue")));
}

#[tokio::test]
async fn traffic_to_both_without_a_rollout_is_refused_and_not_guessed() {
    let mut stage = Stage::new(1, 1);
    stage.driver.prepare(&release("2.0")).await.unwrap();
    stage.driver.set_share(percent(50.0)).await.unwrap();
    let trouble = HaProxy::new(stage.config.clone(), None).unwrap().observe().await.unwrap_err();
    assert_eq!(trouble.kind, TroubleKind::Refused);
    assert!(trouble.what.contains("both `blue` and `green` have traffic"), "{trouble}");
}

#[tokio::test]
async fn another_revision_in_the_idle_group_is_refused() {
    let mut stage = Stage::new(1, 1);
    let trouble = stage.driver.prepare(&release("3.0")).await.unwrap_err();
    assert_eq!((trouble.kind, trouble.what.as_str()), (TroubleKind::Refused, "`green` runs 2.0"));
    assert!(trouble.next.starts_with("start 3.0 there"), "{}", trouble.next);
    // A command that brings it there is another matter.
    let file = stage.proxy.folder.path().join("deployed");
    let script = format!("printf '%s %s' \"$GONOGO_GROUP\" \"$GONOGO_REVISION\" > {}", file.display());
    let words = ["sh", "-c", &script].map(str::to_owned).to_vec();
    stage.config.prepare = Some(gonogo_actuators::command::Line { words, patience: std::time::Duration::from_secs(5) });
    stage.driver = HaProxy::new(stage.config.clone(), None).unwrap();
    stage.driver.prepare(&release("3.0")).await.unwrap();
    assert_eq!(std::fs::read_to_string(file).unwrap(), "green 3.0");
}

#[tokio::test]
async fn a_proxy_that_was_killed_is_unreachable_and_nothing_else() {
    let mut stage = Stage::new(1, 1);
    stage.driver.prepare(&release("2.0")).await.unwrap();
    stage.proxy.kill();
    for trouble in [
        stage.driver.observe().await.unwrap_err(),
        stage.driver.set_share(percent(10.0)).await.unwrap_err(),
        stage.driver.abort().await.unwrap_err(),
    ] {
        assert_eq!(trouble.kind, TroubleKind::Unreachable, "{trouble}");
    }
}

#[tokio::test]
async fn servers_that_fail_their_checks_are_not_ready() {
    let mut stage = Stage::new(1, 2);
    stage.driver.prepare(&release("2.0")).await.unwrap();
    stage.until("ready", |sight| sight.canary.as_ref().is_some_and(Side::settled)).await;
    stage.green[0].status.store(500, std::sync::atomic::Ordering::SeqCst);
    let sight = stage.until("one is down", |sight| sight.canary.as_ref().is_some_and(|one| one.ready == 1)).await;
    assert!(!sight.canary.unwrap().settled());
    stage.green[0].status.store(200, std::sync::atomic::Ordering::SeqCst);
    // An update under way in the group is seen as one.
    *stage.green[1].version.lock().unwrap() = "2.1".to_owned();
    stage.until("two revisions", |sight| sight.canary.as_ref().is_some_and(|one| one.old == 1)).await;
}

#[tokio::test]
async fn counters_tell_errors_of_the_server_from_errors_of_clients() {
    let mut stage = Stage::new(1, 1);
    stage.blue[0].status.store(404, std::sync::atomic::Ordering::SeqCst);
    until("it is asked", || stage.proxy.get() == Some(404) || stage.proxy.get() == Some(503));
    let (stable, canary) = stage.driver.counters().await.unwrap();
    let (stable, canary) = (stable.unwrap(), canary.unwrap());
    assert_eq!(canary.trials(Bad::ServerErrors).all, 0);
    assert!(stable.trials(Bad::ClientErrors).bad >= 1 || stable.trials(Bad::ServerErrors).bad >= 1, "{stable:?}");
}

#[tokio::test]
async fn what_is_no_backend_or_server_is_named() {
    let stage = Stage::new(1, 1);
    let with = |change: &dyn Fn(&mut Config)| {
        let mut config = stage.config.clone();
        change(&mut config);
        config
    };
    let nowhere = with(&|config| config.backend = "shop".to_owned());
    let trouble = HaProxy::new(nowhere, None).unwrap().observe().await.unwrap_err();
    assert_eq!((trouble.kind, trouble.what.as_str()), (TroubleKind::Refused, "there is no such backend"));
    let nobody = with(&|config| config.groups.get_mut("green").unwrap().push("green7".to_owned()));
    let trouble = HaProxy::new(nobody, None).unwrap().observe().await.unwrap_err();
    assert!(trouble.what.contains("no server `green7`"), "{trouble}");
    for wrong in [
        with(&|config| drop(config.groups.remove("green"))),
        with(&|config| config.backend = "app; shutdown sessions".to_owned()),
        with(&|config| config.groups.get_mut("green").unwrap().push("blue0".to_owned())),
        with(&|config| config.version.path = "version".to_owned()),
    ] {
        assert!(HaProxy::new(wrong, None).is_err());
    }
}
