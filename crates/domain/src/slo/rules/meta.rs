//! The recording rules of what is promised, and of how much of the budget is left.

use super::{BASE, Writer};
use crate::{
    evidence::ObjectiveFormat,
    rules::{Record, Rule},
    slo::Decimal,
};

const DAY: u32 = 86_400;

pub(super) fn rules(rules: &Writer<'_>) -> Vec<Rule> {
    let objective = rules.objective;
    let record = |name: &str, expr: String| Record { name: name.to_owned(), expr, labels: rules.labels() };
    let length = objective.period.length();
    let days = Decimal::new(i128::from(length.as_seconds()), 0).over(Decimal::whole(DAY));
    let budget = rules.series("slo:error_budget:ratio");
    let burn = |ratio: String| format!("{ratio}\n/ on(sloth_id, sloth_slo, sloth_service) group_left\n{budget}");
    let mut info = record("sloth_slo_info", "vector(1)".to_owned());
    info.labels.extend([
        ("sloth_mode".to_owned(), "gonogo".to_owned()),
        ("sloth_objective".to_owned(), objective.target.percent().to_string()),
        ("sloth_spec".to_owned(), spec(objective.format).to_owned()),
        ("sloth_version".to_owned(), format!("gonogo-{}", rules.making.version)),
    ]);
    vec![
        record("slo:objective:ratio", format!("vector({})", objective.target)).into(),
        record("slo:error_budget:ratio", format!("vector({})", objective.budget())).into(),
        record("slo:time_period:days", format!("vector({days})")).into(),
        record("slo:current_burn_rate:ratio", burn(rules.ratio(BASE))).into(),
        record("slo:period_burn_rate:ratio", burn(rules.ratio(length))).into(),
        record(
            "slo:period_error_budget_remaining:ratio",
            format!("1 - {}", rules.series("slo:period_burn_rate:ratio")),
        )
        .into(),
        info.into(),
    ]
}

fn spec(format: ObjectiveFormat) -> &'static str {
    match format {
        ObjectiveFormat::OpenSlo => "openslo/v1",
        ObjectiveFormat::Sloth => "prometheus/v1",
        ObjectiveFormat::Pyrra => "pyrra.dev/v1alpha1",
        ObjectiveFormat::Configuration => "gonogo.toml",
        ObjectiveFormat::Infrastructure => "terraform",
    }
}
