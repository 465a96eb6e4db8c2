//! Frameworks whose routes are files: `knowledge/source/routers.toml`.

use std::{collections::BTreeMap, sync::OnceLock};

use serde::Deserialize;

/// A framework that answers with files, by where they stand.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Router {
    /// What a manifest depends on that uses it.
    pub package: String,
    pub reference: String,
    pub routes: Vec<Routed>,
    #[serde(default)]
    pub drawn: Option<Drawn>,
    /// Files that run before every route, without their ends, or folders of such.
    pub before: Vec<String>,
    #[serde(default)]
    pub defines: Option<Defines>,
    /// As of a library that listens, where it serves by itself.
    #[serde(default)]
    pub listens: BTreeMap<String, String>,
    /// The version since which it drains.
    #[serde(default)]
    pub drains_since: Option<String>,
    pub example: Example,
    /// A file that is no route.
    pub look_alike: String,
}

/// Folders of routes.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Routed {
    /// Below the folder of the manifest.
    pub folders: Vec<String>,
    /// What a file is called that answers; any does where it is left out, and its name is part of the path.
    #[serde(default)]
    pub file: Option<String>,
    #[serde(default)]
    pub prefix: String,
    pub answers: AnswersWith,
}

/// What of a file answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AnswersWith {
    /// What it exports under the name of a method.
    ByMethod,
    /// What it exports by default, whatever the method; or the one that its name ends with.
    ByDefault,
}

/// Files that draw pages where the program runs, not in a browser.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Drawn {
    pub folders: Vec<String>,
    pub files: Vec<String>,
}

/// Where the settings of a framework name variables of the environment and say what they are.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Defines {
    /// Without its end.
    pub file: String,
    pub field: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Example {
    pub file: String,
    pub path: String,
    #[serde(default)]
    pub method: Option<String>,
}

/// A file that is a route.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileRoute {
    /// `/orders/{id}`
    pub path: String,
    /// The only method that it answers, where its name says so.
    pub method: Option<String>,
    pub answers: AnswersWith,
}

const METHODS: &[&str] = &["get", "post", "put", "patch", "delete", "head", "options"];

impl Router {
    /// What a file of source answers; its path is taken from the folder of the manifest.
    pub fn route(&self, file: &str) -> Option<FileRoute> {
        let stem = without_end(file)?;
        self.routes.iter().find_map(|routed| {
            let rest = routed.folders.iter().find_map(|folder| below(stem, folder))?;
            let (folders, name) = rest.rsplit_once('/').unwrap_or(("", rest));
            let (name, method) = if let Some(wanted) = &routed.file {
                (name == wanted).then_some((None, None))?
            } else {
                let ends = name.rsplit_once('.').filter(|(_, end)| METHODS.contains(end));
                let (name, method) = ends.map_or((name, None), |(name, end)| (name, Some(end.to_ascii_uppercase())));
                (Some(name).filter(|name| *name != "index"), method)
            };
            let mut path = routed.prefix.clone();
            for part in folders.split('/').chain(name).filter(|part| !part.is_empty()) {
                // `_lib` is private, `(shop)` only groups, `@modal` is drawn beside.
                if part.starts_with('_') {
                    return None;
                }
                if !(part.starts_with('(') && part.ends_with(')') || part.starts_with('@')) {
                    path = format!("{path}/{}", parameter(part));
                }
            }
            Some(FileRoute {
                path: if path.is_empty() { "/".to_owned() } else { path },
                method,
                answers: routed.answers,
            })
        })
    }

    /// A file that draws a page on the server.
    pub fn draws(&self, file: &str) -> bool {
        let (Some(drawn), Some(stem)) = (&self.drawn, without_end(file)) else { return false };
        let name = stem.rsplit('/').next().unwrap_or(stem);
        drawn.files.iter().any(|one| one == name) && drawn.folders.iter().any(|folder| below(stem, folder).is_some())
    }

    /// The field under which a file says what variables of the environment are.
    pub fn defines(&self, file: &str) -> Option<&str> {
        let defines = self.defines.as_ref()?;
        (without_end(file)? == defines.file).then_some(&defines.field)
    }

    /// A file that runs before every route.
    pub fn stands_before(&self, file: &str) -> bool {
        without_end(file).is_some_and(|stem| self.before.iter().any(|one| stem == one || below(stem, one).is_some()))
    }
}

fn without_end(file: &str) -> Option<&str> {
    let (stem, end) = file.rsplit_once('.')?;
    matches!(end, "ts" | "tsx" | "js" | "jsx" | "mjs" | "mts").then_some(stem)
}

fn below<'f>(file: &'f str, folder: &str) -> Option<&'f str> {
    file.strip_prefix(folder)?.strip_prefix('/')
}

/// `[id]`, `[...rest]`, `[[id]]` and `[id=integer]` stand for something.
fn parameter(part: &str) -> String {
    let inner = part.trim_start_matches('[').trim_end_matches(']').trim_start_matches("...");
    if inner.len() == part.len() {
        return part.to_owned();
    }
    format!("{{{}}}", inner.split('=').next().unwrap_or(inner))
}

pub fn routers() -> &'static [Router] {
    #[derive(Default, Deserialize)]
    struct Table {
        router: Vec<Router>,
    }
    static TABLE: OnceLock<Table> = OnceLock::new();
    let table = TABLE.get_or_init(|| serde_json::from_str(table!("source/routers")).unwrap_or_default());
    &table.router
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_of_routers_finds_its_example() {
        assert!(!routers().is_empty(), "the table does not parse");
        for row in routers() {
            let found = row.route(&row.example.file).map(|route| (route.path, route.method));
            assert_eq!(found, Some((row.example.path.clone(), row.example.method.clone())), "{}", row.package);
            assert_eq!(row.route(&row.look_alike), None, "{}", row.look_alike);
            assert!(row.reference.starts_with("https://"), "{}", row.package);
        }
    }

    #[test]
    fn folders_of_a_path_are_read_as_frameworks_do() {
        let next = routers().iter().find(|row| row.package == "next").unwrap();
        let check = |file: &str, expect: Option<&str>| {
            assert_eq!(next.route(file).map(|route| route.path).as_deref(), expect, "{file}");
        };
        check("app/route.js", Some("/"));
        check("app/(collect)/q/[slug]/route.ts", Some("/q/{slug}"));
        check("app/docs/[...path]/route.ts", Some("/docs/{path}"));
        check("app/docs/[[...path]]/route.ts", Some("/docs/{path}"));
        check("app/api/_lib/route.ts", None);
        check("app/api/orders/page.tsx", None);
        check("app/api/orders/route.md", None);
        check("pages/api/index.ts", Some("/api"));
        check("pages/api/orders/[id].ts", Some("/api/orders/{id}"));
        check("pages/orders.tsx", None);
        assert!(next.draws("src/app/orders/page.tsx") && !next.draws("src/components/page.tsx"));
        assert!(next.stands_before("src/middleware.ts") && !next.stands_before("src/lib/middleware.ts"));
    }
}
