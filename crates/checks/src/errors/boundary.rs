//! A global boundary turns any failure into a well-formed answer.

use gonogo_domain::{
    Area, Capability, Check, Classes, Evidence, Finding, Gate, Level, Missing, Place, Policy, Reading, Readings,
    Standard, Strength, Tally, Text,
    evidence::{FunctionId, Meaning, SourceCode, Use},
};

use crate::shared::{declared_library, program};

pub(crate) static CHECK: Check = Check {
    id: "errors.boundary",
    title: Text {
        en: "A global boundary turns any failure into a well-formed answer",
        zh: "全局错误边界将任何失败转为规范应答",
    },
    source: &["B3.2a"],
    standard: Standard::ProductionReadiness,
    area: Area::Errors,
    level: Some(Level::L1),
    gate: Gate::Required,
    min: Strength::Configured,
    classes: Classes::SERVERS,
    fresh_days: None,
    record: &[],
    remediation: Text {
        en: "Register the framework's last-resort handler (error middleware, exception handler, recover) so that every failure becomes one JSON error.",
        zh: "注册框架的兜底处理器（错误中间件、异常处理器、recover），使任何失败都返回统一的 JSON 错误。",
    },
    references: &["https://www.rfc-editor.org/rfc/rfc9457"],
    page: include_str!("boundary.md"),
    judge,
};

fn judge(evidence: &Evidence<'_>, _policy: &Policy) -> Readings {
    program::readings(
        declared_library(evidence, Capability::ErrorHandling, "error handling", "错误处理"),
        configured(evidence),
    )
}

/// The servers of the program, and what stands around the handlers of each.
fn configured(evidence: &Evidence<'_>) -> Result<Reading, Missing> {
    let source = evidence.source()?;
    let mut tally = Tally::new();
    let mut open = None;
    // The same framework listens once, whatever the number of ports.
    for server in program::used(source, Meaning::Listen) {
        let kind = program::default(server, "kind");
        let key = server.place.to_string();
        if program::default(server, "boundary") == "built in" {
            tally.met(key, &server.place);
            continue;
        }
        match boundary(source, kind) {
            Boundary::At(place) => tally.met(key, &place),
            Boundary::NotConnected(place) => {
                open.get_or_insert(place);
                tally.met(key, &server.place);
            }
            Boundary::None => tally.miss(
                key,
                Finding::new(
                    &server.place,
                    format!("nothing around the handlers of {} turns a failure into an answer", server.symbol),
                    format!("{} 的处理函数外没有将失败转为应答的边界", server.symbol),
                ),
            ),
        }
    }
    if tally.is_empty() {
        return Ok(program::trail_ends(
            format!("no server was recognised in {}", program::counted(program::files(source))),
            format!("{} 个源文件中未识别出服务端", program::files(source)),
        ));
    }
    if tally.count().met == tally.count().of
        && let Some(place) = open
    {
        return Ok(program::trail_ends(
            format!("panics are caught at {place}; that it stands around the handlers was not followed"),
            format!("{place} 处捕获了 panic；未能追踪它是否位于处理函数之外"),
        ));
    }
    Ok(tally.reading("servers have a boundary around their handlers", "个服务端的处理函数外设有错误边界"))
}

enum Boundary {
    At(Place),
    /// Something is caught here, and whether requests pass through it was not followed.
    NotConnected(Place),
    None,
}

fn boundary(source: &SourceCode, kind: &str) -> Boundary {
    let of_requests = program::used(source, Meaning::ErrorBoundary).find(|one| {
        program::default(one, "catches") == "requests" && (program::default(one, "kind") == "grpc") == (kind == "grpc")
    });
    if let Some(one) = of_requests {
        return Boundary::At(one.place.clone());
    }
    let with_parameters = program::used(source, Meaning::Middleware).find(|one| {
        let wanted = program::default(one, "boundary").strip_suffix(" parameters").and_then(|text| text.parse().ok());
        let takes = |at: &FunctionId| source.functions.get(*at).map(|function| function.parameters);
        wanted.is_some_and(|wanted: usize| one.wraps.iter().any(|at| takes(at) == Some(wanted)))
    });
    if let Some(one) = with_parameters {
        return Boundary::At(one.place.clone());
    }
    let Some(caught) =
        program::used(source, Meaning::ErrorBoundary).find(|one| program::default(one, "catches") == "panics")
    else {
        return Boundary::None;
    };
    // What is handed to a router or a server, and what a handler runs.
    let handed = source.uses.iter().filter(|one| {
        matches!(one.meaning, Meaning::Middleware | Meaning::Route | Meaning::RouteGroup | Meaning::Listen)
    });
    let around = handed.flat_map(|one| one.wraps.iter().copied());
    let guards = source.routes.iter().flat_map(|route| &route.guards).filter_map(|guard| guard.function);
    let catching: Vec<&Use> = program::used(source, Meaning::ErrorBoundary)
        .filter(|one| program::default(one, "catches") == "panics")
        .collect();
    for function in around.chain(guards) {
        let reached = source.reached(function);
        if let Some(one) = catching.iter().find(|one| reached.contains(&one.function)) {
            return Boundary::At(one.place.clone());
        }
    }
    Boundary::NotConnected(caught.place.clone())
}
