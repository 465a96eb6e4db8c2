//! The names of the files of a program, made ready when somebody asks; and what made an object, wherever in it.

use std::sync::OnceLock;

use gonogo_source::{Maker, Names};

use super::{
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
