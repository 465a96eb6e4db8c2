//! Who owns what.
#![no_main]

use gonogo_collectors_fuzz::one_of;

libfuzzer_sys::fuzz_target!(|text: &str| {
    one_of(&["CODEOWNERS", ".gitlab/CODEOWNERS", "OWNERS"], text, &[]);
});
