//! Reports of tests, coverage, load and scanners.
#![no_main]

use gonogo_collectors_fuzz::{Scanned, one_of};

libfuzzer_sys::fuzz_target!(|text: &str| {
    let names = [
        "coverage/lcov.info",
        "coverage.out",
        "reports/junit.xml",
        "coverage/cobertura.xml",
        "reports/a.sarif",
        "locust_stats.csv",
        "load/vegeta.txt",
        "reports/trivy.json",
    ];
    one_of(Scanned::Results, &names, text, &[]);
});
