//! Pipelines of every system.
#![no_main]

use gonogo_collectors_fuzz::{Scanned, one_of};

libfuzzer_sys::fuzz_target!(|text: &str| {
    let names = [
        ".github/workflows/ci.yml",
        ".gitlab-ci.yml",
        ".circleci/config.yml",
        "azure-pipelines.yml",
        "cloudbuild.yaml",
        "bitbucket-pipelines.yml",
        ".travis.yml",
        ".drone.yml",
        ".buildkite/pipeline.yml",
        "skaffold.yaml",
    ];
    one_of(Scanned::Pipelines, &names, text, &[]);
});
