//! Rust.

use tree_sitter::Node;

use super::{
    steps::{first, gives_back, is_empty, list, not, statement, through, unary, value_of},
    visit,
};
use crate::{
    Argument, CallRole, Expr, ScopeKind,
    reader::{NAME_LIMIT, Reader, copy, element, fields, member, number, part, parts},
};

mod tokens;

pub(crate) fn visit_node(reader: &mut Reader<'_>, node: Node<'_>) -> Expr {
    match node.kind() {
        "use_declaration" => import(reader, node),
        "extern_crate_declaration" => {
            let module = reader.field_text(node, "name");
            let alias = reader.field_text(node, "alias");
            let local = if alias.is_empty() { module.clone() } else { alias };
            reader.import(module, None, local, node);
            Expr::Other
        }
        "source_file" | "declaration_list" | "enum_variant_list" => {
            items(reader, node);
            Expr::Other
        }
        "block" => items(reader, node),
        "function_item" | "function_signature_item" => {
            let name = reader.field_text(node, "name");
            let value = function(reader, node, name.clone(), &[]);
            if reader.this().kind != ScopeKind::Class {
                reader.bind(name, None, Some(copy(&value)), node);
            }
            value
        }
        "struct_item" | "union_item" | "enum_item" | "trait_item" | "impl_item" | "mod_item" => {
            class(reader, node, &[])
        }
        "attribute_item" | "inner_attribute_item" => annotation(reader, node),
        "const_item" | "static_item" => {
            let name = reader.field_text(node, "name");
            let kind = node.child_by_field_name("type").and_then(|kind| kind_of(reader, kind));
            let value = node.child_by_field_name("value").map(|value| visit(reader, value));
            reader.bind(name, kind, value, node);
            Expr::Other
        }
        "let_declaration" => declaration(reader, node),
        // A macro of this file is no code before it is used.
        "macro_definition" | "type_item" | "associated_type" | "where_clause" | "type_parameters" => Expr::Other,
        "closure_expression" => closure(reader, node),
        "async_block" => {
            let scope = reader.inside(ScopeKind::Function, String::new(), node, |reader| {
                reader.this().asynchronous = true;
                body(reader, part(node, &["block"]));
            });
            Expr::Function(scope)
        }
        "if_expression" => branch(reader, node),
        "match_expression" => choice(reader, node),
        "for_expression" | "while_expression" | "loop_expression" => repeat(reader, node),
        "expression_statement" => {
            // The last expression of a block is a statement to the grammar when it ends with a brace.
            let ended = reader.between(node.end_byte().saturating_sub(1), node.end_byte()) == ";";
            if ended { statement(reader, node) } else { first(reader, node) }
        }
        _ => expression(reader, node),
    }
}

fn expression(reader: &mut Reader<'_>, node: Node<'_>) -> Expr {
    match node.kind() {
        "call_expression" => call(reader, node),
        "macro_invocation" => macro_call(reader, node),
        "await_expression" | "try_expression" => {
            let value = first(reader, node);
            reader.awaited(&value);
            value
        }
        "return_expression" => {
            let value = if parts(node).is_empty() { Expr::Null } else { first(reader, node) };
            gives_back(reader, value, node);
            Expr::Other
        }
        "identifier"
        | "shorthand_field_identifier"
        | "type_identifier"
        | "crate"
        | "super"
        | "primitive_type"
        | "metavariable" => Expr::Name(reader.text(node)),
        "self" => Expr::Name("this".to_owned()),
        "scoped_identifier" | "field_expression" | "index_expression" => {
            let value = callee(reader, node);
            reader.read(&value, node);
            value
        }
        "scoped_type_identifier" | "generic_type" | "generic_type_with_turbofish" | "generic_function" => {
            Expr::Name(path(&reader.text(node)))
        }
        "struct_expression" => structure(reader, node),
        "let_condition" => {
            let value = value_of(reader, node, "value");
            reader.awaited(&value);
            let mut items = Vec::new();
            if let Some(pattern) = node.child_by_field_name("pattern") {
                items.extend(pattern_value(reader, pattern));
                bind(reader, pattern, None, Some(&value), 0);
            }
            items.push(value);
            Expr::Operation("let".to_owned(), items)
        }
        "let_chain" => {
            let items = parts(node).into_iter().map(|child| visit(reader, child)).collect();
            Expr::Operation("&&".to_owned(), items)
        }
        "assignment_expression" => assignment(reader, node),
        "binary_expression" | "compound_assignment_expr" => {
            let items = ["left", "right"].map(|field| value_of(reader, node, field));
            Expr::Operation(reader.field_text(node, "operator"), items.into())
        }
        "unary_expression" => {
            let inner = first(reader, node);
            let operator = reader.between(node.start_byte(), node.start_byte() + 1);
            if operator == "*" { inner } else { unary(operator, inner) }
        }
        "reference_expression" | "type_cast_expression" => value_of(reader, node, "value"),
        "range_expression" => {
            let items = parts(node).into_iter().map(|child| visit(reader, child)).collect();
            Expr::Operation("..".to_owned(), items)
        }
        "parenthesized_expression" | "unsafe_block" | "const_block" | "else_clause" | "field_initializer_list" => {
            first(reader, node)
        }
        "tuple_expression" | "array_expression" => list(reader, node),
        _ => literal(reader, node),
    }
}

fn literal(reader: &mut Reader<'_>, node: Node<'_>) -> Expr {
    match node.kind() {
        "string_literal" | "raw_string_literal" | "char_literal" => {
            let text = reader.text(node);
            let inner = text.trim_start_matches(['b', 'c', 'r']).trim_matches('#');
            reader.literal(inner.get(1..inner.len().saturating_sub(1)).unwrap_or_default().to_owned(), node)
        }
        "integer_literal" | "float_literal" | "negative_literal" => {
            let text = reader.text(node);
            let end = text.find(['u', 'i', '_']).filter(|_| text.starts_with("0x"));
            number(text.get(..end.unwrap_or(text.len())).unwrap_or_default())
        }
        "boolean_literal" => Expr::Bool(reader.text(node) == "true"),
        "unit_expression" => Expr::List(Vec::new()),
        _ => through(reader, node),
    }
}

/// A path with dots and without types: `Vec::<u32>::new` is `Vec.new`.
fn path(text: &str) -> String {
    let mut plain = String::new();
    let mut depth = 0_usize;
    for letter in text.chars().filter(|letter| !letter.is_whitespace()) {
        match letter {
            '<' => depth += 1,
            '>' => depth = depth.saturating_sub(1),
            _ if depth > 0 => (),
            ':' if plain.ends_with('.') || plain.is_empty() => (),
            ':' => plain.push('.'),
            letter => plain.push(letter),
        }
    }
    let plain = plain.trim_end_matches('.').replace("r#", "");
    plain.strip_prefix("self.").map(str::to_owned).unwrap_or(plain)
}

/// What only holds or lends another type.
const HOLDERS: &[&str] = &[
    "Arc",
    "Rc",
    "Box",
    "Pin",
    "Cow",
    "Option",
    "Result",
    "Lazy",
    "LazyLock",
    "OnceCell",
    "OnceLock",
    "Data",
    "State",
    "Extension",
];

/// The name of a type without references, arguments and what only holds it: `&Arc<reqwest::Client>` is `reqwest.Client`.
fn kind_of(reader: &Reader<'_>, node: Node<'_>) -> Option<String> {
    let mut node = node;
    loop {
        let inner = match node.kind() {
            "reference_type" | "pointer_type" => node.child_by_field_name("type"),
            "dynamic_type" | "abstract_type" => node.child_by_field_name("trait"),
            "array_type" => node.child_by_field_name("element"),
            "bounded_type" | "higher_ranked_trait_bound" => {
                parts(node).into_iter().find(|child| child.kind() != "lifetime" && child.kind() != "type_parameters")
            }
            "generic_type" => {
                let name = path(&reader.field_text(node, "type"));
                let held = name.rsplit('.').next().is_some_and(|name| HOLDERS.contains(&name));
                match held.then(|| argument_of(node)).flatten() {
                    None => return Some(name),
                    held => held,
                }
            }
            "type_identifier" | "scoped_type_identifier" | "primitive_type" | "identifier" => {
                return Some(path(&reader.text(node)));
            }
            _ => None,
        };
        node = inner?;
    }
}

/// The first type that a type is given.
fn argument_of(node: Node<'_>) -> Option<Node<'_>> {
    let arguments = node.child_by_field_name("type_arguments")?;
    parts(arguments).into_iter().find(|child| child.kind() != "lifetime")
}

/// `use a::{self, b::C as D, e::*}`.
fn import(reader: &mut Reader<'_>, node: Node<'_>) -> Expr {
    let mut waiting: Vec<(Node<'_>, String)> =
        node.child_by_field_name("argument").map(|tree| (tree, String::new())).into_iter().collect();
    while let Some((tree, prefix)) = waiting.pop() {
        // Every name of a list repeats what stands before the list.
        if prefix.len() > NAME_LIMIT {
            continue;
        }
        let joined = |text: &str| {
            let text = path(text);
            if prefix.is_empty() || text.is_empty() { format!("{prefix}{text}") } else { format!("{prefix}.{text}") }
        };
        match tree.kind() {
            "scoped_use_list" => {
                let prefix = joined(&reader.field_text(tree, "path"));
                let inner = tree.child_by_field_name("list").map(parts).unwrap_or_default();
                waiting.extend(inner.into_iter().rev().map(|child| (child, prefix.clone())));
            }
            "use_list" => waiting.extend(parts(tree).into_iter().rev().map(|child| (child, prefix.clone()))),
            "use_wildcard" => {
                let module = joined(&parts(tree).first().map(|path| reader.text(*path)).unwrap_or_default());
                reader.import(module, Some("*".to_owned()), String::new(), tree);
            }
            "self" => {
                let local = prefix.rsplit('.').next().unwrap_or_default().to_owned();
                reader.import(prefix, None, local, tree);
            }
            kind => {
                let renamed = kind == "use_as_clause";
                let whole = if renamed { reader.field_text(tree, "path") } else { reader.text(tree) };
                let whole = if whole == "self" { prefix.clone() } else { joined(&whole) };
                let alias = renamed.then(|| reader.field_text(tree, "alias"));
                let last = whole.rsplit('.').next().unwrap_or_default().to_owned();
                // `as _` takes a trait for its methods alone.
                let local = alias.map_or(last, |alias| if alias == "_" { String::new() } else { alias });
                match whole.rsplit_once('.') {
                    Some((module, name)) => reader.import(module.to_owned(), Some(name.to_owned()), local, tree),
                    None => reader.import(whole, None, local, tree),
                }
            }
        }
    }
    Expr::Other
}

/// The items and statements of a body; attributes belong to what follows them. Gives the value of the last one.
fn items(reader: &mut Reader<'_>, node: Node<'_>) -> Expr {
    let mut waiting: Vec<Node<'_>> = Vec::new();
    let mut last = Expr::Other;
    let outer = Some(node).filter(|node| node.kind() == "declaration_list").and_then(|node| node.parent());
    let of_type = outer.is_some_and(|outer| matches!(outer.kind(), "impl_item" | "trait_item"));
    for child in parts(node) {
        last = match child.kind() {
            "attribute_item" => {
                waiting.push(child);
                continue;
            }
            "function_item" | "function_signature_item" => {
                let name = reader.field_text(child, "name");
                let value = function(reader, child, name.clone(), &waiting);
                // A method is not seen by its bare name.
                if !of_type {
                    reader.bind(name, None, Some(copy(&value)), child);
                }
                value
            }
            "struct_item" | "union_item" | "enum_item" | "trait_item" | "impl_item" | "mod_item" => {
                class(reader, child, &waiting)
            }
            "enum_variant" => {
                annotate(reader, &waiting);
                variant(reader, child);
                Expr::Other
            }
            "const_item" if of_type => {
                annotate(reader, &waiting);
                let name = reader.field_text(child, "name");
                let kind = child.child_by_field_name("type").and_then(|kind| kind_of(reader, kind));
                let value = child.child_by_field_name("value").map(|value| visit(reader, value));
                reader.bind(format!("this.{name}"), kind, value, child);
                Expr::Other
            }
            _ => {
                annotate(reader, &waiting);
                visit(reader, child)
            }
        };
        waiting.clear();
    }
    last
}

fn annotate(reader: &mut Reader<'_>, attributes: &[Node<'_>]) {
    for attribute in attributes {
        annotation(reader, *attribute);
    }
}

/// `#[name]`, `#[name(arguments)]`, `#[name = value]`.
fn annotation(reader: &mut Reader<'_>, node: Node<'_>) -> Expr {
    let Some(attribute) = part(node, &["attribute"]) else { return Expr::Other };
    let name = parts(attribute).first().map(|name| path(&reader.text(*name))).unwrap_or_default();
    let mut given = Vec::new();
    if let Some(list) = attribute.child_by_field_name("arguments") {
        given = tokens::arguments(reader, list);
    } else if let Some(value) = attribute.child_by_field_name("value") {
        given.push(Argument { name: None, value: visit(reader, value) });
    }
    reader.call(Expr::Name(name), given, CallRole::Annotation, node);
    Expr::Other
}

/// The traits of `#[derive(Clone, Validate)]`.
fn derived(reader: &Reader<'_>, attribute: Node<'_>) -> Vec<String> {
    let text = reader.text(attribute);
    let inner = text.trim_start_matches(['#', '[', ' ']).strip_prefix("derive").map(str::trim_start);
    let Some(list) = inner.and_then(|rest| rest.strip_prefix('(')?.split_once(')')) else { return Vec::new() };
    list.0.split(',').map(|name| path(name.trim())).filter(|name| !name.is_empty()).collect()
}

/// A `struct`, an `enum`, a `trait`, an `impl` for a type, a module with its body.
fn class(reader: &mut Reader<'_>, node: Node<'_>, attributes: &[Node<'_>]) -> Expr {
    let Some(body) = node.child_by_field_name("body").or_else(|| (node.kind() != "mod_item").then_some(node)) else {
        annotate(reader, attributes);
        // `mod links;` stands for another file.
        let name = reader.field_text(node, "name");
        reader.import(format!("self.{name}"), None, name, node);
        return Expr::Other;
    };
    let name = match node.kind() {
        "impl_item" => node.child_by_field_name("type").and_then(|kind| kind_of(reader, kind)).unwrap_or_default(),
        _ => reader.field_text(node, "name"),
    };
    let above = match node.kind() {
        "impl_item" => node.child_by_field_name("trait").into_iter().collect(),
        _ => node.child_by_field_name("bounds").map(parts).unwrap_or_default(),
    };
    let mut types: Vec<String> = above.into_iter().filter_map(|kind| kind_of(reader, kind)).collect();
    // What is derived, it implements.
    types.extend(attributes.iter().flat_map(|attribute| derived(reader, *attribute)));
    let scope = reader.inside(ScopeKind::Class, name, node, |reader| {
        reader.this().types = types;
        annotate(reader, attributes);
        match body.kind() {
            "field_declaration_list" | "ordered_field_declaration_list" => held(reader, body),
            "declaration_list" | "enum_variant_list" => {
                items(reader, body);
            }
            _ => (),
        }
    });
    Expr::Function(scope)
}

/// The fields of a struct; those of a tuple are called by their numbers.
fn held(reader: &mut Reader<'_>, body: Node<'_>) {
    for child in parts(body) {
        match child.kind() {
            "field_declaration" => {
                let name = reader.field_text(child, "name");
                let kind = child.child_by_field_name("type").and_then(|kind| kind_of(reader, kind));
                reader.bind(format!("this.{name}"), kind, None, child);
            }
            "attribute_item" => {
                annotation(reader, child);
            }
            _ => (),
        }
    }
    if body.kind() == "ordered_field_declaration_list" {
        for (at, kind) in fields(body, "type").into_iter().enumerate() {
            let name = kind_of(reader, kind);
            reader.bind(format!("this.{at}"), name, None, kind);
        }
    }
}

fn variant(reader: &mut Reader<'_>, node: Node<'_>) {
    let value = node.child_by_field_name("value").map(|value| visit(reader, value));
    let name = reader.field_text(node, "name");
    reader.bind(format!("this.{name}"), None, value, node);
    for list in node.child_by_field_name("body").map(parts).unwrap_or_default() {
        if list.kind() == "attribute_item" {
            annotation(reader, list);
        }
    }
}

fn function(reader: &mut Reader<'_>, node: Node<'_>, name: String, attributes: &[Node<'_>]) -> Expr {
    let gives = node.child_by_field_name("return_type");
    let mut types: Vec<String> = gives.and_then(|gives| kind_of(reader, gives)).into_iter().collect();
    // `Result<Order>` gives an `Order`, and a `Result`.
    if let Some(outer) = gives.filter(|gives| gives.kind() == "generic_type") {
        let outer = path(&reader.field_text(outer, "type"));
        if !types.contains(&outer) {
            types.push(outer);
        }
    }
    let asynchronous = part(node, &["function_modifiers"]).is_some_and(|words| reader.text(words).contains("async"));
    let scope = reader.inside(ScopeKind::Function, name, node, |reader| {
        reader.this().types = types;
        reader.this().asynchronous = asynchronous;
        annotate(reader, attributes);
        if let Some(list) = node.child_by_field_name("parameters") {
            parameters(reader, list);
        }
        body(reader, node.child_by_field_name("body"));
    });
    Expr::Function(scope)
}

/// The body of a function: its last expression is returned.
fn body(reader: &mut Reader<'_>, block: Option<Node<'_>>) {
    let Some(block) = block else { return };
    reader.this().empty = is_empty(block);
    let value = visit(reader, block);
    let last = parts(block).into_iter().next_back().unwrap_or(block);
    let given = block.kind() != "block" || is_value(reader, last);
    if given && !matches!(value, Expr::Other) {
        gives_back(reader, value, last);
    }
}

/// Whether the last thing in a block is its value.
fn is_value(reader: &Reader<'_>, last: Node<'_>) -> bool {
    let ended = || reader.between(last.end_byte().saturating_sub(1), last.end_byte()) == ";";
    match last.kind() {
        "expression_statement" => !ended(),
        kind => {
            !(kind.ends_with("_item") || kind.ends_with("declaration") || kind == "block" || kind == "empty_statement")
        }
    }
}

fn parameters(reader: &mut Reader<'_>, list: Node<'_>) {
    for child in parts(list) {
        match child.kind() {
            "parameter" => {
                let Some(pattern) = child.child_by_field_name("pattern") else { continue };
                let kind = child.child_by_field_name("type");
                let name = kind.and_then(|kind| kind_of(reader, kind));
                let names = names_in(reader, pattern);
                // `State(pool): State<Pool>` takes the state apart.
                let inner = kind.filter(|_| pattern.kind() == "tuple_struct_pattern").and_then(argument_of);
                let inner = inner.and_then(|inner| kind_of(reader, inner));
                let single = pattern.kind() != "tuple_pattern" && names.len() == 1;
                for one in names {
                    let kind = inner.clone().or_else(|| name.clone().filter(|_| single));
                    reader.parameter(one, kind, None);
                }
            }
            "attribute_item" => {
                annotation(reader, child);
            }
            "self_parameter" => (),
            _ => {
                for name in names_in(reader, child) {
                    reader.parameter(name, None, None);
                }
            }
        }
    }
}

/// The variables of a pattern.
fn names_in(reader: &Reader<'_>, pattern: Node<'_>) -> Vec<String> {
    let mut found = Vec::new();
    let mut waiting = vec![pattern];
    while let Some(one) = waiting.pop() {
        let kind = one.child_by_field_name("type");
        match one.kind() {
            "identifier" | "shorthand_field_identifier" => found.push(reader.text(one)),
            _ => waiting.extend(parts(one).into_iter().rev().filter(|child| Some(*child) != kind)),
        }
    }
    found
}

fn closure(reader: &mut Reader<'_>, node: Node<'_>) -> Expr {
    let inner = node.child_by_field_name("body");
    let scope = reader.inside(ScopeKind::Function, String::new(), node, |reader| {
        let mut cursor = node.walk();
        reader.this().asynchronous = node.children(&mut cursor).take(3).any(|child| child.kind() == "async");
        if let Some(list) = node.child_by_field_name("parameters") {
            parameters(reader, list);
        }
        body(reader, inner);
    });
    Expr::Function(scope)
}

/// `let pattern: Kind = value else { … }`.
fn declaration(reader: &mut Reader<'_>, node: Node<'_>) -> Expr {
    let kind = node.child_by_field_name("type").and_then(|kind| kind_of(reader, kind));
    let value = node.child_by_field_name("value").map(|value| visit(reader, value));
    let Some(pattern) = node.child_by_field_name("pattern") else { return Expr::Other };
    if let Some(value) = &value
        && reader.text(pattern) == "_"
    {
        reader.dropped(value);
    }
    if let Some(otherwise) = node.child_by_field_name("alternative") {
        let condition = value.as_ref().map_or(Expr::Other, copy);
        reader.awaited(&condition);
        let mut items: Vec<Expr> = pattern_value(reader, pattern).into_iter().collect();
        items.push(condition);
        // `let Ok(value) = call() else { … }` handles the error.
        let takes = pattern.child_by_field_name("type").map(|kind| reader.text(kind));
        let caught = (takes.as_deref() == Some("Ok")).then(Caught::default);
        arm(reader, otherwise, Some(not(Expr::Operation("let".to_owned(), items))), caught);
    }
    bind(reader, pattern, kind, value.as_ref(), 0);
    Expr::Other
}

/// Binds the variables of a pattern. The error in `Err(error)` is the second thing that a call gives.
fn bind(reader: &mut Reader<'_>, pattern: Node<'_>, kind: Option<String>, value: Option<&Expr>, nth: usize) {
    reader.deeper(pattern, |reader| {
        match pattern.kind() {
            "identifier" => {
                let name = reader.text(pattern);
                // A name in capitals is a constant or a variant to compare with.
                if name.starts_with(char::is_uppercase) {
                    return Expr::Other;
                }
                reader.bind_nth(name, kind, value.map(copy), nth, pattern);
            }
            "tuple_pattern" | "slice_pattern" => {
                for (at, one) in parts(pattern).into_iter().enumerate() {
                    let item = match value {
                        Some(Expr::List(items)) => items.get(at).map(|item| (item, 0)),
                        other => other.map(|value| (value, at)),
                    };
                    bind(reader, one, None, item.map(|(item, _)| item), item.map_or(at, |(_, nth)| nth));
                }
            }
            "tuple_struct_pattern" => {
                let name = reader.field_text(pattern, "type");
                let kind_node = pattern.child_by_field_name("type");
                let nth = usize::from(name == "Err");
                for one in parts(pattern).into_iter().filter(|child| Some(*child) != kind_node) {
                    bind(reader, one, None, value, nth);
                }
            }
            "struct_pattern" => {
                for field in parts(pattern).into_iter().filter(|child| child.kind() == "field_pattern") {
                    let name = reader.field_text(field, "name");
                    let inner = value.map(copy).map(|value| member(value, &name));
                    match field.child_by_field_name("pattern") {
                        Some(deeper) => bind(reader, deeper, None, inner.as_ref(), nth),
                        None => reader.bind_nth(name, None, inner, nth, field),
                    }
                }
            }
            "mut_pattern" | "ref_pattern" | "reference_pattern" | "captured_pattern" | "or_pattern"
            | "match_pattern" => {
                for one in parts(pattern).into_iter().filter(|child| child.kind() != "mutable_specifier") {
                    bind(reader, one, kind.clone(), value, nth);
                }
            }
            _ => (),
        }
        Expr::Other
    });
}

/// What a pattern asks for: a literal, or the name of what it takes apart. None where everything fits.
fn pattern_value(reader: &mut Reader<'_>, pattern: Node<'_>) -> Option<Expr> {
    match pattern.kind() {
        "tuple_struct_pattern" | "struct_pattern" => Some(Expr::Name(path(&reader.field_text(pattern, "type")))),
        "scoped_identifier" => Some(Expr::Name(path(&reader.text(pattern)))),
        "identifier" => {
            let name = reader.text(pattern);
            // A lower-case name takes whatever comes.
            name.starts_with(char::is_uppercase).then_some(Expr::Name(name))
        }
        kind if kind.ends_with("_literal") => Some(visit(reader, pattern)),
        "or_pattern" | "reference_pattern" | "captured_pattern" | "tuple_pattern" => {
            let mut waiting = parts(pattern);
            let mut found = Vec::new();
            while let Some(one) = waiting.pop() {
                match one.kind() {
                    // `a | b | c` nests to the left.
                    "or_pattern" => waiting.extend(parts(one)),
                    "tuple_pattern" | "captured_pattern" | "reference_pattern" => (),
                    _ => found.extend(pattern_value(reader, one)),
                }
            }
            found.reverse();
            super::steps::several(found)
        }
        _ => None,
    }
}

/// The name that an error is bound to, and the kinds of error that are taken.
type Caught = (String, Vec<String>);

/// `Err(error)`, `Err(Error::Timeout)`: what runs then handles an error.
fn error_pattern(reader: &Reader<'_>, pattern: Node<'_>) -> Option<Caught> {
    let kind = pattern.child_by_field_name("type").filter(|_| pattern.kind() == "tuple_struct_pattern")?;
    if reader.text(kind) != "Err" {
        return None;
    }
    let inner = parts(pattern).into_iter().find(|child| *child != kind);
    Some(match inner.map(|inner| (inner.kind(), inner)) {
        Some(("identifier", inner)) => (reader.text(inner), Vec::new()),
        Some(("tuple_struct_pattern" | "struct_pattern", inner)) => {
            (String::new(), vec![path(&reader.field_text(inner, "type"))])
        }
        Some(("scoped_identifier" | "or_pattern" | "captured_pattern", inner)) => {
            (String::new(), vec![path(&reader.text(inner))])
        }
        _ => (String::new(), Vec::new()),
    })
}

/// A block that runs when its condition holds, with its value.
fn arm(reader: &mut Reader<'_>, node: Node<'_>, condition: Option<Expr>, caught: Option<Caught>) -> Expr {
    let mut value = Expr::Other;
    let kind = if caught.is_some() { ScopeKind::Catch } else { ScopeKind::Branch };
    reader.inside(kind, String::new(), node, |reader| {
        if let Some((name, types)) = caught {
            (reader.this().name, reader.this().types) = (name, types);
        }
        reader.this().condition = condition;
        reader.this().empty = is_empty(node);
        value = visit(reader, node);
    });
    value
}

fn branch(reader: &mut Reader<'_>, node: Node<'_>) -> Expr {
    let condition = value_of(reader, node, "condition");
    let mut items = vec![copy(&condition)];
    let pattern = node.child_by_field_name("condition").filter(|condition| condition.kind() == "let_condition");
    let pattern = pattern.and_then(|condition| condition.child_by_field_name("pattern"));
    let caught = pattern.and_then(|pattern| error_pattern(reader, pattern));
    if let Some(body) = node.child_by_field_name("consequence") {
        let value = arm(reader, body, Some(copy(&condition)), caught);
        items.push(value);
    }
    let otherwise = node.child_by_field_name("alternative");
    if let Some(body) = otherwise.and_then(|clause| parts(clause).into_iter().next()) {
        items.push(arm(reader, body, Some(not(condition)), None));
    }
    Expr::Operation("?".to_owned(), items)
}

fn choice(reader: &mut Reader<'_>, node: Node<'_>) -> Expr {
    let subject = value_of(reader, node, "value");
    reader.awaited(&subject);
    let mut items = vec![copy(&subject)];
    for one in node.child_by_field_name("body").map(parts).unwrap_or_default() {
        if one.kind() != "match_arm" {
            visit(reader, one);
            continue;
        }
        let body = one.child_by_field_name("value");
        let pattern = one.child_by_field_name("pattern");
        let guard = pattern.and_then(|pattern| pattern.child_by_field_name("condition"));
        let inner = pattern.and_then(|pattern| parts(pattern).into_iter().find(|child| Some(*child) != guard));
        let caught = inner.and_then(|inner| error_pattern(reader, inner));
        let kind = if caught.is_some() { ScopeKind::Catch } else { ScopeKind::Branch };
        reader.inside(kind, String::new(), one, |reader| {
            if let Some((name, types)) = caught {
                (reader.this().name, reader.this().types) = (name, types);
            }
            if pattern.is_some() {
                let asked = inner.and_then(|inner| pattern_value(reader, inner));
                reader.this().condition = asked;
                if let Some(inner) = inner {
                    bind(reader, inner, None, Some(&subject), 0);
                }
                if let Some(guard) = guard {
                    visit(reader, guard);
                }
            }
            if let Some(body) = body {
                // A guard has looked at what it is that is let go.
                reader.this().empty = guard.is_none() && (is_empty(body) || body.kind() == "unit_expression");
                items.push(visit(reader, body));
            }
        });
    }
    Expr::Operation("?".to_owned(), items)
}

fn repeat(reader: &mut Reader<'_>, node: Node<'_>) -> Expr {
    // What a loop goes over is read once, before it.
    let over = node.child_by_field_name("value").map(|over| visit(reader, over));
    reader.inside(ScopeKind::Loop, String::new(), node, |reader| {
        if let Some(pattern) = node.child_by_field_name("pattern") {
            bind(reader, pattern, None, None, 0);
        }
        let condition = match over {
            Some(over) => Some(Expr::Operation("range".to_owned(), vec![over])),
            None => node.child_by_field_name("condition").map(|condition| visit(reader, condition)),
        };
        reader.this().condition = condition;
        if let Some(body) = node.child_by_field_name("body") {
            reader.this().empty = is_empty(body);
            visit(reader, body);
        }
    });
    Expr::Other
}

/// A name with its members, without noting that it is read.
fn callee(reader: &mut Reader<'_>, node: Node<'_>) -> Expr {
    reader.deeper(node, |reader| match node.kind() {
        "field_expression" => {
            let of = node.child_by_field_name("value").map_or(Expr::Other, |child| callee(reader, child));
            let name = reader.field_text(node, "field");
            member(of, name.trim_start_matches("r#"))
        }
        "index_expression" => {
            let mut inner = parts(node).into_iter();
            let of = inner.next().map_or(Expr::Other, |of| callee(reader, of));
            let key = inner.next().map_or(Expr::Other, |key| visit(reader, key));
            element(of, key)
        }
        "scoped_identifier" => Expr::Name(path(&reader.text(node))),
        "generic_function" => {
            node.child_by_field_name("function").map_or(Expr::Other, |function| callee(reader, function))
        }
        "parenthesized_expression" => parts(node).first().map_or(Expr::Other, |child| callee(reader, *child)),
        _ => visit(reader, node),
    })
}

fn call(reader: &mut Reader<'_>, node: Node<'_>) -> Expr {
    let target = node.child_by_field_name("function").map_or(Expr::Other, |function| callee(reader, function));
    let list = node.child_by_field_name("arguments").map(parts).unwrap_or_default();
    let arguments = list.into_iter().map(|child| Argument { name: None, value: visit(reader, child) }).collect();
    // Whoever unwraps a result or maps its error has looked at it.
    if let Expr::Member(of, name) = &target
        && (["unwrap", "expect", "map_err", "or_else", "is_ok", "is_err", "context", "with_context", "inspect_err"]
            .contains(&name.as_str())
            || name.starts_with("unwrap_or"))
    {
        reader.awaited(of);
    }
    reader.call(target, arguments, CallRole::Plain, node)
}

fn macro_call(reader: &mut Reader<'_>, node: Node<'_>) -> Expr {
    let name = path(&reader.field_text(node, "macro"));
    let arguments = part(node, &["token_tree"]).map(|tree| tokens::arguments(reader, tree)).unwrap_or_default();
    // A macro of a crate that the root of the program takes with `#[macro_use]` stands there without a `use`.
    let log = matches!(name.as_str(), "trace" | "debug" | "info" | "warn" | "error")
        && !reader.module.imports.iter().any(|one| one.local == name || one.name.as_deref() == Some("*"));
    let name = if log { format!("log.{name}") } else { name };
    let stops = matches!(name.as_str(), "panic" | "unreachable" | "todo" | "unimplemented");
    let value = reader.call(Expr::Name(name), arguments, if stops { CallRole::Throw } else { CallRole::Plain }, node);
    if stops { Expr::Other } else { value }
}

fn structure(reader: &mut Reader<'_>, node: Node<'_>) -> Expr {
    let kind = node.child_by_field_name("name").map(|name| path(&reader.text(name)));
    let mut fields = Vec::new();
    for child in node.child_by_field_name("body").map(parts).unwrap_or_default() {
        match child.kind() {
            "field_initializer" => {
                let name = reader.field_text(child, "field");
                let value = value_of(reader, child, "value");
                fields.push((name, value));
            }
            "shorthand_field_initializer" => {
                let name = part(child, &["identifier"]).map(|name| reader.text(name)).unwrap_or_default();
                fields.push((name.clone(), Expr::Name(name)));
            }
            "base_field_initializer" => {
                let value = first(reader, child);
                fields.push(("...".to_owned(), value));
            }
            _ => {
                visit(reader, child);
            }
        }
    }
    Expr::Object { kind, fields }
}

fn assignment(reader: &mut Reader<'_>, node: Node<'_>) -> Expr {
    let value = value_of(reader, node, "right");
    let Some(left) = node.child_by_field_name("left") else { return value };
    if reader.between(left.start_byte(), left.end_byte().min(left.start_byte() + 2)) == "_" {
        reader.dropped(&value);
        return value;
    }
    let target = match left.kind() {
        "unary_expression" => parts(left).first().map_or(Expr::Other, |inner| callee(reader, *inner)),
        _ => callee(reader, left),
    };
    if let Expr::Name(name) = target {
        reader.bind(name, None, Some(copy(&value)), node);
    }
    Expr::Other
}
