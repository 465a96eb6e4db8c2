//! The files of one program together: what one of them says of names that another one declares.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use gonogo_domain::{
    evidence::{Ecosystem, Package},
    known_symbols,
};
use gonogo_source::{Beyond, Import, Language, Maker, Names};

use super::SourceUnit;

/// A file of the program, by its place in [`Program::files`].
pub(super) type FileId = usize;

/// What draws in a browser.
const BROWSER: &[&str] =
    &["react", "react-dom", "preact", "vue", "svelte", "@angular/core", "solid-js", "jquery", "lit", "@mui/material"];

/// What answers requests.
const SERVERS: &[&str] = &[
    "express",
    "fastify",
    "koa",
    "@nestjs/core",
    "@nestjs/common",
    "@hapi/hapi",
    "http",
    "node:http",
    "https",
    "node:https",
    "hono",
    "@grpc/grpc-js",
    "grpc",
    "next",
    "restify",
];

pub(super) struct Program<'u> {
    pub(super) files: Vec<&'u SourceUnit>,
    by_path: HashMap<&'u str, FileId>,
    /// What the files of a group say of each other's names: a folder of Go, all files of Java.
    groups: BTreeMap<String, Group>,
    /// The modules of Go that the repository holds, with their folders.
    modules: Vec<(String, String)>,
}

/// What the files of one package declare at their tops.
#[derive(Debug, Default)]
struct Group {
    /// Symbols of names.
    names: HashMap<String, String>,
    /// Symbols of the types of fields, by `Class.field`.
    fields: HashMap<String, String>,
    /// Where a function is, methods by `Class.method`.
    functions: HashMap<String, FileId>,
    /// What its functions give back.
    gifts: HashMap<String, String>,
}

impl<'u> Program<'u> {
    pub(super) fn new(files: &[&'u SourceUnit], packages: &[Package]) -> Self {
        let mut program = Self {
            files: files.to_vec(),
            by_path: files.iter().enumerate().map(|(at, file)| (&*file.path, at)).collect(),
            groups: BTreeMap::new(),
            modules: modules(packages),
        };
        let mut groups: BTreeMap<String, Group> = BTreeMap::new();
        for (at, file) in files.iter().enumerate() {
            let group = groups.entry(group_of(file)).or_default();
            let known = Known(known_symbols(file.module.language.word()));
            let names = Names::new(&file.module, &known);
            for name in names.functions().keys() {
                group.functions.entry(name.clone()).or_insert(at);
            }
            for (name, symbol) in names.gifts() {
                group.gifts.entry(name.to_owned()).or_insert_with(|| placed(at, symbol));
            }
            for (field, symbol) in names.fields() {
                group.fields.entry(field).or_insert_with(|| placed(at, symbol));
            }
            for scope in &file.module.scopes {
                if scope.kind == gonogo_source::ScopeKind::Class && !scope.name.is_empty() {
                    group.names.entry(scope.name.clone()).or_insert_with(|| format!(".{}", scope.name));
                }
            }
            for binding in file.module.bindings.iter().filter(|one| one.scope == 0) {
                if let Some(symbol) = names.top(&binding.name) {
                    group.names.entry(binding.name.clone()).or_insert(symbol);
                }
            }
        }
        program.groups = groups;
        program.join_folders();
        program
    }

    /// Turns the names of the repository's own packages of Go into those of the files that declare them.
    fn join_folders(&mut self) {
        // What a function gives may be what another package's function gives.
        for _ in 0..2 {
            let mut groups = std::mem::take(&mut self.groups);
            let joined: Vec<(String, Group)> = groups
                .iter()
                .filter(|(key, _)| key.starts_with("go "))
                .map(|(key, group)| {
                    let symbols = |map: &HashMap<String, String>| {
                        map.iter().map(|(name, symbol)| (name.clone(), self.own(&groups, symbol))).collect()
                    };
                    let group = Group {
                        names: symbols(&group.names),
                        fields: symbols(&group.fields),
                        functions: group.functions.clone(),
                        gifts: symbols(&group.gifts),
                    };
                    (key.clone(), group)
                })
                .collect();
            groups.extend(joined);
            self.groups = groups;
        }
    }

    /// `example.com/shop/store.Store` is `@3.Store`, where the third file is one of that folder.
    fn own(&self, groups: &BTreeMap<String, Group>, symbol: &str) -> String {
        let path = symbol.rfind('/').map_or(0, |slash| slash + 1);
        let Some(dot) = symbol.get(path..).and_then(|name| name.find('.')).map(|dot| path + dot) else {
            return symbol.to_owned();
        };
        let (Some(module), Some(name)) = (symbol.get(..dot), symbol.get(dot + 1..)) else { return symbol.to_owned() };
        let Some(file) = self.go(groups, module) else { return symbol.to_owned() };
        let gift = name.strip_suffix("()").and_then(|function| {
            let key = group_of(self.files.get(file)?);
            groups.get(&key)?.gifts.get(function)
        });
        gift.cloned().unwrap_or_else(|| format!("@{file}.{name}"))
    }

    /// What lies beyond a file.
    pub(super) fn beyond(&self, file: FileId) -> FileBeyond<'_, 'u> {
        FileBeyond { program: self, file }
    }

    /// The file and the name in it that an import of the program's own code means.
    pub(super) fn target(&self, from: FileId, import: &Import) -> Option<FileId> {
        let file = self.files.get(from)?;
        match file.module.language {
            Language::JavaScript | Language::TypeScript => self.script(&file.path, &import.module),
            Language::Python => self.python(&file.path, import),
            Language::Go => self.go(&self.groups, &import.module),
            _ => None,
        }
    }

    /// The files of a front end: those that draw, what they import, and none that serves. A program that is nothing but a
    /// front end serves itself.
    pub(super) fn in_browser(&self) -> BTreeSet<FileId> {
        let script = |file: &FileId| {
            let language = self.files.get(*file).map(|unit| unit.module.language);
            matches!(language, Some(Language::JavaScript | Language::TypeScript))
        };
        let imports =
            |file: FileId| self.files.get(file).map(|unit| unit.module.imports.as_slice()).unwrap_or_default();
        let of = |file: FileId, packages: &[&str]| {
            imports(file).iter().any(|import| {
                packages.iter().any(|one| import.module == *one || import.module.starts_with(&format!("{one}/")))
            })
        };
        let reached = |roots: Vec<FileId>| {
            let mut reached = BTreeSet::new();
            let mut open = roots;
            while let Some(next) = open.pop() {
                if reached.insert(next) {
                    open.extend(imports(next).iter().filter_map(|import| self.target(next, import)));
                }
            }
            reached
        };
        let all = || (0..self.files.len()).filter(script);
        let draws = all().filter(|file| {
            let path = self.files.get(*file).map_or("", |unit| &unit.path);
            path.ends_with("sx") || of(*file, BROWSER)
        });
        let serves: Vec<FileId> = all().filter(|file| of(*file, SERVERS)).collect();
        let other = self.files.iter().any(|unit| {
            unit.role.counts() && !matches!(unit.module.language, Language::JavaScript | Language::TypeScript)
        });
        if serves.is_empty() && !other {
            return BTreeSet::new();
        }
        let behind = reached(serves);
        reached(draws.collect()).into_iter().filter(|file| !behind.contains(file)).collect()
    }

    /// The first file of the folder of Go that an import means, of those that belong to the program.
    fn go(&self, groups: &BTreeMap<String, Group>, module: &str) -> Option<FileId> {
        let folder = self.modules.iter().find_map(|(name, folder)| {
            let rest = module.strip_prefix(name.as_str())?;
            let rest = if rest.is_empty() { rest } else { rest.strip_prefix('/')? };
            Some(match (folder.as_str(), rest) {
                ("", rest) => rest.to_owned(),
                (folder, "") => folder.to_owned(),
                (folder, rest) => format!("{folder}/{rest}"),
            })
        })?;
        let start = format!("go {folder} ");
        let mut found = groups.range(start.clone()..).take_while(|(key, _)| key.starts_with(&start));
        found.find(|(key, _)| !key.ends_with("_test"))?.1.functions.values().min().copied()
    }

    /// `./db` beside `src/app.ts`: `src/db.ts`, `src/db/index.js` …
    fn script(&self, from: &str, module: &str) -> Option<FileId> {
        if !module.starts_with('.') {
            return None;
        }
        let path = resolve(folder(from), module)?;
        let stem = path.rsplit_once('.').filter(|(_, end)| matches!(*end, "js" | "mjs" | "cjs" | "jsx"));
        let stem = stem.map_or(path.as_str(), |(stem, _)| stem);
        ["", ".ts", ".tsx", ".js", ".jsx", ".mjs", ".cjs", ".mts", "/index.ts", "/index.tsx", "/index.js", "/index.mjs"]
            .iter()
            .find_map(|end| {
                self.by_path
                    .get(format!("{stem}{end}").as_str())
                    .or_else(|| self.by_path.get(format!("{path}{end}").as_str()))
            })
            .copied()
    }

    /// `from .db import pool`, `from shop.db import pool`, `import db`: the package's folders are tried from the file's
    /// own upwards.
    fn python(&self, from: &str, import: &Import) -> Option<FileId> {
        let dots = import.module.chars().take_while(|letter| *letter == '.').count();
        let rest = import.module.trim_start_matches('.').replace('.', "/");
        let mut base = folder(from);
        if dots > 0 {
            for _ in 1..dots {
                base = folder(base);
            }
            return self.python_in(base, &rest, import.name.as_deref());
        }
        loop {
            if let Some(found) = self.python_in(base, &rest, import.name.as_deref()) {
                return Some(found);
            }
            if base.is_empty() {
                return None;
            }
            base = folder(base);
        }
    }

    fn python_in(&self, base: &str, module: &str, name: Option<&str>) -> Option<FileId> {
        let joined = match (base, module) {
            ("", module) => module.to_owned(),
            (base, "") => base.to_owned(),
            (base, module) => format!("{base}/{module}"),
        };
        let inner = name.filter(|name| *name != "*").map(|name| format!("{joined}/{name}.py"));
        [inner, Some(format!("{joined}.py")), Some(format!("{joined}/__init__.py"))]
            .into_iter()
            .flatten()
            .find_map(|path| self.by_path.get(path.as_str()).copied())
    }

    /// The file that declares a function beside this one.
    pub(super) fn function_beside(&self, file: FileId, name: &str) -> Option<FileId> {
        self.group(file)?.functions.get(name).copied()
    }

    /// The group that `@3.Server` leads to, and the name in it.
    fn group_at<'s>(&self, symbol: &'s str) -> Option<(&Group, &'s str)> {
        let (file, name) = symbol.strip_prefix('@')?.split_once('.')?;
        Some((self.group(file.parse().ok()?)?, name))
    }

    /// A type of the program goes by this symbol: a class, an interface.
    pub(super) fn is_type(&self, file: FileId, symbol: &str) -> bool {
        let found = symbol.strip_prefix('.').and_then(|own| Some((self.group(file)?, own)));
        let found = found.or_else(|| self.group_at(symbol));
        found.is_some_and(|(group, name)| group.names.get(name).is_some_and(|symbol| symbol.get(1..) == Some(name)))
    }

    fn group(&self, file: FileId) -> Option<&Group> {
        self.groups.get(&group_of(self.files.get(file)?))
    }
}

/// The files that see each other's names without importing them.
fn group_of(file: &SourceUnit) -> String {
    let language = file.module.language;
    match language {
        Language::Go => format!("go {} {}", folder(&file.path), file.module.package),
        Language::JavaScript | Language::TypeScript | Language::Python | Language::Rust => file.path.to_string(),
        _ => language.word().to_owned(),
    }
}

fn folder(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

/// A path relative to a folder, without `.` and `..`; none where it leads out of the repository.
fn resolve(folder: &str, relative: &str) -> Option<String> {
    let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in relative.split('/') {
        match part {
            "" | "." => (),
            ".." => {
                parts.pop()?;
            }
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

pub(super) struct FileBeyond<'p, 'u> {
    program: &'p Program<'u>,
    file: FileId,
}

impl Beyond for FileBeyond<'_, '_> {
    fn gives(&self, symbol: &str) -> Option<&str> {
        let file = self.program.files.get(self.file)?;
        let (group, name) = if let Some(own) = symbol.strip_prefix('.') {
            (self.program.group(self.file)?, own)
        } else if let Some((group, name)) = self.program.group_at(symbol) {
            (group, name)
        } else {
            return known_symbols(file.module.language.word()).gives(symbol);
        };
        group.gifts.get(name).map(String::as_str)
    }

    fn imported(&self, import: &Import) -> Option<String> {
        let target = self.program.target(self.file, import)?;
        let file = self.program.files.get(target)?;
        if file.module.language == Language::Go {
            return Some(format!("@{target}"));
        }
        let known = Known(known_symbols(file.module.language.word()));
        let names = Names::new(&file.module, &known);
        let Some(name) = import.name.as_deref() else {
            // The module itself, or what it gives by default.
            return Some(exported(&names, &["module.exports", "default"]).unwrap_or_else(|| format!("@{target}")));
        };
        let exports = format!("exports.{name}");
        let symbol = names.top(name).or_else(|| exported(&names, &[exports.as_str()]));
        Some(match symbol {
            Some(symbol) => symbol.strip_prefix('.').map_or_else(|| symbol.clone(), |own| format!("@{target}.{own}")),
            None => format!("@{target}.{name}"),
        })
    }

    fn beside(&self, name: &str) -> Option<String> {
        self.program.group(self.file)?.names.get(name).cloned()
    }

    fn field(&self, class: &str, field: &str) -> Option<String> {
        if let Some((group, class)) = self.program.group_at(class) {
            return group.fields.get(&format!("{class}.{field}")).cloned();
        }
        self.program.group(self.file)?.fields.get(&format!("{class}.{field}")).cloned()
    }
}

/// A symbol of one file as others see it: `.Server` of the third file is `@3.Server`.
fn placed(file: FileId, symbol: String) -> String {
    match symbol.strip_prefix('.') {
        Some(own) => format!("@{file}.{own}"),
        None => symbol,
    }
}

/// The modules of Go with the folders of their manifests, the deepest first.
fn modules(packages: &[Package]) -> Vec<(String, String)> {
    let go = packages.iter().filter(|package| package.ecosystem == Ecosystem::Go);
    let mut modules: Vec<(String, String)> = go
        .filter_map(|package| {
            // Imports are kept without their major version.
            let name = package.name.as_deref()?;
            let kept = name.split('/').filter(|word| {
                !word
                    .strip_prefix('v')
                    .is_some_and(|rest| !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_digit()))
            });
            Some((kept.collect::<Vec<_>>().join("/"), folder(package.place.path()).to_owned()))
        })
        .collect();
    modules.sort_by_key(|(name, _)| std::cmp::Reverse(name.len()));
    modules
}

fn exported(names: &Names<'_>, exports: &[&str]) -> Option<String> {
    exports.iter().find_map(|export| {
        let value = names.top_value(export)?;
        names.symbols(value, 0).into_iter().next().filter(|symbol| !symbol.starts_with('.'))
    })
}

/// What libraries give, and nothing of other files: enough for the names that a file exports.
struct Known(&'static gonogo_domain::Symbols);

impl Beyond for Known {
    fn gives(&self, symbol: &str) -> Option<&str> {
        self.0.gives(symbol)
    }

    fn imported(&self, _import: &Import) -> Option<String> {
        None
    }

    fn beside(&self, _name: &str) -> Option<String> {
        None
    }

    fn field(&self, _class: &str, _field: &str) -> Option<String> {
        None
    }
}

/// The files of Go that only other programs than the service's are built from.
///
/// A repository often holds tools beside the service: what they print says nothing of it. The service's program is the
/// one whose folder has its name; where none has, all of them count.
pub(super) fn other_programs(program: &Program<'_>, name: &str) -> BTreeSet<FileId> {
    let is_go = |file: &FileId| program.files.get(*file).is_some_and(|unit| unit.module.language == Language::Go);
    let folder_of = |file: FileId| program.files.get(file).map_or("", |unit| folder(&unit.path));
    let mains: BTreeSet<&str> = (0..program.files.len())
        .filter(is_go)
        .filter(|file| {
            program.files.get(*file).is_some_and(|unit| {
                unit.module.package == "main"
                    && unit.role.counts()
                    && unit.module.scopes.iter().any(|scope| scope.name == "main" && scope.parent == Some(0))
            })
        })
        .map(folder_of)
        .collect();
    let wanted: BTreeSet<&str> = mains
        .iter()
        .copied()
        .filter(|folder| folder.rsplit('/').next().is_some_and(|last| same_name(last, name)))
        .collect();
    if mains.len() < 2 || wanted.is_empty() {
        return BTreeSet::new();
    }
    // What the wanted ones import, and what that imports.
    let mut by_folder: BTreeMap<&str, Vec<FileId>> = BTreeMap::new();
    for file in (0..program.files.len()).filter(is_go) {
        by_folder.entry(folder_of(file)).or_default().push(file);
    }
    let mut kept: BTreeSet<&str> = BTreeSet::new();
    let mut open: Vec<&str> = wanted.into_iter().collect();
    while let Some(next) = open.pop() {
        if !kept.insert(next) {
            continue;
        }
        let files = by_folder.get(next).map(Vec::as_slice).unwrap_or_default();
        let units = files.iter().filter_map(|file| program.files.get(*file));
        let imports = units.flat_map(|unit| &unit.module.imports);
        open.extend(imports.filter_map(|import| program.go(&program.groups, &import.module)).map(folder_of));
    }
    (0..program.files.len()).filter(is_go).filter(|file| !kept.contains(folder_of(*file))).collect()
}

/// `shop-api` builds `cmd/shopapi` and `cmd/shop_api`.
fn same_name(folder: &str, name: &str) -> bool {
    let plain = |text: &str| -> String { text.to_lowercase().chars().filter(char::is_ascii_alphanumeric).collect() };
    !folder.is_empty() && plain(folder) == plain(name)
}

/// What made an object, in the file where it was made.
#[derive(Clone, Copy)]
pub(super) struct Made<'n> {
    pub(super) file: FileId,
    pub(super) maker: Maker<'n>,
}

/// Follows a maker through the imports of the program to the file that made the object.
pub(super) fn follow<'n>(program: &Program<'_>, all: &'n [Names<'n>], mut made: Made<'n>) -> Option<Made<'n>> {
    for _ in 0..4 {
        let Maker::Import(import) = made.maker else { return Some(made) };
        let target = program.target(made.file, import)?;
        let names = all.get(target)?;
        let exports = import.name.as_ref().map(|name| format!("exports.{name}"));
        let value = match (&import.name, &exports) {
            (Some(name), Some(exports)) => names.top_value(name).or_else(|| names.top_value(exports)),
            _ => names.top_value("module.exports").or_else(|| names.top_value("default")),
        }?;
        made = Made { file: target, maker: names.maker(value, 0)? };
    }
    None
}
