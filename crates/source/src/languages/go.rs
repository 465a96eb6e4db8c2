//! Go.

use tree_sitter::Node;

use super::{steps::binary, visit};
use crate::{
    Argument, CallRole, Expr, ScopeKind,
    reader::{Reader, fields, member, number, part, parts},
};

pub(crate) fn visit_node(reader: &mut Reader<'_>, node: Node<'_>) -> Expr {
    match node.kind() {
        "package_clause" => {
            reader.module.package = parts(node).first().map(|name| reader.text(*name)).unwrap_or_default();
            Expr::Other
        }
        "import_spec" => import(reader, node),
        "function_declaration" | "method_declaration" => {
            let name = reader.field_text(node, "name");
            let scope = function(reader, node, name.clone());
            if node.kind() == "function_declaration" {
                reader.bind(name, None, Some(Expr::Function(scope)), node);
            }
            Expr::Function(scope)
        }
        "func_literal" => Expr::Function(function(reader, node, String::new())),
        "type_spec" | "type_alias" => declared_type(reader, node),
        "call_expression" => call(reader, node),
        "type_conversion_expression" => {
            let operand = node.child_by_field_name("operand").map_or(Expr::Other, |child| visit(reader, child));
            // `lru.New[string, int](128)` is written like a conversion to a generic type; a type begins no differently,
            // so that both are calls.
            match node.child_by_field_name("type").filter(|kind| kind.kind() == "generic_type") {
                Some(kind) => {
                    let callee = type_name(reader, kind).map_or(Expr::Other, Expr::Name);
                    let arguments = vec![Argument { name: None, value: operand }];
                    reader.call(callee, arguments, CallRole::Plain, node)
                }
                None => operand,
            }
        }
        "identifier" | "field_identifier" | "package_identifier" | "type_identifier" | "qualified_type" => {
            Expr::Name(reader.text(node))
        }
        "selector_expression" => {
            let value = path(reader, node);
            reader.read(&value, node);
            value
        }
        "index_expression" => {
            let of = node.child_by_field_name("operand").map_or(Expr::Other, |child| callee(reader, child));
            let index = node.child_by_field_name("index").map_or(Expr::Other, |child| visit(reader, child));
            Expr::Index(Box::new(of), Box::new(index))
        }
        "parenthesized_expression" | "literal_element" => {
            parts(node).first().map_or(Expr::Other, |child| visit(reader, *child))
        }
        "type_assertion_expression" => {
            node.child_by_field_name("operand").map_or(Expr::Other, |child| visit(reader, child))
        }
        "unary_expression" => {
            let operator = reader.field_text(node, "operator");
            let inner = node.child_by_field_name("operand").map_or(Expr::Other, |child| visit(reader, child));
            match (operator.as_str(), inner) {
                ("&" | "+", inner) => inner,
                ("-", Expr::Number(number)) => Expr::Number(format!("-{number}")),
                // `<-channel` waits.
                (_, inner) => Expr::Operation(operator, vec![inner]),
            }
        }
        "binary_expression" => binary(reader, node),
        "composite_literal" => composite(reader, node),
        "interpreted_string_literal" | "raw_string_literal" => {
            let text = string(reader, node);
            reader.literal(text, node)
        }
        "int_literal" | "float_literal" => number(&reader.text(node)),
        "true" => Expr::Bool(true),
        "false" => Expr::Bool(false),
        "nil" => Expr::Null,
        "channel_type" => Expr::Name("chan".to_owned()),
        "pointer_type" | "slice_type" | "map_type" | "array_type" | "generic_type" | "struct_type"
        | "interface_type" | "function_type" => Expr::Name(type_name(reader, node).unwrap_or_default()),
        "expression_list" => {
            let values: Vec<Expr> = parts(node).into_iter().map(|child| visit(reader, child)).collect();
            match <[Expr; 1]>::try_from(values) {
                Ok([value]) => value,
                Err(values) => Expr::List(values),
            }
        }
        _ => statements(reader, node),
    }
}

/// Apart from the expressions, which nest deeper and need room for less.
fn statements(reader: &mut Reader<'_>, node: Node<'_>) -> Expr {
    match node.kind() {
        "short_var_declaration" | "assignment_statement" => {
            assign(reader, node);
            Expr::Other
        }
        "var_spec" | "const_spec" => {
            declare(reader, node);
            Expr::Other
        }
        "expression_statement" => {
            for child in parts(node) {
                let value = visit(reader, child);
                reader.dropped(&value);
            }
            Expr::Other
        }
        "go_statement" | "defer_statement" => {
            let role = if node.kind() == "go_statement" { CallRole::Spawn } else { CallRole::Defer };
            for child in parts(node) {
                let value = visit(reader, child);
                reader.in_role(&value, role);
            }
            Expr::Other
        }
        "return_statement" => {
            let values: Vec<Expr> = parts(node)
                .into_iter()
                .flat_map(|list| if list.kind() == "expression_list" { parts(list) } else { vec![list] })
                .map(|child| visit(reader, child))
                .collect();
            for value in &values {
                reader.awaited(value);
            }
            let value = match <[Expr; 1]>::try_from(values) {
                Ok([value]) => value,
                Err(values) if values.is_empty() => Expr::Null,
                Err(values) => Expr::List(values),
            };
            reader.returned(value, node);
            Expr::Other
        }
        "if_statement" => {
            branch(reader, node);
            Expr::Other
        }
        "for_statement" => {
            reader.inside(ScopeKind::Loop, String::new(), node, |reader| {
                for child in parts(node) {
                    if child.kind() == "for_clause" {
                        let condition = child.child_by_field_name("condition");
                        for inner in parts(child) {
                            let value = visit(reader, inner);
                            if Some(inner) == condition {
                                reader.this().condition = Some(value);
                            }
                        }
                    } else if matches!(child.kind(), "range_clause" | "block") {
                        visit(reader, child);
                    } else {
                        let condition = visit(reader, child);
                        reader.this().condition = Some(condition);
                    }
                }
            });
            Expr::Other
        }
        "range_clause" => {
            let over = node.child_by_field_name("right").map_or(Expr::Other, |child| visit(reader, child));
            for name in node.child_by_field_name("left").map(parts).unwrap_or_default() {
                let name = reader.text(name);
                reader.bind(name, None, None, node);
            }
            reader.this().condition = Some(Expr::Operation("range".to_owned(), vec![over]));
            Expr::Other
        }
        "expression_case" | "default_case" | "type_case" | "communication_case" => {
            let value = node.child_by_field_name("value").or_else(|| node.child_by_field_name("communication"));
            reader.inside(ScopeKind::Branch, String::new(), node, |reader| {
                if let Some(value) = value {
                    let condition = visit(reader, value);
                    reader.this().condition = Some(condition);
                }
                for child in parts(node).into_iter().filter(|child| Some(*child) != value) {
                    visit(reader, child);
                }
            });
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

fn import(reader: &mut Reader<'_>, node: Node<'_>) -> Expr {
    let Some(path) = node.child_by_field_name("path") else { return Expr::Other };
    let module = string(reader, path);
    let named = reader.field_text(node, "name");
    let local = match named.as_str() {
        "" => package_name(&module).to_owned(),
        "_" => String::new(),
        name => name.to_owned(),
    };
    let taken = match named.as_str() {
        "." => Some("*".to_owned()),
        "_" => Some(String::new()),
        _ => None,
    };
    reader.import(without_version(&module), taken, local, node);
    Expr::Other
}

/// The module without its major version: `github.com/labstack/echo/v4` is `github.com/labstack/echo`, `gopkg.in/yaml.v3`
/// is `gopkg.in/yaml`.
fn without_version(module: &str) -> String {
    let is_version = |word: &str| {
        word.strip_prefix('v').is_some_and(|rest| !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_digit()))
    };
    let kept: Vec<&str> = module.split('/').filter(|word| !is_version(word)).collect();
    let joined = kept.join("/");
    match joined.rsplit_once('.') {
        Some((before, last)) if is_version(last) => before.to_owned(),
        _ => joined,
    }
}

/// The name that a package has without an alias: the last part of its path, but for versions and the usual affixes.
fn package_name(module: &str) -> &str {
    let plain = module.rsplit('/').find(|word| {
        !(word.starts_with('v') && word.len() > 1 && word.bytes().skip(1).all(|byte| byte.is_ascii_digit()))
    });
    let plain = plain.unwrap_or(module);
    let plain = plain.split_once(".v").map_or(plain, |(before, _)| before);
    let plain = plain.strip_prefix("go-").unwrap_or(plain);
    plain.strip_suffix("-go").or_else(|| plain.strip_suffix(".go")).unwrap_or(plain)
}

fn string(reader: &Reader<'_>, node: Node<'_>) -> String {
    let text = reader.text(node);
    text.get(1..text.len().saturating_sub(1)).unwrap_or_default().to_owned()
}

/// A type's name without pointers, slices and arguments: `*http.Client` is `http.Client`.
fn type_name(reader: &Reader<'_>, node: Node<'_>) -> Option<String> {
    match node.kind() {
        "type_identifier" | "qualified_type" | "identifier" => Some(reader.text(node)),
        "pointer_type" | "parenthesized_type" => type_name(reader, *parts(node).first()?),
        "slice_type" | "array_type" => type_name(reader, node.child_by_field_name("element")?),
        "generic_type" => type_name(reader, node.child_by_field_name("type")?),
        "channel_type" => Some("chan".to_owned()),
        "map_type" => Some("map".to_owned()),
        "function_type" => Some("func".to_owned()),
        _ => None,
    }
}

fn declared_type(reader: &mut Reader<'_>, node: Node<'_>) -> Expr {
    let name = reader.field_text(node, "name");
    let Some(body) = node.child_by_field_name("type") else { return Expr::Other };
    if body.kind() != "struct_type" {
        let kind = type_name(reader, body);
        let scope = reader.inside(ScopeKind::Class, name, node, |reader| {
            reader.this().types = kind.into_iter().collect();
            for child in parts(body) {
                visit(reader, child);
            }
        });
        return Expr::Function(scope);
    }
    let scope = reader.inside(ScopeKind::Class, name, node, |reader| {
        for list in parts(body) {
            for field in parts(list) {
                let kind = field.child_by_field_name("type").and_then(|kind| type_name(reader, kind));
                let names = fields(field, "name");
                if names.is_empty() {
                    // An embedded type gives its methods away.
                    reader.this().types.extend(kind);
                    continue;
                }
                for name in names {
                    let name = reader.text(name);
                    reader.bind(format!("this.{name}"), kind.clone(), None, field);
                }
                if let Some(tag) = field.child_by_field_name("tag") {
                    let text = string(reader, tag);
                    reader.literal(text, tag);
                }
            }
        }
    });
    Expr::Function(scope)
}

fn function(reader: &mut Reader<'_>, node: Node<'_>, name: String) -> usize {
    reader.inside(ScopeKind::Function, name, node, |reader| {
        if let Some(receiver) = node.child_by_field_name("receiver") {
            for parameter in parts(receiver) {
                let kind = parameter.child_by_field_name("type").and_then(|kind| type_name(reader, kind));
                reader.this().types.extend(kind.clone());
                let name = reader.field_text(parameter, "name");
                reader.bind(name, kind, None, parameter);
            }
        }
        if let Some(list) = node.child_by_field_name("parameters") {
            for parameter in parts(list) {
                let kind = parameter.child_by_field_name("type").and_then(|kind| type_name(reader, kind));
                for name in fields(parameter, "name") {
                    let name = reader.text(name);
                    reader.parameter(name, kind.clone(), None);
                }
            }
        }
        if let Some(result) = node.child_by_field_name("result") {
            let last = if result.kind() == "parameter_list" { parts(result).last().copied() } else { Some(result) };
            let kind = last.map(|last| last.child_by_field_name("type").unwrap_or(last));
            reader.this().fails = kind.is_some_and(|kind| reader.text(kind) == "error");
        }
        if let Some(body) = node.child_by_field_name("body") {
            let statements: Vec<Node<'_>> = parts(body)
                .into_iter()
                .flat_map(|one| if one.kind() == "statement_list" { parts(one) } else { vec![one] })
                .collect();
            reader.this().empty = statements.is_empty();
            for statement in statements {
                visit(reader, statement);
            }
        }
    })
}

fn path(reader: &mut Reader<'_>, node: Node<'_>) -> Expr {
    let of = node.child_by_field_name("operand").map_or(Expr::Other, |child| callee(reader, child));
    let name = reader.field_text(node, "field");
    member(of, &name)
}

/// What is called, or has a member that is: not a read of its own.
fn callee(reader: &mut Reader<'_>, node: Node<'_>) -> Expr {
    reader.deeper(node, |reader| match node.kind() {
        "selector_expression" => path(reader, node),
        "parenthesized_expression" => parts(node).first().map_or(Expr::Other, |child| callee(reader, *child)),
        // What is said to be of a type is called as that.
        "type_assertion_expression" => {
            let value = visit(reader, node);
            match node.child_by_field_name("type").and_then(|kind| type_name(reader, kind)) {
                Some(kind) if kind.contains('.') => Expr::Object { kind: Some(kind), fields: Vec::new() },
                _ => value,
            }
        }
        // `lru.New[string](5)` reads like an element that is called; exported functions are no elements.
        "index_expression" => match visit(reader, node) {
            Expr::Index(of, key)
                if matches!(*key, Expr::Name(_))
                    && of
                        .name()
                        .and_then(|path| path.rsplit('.').next())
                        .is_some_and(|last| last.starts_with(|letter: char| letter.is_ascii_uppercase())) =>
            {
                *of
            }
            other => other,
        },
        _ => visit(reader, node),
    })
}

fn call(reader: &mut Reader<'_>, node: Node<'_>) -> Expr {
    let callee = node.child_by_field_name("function").map_or(Expr::Other, |child| callee(reader, child));
    let list = node.child_by_field_name("arguments");
    let arguments = list.map(parts).unwrap_or_default().into_iter().map(|child| {
        let value = visit(reader, child);
        Argument { name: None, value }
    });
    let arguments: Vec<Argument> = arguments.collect();
    let role = if callee.name() == Some("panic") { CallRole::Throw } else { CallRole::Plain };
    // A conversion looks like a call: `time.Duration(n)`.
    reader.call(callee, arguments, role, node)
}

fn composite(reader: &mut Reader<'_>, node: Node<'_>) -> Expr {
    let kind_node = node.child_by_field_name("type");
    let kind = kind_node.and_then(|kind| type_name(reader, kind));
    let several = kind_node.is_some_and(|kind| matches!(kind.kind(), "slice_type" | "array_type"));
    let body = node.child_by_field_name("body");
    literal_value(reader, body, kind, several)
}

fn literal_value(reader: &mut Reader<'_>, body: Option<Node<'_>>, kind: Option<String>, several: bool) -> Expr {
    let mut fields = Vec::new();
    let mut items = Vec::new();
    for element in body.map(parts).unwrap_or_default() {
        if element.kind() == "keyed_element" {
            let pair = parts(element);
            let key = pair.first().map_or_else(String::new, |key| {
                let text = reader.text(*key);
                text.trim_matches(['"', '`']).to_owned()
            });
            let value = pair.get(1).map_or(Expr::Other, |value| element_value(reader, *value, None));
            fields.push((key, value));
        } else {
            let of = if several { kind.clone() } else { None };
            items.push(element_value(reader, element, of));
        }
    }
    if several && fields.is_empty() { Expr::List(items) } else { Expr::Object { kind, fields } }
}

fn element_value(reader: &mut Reader<'_>, node: Node<'_>, kind: Option<String>) -> Expr {
    let inner = if node.kind() == "literal_element" { parts(node).first().copied() } else { Some(node) };
    match inner {
        Some(inner) if inner.kind() == "literal_value" => literal_value(reader, Some(inner), kind, false),
        Some(inner) => visit(reader, inner),
        None => Expr::Other,
    }
}

fn assign(reader: &mut Reader<'_>, node: Node<'_>) {
    let values: Vec<Expr> = node
        .child_by_field_name("right")
        .map(parts)
        .unwrap_or_default()
        .into_iter()
        .map(|child| visit(reader, child))
        .collect();
    let targets = node.child_by_field_name("left").map(parts).unwrap_or_default();
    // The error that a call gives is looked at unless it is thrown away by name.
    let error_kept = targets.last().is_some_and(|last| reader.text(*last) != "_");
    let several = targets.len() > values.len();
    for (at, target) in targets.into_iter().enumerate() {
        let name = match target.kind() {
            "selector_expression" => match path(reader, target) {
                Expr::Name(name) => name,
                _ => continue,
            },
            "identifier" => reader.text(target),
            _ => {
                visit(reader, target);
                continue;
            }
        };
        let (value, nth) = if several { (values.first(), at) } else { (values.get(at), 0) };
        reader.bind_nth(name, None, value.cloned(), nth, node);
    }
    if error_kept {
        for value in &values {
            reader.awaited(value);
        }
    }
}

fn declare(reader: &mut Reader<'_>, node: Node<'_>) {
    let kind = node.child_by_field_name("type").and_then(|kind| type_name(reader, kind));
    let values: Vec<Expr> = node
        .child_by_field_name("value")
        .map(parts)
        .unwrap_or_default()
        .into_iter()
        .map(|child| visit(reader, child))
        .collect();
    let names = fields(node, "name");
    let several = names.len() > values.len();
    for (at, name) in names.into_iter().filter(|name| name.kind() == "identifier").enumerate() {
        let name = reader.text(name);
        let (value, nth) = if several { (values.first(), at) } else { (values.get(at), 0) };
        reader.bind_nth(name, kind.clone(), value.cloned(), nth, node);
    }
}

fn branch(reader: &mut Reader<'_>, node: Node<'_>) {
    if let Some(initializer) = node.child_by_field_name("initializer") {
        visit(reader, initializer);
    }
    let condition = node.child_by_field_name("condition").map_or(Expr::Other, |child| visit(reader, child));
    if let Some(body) = node.child_by_field_name("consequence") {
        reader.inside(ScopeKind::Branch, String::new(), body, |reader| {
            reader.this().condition = Some(condition.clone());
            reader.this().empty = part(body, &["statement_list"]).is_none() && parts(body).is_empty();
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
