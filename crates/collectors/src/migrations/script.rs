//! Migrations in SQL: golang-migrate, goose, dbmate, sql-migrate, Flyway, Diesel, sqlx, Prisma, Drizzle, Atlas.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::Arc,
};

use gonogo_domain::{
    Place,
    evidence::{Migration, SqlEffect, SqlStatement},
};
use gonogo_formats::sql::{self, AlterAction, Direction, Kind, Statement};
use serde::{Serialize, de::DeserializeOwned};

use super::{Found, counts, in_folder, is_migration_folder, says_irreversible, stem};
use crate::{Cache, Corpus};

/// Characters of a statement that are kept: seeds are long.
const MAX_TEXT: usize = 600;

pub(super) fn gather(corpus: &Corpus<'_>, cache: &Cache, found: &mut Found) {
    let mut folders: BTreeMap<&str, Vec<&Arc<str>>> = BTreeMap::new();
    for entry in
        corpus.files_where(|entry| counts(entry) && has_sql_extension(entry.name()) && is_candidate(&entry.path))
    {
        let folder = entry.path.rsplit_once('/').map_or("", |(folder, _)| folder);
        folders.entry(folder).or_default().push(&entry.path);
    }
    let mut texts: BTreeMap<&str, Vec<Script<'_>>> = BTreeMap::new();
    for (folder, paths) in folders {
        // Tools that make a folder for each migration speak one dialect over all of them.
        let set = match stem(paths.first().map_or("", |path| path)) {
            "up" | "down" | "migration" => folder.rsplit_once('/').map_or(folder, |(set, _)| set),
            _ => folder,
        };
        for path in paths {
            if let Some(text) = found.text(corpus, path) {
                texts.entry(set).or_default().push((path, text));
            }
        }
    }
    for (folder, files) in texts {
        let set = Set {
            corpus,
            cache,
            folder,
            postgres: speaks_postgres(&files),
            scripts: files.iter().map(|script| (&**script.0, script)).collect(),
            undo: files.iter().filter_map(|script| Some((undone(script.0)?, script))).collect(),
        };
        for (path, text) in &files {
            found.migrations.extend(set.migration(path, text));
        }
    }
}

/// A file's path and what is in it.
type Script<'a> = (&'a Arc<str>, Arc<str>);

fn has_sql_extension(name: &str) -> bool {
    name.rsplit_once('.').is_some_and(|(_, extension)| extension.eq_ignore_ascii_case("sql"))
}

fn is_candidate(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    name.ends_with(".up.sql")
        || name.ends_with(".down.sql")
        || flyway(name).is_some()
        || in_folder(path, is_migration_folder)
        || (matches!(name, "up.sql" | "down.sql"))
}

/// A folder of one version (`0.17`, `v2`) or one dialect: it divides the migrations of one program.
fn divides(folder: &str) -> bool {
    let version = folder.strip_prefix('v').unwrap_or(folder);
    version.starts_with(|first: char| first.is_ascii_digit())
        || matches!(
            folder,
            "mysql"
                | "mariadb"
                | "postgres"
                | "postgresql"
                | "pg"
                | "sqlite"
                | "sqlite3"
                | "mssql"
                | "sqlserver"
                | "oracle"
                | "cockroachdb"
                | "cockroach"
                | "clickhouse"
        )
}

/// Migrations that belong together.
struct Set<'c, 't> {
    corpus: &'c Corpus<'t>,
    cache: &'c Cache,
    folder: &'c str,
    postgres: bool,
    scripts: HashMap<&'c str, &'c Script<'c>>,
    /// The undo scripts of Flyway by their version.
    undo: HashMap<&'c str, &'c Script<'c>>,
}

impl Set<'_, '_> {
    fn migration(&self, path: &Arc<str>, text: &str) -> Option<Migration> {
        let name = path.rsplit('/').next().unwrap_or(path);
        let beside = |other: String| self.scripts.get(other.as_str()).map(|(path, text)| (*path, text));
        if name.ends_with(".down.sql") || name == "down.sql" {
            return None;
        }
        if let Some(base) = path.strip_suffix(".up.sql") {
            let id = base.rsplit('/').next().unwrap_or(base);
            let down = beside(format!("{base}.down.sql"));
            return Some(self.pair(self.tool("golang-migrate"), id, path, text, down));
        }
        if let Some(base) = path.strip_suffix("/up.sql") {
            let id = base.rsplit('/').next().unwrap_or(base);
            let down = beside(format!("{base}/down.sql"));
            return Some(self.pair("diesel", id, path, text, down));
        }
        if let Some(base) = path.strip_suffix("/migration.sql") {
            let id = base.rsplit('/').next().unwrap_or(base);
            return Some(Migration { irreversible_marked: true, ..self.pair("prisma", id, path, text, None) });
        }
        if let Some(kind) = flyway(name) {
            if kind == 'U' {
                return None;
            }
            let version = name.strip_prefix('V').and_then(|rest| rest.split("__").next());
            let undo = version.and_then(|version| self.undo.get(version)).map(|(path, text)| (*path, text));
            let migration = self.pair("flyway", stem(path), path, text, undo);
            // A repeatable script replaces what it made before.
            return Some(Migration { irreversible_marked: migration.irreversible_marked || kind == 'R', ..migration });
        }
        if text
            .lines()
            .next()
            .is_some_and(|line| line.trim().to_ascii_lowercase().starts_with("--liquibase formatted sql"))
        {
            return Some(self.liquibase(path, text));
        }
        if let Some((tool, has_down)) = sections(text) {
            return Some(self.sectioned(tool, path, text, has_down));
        }
        // A plain script counts only where a tool would look for it and in an order that a tool can tell.
        let ordered = name.starts_with(|first: char| first.is_ascii_digit());
        // Folders of versions and of dialects may lie between the scripts and the folder of all migrations.
        let own_folder = path.rsplit('/').skip(1).find(|folder| !divides(folder)).is_some_and(is_migration_folder);
        if !ordered || !(own_folder || self.has("atlas.sum") || self.has("meta/_journal.json")) {
            return None;
        }
        let tool = self.tool("sql");
        let forward_only = matches!(tool, "drizzle" | "atlas");
        Some(Migration {
            irreversible_marked: forward_only || says_irreversible(text),
            ..self.pair(tool, stem(path), path, text, None)
        })
    }

    fn has(&self, name: &str) -> bool {
        self.corpus.tree.contains(&format!("{}/{name}", self.folder))
    }

    /// The tool, by what lies around the scripts.
    fn tool(&self, otherwise: &'static str) -> &'static str {
        if self.has("atlas.sum") {
            return "atlas";
        }
        if self.has("meta/_journal.json") {
            return "drizzle";
        }
        if self.folder.ends_with("supabase/migrations") {
            return "supabase";
        }
        let above = self.folder.rsplit_once('/').map_or("", |(above, _)| above);
        let manifest = if above.is_empty() { "Cargo.toml".to_owned() } else { format!("{above}/Cargo.toml") };
        if self.corpus.tree.contains(&manifest) { "sqlx" } else { otherwise }
    }

    fn pair(
        &self,
        tool: &str,
        id: &str,
        path: &Arc<str>,
        text: &str,
        down: Option<(&Arc<str>, &Arc<str>)>,
    ) -> Migration {
        Migration {
            tool: tool.to_owned(),
            id: id.to_owned(),
            place: Place::whole(Arc::clone(path)),
            up: self.statements(path, text),
            irreversible_marked: says_irreversible(text) || down.is_some_and(|(_, text)| says_irreversible(text)),
            down: down.map(|(path, text)| self.statements(path, text)),
            in_code: false,
        }
    }

    fn sectioned(&self, tool: &str, path: &Arc<str>, text: &str, has_down: bool) -> Migration {
        let [up, down] = self.once("sections", path, text, || {
            let all = sql::statements(path, text).into_iter();
            let (down, up) = all.partition(|statement| statement.direction == Some(Direction::Down));
            [up, down]
        });
        Migration {
            tool: tool.to_owned(),
            id: stem(path).to_owned(),
            place: Place::whole(Arc::clone(path)),
            up,
            down: has_down.then_some(down),
            irreversible_marked: says_irreversible(text),
            in_code: false,
        }
    }

    /// `--changeset author:id` begins a change, `--rollback SQL` is its way back.
    fn liquibase(&self, path: &Arc<str>, text: &str) -> Migration {
        let (mut changes, mut with_way_back, mut marked) = (0_usize, 0_usize, 0_usize);
        let mut down = Vec::new();
        let mut seen = false;
        for (index, line) in text.lines().enumerate() {
            let Some(words) = line.trim().strip_prefix("--").map(str::trim_start) else { continue };
            if words.starts_with("changeset ") {
                changes += 1;
                seen = false;
            } else if let Some(rollback) = words.strip_prefix("rollback") {
                let rollback = rollback.trim();
                with_way_back += usize::from(!std::mem::replace(&mut seen, true));
                if rollback.is_empty() || rollback.eq_ignore_ascii_case("empty") || rollback.starts_with("not required")
                {
                    marked += 1;
                    continue;
                }
                let number = u32::try_from(index + 1).unwrap_or(u32::MAX);
                down.extend(
                    read(&sql::statements(path, rollback), self.postgres)
                        .into_iter()
                        .map(|statement| SqlStatement { place: statement.place.at_line(number), ..statement }),
                );
            }
        }
        Migration {
            tool: "liquibase".to_owned(),
            id: stem(path).to_owned(),
            place: Place::whole(Arc::clone(path)),
            up: self.statements(path, text),
            down: (changes > 0 && with_way_back >= changes).then_some(down),
            irreversible_marked: (changes > 0 && marked >= changes) || says_irreversible(text),
            in_code: false,
        }
    }

    fn statements(&self, path: &Arc<str>, text: &str) -> Vec<SqlStatement> {
        let [all] = self.once("statements", path, text, || [sql::statements(path, text)]);
        all
    }

    /// What lists of statements of a script do, the same as in the last review where the script is the same.
    fn once<const N: usize>(
        &self,
        kind: &str,
        path: &Arc<str>,
        text: &str,
        find: impl FnOnce() -> [Vec<Statement>; N],
    ) -> [Vec<SqlStatement>; N]
    where
        [Vec<SqlStatement>; N]: Serialize + DeserializeOwned,
    {
        let inputs = [path.as_bytes(), text.as_bytes(), &[u8::from(self.postgres)]];
        self.cache.get(kind, &inputs, || find().map(|statements| read(&statements, self.postgres)))
    }
}

/// The version that a script of Flyway undoes.
fn undone(path: &str) -> Option<&str> {
    let name = path.rsplit('/').next()?;
    (flyway(name)? == 'U').then_some(())?;
    name.strip_prefix('U')?.split("__").next()
}

/// `V1__x.sql`, `U1__x.sql`, `R__x.sql`: the letter.
fn flyway(name: &str) -> Option<char> {
    let letter = name.chars().next()?;
    let (version, rest) = name.get(1..)?.split_once("__")?;
    let versioned =
        !version.is_empty() && version.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'_'));
    let fits = match letter {
        'V' | 'U' => versioned,
        'R' => version.is_empty(),
        _ => false,
    };
    (fits && !rest.is_empty()).then_some(letter)
}

/// The tool whose marks a script has, and whether it marks a way back.
fn sections(text: &str) -> Option<(&'static str, bool)> {
    let marks = [
        ("goose", "+goose up", "+goose down"),
        ("sql-migrate", "+migrate up", "+migrate down"),
        ("dbmate", "migrate:up", "migrate:down"),
    ];
    let comments: Vec<String> = text
        .lines()
        .filter_map(|line| line.trim_start().strip_prefix("--"))
        .map(|words| words.trim_start().to_ascii_lowercase())
        .collect();
    let has = |mark: &str| comments.iter().any(|comment| comment.starts_with(mark));
    marks.iter().find(|(_, up, _)| has(up)).map(|(tool, _, down)| (*tool, has(down)))
}

/// Words of a dialect, counted over the scripts that belong together: most statements look the same in all of them.
fn speaks_postgres(files: &[Script<'_>]) -> bool {
    let count = |words: &[&str]| -> usize {
        files
            .iter()
            .map(|(_, text)| {
                let lower = text.to_ascii_lowercase();
                words.iter().filter(|word| lower.contains(**word)).count()
            })
            .sum()
    };
    let postgres = count(&[
        "concurrently",
        "plpgsql",
        "jsonb",
        "timestamptz",
        "bigserial",
        " serial",
        "::",
        "bytea",
        "using gin",
        "gen_random_uuid",
        "uuid_generate",
        "create extension",
        "with time zone",
        "character varying",
    ]);
    let others = count(&[
        "engine=",
        "engine =",
        "auto_increment",
        "autoincrement",
        "`",
        "nvarchar",
        "datetime2",
        "unsigned",
        "pragma ",
        "without rowid",
        "mergetree",
        "on duplicate key",
    ]);
    postgres > others
}

/// The effects of statements that run in this order. A table that they make themselves holds no rows and has no
/// readers yet: nothing that is done to it can hurt.
pub(super) fn read(statements: &[Statement], postgres: bool) -> Vec<SqlStatement> {
    let mut made: HashSet<&str> = HashSet::new();
    let mut read = Vec::new();
    for statement in statements {
        let mut effects = effects(&statement.kind, &made, postgres);
        if let Kind::CreateTable { table } = &statement.kind {
            made.insert(table);
        }
        effects.sort();
        effects.dedup();
        read.push(SqlStatement { text: shortened(&statement.text), place: statement.place.clone(), effects });
    }
    read
}

fn effects(kind: &Kind, made: &HashSet<&str>, postgres: bool) -> Vec<SqlEffect> {
    let is_new = |table: &String| made.contains(table.as_str());
    let effect = match kind {
        Kind::CreateTable { .. } => SqlEffect::CreateTable,
        Kind::DropTable { tables } if tables.iter().all(is_new) => SqlEffect::Other,
        Kind::DropTable { .. } => SqlEffect::DropTable,
        Kind::AlterTable { table, actions } => {
            return actions.iter().map(|action| altered(action, is_new(table))).collect();
        }
        Kind::CreateIndex { table, concurrently, .. } if postgres && !concurrently && !is_new(table) => {
            SqlEffect::CreateBlockingIndex
        }
        Kind::CreateIndex { .. } => SqlEffect::CreateIndex,
        Kind::DropIndex { .. } => SqlEffect::DropIndex,
        Kind::Truncate => SqlEffect::Truncate,
        Kind::Delete { table, .. } | Kind::Update { table, .. } | Kind::Insert { table } if is_new(table) => {
            SqlEffect::Other
        }
        Kind::Delete { has_where: false, .. } => SqlEffect::DeleteAll,
        Kind::Update { has_where: false, .. } => SqlEffect::UpdateAll,
        Kind::Delete { .. } | Kind::Update { .. } | Kind::Insert { .. } => SqlEffect::ChangeRows,
        Kind::Begin | Kind::Commit | Kind::Set { .. } | Kind::Other => SqlEffect::Other,
    };
    vec![effect]
}

fn altered(action: &AlterAction, is_new: bool) -> SqlEffect {
    match action {
        AlterAction::AddColumn { not_null: true, has_default: false, .. } if !is_new => SqlEffect::AddRequiredColumn,
        AlterAction::AddColumn { .. } => SqlEffect::AddColumn,
        _ if is_new => SqlEffect::Other,
        AlterAction::DropColumn { .. } => SqlEffect::DropColumn,
        AlterAction::RenameColumn { .. } => SqlEffect::RenameColumn,
        AlterAction::RenameTable => SqlEffect::RenameTable,
        AlterAction::AlterType { .. } => SqlEffect::ChangeType,
        AlterAction::SetNotNull { .. } => SqlEffect::SetNotNull,
        AlterAction::AddConstraint { not_valid: false, using_index: false } => SqlEffect::AddValidatedConstraint,
        AlterAction::AddConstraint { .. } => SqlEffect::AddConstraint,
        AlterAction::Other => SqlEffect::Other,
    }
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(MAX_TEXT) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}
