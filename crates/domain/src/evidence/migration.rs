//! Database migrations, statement by statement.

use serde::{Deserialize, Serialize};

use crate::Place;

#[derive(Clone, Debug)]
pub struct Migration {
    pub tool: String,
    /// Version or name, in the order of the tool.
    pub id: String,
    pub place: Place,
    pub up: Vec<SqlStatement>,
    /// None: there is no way back. Some and empty: the way back is empty.
    pub down: Option<Vec<SqlStatement>>,
    /// The tool needs no down script, or the file says that there is none on purpose.
    pub irreversible_marked: bool,
    /// Written in a programming language: what it does is in source code.
    pub in_code: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SqlStatement {
    pub text: String,
    pub place: Place,
    pub effects: Vec<SqlEffect>,
}

/// What a statement does to a running application or its database.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum SqlEffect {
    CreateTable,
    DropTable,
    AddColumn,
    /// NOT NULL without a default on a table that exists.
    AddRequiredColumn,
    DropColumn,
    RenameColumn,
    RenameTable,
    ChangeType,
    SetNotNull,
    /// A constraint that is checked on every row at once.
    AddValidatedConstraint,
    AddConstraint,
    CreateIndex,
    /// An index that locks writes while it is built.
    CreateBlockingIndex,
    DropIndex,
    Truncate,
    DeleteAll,
    UpdateAll,
    ChangeRows,
    Other,
}
