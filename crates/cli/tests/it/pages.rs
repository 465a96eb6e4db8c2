//! Every page shows what passes and what fails, and its example files do just that through the real collectors.
//!
//! A page has the sections `## Passes`, `## Fails`, `## Not applicable` and `## Unknown`, and may have `## Partial` and
//! `## Stale`. A section holds one example, and one more under each `###`. An example is fenced files (language, then
//! path); a ```` ```findings ```` fence lists every finding of a failing example, a line each: place, then message.
//! An example with several services reviews the one that is called `shop`. `GONOGO_PAGE=id` runs one page.

use std::fmt::Write as _;

use gonogo_collectors::{Configuration, Tree, collect, configuration};
use gonogo_domain::{Check, Judged, Outcome, Records, review};

/// The day on which the examples are judged.
const TODAY: jiff::civil::Date = jiff::civil::date(2026, 11, 22);

struct Example {
    section: String,
    name: String,
    files: Vec<(String, Vec<u8>)>,
    findings: Option<String>,
}

fn examples(page: &str) -> Vec<Example> {
    let mut examples: Vec<Example> = Vec::new();
    let (mut section, mut name) = (String::new(), String::new());
    let mut lines = page.lines();
    let mut fresh = true;
    while let Some(line) = lines.next() {
        if let Some(heading) = line.strip_prefix("## ") {
            (section, name, fresh) = (heading.trim().to_owned(), String::new(), true);
        } else if let Some(heading) = line.strip_prefix("### ") {
            (name, fresh) = (heading.trim().to_owned(), true);
        } else if let Some(info) = line.strip_prefix("```") {
            let fence: String = "`".repeat(3 + info.chars().take_while(|letter| *letter == '`').count());
            let info = info.trim_start_matches('`').trim();
            let mut text = String::new();
            for line in lines.by_ref().take_while(|line| line.trim_end() != fence) {
                let _ = writeln!(text, "{line}");
            }
            if section.is_empty() {
                continue;
            }
            if fresh {
                examples.push(Example {
                    section: section.clone(),
                    name: name.clone(),
                    files: Vec::new(),
                    findings: None,
                });
                fresh = false;
            }
            let example = examples.last_mut().expect("an example was just begun");
            match info.split_once(' ') {
                Some((_, path)) => example.files.push((path.trim().to_owned(), text.into_bytes())),
                None if info == "findings" => example.findings = Some(text.trim().to_owned()),
                None => panic!("a fence needs a language and a path, or is called findings: ```{info}"),
            }
        }
    }
    examples
}

fn judged(check: &'static Check, example: &Example) -> Result<Judged, String> {
    let ids: Vec<&str> = gonogo_checks::catalogue().iter().map(|check| check.id).collect();
    let configuration = match example.files.iter().find(|(path, _)| path == configuration::FILE) {
        Some((path, bytes)) => {
            let text = std::str::from_utf8(bytes).map_err(|error| error.to_string())?;
            Configuration::parse(&path.as_str().into(), text, &ids)
                .map_err(|errors| errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))?
        }
        None => Configuration::default(),
    };
    let tree = Tree::from_memory(example.files.clone());
    let collected = collect(&tree, &configuration, TODAY);
    let facts = match collected.services.as_slice() {
        [facts] => facts,
        several => several.iter().find(|facts| facts.service.name == "shop").ok_or_else(|| {
            let names: Vec<_> = several.iter().map(|facts| facts.service.name.as_str()).collect();
            format!("no service is called shop; found {names:?}")
        })?,
    };
    let records = Records { waivers: &configuration.waivers, attestations: &configuration.attestations };
    let review = review(&[check], facts, &configuration.policy, None, records);
    review.judged.into_iter().next().ok_or_else(|| "nothing was judged".to_owned())
}

fn wanted(section: &str) -> Option<Outcome> {
    Some(match section {
        "Passes" => Outcome::Pass,
        "Fails" => Outcome::Fail,
        "Partial" => Outcome::Partial,
        "Stale" => Outcome::Stale,
        "Not applicable" => Outcome::NotApplicable,
        "Unknown" => Outcome::Unknown,
        _ => return None,
    })
}

fn problem(check: &'static Check, example: &Example) -> Option<String> {
    let title = format!("{} ## {} {}", check.id, example.section, example.name);
    let Some(wanted) = wanted(&example.section) else { return Some(format!("{title}: no such section")) };
    let one = match judged(check, example) {
        Ok(one) => one,
        Err(error) => return Some(format!("{title}: {error}")),
    };
    let mut shown = String::new();
    for (strength, reading) in one.readings.iter() {
        let _ = writeln!(shown, "    {} {:?}: {}", strength.letter(), reading.conclusion, reading.summary);
    }
    let found: Vec<String> =
        one.findings().iter().map(|finding| format!("{} {}", finding.place, finding.message)).collect();
    if one.outcome() != wanted {
        return Some(format!("{title}: {:?}\n{shown}    {}", one.outcome(), found.join("\n    ")));
    }
    match &example.findings {
        Some(expected) if *expected != found.join("\n") => {
            Some(format!("{title}: other findings\n    {}", found.join("\n    ")))
        }
        None if wanted == Outcome::Fail => Some(format!("{title}: no findings block\n    {}", found.join("\n    "))),
        _ => None,
    }
}

#[test]
fn examples_of_every_page_are_judged_as_the_page_says() {
    let only = std::env::var("GONOGO_PAGE").ok();
    let problems: Vec<String> = gonogo_checks::catalogue()
        .into_iter()
        .filter(|check| only.as_deref().is_none_or(|only| check.id.starts_with(only)))
        .flat_map(|check| examples(check.page).into_iter().filter_map(move |example| problem(check, &example)))
        .collect();
    assert!(problems.is_empty(), "{} problems\n\n{}", problems.len(), problems.join("\n\n"));
}

#[test]
fn every_page_shows_a_pass_a_fail_a_not_applicable_and_an_unknown() {
    let mut problems = Vec::new();
    for check in gonogo_checks::catalogue() {
        let examples = examples(check.page);
        for section in ["Passes", "Fails", "Not applicable", "Unknown"] {
            // What only an experiment or telemetry can show has no example yet that reaches it.
            let reachable = !unreachable(check.page, section);
            if reachable && !examples.iter().any(|example| example.section == section) {
                problems.push(format!("{} shows no example of ## {section}", check.id));
            }
        }
        if !check.page.starts_with(&format!("# {}\n", check.id)) {
            problems.push(format!("the page of {} is not headed by its id", check.id));
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

/// A section without an example says in one sentence which evidence it waits for: `Not reachable yet: …`.
fn unreachable(page: &str, section: &str) -> bool {
    page.split("\n## ").any(|part| part.starts_with(&format!("{section}\n")) && part.contains("\nNot reachable yet: "))
}
