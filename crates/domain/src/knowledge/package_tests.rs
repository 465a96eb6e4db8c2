//! What packages can do.

use std::collections::BTreeSet;

use super::*;

#[test]
fn every_row_of_packages_parses() {
    let text = include_str!("../../../../knowledge/packages.toml");
    let table = toml::from_str::<Packages>(text).expect("is TOML with the right words");
    assert_eq!(table.package.len(), text.matches("[[package]]").count());
}

#[test]
fn no_package_comes_twice() {
    let mut seen = BTreeSet::new();
    for known in known_packages() {
        assert!(seen.insert((known.ecosystem, known.name.to_lowercase())), "{} comes twice", known.name);
    }
}

#[test]
fn every_capability_has_a_package() {
    for capability in Capability::ALL {
        assert!(known_packages().iter().any(|known| known.means.contains(&capability)), "{capability:?}");
    }
}

#[test]
fn names_look_as_their_ecosystem_writes_them() {
    for known in known_packages() {
        let name = known.name.strip_suffix('*').unwrap_or(&known.name);
        let word = |text: &str| {
            !text.is_empty()
                && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'))
        };
        let lower = !name.bytes().any(|byte| byte.is_ascii_uppercase());
        let fits = match known.ecosystem {
            Ecosystem::Go => {
                without_major(name) == name
                    && name.split('/').next().is_some_and(|host| host.contains('.') && word(host))
            }
            Ecosystem::Python => lower && word(name) && !name.contains(['_', '.']),
            Ecosystem::Npm => {
                lower && name.strip_prefix('@').map_or(word(name), |scoped| scoped.split_once('/').is_some())
            }
            Ecosystem::Maven => name.split(':').count() <= 2 && name.split(':').next().is_some_and(word),
            Ecosystem::Composer => {
                lower && (name.starts_with("ext-") || name.split_once('/').is_some_and(|(vendor, _)| word(vendor)))
            }
            Ecosystem::NuGet | Ecosystem::RubyGems | Ecosystem::Cargo => word(name),
        };
        assert!(fits, "{} does not look like a name of {}", known.name, known.ecosystem.name());
        assert!(!known.means.is_empty(), "{} means nothing", known.name);
        assert!(known.reference.starts_with("http"), "{} has no reference", known.name);
        assert!(!known.name.trim_end_matches('*').contains('*'), "{} has a star inside", known.name);
    }
}

#[test]
fn connections_are_words_of_the_field() {
    for known in known_packages() {
        if let Some(connects) = &known.connects {
            let fits = connects.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
            assert!(fits && !connects.is_empty(), "{connects}");
        }
    }
}

#[test]
fn names_match_by_family_version_and_case() {
    fn check(ecosystem: Ecosystem, name: &str, expect: &[Capability]) {
        let mut means: Vec<Capability> =
            package_capabilities(ecosystem, name).flat_map(|known| known.means.clone()).collect();
        means.sort();
        means.dedup();
        assert_eq!(means, expect, "for {name}");
    }
    check(Ecosystem::Npm, "opossum", &[Capability::CircuitBreaker]);
    check(Ecosystem::Npm, "opossum-x", &[]);
    check(Ecosystem::Cargo, "opossum", &[]);
    check(Ecosystem::Npm, "@sentry/node", &[Capability::ErrorHandling]);
    check(Ecosystem::Go, "github.com/redis/go-redis/v9", &[Capability::Cache]);
    check(Ecosystem::Go, "github.com/redis/go-redis/vendored", &[]);
    check(Ecosystem::NuGet, "stackexchange.redis", &[Capability::Cache]);
}
