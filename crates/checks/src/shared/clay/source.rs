//! What a program does with Clay: its calls, what each asks for, where Clay calls back.

use std::collections::{BTreeMap, BTreeSet};

use gonogo_domain::{
    Class, Evidence, Finding, Message, Missing, Place, Reading,
    evidence::{
        Callers, FunctionId, FunctionKind, Meaning, Origin, ServedRoute, SourceCode, SourceText, SourceTextKind, Use,
        UseId,
    },
};

use super::{API_HOST, WEBHOOK_PATH, urls, variables};
use crate::shared::program;

/// What a call asks of Clay (field-notes D1.3, D1.7).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Operation {
    /// `GET /me`: free.
    Me,
    /// It starts paid work.
    Run,
    /// It is paid for by what it finds.
    Search,
    Results,
    /// A record for a table, by the table's webhook.
    Row,
    /// `POST /tables/query`.
    Query,
    /// Which one was not followed.
    Unknown,
}

impl Operation {
    /// Sending it twice may be paid for twice, or makes two records.
    pub(crate) fn charges(self) -> bool {
        matches!(self, Self::Run | Self::Search | Self::Row)
    }

    fn of(text: &str) -> Option<Self> {
        let path = text.split(['?', '#']).next().unwrap_or(text).trim_end_matches('/');
        Some(if path.contains(WEBHOOK_PATH.trim_end_matches('/')) {
            Self::Row
        } else if path == "/me" || path == "me" || path.ends_with("/v0/me") || path.ends_with("{}/me") {
            Self::Me
        } else if path.ends_with("/results") || path.contains("/routines/run/") || path.contains("routines/run/{}") {
            Self::Results
        } else if path.contains("/routines/") || path.contains("run-batch") {
            Self::Run
        } else if path.contains("/search/") {
            Self::Search
        } else if path.contains("/tables/query") {
            Self::Query
        } else {
            return None;
        })
    }
}

/// A call that leaves for Clay.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ClayCall<'a> {
    pub(crate) id: UseId,
    pub(crate) used: &'a Use,
}

/// A route that Clay calls.
#[derive(Clone, Debug)]
pub(crate) struct Receiver<'a> {
    pub(crate) route: &'a ServedRoute,
    /// The handler, what stands before it, and all that these reach.
    pub(crate) reached: BTreeSet<FunctionId>,
}

impl Receiver<'_> {
    pub(crate) fn title(&self) -> String {
        format!("{} {}", self.route.method.as_deref().unwrap_or("POST"), self.route.path)
    }
}

/// The part of a program that has to do with Clay.
#[derive(Debug)]
pub(crate) struct Integration<'a> {
    pub(crate) source: &'a SourceCode,
    pub(crate) calls: Vec<ClayCall<'a>>,
    pub(crate) receivers: Vec<Receiver<'a>>,
    /// What each call asks for, with the place that says so and the function that it stands in.
    pub(crate) operations: Vec<(Operation, Place, FunctionId, UseId)>,
    /// The functions of the files that hold calls, all that these reach, and those that call them.
    pub(crate) region: BTreeSet<FunctionId>,
    callers: Callers,
}

/// What the source says of Clay.
pub(crate) fn integration<'a>(evidence: &Evidence<'a>) -> Result<Integration<'a>, Missing> {
    let source = evidence.source()?;
    let callers = source.callers();
    let signs = signs(source);
    let own = Own { source, functions: &signs, classes: classes(source, &signs) };
    let calls: Vec<ClayCall<'a>> = source
        .uses
        .iter()
        .enumerate()
        .filter(|(id, one)| one.role.counts() && one.meaning == Meaning::HttpCall && own.call(*id, one))
        .map(|(id, used)| ClayCall { id, used })
        .collect();
    let client: BTreeSet<FunctionId> = calls.iter().map(|call| call.used.function).collect();
    let files: BTreeSet<&str> = calls.iter().map(|call| call.used.place.path()).collect();
    let mut region: BTreeSet<FunctionId> = source
        .functions
        .iter()
        .enumerate()
        .filter(|(_, one)| one.role.counts() && files.contains(one.place.path()))
        .map(|(at, _)| at)
        .collect();
    let direct: Vec<FunctionId> =
        region.iter().flat_map(|at| callers.of(*at)).copied().filter(|at| counts(source, *at)).collect();
    let reached: Vec<FunctionId> = region.iter().flat_map(|function| source.reached(*function)).collect();
    region.extend(direct);
    region.extend(reached.into_iter().filter(|at| counts(source, *at)));
    let operations = operations(source, &calls);
    let receivers = receivers(source, &client);
    Ok(Integration { source, calls, receivers, operations, region, callers })
}

/// The first place of the source that shows that the program talks to Clay. A tool or a library that names it in a file which
/// calls nobody only speaks of it: a linter, a scanner, a template.
pub(crate) fn sign(source: &SourceCode, class: Class) -> Option<Place> {
    let speaks = matches!(class, Class::CommandLineTool | Class::Library);
    let calls =
        |path: &str| source.uses_for(&[Meaning::HttpCall, Meaning::Client]).any(|(_, one)| one.place.path() == path);
    let mut named = source.texts.iter().filter(|one| one.role.counts() && shows(one));
    let named = named.find(|one| !speaks || calls(one.place.path())).map(|one| one.place.clone());
    let read = || source.environment.iter().find(|one| one.role.counts() && variables::is_ours(&one.name));
    named.or_else(|| read().map(|one| one.place.clone()))
}

/// The first text of the product that shows it.
fn shown(source: &SourceCode) -> Option<Place> {
    source.texts.iter().find(|one| one.role.counts() && shows(one)).map(|one| one.place.clone())
}

/// The text alone shows it: Clay's host, one of its headers, the path of a table's webhook.
fn shows(text: &SourceText) -> bool {
    match text.kind {
        SourceTextKind::Address => urls(&text.text).iter().any(super::Url::of_clay),
        SourceTextKind::Vendor => {
            let lower = text.text.to_ascii_lowercase();
            lower == "clay-api-key"
                || lower.starts_with("x-clay-")
                || lower.contains(WEBHOOK_PATH)
                || lower == API_HOST
                || urls(&text.text).iter().any(super::Url::of_clay)
        }
        _ => false,
    }
}

fn counts(source: &SourceCode, at: FunctionId) -> bool {
    source.functions.get(at).is_some_and(|one| one.role.counts())
}

/// The functions that hold a text that shows Clay to whom a call goes: not the headers of what Clay sends.
fn signs(source: &SourceCode) -> BTreeSet<FunctionId> {
    let own = source.texts.iter().filter(|one| one.role.counts() && shows(one));
    let outbound = own.filter(|one| {
        let lower = one.text.to_ascii_lowercase();
        !lower.starts_with("x-clay-") || lower == "x-clay-webhook-auth"
    });
    outbound
        .map(|one| one.function)
        .filter(|at| source.functions.get(*at).is_none_or(|one| one.kind != FunctionKind::File))
        .collect()
}

/// The classes whose methods name Clay, with their files.
fn classes(source: &SourceCode, signs: &BTreeSet<FunctionId>) -> BTreeSet<(String, String)> {
    signs.iter().filter_map(|at| source.functions.get(*at)).filter_map(class_of).collect()
}

fn class_of(function: &gonogo_domain::evidence::Function) -> Option<(String, String)> {
    let (class, _) = function.name.split_once('.')?;
    Some((function.place.path().to_owned(), class.to_owned()))
}

struct Own<'s> {
    source: &'s SourceCode,
    functions: &'s BTreeSet<FunctionId>,
    classes: BTreeSet<(String, String)>,
}

impl Own<'_> {
    /// The call goes to Clay, by its address, its client, what it is given, or by what stands around it.
    fn call(&self, id: UseId, call: &Use) -> bool {
        let address = call.settings.get("address").map(|setting| &setting.value);
        let texts: Vec<&str> = address.map(gonogo_domain::evidence::SettingValue::texts).unwrap_or_default();
        let elsewhere = |text: &&str| {
            let found = urls(text);
            !found.is_empty() && !found.iter().any(|url| url.of_clay() || url.internal())
        };
        if texts.iter().any(elsewhere) {
            return false;
        }
        if texts.iter().any(|text| urls(text).iter().any(super::Url::of_clay)) {
            return true;
        }
        let ours = |id: UseId| {
            let into = self.source.flows.get(&id).into_iter().flat_map(BTreeMap::values).flatten();
            into.into_iter().any(of_clay)
        };
        if ours(id) || call.client.is_some_and(ours) {
            return true;
        }
        let function = self.source.functions.get(call.function);
        self.functions.contains(&call.function)
            || function.and_then(class_of).is_some_and(|class| self.classes.contains(&class))
            || function.is_some_and(|one| one.calls.iter().any(|callee| self.functions.contains(callee)))
            || named_clay(call.place.path())
    }
}

/// A file that is called after Clay: `clay.ts`, `clay_client.py`, `clay/client.go`.
fn named_clay(path: &str) -> bool {
    let mut words = path.split(|letter: char| !letter.is_ascii_alphanumeric());
    words.any(|word| word.eq_ignore_ascii_case("clay") || word == "clayClient" || word == "ClayClient")
}

/// A value comes from what belongs to Clay.
pub(crate) fn of_clay(origin: &Origin) -> bool {
    match origin {
        Origin::Environment(name) => variables::is_ours(name),
        Origin::Name(name) | Origin::Parameter(name) => ours(name).is_some(),
        Origin::Text(text) => {
            urls(text).iter().any(super::Url::of_clay)
                || text.contains(WEBHOOK_PATH)
                || text.eq_ignore_ascii_case("clay-api-key")
                || text.eq_ignore_ascii_case("x-clay-webhook-auth")
        }
        Origin::Use(_) => false,
    }
}

/// The variable of Clay that a name stands for: `settings.clay_api_key`, `config.CLAY_API_KEY`, `clayApiKey`.
pub(crate) fn ours(name: &str) -> Option<String> {
    let last = name.trim_end_matches("()").rsplit('.').next().unwrap_or(name);
    let mut upper = String::new();
    let mut before = ' ';
    for letter in last.chars() {
        if letter.is_ascii_uppercase() && before.is_ascii_lowercase() {
            upper.push('_');
        }
        upper.push(letter.to_ascii_uppercase());
        before = letter;
    }
    Some(upper).filter(|upper| variables::is_ours(upper))
}

/// What the calls ask for: by their own address, else by the paths of the functions that lead to them.
fn operations<'a>(source: &'a SourceCode, calls: &[ClayCall<'a>]) -> Vec<(Operation, Place, FunctionId, UseId)> {
    let mut found = Vec::new();
    let paths: Vec<&SourceText> = source
        .texts
        .iter()
        .filter(|one| one.role.counts() && matches!(one.kind, SourceTextKind::Address | SourceTextKind::Vendor))
        .filter(|one| Operation::of(&one.text).is_some())
        .collect();
    for call in calls {
        let place = call.used.place.clone();
        let own = call.used.settings.get("address").map(|setting| setting.value.texts()).unwrap_or_default();
        let mut kinds: BTreeSet<Operation> = own.iter().filter_map(|text| Operation::of(text)).collect();
        let into = source.flows.get(&call.id).into_iter().flat_map(BTreeMap::values).flatten();
        for origin in into {
            match origin {
                Origin::Environment(name) if rows(name) => kinds.extend([Operation::Row]),
                Origin::Name(name) | Origin::Parameter(name) if ours(name).is_some_and(|name| rows(&name)) => {
                    kinds.extend([Operation::Row]);
                }
                Origin::Text(text) if kinds.is_empty() => kinds.extend(Operation::of(text)),
                _ => (),
            }
        }
        if !kinds.is_empty() {
            found.extend(kinds.into_iter().map(|kind| (kind, place.clone(), call.used.function, call.id)));
            continue;
        }
        let mut through = Vec::new();
        for text in &paths {
            let leads =
                text.function == call.used.function || source.reached(text.function).contains(&call.used.function);
            if let Some(kind) = Operation::of(&text.text).filter(|_| leads) {
                through.push((kind, text.place.clone(), text.function, call.id));
            }
        }
        if through.is_empty() {
            through.push((Operation::Unknown, place, call.used.function, call.id));
        }
        found.extend(through);
    }
    found.sort();
    found.dedup();
    found
}

/// A variable that holds the address of a table's webhook.
fn rows(name: &str) -> bool {
    variables::is_ours(name) && name.contains("WEBHOOK") && name.ends_with("URL")
}

/// The routes that Clay calls: by their path, or by a header of Clay's that their code reads.
fn receivers<'a>(source: &'a SourceCode, client: &BTreeSet<FunctionId>) -> Vec<Receiver<'a>> {
    let headers: BTreeSet<FunctionId> = source
        .texts
        .iter()
        .filter(|one| one.role.counts() && one.kind == SourceTextKind::Vendor)
        .filter(|one| one.text.to_ascii_lowercase().starts_with("x-clay-") && !client.contains(&one.function))
        .map(|one| one.function)
        .collect();
    let mut found = Vec::new();
    for route in source.routes.iter().filter(|route| route.role.counts()) {
        if route.method.as_deref().is_some_and(|method| !matches!(method, "POST" | "PUT" | "PATCH" | "ANY" | "ALL")) {
            continue;
        }
        let starts = route.handler.into_iter().chain(route.guards.iter().filter_map(|guard| guard.function));
        let reached: BTreeSet<FunctionId> = starts.flat_map(|start| source.reached(start)).collect();
        let lower = route.path.to_ascii_lowercase();
        let named = lower.contains("clay")
            && ["hook", "callback", "inbound", "result", "event"].iter().any(|word| lower.contains(word));
        if named || reached.iter().any(|at| headers.contains(at)) {
            found.push(Receiver { route, reached });
        }
    }
    found
}

impl<'a> Integration<'a> {
    /// The place where somebody would put what is missing: the first call, the first receiver, the program's start.
    pub(crate) fn place(&self, evidence: &Evidence<'_>) -> Place {
        let call = self.calls.first().map(|call| call.used.place.clone());
        call.or_else(|| self.receivers.first().map(|one| one.route.place.clone()))
            .unwrap_or_else(|| program::place(evidence, self.source))
    }

    /// Whether any call asks for one of these.
    pub(crate) fn asks(&self, wanted: impl Fn(Operation) -> bool) -> bool {
        self.operations.iter().any(|(operation, ..)| wanted(*operation))
    }

    /// The functions that lead to one, a few steps. A lambda is a part of the function that it stands in, and no step.
    pub(crate) fn near(&self, function: FunctionId) -> BTreeSet<FunctionId> {
        let is_lambda =
            |at: FunctionId| self.source.functions.get(at).is_some_and(|one| one.kind == FunctionKind::Lambda);
        let mut near = BTreeSet::from([function]);
        let mut open = std::collections::VecDeque::from([(function, 0_usize)]);
        while let Some((at, steps)) = open.pop_front() {
            for caller in self.callers.of(at).iter().filter(|_| steps < 3) {
                if near.insert(*caller) {
                    if is_lambda(*caller) {
                        open.push_front((*caller, steps));
                    } else {
                        open.push_back((*caller, steps + 1));
                    }
                }
            }
        }
        near
    }

    /// The first function of the region, or of what it calls, whose name holds one of these words: a mechanism that is
    /// written by hand.
    pub(crate) fn by_hand(&self, words: &[&str]) -> Option<&'a Place> {
        let names = |one: &&gonogo_domain::evidence::Function| {
            let lower = one.name.to_ascii_lowercase().replace('_', "");
            // What is called after an error is one.
            let error =
                ["error", "exception", "limited", "exceeded", "exhausted"].iter().any(|word| lower.contains(word));
            !error && words.iter().any(|word| lower.contains(word))
        };
        let around = self.region.iter().flat_map(|at| self.callers.of(*at).iter().chain([at]));
        let around: BTreeSet<FunctionId> = around.copied().collect();
        let called = around.iter().filter_map(|at| self.source.functions.get(*at));
        let all = called.flat_map(|one| one.calls.iter()).chain(&self.region);
        all.filter_map(|at| self.source.functions.get(*at))
            .filter(|one| one.role.counts())
            .find(names)
            .map(|one| &one.place)
    }

    /// The texts of the region of one kind.
    pub(crate) fn texts(&self, kind: SourceTextKind) -> impl Iterator<Item = &'a SourceText> {
        let source = self.source;
        source
            .texts
            .iter()
            .filter(move |one| one.kind == kind && one.role.counts() && self.region.contains(&one.function))
    }

    /// The reading where the program reads Clay's settings and no call was recognised.
    pub(crate) fn no_call(&self) -> Reading {
        let files = program::files(self.source);
        let sources = program::counted(files);
        let place = shown(self.source).map(|place| format!(" ({place})")).unwrap_or_default();
        Reading::elsewhere(
            Message::new(
                format!("no call to Clay was recognised in {sources}{place}"),
                format!("在 {files} 个源文件中未识别出对 Clay 的调用{place}"),
            ),
            Message::new(
                "calls that gonogo knows, or an exercise with Clay faked",
                "可识别的调用方式，或以模拟 Clay 进行的演练",
            ),
        )
    }

    pub(crate) fn missing(&self, evidence: &Evidence<'_>, en: &str, zh: &str) -> Finding {
        Finding::new(&self.place(evidence), en, zh)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operations_are_told_by_their_path() {
        let check = |text: &str, expect: Option<Operation>| assert_eq!(Operation::of(text), expect, "{text}");
        check("https://api.clay.com/public/v0/me", Some(Operation::Me));
        check("/routines/{}/run", Some(Operation::Run));
        check("{}/routines/run/{}/results?limit=100", Some(Operation::Results));
        check("https://api.clay.com/v3/sources/webhook/abc", Some(Operation::Row));
        check("/search/query-mode", Some(Operation::Search));
        check("/messages", None);
    }

    #[test]
    fn names_of_settings_stand_for_variables() {
        let check = |name: &str, expect: Option<&str>| assert_eq!(ours(name).as_deref(), expect, "{name}");
        check("settings.clay_api_key", Some("CLAY_API_KEY"));
        check("config.CLAY_WEBHOOK_URL", Some("CLAY_WEBHOOK_URL"));
        check("this.clayApiKey", Some("CLAY_API_KEY"));
        check("settings.barclay_key", None);
        check("clay", None);
    }
}
