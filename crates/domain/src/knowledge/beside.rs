//! What stands beside a program's source and says how it runs: `knowledge/source/beside.toml`.

use std::{collections::BTreeMap, sync::OnceLock};

use serde::Deserialize;

use crate::evidence::Meaning;

/// A command that serves a program.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Launcher {
    pub command: String,
    /// What follows it where only that serves: `rails server`.
    #[serde(default)]
    pub argument: Vec<String>,
    pub languages: Vec<String>,
    pub reference: String,
    /// As of a library that listens.
    pub defaults: BTreeMap<String, String>,
    /// Packages of frameworks that turn any failure into an answer themselves.
    #[serde(default)]
    pub boundaries: Vec<String>,
    /// Words of its configuration that make it drain all the same.
    #[serde(default)]
    pub unless: Vec<String>,
    /// The signal of `STOPSIGNAL` at which it drains.
    #[serde(default)]
    pub stops: Option<String>,
    /// The option that says which levels it logs.
    #[serde(default)]
    pub level: Option<String>,
    pub example: String,
    pub look_alike: String,
}

/// A layout that makes each line of a log a record.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Layout {
    pub name: String,
    pub reference: String,
}

/// What a framework sets up by itself because a package is there.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Starter {
    pub package: String,
    /// Another package that has to be there, by how its name begins.
    #[serde(default)]
    pub with: Option<String>,
    pub reference: String,
    pub means: Meaning,
    #[serde(default)]
    pub defaults: BTreeMap<String, String>,
    /// The property that switches it off.
    pub switch: String,
    /// No line of the program starts the framework either.
    #[serde(default)]
    pub alone: bool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Beside {
    #[serde(rename = "launcher")]
    pub launchers: Vec<Launcher>,
    #[serde(rename = "layout")]
    pub layouts: Vec<Layout>,
    #[serde(rename = "starter")]
    pub starters: Vec<Starter>,
    #[serde(rename = "agent")]
    pub agents: Vec<Agent>,
}

/// What is loaded into a program when it starts and does its part without a line of its source: `-javaagent:…`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Agent {
    /// What one of the words that load it holds.
    pub word: String,
    pub languages: Vec<String>,
    pub reference: String,
    /// What it does; each with what a row of a library would say.
    pub means: BTreeMap<Meaning, BTreeMap<String, String>>,
    /// The variables that switch it off, each with the value that does.
    #[serde(default)]
    pub switches: BTreeMap<String, String>,
    /// Words that load it.
    pub example: String,
    /// Words that do not.
    pub look_alike: String,
}

impl Agent {
    /// A word of a command, or of the options that a runtime takes from a variable.
    pub fn is_loaded_by(&self, word: &str) -> bool {
        word.contains(&self.word)
    }
}

impl Beside {
    /// The launcher among the words of a command, and the words that follow it.
    pub fn launcher<'w>(&self, words: &'w [String]) -> Option<(&Launcher, &'w [String])> {
        words.iter().enumerate().find_map(|(at, word)| {
            let name = word.rsplit('/').next().unwrap_or(word);
            let rest = words.get(at + 1..).unwrap_or_default();
            let fits = |one: &&Launcher| {
                one.command == name
                    && (one.argument.is_empty() || rest.first().is_some_and(|next| one.argument.contains(next)))
            };
            Some((self.launchers.iter().find(fits)?, rest))
        })
    }

    /// A class or an element of this name writes records.
    pub fn writes_records(&self, name: &str) -> bool {
        let last = name.rsplit(['.', '/']).next().unwrap_or(name);
        self.layouts.iter().any(|one| one.name == last || name.ends_with(&one.name))
    }
}

pub fn beside() -> &'static Beside {
    static TABLE: OnceLock<Beside> = OnceLock::new();
    TABLE.get_or_init(|| serde_json::from_str(table!("source/beside")).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_beside_the_source_finds_its_example() {
        assert!(!beside().starters.is_empty() && !beside().layouts.is_empty(), "the table does not parse");
        for row in &beside().agents {
            let finds = |text: &str| text.split_whitespace().any(|word| row.is_loaded_by(word));
            assert!(finds(&row.example), "{}", row.example);
            assert!(!finds(&row.look_alike), "{}", row.look_alike);
        }
        for row in &beside().launchers {
            let finds = |text: &str| {
                let words: Vec<String> = text.split_whitespace().map(str::to_owned).collect();
                beside().launcher(&words).is_some_and(|(found, _)| found.command == row.command)
            };
            assert!(finds(&row.example), "{}", row.example);
            assert!(!finds(&row.look_alike), "{}", row.look_alike);
        }
    }

    #[test]
    fn layouts_are_told_by_their_last_name() {
        let check = |name: &str, expect: bool| assert_eq!(beside().writes_records(name), expect, "{name}");
        check("net.logstash.logback.encoder.LogstashEncoder", true);
        check("JsonTemplateLayout", true);
        check("ch.qos.logback.classic.encoder.PatternLayoutEncoder", false);
    }
}
