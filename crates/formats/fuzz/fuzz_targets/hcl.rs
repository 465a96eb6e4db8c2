//! Both ways to read a file agree on whether it can be read.
#![no_main]

use gonogo_formats::hcl;

libfuzzer_sys::fuzz_target!(|text: &str| {
    let path = "fuzz.tf".into();
    assert_eq!(hcl::parse(&path, text).is_ok(), hcl::parse_body(&path, text).is_ok());
});
