//! Variables of the environment: what the program reads, what declares them, and who else may read them.

use std::collections::{BTreeMap, BTreeSet};

use gonogo_domain::{
    Evidence, Missing, Node, Place,
    evidence::{
        EnvFromKind, EnvValue, EnvironmentRead, InstructionKind, Object, SettingsKind, SourceCode, Workload,
        WorkloadKind,
    },
};

use super::scaling::same_environment;

/// Names without case and separators: `shop.db-url` of a settings file is `SHOP_DB_URL` of the environment.
pub(crate) fn plain(name: &str) -> String {
    name.chars().filter(char::is_ascii_alphanumeric).map(|letter| letter.to_ascii_uppercase()).collect()
}

/// What the repository declares.
#[derive(Debug, Default)]
pub(crate) struct Declared<'a> {
    /// In the form of [`plain`].
    names: BTreeSet<String>,
    /// Whole maps that are taken into the environment and stand elsewhere.
    pub(crate) elsewhere: Vec<&'a Place>,
}

impl Declared<'_> {
    pub(crate) fn has(&self, name: &str) -> bool {
        self.names.contains(&plain(name))
    }
}

pub(crate) fn declared<'a>(evidence: &Evidence<'a>) -> Result<Declared<'a>, Missing> {
    let mut declared = Declared::default();
    let objects = evidence.objects()?;
    for workload in evidence.workloads()? {
        for container in workload.containers.iter().chain(&workload.init_containers) {
            declared.names.extend(container.env.iter().map(|one| plain(&one.name)));
            for map in &container.env_from {
                let keys = keys_of(map.kind, &map.name, workload, objects);
                if keys.is_empty() {
                    declared.elsewhere.push(&map.place);
                }
                declared.names.extend(keys);
            }
        }
    }
    for image in evidence.images()? {
        for instruction in image.stages.iter().flat_map(|stage| &stage.instructions) {
            if let InstructionKind::Env { name, .. } | InstructionKind::Arg { name, .. } = &instruction.kind {
                declared.names.insert(plain(name));
            }
        }
    }
    for file in evidence.settings()? {
        if matches!(
            file.kind,
            SettingsKind::Environment
                | SettingsKind::EnvironmentExample
                | SettingsKind::Application
                | SettingsKind::ChartValues
        ) {
            keys_in(&file.body, "", &mut declared.names, DEPTH);
        }
    }
    for resource in evidence.infrastructure()? {
        keys_in(&resource.body, "", &mut declared.names, DEPTH);
    }
    for object in objects.iter().filter(|object| object.kind == "ConfigMap") {
        if let Some(data) = object.body.get("data") {
            keys_in(data, "", &mut declared.names, 1);
        }
    }
    Ok(declared)
}

/// Settings nest no deeper than this.
const DEPTH: usize = 12;

/// Every key with the path that leads to it, and what lists of variables name.
fn keys_in(node: &Node, before: &str, names: &mut BTreeSet<String>, depth: usize) {
    let Some(depth) = depth.checked_sub(1) else { return };
    for entry in node.entries() {
        let own = plain(&entry.key);
        let whole = format!("{before}{own}");
        if entry.key == "name" {
            names.extend(entry.node.str().map(plain));
        }
        names.insert(own);
        keys_in(&entry.node, &whole, names, depth);
        names.insert(whole);
    }
    for item in node.items() {
        // `- SHOP_URL=…`
        names.extend(item.str().and_then(|text| text.split_once('=')).map(|(name, _)| plain(name)));
        keys_in(item, before, names, depth);
    }
}

fn keys_of(kind: EnvFromKind, name: &str, workload: &Workload, objects: &[Object]) -> Vec<String> {
    let kind = match kind {
        EnvFromKind::ConfigMap => "ConfigMap",
        EnvFromKind::Secret => "Secret",
        EnvFromKind::File => return Vec::new(),
    };
    let own = objects.iter().filter(|one| one.kind == kind && one.name == name && same_environment(one, workload));
    let fields = own.flat_map(|one| ["data", "stringData"].into_iter().filter_map(|field| one.body.get(field)));
    fields.flat_map(Node::entries).map(|entry| plain(&entry.key)).collect()
}

/// What the product reads, by the name as it is written; a page in a browser beside it has no environment.
pub(crate) fn read(source: &SourceCode) -> BTreeMap<&str, Vec<&EnvironmentRead>> {
    let mut read: BTreeMap<&str, Vec<&EnvironmentRead>> = BTreeMap::new();
    let drawn = |one: &EnvironmentRead| source.functions.get(one.function).is_some_and(|function| function.browser);
    for one in source.environment.iter().filter(|one| one.role.counts() && !one.name.is_empty() && !drawn(one)) {
        read.entry(one.name.as_str()).or_default().push(one);
    }
    read
}

/// The platform, the language or a library gives or reads it: the program's own source need not.
pub(crate) fn of_the_platform(name: &str) -> bool {
    const NAMES: &[&str] = &[
        "PATH",
        "HOME",
        "HOSTNAME",
        "HOST",
        "USER",
        "USERNAME",
        "PWD",
        "SHELL",
        "TERM",
        "TMPDIR",
        "TEMP",
        "TMP",
        "TZ",
        "LANG",
        "PORT",
        "CI",
        "DEBUG",
        "NO_COLOR",
        "COLUMNS",
        "EDITOR",
        "WEB_CONCURRENCY",
        "GOMAXPROCS",
        "GOMEMLIMIT",
        "GOGC",
        "GODEBUG",
        "GOTRACEBACK",
        "GOROOT",
        "GOPATH",
        "HTTP_PROXY",
        "HTTPS_PROXY",
        "NO_PROXY",
        "NODE_NAME",
        "NAMESPACE",
        "ALLUSERSPROFILE",
        "APPDATA",
        "COMPUTERNAME",
        "COMSPEC",
        "HOMEDRIVE",
        "HOMEPATH",
        "LOCALAPPDATA",
        "PROGRAMDATA",
        "PROGRAMFILES",
        "SYSTEMDRIVE",
        "SYSTEMROOT",
        "USERPROFILE",
        "WINDIR",
        "DATABASE_URL",
        "NOTIFY_SOCKET",
        "LISTEN_FDS",
        "LISTEN_PID",
        "PGDATA",
        "JAVA_OPTS",
        "LD_LIBRARY_PATH",
        "LD_PRELOAD",
        "DYNO",
        "VERCEL",
        "NETLIFY",
        "TESTING",
        "PS1",
        "KUBECONFIG",
        "K_SERVICE",
        "K_REVISION",
        "K_CONFIGURATION",
    ];
    const STARTS: &[&str] = &[
        "OTEL_",
        "AWS_",
        "GOOGLE_",
        "GCLOUD_",
        "GCP_",
        "AZURE_",
        "GRPC_",
        "JAVA_",
        "JDK_",
        "JVM_",
        "NODE_",
        "NPM_",
        "PYTHON",
        "PIP_",
        "DD_",
        "NEW_RELIC_",
        "SENTRY_",
        "ELASTIC_",
        "RUST_",
        "CARGO_",
        "RAILS_",
        "RACK_",
        "BUNDLE_",
        "DOTNET_",
        "ASPNETCORE_",
        "COMPLUS_",
        "SPRING_",
        "QUARKUS_",
        "MICRONAUT_",
        "SERVER_",
        "LOGGING_",
        "MANAGEMENT_",
        "UVICORN_",
        "GUNICORN_",
        "FLASK_",
        "DJANGO_",
        "CELERY_",
        "PHP_",
        "APACHE_",
        "COMPOSER_",
        "LC_",
        "POD_",
        "KUBERNETES_",
        "K8S_",
        "MALLOC_",
        "SSL_CERT_",
        "JAEGER_",
        "NEXT_",
        "NUXT_",
        "VITE_",
        "REACT_APP_",
        "XDG_",
        "GITHUB_",
        "CI_",
        "FLY_",
        "RAILWAY_",
        "RENDER_",
        "HEROKU_",
        "HELM_",
        "VERCEL_",
        "SYSTEMD_",
        "BUILD_",
        "FLAGD_",
    ];
    let upper = name.to_ascii_uppercase();
    NAMES.contains(&upper.as_str()) || STARTS.iter().any(|start| upper.starts_with(start))
}

/// The variables of production that a container of this program is given: it is this program's where the source names
/// one of its variables.
pub(crate) fn given<'a>(source: &SourceCode, workloads: &[&'a Workload]) -> Vec<(&'a Workload, &'a str, &'a Place)> {
    let read: BTreeSet<&str> = source.environment.iter().map(|one| one.name.as_str()).collect();
    let named = |name: &str| read.contains(name) || source.names(name);
    let mut given = Vec::new();
    for workload in workloads.iter().filter(|one| !matches!(one.kind, WorkloadKind::Platform(_))) {
        for container in workload.main_containers() {
            let script = |command: &[String]| {
                command.iter().any(|part| part.contains(".sh") || matches!(part.as_str(), "sh" | "bash" | "-c"))
            };
            let commands = [&container.command, &container.args].into_iter().flatten();
            let scripted = commands.clone().any(|command| script(&command.value));
            if scripted || !container.env.iter().any(|one| read.contains(one.name.as_str())) {
                continue;
            }
            let mentions = |name: &str| {
                let reference = format!("({name})");
                let values = container.env.iter().filter_map(|one| match &one.value {
                    EnvValue::Literal(value) => Some(value.as_str()),
                    _ => None,
                });
                values
                    .chain(commands.clone().flat_map(|command| command.value.iter().map(String::as_str)))
                    .any(|text| text.contains(&reference))
            };
            for one in container.env.iter().filter(|one| !named(&one.name) && !mentions(&one.name)) {
                given.push((*workload, one.name.as_str(), &one.place));
            }
        }
    }
    given
}
