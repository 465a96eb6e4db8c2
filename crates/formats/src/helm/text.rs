//! Strings that know, run by run, which place wrote them.

use std::cmp::Ordering;
use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use gonogo_domain::Place;

/// Where a run of bytes comes from. Zero means "not known here": whoever prints the text fills it in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Mark {
    /// The template action or line that wrote it: an index of [`Trace::origins`].
    pub(super) origin: u32,
    /// The values file's place that it was copied from: an index of [`Trace::places`].
    pub(super) value: u32,
}

impl Mark {
    pub(super) fn of_value(place: u32) -> Self {
        Self { origin: 0, value: place }
    }

    /// Fills in what is not known.
    fn or(self, other: Self) -> Self {
        Self {
            origin: if self.origin == 0 { other.origin } else { self.origin },
            value: if self.value == 0 && self.origin == 0 { other.value } else { self.value },
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Run {
    at: usize,
    mark: Mark,
}

/// A string with marked runs. Bytes before the first run have no mark.
#[derive(Clone, Debug, Default)]
pub(super) struct Text {
    text: String,
    runs: Vec<Run>,
}

impl Text {
    pub(super) fn plain(text: impl Into<String>) -> Self {
        Self { text: text.into(), runs: Vec::new() }
    }

    pub(super) fn marked(text: impl Into<String>, mark: Mark) -> Self {
        let runs = if mark == Mark::default() { Vec::new() } else { vec![Run { at: 0, mark }] };
        Self { text: text.into(), runs }
    }

    pub(super) fn as_str(&self) -> &str {
        &self.text
    }

    pub(super) fn len(&self) -> usize {
        self.text.len()
    }

    pub(super) fn has_marks(&self) -> bool {
        !self.runs.is_empty()
    }

    pub(super) fn push(&mut self, text: &str, mark: Mark) {
        let last = self.runs.last().map_or_else(Mark::default, |run| run.mark);
        if last != mark && !text.is_empty() {
            self.runs.push(Run { at: self.text.len(), mark });
        }
        self.text.push_str(text);
    }

    /// Appends a text; its bytes without a mark get `fallback`.
    pub(super) fn append(&mut self, other: &Self, fallback: Mark) {
        for (piece, mark) in other.pieces(0..other.len()) {
            self.push(piece, mark.or(fallback));
        }
        // An empty text still says where the emptiness came from; the next run overrides it.
    }

    pub(super) fn mark_at(&self, offset: usize) -> Mark {
        let index = self.runs.partition_point(|run| run.at <= offset);
        index.checked_sub(1).and_then(|index| self.runs.get(index)).map_or_else(Mark::default, |run| run.mark)
    }

    /// The runs of a range: each piece of text with its mark.
    pub(super) fn pieces(&self, range: Range<usize>) -> impl Iterator<Item = (&str, Mark)> {
        let end = range.end.min(self.text.len());
        let mut at = range.start;
        let mut next = self.runs.partition_point(|run| run.at <= at);
        std::iter::from_fn(move || {
            if at >= end {
                return None;
            }
            let mark =
                next.checked_sub(1).and_then(|index| self.runs.get(index)).map_or_else(Mark::default, |r| r.mark);
            let stop = self.runs.get(next).map_or(end, |run| run.at.min(end));
            let piece = self.text.get(at..stop).unwrap_or_default();
            at = stop;
            next += 1;
            Some((piece, mark))
        })
        .filter(|(piece, _)| !piece.is_empty())
    }

    pub(super) fn slice(&self, range: Range<usize>) -> Self {
        let mut result = Self::default();
        for (piece, mark) in self.pieces(range.clone()) {
            result.push(piece, mark);
        }
        if result.text.is_empty() {
            let mark = self.mark_at(range.start.min(self.len().saturating_sub(1)));
            if mark != Mark::default() {
                result.runs.push(Run { at: 0, mark });
            }
        }
        result
    }

    /// The part of this text that `part`, a slice of [`Text::as_str`], covers.
    pub(super) fn part(&self, part: &str) -> Self {
        let start = (part.as_ptr() as usize).wrapping_sub(self.text.as_ptr() as usize);
        if start > self.text.len() || part.len() > self.text.len() - start {
            return Self::plain(part);
        }
        self.slice(start..start + part.len())
    }

    /// The same place for the whole, if there is one.
    pub(super) fn single_mark(&self) -> Option<Mark> {
        match self.runs.as_slice() {
            [] => Some(Mark::default()),
            [run] if run.at == 0 => Some(run.mark),
            _ => None,
        }
    }

    /// Drops every occurrence of `word`.
    pub(super) fn without(self, word: &str) -> Self {
        if !self.text.contains(word) {
            return self;
        }
        let mut result = Self::default();
        let mut at = 0;
        for (found, _) in self.text.match_indices(word) {
            for (piece, mark) in self.pieces(at..found) {
                result.push(piece, mark);
            }
            at = found + word.len();
        }
        for (piece, mark) in self.pieces(at..self.len()) {
            result.push(piece, mark);
        }
        result
    }
}

/// A template place, and the call through which the template was reached.
#[derive(Clone, Copy, Debug, Default)]
struct Origin {
    place: u32,
    parent: u32,
    depth: u32,
}

/// Every place that a rendering touched. Marks are indexes into it.
#[derive(Debug)]
pub(super) struct Trace {
    places: Vec<Place>,
    known: HashMap<(usize, u32, u32), u32>,
    origins: Vec<Origin>,
}

impl Trace {
    pub(super) fn new() -> Self {
        Self { places: vec![Place::whole("")], known: HashMap::new(), origins: vec![Origin::default()] }
    }

    pub(super) fn add_place(&mut self, place: &Place) -> u32 {
        let index = u32::try_from(self.places.len()).unwrap_or(0);
        self.places.push(place.clone());
        index
    }

    /// The place of a line of a file; asked again and again for the same lines.
    pub(super) fn line_place(&mut self, path: &Arc<str>, line: u32, column: u32) -> u32 {
        let key = (Arc::as_ptr(path).cast::<u8>() as usize, line, column);
        if let Some(known) = self.known.get(&key) {
            return *known;
        }
        let index = self.add_place(&Place::new(Arc::clone(path), line, column));
        self.known.insert(key, index);
        index
    }

    pub(super) fn origin(&mut self, place: u32, parent: u32) -> u32 {
        if let Some(last) = self.origins.last()
            && (last.place, last.parent) == (place, parent)
            && self.origins.len() > 1
        {
            return u32::try_from(self.origins.len() - 1).unwrap_or(0);
        }
        let depth = self.get(parent).depth.saturating_add(1);
        let index = u32::try_from(self.origins.len()).unwrap_or(0);
        self.origins.push(Origin { place, parent, depth });
        index
    }

    fn get(&self, origin: u32) -> Origin {
        self.origins.get(origin as usize).copied().unwrap_or_default()
    }

    pub(super) fn place(&self, index: u32) -> Option<&Place> {
        if index == 0 { None } else { self.places.get(index as usize) }
    }

    pub(super) fn origin_place(&self, origin: u32) -> u32 {
        self.get(origin).place
    }

    /// The place that a person edits to change a range of the output. A range that one value wrote leads to that
    /// value; one that several wrote leads to the template line where they were put together.
    pub(super) fn resolve(&self, text: &Text, range: Range<usize>) -> Option<&Place> {
        let mut first: Option<Mark> = None;
        let mut origin = 0;
        let mut value = 0;
        let range = range.start..range.end.max(range.start + 1);
        for (_, mark) in text.pieces(range) {
            if first.is_none() {
                first = Some(mark);
                origin = mark.origin;
                value = mark.value;
                continue;
            }
            if mark.value != value {
                value = 0;
            }
            origin = self.meet(origin, mark.origin);
        }
        first?;
        self.place(value).or_else(|| self.place(self.get(origin).place))
    }

    /// Lifts two origins to the template that both were reached from; the left one names the line there.
    fn meet(&self, left: u32, right: u32) -> u32 {
        if left == 0 {
            return right;
        }
        let (mut left, mut right) = (left, right);
        loop {
            let (a, b) = (self.get(left), self.get(right));
            if left == right || a.parent == b.parent || left == 0 || right == 0 {
                return left;
            }
            match a.depth.cmp(&b.depth) {
                Ordering::Greater => left = a.parent,
                Ordering::Less => right = b.parent,
                Ordering::Equal => (left, right) = (a.parent, b.parent),
            }
        }
    }
}
