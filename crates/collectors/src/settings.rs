//! Configuration files of the services, and of the tools around them, each by what it is for.

use std::sync::Arc;

use gonogo_domain::{
    Entry, Gap, Gathered, Node, Place, Scalar, Source, Value,
    evidence::{FileEntry, Role, SettingsFile, SettingsKind},
};
use gonogo_formats::{ParseError, hcl, json, toml};

use crate::{Corpus, DataFile, roles::has_extension};

/// Gathers settings from data files, and from those that are none: environment files, properties, variables of
/// Terraform. Tests and documentation have settings of their own, which say nothing about the service.
pub(crate) fn gather(corpus: &Corpus<'_>) -> Gathered<SettingsFile> {
    let mut items = Vec::new();
    let mut gaps = Vec::new();
    let mut files = 0;
    for file in corpus.data().filter(|file| counts(file.role)) {
        let Some(kind) = kind_of_data(corpus, file) else { continue };
        files += 1;
        gaps.extend(file.gaps(Source::Settings));
        for document in &file.documents {
            if let Some(body) = part_of(kind, file, document) {
                items.push(SettingsFile { kind, place: Place::whole(Arc::clone(&file.path)), body });
            }
        }
    }
    for entry in corpus.files_where(|entry| counts(entry.role) && kind_of_text(entry).is_some()) {
        let Some((kind, format)) = kind_of_text(entry) else { continue };
        files += 1;
        let read = corpus
            .tree
            .text(&entry.path)
            .map_err(|reason| ParseError { place: Place::whole(Arc::clone(&entry.path)), reason })
            .and_then(|text| format.parse(&entry.path, &text));
        match read {
            Ok(body) => items.push(SettingsFile { kind, place: Place::whole(Arc::clone(&entry.path)), body }),
            Err(error) => gaps.push(Gap { source: Source::Settings, place: error.place, reason: error.reason }),
        }
    }
    items.sort_by(|one: &SettingsFile, other| one.place.cmp(&other.place));
    gaps.sort();
    Gathered::new(items, files, gaps)
}

fn counts(role: Role) -> bool {
    matches!(role, Role::Product | Role::Example | Role::Generated)
}

/// What a data file configures, by its name and its first keys.
fn kind_of_data(corpus: &Corpus<'_>, file: &DataFile) -> Option<SettingsKind> {
    let name = file.name();
    let (stem, extension) = name.rsplit_once('.').unwrap_or((name, ""));
    let yaml = matches!(extension, "yaml" | "yml");
    let root = file.documents.first();
    let has = |key: &str| root.is_some_and(|root| root.get(key).is_some());

    if matches!(name, "rollout.toml" | "gonogo-rollout.toml" | ".gonogo-rollout.toml") {
        return Some(SettingsKind::Rollout);
    }
    if update_bot(&file.path, name) {
        return Some(SettingsKind::UpdateBot);
    }
    if yaml && stem.starts_with("values") && corpus.tree.contains(&beside(file, "Chart.yaml")) {
        return Some(SettingsKind::ChartValues);
    }
    if matches!(stem, "codecov" | ".codecov" | ".coveralls" | ".nycrc" | "nyc.config" | ".c8rc")
        || matches!(name, "jest.config.json" | "coverlet.runsettings.json" | "tarpaulin.toml" | ".tarpaulin.toml")
        || (matches!(name, "package.json" | "pyproject.toml") && root.is_some_and(|root| coverage(root).is_some()))
        || matches!(stem, ".testcoverage" | "octocov" | ".octocov")
    {
        return Some(SettingsKind::Coverage);
    }
    if (yaml && has("rule_files") && has("tests"))
        || (extension == "json" && has("scenarios") && has("thresholds"))
        || (yaml && has("config") && has("scenarios") && root.is_some_and(|root| root.at("config.target").is_some()))
        || matches!(
            stem,
            ".pre-commit-config"
                | ".golangci"
                | ".gitleaks"
                | ".checkov"
                | ".kube-linter"
                | ".hadolint"
                | "trivy"
                | ".trivy"
        )
        || matches!(name, "deny.toml" | ".grype.yaml" | ".semgrep.yml" | "sonar.json" | ".spectral.yaml" | "buf.yaml")
    {
        return Some(SettingsKind::Tool);
    }
    if feature_flags(name, root) {
        return Some(SettingsKind::FeatureFlags);
    }
    // Kubernetes objects, compose files and the like have collectors of their own.
    if has("apiVersion") && has("kind") {
        return None;
    }
    let application = match extension {
        "yaml" | "yml" => {
            matches!(stem, "application" | "bootstrap" | "micronaut" | "server-config" | "app-config")
                || stem.starts_with("application-")
                || stem.starts_with("app-config.")
        }
        "json" => stem == "appsettings" || stem.starts_with("appsettings."),
        _ => false,
    };
    (application || configuration_folder(file)).then_some(SettingsKind::Application)
}

/// `config/production.yaml`, `cmd/api/config.toml`: configuration that the program reads.
fn configuration_folder(file: &DataFile) -> bool {
    let folder = file.folder().rsplit('/').next().unwrap_or_default();
    let stem = file.name().rsplit_once('.').map_or(file.name(), |(stem, _)| stem);
    let hidden = file.path.split('/').any(|part| part.starts_with('.'));
    let own = matches!(folder, "config" | "configs" | "conf" | "settings")
        || matches!(stem, "config" | "configuration" | "settings")
        || stem.starts_with("config.")
        || stem.starts_with("settings.");
    let tool = matches!(
        stem,
        "kustomization" | "Chart" | "package" | "tsconfig" | "composer" | "Cargo" | "docker-compose" | "compose"
    ) || file.path.contains("kustomize")
        || file.path.contains("/crd/");
    own && !hidden && !tool && file.documents.iter().any(|root| !root.entries().is_empty())
}

fn update_bot(path: &str, name: &str) -> bool {
    let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
    match name {
        "dependabot.yml" | "dependabot.yaml" => folder == ".github",
        "renovate.json" | "renovate.json5" | "renovate.jsonc" | ".renovaterc.json" | ".renovaterc.json5" => {
            matches!(folder, "" | ".github" | ".gitlab" | ".renovate")
        }
        "config.yml" => folder == ".dependabot",
        _ => false,
    }
}

fn feature_flags(name: &str, root: Option<&Node>) -> bool {
    let Some(root) = root else { return false };
    let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem).to_ascii_lowercase();
    if let Some(flags) = root.get("flags") {
        // flagd: each flag has variants; its schema says so too.
        let variants = |flag: &Entry| flag.node.get("variants").is_some() || flag.node.get("state").is_some();
        let schema = root.str_at("$schema").is_some_and(|schema| schema.contains("flagd"));
        return schema || flags.entries().iter().any(variants);
    }
    if let Some(features) = root.get("features") {
        let unleash = features.items().iter().any(|feature| feature.get("strategies").is_some());
        let growthbook = features.entries().iter().any(|feature| feature.node.get("defaultValue").is_some());
        return unleash || growthbook;
    }
    // GO Feature Flag: every key is a flag with variations and a default rule.
    let go_feature_flag =
        |entry: &Entry| entry.node.get("variations").is_some() && entry.node.get("defaultRule").is_some();
    if root.entries().iter().take(50).any(go_feature_flag) {
        return true;
    }
    matches!(stem.as_str(), "flags" | "feature-flags" | "feature_flags" | "featureflags" | "features.flags" | "flipt")
        && !root.entries().is_empty()
}

/// The part of a file that the kind is about; none: nothing of it.
fn part_of(kind: SettingsKind, file: &DataFile, document: &Node) -> Option<Node> {
    match (kind, file.name()) {
        (SettingsKind::Coverage, "package.json" | "pyproject.toml") => coverage(document).cloned(),
        _ => Some(document.clone()),
    }
}

/// The settings of coverage inside the manifest of a package.
fn coverage(root: &Node) -> Option<&Node> {
    let jest = ["jest", "vitest"].iter().filter_map(|name| root.get(name));
    let thresholds = jest.into_iter().find(|own| {
        own.get("coverageThreshold").is_some() || own.get("collectCoverage").is_some() || own.get("coverage").is_some()
    });
    thresholds.or_else(|| root.get("nyc")).or_else(|| root.get("c8")).or_else(|| root.at("tool.coverage"))
}

fn beside(file: &DataFile, name: &str) -> String {
    match file.folder() {
        "." => name.to_owned(),
        folder => format!("{folder}/{name}"),
    }
}

/// How a file that is no data file is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum TextFormat {
    /// `NAME=value`, a mapping of texts.
    Lines,
    /// `[section]` with `name = value`.
    Sections,
    Hcl,
    Json,
    Toml,
}

fn kind_of_text(entry: &FileEntry) -> Option<(SettingsKind, TextFormat)> {
    let name = entry.name();
    if let Some(environment) = environment(name) {
        return Some((environment, TextFormat::Lines));
    }
    if has_extension(name, "tfvars") {
        return Some((SettingsKind::InfrastructureValues, TextFormat::Hcl));
    }
    if name.ends_with(".tfvars.json") {
        return Some((SettingsKind::InfrastructureValues, TextFormat::Json));
    }
    match name {
        ".renovaterc" => Some((SettingsKind::UpdateBot, TextFormat::Json)),
        ".nycrc" | ".c8rc" => Some((SettingsKind::Coverage, TextFormat::Json)),
        ".coveragerc" => Some((SettingsKind::Coverage, TextFormat::Sections)),
        "sonar-project.properties" => Some((SettingsKind::Coverage, TextFormat::Lines)),
        "config.production" | "Rocket.toml.production" => Some((SettingsKind::Application, TextFormat::Toml)),
        name if properties(name) => Some((SettingsKind::Application, TextFormat::Lines)),
        _ => None,
    }
}

fn properties(name: &str) -> bool {
    name.strip_suffix(".properties").is_some_and(|stem| {
        matches!(stem, "application" | "bootstrap" | "microprofile-config") || stem.starts_with("application-")
    })
}

/// `.env`, `.env.production`, `production.env`; with `example` and its like in the name, an example.
fn environment(name: &str) -> Option<SettingsKind> {
    let lower = name.to_ascii_lowercase();
    let dotted =
        lower == ".env" || lower.starts_with(".env.") || lower.starts_with(".env-") || lower.starts_with(".env_");
    let named =
        has_extension(&lower, "env") || lower == "env.example" || lower == "env.sample" || lower == "dotenv.example";
    if !dotted && !named {
        return None;
    }
    // `.env.vault` is encrypted, `.env.d.ts` and `.env.md` are no environment files.
    if ["vault", "ts", "js", "md"].iter().any(|extension| has_extension(&lower, extension)) {
        return None;
    }
    let example = ["example", "sample", "template", "dist", "tmpl", "default", "schema"]
        .iter()
        .any(|word| lower.split(['.', '-', '_']).any(|part| part == *word));
    Some(if example { SettingsKind::EnvironmentExample } else { SettingsKind::Environment })
}

impl TextFormat {
    fn parse(self, path: &Arc<str>, text: &str) -> Result<Node, ParseError> {
        match self {
            Self::Lines => Ok(assignments(path, text)),
            Self::Sections => Ok(sections(path, text)),
            Self::Hcl => hcl::parse_body(path, text),
            Self::Json => json::parse(path, text),
            Self::Toml => toml::parse(path, text),
        }
    }
}

/// Lines of `NAME=value`, as the loaders of environment files and Java read them; a value in quotes may go over lines.
fn assignments(path: &Arc<str>, text: &str) -> Node {
    let mut entries = Vec::new();
    let mut lines = text.lines().zip(1_u32..);
    while let Some((line, number)) = lines.next() {
        let trimmed = line.trim();
        if trimmed.is_empty() || trimmed.starts_with(['#', '!', ';']) {
            continue;
        }
        let trimmed = trimmed.strip_prefix("export ").unwrap_or(trimmed);
        let Some((name, value)) = trimmed.split_once('=').or_else(|| trimmed.split_once(':')) else { continue };
        let mut value = value.trim().to_owned();
        let quote = value.chars().next().filter(|char| matches!(char, '"' | '\'' | '`'));
        if let Some(quote) = quote {
            while value.len() < 64 * 1024 && !value.get(1..).is_some_and(|rest| rest.contains(quote)) {
                let Some((next, _)) = lines.next() else { break };
                value.push('\n');
                value.push_str(next);
            }
            let inner = value.get(1..).unwrap_or_default();
            let end = inner.find(quote).unwrap_or(inner.len());
            value = inner.get(..end).unwrap_or_default().into();
        } else if let Some(end) = value.find(" #") {
            value.truncate(end);
            value.truncate(value.trim_end().len());
        }
        entries.push(entry(path, number, line, name.trim(), value, quote.is_none()));
    }
    Node::new(Place::new(Arc::clone(path), 1, 1), Value::Mapping(entries))
}

fn sections(path: &Arc<str>, text: &str) -> Node {
    let mut sections: Vec<Entry> = Vec::new();
    for (line, number) in text.lines().zip(1_u32..) {
        let trimmed = line.trim();
        if trimmed.is_empty() || trimmed.starts_with(['#', ';']) {
            continue;
        }
        if let Some(name) = trimmed.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            let place = Place::new(Arc::clone(path), number, 1);
            let node = Node::new(place.clone(), Value::Mapping(Vec::new()));
            sections.push(Entry { key: name.trim().to_owned(), key_place: place, node });
        } else if let Some((name, value)) = trimmed.split_once('=')
            && let Some(Entry { node: Node { value: Value::Mapping(entries), .. }, .. }) = sections.last_mut()
        {
            entries.push(entry(path, number, line, name.trim(), value.trim().to_owned(), true));
        }
    }
    Node::new(Place::new(Arc::clone(path), 1, 1), Value::Mapping(sections))
}

fn entry(path: &Arc<str>, line: u32, text: &str, name: &str, value: String, plain: bool) -> Entry {
    let column = |at: usize| u32::try_from(at).unwrap_or(u32::MAX).saturating_add(1);
    let start = text.len() - text.trim_start().len();
    let equals = text.find(['=', ':']).map_or(0, |at| at + 1);
    Entry {
        key: name.to_owned(),
        key_place: Place::new(Arc::clone(path), line, column(start)),
        node: Node::new(
            Place::new(Arc::clone(path), line, column(equals)),
            Value::Scalar(Scalar { text: value, plain }),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Tree;

    fn check(files: &[(&str, &str)], expect: &[&str]) {
        let tree = Tree::from_memory(files.iter().map(|(path, text)| ((*path).to_owned(), text.as_bytes().to_vec())));
        let corpus = Corpus::read(&tree);
        let gathered = gather(&corpus);
        let mut found: Vec<String> = gathered
            .items
            .iter()
            .map(|one| format!("{} {:?} {}", one.place, one.kind, json::to_string(&one.body)))
            .collect();
        found.extend(gathered.gaps.iter().map(|gap| format!("gap {}", gap.place)));
        assert_eq!(found, expect);
    }

    #[test]
    fn environment_files_are_mappings() {
        check(
            &[
                (".env", "# a\nA=1\nexport B = 'x y'\nC=\"two\nlines\" # c\nD=1 # d\nnothing\n"),
                ("api/.env.example", "A=\n"),
                ("api/.envrc", "A=1\n"),
                ("api/env.d.ts", "A=1\n"),
                ("deploy/production.env", "A=1\n"),
                ("tests/.env", "A=1\n"),
            ],
            &[
                ".env Environment {\"A\":1,\"B\":\"x y\",\"C\":\"two\\nlines\",\"D\":1}",
                "api/.env.example EnvironmentExample {\"A\":null}",
                "deploy/production.env Environment {\"A\":1}",
            ],
        );
    }

    #[test]
    fn application_settings_are_told_from_tools() {
        check(
            &[
                ("src/main/resources/application.yml", "server: {port: 1}\n"),
                ("src/main/resources/application-prod.properties", "server.port=1\n"),
                ("Api/appsettings.Production.json", r#"{"Logging": {}}"#),
                ("config/production.toml", "a = 1\n"),
                ("config/rbac/role.yaml", "apiVersion: v1\nkind: Role\n"),
                ("config/crd/kustomization.yaml", "resources: [a]\n"),
                (".github/config.yml", "a: 1\n"),
                ("web/tsconfig.json", r#"{"extends": "a"}"#),
            ],
            &[
                "Api/appsettings.Production.json Application {\"Logging\":{}}",
                "config/production.toml Application {\"a\":1}",
                "src/main/resources/application-prod.properties Application {\"server.port\":1}",
                "src/main/resources/application.yml Application {\"server\":{\"port\":1}}",
            ],
        );
    }

    #[test]
    fn files_of_tools_have_their_kinds() {
        check(
            &[
                (".github/dependabot.yml", "version: 2\n"),
                ("renovate.json5", "{automerge: true, // c\n}"),
                (".coveragerc", "[report]\nfail_under = 80\n"),
                ("package.json", r#"{"scripts": {}, "jest": {"coverageThreshold": {"global": {"lines": 80}}}}"#),
                ("pyproject.toml", "[tool.coverage.report]\nfail_under = 80\n"),
                ("infra/prod.tfvars", "replicas = 3\n"),
                ("chart/Chart.yaml", "name: a\n"),
                ("chart/values-prod.yaml", "a: 1\n"),
                ("other/values.yaml", "a: 1\n"),
                ("flags.json", r#"{"flags": {"a": {"state": "ENABLED", "variants": {}}}}"#),
                ("alerts/rules_check.yaml", "rule_files: [a.yaml]\ntests: []\n"),
                ("gonogo-rollout.toml", "steps = []\n"),
            ],
            &[
                ".coveragerc Coverage {\"report\":{\"fail_under\":80}}",
                ".github/dependabot.yml UpdateBot {\"version\":2}",
                "alerts/rules_check.yaml Tool {\"rule_files\":[\"a.yaml\"],\"tests\":[]}",
                "chart/values-prod.yaml ChartValues {\"a\":1}",
                "flags.json FeatureFlags {\"flags\":{\"a\":{\"state\":\"ENABLED\",\"variants\":{}}}}",
                "gonogo-rollout.toml Rollout {\"steps\":[]}",
                "infra/prod.tfvars InfrastructureValues {\"replicas\":3}",
                "package.json Coverage {\"coverageThreshold\":{\"global\":{\"lines\":80}}}",
                "pyproject.toml Coverage {\"report\":{\"fail_under\":80}}",
                "renovate.json5 UpdateBot {\"automerge\":true}",
            ],
        );
    }

    #[test]
    fn what_cannot_be_parsed_is_a_gap() {
        check(&[("a.tfvars", "a = = 1\n"), (".env", "A=1\n")], &[".env Environment {\"A\":1}", "gap a.tfvars:1"]);
    }
}
