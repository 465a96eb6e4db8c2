//! Jobs that set up an environment for one change: what they deploy is looked at and thrown away.

use std::sync::OnceLock;

use gonogo_domain::evidence::Located;
use regex::Regex;

use super::DraftJob;

/// The job deploys to a place that carries the name of a change: `NAMESPACE=pr-$PR_NUMBER`, `review/$CI_COMMIT_REF_SLUG`.
pub(super) fn is_one(job: &DraftJob, variables: &[(String, Located<String>)]) -> bool {
    if job.job.environment.as_ref().is_some_and(|one| named_after_change(&one.value) || is_preview(&one.value)) {
        return true;
    }
    let texts =
        || job.steps.iter().flat_map(|step| step.step.run.iter().chain(step.step.with.iter().map(|(_, text)| text)));
    if texts().any(|text| text.lines().any(is_place_of_change)) {
        return true;
    }
    // A variable of the pipeline, where this job uses it.
    variables
        .iter()
        .filter(|(name, value)| is_place_of_change(&format!("{name}={}", value.value)))
        .any(|(name, _)| texts().any(|text| mentions(text, name)))
}

/// The first word of an environment's name says that it is for looking at a change.
fn is_preview(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    let first = lower.split(|letter: char| !letter.is_ascii_alphanumeric()).next();
    matches!(first, Some("preview" | "previews" | "review" | "ephemeral" | "pr"))
}

/// A line that gives a namespace, a cluster, a release … the name of a change.
fn is_place_of_change(line: &str) -> bool {
    const PLACES: &[&str] =
        &["namespace", "environment", "release", "cluster", "stack", "upgrade", "stage", "subdomain", "app", " -n "];
    // Every line of every script comes by here, and hardly any is about a change.
    let places = || {
        let lower = line.to_ascii_lowercase();
        PLACES.iter().any(|word| lower.contains(word))
    };
    line.contains('$') && places() && named_after_change(line)
}

/// `pr${PR_NUMBER}`, `pr-${{ github.event.number }}`, `review-$CI_MERGE_REQUEST_IID`.
fn named_after_change(text: &str) -> bool {
    static PATTERN: OnceLock<Option<Regex>> = OnceLock::new();
    // What the pattern has in any case.
    if !text.contains('$') {
        return false;
    }
    PATTERN
        .get_or_init(|| {
            Regex::new(
                r"(?i-u)\b(pr|mr|pull|review|preview|ephemeral)s?(-app)?[-_/]?\$\{?\{?\s*[\w.]*(number|pr_id|_iid|ref_name|ref_slug|head_ref|head\.ref|environment_slug|pull_request_id|pullrequestid)",
            )
            .ok()
        })
        .as_ref()
        .is_some_and(|pattern| pattern.is_match(text))
}

/// `$NAME` or `${NAME…`, `env.NAME`.
fn mentions(text: &str, name: &str) -> bool {
    [format!("${name}"), format!("${{{name}"), format!("env.{name}")].iter().any(|use_of| {
        text.match_indices(use_of.as_str()).any(|(at, _)| {
            let next = text.get(at + use_of.len()..).and_then(|rest| rest.chars().next());
            !next.is_some_and(|letter| letter.is_ascii_alphanumeric() || letter == '_')
        })
    })
}

#[cfg(test)]
mod tests {
    use super::super::tests::check;

    #[test]
    fn what_is_deployed_for_a_change_is_tested_end_to_end() {
        check(
            &[(
                ".github/workflows/pr.yaml",
                "name: pr\non: push\njobs:\n  pr:\n    steps:\n      - run: |\n          NAMESPACE=\"pr${PR_NUMBER}\"\n          kubectl apply -n $NAMESPACE -f k8s\n      - name: Smoke Test\n        run: ./ask\n",
            )],
            "GitHubActions pr on push
  pr
    .github/workflows/pr.yaml:6
    .github/workflows/pr.yaml:9 EndToEndTest
",
        );
    }

    #[test]
    fn a_variable_may_carry_the_name() {
        check(
            &[(
                "ci/cloudbuild.yaml",
                "steps:\n- name: a/kubectl\n  script: kubectl apply -n $NAMESPACE -f k8s\noptions: {env: ['NAMESPACE=pr$_PR_NUMBER']}\n",
            )],
            "CloudBuild ci/cloudbuild.yaml on external
  build
    ci/cloudbuild.yaml:2
",
        );
    }

    #[test]
    fn the_number_of_a_change_in_an_image_or_a_comment_is_no_place() {
        check(
            &[(
                ".github/workflows/main.yaml",
                "name: main\non: push\njobs:\n  main:\n    environment: production\n    steps:\n      - run: docker push example.com/shop:pr-${PR_NUMBER}\n      - run: kubectl apply -n shop -f k8s\n      - run: gh pr comment $PR_NUMBER --body deployed\n",
            )],
            "GitHubActions main on push
  main @production
    .github/workflows/main.yaml:7 Publish
    .github/workflows/main.yaml:8 Deploy
    .github/workflows/main.yaml:9
",
        );
    }
}
