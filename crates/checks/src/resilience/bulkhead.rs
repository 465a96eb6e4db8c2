//! Critical paths are isolated from others.

use gonogo_domain::{
    Area, Capability, Check, Classes, Evidence, Finding, Gate, Message, Missing, Place, Policy, Reading, Readings,
    Standard, Strength, Text,
    evidence::{Meaning, Use},
};

use crate::shared::{
    declared_library,
    outbound::{self, Coverage},
};

pub(crate) static CHECK: Check = Check {
    id: "resilience.bulkhead",
    title: Text {
        en: "Critical paths are isolated from non-critical ones", zh: "关键路径与非关键路径相互隔离"
    },
    source: &["B4.2f"],
    standard: Standard::ProductionReadiness,
    area: Area::Resilience,
    level: None,
    gate: Gate::Required,
    min: Strength::Configured,
    classes: Classes::RUNNING_CODE,
    fresh_days: None,
    record: &[],
    remediation: Text {
        en: "Give each dependency its own pool or semaphore, and let what is critical share none with what is not.",
        zh: "为每个依赖配置独立的连接池或信号量，关键路径不与非关键路径共享。",
    },
    references: &["https://learn.microsoft.com/azure/architecture/patterns/bulkhead"],
    page: include_str!("bulkhead.md"),
    judge,
};

fn judge(evidence: &Evidence<'_>, _policy: &Policy) -> Readings {
    outbound::readings(configured(evidence), || {
        declared_library(evidence, Capability::Bulkhead, "bulkheads", "舱壁隔离")
    })
}

/// Pools and semaphores of the program, or connection pools that the mesh keeps for each host.
fn configured(evidence: &Evidence<'_>) -> Result<Reading, Missing> {
    let pools: Vec<Place> = evidence
        .objects_of(&["DestinationRule"])?
        .into_iter()
        .filter(|rule| rule.production)
        .filter_map(|rule| rule.body.at("spec.trafficPolicy.connectionPool").map(|pool| pool.place.clone()))
        .collect();
    if pools.len() > 1 {
        return Ok(Reading::shown(
            pools,
            "the mesh keeps a pool of connections of its own for each called host",
            "网格为每个被调用主机维护独立的连接池",
        ));
    }
    let source = evidence.source()?;
    let calls = outbound::calls(evidence)?;
    if calls.is_empty() {
        return outbound::nothing_leaves(evidence, source);
    }
    let services = outbound::to_services(&calls);
    let clients: std::collections::BTreeSet<String> = services.iter().map(|(_, call)| client(call)).collect();
    if clients.len() < 2 {
        return Ok(match clients.len() {
            0 => Reading::not_applicable(
                "no call goes to another service: there is nothing to keep apart",
                "未调用其他服务：无需相互隔离",
            ),
            _ => Reading::not_applicable(
                "1 dependency is called: there is nothing to keep apart",
                "只调用 1 个依赖：无需相互隔离",
            ),
        });
    }
    let walls: Vec<&Use> = source.uses_for(&[Meaning::Bulkhead]).map(|(_, one)| one).collect();
    let open: Vec<Finding> = walls
        .iter()
        .filter(|one| outbound::says(one, "bound", "none") && !one.settings.contains_key("bound"))
        .map(|one| {
            Finding::new(
                &one.place,
                format!("{} is made without a bound: it keeps nothing apart", one.symbol),
                format!("{} 创建时没有上限：起不到隔离作用", one.symbol),
            )
        })
        .collect();
    if !open.is_empty() {
        return Ok(Reading::refuted(open, "a bulkhead has no bound", "舱壁没有上限"));
    }
    let coverage = Coverage::of(source, &[Meaning::Bulkhead, Meaning::CircuitBreaker]);
    let bounded = |one: &Use| one.meaning == Meaning::Bulkhead || one.defaults.contains_key("bound");
    let apart: std::collections::BTreeSet<&Place> = services
        .iter()
        .flat_map(|(_, call)| coverage.around(call.function))
        .filter_map(|at| source.uses.get(*at))
        .filter(|one| bounded(one))
        .map(|one| &one.place)
        .collect();
    if apart.len() > 1 || walls.len() > 1 {
        let places = if apart.len() > 1 {
            apart.into_iter().cloned().collect()
        } else {
            walls.iter().map(|one| one.place.clone()).collect::<Vec<_>>()
        };
        return Ok(Reading::shown(
            places,
            "calls run in bounded compartments of their own",
            "调用在各自有界的隔舱中运行",
        ));
    }
    Ok(Reading::elsewhere(
        Message::new(
            format!(
                "{} outbound clients, and {} bounded compartments for them in the source",
                clients.len(),
                walls.len()
            ),
            format!("源码中有 {} 个出站客户端，为其设置了 {} 个有界隔舱", clients.len(), walls.len()),
        ),
        Message::new(
            "which paths are critical, and the pool, semaphore or deployment that keeps each apart",
            "哪些路径是关键路径，以及隔离它们的连接池、信号量或部署",
        ),
    ))
}

/// What a call goes through: the host that it names, else what made its client, else its library.
fn client(call: &Use) -> String {
    let host = call.settings.get("address").and_then(|setting| setting.value.text()).and_then(|address| {
        let rest = address.split_once("://")?.1;
        rest.split(['/', ':', '?']).next().map(str::to_owned)
    });
    host.or_else(|| call.client.map(|client| format!("#{client}"))).unwrap_or_else(|| call.symbol.clone())
}
