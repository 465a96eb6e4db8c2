//! Nothing panics.
#![no_main]

use gonogo_formats::promql;

libfuzzer_sys::fuzz_target!(|text: &str| {
    let _ = promql::parse(text);
    let _ = promql::parse_templated(text);
});
