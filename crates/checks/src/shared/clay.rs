//! Whether a unit talks to Clay, from what is declared about it and from its source; what every check of the `clay`
//! standard asks first.

use std::sync::LazyLock;

use aho_corasick::AhoCorasick;
use gonogo_domain::{
    Evidence, Gap, Node, Place, Reading, Readings, Source, Strength, Value,
    evidence::{EnvValue, InstructionKind, Role},
};

mod answers;
mod credentials;
mod documents;
mod hosts;
mod rules;
mod source;
mod variables;

pub(crate) use credentials::{leaks, placeholder};
pub(crate) use documents::{about, command_lines, whole_text};
pub(crate) use hosts::{Url, urls};
pub(crate) use rules::{clay_rules, receiver};
pub(crate) use source::{ClayCall, Integration, Operation, Receiver, integration, of_clay, ours};
pub(crate) use variables::{
    Backing, Held, Variable, backing, is_credential, literal, mounts_secret_store, settings, variables,
};

/// The one host of Clay's API. Source: developers.clay.com (field-notes D1.1).
pub(crate) const API_HOST: &str = "api.clay.com";
/// The path of a table's webhook, before its id (field-notes D1.7).
pub(crate) const WEBHOOK_PATH: &str = "/v3/sources/webhook/";

/// Asks a check of a unit that talks to Clay; every other unit is not asked, with what was searched for it.
pub(crate) fn asked(evidence: &Evidence<'_>, min: Strength, judge: impl FnOnce() -> Readings) -> Readings {
    if sign(evidence).is_some() {
        return judge();
    }
    let (en, zh) = searched(evidence);
    let mut reading = Reading::not_applicable(
        format!("nothing in this unit talks to Clay; searched {en} for CLAY_* names, {API_HOST} and Clay's headers"),
        format!("此单元与 Clay 没有任何交互；已在{zh}中查找 CLAY_* 名称、{API_HOST} 和 Clay 请求头"),
    );
    // A broken file somewhere is no reason to ask a unit about a vendor that nothing else names.
    reading.needs_whole_source = false;
    Readings::of(min, Ok(reading))
}

/// The sources that can show it. Documents alone prove nothing.
const SOURCES: [Source; 9] = [
    Source::SourceCode,
    Source::Workloads,
    Source::Objects,
    Source::Settings,
    Source::Images,
    Source::Pipelines,
    Source::Infrastructure,
    Source::Packages,
    Source::Files,
];

fn searched(evidence: &Evidence<'_>) -> (String, String) {
    let (mut en, mut zh) = (Vec::new(), Vec::new());
    for source in SOURCES.into_iter().filter(|source| *source != Source::Files) {
        let title = source.title();
        let (files, gaps): (usize, &[Gap]) = (evidence.files_read(source), evidence.gaps(source));
        if files == 0 {
            continue;
        }
        let unread = if gaps.is_empty() { String::new() } else { format!(", {} unreadable", gaps.len()) };
        en.push(format!("{} ({files}{unread})", title.en));
        zh.push(format!("{}（{files}）", title.zh));
    }
    if en.is_empty() {
        return ("every file layout that declares such a thing".to_owned(), "所有可声明此类信息的文件".to_owned());
    }
    (en.join(", "), zh.join("、"))
}

/// The first place that shows it; none: nothing declared does.
pub(crate) fn sign(evidence: &Evidence<'_>) -> Option<Place> {
    evidence.once(|evidence| Sign(first_sign(evidence))).0
}

/// Every check of the standard asks for it, and it takes a look at every text.
#[derive(Clone)]
struct Sign(Option<Place>);

fn first_sign(evidence: &Evidence<'_>) -> Option<Place> {
    let stated = evidence.service().dependencies.iter().find(|one| one.name.eq_ignore_ascii_case("clay"));
    if let Some(stated) = stated {
        return Some(stated.place.clone());
    }
    // What a document says is no sign; that one could not be read leaves open what is judged by it.
    let _ = evidence.documents();
    let mut found = None;
    each_declared_text(evidence, &mut |text| {
        if found.is_none() && text.shows_clay() {
            found = Some(text.place.clone());
        }
    });
    let found = found.or_else(|| source::sign(evidence.source().ok()?, evidence.service().class));
    found.or_else(|| {
        let packages = evidence.packages().ok()?;
        let sdk = packages.iter().flat_map(|package| &package.dependencies).find(|one| one.name == "@clay/sdk");
        sdk.map(|one| one.place.clone())
    })
}

/// Where a text stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    Workload,
    Object,
    Settings,
    /// `.env.example` and its like: names, and values that are none.
    SettingsExample,
    Image,
    Pipeline,
    Infrastructure,
    /// Code, links and prose of a document.
    Document,
}

/// A text that is declared about the unit: a value under its name, a command, a block of code.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Text<'a> {
    pub(crate) name: Option<&'a str>,
    pub(crate) value: &'a str,
    pub(crate) place: &'a Place,
    pub(crate) origin: Origin,
    /// The code block or prose of a document that it stands in.
    pub(crate) code: bool,
    /// The value is base64: data of a Secret.
    pub(crate) encoded: bool,
}

impl Text<'_> {
    fn shows_clay(&self) -> bool {
        // Every declared text of a repository comes by here, and hardly any has the word.
        static WORDS: LazyLock<Option<AhoCorasick>> =
            LazyLock::new(|| AhoCorasick::new(["CLAY_", "clay", "Clay", WEBHOOK_PATH]).ok());
        let has_word = |text: &str| WORDS.as_ref().is_none_or(|words| words.is_match(text));
        if !has_word(self.value) && !self.name.is_some_and(has_word) {
            return false;
        }
        self.name.is_some_and(variables::is_ours)
            || urls(self.value).iter().any(Url::of_clay)
            || variables::names_in(self.value).next().is_some()
            || ["clay-api-key", "x-clay-webhook-auth", "X-Clay-Webhook-Auth"]
                .iter()
                .any(|header| self.value.contains(header))
            || self.value.trim() == API_HOST
    }
}

/// Objects whose content says what a unit talks to; definitions of types and roles say nothing of the kind.
const TELLING: &[&str] = &[
    "ConfigMap",
    "Secret",
    "ExternalSecret",
    "ClusterExternalSecret",
    "SealedSecret",
    "SecretProviderClass",
    "VaultStaticSecret",
    "ServiceEntry",
    "DestinationRule",
    "VirtualService",
    "NetworkPolicy",
    "CiliumNetworkPolicy",
    "AuthorizationPolicy",
    "Ingress",
    "HTTPRoute",
    "Probe",
];

/// Visits every declared text of the unit, those of tests, fixtures and examples left out. What could not be read is left out too:
/// whoever needs the whole of a source asks for it.
pub(crate) fn each_text(evidence: &Evidence<'_>, visit: &mut dyn FnMut(Text<'_>)) {
    each_declared_text(evidence, visit);
    for document in evidence.documents().unwrap_or_default().iter().filter(|one| counts(evidence, &one.place)) {
        documents::each_text(document, visit);
    }
}

/// Whether the file of a place is the unit's own, and no test of it.
fn counts(evidence: &Evidence<'_>, place: &Place) -> bool {
    let home = evidence.service().path.as_str();
    // In the order of their paths.
    let files = evidence.files().unwrap_or_default();
    let found = files.binary_search_by(|file| (*file.path).cmp(place.path()));
    found.ok().and_then(|index| files.get(index)).is_none_or(|file| match file.role {
        Role::Test | Role::Fixture | Role::Vendored => false,
        // An example is somebody's own only where it is the unit itself.
        Role::Example => home != "." && file.path.starts_with(home),
        _ => true,
    })
}

/// The same without documents.
fn each_declared_text(evidence: &Evidence<'_>, visit: &mut dyn FnMut(Text<'_>)) {
    // Which files there are is asked even where nothing is declared.
    let _ = evidence.files();
    let counts = |place: &Place| counts(evidence, place);
    for workload in evidence.workloads().unwrap_or_default().iter().filter(|one| counts(&one.place)) {
        for container in workload.containers.iter().chain(&workload.init_containers) {
            let origin = Origin::Workload;
            for variable in &container.env {
                let value = if let EnvValue::Literal(value) = &variable.value { value.as_str() } else { "" };
                let (name, place) = (Some(variable.name.as_str()), &variable.place);
                visit(Text { name, value, place, origin, code: true, encoded: false });
            }
            for words in [&container.command, &container.args].into_iter().flatten() {
                for value in &words.value {
                    visit(Text { name: None, value, place: &words.place, origin, code: true, encoded: false });
                }
            }
            for probe in [&container.liveness, &container.readiness, &container.startup].into_iter().flatten() {
                if let gonogo_domain::evidence::ProbeAction::Exec { command } = &probe.action {
                    let line = command.join(" ");
                    let (value, place) = (line.as_str(), &probe.place);
                    visit(Text { name: None, value, place, origin, code: true, encoded: false });
                }
            }
        }
    }
    for object in evidence.objects().unwrap_or_default() {
        if counts(&object.place) && TELLING.contains(&object.kind.as_str()) {
            each_scalar(&object.body, Origin::Object, object.kind == "Secret", visit);
        }
    }
    for file in evidence.settings().unwrap_or_default().iter().filter(|file| counts(&file.place)) {
        let origin = match file.kind {
            gonogo_domain::evidence::SettingsKind::EnvironmentExample => Origin::SettingsExample,
            _ => Origin::Settings,
        };
        each_scalar(&file.body, origin, false, visit);
    }
    for image in evidence.images().unwrap_or_default().iter().filter(|one| counts(&one.place)) {
        for instruction in image.stages.iter().flat_map(|stage| &stage.instructions) {
            let (name, value) = match &instruction.kind {
                InstructionKind::Env { name, value } => (Some(name.as_str()), value.as_str()),
                InstructionKind::Arg { name, default } => (Some(name.as_str()), default.as_deref().unwrap_or_default()),
                InstructionKind::Run(text) => (None, text.as_str()),
                _ => continue,
            };
            let place = &instruction.place;
            let origin = Origin::Image;
            visit(Text { name, value, place, origin, code: true, encoded: false });
        }
    }
    for (_, step) in evidence.pipelines().unwrap_or_default().iter().flat_map(gonogo_domain::evidence::Pipeline::steps)
    {
        let texts = step.with.iter().map(|(name, value)| (Some(name.as_str()), value.as_str()));
        for (name, value) in texts.chain(step.run.as_deref().map(|run| (None, run))) {
            let place = &step.place;
            let origin = Origin::Pipeline;
            visit(Text { name, value, place, origin, code: true, encoded: false });
        }
    }
    for resource in evidence.infrastructure().unwrap_or_default().iter().filter(|one| counts(&one.place)) {
        each_scalar(&resource.body, Origin::Infrastructure, false, visit);
    }
}

/// Every scalar of a tree with the key, or the `name` beside its `value`, that it stands under.
fn each_scalar(root: &Node, origin: Origin, secret: bool, visit: &mut dyn FnMut(Text<'_>)) {
    let data = root.get("data").filter(|_| secret);
    root.walk(&mut |node| {
        let encoded = data.is_some_and(|data| std::ptr::eq(data, node));
        let common = |name, value, place| Text { name, value, place, origin, code: true, encoded };
        if let (Some(name), Some(value)) =
            (node.str_at("name"), node.get("value").filter(|value| value.str().is_some()))
        {
            visit(common(Some(name), value.str().unwrap_or_default(), &value.place));
        }
        for entry in node.entries() {
            match &entry.node.value {
                Value::Scalar(scalar) => visit(common(Some(&entry.key), &scalar.text, &entry.node.place)),
                Value::Null => visit(common(Some(&entry.key), "", &entry.key_place)),
                _ => (),
            }
        }
        for item in node.items() {
            if let Some(text) = item.str() {
                visit(common(None, text, &item.place));
            }
        }
    });
}
