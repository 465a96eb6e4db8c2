//! Names of environments, and whether customers are served there.

/// The environment that a path names, from the folders nearest to the file outwards, then from the file's own name:
/// `k8s/prod/api.yaml`, `deploy/api.staging.yaml`. None if no part of it is such a word.
pub(crate) fn of_path(path: &str) -> Option<String> {
    let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
    let stem = name.split_once('.').map_or(name, |(stem, _)| stem);
    let middle = name.rsplit_once('.').and_then(|(rest, _)| rest.rsplit_once('.')).map(|(_, middle)| middle);
    let by_name = middle
        .into_iter()
        .chain(stem.rsplit(['-', '_']).take(1))
        .chain(stem.split(['-', '_']).take(1))
        .find(|word| is_clear(&word.to_ascii_lowercase()))
        .map(str::to_owned);
    by_name.or_else(|| of_folder(folder))
}

/// The environment that a folder or one above it names: an environment's word, or what lies under `overlays`.
pub(crate) fn of_folder(folder: &str) -> Option<String> {
    let parts: Vec<&str> = folder.split('/').filter(|part| !matches!(*part, "" | ".")).collect();
    let under = parts.windows(2).rev().find_map(|pair| match pair {
        [above, part] if HOLDERS.contains(&above.to_ascii_lowercase().as_str()) => Some((*part).to_owned()),
        _ => None,
    });
    under.or_else(|| parts.iter().rev().find(|part| names(part)).map(|part| (*part).to_owned()))
}

/// Folders that hold one folder for each environment.
const HOLDERS: &[&str] = &["overlays", "overlay", "environments", "environment", "envs"];

/// The whole word is an environment, or one of its parts clearly is (`k8s-dev`).
fn names(part: &str) -> bool {
    let lower = part.to_ascii_lowercase();
    is_clear(&lower) || UNCLEAR.contains(&lower.as_str()) || lower.split(['-', '_', '.']).any(is_clear)
}

/// No customer is served there.
pub(crate) fn is_production(environment: &str) -> bool {
    let lower = environment.to_ascii_lowercase();
    if UNCLEAR.contains(&lower.as_str()) {
        return false;
    }
    !lower.split(|letter: char| !letter.is_ascii_alphanumeric()).any(|word| {
        let word = word.trim_end_matches(|letter: char| letter.is_ascii_digit());
        NOT_PRODUCTION.contains(&word) || UNCLEAR_PARTS.contains(&word)
    }) && !lower.contains("non-prod")
        && !lower.contains("pre-prod")
}

/// Whether a word names an environment and hardly ever anything else.
pub(crate) fn is_clear(word: &str) -> bool {
    let word = word.trim_end_matches(|letter: char| letter.is_ascii_digit());
    PRODUCTION.contains(&word) || NOT_PRODUCTION.contains(&word)
}

const PRODUCTION: &[&str] = &["prod", "production", "prd"];

const NOT_PRODUCTION: &[&str] = &[
    "dev",
    "devel",
    "develop",
    "development",
    "staging",
    "stage",
    "stg",
    "qa",
    "uat",
    "sandbox",
    "minikube",
    "preprod",
    "nonprod",
    "e2e",
    "loadtest",
    "tilt",
    "microk8s",
    "localdev",
];

/// Environments as the whole name of a folder; inside a longer name they mean other things (`load-balancer`).
const UNCLEAR: &[&str] = &[
    "local",
    "localhost",
    "ci",
    "test",
    "tests",
    "testing",
    "kind",
    "k3d",
    "load",
    "preview",
    "playground",
    "integration",
    "debug",
    "perf",
    "benchmark",
    "skaffold",
    // Where projects of the Kubernetes world keep what only their developers run.
    "hack",
];

/// Those of them that a name which is known to be an environment's may hold as a part.
const UNCLEAR_PARTS: &[&str] =
    &["local", "ci", "test", "tests", "testing", "kind", "preview", "playground", "debug", "integration", "perf"];

#[cfg(test)]
mod tests {
    use super::*;

    fn check(path: &str, environment: Option<&str>, production: bool) {
        let found = of_path(path);
        assert_eq!(found.as_deref(), environment, "{path}");
        assert_eq!(found.as_deref().is_none_or(is_production), production, "{path}");
    }

    #[test]
    fn folders_and_names_tell_the_environment() {
        check("k8s/prod/api.yaml", Some("prod"), true);
        check("k8s/staging/api.yaml", Some("staging"), false);
        check("deploy/overlays/eu-west/api.yaml", Some("eu-west"), true);
        check("deploy/overlays/dev-eu/api.yaml", Some("dev-eu"), false);
        check("deploy/api.staging.yaml", Some("staging"), false);
        check("deploy/deployment-prod.yaml", Some("prod"), true);
        check("tests/api.yaml", Some("tests"), false);
        check("k8s-dev/api.yaml", Some("k8s-dev"), false);
    }

    #[test]
    fn other_words_are_no_environments() {
        check("src/load-generator/deployment.yaml", None, true);
        check("manifests/test-runner.yaml", None, true);
        check("manifests/device/deployment.yaml", None, true);
        check("manifests/kind-controller/api.yaml", None, true);
        check("api.yaml", None, true);
        check("", None, true);
    }

    #[test]
    fn numbered_environments_are_known_too() {
        assert!(!is_production("dev2"));
        assert!(!is_production("k3d"));
        assert!(!is_production("pre-prod"));
        assert!(is_production("prod-eu-1"));
        assert!(is_production("cluster-install"));
    }
}
