//! docs/agreement.md: how it was measured, how often we agree, and why not where we do not.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
};

use super::{Compared, Expectations};

/// Compared, agreeing, explained.
#[derive(Clone, Copy, Default)]
struct Count {
    compared: usize,
    agree: usize,
    explained: usize,
}

impl Count {
    fn of<'a>(compared: impl Iterator<Item = &'a Compared>) -> Self {
        compared.fold(Self::default(), |count, one| Self {
            compared: count.compared + 1,
            agree: count.agree + usize::from(one.agrees()),
            explained: count.explained + usize::from(one.explained.is_some()),
        })
    }

    fn cells(self) -> String {
        format!("{} | {} | {}", self.compared, self.agree, self.explained)
    }
}

/// By tool: the manifests, and what was compared.
fn tools(compared: &[Compared]) -> BTreeMap<&str, (usize, Count)> {
    let names: BTreeSet<&str> = compared.iter().map(|one| one.case.tool.as_str()).collect();
    let count = |name: &&str| {
        let own = || compared.iter().filter(|one| one.case.tool == *name);
        // Their files have the same names in the folder of each rule, or serve several rules.
        let files: BTreeSet<(&str, &str)> = own()
            .map(|one| {
                let case = &one.case;
                let file = case.fixture.split(':').next().unwrap_or_default();
                (if case.tool == "polaris" { case.rule.as_str() } else { "" }, file)
            })
            .collect();
        (files.len(), Count::of(own()))
    };
    names.into_iter().map(|name| (name, count(&name))).collect()
}

/// A few lines for the terminal.
pub(super) fn summary(compared: &[Compared]) -> String {
    tools(compared).into_iter().fold(String::new(), |mut text, (tool, (files, count))| {
        let Count { compared, agree, explained } = count;
        let _ = writeln!(text, "{tool}: {files} files, {compared} compared, {agree} agree, {explained} explained");
        text
    })
}

pub(super) fn render(expectations: &Expectations, compared: &[Compared]) -> String {
    let mut text = String::from(HEAD);
    text.push_str("| tool | commit | results read from |\n|---|---|---|\n");
    for (name, tool) in &expectations.tool {
        let _ = writeln!(text, "| {name} | `{}` | {} |", tool.commit, tool.published);
    }
    text.push_str("\n## Numbers\n\n| tool | files | compared | agree | explained |\n|---|--:|--:|--:|--:|\n");
    let tools = tools(compared);
    for (tool, (files, count)) in &tools {
        let _ = writeln!(text, "| {tool} | {files} | {} |", count.cells());
    }
    let files: usize = tools.values().map(|(files, _)| files).sum();
    let _ = writeln!(text, "| together | {files} | {} |", Count::of(compared.iter()).cells());
    text.push_str("\n| concern | our check | compared | agree | explained |\n|---|---|--:|--:|--:|\n");
    for concern in &expectations.concern {
        let count = Count::of(compared.iter().filter(|one| one.concern == concern.id));
        let _ = writeln!(text, "| {} | `{}` | {} |", concern.title, concern.check, count.cells());
    }
    text.push_str(&explanations(expectations));
    text.push_str(&left_out(expectations));
    text
}

/// The table of disagreements, which stands in docs/agreement.md as it is here.
pub fn explanations(expectations: &Expectations) -> String {
    let mut text = String::from("\n## Where we differ\n\n");
    text.push_str("| tool | rule | manifests | they | we | why |\n|---|---|---|---|---|---|\n");
    for reason in &expectations.explained {
        let (theirs, ours) = match reason.ours.as_str() {
            "objects" => ("accept", "object"),
            "accepts" => ("object", "accept"),
            _ => ("ask", "do not ask"),
        };
        let fixtures = format!("{}: {}", reason.fixtures.len(), reason.fixtures.join(", "));
        let (tool, rule, why) = (&reason.tool, &reason.rule, &reason.why);
        let _ = writeln!(text, "| {tool} | {rule} | {fixtures} | {theirs} | {ours} | {why} |");
    }
    text
}

/// The rules that are not compared, which stand in docs/agreement.md as they are here.
pub fn left_out(expectations: &Expectations) -> String {
    let mut text = String::from("\n## Not compared\n\n| tool | rules | why |\n|---|---|---|\n");
    for (name, tool) in &expectations.tool {
        for group in &tool.unshared {
            let _ = writeln!(text, "| {name} | {} | {} |", group.rules.join(", "), group.why);
        }
    }
    text
}

const HEAD: &str = "\
# Agreement with other tools

kube-score, kube-linter and Polaris publish manifests together with the result that they expect of their own rules. For
every question that we share with them, `cargo xtask agree CHECKOUT...` puts each manifest alone into a repository,
reviews it as a server's and compares: does our check object where theirs does? A check that looked at nothing counts as
“does not ask”, never as agreement with a pass. Whatever differs needs a reason in `xtask/src/agree/expectations.toml`, a
reason that is no longer needed is an error, and so is a rule that is neither compared nor left out. This page is written
by `cargo xtask agree --write CHECKOUT...`.

The manifests are not copied into this repository. What an API server would refuse is completed first: a missing name,
container or image, the labels that a workload selects, the Deployment that a lone autoscaler or budget refers to. An
image gets a name of our own and keeps its tag, as `nginx` and `busybox` stand for a service's own program there. Where
the question is about several replicas and their number is open, it is 3. Where one file holds many workloads of one name,
each is judged without the others; `file:3` is the third document of a file. kube-linter's end-to-end tests count the
objects that a rule objects to; which ones they are is said in our table. kube-score's tests of CronJobs, whose file names
are put together in a loop, are not read.

";
