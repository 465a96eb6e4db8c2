//! docs/agreement.md: how it was measured, how often we agree, and why not where we do not.

use std::collections::{BTreeMap, BTreeSet};

use super::{Compared, Expectations, Explained};

/// Compared, agreeing, explained.
#[derive(Clone, Copy, Default)]
struct Count {
    compared: usize,
    agree: usize,
    explained: usize,
}

impl Count {
    fn add(&mut self, one: &Compared) {
        self.compared += 1;
        self.agree += usize::from(one.agrees());
        self.explained += usize::from(one.explained.is_some());
    }
}

fn by<'a>(compared: &'a [Compared], key: impl Fn(&'a Compared) -> &'a str) -> BTreeMap<&'a str, Count> {
    let mut counts: BTreeMap<&str, Count> = BTreeMap::new();
    for one in compared {
        counts.entry(key(one)).or_default().add(one);
    }
    counts
}

/// A few lines for the terminal.
pub(super) fn summary(compared: &[Compared]) -> String {
    let mut text = String::new();
    for (tool, count) in by(compared, |one| &one.case.tool) {
        text.push_str(&format!(
            "{tool}: {} compared, {} agree, {} explained\n",
            count.compared, count.agree, count.explained
        ));
    }
    text
}

pub(super) fn render(expectations: &Expectations, compared: &[Compared]) -> String {
    let mut text = String::from(HEAD);
    text.push_str("| tool | commit | results read from |\n|---|---|---|\n");
    for (name, tool) in &expectations.tool {
        text.push_str(&format!("| {name} | `{}` | {} |\n", tool.commit, tool.published));
    }
    text.push_str("\n## Numbers\n\n| tool | manifests | compared | agree | explained |\n|---|--:|--:|--:|--:|\n");
    let mut total = (0, Count::default());
    for (tool, count) in by(compared, |one| &one.case.tool) {
        let files: BTreeSet<&str> = compared
            .iter()
            .filter(|one| one.case.tool == tool)
            .map(|one| if tool == "polaris" { &one.case } else { &one.case })
            .map(|case| case.fixture.as_str())
            .collect();
        let files = if tool == "polaris" { count.compared } else { files.len() };
        text.push_str(&format!("| {tool} | {files} | {} | {} | {} |\n", count.compared, count.agree, count.explained));
        total.0 += files;
        compared.iter().filter(|one| one.case.tool == tool).for_each(|one| total.1.add(one));
    }
    text.push_str(&format!(
        "| together | {} | {} | {} | {} |\n",
        total.0, total.1.compared, total.1.agree, total.1.explained
    ));
    text.push_str("\n| concern | our check | compared | agree | explained |\n|---|---|--:|--:|--:|\n");
    let counts = by(compared, |one| &one.concern);
    for concern in &expectations.concern {
        let count = counts.get(concern.id.as_str()).copied().unwrap_or_default();
        text.push_str(&format!(
            "| {} | `{}` | {} | {} | {} |\n",
            concern.title, concern.check, count.compared, count.agree, count.explained
        ));
    }
    text.push_str(&explanations(expectations));
    text.push_str("\n## Not compared\n\n");
    text.push_str("Rules that ask for what no requirement of ours asks, or that another kind of evidence decides.\n\n");
    text.push_str("| tool | rules | why |\n|---|---|---|\n");
    for (name, tool) in &expectations.tool {
        for group in &tool.unshared {
            text.push_str(&format!("| {name} | {} | {} |\n", group.rules.join(", "), group.why));
        }
    }
    text
}

/// The table of disagreements, which stands in docs/agreement.md as it is here.
pub fn explanations(expectations: &Expectations) -> String {
    let mut text = String::from("\n## Where we differ\n\n");
    text.push_str("| tool | rule | manifests | they | we | why |\n|---|---|---|---|---|---|\n");
    for reason in &expectations.explained {
        let theirs = if reason.ours == "objects" { "accept" } else { "object" };
        text.push_str(&format!(
            "| {} | {} | {} | {theirs} | {} | {} |\n",
            reason.tool,
            reason.rule,
            fixtures(reason),
            match reason.ours.as_str() {
                "objects" => "object",
                "accepts" => "accept",
                _ => "do not ask",
            },
            reason.why
        ));
    }
    text
}

fn fixtures(reason: &Explained) -> String {
    format!("{}: {}", reason.fixtures.len(), reason.fixtures.join(", "))
}

const HEAD: &str = "\
# Agreement with other tools

kube-score, kube-linter and Polaris publish manifests together with the result that they expect of their own rules. For
every question that we share with them, `cargo xtask agree CHECKOUT…` puts each manifest alone into a repository, reviews
it as a server's and compares: does our check object where theirs does? A check that looked at nothing counts as “does not
ask”, never as agreement with a pass. Whatever differs needs a reason in `xtask/src/agree/expectations.toml`, and a reason
that is no longer needed is an error; this page is written by `cargo xtask agree --write CHECKOUT…`.

The manifests are not copied into this repository. They run `nginx`, `busybox` and the like where a service's own program
would be; the runner gives each image a name of our own and keeps its tag. Where one file holds many workloads of the same
name, each is judged without the others. In the tables, `file:3` is the third document of a file.

";
