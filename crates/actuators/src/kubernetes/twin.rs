//! The second Deployment that a canary runs in.

use gonogo_domain::rollout::{Done, Release, Revision, Trouble};
use serde_json::{Value, json};

use super::{
    cluster::Against,
    configuration,
    ground::{CAUSE, Ground, set_spec, set_template},
    kinds::DEPLOYMENT,
    records, revision,
    selector::{self, Labels},
    workload::{Workload, plain},
};

/// The Deployment that a twin was made for.
const TWIN_OF: &str = "gonogo.dev/canary-of";

/// How many replicas the service had when the rollout began.
const REPLICAS: &str = "gonogo.dev/replicas";

/// The label that tells the two apart, where the Deployment has none of its own.
const TRACK: &str = "track";

const CANARY: &str = "canary";

/// Labels by which releases are usually told apart, best first.
const TELLING: &[&str] = &[TRACK, "version", "app.kubernetes.io/version", "app.kubernetes.io/instance"];

pub(super) fn name(workload: &str) -> String {
    format!("{workload}-canary")
}

/// The twin of a Deployment.
///
/// Errors: refused where another Deployment has its name.
pub(super) async fn find(ground: &Ground) -> Result<Option<Workload>, Trouble> {
    let name = name(&ground.workload);
    let Some(found) = ground.cluster.find(&DEPLOYMENT, &name).await?.map(Workload) else { return Ok(None) };
    // One that is going is gone: a new one is made when its name is free again.
    if found.0.metadata.deletion_timestamp.is_some() {
        return Ok(None);
    }
    if found.annotation(TWIN_OF) != Some(&ground.workload) {
        let what = format!("deployment/{name} is there already and is no canary of this rollout");
        return Err(ground.refused(what, "rename or delete that Deployment"));
    }
    Ok(Some(found))
}

/// How many replicas the service has in all: what it had when the rollout began.
pub(super) fn replicas(stable: &Workload, canary: Option<&Workload>) -> u32 {
    canary.and_then(|canary| canary.annotation(REPLICAS)?.parse().ok()).unwrap_or_else(|| stable.wanted())
}

/// Labels of the canary's pods behind the same Service: those of stable, but for one by which stable's selector tells them
/// apart.
///
/// Errors: refused where stable's selector would match them too.
pub(super) fn labels_behind_the_same_service(
    ground: &Ground,
    stable: &Workload,
    service: &Labels,
) -> Result<Labels, Trouble> {
    let own = selector::wanted(stable.selector());
    let free = |key: &str| own.contains_key(key) && !service.contains_key(key);
    let key = TELLING.iter().find(|key| free(key)).map(|key| (*key).to_owned());
    let key = key.or_else(|| own.keys().find(|key| !service.contains_key(*key)).cloned());
    let labels = differing(stable, &[key.unwrap_or_else(|| TRACK.to_owned())], CANARY);
    if selector::matches(stable.selector(), &labels) {
        let text: Vec<String> = own.iter().map(|(key, value)| format!("{key}={value}")).collect();
        let what = format!(
            "its selector ({}) would match the canary's pods too, because the Service asks for the same labels: the two \
             Deployments, every autoscaler and every budget would count each other's pods",
            text.join(",")
        );
        let next = format!(
            "make the Deployment anew with `{TRACK}: stable` in its selector and template (a selector cannot be changed), \
             or use the strategy `routes` or `rolling`"
        );
        return Err(ground.refused(what, next));
    }
    if !selector::has_all(&labels, service) {
        let what = "the Service asks for every label by which the canary's pods could be told from those of stable";
        return Err(ground.refused(what, "use the strategy `routes`, or let the Service ask for fewer labels"));
    }
    Ok(labels)
}

/// Labels of the canary's pods that neither the Service nor stable's selector matches.
pub(super) fn labels_apart(ground: &Ground, stable: &Workload, service: &Labels) -> Result<Labels, Trouble> {
    let own = selector::wanted(stable.selector());
    let both = |key: &str| own.contains_key(key) && service.contains_key(key);
    let mut keys: Vec<String> = TELLING.iter().filter(|key| both(key)).map(|key| (*key).to_owned()).collect();
    keys.extend(own.keys().filter(|key| both(key)).cloned());
    keys.truncate(1);
    if keys.is_empty() {
        keys = [own.keys().next(), service.keys().next()].into_iter().flatten().cloned().collect();
    }
    let labels = differing(stable, &keys, CANARY);
    if selector::matches(stable.selector(), &labels) || selector::has_all(&labels, service) {
        let what = "no label can be found that tells the canary's pods from those of stable";
        return Err(ground.refused(what, "give the Deployment and its Service a selector with `matchLabels`"));
    }
    Ok(labels)
}

/// Labels of the stable pods with other values for these keys.
fn differing(stable: &Workload, keys: &[String], value: &str) -> Labels {
    let mut labels = stable.template_labels();
    for key in keys {
        let before = labels.get(key).cloned();
        let is_track = key == TRACK || before.is_none();
        let changed = match before {
            Some(before) if !is_track => format!("{}-{value}", before.chars().take(50).collect::<String>()),
            Some(before) if before == value => format!("{value}-2"),
            _ => value.to_owned(),
        };
        labels.insert(key.clone(), changed);
    }
    labels
}

/// The template of a release: stable's, with the release's images and a copy of the configuration as it is now.
pub(super) async fn template(ground: &Ground, stable: &Workload, release: &Release) -> Result<Value, Trouble> {
    let template = plain(stable.template());
    let template = revision::with_release(&template, release, ground.container(), &ground.at())?;
    let template = configuration::unpin(&ground.cluster, &template).await?;
    let mut template = configuration::pin(&ground.cluster, &template, &records::owner(stable)).await?;
    revision::sign(&mut template, &release.revision);
    Ok(template)
}

/// Keeps what stable runs now, with a copy of its configuration, so that `undo` brings back both.
pub(super) async fn keep_stable(ground: &Ground, stable: &Workload) -> Result<(), Trouble> {
    let revision = stable.revision(ground.container());
    let mut template = configuration::pin(&ground.cluster, &plain(stable.template()), &records::owner(stable)).await?;
    revision::sign(&mut template, &revision);
    records::keep(&ground.cluster, stable, &revision, &template).await
}

/// What stable's template becomes when it takes the canary's place; none where it is that already.
pub(super) fn for_stable(stable: &Workload, canary: &Workload) -> Option<Value> {
    let template = relabelled(canary.template(), &stable.template_labels());
    (plain(stable.template()) != template).then_some(template)
}

/// Stable takes the canary's place, by this template, and why it was rolled out.
pub(super) async fn promote(
    ground: &Ground,
    stable: &Workload,
    canary: &Workload,
    template: &Value,
) -> Result<Done, Trouble> {
    let revision = canary.revision(ground.container());
    records::keep(&ground.cluster, stable, &revision, template).await?;
    let cause = canary.annotation(CAUSE);
    let is_written =
        ground.cluster.edit(&DEPLOYMENT, &ground.workload, |object| Ok(set_template(object, template, cause))).await?;
    let what = format!("deployment/{} takes {revision}", ground.workload);
    Ok(if is_written { Done::Changed(what) } else { Done::AlreadySo })
}

/// Stable gets a revision back that it had. Says what was written; none where it has it, and nobody holds it.
pub(super) async fn bring_back(ground: &Ground, stable: &Workload, to: &Revision) -> Result<Option<String>, Trouble> {
    if stable.revision(ground.container()) == *to && !stable.is_paused() {
        return Ok(None);
    }
    let record = ground.record(stable, to).await?;
    let template = relabelled(&record.template, &stable.template_labels());
    let cause = format!("undo to {to}");
    // One write: a paused Deployment is never resumed with the template that is to go.
    let is_written = ground
        .cluster
        .edit(&DEPLOYMENT, &ground.workload, |object| {
            let is_written = set_template(object, &template, Some(&cause));
            Ok(set_spec(object, "paused", Value::Null) || is_written)
        })
        .await?;
    Ok(is_written.then(|| format!("deployment/{} goes back to {to}", ground.workload)))
}

/// A template with other labels.
pub(super) fn relabelled(template: &Value, labels: &Labels) -> Value {
    let mut template = plain(template);
    if let Some(template) = template.as_object_mut() {
        let metadata = template.entry("metadata").or_insert_with(|| json!({}));
        if let Some(metadata) = metadata.as_object_mut() {
            metadata.insert("labels".to_owned(), json!(labels));
        }
    }
    template
}

/// A twin to be made.
pub(super) struct Twin<'a> {
    pub(super) stable: &'a Workload,
    pub(super) labels: &'a Labels,
    pub(super) template: &'a Value,
    pub(super) replicas: u32,
    pub(super) cause: &'a str,
}

/// Makes the twin, or makes it another one.
pub(super) async fn make(ground: &Ground, twin: Twin<'_>) -> Result<(), Trouble> {
    let Twin { stable, labels, template, replicas, cause } = twin;
    let mut spec = serde_json::Map::new();
    for key in ["minReadySeconds", "progressDeadlineSeconds", "revisionHistoryLimit", "strategy"] {
        if let Some(value) = stable.0.data.get("spec").and_then(|spec| spec.get(key)) {
            spec.insert(key.to_owned(), value.clone());
        }
    }
    spec.insert("replicas".to_owned(), json!(replicas));
    spec.insert("selector".to_owned(), json!({ "matchLabels": labels }));
    spec.insert("template".to_owned(), relabelled(template, labels));
    let name = name(&ground.workload);
    let mut annotations = json!({ TWIN_OF: ground.workload, REPLICAS: stable.wanted().to_string() });
    if let Some(annotations) = annotations.as_object_mut()
        && !cause.is_empty()
    {
        annotations.insert(CAUSE.to_owned(), json!(cause));
    }
    let body = json!({
        "metadata": {
            "name": name,
            "labels": { "app.kubernetes.io/managed-by": "gonogo" },
            "annotations": annotations,
            "ownerReferences": [records::owner(stable)],
        },
        "spec": spec,
    });
    ground.cluster.apply(&DEPLOYMENT, &name, &body, Against::Yield).await
}

/// Asks for so many replicas of the twin. Server-side apply wants to hear everything again that is gonogo's.
pub(super) async fn scale(
    ground: &Ground,
    stable: &Workload,
    canary: &Workload,
    replicas: u32,
    against: Against,
) -> Result<(), Trouble> {
    let mut annotations = serde_json::Map::new();
    for key in [TWIN_OF, REPLICAS, CAUSE] {
        if let Some(value) = canary.annotation(key) {
            annotations.insert(key.to_owned(), json!(value));
        }
    }
    let mut spec = serde_json::Map::new();
    for key in ["minReadySeconds", "progressDeadlineSeconds", "revisionHistoryLimit", "strategy", "selector"] {
        if let Some(value) = canary.0.data.get("spec").and_then(|spec| spec.get(key)) {
            spec.insert(key.to_owned(), value.clone());
        }
    }
    spec.insert("replicas".to_owned(), json!(replicas));
    spec.insert("template".to_owned(), plain(canary.template()));
    let body = json!({
        "metadata": {
            "name": canary.name(),
            "labels": { "app.kubernetes.io/managed-by": "gonogo" },
            "annotations": annotations,
            "ownerReferences": [records::owner(stable)],
        },
        "spec": spec,
    });
    ground.cluster.apply(&DEPLOYMENT, canary.name(), &body, against).await
}
