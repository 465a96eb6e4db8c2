//! Changes of the schema that the running version survives, and that can be taken back.

use std::collections::{BTreeMap, BTreeSet};

use gonogo_domain::{
    Area, Capability, Check, Classes, Evidence, Finding, Gate, Message, Missing, Place, Policy, Reading, Readings,
    Source, Standard, Strength, Tally, Text,
    evidence::{Migration, SqlEffect, SqlStatement},
};

use super::state::stateless;
use crate::shared::{program, trees::is_shown_off};

pub(crate) static CHECK: Check = Check {
    id: "data.migrations",
    title: Text {
        en: "Migrations are backward compatible and reversible", zh: "数据库迁移向后兼容且可回退"
    },
    source: &["B4.4c"],
    standard: Standard::ProductionReadiness,
    area: Area::Data,
    level: None,
    gate: Gate::Required,
    min: Strength::Configured,
    classes: Classes::RUNNING,
    fresh_days: None,
    record: &[],
    remediation: Text {
        en: "Expand first, contract in a later release: add nullable columns, build indexes concurrently, drop in a migration of its own, and give each migration a way back.",
        zh: "先扩展、后收缩：新增可空列、并发建索引、在单独的迁移中删除，并为每个迁移提供回退脚本。",
    },
    references: &["https://martinfowler.com/bliki/ParallelChange.html", "https://squawkhq.com/docs/rules"],
    page: include_str!("migrations.md"),
    judge,
};

/// Of each set the newest: what ran years ago is not written again.
const NEWEST: usize = 20;

fn judge(evidence: &Evidence<'_>, _policy: &Policy) -> Readings {
    Readings::configured(configured(evidence))
}

fn configured(evidence: &Evidence<'_>) -> Result<Reading, Missing> {
    let migrations: Vec<&Migration> =
        evidence.migrations()?.iter().filter(|migration| !is_shown_off(&migration.place)).collect();
    if migrations.is_empty() {
        if let Some(reading) = stateless(evidence)? {
            return Ok(reading);
        }
        return none_here(evidence);
    }
    let mut sets: BTreeMap<(&str, &str), Vec<&Migration>> = BTreeMap::new();
    for migration in &migrations {
        sets.entry((migration.tool.as_str(), folder(migration))).or_default().push(migration);
    }
    let mut tally = Tally::new();
    let mut in_code = false;
    let mut newest_in_code = None;
    for ((tool, folder), mut set) in sets {
        set.sort_by_cached_key(|migration| (position(migration), migration.place.clone()));
        let newest = set.split_off(set.len().saturating_sub(NEWEST));
        // A team that writes no way back at all has made one decision, not twenty mistakes.
        let nowhere = newest.len() > 1 && newest.iter().all(|migration| way_back(migration).is_some());
        for migration in &newest {
            in_code |= migration.in_code;
            if migration.in_code {
                newest_in_code = Some(migration.place.clone());
            }
            let key = migration.place.path();
            let mut findings: Vec<Finding> = forward(migration);
            if nowhere {
                findings.push(Finding::new(
                    &Place::whole(folder),
                    format!(
                        "none of the newest {} {tool} migrations has a way back, or says that it needs none",
                        newest.len()
                    ),
                    format!("最新的 {} 个 {tool} 迁移均无回退脚本，也未注明不可回退", newest.len()),
                ));
            } else {
                findings.extend(way_back(migration));
            }
            if findings.is_empty() {
                tally.met(key, &migration.place);
            }
            for finding in findings {
                tally.miss(key, finding);
            }
        }
    }
    if in_code && tally.count().met == tally.count().of {
        // Their way back is there; what they do is in their source.
        let place = newest_in_code.map_or_else(String::new, |place| format!(" (the newest is at {place})"));
        return Ok(program::trail_ends(
            format!("the migrations have a way back; what those do that are written as code was not followed{place}"),
            format!("迁移有回退方式；以代码编写的迁移所做的改动未能追踪{place}"),
        ));
    }
    let judged = tally.count().of;
    let (more, more_zh) = if judged < migrations.len() {
        (format!(" (the newest of {})", migrations.len()), format!("（取 {} 个中最新的）", migrations.len()))
    } else {
        (String::new(), String::new())
    };
    Ok(tally.reading(
        &format!("migrations are backward compatible and reversible{more}"),
        &format!("个迁移向后兼容且可回退{more_zh}"),
    ))
}

fn none_here(evidence: &Evidence<'_>) -> Result<Reading, Missing> {
    let packages = evidence.packages()?;
    let user = packages.iter().find_map(|package| {
        [Capability::Migration, Capability::Database]
            .into_iter()
            .find_map(|capability| package.dependencies_for(capability).into_iter().next())
    });
    let files = evidence.files_read(Source::Migrations);
    Ok(match user {
        Some(dependency) => Reading::elsewhere(
            Message::new(
                format!("it uses {}, and no migration is in this repository", dependency.name),
                format!("使用 {}，但此仓库中没有迁移文件", dependency.name),
            ),
            Message::new("the migrations of its database", "其数据库的迁移文件"),
        ),
        None => Reading::not_applicable(
            format!("it keeps state, but no schema of a database is changed here ({files} files of migrations read)"),
            format!("它保存状态，但此处没有数据库结构变更（读取了 {files} 个迁移文件）"),
        ),
    })
}

fn folder(migration: &Migration) -> &str {
    let path = migration.place.path();
    let folder = path.rsplit_once('/').map_or(".", |(folder, _)| folder);
    // Prisma and Diesel make a folder for each; others one for each version of the program.
    match folder.rsplit_once('/') {
        Some((above, own)) if own == migration.id || is_version(own) => above,
        _ => folder,
    }
}

/// `0.26`, `v3`.
fn is_version(name: &str) -> bool {
    let number = name.strip_prefix('v').unwrap_or(name);
    number.starts_with(|first: char| first.is_ascii_digit())
        && number.chars().all(|letter| letter.is_ascii_digit() || letter == '.')
}

/// Where it stands among those of its set: in the order of the versions, then of the names.
fn position(migration: &Migration) -> Vec<(u64, String)> {
    let path = migration.place.path();
    let version = path.rsplit('/').nth(1).filter(|own| is_version(own)).unwrap_or_default();
    order(&format!("{version}/{}", migration.id))
}

/// Numbers in names count as numbers: 10 comes after 9.
fn order(id: &str) -> Vec<(u64, String)> {
    let mut parts = Vec::new();
    let (mut digits, mut letters) = (String::new(), String::new());
    for letter in id.chars() {
        if letter.is_ascii_digit() {
            if digits.is_empty() && !letters.is_empty() {
                parts.push((0, std::mem::take(&mut letters)));
            }
            digits.push(letter);
        } else {
            if !digits.is_empty() {
                parts.push((digits.parse().unwrap_or(u64::MAX), String::new()));
                digits.clear();
            }
            letters.push(letter);
        }
    }
    parts.push((digits.parse().unwrap_or(0), letters));
    parts
}

/// What breaks the version that still runs while this is applied.
fn forward(migration: &Migration) -> Vec<Finding> {
    let effects: BTreeSet<SqlEffect> =
        migration.up.iter().flat_map(|statement| statement.effects.iter().copied()).collect();
    // A migration that only takes away is the last step of a change that was prepared before.
    let adds = effects
        .iter()
        .any(|effect| matches!(effect, SqlEffect::AddColumn | SqlEffect::AddRequiredColumn | SqlEffect::CreateTable));
    let mut findings = Vec::new();
    for (index, statement) in migration.up.iter().enumerate() {
        for effect in &statement.effects {
            let said = match effect {
                SqlEffect::RenameColumn => (
                    "renames a column: the version that still runs reads the old name",
                    "重命名列：仍在运行的版本读取旧列名",
                ),
                SqlEffect::RenameTable => (
                    "renames a table: the version that still runs reads the old name",
                    "重命名表：仍在运行的版本读取旧表名",
                ),
                SqlEffect::DropColumn if adds => (
                    "drops a column in the release that replaces it: the version that still runs reads it",
                    "在替换列的同一次发布中删除旧列：仍在运行的版本还在读取",
                ),
                SqlEffect::DropTable if adds => (
                    "drops a table in the release that replaces it: the version that still runs reads it",
                    "在替换表的同一次发布中删除旧表：仍在运行的版本还在读取",
                ),
                SqlEffect::ChangeType if !widens(&statement.text) => (
                    "changes the type of a column: the version that still runs expects the old one",
                    "修改列类型：仍在运行的版本期望旧类型",
                ),
                SqlEffect::AddRequiredColumn => (
                    "adds a required column without a default: what the running version inserts is refused",
                    "新增无默认值的必填列：运行中版本的插入会被拒绝",
                ),
                SqlEffect::SetNotNull if !prepared(&migration.up, index) => (
                    "makes a column required: what the running version leaves out is refused",
                    "将列设为必填：运行中版本未写该列的插入会被拒绝",
                ),
                SqlEffect::CreateBlockingIndex => (
                    "builds an index that blocks writes: use CREATE INDEX CONCURRENTLY",
                    "建索引时阻塞写入：请使用 CREATE INDEX CONCURRENTLY",
                ),
                SqlEffect::Truncate => ("empties a table", "清空了表"),
                _ => continue,
            };
            findings.push(Finding::new(&statement.place, said.0, said.1));
        }
    }
    findings
}

/// A type that holds everything that the old one held, without a rewrite of the table.
fn widens(text: &str) -> bool {
    let lower = text.to_lowercase();
    let words: Vec<&str> = lower.split(|letter: char| !letter.is_alphanumeric()).collect();
    // MySQL's MODIFY writes the whole enumeration again, mostly with one more name; which it lost cannot be told.
    let modified = lower.contains("modify") && ["enum", "text", "longtext"].iter().any(|kind| words.contains(kind));
    modified
        || words.windows(2).any(|pair| matches!(pair, ["type", "text" | "varchar" | "citext"]))
        || words.windows(3).any(|triple| matches!(triple, ["type", "character", "varying"]))
}

/// The column got a default, or a constraint that was validated, before it became required.
fn prepared(statements: &[SqlStatement], index: usize) -> bool {
    statements.iter().take(index + 1).any(|statement| {
        let lower = statement.text.to_lowercase();
        lower.contains("set default") || lower.contains("validate constraint")
    })
}

fn way_back(migration: &Migration) -> Option<Finding> {
    // PostgreSQL cannot take a value of an enumeration away again, and the old version does not mind it.
    let grows = |statement: &SqlStatement| statement.text.to_lowercase().contains("add value");
    let only_grows = !migration.up.is_empty() && migration.up.iter().all(grows);
    if migration.irreversible_marked || only_grows {
        return None;
    }
    let does_something = migration.in_code || migration.up.iter().any(|statement| !statement.effects.is_empty());
    match &migration.down {
        None => Some(Finding::new(
            &migration.place,
            format!("{} has no way back", migration.id),
            format!("{} 没有回退脚本", migration.id),
        )),
        Some(down) if down.is_empty() && does_something => Some(Finding::new(
            &migration.place,
            format!("the way back of {} is empty", migration.id),
            format!("{} 的回退脚本为空", migration.id),
        )),
        Some(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_in_names_count_as_numbers() {
        let mut names = ["10_b", "9_a", "V1_10__x", "V1_9__x", "20240101_a"];
        names.sort_by_key(|name| order(name));
        assert_eq!(names, ["V1_9__x", "V1_10__x", "9_a", "10_b", "20240101_a"]);
    }

    #[test]
    fn only_text_is_widened_for_free() {
        assert!(widens("ALTER TABLE a ALTER COLUMN b TYPE text"));
        assert!(widens("ALTER TABLE a ALTER b TYPE character varying(255)"));
        assert!(!widens("ALTER TABLE a ALTER COLUMN b TYPE bigint"));
    }
}
