//! No credential of Clay in a file.

use gonogo_domain::{
    Area, Check, Classes, Evidence, Finding, Gate, Missing, Policy, Reading, Readings, Standard, Strength, Text,
};

use crate::shared::{clay, redact};

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

/// What is declared is searched now; source and history are the other half, and only they can make it hold.
fn configured(evidence: &Evidence<'_>) -> Result<Reading, Missing> {
    let mut findings = Vec::new();
    clay::each_text(evidence, &mut |text| {
        for leak in clay::leaks(&text) {
            let shown = redact(&leak.secret);
            findings.push(Finding::new(
                text.place,
                format!("{} ({shown})", leak.en),
                format!("{}（{shown}）", leak.zh),
            ));
        }
    });
    if !findings.is_empty() {
        let findings = gonogo_domain::merge(findings);
        return Ok(Reading::refuted(findings, "credentials of Clay stand in files", "文件中存在 Clay 凭据"));
    }
    match evidence.source_code()? {}
}
