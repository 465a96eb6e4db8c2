//! PHP, with and without the page around it.

use tree_sitter::Node;

use super::visit;
use crate::{
    Argument, CallRole, Expr, ScopeId, ScopeKind,
    reader::{Reader, copy, dedented, element, fields, is_word, member, number, part, parts},
};

/// Only hands on: what stands here takes room on the stack at every level of a nested program.
pub(crate) fn visit_node(reader: &mut Reader<'_>, node: Node<'_>) -> Expr {
    match node.kind() {
        "namespace_definition" => namespace(reader, node),
        "namespace_use_declaration" => import(reader, node),
        "include_expression" | "include_once_expression" | "require_expression" | "require_once_expression" => {
            include(reader, node)
        }
        "function_definition" | "method_declaration" | "anonymous_function" | "arrow_function" => {
            definition(reader, node)
        }
        "class_declaration"
        | "interface_declaration"
        | "trait_declaration"
        | "enum_declaration"
        | "anonymous_class" => class(reader, node),
        "property_declaration" => property(reader, node),
        "const_element" => constant(reader, node),
        "enum_case" => enum_case(reader, node),
        "function_call_expression" => function_call(reader, node),
        "member_call_expression" | "nullsafe_member_call_expression" | "scoped_call_expression" => {
            method_call(reader, node)
        }
        "object_creation_expression" => creation(reader, node),
        "echo_statement" => intrinsic(reader, node, "echo"),
        "print_intrinsic" => intrinsic(reader, node, "print"),
        "exit_statement" => intrinsic(reader, node, "exit"),
        "shell_command_expression" => shell(reader, node),
        "variable_name" | "name" | "qualified_name" | "relative_name" | "relative_scope" => {
            Expr::Name(name(reader, node))
        }
        "member_access_expression"
        | "nullsafe_member_access_expression"
        | "scoped_property_access_expression"
        | "class_constant_access_expression"
        | "subscript_expression" => read(reader, node),
        "string" => single_quoted(reader, node),
        "encapsed_string" => interpolated(reader, node),
        "heredoc" | "nowdoc" => heredoc(reader, node),
        "integer" | "float" => number(&reader.text(node)),
        "boolean" => Expr::Bool(reader.text(node).eq_ignore_ascii_case("true")),
        "null" => Expr::Null,
        "array_creation_expression" => array(reader, node),
        "list_literal" | "sequence_expression" | "match_condition_list" => list(reader, node),
        "assignment_expression" | "reference_assignment_expression" => assignment(reader, node),
        "augmented_assignment_expression" => augmented(reader, node),
        "static_variable_declaration" => static_variable(reader, node),
        "binary_expression" => binary(reader, node),
        "unary_op_expression" => unary(reader, node),
        "update_expression" => update(reader, node),
        "error_suppression_expression" => Expr::Operation("@".to_owned(), vec![first(reader, node)]),
        "conditional_expression" => conditional(reader, node),
        "parenthesized_expression" | "by_ref" | "variadic_unpacking" | "clone_expression" => first(reader, node),
        "cast_expression" => field(reader, node, "value"),
        "expression_statement" => expression_statement(reader, node),
        "return_statement" => give_back(reader, node),
        "throw_expression" => throw(reader, node),
        "if_statement" => if_statement(reader, node),
        "case_statement" | "default_statement" => case(reader, node),
        "match_conditional_expression" | "match_default_expression" => match_arm(reader, node),
        "foreach_statement" => foreach(reader, node),
        "for_statement" | "while_statement" | "do_statement" => repeat(reader, node),
        "try_statement" => trying(reader, node),
        "unset_statement" => unset(reader, node),
        "text" | "php_tag" | "global_declaration" | "declare_directive" | "goto_statement" => Expr::Other,
        _ => every(reader, node),
    }
}

fn every(reader: &mut Reader<'_>, node: Node<'_>) -> Expr {
    for child in parts(node) {
        visit(reader, child);
    }
    Expr::Other
}

fn first(reader: &mut Reader<'_>, node: Node<'_>) -> Expr {
    parts(node).first().map_or(Expr::Other, |child| visit(reader, *child))
}

fn field(reader: &mut Reader<'_>, node: Node<'_>, field: &str) -> Expr {
    node.child_by_field_name(field).map_or(Expr::Other, |child| visit(reader, child))
}

fn list(reader: &mut Reader<'_>, node: Node<'_>) -> Expr {
    Expr::List(parts(node).into_iter().map(|child| visit(reader, child)).collect())
}

/// `\GuzzleHttp\Client` is `GuzzleHttp.Client`; the class around is `this`, its parent `super`. A variable keeps its
/// `$`, for a function may have the same name; those that are always there (`$_ENV`) do without.
fn name(reader: &Reader<'_>, node: Node<'_>) -> String {
    let text = reader.text(node);
    match node.kind() {
        "relative_scope" if text.eq_ignore_ascii_case("parent") => "super".to_owned(),
        "relative_scope" => "this".to_owned(),
        "relative_name" => dotted(text.trim_start_matches("namespace")),
        "variable_name" if text == "$this" || text.starts_with("$_") || text == "$GLOBALS" => {
            text.trim_start_matches('$').to_owned()
        }
        "variable_name" => text,
        _ => dotted(&text),
    }
}

fn dotted(path: &str) -> String {
    path.trim_start_matches('\\').replace('\\', ".")
}

/// The first type that is more than a kind of nothing: `?\Foo\Client` and `Client|null` are the client.
fn kind(reader: &Reader<'_>, node: Node<'_>, field: &str) -> Option<String> {
    let text = reader.text(node.child_by_field_name(field)?);
    text.split(['|', '&', '(', ')', '?'])
        .map(str::trim)
        .find(|one| !one.is_empty() && !one.eq_ignore_ascii_case("null"))
        .map(dotted)
}

fn namespace(reader: &mut Reader<'_>, node: Node<'_>) -> Expr {
    reader.module.package = dotted(&reader.field_text(node, "name"));
    field(reader, node, "body")
}

fn import(reader: &mut Reader<'_>, node: Node<'_>) -> Expr {
    let prefix = part(node, &["namespace_name"]).map(|prefix| dotted(&reader.text(prefix)));
    let clauses = node.child_by_field_name("body").map_or_else(|| parts(node), parts);
    for clause in clauses.into_iter().filter(|clause| clause.kind() == "namespace_use_clause") {
        let alias = clause.child_by_field_name("alias");
        let path = parts(clause).into_iter().find(|child| Some(*child) != alias);
        let mut path = path.map(|path| dotted(&reader.text(path))).unwrap_or_default();
        if let Some(prefix) = &prefix {
            path = format!("{prefix}.{path}");
        }
        let (module, taken) = match path.rsplit_once('.') {
            Some((module, taken)) => (module.to_owned(), Some(taken.to_owned())),
            None => (path, None),
        };
        let local = match alias {
            Some(alias) => reader.text(alias),
            None => taken.clone().unwrap_or_else(|| module.clone()),
        };
        reader.import(module, taken, local, clause);
    }
    Expr::Other
}

/// `require __DIR__ . "/other.php"` takes what a file does.
fn include(reader: &mut Reader<'_>, node: Node<'_>) -> Expr {
    let value = first(reader, node);
    let mut file = None;
    value.walk(&mut |one| file = one.text().or(file));
    if let Some(file) = file {
        reader.import(file.to_owned(), Some(String::new()), String::new(), node);
    }
    Expr::Other
}

fn definition(reader: &mut Reader<'_>, node: Node<'_>) -> Expr {
    let name = reader.field_text(node, "name");
    let scope = function(reader, node, name.clone());
    annotate(reader, node, scope);
    if node.kind() == "function_definition" {
        reader.bind(name, None, Some(Expr::Function(scope)), node);
    }
    Expr::Function(scope)
}

fn function(reader: &mut Reader<'_>, node: Node<'_>, name: String) -> ScopeId {
    reader.inside(ScopeKind::Function, name, node, |reader| {
        for child in node.child_by_field_name("parameters").map(parts).unwrap_or_default() {
            parameter(reader, child);
        }
        reader.this().types = kind(reader, node, "return_type").into_iter().collect();
        match node.child_by_field_name("body") {
            Some(block) if block.kind() == "compound_statement" => body(reader, block),
            Some(value) => {
                let given = visit(reader, value);
                reader.awaited(&given);
                reader.returned(given, value);
            }
            None => (),
        }
    })
}

fn parameter(reader: &mut Reader<'_>, node: Node<'_>) {
    let Some(named) = node.child_by_field_name("name") else { return };
    let name = reader.text(named).trim_start_matches('&').trim_start().to_owned();
    let kind = kind(reader, node, "type");
    let default = node.child_by_field_name("default_value").map(|child| visit(reader, child));
    // `__construct(private Client $client)` makes a field of the class.
    if node.kind() == "property_promotion_parameter" {
        reader.bind(format!("this.{}", name.trim_start_matches('$')), kind.clone(), None, node);
    }
    let scope = reader.scope();
    annotate(reader, node, scope);
    reader.parameter(name, kind, default);
}

/// The statements of a block, or the only one; those that do nothing leave the scope empty.
fn body(reader: &mut Reader<'_>, block: Node<'_>) {
    let statements = match block.kind() {
        "compound_statement" | "colon_block" => parts(block),
        _ => vec![block],
    };
    reader.this().empty = statements
        .iter()
        .all(|one| one.kind() == "empty_statement" || one.kind() == "return_statement" && parts(*one).is_empty());
    for statement in statements {
        visit(reader, statement);
    }
}

fn class(reader: &mut Reader<'_>, node: Node<'_>) -> Expr {
    let name = reader.field_text(node, "name");
    let scope = reader.inside(ScopeKind::Class, name.clone(), node, |reader| {
        for clause in parts(node).into_iter().filter(|clause| clause.kind().ends_with("_clause")) {
            let types: Vec<String> = parts(clause).into_iter().map(|one| dotted(&reader.text(one))).collect();
            reader.this().types.extend(types);
        }
        for child in node.child_by_field_name("body").map(parts).unwrap_or_default() {
            // A trait gives its methods away.
            if child.kind() == "use_declaration" {
                let named = parts(child).into_iter().filter(|one| one.kind() != "use_list");
                let types: Vec<String> = named.map(|one| dotted(&reader.text(one))).collect();
                reader.this().types.extend(types);
            } else {
                visit(reader, child);
            }
        }
    });
    annotate(reader, node, scope);
    if !name.is_empty() {
        reader.bind(name, None, Some(Expr::Function(scope)), node);
    }
    Expr::Function(scope)
}

fn property(reader: &mut Reader<'_>, node: Node<'_>) -> Expr {
    let kind = kind(reader, node, "type");
    for child in parts(node) {
        match child.kind() {
            "property_element" => {
                let name = reader.field_text(child, "name");
                let value = child.child_by_field_name("default_value").map(|value| visit(reader, value));
                reader.bind(format!("this.{}", name.trim_start_matches('$')), kind.clone(), value, node);
            }
            "property_hook_list" => {
                visit(reader, child);
            }
            _ => (),
        }
    }
    let scope = reader.scope();
    annotate(reader, node, scope);
    Expr::Other
}

fn constant(reader: &mut Reader<'_>, node: Node<'_>) -> Expr {
    let children = parts(node);
    let Some(name) = children.first().map(|name| reader.text(*name)) else { return Expr::Other };
    let value = children.get(1).map(|value| visit(reader, *value));
    let name = if reader.this().kind == ScopeKind::Class { format!("this.{name}") } else { name };
    reader.bind(name, None, value, node);
    Expr::Other
}

fn enum_case(reader: &mut Reader<'_>, node: Node<'_>) -> Expr {
    let name = reader.field_text(node, "name");
    let value = node.child_by_field_name("value").map(|value| visit(reader, value));
    reader.bind(format!("this.{name}"), None, value, node);
    Expr::Other
}

fn annotate(reader: &mut Reader<'_>, node: Node<'_>, scope: ScopeId) {
    for group in node.child_by_field_name("attributes").map(parts).unwrap_or_default() {
        for attribute in parts(group) {
            let Some(named) = parts(attribute).first().copied() else { continue };
            let named = Expr::Name(name(reader, named));
            let arguments = arguments(reader, attribute.child_by_field_name("parameters"));
            reader.call_in(scope, named, arguments, CallRole::Annotation, attribute);
        }
    }
}

/// A name with its members, without noting that it is read.
fn path(reader: &mut Reader<'_>, node: Node<'_>) -> Expr {
    match node.kind() {
        "member_access_expression" | "nullsafe_member_access_expression" => {
            let of = node.child_by_field_name("object").map_or(Expr::Other, |child| callee(reader, child));
            named_member(reader, node, of)
        }
        "scoped_property_access_expression" => {
            let of = node.child_by_field_name("scope").map_or(Expr::Other, |child| callee(reader, child));
            let name = reader.field_text(node, "name");
            member(of, name.trim_start_matches('$'))
        }
        "class_constant_access_expression" => {
            let children = parts(node);
            let of = children.first().map_or(Expr::Other, |child| callee(reader, *child));
            match children.get(1).map(|name| reader.text(*name)) {
                // `Client::class` is the class itself.
                Some(name) if name != "class" => member(of, &name),
                _ => of,
            }
        }
        "subscript_expression" => {
            let children = parts(node);
            let of = children.first().map_or(Expr::Other, |child| callee(reader, *child));
            let key = children.get(1).map_or(Expr::Other, |child| visit(reader, *child));
            element(of, key)
        }
        _ => visit(reader, node),
    }
}

/// The member that `->name`, `::name` or `->$name` takes.
fn named_member(reader: &mut Reader<'_>, node: Node<'_>, of: Expr) -> Expr {
    match node.child_by_field_name("name") {
        Some(name) if name.kind() == "name" => {
            let name = reader.text(name);
            member(of, &name)
        }
        Some(other) => {
            let name = visit(reader, other);
            Expr::Index(Box::new(of), Box::new(name))
        }
        None => of,
    }
}

/// What is called, or has a member that is: not a read of its own.
fn callee(reader: &mut Reader<'_>, node: Node<'_>) -> Expr {
    match node.kind() {
        "parenthesized_expression" => {
            reader.deeper(node, |reader| parts(node).first().map_or(Expr::Other, |child| callee(reader, *child)))
        }
        kind if kind.ends_with("access_expression") || kind == "subscript_expression" => {
            reader.deeper(node, |reader| path(reader, node))
        }
        _ => visit(reader, node),
    }
}

fn read(reader: &mut Reader<'_>, node: Node<'_>) -> Expr {
    let value = path(reader, node);
    if matches!(&value, Expr::Name(name) if name.contains('.')) || node.kind() == "subscript_expression" {
        reader.read(&value, node);
    }
    value
}

fn function_call(reader: &mut Reader<'_>, node: Node<'_>) -> Expr {
    let named = node.child_by_field_name("function").map_or(Expr::Other, |child| callee(reader, child));
    let arguments = arguments(reader, node.child_by_field_name("arguments"));
    if named.name() == Some("define")
        && let [Argument { value: Expr::Text(constant), .. }, Argument { value, .. }, ..] = arguments.as_slice()
        && is_word(constant)
    {
        reader.bind(constant.clone(), None, Some(copy(value)), node);
    }
    reader.call(named, arguments, CallRole::Plain, node)
}

fn method_call(reader: &mut Reader<'_>, node: Node<'_>) -> Expr {
    let of = node.child_by_field_name("object").or_else(|| node.child_by_field_name("scope"));
    let of = of.map_or(Expr::Other, |child| callee(reader, child));
    let named = named_member(reader, node, of);
    let arguments = arguments(reader, node.child_by_field_name("arguments"));
    reader.call(named, arguments, CallRole::Plain, node)
}

fn creation(reader: &mut Reader<'_>, node: Node<'_>) -> Expr {
    let children = parts(node);
    let Some(made) = children.iter().find(|child| child.kind() != "arguments").copied() else { return Expr::Other };
    // Those of a class without a name stand in it.
    let list = children.iter().find(|child| child.kind() == "arguments").copied();
    let list = list.or_else(|| part(made, &["arguments"]));
    let named = callee(reader, made);
    let arguments = arguments(reader, list);
    reader.call(named, arguments, CallRole::Make, node)
}

fn arguments(reader: &mut Reader<'_>, list: Option<Node<'_>>) -> Vec<Argument> {
    let one = |child: Node<'_>| {
        let named = child.child_by_field_name("name");
        let value = parts(child).into_iter().rfind(|inner| Some(*inner) != named);
        let spread =
            child.kind() == "variadic_placeholder" || value.is_some_and(|value| value.kind() == "variadic_unpacking");
        let name = if spread { Some("...".to_owned()) } else { named.map(|named| reader.text(named)) };
        Argument { name, value: value.map_or(Expr::Other, |value| visit(reader, value)) }
    };
    list.map(parts).unwrap_or_default().into_iter().map(one).collect()
}

/// What the language itself does, written like a call of it.
fn intrinsic(reader: &mut Reader<'_>, node: Node<'_>, name: &str) -> Expr {
    let mut given = parts(node);
    if let [only] = given.as_slice()
        && only.kind() == "sequence_expression"
    {
        given = parts(*only);
    }
    let arguments = given.into_iter().map(|child| Argument { name: None, value: visit(reader, child) }).collect();
    reader.call(Expr::Name(name.to_owned()), arguments, CallRole::Plain, node)
}

/// Backticks are `shell_exec`.
fn shell(reader: &mut Reader<'_>, node: Node<'_>) -> Expr {
    let value = interpolated(reader, node);
    let arguments = vec![Argument { name: None, value }];
    reader.call(Expr::Name("shell_exec".to_owned()), arguments, CallRole::Plain, node)
}

fn single_quoted(reader: &mut Reader<'_>, node: Node<'_>) -> Expr {
    let text = reader.text(node);
    let inner = text.split_once('\'').map_or("", |(_, after)| after);
    let inner = inner.strip_suffix('\'').unwrap_or(inner).to_owned();
    reader.literal(inner, node)
}

fn interpolated(reader: &mut Reader<'_>, node: Node<'_>) -> Expr {
    let text = pieces(reader, node);
    reader.literal(text, node)
}

fn heredoc(reader: &mut Reader<'_>, node: Node<'_>) -> Expr {
    let text = node.child_by_field_name("value").map(|value| pieces(reader, value)).unwrap_or_default();
    reader.literal(dedented(&text), node)
}

/// The text between quotes; each variable or expression in it is read and is `{}`.
fn pieces(reader: &mut Reader<'_>, node: Node<'_>) -> String {
    let mut text = String::new();
    let mut cursor = node.walk();
    let children: Vec<Node<'_>> = node.children(&mut cursor).collect();
    let mut at = children.first().map_or(node.end_byte(), Node::start_byte);
    for child in children {
        // The ends of lines between two pieces belong to neither.
        text.push_str(&reader.between(at, child.start_byte()));
        at = child.end_byte();
        match child.kind() {
            "string_content" | "nowdoc_string" | "escape_sequence" => text.push_str(&reader.text(child)),
            _ if child.is_named() => {
                text.push_str("{}");
                visit(reader, child);
            }
            _ => (),
        }
    }
    text
}

/// An array with keys is an object, one without is a list.
fn array(reader: &mut Reader<'_>, node: Node<'_>) -> Expr {
    let mut items: Vec<(Option<String>, Expr)> = Vec::new();
    for child in parts(node) {
        let inner = parts(child);
        match inner.as_slice() {
            [spread] if spread.kind() == "variadic_unpacking" => {
                items.push((Some("...".to_owned()), visit(reader, *spread)));
            }
            [value] => items.push((None, visit(reader, *value))),
            [key, value, ..] => {
                let key = key_name(reader, *key);
                items.push((Some(key), visit(reader, *value)));
            }
            [] => (),
        }
    }
    if items.iter().any(|(key, _)| key.as_ref().is_some_and(|key| key != "...")) {
        let named =
            |(at, (key, value)): (usize, (Option<String>, Expr))| (key.unwrap_or_else(|| at.to_string()), value);
        return Expr::Object { kind: None, fields: items.into_iter().enumerate().map(named).collect() };
    }
    Expr::List(items.into_iter().map(|(_, value)| value).collect())
}

fn key_name(reader: &mut Reader<'_>, key: Node<'_>) -> String {
    match key.kind() {
        "string" | "encapsed_string" => pieces(reader, key),
        "class_constant_access_expression" => match callee(reader, key) {
            Expr::Name(name) => name,
            _ => reader.text(key),
        },
        _ => {
            visit(reader, key);
            reader.text(key)
        }
    }
}

fn assignment(reader: &mut Reader<'_>, node: Node<'_>) -> Expr {
    let value = field(reader, node, "right");
    if let Some(left) = node.child_by_field_name("left") {
        bind(reader, left, Some(&value), 0, node);
    }
    value
}

fn bind(reader: &mut Reader<'_>, target: Node<'_>, value: Option<&Expr>, nth: usize, node: Node<'_>) {
    match target.kind() {
        "list_literal" | "array_creation_expression" => unpack(reader, target, value, node),
        "by_ref" => {
            if let Some(inner) = parts(target).first() {
                bind(reader, *inner, value, nth, node);
            }
        }
        _ => {
            if let Expr::Name(name) = callee(reader, target) {
                reader.bind_nth(name, None, value.map(copy), nth, node);
            }
        }
    }
}

/// `[$a, $b] = pair()`, `["key" => $c] = $row`.
fn unpack(reader: &mut Reader<'_>, target: Node<'_>, value: Option<&Expr>, node: Node<'_>) {
    // Only what is small is worth to stand at each of them.
    let value = value.filter(|value| matches!(value, Expr::Call(_) | Expr::Name(_)));
    let targets = parts(target).into_iter().filter_map(|child| {
        let inner =
            if child.kind() == "array_element_initializer" { parts(child).last().copied() } else { Some(child) };
        inner.filter(|inner| !matches!(inner.kind(), "string" | "encapsed_string" | "integer"))
    });
    for (at, inner) in targets.enumerate() {
        reader.deeper(inner, |reader| {
            bind(reader, inner, value, at, node);
            Expr::Other
        });
    }
}

fn augmented(reader: &mut Reader<'_>, node: Node<'_>) -> Expr {
    let operator = reader.field_text(node, "operator");
    let left = field(reader, node, "left");
    let right = field(reader, node, "right");
    if operator == "??=" {
        reader.default_of(&left, &right);
        if let Expr::Name(name) = left {
            reader.bind(name, None, Some(copy(&right)), node);
        }
        return right;
    }
    Expr::Operation(operator, vec![left, right])
}

fn static_variable(reader: &mut Reader<'_>, node: Node<'_>) -> Expr {
    let name = reader.field_text(node, "name");
    let value = node.child_by_field_name("value").map(|value| visit(reader, value));
    reader.bind(name, None, value, node);
    Expr::Other
}

fn binary(reader: &mut Reader<'_>, node: Node<'_>) -> Expr {
    let [left, right] = ["left", "right"].map(|side| field(reader, node, side));
    let operator = reader.field_text(node, "operator").to_ascii_lowercase();
    let operator = match operator.as_str() {
        "and" => "&&".to_owned(),
        "or" => "||".to_owned(),
        "<>" => "!=".to_owned(),
        _ => operator,
    };
    match operator.as_str() {
        "??" => reader.default_of(&left, &right),
        // `connect() or die()` looks at what went wrong.
        "||" => reader.awaited(&left),
        _ => (),
    }
    Expr::Operation(operator, vec![left, right])
}

fn unary(reader: &mut Reader<'_>, node: Node<'_>) -> Expr {
    let inner = first(reader, node);
    let operator = node.child(0).map(|operator| reader.text(operator)).unwrap_or_default();
    match (operator.as_str(), inner) {
        ("-", Expr::Number(number)) => Expr::Number(format!("-{number}")),
        ("+", inner) => inner,
        (_, inner) => Expr::Operation(operator, vec![inner]),
    }
}

fn update(reader: &mut Reader<'_>, node: Node<'_>) -> Expr {
    let inner = field(reader, node, "argument");
    Expr::Operation(reader.field_text(node, "operator"), vec![inner])
}

fn conditional(reader: &mut Reader<'_>, node: Node<'_>) -> Expr {
    let condition = field(reader, node, "condition");
    let consequence = node.child_by_field_name("body").map(|child| visit(reader, child));
    let alternative = field(reader, node, "alternative");
    if let Some(consequence) = consequence {
        return Expr::Operation("?".to_owned(), vec![condition, consequence, alternative]);
    }
    reader.default_of(&condition, &alternative);
    Expr::Operation("?:".to_owned(), vec![condition, alternative])
}

fn expression_statement(reader: &mut Reader<'_>, node: Node<'_>) -> Expr {
    for child in parts(node) {
        let value = visit(reader, child);
        match &value {
            Expr::Operation(operator, inner) if operator == "@" => inner.iter().for_each(|one| reader.dropped(one)),
            // An assignment gives its value on, but it is kept.
            _ if child.kind().ends_with("assignment_expression") => (),
            value => reader.dropped(value),
        }
    }
    Expr::Other
}

fn give_back(reader: &mut Reader<'_>, node: Node<'_>) -> Expr {
    let value = parts(node).first().map_or(Expr::Null, |child| visit(reader, *child));
    reader.awaited(&value);
    reader.returned(value, node);
    Expr::Other
}

fn throw(reader: &mut Reader<'_>, node: Node<'_>) -> Expr {
    let thrown = first(reader, node);
    if matches!(thrown, Expr::Call(_)) {
        reader.in_role(&thrown, CallRole::Throw);
    } else {
        reader.call(thrown, Vec::new(), CallRole::Throw, node);
    }
    Expr::Other
}

fn if_statement(reader: &mut Reader<'_>, node: Node<'_>) -> Expr {
    let alternatives = fields(node, "alternative");
    branch(reader, node, &alternatives);
    Expr::Other
}

/// An `elseif` stands in the arm where the conditions before it do not hold.
fn branch(reader: &mut Reader<'_>, node: Node<'_>, alternatives: &[Node<'_>]) {
    let condition = field(reader, node, "condition");
    if let Some(block) = node.child_by_field_name("body") {
        reader.inside(ScopeKind::Branch, String::new(), block, |reader| {
            reader.this().condition = Some(copy(&condition));
            body(reader, block);
        });
    }
    let Some((next, rest)) = alternatives.split_first() else { return };
    reader.inside(ScopeKind::Branch, String::new(), *next, |reader| {
        reader.this().condition = Some(Expr::Operation("!".to_owned(), vec![condition]));
        if next.kind() == "else_if_clause" {
            reader.deeper(*next, |reader| {
                branch(reader, *next, rest);
                Expr::Other
            });
        } else if let Some(block) = next.child_by_field_name("body") {
            body(reader, block);
        }
    });
}

fn case(reader: &mut Reader<'_>, node: Node<'_>) -> Expr {
    let value = node.child_by_field_name("value");
    reader.inside(ScopeKind::Branch, String::new(), node, |reader| {
        let condition = value.map(|value| visit(reader, value));
        reader.this().condition = condition;
        for child in parts(node).into_iter().filter(|child| Some(*child) != value) {
            visit(reader, child);
        }
    });
    Expr::Other
}

fn match_arm(reader: &mut Reader<'_>, node: Node<'_>) -> Expr {
    let values = node.child_by_field_name("conditional_expressions");
    reader.inside(ScopeKind::Branch, String::new(), node, |reader| {
        let condition = values.map(|values| match visit(reader, values) {
            Expr::List(mut items) if items.len() == 1 => items.pop().unwrap_or(Expr::Other),
            other => other,
        });
        reader.this().condition = condition;
        field(reader, node, "return_expression");
    });
    Expr::Other
}

/// What it goes over is read once, before the loop.
fn foreach(reader: &mut Reader<'_>, node: Node<'_>) -> Expr {
    let block = node.child_by_field_name("body");
    let children: Vec<Node<'_>> = parts(node).into_iter().filter(|child| Some(*child) != block).collect();
    let over = children.first().map_or(Expr::Other, |child| visit(reader, *child));
    reader.inside(ScopeKind::Loop, String::new(), node, |reader| {
        reader.this().condition = Some(Expr::Operation("range".to_owned(), vec![over]));
        for target in children.iter().skip(1) {
            let targets = if target.kind() == "pair" { parts(*target) } else { vec![*target] };
            for target in targets {
                bind(reader, target, None, 0, target);
            }
        }
        if let Some(block) = block {
            body(reader, block);
        }
    });
    Expr::Other
}

fn repeat(reader: &mut Reader<'_>, node: Node<'_>) -> Expr {
    field(reader, node, "initialize");
    reader.inside(ScopeKind::Loop, String::new(), node, |reader| {
        let condition = node.child_by_field_name("condition").map(|condition| visit(reader, condition));
        reader.this().condition = condition;
        let blocks = fields(node, "body");
        if let [block] = blocks.as_slice() {
            body(reader, *block);
        } else {
            for block in blocks {
                visit(reader, block);
            }
        }
        field(reader, node, "update");
    });
    Expr::Other
}

fn trying(reader: &mut Reader<'_>, node: Node<'_>) -> Expr {
    if let Some(block) = node.child_by_field_name("body") {
        reader.inside(ScopeKind::Try, String::new(), block, |reader| body(reader, block));
    }
    for clause in parts(node) {
        let kind = match clause.kind() {
            "catch_clause" => ScopeKind::Catch,
            "finally_clause" => ScopeKind::Finally,
            _ => continue,
        };
        let variable = reader.field_text(clause, "name");
        let types = clause.child_by_field_name("type").map(parts).unwrap_or_default();
        let types = types.into_iter().map(|one| dotted(&reader.text(one))).collect();
        reader.inside(kind, variable, clause, |reader| {
            reader.this().types = types;
            if let Some(block) = clause.child_by_field_name("body") {
                body(reader, block);
            }
        });
    }
    Expr::Other
}

fn unset(reader: &mut Reader<'_>, node: Node<'_>) -> Expr {
    for child in parts(node) {
        callee(reader, child);
    }
    Expr::Other
}
