//! What a file is there for, by its path: tests, fixtures, examples, vendored and generated files do not count.

use std::collections::{BTreeMap, BTreeSet};

use gonogo_domain::evidence::Role;

/// The role of a file, from the names of its folders and its own.
pub(crate) fn role(path: &str) -> Role {
    let lower = path.to_ascii_lowercase();
    let mut parts: Vec<&str> = lower.split('/').collect();
    let name = parts.pop().unwrap_or_default();

    if parts.iter().any(|part| VENDORED.contains(part)) || vendored_pair(&parts) {
        return Role::Vendored;
    }
    if parts.iter().any(|part| FIXTURE.contains(part)) {
        return Role::Fixture;
    }
    let test = |part: &&str| {
        (TEST.contains(part) || named_tests(part)) && !(matches!(*part, "spec" | "specs") && specifies(name))
    };
    if parts.iter().any(|part| test(part) || test_data(part)) {
        return Role::Test;
    }
    if test_name(name) {
        return Role::Test;
    }
    // The folder that Rails offered for code of the program's own: `config.autoload_paths += %W(#{config.root}/extras)`.
    let helps = |part: &str| part == "extras" && name.rsplit('.').next() == Some("rb");
    if named_by_people(&parts).iter().any(|part| EXAMPLE.contains(part) && !helps(part)) {
        return Role::Example;
    }
    if generated_name(name) || parts.iter().any(|part| GENERATED.contains(part)) {
        return Role::Generated;
    }
    if parts.first().is_some_and(|part| DOCUMENTATION.contains(part)) {
        return Role::Documentation;
    }
    Role::Product
}

/// The folders that hold nothing but tests and what helps them, of those that may hold code of the program too: a test by its
/// own name lies in them, and none beside what it tests. A suite has a helper and a test for each of its parts.
pub(crate) fn folders_of_tests<'f>(files: impl Iterator<Item = &'f str>) -> BTreeSet<&'f str> {
    let mut folders: BTreeMap<&str, (BTreeSet<&str>, BTreeSet<&str>)> = BTreeMap::new();
    for path in files {
        let Some((folder, name)) = path.rsplit_once('/') else { continue };
        let own = folder.rsplit('/').next().unwrap_or(folder);
        if !PERHAPS_TEST.contains(&own) && !SUITES.contains(&own) {
            continue;
        }
        let (tests, others) = folders.entry(folder).or_default();
        let stem = name.split('.').next().unwrap_or(name);
        if test_name(&name.to_ascii_lowercase()) {
            tests.insert(stem.trim_start_matches("test_").trim_end_matches("_test").trim_end_matches("_spec"));
        } else {
            others.insert(stem);
        }
    }
    let only_tests = |folder: &str, (tests, others): &(BTreeSet<&str>, BTreeSet<&str>)| {
        let suites = SUITES.contains(&folder.rsplit('/').next().unwrap_or(folder));
        let alone = tests.difference(others).count();
        if suites { alone * 3 > tests.len() } else { alone > 0 && alone == tests.len() }
    };
    folders.into_iter().filter(|(folder, of)| only_tests(folder, of)).map(|(folder, _)| folder).collect()
}

/// Whether a file lies in one of these folders.
pub(crate) fn lies_in(path: &str, folders: &BTreeSet<&str>) -> bool {
    !folders.is_empty()
        && path.match_indices('/').any(|(at, _)| path.get(..at).is_some_and(|one| folders.contains(one)))
}

/// Folders of code that talks to others, or of tests that do.
const PERHAPS_TEST: &[&str] = &["acceptance", "functional", "integration", "smoke"];

/// Folders of parts of a test, or of anything that goes by such a name.
const SUITES: &[&str] = &["suites", "conformance"];

const VENDORED: &[&str] = &[
    "vendor",
    "node_modules",
    "third_party",
    "thirdparty",
    "third-party",
    "bower_components",
    ".venv",
    "venv",
    "site-packages",
    ".terraform",
    "jspm_packages",
    ".yarn",
    "pods",
];
const FIXTURE: &[&str] = &[
    "testdata",
    "test-data",
    "test_data",
    "test_files",
    "test-files",
    "testfiles",
    "fixtures",
    "fixture",
    "__fixtures__",
    "__snapshots__",
    ".snapshots",
    "golden",
    "testfixtures",
    "test-fixtures",
];
const TEST: &[&str] = &[
    "test",
    "tests",
    "__tests__",
    "spec",
    "specs",
    "e2e",
    "e2e-tests",
    "e2e_tests",
    "playwright",
    "integration-tests",
    "integration_tests",
    "integrationtests",
    "integration-test",
    "integration_test",
    "integrationtest",
    "acceptance-tests",
    "functional-tests",
    "system-tests",
    "testing",
    "unittests",
    "cypress",
    "fuzz",
    "mocks",
    "__mocks__",
    "smoke-tests",
    ".storybook",
];
const EXAMPLE: &[&str] = &[
    "example",
    "examples",
    "sample",
    "samples",
    "demo",
    "demos",
    "tutorial",
    "extras",
    "contrib",
    "tutorials",
    "quickstart",
];
const GENERATED: &[&str] = &["generated", "__generated__", "genproto", "gen-go"];
const DOCUMENTATION: &[&str] = &["docs", "doc", "documentation", "website"];

/// `spec/openapi.yaml` specifies: what runs as a test is a program.
fn specifies(name: &str) -> bool {
    let ending = name.rsplit_once('.').map(|(_, ending)| ending);
    matches!(ending, Some("yaml" | "yml" | "json" | "proto" | "graphql" | "graphqls" | "md" | "wsdl" | "xsd"))
}

/// What projects of .NET that hold tests are called after their last dot.
const NET_TESTS: &[&str] = &[
    "test",
    "tests",
    "unittest",
    "unittests",
    "integrationtest",
    "integrationtests",
    "functionaltests",
    "acceptancetests",
    "apitests",
    "e2etests",
    "architecturetests",
];

/// `Shop.UnitTests`, `Shop.Api.Test`: a project of .NET goes by what it holds; `api_tests`, `ui-tests`. Those of A and B are
/// tried on users.
fn named_tests(part: &str) -> bool {
    let dotted = part.rsplit_once('.').is_some_and(|(shop, last)| !shop.is_empty() && NET_TESTS.contains(&last));
    let joined = part.strip_suffix("tests").and_then(|shop| shop.strip_suffix(['_', '-']));
    dotted || joined.is_some_and(|shop| !matches!(shop, "" | "ab" | "a-b" | "a_b" | "split"))
}

/// `test_files`, `test-cases`, `testresources`: a folder of tests with a word for what lies in it.
fn test_data(part: &str) -> bool {
    part.strip_prefix("test").is_some_and(|rest| {
        matches!(
            rest.trim_start_matches(['-', '_']).trim_end_matches(|last: char| last.is_ascii_digit()),
            "data"
                | "file"
                | "files"
                | "case"
                | "cases"
                | "resource"
                | "resources"
                | "input"
                | "inputs"
                | "assets"
                | "suite"
                | "suites"
                | "repos"
                | "util"
                | "utils"
                | "helper"
                | "helpers"
                | "migration"
                | "migrations"
                | "env"
                | "environment"
                | "infra"
                | "setup"
                | "harness"
        )
    })
}

/// The folders without those that repeat a package's name: `src/main/java/com/example/samples` is no sample of anything.
fn named_by_people<'p, 'a>(parts: &'p [&'a str]) -> &'p [&'a str] {
    let package = parts
        .windows(2)
        .position(|pair| matches!(pair, ["main", "java" | "kotlin" | "scala" | "groovy"]))
        .map_or(parts.len(), |at| at + 2);
    parts.get(..package).unwrap_or(parts)
}

fn vendored_pair(parts: &[&str]) -> bool {
    parts
        .windows(2)
        .any(|pair| matches!(pair, ["jsonnet", "vendor"] | ["public", "libs"] | ["static", "lib" | "libs" | "vendor"]))
}

fn test_name(name: &str) -> bool {
    let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
    stem.ends_with("_test")
        || matches!(stem.rsplit_once('.'), Some((_, "test" | "spec" | "story" | "stories")))
        || matches!(stem, "test-setup" | "setup-tests" | "setuptests" | "jest.setup" | "vitest.setup")
        || ["test_helper", "test_helpers", "test_util", "test_utils", "testutil", "testutils", "testhelpers"]
            .iter()
            .any(|helper| stem.strip_suffix(helper).is_some_and(|own| own.is_empty() || own.ends_with(['_', '-', '.'])))
        || stem.ends_with("_spec")
        || (stem.starts_with("test_") && (has_extension(name, "py")))
}

fn generated_name(name: &str) -> bool {
    [
        ".pb.go",
        "_pb2.py",
        "_pb2_grpc.py",
        ".pb.gw.go",
        "_pb.js",
        "_pb.d.ts",
        ".g.cs",
        ".designer.cs",
        ".min.js",
        ".min.css",
    ]
    .iter()
    .any(|ending| name.ends_with(ending))
        || name.starts_with("zz_generated")
        || bundled(name)
}

/// `main.5123fcea.js`: a bundler names what it writes by its content.
fn bundled(name: &str) -> bool {
    let Some((stem, "js" | "css" | "mjs")) = name.rsplit_once('.') else { return false };
    let hash = stem.rsplit_once('.').map_or("", |(_, hash)| hash);
    (8..=32).contains(&hash.len())
        && hash.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
        && hash.bytes().any(|byte| byte.is_ascii_digit())
}

pub(crate) fn has_extension(name: &str, extension: &str) -> bool {
    name.rsplit_once('.').is_some_and(|(_, own)| own == extension)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_of_packages_are_no_examples() {
        let check = |path: &str, expect: Role| assert_eq!(role(path), expect, "{path}");
        check("src/ledger/src/main/java/com/example/samples/bank/Ledger.java", Role::Product);
        check("shop/src/main/kotlin/org/demo/Shop.kt", Role::Product);
        check("samples/shop/src/main/java/com/example/Shop.java", Role::Example);
        check("src/samples/Shop.java", Role::Example);
        check("src/test/java/com/example/samples/LedgerTest.java", Role::Test);
        check("extras/client.rb", Role::Product);
        check("extras/client.py", Role::Example);
    }

    #[test]
    fn specifications_are_no_tests_and_stories_are_no_product() {
        let check = |path: &str, expect: Role| assert_eq!(role(path), expect, "{path}");
        check("spec/openapi.yaml", Role::Product);
        check("api/specs/shop.proto", Role::Product);
        check("spec/models/member_spec.rb", Role::Test);
        check("spec/support/helpers.rb", Role::Test);
        check("test/openapi.yaml", Role::Test);
        check("web/src/Button.stories.tsx", Role::Test);
        check("web/src/stories.ts", Role::Product);
        check("src/Shop.UnitTests/BasketTests.cs", Role::Test);
        check("src/Shop.Contests/Prize.cs", Role::Product);
        check("api_tests/src/shared.ts", Role::Test);
        check("src/ab-tests/choose.ts", Role::Product);
    }

    #[test]
    fn what_a_bundler_wrote_is_generated() {
        let check = |path: &str, expect: Role| assert_eq!(role(path), expect, "{path}");
        check("ui/static/js/main.5123fcea.js", Role::Generated);
        check("ui/src/main.feedback.js", Role::Product);
        check("ui/src/main.deadbeef.ts", Role::Product);
    }

    #[test]
    fn folders_of_tests_hold_no_code_that_is_tested_beside_it() {
        let check = |files: &[&str], expect: &[&str]| {
            let found = super::folders_of_tests(files.iter().copied());
            assert_eq!(found.into_iter().collect::<Vec<_>>(), expect, "{files:?}");
        };
        check(&["web/integration/backfill.integration.test.ts", "web/integration/setup.ts"], &["web/integration"]);
        check(&["src/integration/stripe.test.ts", "src/integration/stripe.ts"], &[]);
        check(&["src/integration/stripe.go", "src/integration/stripe_test.go"], &[]);
        check(&["src/integration/stripe.ts"], &[]);
        check(&["src/orders/pay.test.ts", "src/orders/setup.ts"], &[]);
        let suites = |own: &[&str]| own.iter().map(|name| format!("shop/suites/{name}")).collect::<Vec<_>>();
        let of_tests = suites(&["pay.go", "pay_test.go", "cart_test.go", "env.go"]);
        check(&of_tests.iter().map(String::as_str).collect::<Vec<_>>(), &["shop/suites"]);
        let of_rooms = suites(&["book.go", "book_test.go", "price.go", "price_test.go", "list.go"]);
        check(&of_rooms.iter().map(String::as_str).collect::<Vec<_>>(), &[]);
        let folders = ["web/integration"].into();
        assert!(super::lies_in("web/integration/db/reset.ts", &folders));
        assert!(!super::lies_in("web/integrations/slack.ts", &folders));
    }
}
