//! A health endpoint that reports each dependency.

use std::collections::BTreeMap;

use gonogo_domain::{
    Area, Check, Classes, Dependency, Evidence, Finding, Gate, Level, Message, Missing, Place, Policy, Reading,
    Readings, Standard, Strength, Tally, Text,
    evidence::{
        FunctionId, Healthcheck, InstructionKind, Meaning, ProbeAction, ServedRoute, SettingValue, SourceCode,
        SourceText, SourceTextKind, Use,
    },
    known_packages,
    secret::of_platform,
};

use crate::shared::{health, production_workloads, program};

pub(crate) static CHECK: Check = Check {
    id: "health.endpoint",
    title: Text {
        en: "Every deployable unit exposes a health endpoint that reports each dependency's status",
        zh: "每个可部署单元都提供健康端点，并报告各依赖的状态",
    },
    source: &["B4.1a", "B6.1"],
    standard: Standard::ProductionReadiness,
    area: Area::Health,
    level: Some(Level::L1),
    gate: Gate::Never,
    min: Strength::Configured,
    classes: Classes::LONG_RUNNING_CODE,
    fresh_days: None,
    record: &[],
    remediation: Text {
        en: "Serve a health endpoint that names every dependency with its status, and let a probe or HEALTHCHECK ask it.",
        zh: "提供逐一列出各依赖状态的健康端点，并由探针或 HEALTHCHECK 访问它。",
    },
    references: &["https://datatracker.ietf.org/doc/html/draft-inadarei-api-health-check"],
    page: include_str!("endpoint.md"),
    judge,
};

fn judge(evidence: &Evidence<'_>, _policy: &Policy) -> Readings {
    program::readings(declared(evidence), configured(evidence))
}

/// What already says that somebody asks for health, and where.
fn declared(evidence: &Evidence<'_>) -> Result<Reading, Missing> {
    let asked = health::asked(evidence)?;
    let mut paths: Vec<&str> = asked.iter().map(|(_, path)| path.as_str()).collect();
    paths.sort_unstable();
    paths.dedup();
    if paths.is_empty() {
        let place = evidence.service().place();
        return Ok(Reading::absent(Finding::new(
            &place,
            "no probe, HEALTHCHECK or API description names a health endpoint",
            "没有探针、HEALTHCHECK 或 API 描述提到健康端点",
        )));
    }
    let list = paths.join(", ");
    Ok(Reading::shown(
        asked.iter().map(|(place, _)| place.clone()),
        format!("health is asked at {list}; what it reports is in the source"),
        format!("健康检查访问 {list}；其报告内容需看源代码"),
    ))
}

fn configured(evidence: &Evidence<'_>) -> Result<Reading, Missing> {
    let findings = cannot_fail(evidence)?;
    if !findings.is_empty() {
        let summary = Message::new("a health check that always says yes reports nothing", "永远成功的健康检查毫无意义");
        return Ok(Reading::refuted(findings, summary.en, summary.zh));
    }
    let source = evidence.source()?;
    let asked = health::asked(evidence)?;
    let mut routes = health::routes(source, &asked);
    if routes.is_empty() && health::speaks_grpc(source, &asked) {
        routes = health::grpc_routes(source);
    }
    if routes.is_empty() {
        return Ok(no_route(evidence, source, &asked));
    }
    let dependencies = dependencies(source, &evidence.service().dependencies);
    let mut titles: Vec<String> = routes.iter().map(health::title).collect();
    titles.sort();
    titles.dedup();
    let titles = titles.join(", ");
    if dependencies.is_empty() {
        let known = &evidence.service().dependencies;
        return Ok(match known.first() {
            None => Reading::shown(
                routes.iter().map(|route| route.place.clone()),
                format!("{titles} answers, and the program calls nothing that it could report"),
                format!("{titles} 可应答，且程序没有可供报告的外部调用"),
            ),
            Some(one) => program::trail_ends(
                format!("it depends on {}, and no call of it was recognised that {titles} could report", one.name),
                format!("它依赖 {}，但未识别出 {titles} 可报告的调用", one.name),
            ),
        });
    }
    let reached: Vec<&Use> = routes.iter().flat_map(|route| health::asks_of(source, route)).collect();
    let handlers = routes.iter().filter_map(|route| route.handler).filter_map(|at| source.functions.get(at));
    let answered: Vec<&str> = handlers.flat_map(|handler| &handler.fields).map(String::as_str).collect();
    let mut tally = Tally::new();
    // The endpoint that a person would complete: the one that reports the most.
    let fullest =
        routes.iter().max_by_key(|route| (health::asks_of(source, route).len(), std::cmp::Reverse(&route.place)));
    let Some(fullest) = fullest else { return Ok(no_route(evidence, source, &asked)) };
    for (name, (kind, call)) in &dependencies {
        let answers = |field: &&str| speaks_of(field, name, *kind, call);
        if reached.iter().any(|one| reports(source, one, name, *kind)) || answered.iter().any(answers) {
            tally.met(name.clone(), &fullest.place);
        } else {
            let title = health::title(fullest);
            let finding = Finding::new(
                &fullest.place,
                format!("{title} does not report {}", spoken(name, call)),
                format!("{title} 未报告 {} 的状态", spoken(name, call)),
            );
            tally.miss(name.clone(), finding.also(&call.place, "it is called here", "在此处调用"));
        }
    }
    let count = tally.count();
    if count.met < count.of
        && let Some((place, trail)) = trail(source, &routes)
    {
        return Ok(program::trail_ends(
            format!(
                "{} of {} dependencies are reported by {titles}; its trail ends at {place} ({trail})",
                count.met, count.of
            ),
            format!("{titles} 报告了 {} 个依赖中的 {} 个；线索止于 {place}（{trail}）", count.of, count.met),
        ));
    }
    Ok(tally.reading("dependencies are reported by the health endpoint", "个依赖由健康端点报告状态"))
}

/// Where the trail of one of the handlers ends.
fn trail(source: &SourceCode, routes: &[ServedRoute]) -> Option<(Place, String)> {
    routes.iter().find_map(|route| health::end_of(source, route))
}

/// Nothing of the program answers for health.
fn no_route(evidence: &Evidence<'_>, source: &SourceCode, asked: &[(Place, String)]) -> Reading {
    // Where it is told of a path, there is a route.
    let answers = |one: &&Use| program::default(one, "reports") != "that it runs";
    if let Some(library) = program::used(source, Meaning::HealthCheck).find(answers) {
        return program::trail_ends(
            format!("{} answers for health at {}; what it asks was not followed", library.symbol, library.place),
            format!("{} 处由 {} 应答健康检查；其检查内容未能追踪", library.place, library.symbol),
        );
    }
    let served = source.routes.iter().filter(|route| route.role.counts()).count();
    // A path of health that is no route of those that were recognised is answered in another way.
    let mut texts = source.texts.iter().filter(|text| text.kind == SourceTextKind::HealthPath && text.role.counts());
    let in_page = |at: FunctionId| source.functions.get(at).is_some_and(|function| function.browser);
    if let Some(path) = texts.find(|text| !in_page(text.function) && !sent_to_others(source, text)) {
        return program::trail_ends(
            format!("{} stands at {}; what answers there was not followed", path.text, path.place),
            format!("{} 出现在 {}；其应答方式未能追踪", path.text, path.place),
        );
    }
    // What a probe of production asks is answered somewhere.
    let is_asked = asked.iter().any(|(_, path)| path == health::GRPC);
    let listens = program::used(source, Meaning::Listen).next().is_some();
    if served == 0 && !is_asked && listens && health::speaks_grpc(source, asked) {
        return program::nothing(
            evidence,
            source,
            &[Meaning::HealthCheck],
            "nothing implements grpc.health.v1.Health",
            "没有实现 grpc.health.v1.Health",
        );
    }
    if served == 0 {
        return program::trail_ends(
            format!("no route was recognised in {}", program::counted(program::files(source))),
            format!("{} 个源文件中未识别出路由", program::files(source)),
        );
    }
    program::nothing(
        evidence,
        source,
        &[Meaning::Route],
        &(if served == 1 {
            "the only route does not answer for health".to_owned()
        } else {
            format!("none of {served} routes answers for health")
        }),
        &format!("{served} 个路由中没有健康端点"),
    )
}

/// A call to another service stands in the same line.
fn sent_to_others(source: &SourceCode, text: &SourceText) -> bool {
    let here = |one: &&Use| one.place.path() == text.place.path() && one.place.line() == text.place.line();
    program::used(source, Meaning::HttpCall).any(|one| here(&one))
}

/// What the program calls over the network, by a name for each dependency, with one of the calls. What is called where was
/// not followed is the one that the configuration names, if that is one alone.
fn dependencies<'a>(source: &'a SourceCode, named: &[Dependency]) -> BTreeMap<String, (Meaning, &'a Use)> {
    let mut over_http = named.iter().filter(|one| one.kind == "http");
    let only = over_http.next().filter(|_| over_http.next().is_none());
    let mut dependencies = BTreeMap::new();
    let pages = program::Pages::of(source);
    let platform = |one: &Use| {
        let address = one.settings.get("address").and_then(|address| address.value.text());
        address.and_then(host).is_some_and(of_platform)
    };
    let outbound = source.uses.iter().filter(|one| one.role.counts() && one.meaning.is_outbound());
    for one in outbound.filter(|one| !pages.draw(one) && !platform(one)) {
        let name = match only.filter(|_| one.meaning == Meaning::HttpCall && !is_addressed(source, one)) {
            Some(only) => only.name.clone(),
            None => name(source, one),
        };
        dependencies.entry(name).or_insert((kind(one.meaning), one));
    }
    dependencies
}

/// The host of a call, or the variable that holds it, is written at the call or at its client.
fn is_addressed(source: &SourceCode, one: &Use) -> bool {
    let client = one.client.and_then(|at| source.uses.get(at));
    let mut addresses = [Some(one), client].into_iter().flatten().filter_map(|one| one.settings.get("address"));
    addresses.any(|setting| match &setting.value {
        SettingValue::Text(text) => host(text).is_some(),
        SettingValue::Environment(..) => true,
        _ => false,
    })
}

/// A queue is one dependency, whether it is written or read.
fn kind(meaning: Meaning) -> Meaning {
    if meaning == Meaning::QueueConsume { Meaning::QueuePublish } else { meaning }
}

/// What a dependency goes by: its host where that is written at the call or at its client, the variable that holds it, else
/// its library.
fn name(source: &SourceCode, one: &Use) -> String {
    let client = one.client.and_then(|at| source.uses.get(at));
    let mut addresses = [Some(one), client].into_iter().flatten().filter_map(|one| one.settings.get("address"));
    let host = addresses.find_map(|setting| match &setting.value {
        SettingValue::Text(text) => host(text).map(str::to_owned),
        SettingValue::Environment(name, _) => Some(name.clone()),
        _ => None,
    });
    let library = one.package.clone().unwrap_or_else(|| {
        one.symbol.rsplit_once('.').map_or_else(|| one.symbol.clone(), |(before, _)| before.to_owned())
    });
    match one.meaning {
        Meaning::HttpCall => host.unwrap_or_else(|| format!("{library} (HTTP)")),
        Meaning::GrpcCall => host.unwrap_or_else(|| format!("{library} (gRPC)")),
        // `database/sql.DB`, `database/sql.Tx`: the types of one library lead to one database.
        _ => match library.rsplit_once('.') {
            Some((before, last)) if one.package.is_none() && last.starts_with(char::is_uppercase) => before.to_owned(),
            _ => library,
        },
    }
}

/// A dependency as people speak of it: what its library connects to, with the library behind it.
fn spoken(name: &str, call: &Use) -> String {
    let Some(package) = call.package.as_deref().filter(|package| *package == name) else { return name.to_owned() };
    let known = known_packages().iter().find(|known| known.name.eq_ignore_ascii_case(package));
    let what = known.and_then(|known| known.connects.as_deref()).or_else(|| match kind(call.meaning) {
        Meaning::DatabaseCall => Some("the database"),
        Meaning::CacheCall => Some("the cache"),
        Meaning::QueuePublish => Some("the queue"),
        _ => None,
    });
    what.filter(|what| *what != name).map_or_else(|| name.to_owned(), |what| format!("{what} ({name})"))
}

/// The host of `https://api.example/v1`; none where it is put together.
fn host(address: &str) -> Option<&str> {
    let host = address.split_once("://")?.1.split(['/', '?', ':']).next()?;
    (!host.is_empty() && !host.contains(['{', '$'])).then_some(host)
}

/// What a handler asks says how this dependency is.
fn reports(source: &SourceCode, one: &Use, dependency: &str, of: Meaning) -> bool {
    if one.meaning == Meaning::HealthCheck {
        return match (program::default(one, "asks"), of) {
            ("database", Meaning::DatabaseCall | Meaning::CacheCall) | ("queue", Meaning::QueuePublish) => true,
            ("http", Meaning::HttpCall) => {
                let address = one.settings.get("address").and_then(|setting| setting.value.text());
                address.is_none_or(|address| host(address) == Some(dependency))
            }
            _ => false,
        };
    }
    kind(one.meaning) == of && (!matches!(of, Meaning::HttpCall) || name(source, one) == dependency)
}

/// A field of the answer, `redis` or `database_status`, is about this dependency.
fn speaks_of(field: &str, name: &str, kind: Meaning, call: &Use) -> bool {
    const DATABASES: &[&str] =
        &["db", "database", "sql", "pdo", "postgres", "postgresql", "mysql", "mongo", "mongodb", "store", "storage"];
    let known: &[&str] = match kind {
        Meaning::DatabaseCall => DATABASES,
        Meaning::CacheCall => &["cache", "redis", "valkey", "memcached"],
        Meaning::QueuePublish => &["queue", "broker", "amqp", "rabbit", "rabbitmq", "kafka", "nats"],
        _ => &[],
    };
    // A store of one kind is no store of another.
    let other = DATABASES.iter().skip(3).chain(&["redis", "cache"]).find(|word| words(field).any(|one| one == **word));
    let package = call.package.as_deref().unwrap_or_default();
    let named = words(name).chain(words(package)).filter(|word| word.len() > 3);
    let named: Vec<String> = named.collect();
    words(field).any(|word| named.contains(&word))
        || known.iter().any(|known| words(field).any(|word| word == *known))
            && other.is_none_or(|other| {
                let plain = package.to_ascii_lowercase();
                known.contains(other) && (plain.contains(other) || plain.is_empty() || *other == "cache")
            })
}

/// The words of a name, in lower case: `mongoConnected`, `pdo_connectivity`.
fn words(name: &str) -> impl Iterator<Item = String> {
    let mut spaced = String::with_capacity(name.len() + 4);
    for letter in name.chars() {
        if letter.is_ascii_uppercase() {
            spaced.push(' ');
        }
        spaced.push(if letter.is_ascii_alphanumeric() { letter.to_ascii_lowercase() } else { ' ' });
    }
    spaced.split_whitespace().map(str::to_owned).collect::<Vec<_>>().into_iter()
}

/// Commands that say yes before anything was asked.
fn cannot_fail(evidence: &Evidence<'_>) -> Result<Vec<Finding>, Missing> {
    let mut findings = Vec::new();
    for image in evidence.images()? {
        for instruction in image.final_instructions() {
            if let InstructionKind::Healthcheck(Healthcheck::Probe(probe)) = &instruction.kind
                && let ProbeAction::Exec { command } = &probe.action
                && always_succeeds(command)
            {
                findings.push(Finding::new(
                    &instruction.place,
                    "HEALTHCHECK runs a command that cannot fail",
                    "HEALTHCHECK 执行的命令不可能失败",
                ));
            }
        }
    }
    for workload in production_workloads(evidence)? {
        for container in workload.main_containers() {
            for probe in [&container.readiness, &container.liveness].into_iter().flatten() {
                if let ProbeAction::Exec { command } = &probe.action
                    && always_succeeds(command)
                {
                    findings.push(
                        Finding::new(
                            &probe.place,
                            "the probe runs a command that cannot fail",
                            "探针执行的命令不可能失败",
                        )
                        .in_environment(workload.environment.as_deref()),
                    );
                }
            }
        }
    }
    Ok(findings)
}

/// `true`, `exit 0`, `echo …`: the answer is yes before anything was asked.
fn always_succeeds(command: &[String]) -> bool {
    let words: Vec<&str> = command.iter().flat_map(|part| part.split_whitespace()).collect();
    let words = match words.as_slice() {
        ["sh" | "/bin/sh" | "bash" | "/bin/bash", "-c", rest @ ..] => rest,
        all => all,
    };
    matches!(words, ["true" | "/bin/true" | ":"] | ["exit", "0"])
        || matches!(words, ["echo", rest @ ..] if !rest.iter().any(|word| matches!(*word, "|" | "&&" | "||" | ";")))
        || matches!(words, [.., "||", "exit", "0"] | [.., "||", "true"])
}
