//! Containers are hardened, in the container file and where they run.

use gonogo_domain::{
    Area, Check, Classes, Evidence, Finding, Gate, Message, Missing, Policy, Reading, Readings, Standard, Strength,
    Tally, Text,
    evidence::{Container, ImageBuild, ImageRef, Workload, WorkloadKind},
};

use crate::shared::{container_key, container_place, images, images::User, pod, production_workloads};

pub(crate) static CHECK: Check = Check {
    id: "deployment.container",
    title: Text {
        en: "Containers are hardened, in the Dockerfile and at run time",
        zh: "容器已加固：包括 Dockerfile 与运行时",
    },
    source: &["B3.5a"],
    standard: Standard::ProductionReadiness,
    area: Area::Deployment,
    level: None,
    gate: Gate::Required,
    min: Strength::Configured,
    classes: Classes::DEPLOYED,
    fresh_days: None,
    record: &[],
    remediation: Text {
        en: "Pin the base image, end on a non-root USER, and give each container the restricted securityContext with requests and a memory limit.",
        zh: "固定基础镜像版本，以非 root 用户结束构建，并为每个容器配置受限的 securityContext、资源请求与内存上限。",
    },
    references: &[
        "https://kubernetes.io/docs/concepts/security/pod-security-standards/#restricted",
        "https://docs.docker.com/build/building/best-practices/",
    ],
    page: include_str!("container.md"),
    judge,
};

fn judge(evidence: &Evidence<'_>, _policy: &Policy) -> Readings {
    Readings::configured(configured(evidence))
}

fn configured(evidence: &Evidence<'_>) -> Result<Reading, Missing> {
    let builds = evidence.images()?;
    let workloads: Vec<&Workload> =
        production_workloads(evidence)?.into_iter().filter(|one| confined_here(one)).collect();
    let mut tally = Tally::new();
    for build in builds {
        let key = format!("image {}", build.place.path());
        let findings = images::findings(build, &around(evidence, build, &workloads)?);
        if findings.is_empty() {
            tally.met(key.clone(), &build.place);
        }
        for finding in findings {
            tally.miss(key.clone(), finding);
        }
    }
    for workload in &workloads {
        let limits = limit_ranges(evidence, workload)?;
        for container in workload.containers.iter().chain(&workload.init_containers) {
            let key = container_key(workload, container);
            let user = if container.sidecar { User::Unknown } else { user_of(container, builds) };
            let findings = confinement(workload, container, user, limits, !builds.is_empty() && !container.sidecar);
            if findings.is_empty() {
                tally.met(key.clone(), &container.place);
            }
            for finding in findings {
                tally.miss(key.clone(), finding.in_environment(workload.environment.as_deref()));
            }
        }
    }
    if tally.is_empty() {
        return nothing(evidence);
    }
    let complete = tally.count().met == tally.count().of;
    if complete && workloads.is_empty() && !on_platform(evidence)? {
        return Ok(Reading::elsewhere(
            Message::new(
                "its container files are in order; how its containers are confined where they run is not declared here",
                "容器文件符合要求；此处未声明运行时的限制",
            ),
            Message::new("the manifests that run it in production", "在生产环境运行它的部署清单"),
        ));
    }
    Ok(tally.reading("container files and containers are hardened", "个容器文件和容器已加固"))
}

/// Kubernetes and compose say how a container is confined; a platform does so by itself.
fn confined_here(workload: &Workload) -> bool {
    !matches!(workload.kind, WorkloadKind::Platform(_)) && !cloud_run(workload)
}

/// Cloud Run takes Knative's objects and ignores most of a securityContext.
fn cloud_run(workload: &Workload) -> bool {
    workload.kind == WorkloadKind::KnativeService
        && workload
            .annotations
            .keys()
            .chain(workload.pod_annotations.keys())
            .any(|key| key.starts_with("run.googleapis.com/"))
}

fn on_platform(evidence: &Evidence<'_>) -> Result<bool, Missing> {
    Ok(production_workloads(evidence)?.iter().any(|workload| !confined_here(workload)))
}

fn nothing(evidence: &Evidence<'_>) -> Result<Reading, Missing> {
    if on_platform(evidence)? {
        return Ok(Reading::not_applicable(
            "a platform runs it, without a container file of its own",
            "由平台运行，没有自己的容器文件",
        ));
    }
    Ok(Reading::elsewhere(
        Message::new(
            "no container file and no manifest here runs it in production",
            "此处没有容器文件，也没有生产环境的部署清单",
        ),
        Message::new("its container file and the manifests that run it", "其容器文件与部署清单"),
    ))
}

/// What the workloads settle for an image.
fn around(evidence: &Evidence<'_>, build: &ImageBuild, workloads: &[&Workload]) -> Result<images::Around, Missing> {
    let containers: Vec<(&Workload, &Container)> =
        workloads.iter().flat_map(|one| one.main_containers().map(move |container| (*one, container))).collect();
    let enforced = |(workload, container): &(&Workload, &Container)| {
        let user = container.security.run_as_user.as_ref().or(workload.security.run_as_user.as_ref());
        let flag = container.security.run_as_non_root.as_ref().or(workload.security.run_as_non_root.as_ref());
        user.map_or_else(|| flag.is_some_and(|flag| flag.value), |user| user.value > 0)
    };
    let numbered = |(workload, container): &(&Workload, &Container)| {
        container.security.run_as_user.is_some() || workload.security.run_as_user.is_some()
    };
    let composed: Vec<_> = containers.iter().filter(|(one, _)| one.kind == WorkloadKind::ComposeService).collect();
    let nothing_asks = containers.iter().any(|(workload, container)| {
        workload.kind == WorkloadKind::ComposeService && container.readiness.is_none() && container.liveness.is_none()
    });
    let environment_file = evidence.files()?.iter().any(|file| {
        let (folder, name) = file.path.rsplit_once('/').unwrap_or((".", &file.path));
        folder == build.context && name == ".env"
    });
    Ok(images::Around {
        environment_file,
        non_root_enforced: !containers.is_empty() && containers.iter().all(enforced),
        verified_without_number: containers
            .iter()
            .find(|pair| pair.0.kind.kubernetes() && enforced(pair) && !numbered(pair))
            .filter(|(_, container)| built_from(container, build))
            .and_then(|(workload, container)| {
                container.security.run_as_non_root.as_ref().or(workload.security.run_as_non_root.as_ref())
            })
            .map(|flag| flag.place.clone()),
        nothing_asks_for_health: nothing_asks && composed.len() == containers.len(),
    })
}

/// The container's image bears the name of the folder or file that this image is built in, or it is the only one.
fn built_from(container: &Container, build: &ImageBuild) -> bool {
    let Some(image) = &container.image else { return false };
    let name = image.value.repository.rsplit('/').next().unwrap_or_default();
    build.context == "." || build.context.rsplit('/').next() == Some(name) || build.place.path().contains(name)
}

/// The user that the images of this service are known to end on.
fn user_of(container: &Container, builds: &[ImageBuild]) -> User {
    match builds {
        [build] if built_from(container, build) => images::user(build),
        _ => User::Unknown,
    }
}

/// A `LimitRange` of the same tree fills in what a container does not say.
#[derive(Clone, Copy, Default)]
struct Defaults {
    requests: bool,
    memory: bool,
}

fn limit_ranges(evidence: &Evidence<'_>, workload: &Workload) -> Result<Defaults, Missing> {
    let mut defaults = Defaults::default();
    for object in evidence.objects_of(&["LimitRange"])? {
        if !crate::shared::scaling::same_environment(object, workload) {
            continue;
        }
        for limit in object.body.list("spec.limits").iter().filter(|limit| limit.str_at("type") == Some("Container")) {
            defaults.requests |=
                limit.at("defaultRequest.cpu").is_some() && limit.at("defaultRequest.memory").is_some();
            defaults.memory |= limit.at("default.memory").is_some();
        }
    }
    Ok(defaults)
}

/// How a container is confined: each wrong value at its line, and what is not written in one finding.
fn confinement(
    workload: &Workload,
    container: &Container,
    user: User,
    defaults: Defaults,
    built: bool,
) -> Vec<Finding> {
    let (own, pod) = (&container.security, &workload.security);
    let compose = workload.kind == WorkloadKind::ComposeService;
    let mut findings = Vec::new();
    let mut wrong = |place: &gonogo_domain::Place, en: String, zh: String| findings.push(Finding::new(place, en, zh));
    let mut unset: Vec<&str> = Vec::new();

    let number = own.run_as_user.as_ref().or(pod.run_as_user.as_ref());
    let flag = own.run_as_non_root.as_ref().or(pod.run_as_non_root.as_ref());
    match (number, flag) {
        (Some(number), _) if number.value == 0 => {
            wrong(&number.place, "runs as user 0".into(), "以 root（0）运行".into());
        }
        (Some(_), _) => (),
        (None, Some(flag)) if flag.value => (),
        // The image itself ends on another user than root.
        _ if user == User::Other => (),
        (None, Some(flag)) => wrong(&flag.place, "runAsNonRoot is false".into(), "runAsNonRoot 为 false".into()),
        (None, None) if compose => unset.push("user"),
        (None, None) => unset.push("runAsNonRoot"),
    }
    match &own.allow_privilege_escalation {
        Some(flag) if flag.value => {
            wrong(&flag.place, "allows privilege escalation".into(), "允许提升权限".into());
        }
        Some(_) => (),
        None if compose => unset.push("no-new-privileges"),
        None => unset.push("allowPrivilegeEscalation: false"),
    }
    if !own.drops.iter().any(|name| name.eq_ignore_ascii_case("all")) {
        unset.push(if compose { "cap_drop: ALL" } else { "capabilities.drop: ALL" });
    }
    for added in &own.adds {
        let name = added.value.to_ascii_uppercase();
        if name.trim_start_matches("CAP_") != "NET_BIND_SERVICE" {
            wrong(&added.place, format!("adds the capability {name}"), format!("添加了权能 {name}"));
        }
    }
    match &own.read_only_root {
        Some(flag) if !flag.value => {
            wrong(&flag.place, "its root file system is writable".into(), "根文件系统可写".into());
        }
        Some(_) => (),
        None if compose => unset.push("read_only"),
        None => unset.push("readOnlyRootFilesystem"),
    }
    match own.seccomp.as_ref().or(pod.seccomp.as_ref()) {
        Some(profile) if profile.value.eq_ignore_ascii_case("unconfined") => {
            wrong(&profile.place, "seccomp is switched off".into(), "已关闭 seccomp".into());
        }
        // The engine of compose has a profile by itself.
        None if !compose => unset.push("seccompProfile"),
        _ => (),
    }
    if !compose && !defaults.requests {
        if container.requests.cpu.is_none() && container.limits.cpu.is_none() {
            unset.push("requests.cpu");
        }
        if container.requests.memory.is_none() && container.limits.memory.is_none() {
            unset.push("requests.memory");
        }
    }
    if !defaults.memory && container.limits.memory.is_none() {
        unset.push("limits.memory");
    }
    if let Some(flag) = own.privileged.as_ref().filter(|flag| flag.value) {
        wrong(&flag.place, "is privileged".into(), "以特权模式运行".into());
    }
    if let Some(image) = &container.image
        && (!compose || workload.body.get("build").is_none())
        && !(filled_in(&image.value) && (built || image.value.repository == workload.name))
        && let Some((en, zh)) = images::unpinned_at_run_time(&image.value)
    {
        wrong(&image.place, en, zh);
    }
    findings.extend(of_pod(workload, container));
    findings.extend(pod::of_host(workload, container));
    if !unset.is_empty() {
        let place = own.place.as_ref().unwrap_or_else(|| container_place(workload, container));
        let list = unset.join(", ");
        findings.push(Finding::new(
            place,
            format!("container {} does not set {list}", container.name),
            format!("容器 {} 未设置 {list}", container.name),
        ));
    }
    findings
}

/// A bare name without registry and tag, of an image that is built here: what builds it (Skaffold, a pipeline) writes the
/// whole name when it deploys.
fn filled_in(image: &ImageRef) -> bool {
    image.tag.is_none() && image.digest.is_none() && !image.repository.contains('/')
}

/// What a pod shares with its host.
fn of_pod(workload: &Workload, container: &Container) -> Vec<Finding> {
    let pod = &workload.security;
    let mut findings = Vec::new();
    for (place, name) in [(&pod.host_network, "network"), (&pod.host_pid, "PID"), (&pod.host_ipc, "IPC")] {
        if let Some(place) = place {
            findings.push(Finding::new(
                place,
                format!("shares the host's {name} namespace"),
                format!("共享主机的 {name} 命名空间"),
            ));
        }
    }
    for volume in &workload.volumes {
        let gonogo_domain::evidence::VolumeKind::HostPath(path) = &volume.kind else { continue };
        if !container.mounts.iter().any(|mount| mount.volume == volume.name) {
            continue;
        }
        // On one machine, files of the project are mounted as a matter of course; the engine's socket is the machine.
        let grave = path.ends_with("docker.sock") || path.ends_with("containerd.sock") || path == "/";
        if workload.kind != WorkloadKind::ComposeService || grave {
            findings.push(Finding::new(
                &volume.place,
                format!("mounts {path} of the host"),
                format!("挂载主机路径 {path}"),
            ));
        }
    }
    findings
}
