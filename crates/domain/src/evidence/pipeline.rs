//! CI pipelines: what is run, when, and what happens if it fails.

use super::Located;
use crate::Place;

/// One pipeline file: a GitHub workflow, a `.gitlab-ci.yml`, a Jenkinsfile …
#[derive(Clone, Debug)]
pub struct Pipeline {
    pub system: PipelineSystem,
    pub name: String,
    pub place: Place,
    /// What starts it: `push`, `pull_request` (`pull_request once` where it is not started again for each change),
    /// `schedule`, `workflow_dispatch`, `release`, `tag` …; `external` where
    /// that is set up outside of the repository (Cloud Build, Tekton, Concourse); `part` for a task that a pipeline
    /// outside of the repository runs. Scripts have none.
    pub triggers: Vec<String>,
    pub jobs: Vec<PipelineJob>,
    /// Permissions of the token: `contents: read` …; none: not written.
    pub permissions: Option<Located<String>>,
    /// Variables that the file sets, for the whole pipeline, a job or a step, by name; secrets that the system fills in
    /// stand as they are written (`${{ secrets.KEY }}`).
    pub variables: Vec<(String, Located<String>)>,
}

impl Pipeline {
    /// Every step of every job.
    pub fn steps(&self) -> impl Iterator<Item = (&PipelineJob, &PipelineStep)> {
        self.jobs.iter().flat_map(|job| job.steps.iter().map(move |step| (job, step)))
    }

    /// It is run by a CI system, and not only called by what is.
    pub fn runs_by_itself(&self) -> bool {
        self.system != PipelineSystem::Script
    }

    /// A task of a pipeline that is not here: what it does not do, another one may.
    pub fn is_part(&self) -> bool {
        self.triggers.iter().any(|trigger| trigger == "part")
    }

    /// It runs by itself on changes, not only when somebody starts it.
    pub fn runs_on_changes(&self) -> bool {
        self.triggers.iter().any(|trigger| {
            matches!(
                trigger.as_str(),
                "push" | "pull_request" | "pull_request_target" | "merge_request" | "merge_group" | "external" | "part"
            )
        })
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum PipelineSystem {
    GitHubActions,
    GitLab,
    CircleCi,
    Jenkins,
    AzurePipelines,
    CloudBuild,
    Bitbucket,
    Travis,
    Drone,
    Buildkite,
    Tekton,
    Concourse,
    /// Makefile, Taskfile, justfile, package scripts: what a pipeline step calls.
    Script,
}

#[derive(Clone, Debug)]
pub struct PipelineJob {
    pub id: String,
    pub place: Place,
    /// The stage of GitLab, the environment of GitHub or Azure.
    pub stage: Option<String>,
    pub environment: Option<Located<String>>,
    pub needs: Vec<String>,
    /// Started by a person: `when: manual`, an approval step, `input`.
    pub manual: bool,
    /// Its failure does not fail the pipeline: `continue-on-error`, `allow_failure`.
    pub tolerated: Option<Place>,
    pub condition: Option<String>,
    pub steps: Vec<PipelineStep>,
}

#[derive(Clone, Debug)]
pub struct PipelineStep {
    pub name: Option<String>,
    pub place: Place,
    /// The shell text that it runs.
    pub run: Option<String>,
    /// The action, orb, task or template that it uses, with its version.
    pub uses: Option<String>,
    /// Inputs of the action, as text.
    pub with: Vec<(String, String)>,
    pub tolerated: Option<Place>,
    pub condition: Option<String>,
    /// What the step does, by `knowledge/commands.toml`: its own commands and those of the scripts that it calls
    /// (a Makefile target, a package script), resolved.
    pub purposes: Vec<Purpose>,
}

impl PipelineStep {
    /// It runs a pipeline that lies in another repository, so that what it does there was not read.
    pub fn runs_elsewhere(&self) -> bool {
        self.uses.as_deref().is_some_and(|uses| {
            uses.starts_with("include ") || (uses.contains("/.github/workflows/") && !uses.starts_with("./"))
        })
    }
}

/// What a command of a pipeline is there for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Purpose {
    Build,
    BuildImage,
    Lint,
    UnitTest,
    IntegrationTest,
    EndToEndTest,
    ContractTest,
    LoadTest,
    ChaosTest,
    SmokeTest,
    Coverage,
    DependencyAudit,
    SecretScan,
    StaticAnalysis,
    ImageScan,
    InfrastructureScan,
    InfrastructurePlan,
    RuleTest,
    MigrationTest,
    Deploy,
    Publish,
    Rollback,
    Sign,
    /// A program of the project that stands for its checks (`cargo xtask ci`): what it runs is in its source.
    OwnProgram,
}
