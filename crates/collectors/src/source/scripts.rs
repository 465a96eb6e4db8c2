//! Where the module of JavaScript or TypeScript is that an import names: beside the file, under a name that a
//! `tsconfig.json` or a manifest gives a folder, or in another package of the workspace.

use std::collections::BTreeMap;

use gonogo_domain::{
    Node,
    evidence::{FileEntry, Role},
};
use gonogo_formats::json;

use super::program::{folder, resolve};
use crate::Tree;

/// Longer files configure nothing that is read here.
const SIZE_LIMIT: u64 = 1 << 18;

/// Settings that one file extends, and what these extend.
const EXTENDS: usize = 16;

/// Names that one file gives.
const NAMES: usize = 256;

/// How a file may go on after what an import names.
const ENDS: &[&str] =
    &["", ".ts", ".tsx", ".js", ".jsx", ".mjs", ".cjs", ".mts", "/index.ts", "/index.tsx", "/index.js", "/index.mjs"];

/// Where packages keep what they are built from, and what it becomes.
const BUILT: &[&str] = &["dist", "build", "lib", "out"];

/// Names that a framework gives to folders by itself, in settings that it writes: the file beside which it does.
const BY_FRAMEWORK: &[(&str, &str, &str)] = &[
    ("svelte.config.", "$lib", "src/lib"),
    ("nuxt.config.", "~~", "."),
    ("nuxt.config.", "@@", "."),
    ("nuxt.config.", "~", "app"),
    ("nuxt.config.", "@", "app"),
    ("nuxt.config.", "~", "."),
    ("nuxt.config.", "@", "."),
];

/// The names that modules go by in a repository.
#[derive(Debug, Default)]
pub(crate) struct Scripts {
    /// What holds below a folder, the deepest first.
    places: Vec<Aliases>,
    /// Packages of the workspace by their names.
    members: BTreeMap<String, Member>,
}

#[derive(Debug, Default)]
struct Aliases {
    folder: String,
    /// `@/*` with what it stands for, from the top of the repository: the longest first.
    patterns: Vec<(String, Vec<String>)>,
}

#[derive(Debug)]
struct Member {
    folder: String,
    /// What it gives to others: `.` and `./client` with their files, as they are written.
    entries: Vec<(String, String)>,
}

impl Scripts {
    pub(super) fn gather(tree: &Tree) -> Self {
        let mut scripts = Self::default();
        let mut by_folder: BTreeMap<&str, Vec<(String, Vec<String>)>> = BTreeMap::new();
        let read = |file: &FileEntry| json::parse(&file.path, &tree.text(&file.path).ok()?).ok();
        let files = tree.files().iter().filter(|file| file.role != Role::Vendored && file.size <= SIZE_LIMIT);
        let mut configured: BTreeMap<&str, Node> = BTreeMap::new();
        for file in files {
            let around = folder(&file.path);
            match file.name() {
                "package.json" => {
                    let Some(node) = read(file) else { continue };
                    let own = by_folder.entry(around).or_default();
                    for (name, path) in entries(node.get("imports")) {
                        own.extend(resolve(around, &path).map(|path| (name, vec![path])));
                    }
                    scripts.members.extend(member(around, &node));
                }
                name if is_configuration(name) => configured.extend(read(file).map(|node| (&*file.path, node))),
                name => {
                    for (_, alias, target) in BY_FRAMEWORK.iter().filter(|(file, ..)| name.starts_with(file)) {
                        let target = resolve(around, target).unwrap_or_default();
                        let own = by_folder.entry(around).or_default();
                        own.push(((*alias).to_owned(), vec![target.clone()]));
                        own.push((format!("{alias}/*"), vec![below(&target, "*")]));
                    }
                }
            }
        }
        for path in configured.keys() {
            by_folder.entry(folder(path)).or_default().extend(aliases(&configured, path));
        }
        for (folder, mut patterns) in by_folder.into_iter().filter(|(_, patterns)| !patterns.is_empty()) {
            patterns.sort_by_key(|(pattern, _)| std::cmp::Reverse(pattern.len()));
            scripts.places.push(Aliases { folder: folder.to_owned(), patterns });
        }
        scripts.places.sort_by_key(|one| std::cmp::Reverse(one.folder.len()));
        scripts
    }

    /// The file that a module is which another file names, by what says where files are.
    pub(super) fn find<T>(&self, from: &str, module: &str, at: impl Fn(&str) -> Option<T>) -> Option<T> {
        let mut tried = String::new();
        let mut file = |path: &str| {
            let stem = path.rsplit_once('.').filter(|(_, end)| matches!(*end, "js" | "mjs" | "cjs" | "jsx"));
            let stem = stem.map(|(stem, _)| stem);
            // Most modules are packages from elsewhere, for which all of this is in vain.
            ENDS.iter().find_map(|end| {
                stem.into_iter().chain([path]).find_map(|path| {
                    tried.clear();
                    tried.push_str(path);
                    tried.push_str(end);
                    at(&tried)
                })
            })
        };
        if module.starts_with('.') {
            return file(&resolve(folder(from), module)?);
        }
        let around = self.places.iter().filter(|one| is_below(from, &one.folder));
        let named = around.flat_map(|one| &one.patterns).find_map(|(pattern, targets)| {
            let rest = matched(pattern, module)?;
            targets.iter().find_map(|target| file(&target.replacen('*', rest, 1)))
        });
        named.or_else(|| self.in_members(module).iter().find_map(|path| file(path)))
    }

    /// Where a module of a package of the workspace may be: `@shop/db`, `@shop/db/client`.
    fn in_members(&self, module: &str) -> Vec<String> {
        let slashes = module.match_indices('/').map(|(at, _)| at);
        let mut ends = std::iter::once(module.len()).chain(slashes);
        let found = ends.find_map(|end| Some((self.members.get(module.get(..end)?)?, module.get(end..)?)));
        let Some((member, rest)) = found else { return Vec::new() };
        let mut paths = Vec::new();
        let mut add = |path: &str| {
            let path = path.trim_start_matches("./");
            paths.push(below(&member.folder, path));
            // What is built is not there; what it is built from is.
            if let Some((first, rest)) = path.split_once('/').filter(|(first, _)| BUILT.contains(first)) {
                let rest = rest.trim_start_matches("src/");
                let stem = rest.strip_suffix(".d.ts").unwrap_or(rest);
                paths.push(below(&member.folder, &format!("src/{stem}")));
                if first != "src" {
                    paths.push(below(&member.folder, stem));
                }
            }
        };
        let wanted = format!(".{rest}");
        for (entry, path) in &member.entries {
            if let Some(rest) = matched(entry, &wanted) {
                add(&path.replacen('*', rest, 1));
            }
        }
        let rest = rest.trim_start_matches('/');
        paths.push(below(&member.folder, rest));
        paths.push(below(&member.folder, &below("src", rest)));
        paths
    }
}

/// `tsconfig.json`, `tsconfig.base.json`, `jsconfig.json`, and what packages of settings call theirs.
fn is_configuration(name: &str) -> bool {
    name.strip_suffix(".json").is_some_and(|stem| {
        let stem = stem.split('.').next().unwrap_or(stem);
        matches!(stem, "tsconfig" | "jsconfig")
    })
}

/// The names that a `tsconfig.json` gives, and those that it extends.
fn aliases(all: &BTreeMap<&str, Node>, path: &str) -> Vec<(String, Vec<String>)> {
    let mut found = Vec::new();
    let mut seen: Vec<String> = Vec::new();
    let mut open = vec![path.to_owned()];
    while let Some(path) = open.pop().filter(|_| seen.len() < EXTENDS) {
        let Some(node) = all.get(path.as_str()).filter(|_| !seen.contains(&path)) else { continue };
        let around = folder(&path);
        let base = node.str_at("compilerOptions.baseUrl").and_then(|base| resolve(around, base));
        let from = base.as_deref().unwrap_or(around);
        let paths = node.at("compilerOptions.paths").map(Node::entries).unwrap_or_default();
        found.extend(paths.iter().take(NAMES).map(|entry| {
            let targets = entry.node.items().iter().filter_map(Node::str);
            (entry.key.clone(), targets.filter_map(|target| resolve(from, target)).collect())
        }));
        found.extend(base.map(|base| ("*".to_owned(), vec![below(&base, "*")])));
        let extended = node.get("extends");
        let several = extended.map(Node::items).unwrap_or_default().iter().filter_map(Node::str);
        for name in extended.and_then(Node::str).into_iter().chain(several).filter(|name| name.starts_with('.')) {
            let extended = resolve(around, name);
            open.extend(extended.iter().flat_map(|path| ["", ".json"].map(|end| format!("{path}{end}"))));
        }
        seen.push(path);
    }
    found
}

fn member(folder: &str, node: &Node) -> Option<(String, Member)> {
    let name = node.str_at("name").filter(|_| !folder.is_empty())?;
    let mut given = entries(node.get("exports"));
    for key in ["source", "main", "module", "types"] {
        given.extend(node.str_at(key).map(|path| (".".to_owned(), path.to_owned())));
    }
    Some((name.to_owned(), Member { folder: folder.to_owned(), entries: given }))
}

/// What `imports` and `exports` of a manifest lead to, under whatever condition: `"./x": "./src/x.ts"`,
/// `{"import": …, "require": …}`.
fn entries(node: Option<&Node>) -> Vec<(String, String)> {
    let Some(node) = node else { return Vec::new() };
    let mut found = Vec::new();
    let mut open: Vec<(&str, &Node)> = vec![(".", node)];
    while let Some((name, node)) = open.pop().filter(|_| found.len() < NAMES) {
        found.extend(node.str().map(|path| (name.to_owned(), path.to_owned())));
        let below = node.entries().iter().rev().map(|entry| {
            let key = entry.key.as_str();
            (if key.starts_with(['.', '#']) { key } else { name }, &entry.node)
        });
        open.extend(below);
        open.extend(node.items().iter().map(|item| (name, item)));
    }
    found
}

/// What stands for the star of a pattern; nothing where there is none.
fn matched<'m>(pattern: &str, module: &'m str) -> Option<&'m str> {
    match pattern.split_once('*') {
        Some((before, after)) => module.strip_prefix(before)?.strip_suffix(after),
        None => (pattern == module).then_some(""),
    }
}

fn is_below(path: &str, folder: &str) -> bool {
    folder.is_empty() || path.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'))
}

fn below(folder: &str, path: &str) -> String {
    match (folder, path) {
        ("", path) => path.to_owned(),
        (folder, "") => folder.to_owned(),
        (folder, path) => format!("{folder}/{path}"),
    }
}
