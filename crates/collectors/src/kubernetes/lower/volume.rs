//! Volumes of a pod.

use gonogo_domain::{
    Node, Place,
    evidence::{Volume, VolumeKind},
};

pub(super) fn read(spec: &Node) -> Vec<Volume> {
    spec.list("volumes")
        .iter()
        .map(|node| Volume {
            name: node.str_at("name").unwrap_or_default().to_owned(),
            place: node.get("name").map_or(&node.place, |name| &name.place).clone(),
            kind: kind(node),
        })
        .collect()
}

/// The places of the volumes that outlive the pod.
pub(super) fn claims(volumes: &[Volume]) -> Vec<Place> {
    volumes
        .iter()
        .filter(|volume| matches!(volume.kind, VolumeKind::Claim(_)))
        .map(|volume| volume.place.clone())
        .collect()
}

fn kind(node: &Node) -> VolumeKind {
    let text = |path: &str| node.str_at(path).unwrap_or_default().to_owned();
    let Some(source) = node.entries().iter().find(|entry| entry.key != "name") else {
        // A volume without a source is an empty directory.
        return VolumeKind::EmptyDir;
    };
    match source.key.as_str() {
        "configMap" => VolumeKind::ConfigMap(text("configMap.name")),
        "secret" => VolumeKind::Secret(text("secret.secretName")),
        "persistentVolumeClaim" => VolumeKind::Claim(text("persistentVolumeClaim.claimName")),
        "emptyDir" => VolumeKind::EmptyDir,
        "hostPath" => VolumeKind::HostPath(text("hostPath.path")),
        "csi" => VolumeKind::Csi {
            driver: text("csi.driver"),
            class: node.str_at("csi.volumeAttributes.secretProviderClass").map(str::to_owned),
        },
        other => VolumeKind::Other(other.to_owned()),
    }
}
