//! What a unit needs over the network, and whether it keeps data.

use std::collections::{BTreeMap, BTreeSet};

use gonogo_domain::{
    Dependency, Message, Node, Place, State,
    evidence::{EnvFromKind, EnvValue, ImageBuild, InfrastructureTool, InstructionKind, Workload, WorkloadKind},
    package_capabilities,
};

use super::{
    Candidate,
    class::View,
    names::normal,
    products,
    volumes::{self, Kept},
};
use crate::paths;

/// What it calls: from its variables, from compose, from the clients that it links.
pub(super) fn dependencies(view: &View<'_>, units: &[Candidate]) -> Vec<Dependency> {
    let mut found: BTreeMap<String, Dependency> = BTreeMap::new();
    let own = normal(&view.candidate.name);
    let mut add = |dependency: Dependency| {
        let key = normal(&dependency.name);
        if !key.is_empty() && key != own {
            found.entry(key).or_insert(dependency);
        }
    };
    let callables = callables(view, units);
    for workload in view.workloads() {
        for (name, value, place) in variables(view, workload) {
            if let Some(dependency) = from_variable(&callables, &name, value.as_deref(), &place) {
                add(dependency);
            }
        }
        for (name, place) in compose_needs(workload) {
            let known = callables.get(&normal(&name));
            if known.is_none_or(|known| !known.no_dependency) {
                let (name, kind) =
                    known.map_or_else(|| (name, "http".to_owned()), |known| (known.name.clone(), known.kind.clone()));
                add(Dependency { name, kind, hard: None, place });
            }
        }
    }
    for (name, value, place) in defaults(view) {
        // A default that leads to nothing here is for somebody's own machine.
        let leads = host(value).is_some_and(|host| callables.contains_key(&normal(&host)));
        if let Some(dependency) = from_variable(&callables, name, Some(value), place).filter(|_| leads) {
            add(dependency);
        }
    }
    let mut found: Vec<Dependency> = found.into_values().collect();
    // What is known by its kind only is the same thing as one of that kind with a name.
    let named: Vec<String> = found.iter().filter(|one| one.name != one.kind).map(|one| one.kind.clone()).collect();
    found.retain(|one| one.name != one.kind || !named.contains(&one.kind));
    // A package that several units are built from does not say which of them needs what.
    for package in view.packages().filter(|_| !view.home_is_shared) {
        for dependency in package.dependencies.iter().filter(|dependency| !dependency.development) {
            let Some(kind) =
                package_capabilities(package.ecosystem, &dependency.name).find_map(|known| known.connects.as_deref())
            else {
                continue;
            };
            if !found.iter().any(|known| known.kind == kind) {
                found.push(Dependency {
                    name: kind.to_owned(),
                    kind: kind.to_owned(),
                    hard: None,
                    place: dependency.place.clone(),
                });
            }
        }
    }
    found
}

/// Something that can be called here.
struct Callable {
    name: String,
    kind: String,
    /// It is a part of the unit itself, or only observes: nothing that the unit depends on.
    no_dependency: bool,
}

/// Everything that can be called here, by its comparable name.
fn callables(view: &View<'_>, units: &[Candidate]) -> BTreeMap<String, Callable> {
    let declared = view.declared;
    let mut found: BTreeMap<String, Callable> = BTreeMap::new();
    for unit in units {
        let kind = stands_on(view, unit).map_or("http", |product| &product.kind);
        let callable = Callable { name: unit.name.clone(), kind: kind.to_owned(), no_dependency: false };
        found.insert(normal(&unit.name), callable);
    }
    for (index, workload) in declared.workloads.iter().enumerate() {
        let image = workload.main_containers().find_map(|container| container.image.as_ref()).map(|image| &image.value);
        let product = image.and_then(products::product);
        let own = view.candidate.workloads.contains(&index);
        let callable = found.entry(normal(&workload.name)).or_insert_with(|| Callable {
            name: workload.name.clone(),
            kind: "http".to_owned(),
            no_dependency: false,
        });
        if let Some(product) = product {
            callable.kind.clone_from(&product.kind);
        }
        callable.no_dependency |= own || product.is_some_and(|product| product.agent);
    }
    // A Service may have another name than the workload behind it.
    for object in declared.objects.iter().filter(|object| object.kind == "Service") {
        let behind = declared.workloads.iter().find(|workload| super::class::selects(object, workload));
        let Some(known) = behind.and_then(|workload| found.get(&normal(&workload.name))) else { continue };
        let callable =
            Callable { name: known.name.clone(), kind: known.kind.clone(), no_dependency: known.no_dependency };
        found.entry(normal(&object.name)).or_insert(callable);
    }
    found
}

/// The product that an image of a unit stands on: a database with a schema added.
fn stands_on(view: &View<'_>, unit: &Candidate) -> Option<&'static products::Product> {
    let images = unit.images.iter().filter_map(|index| view.declared.images.get(*index));
    let mut bases = images.filter_map(|image| image.final_base());
    bases.find_map(|base| products::product(&base.value)).filter(|product| product.keeps_data)
}

/// The variables of a workload with their values where they are written, configuration maps included.
fn variables(view: &View<'_>, workload: &Workload) -> Vec<(String, Option<String>, Place)> {
    let map = |name: &str| {
        let named = view.declared.objects.iter().filter(|object| object.kind == "ConfigMap" && object.name == name);
        named.max_by_key(|object| (object.environment == workload.environment, object.production))
    };
    let mut variables = Vec::new();
    for container in workload.main_containers() {
        for variable in &container.env {
            let value = match &variable.value {
                EnvValue::Literal(value) => Some(value.clone()),
                EnvValue::ConfigMap { name, key, .. } => {
                    map(name).and_then(|map| map.body.get("data")?.get(key)?.str().map(str::to_owned))
                }
                EnvValue::Secret { .. } | EnvValue::Other(_) => None,
            };
            variables.push((variable.name.clone(), value, variable.place.clone()));
        }
        for from in container.env_from.iter().filter(|from| from.kind == EnvFromKind::ConfigMap) {
            let data = map(&from.name).and_then(|map| map.body.get("data"));
            for entry in data.map_or(&[][..], Node::entries) {
                variables.push((entry.key.clone(), entry.node.str().map(str::to_owned), entry.node.place.clone()));
            }
        }
    }
    variables
}

/// The variables of its images that no workload sets to something else.
fn defaults<'v>(view: &View<'v>) -> Vec<(&'v str, &'v str, &'v Place)> {
    let set: BTreeSet<&str> = view
        .workloads()
        .flat_map(Workload::main_containers)
        .flat_map(|container| container.env.iter().map(|variable| variable.name.as_str()))
        .collect();
    let instructions = view.images().flat_map(ImageBuild::final_instructions);
    instructions
        .filter_map(|instruction| match &instruction.kind {
            InstructionKind::Env { name, value } if !set.contains(name.as_str()) => {
                Some((name.as_str(), value.as_str(), &instruction.place))
            }
            _ => None,
        })
        .collect()
}

/// Endings of names of variables that hold an address.
const ADDRESS: &[&str] = &[
    "_ADDR",
    "_ADDRESS",
    "_HOST",
    "_HOSTNAME",
    "_URL",
    "_URI",
    "_ENDPOINT",
    "_DSN",
    "_SERVER",
    "_SERVERS",
    "_BROKERS",
    "_SERVICE",
    "_CONNECTION_STRING",
    "_BASE_URL",
];

/// Variables whose name alone says what is behind them.
const WELL_KNOWN: &[(&str, &str)] = &[
    ("DATABASE", "database"),
    ("DB", "database"),
    ("POSTGRES", "postgresql"),
    ("POSTGRESQL", "postgresql"),
    ("PG", "postgresql"),
    ("SPRING_DATASOURCE", "database"),
    ("MYSQL", "mysql"),
    ("MONGO", "mongodb"),
    ("MONGODB", "mongodb"),
    ("REDIS", "redis"),
    ("AMQP", "amqp"),
    ("RABBITMQ", "amqp"),
    ("KAFKA", "kafka"),
    ("KAFKA_BOOTSTRAP", "kafka"),
    ("NATS", "nats"),
    ("ELASTICSEARCH", "elasticsearch"),
    ("MEMCACHED", "memcached"),
    ("VAULT", "vault"),
];

fn from_variable(
    callables: &BTreeMap<String, Callable>,
    name: &str,
    value: Option<&str>,
    place: &Place,
) -> Option<Dependency> {
    let upper = name.to_ascii_uppercase();
    let stem = ADDRESS.iter().find_map(|ending| upper.strip_suffix(ending));
    let scheme = value.and_then(|value| value.split_once("://")).map(|(scheme, _)| scheme.to_ascii_lowercase());
    // An address without a telling name counts only where it leads to something that is here.
    let known = value.and_then(host).and_then(|host| callables.get(&normal(&host)));
    if let Some(known) = known.filter(|_| stem.is_some() || scheme.is_some()) {
        let kind = scheme.as_deref().and_then(scheme_kind).unwrap_or(&known.kind);
        let dependency =
            Dependency { name: known.name.clone(), kind: kind.to_owned(), hard: None, place: place.clone() };
        return (!known.no_dependency).then_some(dependency);
    }
    let stem = stem?;
    let (_, kind) = WELL_KNOWN.iter().find(|(known, _)| *known == stem)?;
    if value.is_some_and(|value| value.trim().is_empty()) {
        return None;
    }
    let kind = scheme.as_deref().and_then(scheme_kind).unwrap_or(kind);
    Some(Dependency { name: kind.to_owned(), kind: kind.to_owned(), hard: None, place: place.clone() })
}

fn scheme_kind(scheme: &str) -> Option<&'static str> {
    let scheme = scheme.strip_prefix("jdbc:").unwrap_or(scheme);
    Some(match scheme.split(['+', ':']).next().unwrap_or(scheme) {
        "postgres" | "postgresql" => "postgresql",
        "mysql" | "mariadb" => "mysql",
        "mongodb" => "mongodb",
        "redis" | "rediss" => "redis",
        "amqp" | "amqps" => "amqp",
        "kafka" => "kafka",
        "nats" => "nats",
        "grpc" => "grpc",
        _ => return None,
    })
}

/// The first label of the host of an address: `ledger-db` of `postgresql://user@ledger-db.bank.svc:5432/x`.
fn host(value: &str) -> Option<String> {
    let rest = value.rsplit_once("://").map_or(value, |(_, rest)| rest);
    let authority = rest.split(['/', '?', ',', ' ']).next()?;
    let address = authority.rsplit_once('@').map_or(authority, |(_, address)| address);
    let host = address.split(':').next()?;
    let label = host.split('.').next()?;
    let valid = !label.is_empty() && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_');
    valid.then(|| label.to_owned())
}

fn compose_needs(workload: &Workload) -> Vec<(String, Place)> {
    if workload.kind != WorkloadKind::ComposeService {
        return Vec::new();
    }
    let Some(needs) = workload.body.get("depends_on") else { return Vec::new() };
    let listed = needs.items().iter().filter_map(|item| Some((item.str()?.to_owned(), item.place.clone())));
    let mapped = needs.entries().iter().map(|entry| (entry.key.clone(), entry.key_place.clone()));
    listed.chain(mapped).collect()
}

/// Whether data would be lost with it.
pub(super) fn state(view: &View<'_>, dependencies: &[Dependency], units: &[Candidate]) -> State {
    let only = units.len() == 1;
    let kept =
        |en: String, zh: String, place: &Place| State::Kept { reason: Message::new(en, zh), place: place.clone() };
    let volumes = volumes::kept(view.workloads());
    if let Kept::Always(workload, place) = &volumes {
        let (kind, name) = (workload.kind.name(), &workload.name);
        return kept(
            format!("{kind} {name} mounts a volume that outlives it"),
            format!("{kind} {name} 挂载了持久卷"),
            place,
        );
    }
    for image in view.images() {
        let base = image.final_base();
        if let Some((base, product)) =
            base.and_then(|base| Some((base, products::product(&base.value).filter(|product| product.keeps_data)?)))
        {
            return kept(
                format!("its image is {}, which keeps data ({})", base.value.text, product.kind),
                format!("其镜像基于 {}，会保存数据（{}）", base.value.text, product.kind),
                &base.place,
            );
        }
    }
    let database = dependencies.iter().find(|one| is_database(&one.kind));
    let migration = view.declared.migrations.iter().find(|migration| {
        let path = migration.place.path();
        only || (view.home != "." && paths::is_below(path, view.home))
            || view.candidate.folder.as_deref().is_some_and(|folder| folder != "." && paths::is_below(path, folder))
    });
    if let Some(migration) = migration {
        return kept(
            format!("it changes the schema of a database of its own ({})", migration.tool),
            format!("管理自有数据库的结构（{}）", migration.tool),
            &migration.place,
        );
    }
    let managed =
        view.declared.infrastructure.iter().find(|resource| only && managed_database(resource.tool, &resource.kind));
    if let (Some(_), Some(resource)) = (database, managed) {
        return kept(
            format!("its database is declared as {}", resource.kind),
            format!("其数据库声明为 {}", resource.kind),
            &resource.place,
        );
    }
    if let Kept::Here(workload, place, other) = volumes {
        let (one, other) =
            (format!("{} {}", workload.kind.name(), workload.name), format!("{} {}", other.kind.name(), other.name));
        return State::Optional {
            reason: Message::new(
                format!("{one} mounts a volume that outlives it where {other} mounts one that does not"),
                format!("{one} 挂载了持久卷，而 {other} 在同一路径挂载的是临时卷"),
            ),
            place,
        };
    }
    if let Some(state) = entrusted(view, dependencies, units) {
        return state;
    }
    State::NotFound {
        reason: Message::new(
            format!(
                "no persistent volume among {} workloads, no data product under {} container files, no migrations in {}",
                view.candidate.workloads.len(),
                view.candidate.images.len(),
                view.home
            ),
            format!(
                "{} 个工作负载中没有持久卷，{} 个容器文件不基于数据产品，{} 中没有数据库迁移",
                view.candidate.workloads.len(),
                view.candidate.images.len(),
                view.home
            ),
        ),
    }
}

/// Its databases are units of this repository, or products that this repository runs in production.
fn entrusted(view: &View<'_>, dependencies: &[Dependency], units: &[Candidate]) -> Option<State> {
    let to_unit = |name: &str| units.iter().any(|unit| unit.name == name && stands_on(view, unit).is_some());
    // What is known by its kind alone is nobody's, unless a unit is called like it.
    let mut databases =
        dependencies.iter().filter(|one| is_database(&one.kind) && (one.name != one.kind || to_unit(&one.name)));
    let to_product = |name: &str| {
        view.declared.workloads.iter().any(|workload| {
            let mut images = workload.main_containers().filter_map(|container| container.image.as_ref());
            workload.name == name
                && workload.production
                // What a compose file starts beside a service is as often a developer's.
                && workload.kind != WorkloadKind::ComposeService
                && images.any(|image| products::product(&image.value).is_some_and(|product| product.keeps_data))
        })
    };
    let first = databases.next()?;
    let reviewed = to_unit(&first.name) && databases.all(|other| to_unit(&other.name));
    if !reviewed && !to_product(&first.name) {
        return None;
    }
    Some(State::Entrusted { to: first.name.clone(), reviewed, place: first.place.clone() })
}

fn is_database(kind: &str) -> bool {
    matches!(
        kind,
        "database"
            | "postgresql"
            | "mysql"
            | "mongodb"
            | "cassandra"
            | "sqlserver"
            | "elasticsearch"
            | "clickhouse"
            | "sqlite"
            | "dynamodb"
    )
}

fn managed_database(tool: InfrastructureTool, kind: &str) -> bool {
    matches!(tool, InfrastructureTool::Terraform | InfrastructureTool::CloudFormation | InfrastructureTool::Serverless)
        && [
            "db_instance",
            "rds_cluster",
            "sql_database_instance",
            "dynamodb_table",
            "::RDS::DB",
            "DynamoDB::Table",
            "postgresql_server",
            "postgresql_flexible_server",
            "mysql_flexible_server",
            "mssql_database",
            "cosmosdb_account",
            "spanner_instance",
            "firestore_database",
            "alloydb_cluster",
        ]
        .iter()
        .any(|word| kind.contains(word))
}
