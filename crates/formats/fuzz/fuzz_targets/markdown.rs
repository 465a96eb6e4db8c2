//! There is always a first section.
#![no_main]

use gonogo_formats::markdown;

libfuzzer_sys::fuzz_target!(|text: &str| {
    let document = markdown::parse(&"fuzz.md".into(), text);
    assert!(!document.sections.is_empty());
});
