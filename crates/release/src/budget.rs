//! The error budgets that a rollout file asks before it begins.

use gonogo_collectors::configuration::table::Table;

use crate::PrometheusFile;

/// The error budgets that a release has to be allowed by.
#[derive(Clone, Debug)]
pub struct BudgetFile {
    /// Where the objectives lie, below the root of the repository.
    pub objectives: String,
    /// The address of the Prometheus that knows them, and a header with the variable that holds its value.
    pub prometheus: String,
    pub header: Option<(String, String)>,
}

pub(crate) fn read(table: &Table<'_>, prometheus: Option<&PrometheusFile>) -> Option<BudgetFile> {
    let (objectives, url) = (table.text("objectives"), table.text("prometheus"));
    table.finish();
    let objectives = objectives.unwrap_or_else(|| ".".to_owned());
    if objectives.starts_with('/') || objectives.split('/').any(|part| part == "..") {
        table.error("objectives", "objectives lie below the root of the repository");
        return None;
    }
    let (prometheus, header) = match (url, prometheus) {
        (Some(url), _) => (url, None),
        (None, Some(known)) => (known.url.clone(), known.header.clone()),
        (None, None) => {
            table.error(
                "prometheus",
                "budgets are asked from a Prometheus: `prometheus = \"http://…\"`, or [prometheus] url",
            );
            return None;
        }
    };
    Some(BudgetFile { objectives, prometheus, header })
}
