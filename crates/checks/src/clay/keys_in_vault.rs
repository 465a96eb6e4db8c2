//! Credentials of Clay that a vault gives, and no file.

use gonogo_domain::{
    Area, Check, Classes, Evidence, Finding, Gate, Message, Missing, Place, Policy, Reading, Readings, Standard,
    Strength, Tally, Text, evidence::InstructionKind,
};

use crate::shared::{
    clay::{self, Backing, Held, Variable},
    redact,
};

pub(crate) static CHECK: Check = Check {
    id: "clay.keys-in-vault",
    title: Text { en: "API keys in a vault", zh: "API 密钥存放在密钥库中" },
    source: &["C1.1", "B4.3c"],
    standard: Standard::Clay,
    area: Area::Clay,
    level: None,
    gate: Gate::Blocker,
    min: Strength::Configured,
    classes: Classes::RUNNING_CODE,
    fresh_days: None,
    record: &[],
    remediation: Text {
        en: "Fetch every CLAY_* credential from a vault: an ExternalSecret, a SealedSecret or a CSI volume behind the Secret that the container names; the webhook URL is a credential too.",
        zh: "所有 CLAY_* 凭据都从密钥库获取：容器引用的 Secret 由 ExternalSecret、SealedSecret 或 CSI 卷提供；webhook URL 也是凭据。",
    },
    references: &[
        "https://external-secrets.io/latest/",
        "https://kubernetes.io/docs/concepts/security/secrets-good-practices/",
    ],
    page: include_str!("keys_in_vault.md"),
    judge,
};

fn judge(evidence: &Evidence<'_>, _policy: &Policy) -> Readings {
    clay::asked(evidence, CHECK.min, || Readings::configured(configured(evidence)))
}

fn configured(evidence: &Evidence<'_>) -> Result<Reading, Missing> {
    let mut tally = Tally::new();
    let mut elsewhere: Vec<String> = Vec::new();
    for variable in clay::variables(evidence)? {
        if clay::is_credential(&variable.name) && (variable.production || variable.container.is_none()) {
            one(evidence, &variable, &mut tally, &mut elsewhere)?;
        }
    }
    in_images(evidence, &mut tally)?;
    if let (true, Some(place)) = (tally.is_empty() && elsewhere.is_empty(), clay::mounts_secret_store(evidence)?) {
        return Ok(Reading::shown(
            [place],
            "credentials come as files from a mounted secret store",
            "凭据以文件形式来自挂载的密钥库",
        ));
    }
    let count = tally.count();
    if count.met < count.of || (elsewhere.is_empty() && !tally.is_empty()) {
        return Ok(tally.reading("credentials of Clay come from a vault", "项 Clay 凭据来自密钥库"));
    }
    elsewhere.sort();
    elsewhere.dedup();
    let settle = Message::new(
        "the ExternalSecret, SealedSecret or CSI class behind them",
        "其背后的 ExternalSecret、SealedSecret 或 CSI 配置",
    );
    if elsewhere.is_empty() {
        return Ok(Reading::elsewhere(
            Message::new("no production workload here gets a credential of Clay", "此处没有生产工作负载获取 Clay 凭据"),
            settle,
        ));
    }
    let names = elsewhere.join(", ");
    Ok(Reading::elsewhere(
        Message::new(
            format!("{names} come from Secrets that nothing here makes"),
            format!("{names} 来自并非由此处创建的 Secret"),
        ),
        settle,
    ))
}

fn one(
    evidence: &Evidence<'_>,
    variable: &Variable<'_>,
    tally: &mut Tally,
    elsewhere: &mut Vec<String>,
) -> Result<(), Missing> {
    let key = format!("{}/{}", variable.container.as_deref().unwrap_or_default(), variable.name);
    let name = &variable.name;
    let mut miss = |place: &Place, en: String, zh: String| {
        tally.miss(key.clone(), Finding::new(place, en, zh).in_environment(variable.environment));
    };
    match variable.held {
        // An environment file in the repository with a real value in it.
        Held::Literal(value) if variable.container.is_none() => {
            if !clay::placeholder(value) {
                miss(
                    variable.place,
                    format!("{name} stands in a file of the repository"),
                    format!("{name} 写在仓库文件中"),
                );
            }
        }
        // An empty value gives nothing away; that it is missing is another check's matter.
        Held::Literal("") | Held::Elsewhere => elsewhere.push(name.clone()),
        Held::Literal(value) => miss(
            variable.place,
            format!("{name} is a literal ({})", redact(value)),
            format!("{name} 为明文（{}）", redact(value)),
        ),
        Held::ConfigMap { name: map, .. } => miss(
            variable.place,
            format!("{name} comes from the ConfigMap {map}, which anyone may read"),
            format!("{name} 来自任何人可读的 ConfigMap {map}"),
        ),
        Held::Secret { name: secret, key: entry, .. } => {
            match clay::backing(evidence, secret, entry, variable.environment)? {
                // Where the key is missing is another check's matter: the Secret itself is a vault's.
                Backing::Vault(object) | Backing::WithoutKey(object) => tally.met(key, &object.place),
                Backing::Plain(object) => miss(
                    &object.place,
                    format!("the Secret {secret} holds {name} in the repository; base64 is no encryption"),
                    format!("Secret {secret} 将 {name} 存放在仓库中；base64 不是加密"),
                ),
                Backing::Elsewhere => elsewhere.push(name.clone()),
            }
        }
    }
    Ok(())
}

fn in_images(evidence: &Evidence<'_>, tally: &mut Tally) -> Result<(), Missing> {
    for instruction in evidence.images()?.iter().flat_map(|image| &image.stages).flat_map(|stage| &stage.instructions) {
        let (InstructionKind::Env { name, value } | InstructionKind::Arg { name, default: Some(value) }) =
            &instruction.kind
        else {
            continue;
        };
        if clay::is_credential(name) && !clay::placeholder(value) {
            let finding = Finding::new(
                &instruction.place,
                format!("{name} is built into the image"),
                format!("{name} 被写入镜像"),
            );
            tally.miss(format!("image/{name}"), finding);
        }
    }
    Ok(())
}
