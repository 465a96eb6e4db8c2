//! The files of one program together: what one of them says of names that another one declares.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::OnceLock,
};

use gonogo_domain::{
    evidence::{Ecosystem, Package},
    known_symbols,
};
use gonogo_source::{Beyond, Import, Language};
use hashbrown::HashMap;
use rayon::prelude::*;

use super::{
    SourceUnit,
    filed::{self, Site},
    given::{STEPS, generated},
    outline::Outline,
    scripts::Scripts,
    touched::{Touched, touch, touch_group, touching},
};

pub(super) use super::asked::{AllNames, Made, Unasked, follow};

/// A file of the program, by its place in [`Program::files`].
pub(super) type FileId = usize;

pub(super) struct Program<'u> {
    pub(super) files: Vec<&'u SourceUnit>,
    by_path: HashMap<&'u str, FileId>,
    /// The group of each file, by its place in `groups`.
    group_of: Vec<usize>,
    /// What the files of a group say of each other's names: a folder of Go, all files of Java.
    groups: Vec<Group>,
    /// The first file of each folder of Go that declares a function, tests left out.
    folders: HashMap<String, FileId>,
    /// The modules of Go that the repository holds, with their folders.
    modules: Vec<(String, String)>,
    scripts: &'u Scripts,
    /// Where frameworks look for routes that are files.
    pub(super) sites: Vec<Site>,
    /// Where the modules are that each script imports, where somebody asked.
    modules_of: Vec<OnceLock<HashMap<Box<str>, Option<FileId>>>>,
    /// The files that each file imports, where somebody asked.
    imported: Vec<OnceLock<Vec<FileId>>>,
}

/// What the files of one package declare at their tops.
#[derive(Debug, Default)]
pub(super) struct Group {
    /// Symbols of names.
    pub(super) names: HashMap<String, String>,
    /// Symbols of the types of fields, by `Class.field`.
    fields: HashMap<String, String>,
    /// Where a function is, methods by `Class.method`.
    pub(super) functions: HashMap<String, FileId>,
    /// What its functions give back.
    gifts: HashMap<String, String>,
    /// Its files, and those that symbols of its names come from.
    rests_on: BTreeSet<FileId>,
    /// Where a class is.
    pub(super) classes: HashMap<String, FileId>,
    /// What a module of JavaScript gives under names that are not its own.
    pub(super) handed_on: Vec<(String, Import)>,
}

impl Group {
    /// A number that changes with what it declares.
    fn digest(&self) -> u128 {
        let mut hash = blake3::Hasher::new();
        for symbols in [&self.names, &self.fields, &self.gifts] {
            let mut all: Vec<(&String, &String)> = symbols.iter().collect();
            all.sort_unstable();
            for (name, symbol) in all {
                hash.update(name.as_bytes());
                hash.update(&[0]);
                hash.update(symbol.as_bytes());
                hash.update(&[0]);
            }
            hash.update(&[1]);
        }
        for places in [&self.functions, &self.classes] {
            let mut all: Vec<(&String, &FileId)> = places.iter().collect();
            all.sort_unstable();
            for (name, file) in all {
                hash.update(name.as_bytes());
                hash.update(&[0]);
                hash.update(&file.to_le_bytes());
            }
            hash.update(&[1]);
        }
        for (name, import) in &self.handed_on {
            hash.update(format!("{name}\0{}\0{:?}\0", import.module, import.name).as_bytes());
        }
        hash.finalize().as_bytes().last_chunk().map_or(0, |last| u128::from_le_bytes(*last))
    }

    /// Adds what one file declares; what an earlier one says of the same name stands.
    fn add(&mut self, file: FileId, declared: Declared) {
        self.rests_on.insert(file);
        self.handed_on.extend(declared.handed_on);
        for name in declared.functions {
            self.functions.entry(name).or_insert(file);
        }
        for name in declared.classes {
            self.classes.entry(name).or_insert(file);
        }
        for (all, more) in
            [(&mut self.gifts, declared.gifts), (&mut self.fields, declared.fields), (&mut self.names, declared.names)]
        {
            for (name, symbol) in more {
                all.entry(name).or_insert(symbol);
            }
        }
    }
}

/// How often a name is handed on from one module to the next.
const REEXPORTS: usize = 4;
/// A module that hands on more is a list of names.
const IMPORTS: usize = 64;

/// Names with their symbols.
type Symbols = Vec<(String, String)>;

/// What one file declares at its top.
struct Declared {
    functions: Vec<String>,
    classes: Vec<String>,
    gifts: Symbols,
    fields: Symbols,
    names: Symbols,
    handed_on: Vec<(String, Import)>,
}

impl Declared {
    fn by(at: FileId, outline: &Outline) -> Self {
        let all = |symbols: &Symbols| -> Symbols {
            symbols.iter().map(|(name, symbol)| (name.clone(), placed(at, symbol.clone()))).collect()
        };
        Self {
            functions: outline.named.keys().cloned().collect(),
            gifts: all(&outline.gifts),
            fields: all(&outline.fields),
            names: outline.names.clone(),
            classes: outline.classes.clone(),
            handed_on: outline.handed_on.clone(),
        }
    }
}

impl<'u> Program<'u> {
    pub(super) fn new(files: &[&'u SourceUnit], packages: &[Package], scripts: &'u Scripts) -> Self {
        let declared: Vec<Declared> =
            files.par_iter().enumerate().map(|(at, file)| Declared::by(at, &file.outline)).collect();
        // In the order of their keys: of the packages in a folder of Go, the first stands for it.
        let mut keyed: BTreeMap<String, Vec<(FileId, Declared)>> = BTreeMap::new();
        for (at, (file, declared)) in files.iter().zip(declared).enumerate() {
            keyed.entry(group_key(file)).or_default().push((at, declared));
        }
        let keyed: Vec<_> = keyed.into_values().collect();
        let group = |members: Vec<(FileId, Declared)>| {
            let mut group = Group::default();
            for (file, declared) in members {
                group.add(file, declared);
            }
            group
        };
        let mut program = Self {
            files: files.to_vec(),
            by_path: files.iter().enumerate().map(|(at, file)| (&*file.path, at)).collect(),
            group_of: vec![0; files.len()],
            groups: keyed.into_par_iter().map(group).collect(),
            folders: HashMap::new(),
            modules: modules(packages),
            scripts,
            sites: filed::sites(packages),
            modules_of: files.iter().map(|_| OnceLock::new()).collect(),
            imported: files.iter().map(|_| OnceLock::new()).collect(),
        };
        for (at, group) in program.groups.iter().enumerate() {
            // Nothing is joined yet: these are its own files.
            for file in &group.rests_on {
                if let Some(of) = program.group_of.get_mut(*file) {
                    *of = at;
                }
            }
            if let Some(first) = group.functions.values().min().copied()
                && let Some(unit) = files.get(first)
                && unit.language == Language::Go
                && !unit.outline.package.ends_with("_test")
            {
                program.folders.entry(folder(&unit.path).to_owned()).or_insert(first);
            }
        }
        program.join_folders();
        program
    }

    /// A hash of the files with what they are there for, the group of each, the file that stands for each folder of Go, the
    /// modules, the names that scripts go by, and the dependencies with their versions.
    pub(super) fn frame(&self, packages: &[Package]) -> [u8; 32] {
        let mut hash = blake3::Hasher::new();
        let folders: BTreeMap<&String, &FileId> = self.folders.iter().collect();
        // The word that each line begins with tells what it is of.
        for (file, group) in self.files.iter().zip(&self.group_of) {
            hash.update(format!("file {}\0{:?}\0{group}\0", file.path, file.role).as_bytes());
        }
        for (folder, file) in folders {
            hash.update(format!("folder {folder}\0{file}\0").as_bytes());
        }
        for (module, folder) in &self.modules {
            hash.update(format!("module {module}\0{folder}\0").as_bytes());
        }
        hash.update(format!("scripts {:?} {:?}", self.scripts, self.sites).as_bytes());
        for one in packages.iter().flat_map(|package| &package.dependencies) {
            hash.update(format!("dependency {}\0{:?}\0", one.name, one.version).as_bytes());
        }
        *hash.finalize().as_bytes()
    }

    /// The files that each group rests on.
    pub(super) fn rests_on(&self) -> impl Iterator<Item = &BTreeSet<FileId>> {
        self.groups.iter().map(|group| &group.rests_on)
    }

    /// What each group declares.
    pub(super) fn declared(&self) -> Vec<u128> {
        self.groups.par_iter().map(Group::digest).collect()
    }

    /// Turns the names of the repository's own packages of Go, and of modules of JavaScript, into those of the files that
    /// declare them.
    fn join_folders(&mut self) {
        let others = |language| matches!(language, Language::Go | Language::JavaScript | Language::TypeScript);
        let joined = self.files.iter().zip(&self.group_of).filter(|(file, _)| others(file.language));
        let groups: BTreeSet<usize> = joined.map(|(_, group)| *group).collect();
        // What a function gives may be what another package's function gives.
        for _ in 0..2 {
            let joined: Vec<(usize, [Symbols; 3], Touched)> = groups
                .par_iter()
                .filter_map(|at| {
                    let group = self.groups.get(*at)?;
                    // A module of JavaScript is a group of its own.
                    let script = group.rests_on.first().copied().filter(|file| self.is_script(*file));
                    let own = |symbol: &String| match script {
                        Some(file) => self.across(file, symbol, STEPS),
                        None => self.own(symbol),
                    };
                    let changed = |map: &HashMap<String, String>| {
                        map.iter().filter_map(|(name, symbol)| Some((name.clone(), own(symbol)?))).collect()
                    };
                    let all = || [changed(&group.names), changed(&group.fields), changed(&group.gifts)];
                    let (changed, touched) = touching(all);
                    Some((*at, changed, touched))
                })
                .collect();
            for (at, [names, fields, gifts], touched) in joined {
                let others = touched.groups.iter().filter_map(|group| self.groups.get(*group));
                let others: Vec<FileId> = others.flat_map(|group| &group.rests_on).copied().collect();
                if let Some(group) = self.groups.get_mut(at) {
                    group.rests_on.extend(touched.files);
                    group.rests_on.extend(others);
                    group.names.extend(names);
                    group.fields.extend(fields);
                    group.gifts.extend(gifts);
                }
            }
        }
    }

    /// `example.com/shop/store.Store` is `@3.Store`, where the third file is one of that folder.
    fn own(&self, symbol: &str) -> Option<String> {
        let path = symbol.rfind('/').map_or(0, |slash| slash + 1);
        let dot = symbol.get(path..)?.find('.').map(|dot| path + dot)?;
        let (module, name) = (symbol.get(..dot)?, symbol.get(dot + 1..)?);
        let file = self.go(module)?;
        touch(file);
        let gift = name.strip_suffix("()").and_then(|function| self.group(file)?.gifts.get(function));
        Some(gift.cloned().unwrap_or_else(|| format!("@{file}.{name}")))
    }

    /// The file of the package of another one that declares a class.
    pub(super) fn class(&self, file: FileId, name: &str) -> Option<FileId> {
        self.group(file)?.classes.get(name).copied()
    }

    /// What lies beyond a file.
    pub(super) fn beyond(&self, file: FileId) -> FileBeyond<'_, 'u> {
        FileBeyond { program: self, file }
    }

    /// The file and the name in it that an import of the program's own code means.
    pub(super) fn target(&self, from: FileId, import: &Import) -> Option<FileId> {
        let file = self.files.get(from)?;
        let target = match file.language {
            Language::JavaScript | Language::TypeScript => self.script(from, &import.module),
            Language::Python => self.python(&file.path, import),
            Language::Go => self.go(&import.module),
            Language::Rust => self.rust(&file.path, import),
            _ => None,
        }?;
        touch(target);
        Some(target)
    }

    /// The files of the program that a file imports, in the order of its imports.
    pub(super) fn imported(&self, file: FileId) -> &[FileId] {
        let (Some(known), Some(unit)) = (self.imported.get(file), self.files.get(file)) else { return &[] };
        let imports = &unit.outline.imports;
        let all = known.get_or_init(|| imports.iter().filter_map(|import| self.target(file, import)).collect());
        for target in all {
            touch(*target);
        }
        all
    }

    /// The first file of the folder of Go that an import means, of those that belong to the program.
    fn go(&self, module: &str) -> Option<FileId> {
        let (folder, rest) = self.modules.iter().find_map(|(name, folder)| {
            let rest = module.strip_prefix(name.as_str())?;
            Some((folder.as_str(), if rest.is_empty() { rest } else { rest.strip_prefix('/')? }))
        })?;
        match (folder, rest) {
            ("", folder) | (folder, "") => self.folders.get(folder),
            (folder, rest) => self.folders.get(&format!("{folder}/{rest}")),
        }
        .copied()
    }

    /// The file of the program that a script means by the name of a module.
    pub(super) fn script(&self, from: FileId, module: &str) -> Option<FileId> {
        let unit = self.files.get(from)?;
        let find = |module: &str| self.scripts.find(&unit.path, module, |path| self.by_path.get(path).copied());
        // Each of its names is asked for many times.
        let known = self.modules_of.get(from)?.get_or_init(|| {
            let modules = unit.outline.imports.iter().map(|import| import.module.as_str());
            modules.map(|module| (module.into(), find(module))).collect()
        });
        known.get(module).copied().unwrap_or_else(|| find(module))
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
        let inner = name.filter(|name| *name != "*").map(|name| format!("{joined}/{name}"));
        // A module, or a package with modules of its own.
        let named = inner.into_iter().chain([joined]);
        named
            .flat_map(|path| [format!("{path}.py"), format!("{path}/__init__.py")])
            .find_map(|path| self.by_path.get(path.as_str()).copied())
    }

    /// `mod links;`, `use crate::links::Link`, `use super::App`: the module's own file, else the one that declares it.
    fn rust(&self, from: &str, import: &Import) -> Option<FileId> {
        let mut words = import.module.split('.').peekable();
        let stem = from.strip_suffix(".rs")?;
        let own = match stem.rsplit_once('/') {
            Some((folder, "main" | "lib" | "mod")) => folder,
            _ => stem,
        };
        let mut base = match words.peek().copied()? {
            "crate" => {
                words.next();
                let at = from.rfind("src/").filter(|at| *at == 0 || from.as_bytes().get(at - 1) == Some(&b'/'));
                match at {
                    Some(at) => from.get(..at + 3)?.to_owned(),
                    // A test of several files is a crate of its own.
                    None => self.crate_of_tests(from)?,
                }
            }
            "self" => {
                words.next();
                own.to_owned()
            }
            _ => own.to_owned(),
        };
        while words.next_if_eq(&"super").is_some() {
            base = folder(&base).to_owned();
        }
        for word in words {
            base = format!("{base}/{word}");
        }
        let file = |path: &str| {
            ["{}.rs", "{}/mod.rs", "{}/main.rs", "{}/lib.rs"]
                .iter()
                .find_map(|shape| self.by_path.get(shape.replace("{}", path).as_str()).copied())
        };
        let inner = import.name.as_deref().filter(|name| *name != "*").and_then(|name| file(&format!("{base}/{name}")));
        inner.or_else(|| file(&base))
    }

    /// `tests/house` of `tests/house/floors.rs`, where `tests/house/main.rs` is.
    fn crate_of_tests(&self, from: &str) -> Option<String> {
        let mut around = folder(from);
        while !around.is_empty() {
            if self.by_path.contains_key(format!("{around}/main.rs").as_str()) {
                return Some(around.to_owned());
            }
            around = folder(around);
        }
        None
    }

    /// The file that declares a function or a type of Rust that an import names, through what modules hand on.
    fn handed_on(&self, from: FileId, import: &Import, name: &str, steps: usize) -> Option<FileId> {
        let steps = steps.checked_sub(1)?;
        let path = &self.files.get(from)?.path;
        let whole = Import { name: None, ..import.clone() };
        let target = self.rust(path, &whole)?;
        touch(target);
        let declares = |file: FileId| {
            let group = self.group(file)?;
            let found = group.functions.get(name) == Some(&file) || group.classes.get(name) == Some(&file);
            found.then_some(file)
        };
        declares(target).or_else(|| {
            let mut imports = self.files.get(target)?.outline.imports.iter().take(IMPORTS);
            imports.find_map(|one| {
                let named = one.name.as_deref().is_some_and(|own| own == "*" || own == name);
                (named && target != from).then(|| self.handed_on(target, one, name, steps)).flatten()
            })
        })
    }

    /// The import names a file as a whole: `from app import database` is `app/database.py`.
    pub(super) fn is_module(&self, target: FileId, import: &Import) -> bool {
        let Some((name, file)) = import.name.as_deref().zip(self.files.get(target)) else { return true };
        let stem = file.path.rsplit_once('.').map_or(&*file.path, |(stem, _)| stem);
        let stem = stem.strip_suffix("/__init__").or_else(|| stem.strip_suffix("/mod")).unwrap_or(stem);
        let (above, last) = stem.rsplit_once('/').unwrap_or(("", stem));
        let around = import.module.rsplit('.').next().unwrap_or_default();
        let near = matches!(around, "" | "crate" | "self" | "super");
        last == name && (near || above.rsplit('/').next() == Some(around))
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

    pub(super) fn group(&self, file: FileId) -> Option<&Group> {
        let group = *self.group_of.get(file)?;
        touch_group(group);
        self.groups.get(group)
    }
}

/// The files that see each other's names without importing them.
pub(super) fn group_key(file: &SourceUnit) -> String {
    let language = file.language;
    match language {
        Language::Go => format!("go {} {}", folder(&file.path), file.outline.package),
        Language::JavaScript | Language::TypeScript | Language::Python | Language::Rust => file.path.to_string(),
        _ => language.word().to_owned(),
    }
}

pub(super) fn folder(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

/// A path relative to a folder, without `.` and `..`; none where it leads out of the repository.
pub(super) fn resolve(folder: &str, relative: &str) -> Option<String> {
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
            return known_symbols(file.language.word()).gives(symbol);
        };
        group.gifts.get(name).map(String::as_str)
    }

    fn imported(&self, import: &Import) -> Option<String> {
        let Some(target) = self.program.target(self.file, import) else {
            return generated(import).filter(|_| self.program.is_script(self.file));
        };
        let file = self.program.files.get(target)?;
        if file.language == Language::Go {
            return Some(format!("@{target}"));
        }
        // What a module hands on: `pub use health_check::*` in the file of the module.
        if file.language == Language::Rust
            && let Some(name) = import.name.as_deref().filter(|name| *name != "*")
            && let Some(owner) = self.program.handed_on(self.file, import, name, REEXPORTS)
        {
            return Some(format!("@{owner}.{name}"));
        }
        if self.program.is_script(target) {
            return self.program.symbol_given(target, import);
        }
        if self.program.is_module(target, import) {
            return Some(format!("@{target}"));
        }
        let name = import.name.as_deref()?;
        Some(match file.outline.tops.get(name) {
            Some(symbol) => placed(target, symbol.clone()),
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
pub(super) fn placed(file: FileId, symbol: String) -> String {
    match symbol.strip_prefix('.').filter(|own| !own.starts_with(['.', '/'])) {
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

/// The files of Go that only other programs than the service's are built from.
///
/// A repository often holds tools beside the service: what they print says nothing of it. The service's program is the
/// one that lies right in its folder, else the one whose folder has its name, or whose module has where it lies at its top;
/// where none has, all of them count.
pub(super) fn other_programs(program: &Program<'_>, absent: &[bool], name: &str, home: &str) -> BTreeSet<FileId> {
    let here = |file: &FileId| !absent.get(*file).copied().unwrap_or(true);
    let is_go =
        |file: &FileId| here(file) && program.files.get(*file).is_some_and(|unit| unit.language == Language::Go);
    let folder_of = |file: FileId| program.files.get(file).map_or("", |unit| folder(&unit.path));
    let mains: BTreeSet<&str> = (0..program.files.len())
        .filter(is_go)
        .filter(|file| {
            program.files.get(*file).is_some_and(|unit| {
                unit.outline.package == "main"
                    && unit.role.counts()
                    && unit.outline.functions.iter().any(|one| one.own == "main" && one.class.is_none())
            })
        })
        .map(folder_of)
        .collect();
    let wanted: BTreeSet<&str> = mains
        .iter()
        .copied()
        .filter(|folder| {
            // The folder of the repository holds much beside one program.
            if home != "." && mains.contains(home) {
                return *folder == home;
            }
            let module = program.modules.iter().find(|(_, home)| home == folder).map(|(module, _)| module.as_str());
            let last = module.unwrap_or(folder).rsplit('/').next();
            last.is_some_and(|last| same_name(last, name))
        })
        .collect();
    // The only one that is seen says nothing of what it is built from, unless the service is that program.
    if wanted.is_empty() || mains.len() < 2 && !wanted.contains(home) {
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
        // Tests reach for other programs too.
        let units = files.iter().filter_map(|file| program.files.get(*file)).filter(|unit| unit.role.counts());
        let imports = units.flat_map(|unit| &unit.outline.imports);
        open.extend(imports.filter_map(|import| program.go(&import.module)).map(folder_of));
    }
    (0..program.files.len()).filter(is_go).filter(|file| !kept.contains(folder_of(*file))).collect()
}

/// `shop-api` builds `cmd/shopapi` and `cmd/shop_api`.
fn same_name(folder: &str, name: &str) -> bool {
    let plain = |text: &str| -> String { text.to_lowercase().chars().filter(char::is_ascii_alphanumeric).collect() };
    !folder.is_empty() && plain(folder) == plain(name)
}
