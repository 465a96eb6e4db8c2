//! Java.

use tree_sitter::Node;

use super::{
    steps::{
        binary, block_text, branch, first, gives_back, is_empty, list, own_name, several, statement, through, throw,
        type_name, unary, value_of, with_holes,
    },
    visit,
};
use crate::{
    Argument, CallRole, Expr, ScopeKind,
    reader::{Reader, copy, fields, member, number, part, parts},
};

pub(crate) fn visit_node(reader: &mut Reader<'_>, node: Node<'_>) -> Expr {
    match node.kind() {
        "package_declaration" => {
            reader.module.package = part(node, NAMES).map(|name| reader.text(name)).unwrap_or_default();
            Expr::Other
        }
        "import_declaration" => import(reader, node),
        "class_declaration"
        | "interface_declaration"
        | "enum_declaration"
        | "record_declaration"
        | "annotation_type_declaration" => class(reader, node),
        "enum_constant" => constant(reader, node),
        "field_declaration" | "constant_declaration" => variables(reader, node, "this."),
        "local_variable_declaration" => variables(reader, node, ""),
        "method_declaration" | "constructor_declaration" | "compact_constructor_declaration" | "lambda_expression" => {
            function(reader, node)
        }
        "annotation" | "marker_annotation" => annotation(reader, node),
        "expression_statement" => statement(reader, node),
        "return_statement" => {
            let value = if parts(node).is_empty() { Expr::Null } else { first(reader, node) };
            gives_back(reader, value, node);
            Expr::Other
        }
        "throw_statement" => {
            let value = first(reader, node);
            throw(reader, value, node)
        }
        "if_statement" => {
            branch(reader, node);
            Expr::Other
        }
        "switch_block_statement_group" | "switch_rule" => case(reader, node),
        "while_statement" | "do_statement" | "for_statement" | "enhanced_for_statement" => repeat(reader, node),
        "try_statement" | "try_with_resources_statement" => trying(reader, node),
        "resource" => resource(reader, node),
        _ => expression(reader, node),
    }
}

const NAMES: &[&str] = &["identifier", "scoped_identifier"];

fn expression(reader: &mut Reader<'_>, node: Node<'_>) -> Expr {
    match node.kind() {
        "method_invocation" => call(reader, node),
        "object_creation_expression" => make(reader, node),
        "explicit_constructor_invocation" => {
            let name = reader.field_text(node, "constructor");
            let arguments = arguments(reader, node);
            reader.call(Expr::Name(name), arguments, CallRole::Plain, node)
        }
        "identifier" | "scoped_identifier" | "this" | "super" => Expr::Name(reader.text(node)),
        "field_access" | "array_access" => {
            let value = callee(reader, node);
            reader.read(&value, node);
            value
        }
        "method_reference" => method_reference(reader, node),
        "class_literal" => Expr::Name(named(reader, node).unwrap_or_default()),
        "assignment_expression" => assignment(reader, node),
        "binary_expression" => binary(reader, node),
        "instanceof_expression" => type_test(reader, node),
        "unary_expression" => {
            let operator = reader.field_text(node, "operator");
            let inner = value_of(reader, node, "operand");
            unary(operator, inner)
        }
        "ternary_expression" => {
            let items = ["condition", "consequence", "alternative"].map(|field| value_of(reader, node, field));
            Expr::Operation("?".to_owned(), items.into())
        }
        "parenthesized_expression" => first(reader, node),
        "cast_expression" => value_of(reader, node, "value"),
        "array_creation_expression" => {
            for size in fields(node, "dimensions") {
                visit(reader, size);
            }
            value_of(reader, node, "value")
        }
        "array_initializer" | "element_value_array_initializer" => list(reader, node),
        "string_literal" => string(reader, node),
        "character_literal" => {
            let text = reader.text(node);
            reader.literal(text.trim_matches('\'').to_owned(), node)
        }
        "decimal_integer_literal"
        | "hex_integer_literal"
        | "octal_integer_literal"
        | "binary_integer_literal"
        | "decimal_floating_point_literal"
        | "hex_floating_point_literal" => number(reader.text(node).trim_end_matches(['l', 'L'])),
        "true" => Expr::Bool(true),
        "false" => Expr::Bool(false),
        "null_literal" => Expr::Null,
        _ => through(reader, node),
    }
}

/// The name of the type that a node writes out.
fn named(reader: &Reader<'_>, node: Node<'_>) -> Option<String> {
    type_name(reader.text(node).trim_end_matches(".class"))
}

/// `import a.b.C`, `import a.b.*`, `import static a.b.C.member`.
fn import(reader: &mut Reader<'_>, node: Node<'_>) -> Expr {
    let Some(path) = part(node, NAMES).map(|path| reader.text(path)) else { return Expr::Other };
    if part(node, &["asterisk"]).is_some() {
        reader.import(path, Some("*".to_owned()), String::new(), node);
    } else if let Some((module, name)) = path.rsplit_once('.') {
        reader.import(module.to_owned(), Some(name.to_owned()), name.to_owned(), node);
    }
    Expr::Other
}

fn class(reader: &mut Reader<'_>, node: Node<'_>) -> Expr {
    let name = reader.field_text(node, "name");
    let mut types = Vec::new();
    for child in parts(node) {
        match child.kind() {
            "superclass" => types.extend(parts(child)),
            "super_interfaces" | "extends_interfaces" => {
                types.extend(part(child, &["type_list"]).map(parts).unwrap_or_default());
            }
            _ => (),
        }
    }
    let types = types.into_iter().filter_map(|kind| named(reader, kind)).collect();
    let scope = reader.inside(ScopeKind::Class, name, node, |reader| {
        reader.this().types = types;
        modifiers(reader, node);
        for component in node.child_by_field_name("parameters").map(parts).unwrap_or_default() {
            modifiers(reader, component);
            let name = reader.field_text(component, "name");
            let kind = component.child_by_field_name("type").and_then(|kind| named(reader, kind));
            reader.bind(format!("this.{name}"), kind, None, component);
        }
        value_of(reader, node, "body");
    });
    Expr::Function(scope)
}

/// The annotations of a declaration, in the scope that is open.
fn modifiers(reader: &mut Reader<'_>, node: Node<'_>) {
    if let Some(modifiers) = part(node, &["modifiers"]) {
        visit(reader, modifiers);
    }
}

fn annotation(reader: &mut Reader<'_>, node: Node<'_>) -> Expr {
    let name = reader.field_text(node, "name");
    let mut arguments = Vec::new();
    for child in node.child_by_field_name("arguments").map(parts).unwrap_or_default() {
        if child.kind() == "element_value_pair" {
            let name = Some(reader.field_text(child, "key"));
            let value = value_of(reader, child, "value");
            arguments.push(Argument { name, value });
        } else {
            let value = visit(reader, child);
            arguments.push(Argument { name: None, value });
        }
    }
    reader.call(Expr::Name(name), arguments, CallRole::Annotation, node)
}

/// A constant of an enum is an object of it.
fn constant(reader: &mut Reader<'_>, node: Node<'_>) -> Expr {
    modifiers(reader, node);
    let class = own_name(reader);
    let name = reader.field_text(node, "name");
    let value = node.child_by_field_name("arguments").map(|_| {
        let arguments = arguments(reader, node);
        reader.call(Expr::Name(class.clone()), arguments, CallRole::Make, node)
    });
    anonymous(reader, node.child_by_field_name("body"), Some(class.clone()));
    reader.bind(format!("this.{name}"), Some(class), value, node);
    Expr::Other
}

/// The body of a class without a name.
fn anonymous(reader: &mut Reader<'_>, body: Option<Node<'_>>, of: Option<String>) {
    let Some(body) = body else { return };
    reader.inside(ScopeKind::Class, String::new(), body, |reader| {
        reader.this().types = of.into_iter().collect();
        visit(reader, body);
    });
}

fn variables(reader: &mut Reader<'_>, node: Node<'_>, prefix: &str) -> Expr {
    modifiers(reader, node);
    let kind = node.child_by_field_name("type").and_then(|kind| named(reader, kind));
    for variable in fields(node, "declarator") {
        let name = reader.field_text(variable, "name");
        let value = variable.child_by_field_name("value").map(|value| visit(reader, value));
        reader.bind(format!("{prefix}{name}"), kind.clone(), value, node);
    }
    Expr::Other
}

fn function(reader: &mut Reader<'_>, node: Node<'_>) -> Expr {
    let name = reader.field_text(node, "name");
    let gives = node.child_by_field_name("type").and_then(|kind| named(reader, kind));
    let body = node.child_by_field_name("body");
    let scope = reader.inside(ScopeKind::Function, name, node, |reader| {
        reader.this().types = gives.into_iter().collect();
        reader.this().empty = body.is_some_and(is_empty);
        modifiers(reader, node);
        if let Some(list) = node.child_by_field_name("parameters") {
            parameters(reader, list);
        }
        if let Some(body) = body {
            let value = visit(reader, body);
            if !matches!(body.kind(), "block" | "constructor_body") {
                gives_back(reader, value, body);
            }
        }
    });
    Expr::Function(scope)
}

fn parameters(reader: &mut Reader<'_>, node: Node<'_>) {
    if node.kind() == "identifier" {
        let name = reader.text(node);
        return reader.parameter(name, None, None);
    }
    for child in parts(node) {
        modifiers(reader, child);
        match child.kind() {
            "identifier" => {
                let name = reader.text(child);
                reader.parameter(name, None, None);
            }
            "formal_parameter" => {
                let name = reader.field_text(child, "name");
                let kind = child.child_by_field_name("type").and_then(|kind| named(reader, kind));
                reader.parameter(name, kind, None);
            }
            "spread_parameter" => {
                let kind = parts(child).into_iter().find(|part| part.kind() != "modifiers");
                let kind = kind.and_then(|kind| named(reader, kind));
                let name = part(child, &["variable_declarator"]).map(|name| reader.field_text(name, "name"));
                reader.parameter(name.unwrap_or_default(), kind, None);
            }
            _ => (),
        }
    }
}

/// A name with its members, without noting that it is read.
fn callee(reader: &mut Reader<'_>, node: Node<'_>) -> Expr {
    reader.deeper(node, |reader| match node.kind() {
        "field_access" => {
            let of = node.child_by_field_name("object").map_or(Expr::Other, |child| callee(reader, child));
            let name = reader.field_text(node, "field");
            // `Server.this` is the object of a class around.
            if name == "this" { Expr::Name(name) } else { member(of, &name) }
        }
        "array_access" => {
            let of = node.child_by_field_name("array").map_or(Expr::Other, |child| callee(reader, child));
            let index = value_of(reader, node, "index");
            Expr::Index(Box::new(of), Box::new(index))
        }
        "parenthesized_expression" => parts(node).first().map_or(Expr::Other, |child| callee(reader, *child)),
        _ => visit(reader, node),
    })
}

fn call(reader: &mut Reader<'_>, node: Node<'_>) -> Expr {
    let object = node.child_by_field_name("object").map(|object| callee(reader, object));
    let name = reader.field_text(node, "name");
    let called = match object {
        Some(object) => member(object, &name),
        None => Expr::Name(name),
    };
    let arguments = arguments(reader, node);
    reader.call(called, arguments, CallRole::Plain, node)
}

fn arguments(reader: &mut Reader<'_>, node: Node<'_>) -> Vec<Argument> {
    let list = node.child_by_field_name("arguments").map(parts).unwrap_or_default();
    list.into_iter().map(|child| Argument { name: None, value: visit(reader, child) }).collect()
}

fn make(reader: &mut Reader<'_>, node: Node<'_>) -> Expr {
    let kind_node = node.child_by_field_name("type");
    let kind = kind_node.and_then(|kind| named(reader, kind));
    // `outer.new Inner()` reads what stands before.
    if let Some(outer) = parts(node).into_iter().next().filter(|outer| Some(*outer) != kind_node) {
        visit(reader, outer);
    }
    let arguments = arguments(reader, node);
    anonymous(reader, part(node, &["class_body"]), kind.clone());
    reader.call(Expr::Name(kind.unwrap_or_default()), arguments, CallRole::Make, node)
}

/// `this::handle`, `Order::new`: a function as a value.
fn method_reference(reader: &mut Reader<'_>, node: Node<'_>) -> Expr {
    let children = parts(node);
    let of = match children.first() {
        Some(of) if of.kind().ends_with("_type") => Expr::Name(named(reader, *of).unwrap_or_default()),
        Some(of) => callee(reader, *of),
        None => Expr::Other,
    };
    let name = children.iter().skip(1).rfind(|child| child.kind() == "identifier");
    let name = name.map_or_else(|| "new".to_owned(), |name| reader.text(*name));
    let value = member(of, &name);
    reader.read(&value, node);
    value
}

fn assignment(reader: &mut Reader<'_>, node: Node<'_>) -> Expr {
    let value = value_of(reader, node, "right");
    let Some(left) = node.child_by_field_name("left") else { return value };
    let target = callee(reader, left);
    let operator = reader.field_text(node, "operator");
    if operator != "=" {
        return Expr::Operation(operator, vec![target, value]);
    }
    if let Expr::Name(name) = target {
        reader.bind(name, None, Some(copy(&value)), node);
    }
    value
}

/// `value instanceof Kind name`.
fn type_test(reader: &mut Reader<'_>, node: Node<'_>) -> Expr {
    let value = value_of(reader, node, "left");
    let kind = node.child_by_field_name("right").and_then(|kind| named(reader, kind));
    if let Some(name) = node.child_by_field_name("name") {
        let name = reader.text(name);
        reader.bind(name, kind.clone(), None, node);
    }
    value_of(reader, node, "pattern");
    Expr::Operation("instanceof".to_owned(), vec![value, Expr::Name(kind.unwrap_or_default())])
}

fn string(reader: &mut Reader<'_>, node: Node<'_>) -> Expr {
    let holes: Vec<Node<'_>> = parts(node).into_iter().filter(|child| child.kind() == "string_interpolation").collect();
    let text = with_holes(reader, node, &holes);
    let plain = match text.strip_prefix("\"\"\"") {
        Some(block) => block_text(block.strip_suffix("\"\"\"").unwrap_or(block)),
        None => text.get(1..text.len().saturating_sub(1)).unwrap_or_default().to_owned(),
    };
    reader.literal(plain, node)
}

fn case(reader: &mut Reader<'_>, node: Node<'_>) -> Expr {
    reader.inside(ScopeKind::Branch, String::new(), node, |reader| {
        let mut values = Vec::new();
        let children = parts(node);
        for label in children.iter().filter(|child| child.kind() == "switch_label") {
            values.extend(parts(*label).into_iter().map(|value| visit(reader, value)));
        }
        reader.this().condition = several(values);
        let arrow = node.kind() == "switch_rule";
        for child in children.into_iter().filter(|child| child.kind() != "switch_label") {
            // `case x -> value;` gives its value to the `switch`.
            if arrow && child.kind() == "expression_statement" {
                through(reader, child);
            } else {
                visit(reader, child);
            }
        }
    });
    Expr::Other
}

fn repeat(reader: &mut Reader<'_>, node: Node<'_>) -> Expr {
    // What a loop starts with and goes over is read once, before it.
    for start in fields(node, "init") {
        visit(reader, start);
    }
    let over = node.child_by_field_name("value").map(|over| visit(reader, over));
    reader.inside(ScopeKind::Loop, String::new(), node, |reader| {
        let condition = match over {
            Some(over) => Some(Expr::Operation("range".to_owned(), vec![over])),
            None => node.child_by_field_name("condition").map(|condition| visit(reader, condition)),
        };
        reader.this().condition = condition;
        if let Some(name) = node.child_by_field_name("name") {
            let name = reader.text(name);
            let kind = node.child_by_field_name("type").and_then(|kind| named(reader, kind));
            reader.bind(name, kind, None, node);
        }
        for step in fields(node, "update") {
            visit(reader, step);
        }
        if let Some(body) = node.child_by_field_name("body") {
            reader.this().empty = is_empty(body);
            visit(reader, body);
        }
    });
    Expr::Other
}

fn trying(reader: &mut Reader<'_>, node: Node<'_>) -> Expr {
    reader.inside(ScopeKind::Try, String::new(), node.child_by_field_name("body").unwrap_or(node), |reader| {
        value_of(reader, node, "resources");
        value_of(reader, node, "body");
    });
    for clause in parts(node) {
        match clause.kind() {
            "catch_clause" => catch(reader, clause),
            "finally_clause" => {
                reader.inside(ScopeKind::Finally, String::new(), clause, |reader| {
                    through(reader, clause);
                });
            }
            _ => (),
        }
    }
    Expr::Other
}

fn catch(reader: &mut Reader<'_>, node: Node<'_>) {
    let caught = part(node, &["catch_formal_parameter"]);
    let variable = caught.map(|caught| reader.field_text(caught, "name")).unwrap_or_default();
    let types = caught.and_then(|caught| part(caught, &["catch_type"])).map(parts).unwrap_or_default();
    let types: Vec<String> = types.into_iter().filter_map(|kind| named(reader, kind)).collect();
    reader.inside(ScopeKind::Catch, variable, node, |reader| {
        reader.this().types = types;
        if let Some(body) = node.child_by_field_name("body") {
            reader.this().empty = is_empty(body);
            visit(reader, body);
        }
    });
}

/// `try (Kind name = value)`.
fn resource(reader: &mut Reader<'_>, node: Node<'_>) -> Expr {
    let Some(name) = node.child_by_field_name("name") else { return first(reader, node) };
    let name = reader.text(name);
    let kind = node.child_by_field_name("type").and_then(|kind| named(reader, kind));
    let value = value_of(reader, node, "value");
    reader.bind(name, kind, Some(copy(&value)), node);
    value
}
