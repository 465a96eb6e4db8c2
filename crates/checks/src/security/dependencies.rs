//! Dependencies are pinned, updated by a bot and audited.

use gonogo_domain::{
    Area, Check, Classes, Evidence, Finding, Gate, Message, Missing, Node, Place, Policy, Reading, Readings, Standard,
    Strength, Tally, Text,
    evidence::{Ecosystem, Package, Pipeline, Purpose, ResultFile, ResultKind, SettingsFile, SettingsKind},
};
use jiff::civil::Date;

use crate::shared::secrets::{of_examples, of_tests};

pub(crate) static CHECK: Check = Check {
    id: "security.dependencies",
    title: Text {
        en: "No known critical vulnerability; lockfiles committed; updates automated",
        zh: "无已知严重漏洞；锁文件已提交；依赖自动更新",
    },
    source: &["B3.4c"],
    standard: Standard::ProductionReadiness,
    area: Area::Security,
    level: None,
    gate: Gate::Blocker,
    min: Strength::Configured,
    classes: Classes::ALL,
    fresh_days: None,
    record: &["tool", "critical"],
    remediation: Text {
        en: "Commit the lockfile, let Dependabot or Renovate propose updates, and let CI fail on known vulnerabilities (govulncheck, npm audit, pip-audit, cargo audit, osv-scanner, Trivy).",
        zh: "提交锁文件，由 Dependabot 或 Renovate 提出更新，并让 CI 在发现已知漏洞时失败（govulncheck、npm audit、pip-audit、cargo audit、osv-scanner、Trivy）。",
    },
    references: &["https://owasp.org/Top10/A06_2021-Vulnerable_and_Outdated_Components/", "https://osv.dev/"],
    page: include_str!("dependencies.md"),
    judge,
};

/// A database of vulnerabilities grows daily: what was clean a month ago says little.
const RESULT_DAYS: i32 = 30;

fn judge(evidence: &Evidence<'_>, _policy: &Policy) -> Readings {
    Readings::configured(configured(evidence))
}

fn configured(evidence: &Evidence<'_>) -> Result<Reading, Missing> {
    let packages: Vec<&Package> = evidence.packages()?.iter().filter(|package| counts(package)).collect();
    if packages.is_empty() {
        return Ok(Reading::not_applicable(
            "no package manifest names a dependency that it ships",
            "没有任何软件包清单声明随程序发布的依赖",
        ));
    }
    let library = |package: &Package| package.published && !package.program;
    let mut tally = Tally::new();
    for package in packages.iter().filter(|package| !library(package)) {
        let key = package.place.path();
        match (&package.lockfile, package.pinned_in_manifest) {
            (Some(lock), _) => tally.met(key, lock),
            (None, true) => tally.met(key, &package.place),
            (None, false) => tally.miss(key, unlocked(package)),
        }
    }
    let results = evidence.results()?;
    let critical = critical(results);
    if !tally.is_empty() && tally.count().met < tally.count().of || !critical.is_empty() {
        let count = tally.count();
        let mut reading = tally.reading("package manifests have a lockfile", "份软件包清单有锁文件");
        if !critical.is_empty() {
            reading.findings.extend(critical);
            return Ok(Reading::refuted(
                reading.findings,
                format!("critical vulnerabilities are known; {} of {} manifests have a lockfile", count.met, count.of),
                format!("存在已知严重漏洞；{} 个清单中有 {} 个带锁文件", count.of, count.met),
            ));
        }
        return Ok(reading);
    }

    let locks = tally.reading("package manifests have a lockfile", "份软件包清单有锁文件").witnesses;
    let pipelines = evidence.pipelines()?;
    let audit = match (audited(pipelines), clean_result(results, evidence.today())) {
        (Audit::None | Audit::Scheduled(_) | Audit::Toothless(_), Some(result)) => Audit::Counts(result),
        (audit, _) => audit,
    };
    let bot = update_bot(evidence.settings()?, &packages);
    let first = packages.first().map_or_else(|| Place::whole("."), |package| package.place.clone());
    match (audit, bot) {
        (Audit::Counts(audit), Bot::Covers(bot)) => Ok(Reading::shown(
            locks.into_iter().chain([audit, bot]),
            "versions are pinned, a bot updates them, and an audit fails on known vulnerabilities",
            "版本已锁定，由机器人更新，审计在发现已知漏洞时失败",
        )),
        (audit, Bot::Misses(gap)) => {
            let toothless = match audit {
                Audit::Toothless(finding) => Some(finding),
                Audit::Counts(_) | Audit::Scheduled(_) | Audit::None => None,
            };
            let findings = std::iter::once(gap).chain(toothless).collect();
            Ok(Reading::partly(
                locks,
                findings,
                "the update bot does not cover every ecosystem",
                "更新机器人未覆盖全部生态",
            ))
        }
        // A step that is there and cannot fail is no audit.
        (Audit::Toothless(toothless), _) => Ok(Reading::partly(
            locks,
            vec![toothless],
            "versions are pinned; the audit that runs cannot stop anything",
            "版本已锁定；但所运行的审计无法拦截任何问题",
        )),
        (Audit::None, Bot::None) if !pipelines.is_empty() => Ok(Reading::partly(
            locks,
            vec![Finding::new(
                &first,
                "no bot updates these dependencies and no step of CI audits them",
                "没有机器人更新这些依赖，CI 中也没有审计步骤",
            )],
            "versions are pinned; nobody here looks for known vulnerabilities",
            "版本已锁定；但此处无人检查已知漏洞",
        )),
        (Audit::Scheduled(place), _) => Ok(Reading::elsewhere(
            Message::new(
                format!(
                    "versions are pinned; the audit of {place} runs on a schedule, stops no change, and what it found is not here"
                ),
                format!("版本已锁定；{place} 的审计按计划运行，不拦截任何变更，其结果也不在此处"),
            ),
            Message::new(
                "the audit on every change, its dated result in the repository, or an attestation with the tool and its count of critical findings",
                "在每次变更时运行审计、将带日期的结果放入仓库，或注明工具与严重漏洞数的声明",
            ),
        )),
        (audit, bot) => Ok(open(matches!(audit, Audit::Counts(_)), matches!(bot, Bot::Covers(_)))),
    }
}

/// Alerts, security updates and scans of a platform are switched on outside of the repository.
fn open(audited: bool, updated: bool) -> Reading {
    let (en, zh) = match (audited, updated) {
        (false, true) => (
            "versions are pinned and a bot updates them; no step of CI audits them, alerts of the platform live outside the repository",
            "版本已锁定且由机器人更新；CI 中没有审计步骤，平台告警位于仓库之外",
        ),
        (true, false) => (
            "versions are pinned and audited; no update bot is configured here, one of the organisation would live outside the repository",
            "版本已锁定且经过审计；此处未配置更新机器人，组织级机器人位于仓库之外",
        ),
        _ => (
            "versions are pinned; neither CI, nor a result of an audit, nor an update bot lies here",
            "版本已锁定；此处没有 CI、审计结果或更新机器人",
        ),
    };
    let settle = match (audited, updated) {
        (true, false) => Message::new(
            "a Dependabot or Renovate configuration, or an attestation that names the bot",
            "Dependabot 或 Renovate 配置，或指明机器人的声明",
        ),
        _ => Message::new(
            "an audit step in CI, a dated scan result in the repository, or an attestation with the tool and its count of critical findings",
            "CI 中的审计步骤、仓库内带日期的扫描结果，或注明工具与严重漏洞数的声明",
        ),
    };
    Reading::elsewhere(Message::new(en, zh), settle)
}

/// It ships dependencies, and it is the service's own: no test, no example.
fn counts(package: &Package) -> bool {
    let path = package.place.path();
    !of_tests(path) && !of_examples(path) && package.dependencies.iter().any(|dependency| !dependency.development)
}

fn unlocked(package: &Package) -> Finding {
    let (wanted, zh) = match package.ecosystem {
        Ecosystem::Go => ("go.sum", "go.sum"),
        Ecosystem::Python => {
            ("lockfile, and not every version is pinned with ==", "锁文件，且并非所有版本都用 == 固定")
        }
        Ecosystem::Npm => (
            "package-lock.json, yarn.lock, pnpm-lock.yaml or bun.lock",
            "package-lock.json、yarn.lock、pnpm-lock.yaml 或 bun.lock",
        ),
        Ecosystem::Maven => ("lockfile, and not every version is pinned", "锁文件，且并非所有版本都已固定"),
        Ecosystem::NuGet => {
            ("packages.lock.json, and not every version is pinned", "packages.lock.json，且并非所有版本都已固定")
        }
        Ecosystem::RubyGems => ("Gemfile.lock", "Gemfile.lock"),
        Ecosystem::Cargo => ("Cargo.lock", "Cargo.lock"),
        Ecosystem::Composer => ("composer.lock", "composer.lock"),
    };
    Finding::new(
        &package.place,
        format!("no {wanted}: two builds of one commit may ship different code"),
        format!("没有 {zh}：同一提交的两次构建可能包含不同代码"),
    )
}

/// The newest result of each tool that counts critical vulnerabilities.
fn critical(results: &[ResultFile]) -> Vec<Finding> {
    results
        .iter()
        .filter(|result| result.kind == ResultKind::Vulnerabilities && !of_tests(result.place.path()))
        .filter(|result| {
            let newer = |other: &&ResultFile| {
                other.kind == result.kind && other.tool == result.tool && other.on > result.on && result.on.is_some()
            };
            !results.iter().any(|other| newer(&other))
        })
        .filter_map(|result| {
            let count = result.measures.get("critical").copied().filter(|count| *count > 0.0)?;
            Some(Finding::new(
                &result.place,
                format!(
                    "{} counts {count} critical {}",
                    result.tool,
                    if count > 1.0 { "vulnerabilities" } else { "vulnerability" }
                ),
                format!("{} 统计到 {count} 个严重漏洞", result.tool),
            ))
        })
        .collect()
}

/// A result without a critical vulnerability, young enough to say something.
fn clean_result(results: &[ResultFile], today: Date) -> Option<Place> {
    results
        .iter()
        .filter(|result| result.kind == ResultKind::Vulnerabilities)
        .find(|result| {
            let age = result.on.and_then(|on| today.since(on).ok()).map(|age| age.get_days());
            age.is_some_and(|days| (0..=RESULT_DAYS).contains(&days))
        })
        .map(|result| result.place.clone())
}

/// A step that stops a change. Else one that runs on a schedule, else one that cannot fail, if there is one.
fn audited(pipelines: &[Pipeline]) -> Audit {
    let mut scheduled: Option<Place> = None;
    let mut toothless: Option<Finding> = None;
    for pipeline in pipelines.iter().filter(|pipeline| pipeline.runs_by_itself()) {
        let on_schedule = pipeline.triggers.iter().any(|trigger| trigger == "schedule");
        for (job, step) in pipeline.steps() {
            let audits = |purpose: &Purpose| matches!(purpose, Purpose::DependencyAudit | Purpose::ImageScan);
            if !step.purposes.iter().any(audits) {
                continue;
            }
            let tolerated = step.tolerated.as_ref().or(job.tolerated.as_ref());
            match tolerated {
                None if pipeline.runs_on_changes() && !job.manual => return Audit::Counts(step.place.clone()),
                None if on_schedule && !job.manual => {
                    scheduled.get_or_insert_with(|| step.place.clone());
                }
                None => {
                    toothless.get_or_insert_with(|| {
                        Finding::new(
                            &step.place,
                            "this audit only runs when somebody starts it",
                            "此审计仅在有人手动启动时运行",
                        )
                    });
                }
                Some(place) => {
                    toothless.get_or_insert_with(|| {
                        Finding::new(
                            place,
                            "the audit of dependencies may fail and nothing stops",
                            "依赖审计失败也不会拦截任何步骤",
                        )
                    });
                }
            }
        }
    }
    scheduled.map(Audit::Scheduled).or(toothless.map(Audit::Toothless)).unwrap_or(Audit::None)
}

/// What looks for known vulnerabilities.
enum Audit {
    /// It stops a change, or its result is here.
    Counts(Place),
    /// It tells somebody, elsewhere, and stops nothing.
    Scheduled(Place),
    Toothless(Finding),
    None,
}

enum Bot {
    Covers(Place),
    Misses(Finding),
    None,
}

fn update_bot(settings: &[SettingsFile], packages: &[&Package]) -> Bot {
    let bots: Vec<&SettingsFile> = settings.iter().filter(|file| file.kind == SettingsKind::UpdateBot).collect();
    let Some(first) = bots.first() else { return Bot::None };
    // Renovate finds every manifest by itself, unless it is told which managers to use.
    let renovate = bots.iter().find(|file| !is_dependabot(file) && file.body.get("enabledManagers").is_none());
    if let Some(renovate) = renovate {
        return Bot::Covers(renovate.place.clone());
    }
    let mut missed: Vec<&str> = Vec::new();
    for package in packages {
        let covered = bots.iter().any(|file| {
            let names = if is_dependabot(file) {
                let updates = file.body.list("updates").iter().filter(|update| !is_narrow(update));
                updates.filter_map(|update| update.str_at("package-ecosystem")).collect()
            } else {
                file.body.list("enabledManagers").iter().filter_map(|manager| manager.str()).collect::<Vec<_>>()
            };
            names.iter().any(|name| names_of(package.ecosystem).contains(name))
        });
        if !covered {
            missed.push(package.ecosystem.name());
        }
    }
    missed.sort_unstable();
    missed.dedup();
    if missed.is_empty() {
        return Bot::Covers(first.place.clone());
    }
    let missed = missed.join(", ");
    Bot::Misses(Finding::new(
        &first.place,
        format!("no updates are configured for {missed}"),
        format!("未为 {missed} 配置更新"),
    ))
}

/// Dependabot is told of a few packages by name, or to leave all of them alone.
fn is_narrow(update: &Node) -> bool {
    let names = |key: &str| update.list(key).iter().map(|one| one.str_at("dependency-name")).collect::<Vec<_>>();
    let allowed = names("allow");
    let all_ignored = update.list("ignore").iter().any(|one| {
        one.str_at("dependency-name") == Some("*") && one.get("versions").is_none() && one.get("update-types").is_none()
    });
    let few = !allowed.is_empty() && allowed.iter().all(|name| name.is_some_and(|name| name != "*"));
    few || all_ignored
}

fn is_dependabot(file: &SettingsFile) -> bool {
    file.body.get("updates").is_some() || file.body.get("update_configs").is_some()
}

/// What Dependabot and Renovate call the managers of an ecosystem.
fn names_of(ecosystem: Ecosystem) -> &'static [&'static str] {
    match ecosystem {
        Ecosystem::Go => &["gomod"],
        Ecosystem::Python => {
            &["pip", "uv", "poetry", "pip_requirements", "pip_setup", "pipenv", "pip-compile", "pep621", "setup-cfg"]
        }
        Ecosystem::Npm => &["npm", "bun", "pnpm", "yarn"],
        Ecosystem::Maven => &["maven", "gradle", "gradle-wrapper"],
        Ecosystem::NuGet => &["nuget", "dotnet-sdk"],
        Ecosystem::RubyGems => &["bundler"],
        Ecosystem::Cargo => &["cargo"],
        Ecosystem::Composer => &["composer"],
    }
}
