//! In-flight requests are drained before exit.

use std::collections::{BTreeMap, BTreeSet};

use gonogo_domain::{
    Area, Check, Class, Classes, Evidence, Finding, Gate, Level, Missing, Policy, Reading, Readings, Standard,
    Strength, Tally, Text,
    evidence::{
        CommandForm, Container, FunctionId, ImageBuild, InstructionKind, Meaning, PreStopAction, SettingValue,
        SourceCode, Unfollowed, Use, Workload,
    },
    known_symbols,
};

use crate::shared::{production_workloads, program};

pub(crate) static CHECK: Check = Check {
    id: "health.graceful-shutdown",
    title: Text { en: "In-flight requests are drained before exit", zh: "退出前处理完进行中的请求" },
    source: &["B4.1d"],
    standard: Standard::ProductionReadiness,
    area: Area::Health,
    level: Some(Level::L2),
    gate: Gate::Blocker,
    min: Strength::Configured,
    classes: Classes::LONG_RUNNING_CODE,
    fresh_days: None,
    record: &[],
    remediation: Text {
        en: "Start the program in exec form, handle SIGTERM by draining, and keep terminationGracePeriodSeconds above preStop plus drain.",
        zh: "以 exec 形式启动程序，收到 SIGTERM 后排空请求，并使 terminationGracePeriodSeconds 大于 preStop 与排空时间之和。",
    },
    references: &["https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#pod-termination"],
    page: include_str!("graceful_shutdown.md"),
    judge,
};

/// Kubernetes' and Docker's defaults, in seconds. Sources: Pod API reference; `docker stop`, Compose specification.
const KUBERNETES_GRACE: u32 = 30;
const DOCKER_GRACE: u32 = 10;

fn judge(evidence: &Evidence<'_>, _policy: &Policy) -> Readings {
    Readings::configured(configured(evidence))
}

fn configured(evidence: &Evidence<'_>) -> Result<Reading, Missing> {
    let mut findings = Vec::new();
    let workloads = production_workloads(evidence)?;
    for workload in workloads.iter().filter(|one| one.kind.long_running()) {
        findings.extend(grace(workload, evidence));
    }
    for image in evidence.images()? {
        let replaced = workloads.iter().any(|one| one.main_containers().any(|container| container.command.is_some()));
        if !replaced {
            findings.extend(first_process(image));
        }
    }
    findings.extend(workloads.iter().flat_map(|one| one.main_containers().filter_map(replaced_process)));
    if findings.is_empty() {
        // The arithmetic and the entry point are right; whether the program drains is in its source.
        return Ok(drains(evidence, evidence.source()?));
    }
    Ok(Reading::refuted(findings, "the way it is stopped cuts requests off", "其停止方式会中断请求"))
}

/// The servers of the program, and whether SIGTERM leads to the drain of each.
fn drains(evidence: &Evidence<'_>, source: &SourceCode) -> Reading {
    let handlers: Vec<&Use> = program::used(source, Meaning::Signal).filter(|one| terminates(one)).collect();
    let others = program::used(source, Meaning::Signal).find(|one| !terminates(one) && interrupts(one));
    let drains: Vec<&Use> = program::used(source, Meaning::Drain).collect();
    let servers: Vec<&Use> = program::used(source, Meaning::Listen).collect();
    let by_version = servers.iter().find(|one| {
        servers.iter().any(|other| {
            other.place == one.place
                && other.symbol == one.symbol
                && program::default(other, "drain") != program::default(one, "drain")
        })
    });
    if let Some(server) = by_version {
        return program::trail_ends(
            format!("whether {} drains by itself depends on its version, which was not found", server.symbol),
            format!("{} 是否自行排空取决于其版本，而版本未找到", server.symbol),
        );
    }
    // An application is handed to a server, and which one that is stands elsewhere.
    let handed = servers.iter().find(|one| program::default(one, "drain") == "of its server");
    if let Some(application) = handed {
        return program::trail_ends(
            format!("{} is served by what was not found; whether that drains decides", application.symbol),
            format!("未找到运行 {} 的服务器；是否排空取决于它", application.symbol),
        );
    }
    let mut tally = Tally::new();
    let mut open = None;
    for server in program::used(source, Meaning::Listen) {
        let key = server.place.to_string();
        let symbol = &server.symbol;
        let mut miss = |en: String, zh: String| tally.miss(key.clone(), Finding::new(&server.place, en, zh));
        let kind = program::default(server, "kind");
        match program::default(server, "drain") {
            "built in" => tally.met(key, &server.place),
            "impossible" => miss(
                format!("{symbol} gives no server that SIGTERM could drain"),
                format!("{symbol} 不返回可在 SIGTERM 时排空的服务器"),
            ),
            rule => match (handlers.first(), others) {
                (None, Some(_)) => miss(
                    format!("SIGINT is handled and SIGTERM is not: {symbol} is cut off"),
                    format!("只处理 SIGINT 而未处理 SIGTERM：{symbol} 会被直接中断"),
                ),
                (None, None) => miss(
                    format!("nothing handles SIGTERM: {symbol} is cut off with what is in flight"),
                    format!("没有处理 SIGTERM：{symbol} 会连同进行中的请求一起被中断"),
                ),
                (Some(_), _) if rule == "with the signal" => tally.met(key, &server.place),
                (Some(handler), _) => {
                    let mut fit = drains.iter().filter(|drain| program::default(drain, "kind") == kind);
                    let reached = handlers.iter().find_map(|handler| led_to(source, handler, kind));
                    match (reached, fit.next()) {
                        (Some(drain), _) => tally.met(key, &drain.place),
                        // A handler that only sends word leaves the drain to who waits for it.
                        (None, Some(drain)) if handlers.iter().any(|one| one.wraps.is_empty()) => {
                            tally.met(key, &drain.place);
                        }
                        (None, Some(drain)) => {
                            open.get_or_insert_with(|| (handler.place.clone(), drain.place.clone()));
                            tally.met(key, &drain.place);
                        }
                        (None, None) if let Some(call) = may_drain(source, kind) => {
                            open.get_or_insert_with(|| (handler.place.clone(), call.place.clone()));
                            tally.met(key, &call.place);
                        }
                        (None, None) => tally.miss(
                            key,
                            Finding::new(
                                &server.place,
                                format!("SIGTERM is handled, and nothing drains {symbol}"),
                                format!("虽处理了 SIGTERM，但没有排空 {symbol}"),
                            )
                            .also(
                                &handler.place,
                                "SIGTERM is handled here",
                                "在此处理 SIGTERM",
                            ),
                        ),
                    }
                }
            },
        }
    }
    if tally.is_empty() {
        return without_server(evidence, source, handlers.first().copied());
    }
    if tally.count().met == tally.count().of
        && let Some((handler, drain)) = open
    {
        return program::trail_ends(
            format!("SIGTERM is handled at {handler}; that it leads to the drain at {drain} was not followed"),
            format!("{handler} 处理了 SIGTERM；未能追踪它是否会执行 {drain} 处的排空"),
        );
    }
    if let Some((kind, of, met)) = too_few(&servers, &drains).filter(|_| tally.count().met == tally.count().of) {
        return program::trail_ends(
            format!("{of} {kind} servers listen and {met} of them are drained: which one was not followed"),
            format!("{of} 个 {kind} 服务器在监听，仅 {met} 处排空：未能追踪是哪一个"),
        );
    }
    tally.reading("servers are drained on SIGTERM", "个服务器会在 SIGTERM 时排空")
}

/// A kind of which more servers listen than are drained, one call for each: the kind, how many listen, how many are
/// drained. A loop drains any number, and what an arm of a condition starts is the server of the function around it.
fn too_few<'a>(servers: &[&'a Use], drains: &[&Use]) -> Option<(&'a str, usize, usize)> {
    let by_hand = servers.iter().filter(|one| matches!(program::default(one, "drain"), "" | "none"));
    let mut listening: BTreeMap<&str, BTreeMap<FunctionId, usize>> = BTreeMap::new();
    for one in by_hand {
        let of_function = listening.entry(program::default(one, "kind")).or_default().entry(one.function).or_default();
        *of_function += usize::from(!one.in_branch);
    }
    listening.into_iter().find_map(|(kind, functions)| {
        let own = || drains.iter().filter(|drain| program::default(drain, "kind") == kind);
        let of = functions.values().map(|count| (*count).max(1)).sum();
        let met = own().count();
        (met > 0 && of > met && !own().any(|drain| drain.in_loop)).then_some((kind, of, met))
    })
}

/// No call that listens was recognised: a worker, or a server of a library without a table.
fn without_server(evidence: &Evidence<'_>, source: &SourceCode, handler: Option<&Use>) -> Reading {
    match handler {
        Some(handler) if program::default(handler, "drain") == "built in" => Reading::shown(
            [handler.place.clone()],
            format!("{} finishes the work in hand when SIGTERM comes", handler.symbol),
            format!("收到 SIGTERM 时，{} 会完成手头的工作", handler.symbol),
        ),
        Some(handler) => program::trail_ends(
            format!("SIGTERM is handled at {}; whether the work in hand is finished was not followed", handler.place),
            format!("{} 处理了 SIGTERM；未能追踪手头的工作是否会完成", handler.place),
        ),
        None if evidence.service().class == Class::Worker => program::nothing(
            evidence,
            source,
            &[Meaning::Signal],
            "nothing handles SIGTERM, and the work in hand is cut off",
            "没有处理 SIGTERM，手头的工作会被中断",
        ),
        None => program::trail_ends(
            format!("no server was recognised in {}", program::counted(program::files(source))),
            format!("{} 个源文件中未识别出服务端", program::files(source)),
        ),
    }
}

/// The drain of a server of this kind that the handler of a signal runs, or that one call with it waits for.
fn led_to<'a>(source: &'a SourceCode, handler: &Use, kind: &str) -> Option<&'a Use> {
    let reached = handler.wraps.iter().flat_map(|function| source.uses_of(*function)).map(|(_, one)| one);
    let same = source.uses.iter().filter(|one| one.place == handler.place && one.symbol == handler.symbol);
    reached.into_iter().chain(same).find(|one| one.meaning == Meaning::Drain && program::default(one, "kind") == kind)
}

/// A call that is named like the drain of such a server, on something that was not followed: `for _, one := range
/// servers { one.Shutdown(ctx) }`.
fn may_drain<'a>(source: &'a SourceCode, kind: &str) -> Option<&'a Unfollowed> {
    let functions = source.functions.iter().filter(|one| one.role.counts());
    let mut calls = functions.flat_map(|one| &one.unfollowed);
    let last = |symbol: &str| symbol.rsplit('.').next().unwrap_or_default().to_owned();
    let languages: BTreeSet<&str> = source.files.iter().map(|file| file.language).collect();
    let rows = languages.iter().flat_map(|language| &known_symbols(language).libraries).flat_map(|one| &one.uses);
    let drains = rows.filter(|row| {
        row.means == Meaning::Drain && row.defaults.get("kind").map(String::as_str).unwrap_or_default() == kind
    });
    let names: BTreeSet<String> = drains.flat_map(|row| &row.symbols).map(|symbol| last(symbol)).collect();
    calls.find(|one| names.contains(&last(&one.symbol)))
}

/// It handles SIGTERM; a handler without a list handles every signal.
fn terminates(one: &Use) -> bool {
    match one.settings.get("signals").map(|setting| &setting.value) {
        Some(SettingValue::Texts(texts)) if texts.is_empty() => true,
        Some(value) => value.texts().iter().any(|text| text.to_ascii_uppercase().contains("TERM")),
        None => program::default(one, "signals").contains("SIGTERM"),
    }
}

fn interrupts(one: &Use) -> bool {
    let signals = one.settings.get("signals").map(|setting| setting.value.texts()).unwrap_or_default();
    signals.iter().any(|text| text.to_ascii_uppercase().contains("INT"))
}

/// The grace period has room for what runs before SIGTERM and for the drain.
fn grace(workload: &Workload, evidence: &Evidence<'_>) -> Option<Finding> {
    let default = if workload.kind.kubernetes() { KUBERNETES_GRACE } else { DOCKER_GRACE };
    let (grace, place) = match &workload.grace_seconds {
        Some(located) => (located.value, &located.place),
        None => (default, &workload.place),
    };
    let pre_stop = workload
        .main_containers()
        .filter_map(|container| container.pre_stop.as_ref())
        .max_by_key(|hook| seconds(&hook.what));
    let before = pre_stop.map_or(0, |hook| seconds(&hook.what));
    let drain = evidence.statements().drain.as_ref();
    let wanted = drain.map_or(0, |stated| u32::try_from(stated.value.as_secs()).unwrap_or(u32::MAX));
    let environment = workload.environment.as_deref();
    if grace == 0 {
        return Some(
            Finding::new(place, "the grace period is 0: the process is killed at once", "宽限期为 0：进程会被立即杀死")
                .in_environment(environment),
        );
    }
    let needed = before.saturating_add(wanted);
    if (before > 0 && grace <= before) || (wanted > 0 && grace < needed) {
        let mut finding = Finding::new(
            place,
            format!("a grace period of {grace} s has no room for preStop ({before} s) and drain ({wanted} s)"),
            format!("宽限期 {grace} 秒容不下 preStop（{before} 秒）与排空（{wanted} 秒）"),
        )
        .in_environment(environment);
        if let Some(hook) = pre_stop {
            finding = finding.also(&hook.place, "preStop hook", "preStop 钩子");
        }
        if let Some(stated) = drain {
            finding = finding.also(&stated.place, "stated drain time", "声明的排空时间");
        }
        return Some(finding);
    }
    None
}

/// Seconds that a hook is known to take; what cannot be known counts as none.
fn seconds(action: &PreStopAction) -> u32 {
    match action {
        PreStopAction::Sleep(seconds) => *seconds,
        PreStopAction::Exec(command) => {
            let text = command.join(" ");
            let mut words = text.split(|letter: char| letter.is_whitespace() || letter == ';' || letter == '&');
            words.find(|word| *word == "sleep" || word.ends_with("/sleep"));
            words.find(|word| !word.is_empty()).and_then(|word| word.trim_end_matches('s').parse().ok()).unwrap_or(0)
        }
        PreStopAction::Http(_) => 0,
    }
}

/// PID 1 of the image gets the signal and hands it on.
fn first_process(image: &ImageBuild) -> Option<Finding> {
    let entry = image.effective(|instruction| match &instruction.kind {
        InstructionKind::Entrypoint(form) => Some((instruction.place.clone(), form.clone())),
        _ => None,
    });
    let cmd = image.effective(|instruction| match &instruction.kind {
        InstructionKind::Cmd(form) => Some((instruction.place.clone(), form.clone())),
        _ => None,
    });
    let (place, form) = entry.or(cmd)?;
    let (en, zh) = match &form {
        CommandForm::Shell(text) if !text.trim_start().starts_with("exec ") => (
            "shell form: /bin/sh is PID 1 and does not pass SIGTERM on",
            "shell 形式：PID 1 是 /bin/sh，不会转发 SIGTERM",
        ),
        CommandForm::Exec(words) => swallows(words)?,
        CommandForm::Shell(_) => return None,
    };
    Some(Finding::new(&place, en, zh))
}

fn replaced_process(container: &Container) -> Option<Finding> {
    let command = container.command.as_ref()?;
    let words: Vec<String> =
        command.value.iter().chain(container.args.iter().flat_map(|args| &args.value)).cloned().collect();
    let (en, zh) = swallows(&words)?;
    Some(Finding::new(&command.place, en, zh))
}

/// A process that does not hand SIGTERM on to the program.
fn swallows(words: &[String]) -> Option<(&'static str, &'static str)> {
    let mut words = words.iter().map(String::as_str);
    match words.next()? {
        "npm" | "yarn" | "pnpm" | "/usr/local/bin/npm" => Some((
            "a package manager is PID 1, and it does not pass SIGTERM on reliably",
            "PID 1 是包管理器，不能可靠地转发 SIGTERM",
        )),
        "sh" | "/bin/sh" | "bash" | "/bin/bash" => {
            let script = words.find(|word| !word.starts_with('-'))?;
            // A single command replaces the shell in most shells; `exec` always does.
            let single = !["&&", ";", "|", "\n"].iter().any(|join| script.contains(join));
            // A script is not read here: what it does with the signal is its own text.
            let handed_on = script.contains("exec ") || single || script.starts_with('/') || script.starts_with("./");
            (!handed_on).then_some((
                "a shell is PID 1 and waits for its command: SIGTERM does not reach the program",
                "PID 1 是等待命令的 shell：SIGTERM 无法到达程序",
            ))
        }
        _ => None,
    }
}
