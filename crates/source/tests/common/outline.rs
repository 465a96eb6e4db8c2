//! A module on lines: what is found, each in its scope.

use std::fmt::Write as _;

use gonogo_source::{CallRole, Expr, Module, Names, Nothing, ScopeId};

pub(crate) fn outline(module: &Module) -> String {
    let names = Names::new(module, &Nothing);
    let mut lines: Vec<(u32, u32, ScopeId, String)> = Vec::new();
    for (at, scope) in module.scopes.iter().enumerate().skip(1) {
        let mut text = format!("{:?} {}", scope.kind, scope.name);
        for parameter in &scope.parameters {
            let _ = write!(text, " ({}", parameter.name);
            if let Some(kind) = &parameter.kind {
                let _ = write!(text, ": {kind}");
            }
            if let Some(default) = &parameter.default {
                let _ = write!(text, " = {}", shown(module, default));
            }
            text.push(')');
        }
        if !scope.types.is_empty() {
            let _ = write!(text, " of {}", scope.types.join(", "));
        }
        if let Some(condition) = &scope.condition {
            let _ = write!(text, " when {}", shown(module, condition));
        }
        if scope.empty {
            text.push_str(" empty");
        }
        if scope.asynchronous {
            text.push_str(" asynchronous");
        }
        lines.push((scope.spot.line, scope.spot.start, scope.parent.unwrap_or(at), text));
    }
    for call in &module.calls {
        let symbols = names.symbols(&call.callee, call.scope).join(" or ");
        let arguments: Vec<String> = call
            .arguments
            .iter()
            .map(|argument| {
                let value = shown(module, &argument.value);
                argument.name.as_ref().map_or(value.clone(), |name| format!("{name}={value}"))
            })
            .collect();
        let mut text = format!("call {symbols} ({})", arguments.join(", "));
        if call.role != CallRole::Plain {
            let _ = write!(text, " {:?}", call.role);
        }
        if call.awaited {
            text.push_str(" awaited");
        }
        if call.dropped {
            text.push_str(" dropped");
        }
        lines.push((call.spot.line, call.spot.end, call.scope, text));
    }
    for binding in &module.bindings {
        let kind = binding.kind.as_ref().map(|kind| format!(": {kind}")).unwrap_or_default();
        let value = binding.value.as_ref().map(|value| format!(" = {}", shown(module, value))).unwrap_or_default();
        let nth = if binding.nth > 0 { format!(" #{}", binding.nth) } else { String::new() };
        lines.push((
            binding.spot.line,
            binding.spot.end,
            binding.scope,
            format!("bind {}{kind}{value}{nth}", binding.name),
        ));
    }
    for read in &module.reads {
        let default = read.default.as_ref().map(|value| format!(" or {}", shown(module, value))).unwrap_or_default();
        let text = format!("read {}{default}", shown(module, &read.value));
        lines.push((read.spot.line, read.spot.end, read.scope, text));
    }
    for value in &module.returns {
        lines.push((value.spot.line, value.spot.end, value.scope, format!("return {}", shown(module, &value.value))));
    }
    for literal in &module.literals {
        lines.push((literal.spot.line, literal.spot.end, literal.scope, format!("text {:?}", literal.text)));
    }
    lines.sort();
    let mut text = String::new();
    if !module.package.is_empty() {
        let _ = writeln!(text, "package {}", module.package);
    }
    for import in &module.imports {
        let name = import.name.as_deref().map(|name| format!(" {name:?}")).unwrap_or_default();
        let _ = writeln!(text, "import {}{name} as {:?}", import.module, import.local);
    }
    for (line, _, scope, what) in lines {
        let depth = module.around(scope).count();
        let _ = writeln!(text, "{line:4}{}{what}", "  ".repeat(depth));
    }
    for spot in &module.broken {
        let _ = writeln!(text, "broken at line {}", spot.line);
    }
    text
}

/// An expression on one line.
fn shown(module: &Module, value: &Expr) -> String {
    let all = |items: &[Expr]| items.iter().map(|item| shown(module, item)).collect::<Vec<_>>();
    match value {
        Expr::Text(text) => format!("{text:?}"),
        Expr::Number(number) => number.clone(),
        Expr::Bool(value) => value.to_string(),
        Expr::Null => "null".to_owned(),
        Expr::Name(name) => name.clone(),
        Expr::Member(of, name) => format!("{}.{name}", shown(module, of)),
        Expr::Index(of, key) => format!("{}[{}]", shown(module, of), shown(module, key)),
        Expr::Call(at) => {
            let callee = module.calls.get(*at).map(|call| shown(module, &call.callee)).unwrap_or_default();
            format!("{callee}()")
        }
        Expr::Object { kind, fields } => {
            let fields: Vec<String> =
                fields.iter().map(|(name, value)| format!("{name}: {}", shown(module, value))).collect();
            format!("{}{{{}}}", kind.as_deref().unwrap_or_default(), fields.join(", "))
        }
        Expr::List(items) => format!("[{}]", all(items).join(", ")),
        Expr::Function(at) => {
            let name = module.scopes.get(*at).map(|scope| scope.name.as_str()).unwrap_or_default();
            format!("<function {name}>")
        }
        Expr::Operation(operator, items) => format!("({operator} {})", all(items).join(" ")),
        Expr::Other => "?".to_owned(),
    }
}
