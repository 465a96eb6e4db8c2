//! An experiment as a picture: what users saw, what dependencies got, and what was done when, on one axis of time.

use gonogo_domain::{
    Lang,
    exercise::{Bucket, Timeline},
};

use crate::clean::clean;

/// Everything is in units of the picture's own grid.
const LEFT: f64 = 84.0;
const WIDTH: f64 = 620.0;
const RIGHT: f64 = 16.0;
const LABELS: f64 = 14.0;
const WAITS: f64 = 34.0;
const REQUESTS: f64 = 60.0;
const CALLS: f64 = 22.0;
const GAP: f64 = 8.0;

/// No more dependencies than these have a row of their own.
const ROWS: usize = 6;

/// What a template draws.
pub(crate) struct Picture {
    pub width: f64,
    pub height: f64,
    pub boxes: Vec<Box>,
    pub lines: Vec<Line>,
    pub words: Vec<Word>,
}

pub(crate) struct Box {
    pub class: &'static str,
    pub x: f64,
    pub y: f64,
    pub width: f64,
    pub height: f64,
}

pub(crate) struct Line {
    pub class: &'static str,
    pub x1: f64,
    pub y1: f64,
    pub x2: f64,
    pub y2: f64,
}

pub(crate) struct Word {
    pub x: f64,
    pub y: f64,
    pub anchor: &'static str,
    pub text: String,
}

/// Draws a trial; none where nothing was seen in it.
pub(crate) fn picture(timeline: &Timeline, lang: Lang) -> Option<Picture> {
    let users = timeline.buckets.iter().any(|bucket| bucket.good + bucket.bad > 0);
    let called: Vec<(&String, &Vec<u32>)> =
        timeline.calls.iter().filter(|(_, calls)| calls.iter().any(|count| *count > 0)).take(ROWS).collect();
    if (!users && called.is_empty() && timeline.marks.is_empty())
        || timeline.buckets.is_empty()
        || timeline.bucket_ms == 0
    {
        return None;
    }
    let mut drawing = Drawing::new(timeline, lang);
    let marks = drawing.marks();
    let mut y = marks;
    if users {
        y = drawing.waits(y);
        y = drawing.requests(y);
    }
    for (name, calls) in called {
        y = drawing.calls(y, &clean(name), calls);
    }
    let bottom = drawing.axis(y);
    // The faults lie behind everything, from the labels down to the axis.
    drawing.shade(marks - GAP / 2.0, y);
    drawing.picture.height = bottom;
    Some(drawing.picture)
}

struct Drawing<'a> {
    timeline: &'a Timeline,
    lang: Lang,
    /// The length of the axis in milliseconds.
    length: f64,
    picture: Picture,
}

impl<'a> Drawing<'a> {
    fn new(timeline: &'a Timeline, lang: Lang) -> Self {
        let length = float(timeline.bucket_ms) * count(timeline.buckets.len());
        let picture = Picture {
            width: LEFT + WIDTH + RIGHT,
            height: 0.0,
            boxes: Vec::new(),
            lines: Vec::new(),
            words: Vec::new(),
        };
        Self { timeline, lang, length, picture }
    }

    fn x(&self, at_ms: u64) -> f64 {
        LEFT + (float(at_ms) / self.length).clamp(0.0, 1.0) * WIDTH
    }

    fn word(&mut self, x: f64, y: f64, anchor: &'static str, text: impl Into<String>) {
        self.picture.words.push(Word { x: round(x), y: round(y), anchor, text: text.into() });
    }

    fn rectangle(&mut self, class: &'static str, x: f64, y: f64, width: f64, height: f64) {
        self.picture.boxes.push(Box { class, x: round(x), y: round(y), width: round(width), height: round(height) });
    }

    /// The words over faults and moments, each in the first row in which it fits. Gives where the rows end.
    fn marks(&mut self) -> f64 {
        let mut rows: Vec<f64> = Vec::new();
        let mut marks: Vec<_> = self.timeline.marks.iter().collect();
        marks.sort_by_key(|mark| mark.from_ms);
        for mark in marks {
            let text = clean(mark.what.get(self.lang));
            // About what a letter takes; a wide one counts twice.
            let width = text.chars().map(|letter| if letter.is_ascii() { 5.6 } else { 11.0 }).sum::<f64>();
            let x = self.x(mark.from_ms);
            let flipped = x + width > LEFT + WIDTH + RIGHT;
            let from = if flipped { x - width } else { x };
            let row = rows.iter().position(|end| *end + 4.0 <= from).unwrap_or(rows.len());
            if row == rows.len() {
                rows.push(0.0);
            }
            if let Some(end) = rows.get_mut(row) {
                *end = from + width;
            }
            let y = LABELS * (count(row) + 0.8);
            self.word(x, y, if flipped { "end" } else { "start" }, text);
        }
        LABELS * count(rows.len()) + GAP
    }

    /// The shades of faults and the lines of moments.
    fn shade(&mut self, top: f64, bottom: f64) {
        let mut shades = Vec::new();
        for mark in &self.timeline.marks {
            let x = self.x(mark.from_ms);
            match mark.until_ms {
                Some(until) => shades.push(Box {
                    class: "fault",
                    x: round(x),
                    y: round(top),
                    // One fault after the other is two.
                    width: round((self.x(until) - x - 1.5).max(1.0)),
                    height: round(bottom - top),
                }),
                None => self.picture.lines.push(Line {
                    class: "moment",
                    x1: round(x),
                    y1: round(top),
                    x2: round(x),
                    y2: round(bottom),
                }),
            }
        }
        shades.append(&mut self.picture.boxes);
        self.picture.boxes = shades;
    }

    /// The longest wait of each stretch, on a scale of powers of ten from a millisecond on.
    fn waits(&mut self, y: f64) -> f64 {
        let most = self.timeline.buckets.iter().map(|bucket| bucket.slowest_ms).max().unwrap_or_default().max(10);
        let height = |wait: u32| f64::from(wait.max(1)).ln() / f64::from(most).ln() * WAITS;
        let title = if self.lang == Lang::En { "longest wait" } else { "最长等待" };
        self.word(LEFT - 6.0, y + 10.0, "end", title);
        self.word(LEFT - 6.0, y + 21.0, "end", time(u64::from(most)));
        let buckets: Vec<(usize, Bucket)> = self.timeline.buckets.iter().copied().enumerate().collect();
        let width = self.width();
        for (place, bucket) in buckets.into_iter().filter(|(_, bucket)| bucket.good + bucket.bad > 0) {
            let high = height(bucket.slowest_ms).max(1.0);
            self.rectangle("wait", self.left(place), y + WAITS - high, width, high);
        }
        y + WAITS + GAP
    }

    /// Requests that went well and wrong, one on the other.
    fn requests(&mut self, y: f64) -> f64 {
        let most = self.timeline.buckets.iter().map(|bucket| bucket.good + bucket.bad).max().unwrap_or_default().max(1);
        let title = if self.lang == Lang::En { "requests" } else { "请求" };
        self.word(LEFT - 6.0, y + 10.0, "end", title);
        self.word(LEFT - 6.0, y + 21.0, "end", format!("{most} / {}", time(self.timeline.bucket_ms)));
        let width = self.width();
        let buckets: Vec<(usize, Bucket)> = self.timeline.buckets.iter().copied().enumerate().collect();
        for (place, bucket) in buckets {
            let (good, bad) = (f64::from(bucket.good), f64::from(bucket.bad));
            let high = |value: f64| value / f64::from(most) * REQUESTS;
            let x = self.left(place);
            if bucket.good > 0 {
                self.rectangle("well", x, y + REQUESTS - high(good), width, high(good));
            }
            if bucket.bad > 0 {
                self.rectangle("wrong", x, y + REQUESTS - high(good + bad), width, high(bad));
            }
        }
        y + REQUESTS + GAP
    }

    fn calls(&mut self, y: f64, name: &str, calls: &[u32]) -> f64 {
        let most = calls.iter().copied().max().unwrap_or_default().max(1);
        let short: String = name.chars().take(13).collect();
        self.word(LEFT - 6.0, y + 10.0, "end", format!("→ {short}"));
        self.word(LEFT - 6.0, y + 21.0, "end", format!("{most} / {}", time(self.timeline.bucket_ms)));
        let width = self.width();
        for (place, calls) in calls.iter().enumerate().filter(|(_, calls)| **calls > 0) {
            let high = f64::from(*calls) / f64::from(most) * CALLS;
            self.rectangle("call", self.left(place), y + CALLS - high, width, high);
        }
        y + CALLS + GAP
    }

    /// The axis with a few times.
    fn axis(&mut self, y: f64) -> f64 {
        self.picture.lines.push(Line { class: "axis", x1: LEFT, y1: round(y), x2: LEFT + WIDTH, y2: round(y) });
        for part in 0..=4_u8 {
            let share = f64::from(part) / 4.0;
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share of a length of hours")]
            let at = (self.length * share) as u64;
            let anchor = if part == 4 { "end" } else { "middle" };
            self.word(LEFT + WIDTH * share, y + 12.0, anchor, time(at));
        }
        y + 18.0
    }

    fn width(&self) -> f64 {
        (WIDTH / count(self.timeline.buckets.len()) - 0.6).max(0.6)
    }

    fn left(&self, place: usize) -> f64 {
        LEFT + WIDTH / count(self.timeline.buckets.len()) * count(place)
    }
}

fn time(milliseconds: u64) -> String {
    match milliseconds {
        0 => "0".to_owned(),
        1..1000 => format!("{milliseconds} ms"),
        _ if milliseconds < 10_000 => format!("{:.1} s", float(milliseconds) / 1e3),
        _ => format!("{:.0} s", float(milliseconds) / 1e3),
    }
}

#[expect(clippy::cast_precision_loss, reason = "times of hours in milliseconds")]
fn float(value: u64) -> f64 {
    value as f64
}

fn count(value: usize) -> f64 {
    f64::from(u32::try_from(value).unwrap_or(u32::MAX))
}

/// Two digits are finer than a pixel.
fn round(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}

#[cfg(test)]
mod tests {
    use gonogo_domain::Message;

    use super::*;

    fn drawn(timeline: &Timeline) -> Picture {
        picture(timeline, Lang::En).unwrap()
    }

    #[test]
    fn everything_lies_within_the_picture() {
        let mut timeline = Timeline::over(20_000);
        for at in (0..20_000).step_by(90) {
            timeline.request(at, at / 10, at % 7 > 0);
            timeline.call("a-dependency-with-a-long-name", at);
        }
        timeline.mark(5_000, Some(90_000), Message::new("a fault that outlives the picture", ""));
        timeline.mark(19_900, None, Message::new("a word at the very end of it", ""));
        let drawn = drawn(&timeline);
        for one in &drawn.boxes {
            assert!(one.x >= 0.0 && one.x + one.width <= drawn.width, "{} {} {}", one.class, one.x, one.width);
            assert!(one.y >= 0.0 && one.y + one.height <= drawn.height, "{} {} {}", one.class, one.y, one.height);
        }
        assert!(drawn.boxes.first().is_some_and(|first| first.class == "fault"), "faults lie behind");
        assert!(drawn.words.iter().any(|word| word.anchor == "end" && word.text.starts_with("a word at")));
    }

    #[test]
    fn words_that_would_touch_stand_in_rows() {
        let mut timeline = Timeline::over(10_000);
        timeline.mark(1_000, None, Message::new("not ready", ""));
        timeline.mark(1_010, None, Message::new("nobody listens", ""));
        timeline.mark(6_000, None, Message::new("gone", ""));
        let drawn = drawn(&timeline);
        let y = |text: &str| drawn.words.iter().find(|word| word.text == text).map(|word| word.y);
        assert!(y("not ready") < y("nobody listens") && y("gone") == y("not ready"));
    }

    #[test]
    fn a_trial_in_which_nothing_was_seen_has_no_picture() {
        assert!(picture(&Timeline::over(1_000), Lang::En).is_none());
        assert!(picture(&Timeline::default(), Lang::En).is_none());
    }
}
