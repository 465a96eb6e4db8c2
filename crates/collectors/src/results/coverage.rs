//! Coverage: lcov, Cobertura, `JaCoCo`, Clover, Istanbul, coverage.py, llvm-cov, profiles of Go.

use std::collections::HashMap;

use gonogo_domain::{Node, evidence::ResultKind};
use gonogo_formats::xml::Element;

use super::{Run, date, day, percent};

fn run(tool: &str) -> Run {
    Run::new(ResultKind::Coverage, tool)
}

/// `LF`/`LH` lines, `BRF`/`BRH` branches, `FNF`/`FNH` functions: found and hit, for each file.
pub(super) fn lcov(text: &str) -> Option<Run> {
    let mut sums: HashMap<&str, f64> = HashMap::new();
    for line in text.lines() {
        if let Some((key @ ("LF" | "LH" | "BRF" | "BRH" | "FNF" | "FNH"), value)) = line.trim().split_once(':') {
            *sums.entry(key).or_default() += value.parse::<f64>().unwrap_or(0.0);
        }
    }
    let sum = |key: &str| sums.get(key).copied().unwrap_or(0.0);
    let lines = percent(sum("LH"), sum("LF"))?;
    let mut run = run("lcov");
    run.measure("line_percent", Some(lines));
    run.measure("branch_percent", percent(sum("BRH"), sum("BRF")));
    run.measure("function_percent", percent(sum("FNH"), sum("FNF")));
    run.measure("lines", Some(sum("LF")));
    Some(run)
}

/// `file:1.2,3.4 statements count`; a block that was run twice is there twice.
pub(super) fn go_profile(text: &str) -> Option<Run> {
    let mut lines = text.lines();
    lines.next()?.strip_prefix("mode: ")?;
    let mut blocks: HashMap<&str, (f64, bool)> = HashMap::new();
    for line in lines {
        let mut words = line.rsplitn(3, ' ');
        let (Some(count), Some(statements), Some(block)) = (words.next(), words.next(), words.next()) else { continue };
        let Ok(statements) = statements.parse::<f64>() else { continue };
        let entry = blocks.entry(block).or_insert((statements, false));
        entry.1 |= count != "0";
    }
    let total: f64 = blocks.values().map(|(statements, _)| statements).sum();
    let covered: f64 = blocks.values().filter(|(_, covered)| *covered).map(|(statements, _)| statements).sum();
    let statements = percent(covered, total)?;
    let mut run = run("go-cover");
    run.measure("statement_percent", Some(statements));
    // Go counts statements, which is what others call lines.
    run.measure("line_percent", Some(statements));
    run.measure("lines", Some(total));
    Some(run)
}

pub(super) fn of_xml(root: &Element) -> Option<Run> {
    let number = |element: &Element, name: &str| element.attribute(name).and_then(|value| value.parse::<f64>().ok());
    match root.name.as_str() {
        "coverage" if root.attribute("line-rate").is_some() => {
            let mut run = run("cobertura").on(number(root, "timestamp").and_then(day));
            run.measure("line_percent", number(root, "line-rate").map(|rate| rate * 100.0));
            let has_branches = number(root, "branches-valid").is_none_or(|branches| branches > 0.0);
            run.measure(
                "branch_percent",
                number(root, "branch-rate").filter(|_| has_branches).map(|rate| rate * 100.0),
            );
            run.measure("lines", number(root, "lines-valid"));
            Some(run)
        }
        "coverage" => {
            let metrics = root.child("project")?.child("metrics")?;
            let share = |of: &str| percent(number(metrics, &format!("covered{of}"))?, number(metrics, of)?);
            let mut run = run("clover").on(number(root, "generated").and_then(day));
            run.measure("line_percent", share("statements"));
            run.measure("statement_percent", share("statements"));
            run.measure("branch_percent", share("conditionals"));
            run.measure("function_percent", share("methods"));
            Some(run)
        }
        "report" => {
            let mut run = run("jacoco");
            let started = root.child("sessioninfo").and_then(|session| number(session, "dump"));
            run.on = started.and_then(day);
            // The counters right in the report are the sums of all packages.
            for counter in root.children_named("counter") {
                let (Some(missed), Some(covered)) = (number(counter, "missed"), number(counter, "covered")) else {
                    continue;
                };
                let share = percent(covered, missed + covered);
                match counter.attribute("type") {
                    Some("LINE") => {
                        run.measure("line_percent", share);
                        run.measure("lines", Some(missed + covered));
                    }
                    Some("BRANCH") => run.measure("branch_percent", share),
                    Some("METHOD") => run.measure("function_percent", share),
                    _ => (),
                }
            }
            (!run.measures.is_empty()).then_some(run)
        }
        _ => None,
    }
}

pub(super) fn of_data(document: &Node) -> Vec<Run> {
    istanbul(document).or_else(|| llvm(document)).or_else(|| python(document)).into_iter().collect()
}

/// `coverage-summary.json`: `total.lines.pct`.
fn istanbul(document: &Node) -> Option<Run> {
    let total = document.get("total")?;
    total.at("lines.pct")?;
    let mut run = run("istanbul");
    for (key, name) in [
        ("lines.pct", "line_percent"),
        ("statements.pct", "statement_percent"),
        ("branches.pct", "branch_percent"),
        ("functions.pct", "function_percent"),
        ("lines.total", "lines"),
    ] {
        run.measure(name, total.float_at(key));
    }
    Some(run)
}

/// `data[0].totals.lines.percent`.
fn llvm(document: &Node) -> Option<Run> {
    if document.str_at("type") != Some("llvm.coverage.json.export") {
        return None;
    }
    let totals = document.list("data").first()?.get("totals")?;
    let mut run = run("llvm-cov");
    run.measure("line_percent", totals.float_at("lines.percent"));
    run.measure("function_percent", totals.float_at("functions.percent"));
    run.measure("region_percent", totals.float_at("regions.percent"));
    let branches = totals.float_at("branches.count").is_some_and(|count| count > 0.0);
    run.measure("branch_percent", totals.float_at("branches.percent").filter(|_| branches));
    run.measure("lines", totals.float_at("lines.count"));
    Some(run)
}

/// `coverage json` of coverage.py.
fn python(document: &Node) -> Option<Run> {
    let totals = document.get("totals")?;
    let meta = document.get("meta")?;
    let statements = totals.float_at("num_statements")?;
    let mut run = run("coverage.py").on(meta.str_at("timestamp").and_then(date));
    run.measure("line_percent", totals.float_at("covered_lines").and_then(|covered| percent(covered, statements)));
    run.measure("lines", Some(statements));
    let branches = totals.float_at("num_branches").unwrap_or(0.0);
    run.measure("branch_percent", totals.float_at("covered_branches").and_then(|covered| percent(covered, branches)));
    Some(run)
}
