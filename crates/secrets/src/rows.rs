//! Every row of `knowledge/secrets.toml` finds the keys it speaks of, and nothing that only looks like them.

use std::{collections::BTreeSet, sync::Arc};

use gonogo_domain::evidence::{Certainty, Role};

use crate::{
    File, Rule, published, rules,
    sample::{Chance, key},
    scan,
};

/// The rules by which a line is known.
fn known(line: &str) -> Vec<(String, Certainty)> {
    let path = Arc::from("deploy/shop.conf");
    let file = File { path: &path, role: Role::Product, bytes: line.as_bytes() };
    scan(&file).iter().map(|one| (one.rule.to_string(), one.certainty)).collect()
}

/// A line that has the key as people write it.
fn line(rule: &Rule, key: &str) -> String {
    match rule.names.first() {
        Some(name) => format!("{name}_api_key = \"{key}\"\n"),
        None => format!("setting: {key}\n"),
    }
}

#[test]
fn every_key_is_found_by_its_row() {
    let mut problems = Vec::new();
    for rule in rules() {
        for seed in 1..=8 {
            // Chance may make a word that only samples have, and a key that an issuer would not make.
            let mut chance = Chance::new(seed);
            let Some(key) = key(rule, &mut chance) else {
                problems.push(format!("{}: no key can be made", rule.id));
                continue;
            };
            let found = known(&line(rule, &key));
            let expect = if rule.checksum.is_some() { Certainty::Verified } else { Certainty::Shape };
            let expect = if rule.whole.is_some() { Certainty::Context } else { expect };
            if !found.iter().any(|(id, certainty)| *id == rule.id && *certainty == expect) {
                problems.push(format!("{}: {key} is {found:?}", rule.id));
            }
        }
    }
    assert!(problems.is_empty(), "{} problems\n{}", problems.len(), problems.join("\n"));
}

#[test]
fn look_alikes_and_what_is_left_to_be_filled_in_are_none() {
    let mut problems = Vec::new();
    for rule in rules() {
        let Some(key) = key(rule, &mut Chance::new(3)) else { continue };
        let (start, rest) = match rule.starts.iter().find(|start| key.starts_with(start.as_str())) {
            Some(start) => (start.as_str(), &key[start.len()..]),
            None => ("", key.as_str()),
        };
        let same: String =
            rest.chars().map(|letter| if letter.is_ascii_alphanumeric() { 'x' } else { letter }).collect();
        let glued = format!("setting: word{key}word\n");
        let mut alike = vec![line(rule, &rule.look_alike), line(rule, &format!("{start}{same}"))];
        alike.extend((!rule.inside && rule.before.is_none()).then_some(glued));
        for one in alike {
            if known(&one).iter().any(|(id, _)| *id == rule.id) {
                problems.push(format!("{}: {one}", rule.id));
            }
        }
    }
    assert!(problems.is_empty(), "{} problems\n{}", problems.len(), problems.join("\n"));
}

#[test]
fn the_table_is_whole() {
    let ids: BTreeSet<_> = rules().iter().map(|rule| rule.id.as_str()).collect();
    assert!(rules().len() > 150, "{} rows were read", rules().len());
    assert_eq!(ids.len(), rules().len(), "two rows have the same id");
    for rule in rules() {
        assert!(rule.compiled().is_some(), "{}: a pattern cannot be read", rule.id);
        assert_eq!(rule.starts.is_empty(), rule.whole.is_some(), "{}: fixed text, or a form as a whole", rule.id);
        assert_eq!(rule.names.is_empty(), rule.whole.is_none(), "{}: a form needs names", rule.id);
        assert!(rule.starts.iter().all(|start| start.len() >= 3), "{}: the fixed text is too short", rule.id);
        assert!(!rule.zh.is_ascii(), "{}: the Chinese is missing", rule.id);
        assert!(rule.reference.starts_with("https://"), "{}: the reference is missing", rule.id);
    }
}

#[test]
fn keys_that_everybody_has_are_none() {
    // The key of the storage emulator, taken apart so that no scanner takes this file for a leak.
    let key = ["Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6", "IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="].concat();
    assert_eq!(known(&format!("AccountKey={key};\n")), []);
    assert!(!known(&format!("AccountKey={};\n", key.replace("Eby", "Ebz"))).is_empty());
    for group in published() {
        let digits = |text: &String| text.len() == 16 && u64::from_str_radix(text, 16).is_ok();
        assert!(group.fingerprints.iter().all(digits), "{}", group.what);
        assert!(group.reference.starts_with("https://"), "{}: the reference is missing", group.what);
    }
}

#[test]
fn a_row_of_the_same_letter_within_a_key_is_no_sign_of_a_sample() {
    // Azure DevOps writes its accounts as zeros into each token, which are `A` in base64.
    let token = |head: &str| [head, "JQQJ77BA", "CAAAAAAAAAAAAAAAS", "AZDO", "Buc4"].concat();
    let random = "FBdFol081crwkIHWJH2yiqDDyrFjVSi7HWl22hN2hTYfsB8NlGD";
    let line = format!("pat: {}\n", token(random));
    assert!(known(&line).iter().any(|(id, _)| id == "azure.devops-token"), "{line}: {:?}", known(&line));
    assert_eq!(known(&format!("pat: {}\n", token(&"A".repeat(51)))), []);
}

#[test]
fn text_that_is_all_beginnings_is_read_in_one_pass() {
    let path = Arc::from("hostile.txt");
    let mut parts: Vec<String> = rules().iter().flat_map(|rule| rule.starts.clone()).collect();
    let more = [
        "eyJ",
        "eyJaaaaaaaaaaaaaaaa.eyJ.",
        "-----BEGIN PRIVATE KEY-----",
        "://a:",
        "Basic ",
        "password=\"",
        "${secret:-",
        "token|",
    ];
    parts.extend(more.map(str::to_owned));
    for part in parts {
        let text = part.repeat(6_000 / part.len());
        let found = scan(&File { path: &path, role: Role::Product, bytes: text.as_bytes() });
        assert!(found.len() < 3, "{part}: {found:?}");
    }
}
