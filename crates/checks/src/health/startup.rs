//! Slow initialisation survives without false restarts.

use gonogo_domain::{
    Area, Check, Classes, Evidence, Finding, Gate, Level, Missing, Policy, Reading, Readings, Standard, Strength,
    Tally, Text,
};

use crate::shared::{container_key, no_production_workload, pod::unknown_port, production_workloads};

pub(crate) static CHECK: Check = Check {
    id: "health.startup",
    title: Text { en: "Slow initialisation survives without false restarts", zh: "慢启动不会被误判而重启" },
    source: &["B4.1e"],
    standard: Standard::ProductionReadiness,
    area: Area::Health,
    level: Some(Level::L2),
    gate: Gate::Advised,
    min: Strength::Configured,
    classes: Classes::LONG_RUNNING,
    fresh_days: None,
    record: &[],
    remediation: Text {
        en: "Add a startupProbe whose failureThreshold × periodSeconds is longer than the slowest start, e.g. 30 × 10 s.",
        zh: "添加 startupProbe，使 failureThreshold × periodSeconds 大于最慢的启动时间，例如 30 × 10 秒。",
    },
    references: &["https://kubernetes.io/docs/concepts/configuration/liveness-readiness-startup-probes/#startup-probe"],
    page: include_str!("startup.md"),
    judge,
};

fn judge(evidence: &Evidence<'_>, _policy: &Policy) -> Readings {
    Readings::configured(configured(evidence))
}

fn configured(evidence: &Evidence<'_>) -> Result<Reading, Missing> {
    let workloads = production_workloads(evidence)?;
    let mut tally = Tally::new();
    let mut any = false;
    for workload in workloads.into_iter().filter(|one| one.kind.long_running()) {
        for container in workload.main_containers() {
            any = true;
            let key = container_key(workload, container);
            let environment = workload.environment.as_deref();
            // It restarts the container by itself.
            if let Some(startup) = &container.startup
                && let Some(finding) = unknown_port(workload, container, startup)
            {
                tally.miss(key, finding.in_environment(environment));
                continue;
            }
            // Without liveness nothing restarts a slow starter; only what can be restarted is asked.
            let Some(restarts) = container.liveness.as_ref() else { continue };
            match &container.startup {
                Some(startup) => tally.met(key, &startup.place),
                None if restarts.start_period.is_some_and(|seconds| seconds > 0) => tally.met(key, &restarts.place),
                None => tally.miss(
                    key,
                    Finding::new(
                        &restarts.place,
                        format!(
                            "a start that takes longer than {} s is restarted: there is no startup probe",
                            restarts.budget()
                        ),
                        format!("启动超过 {} 秒即被重启：没有启动探针", restarts.budget()),
                    )
                    .in_environment(environment),
                ),
            }
        }
    }
    if !any {
        return Ok(no_production_workload());
    }
    if tally.is_empty() {
        return Ok(Reading::not_applicable(
            "no container has a liveness probe, so that nothing restarts a slow start",
            "没有容器配置存活探针，慢启动不会被重启",
        ));
    }
    Ok(tally
        .reading("containers that liveness can restart have a startup probe", "个可被存活探针重启的容器配有启动探针"))
}
