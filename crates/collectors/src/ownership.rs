//! Who owns what: CODEOWNERS, OWNERS and catalog-info.

use std::sync::Arc;

use gonogo_domain::{
    Gap, Gathered, Node, Place, Source,
    evidence::{Ownership, OwnershipKind, Role},
};

use crate::{Corpus, corpus::DataFile, paths};

pub(crate) fn gather(corpus: &Corpus<'_>) -> Gathered<Ownership> {
    let mut gathered = Gathered::default();
    code_owners(corpus, &mut gathered);
    for entry in corpus.files_where(|entry| entry.name() == "OWNERS" && entry.role == Role::Product) {
        gathered.files += 1;
        match corpus.tree.text(&entry.path) {
            Ok(text) => gathered.items.extend(owners_file(&entry.path, &text)),
            Err(reason) => gathered.gaps.push(gap(&entry.path, reason)),
        }
    }
    for file in corpus.data().filter(|file| is_catalog(file)) {
        gathered.files += 1;
        gathered.gaps.extend(file.gaps(Source::Ownership));
        gathered.items.extend(file.documents.iter().filter_map(component));
    }
    gathered.items.sort_by(|one, other| one.place.cmp(&other.place));
    gathered
}

fn gap(path: &Arc<str>, reason: String) -> Gap {
    Gap { source: Source::Ownership, place: Place::whole(Arc::clone(path)), reason }
}

/// GitHub takes the first of `.github/`, the root and `docs/`; GitLab the first of the root, `docs/` and `.gitlab/`.
const CODE_OWNERS: [&str; 4] = [".github/CODEOWNERS", "CODEOWNERS", "docs/CODEOWNERS", ".gitlab/CODEOWNERS"];

fn code_owners(corpus: &Corpus<'_>, gathered: &mut Gathered<Ownership>) {
    let Some(entry) = CODE_OWNERS.iter().find_map(|path| corpus.tree.entry(path)) else { return };
    gathered.files += 1;
    match corpus.tree.text(&entry.path) {
        Ok(text) => gathered.items.extend(code_owner_lines(&entry.path, &text)),
        Err(reason) => gathered.gaps.push(gap(&entry.path, reason)),
    }
}

fn code_owner_lines(path: &Arc<str>, text: &str) -> Vec<Ownership> {
    let mut owned = Vec::new();
    // GitLab: owners behind a section's name hold for lines of it that name none.
    let mut section: Vec<String> = Vec::new();
    for (line, number) in text.lines().zip(1_u32..) {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let heading = line.strip_prefix('[').or_else(|| line.strip_prefix("^[")).and_then(|rest| rest.split_once(']'));
        if let Some((_, after)) = heading {
            section = owners(after);
            continue;
        }
        let (subject, rest) = split_pattern(line);
        let mut named = owners(rest);
        if named.is_empty() {
            named.clone_from(&section);
        }
        owned.push(Ownership {
            kind: OwnershipKind::CodeOwners,
            subject,
            owners: named,
            place: Place::new(Arc::clone(path), number, 1),
            lifecycle: None,
            depends_on: Vec::new(),
        });
    }
    owned
}

/// The pattern up to the first blank that is not escaped.
fn split_pattern(line: &str) -> (String, &str) {
    let mut pattern = String::new();
    let mut characters = line.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '\\' => pattern.extend(characters.next().map(|(_, escaped)| escaped)),
            blank if blank.is_whitespace() => return (pattern, line.get(at..).unwrap_or_default()),
            other => pattern.push(other),
        }
    }
    (pattern, "")
}

fn owners(text: &str) -> Vec<String> {
    text.split_whitespace()
        .take_while(|word| !word.starts_with('#'))
        .filter(|word| word.contains('@'))
        .map(str::to_owned)
        .collect()
}

/// An OWNERS file of Kubernetes and its kin: approvers of the folder that it lies in.
fn owners_file(path: &Arc<str>, text: &str) -> Option<Ownership> {
    let stream = gonogo_formats::yaml::parse(path, text);
    let document = stream.documents.into_iter().next()?.node;
    let approvers = document.get("approvers").or_else(|| document.at("filters"))?;
    let names = |node: &Node| node.items().iter().filter_map(Node::str).map(str::to_owned).collect::<Vec<_>>();
    let mut people = names(approvers);
    if people.is_empty() {
        // Filters by file name: all of their approvers.
        people = approvers.entries().iter().filter_map(|entry| entry.node.get("approvers")).flat_map(names).collect();
    }
    if people.is_empty() {
        return None;
    }
    let folder = paths::folder(path);
    Some(Ownership {
        kind: OwnershipKind::CodeOwners,
        subject: if folder == "." { "*".to_owned() } else { format!("/{folder}/") },
        owners: people,
        place: approvers.place.clone(),
        lifecycle: None,
        depends_on: Vec::new(),
    })
}

fn is_catalog(file: &DataFile) -> bool {
    matches!(file.role, Role::Product | Role::Documentation)
        && (file.name().starts_with("catalog-info.")
            || file.documents.iter().any(|document| {
                document.str_at("apiVersion").is_some_and(|version| version.starts_with("backstage.io/"))
            }))
}

/// A component of a Backstage catalogue.
fn component(document: &Node) -> Option<Ownership> {
    let kind = document.str_at("kind")?;
    if !matches!(kind, "Component" | "API" | "System" | "Resource") {
        return None;
    }
    let name = document.at("metadata.name")?;
    let owner = document.str_at("spec.owner");
    let mut depends_on: Vec<String> = Vec::new();
    for list in ["spec.dependsOn", "spec.consumesApis"] {
        depends_on.extend(document.list(list).iter().filter_map(Node::str).map(str::to_owned));
    }
    Some(Ownership {
        kind: OwnershipKind::Catalog,
        subject: name.str()?.to_owned(),
        owners: owner.map(str::to_owned).into_iter().collect(),
        place: name.place.clone(),
        lifecycle: document.str_at("spec.lifecycle").map(str::to_owned),
        depends_on,
    })
}

/// The owners of a path: of the last line that matches it.
pub(crate) fn owners_of<'a>(owned: &'a [Ownership], name: &str, path: &str) -> Option<&'a Ownership> {
    let catalogued = owned.iter().find(|one| one.kind == OwnershipKind::Catalog && one.subject == name);
    // CODEOWNERS goes before OWNERS files; in it the last line that matches wins, among those the deepest.
    let covering = owned
        .iter()
        .filter(|one| one.kind == OwnershipKind::CodeOwners && code_owner_matches(&one.subject, path))
        .max_by_key(|one| match paths::name(one.place.path()) {
            "CODEOWNERS" => (true, 0),
            _ => (false, one.subject.len()),
        });
    catalogued.into_iter().chain(covering).find(|one| !one.owners.is_empty())
}

/// Whether a CODEOWNERS pattern covers a whole folder.
fn code_owner_matches(pattern: &str, folder: &str) -> bool {
    if matches!(pattern, "*" | "/" | "**" | "/**" | "/*" | "**/*") {
        return true;
    }
    if folder == "." {
        return false;
    }
    let anchored = pattern.trim_start_matches('/');
    let trimmed = anchored.trim_end_matches("**").trim_end_matches('*').trim_end_matches('/');
    if trimmed.is_empty() || trimmed.contains('*') {
        return false;
    }
    let rooted = pattern.starts_with('/') || trimmed.contains('/');
    if rooted { paths::is_below(folder, trimmed) } else { folder.split('/').any(|part| part == trimmed) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Tree;

    fn check(files: &[(&str, &str)], (name, path): (&str, &str), expect: &[&str]) {
        let tree = Tree::from_memory(files.iter().map(|(path, text)| ((*path).to_owned(), text.as_bytes().to_vec())));
        let gathered = gather(&Corpus::read(&tree));
        assert_eq!(gathered.gaps, []);
        let owned = owners_of(&gathered.items, name, path);
        let seen: Vec<String> =
            owned.into_iter().flat_map(|one| one.owners.iter().map(|owner| format!("{owner} {}", one.place))).collect();
        assert_eq!(seen, expect);
    }

    #[test]
    fn the_last_line_that_matches_wins() {
        let text = "* @all\n/web/ @web # the site\n/web/admin @admin\n*.md @docs\n";
        let file = [(".github/CODEOWNERS", text)];
        check(&file, ("web", "web"), &["@web .github/CODEOWNERS:2"]);
        check(&file, ("admin", "web/admin"), &["@admin .github/CODEOWNERS:3"]);
        check(&file, ("api", "api"), &["@all .github/CODEOWNERS:1"]);
        check(&file, ("webber", "webber"), &["@all .github/CODEOWNERS:1"]);
    }

    #[test]
    fn a_line_without_owners_takes_those_of_its_section_or_none() {
        check(&[("CODEOWNERS", "[API] @team\n/api\n")], ("api", "api"), &["@team CODEOWNERS:2"]);
        check(&[("CODEOWNERS", "* @all\n/api\n")], ("api", "api"), &[]);
    }

    #[test]
    fn only_the_file_that_the_forge_takes_counts() {
        let files = [("CODEOWNERS", "* @root\n"), (".github/CODEOWNERS", "* @github\n")];
        check(&files, ("a", "."), &["@github .github/CODEOWNERS:1"]);
    }

    #[test]
    fn the_catalogue_goes_before_paths() {
        let component = "apiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata:\n  name: api\nspec:\n  owner: group:payments\n  lifecycle: production\n  dependsOn: ['resource:db']\n  consumesApis: [users]\n";
        let files = [("catalog-info.yaml", component), ("CODEOWNERS", "* @all\n")];
        check(&files, ("api", "api"), &["group:payments catalog-info.yaml:4"]);
        check(&files, ("web", "web"), &["@all CODEOWNERS:1"]);
    }

    #[test]
    fn approvers_own_their_folder() {
        let files = [("OWNERS", "approvers: [ann]\n"), ("operator/OWNERS", "approvers:\n- bob\n")];
        check(&files, ("operator", "operator"), &["bob operator/OWNERS:2"]);
        check(&files, ("web", "web"), &["ann OWNERS:1"]);
    }
}
