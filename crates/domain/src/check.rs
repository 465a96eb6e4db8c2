//! A check: one line of a checklist, as data beside one pure function.

use serde::{Deserialize, Serialize};

use crate::{Classes, Evidence, Policy, Readings, Text};

/// One line of a checklist. Its title is true when it passes.
#[derive(Debug)]
pub struct Check {
    /// Stable name, `area.good-state`.
    pub id: &'static str,
    pub title: Text,
    /// The lines of the source documents that this check answers, as field-notes numbers them.
    pub source: &'static [&'static str],
    pub standard: Standard,
    pub area: Area,
    /// The lowest maturity level that asks for it; none: no level asks, it still counts for the decision.
    pub level: Option<Level>,
    pub gate: Gate,
    /// The weakest evidence that can make it pass.
    pub min: Strength,
    /// The classes of unit that it asks; for the others it is not applicable.
    pub classes: Classes,
    /// Days after which a dated reading no longer counts; none: readings do not age.
    pub fresh_days: Option<u16>,
    /// The fields that a dated record must carry to count as an exercise of this check, not only as a statement.
    pub record: &'static [&'static str],
    /// The next step for whoever sees it fail, in one sentence.
    pub remediation: Text,
    pub references: &'static [&'static str],
    /// Why, what passes, what fails: Markdown whose example files run as tests.
    pub page: &'static str,
    /// Reads evidence already in memory: no I/O, no clock, no panics.
    pub judge: fn(&Evidence<'_>, &Policy) -> Readings,
}

/// The checklist that a check belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Standard {
    ProductionReadiness,
    Clay,
}

/// The area of the checklist, in the order of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Area {
    Health,
    Resilience,
    Config,
    Data,
    Operations,
    Observability,
    Errors,
    Performance,
    Security,
    Deployment,
    Testing,
    Documentation,
    Incident,
    Clay,
}

impl Area {
    pub const ALL: [Self; 14] = [
        Self::Health,
        Self::Resilience,
        Self::Config,
        Self::Data,
        Self::Operations,
        Self::Observability,
        Self::Errors,
        Self::Performance,
        Self::Security,
        Self::Deployment,
        Self::Testing,
        Self::Documentation,
        Self::Incident,
        Self::Clay,
    ];

    /// The first part of the ids of its checks, and the name of its folder.
    pub fn id(self) -> &'static str {
        match self {
            Self::Health => "health",
            Self::Resilience => "resilience",
            Self::Config => "config",
            Self::Data => "data",
            Self::Operations => "operations",
            Self::Observability => "observability",
            Self::Errors => "errors",
            Self::Performance => "performance",
            Self::Security => "security",
            Self::Deployment => "deployment",
            Self::Testing => "testing",
            Self::Documentation => "documentation",
            Self::Incident => "incident",
            Self::Clay => "clay",
        }
    }

    pub fn title(self) -> Text {
        let (en, zh) = match self {
            Self::Health => ("Health and lifecycle", "健康检查与生命周期"),
            Self::Resilience => ("Resilience", "弹性"),
            Self::Config => ("Configuration and secrets", "配置与密钥"),
            Self::Data => ("Data safety", "数据安全"),
            Self::Operations => ("Operations", "运维"),
            Self::Observability => ("Observability", "可观测性"),
            Self::Errors => ("Error handling", "错误处理"),
            Self::Performance => ("Performance", "性能"),
            Self::Security => ("Security", "安全"),
            Self::Deployment => ("Deployment", "部署"),
            Self::Testing => ("Testing", "测试"),
            Self::Documentation => ("Documentation", "文档"),
            Self::Incident => ("Incidents", "事故响应"),
            Self::Clay => ("Clay integration", "Clay 集成"),
        };
        Text { en, zh }
    }
}

/// Maturity, a ladder: a level is reached when all its checks and those of the levels below hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Level {
    L1,
    L2,
    L3,
    L4,
}

impl Level {
    pub const ALL: [Self; 4] = [Self::L1, Self::L2, Self::L3, Self::L4];

    pub fn title(self) -> Text {
        match self {
            Self::L1 => Text { en: "L1 MVP", zh: "L1 最小可用" },
            Self::L2 => Text { en: "L2 Stable", zh: "L2 稳定" },
            Self::L3 => Text { en: "L3 Resilient", zh: "L3 弹性" },
            Self::L4 => Text { en: "L4 Optimized", zh: "L4 优化" },
        }
    }
}

/// What a check that does not pass does to the decision. Ordered from weak to strong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Gate {
    /// Reported only.
    Advised,
    /// May be waived with reason, risk, ticket, approver and an expiry.
    Required,
    /// NO-GO while it does not hold.
    Blocker,
    /// One of the six unconditional rules: only an approver named for that purpose can override it.
    Never,
}

/// How strong evidence is, from weak to strong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Strength {
    /// D: a document, an attestation, a library named in a manifest.
    Declared,
    /// C: code that does it, configuration in the repository.
    Configured,
    /// F: the cluster, Prometheus or broker says that it is applied.
    InForce,
    /// O: a live answer, telemetry.
    Observed,
    /// X: behaviour measured under an induced fault or load, or a dated drill record.
    Exercised,
}

impl Strength {
    pub const ALL: [Self; 5] = [Self::Declared, Self::Configured, Self::InForce, Self::Observed, Self::Exercised];

    pub fn letter(self) -> char {
        match self {
            Self::Declared => 'D',
            Self::Configured => 'C',
            Self::InForce => 'F',
            Self::Observed => 'O',
            Self::Exercised => 'X',
        }
    }

    pub fn title(self) -> Text {
        match self {
            Self::Declared => Text { en: "declared", zh: "已声明" },
            Self::Configured => Text { en: "configured", zh: "已配置" },
            Self::InForce => Text { en: "in force", zh: "已生效" },
            Self::Observed => Text { en: "observed", zh: "已观测" },
            Self::Exercised => Text { en: "exercised", zh: "已演练" },
        }
    }
}
