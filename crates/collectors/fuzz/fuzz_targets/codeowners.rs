//! Who owns what.
#![no_main]

use gonogo_collectors_fuzz::{Scanned, one_of};

libfuzzer_sys::fuzz_target!(|text: &str| {
    one_of(Scanned::Ownership, &["CODEOWNERS", ".gitlab/CODEOWNERS", "OWNERS"], text, &[]);
});
