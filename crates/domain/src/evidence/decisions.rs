//! What a program looks at before it goes one way or another, and where what it passes on comes from.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{FunctionId, Role, UseId};
use crate::Place;

/// What the branches of a program look at.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Decisions {
    pub statuses: Vec<StatusBranch>,
    pub words: Vec<WordBranch>,
    pub secrets: Vec<SecretBranch>,
    pub comparisons: Vec<SecretComparison>,
    /// How old something is: `Date.now() - cached.at < 30_000`.
    pub ages: Vec<AgeBranch>,
    /// The statuses of HTTP that tests write down.
    pub in_tests: Vec<StatusBranch>,
}

/// `response.status_code == 402`, `case http.StatusForbidden:`, `status >= 500`, `{402: CreditsExhausted}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatusBranch {
    /// Statuses of HTTP, both ends included.
    pub low: u16,
    pub high: u16,
    /// The name of the list or of the argument that it stands in: `RETRYABLE`, `status_forcelist`.
    pub named: Option<String>,
    pub place: Place,
    pub role: Role,
    pub function: FunctionId,
}

/// A word for the outcome of work that a branch looks at: `item["status"] == "failed"`, `if (row.error)`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WordBranch {
    /// As the table of outcomes has it: `failed`, `in_progress`.
    pub word: String,
    pub place: Place,
    pub role: Role,
    pub function: FunctionId,
}

/// A branch that asks whether a secret is there: `if not settings.webhook_secret:`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecretBranch {
    /// The variable of the environment, or the name as it is written.
    pub name: String,
    /// The branch is taken where it is set.
    pub set: bool,
    /// The branch turns the caller away, gives `false` back, throws, or ends the process.
    pub refuses: bool,
    /// What happens in the branch: the functions of the program that it calls, and what it uses.
    pub calls: Vec<FunctionId>,
    pub uses: Vec<UseId>,
    pub place: Place,
    pub role: Role,
    pub function: FunctionId,
}

/// A comparison with what the clock says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgeBranch {
    pub place: Place,
    pub role: Role,
    pub function: FunctionId,
}

/// A secret, or what was made with one, compared by `==` and its like, which stop at the first letter that differs; in a
/// program that talks to a vendor, what the vendor's variables are compared with too.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecretComparison {
    /// Where both sides come from.
    pub from: Vec<Origin>,
    /// One side is a secret, or was made with one.
    pub secret: bool,
    pub place: Place,
    pub role: Role,
    pub function: FunctionId,
}

/// Where a value comes from, as far as it was followed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Origin {
    /// What this use gives.
    Use(UseId),
    /// A variable of the environment.
    Environment(String),
    /// A parameter of the function, or a member of one: `req.rawBody`; what is called on one ends with `()`.
    Parameter(String),
    /// Any other name, as it is written, or the text that it is.
    Name(String),
    Text(String),
}

/// What flows into a use: by the name of the setting, by the name or the position of the argument, `2.body` for a field of
/// one.
pub type Flows = BTreeMap<UseId, BTreeMap<String, Vec<Origin>>>;

impl Decisions {
    /// Adds those of another file.
    pub fn append(&mut self, mut other: Self) {
        self.statuses.append(&mut other.statuses);
        self.words.append(&mut other.words);
        self.secrets.append(&mut other.secrets);
        self.comparisons.append(&mut other.comparisons);
        self.ages.append(&mut other.ages);
        self.in_tests.append(&mut other.in_tests);
    }

    /// Leaves out what stands in functions that are left out; `functions` and `uses` give the new numbers of the others.
    pub(crate) fn renumber(&mut self, functions: &[Option<usize>], uses: &[Option<usize>]) {
        let at = |new: &[Option<usize>], old: usize| new.get(old).copied().flatten();
        let moved = |function: &mut FunctionId| match at(functions, *function) {
            Some(new) => {
                *function = new;
                true
            }
            None => false,
        };
        self.statuses.retain_mut(|one| moved(&mut one.function));
        self.words.retain_mut(|one| moved(&mut one.function));
        self.ages.retain_mut(|one| moved(&mut one.function));
        self.in_tests.retain_mut(|one| moved(&mut one.function));
        self.secrets.retain_mut(|one| {
            one.calls = one.calls.iter().filter_map(|call| at(functions, *call)).collect();
            one.uses = one.uses.iter().filter_map(|one| at(uses, *one)).collect();
            moved(&mut one.function)
        });
        self.comparisons.retain_mut(|one| {
            one.from = one.from.drain(..).filter_map(|origin| renumbered(origin, uses)).collect();
            moved(&mut one.function)
        });
    }
}

/// The origin in a program of which uses were left out.
pub(crate) fn renumbered(origin: Origin, uses: &[Option<usize>]) -> Option<Origin> {
    match origin {
        Origin::Use(id) => uses.get(id).copied().flatten().map(Origin::Use),
        other => Some(other),
    }
}
