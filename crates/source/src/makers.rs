//! What made an object: the call or the literal that a name leads back to.

use crate::{CallRole, Expr, Import, ScopeId, trail::Trail};

/// What made an object.
#[derive(Clone, Copy, Debug)]
pub enum Maker<'m> {
    /// An index into [`crate::Module::calls`].
    Call(usize),
    /// A literal, and the scope it stands in.
    Object(&'m Expr, ScopeId),
    /// Another module made it.
    Import(&'m Import),
    /// The module that this import names has it under this name.
    Member(&'m Import, &'m str),
}

impl<'m> Trail<'_, 'm> {
    pub(crate) fn made(&self, value: &'m Expr, scope: ScopeId, steps: usize) -> Option<Maker<'m>> {
        let steps = steps.checked_sub(1)?;
        match value {
            Expr::Call(at) => {
                let call = self.index.module.calls.get(*at)?;
                // A function of the module leads on to what it gives back.
                if call.role == CallRole::Plain
                    && let Some(symbol) = self.follow(&call.callee, call.scope, steps)
                    && let Some(function) = symbol.strip_prefix('.').and_then(|name| self.index.functions.get(name))
                    && let Some(value) = self.index.gives_back.get(function)
                    && let Some(maker) = self.made(value, *function, steps)
                {
                    return Some(maker);
                }
                Some(Maker::Call(*at))
            }
            Expr::Object { kind: Some(_), .. } => Some(Maker::Object(value, scope)),
            Expr::Operation(_, items) => items.iter().rev().find_map(|item| self.made(item, scope, steps)),
            Expr::Name(path) => self.maker_of_path(path, scope, steps),
            _ => None,
        }
    }

    pub(crate) fn maker_of_path(&self, path: &'m str, scope: ScopeId, steps: usize) -> Option<Maker<'m>> {
        let steps = steps.checked_sub(1)?;
        // The longest bound prefix: `this.http`, `s.client`, `client`.
        if let Some(binding) = self.index.bound(path, scope) {
            return match &binding.value {
                Some(Expr::Name(same)) if same == path => None,
                Some(value) if binding.nth == 0 => self.made(value, binding.scope, steps),
                _ => self.field_maker(path, scope, steps),
            };
        }
        if let Some(import) = self.index.imports.get(path) {
            return Some(Maker::Import(import));
        }
        self.field_maker(path, scope, steps).or_else(|| {
            let (module, member) = path.rsplit_once('.')?;
            Some(Maker::Member(self.index.imports.get(module)?, member))
        })
    }

    /// `s.client`, where `s` is a `Server`: what a literal `Server{client: …}` of the module puts there.
    pub(crate) fn field_maker(&self, path: &str, scope: ScopeId, steps: usize) -> Option<Maker<'m>> {
        let (head, field) = path.rsplit_once('.')?;
        let class = match head {
            "this" | "self" => self
                .index
                .module
                .class(scope)
                .and_then(|at| self.index.module.scopes.get(at))
                .map(|one| one.name.clone()),
            _ => self.path(head, scope, steps).and_then(|symbol| symbol.strip_prefix('.').map(str::to_owned)),
        }?;
        let literals = self.index.objects.get(class.as_str()).into_iter().flatten();
        literals
            .filter_map(|(literal, scope)| Some((literal.field(field)?, *scope)))
            .find_map(|(value, scope)| self.made(value, scope, steps))
    }
}
