//! What lines of shell and of actions are there for, looked up once: the targets of a Makefile lead to the same lines again
//! and again, and so does the next review.

use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
};

use gonogo_domain::{action_purposes, evidence::Purpose, purposes};

use crate::{Cache, cache::Key};

/// By the text of the line.
type Known = BTreeMap<String, Vec<Purpose>>;

/// What is known of the lines of a repository: of shell, and of actions.
pub(super) struct Lines<'c> {
    cache: &'c Cache,
    key: Option<Key>,
    before: [Known; 2],
    met: [RefCell<Known>; 2],
    /// A line was met that the cache does not hold.
    news: Cell<bool>,
}

impl<'c> Lines<'c> {
    pub(super) fn new(cache: &'c Cache) -> Self {
        let key = cache.key("lines", &[]);
        let before = key.and_then(|key| cache.find(key)).unwrap_or_default();
        Self { cache, key, before, met: Default::default(), news: Cell::new(false) }
    }

    /// See [`purposes`].
    pub(super) fn purposes(&self, line: &str) -> Vec<Purpose> {
        let [before, _] = &self.before;
        let [met, _] = &self.met;
        self.once(before, met, line, purposes)
    }

    /// See [`action_purposes`].
    pub(super) fn action_purposes(&self, line: &str) -> Vec<Purpose> {
        let [_, before] = &self.before;
        let [_, met] = &self.met;
        self.once(before, met, line, action_purposes)
    }

    fn once(&self, before: &Known, met: &RefCell<Known>, line: &str, find: fn(&str) -> Vec<Purpose>) -> Vec<Purpose> {
        if let Some(known) = met.borrow().get(line) {
            return known.clone();
        }
        let found = before.get(line).cloned().unwrap_or_else(|| {
            self.news.set(true);
            find(line)
        });
        met.borrow_mut().insert(line.to_owned(), found.clone());
        found
    }

    /// Keeps what was met for the next review.
    pub(super) fn keep(self) {
        if let Some(key) = self.key.filter(|_| self.news.get()) {
            self.cache.keep(key, &self.met.map(RefCell::into_inner));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_known_to_the_next_review_and_forgotten_when_it_is_gone() {
        let folder = tempfile::tempdir().unwrap();
        let open = || Cache::open(folder.path(), folder.path(), "1");
        let met = |lines: &[&str]| {
            let cache = open();
            let known = Lines::new(&cache);
            for line in lines {
                assert_eq!(known.purposes(line), purposes(line));
            }
            assert_eq!(known.action_purposes("actions/setup-go@v5"), action_purposes("actions/setup-go@v5"));
            let news = known.news.get();
            known.keep();
            cache.save();
            news
        };
        assert!(met(&["go test ./...", "go vet ./..."]));
        assert!(!met(&["go test ./..."]));
        assert!(met(&["cargo nextest run"]));
        assert!(met(&["go vet ./..."]));
    }
}
