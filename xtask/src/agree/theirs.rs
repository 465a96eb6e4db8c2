//! The results that other tools publish, read where they publish them.

use std::{fs, path::Path};

use anyhow::{Context as _, bail};

use super::{Case, Expectations, Verdict, expectations::Numbered, manifest::Manifest};

/// What a checkout holds.
pub(super) struct Published {
    pub(super) tool: &'static str,
    pub(super) cases: Vec<(Case, Manifest)>,
    pub(super) problems: Vec<String>,
}

pub(super) fn read(checkout: &Path, expectations: &Expectations) -> anyhow::Result<Published> {
    if checkout.join("score/testdata").is_dir() {
        kube_score(checkout, expectations)
    } else if checkout.join("e2etests/bats-tests.sh").is_file() {
        kube_linter(checkout, expectations)
    } else if checkout.join("pkg/config/checks").is_dir() {
        polaris(checkout, expectations)
    } else {
        bail!("it is no checkout of kube-score, kube-linter or polaris")
    }
}

fn names(folder: &Path) -> anyhow::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder).with_context(|| folder.display().to_string())? {
        names.push(entry?.file_name().to_string_lossy().into_owned());
    }
    names.sort();
    Ok(names)
}

/// Its tests name a file, a rule and the grade: `testExpectedScore(t, "file.yaml", "Rule", scorecard.GradeCritical)`.
fn kube_score(checkout: &Path, expectations: &Expectations) -> anyhow::Result<Published> {
    let mut published = Published { tool: "kube-score", cases: Vec::new(), problems: Vec::new() };
    let folder = checkout.join("score");
    for name in names(&folder)?.iter().filter(|name| name.ends_with("_test.go")) {
        let text = fs::read_to_string(folder.join(name))?;
        for call in text.split("testExpectedScore").skip(1) {
            let Some((file, rule, theirs)) = graded(call) else { continue };
            let path = folder.join("testdata").join(&file);
            let case = Case { tool: "kube-score".to_owned(), rule, fixture: file, theirs };
            if !path.is_file() || expectations.left_out(&case.tool, &case.rule) {
                continue;
            }
            let manifest = Manifest::whole(&fs::read_to_string(path)?, expectations.replicas(&case));
            published.cases.push((case, manifest));
        }
    }
    published.cases.sort_by(|one, other| one.0.cmp(&other.0));
    published.cases.dedup_by(|one, other| one.0 == other.0);
    Ok(published)
}

/// File, rule and grade of one call.
fn graded(call: &str) -> Option<(String, String, Verdict)> {
    // The call ends before the next function begins.
    let call = call.split("\nfunc ").next()?;
    let strings: Vec<&str> = call.split('"').skip(1).step_by(2).collect();
    let file = strings.iter().find(|text| text.rsplit_once('.').is_some_and(|(_, extension)| extension == "yaml"))?;
    let (before, grade) = call.split_once("scorecard.Grade").or_else(|| call.split_once(", 0)"))?;
    let rule = before.rsplit('"').nth(1)?;
    let theirs = match grade.split(')').next()? {
        "Critical" | "Warning" => Verdict::Fires,
        "AllOK" | "AlmostOK" => Verdict::Holds,
        _ => Verdict::Unasked,
    };
    Some(((*file).to_owned(), rule.to_owned(), theirs))
}

/// One file a rule; its end-to-end tests count what the rule objects to, our table says which documents these are.
fn kube_linter(checkout: &Path, expectations: &Expectations) -> anyhow::Result<Published> {
    let mut published = Published { tool: "kube-linter", cases: Vec::new(), problems: Vec::new() };
    let folder = checkout.join("tests/checks");
    let rules = expectations.tool.get(published.tool).context("the table does not know it")?;
    for file in names(&folder)? {
        let text = fs::read_to_string(folder.join(&file))?;
        let numbered: Vec<&Numbered> = rules.numbered.iter().filter(|one| one.file == file).collect();
        let stem = file.split('.').next().unwrap_or_default();
        if numbered.is_empty() && !expectations.left_out(published.tool, stem) {
            published.problems.push(format!("kube-linter {file}: neither compared nor left out"));
        }
        for rule in numbered {
            for (number, manifest) in
                Manifest::each(&text, &rule.kinds, expectations.concern(&rule.concern).and_then(|one| one.replicas))
            {
                let theirs = if rule.objects.contains(&number) { Verdict::Fires } else { Verdict::Holds };
                let fixture = format!("{file}:{number}");
                let case = Case { tool: published.tool.to_owned(), rule: rule.rule.clone(), fixture, theirs };
                published.cases.push((case, manifest));
            }
        }
    }
    Ok(published)
}

/// A folder a rule; the names of its files begin with the result.
fn polaris(checkout: &Path, expectations: &Expectations) -> anyhow::Result<Published> {
    let mut published = Published { tool: "polaris", cases: Vec::new(), problems: Vec::new() };
    let folder = checkout.join("test/checks");
    for rule in names(&folder)? {
        if expectations.left_out(published.tool, &rule) {
            continue;
        }
        for file in names(&folder.join(&rule))? {
            let theirs = match file.split(['.', '-']).next() {
                Some("failure") => Verdict::Fires,
                Some("success") => Verdict::Holds,
                // What its own fixes make of a failure, and the definition of a rule.
                _ => continue,
            };
            let text = fs::read_to_string(folder.join(&rule).join(&file))?;
            let case = Case { tool: published.tool.to_owned(), rule: rule.clone(), fixture: file, theirs };
            let manifest = Manifest::whole(&text, expectations.replicas(&case));
            published.cases.push((case, manifest));
        }
    }
    Ok(published)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(call: &str, expect: Option<(&str, &str, Verdict)>) {
        let expect = expect.map(|(file, rule, theirs)| (file.to_owned(), rule.to_owned(), theirs));
        assert_eq!(graded(call), expect, "{call}");
    }

    #[test]
    fn a_call_names_file_rule_and_grade() {
        check(
            r#"(t, "some.yaml", "Some Rule", scorecard.GradeWarning)"#,
            Some(("some.yaml", "Some Rule", Verdict::Fires)),
        );
        check(
            r#"WithConfig(t, []ks.NamedReader{testFile("some.yaml")}, nil, &config{ On: "other" }, "Some Rule", scorecard.GradeAllOK)"#,
            Some(("some.yaml", "Some Rule", Verdict::Holds)),
        );
        check(r#"(t, "some.yaml", "Some Rule", 0)"#, Some(("some.yaml", "Some Rule", Verdict::Unasked)));
        check("(t *testing.T, file string) {", None);
    }
}
