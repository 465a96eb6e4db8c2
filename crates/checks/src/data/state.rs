//! Whether there is data to lose, and the figures that are written down about losing it.

use gonogo_domain::{
    Capability, Evidence, Message, Missing, Place, Reading, State,
    evidence::{Document, DocumentKind},
};

use crate::shared::{
    figures,
    records::{names_it, row_place},
    trees::is_shown_off,
};

/// Why the question of data does not arise, or cannot be answered; none: the unit keeps state.
pub(super) fn stateless(evidence: &Evidence<'_>) -> Result<Option<Reading>, Missing> {
    match &evidence.service().state {
        State::None { place } => Ok(Some(
            Reading::not_applicable("gonogo.toml says that it keeps no state", "gonogo.toml 声明其不保存状态")
                .with_witnesses([place.clone()]),
        )),
        State::Optional { reason, place } => Ok(Some(Reading::elsewhere(
            Message::new(
                format!("{} ({place}); whether that holds data of its own is not declared", reason.en),
                format!("{}（{place}）；未声明其中是否有自有数据", reason.zh),
            ),
            declare(evidence),
        ))),
        State::Entrusted { to, reviewed: true, place } => Ok(Some(
            Reading::not_applicable(
                format!("its data is kept by {to} ({place}), a service of this repository with a review of its own"),
                format!("其数据由 {to} 保存（{place}），后者是此仓库中单独评审的服务"),
            )
            .with_witnesses([place.clone()]),
        )),
        // Nobody else answers for a product that is deployed as it is.
        State::Kept { .. } | State::Entrusted { .. } => Ok(None),
        State::NotFound { reason } => Ok(Some(match hint(evidence)? {
            None => Reading::not_applicable(
                format!("it keeps no state: {}, no client of a database", reason.en),
                format!("不保存状态：{}，也没有数据库客户端", reason.zh),
            ),
            Some((what, place)) => Reading::elsewhere(
                Message::new(
                    format!("it uses {what} ({place}); whether that holds data of its own is not declared"),
                    format!("使用 {what}（{place}）；未声明其中是否有自有数据"),
                ),
                declare(evidence),
            ),
        })),
    }
}

fn declare(evidence: &Evidence<'_>) -> Message {
    let name = &evidence.service().name;
    Message::new(
        format!("state = true or false under [service.{name}] in gonogo.toml"),
        format!("gonogo.toml 中 [service.{name}] 的 state = true 或 false"),
    )
}

/// Something that data may be kept in.
fn hint(evidence: &Evidence<'_>) -> Result<Option<(String, Place)>, Missing> {
    const STORES: &[&str] = &[
        "database",
        "postgresql",
        "mysql",
        "mariadb",
        "mongodb",
        "cassandra",
        "sqlserver",
        "oracle",
        "elasticsearch",
        "opensearch",
        "clickhouse",
        "sqlite",
        "dynamodb",
        "spanner",
        "firestore",
        "cosmosdb",
        "neo4j",
        "couchdb",
        "etcd",
        "object-storage",
        "s3",
    ];
    let dependency =
        evidence.service().dependencies.iter().find(|dependency| STORES.contains(&dependency.kind.as_str()));
    if let Some(dependency) = dependency {
        return Ok(Some((dependency.kind.clone(), dependency.place.clone())));
    }
    Ok(evidence.packages()?.iter().find_map(|package| {
        let found = [Capability::Database, Capability::ObjectStorage, Capability::Migration]
            .into_iter()
            .find_map(|capability| package.dependencies_for(capability).into_iter().next())?;
        Some((found.name.clone(), found.place.clone()))
    }))
}

/// A figure that is written down, in seconds.
#[derive(Clone, Debug)]
pub(super) struct Figure {
    pub(super) seconds: u64,
    pub(super) place: Place,
}

/// Recovery objectives, from `gonogo.toml`, else from documents.
pub(super) struct Objectives {
    pub(super) point: Option<Figure>,
    pub(super) time: Option<Figure>,
}

impl Objectives {
    pub(super) fn of(evidence: &Evidence<'_>) -> Result<Self, Missing> {
        let statements = evidence.statements();
        let stated = |stated: &Option<gonogo_domain::evidence::Stated<jiff::SignedDuration>>| {
            let stated = stated.as_ref()?;
            Some(Figure { seconds: u64::try_from(stated.value.as_secs()).ok()?, place: stated.place.clone() })
        };
        let documents: Vec<&Document> = evidence.documents()?.iter().filter(|document| may_say(document)).collect();
        let written = |names: &[&str]| documents.iter().find_map(|document| figure(document, names));
        Ok(Self {
            point: stated(&statements.recovery_point)
                .or_else(|| written(&["rpo", "recovery point objective", "recovery point", "恢复点目标"])),
            time: stated(&statements.recovery_time)
                .or_else(|| written(&["rto", "recovery time objective", "recovery time", "恢复时间目标"])),
        })
    }
}

fn may_say(document: &Document) -> bool {
    !is_shown_off(&document.place)
        && !matches!(document.kind, DocumentKind::Changelog | DocumentKind::Postmortem | DocumentKind::Drill)
}

/// The figure that follows a name in a row of a table, in a column that is called so, or in a line.
fn figure(document: &Document, names: &[&str]) -> Option<Figure> {
    for section in &document.sections {
        for table in &section.tables {
            let column = table.header.iter().position(|name| names_it(name, names));
            for (row, number) in table.rows.iter().zip(2_u32..) {
                let own = row.iter().position(|cell| names_it(cell, names));
                let cells = match (column, own) {
                    (Some(column), _) => row.get(column..=column),
                    (None, Some(own)) => row.get(own..),
                    (None, None) => None,
                };
                if let Some(seconds) = cells.and_then(|cells| cells.iter().find_map(|cell| figures::duration(cell))) {
                    return Some(Figure { seconds, place: row_place(table, number) });
                }
            }
        }
        let lines = section.text.lines().map(|line| (line, &section.place));
        let items = section.items.iter().map(|item| (item.text.as_str(), &item.place));
        // Items have places of their own, so they are asked first.
        for (line, place) in items.chain(lines) {
            if let Some(seconds) = after(line, names) {
                return Some(Figure { seconds, place: place.clone() });
            }
        }
    }
    None
}

/// The stretch of time right after a name: `RPO: 15 minutes`, `an RPO of 15 min`.
fn after(line: &str, names: &[&str]) -> Option<u64> {
    let lower = line.to_lowercase();
    names.iter().find_map(|name| {
        lower.match_indices(name).find_map(|(at, _)| {
            let letter =
                |letter: Option<char>| name.is_ascii() && letter.is_some_and(|letter| letter.is_ascii_alphanumeric());
            let rest = lower.get(at + name.len()..)?;
            if letter(lower.get(..at)?.chars().next_back()) || letter(rest.chars().next()) {
                return None;
            }
            let near: String = rest.chars().take(40).collect();
            // What follows the other objective's name is that one's.
            let near = ["rto", "rpo", "recovery time", "recovery point"]
                .iter()
                .filter_map(|other| near.find(other))
                .min()
                .map_or(near.as_str(), |end| near.get(..end).unwrap_or_default());
            figures::duration(near)
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_follow_their_names() {
        let check = |line: &str, expect: Option<u64>| assert_eq!(after(line, &["rpo"]), expect, "for {line:?}");
        check("RPO: 15 minutes, RTO: 4 hours", Some(900));
        check("RTO 4 hours and RPO of 1 h", Some(3600));
        check("We want a low RPO. RTO: 4 hours", None);
        check("the corporation lost 3 hours", None);
    }
}
