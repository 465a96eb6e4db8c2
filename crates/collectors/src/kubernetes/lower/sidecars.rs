//! Side-cars that are known by their image or their name.

use gonogo_domain::evidence::Container;

use crate::image_name::base_name;

/// Marks the side-cars. Where nothing but known side-cars run, they are the workload's own program: an ingress made of
/// envoy, a log shipper as a `DaemonSet`, a telemetry collector.
pub(super) fn mark(containers: &mut [Container]) {
    for container in &mut *containers {
        container.sidecar = known(container);
    }
    if containers.iter().all(|container| container.sidecar) {
        for container in containers {
            container.sidecar = false;
        }
    }
}

fn known(container: &Container) -> bool {
    let image = container.image.as_ref().map(|image| base_name(&image.value.repository).to_ascii_lowercase());
    let name = container.name.to_ascii_lowercase();
    NAMES.contains(&name.as_str()) || image.is_some_and(|image| IMAGES.contains(&image.as_str()))
}

/// Names of containers that injectors and guides give.
const NAMES: &[&str] = &[
    "istio-proxy",
    "linkerd-proxy",
    "consul-dataplane",
    "consul-connect-envoy-sidecar",
    "kuma-sidecar",
    "cloudsql-proxy",
    "cloud-sql-proxy",
    "alloydb-auth-proxy",
    "vault-agent",
    "daprd",
    "envoy-sidecar",
    "oauth2-proxy",
    "oauth-proxy",
    "kube-rbac-proxy",
    "otc-container",
    "gke-gcsfuse-sidecar",
];

/// Last parts of the images' names.
const IMAGES: &[&str] = &[
    // Meshes: traffic in and out.
    "proxyv2",
    "envoy",
    "envoy-distroless",
    "proxy-init",
    "linkerd2-proxy",
    "consul-dataplane",
    "kuma-dp",
    "daprd",
    "aws-appmesh-envoy",
    // Databases behind an authenticated tunnel.
    "gce-proxy",
    "cloud-sql-proxy",
    "alloydb-auth-proxy",
    "pgbouncer",
    "pgbouncer-exporter",
    // Logs and telemetry.
    "fluent-bit",
    "fluentd",
    "filebeat",
    "promtail",
    "vector",
    "opentelemetry-collector",
    "opentelemetry-collector-contrib",
    "opentelemetry-collector-k8s",
    "otel-collector",
    "aws-otel-collector",
    "jaeger-agent",
    "datadog-agent",
    "xray-daemon",
    "aws-xray-daemon",
    "cloudwatch-agent",
    "telegraf",
    // Exporters of a neighbour's metrics.
    "statsd-exporter",
    "redis_exporter",
    "postgres_exporter",
    "postgres-exporter",
    "mysqld-exporter",
    "memcached-exporter",
    "nginx-prometheus-exporter",
    "php-fpm-exporter",
    "jmx-exporter",
    // Secrets and who may come in.
    "vault",
    "vault-agent",
    "oauth2-proxy",
    "oauth-proxy",
    "kube-rbac-proxy",
    "aws-sigv4-proxy",
    "secrets-store-csi-driver",
    // Files that follow the cluster's.
    "git-sync",
    "configmap-reload",
    "prometheus-config-reloader",
    "k8s-sidecar",
];
