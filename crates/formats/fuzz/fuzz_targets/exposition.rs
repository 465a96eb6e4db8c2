//! Nothing panics, and what is read is held together.
#![no_main]

use gonogo_formats::exposition::Exposition;

libfuzzer_sys::fuzz_target!(|text: &str| {
    if let Ok(read) = Exposition::read(text) {
        assert_eq!(read.growth(&read).len(), read.samples.len());
        for sample in &read.samples {
            let _ = read.family(&sample.name);
        }
    }
});
