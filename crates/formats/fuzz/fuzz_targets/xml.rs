//! Every element is visited, however deep the file.
#![no_main]

use gonogo_formats::xml;

libfuzzer_sys::fuzz_target!(|text: &str| {
    if let Ok(root) = xml::parse(&"fuzz.xml".into(), text) {
        let mut seen = 0;
        root.walk(&mut |_| seen += 1);
        assert!(seen > 0 && seen <= text.len());
    }
});
