//! The pools of all replicas together fit the database, and slow queries are seen.

use gonogo_domain::{
    Area, Capability, Check, Classes, Evidence, Finding, Gate, Message, Missing, Node, Place, Policy, Reading,
    Readings, Standard, Strength, Text,
    evidence::{EnvValue, Meaning, Object, Workload},
};

use crate::shared::production_workloads;

pub(crate) static CHECK: Check = Check {
    id: "performance.database",
    title: Text {
        en: "Queries are analysed; pool × max replicas fits the database",
        zh: "已分析查询；连接池 × 最大副本数不超过数据库上限",
    },
    source: &["B3.3d"],
    standard: Standard::ProductionReadiness,
    area: Area::Performance,
    level: None,
    gate: Gate::Advised,
    min: Strength::Configured,
    classes: Classes::RUNNING_CODE,
    fresh_days: None,
    record: &["pool", "replicas", "connections"],
    remediation: Text {
        en: "Bound the pool so that pool × the greatest number of replicas stays below max_connections (or put a pooler in between), and switch pg_stat_statements or the slow log on.",
        zh: "限制连接池，使其乘以最大副本数后低于 max_connections（或在中间加连接池代理），并启用 pg_stat_statements 或慢查询日志。",
    },
    references: &["https://www.postgresql.org/docs/current/runtime-config-connection.html"],
    page: include_str!("database.md"),
    judge,
};

fn judge(evidence: &Evidence<'_>, _policy: &Policy) -> Readings {
    Readings::configured(configured(evidence))
}

/// A number and where it stands.
struct Figure {
    value: u64,
    place: Place,
}

fn configured(evidence: &Evidence<'_>) -> Result<Reading, Missing> {
    let depends = evidence.service().dependencies.iter().any(|one| is_database(&one.kind));
    let client = evidence.packages()?.iter().any(|package| !package.dependencies_for(Capability::Database).is_empty());
    let stated = evidence.statements();
    if !depends && !client && stated.pool_size.is_none() && stated.database_connections.is_none() {
        return Ok(Reading::not_applicable(
            "no database is declared: neither a dependency nor a client library",
            "未声明数据库：依赖与客户端库中均未发现",
        ));
    }
    let workloads = production_workloads(evidence)?;
    let pool = stated
        .pool_size
        .as_ref()
        .map(|stated| Figure { value: u64::from(stated.value), place: stated.place.clone() })
        .or_else(|| workloads.iter().find_map(|workload| pool(workload)))
        .or(pool_of_settings(evidence)?)
        .or_else(|| pool_of_source(evidence));
    let limit = stated
        .database_connections
        .as_ref()
        .map(|stated| Figure { value: u64::from(stated.value), place: stated.place.clone() })
        .or(limit(evidence)?);
    let objects = evidence.objects()?;
    let replicas = workloads.iter().map(|workload| most_replicas(workload, objects)).max_by_key(|figure| figure.value);
    let (Some(pool), Some(limit), Some(replicas)) = (pool, limit, replicas) else {
        return Ok(Reading::elsewhere(
            Message::new(
                "the size of the pool, the replicas and what the database allows are not all in this repository",
                "连接池大小、副本数与数据库上限未全部出现在此仓库中",
            ),
            Message::new(
                "pool_size and database_connections in gonogo.toml, or the configuration that sets them",
                "gonogo.toml 中的 pool_size 与 database_connections，或设置它们的配置",
            ),
        ));
    };
    let needed = pool.value.saturating_mul(replicas.value);
    let sum_en =
        format!("{} connections a replica × {} replicas = {needed}, of {}", pool.value, replicas.value, limit.value);
    let sum_zh = format!("每副本 {} 个连接 × {} 个副本 = {needed}，上限 {}", pool.value, replicas.value, limit.value);
    if needed > limit.value {
        let finding = Finding::new(&pool.place, sum_en.clone(), sum_zh.clone())
            .also(&replicas.place, "replicas", "副本数")
            .also(&limit.place, "connections of the database", "数据库连接上限");
        return Ok(Reading::refuted(vec![finding], sum_en, sum_zh));
    }
    match analysed(evidence)? {
        Some(place) => Ok(Reading::shown([pool.place, replicas.place, limit.place, place], sum_en, sum_zh)),
        None => Ok(Reading::elsewhere(
            Message::new(
                format!("{sum_en}; nothing here shows that queries are analysed"),
                format!("{sum_zh}；此处没有查询分析的迹象"),
            ),
            Message::new(
                "pg_stat_statements, a slow log or the provider's query insights in the configuration",
                "配置中的 pg_stat_statements、慢查询日志或云厂商的查询洞察",
            ),
        )),
    }
}

fn is_database(kind: &str) -> bool {
    matches!(kind, "postgresql" | "mysql" | "mariadb" | "mssql" | "sqlserver" | "oracle" | "cockroachdb" | "mongodb")
}

fn pool(workload: &Workload) -> Option<Figure> {
    workload.main_containers().flat_map(|container| &container.env).find_map(|variable| {
        let EnvValue::Literal(value) = &variable.value else { return None };
        let value =
            if POOL_NAMES.contains(&variable.name.as_str()) { value.trim().parse().ok() } else { in_address(value) };
        Some(Figure { value: value?, place: variable.place.clone() })
    })
}

/// Variables that name the greatest number of connections of a pool.
const POOL_NAMES: &[&str] = &[
    "DB_POOL_SIZE",
    "DB_POOL_MAX",
    "DB_MAX_POOL_SIZE",
    "DB_MAX_OPEN_CONNS",
    "DB_MAX_OPEN_CONNECTIONS",
    "DB_MAX_CONNECTIONS",
    "DATABASE_POOL_SIZE",
    "DATABASE_MAX_CONNECTIONS",
    "DATABASE_MAX_OPEN_CONNS",
    "PG_POOL_MAX",
    "PG_POOL_SIZE",
    "PG_MAX_CONNECTIONS",
    "POSTGRES_POOL_SIZE",
    "POSTGRES_MAX_CONNECTIONS",
    "MYSQL_POOL_SIZE",
    "SQLALCHEMY_POOL_SIZE",
    "SPRING_DATASOURCE_HIKARI_MAXIMUM_POOL_SIZE",
    "SPRING_DATASOURCE_HIKARI_MAXIMUMPOOLSIZE",
    "HIKARI_MAXIMUM_POOL_SIZE",
    "HIKARI_MAX_POOL_SIZE",
    "QUARKUS_DATASOURCE_JDBC_MAX_SIZE",
];

/// `postgres://…?pool_max_conns=10` (pgx), `connection_limit` (Prisma), `maxPoolSize` (`MongoDB`, Npgsql).
fn in_address(value: &str) -> Option<u64> {
    value.split(['?', '&', ';']).skip(1).find_map(|pair| {
        let (name, value) = pair.split_once('=')?;
        let name = name.trim().to_ascii_lowercase().replace([' ', '_'], "");
        matches!(name.as_str(), "poolmaxconns" | "connectionlimit" | "maxpoolsize" | "maximumpoolsize")
            .then(|| value.trim().parse().ok())?
    })
}

/// What the program gives its pool, or what the library takes by itself.
fn pool_of_source(evidence: &Evidence<'_>) -> Option<Figure> {
    let source = evidence.source().ok()?;
    let set = source.uses_for(&[Meaning::Client]).find_map(|(_, one)| {
        let setting = one.settings.get("pool")?;
        Some(Figure { value: whole(setting.value.number()?)?, place: setting.place.clone() })
    });
    set.or_else(|| {
        source.uses_for(&[Meaning::Client]).find_map(|(_, one)| {
            Some(Figure { value: one.defaults.get("pool")?.parse().ok()?, place: one.place.clone() })
        })
    })
}

/// A number of connections.
fn whole(number: f64) -> Option<u64> {
    format!("{number:.0}").parse().ok()
}

fn pool_of_settings(evidence: &Evidence<'_>) -> Result<Option<Figure>, Missing> {
    const PATHS: &[&str] = &[
        "spring.datasource.hikari.maximum-pool-size",
        "spring.datasource.hikari.maximumPoolSize",
        "quarkus.datasource.jdbc.max-size",
    ];
    let found = evidence.settings()?.iter().find_map(|file| {
        PATHS.iter().find_map(|path| {
            // Properties write the path as one key.
            let node = file.body.at(path).or_else(|| file.body.get(path))?;
            Some(Figure { value: u64::try_from(node.int()?).ok()?, place: node.place.clone() })
        })
    });
    Ok(found)
}

/// The autoscaler's bound where there is one, else the replicas as written; one where nothing is written.
fn most_replicas(workload: &Workload, objects: &[Object]) -> Figure {
    let bound = objects.iter().filter(|object| object.environment == workload.environment).find_map(|object| {
        let path = match object.kind.as_str() {
            "HorizontalPodAutoscaler" => "spec.maxReplicas",
            "ScaledObject" => "spec.maxReplicaCount",
            _ => return None,
        };
        (object.body.str_at("spec.scaleTargetRef.name") == Some(workload.name.as_str())).then_some(())?;
        let node = object.body.at(path)?;
        Some(Figure { value: u64::try_from(node.int()?).ok()?, place: node.place.clone() })
    });
    let written =
        || workload.replicas.as_ref().map(|one| Figure { value: u64::from(one.value), place: one.place.clone() });
    bound.or_else(written).unwrap_or_else(|| Figure { value: 1, place: workload.place.clone() })
}

/// How many connections the database allows, where its own declaration is here.
fn limit(evidence: &Evidence<'_>) -> Result<Option<Figure>, Missing> {
    let figure = |node: &Node| Some(Figure { value: u64::try_from(node.int()?).ok()?, place: node.place.clone() });
    for object in evidence.objects_of(&["Cluster", "postgresql"])? {
        let parameters = ["spec.postgresql.parameters.max_connections"];
        if let Some(found) = parameters.iter().find_map(|path| figure(object.body.at(path)?)) {
            return Ok(Some(found));
        }
    }
    for resource in evidence.infrastructure()? {
        let blocks = match resource.kind.as_str() {
            "aws_db_parameter_group" | "aws_rds_cluster_parameter_group" => resource.body.list("parameter"),
            "google_sql_database_instance" => {
                resource.body.list("settings").first().map_or(&[][..], |settings| settings.list("database_flags"))
            }
            "azurerm_postgresql_flexible_server_configuration"
                if resource.body.str_at("name") == Some("max_connections") =>
            {
                std::slice::from_ref(&resource.body)
            }
            _ => continue,
        };
        let named = blocks.iter().find(|block| block.str_at("name") == Some("max_connections"));
        if let Some(found) = named.and_then(|block| figure(block.get("value")?)) {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

/// What shows slow queries, in the database's own declaration.
fn analysed(evidence: &Evidence<'_>) -> Result<Option<Place>, Missing> {
    for object in evidence.objects_of(&["Cluster"])? {
        let parameters = object.body.at("spec.postgresql.parameters");
        let found = parameters.map(Node::entries).unwrap_or_default().iter().find(|entry| {
            entry.key.starts_with("pg_stat_statements.")
                || matches!(entry.key.as_str(), "log_min_duration_statement" | "auto_explain.log_min_duration")
        });
        if let Some(entry) = found.filter(|entry| entry.node.str() != Some("-1")) {
            return Ok(Some(entry.key_place.clone()));
        }
    }
    for resource in evidence.infrastructure()? {
        let insights = ["performance_insights_enabled", "query_insights_enabled"];
        let mut found: Option<Place> = None;
        resource.body.walk(&mut |node| {
            let on = insights.iter().filter_map(|name| node.get(name)).find(|value| value.bool() == Some(true));
            let parameter = node.str_at("name").is_some_and(|name| {
                matches!(name, "log_min_duration_statement" | "slow_query_log" | "pg_stat_statements.track")
            });
            if let Some(place) = on.map(|value| &value.place).or(parameter.then_some(&node.place)) {
                found.get_or_insert_with(|| place.clone());
            }
        });
        if found.is_some() {
            return Ok(found);
        }
    }
    Ok(None)
}
