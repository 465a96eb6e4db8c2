//! One image for every environment: what differs is configuration from outside.

use std::collections::BTreeMap;

use gonogo_domain::{
    Area, Check, Classes, Evidence, Finding, Gate, Level, Missing, Policy, Reading, Readings, Standard, Strength, Text,
    evidence::{ImageBuild, ImageRef, InstructionKind},
    merge,
};

use crate::shared::{production_workloads, references::missing_keys};

pub(crate) static CHECK: Check = Check {
    id: "config.externalized",
    title: Text { en: "All configuration is external", zh: "所有配置均外置" },
    source: &["B4.3a"],
    standard: Standard::ProductionReadiness,
    area: Area::Config,
    level: Some(Level::L1),
    gate: Gate::Required,
    min: Strength::Configured,
    classes: Classes::DEPLOYED_CODE,
    fresh_days: None,
    record: &[],
    remediation: Text {
        en: "Build one image, promote it unchanged through every environment, and let each environment say what differs in variables or mounted files that are read at start.",
        zh: "只构建一个镜像并原样在各环境间晋级，差异由各环境通过启动时读取的变量或挂载文件给出。",
    },
    references: &["https://12factor.net/config"],
    page: include_str!("externalized.md"),
    judge,
};

fn judge(evidence: &Evidence<'_>, _policy: &Policy) -> Readings {
    Readings::configured(configured(evidence))
}

fn configured(evidence: &Evidence<'_>) -> Result<Reading, Missing> {
    let images = evidence.images()?;
    let mut findings: Vec<Finding> = images.iter().flat_map(built_in).collect();
    findings.extend(one_file_each(images));
    for workload in production_workloads(evidence)? {
        for container in workload.main_containers() {
            if let Some(image) = &container.image
                && let Some(environment) = environment_of(&image.value)
            {
                findings.push(
                    Finding::new(
                        &image.place,
                        format!("the image is built for one environment, {environment}"),
                        format!("镜像是为单一环境 {environment} 构建的"),
                    )
                    .in_environment(workload.environment.as_deref()),
                );
            }
        }
    }
    let mut astray = Vec::new();
    for workload in production_workloads(evidence)? {
        let environment = workload.environment.as_deref();
        astray.extend(missing_keys(evidence, workload)?.into_iter().map(|one| one.in_environment(environment)));
    }
    if findings.is_empty() && !astray.is_empty() {
        return Ok(Reading::refuted(
            merge(astray),
            "a setting is taken from where it is not declared",
            "所取的配置项并未声明",
        ));
    }
    findings.append(&mut astray);
    if findings.is_empty() {
        // Addresses in the code, and names that it reads and nobody declares: only the source has them.
        match evidence.source_code()? {}
    }
    Ok(Reading::refuted(merge(findings), "configuration is built into the image", "配置被构建进镜像"))
}

/// Settings that the build of the image fixes for good, each once.
pub(crate) fn built_in(image: &ImageBuild) -> Vec<Finding> {
    let instructions = || image.stages.iter().flat_map(|stage| &stage.instructions);
    let bundles = instructions().any(|one| match &one.kind {
        InstructionKind::Run(text) => text.contains("build") || text.contains("generate"),
        _ => false,
    });
    let mut named = BTreeMap::new();
    for instruction in instructions() {
        let (name, value) = match &instruction.kind {
            InstructionKind::Arg { name, default } => (name, default.as_deref()),
            InstructionKind::Env { name, value } => (name, Some(value.as_str())),
            _ => continue,
        };
        // A constant without an address is the same in every environment.
        let differs = value.is_none_or(|value| value.contains('$') || value.contains("://"));
        if bundles && differs && inlined(name) {
            named.entry(name).or_insert_with(|| {
                Finding::new(
                    &instruction.place,
                    format!("{name} is compiled into the bundle: another value needs another image"),
                    format!("{name} 在构建时编入产物：改变取值就需要另一个镜像"),
                )
            });
        }
    }
    for instruction in image.final_instructions() {
        if let InstructionKind::Arg { name, default } = &instruction.kind
            && environment_switch(name)
            && default.as_deref().is_none_or(|value| !production_word(value))
        {
            named.entry(name).or_insert_with(|| {
                Finding::new(
                    &instruction.place,
                    format!("build argument {name} chooses the environment when the image is built"),
                    format!("构建参数 {name} 在构建镜像时就选定了环境"),
                )
            });
        }
    }
    named.into_values().collect()
}

/// Bundlers replace these names by their values when they build.
fn inlined(name: &str) -> bool {
    ["NEXT_PUBLIC_", "VITE_", "REACT_APP_", "GATSBY_", "VUE_APP_", "NG_APP_", "EXPO_PUBLIC_", "PARCEL_PUBLIC_"]
        .iter()
        .any(|prefix| name.starts_with(prefix))
}

fn environment_switch(name: &str) -> bool {
    matches!(
        name,
        "ENVIRONMENT"
            | "APP_ENV"
            | "APP_ENVIRONMENT"
            | "DEPLOY_ENV"
            | "DEPLOYMENT_ENV"
            | "STAGE"
            | "NODE_ENV"
            | "RAILS_ENV"
            | "SPRING_PROFILES_ACTIVE"
            | "ASPNETCORE_ENVIRONMENT"
            | "DOTNET_ENVIRONMENT"
            | "FLASK_ENV"
            | "DJANGO_ENV"
            | "BUILD_ENV"
    )
}

fn production_word(value: &str) -> bool {
    value.is_empty() || matches!(value.to_ascii_lowercase().as_str(), "production" | "prod" | "release")
}

/// `Dockerfile.staging` beside `Dockerfile` or `Dockerfile.prod`: production runs what nobody tried. One for
/// developers or tests alone is no build for an environment.
fn one_file_each(images: &[ImageBuild]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for image in images {
        let path = image.place.path();
        let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
        let lower = name.to_ascii_lowercase();
        // The whole part: `Dockerfile.multi-stage` has stages.
        let mut parts = lower.split('.').map(|part| part.trim_start_matches("dockerfile-"));
        let Some(word) = parts.find(|word| TRIAL.contains(word)) else { continue };
        let other = images.iter().find(|other| {
            let other = other.place.path();
            other != path && other.rsplit_once('/').map_or("", |(folder, _)| folder) == folder
        });
        if let Some(other) = other {
            findings.push(
                Finding::new(
                    &image.place,
                    format!("{word} has a container file of its own: production runs an image that was never there"),
                    format!("{word} 使用单独的容器文件：生产运行的镜像从未在该环境中验证"),
                )
                .also(&other.place, "the other container file", "另一个容器文件"),
            );
        }
    }
    findings
}

/// Environments that try what production will run.
const TRIAL: &[&str] = &["staging", "stage", "stg", "uat", "preprod", "qa"];

/// The environment that the name of an image is made for: `shop-prod`, `shop:1.2-staging`.
fn environment_of(image: &ImageRef) -> Option<String> {
    if image.templated {
        return None;
    }
    let name = image.repository.rsplit('/').next().unwrap_or_default();
    let tag = image.tag.as_deref().unwrap_or_default();
    [name, tag].into_iter().find_map(|part| {
        let last = part.rsplit(['-', '_', '.']).next()?.to_ascii_lowercase();
        let environment = TRIAL.contains(&last.as_str()) || matches!(last.as_str(), "prod" | "production" | "dev");
        environment.then_some(last)
    })
}
