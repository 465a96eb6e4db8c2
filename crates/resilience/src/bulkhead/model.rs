//! The bulkhead against a model: a list of those who run and a queue of those who wait, each with its last moment.

use std::{collections::VecDeque, time::Duration};

use proptest::prelude::*;
use tokio::{
    sync::oneshot,
    task::{JoinHandle, yield_now},
    time::advance,
};

use super::*;

#[derive(Debug, Clone)]
enum Step {
    Arrive,
    End(prop::sample::Index),
    GiveUp(prop::sample::Index),
    Pass(u64),
}

/// A call of the test: it ends when it is told to, and is cancelled when its task is aborted.
struct Call {
    number: usize,
    task: JoinHandle<Result<(), Rejection>>,
    end: oneshot::Sender<()>,
}

#[derive(Default)]
struct Model {
    running: Vec<usize>,
    /// Who waits, and until when, in milliseconds.
    waiting: VecDeque<(usize, u64)>,
    since: Option<u64>,
}

impl Model {
    fn arrive(&mut self, settings: &Settings, number: usize, now: u64) -> bool {
        if self.running.len() < settings.slots as usize {
            self.running.push(number);
            return true;
        }
        if self.waiting.len() >= settings.queue as usize {
            return false;
        }
        let stands = now - *self.since.get_or_insert(now) > 100;
        self.waiting.push_back((number, now + if stands { 5 } else { 100 }));
        true
    }

    fn leave(&mut self, settings: &Settings, number: usize) {
        self.running.retain(|one| *one != number);
        self.waiting.retain(|(one, _)| *one != number);
        while self.running.len() < settings.slots as usize
            && let Some((next, _)) = self.waiting.pop_front()
        {
            self.running.push(next);
        }
        self.tidy();
    }

    fn pass_time(&mut self, now: u64) {
        self.waiting.retain(|(_, until)| *until > now);
        self.tidy();
    }

    fn tidy(&mut self) {
        if self.waiting.is_empty() {
            self.since = None;
        }
    }
}

async fn settle() {
    for _ in 0..20 {
        yield_now().await;
    }
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => Just(Step::Arrive),
        2 => any::<prop::sample::Index>().prop_map(Step::End),
        1 => any::<prop::sample::Index>().prop_map(Step::GiveUp),
        2 => (1_u64..60).prop_map(Step::Pass),
    ];
    prop::collection::vec(step, 1..150)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_bulkhead_does_what_the_model_does(slots in 1_u32..4, queue in 0_u32..4, steps in steps()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        runtime.block_on(async {
            let settings = Settings { slots, queue, ..Settings::default() };
            let (bulkhead, mut model) = (Bulkhead::new("test", settings), Model::default());
            let (mut calls, mut now): (Vec<Call>, u64) = (Vec::new(), 0);
            for (number, step) in steps.into_iter().enumerate() {
                match step {
                    Step::Arrive => {
                        let (end, ended) = oneshot::channel();
                        let bulkhead = bulkhead.clone();
                        let task = tokio::spawn(async move {
                            let _slot = bulkhead.acquire().await?;
                            drop(ended.await);
                            Ok(())
                        });
                        settle().await;
                        let admitted = model.arrive(&settings, number, now);
                        prop_assert_eq!(task.is_finished(), !admitted);
                        calls.push(Call { number, task, end });
                    }
                    Step::End(index) if !model.running.is_empty() => {
                        let number = *index.get(&model.running);
                        let place = calls.iter().position(|call| call.number == number).unwrap();
                        drop(calls.swap_remove(place).end);
                        model.leave(&settings, number);
                    }
                    Step::GiveUp(index) if !calls.is_empty() => {
                        let call = calls.swap_remove(index.index(calls.len()));
                        call.task.abort();
                        model.leave(&settings, call.number);
                    }
                    Step::End(_) | Step::GiveUp(_) => {}
                    Step::Pass(millis) => {
                        // A millisecond at a time, so that whoever comes next finds every wait ended that has ended.
                        for _ in 0..millis {
                            advance(Duration::from_millis(1)).await;
                            settle().await;
                            now += 1;
                            model.pass_time(now);
                        }
                    }
                }
                settle().await;
                prop_assert_eq!(bulkhead.waiting() as usize, model.waiting.len());
                prop_assert_eq!(bulkhead.free(), slots as usize - model.running.len());
            }
            Ok(())
        })?;
    }
}
