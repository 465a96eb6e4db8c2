//! Which files are tests, and of what kind, by the conventions of their languages and folders.

use std::cell::LazyCell;

use gonogo_domain::{
    Evidence, Missing,
    evidence::{FileEntry, InstructionKind, Role},
};

/// A kind of test, as far as a path can tell it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Suite {
    Unit,
    Integration,
    EndToEnd,
    Contract,
    Load,
    Chaos,
}

/// The kind of a test file; none: the file is no test, or only helps tests.
pub(crate) fn suite(file: &FileEntry) -> Option<Suite> {
    if !matches!(file.role, Role::Test | Role::Product) {
        return None;
    }
    kind(&file.path)
}

/// Files of this kind.
pub(crate) fn suites(files: &[FileEntry], wanted: Suite) -> Vec<&FileEntry> {
    files.iter().filter(|file| suite(file) == Some(wanted)).collect()
}

fn kind(path: &str) -> Option<Suite> {
    let (folders, name) = path.rsplit_once('/').unwrap_or(("", path));
    let folders = Folders(folders);
    let (stem, extension) = name.rsplit_once('.')?;
    let extension = extension.to_ascii_lowercase();
    // Most files are no tests, and their extension or name says so without a look at the rest.
    let told = LazyCell::new(|| by_names(folders, &words(stem), &extension));
    if !is_test(stem, &extension, folders, &|| told.is_some()) {
        return None;
    }
    Some(told.unwrap_or(match extension.as_str() {
        // Cargo builds each file of `tests/` as a program of its own that sees only the public interface.
        "rs" if folders.last_is("tests") && !folders.any(&["src"]) => Suite::Integration,
        _ => Suite::Unit,
    }))
}

/// The folders that a file lies in, as a path.
#[derive(Clone, Copy)]
struct Folders<'a>(&'a str);

impl Folders<'_> {
    /// One of them has one of these lower-case names.
    fn any(self, names: &[&str]) -> bool {
        self.0.split('/').any(|folder| names.iter().any(|name| folder.eq_ignore_ascii_case(name)))
    }

    fn last_is(self, name: &str) -> bool {
        self.0.rsplit('/').next().is_some_and(|folder| folder.eq_ignore_ascii_case(name))
    }
}

/// The conventions by which the tools of each language find their tests.
fn is_test(stem: &str, extension: &str, folders: Folders<'_>, told: &dyn Fn() -> bool) -> bool {
    let lower = stem.to_ascii_lowercase();
    let within = |names: &[&str]| folders.any(names);
    match extension {
        "go" | "clj" | "cljs" | "cljc" => lower.ends_with("_test"),
        "py" => lower.starts_with("test_") || lower.ends_with("_test") || lower == "tests" || lower == "locustfile",
        "js" | "jsx" | "ts" | "tsx" | "mjs" | "cjs" | "mts" | "cts" | "vue" | "svelte" => {
            let marked = [".test", ".spec", ".cy", "-test", "_test", ".e2e", ".e2e-spec", ".pact", ".e2e-test"];
            marked.iter().any(|mark| lower.ends_with(mark))
                || within(&["__tests__"])
                || (within(&["test", "tests", "spec", "specs", "e2e"]) && !helps(&lower))
        }
        "java" | "kt" | "kts" | "scala" | "groovy" => {
            let tree = within(&["test", "it", "integrationtest", "inttest", "functionaltest"]) && within(&["src"]);
            (tree && !helps(&lower))
                && ["test", "tests", "it", "spec", "testcase", "suite"].iter().any(|mark| lower.ends_with(mark))
                || (tree && (lower.starts_with("test") || told()))
        }
        "cs" | "fs" | "vb" => ["test", "tests", "spec", "specs", "steps"].iter().any(|mark| lower.ends_with(mark)),
        "rb" => lower.ends_with("_spec") || lower.ends_with("_test") || lower.starts_with("test_"),
        "php" => lower.ends_with("test") || lower.ends_with("cest") || lower.ends_with("spec"),
        "rs" => {
            lower == "tests"
                || lower.ends_with("_test")
                || lower.ends_with("_tests")
                || lower.starts_with("test_")
                || (within(&["tests"]) && !matches!(lower.as_str(), "common" | "support" | "helpers" | "util"))
        }
        "exs" | "dart" | "erl" | "gleam" => lower.ends_with("_test") || lower.ends_with("_suite"),
        "swift" => lower.ends_with("tests") || lower.ends_with("test"),
        "c" | "cc" | "cpp" | "cxx" | "m" | "zig" => {
            lower.starts_with("test_")
                || lower.ends_with("_test")
                || lower.ends_with("_tests")
                || lower.ends_with("_unittest")
                || within(&["test", "tests"])
        }
        "lua" => lower.ends_with("_spec") || lower.starts_with("test_"),
        "bats" | "feature" | "robot" | "hurl" | "cy" => true,
        "sh" => within(&["test", "tests", "e2e"]) && (lower.starts_with("test") || lower.ends_with("test") || told()),
        // Consumer-driven contracts are data.
        "json" => within(&["pacts", "pact"]),
        _ => false,
    }
}

/// A file beside tests that holds none.
fn helps(lower: &str) -> bool {
    ["helper", "helpers", "util", "utils", "setup", "config", "mock", "mocks", "fixture", "fixtures", "index", "types"]
        .iter()
        .any(|word| lower == *word || lower.ends_with(&format!(".{word}")) || lower.ends_with(&format!("-{word}")))
}

fn by_names(folders: Folders<'_>, words: &[String], extension: &str) -> Option<Suite> {
    let folder = |names: &[&str]| folders.any(names);
    let has = |names: &[&str]| words.iter().any(|word| names.contains(&word.as_str()));
    let last = |names: &[&str]| words.last().is_some_and(|word| names.contains(&word.as_str()));
    if folder(&["chaos", "chaos-tests", "fault-injection", "chaos_tests"]) || has(&["chaos"]) {
        return Some(Suite::Chaos);
    }
    let load_folders = &[
        "load",
        "loadtest",
        "loadtests",
        "load-tests",
        "load_tests",
        "load-test",
        "perf",
        "performance",
        "k6",
        "gatling",
        "locust",
        "stress",
    ];
    if folder(load_folders) || has(&["loadtest", "locustfile", "benchmark"]) {
        return Some(Suite::Load);
    }
    if folder(&["contract", "contracts", "contract-tests", "contract_tests", "pact", "pacts"])
        || has(&["pact", "contract"])
    {
        return Some(Suite::Contract);
    }
    let end_to_end = &[
        "e2e",
        "e2e-tests",
        "e2e_tests",
        "end-to-end",
        "endtoend",
        "end2end",
        "cypress",
        "playwright",
        "acceptance",
        "acceptance-tests",
        "uitests",
        "ui-tests",
        "browser",
        "system-tests",
        "systemtest",
        "smoke",
        "smoke-tests",
    ];
    if folder(end_to_end) || has(&["e2e", "endtoend", "cy"]) || matches!(extension, "feature" | "robot") {
        return Some(Suite::EndToEnd);
    }
    let integration = &[
        "integration",
        "integration-test",
        "integration-tests",
        "integration_test",
        "integration_tests",
        "integrationtest",
        "integrationtests",
        "itest",
        "itests",
        "inttest",
        "int-test",
        "component-tests",
        "functional-tests",
        "functional_tests",
        "functionaltest",
        "api-tests",
    ];
    let below_tests = folder(&["test", "tests", "spec", "specs", "src", "__tests__"]);
    // These words name other things too.
    let plain = folder(integration) || (below_tests && folder(&["it", "component", "functional"]));
    let named = has(&["integration", "integrationtest", "integrationtests", "itest"])
        || (last(&["it", "itcase"]) && matches!(extension, "java" | "kt" | "scala" | "groovy"))
        || (has(&["int"]) && last(&["test", "spec"]) && matches!(extension, "ts" | "js" | "tsx"));
    (plain || named).then_some(Suite::Integration)
}

/// Lower-case words of a name or of a file's stem: `OrderServiceIT` is `order service it`, `api_integration_test` three
/// words.
pub(crate) fn words(stem: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut lower_before = false;
    for letter in stem.chars() {
        if !letter.is_alphanumeric() || (letter.is_uppercase() && lower_before) {
            words.push(String::new());
        }
        if letter.is_alphanumeric()
            && let Some(word) = words.last_mut()
        {
            word.extend(letter.to_lowercase());
        }
        lower_before = letter.is_lowercase() || letter.is_ascii_digit();
    }
    words.retain(|word| !word.is_empty());
    words
}

/// The languages whose tests can be told by their paths, and Rust's, which also stand inside the sources.
fn is_source(file: &FileEntry) -> bool {
    const EXTENSIONS: &[&str] = &[
        "go", "py", "js", "jsx", "ts", "tsx", "mjs", "cjs", "vue", "svelte", "java", "kt", "scala", "groovy", "cs",
        "fs", "vb", "rb", "php", "rs", "ex", "dart", "erl", "gleam", "swift", "c", "cc", "cpp", "cxx", "clj", "lua",
    ];
    let extension = file.name().rsplit_once('.').map_or("", |(_, extension)| extension);
    file.role == Role::Product && EXTENSIONS.contains(&extension) && !configures(file.name())
}

/// The sources of the unit: what a database's image runs once to fill itself is data in the form of a script.
pub(crate) fn sources<'a>(evidence: &Evidence<'a>) -> Result<Vec<&'a FileEntry>, Missing> {
    let mut seeds: Vec<(String, &str)> = Vec::new();
    for image in evidence.images()? {
        for instruction in image.final_instructions() {
            if let InstructionKind::Copy { sources, destination, .. } | InstructionKind::Add { sources, destination } =
                &instruction.kind
                && destination.starts_with("/docker-entrypoint-initdb.d")
            {
                seeds.extend(sources.iter().map(|source| (image.context.clone(), source.as_str())));
            }
        }
    }
    let is_seed = |file: &FileEntry| {
        seeds.iter().any(|(context, source)| {
            let inside = if context == "." { Some(&*file.path) } else { file.path.strip_prefix(context.as_str()) };
            let source = source.trim_start_matches("./").trim_end_matches('/');
            inside.map(|path| path.trim_start_matches('/')).is_some_and(|path| covers(source, path))
        })
    };
    Ok(evidence.files()?.iter().filter(|file| is_source(file) && !is_seed(file)).collect())
}

/// A source of COPY covers a path of the build context: itself, what lies below it, or one `*`.
fn covers(source: &str, path: &str) -> bool {
    match source.split_once('*') {
        None => {
            matches!(source, "" | ".")
                || path.strip_prefix(source).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        }
        Some((start, end)) => {
            let end = end.trim_start_matches('*');
            path.len() >= start.len() + end.len()
                && path.starts_with(start)
                && path.ends_with(end)
                && path.get(start.len()..path.len() - end.len()).is_some_and(|rest| !rest.contains('/'))
        }
    }
}

/// Rust's tests also stand inside the sources.
pub(crate) fn is_rust(file: &FileEntry) -> bool {
    file.path.rsplit_once('.').is_some_and(|(_, extension)| extension == "rs")
}

/// `jest.config.js`, `.eslintrc.cjs`: a tool's settings in a programming language.
fn configures(name: &str) -> bool {
    name.contains(".config.") || name.contains("rc.") || name.starts_with('.') || name == "setup.py"
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(path: &str, expect: Option<Suite>) {
        assert_eq!(kind(path), expect, "{path}");
    }

    #[test]
    fn sources_of_copy_cover_what_they_copy() {
        let check =
            |source: &str, path: &str, expect: bool| assert_eq!(covers(source, path), expect, "{source} {path}");
        check("*.js", "seed.js", true);
        check("*.js", "app/seed.js", false);
        check("scripts/*", "scripts/one.js", true);
        check("scripts", "scripts/one.js", true);
        check("scripts", "scripts2/one.js", false);
        check(".", "any/thing.js", true);
        check("ab*ba", "aba", false);
    }

    #[test]
    fn paths_tell_the_kind_of_a_test() {
        check("internal/cart/cart_test.go", Some(Suite::Unit));
        check("internal/integrations/slack/client_test.go", Some(Suite::Unit));
        check("test/integration/store_test.go", Some(Suite::Integration));
        check("store/postgres_integration_test.go", Some(Suite::Integration));
        check("test/e2e/query_test.go", Some(Suite::EndToEnd));
        check("tests/test_orders.py", Some(Suite::Unit));
        check("tests/integration/test_orders.py", Some(Suite::Integration));
        check("src/main/java/OrderLimit.java", None);
        check("src/test/java/shop/OrderTest.java", Some(Suite::Unit));
        check("src/test/java/shop/OrderServiceIT.java", Some(Suite::Integration));
        check("src/test/java/shop/OrderBuilder.java", None);
        check("web/src/app.spec.ts", Some(Suite::Unit));
        check("web/cypress/e2e/login.cy.ts", Some(Suite::EndToEnd));
        check("web/test/setup.ts", None);
        check("crates/api/tests/http.rs", Some(Suite::Integration));
        check("crates/api/src/parser/tests.rs", Some(Suite::Unit));
        check("pacts/web-shop.json", Some(Suite::Contract));
        check("tests/load/k6.js", Some(Suite::Load));
        check("Shop.Tests/OrderTests.cs", Some(Suite::Unit));
        check("contest.py", None);
        check("src/latest.rs", None);
        check("README.md", None);
    }
}
