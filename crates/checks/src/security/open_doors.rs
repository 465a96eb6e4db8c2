//! Variables by which the image of a database lets in whoever reaches it.

use gonogo_domain::{
    Evidence, Finding, Missing, Place,
    evidence::{CommandForm, EnvValue, ImageBuild, InstructionKind},
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
        findings.extend(asks_nobody(evidence, image)?);
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

/// Docker's own image of `MongoDB` lets everybody in unless a variable or an option says otherwise. A file of settings that
/// an option names, and variables that come from elsewhere, may say so.
fn asks_nobody(evidence: &Evidence<'_>, image: &ImageBuild) -> Result<Option<Finding>, Missing> {
    let own = |repository: &str| matches!(repository, "mongo" | "library/mongo" | "docker.io/library/mongo");
    let Some(base) = image.final_base().filter(|base| own(&base.value.repository)) else { return Ok(None) };
    let closing = |name: &str| name.starts_with("MONGO_INITDB_ROOT_USERNAME");
    let option = |word: &str| {
        matches!(word, "--auth" | "--config" | "-f") || word.starts_with("--keyFile") || word.starts_with("--config=")
    };
    let in_image = image.final_instructions().any(|one| match &one.kind {
        InstructionKind::Env { name, .. } => closing(name),
        InstructionKind::Cmd(form) | InstructionKind::Entrypoint(form) => match form {
            CommandForm::Exec(words) => words.iter().any(|word| option(word)),
            CommandForm::Shell(line) => line.split_whitespace().any(option),
        },
        _ => false,
    });
    let outside = evidence.workloads()?.iter().flat_map(|workload| &workload.containers).any(|container| {
        let words = container.command.iter().chain(&container.args).flat_map(|one| &one.value);
        container.env.iter().any(|one| closing(&one.name))
            || !container.env_from.is_empty()
            || words.flat_map(|word| word.split_whitespace()).any(option)
    });
    Ok((!in_image && !outside).then(|| {
        Finding::new(
            &base.place,
            "the image of mongo asks nobody for a password: neither MONGO_INITDB_ROOT_USERNAME nor --auth is set",
            "mongo 镜像不要求密码：既未设置 MONGO_INITDB_ROOT_USERNAME，也未设置 --auth",
        )
    }))
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
