//! Transient failures are retried, bounded, and never what must not happen twice.

use gonogo_domain::{
    Area, Capability, Check, Classes, Evidence, Finding, Gate, Level, Missing, Policy, Reading, Readings, Standard,
    Strength, Tally, Text,
    evidence::{Function, FunctionKind, Meaning, SettingValue, SourceCode, Use, UseId},
};

use crate::shared::{
    declared_library,
    outbound::{self, Coverage},
    program,
};

pub(crate) static CHECK: Check = Check {
    id: "resilience.retry",
    title: Text {
        en: "Transient failures are retried with exponential backoff and jitter, bounded, honouring Retry-After, never a non-idempotent call",
        zh: "瞬时故障以指数退避加抖动有限重试，遵守 Retry-After，且绝不重试非幂等调用",
    },
    source: &["B4.2b"],
    standard: Standard::ProductionReadiness,
    area: Area::Resilience,
    level: Some(Level::L2),
    gate: Gate::Required,
    min: Strength::Configured,
    classes: Classes::RUNNING_CODE,
    fresh_days: None,
    record: &[],
    remediation: Text {
        en: "Retry only idempotent calls and only 408, 429, 5xx and network errors: base 1 s, factor 2, cap 30 s, 3 tries, full jitter, Retry-After honoured; in the mesh, leave POST out of retryOn.",
        zh: "只重试幂等调用，且仅限 408、429、5xx 与网络错误：起始 1 秒、倍数 2、上限 30 秒、3 次、完全抖动并遵守 Retry-After；网格中的 retryOn 不得包含 POST。",
    },
    references: &["https://aws.amazon.com/builders-library/timeouts-retries-and-backoff-with-jitter/"],
    page: include_str!("retry.md"),
    judge,
};

fn judge(evidence: &Evidence<'_>, _policy: &Policy) -> Readings {
    outbound::readings(configured(evidence), || declared_library(evidence, Capability::Retry, "retries", "重试"))
}

/// A mesh that retries everything repeats what must not happen twice, whatever the program does.
fn configured(evidence: &Evidence<'_>) -> Result<Reading, Missing> {
    let mut findings = Vec::new();
    for object in evidence.objects_of(&["VirtualService"])?.into_iter().filter(|object| object.production) {
        for route in object.body.list("spec.http") {
            let Some(retries) = route.get("retries") else { continue };
            let attempts = retries.int_at("attempts").unwrap_or(2);
            let on = retries.str_at("retryOn").unwrap_or_default();
            let environment = object.environment.as_deref();
            if attempts > 5 {
                findings.push(
                    Finding::new(
                        &retries.place,
                        format!("retries {attempts} times: an outage is multiplied by {}", attempts + 1),
                        format!("重试 {attempts} 次：故障流量被放大 {} 倍", attempts + 1),
                    )
                    .in_environment(environment),
                );
            }
            let repeats = on.split(',').any(|word| matches!(word.trim(), "5xx" | "gateway-error" | "reset"));
            let any_method = !route.list("match").iter().any(|one| one.get("method").is_some());
            if attempts > 0 && repeats && any_method {
                findings.push(
                    Finding::new(
                        &retries.place,
                        format!("retries on {on} whatever the method: a POST is repeated"),
                        format!("对任何方法都在 {on} 时重试：POST 会被重复"),
                    )
                    .in_environment(environment),
                );
            }
        }
    }
    if findings.is_empty() {
        return in_source(evidence);
    }
    Ok(Reading::refuted(findings, "the mesh repeats what must not be repeated", "网格会重复不可重复的请求"))
}

/// How often one thing may be tried before a retry makes an outage worse.
const TRIES: f64 = 10.0;

fn in_source(evidence: &Evidence<'_>) -> Result<Reading, Missing> {
    let source = evidence.source()?;
    let all = outbound::calls(evidence)?;
    if all.is_empty() {
        return outbound::nothing_leaves(evidence, source);
    }
    let calls = outbound::to_services(&all);
    let mut findings = Vec::new();
    for (id, retry) in source.uses_for(&[Meaning::Retry]) {
        findings.extend(parameters(retry));
        findings.extend(inside(source, id, retry));
    }
    let mut by_hand = Vec::new();
    for (_, call) in &calls {
        let Some(pause) = pause_between(source, call) else { continue };
        by_hand.push(call.place.clone());
        findings.extend(constant_pause(call, pause));
        if outbound::repeats_harm(call) && !has_key(source) {
            findings.push(repeated(call).also(&pause.place, "waits here before the next try", "在此等待后重试"));
        }
    }
    if !findings.is_empty() {
        return Ok(Reading::refuted(
            gonogo_domain::merge(findings),
            "retries are without bound or jitter, nested, or repeat what must not happen twice",
            "重试无上限、无抖动、相互嵌套，或重复了不可重复的操作",
        ));
    }
    if source.uses_for(&[Meaning::Retry]).next().is_none()
        && by_hand.is_empty()
        && let Some(library) = outbound::unread_library(evidence, source, Capability::Retry)
    {
        return Ok(outbound::not_read(&library, source));
    }
    let coverage = Coverage::of(source, &[Meaning::Retry]);
    let for_health = outbound::for_health(source);
    let whole_client = source.uses_for(&[Meaning::Retry]).find(|(_, retry)| retry.defaults.contains_key("covers"));
    let mut tally = Tally::new();
    let mut read_after = true;
    for (_, call) in calls {
        // What must not happen twice is rightly tried once, and so is what a probe asks again by itself.
        if outbound::rightly_once(call) || for_health.contains(&call.function) {
            continue;
        }
        let key = call.place.to_string();
        let retry = coverage.around(call.function).iter().find_map(|at| source.uses.get(*at)).or_else(|| {
            let (_, client) = whole_client.as_ref()?;
            call.symbol.starts_with(client.defaults.get("covers")?.as_str()).then_some(*client)
        });
        if let Some(retry) = retry {
            read_after &= call.meaning != Meaning::HttpCall || outbound::says(retry, "retry-after", "yes");
            tally.met(key, &retry.place);
        } else if call.defaults.contains_key("retries") {
            tally.met(key, &call.place);
        } else if by_hand.contains(&call.place) {
            read_after &= call.meaning != Meaning::HttpCall;
            tally.met(key, &call.place);
        } else {
            tally.miss(
                key,
                Finding::new(
                    &call.place,
                    format!("{} is tried once", call.symbol),
                    format!("{} 只尝试一次", call.symbol),
                ),
            );
        }
    }
    if tally.is_empty() {
        return Ok(Reading::not_applicable(
            format!("none of {} outbound calls is one that may be repeated", all.len()),
            format!("{} 个出站调用中没有可以重复的", all.len()),
        ));
    }
    let count = tally.count();
    if let Some(own) = own_retry(source).filter(|_| count.met < count.of) {
        return Ok(program::trail_ends(
            format!(
                "{} at {} is the program's own way to try again; which calls it is for was not followed",
                own.name, own.place
            ),
            format!("{} 处的 {} 是程序自有的重试手段；用于哪些调用未能追踪", own.place, own.name),
        ));
    }
    let reading = tally.reading("repeatable calls to services are retried", "个可重复的服务调用设有重试");
    if count.met == count.of && !read_after && outbound::names_header(source, "Retry-After").is_none() {
        let place = reading.witnesses.first().cloned().unwrap_or_else(|| gonogo_domain::Place::whole("."));
        let finding = Finding::new(
            &place,
            "retries follow their own clock: nothing reads Retry-After",
            "重试只按自己的节奏：没有读取 Retry-After",
        );
        return Ok(Reading::partly(
            reading.witnesses,
            vec![finding],
            "retried, bounded and spread; Retry-After is not honoured",
            "有界且带抖动地重试；未遵守 Retry-After",
        ));
    }
    Ok(reading)
}

/// A function that goes by what tries again, and does it with no library that is known.
fn own_retry(source: &SourceCode) -> Option<&Function> {
    let named = |name: &str| {
        let name = name.rsplit('.').next().unwrap_or(name);
        let lower = name.to_ascii_lowercase();
        ["retry", "retries", "backoff"].iter().any(|word| lower.contains(word)) && !only_answers(name)
    };
    let mut product = source.functions.iter().filter(|one| one.role.counts() && one.kind == FunctionKind::Named);
    product.find(|one| {
        let mut uses = one.uses.iter().filter_map(|id| source.uses.get(*id));
        named(&one.name) && !uses.any(|one| one.meaning == Meaning::Retry)
    })
}

/// `IsRetryable`, `should_retry`: it says whether to try again, and somebody else does.
fn only_answers(name: &str) -> bool {
    ["is", "should", "can", "has", "are"].iter().any(|word| {
        let rest = name.get(..word.len()).filter(|start| start.eq_ignore_ascii_case(word)).and(name.get(word.len()..));
        rest.is_some_and(|rest| rest.starts_with(|next: char| next == '_' || next.is_uppercase()))
    })
}

/// What the parameters of a retry say against it.
fn parameters(retry: &Use) -> Vec<Finding> {
    let symbol = &retry.symbol;
    let set = |name: &str| retry.settings.get(name);
    let mut findings = Vec::new();
    let mut finding = |en: String, zh: String| findings.push(Finding::new(&retry.place, en, zh));
    let attempts = set("attempts");
    match attempts.map(|setting| &setting.value) {
        Some(value) => {
            if let Some(number) = value.number().filter(|number| *number > TRIES) {
                finding(
                    format!("{symbol} tries {number} times: an outage is multiplied by as much"),
                    format!("{symbol} 尝试 {number} 次：故障流量被同倍放大"),
                );
            }
        }
        None if !bounded(retry) => finding(format!("{symbol} tries again without end"), format!("{symbol} 无限重试")),
        None => (),
    }
    let waits = if set("zero").is_some() || outbound::says(retry, "backoff", "none") && !paced(retry) {
        Some(("does not wait between its tries", "两次尝试之间不等待"))
    } else if set("constant").is_some() || outbound::says(retry, "backoff", "constant") && set("backoff").is_none() {
        Some(("waits the same time before every try", "每次尝试前等待相同时间"))
    } else {
        None
    };
    if let Some((en, zh)) = waits {
        finding(format!("{symbol} {en}"), format!("{symbol} {zh}"));
    } else if match set("jitter").map(|setting| &setting.value) {
        Some(SettingValue::Flag(false)) => true,
        Some(_) => false,
        None => outbound::says(retry, "jitter", "no"),
    } {
        finding(
            format!("{symbol} has no jitter: all callers come back at the same instant"),
            format!("{symbol} 没有抖动：所有调用方会同时重试"),
        );
    }
    findings
}

fn bounded(retry: &Use) -> bool {
    ["attempts", "total"].iter().any(|name| retry.defaults.contains_key(*name) || retry.settings.contains_key(*name))
}

fn paced(retry: &Use) -> bool {
    ["backoff", "delay", "base"].iter().any(|name| retry.settings.contains_key(*name))
}

/// What is run by a retry and must not be: another retry, a POST.
fn inside(source: &SourceCode, id: UseId, retry: &Use) -> Vec<Finding> {
    let mut findings = Vec::new();
    for function in &retry.wraps {
        for (other, inner) in source.uses_of(*function) {
            let own = inner.meaning == Meaning::Retry && other != id && !inner.wraps.is_empty();
            let library = inner.meaning.is_outbound() && inner.defaults.contains_key("retries");
            if own || library {
                let message = if own {
                    format!("{} is retried inside of {}: their tries multiply", inner.symbol, retry.symbol)
                } else {
                    format!("{} retries by itself inside of {}: their tries multiply", inner.symbol, retry.symbol)
                };
                findings.push(
                    Finding::new(
                        &inner.place,
                        message,
                        format!("{} 处于 {} 的重试之内：次数相乘", inner.symbol, retry.symbol),
                    )
                    .also(&retry.place, "the outer retry", "外层重试"),
                );
            }
            if outbound::repeats_harm(inner) && !outbound::says(retry, "idempotent", "only") && !has_key(source) {
                findings.push(repeated(inner).also(&retry.place, "retried here", "在此处重试"));
            }
        }
    }
    findings
}

fn repeated(call: &Use) -> Finding {
    Finding::new(
        &call.place,
        format!("{} is a {} and is repeated without an idempotency key", call.symbol, method_of(call)),
        format!("{} 是 {}，在没有幂等键的情况下被重复", call.symbol, method_of(call)),
    )
}

fn method_of(call: &Use) -> String {
    outbound::method(call).unwrap_or_else(|| "POST".to_owned())
}

fn has_key(source: &SourceCode) -> bool {
    ["Idempotency-Key", "X-Idempotency-Key"].iter().any(|header| outbound::names_header(source, header).is_some())
}

/// The pause of a retry that is written by hand: in the same loop, where the error is looked at.
fn pause_between<'a>(source: &'a SourceCode, call: &Use) -> Option<&'a Use> {
    if !call.in_loop {
        return None;
    }
    let function = source.functions.get(call.function)?;
    let uses = function.uses.iter().filter_map(|at| source.uses.get(*at));
    uses.into_iter().find(|one| one.meaning == Meaning::Sleep && one.in_loop && one.in_catch && one.place > call.place)
}

fn constant_pause(call: &Use, pause: &Use) -> Option<Finding> {
    let length = pause.settings.get("length")?;
    let value = match &length.value {
        SettingValue::Duration(value) | SettingValue::Number(value) => *value,
        _ => return None,
    };
    Some(
        Finding::new(
            &pause.place,
            format!("{} is tried again after the same {value} ms every time", call.symbol),
            format!("{} 每次都在相同的 {value} 毫秒后重试", call.symbol),
        )
        .also(&call.place, "the call", "调用处"),
    )
}
