//! The driver of a cluster, as a rollout file names it.

use gonogo_actuators::kubernetes::{Settings, Strategy};
use gonogo_collectors::configuration::table::Table;

/// What each strategy needs besides the workload.
const STRATEGIES: &[&str] = &["replicas", "routes", "rolling", "argo-rollouts", "flagger"];

/// `[driver.kubernetes]`. Who drives is not in a file: whoever starts it says so.
pub(crate) fn kubernetes(table: &Table<'_>) -> Option<Settings> {
    let workload = table.required_text("workload");
    let strategy = table.required_choice_of("strategy", STRATEGIES);
    let strategy = strategy.and_then(|strategy| match strategy.as_str() {
        "replicas" => Some(Strategy::Replicas { service: table.required_text("service")? }),
        "routes" => {
            let (service, route) = (table.required_text("service"), table.required_text("route"));
            Some(Strategy::Routes { service: service?, route: route? })
        }
        "rolling" => Some(Strategy::Rolling { surge: table.number("surge") }),
        "argo-rollouts" => Some(Strategy::ArgoRollouts),
        _ => Some(Strategy::Flagger),
    });
    let settings = Settings {
        kubeconfig: table.text("kubeconfig").map(Into::into),
        context: table.text("context"),
        namespace: table.text("namespace"),
        workload: workload.clone().unwrap_or_default(),
        container: table.text("container"),
        strategy: strategy.clone().unwrap_or(Strategy::Flagger),
        holder: String::new(),
    };
    table.finish();
    workload.and(strategy).map(|_| settings)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use crate::{DriverFile, File};

    #[track_caller]
    fn check(driver: &str, expect: Result<&str, &str>) {
        let text = format!(
            "name = \"web\"\nenvironment = \"staging\"\n[release]\nrevision = \"2\"\n[driver.kubernetes]\n{driver}\n\
             [[gate]]\nname = \"answers\"\nkind = \"http\"\nurl = \"http://127.0.0.1/\"\n"
        );
        let found = File::parse(&Arc::from("rollout.toml"), &text, None);
        match expect {
            Ok(strategy) => {
                let found = found.map_or_else(|errors| panic!("{errors:?}"), |file| file.driver);
                assert!(
                    matches!(&found, DriverFile::Kubernetes(one) if format!("{:?}", one.strategy) == strategy),
                    "{found:?}"
                );
            }
            Err(message) => {
                let errors = format!("{:?}", found.expect_err("the file has a mistake"));
                assert!(errors.contains(message), "{errors}");
            }
        }
    }

    #[test]
    fn each_strategy_asks_for_what_it_needs() {
        let with = |strategy: &str, more: &str| format!("workload = \"web\"\nstrategy = \"{strategy}\"\n{more}");
        check(&with("replicas", "service = \"web\""), Ok("Replicas { service: \"web\" }"));
        check(&with("replicas", ""), Err("`service` is missing"));
        check(&with("routes", "service = \"web\"\nroute = \"r\""), Ok("Routes { service: \"web\", route: \"r\" }"));
        check(&with("rolling", "surge = 2"), Ok("Rolling { surge: Some(2) }"));
        check(&with("rolling", "service = \"web\""), Err("service"));
        check(&with("argo-rollouts", "namespace = \"shop\""), Ok("ArgoRollouts"));
        check(&with("blue-green", ""), Err("blue-green"));
        check("strategy = \"flagger\"", Err("`workload` is missing"));
    }
}
