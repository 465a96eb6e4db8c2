//! Secrets of webhooks that are kept, and enforced.

use gonogo_domain::{
    Area, Check, Classes, Evidence, Finding, Gate, Missing, Policy, Reading, Readings, Standard, Strength, Text,
};

use crate::shared::{
    clay::{self, Held},
    redact,
};

pub(crate) static CHECK: Check = Check {
    id: "clay.webhook-secrets",
    title: Text {
        en: "Webhook secrets stored safely, verification fails closed",
        zh: "Webhook 密钥安全存放，校验失败即拒绝",
    },
    source: &["C1.5", "D1.6"],
    standard: Standard::Clay,
    area: Area::Clay,
    level: None,
    gate: Gate::Blocker,
    min: Strength::Configured,
    classes: Classes::RUNNING_CODE,
    fresh_days: Some(90),
    record: &["environment", "cases"],
    remediation: Text {
        en: "Keep the token and the signing secret in the vault, refuse every delivery while one is unset, and never let a procedure print them.",
        zh: "将令牌和签名密钥存入密钥库，未设置时拒绝所有投递，任何操作流程都不得打印它们。",
    },
    references: &["https://developers.clay.com"],
    page: include_str!("webhook_secrets.md"),
    judge,
};

fn judge(evidence: &Evidence<'_>, _policy: &Policy) -> Readings {
    clay::asked(evidence, CHECK.min, || Readings::configured(configured(evidence)))
}

/// That a forged delivery is refused is in the source; what gives the secrets away is declared.
fn configured(evidence: &Evidence<'_>) -> Result<Reading, Missing> {
    let mut findings = Vec::new();
    for variable in clay::variables(evidence)?.iter().filter(|one| one.production && of_webhook(&one.name)) {
        let name = &variable.name;
        let finding =
            |en: String, zh: String| Finding::new(variable.place, en, zh).in_environment(variable.environment);
        match variable.held {
            Held::Literal("") => findings.push(finding(
                format!("{name} is empty: verification has nothing to fail on"),
                format!("{name} 为空：校验无从进行"),
            )),
            Held::Literal(value) => findings.push(finding(
                format!("{name} is a literal ({})", redact(value)),
                format!("{name} 为明文（{}）", redact(value)),
            )),
            Held::ConfigMap { name: map, .. } => findings.push(finding(
                format!("{name} comes from the ConfigMap {map}"),
                format!("{name} 来自 ConfigMap {map}"),
            )),
            Held::Secret { optional: true, .. } => findings.push(finding(
                format!("{name} is optional: deliveries are taken without it unless the program refuses them"),
                format!("{name} 为可选：除非程序拒绝，否则缺失时仍会接收投递"),
            )),
            Held::Secret { .. } | Held::Elsewhere => (),
        }
    }
    for section in evidence.documents()?.iter().flat_map(|document| &document.sections) {
        for (line, place) in clay::command_lines(section) {
            if prints_secret(line) {
                findings.push(Finding::new(&place, "this command prints a secret of Clay", "此命令会打印 Clay 密钥"));
            }
        }
    }
    if !findings.is_empty() {
        return Ok(Reading::refuted(
            findings,
            "a secret of a webhook is given away or not enforced",
            "webhook 密钥被泄露或未强制校验",
        ));
    }
    match evidence.source_code()? {}
}

fn of_webhook(name: &str) -> bool {
    clay::is_credential(name)
        && ["WEBHOOK", "INBOUND", "SIGNING"].iter().any(|word| name.contains(word))
        && !name.ends_with("_ID")
}

/// `echo $CLAY_API_KEY`, `env | grep CLAY`, `kubectl get secret clay … | base64 -d`.
fn prints_secret(line: &str) -> bool {
    let words: Vec<&str> = line.split_whitespace().collect();
    let first = words.first().copied().unwrap_or_default();
    let shell_names = line.match_indices("CLAY_").any(|(at, _)| {
        let name: String = line
            .get(at..)
            .unwrap_or_default()
            .chars()
            .take_while(|letter| letter.is_ascii_alphanumeric() || *letter == '_')
            .collect();
        clay::is_credential(&name)
    });
    let whole = line.to_ascii_lowercase();
    let to_pipe = line.contains("| ") && !whole.contains("| base64 -d");
    (matches!(first, "echo" | "printenv") && shell_names && line.contains('$') && !to_pipe)
        || (first == "printenv" && shell_names)
        || (matches!(first, "env" | "printenv" | "set") && whole.contains("grep") && whole.contains("clay"))
        || (whole.contains("get secret")
            && whole.contains("clay")
            && (whole.contains("base64 -d") || whole.contains("base64 --decode"))
            && !whole.contains("sha256sum")
            && !whole.contains("> "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(line: &str, expect: bool) {
        assert_eq!(prints_secret(line), expect, "{line}");
    }

    #[test]
    fn commands_that_print_a_secret_are_known() {
        check("echo $CLAY_API_KEY", true);
        check("env | grep CLAY", true);
        check("kubectl get secret clay -o jsonpath='{.data.api-key}' | base64 -d", true);
        check("kubectl get secret clay -o name", false);
        check("kubectl get secret clay -o jsonpath='{.data.key}' | base64 -d | sha256sum", false);
        check("curl -H \"clay-api-key: $CLAY_API_KEY\" https://api.clay.com/public/v0/me", false);
        check("echo CLAY_API_KEY is set", false);
    }
}
