//! What a module of JavaScript takes from others, and what it gives them.

use tree_sitter::Node;

use super::{string, visit};
use crate::{
    Expr,
    reader::{Reader, part, parts},
};

pub(super) fn import(reader: &mut Reader<'_>, node: Node<'_>) -> Expr {
    let Some(source) = node.child_by_field_name("source") else { return Expr::Other };
    let module = module_name(&string(reader, source));
    let Some(clause) = part(node, &["import_clause"]) else {
        reader.import(module, Some(String::new()), String::new(), node);
        return Expr::Other;
    };
    for child in parts(clause) {
        match child.kind() {
            "identifier" => {
                let local = reader.text(child);
                reader.import(module.clone(), None, local, node);
            }
            "namespace_import" => {
                let local = part(child, &["identifier"]).map(|name| reader.text(name)).unwrap_or_default();
                reader.import(module.clone(), Some("*".to_owned()), local, node);
            }
            _ => {
                for specifier in parts(child) {
                    let name = reader.field_text(specifier, "name");
                    let alias = reader.field_text(specifier, "alias");
                    let local = if alias.is_empty() { name.clone() } else { alias };
                    reader.import(module.clone(), Some(name).filter(|name| name != "default"), local, specifier);
                }
            }
        }
    }
    Expr::Other
}

/// `node:http` is `http`.
fn module_name(text: &str) -> String {
    text.strip_prefix("node:").unwrap_or(text).to_owned()
}

/// The module that `require("x")` or `await import("x")` names, and the member that is taken from it at once.
pub(super) fn required(reader: &Reader<'_>, node: Node<'_>) -> Option<(String, Option<String>)> {
    match node.kind() {
        "await_expression" | "parenthesized_expression" => required(reader, *parts(node).first()?),
        "member_expression" => {
            let (module, name) = required(reader, node.child_by_field_name("object")?)?;
            let member = reader.field_text(node, "property");
            Some(match (name, member.as_str()) {
                (None, "default") => (module, None),
                (None, _) => (module, Some(member)),
                (Some(name), _) => (module, Some(format!("{name}.{member}"))),
            })
        }
        "call_expression" => {
            let function = node.child_by_field_name("function")?;
            if !matches!(reader.text(function).as_str(), "require" | "import") {
                return None;
            }
            let argument = *parts(node.child_by_field_name("arguments")?).first()?;
            (argument.kind() == "string").then(|| (module_name(&string(reader, argument)), None))
        }
        _ => None,
    }
}

/// What others get from this module goes by `default`, or by `exports.name` where that is another name or another
/// module's.
pub(super) fn export(reader: &mut Reader<'_>, node: Node<'_>) {
    let module = node.child_by_field_name("source").map(|source| module_name(&string(reader, source)));
    if let Some(module) = module {
        return hand_on(reader, node, &module);
    }
    if let Some(clause) = part(node, &["export_clause"]) {
        for specifier in parts(clause) {
            let name = reader.field_text(specifier, "name");
            let given = given(reader, specifier, &name);
            reader.bind(given, None, Some(Expr::Name(name)), specifier);
        }
        return;
    }
    let default = node.children(&mut node.walk()).any(|child| child.kind() == "default");
    for child in parts(node).into_iter().filter(|child| child.kind() != "decorator") {
        let value = visit(reader, child);
        if default {
            let name = reader.field_text(child, "name");
            let declared = child.kind().ends_with("_declaration") && !name.is_empty();
            reader.bind("default".to_owned(), None, Some(if declared { Expr::Name(name) } else { value }), node);
        }
    }
}

/// `export { a as b } from "./x"`, `export * from "./x"`, `export * as x from "./x"`.
fn hand_on(reader: &mut Reader<'_>, node: Node<'_>, module: &str) {
    let every = || Some("*".to_owned());
    match part(node, &["export_clause", "namespace_export"]) {
        Some(clause) if clause.kind() == "export_clause" => {
            for specifier in parts(clause) {
                let name = reader.field_text(specifier, "name");
                let given = given(reader, specifier, &name);
                reader.import(module.to_owned(), Some(name).filter(|name| name != "default"), given, specifier);
            }
        }
        Some(space) => {
            let name = parts(space).first().map(|name| reader.text(*name)).unwrap_or_default();
            reader.import(module.to_owned(), every(), format!("exports.{name}"), node);
        }
        None => reader.import(module.to_owned(), every(), "exports.*".to_owned(), node),
    }
}

/// How others ask for what an export names.
fn given(reader: &Reader<'_>, specifier: Node<'_>, name: &str) -> String {
    let alias = reader.field_text(specifier, "alias");
    match if alias.is_empty() { name } else { &alias } {
        "default" => "default".to_owned(),
        name => format!("exports.{name}"),
    }
}
