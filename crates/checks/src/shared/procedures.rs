//! Procedures in documents: sections about something, and the commands that they name.

use gonogo_domain::{
    Place,
    evidence::{Document, Purpose, Section},
    purposes,
};

/// The commands of a section, each with its place: lines of code blocks, and what stands in lists and in the text.
pub(crate) fn commands(section: &Section) -> Vec<(String, Place)> {
    let mut found: Vec<(String, Place)> = Vec::new();
    for block in &section.code {
        // Lines that end in a backslash go on.
        for line in block.text.replace("\\\n", " ").lines().map(str::trim) {
            let line = line.strip_prefix("$ ").unwrap_or(line);
            if !line.is_empty() && !line.starts_with('#') {
                found.push((line.to_owned(), block.place.clone()));
            }
        }
    }
    found.extend(section.items.iter().map(|item| (item.text.clone(), item.place.clone())));
    found.extend(section.text.lines().map(|line| (line.to_owned(), section.place.clone())));
    for table in &section.tables {
        found.extend(table.rows.iter().flatten().map(|cell| (cell.clone(), table.place.clone())));
    }
    found
}

/// The place of a command that is there for one of these purposes.
pub(crate) fn command_for(section: &Section, wanted: &[Purpose]) -> Option<Place> {
    commands(section)
        .into_iter()
        .find(|(line, _)| purposes(line).iter().any(|purpose| wanted.contains(purpose)))
        .map(|(_, place)| place)
}

/// It is written down step by step: a code block or a list of two and more.
pub(crate) fn has_steps(section: &Section) -> bool {
    section.code.iter().any(|block| !block.text.trim().is_empty()) || section.items.len() >= 2
}

/// The sections whose heading has one of these words, each with the sections below it.
pub(crate) fn sections_under<'a>(document: &'a Document, words: &[&str]) -> Vec<&'a Section> {
    let mut found = Vec::new();
    let mut inside: Option<u8> = None;
    for section in &document.sections {
        let heading = section.heading.to_lowercase();
        let about = words.iter().any(|word| heading.contains(word));
        if inside.is_some_and(|level| section.level <= level) {
            inside = None;
        }
        if about && inside.is_none() {
            inside = Some(section.level);
        }
        if inside.is_some() {
            found.push(section);
        }
    }
    found
}
