//! What a program prints: kept with times, bounded, readable while it runs.

use std::{
    collections::VecDeque,
    io::{BufRead as _, BufReader, Read},
    process::Child,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread,
    time::{Duration, Instant},
};

/// A longer line is cut into several.
const LONGEST: u64 = 64 << 10;

/// What is kept of all lines, in bytes; the oldest goes first.
const MOST: usize = 16 << 20;

/// How long last words are waited for.
const WORDS: Duration = Duration::from_millis(300);

/// Where a line was printed to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stream {
    Output,
    Error,
}

/// One line, without its end. What is no UTF-8 is replaced.
#[derive(Clone, Debug)]
pub struct Line {
    pub at: Instant,
    pub stream: Stream,
    pub text: String,
}

#[derive(Debug, Default)]
struct Kept {
    lines: VecDeque<Line>,
    bytes: usize,
    /// How many lines came before the first one that is kept.
    gone: usize,
    /// Pipes that are still read.
    open: usize,
}

/// The lines that a program printed so far.
#[derive(Clone, Debug, Default)]
pub struct Output(Arc<Mutex<Kept>>);

impl Output {
    pub(super) fn capture(child: &mut Child) -> Self {
        let output = Self::default();
        if let Some(pipe) = child.stdout.take() {
            output.read(pipe, Stream::Output);
        }
        if let Some(pipe) = child.stderr.take() {
            output.read(pipe, Stream::Error);
        }
        output
    }

    fn read(&self, pipe: impl Read + Send + 'static, stream: Stream) {
        let output = self.clone();
        self.kept().open += 1;
        // It ends when the last process that holds the pipe does.
        thread::spawn(move || {
            let mut reader = BufReader::new(pipe);
            let mut line = Vec::new();
            while matches!(reader.by_ref().take(LONGEST).read_until(b'\n', &mut line), Ok(1..)) {
                let text = String::from_utf8_lossy(&line).trim_end_matches(['\n', '\r']).to_owned();
                output.keep(Line { at: Instant::now(), stream, text });
                line.clear();
            }
            output.kept().open -= 1;
        });
    }

    fn keep(&self, line: Line) {
        let mut kept = self.kept();
        kept.bytes += line.text.len();
        kept.lines.push_back(line);
        while kept.bytes > MOST {
            let Some(oldest) = kept.lines.pop_front() else { break };
            kept.bytes -= oldest.text.len();
            kept.gone += 1;
        }
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many lines were printed so far: a place to read on from.
    pub fn count(&self) -> usize {
        let kept = self.kept();
        kept.gone + kept.lines.len()
    }

    /// The lines from this place on that are kept.
    pub fn since(&self, place: usize) -> Vec<Line> {
        let kept = self.kept();
        kept.lines.iter().skip(place.saturating_sub(kept.gone)).cloned().collect()
    }

    /// The last lines as they are put behind an error, each on a line of its own. What a program that has ended printed last
    /// is waited for, but not for what another one that holds its pipe may still print.
    pub fn last_words(&self, lines: usize) -> String {
        let until = Instant::now() + WORDS;
        while self.kept().open > 0 && Instant::now() < until {
            thread::sleep(Duration::from_millis(2));
        }
        let kept = self.kept();
        let skipped = kept.lines.len().saturating_sub(lines);
        let lines = kept.lines.iter().skip(skipped).flat_map(|line| ["\n    ", &line.text]);
        lines.collect()
    }
}
