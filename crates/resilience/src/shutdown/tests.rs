//! The order of a shutdown, its times, and its exit codes.

use std::{
    convert::Infallible,
    future::pending,
    sync::{Arc, Mutex},
    time::Duration,
};

use http::{Request, Response, Version};
use tokio::{
    sync::mpsc,
    time::{Instant, sleep},
};
use tower::{ServiceBuilder, ServiceExt as _};

use super::*;
use crate::health::{Probe, Status};

const SECOND: Duration = Duration::from_secs(1);

/// What a shutdown is given.
#[derive(Clone, Copy)]
struct Given {
    /// When signals come, in seconds from the start.
    signals: &'static [(u64, Signal)],
    /// How long the server takes to end once it drains; `None` for ever.
    drains: Option<u64>,
    /// How long the flush takes; `None` for ever.
    flushes: Option<u64>,
}

const TERM: &[(u64, Signal)] = &[(5, Signal::Terminate)];

async fn lasting(seconds: Option<u64>) {
    match seconds {
        Some(seconds) => sleep(Duration::from_secs(seconds)).await,
        None => pending().await,
    }
}

/// Runs a shutdown by the default plan. Expects the exit, and the second of each phase.
async fn check(given: Given, expected: Exit, phases: &[(u64, Phase)]) {
    let health = Health::new();
    health.started();
    let (shutdown, stop) = Shutdown::new(Plan::default(), health.clone()).unwrap();
    let (sender, signals) = mpsc::channel(2);
    tokio::spawn(async move {
        let begun = Instant::now();
        for (at, signal) in given.signals {
            tokio::time::sleep_until(begun + Duration::from_secs(*at)).await;
            sender.send(*signal).await.unwrap();
        }
        pending::<()>().await;
    });
    let begun = Instant::now();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let (log, mut phase) = (Arc::clone(&seen), stop.phase.clone());
    let watcher = tokio::spawn(async move {
        while phase.changed().await.is_ok() {
            let phase = *phase.borrow_and_update();
            let ready = health.report(Probe::Readiness).status == Status::Pass;
            assert!(!ready, "ready while {phase:?}");
            log.lock().unwrap().push((begun.elapsed().as_secs(), phase));
        }
    });
    let server = async move {
        stop.draining().await;
        lasting(given.drains).await;
    };
    let exit = shutdown.run(signals, server, lasting(given.flushes)).await;
    watcher.await.unwrap();
    assert_eq!(exit, expected);
    assert_eq!(*seen.lock().unwrap(), phases);
    assert!(begun.elapsed() < 5 * SECOND + Plan::default().grace);
}

use Phase::{Announcing, Draining, Ended, Flushing};

#[tokio::test(start_paused = true)]
async fn readiness_first_then_drain_then_flush() {
    let given = Given { signals: TERM, drains: Some(2), flushes: Some(1) };
    check(given, Exit::Clean, &[(5, Announcing), (15, Draining), (17, Flushing), (18, Ended)]).await;
}

#[tokio::test(start_paused = true)]
async fn whatever_hangs_it_ends_within_the_grace_and_says_so() {
    let given = Given { signals: TERM, drains: None, flushes: None };
    let cut = Exit::Cut { drained: false, flushed: false };
    check(given, cut, &[(5, Announcing), (15, Draining), (30, Flushing), (33, Ended)]).await;
    let given = Given { signals: TERM, drains: Some(1), flushes: None };
    let cut = Exit::Cut { drained: true, flushed: false };
    check(given, cut, &[(5, Announcing), (15, Draining), (16, Flushing), (19, Ended)]).await;
}

#[tokio::test(start_paused = true)]
async fn a_second_signal_ends_it_at_once() {
    let given = Given { signals: &[(5, Signal::Terminate), (7, Signal::Terminate)], drains: None, flushes: None };
    check(given, Exit::Forced(Signal::Terminate), &[(5, Announcing)]).await;
    let given = Given { signals: &[(5, Signal::Terminate), (20, Signal::Interrupt)], drains: None, flushes: None };
    check(given, Exit::Forced(Signal::Interrupt), &[(5, Announcing), (15, Draining)]).await;
}

#[tokio::test(start_paused = true)]
async fn a_server_that_ends_by_itself_is_a_failure_and_flushed_all_the_same() {
    let (shutdown, _stop) = Shutdown::new(Plan::default(), Health::new()).unwrap();
    let (_sender, signals) = mpsc::channel(1);
    let flushed = Mutex::new(false);
    let exit = shutdown.run(signals, async {}, async { *flushed.lock().unwrap() = true }).await;
    assert_eq!((exit, *flushed.lock().unwrap()), (Exit::Unasked, true));
}

#[tokio::test(start_paused = true)]
async fn a_lost_sender_of_signals_is_no_signal() {
    let (shutdown, _stop) = Shutdown::new(Plan::default(), Health::new()).unwrap();
    let (sender, signals) = mpsc::channel(1);
    drop(sender);
    let run = shutdown.run(signals, pending::<()>(), async {});
    assert!(tokio::time::timeout(3600 * SECOND, run).await.is_err());
}

#[test]
fn exit_codes_tell_how_it_went() {
    let check = |exit: Exit, code| assert_eq!(exit.code(), code, "{exit:?}");
    check(Exit::Clean, 0);
    check(Exit::Cut { drained: false, flushed: true }, 1);
    check(Exit::Unasked, 1);
    check(Exit::Forced(Signal::Terminate), 143);
    check(Exit::Forced(Signal::Interrupt), 130);
}

#[test]
fn a_plan_that_does_not_fit_the_grace_is_refused() {
    let seconds = Duration::from_secs;
    let check = |pre_stop, drain, fits: bool| {
        let plan = Plan { pre_stop: seconds(pre_stop), drain: seconds(drain), ..Plan::default() };
        assert_eq!(Shutdown::new(plan, Health::new()).is_ok(), fits, "{pre_stop} {drain}");
    };
    check(0, 15, true);
    check(0, 16, true);
    check(0, 17, false);
    check(15, 15, false);
    check(u64::MAX, 15, false);
    let error = Plan { pre_stop: seconds(15), ..Plan::default() }.checked().unwrap_err();
    assert_eq!(error.to_string(), "the steps of the shutdown take up to 43000 ms of a grace of 30000 ms");
}

#[tokio::test(start_paused = true)]
async fn kept_connections_are_closed_from_the_signal_on() {
    let (shutdown, stop) = Shutdown::new(Plan::default(), Health::new()).unwrap();
    let service = ServiceBuilder::new()
        .layer(CloseLayer::new(stop))
        .service_fn(|_: Request<()>| async { Ok::<_, Infallible>(Response::new(())) });
    let closes = async |version| {
        let request = Request::builder().version(version).body(()).unwrap();
        service.clone().oneshot(request).await.unwrap().headers().get("connection").is_some_and(|it| it == "close")
    };
    assert!(!closes(Version::HTTP_11).await);
    let (sender, signals) = mpsc::channel(1);
    sender.send(Signal::Terminate).await.unwrap();
    let running = tokio::spawn(shutdown.run(signals, pending::<()>(), async {}));
    sleep(SECOND).await;
    assert!(closes(Version::HTTP_11).await && closes(Version::HTTP_10).await);
    assert!(!closes(Version::HTTP_2).await);
    running.abort();
}

#[cfg(unix)]
#[tokio::test]
async fn a_signal_of_the_system_arrives() {
    let mut signals = from_os().unwrap();
    let own = std::process::id().to_string();
    assert!(std::process::Command::new("kill").args(["-TERM", &own]).status().unwrap().success());
    assert_eq!(signals.recv().await, Some(Signal::Terminate));
}
