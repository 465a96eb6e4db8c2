//! No credential of Clay in a file.

use std::collections::BTreeSet;

use gonogo_domain::{
    Area, Check, Classes, Evidence, Finding, Gate, Missing, Place, Policy, Reading, Readings, Source, Standard,
    Strength, Text,
    evidence::{SecretSighting, SettingValue},
    secret::looks_random,
};

use crate::{
    config::no_secrets,
    shared::{clay, redact},
};

pub(crate) static CHECK: Check = Check {
    id: "clay.no-credentials",
    title: Text {
        en: "No hard-coded Clay credential, webhook URLs included",
        zh: "没有硬编码的 Clay 凭据，包括 webhook URL",
    },
    source: &["C2.2", "C1.1"],
    standard: Standard::Clay,
    area: Area::Clay,
    level: None,
    gate: Gate::Never,
    min: Strength::Configured,
    classes: Classes::ALL,
    fresh_days: None,
    record: &[],
    remediation: Text {
        en: "Take the credential out, rotate it (a webhook URL: make a new source), and let the program read it from the vault at run time.",
        zh: "移除该凭据并轮换（webhook URL 则新建数据源），由程序在运行时从密钥库读取。",
    },
    references: &["https://developers.clay.com"],
    page: include_str!("no_credentials.md"),
    judge,
};

fn judge(evidence: &Evidence<'_>, _policy: &Policy) -> Readings {
    clay::asked(evidence, CHECK.min, || Readings::configured(configured(evidence)))
}

/// What is declared, every file, and the history.
fn configured(evidence: &Evidence<'_>) -> Result<Reading, Missing> {
    let sightings = evidence.secrets()?;
    let mut findings: Vec<Finding> = Vec::new();
    clay::each_text(evidence, &mut |text| {
        // The sightings tell the line; a document's own place is that of the block.
        let seen = |one: &SecretSighting| of_clay(one) && one.place.path() == text.place.path();
        if text.origin == clay::Origin::Document && sightings.iter().any(seen) {
            return;
        }
        for leak in clay::leaks(&text) {
            let shown = redact(&leak.secret);
            findings.push(Finding::new(
                text.place,
                format!("{} ({shown})", leak.en),
                format!("{}（{shown}）", leak.zh),
            ));
        }
    });
    let mut known: BTreeSet<u64> = BTreeSet::new();
    for one in sightings.iter().filter(|one| of_clay(one) && no_secrets::counts(one, evidence.today())) {
        known.insert(one.fingerprint);
        // What a declared value says is said with more knowledge of what it is for.
        if !findings.iter().any(|finding| same_line(&finding.place, &one.place)) {
            let (en, zh) = no_secrets::words(one);
            findings.push(Finding::new(&one.place, en, zh));
        }
    }
    let source = evidence.source();
    for read in source.iter().flat_map(|source| &source.environment) {
        let Some(SettingValue::Text(value)) = &read.default else { continue };
        let credential = clay::is_credential(&read.name) && read.role.counts();
        let told = findings.iter().any(|one| same_line(&one.place, &read.place));
        if credential && looks_random(value) && !clay::placeholder(value) && !told {
            let shown = redact(value);
            findings.push(Finding::new(
                &read.place,
                format!("{} falls back to a literal ({shown})", read.name),
                format!("{} 的默认值为明文（{shown}）", read.name),
            ));
        }
    }
    let history = evidence.history();
    for one in history.iter().flat_map(|history| &history.secrets).filter(|one| of_clay(one)) {
        if let Some(commit) = &one.commit
            && no_secrets::counts(one, evidence.today())
            && !no_secrets::rotated(one, evidence)
            && known.insert(one.fingerprint)
        {
            let (en, zh) = no_secrets::words(one);
            let (id, on) = (&commit.id, commit.on);
            findings.push(Finding::new(
                &one.place,
                format!("{en} (in the history, since {id} of {on})"),
                format!("{zh}（存于历史，自 {on} 的 {id} 起）"),
            ));
        }
    }
    findings.retain(|finding| !evidence.of_another_service(&finding.place));
    if !findings.is_empty() {
        let findings = gonogo_domain::merge(findings);
        return Ok(Reading::refuted(findings, "credentials of Clay stand in files", "文件中存在 Clay 凭据"));
    }
    let history = history?;
    if let Some(missing) = &history.incomplete {
        return Err(missing.clone());
    }
    let (files, versions) = (evidence.files_read(Source::Secrets), history.versions);
    let mut reading = Reading::shown(
        [],
        format!("none of {files} files and {versions} versions of files in the history holds a credential of Clay"),
        format!("{files} 个文件及历史中的 {versions} 个文件版本均不含 Clay 凭据"),
    );
    // A file that could not be read may hold one.
    reading.needs_whole_source = true;
    Ok(reading)
}

fn same_line(one: &Place, other: &Place) -> bool {
    one.path() == other.path() && one.line() == other.line()
}

/// By the shape of Clay's webhooks, or by a name of Clay's.
fn of_clay(one: &SecretSighting) -> bool {
    one.rule.starts_with("clay.") || one.name.as_deref().is_some_and(|name| clay::ours(name).is_some())
}
