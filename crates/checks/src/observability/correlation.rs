//! A correlation id goes through everything.

use gonogo_domain::{
    Area, Capability, Check, Class, Classes, Evidence, Finding, Gate, Level, Missing, Place, Policy, Reading, Readings,
    Standard, Strength, Tally, Text,
    evidence::{Meaning, SettingValue, SourceCode, SourceTextKind},
};

use crate::shared::{declared_library, program};

pub(crate) static CHECK: Check = Check {
    id: "observability.correlation",
    title: Text {
        en: "A correlation id is accepted, echoed, logged and passed on",
        zh: "关联 ID 被接收、回显、记录并向下传递",
    },
    source: &["B3.1c"],
    standard: Standard::ProductionReadiness,
    area: Area::Observability,
    level: Some(Level::L2),
    gate: Gate::Required,
    min: Strength::Configured,
    classes: Classes::RUNNING_CODE,
    fresh_days: None,
    record: &[],
    remediation: Text {
        en: "Read traceparent or x-request-id (or make one), put it in the request context, and from there into logs, the answer, every outbound call and every queue message.",
        zh: "读取 traceparent 或 x-request-id（没有则生成），放入请求上下文，并写入日志、响应、每个出站调用与队列消息。",
    },
    references: &["https://www.w3.org/TR/trace-context/"],
    page: include_str!("correlation.md"),
    judge,
};

fn judge(evidence: &Evidence<'_>, _policy: &Policy) -> Readings {
    program::readings(declared_library(evidence, Capability::Tracing, "correlation", "关联 ID"), configured(evidence))
}

/// The four things that are done with an id.
fn configured(evidence: &Evidence<'_>) -> Result<Reading, Missing> {
    let source = evidence.source()?;
    let accepted = by_library(source, "accepts").or_else(|| by_hand(source, Header::Read));
    let echoed = by_library(source, "echoes").or_else(|| by_hand(source, Header::Written));
    let logged = by_library(source, "logs").or_else(|| by_hand(source, Header::Logged));
    let passed = by_library(source, "passes").or_else(|| by_hand(source, Header::Sent));
    // To take from a queue hands nothing on.
    let calls = source
        .uses
        .iter()
        .any(|one| one.role.counts() && one.meaning.is_outbound() && one.meaning != Meaning::QueueConsume);
    let answers = evidence.service().class != Class::Worker;
    if [&accepted, &echoed, &logged, &passed].iter().all(|one| one.is_none()) {
        return Ok(program::nothing(
            evidence,
            source,
            &[Meaning::CorrelationId, Meaning::Propagation],
            "nothing reads, makes or hands on the id of a request",
            "没有读取、生成或传递请求 ID",
        ));
    }
    let place = accepted.as_ref().map_or_else(|| program::place(evidence, source), Clone::clone);
    let mut tally = Tally::new();
    let parts = [
        ("accepted", accepted, "no id is accepted from the caller", "未接收调用方的 ID"),
        ("echoed", echoed, "the id is not given back with the answer", "应答中未回显 ID"),
        ("logged", logged, "the id is not put into the logs", "日志中未写入 ID"),
        ("passed on", passed, "the id is not handed on with outbound calls", "出站调用未携带 ID"),
    ];
    for (part, found, en, zh) in parts {
        match found {
            Some(place) => tally.met(part, &place),
            // Who calls nobody has nobody to tell.
            None if part == "passed on" && !calls => (),
            // Who is asked nothing has nothing to give back.
            None if part == "echoed" && !answers => (),
            None => tally.miss(part, Finding::new(&place, en, zh)),
        }
    }
    Ok(tally.reading("parts of a correlation id are there", "项关联 ID 要求已满足"))
}

/// What a library does with the id: always, or where it is told to.
fn by_library(source: &SourceCode, what: &str) -> Option<Place> {
    let meanings = [Meaning::CorrelationId, Meaning::Propagation, Meaning::Tracing, Meaning::Logger];
    let mut uses = source.uses.iter().filter(|one| one.role.counts() && meanings.contains(&one.meaning));
    let found = uses.find(|one| {
        let told = one.settings.get(what).is_some_and(|setting| setting.value != SettingValue::Flag(false));
        told || !program::default(one, what).is_empty()
    });
    found.map(|one| one.place.clone())
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Header {
    Read,
    Written,
    Logged,
    Sent,
}

/// What the program itself does with the header or the field of an id.
fn by_hand(source: &SourceCode, what: Header) -> Option<Place> {
    let mut texts = source.texts.iter().filter(|one| one.role.counts() && one.kind == SourceTextKind::RequestId);
    let found = texts.find(|text| {
        let header = text.text.contains('-') || text.text == "traceparent";
        let given = text.given_to.as_deref().unwrap_or_default().to_ascii_lowercase();
        let sets = ["set", "add", "append", "put", "insert"].iter().any(|word| given.starts_with(word));
        let outbound = || {
            let uses = source.functions.get(text.function).map(|function| function.uses.as_slice()).unwrap_or_default();
            uses.iter().filter_map(|at| source.uses.get(*at)).any(|one| one.meaning.is_outbound())
        };
        let key = given.strip_prefix("{}");
        let answers = key.is_some_and(|method| method == "writehead" || method.starts_with("set"));
        match what {
            Header::Read => header && !sets && key.is_none(),
            Header::Written => header && (sets || answers) && !outbound(),
            Header::Sent => header && (sets || key.is_some()) && outbound(),
            // A field of a record.
            Header::Logged => !header && !given.is_empty() && !sets && !given.starts_with("get"),
        }
    });
    found.map(|text| text.place.clone())
}
