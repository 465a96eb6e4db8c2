//! How a program tells Clay's answers apart (field-notes D1.4), and what it tries again.

use std::collections::BTreeSet;

use gonogo_domain::{
    Place, answers,
    evidence::{Catch, FunctionKind, Handling, Meaning, Origin, StatusBranch, Use},
};

use super::source::{ClayCall, Integration};
use crate::shared::outbound::Coverage;

/// Answers that a second try does not change.
pub(crate) const PERMANENT: &[u16] = &[400, 401, 402, 403, 404, 413, 422];

impl<'a> Integration<'a> {
    fn statuses(&self) -> impl Iterator<Item = &'a StatusBranch> {
        let source = self.source;
        source.decisions.statuses.iter().filter(|one| self.region.contains(&one.function))
    }

    /// The branch that tells this status from the others.
    pub(crate) fn branch(&self, status: u16) -> Option<&'a Place> {
        let own = self.statuses().find(|one| one.low == status && one.high == status);
        own.map(|one| &one.place)
    }

    /// A branch for many statuses that this one is among.
    pub(crate) fn among(&self, status: u16) -> Option<&'a Place> {
        let mut wide = self.statuses();
        let wide = wide.find(|one| one.low <= status && status <= one.high && one.high > one.low);
        wide.map(|one| &one.place).or_else(|| self.throwing().map(|one| &one.place))
    }

    /// A client that throws for every answer that is an error, where somebody catches it.
    fn throwing(&self) -> Option<&'a Catch> {
        let throws = self.calls.iter().any(|call| call.used.defaults.get("errors").is_some_and(|how| how == "thrown"));
        self.caught(|_| true).filter(|_| throws)
    }

    /// The branch for what Clay's servers do wrong: no branch for all errors alike.
    pub(crate) fn of_server(&self) -> Option<&'a Place> {
        let own = self.statuses().find(|one| one.low >= 500);
        own.map(|one| &one.place)
    }

    /// A branch that looks at one of these words of an answer.
    pub(crate) fn word(&self, words: &[String]) -> Option<&'a Place> {
        let source = self.source;
        let mut seen = source.decisions.words.iter();
        let seen = seen.find(|one| words.contains(&one.word) && self.region.contains(&one.function));
        seen.map(|one| &one.place)
    }

    /// What looks at work that is not finished, by its word.
    pub(crate) fn unfinished(&self) -> Option<&'a Place> {
        self.branch(202).or_else(|| self.word(&answers().outcomes().unfinished)).or_else(|| {
            // The client is handed on as a value more often than not: nobody else asks for a 202 where nothing is called.
            let source = self.source;
            let calling: BTreeSet<&str> =
                source.uses_for(&[Meaning::HttpCall]).map(|(_, one)| one.place.path()).collect();
            let mut exact = source.decisions.statuses.iter();
            let exact = exact.find(|one| one.low == 202 && one.high == 202 && !calling.contains(one.place.path()));
            exact.map(|one| &one.place)
        })
    }

    /// What handles an error on the way of a call.
    pub(crate) fn caught(&self, wanted: impl Fn(&Catch) -> bool) -> Option<&'a Catch> {
        let source = self.source;
        let near: BTreeSet<_> = self.calls.iter().flat_map(|call| self.near(call.used.function)).collect();
        source.catches.iter().find(|one| one.role.counts() && near.contains(&one.function) && wanted(one))
    }

    /// The handler of a connection that fails or of an answer that does not come.
    pub(crate) fn no_answer(&self) -> Option<&'a Place> {
        let of_answers = |name: &str| {
            ["Status", "JSON", "Decode", "KeyError", "ValueError", "Validation"].iter().any(|word| name.contains(word))
        };
        self.caught(|one| one.types.is_empty() || !one.types.iter().all(|name| of_answers(name))).map(|one| &one.place)
    }

    /// The statuses that a list of what is tried again names, and that no second try changes.
    pub(crate) fn retried_in_vain(&self) -> Vec<&'a StatusBranch> {
        let named = |one: &&StatusBranch| {
            let name = one.named.as_deref().unwrap_or_default().to_ascii_lowercase();
            (name.contains("retr") || name.contains("forcelist") || name.contains("transient"))
                && !["non", "not", "never", "no_"].iter().any(|word| name.starts_with(word))
        };
        self.statuses().filter(named).filter(|one| PERMANENT.contains(&one.low)).collect()
    }

    /// What tries a call again whatever happened to it; none: what is tried again is told apart, or nothing is.
    pub(crate) fn tried_again(&self, call: &ClayCall<'a>) -> Option<&'a Place> {
        let source = self.source;
        let coverage = Coverage::of(source, &[Meaning::Retry]);
        let near = self.near(call.used.function);
        let around =
            near.iter().flat_map(|at| coverage.around(*at)).filter_map(|at| Some((*at, source.uses.get(*at)?)));
        for (id, retry) in around {
            if retry.defaults.get("idempotent").is_none_or(|only| only != "only") && !self.picks(id) {
                return Some(&retry.place);
            }
        }
        if !call.used.in_loop {
            return None;
        }
        let function = source.functions.get(call.used.function)?;
        let own = |one: &Use| one.meaning == Meaning::Sleep && one.in_loop && one.in_catch;
        let mut uses = function.uses.iter().filter_map(|at| source.uses.get(*at));
        if let Some(pause) = uses.find(|one| own(one)) {
            return Some(&pause.place);
        }
        // `await new Promise((done) => setTimeout(done, 1000))` in the handler of the error.
        let caught = source
            .catches
            .iter()
            .find(|one| one.function == call.used.function && !one.does.contains(&Handling::Throws))?;
        let lambdas = function.calls.iter().filter_map(|at| source.functions.get(*at));
        let mut inner = lambdas.filter(|one| one.kind == FunctionKind::Lambda).flat_map(|one| &one.uses);
        inner.find_map(|at| {
            source
                .uses
                .get(*at)
                .filter(|one| one.meaning == Meaning::Sleep && one.place >= caught.place)
                .map(|one| &one.place)
        })
    }

    /// The retry names what it tries again, and that is only what Clay has not taken.
    fn picks(&self, retry: usize) -> bool {
        let into = self.source.flows.get(&retry).into_iter().flat_map(|into| into.values()).flatten();
        let names: Vec<&str> = into
            .filter_map(|origin| match origin {
                Origin::Name(name) | Origin::Parameter(name) => Some(name.rsplit('.').next().unwrap_or(name)),
                _ => None,
            })
            .filter(|name| {
                let lower = name.to_ascii_lowercase();
                ["error", "exception", "timeout", "limit", "failure", "temporary", "unavailable", "transient"]
                    .iter()
                    .any(|word| lower.contains(word))
                    && !lower.contains("retry_if")
                    && !lower.ends_with("()")
            })
            .collect();
        let safe = |name: &&str| {
            let lower = name.to_ascii_lowercase().replace('_', "");
            (lower.contains("limit") && !lower.contains("unlimited"))
                || lower.contains("toomany")
                || lower.contains("connect")
        };
        !names.is_empty() && names.iter().all(safe)
    }
}
