//! One budget of calls for the whole workspace.

use gonogo_domain::{
    Area, Capability, Check, Classes, Evidence, Finding, Gate, Missing, Policy, Reading, Readings, Standard, Strength,
    Tally, Text, evidence::Meaning,
};

use crate::shared::{
    clay::{self, Integration},
    declared_library, outbound,
    outbound::Coverage,
    program, scaling,
};

pub(crate) static CHECK: Check = Check {
    id: "clay.rate-limit",
    title: Text {
        en: "Outbound limiter per workspace, Retry-After honoured",
        zh: "按工作区限制出站速率，并遵守 Retry-After",
    },
    source: &["C2.4", "D1.5"],
    standard: Standard::Clay,
    area: Area::Clay,
    level: None,
    gate: Gate::Required,
    min: Strength::Configured,
    classes: Classes::RUNNING_CODE,
    fresh_days: None,
    record: &[],
    remediation: Text {
        en: "Limit calls and their concurrency per workspace over all replicas, make the figure a setting, and wait as long as Retry-After says.",
        zh: "在所有副本间按工作区限制调用速率和并发，将数值设为可配置，并按 Retry-After 等待。",
    },
    references: &["https://developers.clay.com"],
    page: include_str!("rate_limit.md"),
    judge,
};

fn judge(evidence: &Evidence<'_>, _policy: &Policy) -> Readings {
    clay::asked(evidence, CHECK.min, || {
        program::readings(
            declared_library(evidence, Capability::RateLimit, "limiting rates", "限流"),
            configured(evidence),
        )
    })
}

/// One that is switched off by a setting limits nothing, whatever the source does.
fn configured(evidence: &Evidence<'_>) -> Result<Reading, Missing> {
    let mut findings = Vec::new();
    for setting in clay::settings(evidence)? {
        let limiter =
            setting.says("RATE") || setting.says("LIMITER") || setting.says("RPS") || setting.says("THROTTLE");
        let window = setting.says("WINDOW") || setting.says("REMAINING");
        if limiter && !window && setting.off() {
            findings.push(
                Finding::new(
                    setting.place,
                    format!("{} switches the limiter off in production", setting.name),
                    format!("{} 在生产环境关闭了限流", setting.name),
                )
                .in_environment(setting.environment),
            );
        }
    }
    if !findings.is_empty() {
        return Ok(Reading::refuted(
            findings,
            "nothing limits the calls to Clay in production",
            "生产环境中对 Clay 的调用不受限制",
        ));
    }
    in_source(evidence)
}

const LIMITS: &[Meaning] = &[Meaning::OutboundLimit, Meaning::ConcurrencyLimit, Meaning::RateLimit, Meaning::Bulkhead];

/// The calls wait their turn, and as long as Clay says.
fn in_source(evidence: &Evidence<'_>) -> Result<Reading, Missing> {
    let clay = clay::integration(evidence)?;
    if clay.calls.is_empty() {
        return Ok(clay.no_call());
    }
    let coverage = Coverage::of(clay.source, LIMITS);
    let by_hand = clay.by_hand(&["pace", "throttle", "limiter", "ratelimit", "tokenbucket", "semaphore"]);
    let (mut tally, mut unseen) = (Tally::new(), None);
    let mut apart = None;
    for call in &clay.calls {
        match (limiter(&clay, &coverage, call), by_hand) {
            (Some(limiter), _) => {
                tally.met(call.used.place.to_string(), &limiter.place);
                // How many calls are under way is each replica's own; how many in a second is not. A pace that asks a
                // store before each call is one for all of them.
                let counts = matches!(limiter.meaning, Meaning::OutboundLimit | Meaning::RateLimit);
                let shared = by_hand.and_then(|place| asks_a_store(&clay, place));
                match shared.filter(|_| !counts) {
                    Some(place) => tally.met("one budget", place),
                    None if !limiter.settings.contains_key("store") => {
                        apart.get_or_insert(limiter);
                    }
                    None => (),
                }
            }
            (None, Some(place)) => unseen = Some(place),
            (None, None) => tally.miss(
                call.used.place.to_string(),
                Finding::new(
                    &call.used.place,
                    "nothing limits how fast this call goes to Clay",
                    "此处对 Clay 的调用没有速率限制",
                ),
            ),
        }
    }
    match retry_after(&clay) {
        Some(place) => tally.met("Retry-After", &place),
        None => tally.miss(
            "Retry-After",
            clay.missing(
                evidence,
                "nothing reads Retry-After, which Clay always sends with a 429",
                "未读取 Retry-After，而 Clay 的 429 总会附带它",
            ),
        ),
    }
    if let Some(limiter) = apart
        && let Some((replicas, place)) = scaling::most_in_production(evidence)?
    {
        tally.miss(
            "one budget",
            Finding::new(
                &limiter.place,
                format!(
                    "{} counts in its own memory, and {replicas} replicas share the budget of one workspace",
                    limiter.symbol
                ),
                format!("{} 在自身内存中计数，而 {replicas} 个副本共用一个工作区的额度", limiter.symbol),
            )
            .also(&place, "replicas", "副本数"),
        );
    }
    let count = tally.count();
    if let Some(place) = unseen.filter(|_| count.met == count.of) {
        return Ok(program::trail_ends(
            format!("a limit that is written by hand stands at {place}; how fast it lets calls go was not followed"),
            format!("{place} 处有自行编写的限流；其速率未能追踪"),
        ));
    }
    Ok(tally.reading("calls wait for their turn, and for Retry-After", "项调用受速率限制并遵守 Retry-After"))
}

/// A mechanism that is written by hand, in a file of which a function asks a database or a cache.
fn asks_a_store<'a>(clay: &Integration<'a>, place: &'a gonogo_domain::Place) -> Option<&'a gonogo_domain::Place> {
    let beside = clay.source.functions.iter().enumerate();
    let mut beside = beside.filter(|(_, one)| one.role.counts() && one.place.path() == place.path());
    let asks = |at: usize| {
        let mut uses = clay.source.uses_of(at);
        uses.any(|(_, one)| matches!(one.meaning, Meaning::DatabaseCall | Meaning::CacheCall))
    };
    beside.any(|(at, _)| asks(at)).then_some(place)
}

/// What the call waits at: around it, or in a function that leads to it.
fn limiter<'a>(
    clay: &Integration<'a>,
    coverage: &Coverage,
    call: &clay::ClayCall<'a>,
) -> Option<&'a gonogo_domain::evidence::Use> {
    let near = clay.near(call.used.function);
    let around = near.iter().flat_map(|at| coverage.around(*at)).find_map(|at| clay.source.uses.get(*at));
    around.or_else(|| {
        let own = near.iter().filter_map(|at| clay.source.functions.get(*at)).flat_map(|function| &function.uses);
        let used = own.filter_map(|at| clay.source.uses.get(*at)).find(|one| LIMITS.contains(&one.meaning));
        // `async with limiter:` is no call; the limiter is made at the top of the same file.
        used.or_else(|| {
            let beside = |one: &&gonogo_domain::evidence::Use| one.place.path() == call.used.place.path();
            clay.source.uses_for(LIMITS).map(|(_, one)| one).find(beside)
        })
    })
}

fn retry_after(clay: &Integration<'_>) -> Option<gonogo_domain::Place> {
    let mut headers = clay.texts(gonogo_domain::evidence::SourceTextKind::Protocol);
    let read = headers.find(|text| text.text.eq_ignore_ascii_case("Retry-After")).map(|text| text.place.clone());
    read.or_else(|| {
        let coverage = Coverage::of(clay.source, &[Meaning::Retry]);
        clay.calls.iter().find_map(|call| {
            let around = coverage.around(call.used.function).iter().filter_map(|at| clay.source.uses.get(*at));
            around.into_iter().find(|one| outbound::says(one, "retry-after", "yes")).map(|one| one.place.clone())
        })
    })
}
