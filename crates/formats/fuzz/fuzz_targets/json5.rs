//! What is JSON reads the same as JSON5.
#![no_main]

use gonogo_formats::{json, json5};

libfuzzer_sys::fuzz_target!(|text: &str| {
    let path = "fuzz.json5".into();
    let wide = json5::parse(&path, text);
    if let Ok(node) = json::parse(&path, text) {
        let wide = wide.expect("JSON is JSON5");
        assert_eq!(json::to_string(&wide), json::to_string(&node));
    }
});
