//! Caches forget: after a while, when they are full, and not all at once.

use gonogo_domain::{
    Area, Capability, Check, Classes, Evidence, Finding, Gate, Message, Missing, Node, Place, Policy, Reading,
    Readings, Standard, Strength, Tally, Text,
    evidence::{Meaning, SettingValue, SourceCode, Use, Workload},
    merge,
};

use crate::shared::{outbound, production_workloads};

pub(crate) static CHECK: Check = Check {
    id: "performance.caching",
    title: Text {
        en: "Caches have a TTL, a bound, and stampede protection", zh: "缓存具备 TTL、容量上限与防击穿保护"
    },
    source: &["B3.3e"],
    standard: Standard::ProductionReadiness,
    area: Area::Performance,
    level: None,
    gate: Gate::Advised,
    min: Strength::Configured,
    classes: Classes::RUNNING_CODE,
    fresh_days: None,
    record: &[],
    remediation: Text {
        en: "Give every entry a TTL with some chance in it, the cache a bound with an eviction policy (maxmemory and allkeys-lru), and let one caller refresh while the others wait or get the old value.",
        zh: "为每个条目设置带随机抖动的 TTL，为缓存设置上限与淘汰策略（maxmemory 与 allkeys-lru），并由单个调用者刷新而其余等待或使用旧值。",
    },
    references: &["https://redis.io/docs/latest/develop/reference/eviction/"],
    page: include_str!("caching.md"),
    judge,
};

fn judge(evidence: &Evidence<'_>, _policy: &Policy) -> Readings {
    Readings::configured(configured(evidence))
}

fn configured(evidence: &Evidence<'_>) -> Result<Reading, Missing> {
    let packages = evidence.packages()?;
    // A queue in Redis must not evict: there, the same setting is right.
    let queue = packages.iter().any(|package| !package.dependencies_for(Capability::Queue).is_empty());
    let mut findings = unbounded_side_cars(&production_workloads(evidence)?);
    for object in evidence.objects_of(&["ConfigMap"])?.into_iter().filter(|object| object.production) {
        for entry in object.body.get("data").map(Node::entries).unwrap_or_default() {
            if let Some(text) = entry.node.str().filter(|_| entry.key.contains("redis") || entry.key.contains("valkey"))
                && keeps_everything(text)
            {
                findings.push(full(&entry.node.place).in_environment(object.environment.as_deref()));
            }
        }
    }
    let resources = evidence.infrastructure()?;
    for resource in resources.iter().filter(|resource| resource.kind == "aws_elasticache_parameter_group") {
        for parameter in resource.body.list("parameter") {
            if parameter.str_at("name") == Some("maxmemory-policy") && parameter.str_at("value") == Some("noeviction") {
                findings.push(full(&parameter.place));
            }
        }
    }
    for resource in resources.iter().filter(|resource| resource.kind == "google_redis_instance") {
        let policy = resource.body.get("redis_configs").and_then(|all| all.get("maxmemory-policy"));
        findings.extend(policy.filter(|policy| policy.str() == Some("noeviction")).map(|policy| full(&policy.place)));
    }
    if !findings.is_empty() && !queue {
        return Ok(Reading::refuted(
            merge(findings),
            "a cache has no bound that it keeps by forgetting",
            "缓存没有通过淘汰来保持的上限",
        ));
    }
    let depends =
        evidence.service().dependencies.iter().any(|one| matches!(one.kind.as_str(), "redis" | "memcached" | "valkey"));
    let client = packages.iter().any(|package| !package.dependencies_for(Capability::Cache).is_empty());
    let source = evidence.source();
    if let Ok(source) = &source
        && let Some(reading) = in_source(source)
    {
        return Ok(reading);
    }
    if depends || client {
        // Which entries have a TTL, and who refreshes them, is in the code.
        let files = outbound::files(source?);
        return Ok(Reading::elsewhere(
            Message::new(
                format!("a cache is declared, and no entry that is put into it was recognised in {files} files"),
                format!("声明了缓存，但在 {files} 个文件中未识别出写入缓存的调用"),
            ),
            Message::new("calls of a cache that gonogo knows, with their TTL", "可识别的缓存调用及其 TTL"),
        ));
    }
    Ok(Reading::not_applicable(
        "no cache is declared: neither a dependency, nor a client library, nor a side-car",
        "未声明缓存：依赖、客户端库与边车中均未发现",
    ))
}

/// The caches of the program and what it puts into others; none where there are none.
fn in_source(source: &SourceCode) -> Option<Reading> {
    let made = source.uses_for(&[Meaning::Cache]).filter(|(_, one)| !one.defaults.contains_key("protects"));
    let stored = source.uses_for(&[Meaning::CacheCall]).filter(|(_, one)| outbound::says(one, "stores", "yes"));
    let mut tally = Tally::new();
    for (_, one) in made {
        let key = one.place.to_string();
        let (ttl, bound) = (holds(one, "ttl"), holds(one, "bound"));
        let lacks = match (ttl, bound) {
            (true, true) => {
                tally.met(key, &one.place);
                continue;
            }
            (false, true) => ("keeps its entries for ever", "永久保留条目"),
            (true, false) => ("has no bound", "没有上限"),
            (false, false) => ("has neither a TTL nor a bound", "既无 TTL 也无上限"),
        };
        tally.miss(
            key,
            Finding::new(
                &one.place,
                format!("the cache of {} {}", one.symbol, lacks.0),
                format!("{} 的缓存{}", one.symbol, lacks.1),
            ),
        );
    }
    for (_, one) in stored {
        let key = one.place.to_string();
        if one.settings.contains_key("ttl") && holds(one, "ttl") {
            tally.met(key, &one.place);
        } else {
            tally.miss(
                key,
                Finding::new(
                    &one.place,
                    format!("{} stores without a TTL", one.symbol),
                    format!("{} 写入时没有 TTL", one.symbol),
                ),
            );
        }
    }
    if tally.is_empty() {
        return None;
    }
    let count = tally.count();
    let protects = source
        .uses_for(&[Meaning::Cache])
        .find(|(_, one)| outbound::says(one, "protects", "yes"))
        .map(|(_, one)| one.place.clone());
    let reading = tally.reading("caches and stored entries have a TTL and a bound", "个缓存与写入条目有 TTL 和上限");
    if count.met < count.of || protects.is_some() {
        return Some(reading.with_witnesses(protects));
    }
    let place = reading.witnesses.first().cloned().unwrap_or_else(|| Place::whole("."));
    let finding = Finding::new(
        &place,
        "when an entry runs out, all who ask for it compute it at once",
        "条目过期时，所有请求方会同时重新计算",
    );
    Some(Reading::partly(
        reading.witnesses,
        vec![finding],
        "caches have a TTL and a bound; nothing protects against a stampede",
        "缓存有 TTL 和上限；没有防击穿保护",
    ))
}

/// A setting that is there and is more than nothing; what was not followed is taken for set.
fn holds(one: &Use, name: &str) -> bool {
    match one.settings.get(name).map(|setting| &setting.value) {
        Some(SettingValue::Number(number) | SettingValue::Duration(number)) => *number > 0.0,
        Some(SettingValue::Flag(set)) => *set,
        Some(_) => true,
        None => one.defaults.get(name).is_none_or(|default| default != "none"),
    }
}

/// A cache in the pod itself that may take all of its memory.
fn unbounded_side_cars(workloads: &[&Workload]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for workload in workloads {
        for container in &workload.containers {
            let Some(image) = &container.image else { continue };
            let name = image.value.repository.rsplit('/').next().unwrap_or_default();
            if !matches!(name, "redis" | "valkey") || workload.containers.len() < 2 {
                continue;
            }
            let words: Vec<&str> = container
                .command
                .iter()
                .chain(&container.args)
                .flat_map(|one| &one.value)
                .map(String::as_str)
                .collect();
            let text = words.join(" ");
            // With a file of its own the bound stands there.
            let file = words.iter().any(|word| word.rsplit_once('.').is_some_and(|(_, extension)| extension == "conf"));
            if !file && (!text.contains("maxmemory ") || text.contains("noeviction")) {
                findings.push(full(&container.place).in_environment(workload.environment.as_deref()));
            }
        }
    }
    findings
}

/// redis.conf that refuses writes when it is full, in words.
fn keeps_everything(text: &str) -> bool {
    text.lines().any(|line| {
        let mut words = line.split_whitespace();
        words.next() == Some("maxmemory-policy") && words.next() == Some("noeviction")
    })
}

fn full(place: &Place) -> Finding {
    Finding::new(
        place,
        "the cache evicts nothing: once it is full, writes fail",
        "缓存不淘汰任何条目：写满后写入将失败",
    )
}
