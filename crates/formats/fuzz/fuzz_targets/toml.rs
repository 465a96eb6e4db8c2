//! Nothing panics.
#![no_main]

use gonogo_formats::toml;

libfuzzer_sys::fuzz_target!(|text: &str| {
    let _ = toml::parse(&"fuzz.toml".into(), text);
});
