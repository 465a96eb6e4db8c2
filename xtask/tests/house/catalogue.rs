//! The catalogue, the files of the checks and the checklist say the same.

use std::collections::BTreeSet;

use gonogo_domain::{Area, Check, Gate, Level, Standard, Strength};

use crate::{files, none, root, text};

/// The checklist as it was agreed on: id, level, gate, weakest evidence, English title.
const CHECKLIST: &str = include_str!("checklist.tsv");

/// The file of a check, without its ending: `health.graceful-shutdown` lives in `health/graceful_shutdown`.
fn home(check: &Check) -> String {
    let (area, name) = check.id.split_once('.').expect("an id is AREA.NAME");
    format!("crates/checks/src/{area}/{}", name.replace('-', "_"))
}

fn gate(gate: Gate) -> &'static str {
    match gate {
        Gate::Advised => "advised",
        Gate::Required => "required",
        Gate::Blocker => "blocker",
        Gate::Never => "never",
    }
}

fn level(level: Option<Level>) -> &'static str {
    match level {
        None => "-",
        Some(Level::L1) => "L1",
        Some(Level::L2) => "L2",
        Some(Level::L3) => "L3",
        Some(Level::L4) => "L4",
    }
}

#[test]
fn every_line_of_the_checklist_is_a_check_with_the_same_gate_level_minimum_and_title() {
    let mut problems = Vec::new();
    let mut listed = Vec::new();
    for line in CHECKLIST.lines().skip(1) {
        let fields: Vec<&str> = line.split('\t').collect();
        let [id, its_level, its_gate, min, title] = fields[..] else { panic!("five fields, not: {line}") };
        listed.push(id);
        let Some(check) = gonogo_checks::find(id) else {
            problems.push(format!("{id} is no check"));
            continue;
        };
        for (what, wanted, found) in [
            ("level", its_level, level(check.level)),
            ("gate", its_gate, gate(check.gate)),
            ("minimum", min, check.min.letter().to_string().as_str()),
            ("title", title, check.title.en),
        ] {
            if wanted != found {
                problems.push(format!("{id}: the {what} is `{found}`, the checklist says `{wanted}`"));
            }
        }
    }
    let order: Vec<&str> = gonogo_checks::catalogue().iter().map(|check| check.id).collect();
    for id in &order {
        if !listed.contains(id) {
            problems.push(format!("{id} is in no checklist"));
        }
    }
    if problems.is_empty() && order != listed {
        problems.push(format!("the catalogue is in another order than the checklist:\n{order:?}\n{listed:?}"));
    }
    none(&problems);
}

#[test]
fn every_check_lives_in_the_file_that_its_id_names_with_its_page_beside_it() {
    let mut problems = Vec::new();
    let mut homes = BTreeSet::new();
    for check in gonogo_checks::catalogue() {
        let home = home(check);
        for ending in [".rs", ".md"] {
            if !root().join(format!("{home}{ending}")).is_file() {
                problems.push(format!("{} has no file {home}{ending}", check.id));
            }
        }
        if !homes.insert(home) {
            problems.push(format!("{} is in the catalogue twice", check.id));
        }
    }
    for path in files(".md").iter().chain(&files(".rs")).filter(|path| path.starts_with("crates/checks/src/")) {
        let (home, ending) = path.rsplit_once('.').expect("the files were chosen by their ending");
        let is_check = ending == "md" || text(path).contains("static CHECK: Check");
        if is_check && !homes.contains(home) {
            problems.push(format!("{path} is a check or a page that is not in the catalogue"));
        }
    }
    none(&problems);
}

#[test]
fn areas_and_standards_follow_from_the_id() {
    let mut problems = Vec::new();
    for (checks, area) in gonogo_checks::AREAS.iter().zip(Area::ALL) {
        for check in *checks {
            if check.area != area || !check.id.starts_with(&format!("{}.", area.id())) {
                problems.push(format!("{} stands in the area {}", check.id, area.id()));
            }
            let clay = check.area == Area::Clay;
            if clay != (check.standard == Standard::Clay) {
                problems.push(format!("{} belongs to the other standard", check.id));
            }
        }
    }
    none(&problems);
}

#[test]
fn every_check_has_both_languages_a_next_step_and_a_source() {
    let mut problems = Vec::new();
    for check in gonogo_checks::catalogue() {
        let id = check.id;
        let chinese = |text: &str| text.chars().any(|letter| ('\u{4e00}'..='\u{9fff}').contains(&letter));
        if !chinese(check.title.zh) || !chinese(check.remediation.zh) {
            problems.push(format!("{id} has no Chinese title or next step"));
        }
        if check.title.en.ends_with('.') || chinese(check.title.en) {
            problems.push(format!("{id}: an English title is a statement without a full stop"));
        }
        if !check.remediation.en.ends_with('.') {
            problems.push(format!("{id}: a next step is a sentence"));
        }
        if check.source.is_empty() {
            problems.push(format!("{id} names no line of the source documents"));
        }
        if check.references.iter().any(|link| !link.starts_with("https://")) {
            problems.push(format!("{id}: a reference is an https link"));
        }
    }
    none(&problems);
}

#[test]
fn what_only_an_exercise_can_show_names_the_fields_of_its_record() {
    let missing: Vec<String> = gonogo_checks::catalogue()
        .into_iter()
        .filter(|check| check.min == Strength::Exercised && check.record.is_empty())
        .map(|check| format!("{} can be met by a dated record, but names none of its fields", check.id))
        .collect();
    none(&missing);
}

#[test]
fn sources_that_checks_name_are_lines_of_the_source_documents() {
    let known = xtask::sources::all();
    let mut problems = Vec::new();
    for check in gonogo_checks::catalogue() {
        for number in check.source {
            if !known.iter().any(|line| line.number == *number) {
                problems.push(format!("{} answers `{number}`, which xtask/sources.tsv does not list", check.id));
            }
        }
    }
    none(&problems);
}
