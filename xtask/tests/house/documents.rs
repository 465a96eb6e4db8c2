//! The reference pages are what the code says today, and no link of a page leads nowhere.

use std::path::Path;

use crate::{files, none, root, text};

#[test]
fn generated_pages_are_up_to_date() {
    let stale: Vec<String> = xtask::docs::from_code()
        .into_iter()
        .filter(|page| std::fs::read_to_string(root().join(page.path)).ok().as_deref() != Some(page.text.as_str()))
        .map(|page| format!("{} is out of date: run `cargo xtask docs`", page.path))
        .collect();
    none(&stale);
}

/// Its numbers come from checkouts of other tools; its reasons come from our table.
#[test]
fn the_page_of_agreement_gives_the_reasons_of_the_table() {
    let table = xtask::agree::Expectations::read().expect("the table is valid");
    let page = text("docs/agreement.md");
    for part in [xtask::agree::explanations(&table), xtask::agree::left_out(&table)] {
        assert!(page.contains(&part), "docs/agreement.md is out of date: run `cargo xtask agree --write CHECKOUT...`");
    }
}

/// Its words come from runs that take an hour; what it tells of comes from the subjects.
#[test]
fn the_page_of_the_instrument_tells_of_every_fault() {
    none(&xtask::subjects::unshown().expect("the subjects and the page can be read"));
}

#[test]
fn links_of_pages_resolve() {
    let mut problems = Vec::new();
    let mut seen = 0;
    for path in files(".md").iter().filter(|path| !path.starts_with("crates/checks/") && !path.starts_with("examples/"))
    {
        let folder = Path::new(path).parent().unwrap_or(Path::new(""));
        let page = without_code(&text(path));
        for target in links(&page) {
            seen += 1;
            let (file, anchor) = target.split_once('#').unwrap_or((target, ""));
            let whole = if file.is_empty() { Path::new(path).to_owned() } else { folder.join(file) };
            if !root().join(&whole).exists() {
                problems.push(format!("{path} links to {target}, which does not exist"));
            } else if !anchor.is_empty() && is_page(&whole) {
                let headings = headings(&text(&whole.to_string_lossy()));
                if !headings.iter().any(|heading| heading == anchor) {
                    problems.push(format!("{path} links to {target}, but there is no such heading"));
                }
            }
        }
    }
    assert!(seen > 20, "only {seen} links were found");
    none(&problems);
}

fn is_page(path: &Path) -> bool {
    path.extension().is_some_and(|ending| ending == "md")
}

/// The page without its fenced code.
fn without_code(page: &str) -> String {
    let mut fenced = false;
    page.lines()
        .filter(|line| {
            let fence = line.trim_start().starts_with("```");
            fenced ^= fence;
            !fenced && !fence
        })
        .collect::<Vec<_>>()
        .join("\n")
}

/// The targets of the links that lead to files of the workspace.
fn links(page: &str) -> impl Iterator<Item = &str> {
    page.split("](").skip(1).filter_map(|rest| rest.split([')', ' ']).next()).filter(|target| !target.contains("://"))
}

/// The anchors of the headings of a page, as the usual renderers name them.
fn headings(page: &str) -> Vec<String> {
    without_code(page)
        .lines()
        .filter_map(|line| line.strip_prefix('#'))
        .map(|line| {
            let title = line.trim_start_matches('#').trim().to_lowercase();
            title
                .chars()
                .filter(|letter| letter.is_alphanumeric() || matches!(letter, ' ' | '-' | '_'))
                .map(|letter| if letter == ' ' { '-' } else { letter })
                .collect()
        })
        .collect()
}

#[test]
fn the_readme_and_the_ci_script_name_the_same_test_command() {
    let command = "cargo xtask ci";
    assert!(text("README.md").contains(&format!("\n{command}")), "README.md does not show `{command}`");
    assert!(
        text(".ci/run").lines().any(|line| line == format!("exec {command}")),
        ".ci/run does not end in `{command}`"
    );
}
