//! What a load run shows of itself on a terminal while it goes on.

use std::{sync::Mutex, time::Duration};

use console::{Term, truncate_str};
use gonogo_exercise::load::{Latency, Progress};

use crate::load::{percentile, shown, spark};

/// Written over and over on standard error; nothing where that is no terminal.
pub(crate) struct Live {
    term: Term,
    /// Lines that stand there now.
    lines: Mutex<usize>,
}

impl Live {
    pub(crate) fn new() -> Option<Self> {
        let term = Term::stderr();
        term.is_term().then(|| Self { term, lines: Mutex::new(0) })
    }

    pub(crate) fn show(&self, progress: &Progress) {
        self.write(&lines(progress));
    }

    /// Takes it away.
    pub(crate) fn end(&self) {
        self.write(&[]);
    }

    fn write(&self, lines: &[String]) {
        let Ok(mut standing) = self.lines.lock() else { return };
        let width = usize::from(self.term.size().1).max(20);
        let mut text = String::new();
        for line in lines {
            text.push_str(&truncate_str(line, width - 1, "…"));
            text.push('\n');
        }
        // A terminal that is gone does not end the run.
        let _ = self.term.clear_last_lines(*standing);
        let _ = self.term.write_str(&text);
        *standing = lines.len();
    }
}

fn lines(progress: &Progress) -> Vec<String> {
    let seconds = progress.elapsed.as_secs_f64().max(0.1);
    #[expect(clippy::cast_precision_loss, reason = "a count of requests is far below 2^52")]
    let a_second = |count: u64| count as f64 / seconds;
    let under_way = u64::try_from(progress.in_flight).unwrap_or(u64::MAX);
    let late = progress.due.saturating_sub(progress.ended).saturating_sub(under_way);
    let classes: Vec<String> = progress.classes.iter().map(|(word, count)| format!("{word} {count}")).collect();
    let row = |name: &str, latency: &Latency| {
        let at = |quantile| percentile(latency, quantile);
        let most = shown(Duration::from_micros(latency.max));
        format!("  {name:11} p50 {:>8}   p95 {:>8}   p99 {:>8}   max {most:>8}", at(0.5), at(0.95), at(0.99))
    };
    vec![
        format!(
            "{} of {}   asked {:.0}/s   ended {:.0}/s   in flight {under_way}   due and not sent {late}",
            shown(progress.elapsed),
            shown(progress.length),
            a_second(progress.due),
            a_second(progress.ended),
        ),
        row("last 10 s", &progress.recent),
        row("whole run", &progress.latency),
        format!("  answers     {}", if classes.is_empty() { "–".to_owned() } else { classes.join("   ") }),
        format!("  worst       {}", spark(&progress.series.iter().map(|one| one.max).collect::<Vec<_>>())),
    ]
}

#[cfg(test)]
mod tests {
    use gonogo_exercise::load::Second;

    use super::*;

    #[test]
    fn everything_that_happens_has_its_place() {
        let progress = Progress {
            elapsed: Duration::from_secs(10),
            length: Duration::from_mins(1),
            due: 1000,
            ended: 900,
            good: 890,
            in_flight: 60,
            classes: [("200".to_owned(), 890), ("timed-out".to_owned(), 10)].into(),
            series: vec![Second { due: 500, good: 490, bad: 10, max: 2_000_000 }; 2],
            latency: Latency::default(),
            recent: Latency::default(),
        };
        let text = lines(&progress).join("\n");
        for part in ["asked 100/s", "ended 90/s", "in flight 60", "not sent 40", "timed-out 10", "██ (most: 2.00 s)"]
        {
            assert!(text.contains(part), "{part} is not in\n{text}");
        }
    }
}
