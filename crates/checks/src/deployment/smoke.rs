//! What was deployed is asked whether it works, and which version it is.

use gonogo_domain::{
    Area, Check, Classes, Evidence, Finding, Gate, Message, Missing, Place, Policy, Reading, Readings, Standard,
    Strength, Text, evidence::Purpose,
};

use crate::shared::{
    cloud_deploy::{self, Stage, Verified},
    runs::{Ran, Run, hands_on, ran, runs},
};

pub(crate) static CHECK: Check = Check {
    id: "deployment.smoke",
    title: Text {
        en: "Smoke tests run in staging and check the deployed version",
        zh: "在预发环境运行冒烟测试，并核对已部署版本",
    },
    source: &["B3.5f", "B3.6e"],
    standard: Standard::ProductionReadiness,
    area: Area::Deployment,
    level: None,
    gate: Gate::Required,
    min: Strength::Configured,
    classes: Classes::REACHABLE,
    fresh_days: None,
    record: &["environment", "version"],
    remediation: Text {
        en: "After each deployment to staging, ask health and one critical path, and compare the version that answers with the one deployed.",
        zh: "每次部署到预发环境后，访问健康检查与一条关键路径，并核对应答的版本。",
    },
    references: &["https://sre.google/workbook/canarying-releases/"],
    page: include_str!("smoke.md"),
    judge,
};

fn judge(evidence: &Evidence<'_>, _policy: &Policy) -> Readings {
    Readings::configured(configured(evidence))
}

fn configured(evidence: &Evidence<'_>) -> Result<Reading, Missing> {
    let settle = Message::new("the pipeline that deploys it to staging", "将其部署到预发环境的流水线");
    let smoke = ran(evidence, &[Purpose::SmokeTest], ("smoke tests", "冒烟测试"))?;
    let found = match smoke {
        Ran::Enforced(found) => found,
        Ran::Weak(findings) => {
            return Ok(Reading::refuted(
                findings,
                "the smoke tests can fail without stopping anything",
                "冒烟测试失败不会阻止任何操作",
            ));
        }
        Ran::Elsewhere(_) | Ran::NoPipeline | Ran::Nowhere(_) => return nothing(evidence, settle),
    };
    let places: Vec<Place> = found.iter().map(|run| run.step.place.clone()).collect();
    let for_environment = found.iter().any(|run| run.job.environment.is_some());
    if let (Some(place), false) = (places.first(), for_environment || !runs(evidence, &[Purpose::Deploy])?.is_empty()) {
        return Ok(Reading::elsewhere(
            Message::new(
                format!(
                    "{place} runs smoke tests before a deployment; no pipeline here deploys what they would ask after it"
                ),
                format!("{place} 在部署之前运行冒烟测试；此处没有部署流水线"),
            ),
            settle,
        ));
    }
    if let Some(run) = found.first().filter(|_| found.iter().all(only_production)) {
        return Ok(Reading::partly(
            places,
            vec![Finding::new(
                &run.step.place,
                "asks production only: a broken version is found when customers have it",
                "仅检查生产环境：发现问题时客户已受影响",
            )],
            "smoke tests run, but not before production",
            "冒烟测试未在生产之前运行",
        ));
    }
    if found.iter().any(|run| checks_version(run)) {
        return Ok(Reading::shown(
            places,
            "smoke tests run after the deployment and check which version answers",
            "部署后运行冒烟测试并核对版本",
        ));
    }
    let findings = found
        .iter()
        .map(|run| {
            Finding::new(
                &run.step.place,
                "does not check which version answers: the old one passes too",
                "未核对应答的版本：旧版本同样会通过",
            )
        })
        .collect();
    Ok(Reading::partly(
        places,
        findings,
        "smoke tests run; they would pass on the old version too",
        "有冒烟测试，但旧版本也会通过",
    ))
}

fn nothing(evidence: &Evidence<'_>, settle: Message) -> Result<Reading, Missing> {
    let deployed = runs(evidence, &[Purpose::Deploy])?;
    if deployed.iter().any(cloud_deploy::releases) {
        let stages = cloud_deploy::stages(evidence)?;
        if let (Some(asked), Some(reading)) = (cloud_deploy::verification(evidence.pipelines()?), verified(&stages)) {
            return Ok(reading.with_witnesses([asked.clone()]));
        }
    }
    if let (Some(run), None) = (deployed.first(), hands_on(evidence.pipelines()?)) {
        return Ok(Reading::absent(Finding::new(
            &run.step.place,
            "nothing asks the service after this deployment",
            "部署之后没有检查服务",
        )));
    }
    Ok(Reading::elsewhere(
        Message::new(
            "no pipeline here deploys it, so none can ask what was deployed",
            "此处没有部署流水线，因此也没有部署后的检查",
        ),
        settle,
    ))
}

/// Cloud Deploy asks by itself after each rollout to a target that says so.
fn verified(stages: &[Stage]) -> Option<Reading> {
    let before = stages.iter().find_map(|stage| match &stage.verified {
        Verified::Yes(place) => Some(place),
        Verified::No | Verified::OnlyProduction(_) => None,
    });
    if let Some(place) = before {
        return Some(Reading::partly(
            [place.clone()],
            vec![Finding::new(
                place,
                "whether the verification of Cloud Deploy checks which version answers is in its image",
                "Cloud Deploy 的验证是否核对版本取决于其镜像",
            )],
            "Cloud Deploy verifies each rollout; they may pass on the old version too",
            "Cloud Deploy 会验证每次发布，但旧版本也可能通过",
        ));
    }
    let place = stages.iter().find_map(|stage| match &stage.verified {
        Verified::OnlyProduction(place) => Some(place),
        Verified::No | Verified::Yes(_) => None,
    })?;
    Some(Reading::partly(
        [place.clone()],
        vec![Finding::new(
            place,
            "Cloud Deploy verifies production only: a broken version is found when customers have it",
            "Cloud Deploy 仅验证生产环境：发现问题时客户已受影响",
        )],
        "smoke tests run, but not before production",
        "冒烟测试未在生产之前运行",
    ))
}

/// Its job belongs to production, and none of the jobs before it asks anything.
fn only_production(run: &Run<'_>) -> bool {
    let environment = run.job.environment.as_ref().map(|one| one.value.to_lowercase());
    environment.is_some_and(|name| name.contains("prod") && !name.contains("pre") && !name.contains("non"))
}

/// The commit, the tag or the version that was deployed is compared with the answer.
fn checks_version(run: &Run<'_>) -> bool {
    let text = run.text();
    let lower = text.to_lowercase();
    [
        "github_sha",
        "github.sha",
        "ci_commit",
        "commit_sha",
        "git_sha",
        "image_tag",
        "git rev-parse",
        "$tag",
        "${tag",
        "$version",
        "${version",
        "expected_version",
        "github.ref_name",
        "build_sourceversion",
        "circle_sha1",
    ]
    .iter()
    .any(|name| lower.contains(name))
}
