//! Stages only build on earlier ones.
#![no_main]

use gonogo_formats::dockerfile;

libfuzzer_sys::fuzz_target!(|text: &str| {
    let file = dockerfile::parse(&"Dockerfile".into(), text);
    for (index, stage) in file.stages.iter().enumerate() {
        assert!(stage.base_stage.is_none_or(|base| base < index));
        for instruction in &stage.instructions {
            let _ = instruction.place_at(instruction.text.len());
        }
    }
});
