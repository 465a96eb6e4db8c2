//! What a program looks at before it goes one way or another, and where what it passes on comes from.

use std::collections::BTreeMap;

use super::{FunctionId, Role, UseId};
use crate::Place;

/// What the branches of a program look at.
#[derive(Clone, Debug, Default)]
pub struct Decisions {
    pub statuses: Vec<StatusBranch>,
    pub words: Vec<WordBranch>,
    pub secrets: Vec<SecretBranch>,
    pub comparisons: Vec<SecretComparison>,
    /// The statuses of HTTP that tests write down.
    pub in_tests: Vec<StatusBranch>,
}

/// `response.status_code == 402`, `case http.StatusForbidden:`, `status >= 500`, `{402: CreditsExhausted}`.
#[derive(Clone, Debug, PartialEq, Eq)]
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
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WordBranch {
    /// As the table of outcomes has it: `failed`, `in_progress`.
    pub word: String,
    pub place: Place,
    pub role: Role,
    pub function: FunctionId,
}

/// A branch that asks whether a secret is there: `if not settings.webhook_secret:`.
#[derive(Clone, Debug, PartialEq, Eq)]
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

/// A secret, or what was made with one, compared by `==` and its like, which stop at the first letter that differs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecretComparison {
    /// Where both sides come from.
    pub from: Vec<Origin>,
    pub place: Place,
    pub role: Role,
    pub function: FunctionId,
}

/// Where a value comes from, as far as it was followed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
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

/// What flows into the settings of a use: by the name of the setting, `""` for all that a call is given.
pub type Flows = BTreeMap<UseId, BTreeMap<String, Vec<Origin>>>;
