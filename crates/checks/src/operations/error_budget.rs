//! A spent error budget stops features.

use gonogo_domain::{
    Area, Check, Classes, Evidence, Finding, Gate, Level, Message, Missing, Policy, Reading, Readings, Source,
    Standard, Strength, Text,
    evidence::{GateRecord, Objective},
    slo::{DecidedBudget, Exemption, Standing},
};
use jiff::{civil::Date, tz::TimeZone};

pub(crate) static CHECK: Check = Check {
    id: "operations.error-budget",
    title: Text { en: "A spent error budget freezes feature releases", zh: "错误预算耗尽时冻结功能发布" },
    source: &["B6.4"],
    standard: Standard::ProductionReadiness,
    area: Area::Operations,
    level: Some(Level::L4),
    gate: Gate::Never,
    min: Strength::Observed,
    classes: Classes::LONG_RUNNING,
    // A budget of a month can be spent within the hour; what was told before the last day says nothing of today.
    fresh_days: Some(1),
    record: &[],
    remediation: Text {
        en: "Let gonogo read the remaining budget from Prometheus before each release, and release only reliability fixes while it is spent.",
        zh: "每次发布前让 gonogo 从 Prometheus 读取剩余错误预算；预算耗尽期间只发布可靠性修复。",
    },
    references: &["https://sre.google/workbook/error-budget-policy/"],
    page: include_str!("error_budget.md"),
    judge,
};

fn judge(evidence: &Evidence<'_>, _policy: &Policy) -> Readings {
    Readings::of(Strength::Observed, observed(evidence))
}

fn observed(evidence: &Evidence<'_>) -> Result<Reading, Missing> {
    let objectives = evidence.objectives()?;
    if objectives.is_empty() {
        let files = evidence.files_read(Source::Objectives);
        return Ok(Reading::not_applicable(
            format!("no SLO is declared ({files} SLO files read), so there is no budget to spend"),
            format!("未声明 SLO（读取了 {files} 个 SLO 文件），因此没有可消耗的预算"),
        ));
    }
    let gates = evidence.gates()?;
    let told: Vec<Told<'_>> = objectives.iter().map(|objective| Told::of(objective, gates)).collect();
    let on = told.iter().filter_map(Told::on).min();
    Ok(judged(&told, evidence.today()).dated(on))
}

/// What was last told of an objective's budget.
struct Told<'a> {
    name: &'a str,
    /// Why no gate can ask for it.
    cannot: Option<&'a str>,
    last: Option<(&'a GateRecord, &'a DecidedBudget)>,
}

impl<'a> Told<'a> {
    fn of(objective: &'a Objective, gates: &'a [GateRecord]) -> Self {
        let last = objective.whole.as_ref().ok().and_then(|whole| {
            let id = whole.id();
            let budgets = gates.iter().filter_map(|gate| {
                let mut budgets = gate.decision.budgets.iter();
                Some((gate, budgets.find(|budget| budget.objective == id)?))
            });
            budgets.max_by_key(|(gate, _)| gate.decision.at)
        });
        Self { name: &objective.name, cannot: objective.whole.as_ref().err().map(String::as_str), last }
    }

    fn on(&self) -> Option<Date> {
        self.last.map(|(gate, _)| gate.decision.at.to_zoned(TimeZone::UTC).date())
    }

    fn standing(&self) -> Standing {
        self.last.map_or(Standing::Unknown, |(_, budget)| budget.standing)
    }

    /// What remains, as a person reads it.
    fn remaining(&self) -> String {
        let ratio = self.last.and_then(|(_, budget)| budget.remaining.as_deref()?.parse::<f64>().ok());
        ratio.map_or_else(|| "?".to_owned(), |ratio| format!("{:.1} %", ratio * 100.0))
    }

    /// By whom it may pass although it is spent: the release that the gate was asked for is a reliability fix.
    fn exempt(&self, today: Date) -> Option<&'a Exemption> {
        let exemption = self.last?.0.decision.exemption.as_ref()?;
        exemption.problem(today).is_none().then_some(exemption)
    }
}

fn judged(told: &[Told<'_>], today: Date) -> Reading {
    let places = || told.iter().filter_map(|one| Some(one.last?.0.place.clone()));
    let frozen: Vec<&Told<'_>> = told.iter().filter(|one| one.standing() == Standing::Frozen).collect();
    let findings: Vec<Finding> = frozen
        .iter()
        .filter(|one| one.exempt(today).is_none())
        .filter_map(|one| {
            let (name, left) = (one.name, one.remaining());
            let place = &one.last?.0.place;
            Some(Finding::new(
                place,
                format!("the error budget of {name} is frozen: {left} remain"),
                format!("{name} 的错误预算已冻结：剩余 {left}"),
            ))
        })
        .collect();
    if !findings.is_empty() {
        return Reading::refuted(
            findings,
            "a budget is spent: only reliability fixes may be released",
            "错误预算已耗尽：只能发布可靠性修复",
        );
    }
    let unknown: Vec<String> = told
        .iter()
        .filter(|one| one.standing() == Standing::Unknown)
        .map(|one| one.cannot.map_or_else(|| one.name.to_owned(), |why| format!("{} ({why})", one.name)))
        .collect();
    if !unknown.is_empty() {
        let names = unknown.join(", ");
        return Reading::elsewhere(
            Message::new(format!("what remains of a budget is not known: {names}"), format!("剩余预算未知：{names}")),
            Message::new(
                "`gonogo slo gate . --prometheus URL` of a Prometheus that has the series",
                "对拥有相应序列的 Prometheus 执行 `gonogo slo gate . --prometheus URL`",
            ),
        );
    }
    if let Some(exemption) = frozen.iter().find_map(|one| one.exempt(today)) {
        let Exemption { name, ticket, approver, .. } = exemption;
        return Reading::shown(
            places(),
            format!(
                "a budget is spent; this release passes as a reliability fix: {name}, {ticket}, approved by {approver}"
            ),
            format!("预算已耗尽；本次发布作为可靠性修复放行：{name}，{ticket}，由 {approver} 批准"),
        );
    }
    let left = told.iter().map(|one| format!("{} {}", one.name, one.remaining())).collect::<Vec<_>>().join(", ");
    Reading::shown(places(), format!("no budget is spent; {left} remain"), format!("没有预算耗尽；剩余：{left}"))
}
