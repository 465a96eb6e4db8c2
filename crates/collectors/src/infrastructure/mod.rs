//! Infrastructure as code, and the files of platforms.

use gonogo_domain::{Gap, Gathered, Node, Place, Source, evidence::Resource};

use crate::Corpus;

mod cloudformation;
mod platform;
mod terraform;

/// Gathers resources of every tool, each with the block or the file that declares it.
pub(crate) fn gather(corpus: &Corpus<'_>) -> Gathered<Resource> {
    let mut found = Found::default();
    terraform::gather(corpus, &mut found);
    cloudformation::gather(corpus, &mut found);
    platform::gather(corpus, &mut found);
    let Found { mut items, files, mut gaps } = found;
    items.sort_by(|one, other| one.place.cmp(&other.place));
    gaps.sort();
    Gathered::new(items, files, gaps)
}

#[derive(Default)]
struct Found {
    items: Vec<Resource>,
    files: usize,
    gaps: Vec<Gap>,
}

impl Found {
    fn gap(&mut self, place: Place, reason: impl Into<String>) {
        self.gaps.push(Gap { source: Source::Infrastructure, place, reason: reason.into() });
    }

    /// A data file of which each document is one resource.
    fn whole(&mut self, file: &crate::DataFile, resource: impl Fn(&Node) -> Resource) {
        self.files += 1;
        self.gaps.extend(file.gaps(Source::Infrastructure));
        self.items.extend(file.documents.iter().map(resource));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Tree;

    pub(super) fn check(files: &[(&str, &str)], expect: &[&str]) {
        let tree = Tree::from_memory(files.iter().map(|(path, text)| ((*path).to_owned(), text.as_bytes().to_vec())));
        let corpus = Corpus::read(&tree);
        let gathered = gather(&corpus);
        let mut found: Vec<String> = gathered
            .items
            .iter()
            .map(|one| {
                let body = gonogo_formats::json::to_string(&one.body);
                format!("{} {:?} {} {:?} {body}", one.place, one.tool, one.kind, one.name)
            })
            .collect();
        found.extend(gathered.gaps.iter().map(|gap| format!("gap {}", gap.place)));
        assert_eq!(found, expect);
    }
}
