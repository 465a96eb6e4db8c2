//! What pipelines run for a service, when, and whether a failure counts.

use gonogo_domain::{
    Evidence, Finding, Message, Missing, Place, Reading,
    evidence::{Pipeline, PipelineJob, PipelineStep, PipelineSystem, Purpose},
};

/// A step of a pipeline that is there for what was asked.
#[derive(Clone, Copy)]
pub(crate) struct Run<'a> {
    pub(crate) pipeline: &'a Pipeline,
    pub(crate) job: &'a PipelineJob,
    pub(crate) step: &'a PipelineStep,
}

impl<'a> Run<'a> {
    /// What makes its failure count for nothing.
    pub(crate) fn tolerated(&self) -> Option<&'a Place> {
        self.step.tolerated.as_ref().or(self.job.tolerated.as_ref())
    }

    /// It runs without anybody starting it.
    pub(crate) fn by_itself(&self) -> bool {
        starts_by_itself(self.pipeline) && !self.job.manual
    }

    /// It runs by itself, and its failure fails the pipeline.
    pub(crate) fn enforced(&self) -> bool {
        self.by_itself() && self.tolerated().is_none()
    }

    /// Only a clock starts it, so that no change waits for what it says.
    pub(crate) fn on_a_clock(&self) -> bool {
        self.pipeline.triggers.iter().any(|trigger| trigger == "schedule")
            && self.pipeline.triggers.iter().all(|trigger| trigger == "schedule" || is_by_hand(trigger))
    }

    /// Its commands, or the action with its inputs.
    pub(crate) fn text(&self) -> String {
        let mut text = self.step.run.clone().unwrap_or_default();
        if let Some(uses) = &self.step.uses {
            text.push_str(uses);
        }
        for (name, value) in &self.step.with {
            text.extend(["\n", name, "=", value]);
        }
        text
    }
}

/// A pipeline of a CI system, not a file of scripts.
pub(crate) fn is_pipeline(pipeline: &Pipeline) -> bool {
    pipeline.system != PipelineSystem::Script
}

/// Changes, tags, releases or a clock start it. Where the file cannot say what starts it, the system's settings do.
pub(crate) fn starts_by_itself(pipeline: &Pipeline) -> bool {
    is_pipeline(pipeline)
        && (pipeline.triggers.is_empty() || !pipeline.triggers.iter().all(|trigger| is_by_hand(trigger)))
}

/// Somebody, or another pipeline, has to start it.
fn is_by_hand(trigger: &str) -> bool {
    matches!(trigger, "workflow_dispatch" | "workflow_call" | "repository_dispatch" | "manual" | "web" | "api" | "none")
}

/// Every step of a pipeline that is there for one of these purposes and for this service.
pub(crate) fn runs<'a>(evidence: &Evidence<'a>, wanted: &[Purpose]) -> Result<Vec<Run<'a>>, Missing> {
    let path = evidence.service().path.as_str();
    let mut found = Vec::new();
    for pipeline in evidence.pipelines()?.iter().filter(|pipeline| is_pipeline(pipeline)) {
        for (job, step) in pipeline.steps() {
            let run = Run { pipeline, job, step };
            let asked = step.purposes.iter().any(|purpose| wanted.contains(purpose));
            if asked
                && !never(job.condition.as_deref())
                && !never(step.condition.as_deref())
                && !of_sibling(&run, path)
                && skaffold_tests_it(evidence, &run, wanted)?
            {
                found.push(run);
            }
        }
    }
    Ok(found)
}

/// A condition that nothing fulfils: a step that somebody switched off.
fn never(condition: Option<&str>) -> bool {
    condition.is_some_and(|text| {
        let inside = text.trim().trim_start_matches("${{").trim_end_matches("}}").trim();
        matches!(inside, "false" | "never" | "'false'")
    })
}

/// `skaffold test` runs the tests that the configurations name for each image: a service with a configuration of its own
/// has the tests that stand in it, whatever those of the others do.
fn skaffold_tests_it(evidence: &Evidence<'_>, run: &Run<'_>, wanted: &[Purpose]) -> Result<bool, Missing> {
    if !run.text().contains("skaffold test") {
        return Ok(true);
    }
    let folder = format!("{}/", evidence.service().path);
    let mut own = evidence.pipelines()?.iter().filter(|pipeline| {
        let path = pipeline.place.path();
        !is_pipeline(pipeline) && path.strip_prefix(&folder).is_some_and(|name| name.starts_with("skaffold"))
    });
    let Some(own) = own.next() else { return Ok(true) };
    let mut steps = own.jobs.iter().filter(|job| job.id == "test").flat_map(|job| &job.steps);
    Ok(steps.any(|step| step.purposes.iter().any(|purpose| wanted.contains(purpose))))
}

/// It names a folder beside the service's own, and not its own: it is another unit's.
fn of_sibling(run: &Run<'_>, path: &str) -> bool {
    const SHARED: &[&str] = &["test", "tests", "e2e", "common", "shared", "lib", "libs", "pkg", "scripts", "tools"];
    let Some((parent, own)) = path.rsplit_once('/') else { return false };
    let text = unrolled(run.text());
    let parent = format!("{parent}/");
    let mut named = text.match_indices(&parent).filter_map(|(at, _)| {
        let rest = text.get(at + parent.len()..)?;
        let end = rest.find(|letter: char| !letter.is_ascii_alphanumeric() && !matches!(letter, '-' | '_'));
        rest.get(..end.unwrap_or(rest.len())).filter(|word| !word.is_empty() && !SHARED.contains(word))
    });
    let mut any = false;
    let own_named = named.any(|word| {
        any = true;
        word == own
    });
    any && !own_named
}

/// The text with the items of its loops in the place of their variables: `for S in a b; do cd src/$S` tests `src/a` and
/// `src/b`, and nothing else.
fn unrolled(text: String) -> String {
    const ITEMS: usize = 200;
    let mut added = String::new();
    for line in text.lines().take(2_000) {
        let Some((name, items)) = loop_over(line) else { continue };
        for word in text.split_whitespace().filter(|word| word.contains('$')).take(ITEMS) {
            let variable = [format!("${{{name}}}"), format!("${name}")].into_iter().find(|one| word.contains(one));
            let Some(variable) = variable else { continue };
            for item in items.iter().take(ITEMS) {
                added.extend(["\n", &word.replace(&variable, item)]);
            }
            if added.len() > 64 * 1024 {
                return text + &added;
            }
        }
    }
    text + &added
}

/// `for NAME in a "b" c; do`: the name, and the items where all of them are written out.
fn loop_over(line: &str) -> Option<(&str, Vec<&str>)> {
    let (name, rest) = line.trim().strip_prefix("for ")?.split_once(" in ")?;
    let list = rest.split(';').next()?;
    let items: Vec<&str> = list.split_whitespace().map(|item| item.trim_matches(['"', '\''])).collect();
    let written =
        !items.is_empty() && items.iter().all(|item| !item.is_empty() && !item.contains(['$', '*', '`', '(']));
    written.then_some((name.trim(), items))
}

/// A step that hands its work to what was not read: a file of another repository, or a program of the project.
pub(crate) fn hands_on(pipelines: &[Pipeline]) -> Option<&Place> {
    pipelines
        .iter()
        .filter(|pipeline| starts_by_itself(pipeline) && !of_people(pipeline))
        .flat_map(Pipeline::steps)
        .find(|(_, step)| {
            let elsewhere = step.purposes.is_empty() && step.runs_elsewhere() && !named_otherwise(step);
            elsewhere || step.purposes.contains(&Purpose::OwnProgram)
        })
        .map(|(_, step)| &step.place)
}

/// The name of the file of another repository says that it does something else: it scores, greets, sorts, signs.
fn named_otherwise(step: &PipelineStep) -> bool {
    let path = step.uses.as_deref().unwrap_or_default().split('@').next().unwrap_or_default();
    let name = path.rsplit('/').next().unwrap_or_default().to_ascii_lowercase();
    name.split(['-', '_', '.']).any(|word| {
        matches!(
            word,
            "scorecard" | "stale" | "label" | "labeler" | "labels" | "welcome" | "fossa" | "cla" | "dco" | "triage"
        )
    })
}

/// What people do starts it, and no change of the program: it greets, sorts and answers.
fn of_people(pipeline: &Pipeline) -> bool {
    !pipeline.triggers.is_empty()
        && pipeline.triggers.iter().all(|trigger| {
            trigger.ends_with(" once")
                || matches!(
                    trigger.as_str(),
                    "issues"
                        | "issue_comment"
                        | "discussion"
                        | "discussion_comment"
                        | "pull_request_review"
                        | "pull_request_review_comment"
                        | "label"
                        | "milestone"
                        | "watch"
                        | "fork"
                )
        })
}

/// What became of looking for runs of something.
pub(crate) enum Ran<'a> {
    /// Steps that run by themselves and whose failure counts.
    Enforced(Vec<Run<'a>>),
    /// It is run, but its failure counts for nothing, or somebody has to start it.
    Weak(Vec<Finding>),
    /// Pipelines are here and none runs it; the place of the one that would.
    Nowhere(Place),
    /// The work is handed to a file of another repository.
    Elsewhere(Place),
    /// No pipeline is in this repository.
    NoPipeline,
}

/// Looks for runs of `wanted`; `what` names it in findings, in both languages.
pub(crate) fn ran<'a>(evidence: &Evidence<'a>, wanted: &[Purpose], what: (&str, &str)) -> Result<Ran<'a>, Missing> {
    let all = runs(evidence, wanted)?;
    let enforced: Vec<Run<'a>> = all.iter().copied().filter(Run::enforced).collect();
    if !enforced.is_empty() {
        return Ok(Ran::Enforced(enforced));
    }
    if !all.is_empty() {
        return Ok(Ran::Weak(all.iter().map(|run| weakness(run, what)).collect()));
    }
    let pipelines = evidence.pipelines()?;
    if let Some(place) = hands_on(pipelines) {
        return Ok(Ran::Elsewhere(place.clone()));
    }
    Ok(main_pipeline(pipelines).map_or(Ran::NoPipeline, |place| Ran::Nowhere(place.clone())))
}

/// Why a run does not count.
fn weakness(run: &Run<'_>, (en, zh): (&str, &str)) -> Finding {
    match run.tolerated() {
        Some(place) => Finding::new(
            place,
            format!("a failure of the {en} does not fail the pipeline"),
            format!("{zh}失败不会使流水线失败"),
        )
        .also(&run.step.place, "the run", "运行处"),
        None => Finding::new(
            &run.step.place,
            format!("the {en} run only when somebody starts them"),
            format!("{zh}仅在手动触发时运行"),
        ),
    }
}

/// The pipeline in which one would look first: one that builds and runs on changes, else any that runs by itself.
///
/// A task is no pipeline, and pipelines that only sort issues, lint, approve updates or publish pages are no CI: where
/// there are no others, the program is built and tested elsewhere.
pub(crate) fn main_pipeline(pipelines: &[Pipeline]) -> Option<&Place> {
    let works = |pipeline: &&Pipeline| pipeline.steps().any(|(_, step)| step.purposes.iter().any(|one| on_code(*one)));
    let automatic =
        || pipelines.iter().filter(|pipeline| starts_by_itself(pipeline) && !pipeline.is_part()).filter(works);
    automatic()
        .find(|pipeline| pipeline.runs_on_changes())
        .or_else(|| automatic().next())
        .map(|pipeline| &pipeline.place)
}

/// Done to the program itself, as opposed to what is kept around it.
fn on_code(purpose: Purpose) -> bool {
    matches!(
        purpose,
        Purpose::Build
            | Purpose::BuildImage
            | Purpose::UnitTest
            | Purpose::IntegrationTest
            | Purpose::EndToEndTest
            | Purpose::ContractTest
            | Purpose::Deploy
    )
}

/// It may be run by a pipeline that is not in this repository.
pub(crate) fn pipeline_elsewhere(ran: &Ran<'_>, en: &str, zh: &str) -> Reading {
    let settle = Message::new(format!("the pipeline that runs the {en}"), format!("运行{zh}的流水线"));
    match ran {
        Ran::Elsewhere(place) => Reading::elsewhere(
            Message::new(
                format!(
                    "{place} hands its work to a program or a file that was not read: whether it runs the {en} is written there"
                ),
                format!("{place} 将工作交给未读取的程序或文件，是否运行{zh}由其决定"),
            ),
            settle,
        ),
        _ => Reading::elsewhere(
            Message::new(
                format!("no pipeline in this repository that could run the {en}"),
                format!("此仓库中没有可以运行{zh}的流水线"),
            ),
            settle,
        ),
    }
}
