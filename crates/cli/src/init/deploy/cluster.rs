//! The driver of a rollout file, from the manifests: which workload, and what can share its traffic.

use std::fmt::{self, Write as _};

use gonogo_domain::{
    Facts, Node,
    evidence::{Object, Workload, WorkloadKind},
    rollout::Percent,
};

use super::{line, quoted};

/// What moves the traffic, and how the series of the two releases are told apart.
pub(super) struct Cluster {
    strategy: &'static str,
    workload: String,
    namespace: Option<String>,
    /// `service` and `route`, where the strategy takes them.
    more: Vec<(&'static str, String)>,
    /// Why this one and no other.
    why: String,
    /// Label matchers of stable and of the canary; none: only the owner knows.
    sides: Option<(String, String)>,
    /// The shares that another tool stops at; empty: any.
    shares: Vec<Percent>,
}

/// None: nothing in the manifests is an object of a cluster with one name.
///
/// Errors: why a rollout file would be refused.
pub(super) fn find(facts: &Facts) -> Result<Option<Cluster>, String> {
    let workloads = || facts.workloads.items.iter().filter(|one| one.production && is_named(&one.name));
    if let Some(rollout) = workloads().find(|one| one.kind == WorkloadKind::Rollout) {
        return argo(rollout).map(Some);
    }
    let Some(deployment) = workloads().find(|one| one.kind == WorkloadKind::Deployment) else { return Ok(None) };
    let objects: Vec<&Object> = facts
        .objects
        .items
        .iter()
        .filter(|one| one.production && is_named(&one.name))
        .filter(|one| one.namespace == deployment.namespace && one.environment == deployment.environment)
        .collect();
    let canary = objects.iter().find(|one| {
        one.kind == "Canary"
            && one.body.at("spec.targetRef").and_then(|target| target.str_at("name")) == Some(&deployment.name)
    });
    if let Some(canary) = canary {
        return flagger(canary, deployment).map(Some);
    }
    Ok(Some(plain(deployment, &objects)))
}

/// A name that a chart fills in at installation is none yet.
fn is_named(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|letter| letter.is_ascii_alphanumeric() || "-.".contains(letter))
}

fn plain(deployment: &Workload, objects: &[&Object]) -> Cluster {
    let name = deployment.name.clone();
    let selector: Vec<&str> = deployment
        .body
        .at("spec.selector.matchLabels")
        .map_or(&[][..], Node::entries)
        .iter()
        .map(|one| one.key.as_str())
        .collect();
    let asks = |service: &Object| -> Vec<(String, String)> {
        let labels = service.body.at("spec.selector").map_or(&[][..], Node::entries).iter();
        labels.filter_map(|one| Some((one.key.clone(), one.node.str()?.to_owned()))).collect()
    };
    let service = objects.iter().find(|one| {
        let asked = asks(one);
        one.kind == "Service"
            && !asked.is_empty()
            && asked.iter().all(|(key, value)| deployment.pod_labels.get(key) == Some(value))
    });
    let mut cluster = Cluster {
        strategy: "rolling",
        workload: name.clone(),
        namespace: deployment.namespace.clone(),
        more: Vec::new(),
        why: "no Service in the manifests sends traffic to its pods".to_owned(),
        sides: None,
        shares: Vec::new(),
    };
    let Some(service) = service else { return cluster };
    cluster.more.push(("service", service.name.clone()));
    // The pods of the canary are those of a Deployment of its own.
    cluster.sides = Some((format!("pod!~\"{name}-canary-.*\""), format!("pod=~\"{name}-canary-.*\"")));
    let route = objects.iter().find(|one| {
        let references =
            |rule: &Node| rule.list("backendRefs").iter().any(|one| one.str_at("name") == Some(&service.name));
        one.kind == "HTTPRoute" && one.body.list("spec.rules").iter().any(references)
    });
    if let Some(route) = route {
        (cluster.strategy, cluster.why) =
            ("routes", format!("httproute/{} ({}) shares requests by weight", route.name, route.place));
        cluster.more.push(("route", route.name.clone()));
        return cluster;
    }
    let asked = asks(service);
    if let Some(label) = selector.iter().find(|label| asked.iter().all(|(key, _)| key != *label)) {
        cluster.strategy = "replicas";
        cluster.why = format!("its selector has `{label}`, which service/{} does not ask for", service.name);
        return cluster;
    }
    cluster.why = format!(
        "service/{} asks for every label of its selector, so that a second Deployment could not stand beside it; with \
         `track: stable` in selector and template (the Deployment is made anew) it is \"replicas\", with an HTTPRoute \"routes\"",
        service.name
    );
    (cluster.more, cluster.sides) = (Vec::new(), None);
    cluster
}

fn argo(rollout: &Workload) -> Result<Cluster, String> {
    let steps = rollout.body.list("spec.strategy.canary.steps");
    let shares: Vec<Percent> = steps.iter().filter_map(|step| percent(step.get("setWeight")?)).collect();
    let shares = rising(shares);
    if shares.is_empty() {
        return Err(format!("{} has no step that sets a weight", rollout.place));
    }
    Ok(Cluster {
        strategy: "argo-rollouts",
        workload: rollout.name.clone(),
        namespace: rollout.namespace.clone(),
        more: Vec::new(),
        why: format!("{}; behind every setWeight it takes `pause: {{}}`, so that one of the two drives", rollout.place),
        sides: None,
        shares,
    })
}

fn flagger(canary: &Object, target: &Workload) -> Result<Cluster, String> {
    let analysis = canary.body.at("spec.analysis");
    let listed = analysis.map_or(&[][..], |one| one.list("stepWeights")).iter().filter_map(percent).collect::<Vec<_>>();
    let number = |key: &str| analysis.and_then(|one| one.int_at(key)).and_then(|one| u16::try_from(one).ok());
    let shares = match (listed.is_empty(), number("stepWeight").filter(|step| *step > 0)) {
        (false, _) => listed,
        (true, Some(step)) => {
            let most = number("maxWeight").unwrap_or(100).min(100);
            (1..=100_u16.div_ceil(step))
                .map(|times| Percent::of_hundredths(step.saturating_mul(times).saturating_mul(100)))
                .take_while(|share| *share <= Percent::of_hundredths(most * 100))
                .collect()
        }
        (true, None) => Vec::new(),
    };
    let shares = rising(shares);
    if shares.is_empty() {
        return Err(format!("{} has no stepWeight or stepWeights", canary.place));
    }
    let name = &target.name;
    Ok(Cluster {
        strategy: "flagger",
        workload: canary.name.clone(),
        namespace: canary.namespace.clone(),
        more: Vec::new(),
        why: canary.place.to_string(),
        sides: Some((format!("pod=~\"{name}-primary-.*\""), format!("pod=~\"{name}-.*\",pod!~\"{name}-primary-.*\""))),
        shares,
    })
}

fn percent(node: &Node) -> Option<Percent> {
    let number = u16::try_from(node.int()?).ok()?;
    (1..100).contains(&number).then(|| Percent::of_hundredths(number * 100))
}

/// Shares rise from step to step, and the last one is not all: what does not is left out.
fn rising(shares: Vec<Percent>) -> Vec<Percent> {
    let mut rising: Vec<Percent> = Vec::new();
    for share in shares {
        if share < Percent::WHOLE && rising.last().is_none_or(|last| share > *last) {
            rising.push(share);
        }
    }
    rising
}

impl Cluster {
    /// Whole percents of the steps; those of the source where any can be had.
    pub(super) fn steps(&self) -> Vec<(String, &'static str)> {
        let known: Vec<String> = self.shares.iter().map(|share| share.to_string().replace(" %", "")).collect();
        let shares = if known.is_empty() { vec!["10".to_owned(), "50".to_owned()] } else { known };
        shares.into_iter().enumerate().map(|(number, share)| (share, if number == 0 { "10m" } else { "5m" })).collect()
    }

    pub(super) fn write(&self, text: &mut String) -> fmt::Result {
        writeln!(text, "\n# {}\n[driver.kubernetes]\nstrategy = {}", line(&self.why), quoted(self.strategy))?;
        writeln!(text, "workload = {}", quoted(&self.workload))?;
        for (key, value) in &self.more {
            writeln!(text, "{key} = {}", quoted(value))?;
        }
        match &self.namespace {
            Some(namespace) => writeln!(text, "namespace = {}", quoted(namespace))?,
            None => writeln!(text, "# namespace: that of the context, because no manifest names one")?,
        }
        writeln!(
            text,
            "\n# DECIDE [prometheus]: its address, and by which labels its series tell the two releases. Nothing is rolled out before.\n\
             # [prometheus]\n# url = \"http://prometheus:9090\""
        )?;
        match &self.sides {
            Some((stable, canary)) => {
                writeln!(
                    text,
                    "# stable = '{stable}'   # where series have the label of their pod\n# canary = '{canary}'"
                )
            }
            None => writeln!(
                text,
                "# stable = 'version=\"…\"'   # whatever tells the revisions apart\n# canary = 'version!=\"…\"'"
            ),
        }
    }
}
