//! What each probe is told, when, and in which form.

use std::{convert::Infallible, future::pending, time::Duration};

use http::{Request, Response};
use tokio::time::{advance, sleep};
use tower::{ServiceBuilder, ServiceExt as _};

use super::*;

const SECOND: Duration = Duration::from_secs(1);

fn check(health: &Health, probe: Probe, expected: Status, checks: &[(&str, Status)]) {
    let report = health.report(probe);
    assert_eq!((report.status, report.checks.as_slice()), (expected, checks), "{probe:?}");
}

use Status::{Fail, Pass, Warn};

#[tokio::test(start_paused = true)]
async fn starting_ready_and_stopping_are_told_apart() {
    let health = Health::new();
    check(&health, Probe::Startup, Fail, &[("startup", Fail)]);
    check(&health, Probe::Readiness, Fail, &[("startup", Fail), ("shutdown", Pass)]);
    check(&health, Probe::Liveness, Pass, &[]);
    health.started();
    check(&health, Probe::Startup, Pass, &[("startup", Pass)]);
    check(&health, Probe::Readiness, Pass, &[("startup", Pass), ("shutdown", Pass)]);
    health.stopping();
    check(&health, Probe::Readiness, Fail, &[("startup", Pass), ("shutdown", Fail)]);
    check(&health, Probe::Startup, Pass, &[("startup", Pass)]);
    check(&health, Probe::Liveness, Pass, &[]);
}

#[tokio::test(start_paused = true)]
async fn a_dependency_takes_the_replica_out_only_if_it_is_its_own() {
    let health = Health::new();
    health.started();
    let disk = health.dependency("disk", Impact::Own, 30 * SECOND);
    let database = health.dependency("database", Impact::Shared, 30 * SECOND);
    let all = |disk, database| [("startup", Pass), ("shutdown", Pass), ("disk", disk), ("database", database)];
    check(&health, Probe::Readiness, Fail, &all(Fail, Warn));
    disk.report(true);
    check(&health, Probe::Readiness, Warn, &all(Pass, Warn));
    database.report(true);
    check(&health, Probe::Readiness, Pass, &all(Pass, Pass));
    database.report(false);
    check(&health, Probe::Readiness, Warn, &all(Pass, Warn));
    disk.report(false);
    check(&health, Probe::Readiness, Fail, &all(Fail, Warn));
    check(&health, Probe::Liveness, Pass, &[]);
}

#[tokio::test(start_paused = true)]
async fn an_old_report_is_no_good_news() {
    let health = Health::new();
    health.started();
    health.dependency("disk", Impact::Own, 30 * SECOND).report(true);
    advance(30 * SECOND).await;
    assert_eq!(health.report(Probe::Readiness).status, Pass);
    advance(Duration::from_millis(1)).await;
    assert_eq!(health.report(Probe::Readiness).status, Fail);
}

#[tokio::test(start_paused = true)]
async fn a_loop_that_stands_still_fails_liveness() {
    let health = Health::new();
    let heartbeat = health.heartbeat("worker", 10 * SECOND);
    advance(10 * SECOND).await;
    check(&health, Probe::Liveness, Pass, &[("worker", Pass)]);
    advance(Duration::from_millis(1)).await;
    check(&health, Probe::Liveness, Fail, &[("worker", Fail)]);
    heartbeat.beat();
    check(&health, Probe::Liveness, Pass, &[("worker", Pass)]);
}

/// The statuses of readiness, one a second, of a dependency that is asked every 10 s and answers as `answers` say.
async fn watched(answers: &'static [Option<bool>]) -> String {
    let health = Health::new();
    health.started();
    let mut asked = answers.iter();
    let task = tokio::spawn(health.dependency("disk", Impact::Own, 30 * SECOND).watch(Watch::default(), move || {
        let answer = asked.next().copied().unwrap_or(Some(true));
        async move {
            match answer {
                Some(up) => up.then_some(()).ok_or("down"),
                None => pending().await,
            }
        }
    }));
    let mut seen = String::new();
    for _ in 0..answers.len() {
        sleep(Duration::from_millis(1500)).await;
        seen.push(if health.report(Probe::Readiness).status == Pass { '+' } else { '-' });
        sleep(Duration::from_millis(8500)).await;
    }
    task.abort();
    seen
}

#[tokio::test(start_paused = true)]
async fn one_failure_is_no_outage_three_are_and_one_success_ends_it() {
    const UP: Option<bool> = Some(true);
    const DOWN: Option<bool> = Some(false);
    const HANGS: Option<bool> = None;
    assert_eq!(watched(&[UP, DOWN, UP, DOWN, DOWN, UP]).await, "++++++");
    assert_eq!(watched(&[UP, DOWN, DOWN, DOWN, DOWN, UP]).await, "+++--+");
    assert_eq!(watched(&[UP, HANGS, HANGS, HANGS, UP]).await, "+++-+");
    assert_eq!(watched(&[DOWN, UP, DOWN]).await, "-++");
}

async fn get(health: &Health, method: &str, path: &str) -> Response<String> {
    let request = Request::builder().method(method).uri(path).body(()).unwrap();
    ServiceBuilder::new()
        .layer(HealthLayer::new(health.clone()))
        .service_fn(|_: Request<()>| async { Ok::<_, Infallible>(Response::new("service".to_owned())) })
        .oneshot(request)
        .await
        .unwrap()
}

#[tokio::test(start_paused = true)]
async fn the_status_is_what_the_platform_looks_at() {
    let health = Health::new();
    let check = async |method: &str, path: &str, status: u16| {
        let answer = get(&health, method, path).await;
        assert_eq!(answer.status().as_u16(), status, "{method} {path}");
        assert_eq!(answer.headers()["cache-control"], "no-store");
        assert_eq!(answer.headers()["content-type"], "application/health+json");
    };
    check("GET", "/livez", 200).await;
    check("GET", "/readyz", 503).await;
    check("HEAD", "/readyz", 503).await;
    check("GET", "/healthz", 503).await;
    check("GET", "/startupz?verbose", 503).await;
    health.started();
    check("GET", "/readyz", 200).await;
    check("GET", "/startupz", 200).await;
    for (method, path) in [("POST", "/readyz"), ("GET", "/readyz/"), ("GET", "/")] {
        assert_eq!(get(&health, method, path).await.body(), "service");
    }
}

#[tokio::test(start_paused = true)]
async fn the_body_names_what_is_down() {
    let health = Health::new();
    health.started();
    let _clay = health.dependency("clay \"api\"\n", Impact::Shared, SECOND);
    assert_eq!(
        get(&health, "GET", "/readyz").await.body(),
        "{\"status\":\"warn\",\"checks\":{\"startup\":[{\"status\":\"pass\"}],\"shutdown\":[{\"status\":\"pass\"}],\
         \"clay \\\"api\\\"\\u000a\":[{\"status\":\"warn\"}]}}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_name_that_several_loops_bear_stands_in_the_body_once() {
    let health = Health::new();
    let _loops = [health.heartbeat("send", SECOND), health.heartbeat("look", SECOND), health.heartbeat("send", SECOND)];
    advance(2 * SECOND).await;
    let _late = health.heartbeat("send", SECOND);
    assert_eq!(
        get(&health, "GET", "/livez").await.body(),
        "{\"status\":\"fail\",\"checks\":{\"send\":[{\"status\":\"fail\"},{\"status\":\"fail\"},{\"status\":\"pass\"}],\
         \"look\":[{\"status\":\"fail\"}]}}"
    );
}
