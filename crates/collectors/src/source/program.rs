//! The files of one program together: what one of them says of names that another one declares.

use std::collections::{BTreeMap, HashMap};

use gonogo_domain::known_symbols;
use gonogo_source::{Beyond, Import, Language, Maker, Names, Nothing};

use super::SourceUnit;

/// A file of the program, by its place in [`Program::files`].
pub(super) type FileId = usize;

pub(super) struct Program<'u> {
    pub(super) files: Vec<&'u SourceUnit>,
    by_path: HashMap<&'u str, FileId>,
    /// What the files of a group say of each other's names: a folder of Go, all files of Java.
    groups: BTreeMap<String, Group>,
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
}

impl<'u> Program<'u> {
    pub(super) fn new(files: &[&'u SourceUnit]) -> Self {
        let mut program = Self {
            files: files.to_vec(),
            by_path: files.iter().enumerate().map(|(at, file)| (&*file.path, at)).collect(),
            groups: BTreeMap::new(),
        };
        let mut groups: BTreeMap<String, Group> = BTreeMap::new();
        for (at, file) in files.iter().enumerate() {
            let group = groups.entry(group_of(file)).or_default();
            let names = Names::new(&file.module, &Nothing);
            for name in names.functions().keys() {
                group.functions.entry(name.clone()).or_insert(at);
            }
            for (field, symbol) in names.fields() {
                group.fields.entry(field).or_insert(symbol);
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
        program
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
            _ => None,
        }
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
        known_symbols(file.module.language.word()).gives(symbol)
    }

    fn imported(&self, import: &Import) -> Option<String> {
        let target = self.program.target(self.file, import)?;
        let file = self.program.files.get(target)?;
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
        self.program.group(self.file)?.fields.get(&format!("{class}.{field}")).cloned()
    }
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
