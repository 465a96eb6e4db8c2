//! Folders of migrations, and what is read of them.

use std::fmt::Write as _;

use crate::{Cache, Corpus, Tree};

/// One line a migration with its way back, and one a statement with effects.
fn check(files: &[(&str, &str)], expect: &str) {
    let tree = Tree::from_memory(files.iter().map(|(path, text)| ((*path).to_owned(), text.as_bytes().to_vec())));
    let gathered = super::gather(&Corpus::read(&tree), &Cache::none());
    let mut out = String::new();
    for migration in &gathered.items {
        let down = match &migration.down {
            None => "no way back".to_owned(),
            Some(down) => format!("{} back", down.len()),
        };
        let _ = write!(out, "{} {} at {}: {down}", migration.tool, migration.id, migration.place);
        out.push_str(if migration.irreversible_marked { ", marked" } else { "" });
        out.push_str(if migration.in_code { ", code\n" } else { "\n" });
        for statement in &migration.up {
            let _ = writeln!(out, "  {} {:?}", statement.place.line().unwrap_or(0), statement.effects);
        }
    }
    for gap in &gathered.gaps {
        let _ = writeln!(out, "gap {}: {}", gap.place, gap.reason);
    }
    assert_eq!(out.trim_end(), expect.trim(), "got:\n{out}");
}

#[test]
fn pairs_of_files_belong_together() {
    check(
        &[
            ("db/migrations/1_a.up.sql", "CREATE TABLE a (id int);\nALTER TABLE a ADD COLUMN b int NOT NULL;\n"),
            ("db/migrations/1_a.down.sql", "DROP TABLE a;"),
            ("db/migrations/2_b.up.sql", "ALTER TABLE a ADD COLUMN c int NOT NULL;\nDELETE FROM a;"),
            ("db/migrations/3_c.up.sql", "-- irreversible: data is gone\nDROP TABLE x;"),
            ("db/migrations/3_c.down.sql", ""),
        ],
        "
golang-migrate 1_a at db/migrations/1_a.up.sql: 1 back
  1 [CreateTable]
  2 [AddColumn]
golang-migrate 2_b at db/migrations/2_b.up.sql: no way back
  1 [AddRequiredColumn]
  2 [DeleteAll]
golang-migrate 3_c at db/migrations/3_c.up.sql: 0 back, marked
  2 [DropTable]",
    );
    check(
        &[
            ("migrations/2024-01-01-000000_a/up.sql", "CREATE TABLE a (id int);"),
            ("migrations/2024-01-01-000000_a/down.sql", "DROP TABLE a;"),
        ],
        "
diesel 2024-01-01-000000_a at migrations/2024-01-01-000000_a/up.sql: 1 back
  1 [CreateTable]",
    );
}

#[test]
fn sections_of_one_file_are_told_apart() {
    check(
        &[
            ("migrations/1.sql", "-- +migrate Up\nTRUNCATE a;\n-- +migrate Down\n"),
            (
                "migrations/2.sql",
                "-- +goose Up\nALTER TABLE a DROP COLUMN b;\n-- +goose Down\nALTER TABLE a ADD b int;\n",
            ),
            ("migrations/3.sql", "-- migrate:up\nUPDATE a SET b = 1;\n"),
        ],
        "
sql-migrate 1 at migrations/1.sql: 0 back
  2 [Truncate]
goose 2 at migrations/2.sql: 1 back
  2 [DropColumn]
dbmate 3 at migrations/3.sql: no way back
  2 [UpdateAll]",
    );
}

#[test]
fn an_index_blocks_only_where_rows_and_postgresql_are() {
    check(
        &[
            (
                "prisma/migrations/1_a/migration.sql",
                "CREATE TABLE \"a\" (id SERIAL, at TIMESTAMPTZ);\nCREATE INDEX i ON \"a\" (id);\nCREATE INDEX j ON b (id);\nCREATE INDEX CONCURRENTLY k ON b (id);",
            ),
            ("drizzle/0000_a.sql", "CREATE INDEX i ON `b` (`id`);"),
            ("drizzle/meta/_journal.json", "{}"),
        ],
        "
drizzle 0000_a at drizzle/0000_a.sql: no way back, marked
  1 [CreateIndex]
prisma 1_a at prisma/migrations/1_a/migration.sql: no way back, marked
  1 [CreateTable]
  2 [CreateIndex]
  3 [CreateBlockingIndex]
  4 [CreateIndex]",
    );
}

#[test]
fn flyway_scripts_go_by_their_names() {
    check(
        &[
            ("src/main/resources/db/migration/V1_1__a.sql", "ALTER TABLE a RENAME TO b;"),
            ("src/main/resources/db/migration/U1_1__a.sql", "ALTER TABLE b RENAME TO a;"),
            ("src/main/resources/db/migration/V2__b.sql", "ALTER TABLE a ALTER COLUMN x SET NOT NULL;"),
            ("src/main/resources/db/migration/R__view.sql", "CREATE OR REPLACE VIEW v AS SELECT 1;"),
            ("src/test/resources/db/migration/V9__t.sql", "DROP TABLE a;"),
        ],
        "
flyway R__view at src/main/resources/db/migration/R__view.sql: no way back, marked
  1 [Other]
flyway V1_1__a at src/main/resources/db/migration/V1_1__a.sql: 1 back
  1 [RenameTable]
flyway V2__b at src/main/resources/db/migration/V2__b.sql: no way back
  1 [SetNotNull]",
    );
}

#[test]
fn scripts_that_no_tool_would_run_are_none() {
    check(
        &[
            ("sql/report.sql", "DELETE FROM a;"),
            ("db/init/01.sql", "CREATE TABLE a (id int);"),
            ("migrations/README.sql", ""),
        ],
        "",
    );
}

#[test]
fn liquibase_is_read_in_all_its_forms() {
    check(
        &[
            (
                "db/changelog/a.xml",
                "<databaseChangeLog>\n<changeSet id='1' author='x'>\n<addColumn tableName='a'><column name='b' type='int'><constraints nullable='false'/></column></addColumn></changeSet>\n<changeSet id='2' author='x'><dropColumn tableName='a' columnName='b'/></changeSet></databaseChangeLog>",
            ),
            (
                "db/changelog/b.yaml",
                "databaseChangeLog:\n  - changeSet:\n      id: 3\n      changes:\n        - sql:\n            sql: DROP TABLE a\n      rollback: CREATE TABLE a (id int)\n",
            ),
            (
                "db/changelog/c.sql",
                "--liquibase formatted sql\n--changeset x:4\nCREATE TABLE c (id int);\n--rollback DROP TABLE c;\n",
            ),
            ("db/changelog/d.xml", "<databaseChangeLog>"),
        ],
        "
liquibase 1 at db/changelog/a.xml:2: 1 back
  3 [AddRequiredColumn]
liquibase 2 at db/changelog/a.xml:4: no way back
  4 [DropColumn]
liquibase 3 at db/changelog/b.yaml:3: 1 back
  5 [DropTable]
liquibase c at db/changelog/c.sql: 1 back
  3 [CreateTable]
gap db/changelog/d.xml:1: ends before its elements are closed",
    );
}

#[test]
fn the_way_back_of_code_is_seen() {
    check(
        &[
            (
                "app/versions/a.py",
                "down_revision = None\ndef upgrade():\n    op.x()\n\ndef downgrade():\n    \"\"\"Back.\"\"\"\n    op.y()\n",
            ),
            (
                "app/versions/b.py",
                "down_revision = 'a'\ndef upgrade():\n    op.x()\n\ndef downgrade():\n    # later\n    pass\n",
            ),
            (
                "app/versions/c.py",
                "down_revision = 'b'\ndef upgrade():\n    op.x()\n\ndef downgrade():\n    raise Exception('no')\n",
            ),
            ("app/versions/helper.py", "x = 1\n"),
            (
                "app/migrations/0001_a.py",
                "class Migration(migrations.Migration):\n    operations = [migrations.RunPython(f(1, 2))]\n",
            ),
            (
                "app/migrations/0002_b.py",
                "class Migration(migrations.Migration):\n    operations = [migrations.RunPython(f, migrations.RunPython.noop)]\n",
            ),
            (
                "db/migrate/20240101_a.rb",
                "class A < ActiveRecord::Migration[7.1]\n  def change\n    add_column :a, :b\n  end\nend\n",
            ),
            (
                "db/migrate/20240102_b.rb",
                "class B < ActiveRecord::Migration[7.1]\n  def up\n    x\n  end\n  def down\n    raise ActiveRecord::IrreversibleMigration\n  end\nend\n",
            ),
            ("migrations/1-a.js", "exports.up = (knex) => knex.x();\nexports.down = (knex) => knex.y();\n"),
            (
                "migrations/2-b.ts",
                "export class B implements MigrationInterface {\n  async up(q: Q) { await q.x(); }\n  async down(q: Q): Promise<void> {\n    // nothing\n  }\n}\n",
            ),
            ("migrations/3-c.js", "module.exports = {\n  up: (queryInterface) => {},\n};\n"),
            (
                "Migrations/20240101_A.cs",
                "public partial class A : Migration {\n protected override void Down(MigrationBuilder b)\n {\n  b.DropTable();\n }\n}\n",
            ),
        ],
        "
entity-framework 20240101_A at Migrations/20240101_A.cs: 1 back, code
django 0001_a at app/migrations/0001_a.py: no way back, code
django 0002_b at app/migrations/0002_b.py: 1 back, code
alembic a at app/versions/a.py: 1 back, code
alembic b at app/versions/b.py: 0 back, code
alembic c at app/versions/c.py: no way back, marked, code
rails 20240101_a at db/migrate/20240101_a.rb: 1 back, code
rails 20240102_b at db/migrate/20240102_b.rb: no way back, marked, code
knex 1-a at migrations/1-a.js: 1 back, code
typeorm 2-b at migrations/2-b.ts: 0 back, code
sequelize 3-c at migrations/3-c.js: no way back, code",
    );
}

#[test]
fn versions_and_dialects_divide_a_folder_of_migrations() {
    check(
        &[
            ("store/migration/mysql/0.17/00__inbox.sql", "CREATE TABLE inbox (id int);"),
            ("store/migration/sqlite/v2/01__drop.sql", "DROP TABLE inbox;"),
            // The whole schema, and what lies in other folders, are no migrations.
            ("store/migration/mysql/LATEST.sql", "CREATE TABLE inbox (id int);"),
            ("store/migration/reports/01_sum.sql", "SELECT 1;"),
        ],
        "
sql 00__inbox at store/migration/mysql/0.17/00__inbox.sql: no way back
  1 [CreateTable]
sql 01__drop at store/migration/sqlite/v2/01__drop.sql: no way back
  1 [DropTable]",
    );
}
