//! Errors are classified.

use std::collections::{BTreeSet, VecDeque};

use gonogo_domain::{
    Area, Check, Classes, Evidence, Finding, Gate, Missing, Policy, Reading, Readings, Standard, Strength, Tally, Text,
    evidence::{Callers, FunctionId, FunctionKind, Meaning, SourceCode, StatusBranch},
};

use crate::shared::{
    outbound::{self, Coverage},
    program,
};

pub(crate) static CHECK: Check = Check {
    id: "errors.classification",
    title: Text {
        en: "Errors are classified, retryable told from permanent",
        zh: "错误已分类，并区分可重试与永久错误",
    },
    source: &["B3.2d"],
    standard: Standard::ProductionReadiness,
    area: Area::Errors,
    level: None,
    gate: Gate::Required,
    min: Strength::Configured,
    classes: Classes::RUNNING_CODE,
    fresh_days: None,
    record: &[],
    remediation: Text {
        en: "Give errors a type that says whether a retry can help, and map each type to one status.",
        zh: "为错误定义能表明是否可重试的类型，并将每种类型映射到唯一状态码。",
    },
    references: &["https://grpc.io/docs/guides/status-codes/"],
    page: include_str!("classification.md"),
    judge,
};

fn judge(evidence: &Evidence<'_>, _policy: &Policy) -> Readings {
    Readings::configured(configured(evidence))
}

/// Each call of HTTP, and whether an answer that a second try can change is told from one that it cannot.
fn configured(evidence: &Evidence<'_>) -> Result<Reading, Missing> {
    let source = evidence.source()?;
    let all = outbound::calls(evidence)?;
    if all.is_empty() {
        return outbound::nothing_leaves(evidence, source);
    }
    let coverage = Coverage::of(source, &[Meaning::Retry]);
    let callers = source.callers();
    let mut tally = Tally::new();
    for (_, call) in all.iter().filter(|(_, one)| one.meaning == Meaning::HttpCall) {
        let near = around(source, call.function, &callers);
        let told = source.decisions.statuses.iter().find(|one| near.contains(&one.function) && transient(one));
        // A library that retries what may pass knows which that is.
        let retry = coverage.around(call.function).iter().find_map(|at| source.uses.get(*at));
        let knows =
            call.defaults.contains_key("retries") || retry.is_some_and(|one| outbound::says(one, "classifies", "yes"));
        let key = call.place.to_string();
        match told.map(|one| &one.place) {
            Some(place) => tally.met(key, place),
            None if knows => tally.met(key, &call.place),
            None => tally.miss(
                key,
                Finding::new(
                    &call.place,
                    format!(
                        "{}: an answer of 503 is handled like one of 400, though only the first is worth another try",
                        call.symbol
                    ),
                    format!("{}：503 与 400 的处理相同，而只有前者值得重试", call.symbol),
                ),
            ),
        }
    }
    if tally.is_empty() {
        return Ok(program::trail_ends(
            format!(
                "{} calls leave the process, none of them over HTTP; how the errors of their libraries are told apart was not followed",
                all.len()
            ),
            format!("{} 个调用离开进程，均非 HTTP；其库错误的区分方式未能追踪", all.len()),
        ));
    }
    Ok(tally.reading("calls tell errors that may pass from those that stay", "个调用区分了暂时与永久错误"))
}

/// It looks at answers that another try can change, and not at all errors alike.
fn transient(one: &StatusBranch) -> bool {
    one.low >= 500
        || one.low == 429 && one.high == 429
        || one.low == 408 && one.high == 408
        || (one.low == 400 && one.high == 499)
}

/// The function, what it reaches, those that call it in two steps, and what these hand its answer to in the same folder. A
/// lambda is a part of the function that it stands in, and no step.
fn around(source: &SourceCode, function: FunctionId, callers: &Callers) -> BTreeSet<FunctionId> {
    let is_lambda = |at: FunctionId| source.functions.get(at).is_some_and(|one| one.kind == FunctionKind::Lambda);
    let folder = |at: FunctionId| {
        let path = source.functions.get(at).map(|one| one.place.path());
        path.map(|path| path.rsplit_once('/').map_or("", |(folder, _)| folder))
    };
    let mut found = source.reached(function);
    let mut open = VecDeque::from([(function, 0_usize)]);
    let mut above = Vec::new();
    while let Some((at, steps)) = open.pop_front() {
        for caller in callers.of(at).iter().copied().filter(|_| steps < 2) {
            if !found.insert(caller) {
                continue;
            }
            above.push(caller);
            if is_lambda(caller) {
                open.push_front((caller, steps));
            } else {
                open.push_back((caller, steps + 1));
            }
        }
    }
    let handed = above.into_iter().filter_map(|at| source.functions.get(at)).flat_map(|one| &one.calls);
    found.extend(handed.copied().filter(|at| folder(*at) == folder(function)));
    found
}
