//! The names of the files of a program, made ready when somebody asks; and what made an object, wherever in it.

use std::sync::OnceLock;

use gonogo_source::{Maker, Names};

use super::{
    given::Given,
    program::{FileBeyond, FileId, Program},
    touched::touch,
};

/// The names of every file of a program.
pub(super) trait AllNames<'p>: Sync {
    fn get(&'p self, file: FileId) -> Option<&'p Names<'p>>;
}

/// Names that are made ready when they are asked.
pub(super) struct Unasked<'b> {
    program: &'b Program<'b>,
    beyond: &'b [FileBeyond<'b, 'b>],
    names: Vec<OnceLock<Names<'b>>>,
}

impl<'b> Unasked<'b> {
    pub(super) fn new(program: &'b Program<'b>, beyond: &'b [FileBeyond<'b, 'b>]) -> Self {
        Self { program, beyond, names: beyond.iter().map(|_| OnceLock::new()).collect() }
    }
}

impl<'p, 'b: 'p> AllNames<'p> for Unasked<'b> {
    fn get(&'p self, file: FileId) -> Option<&'p Names<'p>> {
        let (unit, beyond) = (self.program.files.get(file)?, self.beyond.get(file)?);
        Some(self.names.get(file)?.get_or_init(|| Names::new(&unit.module, beyond)))
    }
}

/// What made an object, in the file where it was made.
#[derive(Clone, Copy)]
pub(super) struct Made<'n> {
    pub(super) file: FileId,
    pub(super) maker: Maker<'n>,
}

/// Follows a maker through the imports of the program to the file that made the object.
pub(super) fn follow<'n>(program: &Program<'_>, all: &'n dyn AllNames<'n>, mut made: Made<'n>) -> Option<Made<'n>> {
    for _ in 0..4 {
        touch(made.file);
        let (import, name) = match made.maker {
            Maker::Import(import) => (import, import.name.as_deref()),
            Maker::Member(import, member) => (import, Some(member)),
            Maker::Call(_) | Maker::Object(..) => return Some(made),
        };
        let target = program.target(made.file, import)?;
        if matches!(made.maker, Maker::Import(_)) && program.is_script(target) {
            let Given::Own(file, name) = program.given(target, import) else { return None };
            let names = all.get(file)?;
            let value = names.top_value(name).or_else(|| names.top_value(&format!("exports.{name}")));
            made = Made { file, maker: names.maker(value?, 0)? };
            continue;
        }
        if matches!(made.maker, Maker::Member(..)) && !program.is_module(target, import) {
            return None;
        }
        let names = all.get(target)?;
        let value = match name {
            Some(name) => names.top_value(name).or_else(|| names.top_value(&format!("exports.{name}"))),
            None => names.top_value("module.exports").or_else(|| names.top_value("default")),
        };
        let maker = match value {
            Some(value) => names.maker(value, 0),
            // A package hands on what its modules have.
            None => names.maker_of(name?, 0),
        };
        made = Made { file: target, maker: maker? };
    }
    None
}
