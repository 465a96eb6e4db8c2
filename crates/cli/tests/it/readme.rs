//! What README.md shows is true: its configuration is read, its commands exist.

use crate::support::{Repository, call};

fn readme() -> String {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../README.md");
    std::fs::read_to_string(path).expect("the README is there")
}

/// The fenced blocks of this language.
fn fences(language: &str) -> Vec<String> {
    let text = readme();
    let opening = format!("```{language}\n");
    text.split(&opening).skip(1).filter_map(|rest| rest.split_once("```")).map(|(block, _)| block.to_owned()).collect()
}

#[test]
fn the_configuration_is_read() {
    let blocks = fences("toml");
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
    for block in fences("sh") {
        for line in block.lines().filter_map(|line| line.strip_prefix("gonogo ")) {
            let name = line.split_whitespace().next().expect("a command has a name");
            let help = call(&[name, "--help"]);
            assert_eq!(help.code, 0, "gonogo {name}");
            for option in line.split_whitespace().filter(|word| word.starts_with("--")) {
                assert!(help.out.contains(option), "gonogo {name} has no {option}");
            }
            seen += 1;
        }
    }
    assert!(seen >= 7, "only {seen} commands were found");
}
