//! SQL scripts, statement by statement.
