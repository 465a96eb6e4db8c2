//! Variables by which the image of a database lets in whoever reaches it.

use gonogo_domain::{
    Evidence, Finding, Missing, Place,
    evidence::{EnvValue, InstructionKind},
};

use crate::shared::production_workloads;

/// Variables by which an image of a database lets everybody in, with their value and the variables that close it again.
/// Source: the documentation of the official images on Docker Hub, of Bitnami's for the last two.
const OPEN_DOORS: &[(&str, &[&str], &[&str])] = &[
    (
        "MYSQL_ALLOW_EMPTY_PASSWORD",
        &["yes", "true", "1"],
        &["MYSQL_ROOT_PASSWORD", "MYSQL_ROOT_PASSWORD_FILE", "MYSQL_RANDOM_ROOT_PASSWORD"],
    ),
    (
        "MARIADB_ALLOW_EMPTY_ROOT_PASSWORD",
        &["yes", "true", "1"],
        &[
            "MARIADB_ROOT_PASSWORD",
            "MARIADB_ROOT_PASSWORD_FILE",
            "MARIADB_ROOT_PASSWORD_HASH",
            "MARIADB_RANDOM_ROOT_PASSWORD",
        ],
    ),
    ("POSTGRES_HOST_AUTH_METHOD", &["trust"], &[]),
    (
        "ALLOW_EMPTY_PASSWORD",
        &["yes", "true"],
        &[
            "REDIS_PASSWORD",
            "POSTGRESQL_PASSWORD",
            "MARIADB_ROOT_PASSWORD",
            "MYSQL_ROOT_PASSWORD",
            "MONGODB_ROOT_PASSWORD",
            "VALKEY_PASSWORD",
        ],
    ),
    ("ALLOW_ANONYMOUS_LOGIN", &["yes", "true"], &[]),
];

/// What is set in the service's own images, and in the containers of production.
pub(super) fn unguarded(evidence: &Evidence<'_>) -> Result<Vec<Finding>, Missing> {
    let mut findings = Vec::new();
    for image in evidence.images()? {
        let set: Vec<(&str, Option<&str>, &Place)> = image
            .final_instructions()
            .filter_map(|instruction| match &instruction.kind {
                InstructionKind::Env { name, value } => Some((name.as_str(), Some(value.as_str()), &instruction.place)),
                _ => None,
            })
            .collect();
        // A pod may close what its image leaves open.
        let closed = |names: &[&str]| {
            evidence.workloads().is_ok_and(|workloads| {
                let containers = workloads.iter().flat_map(|workload| &workload.containers);
                containers.flat_map(|container| &container.env).any(|one| names.contains(&one.name.as_str()))
            })
        };
        findings.extend(
            open_doors(&set).filter(|(_, _, closes)| !closed(closes)).map(|(name, place, _)| open_door(name, place)),
        );
    }
    for workload in production_workloads(evidence)? {
        for container in &workload.containers {
            let set: Vec<(&str, Option<&str>, &Place)> = container
                .env
                .iter()
                .map(|one| {
                    let value = if let EnvValue::Literal(text) = &one.value { Some(text.as_str()) } else { None };
                    (one.name.as_str(), value, &one.place)
                })
                .collect();
            findings.extend(
                open_doors(&set)
                    .map(|(name, place, _)| open_door(name, place).in_environment(workload.environment.as_deref())),
            );
        }
    }
    Ok(findings)
}

fn open_doors<'a>(
    set: &'a [(&'a str, Option<&'a str>, &'a Place)],
) -> impl Iterator<Item = (&'a str, &'a Place, &'static [&'static str])> {
    set.iter().filter_map(|(name, value, place)| {
        let (_, values, closes) = OPEN_DOORS.iter().find(|(known, ..)| known == name)?;
        let open = value.is_some_and(|value| values.contains(&value.to_ascii_lowercase().as_str()));
        let shut = set.iter().any(|(other, ..)| closes.contains(other));
        (open && !shut).then_some((*name, *place, *closes))
    })
}

fn open_door(name: &str, place: &Place) -> Finding {
    Finding::new(
        place,
        format!("{name} lets in whoever reaches it, without a password"),
        format!("{name} 允许任何能够连接的人无密码访问"),
    )
}
