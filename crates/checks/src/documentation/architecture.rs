//! A picture of how it is built, that shows what is there.

use gonogo_domain::{
    Area, Check, Classes, Evidence, Finding, Gate, Message, Missing, Place, Policy, Reading, Readings, Standard,
    Strength, Text,
    evidence::{Document, DocumentKind, Role, Section},
};

use crate::shared::{procedures::sections_under, trees::is_shown_off};

pub(crate) static CHECK: Check = Check {
    id: "documentation.architecture",
    title: Text { en: "Architecture diagram, current", zh: "有最新的架构图" },
    source: &["B3.7c"],
    standard: Standard::ProductionReadiness,
    area: Area::Documentation,
    level: None,
    gate: Gate::Required,
    min: Strength::Configured,
    classes: Classes::RUNNING,
    fresh_days: None,
    record: &[],
    remediation: Text {
        en: "Draw the service with what it calls and what calls it, as text (Mermaid) in an architecture document.",
        zh: "在架构文档中以文本（Mermaid）画出该服务及其上下游。",
    },
    references: &["https://c4model.com/"],
    page: include_str!("architecture.md"),
    judge,
};

const HEADINGS: &[&str] = &["architecture", "system design", "system overview", "service topology", "架构", "系统设计"];
const LANGUAGES: &[&str] = &[
    "mermaid",
    "plantuml",
    "puml",
    "dot",
    "graphviz",
    "d2",
    "structurizr",
    "c4",
    "ditaa",
    "nomnoml",
    "wavedrom",
    "ascii",
];
/// Words that stand beside `architecture` in the name of a document about the whole.
const WHOLE: &[&str] = &[
    "architecture",
    "app",
    "application",
    "design",
    "diagram",
    "doc",
    "document",
    "documentation",
    "guide",
    "high",
    "index",
    "level",
    "overview",
    "platform",
    "product",
    "project",
    "service",
    "software",
    "solution",
    "system",
    "technical",
    "the",
];
/// Endings of files that are diagrams and nothing else.
const DIAGRAMS: &[&str] = &["puml", "plantuml", "drawio", "mmd", "d2", "excalidraw", "dsl", "c4", "gv"];

fn judge(evidence: &Evidence<'_>, _policy: &Policy) -> Readings {
    Readings::configured(configured(evidence))
}

/// A diagram, and its text where it is drawn in text.
struct Diagram {
    place: Place,
    text: Option<String>,
}

fn configured(evidence: &Evidence<'_>) -> Result<Reading, Missing> {
    let mut diagrams = Vec::new();
    let mut without = Vec::new();
    for document in evidence.documents()?.iter().filter(|document| !is_shown_off(&document.place)) {
        let whole = document.kind == DocumentKind::Architecture;
        let service = evidence.service();
        let aside = if whole { of_a_concern(document, &service.name) } else { of_a_part(document, &service.path) };
        if aside {
            continue;
        }
        if !whole && !matches!(document.kind, DocumentKind::Readme | DocumentKind::Other | DocumentKind::Contributing) {
            continue;
        }
        let sections: Vec<&Section> =
            if whole { document.sections.iter().collect() } else { sections_under(document, HEADINGS) };
        let found: Vec<Diagram> = sections.iter().flat_map(|section| drawn(section)).collect();
        if found.is_empty() && whole {
            without.push(document);
        }
        diagrams.extend(found);
    }
    for file in
        evidence.files()?.iter().filter(|file| !matches!(file.role, Role::Vendored | Role::Test | Role::Fixture))
    {
        let place = Place::whole(file.path.clone());
        if diagram_file(&file.path) && !is_shown_off(&place) {
            diagrams.push(Diagram { place, text: None });
        }
    }
    if diagrams.is_empty() {
        return Ok(match without.first() {
            Some(document) => Reading::refuted(
                without.iter().map(|document| undrawn(document)).collect(),
                format!("{} has no diagram", document.place.path()),
                format!("{} 没有图", document.place.path()),
            ),
            None => Reading::elsewhere(
                Message::new("no architecture document or diagram is in the repository", "仓库中没有架构文档或架构图"),
                Message::new(
                    "the architecture diagram, or a link to it in the README",
                    "架构图，或在 README 中给出链接",
                ),
            ),
        });
    }
    let findings = outdated(evidence, &diagrams);
    let read = diagrams.iter().all(|diagram| diagram.text.is_some());
    let places: Vec<Place> = diagrams.into_iter().map(|diagram| diagram.place).collect();
    if findings.is_empty() {
        let (en, zh) = if read {
            (
                "a diagram shows the architecture, with every data store that is declared",
                "架构图展示了系统结构，包含所声明的全部数据存储",
            )
        } else {
            (
                "a picture shows the architecture; what is in it cannot be compared with what is declared",
                "有架构图片；无法将其内容与声明比对",
            )
        };
        return Ok(Reading::shown(places, en, zh));
    }
    Ok(Reading::refuted(findings, "the diagram does not show what is declared", "架构图与声明不符"))
}

/// A README deep inside of the service describes the package or component beside it, not the service.
fn of_a_part(document: &Document, service: &str) -> bool {
    let path = document.place.path();
    let Some((folder, name)) = path.rsplit_once('/') else { return false };
    let readme = name.to_ascii_lowercase().starts_with("readme");
    let about = |part: &str| {
        let part = part.to_ascii_lowercase();
        ["doc", "arch", "design", "wiki", "github"].iter().any(|word| part.contains(word))
    };
    let around = |folder: &str| folder == service || service.starts_with(&format!("{folder}/"));
    readme && !around(folder) && !folder.split('/').any(about)
}

/// `auth-architecture.md` describes how one thing is done in the service, not the service.
fn of_a_concern(document: &Document, service: &str) -> bool {
    fn words(text: &str) -> impl Iterator<Item = String> {
        let words = text.split(|letter: char| !letter.is_alphanumeric()).filter(|word| !word.is_empty());
        words.map(str::to_lowercase)
    }
    let path = document.place.path();
    let name = path.rsplit('/').next().unwrap_or(path);
    let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
    let own: Vec<String> = words(service).collect();
    let general = |word: &String| {
        WHOLE.contains(&word.as_str()) || own.contains(word) || word.chars().all(|letter| letter.is_ascii_digit())
    };
    words(stem).any(|word| word == "architecture") && !words(stem).all(|word| general(&word))
}

fn undrawn(document: &Document) -> Finding {
    Finding::new(&document.place, "an architecture document without a diagram", "架构文档没有图")
}

fn drawn(section: &Section) -> Vec<Diagram> {
    let blocks = section.code.iter().filter(|block| {
        let language = block.language.to_lowercase();
        let lines = block.text.lines().filter(|line| !line.trim().is_empty()).count();
        // A listing of folders is drawn with lines too: what it shows is where files lie.
        let lines_lead = block.text.contains("──") && block.text.contains(['>', '▶', '→', '◀', '←', '▼']);
        let boxes = block.text.contains("+--") || block.text.contains('┌') || lines_lead;
        lines >= 2 && (LANGUAGES.iter().any(|known| language.starts_with(known)) || boxes)
    });
    let text = blocks.map(|block| Diagram { place: block.place.clone(), text: Some(block.text.to_lowercase()) });
    let images = section
        .images
        .iter()
        .filter(|image| !badge(&image.target))
        .map(|image| Diagram { place: image.place.clone(), text: None });
    text.chain(images).collect()
}

/// Shields and logos are pictures, but not of an architecture.
fn badge(target: &str) -> bool {
    let lower = target.to_lowercase();
    ["shields.io", "badge", "logo", "codecov", "/workflows/", "goreportcard", "avatar", ".gif"]
        .iter()
        .any(|word| lower.contains(word))
}

fn diagram_file(path: &str) -> bool {
    let lower = path.to_lowercase();
    let Some((stem, extension)) = lower.rsplit_once('.') else { return false };
    let name = stem.rsplit('/').next().unwrap_or(stem);
    let named = [
        "architecture",
        "arch-diagram",
        "architecture-diagram",
        "system-design",
        "system-overview",
        "c4-",
        "context-diagram",
    ]
    .iter()
    .any(|word| name.contains(word));
    (DIAGRAMS.contains(&extension)
        && (named || stem.contains("doc") || stem.contains("diagram") || stem.contains("architecture")))
        || (named && matches!(extension, "png" | "svg" | "jpg" | "jpeg" | "webp" | "pdf"))
}

/// Data stores and brokers that the service is declared to use and that no diagram drawn in text names. A picture
/// cannot be read, so that it can hide nothing.
fn outdated(evidence: &Evidence<'_>, diagrams: &[Diagram]) -> Vec<Finding> {
    let texts: Option<Vec<&String>> = diagrams.iter().map(|diagram| diagram.text.as_ref()).collect();
    let (Some(texts), Some(first)) = (texts, diagrams.first()) else { return Vec::new() };
    let mut findings: Vec<Finding> = Vec::new();
    for dependency in &evidence.service().dependencies {
        let Some(words) = words_for(&dependency.kind) else { continue };
        let name = dependency.name.to_lowercase();
        let shown = texts.iter().any(|text| text.contains(&name) || words.iter().any(|word| text.contains(word)));
        if !shown {
            findings.push(
                Finding::new(
                    &first.place,
                    format!("does not show {} ({})", dependency.name, dependency.kind),
                    format!("未画出 {}（{}）", dependency.name, dependency.kind),
                )
                .also(&dependency.place, "declared here", "声明处"),
            );
        }
    }
    findings
}

/// What people write into a box for a dependency of this kind; none: it is not of a kind that every diagram shows.
fn words_for(kind: &str) -> Option<&'static [&'static str]> {
    Some(match kind {
        "postgresql" => &["postgres", "pg", "rds", "aurora", "sql", "database", "db", "数据库"],
        "mysql" | "mariadb" => &["mysql", "maria", "rds", "aurora", "sql", "database", "db", "数据库"],
        "mongodb" => &["mongo", "documentdb", "database", "db", "数据库"],
        "redis" => &["redis", "valkey", "cache", "elasticache", "memorystore", "缓存"],
        "memcached" => &["memcache", "cache", "缓存"],
        "kafka" => &["kafka", "broker", "stream", "queue", "event", "msk", "redpanda", "消息"],
        "rabbitmq" | "amqp" => &["rabbit", "amqp", "broker", "queue", "消息"],
        "nats" => &["nats", "broker", "queue", "消息"],
        "elasticsearch" => &["elastic", "opensearch", "search", "搜索"],
        _ => return None,
    })
}
