//! What Kubernetes objects are lowered to.

use std::sync::Arc;

use gonogo_domain::evidence::{EnvValue, PreStopAction, Probe, ProbeAction, VolumeKind};
use gonogo_formats::yaml;

use super::*;

fn lowered(text: &str) -> Workload {
    let stream = yaml::parse(&Arc::from("a.yaml"), text);
    let node = &stream.documents.first().unwrap().node;
    let shape = shape(node).unwrap();
    workload(node, shape.kind, shape.template.unwrap())
}

#[test]
fn every_field_of_a_deployment_is_kept_with_its_place() {
    let workload = lowered(
        r#"apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop, labels: {app: web}, annotations: {team: a}}
spec:
  replicas: 3
  template:
    metadata: {labels: {app: web}, annotations: {scrape: "true"}}
    spec:
      terminationGracePeriodSeconds: 45
      hostNetwork: true
      hostPID: false
      serviceAccountName: web
      automountServiceAccountToken: false
      securityContext: {runAsNonRoot: true, seccompProfile: {type: RuntimeDefault}}
      topologySpreadConstraints:
      - {topologyKey: zone, whenUnsatisfiable: ScheduleAnyway}
      affinity:
        podAntiAffinity:
          preferredDuringSchedulingIgnoredDuringExecution:
          - {weight: 1, podAffinityTerm: {topologyKey: host}}
      initContainers:
      - {name: migrate, image: web:1}
      - {name: proxy, image: proxy:1, restartPolicy: Always}
      containers:
      - name: istio-proxy
        image: docker.io/istio/proxyv2:1.20
      - name: web
        image: registry:5000/web:1@sha256:abc
        args: [serve]
        ports:
        - {containerPort: 8080, name: http}
        env:
        - {name: A, value: b}
        - name: PASSWORD
          valueFrom: {secretKeyRef: {name: s, key: k, optional: true}}
        - name: POD
          valueFrom: {fieldRef: {fieldPath: metadata.name}}
        envFrom:
        - configMapRef: {name: settings}
        resources: {requests: {cpu: 100m, memory: 64Mi}, limits: {memory: 128Mi}}
        readinessProbe:
          httpGet: {path: /ready, port: http}
          periodSeconds: 5
        livenessProbe: {grpc: {port: 9000}, initialDelaySeconds: 10}
        startupProbe: {}
        lifecycle: {preStop: {sleep: {seconds: 5}}}
        securityContext: {readOnlyRootFilesystem: true, capabilities: {drop: [ALL], add: [NET_BIND_SERVICE]}}
        volumeMounts:
        - {name: data, mountPath: /data, readOnly: true}
      volumes:
      - {name: data, persistentVolumeClaim: {claimName: web-data}}
      - {name: secrets, csi: {driver: secrets-store.csi.k8s.io, volumeAttributes: {secretProviderClass: vault}}}
      - {name: tmp}
"#,
    );
    let lines = |place: &Place| place.line().unwrap_or(0);
    assert_eq!((workload.key.as_str(), lines(&workload.place)), ("Deployment/web", 3));
    assert_eq!(workload.replicas.as_ref().map(|replicas| (replicas.value, lines(&replicas.place))), Some((3, 5)));
    assert_eq!(workload.grace_seconds.as_ref().map(|grace| (grace.value, lines(&grace.place))), Some((45, 9)));
    assert_eq!(workload.security.host_network.as_ref().map(lines), Some(10));
    assert_eq!(workload.security.host_pid, None);
    assert_eq!(workload.security.automount_token.as_ref().map(|token| token.value), Some(false));
    assert_eq!(
        workload.spread.iter().map(|spread| (lines(&spread.place), spread.hard)).collect::<Vec<_>>(),
        [(20, false), (16, false)]
    );
    assert_eq!(workload.keeps_data.iter().map(lines).collect::<Vec<_>>(), [51]);
    assert_eq!(
        workload.volumes.iter().map(|volume| volume.kind.clone()).collect::<Vec<_>>(),
        [
            VolumeKind::Claim("web-data".to_owned()),
            VolumeKind::Csi { driver: "secrets-store.csi.k8s.io".to_owned(), class: Some("vault".to_owned()) },
            VolumeKind::EmptyDir,
        ]
    );
    let names: Vec<_> =
        workload.containers.iter().map(|container| (container.name.as_str(), container.sidecar)).collect();
    assert_eq!(names, [("istio-proxy", true), ("web", false), ("proxy", true)]);
    assert_eq!(workload.init_containers.len(), 1);

    let web = workload.main_containers().next().unwrap();
    let readiness = web.readiness.as_ref().unwrap();
    assert_eq!((lines(&readiness.place), readiness.period, readiness.timeout, readiness.failures), (41, 5, 1, 3));
    let action = ProbeAction::Http { path: "/ready".to_owned(), port: "http".to_owned(), scheme: "HTTP".to_owned() };
    assert_eq!(readiness.action, action);
    assert_eq!(web.liveness.as_ref().map(Probe::budget), Some(40));
    assert_eq!(web.startup, None);
    assert_eq!(web.pre_stop.as_ref().map(|stop| stop.what.clone()), Some(PreStopAction::Sleep(5)));
    assert_eq!(
        web.env.iter().map(|variable| variable.value.clone()).collect::<Vec<_>>(),
        [
            EnvValue::Literal("b".to_owned()),
            EnvValue::Secret { name: "s".to_owned(), key: "k".to_owned(), optional: true },
            EnvValue::Other("fieldRef: metadata.name".to_owned()),
        ]
    );
    assert_eq!(web.security.drops, ["ALL"]);
    assert_eq!(web.limits.cpu, None);
    assert_eq!(web.image.as_ref().map(|image| image.value.repository.as_str()), Some("registry:5000/web"));
}

/// The kind that an object is lowered to, or none.
fn check(version: &str, kind: &str, path: &[&str], expected: Option<&WorkloadKind>) {
    let mut text = format!("apiVersion: {version}\nkind: {kind}\n");
    for (depth, key) in path.iter().enumerate() {
        text.extend([&"  ".repeat(depth), *key, ":\n"]);
    }
    text.extend([&"  ".repeat(path.len()), "containers: [{name: a}]\n"]);
    let stream = yaml::parse(&Arc::from("a.yaml"), &text);
    let shape = shape(&stream.documents.first().unwrap().node).map(|shape| shape.kind);
    assert_eq!(shape.as_ref(), expected, "{text}");
}

#[test]
fn kinds_with_a_pod_template_are_workloads() {
    let template = ["spec", "template", "spec"];
    check("apps/v1", "StatefulSet", &template, Some(&WorkloadKind::StatefulSet));
    check("apps.openshift.io/v1", "DeploymentConfig", &template, Some(&WorkloadKind::Deployment));
    check("apps.kruise.io/v1alpha1", "CloneSet", &template, Some(&WorkloadKind::Deployment));
    check("example.com/v1", "Anything", &template, Some(&WorkloadKind::Deployment));
    check("batch/v1", "CronJob", &["spec", "jobTemplate", "spec", "template", "spec"], Some(&WorkloadKind::CronJob));
    check("v1", "Pod", &["spec"], Some(&WorkloadKind::Pod));
    check("serving.knative.dev/v1", "Service", &template, Some(&WorkloadKind::KnativeService));
    check("v1", "Service", &["spec"], None);
    check("apps/v1", "Deployment", &["spec"], None);
}

#[test]
fn a_side_car_alone_is_the_program() {
    let workload = lowered(
        "apiVersion: apps/v1\nkind: DaemonSet\nmetadata: {name: logs}\nspec: {template: {spec: {containers: [{name: a, image: fluent/fluent-bit:3}]}}}\n",
    );
    assert_eq!(workload.main_containers().count(), 1);
}
