//! None of the patterns behind the OWASP Top 10.

use std::collections::BTreeMap;

use gonogo_domain::{
    Area, Check, Classes, Conclusion, Evidence, Finding, Gate, Message, Missing, Place, Policy, Reading, Readings,
    Standard, Strength, Text, analysers,
    evidence::{
        EnvValue, Meaning, Object, PipelineJob, PipelineStep, Purpose, ResultFile, ResultKind, SettingValue,
        SourceCode, SourceText, SourceTextKind, Use,
    },
    merge,
};
use jiff::civil::Date;

use crate::shared::{
    entrances::leads_here,
    production_workloads, program,
    secrets::{of_examples, of_tests},
    suites::words,
};

pub(crate) static CHECK: Check = Check {
    id: "security.owasp",
    title: Text { en: "The OWASP Top 10 patterns are absent", zh: "不存在 OWASP Top 10 的问题模式" },
    source: &["B3.4e", "B3.4f"],
    standard: Standard::ProductionReadiness,
    area: Area::Security,
    level: None,
    gate: Gate::Required,
    min: Strength::Configured,
    classes: Classes::PROGRAMS,
    fresh_days: None,
    record: &["tool", "high"],
    remediation: Text {
        en: "Run a static analyser for the language (Semgrep, CodeQL, gosec, Bandit …) on every change, let it fail the build, and switch debug modes off in production.",
        zh: "每次变更都运行对应语言的静态分析（Semgrep、CodeQL、gosec、Bandit 等）并使构建失败，同时在生产环境关闭调试模式。",
    },
    references: &["https://owasp.org/Top10/"],
    page: include_str!("owasp.md"),
    judge,
};

/// A result of an analysis older than this is of another program.
const RESULT_DAYS: i32 = 30;

fn judge(evidence: &Evidence<'_>, _policy: &Policy) -> Readings {
    Readings::of(Strength::Declared, declared(evidence)).and(Strength::Configured, configured(evidence))
}

/// A pipeline that analyses what the program is written in: what it finds is not here.
fn declared(evidence: &Evidence<'_>) -> Result<Reading, Missing> {
    let language = evidence.source().ok().and_then(main_language);
    let mut places: Vec<Place> = Vec::new();
    let mut of_others: Option<&Place> = None;
    for pipeline in evidence.pipelines()?.iter().filter(|pipeline| pipeline.runs_by_itself()) {
        for (job, step) in pipeline.steps() {
            let counts = step.tolerated.is_none() && job.tolerated.is_none() && !job.manual;
            if !counts || !step.purposes.contains(&Purpose::StaticAnalysis) {
                continue;
            }
            if language.is_none_or(|language| reads(job, step, language)) {
                places.push(step.place.clone());
            } else {
                of_others.get_or_insert(&step.place);
            }
        }
    }
    if !places.is_empty() {
        return Ok(Reading::shown(
            places,
            "CI analyses the code; its results are not in the repository",
            "CI 会分析代码；其结果不在仓库中",
        ));
    }
    let summary = match (of_others, language) {
        (Some(place), Some(language)) => Message::new(
            format!("what CI analyses at {place} is no {language}"),
            format!("{place} 处的 CI 分析不涉及 {language}"),
        ),
        _ => Message::new("no step of CI analyses the code", "CI 中没有静态分析步骤"),
    };
    Ok(Reading::elsewhere(
        summary,
        Message::new("a step of CI that analyses the code, or its SARIF", "CI 中的静态分析步骤或其 SARIF 结果"),
    ))
}

/// The language of most of its files.
fn main_language(source: &SourceCode) -> Option<&'static str> {
    let mut files: BTreeMap<&'static str, usize> = BTreeMap::new();
    for file in source.files.iter().filter(|file| file.role.counts()) {
        *files.entry(file.language).or_default() += 1;
    }
    files.into_iter().max_by_key(|(_, count)| *count).map(|(language, _)| language)
}

/// The analyser of a step reads this language, as far as the step says which one it is. That an action is told the
/// languages may stand in another step of its job.
fn reads(job: &PipelineJob, step: &PipelineStep, language: &str) -> bool {
    let lines = step.run.iter().flat_map(|text| text.lines()).chain(step.uses.as_deref());
    let rows: Vec<_> = lines.flat_map(analysers).collect();
    let told = |input: &str| {
        let given = job.steps.iter().flat_map(|step| &step.with).filter(|(name, _)| name == input);
        given.map(|(_, value)| value.to_ascii_lowercase()).find(|value| !value.contains('$'))
    };
    rows.is_empty()
        || rows.iter().any(|row| {
            let known = row.languages.as_ref().is_none_or(|all| all.iter().any(|one| one == language));
            let told = row.narrowed_by.as_deref().and_then(told);
            // One language is called by two names: `javascript-typescript`, `java-kotlin`.
            known
                && told.is_none_or(|told| {
                    told.split(|letter: char| !letter.is_alphanumeric()).any(|one| is_language(one, language))
                })
        })
}

fn is_language(name: &str, language: &str) -> bool {
    name == language
        || matches!((name, language), ("typescript", "javascript") | ("javascript", "typescript") | ("java", "kotlin"))
}

fn configured(evidence: &Evidence<'_>) -> Result<Reading, Missing> {
    let mut findings = debugging(evidence)?;
    findings.extend(any_origin(evidence)?);
    if let Ok(source) = evidence.source() {
        let calls = dangerous_calls(source);
        let queries = queries(source);
        // What no call of the tables is given is read as a text.
        let same = |one: &Finding, other: &Finding| {
            other.place.path() == one.place.path() && other.place.line() == one.place.line()
        };
        let known = |one: &Finding| queries.iter().chain(&calls).any(|call| same(one, call));
        findings.extend(put_together(source).into_iter().filter(|one| !known(one)));
        findings.extend(queries.iter().filter(|one| !calls.iter().any(|call| same(one, call))).cloned());
        findings.extend(calls);
        findings.extend(origins(source));
    }
    let results: Vec<&ResultFile> = evidence
        .results()?
        .iter()
        .filter(|result| result.kind == ResultKind::StaticAnalysis && analyses_code(&result.tool))
        .filter(|result| fresh(result, evidence.today()) && !of_tests(result.place.path()))
        .collect();
    let severe = |result: &ResultFile| {
        ["critical", "high"].iter().filter_map(|severity| result.measures.get(*severity)).sum::<f64>()
    };
    findings.extend(results.iter().filter(|result| severe(result) > 0.0).map(|result| {
        let count = severe(result);
        Finding::new(
            &result.place,
            format!("{} reports critical or high results: {count}", result.tool),
            format!("{} 报告了 {count} 个严重与高危结果", result.tool),
        )
    }));
    if !findings.is_empty() {
        return Ok(Reading::refuted(
            merge(findings),
            "patterns of the OWASP Top 10 are configured or reported",
            "已配置或已报告 OWASP Top 10 问题模式",
        ));
    }
    if results.is_empty() {
        return of_source(evidence);
    }
    Ok(Reading::shown(
        results.iter().map(|result| result.place.clone()),
        "a static analysis of the last 30 days reports nothing critical or high",
        "近 30 天的静态分析未报告严重或高危结果",
    ))
}

/// None of the calls that the tables know to be dangerous: where they know any for the language.
fn of_source(evidence: &Evidence<'_>) -> Result<Reading, Missing> {
    let source = evidence.source()?;
    let files = program::files(source);
    let mut unknown = program::unknown_languages(source, &[Meaning::Dangerous]);
    unknown.extend(program::unread_language(evidence, source));
    if !unknown.is_empty() {
        let list = unknown.join(", ");
        return Ok(program::trail_ends(
            format!("what is dangerous in {list} is not known"),
            format!("{list} 中的危险模式未知"),
        ));
    }
    let looks_further = declared(evidence)?;
    if looks_further.conclusion == Conclusion::Met {
        return Ok(Reading::shown(
            looks_further.witnesses,
            format!("none of the calls that are known to be dangerous in {files} files, and CI analyses the code"),
            format!("{files} 个源文件中没有已知的危险调用，且 CI 会分析代码"),
        ));
    }
    Ok(Reading::partly(
        [program::place(evidence, source)],
        vec![Finding::new(
            &program::place(evidence, source),
            format!(
                "{files} files hold none of the calls that are known to be dangerous; no analyser has looked further"
            ),
            format!("{files} 个源文件中没有已知的危险调用；尚无分析器做进一步检查"),
        )],
        "no dangerous call that is known, and no analyser that looks further",
        "没有已知的危险调用，但没有分析器做进一步检查",
    ))
}

/// The name of a function without its class says that it works on credentials: `sign` does, and `TokenBucket.signal` does
/// not.
fn of_credentials(name: &str) -> bool {
    words(name.rsplit('.').next().unwrap_or(name)).iter().any(|word| {
        ["password", "passwd", "credential", "secret"].iter().any(|part| word.contains(part))
            || matches!(word.as_str(), "token" | "tokens" | "sign" | "signed" | "signature" | "signatures")
    })
}

/// Calls that open a program, with the category of the OWASP Top 10 that they fall into.
fn dangerous_calls(source: &SourceCode) -> Vec<Finding> {
    let mut findings = Vec::new();
    for one in program::used(source, Meaning::Dangerous).filter(|one| is_asked(one)) {
        let open = match program::default(one, "only") {
            "input" => from_elsewhere(one),
            // With arguments beside the name of the program there is no shell.
            "line" => from_elsewhere(one) && !one.settings.contains_key("given"),
            "shell" => {
                let shell = one.settings.get("program").and_then(|program| program.value.text());
                let given = one.settings.get("given").map(|given| given.value.texts()).unwrap_or_default();
                shell.is_some_and(|name| matches!(name.rsplit('/').next(), Some("sh" | "bash" | "cmd" | "powershell")))
                    && given.len() < 2
            }
            // Checksums and cache keys need no strong hash.
            "credentials" => source.functions.get(one.function).is_some_and(|one| of_credentials(&one.name)),
            "tls" => {
                let skipped = flag(one, "skipped") == Some(true) && !one.in_branch;
                let lowest = one.settings.get("lowest").and_then(|lowest| lowest.value.text());
                if lowest.is_some_and(|name| OLD.iter().any(|old| name.ends_with(old))) {
                    findings.push(Finding::new(
                        &one.place,
                        format!("{}: TLS older than 1.2 is accepted (A02)", one.symbol),
                        format!("{}：接受低于 1.2 的 TLS 版本（A02）", one.symbol),
                    ));
                }
                skipped
            }
            // To read again what was verified before is no harm, and what a branch does an operator may switch on.
            "unverified" => flag(one, "verified") == Some(false) && !one.in_branch && !verifies_elsewhere(source, one),
            "query" => {
                let text = |name: &str| one.settings.get(name).and_then(|setting| setting.value.text());
                text("query").is_some_and(takes_value) || text("condition").is_some_and(holds_value)
            }
            "none" => algorithms(one).iter().any(|name| name.to_ascii_lowercase().ends_with("none")),
            "unlisted" => !one.settings.contains_key("algorithms"),
            "cookie" => {
                findings.extend(cookie(one));
                false
            }
            _ => true,
        };
        if open {
            let (risk, en, zh) =
                (program::default(one, "risk"), program::default(one, "en"), program::default(one, "zh"));
            findings.push(Finding::new(
                &one.place,
                format!("{}: {en} ({risk})", one.symbol),
                format!("{}：{zh}（{risk}）", one.symbol),
            ));
        }
    }
    findings
}

/// A text that is written out is the program's own.
fn from_elsewhere(one: &Use) -> bool {
    one.settings.get("code").is_some_and(|code| match &code.value {
        SettingValue::Text(text) => text.contains("{}"),
        SettingValue::NotFollowed => true,
        _ => false,
    })
}

/// Only some values of a setting are dangerous: the row lists them.
fn is_asked(one: &Use) -> bool {
    let values = program::default(one, "values");
    values.is_empty()
        || one.settings.get("value").is_some_and(|given| {
            let texts = given.value.texts();
            texts
                .iter()
                .any(|text| values.split(' ').any(|value| text.eq_ignore_ascii_case(value) || ends(text, value)))
        })
}

/// `System.Xml.DtdProcessing.Parse` is `DtdProcessing.Parse`, and the flags `A|B` end with `B`.
fn ends(text: &str, value: &str) -> bool {
    text.strip_suffix(value).is_some_and(|before| before.ends_with(['.', '|', ' ', ':', '\\']))
}

/// Versions of TLS that are no longer safe, as Go names them.
const OLD: &[&str] = &["VersionTLS10", "VersionTLS11", "VersionSSL30"];

fn flag(one: &Use, name: &str) -> Option<bool> {
    match &one.settings.get(name)?.value {
        SettingValue::Flag(flag) => Some(*flag),
        SettingValue::Text(text) => text.parse().ok(),
        _ => None,
    }
}

/// The same function of a library of tokens is called with verification somewhere else in the program.
fn verifies_elsewhere(source: &SourceCode, one: &Use) -> bool {
    let unverified: Vec<&Place> = program::used(source, Meaning::Dangerous)
        .filter(|other| other.symbol == one.symbol && flag(other, "verified") == Some(false))
        .map(|other| &other.place)
        .collect();
    program::used(source, Meaning::Authentication)
        .any(|other| other.symbol == one.symbol && !unverified.contains(&&other.place))
}

fn algorithms(one: &Use) -> Vec<&str> {
    one.settings.get("algorithms").map(|all| all.value.texts()).unwrap_or_default()
}

/// A cookie that says who somebody is and that scripts can read, or that goes out without TLS.
fn cookie(one: &Use) -> Vec<Finding> {
    let name = one.settings.get("name").and_then(|name| name.value.text()).unwrap_or_default();
    let lower = name.to_ascii_lowercase();
    let identifies = ["session", "token", "auth", "jwt", "sid", "login"].iter().any(|word| lower.contains(word));
    let deletes = one.settings.get("age").and_then(|age| age.value.number()).is_some_and(|seconds| seconds < 0.0);
    if !identifies || deletes {
        return Vec::new();
    }
    let unset = |setting: &str| one.settings.get(setting).is_none_or(|flag| flag.value == SettingValue::Flag(false));
    let mut findings = Vec::new();
    if unset("http only") {
        findings.push(Finding::new(
            &one.place,
            format!("the cookie {name} can be read by scripts: it is not HttpOnly (A05)"),
            format!("Cookie {name} 可被脚本读取：未设 HttpOnly（A05）"),
        ));
    }
    if unset("secure") {
        findings.push(Finding::new(
            &one.place,
            format!("the cookie {name} goes over connections without TLS: it is not Secure (A05)"),
            format!("Cookie {name} 会经无 TLS 的连接发送：未设 Secure（A05）"),
        ));
    }
    findings
}

/// Queries with a value from elsewhere written into them (A03).
fn queries(source: &SourceCode) -> Vec<Finding> {
    let calls = program::used(source, Meaning::DatabaseCall);
    let injected =
        calls.filter(|one| one.settings.get("query").and_then(|query| query.value.text()).is_some_and(takes_value));
    let finding = |one: &Use| {
        Finding::new(
            &one.place,
            format!("{}: a value is written into the text of a query (A03)", one.symbol),
            format!("{}：将取值直接拼入查询文本（A03）", one.symbol),
        )
    };
    injected.map(finding).collect()
}

/// A hole of the text stands where a value does: `= '{}'`, `LIKE {}`. Names of tables and lists of placeholders are no
/// values.
fn takes_value(query: &str) -> bool {
    let lower = query.trim_start().to_ascii_lowercase();
    let is_sql =
        ["select ", "insert ", "update ", "delete ", "with ", "replace "].iter().any(|word| lower.starts_with(word));
    is_sql && holds_value(&lower)
}

/// The same of a condition alone: `name = '{}'`.
fn holds_value(condition: &str) -> bool {
    let lower = condition.to_ascii_lowercase();
    lower.match_indices("{}").any(|(at, _)| {
        let before = lower.get(..at).unwrap_or_default();
        let quoted = before.trim_end_matches('%').ends_with('\'');
        let before = before.trim_end();
        quoted || before.ends_with(['=', '<', '>']) || before.ends_with(" like")
    })
}

/// Middleware that lets every origin call with the user's cookies (A05).
fn origins(source: &SourceCode) -> Vec<Finding> {
    let open = program::used(source, Meaning::Cors).filter(|one| {
        let origins = one.settings.get("origins").map(|origins| origins.value.texts()).unwrap_or_default();
        let all = !one.settings.contains_key("origins") && program::default(one, "origins") == "*";
        let credentials = one.settings.get("credentials").is_some_and(|given| {
            // An option without an argument stands for itself.
            !matches!(given.value, SettingValue::Flag(false)) && given.value.text() != Some("false")
        });
        credentials && (origins.contains(&"*") || all || flag(one, "any") == Some(true))
    });
    open.map(|one| {
        Finding::new(
            &one.place,
            format!("{}: any origin may call with the user's credentials (A05)", one.symbol),
            format!("{}：任何来源都可携带用户凭证调用（A05）", one.symbol),
        )
    })
    .collect()
}

/// Analysers of programs, as opposed to those of manifests and container files, which write SARIF too.
fn analyses_code(tool: &str) -> bool {
    let tool = tool.to_ascii_lowercase();
    [
        "semgrep",
        "codeql",
        "gosec",
        "bandit",
        "brakeman",
        "opengrep",
        "snyk code",
        "sonar",
        "njsscan",
        "bearer",
        "psalm",
        "spotbugs",
        "horusec",
        "clippy",
        "security code scan",
    ]
    .iter()
    .any(|name| tool.contains(name))
}

fn fresh(result: &ResultFile, today: Date) -> bool {
    let age = result.on.and_then(|on| today.since(on).ok()).map(|age| age.get_days());
    age.is_some_and(|days| (0..=RESULT_DAYS).contains(&days))
}

/// Debug modes and switched-off verification in production (A05, A02).
fn debugging(evidence: &Evidence<'_>) -> Result<Vec<Finding>, Missing> {
    let mut findings = Vec::new();
    for workload in production_workloads(evidence)?.into_iter().filter(|workload| workload.kind.kubernetes()) {
        for container in workload.main_containers() {
            for variable in &container.env {
                if let EnvValue::Literal(value) = &variable.value
                    && !of_examples(variable.place.path())
                    && let Some((en, zh)) = dangerous(&variable.name, value)
                {
                    findings.push(
                        Finding::new(
                            &variable.place,
                            format!("{}={value}: {en}", variable.name),
                            format!("{}={value}：{zh}", variable.name),
                        )
                        .in_environment(workload.environment.as_deref()),
                    );
                }
            }
        }
    }
    Ok(findings)
}

/// Statements of SQL in whose quotes something is put: `… WHERE name = '{}'`. What stands outside of quotes may be the name
/// of a table, or a number.
fn put_together(source: &SourceCode) -> Vec<Finding> {
    // A migration is given nothing by a caller.
    let migrates = |path: &str| path.to_ascii_lowercase().split('/').any(|part| part.contains("migrat"));
    let texts = source.texts.iter().filter(|one| one.role.counts() && one.kind == SourceTextKind::Sql);
    // A text of Go has no holes of its own: `'{}'` is an object of JSON, as it is where that is said.
    let go = |path: &str| matches!(path.rsplit_once('.'), Some((_, "go")));
    let has_holes = |one: &&SourceText| !go(one.place.path()) && !one.text.contains("'{}'::json");
    let open = texts.filter(|one| !migrates(one.place.path())).filter(has_holes).filter(|one| {
        one.text.match_indices("{}").any(|(at, _)| {
            let before = one.text.get(..at).unwrap_or_default();
            before.matches('\'').count() % 2 == 1
        })
    });
    open.map(|one| {
        Finding::new(
            &one.place,
            "SQL that is put together from what comes in, inside of its quotes (A03)",
            "SQL 的引号内拼接了传入的内容（A03）",
        )
    })
    .collect()
}

fn dangerous(name: &str, value: &str) -> Option<(&'static str, &'static str)> {
    let on = matches!(value.to_ascii_lowercase().as_str(), "1" | "true" | "yes" | "on");
    let development = matches!(value.to_ascii_lowercase().as_str(), "development" | "dev");
    match name {
        "FLASK_DEBUG" | "DJANGO_DEBUG" | "APP_DEBUG" | "WERKZEUG_DEBUG_PIN" if on => {
            Some(("errors show the program's inside to whoever causes them", "错误页会向触发者暴露程序内部"))
        }
        "FLASK_ENV"
        | "NODE_ENV"
        | "RAILS_ENV"
        | "RACK_ENV"
        | "ASPNETCORE_ENVIRONMENT"
        | "DOTNET_ENVIRONMENT"
        | "APP_ENV"
            if development =>
        {
            Some(("production runs in the framework's development mode", "生产环境以框架的开发模式运行"))
        }
        "NODE_TLS_REJECT_UNAUTHORIZED" | "PYTHONHTTPSVERIFY" if value == "0" => {
            Some(("certificates of others are not verified", "不校验对方证书"))
        }
        "GIT_SSL_NO_VERIFY" if on => Some(("certificates of others are not verified", "不校验对方证书")),
        "MANAGEMENT_ENDPOINTS_WEB_EXPOSURE_INCLUDE" if value == "*" => Some((
            "every actuator endpoint is exposed, heap dumps included",
            "所有 actuator 端点（含堆转储）均对外暴露",
        )),
        _ => None,
    }
}

/// Every origin may call with the user's cookies (A05). The controller allows credentials unless it is told not to.
fn any_origin(evidence: &Evidence<'_>) -> Result<Vec<Finding>, Missing> {
    let mut findings = Vec::new();
    let objects: Vec<&Object> = evidence.objects()?.iter().filter(|object| object.production).collect();
    for object in objects.iter().filter(|object| object.kind == "Ingress" && leads_here(object, &objects)) {
        let annotations = object.body.get("metadata").and_then(|metadata| metadata.get("annotations"));
        let value = |name: &str| annotations.and_then(|all| all.get(&format!("nginx.ingress.kubernetes.io/{name}")));
        let enabled = value("enable-cors").filter(|node| node.str() == Some("true"));
        let any = value("cors-allow-origin").is_none_or(|origin| origin.str() == Some("*"));
        let credentials = value("cors-allow-credentials").is_some_and(|node| node.str() == Some("true"));
        if let Some(enabled) = enabled.filter(|_| any && credentials) {
            findings.push(
                Finding::new(
                    &enabled.place,
                    "any origin may call with the user's credentials",
                    "任何来源都可携带用户凭证调用",
                )
                .in_environment(object.environment.as_deref()),
            );
        }
    }
    Ok(findings)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_credentials_are_told_by_their_words() {
        for name in ["hash_password", "Users.hashPasswd", "signToken", "sign", "api.make_credentials"] {
            assert!(of_credentials(name), "{name}");
        }
        for name in ["TokenBucket.authorize", "signal", "assign", "design_key", "tokenize"] {
            assert!(!of_credentials(name), "{name}");
        }
    }
}
