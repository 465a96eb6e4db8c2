//! What README.md and docs/exercise.md show is true: their configurations are read, their commands exist.

use crate::support::{Repository, call};

fn page(name: &str) -> String {
    let path = format!("{}/../../{name}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(path).expect("the page is there")
}

/// The fenced blocks of this language.
fn fences(page: &str, language: &str) -> Vec<String> {
    let text = self::page(page);
    let opening = format!("```{language}\n");
    text.split(&opening).skip(1).filter_map(|rest| rest.split_once("```")).map(|(block, _)| block.to_owned()).collect()
}

#[test]
fn the_configuration_is_read() {
    let blocks = fences("README.md", "toml");
    assert_eq!(blocks.len(), 1, "one example of a configuration");
    let dockerfile = "FROM alpine:3.20\nEXPOSE 80\nCMD [\"/checkout\"]\n";
    let repository = Repository::of(&[("services/checkout/Dockerfile", dockerfile), ("gonogo.toml", &blocks[0])]);
    let report = repository.report(&[]);
    let service = &report["services"][0];
    assert_eq!(
        (&service["name"], &service["owner"], &service["tier"]),
        (&"checkout".into(), &"payments".into(), &"1".into())
    );
}

#[test]
fn the_commands_exist() {
    let mut seen = 0;
    for block in fences("README.md", "sh").into_iter().chain(fences("docs/exercise.md", "sh")) {
        for line in block.lines().filter_map(|line| line.strip_prefix("gonogo ")) {
            // A command may have commands of its own.
            let words =
                line.split_whitespace().take_while(|word| !word.starts_with("--") && !matches!(*word, ">" | "#"));
            let name = words.clone().collect::<Vec<_>>().join(" ");
            let help = call(&words.chain(["--help"]).collect::<Vec<_>>());
            assert_eq!(help.code, 0, "gonogo {name}");
            for option in line.split_whitespace().filter(|word| word.starts_with("--")) {
                assert!(help.out.contains(option), "gonogo {name} has no {option}");
            }
            seen += 1;
        }
    }
    assert!(seen >= 7, "only {seen} commands were found");
}

#[test]
fn the_section_that_starts_a_service_is_read() {
    let blocks = fences("docs/exercise.md", "toml");
    assert_eq!(blocks.len(), 2, "one example of a section, and what some experiments need beside it");
    let repository = Repository::of(&[("gonogo.toml", &blocks.concat())]);
    let listed = call(&["exercise", &repository.path().display().to_string(), "--list"]);
    assert_eq!(listed.code, 0, "{}", listed.err);
    assert!(listed.out.contains("2 dependencies, 2 kinds of requests"), "{}", listed.out);
}

#[test]
fn the_section_of_a_preflight_is_read() {
    let blocks = fences("docs/preflight.md", "toml");
    let text = format!("[service.checkout]\npath = \".\"\nclass = \"server\"\n{}", blocks.concat());
    let repository = Repository::of(&[("gonogo.toml", &text)]);
    let asked = call(&["preflight", &repository.path().display().to_string(), "--only", "review"]);
    assert_ne!(asked.code, 2, "{}", asked.err);
}
