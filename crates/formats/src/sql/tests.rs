//! Splitting and classifying SQL, harmless and hostile.

use super::*;

fn read(input: &str) -> Vec<Statement> {
    statements(&"a.sql".into(), input)
}

/// Lines and texts of the statements.
fn check(input: &str, expect: &[(u32, &str)]) {
    let statements = read(input);
    let shown: Vec<(u32, &str)> =
        statements.iter().map(|statement| (statement.place.line().unwrap_or(0), statement.text.as_str())).collect();
    assert_eq!(shown, expect, "for {input:?}");
}

fn check_kind(input: &str, expect: &Kind) {
    let statements = read(input);
    assert_eq!(statements.iter().map(|statement| &statement.kind).collect::<Vec<_>>(), [expect], "for {input:?}");
}

/// The actions of `ALTER TABLE t …`.
fn check_alter(input: &str, expect: &[AlterAction]) {
    check_kind(
        &format!("ALTER TABLE t {input};"),
        &Kind::AlterTable { table: "t".to_owned(), actions: expect.to_vec() },
    );
}

#[test]
fn statements_end_at_semicolons_outside_quotes() {
    check(
        "-- c;\nselect ';' ; /* ; */ select \"a;b\"\n;;\nselect 'it''s;'",
        &[(2, "select ';'"), (2, "select \"a;b\""), (4, "select 'it''s;'")],
    );
    check(
        "select $$a;b$$; select $x$ ; $$ $x$; select $1; select a$b$c;",
        &[(1, "select $$a;b$$"), (1, "select $x$ ; $$ $x$"), (1, "select $1"), (1, "select a$b$c")],
    );
    check(
        r"select 'it\'s;'; select 'C:\'; select E'\\\';';",
        &[(1, r"select 'it\'s;'"), (1, r"select 'C:\'"), (1, r"select E'\\\';'")],
    );
    check("", &[]);
}

#[test]
fn bodies_of_triggers_stay_whole() {
    check(
        "create trigger a after insert on b begin update c set d = case when e then 1 else 2 end; end; select 1;",
        &[
            (1, "create trigger a after insert on b begin update c set d = case when e then 1 else 2 end; end"),
            (1, "select 1"),
        ],
    );
    check(
        "DELIMITER //\ncreate procedure a() begin if b then select 1; end if; end//\nDELIMITER ;\nselect 2;",
        &[(2, "create procedure a() begin if b then select 1; end if; end"), (4, "select 2")],
    );
    check(
        "create procedure a() begin if b then select 1; end if; end; select 2",
        &[(1, "create procedure a() begin if b then select 1; end if; end"), (1, "select 2")],
    );
    check("begin; select 1; end;", &[(1, "begin"), (1, "select 1"), (1, "end")]);
}

#[test]
fn dumps_and_client_commands_are_understood() {
    check(
        "\\connect x\nCOPY a (b) FROM stdin;\nit's data;\n\\.\nselect 1;",
        &[(2, "COPY a (b) FROM stdin"), (5, "select 1")],
    );
    check("select 1\nGO\nselect 2\ngo\n# note;\nselect 3", &[(1, "select 1"), (3, "select 2"), (6, "select 3")]);
}

#[test]
fn migration_tools_say_direction_and_transaction() {
    let shown = |input: &str| -> Vec<String> {
        let statements = read(input).into_iter();
        statements.map(|s| format!("{} {:?} {}", s.text, s.direction, s.no_transaction)).collect()
    };
    assert_eq!(
        shown(
            "-- +goose NO TRANSACTION\n-- +goose Up\n-- +goose StatementBegin\na; b;\n-- +goose StatementEnd\nc;\n-- +goose Down\nd;"
        ),
        ["a; b; Some(Up) true", "c Some(Up) true", "d Some(Down) true"]
    );
    assert_eq!(
        shown("-- migrate:up transaction:false\na;\n\n-- migrate:down\nb;"),
        ["a Some(Up) true", "b Some(Down) false"]
    );
    assert_eq!(shown("-- +migrate Up\na\n-- +migrate Down\nb"), ["a Some(Up) false", "b Some(Down) false"]);
    assert_eq!(shown("-- migrate up the users\na;"), ["a None false"]);
}

#[test]
fn kinds_follow_the_leading_words() {
    let table = || "t".to_owned();
    check_kind("create table if not exists \"S\".T (a int)", &Kind::CreateTable { table: "S.t".to_owned() });
    check_kind(
        "DROP TABLE IF EXISTS a, b.c CASCADE",
        &Kind::DropTable { tables: vec!["a".to_owned(), "b.c".to_owned()] },
    );
    check_kind(
        "create unique index concurrently if not exists i on t (a)",
        &Kind::CreateIndex { table: table(), concurrently: true, unique: true },
    );
    check_kind("create index on only t (a)", &Kind::CreateIndex { table: table(), concurrently: false, unique: false });
    check_kind("drop index concurrently i", &Kind::DropIndex { concurrently: true });
    check_kind("truncate t", &Kind::Truncate);
    check_kind("delete from t where a", &Kind::Delete { table: table(), has_where: true });
    check_kind("delete from t using (select 1 where true) x", &Kind::Delete { table: table(), has_where: false });
    check_kind("with x as (select 1 where a) update t set b = 1", &Kind::Update { table: table(), has_where: false });
    check_kind("insert into t values ('where')", &Kind::Insert { table: table() });
    check_kind("start transaction", &Kind::Begin);
    check_kind("commit", &Kind::Commit);
    check_kind("set local lock_timeout = '5s'", &Kind::Set { name: "lock_timeout".to_owned(), value: "5s".to_owned() });
    check_kind("create view v as select 1", &Kind::Other);
}

#[test]
fn changes_of_a_table_are_told_apart() {
    let column = || "c".to_owned();
    check_alter(
        "add column if not exists c int not null default 0, drop column \"c\"",
        &[
            AlterAction::AddColumn { column: column(), not_null: true, has_default: true },
            AlterAction::DropColumn { column: column() },
        ],
    );
    check_alter(
        "add c numeric(1, 2) not null, add c text default null, add c serial primary key",
        &[
            AlterAction::AddColumn { column: column(), not_null: true, has_default: false },
            AlterAction::AddColumn { column: column(), not_null: false, has_default: false },
            AlterAction::AddColumn { column: column(), not_null: true, has_default: true },
        ],
    );
    check_alter("rename c to d", &[AlterAction::RenameColumn { column: column() }]);
    check_alter("rename to d", &[AlterAction::RenameTable]);
    check_alter(
        "alter column c type text using c::text, alter c set not null, alter c drop not null",
        &[
            AlterAction::AlterType { column: column() },
            AlterAction::SetNotNull { column: column() },
            AlterAction::Other,
        ],
    );
    check_alter(
        "add constraint x foreign key (c) references y (z) not valid, add primary key using index i, add check (c > 0)",
        &[
            AlterAction::AddConstraint { not_valid: true, using_index: false },
            AlterAction::AddConstraint { not_valid: false, using_index: true },
            AlterAction::AddConstraint { not_valid: false, using_index: false },
        ],
    );
    check_alter(
        "drop constraint x, validate constraint y, modify c text, change c d text, change column c c int",
        &[
            AlterAction::Other,
            AlterAction::Other,
            AlterAction::AlterType { column: column() },
            AlterAction::RenameColumn { column: column() },
            AlterAction::AlterType { column: column() },
        ],
    );
}

#[test]
fn hostile_scripts_end() {
    for unit in [
        "(",
        "'",
        "$a",
        "$a$",
        "/*",
        "--",
        "\\",
        "begin ",
        "create trigger begin ",
        "é'\\é",
        "delimiter é\n",
        "# ",
        ";",
    ] {
        read(&unit.repeat(100_000));
    }
    read("\0\u{feff}'\\");
    assert_eq!(read(&format!("insert into t values {}", "('x', 1), ".repeat(1_000_000))).len(), 1);
}
