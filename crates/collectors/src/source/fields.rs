//! Classes whose fields are variables of the environment.

use gonogo_domain::{
    evidence::{EnvironmentRead, Meaning, SettingValue},
    known_symbols,
};
use gonogo_source::{Expr, ScopeId, ScopeKind};

use super::{
    facts::{Linker, method},
    program::FileId,
    values,
};

impl Linker<'_> {
    /// `class Settings(BaseSettings)`: each field that has no prefix of its class's own is the variable of its name.
    pub(super) fn settings_fields(&self, file: FileId) -> Vec<(FileId, ScopeId, EnvironmentRead)> {
        let Some(context) = self.context(file) else { return Vec::new() };
        let module = context.module;
        let table = known_symbols(module.language.word());
        let mut found = Vec::new();
        for (at, class) in module.scopes.iter().enumerate().filter(|(_, scope)| scope.kind == ScopeKind::Class) {
            let around = class.parent.unwrap_or(0);
            let loads = class.types.iter().flat_map(|base| context.names.symbols(&Expr::Name(base.clone()), around));
            let known = loads.into_iter().any(|symbol| {
                table.rows(&symbol).iter().any(|(_, row)| {
                    row.means == Meaning::ConfigLoad
                        && row.defaults.get("fields").map(String::as_str) == Some("environment")
                })
            });
            if !known {
                continue;
            }
            for field in module.bindings.iter().filter(|one| one.scope == at && one.kind.is_some()) {
                let name = field.name.strip_prefix("this.").unwrap_or(&field.name);
                let value = field.value.as_ref().filter(|value| !required(context, value));
                let default = value.map(|value| match value {
                    Expr::Null => SettingValue::NotFollowed,
                    value => values::setting(context, value, at, None, field.spot.line).value,
                });
                found.extend(self.environment_read(file, name.to_ascii_uppercase(), default, at, field.spot.line));
            }
        }
        found
    }
}

/// `Field(...)`, `Field(min_length=1)`: without a default it has to be set.
fn required(context: values::Context<'_>, value: &Expr) -> bool {
    let Expr::Call(at) = value else { return false };
    let Some(call) = context.module.calls.get(*at).filter(|call| method(&call.callee) == Some("Field")) else {
        return false;
    };
    call.arguments.iter().all(|one| match &one.name {
        Some(name) => !name.starts_with("default"),
        None => one.value == Expr::Other,
    })
}
