//! Reports of tests: JUnit's XML, which nearly every tool writes, and TRX.

use gonogo_domain::evidence::ResultKind;
use gonogo_formats::xml::Element;

use super::{Run, date};

pub(super) fn of_xml(root: &Element) -> Option<Run> {
    match root.name.as_str() {
        "testsuites" | "testsuite" => Some(junit(root)),
        "TestRun" => trx(root),
        _ => None,
    }
}

fn number(element: &Element, name: &str) -> Option<f64> {
    element.attribute(name).and_then(|value| value.replace(',', "").parse().ok())
}

/// The cases are counted: the sums in the attributes are optional, and each tool leaves out others.
fn junit(root: &Element) -> Run {
    let mut run = Run::new(ResultKind::Tests, "junit");
    for name in ["tests", "failures", "errors", "skipped"] {
        run.measure(name, Some(0.0));
    }
    let mut first = None;
    let mut seconds = 0.0;
    root.walk(&mut |element| {
        if element.name == "testsuite" && first.is_none() {
            first = element.attribute("timestamp").and_then(date);
        }
        if element.name != "testcase" {
            return;
        }
        run.count("tests");
        seconds += number(element, "time").unwrap_or(0.0);
        for (child, name) in [("failure", "failures"), ("error", "errors"), ("skipped", "skipped")] {
            if element.child(child).is_some() {
                run.count(name);
            }
        }
    });
    if run.measures.get("tests").is_none_or(|tests| *tests == 0.0) {
        for name in ["tests", "failures", "errors", "skipped"] {
            run.measure(name, number(root, name));
        }
    }
    run.measure("seconds", number(root, "time").or(Some(seconds)));
    run.on = root.attribute("timestamp").and_then(date).or(first);
    run.revision = root
        .child("testsuite")
        .unwrap_or(root)
        .child("properties")
        .into_iter()
        .flat_map(|properties| properties.children_named("property"))
        .find(|property| {
            property
                .attribute("name")
                .is_some_and(|name| matches!(name, "revision" | "commit" | "git.commit" | "GIT_COMMIT"))
        })
        .and_then(|property| property.attribute("value").map(str::to_owned));
    run
}

fn trx(root: &Element) -> Option<Run> {
    let counters = root.child("ResultSummary")?.child("Counters")?;
    let mut run = Run::new(ResultKind::Tests, "trx");
    run.measure("tests", number(counters, "total"));
    run.measure("failures", number(counters, "failed"));
    run.measure("errors", number(counters, "error"));
    run.measure("skipped", number(counters, "notExecuted"));
    run.on = root
        .child("Times")
        .and_then(|times| times.attribute("finish").or_else(|| times.attribute("start")))
        .and_then(date);
    Some(run)
}
