//! Evidence: what was gathered about one service, and the only way for a check to read it.
//!
//! Not gathered is not empty. Every accessor of [`Evidence`] returns `Result<_, Missing>`, so that a source nobody read
//! ends as *unknown*. Every accessor also notes that its source was touched: the reviewer then knows what a check
//! searched, and turns a pass that rests on a source with unreadable files into *unknown* by itself.

use std::{cell::Cell, collections::BTreeSet, sync::Arc};

use jiff::civil::Date;

use crate::{Class, Message, Place, Service};

mod alerting;
mod api;
mod callers;
mod common;
mod dashboard;
mod decisions;
mod document;
mod exercises;
mod gate_decision;
mod image;
mod infrastructure;
mod migration;
mod objective;
mod package;
mod pipeline;
mod rehearsal;
mod results;
mod secrets;
mod settings;
mod source;
mod tree;
mod workload;

pub use alerting::*;
pub use api::*;
pub use callers::Callers;
pub use common::Common;
pub use dashboard::*;
pub use decisions::*;
pub use document::*;
pub use exercises::*;
pub use gate_decision::*;
pub use image::*;
pub use infrastructure::*;
pub use migration::*;
pub use objective::*;
pub use package::*;
pub use pipeline::*;
pub use rehearsal::*;
pub use results::*;
pub use secrets::*;
pub use settings::*;
pub use source::*;
pub use tree::*;
pub use workload::*;

/// Where evidence comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Source {
    Files,
    Workloads,
    Objects,
    Images,
    Pipelines,
    Infrastructure,
    AlertRules,
    AlertRouting,
    Dashboards,
    Objectives,
    Documents,
    Packages,
    Apis,
    Migrations,
    Ownership,
    Results,
    Settings,
    Secrets,
    SourceCode,
    History,
    Cluster,
    Telemetry,
    Endpoint,
    Experiments,
}

impl Source {
    pub const ALL: [Self; 24] = [
        Self::Files,
        Self::Workloads,
        Self::Objects,
        Self::Images,
        Self::Pipelines,
        Self::Infrastructure,
        Self::AlertRules,
        Self::AlertRouting,
        Self::Dashboards,
        Self::Objectives,
        Self::Documents,
        Self::Packages,
        Self::Apis,
        Self::Migrations,
        Self::Ownership,
        Self::Results,
        Self::Settings,
        Self::Secrets,
        Self::SourceCode,
        Self::History,
        Self::Cluster,
        Self::Telemetry,
        Self::Endpoint,
        Self::Experiments,
    ];

    /// It lies in the repository, so that the reader can do something about what is missing of it.
    pub fn in_repository(self) -> bool {
        !matches!(
            self,
            Self::SourceCode | Self::History | Self::Cluster | Self::Telemetry | Self::Endpoint | Self::Experiments
        )
    }

    pub fn title(self) -> Message {
        let (en, zh) = match self {
            Self::Files => ("file layout", "文件布局"),
            Self::Workloads => ("workloads", "工作负载"),
            Self::Objects => ("Kubernetes objects", "Kubernetes 对象"),
            Self::Images => ("container files", "容器文件"),
            Self::Pipelines => ("CI pipelines", "CI 流水线"),
            Self::Infrastructure => ("infrastructure code", "基础设施代码"),
            Self::AlertRules => ("alert rules", "告警规则"),
            Self::AlertRouting => ("alert routing", "告警路由"),
            Self::Dashboards => ("dashboards", "仪表盘"),
            Self::Objectives => ("SLO files", "SLO 文件"),
            Self::Documents => ("documents", "文档"),
            Self::Packages => ("package manifests and lockfiles", "软件包清单与锁文件"),
            Self::Apis => ("API descriptions", "API 描述"),
            Self::Migrations => ("migrations", "数据库迁移"),
            Self::Ownership => ("ownership files", "归属文件"),
            Self::Results => ("test and load results", "测试与压测结果"),
            Self::Settings => ("configuration files", "配置文件"),
            Self::Secrets => ("every file, for secrets", "所有文件（查找密钥）"),
            Self::SourceCode => ("source code", "源代码"),
            Self::History => ("git history", "git 历史"),
            Self::Cluster => ("the cluster", "集群"),
            Self::Telemetry => ("telemetry", "遥测"),
            Self::Endpoint => ("the running service", "运行中的服务"),
            Self::Experiments => ("experiments", "实验"),
        };
        Message::new(en, zh)
    }
}

/// Why evidence is not there, and what would settle it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missing {
    pub source: Source,
    pub reason: Message,
    pub settle: Message,
}

/// A file, or a part of one, that belongs to a source and could not be read.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Gap {
    pub source: Source,
    pub place: Place,
    /// What is wrong, in one clause that reads after the place. Parsers speak English.
    pub reason: String,
}

/// What one source gave.
#[derive(Clone, Debug)]
pub struct Gathered<T> {
    pub items: Vec<T>,
    /// The files that were read for it.
    pub files: usize,
    /// What should have been read for it and could not be.
    pub gaps: Vec<Gap>,
}

impl<T> Default for Gathered<T> {
    fn default() -> Self {
        Self { items: Vec::new(), files: 0, gaps: Vec::new() }
    }
}

impl<T> Gathered<T> {
    pub fn new(items: Vec<T>, files: usize, gaps: Vec<Gap>) -> Self {
        Self { items, files, gaps }
    }
}

/// Everything that was gathered about one service. Sources that hold for the whole repository are shared.
#[derive(Clone, Debug)]
pub struct Facts {
    /// The day of the review: what age is measured against.
    pub today: Date,
    pub service: Service,
    /// Files that declare another service of the repository and not this one, by their paths.
    pub of_others: BTreeSet<Arc<str>>,
    pub files: Arc<Gathered<FileEntry>>,
    pub workloads: Arc<Gathered<Workload>>,
    pub objects: Arc<Gathered<Object>>,
    pub images: Arc<Gathered<ImageBuild>>,
    pub pipelines: Arc<Gathered<Pipeline>>,
    pub infrastructure: Arc<Gathered<Resource>>,
    pub alert_rules: Arc<Gathered<AlertRule>>,
    pub alert_routing: Arc<Gathered<AlertRouting>>,
    pub dashboards: Arc<Gathered<Dashboard>>,
    pub objectives: Arc<Gathered<Objective>>,
    pub documents: Arc<Gathered<Document>>,
    pub packages: Arc<Gathered<Package>>,
    pub apis: Arc<Gathered<ApiDescription>>,
    pub migrations: Arc<Gathered<Migration>>,
    pub ownership: Arc<Gathered<Ownership>>,
    pub results: Arc<Gathered<ResultFile>>,
    /// What exercising this service showed.
    pub exercises: Arc<Gathered<ExerciseRecord>>,
    /// Rollbacks of this service that were timed.
    pub rehearsals: Arc<Gathered<RehearsalRecord>>,
    pub gates: Arc<Gathered<GateRecord>>,
    pub settings: Arc<Gathered<SettingsFile>>,
    /// What looks like a secret in the files.
    pub secrets: Arc<Gathered<SecretSighting>>,
    /// What looks like one in the history of the repository, or why that was not read.
    pub history: Result<Arc<History>, Missing>,
    pub source: Arc<SourceCode>,
    /// Files of source code that could not be read.
    pub source_gaps: Vec<Gap>,
    /// What the configuration of gonogo states about this service beyond its nouns.
    pub statements: Arc<Statements>,
}

/// The view that a check has of the facts.
#[derive(Debug)]
pub struct Evidence<'a> {
    facts: &'a Facts,
    common: Arc<Common>,
    touched: Cell<u32>,
}

impl<'a> Evidence<'a> {
    pub fn new(facts: &'a Facts) -> Self {
        Self::sharing(facts, &Arc::default())
    }

    /// A view for one check of many, which share what they have in common.
    pub fn sharing(facts: &'a Facts, common: &Arc<Common>) -> Self {
        Self { facts, common: Arc::clone(common), touched: Cell::new(0) }
    }

    /// What several checks ask of the same facts: worked out by the first, known by the type of the answer. Whoever asks has
    /// touched what it was found in.
    pub fn once<T: Clone + Send + Sync + 'static>(&self, work: impl FnOnce(&Self) -> T) -> T {
        let (answer, touched) = self.common.get().unwrap_or_else(|| {
            let evidence = Self::sharing(self.facts, &self.common);
            let answer = work(&evidence);
            self.common.keep(answer.clone(), evidence.touched.get());
            (answer, evidence.touched.get())
        });
        self.touched.set(self.touched.get() | touched);
        answer
    }

    pub fn service(&self) -> &'a Service {
        &self.facts.service
    }

    /// The place lies in a file that declares another service of the repository and not this one: what is wrong there is
    /// told to the other's owner, though this service may read it.
    pub fn of_another_service(&self, place: &Place) -> bool {
        self.facts.of_others.contains(place.path())
    }

    pub fn today(&self) -> Date {
        self.facts.today
    }

    /// What `gonogo.toml` states: on-call, escalation, recovery objectives, critical paths …
    pub fn statements(&self) -> &'a Statements {
        &self.facts.statements
    }

    /// Every file of the service's part of the repository with its role: what is there, not what is in it.
    pub fn files(&self) -> Result<&'a [FileEntry], Missing> {
        self.items(Source::Files, &self.facts.files)
    }

    /// The service's workloads, one for each logical workload and environment.
    pub fn workloads(&self) -> Result<&'a [Workload], Missing> {
        self.items(Source::Workloads, &self.facts.workloads)
    }

    /// Kubernetes objects that are not workloads: built-in kinds and custom ones, rendered.
    pub fn objects(&self) -> Result<&'a [Object], Missing> {
        self.items(Source::Objects, &self.facts.objects)
    }

    /// The objects of these kinds.
    pub fn objects_of(&self, kinds: &[&str]) -> Result<Vec<&'a Object>, Missing> {
        Ok(self.objects()?.iter().filter(|object| kinds.contains(&object.kind.as_str())).collect())
    }

    /// The container files that build the service's images.
    pub fn images(&self) -> Result<&'a [ImageBuild], Missing> {
        self.items(Source::Images, &self.facts.images)
    }

    pub fn pipelines(&self) -> Result<&'a [Pipeline], Missing> {
        self.items(Source::Pipelines, &self.facts.pipelines)
    }

    /// Resources of Terraform, OpenTofu, CloudFormation, SAM, serverless and platform files.
    pub fn infrastructure(&self) -> Result<&'a [Resource], Missing> {
        self.items(Source::Infrastructure, &self.facts.infrastructure)
    }

    /// Alerting and recording rules of Prometheus, from rule files and from PrometheusRule objects.
    pub fn alert_rules(&self) -> Result<&'a [AlertRule], Missing> {
        self.items(Source::AlertRules, &self.facts.alert_rules)
    }

    pub fn alert_routing(&self) -> Result<&'a [AlertRouting], Missing> {
        self.items(Source::AlertRouting, &self.facts.alert_routing)
    }

    pub fn dashboards(&self) -> Result<&'a [Dashboard], Missing> {
        self.items(Source::Dashboards, &self.facts.dashboards)
    }

    /// SLOs, from OpenSLO, Sloth and Pyrra files and from `gonogo.toml`.
    pub fn objectives(&self) -> Result<&'a [Objective], Missing> {
        self.items(Source::Objectives, &self.facts.objectives)
    }

    pub fn documents(&self) -> Result<&'a [Document], Missing> {
        self.items(Source::Documents, &self.facts.documents)
    }

    /// Package manifests with their lockfiles.
    pub fn packages(&self) -> Result<&'a [Package], Missing> {
        self.items(Source::Packages, &self.facts.packages)
    }

    /// OpenAPI, gRPC, GraphQL and AsyncAPI descriptions.
    pub fn apis(&self) -> Result<&'a [ApiDescription], Missing> {
        self.items(Source::Apis, &self.facts.apis)
    }

    pub fn migrations(&self) -> Result<&'a [Migration], Missing> {
        self.items(Source::Migrations, &self.facts.migrations)
    }

    pub fn ownership(&self) -> Result<&'a [Ownership], Missing> {
        self.items(Source::Ownership, &self.facts.ownership)
    }

    /// Coverage reports, test reports and load-test summaries that lie in the repository.
    pub fn results(&self) -> Result<&'a [ResultFile], Missing> {
        self.items(Source::Results, &self.facts.results)
    }

    /// Records of exercises of this service. They are an answer of their own: one that cannot be read takes nothing from
    /// what the files say, so that the source does not count as touched.
    pub fn exercises(&self) -> Result<&'a [ExerciseRecord], Missing> {
        readable(Source::Experiments, &self.facts.exercises)
    }

    /// Rollbacks of this service that were timed. As with exercises, one that cannot be read takes nothing from the files.
    pub fn rehearsals(&self) -> Result<&'a [RehearsalRecord], Missing> {
        readable(Source::Experiments, &self.facts.rehearsals)
    }

    /// Configuration files of the service: environment files, application settings, flag files.
    pub fn settings(&self) -> Result<&'a [SettingsFile], Missing> {
        self.items(Source::Settings, &self.facts.settings)
    }

    /// What the program's source says.
    pub fn source(&self) -> Result<&'a SourceCode, Missing> {
        if self.facts.source.files.iter().any(|file| file.role.counts()) {
            self.touch(Source::SourceCode);
            return Ok(&self.facts.source);
        }
        if let Some(missing) = self.made_elsewhere() {
            return Err(missing);
        }
        Err(self.not_gathered(
            Source::SourceCode,
            "the program's source decides this, and the repository holds none of this service in a language that is read",
            "此项由程序源代码决定，而仓库中没有该服务以可读取语言编写的源代码",
            "the service's source, or a review of the repository that holds it",
            "提供该服务的源代码，或评审其所在的仓库",
        ))
    }

    /// Of an image that others make there is no source here.
    fn made_elsewhere(&self) -> Option<Missing> {
        let image = self.image_of_others()?;
        Some(self.not_gathered(
            Source::SourceCode,
            &format!("the program's source decides this, and it is not in this repository: the image {image} is made elsewhere"),
            &format!("此项由程序源代码决定，而源代码不在此仓库中：镜像 {image} 在别处构建"),
            "a review of the repository that makes the image, or a version of gonogo that asks the running service",
            "审查构建该镜像的仓库，或使用能查询运行中服务的 gonogo 版本",
        ))
    }

    /// The image that it runs, where nothing in this repository makes it: neither a container file, nor a package, nor a
    /// file of a program.
    fn image_of_others(&self) -> Option<&'a str> {
        let facts = self.facts;
        let image =
            facts.workloads.items.iter().flat_map(Workload::main_containers).find_map(|one| one.image.as_ref())?;
        let made_here = !facts.images.items.is_empty()
            || !facts.packages.items.is_empty()
            || facts.files.items.iter().any(FileEntry::is_program);
        (facts.service.class == Class::ThirdParty || !made_here).then_some(image.value.text.as_str())
    }

    /// What looks like a secret in the files, wherever it stands: each with the role of its file.
    pub fn secrets(&self) -> Result<&'a [SecretSighting], Missing> {
        self.items(Source::Secrets, &self.facts.secrets)
    }

    /// What the history of the repository holds.
    pub fn history(&self) -> Result<&'a History, Missing> {
        self.touch(Source::History);
        match &self.facts.history {
            Ok(history) => Ok(history),
            Err(missing) => Err(missing.clone()),
        }
    }

    /// What gates were told of error budgets, the oldest first. Other than the files of a repository, Prometheus knows.
    pub fn gates(&self) -> Result<&'a [GateRecord], Missing> {
        match self.items(Source::Telemetry, &self.facts.gates)? {
            [] => Err(self.not_gathered(
                Source::Telemetry,
                "telemetry decides this, and no gate has asked a Prometheus",
                "此项由遥测数据决定，尚无门禁查询过 Prometheus",
                "`gonogo slo gate . --prometheus URL`, then a review",
                "先执行 `gonogo slo gate . --prometheus URL`，再评审",
            )),
            gates => Ok(gates),
        }
    }

    /// The sources that were touched so far.
    pub fn searched(&self) -> Vec<Source> {
        Source::ALL.into_iter().filter(|source| self.touched.get() & bit(*source) != 0).collect()
    }

    /// How many files were read for a source.
    pub fn files_read(&self, source: Source) -> usize {
        self.with(source, |files, _| files)
    }

    /// What should have been read for a source and could not be.
    pub fn gaps(&self, source: Source) -> &'a [Gap] {
        self.with(source, |_, gaps| gaps)
    }

    fn with<R>(&self, source: Source, read: impl Fn(usize, &'a [Gap]) -> R) -> R {
        let facts = self.facts;
        match source {
            Source::Files => read(facts.files.files, &facts.files.gaps),
            Source::Workloads => read(facts.workloads.files, &facts.workloads.gaps),
            Source::Objects => read(facts.objects.files, &facts.objects.gaps),
            Source::Images => read(facts.images.files, &facts.images.gaps),
            Source::Pipelines => read(facts.pipelines.files, &facts.pipelines.gaps),
            Source::Infrastructure => read(facts.infrastructure.files, &facts.infrastructure.gaps),
            Source::AlertRules => read(facts.alert_rules.files, &facts.alert_rules.gaps),
            Source::AlertRouting => read(facts.alert_routing.files, &facts.alert_routing.gaps),
            Source::Dashboards => read(facts.dashboards.files, &facts.dashboards.gaps),
            Source::Objectives => read(facts.objectives.files, &facts.objectives.gaps),
            Source::Documents => read(facts.documents.files, &facts.documents.gaps),
            Source::Packages => read(facts.packages.files, &facts.packages.gaps),
            Source::Apis => read(facts.apis.files, &facts.apis.gaps),
            Source::Migrations => read(facts.migrations.files, &facts.migrations.gaps),
            Source::Ownership => read(facts.ownership.files, &facts.ownership.gaps),
            Source::Results => read(facts.results.files, &facts.results.gaps),
            Source::Settings => read(facts.settings.files, &facts.settings.gaps),
            Source::Secrets => read(facts.secrets.files, &facts.secrets.gaps),
            Source::History => read(facts.history.as_ref().map_or(0, |history| history.versions), &[]),
            Source::SourceCode => read(facts.source.files.len(), &facts.source_gaps),
            Source::Experiments => read(facts.exercises.files, &facts.exercises.gaps),
            Source::Telemetry => read(facts.gates.files, &facts.gates.gaps),
            Source::Cluster | Source::Endpoint => read(0, &[]),
        }
    }

    fn items<T>(&self, source: Source, gathered: &'a Gathered<T>) -> Result<&'a [T], Missing> {
        self.touch(source);
        readable(source, gathered)
    }

    fn not_gathered(&self, source: Source, en: &str, zh: &str, settle_en: &str, settle_zh: &str) -> Missing {
        self.touch(source);
        Missing { source, reason: Message::new(en, zh), settle: Message::new(settle_en, settle_zh) }
    }

    fn touch(&self, source: Source) {
        self.touched.set(self.touched.get() | bit(source));
    }
}

fn readable<T>(source: Source, gathered: &Gathered<T>) -> Result<&[T], Missing> {
    match gathered.gaps.first() {
        // Nothing at all could be read of what is there: that is not an empty source.
        Some(gap) if gathered.items.is_empty() => Err(Missing {
            source,
            reason: Message::new(
                format!("{} could not be read: {}", gap.place, gap.reason),
                format!("无法读取 {}：{}", gap.place, gap.reason),
            ),
            settle: Message::new(format!("a readable {}", gap.place), format!("修复 {}", gap.place)),
        }),
        _ => Ok(&gathered.items),
    }
}

fn bit(source: Source) -> u32 {
    1 << (source as u32)
}
