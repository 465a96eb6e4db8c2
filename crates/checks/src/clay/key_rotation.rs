//! How a key is changed without an outage, in the right order.

use gonogo_domain::{
    Area, Check, Classes, Evidence, Finding, Gate, Message, Missing, Policy, Reading, Readings, Standard, Strength,
    Text,
    evidence::{Document, DocumentKind, Section},
};

use crate::shared::clay;

pub(crate) static CHECK: Check = Check {
    id: "clay.key-rotation",
    title: Text { en: "Key rotation procedure", zh: "密钥轮换流程" },
    source: &["C4.2"],
    standard: Standard::Clay,
    area: Area::Clay,
    level: None,
    gate: Gate::Required,
    min: Strength::Configured,
    classes: Classes::RUNNING_CODE,
    fresh_days: None,
    record: &[],
    remediation: Text {
        en: "Write the steps down in this order: create the new key, put it into the vault, verify it with GET /public/v0/me, confirm traffic on it, revoke the old one, record the date.",
        zh: "按顺序写明步骤：创建新密钥、存入密钥库、用 GET /public/v0/me 验证、确认流量已切换、吊销旧密钥、记录日期。",
    },
    references: &["https://developers.clay.com"],
    page: include_str!("key_rotation.md"),
    judge,
};

fn judge(evidence: &Evidence<'_>, _policy: &Policy) -> Readings {
    clay::asked(evidence, CHECK.min, || Readings::configured(configured(evidence)))
}

/// A step, with the words by which a line of the procedure is known to be it.
const STEPS: [(&str, &str, &[&str]); 5] = [
    ("create the new key", "创建新密钥", &["create", "generate", "issue a new", "new key", "创建", "新建", "生成"]),
    (
        "put it into the vault",
        "存入密钥库",
        &[
            "vault",
            "secret store",
            "secret manager",
            "secrets manager",
            "externalsecret",
            "external secret",
            "密钥库",
            "密钥管理",
        ],
    ),
    ("verify the new key", "验证新密钥", &["verify", "/me", "check that", "confirm", "验证", "确认"]),
    (
        "revoke the old key",
        "吊销旧密钥",
        &["revoke", "delete the old", "remove the old", "disable the old", "delete the first", "吊销", "删除旧"],
    ),
    ("record the date", "记录日期", &["record", "gonogo.toml", "note the date", "write down the date", "记录", "登记"]),
];

fn configured(evidence: &Evidence<'_>) -> Result<Reading, Missing> {
    let Some((section, lines)) = procedure(evidence)? else {
        return Ok(Reading::elsewhere(
            Message::new("no document here says how a key of Clay is changed", "此处没有说明如何更换 Clay 密钥的文档"),
            Message::new("the procedure for the rotation of keys", "密钥轮换流程文档"),
        ));
    };
    let place = &section.place;
    let found: Vec<Option<usize>> = STEPS
        .iter()
        .map(|(.., words)| lines.iter().position(|line| words.iter().any(|word| line.contains(word))))
        .collect();
    let mut findings = Vec::new();
    for ((en, zh, _), position) in STEPS.iter().zip(&found) {
        if position.is_none() {
            findings.push(Finding::new(
                place,
                format!("the procedure has no step to {en}"),
                format!("流程缺少“{zh}”步骤"),
            ));
        }
    }
    if let [_, _, Some(verify), Some(revoke), _] = found.as_slice() {
        // Later lines may speak of checking once more; a key must not be gone before the first time.
        if revoke < verify {
            findings.push(Finding::new(
                place,
                "the old key is revoked before the new one is verified",
                "在验证新密钥之前就吊销了旧密钥",
            ));
        }
    }
    if lines.iter().any(|line| line.contains("authorization: bearer") && line.contains("clay")) {
        findings.push(Finding::new(
            place,
            "the new key is verified with a bearer token, which Clay does not read: its header is clay-api-key",
            "使用 Bearer 令牌验证新密钥，但 Clay 不读取它：请求头为 clay-api-key",
        ));
    }
    if findings.is_empty() {
        return Ok(Reading::shown(
            [place.clone()],
            "the rotation is written down in the right order",
            "轮换流程已按正确顺序记录",
        ));
    }
    Ok(Reading::refuted(
        findings,
        "the rotation leaves a step out or has it in the wrong place",
        "轮换流程缺少步骤或顺序错误",
    ))
}

/// The section with the most steps about changing a key of Clay, and its lines in lower case.
fn procedure<'a>(evidence: &Evidence<'a>) -> Result<Option<(&'a Section, Vec<String>)>, Missing> {
    let rotates = |text: &str| ["rotat", "轮换"].iter().any(|word| text.to_lowercase().contains(word));
    let mut best: Option<(&Section, Vec<String>)> = None;
    for document in evidence.documents()?.iter().filter(|one| operates(one)) {
        let whole = rotates(&document.title);
        let of_clay = clay::whole_text(document).contains("clay");
        for (index, section) in document.sections.iter().enumerate().filter(|_| of_clay) {
            let heads = rotates(&section.heading) || (whole && index == 0);
            if !heads {
                continue;
            }
            let inner = document.sections.iter().skip(index + 1).take_while(|one| one.level > section.level);
            let lines: Vec<String> = std::iter::once(section).chain(inner).flat_map(lines).collect();
            if best.as_ref().is_none_or(|(_, known)| lines.len() > known.len()) {
                best = Some((section, lines));
            }
        }
    }
    Ok(best.filter(|(_, lines)| lines.len() >= 2))
}

fn operates(document: &Document) -> bool {
    !matches!(
        document.kind,
        DocumentKind::Changelog | DocumentKind::Postmortem | DocumentKind::Decision | DocumentKind::Contributing
    )
}

/// The steps of a section: its list, else its sentences; its commands either way.
fn lines(section: &Section) -> Vec<String> {
    let code = section.code.iter().flat_map(|block| block.text.lines());
    let steps: Vec<&str> = if section.items.is_empty() {
        section.text.split(['.', '\n', '。']).collect()
    } else {
        section.items.iter().map(|item| item.text.as_str()).collect()
    };
    steps.into_iter().chain(code).map(str::trim).filter(|line| !line.is_empty()).map(str::to_lowercase).collect()
}
