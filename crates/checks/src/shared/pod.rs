//! What a pod's own specification says beyond the common fields of a workload.

use gonogo_domain::{
    Evidence, Finding, Missing, Node, Place,
    evidence::{Container, Probe, ProbeAction, Workload, WorkloadKind},
};

use super::scaling::same_environment;

/// Kernel parameters that Kubernetes calls safe: they hold for the pod alone (Pod Security Standards, *baseline*).
const SAFE_PARAMETERS: &[&str] = &[
    "kernel.shm_rmid_forced",
    "net.ipv4.ip_local_port_range",
    "net.ipv4.ip_local_reserved_ports",
    "net.ipv4.ip_unprivileged_port_start",
    "net.ipv4.ping_group_range",
    "net.ipv4.tcp_fin_timeout",
    "net.ipv4.tcp_keepalive_intvl",
    "net.ipv4.tcp_keepalive_probes",
    "net.ipv4.tcp_keepalive_time",
    "net.ipv4.tcp_rmem",
    "net.ipv4.tcp_syncookies",
    "net.ipv4.tcp_wmem",
];

/// The specification of a Kubernetes workload's pod.
pub(crate) fn pod_spec(workload: &Workload) -> Option<&Node> {
    match workload.kind {
        WorkloadKind::ComposeService | WorkloadKind::Platform(_) => None,
        WorkloadKind::Pod => workload.body.get("spec"),
        WorkloadKind::CronJob => workload.body.at("spec.jobTemplate.spec.template.spec"),
        _ => workload.body.at("spec.template.spec"),
    }
}

/// What a pod and one of its containers take of their host, beside its namespaces and its files.
pub(crate) fn of_host(workload: &Workload, container: &Container) -> Vec<Finding> {
    let Some(pod) = pod_spec(workload) else { return Vec::new() };
    let mut findings = Vec::new();
    let mut find = |place: &Place, en: String, zh: String| findings.push(Finding::new(place, en, zh));
    for parameter in pod.list("securityContext.sysctls") {
        let name = parameter.str_at("name").unwrap_or_default();
        if !SAFE_PARAMETERS.contains(&name) {
            find(
                &parameter.place,
                format!("sets the kernel parameter {name}, which holds for more than its pod"),
                format!("设置了内核参数 {name}，其影响超出该 Pod"),
            );
        }
    }
    let own = pod
        .list("containers")
        .iter()
        .chain(pod.list("initContainers"))
        .find(|one| one.str_at("name") == Some(container.name.as_str()));
    for context in [Some(pod), own].into_iter().flatten() {
        if let Some(flag) =
            context.at("securityContext.windowsOptions.hostProcess").filter(|one| one.bool() == Some(true))
        {
            find(&flag.place, "runs as a process of the host".to_owned(), "作为主机进程运行".to_owned());
        }
    }
    let Some(own) = own else { return findings };
    if let Some(mount) = own.at("securityContext.procMount").filter(|one| one.str() == Some("Unmasked")) {
        find(&mount.place, "sees all of /proc".to_owned(), "可见完整的 /proc".to_owned());
    }
    for port in own.list("ports") {
        if let Some(number) = port.get("hostPort").filter(|number| number.int().is_some_and(|number| number > 0)) {
            let text = number.str().unwrap_or_default();
            find(
                &number.place,
                format!("takes the port {text} on the host, past every Service"),
                format!("占用主机端口 {text}，绕过 Service"),
            );
        }
    }
    findings
}

/// A probe that names a port which its container does not declare: the kubelet cannot ask it, and it fails for ever.
///
/// A number needs no declaration.
pub(crate) fn unknown_port(workload: &Workload, container: &Container, probe: &Probe) -> Option<Finding> {
    let (ProbeAction::Http { port, .. } | ProbeAction::Tcp { port }) = &probe.action else { return None };
    let number = port.is_empty() || port.bytes().all(|byte| byte.is_ascii_digit());
    let tcp = |protocol: &Option<String>| protocol.as_deref().is_none_or(|one| one.eq_ignore_ascii_case("tcp"));
    let declared = container.ports.iter().any(|one| one.name.as_deref() == Some(port) && tcp(&one.protocol));
    if !workload.kind.kubernetes() || number || declared {
        return None;
    }
    Some(Finding::new(
        &probe.place,
        format!("names the port {port}, which container {} does not declare: it always fails", container.name),
        format!("引用了容器 {} 未声明的端口 {port}，探测总会失败", container.name),
    ))
}

/// A Service sends traffic to the workload's pods.
pub(crate) fn behind_service(evidence: &Evidence<'_>, workload: &Workload) -> Result<bool, Missing> {
    Ok(evidence.objects_of(&["Service"])?.into_iter().any(|service| {
        let pairs = service.body.at("spec.selector").map_or(&[][..], Node::entries);
        !pairs.is_empty()
            && same_environment(service, workload)
            && pairs.iter().all(|pair| workload.pod_labels.get(&pair.key).map(String::as_str) == pair.node.str())
    }))
}
