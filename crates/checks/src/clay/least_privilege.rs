//! Controls in place of the scopes that keys of Clay do not have.

use gonogo_domain::{
    Area, Check, Classes, Evidence, Finding, Gate, Message, Missing, Policy, Reading, Readings, Standard, Strength,
    Text,
};

use crate::shared::clay;

pub(crate) static CHECK: Check = Check {
    id: "clay.least-privilege",
    title: Text {
        en: "Minimal rights: Clay keys have no scopes, so compensating controls",
        zh: "最小权限：Clay 密钥没有作用域，须有补偿控制",
    },
    source: &["C1.3", "D1.2"],
    standard: Standard::Clay,
    area: Area::Clay,
    level: None,
    gate: Gate::Required,
    min: Strength::Declared,
    classes: Classes::RUNNING_CODE,
    fresh_days: None,
    record: &[],
    remediation: Text {
        en: "Use a key of a service user, one for each service and environment, give it only to the container that calls Clay, and write that down with the owner and the spend limit.",
        zh: "使用服务账号的密钥，每个服务和环境各一把，只提供给调用 Clay 的容器，并记录其负责人和消费上限。",
    },
    references: &["https://developers.clay.com"],
    page: include_str!("least_privilege.md"),
    judge,
};

fn judge(evidence: &Evidence<'_>, _policy: &Policy) -> Readings {
    clay::asked(evidence, CHECK.min, || {
        let readings = Readings::of(Strength::Declared, declared(evidence));
        // Only what contradicts minimal rights is more than a statement: nothing in a repository can show a key's owner.
        match configured(evidence) {
            Ok(Some(reading)) => readings.and(Strength::Configured, Ok(reading)),
            Ok(None) => readings,
            Err(missing) => readings.and(Strength::Configured, Err(missing)),
        }
    })
}

fn declared(evidence: &Evidence<'_>) -> Result<Reading, Missing> {
    for section in evidence.documents()?.iter().filter(|one| one.placeholders.is_empty()).flat_map(|one| &one.sections)
    {
        let items = section.items.iter().map(|item| item.text.as_str());
        let text = std::iter::once(section.text.as_str()).chain(items).collect::<Vec<_>>().join(" ").to_lowercase();
        let has = |words: &[&str]| words.iter().any(|word| text.contains(word));
        let own_user = has(&["service user", "service account", "machine user", "服务账号", "服务用户"]);
        let own_key = has(&[
            "per environment",
            "each environment",
            "one key",
            "own key",
            "dedicated key",
            "每个环境",
            "专用密钥",
            "独立密钥",
        ]);
        let of_clay = text.contains("clay") || section.heading.to_lowercase().contains("clay");
        if of_clay && own_user && own_key {
            return Ok(Reading::shown(
                [section.place.clone()],
                "the controls in place of scopes are written down: a service user, a key of its own",
                "已记录替代作用域的控制：服务账号、专用密钥",
            ));
        }
    }
    Ok(Reading::elsewhere(
        Message::new(
            "nothing here says whose key it is and where else it is used; Clay has no scopes to look at",
            "此处未说明密钥归属及其他用途；Clay 没有可检查的作用域",
        ),
        Message::new(
            "a paragraph that names the service user and the key of its own, or an attestation",
            "写明服务账号和专用密钥的段落，或相应声明",
        ),
    ))
}

fn configured(evidence: &Evidence<'_>) -> Result<Option<Reading>, Missing> {
    let mut findings = Vec::new();
    for variable in clay::variables(evidence)?.iter().filter(|one| clay::is_credential(&one.name)) {
        let name = &variable.name;
        let add = |en: String, zh: String| Finding::new(variable.place, en, zh).in_environment(variable.environment);
        if variable.public() {
            findings
                .push(add(format!("{name} ends up in what browsers load"), format!("{name} 会进入浏览器加载的内容")));
        } else if variable.production && variable.sidecar {
            findings.push(add(format!("{name} is given to a side-car too"), format!("{name} 也提供给了边车容器")));
        }
    }
    Ok((!findings.is_empty()).then(|| {
        Reading::refuted(
            findings,
            "a credential reaches more than the part that calls Clay",
            "凭据超出了调用 Clay 的组件范围",
        )
    }))
}
