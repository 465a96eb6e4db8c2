//! What linking a file asks about others: what it finds holds as long as the answers are the same.

use std::cell::RefCell;

use hashbrown::HashSet;

use super::program::{FileId, Program};

/// What a piece of work asked about: the answers would be the same in every program that has these files.
#[derive(Clone, Debug, Default)]
pub(super) struct Touched {
    pub(super) files: HashSet<FileId>,
    pub(super) groups: HashSet<usize>,
}

impl Touched {
    pub(super) fn add(&mut self, other: &Self) {
        self.files.extend(&other.files);
        self.groups.extend(&other.groups);
    }

    pub(super) fn is_within(&self, own: &Own<'_>) -> bool {
        let all = |of: &HashSet<usize>, own: &[bool]| of.iter().all(|one| own.get(*one).copied().unwrap_or_default());
        self.files.iter().all(|file| own.has(*file)) && all(&self.groups, &own.groups)
    }
}

/// What one of the programs that are linked together has for its own.
pub(super) struct Own<'a> {
    absent: &'a [bool],
    /// The groups in which nothing is of others.
    groups: Vec<bool>,
}

impl<'a> Own<'a> {
    pub(super) fn of(program: &Program<'_>, absent: &'a [bool]) -> Self {
        let mut own = Self { absent, groups: Vec::new() };
        own.groups = program.rests_on().map(|files| files.iter().all(|file| own.has(*file))).collect();
        own
    }

    fn has(&self, file: FileId) -> bool {
        !self.absent.get(file).copied().unwrap_or(true)
    }
}

thread_local! {
    static TOUCHED: RefCell<Touched> = RefCell::default();
}

/// Does the work, and says what it asked about. The work must not leave its thread.
pub(super) fn touching<T>(work: impl FnOnce() -> T) -> (T, Touched) {
    let before = TOUCHED.take();
    let done = work();
    (done, TOUCHED.replace(before))
}

/// What other threads asked about is asked here.
pub(super) fn touch_all(others: &Touched) {
    TOUCHED.with_borrow_mut(|touched| touched.add(others));
}

/// Something about this file is asked.
pub(super) fn touch(file: FileId) {
    TOUCHED.with_borrow_mut(|touched| touched.files.insert(file));
}

/// Something is asked about what this group declares.
pub(super) fn touch_group(group: usize) {
    TOUCHED.with_borrow_mut(|touched| touched.groups.insert(group));
}
