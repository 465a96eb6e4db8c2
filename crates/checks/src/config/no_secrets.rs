//! No secret in the repository, in its images or as a default.

use std::{collections::BTreeSet, sync::Arc};

use gonogo_domain::{
    Area, Check, Classes, Evidence, Finding, Gate, Missing, Node, Place, Policy, Reading, Readings, Source, Standard,
    Strength, Text, Value,
    evidence::{
        Certainty, EnvValue, History, ImageBuild, InstructionKind, Object, Role, SecretSighting, SettingsKind,
        Workload, WorkloadKind,
    },
    merge,
    secret::fingerprint,
};

use jiff::civil::Date;

use crate::shared::{
    redact,
    secrets::{
        SecretValue, base64_text, is_secret_name, looks_random, loopback, of_examples, of_tests, password_in_address,
        secret_value,
    },
};

pub(crate) static CHECK: Check = Check {
    id: "config.no-secrets",
    title: Text {
        en: "No secret in code, history, images or environment-variable defaults",
        zh: "代码、历史、镜像与环境变量默认值中均无密钥",
    },
    source: &["B4.3b", "B6.2"],
    standard: Standard::ProductionReadiness,
    area: Area::Config,
    level: None,
    gate: Gate::Never,
    min: Strength::Configured,
    classes: Classes::ALL,
    fresh_days: None,
    record: &[],
    remediation: Text {
        en: "Revoke the secret first (deleting the line does not cure what history keeps), then read it from a vault and leave only its name here; for one that only history has, record the day under [[service.NAME.rotation]] with the hash that is shown.",
        zh: "先吊销该密钥（删除该行无法清除历史中的副本），再改为从密钥库读取，此处仅保留名称；仅存于历史中的密钥，请以所示哈希在 [[service.NAME.rotation]] 中记录轮换日期。",
    },
    references: &[
        "https://cheatsheetseries.owasp.org/cheatsheets/Secrets_Management_Cheat_Sheet.html",
        "https://docs.docker.com/build/building/secrets/",
    ],
    page: include_str!("no_secrets.md"),
    judge,
};

fn judge(evidence: &Evidence<'_>, _policy: &Policy) -> Readings {
    Readings::configured(configured(evidence))
}

/// Words of paths that serve no customer.
const ELSEWHERE: &[&str] =
    &["dev", "development", "local", "test", "tests", "ci", "staging", "stage", "qa", "example", "sample", "e2e"];

/// What stands where production reads it is a leak with any value that works; elsewhere it has to look like a secret.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Ground {
    /// Production runs with this value.
    Production,
    /// Nobody says where it is used.
    Open,
    /// A developer's machine, a test, an example: only keys of a known shape count.
    Aside,
}

impl Ground {
    fn of(place: &Place, production: bool) -> Self {
        if !production || of_examples(place.path()) { Self::Aside } else { Self::Production }
    }

    /// By the words of a path, for files that name no environment otherwise.
    fn of_file(path: &str) -> Self {
        let lower = path.to_ascii_lowercase();
        let mut words = lower.split(|letter: char| !letter.is_ascii_alphanumeric());
        if of_examples(path) || words.any(|word| ELSEWHERE.contains(&word)) { Self::Aside } else { Self::Open }
    }
}

#[derive(Default)]
struct Found<'a> {
    findings: Vec<Finding>,
    seen: BTreeSet<(Place, String)>,
    /// What was shown of a file.
    shown: BTreeSet<(Arc<str>, String)>,
    /// The lines and the values of keys of a known shape: it says more than the name in front of it.
    shape_lines: BTreeSet<(&'a str, u32)>,
    shape_values: BTreeSet<(&'a str, u64)>,
    /// The values that were found in the files.
    values: BTreeSet<u64>,
}

fn configured(evidence: &Evidence<'_>) -> Result<Reading, Missing> {
    let sightings = evidence.secrets()?;
    let mut found = Found::default();
    for one in sightings.iter().filter(|one| one.certainty >= Certainty::Shape) {
        found.shape_lines.extend(one.place.line().map(|line| (one.place.path(), line)));
        found.shape_values.insert((one.place.path(), one.fingerprint));
    }
    for workload in evidence.workloads()? {
        found.workload(workload);
    }
    for object in evidence.objects()? {
        found.object(object);
    }
    let settings = evidence.settings()?;
    for image in evidence.images()? {
        let readable = |path: &str| settings.iter().any(|file| file.place.path().ends_with(path));
        found.image(image, &readable);
    }
    for file in settings {
        let ground = match file.kind {
            SettingsKind::EnvironmentExample => Ground::Aside,
            _ => Ground::of_file(file.place.path()),
        };
        found.tree(&file.body, "", ground, None);
    }
    for resource in evidence.infrastructure()? {
        let ground = match Ground::of_file(resource.place.path()) {
            Ground::Open => Ground::Production,
            other => other,
        };
        // The default of a variable goes by the variable's name.
        if resource.kind == "variable" {
            if let Some(default) = resource.body.get("default") {
                found.tree(default, &resource.name, ground, None);
            }
        } else {
            found.tree(&resource.body, "", ground, None);
        }
    }
    for pipeline in evidence.pipelines()? {
        for (name, value) in &pipeline.variables {
            found.value(&value.place, name, &value.value, Ground::Open, None);
        }
        for (_, step) in pipeline.steps() {
            for (name, value) in &step.with {
                found.value(&step.place, name, value, Ground::Open, None);
            }
        }
    }
    for one in sightings {
        found.sighting(one, evidence);
    }
    let history = evidence.history();
    if let Ok(history) = &history {
        for one in &history.secrets {
            found.past(one, evidence);
        }
    }
    // A leak in the file of another service is that one's to mend, and its review tells it.
    found.findings.retain(|finding| !evidence.of_another_service(&finding.place));
    if found.findings.is_empty() {
        return clean(evidence, history?);
    }
    let findings = merge(found.findings);
    let count = findings.len();
    Ok(Reading::refuted(
        findings,
        format!("{count} {} in the repository", if count == 1 { "secret stands" } else { "secrets stand" }),
        format!("仓库中存在 {count} 处密钥"),
    ))
}

/// Nothing was found in the files; whether that is all depends on how much of the past was read.
fn clean(evidence: &Evidence<'_>, history: &History) -> Result<Reading, Missing> {
    if let Some(missing) = &history.incomplete {
        return Err(missing.clone());
    }
    let (files, versions) = (evidence.files_read(Source::Secrets), history.versions);
    let mut reading = Reading::shown(
        [],
        format!("none of {files} files and {versions} versions of files in the history holds a secret"),
        format!("{files} 个文件及历史中的 {versions} 个文件版本均不含密钥"),
    );
    // A file that could not be read may hold one.
    reading.needs_whole_source = true;
    Ok(reading)
}

impl<'a> Found<'a> {
    /// What stands in a file, wherever. One that is known by its name alone counts where somebody could run with it; one
    /// with the shape of an issuer's key counts in examples too, and in tests only when nobody can have made it up.
    fn sighting(&mut self, one: &'a SecretSighting, evidence: &Evidence<'_>) {
        if !counts(one, evidence.today()) {
            return;
        }
        self.values.insert(one.fingerprint);
        // What was read as a setting is said with more knowledge of what it is for.
        if self.shown.contains(&(Arc::from(one.place.path()), one.shown.clone())) {
            return;
        }
        let (en, zh) = words(one);
        self.add(&one.place, en, zh, None);
    }

    /// What stands only in the history counts until somebody says that it was rotated after that commit.
    fn past(&mut self, one: &'a SecretSighting, evidence: &Evidence<'_>) {
        let Some(commit) = &one.commit else { return };
        // The first commit that has it is the one that a reader needs.
        if rotated(one, evidence) || !counts(one, evidence.today()) || !self.values.insert(one.fingerprint) {
            return;
        }
        let (en, zh) = words(one);
        let (id, on) = (&commit.id, commit.on);
        self.add(
            &one.place,
            format!("{en} (in the history, since {id} of {on})"),
            format!("{zh}（存于历史，自 {on} 的 {id} 起）"),
            None,
        );
    }

    fn add(&mut self, place: &Place, en: String, zh: String, environment: Option<&str>) {
        if self.seen.insert((place.clone(), en.clone())) || environment.is_some() {
            self.findings.push(Finding::new(place, en, zh).in_environment(environment));
        }
    }

    fn workload(&mut self, workload: &Workload) {
        let environment = workload.environment.as_deref();
        for container in workload.containers.iter().chain(&workload.init_containers) {
            for variable in &container.env {
                let EnvValue::Literal(value) = &variable.value else { continue };
                let ground = match Ground::of(&variable.place, workload.production) {
                    // A compose file that names no environment is as often a developer's as production's.
                    Ground::Production if workload.kind == WorkloadKind::ComposeService && environment.is_none() => {
                        Ground::Open
                    }
                    ground => ground,
                };
                self.value(&variable.place, &variable.name, value, ground, environment);
            }
            for words in container.command.iter().chain(&container.args) {
                for word in &words.value {
                    if let Some((name, value)) = word.strip_prefix("--").and_then(|flag| flag.split_once('=')) {
                        let ground = Ground::of(&words.place, workload.production);
                        self.value(&words.place, name, value, ground, environment);
                    }
                }
            }
        }
    }

    fn object(&mut self, object: &Object) {
        let environment = object.environment.as_deref();
        let ground = Ground::of(&object.place, object.production);
        match object.kind.as_str() {
            // SOPS encrypts the values and says so in the object.
            "Secret" if object.body.get("sops").is_some() => (),
            "Secret" => {
                for entry in object.body.get("data").map(Node::entries).unwrap_or_default() {
                    let decoded = entry.node.str().and_then(base64_text);
                    if let Some(text) = decoded {
                        self.of_secret(&entry.node.place, &entry.key, &text, ground, environment);
                    }
                }
                for entry in object.body.get("stringData").map(Node::entries).unwrap_or_default() {
                    let text = entry.node.str().unwrap_or_default();
                    self.of_secret(&entry.node.place, &entry.key, text, ground, environment);
                }
            }
            "ConfigMap" => {
                for entry in object.body.get("data").map(Node::entries).unwrap_or_default() {
                    let text = entry.node.str().unwrap_or_default();
                    if text.contains('\n') {
                        self.lines(&entry.node.place, text, ground, environment);
                    } else {
                        self.value(&entry.node.place, &entry.key, text, ground, environment);
                    }
                }
            }
            _ => (),
        }
    }

    /// A value of a Kubernetes Secret. Its user name and its host are no secrets; whatever has a secret's name or looks
    /// like one is.
    fn of_secret(&mut self, place: &Place, key: &str, value: &str, ground: Ground, environment: Option<&str>) {
        if of_tests(place.path()) {
            return;
        }
        if value.contains('\n') {
            self.lines(place, value, ground, environment);
        } else if is_secret_name(key) || password_in_address(value).is_some() {
            self.value(place, key, value, ground, environment);
        } else if ground != Ground::Aside && secret_value(value) == SecretValue::Literal && looks_random(value) {
            self.literal(place, key, value, environment);
        }
    }

    fn image(&mut self, image: &ImageBuild, readable: &dyn Fn(&str) -> bool) {
        let ground = match Ground::of_file(image.place.path()) {
            Ground::Open => Ground::Production,
            other => other,
        };
        for instruction in image.stages.iter().flat_map(|stage| &stage.instructions) {
            match &instruction.kind {
                InstructionKind::Arg { name, default: Some(value) } | InstructionKind::Env { name, value } => {
                    self.value(&instruction.place, name, value, ground, None);
                }
                _ => (),
            }
        }
        for instruction in image.final_instructions() {
            match &instruction.kind {
                // Without a default, the value comes from whoever builds, and stays in the history of the image.
                InstructionKind::Arg { name, default } if is_secret_name(name) => {
                    let empty = default.as_deref().is_none_or(|value| secret_value(value) <= SecretValue::FilledIn);
                    if empty && ground != Ground::Aside {
                        self.add(
                            &instruction.place,
                            format!("build argument {name} stays readable in the image's history"),
                            format!("构建参数 {name} 会保留在镜像历史中，可被读取"),
                            None,
                        );
                    }
                }
                InstructionKind::Copy { sources, .. } | InstructionKind::Add { sources, .. } => {
                    for source in sources.iter().filter(|source| carries_secrets(source) && !readable(source)) {
                        self.add(
                            &instruction.place,
                            format!("{source} is copied into the image"),
                            format!("{source} 被复制进镜像"),
                            None,
                        );
                    }
                }
                _ => (),
            }
        }
    }

    /// A tree of settings: every value under its key, and `{name, value}` pairs under the name.
    fn tree(&mut self, node: &Node, key: &str, ground: Ground, environment: Option<&str>) {
        match &node.value {
            Value::Null => (),
            Value::Scalar(_) => {
                let text = node.str().unwrap_or_default();
                // In structured settings `secret: shop-tls` names a secret more often than it holds one.
                let named = matches!(key, "secret" | "token" | "pass") && !looks_random(text);
                if !named && !text.contains('\n') {
                    self.value(&node.place, key, text, ground, environment);
                }
            }
            Value::Sequence(items) => items.iter().for_each(|item| self.tree(item, "", ground, environment)),
            Value::Mapping(entries) => {
                let pair = node.str_at("name").zip(node.get("value"));
                if let Some((name, value)) = pair {
                    self.tree(value, name, ground, environment);
                }
                for entry in entries.iter().filter(|entry| pair.is_none() || entry.key != "value") {
                    self.tree(&entry.node, &entry.key, ground, environment);
                }
            }
        }
    }

    /// Text with one setting a line, in a format that nobody names.
    fn lines(&mut self, place: &Place, text: &str, ground: Ground, environment: Option<&str>) {
        if ground == Ground::Aside || of_tests(place.path()) {
            return;
        }
        for line in text.lines().take(10_000) {
            let Some((name, value)) = line.split_once(['=', ':']) else { continue };
            let name = name.trim().trim_matches(['"', '\'', '-', ' ']);
            let value = value.trim().trim_end_matches([',', ';']).trim_matches(['"', '\'']);
            let plain = name.chars().all(|letter| letter.is_ascii_alphanumeric() || matches!(letter, '_' | '.' | '-'));
            if plain && is_secret_name(name) && secret_value(value) == SecretValue::Literal && looks_random(value) {
                self.literal(place, name, value, environment);
            }
        }
    }

    /// A setting with its value.
    fn value(&mut self, place: &Place, name: &str, value: &str, ground: Ground, environment: Option<&str>) {
        let known = place.line().is_some_and(|line| self.shape_lines.contains(&(place.path(), line)))
            || self.shape_values.contains(&(place.path(), fingerprint(value.trim().as_bytes())));
        if of_tests(place.path()) || ground == Ground::Aside || known {
            return;
        }
        let works = |value: &str| match secret_value(value) {
            SecretValue::Literal => ground == Ground::Production || looks_random(value),
            SecretValue::Guessable => ground == Ground::Production,
            SecretValue::Nothing | SecretValue::FilledIn => false,
        };
        if let Some((password, host)) = password_in_address(value) {
            if works(password) && !loopback(host) {
                let shown = self.show(place, password);
                self.add(
                    place,
                    format!("{} holds an address with a password: {shown}", named(name)),
                    format!("{} 中的地址带有密码：{shown}", named(name)),
                    environment,
                );
            }
            return;
        }
        if !is_secret_name(name) {
            return;
        }
        // Shells, compose files and Spring fall back to what stands behind the colon.
        let value = fallback(value).unwrap_or(value);
        if !works(value) {
            return;
        }
        if secret_value(value) == SecretValue::Guessable {
            let shown = self.show(place, value);
            self.add(
                place,
                format!("{} has a value that everybody tries first, and it works: {shown}", named(name)),
                format!("{} 使用了人人都会先试的值，且能生效：{shown}", named(name)),
                environment,
            );
        } else {
            self.literal(place, name, value, environment);
        }
    }

    /// What may be shown of a value, remembered for its file.
    fn show(&mut self, place: &Place, value: &str) -> String {
        let shown = redact(value);
        self.shown.insert((Arc::from(place.path()), shown.clone()));
        shown
    }

    fn literal(&mut self, place: &Place, name: &str, value: &str, environment: Option<&str>) {
        let shown = self.show(place, value);
        self.add(
            place,
            format!("{} is written out: {shown}", named(name)),
            format!("{} 以明文写出：{shown}", named(name)),
            environment,
        );
    }
}

/// Somebody says that it was rotated after the commit that has it.
pub(crate) fn rotated(one: &SecretSighting, evidence: &Evidence<'_>) -> bool {
    let Some(commit) = &one.commit else { return false };
    let hash = one.shown.split_once('#').map_or("", |(_, hash)| hash.trim_end_matches(')'));
    let rotations = &evidence.statements().rotations;
    !hash.is_empty() && rotations.iter().any(|rotation| rotation.secret.contains(hash) && rotation.rotated >= commit.on)
}

/// It is worth a finding where it stands.
pub(crate) fn counts(one: &SecretSighting, today: Date) -> bool {
    if one.valid_until.is_some_and(|until| until < today) {
        return false;
    }
    // Keys and tokens that anybody can make, for a certificate on a laptop or a page that explains them.
    let home_made = matches!(&*one.rule, "private-key" | "web-token");
    let aside = Ground::of_file(one.place.path()) == Ground::Aside;
    match one.role {
        Role::Vendored => false,
        Role::Test | Role::Fixture => one.certainty == Certainty::Verified && !home_made,
        Role::Example | Role::Documentation => one.certainty >= Certainty::Shape && !home_made,
        Role::Product | Role::Generated if aside => one.certainty >= Certainty::Shape && !home_made,
        Role::Product | Role::Generated => true,
    }
}

/// What to say of a sighting, in English and Simplified Chinese.
pub(crate) fn words(one: &SecretSighting) -> (String, String) {
    let shown = &one.shown;
    match one.name.as_deref().map(named) {
        Some(name) if one.default && one.guessable => (
            format!("{name} falls back to a value that everybody can try: {shown}"),
            format!("{name} 的默认值人人可试：{shown}"),
        ),
        Some(name) if one.default => {
            (format!("{name} falls back to a secret: {shown}"), format!("{name} 的默认值即为密钥：{shown}"))
        }
        Some(name) => (format!("{name} is written out: {shown}"), format!("{name} 以明文写出：{shown}")),
        None => (format!("{} stands here: {shown}", one.title.en), format!("此处存在{}：{shown}", one.title.zh)),
    }
}

/// A name as it is shown; hostile ones are long.
fn named(name: &str) -> &str {
    let end = name.char_indices().nth(80).map_or(name.len(), |(at, _)| at);
    match name.get(..end) {
        None | Some("") => "the value",
        Some(name) => name,
    }
}

/// The default in `${NAME:-default}` and `${NAME:default}`.
fn fallback(value: &str) -> Option<&str> {
    let inside = value.trim().strip_prefix("${")?.strip_suffix('}')?;
    let (_, default) = inside.split_once(':')?;
    Some(default.strip_prefix(['-', '=']).unwrap_or(default)).filter(|default| !default.starts_with('?'))
}

/// Files that hold credentials by what they are, in the context of a build.
fn carries_secrets(source: &str) -> bool {
    let name = source.rsplit('/').next().unwrap_or(source).to_ascii_lowercase();
    let environment = name == ".env" || name.starts_with(".env.");
    let sample = ["example", "sample", "template", "dist"].iter().any(|word| name.contains(word));
    environment && !sample
        || matches!(
            name.as_str(),
            "id_rsa" | "id_ed25519" | "id_ecdsa" | ".npmrc" | ".netrc" | ".pypirc" | ".git-credentials"
        )
        || source.trim_end_matches('/').rsplit('/').next().is_some_and(|last| matches!(last, ".ssh" | ".aws"))
}
