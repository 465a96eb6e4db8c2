//! One image for every environment: what differs is configuration from outside.

use std::collections::{BTreeMap, BTreeSet};

use gonogo_domain::{
    Area, Check, Classes, Evidence, Finding, Gate, Level, Message, Missing, Place, Policy, Reading, Readings, Standard,
    Strength, Tally, Text,
    evidence::{
        EnvValue, EnvironmentRead, ImageBuild, ImageRef, InstructionKind, Meaning, SettingValue, SourceCode,
        SourceTextKind, Workload,
    },
    merge,
    secret::of_platform,
};

use crate::shared::{production_workloads, program, references::missing_keys, variables};

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
    let source = evidence.source();
    if findings.is_empty() && !astray.is_empty() && source.is_err() {
        return Ok(Reading::refuted(
            merge(astray),
            "a setting is taken from where it is not declared",
            "所取的配置项并未声明",
        ));
    }
    findings.append(&mut astray);
    let source = match source {
        Ok(source) => source,
        Err(missing) if findings.is_empty() => return Err(missing),
        Err(_) => {
            return Ok(Reading::refuted(merge(findings), "configuration is built into the image", "配置被构建进镜像"));
        }
    };
    let mut tally = Tally::new();
    for (at, finding) in merge(findings).into_iter().enumerate() {
        tally.miss(format!("declared#{at}"), finding);
    }
    for (at, finding) in written_in(source).into_iter().enumerate() {
        tally.miss(format!("source#{at}"), finding);
    }
    let declared = variables::declared(evidence)?;
    let documents = documents(evidence)?;
    let mut open: Vec<&str> = Vec::new();
    for (name, reads) in variables::read(source) {
        let Some(first) = reads.first() else { continue };
        let known = declared.has(name) || variables::of_the_platform(name) || mentioned(&documents, name);
        let fallback = reads.iter().filter(|one| one.default.is_some()).find_map(|one| localhost(one));
        if let Some((address, place)) = fallback.filter(|_| !declared.has(name)) {
            tally.miss(
                name,
                Finding::new(
                    place,
                    format!("{name} falls back to {address}, and nothing declares it"),
                    format!("{name} 回退到 {address}，且没有任何地方声明它"),
                ),
            );
        } else if known || reads.iter().any(|one| one.default.is_some()) {
            tally.met(name, &first.place);
        } else if reads
            .iter()
            .all(|one| one.behind.as_deref().is_some_and(|switch| !is_on(evidence, &declared, switch)))
        {
            // Nobody asks for what reads it: where it is switched on, it has to be declared as well.
            tally.met(name, &first.place);
        } else if !declared.elsewhere.is_empty() {
            open.push(name);
        } else {
            tally.miss(
                name,
                Finding::new(
                    &first.place,
                    format!("{name} is read here, has no default, and nothing declares it: no manifest, no example, no document"),
                    format!("此处读取 {name}，既无默认值，也没有清单、示例或文档声明它"),
                ),
            );
        }
    }
    for (workload, name, place) in unread(evidence, source)? {
        tally.miss(
            format!("unread {name}"),
            Finding::new(
                place,
                format!("{name} is declared, and nothing in the source reads it"),
                format!("{name} 已声明，但源代码中没有任何读取"),
            )
            .in_environment(workload.environment.as_deref()),
        );
    }
    if tally.is_empty() {
        return Ok(loaded(source));
    }
    let count = tally.count();
    if let (Some(place), true) = (declared.elsewhere.first(), count.met == count.of && !open.is_empty()) {
        let names = open.join(", ");
        return Ok(Reading::elsewhere(
            Message::new(
                format!("{names}: read without a default, and may be in the map that {place} takes from elsewhere"),
                format!("{names}：读取时无默认值，可能位于 {place} 从别处引用的映射中"),
            ),
            Message::new(
                "the ConfigMap or Secret, or an example that lists them",
                "该 ConfigMap 或 Secret，或列出它们的示例",
            ),
        ));
    }
    Ok(tally.reading(
        "settings come from outside, and what is read is what is declared",
        "项配置来自外部，且读取与声明一致",
    ))
}

/// Something of production sets the variable to more than `0` or `false`.
fn is_on(evidence: &Evidence<'_>, declared: &variables::Declared<'_>, switch: &str) -> bool {
    let workloads = production_workloads(evidence).unwrap_or_default();
    let containers = workloads.iter().flat_map(|workload| workload.main_containers());
    let mut given = containers.flat_map(|container| &container.env).filter(|one| one.name == switch).peekable();
    if given.peek().is_none() {
        return declared.has(switch) || !declared.elsewhere.is_empty();
    }
    given.any(|one| match &one.value {
        EnvValue::Literal(value) => {
            !matches!(value.to_ascii_lowercase().as_str(), "" | "0" | "false" | "off" | "no" | "disabled")
        }
        _ => true,
    })
}

/// No variable is read: settings may come as flags or from files.
fn loaded(source: &SourceCode) -> Reading {
    let loads: Vec<Place> = program::used(source, Meaning::ConfigLoad).map(|one| one.place.clone()).collect();
    let files = program::files(source);
    let sources = program::counted(files);
    if loads.is_empty() {
        return program::trail_ends(
            format!("no read of a setting was found in {sources}"),
            format!("在 {files} 个源文件中未发现读取配置"),
        );
    }
    Reading::shown(loads, "settings come from outside, as flags or files", "配置以参数或文件形式来自外部")
}

/// Addresses that the program has from nobody but itself.
fn written_in(source: &SourceCode) -> Vec<Finding> {
    let mut findings: Vec<Finding> = Vec::new();
    for choice in source.choices.iter().filter(|one| one.role.counts()) {
        findings.push(Finding::new(
            &choice.place,
            format!(
                "{} chooses the address {}: each environment has its own branch",
                choice.variable,
                shortened(&choice.text)
            ),
            format!("由 {} 选择地址 {}：每个环境各有分支", choice.variable, shortened(&choice.text)),
        ));
    }
    let defaults: BTreeSet<&str> = source
        .environment
        .iter()
        .filter_map(|one| match &one.default {
            Some(SettingValue::Text(text)) => Some(text.as_str()),
            _ => None,
        })
        .collect();
    let texts = source.texts.iter().filter(|one| one.role.counts() && one.kind == SourceTextKind::Address);
    for text in texts.filter(|one| !defaults.contains(one.text.as_str())) {
        if let Some(host) = peer(&text.text) {
            findings.push(Finding::new(
                &text.place,
                format!("the address of {host} is written into the program"),
                format!("{host} 的地址写死在程序中"),
            ));
        }
    }
    merge(findings)
}

/// Without credentials and paths.
fn shortened(address: &str) -> String {
    let Some((scheme, rest)) = address.split_once("://") else { return String::new() };
    let host = rest.split(['/', '?']).next().unwrap_or_default();
    format!("{scheme}://{}", host.rsplit('@').next().unwrap_or(host))
}

/// The host of an address of another service: its name inside a cluster or a compose network, with a port.
fn peer(address: &str) -> Option<&str> {
    let (scheme, rest) = address.split_once("://")?;
    if !matches!(
        scheme,
        "http"
            | "https"
            | "grpc"
            | "postgres"
            | "postgresql"
            | "mysql"
            | "mongodb"
            | "redis"
            | "rediss"
            | "amqp"
            | "amqps"
            | "nats"
            | "kafka"
    ) {
        return None;
    }
    let authority = rest.split(['/', '?', '#']).next()?;
    let authority = authority.rsplit('@').next()?;
    let (host, port) = authority.split_once(':').unwrap_or((authority, ""));
    let plain = !host.is_empty()
        && host.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'.'));
    let port = !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
    let here = matches!(host, "localhost" | "host" | "example" | "test" | "unix")
        || host.starts_with("127.")
        || host == "0.0.0.0"
        || of_platform(host);
    let cluster = host.rsplit('.').next() == Some("svc")
        || host.ends_with(".svc.cluster.local")
        || [".internal", ".local", ".lan", ".corp", ".intranet"].iter().any(|end| host.ends_with(end));
    (plain && !here && (cluster || (port && !host.contains('.')))).then_some(host)
}

/// A default that only holds on a developer's machine.
fn localhost(read: &EnvironmentRead) -> Option<(&str, &Place)> {
    let Some(SettingValue::Text(text)) = &read.default else { return None };
    let rest = text.split_once("://").map(|(_, rest)| rest)?;
    let host = rest.rsplit('@').next().unwrap_or(rest);
    (host.starts_with("localhost") || host.starts_with("127.0.0.1")).then_some((text.as_str(), &read.place))
}

/// Variables of production that nobody reads, where everybody who could read them is known.
fn unread<'a>(
    evidence: &Evidence<'a>,
    source: &SourceCode,
) -> Result<Vec<(&'a Workload, &'a str, &'a Place)>, Missing> {
    // These bind variables to settings by rules of their own.
    let binds = program::used(source, Meaning::ConfigLoad).any(|one| program::default(one, "from") != "flags")
        || source.files.iter().any(|file| matches!(file.language, "java" | "kotlin" | "csharp" | "php" | "ruby"));
    let scripted = evidence.images()?.iter().any(|image| {
        image.effective(|one| match &one.kind {
            InstructionKind::Entrypoint(command) | InstructionKind::Cmd(command) => {
                Some(format!("{command:?}").contains(".sh"))
            }
            _ => None,
        }) == Some(true)
    });
    if binds || scripted {
        return Ok(Vec::new());
    }
    let workloads = production_workloads(evidence)?;
    let given = variables::given(source, &workloads);
    Ok(given.into_iter().filter(|(_, name, _)| !variables::of_the_platform(name)).collect())
}

fn documents(evidence: &Evidence<'_>) -> Result<Vec<String>, Missing> {
    Ok(evidence.documents()?.iter().map(gonogo_domain::evidence::Document::lower_text).collect())
}

/// A document names the variable as a word of its own.
fn mentioned(documents: &[String], name: &str) -> bool {
    let name = name.to_lowercase();
    let part = |letter: char| letter.is_alphanumeric() || letter == '_';
    documents.iter().any(|text| {
        text.match_indices(&name).any(|(at, found)| {
            let before = text.get(..at).and_then(|text| text.chars().next_back());
            let after = text.get(at + found.len()..).and_then(|text| text.chars().next());
            !before.is_some_and(part) && !after.is_some_and(part)
        })
    })
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
