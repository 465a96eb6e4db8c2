//! Statements are pieces of the script.
#![no_main]

use gonogo_formats::sql;

libfuzzer_sys::fuzz_target!(|text: &str| {
    for statement in sql::statements(&"fuzz.sql".into(), text) {
        assert!(!statement.text.is_empty());
        assert!(text.contains(&statement.text));
    }
});
