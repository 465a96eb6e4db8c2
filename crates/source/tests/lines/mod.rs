//! What the tests of single languages share: a module told in lines that are easy to compare.

use std::fmt::Write as _;

use gonogo_source::{CallRole, Language, Module, Names, Nothing, Scope, read};

/// Each call with the symbol that it stands for, as `line symbol`, its role if it is not plain, `awaited` and `dropped`.
#[track_caller]
pub(crate) fn check_calls(language: Language, code: &str, expect: &[&str]) {
    let module = read(language, code.as_bytes());
    let names = Names::new(&module, &Nothing);
    let mut found: Vec<(u32, u32, String)> = module
        .calls
        .iter()
        .map(|call| {
            let mut told = names.symbols(&call.callee, call.scope).into_iter().next().unwrap_or_else(|| "?".to_owned());
            if call.role != CallRole::Plain {
                told = format!("{told} {:?}", call.role);
            }
            told.push_str(if call.awaited { " awaited" } else { "" });
            told.push_str(if call.dropped { " dropped" } else { "" });
            (call.spot.line, call.spot.end, told)
        })
        .collect();
    found.sort();
    let found: Vec<String> = found.into_iter().map(|(line, _, told)| format!("{line} {told}")).collect();
    assert_eq!(found, expect, "broken: {:?}", module.broken);
}

/// Each scope within the file, as `line Kind name(parameters): types if condition`, indented by its depth; `empty` and
/// `async` at the end.
#[track_caller]
pub(crate) fn check_scopes(language: Language, code: &str, expect: &[&str]) {
    let module = read(language, code.as_bytes());
    let found: Vec<String> =
        module.scopes.iter().enumerate().skip(1).map(|(at, scope)| told(&module, at, scope)).collect();
    assert_eq!(found, expect, "broken: {:?}", module.broken);
}

fn told(module: &Module, at: usize, scope: &Scope) -> String {
    let depth = module.around(at).count().saturating_sub(2);
    let mut told = format!("{}{} {:?}", "  ".repeat(depth), scope.spot.line, scope.kind);
    if !scope.name.is_empty() {
        let _ = write!(told, " {}", scope.name);
    }
    if !scope.parameters.is_empty() {
        let parameters: Vec<String> = scope
            .parameters
            .iter()
            .map(|one| one.kind.as_ref().map_or_else(|| one.name.clone(), |kind| format!("{} {kind}", one.name)))
            .collect();
        let _ = write!(told, "({})", parameters.join(", "));
    }
    if !scope.types.is_empty() {
        let _ = write!(told, ": {}", scope.types.join(", "));
    }
    if let Some(condition) = &scope.condition {
        let _ = write!(told, " if {condition:?}");
    }
    told.push_str(if scope.empty { " empty" } else { "" });
    told.push_str(if scope.asynchronous { " async" } else { "" });
    told
}
