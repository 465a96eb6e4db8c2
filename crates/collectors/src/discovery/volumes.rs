//! Which volumes hold data that would be lost with a unit: those that outlive it, and hold more than a copy.

use gonogo_domain::{
    Place,
    evidence::{Mount, VolumeKind, Workload},
};

use crate::environment;

/// What the volumes of a unit's workloads say.
pub(super) enum Kept<'w> {
    Always(&'w Workload, Place),
    /// In this one; the second mounts at the same path what is gone with its pod, so that the program does without.
    Here(&'w Workload, Place, &'w Workload),
    Nowhere,
}

/// Production decides, if any of the workloads serves it.
pub(super) fn kept<'w>(workloads: impl Iterator<Item = &'w Workload>) -> Kept<'w> {
    let all: Vec<&Workload> = workloads.collect();
    let production = all.iter().any(|workload| workload.production);
    let all: Vec<&Workload> = all.into_iter().filter(|workload| workload.production == production).collect();
    let mut optional = None;
    for workload in &all {
        for durable in durable(workload) {
            match all.iter().find(|other| does_without(other, workload, &durable)) {
                Some(other) => {
                    optional.get_or_insert((*workload, durable.place, *other));
                }
                None => return Kept::Always(workload, durable.place),
            }
        }
    }
    optional.map_or(Kept::Nowhere, |(workload, place, other)| Kept::Here(workload, place, other))
}

/// A volume that outlives the workload.
struct Durable<'w> {
    place: Place,
    /// Where it is mounted to be written; none: the platform does not say.
    paths: Vec<&'w str>,
}

fn durable(workload: &Workload) -> Vec<Durable<'_>> {
    let claims = workload.volumes.iter().filter_map(|volume| match &volume.kind {
        VolumeKind::Claim(claim) => Some((volume.name.as_str(), claim.as_str(), &volume.place)),
        _ => None,
    });
    let templates = workload.body.list("spec.volumeClaimTemplates").iter().filter_map(|claim| {
        let name = claim.at("metadata.name")?;
        Some((name.str()?, name.str()?, &name.place))
    });
    let named: Vec<(&str, &str, &Place)> = templates.chain(claims).collect();
    if named.is_empty() {
        let places = workload.keeps_data.iter();
        return places.map(|place| Durable { place: place.clone(), paths: Vec::new() }).collect();
    }
    let mounts: Vec<&Mount> =
        workload.containers.iter().chain(&workload.init_containers).flat_map(|container| &container.mounts).collect();
    let mut found = Vec::new();
    for (name, claim, place) in named {
        let own = || mounts.iter().filter(|mount| mount.volume == name);
        // What it only reads is somebody else's; what it can make again is no loss.
        let paths: Vec<&str> =
            own().filter(|mount| !mount.read_only && !scratch(&mount.path)).map(|mount| mount.path.as_str()).collect();
        let holds_data = own().next().is_none() || !paths.is_empty();
        if holds_data && !scratch(name) && !scratch(claim) {
            found.push(Durable { place: place.clone(), paths });
        }
    }
    found
}

/// Words for what is made again when it is gone.
const SCRATCH: &[&str] =
    &["cache", "caches", "tmp", "temp", "temporary", "scratch", "node_modules", "venv", "npm", "m2", "gradle"];

/// A part of the path or name says that its content can be made again.
fn scratch(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    let parts = lower.split(['/', '-', '.']);
    parts.flat_map(|part| std::iter::once(part).chain(part.split('_'))).any(|word| SCRATCH.contains(&word))
        || lower.contains("/pkg/mod")
}

/// Another workload of the unit mounts at the same path a volume that goes with the pod. Another rendering of the same
/// workload counts only where this one is for no environment with a name: production may have what a default has not.
fn does_without(other: &Workload, workload: &Workload, durable: &Durable<'_>) -> bool {
    let named = workload.environment.as_deref().is_some_and(|name| environment::is_clear(&name.to_ascii_lowercase()));
    if other.key == workload.key && named {
        return false;
    }
    let passing = |mount: &Mount| {
        other.volumes.iter().any(|volume| volume.name == mount.volume && volume.kind == VolumeKind::EmptyDir)
    };
    let mut mounts = other.containers.iter().flat_map(|container| &container.mounts);
    mounts.any(|mount| durable.paths.contains(&mount.path.as_str()) && passing(mount))
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use crate::{Configuration, Tree, collect};

    /// What is known of the state of the only service.
    fn check(manifests: &[String], expect: &str) {
        let files =
            manifests.iter().zip(1..).map(|(text, number)| (format!("k8s/{number}.yaml"), text.clone().into_bytes()));
        let image = ("Dockerfile".to_owned(), b"FROM scratch\nCOPY shop /shop\nENTRYPOINT [\"/shop\"]\n".to_vec());
        let tree = Tree::from_memory(files.chain([image]));
        let configuration =
            Configuration::parse(&"gonogo.toml".into(), "[service.shop]\nclass = \"server\"\n", &[]).unwrap();
        let collected = collect(&tree, &configuration, date(2026, 11, 22));
        let state = format!("{:?}", collected.services.first().unwrap().service.state);
        assert!(state.starts_with(expect), "{state}");
    }

    fn shop(name: &str, mount: &str, volume: &str) -> String {
        format!(
            "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: {name}}}\nspec:\n  selector: {{matchLabels: {{app: {name}}}}}\n  template:\n    metadata: {{labels: {{app: {name}}}}}\n    spec:\n      containers:\n      - name: shop\n        image: example.com/shop:1\n        volumeMounts: [{mount}]\n      volumes: [{volume}]\n"
        )
    }

    const CLAIM: &str = "{name: data, persistentVolumeClaim: {claimName: shop}}";
    const EMPTY: &str = "{name: data, emptyDir: {}}";
    const MOUNT: &str = "{name: data, mountPath: /data}";

    #[test]
    fn a_claim_that_is_written_keeps_data() {
        check(&[shop("shop", MOUNT, CLAIM)], "Kept");
        check(&[shop("shop", MOUNT, EMPTY)], "NotFound");
    }

    #[test]
    fn what_is_read_only_or_made_again_is_no_data() {
        check(&[shop("shop", "{name: data, mountPath: /data, readOnly: true}", CLAIM)], "NotFound");
        check(&[shop("shop", "{name: data, mountPath: /var/cache/shop}", CLAIM)], "NotFound");
        check(&[shop("shop", MOUNT, "{name: data, persistentVolumeClaim: {claimName: shop-cache}}")], "NotFound");
        check(&[shop("shop", "{name: data, mountPath: /template}", CLAIM)], "Kept");
    }

    #[test]
    fn a_claim_that_another_workload_of_the_program_does_without_is_optional() {
        check(&[shop("shop", MOUNT, CLAIM), shop("shop-replica", MOUNT, EMPTY)], "Optional");
        check(&[shop("shop", MOUNT, CLAIM), shop("shop-replica", "{name: data, mountPath: /other}", EMPTY)], "Kept");
    }
}
