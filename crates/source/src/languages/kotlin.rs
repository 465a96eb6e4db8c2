//! Kotlin.

use tree_sitter::Node;

/// Type arguments are no longer than this.
const TYPE_ARGUMENTS: usize = 200;

/// The same text with blanks for the type arguments of calls: the grammar takes `run<Shop>(args)` for two comparisons.
pub(super) fn without_type_arguments(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut blanked: Option<Vec<u8>> = None;
    let mut from = 0;
    while let Some(open) = bytes.get(from..).and_then(|rest| rest.iter().position(|byte| *byte == b'<')) {
        let open = from + open;
        from = open + 1;
        let before = bytes.get(..open).unwrap_or_default();
        let word = before.iter().rev().take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'_').count();
        let called = before.get(open - word..).and_then(<[u8]>::first).is_some_and(u8::is_ascii_lowercase);
        let inside = bytes.get(open + 1..).unwrap_or_default();
        if !called || !inside.first().is_some_and(u8::is_ascii_uppercase) {
            continue;
        }
        let mut depth = 1_usize;
        let end = inside.iter().take(TYPE_ARGUMENTS).position(|byte| {
            match byte {
                b'<' => depth += 1,
                b'>' => depth -= 1,
                _ => (),
            }
            depth == 0 || !(byte.is_ascii_alphanumeric() || b"_.,?* <>".contains(byte))
        });
        let Some(end) = end.filter(|_| depth == 0).map(|end| open + 1 + end) else { continue };
        if bytes.get(end + 1) == Some(&b'(')
            && let Some(part) = blanked.get_or_insert_with(|| bytes.to_vec()).get_mut(open..=end)
        {
            part.fill(b' ');
            from = end + 1;
        }
    }
    blanked
}

use super::{
    steps::{
        binary, block_text, first, gives_back, list, not, own_name, several, through, throw, type_name, unary,
        value_of, with_holes,
    },
    visit,
};
use crate::{
    Argument, CallRole, Expr, ScopeKind,
    reader::{Reader, copy, element, fields, is_class_name, member, number, part, parts},
};

pub(crate) fn visit_node(reader: &mut Reader<'_>, node: Node<'_>) -> Expr {
    match node.kind() {
        "package_header" => {
            reader.module.package = part(node, NAMES).map(|name| reader.text(name)).unwrap_or_default();
            Expr::Other
        }
        "import" => import(reader, node),
        "type_alias" => Expr::Other,
        "class_declaration" | "object_declaration" | "object_literal" => class(reader, node),
        // What stands in a companion belongs to its class.
        "companion_object" | "class_body" | "enum_class_body" => {
            for child in parts(node) {
                class_member(reader, child);
            }
            Expr::Other
        }
        "enum_entry" => enum_entry(reader, node),
        "property_declaration" => property(reader, node, ""),
        "function_declaration" => {
            let name = reader.field_text(node, "name");
            let value = function(reader, node, name.clone());
            reader.bind(name, None, Some(copy(&value)), node);
            value
        }
        "anonymous_function" | "lambda_literal" | "getter" | "setter" => function(reader, node, String::new()),
        "secondary_constructor" => {
            let name = own_name(reader);
            function(reader, node, name)
        }
        "constructor_delegation_call" => {
            let name = if reader.text(node).starts_with("super") { "super" } else { "this" };
            let arguments = arguments(reader, node);
            reader.call(Expr::Name(name.to_owned()), arguments, CallRole::Plain, node)
        }
        "annotation" | "file_annotation" => annotation(reader, node),
        "source_file" | "block" => block(reader, node, Use::Nothing),
        "if_expression" => conditional(reader, node, Use::Value),
        "when_expression" => choice(reader, node, Use::Value),
        "try_expression" => trying(reader, node, Use::Value),
        "for_statement" => each(reader, node),
        "while_statement" | "do_while_statement" => repeat(reader, node),
        _ => expression(reader, node),
    }
}

const NAMES: &[&str] = &["identifier", "qualified_identifier"];
const TYPES: &[&str] = &["user_type", "nullable_type", "parenthesized_type"];

/// Whether somebody takes what a piece of code gives.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Use {
    Value,
    Nothing,
}

fn expression(reader: &mut Reader<'_>, node: Node<'_>) -> Expr {
    match node.kind() {
        "call_expression" => call(reader, node),
        "navigation_expression" | "index_expression" => {
            let value = callee(reader, node);
            reader.read(&value, node);
            value
        }
        "callable_reference" => {
            let value =
                parts(node).into_iter().map(|child| visit(reader, child)).reduce(|of, name| match name.name() {
                    Some(name) => member(of, name),
                    None => of,
                });
            value.unwrap_or(Expr::Other)
        }
        "identifier" => match reader.text(node).as_str() {
            "true" => Expr::Bool(true),
            "false" => Expr::Bool(false),
            "null" => Expr::Null,
            name => Expr::Name(name.trim_matches('`').to_owned()),
        },
        "this_expression" => Expr::Name("this".to_owned()),
        "super_expression" => Expr::Name("super".to_owned()),
        "return_expression" => {
            let label = node.child_by_field_name("label");
            let value = parts(node).into_iter().rfind(|child| Some(*child) != label);
            let value = value.map_or(Expr::Null, |value| visit(reader, value));
            gives_back(reader, value, node);
            Expr::Other
        }
        "throw_expression" => {
            let value = first(reader, node);
            throw(reader, value, node)
        }
        "assignment" => assignment(reader, node),
        "binary_expression" | "in_expression" => binary(reader, node),
        "infix_expression" => {
            let operator = parts(node).get(1).map(|name| reader.text(*name)).unwrap_or_default();
            let children = parts(node).into_iter().enumerate().filter(|(at, _)| *at != 1);
            Expr::Operation(operator, children.map(|(_, child)| visit(reader, child)).collect())
        }
        "range_expression" => {
            Expr::Operation("..".to_owned(), parts(node).into_iter().map(|child| visit(reader, child)).collect())
        }
        "unary_expression" => {
            let inner = value_of(reader, node, "argument");
            let operator = reader.field_text(node, "operator");
            // `value!!` only calms the compiler.
            if operator == "!!" { inner } else { unary(operator, inner) }
        }
        "as_expression" => value_of(reader, node, "left"),
        "is_expression" => {
            let value = value_of(reader, node, "left");
            let kind = node.child_by_field_name("right").and_then(|kind| type_name(&reader.text(kind)));
            Expr::Operation("is".to_owned(), vec![value, Expr::Name(kind.unwrap_or_default())])
        }
        "parenthesized_expression" | "annotated_lambda" | "spread_expression" | "labeled_expression" => {
            parts(node).last().map_or(Expr::Other, |child| visit(reader, *child))
        }
        "string_literal" | "multiline_string_literal" => string(reader, node),
        "character_literal" => {
            let text = reader.text(node);
            reader.literal(text.trim_matches('\'').to_owned(), node)
        }
        "number_literal" | "float_literal" => number(reader.text(node).trim_end_matches(['l', 'L', 'u', 'U'])),
        "collection_literal" => list(reader, node),
        "user_type" => Expr::Name(type_name(&reader.text(node)).unwrap_or_default()),
        _ => through(reader, node),
    }
}

/// The type that is written among the parts of a node.
fn named(reader: &Reader<'_>, parts: &[Node<'_>]) -> Option<String> {
    let kind = parts.iter().find(|part| TYPES.contains(&part.kind()))?;
    type_name(&reader.text(*kind))
}

/// `import a.b.c`, `import a.b.*`, `import a.b.c as d`.
fn import(reader: &mut Reader<'_>, node: Node<'_>) -> Expr {
    let names = parts(node);
    let Some(path) = names.first().map(|path| reader.text(*path)) else { return Expr::Other };
    if reader.text(node).trim_end().ends_with(".*") {
        reader.import(path, Some("*".to_owned()), String::new(), node);
    } else if let Some((module, name)) = path.rsplit_once('.') {
        let local = names.get(1).map_or_else(|| name.to_owned(), |alias| reader.text(*alias));
        reader.import(module.to_owned(), Some(name.to_owned()), local, node);
    }
    Expr::Other
}

fn class(reader: &mut Reader<'_>, node: Node<'_>) -> Expr {
    let name = reader.field_text(node, "name");
    let scope = reader.inside(ScopeKind::Class, name, node, |reader| {
        for child in parts(node) {
            match child.kind() {
                "modifiers" => {
                    visit(reader, child);
                }
                "primary_constructor" => primary(reader, child),
                "delegation_specifiers" => parts(child).into_iter().for_each(|one| above(reader, one)),
                "delegation_specifier" => above(reader, child),
                kind if kind.ends_with("class_body") || child.is_error() => {
                    visit(reader, child);
                }
                _ => (),
            }
        }
    });
    Expr::Function(scope)
}

/// A class or an interface that this one builds on, with the arguments for its constructor.
fn above(reader: &mut Reader<'_>, node: Node<'_>) {
    for child in parts(node) {
        let kind = type_name(&reader.text(child));
        reader.this().types.extend(kind);
        if child.kind() == "constructor_invocation" {
            let arguments = arguments(reader, child);
            reader.call(Expr::Name("super".to_owned()), arguments, CallRole::Plain, child);
        } else if child.kind() == "explicit_delegation" {
            parts(child).into_iter().skip(1).for_each(|by| drop(visit(reader, by)));
        }
    }
}

/// `class A(val field: Kind = default, parameter: Kind)`.
fn primary(reader: &mut Reader<'_>, node: Node<'_>) {
    for child in parts(node) {
        if child.kind() != "class_parameters" {
            visit(reader, child);
            continue;
        }
        for parameter in parts(child) {
            let inner = parts(parameter);
            if let Some(modifiers) = part(parameter, &["modifiers"]) {
                visit(reader, modifiers);
            }
            let Some(at) = inner.iter().position(|child| child.kind() == "identifier") else { continue };
            let Some(name) = inner.get(at).map(|name| reader.text(*name)) else { continue };
            let kind = named(reader, &inner);
            let default = inner.get(at + 2).map(|default| visit(reader, *default));
            let mut cursor = parameter.walk();
            let is_field = parameter.children(&mut cursor).any(|child| matches!(child.kind(), "val" | "var"));
            let name = if is_field { format!("this.{name}") } else { name };
            reader.bind(name, kind, default, parameter);
        }
    }
}

fn class_member(reader: &mut Reader<'_>, node: Node<'_>) {
    match node.kind() {
        "property_declaration" => {
            property(reader, node, "this.");
        }
        "function_declaration" => {
            let name = reader.field_text(node, "name");
            function(reader, node, name);
        }
        _ => {
            visit(reader, node);
        }
    }
}

/// An entry of an enum is an object of it.
fn enum_entry(reader: &mut Reader<'_>, node: Node<'_>) -> Expr {
    let class = own_name(reader);
    let mut value = None;
    for child in parts(node) {
        match child.kind() {
            "value_arguments" => {
                let arguments = arguments(reader, node);
                value = Some(reader.call(Expr::Name(class.clone()), arguments, CallRole::Make, node));
            }
            "class_body" => {
                reader.inside(ScopeKind::Class, String::new(), child, |reader| {
                    reader.this().types = vec![class.clone()];
                    visit(reader, child);
                });
            }
            "modifiers" => {
                visit(reader, child);
            }
            _ => (),
        }
    }
    let name = part(node, &["identifier"]).map(|name| reader.text(name)).unwrap_or_default();
    reader.bind(format!("this.{name}"), Some(class), value, node);
    Expr::Other
}

fn annotation(reader: &mut Reader<'_>, node: Node<'_>) -> Expr {
    let mut last = Expr::Other;
    for child in parts(node) {
        let name = type_name(&reader.text(child)).unwrap_or_default();
        match child.kind() {
            "user_type" => last = reader.call(Expr::Name(name), Vec::new(), CallRole::Annotation, node),
            "constructor_invocation" => {
                let arguments = arguments(reader, child);
                last = reader.call(Expr::Name(name), arguments, CallRole::Annotation, node);
            }
            _ => (),
        }
    }
    last
}

fn property(reader: &mut Reader<'_>, node: Node<'_>, prefix: &str) -> Expr {
    let mut target = None;
    let mut value = None;
    for child in parts(node) {
        match child.kind() {
            "variable_declaration" | "multi_variable_declaration" => target = Some(child),
            "modifiers" => {
                visit(reader, child);
            }
            "getter" | "setter" => {
                let name = target.and_then(|target| part(target, &["identifier"])).map(|name| reader.text(name));
                function(reader, child, name.unwrap_or_default());
            }
            "property_delegate" => {
                let made = first(reader, child);
                value = Some(made_late(reader, made));
            }
            // The type that an extension property is for.
            kind if target.is_none() || kind.starts_with("type_") => (),
            _ => value = Some(visit(reader, child)),
        }
    }
    if let Some(target) = target {
        bind(reader, target, prefix, value.as_ref(), node);
    }
    Expr::Other
}

/// `by lazy { value }` is the value.
fn made_late(reader: &Reader<'_>, value: Expr) -> Expr {
    let Expr::Call(at) = value else { return value };
    let Some(call) = reader.module.calls.get(at).filter(|call| call.callee.name() == Some("lazy")) else {
        return value;
    };
    let Some(Expr::Function(scope)) = call.arguments.last().map(|last| &last.value) else { return value };
    let given = reader.module.returns.iter().rev().find(|given| given.scope == *scope);
    given.map_or(value, |given| copy(&given.value))
}

fn bind(reader: &mut Reader<'_>, target: Node<'_>, prefix: &str, value: Option<&Expr>, node: Node<'_>) {
    let several = target.kind() == "multi_variable_declaration";
    let variables = if several { parts(target) } else { vec![target] };
    for (nth, variable) in variables.into_iter().enumerate() {
        let inner = parts(variable);
        let name = inner.iter().find(|child| child.kind() == "identifier").map(|name| reader.text(*name));
        let kind = named(reader, &inner);
        reader.bind_nth(format!("{prefix}{}", name.unwrap_or_default()), kind, value.map(copy), nth, node);
    }
}

fn function(reader: &mut Reader<'_>, node: Node<'_>, name: String) -> Expr {
    let children = parts(node);
    let listed = children.iter().position(|child| child.kind() == "function_value_parameters");
    let (before, after) = children.split_at(listed.unwrap_or(0));
    let receiver = named(reader, before);
    let gives = named(reader, after).filter(|_| listed.is_some());
    let modifiers = part(node, &["modifiers"]);
    let asynchronous = modifiers.map(parts).unwrap_or_default();
    let asynchronous =
        asynchronous.iter().any(|one| one.kind() == "function_modifier" && reader.text(*one) == "suspend");
    let scope = reader.inside(ScopeKind::Function, name, node, |reader| {
        reader.this().types = gives.into_iter().collect();
        reader.this().asynchronous = asynchronous;
        // What an extension is for stands behind its `this`.
        if receiver.is_some() {
            reader.parameter("this".to_owned(), receiver, None);
        }
        if node.kind() == "lambda_literal" {
            lambda(reader, node);
            return;
        }
        for child in &children {
            match child.kind() {
                "function_value_parameters" => parameters(reader, *child),
                "identifier" if node.kind() == "setter" => {
                    let name = reader.text(*child);
                    reader.parameter(name, None, None);
                }
                "modifiers" | "constructor_delegation_call" => {
                    visit(reader, *child);
                }
                "function_body" | "block" => body(reader, *child),
                _ => (),
            }
        }
    });
    Expr::Function(scope)
}

/// `{ statements }` or `= value`.
fn body(reader: &mut Reader<'_>, node: Node<'_>) {
    let inner = if node.kind() == "block" { Some(node) } else { parts(node).first().copied() };
    match inner {
        Some(statements) if statements.kind() == "block" => {
            reader.this().empty = is_empty(statements);
            block(reader, statements, Use::Nothing);
        }
        Some(value) => {
            let given = visit(reader, value);
            gives_back(reader, given, value);
        }
        None => (),
    }
}

fn is_empty(block: Node<'_>) -> bool {
    let bare = |one: &Node<'_>| one.kind() == "return_expression" && one.named_child_count() == 0;
    let statements = parts(block);
    block.kind() == "block" && (statements.is_empty() || (statements.len() == 1 && statements.iter().all(bare)))
}

/// The last statement of a lambda is what it gives.
fn lambda(reader: &mut Reader<'_>, node: Node<'_>) {
    let mut statements = parts(node);
    if let Some(at) = statements.iter().position(|child| child.kind() == "lambda_parameters") {
        for variable in parts(statements.remove(at)) {
            let inner = parts(variable);
            let name = inner.iter().find(|child| child.kind() == "identifier").map(|name| reader.text(*name));
            let kind = named(reader, &inner);
            reader.parameter(name.unwrap_or_default(), kind, None);
        }
    }
    reader.this().empty = statements.is_empty();
    let Some(last) = statements.pop() else { return };
    for one in statements {
        statement(reader, one, Use::Nothing);
    }
    let value = visit(reader, last);
    if !matches!(last.kind(), "return_expression" | "property_declaration" | "assignment") {
        gives_back(reader, value, last);
    }
}

fn parameters(reader: &mut Reader<'_>, node: Node<'_>) {
    for child in parts(node) {
        match child.kind() {
            "parameter" => {
                let inner = parts(child);
                let name = inner.iter().find(|child| child.kind() == "identifier").map(|name| reader.text(*name));
                let kind = named(reader, &inner);
                reader.parameter(name.unwrap_or_default(), kind, None);
            }
            "parameter_modifiers" => {
                visit(reader, child);
            }
            _ => {
                let default = visit(reader, child);
                if let Some(parameter) = reader.this().parameters.last_mut() {
                    parameter.default = Some(default);
                }
            }
        }
    }
}

fn block(reader: &mut Reader<'_>, node: Node<'_>, taken: Use) -> Expr {
    let statements = parts(node);
    let count = statements.len();
    let mut last = Expr::Other;
    for (at, one) in statements.into_iter().enumerate() {
        last = statement(reader, one, if at + 1 == count { taken } else { Use::Nothing });
    }
    last
}

/// One statement, or a body without braces.
fn statement(reader: &mut Reader<'_>, node: Node<'_>, taken: Use) -> Expr {
    reader.deeper(node, |reader| match node.kind() {
        "if_expression" => conditional(reader, node, taken),
        "when_expression" => choice(reader, node, taken),
        "try_expression" => trying(reader, node, taken),
        "block" => block(reader, node, taken),
        kind => {
            let value = visit(reader, node);
            if taken == Use::Nothing && kind != "assignment" && !kind.ends_with("annotation") {
                reader.dropped(&value);
            }
            value
        }
    })
}

fn arm(reader: &mut Reader<'_>, node: Node<'_>, condition: Option<Expr>, taken: Use) -> Expr {
    let mut value = Expr::Other;
    reader.inside(ScopeKind::Branch, String::new(), node, |reader| {
        reader.this().condition = condition;
        reader.this().empty = is_empty(node);
        value = statement(reader, node, taken);
    });
    value
}

fn conditional(reader: &mut Reader<'_>, node: Node<'_>, taken: Use) -> Expr {
    let condition_node = node.child_by_field_name("condition");
    let condition = value_of(reader, node, "condition");
    let mut items = vec![copy(&condition)];
    let mut otherwise = false;
    let mut cursor = node.walk();
    for child in node.children(&mut cursor) {
        if child.kind() == "else" {
            otherwise = true;
        } else if child.is_named() && !child.is_extra() && Some(child) != condition_node {
            let condition = if otherwise { not(copy(&condition)) } else { copy(&condition) };
            items.push(arm(reader, child, Some(condition), taken));
        }
    }
    Expr::Operation("?".to_owned(), items)
}

fn choice(reader: &mut Reader<'_>, node: Node<'_>, taken: Use) -> Expr {
    let mut items = Vec::new();
    for child in parts(node) {
        match child.kind() {
            "when_subject" => {
                let target = part(child, &["variable_declaration"]);
                let subject = parts(child).into_iter().rfind(|inner| Some(*inner) != target);
                let subject = subject.map_or(Expr::Other, |subject| visit(reader, subject));
                if let Some(target) = target {
                    bind(reader, target, "", Some(&subject), child);
                }
                items.push(subject);
            }
            "when_entry" => {
                let conditions = fields(child, "condition");
                let body = parts(child).into_iter().rfind(|inner| !conditions.contains(inner));
                reader.inside(ScopeKind::Branch, String::new(), child, |reader| {
                    let conditions = conditions.into_iter().map(|condition| visit(reader, condition)).collect();
                    reader.this().condition = several(conditions);
                    reader.this().empty = body.is_some_and(is_empty);
                    items.extend(body.map(|body| statement(reader, body, taken)));
                });
            }
            _ => {
                visit(reader, child);
            }
        }
    }
    Expr::Operation("?".to_owned(), items)
}

fn trying(reader: &mut Reader<'_>, node: Node<'_>, taken: Use) -> Expr {
    let mut items = Vec::new();
    for child in parts(node) {
        match child.kind() {
            "block" => {
                reader.inside(ScopeKind::Try, String::new(), child, |reader| {
                    items.push(block(reader, child, taken));
                });
            }
            "catch_block" => {
                let inner = parts(child);
                let variable = part(child, &["identifier"]).map(|name| reader.text(name)).unwrap_or_default();
                let kind = named(reader, &inner);
                reader.inside(ScopeKind::Catch, variable, child, |reader| {
                    reader.this().types = kind.into_iter().collect();
                    if let Some(body) = part(child, &["block"]) {
                        reader.this().empty = is_empty(body);
                        items.push(block(reader, body, taken));
                    }
                });
            }
            "finally_block" => {
                reader.inside(ScopeKind::Finally, String::new(), child, |reader| {
                    through(reader, child);
                });
            }
            _ => {
                visit(reader, child);
            }
        }
    }
    items.into_iter().next().unwrap_or(Expr::Other)
}

/// `for (name in values) body`.
fn each(reader: &mut Reader<'_>, node: Node<'_>) -> Expr {
    let children = parts(node);
    let Some(at) = children.iter().position(|child| child.kind().ends_with("variable_declaration")) else {
        return through(reader, node);
    };
    // What a loop goes over is read once, before it.
    let over = children.get(at + 1).map_or(Expr::Other, |over| visit(reader, *over));
    reader.inside(ScopeKind::Loop, String::new(), node, |reader| {
        if let Some(target) = children.get(at) {
            bind(reader, *target, "", None, *target);
        }
        reader.this().condition = Some(Expr::Operation("range".to_owned(), vec![over]));
        for body in children.iter().skip(at + 2) {
            reader.this().empty = is_empty(*body);
            statement(reader, *body, Use::Nothing);
        }
    });
    Expr::Other
}

fn repeat(reader: &mut Reader<'_>, node: Node<'_>) -> Expr {
    let condition = node.child_by_field_name("condition");
    reader.inside(ScopeKind::Loop, String::new(), node, |reader| {
        let value = condition.map(|condition| visit(reader, condition));
        reader.this().condition = value;
        for body in parts(node).into_iter().filter(|child| Some(*child) != condition) {
            reader.this().empty = is_empty(body);
            statement(reader, body, Use::Nothing);
        }
    });
    Expr::Other
}

/// A name with its members, without noting that it is read.
fn callee(reader: &mut Reader<'_>, node: Node<'_>) -> Expr {
    reader.deeper(node, |reader| {
        let children = parts(node);
        let Some(of) = children.first() else { return visit(reader, node) };
        match node.kind() {
            "navigation_expression" => {
                let of = callee(reader, *of);
                match children.get(1).map(|name| reader.text(*name)).as_deref() {
                    Some("class") | None => of,
                    Some(name) => member(of, name.trim_matches('`')),
                }
            }
            "index_expression" => {
                let of = callee(reader, *of);
                let keys = children.iter().skip(1).map(|key| visit(reader, *key)).collect();
                element(of, several(keys).unwrap_or(Expr::Other))
            }
            "parenthesized_expression" => callee(reader, *of),
            "unary_expression" if reader.field_text(node, "operator") == "!!" => callee(reader, *of),
            _ => visit(reader, node),
        }
    })
}

fn call(reader: &mut Reader<'_>, node: Node<'_>) -> Expr {
    let Some(called) = parts(node).into_iter().next() else { return Expr::Other };
    // `f(x) { … }` is one call: the lambda is its last argument.
    let merged = called.kind() == "call_expression"
        && part(node, &["value_arguments"]).is_none()
        && part(called, &["value_arguments"]).is_some()
        && part(called, &["annotated_lambda"]).is_none();
    let inner = if merged { parts(called).into_iter().next().unwrap_or(called) } else { called };
    let target = callee(reader, inner);
    // `"""…""".trimIndent()` is a text.
    if let Expr::Member(of, name) = &target
        && matches!((&**of, name.as_str()), (Expr::Text(_), "trimIndent" | "trimMargin"))
    {
        return (**of).clone();
    }
    let mut given = if merged { arguments(reader, called) } else { Vec::new() };
    given.extend(arguments(reader, node));
    let makes = target.name().is_some_and(is_class_name);
    let role = if makes { CallRole::Make } else { CallRole::Plain };
    reader.call(target, given, role, node)
}

/// The arguments in parentheses, and the lambda after them.
fn arguments(reader: &mut Reader<'_>, node: Node<'_>) -> Vec<Argument> {
    let mut found = Vec::new();
    for child in parts(node) {
        match child.kind() {
            "value_arguments" => {
                for argument in parts(child) {
                    let name = parts(argument)
                        .into_iter()
                        .next()
                        .filter(|name| name.next_sibling().is_some_and(|next| next.kind() == "="));
                    let value = parts(argument).into_iter().rfind(|inner| Some(*inner) != name);
                    let value = value.map_or(Expr::Other, |value| visit(reader, value));
                    found.push(Argument { name: name.map(|name| reader.text(name)), value });
                }
            }
            "annotated_lambda" => {
                let value = visit(reader, child);
                found.push(Argument { name: None, value });
            }
            _ => (),
        }
    }
    found
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

fn string(reader: &mut Reader<'_>, node: Node<'_>) -> Expr {
    let holes: Vec<Node<'_>> = parts(node).into_iter().filter(|child| child.kind() == "interpolation").collect();
    let text = without_dollars(&with_holes(reader, node, &holes));
    let plain = match text.strip_prefix("\"\"\"") {
        Some(block) => without_margin(&block_text(block.strip_suffix("\"\"\"").unwrap_or(block))),
        None => text.get(1..text.len().saturating_sub(1)).unwrap_or_default().to_owned(),
    };
    reader.literal(plain, node)
}

/// `$name` is a hole like any other.
fn without_dollars(text: &str) -> String {
    let mut plain = String::new();
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '\\' => {
                plain.push(letter);
                plain.extend(letters.next());
            }
            '$' if letters.peek().is_some_and(|next| next.is_alphabetic() || *next == '_') => {
                while letters.next_if(|next| next.is_alphanumeric() || *next == '_').is_some() {}
                plain.push_str("{}");
            }
            _ => plain.push(letter),
        }
    }
    plain
}

/// The margin that `trimMargin()` takes away.
fn without_margin(text: &str) -> String {
    if !text.lines().all(|line| line.trim().is_empty() || line.trim_start().starts_with('|')) {
        return text.to_owned();
    }
    let lines: Vec<&str> = text.lines().map(|line| line.trim_start().trim_start_matches('|')).collect();
    lines.join("\n")
}
