//! Texts that belong to a vendor, in programs that talk to it.

use std::collections::BTreeSet;

use gonogo_domain::{
    Vendor,
    evidence::{FunctionId, Role, SourceText, SourceTextKind},
    vendors,
};
use gonogo_source::{Call, Expr, Module, ScopeId};

use super::{
    facts::{Linker, method},
    variables::written,
};

impl Linker<'_> {
    /// Notes the texts of every vendor that the program talks to, and gives these.
    pub(super) fn vendors(&mut self) -> Vec<&'static Vendor> {
        let all = vendors().iter().enumerate();
        let shown = all.filter(|(at, vendor)| self.talks_to(*at, vendor)).map(|(_, vendor)| vendor);
        let shown: Vec<&'static Vendor> = shown.collect();
        if shown.is_empty() {
            return shown;
        }
        let mut texts = BTreeSet::new();
        for (file, unit) in self.program.files.iter().enumerate() {
            if !matches!(unit.role, Role::Product | Role::Generated | Role::Test | Role::Example) {
                continue;
            }
            each_text(&unit.module, &mut |text, scope, line| {
                if shown.iter().any(|vendor| vendor.owns(text))
                    && let Some(function) = self.function_at(file, scope)
                {
                    let given_to = given_to(&unit.module, text, line);
                    texts.insert((file, line, text.to_owned(), function, given_to));
                }
            });
        }
        let texts: Vec<SourceText> = texts
            .into_iter()
            .map(|(file, line, text, function, given_to): Noted| SourceText {
                kind: SourceTextKind::Vendor,
                text,
                place: self.place(file, line),
                role: self.role(function),
                function,
                given_to,
            })
            .collect();
        self.code.texts.extend(texts);
        shown
    }

    fn talks_to(&self, at: usize, vendor: &Vendor) -> bool {
        self.reads.iter().any(|(.., one)| one.role.counts() && vendor.names(&one.name))
            || self.program.files.iter().any(|unit| unit.role.counts() && unit.outline.shows.contains(&at))
    }
}

type Noted = (usize, u32, String, FunctionId, Option<String>);

/// The method that a text is an argument of: `includes`.
fn given_to(module: &Module, text: &str, line: u32) -> Option<String> {
    let holds =
        |one: &&Call| one.spot.line == line && one.arguments.iter().any(|argument| argument.value.text() == Some(text));
    method(&module.calls.iter().find(holds)?.callee).map(str::to_owned)
}

/// Every text of a file, the keys of objects and the names of parameters with it: frameworks make headers of these.
pub(super) fn each_text(module: &Module, visit: &mut dyn FnMut(&str, ScopeId, u32)) {
    for literal in &module.literals {
        visit(&literal.text, literal.scope, literal.spot.line);
    }
    for (value, scope, line) in written(module) {
        value.walk(&mut |inner| {
            if let Expr::Object { fields, .. } = inner {
                for (key, _) in fields {
                    visit(key, scope, line);
                }
            }
        });
    }
    for (at, scope) in module.scopes.iter().enumerate() {
        for parameter in scope.parameters.iter().filter(|one| one.name.starts_with("x_")) {
            visit(&parameter.name.replace('_', "-"), at, scope.spot.line);
        }
    }
}
