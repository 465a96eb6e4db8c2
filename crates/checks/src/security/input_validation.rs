//! Input is checked where it comes in.

use gonogo_domain::{
    Area, Capability, Check, Classes, Conclusion, Evidence, Finding, Gate, Missing, Node, Place, Policy, Reading,
    Readings, Standard, Strength, Tally, Text,
    evidence::{BodyUse, Function, FunctionId, FunctionKind, Meaning, Object, ServedRoute, SourceCode, Use},
    merge,
};

use crate::shared::{
    declared_library,
    entrances::leads_here,
    program,
    secrets::{of_examples, of_tests},
};

pub(crate) static CHECK: Check = Check {
    id: "security.input-validation",
    title: Text {
        en: "Input is validated at the edge, bodies are bounded", zh: "在边界校验输入，请求体大小有上限"
    },
    source: &["B3.4b"],
    standard: Standard::ProductionReadiness,
    area: Area::Security,
    level: None,
    gate: Gate::Required,
    min: Strength::Configured,
    classes: Classes::SERVERS,
    fresh_days: None,
    record: &["environment", "routes"],
    remediation: Text {
        en: "Parse every body into a typed schema with lengths and ranges, refuse unknown content, and answer 413 above a size that the service can bear.",
        zh: "将每个请求体解析为带长度与范围约束的类型化模式，拒绝未知内容，超过可承受大小时返回 413。",
    },
    references: &["https://cheatsheetseries.owasp.org/cheatsheets/Input_Validation_Cheat_Sheet.html"],
    page: include_str!("input_validation.md"),
    judge,
};

fn judge(evidence: &Evidence<'_>, _policy: &Policy) -> Readings {
    let declared = declared_library(evidence, Capability::Validation, "validating input", "输入校验");
    Readings::of(Strength::Declared, declared).and(Strength::Configured, configured(evidence))
}

/// A bound that is switched off needs no code to be seen.
fn configured(evidence: &Evidence<'_>) -> Result<Reading, Missing> {
    let mut findings = Vec::new();
    let objects: Vec<&Object> = evidence.objects()?.iter().filter(|object| object.production).collect();
    for object in objects.iter().filter(|object| object.kind == "Ingress" && leads_here(object, &objects)) {
        if of_tests(object.place.path()) || of_examples(object.place.path()) {
            continue;
        }
        let annotations = object.body.get("metadata").and_then(|metadata| metadata.get("annotations"));
        for entry in annotations.map(Node::entries).unwrap_or_default() {
            let unbounded = matches!(
                entry.key.as_str(),
                "nginx.ingress.kubernetes.io/proxy-body-size" | "nginx.org/client-max-body-size"
            ) && entry.node.str().is_some_and(|size| size.trim_end_matches(char::is_alphabetic) == "0");
            if unbounded {
                findings.push(
                    Finding::new(
                        &entry.node.place,
                        "the entrance lets bodies of any size through",
                        "入口允许任意大小的请求体通过",
                    )
                    .in_environment(object.environment.as_deref()),
                );
            }
        }
    }
    if findings.is_empty() {
        return of_source(evidence, &objects);
    }
    Ok(Reading::refuted(merge(findings), "bodies are unbounded at the edge", "边界处请求体大小无上限"))
}

/// A function of the program that the handler runs and that is called a check of what is sent: `_validate_contact`.
fn checks_itself(source: &SourceCode, handler: FunctionId) -> Option<&Function> {
    let reached = source.reached(handler).into_iter().filter(|at| *at != handler);
    reached.filter_map(|at| source.functions.get(at)).find(|one| {
        let last = one.name.rsplit('.').next().unwrap_or_default().trim_start_matches('_').to_ascii_lowercase();
        one.kind == FunctionKind::Named && (last.starts_with("validate") || last.starts_with("sanitize"))
    })
}

/// What stands before a handler is called a check of what is sent: `validateOrder`, and not `validateApiKey`.
fn validates(guard: &str) -> bool {
    let name = guard.rsplit('.').next().unwrap_or(guard).to_ascii_lowercase();
    ["validat", "schema"].iter().any(|word| name.contains(word)) && !is_of_caller(guard)
}

/// What stands before a handler is called after who calls.
fn is_of_caller(guard: &str) -> bool {
    let name = guard.rsplit('.').next().unwrap_or(guard).to_ascii_lowercase();
    let words = ["auth", "key", "token", "session", "user", "login", "csrf", "jwt", "permission"];
    words.iter().any(|word| name.contains(word))
        && !["webhook", "signature", "hmac"].iter().any(|word| name.contains(word))
}

/// The routes that take a body: what checks it, and what bounds it.
fn of_source(evidence: &Evidence<'_>, objects: &[&Object]) -> Result<Reading, Missing> {
    let source = evidence.source()?;
    // A handler that never looks at the body is sent nothing, whatever the method.
    let looks = |handler: usize| {
        source
            .reached(handler)
            .into_iter()
            .filter_map(|at| source.functions.get(at))
            .any(|one| one.body == BodyUse::Taken)
    };
    let takes_body = |route: &&ServedRoute| {
        route.role.counts()
            && matches!(route.method.as_deref(), Some("POST" | "PUT" | "PATCH"))
            && route.handler.is_none_or(looks)
            && !route.guards.iter().any(|guard| guard.name.ends_with(".no_body"))
    };
    let routes: Vec<&ServedRoute> = source.routes.iter().filter(takes_body).collect();
    if routes.is_empty() {
        let files = program::files(source);
        let sources = program::counted(files);
        return Ok(program::trail_ends(
            format!("no route that takes a body was found in {sources}"),
            format!("在 {files} 个源文件中未找到接收请求体的路由"),
        ));
    }
    let mut tally = Tally::new();
    let mut by_hand: Option<&Function> = None;
    let mut unseen: Option<&Place> = None;
    let can_check = program::used(source, Meaning::Validation).next().is_some()
        || declared_library(evidence, Capability::Validation, "validating input", "输入校验")?.conclusion
            == Conclusion::Met;
    let everywhere = program::used(source, Meaning::Validation).find(|one| one.symbol.ends_with("ValidationPipe"));
    for route in &routes {
        let key = format!("{} {}", route.method.as_deref().unwrap_or_default(), route.path);
        // What is signed was checked by whoever signed it.
        let checks =
            |one: &Use| matches!(one.meaning, Meaning::Validation | Meaning::SignatureCheck | Meaning::KeyedHash);
        let handler = route.handler.is_some_and(|at| source.uses_of(at).any(|(_, one)| checks(one)));
        let before = route.guards.iter().any(|guard| {
            guard.used.and_then(|id| source.uses.get(id)).is_some_and(checks)
                || guard.function.is_some_and(|at| {
                    // The hash of a token tells who calls, and nothing of the body.
                    let of_caller = is_of_caller(&guard.name);
                    source.uses_of(at).any(|(_, one)| checks(one) && !(of_caller && one.meaning == Meaning::KeyedHash))
                })
                || validates(&guard.name)
        });
        // A handler whose parameters are types of a schema is called only with what fits them; what another function of the
        // file checks is that one's. But of a handler of Rust it is not known which parameter is made of the body, if any.
        let same_file = route.handler.and_then(|at| source.functions.get(at)).is_some_and(|function| {
            program::used(source, Meaning::Validation).any(|one| {
                let declared = source.functions.get(one.function).is_none_or(|at| at.kind == FunctionKind::File)
                    || function.place.path().rsplit('.').next() == Some("rs");
                declared && one.place.path() == function.place.path()
            })
        });
        if handler || before || same_file || everywhere.is_some() {
            tally.met(key, &route.place);
        } else if let Some(own) = route.handler.and_then(|at| checks_itself(source, at)) {
            by_hand.get_or_insert(own);
            tally.met(key, &route.place);
        } else if route.handler.is_none() && can_check {
            unseen.get_or_insert(&route.place);
        } else {
            tally.miss(
                key.clone(),
                Finding::new(
                    &route.place,
                    format!("nothing checks what {key} is sent"),
                    format!("没有任何代码校验 {key} 收到的内容"),
                ),
            );
        }
    }
    // nginx refuses more than a megabyte unless it is told otherwise.
    let nginx = objects.iter().find(|object| {
        object.kind == "Ingress"
            && leads_here(object, objects)
            && object.body.str_at("spec.ingressClassName") == Some("nginx")
    });
    if let Some(limit) = program::used(source, Meaning::BodyLimit).next() {
        tally.met("limit", &limit.place);
    } else if let Some(ingress) = nginx {
        tally.met("limit", &ingress.place);
    } else if program::unknown_languages(source, &[Meaning::BodyLimit]).is_empty()
        && let Some(first) = routes.first()
    {
        tally.miss(
            "limit",
            Finding::new(&first.place, "nothing bounds the size of a body", "没有任何机制限制请求体大小"),
        );
    }
    if let Some(place) = unseen.filter(|_| tally.count().met == tally.count().of) {
        return Ok(program::trail_ends(
            format!("who answers the route at {place} was not followed: what checks its body cannot be seen"),
            format!("{place} 处路由的处理函数未能追踪：无法得知何者校验其请求体"),
        ));
    }
    if let Some(own) = by_hand.filter(|_| tally.count().met == tally.count().of) {
        return Ok(program::trail_ends(
            format!("{} at {} checks what is sent; what it lets through was not followed", own.name, own.place),
            format!("{} 处的 {} 校验收到的内容；其放行范围未能追踪", own.place, own.name),
        ));
    }
    Ok(tally.reading("bodies are checked and bounded", "处请求体经过校验且大小有上限"))
}
