//! The image that will be released, seen to work in a staging of its own.

use gonogo_domain::{
    Area, Check, Classes, Evidence, Finding, Gate, Message, Missing, Place, Policy, Reading, Readings, Standard,
    Strength, Text,
};

use crate::shared::{clay, production_workloads, redact};

pub(crate) static CHECK: Check = Check {
    id: "clay.staging-verified",
    title: Text {
        en: "The same image digest was tested and verified in staging, with its own Clay keys, tables and webhooks",
        zh: "同一镜像摘要已在预发布环境测试并验证，且使用独立的 Clay 密钥、表和 webhook",
    },
    source: &["C0.1"],
    standard: Standard::Clay,
    area: Area::Clay,
    level: None,
    gate: Gate::Blocker,
    min: Strength::Exercised,
    classes: Classes::RUNNING_CODE,
    fresh_days: Some(30),
    record: &["environment", "digest"],
    remediation: Text {
        en: "Test the digest that will be released in a staging of its own (second workspace, key, table and webhook), and keep a record with date, digest, environment and who did it.",
        zh: "在独立的预发布环境（第二个工作区、密钥、表和 webhook）测试将要发布的摘要，并保存含日期、摘要、环境和执行人的记录。",
    },
    references: &["https://kubernetes.io/docs/concepts/containers/images/"],
    page: include_str!("staging_verified.md"),
    judge,
};

fn judge(evidence: &Evidence<'_>, _policy: &Policy) -> Readings {
    clay::asked(evidence, CHECK.min, || {
        let readings = Readings::of(Strength::Exercised, exercised(evidence));
        match shared_with_staging(evidence) {
            Ok(None) => readings,
            Ok(Some(reading)) => readings.and(Strength::Configured, Ok(reading)),
            Err(missing) => readings.and(Strength::Configured, Err(missing)),
        }
    })
}

/// The newest dated record of a run in staging that names a digest.
fn exercised(evidence: &Evidence<'_>) -> Result<Reading, Missing> {
    let settle = || {
        Message::new(
            "a record of the run in staging with date, digest and environment, or an attestation",
            "含日期、摘要和环境的预发布运行记录，或相应声明",
        )
    };
    let mut newest: Option<(jiff::civil::Date, &Place, String)> = None;
    for document in evidence.documents()? {
        let text = clay::whole_text(document);
        let (Some((on, place)), Some(digest)) = (&document.dated, digest(&text)) else { continue };
        let staging = text.contains("staging") || text.contains("预发布");
        let judged = ["verified", "verification", "passed", "验证"].iter().any(|word| text.contains(word));
        let later = newest.as_ref().is_none_or(|(known, ..)| on > known);
        if staging && judged && text.contains("clay") && document.placeholders.is_empty() && later {
            newest = Some((*on, place, digest.to_owned()));
        }
    }
    let Some((on, place, digest)) = newest else {
        return Ok(Reading::elsewhere(
            Message::new(
                "no dated record of a run in staging names an image digest",
                "没有带日期且写明镜像摘要的预发布运行记录",
            ),
            settle(),
        ));
    };
    let mut other = Vec::new();
    let mut same = false;
    for workload in production_workloads(evidence)? {
        for image in workload.main_containers().filter_map(|container| container.image.as_ref()) {
            match &image.value.digest {
                Some(own) if *own == digest => same = true,
                Some(_) => other.push(
                    Finding::new(
                        &image.place,
                        format!("production runs another digest than the one verified in staging on {on}"),
                        format!("生产运行的摘要与 {on} 在预发布验证的不同"),
                    )
                    .also(place, "the record", "验证记录")
                    .in_environment(workload.environment.as_deref()),
                ),
                None => (),
            }
        }
    }
    if same {
        return Ok(Reading::shown(
            [place.clone()],
            format!("the digest of production was verified in staging on {on}"),
            format!("生产所用摘要已于 {on} 在预发布环境验证"),
        )
        .dated(Some(on)));
    }
    if !other.is_empty() {
        return Ok(Reading::refuted(
            other,
            "what was verified in staging is not what production runs",
            "预发布验证的与生产运行的不一致",
        )
        .dated(Some(on)));
    }
    Ok(Reading::elsewhere(
        Message::new(
            format!("a digest was verified in staging on {on}; production names no digest to compare it with"),
            format!("{on} 在预发布验证过一个摘要；但生产未写明摘要，无法比较"),
        ),
        Message::new("an image pinned by digest in the production manifests", "在生产清单中以摘要固定镜像"),
    ))
}

/// `sha256:` with 64 digits.
fn digest(text: &str) -> Option<&str> {
    text.match_indices("sha256:").find_map(|(at, marker)| {
        let own = text.get(at..at + marker.len() + 64)?;
        own.get(marker.len()..)?.bytes().all(|byte| byte.is_ascii_hexdigit()).then_some(own)
    })
}

/// Staging with the keys, tables or webhooks of production is no staging: its tests write into production's table.
fn shared_with_staging(evidence: &Evidence<'_>) -> Result<Option<Reading>, Missing> {
    let secrets = evidence.objects_of(&["ExternalSecret"])?;
    let remote = |production: bool| {
        secrets.iter().filter(move |object| object.production == production).flat_map(|object| {
            object.body.list("spec.data").iter().filter_map(|one| {
                let key = one.at("remoteRef.key")?;
                let name = (one.str_at("secretKey")?, key.str()?, one.str_at("remoteRef.property").unwrap_or_default());
                let ours = format!("{} {}", name.0, name.1).to_ascii_lowercase().contains("clay");
                ours.then_some((name, &key.place))
            })
        })
    };
    let mut findings = Vec::new();
    for ((name, key, property), place) in remote(false) {
        let twin = remote(true).find(|((_, other, same), _)| *other == key && *same == property && !key.contains("{{"));
        if let Some((_, production)) = twin {
            findings.push(
                Finding::new(
                    place,
                    format!("{name} of staging is the one of production ({key})"),
                    format!("预发布的 {name} 与生产相同（{key}）"),
                )
                .also(production, "production", "生产"),
            );
        }
    }
    let variables = clay::variables(evidence)?;
    let owned = |name: &str| ["WORKSPACE_ID", "TABLE_ID", "WEBHOOK_ID"].iter().any(|end| name.ends_with(end));
    let in_containers = || variables.iter().filter(|one| one.container.is_some() && owned(&one.name));
    for staging in in_containers().filter(|one| !one.production) {
        let Some((value, place)) = clay::literal(evidence, staging) else { continue };
        for production in in_containers().filter(|one| one.production && one.name == staging.name) {
            // One line that both environments inherit is the same fact.
            if let Some((own, other)) =
                clay::literal(evidence, production).filter(|(own, _)| *own == value && !own.is_empty())
            {
                let name = &staging.name;
                findings.push(
                    Finding::new(
                        place,
                        format!("{name} of staging is the one of production ({})", redact(own)),
                        format!("预发布的 {name} 与生产相同（{}）", redact(own)),
                    )
                    .also(other, "production", "生产"),
                );
            }
        }
    }
    let findings = gonogo_domain::merge(findings);
    Ok((!findings.is_empty()).then(|| {
        Reading::refuted(findings, "staging uses what belongs to production at Clay", "预发布使用了生产的 Clay 资源")
    }))
}
