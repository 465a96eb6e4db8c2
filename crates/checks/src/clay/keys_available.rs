//! Production keys that are where the manifests fetch them from.

use gonogo_domain::{
    Area, Check, Classes, Evidence, Finding, Gate, Message, Missing, Node, Policy, Reading, Readings, Standard,
    Strength, Text, evidence::Object,
};

use crate::shared::clay::{self, Backing, Held};

pub(crate) static CHECK: Check = Check {
    id: "clay.keys-available",
    title: Text { en: "Production keys exist in the secret store", zh: "生产密钥已存在于密钥库中" },
    source: &["C0.2"],
    standard: Standard::Clay,
    area: Area::Clay,
    level: None,
    gate: Gate::Blocker,
    min: Strength::Declared,
    classes: Classes::RUNNING_CODE,
    fresh_days: None,
    record: &[],
    remediation: Text {
        en: "Put the production keys into the store before the first deploy, let an ExternalSecret fetch each by its name, and record the day of its last rotation in gonogo.toml.",
        zh: "首次部署前将生产密钥放入密钥库，用 ExternalSecret 按名称逐一拉取，并在 gonogo.toml 中记录上次轮换日期。",
    },
    references: &["https://external-secrets.io/latest/api/externalsecret/"],
    page: include_str!("keys_available.md"),
    judge,
};

fn judge(evidence: &Evidence<'_>, _policy: &Policy) -> Readings {
    clay::asked(evidence, CHECK.min, || Readings::of(Strength::Declared, declared(evidence)))
}

/// A vault's object names the key that it fetches, and a rotation on record says that somebody put it there.
fn declared(evidence: &Evidence<'_>) -> Result<Reading, Missing> {
    let rotations = &evidence.statements().rotations;
    let mut findings = Vec::new();
    let mut witnesses = Vec::new();
    let mut unsettled: Vec<String> = Vec::new();
    for variable in clay::variables(evidence)?.iter().filter(|one| one.production && clay::is_credential(&one.name)) {
        if let Some(rotation) = rotations.iter().find(|one| one.secret.eq_ignore_ascii_case(&variable.name)) {
            witnesses.push(rotation.place.clone());
            continue;
        }
        let Held::Secret { name, key, .. } = variable.held else {
            unsettled.push(variable.name.clone());
            continue;
        };
        match clay::backing(evidence, name, key, variable.environment)? {
            Backing::Vault(object) => witnesses.push(object.place.clone()),
            Backing::WithoutKey(object) => findings.push(
                Finding::new(
                    variable.place,
                    format!(
                        "{} is read from the key {key} of {name}, which {} {} does not give",
                        variable.name, object.kind, object.name
                    ),
                    format!("{} 读取 {name} 的键 {key}，而 {} {} 不提供该键", variable.name, object.kind, object.name),
                )
                .in_environment(variable.environment),
            ),
            Backing::Plain(object) if holds_placeholder(object, key) => findings.push(
                Finding::new(
                    &object.place,
                    format!("the Secret {name} holds a placeholder for {}", variable.name),
                    format!("Secret {name} 中的 {} 只是占位值", variable.name),
                )
                .in_environment(variable.environment),
            ),
            Backing::Plain(_) | Backing::Elsewhere => unsettled.push(variable.name.clone()),
        }
    }
    if !findings.is_empty() {
        return Ok(Reading::refuted(
            findings,
            "a production key is not where the manifests look for it",
            "生产密钥不在清单所引用的位置",
        ));
    }
    unsettled.sort();
    unsettled.dedup();
    if witnesses.is_empty() || !unsettled.is_empty() {
        let names = if unsettled.is_empty() { "the production keys of Clay".to_owned() } else { unsettled.join(", ") };
        return Ok(Reading::elsewhere(
            Message::new(
                format!("nothing here says that {names} exist in a secret store"),
                format!("此处无法证明 {names} 已存在于密钥库"),
            ),
            Message::new(
                "an ExternalSecret for each, or an attestation by someone who looked into the store",
                "每个密钥对应的 ExternalSecret，或查看过密钥库的人员声明",
            ),
        ));
    }
    Ok(Reading::shown(
        witnesses,
        "every production key is fetched from a secret store by its name",
        "每个生产密钥都按名称从密钥库拉取",
    ))
}

fn holds_placeholder(object: &Object, key: &str) -> bool {
    object.body.get("stringData").and_then(|data| data.get(key)).and_then(Node::str).is_some_and(clay::placeholder)
}
