//! What the domain knows of secrets, and the folders whose values nobody runs production with.

pub(crate) use gonogo_domain::secret::{
    SecretValue, base64_text, is_secret_name, looks_random, loopback, password_in_address, secret_value,
};

/// A file that only tests read. Paths of objects carry no role, so their folders tell.
pub(crate) fn of_tests(path: &str) -> bool {
    path.split('/').any(|part| OF_TESTS.contains(&part.to_ascii_lowercase().as_str()))
}

/// A file that shows how something could be done.
pub(crate) fn of_examples(path: &str) -> bool {
    path.split('/').any(|part| OF_EXAMPLES.contains(&part.to_ascii_lowercase().as_str()))
}

/// Folders that only tests read.
const OF_TESTS: &[&str] = &[
    "test",
    "tests",
    "__tests__",
    "spec",
    "specs",
    "e2e",
    "testdata",
    "test-data",
    "test_data",
    "fixtures",
    "fixture",
    "__fixtures__",
    "mocks",
    "__mocks__",
    "testing",
    "golden",
    "vendor",
    "node_modules",
    "third_party",
];

/// Folders that show how something could be done.
const OF_EXAMPLES: &[&str] = &[
    "example",
    "examples",
    "sample",
    "samples",
    "demo",
    "demos",
    "docs",
    "doc",
    "extras",
    "contrib",
    "tutorials",
    "quickstart",
];
