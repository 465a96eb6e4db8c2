//! Managed databases in infrastructure code, and whether each backs itself up.

use gonogo_domain::{Evidence, Missing, Node, Place, evidence::Resource};

use super::mechanisms::{CONTINUOUS, Mechanism};
use crate::shared::trees::{Told, flag, inside, is_shown_off, number};

/// What a managed database says about its own backups.
#[derive(Clone, Debug)]
pub(super) enum Backup {
    On(Mechanism),
    /// Switched off, or not switched on where the default is off.
    Off(Place),
    /// A variable decides, which is set by whoever applies it.
    Open(Place, String),
}

/// A managed database.
#[derive(Clone, Debug)]
pub(super) struct Store {
    pub(super) name: String,
    pub(super) place: Place,
    pub(super) backup: Backup,
}

/// Every managed database that is declared, replicas left out: they follow their source into every mistake.
pub(super) fn stores(evidence: &Evidence<'_>) -> Result<Vec<Store>, Missing> {
    let resources = evidence.infrastructure()?;
    Ok(resources
        .iter()
        .filter(|resource| !is_shown_off(&resource.place))
        .filter_map(|resource| {
            Some(Store {
                name: format!("{} {}", resource.kind, resource.name),
                place: resource.place.clone(),
                backup: backup(resource, resources)?,
            })
        })
        .collect())
}

fn backup(resource: &Resource, all: &[Resource]) -> Option<Backup> {
    let body = &resource.body;
    let any = |paths: &[&str]| paths.iter().any(|path| inside(body, path).is_some_and(|node| !node.is_null()));
    // Days that the provider keeps backups for when nothing is written. Source: each provider's reference.
    let days =
        |paths: &[&str], default: i64, interval: u64| retention(resource, all, number(body, paths), default, interval);
    let switch = |paths: &[&str], default: bool, interval: u64| switch(resource, flag(body, paths), default, interval);
    Some(match resource.kind.as_str() {
        "aws_db_instance" | "aws_rds_cluster_instance" if any(&["replicate_source_db", "cluster_identifier"]) => {
            return None;
        }
        "AWS::RDS::DBInstance" if any(&["SourceDBInstanceIdentifier", "DBClusterIdentifier"]) => return None,
        "google_sql_database_instance" if any(&["master_instance_name"]) => return None,
        "aws_db_instance" => days(&["backup_retention_period"], 0, CONTINUOUS),
        "aws_rds_cluster" | "aws_docdb_cluster" | "aws_neptune_cluster" => {
            days(&["backup_retention_period"], 1, CONTINUOUS)
        }
        "AWS::RDS::DBInstance" | "AWS::RDS::DBCluster" | "AWS::DocDB::DBCluster" => {
            days(&["BackupRetentionPeriod"], 1, CONTINUOUS)
        }
        "aws_dynamodb_table" => switch(&["point_in_time_recovery.enabled"], false, CONTINUOUS),
        "AWS::DynamoDB::Table" => {
            switch(&["PointInTimeRecoverySpecification.PointInTimeRecoveryEnabled"], false, CONTINUOUS)
        }
        "google_sql_database_instance" => {
            let point_in_time = ["point_in_time_recovery_enabled", "binary_log_enabled"].iter().any(|key| {
                let path = format!("settings.backup_configuration.{key}");
                matches!(flag(body, &[path.as_str()]), Told::Value(true, _))
            });
            switch(&["settings.backup_configuration.enabled"], false, if point_in_time { CONTINUOUS } else { 86_400 })
        }
        "google_alloydb_cluster" => switch(&["continuous_backup_config.enabled"], true, CONTINUOUS),
        "azurerm_postgresql_flexible_server"
        | "azurerm_mysql_flexible_server"
        | "azurerm_postgresql_server"
        | "azurerm_mysql_server" => days(&["backup_retention_days"], 7, CONTINUOUS),
        "azurerm_mssql_database" => days(&["short_term_retention_policy.retention_days"], 7, 600),
        "azurerm_cosmosdb_account" => match number(body, &["backup.interval_in_minutes"]) {
            Told::Value(minutes, place) => {
                on(resource, place, Some(u64::try_from(minutes).unwrap_or(0).saturating_mul(60)))
            }
            _ => on(resource, resource.place.clone(), Some(240 * 60)),
        },
        "mongodbatlas_cluster" | "mongodbatlas_advanced_cluster" => {
            switch(&["backup_enabled", "cloud_backup", "provider_backup_enabled"], false, 86_400)
        }
        "digitalocean_database_cluster" => on(resource, resource.place.clone(), Some(86_400)),
        _ => return None,
    })
}

fn on(resource: &Resource, place: Place, interval: Option<u64>) -> Backup {
    Backup::On(Mechanism { place, what: format!("{} {}", resource.kind, resource.name), interval, general: false })
}

fn retention(resource: &Resource, all: &[Resource], told: Told<i64>, default: i64, interval: u64) -> Backup {
    let told = match told {
        Told::Open(text, place) => {
            variable(all, &text).map_or(Told::Open(text, place.clone()), |days| Told::Value(days, place))
        }
        told => told,
    };
    match told {
        Told::Value(days, place) if days > 0 => on(resource, place, Some(interval)),
        Told::Value(_, place) => Backup::Off(place),
        Told::Absent if default > 0 => on(resource, resource.place.clone(), Some(interval)),
        Told::Absent => Backup::Off(resource.place.clone()),
        Told::Open(text, place) => Backup::Open(place, text),
    }
}

fn switch(resource: &Resource, told: Told<bool>, default: bool, interval: u64) -> Backup {
    match told {
        Told::Value(true, place) => on(resource, place, Some(interval)),
        Told::Absent if default => on(resource, resource.place.clone(), Some(interval)),
        Told::Value(false, place) => Backup::Off(place),
        Told::Absent => Backup::Off(resource.place.clone()),
        Told::Open(text, place) => Backup::Open(place, text),
    }
}

/// The default of `var.name`, where its block is here.
fn variable(all: &[Resource], text: &str) -> Option<i64> {
    let name = text.trim().trim_start_matches("${").trim_end_matches('}').trim().strip_prefix("var.")?;
    let block = all.iter().find(|resource| resource.kind == "variable" && resource.name == name)?;
    inside(&block.body, "default").and_then(Node::int)
}
