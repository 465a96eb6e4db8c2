//! JavaScript and TypeScript, with and without JSX.

mod modules;

use tree_sitter::Node;

use super::{
    steps::{binary, value_of},
    visit,
};
use crate::{
    Argument, CallRole, Expr, ScopeKind,
    reader::{Reader, fields, member, number, part, parts},
};

pub(crate) fn visit_node(reader: &mut Reader<'_>, node: Node<'_>) -> Expr {
    match node.kind() {
        "import_statement" => modules::import(reader, node),
        "variable_declarator" => declarator(reader, node),
        "assignment_expression" => assignment(reader, node),
        "expression_statement" => {
            for child in parts(node) {
                let value = visit(reader, child);
                // Waiting for a promise looks at its error as well; its value may still be thrown away.
                reader.dropped(&value);
            }
            Expr::Other
        }
        "call_expression" => call(reader, node),
        "new_expression" => {
            let callee = node.child_by_field_name("constructor").map_or(Expr::Other, |child| callee(reader, child));
            let arguments = arguments(reader, node);
            reader.call(callee, arguments, CallRole::Make, node)
        }
        "await_expression" => {
            let value = parts(node).first().map_or(Expr::Other, |child| visit(reader, *child));
            reader.awaited(&value);
            value
        }
        "parenthesized_expression"
        | "as_expression"
        | "satisfies_expression"
        | "non_null_expression"
        | "type_assertion" => {
            let inner = parts(node).into_iter().find(|child| child.kind() != "type_arguments");
            let value = inner.map_or(Expr::Other, |child| visit(reader, child));
            for rest in parts(node).into_iter().skip(1).filter(|child| child.kind().ends_with("expression")) {
                visit(reader, rest);
            }
            value
        }
        "identifier" | "shorthand_property_identifier" | "property_identifier" | "this" | "super" | "undefined" => {
            match node.kind() {
                "undefined" => Expr::Null,
                _ => Expr::Name(reader.text(node)),
            }
        }
        "member_expression" => {
            let value = path(reader, node);
            if matches!(value, Expr::Name(_)) {
                reader.read(&value, node);
            }
            value
        }
        "subscript_expression" => {
            let value = path(reader, node);
            reader.read(&value, node);
            value
        }
        "string" => {
            let text = string(reader, node);
            reader.literal(text, node)
        }
        "template_string" => template(reader, node),
        "number" => number(&reader.text(node)),
        "true" => Expr::Bool(true),
        "false" => Expr::Bool(false),
        "null" => Expr::Null,
        // Decorators are read with what they stand on.
        "decorator" | "regex" | "comment" | "type_annotation" | "interface_declaration" | "type_alias_declaration" => {
            Expr::Other
        }
        "object" => object(reader, node),
        "array" => Expr::List(parts(node).into_iter().map(|child| visit(reader, child)).collect()),
        "binary_expression" | "augmented_assignment_expression" => binary(reader, node),
        "unary_expression" => {
            let inner = node.child_by_field_name("argument").map_or(Expr::Other, |child| visit(reader, child));
            let operator = reader.field_text(node, "operator");
            match (operator.as_str(), inner) {
                ("-", Expr::Number(number)) => Expr::Number(format!("-{number}")),
                // `+process.env.PORT` and `void run()` are what they are called on.
                ("+" | "void", inner) => inner,
                (_, inner) => Expr::Operation(operator, vec![inner]),
            }
        }
        "ternary_expression" => {
            let condition = value_of(reader, node, "condition");
            let consequence = value_of(reader, node, "consequence");
            let alternative = value_of(reader, node, "alternative");
            Expr::Operation("?".to_owned(), vec![condition, consequence, alternative])
        }
        "arrow_function" | "function_expression" | "generator_function" | "function" => {
            Expr::Function(function(reader, node, String::new()))
        }
        "function_declaration" | "generator_function_declaration" => {
            let name = reader.field_text(node, "name");
            let scope = function(reader, node, name.clone());
            reader.bind(name, None, Some(Expr::Function(scope)), node);
            Expr::Function(scope)
        }
        "method_definition" => {
            let name = reader.field_text(node, "name");
            let scope = function(reader, node, name);
            decorators(reader, node, scope);
            Expr::Function(scope)
        }
        "class_declaration" | "class" | "abstract_class_declaration" => class(reader, node),
        "public_field_definition" | "field_definition" => {
            let name = reader.field_text(node, "name").max(reader.field_text(node, "property"));
            let kind = kind(reader, node);
            let value = node.child_by_field_name("value").map(|child| visit(reader, child));
            reader.bind(format!("this.{name}"), kind, value, node);
            Expr::Other
        }
        _ => statements(reader, node),
    }
}

/// Apart from the expressions, which nest deeper and need room for less.
fn statements(reader: &mut Reader<'_>, node: Node<'_>) -> Expr {
    match node.kind() {
        "return_statement" => {
            let value = parts(node).first().map_or(Expr::Null, |child| visit(reader, *child));
            reader.awaited(&value);
            reader.returned(value, node);
            Expr::Other
        }
        "throw_statement" => {
            let value = parts(node).first().map_or(Expr::Other, |child| visit(reader, *child));
            match value {
                Expr::Call(_) => reader.in_role(&value, CallRole::Throw),
                thrown => {
                    reader.call(thrown, Vec::new(), CallRole::Throw, node);
                }
            }
            Expr::Other
        }
        "if_statement" => {
            branch(reader, node);
            Expr::Other
        }
        "switch_case" | "switch_default" => {
            let condition = node.child_by_field_name("value").map(|child| visit(reader, child));
            let body = fields(node, "body");
            reader.inside(ScopeKind::Branch, String::new(), node, |reader| {
                reader.this().condition = condition;
                for statement in body {
                    visit(reader, statement);
                }
            });
            Expr::Other
        }
        "for_statement" | "for_in_statement" | "while_statement" | "do_statement" => {
            reader.inside(ScopeKind::Loop, String::new(), node, |reader| {
                let condition = node.child_by_field_name("condition").map(|child| visit(reader, child));
                reader.this().condition = condition;
                for field in ["initializer", "right", "increment", "body"] {
                    if let Some(child) = node.child_by_field_name(field) {
                        visit(reader, child);
                    }
                }
            });
            Expr::Other
        }
        "try_statement" => {
            trying(reader, node);
            Expr::Other
        }
        "export_statement" => {
            modules::export(reader, node);
            Expr::Other
        }
        _ => {
            for child in parts(node) {
                visit(reader, child);
            }
            Expr::Other
        }
    }
}

fn declarator(reader: &mut Reader<'_>, node: Node<'_>) -> Expr {
    let Some(name) = node.child_by_field_name("name") else { return Expr::Other };
    let value = node.child_by_field_name("value");
    if let Some((module, taken)) = value.and_then(|value| modules::required(reader, value)) {
        if name.kind() == "identifier" {
            let local = reader.text(name);
            reader.import(module, taken, local, node);
        } else {
            for (member, local, _) in taken_apart(reader, name) {
                let name = taken.as_ref().map_or_else(|| member.clone(), |taken| format!("{taken}.{member}"));
                reader.import(module.clone(), Some(name), local, node);
            }
        }
        return Expr::Other;
    }
    let value = value.map(|value| visit(reader, value));
    bind_pattern(reader, name, kind(reader, node), value, node);
    Expr::Other
}

fn bind_pattern(reader: &mut Reader<'_>, pattern: Node<'_>, kind: Option<String>, value: Option<Expr>, node: Node<'_>) {
    match pattern.kind() {
        "identifier" => {
            let name = reader.text(pattern);
            reader.bind(name, kind, value, node);
        }
        "object_pattern" => {
            for (name, local, default) in taken_apart(reader, pattern) {
                let part = value.clone().map(|value| member(value, &name));
                if let Some(part @ Expr::Name(_)) = &part {
                    reader.read(part, node);
                    if let Some(default) = default {
                        let default = visit(reader, default);
                        reader.default_of(part, &default);
                    }
                }
                reader.bind(local, None, part, node);
            }
        }
        "array_pattern" => {
            for (nth, child) in parts(pattern).into_iter().enumerate() {
                if child.kind() == "identifier" {
                    let name = reader.text(child);
                    reader.bind_nth(name, None, value.clone(), nth, node);
                }
            }
        }
        _ => (),
    }
}

/// `{ a, b: c, d = 1 }`: the member, its local name and its default.
fn taken_apart<'n>(reader: &Reader<'_>, pattern: Node<'n>) -> Vec<(String, String, Option<Node<'n>>)> {
    let mut taken = Vec::new();
    for child in parts(pattern) {
        match child.kind() {
            "shorthand_property_identifier_pattern" => {
                let name = reader.text(child);
                taken.push((name.clone(), name, None));
            }
            "object_assignment_pattern" => {
                let name = reader.field_text(child, "left");
                taken.push((name.clone(), name, child.child_by_field_name("right")));
            }
            "pair_pattern" => {
                let key = reader.field_text(child, "key");
                if let Some(value) = child.child_by_field_name("value") {
                    let (local, default) = match value.kind() {
                        "assignment_pattern" => (reader.field_text(value, "left"), value.child_by_field_name("right")),
                        _ => (reader.text(value), None),
                    };
                    taken.push((key, local, default));
                }
            }
            _ => (),
        }
    }
    taken
}

fn assignment(reader: &mut Reader<'_>, node: Node<'_>) -> Expr {
    let value = node.child_by_field_name("right").map_or(Expr::Other, |child| visit(reader, child));
    if let Some(left) = node.child_by_field_name("left") {
        match left.kind() {
            "member_expression" | "subscript_expression" => {
                if let Expr::Name(name) = path(reader, left) {
                    reader.bind(name, None, Some(value.clone()), node);
                }
            }
            _ => bind_pattern(reader, left, None, Some(value.clone()), node),
        }
    }
    value
}

/// A name with its members, without noting that it is read.
fn path(reader: &mut Reader<'_>, node: Node<'_>) -> Expr {
    match node.kind() {
        "member_expression" => {
            let object = node.child_by_field_name("object").map_or(Expr::Other, |child| callee(reader, child));
            let name = reader.field_text(node, "property");
            member(object, &name)
        }
        "subscript_expression" => {
            let object = node.child_by_field_name("object").map_or(Expr::Other, |child| callee(reader, child));
            let index = node.child_by_field_name("index").map_or(Expr::Other, |child| visit(reader, child));
            match index {
                // `process.env["PORT"]` is `process.env.PORT`.
                Expr::Text(key) if is_name(&key) => member(object, &key),
                index => Expr::Index(Box::new(object), Box::new(index)),
            }
        }
        _ => visit(reader, node),
    }
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|letter| letter.is_alphanumeric() || matches!(letter, '_' | '$'))
}

/// What is called, or has a member that is: not a read of its own.
fn callee(reader: &mut Reader<'_>, node: Node<'_>) -> Expr {
    reader.deeper(node, |reader| match node.kind() {
        "member_expression" | "subscript_expression" => path(reader, node),
        "parenthesized_expression" | "non_null_expression" => {
            parts(node).first().map_or(Expr::Other, |child| callee(reader, *child))
        }
        "call_expression" | "await_expression" => match modules::required(reader, node) {
            Some((module, taken)) if node.kind() == "await_expression" || !reader.text(node).starts_with("import") => {
                // `require("pino")()`: a name that nobody can write stands for the module.
                let local = format!("require:{}", reader.module.imports.len());
                reader.import(module, taken, local.clone(), node);
                Expr::Name(local)
            }
            _ => visit(reader, node),
        },
        _ => visit(reader, node),
    })
}

fn call(reader: &mut Reader<'_>, node: Node<'_>) -> Expr {
    let callee = node.child_by_field_name("function").map_or(Expr::Other, |child| callee(reader, child));
    let arguments = arguments(reader, node);
    // `promise.then(…).catch(…)`: its error is looked at.
    if let Expr::Member(of, name) = &callee
        && matches!(name.as_str(), "catch" | "then" | "finally")
    {
        reader.awaited(of);
    }
    reader.call(callee, arguments, CallRole::Plain, node)
}

fn arguments(reader: &mut Reader<'_>, node: Node<'_>) -> Vec<Argument> {
    let Some(list) = node.child_by_field_name("arguments") else { return Vec::new() };
    if list.kind() == "template_string" {
        let value = visit(reader, list);
        return vec![Argument { name: None, value }];
    }
    parts(list)
        .into_iter()
        .map(|child| {
            let value = visit(reader, child);
            Argument { name: None, value }
        })
        .collect()
}

fn string(reader: &Reader<'_>, node: Node<'_>) -> String {
    let text = reader.text(node);
    let inner = text.get(1..text.len().saturating_sub(1)).unwrap_or_default();
    inner.to_owned()
}

fn template(reader: &mut Reader<'_>, node: Node<'_>) -> Expr {
    let mut text = String::new();
    for child in parts(node) {
        if child.kind() == "template_substitution" {
            text.push_str("{}");
            for inner in parts(child) {
                visit(reader, inner);
            }
        } else {
            text.push_str(&reader.text(child));
        }
    }
    reader.literal(text, node)
}

fn object(reader: &mut Reader<'_>, node: Node<'_>) -> Expr {
    let mut fields = Vec::new();
    for child in parts(node) {
        match child.kind() {
            "pair" => {
                let key = child.child_by_field_name("key");
                let name = key.map_or_else(String::new, |key| match key.kind() {
                    "string" => string(reader, key),
                    _ => reader.text(key),
                });
                let value = child.child_by_field_name("value").map_or(Expr::Other, |value| visit(reader, value));
                fields.push((name, value));
            }
            "shorthand_property_identifier" => {
                let name = reader.text(child);
                fields.push((name.clone(), Expr::Name(name)));
            }
            "spread_element" => {
                let value = parts(child).first().map_or(Expr::Other, |inner| visit(reader, *inner));
                fields.push(("...".to_owned(), value));
            }
            "method_definition" => {
                let name = reader.field_text(child, "name");
                let value = visit(reader, child);
                fields.push((name, value));
            }
            _ => {
                visit(reader, child);
            }
        }
    }
    Expr::Object { kind: None, fields }
}

fn function(reader: &mut Reader<'_>, node: Node<'_>, name: String) -> usize {
    let body = node.child_by_field_name("body");
    let mut cursor = node.walk();
    let asynchronous = node.children(&mut cursor).take(4).any(|child| child.kind() == "async");
    reader.inside(ScopeKind::Function, name, node, |reader| {
        reader.this().asynchronous = asynchronous;
        reader.this().empty = body.is_some_and(|body| body.kind() == "statement_block" && parts(body).is_empty());
        if let Some(one) = node.child_by_field_name("parameter") {
            let name = reader.text(one);
            reader.parameter(name, None, None);
        }
        if let Some(list) = node.child_by_field_name("parameters") {
            for child in parts(list) {
                parameter(reader, child);
            }
        }
        if let Some(body) = body {
            let value = visit(reader, body);
            if body.kind() != "statement_block" {
                reader.awaited(&value);
                reader.returned(value, body);
            }
        }
    })
}

fn parameter(reader: &mut Reader<'_>, node: Node<'_>) {
    let (pattern, default) = match node.kind() {
        "required_parameter" | "optional_parameter" => {
            (node.child_by_field_name("pattern"), node.child_by_field_name("value"))
        }
        "assignment_pattern" => (node.child_by_field_name("left"), node.child_by_field_name("right")),
        _ => (Some(node), None),
    };
    let kind = kind(reader, node);
    let default = default.map(|child| visit(reader, child));
    let Some(pattern) = pattern else { return };
    let name = reader.text(pattern);
    // `constructor(private readonly http: HttpService)` makes a field of the class.
    if part(node, &["accessibility_modifier"]).is_some() || reader.text(node).starts_with("readonly ") {
        reader.bind(format!("this.{name}"), kind.clone(), None, node);
    }
    let scope = reader.scope();
    decorators(reader, node, scope);
    if pattern.kind() == "object_pattern" {
        for (member, local, default) in taken_apart(reader, pattern) {
            // What stands in where nobody gives it tells what it is: `{ fetch = globalThis.fetch }`.
            let default = default.map(|default| visit(reader, default));
            reader.parameter(local, None, default.or_else(|| Some(Expr::Name(format!("{{}}.{member}")))));
        }
    } else {
        reader.parameter(name, kind, default);
    }
}

/// The type that is written at a declaration, without its arguments.
fn kind(reader: &Reader<'_>, node: Node<'_>) -> Option<String> {
    let annotation = node.child_by_field_name("type")?;
    let text = reader.text(annotation);
    let text = text.trim_start_matches(':').trim();
    let text = text.strip_prefix("Promise<").unwrap_or(text);
    let end = text.find(|letter: char| !(letter.is_alphanumeric() || matches!(letter, '_' | '.' | '$')));
    let name = text.get(..end.unwrap_or(text.len())).unwrap_or_default();
    (!name.is_empty()).then(|| name.to_owned())
}

fn class(reader: &mut Reader<'_>, node: Node<'_>) -> Expr {
    let name = reader.field_text(node, "name");
    let heritage: Vec<String> = part(node, &["class_heritage"])
        .map(|heritage| {
            let text = reader.text(heritage);
            text.split([',', ' ', '\n'])
                .filter(|word| !word.is_empty() && !matches!(*word, "extends" | "implements"))
                .map(|word| word.split(['<', '(']).next().unwrap_or(word).to_owned())
                .collect()
        })
        .unwrap_or_default();
    let scope = reader.inside(ScopeKind::Class, name.clone(), node, |reader| {
        reader.this().types = heritage;
        if let Some(body) = node.child_by_field_name("body") {
            // A decorator stands before the method that it is for.
            let mut waiting: Vec<Node<'_>> = Vec::new();
            for child in parts(body) {
                if child.kind() == "decorator" {
                    waiting.push(child);
                    continue;
                }
                let value = visit(reader, child);
                if let Expr::Function(scope) = value {
                    for decorator in waiting.drain(..) {
                        annotate(reader, decorator, scope);
                    }
                } else {
                    waiting.clear();
                }
            }
        }
    });
    decorators(reader, node, scope);
    // `@Controller() export class X` puts the decorator on the export.
    if let Some(outer) = node.parent().filter(|outer| outer.kind() == "export_statement") {
        decorators(reader, outer, scope);
    }
    if !name.is_empty() {
        reader.bind(name, None, Some(Expr::Function(scope)), node);
    }
    Expr::Function(scope)
}

fn decorators(reader: &mut Reader<'_>, node: Node<'_>, scope: usize) {
    for child in parts(node) {
        if child.kind() == "decorator" {
            annotate(reader, child, scope);
        }
    }
}

fn annotate(reader: &mut Reader<'_>, decorator: Node<'_>, scope: usize) {
    let Some(inner) = parts(decorator).first().copied() else { return };
    if inner.kind() == "call_expression" {
        let callee = inner.child_by_field_name("function").map_or(Expr::Other, |child| callee(reader, child));
        let arguments = arguments(reader, inner);
        reader.call_in(scope, callee, arguments, CallRole::Annotation, decorator);
    } else {
        let callee = callee(reader, inner);
        reader.call_in(scope, callee, Vec::new(), CallRole::Annotation, decorator);
    }
}

fn branch(reader: &mut Reader<'_>, node: Node<'_>) {
    let condition = node.child_by_field_name("condition").map_or(Expr::Other, |child| visit(reader, child));
    if let Some(body) = node.child_by_field_name("consequence") {
        reader.inside(ScopeKind::Branch, String::new(), body, |reader| {
            reader.this().condition = Some(condition.clone());
            visit(reader, body);
        });
    }
    if let Some(body) = node.child_by_field_name("alternative") {
        reader.inside(ScopeKind::Branch, String::new(), body, |reader| {
            reader.this().condition = Some(Expr::Operation("!".to_owned(), vec![condition]));
            visit(reader, body);
        });
    }
}

fn trying(reader: &mut Reader<'_>, node: Node<'_>) {
    if let Some(body) = node.child_by_field_name("body") {
        reader.inside(ScopeKind::Try, String::new(), body, |reader| {
            visit(reader, body);
        });
    }
    if let Some(handler) = node.child_by_field_name("handler") {
        let variable = reader.field_text(handler, "parameter");
        reader.inside(ScopeKind::Catch, variable, handler, |reader| {
            if let Some(body) = handler.child_by_field_name("body") {
                reader.this().empty = parts(body).is_empty();
                visit(reader, body);
            }
        });
    }
    if let Some(finalizer) = node.child_by_field_name("finalizer") {
        reader.inside(ScopeKind::Finally, String::new(), finalizer, |reader| {
            visit(reader, finalizer);
        });
    }
}
