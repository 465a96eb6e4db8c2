//! A script that a pipeline runs.
#![no_main]

use gonogo_collectors_fuzz::{Scanned, gathers};

libfuzzer_sys::fuzz_target!(|text: &str| {
    gathers(
        Scanned::Pipelines,
        &[(".github/workflows/ci.yml", "on: push\njobs:\n  a:\n    steps:\n      - run: ./ci.sh\n"), ("ci.sh", text)],
    );
});
