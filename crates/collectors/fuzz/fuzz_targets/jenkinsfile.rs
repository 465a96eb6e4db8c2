//! Groovy, as far as a Jenkinsfile has it.
#![no_main]

use gonogo_collectors_fuzz::gathers;

libfuzzer_sys::fuzz_target!(|text: &str| {
    gathers(&[("Jenkinsfile", text)]);
});
