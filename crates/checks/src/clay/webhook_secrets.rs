//! Secrets of webhooks that are kept, and enforced.

use gonogo_domain::{
    Area, Check, Classes, Evidence, Finding, Gate, Missing, Policy, Reading, Readings, Standard, Strength, Tally, Text,
    evidence::{EnvironmentRead, Meaning, Origin, SettingValue, Use},
};

use crate::shared::{
    clay::{self, Held, Integration, Receiver},
    program, redact,
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

/// What gives the secrets away counts whatever the source does.
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
    in_source(evidence)
}

fn of_webhook(name: &str) -> bool {
    clay::is_credential(name)
        && ["WEBHOOK", "INBOUND", "SIGNING"].iter().any(|word| name.contains(word))
        && !name.ends_with("_ID")
}

/// Every route that Clay calls refuses what is forged: by a secret, over the body as it came, whether it is set or not.
fn in_source(evidence: &Evidence<'_>) -> Result<Reading, Missing> {
    let clay = clay::integration(evidence)?;
    let unguarded = clay::variables(evidence)?.into_iter().any(|one| one.production && inbound(&one.name));
    if clay.receivers.is_empty() {
        let files = program::files(clay.source);
        let sources = program::counted(files);
        if unguarded {
            return Ok(program::trail_ends(
                format!(
                    "a secret for what Clay sends is declared, and no route for it was recognised in {files} files"
                ),
                format!("已声明用于接收 Clay 投递的密钥，但在 {files} 个文件中未识别出对应路由"),
            ));
        }
        let callback = clay.source.texts.iter().find(|one| {
            one.role.counts()
                && one.text.to_ascii_lowercase().contains("callback")
                && clay.region.contains(&one.function)
        });
        if let Some(text) = callback {
            return Ok(program::trail_ends(
                format!("Clay is told where to call back at {}; which route that is was not followed", text.place),
                format!("{} 处向 Clay 提供了回调地址；对应的路由未能追踪", text.place),
            ));
        }
        return Ok(Reading::not_applicable(
            format!("no route takes deliveries of Clay in {sources}, and no secret of a webhook is given away"),
            format!("{files} 个源文件中没有接收 Clay 投递的路由，且未泄露 webhook 密钥"),
        ));
    }
    let mut tally = Tally::new();
    for receiver in &clay.receivers {
        let key = receiver.title();
        let findings = against(&clay, receiver);
        if findings.is_empty() {
            tally.met(&key, &receiver.route.place);
        }
        for finding in findings {
            tally.miss(&key, finding);
        }
    }
    Ok(tally.reading("routes for Clay's deliveries refuse what is forged", "个接收 Clay 投递的路由会拒绝伪造内容"))
}

/// A secret of deliveries that come in.
fn inbound(name: &str) -> bool {
    ["SECRET", "SIGNING", "INBOUND"].iter().any(|word| name.contains(word))
}

/// What a forged delivery could use.
fn against(clay: &Integration<'_>, receiver: &Receiver<'_>) -> Vec<Finding> {
    let source = clay.source;
    let title = receiver.title();
    let mut findings = Vec::new();
    let within = |one: &&Use| receiver.reached.contains(&one.function) && one.role.counts();
    let hashes: Vec<(usize, &Use)> =
        source.uses.iter().enumerate().filter(|(_, one)| one.meaning == Meaning::KeyedHash && within(one)).collect();
    let safe = source.uses.iter().find(|one| one.meaning == Meaning::ConstantTimeCompare && within(one));
    let compared =
        source.decisions.comparisons.iter().find(|one| one.secret && receiver.reached.contains(&one.function));
    let own = source.uses.iter().find(|one| one.meaning == Meaning::SignatureCheck && within(one));
    if safe.is_none() && own.is_none() {
        let Some(comparison) = compared else {
            return vec![Finding::new(
                &receiver.route.place,
                format!("{title} takes whatever is sent: nothing compares a signature or a secret"),
                format!("{title} 接收任何内容：未比较签名或密钥"),
            )];
        };
        findings.push(Finding::new(
            &comparison.place,
            format!("{title} compares its secret letter by letter: the time tells how much of it was right"),
            format!("{title} 逐字符比较密钥：耗时会泄露匹配程度"),
        ));
    }
    for (id, hash) in &hashes {
        let Some(message) = source.flows.get(id).and_then(|into| into.get("message")) else { continue };
        let anew = message.iter().find_map(|origin| match origin {
            Origin::Use(id) => {
                source.uses.get(*id).filter(|one| matches!(one.meaning, Meaning::Serialize | Meaning::Parse))
            }
            _ => None,
        });
        if anew.is_some() {
            findings.push(Finding::new(
                &hash.place,
                format!("{title} signs a body that it wrote anew, not the bytes that came: the signature never fits, or fits what was not sent"),
                format!("{title} 对重新序列化的正文而非原始字节计算签名：签名无法匹配，或匹配了并未发送的内容"),
            ));
            break;
        }
    }
    findings.extend(parsed_first(clay, receiver, &hashes, safe));
    findings.extend(open_when_unset(clay, receiver));
    gonogo_domain::merge(findings)
}

/// The body is made into something before anybody knows who sent it.
fn parsed_first(
    clay: &Integration<'_>,
    receiver: &Receiver<'_>,
    hashes: &[(usize, &Use)],
    safe: Option<&Use>,
) -> Option<Finding> {
    // A token in a header needs no body.
    let check = hashes.first().map(|(_, one)| *one).or(safe.filter(|_| !hashes.is_empty()))?;
    let handler = receiver.route.handler?;
    let parse = clay
        .source
        .uses
        .iter()
        .find(|one| one.meaning == Meaning::Parse && one.role.counts() && one.function == handler)?;
    // Where the check stands in a function of its own, the line that calls it counts; that is before what follows it.
    let before = check.function == handler && parse.place < check.place;
    before.then(|| {
        Finding::new(
            &parse.place,
            format!("{} parses the body before its signature is checked", receiver.title()),
            format!("{} 在校验签名之前解析正文", receiver.title()),
        )
    })
}

/// Without its secret the program lets everything in.
fn open_when_unset(clay: &Integration<'_>, receiver: &Receiver<'_>) -> Vec<Finding> {
    let source = clay.source;
    let title = receiver.title();
    let about = |name: &str| inbound(&name.to_ascii_uppercase()) || clay::ours(name).is_some();
    let secrets: Vec<_> = source
        .decisions
        .secrets
        .iter()
        .filter(|one| about(&one.name) && (receiver.reached.contains(&one.function) || !one.set && one.refuses))
        .collect();
    let checks = |function: &usize| {
        source
            .uses_of(*function)
            .any(|(_, one)| matches!(one.meaning, Meaning::KeyedHash | Meaning::ConstantTimeCompare))
    };
    let refused = secrets.iter().any(|one| !one.set && one.refuses);
    let mut findings = Vec::new();
    for one in &secrets {
        let verifies = one.calls.iter().any(checks)
            || one
                .uses
                .iter()
                .filter_map(|at| source.uses.get(*at))
                .any(|one| matches!(one.meaning, Meaning::KeyedHash | Meaning::ConstantTimeCompare));
        if one.set && verifies && !refused {
            findings.push(Finding::new(
                &one.place,
                format!("{title} checks the signature only where {} is set: without it everything is let in", one.name),
                format!("{title} 仅在设置了 {} 时校验签名：未设置则全部放行", one.name),
            ));
        } else if !one.set && !one.refuses && !refused {
            findings.push(Finding::new(
                &one.place,
                format!("{title} lets everything in where {} is not set", one.name),
                format!("{title} 在未设置 {} 时全部放行", one.name),
            ));
        }
    }
    if findings.is_empty() && !refused {
        findings.extend(empty_key(clay, receiver, &title));
    }
    findings
}

/// An empty text stands in for the key: anybody can sign with that.
fn empty_key(clay: &Integration<'_>, receiver: &Receiver<'_>, title: &str) -> Option<Finding> {
    let source = clay.source;
    let keys = source.flows.iter().filter(|(id, _)| {
        source.uses.get(**id).is_some_and(|one| {
            matches!(one.meaning, Meaning::KeyedHash | Meaning::ConstantTimeCompare)
                && receiver.reached.contains(&one.function)
        })
    });
    let compared = source.decisions.comparisons.iter().filter(|one| receiver.reached.contains(&one.function));
    let origins = keys.flat_map(|(_, into)| into.values().flatten()).chain(compared.flat_map(|one| &one.from));
    let names: Vec<String> = origins
        .filter_map(|origin| match origin {
            Origin::Environment(name) => Some(name.clone()),
            Origin::Name(name) | Origin::Parameter(name) => clay::ours(name),
            _ => None,
        })
        .collect();
    let empty = |one: &&EnvironmentRead| {
        let go = source.files.iter().any(|file| file.language == "go" && *file.path == *one.place.path());
        names.contains(&one.name)
            && match &one.default {
                Some(SettingValue::Text(text)) => text.is_empty(),
                // What Go gives for a variable that is not set is an empty text.
                None => go,
                _ => false,
            }
    };
    let read = source.environment.iter().filter(|one| one.role.counts()).find(empty)?;
    Some(Finding::new(
        &read.place,
        format!("{} may be empty, and {title} then takes what anybody signs with nothing", read.name),
        format!("{} 可能为空，此时 {title} 会接受任何人用空密钥签名的内容", read.name),
    ))
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
