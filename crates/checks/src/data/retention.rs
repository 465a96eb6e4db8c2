//! Data goes when it should, and something makes it go.

use gonogo_domain::{
    Area, Check, Classes, Evidence, Finding, Gate, Message, Missing, Node, Place, Policy, Reading, Readings, Standard,
    Strength, Tally, Text,
    evidence::{Document, DocumentKind, SourceText, SourceTextKind, WorkloadKind},
};

use super::state::stateless;
use crate::shared::{
    figures, program,
    records::{names_it, row_place, says_something},
    suites::sources,
    trees::{inside, is_shown_off, texts},
};

pub(crate) static CHECK: Check = Check {
    id: "data.retention",
    title: Text {
        en: "Retention is written down and enforced", zh: "数据保留期限有成文规定并得到执行"
    },
    source: &["B4.4d"],
    standard: Standard::ProductionReadiness,
    area: Area::Data,
    level: None,
    gate: Gate::Required,
    min: Strength::Configured,
    classes: Classes::RUNNING,
    fresh_days: None,
    record: &[],
    remediation: Text {
        en: "List each class of data with its period in docs/retention.md, and name what deletes it: a lifecycle rule, a TTL, a purge job.",
        zh: "在 docs/retention.md 中列出各类数据的保留期限，并写明由什么删除：生命周期规则、TTL 或清理任务。",
    },
    references: &["https://gdpr-info.eu/art-5-gdpr/"],
    page: include_str!("retention.md"),
    judge,
};

/// Something that deletes by age.
struct Mechanism {
    place: Place,
    name: String,
    /// Seconds; none: not told.
    period: Option<u64>,
    /// Everything that it says, in lower case: what it deletes is among it.
    words: String,
}

/// A class of data with its period.
struct Class {
    name: String,
    place: Place,
    period: Option<u64>,
    /// What the policy says deletes it.
    by: Option<String>,
}

fn judge(evidence: &Evidence<'_>, _policy: &Policy) -> Readings {
    let stateless = match stateless(evidence) {
        Ok(stateless) => stateless,
        Err(missing) => return Readings::configured(Err(missing)),
    };
    if let Some(reading) = stateless {
        return Readings::configured(Ok(reading));
    }
    match readings(evidence) {
        Ok(readings) => readings,
        Err(missing) => Readings::configured(Err(missing)),
    }
}

fn readings(evidence: &Evidence<'_>) -> Result<Readings, Missing> {
    let classes: Vec<Class> = evidence
        .documents()?
        .iter()
        .filter(|document| {
            document.kind == DocumentKind::Retention
                && document.placeholders.is_empty()
                && !is_shown_off(&document.place)
        })
        .flat_map(classes)
        .collect();
    let mechanisms = mechanisms(evidence)?;
    let declared = classes.first().map(|class| {
        Reading::shown(
            [class.place.clone()],
            format!("{} classes of data have a period", classes.len()),
            format!("{} 类数据有保留期限", classes.len()),
        )
    });
    let configured = match (classes.as_slice(), mechanisms.as_slice()) {
        ([], []) if has_source(evidence)? => in_source(
            evidence,
            "it keeps state, and neither a policy of retention nor something that deletes is declared here",
            "它保存状态，但此处既没有声明保留策略，也没有声明删除机制",
        ),
        ([], []) => Ok(Reading::elsewhere(
            Message::new(
                "it keeps state, and neither a policy of retention nor something that deletes is in this repository",
                "它保存状态，但此仓库中既没有保留策略，也没有删除机制",
            ),
            Message::new("the policy as a document, and what enforces it", "保留策略文档及其执行机制"),
        )),
        ([], [first, ..]) => {
            let finding = Finding::new(
                &first.place,
                format!("{} deletes, but no document says what is kept for how long", first.name),
                format!("{} 会删除数据，但没有文档规定保留什么、保留多久", first.name),
            );
            Ok(Reading::partly(
                mechanisms.iter().map(|mechanism| mechanism.place.clone()),
                vec![finding],
                "something deletes old data; nothing says which data may be kept for how long",
                "有删除机制，但没有成文的保留规定",
            ))
        }
        (classes, mechanisms) => enforced(evidence, classes, mechanisms),
    };
    let readings = Readings::configured(configured);
    Ok(match declared {
        Some(declared) => readings.and(Strength::Declared, Ok(declared)),
        None => readings,
    })
}

/// What no declared mechanism deletes may be deleted by the program; what one keeps too long is kept too long.
fn enforced(evidence: &Evidence<'_>, classes: &[Class], mechanisms: &[Mechanism]) -> Result<Reading, Missing> {
    let mut tally = Tally::new();
    let mut open: Vec<&str> = Vec::new();
    let mut too_long = false;
    for class in classes {
        let Some(mechanism) = mechanisms.iter().find(|mechanism| deletes(mechanism, class)) else {
            open.push(&class.name);
            continue;
        };
        match (class.period, mechanism.period) {
            (Some(wanted), Some(set)) if set > wanted => {
                too_long = true;
                tally.miss(&class.name, kept_too_long(class, mechanism, wanted, set));
            }
            _ => tally.met(&class.name, &mechanism.place),
        }
    }
    if !open.is_empty() && !too_long {
        let (found, all, names) = (tally.count().of, classes.len(), open.join(", "));
        return in_source(
            evidence,
            &format!("something declared here deletes {found} of {all} classes of data, nothing deletes {names}"),
            &format!("{all} 类数据中有 {found} 类声明了删除机制，{names} 没有"),
        );
    }
    Ok(tally.reading("classes of data are deleted when their time is over", "类数据到期后会被删除"))
}

fn kept_too_long(class: &Class, mechanism: &Mechanism, wanted: u64, set: u64) -> Finding {
    Finding::new(
        &mechanism.place,
        format!("{} keeps {} for {}, not {}", mechanism.name, class.name, figures::said(set), figures::said(wanted)),
        format!("{} 保留{} {}，而非 {}", mechanism.name, class.name, figures::said_zh(set), figures::said_zh(wanted)),
    )
    .also(&class.place, "the policy", "策略")
}

/// Code that could delete is here.
fn has_source(evidence: &Evidence<'_>) -> Result<bool, Missing> {
    Ok(!sources(evidence)?.is_empty())
}

/// No statement of the program that was read deletes either.
fn in_source(evidence: &Evidence<'_>, en: &str, zh: &str) -> Result<Reading, Missing> {
    let files = program::files(evidence.source()?);
    let counted = program::counted(files);
    Ok(program::trail_ends(
        format!("{en}; in {counted} no statement was recognised that deletes by age"),
        format!("{zh}；在 {files} 个源文件中未识别出按时间删除的语句"),
    ))
}

/// `DELETE FROM sessions WHERE created_at < now() - interval '30 days'`
fn statement(text: &SourceText) -> Option<Mechanism> {
    let lower = text.text.to_lowercase();
    let rest = lower.trim_start().strip_prefix("delete from")?;
    let table = rest.split_whitespace().next()?;
    let by_age = rest.contains('<') || rest.contains("interval") || rest.contains("expire") || rest.contains("older");
    let period = rest.split_once("interval").and_then(|(_, after)| figures::duration(after));
    by_age.then(|| Mechanism {
        place: text.place.clone(),
        name: format!("the statement on {table}"),
        period,
        words: lower.clone(),
    })
}

/// The policy names the mechanism, or a telling word of the class is among what the mechanism says.
fn deletes(mechanism: &Mechanism, class: &Class) -> bool {
    const COMMON: &[&str] = &["data", "records", "and", "the", "of", "all", "other", "class", "service", "数据"];
    let name = mechanism.name.to_lowercase();
    let path = mechanism.place.path().to_lowercase();
    if let Some(by) = &class.by {
        let by = by.to_lowercase();
        let named = by.contains(&name) || by.contains(&path);
        let short = name.rsplit(' ').next().is_some_and(|last| last.len() > 3 && by.contains(last));
        if named || short {
            return true;
        }
    }
    let lower = class.name.to_lowercase();
    lower
        .split(|letter: char| !letter.is_alphanumeric())
        .map(|word| word.strip_suffix('s').unwrap_or(word))
        .filter(|word| word.chars().count() >= 2 && !COMMON.contains(word))
        .any(|word| mechanism.words.contains(word))
}

/// Rows of tables, and items of lists, that give a class a period.
fn classes(document: &Document) -> Vec<Class> {
    let mut classes = Vec::new();
    for section in &document.sections {
        for table in &section.tables {
            let column = |names: &[&str]| table.header.iter().position(|name| names_it(name, names));
            let period =
                column(&["retention", "period", "kept", "keep", "duration", "how long", "ttl", "保留", "期限", "时长"]);
            let by =
                column(&["enforced", "mechanism", "deleted by", "how", "enforcement", "by", "实现", "机制", "方式"]);
            for (row, number) in table.rows.iter().zip(2_u32..) {
                let Some(name) = row.first().map(|name| name.trim()).filter(|name| says_something(name)) else {
                    continue;
                };
                let cells =
                    period.and_then(|index| row.get(index..=index)).or_else(|| row.get(1..)).unwrap_or_default();
                let seconds = cells.iter().find_map(|cell| figures::duration(cell));
                let until = cells.iter().any(|cell| {
                    ["until", "直到", "forever", "永久"].iter().any(|word| cell.to_lowercase().contains(word))
                });
                if seconds.is_some() || until {
                    classes.push(Class {
                        name: name.to_owned(),
                        place: row_place(table, number),
                        period: seconds,
                        by: by.and_then(|index| row.get(index)).cloned(),
                    });
                }
            }
        }
        for item in &section.items {
            if let Some((name, rest)) = item.text.split_once([':', '：'])
                && let Some(period) = figures::duration(rest)
                && name.chars().count() <= 60
            {
                classes.push(Class {
                    name: name.trim().to_owned(),
                    place: item.place.clone(),
                    period: Some(period),
                    by: Some(rest.to_owned()),
                });
            }
        }
    }
    classes
}

fn mechanisms(evidence: &Evidence<'_>) -> Result<Vec<Mechanism>, Missing> {
    let mut found = Vec::new();
    for resource in evidence.infrastructure()?.iter().filter(|resource| !is_shown_off(&resource.place)) {
        found.extend(of_resource(&resource.kind, &resource.name, &resource.body, &resource.place));
    }
    for object in evidence.objects()?.iter().filter(|object| object.production && !is_shown_off(&object.place)) {
        found.extend(of_object(&object.kind, &object.name, &object.body, &object.place));
    }
    for workload in evidence.workloads()?.iter().filter(|workload| workload.production) {
        if workload.kind == WorkloadKind::CronJob {
            found.extend(purge_job(&workload.name, &workload.place, &workload.body));
        }
        for container in &workload.containers {
            let words = container.command.iter().chain(&container.args);
            for word in words.flat_map(|list| list.value.iter().map(move |word| (word, &list.place))) {
                found.extend(retention_flag(word.0, word.1, &workload.name));
            }
        }
    }
    if let Ok(source) = evidence.source() {
        let texts = source.texts.iter().filter(|one| one.role.counts() && one.kind == SourceTextKind::Sql);
        found.extend(texts.filter_map(statement));
    }
    for migration in evidence.migrations()? {
        for statement in &migration.up {
            let lower = statement.text.to_lowercase();
            let policy =
                ["add_retention_policy", "expireafterseconds", "drop_chunks", "ttl_expiration_expression", "partman"];
            let ttl = lower.contains(" ttl ") && lower.contains("interval");
            if ttl || policy.iter().any(|word| lower.contains(word)) {
                found.push(Mechanism {
                    place: statement.place.clone(),
                    name: format!("the migration {}", migration.id),
                    period: None,
                    words: lower,
                });
            }
        }
    }
    found.sort_by(|one, other| (&one.place, &one.name).cmp(&(&other.place, &other.name)));
    Ok(found)
}

fn said_by(node: &Node) -> String {
    texts(node).join(" ").to_lowercase()
}

fn of_resource(kind: &str, name: &str, body: &Node, place: &Place) -> Option<Mechanism> {
    let paths: &[&str] = match kind {
        "aws_s3_bucket_lifecycle_configuration" => &["rule.expiration.days"],
        "aws_s3_bucket" => &["lifecycle_rule.expiration.days"],
        "AWS::S3::Bucket" => &["LifecycleConfiguration.Rules.ExpirationInDays"],
        "google_storage_bucket" => &["lifecycle_rule.condition.age"],
        "azurerm_storage_management_policy" => {
            &["rule.actions.base_blob.delete_after_days_since_modification_greater_than"]
        }
        "aws_cloudwatch_log_group" | "azurerm_log_analytics_workspace" => &["retention_in_days"],
        "AWS::Logs::LogGroup" => &["RetentionInDays"],
        "google_logging_project_bucket_config" => &["retention_days"],
        "aws_dynamodb_table" => &["ttl.attribute_name"],
        "AWS::DynamoDB::Table" => &["TimeToLiveSpecification.AttributeName"],
        "google_bigquery_table" | "google_bigquery_dataset" => {
            &["default_table_expiration_ms", "expiration_time", "time_partitioning.expiration_ms"]
        }
        "google_firestore_field" => &["ttl_config"],
        "kafka_topic" | "confluent_kafka_topic" => &["config.retention.ms", "config.retention_ms"],
        _ => return None,
    };
    let node = paths.iter().find_map(|path| inside(body, path)).or_else(|| kafka_retention(body))?;
    let days = matches!(node.int(), Some(1..)) && !paths.iter().any(|path| path.ends_with("ms"));
    let period =
        node.int().filter(|_| days).and_then(|days| u64::try_from(days).ok()).map(|days| days.saturating_mul(86_400));
    // What a log group keeps is logs, whatever it is called.
    let also = if kind.to_lowercase().contains("log") { " logs log 日志" } else { "" };
    Some(Mechanism {
        place: node.place.clone(),
        name: format!("{kind} {name}"),
        period,
        words: format!("{name} {}{also}", said_by(body)).to_lowercase(),
    })
    .filter(|mechanism| mechanism.place.path() == place.path())
}

/// Keys with dots in them.
fn kafka_retention(body: &Node) -> Option<&Node> {
    inside(body, "config").and_then(|config| config.get("retention.ms"))
}

fn of_object(kind: &str, name: &str, body: &Node, place: &Place) -> Option<Mechanism> {
    let made = |place: &Place, period: Option<u64>, words: String| {
        Some(Mechanism {
            place: place.clone(),
            name: format!("the {kind} {name}"),
            period,
            words: words.to_lowercase(),
        })
    };
    match kind {
        "KafkaTopic" => {
            let node = body.at("spec.config").and_then(|config| config.get("retention.ms"))?;
            let period = node
                .int()
                .and_then(|milliseconds| u64::try_from(milliseconds).ok())
                .map(|milliseconds| milliseconds / 1000);
            made(&node.place, period, format!("{name} events messages {}", said_by(body)))
        }
        "Prometheus" => {
            let node = body.at("spec.retention")?;
            made(&node.place, node.str().and_then(figures::duration), "metrics metric 指标".to_owned())
        }
        "CronJob" => purge_job(name, place, body),
        // Velero deletes what its schedule has made when its time is over.
        "Schedule" => {
            let node = body.at("spec.template.ttl")?;
            made(&node.place, node.str().and_then(figures::duration), format!("{name} backups backup 备份"))
        }
        "ConfigMap" => {
            let mut found = None;
            body.walk(&mut |node| {
                if let Some(text) = node.str().filter(|text| found.is_none() && text.contains("retention_period:")) {
                    let period = text
                        .split_once("retention_period:")
                        .and_then(|(_, rest)| figures::duration(rest.lines().next()?));
                    found = Some((node.place.clone(), period));
                }
            });
            let (place, period) = found?;
            made(&place, period, "logs log 日志".to_owned())
        }
        _ => None,
    }
}

/// A scheduled job whose name or command says that it deletes what is old.
fn purge_job(name: &str, place: &Place, body: &Node) -> Option<Mechanism> {
    const WORDS: &[&str] = &[
        "purge",
        "retention",
        "cleanup",
        "clean-up",
        "prune",
        "expire",
        "housekeep",
        "delete-old",
        "gc",
        "vacuum-old",
        "archive",
    ];
    if body.bool_at("spec.suspend") == Some(true) {
        return None;
    }
    let mut words = format!("{name} ");
    for container in body.list("spec.jobTemplate.spec.template.spec.containers") {
        words.push_str(&said_by(container));
    }
    let words = words.to_lowercase();
    let says = words
        .split(|letter: char| !letter.is_alphanumeric() && letter != '-' && letter != '_')
        .any(|word| WORDS.iter().any(|known| word == *known || word.split(['-', '_']).any(|part| part == *known)))
        || (words.contains("delete from") && words.contains("interval"));
    says.then(|| Mechanism { place: place.clone(), name: format!("the CronJob {name}"), period: None, words })
}

fn retention_flag(word: &str, place: &Place, name: &str) -> Option<Mechanism> {
    let (flag, value) = word.split_once('=')?;
    let known = ["--storage.tsdb.retention.time", "--retention.resolution-raw", "--tsdb.retention", "-retentionPeriod"];
    known.contains(&flag).then(|| Mechanism {
        place: place.clone(),
        name: format!("{flag} of {name}"),
        period: figures::duration(value),
        words: "metrics metric 指标".to_owned(),
    })
}
