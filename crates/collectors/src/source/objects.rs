//! Objects of Go that are written out and mean something by their fields: `&tls.Config{InsecureSkipVerify: true}`,
//! `&cobra.Command{Use: "serve", RunE: serve}`.

use gonogo_domain::{
    KnownUse,
    evidence::{Meaning, Use},
    known_symbols,
};
use gonogo_source::{Expr, Language, Scope, ScopeId, ScopeKind};

use super::{facts::Linker, program::FileId, values};

impl Linker<'_> {
    pub(super) fn objects(&self, file: FileId) -> Vec<Use> {
        let Some(context) = self.context(file).filter(|context| context.module.language == Language::Go) else {
            return Vec::new();
        };
        let module = context.module;
        let table = known_symbols(module.language.word());
        let mut found = Vec::new();
        let mut look = |value: &Expr, scope: ScopeId, line: u32| {
            value.walk(&mut |inner| {
                let Expr::Object { kind: Some(kind), .. } = inner else { return };
                if !kind.contains('.') {
                    return;
                }
                let Some(symbol) = context.names.symbols(inner, scope).into_iter().next() else { return };
                let means = |row: &KnownUse| matches!(row.means, Meaning::Dangerous | Meaning::Command);
                for row in table.rows(&symbol).into_iter().filter(|(_, row)| means(row)) {
                    let Some(function) = self.function_at(file, scope) else { continue };
                    let mut one = self.seen(file, function, line, &symbol, row);
                    if row.1.means == Meaning::Command {
                        let Expr::Object { fields, .. } = inner else { continue };
                        // Lists hold other commands.
                        let own = fields.iter().map(|(_, field)| field);
                        own.filter(|field| !matches!(field, Expr::List(_) | Expr::Object { .. }))
                            .for_each(|field| self.functions_in(file, field, scope, &mut one.wraps));
                    }
                    for (name, slots) in &row.1.settings {
                        let field = slots.at.iter().find_map(|slot| inner.field(slot.strip_prefix('.')?));
                        if let Some(field) = field {
                            let setting = values::setting(context, field, scope, slots.unit.as_deref(), line);
                            one.settings.insert(name.clone(), setting);
                        }
                    }
                    // A function without a name runs where it is handed on: the branch around it holds for it too.
                    let named = |one: &Scope| one.kind == ScopeKind::Function && !one.name.is_empty();
                    let mut around = module.around(scope).take_while(|(_, one)| !named(one));
                    one.in_branch = around.any(|(_, one)| one.kind == ScopeKind::Branch);
                    if !one.settings.is_empty() || !one.wraps.is_empty() {
                        found.push(one);
                    }
                }
            });
        };
        for one in &module.bindings {
            if let Some(value) = &one.value {
                look(value, one.scope, one.spot.line);
            }
        }
        for one in &module.returns {
            look(&one.value, one.scope, one.spot.line);
        }
        for call in &module.calls {
            for argument in &call.arguments {
                look(&argument.value, call.scope, call.spot.line);
            }
        }
        found
    }
}
