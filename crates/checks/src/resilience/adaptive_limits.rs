//! Limits adapt to load.

use gonogo_domain::{
    Area, Capability, Check, Classes, Evidence, Gate, Level, Message, Missing, Place, Policy, Reading, Readings,
    Standard, Strength, Text, evidence::Meaning,
};

use crate::shared::{declared_library, outbound};

pub(crate) static CHECK: Check = Check {
    id: "resilience.adaptive-limits",
    title: Text { en: "Limits adapt to load", zh: "限流随负载自适应" },
    source: &["B5"],
    standard: Standard::ProductionReadiness,
    area: Area::Resilience,
    level: Some(Level::L4),
    gate: Gate::Advised,
    min: Strength::Configured,
    classes: Classes::SERVERS,
    fresh_days: None,
    record: &[],
    remediation: Text {
        en: "Let the concurrency limit follow measured latency (AIMD, gradient), or obey the remaining-quota headers of what you call.",
        zh: "让并发上限随实测延迟调整（AIMD、梯度算法），或遵守上游剩余配额头。",
    },
    references: &["https://netflixtechblog.medium.com/performance-under-load-3e6fa9a60581"],
    page: include_str!("adaptive_limits.md"),
    judge,
};

fn judge(evidence: &Evidence<'_>, _policy: &Policy) -> Readings {
    outbound::readings(configured(evidence), || {
        declared_library(evidence, Capability::AdaptiveLimit, "adaptive limits", "自适应限流")
    })
}

/// Envoy's adaptive concurrency, or a limit of the program that follows what it measures.
fn configured(evidence: &Evidence<'_>) -> Result<Reading, Missing> {
    let mut places: Vec<Place> = Vec::new();
    for object in evidence.objects_of(&["EnvoyFilter"])?.into_iter().filter(|object| object.production) {
        object.body.walk(&mut |node| {
            if node.str_at("name") == Some("envoy.filters.http.adaptive_concurrency") {
                places.push(node.place.clone());
            }
        });
    }
    if places.is_empty() {
        let source = evidence.source()?;
        places.extend(source.uses_for(&[Meaning::AdaptiveLimit]).map(|(_, one)| one.place.clone()));
        if places.is_empty() {
            let files = outbound::files(source);
            let sources = crate::shared::program::counted(files);
            return Ok(Reading::elsewhere(
                Message::new(
                    format!("no limit that adapts is in {sources}, nor in a proxy of this repository"),
                    format!("{files} 个源文件与此仓库的代理配置中均无自适应限流"),
                ),
                Message::new(
                    "a limiter that follows latency or quota headers, in the program or in its proxy",
                    "程序或代理中随时延或配额头调整的限流器",
                ),
            ));
        }
    }
    Ok(Reading::shown(places, "the limit follows what is measured", "上限随测量结果调整"))
}
