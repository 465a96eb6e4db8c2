//! Delivery pipelines of Google Cloud Deploy: targets one after the other, what is asked at each, and who lets a release on.

use gonogo_domain::{
    Evidence, Missing, Node, Place,
    evidence::{Pipeline, PipelineSystem},
};

use super::{runs::Run, trees::inside};

/// A stage of a delivery pipeline.
pub(crate) struct Stage {
    pub(crate) verified: Verified,
    /// The canary of its strategy.
    pub(crate) canary: Option<Place>,
}

/// Whether what runs at a target is asked after each rollout.
pub(crate) enum Verified {
    No,
    /// At a target before production, or at any.
    Yes(Place),
    /// At production only, by the target's name or by the condition.
    OnlyProduction(Place),
}

/// The step creates a release of Cloud Deploy, which rolls it out from target to target.
pub(crate) fn releases(run: &Run<'_>) -> bool {
    run.text().contains("deploy releases create")
}

/// The stages through which the service's releases go; empty: no delivery pipeline is declared here.
pub(crate) fn stages(evidence: &Evidence<'_>) -> Result<Vec<Stage>, Missing> {
    let service = evidence.service().name.as_str();
    let mut found: Vec<(&str, Vec<Stage>)> = Vec::new();
    for resource in evidence.infrastructure()?.iter().filter(|one| one.kind == "google_clouddeploy_delivery_pipeline") {
        let Some(serial) = inside(&resource.body, "serial_pipeline") else { continue };
        // `dynamic "stages"` makes a stage for each target.
        let dynamic = serial.list("dynamic").iter().filter_map(|block| inside(block, "stages.content"));
        let stages = serial.list("stages").iter().chain(dynamic).map(|node| stage(node, "target_id")).collect();
        found.push((resource.body.str_at("name").unwrap_or_default(), stages));
    }
    for object in evidence.objects_of(&["DeliveryPipeline"])? {
        if object.api_version.starts_with("deploy.cloud.google.com/") {
            let stages = object.body.list("serialPipeline.stages").iter().map(|node| stage(node, "targetId")).collect();
            found.push((object.name.as_str(), stages));
        }
    }
    // One that carries the name of the service is its own; else all there are may be.
    if found.iter().any(|(name, _)| *name == service) {
        found.retain(|(name, _)| *name == service);
    }
    Ok(found.into_iter().flat_map(|(_, stages)| stages).collect())
}

fn stage(node: &Node, target: &str) -> Stage {
    let target = node.str_at(target).unwrap_or_default().to_lowercase();
    let standard = inside(node, "strategy.standard.verify");
    let canary = inside(node, "strategy.canary");
    let of_canary = canary.and_then(|canary| {
        ["canary_deployment.verify", "canaryDeployment.verify"].iter().find_map(|path| inside(canary, path))
    });
    let verified = match standard.or(of_canary) {
        None => Verified::No,
        Some(verify) => match (verify.bool(), verify.str().map(str::to_lowercase)) {
            (Some(false), _) => Verified::No,
            (Some(true), _) if target.contains("prod") => Verified::OnlyProduction(verify.place.clone()),
            // `stages.value.name == "production" ? true : false`.
            (None, Some(text)) if text.contains("prod") && !text.contains("!=") => {
                Verified::OnlyProduction(verify.place.clone())
            }
            _ => Verified::Yes(verify.place.clone()),
        },
    };
    Stage { verified, canary: canary.map(|canary| canary.place.clone()) }
}

/// A person stands between the first target and production: a target asks for approval, or somebody has to promote.
pub(crate) fn waits_for_a_person(evidence: &Evidence<'_>, stages: &[Stage]) -> Result<bool, Missing> {
    let infrastructure = evidence.infrastructure()?;
    let objects = evidence.objects()?;
    let approved = infrastructure.iter().any(|one| {
        one.kind == "google_clouddeploy_target"
            && inside(&one.body, "require_approval").and_then(Node::bool) == Some(true)
    }) || objects
        .iter()
        .any(|object| object.kind == "Target" && object.body.bool_at("requireApproval") == Some(true));
    if approved {
        return Ok(true);
    }
    let promoted =
        infrastructure.iter().any(|one| {
            one.kind == "google_clouddeploy_automation"
                && (inside(&one.body, "rules.promote_release_rule").is_some()
                    || inside(&one.body, "rules.timed_promote_release_rule").is_some())
        }) || objects.iter().any(|object| {
            object.kind == "Automation"
                && object.body.list("rules").iter().any(|rule| {
                    rule.get("promoteReleaseRule").or_else(|| rule.get("timedPromoteReleaseRule")).is_some()
                })
        });
    let targets = infrastructure.iter().filter(|one| one.kind == "google_clouddeploy_target").count()
        + objects.iter().filter(|object| object.kind == "Target").count();
    // A release stops at each target until somebody promotes it.
    Ok(!promoted && stages.len().max(targets) >= 2)
}

/// What `skaffold verify` asks.
pub(crate) fn verification(pipelines: &[Pipeline]) -> Option<&Place> {
    pipelines
        .iter()
        .filter(|pipeline| pipeline.system == PipelineSystem::Script && pipeline.name.contains("skaffold"))
        .flat_map(|pipeline| &pipeline.jobs)
        .find(|job| job.id == "verify")
        .map(|job| &job.place)
}
