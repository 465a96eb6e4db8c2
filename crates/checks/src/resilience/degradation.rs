//! With a dependency down the service answers in a reduced form.

use std::collections::BTreeSet;

use gonogo_domain::{
    Area, Capability, Check, Classes, Evidence, Finding, Gate, Missing, Place, Policy, Reading, Readings, Standard,
    Strength, Tally, Text,
    evidence::{Callers, FunctionId, FunctionKind, Handling, Meaning, SourceCode, Use},
};

use crate::shared::{
    declared_library,
    outbound::{self, Coverage},
};

pub(crate) static CHECK: Check = Check {
    id: "resilience.degradation",
    title: Text {
        en: "With a dependency down the service answers in a reduced, marked form",
        zh: "依赖不可用时服务以降级且有标记的方式应答",
    },
    source: &["B3.2g", "C3.4"],
    standard: Standard::ProductionReadiness,
    area: Area::Resilience,
    level: None,
    gate: Gate::Required,
    min: Strength::Configured,
    classes: Classes::RUNNING_CODE,
    fresh_days: None,
    record: &[],
    remediation: Text {
        en: "Serve a fallback, a stale cache entry or a queued acceptance when a dependency is down, and mark the answer as such.",
        zh: "依赖不可用时返回后备值、过期缓存或排队受理，并在应答中标明。",
    },
    references: &["https://sre.google/sre-book/addressing-cascading-failures/"],
    page: include_str!("degradation.md"),
    judge,
};

fn judge(evidence: &Evidence<'_>, _policy: &Policy) -> Readings {
    outbound::readings(configured(evidence), || declared_library(evidence, Capability::Cache, "caches", "缓存"))
}

/// What stands in for each call to another service on the way of a request: a fallback, a cache, a queue, a value that the
/// handler of the error gives.
fn configured(evidence: &Evidence<'_>) -> Result<Reading, Missing> {
    let source = evidence.source()?;
    let all = outbound::calls(evidence)?;
    if all.is_empty() {
        return outbound::nothing_leaves(evidence, source);
    }
    let services = outbound::to_services(&all);
    if services.is_empty() {
        return Ok(Reading::not_applicable(
            format!("{} calls leave the process, all of them to a store of its own", all.len()),
            format!("{} 个离开进程的调用都只访问自己的存储", all.len()),
        ));
    }
    let coverage = Coverage::of(source, &[Meaning::Fallback]);
    let callers = source.callers();
    let mut tally = Tally::new();
    let for_health = outbound::for_health(source);
    let asked = outbound::on_request_path(source);
    // A probe has to say so when a call fails.
    for (_, call) in services.into_iter().filter(|(_, call)| !for_health.contains(&call.function)) {
        let key = call.place.to_string();
        let fallback = coverage.around(call.function).iter().find_map(|at| source.uses.get(*at)).map(|one| &one.place);
        match fallback.or_else(|| stand_in(source, call, &callers)) {
            Some(place) => tally.met(key, place),
            // Nobody waits for it: the program does it by itself, and answers without it.
            None if !asked.is_empty() && !asked.contains_key(&call.function) && by_itself(source, call, &callers) => {
                tally.met(key, &call.place);
            }
            None => tally.miss(
                key,
                Finding::new(
                    &call.place,
                    format!("nothing stands in when {} fails", call.symbol),
                    format!("{} 失败时没有替代结果", call.symbol),
                ),
            ),
        }
    }
    let count = tally.count();
    let reading = tally.reading("calls to services have something that stands in", "个服务调用有替代结果");
    if count.met == 0 || count.met == count.of {
        return Ok(reading);
    }
    Ok(Reading { conclusion: gonogo_domain::Conclusion::Partly, needs_whole_source: true, ..reading })
}

/// What the function of the call, or one that calls it, does with its error: gives a value of its own, asks a cache, puts
/// the work into a queue.
fn stand_in<'a>(source: &'a SourceCode, call: &'a Use, callers: &Callers) -> Option<&'a Place> {
    let near = near(source, call.function, callers);
    let caught = source.catches.iter().find(|one| {
        near.contains(&one.function)
            && one.role.counts()
            && one.does.contains(&Handling::Recovers)
            && (one.function != call.function || one.place >= call.place)
    });
    caught.map(|one| &one.place).or_else(|| {
        let stored = [Meaning::CacheCall, Meaning::Cache, Meaning::QueuePublish, Meaning::DeadLetter];
        let mut inside = near.iter().filter_map(|at| source.functions.get(*at)).flat_map(|function| &function.uses);
        inside.find_map(|at| {
            let one = source.uses.get(*at)?;
            (one.in_catch && stored.contains(&one.meaning) && one.place != call.place).then_some(&one.place)
        })
    })
}

/// The start of the program leads to the call: it is not only that nothing was seen to.
fn by_itself(source: &SourceCode, call: &Use, callers: &Callers) -> bool {
    let mut seen = BTreeSet::from([call.function]);
    let mut open = vec![call.function];
    while let Some(at) = open.pop() {
        if source.functions.get(at).is_some_and(|one| one.role.counts() && one.name == "main") {
            return true;
        }
        open.extend(callers.of(at).iter().copied().filter(|caller| seen.insert(*caller)));
    }
    false
}

/// The function itself, those that call it, and those that call these where one of them has no name: a lambda runs for the
/// function that it stands in.
fn near(source: &SourceCode, function: FunctionId, callers: &Callers) -> BTreeSet<FunctionId> {
    let is_lambda = |at: FunctionId| source.functions.get(at).is_some_and(|one| one.kind == FunctionKind::Lambda);
    let mut near = BTreeSet::from([function]);
    let mut open = vec![(function, true)];
    while let Some((at, further)) = open.pop() {
        if !further {
            continue;
        }
        for caller in callers.of(at) {
            if near.insert(*caller) {
                open.push((*caller, is_lambda(at)));
            }
        }
    }
    near
}
