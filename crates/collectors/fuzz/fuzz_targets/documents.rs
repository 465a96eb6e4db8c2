//! Documents of every markup.
#![no_main]

use gonogo_collectors_fuzz::{Scanned, one_of};

libfuzzer_sys::fuzz_target!(|text: &str| {
    one_of(
        Scanned::Documents,
        &["docs/runbooks/a.md", "docs/a.rst", "docs/a.adoc", "docs/adr/0001-a.md", "README.md"],
        text,
        &[],
    );
});
