//! Infrastructure is code, and a scanner reads it.

use gonogo_domain::{
    Area, Check, Classes, Evidence, Finding, Gate, Message, Missing, Place, Policy, Reading, Readings, Standard,
    Strength, Text, evidence::Purpose,
};

use crate::shared::{
    delivery::is_beside,
    production_workloads,
    runs::{Ran, Run, ran},
};

pub(crate) static CHECK: Check = Check {
    id: "deployment.iac",
    title: Text {
        en: "Infrastructure is code, and reviewed by a scanner", zh: "基础设施即代码，并由扫描器审查"
    },
    source: &["B3.5d"],
    standard: Standard::ProductionReadiness,
    area: Area::Deployment,
    level: None,
    gate: Gate::Required,
    min: Strength::Configured,
    classes: Classes::DEPLOYED,
    fresh_days: None,
    record: &[],
    remediation: Text {
        en: "Keep what it runs on in the repository, and let a scanner (Trivy, Checkov, kube-linter, gonogo) read it in the pipeline.",
        zh: "将运行环境以代码形式纳入仓库，并在流水线中用扫描器（Trivy、Checkov、kube-linter、gonogo）审查。",
    },
    references: &["https://trivy.dev/latest/docs/scanner/misconfiguration/"],
    page: include_str!("iac.md"),
    judge,
};

fn judge(evidence: &Evidence<'_>, _policy: &Policy) -> Readings {
    Readings::configured(configured(evidence))
}

fn configured(evidence: &Evidence<'_>) -> Result<Reading, Missing> {
    let mut code: Vec<Place> = evidence
        .infrastructure()?
        .iter()
        .filter(|resource| !is_beside(evidence, resource))
        .map(|resource| resource.place.clone())
        .collect();
    code.extend(production_workloads(evidence)?.iter().map(|workload| workload.place.clone()));
    code.sort();
    code.dedup();
    let Some(first) = code.first().cloned() else {
        return Ok(Reading::elsewhere(
            Message::new("what it runs on is not described in this repository", "此仓库未描述其运行环境"),
            Message::new("the repository of its infrastructure", "存放其基础设施代码的仓库"),
        ));
    };
    let count = match code.len() {
        1 => "1 declaration".to_owned(),
        several => format!("{several} declarations"),
    };
    let number = code.len();
    Ok(match ran(evidence, &[Purpose::InfrastructureScan], ("scan of the infrastructure", "基础设施扫描"))? {
        Ran::Enforced(found) if found.iter().all(Run::on_a_clock) => {
            let late = found.iter().map(|run| {
                Finding::new(
                    &run.step.place,
                    "the scan of the infrastructure runs on a schedule: no change waits for it",
                    "基础设施扫描按计划运行：没有变更会等待其结果",
                )
            });
            Reading::partly(
                [first],
                late.collect(),
                "infrastructure is code; the scanner reads it after the change",
                "基础设施已是代码，但扫描在变更之后才进行",
            )
        }
        Ran::Enforced(found) => Reading::shown(
            found.iter().map(|run| run.step.place.clone()).chain([first]),
            format!("{count}, read by a scanner on the way"),
            format!("{number} 处声明，流水线中有扫描器审查"),
        ),
        Ran::Weak(findings) => Reading::partly(
            [first],
            findings,
            "infrastructure is code; what the scanner finds counts for nothing",
            "基础设施已是代码，但扫描结果不起作用",
        ),
        Ran::Nowhere(place) => Reading::partly(
            [first.clone()],
            vec![
                Finding::new(
                    &place,
                    "no pipeline lets a scanner read the infrastructure code",
                    "没有流水线用扫描器审查基础设施代码",
                )
                .also(&first, "what it would read", "待审查内容"),
            ],
            format!("{count}, and no scanner that reads them"),
            format!("{number} 处声明，没有扫描器审查"),
        ),
        Ran::Elsewhere(_) | Ran::NoPipeline => Reading::elsewhere(
            Message::new(
                format!("{count} as code; the pipeline that would scan it is not here"),
                format!("{number} 处声明为代码；审查它们的流水线不在此处"),
            ),
            Message::new("the pipeline that scans them", "审查它们的流水线"),
        ),
    })
}
