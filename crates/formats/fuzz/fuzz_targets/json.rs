//! What is read can be written, and reads the same again.
#![no_main]

use gonogo_formats::json;

libfuzzer_sys::fuzz_target!(|text: &str| {
    let path = "fuzz.json".into();
    if let Ok(node) = json::parse(&path, text) {
        let written = json::to_string(&node);
        let again = json::parse(&path, &written).expect("reads what it wrote");
        assert_eq!(json::to_string(&again), written);
    }
});
