//! Every outbound call has a timeout.

use std::time::Duration;

use gonogo_domain::{
    Area, Check, Classes, Evidence, Finding, Gate, Level, Message, Missing, Place, Policy, Reading, Readings, Standard,
    Strength, Tally, Text,
    evidence::{EnvValue, Meaning, Object, SettingsKind, SourceCode, SourceTextKind, Use},
};

use crate::shared::{
    entrances::leads_here,
    figures::duration,
    outbound::{self, Bound},
    production_workloads,
};

pub(crate) static CHECK: Check = Check {
    id: "resilience.timeouts",
    title: Text {
        en: "Every outbound call (HTTP, database, queue) has a timeout",
        zh: "每个出站调用（HTTP、数据库、队列）都有超时",
    },
    source: &["B4.2e"],
    standard: Standard::ProductionReadiness,
    area: Area::Resilience,
    level: Some(Level::L2),
    gate: Gate::Required,
    min: Strength::Configured,
    classes: Classes::RUNNING_CODE,
    fresh_days: None,
    record: &[],
    remediation: Text {
        en: "Set a timeout on every HTTP client, database connection and queue consumer, shorter than that of whoever waits for you.",
        zh: "为每个 HTTP 客户端、数据库连接与队列消费者设置超时，且短于上游等待时间。",
    },
    references: &["https://aws.amazon.com/builders-library/timeouts-retries-and-backoff-with-jitter/"],
    page: include_str!("timeouts.md"),
    judge,
};

fn judge(evidence: &Evidence<'_>, _policy: &Policy) -> Readings {
    Readings::configured(configured(evidence))
}

/// A default that bounds a call to more than this, in milliseconds, bounds nothing that a user waits for: 300 s of fetch and
/// aiohttp are such.
const LONGEST: f64 = 120_000.0;

fn configured(evidence: &Evidence<'_>) -> Result<Reading, Missing> {
    let switched_off = switched_off(evidence)?;
    if !switched_off.is_empty() {
        return Ok(Reading::refuted(switched_off, "a timeout is switched off", "有超时被关闭"));
    }
    let source = evidence.source()?;
    let calls = outbound::calls(evidence)?;
    if calls.is_empty() {
        return outbound::nothing_leaves(evidence, source);
    }
    let by_address = by_address(evidence, source)?;
    let mut tally = Tally::new();
    let mut open = Vec::new();
    let asked = outbound::on_request_path(source);
    let ends = ends(evidence, source)?;
    for (id, call) in calls {
        let key = call.place.to_string();
        let symbol = &call.symbol;
        let miss = |en: String, zh: String| Finding::new(&call.place, en, zh);
        let bound = outbound::bound(source, id, call);
        // Nobody waits any longer for what comes after that.
        if let (Bound::At(length, place), Some((end, outer))) = (&bound, &ends)
            && length > end
            && asked.contains_key(&call.function)
        {
            let (length, end) = (length / 1000.0, end / 1000.0);
            tally.miss(
                format!("outlasts {place}"),
                Finding::new(
                    place,
                    format!("a call may take {length} s, and the request that it is made for ends after {end} s"),
                    format!("调用可长达 {length} 秒，而其所属请求在 {end} 秒后结束"),
                )
                .also(outer, "the request ends here", "请求在此处结束"),
            );
        }
        match bound {
            Bound::At(_, place) | Bound::Made(place) => tally.met(key, &place),
            Bound::Default(length) if length > LONGEST => tally.miss(
                key,
                miss(
                    format!("{symbol} has no timeout, and {} waits {} s by default", library(call), length / 1000.0),
                    format!("{symbol} 没有超时，而 {} 默认等待 {} 秒", library(call), length / 1000.0),
                ),
            ),
            Bound::Default(_) => tally.met(key, &call.place),
            Bound::Never if call.meaning == Meaning::DatabaseCall && by_address.is_some() => {
                tally.met(key, by_address.as_ref().unwrap_or(&call.place));
            }
            Bound::Never => tally.miss(
                key,
                miss(
                    format!("{symbol} has no timeout, and {} waits for ever by default", library(call)),
                    format!("{symbol} 没有超时，而 {} 默认会无限等待", library(call)),
                ),
            ),
            Bound::Off(place) => tally.miss(
                key,
                miss(
                    format!("{symbol} waits for ever: its timeout is switched off"),
                    format!("{symbol} 的超时被关闭，将无限等待"),
                )
                .also(&place, "switched off here", "在此处关闭"),
            ),
            Bound::Discarded(place) => tally.miss(
                key,
                miss(
                    format!("{symbol} runs without the deadline that is made for it"),
                    format!("{symbol} 未使用为其创建的期限"),
                )
                .also(&place, "the deadline is thrown away here", "期限在此处被丢弃"),
            ),
            Bound::NotFollowed(place) => open.push((call, place)),
        }
    }
    // Who asks slowly holds a connection as well.
    let mut servers = 0;
    for (_, server) in source.uses_for(&[Meaning::Listen]) {
        let place = &server.place;
        let bounded = server.settings.get("timeout");
        if bounded.is_some() {
            servers += 1;
            tally.met(place.to_string(), place);
        } else if outbound::says(server, "timeout", "none") {
            servers += 1;
            let symbol = &server.symbol;
            tally.miss(
                place.to_string(),
                Finding::new(
                    place,
                    format!("{symbol} gives no time for reading a request: a slow client holds a connection for ever"),
                    format!("{symbol} 未限制读取请求的时间：慢速客户端可永久占用连接"),
                ),
            );
        }
    }
    let count = tally.count();
    if count.met == count.of
        && let Some((call, place)) = open.first()
    {
        return Ok(Reading::elsewhere(
            Message::new(
                format!(
                    "{} of {} outbound calls have a timeout; {} could not be followed: the trail of {} ends at {place}",
                    count.met,
                    count.of + open.len(),
                    open.len(),
                    call.symbol,
                ),
                format!(
                    "{} 个出站调用中有 {} 个有超时；{} 个无法追踪：{} 的线索止于 {place}",
                    count.of + open.len(),
                    count.met,
                    open.len(),
                    call.symbol,
                ),
            ),
            Message::new("a timeout that is written at the call or at its client", "在调用处或其客户端处写明超时"),
        ));
    }
    Ok(if servers == 0 {
        tally.reading("outbound calls have a timeout", "个出站调用设有超时")
    } else {
        tally.reading("outbound calls and listening servers have a timeout", "个出站调用与监听服务器设有超时")
    })
}

/// Milliseconds after which a request ends, and where that is written: at the server, or at an entrance before it.
fn ends(evidence: &Evidence<'_>, source: &SourceCode) -> Result<Option<(f64, Place)>, Missing> {
    let mut found: Vec<(f64, Place)> = Vec::new();
    // With several servers, which of them a request came to is not followed.
    let servers: Vec<&Use> = source.uses_for(&[Meaning::Listen]).map(|(_, server)| server).collect();
    let written = |server: &&Use| {
        let setting = server.settings.get("write_timeout")?;
        Some((setting.value.milliseconds().filter(|length| *length > 0.0)?, setting.place.clone()))
    };
    if let Some(all) = servers.iter().map(written).collect::<Option<Vec<_>>>() {
        found.extend(all.into_iter().max_by(|one, other| one.0.total_cmp(&other.0)));
    }
    let objects: Vec<&Object> = evidence.objects()?.iter().filter(|object| object.production).collect();
    for object in objects.iter().filter(|object| leads_here(object, &objects)) {
        match object.kind.as_str() {
            "Ingress" => {
                let annotations = object.body.at("metadata.annotations");
                let node = annotations.and_then(|all| all.get("nginx.ingress.kubernetes.io/proxy-read-timeout"));
                let seconds = node.and_then(|node| node.str()?.parse::<f64>().ok());
                found.extend(seconds.zip(node).map(|(seconds, node)| (seconds * 1000.0, node.place.clone())));
            }
            "VirtualService" => {
                let timeouts = object.body.list("spec.http").iter().filter_map(|route| route.get("timeout"));
                let lengths: Vec<(u64, &Place)> =
                    timeouts.filter_map(|node| Some((duration(node.str()?)?, &node.place))).collect();
                // The longest of its routes: which one it is was not asked.
                if let Some((seconds, place)) = lengths.into_iter().max_by_key(|(seconds, _)| *seconds) {
                    found.push((Duration::from_secs(seconds).as_secs_f64() * 1000.0, place.clone()));
                }
            }
            _ => (),
        }
    }
    Ok(found.into_iter().min_by(|one, other| one.0.total_cmp(&other.0)))
}

fn library(call: &Use) -> &str {
    call.package.as_deref().unwrap_or("the standard client")
}

/// The place of an address of a database that bounds every statement: `postgres://db/shop?statement_timeout=5000`.
fn by_address(evidence: &Evidence<'_>, source: &SourceCode) -> Result<Option<Place>, Missing> {
    for workload in production_workloads(evidence)? {
        for variable in workload.main_containers().flat_map(|container| &container.env) {
            if let EnvValue::Literal(value) = &variable.value
                && bounds_statements(value)
            {
                return Ok(Some(variable.place.clone()));
            }
        }
    }
    let texts = source.texts.iter().filter(|text| text.role.counts() && text.kind == SourceTextKind::Address);
    if let Some(text) = texts.into_iter().find(|text| bounds_statements(&text.text)) {
        return Ok(Some(text.place.clone()));
    }
    for file in evidence.settings()?.iter().filter(|file| file.kind == SettingsKind::Application) {
        let mut found = None;
        file.body.walk(&mut |node| {
            if found.is_none() && node.str().is_some_and(bounds_statements) {
                found = Some(node.place.clone());
            }
        });
        if found.is_some() {
            return Ok(found);
        }
    }
    Ok(None)
}

/// A parameter of a connection string that ends a statement or a read that takes too long.
fn bounds_statements(address: &str) -> bool {
    const PARAMETERS: &[&str] = &[
        "statement_timeout",
        "sockettimeout",
        "socket_timeout",
        "sockettimeoutms",
        "read_timeout",
        "readtimeout",
        "command timeout",
        "commandtimeout",
        "timeoutms",
        "query_timeout",
        "max_execution_time",
    ];
    let lower = address.to_ascii_lowercase().replace("%3d", "=").replace("%20", " ");
    let parameters = lower.split_once(['?', ';']).map(|(_, parameters)| parameters).unwrap_or_default();
    PARAMETERS.iter().any(|name| {
        parameters.match_indices(name).any(|(at, _)| {
            let value = parameters.get(at + name.len()..).and_then(|rest| rest.strip_prefix('='));
            value.is_some_and(|value| value.starts_with(|letter: char| ('1'..='9').contains(&letter)))
        })
    })
}

/// Connection strings that say "wait for ever": counterexamples without any code.
fn switched_off(evidence: &Evidence<'_>) -> Result<Vec<Finding>, Missing> {
    let mut findings = Vec::new();
    for workload in production_workloads(evidence)? {
        for container in workload.main_containers() {
            for variable in &container.env {
                if let EnvValue::Literal(value) = &variable.value
                    && let Some(parameter) = waits_for_ever(value)
                {
                    findings.push(
                        Finding::new(
                            &variable.place,
                            format!("{} sets {parameter}: it waits for ever", variable.name),
                            format!("{} 设置了 {parameter}：将无限等待", variable.name),
                        )
                        .in_environment(workload.environment.as_deref()),
                    );
                }
            }
        }
    }
    Ok(findings)
}

/// A parameter of a connection string that switches a timeout off.
fn waits_for_ever(value: &str) -> Option<&'static str> {
    let (_, parameters) = value.split_once("://").and_then(|(_, rest)| rest.split_once('?'))?;
    let mut parameters = parameters.split(['&', ';']);
    parameters.find_map(|parameter| match parameter {
        "connect_timeout=0" => Some("connect_timeout=0"),
        "statement_timeout=0" => Some("statement_timeout=0"),
        "socketTimeout=0" => Some("socketTimeout=0"),
        "connectTimeout=0" => Some("connectTimeout=0"),
        "timeout=0" => Some("timeout=0"),
        _ => None,
    })
}
