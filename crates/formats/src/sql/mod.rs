//! SQL scripts, statement by statement.

mod classify;
mod lexer;
mod split;

use std::sync::Arc;

use gonogo_domain::Place;

use crate::lines::Lines;

/// One statement of a script.
#[derive(Clone, Debug, PartialEq)]
pub struct Statement {
    /// Without the comments before it and the delimiter after it.
    pub text: String,
    pub place: Place,
    pub kind: Kind,
    /// The section of the migration tool (goose, dbmate, sql-migrate) that it stands in, if the script has any.
    pub direction: Option<Direction>,
    /// The migration tool is told to run it outside a transaction.
    pub no_transaction: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    Up,
    Down,
}

/// What a statement does, by its leading words. Names are without quotes, in lower case where they were not quoted,
/// with their schema.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    CreateTable {
        table: String,
    },
    DropTable {
        tables: Vec<String>,
    },
    AlterTable {
        table: String,
        actions: Vec<AlterAction>,
    },
    CreateIndex {
        table: String,
        concurrently: bool,
        unique: bool,
    },
    DropIndex {
        concurrently: bool,
    },
    Truncate,
    Delete {
        table: String,
        has_where: bool,
    },
    Update {
        table: String,
        has_where: bool,
    },
    Insert {
        table: String,
    },
    Begin,
    Commit,
    /// `SET name = value`: a session or transaction setting.
    Set {
        name: String,
        value: String,
    },
    Other,
}

/// One change of an `ALTER TABLE`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AlterAction {
    /// `has_default` is true for defaults other than NULL, generated columns and serial types.
    AddColumn {
        column: String,
        not_null: bool,
        has_default: bool,
    },
    DropColumn {
        column: String,
    },
    RenameColumn {
        column: String,
    },
    RenameTable,
    AlterType {
        column: String,
    },
    SetNotNull {
        column: String,
    },
    /// `not_valid`: existing rows are not checked; `using_index`: an index that is there is taken over.
    AddConstraint {
        not_valid: bool,
        using_index: bool,
    },
    Other,
}

/// Splits a script at its delimiters: quotes, dollar quotes, comments, `DELIMITER`, `GO`, the bodies of triggers, the
/// data of `COPY … FROM stdin` and the marks of migration tools are understood. Nothing is an error: what cannot be
/// understood is [`Kind::Other`].
pub fn statements(path: &Arc<str>, text: &str) -> Vec<Statement> {
    let lines = Lines::new(path, text);
    let pieces = split::pieces(text).into_iter();
    let statements = pieces.filter_map(|piece| {
        let statement = text.get(piece.range.clone())?.trim_end();
        Some(Statement {
            text: statement.to_owned(),
            place: lines.place(piece.range.start),
            kind: classify::kind(statement),
            direction: piece.direction,
            no_transaction: piece.no_transaction,
        })
    });
    statements.collect()
}

#[cfg(test)]
mod tests;
