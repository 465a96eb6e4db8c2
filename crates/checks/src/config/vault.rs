//! Secrets come from a vault, not from files beside the code.

use std::collections::{BTreeMap, BTreeSet};

use gonogo_domain::{
    Area, Capability, Check, Classes, Conclusion, Evidence, Finding, Gate, Message, Missing, Node, Place, Policy,
    Reading, Readings, Standard, Strength, Tally, Text,
    evidence::{Container, EnvFromKind, EnvValue, Meaning, Object, VolumeKind, Workload, WorkloadKind},
};

use crate::shared::{
    declared_library, production_workloads, program,
    scaling::same_environment,
    secrets::{SecretValue, base64_text, is_secret_name, secret_value},
    variables,
};

pub(crate) static CHECK: Check = Check {
    id: "config.vault",
    title: Text { en: "Secrets come from a vault", zh: "密钥来自密钥库" },
    source: &["B4.3c"],
    standard: Standard::ProductionReadiness,
    area: Area::Config,
    level: None,
    gate: Gate::Required,
    min: Strength::Configured,
    classes: Classes::RUNNING,
    fresh_days: None,
    record: &[],
    remediation: Text {
        en: "Keep secrets in a vault and let an ExternalSecret, a SealedSecret, a SecretProviderClass or SOPS bring them to the workload.",
        zh: "把密钥存入密钥库，通过 ExternalSecret、SealedSecret、SecretProviderClass 或 SOPS 提供给工作负载。",
    },
    references: &[
        "https://external-secrets.io/latest/",
        "https://secrets-store-csi-driver.sigs.k8s.io/",
        "https://kubernetes.io/docs/concepts/security/secrets-good-practices/",
    ],
    page: include_str!("vault.md"),
    judge,
};

fn judge(evidence: &Evidence<'_>, _policy: &Policy) -> Readings {
    let readings = Readings::configured(configured(evidence));
    // No client library says nothing against a vault: an operator may bring the secrets.
    match declared_library(evidence, Capability::Vault, "a vault", "密钥库") {
        Ok(library) if library.conclusion == Conclusion::Met => readings.and(Strength::Declared, Ok(library)),
        _ => readings,
    }
}

/// A secret that a workload of production asks for.
struct Asked<'a> {
    name: &'a str,
    place: &'a Place,
    environment: Option<&'a str>,
    kind: &'a WorkloadKind,
}

fn configured(evidence: &Evidence<'_>) -> Result<Reading, Missing> {
    let objects = evidence.objects()?;
    let backed = backed_by_vault(objects);
    let issued = issued(objects);
    let mut tally = Tally::new();
    let mut elsewhere: BTreeMap<&str, &Place> = BTreeMap::new();
    for workload in production_workloads(evidence)? {
        for (mechanism, place) in brought_into_the_pod(workload) {
            tally.met(format!("{}/{mechanism}", workload.key), place);
        }
        for (name, place) in written_out(workload) {
            tally.miss(
                format!("{}/{name}", workload.key),
                Finding::new(
                    place,
                    format!("{name} is a literal of the manifest, not a reference to a vault"),
                    format!("{name} 是清单中的字面值，未引用密钥库"),
                )
                .in_environment(workload.environment.as_deref()),
            );
        }
        for (name, place) in written_in_maps(workload, objects) {
            tally.miss(
                format!("{}/{name}", workload.key),
                Finding::new(
                    place,
                    format!("{name} is a literal of a ConfigMap, not a reference to a vault"),
                    format!("{name} 是 ConfigMap 中的字面值，未引用密钥库"),
                )
                .in_environment(workload.environment.as_deref()),
            );
        }
        for asked in asked_by(workload).into_iter().filter(|asked| !issued.contains(asked.name)) {
            // Platforms and Knative on Cloud Run mean their own store by the name of a secret.
            if let Some(place) = backed.get(asked.name) {
                tally.met(asked.name, place);
            } else if matches!(asked.kind, WorkloadKind::Platform(_) | WorkloadKind::KnativeService) {
                tally.met(asked.name, asked.place);
            } else if let Some(secret) = in_git(objects, asked.name) {
                tally.miss(
                    asked.name,
                    Finding::new(
                        &secret.place,
                        format!(
                            "Secret {} lies in the repository with its values: base64 is no encryption",
                            asked.name
                        ),
                        format!("Secret {} 连同其值一起存放在仓库中：base64 并非加密", asked.name),
                    )
                    .also(asked.place, "used here", "在此使用")
                    .in_environment(asked.environment),
                );
            } else {
                elsewhere.entry(asked.name).or_insert(asked.place);
            }
        }
    }
    if tally.is_empty() && elsewhere.is_empty() {
        // No manifest refers to a secret; the program may still fetch its own.
        return of_source(evidence);
    }
    let count = tally.count();
    if elsewhere.is_empty() || count.met < count.of {
        return Ok(tally.reading("secrets of production come from a vault", "个生产环境的密钥来自密钥库"));
    }
    let names: Vec<&str> = elsewhere.keys().copied().collect();
    let names = names.join(", ");
    let (others_en, others_zh) = match count.of {
        0 => (String::new(), String::new()),
        of => (format!("; the other {of} come from a vault"), format!("；其余 {of} 个来自密钥库")),
    };
    Ok(Reading::elsewhere(
        Message::new(
            format!("{names}: used in production and created elsewhere{others_en}"),
            format!("{names}：生产环境使用但在别处创建{others_zh}"),
        ),
        Message::new(
            "the manifests that create them (ExternalSecret, SealedSecret …), or an attestation that names the vault",
            "创建它们的清单（ExternalSecret、SealedSecret 等），或指明密钥库的声明",
        ),
    ))
}

/// Names of the Secrets that an issuer of certificates makes in the cluster: nobody keeps them anywhere.
fn issued(objects: &[Object]) -> BTreeSet<&str> {
    let certificates = objects.iter().filter(|object| object.kind == "Certificate");
    certificates.filter_map(|object| object.body.str_at("spec.secretName")).collect()
}

/// What the program fetches itself, else the secrets that it reads without anybody saying where they come from.
fn of_source(evidence: &Evidence<'_>) -> Result<Reading, Missing> {
    let source = evidence.source()?;
    let fetched: Vec<Place> = program::used(source, Meaning::Vault).map(|one| one.place.clone()).collect();
    if !fetched.is_empty() {
        return Ok(Reading::shown(fetched, "the program fetches its secrets from a vault", "程序从密钥库获取密钥"));
    }
    let read = variables::read(source);
    let names: Vec<&str> = read.keys().copied().filter(|name| is_secret_name(name)).collect();
    if names.is_empty() {
        let files = program::files(source);
        let sources = program::counted(files);
        return Ok(program::trail_ends(
            format!("no manifest refers to a secret, and no read of one was found in {sources}"),
            format!("没有清单引用密钥，且在 {files} 个源文件中未发现读取密钥"),
        ));
    }
    let names = names.join(", ");
    Ok(Reading::elsewhere(
        Message::new(
            format!("{names}: read by the program, and no manifest says where they come from"),
            format!("{names}：程序会读取，但没有清单说明其来源"),
        ),
        Message::new(
            "the manifests that fill them (ExternalSecret, SealedSecret …), or an attestation that names the vault",
            "填充它们的清单（ExternalSecret、SealedSecret 等），或指明密钥库的声明",
        ),
    ))
}

/// Names of the Secrets that something else than a person fills: a vault's operator, an encrypted file, the operator of
/// a database.
fn backed_by_vault(objects: &[Object]) -> BTreeMap<&str, &Place> {
    let mut names: BTreeMap<&str, &Place> = BTreeMap::new();
    for object in objects {
        let body = &object.body;
        // The path of the name of the Secret, and whether the object's own name holds where it is not written.
        let (path, own_name) = match object.kind.as_str() {
            "ExternalSecret" => ("spec.target.name", true),
            "ClusterExternalSecret" => ("spec.externalSecretSpec.target.name", true),
            "SealedSecret" => ("spec.template.metadata.name", true),
            "VaultStaticSecret" | "VaultDynamicSecret" | "VaultPKISecret" | "HCPVaultSecretsApp" => {
                ("spec.destination.name", false)
            }
            "InfisicalSecret" => ("spec.managedSecretReference.secretName", false),
            "DopplerSecret" => ("spec.managedSecret.name", false),
            "BitwardenSecret" => ("spec.secretName", true),
            "AzureKeyVaultSecret" => ("spec.output.secret.name", true),
            "OnePasswordItem" => ("metadata.name", true),
            "SopsSecret" => ("spec.secretTemplates", false),
            "KafkaUser" => ("spec.template.secret.metadata.name", true),
            "Secret" if body.get("sops").is_some() => ("metadata.name", true),
            "SecretProviderClass" => {
                for secret in body.list("spec.secretObjects") {
                    names.extend(secret.str_at("secretName").map(|name| (name, &object.place)));
                }
                continue;
            }
            _ => {
                // Crossplane writes what it made into a Secret of this name.
                let made = body.str_at("spec.writeConnectionSecretToRef.name");
                names.extend(made.map(|name| (name, &object.place)));
                continue;
            }
        };
        for template in body.list(path) {
            names.extend(template.str_at("name").map(|name| (name, &object.place)));
        }
        match body.str_at(path) {
            Some(name) => drop(names.insert(name, &object.place)),
            None if own_name => drop(names.insert(&object.name, &object.place)),
            None => (),
        }
    }
    names
}

/// Agents and drivers that put secrets into the pod without a Secret.
fn brought_into_the_pod(workload: &Workload) -> Vec<(String, &Place)> {
    let mut found: Vec<(String, &Place)> = Vec::new();
    for (name, value) in workload.pod_annotations.iter().chain(&workload.annotations) {
        let on = match name.as_str() {
            "vault.hashicorp.com/agent-inject" => value.value == "true",
            "vault.security.banzaicloud.io/vault-addr" | "operator.1password.io/item-path" => true,
            _ => false,
        };
        if on {
            found.push((name.clone(), &value.place));
        }
    }
    for volume in &workload.volumes {
        if let VolumeKind::Csi { driver, .. } = &volume.kind
            && driver == "secrets-store.csi.k8s.io"
        {
            found.push((volume.name.clone(), &volume.place));
        }
    }
    for variable in containers(workload).flat_map(|container| &container.env) {
        if let EnvValue::Literal(value) = &variable.value
            && ["vault:", "op://", "sm://", "berglas://", "gcp:secretmanager:", "aws:secretsmanager:", "ref+"]
                .iter()
                .any(|scheme| value.starts_with(scheme))
        {
            found.push((variable.name.clone(), &variable.place));
        }
    }
    found
}

fn containers(workload: &Workload) -> impl Iterator<Item = &Container> {
    workload.containers.iter().chain(&workload.init_containers)
}

/// Variables of production that hold a secret themselves. A compose file that names no environment is a developer's.
fn written_out(workload: &Workload) -> Vec<(&str, &Place)> {
    if workload.kind == WorkloadKind::ComposeService && workload.environment.is_none() {
        return Vec::new();
    }
    containers(workload)
        .flat_map(|container| &container.env)
        .filter_map(|variable| match &variable.value {
            EnvValue::Literal(value)
                if is_secret_name(&variable.name) && secret_value(value) >= SecretValue::Guessable =>
            {
                Some((variable.name.as_str(), &variable.place))
            }
            _ => None,
        })
        .collect()
}

/// Secrets that stand in the maps from which the workload takes its variables.
fn written_in_maps<'a>(workload: &Workload, objects: &'a [Object]) -> Vec<(&'a str, &'a Place)> {
    let mut asked: Vec<(&str, Option<&str>)> = Vec::new();
    for container in containers(workload) {
        let maps = container.env_from.iter().filter(|from| from.kind == EnvFromKind::ConfigMap);
        asked.extend(maps.map(|from| (from.name.as_str(), None)));
        asked.extend(container.env.iter().filter_map(|variable| match &variable.value {
            EnvValue::ConfigMap { name, key, .. } => Some((name.as_str(), Some(key.as_str()))),
            _ => None,
        }));
    }
    asked.sort_unstable();
    asked.dedup();
    let mut found = Vec::new();
    for (name, key) in asked {
        let maps = objects
            .iter()
            .filter(|object| object.kind == "ConfigMap" && object.name == name && same_environment(object, workload));
        for entry in maps.flat_map(|map| map.body.get("data").map(Node::entries).unwrap_or_default()) {
            let value = entry.node.str().unwrap_or_default();
            if key.is_none_or(|key| key == entry.key)
                && !value.contains('\n')
                && is_secret_name(&entry.key)
                && secret_value(value) >= SecretValue::Guessable
            {
                found.push((entry.key.as_str(), &entry.node.place));
            }
        }
    }
    found
}

/// Every Secret that the workload names, once.
fn asked_by(workload: &Workload) -> Vec<Asked<'_>> {
    let mut seen = BTreeSet::new();
    let mut found = Vec::new();
    let mut add = |name: &'_ str, place| {
        // A chart's name that is filled in at install says nothing.
        (!name.is_empty() && seen.insert(name.to_owned())).then_some(place)
    };
    let environment = workload.environment.as_deref();
    let kind = &workload.kind;
    for container in containers(workload) {
        for variable in &container.env {
            if let EnvValue::Secret { name, .. } = &variable.value
                && let Some(place) = add(name, &variable.place)
            {
                found.push(Asked { name, place, environment, kind });
            }
        }
        for map in container.env_from.iter().filter(|map| map.kind == EnvFromKind::Secret) {
            if let Some(place) = add(&map.name, &map.place) {
                found.push(Asked { name: &map.name, place, environment, kind });
            }
        }
    }
    for volume in &workload.volumes {
        if let VolumeKind::Secret(name) = &volume.kind
            && let Some(place) = add(name, &volume.place)
        {
            found.push(Asked { name, place, environment, kind });
        }
    }
    found
}

/// A plain Secret of this name that carries values worth the name. One that is empty, or that a chart makes from chance
/// when it is installed, is filled elsewhere.
fn in_git<'a>(objects: &'a [Object], name: &str) -> Option<&'a Object> {
    objects.iter().find(|object| {
        object.kind == "Secret" && object.name == name && object.production && {
            let worth = |text: &str| text.contains('\n') || secret_value(text) >= SecretValue::Guessable;
            let entries = |field| object.body.get(field).map(Node::entries).unwrap_or_default().iter();
            entries("stringData").any(|entry| entry.node.str().is_some_and(worth))
                || entries("data").any(|entry| {
                    entry.node.str().is_some_and(|text| base64_text(text).map_or(!text.is_empty(), |text| worth(&text)))
                })
        }
    })
}
