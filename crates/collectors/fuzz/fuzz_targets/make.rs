//! Makefiles, with the recipes that a pipeline asks for.
#![no_main]

use gonogo_collectors_fuzz::{Scanned, gathers};

libfuzzer_sys::fuzz_target!(|text: &str| {
    gathers(
        Scanned::Pipelines,
        &[(".gitlab-ci.yml", "a:\n  script:\n    - make\n    - make test\n"), ("Makefile", text)],
    );
});
