//! Source code in one shape for nine languages: bytes in, a [`Module`] out.
//!
//! A module says what a file imports, which scopes it has, what it calls, binds, catches and returns. It knows no
//! library: what a call means is a row of `knowledge/source/`, applied a floor above.

mod index;
mod language;
mod languages;
mod makers;
mod module;
mod names;
mod reader;
mod trail;

pub use index::Index;
pub use language::Language;
pub use makers::Maker;
pub use module::{
    Argument, Binding, Call, CallRole, Expr, Import, Literal, Module, Parameter, Read, Return, Scope, ScopeId,
    ScopeKind, Spot,
};
pub use names::{Beyond, Names, Nothing};

/// Reads one file. Whatever the bytes, there is a module; what did not parse is in its [`Module::broken`].
pub fn read(language: Language, bytes: &[u8]) -> Module {
    languages::read(language, bytes)
}
