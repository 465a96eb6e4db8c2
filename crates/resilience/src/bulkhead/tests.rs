//! Slots and queue: bounded in number and time, and never lost.

use std::{future::pending, time::Duration};

use tokio::time::{advance, sleep};
use tower::{ServiceBuilder, ServiceExt as _};

use super::*;
use crate::{Deadline, Error};

const MS: Duration = Duration::from_millis(1);

fn bulkhead(slots: u32, queue: u32) -> Bulkhead {
    Bulkhead::new("test", Settings { slots, queue, ..Settings::default() })
}

/// Begins a call that works for so many milliseconds; it ends with how long it took as a whole.
async fn call(bulkhead: &Bulkhead, works: u64) -> Result<u128, Rejection> {
    let begun = Instant::now();
    let service = ServiceBuilder::new().layer(BulkheadLayer::new(bulkhead.clone())).map_err(Error::Inner).service_fn(
        move |()| async move {
            sleep(Duration::from_millis(works)).await;
            Ok::<_, std::convert::Infallible>(())
        },
    );
    match service.oneshot(()).await {
        Ok(()) => Ok(begun.elapsed().as_millis()),
        Err(Error::Rejected(rejection)) => Err(rejection),
        Err(Error::Inner(never)) => match never {},
    }
}

const FULL: Result<u128, Rejection> = Err(Rejection::BulkheadFull { name: "test" });
const WAITED: Result<u128, Rejection> = Err(Rejection::BulkheadWaited { name: "test" });

#[tokio::test(start_paused = true)]
async fn by_default_25_run_and_none_waits() {
    let bulkhead = Bulkhead::new("test", Settings::default());
    let slots: Vec<_> = std::iter::from_fn(|| bulkhead.try_acquire()).collect();
    assert_eq!(slots.len(), 25);
    assert_eq!(call(&bulkhead, 0).await, FULL);
}

#[tokio::test(start_paused = true)]
async fn so_many_run_so_many_wait_and_the_rest_is_refused() {
    let bulkhead = bulkhead(1, 2);
    let results = tokio::join!(call(&bulkhead, 10), call(&bulkhead, 10), call(&bulkhead, 10), call(&bulkhead, 10));
    assert_eq!(results, (Ok(10), Ok(20), Ok(30), FULL));
    assert_eq!((bulkhead.free(), bulkhead.waiting()), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_longer_than_the_bound() {
    let bulkhead = bulkhead(1, 1);
    let begun = Instant::now();
    let results = tokio::join!(call(&bulkhead, 1000), async {
        let result = call(&bulkhead, 0).await;
        (result, begun.elapsed())
    });
    assert_eq!(results, (Ok(1000), (WAITED, 100 * MS)));
}

#[tokio::test(start_paused = true)]
async fn waiting_counts_against_the_deadline() {
    let bulkhead = bulkhead(1, 1);
    let begun = Instant::now();
    let soon = Deadline::after(30 * MS);
    let (_, result) = tokio::join!(call(&bulkhead, 1000), async {
        let result = soon.scope(call(&bulkhead, 0)).await;
        assert_eq!(begun.elapsed(), 30 * MS);
        result
    });
    assert_eq!(result, WAITED);
}

#[tokio::test(start_paused = true)]
async fn in_a_queue_that_stands_nobody_waits_for_long() {
    let bulkhead = bulkhead(1, 10);
    let hanging = bulkhead.try_acquire().unwrap();
    let waits = async |bulkhead: &Bulkhead| {
        let begun = Instant::now();
        assert_eq!(call(bulkhead, 0).await, WAITED);
        begun.elapsed().as_millis()
    };
    // The first waits as long as it may; while it does, the queue is never empty, and has been for too long after that.
    let (first, second, third) = tokio::join!(
        waits(&bulkhead),
        async {
            sleep(90 * MS).await;
            waits(&bulkhead).await
        },
        async {
            sleep(120 * MS).await;
            waits(&bulkhead).await
        }
    );
    assert_eq!((first, second, third), (100, 100, 5));
    // The queue is empty, and begins anew.
    assert_eq!(waits(&bulkhead).await, 100);
    drop(hanging);
}

#[tokio::test(start_paused = true)]
async fn calls_and_waits_that_are_cancelled_give_back_what_they_held() {
    let bulkhead = bulkhead(2, 2);
    for _ in 0..20 {
        let tasks: Vec<_> = (0..4)
            .map(|_| {
                let bulkhead = bulkhead.clone();
                tokio::spawn(async move { call(&bulkhead, 1_000_000).await })
            })
            .collect();
        sleep(10 * MS).await;
        assert_eq!((bulkhead.free(), bulkhead.waiting()), (0, 2));
        for task in tasks {
            task.abort();
            assert!(task.await.is_err());
        }
        assert_eq!((bulkhead.free(), bulkhead.waiting()), (2, 0));
    }
}

#[tokio::test(start_paused = true)]
async fn calls_that_panic_give_their_slots_back() {
    let bulkhead = bulkhead(1, 1);
    for _ in 0..5 {
        let service = ServiceBuilder::new()
            .layer(BulkheadLayer::new(bulkhead.clone()))
            .map_err(Error::<&str>::Inner)
            .service_fn(|()| async {
                sleep(MS).await;
                panic!("on purpose");
                #[expect(unreachable_code, reason = "gives the future its type")]
                Ok(())
            });
        let waiting = tokio::spawn(service.clone().oneshot(()));
        let running = tokio::spawn(service.oneshot(()));
        assert!(running.await.unwrap_err().is_panic());
        assert!(waiting.await.unwrap_err().is_panic());
    }
    assert_eq!((bulkhead.free(), bulkhead.waiting()), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn one_dependency_that_hangs_takes_only_its_own_slots() {
    let (hanging, healthy) = (bulkhead(2, 0), bulkhead(2, 0));
    let stuck: Vec<_> = std::iter::from_fn(|| hanging.try_acquire())
        .map(|slot| {
            tokio::spawn(async move {
                pending::<()>().await;
                drop(slot);
            })
        })
        .collect();
    advance(1000 * MS).await;
    assert_eq!(call(&hanging, 1).await, FULL);
    assert_eq!(call(&healthy, 1).await, Ok(1));
    stuck.iter().for_each(tokio::task::JoinHandle::abort);
}
