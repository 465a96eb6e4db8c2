//! Descriptions of interfaces.
#![no_main]

use gonogo_collectors_fuzz::{Scanned, one_of};

libfuzzer_sys::fuzz_target!(|text: &str| {
    one_of(Scanned::Apis, &["api/a.proto", "schema.graphql", "openapi.yaml", "asyncapi.yaml"], text, &[]);
});
