//! What documents are read as.

use std::fmt::Write as _;

use gonogo_domain::evidence::{Document, Section};

use super::*;
use crate::Tree;

fn gathered(files: &[(&str, &str)]) -> Gathered<Document> {
    let tree = Tree::from_memory(files.iter().map(|(path, text)| ((*path).to_owned(), text.as_bytes().to_vec())));
    gather(&Corpus::read(&tree))
}

/// The kind of a document with this path and text; `None`: it is not read.
fn check_kind(path: &str, text: &str, expect: impl Into<Option<DocumentKind>>) {
    let kind = gathered(&[(path, text)]).items.first().map(|document| document.kind);
    assert_eq!(kind, expect.into(), "for {path}");
}

/// The date and its line.
fn check_date(path: &str, text: &str, expect: Option<(&str, u32)>) {
    let dated = gathered(&[(path, text)]).items.first().and_then(|document| document.dated.clone());
    let dated = dated.map(|(date, place)| (date.to_string(), place.line().unwrap_or(0)));
    assert_eq!(dated, expect.map(|(date, line)| (date.to_owned(), line)), "for {text:?}");
}

/// The lines of placeholders in a runbook.
fn check_placeholders(text: &str, expect: &[u32]) {
    let found = gathered(&[("runbooks/a.md", text)]);
    let places = &found.items.first().expect("is read").placeholders;
    let lines: Vec<u32> = places.iter().map(|place| place.line().unwrap_or(0)).collect();
    assert_eq!(lines, expect, "for {text:?}");
}

/// Headings with what stands below them, in short.
fn check_outline(path: &str, text: &str, expect: &str) {
    let found = gathered(&[(path, text)]);
    let document = found.items.first().expect("is read");
    let mut shown = format!("{}\n", document.title);
    for (key, value, place) in &document.front_matter {
        writeln!(shown, "{key}={value} @{}", place.line().unwrap_or(0)).unwrap();
    }
    for section in &document.sections {
        show(&mut shown, section);
    }
    assert_eq!(shown.trim_end(), expect.trim_end(), "for {path}");
}

fn show(out: &mut String, section: &Section) {
    let Section { heading, level, place, text, links, code, items, tables, images } = section;
    writeln!(out, "{level} {heading} @{} {text:?}", place.line().unwrap_or(0)).unwrap();
    for link in links {
        writeln!(out, "  link {} -> {}", link.text, link.target).unwrap();
    }
    for image in images {
        writeln!(out, "  image {}", image.target).unwrap();
    }
    for code in code {
        writeln!(out, "  code {} {:?} @{}", code.language, code.text, code.place.line().unwrap_or(0)).unwrap();
    }
    for item in items {
        writeln!(out, "  item {} {:?} @{}", item.text, item.checked, item.place.line().unwrap_or(0)).unwrap();
    }
    for table in tables {
        writeln!(out, "  table {:?} {:?}", table.header, table.rows).unwrap();
    }
}

const PROCEDURE: &str = "# Payments fail\n## Symptoms\n5xx\n## Diagnosis\nlook\n## Mitigation\nrestart\n";

#[test]
fn folders_and_names_tell_the_kind() {
    check_kind("docs/runbooks/database-down.md", "# Database down\n", DocumentKind::Runbook);
    check_kind("mixin/runbook.md", "# Alerts\n", DocumentKind::Runbook);
    check_kind("docs/runbooks/on-call.md", "# On call\n", DocumentKind::Playbook);
    check_kind("docs/oncall-playbook.md", "# Playbook\n", DocumentKind::Playbook);
    check_kind("docs/playbooks/queue.md", "# Queue backlog\n", DocumentKind::Runbook);
    check_kind("docs/postmortems/2026-01-31-outage.md", "# Outage\n", DocumentKind::Postmortem);
    check_kind("docs/adr/0001-use-postgres.md", "# Use Postgres\n", DocumentKind::Decision);
    check_kind("ARCHITECTURE.md", "# How it works\n", DocumentKind::Architecture);
    check_kind("docs/disaster-recovery.md", "# What to do\n", DocumentKind::Recovery);
    check_kind("docs/data-retention.md", "# Data\n", DocumentKind::Retention);
    check_kind("docs/drills/2026-01-restore.md", "# Restore\n", DocumentKind::Drill);
    check_kind("tests/load/load-test-report.md", "# Report\n", DocumentKind::Drill);
    check_kind("docs/sla.md", "# Promises\n", DocumentKind::Sla);
    check_kind(".github/SECURITY.md", "# Policy\n", DocumentKind::Security);
    check_kind("docs/deploying.rst", "Deploying\n=========\n", DocumentKind::Deployment);
    check_kind("docs/handoffs/template.md", "# Handoff\n", DocumentKind::Handoff);
    // It tells an agent how to work on the program.
    check_kind(".agents/rules/architecture.md", "# Architecture\n", None);
    check_kind("CONTRIBUTING.md", "# Contributing\n", DocumentKind::Contributing);
    check_kind("CHANGELOG", "# 1.0\n", DocumentKind::Changelog);
    check_kind("README.txt", "payments\n", DocumentKind::Readme);
    check_kind("docs/故障手册/支付.md", "# 运维手册：支付失败\n", DocumentKind::Runbook);
}

#[test]
fn headings_tell_the_kind_where_the_folder_allows_it() {
    check_kind("ops/payments.md", PROCEDURE, DocumentKind::Runbook);
    check_kind("docs/alerts/payments.md", PROCEDURE, DocumentKind::Runbook);
    check_kind("docs/payments.md", PROCEDURE, DocumentKind::Other);
    let postmortem = "# Outage\n## Timeline\n## Root cause\n## Action items\n";
    check_kind("docs/incidents/outage.md", postmortem, DocumentKind::Postmortem);
    check_kind("docs/design/queue.md", "# Queue\n## Status\n## Context\n## Decision\n", DocumentKind::Decision);
    check_kind("docs/runbooks/README.md", "# Runbooks\n- [a](a.md)\n", DocumentKind::Readme);
    check_kind("docs/runbooks/README.md", PROCEDURE, DocumentKind::Runbook);
    check_kind("docs/runbooks/database-down/README.md", "# Database down\n", DocumentKind::Runbook);
}

#[test]
fn features_proposals_and_manuals_do_not_fool() {
    check_kind("docs/alerts.md", "# Alerts\nAlerts page you.\n", DocumentKind::Other);
    check_kind("web/src/admin/KeyRotation.md", "# Key rotation\n", DocumentKind::Other);
    check_kind("pkg/backup/README.md", "# backup\n", DocumentKind::Readme);
    check_kind("src/security/notes.md", "# Notes\n", DocumentKind::Other);
    check_kind("docs/user-guide/on-call/schedules.md", "# Schedules\n", DocumentKind::Other);
    check_kind("docs/proposals/retention.md", "# Retention\n", DocumentKind::Other);
    check_kind("docs/blog/postmortem.md", "# Postmortem\n", DocumentKind::Other);
    check_kind("docs/user-guide/retention.md", "# Retention\n", DocumentKind::Other);
    check_kind("docs/notifications/slack.md", "# Slack\n", DocumentKind::Other);
    check_kind("docs/how-to-write-runbooks.md", "# How to write runbooks\n", DocumentKind::Other);
    check_kind("docs/account-settings.md", "# What to do about deployment\n", DocumentKind::Other);
    check_kind("examples/clusterDecisionResource.md", "# Generator\n", DocumentKind::Other);
    check_kind("tests/README.md", "# Tests\n", None);
    check_kind(".github/ISSUE_TEMPLATE/incident_report.md", "# Incident\n", DocumentKind::Other);
    let manual: Vec<(String, String)> = (0..40)
        .map(|index| (format!("docs/{}/page-{index}.md", ["setup", "upgrading", "plugins"][index % 3]), String::new()))
        .chain([("docs/operations/retention.md".to_owned(), "# Retention\n".to_owned())])
        .chain([("docs/runbooks/disk.md".to_owned(), "# Disk\n".to_owned())])
        .collect();
    let files: Vec<(&str, &str)> = manual.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    let found = gathered(&files);
    let kind = |path: &str| found.items.iter().find(|document| document.place.path() == path).map(|one| one.kind);
    assert_eq!(kind("docs/operations/retention.md"), Some(DocumentKind::Other));
    assert_eq!(kind("docs/runbooks/disk.md"), Some(DocumentKind::Runbook));
}

#[test]
fn newest_own_date_is_taken() {
    let path = "runbooks/a.md";
    check_date(path, "---\ndate: 2025-01-02\nlast_reviewed: 2026-01-31\n---\n# A\n", Some(("2026-01-31", 3)));
    check_date(path, "# A\n**Last verified:** 31 January 2026 by Ann\n", Some(("2026-01-31", 2)));
    check_date(path, "# A\n_Last updated: Jan 5th, 2026_\n", Some(("2026-01-05", 2)));
    check_date(path, "# A\n- Date: 2026/1/31\n", Some(("2026-01-31", 2)));
    check_date(path, "# A\n| Last reviewed | 2026-01-31 |\n", Some(("2026-01-31", 2)));
    check_date(path, "# A\n\n## Date\n\n2026-01-31\n", Some(("2026-01-31", 5)));
    check_date(path, "# A\n最后验证：2026年1月31日\n", Some(("2026-01-31", 2)));
    check_date(
        path,
        "# A\n\n| Date | Who |\n|---|---|\n| 2026-01-30 | a |\n| 2026-01-31 | b |\n",
        Some(("2026-01-31", 6)),
    );
    check_date(path, "# A\nNext review: 2027-01-31\nDue: 2027-01-01\n", None);
    check_date(path, "# A\nThe update of 2026-01-31 broke it.\n```\nDate: 2026-01-31\n```\n", None);
    check_date(path, "# A\nDate: 03/04/2026\n", None);
    check_date(path, "# A\nDate: 2026-02-31\n", None);
    check_date("docs/postmortems/2026-01-31-outage.md", "# Outage\n", Some(("2026-01-31", 0)));
    check_date("docs/runbooks/2026-01-31-outage.md", "# Outage\n", None);
    check_date("docs/drills/log.md", "# Drills\n## 2026-01-31 restore\nok\n", Some(("2026-01-31", 2)));
}

#[test]
fn unfilled_parts_are_found() {
    check_placeholders("# A\n[Describe the impact in one sentence]\nOwner: TBD\n", &[2, 3]);
    check_placeholders("# A\n<your-service> fails for [service name]\n", &[2, 2]);
    check_placeholders("| Owner | @name |\n|---|---|\n| HH:MM | paged |\n| SEV-N | YYYY-MM-DD |\n", &[1, 3, 4, 4]);
    check_placeholders("# A\n- TODO: say how\n- [ ] TODO\nlorem ipsum\n待补充\n", &[2, 3, 4, 5]);
    check_placeholders("Severity: SEV-1 / SEV-2 / SEV-3\nStatus: [draft | accepted]\n{{ WRITE HERE }}\n", &[1, 2, 3]);
}

#[test]
fn what_only_looks_unfilled_is_not_reported() {
    check_placeholders(
        "- [ ] call\n- [x] done\n[name](a.md) [link][ref] [ref] ![your image](a.png)\n\n[ref]: a\n",
        &[],
    );
    check_placeholders("```sh\nkubectl -n <your-namespace> get pod # TODO\n```\nRun `curl <your-host>`\n", &[]);
    check_placeholders("<https://a.example/your-name> <br> <summary>What</summary> Vec<name> a@name.example\n", &[]);
    check_placeholders(
        "The TODO app keeps a TODO list. <!-- describe [what you do] -->\n[1] [^1] [sic] [!NOTE]\n",
        &[],
    );
    check_placeholders(
        "Dates have the format YYYY-MM-DD.\n<!--\n[describe it]\n-->\n@alice and {{ $labels.job }}\n",
        &[],
    );
}

#[test]
fn a_template_is_one_even_if_nothing_in_it_says_so() {
    let found = gathered(&[("docs/postmortems/template.md", "# Title\n## Timeline\n")]);
    let document = found.items.first().unwrap();
    assert_eq!((document.kind, document.placeholders.len()), (DocumentKind::Postmortem, 1));
}

#[test]
fn markdown_is_lowered() {
    check_outline(
        "docs/a.mdx",
        "---\ntitle: From matter\nowner: ann\n---\nimport X from 'x'\n\n## Steps\n1. [do](b.md)\n\n```sh\nls\n```\n",
        "From matter\ntitle=From matter @2\nowner=ann @3\n2 Steps @7 \"do\"\n  link do -> b.md\n  code sh \"ls\\n\" @10\n  item do None @8\n",
    );
}

#[test]
fn restructured_text_is_read() {
    check_outline(
        "docs/a.rst",
        "=====\nTitle\n=====\n\nSee `the page <b.rst>`_.\n\nSteps\n-----\n\n- one\n- two\n\n.. code-block:: bash\n\n   ls\n\n.. image:: a.png\n\n+---+---+\n| A | B |\n+===+===+\n| 1 | 2 |\n+---+---+\n",
        "Title\n1 Title @1 \"See the page.\\n\"\n  link the page -> b.rst\n2 Steps @7 \"one\\ntwo\\n\"\n  image a.png\n  code bash \"ls\" @13\n  item one None @10\n  item two None @11\n  table [\"A\", \"B\"] [[\"1\", \"2\"]]\n",
    );
}

#[test]
fn asciidoc_is_read() {
    check_outline(
        "docs/a.adoc",
        "= Title\n:revdate: 2026-01-31\n\nSee link:b.adoc[the page].\n\n== Steps\n\n* [x] one\n. two\n\n[source,bash]\n----\nls\n----\n\nimage::a.png[A]\n\n|===\n|A |B\n\n|1\n|2\n|===\n",
        "Title\nrevdate=2026-01-31 @2\n1 Title @1 \"See the page.\\n\"\n  link the page -> b.adoc\n2 Steps @6 \"one\\ntwo\\n\"\n  image a.png\n  code bash \"ls\" @12\n  item one Some(true) @8\n  item two None @9\n  table [\"A\", \"B\"] [[\"1\", \"2\"]]\n",
    );
}

#[test]
fn old_encodings_are_read_and_binaries_are_gaps() {
    let tree = Tree::from_memory([
        ("README.md".to_owned(), b"# Caf\xe9\n".to_vec()),
        ("docs/runbooks/a.md".to_owned(), b"\x00\x01\xff".to_vec()),
        ("CHANGELOG.md".to_owned(), vec![b'a'; 2 << 20]),
        ("docs/runbooks/long.md".to_owned(), vec![b'a'; 2 << 20]),
    ]);
    let found = gather(&Corpus::read(&tree));
    let paths: Vec<&str> = found.items.iter().map(|document| document.place.path()).collect();
    let gaps: Vec<&str> = found.gaps.iter().map(|gap| gap.place.path()).collect();
    assert_eq!((paths, gaps), (vec!["README.md"], vec!["docs/runbooks/a.md", "docs/runbooks/long.md"]));
}

#[test]
fn hostile_documents_end() {
    for text in
        ["[".repeat(50_000), "<".repeat(50_000), "#".repeat(50_000), "|===\n|".repeat(9_000), "= a\n".repeat(9_000)]
    {
        for path in ["runbooks/a.md", "runbooks/a.rst", "runbooks/a.adoc"] {
            assert_eq!(gathered(&[(path, &text)]).items.len(), 1);
        }
    }
}
