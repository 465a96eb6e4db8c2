//! What a document is, by its path, its title and its headings together.
//!
//! A word in a text proves nothing, and one in a title little: a folder of runbooks decides by itself, a name decides
//! if it *is* the word or leads with it, and a title only where no manual for users is in the way.

use gonogo_domain::evidence::DocumentKind as Kind;

use super::product::Audience;

/// What a kind is judged by.
pub(super) struct Evidence<'a> {
    pub(super) path: &'a str,
    pub(super) title: &'a str,
    /// In lower case, in order.
    pub(super) headings: &'a [String],
    pub(super) audience: Audience,
}

/// The words that name a kind. All are phrases of lower-case words.
struct Names {
    kind: Kind,
    /// A folder of this name holds documents of this kind, one a file.
    folders: &'static [&'static str],
    /// The file's name, or the title, begins or ends with one of these.
    leads: &'static [&'static str],
    /// The file's name, or the title, has one of these anywhere.
    anywhere: &'static [&'static str],
    /// It says how a service is run, so that the manual of a product cannot be meant.
    operation: bool,
}

/// In the order in which they are asked: the narrower kind first.
const NAMES: &[Names] = &[
    Names {
        kind: Kind::Postmortem,
        folders: &[
            "postmortems",
            "postmortem",
            "post mortems",
            "post mortem",
            "incident reports",
            "incident reviews",
            "rca",
            "rcas",
        ],
        leads: &[
            "rca",
            "incident report",
            "incident review",
            "root cause analysis",
            "事故报告",
            "事故复盘",
            "故障复盘",
        ],
        anywhere: &["postmortem", "post mortem"],
        operation: true,
    },
    Names {
        kind: Kind::Drill,
        folders: &[
            "drills",
            "game days",
            "gamedays",
            "game day",
            "restore drills",
            "restore tests",
            "dr drills",
            "dr tests",
            "rehearsals",
            "chaos experiments",
            "load test results",
            "load test reports",
        ],
        leads: &["drill", "drills", "演练记录", "故障演练"],
        anywhere: &[
            "game day",
            "gameday",
            "game days",
            "gamedays",
            "restore drill",
            "restore drills",
            "restore test",
            "restore tests",
            "recovery drill",
            "recovery drills",
            "recovery test",
            "rollback drill",
            "rollback drills",
            "rollback rehearsal",
            "failover drill",
            "failover test",
            "dr drill",
            "dr test",
            "rehearsal",
            "load test results",
            "load test result",
            "load test report",
            "load test record",
            "chaos experiment",
            "drill record",
            "drill records",
            "drill log",
        ],
        operation: true,
    },
    Names {
        kind: Kind::Handoff,
        folders: &["handoffs", "handovers", "shift reports", "on call handoffs"],
        leads: &["handoff", "handover", "hand off", "交接"],
        anywhere: &[
            "on call handoff",
            "oncall handoff",
            "on call handover",
            "shift handoff",
            "shift handover",
            "shift report",
        ],
        operation: true,
    },
    Names {
        kind: Kind::Playbook,
        folders: &["on call", "oncall"],
        leads: &[
            "on call",
            "oncall",
            "escalation",
            "escalations",
            "incident response",
            "incident management",
            "incident process",
            "incident severity",
            "incident severities",
            "severity levels",
            "severity matrix",
            "值班",
            "升级流程",
        ],
        anywhere: &["on call playbook", "oncall playbook", "escalation policy", "escalation path", "escalation matrix"],
        operation: true,
    },
    Names {
        kind: Kind::Runbook,
        folders: &["runbooks", "runbook", "run books", "playbooks", "sops", "operating procedures", "运维手册"],
        leads: &["playbook", "playbooks", "run book", "sop", "standard operating procedure", "运维手册", "应急手册"],
        anywhere: &["runbook", "runbooks"],
        operation: true,
    },
    Names {
        kind: Kind::Decision,
        folders: &[
            "adr",
            "adrs",
            "decisions",
            "decision records",
            "architecture decisions",
            "architecture decision records",
            "decision log",
            "architectural decisions",
        ],
        leads: &["adr"],
        anywhere: &["decision record", "decision records"],
        operation: false,
    },
    // Even the manual of a product means the product itself by this.
    Names {
        kind: Kind::Recovery,
        folders: &["disaster recovery"],
        leads: &[],
        anywhere: &["disaster recovery"],
        operation: false,
    },
    Names {
        kind: Kind::Recovery,
        folders: &["recovery", "backup and restore", "backups", "backup", "dr"],
        leads: &[
            "backup",
            "backups",
            "recovery",
            "recovery plan",
            "recovery objectives",
            "dr plan",
            "rpo",
            "rto",
            "business continuity",
            "restore",
            "restoring",
            "备份",
            "灾难恢复",
            "容灾",
        ],
        anywhere: &[
            "backup and restore",
            "backup restore",
            "backups and restores",
            "restore from backup",
            "backup policy",
            "备份与恢复",
        ],
        operation: true,
    },
    Names {
        kind: Kind::Retention,
        folders: &["retention", "data retention"],
        leads: &["retention", "data lifecycle", "数据保留"],
        anywhere: &["data retention", "retention policy", "retention schedule"],
        operation: true,
    },
    Names {
        kind: Kind::Sla,
        folders: &["sla", "slas"],
        leads: &["sla", "slas"],
        anywhere: &["service level agreement", "service level agreements", "服务等级协议"],
        operation: true,
    },
    Names {
        kind: Kind::Architecture,
        folders: &["architecture"],
        leads: &[
            "architecture",
            "system design",
            "high level design",
            "hld",
            "system overview",
            "data model",
            "架构",
            "系统架构",
        ],
        anywhere: &["system architecture", "software architecture", "service architecture", "architecture overview"],
        operation: false,
    },
    Names {
        kind: Kind::Security,
        folders: &["security"],
        leads: &["security", "threat model", "threat modeling", "secrets", "安全"],
        anywhere: &[
            "security policy",
            "secret rotation",
            "secrets rotation",
            "key rotation",
            "secret management",
            "secrets management",
            "threat model",
        ],
        operation: false,
    },
    Names {
        kind: Kind::Deployment,
        folders: &["deployment", "deploy", "deployments"],
        leads: &[
            "deploy",
            "deploying",
            "deployment",
            "deployments",
            "install",
            "installation",
            "installing",
            "rollback",
            "rolling back",
            "rollout",
            "releasing",
            "release process",
            "release procedure",
            "部署",
            "发布流程",
            "回滚",
        ],
        anywhere: &[
            "how to deploy",
            "how to release",
            "deployment guide",
            "rollback plan",
            "rollback procedure",
            "release process",
        ],
        operation: false,
    },
    Names {
        kind: Kind::Contributing,
        folders: &[],
        leads: &["contributing", "contribution guide", "contributor guide"],
        anywhere: &[],
        operation: false,
    },
    Names {
        kind: Kind::Changelog,
        folders: &["changelog", "changelogs", "changelog d", "changeset", "release notes"],
        leads: &["changelog", "changelogs", "changes", "release notes", "change log", "news"],
        anywhere: &[],
        operation: false,
    },
];

/// Folders whose documents are of a kind only if their headings agree, because much else lies there too.
const OPERATIONS_FOLDERS: &[&str] = &[
    "operations",
    "ops",
    "oncall",
    "on call",
    "troubleshooting",
    "incidents",
    "incident",
    "alerts",
    "alerting",
    "sre",
];

/// Words that make a document speak *about* a kind instead of being one.
const ABOUT: &[&str] = &[
    "how to write",
    "writing",
    "guideline",
    "guidelines",
    "style guide",
    "convention",
    "conventions",
    "best practices",
    "index",
];

/// Folders of code: the names of what lies there are the names of features.
const CODE_FOLDERS: &[&str] = &["src", "pkg", "internal", "cmd", "lib", "app", "components"];
const DOCUMENT_FOLDERS: &[&str] = &["docs", "doc", "documentation", "runbooks", "ops", "operations", "wiki"];

pub(super) fn kind(evidence: &Evidence<'_>) -> Kind {
    let lower = evidence.path.to_lowercase();
    let mut folders: Vec<&str> = lower.split('/').collect();
    folders.pop();
    let file = evidence.path.rsplit('/').next().unwrap_or_default();
    let stem = words(file.split_once('.').map_or(file, |(stem, _)| stem));
    let title = words(evidence.title);
    let folder_names: Vec<Vec<String>> = folders.iter().map(|folder| words(folder)).collect();

    if folders.iter().any(|folder| matches!(*folder, "issue_template" | "pull_request_template"))
        || has(&stem, "pull request template")
    {
        return Kind::Other;
    }
    if has(&stem, "readme") {
        return readme(evidence, &folder_names, &title);
    }
    let by_file = by_name(&stem);
    if let Some(kind @ (Kind::Changelog | Kind::Contributing)) = by_file
        && !ABOUT.iter().any(|about| has(&stem, about))
    {
        return kind;
    }
    if evidence.audience == Audience::Readers {
        return if shaped_as_decision(evidence.headings) { Kind::Decision } else { Kind::Other };
    }
    if let Some(kind) = by_folder(&folder_names, in_code(&folders), evidence.audience) {
        return within(kind, by_file, evidence, &stem, &title);
    }
    let about = ABOUT.iter().any(|about| has(&stem, about) || has(&title, about));
    let features = in_code(&folders) && !shouted(file);
    let believed = |names: &&Names| {
        let spared = names.operation && (about || evidence.audience == Audience::Users);
        !spared && (!features || names.kind == Kind::Architecture)
    };
    if let Some(names) = by_stem(&stem, believed) {
        return refine(names, &stem, evidence.headings);
    }
    if evidence.audience == Audience::Team && by_operations_folder(&folder_names) {
        if shaped_as_postmortem(evidence.headings) {
            return Kind::Postmortem;
        }
        if procedure_parts(evidence.headings) >= 2 {
            return Kind::Runbook;
        }
    }
    if shaped_as_decision(evidence.headings) {
        return Kind::Decision;
    }
    // A long title is a sentence that has the word by chance.
    if title.len() <= 8
        && let Some(names) = by_title(&title, believed)
    {
        return refine(names, &title, evidence.headings);
    }
    Kind::Other
}

/// A README describes its folder. Only one that lies in a folder of a kind *and* calls itself so is of that kind.
fn readme(evidence: &Evidence<'_>, folders: &[Vec<String>], title: &[String]) -> Kind {
    let lies_in = |folder: Option<&Vec<String>>| {
        let folder = folder?;
        NAMES.iter().find(|names| names.folders.iter().any(|name| folder.join(" ") == *name)).map(|names| names.kind)
    };
    let own = lies_in(folders.last());
    let above = lies_in(folders.len().checked_sub(2).and_then(|index| folders.get(index)));
    let one_a_file = |kind: &Kind| matches!(kind, Kind::Runbook | Kind::Postmortem | Kind::Decision | Kind::Drill);
    let plain: Vec<String> = folders.iter().map(|folder| folder.join("-")).collect();
    if evidence.audience != Audience::Team || in_code(&plain.iter().map(String::as_str).collect::<Vec<_>>()) {
        return Kind::Readme;
    }
    match (own, above) {
        // runbooks/README.md is their index, unless it holds them all.
        (Some(Kind::Runbook), _) if procedure_parts(evidence.headings) >= 2 => Kind::Runbook,
        (Some(kind), _) if !one_a_file(&kind) && by_name(title) == Some(kind) => kind,
        // runbooks/database-down/README.md
        (None, Some(kind)) if one_a_file(&kind) => kind,
        _ => Kind::Readme,
    }
}

/// A document in the folder of a kind: its own name can still say that it is something else.
fn within(folder: Kind, own: Option<Kind>, evidence: &Evidence<'_>, stem: &[String], title: &[String]) -> Kind {
    let index = matches!(stem.join(" ").as_str(), "index" | "summary" | "toc");
    if index || ABOUT.iter().any(|about| has(stem, about) || has(title, about)) {
        return if folder == Kind::Runbook && procedure_parts(evidence.headings) >= 2 { folder } else { Kind::Other };
    }
    let own = own.or_else(|| by_name(title).filter(|kind| matches!(kind, Kind::Playbook | Kind::Handoff)));
    match (folder, own) {
        (Kind::Runbook, Some(kind @ (Kind::Playbook | Kind::Handoff | Kind::Postmortem | Kind::Drill)))
        | (Kind::Playbook, Some(kind @ (Kind::Handoff | Kind::Postmortem | Kind::Runbook)))
        | (Kind::Architecture | Kind::Security | Kind::Deployment | Kind::Recovery, Some(kind)) => kind,
        (Kind::Playbook, None | Some(Kind::Recovery | Kind::Deployment)) if procedure_parts(evidence.headings) >= 2 => {
            Kind::Runbook
        }
        _ => folder,
    }
}

/// "Playbook" is said for both: who is on call, and what to do.
fn refine(names: &Names, name: &[String], headings: &[String]) -> Kind {
    const STAFF: &[&[&str]] =
        &[&["on-call", "on call", "oncall"], &["escalation"], &["rotation", "schedule"], &["contacts"], &["severit"]];
    let says =
        STAFF.iter().filter(|words| headings.iter().any(|heading| words.iter().any(|word| heading.contains(word))));
    let playbook = has(name, "playbook") || has(name, "playbooks");
    match names.kind {
        Kind::Runbook if playbook && says.count() >= 2 && procedure_parts(headings) < 2 => Kind::Playbook,
        kind => kind,
    }
}

/// The folder next to the file knows best. One of code, or of a product's manual, is named after a feature, unless its
/// name can mean nothing else.
fn by_folder(folders: &[Vec<String>], features: bool, audience: Audience) -> Option<Kind> {
    folders.iter().rev().find_map(|folder| {
        let folder = folder.join(" ");
        let names = NAMES.iter().find(|names| names.folders.contains(&folder.as_str()))?;
        let certain =
            matches!(names.kind, Kind::Runbook | Kind::Postmortem | Kind::Decision | Kind::Drill | Kind::Changelog);
        let feature = features || (names.operation && audience == Audience::Users);
        (certain || !feature).then_some(names.kind)
    })
}

fn by_operations_folder(folders: &[Vec<String>]) -> bool {
    folders.iter().any(|folder| OPERATIONS_FOLDERS.contains(&folder.join(" ").as_str()))
}

fn by_name(words: &[String]) -> Option<Kind> {
    by_stem(words, |_| true).map(|names| names.kind)
}

fn by_stem(words: &[String], believed: impl Fn(&&Names) -> bool) -> Option<&'static Names> {
    NAMES.iter().filter(believed).find(|names| {
        names.anywhere.iter().any(|phrase| has(words, phrase))
            || names.leads.iter().any(|phrase| begins(words, phrase) || ends(words, phrase))
    })
}

/// A title ends in words by chance more often than a file's name: "Manage larger deployments".
fn by_title(title: &[String], believed: impl Fn(&&Names) -> bool) -> Option<&'static Names> {
    let names = by_stem(title, believed)?;
    let loose = matches!(names.kind, Kind::Deployment | Kind::Security | Kind::Drill | Kind::Handoff | Kind::Changelog);
    let leads = names.leads.iter().any(|phrase| begins(title, phrase));
    (!loose || leads || names.anywhere.iter().any(|phrase| has(title, phrase))).then_some(names)
}

fn in_code(folders: &[&str]) -> bool {
    let code = folders.iter().rposition(|folder| CODE_FOLDERS.contains(folder));
    let documents = folders.iter().rposition(|folder| DOCUMENT_FOLDERS.contains(folder));
    code > documents
}

/// `SECURITY.md`: a name that is written to be found.
fn shouted(file: &str) -> bool {
    let stem = file.split_once('.').map_or(file, |(stem, _)| stem);
    stem.len() > 2 && !stem.chars().any(char::is_lowercase)
}

/// How many parts of a procedure have a heading: symptoms, diagnosis, mitigation, verification, escalation.
fn procedure_parts(headings: &[String]) -> usize {
    const PARTS: &[&[&str]] = &[
        &["symptom", "detection", "signs", "what it looks like", "症状"],
        &["diagnos", "triage", "investigat", "debugging", "possible causes", "诊断", "排查"],
        &["mitigat", "remediat", "resolution", "procedure", "how to fix", "solution", "处理", "缓解"],
        &["verif", "验证"],
        &["escalat", "升级"],
    ];
    PARTS.iter().filter(|part| headings.iter().any(|heading| part.iter().any(|word| heading.contains(word)))).count()
}

fn shaped_as_postmortem(headings: &[String]) -> bool {
    let any = |words: &[&str]| headings.iter().any(|heading| words.iter().any(|word| heading.contains(word)));
    any(&["timeline", "时间线"])
        && any(&["root cause", "contributing", "根因", "根本原因"])
        && any(&["action", "lesson", "impact", "follow-up", "改进"])
}

/// Michael Nygard's form, and MADR's.
fn shaped_as_decision(headings: &[String]) -> bool {
    let any = |names: &[&str]| headings.iter().any(|heading| names.iter().any(|name| heading.starts_with(name)));
    any(&["context"])
        && any(&["decision", "decision outcome"])
        && any(&["consequences", "status", "considered options"])
        && !any(&["proposal", "motivation", "implementation plan", "design details"])
}

/// Lower-case words of a name: `2026-01-31-KeyRotation` is `2026 01 31 key rotation`.
fn words(name: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut word = String::new();
    let mut before_lower = false;
    for character in name.chars() {
        let starts = !character.is_alphanumeric() || (character.is_uppercase() && before_lower);
        if starts && !word.is_empty() {
            words.push(std::mem::take(&mut word));
        }
        if character.is_alphanumeric() {
            word.extend(character.to_lowercase());
        }
        before_lower = character.is_lowercase();
    }
    if !word.is_empty() {
        words.push(word);
    }
    words
}

fn has(words: &[String], phrase: &str) -> bool {
    let wanted: Vec<&str> = phrase.split(' ').collect();
    if !phrase.is_ascii() {
        // Chinese is written without blanks.
        return words.iter().any(|word| word.contains(phrase));
    }
    words.windows(wanted.len()).any(|window| window.iter().eq(wanted.iter().copied()))
}

fn begins(words: &[String], phrase: &str) -> bool {
    // Dates and numbers in front are an order, not a name.
    let from = words.iter().position(|word| !word.chars().all(|character| character.is_ascii_digit()));
    let words = from.and_then(|from| words.get(from..)).unwrap_or_default();
    if !phrase.is_ascii() {
        return words.first().is_some_and(|word| word.starts_with(phrase));
    }
    words.iter().take(phrase.split(' ').count()).eq(phrase.split(' '))
}

fn ends(words: &[String], phrase: &str) -> bool {
    let length = phrase.split(' ').count();
    if !phrase.is_ascii() {
        return words.last().is_some_and(|word| word.ends_with(phrase));
    }
    words.len() >= length && words.iter().skip(words.len() - length).eq(phrase.split(' '))
}
