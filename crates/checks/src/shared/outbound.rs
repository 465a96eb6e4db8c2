//! The calls that leave the process, the time that bounds each, and what runs them.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use gonogo_domain::{
    Capability, Evidence, Message, Missing, Place, Reading, Readings, Strength,
    evidence::{Fate, FunctionId, Meaning, SettingValue, SourceCode, SourceTextKind, Use, UseId},
    known_symbols,
};

use super::{health::looks_like_health, program::Pages};

/// What bounds the time of a call.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Bound {
    /// Milliseconds, and where that is written.
    At(f64, Place),
    /// A deadline of a length that is not written in the source, made here.
    Made(Place),
    /// The library's own default holds: milliseconds.
    Default(f64),
    /// Nothing bounds it, and the library waits for ever.
    Never,
    /// It is switched off at this place.
    Off(Place),
    /// A deadline is made here and thrown away.
    Discarded(Place),
    /// Something bounds it, and what it is was not followed.
    NotFollowed(Place),
}

/// The calls of the product that leave the process; what a page calls in a browser beside it goes to the service itself,
/// and what a migration does takes as long as there is data, before the service serves.
pub(crate) fn calls<'a>(evidence: &Evidence<'a>) -> Result<Vec<(UseId, &'a Use)>, Missing> {
    let source = evidence.source()?;
    let pages = Pages::of(source);
    let migrations = evidence.migrations().unwrap_or_default();
    let migrates = |one: &Use| migrations.iter().any(|migration| migration.place.path() == one.place.path());
    let calls = source.uses.iter().enumerate();
    let calls = calls.filter(|(_, one)| one.role.counts() && one.meaning.is_outbound());
    Ok(calls.filter(|(_, one)| !pages.draw(one) && !migrates(one)).collect())
}

/// What bounds the time of one call: the call itself, its client, a deadline around it, the library.
pub(crate) fn bound(source: &SourceCode, id: UseId, call: &Use) -> Bound {
    if let Some(setting) = call.settings.get("timeout") {
        return match &setting.value {
            value if value.milliseconds().is_some_and(|length| length > 0.0) => {
                Bound::At(value.milliseconds().unwrap_or_default(), setting.place.clone())
            }
            SettingValue::Number(number) if *number > 0.0 => Bound::At(*number, setting.place.clone()),
            SettingValue::Flag(true) => Bound::Made(setting.place.clone()),
            SettingValue::Duration(_) | SettingValue::Number(_) | SettingValue::Flag(false) => {
                Bound::Off(setting.place.clone())
            }
            // How long was not followed; what stands around may say.
            _ => match around(source, id, call) {
                bound @ (Bound::At(..) | Bound::Made(_)) => bound,
                _ => Bound::NotFollowed(setting.place.clone()),
            },
        };
    }
    match around(source, id, call) {
        Bound::Never => by_library(source, call),
        bound => bound,
    }
}

/// The deadline that is made around a call or before it.
fn around(source: &SourceCode, id: UseId, call: &Use) -> Bound {
    let beside = |one: &&Use| one.meaning == Meaning::Deadline && one.role.counts() && one.function == call.function;
    let deadlines: Vec<&Use> = source.uses.iter().filter(beside).collect();
    let around = source.wrapping(id, &[Meaning::Deadline]);
    let around = around.into_iter().filter_map(|at| source.uses.get(at));
    let mut discarded = None;
    for deadline in around.chain(deadlines.iter().copied().filter(|one| one.place <= call.place)) {
        if deadline.fate == Fate::Dropped {
            discarded = Some(deadline.place.clone());
            continue;
        }
        // A context holds for what it is handed to, and what that is has been followed already.
        if says(deadline, "carried", "yes") {
            continue;
        }
        return match deadline.settings.get("timeout").and_then(|setting| setting.value.milliseconds()) {
            Some(length) => Bound::At(length, deadline.place.clone()),
            None => Bound::Made(deadline.place.clone()),
        };
    }
    discarded.map_or(Bound::Never, Bound::Discarded)
}

/// What the client or the library bounds by itself.
fn by_library(source: &SourceCode, call: &Use) -> Bound {
    // What is put into a client holds for all its calls: `HttpModule.register({ timeout: 3000 })`.
    let of_client = source
        .uses_for(&[Meaning::Deadline])
        .find(|(_, one)| one.defaults.get("client").is_some_and(|client| call.symbol.starts_with(client.as_str())));
    if let Some((_, one)) = of_client {
        let sets = || one.settings.get("timeout").and_then(|setting| setting.value.milliseconds());
        // A plugin without a slot for its length is there to bound.
        match (sets(), one.settings.contains_key("timeout") || one.symbol.ends_with("Timeout")) {
            (Some(length), _) => return Bound::At(length, one.place.clone()),
            (None, true) => return Bound::Made(one.place.clone()),
            (None, false) => (),
        }
    }
    match call.defaults.get("timeout").map(String::as_str) {
        Some("none") => Bound::Never,
        Some(text) => {
            seconds(text).map_or_else(|| Bound::NotFollowed(call.place.clone()), |it| Bound::Default(it * 1000.0))
        }
        None => Bound::NotFollowed(call.place.clone()),
    }
}

/// A library that a manifest names for this and that the tables do not know: what it does cannot be read.
pub(crate) fn unread_library(evidence: &Evidence<'_>, source: &SourceCode, capability: Capability) -> Option<String> {
    let languages: std::collections::BTreeSet<&str> = source.files.iter().map(|file| file.language).collect();
    let known = |name: &str| {
        let mut libraries = languages.iter().flat_map(|language| &known_symbols(language).libraries);
        libraries.any(|library| library.package.as_deref() == Some(name))
    };
    let packages = evidence.packages().ok()?;
    let mut named = packages.iter().flat_map(|package| package.dependencies_for(capability));
    named.find(|dependency| !known(&dependency.name)).map(|dependency| dependency.name.clone())
}

/// The reading for such a library.
pub(crate) fn not_read(library: &str, source: &SourceCode) -> Reading {
    let files = files(source);
    Reading::elsewhere(
        Message::new(
            format!("{library} is a dependency, and no use of it was recognised in {files} files"),
            format!("依赖中有 {library}，但在 {files} 个文件中未识别出对它的使用"),
        ),
        Message::new(
            "uses that gonogo knows, or an exercise that shows it at work",
            "可识别的使用方式，或证明其生效的演练",
        ),
    )
}

/// The readings of a check that the source decides; what a manifest names counts only where the source was not read.
pub(crate) fn readings(
    configured: Result<Reading, Missing>,
    declared: impl FnOnce() -> Result<Reading, Missing>,
) -> Readings {
    if configured.is_ok() {
        return Readings::configured(configured);
    }
    Readings::of(Strength::Declared, declared()).and(Strength::Configured, configured)
}

/// Whether the tables say this of what a use does by itself.
pub(crate) fn says(one: &Use, name: &str, value: &str) -> bool {
    one.defaults.get(name).map(String::as_str) == Some(value)
}

/// What goes to another service: not a database or a cache, which have drivers of their own.
pub(crate) fn to_services<'a>(calls: &[(UseId, &'a Use)]) -> Vec<(UseId, &'a Use)> {
    let wanted = |one: &Use| {
        matches!(one.meaning, Meaning::HttpCall | Meaning::GrpcCall | Meaning::StorageCall | Meaning::QueuePublish)
    };
    calls.iter().copied().filter(|(_, one)| wanted(one)).collect()
}

/// The functions that run for a question after health alone: what they call is asked again soon anyway.
pub(crate) fn for_health(source: &SourceCode) -> BTreeSet<FunctionId> {
    let routes = || source.routes.iter().filter(|route| route.role.counts());
    let reached = |of_health: bool| -> BTreeSet<FunctionId> {
        let handlers = routes().filter(|route| looks_like_health(&route.path) == of_health);
        handlers.filter_map(|route| route.handler).flat_map(|handler| source.reached(handler)).collect()
    };
    let others = reached(false);
    reached(true).into_iter().filter(|function| !others.contains(function)).collect()
}

/// Which uses of these purposes run the code of a function: a breaker that is given it, or something that calls it.
pub(crate) struct Coverage {
    by_function: HashMap<FunctionId, Vec<UseId>>,
}

impl Coverage {
    pub(crate) fn of(source: &SourceCode, meanings: &[Meaning]) -> Self {
        let mut by_function: HashMap<FunctionId, Vec<UseId>> = HashMap::new();
        for (id, outer) in source.uses_for(meanings) {
            let inside: std::collections::BTreeSet<FunctionId> =
                outer.wraps.iter().flat_map(|function| source.reached(*function)).collect();
            for function in inside {
                by_function.entry(function).or_default().push(id);
            }
        }
        Self { by_function }
    }

    /// As [`Self::of`], without the functions that something else leads to past all of these uses.
    pub(crate) fn on_every_way(source: &SourceCode, meanings: &[Meaning]) -> Self {
        let mut coverage = Self::of(source, meanings);
        let mut guarded: BTreeSet<(FunctionId, FunctionId)> = BTreeSet::new();
        let mut closed: BTreeSet<FunctionId> = BTreeSet::new();
        for (_, outer) in source.uses_for(meanings) {
            for inner in &outer.wraps {
                let leads = source.functions.get(outer.function).is_some_and(|one| one.calls.contains(inner));
                // An annotation stands on the function: every call of it goes through.
                if leads && *inner != outer.function {
                    guarded.insert((outer.function, *inner));
                } else {
                    closed.insert(*inner);
                }
            }
        }
        let counting = || source.functions.iter().enumerate().filter(|(_, one)| one.role.counts());
        let called: BTreeSet<FunctionId> = counting().flat_map(|(_, one)| one.calls.iter().copied()).collect();
        let mut open: Vec<FunctionId> = counting().map(|(at, _)| at).filter(|at| !called.contains(at)).collect();
        let mut past = BTreeSet::new();
        while let Some(next) = open.pop() {
            if closed.contains(&next) || !past.insert(next) {
                continue;
            }
            let Some(function) = source.functions.get(next) else { continue };
            let sure = function.calls.iter().filter(|inner| !function.perhaps.contains(inner));
            open.extend(sure.filter(|inner| !guarded.contains(&(next, **inner))));
        }
        coverage.by_function.retain(|function, _| !past.contains(function));
        coverage
    }

    /// The uses that run what stands in this function.
    pub(crate) fn around(&self, function: FunctionId) -> &[UseId] {
        self.by_function.get(&function).map(Vec::as_slice).unwrap_or_default()
    }
}

/// The functions that a request may reach, with the address that leads there.
pub(crate) fn on_request_path(source: &SourceCode) -> BTreeMap<FunctionId, &str> {
    let mut reached = BTreeMap::new();
    for route in source.routes.iter().filter(|route| route.role.counts()) {
        let guards = route.guards.iter().filter_map(|guard| guard.function);
        for start in route.handler.into_iter().chain(guards) {
            // What is known already has been walked through with all that it reaches.
            if !reached.contains_key(&start) {
                for function in source.reached(start) {
                    reached.entry(function).or_insert(route.path.as_str());
                }
            }
        }
    }
    reached
}

/// The method that an HTTP call uses, in capitals, where it says so itself.
pub(crate) fn method(call: &Use) -> Option<String> {
    let set = call.settings.get("method").and_then(|setting| setting.value.text());
    // `http.MethodPost` of Go.
    let set = set.map(|name| name.rsplit('.').next().unwrap_or(name).trim_start_matches("Method").to_owned());
    let last = call.symbol.rsplit('.').next().unwrap_or_default().to_ascii_lowercase();
    let named = ["get", "head", "post", "put", "patch", "delete", "options"]
        .into_iter()
        .find(|word| last == *word || last.strip_prefix(*word).is_some_and(|rest| NAMED_ENDS.contains(&rest)));
    set.or_else(|| named.map(str::to_owned))
        .or_else(|| call.defaults.get("method").cloned())
        .map(|method| method.to_ascii_uppercase())
}

/// `PostForm`, `getForObject`, `PostAsync` are methods too.
const NAMED_ENDS: &[&str] = &["form", "forobject", "forentity", "async", "asjsonasync", "fromjsonasync", "stringasync"];

/// What must not happen twice: a POST or a PATCH.
pub(crate) fn repeats_harm(call: &Use) -> bool {
    call.meaning == Meaning::HttpCall && method(call).is_some_and(|method| matches!(method.as_str(), "POST" | "PATCH"))
}

/// What is rightly tried once: what must not happen twice, as its method or its name says.
pub(crate) fn rightly_once(call: &Use) -> bool {
    repeats_harm(call)
        || call.meaning == Meaning::GrpcCall && changes(call.symbol.rsplit('.').next().unwrap_or_default())
}

/// `ChargeCard`, `placeOrder`: a method that is called by a verb of change. To delete or to set twice is to do it once.
fn changes(method: &str) -> bool {
    const VERBS: &[&str] = &[
        "add",
        "append",
        "book",
        "buy",
        "capture",
        "charge",
        "checkout",
        "create",
        "enqueue",
        "increment",
        "insert",
        "issue",
        "order",
        "pay",
        "place",
        "post",
        "publish",
        "purchase",
        "refund",
        "register",
        "send",
        "ship",
        "submit",
        "transfer",
    ];
    let plain = method.trim_end_matches("Async").trim_start_matches('_');
    let verb: String = plain
        .char_indices()
        .take_while(|(at, letter)| *at == 0 || !letter.is_ascii_uppercase() && *letter != '_')
        .map(|(_, letter)| letter.to_ascii_lowercase())
        .collect();
    VERBS.contains(&verb.as_str())
}

/// Whether the product names a header anywhere.
pub(crate) fn names_header<'a>(source: &'a SourceCode, header: &str) -> Option<&'a Place> {
    let mut headers = source.texts.iter().filter(|text| text.role.counts() && text.kind == SourceTextKind::Protocol);
    headers.find(|text| text.text.eq_ignore_ascii_case(header)).map(|text| &text.place)
}

/// The files of the product that were read, for sentences about what is not in them.
pub(crate) fn files(source: &SourceCode) -> usize {
    source.files.iter().filter(|file| file.role.counts()).count()
}

/// No call that leaves the process was recognised: not applicable, unless a manifest says that there should be some.
pub(crate) fn nothing_leaves(evidence: &Evidence<'_>, source: &SourceCode) -> Result<Reading, Missing> {
    let files = files(source);
    let sources = super::program::counted(files);
    let connecting = [Capability::HttpClient, Capability::Database, Capability::Cache, Capability::Queue];
    let library = evidence
        .packages()?
        .iter()
        .find_map(|package| connecting.iter().find_map(|one| package.dependencies_for(*one).first().copied()));
    let declared = evidence.service().dependencies.first().map(|one| one.name.as_str());
    Ok(match library.map(|library| library.name.as_str()).or(declared) {
        Some(name) => Reading::elsewhere(
            Message::new(
                format!("{name} is a dependency, and no call of it was recognised in {files} files"),
                format!("依赖中有 {name}，但在 {files} 个文件中未识别出对它的调用"),
            ),
            Message::new(
                "calls that gonogo knows, or an exercise with the dependency held",
                "可识别的调用，或在依赖停滞时的演练",
            ),
        ),
        None => Reading::not_applicable(
            format!("no call leaves the process in {sources}"),
            format!("{files} 个源文件中没有离开进程的调用"),
        ),
    })
}

/// `30s` of the tables.
pub(crate) fn seconds(text: &str) -> Option<f64> {
    text.strip_suffix('s')?.parse().ok()
}
