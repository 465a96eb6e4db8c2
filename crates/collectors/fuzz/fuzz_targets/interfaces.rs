//! Descriptions of interfaces.
#![no_main]

use gonogo_collectors_fuzz::one_of;

libfuzzer_sys::fuzz_target!(|text: &str| {
    one_of(&["api/a.proto", "schema.graphql", "openapi.yaml", "asyncapi.yaml"], text, &[]);
});
