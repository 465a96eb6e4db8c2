//! What makes copies of data, and how often.

use gonogo_domain::{
    Evidence, Missing, Node, Place,
    evidence::{Object, Purpose, WorkloadKind},
};

use crate::shared::{
    schedule::{Dialect, longest_gap},
    trees::{Told, flag, inside, is_shown_off, number, texts},
};

/// Something that copies data.
#[derive(Clone, Debug)]
pub(super) struct Mechanism {
    /// The line that says how often, else the line that says that.
    pub(super) place: Place,
    pub(super) what: String,
    /// Seconds between two copies; none: not told.
    pub(super) interval: Option<u64>,
    /// It copies whatever is in the cluster or the account, not one store.
    pub(super) general: bool,
}

/// Seconds after which a managed database has shipped its log. Source: Amazon RDS and Azure Database user guides.
pub(super) const CONTINUOUS: u64 = 300;

/// Every mechanism that is switched on.
pub(super) fn mechanisms(evidence: &Evidence<'_>) -> Result<Vec<Mechanism>, Missing> {
    let mut found = Vec::new();
    for object in evidence.objects()?.iter().filter(|object| object.production && !is_shown_off(&object.place)) {
        found.extend(of_object(object));
    }
    for workload in evidence.workloads()?.iter().filter(|workload| workload.production) {
        if workload.kind == WorkloadKind::CronJob {
            found.extend(of_cron_job(&workload.name, &workload.place, &workload.body));
        }
    }
    for resource in evidence.infrastructure()?.iter().filter(|resource| !is_shown_off(&resource.place)) {
        found.extend(of_plan(&resource.kind, &resource.body, &resource.place));
    }
    for pipeline in evidence.pipelines()?.iter().filter(|one| one.triggers.iter().any(|trigger| trigger == "schedule"))
    {
        let step = pipeline.steps().find(|(_, step)| step.run.as_deref().is_some_and(dumps));
        if let Some((_, step)) = step.filter(|(_, step)| !step.purposes.contains(&Purpose::UnitTest)) {
            let what = format!("the scheduled pipeline {}", pipeline.name);
            found.push(Mechanism { place: step.place.clone(), what, interval: None, general: false });
        }
    }
    found.sort_by(|one, other| (&one.place, &one.what).cmp(&(&other.place, &other.what)));
    found.dedup_by(|one, other| one.place == other.place);
    Ok(found)
}

/// A program that copies a database or a volume away.
fn dumps(text: &str) -> bool {
    const PROGRAMS: &[&str] = &[
        "pg_dump",
        "pg_dumpall",
        "pg_basebackup",
        "pgbackrest",
        "wal-g",
        "wal-e",
        "barman",
        "mysqldump",
        "mariadb-dump",
        "mariabackup",
        "xtrabackup",
        "mydumper",
        "mongodump",
        "pbm",
        "restic",
        "borg",
        "borgmatic",
        "kopia",
        "velero",
        "etcdctl",
        "clickhouse-backup",
        "duplicity",
        "rclone",
        "medusa",
        "redis-cli --rdb",
        "influx backup",
        "neo4j-admin",
    ];
    // `etcdctl get` copies nothing.
    text.split(|letter: char| {
        letter.is_whitespace() || matches!(letter, ';' | '|' | '&' | '(' | ')' | '"' | '\'' | '`' | '=')
    })
    .any(|word| {
        let name = word.rsplit('/').next().unwrap_or(word);
        PROGRAMS.contains(&name) && (name != "etcdctl" || text.contains("snapshot save"))
    }) && !restores(text)
}

fn restores(text: &str) -> bool {
    let lower = text.to_lowercase();
    ["restic restore", "wal-g backup-fetch", "velero restore", "pgbackrest restore", " kopia restore"]
        .iter()
        .any(|word| lower.contains(word))
}

fn of_cron_job(name: &str, place: &Place, body: &Node) -> Option<Mechanism> {
    let spec = body.get("spec")?;
    if spec.bool_at("suspend") == Some(true) {
        return None;
    }
    let mut named = false;
    let mut copying = false;
    for path in ["jobTemplate.spec.template.spec.containers", "jobTemplate.spec.template.spec.initContainers"] {
        for container in spec.list(path) {
            copying |= texts(container).iter().any(|text| dumps(text));
            named |= container.str_at("image").is_some_and(is_backup_name);
        }
    }
    // A name alone is a promise; with an image of that name it is the program.
    if !(copying || (named && is_backup_name(name))) {
        return None;
    }
    let schedule = spec.get("schedule");
    Some(Mechanism {
        place: schedule.map_or(place, |schedule| &schedule.place).clone(),
        what: format!("the CronJob {name}"),
        interval: schedule.and_then(Node::str).and_then(|text| longest_gap(text, Dialect::Unix)),
        general: false,
    })
}

fn is_backup_name(name: &str) -> bool {
    let lower = name.to_lowercase();
    (lower.contains("backup") || lower.contains("pgdump") || lower.contains("pg-dump")) && !lower.contains("restore")
}

fn of_object(object: &Object) -> Vec<Mechanism> {
    let api = object.api_version.as_str();
    let body = &object.body;
    let scheduled = |path: &str, dialect: Dialect, general: bool| {
        inside(body, path).filter(|node| node.str().is_some()).map(|node| Mechanism {
            place: node.place.clone(),
            what: format!("the {} {}", object.kind, object.name),
            interval: node.str().and_then(|text| longest_gap(text, dialect)),
            general,
        })
    };
    let found = match object.kind.as_str() {
        "CronJob" => of_cron_job(&object.name, &object.place, body),
        "Schedule" if api.starts_with("velero.io") && body.bool_at("spec.paused") != Some(true) => {
            scheduled("spec.schedule", Dialect::Unix, true)
        }
        "Schedule" if api.starts_with("k8up.io") => scheduled("spec.backup.schedule", Dialect::Unix, true),
        "ScheduledBackup" if body.bool_at("spec.suspend") != Some(true) => {
            scheduled("spec.schedule", Dialect::Seconds, false)
        }
        "SnapshotSchedule" | "BackupConfiguration" => scheduled("spec.schedule", Dialect::Unix, false),
        "RecurringJob" if matches!(body.str_at("spec.task"), Some("backup" | "backup-force-create")) => {
            scheduled("spec.cron", Dialect::Unix, false)
        }
        "ReplicationSource" => scheduled("spec.trigger.schedule", Dialect::Unix, false),
        "PerconaXtraDBCluster" | "PerconaPGCluster" | "PerconaServerMongoDB" => {
            return body
                .list("spec.backup.schedule")
                .iter()
                .chain(body.list("spec.backup.tasks"))
                .filter_map(|one| {
                    let node = one.get("schedule")?;
                    Some(Mechanism {
                        place: node.place.clone(),
                        what: format!("the {} {}", object.kind, object.name),
                        interval: node.str().and_then(|text| longest_gap(text, Dialect::Unix)),
                        general: false,
                    })
                })
                .collect();
        }
        "PostgresCluster" => {
            return body
                .list("spec.backups.pgbackrest.repos")
                .iter()
                .filter_map(|repo| repo.get("schedules"))
                // The log is shipped all the time; the schedules are of the copies that it continues.
                .map(|schedules| Mechanism {
                    place: schedules.place.clone(),
                    what: format!("pgBackRest of {}", object.name),
                    interval: Some(CONTINUOUS),
                    general: false,
                })
                .collect();
        }
        "Cluster" if api.starts_with("postgresql.cnpg.io") => {
            inside(body, "spec.backup").or_else(|| inside(body, "spec.plugins")).map(|node| Mechanism {
                place: node.place.clone(),
                what: format!("the archive of {}", object.name),
                interval: Some(CONTINUOUS),
                general: false,
            })
        }
        "postgresql" if api.starts_with("acid.zalan.do") => (body.bool_at("spec.enableLogicalBackup") == Some(true))
            .then(|| Mechanism {
                place: object.place.clone(),
                what: format!("the logical backup of {}", object.name),
                interval: body
                    .str_at("spec.logicalBackupSchedule")
                    .map_or(Some(86_400), |text| longest_gap(text, Dialect::Unix)),
                general: false,
            }),
        _ => None,
    };
    found.into_iter().collect()
}

/// Plans that copy whatever is assigned to them.
fn of_plan(kind: &str, body: &Node, place: &Place) -> Option<Mechanism> {
    let paths: &[&str] = match kind {
        "aws_backup_plan" => &["rule.schedule"],
        "AWS::Backup::BackupPlan" => &["BackupPlan.BackupPlanRule.ScheduleExpression"],
        "aws_dlm_lifecycle_policy" => &["policy_details.schedule.create_rule.cron_expression"],
        "google_spanner_backup_schedule" => &["spec.cron_spec.text"],
        "google_firestore_backup_schedule" => &["daily_recurrence"],
        "google_compute_resource_policy" => &["snapshot_schedule_policy.schedule"],
        "azurerm_backup_policy_vm" | "azurerm_backup_policy_file_share" => &["backup.frequency"],
        _ => return None,
    };
    let node = paths.iter().find_map(|path| inside(body, path));
    let interval = match kind {
        "aws_dlm_lifecycle_policy" => match number(body, &["policy_details.schedule.create_rule.interval"]) {
            Told::Value(hours, _) => u64::try_from(hours).ok().map(|hours| hours.saturating_mul(3600)),
            _ => None,
        },
        "google_firestore_backup_schedule" => Some(if node.is_some() { 86_400 } else { 7 * 86_400 }),
        "google_compute_resource_policy" => {
            let hours = number(body, &["snapshot_schedule_policy.schedule.hourly_schedule.hours_in_cycle"]);
            match hours {
                Told::Value(hours, _) => u64::try_from(hours).ok().map(|hours| hours.saturating_mul(3600)),
                _ => Some(86_400),
            }
        }
        "azurerm_backup_policy_vm" | "azurerm_backup_policy_file_share" => match node.and_then(Node::str) {
            Some("Daily") => Some(86_400),
            Some("Weekly") => Some(7 * 86_400),
            _ => None,
        },
        _ => None,
    };
    let interval = interval.or_else(|| node.and_then(Node::str).and_then(|text| longest_gap(text, Dialect::Unix)));
    let disabled = matches!(flag(body, &["enabled"]), Told::Value(false, _));
    (!disabled).then(|| Mechanism {
        place: node.map_or(place, |node| &node.place).clone(),
        what: format!("the plan {kind}"),
        interval,
        general: true,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_that_copy_are_told_from_those_that_do_not() {
        for text in [
            "pg_dump -Fc shop > /backup/x",
            "/usr/bin/mongodump --out /b",
            "set -e; restic backup /data",
            "etcdctl snapshot save x",
        ] {
            assert!(dumps(text), "{text:?} copies nothing");
        }
        for text in ["etcdctl get /", "pg_restore x", "echo pg_dumper", "restic restore latest", "backup"] {
            assert!(!dumps(text), "{text:?} copies");
        }
    }
}
