//! Load on servers whose truth is known.

use std::{
    sync::atomic::Ordering,
    thread,
    time::{Duration, Instant},
};

use gonogo_exercise::load::{Outcome, Plan, Schedule, Stage, Stop, Target, run};

use crate::server::{Reply, Server, serve};

/// Nothing is due in the last second: a thread that a busy machine wakes late sends all the same.
fn plan(server: &Server, rate: f64, length: Duration) -> Plan {
    let target = Target::new(&format!("http://{}/", server.address), "GET", &[], Vec::new().into());
    let quiet = Stage::constant(0.0, Duration::from_secs(1));
    Plan {
        target: target.expect("an address"),
        schedule: Schedule::new(vec![Stage::constant(rate, length), quiet]),
        in_flight: 1000,
        threads: 1,
        timeout: Duration::from_secs(10),
        clients: 1,
    }
}

fn loaded(plan: &Plan) -> Outcome {
    run(plan, &Stop::default(), &|_| ()).expect("a run")
}

fn seconds(outcome: &Outcome, quantile: f64) -> f64 {
    let found = outcome.latency.percentiles.iter().find(|one| (one.quantile - quantile).abs() < 1e-9);
    let found = found.expect("a percentile that is told");
    Duration::from_micros(found.value).as_secs_f64()
}

#[test]
fn a_stall_of_the_server_is_seen_by_every_request_that_was_due_in_it() {
    // S = 1 s in D = 5 s: the quantile q is S − (1 − q)·D.
    let (begin, end) = (Duration::from_secs(2), Duration::from_secs(3));
    let server = serve(move |_, since| if since >= begin { Reply::At(end, 200) } else { Reply::Now(200) });
    let outcome = loaded(&plan(&server, 200.0, Duration::from_secs(5)));
    assert_eq!((outcome.due, outcome.sent, outcome.dropped), (1000, 1000, 0));
    assert_eq!(outcome.ended.get("200"), Some(&1000));
    for (quantile, expected) in [(0.9, 0.5), (0.95, 0.75), (0.99, 0.95)] {
        let found = seconds(&outcome, quantile);
        // A machine that is busy can only add to it.
        assert!((expected - 0.02..expected + 0.25).contains(&found), "q {quantile}: {found} s, not {expected} s");
    }
    assert!(outcome.series.iter().any(|second| second.max > 900_000), "{:?}", outcome.series);
}

#[test]
fn few_connections_make_a_stall_worse_and_never_better() {
    let server = serve(
        |number, since| {
            if number == 100 { Reply::At(since + Duration::from_secs(1), 200) } else { Reply::Now(200) }
        },
    );
    let mut plan = plan(&server, 100.0, Duration::from_secs(3));
    plan.in_flight = 1;
    let outcome = loaded(&plan);
    // All that were due in the second of the stall waited for the one connection: a third of them.
    assert_eq!(outcome.connections, 1);
    let found = seconds(&outcome, 0.9);
    assert!((0.65..1.2).contains(&found), "{found} s");
    // The server itself was slow once.
    assert!(outcome.service_time.percentiles.iter().find(|one| one.quantile > 0.989).unwrap().value < 500_000);
}

#[test]
fn what_was_due_and_never_sent_is_dropped() {
    let server = serve(|_, _| Reply::Never);
    let mut plan = plan(&server, 50.0, Duration::from_secs(1));
    plan.in_flight = 2;
    plan.timeout = Duration::from_millis(400);
    let outcome = loaded(&plan);
    assert_eq!(outcome.due, 50);
    assert!(outcome.dropped > 30 && outcome.sent + outcome.dropped == 50, "{outcome:?}");
    assert_eq!(outcome.ended.get("timed-out"), Some(&outcome.sent));
    assert!((outcome.error_ratio - 1.0).abs() < 1e-9);
    assert!(seconds(&outcome, 0.5) >= 0.4);
}

#[test]
fn each_kind_of_end_is_told_apart() {
    let server = serve(|number, _| match number % 4 {
        0 => Reply::Now(200),
        1 => Reply::Now(503),
        2 => Reply::Cut,
        _ => Reply::Noise,
    });
    let outcome = loaded(&plan(&server, 100.0, Duration::from_secs(1)));
    for how in ["200", "503", "broken", "malformed"] {
        assert_eq!(outcome.ended.get(how), Some(&25), "{how}: {:?}", outcome.ended);
    }
    assert!((outcome.error_ratio - 0.75).abs() < 1e-9);
}

#[test]
fn nobody_there_is_refused_and_no_error_of_ours() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let server = Server { address: listener.local_addr().unwrap(), requests: std::sync::Arc::default() };
    drop(listener);
    let outcome = loaded(&plan(&server, 20.0, Duration::from_secs(1)));
    assert_eq!(outcome.ended.get("refused"), Some(&20));
}

#[test]
fn a_run_that_is_stopped_tells_what_it_saw_until_then() {
    let server = serve(|_, _| Reply::Never);
    let stop = Stop::default();
    let plan = plan(&server, 100.0, Duration::from_mins(1));
    let begin = Instant::now();
    let outcome = thread::scope(|scope| {
        let running = scope.spawn(|| run(&plan, &stop, &|_| ()).unwrap());
        while server.requests.load(Ordering::SeqCst) < 20 {
            thread::sleep(Duration::from_millis(5));
        }
        stop.now();
        running.join().unwrap()
    });
    assert!(outcome.stopped && begin.elapsed() < Duration::from_secs(20));
    assert_eq!(outcome.ended.keys().collect::<Vec<_>>(), ["unfinished"]);
    assert!(outcome.due >= 20 && outcome.due < 6000, "{}", outcome.due);
}

#[test]
fn threads_share_the_schedule() {
    let server = serve(|_, _| Reply::Now(200));
    let mut plan = plan(&server, 400.0, Duration::from_secs(1));
    plan.threads = 3;
    let outcome = loaded(&plan);
    assert_eq!((outcome.sent, server.requests.load(Ordering::SeqCst)), (400, 400));
}
