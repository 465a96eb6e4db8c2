//! Alerts about Clay that reach somebody from the first request on.

use gonogo_domain::{
    Area, Check, Classes, Evidence, Finding, Gate, Message, Missing, Place, Policy, Reading, Readings, Standard,
    Strength, Tally, Text, evidence::RuleKind,
};

use crate::shared::clay;

pub(crate) static CHECK: Check = Check {
    id: "clay.monitoring-ready",
    title: Text {
        en: "Monitoring and alerting are live before traffic", zh: "监控与告警在接入流量前就绪"
    },
    source: &["C0.4", "C3.2"],
    standard: Standard::Clay,
    area: Area::Clay,
    level: None,
    gate: Gate::Blocker,
    min: Strength::Configured,
    classes: Classes::RUNNING_CODE,
    fresh_days: None,
    record: &[],
    remediation: Text {
        en: "Before the first request: rules that ask about Clay, loaded, and routed to a receiver that somebody reads; send a test alert.",
        zh: "在第一个请求之前：加载针对 Clay 的告警规则，并路由到有人查看的接收方；发送一次测试告警。",
    },
    references: &["https://prometheus.io/docs/alerting/latest/configuration/"],
    page: include_str!("monitoring_ready.md"),
    judge,
};

fn judge(evidence: &Evidence<'_>, _policy: &Policy) -> Readings {
    clay::asked(evidence, CHECK.min, || Readings::configured(configured(evidence)))
}

fn configured(evidence: &Evidence<'_>) -> Result<Reading, Missing> {
    let rules = clay::clay_rules(evidence)?;
    if rules.is_empty() {
        let own = evidence.alert_rules()?.iter().find(|rule| rule.kind == RuleKind::Alerting && rule.production);
        return Ok(match own {
            Some(rule) if !watches_every_call(evidence)? => Reading::absent(Finding::new(
                &Place::whole(rule.place.path()),
                "no alert rule here asks about Clay",
                "此处没有针对 Clay 的告警规则",
            )),
            _ => Reading::elsewhere(
                Message::new("no alert rule here names Clay", "此处没有提及 Clay 的告警规则"),
                Message::new("the alert rules that watch Clay, and where they go", "针对 Clay 的告警规则及其去向"),
            ),
        });
    }
    let routing = evidence.alert_routing()?;
    if routing.is_empty() {
        return Ok(Reading::elsewhere(
            Message::new(
                format!("{} alert rules watch Clay; where they go is not declared here", rules.len()),
                format!("{} 条告警规则监控 Clay；但此处未声明其去向", rules.len()),
            ),
            Message::new(
                "the Alertmanager configuration, or an attestation of a test alert",
                "Alertmanager 配置，或测试告警的声明",
            ),
        ));
    }
    let mut tally = Tally::new();
    for rule in rules {
        let reached = routing.iter().filter_map(|routing| clay::receiver(rule, routing)).collect::<Vec<_>>();
        match reached.iter().find(|receiver| !receiver.channels.is_empty()) {
            Some(_) => tally.met(&rule.name, &rule.place),
            None => tally.miss(
                &rule.name,
                Finding::new(&rule.place, format!("{} reaches nobody", rule.name), format!("{} 无人接收", rule.name))
                    .in_environment(rule.environment.as_deref()),
            ),
        }
    }
    Ok(tally.reading("alerts about Clay reach a receiver", "条 Clay 告警能送达接收方"))
}

/// Rules on all outbound calls alike may cover Clay without its name.
fn watches_every_call(evidence: &Evidence<'_>) -> Result<bool, Missing> {
    let outbound =
        |metric: &String| ["client", "outbound", "upstream", "egress"].iter().any(|word| metric.contains(word));
    Ok(evidence
        .alert_rules()?
        .iter()
        .any(|rule| rule.query.as_ref().is_ok_and(|query| query.metrics.iter().any(outbound))))
}
