//! What is read can be written, and reads the same again.
#![no_main]

use gonogo_formats::{json, yaml};

libfuzzer_sys::fuzz_target!(|text: &str| {
    let path = "fuzz.yaml".into();
    for document in yaml::parse(&path, text).documents {
        let written = yaml::to_string(&document.node);
        let again = yaml::parse(&path, &written);
        assert!(again.errors.is_empty(), "{written:?} cannot be read again: {:?}", again.errors);
        assert_eq!(again.documents.len(), 1, "{written:?}");
        for other in again.documents {
            assert_eq!(json::to_string(&other.node), json::to_string(&document.node), "{written:?}");
        }
    }
});
