//! Liquibase changelogs in XML, YAML and JSON: a migration for each change set.

use std::sync::Arc;

use gonogo_domain::{
    Gap, Node, Place, Source,
    evidence::{Migration, SqlEffect, SqlStatement},
};
use gonogo_formats::{
    sql,
    xml::{self, Element},
};

use super::{Found, counts, script};
use crate::Corpus;

pub(super) fn gather(corpus: &Corpus<'_>, found: &mut Found) {
    let xml = corpus.files_where(|entry| {
        let name = entry.name().to_ascii_lowercase();
        counts(entry)
            && name.rsplit_once('.').is_some_and(|(_, extension)| extension == "xml")
            && (super::in_folder(&entry.path, super::is_migration_folder)
                || name.contains("changelog")
                || name.contains("changeset"))
    });
    let xml: Vec<Arc<str>> = xml.map(|entry| Arc::clone(&entry.path)).collect();
    for path in xml {
        let Some(text) = found.text(corpus, &path) else { continue };
        if !text.contains("databaseChangeLog") {
            found.files -= 1;
            continue;
        }
        match xml::parse(&path, &text) {
            Ok(root) => found.migrations.extend(root.children_named("changeSet").map(from_xml)),
            Err(error) => {
                found.gaps.push(Gap { source: Source::Migrations, place: error.place, reason: error.reason });
            }
        }
    }
    for file in corpus.data() {
        let entry = corpus.tree.entry(&file.path);
        if !entry.is_some_and(counts) {
            continue;
        }
        if file.broken_with("databaseChangeLog") {
            found.gaps.extend(file.gaps(Source::Migrations));
        }
        let changes = file.documents.iter().flat_map(|document| document.list("databaseChangeLog"));
        let before = found.migrations.len();
        found.migrations.extend(changes.filter_map(|item| item.get("changeSet")).map(from_data));
        found.files += usize::from(found.migrations.len() > before);
    }
}

/// A change of any of the forms: its name, its text of SQL if it is one, and a look at its columns.
struct Change<'a> {
    name: &'a str,
    place: &'a Place,
    sql: Option<&'a str>,
    /// A column is NOT NULL and has no default.
    required: bool,
    table: Option<&'a str>,
}

fn from_xml(set: &Element) -> Migration {
    let changes: Vec<Change<'_>> = set
        .children
        .iter()
        .map(|change| Change {
            name: &change.name,
            place: &change.place,
            sql: (change.name == "sql").then_some(change.text.as_str()),
            required: change.children_named("column").any(|column| {
                let nullable = column.child("constraints").and_then(|constraints| constraints.attribute("nullable"));
                nullable == Some("false") && !column.attributes.iter().any(|(name, _)| name.starts_with("defaultValue"))
            }),
            table: change.attribute("tableName"),
        })
        .collect();
    let rollback = set.child("rollback").map(|rollback| {
        let empty = rollback.children.is_empty() && rollback.text.is_empty();
        (rollback.place.clone(), rollback.text.clone(), empty)
    });
    migration(set.attribute("id").unwrap_or_default(), &set.place, &changes, rollback)
}

fn from_data(set: &Node) -> Migration {
    let changes: Vec<Change<'_>> = set
        .list("changes")
        .iter()
        .flat_map(Node::entries)
        .map(|entry| Change {
            name: &entry.key,
            place: &entry.key_place,
            sql: (entry.key == "sql")
                .then(|| entry.node.str_at("sql").or_else(|| entry.node.str()).unwrap_or_default()),
            required: entry.node.list("columns").iter().filter_map(|item| item.get("column")).any(|column| {
                column.bool_at("constraints.nullable") == Some(false)
                    && !column.entries().iter().any(|entry| entry.key.starts_with("defaultValue"))
            }),
            table: entry.node.str_at("tableName"),
        })
        .collect();
    let rollback = set.entry("rollback").map(|entry| {
        let text = entry.node.str().unwrap_or_default().to_owned();
        let empty = text.trim().is_empty() && entry.node.items().is_empty() && entry.node.entries().is_empty();
        (entry.key_place.clone(), text, empty)
    });
    migration(set.str_at("id").unwrap_or_default(), &set.place, &changes, rollback)
}

fn migration(id: &str, place: &Place, changes: &[Change<'_>], rollback: Option<(Place, String, bool)>) -> Migration {
    let path: Arc<str> = place.path().into();
    let mut up = Vec::new();
    let mut made: Vec<&str> = Vec::new();
    let mut undone_by_itself = true;
    for change in changes {
        if let Some(text) = change.sql {
            undone_by_itself = false;
            up.extend(
                script::read(&sql::statements(&path, text), false)
                    .into_iter()
                    .map(|statement| SqlStatement { place: change.place.clone(), ..statement }),
            );
            continue;
        }
        let is_new = change.table.is_some_and(|table| made.contains(&table));
        let Some((effect, undone)) = effect(change, is_new) else { continue };
        if effect == SqlEffect::CreateTable {
            made.extend(change.table);
        }
        undone_by_itself &= undone;
        up.push(SqlStatement { text: change.name.to_owned(), place: change.place.clone(), effects: vec![effect] });
    }
    let marked = rollback.as_ref().is_some_and(|(_, _, empty)| *empty);
    let down = match rollback {
        Some((_, _, true)) => Some(Vec::new()),
        Some((place, text, false)) => Some(vec![SqlStatement { text, place, effects: vec![SqlEffect::Other] }]),
        None if undone_by_itself && !up.is_empty() => Some(vec![SqlStatement {
            text: "undone by the tool".to_owned(),
            place: place.clone(),
            effects: vec![SqlEffect::Other],
        }]),
        None => None,
    };
    Migration {
        tool: "liquibase".to_owned(),
        id: id.to_owned(),
        place: place.clone(),
        up,
        down,
        irreversible_marked: marked,
        in_code: false,
    }
}

/// The effect, and whether Liquibase knows the way back by itself; None for what is no change of the database.
fn effect(change: &Change<'_>, is_new: bool) -> Option<(SqlEffect, bool)> {
    Some(match change.name {
        "createTable" => (SqlEffect::CreateTable, true),
        "dropTable" => (SqlEffect::DropTable, false),
        "addColumn" if change.required && !is_new => (SqlEffect::AddRequiredColumn, true),
        "addColumn" => (SqlEffect::AddColumn, true),
        "dropColumn" => (SqlEffect::DropColumn, false),
        "renameColumn" => (SqlEffect::RenameColumn, true),
        "renameTable" => (SqlEffect::RenameTable, true),
        "modifyDataType" => (SqlEffect::ChangeType, false),
        "addNotNullConstraint" if !is_new => (SqlEffect::SetNotNull, true),
        "addForeignKeyConstraint" | "addUniqueConstraint" | "addPrimaryKey" | "addCheckConstraint" if !is_new => {
            (SqlEffect::AddValidatedConstraint, true)
        }
        "addForeignKeyConstraint" | "addUniqueConstraint" | "addPrimaryKey" | "addNotNullConstraint" => {
            (SqlEffect::AddConstraint, true)
        }
        "createIndex" => (SqlEffect::CreateIndex, true),
        "dropIndex" => (SqlEffect::DropIndex, false),
        "insert" | "loadData" | "update" | "delete" | "loadUpdateData" => (SqlEffect::ChangeRows, false),
        "comment" | "preConditions" | "rollback" | "validCheckSum" | "tagDatabase" | "property" => return None,
        "createSequence" | "createView" | "addDefaultValue" | "dropNotNullConstraint" | "renameView" => {
            (SqlEffect::Other, true)
        }
        _ => (SqlEffect::Other, false),
    })
}
