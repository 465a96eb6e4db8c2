//! What modules of JavaScript and TypeScript give to those that import them, through whatever hands it on.

use gonogo_domain::known_symbols;
use gonogo_source::{Import, Language};

use super::{
    program::{FileId, Program, placed},
    touched::touch,
};

/// Modules that are asked for one name.
const MODULES: usize = 256;

/// How often what a file says of a name is what another one says of it.
pub(super) const STEPS: usize = 4;

/// What a module of JavaScript gives to an import.
#[derive(Clone, Copy)]
pub(super) enum Given<'s> {
    /// What a file has under this name; `*` is the file itself.
    Own(FileId, &'s str),
    /// What it has from a package.
    Foreign(&'s Import),
}

impl Program<'_> {
    pub(super) fn is_script(&self, file: FileId) -> bool {
        let language = self.files.get(file).map(|unit| unit.language);
        matches!(language, Some(Language::JavaScript | Language::TypeScript))
    }

    /// What a module of JavaScript has for an import, in the module that it comes from.
    pub(super) fn given<'s>(&'s self, module: FileId, import: &'s Import) -> Given<'s> {
        self.given_unseen(module, import, &mut Vec::new())
    }

    fn given_unseen<'s>(&'s self, module: FileId, import: &'s Import, seen: &mut Vec<(FileId, &'s str)>) -> Given<'s> {
        let name = import.name.as_deref();
        let wanted = match name {
            None => ["module.exports", "default"],
            Some("*") => ["module.exports"; 2],
            Some(name) => [name; 2],
        };
        let found = wanted.into_iter().find_map(|name| self.exported(module, name, seen));
        found.unwrap_or(Given::Own(module, name.unwrap_or("*")))
    }

    /// What a module of JavaScript gives under a name.
    pub(super) fn given_by_name(&self, module: FileId, name: &'static str) -> Option<Given<'_>> {
        self.exported(module, name, &mut Vec::new())
    }

    /// The symbol of what a module of JavaScript has for an import.
    pub(super) fn symbol_given(&self, module: FileId, import: &Import) -> Option<String> {
        self.symbol_within(module, import, STEPS)
    }

    fn symbol_within(&self, module: FileId, import: &Import, steps: usize) -> Option<String> {
        match self.given(module, import) {
            Given::Own(file, "*") => Some(format!("@{file}")),
            Given::Own(file, name) => {
                touch(file);
                let outline = &self.files.get(file)?.outline;
                let symbol = outline.tops.get(name).or_else(|| outline.exports.get(&format!("exports.{name}")));
                Some(symbol.map_or_else(
                    || format!("@{file}.{name}"),
                    |symbol| self.across(file, symbol, steps).unwrap_or_else(|| placed(file, symbol.clone())),
                ))
            }
            Given::Foreign(import) => generated(import).or_else(|| {
                (!import.module.starts_with('.')).then(|| match import.name.as_deref() {
                    None | Some("*") => import.module.clone(),
                    Some(name) => format!("{}.{name}", import.module),
                })
            }),
        }
    }

    /// A symbol that a file of JavaScript says of itself alone, `./db.Client`, by the module that has it.
    pub(super) fn across(&self, file: FileId, symbol: &str, steps: usize) -> Option<String> {
        let (steps, unit) = (steps.checked_sub(1)?, self.files.get(file).filter(|_| symbol.contains('/'))?);
        let (import, rest) = unit.outline.imports.iter().find_map(|import| {
            let rest = symbol.strip_prefix(import.module.as_str())?;
            Some((import, if rest.is_empty() { rest } else { rest.strip_prefix('.')? }))
        })?;
        let target = self.script(file, &import.module)?;
        let (name, rest) = rest.split_once('.').unwrap_or((rest, ""));
        let name = if name.is_empty() { import.name.clone() } else { Some(name.to_owned()) };
        let found = self.symbol_within(target, &Import { name, ..import.clone() }, steps)?;
        Some(if rest.is_empty() { found } else { format!("{found}.{rest}") })
    }

    /// Where a name comes from that others can ask a module of JavaScript for.
    fn exported<'s>(&'s self, file: FileId, name: &'s str, seen: &mut Vec<(FileId, &'s str)>) -> Option<Given<'s>> {
        if seen.len() >= MODULES || seen.contains(&(file, name)) {
            return None;
        }
        seen.push((file, name));
        let group = self.group(file)?;
        let named = |wanted: &'s str| group.handed_on.iter().filter(move |(given, _)| given == wanted);
        if let Some((_, import)) = named(name).next() {
            return Some(match (import.module.as_str(), import.name.as_deref()) {
                ("", Some(name)) => Given::Own(file, name),
                (module, _) => match self.script(file, module) {
                    Some(target) => self.given_unseen(target, import, seen),
                    None => Given::Foreign(import),
                },
            });
        }
        let declares = [&group.functions, &group.classes].iter().any(|all| all.contains_key(name));
        if declares || group.names.contains_key(name) {
            return Some(Given::Own(file, name));
        }
        let whole = named("*").filter_map(|(_, import)| self.script(file, &import.module));
        whole.into_iter().find_map(|target| self.exported(target, name, seen))
    }
}

/// The symbol of what a module has that a tool writes.
pub(super) fn generated(import: &Import) -> Option<String> {
    let package = known_symbols(Language::JavaScript.word()).generated(&import.module)?;
    Some(match import.name.as_deref() {
        None | Some("*") => package.to_owned(),
        Some(name) => format!("{package}.{name}"),
    })
}
