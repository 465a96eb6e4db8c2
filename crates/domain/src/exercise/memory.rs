//! Memory under steady load.

use serde::{Deserialize, Serialize};

use super::{Answer, answer::time};
use crate::Message;

/// Less than this is noise, whatever the size of the process.
const LEAST: u64 = 8 << 20;

/// So many of a hundred bytes more is noise: heaps breathe.
const PERCENT: u64 = 10;

/// Memory of the process while users ask steadily, after a warm-up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Memory {
    /// In the order of time.
    pub samples: Vec<Sample>,
    /// Requests that were answered well meanwhile.
    pub requests: u64,
}

/// Resident bytes at a time, counted from the first sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sample {
    pub at_ms: u64,
    pub bytes: u64,
}

/// What the thirds of the time hold, in the order of time.
struct Thirds {
    median: [u64; 3],
    lowest: [u64; 3],
}

impl Memory {
    /// Memory rises, by more than noise. Whoever watches goes on while it does: a heap that still finds its size stops in
    /// the end, one that is collected late falls again, and a leak does neither.
    pub fn rises(&self) -> bool {
        self.thirds().is_some_and(|thirds| thirds.rise())
    }

    /// None: too little was seen.
    fn thirds(&self) -> Option<Thirds> {
        let third = self.samples.len() / 3;
        if third < 5 {
            return None;
        }
        let mut parts = self.samples.chunks(third);
        let parts = [parts.next()?, parts.next()?, parts.next()?];
        let lowest = |part: &[Sample]| part.iter().map(|one| one.bytes).min().unwrap_or_default();
        Some(Thirds { median: parts.map(median), lowest: parts.map(lowest) })
    }

    pub(super) fn answers(&self) -> Vec<Answer> {
        const CHECK: &str = "performance.profiling";
        let Some(thirds) = self.thirds().filter(|_| self.requests >= 50) else {
            return vec![too_little()];
        };
        let Thirds { median: [was, _, is], .. } = thirds;
        let grown = thirds.grown();
        let length = self.samples.last().map_or(0, |one| one.at_ms);
        let mebibytes = |bytes: u64| {
            #[expect(clippy::cast_precision_loss, reason = "a size of a process")]
            let size = bytes as f64 / f64::from(1 << 20);
            format!("{size:.1} MiB")
        };
        let (fallen, span) = (largest_fall(&self.samples), span(&self.samples));
        if thirds.rise() && fallen * 2 >= span {
            let (fallen, span, length) = (mebibytes(fallen), mebibytes(span), time(length));
            let why = Message::new(
                format!("memory rose by {span} and then fell by {fallen}: {length} are too short to see what stays"),
                format!("内存上升 {span} 后回落 {fallen}：{length} 太短，看不出留下了多少"),
            );
            return vec![Answer::inconclusive(CHECK, why)];
        }
        let misses = thirds.leak().then(|| {
            // From the middle of the first third to the middle of the last one lie two thirds of them.
            let between = (self.requests * 2 / 3).max(1);
            let each = grown / between / 1024;
            Message::new(
                format!(
                    "memory rises all the while, by {} for {between} requests (about {each} KiB each)",
                    mebibytes(grown)
                ),
                format!("内存持续上升，{between} 个请求增加 {}（每个约 {each} KiB）", mebibytes(grown)),
            )
        });
        let summary = Message::new(
            format!(
                "memory went from {} to {} in {} of steady load ({} requests)",
                mebibytes(was),
                mebibytes(is),
                time(length),
                self.requests
            ),
            format!(
                "稳定负载 {} 内（{} 个请求）内存由 {} 变为 {}",
                time(length),
                self.requests,
                mebibytes(was),
                mebibytes(is)
            ),
        );
        vec![Answer::in_part(CHECK, summary, misses.into_iter().collect())]
    }
}

impl Thirds {
    fn grown(&self) -> u64 {
        let [was, _, is] = self.median;
        is.saturating_sub(was)
    }

    fn rise(&self) -> bool {
        let [was, between, is] = self.median;
        was < between && between < is && self.grown() > LEAST.max(was * PERCENT / 100)
    }

    fn leak(&self) -> bool {
        let [was, between, is] = self.median;
        let [first, middle, last] = self.lowest;
        // What collects its garbage now and then falls back below where it was, and what finds its size grows ever less.
        self.rise() && first < middle && middle < last && (is - between) * 2 >= between - was
    }
}

fn too_little() -> Answer {
    let why = Message::new("too few requests or too short to see a slope", "请求太少或时间太短，看不出趋势");
    Answer::inconclusive("performance.profiling", why)
}

/// The most that a later sample is below an earlier one: what a collector gave back.
fn largest_fall(samples: &[Sample]) -> u64 {
    let mut highest = 0;
    let falls = samples.iter().map(|one| {
        highest = one.bytes.max(highest);
        highest - one.bytes
    });
    falls.max().unwrap_or_default()
}

fn span(samples: &[Sample]) -> u64 {
    let bytes = || samples.iter().map(|one| one.bytes);
    bytes().max().unwrap_or_default() - bytes().min().unwrap_or_default()
}

fn median(part: &[Sample]) -> u64 {
    let mut bytes: Vec<u64> = part.iter().map(|one| one.bytes).collect();
    bytes.sort_unstable();
    bytes.get(bytes.len() / 2).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exercise::Held;

    #[track_caller]
    fn check(bytes: impl Fn(u64) -> u64, expect: Held) {
        let samples = (0..90).map(|at| Sample { at_ms: at * 250, bytes: bytes(at) }).collect();
        let answer = Memory { samples, requests: 500 }.answers().remove(0);
        assert_eq!(answer.held, expect, "{:?}", answer.summary);
    }

    const MIB: u64 = 1 << 20;

    #[test]
    fn level_memory_holds_however_it_breathes() {
        check(|_| 60 * MIB, Held::InPart);
        check(|at| 60 * MIB + at % 17 * 3 * MIB, Held::InPart);
        // A heap that grew once and then stays.
        check(|at| if at < 25 { 60 * MIB } else { 90 * MIB }, Held::InPart);
        // One that still finds its size.
        check(|at| 90 * MIB - 40 * MIB / (at + 1), Held::InPart);
        // Too little to tell from noise.
        check(|at| 60 * MIB + at * 40_000, Held::InPart);
    }

    #[test]
    fn memory_that_rises_all_the_while_does_not() {
        check(|at| 60 * MIB + at * MIB / 3, Held::No);
        check(|at| 60 * MIB + at * MIB / 2 + at % 7 * MIB, Held::No);
    }

    #[test]
    fn garbage_that_is_collected_late_is_no_leak() {
        // One slow tooth of a saw: what stays is seen at the end of the next.
        check(|at| if at < 80 { 210 * MIB + at * 2 * MIB } else { 280 * MIB }, Held::Inconclusive);
        // Each tooth ends above the one before.
        check(|at| 60 * MIB + at * MIB + at % 10 * 2 * MIB, Held::No);
    }

    #[test]
    fn a_few_samples_say_nothing() {
        let samples = vec![Sample { at_ms: 0, bytes: MIB }; 6];
        assert_eq!(Memory { samples, requests: 500 }.answers()[0].held, Held::Inconclusive);
    }
}
