//! OpenSLO objectives, whole: what rules are made of.

use std::sync::Arc;

use gonogo_domain::{
    Node,
    evidence::{Indicator, Located, Objective, ObjectiveFormat},
    rules::{Labels, Span},
    slo::{
        self, Alerting, Budgeting, Calendar, CalendarUnit, Comparison, Decimal, Outcome, Period, Severity, Sli, Zone,
    },
};

use super::{
    figures,
    measure::{self, Part as Counted},
    open_slo::Catalogue,
    promised, rolling, texts,
};

/// One objective of an SLO.
pub(super) struct Part<'a> {
    pub document: &'a Node,
    pub spec: &'a Node,
    pub objective: &'a Node,
    pub index: usize,
    pub several: bool,
    pub indicator: Indicator,
}

pub(super) fn open_slo(part: &Part<'_>, catalogue: &Catalogue<'_>) -> Result<slo::Objective, String> {
    let Part { document, spec, objective, .. } = part;
    let name = document.str_at("metadata.name").ok_or("it has no name")?;
    let alpha = document.str_at("apiVersion") == Some("openslo/v1alpha");
    let target = objective.get("target").and_then(figures::exact_ratio);
    let target = target.or_else(|| objective.get("targetPercent").and_then(figures::exact_percent));
    Ok(slo::Objective {
        service: spec.str_at("service").ok_or("it names no service")?.to_owned(),
        // Sloth numbers the objectives of the version that it reads, so that its users find their series again.
        name: if part.several || alpha { format!("{name}-{}", part.index) } else { name.to_owned() },
        description: spec.str_at("description").unwrap_or_default().to_owned(),
        place: if part.several { objective.place.clone() } else { document.place.clone() },
        format: ObjectiveFormat::OpenSlo,
        indicator: part.indicator,
        sli: sli(part, catalogue)?,
        target: promised(target)?,
        period: period(spec)?,
        budgeting: budgeting(spec, objective)?,
        alerting: alerting(spec, catalogue),
        labels: texts(document.at("metadata.labels")),
    })
}

fn sli(part: &Part<'_>, catalogue: &Catalogue<'_>) -> Result<Sli, String> {
    let mut holders = Vec::new();
    for holder in [part.objective, part.spec] {
        if let Some(name) = holder.str_at("indicatorRef") {
            let found = catalogue.indicators.get(name).ok_or_else(|| format!("there is no indicator `{name}`"))?;
            holders.extend(found.get("spec"));
        }
        holders.extend(holder.at("indicator.spec"));
        holders.extend(holder.get("indicator"));
        holders.push(holder);
    }
    for holder in holders {
        if let Some(ratio) = ["ratioMetric", "ratioMetrics"].iter().find_map(|key| holder.get(key)) {
            return ratio_metric(ratio, catalogue);
        }
        if let Some(metric) = holder.get("thresholdMetric") {
            return threshold_metric(metric, part.objective, catalogue);
        }
    }
    Err("nothing measures it".to_owned())
}

fn ratio_metric(ratio: &Node, catalogue: &Catalogue<'_>) -> Result<Sli, String> {
    let query = |key: &str| ratio.get(key).map(|metric| query(metric, catalogue)).transpose();
    if let Some(raw) = query("raw")? {
        let of = match ratio.str_at("rawType") {
            Some("success") => Outcome::Success,
            Some("failure") => Outcome::Failure,
            _ => {
                return Err("it does not say whether its raw ratio is of successes or of failures (rawType)".to_owned());
            }
        };
        return measure::ratio(&raw, of);
    }
    let total = query("total")?.ok_or("it has no total")?;
    match (query("bad")?, query("good")?) {
        (Some(bad), None) => measure::events(Counted::Bad, &bad, &total),
        (None, Some(good)) => measure::events(Counted::Good, &good, &total),
        (Some(_), Some(_)) => Err("it has both good and bad: which of them counts is not said".to_owned()),
        (None, None) => Err("it has neither good nor bad".to_owned()),
    }
}

fn threshold_metric(metric: &Node, objective: &Node, catalogue: &Catalogue<'_>) -> Result<Sli, String> {
    let (value, uses) = measure::value(&query(metric, catalogue)?)?;
    let good = match objective.str_at("op") {
        Some("lt") => Comparison::Below,
        Some("lte") => Comparison::AtMost,
        Some("gt") => Comparison::Above,
        Some("gte") => Comparison::AtLeast,
        _ => return Err("it has a thresholdMetric and no op (lt, lte, gt, gte) that says what is good".to_owned()),
    };
    let bound = objective.get("value").and_then(figures::exact_ratio);
    let bound = bound.ok_or("it has a thresholdMetric and no value to compare it with")?;
    Ok(Sli::Threshold { value, good, bound, uses })
}

/// The query of a metric whose source is Prometheus, or does not say what it is.
fn query(metric: &Node, catalogue: &Catalogue<'_>) -> Result<String, String> {
    let referred = metric.str_at("metricSource.metricSourceRef").and_then(|name| catalogue.sources.get(name));
    let of_reference = || referred.and_then(|source| source.str_at("spec.type"));
    let kind = metric.str_at("metricSource.type").or_else(|| metric.str_at("source")).or_else(of_reference);
    if let Some(kind) = kind {
        let known = ["prometheus", "thanos", "mimir", "cortex", "victoriametrics", "amp", "any"];
        let lower = kind.to_lowercase();
        if !known.iter().any(|one| lower.contains(one)) {
            return Err(format!("its source is {kind}, which rules of Prometheus cannot ask"));
        }
    }
    let places =
        ["metricSource.spec.query", "metricSource.spec.promql", "metricSource.spec.expr", "query", "spec.query"];
    places.iter().find_map(|place| metric.str_at(place)).map(str::to_owned).ok_or_else(|| "it has no query".to_owned())
}

fn period(spec: &Node) -> Result<Period, String> {
    let windows = ["timeWindow", "timeWindows"].iter().find_map(|key| spec.get(key)).ok_or("it has no window")?;
    let window = windows.items().first().unwrap_or(windows);
    let calendar = window.get("calendar").filter(|calendar| !calendar.is_null());
    if calendar.is_none() || window.bool_at("isRolling") == Some(true) {
        if calendar.is_none() && window.bool_at("isRolling") == Some(false) {
            return Err("its window is not rolling and has no calendar".to_owned());
        }
        return rolling(super::open_slo::window(spec).as_ref());
    }
    let written = window.str_at("duration").map(str::to_owned);
    let written = written.or_else(|| Some(format!("{}{}", window.int_at("count")?, window.str_at("unit")?)));
    let written = written.ok_or("it has no window")?;
    let (count, unit) = calendar_unit(&written).ok_or_else(|| {
        format!("its window `{written}` is no turn of a calendar: write a day as 1d, a week as 1w, a month as 1M, a quarter as 1Q")
    })?;
    let zone = calendar.and_then(|calendar| calendar.str_at("timeZone")).unwrap_or("UTC");
    let begins = match calendar.and_then(|calendar| calendar.str_at("startTime")) {
        None => None,
        Some(text) => Some(
            text.trim()
                .trim_end_matches(['Z', 'z'])
                .replacen(' ', "T", 1)
                .parse()
                .map_err(|_| format!("its startTime `{text}` is no date with a time"))?,
        ),
    };
    let zone = Zone::named(zone).ok_or_else(|| format!("its zone `{zone}` is not in the time-zone database"))?;
    Ok(Period::Calendar(Calendar { unit, count, begins, zone }))
}

fn calendar_unit(text: &str) -> Option<(u32, CalendarUnit)> {
    let (number, unit) = text.split_at_checked(text.find(|letter: char| !letter.is_ascii_digit())?)?;
    let count: u32 = number.parse().ok().filter(|count| (1..=366).contains(count))?;
    // `1m` is a minute: a calendar does not turn by minutes.
    let unit = match unit {
        "M" => CalendarUnit::Month,
        "Q" => CalendarUnit::Quarter,
        "Y" | "y" => CalendarUnit::Year,
        "w" | "W" => CalendarUnit::Week,
        "d" | "D" => CalendarUnit::Day,
        unit => match unit.to_ascii_lowercase().trim_end_matches('s') {
            "day" => CalendarUnit::Day,
            "week" => CalendarUnit::Week,
            "month" => CalendarUnit::Month,
            "quarter" => CalendarUnit::Quarter,
            "year" => CalendarUnit::Year,
            _ => return None,
        },
    };
    let days = match unit {
        CalendarUnit::Day => 1,
        CalendarUnit::Week => 7,
        CalendarUnit::Month => 30,
        CalendarUnit::Quarter => 91,
        CalendarUnit::Year => 365,
    };
    (count.checked_mul(days)? <= 366).then_some((count, unit))
}

fn budgeting(spec: &Node, objective: &Node) -> Result<Budgeting, String> {
    let slice = || {
        let text = objective.str_at("timeSliceWindow").ok_or("it counts slices of time and has no timeSliceWindow")?;
        // A bare number is minutes.
        let slice = match text.trim().parse::<u64>() {
            Ok(minutes) => Some(Span::minutes(minutes.min(10_000))),
            Err(_) => text.trim().parse().ok(),
        };
        slice
            .filter(|slice| (Span::seconds(10)..=Span::days(1)).contains(slice))
            .ok_or_else(|| format!("its timeSliceWindow `{text}` is none between 10 s and a day"))
    };
    match spec.str_at("budgetingMethod") {
        None | Some("Occurrences") => Ok(Budgeting::Occurrences),
        Some("RatioTimeslices") => Ok(Budgeting::RatioTimeslices { slice: slice()? }),
        Some("Timeslices") => {
            let target = objective.get("timeSliceTarget").and_then(figures::exact_ratio);
            let fits = |target: &Decimal| *target > Decimal::ZERO && *target <= Decimal::ONE;
            let threshold = || objective.get("op").is_some().then_some(Decimal::ONE);
            let target = target.or_else(threshold).filter(fits);
            Ok(Budgeting::Timeslices {
                slice: slice()?,
                target: target.ok_or("it counts slices of time and has no timeSliceTarget above 0 and up to 1")?,
            })
        }
        Some(other) => {
            Err(format!("its budgetingMethod `{other}` is none of Occurrences, Timeslices, RatioTimeslices"))
        }
    }
}

/// An SLO without a policy alerts in both ways; one with policies, in the ways that they name.
fn alerting(spec: &Node, catalogue: &Catalogue<'_>) -> Alerting {
    let policies: Vec<&Node> = spec
        .list("alertPolicies")
        .iter()
        .filter_map(|policy| match policy.str_at("alertPolicyRef").or_else(|| policy.str()) {
            Some(name) => catalogue.policies.get(name).copied(),
            None => Some(policy),
        })
        .collect();
    let mut alerting = Alerting { no_data: Some(Severity::Ticket), ..Alerting::default() };
    if policies.is_empty() {
        return alerting;
    }
    let mut named = Vec::new();
    let mut no_data = false;
    for policy in policies {
        no_data |= policy.bool_at("spec.alertWhenNoData") == Some(true);
        if policy.bool_at("spec.alertWhenBreaching") == Some(false) {
            continue;
        }
        for condition in policy.list("spec.conditions") {
            let condition = match condition.str_at("conditionRef") {
                Some(name) => catalogue.conditions.get(name).copied(),
                None => Some(condition),
            };
            named.extend(condition.and_then(|condition| condition.str_at("spec.severity")).map(str::to_lowercase));
        }
    }
    let wakes =
        |severity: &String| ["page", "critical", "high", "sev1", "sev2", "p1", "p2"].contains(&severity.as_str());
    // A policy whose severity is not said is taken for both.
    if !named.is_empty() {
        alerting.page.enabled = named.iter().any(wakes);
        alerting.ticket.enabled = named.iter().any(|severity| !wakes(severity)) || !alerting.page.enabled;
    }
    alerting.no_data = no_data.then_some(if alerting.ticket.enabled { Severity::Ticket } else { Severity::Page });
    alerting
}

/// An SLO of `gonogo.toml`, with queries that count.
#[derive(Debug, Default)]
pub(crate) struct Stated {
    pub good: Option<String>,
    pub bad: Option<String>,
    pub total: Option<String>,
    /// The target as it is written.
    pub target: Option<String>,
}

/// The whole of an objective of the configuration.
pub(crate) fn stated(objective: &Objective, stated: &Stated) -> Result<Arc<slo::Objective>, String> {
    let total = stated.total.as_deref().ok_or("rules need queries that count: `total`, with `bad` or `good`")?;
    let sli = match (stated.bad.as_deref(), stated.good.as_deref()) {
        (Some(bad), None) => measure::events(Counted::Bad, bad, total)?,
        (None, Some(good)) => measure::events(Counted::Good, good, total)?,
        _ => return Err("rules need either `bad` or `good` beside `total`".to_owned()),
    };
    Ok(Arc::new(slo::Objective {
        service: objective.service.clone().unwrap_or_default(),
        name: objective.name.clone(),
        description: String::new(),
        place: objective.place.clone(),
        format: ObjectiveFormat::Configuration,
        indicator: objective.indicator,
        sli,
        target: promised(stated.target.as_deref().and_then(|text| text.parse().ok()))?,
        period: rolling(
            objective.window_seconds.as_ref().map(|window| Located::new(window.value, &window.place)).as_ref(),
        )?,
        budgeting: Budgeting::Occurrences,
        alerting: Alerting { no_data: Some(Severity::Ticket), ..Alerting::default() },
        labels: Labels::new(),
    }))
}
