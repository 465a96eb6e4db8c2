//! Groovy, as far as a Jenkinsfile has it.
#![no_main]

use gonogo_collectors_fuzz::{Scanned, gathers};

libfuzzer_sys::fuzz_target!(|text: &str| {
    gathers(Scanned::Pipelines, &[("Jenkinsfile", text)]);
});
